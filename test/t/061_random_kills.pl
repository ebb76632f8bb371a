# Kills at random moments, with work under way and more coming in: every execution
# ends, with its own answer, and once.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use Test::More;
use Time::HiRes qw(usleep);

my $seed = $ENV{AS_SEED} // int(rand(1_000_000));
srand($seed);
note("AS_SEED=$seed repeats the choices");

my $model = start_model_server();
my $node = start_studio('kills', $model, 'restart_after_crash = on');
my $submitted = 0;

sub submit_more
{
	my ($count) = @_;

	for my $i ($submitted + 1 .. $submitted + $count)
	{
		my $mock = sprintf('@mock text=answer-%d chunks=%d chunk_delay=%d latency=%d reasoning=2', $i, 1 + rand(5), rand(60), rand(100));

		submit($node, "$mock\nTask $i.");
	}
	$submitted += $count;
	return;
}

my %kills = (
	'SIGKILL of the executor' => sub { kill_worker($node, 'executor') },
	'SIGKILL of the launcher' => sub { kill_worker($node, 'launcher') },
	'SIGKILL of the postmaster' => sub { kill_server($node) },
	'pg_terminate_backend of the executor' => sub { sql($node, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'agent_studio executor'") },
	'immediate restart' => sub { $node->stop('immediate'); $node->start },
	'fast restart' => sub { $node->stop('fast'); $node->start },
);

my $everything_ends = sub { wait_until(sub { sql($node, 'SELECT count(*) FROM agent_studio.executions WHERE finished_at IS NULL') == 0 }, 'every execution ends') };

for my $round (1 .. ($ENV{AS_LONG} ? 120 : 12))
{
	my $kill = (sort keys %kills)[ $round % keys %kills ];

	submit_more(5);
	usleep(rand(300_000));		# the moment is what is random here
	note("round $round: $kill");
	$kills{$kill}->();
	wait_for_server($node);
	# A step under which the server has ended ten times is not tried again, and rightly so.
	$everything_ends->() if $round % keys %kills == 0;
}

$everything_ends->();
is(sql($node, 'SELECT status, count(*) FROM agent_studio.executions GROUP BY status'), "completed|$submitted", 'all are completed');
is(sql($node, q(SELECT count(*) FROM agent_studio.executions e
	WHERE agent_studio.as_output(e.execution_id) <> substring(e.task FROM 'text=(\S+)'))), 0, 'each with its own answer');
is(sql($node, q(SELECT count(*) FROM agent_studio.executions e
	WHERE e.attempts <> (SELECT count(*) FROM agent_studio.attempts a WHERE a.execution_id = e.execution_id))), 0, 'each attempt is counted');
is(sql($node, q(SELECT max(n) FROM (SELECT count(*) AS n FROM agent_studio.attempts WHERE outcome = 'completed' GROUP BY execution_id) c)), 1,
	'none has two results');
is(sql($node, q(SELECT count(*) FROM (SELECT execution_id, seq FROM agent_studio.thoughts GROUP BY 1, 2 HAVING count(*) > 1) d)), 0, 'no thought is there twice');
cmp_ok(sql($node, q(SELECT count(*) FROM agent_studio.attempts WHERE outcome IN ('lost', 'interrupted'))), '>', 0, 'some attempts were hit');

finish_studio($node, $model);
done_testing();
