-- as_report_html: the report of an execution as a page, with its diagram and charts. It
-- tells what as_report tells (95_report_facts.sql has the facts of both), and shows the
-- outputs themselves.

CREATE FUNCTION agent_studio_private.html_items(list jsonb) RETURNS text
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT '<ol>' || string_agg('<li>' || concat_ws(': ', '<b>' || agent_studio_private.html_text(agent_studio_private.one_line(p.title, 300)) || '</b>',
			agent_studio_private.html_text(left(p.text, 4000)))
		|| coalesce((SELECT '<ul>' || string_agg('<li>' || agent_studio_private.html_text(agent_studio_private.label_text(r.key)) || ': '
				|| agent_studio_private.html_text(left(agent_studio_private.plain_value(r.value), 2000)) || '</li>', '') || '</ul>'
			FROM jsonb_each(p.rest) r WHERE agent_studio_private.says_something(r.value)), '') || '</li>', E'\n' ORDER BY i.n) || E'</ol>\n'
	FROM agent_studio_private.list_items(list) i CROSS JOIN LATERAL agent_studio_private.item_parts(i.item) p;
END;
COMMENT ON FUNCTION agent_studio_private.html_items(jsonb) IS 'An array as a numbered list; NULL for an empty one.';

CREATE FUNCTION agent_studio_private.html_value(value jsonb) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN CASE jsonb_typeof(value)
	WHEN 'array' THEN agent_studio_private.html_items(value)
	WHEN 'object' THEN (
		SELECT string_agg('<h4>' || agent_studio_private.html_text(agent_studio_private.label_text(m.key)) || '</h4>'
			|| agent_studio_private.html_items(CASE WHEN jsonb_typeof(m.value) = 'array' THEN m.value ELSE jsonb_build_array(m.value) END), '')
		FROM jsonb_each(value) m WHERE agent_studio_private.says_something(m.value))
	ELSE '<blockquote>' || agent_studio_private.html_text(left(btrim(value #>> '{}', E' \n\r\t'), 4000))
		|| CASE WHEN length(value #>> '{}') > 4000 THEN ' ... (cut)' ELSE '' END || E'</blockquote>\n' END;
COMMENT ON FUNCTION agent_studio_private.html_value(jsonb) IS 'What a step gave, as HTML: a text as a quotation, an array as a list, an object with a list for each member.';

CREATE FUNCTION agent_studio_private.html_issues(reported jsonb) RETURNS text
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT string_agg('<h4 class="' || CASE WHEN i.rank <= 2 THEN 'bad' WHEN i.rank = 3 THEN 'warn' ELSE 'soft' END || '">'
		|| agent_studio_private.html_text(agent_studio_private.label_text(i.severity)) || ' issues (' || jsonb_array_length(i.issues) || ')</h4>'
		|| agent_studio_private.html_items(i.issues), '' ORDER BY i.rank)
	FROM (SELECT l.severity, l.rank, jsonb_agg(l.issue ORDER BY l.n) AS issues
		  FROM agent_studio_private.listed_issues(reported) l GROUP BY l.severity, l.rank) i;
END;
COMMENT ON FUNCTION agent_studio_private.html_issues(jsonb) IS 'The issues that a step reported, by severity.';

CREATE FUNCTION agent_studio_private.mark_class(mark text) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN CASE mark WHEN '✓' THEN 'good' WHEN '✗' THEN 'bad' WHEN '!' THEN 'warn' WHEN '…' THEN 'busy' ELSE 'soft' END;
COMMENT ON FUNCTION agent_studio_private.mark_class(text) IS 'The colour of a mark.';

CREATE FUNCTION agent_studio_private.report_page_head(execution agent_studio.executions) RETURNS text
LANGUAGE sql STABLE
RETURN '<header><p class="kicker">' || initcap((execution).kind) || ' execution ' || (execution).execution_id || '</p><h1>'
	|| agent_studio_private.html_text(agent_studio_private.one_line(agent_studio_private.report_subject(execution), 200)) || '</h1><p class="soft"><span class="pill '
	|| agent_studio_private.mark_class(left(agent_studio_private.report_status(execution), 1)) || '">'
	|| agent_studio_private.html_text(agent_studio_private.report_status(execution)) || '</span> &nbsp;' || agent_studio_private.report_span(execution) || '</p>'
	|| CASE WHEN (execution).kind = 'task' THEN '<blockquote>' || agent_studio_private.html_text(agent_studio_private.one_line((execution).task, 600)) || '</blockquote>' ELSE '' END
	|| coalesce('<p class="bad">' || agent_studio_private.html_text(CASE WHEN (execution).error_class IS NOT NULL
		THEN agent_studio_private.one_line(concat_ws(': ', (execution).error_class, (execution).error_message), 600) END) || '</p>', '')
	|| E'</header>\n';
COMMENT ON FUNCTION agent_studio_private.report_page_head(agent_studio.executions) IS 'The head of a report''s page.';

CREATE FUNCTION agent_studio_private.report_tiles(execution agent_studio.executions) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT agent_studio_private.html_tiles(ARRAY['Duration', 'Cost', 'Tokens', 'Steps complete', 'Files'],
		ARRAY[agent_studio_private.duration_text(coalesce((execution).finished_at, pg_catalog.clock_timestamp()) - (execution).started_at),
			agent_studio_private.money_text(t.cost), agent_studio_private.number_text(coalesce(t.input + t.output, t.input, t.output)),
			format('%s of %s', p.done, p.total), f.n::text],
		ARRAY[CASE WHEN (execution).started_at IS NULL THEN 'not started' WHEN (execution).finished_at IS NULL THEN 'so far' END,
			CASE WHEN t.unknown > 0 THEN format('without %s', CASE t.unknown WHEN 1 THEN 'one call' ELSE t.unknown || ' calls' END) END,
			agent_studio_private.number_text(t.input) || ' in, ' || agent_studio_private.number_text(t.output) || ' out',
			i.counts, agent_studio_private.size_text(f.bytes)])
	FROM (SELECT sum(coalesce(a.input_cost_usd + a.output_cost_usd, a.input_cost_usd, a.output_cost_usd)) AS cost,
				 sum(a.input_tokens)::bigint AS input, sum(a.output_tokens)::bigint AS output,
				 count(*) FILTER (WHERE a.possibly_billed AND (a.input_cost_usd IS NULL OR a.output_cost_usd IS NULL)) AS unknown
		  FROM agent_studio.attempts a WHERE a.execution_id = (execution).execution_id) t,
		 agent_studio_private.progress(execution) p,
		 (SELECT count(*) AS n, sum(x.bytes)::bigint AS bytes FROM agent_studio_private.report_files(execution) x) f,
		 (SELECT 'issues: ' || agent_studio_private.issue_counts(jsonb_agg(l.issue)) AS counts
		  FROM agent_studio_private.all_reported(execution, 'issues') r CROSS JOIN LATERAL agent_studio_private.listed_issues(r.value) l) i;
END;
COMMENT ON FUNCTION agent_studio_private.report_tiles(agent_studio.executions) IS 'The figures of an execution that are seen first.';

CREATE FUNCTION agent_studio_private.report_charts(execution agent_studio.executions) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	WITH steps AS (SELECT s.*, s.plan_step || '. ' || s.title AS label FROM agent_studio_private.report_steps(execution) s WHERE s.worked ORDER BY s.plan_step LIMIT 60)
	SELECT '<div class="grid"><div><h3>Time per step</h3>'
		|| agent_studio_private.svg_bars('Seconds per step', array_agg(s.label ORDER BY s.plan_step), array_agg(s.seconds ORDER BY s.plan_step), 1,
			array_agg(agent_studio_private.duration_text(pg_catalog.make_interval(secs => s.seconds::float8)) ORDER BY s.plan_step))
		|| '</div><div><h3>Cost per step</h3>'
		|| agent_studio_private.svg_bars('USD per step', array_agg(s.label ORDER BY s.plan_step), array_agg(s.cost_usd ORDER BY s.plan_step), 1,
			array_agg(agent_studio_private.money_text(s.cost_usd) ORDER BY s.plan_step))
		|| '</div><div><h3>Tokens per step</h3>'
		|| agent_studio_private.svg_bars('Tokens per step, input and output', array_agg(s.label ORDER BY s.plan_step),
			(SELECT array_agg(v.value ORDER BY o.plan_step, v.n) FROM steps o CROSS JOIN LATERAL (VALUES (1, o.input_tokens), (2, o.output_tokens)) v (n, value)), 2,
			array_agg(agent_studio_private.number_text(s.input_tokens + s.output_tokens) ORDER BY s.plan_step))
		|| agent_studio_private.html_legend('{input,output}', NULL) || E'</div></div>\n'
	FROM steps s HAVING count(*) > 0;
END;
COMMENT ON FUNCTION agent_studio_private.report_charts(agent_studio.executions) IS
'Time, cost and tokens of the first 60 steps that asked a model, as bars; NULL = none did.';

CREATE FUNCTION agent_studio_private.report_page_step(execution agent_studio.executions, step agent_studio_private.report_step) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT '<h3><span class="' || agent_studio_private.mark_class((step).mark) || '">' || (step).mark || '</span> '
		|| agent_studio_private.html_text(agent_studio_private.step_title(step)) || ' <span class="soft">' || coalesce(agent_studio_private.spent_text(step), '') || '</span></h3>'
		|| coalesce((SELECT agent_studio_private.html_facts(array_agg(f.label), array_agg(left(f.content, 2000))) FROM agent_studio_private.step_facts(execution, step) f), '')
		|| coalesce((SELECT string_agg(CASE r.subject WHEN 'issues' THEN '' ELSE '<h4>' || r.label || '</h4>' END || CASE r.subject WHEN 'issues' THEN agent_studio_private.html_issues(r.value)
				ELSE agent_studio_private.html_value(r.value) END, '') FROM agent_studio_private.step_reported((execution).execution_id, (step).step_no) r), '');
END;
COMMENT ON FUNCTION agent_studio_private.report_page_step(agent_studio.executions, agent_studio_private.report_step) IS 'A step on a report''s page.';

CREATE FUNCTION agent_studio_private.report_page_figures(execution agent_studio.executions) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT '<div class="grid wide">' || string_agg('<div><h3>' || t.topic || '</h3>' || agent_studio_private.html_facts(t.labels, t.contents) || '</div>', '' ORDER BY t.place) || E'</div>\n'
	FROM (SELECT f.topic, min(f.n) AS place, array_agg(f.label ORDER BY f.n) AS labels, array_agg(f.content ORDER BY f.n) AS contents
		  FROM agent_studio_private.report_figures(execution) WITH ORDINALITY f (topic, label, content, n) GROUP BY f.topic) t;
END;
COMMENT ON FUNCTION agent_studio_private.report_page_figures(agent_studio.executions) IS 'The figures on a report''s page.';

CREATE FUNCTION agent_studio_private.report_contents(execution agent_studio.executions)
RETURNS TABLE (title text, from_step text, description text, content text, bytes bigint)
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT f.file_name, 'Step ' || s.plan_step, f.media_type, f.content, octet_length(f.content)::bigint
	FROM agent_studio_private.files_of(execution) f
	JOIN agent_studio.steps s ON s.execution_id = (execution).execution_id AND s.step_no = f.step_no
	UNION ALL
	SELECT 'Answer of ' || s.name, 'Step ' || s.plan_step, NULL, coalesce(s.output, s.outputs::text), octet_length(coalesce(s.output, s.outputs::text))::bigint
	FROM agent_studio_private.current_steps((execution).execution_id) s
	WHERE coalesce(s.output, s.outputs::text) IS NOT NULL AND NOT EXISTS (SELECT FROM agent_studio_private.files_of(execution));
END;
COMMENT ON FUNCTION agent_studio_private.report_contents(agent_studio.executions) IS
'The files of an execution; where there are none, the answers of its steps.';

CREATE FUNCTION agent_studio_private.report_page_outputs(execution agent_studio.executions) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	-- 200,000 characters of one, a million in all.
	WITH contents AS MATERIALIZED (SELECT c.*, row_number() OVER () AS n, least(length(c.content), 200000) AS wanted FROM agent_studio_private.report_contents(execution) c),
	shown AS (SELECT c.*, greatest(0, least(c.wanted, 1000000 - (sum(c.wanted) OVER (ORDER BY c.n) - c.wanted)))::int AS room FROM contents c)
	SELECT agent_studio_private.html_table('{Name,From,Kind,Size}', '{4}', string_agg(agent_studio_private.html_row(ARRAY[agent_studio_private.one_line(s.title, 120), s.from_step, s.description,
			agent_studio_private.size_text(s.bytes)], '{4}'), '' ORDER BY s.n))
		|| '<p class="soft">' || count(*) || CASE count(*) WHEN 1 THEN ' output, ' ELSE ' outputs, ' END || agent_studio_private.size_text(sum(s.bytes)::bigint) || ' in all</p>'
		|| string_agg('<details><summary>' || agent_studio_private.html_text(agent_studio_private.one_line(s.title, 120)) || '</summary><pre>'
			|| agent_studio_private.html_text(left(s.content, s.room)) || '</pre>'
			|| CASE WHEN s.room < length(s.content) THEN format('<p class="soft">Cut after %s characters, of %s in all. SELECT agent_studio.as_output(%s) has the answer; agent_studio.artifacts and agent_studio.outputs have all outputs.</p>',
				s.room, agent_studio_private.size_text(s.bytes), (execution).execution_id) ELSE '' END
			|| E'</details>\n', '' ORDER BY s.n)
	FROM shown s HAVING count(*) > 0;
END;
COMMENT ON FUNCTION agent_studio_private.report_page_outputs(agent_studio.executions) IS
'The outputs on a report''s page, the contents to be unfolded; what is too long is cut. NULL = there are none.';

CREATE FUNCTION agent_studio_private.report_page_told(execution agent_studio.executions, subject text) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT string_agg(CASE (execution).kind WHEN 'workflow' THEN '<h4 class="soft">From Step ' || r.plan_step || ': ' || agent_studio_private.html_text(agent_studio_private.one_line(r.title, 80)) || '</h4>' ELSE '' END
		|| agent_studio_private.html_value(r.value), '' ORDER BY r.plan_step)
	FROM agent_studio_private.all_reported(execution, subject) r;
END;
COMMENT ON FUNCTION agent_studio_private.report_page_told(agent_studio.executions, text) IS 'What the steps gave for a subject; NULL = nothing.';

CREATE FUNCTION agent_studio_private.report_page_body(execution agent_studio.executions) RETURNS text
LANGUAGE sql STABLE
RETURN agent_studio_private.report_page_head(execution) || agent_studio_private.report_tiles(execution)
	|| agent_studio_private.html_section('Executive Summary', coalesce(agent_studio_private.html_value(agent_studio_private.reported_summary(execution)), '<p class="soft">No summary was reported.</p>')
		|| '<p>' || agent_studio_private.html_text(agent_studio_private.progress_sentence(execution)) || '</p>')
	|| agent_studio_private.html_section('How it went', '<div class="picture">'
		|| (SELECT string_agg(d.line, E'\n' ORDER BY d.n) FROM agent_studio.as_diagram((execution).execution_id, 'svg') WITH ORDINALITY d (line, n)) || '</div>')
	|| coalesce(agent_studio_private.html_section('Time, cost and tokens', agent_studio_private.report_charts(execution)), '')
	|| agent_studio_private.html_section('Step by Step', coalesce((SELECT string_agg(agent_studio_private.report_page_step(execution, s), '' ORDER BY s.plan_step)
		FROM agent_studio_private.report_steps(execution) s), ''))
	|| agent_studio_private.html_section(initcap((execution).kind) || ' Metrics', coalesce(agent_studio_private.report_page_figures(execution), ''))
	|| agent_studio_private.html_section('Outputs', coalesce(agent_studio_private.report_page_outputs(execution), '<p class="soft">There is no output yet.</p>'))
	|| agent_studio_private.html_section('Recommendations', coalesce(agent_studio_private.report_page_told(execution, 'recommendations'), '<p class="soft">Nothing was reported.</p>'))
	|| agent_studio_private.html_section('Next Steps', coalesce(agent_studio_private.report_page_told(execution, 'next_steps'), '<p class="soft">Nothing was reported.</p>')
		|| coalesce((SELECT '<pre>' || string_agg(agent_studio_private.html_text(n.statement || '  -- ' || rtrim(n.label, ':')), E'\n') || '</pre>' FROM agent_studio_private.next_statements(execution) n), ''))
	|| '<footer>' || agent_studio_private.report_signature(execution) || '</footer>';
COMMENT ON FUNCTION agent_studio_private.report_page_body(agent_studio.executions) IS 'What a report''s page holds.';

CREATE FUNCTION agent_studio.as_report_html(execution bigint) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_variable
DECLARE
	target agent_studio.executions;
BEGIN
	PERFORM agent_studio_private.require_execution(execution);
	SELECT e.* INTO target FROM agent_studio.executions e WHERE e.execution_id = execution;
	RETURN agent_studio_private.html_page(format('%s execution %s: %s', initcap(target.kind), execution, agent_studio_private.report_subject(target)),
		agent_studio_private.report_page_body(target));
END
$$;
COMMENT ON FUNCTION agent_studio.as_report_html(bigint) IS
'The report of an execution as one HTML page that holds all it needs (no script, nothing from the network; light, dark, printable): what as_report tells, the diagram, charts of time, cost and tokens, and the outputs, of which 200,000 characters each are shown, a million in all. Save it with psql: \pset format unaligned, \t, \o report.html. Raises 42704.';
