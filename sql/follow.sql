-- as_follow and as_follow_task, with an executor that finds nobody at the endpoint.
SELECT tests.reset();
\pset null (null)
\set SHOW_CONTEXT never

-- They commit, so they cannot be part of a transaction; nothing is submitted then.
SET ROLE regress_alice;
SELECT as_execute_task('worker', 'Follow me') AS id \gset
BEGIN;
CALL as_follow(:id);
ROLLBACK;
BEGIN;
CALL as_follow_task('worker', 'In a transaction block');
ROLLBACK;
SELECT count(*) FROM executions WHERE task LIKE 'In a%';

-- At rest there is nothing to wait for: what happened, then the row.
SELECT as_cancel(:id, 'not needed');
CALL as_follow(:id);

-- Refusals are those of what they call.
CALL as_follow(-1);
CALL as_follow(NULL);
CALL as_follow_task('wroker', 'x');
CALL as_follow_task('worker', '');
CALL as_follow_task('worker', 'x', priority => 'urgent');
SET ROLE regress_bob;
CALL as_follow(:id);
SET ROLE regress_mona;
CALL as_follow_task('worker', 'x');
RESET ROLE;

-- Rows that wait for an executor: one with a command that was never applied, one
-- that has no queue row (as after a restore), and a command for it.
SET ROLE regress_alice;
SELECT as_execute_task('worker', 'Canceled before it began') AS canceled \gset
SELECT as_execute_task('worker', 'Restored and canceled') AS restored \gset
RESET ROLE;
INSERT INTO commands (execution_id, wanted, actor, owner) VALUES (:canceled, 'cancel', 'regress_alice', 'regress_alice');
DELETE FROM queue WHERE execution_id = :restored;
SET ROLE regress_alice;
SELECT as_cancel(:restored);
RESET ROLE;

ALTER SYSTEM SET agent_studio.databases = '*';
SELECT pg_reload_conf();
CALL tests.await_executor(true);
SET ROLE regress_alice;
SELECT as_wait(:canceled), as_wait(:restored);
SELECT execution_id = :canceled AS first, outcome, reason FROM commands WHERE execution_id IN (:canceled, :restored) ORDER BY execution_id;

-- A failure with its class and a remedy, in a row, and without any key.
SELECT as_execute_task('worker', 'Nobody listens', max_retries => 0) AS id \gset
SELECT as_wait(:id);
SELECT status, error_class, error_message ~ 'connect' AS says_what, error_hint IS NOT NULL AS says_how, attempts, input_tokens, input_cost_usd
FROM executions WHERE execution_id = :id;
SELECT outcome, error_class, retryable, possibly_billed, http_status FROM attempts WHERE execution_id = :id;

-- With retries: an attempt a try, and the same end.
SELECT as_execute_task('worker', 'Nobody listens at all', max_retries => 2) AS id \gset
SELECT as_wait(:id);
SELECT attempt_no, outcome, error_class, retryable FROM attempts WHERE execution_id = :id ORDER BY attempt_no;
SELECT e.status, s.state, s.attempt_no, e.attempts FROM executions e JOIN steps s USING (execution_id) WHERE execution_id = :id;
RESET ROLE;
SELECT count(*) AS queued FROM queue;

-- The rights of the owner count when the task is sent, too.
SET ROLE regress_alice;
BEGIN;
SELECT as_execute_task('worker', 'Too late', max_retries => 5) AS id \gset
RESET ROLE;
REVOKE USAGE ON FOREIGN SERVER mock FROM agent_studio_user;
COMMIT;
SET ROLE regress_alice;
SELECT as_wait(:id);
SELECT status, error_class, error_message, error_hint FROM executions WHERE execution_id = :id;
RESET ROLE;
GRANT USAGE ON FOREIGN SERVER mock TO agent_studio_user;

-- No key in any row of any table.
SELECT c.relname AS "holds a key"
FROM pg_class c
WHERE c.relnamespace = 'agent_studio'::regnamespace AND c.relkind = 'r'
  AND query_to_xml(format('SELECT t::text FROM agent_studio.%I t', c.relname), true, false, '')::text ~ 'sk-regress-secret';

-- What it prints, and its row. This endpoint's key cannot be read.
CREATE SERVER keyless TYPE 'openai' FOREIGN DATA WRAPPER agent_studio OPTIONS (url 'https://api.example.com/v1');
CREATE USER MAPPING FOR PUBLIC SERVER keyless OPTIONS (api_key_file '/no/such/file');
GRANT USAGE ON FOREIGN SERVER keyless TO agent_studio_user;
SET ROLE regress_adam;
SELECT as_create_model('keyless', 'keyless');
SET ROLE regress_alice;
SELECT as_create_agent('keyless', 'builder', 'keyless');
DO $$
DECLARE
	execution bigint;
	status text;
	seconds numeric;
	input bigint;
	output bigint;
	cost numeric;
BEGIN
	CALL agent_studio.as_follow_task('keyless', 'Follow it', execution => execution, status => status,
		duration_seconds => seconds, input_tokens => input, output_tokens => output, cost_usd => cost);
	RAISE INFO '% % % % % %', execution, status, seconds >= 0, input, output, cost;
END
$$;
RESET ROLE;

ALTER SYSTEM RESET agent_studio.databases;
SELECT pg_reload_conf();
CALL tests.await_executor(false);
SELECT count(*) FROM epochs WHERE ended_at IS NULL;
SELECT * FROM tests.orphans();
DROP SERVER keyless CASCADE;
