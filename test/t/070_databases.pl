# Several databases: each has its own executor, and commands that need a database
# to itself get it, whatever is in flight there or elsewhere.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $model = start_model_server();
my $node = start_studio('databases', $model);

sub make_database
{
	my ($name) = @_;

	sql($node, "CREATE DATABASE $name");
	sql($node, 'CREATE EXTENSION agent_studio', $name);
	set_up_agents($node, $name, $model);
	return wait_for_executor($node, $name);
}

# Work that streams, hangs, and would succeed at the second request.
sub hang
{
	my ($database, $mark) = @_;
	my $id = submit($node, "\@mock text=abc stall=1 times=1 key=$mark\nHanging: $mark.", database => $database);

	$model->await('in_flight=1', "Hanging: $mark.");
	return $id;
}

sub in_flight { my ($mark) = @_; return $model->stats("Hanging: $mark.")->{in_flight}; }

# Runs a command that must succeed, and quickly.
sub quickly
{
	my ($command, $database) = @_;
	my $begin = time();
	my ($code, $output, $error) = $node->psql($database // 'postgres', $command);

	is($error, '', "$command: succeeds") or return;
	cmp_ok(time() - $begin, '<', 4, "$command: and does not wait");
	return;
}

my $first = wait_for_executor($node);
my $second = make_database('second');

# ---------- isolation ----------

isnt($first, $second, 'each database has an executor of its own');
my $run = run_task($node, 'Only in second.', database => 'second');
is("$run->{status} $run->{executor}", "completed $second", 'work runs in the executor of its database');
is(sql($node, "SELECT count(*) FROM agent_studio.executions"), 0, 'and is not seen in another one');
is(sql($node, 'SELECT epoch FROM agent_studio_private.worker_state()', 'second'), 1, 'epochs count for each database');

# The long-running witness: nothing below may disturb it.
my $witness = submit($node, "\@mock stall=1\nHanging: witness.");
$model->await('in_flight=1', 'Hanging: witness.');

# ---------- DROP DATABASE ----------

quickly('DROP DATABASE second');
make_database('third');
hang('third', 'dropped');
quickly('DROP DATABASE third');
$model->await('client_closed=1', 'Hanging: dropped.');
pass('DROP DATABASE closes the sockets of the database that it drops');
make_database('fourth');
hang('fourth', 'forced');
quickly('DROP DATABASE fourth WITH (FORCE)');
$model->await('client_closed=1', 'Hanging: forced.');
pass('so does DROP DATABASE WITH (FORCE)');

# Who may not drop it does not disturb it either.
$second = make_database('second');
my $id = hang('second', 'undisturbed');
sql($node, 'CREATE ROLE nobody LOGIN; CREATE ROLE maker LOGIN CREATEDB');
for my $command ('DROP DATABASE second', 'DROP DATABASE second WITH (FORCE)', 'ALTER DATABASE second RENAME TO mine', 'CREATE DATABASE copy TEMPLATE second')
{
	my $role = $command =~ /^CREATE/ ? 'maker' : 'nobody';

	like(sql_error($node, "SET ROLE $role;\n$command"), qr/42501/, "$command by somebody without the right is refused");
}
like(sql_error($node, "SET ROLE nobody;\nCREATE DATABASE copy TEMPLATE second"), qr/42501/, 'and so without CREATEDB');
like(sql_error($node, 'DROP DATABASE second', 'second'), qr/55006.*currently open/s, 'nor can a database be dropped from within');
is(worker_pid($node, 'executor', 'second'), $second, 'the executor of that database is the same one');
is(in_flight('undisturbed'), 1, 'and its call is still in flight');

# One that is in use by somebody else fails, and its executor comes back.
my $user = $node->background_psql('second');
like(sql_error($node, 'DROP DATABASE second'), qr/55006.*being accessed by other users/s, 'a database that others use is not dropped');
$user->quit;
is(outcome($node, $id, 'second')->{status}, 'completed', 'its work goes on');

# ---------- RENAME, SET TABLESPACE, TEMPLATE ----------

$id = hang('second', 'renamed');
quickly('ALTER DATABASE second RENAME TO renamed');
$run = outcome($node, $id, 'renamed');
is("$run->{status} " . join(',', map { $_->{outcome} } @{ $run->{tries} }), 'completed interrupted,completed', 'work goes on under the new name');

my $folder = PostgreSQL::Test::Utils::tempdir();
sql($node, "CREATE TABLESPACE elsewhere LOCATION '$folder'");
$id = hang('renamed', 'moved');
quickly('ALTER DATABASE renamed SET TABLESPACE elsewhere');
is(outcome($node, $id, 'renamed')->{status}, 'completed', 'and in another tablespace');

quickly('CREATE DATABASE plain TEMPLATE template0');
$id = hang('renamed', 'copied');
quickly('CREATE DATABASE copy TEMPLATE renamed');
is(outcome($node, $id, 'renamed')->{status}, 'completed', 'and after its database was a template');
wait_for_executor($node, 'copy');
is(run_task($node, 'In the copy.', database => 'copy')->{status}, 'completed', 'the copy works too');
is($model->count('Hanging: copied.'), 2, 'the work of its template is not done there a second time');
is(as_check($node, 'restored work', 'copy'), 'f|1 steps were restored from a dump, or copied, and wait|SELECT agent_studio.as_release_restored();', 'but waits, as as_check says');
is(sql($node, 'SELECT agent_studio.as_release_restored()', 'copy'), 1, 'until it is released');
is(outcome($node, $id, 'copy')->{status}, 'completed', 'then it is done there too');
is($model->count('Hanging: copied.'), 3, 'once');

unlike(slurp_file($node->logfile), qr/template0" is not currently accepting/, 'nobody tries to work in a template');

# ---------- the witness ----------

is(worker_pid($node, 'executor', 'postgres'), $first, 'all the while the first executor has lived');
is(in_flight('witness'), 1, 'and its call has been in flight');
sql($node, "SELECT agent_studio.as_cancel($witness)");
is(outcome($node, $witness)->{status}, 'canceled', 'until it is canceled');

finish_studio($node, $model, 'postgres', 'renamed', 'copy');
done_testing();
