-- What a hostile user of the database could try: each attempt, and that nothing comes of it.
-- regress_bob is the attacker, regress_alice has what he is after: a secret in every text.
SELECT tests.reset();
ALTER TABLE agent_studio.executions ALTER COLUMN execution_id RESTART WITH 777001;
\pset format unaligned
\pset tuples_only on
GRANT CREATE ON SCHEMA public TO regress_bob;
SET ROLE regress_alice;
SELECT as_create_agent('alices', 'builder', 'mock', 'sesame', description => 'sesame');
SELECT as_create_workflow('alices-flow', 'sequential', '{"steps": [{"name": "a", "agent": "alices", "task": "sesame"}]}');
SELECT as_execute_task('alices', 'sesame', context => '{"word": "sesame"}', idempotency_key => 'the key') AS secret \gset
SELECT as_set_budget('user:regress_alice', 7);
RESET ROLE;
SELECT as_set_budget('agent:alices', 5);
UPDATE steps SET output = 'sesame' WHERE execution_id = :secret;
INSERT INTO thoughts (execution_id, seq, step_no, attempt_no, at, elapsed_ms, source, content, owner) VALUES (:secret, 1, 1, 0, now(), 0, 'system', 'sesame', 'regress_alice');
INSERT INTO approvals (execution_id, step_no, approver, message, requested_at, on_expiry, owner) VALUES (:secret, 1, 'regress_alice', 'sesame', now(), 'reject', 'regress_alice');
ANALYZE;

