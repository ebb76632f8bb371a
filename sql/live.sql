-- Looking on: usage, progress, notices, what runs, what has ended, and alerts. No
-- executor runs: the rows are written by hand, as it would write them.
SELECT tests.reset();
\pset null (null)
SET timezone = 'UTC';
CREATE ROLE regress_lead IN ROLE agent_studio_user;

-- An architect without history, whose model may give 1000 tokens.
SET ROLE regress_alice;
SELECT as_create_agent('arch', 'architect', 'mock', max_output_tokens => 1000, team => 'regress_team');
SELECT as_execute_task('arch', 'Design it.') AS id \gset
RESET ROLE;
UPDATE queue SET epoch = 1, attempt_no = 1, claimed_at = now() WHERE execution_id = :id;
UPDATE executions SET status = 'running', started_at = clock_timestamp() - interval '45 seconds' WHERE execution_id = :id;
UPDATE steps SET state = 'running', attempt_no = 1, started_at = clock_timestamp() - interval '45 seconds', sent_at = clock_timestamp() - interval '45 seconds' WHERE execution_id = :id;
SET ROLE regress_alice;
-- Nothing has streamed: nothing is known, and nothing made up.
SELECT * FROM as_progress(:id);
SELECT status, estimated_remaining, progress_percent FROM as_status(:id);
SELECT input_tokens, output_tokens, cost_usd, is_estimate, models, tokens_per_second, context_percent, output_limit_percent FROM as_usage(:id);
RESET ROLE;
-- It streams: a row for this attempt counts, one of an attempt before it does not.
INSERT INTO live_usage (execution_id, step_no, attempt_no, model_id, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, first_byte_at, first_token_at, seen_at, owner, team)
VALUES (:id, 1, 1, 1, 1250, 250, 289, 9, now(), now() - interval '10 seconds', now(), 'regress_alice', 'regress_team');
SET ROLE regress_alice;
\x on
SELECT * FROM as_usage(:id);
\x off
SELECT * FROM as_progress(:id);
SELECT estimated_remaining BETWEEN '00:00:20' AND '00:00:25' AS by_rate, progress_percent FROM as_status(:id);
SELECT step, state, cost_usd, tokens FROM as_workflow_status(:id);
RESET ROLE;
UPDATE live_usage SET attempt_no = 2;
SELECT output_tokens, is_estimate FROM as_usage(:id);
UPDATE live_usage SET attempt_no = 1;
UPDATE models SET context_window = 2000;
SELECT context_percent, output_limit_percent FROM as_usage(:id);

-- What the agent says of its phases counts, if it is more: the guide's screen.
INSERT INTO thoughts (execution_id, seq, step_no, attempt_no, at, elapsed_ms, source, content, owner)
SELECT :id, 10 + n, 1, 1, now(), n, source, content, 'regress_alice'
FROM (VALUES (1, 'reasoning', '**Analyzing options** before I decide'), (2, 'system', 'Phase 4: 99%')) v (n, source, content);
SELECT * FROM as_progress(:id);
INSERT INTO thoughts (execution_id, seq, step_no, attempt_no, at, elapsed_ms, source, content, owner) VALUES (:id, 20, 1, 1, now(), 1, 'progress', '- Phase 3: 75%', 'regress_alice');
SELECT * FROM as_progress(:id);
SELECT progress_percent FROM as_status(:id);
-- Not words of the kind, hostile ones, and those of another attempt.
INSERT INTO thoughts (execution_id, seq, step_no, attempt_no, at, elapsed_ms, source, content, owner)
SELECT :id, 20 + n, 1, attempt, now(), n, source, content, 'regress_alice'
FROM (VALUES (1, 'progress', 'Test coverage is 99%', 1), (2, 'reasoning', '99% sure', 1), (3, 'progress', 'Phase 5: 10%', 1), (4, 'progress', 'phase 99999999999', 1),
	(5, 'progress', 'Phase 0', 1), (6, 'progress', 'Phase 4', 2), (7, 'progress', E'\u202E\u001B[31mPhase 3: 999%', 1), (8, 'progress', repeat('Phase 4 ', 100000), 0)) v (n, source, content, attempt);
