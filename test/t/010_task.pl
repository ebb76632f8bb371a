# A task from its submission to its result: the guide's four examples, what is
# sent for them, what comes back, and what becomes of a transaction's work.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use Digest::SHA qw(sha256_hex);
use GuideTasks;
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;

my $model = start_model_server();
my $node = start_studio('task', $model, 'max_prepared_transactions = 5', "agent_studio.poll_interval = '200ms'");

# Only the architect has parameters of its own.
my %prompts = map { $_ => "You are an experienced $_." } keys %guide_tasks;
for my $type (sort keys %prompts)
{
	my $parameters = $type eq 'architect' ? ', temperature => 0.3, max_output_tokens => 8000' : '';
	sql($node, "SELECT agent_studio.as_create_agent('$type-agent', '$type', 'demo', '$prompts{$type}'$parameters)");
}

for my $type (qw(architect builder validator scribe))
{
	my $guide = $guide_tasks{$type};
	my $run = run_task($node, $guide->{task}, agent => "$type-agent",
		arguments => "context => \$c\$$guide->{context}\$c\$, priority => '$guide->{priority}', timeout_seconds => $guide->{timeout}");
	my $tokens = decode_json(slurp_file("test/model_answers/$type.json"));

	is($run->{status}, 'completed', "$type: the guide's example completes");
	is_deeply([ @$run{qw(priority timeout_seconds attempts)} ], [ @$guide{qw(priority timeout)}, 1 ],
		"$type: priority and timeout are kept, one attempt");
	is(sql($node, "SELECT md5(agent_studio.as_output($run->{execution_id})) = md5(convert_from(pg_read_binary_file('"
		. abs_answer($type) . "'), 'UTF8'))"), 't', "$type: the output is the bytes that the model streamed");
	is_deeply([ map { $run->{metrics}{$_} } qw(input_tokens output_tokens reasoning_tokens) ],
		[ map { $tokens->{$_} } qw(input_tokens output_tokens reasoning_tokens) ], "$type: tokens are the vendor's");
	check_request($type, $guide, ($model->journal((split /\n/, $guide->{task})[0]))[0]);
	is_deeply([ grep { $_->{source} eq 'reasoning' } @{ $run->{thoughts} } ] > 0 ? 1 : 0, 1, "$type: the model's reasoning is among the thoughts");
}

sub abs_answer { my ($type) = @_; require Cwd; return Cwd::abs_path("test/model_answers/$type.md"); }

