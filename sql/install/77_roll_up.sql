-- Rolling up: from executions and attempts to daily_totals and daily_spending, and from
-- their new rows to those of each owner.
--
-- To close some hours is to say that they are closed and not yet counted: what is open is
-- counted from the base tables, by whoever reads it, and here. What a day has been counted
-- for before is kept and added to, but for a stale day, which is counted anew.

CREATE FUNCTION agent_studio_private.roll_up_day(which date, until timestamptz) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	day_start timestamptz := which::timestamp AT TIME ZONE 'UTC';
	day_end timestamptz := (which + 1)::timestamp AT TIME ZONE 'UTC';
BEGIN
	INSERT INTO agent_studio.closed_days AS c (day, counted_until, until) VALUES (which, day_start, roll_up_day.until)
	ON CONFLICT (day) DO UPDATE SET until = excluded.until;
	-- One statement, one snapshot: marks that it does not see stay.
	WITH stale AS (SELECT FROM agent_studio_private.days_to_count d WHERE d.day = which),
	marks AS (DELETE FROM agent_studio.stale_days s WHERE s.day = which),
	old_totals AS (DELETE FROM agent_studio.daily_totals t WHERE t.day = which RETURNING t.*),
	old_spending AS (DELETE FROM agent_studio.daily_spending t WHERE t.day = which RETURNING t.*),
	old_owner_totals AS (DELETE FROM agent_studio.daily_owner_totals t WHERE t.day = which),
	old_owner_spending AS (DELETE FROM agent_studio.daily_owner_spending t WHERE t.day = which),
	new_totals AS (
		INSERT INTO agent_studio.daily_totals (day, kind, workflow, agent, owner, team, status, error_class, executions, timed,
			duration_seconds, fast, medium, slow, attempts, input_tokens, cached_input_tokens, output_tokens,
			reasoning_tokens, input_cost_usd, output_cost_usd, with_cost, without_cost, known_cost_usd, priced, unpriced)
		SELECT t.day, t.kind, t.workflow, t.agent, t.owner, t.team, t.status, t.error_class, sum(t.executions), sum(t.timed),
			   sum(t.duration_seconds), sum(t.fast), sum(t.medium), sum(t.slow), sum(t.attempts), sum(t.input_tokens),
			   sum(t.cached_input_tokens), sum(t.output_tokens), sum(t.reasoning_tokens), sum(t.input_cost_usd), sum(t.output_cost_usd),
			   sum(t.with_cost), sum(t.without_cost), sum(t.known_cost_usd), sum(t.priced), sum(t.unpriced)
		FROM (SELECT o.day, o.kind, o.workflow, o.agent, o.owner, o.team, o.status, o.error_class, o.executions, o.timed,
					 o.duration_seconds, o.fast, o.medium, o.slow, o.attempts, o.input_tokens, o.cached_input_tokens, o.output_tokens,
					 o.reasoning_tokens, o.input_cost_usd, o.output_cost_usd, o.with_cost, o.without_cost, o.known_cost_usd, o.priced, o.unpriced
			  FROM old_totals o WHERE NOT EXISTS (SELECT FROM stale)
			  UNION ALL
			  SELECT o.day, o.kind, o.workflow, o.agent, o.owner, o.team, o.status, o.error_class, o.executions, o.timed,
					 o.duration_seconds, o.fast, o.medium, o.slow, o.attempts, o.input_tokens, o.cached_input_tokens, o.output_tokens,
					 o.reasoning_tokens, o.input_cost_usd, o.output_cost_usd, o.with_cost, o.without_cost, o.known_cost_usd, o.priced, o.unpriced
			  FROM agent_studio_private.open_totals o WHERE o.since >= day_start AND o.until <= day_end) t
		GROUP BY t.day, t.kind, t.workflow, t.agent, t.owner, t.team, t.status, t.error_class
		RETURNING *),
	new_spending AS (
		INSERT INTO agent_studio.daily_spending (day, workflow, agent, model, owner, team, is_test, outcome, error_class, attempts,
			retries, duration_seconds, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens,
			input_cost_usd, output_cost_usd, without_cost)
		SELECT t.day, t.workflow, t.agent, t.model, t.owner, t.team, t.is_test, t.outcome, t.error_class, sum(t.attempts),
			   sum(t.retries), sum(t.duration_seconds), sum(t.input_tokens), sum(t.cached_input_tokens), sum(t.output_tokens),
			   sum(t.reasoning_tokens), sum(t.input_cost_usd), sum(t.output_cost_usd), sum(t.without_cost)
		FROM (SELECT o.day, o.workflow, o.agent, o.model, o.owner, o.team, o.is_test, o.outcome, o.error_class, o.attempts,
					 o.retries, o.duration_seconds, o.input_tokens, o.cached_input_tokens, o.output_tokens, o.reasoning_tokens,
					 o.input_cost_usd, o.output_cost_usd, o.without_cost
			  FROM old_spending o WHERE NOT EXISTS (SELECT FROM stale)
			  UNION ALL
			  SELECT o.day, o.workflow, o.agent, o.model, o.owner, o.team, o.is_test, o.outcome, o.error_class, o.attempts,
					 o.retries, o.duration_seconds, o.input_tokens, o.cached_input_tokens, o.output_tokens, o.reasoning_tokens,
					 o.input_cost_usd, o.output_cost_usd, o.without_cost
			  FROM agent_studio_private.open_spending o WHERE o.since >= day_start AND o.until <= day_end) t
		GROUP BY t.day, t.workflow, t.agent, t.model, t.owner, t.team, t.is_test, t.outcome, t.error_class
		RETURNING *),
	new_owner_totals AS (
		INSERT INTO agent_studio.daily_owner_totals (day, subject, name, owner, team, status, executions, timed, duration_seconds,
			fast, medium, slow, input_cost_usd, output_cost_usd, with_cost, without_cost)
		SELECT n.day, s.subject, s.name, n.owner, n.team, n.status, sum(n.executions), sum(n.timed), sum(n.duration_seconds),
			   sum(n.fast), sum(n.medium), sum(n.slow), sum(n.input_cost_usd), sum(n.output_cost_usd), sum(n.with_cost), sum(n.without_cost)
		FROM new_totals n
		CROSS JOIN LATERAL (VALUES ('kind', n.kind), ('workflow', n.workflow), ('error', n.error_class)) s (subject, name)
		WHERE s.name IS NOT NULL
		GROUP BY n.day, s.subject, s.name, n.owner, n.team, n.status),
	new_owner_spending AS (
		INSERT INTO agent_studio.daily_owner_spending (day, owner, team, attempts, input_tokens, cached_input_tokens,
			output_tokens, reasoning_tokens, input_cost_usd, output_cost_usd, without_cost)
		SELECT n.day, n.owner, n.team, sum(n.attempts), sum(n.input_tokens), sum(n.cached_input_tokens),
			   sum(n.output_tokens), sum(n.reasoning_tokens), sum(n.input_cost_usd), sum(n.output_cost_usd), sum(n.without_cost)
		FROM new_spending n WHERE NOT n.is_test GROUP BY n.day, n.owner, n.team)
	UPDATE agent_studio.closed_days c SET counted_until = c.until, rolled_up_at = clock_timestamp() WHERE c.day = which;
