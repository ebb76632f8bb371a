# The role that owns work is dropped while it is under way: nobody is in the way of DROP ROLE,
# what is in flight ends, nothing is sent for it any more, and made anew it goes on.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use Test::More;

my $model = start_model_server();
my $node = start_studio('roles', $model);

sub as_role { my ($role, $query) = @_; return sql($node, "SET ROLE $role; $query"); }
sub step_states { my ($id) = @_; return sql($node, "SELECT string_agg(name || ' ' || state || coalesce(' ' || error_class, ''), ', ' ORDER BY step_no) FROM agent_studio.steps WHERE execution_id = $id"); }

sql($node, 'CREATE ROLE alice LOGIN IN ROLE agent_studio_user; CREATE ROLE bob LOGIN IN ROLE agent_studio_user; CREATE ROLE boss LOGIN IN ROLE agent_studio_admin');
sql($node, "SELECT agent_studio.as_create_model('single', 'mock', deployment => 'mock', max_concurrency => 1)");
sql($node, "GRANT USAGE ON FOREIGN DATA WRAPPER agent_studio TO alice; GRANT CREATE ON DATABASE postgres TO alice");
as_role('alice', "CREATE SERVER hers TYPE 'openai' FOREIGN DATA WRAPPER agent_studio OPTIONS (url 'https://hers.example.com')");
as_role('alice', "SELECT agent_studio.as_create_agent('single', 'builder', 'single', visibility => 'shared')");
as_role('alice', q(SELECT agent_studio.as_create_workflow('two-sequential-dev', 'sequential', '{"steps": [
	{"name": "one", "agent": "worker", "task": "@mock gate=roles\nStep one."}, {"name": "two", "agent": "worker", "task": "Step two."}]}', visibility => 'shared')));
as_role('alice', q(SELECT agent_studio.as_create_workflow('asks-sequential-dev', 'sequential', '{"steps": [
	{"name": "make", "agent": "worker", "task": "Make it.", "approval": {"by": "bob"}}, {"name": "ship", "agent": "worker", "task": "Ship it."}]}')));
sql($node, "SELECT agent_studio.as_set_budget('user:alice', 100, 'month', 'refuse'); SELECT agent_studio.as_grant('single', 'alice', 'modify')");
sql($node, q(INSERT INTO agent_studio.schedules (name, cron, workflow, owner) VALUES ('hers', '0 3 * * *', 'two-sequential-dev', 'alice'); INSERT INTO agent_studio.schedule_jobs SELECT schedule_id, 'job' FROM agent_studio.schedules));

my $running = as_role('alice', q(SELECT agent_studio.as_execute_task('single', E'@mock gate=roles\nRunning.')));
$model->await('in_flight=1', 'Running.');
my $queued = as_role('alice', q(SELECT agent_studio.as_execute_task('single', 'Queued.')));
my $two = as_role('alice', "SELECT agent_studio.as_run_workflow('two-sequential-dev')");
my $asks = as_role('alice', "SELECT agent_studio.as_run_workflow('asks-sequential-dev')");
$model->await('in_flight=1', 'Step one.');
wait_until(sub { status_of($node, $asks) eq 'waiting_approval' }, 'a step waits for a word');

# ---------- dropped ----------

like(sql_error($node, 'DROP ROLE alice'), qr/2BP01.*owner of server hers/s, 'a server of hers is in the way, as any object is');
sql($node, 'REASSIGN OWNED BY alice TO bob; DROP OWNED BY alice; DROP ROLE alice');
pass('what she has under way is not');
is(as_check($node, 'owners exist'), 'f|missing roles own 4 unfinished executions: alice|CREATE ROLE alice; or as_cancel those executions.', 'as_check says whose work is left');
$model->open_gate('roles');
is(outcome($node, $running)->{status}, 'completed', 'the call in flight ends, and its result is kept');
my $run = outcome($node, $queued);
is("$run->{status} $run->{error_class} $run->{error_message}", 'failed permission role "alice" does not exist', 'what was queued is not sent');
is(outcome($node, $two)->{status}, 'failed', 'a workflow ends its step');
is(step_states($two), 'one completed, two failed permission', 'and begins no other');
as_role('bob', "SELECT agent_studio.as_approve($asks, 'make')");
is(outcome($node, $asks)->{status}, 'failed', 'nor does one that was approved');
is($model->count('Queued.') . $model->count('Step two.') . $model->count('Ship it.'), '000', 'nothing was sent for her');
is(sql($node, "SELECT agent_studio.as_run_schedule('hers') IS NULL; SELECT last_error FROM agent_studio.schedules"), qq(t\nits owner, role "alice", does not exist), 'her schedule starts nothing, and says why');

# Everybody else goes on, with what was hers too.
is(outcome($node, as_role('bob', q(SELECT agent_studio.as_execute_task('single', 'Of bob.'))))->{status}, 'completed', 'others use her shared agents');
is(outcome($node, as_role('bob', "SELECT agent_studio.as_run_workflow('two-sequential-dev')"))->{status}, 'completed', 'and workflows');
is(as_role('boss', "SELECT agent_studio.as_update_agent('single', description => 'Nobody''s.')"), '1.0.0', 'an admin can change them');
my ($code, $output, $said) = $node->psql('postgres', join('', map { "SELECT * FROM agent_studio.$_ \\g /dev/null\n" } qw(alerts budget_status active_executions execution_history agent_performance pending_approvals))
	. "SELECT agent_studio.as_dashboard_html() \\g /dev/null\nSELECT agent_studio.as_report_html($two) \\g /dev/null\n");
is("$code $said", '0 ', 'every view of it can be read');

# ---------- made anew ----------

sql($node, 'CREATE ROLE alice LOGIN IN ROLE agent_studio_user');
as_role('alice', "SELECT agent_studio.as_retry_step($two, 'two')");
as_role('alice', "SELECT agent_studio.as_retry_step($asks, 'make')");
is(outcome($node, $_)->{status}, 'completed', "made anew, execution $_ is tried again, and completes") for $two;
wait_until(sub { status_of($node, $asks) eq 'waiting_approval' }, 'the step waits for a word again');
as_role('bob', "SELECT agent_studio.as_approve($asks, 'make')");
is(outcome($node, $asks)->{status}, 'completed', 'so does what had been approved, with a word for it');
is(outcome($node, as_role('alice', "SELECT agent_studio.as_clone($queued)"))->{status}, 'completed', 'a task is submitted again');
is($model->count('Step one.'), 2, 'what had ended was not sent again');
like(as_check($node, 'owners exist'), qr/^t/, 'as_check is content');

finish_studio($node, $model);
done_testing();
