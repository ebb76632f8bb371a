-- as_estimate and as_test_workflow: what a workflow will take, and whether it will work.
--
-- Both read with the caller's rights, and see the history that the caller may see. A
-- test that sends something is an execution like any other, flagged as a test.
-- The planner takes a definition for a large table; compiling queries over it (jit)
-- would take a second and save nothing.

-- Where the value of a variable or a placeholder comes from, read without asking whether
-- the definition is sound. alternative: one of several sources, of which the first that is there is taken.
CREATE FUNCTION agent_studio_private.used_outputs(definition jsonb)
RETURNS TABLE (step text, variable text, from_step text, output text, alternative boolean)
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT DISTINCT s.name, u.variable, u.from_step, u.output, u.alternative
	FROM agent_studio_private.listed_steps(definition) s
	CROSS JOIN LATERAL (
		SELECT i.key, pg_catalog.split_part(source.text, '.', 1), pg_catalog.split_part(source.text, '.', 2),
			   pg_catalog.jsonb_typeof(i.value) = 'array'
		FROM pg_catalog.jsonb_each(CASE WHEN pg_catalog.jsonb_typeof(s.step -> 'inputs') = 'object' THEN s.step -> 'inputs' ELSE '{}' END) i
		CROSS JOIN LATERAL pg_catalog.jsonb_array_elements_text(
			CASE WHEN pg_catalog.jsonb_typeof(i.value) = 'array' THEN i.value ELSE pg_catalog.jsonb_build_array(i.value) END) source (text)
		UNION ALL
		SELECT NULL, pg_catalog.split_part(s.step #>> '{agent,by}', '.', 1), pg_catalog.split_part(s.step #>> '{agent,by}', '.', 2), false
		WHERE pg_catalog.jsonb_typeof(s.step #> '{agent,by}') = 'string'
		UNION ALL
		-- Placeholders in its texts; two braces stand for one, and begin none.
		SELECT NULL, m.found[1], m.found[2], false
		FROM pg_catalog.regexp_matches(s.step::text,
			'(?<!\{)(?:\{\{)*\{([a-z][a-z0-9_-]*)\.([A-Za-z_][A-Za-z0-9_]*)\}', 'g') m (found)
		UNION ALL
		-- Conditions: $steps.design.code, or $steps."design-api".code within JSON's quotes.
		SELECT NULL, coalesce(m.found[1], m.found[2]), m.found[3], false
		FROM pg_catalog.regexp_matches(s.step::text,
			'\$steps\.(?:\\"([a-z][a-z0-9_-]*)\\"|([a-z][a-z0-9_]*))\.(?:\\")?([A-Za-z_][A-Za-z0-9_]*)', 'g') m (found))
		u (variable, from_step, output, alternative)
	WHERE u.from_step IN (SELECT o.name FROM agent_studio_private.listed_steps(definition) o);
END;
COMMENT ON FUNCTION agent_studio_private.used_outputs(jsonb) IS
'Which outputs of other steps each step of a definition uses: by a mapped variable, or (variable NULL) in a text, a condition or the choice of its agent.';

CREATE FUNCTION agent_studio_private.workflow_history(workflow text)
RETURNS TABLE (step text, agent text, seconds_low numeric, seconds_high numeric, cost_usd_low numeric, cost_usd_high numeric)
LANGUAGE sql STABLE
BEGIN ATOMIC
	WITH newest AS (
		SELECT e.execution_id FROM agent_studio_private.newest_completed(NULL, workflow_history.workflow, true, 20) e),
	-- All iterations of a step in one execution count together.
	worked AS (
		SELECT s.name AS step, a.name AS agent,
			   sum(extract(epoch FROM s.finished_at - s.started_at)) AS seconds, sum(c.cost) AS cost
		FROM newest n JOIN agent_studio.steps s USING (execution_id)
		LEFT JOIN agent_studio.agent_versions v USING (agent_version_id)
		LEFT JOIN agent_studio.agents a USING (agent_id)
		CROSS JOIN LATERAL (SELECT sum(t.input_cost_usd + t.output_cost_usd) AS cost FROM agent_studio.attempts t
							WHERE t.execution_id = s.execution_id AND t.step_no = s.step_no) c
		WHERE s.state = 'completed'
		GROUP BY s.execution_id, s.name, a.name)
	SELECT w.step, w.agent,
		   pg_catalog.percentile_cont(0.25) WITHIN GROUP (ORDER BY w.seconds::float8),
		   pg_catalog.percentile_cont(0.75) WITHIN GROUP (ORDER BY w.seconds::float8),
		   pg_catalog.percentile_cont(0.25) WITHIN GROUP (ORDER BY w.cost::float8),
		   pg_catalog.percentile_cont(0.75) WITHIN GROUP (ORDER BY w.cost::float8)
	FROM worked w GROUP BY w.step, w.agent;
END;
COMMENT ON FUNCTION agent_studio_private.workflow_history(text) IS
'Quartiles of time and cost of each step in the workflow''s newest 20 completed executions that the current user can see.';

CREATE FUNCTION agent_studio_private.agent_history(agent text,
	OUT seconds_low numeric, OUT seconds_high numeric, OUT cost_usd_low numeric, OUT cost_usd_high numeric) RETURNS record
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT pg_catalog.percentile_cont(0.25) WITHIN GROUP (ORDER BY e.seconds), pg_catalog.percentile_cont(0.75) WITHIN GROUP (ORDER BY e.seconds),
		   pg_catalog.percentile_cont(0.25) WITHIN GROUP (ORDER BY e.cost), pg_catalog.percentile_cont(0.75) WITHIN GROUP (ORDER BY e.cost)
	FROM (SELECT extract(epoch FROM x.finished_at - x.started_at)::float8 AS seconds,
				 (x.input_cost_usd + x.output_cost_usd)::float8 AS cost
		  FROM agent_studio_private.newest_completed(agent_history.agent, NULL, true, 20) x) e;
END;
COMMENT ON FUNCTION agent_studio_private.agent_history(text) IS
'Quartiles of time and cost of the agent''s newest 20 completed tasks that the current user can see; NULL = none yet.';

-- Without any history: the prompt is the least that is paid for, and the most is that
-- with all the output that the agent may give.
CREATE FUNCTION agent_studio_private.priced(agent text, prompt_bytes bigint,
	OUT cost_usd_low numeric, OUT cost_usd_high numeric) RETURNS record
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT t.input * p.input_price / 1000000,
		   (t.input * p.input_price + coalesce(v.max_output_tokens, m.max_output_tokens) * p.output_price) / 1000000
	FROM agent_studio.agents a
	JOIN agent_studio.agent_versions v ON v.agent_id = a.agent_id AND v.version = a.current_version
	JOIN agent_studio.models m USING (model_id)
	CROSS JOIN LATERAL (SELECT c.* FROM agent_studio.model_prices c
						WHERE c.model_id = m.model_id AND c.valid_from <= pg_catalog.now() ORDER BY c.valid_from DESC LIMIT 1) p
	CROSS JOIN LATERAL (SELECT (prompt_bytes + coalesce(octet_length(v.system_prompt), 0)) / 4 AS input) t
	WHERE a.name = priced.agent;
END;
COMMENT ON FUNCTION agent_studio_private.priced(text, bigint) IS
'What one answer of an agent costs at least and at most, by its model''s price and max_output_tokens; NULL = unknown.';

CREATE FUNCTION agent_studio_private.step_estimates(workflow text, definition jsonb, inputs jsonb)
RETURNS TABLE (step_no integer, seconds_low numeric, seconds_high numeric, cost_usd_low numeric, cost_usd_high numeric)
LANGUAGE sql STABLE
BEGIN ATOMIC
	-- Where the agent is chosen while it runs: from the least of any to the most of any.
	SELECT s.step_no,
		   CASE WHEN s.step ->> 'type' = 'decision' THEN 0 ELSE round(min(coalesce(h.seconds_low, a.seconds_low)), 1) END,
		   CASE WHEN s.step ->> 'type' = 'decision' THEN 0 ELSE round(max(coalesce(h.seconds_high, a.seconds_high)), 1) END,
		   CASE WHEN s.step ->> 'type' = 'decision' THEN 0 ELSE round(min(coalesce(h.cost_usd_low, a.cost_usd_low, p.cost_usd_low)), 6) END,
		   CASE WHEN s.step ->> 'type' = 'decision' THEN 0 ELSE round(max(coalesce(h.cost_usd_high, a.cost_usd_high, p.cost_usd_high)), 6) END
	FROM agent_studio_private.listed_steps(definition) s
	LEFT JOIN agent_studio_private.named_agents(definition) n ON n.step_no = s.step_no AND NOT n.hand_off
	LEFT JOIN agent_studio_private.workflow_history(step_estimates.workflow) h ON h.step = s.name AND h.agent = n.agent
	LEFT JOIN LATERAL agent_studio_private.agent_history(n.agent) a ON true
	LEFT JOIN LATERAL agent_studio_private.priced(n.agent,
		coalesce(octet_length(s.step ->> 'task'), 0)::bigint + octet_length(coalesce(step_estimates.inputs, '{}')::text)) p ON true
	GROUP BY s.step_no, s.step;
END;
COMMENT ON FUNCTION agent_studio_private.step_estimates(text, jsonb, jsonb) IS
'What each step is expected to take: from the workflow''s history, else from the agent''s tasks, else (costs) from prices; NULL = unknown.';

CREATE FUNCTION agent_studio_private.led_to(definition jsonb)
RETURNS TABLE (step text, place bigint, target text, condition text)
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT s.name, c.place, t.target, c.condition
	FROM agent_studio_private.listed_steps(definition) s
	CROSS JOIN LATERAL (
		SELECT k.n, k.value ->> 'if', k.value -> 'to'
		FROM pg_catalog.jsonb_array_elements(CASE WHEN pg_catalog.jsonb_typeof(s.step -> 'cases') = 'array' THEN s.step -> 'cases' ELSE '[]' END)
			WITH ORDINALITY k (value, n)
		UNION ALL SELECT 1000000, NULL, s.step -> 'else' WHERE s.step ? 'else') c (place, condition, target)
	CROSS JOIN LATERAL pg_catalog.jsonb_array_elements_text(
		CASE WHEN pg_catalog.jsonb_typeof(c.target) = 'array' THEN c.target ELSE pg_catalog.jsonb_build_array(c.target) END) t (target);
END;
COMMENT ON FUNCTION agent_studio_private.led_to(jsonb) IS
'Where the decisions of a definition may lead, and on which condition (NULL = else), in the order of the cases.';

-- Steps may stand in any order, so this goes over the ways until nothing changes any
-- more: twice, where they stand as they follow one another.
CREATE FUNCTION agent_studio_private.way_ends(durations numeric[], from_no integer[], to_no integer[]) RETURNS numeric[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	ends numeric[] := durations;
	changed boolean := true;
BEGIN
	FOR pass IN 1..cardinality(durations) LOOP
		EXIT WHEN NOT changed;
		changed := false;
		FOR i IN 1..coalesce(cardinality(from_no), 0) LOOP
			IF ends[from_no[i]] + durations[to_no[i]] > ends[to_no[i]] THEN
				ends[to_no[i]] := ends[from_no[i]] + durations[to_no[i]];
				changed := true;
			END IF;
		END LOOP;
	END LOOP;
	RETURN ends;
END
$$;
COMMENT ON FUNCTION agent_studio_private.way_ends(numeric[], integer[], integer[]) IS
'When each of these steps ends whose ways lead from and to these numbers, where all that can runs at once.';

CREATE FUNCTION agent_studio_private.longest_way(durations numeric[], from_no integer[], to_no integer[]) RETURNS numeric
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT max(e) FROM unnest(agent_studio_private.way_ends(durations, from_no, to_no)) e;
END;
COMMENT ON FUNCTION agent_studio_private.longest_way(numeric[], integer[], integer[]) IS
'How long steps take whose ways lead from and to these numbers, where all that can runs at once.';

CREATE FUNCTION agent_studio_private.planned_steps(definition jsonb)
RETURNS TABLE (step_no integer, name text, after text[], certain boolean)
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	WITH RECURSIVE plan AS (
		SELECT s.step_no, s.name, coalesce(s.after, '{}') AS after,
			   s.name IN (SELECT l.target FROM agent_studio_private.led_to(definition) l) AS led_to
		FROM agent_studio_private.definition_steps(definition) s WHERE s.demand IS NULL),
	-- Whatever a decision is not asked about.
	reached AS (
		SELECT p.name FROM plan p WHERE NOT p.led_to AND pg_catalog.cardinality(p.after) = 0
		UNION
		SELECT p.name FROM reached r JOIN plan p ON r.name = ANY (p.after) AND NOT p.led_to)
	SELECT p.step_no, p.name, p.after,
		   p.name IN (SELECT r.name FROM reached r)
		   AND NOT EXISTS (SELECT FROM agent_studio_private.listed_steps(definition) s WHERE s.name = p.name AND s.step ? 'when')
	FROM plan p;
END;
COMMENT ON FUNCTION agent_studio_private.planned_steps(jsonb) IS
'The steps of a sound definition but for those that run on demand only; certain: no condition and no decision passes it by.';

CREATE FUNCTION agent_studio_private.total_estimate(workflow text, definition jsonb, inputs jsonb,
	OUT steps integer, OUT seconds_low numeric, OUT seconds_high numeric,
	OUT cost_usd_low numeric, OUT cost_usd_high numeric) RETURNS record
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	from_no integer[];
	to_no integer[];
BEGIN
	SELECT array_agg(p.step_no ORDER BY s.step_no, p.step_no), array_agg(s.step_no ORDER BY s.step_no, p.step_no) INTO from_no, to_no
	FROM agent_studio_private.planned_steps(definition) s JOIN agent_studio_private.planned_steps(definition) p ON p.name = ANY (s.after);
	-- At least what runs in any case; at most everything, once. A sum of which a part is
	-- unknown is unknown.
	SELECT count(t.name),
		   CASE WHEN bool_and(t.least IS NOT NULL) THEN agent_studio_private.longest_way(array_agg(t.least ORDER BY t.step_no), from_no, to_no) END,
		   CASE WHEN bool_and(t.most IS NOT NULL) THEN agent_studio_private.longest_way(array_agg(t.most ORDER BY t.step_no), from_no, to_no) END,
		   CASE WHEN bool_and(t.least_cost IS NOT NULL) THEN sum(t.least_cost) END,
		   CASE WHEN bool_and(t.most_cost IS NOT NULL) THEN sum(t.most_cost) END
	INTO steps, seconds_low, seconds_high, cost_usd_low, cost_usd_high
	FROM (SELECT e.step_no, p.name,
				 CASE WHEN p.certain THEN e.seconds_low ELSE 0 END AS least, CASE WHEN p.name IS NULL THEN 0 ELSE e.seconds_high END AS most,
				 CASE WHEN p.certain THEN e.cost_usd_low ELSE 0 END AS least_cost, CASE WHEN p.name IS NULL THEN 0 ELSE e.cost_usd_high END AS most_cost
		  FROM agent_studio_private.step_estimates(workflow, definition, inputs) e
		  LEFT JOIN agent_studio_private.planned_steps(definition) p USING (step_no)) t;
END
$$;
COMMENT ON FUNCTION agent_studio_private.total_estimate(text, jsonb, jsonb) IS
'What a sound definition as a whole is expected to take; NULL = unknown.';

CREATE FUNCTION agent_studio.as_estimate(workflow text, inputs jsonb DEFAULT '{}',
	OUT steps integer, OUT seconds_low numeric, OUT seconds_high numeric,
	OUT cost_usd_low numeric, OUT cost_usd_high numeric) RETURNS record
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
DECLARE
	target agent_studio.workflows := agent_studio_private.find_workflow(current_user::text, workflow);
	definition jsonb;
BEGIN
	PERFORM agent_studio_private.check_inputs(inputs);
	IF target.current_version IS NULL THEN
		definition := target.draft;
		PERFORM agent_studio_private.require_sound(current_user::text, workflow, definition);
	ELSE
		definition := (agent_studio_private.find_version(target, NULL)).definition;
	END IF;
	SELECT t.* INTO as_estimate.steps, as_estimate.seconds_low, as_estimate.seconds_high,
		as_estimate.cost_usd_low, as_estimate.cost_usd_high
	FROM agent_studio_private.total_estimate(workflow, definition, inputs) t;
END
$$;
COMMENT ON FUNCTION agent_studio.as_estimate(text, jsonb) IS
'One row: how many steps a workflow has (those that run on demand only are not counted), and the seconds and USD that it will take, from low to high: what runs in any case at the lower quartile, and everything once at the upper one. From the newest 20 executions of this workflow that the caller may see, else from tasks of its agents, else (costs only) from prices and the most output that the agents may give. NULL = unknown. Raises 42704, and 22023 for a draft with problems.';

CREATE FUNCTION agent_studio_private.endpoint_problems(definition jsonb)
RETURNS TABLE (step_no integer, problem text)
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT DISTINCT n.step_no, e.problem
	FROM agent_studio_private.named_agents(definition) n
	JOIN agent_studio.agents a ON a.name = n.agent
	JOIN agent_studio.agent_versions v ON v.agent_id = a.agent_id AND v.version = a.current_version
	JOIN agent_studio.models m USING (model_id)
	CROSS JOIN LATERAL (SELECT agent_studio_private.endpoint_problem(m.server, current_user::text)) e (problem);
END;
COMMENT ON FUNCTION agent_studio_private.endpoint_problems(jsonb) IS
'For each step whose agents the current user can see: why their endpoints could not be called; NULL = they can.';

CREATE FUNCTION agent_studio_private.inputs_text(step jsonb, workflow_inputs jsonb) RETURNS text
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT pg_catalog.string_agg(i.line, ', ' ORDER BY i.place, i.line)
	FROM (
		SELECT 1 AS place, m.key || ' from '
			|| CASE pg_catalog.jsonb_typeof(m.value) WHEN 'array' THEN
				(SELECT pg_catalog.string_agg(x, ' or ') FROM pg_catalog.jsonb_array_elements_text(m.value) x) ELSE m.value #>> '{}' END AS line
		FROM pg_catalog.jsonb_each(CASE WHEN pg_catalog.jsonb_typeof(step -> 'inputs') = 'object' THEN step -> 'inputs' ELSE '{}' END) m
		UNION ALL
		SELECT DISTINCT 2, f.found[1] || ' from inputs'
		FROM pg_catalog.regexp_matches(step ->> 'task', '(?<!\{)(?:\{\{)*\{([A-Za-z_][A-Za-z0-9_]*)\}', 'g') f (found)
		WHERE NOT coalesce(step -> 'inputs' ? f.found[1], false) AND workflow_inputs ? f.found[1]) i;
END;
COMMENT ON FUNCTION agent_studio_private.inputs_text(jsonb, jsonb) IS
'Which variables a step is given, and from where, in one line; NULL = none.';

CREATE FUNCTION agent_studio_private.outputs_texts(definition jsonb) RETURNS TABLE (step_no integer, line text)
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	WITH used AS (
		SELECT u.from_step, u.output, pg_catalog.string_agg(DISTINCT u.step, ', ') AS users
		FROM agent_studio_private.used_outputs(definition) u GROUP BY u.from_step, u.output),
	named AS (
		SELECT s.step_no, s.name AS step, k.name, s.step -> 'final' = 'true' AS final
		FROM agent_studio_private.listed_steps(definition) s
		CROSS JOIN LATERAL (
			SELECT pg_catalog.jsonb_object_keys(CASE WHEN pg_catalog.jsonb_typeof(s.step -> 'outputs') = 'object' THEN s.step -> 'outputs' ELSE '{}' END)
			UNION SELECT u.output FROM used u WHERE u.from_step = s.name AND u.output = 'output') k (name)),
	grouped AS (
		SELECT n.step_no, u.users, pg_catalog.string_agg(n.name, ', ' ORDER BY n.name) AS names
		FROM named n
		LEFT JOIN used o ON o.from_step = n.step AND o.output = n.name
		CROSS JOIN LATERAL (SELECT coalesce(o.users, CASE WHEN n.final THEN 'workflow''s output' END) AS users) u
		GROUP BY n.step_no, u.users)
	SELECT g.step_no, pg_catalog.string_agg(g.names || coalesce(' -> ' || g.users, ''), '; ' ORDER BY g.users NULLS LAST)
	FROM grouped g GROUP BY g.step_no;
END;
COMMENT ON FUNCTION agent_studio_private.outputs_texts(jsonb) IS
'Which outputs each step has, and which steps use them, in one line.';

CREATE FUNCTION agent_studio_private.condition_text(step jsonb) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN nullif(concat_ws('; ',
	'runs when ' || (step ->> 'when'),
	(SELECT string_agg(coalesce('to ' || c.targets || ' if ' || c.condition, 'else to ' || c.targets), '; ' ORDER BY c.place)
	 FROM (SELECT l.place, l.condition, string_agg(l.target, ', ') AS targets
		   FROM agent_studio_private.led_to(jsonb_build_object('steps', jsonb_build_array(step))) l GROUP BY l.place, l.condition) c),
	(SELECT string_agg(concat_ws(' ', r.value ->> 'then', r.value ->> 'to', 'if ' || (r.value ->> 'if')), '; ' ORDER BY r.n)
	 FROM jsonb_array_elements(CASE WHEN jsonb_typeof(step -> 'rules') = 'array' THEN step -> 'rules' ELSE '[]' END) WITH ORDINALITY r (value, n)),
	CASE WHEN step ? 'criteria' THEN 'repeated until its criteria hold' END,
	CASE WHEN step ? 'approval' THEN 'approval by ' || coalesce(step #>> '{approval,by}', 'the owner') END), '');
COMMENT ON FUNCTION agent_studio_private.condition_text(jsonb) IS
'On what a step depends and what follows from it: its condition, cases, rules, criteria and approval, in one line; NULL = none.';

CREATE FUNCTION agent_studio_private.error_handling_text(settings jsonb, step jsonb) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN concat_ws(', ',
	format('%s retries', coalesce(step #>> '{retry,max_retries}', settings #>> '{retry,max_retries}', '3')),
	'hand off to ' || (step #>> '{hand_off,agent}') || ' after ' || (step #>> '{hand_off,after_retries}'),
	'then ' || CASE coalesce(step ->> 'on_failure', settings ->> 'on_failure', 'stop')
		WHEN 'fallback' THEN 'step ' || coalesce(step ->> 'fallback', '?')
		WHEN 'retry_then_stop' THEN 'stop'
		ELSE replace(coalesce(step ->> 'on_failure', settings ->> 'on_failure', 'stop'), '_', ' ') END,
	'timeout ' || coalesce(step ->> 'timeout_seconds', settings ->> 'timeout_seconds') || ' s',
	CASE WHEN step ->> 'on_timeout' = 'partial' THEN 'what had arrived is kept' END);
COMMENT ON FUNCTION agent_studio_private.error_handling_text(jsonb, jsonb) IS
'What happens when a step fails, in one line.';

CREATE FUNCTION agent_studio_private.inputs_problem(definition jsonb, inputs jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	problem text;
	detail text;
	hint text;
BEGIN
	PERFORM agent_studio_private.complete_inputs(definition, coalesce(inputs, '{}'));
	RETURN NULL;
EXCEPTION WHEN data_exception OR undefined_object THEN
	GET STACKED DIAGNOSTICS problem = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN coalesce(nullif(detail, ''), agent_studio_private.problem_line(NULL, problem, hint));
END
$$;
COMMENT ON FUNCTION agent_studio_private.inputs_problem(jsonb, jsonb) IS
'Why a workflow could not be started with these inputs, in words; NULL = it could.';

CREATE FUNCTION agent_studio_private.dry_run(workflow text, definition jsonb, inputs jsonb)
RETURNS TABLE (execution bigint, step_no integer, step text, status text, agent text, agent_available boolean,
	endpoint_available boolean, inputs_from text, outputs_to text, condition text, error_handling text,
	seconds_low numeric, seconds_high numeric, cost_usd_low numeric, cost_usd_high numeric,
	ready_to_save boolean, problem text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	problems jsonb := (SELECT coalesce(jsonb_agg(to_jsonb(p)), '[]')
					   FROM agent_studio_private.workflow_problems(current_user::text, definition) p);
	unsound boolean := EXISTS (SELECT FROM agent_studio_private.definition_problems(definition));
	with_inputs text := CASE WHEN NOT unsound THEN agent_studio_private.inputs_problem(definition, dry_run.inputs) END;
	total record;
BEGIN
	RETURN QUERY
	WITH problem_lines AS (
		SELECT p.value ->> 'step' AS step,
			   string_agg(agent_studio_private.problem_line(NULL, p.value ->> 'problem', p.value ->> 'hint'), E'\n' ORDER BY p.n) AS lines
		FROM jsonb_array_elements(problems) WITH ORDINALITY p (value, n) GROUP BY 1),
	agents AS (
		SELECT m.step_no, string_agg(m.agent, ', ' ORDER BY m.hand_off, m.agent) AS names, bool_and(d.problem IS NULL) AS available
		FROM agent_studio_private.named_agents(definition) m
		JOIN (SELECT x.agent, p.problem
			  FROM (SELECT DISTINCT y.agent FROM agent_studio_private.named_agents(definition) y) x
			  CROSS JOIN LATERAL agent_studio_private.agent_problem(current_user::text, x.agent) p) d ON d.agent = m.agent
		GROUP BY m.step_no),
	endpoints AS (
		SELECT x.step_no, bool_and(x.problem IS NULL) AS available,
			   string_agg(agent_studio_private.problem_line(NULL, x.problem, NULL), E'\n' ORDER BY x.problem)
				FILTER (WHERE x.problem IS NOT NULL) AS lines
		FROM agent_studio_private.endpoint_problems(definition) x GROUP BY x.step_no)
	SELECT NULL::bigint, s.step_no, s.name, CASE WHEN coalesce(p.lines, e.lines) IS NULL THEN 'valid' ELSE 'problem' END,
		   a.names, a.available, e.available,
		   agent_studio_private.inputs_text(s.step, definition -> 'inputs'), o.line,
		   agent_studio_private.condition_text(s.step),
		   CASE WHEN a.names IS NOT NULL THEN agent_studio_private.error_handling_text(definition -> 'settings', s.step) END,
		   t.seconds_low, t.seconds_high, t.cost_usd_low, t.cost_usd_high, NULL::boolean,
		   nullif(concat_ws(E'\n', p.lines, e.lines), '')
	FROM agent_studio_private.listed_steps(definition) s
	JOIN agent_studio_private.step_estimates(workflow, definition, dry_run.inputs) t ON t.step_no = s.step_no
	LEFT JOIN problem_lines p ON p.step = s.name
	LEFT JOIN agents a ON a.step_no = s.step_no
	LEFT JOIN endpoints e ON e.step_no = s.step_no
	LEFT JOIN agent_studio_private.outputs_texts(definition) o ON o.step_no = s.step_no
	ORDER BY s.step_no;

	IF NOT unsound THEN
		SELECT * INTO total FROM agent_studio_private.total_estimate(workflow, definition, dry_run.inputs);
	ELSE
		SELECT NULL::numeric AS seconds_low, NULL::numeric AS seconds_high, NULL::numeric AS cost_usd_low, NULL::numeric AS cost_usd_high INTO total;
	END IF;
	-- The last row is the workflow's.
	RETURN QUERY
	SELECT NULL::bigint, NULL::integer, NULL::text,
		   CASE WHEN problems = '[]' AND with_inputs IS NULL AND b.open THEN 'valid' ELSE 'problem' END,
		   NULL::text, NULL::boolean, b.open, CASE WHEN NOT unsound AND with_inputs IS NULL THEN 'all inputs are given' END,
		   NULL::text, NULL::text, NULL::text,
		   total.seconds_low, total.seconds_high, total.cost_usd_low, total.cost_usd_high, problems = '[]',
		   nullif(concat_ws(E'\n', (SELECT string_agg(agent_studio_private.problem_line(NULL, p.value ->> 'problem', p.value ->> 'hint'), E'\n' ORDER BY p.n)
									FROM jsonb_array_elements(problems) WITH ORDINALITY p (value, n)
									WHERE NOT EXISTS (SELECT FROM agent_studio_private.listed_steps(definition) s WHERE s.name = p.value ->> 'step')),
							with_inputs), '')
	FROM (SELECT NOT EXISTS (SELECT FROM agent_studio_private.endpoint_problems(definition) x WHERE x.problem IS NOT NULL) AS open) b;
END
$$;
COMMENT ON FUNCTION agent_studio_private.dry_run(text, jsonb, jsonb) IS
'The rows of a dry run, for the current user.';

-- A partial test: the chosen steps as a definition of their own, to which the outputs
-- of all others are inputs.

CREATE FUNCTION agent_studio_private.output_variable(step text, output text) RETURNS text
LANGUAGE sql IMMUTABLE
-- A name may have 63 characters.
RETURN CASE WHEN length(step) + length(output) <= 61 THEN replace(step, '-', '_') || '__' || output
	ELSE 'output_' || md5(step || '.' || output) END;
COMMENT ON FUNCTION agent_studio_private.output_variable(text, text) IS
'Name of the input that stands for the output of a step which does not run in a partial test.';

CREATE FUNCTION agent_studio_private.with_input(step text, from_step text, output text, variable text) RETURNS text
LANGUAGE sql IMMUTABLE
-- In JSON's text, where all three forms are unmistakable: a source, a placeholder, and a
-- condition's path. Names hold no character that JSON or a pattern would escape.
RETURN regexp_replace(regexp_replace(
	replace(step, '"' || from_step || '.' || output || '"', '"inputs.' || variable || '"'),
	'(?<!\{)((?:\{\{)*)\{' || from_step || '\.' || output || '\}', '\1{' || variable || '}', 'g'),
	'\$steps\.(?:\\"' || from_step || '\\"|' || from_step || ')\.(?:\\"' || output || '\\"|' || output || ')(?![A-Za-z0-9_])', '$inputs.' || variable, 'g');
COMMENT ON FUNCTION agent_studio_private.with_input(text, text, text, text) IS
'A step, as JSON''s text, in which an input takes the place of another step''s output.';

CREATE FUNCTION agent_studio_private.own_step(step jsonb, after text[], chosen text[]) RETURNS jsonb
LANGUAGE sql IMMUTABLE
-- What leads to steps that do not run is said instead of done; NULL after: it runs on demand.
RETURN (
	SELECT step
		- CASE WHEN step ->> 'fallback' <> ALL (chosen) THEN '{fallback,on_failure}'::text[] ELSE '{}' END
		- CASE WHEN step ->> 'compensates' <> ALL (chosen) THEN '{compensates}'::text[] ELSE '{}' END
		- CASE WHEN cardinality(coalesce(after, '{}')) < 2 OR jsonb_typeof(step -> 'merge') = 'number' THEN '{merge}'::text[] ELSE '{}' END
		- 'after'::text
		|| CASE WHEN after IS NULL THEN '{}' ELSE jsonb_build_object('after', after) END
		|| CASE WHEN jsonb_typeof(step -> 'merge') = 'number' AND cardinality(after) > 1
				THEN jsonb_build_object('merge', least((step ->> 'merge')::int, cardinality(after))) ELSE '{}' END
		|| CASE WHEN step ? 'rules' THEN jsonb_build_object('rules', (
			SELECT coalesce(jsonb_agg(CASE WHEN r.value ->> 'to' <> ALL (chosen)
				THEN jsonb_strip_nulls(jsonb_build_object('if', r.value -> 'if', 'then', 'manual_review', 'message',
					format('Here the flow would %s to step "%s".', replace(r.value ->> 'then', '_', ' '), r.value ->> 'to')))
				ELSE r.value END ORDER BY r.n), '[]')
			FROM jsonb_array_elements(step -> 'rules') WITH ORDINALITY r (value, n))) ELSE '{}' END);
COMMENT ON FUNCTION agent_studio_private.own_step(jsonb, text[], text[]) IS
'A chosen step for a partial test, cut off from those that were not chosen.';

CREATE FUNCTION agent_studio_private.check_chosen(definition jsonb, steps text[]) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	names text[] := ARRAY(SELECT s.name FROM agent_studio_private.listed_steps(definition) s);
	word text;
	way record;
BEGIN
	FOREACH word IN ARRAY steps LOOP
		PERFORM agent_studio_private.one_of('step', word, names);
	END LOOP;
	SELECT l.step, string_agg(DISTINCT l.target, ', ') AS targets INTO way
	FROM agent_studio_private.led_to(definition) l
	WHERE l.step = ANY (steps) AND l.target <> ALL (steps) GROUP BY l.step ORDER BY l.step LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'decision "%" leads to steps that were not chosen: %', way.step, way.targets
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Choose them too, or leave the decision out.';
	END IF;
END
$$;
COMMENT ON FUNCTION agent_studio_private.check_chosen(jsonb, text[]) IS
'Raises 22023 for a step that there is not, and for a decision without the steps to which it leads.';

CREATE FUNCTION agent_studio_private.chosen_steps(definition jsonb, steps text[]) RETURNS jsonb
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	-- A step comes after the nearest chosen ones, through those that were not. It runs on
	-- demand only if it did, and the one that asks for it was chosen; else it comes after
	-- the chosen ones whose outputs it uses.
	WITH RECURSIVE plan AS (
		SELECT d.name, d.demand, coalesce(d.after, '{}') AS after FROM agent_studio_private.definition_steps(definition) d),
	back AS (
		SELECT p.name, a.a AS from_step FROM plan p CROSS JOIN LATERAL pg_catalog.unnest(p.after) a WHERE p.name = ANY (steps)
		UNION
		SELECT b.name, a.a FROM back b JOIN plan p ON p.name = b.from_step CROSS JOIN LATERAL pg_catalog.unnest(p.after) a
		WHERE b.from_step <> ALL (steps)),
	asked AS (
		SELECT s.step ->> 'fallback' AS name FROM agent_studio_private.listed_steps(definition) s WHERE s.name = ANY (steps)
		UNION SELECT r.value ->> 'to' FROM agent_studio_private.listed_steps(definition) s
		CROSS JOIN LATERAL pg_catalog.jsonb_array_elements(coalesce(s.step -> 'rules', '[]')) r WHERE s.name = ANY (steps)
		UNION SELECT s.name FROM agent_studio_private.listed_steps(definition) s WHERE s.step ->> 'compensates' = ANY (steps))
	SELECT pg_catalog.jsonb_agg(agent_studio_private.own_step(s.step,
			CASE WHEN p.demand IS NULL THEN
					ARRAY(SELECT b.from_step FROM back b WHERE b.name = s.name AND b.from_step = ANY (steps) ORDER BY 1)
				 WHEN NOT EXISTS (SELECT FROM asked a WHERE a.name = s.name) THEN
					ARRAY(SELECT DISTINCT u.from_step FROM agent_studio_private.used_outputs(definition) u
						  WHERE u.step = s.name AND u.from_step = ANY (steps) AND u.from_step <> s.name ORDER BY 1) END,
			steps) ORDER BY s.step_no)
	FROM agent_studio_private.listed_steps(definition) s JOIN plan p ON p.name = s.name
	WHERE s.name = ANY (steps);
END;
COMMENT ON FUNCTION agent_studio_private.chosen_steps(jsonb, text[]) IS
'The chosen steps of a sound definition, as steps of one of their own.';

CREATE FUNCTION agent_studio_private.needed_outputs(definition jsonb, steps text[])
RETURNS TABLE (step text, output text, variable text, declared jsonb)
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	-- Declared as the output is. It need not be given where the output need not be there, or
	-- where another source can stand in for it.
	SELECT n.from_step, n.output, agent_studio_private.output_variable(n.from_step, n.output),
		   (SELECT pg_catalog.jsonb_object_agg(m.key, m.value) FROM pg_catalog.jsonb_each(o.declared) m
			WHERE m.key IN ('type', 'values', 'description', 'required'))
		   || CASE WHEN n.alternative THEN '{"required": false}' ELSE '{}' END::jsonb
	FROM (SELECT u.from_step, u.output, pg_catalog.bool_and(u.alternative) AS alternative
		  FROM agent_studio_private.used_outputs(definition) u
		  WHERE u.step = ANY (steps) AND u.from_step <> ALL (steps) GROUP BY u.from_step, u.output) n
	JOIN agent_studio_private.listed_steps(definition) s ON s.name = n.from_step
	CROSS JOIN LATERAL (SELECT coalesce(s.step -> 'outputs' -> n.output, '"string"')) g (given)
	CROSS JOIN LATERAL (SELECT CASE pg_catalog.jsonb_typeof(g.given) WHEN 'object' THEN g.given
		ELSE pg_catalog.jsonb_build_object('type', g.given) END) o (declared);
END;
COMMENT ON FUNCTION agent_studio_private.needed_outputs(jsonb, text[]) IS
'Outputs of steps that were not chosen which the chosen ones use, as inputs.';

CREATE FUNCTION agent_studio_private.partial_plan(definition jsonb, steps text[]) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	chosen text := agent_studio_private.chosen_steps(definition, steps)::text;
	inputs jsonb := '{}';
	item record;
BEGIN
	FOR item IN SELECT n.* FROM agent_studio_private.needed_outputs(definition, steps) n LOOP
		chosen := agent_studio_private.with_input(chosen, item.step, item.output, item.variable);
		inputs := inputs || jsonb_build_object(item.variable, item.declared);
	END LOOP;
	-- Inputs that only the others use need not be given.
	FOR item IN SELECT i.key, CASE jsonb_typeof(i.value) WHEN 'object' THEN i.value ELSE jsonb_build_object('type', i.value) END AS declared
				FROM jsonb_each(coalesce(definition -> 'inputs', '{}')) i LOOP
		inputs := inputs || jsonb_build_object(item.key,
			CASE WHEN chosen ~ ('[[:<:]]' || item.key || '[[:>:]]') THEN item.declared ELSE item.declared || '{"required": false}' END);
	END LOOP;
	RETURN definition || jsonb_build_object('steps', chosen::jsonb, 'inputs', inputs);
END
$$;
COMMENT ON FUNCTION agent_studio_private.partial_plan(jsonb, text[]) IS
'The chosen steps of a sound definition as a definition of their own.';

CREATE FUNCTION agent_studio_private.partial_inputs(definition jsonb, steps text[], inputs jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	given jsonb := '{}';
	missing text[] := '{}';
	example jsonb := '{}';
	own jsonb := inputs;
	item record;
BEGIN
	FOR item IN SELECT n.* FROM agent_studio_private.needed_outputs(definition, steps) n ORDER BY n.step, n.output LOOP
		IF inputs #> ARRAY[item.step, item.output] IS NOT NULL THEN
			given := given || jsonb_build_object(item.variable, inputs #> ARRAY[item.step, item.output]);
		ELSIF item.declared -> 'required' IS DISTINCT FROM 'false' THEN
			missing := missing || (item.step || '.' || item.output);
			example := example || jsonb_build_object(item.step,
				coalesce(example -> item.step, '{}') || jsonb_build_object(item.output, '...'));
		END IF;
	END LOOP;
	IF missing <> '{}' THEN
		RAISE EXCEPTION 'the chosen steps need outputs of others: %', array_to_string(missing, ', ')
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = format('Give them in inputs under the name of the step, for example %s.', example);
	END IF;
	-- What was given for other steps has been taken from there; a declared input stays one.
	SELECT coalesce(jsonb_object_agg(m.key, m.value), '{}') INTO own FROM jsonb_each(inputs) m
	WHERE coalesce(definition -> 'inputs' ? m.key, false)
	   OR m.key NOT IN (SELECT s.name FROM agent_studio_private.listed_steps(definition) s WHERE s.name <> ALL (steps));
	RETURN own || given;
END
$$;
COMMENT ON FUNCTION agent_studio_private.partial_inputs(jsonb, text[], jsonb) IS
'The inputs of a partial plan, those for outputs of other steps taken from under the steps'' names; raises 22023 for missing ones.';

CREATE FUNCTION agent_studio_private.start_test(actor text, workflow text, inputs jsonb, steps text[]) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_variable
DECLARE
	target agent_studio.workflows := agent_studio_private.startable_workflow(actor, workflow);
	definition jsonb := agent_studio_private.draft_of(target);
	run agent_studio.executions;
BEGIN
	run.inputs := coalesce(inputs, '{}');
	PERFORM agent_studio_private.require_sound(actor, workflow, definition);
	IF steps IS NOT NULL THEN
		PERFORM agent_studio_private.check_chosen(definition, steps);
		run.inputs := agent_studio_private.partial_inputs(definition, steps, run.inputs);
		run.plan := agent_studio_private.partial_plan(definition, steps);
		definition := run.plan;
		PERFORM agent_studio_private.require_sound(actor, workflow, definition);
	ELSIF target.draft IS NOT NULL THEN
		run.plan := definition;
	ELSE
		run.workflow_version_id := (agent_studio_private.find_version(target, NULL)).workflow_version_id;
	END IF;
	run.workflow := target.name;
	run.task := coalesce(nullif(target.title, ''), target.name);
	run.priority := 'normal';
	run.pause_before_each_step := false;
	run.continue_on_warnings := true;
	run.is_test := true;
	run.is_verbose := false;
	run.owner := actor;
	run.team := CASE WHEN agent_studio_private.has_role(actor, target.team) THEN target.team END;
	RETURN agent_studio_private.start_workflow(run, definition);
END
$$;
COMMENT ON FUNCTION agent_studio_private.start_test(text, text, jsonb, text[]) IS
'Body of the function of the same name; the acting role comes first.';

CREATE FUNCTION agent_studio_private.start_test(workflow text, inputs jsonb, steps text[]) RETURNS bigint
AS 'MODULE_PATHNAME', 'agent_studio_gate' LANGUAGE C;
COMMENT ON FUNCTION agent_studio_private.start_test(text, jsonb, text[]) IS
'Starts a test of a workflow''s draft, or of its current version where there is none: of the chosen steps, or (NULL) of all; returns its id.';

CREATE FUNCTION agent_studio.as_test_workflow(workflow text, inputs jsonb DEFAULT '{}', mode text DEFAULT 'dry', steps text[] DEFAULT NULL)
RETURNS TABLE (execution bigint, step_no integer, step text, status text, agent text, agent_available boolean,
	endpoint_available boolean, inputs_from text, outputs_to text, condition text, error_handling text,
	seconds_low numeric, seconds_high numeric, cost_usd_low numeric, cost_usd_high numeric,
	ready_to_save boolean, problem text)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	target agent_studio.workflows := agent_studio_private.find_workflow(current_user::text, as_test_workflow.workflow);
BEGIN
	PERFORM agent_studio_private.one_of('mode', mode, ARRAY['dry', 'full', 'partial']);
	PERFORM agent_studio_private.check_inputs(inputs);
	IF (mode = 'partial') <> (coalesce(cardinality(steps), 0) > 0) THEN
		RAISE EXCEPTION 'mode "%" %', mode, CASE mode WHEN 'partial' THEN 'needs the names of the steps to run' ELSE 'runs all steps' END
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'For example mode => ''partial'', steps => ''{design}'', inputs => ''{"name": "..."}''.';
	END IF;
	IF mode = 'dry' THEN
		RETURN QUERY SELECT * FROM agent_studio_private.dry_run(workflow, agent_studio_private.draft_of(target), inputs);
	ELSE
		RETURN QUERY
		SELECT agent_studio_private.start_test(workflow, inputs, steps), NULL::integer, NULL::text, 'queued'::text, NULL::text,
			   NULL::boolean, NULL::boolean, NULL::text, NULL::text, NULL::text, NULL::text,
			   NULL::numeric, NULL::numeric, NULL::numeric, NULL::numeric, NULL::boolean, NULL::text;
	END IF;
END
$$;
COMMENT ON FUNCTION agent_studio.as_test_workflow(text, jsonb, text, text[]) IS
'Tests a workflow: its draft, or its current version where there is none. dry sends nothing: a row for each step (whether its agents and their endpoints can be used, where its inputs come from, which steps use its outputs, conditions, error handling, seconds and USD from low to high, problems), and a last row for the whole with ready_to_save: true = publishing would succeed. full starts a flagged execution of all steps, partial one of the steps that are named, to which outputs of all others are given in inputs under the name of the step: {"design": {"architecture": "..."}}. Both return one row with the execution''s id. Raises 42704, 22023, and for full and partial what as_run_workflow raises.';
