# Three databases, each with its own models. One is broken in every way that it can be; the
# others do not notice, and mended, it goes on by itself.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use PostgreSQL::Test::Utils;
use Test::More;

my %model = map { $_ => start_model_server() } qw(postgres second broken);
my $node = start_studio('poisoned', $model{postgres});

for my $database (qw(second broken))
{
	sql($node, "CREATE DATABASE $database");
	sql($node, 'CREATE EXTENSION agent_studio', $database);
	set_up_agents($node, $database, $model{$database});
}
my %executor = map { $_ => wait_for_executor($node, $_) } sort keys %model;

sub give
{
	my ($database, $mark, $count) = @_;

	sql($node, "SELECT agent_studio.as_execute_task('worker', '$mark ' || i) FROM generate_series(1, $count) i", $database);
	return;
}

sub unfinished { my ($database) = @_; return sql($node, 'SELECT count(*) FROM agent_studio.executions WHERE finished_at IS NULL', $database); }

# The others do what they are given meanwhile, by the executors that they had.
sub others_go_on
{
	my ($when) = @_;

	for my $database (qw(postgres second))
	{
		give($database, $when, 20);
		wait_until(sub { unfinished($database) == 0 }, "$database does its work: $when");
		is($model{$database}->count("$when "), 20, "$when: $database does its work");
		is(worker_pid($node, 'executor', $database), $executor{$database}, "$when: by the executor that it had");
	}
	return;
}

# ---------- its executor cannot begin ----------

sql($node, 'ALTER TABLE agent_studio.epochs RENAME TO gone', 'broken');
sql($node, "SELECT pg_terminate_backend($executor{broken})");
wait_until(sub { worker_pid($node, 'executor', 'broken') ne $executor{broken} }, 'its executor has ended');
give('broken', 'Broken', 5);
wait_until(sub { (() = slurp_file($node->logfile) =~ /"agent_studio executor" \(PID \d+\) exited with exit code 1/g) >= 3 }, 'others try to begin');
others_go_on('one cannot begin');
is(unfinished('broken'), 5, 'nothing of its own is lost, or failed');
like(as_check($node, 'executor running', 'broken'), qr/^f\|st(opped|arting).*\|Look for agent_studio in the server log/, 'as_check says that it does not run');
my $tries = () = slurp_file($node->logfile) =~ /"agent_studio executor" \(PID \d+\) exited with exit code 1/g;
cmp_ok($tries, '<', 30, 'it is tried again later and later');
sql($node, 'ALTER TABLE agent_studio.gone RENAME TO epochs', 'broken');
$node->reload;		# at once, and not after its wait
wait_until(sub { unfinished('broken') == 0 }, 'mended, it goes on', 90);
is(sql($node, 'SELECT status, count(*) FROM agent_studio.executions GROUP BY 1', 'broken'), 'completed|5', 'and all of its work completes');
is($model{broken}->count('Broken '), 5, 'each once');

# ---------- its model never answers ----------

# Which holds up nobody but its own database.
$model{broken}->reset;
sql($node, "SELECT agent_studio.as_execute_task('worker', E'\@mock stall=1\\nNever answered ' || i) FROM generate_series(1, 50) i", 'broken');
$model{broken}->await('in_flight=50', 'Never answered');
others_go_on('a model never answers');
my $begin = time();
sql($node, 'DROP DATABASE broken');
cmp_ok(time() - $begin, '<', 5, 'dropped with 50 calls in flight, at once');
others_go_on('one is dropped');

finish_studio($node, $model{postgres}, 'postgres', 'second');
$_->stop for values %model;
done_testing();
