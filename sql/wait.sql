-- as_wait: where it can wait, and where waiting could never succeed.
SELECT tests.reset();

SET ROLE regress_alice;
SELECT as_execute_task('worker', 'Wait for it') AS id \gset
-- Nobody works on it: the status after the timeout.
SELECT as_wait(:id, 0);
SELECT as_wait(:id, 0.05);
SELECT as_wait(:id, timeout_seconds => 0.1);

-- In the transaction that submitted it, and in a snapshot that stays as it is.
BEGIN;
SELECT as_execute_task('worker', 'In vain') AS own \gset
SELECT as_wait(:own);
ROLLBACK;
BEGIN;
SAVEPOINT s;
SELECT as_execute_task('worker', 'In vain') AS own \gset
RELEASE s;
SELECT as_wait(:own, 0);
ROLLBACK;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT as_wait(:id);
ROLLBACK;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT as_wait(:id, 0);
ROLLBACK;

-- At rest it returns at once, in any transaction.
SELECT as_cancel(:id);
SELECT as_wait(:id);
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT as_wait(:id, 1000000);
COMMIT;
BEGIN;
SELECT as_execute_task('worker', 'Canceled at once') AS own \gset
SELECT as_cancel(:own);
SELECT as_wait(:own);
COMMIT;

\pset format unaligned
\pset tuples_only on
SELECT * FROM tests.try(format('SELECT as_wait(%s, -1)', :id), format('SELECT as_wait(%s, ''NaN'')', :id),
	format('SELECT as_wait(%s, 1000001)', :id), format('SELECT as_wait(%s, NULL)', :id), 'SELECT as_wait(NULL)',
	'SELECT as_wait(NULL, NULL)', 'SELECT as_wait(-1)', 'SELECT as_wait(987654321, 0)');
SET ROLE regress_bob;
SELECT * FROM tests.try(format('SELECT as_wait(%s)', :id));
SET ROLE regress_mona;
SELECT as_wait(:id);
SET ROLE regress_nobody;
SELECT * FROM tests.try(format('SELECT as_wait(%s)', :id));
RESET ROLE;
SELECT * FROM tests.orphans();
