# Somebody sets the clock of the machine, back or forward, while calls run, retries and
# approvals wait, limits hold and locks are in the way. Nothing times out that has not
# taken its time, nothing waits longer than it had to, and every execution ends.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use File::Temp qw(tempdir);
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $folder = tempdir(CLEANUP => 1);
chmod 0755, $folder;
is(system('cc', '-Wall', '-Werror', '-shared', '-fPIC', '-o', "$folder/set_clock.so", 'test/t/set_clock.c'), 0, 'the library is built');
append_to_file("$folder/ahead", pack('q', 0));

my $model = start_model_server();
my $node;
{
	local $ENV{AS_CLOCK} = "$folder/ahead";
	local $ENV{LD_PRELOAD} = "$folder/set_clock.so";
	$node = start_studio('clock', $model, "agent_studio.poll_interval = '500ms'", "agent_studio.minute = '2s'",
		"agent_studio.retry_delay = '1500ms'", 'max_prepared_transactions = 2');
}
my ($day, $year) = (86400, 365 * 86400);

# Sets the clock of all server processes to so many seconds ahead of the machine's.
sub set_clock
{
	my ($seconds) = @_;

	open my $file, '+<:raw', "$folder/ahead" or die "open: $!";
	syswrite $file, pack('q', $seconds * 1_000_000);
	close $file;
	return;
}

sub server_time { return sql($node, 'SELECT extract(epoch FROM clock_timestamp())::bigint'); }

cmp_ok(abs(server_time() - time()), '<', 60, 'before, the clock is right');
set_clock(-$day);
cmp_ok(abs(server_time() + $day - time()), '<', 60, 'it can be set');
set_clock(0);

sql($node, <<'SQL');
SELECT agent_studio.as_create_model('limited', 'mock', deployment => 'mock', requests_per_minute => 2);
SELECT agent_studio.as_create_agent('limited', 'builder', 'limited', visibility => 'shared');
SELECT agent_studio.as_create_workflow('ask-sequential-test', 'sequential', '{"inputs": {"mark": "string"}, "steps": [
	{"name": "write", "agent": "worker", "task": "@mock text=written\nWrite {mark}",
	 "approval": {"by": "postgres", "within_seconds": 3600, "on_expiry": "reject"}}]}');
SQL
my $executor = wait_for_executor($node);

sub state_of { my ($id) = @_; return sql($node, "SELECT state FROM agent_studio.steps WHERE execution_id = $id"); }
sub wait_for_state { my ($id, $state) = @_; wait_until(sub { state_of($id) eq $state }, "$id is $state"); return; }

# How long something took by the test's own clock, which nobody sets.
sub seconds { my ($code) = @_; my $begin = time(); $code->(); return time() - $begin; }

