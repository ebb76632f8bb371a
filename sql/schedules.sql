-- Schedules: what is kept, refused, and by whom it may be run. There is no pg_cron
-- here; where a setting says that it lives in another database, all works but the clock.
SELECT tests.reset();
\pset null (null)
\pset format unaligned
\pset tuples_only on
SET ROLE regress_alice;
SELECT as_create_workflow('report-sequential-prod', 'sequential', '{"inputs": {"day": "string", "scale": {"type": "string", "default": "small"}},
	"steps": [{"name": "write", "agent": "worker", "task": "Report of {day}, {scale}."}]}', visibility => 'shared');
SELECT as_create_workflow('private-sequential-prod', 'sequential', '{"steps": [{"name": "write", "agent": "worker", "task": "Write."}]}');
-- Without pg_cron.
SELECT regexp_replace(t, 'postgresql-\d+-cron', 'postgresql-N-cron') FROM tests.try($$SELECT as_schedule('nightly', '0 3 * * *', 'report-sequential-prod', '{"day": "today"}')$$) t;
SELECT item, ok, detail, regexp_replace(fix, 'postgresql-\d+-cron', 'postgresql-N-cron') FROM as_check() WHERE item IN ('pg_cron', 'schedules');
-- With pg_cron in another database: kept, and the call is told that is to be made there.
SET cron.database_name = 'elsewhere';
SET client_min_messages = notice;
\set VERBOSITY default
SELECT as_schedule('nightly', '0 3 * * *', 'report-sequential-prod', '{"day": "today"}') AS id \gset
SELECT as_schedule('it''s mine', '@daily', 'private-sequential-prod', priority => 'HIGH', version => '1.0.0', notify => '{"email": true}') AS mine \gset
\set VERBOSITY terse
SELECT to_jsonb(s) - 'created_at' - 'schedule_id' FROM schedules s ORDER BY schedule_id;
SELECT item, ok, detail, fix FROM as_check() WHERE item IN ('pg_cron', 'schedules');
-- The same name again changes it.
SELECT as_schedule('nightly', '0 4 * * *', 'report-sequential-prod', '{"day": "tomorrow"}') = :id AS same;
SELECT name, cron, inputs FROM schedules ORDER BY 1;
-- Refused at once: what each run would be refused for.
SELECT * FROM tests.try(
	$$SELECT as_schedule(NULL, '* * * * *', 'report-sequential-prod', '{"day": "today"}')$$,
	$$SELECT as_schedule(' ', '* * * * *', 'report-sequential-prod', '{"day": "today"}')$$,
	$$SELECT as_schedule(repeat('x', 201), '* * * * *', 'report-sequential-prod', '{"day": "today"}')$$,
	$$SELECT as_schedule('a', '', 'report-sequential-prod', '{"day": "today"}')$$,
	$$SELECT as_schedule('a', NULL, 'report-sequential-prod', '{"day": "today"}')$$,
	$$SELECT as_schedule('a', '* * * * *', 'report-sequential-prd', '{"day": "today"}')$$,
	$$SELECT as_schedule('a', '* * * * *', NULL)$$,
	$$SELECT as_schedule('a', '* * * * *', 'report-sequential-prod')$$,
	$$SELECT as_schedule('a', '* * * * *', 'report-sequential-prod', '{"dya": "today"}')$$,
	$$SELECT as_schedule('a', '* * * * *', 'report-sequential-prod', '[]')$$,
	$$SELECT as_schedule('a', '* * * * *', 'report-sequential-prod', '{"day": "today"}', priority => 'hihg')$$,
	$$SELECT as_schedule('a', '* * * * *', 'report-sequential-prod', '{"day": "today"}', priority => NULL)$$,
	$$SELECT as_schedule('a', '* * * * *', 'report-sequential-prod', '{"day": "today"}', version => '9.0.0')$$,
	$$SELECT as_schedule('a', '* * * * *', 'report-sequential-prod', '{"day": "today"}', notify => '"me"')$$,
	$$SELECT as_unschedule('nihgtly')$$,
	$$SELECT as_unschedule(NULL)$$,
	$$SELECT as_run_schedule('nihgtly')$$);
-- Run by hand: by its owner and by operators, with the owner's rights.
SELECT as_run_schedule('nightly') AS run \gset
SELECT owner, workflow, inputs, priority FROM executions WHERE execution_id = :run;
SET ROLE regress_olaf;
SELECT as_run_schedule('it''s mine') AS run \gset
SELECT owner, workflow, priority, notify FROM executions WHERE execution_id = :run;
SELECT name, runs, last_execution_id = :run AS newest, last_error FROM schedules ORDER BY 1;
-- Not by others, who do not see it either.
SET ROLE regress_bob;
SELECT count(*) FROM schedules;
SELECT * FROM tests.try($$SELECT as_run_schedule('nightly')$$, $$SELECT as_unschedule('nightly')$$,
	$$SELECT as_schedule('nightly', '* * * * *', 'report-sequential-prod', '{"day": "today"}')$$,
	$$SELECT as_schedule('b', '* * * * *', 'private-sequential-prod')$$);
SET ROLE regress_mona;
SELECT count(*) FROM schedules;
SELECT * FROM tests.try($$SELECT as_run_schedule('nightly')$$, $$SELECT as_schedule('m', '* * * * *', 'report-sequential-prod')$$);
-- The team of the workflow sees it, and may not change it.
SET ROLE regress_alice;
SELECT as_update_workflow('report-sequential-prod', team => 'regress_team');
SELECT as_schedule('nightly', '0 4 * * *', 'report-sequential-prod', '{"day": "today"}') = :id AS same;
SET ROLE regress_carol;
SELECT name, owner, team FROM schedules;
SELECT * FROM tests.try($$SELECT as_run_schedule('nightly')$$);
-- What is in its way when the time comes is kept and told, not raised.
RESET ROLE;
UPDATE schedules SET owner = 'regress_gone' WHERE name = 'nightly';
SELECT as_run_schedule('nightly');
UPDATE schedules SET owner = 'regress_nobody' WHERE name = 'nightly';
SELECT as_run_schedule('nightly');
UPDATE schedules SET owner = 'regress_alice', inputs = '{}' WHERE name = 'nightly';
SELECT as_run_schedule('nightly');
SELECT last_error, runs, last_execution_id IS NOT NULL AS earlier FROM schedules WHERE name = 'nightly';
SELECT * FROM as_check() WHERE item = 'schedule nightly';
UPDATE schedules SET inputs = '{"day": "today"}' WHERE name = 'nightly';
SELECT as_run_schedule('nightly') IS NOT NULL;
SELECT last_error, runs FROM schedules WHERE name = 'nightly';
-- A restored database: nothing runs before somebody says so.
DELETE FROM schedule_jobs;
SELECT as_run_schedule('nightly');
SELECT item, ok, detail, fix FROM as_check() WHERE item LIKE 'schedule%' ORDER BY 1;
SET ROLE regress_adam;
SELECT as_release_restored();
SELECT as_run_schedule('nightly') IS NOT NULL;
-- Ended.
SET ROLE regress_alice;
SELECT as_unschedule('nightly'), as_unschedule('it''s mine');
SELECT count(*) FROM schedules;
RESET ROLE;
SELECT count(*) FROM schedule_jobs;
RESET cron.database_name;
RESET client_min_messages;
\pset format aligned
\pset tuples_only off
