# Watching a task at work: thoughts while the model still streams, as_follow_task
# in psql, notifications, and an agent that is edited in the meantime.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;

my $model = start_model_server();
my $node = start_studio('watch', $model, "agent_studio.thought_interval = '20ms'");

# The model thinks three thoughts, says a word, and then nothing more.
my $id = submit($node, "\@mock reasoning=3 stall=1\nThink, then hang.");
wait_until(sub { sql($node, "SELECT count(*) FROM agent_studio.as_thoughts($id) WHERE source = 'reasoning'") == 3 },
	'all thoughts are there while the model still streams');
is(status_of($node, $id), 'running', 'the execution runs meanwhile');
is($model->stats('Think, then hang')->{in_flight}, 1, 'and the model has not ended');
is(sql($node, "SELECT string_agg(content, '|' ORDER BY seq) FROM agent_studio.as_thoughts($id) WHERE source = 'reasoning'"),
	join('|', map { "Considering point $_ of 3, and what follows from it." } 1 .. 3), 'a thought is a line');
is(sql($node, "SELECT status, agent, estimated_remaining FROM agent_studio.as_status($id)"), 'running|worker|', 'as_status while it runs');
like(sql($node, "SELECT current_query FROM (SELECT query AS current_query FROM pg_stat_activity WHERE backend_type = 'agent_studio executor') q"),
	qr/^1 model call in flight$/, 'pg_stat_activity says what the executor does');
is(sql($node, "SELECT agent_studio.as_wait($id, 0)"), 'running', 'as_wait returns after its timeout');
sql($node, "SELECT agent_studio.as_cancel($id)");
is(outcome($node, $id)->{status}, 'canceled', 'it ends');

# A reader who always asks for what comes after the last seq.
$id = submit($node, "\@mock reasoning=60 reasoning_delay=25 chunks=3\nThink for long.");
my (@seen, $looks, $at_rest);
until ($at_rest)
{
	$at_rest = sql($node, "SELECT finished_at IS NOT NULL FROM agent_studio.executions WHERE execution_id = $id") eq 't';
	my $last = @seen ? $seen[-1][0] : 0;
	my $new = decode_json(sql($node, "SELECT coalesce(json_agg(json_build_array(seq, content) ORDER BY seq), '[]') FROM agent_studio.as_thoughts($id, $last)"));
	push @seen, @$new;
	$looks++ if @$new;
}
cmp_ok($looks, '>', 2, 'the thoughts came in several looks');
is_deeply(\@seen, decode_json(sql($node, "SELECT json_agg(json_build_array(seq, content) ORDER BY seq) FROM agent_studio.thoughts WHERE execution_id = $id")),
	'together they are all thoughts, each once');
is_deeply([ map { $_->[0] } @seen ], [ 1 .. @seen ], 'numbered without a gap');
is(sql($node, "SELECT bool_and(ok) FROM (SELECT elapsed_ms >= lag(elapsed_ms, 1, 0::bigint) OVER (ORDER BY seq) AS ok FROM agent_studio.as_thoughts($id)) t"),
	't', 'their times ascend');

# In psql: thoughts as they come, then the result, then the row.
my ($code, $output, $error) = $node->psql('postgres', <<'SQL');
CALL agent_studio.as_follow_task('worker', E'@mock reasoning=2 text=The+result. input_tokens=100000 output_tokens=10000\nFollow me.', '{"scale": "small"}', 'high');
SQL
is($code, 0, 'as_follow_task succeeds');
like($error, qr/INFO:  \[00:00:0\d\] Considering point 1 of 2.*INFO:  \[00:00:0\d\] Considering point 2 of 2.*INFO:  Execution \d+ completed\. Its output:\n\nThe result\.\n/s,
	'as_follow_task prints the thoughts, then the output');
like($output, qr/^\d+\|completed\|\d+\.\d+\|100000\|10000\|1\.3000$/, 'and returns id, status, duration, tokens and cost');
($code, $output, $error) = $node->psql('postgres',
	"CALL agent_studio.as_follow_task('worker', E'\@mock status=401\\nFollow me into trouble.')");
like($error, qr/Execution \d+ failed: authentication: .*\nHint: .*key/, 'a failure is told with its class, the words of the vendor and a hint');
like(sql_error($node, "BEGIN; CALL agent_studio.as_follow_task('worker', 'In a block.')"), qr/2D000/, 'not within a transaction block');
is(sql($node, "SELECT count(*) FROM agent_studio.executions WHERE task = 'In a block.'"), 0, 'which leaves nothing behind');
like(sql_error($node, "BEGIN; SELECT agent_studio.as_wait(agent_studio.as_execute_task('worker', 'Wait in a block.'))"),
	qr/55000.*COMMIT first/s, 'waiting where it cannot succeed is refused');

# Ids only, for anyone may listen.
my $listener = $node->background_psql('postgres');
$listener->query('LISTEN agent_studio');
$id = submit($node, 'Secret words of mine.');
outcome($node, $id);
my $heard = '';
wait_until(sub { $heard .= $listener->query('SELECT 1'); $heard =~ /with payload "$id"/ }, 'the notification arrives');
like($heard, qr/Asynchronous notification "agent_studio" with payload "$id"/, 'LISTEN agent_studio hears the id');
unlike($heard, qr/Secret|words/, 'and nothing else');
$listener->quit;

# An execution keeps the version of its agent.
sql($node, "SELECT agent_studio.as_create_agent('edited', 'scribe', 'mock', 'Old prompt.')");
$id = submit($node, "\@mock status=503 times=1 retry_after_ms=1000\nKeep your version.", agent => 'edited');
wait_until(sub { sql($node, "SELECT state FROM agent_studio.steps WHERE execution_id = $id") eq 'retrying' }, 'it waits for its retry');
is(sql($node, "SELECT agent_studio.as_update_agent('edited', system_prompt => 'New prompt.')"), '1.1.0', 'the agent is edited while it runs');
is(outcome($node, $id)->{status}, 'completed', 'the execution completes');
is_deeply([ map { $_->{body}{messages}[0]{content} } $model->journal('Keep your version') ], [ ('Old prompt.') x 2 ],
	'with the prompt that it began with');
is(sql($node, "SELECT message FROM agent_studio.as_logs($id, search => 'Agent:')"), 'Agent: edited (v1.0.0)', 'the log says so');
run_task($node, 'Take the new version.', agent => 'edited');
is(($model->journal('Take the new version'))[0]{body}{messages}[0]{content}, 'New prompt.', 'the next one has the new prompt');

finish_studio($node, $model);
done_testing();
