-- What reports are made of: figures of steps and of the whole, as rows say them, and
-- sentences that are the same in all forms of a report. What is not known is NULL, and
-- stays unsaid.

CREATE TYPE agent_studio_private.report_step AS (
	plan_step integer, step_no integer, name text, title text, agent text, model text,
	state text, mark text, verdict text, note text, iterations bigint, calls bigint,
	seconds numeric, cost_usd numeric, input_tokens bigint, output_tokens bigint,
	metrics text, error text, worked boolean
);
COMMENT ON TYPE agent_studio_private.report_step IS
'A step in a report: seconds, cost and tokens are of all its iterations and retries, the rest of the newest one; worked: a model was asked.';

CREATE FUNCTION agent_studio_private.report_steps(execution agent_studio.executions) RETURNS SETOF agent_studio_private.report_step
LANGUAGE sql STABLE
BEGIN ATOMIC
	-- Each once, whatever is known of how many rows there are.
	WITH shown AS MATERIALIZED (SELECT x.* FROM agent_studio.as_workflow_status((execution).execution_id) x),
	own AS MATERIALIZED (SELECT i AS step, i.* FROM agent_studio_private.current_steps((execution).execution_id) i),
	measured AS MATERIALIZED (
		SELECT x.plan_step, string_agg(format('%s: %s', x.label, agent_studio_private.metric_text(x.value, x.unit)), ', ' ORDER BY x.name) AS metrics
		FROM agent_studio_private.declared_metrics(execution) x GROUP BY x.plan_step)
	SELECT (s.plan_step, s.step_no, s.name, coalesce(nullif(s.title, ''), s.name),
			coalesce(a.name, w.agent) || coalesce(' v' || v.version, ''),
			m.name || coalesce(' (' || nullif(concat_ws('-', m.deployment, m.model_version), m.name) || ')', ''),
			s.state, agent_studio_private.step_mark(execution, s.step), s.verdict, w.note, t.iterations, c.calls,
			t.seconds, c.cost, c.input_tokens, c.output_tokens, d.metrics,
			CASE WHEN s.state <> 'completed' THEN nullif(concat_ws(': ', s.error_class, s.error_message), '') END,
			c.calls > 0 OR s.state = 'running')::agent_studio_private.report_step
	FROM own s JOIN shown w ON w.step_no = s.step_no
	LEFT JOIN agent_studio.agent_versions v ON v.agent_version_id = s.agent_version_id
	LEFT JOIN agent_studio.agents a ON a.agent_id = v.agent_id
	LEFT JOIN agent_studio.models m ON m.model_id = s.model_id
	LEFT JOIN measured d ON d.plan_step = s.plan_step
	CROSS JOIN LATERAL (
		SELECT sum(extract(epoch FROM coalesce(i.finished_at, pg_catalog.clock_timestamp()) - i.started_at)) AS seconds,
			   count(*) FILTER (WHERE i.started_at IS NOT NULL) AS iterations
		FROM agent_studio.steps i WHERE i.execution_id = s.execution_id AND i.plan_step = s.plan_step) t
	CROSS JOIN LATERAL (
		SELECT count(*) AS calls, sum(x.input_tokens)::bigint AS input_tokens, sum(x.output_tokens)::bigint AS output_tokens,
			   sum(coalesce(x.input_cost_usd + x.output_cost_usd, x.input_cost_usd, x.output_cost_usd)) AS cost
		FROM agent_studio.attempts x
		WHERE x.execution_id = s.execution_id
		  AND x.step_no = ANY (ARRAY(SELECT i.step_no FROM agent_studio.steps i WHERE i.execution_id = s.execution_id AND i.plan_step = s.plan_step))) c
	ORDER BY s.plan_step;
END;
COMMENT ON FUNCTION agent_studio_private.report_steps(agent_studio.executions) IS
'The steps of an execution, in the order of its definition, as a report tells them.';

-- Gates, files, sizes.

