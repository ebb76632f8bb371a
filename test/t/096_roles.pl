# Roles belong to the cluster, and to nobody's extension alone: made where they are absent,
# taken as they are where they exist, and left behind; and what DROP OWNED, REASSIGN OWNED,
# a settings' path and somebody's schema before ours in it do not do.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use PostgreSQL::Test::Utils;
use Test::More;

my $model = start_model_server();
my $node = start_cluster('roles');
my $ours = q(rolname ~ '^agent_studio_');

# ---------- roles that are there before, with members, grants and attributes ----------

sql($node, <<'SQL');
CREATE ROLE agent_studio_user NOINHERIT CONNECTION LIMIT 7;
CREATE ROLE agent_studio_admin LOGIN;
CREATE ROLE veteran LOGIN IN ROLE agent_studio_user;
CREATE ROLE boss IN ROLE agent_studio_admin;
CREATE TABLE old (a int);
GRANT SELECT ON old TO agent_studio_user;
COMMENT ON ROLE agent_studio_user IS 'as it was';
SQL
my $before = sql($node, q(SELECT rolname, rolinherit, rolconnlimit, rolcanlogin FROM pg_roles WHERE rolname IN ('agent_studio_user', 'agent_studio_admin') ORDER BY 1));
sub members { return sql($node, q(SELECT r.rolname, m.rolname FROM pg_auth_members a JOIN pg_roles r ON r.oid = a.roleid JOIN pg_roles m ON m.oid = a.member
	WHERE m.rolname IN ('veteran', 'boss') ORDER BY 1)); }
my $members = members();
sql($node, 'CREATE EXTENSION agent_studio');
is(sql($node, "SELECT count(*) FROM pg_roles WHERE $ours"), 5, 'those that are absent are made');
is(sql($node, q(SELECT rolname, rolinherit, rolconnlimit, rolcanlogin FROM pg_roles WHERE rolname IN ('agent_studio_user', 'agent_studio_admin') ORDER BY 1)), $before, 'those that exist keep their attributes');
is(members(), $members, 'and their members');
is(sql($node, q(SELECT count(*) FROM pg_roles WHERE rolname IN ('agent_studio_monitor', 'agent_studio_operator', 'agent_studio_bi_reader') AND (rolcanlogin OR rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls))), 0, 'new ones can neither log in nor do anything else');
set_up_agents($node, 'postgres', $model);
wait_for_executor($node);
is(sql($node, q(SET ROLE veteran; SELECT count(*) FROM agent_studio.agents WHERE name = 'worker')), 1, 'who was a member before may use it now');
like(sql_error($node, 'SET ROLE boss; SELECT agent_studio.as_execute_task(NULL, NULL)'), qr/22004|22023|42704/, 'and who was one of the admins');

# ---------- a second database, and its end ----------

sql($node, 'CREATE DATABASE other');
sql($node, 'CREATE EXTENSION agent_studio', 'other');
is(sql($node, "SELECT count(*) FROM pg_roles WHERE $ours"), 5, 'a second database has the same roles');
sql($node, 'DROP EXTENSION agent_studio CASCADE', 'other');
is(sql($node, "SELECT count(*) FROM pg_roles WHERE $ours"), 5, 'DROP EXTENSION leaves them');
is(members(), $members, 'with their members');
is(sql($node, q(SET ROLE veteran; SELECT count(*) FROM agent_studio.agents)), 1, 'and the first database is not disturbed');
is(sql($node, q(SELECT has_table_privilege('agent_studio_user', 'old', 'SELECT'))), 't', 'nor are their other privileges');
like(sql_error($node, 'DROP ROLE agent_studio_user'), qr/2BP01/, 'a role of ours is not dropped while the extension is there');
sql($node, 'DROP DATABASE other');
like(sql_error($node, 'CREATE ROLE plain LOGIN; GRANT CREATE ON DATABASE postgres TO plain; SET ROLE plain; DROP EXTENSION agent_studio'), qr/42501.*must be owner of extension/s, 'nobody else drops the extension');
sql($node, 'CREATE DATABASE plains OWNER plain');
like(sql_error($node, 'SET ROLE plain; CREATE EXTENSION agent_studio', 'plains'), qr/42501.*permission denied to create extension.*Must be superuser/s,
	'it is not trusted: the owner of a database cannot create it, and is told who can');

# ---------- DROP OWNED and REASSIGN OWNED do not know of executions ----------

