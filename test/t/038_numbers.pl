# Numbers that no vendor should send: none of them costs an answer, a view or the executor.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use Test::More;

my $model = start_model_server();
my $node = start_studio('numbers', $model);
my $executor = wait_for_executor($node);
my $huge = 9223372036854775807;

# Dear, with a limit on the output that is soon exceeded, and with limits, so that its sends are remembered.
sql($node, q(SELECT agent_studio.as_create_model('dear', 'mock', deployment => 'mock', requests_per_minute => 10000, tokens_per_minute => 2000000000,
		input_price => 1000000, cached_input_price => 1, output_price => 1000000, max_output_tokens => 1);
	SELECT agent_studio.as_create_agent('dear', 'builder', 'dear');
	SELECT agent_studio.as_create_model('free', 'mock', deployment => 'mock', requests_per_minute => 10000);
	SELECT agent_studio.as_create_agent('free', 'builder', 'free');
	SELECT agent_studio.as_create_model('boundless', 'mock', deployment => 'mock');
	SELECT agent_studio.as_create_agent('boundless', 'builder', 'boundless');));

# ---------- usage ----------

my $number = 0;
for my $case (
	[ "input_tokens=$huge output_tokens=$huge", 'free', '||', 'counts that no call can cost are not known' ],
	[ "input_tokens=1000000001 output_tokens=3", 'free', '||', 'nor is a count where the other is too great' ],
	[ 'input_tokens=1000000000 output_tokens=1000000000', 'free', '1000000000|0|1000000000', 'the greatest that are taken' ],
	[ 'input_tokens=900000000 output_tokens=3', 'dear', '900000000|0|3', 'a call that is dear beyond measure' ],
	[ 'input_tokens=10 cached_tokens=40 output_tokens=3', 'dear', '10|10|3', 'more from the cache than there was' ])
{
	my ($scenario, $agent, $tokens, $what) = @$case;
	my $run = run_task($node, "\@mock text=hi $scenario\nUsage " . ++$number, agent => $agent);
	my $id = $run->{execution_id};

	is("$run->{status} " . ($run->{output} // $run->{error_message}), 'completed hi', "$what: the answer is stored");
	is(sql($node, "SELECT input_tokens, CASE WHEN input_tokens IS NOT NULL THEN cached_input_tokens END, output_tokens FROM agent_studio.executions WHERE execution_id = $id"),
		$tokens, "$what: with its tokens");
	is(sql($node, "SELECT count(*) FILTER (WHERE input_cost_usd < 0 OR output_cost_usd < 0) FROM agent_studio.executions WHERE execution_id = $id"),
		0, "$what: and for no less than nothing");
	like(sql($node, "SELECT format_compliance_percent, token_efficiency_percent > 100 FROM agent_studio.as_quality($id)"), qr/^100\|/, "$what: as_quality can be asked");
	like(sql($node, "SELECT as_metrics FROM agent_studio.as_metrics($id)"), qr/\w/, "$what: and so can as_metrics");
}

# ---------- limits that the vendor tells ----------

for my $limit ("0/0/1ms", "1/$huge/1ms", "$huge/1/1ms", "-1/5/1ms", "5/-1/1ms", 'many/few/soon', "99999999999999999999/1/1ms", '1/0/-1s')
{
	my $run = run_task($node, "\@mock text=hi ratelimit=$limit\nLimit " . ++$number, agent => 'boundless');

	is($run->{status}, 'completed', "limit $limit: the answer is stored");
	like(sql($node, "SELECT coalesce(percent_used, 0) BETWEEN 0 AND 100 FROM agent_studio.model_quota WHERE model = 'boundless'"), qr/^t$/,
		"limit $limit: model_quota can be looked at, and tells a percentage");
}

# ---------- answers that jsonb cannot hold ----------

my $deep = run_task($node, "\@mock text=" . '[' x 60000 . "\nDeep.", arguments => q(json_schema => '{"a": "string"}', max_retries => 0));
is("$deep->{status} $deep->{error_class}", 'failed invalid_output', 'an answer that is too deep is not valid');
is(sql($node, "SELECT completeness_percent, format_compliance_percent FROM agent_studio.as_quality($deep->{execution_id})"), '0|0', 'and as_quality says so');

# ---------- and the executor ----------

is(worker_pid($node, 'executor'), $executor, 'the executor is the same one');
$node->restart;
wait_for_executor($node);
is(run_task($node, 'After all that.', agent => 'free')->{status}, 'completed', 'the next one begins with what was sent before, too');

finish_studio($node, $model);
done_testing();