CREATE FUNCTION agent_studio_private.quality_gates(execution agent_studio.executions, OUT gates bigint, OUT passed bigint) RETURNS record
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT count(*), count(*) FILTER (WHERE s.state = 'completed' AND s.verdict IS DISTINCT FROM 'manual_review')
	FROM agent_studio_private.plan_steps(agent_studio_private.plan_of(execution)) p
	JOIN agent_studio_private.current_steps((execution).execution_id) s USING (plan_step)
	WHERE s.state <> 'skipped' AND (s.started_at IS NOT NULL OR NOT p.on_demand)
	  AND (p.step ? 'criteria' OR p.step ? 'approval'
		   OR jsonb_path_exists(p.step, '$.rules[*] ? (@.then == "go_back" || @.then == "hand_off" || @.then == "manual_review" || @.then == "fail")'));
END;
COMMENT ON FUNCTION agent_studio_private.quality_gates(agent_studio.executions) IS
'How many steps have criteria, an approval, or rules that may stop the flow or send it back, and how many of them completed and are not held.';

CREATE FUNCTION agent_studio_private.report_files(execution agent_studio.executions)
RETURNS TABLE (plan_step integer, step text, name text, file_name text, description text, bytes bigint)
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT s.plan_step, f.step, f.name, f.file_name, p.step #>> ARRAY['outputs', f.name, 'description'], octet_length(f.content)::bigint
	FROM agent_studio_private.files_of(execution) f
	JOIN agent_studio.steps s ON s.execution_id = (execution).execution_id AND s.step_no = f.step_no
	LEFT JOIN agent_studio_private.plan_steps(agent_studio_private.plan_of(execution)) p ON p.plan_step = s.plan_step
	ORDER BY s.plan_step, f.name;
END;
COMMENT ON FUNCTION agent_studio_private.report_files(agent_studio.executions) IS
'The files of an execution, with what the definition says of them.';

CREATE FUNCTION agent_studio_private.outputs_text(step agent_studio.steps) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT CASE WHEN jsonb_typeof((step).outputs) = 'object' THEN
			(SELECT string_agg(o.key || ' (' || CASE jsonb_typeof(o.value)
				WHEN 'array' THEN jsonb_array_length(o.value) || CASE jsonb_array_length(o.value) WHEN 1 THEN ' item' ELSE ' items' END
				WHEN 'string' THEN CASE WHEN o.value #>> '{}' ~ '^\w[\w ,.:/-]{0,38}$' THEN o.value #>> '{}' ELSE agent_studio_private.size_text(octet_length(o.value #>> '{}')::bigint) END
				WHEN 'object' THEN agent_studio_private.size_text(octet_length(o.value::text)::bigint)
				ELSE o.value::text END || ')', ', ' ORDER BY o.key) FROM jsonb_each((step).outputs) o)
		WHEN (step).output IS NOT NULL THEN 'the answer (' || agent_studio_private.size_text(octet_length((step).output)::bigint) || ')' END;
END;
COMMENT ON FUNCTION agent_studio_private.outputs_text(agent_studio.steps) IS
'The outputs of a step with their sizes, in one line; NULL = none.';

CREATE FUNCTION agent_studio_private.answer_text(execution agent_studio.executions) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT format('No file is declared; the answer has %s: SELECT agent_studio.as_output(%s);',
		agent_studio_private.size_text(octet_length(coalesce(s.output, s.outputs::text))::bigint), s.execution_id)
	FROM agent_studio.steps s
	WHERE s.execution_id = (execution).execution_id AND s.step_no = agent_studio_private.result_step(execution)
	  AND NOT EXISTS (SELECT FROM agent_studio_private.files_of(execution));
END;
COMMENT ON FUNCTION agent_studio_private.answer_text(agent_studio.executions) IS
'How large the answer of an execution without files is, and how it is read; NULL = there are files, or no answer.';

-- Sentences of a report, the same in all its forms.

CREATE FUNCTION agent_studio_private.report_span(execution agent_studio.executions) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT coalesce(to_char(t.start, 'YYYY-MM-DD HH24:MI:SS')
		|| coalesce(' to ' || to_char(t.finish, CASE WHEN t.start::date = t.finish::date THEN 'HH24:MI:SS' ELSE 'YYYY-MM-DD HH24:MI:SS' END), '')
		|| ' UTC', 'not started')
	FROM (SELECT (execution).started_at AT TIME ZONE 'UTC' AS start, (execution).finished_at AT TIME ZONE 'UTC' AS finish) t;
