# Alerts: every situation raises its own, and every remedy can be executed and helps.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use GuideWorkflows;
use JSON::PP qw(encode_json);
use Test::More;

my $model = start_model_server();
my $node = start_studio('alerts', $model);

sub alert { my ($where) = @_; return sql($node, "SELECT kind FROM agent_studio.alerts WHERE $where"); }
sub alerts_of { my ($id) = @_; return join ' ', split /\n/, sql($node, "SELECT kind FROM agent_studio.alerts WHERE execution_id = $id ORDER BY 1"); }

# Executes the remedies of some alerts as psql does; all have to succeed.
sub remedy
{
	my ($where, $what) = @_;
	my ($code, $output, $error) = $node->psql('postgres', "SELECT remedy FROM agent_studio.alerts WHERE $where \\gexec");

	is("$code$error", '0', "the remedy is executed: $what");
	return $output;
}

is(alert('true'), '', 'no alerts where all is well');

# A task that failed: the same again, and the alert is gone.
my $failed = run_task($node, "\@mock status=401 times=1 key=again\nFail once.")->{execution_id};
is(alerts_of($failed), 'failed', 'a failed task');
like(sql($node, "SELECT message FROM agent_studio.alerts WHERE execution_id = $failed"), qr/^worker failed: authentication: /, 'with its error');
my $clone = remedy("execution_id = $failed", 'a failed task');
is(outcome($node, $clone)->{status}, 'completed', 'the clone completes');
is(alerts_of($failed), '', 'and the alert is gone');

# A workflow that failed is tried again where it did.
create_workflow($node, 'one-step-sequential-dev', 'sequential', { settings => { retry => { max_retries => 0 } },
	steps => [ { name => 'only', agent => 'worker', task => "\@mock status=503 times=1 key=flow\nFail once." } ] });
my $run = run_workflow($node, 'one-step-sequential-dev');
is($run->{status}, 'failed', 'the workflow fails');
is(alerts_of($run->{execution_id}), 'failed', 'and raises an alert');
remedy("execution_id = $run->{execution_id}", 'a failed workflow');
wait_for_status($node, $run->{execution_id}, 'completed');
is(alerts_of($run->{execution_id}), '', 'tried again, it has completed');

# A step that waits for approval.
create_workflow($node, 'asking-sequential-dev', 'sequential', { steps => [ { name => 'asks', agent => 'worker', task => 'Ask first.', approval => { by => 'postgres', message => 'May I?' } } ] });
my $asking = start_workflow($node, 'asking-sequential-dev');
wait_for_status($node, $asking, 'waiting_approval');
is(alerts_of($asking), 'approval', 'a step that waits for approval');
remedy("execution_id = $asking", 'an approval');
wait_for_status($node, $asking, 'completed');

# One that is held for review because it ran out of time is accepted.
create_workflow($node, 'partial-sequential-dev', 'sequential', { steps => [
	{ name => 'late', agent => 'worker', task => "\@mock chunks=20 stall=10 tokens=200\nRun out of time.", timeout_seconds => 1, on_timeout => 'partial', retry => { max_retries => 0 } } ] });
my $partial = start_workflow($node, 'partial-sequential-dev');
wait_until(sub { sql($node, "SELECT finished_at IS NOT NULL FROM agent_studio.executions WHERE execution_id = $partial") eq 't' }, 'it runs out of time');
isnt(alerts_of($partial), '', 'what ran out of time raises an alert');
remedy("execution_id = $partial", 'a manual review or failure');

# Near its timeout, and slow.
my $slow = submit($node, "\@mock stall=1 chunks=4 tokens=100\nHang.", arguments => 'timeout_seconds => 2000');
wait_until(sub { status_of($node, $slow) eq 'running' }, 'it runs');
is(alerts_of($slow), '', 'what has just begun is not slow');
sql($node, "UPDATE agent_studio.steps SET sent_at = sent_at - interval '1700 seconds' WHERE execution_id = $slow");
is(alerts_of($slow), 'timeout', 'four fifths of its time are over');
sql($node, "UPDATE agent_studio.executions SET started_at = started_at - interval '1700 seconds' WHERE execution_id = $slow");
is(alerts_of($slow), 'slow timeout', 'and it takes longer than usual');
remedy("execution_id = $slow AND kind = 'slow'", 'a slow one');
is(outcome($node, $slow)->{status}, 'canceled', 'it is canceled');
is(alerts_of($slow), '', 'and alerts no more');

