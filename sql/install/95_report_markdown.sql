-- as_report: the report of an execution as Markdown.
--
-- What models said stands in quotations and list items only, in which no line begins a
-- heading, a tag, an image or a link: no answer can add a chapter to the report, load
-- anything into the page of whoever shows it, or lead him somewhere.

CREATE FUNCTION agent_studio_private.markdown_line(value text) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN regexp_replace(regexp_replace(regexp_replace(regexp_replace(value,
	'<(?=[A-Za-z/!?])', '\\<', 'g'), '!\[', '!\\[', 'g'), '\](?=\(|\[|:)', '\\]', 'g'), '^(\s*)(?=#{1,6}(\s|$)|=+\s*$|-+\s*$)', '\1\\');
COMMENT ON FUNCTION agent_studio_private.markdown_line(text) IS
'A line that is neither a heading nor underlines one, and holds no tag, no image, no link and no address for one.';

CREATE FUNCTION agent_studio_private.markdown_text(value text, columns integer DEFAULT 300) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN agent_studio_private.markdown_line(agent_studio_private.one_line(value, columns));
COMMENT ON FUNCTION agent_studio_private.markdown_text(text, integer) IS
'A text of others as one line of Markdown, of so many columns at most.';

CREATE FUNCTION agent_studio_private.markdown_quote(value text, most integer) RETURNS SETOF text
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT rtrim('> ' || agent_studio_private.markdown_line(l.line))
	FROM regexp_split_to_table(btrim(agent_studio_private.visible_text(left(value, most)), E' \n\t'), '\n') l (line)
	UNION ALL
	SELECT unnest(ARRAY['>', format('> (cut: %s in all; agent_studio.outputs has the whole)', agent_studio_private.size_text(octet_length(value)::bigint))])
	WHERE length(value) > most;
END;
COMMENT ON FUNCTION agent_studio_private.markdown_quote(text, integer) IS
'A text of others as a quotation, cut after so many characters.';

CREATE FUNCTION agent_studio_private.markdown_item(item jsonb, mark text) RETURNS SETOF text
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT mark || ' ' || coalesce(nullif(concat_ws(': ', '**' || agent_studio_private.markdown_text(p.title) || '**',
			agent_studio_private.markdown_text(p.text, 1000)), ''), 'not said')
	FROM agent_studio_private.item_parts(item) p
	UNION ALL
	SELECT repeat(' ', length(mark) + 1) || format('- **%s**: %s', agent_studio_private.markdown_text(agent_studio_private.label_text(r.key)),
		agent_studio_private.markdown_text(agent_studio_private.plain_value(r.value), 500))
	FROM agent_studio_private.item_parts(item) p CROSS JOIN LATERAL jsonb_each(p.rest) r WHERE agent_studio_private.says_something(r.value);
END;
COMMENT ON FUNCTION agent_studio_private.markdown_item(jsonb, text) IS 'An item of a list, an object with a line for each further member.';

CREATE FUNCTION agent_studio_private.markdown_list(list jsonb) RETURNS SETOF text
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT l.line FROM agent_studio_private.list_items(list) i
	CROSS JOIN LATERAL agent_studio_private.markdown_item(i.item, i.n || '.') WITH ORDINALITY l (line, m)
	ORDER BY i.n, l.m;
END;
COMMENT ON FUNCTION agent_studio_private.markdown_list(jsonb) IS 'An array as a numbered list.';