SELECT percent FROM as_progress(:id);
INSERT INTO thoughts (execution_id, seq, step_no, attempt_no, at, elapsed_ms, source, content, owner) VALUES (:id, 40, 1, 1, now(), 1, 'progress', '100%: done', 'regress_alice');
SELECT percent FROM as_progress(:id);

-- Its end: sums of the attempts, 100 only now.
UPDATE executions SET status = 'completed', started_at = '2026-03-01 12:00:00+00', finished_at = '2026-03-01 12:01:27+00', attempts = 1, input_tokens = 1250, output_tokens = 890,
	input_cost_usd = 0.0125, output_cost_usd = 0.0267 WHERE execution_id = :id;
UPDATE steps SET state = 'completed', finished_at = now(), started_at = '2026-03-01 12:00:00+00', sent_at = '2026-03-01 12:00:00+00' WHERE execution_id = :id;
DELETE FROM queue WHERE execution_id = :id;
INSERT INTO attempts (execution_id, step_no, attempt_no, outcome, epoch, agent_version_id, model_id, sent_at, first_byte_at, first_token_at, finished_at, input_tokens,
	cached_input_tokens, output_tokens, reasoning_tokens, input_cost_usd, output_cost_usd, possibly_billed, owner)
SELECT :id, 1, 1, 'completed', 1, s.agent_version_id, 1, '2026-03-01 12:00:00+00', '2026-03-01 12:00:27+00', '2026-03-01 12:00:27+00', '2026-03-01 12:01:27+00', 1250, 250, 890, 90, 0.0125, 0.0267, true,
	'regress_alice' FROM steps s WHERE s.execution_id = :id;
INSERT INTO notices (execution_id, step_no, at, severity, kind, message, owner) VALUES
	(:id, 1, '2026-03-01 12:01:00+00', 'warning', 'duration', 'Execution time exceeded 60 seconds - task still running', 'regress_alice'),
	(:id, 1, '2026-03-01 12:01:10+00', 'warning', 'token_limit', 'Token usage at 75% of limit - response may be truncated', 'regress_alice');
SET ROLE regress_alice;
\x on
SELECT * FROM as_usage(:id);
\x off
SELECT u.input_tokens = m.input_tokens AND u.cached_input_tokens = m.cached_input_tokens AND u.output_tokens = m.output_tokens AND u.reasoning_tokens = m.reasoning_tokens
	AND u.total_tokens = m.total_tokens AND u.cost_usd = m.cost_usd AS same FROM as_usage(:id) u, as_metrics(:id) m;
SELECT * FROM as_progress(:id);
-- The guide's notices, two of which are in the table; that it takes long is no warning.
SELECT * FROM as_notices(:id);
SELECT message FROM as_notices(:id, 'warning');
SELECT warnings FROM as_quality(:id);
SELECT message FROM as_logs(:id, 'warning');

-- History makes the next one's estimates: half of the usual tokens after the usual wait.
SELECT as_execute_task('arch', 'Design another.') AS next \gset
RESET ROLE;
UPDATE queue SET epoch = 1, attempt_no = 1 WHERE execution_id = :next;
UPDATE executions SET status = 'running', started_at = clock_timestamp() - interval '47 seconds' WHERE execution_id = :next;
UPDATE steps SET state = 'running', attempt_no = 1, started_at = clock_timestamp(), sent_at = clock_timestamp() - interval '13.5 seconds' WHERE execution_id = :next;
SELECT estimated_remaining BETWEEN '00:00:35' AND '00:00:40' AS rest, progress_percent BETWEEN 15 AND 25 AS half_of_the_wait FROM as_status(:next);
INSERT INTO live_usage (execution_id, step_no, attempt_no, model_id, input_tokens, output_tokens, first_token_at, seen_at, owner)
VALUES (:next, 1, 1, 1, 1000, 445, now() - interval '10 seconds', now(), 'regress_alice');
SELECT progress_percent FROM as_status(:next);
UPDATE live_usage SET output_tokens = 5000;
SELECT progress_percent FROM as_status(:next);
SELECT phase, percent FROM as_progress(:next) WHERE percent = 99 OR phase = 'Overall Progress';
UPDATE executions SET started_at = now() - interval '2 hours' WHERE execution_id = :next;
SELECT estimated_remaining FROM as_status(:next);
SELECT cost_usd, estimated_cost_usd FROM as_usage(:next);		-- more than usual by now
UPDATE live_usage SET output_tokens = 100 WHERE execution_id = :next;
SELECT cost_usd, estimated_cost_usd FROM as_usage(:next);

