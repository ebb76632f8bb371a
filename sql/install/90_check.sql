-- as_check: a row per thing that must be right, with the way to mend it. Names in
-- remedies are quoted: they are there to be executed.

CREATE FUNCTION agent_studio_private.preload_remedy() RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	-- Each library by itself: several in one literal would be the name of one.
	SELECT pg_catalog.format('ALTER SYSTEM SET shared_preload_libraries = %s; then restart the server.',
		pg_catalog.string_agg(pg_catalog.quote_literal(pg_catalog.btrim(l.name, ' "')), ', ' ORDER BY l.n))
	FROM pg_catalog.unnest(pg_catalog.string_to_array(
		nullif(pg_catalog.current_setting('shared_preload_libraries'), ''), ',') || '{agent_studio}'::text[])
		WITH ORDINALITY l (name, n);
END;
COMMENT ON FUNCTION agent_studio_private.preload_remedy() IS 'The command that adds our library to those that are preloaded.';

CREATE FUNCTION agent_studio_private.endpoint_remedy(server pg_catalog.pg_foreign_server, problem text) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT CASE
		WHEN problem LIKE 'role %' THEN pg_catalog.format('GRANT USAGE ON FOREIGN SERVER %I TO %I;', (server).srvname, current_user)
		WHEN problem LIKE 'the user mapping''s %' THEN
			pg_catalog.format('ALTER USER MAPPING FOR %s SERVER %I OPTIONS (SET %I ''...'');',
				CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_user_mappings u WHERE u.srvid = (server).oid AND u.umuser <> 0 AND u.usename = current_user)
					THEN pg_catalog.quote_ident(current_user) ELSE 'PUBLIC' END,
				(server).srvname, pg_catalog.substring(problem, 'mapping''s (\w+)'))
		WHEN problem LIKE '%this version does not speak to' THEN
			pg_catalog.format('Drop server %I, and create it with a TYPE of this version.', (server).srvname)
		WHEN problem IS NOT NULL THEN pg_catalog.format('ALTER SERVER %I OPTIONS (%s url ''https://...'');', (server).srvname,
			CASE WHEN EXISTS (SELECT FROM pg_catalog.unnest((server).srvoptions) o (option) WHERE o.option LIKE 'url=%') THEN 'SET' ELSE 'ADD' END)
		END;
END;
COMMENT ON FUNCTION agent_studio_private.endpoint_remedy(pg_catalog.pg_foreign_server, text) IS
'The command that mends what endpoint_problem has found; "..." is to be filled in. NULL = there is no problem.';

CREATE FUNCTION agent_studio_private.check_worker()
RETURNS TABLE (item text, ok boolean, detail text, fix text)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	w record := agent_studio_private.worker_state();
	installed text := (SELECT x.extversion FROM pg_extension x WHERE x.extname = 'agent_studio');
BEGIN
	RETURN QUERY SELECT 'library preloaded', w.preloaded,
		CASE WHEN w.preloaded THEN 'version ' || w.loaded_version ELSE 'shared_preload_libraries does not name agent_studio' END,
		CASE WHEN NOT w.preloaded THEN agent_studio_private.preload_remedy() END;
	RETURN QUERY SELECT 'versions match', w.loaded_version = installed,
		format('library %s, extension %s', w.loaded_version, installed),
		CASE WHEN string_to_array(w.loaded_version, '.')::int[] < string_to_array(installed, '.')::int[] THEN 'Restart the server, so that it loads the new library.'
			WHEN w.loaded_version <> installed THEN 'ALTER EXTENSION agent_studio UPDATE;' END;
	IF pg_is_in_recovery() THEN
		RETURN QUERY SELECT 'executor running', NULL::boolean, 'this server is a standby: work runs on the primary, and here after promotion', NULL::text;
	ELSIF w.preloaded THEN
		RETURN QUERY SELECT 'launcher running', w.launcher_pid IS NOT NULL,
			coalesce('pid ' || w.launcher_pid, 'not running'),
			CASE WHEN w.launcher_pid IS NULL THEN 'Look for agent_studio in the server log; it is started again within seconds.' END;
		RETURN QUERY SELECT 'database listed', w.listed, format('agent_studio.databases = %s', current_setting('agent_studio.databases', true)),
			CASE WHEN NOT w.listed THEN format('ALTER SYSTEM SET agent_studio.databases = %L; SELECT pg_reload_conf();',
				concat_ws(', ', nullif(current_setting('agent_studio.databases', true), ''), quote_ident(current_database()))) END;
		RETURN QUERY SELECT 'executor running', w.state = 'running',
			CASE WHEN w.state = 'running' THEN format('pid %s, epoch %s, %s calls in flight', w.executor_pid, w.epoch, w.in_flight)
				ELSE concat_ws(': ', w.state, w.problem) END,
			CASE WHEN w.state <> 'running' THEN coalesce(
				CASE WHEN NOT w.listed THEN 'See "database listed": it starts by itself then.'
					WHEN w.loaded_version <> installed THEN 'See "versions match": it starts by itself then.'
					WHEN w.problem LIKE '%max_worker_processes%' THEN
					format('ALTER SYSTEM SET max_worker_processes = %s; then restart the server.', current_setting('max_worker_processes')::int + 4) END,
				'Look for agent_studio in the server log; it is started again within a minute.') END;
		IF w.state = 'running' THEN
			RETURN QUERY SELECT 'executor gets on', w.problem IS NULL, coalesce(w.problem, 'its transactions succeed'),
				CASE WHEN w.problem IS NOT NULL THEN 'The server log has each error with its statement. Mend what it names; the work goes on by itself then.' END;
		END IF;
	END IF;
