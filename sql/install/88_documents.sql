-- Documents: an execution as Markdown or JSON, each from the same rows. All run with the
-- caller's rights; 88_downloads.sql has the functions that give them out.

CREATE FUNCTION agent_studio_private.plain_text(markdown text) RETURNS text
AS 'MODULE_PATHNAME', 'agent_studio_plain_text' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION agent_studio_private.plain_text(text) IS
'Markdown as text to read, without its signs, control characters, and what turns the direction of writing. Raises 54000 for what would take too much memory or time.';

CREATE FUNCTION agent_studio_private.json_indent(document json) RETURNS text
AS 'MODULE_PATHNAME', 'agent_studio_json_indent' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION agent_studio_private.json_indent(json) IS
'JSON with a member or element on each line, in the order that they have.';

-- What they show.

CREATE FUNCTION agent_studio_private.execution_label(execution agent_studio.executions) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN CASE (execution).kind WHEN 'workflow' THEN 'wf-exec-' ELSE 'exec-' END || (execution).execution_id;
COMMENT ON FUNCTION agent_studio_private.execution_label(agent_studio.executions) IS
'An execution''s name outside of the database: exec-342, or wf-exec-87654 for a workflow.';

CREATE FUNCTION agent_studio_private.download_steps(execution agent_studio.executions)
RETURNS TABLE (plan_step integer, step_no integer, name text, title text, state text, agent text, agent_version text,
	deployment text, model_version text, temperature numeric, max_tokens integer, format text, content text, outputs jsonb,
	started_at timestamptz, finished_at timestamptz, iterations bigint, seconds numeric,
	input_tokens bigint, output_tokens bigint, input_cost numeric, output_cost numeric, error_class text, error_message text)
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT s.plan_step, s.step_no, s.name, coalesce(s.title, s.name), s.state, a.name, v.version,
		   coalesce(m.deployment, m.name), m.model_version, v.temperature, v.max_output_tokens,
		   coalesce(s.output_format, (execution).output_format), s.output, s.outputs,
		   i.started_at, s.finished_at, i.n, i.seconds, t.input_tokens, t.output_tokens, t.input_cost, t.output_cost, s.error_class, s.error_message
	FROM agent_studio_private.current_steps((execution).execution_id) c
	JOIN agent_studio.steps s ON s.execution_id = c.execution_id
		AND s.step_no = CASE (execution).kind WHEN 'task' THEN coalesce(agent_studio_private.result_step(execution), c.step_no) ELSE c.step_no END
	LEFT JOIN agent_studio.agent_versions v ON v.agent_version_id = s.agent_version_id
	LEFT JOIN agent_studio.agents a ON a.agent_id = v.agent_id
	LEFT JOIN agent_studio.models m ON m.model_id = s.model_id
	LEFT JOIN agent_studio_private.plan_steps(agent_studio_private.plan_of(execution)) p ON p.plan_step = s.plan_step
	CROSS JOIN LATERAL (
		SELECT min(x.started_at) AS started_at, count(*) AS n, sum(agent_studio_private.seconds_between(x.started_at, x.finished_at)) AS seconds
		FROM agent_studio.steps x WHERE x.execution_id = s.execution_id AND x.plan_step = s.plan_step) i
	CROSS JOIN LATERAL (
		SELECT sum(x.input_tokens)::bigint AS input_tokens, sum(x.output_tokens)::bigint AS output_tokens,
			   trim_scale(sum(x.input_cost_usd)) AS input_cost, trim_scale(sum(x.output_cost_usd)) AS output_cost
		FROM agent_studio.attempts x JOIN agent_studio.steps y USING (execution_id, step_no)
		WHERE x.execution_id = s.execution_id AND y.plan_step = s.plan_step) t
	WHERE CASE (execution).kind WHEN 'task' THEN c.plan_step = 1 ELSE c.state <> 'pending' OR p.on_demand IS NOT TRUE END
	ORDER BY s.plan_step;
END;
COMMENT ON FUNCTION agent_studio_private.download_steps(agent_studio.executions) IS
'What a download shows of each step: its newest iteration, with time, tokens and cost of all of them; of a task the step with its answer. Steps that run on demand are left out where they were not needed.';

