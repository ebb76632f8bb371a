# Budgets that refuse: what is sent at once does not go beyond them, whatever happens.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use Test::More;

my $model = start_model_server();
my $node = start_studio('budgets', $model, "agent_studio.poll_interval = '1s'");
my $dime = '@mock input_tokens=10 output_tokens=3330';	# $0.0001 + $0.0999

sub count_of { my ($what) = @_; return sql($node, "SELECT count(*) FROM agent_studio.executions WHERE $what"); }
sub budget { my ($scope) = @_; return sql($node, "SELECT spent_usd, state, unknown_calls FROM agent_studio.budget_status WHERE scope = '$scope'"); }

# Sets a budget and waits until the executor has counted it.
sub set_budget
{
	my ($scope, $amount, $action) = @_;

	sql($node, "SELECT agent_studio.as_set_budget('$scope', $amount, action => '$action')");
	wait_until(sub { budget($scope) =~ /^\d/ }, "the budget of $scope is counted");
	return;
}

sub all_rest { my ($task) = @_; return wait_until(sub { count_of("task LIKE '$task%' AND finished_at IS NULL") == 0 }, "all of $task end"); }

sql($node, qq(
	SELECT agent_studio.as_create_agent('$_', 'builder', 'mock', visibility => 'shared', max_output_tokens => 3330))) for qw(spender gated removed lost warned);

# Fifty tasks of a dime at once against a dollar: ten calls.
set_budget('agent:spender', '1.00', 'refuse');
sql($node, "SELECT count(agent_studio.as_execute_task('spender', 'Fifty ' || g || E'\\n$dime')) FROM generate_series(1, 50) g");
all_rest('Fifty');
is($model->count('Fifty'), 10, 'ten calls are sent');
is(count_of("task LIKE 'Fifty%' AND status = 'completed'"), 10, 'ten tasks complete');
is(count_of("task LIKE 'Fifty%' AND status = 'failed' AND error_class = 'budget_exceeded' AND error_message LIKE '%\$1.00 of \$1.00 spent'"), 40, 'forty say that the budget is used up');
is(budget('agent:spender'), '1.000000|over|0', 'what is spent is counted');
is(sql($node, "SELECT sum(input_cost_usd + output_cost_usd) = 1 FROM agent_studio.attempts"), 't', 'as the attempts have it');
is(sql($node, "SELECT count(*) FROM agent_studio.attempts WHERE outcome = 'failed' AND possibly_billed"), 0, 'nobody pays for what was not sent');
is(sql($node, "SELECT string_agg(DISTINCT max::text, ',') FROM (SELECT max(attempt_no) FROM agent_studio.steps GROUP BY execution_id) s"), '1', 'waiting leaves no attempt behind');
like(sql_error($node, "SELECT agent_studio.as_execute_task('spender', 'One more')"), qr/53400: the budget of agent:spender is used up.*DETAIL.*\$1\.00 of \$1\.00.*HINT/s, 'nothing more is accepted');
is(sql($node, q(SELECT string_agg(severity, ' ' ORDER BY notice_id) FROM agent_studio.notices WHERE kind = 'budget')), 'warning error', 'a notice at 80 percent, one at the end');

# Raised by the alert's remedy, which leaves a quarter to spare, it goes on.
sql($node, sql($node, q(SELECT remedy FROM agent_studio_private.budget_alerts())));
is(run_task($node, "Raised\n$dime", agent => 'spender')->{status}, 'completed', 'raised, it goes on');

# What could go beyond waits for what is under way, and can be paused, resumed and canceled meanwhile.
set_budget('agent:gated', '0.35', 'refuse');
my @gated = map { submit($node, "Gated $_\n$dime gate=g", agent => 'gated') } 1 .. 6;
$model->await('in_flight=3', 'Gated');
wait_until(sub { sql($node, 'SELECT count(*) FROM agent_studio.queue WHERE held_by IS NOT NULL') == 3 }, 'three wait');
is(sql($node, "SELECT string_agg(status, ' ' ORDER BY execution_id) FROM agent_studio.executions WHERE task LIKE 'Gated%'"),
	'running running running queued queued queued', 'three are under way, three are queued');