END
$$;
COMMENT ON FUNCTION agent_studio_private.check_worker() IS 'The rows of as_check that tell of library and workers.';

CREATE FUNCTION agent_studio_private.check_endpoints()
RETURNS TABLE (item text, ok boolean, detail text, fix text)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY
	SELECT 'endpoint ' || s.srvname, p.problem IS NULL,
		   coalesce(p.problem, format('%s may call it%s', current_user,
				CASE WHEN k.has_key THEN '' ELSE ', without a key' END)),
		   CASE WHEN p.problem IS NOT NULL THEN agent_studio_private.endpoint_remedy(s, p.problem)
				WHEN NOT k.has_key THEN format('If it needs one: CREATE USER MAPPING FOR PUBLIC SERVER %I OPTIONS (api_key_file ''...'');', s.srvname) END
	FROM pg_foreign_server s
	JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw AND w.fdwname = 'agent_studio'
	CROSS JOIN LATERAL (SELECT agent_studio_private.endpoint_problem(s.srvname, current_user)) p (problem)
	CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM pg_user_mappings u WHERE u.srvid = s.oid
						AND (u.umuser = 0 OR u.usename = current_user))) k (has_key)
	ORDER BY s.srvname;
	IF NOT FOUND THEN
		RETURN QUERY SELECT 'endpoints', false, 'there is no server of wrapper agent_studio',
			'CREATE SERVER openai TYPE ''openai'' FOREIGN DATA WRAPPER agent_studio OPTIONS (url ''https://api.openai.com/v1'');';
	END IF;
	RETURN QUERY
	SELECT 'model ' || m.name, false, format('server "%s" does not exist', m.server),
		   format('CREATE SERVER %I TYPE ''openai'' FOREIGN DATA WRAPPER agent_studio OPTIONS (url ''https://...''); or SELECT agent_studio.as_update_model(%L, server => ''...'');', m.server, m.name)
	FROM agent_studio.models m
	WHERE NOT EXISTS (SELECT FROM pg_foreign_server s WHERE s.srvname = m.server);
	RETURN QUERY
	SELECT 'models', EXISTS (SELECT FROM agent_studio.models), format('%s models', (SELECT count(*) FROM agent_studio.models)),
		   CASE WHEN NOT EXISTS (SELECT FROM agent_studio.models)
				THEN format('SELECT agent_studio.as_create_model(''gpt-4-turbo'', %L);', coalesce((
					SELECT min(s.srvname) FROM pg_foreign_server s
					JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw AND w.fdwname = 'agent_studio'), 'openai')) END;
END
$$;
COMMENT ON FUNCTION agent_studio_private.check_endpoints() IS 'The rows of as_check that tell of endpoints, keys and models.';

