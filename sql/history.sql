-- The history: which executions the filters let pass, and what the same rows add up to.
-- No executor runs: the rows are written by hand.
SELECT tests.reset();
\pset null (null)
SET timezone = 'UTC';

-- 156 runs of workflows within 30 days, 143 of them completed; tasks, tests, older ones, and what is under way.
SET ROLE regress_alice;
SELECT as_create_agent('scribe', 'scribe', 'mock', visibility => 'shared');
SELECT as_create_workflow('feature', 'sequential', '{"steps": [{"name": "design", "agent": "worker", "task": "Design."}, {"name": "build", "agent": "worker", "task": "Build.", "on_failure": "fallback", "fallback": "rescue"}, {"name": "rescue", "agent": "worker", "task": "Rescue."}]}', 'Feature Development', visibility => 'shared');
RESET ROLE;
INSERT INTO executions (kind, workflow, workflow_version_id, task, inputs, status, owner, priority, max_retries, submitted_at, started_at, finished_at, attempts,
	input_tokens, output_tokens, input_cost_usd, output_cost_usd, error_class, error_message)
SELECT 'workflow', 'feature', 1, 'Feature Development', '{}', CASE WHEN i <= 143 THEN 'completed' WHEN i <= 152 THEN 'failed' WHEN i <= 155 THEN 'canceled' ELSE 'requires_manual_review' END,
	CASE i % 2 WHEN 0 THEN 'regress_alice' ELSE 'regress_bob' END, 'normal', 3, t, t + interval '1 second', t + interval '1 second' * (1 + i), 2, 1000, 2000, 0.01 * (i % 10), 0.1,
	CASE WHEN i BETWEEN 144 AND 152 THEN 'timeout' END, CASE WHEN i BETWEEN 144 AND 152 THEN E'took\n\x1b[2Jtoo long' END
FROM generate_series(1, 156) i, LATERAL (SELECT now() - interval '1 hour' * (i % 29) - interval '1 day' * (i % 29) AS t) t;
INSERT INTO steps (execution_id, step_no, name, plan_step, state, queued_at, owner, attempt_no)
SELECT e.execution_id, p.n, p.name, p.n, CASE WHEN e.status = 'completed' AND p.n < 3 OR p.n = 1 THEN 'completed' ELSE 'pending' END, NULL, e.owner, 1
FROM executions e, (VALUES (1, 'design'), (2, 'build'), (3, 'rescue')) p (n, name);
INSERT INTO attempts (execution_id, step_no, attempt_no, outcome, epoch, model_id, sent_at, finished_at, possibly_billed, owner)
SELECT 144, n / 10, n % 10, 'failed', 1, 1, now(), now(), false, 'regress_alice' FROM unnest('{11,12,13,21,22}'::int[]) n;
INSERT INTO executions (agent, task, status, owner, team, priority, timeout_seconds, max_retries, output_format, submitted_at, started_at, finished_at, attempts, output_tokens, output_cost_usd, is_test)
SELECT a, t, s, o, team, 'high', 60, 3, 'markdown', now() - age, now() - age, CASE WHEN s <> ALL ('{queued,running,paused,waiting_approval}') THEN now() - age + took END, n, 7, cost, test
FROM (VALUES ('worker', E'Design\ta \u202equeue\nWell.', 'completed', 'regress_alice', 'regress_team', interval '2 hours', interval '59.999 seconds', 1, 0.05, false),
	('scribe', 'Write of Größe', 'completed', 'regress_bob', NULL, '3 hours', '60 seconds', 1, NULL, false),
	('scribe', 'Write more', 'failed', 'regress_bob', NULL, '4 hours', '120 seconds', 1, 0.5, false),
	('worker', 'Under way', 'running', 'regress_alice', NULL, '5 minutes', NULL, 0, NULL, false),
	('worker', 'Stopped', 'paused', 'regress_alice', NULL, '6 minutes', NULL, 0, NULL, false),
	('worker', 'Asking', 'waiting_approval', 'regress_alice', NULL, '7 minutes', NULL, 0, NULL, false),
	('worker', 'A test', 'completed', 'regress_alice', NULL, '1 minute', '1 second', 1, 9, true),
	('worker', 'Long ago', 'completed', 'regress_alice', NULL, '31 days', '120.001 seconds', 1, 9, false)) v (a, t, s, o, team, age, took, n, cost, test);

