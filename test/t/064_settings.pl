# Settings that a database, or a role, brings along: the executor works as ever.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use Test::More;

my $model = start_model_server();
my $node = start_studio('settings', $model, 'log_min_messages = error');

# Sessions of this test have settings of their own, which win over those of the database.
my %own = (
	default_transaction_read_only => 'off', statement_timeout => 0, lock_timeout => 0,
	default_transaction_isolation => 'read\ committed', idle_in_transaction_session_timeout => 0,
	search_path => 'public', row_security => 'on', client_encoding => 'UTF8');
$ENV{PGOPTIONS} = join ' ', map { "-c $_=$own{$_}" } sort keys %own;

# What would be found first if a name were not qualified, and an operator that lies.
sql($node, <<'SQL');
CREATE SCHEMA trap;
CREATE TABLE trap.queue AS SELECT * FROM agent_studio.queue;
CREATE TABLE trap.executions AS SELECT * FROM agent_studio.executions;
CREATE FUNCTION trap.now() RETURNS timestamptz LANGUAGE sql AS $$ SELECT timestamptz '1970-01-01' $$;
CREATE FUNCTION trap.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $$ SELECT timestamptz '1970-01-01' $$;
CREATE FUNCTION trap.same(bigint, bigint) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped'; END $$;
CREATE OPERATOR trap.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = trap.same);
SQL

# Another executor, which begins with what has been set. A retry and a cancel are among its work.
sub works_as_ever
{
	my ($what) = @_;

	$node->restart;
	my $new = wait_for_executor($node);
	my $run = run_task($node, "\@mock text=right reasoning=1 status=503 times=1 key=$what\nWork under $what.");
	is("$run->{status} $run->{output} $run->{attempts}", 'completed right 2', "$what: a task is tried again and completes")
	  or diag($run->{error_message});
	is(scalar(grep { $_->{source} eq 'reasoning' } @{ $run->{thoughts} }), 1, "$what: with its thoughts");
	ok($run->{input_cost_usd} > 0, "$what: with its cost");
	my $hanging = submit($node, "\@mock stall=0\nHangs under $what.");
	$model->await('in_flight=1', "Hangs under $what.");
	sql($node, "SELECT agent_studio.as_cancel($hanging)");
	is(sql($node, "SELECT agent_studio.as_wait($hanging)"), 'canceled', "$what: another is canceled");
	is(worker_pid($node, 'executor'), $new, "$what: by an executor that lives");
	return;
}

my %groups = (
	path => [ [ search_path => 'trap, public, pg_catalog' ] ],
	timeouts => [ map { [ $_ => "'1ms'" ] } qw(statement_timeout lock_timeout idle_in_transaction_session_timeout) ],
	read_only => [ [ default_transaction_read_only => 'on' ] ],
	serializable => [ [ default_transaction_isolation => 'serializable' ], [ default_transaction_deferrable => 'on' ] ],
	plans => [ [ enable_indexscan => 'off' ], [ plan_cache_mode => 'force_custom_plan' ], [ jit_above_cost => 0 ],
		[ work_mem => "'64kB'" ], [ temp_file_limit => "'0'" ], [ default_statistics_target => 1 ] ],
	forms => [ [ DateStyle => "'SQL, DMY'" ], [ TimeZone => "'Pacific/Kiritimati'" ], [ IntervalStyle => "'sql_standard'" ],
		[ extra_float_digits => '-15' ], [ bytea_output => "'escape'" ], [ standard_conforming_strings => 'off' ],
		[ client_encoding => "'LATIN1'" ] ],
	meanings => [ [ transform_null_equals => 'on' ], [ array_nulls => 'off' ], [ row_security => 'off' ],
		[ session_replication_role => 'replica' ], [ synchronous_commit => 'off' ] ],
	messages => [ [ client_min_messages => "'debug5'" ], [ log_min_messages => "'fatal'" ] ]);

for my $what (sort keys %groups)
{
	sql($node, join ';', map { "ALTER DATABASE postgres SET $_->[0] = $_->[1]" } @{ $groups{$what} });
	works_as_ever($what);
	sql($node, 'ALTER DATABASE postgres RESET ALL');
}

# Who closes hours of the daily totals sees whether it is writing, whatever is said of activities.
sql($node, 'ALTER DATABASE postgres SET track_activities = off');
works_as_ever('activities');
my $locker = $node->background_psql('postgres');
$locker->query_safe('BEGIN; LOCK TABLE agent_studio.attempts IN ACCESS EXCLUSIVE MODE');
my $held = submit($node, 'Meets a lock.');
wait_until(sub { sql($node, "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'agent_studio executor' AND xact_start IS NOT NULL") == 1 },
	'a transaction of the executor is seen');
$locker->query_safe('COMMIT');
$locker->quit;
is(outcome($node, $held)->{status}, 'completed', 'and ends');
sql($node, 'ALTER DATABASE postgres RESET ALL');

# All of them together, and for all roles.
my @settings = map { @$_ } values %groups;
# All of them together, and for all roles.
sql($node, join ';', map { "ALTER ROLE ALL SET $_->[0] = $_->[1]; ALTER DATABASE postgres SET $_->[0] = $_->[1]" } @settings);
works_as_ever('everything');

finish_studio($node, $model);
done_testing();