CREATE FUNCTION agent_studio_private.markdown_value(value jsonb) RETURNS SETOF text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	member record;
BEGIN
	IF jsonb_typeof(value) = 'array' THEN
		RETURN QUERY SELECT agent_studio_private.markdown_list(value);
	ELSIF jsonb_typeof(value) = 'object' THEN
		FOR member IN SELECT m.key, m.value FROM jsonb_each(value) m WHERE agent_studio_private.says_something(m.value) LOOP
			RETURN QUERY SELECT unnest(ARRAY['**' || agent_studio_private.markdown_text(agent_studio_private.label_text(member.key)) || '**:', '']);
			RETURN QUERY SELECT agent_studio_private.markdown_list(CASE WHEN jsonb_typeof(member.value) = 'array' THEN member.value
				ELSE jsonb_build_array(member.value) END);
			RETURN NEXT '';
		END LOOP;
	ELSE
		RETURN QUERY SELECT agent_studio_private.markdown_quote(value #>> '{}', 4000);
	END IF;
END
$$;
COMMENT ON FUNCTION agent_studio_private.markdown_value(jsonb) IS
'What a step gave: a text as a quotation, an array as a list, an object with a list for each member.';

CREATE FUNCTION agent_studio_private.markdown_issues(reported jsonb) RETURNS SETOF text
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT l.line
	FROM (SELECT i.*, row_number() OVER (PARTITION BY i.rank ORDER BY i.n) AS m FROM agent_studio_private.listed_issues(reported) i) i
	CROSS JOIN LATERAL (
		SELECT 0 AS place, unnest(ARRAY['', format('%s:', agent_studio_private.label_text(i.severity)), '']) AS line WHERE i.m = 1
		UNION ALL
		SELECT 1, agent_studio_private.markdown_item(i.issue, i.m || '.')) l
	WHERE i.m <= 100
	ORDER BY i.rank, i.m, l.place;
END;
COMMENT ON FUNCTION agent_studio_private.markdown_issues(jsonb) IS 'The issues that a step reported, by severity.';

-- Chapters.

CREATE FUNCTION agent_studio_private.report_head(execution agent_studio.executions) RETURNS SETOF text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT unnest(array_remove(ARRAY[
		format('# %s Execution Report', initcap((execution).kind)), '',
		format('**%s**: %s  ', CASE (execution).kind WHEN 'task' THEN 'Agent' ELSE 'Workflow' END,
			agent_studio_private.markdown_text(agent_studio_private.report_subject(execution))),
		CASE (execution).kind WHEN 'task' THEN format('**Task**: %s  ', agent_studio_private.markdown_text((execution).task, 200)) END,
		format('**Execution ID**: %s  ', (execution).execution_id),
		format('**Date**: %s  ', agent_studio_private.report_span(execution)),
		format('**Total Duration**: %s  ', agent_studio_private.report_duration(execution)),
		format('**Total Cost**: %s  ', agent_studio_private.total_cost_text((execution).execution_id)),
		format('**Status**: %s', agent_studio_private.report_status(execution)),
		CASE WHEN (execution).error_class IS NOT NULL THEN '' END,
		CASE WHEN (execution).error_class IS NOT NULL THEN
			format('**Error**: %s', agent_studio_private.markdown_text(concat_ws(': ', (execution).error_class, (execution).error_message), 500)) END], NULL));
END;
COMMENT ON FUNCTION agent_studio_private.report_head(agent_studio.executions) IS
'The head of a report: which execution it is, when it ran, what it cost, how it stands.';

CREATE FUNCTION agent_studio_private.report_chapter(title text, lines text[], otherwise text) RETURNS SETOF text
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT unnest(ARRAY['', '---', '', '## ' || title, ''] || CASE WHEN cardinality(lines) = 0 THEN ARRAY[otherwise]
		WHEN lines[cardinality(lines)] = '' THEN trim_array(lines, 1) ELSE lines END);
END;
COMMENT ON FUNCTION agent_studio_private.report_chapter(text, text[], text) IS
'A chapter of a report; without lines it says something else instead.';

CREATE FUNCTION agent_studio_private.report_step_lines(execution agent_studio.executions, step agent_studio_private.report_step) RETURNS SETOF text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	subject record;
BEGIN
	RETURN QUERY SELECT unnest(ARRAY['### ' || concat_ws(' ', agent_studio_private.markdown_text(agent_studio_private.step_title(step)),
		agent_studio_private.spent_text(step)), '']);
	RETURN QUERY SELECT format('- **%s**: %s', f.label, agent_studio_private.markdown_text(f.content, 500))
	FROM agent_studio_private.step_facts(execution, step) f;
	FOR subject IN SELECT * FROM agent_studio_private.step_reported(execution.execution_id, step.step_no) LOOP
		IF subject.subject = 'issues' THEN
			RETURN QUERY SELECT unnest(ARRAY['', format('**%s**: %s', subject.label, agent_studio_private.issue_counts(subject.value))]);
			RETURN QUERY SELECT agent_studio_private.markdown_issues(subject.value);
		ELSE
			RETURN QUERY SELECT unnest(ARRAY['', format('**%s**:', subject.label), '']);
			RETURN QUERY SELECT agent_studio_private.markdown_value(subject.value);
		END IF;
	END LOOP;
	RETURN NEXT '';
END
$$;
COMMENT ON FUNCTION agent_studio_private.report_step_lines(agent_studio.executions, agent_studio_private.report_step) IS
'The lines of a report about a step.';

CREATE FUNCTION agent_studio_private.figure_lines(execution agent_studio.executions) RETURNS SETOF text
LANGUAGE sql STABLE
BEGIN ATOMIC
	WITH figures AS MATERIALIZED (SELECT f.*, row_number() OVER () AS n FROM agent_studio_private.report_figures(execution) f),
	topics AS (SELECT t.topic, t.place, EXISTS (SELECT FROM figures f WHERE f.topic = t.topic) AS known
			   FROM unnest('{Performance,Cost,Quality,Token Usage}'::text[]) WITH ORDINALITY t (topic, place))
	SELECT l.line FROM (
		SELECT t.place, p.part, p.line, 0::bigint AS n FROM topics t
		CROSS JOIN LATERAL (VALUES (0, '### ' || t.topic), (2, CASE WHEN NOT t.known THEN '- not known' END), (3, '')) p (part, line)
		UNION ALL
		SELECT t.place, 1, format('- %s: %s', agent_studio_private.markdown_text(f.label), agent_studio_private.markdown_text(f.content)), f.n
		FROM figures f JOIN topics t USING (topic)) l
	WHERE l.line IS NOT NULL ORDER BY l.place, l.part, l.n;
END;
COMMENT ON FUNCTION agent_studio_private.figure_lines(agent_studio.executions) IS 'The figures of an execution, as lines of a report.';

CREATE FUNCTION agent_studio_private.file_lines(execution agent_studio.executions) RETURNS SETOF text
LANGUAGE sql STABLE
BEGIN ATOMIC
	WITH files AS MATERIALIZED (SELECT f.*, row_number() OVER () AS n FROM agent_studio_private.report_files(execution) f)
	SELECT l.line FROM (
		SELECT 0::bigint AS place, unnest(ARRAY['### Files Generated:', '']) AS line WHERE EXISTS (SELECT FROM files)
		UNION ALL
		SELECT f.n, format('%s. `%s` (%s)', f.n, replace(agent_studio_private.one_line(f.file_name, 80), '`', ''''), agent_studio_private.size_text(f.bytes))
			|| CASE (execution).kind WHEN 'workflow' THEN ' from Step ' || f.plan_step ELSE '' END
			|| coalesce(' - ' || agent_studio_private.markdown_text(f.description, 100), '') FROM files f
		UNION ALL
		SELECT 1000000, unnest(ARRAY['', format('**Total Size**: %s', agent_studio_private.size_text(t.bytes))])
		FROM (SELECT sum(f.bytes)::bigint AS bytes FROM files f) t WHERE t.bytes IS NOT NULL
		UNION ALL
		SELECT 1, agent_studio_private.answer_text(execution)) l
	WHERE l.line IS NOT NULL ORDER BY l.place;
END;
COMMENT ON FUNCTION agent_studio_private.file_lines(agent_studio.executions) IS 'The files of an execution with their sizes, as lines of a report.';

CREATE FUNCTION agent_studio_private.reported_lines(execution agent_studio.executions, subject text) RETURNS SETOF text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT l.line FROM agent_studio_private.all_reported(execution, subject) r
	CROSS JOIN LATERAL (
		SELECT 0 AS place, o.n, o.line
		FROM unnest(ARRAY[format('From Step %s (%s):', r.plan_step, agent_studio_private.markdown_text(r.title, 80)), '']) WITH ORDINALITY o (line, n)
		WHERE (execution).kind = 'workflow'
		UNION ALL
		SELECT 1, v.n, v.line FROM agent_studio_private.markdown_value(r.value) WITH ORDINALITY v (line, n)
		UNION ALL
		SELECT 2, 0, '') l
	ORDER BY r.plan_step, l.place, l.n;
END;
COMMENT ON FUNCTION agent_studio_private.reported_lines(agent_studio.executions, text) IS
'What the steps gave for a subject, as lines of a report.';

CREATE FUNCTION agent_studio_private.report_lines(execution agent_studio.executions) RETURNS SETOF text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
DECLARE
	nothing constant text := 'Nothing was reported.';
BEGIN
	RETURN QUERY SELECT agent_studio_private.report_head(execution);
	RETURN QUERY SELECT agent_studio_private.report_chapter('Executive Summary',
		ARRAY(SELECT agent_studio_private.markdown_value(v) FROM agent_studio_private.reported_summary(execution) v WHERE v IS NOT NULL), 'No summary was reported.');
	RETURN QUERY SELECT unnest(ARRAY['', agent_studio_private.progress_sentence(execution)]);
	RETURN QUERY SELECT agent_studio_private.report_chapter('Step-by-Step Analysis', ARRAY(
		SELECT l.line FROM agent_studio_private.report_steps(execution) s
		CROSS JOIN LATERAL agent_studio_private.report_step_lines(execution, s) WITH ORDINALITY l (line, n)
		ORDER BY s.plan_step, l.n), 'There is no step.');
	RETURN QUERY SELECT agent_studio_private.report_chapter(initcap(execution.kind) || ' Metrics',
		ARRAY(SELECT agent_studio_private.figure_lines(execution)), nothing);
	RETURN QUERY SELECT agent_studio_private.report_chapter('Outputs', ARRAY(SELECT agent_studio_private.file_lines(execution)), 'There is no output yet.');
	RETURN QUERY SELECT agent_studio_private.report_chapter('Recommendations',
		ARRAY(SELECT agent_studio_private.reported_lines(execution, 'recommendations')), nothing);
	RETURN QUERY SELECT agent_studio_private.report_chapter('Next Steps',
		ARRAY(SELECT agent_studio_private.reported_lines(execution, 'next_steps')), nothing);
	RETURN QUERY SELECT unnest(ARRAY['', 'In SQL:', '', '```sql']
		|| ARRAY(SELECT format('%s  -- %s', n.statement, rtrim(n.label, ':')) FROM agent_studio_private.next_statements(execution) n)
		|| ARRAY['```', '', '---', '', format('*%s*', agent_studio_private.report_signature(execution))]);
END
$$;
COMMENT ON FUNCTION agent_studio_private.report_lines(agent_studio.executions) IS 'A report, a row a line.';

CREATE FUNCTION agent_studio.as_report(execution bigint) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_variable
DECLARE
	target agent_studio.executions;
BEGIN
	PERFORM agent_studio_private.require_execution(execution);
	SELECT e.* INTO target FROM agent_studio.executions e WHERE e.execution_id = execution;
	RETURN (SELECT string_agg(l.line, E'\n' ORDER BY l.n) FROM agent_studio_private.report_lines(target) WITH ORDINALITY l (line, n));
END
$$;
COMMENT ON FUNCTION agent_studio.as_report(bigint) IS
'The report of an execution as Markdown: summary, each step with agent, model, time, cost and tokens, performance, cost, quality, token usage, outputs with their sizes, recommendations and next steps. Figures are computed from rows. Texts are what the steps gave: outputs named summary, key_decisions, issues, recommendations and next_steps, else what stands under such headings in their answers; where there is none the chapter says so. Raises 42704.';
