-- as_purge: details go, results, costs and totals stay. Rows are written by hand, of times past.
SELECT tests.reset();
SET client_min_messages = warning;
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET ROLE regress_alice;
SELECT as_create_workflow('loop-iterative-dev', 'iterative', '{"steps": [
	{"name": "write", "agent": "worker", "task": "Write.", "outputs": {"text": "string"}},
	{"name": "check", "agent": "worker", "task": "Check {write.text}", "outputs": {"text": "string"}, "rules": [{"if": "$.text == \"x\"", "then": "go_back", "to": "write", "max_iterations": 3}]}]}');
SELECT as_create_workflow('kept-sequential-dev', 'sequential', '{"settings": {"checkpoint_retention_days": 90}, "steps": [{"name": "only", "agent": "worker", "task": "Once."}]}');
SELECT as_create_workflow('brief-sequential-dev', 'sequential', '{"settings": {"checkpoint_retention_days": 5}, "steps": [{"name": "only", "agent": "worker", "task": "Once."}]}');
-- Days ago, for each of them: far, far, long kept, briefly kept, near.
SELECT as_run_workflow('loop-iterative-dev') AS loop, as_execute_task('worker', 'A task.', '{"a": 1}') AS task, as_run_workflow('kept-sequential-dev') AS kept,
	as_run_workflow('brief-sequential-dev') AS brief, as_execute_task('worker', 'Near.') AS near, as_execute_task('worker', 'Under way.') AS open \gset
RESET ROLE;
DELETE FROM queue WHERE execution_id <> :open;
UPDATE executions e SET status = d.status, started_at = now() - d.days * interval '1 day' - interval '1 minute', finished_at = now() - d.days * interval '1 day', attempts = 1,
	input_tokens = 10, output_tokens = 20, input_cost_usd = 0.1, output_cost_usd = 0.2
FROM (VALUES (:loop, 'failed', 40), (:task, 'completed', 31), (:kept, 'completed', 40), (:brief, 'completed', 10), (:near, 'completed', 10)) d (id, status, days) WHERE e.execution_id = d.id;
UPDATE steps s SET state = 'completed', task = 'the prompt', output = 'of step ' || s.step_no, outputs = '{"text": "t"}', feedback = 'f', started_at = now(), finished_at = now() WHERE execution_id <> :open;
INSERT INTO steps (execution_id, step_no, name, plan_step, iteration, round, agent_version_id, model_id, state, task, output, outputs, error_class, owner)
	VALUES (:loop, 3, 'write', 1, 2, 2, 1, 1, 'completed', 'again', 'newer', '{"text": "u"}', NULL, 'regress_alice'), (:loop, 4, 'check', 2, 2, 2, 1, 1, 'failed', 'again', 'half', NULL, 'timeout', 'regress_alice');
INSERT INTO attempts (execution_id, step_no, attempt_no, outcome, epoch, model_id, sent_at, finished_at, input_tokens, output_tokens, input_cost_usd, output_cost_usd, possibly_billed, owner)
	SELECT execution_id, 1, 1, 'completed', 1, 1, started_at, finished_at, 10, 20, 0.1, 0.2, true, owner FROM executions WHERE finished_at IS NOT NULL;
INSERT INTO thoughts (execution_id, seq, step_no, attempt_no, at, elapsed_ms, source, content, owner) SELECT execution_id, 1, 1, 1, now(), 1, 'system', 'thought', owner FROM executions;
INSERT INTO logs (execution_id, step_no, at, level, message, owner) SELECT execution_id, 1, now(), level, 'line', owner FROM executions, unnest('{DEBUG,INFO}'::text[]) level;
-- Only admins, and not in a block.
SET ROLE regress_olaf;
CALL as_purge();
SELECT * FROM tests.try('SELECT as_purge_batch(now(), now())', $$SELECT as_delete_history_batch('2020-01-01')$$);
SET ROLE regress_adam;
SELECT * FROM tests.try($$SELECT as_purge_batch('-infinity', 'infinity', '-1 day')$$, $$SELECT as_delete_history_batch(NULL)$$, 'SELECT as_delete_history_batch(''infinity'')');
BEGIN;
CALL as_purge();
ROLLBACK;
SELECT item, ok, regexp_replace(detail, '\d\d-\d\d-\d{4}', 'DAY'), fix FROM as_check() WHERE item = 'retention';
SELECT sum(cost_usd), sum(executions) FROM as_history_totals(since => '-infinity');
CALL as_purge();
SELECT count(*) FROM as_check() WHERE item = 'retention';
-- What is gone, and what is not.
SELECT e.execution_id - :loop AS execution, e.purged_at IS NOT NULL AS purged, e.task, (SELECT count(*) FROM thoughts t WHERE t.execution_id = e.execution_id) AS thoughts,
	(SELECT string_agg(l.level, ',' ORDER BY l.level) FROM logs l WHERE l.execution_id = e.execution_id) AS logs FROM executions e ORDER BY 1;
