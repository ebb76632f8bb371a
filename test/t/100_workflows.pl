# Steps one after the other and side by side: the examples of doc/examples/workflows that
# are sequential or parallel, from their inputs to their results. What is looked at is
# above all what the model was asked: each request holds the earlier outputs that its step
# names, and no others.
use strict;
use utf8;
use warnings;
use lib 'test/t';
use AgentStudio;
use GuideWorkflows;
use List::Util qw(max min);
use Test::More;

my $model = start_model_server();
my $node = start_examples('workflows', $model);
create_example($node, $_) for qw(payment-integration code-review architecture-evolution security-audit full-stack-feature);

# ---------- one after the other ----------

# Runs an example to its end and checks what each step was given.
sub check_sequence
{
	my ($workflow, $play, $inputs, @steps) = @_;
	my ($run, @names);

	play($node, $model, $play);
	$run = run_workflow($node, $workflow, $inputs);
	while (my ($name, $sources) = splice @steps, 0, 2)
	{
		push @names, $name;
		is_fed($model, $run, $name, @$sources);
		is(scalar requests_of($model, $run, $name), 1, "$name: one request");
	}
	is(states($run), 'completed: ' . join(', ', map { "$_ completed" } @names), "$workflow: all steps, in their order");
	is($model->stats->{max_in_flight}, 1, "$workflow: one at a time");
	is($model->stats->{requests}, scalar @names, "$workflow: and nothing else was asked");
	is_paid_for($node, $run->{execution_id}, $workflow);
	is(join(' ', map { $_->{step_no} } notices_of($run, 'step_completed')), join(' ', 1 .. @names), "$workflow: a notice of each step");
	return $run;
}

my $payment = check_sequence('payment-integration-sequential-prod', 'payment', {},
	design => [],
	implement => ['design.architecture'],
	review => ['implement.code'],
	document => ['implement.code']);
