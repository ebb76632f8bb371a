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

# ---------- memory ----------

my $executor = wait_for_executor($node);

# Keys in the executor's own memory, as leaks_in names them, but for what each process has in its environment.
sub keys_in_memory
{
	my $memory = '';

	open my $mem, '<:raw', "/proc/$executor/mem" or return 'unreadable';
	for my $line (split /\n/, slurp_file("/proc/$executor/maps"))
	{
		my ($from, $to) = $line =~ /^([0-9a-f]+)-([0-9a-f]+) rw-p/ or next;

		no warnings 'portable';
		next if hex($to) - hex($from) > 2**36;		# what a sanitizer keeps there, mostly holes
		sysseek($mem, hex($from), 0) or next;
		sysread($mem, $memory, hex($to) - hex($from), length($memory));
	}
	return join ', ', grep { !/environment/ } split /, /, leaks_in($memory);
}

my $held = submit($node, "\@mock gate=memory text=Fine.\nHold the key.", agent => 'file_openai');
$model->await('in_flight=1', 'Hold the key.');
SKIP:
{
	skip 'the memory of the executor cannot be read', 9 if keys_in_memory() eq 'unreadable';
	is(keys_in_memory(), 'the beginning of the key in the file, the end of the key in the file', 'while a call is in flight its key is in memory');
	write_key($keys{rotated});
	is(run_task($node, "\@mock text=Fine.\nUse it.", agent => $_)->{status}, 'completed', "$_: a task") for @agents;
	$model->open_gate('memory');
	is(outcome($node, $held)->{status}, 'completed', 'the call ends');
	is(keys_in_memory(), '', 'and no key is in memory any more, neither the old one nor the new one');
}
write_key($keys{file});

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
is_deeply([ sort keys %arrived ], [ sort map { 'sha256:' . substr(sha256_hex($keys{$_}), 0, 16) } keys %keys ], 'each came with its key');
cmp_ok(sql($node, "SELECT count(*) FROM agent_studio.executions WHERE status = 'failed'"), '>', 200, 'many have failed');
cmp_ok(sql($node, "SELECT count(*) FROM agent_studio.attempts WHERE error_message LIKE '%****%'"), '>', 50, 'and quote what is hidden');

# ---------- a key that is changed ----------

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

# ---------- a workflow, whose steps hand on what they were answered ----------

my $workflow = sql($node, <<'SQL');
SELECT agent_studio.as_create_workflow('echo-sequential-test', 'sequential', '{"steps": [
	{"name": "first", "agent": "environment_openai", "task": "@mock text=%7B%22answer%22:%22You+sent+%7Bheaders%7D%22%7D\nSay it.", "outputs": {"answer": {"type": "string", "file_name": "answer.md"}}},
	{"name": "second", "agent": "file_openai", "task": "Repeat: {answer}", "inputs": {"answer": "first.answer"}}]}') \gset