-- Phases: those of each type, and an agent's own.
SELECT t, agent_studio_private.type_phases(t) FROM unnest('{architect,builder,validator,scribe,analyst}'::text[]) t;
SET ROLE regress_alice;
SELECT as_update_agent('arch', phases => '{Reading,"Thinking hard",Writing}');
SELECT as_update_agent('arch', phases => '{Reading,"Thinking hard",Writing}') AS unchanged;
SELECT version, phases FROM agent_versions WHERE phases IS NOT NULL;
SELECT as_execute_task('arch', 'With phases of its own.') AS own \gset
SELECT * FROM as_progress(:own);
SELECT as_update_agent('arch', unset => '{phases}');
\pset format unaligned
\pset tuples_only on
SELECT * FROM tests.try($$SELECT as_update_agent('arch', phases => '{}')$$, $$SELECT as_update_agent('arch', phases => '{a,A}')$$, $$SELECT as_update_agent('arch', phases => '{a,NULL}')$$,
	$$SELECT as_update_agent('arch', phases => '{a," "}')$$, $$SELECT as_create_agent('x', 'builder', 'mock', phases => array_fill('p'::text, '{13}'))$$,
	$$SELECT as_create_agent('x', 'builder', 'mock', phases => ARRAY[repeat('p', 201)])$$);
\pset format aligned
\pset tuples_only off

-- A workflow: its steps are the phases, and an approval is waited for.
SELECT as_create_workflow('feature-sequential-prod', 'sequential', '{"steps": [{"name": "design", "agent": "arch", "task": "Design."}, {"name": "build", "agent": "worker", "task": "Build.",
	"on_failure": "fallback", "fallback": "rescue"}, {"name": "check", "agent": "worker", "task": "Check.", "approval": {"by": "regress_lead", "message": "Good enough?"}},
	{"name": "document", "agent": "worker", "task": "Write."}, {"name": "rescue", "agent": "worker", "task": "Rescue."}]}');
SELECT as_run_workflow('feature-sequential-prod') AS flow \gset
RESET ROLE;
UPDATE queue SET step_no = 2, epoch = 1 WHERE execution_id = :flow;
UPDATE executions SET status = 'running', started_at = clock_timestamp() - interval '225 seconds', input_cost_usd = 0.1, output_cost_usd = 0.03 WHERE execution_id = :flow;
UPDATE steps SET state = 'completed', attempt_no = 1, started_at = clock_timestamp() - interval '225 seconds', sent_at = clock_timestamp(), finished_at = clock_timestamp() WHERE execution_id = :flow AND name = 'design';
UPDATE steps SET state = 'running', attempt_no = 1, started_at = clock_timestamp() - interval '105 seconds', sent_at = clock_timestamp() - interval '105 seconds',
	agent_version_id = (SELECT agent_version_id FROM agent_versions WHERE agent_id = 1), model_id = 1, timeout_seconds = 120 WHERE execution_id = :flow AND name = 'build';
