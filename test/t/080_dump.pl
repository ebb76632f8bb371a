# A dump, restored into a cluster that does not know the owners: no error, nothing
# is sent until somebody says so, and then each piece of work once.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use PostgreSQL::Test::Utils;
use Test::More;

my $model = start_model_server();
my $node = start_studio('dumped', $model);

# Owners with a team of their own; an agent that was edited; work in every state.
sql($node, "CREATE ROLE team; CREATE ROLE alice LOGIN IN ROLE agent_studio_user, team; CREATE ROLE bob LOGIN IN ROLE agent_studio_user");
sql($node, "SELECT agent_studio.as_create_model('one', 'mock', deployment => 'mock', max_concurrency => 1)");
sql($node, "SET ROLE alice; SELECT agent_studio.as_create_agent('hers', 'architect', 'one', 'Old.', team => 'team')");
sql($node, "SET ROLE alice; SELECT agent_studio.as_update_agent('hers', system_prompt => 'New.')");
sub give { my ($task) = @_; return sql($node, "SET ROLE alice; SELECT agent_studio.as_execute_task('hers', \$t\$$task\$t\$)"); }

my $done = give('Done before the dump.');
outcome($node, $done);
my $retrying = give("\@mock status=503 retry_after=600 times=1\nWork that waits for a retry.");
wait_until(sub { sql($node, "SELECT state FROM agent_studio.steps WHERE execution_id = $retrying") eq 'retrying' }, 'it waits for its retry');
my $running = give("\@mock stall=1 times=1 text=abc\nWork that is under way.");
$model->await('in_flight=1', 'Work that is under way');
my $queued = give('Work that waits for its turn.');
my $canceled = submit($node, 'Work that was canceled.', agent => 'hers');
sql($node, "SELECT agent_studio.as_cancel($canceled)");
my $before = sql($node, 'SELECT execution_id, status, owner, team, agent, attempts, input_tokens FROM agent_studio.executions ORDER BY 1');

my $dump = "$PostgreSQL::Test::Utils::tmp_check/studio.sql";
$node->command_ok([ 'pg_dump', '--file', $dump, '-d', $node->connstr('postgres') ], 'pg_dump succeeds');
my $in_dump = slurp_file($dump);
unlike($in_dump, qr/^COPY agent_studio\.(queue|commands) /m, 'queue and commands are not in it');
like($in_dump, qr/^COPY agent_studio\.$_ /m, "$_ are") for qw(models agents agent_versions executions steps attempts thoughts notices logs);
$node->stop;

# ---------- restored, while an executor is at work there already ----------

my $copy = start_studio('restored', undef, "agent_studio.poll_interval = '100ms'");
for my $way ('in pieces', 'in one transaction')
{
	my $database = $way =~ s/ /_/gr;
	my $requests = $model->stats->{requests};

	sql($copy, "CREATE DATABASE $database TEMPLATE template0");
	my @options = $way =~ /one/ ? '--single-transaction' : ();
	$copy->command_ok([ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', @options, '-o', '/dev/null', '-f', $dump, '-d', $copy->connstr($database) ], "$way: the restore has no error");
	is(sql($copy, 'SELECT execution_id, status, owner, team, agent, attempts, input_tokens FROM agent_studio.executions ORDER BY 1', $database), $before,
		"$way: every execution is as it was");
	is(sql($copy, "SELECT count(*), max(system_prompt) FILTER (WHERE version = '1.1.0') FROM agent_studio.agent_versions v JOIN agent_studio.agents a USING (agent_id) WHERE a.name = 'hers'", $database),
		'2|New.', "$way: so is every version of the agent");
	like(sql($copy, "SELECT agent_studio.as_output($done)", $database), qr/Done before the dump/, "$way: what was done can be read");

	# The executor is at work: it does what is new, and nothing else.
	wait_for_executor($copy, $database);
	my $new = submit($copy, "New work $way.", database => $database);
	is(outcome($copy, $new, $database)->{status}, 'completed', "$way: new work is done");
	cmp_ok($new, '>', $canceled, "$way: ids go on where they were");
	is($model->stats->{requests}, $requests + 1, "$way: nothing of the dump is sent");
	is(as_check($copy, 'restored work', $database), 'f|3 steps were restored from a dump, or copied, and wait|SELECT agent_studio.as_release_restored();',
		"$way: as_check says what waits");
	is(as_check($copy, 'owners exist', $database), 'f|missing roles own 3 unfinished executions: alice|CREATE ROLE alice; or as_cancel those executions.',
		"$way: and whose it is");
}

# ---------- released ----------

my $database = 'in_pieces';
is(sql($copy, 'SELECT agent_studio.as_release_restored()', $database), 0, 'while its owner is missing, work stays held');
is(sql($copy, 'SELECT count(*) FROM agent_studio.queue', $database), 0, 'and is not in the queue');
sql($copy, 'CREATE ROLE bob LOGIN IN ROLE agent_studio_user; CREATE ROLE alice LOGIN IN ROLE agent_studio_user');
like(sql_error($copy, 'SET ROLE bob; SELECT agent_studio.as_release_restored()', $database), qr/42501/, 'not everybody may release it');
my %before = map { $_ => $model->count($_) } 'Work that waits for a retry', 'Work that is under way', 'Work that waits for its turn';
is(sql($copy, 'SELECT agent_studio.as_release_restored()', $database), 3, 'as_release_restored tells how many');
is(sql($copy, 'SELECT agent_studio.as_release_restored()', $database), 0, 'a second time there is nothing left');
for my $id ($retrying, $running, $queued)
{
	is(outcome($copy, $id, $database)->{status}, 'completed', "execution $id completes");
}
is($model->count($_), $before{$_} + 1, "\"$_\" is sent once") for sort keys %before;
is(sql($copy, "SELECT string_agg(outcome || ' ' || possibly_billed, ',' ORDER BY attempt_no) FROM agent_studio.attempts WHERE execution_id = $running", $database),
	'lost true,completed true', 'what was under way is kept as lost, and possibly billed');
is(status_of($copy, $canceled, $database), 'canceled', 'what was canceled stays so');
like(as_check($copy, 'restored work', $database), qr/^t\|/, 'as_check is content');
is(sql($copy, "SELECT (SELECT count(*) FROM agent_studio.queue), count(*) FROM agent_studio.executions WHERE status <> 'completed' AND finished_at IS NULL", 'in_one_transaction'),
	'0|3', 'the other restored database still waits');

finish_studio($copy, $model, $database);
done_testing();