sql($node, 'CREATE ROLE alice; GRANT agent_studio_user TO alice; CREATE ROLE heir; GRANT agent_studio_user TO heir');
my $id = sql($node, q(SET ROLE alice; SELECT agent_studio.as_execute_task('worker', 'Of alice.')));
is(outcome($node, $id)->{status}, 'completed', 'a task of alice');
my $pending = sql($node, q(SET ROLE alice; SELECT agent_studio.as_execute_task('worker', E'@mock text=abc stall=1 times=1 key=owned\nStay.')));
$model->await('in_flight=1', 'Stay.');
sql($node, 'REASSIGN OWNED BY alice TO heir');
sql($node, 'DROP OWNED BY alice');
is(sql($node, "SELECT string_agg(DISTINCT owner, ' ') FROM agent_studio.executions"), 'alice', 'executions stay their owner\'s');
like(sql_error($node, "SET ROLE heir; SELECT agent_studio.as_output($id)"), qr/42704/, 'the heir sees none');
sql($node, 'GRANT agent_studio_user TO alice');
is(sql($node, "SET ROLE alice; SELECT count(*) FROM agent_studio.executions"), 2, 'she has hers');
sql($node, 'DROP ROLE alice');
is(sql($node, "SELECT count(*) FROM agent_studio.executions WHERE owner = 'alice'"), 2, 'they outlive her');
like(as_check($node, 'owners exist'), qr/^f\|missing roles own 1 unfinished executions: alice\|CREATE ROLE alice;/, 'as_check says whose owner is gone');
sql($node, 'CREATE ROLE alice; GRANT agent_studio_user TO alice');
is(sql($node, "SET ROLE alice; SELECT count(*) FROM agent_studio.executions"), 2, 'whoever has the name later has them, as the document says');
sql($node, "SELECT agent_studio.as_cancel($pending)");
is(outcome($node, $pending)->{status}, 'canceled', 'and they can be ended');

# ---------- somebody's objects before ours, in the path of everybody, of the superuser and of the executor ----------

sql($node, <<'SQL');
CREATE ROLE mallory;
GRANT agent_studio_user TO mallory;
CREATE SCHEMA evil AUTHORIZATION mallory;
GRANT USAGE ON SCHEMA evil TO PUBLIC;
SET ROLE mallory;
CREATE TABLE evil.victims (who text, what text, called_by text);
GRANT INSERT, SELECT ON evil.victims TO PUBLIC;
CREATE FUNCTION pg_temp.trap(name text, result text) RETURNS text LANGUAGE sql RETURN format(
	'DECLARE c pg_catalog.text; BEGIN GET DIAGNOSTICS c = PG_CONTEXT; INSERT INTO evil.victims VALUES (current_user, %L, c); RETURN %s; END', name, result);
DO $do$
DECLARE
	item record;
BEGIN
	-- Every function of one or two arguments that ours use by name, and every operator on common types.
	FOR item IN SELECT DISTINCT p.proname, pg_get_function_identity_arguments(p.oid) AS arguments, p.prorettype::regtype AS result
		FROM pg_proc p WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind = 'f' AND NOT p.proretset AND p.provariadic = 0
		  AND p.proname IN ('lower', 'upper', 'length', 'format', 'now', 'replace', 'left', 'round', 'floor', 'coalesce', 'octet_length', 'strpos', 'split_part', 'quote_literal',
			'jsonb_typeof', 'jsonb_array_length', 'to_char', 'clock_timestamp', 'current_database', 'pg_has_role', 'has_server_privilege', 'array_position', 'regexp_replace', 'btrim', 'concat_ws')
		  AND p.prorettype::regtype::text !~ '^any|internal' AND pg_get_function_identity_arguments(p.oid) !~ 'any|internal'
	LOOP
		EXECUTE format('CREATE FUNCTION evil.%I(%s) RETURNS %s LANGUAGE plpgsql AS %L', item.proname, item.arguments, item.result,
			pg_temp.trap(item.proname, 'NULL'));
	END LOOP;
	FOR item IN SELECT o.oprname, o.oprleft::regtype AS l, o.oprright::regtype AS r, o.oprresult::regtype AS result, row_number() OVER () AS n
		FROM pg_operator o WHERE o.oprnamespace = 'pg_catalog'::regnamespace AND o.oprname IN ('=', '<>', '<', '>', '<=', '>=', '+', '-', '||', '->', '->>', '~', '~~')
		  AND o.oprleft IN ('text'::regtype, 'bigint'::regtype, 'integer'::regtype, 'numeric'::regtype, 'timestamptz'::regtype, 'jsonb'::regtype, 'name'::regtype)
		  AND o.oprright IN ('text'::regtype, 'bigint'::regtype, 'integer'::regtype, 'numeric'::regtype, 'timestamptz'::regtype, 'interval'::regtype, 'jsonb'::regtype, 'name'::regtype)
	LOOP
		EXECUTE format('CREATE FUNCTION evil.o%s(%s, %s) RETURNS %s LANGUAGE plpgsql AS %L', item.n, item.l, item.r, item.result,
			pg_temp.trap(item.oprname, 'NULL'));
		EXECUTE format('CREATE OPERATOR evil.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = evil.o%s)', item.oprname, item.l, item.r, item.n);
	END LOOP;
	FOR item IN SELECT c.relname FROM pg_class c WHERE c.relnamespace IN ('agent_studio'::regnamespace, 'agent_studio_private'::regnamespace) AND c.relkind IN ('r', 'v')
		UNION ALL SELECT unnest('{pg_roles,pg_class,pg_proc,pg_foreign_server,pg_user_mappings,pg_extension}'::text[])
	LOOP
		EXECUTE format('CREATE TABLE evil.%I (execution_id bigint)', item.relname);
	END LOOP;
	FOR item IN SELECT p.proname, pg_get_function_identity_arguments(p.oid) AS arguments FROM pg_proc p
		WHERE p.pronamespace = 'agent_studio_private'::regnamespace AND p.proname IN ('has_role', 'my_roles', 'reads_all', 'require_execution', 'wake', 'suggest')
	LOOP
		EXECUTE format('CREATE FUNCTION evil.%I(%s) RETURNS boolean LANGUAGE plpgsql AS %L', item.proname, item.arguments,
			pg_temp.trap(item.proname, 'true'));
	END LOOP;