SELECT agent_studio.as_run_workflow('echo-sequential-test')
SQL
is(sql($node, "SELECT agent_studio.as_wait($workflow)"), 'completed', 'a workflow that hands the answer on');
my $listener = $node->background_psql('postgres');
$listener->query_safe('LISTEN agent_studio');
my $heard = submit($node, "\@mock text=You+sent+{headers}\nTell me.", agent => 'file_openai');
wait_until(sub { $seen{notifications} .= $listener->query_safe('SELECT 1'); $seen{notifications} =~ /notification "agent_studio" with payload "[\d,]*\b$heard\b/ }, 'a listener hears of a task');
$listener->quit;

# ---------- what the database shows ----------

# Of an execution of each echo, what each function says of it that needs no more than its id; also in an error.
sql($node, <<'SQL');
CREATE FUNCTION public.all_of(fn text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE e bigint; r text;
BEGIN
	FOR e IN SELECT execution_id FROM agent_studio.executions WHERE execution_id % 5 = 0 OR plan IS NOT NULL LOOP
		BEGIN
			FOR r IN EXECUTE format('SELECT r::text FROM %s($1) r', fn) USING e LOOP RETURN NEXT r; END LOOP;
		EXCEPTION WHEN OTHERS THEN RETURN NEXT SQLERRM;
		END;
	END LOOP;
END $$
SQL
my @functions = split /\n/, sql($node, q(SELECT format('%I.%I', pronamespace::regnamespace, proname) FROM pg_proc WHERE pronamespace = 'agent_studio'::regnamespace AND prokind = 'f' AND provolatile <> 'v'
	AND proargnames[1] = 'execution' AND pronargs - pronargdefaults = 1 AND proargtypes[0] = 'bigint'::regtype AND prorettype <> 'bytea'::regtype ORDER BY 1));
cmp_ok(scalar(@functions), '>', 15, 'functions that tell of an execution');
my $quiet = join ' ', map { "SET $_;" } map({ "$_ = off" } qw(debug_print_parse debug_print_rewritten debug_print_plan log_parser_stats log_planner_stats log_executor_stats)),
	'log_min_messages = log', 'log_statement = none', 'log_min_duration_statement = -1', 'auto_explain.log_min_duration = -1', 'jit = off';
$seen{$_} = sql($node, "$quiet SELECT public.all_of('$_')") for @functions;
my @relations = split /\n/, sql($node, q(SELECT oid::regclass FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm') AND relnamespace IN ('agent_studio'::regnamespace, 'agent_studio_bi'::regnamespace, 'agent_studio_private'::regnamespace) ORDER BY 1));
for my $relation (@relations, 'pg_stat_statements', 'pg_settings', 'pg_prepared_statements', 'pg_stat_activity', 'pg_foreign_server', 'pg_user_mappings', 'pg_stat_user_functions', 'pg_stat_replication_slots', 'pg_file_settings')
{
	$seen{$relation} = sql($node, "$quiet SELECT r::text FROM $relation r");
}
$seen{as_check} = sql($node, 'SELECT c::text FROM agent_studio.as_check() c');
$seen{as_dashboard_html} = sql($node, "$quiet SELECT agent_studio.as_dashboard_html()");
$seen{as_history} = sql($node, $quiet . 'SELECT h::text FROM agent_studio.as_history(max_rows => 1000) h');
$seen{as_diagram} = sql($node, "SELECT agent_studio.as_diagram($workflow, f) FROM unnest('{text,mermaid,svg}'::text[]) f");
$seen{as_download_text} = sql($node, "SELECT agent_studio.as_download_text($workflow, f) FROM unnest('{md,json,txt}'::text[]) f");
my $zip = "$folder/all.zip";
open my $file, '>:raw', $zip or die;
print $file pack('H*', sql($node, "SELECT encode(agent_studio.as_download($workflow, 'zip'), 'hex')"));
close $file;
$seen{'as_download'} = `unzip -p $zip`;
like($seen{'as_download'}, qr/You sent .*\*{35}/, 'the archive has the answer');
$seen{'errors'} = join '', map { sql_error($node, $_) } "CREATE USER MAPPING FOR alice SERVER file_openai OPTIONS ($options{file}, api_key 'x')", "SET ROLE alice; ALTER USER MAPPING FOR PUBLIC SERVER file_openai OPTIONS (SET api_key_file 'x')",
	"SELECT agent_studio_private.endpoint_problem('file_openai', 'nobody')", "SELECT agent_studio.as_retry_step($ids[0], 'none')", "DROP SERVER file_openai", "CREATE SERVER file_openai TYPE 'openai' FOREIGN DATA WRAPPER agent_studio";
$seen{'what the model was sent, but for the header of the key'} = $model->get('/__journal');

# What those see who have no right to the mapping.
sql($node, "CREATE SERVER given TYPE 'openai' FOREIGN DATA WRAPPER agent_studio OPTIONS (url 'https://api.example.com/v1'); GRANT USAGE ON FOREIGN SERVER given TO PUBLIC");
my $secret = 'sk-in-the-mapping-0123456789';
sql($node, "SET log_statement = 'none'; SET log_min_duration_statement = -1; CREATE USER MAPPING FOR PUBLIC SERVER given OPTIONS (api_key '$secret')");
my $hers = sql($node, 'SET ROLE alice; SELECT m::text FROM pg_user_mappings m');
like($hers, qr/given/, 'alice sees that there are mappings');
unlike($hers, qr/\Q$secret\E|\Q$folder\E|AGENT_STUDIO_TEST_KEY/, 'but neither keys nor where they are');
like(sql_error($node, "SET ROLE alice; $_"), qr/42501/, "she may not: $_") for "SELECT pg_read_file('$folder/key')", "SELECT pg_read_file('/proc/self/environ')", "COPY (SELECT 1) TO PROGRAM 'env'", "CREATE TEMP TABLE t (l text); COPY t FROM '$folder/key'",
	'SELECT * FROM pg_user_mapping', "SELECT lo_import('$folder/key')";
sql($node, 'CREATE ROLE backup LOGIN BYPASSRLS IN ROLE pg_read_all_data');
for my $user (qw(backup postgres))
{
	my $dump = "$folder/$user.sql";

	is(system('pg_dump', '--username', $user, '--file', $dump, '--dbname', $node->connstr('postgres')), 0, "$user can dump");
	$seen{"a dump by $user"} = slurp_file($dump);
	like($seen{"a dump by $user"}, qr/CREATE USER MAPPING FOR public SERVER given.*COPY agent_studio\.attempts/is, 'user mappings and data');
	is(index($seen{"a dump by $user"}, $secret) >= 0 ? 1 : 0, $user eq 'postgres' ? 1 : 0, $user eq 'postgres' ? 'with the key that is in a mapping' : 'but no key that is in a mapping');
}
like($seen{'a dump by postgres'}, qr/api_key_file '\Q$folder\E\/key'/, 'of a key in a file it has the path');

# ---------- processes ----------

my ($postmaster) = slurp_file($node->data_dir . '/postmaster.pid') =~ /^(\d+)/;
my @pids = ($postmaster, split /\n/, sql($node, 'SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()'));
my $environment = join '', map { -e "/proc/$_" ? slurp_file("/proc/$_/environ") : '' } @pids;
like($environment, qr/\Q$keys{environment}\E/, 'a key in the environment can be seen there by the system user of the server');
unlike($environment, qr/\Q$keys{file}\E|\Q$keys{rotated}\E/, 'one in a file cannot');
$seen{'command lines'} = join '', map { -e "/proc/$_" ? slurp_file("/proc/$_/cmdline") : '' } @pids;

# ---------- what is on the disk ----------

sql($node, 'CHECKPOINT');
$seen{'logical decoding'} = sql($node, "SELECT data FROM pg_logical_slot_get_changes('decoded', NULL, NULL)");
like($seen{'logical decoding'}, qr/agent_studio\.attempts: INSERT.*\*{35}/, 'attempts are decoded');
$node->stop;
find({ no_chdir => 1, wanted => sub { $seen{'files of the data directory'} .= leaks_in(slurp_file($_)) && "$_: " . slurp_file($_) if -f $_; } }, $node->data_dir);
$seen{'files of the data directory'} //= '';
my @segments = glob $node->data_dir . '/pg_wal/0*';
cmp_ok(scalar(@segments), '>', 0, 'there are segments of WAL');
like(join('', map { slurp_file($_) } @segments), qr/Follow\./, 'which have the tasks');

# At DEBUG3 PostgreSQL itself logs the environment that it was started with.
my $log = slurp_file($node->logfile);
my @dumped = $log =~ /^.*DEBUG:  00000: \tAGENT_STUDIO_TEST_KEY=\Q$keys{environment}\E\n/mg;
is(scalar(@dumped), 1, 'PostgreSQL logs its environment at DEBUG3, once');
($seen{'the log'} = $log) =~ s/\Q$dumped[0]\E//;
like($seen{'the log'}, qr/DEBUG:  .*\n.*LOG:  .*PLANNER STATISTICS/s, 'the log has all there is');
like($seen{'the log'}, qr/BACKTRACE:/, 'backtraces, too');

is(leaks_in($seen{$_}), '', "no key in $_") for sort keys %seen;
ok(leaks_in("x $keys{file} y") && leaks_in("x $keys{rotated} y") && leaks_in(substr($keys{environment}, 0, 22)), 'it would be seen');
$node->start;
wait_for_executor($node);
finish_studio($node, $model);
done_testing();
