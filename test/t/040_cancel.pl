# as_cancel at every moment of an execution's life, and who may call it.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use Test::More;

my $model = start_model_server();
my $node = start_studio('cancel', $model);

sql($node, "SELECT agent_studio.as_create_model('narrow', 'mock', deployment => 'mock', max_concurrency => 1)");
sql($node, "SELECT agent_studio.as_create_agent('narrow', 'builder', 'narrow', visibility => 'shared')");
sql($node, "CREATE ROLE $_ LOGIN IN ROLE agent_studio_user") for qw(alice bob);
sql($node, 'CREATE ROLE watcher LOGIN IN ROLE agent_studio_monitor, agent_studio_user; CREATE ROLE operator LOGIN IN ROLE agent_studio_operator');

sub cancel { my ($id, $role) = @_; return sql($node, ($role ? "SET ROLE $role; " : '') . "SELECT agent_studio.as_cancel($id)"); }
sub cancel_error { my ($id, $role) = @_; return sql_error($node, ($role ? "SET ROLE $role; " : '') . "SELECT agent_studio.as_cancel($id)"); }

sub is_canceled
{
	my ($id, $what) = @_;

	is(sql($node, "SELECT e.status, s.state, e.finished_at IS NOT NULL, (SELECT count(*) FROM agent_studio.queue q WHERE q.execution_id = $id)
		FROM agent_studio.executions e JOIN agent_studio.steps s USING (execution_id) WHERE execution_id = $id"),
		'canceled|canceled|t|0', "$what: canceled, step and execution, and out of the queue");
	return;
}

# ---------- queued: settled in the user's own transaction ----------

my $running = submit($node, "\@mock text=abcdef chunks=3 stall=2\nHold the place.", agent => 'narrow');
$model->await('in_flight=1', 'Hold the place');
my $queued = submit($node, 'Wait behind it.', agent => 'narrow');
is(cancel($queued), 'canceled', 'as_cancel of a queued execution says canceled');
is_canceled($queued, 'queued');
is(sql($node, "SELECT outcome, actor = current_user FROM agent_studio.commands WHERE execution_id = $queued"), 'applied|t', 'queued: the command is on record');
is(sql($node, "SELECT agent_studio.as_wait($queued)"), 'canceled', 'queued: as_wait returns at once');
is(sql($node, "SELECT agent_studio.as_cancel(agent_studio.as_execute_task('worker', 'Never mind.'))"), 'canceled', 'in the transaction that submitted it, too');

# In a transaction that is rolled back nothing is canceled.
$queued = submit($node, 'Wait on.', agent => 'narrow');
sql($node, "BEGIN; SELECT agent_studio.as_cancel($_); ROLLBACK") for $queued, $running;
is(status_of($node, $queued) . ' ' . status_of($node, $running), 'queued running', 'rolled back: both go on');
is(sql($node, 'SELECT count(*) FROM agent_studio.commands WHERE applied_at IS NULL'), 0, 'rolled back: no command is left');

# ---------- running: the socket closes at once, what had arrived is kept ----------

sub elapsed_until_closed
{
	my ($id, $text) = @_;

	wait_until(sub { my ($record) = $model->journal($text); $record && $record->{events} == 2 }, 'the model has said two thirds');
	wait_until(sub { sql($node, "SELECT state FROM agent_studio.steps WHERE execution_id = $id") eq 'running' }, 'it runs');
	my ($answer, $commit) = split /\n/, sql($node, "SELECT agent_studio.as_cancel($id); SELECT extract(epoch FROM clock_timestamp()) * 1000");
	is($answer, 'requested', 'as_cancel of a running execution says requested');
	$model->await('client_closed=1', $text);
	return ($model->journal($text))[0]{ended_ms} - $commit;
}

my @elapsed = elapsed_until_closed($running, 'Hold the place');
my $run = outcome($node, $running);
is_canceled($running, 'running');
is($run->{output}, 'abcd', 'running: what had arrived is kept');
is_deeply([ @{ $run->{tries}[0] }{qw(outcome error_class partial_output)} ], [ 'canceled', 'canceled', 'abcd' ], 'running: so does the attempt');
ok($run->{tries}[0]{possibly_billed}, 'running: which may be billed');
is(outcome($node, $queued)->{status}, 'completed', 'its place is free for the next one');
for my $round (1 .. 4)
{
	my $id = submit($node, "\@mock text=abcdef chunks=3 stall=2\nClose quickly $round.");

	push @elapsed, elapsed_until_closed($id, "Close quickly $round");
	is(outcome($node, $id)->{status}, 'canceled', 'it is canceled');
}
@elapsed = sort { $a <=> $b } @elapsed;
cmp_ok($elapsed[2], '<', 100, 'the model sees the socket close within 100 ms after the commit (median)') or diag("@elapsed");

# ---------- twice ----------

my $twice = submit($node, "\@mock stall=1\nCancel me twice.");
$model->await('in_flight=1', 'Cancel me twice');
is(sql($node, "BEGIN; SELECT agent_studio.as_cancel($twice); SELECT agent_studio.as_cancel($twice); COMMIT"), "requested\nrequested", 'asked twice');
is(outcome($node, $twice)->{status}, 'canceled', 'canceled');
wait_until(sub { sql($node, "SELECT count(*) FROM agent_studio.commands WHERE execution_id = $twice AND applied_at IS NULL") eq '0' }, 'the command is applied');
is(sql($node, "SELECT count(*), min(outcome) FROM agent_studio.commands WHERE execution_id = $twice"), '1|applied', 'once');
like(cancel_error($twice), qr/55000.*it is canceled/s, 'a third time is an error');

# ---------- retrying ----------

my $retrying = submit($node, "\@mock status=503 retry_after=60\nCancel my retry.");
wait_until(sub { sql($node, "SELECT state FROM agent_studio.steps WHERE execution_id = $retrying") eq 'retrying' }, 'it waits for a retry');
is(cancel($retrying), 'requested', 'as_cancel of a waiting retry says requested');
is(outcome($node, $retrying)->{status}, 'canceled', 'retrying: canceled at once');
is_canceled($retrying, 'retrying');
is($model->count('Cancel my retry'), 1, 'retrying: no further request');

# ---------- at rest ----------

my $done = run_task($node, 'Be done.')->{execution_id};
like(cancel_error($done), qr/55000.*cannot be canceled: it is completed.*HINT/s, 'a completed execution cannot be canceled');
my $failed = run_task($node, "\@mock status=400\nFail.")->{execution_id};
like(cancel_error($failed), qr/55000.*it is failed/s, 'nor can a failed one');
like(cancel_error(999999), qr/42704.*execution 999999 does not exist/s, 'nor one that does not exist');
like(sql_error($node, 'SELECT agent_studio.as_cancel(NULL)'), qr/42704.*execution NULL/s, 'nor NULL');

# ---------- somebody else's ----------

my $hers = sql($node, "SET ROLE alice; SELECT agent_studio.as_execute_task('worker', E'\@mock stall=1\\nMind your own.')");
$model->await('in_flight=1', 'Mind your own');
like(cancel_error($hers, 'bob'), qr/42704.*does not exist/s, 'a stranger learns nothing of it');
like(cancel_error($hers, 'watcher'), qr/42501.*may not command.*owner is "alice"/s, 'a monitor sees it and may not cancel it');
is(status_of($node, $hers), 'running', 'it runs on');
is(cancel($hers, 'operator'), 'requested', 'an operator may cancel it');
is(outcome($node, $hers)->{status}, 'canceled', 'and it is canceled');
is(sql($node, "SELECT actor, owner FROM agent_studio.commands WHERE execution_id = $hers"), 'operator|alice', 'the command names who did it');
is(sql($node, "SET ROLE alice; SELECT agent_studio.as_cancel(agent_studio.as_execute_task('narrow', 'Mine.'))"), 'canceled', 'an owner may cancel her own');

finish_studio($node, $model);
done_testing();
