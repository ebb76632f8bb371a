# A dump of workflows in mid-flight: restored, nothing is sent until somebody says so,
# and then each goes on from where it was and ends as it must.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use PostgreSQL::Test::Utils;
use Property;
use Test::More;

my $workflows = 60;

$ENV{AS_SEED} //= int(rand(1_000_000));
note("AS_SEED=$ENV{AS_SEED} repeats the choices");

my $model = start_turns_server();
my $node = start_studio('dumped_workflows', $model);
add_agents($node);
wait_for_executor($node);

my (undef, $created) = run_property($node, 'postgres', 'create', $workflows, 50, 'dumped');
is($created, 0, 'the workflows are created');
start_cases($node, $workflows);
$model->await('in_flight=20');
wait_until(sub { sql($node, 'SELECT count(*) FROM agent_studio.attempts') >= $workflows / 2 }, 'they are in mid-flight');
my $dump = "$PostgreSQL::Test::Utils::tmp_check/workflows.sql";
$node->command_ok([ 'pg_dump', '--file', $dump, '-d', $node->connstr('postgres') ], 'pg_dump succeeds');
$node->stop('immediate');
$model->await('idle=1');
$model->open_gate('dumped');

# ---------- restored, while an executor is at work there already ----------

my $copy = start_studio('restored_workflows', undef, "agent_studio.poll_interval = '100ms'");
sql($copy, 'CREATE DATABASE again TEMPLATE template0');
$copy->command_ok([ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-f', $dump, '-d', $copy->connstr('again') ],
	'the restore has no error');
my $requests = $model->stats->{requests};
my $unfinished = sql($copy, 'SELECT count(*) FROM agent_studio.executions WHERE finished_at IS NULL', 'again');
cmp_ok($unfinished, '>', 10, 'many had not ended');
cmp_ok(sql($copy, "SELECT count(DISTINCT state) FROM agent_studio.steps s JOIN agent_studio.executions e USING (execution_id) WHERE e.finished_at IS NULL", 'again'),
	'>', 2, 'with steps in several states');
wait_for_executor($copy, 'again');
is(outcome($copy, submit($copy, 'New work.', database => 'again'), 'again')->{status}, 'completed', 'new work is done');
is($model->stats->{requests}, $requests + 1, 'nothing of the dump is sent');

# ---------- released ----------

cmp_ok(sql($copy, 'SELECT agent_studio.as_release_restored()', 'again'), '>=', $unfinished, 'all of them are released');
my ($result, $code) = run_property($copy, 'again', 'check', $workflows);
is($code, 0, 'every workflow has done what the reference says');
is($result->{different}, 0, "none of $workflows differs");
cmp_ok($model->stats->{requests}, '>', $requests + 1, 'once it was released');
is(sql($copy, 'SELECT count(*) FROM agent_studio.queue', 'again'), 0, 'nothing is left in the queue');

finish_studio($copy, $model, 'again');
done_testing();
