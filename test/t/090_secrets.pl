# A key goes to the endpoint's host and nowhere else, whatever is logged, dumped or
# looked at; and headers are what the server's owner said.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use Digest::SHA qw(sha256_hex);
use PostgreSQL::Test::Utils;
use Test::More;

my %keys = (file => 'sk-in-a-file-0123456789', environment => 'sk-in-the-environment-0123456789');
$ENV{AGENT_STUDIO_TEST_KEY} = $keys{environment};

my $model = start_model_server();
my $node = start_studio('secrets', undef, 'log_min_messages = debug1', 'log_statement = all', 'log_min_duration_statement = 0',
	'log_error_verbosity = verbose', 'track_activity_query_size = 10000');
my $file = "$PostgreSQL::Test::Utils::tmp_check/secret_key";
my $url = "http://127.0.0.1:$model->{port}/v1";

append_to_file($file, "$keys{file}\n");
my %options = (file => "api_key_file '$file'", environment => q(api_key_env 'AGENT_STUDIO_TEST_KEY'));
for my $way (sort keys %keys)
{
	sql($node, <<"SQL");
CREATE SERVER $way TYPE 'openai' FOREIGN DATA WRAPPER agent_studio
	OPTIONS (url '$url', allow_http 'true', allow_private 'true', headers '{"OpenAI-Organization": "org-1", "X-Way": "$way, with \\"quotes\\""}');
CREATE USER MAPPING FOR PUBLIC SERVER $way OPTIONS ($options{$way});
GRANT USAGE ON FOREIGN SERVER $way TO PUBLIC;
SELECT agent_studio.as_create_model('$way', '$way', input_price => 1, output_price => 1);
SELECT agent_studio.as_create_agent('$way', 'builder', '$way', 'Prompt.', visibility => 'shared');
SQL
}
sql($node, 'CREATE ROLE alice LOGIN IN ROLE agent_studio_user');

# ---------- the key arrives ----------

for my $way (sort keys %keys)
{
	is(run_task($node, "With the key in the $way.", agent => $way, arguments => 'verbose => true')->{status}, 'completed', "$way: a task completes");
	my ($record) = $model->journal("With the key in the $way.");
	is($record->{headers}{authorization}, 'Bearer sha256:' . substr(sha256_hex($keys{$way}), 0, 16), "$way: the key arrives");
	is($record->{headers}{'openai-organization'}, 'org-1', "$way: so do the headers of the server");
	is($record->{headers}{'x-way'}, "$way, with \"quotes\"", "$way: as they were written");
	for my $fault ('status=401', 'status=500', 'cut_head=1', 'stall=1', 'redirect=http://127.0.0.1:1/', 'html=1')
	{
		my $run = run_task($node, "\@mock $fault\nFail with the key in the $way.", agent => $way,
			arguments => 'max_retries => 0, verbose => true, timeout_seconds => 1');
		is($run->{status}, 'failed', "$way: $fault fails");
	}
}
like(as_check($node, "endpoint $_"), qr/^t\|/, "$_: as_check is content") for sort keys %keys;

# ---------- and is nowhere else ----------

# While a call is in flight, as those see it who may see everything.
my $flying = submit($node, "\@mock stall=1\nFly.", agent => 'environment');
$model->await('in_flight=1', 'Fly.');
my %places = (
	'pg_stat_activity' => sql($node, 'SELECT a::text FROM pg_stat_activity a'),
	'as_check' => sql($node, 'SELECT c::text FROM agent_studio.as_check() c'),
	'as_logs' => sql($node, 'SELECT l::text FROM agent_studio.executions e, agent_studio.as_logs(e.execution_id) l'),
	'as_thoughts' => sql($node, 'SELECT t::text FROM agent_studio.executions e, agent_studio.as_thoughts(e.execution_id) t'),
	'pg_settings' => sql($node, 'SELECT s::text FROM pg_settings s'),
	'pg_user_mappings' => sql($node, 'SELECT m::text FROM pg_user_mappings m'),
	'memory contexts' => sql($node, "SELECT pg_log_backend_memory_contexts(pid) FROM pg_stat_activity WHERE backend_type = 'agent_studio executor'"),
	'errors' => join("\n", sql_error($node, "CREATE USER MAPPING FOR alice SERVER file OPTIONS ($options{file}, api_key 'x')"),
		sql_error($node, 'SET ROLE alice; ALTER USER MAPPING FOR PUBLIC SERVER file OPTIONS (SET api_key_file \'x\')')));
