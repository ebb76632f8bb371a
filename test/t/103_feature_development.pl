# The workflow with everything in it: four agents, files and metrics, an approval that
# decides, and a step that treats failures in its own way (more retries, a senior who
# takes over, a partial result when the time runs out).
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use GuideWorkflows;
use Test::More;

my $model = start_model_server();
my $node = start_examples('feature', $model);
my $name = 'feature-development-sequential-prod';
my ($design, $implement, $validate, $document) = qw(design-architecture implement-feature validate-implementation generate-documentation);
my ($builder, $senior, $validator) = qw(builder-agent-python-prod builder-agent-senior-prod validator-agent-security-prod);

create_example($node, 'feature-development');

# The same, but for the seconds between two tries.
variant($node, $name, 'feature-quick', sub { $_[0]{settings}{retry}{delay_seconds} = 0.02 });

# ---------- as it should be ----------

play($node, $model, 'feature');
my $run = run_workflow($node, $name, \%avatar_inputs, q(notify => '{"email": true, "slack": "#engineering-team", "jira": false}'));
is(states($run), "completed: $design completed, $implement completed, $validate completed, $document completed", 'all four steps complete');
is_fed($model, $run, $design);
is_fed($model, $run, $implement, map { "$design.$_" } qw(architecture components tech_stack));
is_fed($model, $run, $validate, "$implement.code", "$implement.tests", "$design.tech_stack");
is_fed($model, $run, $document, "$implement.code", "$design.architecture", "$validate.validation_report");
is($model->stats->{requests}, 4, 'with four requests');

my ($first) = map { text_of($_) } requests_of($model, $run, $design);
like($first, qr/Design User Avatar Upload System architecture for 500K requests\/day scale\.\n\nRequirements:\n- Upload images up to 5MB\n- Automatic image resizing \(3 sizes\)\n- Secure storage with CDN delivery\n\nTechnology: Python FastAPI, Azure Blob Storage, PIL, Redis/,
	'variables are filled in');
my ($second) = map { text_of($_) } requests_of($model, $run, $implement);
like($second, qr/Technology: Python 3\.11, FastAPI/, 'an input that is mapped hides the variable of the same name');
unlike($second, qr/Technology: Python FastAPI, Azure/, 'altogether');

# Tokens and cost of every step, and of the whole.
is(sql($node, "SELECT string_agg(concat_ws('/', a.input_tokens, a.output_tokens), ' ' ORDER BY a.step_no) FROM agent_studio.attempts a WHERE a.execution_id = $run->{execution_id}"),
	'1250/4890 2100/7730 3200/4690 2800/5300', 'tokens of each step');
is(sql($node, "SELECT input_tokens, output_tokens, total_tokens, cost_usd FROM agent_studio.as_metrics($run->{execution_id})"),
	'9350|22610|31960|0.7718', 'and of all');
is(sql($node, "SELECT string_agg(round(cost_usd, 2)::text, ' ' ORDER BY step_no), sum(cost_usd) FROM agent_studio.as_workflow_status($run->{execution_id})"),
	'0.16 0.25 0.17 0.19|0.7718', 'as the status of the workflow shows');
is_paid_for($node, $run->{execution_id}, 'feature');

# Outputs: by name, the workflow's answer, metrics as numbers.
is(current($run, $implement)->{outputs}{test_coverage} . ' ' . current($run, $validate)->{outputs}{security_score}, '87 8.5', 'metrics are numbers');
is(scalar @{ current($run, $design)->{outputs}{components} }, 5, 'five components');
is($run->{output}, current($run, $document)->{output}, 'the final step has the answer of the workflow');
is(sql($node, "SELECT content FROM agent_studio.outputs WHERE execution_id = $run->{execution_id} AND name = 'approval_status'"), 'approved', 'view outputs has each by its name');

# Notices: one for each step, with what goes where.
my @told = map { $_->{message} } notices_of($run, 'step_completed');
is(scalar @told, 4, 'a notice of each step');
like($told[0], qr/^Step 1 Complete: $design \(\d+s, \$0\.16\)/, 'it tells time and cost');
like($told[0], qr/^  $_ \x{2192} Step 2 \($implement\)$/m, "and where $_ goes") for qw(architecture components tech_stack);
like($told[1], qr/^  code \x{2192} Step 3 \($validate\)$/m, 'so does the next one');
like($told[2], qr/^  validation_report \x{2192} Step 4 \($document\)$/m, 'and the one after it');
is(scalar notices_of($run, 'completed'), 1, 'the end is told');