END;
COMMENT ON FUNCTION agent_studio_private.report_span(agent_studio.executions) IS 'From when to when an execution ran.';

CREATE FUNCTION agent_studio_private.report_duration(execution agent_studio.executions) RETURNS text
LANGUAGE sql STABLE
RETURN coalesce(agent_studio_private.duration_text(coalesce((execution).finished_at, pg_catalog.clock_timestamp()) - (execution).started_at)
	|| CASE WHEN (execution).finished_at IS NULL THEN ' so far' ELSE '' END, 'not started');
COMMENT ON FUNCTION agent_studio_private.report_duration(agent_studio.executions) IS 'How long an execution took, or has taken so far.';

CREATE FUNCTION agent_studio_private.report_subject(execution agent_studio.executions) RETURNS text
LANGUAGE sql STABLE
RETURN coalesce((execution).workflow, (execution).agent)
	|| coalesce((SELECT ' v' || v.version FROM agent_studio.workflow_versions v WHERE v.workflow_version_id = (execution).workflow_version_id), '');
COMMENT ON FUNCTION agent_studio_private.report_subject(agent_studio.executions) IS 'The workflow with its version, or the agent.';

CREATE FUNCTION agent_studio_private.report_status(execution agent_studio.executions) RETURNS text
LANGUAGE sql STABLE
RETURN left(agent_studio_private.result_title(execution), 1) || ' ' || replace((execution).status, '_', ' ')
	|| CASE WHEN (execution).is_test THEN ' (test)' ELSE '' END;
COMMENT ON FUNCTION agent_studio_private.report_status(agent_studio.executions) IS 'How an execution stands, with its mark.';

