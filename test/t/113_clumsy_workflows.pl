# Workflows as nobody should write them, and hands that do the unexpected: nothing of it
# stops the executor, takes its memory, or leaves an execution where it cannot go on.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use GuideWorkflows;
use Test::More;
use Time::HiRes qw(time);

my $model = start_model_server();
my $node = start_studio('clumsy', $model);
my $executor = wait_for_executor($node);

sub step { my ($name, %more) = @_; return { name => $name, agent => 'worker', task => "\@mock text=ok\nThe $name.", %more }; }

# What the process has used at most: MB.
sub peak_memory
{
	my ($kb) = PostgreSQL::Test::Utils::slurp_file("/proc/$executor/status") =~ /^VmHWM:\s+(\d+) kB$/m;

	return int($kb / 1024);
}

sub run_in_time
{
	my ($seconds, $what, @run) = @_;
	my $begin = time();
	my $id = start_workflow($node, @run);
	my $run;

	wait_until(sub { ($run = picture($node, $id))->{finished_at} }, $what, $seconds);
	cmp_ok(time() - $begin, '<', $seconds, $what);
	return $run;
}

sub of_this { my ($name, $id) = @_; return sql($node, "SELECT state FROM agent_studio.steps WHERE execution_id = $id AND name = '$name' AND iteration = 1"); }

# ---------- many ways ----------

# 40 layers of two specialists, each of which may hand off to both of the next: 2^40 ways.
my @layers = map { my $layer = $_; map { step("s$layer-$_", $layer == 40 ? () : (rules => [
	map { { if => '$iteration == 99', then => 'hand_off', to => 's' . ($layer + 1) . "-$_" } } 0, 1 ])) } 0, 1 } 1 .. 40;
create_workflow($node, 'layers-sequential-dev', 'sequential', { settings => { rollback => \1 }, steps => [
	step('first', rules => [ map { { if => '$iteration == 1', then => 'hand_off', to => "s1-$_" } } 0, 1 ]),
	step('undo', compensates => 'first'), @layers ] });
my $run = run_in_time(30, 'layers of specialists are not walked through way by way', 'layers-sequential-dev');
is($run->{status}, 'completed', 'and it comes to its end');
is(scalar(all_of($run, 'first')), 2, 'the first of them was asked');

# Each step after the 200 before it, the last one first, and none of them is reached.
my @dense = map { my $at = $_; step("s$at", task => 'Never.', after => $at == 0 ? ['choose'] : [ map { "s$_" } ($at < 200 ? 0 : $at - 200) .. $at - 1 ]) } 0 .. 479;
create_workflow($node, 'dense-dynamic-dev', 'dynamic', { steps => [ reverse(@dense), step('first', after => []),
	{ name => 'choose', type => 'decision', after => ['first'], cases => [ { if => '$iteration == 99', to => 's0' } ], else => 'last' }, step('last') ] });
