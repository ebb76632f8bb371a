# Failures by status: which are tried again, when, how often, and what is kept.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use Test::More;

my $model = start_model_server();
my $node = start_studio('retries', $model);

# ---------- each status: tried once more, or never ----------

my @statuses = (
	[ 400, 'bad_request', 0 ], [ 401, 'authentication', 0 ], [ 402, 'permission', 0 ], [ 403, 'permission', 0 ],
	[ 404, 'not_found', 0 ], [ 408, 'timeout', 1 ], [ 409, 'overloaded', 1 ], [ 413, 'bad_request', 0 ],
	[ 422, 'bad_request', 0 ], [ 429, 'rate_limited', 1 ], [ 500, 'overloaded', 1 ], [ 502, 'overloaded', 1 ],
	[ 503, 'overloaded', 1 ], [ 504, 'overloaded', 1 ], [ 529, 'overloaded', 1 ],
	[ '429 code=insufficient_quota', 'rate_limited', 0 ], [ '429 type=insufficient_quota', 'rate_limited', 0 ],
	[ '429 code=credit_balance_exhausted', 'rate_limited', 0 ],
	[ '400 code=content_filter', 'content_filter', 0 ],
	[ '503 should_retry=false', 'overloaded', 0 ], [ '400 should_retry=true', 'bad_request', 1 ],
);
for my $case (@statuses)
{
	my ($status, $class, $retryable) = @$case;
	my $run = run_task($node, "\@mock status=$status times=1 message=Words+of+the+provider.\nTry.", arguments => 'max_retries => 1');
	my $try = $run->{tries}[0];

	is_deeply([ @$try{qw(outcome error_class http_status)}, $try->{retryable} ? 1 : 0 ],
		[ 'failed', $class, $status =~ /(\d+)/, $retryable ], "$status: the attempt fails as $class");
	like($try->{error_message}, qr/^Words of the provider\.$/, "$status: with the words of the provider");
	like($try->{request_id}, qr/^req_\d+$/, "$status: and its id of the request");
	is_deeply([ @$run{qw(status attempts)} ], $retryable ? [ 'completed', 2 ] : [ 'failed', 1 ],
		"$status: " . ($retryable ? 'tried again, and completed' : 'not tried again'));
	like($run->{error_hint} // '', qr/\w/, "$status: a hint says what to do") unless $retryable;
	is($run->{error_class}, $retryable ? undef : $class, "$status: the execution has the class of how it ended");
}

# ---------- never before Retry-After ----------

my %waits = ('retry_after=1' => 1000, 'retry_after_ms=700' => 700, 'retry_after=date:2' => 0, 'retry_after=0' => 0);
my %ids = map { $_ => submit($node, "\@mock status=429 times=1 $_\nWait as told.") } sort keys %waits;
for my $wait (sort keys %waits)
{
	my $run = outcome($node, $ids{$wait});
	my @requests = $model->journal("times=1 $wait\\nWait as told");

	is("$run->{status} " . @requests, 'completed 2', "$wait: two requests");
	cmp_ok($requests[1]{mono_ms} - $requests[0]{ended_mono_ms}, '>=', $waits{$wait}, "$wait: the second not before its time");
	cmp_ok($requests[1]{at_ms}, '>=', 1000 * int($requests[0]{at_ms} / 1000 + 2), "$wait: nor before the date") if $wait =~ /date/;
}

# ---------- a wait is a row of the queue ----------

my $id = submit($node, "\@mock status=503 retry_after=30\nCome back later.");
wait_until(sub { sql($node, "SELECT state FROM agent_studio.steps WHERE execution_id = $id") eq 'retrying' }, 'the step is retrying');
is(sql($node, "SELECT waiting, epoch IS NULL, failures, run_at > now() + interval '20 s' FROM agent_studio.queue WHERE execution_id = $id"),
	't|t|1|t', 'the wait is a row of the queue that nobody holds');
is(sql($node, "SELECT s.retry_at = q.run_at, e.status FROM agent_studio.steps s JOIN agent_studio.queue q USING (execution_id) JOIN agent_studio.executions e USING (execution_id) WHERE execution_id = $id"),
	't|running', 'the step says until when');
like(sql($node, "SELECT note FROM agent_studio.as_status($id)"), qr/^retry 1 of 3 in \d\d s after overloaded: /, 'and as_status why');
like(sql($node, "SELECT string_agg(content, ' ') FROM agent_studio.as_thoughts($id)"), qr/retrying in 3\d seconds\.\.\. \(Attempt 1\/3\)/, 'and a thought');
$node->restart;
wait_for_executor($node);
is(sql($node, "SELECT state FROM agent_studio.steps WHERE execution_id = $id"), 'retrying', 'it waits on after a restart of the server');
is($model->count('Come back later'), 1, 'without another request');
sql($node, "SELECT agent_studio.as_cancel($id)");
is(outcome($node, $id)->{status}, 'canceled', 'until it is canceled');

# ---------- how often ----------

for my $retries (0, 2)
{
	my $run = run_task($node, "\@mock status=503\nNever well $retries.", arguments => "max_retries => $retries");

	is_deeply([ @$run{qw(status attempts)} ], [ 'failed', $retries + 1 ], "max_retries $retries: so many more attempts");
	is($model->count("Never well $retries"), $retries + 1, "max_retries $retries: and requests");
	is_deeply([ map { $_->{attempt_no} } @{ $run->{tries} } ], [ 1 .. $retries + 1 ], "max_retries $retries: a row each");
	is_deeply([ map { $_->{kind} } @{ $run->{notices} } ], [ ('retry') x $retries, 'failed' ], "max_retries $retries: a notice each");
	my @requests = $model->journal("Never well $retries");
	for my $again (1 .. $retries)
	{
		cmp_ok($requests[$again]{mono_ms} - $requests[ $again - 1 ]{ended_mono_ms}, '>=', 50 * 2**($again - 1),
			"max_retries $retries: the wait before retry $again is long enough");
	}
}

finish_studio($node, $model);
done_testing();
