# The extension comes and goes while work is under way, here and in other
# databases; and what as_check says when something is missing.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $model = start_model_server();
my $node = start_studio('extension', $model);
my $executor = wait_for_executor($node);

sub hang
{
	my ($database, $mark) = @_;
	my $key = $mark =~ s/ /_/gr;
	my $id = submit($node, "\@mock text=abc stall=1 times=1 key=$key\nHanging: $mark.", database => $database);

	$model->await('in_flight=1', "Hanging: $mark.");
	return $id;
}

# ---------- CREATE and DROP EXTENSION, with calls in flight elsewhere ----------

my $witness = hang('postgres', 'witness');
sql($node, 'CREATE DATABASE other');
for my $round (1, 2)
{
	sql($node, 'CREATE EXTENSION agent_studio', 'other');
	set_up_agents($node, 'other', $model);
	wait_for_executor($node, 'other');
	is(run_task($node, "Round $round.", database => 'other')->{status}, 'completed', "round $round: an extension that was just created works");
	sql($node, 'DROP EXTENSION agent_studio CASCADE', 'other');
	is(worker_pid($node, 'executor', 'other'), '', "round $round: its executor goes with it");
}
sql($node, 'BEGIN; CREATE EXTENSION agent_studio; ROLLBACK', 'other');
is(worker_pid($node, 'executor', 'other'), '', 'none comes for one that was rolled back');

# ---------- DROP EXTENSION with calls in flight ----------

sql($node, 'CREATE EXTENSION agent_studio', 'other');
set_up_agents($node, 'other', $model);
wait_for_executor($node, 'other');
my $id = hang('other', 'rolled back');
sql($node, 'BEGIN; DROP EXTENSION agent_studio CASCADE; ROLLBACK', 'other');
is(outcome($node, $id, 'other')->{status}, 'completed', 'a DROP EXTENSION that is rolled back only interrupts');
is($model->count('Hanging: rolled back.'), 2, 'the work is sent again');
for my $way ('DROP EXTENSION agent_studio CASCADE', 'DROP SCHEMA agent_studio CASCADE')
{
	$id = hang('other', $way);
	my $begin = time();
	sql($node, $way, 'other');
	cmp_ok(time() - $begin, '<', 5, "$way: does not wait for the model");
	$model->await('client_closed=1', "Hanging: $way.");
	is($model->count("Hanging: $way."), 1, "$way: the socket is closed, nothing is sent again");
	is(sql($node, "SELECT count(*) FROM pg_extension WHERE extname = 'agent_studio'", 'other'), 0, "$way: the extension is gone");
	wait_until(sub { worker_pid($node, 'executor', 'other') eq '' }, 'its executor too');
	sql($node, 'CREATE EXTENSION agent_studio', 'other');
	set_up_agents($node, 'other', $model);
	wait_for_executor($node, 'other');
}
is(worker_pid($node, 'executor', 'postgres'), $executor, 'the other database is not disturbed');
is($model->stats('Hanging: witness.')->{in_flight}, 1, 'its call is in flight all the while');

# ---------- a session that outlives the extension ----------

# Ids begin at 1 again, and what the session remembers of the old ones must not be taken for the new.
sub one_workflow
{
	my (@steps) = @_;
	my $steps = join(', ', map { qq({"name": "$_", "agent": "worker", "task": "Step $_."}) } @steps);

	return <<"SQL";
CREATE EXTENSION agent_studio;
CREATE SERVER mock TYPE 'openai' FOREIGN DATA WRAPPER agent_studio
	OPTIONS (url 'http://127.0.0.1:$model->{port}/v1', allow_http 'true', allow_private 'true');
SELECT agent_studio.as_create_model('mock', 'mock') \\g /dev/null
SELECT agent_studio.as_create_agent('worker', 'builder', 'mock') \\g /dev/null
SELECT agent_studio.as_create_workflow('outlives-sequential-dev', 'sequential', '{"steps": [$steps]}') \\g /dev/null
SELECT agent_studio.as_run_workflow('outlives-sequential-dev') \\g /dev/null
SELECT string_agg(name, ' ' ORDER BY step_no) FROM agent_studio.steps;
SQL
}
sql($node, 'DROP EXTENSION agent_studio CASCADE', 'other');
is(sql($node, one_workflow('one', 'two') . 'DROP EXTENSION agent_studio CASCADE;' . one_workflow('alpha', 'beta', 'gamma'), 'other'),
	"one two\nalpha beta gamma", 'a session that outlives the extension runs the workflows of the new one');
