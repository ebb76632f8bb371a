# Schedules on a real pg_cron: each minute, in this database and in another one, beside
# one whose role was dropped, one whose workflow is gone, and in a restored database.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use Test::More;

my $model = start_model_server();
my $node = start_studio('schedules', $model, "shared_preload_libraries = 'agent_studio,pg_cron'",
	"cron.database_name = 'postgres'", 'cron.use_background_workers = on', "timezone = 'UTC'");
my $definition = '{"inputs": {"day": "string"}, "steps": [{"name": "write", "agent": "worker", "task": "@mock text=done\nReport of {day}."}]}';
my $each_minute = "'* * * * *', 'report-sequential-prod', '{\"day\": \"%s\"}'";

sub as_role { my ($role, $query, $database) = @_; return sql($node, "SET ROLE $role; $query", $database); }
sub as_schedule { my ($role, $name) = @_; return as_role($role, "SELECT agent_studio.as_schedule('$name', " . sprintf($each_minute, $name) . ')'); }
sub schedule { my ($name, $columns, $database) = @_; return sql($node, "SELECT $columns FROM agent_studio.schedules WHERE name = '$name'", $database); }

# What a statement says besides its result.
sub told
{
	my ($query, $database) = @_;
	my ($output, $said) = ('', '');

	$node->psql($database // 'postgres', $query, stdout => \$output, stderr => \$said);
	return $said;
}

sub set_up_workflow
{
	my ($database) = @_;

	sql($node, "SELECT agent_studio.as_create_workflow('report-sequential-prod', 'sequential', \$\$$definition\$\$, visibility => 'shared')", $database);
	return;
}

sql($node, "CREATE ROLE $_ LOGIN IN ROLE agent_studio_user") for qw(ann ben);
set_up_workflow('postgres');
like(sql_error($node, "SELECT agent_studio.as_schedule('early', " . sprintf($each_minute, 'x') . ')'), qr/55000.*HINT:  CREATE EXTENSION pg_cron;/s,
	'without the extension pg_cron a schedule is refused, with the way out');
sql($node, 'CREATE EXTENSION pg_cron');

# ---------- what is made ----------

as_schedule($_->[0], $_->[1]) for [ 'ann', 'hers' ], [ 'ben', 'his' ];
sql($node, "SELECT agent_studio.as_clone_workflow('report-sequential-prod', 'old-sequential-prod', visibility => 'shared')");
as_role('ann', q(SELECT agent_studio.as_schedule('outdated', '* * * * *', 'old-sequential-prod', '{"day": "x"}')));
sql($node, "SELECT agent_studio.as_deprecate_workflow('old-sequential-prod')");
as_role('ann', q(SELECT agent_studio.as_schedule('yearly', '0 0 1 1 *', 'report-sequential-prod', '{"day": "x"}')));

for my $cron ('tomorrow', '61 * * * *', '* * *')
{
	like(sql_error($node, "SELECT agent_studio.as_schedule('bad', '$cron', 'report-sequential-prod', '{\"day\": \"x\"}')"),
		qr/22023: pg_cron does not take the schedule "\Q$cron\E".*HINT:  Minute, hour/s, "$cron is refused");
}
is(sql($node, 'SELECT count(*), count(DISTINCT jobname), min(username), max(username) FROM cron.job'), '4|4|postgres|postgres',
	'one job each, of the role that cannot be dropped');
as_role('ann', q(SELECT agent_studio.as_schedule('yearly', '0 0 2 1 *', 'report-sequential-prod', '{"day": "x"}')));
is(sql($node, "SELECT schedule, command FROM cron.job WHERE command LIKE '%yearly%'"), "0 0 2 1 *|SELECT agent_studio.as_run_schedule('yearly')", 'a schedule that is changed changes its job');
as_role('ann', "SELECT agent_studio.as_unschedule('yearly')");
is(sql($node, "SELECT count(*) FROM cron.job WHERE command LIKE '%yearly%'"), '0', 'one that is ended takes it away');
sql($node, 'DROP ROLE ben');

# ---------- a database without pg_cron ----------

sql($node, 'CREATE DATABASE other');
sql($node, 'CREATE EXTENSION agent_studio', 'other');
set_up_agents($node, 'other', $model);
set_up_workflow('other');
my $said = told("SELECT agent_studio.as_schedule('over there', " . sprintf($each_minute, 'other') . ')', 'other');
my ($call) = $said =~ /HINT:  Run there, as a superuser: (SELECT cron\.schedule_in_database\(.*\);)/;
like($said, qr/WARNING:  schedule "over there" is kept, but nothing starts it yet/, 'where pg_cron is elsewhere, that is said');
ok($call, 'with the call');
sql($node, $call) if $call;

# A restored database: the clock may come with it, its schedules rest.
$node->command_ok([ 'pg_dump', '-Fc', '-f', $node->basedir . '/other.dump', '-d', $node->connstr('other') ], 'dumped');
sql($node, 'CREATE DATABASE restored');
$node->command_ok([ 'pg_restore', '-d', $node->connstr('restored'), $node->basedir . '/other.dump' ], 'restored');
sql($node, $call =~ s/'other'\);$/'restored');/r =~ s/in other'/in restored'/r);

