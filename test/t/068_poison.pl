# Rows that cannot be what they should be, as a superuser may leave them behind: each
# fails alone, with words that say why, and nothing else waits for it.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use Test::More;

my $model = start_model_server();
my $node = start_studio('poison', $model, "agent_studio.poll_interval = '500ms'", 'log_min_messages = log', 'log_statement = none');
my $executor = wait_for_executor($node);

sql($node, <<'SQL');
SET client_min_messages = error;
SELECT agent_studio.as_create_workflow('pair-sequential-test', 'sequential', '{"inputs": {"mark": "string"}, "steps": [
	{"name": "one", "agent": "worker", "task": "@mock text=first\nFirst of {mark}"},
	{"name": "two", "agent": "worker", "task": "@mock text=second\nSecond of {mark}"}]}');
-- Makes sure that what one kind does to shared rows is its own.
CREATE FUNCTION own_agent(name text) RETURNS bigint LANGUAGE sql AS
$$ SELECT agent_studio.as_create_agent(name, 'builder', 'mock', visibility => 'shared') $$;
CREATE FUNCTION own_workflow(name text) RETURNS text LANGUAGE sql AS
$$ SELECT agent_studio.as_create_workflow(name, 'sequential', '{"inputs": {"mark": "string"}, "steps": [
	{"name": "one", "agent": "worker", "task": "First of {mark}"}, {"name": "two", "agent": "worker", "task": "Second of {mark}"}]}'); SELECT name $$;
SQL

my $task = q(SELECT agent_studio.as_execute_task('worker', 'Poisoned: %s') AS id \gset);
my $run = q(SELECT agent_studio.as_run_workflow('pair-sequential-test', '{"mark": "%s"}') AS id \gset);
my $own_run = q(SET LOCAL client_min_messages = error; SELECT own_workflow('%1$s-sequential-test') AS name \gset
	SELECT agent_studio.as_run_workflow(:'name', '{"mark": "%1$s"}') AS id \gset);
my $versions = q(UPDATE agent_studio.workflow_versions v SET definition = %s FROM agent_studio.executions e
	WHERE e.execution_id = :id AND v.workflow_version_id = e.workflow_version_id);

# What is submitted, and what is done to its rows before the executor can see them.
my @kinds = (
	[ 'agent version', $task, 'UPDATE agent_studio.steps SET agent_version_id = 987654321 WHERE execution_id = :id', qr/^failed \| internal \| rows that belong to this step are missing/ ],
	[ 'agent version of a run', $run, 'UPDATE agent_studio.steps SET agent_version_id = 987654321 WHERE execution_id = :id', qr/^failed \| internal \|.*rows that belong to this step are missing/ ],
	[ 'role', 'CREATE ROLE brief IN ROLE agent_studio_user; GRANT USAGE ON FOREIGN SERVER mock TO brief; SET ROLE brief; ' . $task,
		'RESET ROLE; DROP OWNED BY brief; DROP ROLE brief', qr/^failed \| permission \| role "brief" does not exist/ ],
	[ 'role never was', $task, "UPDATE agent_studio.steps SET owner = 'nobody there' WHERE execution_id = :id; UPDATE agent_studio.executions SET owner = 'nobody there' WHERE execution_id = :id", qr/^failed \| permission \| role "nobody there" does not exist/ ],
	[ 'model', $task, 'UPDATE agent_studio.queue SET model_id = 987654321 WHERE execution_id = :id', qr/^failed \| internal \| its model does not exist any more/ ],
	[ 'model of a run', $run, 'UPDATE agent_studio.queue SET model_id = 987654321 WHERE execution_id = :id', qr/^failed \| internal \| its model does not exist any more/ ],
	[ 'no step', $task, 'DELETE FROM agent_studio.steps WHERE execution_id = :id', qr/^failed \| internal \| .*rows of step 1 of execution \d+ are missing/ ],
	[ 'attempt number', $task, 'UPDATE agent_studio.queue SET attempt_no = 2147483647 WHERE execution_id = :id', qr/^failed \| internal \| .*integer out of range/ ],
	[ 'format', $task, "UPDATE agent_studio.executions SET output_format = 'nonsense' WHERE execution_id = :id", qr/^completed/ ],
	[ 'schema', $task, q(UPDATE agent_studio.executions SET output_format = 'json', json_schema = '[1, {"type": 5}]' WHERE execution_id = :id), qr/^failed \| bad_request \| .*expected a schema/ ],
	[ 'schema of no end', $task, q(UPDATE agent_studio.executions SET output_format = 'json', json_schema = ('{"type": "string", "title": "' || repeat('x', 3000000) || '"}')::json WHERE execution_id = :id), qr/^failed \| invalid_output/ ],
	[ 'times', $task, q(UPDATE agent_studio.executions SET started_at = 'infinity', submitted_at = '-infinity' WHERE execution_id = :id), qr/^completed/ ],
	[ 'long text', $task, q(UPDATE agent_studio.executions SET task = repeat('Poison. ', 5000000) WHERE execution_id = :id), qr/^completed/ ],
	[ 'plan', $own_run, sprintf($versions, q('{}')), qr/^failed \|/ ],
	[ 'plan without steps', $own_run, sprintf($versions, q('{"steps": []}')), qr/^failed \|/ ],
	[ 'plan of numbers', $own_run, sprintf($versions, q('{"pattern": 7, "steps": [1, 2, 3]}')), qr/^failed \|/ ],
	[ 'plan in a circle', $own_run, sprintf($versions, q(jsonb_set(v.definition, '{steps,0,inputs}', '{"x": "two.output"}'))), qr/^failed \|/ ],
	[ 'plan step', $run, 'UPDATE agent_studio.steps SET plan_step = 77 WHERE execution_id = :id', qr/^failed \|/ ],
	[ 'outputs', $run, q(UPDATE agent_studio.steps SET outputs = '[[[1]]]' WHERE execution_id = :id), qr/^completed/ ],
	[ 'inputs', $run, q(UPDATE agent_studio.executions SET inputs = '{"mark": {"a": [null]}}' WHERE execution_id = :id), qr/^completed/ ],
	[ 'agents', $run, q(UPDATE agent_studio.executions SET agents = '{"worker": "one", "7": null}' WHERE execution_id = :id), qr/^failed \|/ ],
);