-- The guide's: 156, and 91.7 %.
SELECT executions, completed, failed, canceled, requires_manual_review, under_way, success_rate_percent, cost_usd, average_cost_usd, cost_not_known FROM as_history_totals(kind => 'workflow');
SELECT total_seconds, total_time, average_seconds, input_tokens, output_tokens, total_tokens FROM as_history_totals(kind => 'workflow');
SELECT count(*), round(100.0 * count(*) FILTER (WHERE status = 'completed') / count(*), 1), sum(cost_usd), sum(duration_seconds), sum(total_tokens) FROM workflow_history;

-- One row, as plain columns in one line each.
SELECT kind, agent, workflow, title, status, owner, team, priority, duration_seconds, attempts, retries, input_tokens, output_tokens, total_tokens, cost_usd, error_class, error_message, is_test
FROM execution_history WHERE execution_id = 157;
SELECT workflow, version, title, status, steps_completed, steps_total, attempts, retries, cost_usd, error_class, error_message FROM workflow_history WHERE execution_id IN (2, 144) ORDER BY 1, execution_id;

-- The newest first; the last 30 days.
SELECT execution_id, title, status FROM as_history(max_rows => 8);
SELECT bool_and(submitted_at >= now() - interval '30 days') AND NOT bool_or(is_test) AS fine, count(*) FROM as_history();
SELECT (SELECT array_agg(h.execution_id) FROM as_history(max_rows => NULL) h)
	= (SELECT array_agg(e.execution_id ORDER BY e.submitted_at DESC, e.execution_id DESC) FROM executions e WHERE NOT e.is_test AND e.submitted_at >= now() - interval '30 days') AS in_order;

