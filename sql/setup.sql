-- What the other tests share: the extension, roles, and functions of the tests.
-- This one runs first; every other begins with tests.reset(). No executor runs
-- (agent_studio.databases is empty), except where a test starts one.
\set VERBOSITY terse
SET client_min_messages = warning;

CREATE EXTENSION agent_studio;

-- Roles: one for each kind of user, a team, and one who may do nothing.
CREATE ROLE regress_team;
CREATE ROLE regress_alice IN ROLE agent_studio_user, regress_team;
CREATE ROLE regress_bob IN ROLE agent_studio_user;
CREATE ROLE regress_carol IN ROLE agent_studio_user, regress_team;
CREATE ROLE regress_mona IN ROLE agent_studio_monitor;
CREATE ROLE regress_olaf IN ROLE agent_studio_operator;
CREATE ROLE regress_adam IN ROLE agent_studio_admin;
CREATE ROLE regress_nobody;

CREATE SCHEMA tests;
GRANT USAGE ON SCHEMA tests TO PUBLIC;

-- An error as lines to compare: class, message, detail and hint, but no context,
-- which differs between versions. What is accepted stays done.
CREATE FUNCTION tests.try(VARIADIC statements text[]) RETURNS SETOF text
LANGUAGE plpgsql AS $$
DECLARE
	statement text;
	state text;
	message text;
	detail text;
	hint text;
BEGIN
	FOREACH statement IN ARRAY statements LOOP
		RETURN NEXT regexp_replace(statement, '\s+', ' ', 'g');
		BEGIN
			EXECUTE statement;
			RETURN NEXT '    accepted';
		EXCEPTION WHEN OTHERS THEN
			GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
				detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
			RETURN NEXT format('    %s: %s', state, message);
			RETURN QUERY SELECT '    detail: ' || detail WHERE detail <> '';
			RETURN QUERY SELECT '    hint: ' || hint WHERE hint <> '';
		END;
	END LOOP;
END
$$;

-- An empty Agent Studio with one endpoint, at which nothing listens, one model and
-- one agent that everybody may use. To be called by a superuser.
CREATE FUNCTION tests.reset() RETURNS void
LANGUAGE plpgsql SET client_min_messages = error AS $$
BEGIN
	EXECUTE (SELECT 'TRUNCATE ' || string_agg(t.oid::regclass::text, ', ') || ' RESTART IDENTITY' FROM pg_class t
			 WHERE t.relnamespace = 'agent_studio'::regnamespace AND t.relkind = 'r' AND t.relname <> 'epochs');
	DROP SERVER IF EXISTS mock CASCADE;
	CREATE SERVER mock TYPE 'openai' FOREIGN DATA WRAPPER agent_studio
		OPTIONS (url 'http://127.0.0.1:1/v1', allow_http 'true', allow_private 'true');
	GRANT USAGE ON FOREIGN SERVER mock TO agent_studio_user;
	CREATE USER MAPPING FOR PUBLIC SERVER mock OPTIONS (api_key 'sk-regress-secret');
	PERFORM set_config('role', 'regress_adam', true);
	PERFORM agent_studio.as_create_model('mock', 'mock', model_version => '2026-01', max_output_tokens => 4096,
		input_price => 10, cached_input_price => 5, output_price => 30);
	PERFORM agent_studio.as_create_agent('worker', 'builder', 'mock', 'You build.', visibility => 'shared');
	PERFORM set_config('role', 'none', true);
END
$$;

