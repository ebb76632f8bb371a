-- What a definition says of its steps, for those who look on and for those who
-- decide by hand. The flow itself is the executor's: nothing here moves it.

CREATE FUNCTION agent_studio_private.plan_of(execution agent_studio.executions) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN coalesce(execution.plan, (SELECT v.definition FROM agent_studio.workflow_versions v
									 WHERE v.workflow_version_id = execution.workflow_version_id));
END
$$;
COMMENT ON FUNCTION agent_studio_private.plan_of(agent_studio.executions) IS
'The definition that an execution keeps; NULL for a task that runs once, and where the reader may not see the workflow.';

CREATE FUNCTION agent_studio_private.plan_allows(definition jsonb, setting text) RETURNS boolean
LANGUAGE sql IMMUTABLE
RETURN definition -> 'settings' -> setting IS DISTINCT FROM 'false'::jsonb;
COMMENT ON FUNCTION agent_studio_private.plan_allows(jsonb, text) IS
'Whether a setting that is true unless it is said to be false (manual_retry, manual_intervention) holds.';

CREATE FUNCTION agent_studio_private.plan_steps(definition jsonb)
RETURNS TABLE (plan_step integer, name text, step jsonb, on_demand boolean, compensates boolean, is_final boolean, after text[])
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	WITH listed AS (
		SELECT l.n::integer AS plan_step, l.step ->> 'name' AS name, l.step
		FROM jsonb_array_elements(CASE WHEN jsonb_typeof(definition -> 'steps') = 'array' THEN definition -> 'steps' ELSE '[]' END)
			WITH ORDINALITY l (step, n)),
	demanded AS (
		SELECT l.step ->> 'fallback' AS name FROM listed l
		UNION ALL
		SELECT r.rule ->> 'to' FROM listed l
		CROSS JOIN jsonb_path_query(l.step, '$.rules[*] ? (@.then == "hand_off")') r (rule)),
	led_to AS (		-- by decisions; "to" is a name or an array of them, as "else" is
		SELECT l.name AS decision, t.target #>> '{}' AS name FROM listed l
		CROSS JOIN jsonb_path_query(l.step, '$.cases[*].to[*]') t (target)
		UNION ALL
		SELECT l.name, t.target #>> '{}' FROM listed l
		CROSS JOIN jsonb_path_query(l.step, '$.else[*]') t (target)),
	-- Arrays: a table to hash in would be made for a hundred thousand names, which takes milliseconds.
	placed AS (
		SELECT l.*, l.step ? 'compensates'
				OR l.name = ANY (ARRAY(SELECT d.name FROM demanded d WHERE d.name IS NOT NULL)) AS on_demand
		FROM listed l),
	chained AS (
		SELECT p.*, lag(p.name) OVER (PARTITION BY p.on_demand ORDER BY p.plan_step) AS before
		FROM placed p)
	SELECT c.plan_step, c.name, c.step, c.on_demand, c.step ? 'compensates',
		   coalesce(c.step -> 'final' = 'true', false),
		   CASE WHEN c.on_demand THEN '{}'
				WHEN c.step ? 'after' THEN ARRAY(SELECT a.item #>> '{}' FROM jsonb_path_query(c.step, '$.after[*]') a (item))
				WHEN c.name = ANY (ARRAY(SELECT t.name FROM led_to t))
					THEN ARRAY(SELECT DISTINCT t.decision FROM led_to t WHERE t.name = c.name)
				WHEN definition ->> 'pattern' = 'parallel' OR c.before IS NULL THEN '{}'
				ELSE ARRAY[c.before] END
	FROM chained c ORDER BY c.plan_step;
END;
COMMENT ON FUNCTION agent_studio_private.plan_steps(jsonb) IS
'The steps of a definition in their order: which run on demand only, which compensate, which is final, and what each comes after.';

CREATE FUNCTION agent_studio_private.current_steps(execution bigint) RETURNS SETOF agent_studio.steps
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT DISTINCT ON (s.plan_step) s.*
	FROM agent_studio.steps s WHERE s.execution_id = execution
	ORDER BY s.plan_step, s.iteration DESC, s.step_no DESC;
END;
COMMENT ON FUNCTION agent_studio_private.current_steps(bigint) IS
'The newest iteration of each step of an execution.';

CREATE FUNCTION agent_studio_private.rollback_begun(execution bigint, definition jsonb) RETURNS boolean
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT EXISTS (
		SELECT FROM agent_studio_private.plan_steps(definition) p
		JOIN agent_studio.steps s ON s.execution_id = execution AND s.plan_step = p.plan_step
		WHERE p.compensates AND s.state NOT IN ('pending', 'skipped', 'canceled'));
END;
COMMENT ON FUNCTION agent_studio_private.rollback_begun(bigint, jsonb) IS
'Whether a step that compensates another has begun.';

CREATE FUNCTION agent_studio_private.demanded_steps(definition jsonb) RETURNS integer[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
BEGIN
	RETURN ARRAY(SELECT p.plan_step FROM agent_studio_private.plan_steps(definition) p WHERE p.on_demand);
END
$$;
COMMENT ON FUNCTION agent_studio_private.demanded_steps(jsonb) IS
'Numbers of the steps of a definition that run on demand only.';

-- In PL/pgSQL, which keeps its plan, and without jit, as the planner takes a definition
-- for large: views call it for many executions.
CREATE FUNCTION agent_studio_private.progress(execution agent_studio.executions, OUT done integer, OUT total integer) RETURNS record
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
DECLARE
	definition jsonb := agent_studio_private.plan_of(execution);
	-- Most have none. Then the definition need not be taken apart, nor the plan for that be set up, which takes longer than all the rest.
	demanded integer[] := CASE WHEN definition @? '$.steps[*] ? (exists (@.compensates) || exists (@.fallback) || exists (@.rules[*] ? (@.then == "hand_off")))'
		THEN agent_studio_private.demanded_steps(definition) ELSE '{}' END;
BEGIN
	SELECT count(*) FILTER (WHERE s.state IN ('completed', 'skipped') OR s.verdict = 'accepted'), count(*) INTO done, total
	FROM agent_studio_private.current_steps(execution.execution_id) s
	WHERE s.plan_step <> ALL (demanded);
END
$$;
COMMENT ON FUNCTION agent_studio_private.progress(agent_studio.executions) IS
'How many of its steps are done with, skipped ones among them, and how many there are; without those that run on demand only.';

-- In PL/pgSQL for the same reason.
CREATE FUNCTION agent_studio_private.result_step(execution agent_studio.executions) RETURNS integer
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
BEGIN
	IF execution.kind = 'task' THEN
		-- The score is the step's own, or that of the agent which judged it.
		RETURN (SELECT s.step_no FROM agent_studio.steps s
			LEFT JOIN agent_studio.steps j ON j.execution_id = s.execution_id AND j.plan_step = 2 AND j.iteration = s.iteration
			WHERE s.execution_id = execution.execution_id AND s.plan_step = 1 AND s.output IS NOT NULL
			ORDER BY CASE WHEN execution.status = 'failed' THEN
				coalesce(s.quality_score, (j.outputs ->> 'quality_score')::numeric) END DESC NULLS LAST, s.step_no DESC
			LIMIT 1);
	END IF;
	RETURN (SELECT best.step_no FROM agent_studio_private.current_steps(execution.execution_id) s
		LEFT JOIN agent_studio_private.plan_steps(agent_studio_private.plan_of(execution)) p USING (plan_step)
		CROSS JOIN LATERAL (
			-- Of a step whose criteria never held, the best iteration.
			SELECT i.step_no FROM agent_studio.steps i
			WHERE i.execution_id = s.execution_id AND i.plan_step = s.plan_step
			  AND (i.step_no = s.step_no OR s.error_class = 'max_iterations' AND i.output IS NOT NULL
				   AND i.iteration > s.iteration - s.round)
			ORDER BY CASE WHEN s.error_class = 'max_iterations' THEN i.quality_score END DESC NULLS LAST, i.iteration DESC
			LIMIT 1) best
		WHERE (s.state = 'completed' OR s.verdict = 'accepted' OR (s.error_class = 'max_iterations' AND s.quality_score IS NOT NULL))
		  AND (s.output IS NOT NULL OR s.verdict = 'completed_by_hand')
		  AND p.compensates IS NOT TRUE
		ORDER BY coalesce(p.is_final, false) DESC, s.finished_at DESC, s.step_no DESC
		LIMIT 1);
END
$$;
COMMENT ON FUNCTION agent_studio_private.result_step(agent_studio.executions) IS
'Number of the step whose answer is the execution''s: of a task the newest iteration, of a failed one the best; of a workflow the final step once it has completed, else the one that completed last, or the best iteration of the one whose criteria never held. NULL = none yet.';

-- Text of others on a line of a sheet: a name, a message, a thought may hold anything.

CREATE FUNCTION agent_studio_private.display_width(line text) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN length(line) + length(regexp_replace(line,
	'[^\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6\U0001F300-\U0001FAFF\U00020000-\U0003FFFD]+', '', 'g'));
COMMENT ON FUNCTION agent_studio_private.display_width(text) IS
'Columns that a line takes on a terminal, where ideographs and emoji take two.';

CREATE FUNCTION agent_studio_private.one_line(value text, columns integer) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	-- Controls, what turns the direction of writing, and what takes no place.
	line text := regexp_replace(left(value, 4000),
		E'[\\u0001-\\u001F\\u007F-\\u00A0\\u061C\\u200B-\\u200F\\u2028-\\u202E\\u2060-\\u206F\\uFEFF\\uFFF9-\\uFFFB]+', ' ', 'g');
	fits integer;
BEGIN
	line := btrim(regexp_replace(line, ' +', ' ', 'g'));
	IF agent_studio_private.display_width(line) <= columns THEN
		RETURN line;
	END IF;
	-- Most lines are of letters that take one column each, and there are many lines.
	IF agent_studio_private.display_width(left(line, columns)) = columns THEN
		fits := columns - 3;
	ELSE
		SELECT max(n) INTO fits FROM generate_series(0, columns) n
		WHERE agent_studio_private.display_width(left(line, n)) <= columns - 3;
	END IF;
	RETURN rtrim(left(line, fits)) || '...';
END
$$;
COMMENT ON FUNCTION agent_studio_private.one_line(text, integer) IS
'A text as one line of so many columns at most, without control characters; what is left out is told by "...". NULL for NULL.';

CREATE FUNCTION agent_studio_private.printable(value text) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN regexp_replace(value, '[\u0001-\u0008\u000B-\u001F\u007F-\u009F\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]+', '', 'g');
COMMENT ON FUNCTION agent_studio_private.printable(text) IS
'A text without what a terminal would obey: control characters but tabs and line ends, and marks that turn the direction of writing.';