END
$do$;
CREATE TYPE evil.text AS ENUM ('a');
RESET ROLE;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA evil TO PUBLIC;
ALTER DATABASE postgres SET search_path = evil, pg_catalog, agent_studio;
ALTER ROLE postgres SET search_path = evil, pg_catalog, agent_studio;
SQL
cmp_ok(sql($node, q(SELECT pg_catalog.count(*) FROM pg_catalog.pg_proc WHERE pronamespace OPERATOR(pg_catalog.=) 'evil'::pg_catalog.regnamespace)), '>', 100, 'many traps are laid');
# The executor begins anew, with that path in the settings of its database and of its role.
$node->restart;
wait_for_executor($node);
my $task = sql($node, q(SELECT agent_studio.as_execute_task('worker', 'Pass the traps.', context => '{"a": 1}', idempotency_key => 'traps')));
is(sql($node, "SELECT agent_studio.as_wait($task)"), 'completed', 'the executor passes them');
sql($node, q(SELECT agent_studio.as_create_workflow('traps', 'sequential', '{"steps": [{"name": "a", "agent": "worker", "task": "Pass."}, {"name": "b", "agent": "worker", "task": "On {a.output}", "when": "$steps.a.output != \"\""}]}')));
my $flow = sql($node, q(SELECT agent_studio.as_run_workflow('traps')));
like(sql($node, "SELECT agent_studio.as_wait($flow)"), qr/completed/, 'and takes a workflow past them');
sql($node, "CALL agent_studio.as_follow($flow)");
sql($node, join("; ", map { "SELECT * FROM agent_studio.$_($flow)" } qw(as_status as_progress as_usage as_notices as_workflow_status as_result as_report as_report_html as_failure as_metrics as_quality as_logs as_download)));
sql($node, join("; ", map { "SELECT * FROM agent_studio.$_" } split /\n/, sql($node, q(SELECT c.relname FROM pg_catalog.pg_class c WHERE c.relnamespace OPERATOR(pg_catalog.=) 'agent_studio'::pg_catalog.regnamespace AND c.relkind OPERATOR(pg_catalog.=) 'v'))));
sql($node, q(SELECT agent_studio.as_roll_up(); SELECT * FROM agent_studio.as_check(); SELECT agent_studio.as_dashboard_html()));
# Procedures that commit cannot pin a path.
sql($node, q(CALL agent_studio.as_follow_task('worker', 'Pass.', context => '{"a": 1}')));
sql($node, q(CALL agent_studio.as_follow_workflow('traps')));
is((split /\|/, sql($node, q(SET agent_studio.history_retention_days = 1; CALL agent_studio.as_purge('1 millisecond'))))[0] > 0, 1, 'as_purge, which had something to do');
# What the test itself asks steps into them, too, but not from within a function.
my $victims = q(SELECT DISTINCT who, what, called_by FROM evil.victims WHERE called_by OPERATOR(pg_catalog.~) E'\n');
is(sql($node, $victims), '', 'nothing of it was called from within ours, by the superuser or the executor');
sql($node, 'CREATE FUNCTION public.careless() RETURNS pg_catalog.bool LANGUAGE plpgsql AS $$ BEGIN RETURN 1 > 2; END $$; SELECT public.careless()');
like(sql($node, $victims), qr/^postgres\|>\|.*careless/s, 'the traps work where a function steps into one');

finish_studio($node, $model);
done_testing();
