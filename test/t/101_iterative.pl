# Loops: the validator sends the architect back with feedback until all requirements are
# met, or until the bound is reached; and a step that is repeated until its criteria hold.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use GuideWorkflows;
use Test::More;

my $model = start_model_server();
my $node = start_examples('iterative', $model);
my $name = 'architecture-refinement-iterative-prod';
my @drafts = ('Eight services behind one gateway', 'Eight services in two regions', 'Two regions as before');
my @issues = ('No disaster recovery plan, single point of failure in database', 'Cost estimate exceeds $20K budget');
my @advice = ('Add multi-region deployment, database replication', 'Optimize database tier, use serverless compute');

create_example($node, 'architecture-refinement');

# ---------- FAIL, FAIL, PASS ----------

play($node, $model, 'refinement');
my $run = run_workflow($node, $name);
is(states($run), 'completed: design completed x3, validate completed x3, document completed', 'the third draft passes');
is(join(' ', map { $_->{verdict} // '-' } all_of($run, 'validate')), 'went_back went_back -', 'two verdicts led back');
is(join(' ', map { $_->{outputs}{verdict} } all_of($run, 'validate')), 'FAIL FAIL PASS', 'every verdict is kept');
is(join(' ', map { $_->{outputs}{cost} } all_of($run, 'validate')), 'pass fail pass', 'and that of each criterion');
is(join(' ', map { $_->{outputs}{reliability} } all_of($run, 'validate')), 'fail pass pass', 'of this one, too');
like((all_of($run, 'design'))[$_]{outputs}{architecture}, qr/^$drafts[$_]/, "draft $_ is kept") for 0 .. 2;
is($model->stats->{requests}, 7, 'seven requests');
is(scalar notices_of($run, 'went_back'), 2, 'a notice for each way back');

my @asked = map { text_of($_) } requests_of($model, $run, 'design');
for my $again (1, 2)
{
	my ($before, $now) = ($again - 1, $asked[$again]);

	like($now, qr/\Q$issues[$before]\E/, "request $again for the design holds what was wrong");
	like($now, qr/\Q$advice[$before]\E/, "request $again: and what would help");
	like($now, qr/\Q$drafts[$before]\E/, "request $again: and the previous draft");
	like((all_of($run, 'design'))[$again]{feedback}, qr/\Q$issues[$before]\E/, "request $again: the row has the feedback");
}
unlike($asked[0], qr/Issues:|\Q$drafts[0]\E/, 'the first request holds no feedback');
unlike($asked[2], qr/\Q$drafts[0]\E|\Q$issues[0]\E/, 'the third holds nothing of the first round: prompts do not grow with the rounds');
for my $round (0 .. 2)
{
	my $validated = text_of((requests_of($model, $run, 'validate'))[$round]);

	like($validated, qr/\Q$drafts[$round]\E/, "validation $round is of that draft");
	unlike($validated, qr/\Q$issues[0]\E|\Q$issues[1]\E/, "validation $round is not told what the one before said");
}
is_fed($model, $run, 'document', 'design.architecture');
is_paid_for($node, $run->{execution_id}, 'refinement');

# ---------- never good ----------

play($node, $model, 'refinement');
agent_on($node, 'validator-agent-security-prod', 'play=refinement_never');
$run = run_workflow($node, $name);
is(join(' ', @$run{qw(status error_class)}), 'failed max_iterations', 'three times FAIL: failed, class max_iterations');
like(states($run), qr/design completed x3, validate failed x3, document (pending|skipped|canceled)$/, 'nothing is documented');
is($model->stats->{requests}, 6, 'and nothing is asked a fourth time');
is(sql($node, "SELECT count(*) FROM agent_studio.outputs WHERE execution_id = $run->{execution_id} AND step = 'design' AND name = 'architecture'"), 3,
	'every draft is kept');
like(current($run, 'design')->{outputs}{architecture}, qr/^$drafts[2]/, 'the last one is the current one');
like(current($run, 'validate')->{error_message}, qr/3/, 'the message names the bound') or diag(current($run, 'validate')->{error_message});
is(current($run, 'validate')->{outputs}{suggestions}, 'Begin with one region', 'with what the last verdict said');
is_paid_for($node, $run->{execution_id}, 'failed refinement');

# The failed step can be tried again by hand, as long as it is not good; then the flow goes on from there.
sub validate_again
{
	my ($status) = @_;

	sql($node, "SELECT agent_studio.as_retry_step($run->{execution_id}, 'validate')");
	wait_until(sub { sql($node, "SELECT count(*) FROM agent_studio.commands WHERE execution_id = $run->{execution_id} AND applied_at IS NULL") == 0 }, 'the retry is applied');
	wait_for_status($node, $run->{execution_id}, $status);
	return states(picture($node, $run->{execution_id}));
}

like(validate_again('failed'), qr/^failed: design completed x3, validate failed x3, document pending$/, 'tried again by hand, it fails again');
is($model->stats->{requests}, 7, 'with one request');
agent_on($node, 'validator-agent-security-prod', 'play=refinement_passed');
is(validate_again('completed'), 'completed: design completed x3, validate completed x3, document completed', 'until it passes');
is($model->stats->{requests}, 9, 'then the flow goes on to its end');
is_paid_for($node, $run->{execution_id}, 'tried again');

# ---------- a bound of its own ----------

play($node, $model, 'refinement');
variant($node, $name, 'refinement-of-two', sub { step_of($_[0], 'validate')->{rules}[0]{max_iterations} = 2 });
$run = run_workflow($node, 'refinement-of-two');
is(states($run) . " $run->{error_class}", 'failed: design completed x2, validate failed x2, document ' . current($run, 'document')->{state} . ' max_iterations',
	'another bound is kept');

# ---------- criteria: a step onto itself ----------

sub written
{
	my ($what, @sections) = @_;

	create_workflow($node, "$what-iterative-dev", 'iterative', { steps => [
		{ name => 'write', agent => 'scribe-agent-api-docs-prod', task => "Write the $what.", output_format => 'markdown',
		  criteria => { min_quality_score => 0.9, required_sections => \@sections, max_iterations => 3 } },
		{ name => 'publish', agent => 'scribe-agent-api-docs-prod', task => "\@mock text=Published.\nPublish.\n\n{write.output}" } ] });
	play($node, $model, 'criteria');
	return run_workflow($node, "$what-iterative-dev");
}

$run = written('runbook', qw(Overview Alerts Rollback));
is(states($run), 'completed: write completed x3, publish completed', 'criteria hold at the third try');
@asked = map { text_of($_) } requests_of($model, $run, 'write');
like($asked[1], qr/Alerts.*Rollback|Rollback.*Alerts/s, 'the feedback names both sections that were missing');
my ($missing) = (all_of($run, 'write'))[2]{feedback};
like($missing, qr/Rollback/, 'then the one');
unlike($missing, qr/Alerts/, 'and not the other');
ok((all_of($run, 'write'))[0]{quality_score} < (all_of($run, 'write'))[1]{quality_score}, 'the score rises')
  or diag(join ' ', map { $_->{quality_score} // 'NULL' } all_of($run, 'write'));
cmp_ok(current($run, 'write')->{quality_score}, '>=', 0.9, 'to where it has to be');
like(text_of((requests_of($model, $run, 'publish'))[0]), qr/How to go back to the version before/, 'the good one is published');

$run = written('handbook', qw(Overview Alerts Rollback Contacts));
is(join(' ', @$run{qw(status error_class)}), 'failed max_iterations', 'criteria that never hold: failed, class max_iterations');
is(scalar all_of($run, 'write'), 3, 'after three tries');
like($run->{output} // '', qr/Three of four sections/, 'the output with the best score is the one that is shown');
is($model->count('Publish.'), 0, 'and is not published');

finish_studio($node, $model);
done_testing();
