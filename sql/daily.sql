-- Daily totals: whatever finishes, is taken up again and rolled up in whatever order,
-- closed days and the rest come to what the executions themselves come to.
SELECT tests.reset();
SET timezone = 'Pacific/Auckland';		-- days are UTC whatever the session thinks

-- ---------- the truth, told from the base tables alone ----------

CREATE VIEW tests.true_totals AS
SELECT (e.finished_at AT TIME ZONE 'UTC')::date AS day, e.kind, e.workflow, e.agent, e.owner, e.team, e.status, e.error_class,
	count(*) AS executions, count(e.started_at) AS timed, sum(extract(epoch FROM e.finished_at - e.started_at)) AS duration_seconds,
	count(*) FILTER (WHERE extract(epoch FROM e.finished_at - e.started_at) < 60) AS fast,
	count(*) FILTER (WHERE extract(epoch FROM e.finished_at - e.started_at) > 120) AS slow,
	sum(e.attempts) AS attempts, sum(e.input_tokens) AS input_tokens, sum(e.output_tokens) AS output_tokens,
	sum(CASE WHEN e.input_cost_usd IS NOT NULL AND e.output_cost_usd IS NOT NULL THEN e.input_cost_usd + e.output_cost_usd END) AS cost,
	sum(CASE WHEN e.attempts > 0 AND e.input_cost_usd IS NOT NULL AND e.output_cost_usd IS NOT NULL THEN 1 ELSE 0 END) AS with_cost,
	sum(CASE WHEN e.attempts > 0 AND (e.input_cost_usd IS NULL OR e.output_cost_usd IS NULL) THEN 1 ELSE 0 END) AS without_cost
FROM executions e WHERE e.finished_at IS NOT NULL AND NOT e.is_test GROUP BY 1, 2, 3, 4, 5, 6, 7, 8;
CREATE VIEW tests.told_totals AS
SELECT t.day, t.kind, t.workflow, t.agent, t.owner, t.team, t.status, t.error_class, sum(t.executions) AS executions, sum(t.timed) AS timed,
	sum(t.duration_seconds) AS duration_seconds, sum(t.fast) AS fast, sum(t.slow) AS slow, sum(t.attempts) AS attempts,
	sum(t.input_tokens) AS input_tokens, sum(t.output_tokens) AS output_tokens, sum(t.input_cost_usd + t.output_cost_usd) AS cost,
	sum(t.with_cost) AS with_cost,
	sum(t.without_cost) AS without_cost
FROM agent_studio_private.totals t GROUP BY 1, 2, 3, 4, 5, 6, 7, 8;
CREATE VIEW tests.true_spending AS
SELECT (a.finished_at AT TIME ZONE 'UTC')::date AS day, e.workflow, a.owner, e.is_test, a.outcome, a.error_class, count(*) AS attempts,
	count(*) FILTER (WHERE a.attempt_no > 1) AS retries, sum(a.output_tokens) AS output_tokens,
	sum(a.input_cost_usd + a.output_cost_usd) AS cost
FROM attempts a JOIN executions e USING (execution_id) GROUP BY 1, 2, 3, 4, 5, 6;
CREATE VIEW tests.told_spending AS
SELECT s.day, s.workflow, s.owner, s.is_test, s.outcome, s.error_class, sum(s.attempts) AS attempts, sum(s.retries) AS retries,
	sum(s.output_tokens) AS output_tokens, sum(s.input_cost_usd + s.output_cost_usd) AS cost
FROM agent_studio_private.spending s GROUP BY 1, 2, 3, 4, 5, 6;
-- And what each owner's came to.
CREATE VIEW tests.true_owner_totals AS
SELECT (e.finished_at AT TIME ZONE 'UTC')::date AS day, s.subject, s.name, e.owner, e.team, e.status, count(*) AS executions, count(e.started_at) AS timed,
	sum(extract(epoch FROM e.finished_at - e.started_at)) AS duration_seconds,
	count(*) FILTER (WHERE extract(epoch FROM e.finished_at - e.started_at) < 60) AS fast,
	count(*) FILTER (WHERE extract(epoch FROM e.finished_at - e.started_at) BETWEEN 60 AND 120) AS medium,
	count(*) FILTER (WHERE extract(epoch FROM e.finished_at - e.started_at) > 120) AS slow,
	sum(CASE WHEN e.output_cost_usd IS NOT NULL THEN e.input_cost_usd END) AS input_cost,
	sum(CASE WHEN e.input_cost_usd IS NOT NULL THEN e.output_cost_usd END) AS output_cost,
	sum(CASE WHEN e.attempts > 0 AND e.input_cost_usd IS NOT NULL AND e.output_cost_usd IS NOT NULL THEN 1 ELSE 0 END) AS with_cost,
	sum(CASE WHEN e.attempts > 0 AND (e.input_cost_usd IS NULL OR e.output_cost_usd IS NULL) THEN 1 ELSE 0 END) AS without_cost
