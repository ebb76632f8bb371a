# A key that is read from a file or from the environment is looked for wherever a
# server leaves traces, while everything is logged and counted that can be, and while
# the model's server sends back all that it was sent in every way that it can.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use Digest::SHA qw(sha256_hex);
use File::Find;
use File::Temp qw(tempdir);
use IPC::Run ();
use PostgreSQL::Test::Utils;
use Test::More;

my $folder = tempdir(CLEANUP => 1);
my %keys = (file => 'sk-proj-Fq7ZxTn0vLw3RbYk5HsJ2mPdUe8', environment => 'sk-proj-Ej4WcGy9aXo6NtMi1KlVzBhQrS7', rotated => 'sk-proj-Rp2DfCu8eOx5TgNw0JkYbMiZvHs');
$ENV{AGENT_STUDIO_TEST_KEY} = $keys{environment};

# Where in a text a key begins, goes on, or ends: no key has a part of another one.
my %parts;
for my $way (keys %keys)
{
	$parts{ substr($keys{$way}, 8, 12) } = "the beginning of the key in the $way";
	$parts{ substr($keys{$way}, 23) } = "the end of the key in the $way";
}
my $pattern = join '|', map { quotemeta } keys %parts;

sub leaks_in { my ($text) = @_; my %found = map { ($parts{$_} => 1) } $text =~ /($pattern)/g; return join ', ', sort keys %found; }
sub write_key { my ($key) = @_; open my $file, '>', "$folder/key" or die; print $file "$key\n"; close $file; return; }

write_key($keys{file});
my $model = start_model_server();
my $node = start_studio('everywhere', undef,
	"shared_preload_libraries = 'pg_stat_statements, auto_explain, agent_studio'", 'wal_level = logical', 'agent_studio.verbose = on',
	'pg_stat_statements.track = all', 'auto_explain.log_min_duration = 0', 'auto_explain.log_nested_statements = on', 'auto_explain.log_verbose = on',
	'log_min_messages = debug5', 'log_min_error_statement = debug5', 'log_statement = all', 'log_min_duration_statement = 0', 'log_error_verbosity = verbose',
	'log_parser_stats = on', 'log_planner_stats = on', 'log_executor_stats = on', 'debug_print_parse = on', 'debug_print_rewritten = on', 'debug_print_plan = on',
	'log_parameter_max_length = -1', 'log_parameter_max_length_on_error = -1', 'log_temp_files = 0', 'log_connections = on', 'log_disconnections = on',
	q(backtrace_functions = 'agent_studio_validator, check_option, endpoint_resolve, exec_stmt_raise'), 'track_activity_query_size = 100kB', 'track_functions = all');
sql($node, "CREATE EXTENSION pg_stat_statements; CREATE ROLE alice LOGIN IN ROLE agent_studio_user; SELECT pg_create_logical_replication_slot('decoded', 'test_decoding')");
my %options = (file => "api_key_file '$folder/key'", environment => q(api_key_env 'AGENT_STUDIO_TEST_KEY'));
my %urls = (openai => '/v1', anthropic => '', gemini => '');
my @agents;
for my $way (sort keys %options)
{
	for my $type (sort keys %urls)
	{
		push @agents, "${way}_$type";
		create_endpoint($node, $agents[-1], "http://127.0.0.1:$model->{port}$urls{$type}", "allow_http 'true', allow_private 'true'", $options{$way}, $type);
		sql($node, "GRANT USAGE ON FOREIGN SERVER $agents[-1] TO PUBLIC; SELECT agent_studio.as_update_agent('$agents[-1]', progress_lines => true)");
	}
}

# ---------- what the model's server sends back ----------

