# A launcher that is gone may leave an executor behind, and the next launcher start
# another one for the same database: one of them works, and the other gives way.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use PostgreSQL::Test::Utils;
use Test::More;

my $model = start_model_server();
my $node = start_studio('launcher', $model, "agent_studio.databases = 'postgres'");

wait_for_executor($node);
my $session = $node->background_psql('postgres');
my ($postmaster) = slurp_file($node->data_dir . '/postmaster.pid') =~ /^(\d+)/;

# Those that have only been forked, too, which no view shows yet.
sub executors
{
	my @pids;

	for my $file (glob '/proc/[0-9]*/stat')
	{
		my ($pid) = $file =~ /(\d+)/;
		my ($stat, $title) = map { local (@ARGV, $/) = ("/proc/$pid/$_"); no warnings; <> // '' } qw(stat cmdline);

		push @pids, $pid if $stat =~ /\) \S+ $postmaster / && $title =~ /agent_studio executor/;
	}
	return @pids;
}

sub slot { return $session->query_safe('SELECT state, executor_pid FROM agent_studio_private.worker_state()'); }

# Every process that is forked from now on waits so long before it begins.
sub delay
{
	my ($seconds) = @_;
	my $before = -s $node->logfile;

	$session->query_safe("ALTER SYSTEM SET post_auth_delay = $seconds");
	$session->query_safe('SELECT pg_reload_conf()');
	wait_until(sub { substr(slurp_file($node->logfile), $before) =~ /"post_auth_delay" changed to "$seconds"/ }, 'new processes are delayed');
	return;
}

sub end_worker
{
	my ($worker) = @_;

	$session->query_safe("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'agent_studio $worker'");
	return;
}

# The first executor is forked late, the launcher goes before it begins, and the
# next launcher starts a second one, which begins even later.
my ($old) = executors();
delay(5);
end_worker('executor');
wait_until(sub { my @pids = executors(); @pids == 1 && $pids[0] != $old }, 'an executor is on its way');
my ($first) = executors();
delay(3);
end_worker('launcher');
wait_until(sub { executors() == 2 || slot() =~ /^running/ }, 'another one is on its way');
wait_until(sub { executors() == 1 && slot() =~ /^running/ }, 'one of them runs, and the other has given way');
delay(0);
my ($pid) = executors();
my $id = $session->query_safe(q(SELECT agent_studio.as_execute_task('worker', 'After all that.')));
is($session->query_safe("SELECT agent_studio.as_wait($id)"), 'completed', 'it works');
is(slot(), "running|$pid", 'its slot is its own');
is(join(' ', executors()), $pid, 'and there is no other one');
is(worker_pid($node, 'launcher') ne '', 1, 'the launcher is back');

# Nor is it a matter of the first moment: it can still be sent away and replaced.
end_worker('executor');
wait_until(sub { $session->query_safe('SELECT pg_reload_conf()'); slot() =~ /^running\|(\d+)/ && $1 != $pid }, 'the next one runs');
isnt(slot(), "running|$pid", 'it is replaced when it ends');

$session->quit;
finish_studio($node, $model);
done_testing();