-- Markdown.

CREATE FUNCTION agent_studio_private.shown_as_is(value text) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN regexp_replace(value, '([\\`*<>\[\]])', '\\\1', 'g');
COMMENT ON FUNCTION agent_studio_private.shown_as_is(text) IS
'A line of text as Markdown that shows it as it is.';

CREATE FUNCTION agent_studio_private.fenced(content text, language text) RETURNS text
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT concat(f.fence, language, E'\n', content, CASE WHEN content LIKE E'%\n' THEN '' ELSE E'\n' END, f.fence)
	FROM (SELECT repeat('`', coalesce(max(length(r.run[1])), 2) + 1) AS fence FROM regexp_matches(content, '(`{3,})', 'g') r (run)) f;
END;
COMMENT ON FUNCTION agent_studio_private.fenced(text, text) IS
'A text as a block of code that nothing in it can end.';

-- In the text that becomes plain, plain text has to pass through as it is.
CREATE FUNCTION agent_studio_private.markdown_of(content text, format text, for_text boolean) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN CASE WHEN format = 'json' THEN agent_studio_private.fenced(content, 'json')
	WHEN format = 'code' THEN agent_studio_private.fenced(content, NULL)
	WHEN format = 'plaintext' AND for_text THEN agent_studio_private.fenced(content, 'plaintext')
	ELSE content END;
COMMENT ON FUNCTION agent_studio_private.markdown_of(text, text, boolean) IS
'An answer of that format as a piece of a Markdown document.';

CREATE FUNCTION agent_studio_private.field_lines(labels text[], contents text[], before text, separator text) RETURNS text
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT string_agg(format('%s**%s**: %s', before, f.label, agent_studio_private.shown_as_is(agent_studio_private.one_line(f.content, 200))), separator ORDER BY f.n)
	FROM unnest(labels, contents) WITH ORDINALITY f (label, content, n) WHERE f.content <> '';
END;
COMMENT ON FUNCTION agent_studio_private.field_lines(text[], text[], text, text) IS
'Lines of a Markdown document, a label and its content each; of those whose content is known.';

CREATE FUNCTION agent_studio_private.seconds_text(seconds numeric) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN trim_scale(round(seconds, CASE WHEN seconds < 1 THEN 3 WHEN seconds < 10 THEN 1 ELSE 0 END)) || ' seconds';
COMMENT ON FUNCTION agent_studio_private.seconds_text(numeric) IS
'A duration as 87 seconds, a short one more exactly; NULL for NULL.';

CREATE FUNCTION agent_studio_private.tokens_text(input bigint, output bigint) RETURNS text
LANGUAGE sql STABLE
RETURN format('%s (input: %s, output: %s)', agent_studio_private.number_text(input + output),
	agent_studio_private.number_text(input), agent_studio_private.number_text(output));
COMMENT ON FUNCTION agent_studio_private.tokens_text(bigint, bigint) IS
'Tokens as 6,140 (input: 1,250, output: 4,890).';

CREATE FUNCTION agent_studio_private.document_title(execution agent_studio.executions, answer text, OUT title text, OUT taken integer) RETURNS record
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT coalesce(h.found[2], agent_studio_private.shown_as_is(agent_studio_private.one_line((execution).task, 90))), coalesce(length(h.found[1]), 0)
	FROM (SELECT CASE WHEN (execution).output_format = 'markdown'
				 THEN regexp_match(left(answer, 1000), '^(\s*#[ \t]+([^\r\n]{1,255})\r?(?:\n|$))') END AS found) h;
END;
COMMENT ON FUNCTION agent_studio_private.document_title(agent_studio.executions, text) IS
'Title of a document: the heading with which the answer begins, and how many characters it takes there; else the task.';

