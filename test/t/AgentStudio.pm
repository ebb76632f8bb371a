# What the TAP tests share: a cluster with the extension, and the model server.
package AgentStudio;

use strict;
use warnings;
use Exporter 'import';
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use HTTP::Tiny;
use IPC::Run ();
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

our @EXPORT = qw(start_model_server start_cluster start_studio set_up_agents create_endpoint wait_until
  sql try_sql sql_error submit outcome run_task status_of worker_pid wait_for_executor flush_wal kill_server
  kill_worker postmaster_pid wait_for_server as_check finish_studio @initdb_options);

# The superuser is postgres whoever runs the tests: his own name may be one of theirs.
our @initdb_options = ('--username', 'postgres', '--encoding', 'UTF8', '--locale', 'C.UTF-8');
$ENV{PGUSER} = 'postgres';

# Where the server lies that clusters are made with, unless it is the one in PATH.
our $install_path;

my $test_folder = dirname(dirname(abs_path(__FILE__)));

# ---------- the model server ----------

sub start_model_server { return start_server("$test_folder/model_server.py", @_); }

# Another program with the same control endpoints.
sub start_server
{
	my ($program, @options) = @_;
	my $folder = tempdir(CLEANUP => 1);
	my $self = bless { port_file => "$folder/port", http => HTTP::Tiny->new(timeout => 60) }, 'AgentStudio::Model';
	my $output = '';

	$self->{process} = IPC::Run::start(
		[ '/usr/bin/python3', $program, '--port', '0', '--port-file', $self->{port_file}, @options ],
		'<', \undef, '>', "$folder/log", '2>', "$folder/log");
	wait_until(sub { -s $self->{port_file} }, 'the model server listens');
	($self->{port}, $self->{tls_port}) = split /\n/, slurp_file($self->{port_file});
	return $self;
}

# ---------- a cluster ----------

# start_cluster(NAME, LINES OF postgresql.conf): a running cluster that has loaded the library.
sub start_cluster
{
	my ($name, @settings) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name, $install_path ? (install_path => $install_path) : ());

	$node->init(extra => \@initdb_options);
	$node->append_conf('postgresql.conf', join("\n",
		"shared_preload_libraries = 'agent_studio'",
		"max_worker_processes = 20",
		"max_connections = 100",
		"agent_studio.retry_delay = '50ms'",
		"log_min_messages = log",
		@settings, ''));
	$node->start;
	return $node;
}

# start_studio(NAME, MODEL SERVER, LINES OF postgresql.conf): a running cluster with
# the extension in database postgres, and a server "mock" that leads to the model server.
sub start_studio
{
	my ($name, $model, @settings) = @_;
	my $node = start_cluster($name, @settings);

	$node->safe_psql('postgres', 'CREATE EXTENSION agent_studio');
	set_up_agents($node, 'postgres', $model) if $model;
	return $node;
}

# Server, key, models and agents of a database. Model "mock" takes its scenario
# from "@mock ..." lines of the task.
sub set_up_agents
{
	my ($node, $database, $model) = @_;

	$node->safe_psql($database, <<"SQL");
CREATE SERVER mock TYPE 'openai' FOREIGN DATA WRAPPER agent_studio
	OPTIONS (url 'http://127.0.0.1:$model->{port}/v1', allow_http 'true', allow_private 'true');
CREATE USER MAPPING FOR PUBLIC SERVER mock OPTIONS (api_key 'sk-test-key');
GRANT USAGE ON FOREIGN SERVER mock TO PUBLIC;
SELECT agent_studio.as_create_model('mock', 'mock', input_price => 10, output_price => 30);
SELECT agent_studio.as_create_model('demo', 'mock', deployment => 'demo:speed=0', input_price => 10, output_price => 30);
SELECT agent_studio.as_create_agent('worker', 'builder', 'mock', visibility => 'shared');
SQL
	return;
}

# An endpoint, with a model and an agent of the same name. Options and the mapping's option are SQL.
sub create_endpoint
{
	my ($node, $name, $url, $options, $mapping, $type) = @_;

	$type //= 'openai';
	sql($node, "CREATE SERVER $name TYPE '$type' FOREIGN DATA WRAPPER agent_studio OPTIONS (url '$url'" . ($options ? ", $options" : '') . ')');
	sql($node, "CREATE USER MAPPING FOR PUBLIC SERVER $name OPTIONS ($mapping)") if $mapping;
	sql($node, "SELECT agent_studio.as_create_model('$name', '$name'); SELECT agent_studio.as_create_agent('$name', 'builder', '$name', visibility => 'shared')");
	return;
}

# ---------- asking the database ----------

