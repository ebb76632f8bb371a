# Conditions and templates that cost much, by mistake or by malice: they are their own
# step's trouble, and nobody else waits for them.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use GuideWorkflows;
use Test::More;
use Time::HiRes qw(time);

my $model = start_model_server();
my $node = start_studio('costly', $model);
my $executor = wait_for_executor($node);

# Compares each with each: some ten milliseconds for 300, seconds for 5000.
my $each_with_each = 'exists($.many[*] ? (exists($inputs.many[*] ? (@ == -1)) || @ == -2))';

sub rule { my ($action, %more) = @_; return { if => $each_with_each, then => $action, %more }; }
sub many { my ($count) = @_; return { many => [ 1 .. $count ] }; }
sub step { my ($name, %more) = @_; return { name => $name, agent => 'worker', task => "\@mock text=said\nThe $name.", %more }; }
sub one { my ($run, $name) = @_; my $step = current($run, $name); return join ' ', map { $step->{$_} // '-' } qw(state error_class output); }

# What the process has used at most: MB.
sub peak_memory
{
	my ($kb) = PostgreSQL::Test::Utils::slurp_file("/proc/$executor/status") =~ /^VmHWM:\s+(\d+) kB$/m;

	return int($kb / 1024);
}

# ---------- a condition that is too slow ----------

my %inputs = (inputs => { many => 'array' });
create_workflow($node, 'slow-rule-sequential-dev', 'sequential', { %inputs, steps => [
	step('first', rules => [ rule('fail') ], on_failure => 'continue'), step('second') ] });
my $run = run_workflow($node, 'slow-rule-sequential-dev', many(5000));
is(one($run, 'first'), 'failed bad_request said', 'a rule that takes too long: its step has failed, and keeps its answer');
like(current($run, 'first')->{error_message}, qr/^a condition of the workflow takes longer than 250 ms: exists/, 'it is said which');
is(states($run), 'completed: first failed, second completed', 'on_failure says what follows');

create_workflow($node, 'slow-when-sequential-dev', 'sequential', { %inputs, steps => [
	step('first', when => $each_with_each, on_failure => 'fallback', fallback => 'instead'), step('instead'), step('last', after => ['first']) ] });
is(states(run_workflow($node, 'slow-when-sequential-dev', many(5000))), 'completed: first failed, instead completed, last completed', 'the same of when');

create_workflow($node, 'slow-case-dynamic-dev', 'dynamic', { %inputs, steps => [
	step('first'), { name => 'choose', type => 'decision', cases => [ { if => $each_with_each, to => 'left' } ], else => 'right' },
	step('left'), step('right') ] });
$run = run_workflow($node, 'slow-case-dynamic-dev', many(5000));
is(join(' ', $run->{status}, $run->{error_class}, current($run, 'choose')->{state}), 'failed bad_request failed', 'a decision that cannot be made is not made');
is($model->count('The left.') + $model->count('The right.'), 0, 'and leads nowhere');

# Each in time, all together not.
create_workflow($node, 'many-rules-sequential-dev', 'sequential', { %inputs, steps => [
	step('first', rules => [ map { rule('notify', message => "No $_.") } 1 .. 50 ]) ] });
my $id = start_workflow($node, 'many-rules-sequential-dev', many(1000));
my $begin = time();
$run = ended($node, $id);
cmp_ok(time() - $begin, '<', 8, 'many that are slow together have a bound, too');
if ($run->{status} eq 'failed')
{
	like(current($run, 'first')->{error_message}, qr/conditions? of the workflow takes? longer than \d+ ms/, 'and then it is said');
}
is(run_task($node, 'Others go on.')->{status}, 'completed', 'the executor serves others');
is(worker_pid($node, 'executor'), $executor, 'it is the same one');

# ---------- large answers ----------

# 50 conditions that look at 4 MB each, and 40 notices that quote them.
create_workflow($node, 'large-sequential-dev', 'sequential', { steps => [
	step('first', task => "\@mock oversize=4000000\nLarge."),
	step('second', inputs => { it => 'first.output' }, task => "\@mock text=ok\nSmall.", rules => [
		(map { { if => "\$.it == \"$_\"", then => 'fail' } } 1 .. 10),
		(map { { then => 'notify', message => '{it}{it}{it}{it}{it}' } } 1 .. 40) ]) ] });
$run = run_workflow($node, 'large-sequential-dev');
is($run->{status}, 'completed', 'conditions and notices look at large answers');
is(scalar(grep { $_->{kind} eq 'rule' } @{ $run->{notices} }), 40, 'every notice is there');
note 'peak: ' . peak_memory() . ' MB';
cmp_ok(peak_memory(), '<', 300, 'which are not kept for each of them');

create_workflow($node, 'too-large-sequential-dev', 'sequential', { steps => [
	step('first', task => "\@mock oversize=4000000\nLarge again."),
	step('second', task => '{first.output}' x 1000, on_failure => 'continue'),
	step('last', task => "\@mock text=end\n{second.output}End.") ] });
$run = run_workflow($node, 'too-large-sequential-dev');
is(states($run), 'completed: first completed, second failed, last completed', 'a task that would be too large is the trouble of its step, not of the one that answered');
is(current($run, 'second')->{error_message}, 'its task would have more than 32 MB with all that is filled in', 'and it is said why');
cmp_ok(peak_memory(), '<', 300, 'it is never made in memory');

finish_studio($node, $model);
done_testing();