CREATE FUNCTION agent_studio_private.document_head(execution agent_studio.executions) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT agent_studio_private.field_lines(ARRAY['Generated by', 'Execution ID', 'Date', 'Status', 'Error', 'Cost'], ARRAY[
		CASE (execution).kind WHEN 'workflow' THEN concat_ws(' v', (execution).workflow, w.version) ELSE concat_ws(' v', coalesce(t.agent, (execution).agent), t.agent_version) END,
		agent_studio_private.execution_label(execution),
		to_char(coalesce((execution).finished_at, (execution).submitted_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"'),
		CASE WHEN (execution).status <> 'completed' THEN replace((execution).status, '_', ' ') END,
		nullif(concat_ws(': ', (execution).error_class, (execution).error_message), ''),
		agent_studio_private.total_cost_text((execution).execution_id)], '', E'  \n')
	FROM (SELECT) one
	LEFT JOIN agent_studio.workflow_versions w ON w.workflow_version_id = (execution).workflow_version_id
	LEFT JOIN LATERAL (SELECT s.agent, s.agent_version FROM agent_studio_private.download_steps(execution) s
					   WHERE (execution).kind = 'task') t ON true;
END;
COMMENT ON FUNCTION agent_studio_private.document_head(agent_studio.executions) IS
'Lines below the title: who made it, which execution it is, when, what it cost; and the status of one that did not complete.';

CREATE FUNCTION agent_studio_private.document_metadata(execution agent_studio.executions) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT agent_studio_private.field_lines(ARRAY['Execution Time', 'Tokens Used', 'Model'], ARRAY[
		agent_studio_private.seconds_text(m.duration_seconds),
		CASE WHEN m.total_tokens IS NOT NULL THEN agent_studio_private.tokens_text(coalesce(m.input_tokens, 0), coalesce(m.output_tokens, 0)) END,
		(SELECT string_agg(DISTINCT nullif(concat_ws('-', s.deployment, s.model_version), ''), ', ') FROM agent_studio_private.download_steps(execution) s)], '- ', E'\n')
	FROM agent_studio.as_metrics((execution).execution_id) m;
END;
COMMENT ON FUNCTION agent_studio_private.document_metadata(agent_studio.executions) IS
'Lines at the end of a document: time, tokens and models, where they are known.';

CREATE FUNCTION agent_studio_private.document_outputs(execution agent_studio.executions, step integer, outputs jsonb, for_text boolean) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT string_agg(format(E'### %s\n\n%s', agent_studio_private.shown_as_is(coalesce(f.file_name, o.key)),
		CASE WHEN jsonb_typeof(o.value) IN ('object', 'array') THEN agent_studio_private.fenced(jsonb_pretty(o.value), 'json')
			 WHEN f.file_name IS NULL OR f.media_type = 'text/markdown' THEN o.value #>> '{}'
			 ELSE agent_studio_private.fenced(o.value #>> '{}', lower(substring(f.file_name FROM '\.([A-Za-z0-9]+)$'))) END), E'\n\n' ORDER BY o.n)
	FROM jsonb_each(outputs) WITH ORDINALITY o (key, value, n)
	LEFT JOIN agent_studio_private.files_of(execution) f ON f.step_no = document_outputs.step AND f.name = o.key;
END;
COMMENT ON FUNCTION agent_studio_private.document_outputs(agent_studio.executions, integer, jsonb, boolean) IS
'The named outputs of a step as a piece of a Markdown document, each under its file''s name or its own.';

CREATE FUNCTION agent_studio_private.document_steps(execution agent_studio.executions, for_text boolean) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT string_agg(concat_ws(E'\n\n', format('## Step %s: %s', s.plan_step, agent_studio_private.shown_as_is(agent_studio_private.one_line(s.title, 90))),
		agent_studio_private.field_lines(ARRAY['Agent', 'Model', 'Status', 'Error', 'Execution Time', 'Tokens Used', 'Cost'],
			ARRAY[concat_ws(' v', s.agent, s.agent_version), concat_ws('-', s.deployment, s.model_version), replace(s.state, '_', ' '),
				nullif(concat_ws(': ', s.error_class, s.error_message), ''), agent_studio_private.seconds_text(s.seconds),
				CASE WHEN s.input_tokens + s.output_tokens IS NOT NULL THEN agent_studio_private.tokens_text(s.input_tokens, s.output_tokens) END,
				agent_studio_private.money_text(agent_studio_private.either_sum(s.input_cost, s.output_cost))], '', E'  \n'),
		CASE WHEN jsonb_typeof(s.outputs) = 'object' AND s.outputs <> '{}'
			THEN agent_studio_private.document_outputs(execution, s.step_no, s.outputs, for_text)
			ELSE agent_studio_private.markdown_of(s.content, s.format, for_text) END), E'\n\n' ORDER BY s.plan_step)
	FROM agent_studio_private.download_steps(execution) s;
END;
COMMENT ON FUNCTION agent_studio_private.document_steps(agent_studio.executions, boolean) IS
'The steps of a workflow as a piece of a Markdown document: what was spent on each, and what it produced.';

CREATE FUNCTION agent_studio_private.document_markdown(execution agent_studio.executions, for_text boolean) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_variable
DECLARE
	answer text := CASE execution.kind WHEN 'task' THEN agent_studio.as_output(execution.execution_id) END;
	heading record := agent_studio_private.document_title(execution, answer);
	body text := CASE execution.kind WHEN 'workflow' THEN agent_studio_private.document_steps(execution, for_text)
		ELSE agent_studio_private.markdown_of(btrim(substr(answer, heading.taken + 1), E'\r\n'), execution.output_format, for_text) END;
	metadata text := agent_studio_private.document_metadata(execution);
BEGIN
	RETURN concat(CASE WHEN for_text THEN upper(heading.title) || E'  \n' ELSE '# ' || heading.title || E'\n' END,
		agent_studio_private.document_head(execution), E'\n\n', CASE WHEN for_text THEN '' ELSE E'---\n\n' END,
		coalesce(nullif(body, ''), '*There is no output' || CASE WHEN execution.finished_at IS NULL THEN ' yet' ELSE '' END || '.*'),
		E'\n\n---\n\n## Execution Metadata\n\n' || metadata || E'\n');
END
$$;
COMMENT ON FUNCTION agent_studio_private.document_markdown(agent_studio.executions, boolean) IS
'An execution as one Markdown document; for_text = as what becomes plain text.';

-- JSON, whose members keep their order.

CREATE FUNCTION agent_studio_private.time_json(at timestamptz) RETURNS text
LANGUAGE sql STABLE
RETURN to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');
COMMENT ON FUNCTION agent_studio_private.time_json(timestamptz) IS 'A moment as 2025-10-09T14:35:22.103Z; NULL for NULL.';

CREATE FUNCTION agent_studio_private.metrics_json(input bigint, output bigint, input_cost numeric, output_cost numeric) RETURNS json
LANGUAGE sql STABLE
RETURN json_build_object('tokens', json_build_object('input', input, 'output', output, 'total', coalesce(input + output, input, output)),
	'cost', json_build_object('input', input_cost, 'output', output_cost, 'total', trim_scale(agent_studio_private.either_sum(input_cost, output_cost))));
COMMENT ON FUNCTION agent_studio_private.metrics_json(bigint, bigint, numeric, numeric) IS 'Tokens and cost in USD as JSON.';

CREATE FUNCTION agent_studio_private.model_json(deployment text, version text, temperature numeric, max_tokens integer) RETURNS json
LANGUAGE sql STABLE
RETURN CASE WHEN deployment IS NOT NULL THEN json_build_object('deployment', deployment, 'version', version,
	'parameters', json_build_object('temperature', temperature, 'maxTokens', max_tokens)) END;
COMMENT ON FUNCTION agent_studio_private.model_json(text, text, numeric, integer) IS 'A model and the parameters that were set as JSON; NULL = none.';

CREATE FUNCTION agent_studio_private.error_json(class text, message text) RETURNS json
LANGUAGE sql STABLE
RETURN CASE WHEN class IS NOT NULL THEN json_build_object('class', class, 'message', message) END;
COMMENT ON FUNCTION agent_studio_private.error_json(text, text) IS 'A failure as JSON; NULL = none.';

CREATE FUNCTION agent_studio_private.without_null_error(document json) RETURNS json
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT json_object_agg(m.key, m.value ORDER BY m.n) FROM json_each(document) WITH ORDINALITY m (key, value, n)
	WHERE m.key <> 'error' OR json_typeof(m.value) <> 'null';
END;
COMMENT ON FUNCTION agent_studio_private.without_null_error(json) IS 'The document, without its member error where that is null.';

CREATE FUNCTION agent_studio_private.document_json(execution agent_studio.executions) RETURNS json
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT agent_studio_private.without_null_error(CASE (execution).kind
		WHEN 'task' THEN json_build_object('executionId', agent_studio_private.execution_label(execution),
			'agentId', coalesce(s.agent, (execution).agent), 'agentVersion', s.agent_version, 'status', (execution).status,
			'startTime', agent_studio_private.time_json(m.started_at), 'endTime', agent_studio_private.time_json(m.finished_at), 'durationSeconds', trim_scale(m.duration_seconds),
			'task', json_build_object('description', (execution).task, 'context', (execution).context),
			'output', json_build_object('content', s.content, 'format', s.format),
			'metrics', agent_studio_private.metrics_json(m.input_tokens, m.output_tokens, m.input_cost_usd, m.output_cost_usd),
			'model', agent_studio_private.model_json(s.deployment, s.model_version, s.temperature, s.max_tokens),
			'error', agent_studio_private.error_json((execution).error_class, (execution).error_message))
		ELSE json_build_object('executionId', agent_studio_private.execution_label(execution),
			'workflowId', (execution).workflow, 'workflowVersion', w.version, 'status', (execution).status,
			'startTime', agent_studio_private.time_json(m.started_at), 'endTime', agent_studio_private.time_json(m.finished_at), 'durationSeconds', trim_scale(m.duration_seconds),
			'task', json_build_object('description', (execution).task, 'inputs', (execution).inputs),
			'output', (SELECT json_build_object('content', agent_studio.as_output((execution).execution_id), 'format', max(f.output_format))
					   FROM agent_studio.steps f WHERE f.execution_id = (execution).execution_id AND f.step_no = agent_studio_private.result_step(execution)),
			'metrics', agent_studio_private.metrics_json(m.input_tokens, m.output_tokens, m.input_cost_usd, m.output_cost_usd),
			'steps', (SELECT json_agg(json_build_object('step', t.plan_step, 'name', t.name, 'title', t.title, 'agentId', t.agent, 'agentVersion', t.agent_version,
						'status', t.state, 'iterations', t.iterations, 'startTime', agent_studio_private.time_json(t.started_at),
						'endTime', agent_studio_private.time_json(t.finished_at), 'durationSeconds', trim_scale(t.seconds),
						'output', json_build_object('content', t.content, 'format', t.format, 'named', t.outputs),
						'metrics', agent_studio_private.metrics_json(t.input_tokens, t.output_tokens, t.input_cost, t.output_cost),
						'model', agent_studio_private.model_json(t.deployment, t.model_version, t.temperature, t.max_tokens),
						'error', agent_studio_private.error_json(t.error_class, t.error_message)) ORDER BY t.plan_step)
					  FROM agent_studio_private.download_steps(execution) t),
			'files', (SELECT coalesce(json_agg(json_build_object('fileName', f.file_name, 'mediaType', f.media_type, 'bytes', octet_length(f.content),
						'step', f.step, 'output', f.name)), '[]') FROM agent_studio_private.files_of(execution) f),
			'error', agent_studio_private.error_json((execution).error_class, (execution).error_message)) END)
	FROM agent_studio.as_metrics((execution).execution_id) m
	LEFT JOIN agent_studio.workflow_versions w ON w.workflow_version_id = (execution).workflow_version_id
	LEFT JOIN LATERAL (SELECT d.* FROM agent_studio_private.download_steps(execution) d WHERE (execution).kind = 'task') s ON true;
END;
COMMENT ON FUNCTION agent_studio_private.document_json(agent_studio.executions) IS
'An execution as one JSON document, whose members stand in the order in which people read them.';
