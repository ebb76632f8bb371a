-- What came of it: the files of an execution, and as_result, the sheet for people.
-- Nothing is told but what rows say.

-- Files.

-- One expression, which becomes a part of the query: a query of its own would be planned anew for each execution.
CREATE FUNCTION agent_studio_private.media_type(file_name text) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN CASE lower(substring(file_name FROM '\.([^.]+)$'))
	WHEN 'md' THEN 'text/markdown' WHEN 'json' THEN 'application/json' WHEN 'yaml' THEN 'application/yaml' WHEN 'yml' THEN 'application/yaml'
	WHEN 'html' THEN 'text/html' WHEN 'htm' THEN 'text/html' WHEN 'css' THEN 'text/css' WHEN 'csv' THEN 'text/csv' WHEN 'xml' THEN 'application/xml'
	WHEN 'svg' THEN 'image/svg+xml' WHEN 'js' THEN 'text/javascript' WHEN 'mjs' THEN 'text/javascript' WHEN 'py' THEN 'text/x-python'
	WHEN 'sql' THEN 'application/sql' WHEN 'sh' THEN 'application/x-sh' WHEN 'toml' THEN 'application/toml' ELSE 'text/plain' END;
COMMENT ON FUNCTION agent_studio_private.media_type(text) IS
'The media type that a file name''s ending tells; text/plain where it tells none.';

-- A definition may name a file as it likes; who unpacks it must not be led elsewhere.
CREATE FUNCTION agent_studio_private.safe_file_name(given text) RETURNS text
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	-- 255 bytes is what file systems take; the names of step and output may come before it.
	SELECT CASE WHEN c.name = '' THEN 'output'
		WHEN c.name ~* '^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)' THEN '_' || c.name
		WHEN octet_length(c.name) > 100 THEN left(c.name, CASE WHEN octet_length(c.name) = length(c.name) THEN 88 ELSE 22 END)
			|| coalesce(substring(c.name FROM '\.[A-Za-z0-9]{1,10}$'), '')
		ELSE c.name END
	FROM (SELECT CASE WHEN btrim(given, ' .') = '' THEN ''
				 ELSE rtrim(btrim(regexp_replace(given, '[/\\:*?"<>|\u0001-\u001F\u007F-\u009F\u061C\u200B-\u200F\u2028-\u202E\u2060-\u206F\uFEFF]+', '_', 'g')), ' .') END AS name) c;
END;
COMMENT ON FUNCTION agent_studio_private.safe_file_name(text) IS
'A file name without a folder, control characters, or what file systems do not take, of 100 bytes at most.';

CREATE FUNCTION agent_studio_private.declared_files(execution agent_studio.executions)
RETURNS TABLE (step_no integer, step text, name text, file_name text, media_type text, content text)
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT s.step_no, s.name, d.key, agent_studio_private.safe_file_name(d.value ->> 'file_name'), d.value ->> 'media_type',
		   s.outputs -> d.key #>> '{}'
	FROM agent_studio_private.plan_steps(agent_studio_private.plan_of(execution)) p
	JOIN agent_studio_private.current_steps((execution).execution_id) s USING (plan_step)
	CROSS JOIN LATERAL jsonb_each(CASE WHEN jsonb_typeof(p.step -> 'outputs') = 'object' THEN p.step -> 'outputs' ELSE '{}' END) d
	WHERE d.value ->> 'file_name' <> '' AND jsonb_typeof(s.outputs -> d.key) <> 'null';
END;
COMMENT ON FUNCTION agent_studio_private.declared_files(agent_studio.executions) IS
'The outputs of a workflow''s execution that are files, with the names that its definition gives them.';

