# No connection is free, users lock what the executor needs in the opposite order, and
# the system's timeouts are too short for anything: work goes on, or waits and loses
# nothing.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use Faults;
use PostgreSQL::Test::Utils;
use Test::More;

my $model = start_model_server();
my $node = start_fault_studio('pressure', $model, 'max_connections = 10', 'superuser_reserved_connections = 3',
	"deadlock_timeout = '100ms'", "agent_studio.poll_interval = '500ms'", 'log_min_messages = error');
my $executor = wait_for_executor($node);

# ---------- every connection is taken, those for superusers too ----------

my $first = $node->background_psql('postgres');
my @others = map { $node->background_psql('postgres') } 1 .. 9;

sub is_refused { my ($code, undef, $error) = $node->psql('postgres', 'SELECT 1'); return $code != 0 && $error =~ /too many clients/; }
sub ask { my ($query) = @_; my $answer = $first->query_safe($query); return $answer =~ s/\s+\z//r; }

ok(is_refused(), 'no connection is free, not even for a superuser');
ask(q(SELECT agent_studio.as_execute_task('worker', E'@mock text=done\nNo connection.')));
wait_until(sub { ask(q(SELECT count(*) FROM agent_studio.executions WHERE task LIKE '%No connection.' AND status = 'completed')) == 1 }, 'a task completes');
is(ask(q(SELECT count(*) FROM agent_studio.executions WHERE task LIKE '%No connection.' AND status = 'completed')), 1, 'a task completes all the same');
for my $worker (qw(launcher executor))
{
	my $pids = "SELECT string_agg(pid::text, ',') FROM pg_stat_activity WHERE backend_type = 'agent_studio $worker'";
	my $before = ask($pids);

	kill 'TERM', $before;
	wait_until(sub { my $pid = ask($pids); $pid =~ /^\d+$/ && $pid != $before }, "another $worker starts");
	ok(is_refused(), "another $worker starts without a connection of its own");
}
ask(q(SELECT agent_studio.as_execute_task('worker', E'@mock text=done\nStill no connection.')));
wait_until(sub { ask(q(SELECT count(*) FROM agent_studio.executions WHERE task LIKE '%Still no connection.' AND status = 'completed')) == 1 }, 'it completes');
is(ask('SELECT count(*) FROM agent_studio.executions WHERE finished_at IS NULL'), 0, 'and works');
$_->quit for @others, $first;
wait_until(sub { !is_refused() }, 'connections are free again');
$executor = wait_for_executor($node);

# ---------- a deadlock ----------

# The executor stands in the middle of its transaction, with the rows of a result changed.
# A user has what it needs next, and wants what it has: one of the two has to give way.
for my $round (1 .. 3)
{
	my $user = $node->background_psql('postgres');

	arm($node, 'result_stored', 'wait');
	my $id = submit($node, "\@mock text=kept reasoning=2\nDeadlock $round.");
	wait_until(sub { was_reached($node, 'result_stored') }, 'the executor is in the middle');
	$user->query_safe('BEGIN; LOCK TABLE agent_studio.thoughts IN ACCESS EXCLUSIVE MODE');
	$user->{stdin} .= "SET LOCAL deadlock_timeout = '10s'; LOCK TABLE agent_studio.steps IN ACCESS EXCLUSIVE MODE;\n";
	$user->{run}->pump_nb;
	wait_until(sub { sql($node, "SELECT count(*) FROM pg_locks WHERE relation = 'agent_studio.steps'::regclass AND NOT granted") == 1 }, 'the user waits for the executor');
	release($node, 'result_stored');
	$user->query_safe('COMMIT');
	$user->quit;
	my $run = outcome($node, $id);
	is("$run->{status} $run->{output} $run->{attempts}", 'completed kept 1', "deadlock $round: the result is stored, at the first attempt");
	is($model->count("Deadlock $round."), 1, "deadlock $round: for one request");
}
like(slurp_file($node->logfile), qr/\[\Q$executor\E\].*(deadlock detected|canceling statement due to lock timeout)/, 'it was the executor that gave way');
is(worker_pid($node, 'executor'), $executor, 'and it lives');

# ---------- timeouts of the whole system ----------

my @timeouts = (qw(statement_timeout lock_timeout idle_in_transaction_session_timeout),
	$node->pg_version >= 17 ? 'transaction_timeout' : ());
$ENV{PGOPTIONS} = join ' ', map { "-c $_=0" } @timeouts;
sql($node, "ALTER SYSTEM SET $_ = '1ms'") for @timeouts;
$node->reload;
is(run_task($node, "\@mock text=done reasoning=2\nReloaded.")->{status}, 'completed', 'timeouts of a millisecond do not reach an executor that runs');
$node->restart;
wait_for_executor($node);
my $run = run_task($node, "\@mock text=done status=500 times=1 key=timeouts\nRestarted.");
is("$run->{status} $run->{attempts}", 'completed 2', 'nor one that is started with them');
sql($node, "ALTER ROLE postgres SET $_ = '1ms'; ALTER DATABASE postgres SET $_ = '1ms'; ALTER ROLE postgres IN DATABASE postgres SET $_ = '1ms'") for @timeouts;
$node->restart;
wait_for_executor($node);
is(run_task($node, 'Role and database.')->{status}, 'completed', 'wherever they are set');

is(invariants($node), '', 'the rows agree');
finish_studio($node, $model);
done_testing();
