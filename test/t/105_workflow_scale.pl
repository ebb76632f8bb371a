# Many and large: a thousand workflows at once, a hundred steps side by side, two hundred
# one after the other.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use GuideWorkflows;
use List::Util qw(max min);
use Test::More;

my $model = start_model_server();
my $node = start_studio('scale', $model);

sub all_at_rest { my ($workflow) = @_; return sql($node, "SELECT count(*) FROM agent_studio.executions WHERE workflow = '$workflow' AND finished_at IS NULL") == 0; }

# A step that passes on what it is given: the first line of its task.
sub passing_on
{
	my ($name, $line, $from) = @_;

	return { name => $name, agent => 'worker', task => $line . ($from ? "\nBefore: {before}" : ''),
		($from ? (inputs => { before => "$from.said" }) : ()), outputs => { said => 'string' } };
}

# ---------- a thousand at once ----------

create_workflow($node, 'four-sequential-dev', 'sequential', { inputs => { n => 'number' },
	steps => [ map { passing_on("step-$_", "Number {n}, step $_.", $_ > 1 ? 'step-' . ($_ - 1) : undef) } 1 .. 4 ] });
sql($node, "SELECT agent_studio.as_run_workflow('four-sequential-dev', jsonb_build_object('n', i)) FROM generate_series(1, 1000) i");
wait_until(sub { all_at_rest('four-sequential-dev') }, 'a thousand workflows come to rest', 180);
is(sql($node, "SELECT status, count(*) FROM agent_studio.executions WHERE workflow = 'four-sequential-dev' GROUP BY status"), 'completed|1000', 'a thousand workflows complete');
is($model->stats->{requests}, 4000, 'with one request for each step');
is(sql($node, q(SELECT count(*) FROM agent_studio.executions e JOIN agent_studio.steps s USING (execution_id) WHERE e.workflow = 'four-sequential-dev'
	AND s.state = 'completed' AND s.outputs ->> 'said' = format('Number %s, step %s.', e.inputs ->> 'n', s.step_no))), 4000, 'every step has the answer to its own task');
is(sql($node, q(SELECT count(*) FROM agent_studio.executions e JOIN agent_studio.steps s USING (execution_id) WHERE e.workflow = 'four-sequential-dev'
	AND s.step_no > 1 AND starts_with(s.task, format(E'Number %s, step %s.\nBefore: Number %1$s, step %3$s.\n\n', e.inputs ->> 'n', s.step_no, s.step_no - 1)))), 3000,
	'and was given what the step before has said, of its own workflow');
is(sql($node, q(SELECT count(*) FROM agent_studio.executions e WHERE e.workflow = 'four-sequential-dev' AND
	(e.input_tokens, e.output_tokens, e.input_cost_usd + e.output_cost_usd) = (SELECT sum(a.input_tokens), sum(a.output_tokens), sum(a.input_cost_usd + a.output_cost_usd)
		FROM agent_studio.attempts a WHERE a.execution_id = e.execution_id))), 1000, 'each costs what its attempts cost');

# ---------- a hundred side by side ----------

$model->reset;
create_workflow($node, 'hundred-parallel-dev', 'parallel', { steps => [
	(map { my $step = passing_on("part-$_", "Part $_."); $step->{task} = "\@mock gate=hundred\n$step->{task}"; $step } 1 .. 100),
	{ name => 'merge', agent => 'worker', after => [ map { "part-$_" } 1 .. 100 ],
	  task => "\@mock text=merged\nMerge: " . join(' ', map { "{part_$_}" } 1 .. 100),
	  inputs => { map { ("part_$_" => "part-$_.said") } 1 .. 100 } } ] });
my $id = start_workflow($node, 'hundred-parallel-dev');
$model->await('in_flight=100');
is($model->stats->{requests}, 100, 'a hundred are in flight at once');
$model->open_gate('hundred');
my $run = ended($node, $id);
is($run->{status}, 'completed', 'all end');
is($model->stats->{requests}, 101, 'one merge');
like(text_of(($model->journal('Merge: '))[0]), qr/^Merge: @{[ join ' ', map { "Part $_\\." } 1 .. 100 ]}$/m, 'which is given all, in their order');

# ---------- two hundred one after the other ----------

$model->reset;
create_workflow($node, 'long-sequential-dev', 'sequential', { steps => [ map { passing_on("link-$_", "Link $_.", $_ > 1 ? 'link-' . ($_ - 1) : undef) } 1 .. 200 ] });
$run = run_workflow($node, 'long-sequential-dev');
is($run->{status}, 'completed', 'two hundred steps complete');
my @asked = $model->journal;
is(scalar @asked, 200, 'with a request each');
is($model->stats->{max_in_flight}, 1, 'one after the other');
is(scalar grep({ text_of($asked[$_]) =~ /^Link @{[ $_ + 1 ]}\.\nBefore: Link $_\.(?!\d)/ } 1 .. 199), 199, 'each is given the one before');
my @sizes = map { length text_of($_) } @asked[ 1 .. 199 ];
cmp_ok(max(@sizes) - min(@sizes), '<=', 4, 'and no prompt is longer than its own names make it');

finish_studio($node, $model);
done_testing();
