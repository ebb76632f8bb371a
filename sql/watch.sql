-- What as_status, as_thoughts, as_output, as_metrics and as_logs make of rows: the
-- rows here are written by hand, as the executor would.
SELECT tests.reset();
\pset null (null)
SET timezone = 'UTC';

-- One execution for each situation; every one started at 12:00:00.
CREATE FUNCTION tests.running(task text, state text, step_state text, seconds integer) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
	id bigint := agent_studio.as_execute_task('worker', task);
	start timestamptz := '2026-03-01 12:00:00+00';
BEGIN
	UPDATE agent_studio.executions e SET status = state, owner = 'regress_alice', started_at = start,
		finished_at = start + make_interval(secs => seconds) WHERE e.execution_id = id;
	UPDATE agent_studio.steps s SET state = step_state, owner = 'regress_alice', attempt_no = 1, started_at = start, sent_at = start,
		finished_at = start + make_interval(secs => seconds) WHERE s.execution_id = id;
	IF seconds IS NOT NULL THEN
		DELETE FROM agent_studio.queue q WHERE q.execution_id = id;
	END IF;
	RETURN id;
END
$$;
SELECT tests.running('Good', 'completed', 'completed', 12) AS good,
	tests.running('Slower', 'completed', 'completed', 20) AS slower,
	tests.running('Failed', 'failed', 'failed', 3) AS failed,
	tests.running('Under way', 'running', 'running', NULL) AS going,
	tests.running('Retrying', 'running', 'retrying', NULL) AS retrying,
	as_execute_task('worker', 'Queued') AS queued \gset
UPDATE executions SET owner = 'regress_alice' WHERE execution_id = :queued;
UPDATE steps SET owner = 'regress_alice' WHERE execution_id = :queued;

-- Good: two attempts, the first of which was cut off.
INSERT INTO attempts (execution_id, step_no, attempt_no, outcome, epoch, model_id, answered_by, sent_at, first_byte_at, first_token_at,
	finished_at, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, input_cost_usd, output_cost_usd, possibly_billed,
	finish_reason, http_status, error_class, error_message, retryable, partial_output, owner)
SELECT :good, 1, 1, 'failed', 1, 1, NULL, timestamptz '2026-03-01 12:00:00+00', NULL::timestamptz, NULL::timestamptz, timestamptz '2026-03-01 12:00:01+00',
	NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint, NULL::numeric, NULL::numeric, true, NULL::text, 503, 'overloaded', 'try later', true, NULL, 'regress_alice'
UNION ALL
SELECT :good, 1, 2, 'completed', 1, 1, 'gpt-mock-1', '2026-03-01 12:00:02+00', '2026-03-01 12:00:03+00', '2026-03-01 12:00:04.5+00',
	'2026-03-01 12:00:12+00', 1250, 250, 4890, 90, 0.0125, 0.1467, true, 'stop', 200, NULL, NULL, NULL, NULL, 'regress_alice';
UPDATE executions SET attempts = 2 WHERE execution_id = :good;
UPDATE steps SET attempt_no = 2, output = E'# Title\n\ntext with "quotes", \\ and größe\n', finish_reason = 'stop' WHERE execution_id = :good;
INSERT INTO thoughts (execution_id, seq, step_no, attempt_no, at, elapsed_ms, source, content, owner)
SELECT :good, v.seq, 1, v.attempt, timestamptz '2026-03-01 12:00:00+00' + make_interval(secs => v.ms / 1000.0), v.ms, v.source, v.content, 'regress_alice'
FROM (VALUES (1, 1, 0, 'system', 'Sending request'), (2, 1, 1000, 'system', 'Overloaded: retrying'), (5, 2, 4500, 'reasoning', 'Let me think'),
	(1000000, 2, 3661999, 'progress', 'Done')) v (seq, attempt, ms, source, content);
INSERT INTO notices (execution_id, step_no, at, severity, kind, message, owner)
VALUES (:good, 1, '2026-03-01 12:00:01+00', 'warning', 'retry', 'Retry 1 of 3 in 1 s', 'regress_alice'),
	(:good, 1, '2026-03-01 12:00:12+00', 'info', 'no_usage', 'Not for the log', 'regress_alice');
INSERT INTO logs (execution_id, step_no, at, level, message, owner)
VALUES (:good, 1, '2026-03-01 12:00:02.5+00', 'DEBUG', 'POST /v1/chat/completions', 'regress_alice');

-- Slower: no usage and no price, so tokens and costs are NULL, never 0.
INSERT INTO attempts (execution_id, step_no, attempt_no, outcome, epoch, model_id, sent_at, finished_at, possibly_billed, owner)
VALUES (:slower, 1, 1, 'completed', 1, 1, '2026-03-01 12:00:00+00', '2026-03-01 12:00:20+00', true, 'regress_alice');

