# Locks of users on the tables of the executor: it steps back, loses nothing, and goes
# on when they are gone; nobody waits behind it, nor is caught in a deadlock with it.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use PostgreSQL::Test::Utils;
use Test::More;

my $model = start_model_server();

# A deadlock would be told after 60 s only, so that it cannot pass for a short wait.
my $node = start_studio('locks', $model, "deadlock_timeout = '60s'", "agent_studio.poll_interval = '200ms'", 'log_min_messages = error');
my $executor = wait_for_executor($node);
my $calls = 20;

# How often the executor has stepped back so far.
sub steps_back { my $log = slurp_file($node->logfile); return scalar(() = $log =~ /canceling statement due to lock timeout/g); }

# So many calls whose answers have arrived but for their ends.
sub start_calls
{
	my ($name) = @_;

	sql($node, "SELECT agent_studio.as_execute_task('worker', E'\@mock gate=$name reasoning=1 text=answer-' || i || E'\\nLocked: $name.') FROM generate_series(1, $calls) i");
	wait_until(sub { my @records = $model->journal("Locked: $name."); @records == $calls && !grep { $_->{events} == 0 } @records }, "$name: all calls stream");
	return;
}

sub let_calls_end
{
	my ($name) = @_;

	$model->open_gate($name);
	is($model->await("completed=$calls", "Locked: $name.")->{completed}, $calls, "$name: meanwhile all calls end");
	return;
}

# Each once, with its own answer, at the first attempt.
sub nothing_is_lost
{
	my ($name) = @_;

	wait_until(sub { sql($node, "SELECT count(*) FROM agent_studio.executions WHERE task LIKE '%Locked: $name.' AND finished_at IS NULL") == 0 },
		"$name: all executions end");
	is(sql($node, "SELECT e.status, count(*), sum(e.attempts), count(*) FILTER (WHERE agent_studio.as_output(e.execution_id) = substring(e.task FROM 'text=(\\S+)'))
		FROM agent_studio.executions e WHERE e.task LIKE '%Locked: $name.' GROUP BY 1"), "completed|$calls|$calls|$calls", "$name: every answer is stored, at the first attempt");
	is(sql($node, "SELECT count(*), count(DISTINCT execution_id) FROM agent_studio.attempts a JOIN agent_studio.executions e USING (execution_id)
		WHERE e.task LIKE '%Locked: $name.' AND a.outcome = 'completed'"), "$calls|$calls", "$name: once");
	is(sql($node, "SELECT count(*) FROM agent_studio.thoughts t JOIN agent_studio.executions e USING (execution_id)
		WHERE e.task LIKE '%Locked: $name.' AND t.source = 'reasoning'"), $calls, "$name: with its thoughts");
	is($model->count("Locked: $name."), $calls, "$name: one request each");
	is(worker_pid($node, 'executor'), $executor, "$name: by the same executor");
	return;
}

# ---------- ACCESS EXCLUSIVE, by a transaction that stays open ----------

for my $table (qw(executions steps queue attempts thoughts commands models))
{
	start_calls($table);
	my $before = steps_back();
	my $user = $node->background_psql('postgres');
	# Should the user have to wait longer than it takes the executor to step back, this fails.
	$user->query_safe("SET lock_timeout = '20s'; BEGIN; LOCK TABLE agent_studio.$table IN ACCESS EXCLUSIVE MODE");
	let_calls_end($table);
	wait_until(sub { steps_back() > $before + 1 }, "$table: the executor steps back, again and again");

	# Now it may wait for this lock while it has others: the user gets those nonetheless.
	$user->query_safe("LOCK TABLE agent_studio.executions, agent_studio.steps, agent_studio.queue, agent_studio.attempts IN ACCESS EXCLUSIVE MODE");
	pass("$table: the user gets all other locks meanwhile");
	$user->query_safe('COMMIT');
	$user->quit;
	nothing_is_lost($table);
}

# A table that is rewritten under work, again and again, with indexes and all.
my $name = 'rewritten';
start_calls($name);
my @tables = map { "agent_studio.$_" } qw(queue steps executions attempts thoughts notices commands);
for my $round (1 .. 3)
{
	sql($node, "SELECT agent_studio.as_execute_task('worker', E'\@mock text=more-' || i || E'\\nMore work $round.') FROM generate_series(1, 30) i");
	sql($node, "SET lock_timeout = '20s'; VACUUM FULL $_") for @tables;
	sql($node, "SET lock_timeout = '20s'; REINDEX TABLE $_; CLUSTER $_ USING " . ($_ =~ s/.*\.//r) . '_pkey') for @tables[ 0 .. 3 ];
	let_calls_end($name) if $round == 2;
}
nothing_is_lost($name);
wait_until(sub { sql($node, "SELECT count(*) FROM agent_studio.executions WHERE finished_at IS NULL") == 0 }, 'all that came meanwhile ends');
is(sql($node, "SELECT status, count(*), sum(attempts) FROM agent_studio.executions WHERE task LIKE '%More work%' GROUP BY 1"), 'completed|90|90',
	'VACUUM FULL, REINDEX and CLUSTER under load harm nothing');

# Row locks: a user may look at rows of the queue for as long as he likes.
$name = 'rows';
start_calls($name);
my $user = $node->background_psql('postgres');
$user->query_safe("BEGIN; SELECT count(*) FROM (SELECT FROM agent_studio.queue FOR UPDATE) q; SELECT count(*) FROM (SELECT FROM agent_studio.steps FOR UPDATE) s");
my $before = steps_back();
let_calls_end($name);
wait_until(sub { steps_back() > $before }, 'rows: the executor steps back');
$user->query_safe('COMMIT');
$user->quit;
nothing_is_lost($name);

unlike(slurp_file($node->logfile), qr/deadlock detected|could not be stored/, 'no deadlock, and no result is given up');
finish_studio($node, $model);
done_testing();
