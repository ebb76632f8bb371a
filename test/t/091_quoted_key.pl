# A vendor, or a gateway before it, may quote the key that it was sent. Wherever it
# does, and however it is cut and escaped, no table holds it.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use Test::More;

my $key = q(sk-proj-0123456789/abc+def"ghi\jkl-0123456789-0123456789-0123456789);
my $hidden = '*' x length($key);
my $model = start_model_server();
my $node = start_studio('quoted', undef);

# openai sends the key in one way, the others in other ones.
my %urls = (openai => '/v1', openai_responses => '/v1', azure_openai => '', anthropic => '', gemini => '', ollama => '');
for my $type (sort keys %urls)
{
	sql($node, <<"SQL");
CREATE SERVER $type TYPE '$type' FOREIGN DATA WRAPPER agent_studio
	OPTIONS (url 'http://127.0.0.1:$model->{port}$urls{$type}', allow_http 'true', allow_private 'true');
CREATE USER MAPPING FOR PUBLIC SERVER $type OPTIONS (api_key \$key\$$key\$key\$);
SELECT agent_studio.as_create_model('$type', '$type', deployment => 'mock');
SELECT agent_studio.as_create_agent('$type', 'builder', '$type', visibility => 'shared', progress_lines => true);
SQL
}

# Every row of every table of ours that holds a beginning of the key, plain or escaped.
sub leaks
{
	my @beginnings = ('sk-proj-01234', '6789/abc', '6789\\\\/abc', 'abc+def', 'abc\\\\u002bdef', 'ghi\\\\jkl');

	return sql($node, join ' UNION ALL ', map {
		my $table = $_;
		"SELECT '$table', t::text FROM agent_studio.$table t WHERE " . join ' OR ', map { "strpos(t::text, \$k\$$_\$k\$) > 0" } @beginnings;
	} split /\n/, sql($node, q(SELECT relname FROM pg_class WHERE relnamespace = 'agent_studio'::regnamespace AND relkind = 'r' ORDER BY 1)));
}

sub thoughts { my ($run, $source) = @_; return join '|', map { $_->{content} } grep { $_->{source} eq $source } @{ $run->{thoughts} }; }

for my $type (sort keys %urls)
{
	my $run = run_task($node, "\@mock text=Your+key+is+{key},+mind+it. chunks=40\nAnswer.", agent => $type);
	is("$run->{status} $run->{output}", "completed Your key is $hidden, mind it.", "$type: not in the output");
	$run = run_task($node, "\@mock ids={key}\nAnswer.", agent => $type);
	is($run->{status}, 'completed', "$type: an answer with ids");
	is_deeply([ grep { defined && !/^\*+$/ } @{ $run->{tries}[0] }{qw(answered_by request_id response_id)} ], [], "$type: not in an id");
	$run = run_task($node, "\@mock status=401 message=No+{key} code={key} type={key}\nFail.", agent => $type);
	is($run->{error_class}, 'authentication', "$type: an error");
	like($run->{error_message}, qr/^No \*+/, "$type: not in its words");
	is(leaks(), '', "$type: not in any table");
}

# ---------- thoughts ----------

# In pieces, over the end of a line that is too long, and after a pause in the middle of it.
my $long = 'x' x 380;
my $run = run_task($node, "\@mock reasoning_text=The+key+is+{key},+I+think. reasoning=50\nThink.", agent => 'openai');
is(thoughts($run, 'reasoning'), "The key is $hidden, I think.", 'not in a thought that comes in pieces');
$run = run_task($node, "\@mock reasoning_text=$long+{key}{key} reasoning=9\nThink.", agent => 'openai');
is(thoughts($run, 'reasoning') =~ tr/*//, 2 * length($key), 'not where a line is too long');
$run = run_task($node, "\@mock think=1 reasoning_text=I+see+{key}. reasoning=30\nThink.", agent => 'openai');
is(thoughts($run, 'reasoning'), "I see $hidden.", 'not in a section of thoughts');
$run = run_task($node, "\@mock reasoning_text=I+see+{key}. reasoning=4 reasoning_delay=1600\nThink slowly.", agent => 'openai');
is(thoughts($run, 'reasoning') =~ tr/*//, length($key), 'not where the model pauses in the middle of it');
$run = run_task($node, "\@mock text=[[progress]]+Using+{key}%0AFine. chunks=30\nReport.", agent => 'openai');
is(thoughts($run, 'progress') . ": $run->{output}", "Using $hidden: Fine.", 'not in a line of progress');
is(leaks(), '', 'not in any table');

# ---------- what is not decoded, and what is cut off ----------

for my $body ('text/plain:+{escaped_key}', '{"no_known_member":"{escaped_key}"}', '{"error":{"message":"{escaped_key}"', '<p>{key}</p>')
{
	$run = run_task($node, "\@mock status=401 body=" . $body =~ s/\+/%2B/gr =~ s/ /+/gr . "\nFail.", agent => 'openai');
	like("$run->{status} $run->{error_message}", qr/^failed .*\*{60}/, "not in a body like $body");
}
$run = run_task($node, '@mock text={"the_key":"{escaped_key}"} chunks=30' . "\nAnswer.", agent => 'openai', arguments => q(output_format => 'json'));
like("$run->{status} $run->{output}", qr/^completed \{"the_key":"\*+"\}$/, 'not in an answer that is JSON, which stays JSON');
$run = run_task($node, "\@mock text={\"a\":\"{key}\"} chunks=30\nAnswer.", agent => 'openai',
	arguments => q(json_schema => '{"a": "number"}', max_retries => 0));
like("$run->{status} $run->{error_class}", qr/^failed invalid_output$/, 'nor where the answer is found to be wrong');
$run = run_task($node, "\@mock status=401 message=" . 'x' x 2020 . "+{key}\nFail.", agent => 'openai');
like($run->{error_message}, qr/^x+ \*+$/, 'nor where a message is clipped');
$run = run_task($node, "\@mock text=Key+{key}. chunks=8 cut=4\nBreak off.", agent => 'openai', arguments => 'max_retries => 0');
like("$run->{status} $run->{output}", qr/^failed Key \*+$/, 'nor where an answer is cut');
$run = run_task($node, "\@mock refusal=I+refuse+{key}.\nRefuse.", agent => 'openai', arguments => 'max_retries => 0');
is($run->{error_message}, "the model refused: I refuse $hidden.", 'nor in a refusal');
my $id = submit($node, "\@mock text=Key+{key}. chunks=8 stall=4\nHang.", agent => 'openai');
$model->await('in_flight=1', 'Hang.');
wait_until(sub { sql($node, "SELECT count(*) FROM agent_studio.thoughts WHERE execution_id = $id AND content = 'Response streaming started'") }, 'it streams');
sql($node, "SELECT agent_studio.as_cancel($id)");
is(outcome($node, $id)->{status}, 'canceled', 'nor in what was canceled');
is(leaks(), '', 'not in any table');

# ---------- what looks like a key ----------

sql($node, q(ALTER USER MAPPING FOR PUBLIC SERVER openai OPTIONS (SET api_key 'none')));
is(run_task($node, "\@mock text=none+of+{key}\nAnswer.", agent => 'openai')->{output}, 'none of none', 'a word that stands for no key is none');

finish_studio($node, $model);
done_testing();
