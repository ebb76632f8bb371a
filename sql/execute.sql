-- as_execute_task: what it writes, what it refuses, and when it gives an id again.
SELECT tests.reset();
\pset null (null)

SET ROLE regress_alice;
SELECT as_create_agent('hers', 'builder', 'mock', timeout_seconds => 77);
SELECT as_create_agent('theirs', 'builder', 'mock', team => 'regress_team');

-- Nobody takes the tasks of this database: said once a transaction.
SET client_min_messages = warning;
BEGIN;
SELECT as_execute_task('hers', 'First') AS id;
SELECT as_execute_task('hers', 'Second') AS id;
ROLLBACK;
RESET client_min_messages;

-- Rolled back means that nothing was ever there.
SELECT count(*) FROM executions;

-- Defaults, and every argument.
SELECT as_execute_task('hers', 'Build it') AS id \gset
SELECT as_execute_task('theirs', 'Build it well', context => '{"language": "C", "größe": {"n": [1, 2]}}', priority => 'CRITICAL',
	max_iterations => 1, timeout_seconds => 5, output_format => 'md', idempotency_key => 'k1', max_retries => 0,
	verbose => true) AS id2 \gset
\x on
SELECT kind, status, agent, task, context, priority, timeout_seconds, max_retries, output_format, is_verbose, idempotency_key,
	owner, team, submitted_at <= clock_timestamp() AS submitted, started_at, finished_at, attempts, input_tokens, input_cost_usd,
	error_class
FROM executions ORDER BY execution_id;
SELECT s.step_no, s.name, s.state, s.attempt_no, a.name AS agent, v.version, m.name AS model, s.started_at, s.output, s.owner, s.team
FROM steps s JOIN agent_versions v USING (agent_version_id) JOIN agents a USING (agent_id) JOIN models m ON m.model_id = s.model_id
ORDER BY s.execution_id;
\x off
RESET ROLE;
SELECT execution_id = :id AS first, step_no, run_at - order_at AS head_start, waiting, epoch, attempt_no, failures, losses, seq_base
FROM queue ORDER BY execution_id;

-- The head start of each priority.
SET ROLE regress_alice;
SELECT count(as_execute_task('hers', p, priority => p)) FROM unnest('{low,normal,high,critical}'::text[]) p;
RESET ROLE;
SELECT e.priority, q.run_at - q.order_at AS head_start
FROM queue q JOIN executions e USING (execution_id) WHERE e.task = e.priority ORDER BY q.order_at;

-- An execution keeps the version that it was submitted with.
SET ROLE regress_alice;
SELECT as_update_agent('hers', temperature => 1);
SELECT as_execute_task('hers', 'Build it again') AS id3 \gset
SELECT e.task, v.version FROM executions e JOIN steps s USING (execution_id) JOIN agent_versions v USING (agent_version_id)
WHERE e.execution_id IN (:id, :id3) ORDER BY e.execution_id;

-- The same key of the same owner gives the first id; another owner's key is his own.
SELECT as_execute_task('hers', 'Something else', idempotency_key => 'k1') = :id2 AS same;
SELECT as_execute_task('hers', 'With a key', idempotency_key => 'k2') AS id4 \gset
SELECT as_execute_task('hers', 'With a key', idempotency_key => 'k2') = :id4 AS same;
SET ROLE regress_bob;
SELECT as_execute_task('worker', 'With a key', idempotency_key => 'k2') = :id4 AS same;
BEGIN;
SELECT as_execute_task('worker', 'Forgotten', idempotency_key => 'k3') IS NOT NULL AS submitted;
ROLLBACK;
SELECT as_execute_task('worker', 'Remembered', idempotency_key => 'k3') IS NOT NULL AS submitted;
SELECT task FROM executions WHERE idempotency_key IS NOT NULL ORDER BY execution_id;
RESET ROLE;
SELECT count(*) AS executions, count(DISTINCT (owner, idempotency_key)) FILTER (WHERE idempotency_key IS NOT NULL) AS keys FROM executions;

-- A NULL context is an empty one.
SELECT as_execute_task('worker', 'No context', context => NULL) AS id5 \gset
SELECT context FROM executions WHERE execution_id = :id5;

