# A standby reads and takes no work; once promoted it goes on with the work, once.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use PostgreSQL::Test::Utils;
use Test::More;

my $model = start_model_server();
my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1, extra => \@initdb_options);
$primary->append_conf('postgresql.conf', "shared_preload_libraries = 'agent_studio'\nmax_worker_processes = 20\nagent_studio.retry_delay = '50ms'\n");
$primary->start;
sql($primary, 'CREATE EXTENSION agent_studio');
set_up_agents($primary, 'postgres', $model);
sql($primary, q(SELECT agent_studio.as_create_workflow('asks-sequential-dev', 'sequential', '{"steps": [
	{"name": "make", "agent": "worker", "task": "Make it.", "approval": {"by": "agent_studio_admin"}}]}')));
sql($primary, 'CREATE ROLE viewer IN ROLE agent_studio_monitor, agent_studio_user');

# What each function that writes says, called with NULLs.
sql($primary, <<'SQL');
CREATE FUNCTION refusals() RETURNS TABLE (name text, refused text) LANGUAGE plpgsql AS $$
DECLARE
	hint text;
BEGIN
	FOR name IN SELECT format('%s(%s)', p.oid::regproc, (SELECT string_agg('NULL::' || format_type(a.type, NULL), ', ' ORDER BY a.n) FROM unnest(p.proargtypes) WITH ORDINALITY a (type, n)))
		FROM pg_proc p WHERE p.prosrc = 'agent_studio_gate' AND p.provolatile = 'v' ORDER BY 1 LOOP
		BEGIN
			EXECUTE 'SELECT ' || name;
			refused := 'not at all';
		EXCEPTION WHEN OTHERS THEN
			GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
			refused := concat_ws('. ', SQLSTATE || ': ' || SQLERRM, hint);
		END;
		RETURN NEXT;
	END LOOP;
END
$$;
SQL
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;

my $done = run_task($primary, 'Done on the primary.')->{execution_id};
my $asks = sql($primary, "SELECT agent_studio.as_run_workflow('asks-sequential-dev')");
wait_until(sub { status_of($primary, $asks) eq 'waiting_approval' }, 'a workflow waits for a word');
my $running = submit($primary, "\@mock reasoning=2 stall=1 times=1 text=abc\nUnder way on the primary.");
my $retrying = submit($primary, "\@mock status=503 retry_after=600 times=1\nWaiting for a retry on the primary.");
wait_until(sub { sql($primary, "SELECT count(*) FROM agent_studio.as_thoughts($running) WHERE source = 'reasoning'") == 2 }, 'the model streams');
wait_until(sub { sql($primary, "SELECT state FROM agent_studio.steps WHERE execution_id = $retrying") eq 'retrying' }, 'the other one waits');
flush_wal($primary);
$primary->wait_for_catchup($standby);

# ---------- reading, and nothing else ----------

like(sql($standby, "SELECT agent_studio.as_output($done)"), qr/Done on the primary/, 'a standby shows outputs');
is(sql($standby, "SELECT status, agent FROM agent_studio.as_status($running)"), 'running|worker', 'and the status');
is(sql($standby, "SELECT count(*) FROM agent_studio.as_thoughts($running) WHERE source = 'reasoning'"), 2, 'and thoughts while the model streams');
is(sql($standby, "SELECT agent_studio.as_wait($done)"), 'completed', 'as_wait works');
is(sql($standby, "SELECT agent_studio.as_wait($running, 0.1)"), 'running', 'and gives up in time');
is(sql($standby, 'SELECT refused, count(*) > 30 FROM refusals() GROUP BY 1'),
	'25006: this server is a standby: Agent Studio takes no work here. Connect to the primary. After a promotion work continues here by itself.|t',
	'every function that writes is refused, and says why');
for my $call (q(CALL agent_studio.as_follow_task('worker', 'No.')), q(CALL agent_studio.as_follow_workflow('asks-sequential-dev')), 'CALL agent_studio.as_purge()',
	q(SELECT * FROM agent_studio.as_test_workflow('asks-sequential-dev', mode => 'full')))
{
	like(sql_error($standby, $call), qr/25006.*this server is a standby.*HINT:.*primary/s, "$call: the same");
}

# Everything that only reads, as somebody who may see all, and as the owner.
my @reads = (map({ ("as_$_($done)", "as_$_($running)", "as_$_($asks)") } qw(status watch progress usage notices result output metrics quality logs thoughts)),
	map({ ("as_$_($asks)") } qw(workflow_status failure recovery_options report report_html diagram)), map({ ("as_$_($done)") } qw(report report_html download_text download)),
	"as_download($done, 'zip')", "as_compare($done, $asks)", 'as_history()', 'as_history_totals()', 'as_dashboard_html()', 'as_watch_all()', 'as_check()', q(as_search_agents('worker')),
	q(as_suggest_agents('build something')), q(as_task_template('builder')), q(as_context_fields('builder')), q(as_check_task('worker', 'Build it.')),
	q(as_diagram('asks-sequential-dev')), q(as_export_workflow('asks-sequential-dev')), q(as_estimate('asks-sequential-dev')),
	q(as_test_workflow('asks-sequential-dev')));
my @relations = split /\n/, sql($standby, "SELECT c.oid::regclass FROM pg_class c WHERE c.relkind IN ('r', 'v') AND c.relnamespace IN ('agent_studio'::regnamespace, 'agent_studio_bi'::regnamespace)");
for my $role ('postgres', 'viewer')
{
	my ($code, $output, $said) = $standby->psql('postgres', "SET ROLE $role;\n"
		. join('', map { "SELECT count(*) FROM agent_studio.$_ \\g /dev/null\n" } @reads) . join('', map { "SELECT * FROM $_ \\g /dev/null\n" } @relations), on_error_stop => 0);
	is($said, '', "$role can read all of " . @reads . ' calls and ' . @relations . ' tables and views');
}
my %read = map { /^(\w+)/ => 1 } @reads;
is(join(' ', grep { !$read{$_} } split /\n/, sql($standby, "SELECT DISTINCT proname FROM pg_proc WHERE pronamespace = 'agent_studio'::regnamespace AND prokind = 'f' AND prosrc IS DISTINCT FROM 'agent_studio_gate' ORDER BY 1")),
	'agent_studio_validator as_wait', 'which are all there are');
like(as_check($standby, 'executor running'), qr/^\|this server is a standby/, 'as_check says so');
is(worker_pid($standby, 'executor') . worker_pid($standby, 'launcher'), '', 'no worker runs there');
is($model->stats->{requests}, 3, 'nothing is sent from there');

is(sql($standby, 'SELECT string_agg(id::text, $$ $$ ORDER BY id) FROM agent_studio.active_executions'), "$asks $running $retrying", 'the views show what runs on the primary');
is(sql($standby, "SELECT (u).is_estimate FROM agent_studio.as_usage($running) u") . sql($standby, "SELECT count(*) FROM agent_studio.alerts WHERE kind = 'approval'"), 't1', 'usage and alerts can be read');

# ---------- promotion ----------

my $seen = sql($standby, "SELECT max(seq) FROM agent_studio.as_thoughts($running)");
$primary->stop('immediate');
$standby->promote;
my $executor = wait_for_executor($standby);
my $run = outcome($standby, $running);
is("$run->{status} " . join(',', map { $_->{outcome} } @{ $run->{tries} }), 'completed lost,completed', 'after the promotion what was under way is sent again');
is($model->count('Under way on the primary'), 2, 'once');
is(scalar(grep { $_->{seq} <= $seen && $_->{attempt_no} == 2 } @{ $run->{thoughts} }), 0, 'a reader who followed the primary sees no thought twice');
sql($standby, "UPDATE agent_studio.queue SET run_at = now() WHERE execution_id = $retrying");
is(outcome($standby, $retrying)->{status}, 'completed', 'what waited for its retry is tried again when its time has come');
is($model->count('Waiting for a retry on the primary'), 2, 'once');
is($model->count('Done on the primary'), 1, 'what was done is not');
$run = run_task($standby, 'New after the promotion.');
is("$run->{status} $run->{executor}", "completed $executor", 'and new work is taken');

finish_studio($standby, $model);
done_testing();
