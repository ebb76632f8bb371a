# pg_upgrade with work under way: no worker runs and nothing is sent meanwhile, every row is
# there afterwards, the queue too, and the new server goes on by itself. To this version of
# PostgreSQL, and to each newer one of the machine for which the extension is installed.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use PostgreSQL::Test::Utils;
use Test::More;

my $model = start_model_server();
my $old = start_studio('old', $model);
my ($own_bin) = run_command([ 'pg_config', '--bindir' ]);
my ($own_version) = (run_command([ 'pg_config', '--version' ]))[0] =~ /(\d+)/;

# ---------- work of every kind ----------

sql($old, "SET client_min_messages = error;\n" . slurp_file('test/history/generate.sql') . "\nCALL history.sample(now()); DROP SCHEMA history CASCADE;");
sql($old, "DELETE FROM agent_studio.executions WHERE finished_at IS NULL; DELETE FROM agent_studio.steps s WHERE NOT EXISTS (SELECT FROM agent_studio.executions e WHERE e.execution_id = s.execution_id)");
sql($old, "SELECT agent_studio.as_grant('workflow:code-review', 'carol', 'modify'); SELECT agent_studio.as_set_budget('all', 1000, 'month', 'refuse')");
sql($old, q(INSERT INTO agent_studio.schedules (name, cron, workflow, owner) VALUES ('nightly', '0 3 * * *', 'code-review', 'alice')));
sql($old, q(SELECT agent_studio.as_create_workflow('asks-sequential-dev', 'sequential', '{"steps": [{"name": "make", "agent": "worker", "task": "Make it."},
	{"name": "ship", "agent": "worker", "task": "Ship it.", "approval": {"by": "agent_studio_admin"}}]}')));
my $done = run_task($old, 'Done before.')->{execution_id};
my $asks = sql($old, "SELECT agent_studio.as_run_workflow('asks-sequential-dev')");
my $running = submit($old, "\@mock stall=1 times=1 text=abc\nUnder way.");
my $retrying = submit($old, "\@mock status=503 retry_after=3 times=1\nWaits for a retry.");
$model->await('in_flight=1', 'Under way.');
wait_until(sub { status_of($old, $asks) eq 'waiting_approval' }, 'a workflow waits for a word');
wait_until(sub { sql($old, "SELECT state FROM agent_studio.steps WHERE execution_id = $retrying") eq 'retrying' }, 'a step waits for its retry');
sql($old, 'SELECT agent_studio.as_roll_up()');
$old->stop('fast');
my $requests = $model->stats->{requests};

# Every table of the extension, whether it is dumped or not, while no executor moves anything.
sub contents
{
	my ($node) = @_;

	return sql($node, <<'SQL');
SELECT format('%s %s', c.relname, (xpath('/row/is/text()', query_to_xml(
	format('SELECT count(*) || '' rows, '' || coalesce(md5(string_agg(t::text, chr(10) ORDER BY t::text)), ''none'') AS is FROM %s t', c.oid::regclass), false, true, '')))[1])
FROM pg_class c WHERE c.relnamespace = 'agent_studio'::regnamespace AND c.relkind = 'r' ORDER BY 1
SQL
}

sub without_executor
{
	my ($node, $ask) = @_;

	$node->append_conf('postgresql.conf', "agent_studio.databases = ''\n");
	$node->start;
	my $answer = $ask->($node);
	$node->stop;
	$node->append_conf('postgresql.conf', "agent_studio.databases = '*'\n");
	return $answer;
}

my $before = without_executor($old, \&contents);
like($before, qr/^queue 2 rows/m, 'what is under way is in the queue');

# ---------- upgraded ----------

# Other versions have a tree of their own; the extension is in it, or it is left out.
sub newer_trees
{
	my @trees;

	for my $pg_config (sort glob '/usr/lib/postgresql/*/bin/pg_config')
	{
		my ($version) = (run_command([ $pg_config, '--version' ]))[0] =~ /(\d+)/;
		my ($libraries) = run_command([ $pg_config, '--pkglibdir' ]);

		next if $version <= $own_version;
		note("PostgreSQL $version is left out: the extension is not installed for it"), next unless -e "$libraries/agent_studio.so";
		push @trees, [ $version, $pg_config =~ s/\/bin\/pg_config$//r ];
	}
	return @trees;
}

chdir $PostgreSQL::Test::Utils::tmp_check;
for my $target ([ $own_version, undef ], newer_trees())
{
	my ($version, $tree) = @$target;
	my $new = PostgreSQL::Test::Cluster->new("new_$version", defined $tree ? (install_path => $tree) : ());
	my $bin = defined $tree ? "$tree/bin" : $own_bin;

	$new->init(extra => \@initdb_options);
	$new->append_conf('postgresql.conf', "shared_preload_libraries = 'agent_studio'\nmax_worker_processes = 20\nagent_studio.retry_delay = '50ms'\n");
	command_ok([ "$bin/pg_upgrade", '-U', 'postgres', '-b', $own_bin, '-B', $bin, '-d', $old->data_dir, '-D', $new->data_dir,
			'-s', $old->host, '-p', $old->port, '-P', $new->port ], "pg_upgrade from $own_version to $version");
	is($model->stats->{requests}, $requests, "$version: nothing was sent meanwhile");
	is(without_executor($new, \&contents), $before, "$version: every row of every table is there; no executor has begun an epoch");
	is($model->stats->{requests}, $requests, "$version: nor was anything sent since");

	$new->start;
	wait_for_executor($new);
	is(join(' ', map { $_->{outcome} } @{ outcome($new, $running)->{tries} }), 'interrupted completed', "$version: what was under way goes on by itself");
	is(outcome($new, $retrying)->{status}, 'completed', "$version: so does what waited for its retry");
	sql($new, "SELECT agent_studio.as_approve($asks, 'ship')");
	is(outcome($new, $asks)->{status}, 'completed', "$version: and what waited for a word");
	like(sql($new, "SELECT agent_studio.as_output($done)"), qr/Done before/, "$version: what was done can be read");
	is(run_task($new, 'New.')->{status}, 'completed', "$version: new work is done");
	is(sql($new, 'SELECT agent_studio.as_release_restored()'), 0, "$version: there is nothing to release");
	$requests = $model->stats->{requests};
	finish_studio($new, undef);
}

$model->stop;
done_testing();