sub sql
{
	my ($node, $query, $database) = @_;

	# Text of characters goes to psql as bytes, whatever IPC::Run would make of it.
	utf8::encode($query) if $query =~ /[^\x00-\xFF]/;
	return $node->safe_psql($database // 'postgres', $query);
}

# For a server that may be down, or go down: undef if there is no answer.
sub try_sql
{
	my ($node, $query, $database) = @_;
	my ($code, $output) = eval { $node->psql($database // 'postgres', $query) };

	return defined $code && $code == 0 ? $output : undef;
}

# What a query that must fail says: "ERROR:  42704: message", its HINT and so on.
sub sql_error
{
	my ($node, $query, $database) = @_;
	my ($code, $output, $error) = $node->psql($database // 'postgres', $query,
		extra_params => [ '-v', 'VERBOSITY=verbose' ]);

	return $code == 0 ? "no error, but: $output" : $error;
}

# Gives an agent a task; returns the execution's id. Options: agent, database, and
# arguments: more of them, as SQL.
sub submit
{
	my ($node, $task, %options) = @_;
	my $agent = $options{agent} // 'worker';
	my $arguments = $options{arguments} ? ", $options{arguments}" : '';

	return sql($node, "SELECT agent_studio.as_execute_task('$agent', \$task\$$task\$task\$$arguments)", $options{database});
}

# Waits for an execution and returns all there is to know of it.
sub outcome
{
	my ($node, $id, $database) = @_;

	return decode_json(sql($node, <<"SQL", $database));
SELECT agent_studio.as_wait($id) AS status \\gset
SELECT to_jsonb(e) || jsonb_build_object(
	'output', agent_studio.as_output($id),
	'tries', (SELECT jsonb_agg(a ORDER BY a.attempt_no) FROM agent_studio.attempts a WHERE a.execution_id = $id),
	'thoughts', (SELECT jsonb_agg(t ORDER BY t.seq) FROM agent_studio.thoughts t WHERE t.execution_id = $id),
	'notices', (SELECT jsonb_agg(n ORDER BY n.notice_id) FROM agent_studio.notices n WHERE n.execution_id = $id),
	'metrics', (SELECT to_jsonb(m) FROM agent_studio.as_metrics($id) m),
	'finish_reason', (SELECT s.finish_reason FROM agent_studio.steps s WHERE s.execution_id = $id ORDER BY s.step_no DESC LIMIT 1),
	'executor', (agent_studio_private.worker_state()).executor_pid)
FROM agent_studio.executions e WHERE e.execution_id = $id
SQL
}

sub run_task
{
	my ($node, $task, %options) = @_;

	return outcome($node, submit($node, $task, %options), $options{database});
}

sub status_of { my ($node, $id, $database) = @_; return sql($node, "SELECT status FROM agent_studio.executions WHERE execution_id = $id", $database); }

# One row of as_check: "t|detail|fix".
sub as_check
{
	my ($node, $item, $database) = @_;

	return sql($node, "SELECT ok, detail, fix FROM agent_studio.as_check() WHERE item = '$item'", $database);
}

# The process of a worker, "executor" or "launcher"; empty if there is none.
sub worker_pid
{
	my ($node, $worker, $database) = @_;
	my $where = defined $database ? "AND datname = '$database'" : '';

	return sql($node, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'agent_studio $worker' $where");
}

sub wait_for_executor
{
	my ($node, $database) = @_;

	wait_until(sub { (try_sql($node, 'SELECT state FROM agent_studio_private.worker_state()', $database) // '') eq 'running' },
		'the executor runs');
	return worker_pid($node, 'executor', $database // 'postgres');
}

# Brings everything to the disk that was committed asynchronously before.
sub flush_wal { my ($node) = @_; sql($node, q(SELECT pg_logical_emit_message(true, 'test', 'flush'))); return; }

# SIGKILLs so far; run.sh adds up what the files say at their ends.
our $kills = 0;

sub postmaster_pid { my ($node) = @_; my ($pid) = slurp_file($node->data_dir . '/postmaster.pid') =~ /^(\d+)/; return $pid; }

# SIGKILL of a worker; which one it was.
sub kill_worker
{
	my ($node, $worker) = @_;
	my $pid = worker_pid($node, $worker);

	$kills += kill 'KILL', $pid if $pid =~ /^\d+$/;
	return $pid;
}

# Once the server is back after a kill: the executor's pid.
sub wait_for_server
{
	my ($node) = @_;

	wait_until(sub { defined try_sql($node, 'SELECT 1') }, 'the server is back');
	return wait_for_executor($node);
}

# SIGKILL of the postmaster, and a new start once all that it had started is gone.
sub kill_server
{
	my ($node) = @_;
	my @pids = split /\n/, sql($node, 'SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()');
	my $postmaster = postmaster_pid($node);

	$node->kill9;
	$kills++;
	wait_until(sub { !grep { kill 0, $_ } $postmaster, @pids }, 'all processes of the server are gone');
	$node->start;
	return;
}

# What holds at the end of every test: nothing crashed, nothing dangles.
sub finish_studio
{
	my ($node, $model, @databases) = @_;
	my $log = slurp_file($node->logfile);

	note("kills: $kills") if $kills > 0;
	unlike($log, qr/TRAP:|PANIC|terminated by signal (?!9)/, 'no server process crashed');
	for my $database (@databases ? @databases : 'postgres')
	{
		is(sql($node, <<'SQL', $database), '', "what ended in $database left no dangling row");
SELECT 'queue', q.execution_id FROM agent_studio.queue q JOIN agent_studio.executions e USING (execution_id)
WHERE e.finished_at IS NOT NULL
UNION ALL
SELECT 'steps', s.execution_id FROM agent_studio.steps s JOIN agent_studio.executions e USING (execution_id)
WHERE e.finished_at IS NOT NULL AND s.state IN ('queued', 'running', 'retrying', 'paused', 'waiting_approval')
   OR (s.finished_at IS NULL) <> (s.state IN ('pending', 'queued', 'running', 'retrying', 'paused', 'waiting_approval'))
   OR (e.kind = 'task' AND e.plan IS NULL AND (e.finished_at IS NULL) <> (s.finished_at IS NULL))
UNION ALL
SELECT 'attempts', a.execution_id FROM agent_studio.attempts a WHERE a.outcome = 'completed'
	AND NOT EXISTS (SELECT FROM agent_studio.commands c WHERE c.execution_id = a.execution_id AND c.wanted = 'retry_step')
GROUP BY a.execution_id, a.step_no HAVING count(*) > 1
SQL
	}
	# A process that counts its coverage writes it when it exits in order.
	$node->stop(($ENV{INSTRUMENT} // '') eq 'coverage' ? 'fast' : 'immediate');
	$model->stop if $model;
	return;
}

# ---------- waiting ----------

# With sanitizers, or when lines are counted, everything takes longer.
my $patience = $ENV{INSTRUMENT} ? 4 : 1;

# Waits until the condition holds; fails the test and ends it after the timeout.
sub wait_until
{
	my ($condition, $what, $timeout) = @_;
	my $deadline = time() + ($timeout // 60) * $patience;

	until ($condition->())
	{
		if (time() > $deadline)
		{
			fail("in time: $what");
			BAIL_OUT("waited in vain until $what") if $ENV{AS_BAIL_OUT};
			return 0;
		}
		usleep(20_000);
	}
	return 1;
}

package AgentStudio::Model;

use strict;
use warnings;
use JSON::PP;

sub url { my ($self, $path) = @_; return "http://127.0.0.1:$self->{port}$path"; }

sub get
{
	my ($self, $path) = @_;
	my $response = $self->{http}->get($self->url($path));

	die "GET $path: $response->{status} $response->{content}" if $response->{status} != 200;
	return $response->{content};
}

sub encoded { my ($text) = @_; $text =~ s/([^A-Za-z0-9])/sprintf('%%%02X', ord($1))/ge; return $text; }

# Requests whose body contains a text.
sub count { my ($self, $text) = @_; return decode_json($self->get('/__count?contains=' . encoded($text)))->{count}; }

# Counters, of all requests or of those whose body contains a text.
sub stats
{
	my ($self, $text) = @_;

	return decode_json($self->get('/__stats')) unless defined $text;
	return decode_json($self->get('/__wait?contains=' . encoded($text)));
}

# The journal's records, oldest first.
sub journal
{
	my ($self, $text) = @_;
	my $path = '/__journal' . (defined $text ? '?contains=' . encoded($text) : '');

	return map { decode_json($_) } grep { /\S/ } split /\n/, $self->get($path);
}

# Waits for what /__wait can wait for, for example "in_flight=200"; of the requests
# whose body contains a text, if one is given.
sub await
{
	my ($self, $condition, $text) = @_;
	my $only = defined $text ? '&contains=' . encoded($text) : '';

	return decode_json($self->get("/__wait?$condition&timeout=50$only"));
}

# Lets the streams of scenario "gate=NAME" end.
sub open_gate { my ($self, $name) = @_; $self->{http}->post($self->url("/__open?gate=$name")); return; }

sub reset { my ($self) = @_; $self->{http}->post($self->url('/__reset')); return; }

sub stop
{
	my ($self) = @_;

	return unless $self->{process};
	$self->{process}->signal('TERM');
	IPC::Run::finish($self->{process});
	delete $self->{process};
	return;
}

sub DESTROY { my ($self) = @_; local ($?, $@); eval { $self->stop }; return; }

1;