like(text_of(($model->journal)[0]), qr/^Design Stripe payment integration architecture\./, 'an input that is not given has its default');
is($payment->{output}, current($payment, 'document')->{output}, 'the answer of the last step is the answer of the workflow');
like(current($payment, 'implement')->{outputs}{code}, qr/\A\@router\.post/, 'named outputs are taken out of the answer');
is_deeply(current($payment, 'review')->{outputs}{issues},
	[ 'Medium: a refund is not limited to what was captured', q(Low: the order's id is guessable) ], 'lists are arrays');
is(sql($node, "SELECT string_agg(step || '.' || name, ' ' ORDER BY step_no, name) FROM agent_studio.outputs WHERE execution_id = $payment->{execution_id} AND name <> 'output'"),
	'design.api_contracts design.architecture design.components implement.code implement.tests review.issues review.security_report document.integration_guide document.openapi_spec',
	'view outputs has them all');
my ($passed_on) = notices_of($payment, 'step_completed');
like($passed_on->{message}, qr/^Step 1 Complete: design \(\d+s, \$0\.00\d*[1-9]\)/, 'the notice tells the step, its time and its cost, which is less than a cent');
like($passed_on->{message}, qr/PaymentIntent/, 'has a preview');
like($passed_on->{message}, qr/^  architecture \x{2192} Step 2 \(implement\)$/m, 'and says where the output goes');
is($passed_on->{severity}, 'success', 'as a success');

my $review = check_sequence('code-review-sequential-prod', 'code_review', { code => 'def transfer(source, target, amount): ...' },
	review => [],
	fix => ['review.issues'],
	'review-again' => [ 'review.issues', 'fix.fixed_code' ]);
is($review->{steps}[0]{agent}, $review->{steps}[2]{agent}, 'an agent may work twice');
like(text_of(($model->journal)[$_]), qr/def transfer\(source/, "request $_ holds the input that it names") for 0, 1;
unlike(text_of(($model->journal)[2]), qr/def transfer\(source/, 'the last one names it not, and holds it not');

check_sequence('architecture-evolution-sequential-prod', 'evolution',
	{ system => 'an online shop', goal => 'three teams can release on their own' },
	propose => [],
	assess => ['propose.architecture'],
	refine => [ 'propose.architecture', 'assess.findings' ],
	record => [ 'refine.architecture', 'refine.decisions' ]);

my $audit = check_sequence('security-audit-sequential-prod', 'audit', { code => 'query = f"SELECT ..."' },
	scan => [],
	fix => ['scan.vulnerabilities'],
	verify => [ 'scan.vulnerabilities', 'fix.patched_code' ],
	report => [ 'scan.vulnerabilities', 'verify.evidence' ]);
like((map { text_of($_) } requests_of($model, $audit, 'report'))[0], qr/^Verdict: fixed, score 9 of 10$/m, 'words and numbers stand in the text as they are');

# Text that looks like a template, or like SQL, goes in as it is.
play($node, $model, 'code_review');
my $odd = q({code} {{issues}} {review.report} %s $1 \\n ' " äöü 漢字);
my $hostile = run_workflow($node, 'code-review-sequential-prod', { code => $odd });
is($hostile->{status}, 'completed', 'a value may hold braces');
like(text_of(($model->journal)[0]), qr/\n\n\Q$odd\E/, 'and is not looked into');

# ---------- side by side ----------

my $name = 'full-stack-feature-parallel-dev';
my @branches = qw(backend frontend database);
my @outputs = qw(backend.backend frontend.frontend database.migration);

play($node, $model, 'full_stack', 'gate=branches');
my $id = start_workflow($node, $name, { feature => 'comments' });
$model->await('in_flight=3');
wait_until(sub { states(picture($node, $id)) =~ /running: backend running, frontend running, database running/ }, 'three steps run at once');
is($model->stats->{requests}, 3, 'nothing else is asked before they have ended');
is_fed($model, picture($node, $id), $_) for @branches;
$model->open_gate('branches');
my $run = ended($node, $id);
is(states($run), 'completed: backend completed, frontend completed, database completed, integration-test completed, document completed', 'full stack: all complete');
is($model->stats->{max_in_flight}, 3, 'three in flight at once, never more');
my ($merged, @again) = requests_of($model, $run, 'integration-test');
is_deeply(\@again, [], 'one merge');
cmp_ok($merged->{mono_ms}, '>=', max(map { $_->{ended_mono_ms} } map { requests_of($model, $run, $_) } @branches), 'after the last of them');
is_fed($model, $run, $_, @outputs) for qw(integration-test document);
is_paid_for($node, $id, 'full stack');

# A branch that fails follows its own on_failure; the others end; then the merge decides.
sub run_broken
{
	my ($agent) = @_;

	play($node, $model, 'full_stack');
	agent_on($node, $agent, 'status=400');
	return run_workflow($node, $name, { feature => 'comments' });
}

$run = run_broken('builder-agent-frontend-dev');
is(states($run), 'completed: backend completed, frontend failed, database completed, integration-test completed, document completed',
	'a branch that may fail: the flow goes on without it');
is_fed($model, $run, 'integration-test', qw(backend.backend database.migration));
like(text_of((requests_of($model, $run, 'integration-test'))[0]), qr/^Frontend: $/m, 'and what is not there is empty');

$run = run_broken('builder-agent-database-dev');
like(states($run), qr/^failed: backend completed, frontend completed, database failed, integration-test (pending|skipped|canceled)/,
	'a branch that must not: its siblings end, what comes after them does not begin');
is($run->{error_class}, 'bad_request', 'the execution has failed as the step has');
is($model->stats->{requests}, 3, 'nothing is asked after it');

# ---------- merges that wait for fewer ----------

sub race
{
	my ($merge) = @_;
	my @racers = map { { name => "racer-$_", agent => 'builder-agent-backend-dev', task => "\@mock text=racer-$_\nRacer $_." } } 1 .. 3;

	$racers[$_]{task} = "\@mock gate=slow\n$racers[$_]{task}" for $merge .. 2;
	create_workflow($node, "race-$merge", 'parallel', { steps => [ @racers,
		{ name => 'finish', agent => 'scribe-agent-api-docs-prod', after => [ map { $_->{name} } @racers ], merge => ($merge == 1 ? 'any' : $merge + 0),
		  task => "\@mock text=done\nFinish: {racer-1.output} {racer-2.output} {racer-3.output}" } ] });
	agent_on($node, $_, 'chunks=1') for qw(builder-agent-backend-dev scribe-agent-api-docs-prod);
	$model->reset;
	my $race = start_workflow($node, "race-$merge");
	wait_for_state($node, $race, 'finish', 'completed');
	like(text_of(($model->journal('Finish: '))[0]), qr/Finish: @{[ join ' ', map { $_ <= $merge ? "racer-$_" : '' } 1 .. 3 ]}$/, "merge $merge: begins with what is there");
	is(status_of($node, $race), 'running', "merge $merge: while the others still run");
	$model->open_gate('slow');
	is(states(ended($node, $race)), 'completed: racer-1 completed, racer-2 completed, racer-3 completed, finish completed', "merge $merge: all end");
	is($model->count('Finish: '), 1, "merge $merge: it begins once");
	return;
}
race($_) for 1, 2;

finish_studio($node, $model);
done_testing();
