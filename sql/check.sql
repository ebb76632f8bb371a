-- as_check: a row a thing, and a remedy that is SQL where it can be.
SELECT tests.reset();
\pset null (null)

SELECT item, ok, replace(detail, current_user, 'USER') AS detail, fix FROM as_check() WHERE item <> 'launcher running' AND item <> 'pg_cron' ORDER BY item;
SELECT item, ok, detail ~ '^pid [0-9]+$' AS has_pid, fix FROM as_check() WHERE item = 'launcher running';
SELECT item, ok, detail, regexp_replace(fix, '\d+', 'N', 'g') FROM as_check() WHERE item = 'pg_cron';

-- Whatever is not ok comes with a remedy.
SELECT item FROM as_check() WHERE ok IS NOT true AND fix IS NULL;

-- With an executor all of it is right.
ALTER SYSTEM SET agent_studio.databases = '*';
SELECT pg_reload_conf();
CALL tests.await_executor(true);
SELECT item, ok, CASE WHEN item !~ 'running' THEN replace(detail, current_user, 'USER') END AS detail, fix FROM as_check() WHERE item <> 'pg_cron' ORDER BY item;
SELECT detail ~ '^pid \d+, epoch \d+, 0 calls in flight$' AS executor FROM as_check() WHERE item = 'executor running';
SELECT backend_type, count(*) FROM pg_stat_activity WHERE backend_type LIKE 'agent_studio%' GROUP BY 1 ORDER BY 1;
ALTER SYSTEM RESET agent_studio.databases;
SELECT pg_reload_conf();
CALL tests.await_executor(false);

-- Endpoints, with the caller's own rights.
CREATE SERVER forbidden TYPE 'openai' FOREIGN DATA WRAPPER agent_studio OPTIONS (url 'https://api.example.com/v1');
CREATE SERVER keyless TYPE 'openai' FOREIGN DATA WRAPPER agent_studio OPTIONS (url 'https://api.example.com/v1');
CREATE SERVER unreadable TYPE 'openai' FOREIGN DATA WRAPPER agent_studio OPTIONS (url 'https://api.example.com/v1');
CREATE USER MAPPING FOR PUBLIC SERVER unreadable OPTIONS (api_key_file '/no/such/file');
GRANT USAGE ON FOREIGN SERVER keyless, unreadable TO regress_alice;
SET ROLE regress_alice;
SELECT * FROM as_check() WHERE item LIKE 'endpoint %' ORDER BY item;
-- A monitor sees the same of work, a stranger nothing.
SET ROLE regress_mona;
SELECT count(*) > 5 AS sees FROM as_check();
\pset format unaligned
\pset tuples_only on
SET ROLE regress_nobody;
SELECT * FROM tests.try('SELECT as_check()');
RESET ROLE;
DROP SERVER forbidden, keyless, unreadable CASCADE;

-- Nothing there yet, and things that have gone.
ALTER SERVER mock RENAME TO mock2;
CREATE ROLE regress_leaver IN ROLE agent_studio_user;
SET ROLE regress_leaver;
SELECT * FROM tests.try($$SELECT as_execute_task('worker', 'x')$$);
RESET ROLE;
ALTER SERVER mock2 RENAME TO mock;
SET ROLE regress_leaver;
SELECT * FROM tests.try($$SELECT as_execute_task('worker', 'x')$$);
RESET ROLE;
DROP ROLE regress_leaver;
ALTER SERVER mock RENAME TO mock2;
SELECT item, ok, detail, fix FROM as_check() WHERE item LIKE 'model%' OR item IN ('owners exist') ORDER BY item;
TRUNCATE agents, agent_versions, model_prices, models, executions, steps, queue;
DROP SERVER mock2 CASCADE;
SELECT item, ok, detail, fix FROM as_check() WHERE item IN ('models', 'endpoints') ORDER BY item;

-- A remedy that is one statement with nothing to fill in can be parsed.
CREATE FUNCTION tests.parses(statement text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('DO %L', format('BEGIN IF false THEN %s END IF; END', statement));
	RETURN true;
EXCEPTION WHEN syntax_error THEN
	RETURN false;
END
$$;
SELECT item, tests.parses(fix) FROM as_check() WHERE fix ~ '^[A-Z]+ .*;$' ORDER BY item;
SELECT tests.parses('SELEKT 1;');
DROP FUNCTION tests.parses;
