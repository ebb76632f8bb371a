-- as_compare: executions side by side, and what differs between them.

CREATE FUNCTION agent_studio_private.compared(execution bigint)
RETURNS TABLE (place integer, label text, content text, amount numeric)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_variable
DECLARE
	e agent_studio.executions;
	m record := agent_studio.as_metrics(execution);
	q record := agent_studio.as_quality(execution);
	version text;
	output_bytes bigint := octet_length(agent_studio.as_output(execution));
	files bigint;
BEGIN
	SELECT x.* INTO e FROM agent_studio.executions x WHERE x.execution_id = execution;
	version := CASE e.kind WHEN 'workflow' THEN (SELECT w.version FROM agent_studio.workflow_versions w WHERE w.workflow_version_id = e.workflow_version_id)
		ELSE (SELECT s.agent_version FROM agent_studio_private.download_steps(e) s) END;
	files := (SELECT count(*) FROM agent_studio_private.files_of(e));
	RETURN QUERY SELECT r.place, r.label, r.content, r.amount FROM (VALUES
		(1, 'Kind', e.kind, NULL::numeric),
		(2, 'Agent', e.agent, NULL),
		(3, 'Workflow', e.workflow, NULL),
		(4, 'Version', version, NULL),
		(5, 'Owner', e.owner, NULL),
		(6, 'Submitted', to_char(e.submitted_at, 'YYYY-MM-DD HH24:MI'), NULL),
		(7, 'Status', replace(e.status, '_', ' '), NULL),
		(8, 'Error', concat_ws(': ', e.error_class, e.error_message), NULL),
		(10, 'Task', CASE e.kind WHEN 'task' THEN e.task END, NULL),
		(11, 'Priority', e.priority, NULL),
		(12, 'Output Format', e.output_format, NULL),
		(13, 'Timeout', e.timeout_seconds || ' seconds', NULL),
		(14, 'Max Retries', e.max_retries::text, NULL),
		(15, 'Model', concat_ws('-', coalesce(m.deployment, m.model), m.model_version), NULL),
		(16, 'Temperature', m.temperature::text, NULL),
		(17, 'Top P', m.top_p::text, NULL),
		(18, 'Max Tokens', m.max_output_tokens::text, NULL),
		(30, 'Time', CASE WHEN m.duration_seconds < 10 THEN agent_studio_private.seconds_text(m.duration_seconds)
			ELSE agent_studio_private.duration_text(make_interval(secs => m.duration_seconds::float8)) END, m.duration_seconds),
		(31, 'Input Tokens', agent_studio_private.number_text(m.input_tokens), m.input_tokens),
		(32, 'Output Tokens', agent_studio_private.number_text(m.output_tokens), m.output_tokens),
		(33, 'Total Tokens', agent_studio_private.number_text(m.total_tokens), m.total_tokens),
		(34, 'Cost', coalesce(agent_studio_private.money_text(m.cost_usd), CASE WHEN m.attempts > 0 THEN 'not known' END), m.cost_usd),
		(40, 'Completeness', q.completeness_percent || '%', NULL),
		(41, 'Format Compliance', q.format_compliance_percent || '%', NULL),
		(42, 'Token Efficiency', q.token_efficiency_percent || '%', NULL),
		(43, 'Retries', q.retries::text, NULL),
		(44, 'Warnings', q.warnings::text, NULL),
		(50, 'Output Size', agent_studio_private.size_text(output_bytes), output_bytes),
		(51, 'Files', files::text, NULL)) r (place, label, content, amount)
	WHERE r.content <> '';
END
$$;
COMMENT ON FUNCTION agent_studio_private.compared(bigint) IS
'What as_compare shows of one execution, what is known of it; amount = the number behind a content, where a difference is worth a percentage.';

CREATE FUNCTION agent_studio_private.differing_members(executions bigint[])
RETURNS TABLE (column_no bigint, place integer, label text, content text, amount numeric)
LANGUAGE sql STABLE
BEGIN ATOMIC
	WITH members AS (
		SELECT c.n, m.key, m.value
		FROM unnest(executions) WITH ORDINALITY c (id, n) JOIN agent_studio.executions e ON e.execution_id = c.id
		CROSS JOIN LATERAL jsonb_each(CASE e.kind WHEN 'workflow' THEN e.inputs ELSE e.context END) m),
	different AS (
		SELECT d.key, row_number() OVER (ORDER BY d.key COLLATE "C") AS place, count(*) OVER () AS n
		FROM (SELECT m.key FROM members m GROUP BY m.key
			  HAVING count(*) < cardinality(executions) OR count(DISTINCT m.value) > 1) d)
	SELECT m.n, 20, 'Input ' || m.key, m.value #>> '{}', d.place::numeric
	FROM members m JOIN different d USING (key) WHERE d.place <= 20
	UNION ALL
	SELECT c.n, 21, 'Further Inputs', (d.n - 20) || ' differ', NULL
	FROM different d, generate_series(1, cardinality(executions)) c (n) WHERE d.place = 21;
END;
COMMENT ON FUNCTION agent_studio_private.differing_members(bigint[]) IS
'The members of contexts and inputs in which executions differ, the first twenty.';

