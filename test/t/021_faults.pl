# Answers that fail: the class of each, the words, whether a retry may help, what is
# kept of it - and the executor is the same one after each.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use POSIX qw(mkfifo);
use PostgreSQL::Test::Utils;
use Test::More;

my $model = start_model_server();
my $node = start_studio('faults', $model, "agent_studio.max_output_size = '256kB'", "agent_studio.idle_timeout = '1s'",
	"agent_studio.retry_max_delay = '100ms'");
my $executor = wait_for_executor($node);

# scenario, class, retryable, words, what of the output is kept
my @faults = (
	[ 'refusal=I+would+rather+not.', 'content_filter', 0, qr/refused: I would rather not\./, undef ],
	[ 'finish=content_filter text=abc', 'content_filter', 0, qr/content filter/, 'abc' ],
	[ 'finish=tool_calls tool=lookup', 'invalid_output', 0, qr/called a tool/, undef ],
	[ 'text=', 'invalid_output', 1, qr/empty answer/, undef ],
	[ 'text= finish=length', 'invalid_output', 0, qr/limit of output tokens/, undef ],
	[ 'text=abcdef chunks=3 error_at=2 error_style=event', 'overloaded', 1, qr/Bad gateway/, 'abcd' ],
	[ 'text=abcdef chunks=3 error_at=2 error_style=member', 'overloaded', 1, qr/Bad gateway/, 'abcd' ],
	[ 'text=abcdef chunks=3 error_at=2 error_style=string', 'overloaded', 1, qr/Bad gateway/, 'abcd' ],
	[ 'text=abcdef chunks=3 error_at=2 error_style=numeric', 'overloaded', 1, qr/Bad gateway/, 'abcd' ],
	[ 'text=abcdef chunks=3 error_at=1 error_style=member code=rate_limit_exceeded message=Slow+down.', 'rate_limited', 1, qr/Slow down\./, 'ab' ],
	[ 'error_at=0 error_style=member', 'overloaded', 1, qr/Bad gateway/, undef ],
	[ 'text=abcdef chunks=3 cut=2', 'connection', 1, qr/./, 'abcd' ],
	[ 'text=abcdef chunks=3 cut=2 cut_with=rst', 'connection', 1, qr/./, undef, 'any' ],
	[ 'text=abcdef chunks=3 cut=3', 'connection', 1, qr/./, 'abcdef' ],
	[ 'cut_head=1', 'connection', 1, qr/./, undef ],
	[ 'text=abcdef chunks=3 finish=none done=0', 'connection', 1, qr/ended before the answer was complete/, 'abcdef' ],
	[ 'text=abcdef chunks=3 stall=2', 'timeout', 1, qr/no further byte of the answer within 1 s/, 'abcd' ],
	[ 'garbage=1', 'invalid_output', 1, qr/nothing in it was understood/, undef ],
	[ 'garbage=7', 'invalid_output', 1, qr/nothing in it was understood/, undef ],
	[ 'html=1', 'invalid_output', 1, qr/nothing in it was understood/, undef ],
	[ 'empty=1', 'invalid_output', 1, qr/nothing in it was understood/, undef ],
	[ 'html=1 status=502', 'overloaded', 1, qr/upstream server is unhappy/, undef ],
	[ 'empty=1 status=500', 'overloaded', 1, qr/HTTP status 500 and no message/, undef ],
	[ 'oversize=300000', 'invalid_output', 0, qr/larger than agent_studio\.max_output_size \(256 kB\)/, undef, 'any' ],
	[ 'oversize=20000000', 'invalid_output', 0, qr/larger/, undef, 'any' ],
	[ 'long_line=3000000', 'invalid_output', 0, qr/larger/, undef, 'any' ],
	[ 'redirect=http://127.0.0.1:1/elsewhere', 'bad_request', 0, qr/HTTP status 302; redirects are not followed/, undef ],
	[ 'redirect=/v1/chat/completions status=308', 'bad_request', 0, qr/HTTP status 308; redirects are not followed/, undef ],
	[ 'status=404 message=No%00+such+%F0%9F%8E%89+model', 'not_found', 0, qr/No.* such .* model/, undef ],
);

