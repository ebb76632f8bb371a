# Ways that outputs choose: the complexity of a feature decides who builds and who
# validates, and a severe finding brings a specialist.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use GuideWorkflows;
use Test::More;

my $model = start_model_server();
my $node = start_examples('dynamic', $model);
create_example($node, $_) for qw(smart-feature-development security-hand-off);
sql($node, "SELECT agent_studio.as_update_model('fast', deployment => 'mock:play=smart')");

# ---------- high, medium, low ----------

my $smart = 'smart-feature-development-dynamic-prod';
my @special = qw(validate-security validate-performance validate-quality);

sub run_smart
{
	my ($feature, %inputs) = @_;

	play($node, $model, 'smart');
	return run_workflow($node, $smart, { feature => $feature, %inputs });
}

# The agents that were asked, in the order of the definition's steps.
sub agents_asked
{
	my ($run) = @_;

	return join ' ', map { $_->{agent} =~ s/-prod$//r } grep { $_->{state} eq 'completed' && $_->{agent} } @{ $run->{steps} };
}

my $high = run_smart('single sign-on for 40 tenants');
is(states($high), 'completed: analyze completed, implement completed, choose-validation completed, '
	. join(', ', map { "$_ completed" } @special) . ', validate skipped, document completed', 'high: three validators, and not the standard one');
is(agents_asked($high), 'architect-agent builder-agent-specialist validator-agent-security validator-agent-performance validator-agent-quality scribe-agent-api-docs',
	'high: the specialist builds');
is_deeply([ sort @{ current($high, 'choose-validation')->{outputs}{chosen} } ], [ sort @special ], 'high: the decision is on record');
is($model->stats->{requests}, 6, 'high: six requests');
is_fed($model, $high, 'implement', 'analyze.architecture', 'analyze.recommended_approach');
is_fed($model, $high, $_, 'implement.code') for @special, 'document';
like(text_of((requests_of($model, $high, 'document'))[0]), qr/for high complexity/, 'high: the scribe is told how much detail');
like((requests_of($model, $high, 'implement'))[0]{body}{messages}[0]{content}, qr/specialist/, 'high: with the instructions of the specialist');
is_paid_for($node, $high->{execution_id}, 'high');

my $medium = run_smart('CSV export');
is(states($medium), 'completed: analyze completed, implement completed, choose-validation completed, '
	. join(', ', map { "$_ skipped" } @special) . ', validate completed, document completed', 'medium: the standard validator only');
is(agents_asked($medium), 'architect-agent builder-agent-python validator-agent-security scribe-agent-api-docs', 'medium: the usual builder');
is_deeply(current($medium, 'choose-validation')->{outputs}{chosen}, ['validate'], 'medium: the decision is on record');
is($model->stats->{requests}, 4, 'medium: four requests');

my $low = run_smart('a contact form');
is(agents_asked($low), 'architect-agent builder-agent-fast validator-agent-security scribe-agent-api-docs', 'low: the fast builder');
is((requests_of($model, $low, 'implement'))[0]{body}{model}, 'mock:play=smart', 'low: on its own model');
is(sql($node, "SELECT m.name FROM agent_studio.steps s JOIN agent_studio.models m USING (model_id) WHERE s.execution_id = $low->{execution_id} AND s.name = 'implement'"),
	'fast', 'low: as the step says');

my $bare = run_smart('a contact form', validate_simple => JSON::PP::false());
is(states($bare), 'completed: analyze completed, implement completed, choose-validation completed, '
	. join(', ', map { "$_ skipped" } @special, 'validate') . ', document completed', 'low, and validation not wanted: none');
is(current($bare, 'validate')->{verdict}, 'passed_over', 'it was passed over: its condition did not hold');
isnt(current($bare, 'validate-quality')->{verdict} // '', 'passed_over', 'which is not the same as no way leading to it');
is($model->stats->{requests}, 3, 'low without validation: three requests');

# A choice that names no agent has its default; an agent that is chosen may not be there any more.
is(sql($node, "SELECT count(*) FROM agent_studio.steps s WHERE s.execution_id IN ($high->{execution_id}, $low->{execution_id}) AND s.state = 'skipped'
	AND (s.agent_version_id IS NOT NULL AND s.attempt_no > 0)"), 0, 'what is skipped was never asked');

# ---------- hand-off ----------

my $secure = 'secure-implementation-dynamic-prod';

play($node, $model, 'hand_off');
my $run = run_workflow($node, $secure, { feature => 'finding a user by email' });
is(states($run), 'completed: implement completed, check completed x2, fix completed', 'hand-off: the specialist fixes, and it is checked again');
is(join(' ', map { $_->{verdict} // '-' } all_of($run, 'check')), 'handed_off -', 'hand-off: on record');
is(join(' ', map { $_->{outputs}{severity} } all_of($run, 'check')), 'critical none', 'hand-off: critical, then none');
is(current($run, 'fix')->{agent}, 'builder-agent-secure-prod', 'hand-off: to the specialist');
is($model->stats->{requests}, 4, 'hand-off: four requests');
is(scalar notices_of($run, 'handed_off'), 1, 'hand-off: a notice');

my ($first, $second) = map { text_of($_) } requests_of($model, $run, 'check');
my $mended = text_of((requests_of($model, $run, 'fix'))[0]);
like($mended, qr/WHERE email = '\{email\}'/, 'the specialist is given the original code');
like($mended, qr/SQL injection vulnerability \(critical\).*returns the first user/s, 'and what the check has found');
like($first, qr/WHERE email = '\{email\}'/, 'the first check is of the original code');
like($second, qr/WHERE email = %s/, 'the second is of the mended one');
unlike($second, qr/WHERE email = '\{email\}'/, 'and of nothing else');
is_paid_for($node, $run->{execution_id}, 'hand-off');

# Where nothing is found, the specialist stays at home.
agent_on($node, 'validator-agent-security-prod', 'play=hand_off,key=clean');
$model->reset;
# The second scene of the play finds nothing: let one request go by.
run_task($node, 'Check this implementation for vulnerabilities.', agent => 'validator-agent-security-prod');
$run = run_workflow($node, $secure, { feature => 'finding a user by id' });
is(states($run), 'completed: implement completed, check completed, fix skipped', 'nothing severe: nobody is handed anything');

# Never mended: the bound ends it.
$model->reset;
variant($node, $secure, 'secure-without-end', sub { step_of($_[0], 'check')->{rules}[0]{if} = '$.severity != "unheard"' });
$run = run_workflow($node, 'secure-without-end', { feature => 'finding a user by name' });
is(join(' ', states($run), $run->{error_class}), 'failed: implement completed, check failed x3, fix completed x2 max_iterations', 'a hand-off is bounded, too');

finish_studio($node, $model);
done_testing();