# jump(NAME, from so many seconds ahead to so many, whether deadlines on the wall have come by that)
sub jump
{
	my ($name, $from, $to, $expires) = @_;

	set_clock($from);
	wait_until(sub { abs(server_time() - $from - time()) < 60 }, "$name: the clock is where it begins");
	is(run_task($node, "$name, before.")->{status}, 'completed', "$name: before, work is done");
	$model->reset;

	# Under way when it happens.
	my $streaming = submit($node, "\@mock text=whole reasoning=2 gate=$name\n$name streams.", arguments => 'timeout_seconds => 3600');
	my $stalled = submit($node, "\@mock stall=1\n$name stalls.", arguments => 'timeout_seconds => 4, max_retries => 0');
	my $retried = submit($node, "\@mock text=again status=500 times=1 key=$name\n$name is tried again.");
	my $asked = sql($node, "SELECT agent_studio.as_run_workflow('ask-sequential-test', '{\"mark\": \"$name\"}'::jsonb)");
	my @limited = map { submit($node, "\@mock text=limited\n$name limited $_.", agent => 'limited') } 1 .. 4;
	$model->await('in_flight=2', $name);
	wait_for_state($asked, 'waiting_approval');
	wait_for_state($retried, 'retrying');
	my $user = $node->background_psql('postgres');
	$user->query_safe('BEGIN; LOCK TABLE agent_studio.attempts IN ACCESS EXCLUSIVE MODE');
	$model->open_gate('none');
	my $held_off = submit($node, "\@mock text=kept\n$name meets a lock.");
	wait_until(sub { as_check($node, 'executor gets on') =~ /^f\|/ }, "$name: the executor holds off");

	set_clock($to);
	$user->query_safe('COMMIT');
	$user->quit;
	is(outcome($node, $held_off)->{output}, 'kept', "$name: what was held off is written");
	my $run = outcome($node, $retried);
	is("$run->{status} $run->{attempts}", 'completed 2', "$name: a retry that waited is made");
	$run = outcome($node, $stalled);
	is("$run->{status} $run->{error_class}", 'failed timeout', "$name: a call that hangs times out");
	my $took = ($model->journal("$name stalls."))[0];
	cmp_ok($took->{ended_mono_ms} - $took->{mono_ms}, '>', 3500, "$name: not before its time");
	cmp_ok($took->{ended_mono_ms} - $took->{mono_ms}, '<', 8000, "$name: and not long after it");
	is(outcome($node, $_)->{status}, 'completed', "$name: a model's limit of requests does not hold for ever") for @limited;
	is(state_of($streaming), 'running', "$name: a call that may take an hour goes on");
	wait_until(sub { sql($node, "SELECT count(*) FROM agent_studio.as_thoughts($streaming) WHERE source = 'reasoning'") == 2 }, "$name: its thoughts are written");
	wait_until(sub { sql($node, "SELECT count(*) FROM agent_studio.notices WHERE execution_id = $streaming AND kind = 'duration'") == 1 },
		"$name: that it takes long is told once");
	$model->open_gate($name);
	$run = outcome($node, $streaming);
	is("$run->{status} $run->{output} $run->{attempts}", 'completed whole 1', "$name: and completes, at its first attempt");

	# What comes after.
	cmp_ok(seconds(sub { sql($node, "SELECT agent_studio.as_wait($asked, 1)") }), '<', 5, "$name: as_wait returns");
	sql($node, "BEGIN; SELECT agent_studio.as_execute_task('worker', '\@mock text=unannounced\n$name, prepared.'); PREPARE TRANSACTION 'p'; COMMIT PREPARED 'p'");
	wait_until(sub { sql($node, "SELECT count(*) FROM agent_studio.executions WHERE task LIKE '%$name, prepared.' AND status = 'completed'") == 1 }, "$name: work that nobody announces is found");
	if ($expires)
	{
		is(outcome($node, $asked)->{status}, 'failed', "$name: an approval whose deadline has come by the clock has expired");
	}
	else
	{
		is(state_of($asked), 'waiting_approval', "$name: an approval waits for its deadline on the clock");
		sql($node, "SELECT agent_studio.as_approve($asked, 'write')");
		is(outcome($node, $asked)->{status}, 'completed', "$name: and can be given");
	}
	return;
}

jump('back', 0, -$day, 0);
is(worker_pid($node, 'executor'), $executor, 'by the same executor');
jump('forward', -$day, 0, 1);
jump('far', 0, 10 * $year, 1);
jump('return', 10 * $year, 0, 0);
is(worker_pid($node, 'executor'), $executor, 'by the same executor');
like(slurp_file($node->logfile), qr/agent_studio: the clock was set back by 86\d\d\d s/, 'the server log tells of it');

# ---------- set back while no executor runs, and while one is to be started again ----------

my $retried = submit($node, "\@mock text=again status=500 times=1 key=down\nTried again after a restart.");
wait_for_state($retried, 'retrying');
sql($node, 'ALTER SYSTEM SET agent_studio.databases = \'\'; SELECT pg_reload_conf()');
wait_until(sub { worker_pid($node, 'executor') eq '' }, 'the executor ends');
set_clock(-$day);
sql($node, 'ALTER SYSTEM RESET agent_studio.databases; SELECT pg_reload_conf()');
is(outcome($node, $retried)->{status}, 'completed', 'a retry that waited before the executor began does not wait for the day to come back');