\pset format unaligned
\pset tuples_only on
SET ROLE regress_alice;
SELECT * FROM tests.try(
	$$SELECT as_execute_task('hers', '')$$,
	$$SELECT as_execute_task('hers', E' \t\n')$$,
	$$SELECT as_execute_task('hers', NULL)$$,
	$$SELECT as_execute_task('herz', 'x')$$,
	$$SELECT as_execute_task('nothing like it', 'x')$$,
	$$SELECT as_execute_task('', 'x')$$,
	$$SELECT as_execute_task(NULL, 'x')$$,
	$$SELECT as_execute_task('hers', 'x', context => '[]')$$,
	$$SELECT as_execute_task('hers', 'x', context => '"text"')$$,
	$$SELECT as_execute_task('hers', 'x', context => 'null')$$,
	$$SELECT as_execute_task('hers', 'x', priority => 'urgent')$$,
	$$SELECT as_execute_task('hers', 'x', priority => 'hihg')$$,
	$$SELECT as_execute_task('hers', 'x', priority => NULL)$$,
	$$SELECT as_execute_task('hers', 'x', timeout_seconds => 0)$$,
	$$SELECT as_execute_task('hers', 'x', timeout_seconds => 86401)$$,
	$$SELECT as_execute_task('hers', 'x', max_retries => -1)$$,
	$$SELECT as_execute_task('hers', 'x', max_retries => 21)$$,
	$$SELECT as_execute_task('hers', 'x', max_retries => NULL)$$,
	$$SELECT as_execute_task('hers', 'x', verbose => NULL)$$,
	$$SELECT as_execute_task('hers', 'x', output_format => 'pdf')$$,
	$$SELECT as_execute_task('hers', 'x', output_format => 'jsn')$$,
	$$SELECT as_execute_task('hers', 'x', idempotency_key => '')$$,
	$$SELECT as_execute_task('hers', 'x', idempotency_key => repeat('ä', 501))$$,
	$$SELECT as_execute_task('hers', 'x', max_iterations => 0)$$,
	$$SELECT as_execute_task('hers', 'x', max_iterations => 11)$$,
	$$SELECT as_execute_task('hers', 'x', max_iterations => NULL)$$,
	$$SELECT as_execute_task('hers', 'x', iteration_strategy => 'improve')$$,
	$$SELECT as_execute_task('hers', 'x', validation_criteria => '[]')$$,
	$$SELECT as_execute_task('hers', 'x', validation_criteria => '{"minQualityScore": 1.5}')$$,
	$$SELECT as_execute_task('hers', 'x', validation_criteria => '{"minQualityScore": 0.5, "min_quality_score": 0.6}')$$,
	$$SELECT as_execute_task('hers', 'x', validation_criteria => '{"requiredSection": ["a"]}')$$,
	$$SELECT as_execute_task('hers', 'x', validation_criteria => '{"requiredSections": [""]}')$$,
	$$SELECT as_execute_task('hers', 'x', validation_criteria => '{"validator": 5}')$$,
	$$SELECT as_execute_task('hers', 'x', validation_criteria => '{"validator": "nobody"}')$$,
	$$SELECT as_execute_task('hers', 'x', json_schema => '{"architecture": "objekt"}')$$,
	$$SELECT as_execute_task('hers', 'x', json_schema => '{"type": "object", "patternProperties": {"^a": true}}')$$,
	$$SELECT as_execute_task('hers', 'x', json_schema => '{"type": "object", "requird": ["a"]}')$$,
	$$SELECT as_execute_task('hers', 'x', json_schema => '{"$ref": "https://example.com/schema"}')$$,
	$$SELECT as_execute_task('hers', 'x', json_schema => '[]')$$,
	$$SELECT as_execute_task('hers', 'x', json_schema => '{"a": "string"}', output_format => 'code')$$,
	$$SELECT as_deprecate_agent('hers')$$,
	$$SELECT as_execute_task('hers', 'x')$$);

-- Whoever asks again with a key gets its id, even if the agent takes no more tasks.
SELECT as_deprecate_agent('theirs');
SELECT as_execute_task('theirs', 'Build it well', idempotency_key => 'k1') = :id2 AS same;
SELECT as_deprecate_agent('theirs', false);

-- Agents of others: bob sees none of hers, carol those of the team, mona all of
-- them but may use none, adam may.
SET ROLE regress_bob;
SELECT * FROM tests.try($$SELECT as_execute_task('hers', 'x')$$, $$SELECT as_execute_task('theirs', 'x')$$);
SET ROLE regress_carol;
SELECT * FROM tests.try($$SELECT as_execute_task('hers', 'x')$$, $$SELECT as_execute_task('theirs', 'x')$$);
SELECT owner, team FROM executions WHERE task = 'x';
SET ROLE regress_olaf;
SELECT * FROM tests.try($$SELECT as_execute_task('theirs', 'x')$$);
SET ROLE regress_mona;
SELECT * FROM tests.try($$SELECT as_execute_task('worker', 'x')$$);
SET ROLE regress_nobody;
SELECT * FROM tests.try($$SELECT as_execute_task('worker', 'x')$$);
SET ROLE regress_adam;
SELECT * FROM tests.try($$SELECT as_execute_task('theirs', 'x')$$);
-- The team of an agent does not see what somebody from outside it asked.
SELECT owner, team FROM executions WHERE owner = 'regress_adam';

-- USAGE on the server is checked when a task is submitted.
RESET ROLE;
REVOKE USAGE ON FOREIGN SERVER mock FROM agent_studio_user;
SET ROLE regress_bob;
SELECT * FROM tests.try($$SELECT as_execute_task('worker', 'x')$$);
RESET ROLE;
GRANT USAGE ON FOREIGN SERVER mock TO agent_studio_user;
ALTER SERVER mock RENAME TO mock2;
SELECT * FROM tests.try($$SELECT as_execute_task('worker', 'x')$$);
ALTER SERVER mock2 RENAME TO mock;

-- Fields that contexts usually have.
SELECT * FROM as_context_fields('builder');
SELECT count(*) FROM as_context_fields('negotiator');
SELECT * FROM tests.orphans();
