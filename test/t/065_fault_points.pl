# Each step of the loop, struck: the executor or the launcher is killed there, or the
# postmaster, or an error is raised. Afterwards all work ends as if nothing had
# happened, and nothing is written twice.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use Faults;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $long = $ENV{AS_LONG};
my $model = start_model_server();
my $node = start_fault_studio('points', $model, 'restart_after_crash = on', "agent_studio.poll_interval = '500ms'",
	"agent_studio.roll_up_interval = '200ms'", "agent_studio.thought_interval = '50ms'");
my $round = 0;
my @slowest = (0, '');

# ---------- the ordinary library has none of this ----------

sub holds_points { my ($library) = @_; return slurp_file($library) =~ /fault_point|result_stored|faults\//; }

my ($ordinary, $with_points) = split /:/, $ENV{AS_LIBRARIES};
ok(!holds_points("$ordinary/agent_studio.so"), 'the library that is installed holds no fault point');
ok(holds_points("$with_points/agent_studio.so"), 'that of this test does');

# ---------- a round ----------

sql($node, <<'SQL');
SELECT agent_studio.as_create_workflow('pair-sequential-test', 'sequential', '{"inputs": {"mark": "string"}, "steps": [
	{"name": "one", "agent": "worker", "task": "@mock text=first\nFirst of {mark}"},
	{"name": "two", "agent": "worker", "task": "@mock text=second\nSecond of {mark}"}]}');
SQL

# Work of every kind: a stream that lasts, a retry, a workflow, and a cancel.
sub submit_work
{
	my ($mark, $delay) = @_;

	sql($node, <<"SQL");
SELECT agent_studio.as_execute_task('worker', E'\@mock text=plain\\n$mark plain');
SELECT agent_studio.as_execute_task('worker', E'\@mock text=again status=500 times=1 key=$mark\\n$mark retried');
SELECT agent_studio.as_execute_task('worker', E'\@mock text=slowly reasoning=2 chunks=4 chunk_delay=$delay\\n$mark streamed');
SELECT agent_studio.as_run_workflow('pair-sequential-test', '{"mark": "$mark"}'::jsonb);
SQL
	my $id = submit($node, "\@mock stall=1\n$mark canceled");
	return $id;
}