my $head = 'HTTP/1.1 200 OK%0D%0A';
my @echoes = (
	'text=You+sent+{headers}', 'text=You+sent+{headers} split=1 chunks=200', 'text={key} chunks=34', 'text={key}{key} chunks=3 cut=2', 'text={escaped_key}', 'text={headers} chunks=9 bad_utf8=1',
	'text=[[progress]]+With+{headers}%0AFine.', 'reasoning_text=It+is+{headers} reasoning=40', 'think=1 reasoning_text={headers} reasoning=7', 'refusal=Not+with+{headers}', 'ids={key}', 'ids={headers}',
	'finish=tool_calls tool={key} arguments={headers}', 'finish=content_filter text={headers}', 'finish=length text={headers}',
	map({ "status=$_ message=No+{headers} code={key} type={key}" } 400, 401, 402, 403, 404, 408, 409, 413, 422, 429, 451, 500, 502, 503, 529),
	map({ "error_at=1 error_style=$_ message=No+{headers} code={key}" } qw(event member string numeric)),
	'status=401 body={headers}', 'status=500 body=<p>{headers}</p>', 'status=401 body={"error":{"message":"{escaped_key}"', 'body={headers}', 'body=data:+{headers}%0A%0A', 'bad_json=3 text={key}',
	map({ "redirect=http://127.0.0.1:1/$_ status=302" } '{key}', '?authorization={headers}'),
	'status=429 retry_after={key} message=Wait', 'ratelimit={key}/{key}/{key} text=Fine.',
	'raw={headers}', "raw=HTTP/1.1+{key}+{key}%0D%0A{headers}%0D%0A%0D%0A", "raw=${head}{headers}%0D%0A%0D%0A{headers}", "raw=${head}Content-Length:+{key}%0D%0A%0D%0A",
	"raw=${head}Content-Encoding:+{key}%0D%0A%0D%0A{key}", "raw=${head}Transfer-Encoding:+{key}%0D%0A%0D%0A{key}", "raw=${head}Transfer-Encoding:+chunked%0D%0A%0D%0A{key}%0D%0A", "raw=${head}Set-Cookie:+{key}%0D%0ALocation:+{key}%0D%0A%0D%0A");

my $given = join ', ', map { "(\$q\$$_\$q\$)" } @echoes;
my $agents = join ', ', map { "('$_')" } @agents;
my @ids = split /\n/, sql($node, "SELECT agent_studio.as_execute_task(agent, '\@mock ' || echo || E'\\nAnswer.', max_retries => 1, verbose => true) FROM (VALUES $given) e (echo), (VALUES $agents) a (agent)");
my %seen;
my $polls = 0;
wait_until(sub {
	$seen{'pg_stat_activity while calls are in flight'} .= sql($node, 'SELECT a::text FROM pg_stat_activity a') if $polls++ < 50;
	return sql($node, 'SELECT count(*) FROM agent_studio.executions WHERE finished_at IS NULL') == 0;
}, 'all tasks end');
is(scalar(@ids), @echoes * @agents, 'as many tasks as ways of asking');
my %arrived = map { (($_->{headers}{authorization} // $_->{headers}{'x-api-key'} // $_->{headers}{'x-goog-api-key'} // 'none') =~ s/^Bearer //r => 1) } $model->journal;
is_deeply([ sort keys %arrived ], [ sort map { 'sha256:' . substr(sha256_hex($keys{$_}), 0, 16) } qw(file environment) ], 'each came with its key');
cmp_ok(sql($node, "SELECT count(*) FROM agent_studio.executions WHERE status = 'failed'"), '>', 200, 'many have failed');
cmp_ok(sql($node, "SELECT count(*) FROM agent_studio.attempts WHERE error_message LIKE '%****%'"), '>', 50, 'and quote what is hidden');

# ---------- a key that is changed ----------

my $executor = wait_for_executor($node);
my $flying = submit($node, "\@mock gate=rotation text=You+sent+{headers}\nFly.", agent => 'file_openai');
$model->await('in_flight=1', 'Fly.');
write_key($keys{rotated});
my $next = submit($node, "\@mock text=You+sent+{headers}\nFollow.", agent => 'file_openai');
is(outcome($node, $next)->{status}, 'completed', 'a task after the key was changed');
$model->open_gate('rotation');
my $run = outcome($node, $flying);
is($run->{status}, 'completed', 'and the one that was in flight');
like($run->{output}, qr/Bearer \*{35}(?!\*)/, 'whose old key is hidden all the same');
is(($model->journal('Follow.'))[0]{headers}{authorization}, 'Bearer sha256:' . substr(sha256_hex($keys{rotated}), 0, 16), 'the new key is sent with the next claim');

# The memory that a process can write, as far as it can be read.
sub memory_of
{
	my ($pid) = @_;
	my $memory = '';

	open my $mem, '<:raw', "/proc/$pid/mem" or return;
	for my $line (split /\n/, slurp_file("/proc/$pid/maps"))
	{
		my ($from, $to) = $line =~ /^([0-9a-f]+)-([0-9a-f]+) rw/ or next;
		next if $line =~ m{/dev/zero|/dev/shm|SYSV};

		sysseek($mem, hex($from), 0) or next;
		sysread($mem, $memory, hex($to) - hex($from), length($memory));
	}
	return $memory;
}
my $memory = memory_of($executor);
for my $part (keys %parts)
{
	while ($memory =~ /\Q$part\E/g)
	{
		my $around = substr($memory, pos($memory) - 300, 500);
		$around =~ s/[^ -~]+/./g;
		diag("$parts{$part}: $around");
	}
}
finish_studio($node, $model);
done_testing();