# Success actions of the last step, and who wanted to hear of the end.
is(join(' ', map { $_->{action} } grep { defined $_->{step_no} } @{ $run->{deliveries} }), 'save_to_workspace notify create_ticket', 'success actions are recorded');
is(join(' ', sort map { $_->{action} } grep { !defined $_->{step_no} } @{ $run->{deliveries} }), 'email slack', 'and notifications, those that are wanted');

# ---------- the approval ----------

play($node, $model, 'feature');
agent_on($node, $validator, 'play=feature_failed');
$run = run_workflow($node, $name, \%avatar_inputs);
is($run->{status}, 'requires_manual_review', 'not approved: the execution wants a manual review');
is(current($run, $validate)->{state} . ' ' . current($run, $validate)->{verdict}, 'completed manual_review', 'the step has completed, and holds the flow');
is($model->stats->{requests}, 3, 'the documentation is not written');
my ($told) = notices_of($run, 'rule');
is($told->{severity}, 'warning', 'the first rule tells');
like($told->{message}, qr/User Avatar Upload System was not approved \(security score 4\.5\): .*becomes a path/, 'with variables and outputs in its text');
my ($stopped) = notices_of($run, 'manual_review');
like($stopped->{message}, qr/validation of User Avatar Upload System has failed/, 'the second says why it stops');
my $held = $run->{execution_id};
is(scalar grep({ defined $_->{step_no} } @{ $run->{deliveries} }), 0, 'no success action is recorded');

# Somebody mends it and has it validated again.
agent_on($node, $validator);
sql($node, "SELECT agent_studio.as_retry_step($held, '$validate')");
wait_for_status($node, $held, 'completed');
$run = picture($node, $held);
is(scalar requests_of($model, $run, $implement), 1, 'a step that has completed is not asked again');
is($model->stats->{requests}, 5, 'validation and documentation are');
is_paid_for($node, $held, 'validated twice');

# Or somebody decides that it is good enough.
play($node, $model, 'feature');
agent_on($node, $validator, 'play=feature_failed');
$held = run_workflow($node, $name, \%avatar_inputs)->{execution_id};
sql($node, "SELECT agent_studio.as_complete_step($held, '$validate', '{\"validation_report\": \"Looked at by a person: the path is not used.\",
	\"approval_status\": \"approved\", \"issues\": [], \"security_score\": 8}')");
wait_for_status($node, $held, 'completed');
$run = picture($node, $held);
is(current($run, $validate)->{verdict}, 'completed_by_hand', 'completed by hand');
like(text_of((requests_of($model, $run, $document))[0]), qr/Looked at by a person/, 'what the person said is passed on');
agent_on($node, $validator);

# ---------- retries, and the senior ----------

sub prompts_of { my ($run, $step) = @_; return map { $_->{body}{messages}[0]{content} =~ /senior/ ? 'senior' : 'builder' } requests_of($model, $run, $step); }

play($node, $model, 'feature');
agent_on($node, $builder, 'status=503');
$run = run_workflow($node, 'feature-quick', \%avatar_inputs);
is(states($run), "completed: $design completed, $implement completed, $validate completed, $document completed", 'the builder fails, the workflow does not');
is(join(' ', prompts_of($run, $implement)), 'builder builder builder senior', 'three tries of the builder, then the senior');
is(current($run, $implement)->{agent}, $senior, 'the row says who took over');
is(join(' ', map { $_->{outcome} } grep { $_->{step_no} == 2 } @{ $run->{attempts} }), 'failed failed failed completed', 'four attempts');
is(join(' ', map { text_of($_) eq text_of((requests_of($model, $run, $implement))[0]) ? 'same' : 'other' } requests_of($model, $run, $implement)),
	'same same same same', 'all with the same inputs');
like(join("\n", map { $_->{message} } @{ $run->{notices} }), qr/$senior/, 'and a notice names the senior');
is_paid_for($node, $run->{execution_id}, 'senior');