FROM (SELECT 'kind' AS subject, x.kind AS name, x.* FROM executions x
	UNION ALL SELECT 'workflow', x.workflow, x.* FROM executions x WHERE x.workflow IS NOT NULL
	UNION ALL SELECT 'error', x.error_class, x.* FROM executions x WHERE x.error_class IS NOT NULL) s
JOIN executions e USING (execution_id) WHERE e.finished_at IS NOT NULL AND NOT e.is_test GROUP BY 1, 2, 3, 4, 5, 6;
CREATE VIEW tests.told_owner_totals AS
SELECT t.day, t.subject, t.name, t.owner, t.team, t.status, sum(t.executions) AS executions, sum(t.timed) AS timed,
	sum(t.duration_seconds) AS duration_seconds, sum(t.fast) AS fast, sum(t.medium) AS medium, sum(t.slow) AS slow,
	sum(t.input_cost_usd) AS input_cost, sum(t.output_cost_usd) AS output_cost, sum(t.with_cost) AS with_cost, sum(t.without_cost) AS without_cost
FROM agent_studio_private.owner_totals t GROUP BY 1, 2, 3, 4, 5, 6;
CREATE VIEW tests.true_owner_spending AS
SELECT (a.finished_at AT TIME ZONE 'UTC')::date AS day, a.owner, a.team, count(*) AS attempts, sum(a.input_tokens) AS input_tokens,
	sum(a.cached_input_tokens) AS cached_input_tokens, sum(a.output_tokens) AS output_tokens, sum(a.reasoning_tokens) AS reasoning_tokens,
	sum(CASE WHEN a.output_cost_usd IS NOT NULL THEN a.input_cost_usd END) AS input_cost,
	sum(CASE WHEN a.input_cost_usd IS NOT NULL THEN a.output_cost_usd END) AS output_cost,
	sum(CASE WHEN a.possibly_billed AND (a.input_cost_usd IS NULL OR a.output_cost_usd IS NULL) THEN 1 ELSE 0 END) AS without_cost
FROM attempts a JOIN executions e USING (execution_id) WHERE NOT e.is_test GROUP BY 1, 2, 3;
CREATE VIEW tests.told_owner_spending AS
SELECT s.day, s.owner, s.team, sum(s.attempts) AS attempts, sum(s.input_tokens) AS input_tokens, sum(s.cached_input_tokens) AS cached_input_tokens,
	sum(s.output_tokens) AS output_tokens, sum(s.reasoning_tokens) AS reasoning_tokens,
	sum(s.input_cost_usd) AS input_cost, sum(s.output_cost_usd) AS output_cost, sum(s.without_cost) AS without_cost
FROM agent_studio_private.owner_spending s GROUP BY 1, 2, 3;
CREATE FUNCTION tests.differences() RETURNS bigint LANGUAGE sql AS $$
	SELECT (SELECT count(*) FROM ((TABLE tests.true_totals EXCEPT TABLE tests.told_totals) UNION ALL (TABLE tests.told_totals EXCEPT TABLE tests.true_totals)) d)
		+ (SELECT count(*) FROM ((TABLE tests.true_spending EXCEPT TABLE tests.told_spending) UNION ALL (TABLE tests.told_spending EXCEPT TABLE tests.true_spending)) d)
		+ (SELECT count(*) FROM ((TABLE tests.true_owner_totals EXCEPT TABLE tests.told_owner_totals) UNION ALL (TABLE tests.told_owner_totals EXCEPT TABLE tests.true_owner_totals)) d)
		+ (SELECT count(*) FROM ((TABLE tests.true_owner_spending EXCEPT TABLE tests.told_owner_spending) UNION ALL (TABLE tests.told_owner_spending EXCEPT TABLE tests.true_owner_spending)) d)
$$;
SELECT tests.differences();

-- ---------- two hundred turns of chance ----------

