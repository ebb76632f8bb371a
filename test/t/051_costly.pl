# Answers that are costly to judge, many at once: each is bounded, and between them
# the executor does everything else.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use Test::More;

my $model = start_model_server();
my $node = start_studio('costly', $model);
my $executor = wait_for_executor($node);

# Each level of the schema doubles the ways to look at the answer.
sql($node, <<'SQL');
CREATE TABLE costly AS SELECT format('{"$ref": "#/$defs/0", "$defs": {%s, "40": {"type": "integer"}}}',
	string_agg(format('"%1$s": {"allOf": [{"$ref": "#/$defs/%2$s"}, {"$ref": "#/$defs/%2$s"}]}', i, i + 1), ', ')) AS schema
FROM generate_series(0, 39) i
SQL

# Lets so many answers come while the executor is stopped: then it finds all of them at once.
sub answers_at_once
{
	my ($count, $mark) = @_;

	$model->reset;
	sql($node, "SELECT agent_studio.as_execute_task('worker', E'\@mock text=1 first_byte=2000\\n$mark ' || i,
		output_format => 'json', json_schema => (SELECT schema::json FROM costly), max_retries => 0) FROM generate_series(1, $count) i");
	$model->await("in_flight=$count");
	kill 'STOP', $executor;
	$model->await("completed=$count");
	kill 'CONT', $executor;
	return;
}

sub ended { my ($mark) = @_; return sql($node, "SELECT count(*) FROM agent_studio.executions WHERE task LIKE '%$mark%' AND finished_at IS NOT NULL"); }

# ---------- judged a few at a time ----------

answers_at_once(300, 'A few at a time');
wait_until(sub { ended('A few at a time') == 300 }, 'all are judged');
is(sql($node, "SELECT status, error_class, count(*), min(error_message) FROM agent_studio.executions WHERE task LIKE '%A few at a time%' GROUP BY 1, 2"),
	'failed|invalid_output|300|the answer is not valid: the document: checking it takes more work than is allowed: the schema or the document is too intricate',
	'an answer that costs more than is allowed fails, and says why');
cmp_ok(sql($node, "SELECT count(DISTINCT a.xmin::text) FROM agent_studio.attempts a JOIN agent_studio.executions e USING (execution_id) WHERE e.task LIKE '%A few at a time%'"),
	'>', 10, 'results are written between, not after the last one is judged');
is(worker_pid($node, 'executor'), $executor, 'by the same executor');

# ---------- a shutdown does not wait for all of them ----------

answers_at_once(300, 'Not to be waited for');
wait_until(sub { ended('Not to be waited for') > 0 }, 'some are judged');
$node->stop('fast');
$node->start;
wait_for_executor($node);
cmp_ok(sql($node, "SELECT count(*) FROM agent_studio.attempts a JOIN agent_studio.executions e USING (execution_id) WHERE e.task LIKE '%Not to be waited for%' AND a.outcome = 'interrupted'"),
	'>', 0, 'a shutdown leaves the others to be sent again');
wait_until(sub { ended('Not to be waited for') == 300 }, 'and they are');

finish_studio($node, $model);
done_testing();