END
$$;
COMMENT ON FUNCTION agent_studio_private.roll_up_day(date, timestamptz) IS
'Closes a day as far as that moment, which is not before the one that it was closed to, and counts what has been added, or, where it is stale, all of it.';

CREATE FUNCTION agent_studio_private.reopen_days(after timestamptz) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	-- The executor calls this before it writes anything: without need it does not wait for who is rolling up.
	IF NOT EXISTS (SELECT FROM agent_studio.closed_days c WHERE c.until > reopen_days.after AND NOT c.frozen) THEN
		RETURN;
	END IF;
	WITH reopened AS (
		DELETE FROM agent_studio.closed_days c WHERE c.until > reopen_days.after AND NOT c.frozen RETURNING c.day),
	totals AS (DELETE FROM agent_studio.daily_totals t USING reopened r WHERE t.day = r.day),
	owner_totals AS (DELETE FROM agent_studio.daily_owner_totals t USING reopened r WHERE t.day = r.day),
	owner_spending AS (DELETE FROM agent_studio.daily_owner_spending t USING reopened r WHERE t.day = r.day)
	DELETE FROM agent_studio.daily_spending s USING reopened r WHERE s.day = r.day;
END
$$;
COMMENT ON FUNCTION agent_studio_private.reopen_days(timestamptz) IS
'Opens days again of which hours are closed that end after a moment to which the clock was set back.';