-- Each filter changes rows and totals alike.
CREATE FUNCTION tests.filtered(VARIADIC filters text[]) RETURNS TABLE (filter text, n bigint, alike boolean, tasks text)
LANGUAGE plpgsql AS $$
BEGIN
	FOREACH filter IN ARRAY filters LOOP
		EXECUTE format('SELECT h.n, (h.n, h.done, h.cost, h.seconds, h.tokens) IS NOT DISTINCT FROM (t.executions, t.completed, t.cost_usd, t.total_seconds, t.total_tokens), h.tasks
			FROM (SELECT count(*) AS n, count(*) FILTER (WHERE x.status = ''completed'') AS done, sum(x.cost_usd) AS cost, sum(x.duration_seconds) AS seconds,
					sum(x.total_tokens)::bigint AS tokens, string_agg(x.title, '', '' ORDER BY x.execution_id) FILTER (WHERE x.kind = ''task'') AS tasks
				FROM agent_studio.as_history(%s) x) h, agent_studio.as_history_totals(%1$s) t', filter) INTO n, alike, tasks;
		RETURN NEXT;
	END LOOP;
END
$$;
GRANT EXECUTE ON FUNCTION tests.filtered TO PUBLIC;
SELECT * FROM tests.filtered($$$$, $$status => '{completed}'$$, $$status => '{failed,canceled}'$$, $$status => '{paused}'$$, $$status => '{waiting_approval}'$$, $$status => '{}'$$,
	$$status => '{running}'$$, $$agent => 'scribe'$$, $$agent => 'nobody'$$, $$workflow => 'feature'$$, $$owner => 'regress_bob'$$, $$owner => 'regress_bob', kind => 'task'$$,
	$$since => '-infinity'$$, $$since => now() - interval '5 hours', kind => 'task'$$, $$since => NULL, until => now() - interval '30 days'$$, $$until => now() - interval '2 days'$$,
	$$min_cost => 0.5$$, $$max_cost => 0.1$$, $$min_cost => 0.1, max_cost => 0.5, kind => 'task'$$, $$min_cost => 0, kind => 'task'$$,
	$$duration => 'fast', kind => 'task'$$, $$duration => 'medium', kind => 'task'$$, $$duration => 'slow', kind => 'task', since => '-infinity'$$, $$duration => 'fast'$$, $$duration => 'slow'$$,
	$$agent_type => 'scribe'$$, $$agent_type => 'none'$$, $$search => 'GRÖSSE'$$, $$search => 'größe'$$, $$search => 'TOO LONG'$$, $$search => 'Featur', status => '{failed}'$$, $$search => '%'$$,
	$$kind => 'task'$$, $$include_tests => true, kind => 'task'$$, $$status => NULL, agent => NULL, since => NULL, include_tests => true$$);

-- However many are asked for, and whether the last few days have as many or not: they are the newest.
CREATE FUNCTION tests.newest(VARIADIC filters text[]) RETURNS TABLE (filter text, rows_in_all bigint, always_the_newest boolean)
LANGUAGE plpgsql AS $$
DECLARE
	ids bigint[];
	got bigint[];
BEGIN
	FOREACH filter IN ARRAY filters LOOP
		EXECUTE format('SELECT coalesce(array_agg(h.execution_id), ''{}'') FROM agent_studio.as_history(%s, max_rows => NULL) h', filter) INTO ids;
		rows_in_all := cardinality(ids);
		always_the_newest := true;
		FOR n IN 1 .. rows_in_all + 1 LOOP
			EXECUTE format('SELECT coalesce(array_agg(h.execution_id), ''{}'') FROM agent_studio.as_history(%s, max_rows => %s) h', filter, n) INTO got;
			always_the_newest := always_the_newest AND got = ids[:n];
		END LOOP;
		RETURN NEXT;
	END LOOP;
END
$$;
SELECT * FROM tests.newest($$search => 'worker'$$, $$search => 'feature'$$, $$search => 'feature', since => '-infinity'$$, $$search => 'feature', since => NULL, until => 'infinity'$$,
	$$search => 'feature', until => now() - interval '10 days'$$, $$min_cost => 0.1, since => NULL$$, $$search => 'feature', since => 'infinity'$$, $$search => 'e', since => '-infinity', until => '-infinity'$$,
	$$search => 'e', since => NULL, until => '4714-11-25 00:00:00 BC'$$, $$since => '4714-11-25 00:00:00 BC', until => '4714-11-25 00:00:00 BC'$$, $$search => 'feature', since => '4714-11-25 00:00:00 BC'$$);

-- What is misspelt or empty is told.
\pset format unaligned
\pset tuples_only on
SELECT * FROM tests.try($$SELECT as_history('{complete}')$$, $$SELECT as_history_totals('{failed,success}')$$, $$SELECT as_history('{NULL}')$$, $$SELECT as_history(duration => 'quick')$$, $$SELECT as_history_totals(duration => 'Fast')$$,
	$$SELECT as_history(kind => 'tasks')$$, $$SELECT as_history(since => '2026-02-01', until => '2026-01-01')$$, $$SELECT as_history_totals(min_cost => 2, max_cost => 1)$$, $$SELECT as_history(max_rows => 0)$$);

-- A reader has the rows that he may see, and their totals; a monitor all.
SET ROLE regress_carol;
SELECT count(*) FROM execution_history;
SELECT * FROM tests.filtered('');
SET ROLE regress_bob;
SELECT * FROM tests.filtered('', 'owner => ''regress_alice''');
SELECT count(*), count(version) FROM workflow_history;
SET ROLE regress_mona;
SELECT * FROM tests.filtered('kind => ''workflow''');
SET ROLE regress_nobody;
SELECT * FROM tests.try('SELECT FROM execution_history', 'SELECT as_history()');
RESET ROLE;

-- What is searched for is a part of the texts with a blank between them, as lower() folds them; no pattern.
SELECT w.search, agent_studio_private.mentions(w.search, 'scribe', NULL, t.task, 'TOO Long') AS mentioned,
	   agent_studio_private.mentions(w.search, 'scribe', NULL, t.task, 'TOO Long') = (strpos(lower(concat_ws(' ', 'scribe', NULL, t.task, 'TOO Long')), lower(w.search)) > 0) AS as_lower
FROM (VALUES (1, E'Write 100 %, C:\\under_way[@`{'), (2, E'Write \u00c9tude \u212aelvin')) t (n, task),
	 unnest(ARRAY['', 'sCRIBE wRITE', '  ', '%', '1% ', 'r_w', 'R.W', E':\\', E'\\\\', '[@`{', '{@`[', E'\u00e9TUDE', 'KELVIN', 'Long', 'Long ', 'z', NULL]) WITH ORDINALITY w (search, n) ORDER BY t.n, w.n;
SELECT agent_studio_private.mentions('x', NULL, NULL, NULL, NULL), agent_studio_private.mentions('', NULL, NULL, NULL, NULL);

-- All that ever was, for the greater part from the daily totals: the same figures, whoever asks, whatever has changed since.
CREATE FUNCTION tests.ever() RETURNS TABLE (who text, filter text, n bigint, alike boolean) LANGUAGE plpgsql AS $$
BEGIN
	FOREACH who IN ARRAY '{regress_alice,regress_bob,regress_carol,regress_mona}'::text[] LOOP
		EXECUTE format('SET LOCAL ROLE %I', who);
		FOREACH filter IN ARRAY ARRAY['', 'status => ''{failed,paused}''', 'agent => ''scribe''', 'workflow => ''feature''', 'owner => ''regress_bob''', 'kind => ''task'''] LOOP
			-- With an end, or tests, all rows are counted.
			EXECUTE format('SELECT x.executions, x = y FROM agent_studio.as_history_totals(since => ''-infinity'', %s) x, agent_studio.as_history_totals(since => NULL, until => ''infinity'', %1$s) y',
				coalesce(nullif(filter, ''), 'kind => NULL')) INTO n, alike;
			RETURN NEXT;
		END LOOP;
		RESET ROLE;
	END LOOP;
END
$$;
CREATE FUNCTION tests.failed() RETURNS bigint LANGUAGE sql RETURN (SELECT t.failed FROM agent_studio.as_history_totals(since => '-infinity') t);
CREATE TEMP TABLE ever AS SELECT * FROM tests.ever();
SELECT * FROM ever;
SELECT as_roll_up() > 25 AS rolled_up;
(TABLE ever EXCEPT SELECT * FROM tests.ever()) UNION ALL (SELECT * FROM tests.ever() EXCEPT TABLE ever);
-- The daily totals were asked: there are more, if they are larger.
BEGIN;
UPDATE daily_totals SET executions = executions * 2, priced = priced * 2 WHERE status = 'failed';
SELECT tests.failed() > 10 AS more;
-- Not where something may have been purged, or has changed.
UPDATE closed_days SET frozen = true;
SELECT tests.failed() AS failed;
UPDATE closed_days SET frozen = false;
UPDATE executions SET attempts = attempts + 1 WHERE status = 'failed';
SELECT tests.failed() AS failed;
ROLLBACK;
UPDATE executions SET status = 'running', finished_at = NULL WHERE execution_id = 144;
SELECT tests.failed() AS failed, bool_and(e.alike) AS alike FROM tests.ever() e;
SELECT as_roll_up() > 0 AS rolled_up;
SELECT tests.failed() AS failed, bool_and(e.alike) AS alike FROM tests.ever() e;

-- As CSV, every row of it a line.
SET client_min_messages = notice;
\copy (SELECT execution_id, workflow, status, owner, cost_usd, error_message FROM as_history(status => '{failed}', workflow => 'feature', max_rows => 2)) TO STDOUT WITH (FORMAT csv, HEADER)
-- Many rows: a notice says that there may be more; nobody is told so who asked for fewer.
INSERT INTO executions (agent, task, owner, priority, timeout_seconds, max_retries, output_format) SELECT 'worker', 'Many', 'regress_carol', 'low', 60, 3, 'json' FROM generate_series(1, 1100);
SELECT count(*) FROM as_history();
SELECT count(*) FROM as_history(max_rows => 999);
SELECT count(*) FROM as_history(max_rows => NULL);
-- An index leads to the newest, and to those of the last days.
ANALYZE executions;
BEGIN;
SET LOCAL enable_seqscan = off;
CREATE FUNCTION tests.uses(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
	plan text := '';
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS off) ' || query LOOP
		plan := plan || line || E'\n';
	END LOOP;
	RETURN substring(plan FROM 'Index[^\n]* Scan[^\n]*executions_\w+');
END
$$;
SELECT tests.uses($$SELECT c.execution_id FROM agent_studio_private.chosen_executions(NULL, NULL, NULL, NULL, now() - interval '30 days', NULL, NULL, NULL, NULL, NULL, NULL, NULL, false) c
	ORDER BY c.submitted_at DESC, c.execution_id DESC LIMIT 10$$);
ROLLBACK;
-- Nothing at all.
SELECT tests.reset();
SELECT count(*) FROM as_history();
SELECT * FROM as_history_totals();
