# Every model API through every case, from end to end: one table of APIs, one of
# cases, and one of what is asked with which parameters. All tasks are submitted at
# once, and looked at when the last of them has ended.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use Digest::SHA qw(sha256_hex);
use JSON::PP;
use Test::More;
use utf8;

my $model = start_model_server();
my $node = start_studio('dialects', $model, "agent_studio.idle_timeout = '60s'", "agent_studio.first_byte_timeout = '60s'");
my $executor = wait_for_executor($node);
my $key = 'k-dialects';
my $digest = 'sha256:' . substr(sha256_hex($key), 0, 16);
my $schema = '{"type": "object", "required": ["count"], "properties": {"count": {"type": "integer"}}, "additionalProperties": false}';

# ---------- the APIs ----------

# think: the request_options that bring thoughts. first: what every request begins
# with, before the parameters; HI stands for the task.
my $chat = '{"model":"mock","messages":[{"role":"user","content":"HI"}],"stream":true,"stream_options":{"include_usage":true}}';
my %apis = (
	openai => {
		type => 'openai', url => '/v1', think => '{}', path => '/v1/chat/completions', headers => { authorization => "Bearer $digest" },
		first => $chat },
	azure_classic => {
		type => 'azure_openai', version => '2024-10-21', url => '', think => '{}',
		path => '/openai/deployments/mock/chat/completions?api-version=2024-10-21', headers => { 'api-key' => $digest }, first => $chat },
	azure_v1 => {
		type => 'azure_openai', version => 'v1', url => '/', think => '{}',
		path => '/openai/v1/chat/completions', headers => { 'api-key' => $digest }, first => $chat },
	responses => {
		type => 'openai_responses', url => '/v1', think => '{"reasoning": {"effort": "low"}}',
		path => '/v1/responses', headers => { authorization => "Bearer $digest" },
		first => '{"model":"mock","input":"HI","stream":true,"store":false}' },
	anthropic => {
		type => 'anthropic', url => '', think => '{"thinking": {"type": "adaptive"}}',
		path => '/v1/messages', headers => { 'x-api-key' => $digest, 'anthropic-version' => '2023-06-01' },
		first => '{"model":"mock","max_tokens":4096,"messages":[{"role":"user","content":"HI"}],"stream":true}' },
	gemini => {
		type => 'gemini', url => '', think => '{}',
		path => '/v1beta/models/mock:streamGenerateContent?alt=sse', headers => { 'x-goog-api-key' => $digest },
		first => '{"contents":[{"role":"user","parts":[{"text":"HI"}]}],"generationConfig":{"thinkingConfig":{"includeThoughts":true}}}' },
	ollama => {
		type => 'ollama', url => '', think => '{"think": true}',
		path => '/api/chat', headers => { authorization => "Bearer $digest" },
		first => '{"model":"mock","messages":[{"role":"user","content":"HI"}],"stream":true}' });
my @names = sort keys %apis;
my @like_openai = qw(openai azure_classic azure_v1);

# ---------- the cases ----------

my $text = 'Grüße: 日本語 🎉 done.';
my $encoded = 'Gr%C3%BC%C3%9Fe:+%E6%97%A5%E6%9C%AC%E8%AA%9E+%F0%9F%8E%89+done.';
my @thoughts = map { "Considering point $_ of 2, and what follows from it." } 1, 2;
my %good = (status => 'completed', output => $text);
my %refused = (status => 'failed', class => 'content_filter', retryable => 0);

