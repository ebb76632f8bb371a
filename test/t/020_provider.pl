# What models send, and what becomes of it: each scenario of the model server from
# end to end, and the executor is the same one after each.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use IO::Socket::INET;
use JSON::PP;
use POSIX ();
use Test::More;
use utf8;

my $model = start_model_server();
my $node = start_studio('provider', $model);
my $text = 'Grüße aus Zürich: 日本語 🎉 – done.';
my $encoded = 'Gr%C3%BC%C3%9Fe+aus+Z%C3%BCrich:+%E6%97%A5%E6%9C%AC%E8%AA%9E+%F0%9F%8E%89+%E2%80%93+done.';
my $executor = wait_for_executor($node);

sql($node, "SELECT agent_studio.as_create_agent('reporter', 'builder', 'mock', progress_lines => true)");
sql($node, "SELECT agent_studio.as_create_model('cached', 'mock', input_price => 10, cached_input_price => 1, output_price => 30)");
sql($node, "SELECT agent_studio.as_create_agent('saver', 'builder', 'cached')");
sql($node, "SELECT agent_studio.as_create_model('unpriced', 'mock')");
sql($node, "SELECT agent_studio.as_create_agent('unpriced', 'builder', 'unpriced')");

# Runs a scenario once, without retries; and looks at the executor afterwards.
sub scenario
{
	my ($scenario, %options) = @_;
	my $run = run_task($node, "\@mock $scenario\nDo it.", arguments => 'max_retries => 0', %options);

	is($run->{executor}, $executor, "$scenario: the executor goes on");
	return $run;
}

sub contents { my ($run, $source) = @_; return [ map { $_->{content} } grep { $_->{source} eq $source } @{ $run->{thoughts} } ]; }

# ---------- every form in which the same answer may come ----------

for my $form (qw(split=1 split=3 eol=crlf eol=cr bom=1 comments=1 multiline=1 done=0 finish=none usage=none usage=last usage=chunk
	headers=50 chunks=30 strict=reasoning first_byte=20), 'split=1 eol=crlf bom=1 comments=1 multiline=1', 'split=1 eol=cr', 'keep_alive=5 chunk_delay=12')
{
	my $run = scenario("text=$encoded $form");

	is("$run->{status}: $run->{output}", "completed: $text", "$form: the answer is byte for byte the model's");
}

# ---------- thoughts ----------