play($node, $model, 'feature');
agent_on($node, $_, 'status=503') for $builder, $senior;
$run = run_workflow($node, 'feature-quick', \%avatar_inputs);
is(join(' ', $run->{status}, $run->{error_class}), 'failed overloaded', 'where the senior fails too, so does the workflow');
is(join(' ', prompts_of($run, $implement)), 'builder builder builder senior senior senior', 'after five retries');

# ---------- a partial result when the time runs out ----------

variant($node, $name, 'feature-hurried', sub { step_of($_[0], $implement)->{timeout_seconds} = 1 });

sub run_hurried
{
	play($node, $model, 'feature');
	agent_on($node, $builder, 'play=feature,chunks=20,stall=15');
	my $hurried = run_workflow($node, 'feature-hurried', \%avatar_inputs);
	agent_on($node, $builder);
	return $hurried;
}

# The vendor may say so, too, at any length: no character of it is cut in two.
create_workflow($node, 'told-sequential-dev', 'sequential', { steps => [ { name => 'only', agent => 'architect-agent-prod', on_timeout => 'partial',
	retry => { max_retries => 0 }, task => '@mock text=abcdefghij error_at=3 type=timeout message=x' . '%C3%A9' x 600 . "\nOnly." } ] });
my $told = run_workflow($node, 'told-sequential-dev', {});
is(current($told, 'only')->{state}, 'partial', 'a vendor that ran out of time: what had arrived is kept');
is(sql($node, "SELECT count(convert_to(message, 'LATIN1')) FROM agent_studio.notices WHERE execution_id = $told->{execution_id} AND kind = 'partial'"), 1, 'its words are whole');

$run = run_hurried();
my $partial = current($run, $implement);
is($run->{status}, 'requires_manual_review', 'the time runs out: people decide');
is($partial->{state}, 'partial', 'the step is partial');
is($partial->{error_class}, 'timeout', 'for want of time');
like($partial->{output}, qr/Avatars: upload, three sizes/, 'what had arrived is kept');
unlike($partial->{output}, qr/test_name_of_the_file_is_no_path/, 'the rest had not');
like((notices_of($run, 'partial'))[0]{message}, qr/Avatars: upload, three sizes/, 'and is in a notice');
is(scalar requests_of($model, $run, $implement), 1, 'it was not tried again');
is($model->stats->{requests}, 2, 'and nothing came after it');
is((requests_of($model, $run, $implement))[0]{ended}, 'client_closed', 'the socket was closed');
like(sql($node, "SELECT string_agg(line, E'\\n') FROM agent_studio.as_failure($run->{execution_id}) line"), qr/as_accept_partial/, 'the failure sheet knows the way out');

my $by_hand = $run->{execution_id};
sql($node, "SELECT agent_studio.as_complete_step($by_hand, '$implement', jsonb_build_object('code', 'def upload(): ...  # finished by hand',
	'tests', 'def test_upload(): ...  # by hand, too', 'test_coverage', 80), 'Finished by hand.')");
wait_for_status($node, $by_hand, 'completed');
$run = picture($node, $by_hand);
is(join(' ', @{ current($run, $implement) }{qw(state verdict output)}), 'completed completed_by_hand Finished by hand.', 'completed by hand');
is_fed($model, $run, $validate, "$implement.code", "$implement.tests", "$design.tech_stack");
is($model->stats->{requests}, 4, 'and the workflow goes on to its end');

$run = run_hurried();
sql($node, "SELECT agent_studio.as_accept_partial($run->{execution_id}, '$implement')");
wait_for_status($node, $run->{execution_id}, 'completed');
$run = picture($node, $run->{execution_id});
is(join(' ', @{ current($run, $implement) }{qw(state verdict)}), 'partial accepted', 'a partial result can be accepted');
is($model->stats->{requests}, 4, 'and the workflow goes on with it');

# More time for another try.
$run = run_hurried();
sql($node, "SELECT agent_studio.as_retry_step($run->{execution_id}, '$implement', timeout_seconds => 480)");
wait_for_status($node, $run->{execution_id}, 'completed');
$run = picture($node, $run->{execution_id});
is(join(' ', @{ current($run, $implement) }{qw(state timeout_seconds)}), 'completed 480', 'or tried again with more time');
is_paid_for($node, $run->{execution_id}, 'tried again');

finish_studio($node, $model);
done_testing();
