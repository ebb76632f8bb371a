# What the tests of fault points share: a cluster of the build that has them, points
# that are armed, and what holds after each of them. See test/faults/fault.c.
package Faults;

use strict;
use warnings;
use Exporter 'import';
use AgentStudio;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(start_fault_studio arm was_reached release recover private_memory invariants);

sub start_fault_studio
{
	my @arguments = @_;
	my $node;

	{
		local $AgentStudio::install_path = $ENV{AS_FAULTS};
		$node = start_studio(@arguments);
	}
	mkdir $node->data_dir . '/faults' or die "mkdir: $!";
	return $node;
}

sub point_file { my ($node, $point) = @_; return $node->data_dir . "/faults/$point"; }

# The action happens when the point has been passed so many times, once.
sub arm
{
	my ($node, $point, $action, $passes) = @_;
	my $file = point_file($node, $point);

	append_to_file("$file.new", "$action " . ($passes // 0) . "\n");
	unlink "$file.reached";
	rename "$file.new", $file or die "rename: $!";
	return;
}

sub was_reached { my ($node, $point) = @_; return -e point_file($node, $point) . '.reached'; }

# Ends what "wait" began, or disarms.
sub release { my ($node, $point) = @_; unlink point_file($node, $point), point_file($node, $point) . '.reached'; return; }

# Processes that work in a server's data directory, the postmaster or what it has left.
sub processes_of { my ($node) = @_; return grep { (readlink("$_/cwd") // '') eq $node->data_dir } glob '/proc/[0-9]*'; }

# After the point was hit: all is up again.
sub recover
{
	my ($node, $point, $action) = @_;

	$AgentStudio::kills++ if $action eq 'kill' || $action eq 'crash';
	if ($action eq 'crash')
	{
		$node->{_pid} = undef;	# as kill9 does
		my $postmaster = postmaster_pid($node);
		wait_until(sub { !kill(0, $postmaster) && !processes_of($node) }, "$point: all processes of the server are gone");
		$node->start;
	}
	elsif ($action eq 'kill')
	{
		my ($struck) = slurp_file(point_file($node, $point) . '.reached') =~ /(\d+)/;
		wait_until(sub { !kill(0, $struck) }, "$point: the postmaster has seen it");
	}
	wait_for_server($node);
	release($node, $point);
	return;
}

# Memory of a process that nobody shares: kB.
sub private_memory { my ($pid) = @_; my ($kb) = slurp_file("/proc/$pid/status") =~ /^RssAnon:\s+(\d+) kB$/m; return $kb; }

# What must hold whenever no work is left: rows that do not, one a line.
sub invariants
{
	my ($node) = @_;

	return sql($node, <<'SQL');
SELECT 'open execution', execution_id::text FROM agent_studio.executions WHERE finished_at IS NULL
UNION ALL SELECT 'row in queue', execution_id::text FROM agent_studio.queue
UNION ALL SELECT 'live row', execution_id::text FROM agent_studio.live_usage
UNION ALL SELECT 'command not applied', execution_id::text FROM agent_studio.commands WHERE applied_at IS NULL
UNION ALL SELECT 'two results', execution_id || '/' || step_no FROM agent_studio.attempts
	WHERE outcome = 'completed' GROUP BY execution_id, step_no HAVING count(*) > 1
UNION ALL SELECT 'open step', execution_id || '/' || step_no FROM agent_studio.steps WHERE finished_at IS NULL
UNION ALL SELECT 'completed without a result', s.execution_id || '/' || s.step_no FROM agent_studio.steps s
	WHERE s.state = 'completed' AND s.attempt_no > 0 AND NOT EXISTS (SELECT FROM agent_studio.attempts a
		WHERE a.execution_id = s.execution_id AND a.step_no = s.step_no AND a.attempt_no = s.attempt_no AND a.outcome = 'completed')
UNION ALL SELECT 'attempts not counted', e.execution_id::text FROM agent_studio.executions e
	WHERE e.attempts <> (SELECT count(*) FROM agent_studio.attempts a WHERE a.execution_id = e.execution_id)
UNION ALL SELECT 'attempt of no epoch', a.execution_id::text FROM agent_studio.attempts a
	WHERE NOT EXISTS (SELECT FROM agent_studio.epochs p WHERE p.epoch = a.epoch)
UNION ALL SELECT 'epochs go back', later.epoch::text FROM agent_studio.epochs later JOIN agent_studio.epochs earlier
	ON earlier.epoch < later.epoch AND earlier.started_at > later.started_at
UNION ALL SELECT 'attempts go back in epochs', x.execution_id::text FROM agent_studio.attempts x JOIN agent_studio.attempts y
	ON y.execution_id = x.execution_id AND y.step_no = x.step_no AND y.attempt_no > x.attempt_no AND y.epoch < x.epoch
UNION ALL SELECT 'thought twice', execution_id::text FROM agent_studio.thoughts GROUP BY execution_id, seq HAVING count(*) > 1
SQL
}

1;
