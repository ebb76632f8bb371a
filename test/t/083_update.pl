# ALTER EXTENSION UPDATE while work is under way: nothing is lost, whether the library that is
# loaded fits the new version or not. The versions are made up by this test.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $model = start_model_server();
my $node = start_studio('update', $model);
my ($folder) = run_command([ 'pg_config', '--sharedir' ]);
my @made;
END { unlink @made; }

# A script that leads from one version to another.
sub make_update
{
	my ($from, $to, $script) = @_;

	push @made, "$folder/extension/agent_studio--$from--$to.sql";
	append_to_file($made[-1], $script);
	return;
}

sub versions { return sql($node, "SELECT (agent_studio_private.worker_state()).loaded_version, extversion FROM pg_extension WHERE extname = 'agent_studio'"); }

make_update('1.0.0', '1.0.1', <<'SQL');
ALTER TABLE agent_studio.steps ADD COLUMN remark text;
ALTER TABLE agent_studio.queue ADD COLUMN remark text;
CREATE FUNCTION agent_studio.as_remark(execution bigint) RETURNS text LANGUAGE sql RETURN 'It is new.';
SQL
make_update('1.0.1', '1.1.0', 'ALTER TABLE agent_studio.attempts RENAME COLUMN epoch TO life;');
make_update('1.1.0', '1.0.2', 'ALTER TABLE agent_studio.attempts RENAME COLUMN life TO epoch;');

# ---------- to a version that the library fits ----------

my $steps = join(', ', map { qq({"name": "step$_", "agent": "worker", "task": "\@mock chunk_delay=30\\nStep $_ of {case}."}) } 1 .. 4);
sql($node, "SELECT agent_studio.as_create_workflow('four-sequential-dev', 'sequential', \$\${\"inputs\": {\"case\": \"string\"}, \"steps\": [$steps]}\$\$)");
my $before = wait_for_executor($node);
sql($node, q(SELECT agent_studio.as_run_workflow('four-sequential-dev', jsonb_build_object('case', 'case' || i)) FROM generate_series(1, 30) i));
wait_until(sub { sql($node, "SELECT count(*) FROM agent_studio.steps WHERE state = 'completed'") >= 20 && sql($node, "SELECT count(*) FROM agent_studio.steps WHERE state = 'running'") > 0 }, 'the workflows are under way');

sql($node, "BEGIN; ALTER EXTENSION agent_studio UPDATE TO '1.0.1'; ROLLBACK");
is(versions(), '1.0.0|1.0.0', 'an update that is rolled back');
wait_for_executor($node);
wait_until(sub { sql($node, "SELECT count(*) FROM agent_studio.steps WHERE state = 'running'") > 0 }, 'they go on');
my $begin = time();
sql($node, "ALTER EXTENSION agent_studio UPDATE TO '1.0.1'");
cmp_ok(time() - $begin, '<', 5, 'an update does not wait for the models');
cmp_ok(sql($node, 'SELECT count(*) FROM agent_studio.executions WHERE finished_at IS NULL'), '>', 0, 'and comes while they are under way');
is(versions(), '1.0.0|1.0.1', 'the library is of one version, the extension of the next');
wait_until(sub { sql($node, 'SELECT count(*) FROM agent_studio.executions WHERE finished_at IS NULL') == 0 }, 'all end');
is(sql($node, "SELECT e.status, count(DISTINCT e.execution_id), count(*) FROM agent_studio.executions e JOIN agent_studio.attempts a USING (execution_id) WHERE a.outcome = 'completed' GROUP BY 1"),
	'completed|30|120', 'each of 120 steps completed, once');
is(sql($node, "SELECT string_agg(DISTINCT outcome, ' ' ORDER BY outcome) FROM agent_studio.attempts"), 'completed interrupted', 'what was under way was interrupted, and is nobody\'s failure');
isnt(wait_for_executor($node), $before, 'by executors that began with the new tables');
is(as_check($node, 'versions match'), 'f|library 1.0.0, extension 1.0.1|Restart the server, so that it loads the new library.', 'as_check says that the new library is not loaded yet');
is(run_task($node, 'After the update.')->{status}, 'completed', 'meanwhile the old one works');

# ---------- to a version that it does not fit ----------

my $id = submit($node, "\@mock text=abc stall=1 times=1 key=waits\nWaits for the library.");
$model->await('in_flight=1', 'Waits for the library.');
sql($node, "ALTER EXTENSION agent_studio UPDATE TO '1.1.0'");
wait_until(sub { as_check($node, 'executor running') =~ /^f\|no extension to serve/ }, 'the executor does not run');
is(as_check($node, 'executor running'), 'f|no extension to serve: the extension is of version 1.1.0, the library of 1.0.0|See "versions match": it starts by itself then.', 'as_check says why');
is(worker_pid($node, 'executor'), '', 'there is none');
is(sql($node, "SELECT e.status || ' ' || s.state FROM agent_studio.executions e JOIN agent_studio.steps s USING (execution_id) WHERE execution_id = $id"), 'running queued', 'the work waits');
my ($code, $second, $warning) = $node->psql('postgres', q(SELECT agent_studio.as_execute_task('worker', 'New meanwhile.')));
like($warning, qr/WARNING:  no executor is at work in this database: library and extension are of different versions/, 'who submits something is told');
$node->restart;
wait_until(sub { as_check($node, 'executor running') =~ /^f\|no extension to serve/ }, 'nor does it after a restart');
is($model->count('Waits for the library.') . $model->count('New meanwhile.'), '10', 'nothing is sent');

# As if the fitting library had come.
sql($node, "ALTER EXTENSION agent_studio UPDATE TO '1.0.2'");
is(outcome($node, $id)->{status}, 'completed', 'with a version that fits, the work goes on by itself');
is(outcome($node, $second)->{status}, 'completed', 'so does what came meanwhile');
is($model->count('Waits for the library.') . $model->count('New meanwhile.'), '21', 'each is sent once more');
is(scalar(() = slurp_file($node->logfile) =~ /does not run: the extension is of version 1\.1\.0/g), 2, 'the log has said it once for each start');
is(sql($node, "SELECT count(*) FROM agent_studio.executions WHERE status = 'failed'"), 0, 'nothing has failed');

finish_studio($node, $model);
done_testing();
