-- as_progress: how far an execution is. An agent's work goes through phases; where it
-- is in them is told by what it says (progress lines and headings of its reasoning that
-- name a phase or a percentage) and by how much of the expected answer has streamed.
-- Much of it is in PL/pgSQL, which keeps its plans, and without jit: views call it for
-- many executions, and the planner takes a definition for large.

CREATE FUNCTION agent_studio_private.type_phases(agent_type text) RETURNS text[]
LANGUAGE sql IMMUTABLE
RETURN CASE agent_type
	WHEN 'architect' THEN ARRAY['Understanding Requirements', 'Analyzing Options', 'Designing Architecture', 'Documentation']
	WHEN 'builder' THEN ARRAY['Understanding the Task', 'Planning the Change', 'Writing Code', 'Writing Tests']
	WHEN 'validator' THEN ARRAY['Reading the Material', 'Checking Requirements', 'Looking for Defects', 'Writing the Report']
	WHEN 'scribe' THEN ARRAY['Gathering Facts', 'Outlining', 'Writing', 'Polishing']
	ELSE ARRAY['Reading the Task', 'Working', 'Finishing'] END;
COMMENT ON FUNCTION agent_studio_private.type_phases(text) IS
'The phases of an agent that has none of its own, by its type.';

CREATE FUNCTION agent_studio_private.phases_of(step agent_studio.steps) RETURNS text[]
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT coalesce((SELECT coalesce(v.phases, agent_studio_private.type_phases(a.agent_type))
					 FROM agent_studio.agent_versions v JOIN agent_studio.agents a USING (agent_id)
					 WHERE v.agent_version_id = (step).agent_version_id), agent_studio_private.type_phases(NULL));
END;
COMMENT ON FUNCTION agent_studio_private.phases_of(agent_studio.steps) IS
'The phases that the work of a step''s agent goes through.';

CREATE FUNCTION agent_studio_private.bar(percent integer, cells integer) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN repeat('█', least(100, greatest(0, percent)) * cells / 100) || repeat('░', cells - least(100, greatest(0, percent)) * cells / 100);
COMMENT ON FUNCTION agent_studio_private.bar(integer, integer) IS 'A percentage as a bar of so many cells; NULL for NULL.';

-- What is usual, by history.

CREATE FUNCTION agent_studio_private.usual_call(execution agent_studio.executions, step agent_studio.steps,
	OUT wait_seconds float8, OUT seconds float8, OUT output_tokens float8) RETURNS record
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
#variable_conflict use_column
BEGIN
	WITH past AS (
		(SELECT 1 AS place, e.execution_id, s.step_no
		 FROM (SELECT x.execution_id
			   -- A step that is new, or seldom reached, is not looked for in all that was ever run.
			   FROM agent_studio_private.newest_completed(NULL, (execution).workflow, false, 200) x) e
		 JOIN agent_studio.steps s ON s.execution_id = e.execution_id AND s.name = (step).name
		 WHERE s.state = 'completed'
		 ORDER BY e.execution_id DESC LIMIT 20)
		UNION ALL
		SELECT 2, e.execution_id, 1
		FROM (SELECT coalesce((execution).agent, (SELECT a.name FROM agent_studio.agent_versions v
			  JOIN agent_studio.agents a USING (agent_id) WHERE v.agent_version_id = (step).agent_version_id)) AS agent
			  OFFSET 0) w		-- a subquery within the condition would keep row security from the index
		CROSS JOIN LATERAL (
			SELECT x.execution_id FROM agent_studio_private.newest_completed(w.agent, NULL, true, 20) x) e),
	took AS (
		SELECT extract(epoch FROM a.first_token_at - a.sent_at)::float8 AS wait, extract(epoch FROM a.finished_at - a.sent_at)::float8 AS seconds,
			   a.output_tokens::float8 AS tokens
		FROM past p JOIN agent_studio.attempts a USING (execution_id, step_no)
		WHERE a.outcome = 'completed' AND p.place = (SELECT min(x.place) FROM past x))
	SELECT pg_catalog.percentile_cont(0.5) WITHIN GROUP (ORDER BY t.wait),
		   pg_catalog.percentile_cont(0.5) WITHIN GROUP (ORDER BY t.seconds),
		   pg_catalog.percentile_cont(0.5) WITHIN GROUP (ORDER BY t.tokens)
	INTO usual_call.wait_seconds, usual_call.seconds, usual_call.output_tokens
	FROM took t;
END
$$;
COMMENT ON FUNCTION agent_studio_private.usual_call(agent_studio.executions, agent_studio.steps) IS
'Medians of the calls that completed this step in the newest 20 completed executions of the workflow (of the newest 200) in which it was run, else the newest 20 tasks of the agent, that the current user can see: seconds to the first token, seconds in all, output tokens. NULL = none yet.';