-- What time it is, and how long ago most things end.
CREATE TABLE tests.clock (at timestamptz NOT NULL, past interval NOT NULL, turn interval NOT NULL);
INSERT INTO tests.clock VALUES (now(), '10 days', '0');
CREATE PROCEDURE tests.take_turns(turns integer) LANGUAGE plpgsql AS $$
DECLARE
	id bigint;
	chance float8;
	at timestamptz;
	usage bigint;
BEGIN
	PERFORM setseed(0.42);
	FOR turn IN 1 .. turns LOOP
		chance := random();
		at := (SELECT c.at - random() * c.past FROM tests.clock c);
		id := NULL;
		usage := CASE WHEN random() < 0.8 THEN (random() * 1000)::int END;
		IF chance < 0.45 THEN			-- something is submitted, and perhaps ends
			INSERT INTO executions (status, agent, task, priority, timeout_seconds, max_retries, output_format, owner,
				team, submitted_at, started_at, is_test)
			VALUES ('running', 'worker', 'x', 'normal', 60, 3, 'markdown', (ARRAY['ann', 'bob', 'cid'])[1 + turn % 3],
				(ARRAY['red', 'blue', NULL])[1 + turn % 3], at - interval '5 minutes',
				CASE WHEN random() < 0.9 THEN at - random() * interval '4 minutes' END, random() < 0.1)
			RETURNING execution_id INTO id;
		ELSIF chance < 0.8 THEN			-- one is taken up again, or comes to rest, whichever it was
			SELECT e.execution_id INTO id FROM executions e WHERE e.agent = 'worker' ORDER BY random() LIMIT 1;
			IF random() < 0.4 THEN
				UPDATE executions e SET status = 'running', finished_at = NULL, error_class = NULL WHERE e.execution_id = id;
				id := NULL;
			END IF;
		ELSIF chance < 0.9 THEN
			PERFORM as_roll_up();
		ELSE
			PERFORM agent_studio_private.roll_up_next();
		END IF;
		-- Some end before a model was asked for anything, among others that failed likewise.
		IF turn % 8 = 4 THEN
			UPDATE executions e SET status = 'failed', finished_at = at, error_class = 'timeout' WHERE e.execution_id = id;
		ELSIF id IS NOT NULL THEN
			INSERT INTO attempts (execution_id, step_no, attempt_no, outcome, epoch, model_id, sent_at, finished_at,
				output_tokens, input_cost_usd, output_cost_usd, possibly_billed, owner, team, is_test)
			SELECT id, 1, 1 + (SELECT count(*) FROM attempts a WHERE a.execution_id = id), 'completed', 1, 1,
				at - interval '1 minute', at, usage, usage * 0.000002, usage * 0.000008, true, e.owner, e.team, e.is_test
			FROM executions e WHERE e.execution_id = id;
			INSERT INTO stale_days (day, at) SELECT (at AT TIME ZONE 'UTC')::date, at;	-- as write_results does
			UPDATE executions e SET status = CASE WHEN turn % 4 = 0 THEN 'failed' ELSE 'completed' END, finished_at = at,
				attempts = e.attempts + 1, error_class = CASE WHEN turn % 4 = 0 THEN 'timeout' END,
				output_tokens = coalesce(e.output_tokens + usage, e.output_tokens, usage), input_tokens = 10,
				input_cost_usd = coalesce(e.input_cost_usd + usage * 0.000002, e.input_cost_usd, usage * 0.000002),
				output_cost_usd = coalesce(e.output_cost_usd + usage * 0.000008, e.output_cost_usd, usage * 0.000008)
			WHERE e.execution_id = id;
		END IF;
		IF tests.differences() <> 0 THEN
			RAISE EXCEPTION 'after turn % (%) totals differ', turn, chance;
		END IF;
		UPDATE tests.clock c SET at = c.at + random() * c.turn;
	END LOOP;
END
$$;
CALL tests.take_turns(200);