for my $form ('reasoning_field=reasoning_content', 'reasoning_field=reasoning', 'reasoning_field=thinking', 'think=1', 'think=1 split=1')
{
	my $run = scenario("text=$encoded reasoning=2 $form");

	# What stands around a <think> section is the answer's, white space too.
	is($run->{output}, ($form =~ /think=/ ? "\n\n" : '') . $text, "$form: the reasoning is not in the output");
	is_deeply(contents($run, 'reasoning'), [ map { "Considering point $_ of 2, and what follows from it." } 1, 2 ], "$form: but in the thoughts");
}
my $run = scenario("answer=builder progress=4 split=7", agent => 'reporter');
is_deeply(contents($run, 'progress'), [ map { "Step $_ of 4" } 1 .. 4 ], 'progress lines become thoughts');
unlike($run->{output}, qr/\[\[progress\]\]/, 'and are taken out of the output');
like($model->get('/__journal'), qr/begins with \\"\[\[progress\]\]/, 'which the prompt asks for');
$run = scenario("answer=builder progress=4");
like($run->{output}, qr/\[\[progress\]\]/, 'an agent that does not ask for them keeps the text as it is');

# ---------- tokens and cost ----------

$run = scenario('usage=none text=Hello.');
is_deeply([ $run->{status}, @{ $run->{metrics} }{qw(input_tokens output_tokens cost_usd)} ], [ 'completed', undef, undef, undef ], 'without usage the cost is not known, not 0');
is_deeply([ map { $_->{kind} } @{ $run->{notices} } ], ['no_usage'], 'a notice says so');
for my $place (qw(last chunk))
{
	$run = scenario("usage=$place input_tokens=1000 output_tokens=500 reasoning_tokens=200");
	is_deeply([ @{ $run->{metrics} }{qw(input_tokens output_tokens reasoning_tokens cost_usd)} ], [ 1000, 500, 200, 0.025 ], "usage=$place is read");
}
$run = scenario('input_tokens=1000000 cached_tokens=400000 output_tokens=0', agent => 'saver');
is_deeply([ @{ $run->{metrics} }{qw(cached_input_tokens input_cost_usd output_cost_usd)} ], [ 400000, 6.4, 0 ], 'cached tokens have a price of their own');
$run = scenario('input_tokens=1000000 cached_tokens=400000');
is($run->{metrics}{input_cost_usd}, 10, 'or that of the others');
$run = scenario('input_tokens=10', agent => 'unpriced');
is_deeply([ $run->{metrics}{input_tokens}, $run->{metrics}{cost_usd} ], [ 10, undef ], 'without a price the cost is NULL');
is_deeply([ map { $_->{kind} } @{ $run->{notices} } ], ['no_price'], 'and a notice says so');

# ---------- what text cannot store ----------

$run = scenario("text=ab bad_utf8=1");
is($run->{output}, "a\x{FFFD}\x{FFFD}\x{FFFD}b", 'invalid UTF-8 is replaced');
is_deeply([ map { $_->{kind} } @{ $run->{notices} } ], ['repaired'], 'and a notice says so');
$run = scenario("text=ab nul=1");
is($run->{output}, "a\x{FFFD} \x{FFFD} \x{FFFD}b", 'so are \u0000 and lone surrogates');
$run = scenario("text=abcdef bad_json=2");
is("$run->{status} $run->{output}", 'completed abcdef', 'events of broken JSON are skipped');
$run = scenario("text=abc finish=length");
is("$run->{status} $run->{output} $run->{finish_reason}", 'completed abc length', 'an answer that was cut at its limit is an answer');
is_deeply([ map { $_->{kind} } @{ $run->{notices} } ], ['truncated'], 'and a notice says so');

# ---------- a server that does not stream ----------

sub answer_whole
{
	my ($listener, $body) = @_;
	my $pid = fork // die "fork: $!";

	return $pid if $pid;
	my $client = $listener->accept;
	local $/ = "\r\n\r\n";
	my ($length) = (<$client> // '') =~ /content-length: *(\d+)/i;
	read($client, my $request, $length);
	print $client "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " . length($body) . "\r\n\r\n$body";
	POSIX::_exit(0);
}

my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 5) // die "listen: $!";
sql($node, "CREATE SERVER plain TYPE 'openai' FOREIGN DATA WRAPPER agent_studio OPTIONS (url 'http://127.0.0.1:" . $listener->sockport . "', allow_http 'true', allow_private 'true')");
sql($node, "SELECT agent_studio.as_create_model('plain', 'plain'); SELECT agent_studio.as_create_agent('plain', 'builder', 'plain')");
my $child = answer_whole($listener, encode_json({ id => 'c-1', model => 'plain-1', choices => [ { index => 0, finish_reason => 'stop',
	message => { role => 'assistant', content => $text, reasoning_content => "A thought.\n" } } ], usage => { prompt_tokens => 7, completion_tokens => 3 } }));
$run = run_task($node, 'Answer as one document.', agent => 'plain', arguments => 'max_retries => 0');
waitpid($child, 0);
is("$run->{status}: $run->{output}", "completed: $text", 'an answer that is one JSON document is an answer');
is_deeply([ @{ $run->{metrics} }{qw(input_tokens output_tokens answered_by)}, contents($run, 'reasoning')->[0] ], [ 7, 3, 'plain-1', 'A thought.' ],
	'with its usage, model and reasoning');
$child = answer_whole($listener, '{"choices": [{"message": {"content": "half');
$run = run_task($node, 'Answer with half of one.', agent => 'plain', arguments => 'max_retries => 0');
waitpid($child, 0);
is("$run->{status} $run->{error_class}", 'failed invalid_output', 'half of a document is none');

finish_studio($node, $model);
done_testing();
