# Who sees few rows of very many: by which index the planner finds them, and that what
# it thinks to know decides nothing but the time. And what lies about the index of times.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_cluster('few', "agent_studio.databases = ''");

sql($node, "CREATE EXTENSION agent_studio; CREATE EXTENSION pageinspect; " . slurp_file('test/history/generate.sql') . "CALL history.bulk(30000, now());
	CREATE ROLE seldom IN ROLE agent_studio_user; CREATE ROLE never IN ROLE agent_studio_user; CREATE ROLE watcher IN ROLE agent_studio_monitor;
	CREATE ROLE stranger; GRANT USAGE ON SCHEMA agent_studio TO stranger;
	CREATE TEMPORARY TABLE few AS SELECT execution_id FROM agent_studio.executions WHERE kind = 'workflow' AND finished_at IS NOT NULL ORDER BY execution_id LIMIT 20;
	UPDATE agent_studio.executions e SET owner = 'seldom', team = NULL FROM few WHERE e.execution_id = few.execution_id;
	UPDATE agent_studio.steps s SET owner = 'seldom', team = NULL FROM few WHERE s.execution_id = few.execution_id;
	UPDATE agent_studio.attempts a SET owner = 'seldom', team = NULL FROM few WHERE a.execution_id = few.execution_id");
sql($node, 'VACUUM ANALYZE');

sub as_role { my ($role, $query) = @_; return sql($node, "SET ROLE $role; $query"); }
sub plan { my ($role, $query) = @_; return as_role($role, "EXPLAIN (COSTS OFF) $query"); }
sub all_of { my ($table) = @_; return sql($node, "SELECT count(*) FROM agent_studio.$table"); }
sub of_owner { my ($table, $owner) = @_; return sql($node, "SELECT count(*) FROM agent_studio.$table WHERE owner = '$owner'"); }

# ---------- which way ----------

my $newest = 'SELECT * FROM agent_studio.execution_history ORDER BY execution_id DESC LIMIT 100';

for my $role (qw(seldom never))
{
	like(plan($role, $newest), qr/Bitmap Index Scan on executions_owner/, "$role finds his executions by their owner");
	like(plan($role, "SELECT * FROM agent_studio.$_"), qr/Index Scan (?:using|on) ${_}_pkey/, "$role finds his $_ by the executions") for qw(steps attempts);
	like(plan($role, 'SELECT * FROM agent_studio.outputs'), qr/Index Scan (?:using|on) steps_pkey/, "$role finds his outputs by the executions");
}
like(plan('alice', $newest), qr/Index Scan Backward using executions_pkey/, 'who sees many looks at the newest');
like(plan('alice', 'SELECT * FROM agent_studio.steps'), qr/Seq Scan on steps/, 'and through all steps');
unlike(plan('watcher', $newest), qr/planned_roles/, 'who reads all is not looked for');
unlike(plan('watcher', 'SELECT * FROM agent_studio.attempts'), qr/planned_executions/, 'nor are his executions');
sub expected { my ($role, $table) = @_; my ($rows) = as_role($role, "EXPLAIN SELECT * FROM agent_studio.$table") =~ /rows=(\d+)/; return $rows; }
cmp_ok(expected('seldom', $_), '<', all_of($_) / 100, "few $_ are expected") for qw(executions steps attempts);
cmp_ok(expected('alice', $_), '>', all_of($_) / 4, "many $_ are expected") for qw(executions steps attempts);
is(expected('watcher', $_), all_of($_), "all $_ are expected") for qw(executions steps attempts);

# The ids are told once: not where each row of something else, or the query, leads to an execution.
for my $query ('SELECT * FROM agent_studio.execution_history', 'SELECT * FROM agent_studio.steps WHERE execution_id = 5', 'SELECT * FROM agent_studio.attempts WHERE execution_id = ANY (ARRAY[1, 2, 3])',
	'SELECT * FROM agent_studio.executions e JOIN agent_studio.steps s USING (execution_id)', 'SELECT (SELECT count(*) FROM agent_studio.attempts a WHERE a.execution_id = e.execution_id) FROM agent_studio.executions e',
	'SELECT * FROM agent_studio.steps s WHERE EXISTS (SELECT FROM agent_studio.attempts a WHERE a.execution_id = s.execution_id)')
{
	unlike(plan('seldom', $query), qr/planned_executions/, "his executions are not asked for: $query");
}

# An index of the DBA's, in which the execution comes second, is sorted by what comes first.
sql($node, 'CREATE INDEX steps_by_state ON agent_studio.steps (state, execution_id); CREATE INDEX attempts_by_time ON agent_studio.attempts (sent_at, execution_id);
	UPDATE agent_studio.attempts SET sent_at = now() WHERE (execution_id, step_no, attempt_no) = (SELECT execution_id, step_no, attempt_no FROM agent_studio.attempts WHERE owner = \'seldom\' ORDER BY 1, 2, 3 LIMIT 1);
	ANALYZE agent_studio.steps; ANALYZE agent_studio.attempts');
for my $role (qw(seldom erin))
{
	my $ordered = 'SELECT max(state), min(state), (SELECT max(sent_at) FROM agent_studio.attempts %s) FROM agent_studio.steps %s';
	my $of_role = sub { my ($where) = @_; return sprintf $ordered, $where, $where };

	is(as_role($role, $of_role->('')), sql($node, $of_role->("WHERE owner = '$role'")), "what comes first and last for $role");
	is(as_role($role, 'SET enable_sort = off; SET enable_seqscan = off; SET enable_bitmapscan = off; SELECT state, count(*) FROM (SELECT state, execution_id FROM agent_studio.steps ORDER BY state) x GROUP BY state ORDER BY state'),
		sql($node, "SELECT state, count(*) FROM agent_studio.steps WHERE owner = '$role' GROUP BY state ORDER BY state"), "each state once for $role");
}
sql($node, 'DROP INDEX agent_studio.steps_by_state; DROP INDEX agent_studio.attempts_by_time');

# ---------- what is in it ----------

for my $table (qw(executions steps attempts))
{
	is(as_role('seldom', "SELECT count(*) FROM agent_studio.$table"), of_owner($table, 'seldom'), "seldom sees his $table");
	cmp_ok(of_owner($table, 'seldom'), '>', 0, 'and has some');
	is(as_role('never', "SELECT count(*) FROM agent_studio.$table"), 0, "never sees no $table");
	is(as_role('watcher', "SELECT count(*) FROM agent_studio.$table"), all_of($table), "watcher sees all $table");
	is(as_role('seldom', "SET enable_indexscan = off; SET enable_bitmapscan = off; SELECT count(*) FROM agent_studio.$table"), of_owner($table, 'seldom'), "whichever way, $table");
}

# One plan for several readers, and for a reader whose rights change.
my $counted = join ', ', map { "(SELECT count(*) FROM agent_studio.$_)" } qw(executions steps attempts);
my $his = join '|', map { of_owner($_, 'seldom') } qw(executions steps attempts);
my $all = join '|', map { all_of($_) } qw(executions steps attempts);
my $session = $node->background_psql('postgres');

$session->query_safe("SET plan_cache_mode = force_generic_plan; SET ROLE seldom; PREPARE counted AS SELECT $counted");
is($session->query_safe('EXECUTE counted'), $his, 'a prepared query tells him of his');
is($session->query_safe('SET ROLE watcher; EXECUTE counted'), $all, 'a monitor of all');
is($session->query_safe('SET ROLE never; EXECUTE counted'), '0|0|0', 'and who has none of none');
is($session->query_safe('SET ROLE seldom; EXECUTE counted'), $his, 'and him of his again');
sql($node, 'GRANT agent_studio_monitor TO seldom');
is($session->query_safe('EXECUTE counted'), $all, 'of all, once he may read all');
sql($node, 'REVOKE agent_studio_monitor FROM seldom');
is($session->query_safe('EXECUTE counted'), $his, 'and of his alone when he may not any more');
$session->quit;

# A cursor that changes hands does not pass what one sees little of for all there is.
for my $table (qw(executions steps))
{
	my $moves = "BEGIN; SET LOCAL ROLE seldom; DECLARE mine CURSOR FOR SELECT execution_id FROM agent_studio.$table; SET LOCAL ROLE %s; MOVE ALL mine; COMMIT";

	like(sql_error($node, sprintf($moves, 'watcher')), qr/55000.*planned for a role that sees little.*HINT:/s, "$table of a cursor that a monitor fetches from");
	is(sql_error($node, sprintf($moves, 'never')), 'no error, but: ', "$table of one that another fetches from");
}

# What he may not read, he is told is not for him: not what the planner came upon.
for my $table (qw(executions steps))
{
	my ($status, undef, $error) = $node->psql('postgres', "SET ROLE stranger; SELECT count(*) FROM agent_studio.$table");

	like($error, qr/permission denied for table $table/, "a stranger may not read $table");
}
sql($node, 'GRANT SELECT ON agent_studio.steps TO stranger; GRANT USAGE ON SCHEMA agent_studio_private TO stranger;
	GRANT EXECUTE ON FUNCTION agent_studio_private.is_of_mine TO stranger');
is(as_role('stranger', 'SELECT count(*) FROM agent_studio.steps'), 0, 'who may read steps only sees none of others, and no error');
sql($node, 'GRANT SELECT ON agent_studio.executions TO stranger; GRANT EXECUTE ON FUNCTION agent_studio_private.is_mine, agent_studio_private.planned_executions TO stranger');
is(as_role('stranger', 'SELECT count(*) FROM agent_studio.steps'), 0, 'nor who may ask for half of it');

# More roles than it is worth to ask the statistics for.
sql($node, 'SELECT format(\'CREATE ROLE "team %s" ROLE seldom\', g) FROM generate_series(1, 300) g \gexec');
is(as_role('seldom', "SELECT $counted"), $his, 'with very many roles he sees the same');

# ---------- ranges of times that nobody has summarized to the end ----------

my $unfinished = q(SELECT count(*) FROM generate_series(1, (SELECT pg_relation_size('agent_studio.attempts_times') / 8192 - 1)::int) page,
	LATERAL get_raw_page('agent_studio.attempts_times', page) raw, LATERAL brin_page_items(raw, 'agent_studio.attempts_times') range
	WHERE brin_page_type(raw) = 'regular' AND range.placeholder);
sub pages_looked_at
{
	my ($pages) = sql($node, "SET enable_seqscan = off; SET max_parallel_workers_per_gather = 0; EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF)
		SELECT count(*) FROM agent_studio.attempts WHERE sent_at > now() - interval '1 minute'") =~ /Heap Blocks:.* lossy=(\d+)/;
	return $pages // 0;
}

sub cancel_a_summary
{
	sql($node, q(SELECT count(brin_desummarize_range('agent_studio.attempts_times', b)) FROM generate_series(0,
		(SELECT pg_relation_size('agent_studio.attempts') / 8192 - 1), 16) b));
	$node->psql('postgres', sprintf "SET statement_timeout = %d; SELECT brin_summarize_new_values('agent_studio.attempts_times')", 2 + rand(6));
	my $left = sql($node, $unfinished);
	sql($node, "SELECT brin_summarize_new_values('agent_studio.attempts_times')");
	return $left > 0;
}

my $all_pages = sql($node, "SELECT pg_relation_size('agent_studio.attempts') / 8192");
cmp_ok(pages_looked_at(), '<', $all_pages / 4, 'few pages are looked at for the last minute');
wait_until(\&cancel_a_summary, 'a summary is canceled half-way');
cmp_ok(sql($node, $unfinished), '>', 0, 'the range stays as it is, though all others are summarized');
$session = $node->background_psql('postgres');
$session->query_safe('BEGIN; LOCK TABLE agent_studio.attempts IN SHARE UPDATE EXCLUSIVE MODE');
is(sql($node, "SELECT agent_studio_private.mend_time_ranges('agent_studio.attempts_times')"), 0, 'while another is at work on the table, nobody is waited for');
$session->query_safe('COMMIT');
$session->quit;
is(sql($node, 'SELECT agent_studio.as_roll_up() >= 0'), 't', 'rolling up');
is(sql($node, $unfinished), 0, 'mends it');
cmp_ok(pages_looked_at(), '<', $all_pages / 4, 'and few pages are looked at again');

$node->stop;
done_testing();
