# What people do to a workflow that runs: approve its steps one by one, pause it, go on,
# cancel it, and get it over a step that failed. A finished call is never sent again.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use GuideWorkflows;
use Test::More;

my $model = start_model_server();
my $node = start_examples('controls', $model);
my $name = 'payment-integration-sequential-prod';
my @steps = qw(design implement review document);

create_example($node, 'payment-integration');
sql($node, "CREATE ROLE $_ LOGIN IN ROLE agent_studio_user") for qw(alice bob);

sub call { my ($what, $id, @more) = @_; return sql($node, "SELECT agent_studio.$what($id" . join('', map { ", $_" } @more) . ')'); }
sub call_error { my ($what, $id, @more) = @_; return sql_error($node, "SELECT agent_studio.$what($id" . join('', map { ", $_" } @more) . ')'); }
sub requests { return $model->stats->{requests}; }

# ---------- a word before each step ----------

play($node, $model, 'payment');
my $id = start_workflow($node, $name, {}, 'pause_before_each_step => true');
for my $n (1 .. 4)
{
	wait_for_state($node, $id, $steps[ $n - 1 ], 'waiting_approval');
	is(status_of($node, $id), 'waiting_approval', "step $n: the execution waits");
	is(requests(), $n - 1, "step $n: nothing is asked before the word is given");
	is(sql($node, "SELECT approver, decision IS NULL FROM agent_studio.approvals WHERE execution_id = $id ORDER BY step_no DESC LIMIT 1"), 'postgres|t', "step $n: it waits for the owner");
	call('as_approve', $id, "'$steps[$n - 1]'", "'Go on $n.'");
}
my $run = ended($node, $id);
is(states($run), 'completed: ' . join(', ', map { "$_ completed" } @steps), 'approved one by one, it completes');
is(join(' ', map { "$_->{decision} $_->{comment}" } @{ $run->{approvals} }), join(' ', map { "approved Go on $_." } 1 .. 4), 'who said what is on record');
is(requests(), 4, 'with one request each');

$id = start_workflow($node, $name, {}, 'pause_before_each_step => true');
wait_for_status($node, $id, 'waiting_approval');
like(sql_error($node, "SET ROLE bob; SELECT agent_studio.as_approve($id, 'design')"), qr/42704|42501/, 'a stranger may not approve');
call('as_reject', $id, "'design'", "'Not now.'");
$run = ended($node, $id);
is(join(' ', $run->{status}, $run->{error_class}, $run->{steps}[0]{state}), 'failed canceled failed', 'rejected: the step has failed, class canceled');
like(join(' ', map { $_->{message} } @{ $run->{notices} }) . $run->{error_message}, qr/Not now\./, 'with the reason');
is(requests(), 4, 'and nothing was sent');
like(call_error('as_approve', $id, "'design'"), qr/55000/, 'what is decided cannot be decided again');

# A step with an approval of its own: by a role.
sql($node, 'CREATE ROLE releasers; GRANT releasers TO bob');
variant($node, $name, 'payment-approved', sub { step_of($_[0], 'document')->{approval} = { by => 'releasers', message => 'Publish the guide of {provider}?' } });
play($node, $model, 'payment');
$id = start_workflow($node, 'payment-approved', {});
wait_for_status($node, $id, 'waiting_approval');
is(sql($node, "SELECT approver, message FROM agent_studio.approvals WHERE execution_id = $id"), 'releasers|Publish the guide of Stripe?', 'the role is asked, in words');
is(requests(), 3, 'three steps needed no word');
like(sql_error($node, "SET ROLE alice; SELECT agent_studio.as_approve($id, 'document')"), qr/42704|42501/, 'who is not of the role may not');
sql($node, "SET ROLE bob; SELECT agent_studio.as_approve($id, 'document')");
$run = ended($node, $id);
is("$run->{status} $run->{approvals}[0]{decided_by}", 'completed bob', 'a member may');

# ---------- pause and resume ----------