for my $kind (@kinds)
{
	my ($name, $submit, $spoil, $words) = @$kind;
	my ($word) = $name =~ s/ /-/gr;
	my $id = sql($node, 'BEGIN; ' . sprintf($submit, $word) . "\n$spoil; COMMIT; SELECT :id");

	($id) = $id =~ /(\d+)\s*\z/;
	is(run_task($node, "After $name.")->{status}, 'completed', "$name: other work goes on");
	my $ended = sql($node, "SELECT agent_studio.as_wait($id) \\gset \n SELECT concat_ws(' | ', status, error_class, error_message) FROM agent_studio.executions WHERE execution_id = $id");
	like($ended, $words, "$name: it fails, or does what can be done");
}

# ---------- commands ----------

# What it says that it wants is not what it can be; those beside it are applied.
for my $arguments ('{"timeout_seconds": "soon", "immediately": 7}', '{"timeout_seconds": 1e300, "outputs": [1]}', '{"immediately": null}')
{
	my @ids = map { submit($node, "\@mock stall=1\nCommanded $_.") } 1 .. 2;

	$model->await('in_flight=2', 'Commanded');
	sql($node, "BEGIN; INSERT INTO agent_studio.commands (execution_id, wanted, actor, owner, arguments) VALUES ($ids[0], 'pause', 'postgres', 'postgres', '$arguments');
		SELECT agent_studio.as_cancel($ids[1]); COMMIT");
	is(outcome($node, $ids[1])->{status}, 'canceled', "a command with $arguments keeps no other from being applied");
	wait_until(sub { sql($node, "SELECT count(*) FROM agent_studio.commands WHERE applied_at IS NULL") == 0 }, 'nor is it tried for ever');
	sql($node, "SELECT agent_studio.as_cancel($ids[0])");
	is(outcome($node, $ids[0])->{status}, 'canceled', 'and its execution can be canceled');
	$model->reset;
}

is(sql($node, 'SELECT count(*) FROM agent_studio.queue'), 0, 'nothing is left in the queue');
is(sql($node, 'SELECT count(*) FROM agent_studio.executions WHERE finished_at IS NULL'), 0, 'nor unfinished');
is(worker_pid($node, 'executor'), $executor, 'all by the same executor');
finish_studio($node, $model);
done_testing();
