# Rows are written without statements: what a superuser has done to the tables holds for them all the same.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use GuideWorkflows;
use Test::More;

my $model = start_model_server();
my $node = start_studio('rows', $model);
my $executor = wait_for_executor($node);

create_workflow($node, 'four', 'sequential', { steps => [ map { { name => "step-$_", agent => 'worker', task => "Go on: $_." } } 1 .. 4 ] });

sub waits { wait_until(sub { sql($node, "SELECT count(*) FROM pg_stat_activity WHERE pid = $executor AND wait_event_type = 'Lock'") }, 'the executor waits for a lock'); return; }

# A task whose answer comes when its gate is opened.
sub submit_gated
{
	my ($gate) = @_;
	my $id = submit($node, "\@mock gate=$gate\nBehind gate $gate.");

	$model->await('in_flight=1', "Behind gate $gate");
	return $id;
}

# A session that has changed a task's row of a table, and keeps it.
sub change_row
{
	my ($table, $id) = @_;
	my $session = $node->background_psql('postgres');

	$session->query_safe("BEGIN; UPDATE agent_studio.$table SET task = task WHERE execution_id = $id");
	return $session;
}

sub commit { my ($session) = @_; $session->query_safe('COMMIT'); $session->quit; return; }

# ---------- columns of somebody else's ----------

sql($node, 'ALTER TABLE agent_studio.attempts ADD mark int NOT NULL DEFAULT 7, ADD next_step int GENERATED ALWAYS AS (step_no + 1) STORED, ADD gone int;'
	. ' ALTER TABLE agent_studio.attempts DROP gone');
my $run = run_workflow($node, 'four');
is($run->{status}, 'completed', 'a table with other columns is written');
is(sql($node, "SELECT string_agg(concat_ws(' ', mark, step_no, next_step), ', ' ORDER BY step_no) FROM agent_studio.attempts WHERE execution_id = $run->{execution_id}"),
	'7 1 2, 7 2 3, 7 3 4, 7 4 5', 'they have their defaults, and what is generated');

# ---------- triggers ----------

sql($node, q(ALTER TABLE agent_studio.executions ADD seen int;
CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	UPDATE agent_studio.executions e SET seen = coalesce(e.seen, 0) + 1 WHERE e.execution_id = NEW.execution_id;
	RETURN NULL;
END $$;
CREATE TRIGGER see AFTER UPDATE ON agent_studio.steps FOR EACH ROW WHEN (NEW.state = 'completed') EXECUTE FUNCTION see()));
$run = run_workflow($node, 'four');
is("$run->{status} $run->{seen}", 'completed 4', 'a trigger for each row may change other rows of ours');
sql($node, 'DROP TRIGGER see ON agent_studio.steps; ALTER TABLE agent_studio.executions DROP seen');

# One that swallows a change leaves no half of it.
sql($node, q(CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER swallow BEFORE UPDATE ON agent_studio.steps FOR EACH ROW WHEN (NEW.state = 'completed' AND NEW.name = 'task') EXECUTE FUNCTION swallow()));
$run = run_task($node, 'Swallowed.');
is("$run->{status} $run->{error_class}", 'failed internal', 'a trigger that keeps a step from being changed fails it');
like($run->{error_message}, qr/a trigger keeps a row of agent_studio\.steps from being changed/, 'and is named');
sql($node, 'DROP TRIGGER swallow ON agent_studio.steps; DROP FUNCTION swallow()');
is(run_workflow($node, 'four')->{status}, 'completed', 'others are not concerned');


# ---------- rows that somebody changes at the same moment ----------

my $id = submit_gated('races');
my @sessions = map { change_row($_, $id) } qw(steps executions);
$model->open_gate('races');
foreach my $session (@sessions)
{
	waits();
	commit($session);
}
$run = outcome($node, $id);
is("$run->{status} $run->{attempts}", 'completed 1', 'a result is kept until its rows are nobody else\'s');

sql($node, q(CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER keep BEFORE UPDATE ON agent_studio.executions FOR EACH ROW EXECUTE FUNCTION keep()));
$id = submit_gated('trigger');
my $session = change_row('executions', $id);
$model->open_gate('trigger');
waits();
commit($session);
$run = outcome($node, $id);
is("$run->{status} $run->{attempts}", 'completed 1', 'also with a trigger that is asked before');
sql($node, 'DROP TRIGGER keep ON agent_studio.executions');

# ---------- publications ----------

sql($node, 'CREATE PUBLICATION everything FOR ALL TABLES');
is(run_workflow($node, 'four')->{status}, 'completed', 'tables may be published');
is(sql($node, <<'SQL'), '1', 'those without a key, too');
UPDATE agent_studio.attempts SET finished_at = finished_at - interval '2 days', sent_at = sent_at - interval '2 days' WHERE execution_id = 1;
UPDATE agent_studio.executions SET finished_at = finished_at - interval '2 days', started_at = started_at - interval '2 days' WHERE execution_id = 1;
SELECT agent_studio.as_roll_up() > 0 AS rolled_up, agent_studio.as_roll_up((now() AT TIME ZONE 'UTC')::date - 2) > 0 AS again \gset
SELECT (:'rolled_up' AND :'again')::int
SQL
is(worker_pid($node, 'executor'), $executor, 'all by the same executor');

finish_studio($node, $model);
done_testing();
