# A task that is repeated with feedback until its criteria hold: sections, a score, a
# format, or the word of an agent that judges.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use JSON::PP;
use Test::More;

my $model = start_model_server();
my $node = start_studio('repeated', $model);

# Sections of an answer.
my %sections = (overview => "## Overview\n\nWhat it is.\n", alerts => "## Alerts\n\nWhat they mean.\n", rollback => "## Rollback\n\nHow to go back.\n");

sub answer { return (join "\n", map { $sections{$_} } @_) =~ s{\n\z}{}r; }

sub url_encoded { my ($text) = @_; $text =~ s/([^A-Za-z0-9])/sprintf '%%%02X', ord $1/ge; return $text; }

# An agent with a model of its own, which always says this.
my $made = 0;

sub agent_that_says
{
	my ($text) = @_;
	my $name = 'agent-' . ++$made;

	sql($node, "SELECT agent_studio.as_create_model('$name', 'mock', deployment => 'mock:text=" . url_encoded($text) . "', input_price => 10, output_price => 30);
		SELECT agent_studio.as_create_agent('$name', 'scribe', '$name')");
	return $name;
}

sub say_from_now_on
{
	my ($name, $text) = @_;

	sql($node, "SELECT agent_studio.as_update_model('$name', deployment => 'mock:text=" . url_encoded($text) . "&latency=0')");
	return;
}

sub repeated
{
	my ($agent, $criteria, %more) = @_;
	my $arguments = join '', map { ", $_ => $more{$_}" } sort keys %more;

	return sql($node, "SELECT agent_studio.as_execute_task('$agent', 'Write the runbook {for us}.', max_iterations => 3,
		iteration_strategy => 'improve_until_valid', validation_criteria => '" . encode_json($criteria) . "'$arguments)");
}

sub rows { my ($id) = @_; return map { decode_json($_) } split /\n/, sql($node, "SELECT to_jsonb(s) FROM agent_studio.steps s WHERE execution_id = $id ORDER BY step_no"); }

# ---------- sections ----------

my $writer = agent_that_says(answer('overview'));
my $criteria = { minQualityScore => 0.85, requiredSections => [qw(overview alerts rollback)] };

my $id = repeated($writer, $criteria);
is(outcome($node, $id)->{status}, 'failed', 'criteria that never hold: failed');
is(sql($node, "SELECT error_class FROM agent_studio.executions WHERE execution_id = $id"), 'max_iterations', 'with class max_iterations');
my @rows = rows($id);
is(scalar @rows, 3, 'after three iterations, all of which are kept');
is_deeply([ map { $_->{iteration} } @rows ], [ 1, 2, 3 ], 'as rows of their own');
is_deeply([ map { $_->{quality_score} + 0 } @rows ], [ (0.667) x 3 ], 'each with its score: the mean of completeness and format');
like($rows[1]{feedback}, qr/Missing sections: alerts, rollback/, 'the feedback names what was missing');
my @asked = $model->journal('Write the runbook {for us}.');
like($asked[1]{body}{messages}[-1]{content}, qr/Your previous answer:.*What it is\..*Missing sections: alerts, rollback/s, 'and is in the next request, with the answer before');
unlike($asked[0]{body}{messages}[-1]{content}, qr/previous answer|Feedback/, 'but not in the first');
is(sql($node, "SELECT agent_studio.as_output($id)"), answer('overview'), 'the best output is kept');
is(sql($node, "SELECT completeness_percent FROM agent_studio.as_quality($id)"), '33', 'as_quality computes how complete it is');
is(sql($node, "SELECT attempts, input_cost_usd + output_cost_usd = (SELECT sum(a.input_cost_usd + a.output_cost_usd) FROM agent_studio.attempts a
	WHERE a.execution_id = e.execution_id) FROM agent_studio.executions e WHERE execution_id = $id"), '3|t', 'every iteration is paid for');

$model->reset;
my $good = agent_that_says(answer(qw(overview alerts rollback)));
$id = repeated($good, { %$criteria });
is(outcome($node, $id)->{status}, 'completed', 'criteria that hold at once: completed');
is(scalar rows($id), 1, 'in one iteration');
is(sql($node, "SELECT completeness_percent FROM agent_studio.as_quality($id)"), '100', 'which is complete');

# Two failing answers and a good one: the play "criteria" of the model server.
$model->reset;
my $fixer = agent_that_says('x');
sql($node, "SELECT agent_studio.as_update_model('$fixer', deployment => 'mock:play=criteria')");
$id = sql($node, "SELECT agent_studio.as_execute_task('$fixer', 'Write the runbook.', max_iterations => 3, validation_criteria => '" . encode_json($criteria) . "')");
is(outcome($node, $id)->{status}, 'completed', 'two failing answers and a good one: completed');
@rows = rows($id);
is(scalar @rows, 3, 'in three iterations');
like($rows[1]{feedback}, qr/alerts, rollback/, 'the first feedback names two sections');
like($rows[2]{feedback}, qr/Missing sections: rollback\./, 'the second one');
is_deeply([ map { $_->{verdict} } @rows ], [ 'went_back', 'went_back', undef ], 'and the flow went back twice');

# ---------- the format ----------

my $shapeless = agent_that_says('{"architecture": 5}');
$id = sql($node, "SELECT agent_studio.as_execute_task('$shapeless', 'Give JSON.', max_iterations => 2, json_schema => '{\"architecture\": \"object\"}')");
is(outcome($node, $id)->{status}, 'failed', 'an answer that breaks its schema is never completed');
like((rows($id))[1]{feedback}, qr/architecture/, 'and the next iteration is told the path');

# ---------- an agent that judges ----------

my $judge = agent_that_says("## quality_score\n\n0.4\n\n## issues\n\nNobody knows how to go back.\n");
$id = repeated($good, { min_quality_score => 0.8, validator => $judge });
is(outcome($node, $id)->{status}, 'failed', 'a judge who is never content');
is(sql($node, "SELECT error_class FROM agent_studio.executions WHERE execution_id = $id"), 'max_iterations', 'ends it with class max_iterations');
is_deeply([ map { "$_->{name} $_->{iteration}" } rows($id) ], [ 'task 1', 'judge 1', 'task 2', 'judge 2', 'task 3', 'judge 3' ], 'after three rounds of both');
like((grep { $_->{name} eq 'task' && $_->{iteration} == 2 } rows($id))[0]{feedback}, qr/0\.4.*Nobody knows how to go back/s, 'with score and issues as feedback');
is(sql($node, "SELECT agent_studio.as_output($id)"), answer(qw(overview alerts rollback)), 'the output is the answer, not the verdict');

say_from_now_on($judge, "## quality_score\n\n0.9\n");
$id = repeated($good, { minQualityScore => 0.8, validator => $judge });
is(outcome($node, $id)->{status}, 'completed', 'a judge who is content');
is(sql($node, "SELECT agent_studio.as_output($id)"), answer(qw(overview alerts rollback)), 'and the output is the answer');

finish_studio($node, $model);
done_testing();