sql($node, "SELECT agent_studio.as_cancel($flying)");
outcome($node, $flying);
$node->command_ok([ 'pg_dumpall', '--file', "$file.dump", '-d', $node->connstr('postgres') ], 'pg_dumpall succeeds');
$places{'a dump of everything'} = slurp_file("$file.dump");
$node->restart;				# what the workers say when they stop is in the log, too
$places{'the log of the server'} = slurp_file($node->logfile);

like($places{'the log of the server'}, qr/DEBUG:/, 'the log has its DEBUG lines');
like($places{'the log of the server'}, qr/Fail with the key in the file/, 'and the statements');
like($places{'a dump of everything'}, qr/^COPY agent_studio\.attempts/m, 'the dump has the attempts');
like($places{'as_logs'}, qr/DEBUG/, 'the logs have their DEBUG lines');
for my $place (sort keys %places)
{
	is(scalar(grep { index($places{$place}, substr($_, 0, 16)) >= 0 } values %keys), 0, "no key is in $place");
}

# ---------- who may say where a key comes from ----------

sql($node, 'GRANT USAGE ON FOREIGN DATA WRAPPER agent_studio TO alice');
sql($node, "SET ROLE alice; CREATE SERVER hers TYPE 'openai' FOREIGN DATA WRAPPER agent_studio OPTIONS (url 'https://api.example.com/v1')");
for my $way (sort keys %options)
{
	like(sql_error($node, "SET ROLE alice; CREATE USER MAPPING FOR alice SERVER hers OPTIONS ($options{$way})"), qr/42501.*only a superuser may set/s,
		"$way: only a superuser may point at a key outside of the database");
}
like(sql_error($node, "SET ROLE alice; ALTER SERVER hers OPTIONS (ADD $_ 'true')"), qr/42501.*only a superuser may set/s, "only a superuser may set $_") for qw(allow_http allow_private);
sql($node, "ALTER SERVER file OWNER TO alice");
like(sql_error($node, "SET ROLE alice; ALTER SERVER file OPTIONS (SET url 'https://evil.example.com/')"), qr/42501/,
	'nor can a server that a superuser has opened be led elsewhere');
like(sql_error($node, "SET ROLE alice; ALTER USER MAPPING FOR PUBLIC SERVER file OPTIONS (SET api_key_file '/etc/passwd')"), qr/42501/, 'nor its key be read from elsewhere');

# ---------- headers that would be something else ----------

for my $headers ('{"X-A": "b\r\nX-Evil: 1"}', '{"X-A\r\nX-Evil": "1"}', '{"X-A": "b\nc"}', '{"X-A: b": "c"}', '{"X A": "b"}', '{"X-A": "b\u0001"}', '{"": "b"}',
	'{"Authorization": "Bearer mine"}', '{"Host": "evil.example.com"}', '{"Content-Length": "0"}', '{"Transfer-Encoding": "chunked"}', '["X-A"]', '{"X-A": 1}')
{
	like(sql_error($node, "ALTER SERVER environment OPTIONS (SET headers '$headers')"), qr/HV024/, "headers $headers are refused");
}
for my $key ("sk-a\r\nX-Evil: 1", "sk-a b", "sk-\tb")
{
	sql($node, "ALTER USER MAPPING FOR PUBLIC SERVER environment OPTIONS (DROP api_key_env, ADD api_key '$key')");
	my $run = run_task($node, 'With a key that is none.', agent => 'environment');
	is("$run->{status} $run->{error_class}", 'failed authentication', 'a key that would be more than a key is not sent');
	unlike("$run->{error_message} $run->{error_hint}", qr/sk-|Evil/, 'nor shown');
	sql($node, "ALTER USER MAPPING FOR PUBLIC SERVER environment OPTIONS (DROP api_key, ADD api_key_env 'AGENT_STUDIO_TEST_KEY')");
}
is($model->count('With a key that is none'), 0, 'no such request arrived');

finish_studio($node, $model);
done_testing();