play($node, $model, 'payment', 'gate=held');
$id = start_workflow($node, $name, {});
$model->await('in_flight=1');
wait_for_state($node, $id, 'design', 'running');
call('as_pause', $id);
wait_until(sub { sql($node, "SELECT outcome FROM agent_studio.commands WHERE execution_id = $id") eq 'applied' }, 'the pause is applied');
is(sql($node, "SELECT state FROM agent_studio.steps WHERE execution_id = $id AND name = 'design'"), 'running', 'the call in flight goes on');
$model->open_gate('held');
wait_for_status($node, $id, 'paused');
is(sql($node, "SELECT state, output IS NOT NULL FROM agent_studio.steps WHERE execution_id = $id AND name = 'design'"), 'completed|t', 'and its answer is kept');
is(requests(), 1, 'the next step is not asked');
call('as_resume', $id);
$run = ended($node, $id);
is(states($run), 'completed: ' . join(', ', map { "$_ completed" } @steps), 'resumed, it completes');
is(requests(), 4, 'and the finished call is not sent again');
is_paid_for($node, $id, 'paused');

# At once: the socket is closed, what streamed is kept, the step begins anew.
play($node, $model, 'payment', 'stall=3', 'times=1', 'key=at-once');
$id = start_workflow($node, $name, {});
wait_until(sub { my ($record) = $model->journal; $record && $record->{events} == 3 }, 'a part has arrived');
wait_for_state($node, $id, 'design', 'running');
call('as_pause', $id, 'immediately => true');
wait_for_status($node, $id, 'paused');
is(($model->journal)[0]{ended}, 'client_closed', 'paused at once: the socket is closed');
like(sql($node, "SELECT partial_output FROM agent_studio.attempts WHERE execution_id = $id"), qr/Stripe|PaymentIntent/, 'what had arrived is kept');
call('as_resume', $id);
$run = ended($node, $id);
is($run->{status}, 'completed', 'resumed, it completes');
is(requests(), 5, 'with one request more');
like(call_error('as_pause', $id), qr/55000/, 'what has ended cannot be paused');
like(call_error('as_resume', $id), qr/55000/, 'nor resumed');

# ---------- cancel ----------

play($node, $model, 'payment');
agent_on($node, 'builder-agent-python-prod', 'play=payment,stall=2');
$id = start_workflow($node, $name, {});
wait_until(sub { my $record = ($model->journal)[1]; $record && $record->{events} == 2 }, 'the second step streams');
wait_for_state($node, $id, 'implement', 'running');
call('as_cancel', $id, "'Not wanted any more.'");
$run = ended($node, $id);
like(states($run), qr/^canceled: design completed, implement canceled, review (canceled|pending|skipped), document (canceled|pending|skipped)$/, 'canceled: what was under way, and what was to come');
$model->await('client_closed=1');
is(requests(), 2, 'nothing is sent any more');
ok(length current($run, 'implement')->{output}, 'what had arrived is kept');
agent_on($node, 'builder-agent-python-prod');
is_paid_for($node, $id, 'canceled');

# ---------- over a step that failed ----------

sub run_failed
{
	play($node, $model, 'payment');
	agent_on($node, 'validator-agent-security-prod', 'status=400');
	my $failed = run_workflow($node, $name, {});
	agent_on($node, 'validator-agent-security-prod');
	return $failed;
}

$run = run_failed();
$id = $run->{execution_id};
is(join(' ', $run->{status}, $run->{error_class}, current($run, 'review')->{state}), 'failed bad_request failed', 'a step fails, and so does the workflow');
my $sheet = sql($node, "SELECT string_agg(line, E'\\n') FROM agent_studio.as_failure($id) line");
like($sheet, qr/Step 3 Failed: review/, 'the sheet names the step');
like($sheet, qr/$_/, "and the way out with $_") for qw(as_retry_step as_complete_step as_skip_step as_cancel);
like(call_error('as_retry_step', $id, "'design'"), qr/55000/, 'a step that has completed is not tried again');
like(call_error('as_retry_step', $id, "'desing'"), qr/42704.*Perhaps you meant "design"/s, 'a misspelt step is not found');
like(call_error('as_accept_partial', $id, "'review'"), qr/55000/, 'there is nothing partial to accept');
like(sql_error($node, "SET ROLE alice; SELECT agent_studio.as_retry_step($id, 'review')"), qr/42704/, 'a stranger does not see it');
call('as_retry_step', $id, "'review'");
wait_for_status($node, $id, 'completed');
$run = picture($node, $id);
is(requests(), 5, 'tried again: only the failed step, and what comes after it');
is($run->{error_class}, undef, 'and the failure is no longer that of the execution');
is_paid_for($node, $id, 'retried');

