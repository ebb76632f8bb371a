# Every row of every table that is dumped comes back, and every sequence goes on: in each
# format of pg_dump, in pieces, and with the whole cluster; with the roles and without.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use PostgreSQL::Test::Utils;
use Test::More;

my $model = start_model_server();
my $node = start_studio('source', $model);
my $history = slurp_file("test/history/generate.sql");

# ---------- something in each table ----------

sql($node, "SET client_min_messages = error;\n$history\nCALL history.sample(now()); DROP SCHEMA history CASCADE;");
wait_for_executor($node);
sql($node, 'GRANT ALL ON FOREIGN SERVER mock TO alice');
sql($node, "SELECT agent_studio.as_grant('workflow:code-review', 'carol', 'modify'); SELECT agent_studio.as_set_budget('user:alice', 1000, 'month')");
sql($node, q(INSERT INTO agent_studio.schedules (name, cron, workflow, owner) VALUES ('nightly', '0 3 * * *', 'code-review', 'alice')));
sql($node, q(SELECT agent_studio.as_create_workflow('told-sequential-dev', 'sequential', '{
	"settings": {"notify": {"email": true}},
	"steps": [{"name": "say", "agent": "worker", "task": "@mock text=done\nSay it."}]}')));
is(outcome($node, sql($node, "SELECT agent_studio.as_run_workflow('told-sequential-dev')"))->{status}, 'completed', 'a workflow with a notification completes');
my $running = submit($node, "\@mock reasoning=2 stall=1 times=1 text=abc\nUnder way.", arguments => 'verbose => true');
wait_until(sub { sql($node, "SELECT count(*) FROM agent_studio.as_thoughts($running) WHERE source = 'reasoning'") == 2 }, 'one is under way');
sql($node, 'SELECT agent_studio.as_roll_up()');
sql($node, "UPDATE agent_studio.executions SET attempts = attempts + 1 WHERE execution_id = (SELECT max(execution_id) FROM agent_studio.executions
	WHERE finished_at < date_trunc('month', now()) - interval '2 days')");
$node->stop;

# So that nothing moves while it is looked at.
$node->append_conf('postgresql.conf', "agent_studio.databases = ''\n");
$node->start;

# What a database holds, a line each: rows and their sum, of every table and sequence that is marked to be dumped.
sub contents
{
	my ($server, $database) = @_;

	return sql($server, <<'SQL', $database);
SELECT format('%s %s', c.relname, (xpath('/row/is/text()', query_to_xml(CASE c.relkind
	WHEN 'S' THEN format('SELECT last_value || '' '' || is_called AS is FROM %s', c.oid::regclass)
	ELSE format('SELECT count(*) || '' rows, '' || coalesce(md5(string_agg(t::text, chr(10) ORDER BY t::text)), ''none'') AS is FROM %s t', c.oid::regclass)
	END, false, true, '')))[1])
FROM pg_extension x CROSS JOIN unnest(x.extconfig) m (marked) JOIN pg_class c ON c.oid = m.marked WHERE x.extname = 'agent_studio' ORDER BY 1
SQL
}

my $before = contents($node, 'postgres');
unlike($before, qr/ 0 rows/, 'every table that is dumped has rows');
is(sql($node, <<'SQL'), 'budget_spending commands epochs live_usage model_headroom queue schedule_jobs', 'every table is dumped but those that README names');
SELECT string_agg(c.relname, ' ' ORDER BY c.relname) FROM pg_class c, pg_extension x
WHERE x.extname = 'agent_studio' AND c.relnamespace = 'agent_studio'::regnamespace AND c.relkind = 'r' AND c.oid <> ALL (x.extconfig)
SQL
is(sql($node, <<'SQL'), '', 'and so is the sequence of each that has one');
SELECT c.relname FROM pg_class c, pg_extension x, pg_depend d
WHERE x.extname = 'agent_studio' AND c.relkind = 'S' AND d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'i'
  AND d.refobjid = ANY (x.extconfig) AND c.oid <> ALL (x.extconfig)
SQL

# ---------- dumped in every way ----------

my $folder = $PostgreSQL::Test::Utils::tmp_check;
sub dump_of { my ($name, @options) = @_; $node->command_ok([ 'pg_dump', '--file', "$folder/$name", @options, '-d', $node->connstr('postgres') ], "pg_dump $name"); return; }
dump_of('plain.sql');
dump_of('custom.dump', '--format=custom');
dump_of('directory.dump', '--format=directory', '--jobs=2');
dump_of('schema.sql', '--schema-only');
dump_of('data.sql', '--data-only');
dump_of('inserts.sql', '--inserts', '--rows-per-insert=100');
$node->command_ok([ 'pg_dumpall', '--file', "$folder/all.sql", '-d', $node->connstr('postgres') ], 'pg_dumpall');
$node->stop;

my $psql = sub { my ($server, $database, $file) = @_; return [ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-f', "$folder/$file", '-d', $server->connstr($database) ]; };
my $pg_restore = sub { my ($server, $database, $file, @options) = @_; return [ 'pg_restore', '--exit-on-error', @options, '-d', $server->connstr($database), "$folder/$file" ]; };
my @ways = (
	[ plain => sub { $psql->(@_, 'plain.sql') } ],
	[ custom => sub { $pg_restore->(@_, 'custom.dump') } ],
	[ custom_in_one => sub { $pg_restore->(@_, 'custom.dump', '--single-transaction') } ],
	[ custom_jobs => sub { $pg_restore->(@_, 'custom.dump', '--jobs=3') } ],
	[ directory_jobs => sub { $pg_restore->(@_, 'directory.dump', '--jobs=3') } ],
	[ in_two => sub { $psql->(@_, 'schema.sql') }, sub { $psql->(@_, 'data.sql') } ],
	[ inserts => sub { $psql->(@_, 'inserts.sql') } ]);

# Released, this is done in one of them.
sub goes_on
{
	my ($server, $database, $way) = @_;
	my $requests = $model->stats->{requests};

	sql($server, "ALTER SYSTEM SET agent_studio.databases = '$database'");
	$server->reload;
	wait_for_executor($server, $database);
	my $new = submit($server, "New work $way.", database => $database);
	is(outcome($server, $new, $database)->{status}, 'completed', "$way: new work is done");
	is($model->stats->{requests}, $requests + 1, "$way: nothing else is sent");
	is(sql($server, 'SELECT count(*) FROM agent_studio.queue', $database), 0, "$way: nor is anything else in the queue");
	cmp_ok(sql($server, 'SELECT agent_studio.as_release_restored()', $database), '>', 0, "$way: until it is released");
	is(outcome($server, $running, $database)->{status}, 'completed', "$way: then what was under way completes");
	sql($server, "ALTER SYSTEM SET agent_studio.databases = ''");
	$server->reload;
	wait_until(sub { worker_pid($server, 'executor', $database) eq '' }, 'the executor has gone');
	return;
}

# ---------- without the roles ----------

# Dumps name alice, in one GRANT of a server, which is the user's own: without it no way stops at an error.
my $copy = start_cluster('without_roles', "agent_studio.databases = ''");
sql($copy, 'CREATE ROLE alice');
for my $way (@ways)
{
	my ($name, @commands) = @$way;

	sql($copy, "CREATE DATABASE $name TEMPLATE template0");
	$copy->command_ok($_->($copy, $name), "$name: the restore has no error") for @commands;
	is(contents($copy, $name), $before, "$name: every row and every sequence is there");
}
is(sql($copy, q(SELECT count(*) FROM pg_roles WHERE rolname IN ('bob', 'carol', 'dave', 'erin', 'platform'))), 0, 'all that without the roles of owners and teams');
goes_on($copy, 'directory_jobs', 'directory');
$copy->stop('fast');

# ---------- a whole cluster ----------

my $all = start_cluster('with_roles', "agent_studio.databases = ''");
my ($code, $output, $said) = $all->psql('postgres', "\\i $folder/all.sql", on_error_stop => 0);
is(join("\n", grep { /ERROR/ && !/role "postgres" already exists/ } split /\n/, $said), '', 'pg_dumpall: the restore has no error');
is(contents($all, 'postgres'), $before, 'pg_dumpall: every row and every sequence is there');
is(sql($all, q(SELECT string_agg(rolname, ' ' ORDER BY rolname) FROM pg_roles WHERE pg_has_role('alice', oid, 'usage'))),
	'agent_studio_user alice platform', 'pg_dumpall: and the roles with what they are members of');
goes_on($all, 'postgres', 'pg_dumpall');

# Of a copy that was never released, a dump has everything too.
$all->command_ok([ 'pg_dump', '--format=custom', '--file', "$folder/again.dump", '-d', $all->connstr('postgres') ], 'a restored database is dumped again');
my $now = contents($all, 'postgres');
sql($all, 'CREATE DATABASE again TEMPLATE template0');
$all->command_ok($pg_restore->($all, 'again', 'again.dump'), 'and restored beside it');
is(contents($all, 'again'), $now, 'with every row');

finish_studio($all, $model, 'postgres');
done_testing();
