# One task from its submission to its result: the main job.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use Test::More;

my $model = start_model_server();
my $node = start_studio('task', $model);

my $id = $node->safe_psql('postgres', q(SELECT agent_studio.as_execute_task('worker', 'Say hello.')));
is($node->safe_psql('postgres', "SELECT agent_studio.as_wait($id)"), 'completed', 'a task completes');
is($model->count('Say+hello.'), 1, 'the model got one request');
like($node->safe_psql('postgres', "SELECT agent_studio.as_output($id)"), qr/Say hello\./, 'the output is there');

# Rolled back means never sent; committed means sent once.
$node->safe_psql('postgres', q(
	BEGIN;
	SELECT agent_studio.as_execute_task('worker', 'Never to be sent.');
	ROLLBACK;));
my $after = $node->safe_psql('postgres', q(SELECT agent_studio.as_execute_task('worker', 'Sent after it.')));
$node->safe_psql('postgres', "SELECT agent_studio.as_wait($after)");
is($model->count('Never+to+be+sent'), 0, 'what was rolled back is not sent');
is($model->count('Sent+after+it'), 1, 'what was committed is sent once');

done_testing();