for my $ahead (0, -2 * $day)
{
	for (1 .. 2)				# the second time the launcher waits before it starts another
	{
		my $pid = wait_for_executor($node);

		sql($node, "SELECT pg_terminate_backend($pid)");
		set_clock($ahead);
		wait_until(sub { my $new = worker_pid($node, 'executor'); $new =~ /\d/ && $new ne $pid }, 'another executor is started');
	}
	is(run_task($node, "After it was set to $ahead.")->{status}, 'completed', "set to $ahead while an executor was to be started: work goes on");
}

# ---------- set back over hours whose totals have been told, and forward again ----------

my $totals = q(SELECT (SELECT sum(t.executions) FROM agent_studio_private.totals t) - count(*) FROM agent_studio.executions e WHERE e.finished_at IS NOT NULL AND NOT e.is_test);
set_clock(0);
is(run_task($node, 'Before hours are closed.')->{status}, 'completed', 'work is done');
sql($node, 'SELECT agent_studio.as_roll_up()');
is(sql($node, q(SELECT max(c.until) > now() - interval '71 minutes' FROM agent_studio.closed_days c WHERE c.until <= now())), 't', 'hours are closed');
is(sql($node, $totals), '0', 'and the totals are right');
set_clock(-$day / 2);
is(run_task($node, 'In hours that are closed.')->{status}, 'completed', 'set back: work goes on in hours that were closed');
is(sql($node, $totals), '0', 'the totals have it');
set_clock(0);
is(sql($node, $totals), '0', 'and when the clock is right again, too');

# The same, by a minute, and while somebody rolls up, so that the hours cannot be opened before the clock has come by them again.
my $past_hour = 3600 - time() % 3600 + 630;
my $ended = sub { my ($mark) = @_; return sub { defined(($model->journal($mark))[0]->{ended_mono_ms}) } };
set_clock($past_hour);
is(run_task($node, 'Ten minutes past the hour.')->{status}, 'completed', 'work is done');
sql($node, 'SELECT agent_studio.as_roll_up()');
is(sql($node, q(SELECT max(c.until) > now() - interval '11 minutes' FROM agent_studio.closed_days c WHERE c.until <= now())), 't', 'the hour is closed');
my $slow = submit($node, "\@mock text=slow gate=hour\nEnds before the hour.", arguments => 'timeout_seconds => 3600');
$model->await('in_flight=1', 'Ends before the hour.');
my $admin = $node->background_psql('postgres');
$admin->query_safe('BEGIN; SELECT agent_studio.as_roll_up()');
set_clock($past_hour - 650);
wait_until(sub { as_check($node, 'executor gets on') =~ /^f\|/ }, 'the hour cannot be opened while somebody rolls up');
$model->open_gate('hour');
wait_until($ended->('Ends before the hour.'), 'the call has ended');
set_clock($past_hour - 600);
$admin->query_safe('COMMIT');
is(outcome($node, $slow)->{status}, 'completed', 'what has ended meanwhile is written');
is(sql($node, $totals), '0', 'and is in the totals');

# Where there is nothing to be opened, who rolls up is in nobody's way.
set_clock(0);
sql($node, 'SELECT agent_studio.as_roll_up()');
$admin->query_safe('BEGIN; SELECT agent_studio.as_roll_up()');
my $old = wait_for_executor($node);
sql($node, "SELECT pg_terminate_backend($old)");
wait_until(sub { my $new = worker_pid($node, 'executor'); $new =~ /\d/ && $new ne $old }, 'an executor starts while somebody rolls up');
is(run_task($node, 'Beside a roll-up.')->{status}, 'completed', 'and works');
$admin->query_safe('COMMIT');
$admin->quit;

finish_studio($node, $model);
done_testing();