-- Failed: usage without a price for the input, and what had arrived.
INSERT INTO attempts (execution_id, step_no, attempt_no, outcome, epoch, model_id, sent_at, finished_at, input_tokens, output_cost_usd,
	possibly_billed, http_status, error_class, error_message, retryable, partial_output, owner)
VALUES (:failed, 1, 1, 'failed', 1, 1, '2026-03-01 12:00:00+00', '2026-03-01 12:00:03+00', 7, 0.000001, true, 400, 'bad_request',
	'no such parameter', false, 'Half of', 'regress_alice');
UPDATE executions SET error_class = 'bad_request', error_message = 'no such parameter', error_hint = 'Leave it out.' WHERE execution_id = :failed;
UPDATE steps SET output = 'Half of', error_class = 'bad_request' WHERE execution_id = :failed;

UPDATE steps SET retry_at = now() - interval '1 hour', error_class = 'rate_limited', error_message = 'slow down' WHERE execution_id = :retrying;

SET ROLE regress_alice;
\x on
SELECT * FROM as_status(:good);
SELECT * FROM as_status(:failed);
SELECT * FROM as_status(:queued);
-- Far over its usual time, and not a token yet: no more than the usual wait for the first one.
SELECT status, started, split_part(elapsed, ':', 1)::int > 24 AS long, estimated_remaining, progress_percent, note FROM as_status(:going);
SELECT status, progress_percent, note FROM as_status(:retrying);
\x off
-- Without history there is no estimate.
RESET ROLE;
UPDATE executions SET agent = 'unheard of' WHERE execution_id = :going;
SET ROLE regress_alice;
SELECT estimated_remaining, progress_percent FROM as_status(:going);
-- On its way: half of the usual tokens have streamed, after the usual wait, a sixth of the time.
RESET ROLE;
UPDATE executions SET agent = 'worker', started_at = clock_timestamp() - interval '8 seconds' WHERE execution_id = :going;
INSERT INTO live_usage (execution_id, step_no, attempt_no, model_id, output_tokens, first_token_at, seen_at, owner)
VALUES (:going, 1, 1, 1, 2445, now() - interval '5 seconds', now(), 'regress_alice');
SET ROLE regress_alice;
SELECT estimated_remaining BETWEEN '00:00:00' AND '00:00:08' AS remaining, progress_percent FROM as_status(:going);
-- A clock that went backwards.
RESET ROLE;
UPDATE executions SET started_at = clock_timestamp() + interval '1 hour' WHERE execution_id = :going;
SET ROLE regress_alice;
SELECT elapsed, progress_percent >= 0 AS sane FROM as_status(:going);

SELECT * FROM as_thoughts(:good);
SELECT * FROM as_thoughts(:good, 2);
SELECT * FROM as_thoughts(:good, after_seq => 1000000);
SELECT * FROM as_thoughts(:good, NULL);

SELECT as_output(:good);
SELECT as_output(:failed), as_output(:slower), as_output(:queued);
SELECT * FROM outputs ORDER BY execution_id;

\x on
SELECT * FROM as_metrics(:good);
SELECT * FROM as_metrics(:slower);
SELECT * FROM as_metrics(:failed);
SELECT * FROM as_metrics(:queued);
\x off

SELECT * FROM as_logs(:good);
SELECT * FROM as_logs(:good, 'INFO', 'STREAMING');
SELECT * FROM as_logs(:good, 'warning');
SELECT * FROM as_logs(:failed);
SELECT * FROM as_logs(:good, search => 'no such line');
SELECT * FROM as_logs(:good, search => '%');
SELECT * FROM as_logs(:queued);

\pset format unaligned
\pset tuples_only on
SELECT * FROM tests.try(format('SELECT as_logs(%s, min_level => ''WARN'')', :good), format('SELECT as_logs(%s, min_level => ''loud'')', :good),
	format('SELECT as_logs(%s, min_level => NULL)', :good));
-- What is not there, or not to be seen, does not exist.
SET ROLE regress_bob;
SELECT t.* FROM unnest('{as_status,as_thoughts,as_output,as_metrics,as_logs}'::text[]) f (name),
	LATERAL tests.try(format('SELECT %s(%s)', name, :good), format('SELECT %s(-1)', name), format('SELECT %s(NULL)', name)) t;
RESET ROLE;
-- Each is one line, whatever a vendor says.
BEGIN;
UPDATE attempts SET error_message = E'too\n\x1b[2J\u202elong ' || repeat('x', 5000);
SELECT level, left(message, 60) AS message, length(message) FROM as_logs(:failed) WHERE message ~ 'too';
UPDATE executions SET error_message = E'too\n\x1b[2J\u202e\u061clong ' || repeat('x', 5000);
SELECT left(note, 60) AS note, length(note), agent_studio_private.printable(E'a\u061c\u202e\u2028b') FROM as_status(:failed);
ROLLBACK;
DROP FUNCTION tests.running;
SELECT * FROM tests.orphans();
