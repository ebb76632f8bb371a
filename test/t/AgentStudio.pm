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

our @EXPORT = qw(start_model_server start_studio set_up_agents wait_until);

my $test_folder = dirname(dirname(abs_path(__FILE__)));

# ---------- the model server ----------

sub start_model_server
{
	my @options = @_;
	my $folder = tempdir(CLEANUP => 1);
	my $self = bless { port_file => "$folder/port", http => HTTP::Tiny->new(timeout => 60) }, 'AgentStudio::Model';
	my $output = '';

	$self->{process} = IPC::Run::start(
		[ '/usr/bin/python3', "$test_folder/model_server.py", '--port', '0', '--port-file', $self->{port_file}, @options ],
		'<', \undef, '>', "$folder/log", '2>', "$folder/log");
	wait_until(sub { -s $self->{port_file} }, 'the model server listens');
	$self->{port} = slurp_file($self->{port_file});
	chomp $self->{port};
	return $self;
}

# ---------- a cluster ----------

# start_studio(NAME, MODEL SERVER, LINES OF postgresql.conf): a running cluster with
# the extension in database postgres, and a server "mock" that leads to the model server.
sub start_studio
{
	my ($name, $model, @settings) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init(extra => [ '--encoding', 'UTF8', '--locale', 'C.UTF-8' ]);
	$node->append_conf('postgresql.conf', join("\n",
		"shared_preload_libraries = 'agent_studio'",
		"max_worker_processes = 20",
		"max_connections = 100",
		"agent_studio.retry_delay = '50ms'",
		"log_min_messages = log",
		@settings, ''));
	$node->start;
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

# ---------- waiting ----------

# Waits until the condition holds; fails the test and ends it after the timeout.
sub wait_until
{
	my ($condition, $what, $timeout) = @_;
	my $deadline = time() + ($timeout // 60);

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

# Requests whose body contains a text.
sub count { my ($self, $text) = @_; return decode_json($self->get("/__count?contains=$text"))->{count}; }

sub stats { my ($self) = @_; return decode_json($self->get('/__stats')); }

# The journal's records, oldest first.
sub journal
{
	my ($self, $text) = @_;
	my $path = '/__journal' . (defined $text ? "?contains=$text" : '');

	return map { decode_json($_) } grep { /\S/ } split /\n/, $self->get($path);
}

# Waits for what /__wait can wait for, for example "in_flight=200".
sub await { my ($self, $condition, $timeout) = @_; $timeout //= 60; return decode_json($self->get("/__wait?$condition&timeout=$timeout")); }

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
