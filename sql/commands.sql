-- as_cancel: in the caller's transaction what was never claimed, else a command.
SELECT tests.reset();
\pset null (null)

SET ROLE regress_alice;
SELECT as_create_agent('theirs', 'builder', 'mock', team => 'regress_team');

-- Never claimed: canceled at once, even in the transaction that submitted it.
SELECT as_execute_task('worker', 'One') AS one \gset
SELECT as_cancel(:one, 'not needed');
SELECT status, note FROM as_status(:one);
SELECT * FROM as_result(:one) r WHERE r LIKE 'Canceled%';
BEGIN;
SELECT as_execute_task('worker', 'Two') AS two \gset
SELECT as_cancel(:two);
COMMIT;
SELECT e.task, e.status, s.state, e.started_at, e.finished_at IS NOT NULL AS finished, s.finished_at IS NOT NULL AS step_finished,
	c.wanted, c.actor, c.applied_at IS NOT NULL AS applied, c.outcome, c.reason
FROM executions e JOIN steps s USING (execution_id) JOIN commands c USING (execution_id) ORDER BY execution_id;
RESET ROLE;
SELECT count(*) AS queued FROM queue;

-- Rolled back: it is still there to run.
SET ROLE regress_alice;
SELECT as_execute_task('theirs', 'Three') AS three \gset
BEGIN;
SELECT as_cancel(:three);
ROLLBACK;
SELECT status FROM as_status(:three);

-- Claimed: a command for the executor, once however often it is asked for.
RESET ROLE;
UPDATE queue SET epoch = 1, claimed_at = now(), attempt_no = 1 WHERE execution_id = :three;
UPDATE executions SET status = 'running', started_at = now() WHERE execution_id = :three;
UPDATE steps SET state = 'running', attempt_no = 1, started_at = now(), sent_at = now() WHERE execution_id = :three;
SET ROLE regress_alice;
SELECT as_cancel(:three, 'too slow');
SELECT as_cancel(:three, 'again');
SELECT status, note FROM as_status(:three);
SELECT wanted, actor, applied_at, outcome, reason, owner, team FROM commands WHERE execution_id = :three;

-- Waiting for a retry: it was sent once, so the executor settles it.
SELECT as_execute_task('worker', 'Four') AS four \gset
RESET ROLE;
UPDATE queue SET waiting = true, run_at = now() + interval '1 hour', attempt_no = 1 WHERE execution_id = :four;
UPDATE executions SET status = 'running', started_at = now() WHERE execution_id = :four;
UPDATE steps SET state = 'retrying', attempt_no = 1, retry_at = now() + interval '1 hour' WHERE execution_id = :four;
SET ROLE regress_alice;
SELECT as_cancel(:four);

-- Not in the queue at all, as after a restore: a command as well, and nothing lost.
SELECT as_execute_task('worker', 'Five') AS five \gset
RESET ROLE;
DELETE FROM queue WHERE execution_id = :five;
SET ROLE regress_alice;
SELECT as_cancel(:five);

-- Who may: the owner and operators; whoever does not see it does not learn of it.
SELECT as_execute_task('theirs', 'Six') AS six \gset
SELECT as_execute_task('worker', 'Seven') AS seven \gset
\pset format unaligned
\pset tuples_only on
SET ROLE regress_carol;
SELECT * FROM tests.try(format('SELECT as_cancel(%s)', :six), format('SELECT as_cancel(%s)', :seven));
SET ROLE regress_bob;
SELECT * FROM tests.try(format('SELECT as_cancel(%s)', :six), format('SELECT as_cancel(%s)', :seven),
	'SELECT as_cancel(987654321)', 'SELECT as_cancel(-1)', 'SELECT as_cancel(NULL)');
SET ROLE regress_mona;
SELECT * FROM tests.try(format('SELECT as_cancel(%s)', :six));
SET ROLE regress_olaf;
SELECT as_cancel(:six, 'by the operator');
SELECT as_cancel(:seven);
SET ROLE regress_alice;
SELECT * FROM tests.try(format('SELECT as_cancel(%s)', :six));
SELECT actor, owner, team, reason FROM commands WHERE execution_id = :six;

-- At rest there is nothing to cancel.
RESET ROLE;
DO $$
DECLARE
	state text;
	id bigint;
BEGIN
	FOREACH state IN ARRAY '{completed,failed,canceled,requires_manual_review}'::text[] LOOP
		id := as_execute_task('worker', state);
		DELETE FROM queue WHERE execution_id = id;
		UPDATE executions SET status = state, finished_at = now() WHERE execution_id = id;
		UPDATE steps SET state = 'completed', finished_at = now() WHERE execution_id = id;
	END LOOP;
END
$$;
SELECT t.* FROM executions e, LATERAL tests.try(format('SELECT as_cancel(%s)', execution_id)) t
WHERE e.task IN ('completed', 'failed', 'canceled', 'requires_manual_review') ORDER BY execution_id;

-- A restored database sends nothing until an admin says so.
TRUNCATE queue, commands;
SELECT item, ok, detail, fix FROM as_check() WHERE item = 'restored work';
SET ROLE regress_olaf;
SELECT * FROM tests.try('SELECT as_release_restored()');
SET ROLE regress_adam;
SELECT as_release_restored();
SELECT as_release_restored();
RESET ROLE;
SELECT e.task, e.status, s.state, s.retry_at, q.waiting, q.epoch, q.attempt_no, a.outcome, a.possibly_billed
FROM queue q JOIN executions e USING (execution_id) JOIN steps s USING (execution_id)
LEFT JOIN attempts a USING (execution_id) ORDER BY execution_id;
SELECT item, ok, detail, fix FROM as_check() WHERE item = 'restored work';
SELECT * FROM tests.orphans();