# ---------- the minute ----------

wait_until(sub { schedule('hers', 'runs') > 0 && schedule('over there', 'runs', 'other') > 0
		&& schedule('his', 'last_run_at IS NOT NULL') eq 't' && schedule('outdated', 'last_run_at IS NOT NULL') eq 't'
		&& schedule('over there', 'last_run_at IS NOT NULL', 'restored') eq 't' }, 'pg_cron has run them', 150);

my $id = schedule('hers', 'last_execution_id');
sql($node, "SELECT agent_studio.as_wait($id)");
is(sql($node, "SELECT owner, status, inputs ->> 'day' FROM agent_studio.executions WHERE execution_id = $id"), 'ann|completed|hers', 'an execution of the one who scheduled it');
is(schedule('hers', "coalesce(last_error, 'none')"), 'none', 'nothing was in its way');
is(schedule('his', "runs, last_error"), q(0|its owner, role "ben", does not exist), 'that of a dropped role starts nothing, and stops nobody');
like(schedule('outdated', 'last_error'), qr/^workflow "old-sequential-prod" is deprecated\. Choose another/, 'one that cannot be started says why');
is(sql($node, "SELECT count(*) FROM cron.job_run_details WHERE status = 'failed'"), '0', 'for pg_cron all of them went well');
$id = schedule('over there', 'last_execution_id', 'other');
sql($node, "SELECT agent_studio.as_wait($id)", 'other');
is(sql($node, "SELECT status FROM agent_studio.executions WHERE execution_id = $id", 'other'), 'completed', 'so does that of the other database');
like(schedule('over there', 'last_error', 'restored'), qr/^it was restored from a dump: /, 'in the restored one nothing starts');
is(sql($node, 'SELECT count(*) FROM agent_studio.executions WHERE submitted_at > (SELECT max(last_run_at) FROM agent_studio.schedules) ', 'restored'), '0', 'nothing at all');
like(told('SELECT agent_studio.as_release_restored()', 'restored'), qr/1 schedules run here now/, 'until an admin says so');
sql($node, "SELECT agent_studio.as_run_schedule('over there')", 'restored');
is(schedule('over there', "coalesce(last_error, 'none')", 'restored'), 'none', 'then it starts');

# ---------- their end ----------

like(told("SELECT agent_studio.as_unschedule('over there')", 'other'), qr/HINT:  Run there, as a superuser: SELECT cron\.unschedule\('agent_studio 1 in other'\);/,
	'one that ends in the other database says how its job ends');
sql($node, "SELECT agent_studio.as_unschedule('hers')");
is(sql($node, "SELECT count(*) FROM cron.job WHERE command LIKE '%hers%'"), '0', 'its job is gone');

# ---------- a database with another name ----------

as_schedule('ann', $_) for qw(moved ended);
$node->append_conf('postgresql.conf', "cron.database_name = 'renamed'");
$node->stop;
$node->start;
sql($node, 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = \'postgres\'; ALTER DATABASE postgres RENAME TO renamed', 'other');
sql($node, "SET ROLE ann; SELECT agent_studio.as_schedule('moved', " . sprintf($each_minute, 'moved') . "); SELECT agent_studio.as_unschedule('ended')", 'renamed');
is(sql($node, "SELECT jobname ~ ' in renamed\$', database FROM cron.job WHERE command ~ 'moved|ended'", 'renamed'), 't|renamed',
	'a schedule that is set again there has one job, with the new name, and one that is ended has none');
sql($node, 'ALTER DATABASE renamed RENAME TO postgres', 'other');

finish_studio($node, $model);
done_testing();
