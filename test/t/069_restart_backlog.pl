# Ten thousand steps in the queue when the server starts, and ten thousand under way
# when it is killed: all end, in bounded time and memory.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use Faults;
use Test::More;
use Time::HiRes qw(time);

my $count = $ENV{AS_LONG} ? 10000 : 2000;
my $model = start_model_server();
my $node = start_studio('backlog', $model, 'log_min_messages = log', 'log_statement = none', "agent_studio.databases = ''",
	'agent_studio.max_in_flight = 20000', 'agent_studio.max_host_connections = 20000');

sub submit_many { my ($mark, $mock) = @_; sql($node, "SET client_min_messages = error; SELECT agent_studio.as_execute_task('worker', E'\@mock $mock\\n$mark ' || i) FROM generate_series(1, $count) i"); return; }
sub unfinished { return sql($node, 'SELECT count(*) FROM agent_studio.executions WHERE finished_at IS NULL'); }

# All end with one result each, in so many attempts, within the time and the memory of one executor.
sub all_end
{
	my ($name, $mark, $attempts) = @_;
	my $begin = time();
	my $executor = wait_for_executor($node);
	my $ready = time() - $begin;

	wait_until(sub { unfinished() == 0 }, "$name: all end", 170);
	my ($kb) = PostgreSQL::Test::Utils::slurp_file("/proc/$executor/status") =~ /^VmHWM:\s+(\d+) kB$/m;
	note(sprintf('%s: %d steps; the executor works after %.1f s, all have ended after %.1f s; peak %d MB, %d MB of its own at the end',
		$name, $count, $ready, time() - $begin, $kb / 1024, private_memory($executor) / 1024));
	is(sql($node, "SELECT status, count(*), sum(attempts) FROM agent_studio.executions WHERE task LIKE '%$mark %' GROUP BY 1"),
		"completed|$count|" . $count * $attempts, "$name: all complete");
	is($model->count("$mark "), $count * $attempts, "$name: with so many requests");
	is(worker_pid($node, 'executor'), $executor, "$name: by one executor");
	cmp_ok($kb / 1024, '<', 512, "$name: in bounded memory");
	is(invariants($node), '', "$name: the rows agree");
	return;
}

submit_many('Queued', 'text=done');
sql($node, q(ALTER SYSTEM SET agent_studio.databases = '*'));
$node->restart;
all_end('queued at the start', 'Queued', 1);

submit_many('Under way', "text=done stall=1 times=1 key=' || i || E'");
$model->await("in_flight=$count");
flush_wal($node);
kill_server($node);
$model->await("client_closed=$count");
all_end('under way when it is killed', 'Under way', 2);

finish_studio($node, $model);
done_testing();