for my $fault (@faults)
{
	my ($scenario, $class, $retryable, $words, $kept, $any) = @$fault;
	my $run = run_task($node, "\@mock $scenario\nFail.", arguments => 'max_retries => 0');
	my $try = $run->{tries}[0];

	is_deeply([ @$run{qw(status attempts error_class)}, $try->{retryable} ? 1 : 0 ], [ 'failed', 1, $class, $retryable ],
		"$scenario: fails as $class" . ($retryable ? ', retryable' : ''));
	like($run->{error_message}, $words, "$scenario: in words");
	is($try->{error_message}, $run->{error_message}, "$scenario: the attempt has the same words");
	like($run->{error_hint} // '', qr/\w+ \w+/, "$scenario: with a hint");
	is_deeply([ $run->{output}, $try->{partial_output} ], [ $kept, $kept ], "$scenario: what had arrived is kept") unless $any;
	is($run->{executor}, $executor, "$scenario: the executor goes on");
}

# An execution that is retried keeps each attempt's partial output, and ends whole.
my $run = run_task($node, "\@mock text=abcdef chunks=3 cut=2 times=2\nGet there in the end.");
is_deeply([ map { "$_->{attempt_no} $_->{outcome} " . ($_->{partial_output} // '') } @{ $run->{tries} } ],
	[ '1 failed abcd', '2 failed abcd', '3 completed ' ], 'each attempt keeps what it brought');
is("$run->{status} $run->{output}", 'completed abcdef', 'the output is the last one alone');
is(scalar(grep { $_->{possibly_billed} } @{ $run->{tries} }), 3, 'each may have been billed');
for my $status (400, 401, 403, 404, 413, 422, 429, 500, 503)
{
	my $refused = run_task($node, "\@mock status=$status\nRefuse it.", max_retries => 0);

	is($refused->{tries}[0]{possibly_billed} ? 1 : 0, $status < 500 ? 0 : 1, "what is answered with $status " . ($status < 500 ? 'costs nothing' : 'may have cost something'));
}

# Each token in an event of its own: sixty times as much stream as text is no fault.
$run = run_task($node, "\@mock size=160000 chunks=40000\nTell it in small pieces.");
is($run->{status}, 'completed', 'a long answer in small pieces is taken');
cmp_ok(length($run->{output}), '>', 159_900, 'and is whole');

# An absurd usage costs nobody the answer: not even at the highest price that can be set.
sql($node, q(SELECT agent_studio.as_create_model('dear', 'mock', deployment => 'mock', input_price => 1000000, output_price => 1000000);
	SELECT agent_studio.as_create_agent('dear', 'builder', 'dear', visibility => 'shared')));
for my $usage ('input_tokens=9000000000000000', 'output_tokens=9000000000000000', 'reasoning_tokens=9000000000000000000 output_tokens=5',
	'input_tokens=9000000000000000000 output_tokens=9000000000000000000')
{
	$run = run_task($node, "\@mock text=Paid. $usage\nAnswer dearly.", agent => 'dear');
	is("$run->{status} $run->{attempts} $run->{output}", 'completed 1 Paid.', "$usage: the answer is kept");
	is_deeply([ grep { defined } @$run{qw(input_tokens output_tokens reasoning_tokens input_cost_usd output_cost_usd)} ], [], "$usage: tokens and cost are unknown");
	like(join(' ', map { "$_->{kind}: $_->{message}" } @{ $run->{notices} }), qr/^no_usage: The vendor's usage cannot be true \(over \d+ tokens\)/, "$usage: a notice says so");
}
$run = run_task($node, "\@mock text= input_tokens=1000000000 output_tokens=1000000000\nAnswer, but never.", agent => 'dear', arguments => 'max_retries => 10');
is("$run->{status} $run->{attempts} " . ($run->{input_cost_usd} + 0), 'failed 11 11000000000', 'the highest usage at the highest price, eleven times, has a cost');

# What an ordinary user can hand in stops nobody.
my $pid = worker_pid($node, 'executor', 'postgres');
my $nested = q((SELECT ('{"a":' || repeat('[', 4000) || '1' || repeat(',1', 70000) || repeat(']', 4000) || '}')::jsonb));
my $deep = submit($node, "\@mock text=Fine.\nA context of many levels.", arguments => "context => $nested");
is(sql($node, "SELECT agent_studio.as_wait($deep)"), 'completed', 'a deep context is sent');
like(sql_error($node, q(SELECT agent_studio.as_execute_task('worker', repeat('x', 5000000)))), qr/54000/, 'a task that no model could take is refused');
is(run_task($node, "\@mock status=401 message=Incorrect+key:+sk-test-key.\nQuote it.")->{error_message}, 'Incorrect key: ***********.',
	'a key in the words of the vendor is hidden');
sql($node, q(CREATE FOREIGN DATA WRAPPER loose; CREATE SERVER loose TYPE 'openai' FOREIGN DATA WRAPPER loose OPTIONS (url 'http://127.0.0.1:1')));
like(sql($node, q(SELECT agent_studio_private.endpoint_problem('loose', 'postgres'))), qr/is not an endpoint/, 'a server of another wrapper is none');

# A key file that is a pipe would be waited for, by everybody whose work runs here.
my $pipe = PostgreSQL::Test::Utils::tempdir() . '/key';
mkfifo($pipe, 0600) or die "mkfifo $pipe: $!";
sql($node, <<"SQL");
CREATE SERVER piped TYPE 'openai' FOREIGN DATA WRAPPER agent_studio OPTIONS (url 'http://127.0.0.1:$model->{port}/v1', allow_http 'true', allow_private 'true');
CREATE USER MAPPING FOR PUBLIC SERVER piped OPTIONS (api_key_file '$pipe');
SELECT agent_studio.as_create_model('piped', 'piped', deployment => 'mock');
SELECT agent_studio.as_create_agent('piped', 'builder', 'piped');
SQL
$run = run_task($node, 'With a pipe.', agent => 'piped');
is_deeply([ @$run{qw(status error_class error_message)} ], [ 'failed', 'authentication', q(the user mapping's api_key_file gives no key) ], 'a key file that is a pipe gives no key');
is($run->{executor}, $pid, 'and holds nobody up');
like(as_check($node, 'endpoint piped'), qr/^f\|the user mapping's api_key_file gives no key\|/, 'nor as_check, which tells of it');

# A cancel signal is for queries, and the workers have none that is anybody's.
my $launcher = worker_pid($node, 'launcher');
sql($node, "SELECT pg_cancel_backend($launcher)");
sql($node, 'CREATE DATABASE other');
sql($node, 'CREATE EXTENSION agent_studio', 'other');
wait_for_executor($node, 'other');
is(worker_pid($node, 'launcher'), $launcher, 'a cancel signal leaves the launcher at work');
sql($node, "SELECT pg_cancel_backend($pid)");
is(run_task($node, "\@mock text=Fine.\nAfter a cancel.")->{status}, 'completed', 'a cancel signal leaves the executor at work');
is(worker_pid($node, 'executor', 'postgres'), $pid, 'the same one');

finish_studio($node, $model);
done_testing();