-- In PL/pgSQL, which keeps its plan: to make one takes ten times as long as to follow it.
-- And with few rows: as a part of the view artifacts it would be estimated at millions,
-- and be compiled for seconds.
CREATE FUNCTION agent_studio_private.files_of(execution agent_studio.executions)
RETURNS TABLE (step_no integer, step text, name text, file_name text, media_type text, content text)
LANGUAGE plpgsql STABLE ROWS 5 SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
#variable_conflict use_column
BEGIN
	IF execution.kind = 'task' THEN
		RETURN QUERY
		SELECT s.step_no, s.name, 'output', f.name, agent_studio_private.media_type(f.name), s.output
		FROM agent_studio.steps s
		CROSS JOIN LATERAL (SELECT CASE coalesce(s.output_format, execution.output_format)
			WHEN 'markdown' THEN 'output.md' WHEN 'json' THEN 'output.json' ELSE 'output.txt' END) f (name)
		WHERE s.execution_id = execution.execution_id AND s.step_no = agent_studio_private.result_step(execution);
		RETURN;
	END IF;
	-- Most definitions name no file, and need not be taken apart.
	IF agent_studio_private.plan_of(execution) @? '$.steps[*].outputs.*.file_name' IS NOT TRUE THEN
		RETURN;
	END IF;
	RETURN QUERY
	-- Some file systems take README.md and readme.md for one.
	SELECT u.step_no, u.step, u.name, CASE WHEN u.n > 1 THEN u.n || '-' ELSE '' END || u.file_name,
		   coalesce(u.media_type, agent_studio_private.media_type(u.file_name)), u.content
	FROM (SELECT t.step_no, t.step, t.name, t.media_type, t.content, t.file_name,
				 row_number() OVER (PARTITION BY lower(t.file_name) ORDER BY t.step_no, t.name) AS n
		  FROM (SELECT f.step_no, f.step, f.name, f.media_type, f.content,
					   CASE WHEN count(*) OVER (PARTITION BY lower(f.file_name)) > 1 THEN f.step || '-' ELSE '' END
					   || CASE WHEN count(*) OVER (PARTITION BY f.step_no, lower(f.file_name)) > 1 THEN f.name || '-' ELSE '' END
					   || f.file_name AS file_name
				FROM agent_studio_private.declared_files(execution) f) t) u
	ORDER BY u.step_no, u.name;
END
$$;
COMMENT ON FUNCTION agent_studio_private.files_of(agent_studio.executions) IS
'The files of an execution, each with a name of its own: where two would have the same, the step''s name comes first, then the output''s, then a number.';

CREATE VIEW agent_studio.artifacts WITH (security_invoker = true) AS
	SELECT e.execution_id, f.step_no, f.step, f.name, f.file_name, f.media_type,
		   octet_length(f.content)::bigint AS bytes, f.content
	FROM agent_studio.executions e CROSS JOIN LATERAL agent_studio_private.files_of(e) f;
COMMENT ON VIEW agent_studio.artifacts IS
'The files that executions have produced: of a workflow the outputs for which its definition declares a file_name, of the newest iteration of each step; of a task its answer. None where the reader may not see the workflow.';
COMMENT ON COLUMN agent_studio.artifacts.execution_id IS 'The execution.';
COMMENT ON COLUMN agent_studio.artifacts.step_no IS 'The step''s number.';
COMMENT ON COLUMN agent_studio.artifacts.step IS 'The step''s name.';
COMMENT ON COLUMN agent_studio.artifacts.name IS 'Name of the output; output for the answer of a task.';
COMMENT ON COLUMN agent_studio.artifacts.file_name IS 'Name of the file, without a folder; where two of one execution would have the same, it begins with the step''s name. Of a task output.md, output.json or output.txt.';
COMMENT ON COLUMN agent_studio.artifacts.media_type IS 'As declared, else by the file name''s ending, else text/plain.';
COMMENT ON COLUMN agent_studio.artifacts.bytes IS 'Size of the content in bytes (UTF-8).';
COMMENT ON COLUMN agent_studio.artifacts.content IS 'The text; of a value that is no string its JSON.';
GRANT SELECT ON agent_studio.artifacts TO agent_studio_user, agent_studio_monitor;

-- Pieces of the sheet.