INSERT INTO attempts (execution_id, step_no, attempt_no, outcome, epoch, model_id, sent_at, finished_at, input_tokens, output_tokens, input_cost_usd, output_cost_usd, possibly_billed, owner)
VALUES (:flow, 1, 1, 'completed', 1, 1, now(), now(), 1000, 2000, 0.1, 0.03, true, 'regress_alice');
INSERT INTO live_usage (execution_id, step_no, attempt_no, model_id, input_tokens, output_tokens, first_token_at, seen_at, owner)
VALUES (:flow, 2, 1, 1, 240, 2048, now() - interval '10 seconds', now(), 'regress_alice');
INSERT INTO thoughts (execution_id, seq, step_no, attempt_no, at, elapsed_ms, source, content, owner) VALUES (:flow, 1, 2, 1, now(), 1, 'progress', E'Implementing\u001B[31m upload endpoint...', 'regress_alice');
SET ROLE regress_alice;
SELECT * FROM as_progress(:flow);
SELECT status, progress_percent, note FROM as_status(:flow);
SELECT step, state, cost_usd, tokens FROM as_workflow_status(:flow);
SELECT total_tokens, cost_usd, is_estimate, models FROM as_usage(:flow);
SELECT name, progress, left(elapsed, 1) AS elapsed, "left", cost, now FROM active_executions;
-- All of it on one sheet; also of a task, of one that has ended, and where everything is as long as it may be.
CREATE FUNCTION pg_temp.sheet(execution bigint) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT regexp_replace(line, '\d\d:\d\d:\d\d|(?<=Execution )\d+|\d+m \d+s|\d{4}-\d\d-\d\d|[0-9.]+(?= tokens/s)', 'N', 'g') FROM as_watch(execution) line $$;
SELECT pg_temp.sheet(:flow);
SELECT pg_temp.sheet(:next);
SELECT pg_temp.sheet(:id);
SELECT regexp_replace(line, '\d+(?=\);)|^ *\d+ |\d\d:\d\d:\d\d|\d+m \d+s|\d{4}-\d\d-\d\d| +\$[0-9.]+| +[0-9]+s|1[01][0-9] of|2h.*|\d+ days', 'N', 'g') AS line FROM as_watch_all() line;
-- Of a long workflow the sheet shows where it stands.
BEGIN;
SELECT as_create_workflow('long', 'sequential', jsonb_build_object('steps', (SELECT jsonb_agg(jsonb_build_object('name', 's' || n, 'agent', 'worker', 'task', 'x') ORDER BY n) FROM generate_series(1, 40) n))) \g /dev/null
SELECT as_run_workflow('long') AS long \gset
SELECT regexp_replace(line, '\d+(?=\);)', 'N') FROM as_watch(:long) line WHERE line ~ '^s[0-9]+ |^\(';
RESET ROLE;
UPDATE steps SET state = 'completed', started_at = now(), finished_at = now() WHERE execution_id = :long AND step_no <= 18;
-- What failed and was gone on from, or was never needed, does not hold it.
UPDATE steps SET state = CASE step_no WHEN 2 THEN 'pending' WHEN 3 THEN 'failed' ELSE 'running' END WHERE execution_id = :long AND step_no IN (2, 3, 19);
SET ROLE regress_alice;
SELECT regexp_replace(line, '\d+(?=\);)', 'N') FROM as_watch(:long) line WHERE line ~ '^s(14|15|18|19|28|29) |^\(';
RESET ROLE;
UPDATE steps SET state = 'completed', started_at = now(), finished_at = now() WHERE execution_id = :long;
SET ROLE regress_alice;
SELECT count(*) FILTER (WHERE line ~ '^s') AS shown, min(line) FILTER (WHERE line ~ '^\(') AS before, bool_or(line ~ '^s40 ') AS last FROM as_watch(:long) line;
ROLLBACK;
BEGIN;
RESET ROLE;
UPDATE steps SET name = repeat('s', 63) WHERE execution_id = :flow;
UPDATE agents SET name = repeat('a', 63) WHERE name = 'arch';
UPDATE executions SET workflow = repeat('w', 63), error_message = repeat('wide 宽 ', 100), error_class = 'internal' WHERE execution_id = :flow;
UPDATE thoughts SET content = repeat(E'宽\u202E\u001B[31m!', 500), elapsed_ms = 359999000 WHERE execution_id = :flow;
SET ROLE regress_alice;
SELECT max(agent_studio_private.display_width(line)) <= 98 AS fits, max(agent_studio_private.display_width(line)) > 93 AS is_tried,
	bool_or(line ~ E'[\u0001-\u001F\u202E]') AS has_controls FROM as_watch(:flow) line;