is(run_task($node, "Meanwhile\n$dime")->{status}, 'completed', 'others are not held up');
sql($node, "SELECT agent_studio.as_cancel($gated[3])");
wait_until(sub { status_of($node, $gated[3]) eq 'canceled' }, 'one that waits is canceled');
sql($node, "SELECT agent_studio.as_pause($gated[4])");
wait_until(sub { status_of($node, $gated[4]) eq 'paused' }, 'another is paused');
$model->open_gate('g');
wait_until(sub { status_of($node, $gated[5]) eq 'completed' }, 'the last one goes when the first have ended');
is(status_of($node, $gated[4]), 'paused', 'the paused one stays so');
is($model->count('Gated'), 4, 'and was not sent');
is(budget('agent:gated'), '0.400000|over|0', 'alone, a call may use up the rest');
sql($node, "SELECT agent_studio.as_resume($gated[4])");
wait_until(sub { status_of($node, $gated[4]) eq 'failed' }, 'resumed, it finds the budget used up');

# Whoever waits for a budget that is removed goes on at once.
set_budget('agent:removed', '0.15', 'refuse');
my @removed = map { submit($node, "Removed $_\n$dime gate=r", agent => 'removed') } 1, 2;
wait_until(sub { sql($node, 'SELECT count(*) FROM agent_studio.queue WHERE held_by IS NOT NULL') == 1 }, 'one waits');
sql($node, "SELECT agent_studio.as_set_budget('agent:removed', NULL)");
$model->await('in_flight=2', 'Removed');
$model->open_gate('r');
all_rest('Removed');

# A crash: what was under way may have been billed, and reserves nothing any more.
set_budget('agent:lost', '0.25', 'refuse');
my @lost = map { submit($node, "Lost $_\n$dime gate=l", agent => 'lost') } 1 .. 3;
$model->await('in_flight=2', 'Lost');
kill_server($node);
wait_for_executor($node);
$model->open_gate('l');
all_rest('Lost');
is(count_of("task LIKE 'Lost%' AND status = 'completed'"), 3, 'after a crash what is left is spent');
is(budget('agent:lost'), '0.300000|over|2', 'two calls have a cost that nobody knows');
is(sql($node, q(SELECT count(*) FROM agent_studio.queue)), 0, 'nothing is left in the queue');

# A budget that only warns stops nothing.
set_budget('agent:warned', '0.10', 'warn');
sql($node, "SELECT count(agent_studio.as_execute_task('warned', 'Warned ' || g || E'\\n$dime')) FROM generate_series(1, 5) g");
all_rest('Warned');
is(budget('agent:warned'), '0.500000|over|0', 'a budget that warns counts, and lets go on');

# A workflow's step fails; retried with a higher budget it goes on.
sql($node, qq(SELECT agent_studio.as_create_workflow('two-sequential-dev', 'sequential', '{"steps": [
	{"name": "a", "agent": "worker", "task": "Two a\\n$dime"}, {"name": "b", "agent": "warned", "task": "Two b\\n$dime"}]}')));
sql($node, "SELECT agent_studio.as_set_budget('agent:warned', 0.10, action => 'refuse')");
my $two = sql($node, "SELECT agent_studio.as_run_workflow('two-sequential-dev')");
wait_until(sub { status_of($node, $two) eq 'failed' }, 'the workflow fails');
is(sql($node, "SELECT string_agg(state || coalesce(' ' || error_class, ''), ', ' ORDER BY step_no) FROM agent_studio.steps WHERE execution_id = $two"),
	'completed, failed budget_exceeded', 'at the step whose budget is used up');
sql($node, "SELECT agent_studio.as_set_budget('agent:warned', 10, action => 'refuse')");
sql($node, "SELECT agent_studio.as_retry_step($two, 'b')");
wait_until(sub { status_of($node, $two) eq 'completed' }, 'retried with a higher budget it completes');

# Removed, it binds nothing; and what was counted as it went is what there is to count.
my $before = sql($node, q(SELECT scope, spent_usd, unknown_calls FROM agent_studio.budget_status ORDER BY scope));
$node->restart;
wait_for_executor($node);
is(sql($node, q(SELECT scope, spent_usd, unknown_calls FROM agent_studio.budget_status ORDER BY scope)), $before, 'counted anew it is the same');
sql($node, "SELECT agent_studio.as_set_budget('agent:gated', NULL)");
is(run_task($node, "Free again\n$dime", agent => 'gated')->{status}, 'completed', 'without a budget it goes on');

finish_studio($node, $model);
done_testing();