CREATE FUNCTION agent_studio_private.padded(value text, columns integer) RETURNS text
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT l.line || repeat(' ', columns - agent_studio_private.display_width(l.line))
	FROM (SELECT agent_studio_private.one_line(value, columns) AS line) l;
END;
COMMENT ON FUNCTION agent_studio_private.padded(text, integer) IS
'A text as one line of exactly so many columns.';

CREATE FUNCTION agent_studio_private.figure(value text, columns integer) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN lpad(coalesce(value, ''), greatest(columns, length(value)));
COMMENT ON FUNCTION agent_studio_private.figure(text, integer) IS
'A number, time or amount at the right of so many columns; one that is longer stays whole. Blank for NULL.';

CREATE FUNCTION agent_studio_private.change_text(before numeric, after numeric) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN CASE WHEN before > 0 AND round(100 * (after - before) / before) <> 0
	THEN format(' (%s%s%%)', CASE WHEN round(100 * (after - before) / before) > 9999 THEN '>' ELSE '' END,
		to_char(least(round(100 * (after - before) / before), 9999), 'FMS9999')) ELSE '' END;
COMMENT ON FUNCTION agent_studio_private.change_text(numeric, numeric) IS
'By how much a number is another than the first, as " (+18%)"; nothing where that cannot be said or rounds to 0.';

CREATE FUNCTION agent_studio_private.comparison_lines(executions bigint[]) RETURNS SETOF text
LANGUAGE sql STABLE
BEGIN ATOMIC
	WITH cells AS (
		SELECT c.n, r.place, 0 AS minor, r.label, r.content, r.amount
		FROM unnest(executions) WITH ORDINALITY c (id, n) CROSS JOIN LATERAL agent_studio_private.compared(c.id) r
		UNION ALL
		SELECT d.column_no, d.place, d.amount, d.label, d.content, NULL FROM agent_studio_private.differing_members(executions) d),
	rows AS (
		SELECT f.place, f.minor, f.label, count(c.content) < cardinality(executions) OR count(DISTINCT c.content) > 1 AS differs,
			   string_agg(agent_studio_private.padded(coalesce(c.content, '–') || CASE WHEN k.n > 1 THEN
					agent_studio_private.change_text(f.first_amount, c.amount) ELSE '' END, 76 / cardinality(executions) - 2), '  ' ORDER BY k.n) AS columns
		FROM (SELECT x.place, x.minor, x.label, max(x.amount) FILTER (WHERE x.n = 1) AS first_amount FROM cells x GROUP BY x.place, x.minor, x.label) f
		CROSS JOIN generate_series(1, cardinality(executions)) k (n)
		LEFT JOIN cells c ON c.n = k.n AND c.place = f.place AND c.minor IS NOT DISTINCT FROM f.minor AND c.label = f.label
		GROUP BY f.place, f.minor, f.label)
	SELECT l.line FROM (
		SELECT 0 AS place, 0::numeric AS minor, rtrim('  ' || repeat(' ', 22) || string_agg(agent_studio_private.padded('Execution ' || c.id, 76 / cardinality(executions) - 2), '  ' ORDER BY c.n)) AS line
		FROM unnest(executions) WITH ORDINALITY c (id, n)
		UNION ALL
		SELECT r.place, r.minor, rtrim(CASE WHEN r.differs THEN '≠ ' ELSE '  ' END || agent_studio_private.padded(r.label, 20) || '  ' || r.columns) FROM rows r
		UNION ALL
		SELECT s.place, -1, s.line FROM (VALUES (9, ''), (10, 'Parameters:'), (29, ''), (30, 'Performance:'), (39, ''), (40, 'Quality:'), (49, ''), (50, 'Output:')) s (place, line)) l
	ORDER BY l.place, l.minor;
END;
COMMENT ON FUNCTION agent_studio_private.comparison_lines(bigint[]) IS
'Lines of as_compare: an attribute each, with a column for each execution, and a mark where they differ.';

CREATE FUNCTION agent_studio.as_compare(VARIADIC executions bigint[]) RETURNS SETOF text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
DECLARE
	execution bigint;
BEGIN
	IF coalesce(cardinality(executions), 0) NOT BETWEEN 2 AND 4 THEN
		RAISE EXCEPTION 'as_compare takes 2 to 4 executions, not %', coalesce(cardinality(executions), 0)
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'SELECT * FROM agent_studio.execution_history WHERE execution_id IN (...) shows any number, a line each.';
	END IF;
	FOREACH execution IN ARRAY executions LOOP
		PERFORM agent_studio_private.require_execution(execution);
	END LOOP;
	RETURN QUERY SELECT agent_studio_private.comparison_lines(executions);
END
$$;
COMMENT ON FUNCTION agent_studio.as_compare(bigint[]) IS
'Two to four executions side by side, a row a line, at most 98 columns wide (psql takes two more): agent or workflow and version, status, parameters (of context or inputs the members that differ), time, tokens, cost, quality, and size of the output. Lines that differ begin with ≠; numbers say by how many percent they are more or less than that of the first. Raises 22023 for another number of them, 42704.';