# Quotas: our own limit is raised, before the vendor's fewer go at once.
sql($node, "SELECT agent_studio.as_create_model('o''clock', 'mock', deployment => 'mock', requests_per_minute => 5); SELECT agent_studio.as_create_agent('busy', 'builder', 'o''clock')");
run_task($node, "Use up the quota $_.", agent => 'busy') for 1 .. 5;
is(alert("kind = 'quota'"), 'quota', 'a quota that is used up');
remedy("kind = 'quota'", 'a quota of our own');
is(sql($node, q(SELECT requests_per_minute FROM agent_studio.models WHERE name = 'o''clock')), 10, 'the limit is raised');
is(alert("kind = 'quota'"), '', 'and is not used up any more');
run_task($node, "\@mock ratelimit=100/5/50s\nNear the vendor's limit.");
is(alert("kind = 'quota'"), 'quota', 'a quota of the vendor');
remedy("kind = 'quota'", 'a quota of the vendor');
is(sql($node, q(SELECT max_concurrency FROM agent_studio.models WHERE name = 'mock')), 1, 'fewer go at once');

# Rows that are not in the queue: as after a restore.
my $restored = sql($node, <<"SQL");
BEGIN;
SELECT agent_studio.as_execute_task('worker', 'Restored.') AS id \\gset
DELETE FROM agent_studio.queue WHERE execution_id = :id;
COMMIT;
SELECT :id;
SQL
is(alert("kind = 'restored'"), 'restored', 'restored work');
remedy("kind = 'restored'", 'restored work');
is(outcome($node, $restored)->{status}, 'completed', 'it is released');

# Who sees an alert and may act, can execute its remedy; who may not, is told so.
sql($node, <<'SQL');
CREATE ROLE alice; CREATE ROLE olga; CREATE ROLE anna; CREATE ROLE mona;
GRANT agent_studio_user TO alice; GRANT agent_studio_operator TO olga; GRANT agent_studio_admin TO anna; GRANT agent_studio_monitor TO mona;
SQL

