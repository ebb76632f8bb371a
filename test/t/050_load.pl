# Many at once: in flight together, bounded where there is a bound, in order.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use Test::More;

my $model = start_model_server();
my $node = start_studio('load', $model);
my $executor = wait_for_executor($node);

sub agent_of
{
	my ($name, $limit) = @_;

	sql($node, "SELECT agent_studio.as_create_model('$name', 'mock', deployment => 'mock', max_concurrency => $limit)");
	sql($node, "SELECT agent_studio.as_create_agent('$name', 'builder', '$name')");
	return;
}

sub all_ended { my ($task) = @_; return sql($node, "SELECT count(*) FROM agent_studio.executions WHERE task LIKE '%$task%' AND finished_at IS NULL") == 0; }

# ---------- 200 at once ----------

sql($node, "SELECT agent_studio.as_execute_task('worker', E'\@mock latency=1000\\nAt once ' || i) FROM generate_series(1, 200) i");
my $together = $model->await('in_flight=200');
is($together->{in_flight}, 200, '200 tasks are in flight together');
is(sql($node, q(SELECT count(DISTINCT epoch), min(query) FROM agent_studio.queue, pg_stat_activity
	WHERE backend_type = 'agent_studio executor' AND epoch IS NOT NULL)), '1|200 model calls in flight', 'in one executor');
wait_until(sub { all_ended('At once') }, 'all end');
is(sql($node, "SELECT status, count(*), count(DISTINCT agent_studio.as_output(execution_id)), sum(attempts) FROM agent_studio.executions WHERE task LIKE '%At once%' GROUP BY status"),
	'completed|200|200|200', 'all complete, at the first attempt, with an answer each');
is(sql($node, "SELECT count(*) FROM agent_studio.executions WHERE task LIKE '%At once%' AND agent_studio.as_output(execution_id) NOT LIKE '%' || split_part(task, E'\\n', 2) || '%'"),
	0, 'and each has the answer to its own task');
is($model->count('At once'), 200, 'one request each');
is(worker_pid($node, 'executor'), $executor, 'by the same executor');

# ---------- a model's limit ----------

agent_of('three', 3);
$model->reset;
sql($node, "SELECT agent_studio.as_execute_task('three', E'\@mock latency=500\\nBy threes ' || i) FROM generate_series(1, 12) i;
	SELECT agent_studio.as_execute_task('worker', 'Beside them ' || i) FROM generate_series(1, 5) i");
wait_until(sub { all_ended('Beside') }, 'the other model answers');
cmp_ok(sql($node, "SELECT count(*) FROM agent_studio.executions WHERE task LIKE '%By threes%' AND finished_at IS NULL"), '>', 0,
	'a model at its limit does not hold up another one');
wait_until(sub { all_ended('By threes') }, 'all end');
is(sql($node, "SELECT status, count(*) FROM agent_studio.executions WHERE task LIKE '%By threes%' GROUP BY status"), 'completed|12', 'all complete');
is(most_at_once('By threes'), 3, 'never more than three at once, and no less');

# The most requests that overlapped, by the model server's clock.
sub most_at_once
{
	my ($text) = @_;
	my ($now, $most) = (0, 0);

	for my $event (sort { $a->[0] <=> $b->[0] || $a->[1] <=> $b->[1] }
		map { ([ $_->{mono_ms}, 1 ], [ $_->{ended_mono_ms}, -1 ]) } $model->journal($text))
	{
		$now += $event->[1];
		$most = $now if $now > $most;
	}
	return $most;
}

# ---------- the executor's limit ----------

sql($node, "ALTER SYSTEM SET agent_studio.max_in_flight = 7");
$node->reload;
wait_until(sub { sql($node, 'SHOW agent_studio.max_in_flight') eq '7' }, 'the limit is set');
run_task($node, 'The executor has read it.');
$model->reset;
sql($node, "SELECT agent_studio.as_execute_task('worker', E'\@mock latency=100\\nBy sevens ' || i) FROM generate_series(1, 30) i");
wait_until(sub { all_ended('By sevens') }, 'all end');
is($model->stats->{max_in_flight}, 7, 'agent_studio.max_in_flight bounds the executor');
is(sql($node, "SELECT status, count(*) FROM agent_studio.executions WHERE task LIKE '%By sevens%' GROUP BY status"), 'completed|30', 'all complete');
sql($node, "ALTER SYSTEM RESET agent_studio.max_in_flight");
$node->reload;

# ---------- the order ----------

agent_of('one', 1);
my $busy = submit($node, "\@mock stall=1\nKeep it busy.", agent => 'one');
$model->await('in_flight=1', 'Keep it busy');
# Submitted in the reverse of the order in which they should run.
my %ids = map { $_ => submit($node, "In order: $_.", agent => 'one', arguments => "priority => '$_'") } qw(low normal high critical);
# Two that have waited: an hour and a half is more than the head start of critical.
for my $age ([ 'old low', 'low', '90 minutes' ], [ 'rather old normal', 'normal', '30 minutes' ])
{
	my ($name, $priority, $interval) = @$age;
	my $id = submit($node, "In order: $name.", agent => 'one', arguments => "priority => '$priority'");

	sql($node, "UPDATE agent_studio.queue SET order_at = order_at - interval '$interval' WHERE execution_id = $id");
}
is($model->count('In order'), 0, 'all wait for the one place');
sql($node, "SELECT agent_studio.as_cancel($busy)");
wait_until(sub { all_ended('In order') }, 'all end');
is_deeply([ map { $_->{body}{messages}[0]{content} =~ /In order: (.*)\./ } $model->journal('In order') ],
	[ 'old low', 'critical', 'rather old normal', 'high', 'normal', 'low' ], 'critical first, but for what is old enough');
is(most_at_once('In order'), 1, 'one by one');

# Of the same priority, in the order of their submission.
$busy = submit($node, "\@mock stall=1\nKeep it busy again.", agent => 'one');
$model->await('in_flight=1', 'Keep it busy again');
sql($node, "SELECT agent_studio.as_execute_task('one', 'In turn ' || i || '.') FROM generate_series(1, 20) i");
sql($node, "SELECT agent_studio.as_cancel($busy)");
wait_until(sub { all_ended('In turn') }, 'all end');
is_deeply([ map { $_->{body}{messages}[0]{content} =~ /In turn (\d+)/ } $model->journal('In turn') ], [ 1 .. 20 ], 'of the same priority in turn');

finish_studio($node, $model);
done_testing();
