-- Commands of others: server types wherever they are made, and databases that go.
SELECT tests.reset();
SELECT current_database() AS here \gset
\set VERBOSITY default
\set SHOW_CONTEXT never

-- From a prepared statement's neighbours, functions and DO blocks alike.
DO $$ BEGIN CREATE SERVER s TYPE 'opnai' FOREIGN DATA WRAPPER agent_studio OPTIONS (url 'https://api.example.com'); END $$;
CREATE FUNCTION pg_temp.f() RETURNS void LANGUAGE sql AS $$ CREATE SERVER s TYPE 'opnai' FOREIGN DATA WRAPPER agent_studio OPTIONS (url 'https://api.example.com') $$;
SELECT pg_temp.f();
CREATE SERVER s TYPE 'openai' FOREIGN DATA WRAPPER agent_studio OPTIONS (url 'https://api.example.com');
ALTER SERVER s VERSION '2';
ALTER SERVER s OWNER TO regress_adam;
ALTER SERVER s RENAME TO t;
DROP SERVER t;

-- An executor is no obstacle for what happens to its database: here it is idle.
CREATE DATABASE regress_hooks TEMPLATE template0 ENCODING 'UTF8';
\c regress_hooks
CREATE EXTENSION agent_studio;
ALTER SYSTEM SET agent_studio.databases = 'regress_hooks, regress_renamed, regress_copy';
SELECT pg_reload_conf();
CREATE PROCEDURE public.await_executor()
LANGUAGE plpgsql AS $$
DECLARE
	give_up timestamptz := clock_timestamp() + interval '60 seconds';
BEGIN
	WHILE NOT (SELECT c.ok FROM agent_studio.as_check() c WHERE c.item = 'executor running') LOOP
		IF clock_timestamp() > give_up THEN
			RAISE EXCEPTION 'no executor after a minute';
		END IF;
		COMMIT;
		PERFORM pg_sleep(0.01);		-- between two looks
	END LOOP;
END
$$;
CALL public.await_executor();
\c :here
CREATE DATABASE regress_copy TEMPLATE regress_hooks;
ALTER DATABASE regress_hooks RENAME TO regress_renamed;
\c regress_renamed
CALL public.await_executor();
\c regress_copy
CALL public.await_executor();
-- DROP EXTENSION, taken back and not.
BEGIN;
DROP EXTENSION agent_studio;
ROLLBACK;
CALL public.await_executor();
DROP EXTENSION agent_studio;
\c :here
-- A role that may not drop it has no effect on its executor.
SET ROLE regress_bob;
\set VERBOSITY sqlstate
DROP DATABASE regress_renamed;
ALTER DATABASE regress_renamed RENAME TO x;
CREATE DATABASE x TEMPLATE regress_renamed;
RESET ROLE;
SELECT count(*) AS still_running FROM pg_stat_activity WHERE datname = 'regress_renamed' AND backend_type = 'agent_studio executor';
DROP DATABASE regress_renamed;
DROP DATABASE regress_copy;
ALTER SYSTEM RESET agent_studio.databases;
SELECT pg_reload_conf();