CREATE FUNCTION agent_studio_private.next_hours_to_close(OUT day date, OUT until timestamptz)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	-- What the executor has begun to write before may be of the hour before.
	last_hour timestamptz := date_trunc('hour', least(now(),
		(SELECT min(a.xact_start) FROM pg_stat_activity a
		 WHERE a.datname = current_database() AND a.backend_type = 'agent_studio executor' AND a.pid <> pg_backend_pid())) - interval '10 minutes', 'UTC');
	closed_until timestamptz := coalesce((SELECT max(c.until) FROM agent_studio.closed_days c),
		date_trunc('day', least((SELECT min(e.finished_at) FROM agent_studio.executions e WHERE e.finished_at IS NOT NULL),
			(SELECT min(a.finished_at) FROM agent_studio.attempts a)), 'UTC'));
BEGIN
	IF closed_until < last_hour THEN
		day := (closed_until AT TIME ZONE 'UTC')::date;
		until := least((day + 1)::timestamp AT TIME ZONE 'UTC', last_hour);
	END IF;
END
$$;
COMMENT ON FUNCTION agent_studio_private.next_hours_to_close() IS
'The first day that is not closed to its end, and how far it can be: all of its hours that ended more than ten minutes ago, if nothing of them is still being written; NULL = none.';

CREATE FUNCTION agent_studio_private.roll_up_next() RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	next record;
	stale record;
BEGIN
	PERFORM agent_studio_private.reopen_days(now());
	-- What is told of a frozen day stays, whatever is marked.
	DELETE FROM agent_studio.stale_days s USING agent_studio.closed_days c WHERE c.day = s.day AND c.frozen;
	SELECT * INTO next FROM agent_studio_private.next_hours_to_close();
	SELECT d.day, d.counted_until INTO stale FROM agent_studio_private.days_to_count d ORDER BY d.day LIMIT 1;
	IF stale.day IS NOT NULL AND stale.day IS DISTINCT FROM next.day THEN
		PERFORM agent_studio_private.roll_up_day(stale.day, stale.counted_until);
	ELSIF next.day IS NOT NULL THEN
		PERFORM agent_studio_private.roll_up_day(next.day, next.until);
	ELSE
		RETURN false;
	END IF;
	RETURN true;
END
$$;
COMMENT ON FUNCTION agent_studio_private.roll_up_next() IS
'Rolls up one day, a stale one or as much of the next as can be closed; false = there was none.';

CREATE FUNCTION agent_studio_private.mend_time_ranges(index regclass) RETURNS integer
AS 'MODULE_PATHNAME', 'agent_studio_mend_time_ranges' LANGUAGE C STRICT;
COMMENT ON FUNCTION agent_studio_private.mend_time_ranges(regclass) IS
'Summarizes those ranges of a BRIN index of ours that somebody was about to summarize when he was canceled, and returns how many; leaves them when another is at work on the table.';

CREATE FUNCTION agent_studio_private.roll_up_when_idle() RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- In a database that is being restored, rows still come in from the past.
	IF NOT EXISTS (SELECT FROM agent_studio.epochs p JOIN pg_database d ON d.oid = p.database_oid AND d.datname = current_database()
				   WHERE p.started_at < now() - interval '1 day')
	   AND NOT EXISTS (SELECT FROM agent_studio.closed_days) THEN
		RETURN false;
	END IF;
	PERFORM agent_studio_private.mend_time_ranges('agent_studio.attempts_times');
	BEGIN
		LOCK TABLE agent_studio.closed_days IN SHARE ROW EXCLUSIVE MODE NOWAIT;
	EXCEPTION WHEN lock_not_available THEN
		RETURN false;
	END;
	RETURN agent_studio_private.roll_up_next();
