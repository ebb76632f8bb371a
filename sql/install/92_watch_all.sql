-- as_watch_all(): everything at work on one sheet, for \watch: what active_executions,
-- recent_completions and alerts say, within the 100 columns of a terminal.

CREATE FUNCTION agent_studio_private.watch_active() RETURNS SETOF text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT format('%s %s %s %s %s %s %s', agent_studio_private.figure(a.id::text, 9), agent_studio_private.padded(a.name, 14), agent_studio_private.padded(a.progress, 20),
		agent_studio_private.figure(a.elapsed, 10), agent_studio_private.figure(a."left", 10), agent_studio_private.figure(a.cost, 9), coalesce(agent_studio_private.one_line(a.now, 18), ''))
	FROM agent_studio.active_executions a;
END;
COMMENT ON FUNCTION agent_studio_private.watch_active() IS 'What active_executions tells, as lines.';

CREATE FUNCTION agent_studio_private.watch_rested() RETURNS SETOF text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT format('%s %s %s %s %s %s', agent_studio_private.figure(r.id::text, 9), agent_studio_private.padded(r.name, 28), agent_studio_private.padded(r.status, 22),
		agent_studio_private.figure(r.duration, 11), agent_studio_private.figure(r.cost, 9), r.finished)
	FROM agent_studio.recent_completions r;
END;
COMMENT ON FUNCTION agent_studio_private.watch_rested() IS 'What recent_completions tells, as lines.';

-- A remedy is there to be executed: it is put on several lines, never cut.
CREATE FUNCTION agent_studio_private.watch_alerts() RETURNS SETOF text
LANGUAGE sql VOLATILE
BEGIN ATOMIC
	SELECT l.line
	FROM (SELECT a.severity, a.message, a.remedy, row_number() OVER () AS n FROM agent_studio.alerts a LIMIT 10) x
	CROSS JOIN LATERAL (
		SELECT 1 AS place, w.n, format('%s %s', rpad(CASE w.n WHEN 1 THEN x.severity ELSE '' END, 7), w.line) AS line
		FROM agent_studio_private.wrapped(x.message, 90, 2) WITH ORDINALITY w (line, n)
		UNION ALL
		SELECT 2, w.n, repeat(' ', 10) || w.line
		FROM agent_studio_private.wrapped(x.remedy, 88, 100) WITH ORDINALITY w (line, n)) l
	ORDER BY x.n, l.place, l.n;
END;
COMMENT ON FUNCTION agent_studio_private.watch_alerts() IS 'The first ten alerts with their remedies, as lines.';

CREATE FUNCTION agent_studio.as_watch_all() RETURNS SETOF text
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
DECLARE
	at_work text[] := ARRAY(SELECT agent_studio_private.watch_active());
BEGIN
	RETURN NEXT format('%s  %s at work', to_char(clock_timestamp(), 'YYYY-MM-DD HH24:MI:SS'), cardinality(at_work));
	RETURN QUERY SELECT agent_studio_private.titled('At work:', at_work);
	RETURN QUERY SELECT agent_studio_private.titled('At rest:', ARRAY(SELECT agent_studio_private.watch_rested()));
	RETURN QUERY SELECT agent_studio_private.titled('Alerts:', ARRAY(SELECT agent_studio_private.watch_alerts()));
END
$$;
COMMENT ON FUNCTION agent_studio.as_watch_all() IS
'How everything is doing that the current user can see, on one sheet that fits into 100 columns, for \watch: active_executions, recent_completions, and the first ten alerts with their remedies. as_watch(execution) shows one. Raises nothing.';