sql($node, 'DROP EXTENSION agent_studio CASCADE', 'other');
sql($node, 'CREATE EXTENSION agent_studio', 'other');
set_up_agents($node, 'other', $model);
wait_for_executor($node, 'other');

# ---------- agent_studio.databases ----------

$id = hang('other', 'unlisted');
sub list_databases { my ($list) = @_; sql($node, "ALTER SYSTEM SET agent_studio.databases = $list"); $node->reload; return; }
list_databases('postgres');
wait_until(sub { worker_pid($node, 'executor', 'other') eq '' }, 'an executor ends when its database is no longer listed');
is(status_of($node, $id, 'other'), 'running', 'its work waits');
like(as_check($node, 'database listed', 'other'), qr/^f\|agent_studio\.databases = postgres\|ALTER SYSTEM SET agent_studio\.databases = /, 'as_check says so');
is(worker_pid($node, 'executor', 'postgres'), $executor, 'the listed one stays');
list_databases('postgres, other');
is(outcome($node, $id, 'other')->{status}, 'completed', 'listed again, the work goes on');
is(sql($node, "SELECT count(*) FROM agent_studio.as_check() WHERE NOT ok", 'other'), 0, 'as_check finds nothing wrong');
list_databases(q('*'));
sql($node, "SELECT agent_studio.as_cancel($witness)");
finish_studio($node, $model, 'postgres', 'other');

# ---------- no background worker is left ----------

$model = start_model_server();
$node = start_studio('workers', $model, 'max_worker_processes = 3');
wait_for_executor($node);
sql($node, 'CREATE DATABASE late');
sql($node, 'CREATE EXTENSION agent_studio', 'late');
set_up_agents($node, 'late', $model);
wait_until(sub { as_check($node, 'executor running', 'late') =~ /^f\|blocked: / }, 'the second executor finds no place');
like(as_check($node, 'executor running', 'late'), qr/^f\|blocked: max_worker_processes is used up\|ALTER SYSTEM SET max_worker_processes = 7/, 'as_check says so, and what to do');
my ($code, $waiting, $warning) = $node->psql('late', q(SELECT agent_studio.as_execute_task('worker', 'Wait for a worker.')));
like($warning, qr/WARNING:  no executor is at work.*no background worker slot is free/s, 'as_execute_task warns');
$node->reload;
$node->reload;
sql($node, 'DROP EXTENSION agent_studio CASCADE');
is(outcome($node, $waiting, 'late')->{status}, 'completed', 'once there is a place, the work is done');
my $log = slurp_file($node->logfile);
is(scalar(() = $log =~ /no background worker is free for database "late"/g), 1, 'the log said it once');
finish_studio($node, undef, 'late');

# ---------- not preloaded ----------

$node = PostgreSQL::Test::Cluster->new('unloaded');
$node->init(extra => \@initdb_options);
$node->start;
my ($result, $output, $error) = $node->psql('postgres', 'CREATE EXTENSION agent_studio');
like($error, qr/WARNING:  agent_studio is not in shared_preload_libraries: nothing will run.*HINT/s, 'CREATE EXTENSION warns that the library is not preloaded');
set_up_agents($node, 'postgres', $model);
like(as_check($node, 'library preloaded'), qr/^f\|.*\|ALTER SYSTEM SET shared_preload_libraries = 'agent_studio'; then restart/, 'as_check says how to mend it');
($result, $waiting, $error) = $node->psql('postgres', q(SELECT agent_studio.as_execute_task('worker', 'Wait for the library.')));
like($error, qr/WARNING:  no executor is at work in this database: the library is not in shared_preload_libraries/, 'as_execute_task warns');
is(sql($node, "SELECT agent_studio.as_wait($waiting, 0.2)"), 'queued', 'the work waits');
like(sql_error($node, "CALL agent_studio.as_follow($waiting)"), qr/55000.*nothing is at work here/s, 'as_follow does not wait for what cannot come');
# As the fix says.
sql($node, q(SELECT fix FROM agent_studio.as_check() WHERE item = 'library preloaded')) =~ /^(.*?);/;
sql($node, $1);
$node->restart;
is(outcome($node, $waiting)->{status}, 'completed', 'after the restart it is done');
finish_studio($node, $model);
done_testing();