-- Once more, of other days, on which the hours go by: days are closed one part after the other.
BEGIN;
SELECT replace(pg_get_functiondef('agent_studio_private.next_hours_to_close'::regproc), 'now()', '(SELECT t.at FROM tests.clock t)') AS by_this_clock \gset
:by_this_clock;
TRUNCATE executions, attempts, closed_days, stale_days, daily_totals, daily_spending, daily_owner_totals, daily_owner_spending CASCADE;
CREATE TABLE tests.parts (day date, added integer, rows_before bigint, was_stale boolean, in_time boolean);
CREATE FUNCTION tests.note_part() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO tests.parts SELECT new.day, extract(epoch FROM new.until - old.until) / 3600,
		(SELECT count(*) FROM agent_studio.daily_totals t WHERE t.day = new.day), EXISTS (SELECT FROM agent_studio_private.days_to_count d WHERE d.day = new.day),
		new.until <= t.at - interval '10 minutes' AND (new.until > t.at - interval '71 minutes' OR new.until = (new.day + 1)::timestamp AT TIME ZONE 'UTC')
	FROM tests.clock t;
	RETURN new;
END
$$;
CREATE TRIGGER parts BEFORE INSERT OR UPDATE OF until ON closed_days FOR EACH ROW EXECUTE FUNCTION tests.note_part();
UPDATE tests.clock SET at = date_trunc('day', now(), 'UTC') - interval '25 days', past = '4 hours', turn = '3 hours';
CALL tests.take_turns(200);
SELECT count(*) FILTER (WHERE NOT p.was_stale AND p.rows_before > 0) > 5 AS added_to, count(*) FILTER (WHERE p.was_stale AND p.rows_before > 0) > 5 AS counted_anew,
	min(p.added) FILTER (WHERE NOT p.was_stale) > 0 AS by_hours, count(DISTINCT p.added) > 5 AS of_any_length, bool_and(p.in_time) AS in_time, count(*) > 40 AS many FROM tests.parts p;
SELECT count(*) > 10 AS days_closed, bool_and(c.counted_until = c.until AND c.until <= t.at - interval '10 minutes') AS hours_over,
	count(*) FILTER (WHERE c.until < (c.day + 1)::timestamp AT TIME ZONE 'UTC') <= 1 AS whole_but_the_last,
	max(c.day) - min(c.day) + 1 = count(*) AS without_a_gap FROM closed_days c CROSS JOIN tests.clock t GROUP BY t.at;
-- A day that is closed in part is not frozen.
SELECT agent_studio_private.freeze_days((SELECT max(c.day) + 1 FROM closed_days c));
SELECT count(*) > 10 AS frozen, bool_and(c.until = (c.day + 1)::timestamp AT TIME ZONE 'UTC') AS whole,
	(SELECT count(*) FROM closed_days x WHERE NOT x.frozen) AS in_part FROM closed_days c WHERE c.frozen;
-- A BI tool has one row of each, of a day that is closed in part as well.
UPDATE tests.clock SET at = date_trunc('day', at, 'UTC') + interval '2 days 12 hours 30 minutes';
INSERT INTO executions (status, agent, task, priority, timeout_seconds, max_retries, output_format, owner, submitted_at, started_at, finished_at, is_test)
SELECT 'completed', 'worker', 'x', 'normal', 60, 3, 'markdown', 'ann', e.at, e.at, e.at, false
FROM (SELECT unnest(ARRAY[t.at - interval '5 hours', t.at - interval '5 minutes']) AS at FROM tests.clock t) e;
INSERT INTO attempts (execution_id, step_no, attempt_no, outcome, epoch, model_id, sent_at, finished_at, possibly_billed, owner, is_test)
SELECT e.execution_id, 1, 1, 'completed', 1, 1, e.finished_at, e.finished_at, true, e.owner, false
FROM executions e CROSS JOIN tests.clock t WHERE e.finished_at IN (t.at - interval '5 hours', t.at - interval '5 minutes');
SELECT as_roll_up() > 0 AS rolled_up, tests.differences() = 0 AS same;
SELECT (SELECT count(*) FROM agent_studio_private.totals x WHERE x.day = d.day) AS parts, (SELECT count(*) FROM agent_studio_private.spending x WHERE x.day = d.day) AS parts_spent,
	(SELECT array_agg(x.executions) FROM agent_studio_bi.execution_totals_daily x WHERE x.day = d.day) AS shown,
	(SELECT array_agg(x.attempts) FROM agent_studio_bi.attempt_totals_daily x WHERE x.day = d.day) AS shown_spent
FROM (SELECT (t.at AT TIME ZONE 'UTC')::date AS day FROM tests.clock t) d;
SELECT count(*) = count(DISTINCT (t.day, t.kind, t.workflow, t.agent, t.owner, t.team, t.status, t.error_class)) AS one_row_each,
	sum(t.executions) = (SELECT sum(e.executions) FROM tests.true_totals e) AS of_all FROM agent_studio_bi.execution_totals_daily t;