CREATE FUNCTION agent_studio_private.report_signature(execution agent_studio.executions) RETURNS text
LANGUAGE sql STABLE
RETURN format('Report of execution %s, generated by Agent Studio on %s UTC', (execution).execution_id,
	to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'));
COMMENT ON FUNCTION agent_studio_private.report_signature(agent_studio.executions) IS 'The last line of a report.';

CREATE FUNCTION agent_studio_private.progress_sentence(execution agent_studio.executions) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT concat_ws('; ', format('%s of %s steps complete', p.done, p.total),
		CASE f.files WHEN 0 THEN NULL WHEN 1 THEN '1 file' ELSE f.files || ' files' END,
		'issues reported: ' || i.counts) || '.'
	FROM agent_studio_private.progress(execution) p,
		 (SELECT count(*) AS files FROM agent_studio_private.files_of(execution)) f,
		 (SELECT agent_studio_private.issue_counts(jsonb_agg(l.issue)) AS counts
		  FROM agent_studio_private.all_reported(execution, 'issues') r CROSS JOIN LATERAL agent_studio_private.listed_issues(r.value) l) i;
END;
COMMENT ON FUNCTION agent_studio_private.progress_sentence(agent_studio.executions) IS 'How far an execution has come, from its rows.';

CREATE FUNCTION agent_studio_private.reported_summary(execution agent_studio.executions) RETURNS jsonb
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT r.value FROM agent_studio_private.all_reported(execution, 'summary') r ORDER BY r.is_result DESC NULLS LAST, r.plan_step DESC LIMIT 1;
END;
COMMENT ON FUNCTION agent_studio_private.reported_summary(agent_studio.executions) IS
'The summary of an execution: that of the step whose answer is the execution''s, else of the last step that gave one; NULL = none did.';

CREATE FUNCTION agent_studio_private.step_title(step agent_studio_private.report_step) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN format('Step %s: %s', (step).plan_step, agent_studio_private.one_line((step).title, 80));
COMMENT ON FUNCTION agent_studio_private.step_title(agent_studio_private.report_step) IS 'Number and title of a step.';

CREATE FUNCTION agent_studio_private.spent_text(step agent_studio_private.report_step) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN '(' || nullif(concat_ws(', ', round((step).seconds) || CASE WHEN round((step).seconds) = 1 THEN ' second' ELSE ' seconds' END,
	CASE WHEN (step).calls > 0 THEN coalesce(agent_studio_private.money_text((step).cost_usd), 'cost not known') END), '') || ')';
COMMENT ON FUNCTION agent_studio_private.spent_text(agent_studio_private.report_step) IS
'What was spent on a step: (87 seconds, $0.13); NULL = it never began.';

CREATE FUNCTION agent_studio_private.status_text(step agent_studio_private.report_step) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN (step).mark || ' ' || CASE WHEN (step).note = 'not reached' THEN '' ELSE replace((step).state, '_', ' ') END
	|| coalesce(CASE WHEN (step).note = 'not reached' THEN '' ELSE ' - ' END || CASE WHEN (step).error IS NULL THEN (step).note END, '');
COMMENT ON FUNCTION agent_studio_private.status_text(agent_studio_private.report_step) IS 'How a step stands, in words.';

CREATE FUNCTION agent_studio_private.step_tokens_text(step agent_studio_private.report_step) RETURNS text
LANGUAGE sql STABLE
RETURN CASE WHEN (step).calls = 0 THEN NULL WHEN (step).input_tokens + (step).output_tokens IS NULL THEN 'not known'
	ELSE format('%s tokens (input: %s, output: %s)', agent_studio_private.number_text((step).input_tokens + (step).output_tokens),
		agent_studio_private.number_text((step).input_tokens), agent_studio_private.number_text((step).output_tokens)) END;
COMMENT ON FUNCTION agent_studio_private.step_tokens_text(agent_studio_private.report_step) IS 'Tokens of a step, in words; NULL = no model was asked.';

CREATE FUNCTION agent_studio_private.step_facts(execution agent_studio.executions, step agent_studio_private.report_step)
RETURNS TABLE (label text, content text)
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT f.label, f.content FROM (VALUES
		(1, 'Agent', (step).agent), (2, 'Model', (step).model), (3, 'Status', agent_studio_private.status_text(step)),
		(4, 'Error', (step).error),
		(5, 'Iterations', CASE WHEN (step).iterations > 1 THEN (step).iterations::text END),
		(6, 'Calls', CASE WHEN (step).calls > greatest((step).iterations, 1) THEN (step).calls::text END),
		(7, 'Outputs', (SELECT agent_studio_private.outputs_text(s) FROM agent_studio.steps s
			WHERE s.execution_id = (execution).execution_id AND s.step_no = (step).step_no)),
		(8, 'Metrics', (step).metrics),
		(9, 'Token Usage', agent_studio_private.step_tokens_text(step))) AS f (place, label, content)
	WHERE f.content IS NOT NULL ORDER BY f.place;
END;
COMMENT ON FUNCTION agent_studio_private.step_facts(agent_studio.executions, agent_studio_private.report_step) IS
'What is known of a step, a label and a text each.';

CREATE FUNCTION agent_studio_private.step_reported(execution bigint, step_no integer) RETURNS TABLE (subject text, label text, value jsonb)
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT u.subject, u.label, r.value
	FROM agent_studio.steps s
	CROSS JOIN (VALUES (1, 'summary', 'Output Summary'), (2, 'key_decisions', 'Key Decisions'), (3, 'issues', 'Issues')) u (place, subject, label)
	CROSS JOIN LATERAL (SELECT agent_studio_private.reported(s, u.subject) AS value) r
	WHERE s.execution_id = execution AND s.step_no = step_reported.step_no AND r.value IS NOT NULL
	ORDER BY u.place;
END;
COMMENT ON FUNCTION agent_studio_private.step_reported(bigint, integer) IS 'What a step gave for its own part of a report.';

CREATE FUNCTION agent_studio_private.report_figures(execution agent_studio.executions)
RETURNS TABLE (topic text, label text, content text)
LANGUAGE sql STABLE
BEGIN ATOMIC
	WITH steps AS MATERIALIZED (
		SELECT s.*, format('Step %s (%s)', s.plan_step, agent_studio_private.one_line(s.title, 60)) AS called, s.input_tokens + s.output_tokens AS tokens,
			   -- A call that was refused costs nothing, which says nothing about the step.
			   s.cost_usd > 0 OR s.output_tokens IS NOT NULL AS answered
		FROM agent_studio_private.report_steps(execution) s WHERE s.worked),
	total AS (
		SELECT count(*) AS n, avg(s.seconds) AS seconds, avg(s.cost_usd) FILTER (WHERE s.answered) AS cost, count(s.cost_usd) FILTER (WHERE s.answered) AS priced, avg(s.tokens) AS tokens,
			   (array_agg(s.called || ' - ' || round(s.seconds) || 's' ORDER BY s.seconds DESC NULLS LAST, s.plan_step))[1] AS slowest,
			   (array_agg(s.called || ' - ' || round(s.seconds) || 's' ORDER BY s.seconds, s.plan_step))[1] AS fastest,
			   (array_agg(s.called || ' - ' || agent_studio_private.money_text(s.cost_usd) ORDER BY s.cost_usd DESC NULLS LAST, s.plan_step))[1] AS dearest,
			   (array_agg(s.called || ' - ' || agent_studio_private.money_text(s.cost_usd) ORDER BY s.cost_usd, s.plan_step) FILTER (WHERE s.answered))[1] AS cheapest
		FROM steps s),
	used AS (
		SELECT sum(a.input_tokens)::bigint AS input, sum(a.output_tokens)::bigint AS output,
			   nullif(sum(a.cached_input_tokens), 0)::bigint AS cached, nullif(sum(a.reasoning_tokens), 0)::bigint AS reasoning
		FROM agent_studio.attempts a WHERE a.execution_id = (execution).execution_id)
	SELECT f.topic, f.label, f.content
	FROM total t, used u, agent_studio_private.quality_gates(execution) g
	CROSS JOIN LATERAL (
		VALUES (1, 0::bigint, 'Performance', 'Total Execution Time', agent_studio_private.report_duration(execution)),
			(2, 0, 'Performance', 'Average Step Time', agent_studio_private.duration_text(pg_catalog.make_interval(secs => t.seconds::float8))),
			(3, 0, 'Performance', 'Slowest Step', CASE WHEN t.n > 1 THEN t.slowest END),
			(4, 0, 'Performance', 'Fastest Step', CASE WHEN t.n > 1 THEN t.fastest END),
			(6, 0, 'Cost', 'Total Cost', agent_studio_private.total_cost_text((execution).execution_id)),
			(7, 0, 'Cost', 'Cost per Step', agent_studio_private.money_text(t.cost) || ' average'
				|| CASE WHEN t.priced < t.n THEN format(', of the %s whose cost is known', t.priced) ELSE '' END),
			(8, 0, 'Cost', 'Most Expensive Step', CASE WHEN t.priced > 1 THEN t.dearest END),
			(9, 0, 'Cost', 'Least Expensive Step', CASE WHEN t.priced > 1 THEN t.cheapest END),
			(10, 0, 'Quality', 'Quality Gates', CASE WHEN g.gates = 0 THEN NULL WHEN g.gates = g.passed THEN format('all passed (%s)', g.gates)
				ELSE format('%s of %s passed', g.passed, g.gates) END),
			(12, 0, 'Token Usage', 'Total Tokens', agent_studio_private.number_text(coalesce(u.input + u.output, u.input, u.output))),
			(13, 0, 'Token Usage', 'Input Tokens', agent_studio_private.number_text(u.input)
				|| coalesce(' (' || agent_studio_private.number_text(u.cached) || ' from the cache)', '')),
			(14, 0, 'Token Usage', 'Output Tokens', agent_studio_private.number_text(u.output)
				|| coalesce(' (' || agent_studio_private.number_text(u.reasoning) || ' for reasoning)', '')),
			(15, 0, 'Token Usage', 'Average per Step', agent_studio_private.number_text(round(t.tokens)::bigint) || ' tokens')
		UNION ALL
		SELECT 11, q.n, 'Quality', split_part(btrim(q.line), ': ', 1), substr(btrim(q.line), strpos(btrim(q.line), ': ') + 2)
		FROM agent_studio_private.quality_lines(execution) WITH ORDINALITY q (line, n)) f (place, n, topic, label, content)
	WHERE f.content IS NOT NULL
	ORDER BY f.place, f.n;
END;
COMMENT ON FUNCTION agent_studio_private.report_figures(agent_studio.executions) IS
'The figures of an execution by topic: Performance, Cost, Quality, Token Usage. Averages are of the steps for which a model was asked; what is not known is left out.';