my $id = start_workflow($node, 'dense-dynamic-dev');
wait_until(sub { status_of($node, $id) eq 'completed' }, 'the dense one completes');
my $turn = sql($node, "SELECT extract(epoch FROM last.sent_at - first.finished_at) FROM agent_studio.steps first, agent_studio.steps last
	WHERE first.execution_id = $id AND last.execution_id = $id AND first.name = 'first' AND last.name = 'last'");
cmp_ok($turn, '<', 4, '480 steps with 90,000 ways between them are skipped at one go');

# ---------- memory ----------

# An answer of 1 MB for 100 steps; never all of their tasks at once. Paused, so that nothing is sent.
create_workflow($node, 'fan-parallel-dev', 'parallel', { steps => [
	step('large', task => "\@mock oversize=1000000 gate=large\nLarge."),
	map { step("f$_", after => ['large'], task => "\@mock text=ok\n{large.output}") } 1 .. 100 ] });
$id = start_workflow($node, 'fan-parallel-dev');
wait_for_state($node, $id, 'large', 'running');
sql($node, "SELECT agent_studio.as_pause($id)");
wait_for_status($node, $id, 'paused');
$model->open_gate('large');
wait_for_state($node, $id, 'f100', 'paused');
is(sql($node, "SELECT count(*), min(length(task)) > 1000000 FROM agent_studio.steps WHERE execution_id = $id AND name LIKE 'f%'"), '100|t', 'each has all of it');
note 'peak: ' . peak_memory() . ' MB';
cmp_ok(peak_memory(), '<', 250, 'large tasks are not kept until all of them are made');
sql($node, "SELECT agent_studio.as_cancel($id)");
wait_for_status($node, $id, 'canceled');

create_workflow($node, 'many-names-sequential-dev', 'sequential', { inputs => { many => 'array' }, steps => [
	step('first', inputs => { map { ("v$_" => 'inputs.many') } 1 .. 300 }, rules => [ { if => '$.v1[0] == 5', then => 'fail' } ], on_failure => 'continue'),
	step('second', rules => [ { if => join(' || ', ('$inputs.many[0] == 5') x 300), then => 'fail' } ]) ] });
$run = run_in_time(30, 'a condition is not shown the same 300 times', 'many-names-sequential-dev', { many => [ 1 .. 100_000 ] });
is(states($run), 'completed: first failed, second completed', 'it is the trouble of its step');
is(current($run, 'first')->{error_message}, 'a condition of the workflow would have to look at more than 32 MB', 'and it is said why');
cmp_ok(peak_memory(), '<', 400, 'within bounds');
is(worker_pid($node, 'executor'), $executor, 'it is the same executor');

# ---------- one that runs on demand of two ----------

my $ask_specialist = [ { if => '$iteration == 1', then => 'hand_off', to => 'both', feedback => 'Help.' } ];
create_workflow($node, 'shared-parallel-dev', 'parallel', { steps => [
	step('left', rules => $ask_specialist), step('right', task => "\@mock text=ok gate=right\nThe right.", rules => $ask_specialist),
	step('both', task => "\@mock text=ok gate=both\nFor {left.output}.") ] });
$id = start_workflow($node, 'shared-parallel-dev');
$model->await('in_flight=2');
$model->open_gate('right');
wait_until(sub { sql($node, "SELECT count(*) FROM agent_studio.steps WHERE execution_id = $id AND verdict = 'handed_off'") == 2 }, 'both have handed off');
is(status_of($node, $id), 'running', 'while it works for the first one still, nothing has ended');
$model->open_gate('both');
$run = ended($node, $id);
is(states($run), 'completed: left completed x2, right completed x2, both completed', 'both take what it brought');

create_workflow($node, 'approved-parallel-dev', 'parallel', { steps => [
	step('left', rules => $ask_specialist), step('right', rules => $ask_specialist), step('both', approval => {}) ] });
$id = start_workflow($node, 'approved-parallel-dev');
wait_until(sub { sql($node, "SELECT count(*) FROM agent_studio.steps WHERE execution_id = $id AND verdict = 'handed_off'") == 2 }, 'both hand off');
wait_for_status($node, $id, 'waiting_approval');
is(sql($node, "SELECT count(*) FROM agent_studio.pending_approvals WHERE execution_id = $id"), 1, 'one that waits to be approved is asked for once');
sql($node, "SELECT agent_studio.as_approve($id, 'both')");
is(states(ended($node, $id)), 'completed: left completed x2, right completed x2, both completed', 'and serves both');

# ---------- hands ----------

create_workflow($node, 'undo-sequential-dev', 'sequential', { settings => { rollback => \1 }, steps => [
	step('first'), step('undo', compensates => 'first'), step('second', rules => [ { if => '$iteration == 1', then => 'manual_review' } ]), step('third') ] });
$id = start_workflow($node, 'undo-sequential-dev');
wait_for_status($node, $id, 'requires_manual_review');
sql($node, "SELECT agent_studio.as_skip_step($id, 'undo')");
wait_until(sub { of_this('undo', $id) eq 'skipped' }, 'what would undo it is skipped');
sql($node, "SELECT agent_studio.as_skip_step($id, 'second')");
wait_until(sub { sql($node, "SELECT count(*) FROM agent_studio.commands WHERE execution_id = $id AND applied_at IS NULL") == 0 }, 'both are dealt with');
is(sql($node, "SELECT string_agg(outcome, ' ' ORDER BY command_id) FROM agent_studio.commands WHERE execution_id = $id"), 'applied applied', 'skipping what was never to run is no rollback');
is(states(ended($node, $id)), 'completed: first completed, undo skipped, second skipped, third completed', 'and the rest can be repaired');

create_workflow($node, 'instead-sequential-dev', 'sequential', { steps => [
	step('first', task => "\@mock text=ok status=400 times=1 key=instead\nThe first.", on_failure => 'fallback', fallback => 'instead'),
	step('instead', task => "\@mock status=400\nInstead.", on_failure => 'manual_review'), step('last', after => ['first']) ] });
$id = start_workflow($node, 'instead-sequential-dev');
wait_for_status($node, $id, 'requires_manual_review');
sql($node, "SELECT agent_studio.as_retry_step($id, 'first')");
wait_until(sub { of_this('last', $id) eq 'completed' }, 'it has gone on');
$run = ended($node, $id);
is(join(' ', $run->{status}, $run->{error_class} // 'none'), 'completed none', 'what stood in, and is not needed any more, decides nothing');

# ---------- a caller who catches errors ----------

create_workflow($node, 'slow-when-dynamic-dev', 'dynamic', { inputs => { many => 'array' }, steps => [
	step('first', when => 'exists($.many[*] ? (exists($inputs.many[*] ? (@ == -1)) || @ == -2))') ] });
sql($node, <<'SQL');
CREATE TABLE caught (what text);
SET statement_timeout = '150ms';
DO $$
BEGIN
	INSERT INTO caught VALUES ('before');
	BEGIN
		INSERT INTO caught VALUES ('undone');
		PERFORM agent_studio.as_run_workflow('slow-when-dynamic-dev', (SELECT jsonb_build_object('many', jsonb_agg(i)) FROM generate_series(1, 5000) i));
	EXCEPTION WHEN query_canceled THEN
		INSERT INTO caught VALUES ('after');
	END;
END
$$;
SQL
is(sql($node, q(SELECT string_agg(what, ' ') FROM caught)), 'before after', 'a caller who catches what ends a condition is where he was before');

finish_studio($node, $model);
done_testing();