SELECT count(*) = count(DISTINCT (t.day, t.workflow, t.agent, t.model, t.owner, t.team, t.outcome, t.error_class)) AS one_row_each,
	sum(t.attempts) = (SELECT sum(e.attempts) FROM tests.true_spending e WHERE NOT e.is_test) AS of_all FROM agent_studio_bi.attempt_totals_daily t;
ROLLBACK;
SELECT count(*) > 5 AS days_closed, bool_and(c.until < now() - interval '10 minutes') AS hours_over,
	bool_and(c.until = (c.day + 1)::timestamp AT TIME ZONE 'UTC' OR c.day = (SELECT max(l.day) FROM closed_days l)) AS whole_but_the_last FROM closed_days c;
-- Everything is told from closed hours but the last ones.
BEGIN;
SELECT as_roll_up() >= 0 AS rolled_up;
SELECT tests.differences() = 0 AS same, (SELECT count(*) FROM agent_studio_private.days_to_count) AS stale;
-- Of each owner a row for each kind, workflow or error, and end.
SELECT count(*) > 0 AS some, count(*) = count(DISTINCT (t.day, t.subject, t.name, t.owner, t.team, t.status)) AS added_up,
	(SELECT count(*) FROM daily_owner_spending s) = (SELECT count(DISTINCT (s.day, s.owner, s.team)) FROM daily_spending s WHERE NOT s.is_test) AS spending_added_up
FROM daily_owner_totals t;
SELECT max(r.since) > now() - interval '75 minutes' AS open_is_new, count(*) AS ranges FROM agent_studio_private.open_ranges r;
SELECT as_roll_up() AS nothing_to_do;
COMMIT;

-- Spent since a day: closed days and the rest, tests and what is under way among it.
SELECT agent_studio_private.spent('-infinity') = sum(a.input_cost_usd + a.output_cost_usd) AS all_of_it,
	agent_studio_private.spent('-infinity', 'user', 'ann') = sum(a.input_cost_usd + a.output_cost_usd) FILTER (WHERE a.owner = 'ann') AS one_user,
	agent_studio_private.spent('-infinity', 'team', 'red') = sum(a.input_cost_usd + a.output_cost_usd) FILTER (WHERE a.team = 'red') AS one_team,
	agent_studio_private.spent((now() AT TIME ZONE 'UTC')::date - 3)
		= sum(a.input_cost_usd + a.output_cost_usd) FILTER (WHERE (a.finished_at AT TIME ZONE 'UTC')::date >= (now() AT TIME ZONE 'UTC')::date - 3) AS since,
	agent_studio_private.spent('-infinity', 'user', 'nobody') IS NULL AS nothing_known
FROM attempts a JOIN executions e USING (execution_id);

-- ---------- what marks a day, and what does not ----------