RESET ROLE;
UPDATE executions SET error_message = repeat('wide 宽 ', 100), error_hint = 'x', error_class = 'internal', status = 'failed', finished_at = now() WHERE execution_id = :id;
SET ROLE regress_alice;
SELECT max(agent_studio_private.display_width(line)) <= 98 AS fits, max(agent_studio_private.display_width(line)) > 93 AS is_tried,
	bool_or(line ~ E'[\u0001-\u001F\u202E]') AS has_controls FROM as_watch_all() line;
-- Numbers stay whole.
RESET ROLE;
UPDATE executions SET is_test = true, started_at = finished_at - interval '27:46:41', input_cost_usd = 1234, output_cost_usd = 0.57 WHERE execution_id = :id;
UPDATE executions SET started_at = now() - interval '127:46:41', input_cost_usd = 0.001, output_cost_usd = 0.000567 WHERE execution_id = :flow;
SET ROLE regress_alice;
SELECT max(agent_studio_private.display_width(line)) <= 98 AS fits, bool_or(line ~ ' 27h 46m 41s +\$1234\.57 ') AS at_rest, bool_or(line ~ ' 127h 46m \d+s .*\$\d+\.\d\d+ ') AS at_work FROM as_watch_all() line;
SELECT name FROM recent_completions WHERE id = :id;
SELECT agent_studio_private.figure('123456789', 8), agent_studio_private.figure('1', 3), agent_studio_private.figure(NULL, 2) || '|', agent_studio_private.change_text(0.234, 40), agent_studio_private.change_text(1, 1.18);
ROLLBACK;
-- At most 100 columns on the screen, with ids of six digits; alerts with \x.
SELECT (SELECT sum(greatest(length(column_name), CASE column_name WHEN 'id' THEN 6 ELSE widest END) + 3)
	FROM (SELECT o.key AS column_name, max(agent_studio_private.display_width(o.value)) AS widest
		  FROM active_executions a CROSS JOIN LATERAL json_each_text(to_json(a)) o GROUP BY o.key) c) - 1 <= 100 AS fits;
SELECT kind, execution_id = :flow AS flow, regexp_replace(message, '2h[^;]*|1[01][0-9] of', 'N', 'g') AS message, replace(remedy, :flow::text, 'ID') AS remedy FROM alerts WHERE severity <> 'error';
-- Others see neither it nor that it is there.
SET ROLE regress_bob;
SELECT count(*) FROM active_executions;
SELECT kind FROM alerts;
SET ROLE regress_mona;
SELECT count(*) FROM active_executions;
RESET ROLE;
DELETE FROM queue WHERE execution_id = :flow;
UPDATE steps SET state = 'completed', finished_at = clock_timestamp() WHERE execution_id = :flow AND name = 'build';
UPDATE steps SET state = 'waiting_approval' WHERE execution_id = :flow AND name = 'check';
UPDATE executions SET status = 'waiting_approval' WHERE execution_id = :flow;
INSERT INTO approvals (execution_id, step_no, approver, message, requested_at, on_expiry, owner) VALUES (:flow, 3, 'regress_lead', E'Good\nenough?', now(), 'reject', 'regress_alice');
SET ROLE regress_alice;
SELECT name, progress, cost, now FROM active_executions WHERE id = :flow;
SELECT severity, kind, message, replace(remedy, :flow::text, 'ID') AS remedy FROM alerts WHERE kind = 'approval';
SET ROLE regress_lead;
SELECT severity, kind, message, replace(remedy, :flow::text, 'ID') AS remedy FROM alerts WHERE kind = 'approval';
RESET ROLE;

-- What has ended, and what failed: today, long ago, held for review, and tried again.
UPDATE executions SET status = 'requires_manual_review', finished_at = clock_timestamp() - interval '5 minutes', started_at = clock_timestamp() - interval '887 seconds', submitted_at = now() - interval '90 days',
	error_hint = 'Look.' WHERE execution_id = :flow;
