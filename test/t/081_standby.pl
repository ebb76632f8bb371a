# A standby reads and takes no work; once promoted it goes on with the work, once.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use PostgreSQL::Test::Utils;
use Test::More;

my $model = start_model_server();
my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1, extra => \@initdb_options);
$primary->append_conf('postgresql.conf', "shared_preload_libraries = 'agent_studio'\nmax_worker_processes = 20\nagent_studio.retry_delay = '50ms'\n");
$primary->start;
sql($primary, 'CREATE EXTENSION agent_studio');
set_up_agents($primary, 'postgres', $model);
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;

my $done = run_task($primary, 'Done on the primary.')->{execution_id};
my $running = submit($primary, "\@mock reasoning=2 stall=1 times=1 text=abc\nUnder way on the primary.");
my $retrying = submit($primary, "\@mock status=503 retry_after=2 times=1\nWaiting for a retry on the primary.");
wait_until(sub { sql($primary, "SELECT count(*) FROM agent_studio.as_thoughts($running) WHERE source = 'reasoning'") == 2 }, 'the model streams');
wait_until(sub { sql($primary, "SELECT state FROM agent_studio.steps WHERE execution_id = $retrying") eq 'retrying' }, 'the other one waits');
flush_wal($primary);
$primary->wait_for_catchup($standby);

# ---------- reading, and nothing else ----------

like(sql($standby, "SELECT agent_studio.as_output($done)"), qr/Done on the primary/, 'a standby shows outputs');
is(sql($standby, "SELECT status, agent FROM agent_studio.as_status($running)"), 'running|worker', 'and the status');
is(sql($standby, "SELECT count(*) FROM agent_studio.as_thoughts($running) WHERE source = 'reasoning'"), 2, 'and thoughts while the model streams');
is(sql($standby, "SELECT agent_studio.as_wait($done)"), 'completed', 'as_wait works');
is(sql($standby, "SELECT agent_studio.as_wait($running, 0.1)"), 'running', 'and gives up in time');
for my $call (q(as_execute_task('worker', 'No.')), "as_cancel($running)", q(as_create_agent('x', 'builder', 'mock')), 'as_release_restored()')
{
	like(sql_error($standby, "SELECT agent_studio.$call"), qr/25006.*this server is a standby.*HINT:.*primary/s, "$call is refused, and says why");
}
like(as_check($standby, 'executor running'), qr/^\|this server is a standby/, 'as_check says so');
is(worker_pid($standby, 'executor') . worker_pid($standby, 'launcher'), '', 'no worker runs there');
is($model->stats->{requests}, 3, 'nothing is sent from there');

is(sql($standby, 'SELECT string_agg(id::text, $$ $$ ORDER BY id) FROM agent_studio.active_executions'), "$running $retrying", 'the views show what runs on the primary');
is(sql($standby, "SELECT (u).is_estimate FROM agent_studio.as_usage($running) u") . sql($standby, 'SELECT count(*) FROM agent_studio.alerts'), 't0', 'usage and alerts can be read');

# ---------- promotion ----------

my $seen = sql($standby, "SELECT max(seq) FROM agent_studio.as_thoughts($running)");
$primary->stop('immediate');
$standby->promote;
my $executor = wait_for_executor($standby);
my $run = outcome($standby, $running);
is("$run->{status} " . join(',', map { $_->{outcome} } @{ $run->{tries} }), 'completed lost,completed', 'after the promotion what was under way is sent again');
is($model->count('Under way on the primary'), 2, 'once');
is(scalar(grep { $_->{seq} <= $seen && $_->{attempt_no} == 2 } @{ $run->{thoughts} }), 0, 'a reader who followed the primary sees no thought twice');
is(outcome($standby, $retrying)->{status}, 'completed', 'what waited for its retry is tried again');
is($model->count('Waiting for a retry on the primary'), 2, 'once');
is($model->count('Done on the primary'), 1, 'what was done is not');
$run = run_task($standby, 'New after the promotion.');
is("$run->{status} $run->{executor}", "completed $executor", 'and new work is taken');

finish_studio($standby, $model);
done_testing();
