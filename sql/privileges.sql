-- Who may do what: every function and table by role, rows by owner and team, and
-- nobody past the gate.
SELECT tests.reset();

-- The matrix. x: may execute; s: may select. Nobody may write a table, and nobody but
-- the extension's owner may call the bodies in agent_studio_private.
CREATE FUNCTION tests.may_execute(role text, function oid) RETURNS text
LANGUAGE sql AS $$ SELECT CASE WHEN has_function_privilege(role, function, 'EXECUTE') THEN 'x' ELSE '-' END $$;
CREATE FUNCTION tests.may_use(role text, relation oid) RETURNS text
LANGUAGE sql AS $$
	SELECT CASE WHEN has_table_privilege(role, relation, 'SELECT') THEN 's' ELSE '-' END
		|| CASE WHEN has_table_privilege(role, relation, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
				  OR has_any_column_privilege(role, relation, 'INSERT, UPDATE') THEN '!' ELSE '' END
$$;
SELECT p.proname AS function,
	tests.may_execute('regress_nobody', p.oid) AS nobody, tests.may_execute('agent_studio_user', p.oid) AS "user",
	tests.may_execute('agent_studio_monitor', p.oid) AS monitor, tests.may_execute('agent_studio_operator', p.oid) AS operator,
	tests.may_execute('agent_studio_admin', p.oid) AS admin, p.prosecdef AS definer
FROM pg_proc p WHERE p.pronamespace = 'agent_studio'::regnamespace ORDER BY p.proname COLLATE "C", p.oid::regprocedure::text;
SELECT p.proname AS private_function,
	tests.may_execute('regress_nobody', p.oid) AS nobody, tests.may_execute('agent_studio_user', p.oid) AS "user",
	tests.may_execute('agent_studio_monitor', p.oid) AS monitor, tests.may_execute('agent_studio_operator', p.oid) AS operator,
	tests.may_execute('agent_studio_admin', p.oid) AS admin, p.prosecdef AS definer
FROM pg_proc p WHERE p.pronamespace = 'agent_studio_private'::regnamespace ORDER BY p.proname COLLATE "C", p.oid::regprocedure::text;
SELECT c.relname AS relation, c.relkind AS kind,
	tests.may_use('regress_nobody', c.oid) AS nobody, tests.may_use('agent_studio_user', c.oid) AS "user",
	tests.may_use('agent_studio_monitor', c.oid) AS monitor, tests.may_use('agent_studio_operator', c.oid) AS operator,
	tests.may_use('agent_studio_admin', c.oid) AS admin, c.relrowsecurity AS rls
FROM pg_class c WHERE c.relnamespace IN ('agent_studio'::regnamespace, 'agent_studio_private'::regnamespace) AND c.relkind IN ('r', 'v')
ORDER BY c.relname COLLATE "C";
SELECT c.relname AS sequence_of_others FROM pg_class c
WHERE c.relnamespace = 'agent_studio'::regnamespace
  AND CASE WHEN c.relkind = 'S' THEN has_sequence_privilege('agent_studio_admin', c.oid, 'USAGE, SELECT, UPDATE') END;
SELECT n.nspname AS schema, r.role, has_schema_privilege(r.role, n.oid, 'USAGE') AS usage, has_schema_privilege(r.role, n.oid, 'CREATE') AS "create"
FROM pg_namespace n, unnest('{regress_nobody,agent_studio_user,agent_studio_monitor,agent_studio_operator,agent_studio_admin}'::text[]) WITH ORDINALITY r (role, n)
WHERE n.nspname LIKE 'agent\_studio%' ORDER BY n.nspname, r.n;
SELECT has_foreign_data_wrapper_privilege('agent_studio_admin', 'agent_studio', 'USAGE') AS wrapper_usage;
DROP FUNCTION tests.may_execute, tests.may_use;
-- Every table with an owner column but models, which all may see, has row-level security; views that users read have the caller's rights, or the policies' condition.
SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'owner'
WHERE c.relnamespace = 'agent_studio'::regnamespace AND c.relkind = 'r' AND NOT c.relrowsecurity;
SELECT c.relname FROM pg_class c
WHERE c.relnamespace IN ('agent_studio'::regnamespace, 'agent_studio_private'::regnamespace) AND c.relkind = 'v'
  AND NOT coalesce('security_invoker=true' = ANY (c.reloptions), false)
  AND (has_table_privilege('agent_studio_user', c.oid, 'SELECT') OR has_table_privilege('agent_studio_monitor', c.oid, 'SELECT')) ORDER BY 1;

-- Rows: alice's own, her team's, bob's; one in every table.
SET ROLE regress_alice;
SELECT as_create_agent('hers', 'builder', 'mock');
SELECT as_create_agent('theirs', 'builder', 'mock', team => 'regress_team');
SELECT as_execute_task('hers', 'of alice'), as_execute_task('theirs', 'of the team');
SET ROLE regress_bob;
SELECT as_create_agent('his', 'builder', 'mock');
SELECT as_execute_task('his', 'of bob');
RESET ROLE;
INSERT INTO attempts (execution_id, step_no, attempt_no, outcome, epoch, model_id, sent_at, finished_at, possibly_billed, owner, team)
SELECT execution_id, 1, 1, 'failed', 1, 1, now(), now(), false, owner, team FROM executions;
INSERT INTO live_usage (execution_id, step_no, attempt_no, model_id, output_tokens, seen_at, owner, team)
SELECT execution_id, 1, 1, 1, 5, now(), owner, team FROM executions;
INSERT INTO thoughts (execution_id, seq, step_no, attempt_no, at, elapsed_ms, source, content, owner, team)
SELECT execution_id, 1, 1, 0, now(), 0, 'system', task, owner, team FROM executions;
INSERT INTO notices (execution_id, severity, kind, message, owner, team) SELECT execution_id, 'warning', 'retry', task, owner, team FROM executions;
INSERT INTO logs (execution_id, step_no, at, level, message, owner, team) SELECT execution_id, 1, now(), 'DEBUG', task, owner, team FROM executions;
INSERT INTO commands (execution_id, wanted, actor, owner, team) SELECT execution_id, 'cancel', owner, owner, team FROM executions;
INSERT INTO approvals (execution_id, step_no, approver, message, requested_at, on_expiry, owner, team)
SELECT execution_id, 1, owner, task, now(), 'reject', owner, team FROM executions;
INSERT INTO deliveries (execution_id, action, owner, team) SELECT execution_id, 'email', owner, team FROM executions;
UPDATE steps s SET output = e.task FROM executions e WHERE e.execution_id = s.execution_id;
CREATE FUNCTION tests.sees() RETURNS TABLE (reader text, relation text, sees text)
LANGUAGE plpgsql AS $$
DECLARE
	role text;
	name text;
BEGIN
	FOREACH role IN ARRAY '{regress_alice,regress_carol,regress_bob,regress_mona,regress_olaf}'::text[] LOOP
		FOR name IN SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'execution_id'
			WHERE c.relnamespace = 'agent_studio'::regnamespace AND c.relkind IN ('r', 'v') AND c.relname NOT IN ('queue', 'pending_approvals', 'alerts', 'workflow_history') ORDER BY 1
		LOOP
			PERFORM set_config('role', role, true);
			RETURN QUERY EXECUTE format('SELECT %L, %L, string_agg(v.task, '', '' ORDER BY r.execution_id) FROM agent_studio.%I r'
				' JOIN (VALUES (1, ''alice''), (2, ''team''), (3, ''bob'')) v (id, task) ON v.id = r.execution_id', role, name, name);
			PERFORM set_config('role', 'none', true);
		END LOOP;
	END LOOP;
END
$$;
SELECT reader, sees, array_agg(relation ORDER BY relation COLLATE "C") AS relations FROM tests.sees() GROUP BY reader, sees ORDER BY reader, sees;
DROP FUNCTION tests.sees;
SET ROLE regress_carol;
SELECT status FROM as_status(2);
SELECT as_output(2), (as_metrics(2)).model, (SELECT count(*) FROM as_thoughts(2)) AS thoughts, (SELECT count(*) > 0 FROM as_logs(2)) AS logs;
-- What the log leaves out is not shown to a condition either, however cheap it says it is, not even
-- where no row-level security keeps conditions in their order.
RESET ROLE;
INSERT INTO notices (execution_id, severity, kind, message, owner, team) VALUES (2, 'info', 'retry', 'left out', 'regress_alice', 'regress_team');
CREATE FUNCTION tests.leak(message text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$
BEGIN
	IF message = 'left out' THEN
		RAISE INFO 'leaked';
	END IF;
	RETURN true;
END
$$;
SELECT count(*) FILTER (WHERE l.message = 'of the team') AS seen FROM agent_studio_private.log_lines l
WHERE l.execution_id = 2 AND tests.leak(l.message);
DROP FUNCTION tests.leak;
-- A member of a member, and one who must SET ROLE first.
RESET ROLE;
CREATE ROLE regress_trainee IN ROLE regress_carol;
CREATE ROLE regress_shy NOINHERIT IN ROLE regress_carol, agent_studio_user;
SET ROLE regress_trainee;
SELECT task FROM executions ORDER BY 1;
SET ROLE regress_shy;
SELECT has_table_privilege('agent_studio.executions', 'SELECT') AS reads;
SET ROLE regress_carol;
SELECT task FROM executions ORDER BY 1;
RESET ROLE;

-- Users write no table and call no body.
\pset format unaligned
\pset tuples_only on
SET ROLE regress_adam;
SELECT * FROM tests.try(
	$$INSERT INTO agent_studio.queue (execution_id, step_no, model_id, order_at, run_at) VALUES (1, 1, 1, now(), now())$$,
	$$UPDATE agent_studio.executions SET owner = 'regress_adam'$$,
	$$DELETE FROM agent_studio.commands$$,
	$$TRUNCATE agent_studio.thoughts$$,
	$$SELECT FROM agent_studio.executions FOR UPDATE$$,
	$$SELECT nextval('agent_studio.executions_execution_id_seq')$$,
	$$SELECT agent_studio_private.as_cancel('postgres', 1, NULL)$$,
	$$SELECT agent_studio_private.as_create_model('postgres', 'x', 'mock', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'max_tokens', '{}', false)$$,
	$$SELECT agent_studio_private.wake()$$,
	$$SELECT agent_studio_private.extension_created()$$,
	$$CREATE FUNCTION agent_studio.as_evil() RETURNS int LANGUAGE sql RETURN 1$$);
-- A gate of one's own leads nowhere: C is for superusers, and its owner must be the body's.
RESET ROLE;
CREATE FUNCTION public.as_cancel(execution bigint, reason text) RETURNS text AS '$libdir/agent_studio', 'agent_studio_gate' LANGUAGE C;
ALTER FUNCTION public.as_cancel(bigint, text) OWNER TO regress_bob;
SET ROLE regress_bob;
SELECT * FROM tests.try($$SELECT public.as_cancel(3, NULL)$$,
	$$CREATE FUNCTION public.mine() RETURNS text AS '$libdir/agent_studio', 'agent_studio_gate' LANGUAGE C$$);
RESET ROLE;
DROP FUNCTION public.as_cancel(bigint, text);
CREATE FUNCTION public.as_nothing(execution bigint) RETURNS text AS '$libdir/agent_studio', 'agent_studio_gate' LANGUAGE C;
SELECT * FROM tests.try($$SELECT public.as_nothing(1)$$);
DROP FUNCTION public.as_nothing;

-- The actor is whoever acts: after SET ROLE the role, within a definer function its owner.
GRANT CREATE ON SCHEMA public TO regress_carol;
SET ROLE regress_carol;
CREATE FUNCTION public.submit_for_carol(task text) RETURNS bigint LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog AS $$ SELECT agent_studio.as_execute_task('theirs', task) $$;
CREATE FUNCTION public.create_for_carol() RETURNS bigint LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog AS $$ SELECT agent_studio.as_create_agent('carols', 'builder', 'mock') $$;
SET ROLE regress_bob;
SELECT public.submit_for_carol('through her function') IS NOT NULL;
SELECT public.create_for_carol() IS NOT NULL;
SELECT task, owner FROM executions ORDER BY execution_id;
SELECT current_user;
RESET ROLE;
SELECT task, owner, team FROM executions WHERE task LIKE 'through%';
SELECT name, owner FROM agents WHERE name = 'carols';
-- After an error within a gate one is who one was.
SET ROLE regress_bob;
DO $$
BEGIN
	PERFORM agent_studio.as_cancel(1);
EXCEPTION WHEN OTHERS THEN
	RAISE INFO '% as %', SQLERRM, current_user;
END
$$;
SELECT current_user;
RESET ROLE;

-- Somebody else's functions, operators and types, earlier in the path: none is called.
GRANT CREATE ON SCHEMA public TO regress_bob;
CREATE SCHEMA regress_bob AUTHORIZATION regress_bob;
SET ROLE regress_bob;
CREATE TABLE public.hijacked (who text);
GRANT ALL ON public.hijacked TO PUBLIC;
DO $$
DECLARE
	place text;
	item text;
BEGIN
	FOREACH place IN ARRAY '{regress_bob,public,pg_temp}'::text[] LOOP
		FOREACH item IN ARRAY ARRAY['lower(text)', 'upper(text)', 'btrim(text)', 'now()', 'clock_timestamp()', 'jsonb_typeof(jsonb)',
			'count(text)', 'floor(numeric)', 'strpos(text, text)', 'format(text, text)', 'array_position(text[], text)', 'current_database()',
			'pg_has_role(oid, oid, text)', 'make_interval(double precision)', 'ltrim(text)', 'replace(text, text, text)', 'round(numeric, integer)',
			'initcap(text)', 'to_char(interval, text)', 'date_trunc(text, timestamptz)', 'trim_scale(numeric)']
		LOOP
			EXECUTE pg_catalog.format('CREATE FUNCTION %s.%s RETURNS text LANGUAGE plpgsql AS %L', place, item,
				'BEGIN INSERT INTO public.hijacked VALUES (current_user); RETURN ''evil''; END');
		END LOOP;
		EXECUTE pg_catalog.format('CREATE FUNCTION %s.evil(bigint, bigint) RETURNS boolean LANGUAGE plpgsql AS %L', place,
			'BEGIN INSERT INTO public.hijacked VALUES (current_user); RETURN true; END');
		EXECUTE pg_catalog.format('CREATE FUNCTION %s.evil(text, text) RETURNS boolean LANGUAGE plpgsql AS %L', place,
			'BEGIN INSERT INTO public.hijacked VALUES (current_user); RETURN true; END');
		EXECUTE pg_catalog.format('CREATE FUNCTION %s.evil(text, text[]) RETURNS boolean LANGUAGE plpgsql AS %L', place,
			'BEGIN INSERT INTO public.hijacked VALUES (current_user); RETURN true; END');
		FOREACH item IN ARRAY '{=,<>,>,<,<=,>=}'::text[] LOOP
			EXECUTE pg_catalog.format('CREATE OPERATOR %s.%s (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = %s.evil)', place, item, place);
			EXECUTE pg_catalog.format('CREATE OPERATOR %s.%s (LEFTARG = text, RIGHTARG = text, FUNCTION = %s.evil)', place, item, place);
		END LOOP;
		EXECUTE pg_catalog.format('CREATE OPERATOR %s.|| (LEFTARG = text, RIGHTARG = text, FUNCTION = %s.evil)', place, place);
		EXECUTE pg_catalog.format('CREATE TYPE %s.evil_enum AS ENUM (''a'')', place);
	END LOOP;
END
$$;
CREATE TEMP TABLE executions (execution_id bigint, status text, finished_at timestamptz);
CREATE TEMP TABLE steps (execution_id bigint);
CREATE TEMP TABLE pg_roles (oid oid, rolname name);
GRANT USAGE ON SCHEMA regress_bob TO PUBLIC;
RESET ROLE;
CREATE FUNCTION tests.everything() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	id bigint;
BEGIN
	PERFORM agent_studio.as_create_agent('hijack', 'builder', 'mock', 'x', team => 'regress_bob', temperature => 1, tags => '{a}');
	PERFORM agent_studio.as_update_agent('hijack', temperature => 0.5, description => 'x');
	PERFORM agent_studio.as_deprecate_agent('hijack');
	PERFORM agent_studio.as_deprecate_agent('hijack', false);
	id := agent_studio.as_execute_task('hijack', 'hijack me', context => '{"a": 1}', priority => 'HIGH', idempotency_key => 'h');
	PERFORM agent_studio.as_execute_task('hijack', 'hijack me', idempotency_key => 'h');
	PERFORM agent_studio.as_status(id), agent_studio.as_output(id), agent_studio.as_metrics(id), agent_studio.as_quality(id);
	PERFORM * FROM agent_studio.as_workflow_status(id);
	PERFORM * FROM agent_studio.as_watch(id);
	PERFORM * FROM agent_studio.as_failure(id);
	PERFORM * FROM agent_studio.as_result(id);
	PERFORM * FROM agent_studio.artifacts;
	PERFORM * FROM agent_studio.as_history('{paused}', search => 'x', agent_type => 'builder');
	PERFORM * FROM agent_studio.as_history_totals(duration => 'fast');
	PERFORM agent_studio.as_download(id), agent_studio.as_download_text(id, f) FROM unnest('{md,json,txt}'::text[]) f;
	PERFORM * FROM agent_studio.as_compare(id, id);
	PERFORM * FROM agent_studio.execution_history;
	PERFORM * FROM agent_studio.workflow_history;
	PERFORM * FROM agent_studio.as_diagram(id);
	PERFORM * FROM agent_studio.as_diagram(id, 'svg');
	PERFORM agent_studio.as_report(id), agent_studio.as_report_html(id);
	PERFORM agent_studio.as_dashboard_html();
	PERFORM agent_studio.as_watch_all();
	PERFORM agent_studio.as_cancel(agent_studio.as_clone(id, '{"priority": "low", "context": {"b": 2}}'));
	PERFORM * FROM agent_studio.as_recovery_options(id);
	PERFORM * FROM agent_studio.pending_approvals;
	PERFORM * FROM agent_studio.as_thoughts(id);
	PERFORM * FROM agent_studio.as_logs(id, 'info', 'x');
	PERFORM * FROM agent_studio.as_check();
	PERFORM * FROM agent_studio.as_context_fields('builder');
	PERFORM * FROM agent_studio.as_search_agents('hijak', agent_type => 'builder', team => 'mine', environment => 'development');
	PERFORM * FROM agent_studio.as_suggest_agents('Build and hijack');
	PERFORM * FROM agent_studio.as_task_template('builder');
	PERFORM * FROM agent_studio.as_check_task('hijack', 'Build something', '{"a": 1}');
	PERFORM * FROM agent_studio.agent_performance;
	PERFORM agent_studio.as_set_budget('user:regress_bob', 1, 'day', 'refuse');
	PERFORM * FROM agent_studio.budget_status;
	PERFORM * FROM agent_studio_private.budget_alerts();
	PERFORM agent_studio.as_set_budget('user:regress_bob', NULL);
	PERFORM * FROM agent_studio.executions;
	PERFORM * FROM agent_studio.outputs;
	PERFORM agent_studio.as_grant('hijack', 'regress_alice', 'modify'), agent_studio.as_revoke('hijack', 'regress_alice');
	PERFORM set_config('cron.database_name', 'elsewhere', true);
	PERFORM agent_studio.as_create_workflow('hijack', 'sequential', '{"steps": [{"name": "a", "agent": "hijack", "task": "b"}]}');
	PERFORM agent_studio.as_schedule('hijack', '* * * * *', 'hijack');
	PERFORM agent_studio.as_cancel(agent_studio.as_run_schedule('hijack'));
	PERFORM agent_studio.as_unschedule('hijack');
	PERFORM agent_studio.as_pause(id, reason => 'x');
	PERFORM agent_studio.as_cancel(id, 'x');
	PERFORM agent_studio.as_wait(id, 0);
	PERFORM agent_studio_private.result_text(id), agent_studio_private.status_note(e)
	FROM agent_studio.executions e;
END
$$;
CREATE PROCEDURE tests.follow(id bigint)
LANGUAGE plpgsql AS $$
BEGIN
	CALL agent_studio.as_follow(id, NULL, NULL, NULL, NULL, NULL);
END
$$;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA regress_bob, public TO PUBLIC;
SET search_path = regress_bob, public, pg_temp, pg_catalog, agent_studio;
SET ROLE regress_bob;
SELECT tests.everything();
SELECT pg_catalog.max(e.execution_id) AS id FROM agent_studio.executions e \gset
CALL agent_studio.as_follow(:id);
SELECT who FROM public.hijacked;
-- The trap works where it is stepped into.
SELECT lower('X');
SELECT who FROM public.hijacked;
RESET search_path;
RESET ROLE;

\set VERBOSITY terse
SET client_min_messages = error;
DISCARD TEMP;
DROP SCHEMA regress_bob CASCADE;
DROP FUNCTION tests.everything;
DROP PROCEDURE tests.follow;
SET ROLE regress_bob;
DROP OWNED BY regress_bob;
RESET ROLE;
DROP FUNCTION public.submit_for_carol, public.create_for_carol;
REVOKE CREATE ON SCHEMA public FROM regress_carol;
DROP ROLE regress_trainee, regress_shy;
