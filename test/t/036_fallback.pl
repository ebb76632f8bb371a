# Fallback models: asked in order when the one before is down or over its limit.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use Test::More;

my $model = start_model_server();
my $node = start_studio('fallback', $model, "agent_studio.minute = '60s'");

$node->safe_psql('postgres', q(
	SELECT agent_studio.as_create_model('down', 'mock', deployment => 'mock:status=503');
	SELECT agent_studio.as_create_model('locked', 'mock', deployment => 'mock:status=401');
	SELECT agent_studio.as_create_model('good', 'mock', deployment => 'good');
	SELECT agent_studio.as_create_model('one', 'mock', deployment => 'mock', requests_per_minute => 1);
	SELECT agent_studio.as_create_agent('chain', 'builder', 'down', fallback_models => '{locked,good}');
	SELECT agent_studio.as_create_agent('hopeless', 'builder', 'down', fallback_models => '{locked}');
	SELECT agent_studio.as_create_agent('picky', 'builder', 'one', fallback_models => '{good}');));

sub ask
{
	my ($agent, $task, $arguments) = @_;
	my $id = $node->safe_psql('postgres', "SELECT agent_studio.as_execute_task('$agent', E'$task' $arguments)");

	return ($id, $node->safe_psql('postgres', "SELECT agent_studio.as_wait($id)"));
}

sub models_asked
{
	my ($id) = @_;

	return $node->safe_psql('postgres', "SELECT string_agg(m.name || ' ' || a.outcome, ', ' ORDER BY a.attempt_no)
		FROM agent_studio.attempts a JOIN agent_studio.models m USING (model_id) WHERE execution_id = $id");
}

my ($id, $status) = ask('chain', 'Chain', ', max_retries => 0');
is($status, 'completed', 'the last fallback answers, though no retry is allowed');
is(models_asked($id), 'down failed, locked failed, good completed', 'the attempts show who was asked, in order');
is($node->safe_psql('postgres', "SELECT model FROM agent_studio.as_metrics($id)"), 'good', 'the metrics name the model that answered');

($id, $status) = ask('hopeless', 'Hopeless', ', max_retries => 1');
is($status, 'failed', 'when none answers it fails');
is(models_asked($id), 'down failed, locked failed', 'a failure that no retry helps ends it after the last one');

# What the request is at fault for, no other model is asked.
($id, $status) = ask('picky', 'Faulty\n@mock status=400 type=invalid_request_error', '');
is(models_asked($id), 'one failed', 'a bad request is not sent to another model');

# A model at its own limit: what waits for it goes to the fallback at once.
($id, $status) = ask('picky', 'Second within the minute', '');
is($status . ' ' . models_asked($id), 'completed good completed', 'over the limit, the fallback is asked');

# Definitions that cannot be meant.
for my $case (['{down}', 'own model'], ['{good,good}', 'twice'], ['{goood}', 'misspelt'])
{
	my ($names, $what) = @$case;
	my ($result, $out, $err) = $node->psql('postgres',
		"SELECT agent_studio.as_create_agent('bad', 'builder', 'down', fallback_models => '$names')");
	like($err, qr/named twice, or is the agent's own|Perhaps you meant "good"/, "refused: $what");
}
like(($node->psql('postgres', q(SELECT agent_studio.as_drop_model('good'))))[2], qr/used by versions of agents: chain, picky/,
	'a fallback model cannot be dropped');

finish_studio($node, $model);
done_testing();