CREATE FUNCTION agent_studio_private.check_work()
RETURNS TABLE (item text, ok boolean, detail text, fix text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan SET jit = off
AS $$
BEGIN
	-- What is not at rest is looked for once.
	RETURN QUERY
	WITH unfinished AS MATERIALIZED (
		SELECT e.execution_id, e.owner FROM agent_studio.executions e
		WHERE e.finished_at IS NULL)
	SELECT 'restored work', count(*) = 0,
		   CASE WHEN count(*) = 0 THEN 'every unfinished step is in the queue'
				ELSE format('%s steps were restored from a dump, or copied, and wait', count(*)) END,
		   CASE WHEN count(*) > 0 THEN 'SELECT agent_studio.as_release_restored();' END
	FROM unfinished e JOIN agent_studio.steps s USING (execution_id)
	WHERE s.state IN ('queued', 'running', 'retrying', 'paused')
	  AND NOT EXISTS (SELECT FROM agent_studio_private.queued_steps q
					  WHERE q.execution_id = s.execution_id AND q.step_no = s.step_no)
	UNION ALL
	SELECT 'owners exist', count(*) = 0,
		   CASE WHEN count(*) = 0 THEN 'every owner of unfinished work exists'
				ELSE format('missing roles own %s unfinished executions: %s', count(*), string_agg(DISTINCT e.owner, ', ')) END,
		   CASE WHEN count(*) > 0 THEN string_agg(DISTINCT format('CREATE ROLE %I;', e.owner), ' ') || ' or as_cancel those executions.' END
	FROM unfinished e
	WHERE NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = e.owner);
END
$$;
COMMENT ON FUNCTION agent_studio_private.check_work() IS 'The rows of as_check that tell of work which waits for somebody.';

CREATE FUNCTION agent_studio_private.check_schedules()
RETURNS TABLE (item text, ok boolean, detail text, fix text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	remedy text := agent_studio_private.cron_remedy();
	known bigint := (SELECT count(*) FROM agent_studio.schedules);
	idle bigint := (SELECT count(*) FROM agent_studio.schedules s WHERE NOT agent_studio_private.runs_here(s.schedule_id));
BEGIN
	RETURN QUERY
	SELECT 'pg_cron', CASE WHEN remedy IS NULL THEN true WHEN known > 0 THEN false END,
		   CASE WHEN agent_studio_private.cron_is_here() THEN 'installed in this database'
				WHEN remedy IS NULL THEN format('in database "%s"; as_schedule tells the call to make there', current_setting('cron.database_name', true))
				ELSE 'not in this database; only schedules need it' END,
		   remedy;
	RETURN QUERY
	SELECT 'schedule ' || s.name, false, 'started nothing: ' || s.last_error,
		   format('SELECT agent_studio.as_run_schedule(%L); tries it again.', s.name)
	FROM agent_studio.schedules s WHERE s.last_error IS NOT NULL ORDER BY s.name;
	RETURN QUERY
	SELECT 'schedules', idle = 0, CASE WHEN idle = 0 THEN format('%s schedules', known)
				ELSE format('%s of %s schedules were restored from a dump, and wait', idle, known) END,
		   CASE WHEN idle > 0 THEN 'SELECT agent_studio.as_release_restored();' END
	WHERE known > 0;
END
$$;
COMMENT ON FUNCTION agent_studio_private.check_schedules() IS 'The rows of as_check that tell of pg_cron and of schedules.';

-- By the oldest thought: whoever purges has removed it.
CREATE FUNCTION agent_studio_private.check_retention()
RETURNS TABLE (item text, ok boolean, detail text, fix text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
BEGIN
	RETURN QUERY
	SELECT 'retention', false,
		   format('thoughts and prompts of execution %s, which came to rest on %s, are still there', e.execution_id, e.finished_at::date),
		   'CALL agent_studio.as_purge(); and each night by pg_cron: SELECT cron.schedule(''agent_studio purge'', ''17 3 * * *'', ''CALL agent_studio.as_purge()'');'
	FROM agent_studio.executions e
	WHERE e.execution_id = (SELECT t.execution_id FROM agent_studio.thoughts t ORDER BY t.execution_id LIMIT 1)
	  AND e.finished_at < now() - coalesce(agent_studio_private.own_retention(e), agent_studio_private.retention()) - interval '7 days' AND e.purged_at IS NULL;
END
$$;
COMMENT ON FUNCTION agent_studio_private.check_retention() IS 'The row of as_check that tells that nobody purges.';

CREATE FUNCTION agent_studio.as_check()
RETURNS TABLE (item text, ok boolean, detail text, fix text)
LANGUAGE sql VOLATILE
BEGIN ATOMIC
	SELECT * FROM agent_studio_private.check_worker()
	UNION ALL
	SELECT * FROM agent_studio_private.check_endpoints()
	UNION ALL
	SELECT * FROM agent_studio_private.check_work()
	UNION ALL
	SELECT * FROM agent_studio_private.check_schedules()
	UNION ALL
	SELECT * FROM agent_studio_private.check_retention();
END;
COMMENT ON FUNCTION agent_studio.as_check() IS
'A row per thing that must be right: ok, what was found, and the command that mends it. ok is NULL where it does not matter here (a standby has no executor; pg_cron is optional). Endpoints are checked with the rights of the caller; no key is ever shown.';