# name, scenario, what is wanted, and for some APIs what is wanted instead: undef =
# this API has no such case.
my @cases = (
	[ 'plain', "text=$encoded", { %good, finish => 'stop', attempts => 1 } ],
	[ 'thoughts', "text=$encoded reasoning=2", { %good, thoughts => \@thoughts } ],
	[ 'a <think> section', "text=Hi. reasoning=2 think=1", { status => 'completed', output => "\n\nHi.", thoughts => \@thoughts } ],
	[ 'usage with cache', "text=$encoded input_tokens=100 cached_tokens=40 output_tokens=30 reasoning_tokens=10",
		{ %good, tokens => '100 40 30 10' },
		anthropic => { %good, tokens => '100 40 30 -' }, ollama => { %good, tokens => '100 - 30 -' } ],
	[ 'no usage', "text=$encoded usage=none", { %good, tokens => '- - - -', notices => 'no_usage' } ],
	[ 'a refusal', 'refusal=I+would+rather+not.', { %refused, message => qr/the model refused: I would rather not\./ },
		gemini => { %refused, message => qr/content filter/ }, ollama => { status => 'completed', output => 'I would rather not.' } ],
	[ 'a filtered answer', 'finish=content_filter text=abc', { %refused, message => qr/content filter/, kept => 'abc' },
		anthropic => { %refused, message => qr/refused/, kept => 'abc' }, ollama => undef ],
	[ 'length', "finish=length text=$encoded", { %good, finish => 'length', notices => 'truncated' } ],
	[ 'length before the answer', 'finish=length text=', { status => 'failed', class => 'invalid_output', retryable => 0, message => qr/limit of output tokens/ } ],
	[ 'a tool', 'finish=tool_calls', { status => 'failed', class => 'invalid_output', retryable => 0, message => qr/called a tool/ } ],
	[ 'slow first byte', "first_byte=400 text=$encoded", { %good } ],
	[ 'byte by byte', "split=1 text=$encoded reasoning=2", { %good, thoughts => \@thoughts } ],
	[ 'byte by byte with CRLF and a mark', "split=1 eol=crlf bom=1 text=$encoded", { %good } ],
	[ 'comments', "comments=1 text=$encoded", { %good } ],
	[ 'bad UTF-8', 'bad_utf8=1 text=ab', { status => 'completed', output => "a\x{FFFD}\x{FFFD}\x{FFFD}b", notices => 'repaired',
		repaired => 3 } ],
	[ '\u0000 and lone surrogates', 'nul=1 text=ab chunks=1', { status => 'completed', output => "a\x{FFFD} \x{FFFD} \x{FFFD}b", notices => 'repaired',
		repaired => 3 } ],
	[ '10 MB', 'oversize=10000000', { status => 'completed', bytes => 10_000_000 } ],
	[ 'unknown events', "unknown=2 text=$encoded", { %good } ],
	[ 'broken JSON', "bad_json=2 text=$encoded", { %good } ],
	[ 'an error in the middle', 'text=abcdef chunks=3 error_at=2 message=Broke',
		{ status => 'failed', class => 'overloaded', retryable => 1, message => qr/^Broke$/, kept => 'abcd' } ],
	[ 'an error in the middle, otherwise', 'text=abcdef chunks=3 error_at=2 error_style=member message=Broke',
		{ status => 'failed', class => 'overloaded', retryable => 1, message => qr/^Broke$/, kept => 'abcd' } ],
	[ 'an error in the middle, retried', "text=$encoded chunks=3 error_at=1 times=1 key=KEY", { %good, attempts => 2 }, { retries => 1 } ],
	[ 'cut', 'text=abcdef chunks=3 cut=2', { status => 'failed', class => 'connection', retryable => 1, kept => 'abcd' } ],
	[ 'ended too early', 'text=abcdef finish=none done=0',
		{ status => 'failed', class => 'connection', retryable => 1, message => qr/ended before the answer was complete/, kept => 'abcdef' } ],
	[ 'cut, retried', "text=$encoded chunks=3 cut=1 times=1 key=KEY", { %good, attempts => 2 }, { retries => 1 } ],
	[ 'too many requests, retried', "text=$encoded status=429 times=1 key=KEY", { %good, attempts => 2 }, { retries => 1 } ],
	[ 'when to retry', "text=$encoded status=503 retry_after=1 times=1 key=KEY", { %good, attempts => 2, waited => 1 }, { retries => 1 } ]);

my @statuses = (
	[ 400, 'bad_request', 0 ], [ 401, 'authentication', 0 ], [ 402, 'permission', 0 ], [ 403, 'permission', 0 ], [ 404, 'not_found', 0 ],
	[ 408, 'timeout', 1 ], [ 409, 'overloaded', 1 ], [ 413, 'bad_request', 0 ], [ 422, 'bad_request', 0 ], [ 429, 'rate_limited', 1 ],
	[ 500, 'overloaded', 1 ], [ 502, 'overloaded', 1 ], [ 503, 'overloaded', 1 ], [ 504, 'overloaded', 1 ], [ 529, 'overloaded', 1 ]);
push @cases, map { my ($status, $class, $retryable) = @$_;
	[ "status $status", "status=$status message=Words+of+the+vendor.",
		{ status => 'failed', class => $class, retryable => $retryable, message => qr/^Words of the vendor\.$/, http => $status } ] } @statuses;