# True once it is done; a session that was lost meanwhile may have done it.
sub cancel
{
	my ($id) = @_;

	return 1 if defined try_sql($node, "SELECT agent_studio.as_cancel($id)");
	return (try_sql($node, "SELECT status FROM agent_studio.executions WHERE execution_id = $id") // '') eq 'canceled';
}

my %results = (plain => 'completed plain', retried => 'completed again', streamed => 'completed slowly', canceled => 'canceled');

# That each ended with its own result, and the model was asked no more often than is on record.
sub check_work
{
	my ($mark, $what, $struck) = @_;
	my @wrong;

	for my $name (sort keys %results)
	{
		my ($status, $attempts) = split /\|/, sql($node, "SELECT concat_ws(' ', status, CASE WHEN status = 'completed' THEN agent_studio.as_output(execution_id) END), attempts
			FROM agent_studio.executions WHERE task LIKE '%$mark $name'");
		my $requests = $model->count("$mark $name");

		push @wrong, "$name: $status" if $status ne $results{$name};
		push @wrong, "$name: $requests requests, $attempts attempts" if $requests > $attempts + $struck;
	}
	push @wrong, 'workflow: ' . sql($node, "SELECT e.status, string_agg(s.output, ',' ORDER BY s.step_no) FROM agent_studio.executions e JOIN agent_studio.steps s USING (execution_id)
		WHERE e.inputs ->> 'mark' = '$mark' GROUP BY 1 HAVING e.status <> 'completed' OR string_agg(s.output, ',' ORDER BY s.step_no) <> 'first,second'");
	is(join('; ', grep { $_ ne 'workflow: ' } @wrong), '', "$what: all work ends, each with its own result, and nothing is asked in secret");
	is(invariants($node), '', "$what: the rows agree");
	return;
}

# Without crashes that it remembers, an executor runs many calls at once and commits its claims without waiting.
sub forget_crashes { sql($node, 'UPDATE agent_studio.epochs SET ended_at = now() WHERE ended_at IS NULL'); return; }

# Its pid, as soon as there is one.
sub worker
{
	my ($worker) = @_;
	my $pid;

	wait_until(sub { ($pid = worker_pid($node, $worker)) =~ /^\d+$/ }, "the $worker lives");
	return $pid;
}

# The executor sees nothing of this before all of it is there; else it might be gone meanwhile, or come by too soon.
sub while_stopped
{
	my ($code) = @_;
	my $executor = worker('executor');

	kill 'STOP', $executor;
	$code->();
	kill 'CONT', $executor;
	return;
}

my %provoke = (
	crash => sub { kill_worker($node, 'executor') },
	stop => sub { kill 'TERM', worker('executor') },
	launcher => sub { kill 'TERM', worker('launcher') },
);

# round(POINT, ACTION, what makes the process come by, careful or not)
sub round
{
	my ($point, $action, $provoke, $swift) = @_;
	my $mark = sprintf('Mark%03d', ++$round);
	my $what = "$point, $action" . ($swift ? ', swift' : '');
	my $begin = time();
	my $before = $AgentStudio::kills;

	worker('launcher');			# a second after one that failed
	if ($swift)
	{
		my $careful = worker('executor');
		forget_crashes();
		$provoke{stop}->();
		wait_until(sub { my $pid = worker_pid($node, 'executor'); $pid =~ /^\d+$/ && $pid != $careful }, 'a swift executor starts');
		wait_for_executor($node);
	}
	my $id;
	while_stopped(sub {
		$id = submit_work($mark, $point eq 'live' ? 400 : 20);
		arm($node, $point, $action) if !$provoke;
	});
	if ($provoke)
	{
		$model->await('requests=1', $mark);
		arm($node, $point, $action);
		$provoke{$provoke}->();
	}
	my $canceled = 0;
	my $cancel = sub { return $canceled ||= cancel($id) };
	# While it waits in the queue it would be canceled without the executor.
	wait_until(sub { was_reached($node, $point) || ($model->count("$mark canceled") > 0 && $cancel->()) }, "$what: canceled, or already struck");
	wait_until(sub { was_reached($node, $point) }, "$what: the point is reached");
	recover($node, $point, $action);
	wait_until($cancel, 'it is canceled');
	wait_until(sub { sql($node, 'SELECT count(*) FROM agent_studio.executions WHERE finished_at IS NULL') == 0 }, "$what: all end");
	check_work($mark, $what, $AgentStudio::kills - $before + ($action eq 'error'));
	@slowest = (time() - $begin, $what) if time() - $begin > $slowest[0];
	return;
}

my @points = (
	(map { [$_] } qw(round timers claim claimed sent stream answered live write result_stored advance written committed
		command_seen command_applied roll_up)),
	(map { [ $_, 'crash' ] } qw(executor_starts executor_attached epoch_begins epoch_begun recovery recovered)),
	(map { [ $_, 'stop' ] } qw(stop epoch_ends epoch_ended reap register registered)),
	(map { [ $_, 'launcher' ] } qw(launcher_starts scan)));

for my $i (0 .. $#points)
{
	my ($point, $provoke) = @{ $points[$i] };

	round($point, 'kill', $provoke, $i % 2);
	round($point, 'kill', $provoke, !($i % 2)) if $long;
	round($point, 'crash', $provoke, 0) if $long || $i % 4 == 1;
	round($point, 'error', $provoke, 0) if $long || $i % 4 == 3;
}
note(sprintf('%d rounds; the slowest, "%s", took %.1f s', $round, $slowest[1], $slowest[0]));

# ---------- errors within transactions cost no memory ----------

my $last = worker('executor');
forget_crashes();
$provoke{stop}->();
my @turns = map { my $point = $_; map { [ $point, $_ ] } qw(error trouble) } qw(claim write result_stored advance written);
my $submitted = 0;
my $executor;

# The executor's transaction fails at the point, and what it was about is done all the same.
sub fail_in_turn
{
	my ($i) = @_;
	my ($point, $action) = @{ $turns[ $i % @turns ] };

	$model->reset if $i % 20 == 0;
	while_stopped(sub {
		sql($node, "SELECT agent_studio.as_execute_task('worker', '\@mock size=20000\nIn turn ' || i) FROM generate_series(1, 10) i;
			SELECT agent_studio.as_run_workflow('pair-sequential-test', '{\"mark\": \"in turn\"}'::jsonb)");
		arm($node, $point, $action);
	});
	wait_until(sub { was_reached($node, $point) }, "$point, $action");
	wait_until(sub { sql($node, 'SELECT count(*) FROM agent_studio.executions WHERE finished_at IS NULL') == 0 }, "$point, $action: all end");
	release($node, $point);
	$submitted += 11;
	return;
}

wait_until(sub { ($executor = worker('executor')) != $last }, 'another executor starts');
wait_for_executor($node);
fail_in_turn($_) for 1 .. 2 * @turns;
my $first_memory = private_memory($executor);
fail_in_turn($_) for 1 .. ($long ? 15 : 5) * @turns;
note(sprintf('memory: %d kB after %d failed transactions, %d kB after %d', $first_memory, 2 * @turns, private_memory($executor), ($long ? 17 : 7) * @turns));
is(worker('executor'), $executor, 'one executor has gone through all of them');
cmp_ok(private_memory($executor), '<', $first_memory + 4096, 'and its memory is flat');
is(sql($node, "SELECT count(*), count(*) FILTER (WHERE status = 'completed') FROM agent_studio.executions WHERE task LIKE '%In turn%' OR inputs ->> 'mark' = 'in turn'"),
	"$submitted|$submitted", 'all that was under way in them is completed');
is(invariants($node), '', 'and the rows agree');

finish_studio($node, $model);
done_testing();
