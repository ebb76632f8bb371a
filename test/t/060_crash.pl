# Ends of the executor and of the server while a model streams: in order and by
# violence. The work is sent again, and nothing is lost or doubled.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use Test::More;
use Time::HiRes qw(time);

my $model = start_model_server();
my $node = start_studio('crash', $model, 'restart_after_crash = on');

# A task whose first request thinks, says a word and hangs, and whose second one succeeds.
sub stream_once
{
	my ($name) = @_;
	my $id = submit($node, "\@mock text=abcdef chunks=3 reasoning=2 stall=1 times=1 key=$name\nOnce more: $name.");

	wait_until(sub { sql($node, "SELECT count(*) FROM agent_studio.as_thoughts($id) WHERE source = 'reasoning'") == 2 }, "$name: streams");
	flush_wal($node);			# the claim is committed asynchronously
	return $id;
}

sub last_seq { my ($id) = @_; return sql($node, "SELECT max(seq) FROM agent_studio.as_thoughts($id)"); }

sub is_sent_again
{
	my ($id, $name, $how, $seen) = @_;
	my $run = outcome($node, $id);
	my ($first, $second) = @{ $run->{tries} };

	is("$run->{status} $run->{output} $run->{attempts}", 'completed abcdef 2', "$name: completed by a second attempt");
	is_deeply([ map { $_->{outcome} } @{ $run->{tries} } ], [ $how, 'completed' ], "$name: the first one is $how");
	ok($first->{possibly_billed}, "$name: and possibly billed");
	is($model->count("Once more: $name."), 2, "$name: two requests");
	is(($model->journal("Once more: $name."))[0]{ended}, 'client_closed', "$name: the first one's socket is closed");
	my @late = grep { $_->{attempt_no} == 2 } @{ $run->{thoughts} };
	cmp_ok($late[0]{seq}, '>', $seen, "$name: a reader who asks for what is new gets all of it");
	is(scalar(grep { $_->{seq} <= $seen && $_->{attempt_no} == 2 } @{ $run->{thoughts} }), 0, "$name: and nothing again");
	return $run;
}

# ---------- SIGKILL of the executor: the postmaster restarts the cluster ----------

my $id = stream_once('killed');
my $seen = last_seq($id);
my $executor = kill_worker($node, 'executor');
$model->await('client_closed=1', 'Once more: killed');
isnt(wait_for_server($node), $executor, 'another executor');
my $run = is_sent_again($id, 'killed', 'lost', $seen);
is_deeply([ map { "$_->{kind}" } @{ $run->{notices} } ], ['recovered'], 'killed: a notice says so');
cmp_ok((grep { $_->{attempt_no} == 2 } @{ $run->{thoughts} })[0]{seq}, '>', 1_000_000, 'killed: seq jumps past all that can have been seen');

# ---------- SIGKILL of the postmaster ----------

$id = stream_once('orphaned');
$seen = last_seq($id);
kill_server($node);
$model->await('client_closed=1', 'Once more: orphaned');
wait_for_server($node);
is_sent_again($id, 'orphaned', 'lost', $seen);

# ---------- pg_terminate_backend ----------

$id = stream_once('terminated');
$seen = last_seq($id);
$executor = worker_pid($node, 'executor');
is(sql($node, "SELECT pg_terminate_backend($executor, 10000)"), 't', 'the executor ends when it is told to');
wait_until(sub { worker_pid($node, 'executor') =~ /\d/ }, 'another one starts');
is_sent_again($id, 'terminated', 'interrupted', $seen);

$id = stream_once('unled');
$executor = worker_pid($node, 'executor');
my $launcher = worker_pid($node, 'launcher');
is(sql($node, "SELECT pg_terminate_backend($launcher, 10000)"), 't', 'the launcher ends when it is told to');
wait_until(sub { my $pid = worker_pid($node, 'launcher'); $pid =~ /\d/ && $pid ne $launcher }, 'another launcher starts');
is(worker_pid($node, 'executor'), $executor, 'the executor does not care');
is($model->stats('Once more: unled')->{in_flight}, 1, 'nor do its calls');
$seen = last_seq($id);
sql($node, "SELECT pg_terminate_backend($executor, 10000)");
wait_until(sub { worker_pid($node, 'executor') =~ /\d/ }, 'the new launcher starts another executor');
is_sent_again($id, 'unled', 'interrupted', $seen);

# ---------- shutdown with 100 calls in flight ----------

for my $mode (qw(fast immediate))
{
	my $mark = "A hundred, $mode";

	$model->reset;
	sql($node, "SELECT agent_studio.as_execute_task('worker', E'\@mock stall=1 times=1 key=$mode' || i || E'\\n$mark') FROM generate_series(1, 100) i");
	$model->await('in_flight=100');
	flush_wal($node);
	my $begin = time();
	$node->stop($mode);
	my $took = time() - $begin;
	cmp_ok($took, '<', 2, "$mode shutdown with 100 calls in flight takes less than 2 s");
	is($model->await('client_closed=100')->{in_flight}, 0, "$mode: every socket is closed");
	$node->start;
	wait_until(sub { sql($node, "SELECT count(*) FROM agent_studio.executions WHERE task LIKE '%$mark' AND finished_at IS NULL") == 0 }, 'all end');
	is(sql($node, "SELECT e.status, count(DISTINCT e.execution_id), string_agg(DISTINCT e.attempts || ' ' || a.outcome, ',' ORDER BY e.attempts || ' ' || a.outcome)
		FROM agent_studio.executions e JOIN agent_studio.attempts a USING (execution_id) WHERE e.task LIKE '%$mark' GROUP BY 1"),
		'completed|100|2 completed,2 ' . ($mode eq 'fast' ? 'interrupted' : 'lost'), "$mode: all complete after the restart");
	is($model->count($mark), 200, "$mode: with one more request each");
}

# ---------- nothing to do, nothing done ----------

is(sql($node, 'SELECT count(*) FROM agent_studio.epochs WHERE ended_at IS NULL'), 4, 'one epoch is alive, three ended by violence');
$model->reset;
$node->restart;
wait_for_executor($node);
run_task($node, 'After all that.');
is($model->stats->{requests}, 1, 'a restart sends nothing again that has ended');

finish_studio($node, $model);
done_testing();