-- Where a call is.

CREATE FUNCTION agent_studio_private.told_points(execution bigint, step integer, attempt integer, phases text[]) RETURNS integer
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT max(CASE
		WHEN p.phase <= cardinality(phases) THEN 100 * (p.phase - 1) + least(coalesce(p.percent, 0), 100)
		WHEN p.phase IS NULL AND t.source = 'progress' AND t.line ~ '^[0-9]{1,3} ?%' THEN cardinality(phases) * least(p.percent, 100)
		END)
	FROM (SELECT x.source, lower(ltrim(regexp_replace(left(x.content, 200), '^[^[:alnum:]]+', ''))) AS line
		  FROM agent_studio.thoughts x
		  WHERE x.execution_id = told_points.execution AND x.step_no = told_points.step AND x.attempt_no = told_points.attempt
			AND x.source IN ('progress', 'reasoning')
		  ORDER BY x.seq DESC LIMIT 500) t
	CROSS JOIN LATERAL (
		SELECT coalesce((SELECT min(u.n)::integer FROM unnest(phases) WITH ORDINALITY u (name, n)
						 WHERE pg_catalog.starts_with(t.line, lower(u.name))),
						nullif(substring(t.line FROM '^phase ([0-9]{1,2})(?![0-9])')::integer, 0)) AS phase,
			   substring(t.line FROM '(?:^|[^0-9.])([0-9]{1,3}) ?%')::integer AS percent) p;
END;
COMMENT ON FUNCTION agent_studio_private.told_points(bigint, integer, integer, text[]) IS
'How far an attempt is by its own words, 100 for each phase: lines that begin with a phase''s name or number, perhaps with a percentage, or progress lines that begin with a percentage. NULL = it has said nothing of the kind.';

CREATE FUNCTION agent_studio_private.expected_tokens_of(step agent_studio.steps) RETURNS integer
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT coalesce((SELECT v.max_output_tokens FROM agent_studio.agent_versions v WHERE v.agent_version_id = (step).agent_version_id),
					(SELECT m.max_output_tokens FROM agent_studio.models m WHERE m.model_id = (step).model_id));
END;
COMMENT ON FUNCTION agent_studio_private.expected_tokens_of(agent_studio.steps) IS
'Most output tokens that a step''s agent, else its model, may give; NULL = unknown.';

CREATE FUNCTION agent_studio_private.capped(share float8) RETURNS float8
LANGUAGE sql IMMUTABLE STRICT
RETURN least(1, greatest(0, share));
COMMENT ON FUNCTION agent_studio_private.capped(float8) IS 'A share within 0 and 1; NULL for NULL.';

CREATE FUNCTION agent_studio_private.step_share(execution agent_studio.executions, step agent_studio.steps) RETURNS float8
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
DECLARE
	usual record;
	call record;
	phases text[];
	waiting float8;			-- the share that is over with the first token
	streamed float8;		-- of what comes after it
	told float8;
BEGIN
	IF step.state IN ('completed', 'skipped') OR step.verdict = 'accepted' THEN
		RETURN 1;
	ELSIF step.attempt_no = 0 THEN
		RETURN 0;
	END IF;
	usual := agent_studio_private.usual_call(execution, step);
	SELECT c.first_token_at, c.output_tokens INTO call FROM agent_studio_private.calls c
	WHERE c.execution_id = step.execution_id AND c.step_no = step.step_no AND c.attempt_no = step.attempt_no;
	waiting := least(1, coalesce(usual.wait_seconds / nullif(usual.seconds, 0), 0));
	IF call.first_token_at IS NULL THEN
		streamed := 0;
		-- While it waits for another try nobody is at work.
		waiting := CASE WHEN step.state IN ('queued', 'retrying', 'paused') THEN 0 ELSE waiting * agent_studio_private.capped(
			extract(epoch FROM coalesce(step.finished_at, clock_timestamp()) - step.sent_at) / nullif(usual.wait_seconds, 0)) END;
	ELSE
		streamed := call.output_tokens / nullif(coalesce(usual.output_tokens, agent_studio_private.expected_tokens_of(step)), 0);
	END IF;
	phases := agent_studio_private.phases_of(step);
	told := agent_studio_private.told_points(step.execution_id, step.step_no, step.attempt_no, phases) / (100.0 * cardinality(phases));
	-- greatest() passes over what is not known.
	RETURN 0.99 * agent_studio_private.capped(greatest(told, waiting + (1 - waiting) * agent_studio_private.capped(streamed)) / 0.99);