$run = run_failed();
call('as_skip_step', $run->{execution_id}, "'review'");
wait_for_status($node, $run->{execution_id}, 'completed');
$run = picture($node, $run->{execution_id});
is(join(' ', @{ current($run, 'review') }{qw(state verdict)}), 'skipped skipped_by_hand', 'or passed by');
is(requests(), 4, 'without another request for it');

$run = run_failed();
call('as_cancel', $run->{execution_id});
wait_for_status($node, $run->{execution_id}, 'canceled');
like(call_error('as_retry_step', $run->{execution_id}, "'review'"), qr/55000/, 'or given up for good');

variant($node, $name, 'payment-strict', sub { $_[0]{settings} = { manual_retry => JSON::PP::false(), manual_intervention => JSON::PP::false() } });
agent_on($node, 'validator-agent-security-prod', 'status=400');
$run = run_workflow($node, 'payment-strict', {});
like(call_error($_, $run->{execution_id}, "'review'"), qr/55000|42501/, "$_: not where the settings forbid it") for qw(as_retry_step as_skip_step);
agent_on($node, 'validator-agent-security-prod');

# ---------- what runs on demand ----------

create_workflow($node, 'helped-sequential-dev', 'sequential', { steps => [
	{ name => 'first', agent => 'architect-agent-prod', task => "\@mock status=400\nFirst.", on_failure => 'fallback', fallback => 'instead' },
	{ name => 'instead', agent => 'architect-agent-prod', task => "\@mock text=done gate=instead\nInstead." },
	{ name => 'second', agent => 'architect-agent-prod', task => "\@mock text=done\nSecond." } ] });
$model->reset;
$id = start_workflow($node, 'helped-sequential-dev', {});
wait_for_state($node, $id, 'instead', 'running');
call('as_retry_step', $id, "'first'");
wait_until(sub { sql($node, "SELECT outcome || ': ' || reason FROM agent_studio.commands WHERE execution_id = $id") eq 'refused: another step is at work for it' },
	'a step is not tried again while its fallback is at work');
$model->open_gate('instead');
$run = ended($node, $id);
is(states($run), 'completed: first failed, instead completed, second completed', 'what stands in for it is not disturbed');

# Both hand off to the same specialist, which is at work for one of them when the other comes.
my %asks = (if => '$iteration < 2', then => 'hand_off', to => 'specialist');
create_workflow($node, 'shared-parallel-dev', 'parallel', { steps => [
	{ name => 'left', agent => 'architect-agent-prod', task => "\@mock text=done\nLeft.", rules => [\%asks] },
	{ name => 'right', agent => 'architect-agent-prod', task => "\@mock text=done\nRight.", rules => [\%asks] },
	{ name => 'specialist', agent => 'architect-agent-prod', task => "\@mock text=done gate=specialist\nBoth." } ] });
$model->reset;
$id = start_workflow($node, 'shared-parallel-dev', {});
wait_until(sub { sql($node, "SELECT count(*) FROM agent_studio.steps WHERE execution_id = $id AND verdict = 'handed_off'") == 2 }, 'two steps hand off');
$model->open_gate('specialist');
$run = ended($node, $id);
is($run->{status}, 'completed', 'two steps share a specialist');
is(sql($node, "SELECT string_agg(name || ' ' || iteration || ' ' || state, ', ' ORDER BY name, iteration) FROM agent_studio.steps WHERE execution_id = $id"),
	'left 1 completed, left 2 completed, right 1 completed, right 2 completed, specialist 1 completed', 'which works once for both');

