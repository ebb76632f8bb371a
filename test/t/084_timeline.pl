# A standby is promoted while the old primary lives on: each does the work once in its own
# timeline. Rewound, the old one has forgotten what it did, and follows.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use PostgreSQL::Test::Utils;
use Test::More;

my $model = start_model_server();
my $old = PostgreSQL::Test::Cluster->new('old');
$old->init(allows_streaming => 1, extra => \@initdb_options);
$old->append_conf('postgresql.conf', "shared_preload_libraries = 'agent_studio'\nmax_worker_processes = 20\nwal_log_hints = on\nwal_keep_size = '128MB'\n");
$old->start;
sql($old, 'CREATE EXTENSION agent_studio');
set_up_agents($old, 'postgres', $model);
$old->backup('base');
my $new = PostgreSQL::Test::Cluster->new('new');
$new->init_from_backup($old, 'base', has_streaming => 1);
$new->start;

my $steps = join(', ', map { qq({"name": "$_", "agent": "worker", "task": "\@mock gate=gate\\nStep $_."}) } qw(one two));
sql($old, "SELECT agent_studio.as_create_workflow('two-sequential-dev', 'sequential', \$\${\"steps\": [$steps]}\$\$)");
my $workflow = sql($old, "SELECT agent_studio.as_run_workflow('two-sequential-dev')");
my $task = submit($old, "\@mock gate=gate text=told\nA task.");
$model->await('in_flight=2');
flush_wal($old);
$old->wait_for_catchup($new);

# ---------- two primaries ----------

$new->promote;
$model->await('in_flight=4');
is($model->count('A task.') . $model->count('Step one.'), '22', 'the new primary sends again what is in flight on the old one, once');
is(status_of($old, $task), 'running', 'which still waits for its own answer');
$model->open_gate('gate');
my $run = outcome($new, $task);
is("$run->{status} " . join(',', map { $_->{outcome} } @{ $run->{tries} }), 'completed lost,completed', 'the new one writes its result');
$run = outcome($old, $task);
is("$run->{status} " . join(',', map { $_->{outcome} } @{ $run->{tries} }), 'completed completed', 'and the old one another, into its own timeline');
is(outcome($new, $workflow)->{status}, 'completed', 'the workflow ends on the new one');
is(outcome($old, $workflow)->{status}, 'completed', 'as it does on the old one');
my $result = sql($new, "SELECT string_agg(format('%s %s %s', step_no, attempt_no, outcome), ', ' ORDER BY step_no, attempt_no) FROM agent_studio.attempts WHERE execution_id = $workflow");
is($result, '1 1 lost, 1 2 completed, 2 1 completed', 'each step has one result');
my $only_old = submit($old, 'Only on the old one.');
is(outcome($old, $only_old)->{status}, 'completed', 'a task that the new one never hears of');

# ---------- one primary ----------

my $requests = $model->stats->{requests};
$old->stop('fast');
sql($new, 'CHECKPOINT');
command_ok([ 'pg_rewind', '--target-pgdata', $old->data_dir, '--source-server', $new->connstr('postgres'), '--no-sync', '--config-file', $old->data_dir . '/postgresql.conf' ],
	'the old primary is rewound');
$old->append_conf('postgresql.conf', 'port = ' . $old->port . "\nprimary_conninfo = '" . $new->connstr . "'\n");
$old->set_standby_mode;
$old->start;
$new->wait_for_catchup($old->name, 'replay', $new->lsn('insert'));
is(sql($old, "SELECT string_agg(format('%s %s %s', step_no, attempt_no, outcome), ', ' ORDER BY step_no, attempt_no) FROM agent_studio.attempts WHERE execution_id = $workflow"),
	$result, 'as a standby it has the results of the new one');
is(sql($old, "SELECT count(*) FROM agent_studio.executions WHERE task = 'Only on the old one.'"), 0, 'and not its own');
is(worker_pid($old, 'executor') . worker_pid($old, 'launcher'), '', 'and no worker');
is($model->stats->{requests}, $requests, 'nothing is sent');

$old->stop('immediate');
finish_studio($new, $model);
done_testing();