UPDATE steps SET state = 'completed', verdict = 'manual_review', finished_at = now() WHERE execution_id = :flow AND name = 'check';
DELETE FROM approvals;
INSERT INTO notices (execution_id, severity, kind, message, owner) VALUES (:flow, 'warning', 'manual_review', 'Requires Manual Review: too slow', 'regress_alice');
CREATE FUNCTION tests.ended(agent text, task text, status text, ago interval, error text DEFAULT NULL) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	id bigint := agent_studio.as_execute_task(agent, task);
BEGIN
	DELETE FROM agent_studio.queue q WHERE q.execution_id = id;
	UPDATE agent_studio.executions e SET status = ended.status, owner = 'regress_alice', submitted_at = clock_timestamp() - ago - interval '1 minute',
		started_at = clock_timestamp() - ago - interval '42 seconds', finished_at = clock_timestamp() - ago, error_class = error, error_message = 'It failed:' || chr(27) || chr(10) || 'badly',
		error_hint = CASE WHEN error IS NOT NULL THEN 'Mend it.' END WHERE e.execution_id = id;
	UPDATE agent_studio.steps s SET state = CASE ended.status WHEN 'completed' THEN 'completed' ELSE 'failed' END, owner = 'regress_alice', finished_at = clock_timestamp() WHERE s.execution_id = id;
	RETURN id;
END
$$;
SELECT tests.ended('worker', 'Fails today', 'failed', '3 hours', 'timeout') AS today, tests.ended('worker', 'Failed long ago', 'failed', '3 days', 'timeout') AS long_ago,
	tests.ended('worker', 'Tried again', 'failed', '40 minutes', 'timeout') AS again, tests.ended('worker', 'Tried again', 'completed', '0') AS done \gset
SET ROLE regress_alice;
SELECT name, status, duration, cost, finished FROM recent_completions WHERE name <> 'arch';
SELECT severity, kind, execution_id = :today AS today, execution_id = :flow AS flow, message, regexp_replace(remedy, '[0-9]+', 'ID') AS remedy FROM alerts WHERE kind IN ('failed', 'review');
SET ROLE regress_bob;
SELECT * FROM recent_completions;
RESET ROLE;

-- A quota of 80 percent is none, more is; what remedies do is tried by another test.
UPDATE models SET requests_per_minute = 10;
INSERT INTO attempts (execution_id, step_no, attempt_no, outcome, epoch, model_id, sent_at, finished_at, possibly_billed, owner)
SELECT :today, 1, n, 'failed', 1, 1, now(), now(), true, 'regress_alice' FROM generate_series(1, 8) n;
UPDATE attempts SET sent_at = now() - interval '1 hour' WHERE execution_id <> :today;
SELECT message FROM alerts WHERE kind = 'quota';
INSERT INTO attempts (execution_id, step_no, attempt_no, outcome, epoch, model_id, sent_at, finished_at, possibly_billed, owner) VALUES (:today, 1, 9, 'failed', 1, 1, now(), now(), true, 'regress_alice');
SELECT message, remedy FROM alerts WHERE kind = 'quota';
-- No executor runs in these tests, and that is told; and rows without a queue look restored.
SELECT severity, kind, remedy FROM alerts WHERE kind = 'executor';
DELETE FROM queue;
SELECT severity, kind, message, remedy FROM alerts WHERE kind = 'restored';

-- A task that runs once has no steps to decide on.
\pset format unaligned
\pset tuples_only on
SET ROLE regress_alice;
SELECT regexp_replace(t, '[0-9]{2,}|\([0-9]+', 'ID', 'g') FROM tests.try(format('SELECT as_retry_step(%s, ''task'')', :today)) t OFFSET 1;
SELECT * FROM tests.try('SELECT as_usage(-1)', 'SELECT as_progress(NULL)', 'SELECT as_notices(-1)', format('SELECT as_notices(%s, ''warn'')', :id));
RESET ROLE;

-- Nothing at all.
SELECT tests.reset();
SELECT count(*) FROM active_executions;
SELECT count(*) FROM recent_completions;
SELECT kind FROM alerts;
DROP FUNCTION tests.ended;
DROP ROLE regress_lead;