# A purge that comes between a retry and the executor wins: there is nothing to go on from.
create_workflow($node, 'purged-sequential-dev', 'sequential', { steps => [ { name => 'only', agent => 'architect-agent-prod', task => "\@mock status=400\nOnly." } ] });
$run = run_workflow($node, 'purged-sequential-dev', {});
$id = $run->{execution_id};
sql($node, "BEGIN; SELECT agent_studio.as_retry_step($id, 'only'); UPDATE agent_studio.executions SET purged_at = now() WHERE execution_id = $id; COMMIT");
wait_until(sub { sql($node, "SELECT bool_and(applied_at IS NOT NULL) FROM agent_studio.commands WHERE execution_id = $id") eq 't' }, 'the retry is seen');
is(sql($node, "SELECT outcome, reason FROM agent_studio.commands WHERE execution_id = $id"), 'refused|its checkpoints have been purged', 'and refused');
my $kept = ended($node, $id);
is(states($kept), states($run), 'nothing has changed');
like((notices_of($kept, 'command_refused'))[0]{message}, qr/retry_step was refused: its checkpoints have been purged/, 'which a notice tells');

# ---------- the other options ----------

play($node, $model, 'payment');
$run = run_workflow($node, $name, {}, 'verbose => true');
cmp_ok(sql($node, "SELECT count(DISTINCT step_no) FROM agent_studio.logs WHERE execution_id = $run->{execution_id} AND level = 'DEBUG'"), '>=', 4, 'verbose: every step keeps DEBUG lines');
$run = run_workflow($node, $name, {});
is(sql($node, "SELECT count(*) FROM agent_studio.logs WHERE execution_id = $run->{execution_id} AND level = 'DEBUG'"), 0, 'not verbose: none');

create_workflow($node, 'warned-sequential-dev', 'sequential', { steps => [
	{ name => 'first', agent => 'architect-agent-prod', task => "\@mock text=cut+off finish=length\nFirst." },
	{ name => 'second', agent => 'architect-agent-prod', task => "\@mock text=done\nSecond." } ] });
play($node, $model, 'payment');
$run = run_workflow($node, 'warned-sequential-dev', {});
is(states($run), 'completed: first completed, second completed', 'a warning does not stop it');
$run = run_workflow($node, 'warned-sequential-dev', {}, 'continue_on_warnings => false');
is($run->{status} . ' ' . current($run, 'first')->{state}, 'requires_manual_review completed', 'unless that is wanted');
is(requests(), 3, 'then the next step is not asked');

my @key = ($node, $name, {}, "idempotency_key => 'once'");
my @same = map { start_workflow(@key) } 1 .. 2;
is($same[0], $same[1], 'the same idempotency key is the same run');
is(ended($node, $same[0])->{status}, 'completed', 'which runs once');
like(sql_error($node, "SELECT agent_studio.as_run_workflow('$name', '{\"provder\": \"PayPal\"}')"), qr/22023.*provider/s, 'an unknown input is refused, with a hint');
like(sql_error($node, "SELECT agent_studio.as_run_workflow('$name', '{\"provider\": 5}')"), qr/22023/, 'so is one of the wrong type');
like(sql_error($node, "SELECT agent_studio.as_run_workflow('payment-integration')"), qr/42704.*Perhaps you meant "\Q$name\E"/s, 'and a name that is not quite right');

# A run keeps the version that it started with, and the agents as they were.
play($node, $model, 'payment', 'gate=changing');
$id = start_workflow($node, $name, {});
$model->await('in_flight=1');
sql($node, "SELECT agent_studio.as_update_workflow('$name', definition => jsonb_set(agent_studio.as_export_workflow('$name') -> 'definition', '{steps,3,task}', '\"Sing it.\"'))");
sql($node, q(SELECT agent_studio.as_update_agent('scribe-agent-api-docs-prod', system_prompt => 'You sing.')));
$model->open_gate('changing');
$run = ended($node, $id);
my ($last) = requests_of($model, $run, 'document');
like(text_of($last), qr/^Generate API documentation/, 'a run keeps its definition');
unlike($last->{body}{messages}[0]{content}, qr/You sing/, 'and its agents');

finish_studio($node, $model);
done_testing();
