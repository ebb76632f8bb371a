# Kills at random moments with random workflows under way: each ends as if nothing
# had happened, and no step has two results.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use Property;
use Test::More;
use Time::HiRes qw(usleep);

my ($rounds, $per_round) = ($ENV{AS_LONG} ? 40 : 10, 10);
my $workflows = $rounds * $per_round;

$ENV{AS_SEED} //= int(rand(1_000_000));
srand($ENV{AS_SEED});
note("AS_SEED=$ENV{AS_SEED} repeats the choices");

my $model = start_turns_server();
my $node = start_studio('workflow_kills', $model, 'restart_after_crash = on');
add_agents($node);
wait_for_executor($node);

my %kills = (
	executor => sub { kill_worker($node, 'executor') },
	postmaster => sub { kill_server($node) },
	'fast restart' => sub { $node->restart },
);

my (undef, $created) = run_property($node, 'postgres', 'create', $workflows, 300);
is($created, 0, 'the workflows are created');
is(sql($node, "SELECT count(*), count(refusal) FROM cases"), "$workflows|0", 'none is refused');
for my $round (1 .. $rounds)
{
	my $kill = $round % 5 == 3 ? 'postmaster' : $round % 5 == 0 ? 'fast restart' : 'executor';

	start_cases($node, $per_round);
	usleep(rand(500_000));		# the moment is what is random here
	note("round $round: $kill");
	$kills{$kill}->();
	wait_for_server($node);
}

my ($result, $code) = run_property($node, 'postgres', 'check', $workflows);
is($code, 0, 'every workflow has done what the reference says');
is($result->{different}, 0, "none of $workflows differs");
cmp_ok($result->{seen}{$_} // 0, '>', 0, "$_ is among them") for qw(went_back nested decided merged failed skipped);
is(sql($node, q(SELECT count(*) FROM (SELECT FROM agent_studio.attempts WHERE outcome = 'completed'
	GROUP BY execution_id, step_no HAVING count(*) > 1) twice)), 0, 'no step has two results');
is(sql($node, 'SELECT count(*) FROM agent_studio.queue'), 0, 'nothing is left in the queue');
cmp_ok(sql($node, q(SELECT count(*) FROM agent_studio.attempts WHERE outcome IN ('lost', 'interrupted'))), '>', 0, 'some attempts were hit');

finish_studio($node, $model);
done_testing();
