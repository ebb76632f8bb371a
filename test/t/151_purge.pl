# as_purge removes what is old in batches, and whoever works meanwhile does not wait for it.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use Test::More;

my $model = start_model_server();
my $node = start_studio('purge', $model);

sub details { my ($task) = @_; return sql($node, "SELECT count(*) FROM agent_studio.thoughts t JOIN agent_studio.executions e USING (execution_id) WHERE e.task LIKE '$task%'"); }

sql($node, "SELECT agent_studio.as_execute_task('worker', 'Old ' || i) FROM generate_series(1, 300) i");
wait_until(sub { sql($node, 'SELECT count(*) FROM agent_studio.executions WHERE finished_at IS NULL') == 0 }, 'all end');
cmp_ok(details('Old'), '>=', 300, 'they have left thoughts');
sql($node, "UPDATE agent_studio.executions SET submitted_at = submitted_at - interval '60 days', started_at = started_at - interval '60 days', finished_at = finished_at - interval '60 days'");

# It stands still in the middle of a batch, with rows of its own in its hands.
sql($node, q(CREATE FUNCTION wait_for_gate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock_shared(42); RETURN OLD; END $$;
	CREATE TRIGGER wait_for_gate BEFORE DELETE ON agent_studio.thoughts FOR EACH ROW EXECUTE FUNCTION wait_for_gate()));
my $gate = $node->background_psql('postgres');
$gate->query_safe('SELECT pg_advisory_lock(42)');
my $purger = $node->background_psql('postgres', on_error_stop => 0);
$purger->query_until(qr/^$/, "CALL agent_studio.as_purge();\n\\echo purged\n");
wait_until(sub { sql($node, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") == 1 }, 'the purge is in the middle of it');
is(run_task($node, 'Meanwhile.')->{status}, 'completed', 'work goes on');
is(sql($node, "SELECT count(*) FROM agent_studio.executions WHERE task = 'Meanwhile.' AND attempts = 1"), 1, 'at its first attempt');
is(sql($node, "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'agent_studio executor' AND wait_event_type = 'Lock'"), 0, 'the executor waits for nobody');
my $again = submit($node, "\@mock status=400\nFails.");
is(outcome($node, $again)->{status}, 'failed', 'whatever comes of it');
$gate->query_safe('SELECT pg_advisory_unlock(42)');
wait_until(sub { details('Old') == 0 }, 'the purge goes on');
cmp_ok(details('Meanwhile'), '>', 0, 'and leaves what is new');
is(sql($node, "SELECT count(*) FROM agent_studio.executions WHERE task LIKE 'Old%' AND purged_at IS NOT NULL AND status = 'completed'"), 300, 'executions stay');
is(sql($node, "SELECT count(*) FROM agent_studio.steps s JOIN agent_studio.executions e USING (execution_id) WHERE e.task LIKE 'Old%' AND s.output IS NULL"), 0, 'with what came of them');
$_->quit foreach $purger, $gate;

finish_studio($node, $model);
done_testing();