END
$$;
COMMENT ON FUNCTION agent_studio_private.step_share(agent_studio.executions, agent_studio.steps) IS
'How much of a step is done, 0 to 1, and 1 only once it is: by the words of the attempt, or by the tokens that it has streamed of those that are usual (else of the most that it may give), the usual wait for the first one counted in; whichever is more. NULL = not known.';

CREATE FUNCTION agent_studio_private.task_step(execution agent_studio.executions) RETURNS agent_studio.steps
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT s FROM agent_studio.steps s WHERE s.execution_id = (execution).execution_id
	ORDER BY s.attempt_no > 0 DESC, s.step_no DESC LIMIT 1;
END;
COMMENT ON FUNCTION agent_studio_private.task_step(agent_studio.executions) IS
'The step in which a task is: its newest iteration that has begun.';

CREATE FUNCTION agent_studio_private.task_share(execution agent_studio.executions) RETURNS float8
LANGUAGE sql STABLE
RETURN CASE WHEN (execution).status = 'completed' THEN 1
	ELSE 0.99 * agent_studio_private.capped(agent_studio_private.step_share(execution, agent_studio_private.task_step(execution)) / 0.99) END;
COMMENT ON FUNCTION agent_studio_private.task_share(agent_studio.executions) IS
'How much of a task is done, 0 to 1, and 1 only once it has completed; NULL = not known.';

CREATE FUNCTION agent_studio_private.progress_rows(execution agent_studio.executions)
RETURNS TABLE (place integer, phase text, percent integer)
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT p.n::integer, p.phase, least(100, greatest(0, floor(t.share * 100 * t.phases - 100 * (p.n - 1))))::integer
	FROM (SELECT coalesce(agent_studio_private.task_share(execution), 0) AS share, cardinality(x.phases) AS phases, x.phases AS names
		  FROM (SELECT agent_studio_private.phases_of(agent_studio_private.task_step(execution)) AS phases) x
		  WHERE (execution).kind = 'task') t
	CROSS JOIN LATERAL unnest(t.names) WITH ORDINALITY p (phase, n)
	UNION ALL
	SELECT s.plan_step, s.name, floor(100 * coalesce(agent_studio_private.step_share(execution, s), 0))::integer
	FROM agent_studio_private.current_steps((execution).execution_id) s
	LEFT JOIN agent_studio_private.plan_steps(agent_studio_private.plan_of(execution)) d USING (plan_step)
	WHERE (execution).kind = 'workflow' AND (d.on_demand IS NOT TRUE OR s.state <> 'pending');
END;
COMMENT ON FUNCTION agent_studio_private.progress_rows(agent_studio.executions) IS
'The phases of a task, or the steps of a workflow (those that run on demand only once they do), each with how much of it is done in percent.';

CREATE FUNCTION agent_studio_private.overall_percent(execution agent_studio.executions) RETURNS integer
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
BEGIN
	IF execution.status = 'completed' THEN
		RETURN 100;
	ELSIF execution.kind = 'task' THEN
		RETURN floor(100 * coalesce(agent_studio_private.task_share(execution), 0));
	END IF;
	RETURN (SELECT least(99, floor(avg(r.percent))) FROM agent_studio_private.progress_rows(execution) r);
END
$$;
COMMENT ON FUNCTION agent_studio_private.overall_percent(agent_studio.executions) IS
'The mean of the phases, rounded down; 100 only once the execution has completed.';

CREATE FUNCTION agent_studio.as_progress(execution bigint)
RETURNS TABLE (phase text, percent integer, bar text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_column
BEGIN
	PERFORM agent_studio_private.require_execution(execution);
	RETURN QUERY
	SELECT r.phase, r.percent, agent_studio_private.bar(r.percent, 20)
	FROM (SELECT p.place, format('%s %s: %s', CASE e.kind WHEN 'task' THEN 'Phase' ELSE 'Step' END, p.place,
								 agent_studio_private.one_line(p.phase, 55)) AS phase,
				 CASE WHEN e.status = 'completed' THEN 100 ELSE p.percent END AS percent
		  FROM agent_studio.executions e CROSS JOIN LATERAL agent_studio_private.progress_rows(e) p
		  WHERE e.execution_id = as_progress.execution
		  UNION ALL
		  SELECT NULL, 'Overall Progress', agent_studio_private.overall_percent(e)
		  FROM agent_studio.executions e WHERE e.execution_id = as_progress.execution) r
	ORDER BY r.place NULLS LAST;
END
$$;
COMMENT ON FUNCTION agent_studio.as_progress(bigint) IS
'A row for each phase of a task (those of the agent, else those usual for its type), or for each step of a workflow, with percent and a bar of 20 cells; the last row is the whole, the mean of the others rounded down. Percents are taken from what the agent says of its phases and from how much of the usual answer has streamed; they are 100 only once that is done, and begin again with each attempt. Raises 42704.';