sub by { my ($role, $query) = @_; return (split /\n/, sql($node, "SET ROLE $role; $query"))[-1]; }
sub sees { my ($role, $where) = @_; return by($role, "SELECT string_agg(DISTINCT kind, ' ') FROM agent_studio.alerts WHERE $where") // ''; }
sub remedies_by { my ($role, $where) = @_; return "SET ROLE $role;\nSELECT remedy FROM agent_studio.alerts WHERE $where \\gexec"; }

# The role sees the alert and executes its remedy.
sub resolves
{
	my ($role, $where, $kind) = @_;
	is(sees($role, $where), $kind, "$role sees it: $kind");
	my ($code, $output, $error) = $node->psql('postgres', remedies_by($role, $where));

	is("$code$error", '0', "and executes the remedy");
	return $output;
}

# The role sees the alert, and is refused.
sub is_refused
{
	my ($role, $where, $kind, $words) = @_;
	is(sees($role, $where), $kind, "$role sees it: $kind");
	like(sql_error($node, remedies_by($role, $where)), qr/ERROR:  42501: $words/, 'but may not do it, and is told so');
	return;
}

# A workflow of Alice's with one step, and an execution of it.
sub of_alice
{
	my ($name, $step, $status) = @_;
	by('alice', 'SELECT agent_studio.as_create_workflow(' . GuideWorkflows::quoted("$name-sequential-dev") . ", 'sequential', "
		. GuideWorkflows::quoted(encode_json({ settings => { retry => { max_retries => 0 } }, steps => [ { name => 'only', agent => 'worker', %$step } ] })) . ')');
	my $id = by('alice', "SELECT agent_studio.as_run_workflow('$name-sequential-dev')");
	wait_for_status($node, $id, $status);
	return $id;
}
my $denied = 'permission denied for function';

# A failed task is submitted again by its owner, or by an operator.
my $hers = by('alice', "SELECT agent_studio.as_execute_task('worker', E'\@mock status=401 times=1 key=hers\\nFail once.')");
is(outcome($node, $hers)->{status}, 'failed', 'a task of a user fails');
is_refused('mona', "execution_id = $hers", 'failed', $denied);
is(outcome($node, resolves('olga', "execution_id = $hers", 'failed'))->{owner}, 'olga', 'the operator has the same work done');
is(outcome($node, resolves('alice', "execution_id = $hers", 'failed'))->{status}, 'completed', 'so has she');
is(sees('alice', "execution_id = $hers") . sees('mona', "execution_id = $hers"), '', 'and the alert is gone for all');

# A failed workflow is tried again where it did.
for my $role ('alice', 'olga')
{
	my $id = of_alice("failing-$role", { task => "\@mock status=503 times=1 key=failing-$role\nFail once." }, 'failed');
	is_refused('mona', "execution_id = $id", 'failed', $denied);
	resolves($role, "execution_id = $id", 'failed');
	wait_for_status($node, $id, 'completed');
	is(sees($role, "execution_id = $id"), '', 'and it alerts no more');
}

# What ran out of time goes on as is recommended.
for my $role ('alice', 'olga')
{
	my $id = of_alice("late-$role", { task => "\@mock chunks=20 stall=10 tokens=200\nRun out of time.", timeout_seconds => 1, on_timeout => 'partial' }, 'requires_manual_review');
	is_refused('mona', "execution_id = $id", 'review', $denied);
	resolves($role, "execution_id = $id", 'review');
	wait_until(sub { sql($node, "SELECT outcome FROM agent_studio.commands WHERE execution_id = $id AND actor = '$role'") eq 'applied' }, 'and it is applied');
}

# An approval is the approver's; the others are shown where it stands.
my $waiting = of_alice('asked', { task => 'Ask first.', approval => { by => 'alice', message => 'May I?' } }, 'waiting_approval');
like(resolves('mona', "execution_id = $waiting", 'approval'), qr/waits for alice/, 'a monitor is shown whom it waits for');
is(status_of($node, $waiting), 'waiting_approval', 'and that approves nothing');
resolves('alice', "execution_id = $waiting", 'approval');
wait_for_status($node, $waiting, 'completed');

# What is near its timeout is canceled.
for my $role ('alice', 'olga')
{
	my $id = by('alice', "SELECT agent_studio.as_execute_task('worker', E'\@mock stall=1 chunks=4 tokens=100\\nHang.', timeout_seconds => 2000)");
	wait_until(sub { status_of($node, $id) eq 'running' }, 'it runs');
	sql($node, "UPDATE agent_studio.steps SET sent_at = sent_at - interval '1700 seconds' WHERE execution_id = $id");
	is_refused('mona', "execution_id = $id", 'timeout', $denied);
	resolves($role, "execution_id = $id", 'timeout');
	is(outcome($node, $id)->{status}, 'canceled', 'it is canceled');
}

# Models, budgets and restored work are the administrators'.
sql($node, "SELECT agent_studio.as_create_model('narrow', 'mock', deployment => 'mock', requests_per_minute => 5); SELECT agent_studio.as_create_agent('narrow', 'builder', 'narrow', visibility => 'shared')");
run_task($node, "Use up the quota $_.", agent => 'narrow') for 1 .. 5;
my $narrow = "kind = 'quota' AND message ~ 'narrow'";
is_refused($_, $narrow, 'quota', "$denied as_update_model") for 'alice', 'olga', 'mona';
resolves('anna', $narrow, 'quota');
is(sees('anna', $narrow), '', 'the administrator has raised the limit');

by('alice', "SELECT agent_studio.as_set_budget('user:alice', 0.0001)");
by('anna', "SELECT agent_studio.as_set_budget('agent:worker', 0.0001)");
my ($own, $agents) = ("kind = 'budget' AND message ~ 'alice'", "kind = 'budget' AND message ~ 'worker'");
wait_until(sub { sees('alice', $own) eq 'budget' && sees('anna', $agents) eq 'budget' }, 'budgets are used up');
is_refused('olga', $agents, 'budget', 'role "olga" may not set the budget of agent:worker');
is_refused('mona', $own, 'budget', $denied);
resolves('alice', $own, 'budget');
resolves('anna', $agents, 'budget');
is(sees('anna', "kind = 'budget'"), '', 'and they hold again');

my $copied = (split /\n/, sql($node, <<"SQL"))[-1];
BEGIN;
SET ROLE alice;
SELECT agent_studio.as_execute_task('worker', 'Copied.') AS id \\gset
RESET ROLE;
DELETE FROM agent_studio.queue WHERE execution_id = :id;
COMMIT;
SELECT :id;
SQL
is_refused($_, "kind = 'restored'", 'restored', "$denied as_release_restored") for 'alice', 'olga', 'mona';
resolves('anna', "kind = 'restored'", 'restored');
is(outcome($node, $copied)->{status}, 'completed', 'the administrator releases it');

# No executor.
sql($node, q(ALTER SYSTEM SET agent_studio.databases = ''; ));
sql($node, 'SELECT pg_reload_conf()');
wait_until(sub { alert("kind = 'executor'") eq 'executor' }, 'without an executor there is an alert');
like(remedy("kind = 'executor'", 'no executor'), qr/ALTER SYSTEM SET agent_studio\.databases/, 'which leads to the remedy');
like(resolves($_, "kind = 'executor'", 'executor'), qr/ALTER SYSTEM SET agent_studio\.databases/, 'which everybody may look at') for 'alice', 'mona';
sql($node, 'ALTER SYSTEM RESET agent_studio.databases');
sql($node, 'SELECT pg_reload_conf()');
wait_for_executor($node);
wait_until(sub { alert("kind = 'executor'") eq '' }, 'with one there is none');
is(sql($node, "SELECT count(*) FROM agent_studio.alerts WHERE kind NOT IN ('quota', 'failed', 'review')"), 0, 'all else is dealt with');
is(sql($node, "SELECT bool_and(remedy ~ ';\$' AND remedy !~ E'\\n' AND message !~ E'[\\\\x01-\\\\x1f]') FROM agent_studio.alerts"), 't', 'remedies are whole statements, messages lines');

finish_studio($node, $model);
done_testing();