sub check_request
{
	my ($type, $guide, $record) = @_;
	my $body = $record->{body};
	my %wanted = (model => 'demo:speed=0', stream => JSON::PP::true, stream_options => { include_usage => JSON::PP::true });

	@wanted{qw(temperature max_completion_tokens)} = (0.3, 8000) if $type eq 'architect';
	my $messages = delete $body->{messages};
	is_deeply($body, \%wanted, "$type: nothing is sent that nobody has set, and all that was set");
	is_deeply($messages->[0], { role => 'system', content => $prompts{$type} }, "$type: the system prompt goes first");
	my ($task, $context) = $messages->[1]{content} =~ /\A(.*?)\n\nContext:\n```json\n(.*)\n```\z/s;
	is($task, $guide->{task}, "$type: the task is sent as it was written");
	is_deeply(JSON::PP->new->decode($context // 'null'), decode_json($guide->{context}), "$type: with the context");
	is("$record->{method} $record->{path}", 'POST /v1/chat/completions', "$type: to the right place");
	is($record->{headers}{authorization}, 'Bearer sha256:' . substr(sha256_hex('sk-test-key'), 0, 16), "$type: with the key");
	like($record->{headers}{'content-type'}, qr{^application/json}, "$type: as JSON");
}

# Metrics are the sums of the attempts; the guide's bill.
is(sql($node, q(
	SELECT m.input_tokens, m.output_tokens, m.total_tokens, m.input_cost_usd, m.output_cost_usd, m.cost_usd,
		m.model, m.temperature, m.max_output_tokens
	FROM agent_studio.executions e, agent_studio.as_metrics(e.execution_id) m WHERE e.agent = 'architect-agent')),
	'1250|4890|6140|0.0125|0.1467|0.1592|demo|0.3|8000', q(tokens and cost are the guide's));
my $twice = run_task($node, "\@mock text= input_tokens=100 output_tokens=50\nSay nothing.", arguments => 'max_retries => 1');
is_deeply([ @$twice{qw(status attempts)} ], [ 'failed', 2 ], 'an empty answer is asked for again');
is_deeply([ @{ $twice->{metrics} }{qw(input_tokens output_tokens cost_usd)} ], [ 200, 100, 0.005 ], 'each attempt counts');
is(sql($node, q(
	SELECT count(*) FROM agent_studio.executions e, agent_studio.as_metrics(e.execution_id) m, LATERAL (
		SELECT count(*) AS attempts, sum(a.input_tokens) AS input_tokens, sum(a.output_tokens) AS output_tokens,
			sum(a.input_cost_usd) + sum(a.output_cost_usd) AS cost
		FROM agent_studio.attempts a WHERE a.execution_id = e.execution_id) t
	WHERE (t.attempts, t.input_tokens, t.output_tokens) = (e.attempts, e.input_tokens, e.output_tokens)
	  AND (t.attempts, t.input_tokens, t.output_tokens, t.cost) = (m.attempts, m.input_tokens, m.output_tokens, m.cost_usd))),
	5, 'metrics equal the sums of the attempts');

# The log, in the order of the guide's.
my $logged = run_task($node, $guide_tasks{architect}{task}, agent => 'architect-agent', arguments => 'verbose => true');
my @log = split /\n/, sql($node, "SELECT level || ': ' || message FROM agent_studio.as_logs($logged->{execution_id})");
my @wanted = (qr/^INFO: Task execution started$/, qr/^INFO: Agent: architect-agent \(v1\.0\.0\)$/, qr/^INFO: Model: demo:speed=0$/,
	qr/^DEBUG: System prompt loaded \(about \d+ tokens\)$/, qr/^DEBUG: User task received \(about \d+ tokens\)$/,
	qr/^INFO: Sending request to mock\.\.\.$/, qr/^INFO: Response streaming started$/,
	qr/^INFO: Response streaming completed$/, qr/^INFO: Total tokens: 6,140 \(input: 1,250, output: 4,890\)$/,
	qr/^INFO: Task execution completed successfully$/, qr/^INFO: Execution time: \d+\.\d+ seconds$/);
is(scalar @log, scalar @wanted, 'the log has the lines of the guide') or diag(join "\n", @log);
like($log[$_] // '', $wanted[$_], "line $_ of the log") for 0 .. $#wanted;
is(sql($node, "SELECT count(*) FROM agent_studio.as_logs($logged->{execution_id}, 'INFO')"), 9, 'without DEBUG lines');
is(sql($node, "SELECT message FROM agent_studio.as_logs($logged->{execution_id}, search => 'TOTAL')"),
	'Total tokens: 6,140 (input: 1,250, output: 4,890)', 'and searched');

# Rolled back means never sent; committed means sent once.
sql($node, <<'SQL');
BEGIN;
SELECT agent_studio.as_execute_task('worker', 'Never to be sent.');
ROLLBACK;
BEGIN;
SELECT agent_studio.as_execute_task('worker', 'Sent from around it.');
SAVEPOINT s;
SELECT agent_studio.as_execute_task('worker', 'Never from the savepoint.');
ROLLBACK TO s;
COMMIT;
SQL
my $after = run_task($node, 'Sent after it.');
wait_until(sub { sql($node, 'SELECT count(*) FROM agent_studio.executions WHERE finished_at IS NULL') == 0 }, 'all are at rest');
is($model->count('Never'), 0, 'what was rolled back is not sent');
is($model->count('Sent from around it'), 1, 'what stood beside it is sent once');
is($model->count('Sent after it'), 1, 'what was committed is sent once');

# Nobody wakes the executor for a prepared transaction: it finds it by itself.
my $prepared = sql($node, <<'SQL');
BEGIN;
SELECT agent_studio.as_execute_task('worker', 'Prepared.');
PREPARE TRANSACTION 'p';
SQL
run_task($node, 'While it is prepared.');
is($model->count('Prepared.'), 0, 'a prepared transaction sends nothing');
sql($node, q(COMMIT PREPARED 'p'));
is(outcome($node, $prepared)->{status}, 'completed', 'after COMMIT PREPARED it runs');
is($model->count('Prepared.'), 1, 'once');

# The same key is the same execution, of the same owner.
my $key = q(SELECT agent_studio.as_execute_task('worker', 'Once only.', idempotency_key => 'k'));
my @same = map { sql($node, $key) } 1 .. 2;
is($same[0], $same[1], 'the same idempotency key returns the first id');
sql($node, 'CREATE ROLE other LOGIN IN ROLE agent_studio_user');
my $other = sql($node, "SET ROLE other; $key");
isnt($other, $same[0], q(another owner's key is another key));
is(outcome($node, $_)->{status}, 'completed', "execution $_ completes") for $same[0], $other;
is($model->count('Once only'), 2, 'one request each');

finish_studio($node, $model);
done_testing();