-- Rows below an execution, a step or a version that is not there: the tables that
-- the executor writes have no foreign keys.
CREATE FUNCTION tests.orphans() RETURNS TABLE (child text, execution_id bigint, missing text)
LANGUAGE sql AS $$
	SELECT 'steps', s.execution_id, 'execution' FROM agent_studio.steps s
	WHERE NOT EXISTS (SELECT FROM agent_studio.executions e WHERE e.execution_id = s.execution_id)
	UNION ALL
	SELECT 'steps', s.execution_id, 'agent version' FROM agent_studio.steps s
	WHERE s.agent_version_id IS NOT NULL
	  AND NOT EXISTS (SELECT FROM agent_studio.agent_versions v WHERE v.agent_version_id = s.agent_version_id)
	UNION ALL
	SELECT 'model_prices', NULL, 'model' FROM agent_studio.model_prices p
	WHERE NOT EXISTS (SELECT FROM agent_studio.models m WHERE m.model_id = p.model_id)
	UNION ALL
	SELECT 'agent_versions', NULL, 'agent or model' FROM agent_studio.agent_versions v
	WHERE NOT EXISTS (SELECT FROM agent_studio.agents a WHERE a.agent_id = v.agent_id)
	   OR NOT EXISTS (SELECT FROM agent_studio.models m WHERE m.model_id = v.model_id)
	UNION ALL
	SELECT 'workflow_versions', NULL, 'workflow' FROM agent_studio.workflow_versions v
	WHERE NOT EXISTS (SELECT FROM agent_studio.workflows w WHERE w.workflow_id = v.workflow_id)
	UNION ALL
	SELECT 'steps', s.execution_id, 'model' FROM agent_studio.steps s
	WHERE s.model_id IS NOT NULL
	  AND NOT EXISTS (SELECT FROM agent_studio.models m WHERE m.model_id = s.model_id)
	UNION ALL
	SELECT 'executions', e.execution_id, 'step' FROM agent_studio.executions e
	WHERE NOT EXISTS (SELECT FROM agent_studio.steps s WHERE s.execution_id = e.execution_id)
	UNION ALL
	SELECT c.child, c.execution_id, 'step'
	FROM (SELECT 'queue' AS child, execution_id, step_no FROM agent_studio.queue
		  UNION ALL SELECT 'attempts', execution_id, step_no FROM agent_studio.attempts
		  UNION ALL SELECT 'thoughts', execution_id, step_no FROM agent_studio.thoughts
		  UNION ALL SELECT 'logs', execution_id, step_no FROM agent_studio.logs
		  UNION ALL SELECT 'approvals', execution_id, step_no FROM agent_studio.approvals
		  UNION ALL SELECT 'live_usage', execution_id, step_no FROM agent_studio.live_usage
		  UNION ALL SELECT 'notices', execution_id, step_no FROM agent_studio.notices WHERE step_no IS NOT NULL) c
	WHERE NOT EXISTS (SELECT FROM agent_studio.steps s
					  WHERE s.execution_id = c.execution_id AND s.step_no = c.step_no)
	UNION ALL
	SELECT c.child, c.execution_id, 'execution'
	FROM (SELECT 'commands' AS child, execution_id FROM agent_studio.commands
		  UNION ALL SELECT 'deliveries', execution_id FROM agent_studio.deliveries
		  UNION ALL SELECT 'notices', execution_id FROM agent_studio.notices) c
	WHERE NOT EXISTS (SELECT FROM agent_studio.executions e WHERE e.execution_id = c.execution_id)
	UNION ALL
	SELECT 'thoughts', t.execution_id, 'attempt' FROM agent_studio.thoughts t
	WHERE t.attempt_no > (SELECT max(s.attempt_no) FROM agent_studio.steps s
						  WHERE s.execution_id = t.execution_id AND s.step_no = t.step_no)
	UNION ALL
	SELECT 'queue', q.execution_id, 'unfinished step' FROM agent_studio.queue q
	JOIN agent_studio.steps s USING (execution_id, step_no)
	WHERE s.finished_at IS NOT NULL
	UNION ALL
	SELECT 'steps', s.execution_id, 'queue row' FROM agent_studio.steps s
	WHERE s.state IN ('queued', 'running', 'retrying', 'paused')
	  AND NOT EXISTS (SELECT FROM agent_studio.queue q
					  WHERE q.execution_id = s.execution_id AND q.step_no = s.step_no)
$$;

-- Starts or stops this database's executor, and waits until as_check says so.
CREATE PROCEDURE tests.await_executor(wanted boolean)
LANGUAGE plpgsql AS $$
DECLARE
	give_up timestamptz := clock_timestamp() + interval '60 seconds';
	running boolean;
BEGIN
	LOOP
		running := (SELECT c.ok FROM agent_studio.as_check() c WHERE c.item = 'executor running');
		EXIT WHEN running = wanted;
		IF clock_timestamp() > give_up THEN
			RAISE EXCEPTION 'the executor is % after a minute', CASE WHEN running THEN 'running' ELSE 'not running' END;
		END IF;
		COMMIT;
		PERFORM pg_sleep(0.01);		-- between two looks
	END LOOP;
END
$$;

-- The schema is last, as the README advises. Most tests submit tasks that nobody
-- takes, and need not be warned of that each time.
SELECT format('ALTER DATABASE %I SET search_path = "$user", public, agent_studio', current_database()),
	   format('ALTER DATABASE %I SET client_min_messages = error', current_database())
\gexec

SELECT tests.reset();
SELECT name, owner FROM agent_studio.models;
SELECT name, owner, current_version FROM agent_studio.agents;