CREATE FUNCTION tests.marks_of(statement text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	before bigint := (SELECT count(*) FROM stale_days);
BEGIN
	EXECUTE statement;
	RETURN (SELECT count(*) FROM stale_days) - before;
END
$$;
INSERT INTO executions (status, agent, task, priority, timeout_seconds, max_retries, output_format, owner, started_at)
VALUES ('running', 'worker', 'x', 'normal', 60, 3, 'markdown', 'ann', now()) RETURNING execution_id AS id \gset
SELECT tests.marks_of('UPDATE executions SET attempts = 1 WHERE execution_id = ' || :id) AS under_way,
	tests.marks_of('UPDATE executions SET status = ''failed'', finished_at = now() WHERE execution_id = ' || :id) AS at_rest,
	tests.marks_of('UPDATE executions SET status = ''running'', finished_at = NULL WHERE execution_id = ' || :id) AS again,
	tests.marks_of('UPDATE executions SET status = ''failed'', finished_at = now() - interval ''2 days'' WHERE execution_id = ' || :id) AS late,
	tests.marks_of('UPDATE executions SET status = ''canceled'', finished_at = now() WHERE execution_id = ' || :id) AS moved,
	tests.marks_of('UPDATE executions SET status = ''running'', finished_at = NULL WHERE execution_id = ' || :id) AS once_more;
-- No hour is closed before ten minutes after its end; the half of that is left to whoever writes results.
SELECT tests.marks_of('UPDATE executions SET status = ''failed'', finished_at = clock_timestamp() - interval ''4 minutes 50 seconds'' WHERE execution_id = ' || :id) AS in_time;
SELECT tests.marks_of('UPDATE executions SET status = ''running'', finished_at = NULL WHERE execution_id = ' || :id) AS again,
	tests.marks_of('UPDATE executions SET status = ''failed'', finished_at = clock_timestamp() - interval ''5 minutes 1 second'' WHERE execution_id = ' || :id) AS late;

-- Rows that were loaded, of days before the first one that was closed.
BEGIN;
INSERT INTO executions (status, agent, task, priority, timeout_seconds, max_retries, output_format, owner, submitted_at, started_at, finished_at)
SELECT 'completed', 'worker', 'x', 'normal', 60, 3, 'markdown', 'ann', e.at, e.at, e.at FROM (SELECT now() - interval '60 days' AS at) e;
SELECT as_roll_up(current_date - 50) >= 0 AS rolled_up, tests.differences() > 0 AS not_yet;
SELECT as_roll_up(current_date - 70) > 0 AS rolled_up, tests.differences() = 0 AS same;
ROLLBACK;
-- What was lost with a dump is told late, if its transaction is.
BEGIN;
INSERT INTO executions (status, agent, task, priority, timeout_seconds, max_retries, output_format, owner, started_at)
VALUES ('running', 'worker', 'x', 'normal', 60, 3, 'markdown', 'regress_alice', now()) RETURNING execution_id AS lost \gset
INSERT INTO steps (execution_id, step_no, name, agent_version_id, state, attempt_no, model_id, owner, task)
SELECT :lost, 1, 'task', v.agent_version_id, 'running', 1, 1, 'regress_alice', 'x' FROM agent_versions v LIMIT 1;
SELECT tests.marks_of('SELECT as_release_restored()') AS marked;
SELECT count(*) FROM attempts a WHERE a.execution_id = :lost AND a.outcome = 'lost';
ROLLBACK;

-- ---------- frozen days ----------

SELECT agent_studio_private.freeze_days((now() AT TIME ZONE 'UTC')::date - 4);
CREATE TEMP TABLE frozen AS SELECT t.* FROM daily_totals t JOIN closed_days c USING (day) WHERE c.frozen;
DELETE FROM executions e USING closed_days c
WHERE e.agent = 'worker' AND c.frozen AND (e.finished_at AT TIME ZONE 'UTC')::date = c.day AND e.execution_id % 2 = 0;
UPDATE executions e SET status = 'running', finished_at = NULL FROM closed_days c
WHERE e.agent = 'worker' AND c.frozen AND (e.finished_at AT TIME ZONE 'UTC')::date = c.day;
SELECT count(*) > 0 AS marked FROM stale_days s JOIN closed_days c USING (day) WHERE c.frozen;
SELECT as_roll_up(again_from => '-infinity') > 0 AS rolled_up;
SELECT count(*) AS marks FROM stale_days s JOIN closed_days c USING (day) WHERE c.frozen;
SELECT count(*) > 0 AS some,
	(SELECT count(*) FROM (TABLE frozen EXCEPT SELECT t.* FROM daily_totals t) d) AS changed,
	sum(f.executions) = (SELECT sum(t.executions) FROM agent_studio_private.totals t JOIN closed_days c USING (day) WHERE c.frozen) AS told
FROM frozen f;

-- ---------- a clock that ran ahead ----------

BEGIN;
CREATE TEMP TABLE before AS SELECT sum(t.executions) AS executions FROM agent_studio_private.totals t;
CREATE TEMP VIEW last_day AS TABLE agent_studio_private.last_closed_day;
CREATE TEMP TABLE owners_before AS SELECT (SELECT sum(t.executions) FROM agent_studio_private.owner_totals t) AS executions,
	(SELECT sum(s.attempts) FROM agent_studio_private.owner_spending s) AS attempts;
CREATE TEMP TABLE spent_before AS SELECT sum(s.attempts) AS attempts FROM agent_studio_private.spending s;
INSERT INTO closed_days AS c (day, counted_until, until)
SELECT d.day, (d.day + 1)::timestamp AT TIME ZONE 'UTC', (d.day + 1)::timestamp AT TIME ZONE 'UTC'
FROM (SELECT (now() AT TIME ZONE 'UTC')::date + n AS day FROM generate_series(0, 3) n) d
ON CONFLICT (day) DO UPDATE SET counted_until = excluded.counted_until, until = excluded.until;
INSERT INTO stale_days (day) SELECT (now() AT TIME ZONE 'UTC')::date + n FROM generate_series(0, 3) n;
INSERT INTO daily_totals SELECT t.* FROM agent_studio_private.totals t WHERE t.day = (now() AT TIME ZONE 'UTC')::date;
INSERT INTO daily_owner_totals SELECT t.* FROM agent_studio_private.owner_totals t WHERE t.day = (now() AT TIME ZONE 'UTC')::date;
INSERT INTO daily_owner_spending SELECT s.* FROM agent_studio_private.owner_spending s WHERE s.day = (now() AT TIME ZONE 'UTC')::date;
UPDATE executions SET started_at = now(), finished_at = now() WHERE execution_id = :id;
SELECT (SELECT sum(t.executions) FROM agent_studio_private.totals t) = b.executions AS told,
	(SELECT sum(s.attempts) FROM agent_studio_private.spending s) = s.attempts AS spent,
	((SELECT sum(t.executions) FROM agent_studio_private.owner_totals t), (SELECT sum(s.attempts) FROM agent_studio_private.owner_spending s))
		= (SELECT o.executions, o.attempts FROM owners_before o) AS of_owners FROM before b, spent_before s;
SELECT as_roll_up() >= 0 AS rolled_up;
SELECT (SELECT sum(t.executions) FROM agent_studio_private.totals t) = b.executions AS told,
	(SELECT max(c.until) < now() FROM closed_days c) AS ended,
	((SELECT sum(t.executions) FROM agent_studio_private.owner_totals t), (SELECT sum(s.attempts) FROM agent_studio_private.owner_spending s))
		= (SELECT o.executions, o.attempts FROM owners_before o) AS of_owners,
	(SELECT count(*) FROM daily_owner_totals t, last_day l WHERE t.day > l.day) + (SELECT count(*) FROM daily_owner_spending s, last_day l WHERE s.day > l.day) AS of_days_to_come
FROM before b;
ROLLBACK;

-- ---------- who may, and when ----------

SET ROLE regress_alice;
SELECT * FROM tests.try('SELECT as_roll_up()');
SELECT count(*) AS of_others FROM daily_totals WHERE agent = 'worker';
SELECT count(*) AS of_others FROM agent_studio_private.visible_totals WHERE agent = 'worker';
SELECT count(*) AS of_others FROM agent_studio_private.visible_spending WHERE owner IN ('ann', 'bob', 'cid');
SELECT (SELECT count(*) FROM agent_studio_private.visible_owner_totals t WHERE t.owner IN ('ann', 'bob', 'cid')) AS of_others,
	(SELECT count(*) FROM agent_studio_private.visible_owner_spending s WHERE s.owner IN ('ann', 'bob', 'cid')) AS spent_by_others;
SET ROLE regress_mona;
SELECT (SELECT sum(t.executions) FROM agent_studio_private.visible_totals t) > 50 AS monitors_see, sum(s.attempts) > 50 AS all_of_it FROM agent_studio_private.visible_spending s;
SELECT (SELECT sum(t.executions) FROM agent_studio_private.visible_owner_totals t) > 50 AS monitors_see, sum(s.attempts) > 50 AS all_of_it FROM agent_studio_private.visible_owner_spending s;
RESET ROLE;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT * FROM tests.try('SELECT as_roll_up()', 'SELECT as_delete_history_batch(current_date - 1)');
ROLLBACK;
-- An executor that is new here leaves the past alone: it may be coming in from a dump.
BEGIN;
TRUNCATE closed_days, epochs;
INSERT INTO epochs (database_oid) SELECT d.oid FROM pg_database d WHERE d.datname = current_database();
SELECT agent_studio_private.roll_up_when_idle() AS too_young;
UPDATE epochs SET started_at = now() - interval '25 hours';
SELECT agent_studio_private.roll_up_when_idle() AS old_enough;
ROLLBACK;

DROP VIEW tests.true_totals, tests.told_totals, tests.true_spending, tests.told_spending,
	tests.true_owner_totals, tests.told_owner_totals, tests.true_owner_spending, tests.told_owner_spending;
DROP FUNCTION tests.differences, tests.marks_of;
DROP PROCEDURE tests.take_turns;
DROP TABLE tests.clock;