-- Expressions, which the planner puts into a query that has thousands of them.
CREATE FUNCTION agent_studio_private.whole_seconds_text(seconds bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN seconds >= 3600 THEN format('%sh %sm %ss', seconds / 3600, seconds / 60 % 60, seconds % 60)
	WHEN seconds >= 60 THEN format('%sm %ss', seconds / 60, seconds % 60)
	WHEN seconds >= 0 THEN seconds || 's'
	WHEN seconds < 0 THEN '0s' END;
COMMENT ON FUNCTION agent_studio_private.whole_seconds_text(bigint) IS 'Seconds as 42s, 9m 42s or 3h 0m 5s, never less than 0s; NULL for NULL.';

CREATE FUNCTION agent_studio_private.duration_text(elapsed interval) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN agent_studio_private.whole_seconds_text(round(extract(epoch FROM elapsed))::bigint);
COMMENT ON FUNCTION agent_studio_private.duration_text(interval) IS 'A duration as 42s, 9m 42s or 3h 0m 5s; NULL for NULL.';

CREATE FUNCTION agent_studio_private.money_text(usd numeric) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN '$' || CASE WHEN usd > 0 AND usd < 0.01 THEN trim_scale(round(usd, 6)) ELSE round(usd, 2) END;
COMMENT ON FUNCTION agent_studio_private.money_text(numeric) IS
'An amount as $0.68, below a cent with six places; NULL for NULL.';

CREATE FUNCTION agent_studio_private.number_text(value bigint) RETURNS text
LANGUAGE sql STABLE
RETURN ltrim(to_char(value, '999,999,999,999,999'));
COMMENT ON FUNCTION agent_studio_private.number_text(bigint) IS 'A count as 31,960; NULL for NULL.';

CREATE FUNCTION agent_studio_private.size_text(bytes bigint) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN CASE WHEN bytes < 1024 THEN bytes || CASE bytes WHEN 1 THEN ' byte' ELSE ' bytes' END
	WHEN bytes < 1048576 THEN trim_scale(round(bytes / 1024.0, 1)) || ' KB'
	ELSE trim_scale(round(bytes / 1048576.0, 1)) || ' MB' END;
COMMENT ON FUNCTION agent_studio_private.size_text(bigint) IS 'A size as 512 bytes, 12 KB, 8.5 KB, 1.2 MB; NULL for NULL.';

CREATE FUNCTION agent_studio_private.sheet_section(title text, labels text[], contents text[]) RETURNS SETOF text
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	WITH lines AS (
		SELECT p.n, '  ' || rpad(agent_studio_private.one_line(p.label, 50) || ':', 19) || agent_studio_private.one_line(p.content, 46) AS line
		FROM unnest(labels, contents) WITH ORDINALITY p (label, content, n) WHERE p.content <> '')
	SELECT l.line FROM (SELECT h.n, h.line FROM (VALUES (-1, ''), (0, title || ':')) h (n, line) WHERE EXISTS (SELECT FROM lines)
						UNION ALL SELECT x.n, x.line FROM lines x) l ORDER BY l.n;
END;
COMMENT ON FUNCTION agent_studio_private.sheet_section(text, text[], text[]) IS
'A blank line, a title, and a line for each label whose content is known; nothing where none is.';

CREATE FUNCTION agent_studio_private.result_title(execution agent_studio.executions) RETURNS text
LANGUAGE sql STABLE
RETURN format('%s %s %s%s: %s',
	CASE (execution).status WHEN 'completed' THEN '✓' WHEN 'failed' THEN '✗' WHEN 'canceled' THEN '✗'
		WHEN 'requires_manual_review' THEN '!' ELSE '…' END,
	initcap((execution).kind),
	CASE (execution).status WHEN 'completed' THEN 'Complete' ELSE initcap(replace((execution).status, '_', ' ')) END,
	CASE WHEN (execution).is_test THEN ' (Test)' ELSE '' END,
	agent_studio_private.one_line(coalesce((execution).workflow, (execution).agent), 55));
COMMENT ON FUNCTION agent_studio_private.result_title(agent_studio.executions) IS 'First line of the result sheet.';

CREATE FUNCTION agent_studio_private.total_cost_text(execution bigint) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT CASE WHEN c.cost IS NULL AND c.unknown = 0 AND c.calls > 0 THEN agent_studio_private.money_text(0)	-- refused, all of them
		WHEN c.cost IS NULL OR (c.cost = 0 AND c.unknown > 0) THEN 'not known'
		WHEN c.unknown > 0 THEN format('%s, and that of %s not known', agent_studio_private.money_text(c.cost),
			CASE c.unknown WHEN 1 THEN 'one call' ELSE c.unknown || ' calls' END)
		ELSE agent_studio_private.money_text(c.cost) END
	FROM (SELECT sum(coalesce(a.input_cost_usd, 0) + coalesce(a.output_cost_usd, 0))
					FILTER (WHERE a.input_cost_usd IS NOT NULL OR a.output_cost_usd IS NOT NULL) AS cost,
				 count(*) FILTER (WHERE a.possibly_billed AND (a.input_cost_usd IS NULL OR a.output_cost_usd IS NULL)) AS unknown,
				 count(*) AS calls
		  FROM agent_studio.attempts a WHERE a.execution_id = execution) c;
END;
COMMENT ON FUNCTION agent_studio_private.total_cost_text(bigint) IS
'What the calls of an execution cost, and of how many that is not known though they were sent.';

CREATE FUNCTION agent_studio_private.result_head(execution agent_studio.executions) RETURNS SETOF text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT l.line FROM (VALUES
		(1, format('Execution ID: %s', (execution).execution_id)),
		(2, format('Status: %s', replace((execution).status, '_', ' '))),
		(3, format('Total Time: %s', coalesce(agent_studio_private.duration_text(
				coalesce((execution).finished_at, clock_timestamp()) - (execution).started_at)
				|| CASE WHEN (execution).finished_at IS NULL THEN ' so far' ELSE '' END, 'not started'))),
		(4, format('Total Cost: %s', agent_studio_private.total_cost_text((execution).execution_id))),
		(5, 'Task: ' || CASE (execution).kind WHEN 'task' THEN agent_studio_private.one_line((execution).task, 92) END),
		(6, CASE (execution).status WHEN 'canceled'
			THEN agent_studio_private.one_line('Canceled by ' || agent_studio_private.canceled_by((execution).execution_id), 98) END))
		AS l (place, line)
	WHERE l.line IS NOT NULL ORDER BY l.place;
END;
COMMENT ON FUNCTION agent_studio_private.result_head(agent_studio.executions) IS
'Lines of the result sheet: which execution it is, how it stands, time and cost.';

-- Steps.

CREATE FUNCTION agent_studio_private.step_mark(execution agent_studio.executions, step agent_studio.steps) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN CASE
	WHEN (step).verdict IS NOT DISTINCT FROM 'manual_review' OR ((step).state = 'partial' AND (step).verdict IS NULL) THEN '!'
	WHEN (step).state IN ('completed', 'partial') THEN '✓'
	WHEN (step).state IN ('failed', 'canceled') THEN '✗'
	WHEN (step).state = 'skipped' OR (execution).finished_at IS NOT NULL THEN '–'
	ELSE '…' END;
COMMENT ON FUNCTION agent_studio_private.step_mark(agent_studio.executions, agent_studio.steps) IS
'How a step stands, as one character.';

CREATE FUNCTION agent_studio_private.spent_on_step(execution bigint, step integer) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT '(' || nullif(concat_ws(', ', t.seconds || 's',
			CASE WHEN c.calls > 0 THEN coalesce(agent_studio_private.money_text(c.cost), 'cost not known') END,
			CASE WHEN t.iterations > 1 THEN t.iterations || ' iterations' END), '') || ')'
	FROM (SELECT round(sum(extract(epoch FROM coalesce(s.finished_at, pg_catalog.clock_timestamp()) - s.started_at))) AS seconds,
				 count(*) FILTER (WHERE s.started_at IS NOT NULL) AS iterations
		  FROM agent_studio.steps s WHERE s.execution_id = execution AND s.plan_step = spent_on_step.step) t,
		 (SELECT count(*) AS calls, sum(coalesce(a.input_cost_usd + a.output_cost_usd, a.input_cost_usd, a.output_cost_usd)) AS cost
		  FROM agent_studio.attempts a
		  -- An array, so that it is the index that finds them, whatever is known of the tables.
		  WHERE a.execution_id = execution
			AND a.step_no = ANY (ARRAY(SELECT s.step_no FROM agent_studio.steps s WHERE s.execution_id = execution AND s.plan_step = spent_on_step.step))) c;
END;
COMMENT ON FUNCTION agent_studio_private.spent_on_step(bigint, integer) IS
'Seconds and cost of all iterations of a step of the definition, and how many there were, in brackets; NULL = it never began.';

CREATE FUNCTION agent_studio_private.result_steps(execution agent_studio.executions) RETURNS SETOF text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
#variable_conflict use_variable
DECLARE
	id bigint := execution.execution_id;
	plan jsonb := agent_studio_private.plan_of(execution);
	unfinished text[] := ARRAY(SELECT c.name FROM agent_studio_private.current_steps(id) c WHERE c.state NOT IN ('completed', 'skipped'));
BEGIN
	RETURN QUERY
	SELECT '  ' || agent_studio_private.one_line(concat_ws(' ', agent_studio_private.step_mark(execution, s),
		format('Step %s: %s', s.plan_step, s.name), agent_studio_private.spent_on_step(id, s.plan_step),
		'- ' || CASE s.state WHEN 'running' THEN 'running' WHEN 'skipped' THEN 'skipped: ' ELSE '' END
			|| CASE WHEN s.state = 'pending' AND execution.finished_at IS NOT NULL AND p.on_demand THEN 'was not needed'
				WHEN s.state = 'skipped' AND s.verdict = 'skipped_by_hand' THEN 'by hand'
				WHEN s.state <> 'running' THEN agent_studio_private.step_note(execution, s, p.on_demand, p.after, unfinished)
				ELSE '' END,
		'- chose ' || CASE WHEN p.step ->> 'type' = 'decision' AND jsonb_typeof(s.outputs -> 'chosen') = 'array'
			THEN coalesce((SELECT string_agg(c.name, ', ') FROM jsonb_array_elements_text(s.outputs -> 'chosen') c (name)), 'none') END), 96)
	FROM agent_studio_private.current_steps(id) s
	LEFT JOIN agent_studio_private.plan_steps(plan) p USING (plan_step)
	ORDER BY s.plan_step;
END
$$;
COMMENT ON FUNCTION agent_studio_private.result_steps(agent_studio.executions) IS
'Lines of the result sheet: a step each, with what was spent on it and what has become of it.';

-- Files and figures.

CREATE FUNCTION agent_studio_private.result_files(execution agent_studio.executions) RETURNS SETOF text
LANGUAGE sql STABLE
BEGIN ATOMIC
	WITH produced AS (
		SELECT f.step_no, f.name, f.file_name, octet_length(f.content)::bigint AS bytes FROM agent_studio_private.files_of(execution) f),
	files AS (
		SELECT p.* FROM produced p
		UNION ALL
		SELECT s.step_no, NULL, 'the answer', octet_length(coalesce(s.output, s.outputs::text))::bigint FROM agent_studio.steps s
		WHERE s.execution_id = (execution).execution_id AND s.step_no = agent_studio_private.result_step(execution)
		  AND NOT EXISTS (SELECT FROM produced))
	SELECT format('  %s (%s%s)', agent_studio_private.one_line(f.file_name, 60), agent_studio_private.size_text(f.bytes),
		CASE (execution).kind WHEN 'workflow' THEN format(', from Step %s', s.plan_step) ELSE '' END)
	FROM files f JOIN agent_studio.steps s ON s.execution_id = (execution).execution_id AND s.step_no = f.step_no
	ORDER BY s.plan_step, f.name;
END;
COMMENT ON FUNCTION agent_studio_private.result_files(agent_studio.executions) IS
'Lines of the result sheet: the files with size and step; where there are none, the answer.';

CREATE FUNCTION agent_studio_private.metric_text(value jsonb, unit text) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN trim_scale((value #>> '{}')::numeric) || CASE WHEN unit ~ '^[%/°]' THEN unit ELSE coalesce(' ' || nullif(unit, ''), '') END;
COMMENT ON FUNCTION agent_studio_private.metric_text(jsonb, text) IS 'A number with its unit: 87%, 8.5/10, 120 ms.';

CREATE FUNCTION agent_studio_private.declared_metrics(execution agent_studio.executions)
RETURNS TABLE (plan_step integer, step text, name text, label text, value jsonb, unit text)
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT s.plan_step, s.name, d.key, coalesce(d.value #>> '{metric,label}', d.key), s.outputs -> d.key, d.value #>> '{metric,unit}'
	FROM agent_studio_private.plan_steps(agent_studio_private.plan_of(execution)) p
	JOIN agent_studio_private.current_steps((execution).execution_id) s USING (plan_step)
	CROSS JOIN LATERAL jsonb_each(CASE WHEN jsonb_typeof(p.step -> 'outputs') = 'object' THEN p.step -> 'outputs' ELSE '{}' END) d
	WHERE jsonb_typeof(d.value -> 'metric') = 'object' AND jsonb_typeof(s.outputs -> d.key) = 'number'
	ORDER BY s.plan_step, d.key;
END;
COMMENT ON FUNCTION agent_studio_private.declared_metrics(agent_studio.executions) IS
'The outputs that the definition declares as metrics, of the newest iteration of each step.';

CREATE FUNCTION agent_studio_private.quality_lines(execution agent_studio.executions) RETURNS SETOF text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
	RETURN QUERY
	SELECT '  ' || agent_studio_private.one_line(format('%s: %s', m.label, m.content), 96)
	FROM (SELECT 1 AS kind, d.plan_step, d.name, agent_studio_private.one_line(d.label, 50) AS label,
				 agent_studio_private.metric_text(d.value, d.unit) AS content
		  FROM agent_studio_private.declared_metrics(execution) d
		  UNION ALL
		  SELECT 2, s.plan_step, NULL, format('Quality score of Step %s', s.plan_step), trim_scale(s.quality_score)::text
		  FROM agent_studio_private.current_steps(execution.execution_id) s WHERE s.quality_score IS NOT NULL
		  UNION ALL
		  SELECT 3, f.n, NULL, f.label, f.content
		  FROM agent_studio.as_quality(execution.execution_id) q
		  CROSS JOIN LATERAL (VALUES (1, 'Completeness', q.completeness_percent || '%'),
				(2, 'Format compliance', q.format_compliance_percent || '%'), (3, 'Retries', nullif(q.retries, 0)::text),
				(4, 'Warnings', nullif(q.warnings, 0)::text)) f (n, label, content)
		  WHERE f.content IS NOT NULL) m
	ORDER BY m.kind, m.plan_step, m.name;
END
$$;
COMMENT ON FUNCTION agent_studio_private.quality_lines(agent_studio.executions) IS
'Lines of the result sheet of a workflow: declared metrics, scores, and the checks that answers had to pass.';

CREATE FUNCTION agent_studio_private.task_figures(execution bigint) RETURNS SETOF text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	m record;
	q record;
BEGIN
	SELECT * INTO m FROM agent_studio.as_metrics(execution);
	SELECT * INTO q FROM agent_studio.as_quality(execution);
	RETURN QUERY SELECT agent_studio_private.sheet_section('Execution Summary', ARRAY['Start Time', 'End Time'],
		ARRAY[to_char(m.started_at, 'YYYY-MM-DD HH24:MI:SS TZ'), to_char(m.finished_at, 'YYYY-MM-DD HH24:MI:SS TZ')]);
	RETURN QUERY SELECT agent_studio_private.sheet_section('Token Usage', ARRAY['Input Tokens', 'Output Tokens', 'Total Tokens'],
		ARRAY[agent_studio_private.number_text(m.input_tokens), agent_studio_private.number_text(m.output_tokens),
			agent_studio_private.number_text(m.total_tokens)]);
	RETURN QUERY SELECT agent_studio_private.sheet_section('Cost', ARRAY['Input Cost', 'Output Cost'],
		ARRAY['$' || m.input_cost_usd, '$' || m.output_cost_usd]);
	RETURN QUERY SELECT agent_studio_private.sheet_section('Model', ARRAY['Deployment', 'Version', 'Temperature', 'Max Tokens'],
		ARRAY[coalesce(m.deployment, m.model), m.model_version, m.temperature::text, m.max_output_tokens::text]);
	RETURN QUERY SELECT agent_studio_private.sheet_section('Output Quality Metrics',
		ARRAY['Completeness', 'Format Compliance', 'Token Efficiency'],
		ARRAY[q.completeness_percent || '%', q.format_compliance_percent || '%', q.token_efficiency_percent || '%']);
	RETURN QUERY SELECT agent_studio_private.sheet_section('Agent Behavior', ARRAY['Retries', 'Rate Limited', 'Warnings'],
		ARRAY[q.retries::text, CASE WHEN q.rate_limited THEN 'Yes' ELSE 'No' END, q.warnings::text])
	WHERE m.started_at IS NOT NULL;
END
$$;
COMMENT ON FUNCTION agent_studio_private.task_figures(bigint) IS
'Lines of the result sheet of a task: tokens, cost, model, and what can be said of quality and behaviour; only what is known.';

CREATE FUNCTION agent_studio_private.next_statements(execution agent_studio.executions) RETURNS TABLE (label text, statement text)
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT n.label, format(n.call, (execution).execution_id)
	FROM (VALUES
		(1, 'what went wrong:', 'SELECT * FROM agent_studio.as_failure(%s);', (execution).status IN ('failed', 'requires_manual_review')),
		(2, 'the answer:', 'SELECT agent_studio.as_output(%s);', agent_studio_private.result_step(execution) IS NOT NULL),
		(3, 'its files:', 'SELECT * FROM agent_studio.artifacts WHERE execution_id = %s;',
			EXISTS (SELECT FROM agent_studio_private.files_of(execution))),
		(4, 'look on:', 'CALL agent_studio.as_follow(%s);', (execution).finished_at IS NULL),
		(5, 'execute again:', 'SELECT agent_studio.as_clone(%s);', (execution).finished_at IS NOT NULL AND NOT (execution).is_test))
		AS n (place, label, call, possible)
	WHERE n.possible ORDER BY n.place;
END;
COMMENT ON FUNCTION agent_studio_private.next_statements(agent_studio.executions) IS
'The calls that lead on from an execution, and what for.';

CREATE FUNCTION agent_studio_private.next_calls(execution agent_studio.executions) RETURNS SETOF text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT format('  %s %s', rpad(n.label, 16), n.statement) FROM agent_studio_private.next_statements(execution) n;
END;
COMMENT ON FUNCTION agent_studio_private.next_calls(agent_studio.executions) IS
'Lines of the result sheet: the calls that lead on from here.';

CREATE FUNCTION agent_studio_private.titled(title text, lines text[]) RETURNS SETOF text
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT unnest(ARRAY['', title] || lines) WHERE cardinality(lines) > 0;
END;
COMMENT ON FUNCTION agent_studio_private.titled(text, text[]) IS
'A blank line, a title and lines; nothing where there are no lines.';

CREATE FUNCTION agent_studio.as_result(execution bigint) RETURNS SETOF text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_variable
DECLARE
	target agent_studio.executions;
BEGIN
	PERFORM agent_studio_private.require_execution(execution);
	SELECT e.* INTO target FROM agent_studio.executions e WHERE e.execution_id = execution;
	RETURN NEXT agent_studio_private.result_title(target);
	RETURN NEXT '';
	RETURN QUERY SELECT agent_studio_private.result_head(target);
	RETURN QUERY SELECT agent_studio_private.wrapped(format('Error: %s', concat_ws(': ', target.error_class, target.error_message)), 98, 3)
	WHERE target.error_class IS NOT NULL;
	IF target.kind = 'workflow' OR target.plan IS NOT NULL THEN
		RETURN QUERY SELECT agent_studio_private.titled('Step Summary:', ARRAY(SELECT agent_studio_private.result_steps(target)));
	END IF;
	RETURN QUERY SELECT agent_studio_private.titled('Final Outputs:', ARRAY(SELECT agent_studio_private.result_files(target)));
	IF target.kind = 'workflow' THEN
		RETURN QUERY SELECT agent_studio_private.titled('Quality Metrics:', ARRAY(SELECT agent_studio_private.quality_lines(target)));
	ELSE
		RETURN QUERY SELECT agent_studio_private.task_figures(execution);
	END IF;
	RETURN QUERY SELECT agent_studio_private.titled('What Next:', ARRAY(SELECT agent_studio_private.next_calls(target)));
END
$$;
COMMENT ON FUNCTION agent_studio.as_result(bigint) IS
'The result sheet of an execution, a row a line, at most 98 columns wide (psql takes two more): status, time and cost; of a workflow each step with its seconds and cost over all iterations, the files with their sizes, the declared metrics and the checks of the answers; of a task tokens, cost, model, quality and behaviour; and the calls that lead on. A cost is "not known" where no price or usage is. Of a failed one as_failure tells more. Raises 42704.';