# What is final, or means something else, only with one vendor.
my %spent = (status => 'failed', class => 'rate_limited', retryable => 0);
my %own_cases = (
	(map { $_ => [ [ 'no quota', 'status=429 type=insufficient_quota', {%spent} ] ] } @like_openai),
	responses => [ [ 'no credit', 'status=429 code=credit_balance_exhausted', {%spent} ],
		[ 'an unknown prompt', 'error_at=0 code=invalid_prompt', { status => 'failed', class => 'bad_request', retryable => 0 } ] ],
	anthropic => [ [ 'the spending limit', 'status=429 code=enforced_spend_limit_reached', {%spent} ],
		[ 'overloaded in the stream', 'error_at=0 type=overloaded_error', { status => 'failed', class => 'overloaded', retryable => 1 } ] ],
	gemini => [ [ 'a bad key', 'status=400 code=API_KEY_INVALID', { status => 'failed', class => 'authentication', retryable => 0 } ] ],
	ollama => [ [ 'busy', 'status=503', { status => 'failed', class => 'overloaded', retryable => 1, message => qr/server busy/ } ] ]);
push @{ $own_cases{$_} }, [ 'a blocked prompt', 'status=400 code=content_filter message=Blocked', { %refused, message => qr/^Blocked$/ } ]
  for qw(azure_classic azure_v1);

# ---------- what is asked ----------

# Each set of parameters as arguments of as_create_model and as_create_agent, and
# how each API's body differs with it from the first one: members that are added or,
# as far as both are objects, joined.
my $parameters = q(system_prompt => 'Be "nice".', temperature => 0.5, top_p => 0.90, max_output_tokens => 200);
my $with_system = '{"messages":[{"role":"system","content":"Be \"nice\"."},{"role":"user","content":"HI"}]';
my @sets = (
	{ name => 'least', model => '', agent => '', more => {} },
	{ name => 'most', model => 'max_output_tokens => 500', agent => $parameters, more => {
		(map { $_ => "$with_system,\"temperature\":0.5,\"top_p\":0.90,\"max_completion_tokens\":200}" } @like_openai),
		responses => '{"instructions":"Be \"nice\".","temperature":0.5,"top_p":0.90,"max_output_tokens":200}',
		anthropic => '{"system":"Be \"nice\".","temperature":0.5,"top_p":0.90,"max_tokens":200}',
		gemini => '{"systemInstruction":{"parts":[{"text":"Be \"nice\"."}]},"generationConfig":{"temperature":0.5,"topP":0.90,"maxOutputTokens":200}}',
		ollama => "$with_system,\"options\":{\"temperature\":0.5,\"top_p\":0.90,\"num_predict\":200}}" } },
	{ name => 'limit', model => "max_output_tokens => 500, max_tokens_parameter => 'max_tokens'", agent => 'max_output_tokens => 30', more => {
		(map { $_ => '{"max_tokens":30}' } @like_openai),
		responses => '{"max_output_tokens":30}', anthropic => '{"max_tokens":30}',
		gemini => '{"generationConfig":{"maxOutputTokens":30}}', ollama => '{"options":{"num_predict":30}}' } },
	{ name => 'model_limit', model => 'max_output_tokens => 500', agent => '', more => { anthropic => '{"max_tokens":500}' } },
	{ name => 'thinking', agent => '', options => {
		(map { $_ => '{"reasoning_effort":"high","verbosity":"low"}' } @like_openai),
		responses => '{"reasoning":{"effort":"high"},"text":{"verbosity":"low"}}',
		anthropic => '{"thinking":{"type":"enabled","budget_tokens":2000},"top_k":5}',
		gemini => '{"generationConfig":{"thinkingConfig":{"thinkingLevel":"high"},"topK":5}}',
		ollama => '{"think":"high","options":{"num_ctx":8192}}' },
		more => {
			responses => '{"reasoning":{"effort":"high","summary":"auto"},"text":{"verbosity":"low"}}',
			anthropic => '{"thinking":{"type":"enabled","budget_tokens":2000,"display":"summarized"},"top_k":5}' } },
	{ name => 'structured', model => 'structured_output => true', agent => '', output => '{"count": 1}', task => "json_schema => '$schema'",
		prompt => 'Answer with one JSON document and nothing else: no text before or after it, and no code fence around it.', more => {
		(map { $_ => qq({"response_format":{"type":"json_schema","json_schema":{"name":"answer","schema":$schema,"strict":true}}}) } @like_openai),
		responses => qq({"text":{"format":{"type":"json_schema","name":"answer","schema":$schema,"strict":true}}}),
		anthropic => qq({"output_config":{"format":{"type":"json_schema","schema":$schema}}}),
		gemini => qq({"generationConfig":{"responseMimeType":"application/json","responseJsonSchema":$schema}}),
		ollama => qq({"format":$schema}) } });