-- Looking past the policies. A function that leaks, however cheap it says it is, in the WHERE of every
-- table and view, of ours and of the statistics; COPY, TABLESAMPLE, a cursor, a plan kept from another role.
CREATE FUNCTION public.leak(text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$
BEGIN
	IF $1 ~ 'sesame' THEN
		RAISE EXCEPTION 'leaked: %', $1;
	END IF;
	RETURN true;
END
$$;
GRANT EXECUTE ON FUNCTION public.leak TO PUBLIC;
CREATE FUNCTION tests.looks_everywhere() RETURNS TABLE (relation regclass, said text)
LANGUAGE plpgsql AS $$
BEGIN
	FOR relation IN SELECT c.oid FROM pg_class c
		WHERE c.relnamespace::regnamespace::text ~ '^(agent_studio|pg_catalog)' AND c.relkind IN ('r', 'v') AND c.relname !~ '^pg_(backend|config|file|hba|ident|shmem)'
		  AND (c.relnamespace <> 'pg_catalog'::regnamespace OR c.relname ~ '^pg_stat')
	LOOP
		BEGIN
			EXECUTE format('SELECT 1 FROM %s r WHERE public.leak(r::text) AND public.leak(r::text) ORDER BY r::text', relation);
			EXECUTE format('SELECT count(*), max(r::text) FROM %s r GROUP BY public.leak(r::text)', relation);
		EXCEPTION
			WHEN insufficient_privilege THEN
				CONTINUE;
			WHEN OTHERS THEN
				said := SQLERRM;
				RETURN NEXT;
		END;
	END LOOP;
END
$$;
SET ROLE regress_bob;
SELECT * FROM tests.looks_everywhere();
COPY agent_studio.executions TO STDOUT;
COPY (SELECT content FROM agent_studio.thoughts TABLESAMPLE SYSTEM (100)) TO STDOUT;
SELECT count(*) FROM pg_stats WHERE schemaname ~ '^agent_studio' AND (most_common_vals::text ~ 'sesame|alice' OR histogram_bounds::text ~ 'sesame|alice');
SET ROLE regress_alice;
PREPARE kept AS SELECT task FROM agent_studio.executions;
EXECUTE kept;
BEGIN;
DECLARE hers CURSOR FOR SELECT task FROM agent_studio.executions;
SET LOCAL ROLE regress_bob;
EXECUTE kept;
SELECT count(*) FROM agent_studio.executions;
COMMIT;
DEALLOCATE kept;
-- The trap does leak where there is something to see.
SELECT count(*) > 5 FROM tests.looks_everywhere() WHERE said ~ '^leaked';
SET ROLE regress_bob;
SET row_security = off;
SELECT * FROM tests.try('SELECT count(*) FROM agent_studio.executions', format('SELECT agent_studio.as_output(%s)', :secret));
RESET row_security;
RESET ROLE;

-- Does it exist? What is hidden and what is not there are answered alike, by the functions and by what they are made of.
CREATE FUNCTION tests.alike(call text, hidden text, absent text) RETURNS text
LANGUAGE sql AS $$
	SELECT CASE WHEN h.said = a.said THEN 'alike' ELSE h.said || ' / ' || a.said END
	FROM (SELECT string_agg(replace(t, hidden, 'IT'), E'\n') FROM tests.try(format(call, hidden)) t) h (said),
		 (SELECT string_agg(replace(t, absent, 'IT'), E'\n') FROM tests.try(format(call, absent)) t) a (said)
$$;
SET ROLE regress_bob;
SELECT call, tests.alike(call, :'secret', '424242') FROM unnest(ARRAY[
	'SELECT agent_studio.as_compare(%s, %1$s)', 'SELECT agent_studio.as_clone(%s, ''{"priority": "nonsense"}'')', 'SELECT agent_studio.as_approve(%s, ''nonsense'')',
	'SELECT agent_studio.as_retry_step(%s, ''a'', timeout_seconds => -1)', 'SELECT agent_studio.as_pause(%s, immediately => NULL)',
	'SELECT agent_studio.as_download(%s, ''nonsense'')', 'SELECT agent_studio.as_logs(%s, ''nonsense'')', 'SELECT agent_studio.as_thoughts(%s, -1)', 'SELECT agent_studio.as_diagram(%s, ''nonsense'')']) call;
SELECT call, tests.alike(call, 'alices', 'mallos') FROM unnest(ARRAY[
	'SELECT agent_studio.as_execute_task(%L, '''')', 'SELECT agent_studio.as_update_agent(%L, version => ''nonsense'')', 'SELECT agent_studio.as_set_budget(''agent:%s'', 3)',
	'SELECT agent_studio.as_set_budget(''agent:%s'', NULL)', 'SELECT agent_studio.as_grant(%L, ''regress_bob'', ''nonsense'')', 'SELECT agent_studio.as_grant(%L, ''nonsense'')',
	'SELECT * FROM agent_studio.as_history(agent => %L)',
	'SELECT agent_studio.as_create_workflow(''x'', ''sequential'', jsonb_build_object(''steps'', jsonb_build_array(jsonb_build_object(''name'', ''a'', ''task'', ''b'', ''agent'', %L))))']) call;
SELECT call, tests.alike(call, 'alices-flow', 'mallos-flow') FROM unnest(ARRAY[
	'SELECT agent_studio.as_run_workflow(%L, ''[]'')', 'SELECT agent_studio.as_run_workflow(%L, version => ''nonsense'')', 'SELECT agent_studio.as_export_workflow(%L, ''nonsense'')',
	'SELECT agent_studio.as_add_step(%L, NULL)', 'SELECT agent_studio.as_set_budget(''workflow:%s'', 3)', 'SELECT agent_studio.as_test_workflow(%L, mode => ''nonsense'')',
	'SELECT agent_studio.as_diagram(%L::text, ''nonsense'')']) call;
SELECT (SELECT count(*) FROM unnest(agent_studio_private.active_ids())), (SELECT count(*) FROM agent_studio_private.waiting_steps),
	(SELECT count(*) FROM agent_studio_private.queued_steps), (SELECT count(*) FROM agent_studio.pending_approvals);
SELECT * FROM tests.try($$SELECT agent_studio_private.active_ids('regress_alice')$$, $$SELECT count(*) FROM agent_studio.queue$$);
-- What bob may execute there that reads with its owner's rights takes no id, and tells of nobody.
SELECT p.oid::regprocedure FROM pg_proc p
WHERE p.pronamespace = 'agent_studio_private'::regnamespace AND has_function_privilege('regress_bob', p.oid, 'EXECUTE') AND p.prosecdef
ORDER BY p.proname;
-- The same key is another owner's.
SELECT as_execute_task('worker', 'of bob', idempotency_key => 'the key') = :secret;

-- What PostgreSQL refuses it refuses in words of its own, which change: the SQLSTATE alone.
RESET ROLE;
CREATE FUNCTION tests.refused(VARIADIC statements text[]) RETURNS SETOF text
LANGUAGE sql AS $$
	SELECT regexp_replace(t, '^(    [0-9A-Z]{5}):.*', '\1') FROM tests.try(VARIADIC statements) t WHERE t !~ '^    (detail|hint): '
$$;
-- To become somebody else: a body's first argument, another role, settings, a definer function of one's own.
SET SESSION AUTHORIZATION regress_bob;
SELECT * FROM tests.refused(
	$$SELECT agent_studio_private.as_grant('regress_alice', 'alices', 'regress_bob', 'modify')$$,
	$$SELECT agent_studio_private.start_test('alices-flow', '{}', NULL)$$,
	$$SET ROLE regress_alice$$,
	$$SELECT set_config('role', 'agent_studio_admin', false)$$,
	$$ALTER ROLE regress_bob SET agent_studio.retention_days = 1$$,
	$$SELECT set_config('agent_studio.retention_days', '1', false)$$,
	$$SET session_replication_role = replica$$,
	$$ALTER ROLE agent_studio_user SET search_path = regress_bob$$,
	$$GRANT agent_studio_admin TO regress_bob$$);
RESET SESSION AUTHORIZATION;
SET ROLE regress_bob;
CREATE FUNCTION public.as_bob() RETURNS text LANGUAGE sql SECURITY DEFINER AS $$ SELECT string_agg(task, ',') FROM agent_studio.executions $$;
GRANT EXECUTE ON FUNCTION public.as_bob TO PUBLIC;
SET ROLE regress_alice;
SELECT public.as_bob();
SET ROLE regress_bob;

-- To make use of a victim's rights: objects of one's own on which ours are called, or which are called by ours.
SELECT * FROM tests.refused(
	$$CREATE TRIGGER t AFTER INSERT ON agent_studio.executions FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()$$,
	$$CREATE RULE r AS ON INSERT TO agent_studio.executions DO ALSO SELECT 1$$,
	$$CREATE POLICY p ON agent_studio.executions USING (true)$$,
	$$ALTER TABLE agent_studio.executions DISABLE ROW LEVEL SECURITY$$,
	$$CREATE TABLE public.heir () INHERITS (agent_studio.executions)$$,
	$$CREATE TABLE public.child (id bigint REFERENCES agent_studio.executions)$$,
	$$CREATE TABLE public.holder (e agent_studio.executions)$$,
	$$CREATE FUNCTION public.holder(agent_studio.executions) RETURNS int LANGUAGE sql RETURN 1$$,
	$$CREATE STATISTICS public.s ON owner, task FROM agent_studio.executions$$,
	$$CREATE INDEX i ON agent_studio.executions (public.leak(task))$$,
	$$CREATE PUBLICATION p FOR TABLE agent_studio.executions$$,
	$$CREATE EVENT TRIGGER e ON ddl_command_start EXECUTE FUNCTION public.leak()$$,
	$$CREATE CAST (text AS bigint) WITH INOUT AS IMPLICIT$$,
	$$COMMENT ON TABLE agent_studio.executions IS 'mine'$$,
	$$ALTER FUNCTION agent_studio.as_cancel(bigint, text) SECURITY DEFINER$$,
	$$ALTER EXTENSION agent_studio DROP FUNCTION agent_studio.as_cancel(bigint, text)$$,
	$$ALTER EXTENSION agent_studio ADD FUNCTION public.leak(text)$$,
	$$DROP EXTENSION agent_studio CASCADE$$,
	$$LOCK agent_studio.executions IN ROW SHARE MODE$$,
	$$SELECT lo_from_bytea(0, 'x') IS NOT NULL AND lo_export(1, '/tmp/x') IS NOT NULL$$);
-- Through a view over ours everybody sees his own rows, whoever owns the view, and a function's are its owner's.
CREATE VIEW public.bait AS SELECT task FROM agent_studio.executions;
GRANT SELECT ON public.bait TO PUBLIC;
SELECT task FROM public.bait;
SET ROLE regress_alice;
SELECT task FROM public.bait;
SET ROLE regress_nobody;
SELECT count(*) FROM public.bait;
SET ROLE regress_bob;
DROP VIEW public.bait;

-- Endpoints: what a role that owns a server can and cannot have done with it, and keys that are not its own.
RESET ROLE;
GRANT USAGE ON FOREIGN DATA WRAPPER agent_studio TO regress_bob;
SET ROLE regress_bob;
SELECT * FROM tests.try(
	$$CREATE SERVER bobs TYPE 'openai' FOREIGN DATA WRAPPER agent_studio OPTIONS (url 'https://169.254.169.254/v1')$$,
	$$CREATE SERVER bobs TYPE 'openai' FOREIGN DATA WRAPPER agent_studio OPTIONS (url 'http://api.example.com/v1')$$,
	$$CREATE SERVER bobs TYPE 'openai' FOREIGN DATA WRAPPER agent_studio OPTIONS (url 'file:///etc/passwd')$$,
	$$CREATE SERVER bobs TYPE 'openai' FOREIGN DATA WRAPPER agent_studio OPTIONS (url 'https://api.example.com/v1', allow_private 'true')$$,
	$$CREATE SERVER bobs TYPE 'openai' FOREIGN DATA WRAPPER agent_studio OPTIONS (url 'https://api.example.com/v1')$$,
	$$CREATE USER MAPPING FOR regress_bob SERVER bobs OPTIONS (api_key_file '/etc/passwd')$$,
	$$CREATE USER MAPPING FOR regress_bob SERVER bobs OPTIONS (api_key_env 'PATH')$$,
	$$CREATE USER MAPPING FOR regress_bob SERVER bobs OPTIONS (api_key E'a\r\nX-Evil: 1')$$,
	$$CREATE USER MAPPING FOR regress_bob SERVER mock OPTIONS (api_key 'mine')$$,
	$$ALTER USER MAPPING FOR PUBLIC SERVER mock OPTIONS (SET api_key 'mine')$$,
	$$ALTER SERVER mock OPTIONS (SET url 'https://api.example.com/v1')$$,
	$$SELECT agent_studio.as_create_model('bobs', 'bobs')$$,
	$$SELECT agent_studio.as_update_model('mock', server => 'bobs')$$,
	$$SELECT agent_studio_private.endpoint_problem('mock', 'regress_alice')$$);
SELECT count(*) FROM pg_user_mappings WHERE srvname = 'mock' AND umoptions IS NOT NULL;
DROP SERVER bobs CASCADE;

-- SQL in what is text. Every text argument of the public functions, one after the other, is a statement that
-- would leave a trace; then what is made of names (remedies, fixes, calls) is executed by an admin.
RESET ROLE;
CREATE TABLE public.traces (what text);
GRANT INSERT ON public.traces TO PUBLIC;
CREATE FUNCTION tests.inject(payload text) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
	target record;
	n bigint := 0;
BEGIN
	FOR target IN
		SELECT p.oid::regproc AS name, p.prokind, a.i, p.pronargs - p.pronargdefaults AS required, p.proargtypes::oid[] AS types,
			   (p.proargnames)[1:p.pronargs] AS names
		FROM pg_proc p, generate_series(0, p.pronargs - 1) a (i)
		WHERE p.pronamespace = 'agent_studio'::regnamespace AND p.proname ~ '^as_' AND p.prokind = 'f' AND p.provariadic = 0
		  AND p.proargtypes[a.i] IN ('text'::regtype, 'text[]'::regtype, 'jsonb'::regtype, 'json'::regtype)
		  AND has_function_privilege(p.oid, 'EXECUTE')
		ORDER BY p.oid::regprocedure::text COLLATE "C", a.i		-- what one call leaves, the next one finds
	LOOP
		BEGIN
			EXECUTE format('SELECT * FROM %s(%s)', target.name, (
				SELECT string_agg(format('%I => %s', target.names[k + 1], CASE
						WHEN k = target.i THEN CASE target.types[k] WHEN 'text'::regtype THEN quote_literal(payload) WHEN 'text[]'::regtype THEN quote_literal(ARRAY[payload])
							ELSE quote_literal(jsonb_build_object(payload, payload)) END
						WHEN target.names[k + 1] = 'agent' THEN '''worker''' WHEN target.names[k + 1] = 'model' THEN '''mock''' WHEN target.names[k + 1] = 'workflow' THEN '''bobs-flow'''
						WHEN target.names[k + 1] = 'execution' THEN (SELECT max(e.execution_id)::text FROM agent_studio.executions e) WHEN target.types[k] = 'text'::regtype THEN '''builder'''
						WHEN target.types[k] IN ('jsonb'::regtype, 'json'::regtype) THEN '''{}''' ELSE '1' END), ', ' ORDER BY k)
				FROM generate_series(0, cardinality(target.types) - 1) k WHERE k < target.required OR k = target.i));
		EXCEPTION WHEN OTHERS THEN
			IF SQLSTATE ~ '^(42601|42703|42P01|XX)' THEN
				RAISE EXCEPTION '%: argument %: % %', target.name, target.names[target.i + 1], SQLSTATE, SQLERRM;
			END IF;
		END;
		n := n + 1;
	END LOOP;
	RETURN n;
END
$$;
SET ROLE regress_bob;
SELECT as_create_workflow('bobs-flow', 'sequential', '{"steps": [{"name": "a", "agent": "worker", "task": "b"}]}');
SET ROLE regress_adam;
SELECT tests.inject(p) > 80 FROM unnest(ARRAY[
	$p$'); INSERT INTO public.traces VALUES ('quote'); --$p$, $p$\'); INSERT INTO public.traces VALUES ('backslash'); --$p$,
	$p$"; INSERT INTO public.traces VALUES ('name'); --$p$, '%s%n%1$s%I$$;{{{']) p;
RESET ROLE;
INSERT INTO agent_studio.schedules (name, cron, workflow, owner, last_error, last_run_at) VALUES ($$'); INSERT INTO public.traces VALUES ('schedule'); --$$, '* * * * *', 'bobs-flow', 'regress_bob', 'x', now());
UPDATE agent_studio.executions SET agent = $$'); INSERT INTO public.traces VALUES ('agent'); --$$, status = 'failed', error_class = 'internal', error_message = 'x', error_hint = 'y',
	finished_at = now() WHERE owner = 'regress_bob' AND kind = 'task';
INSERT INTO agent_studio.executions (agent, task, priority, timeout_seconds, max_retries, output_format, owner)
VALUES ('worker', 'x', 'normal', 60, 3, 'markdown', $$gone"; INSERT INTO public.traces VALUES ('owner'); --$$);
CREATE FUNCTION tests.obey(statements text[]) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
	statement text;
	n bigint := 0;
BEGIN
	FOREACH statement IN ARRAY statements LOOP
		BEGIN
			EXECUTE statement;
		EXCEPTION WHEN OTHERS THEN
			NULL;		-- some of them hold words for people
		END;
		n := n + 1;
	END LOOP;
	RETURN n;
END
$$;
SELECT tests.obey(ARRAY(SELECT remedy FROM agent_studio.alerts WHERE remedy IS NOT NULL)) > 1, tests.obey(ARRAY(SELECT fix FROM agent_studio.as_check() WHERE fix IS NOT NULL)) > 2;
SELECT * FROM public.traces;

-- What a model, an author or a vendor says, wherever it is kept: no terminal obeys what people read of it,
-- nor does it turn their writing. (What programs take, as_output, outputs and downloads, has it as it was said.)
SET ROLE regress_bob;
SELECT as_create_agent('obeyed', 'builder', 'mock', description => E'\x1b[2J\u202eobeyed');
SELECT as_create_workflow('obeyed', 'sequential', jsonb_build_object('steps', '[{"name": "a", "agent": "obeyed", "task": "b", "outputs": {"o": "string"}}]'::jsonb || jsonb_build_object(
	'name', 'b', 'title', E'\x1b[2J\u202e', 'agent', 'obeyed', 'task', '{a.o}', 'approval', jsonb_build_object('by', 'regress_bob', 'message', '{a.o}'))));
SELECT as_run_workflow('obeyed') AS obeyed \gset
RESET ROLE;
CREATE FUNCTION tests.obeys(run bigint, said text) RETURNS TABLE (call text, shows boolean, obeys boolean)
LANGUAGE plpgsql AS $$
DECLARE
	shown text;
BEGIN
	UPDATE agent_studio.executions e SET status = 'running', inputs = jsonb_build_object('o', said), started_at = now(), error_class = 'internal', error_message = said, error_hint = said WHERE e.execution_id = run;
	UPDATE agent_studio.steps s SET output = said, outputs = jsonb_build_object('o', said), started_at = now(), error_class = 'internal', error_message = said,
		state = CASE s.name WHEN 'a' THEN 'failed' ELSE 'waiting_approval' END WHERE s.execution_id = run;
	INSERT INTO agent_studio.thoughts (execution_id, seq, step_no, attempt_no, at, elapsed_ms, source, content, owner)
	SELECT run, 100 + n, n, 1, now(), n, 'reasoning', said, 'regress_bob' FROM generate_series(1, 2) n;
	INSERT INTO agent_studio.notices (execution_id, step_no, at, severity, kind, message, owner) VALUES (run, 1, now(), 'error', 'failed', said, 'regress_bob');
	INSERT INTO agent_studio.approvals (execution_id, step_no, approver, message, requested_at, on_expiry, owner) VALUES (run, 2, 'regress_bob', said, now(), 'reject', 'regress_bob');
	FOR call IN SELECT c FROM unnest(ARRAY['agent_studio.as_status(%s)', 'agent_studio.as_progress(%s)', 'agent_studio.as_workflow_status(%s)', 'agent_studio.as_watch(%s)', 'agent_studio.as_thoughts(%s)',
		'agent_studio.as_notices(%s)', 'agent_studio.as_logs(%s)', 'agent_studio.as_result(%s)', 'agent_studio.as_failure(%s)', 'agent_studio.as_recovery_options(%s)', 'agent_studio.as_compare(%s, %1$s)',
		'agent_studio.as_diagram(%s)', 'agent_studio.as_diagram(%s, ''mermaid'')', 'agent_studio.as_diagram(%s, ''svg'')', 'agent_studio.as_report(%s)', 'agent_studio.as_report_html(%s)',
		'agent_studio.as_download_text(%s, ''txt'')', 'agent_studio.as_dashboard_html()', 'agent_studio.as_watch_all()', 'agent_studio.as_search_agents(''obeyed'')', 'agent_studio.as_suggest_agents(''obeyed'')',
		'agent_studio.active_executions', 'agent_studio.recent_completions', 'agent_studio.alerts', 'agent_studio.execution_history', 'agent_studio.pending_approvals',
		'agent_studio_private.follow_lines(%s, 0, 0, ''{}'')', 'agent_studio_private.wait_lines(%s)', 'agent_studio_private.result_text(%s)']) c
	LOOP
		EXECUTE format('SELECT string_agg(r::text, '' '') FROM %s r', format(call, run)) INTO shown;
		shows := shown ~ 'sesame|obeyed';		-- which is harmless, and has to be there for the rest to be missed
		obeys := shown ~ E'[\u0001-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]';
		RETURN NEXT;
	END LOOP;
END
$$;
BEGIN;
SELECT * FROM tests.obeys(:obeyed, E'\x1b]0;x\x07\x1b[2J\u009b2J\u202e\u2066\u200f</script>sesame');
ROLLBACK;
DROP FUNCTION tests.obeys;

-- Names with what a terminal or another reader would obey: refused.
SET ROLE regress_bob;
SELECT t.* FROM unnest(ARRAY[E'a\nb', E'a\tb', E'a\rb', E'a\x1b[31mb', E'a\x7fb', E'a\u0085b', E'a\u202eb', E'a\u2066b', E'a\u200bb', '', ' ', repeat('x', 201)]) name,
	LATERAL (SELECT string_agg(regexp_replace(x, '[[:cntrl:]\u200b\u202e\u2066]|xxx+', '?', 'g'), ' ') FROM tests.try(format('SELECT agent_studio.as_create_agent(%L, ''builder'', ''mock'')', name)) x) t;
SELECT * FROM tests.try($$SELECT agent_studio.as_execute_task('worker', E'a\u0000b')$$, $$SELECT agent_studio.as_execute_task('worker', 'x', context => '{"a": "\u0000"}')$$,
	$$SELECT agent_studio.as_execute_task('worker', 'x', json_schema => '{"const": "\u0000"}')$$);

-- What is shared with others stays its owner's: an author cannot act as who starts his workflow, nor give on what he was given.
SELECT as_create_agent('bait', 'builder', 'mock', visibility => 'shared');
SELECT as_create_workflow('bait-flow', 'sequential', '{"steps": [{"name": "a", "agent": "bait", "task": "b"}]}', visibility => 'shared');
SET ROLE regress_alice;
SELECT as_run_workflow('bait-flow') AS run \gset
SELECT owner, team FROM executions WHERE execution_id = :run;
SELECT as_grant('alices', 'regress_carol', 'modify');
SET ROLE regress_bob;
SELECT replace(t, :'run', 'ID') FROM tests.try(format('SELECT agent_studio.as_cancel(%s)', :run), format('SELECT agent_studio.as_output(%s)', :run)) t;
SET ROLE regress_carol;
SELECT * FROM tests.try($$SELECT agent_studio.as_grant('alices', 'regress_bob')$$, $$SELECT agent_studio.as_update_agent('alices', visibility => 'shared')$$,
	$$SELECT agent_studio.as_revoke('alices', 'regress_carol')$$);
RESET ROLE;
-- What was granted to a role is gone with its name.
CREATE ROLE regress_mallory IN ROLE agent_studio_user;
SET ROLE regress_alice;
SELECT as_grant('alices', 'regress_mallory', 'execute');
RESET ROLE;
ALTER ROLE regress_mallory RENAME TO regress_trudy;
SET ROLE regress_trudy;
SELECT * FROM tests.try($$SELECT agent_studio.as_execute_task('alices', 'x')$$);
RESET ROLE;
DROP ROLE regress_trudy;

\pset format aligned
\pset tuples_only off
DROP FUNCTION tests.looks_everywhere, tests.alike, tests.refused, tests.inject, tests.obey, public.leak, public.as_bob;
DROP TABLE public.traces;
REVOKE ALL ON FOREIGN DATA WRAPPER agent_studio FROM regress_bob;
REVOKE CREATE ON SCHEMA public FROM regress_bob;