END
$$;
COMMENT ON FUNCTION agent_studio_private.roll_up_when_idle() IS
'What the executor calls: rolls up one day, unless somebody else is at it, or this database is younger than a day and nobody has called as_roll_up; false = there is no more for now.';

CREATE FUNCTION agent_studio_private.roll_up_all() RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	days integer := 0;
BEGIN
	IF current_setting('transaction_isolation') <> 'read committed' THEN
		RAISE EXCEPTION 'daily totals cannot be rolled up in a transaction that is %', upper(current_setting('transaction_isolation'))
			USING ERRCODE = 'object_not_in_prerequisite_state',
				  DETAIL = 'It would not see what was committed meanwhile.', HINT = 'Call it in a transaction that is READ COMMITTED.';
	END IF;
	PERFORM agent_studio_private.mend_time_ranges('agent_studio.attempts_times');
	LOCK TABLE agent_studio.closed_days IN SHARE ROW EXCLUSIVE MODE;
	WHILE agent_studio_private.roll_up_next() LOOP
		days := days + 1;
	END LOOP;
	RETURN days;
END
$$;
COMMENT ON FUNCTION agent_studio_private.roll_up_all() IS
'Rolls up every day that can be, and returns how many.';

CREATE FUNCTION agent_studio_private.freeze_days(before date) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM agent_studio_private.roll_up_all();
	UPDATE agent_studio.closed_days c SET frozen = true
	WHERE c.day < before AND c.until = (c.day + 1)::timestamp AT TIME ZONE 'UTC' AND NOT c.frozen;
END
$$;
COMMENT ON FUNCTION agent_studio_private.freeze_days(date) IS
'Rolls up, and keeps the totals of the days before that one as they then are: for whoever is about to delete executions that came to rest on them.';

CREATE FUNCTION agent_studio_private.as_roll_up(actor text, again_from date) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT agent_studio_private.has_role(actor, 'agent_studio_admin') THEN
		RAISE EXCEPTION 'role "%" may not roll up daily totals', actor
			USING ERRCODE = 'insufficient_privilege', HINT = 'Members of agent_studio_admin may; the executor does it by itself every agent_studio.roll_up_interval.';
	END IF;
	IF again_from IS NOT NULL THEN
		-- Also days that nobody has closed, because they had nothing before something was loaded.
		INSERT INTO agent_studio.stale_days (day)
		SELECT d.day
		FROM (SELECT c.day FROM agent_studio.closed_days c
			  UNION SELECT (e.finished_at AT TIME ZONE 'UTC')::date FROM agent_studio.executions e WHERE e.finished_at IS NOT NULL
			  UNION SELECT (a.finished_at AT TIME ZONE 'UTC')::date FROM agent_studio.attempts a) d
		WHERE d.day >= again_from AND d.day <= (SELECT l.day FROM agent_studio_private.last_closed_day l)
		  AND NOT EXISTS (SELECT FROM agent_studio.closed_days f WHERE f.day = d.day AND f.frozen);
	END IF;
	RETURN agent_studio_private.roll_up_all();
END
$$;

CREATE FUNCTION agent_studio.as_roll_up(again_from date DEFAULT NULL) RETURNS integer
AS 'MODULE_PATHNAME', 'agent_studio_gate' LANGUAGE C;
COMMENT ON FUNCTION agent_studio.as_roll_up(date) IS
'Brings daily_totals and daily_spending up to date now: every day (UTC), to the last full hour that ended more than ten minutes ago, and those that have changed since; also all from again_from on, after rows were loaded or changed by hand (NULL = none; frozen days stay as they are). Returns how many days were counted, or some hours of them. The executor does this by itself when it is idle. Raises 42501 unless the caller is a member of agent_studio_admin, 55000 in a REPEATABLE READ or SERIALIZABLE transaction.';