# ---------- setting up, and submitting all of it ----------

my (@setup, @tasks);

sub make_agent
{
	my ($api, $name, $model_arguments, $agent_arguments, $options) = @_;
	my $arguments = join '', map { ", $_" } grep { $_ } $model_arguments, $options ? "request_options => '$options'" : '';

	push @setup, "SELECT agent_studio.as_create_model('$name', '$api', deployment => 'mock'$arguments);",
	  "SELECT agent_studio.as_create_agent('$name', 'builder', '$name'" . ($agent_arguments ? ", $agent_arguments" : '') . ");";
	return;
}

sub add_task
{
	my (%task) = @_;

	push @tasks, {%task};
	return;
}

for my $name (@names)
{
	my $api = $apis{$name};
	my $version = $api->{version} ? "VERSION '$api->{version}'" : '';

	push @setup, "CREATE SERVER $name TYPE '$api->{type}' $version FOREIGN DATA WRAPPER agent_studio"
	  . " OPTIONS (url 'http://127.0.0.1:$model->{port}$api->{url}', allow_http 'true', allow_private 'true');",
	  "CREATE USER MAPPING FOR PUBLIC SERVER $name OPTIONS (api_key '$key');";
	make_agent($name, $name, '', '', $api->{think});
	for my $case (@cases, @{ $own_cases{$name} // [] })
	{
		my ($what, $scenario, $want, @rest) = @$case;
		my $extra = @rest % 2 ? pop @rest : {};
		my %instead = @rest;

		$want = $instead{$name} if exists $instead{$name};
		next unless $want;
		$scenario =~ s{key=KEY}{"key=$name-" . scalar @tasks}e;
		add_task(name => "$name: $what", agent => $name, text => "\@mock $scenario\nDo it.", want => $want, retries => $extra->{retries} // 0);
	}
	for my $set (@sets)
	{
		my $agent = "$name $set->{name}";

		make_agent($name, $agent, $set->{model}, $set->{agent}, $set->{options} ? $set->{options}{$name} : '');
		add_task(name => "$name: $set->{name}", agent => $agent, text => "Request $set->{name} of $name", retries => 0, arguments => $set->{task},
			want => { status => 'completed', $set->{output} ? (output => $set->{output}) : () }, set => $set, api => $name);
	}
}

sql($node, join "\n", @setup);
my @ids = split /\n/, sql($node, join "\n", 'BEGIN;',
	(map { "SELECT agent_studio.as_execute_task('$_->{agent}', \$task\$$_->{text}\$task\$, max_retries => $_->{retries}"
		  . ($_->{arguments} ? ", $_->{arguments}" : '') . ');' } @tasks), 'COMMIT;');
is(scalar @ids, scalar @tasks, scalar(@tasks) . ' tasks are queued');
wait_until(sub { sql($node, 'SELECT count(*) FROM agent_studio.executions WHERE finished_at IS NULL') eq '0' }, 'all of them have ended', 180);
is(worker_pid($node, 'executor', 'postgres'), $executor, 'the executor goes on');

# ---------- what became of them ----------

my %runs = map { $_->{execution_id} => $_ } map { decode_json($_) } split /\n/, sql($node, <<'SQL');
SELECT to_json(r) FROM (SELECT e.execution_id, e.status, e.attempts, e.error_class, e.error_message,
	left(o.output, 1000) AS output, octet_length(o.output) AS bytes, a.retryable, a.error_code, a.partial_output AS kept, a.finish_reason, a.http_status,
	concat_ws(' ', coalesce(a.input_tokens::text, '-'), coalesce(a.cached_input_tokens::text, '-'),
		coalesce(a.output_tokens::text, '-'), coalesce(a.reasoning_tokens::text, '-')) AS tokens,
	extract(epoch FROM a.sent_at - (SELECT min(f.finished_at) FROM agent_studio.attempts f WHERE f.execution_id = e.execution_id)) AS waited,
	(SELECT json_agg(t.content ORDER BY t.seq) FROM agent_studio.thoughts t WHERE t.execution_id = e.execution_id AND t.source = 'reasoning') AS thoughts,
	(SELECT string_agg(n.kind, ' ' ORDER BY n.notice_id) FROM agent_studio.notices n WHERE n.execution_id = e.execution_id AND n.kind <> 'no_price') AS notices,
	(SELECT string_agg(n.message, ' ') FROM agent_studio.notices n WHERE n.execution_id = e.execution_id AND n.kind = 'repaired') AS repaired
FROM agent_studio.executions e, LATERAL (SELECT agent_studio.as_output(e.execution_id)) AS o (output),
	LATERAL (SELECT * FROM agent_studio.attempts l WHERE l.execution_id = e.execution_id ORDER BY l.attempt_no DESC LIMIT 1) a) r
SQL

# What differs from what is wanted, as text; empty if nothing does.
sub differences
{
	my ($run, $want) = @_;
	my %same = (status => 'status', output => 'output', class => 'error_class', kept => 'kept', attempts => 'attempts', tokens => 'tokens',
		finish => 'finish_reason', bytes => 'bytes', notices => 'notices', http => 'http_status');
	my @wrong;

	for my $what (sort keys %$want)
	{
		my $wanted = $want->{$what};
		my $got = $same{$what} ? $run->{ $same{$what} } : '';
		my $right =
		    $what eq 'retryable' ? !$run->{retryable} == !$wanted
		  : $what eq 'message'   ? ($run->{error_message} // '') =~ $wanted
		  : $what eq 'waited'    ? $run->{waited} >= $wanted
		  : $what eq 'repaired'  ? ($run->{repaired} // '') =~ /held $wanted characters/
		  : $what eq 'thoughts'  ? join("\n", @{ $run->{thoughts} // [] }) eq join("\n", @$wanted)
		  :                        ($got // '') eq $wanted;

		push @wrong, $what unless $right;
	}
	return join ' ', @wrong;
}

my %sent;
for my $record ($model->journal('Request'))
{
	my ($label) = JSON::PP->new->encode($record->{body}) =~ /(Request \w+ of \w+)/;

	$sent{$label} = $record if $label;
}

for my $place (0 .. $#tasks)
{
	my $task = $tasks[$place];
	my $run = $runs{ $ids[$place] };
	my $wrong = differences($run, $task->{want});

	is($wrong, '', $task->{name});
	diag(JSON::PP->new->canonical->encode($run)) if $wrong;
	next unless $task->{set};

	# the members that the set adds, and those of request_options, joined to the first body
	my $api = $apis{ $task->{api} };
	my $prompt = JSON::PP->new->allow_nonref->encode(join "\n\n", grep { $_ } $task->{text}, $task->{set}{prompt});
	my $body = decode_json($api->{first} =~ s/"HI"/$prompt/r);
	my $more = $task->{set}{more}{ $task->{api} } // ($task->{set}{options} ? $task->{set}{options}{ $task->{api} } : '{}');
	join_members($body, decode_json($more =~ s/"HI"/$prompt/r));
	my $record = $sent{ $task->{text} };
	is("$record->{method} $record->{path}", "POST $api->{path}", "$task->{name}: where it is sent");
	is(canonical($record->{body}), canonical($body), "$task->{name}: what is sent");
	is(canonical({ map { $_ => $record->{headers}{$_} } keys %{ $api->{headers} } }), canonical($api->{headers}), "$task->{name}: with which headers");
	is((join ' ', grep { $record->{headers}{$_} } qw(authorization api-key x-api-key x-goog-api-key)),
		(join ' ', grep { $_ ne 'anthropic-version' } sort keys %{ $api->{headers} }), "$task->{name}: the key is sent once");
}

sub canonical { my ($value) = @_; return JSON::PP->new->canonical->encode($value); }

sub join_members
{
	my ($target, $more) = @_;

	for my $name (keys %$more)
	{
		if (ref $target->{$name} eq 'HASH' && ref $more->{$name} eq 'HASH')
		{
			join_members($target->{$name}, $more->{$name});
		}
		else
		{
			$target->{$name} = $more->{$name};
		}
	}
	return;
}

finish_studio($node, $model);
done_testing();
