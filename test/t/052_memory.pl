# The executor's memory has one bound, however many large answers come at once, and
# all of them complete.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use Test::More;

my $size = 6 * 1024 * 1024;
my $count = 40;

my $model = start_model_server();
my $node = start_studio('memory', $model,
	"shared_buffers = '16MB'", "agent_studio.max_memory = '32MB'");
my $executor = wait_for_executor($node);

# What the process has used at most, shared buffers included: MB.
sub peak_memory
{
	my ($kb) = PostgreSQL::Test::Utils::slurp_file("/proc/$executor/status") =~ /^VmHWM:\s+(\d+) kB$/m;

	return int($kb / 1024);
}

sub all_end
{
	my ($mark) = @_;

	wait_until(sub { sql($node, "SELECT count(*) FROM agent_studio.executions WHERE task LIKE '%$mark%' AND finished_at IS NULL") == 0 }, 'all end', 170);
	is(sql($node, "SELECT e.status, count(DISTINCT e.execution_id), count(*), string_agg(DISTINCT a.error_message, ', ')
		FROM agent_studio.executions e JOIN agent_studio.attempts a USING (execution_id) WHERE e.task LIKE '%$mark%' GROUP BY 1"),
		"completed|$count|$count|", "$mark: all complete, at the first attempt");
	note "$mark: peak " . peak_memory() . ' MB';
	cmp_ok(peak_memory(), '<', 256, "$mark: the executor has never taken much more than its budget");
	return;
}

# So many answers, which begin together.
sub large_answers
{
	my ($mark, $scenario) = @_;

	$model->reset;
	sql($node, "SELECT agent_studio.as_execute_task('worker', E'\@mock first_byte=1000 $scenario\\n$mark ' || i) FROM generate_series(1, $count) i");
	$model->await("in_flight=$count", $mark);
	all_end($mark);
	is(sql($node, "SELECT count(*) FROM agent_studio.steps s JOIN agent_studio.executions e USING (execution_id) WHERE e.task LIKE '%$mark%' AND length(s.output) >= $size"),
		$count, "$mark: each answer is whole");
	return;
}

large_answers('In pieces', "oversize=$size");
large_answers('As one event', "long_line=$size");

# ---------- large requests ----------

$model->reset;
sql($node, "SELECT agent_studio.as_execute_task('worker', E'\@mock first_byte=200\\nLarge request ' || i || repeat(' and more of it', 200000)) FROM generate_series(1, $count) i");
all_end('Large request');
my $together = $model->stats->{max_in_flight};
cmp_ok($together, '>', 1, 'several of them are sent at once');
cmp_ok($together, '<', 20, 'but no more than there is memory for');

# ---------- a stop while memory is short ----------

sql($node, "SELECT agent_studio.as_execute_task('worker', E'\@mock first_byte=1000 oversize=$size\\nStopped ' || i) FROM generate_series(1, $count) i");
$model->await("in_flight=$count", 'Stopped');
wait_until(sub { sql($node, "SELECT count(*) FROM agent_studio.executions WHERE task LIKE '%Stopped%' AND finished_at IS NOT NULL") > 0 }, 'one has ended');
$node->stop('fast');
$node->start;
$executor = wait_for_executor($node);
wait_until(sub { sql($node, "SELECT count(*) FROM agent_studio.executions WHERE task LIKE '%Stopped%' AND finished_at IS NULL") == 0 }, 'all end', 170);
is(sql($node, "SELECT e.status, count(*), min(length(s.output)) FROM agent_studio.executions e JOIN agent_studio.steps s USING (execution_id) WHERE e.task LIKE '%Stopped%' GROUP BY 1"),
	"completed|$count|$size", 'what was paused when the executor stopped is sent again, and completes');

finish_studio($node, $model);
done_testing();
