# A step that follows another is claimed by the transaction that queues it, and nobody is passed over by that.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use GuideWorkflows;
use Test::More;

my $model = start_model_server();
my $node = start_studio('chained', $model);

# Steps after the first that were claimed as they were queued.
sub chained { my ($id) = @_; return sql($node, "SELECT count(*) FROM agent_studio.steps WHERE execution_id = $id AND step_no > 1 AND sent_at = queued_at"); }

sub order_of { my ($text) = @_; return [ map { text_of($_) =~ /$text (\S+)\./ } $model->journal($text) ]; }

# Four steps one after the other, of an agent.
sub create_four
{
	my ($name, $agent) = @_;

	create_workflow($node, $name, 'sequential', { steps => [ map { { name => "step-$_", agent => $agent, task => "Go on: $name-$_." } } 1 .. 4 ] });
	return;
}

sub new_agent
{
	my ($name, $limits) = @_;

	sql($node, "SELECT agent_studio.as_create_model('$name', 'mock', $limits)");
	sql($node, "SELECT agent_studio.as_create_agent('$name', 'builder', '$name', visibility => 'shared')");
	return;
}

# ---------- in general ----------

create_four('free', 'worker');
my $run = run_workflow($node, 'free');
is($run->{status}, 'completed', 'four steps complete');
is(chained($run->{execution_id}), 3, 'each after the first was claimed when it was queued');
is(sql($node, "SELECT count(DISTINCT epoch) FROM agent_studio.attempts WHERE execution_id = $run->{execution_id}"), 1, 'by the executor that sent it');
is(sql($node, 'SELECT count(*) FROM agent_studio.queue'), 0, 'nothing is left in the queue');
is(sql($node, "SELECT bool_and(started_at = sent_at AND attempt_no = 1) FROM agent_studio.steps WHERE execution_id = $run->{execution_id}"), 't', 'they have begun with their first attempt');

# ---------- one after the other: what was begun is finished first ----------

new_agent('one', 'max_concurrency => 1');
create_four('first', 'one');
create_four('second', 'one');
my $busy = submit($node, "\@mock stall=1\nKeep it busy.", agent => 'one');
$model->await('in_flight=1', 'Keep it busy');
my @ids = map { start_workflow($node, $_) } qw(first second);
sql($node, "SELECT agent_studio.as_cancel($busy)");
is(ended($node, $_)->{status}, 'completed', 'it completes') foreach @ids;
is_deeply([ grep { !/free/ } @{ order_of('Go on:') } ], [ map { my $w = $_; map { "$w-$_" } 1 .. 4 } qw(first second) ], 'the first workflow is finished before the second begins');

# ---------- who is more urgent comes between ----------

$model->reset;
create_workflow($node, 'slow', 'sequential', { steps => [ { name => 'a', agent => 'one', task => "\@mock gate=slow\nUrgency: slow-1." },
	{ name => 'b', agent => 'one', task => 'Urgency: slow-2.' } ] });
my $slow = start_workflow($node, 'slow');
$model->await('in_flight=1', 'slow-1');
my $urgent = submit($node, 'Urgency: urgent.', agent => 'one', arguments => "priority => 'critical'");
$model->open_gate('slow');
is(ended($node, $slow)->{status}, 'completed', 'the workflow ends');
is_deeply(order_of('Urgency:'), [ qw(slow-1 urgent slow-2) ], 'a critical task goes before the step that follows');
is(chained($slow), 0, 'which had to be claimed');

# ---------- who has much to do lets others in between ----------

$model->reset;
create_workflow($node, 'wide', 'parallel', { steps => [ map { { name => "part-$_", agent => 'one', task => "Between: part-$_." } } 1 .. 5 ] });
$busy = submit($node, "\@mock stall=1\nKeep it busy.", agent => 'one');
$model->await('in_flight=1', 'Keep it busy');
my ($wide, $small) = split /\|/, sql($node, q(SELECT agent_studio.as_run_workflow('wide'), agent_studio.as_execute_task('one', 'Between: small.')));
is(sql($node, "SELECT string_agg(DISTINCT extract(epoch FROM q.order_at - first.order_at)::numeric(3, 1)::text, ' ') FROM agent_studio.queue q,"
	. " agent_studio.queue first WHERE q.execution_id = $wide AND first.execution_id = $wide AND first.step_no = 1"), '0.0 0.1 0.2 0.3 0.4',
	'of steps that are queued at once each is a little further behind');
sql($node, "SELECT agent_studio.as_cancel($busy)");
ended($node, $_) foreach $wide, $small;
is_deeply(order_of('Between:'), [ qw(part-1 small part-2 part-3 part-4 part-5) ], 'a task that came after five steps side by side goes after the first of them');

# ---------- not where more has to be looked at ----------

new_agent('rated', 'requests_per_minute => 1000');
create_four('rated', 'rated');
$run = run_workflow($node, 'rated');
is($run->{status}, 'completed', 'with a rate to keep the steps complete');
is(chained($run->{execution_id}), 0, 'and are claimed one by one');

sql($node, "SELECT agent_studio.as_set_budget('all', 1000, 'month', 'refuse')");
$run = run_workflow($node, 'free');
is($run->{status}, 'completed', 'with a budget that can refuse, too');
is(chained($run->{execution_id}), 0, 'for it has to be asked');
sql($node, "SELECT agent_studio.as_set_budget('all', NULL, 'month')");

# ---------- what people want comes first ----------

$model->reset;
create_workflow($node, 'held', 'sequential', { steps => [ { name => 'a', agent => 'worker', task => "\@mock gate=held\nWanted: held-1." },
	{ name => 'b', agent => 'worker', task => 'Wanted: held-2.' } ] });
my $held = start_workflow($node, 'held');
$model->await('in_flight=1', 'held-1');
sql($node, "SELECT agent_studio.as_pause($held)");
wait_until(sub { status_of($node, $held) eq 'paused' }, 'it is paused');
$model->open_gate('held');
wait_until(sub { sql($node, "SELECT state FROM agent_studio.steps WHERE execution_id = $held AND step_no = 2") eq 'paused' }, 'the next step is held');
is($model->count('held-2'), 0, 'and not sent');
sql($node, "SELECT agent_studio.as_resume($held)");
is(ended($node, $held)->{status}, 'completed', 'it goes on when it may');

# ---------- a row at fault fails alone ----------

create_four('spoilt', 'worker');
create_four('sound', 'worker');
sql($node, q(CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not this one'; END $$;
	CREATE TRIGGER spoil BEFORE INSERT ON agent_studio.queue FOR EACH ROW WHEN (NEW.step_no = 3 AND NEW.epoch IS NOT NULL) EXECUTE FUNCTION spoil()));
my $spoilt = start_workflow($node, 'spoilt');
is(ended($node, $spoilt)->{status}, 'completed', 'what cannot be claimed with the write is claimed afterwards');
is(chained($spoilt), 2, 'the others are chained');
sql($node, 'DROP TRIGGER spoil ON agent_studio.queue; DROP FUNCTION spoil()');
$run = run_workflow($node, 'sound');
is(chained($run->{execution_id}), 3, 'as are all afterwards');

finish_studio($node, $model);
done_testing();
