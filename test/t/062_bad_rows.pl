# Rows that cannot be written, by whatever a superuser has done to the tables: the
# step that they belong to fails with the error's words, and all others go on.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use Test::More;

my $model = start_model_server();
my $node = start_studio('bad_rows', $model);
my $executor = wait_for_executor($node);
my $gets_on = qr/^t\|its transactions succeed/;

# Triggers that raise for one execution, whose id is in table bad.
sql($node, <<'SQL');
CREATE TABLE bad (execution_id bigint PRIMARY KEY);
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF EXISTS (SELECT FROM public.bad b WHERE b.execution_id = OLD.execution_id) THEN
		RAISE EXCEPTION 'row % of % is bad', OLD.execution_id, TG_TABLE_NAME;
	END IF;
	RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
SQL

# Makes rows of a table bad, at the events given, for a while.
sub refuse_in
{
	my ($table, $events, $when) = @_;

	sql($node, "CREATE TRIGGER refuse BEFORE $events ON agent_studio.$table FOR EACH ROW WHEN (" . ($when // 'true') . ') EXECUTE FUNCTION refuse()');
	return;
}

sub allow_in { my ($table) = @_; sql($node, "DROP TRIGGER refuse ON agent_studio.$table; TRUNCATE bad"); return; }

# Submits good tasks with a bad one among them, in one transaction: one turn finds them all.
sub submit_around_bad
{
	my ($mark, $bad_task) = @_;

	return sql($node, <<"SQL");
WITH submitted AS MATERIALIZED (
	SELECT i, agent_studio.as_execute_task('worker', CASE WHEN i = 3 THEN E'$bad_task' ELSE '' END || 'Around a bad one: $mark ' || i) AS id
	FROM generate_series(1, 6) i),
marked AS (INSERT INTO bad SELECT id FROM submitted WHERE i = 3)
SELECT id FROM submitted WHERE i = 3
SQL
}

sub good_ones { my ($mark) = @_; return sql($node, "SELECT string_agg(DISTINCT status, ',') FROM agent_studio.executions WHERE task LIKE '%: $mark %' AND task NOT LIKE '% 3'"); }

sub good_complete
{
	my ($mark) = @_;

	wait_until(sub { good_ones($mark) eq 'completed' }, "$mark: the good ones end");
	is(good_ones($mark), 'completed', "$mark: the others complete");
	return;
}

sub failed_as_internal
{
	my ($id, $mark, $words) = @_;
	my $run = outcome($node, $id);

	is("$run->{status} $run->{error_class}", 'failed internal', "$mark: the bad one has failed");
	like($run->{error_message}, $words, "$mark: with the error's words");
	return $run;
}

# ---------- a claim ----------

refuse_in('steps', 'UPDATE', "NEW.state = 'running'");
my $id = submit_around_bad('claim', '');
good_complete('claim');
my $run = failed_as_internal($id, 'claim', qr/^the step could not be claimed: row $id of steps is bad/);
is($run->{attempts}, 0, 'claim: no attempt was made');
is($model->count('Around a bad one: claim 3'), 0, 'claim: and no request');
allow_in('steps');

# ---------- a value that no column can take ----------

sql($node, "ALTER TABLE agent_studio.executions ADD CONSTRAINT bad CHECK (task NOT LIKE '%forbidden%' OR status <> 'running')");
$id = submit($node, 'This is forbidden.');
like(failed_as_internal($id, 'constraint', qr/violates check constraint "bad"/)->{error_hint}, qr/server log/, 'constraint: a hint says where to look');
is(run_task($node, 'After it.')->{status}, 'completed', 'constraint: other work goes on');
sql($node, "ALTER TABLE agent_studio.executions DROP CONSTRAINT bad");

# ---------- a result, whose failure cannot be written either ----------

$id = submit($node, "\@mock first_byte=300000\nStreams, then turns bad.");
$model->await('in_flight=1', 'then turns bad');
refuse_in('steps', 'UPDATE');
sql($node, "INSERT INTO bad VALUES ($id)");
sql($node, "SELECT agent_studio.as_cancel($id)");
wait_until(sub { sql($node, "SELECT outcome FROM agent_studio.commands WHERE execution_id = $id") eq 'refused' }, 'the cancel is refused');
like(sql($node, "SELECT reason FROM agent_studio.commands WHERE execution_id = $id"), qr/could not be applied: row $id of steps is bad/, 'result: the cancel says why it failed');
is(run_task($node, 'After the bad result.')->{status}, 'completed', 'result: other work goes on');
is(sql($node, "SELECT count(*) FROM agent_studio.queue WHERE execution_id = $id"), 0, 'result: the bad one is out of the queue');
like(as_check($node, 'restored work'), qr/^f\|1 steps/, 'result: as_check tells of it');
like(as_check($node, 'executor gets on'), $gets_on, 'result: and of no further trouble');
allow_in('steps');
sql($node, "SELECT agent_studio.as_release_restored(); SELECT agent_studio.as_cancel($id)");
is(outcome($node, $id)->{status}, 'canceled', 'result: mended, it can be dealt with');

# ---------- a claim whose failure cannot be written either ----------

refuse_in('steps', 'UPDATE');
$id = submit_around_bad('unwritable', '');
good_complete('unwritable');
wait_until(sub { sql($node, "SELECT count(*) FROM agent_studio.queue WHERE execution_id = $id") == 0 }, 'it is taken out of the queue');
is(status_of($node, $id), 'queued', 'unwritable: the bad one stays as it was');
like(as_check($node, 'restored work'), qr/^f\|1 steps.*as_release_restored/, 'unwritable: as_check tells of it, and how to go on');
allow_in('steps');
sql($node, 'SELECT agent_studio.as_release_restored()');
is(outcome($node, $id)->{status}, 'completed', 'unwritable: mended and released, it completes');

# ---------- a row of the queue that cannot be touched at all ----------

refuse_in('queue', 'UPDATE OR DELETE');
$id = submit_around_bad('untouchable', '');
good_complete('untouchable');
wait_until(sub { as_check($node, 'executor gets on') =~ /^f\|/ }, 'as_check tells of it');
like(as_check($node, 'executor gets on'), qr/^f\|\d+ transactions in a row failed: row $id of queue is bad\|.*server log/, 'untouchable: as_check tells of turns that fail again and again');
is(run_task($node, 'Beside the untouchable.')->{status}, 'completed', 'untouchable: new work goes on');
allow_in('queue');
is(outcome($node, $id)->{status}, 'completed', 'untouchable: mended, it completes by itself');
wait_until(sub { as_check($node, 'executor gets on') =~ $gets_on }, 'as_check tells no more of it');

# ---------- the same, when it has its result ----------

refuse_in('queue', 'DELETE');
$id = submit_around_bad('kept', '');
good_complete('kept');
wait_until(sub { as_check($node, 'executor gets on') =~ /^f\|/ }, 'as_check tells of it');
is(run_task($node, 'Beside the kept.')->{status}, 'completed', 'kept: new work goes on');
my $busy = submit($node, "\@mock stall=1\nTo be canceled beside the kept.");
$model->await('in_flight=1', 'To be canceled beside the kept');
sql($node, "SELECT agent_studio.as_cancel($busy)");
is(outcome($node, $busy)->{status}, 'canceled', 'kept: what people want is done');
is(status_of($node, $id), 'running', 'kept: the bad one waits');
allow_in('queue');
$run = outcome($node, $id);
is("$run->{status} $run->{attempts}", 'completed 1', 'kept: mended, its result is written');
wait_until(sub { as_check($node, 'executor gets on') =~ $gets_on }, 'as_check tells no more of it');

# ---------- a trigger that changes what is to be written ----------

sql($node, <<'SQL');
ALTER TABLE agent_studio.executions ADD seen boolean;
CREATE FUNCTION interfere() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	UPDATE agent_studio.executions e SET seen = true WHERE e.execution_id = NEW.execution_id AND e.task LIKE 'Interferes%';
	RETURN NEW;
END $$;
CREATE TRIGGER interfere BEFORE UPDATE ON agent_studio.steps FOR EACH ROW WHEN (NEW.state = 'completed') EXECUTE FUNCTION interfere();
SQL
$id = submit($node, 'Interferes.');
is(run_task($node, 'Beside it.')->{status}, 'completed', 'interfering: other work goes on');
failed_as_internal($id, 'interfering', qr/a trigger has changed a row of table "executions" that was to be written/);
sql($node, 'DROP TRIGGER interfere ON agent_studio.steps; ALTER TABLE agent_studio.executions DROP seen');

# ---------- results that cannot be written, for whatever reason ----------

my $session = $node->background_psql('postgres');
$session->query_safe('BEGIN; LOCK TABLE agent_studio.attempts IN ACCESS EXCLUSIVE MODE');
$id = submit($node, 'Waits for a lock.');
wait_until(sub { as_check($node, 'executor gets on') =~ /^f\|/ }, 'as_check tells of it');
like(as_check($node, 'executor gets on'), qr/lock timeout/, 'lock: as_check tells what the trouble is');
$session->query_safe('COMMIT');
is(outcome($node, $id)->{status}, 'completed', 'lock: the result was kept');
wait_until(sub { as_check($node, 'executor gets on') =~ $gets_on }, 'and as_check tells no more of it');
$session->quit;
is(worker_pid($node, 'executor'), $executor, 'all by the same executor');

# ---------- recovery ----------

$id = submit_around_bad('recovery', '@mock first_byte=300000\n');
$model->await('in_flight=1', 'recovery 3');
good_complete('recovery');
my $other = submit($node, "\@mock text=abc stall=1 times=1 key=other\nRecovered beside it.");
$model->await('in_flight=1', 'Recovered beside it');
refuse_in('steps', 'UPDATE');
flush_wal($node);
kill_server($node);
wait_for_executor($node);
is(outcome($node, $other)->{status}, 'completed', 'recovery: a step that cannot be recovered does not keep the executor from starting');
like(as_check($node, 'restored work'), qr/^f\|1 steps/, 'recovery: as_check tells of the bad one');
allow_in('steps');
sql($node, "SELECT agent_studio.as_release_restored(); SELECT agent_studio.as_cancel($id)");
is(outcome($node, $id)->{status}, 'canceled', 'recovery: mended, it can be dealt with');

finish_studio($node, $model);
done_testing();