SELECT execution_id - :loop AS execution, step_no, state, task, feedback, output, outputs FROM steps ORDER BY 1, 2;
SELECT as_output(:task), (as_metrics(:task)).cost_usd;
SELECT sum(cost_usd), sum(executions) FROM as_history_totals(since => '-infinity');
SELECT count(*) FROM stale_days s JOIN closed_days c USING (day);
-- Nothing to go on from.
SET ROLE regress_alice;
SELECT regexp_replace(t, '\d\d-\d\d-\d{4}', 'DAY') FROM tests.try(format('SELECT as_retry_step(%s, ''check'')', :loop), format('SELECT as_skip_step(%s, ''check'')', :loop), format('SELECT as_complete_step(%s, ''check'', ''{}'')', :loop)) t;
SELECT as_clone(:loop) > :open;
-- A second time there is nothing to do; an explicit time holds for all; an open command keeps its execution.
SET ROLE regress_adam;
CALL as_purge();
RESET ROLE;
INSERT INTO commands (execution_id, wanted, actor, owner) VALUES (:near, 'cancel', 'x', 'regress_alice');
SET ROLE regress_adam;
CALL as_purge('9 days');
SELECT execution_id - :loop, purged_at IS NOT NULL FROM executions ORDER BY 1;
-- The rest goes altogether, where it is wanted; its totals stay. So what is of a day that cannot be closed yet stays.
RESET ROLE;
DELETE FROM commands;
BEGIN;
CREATE OR REPLACE FUNCTION agent_studio_private.next_hours_to_close(OUT day date, OUT until timestamptz) LANGUAGE sql RETURN row(NULL::date, NULL::timestamptz);
SELECT as_delete_history_batch((now() AT TIME ZONE 'UTC')::date);
ROLLBACK;
SET timezone = 'Etc/GMT-14';
SELECT DISTINCT substr(t, 1, 9) FROM tests.try(format('SELECT as_delete_history_batch(%L)', (now() AT TIME ZONE 'UTC')::date + 1)) t WHERE t ~ '^    ' AND t !~ 'hint';
RESET timezone;
SELECT agent_studio_private.roll_up_all() > 0 AS rolled_up;
SELECT day < current_date - 20 AS far, sum(executions), sum(input_cost_usd + output_cost_usd) FROM agent_studio_private.totals GROUP BY 1 ORDER BY 1;
SELECT sum(attempts), sum(input_cost_usd + output_cost_usd) FROM agent_studio_private.spending;
SET agent_studio.history_retention_days = 20;
SET ROLE regress_adam;
SET default_transaction_isolation = 'repeatable read';
CALL as_purge('1000 days');
RESET default_transaction_isolation;
SELECT as_delete_history_batch(((now() AT TIME ZONE 'UTC')::date - 20));
SELECT execution_id - :loop FROM executions ORDER BY 1;
RESET ROLE;
SELECT DISTINCT child, missing FROM tests.orphans() WHERE execution_id IN (:loop, :task, :kept);
SELECT count(*) FROM steps WHERE execution_id = :loop;
SELECT day < current_date - 20 AS far, sum(executions), sum(input_cost_usd + output_cost_usd) FROM agent_studio_private.totals GROUP BY 1 ORDER BY 1;
SELECT sum(attempts), sum(input_cost_usd + output_cost_usd) FROM agent_studio_private.spending;
SELECT bool_and(frozen), min(day) = ((now() - interval '40 days') AT TIME ZONE 'UTC')::date FROM closed_days WHERE day < current_date - 20;
\pset format aligned
\pset tuples_only off
RESET client_min_messages;
