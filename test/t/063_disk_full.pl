# A full disk: what a model has answered stays in memory, and is written once there is
# room again. A limit on the size of the executor's files stands for the disk: the
# kernel refuses to let a table grow, as it does when the disk is full.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'prlimit is not installed' unless grep { -x "$_/prlimit" } split /:/, $ENV{PATH};

# Segments of the log are smaller than the tables, so that the limit does not reach them.
push @initdb_options, '--wal-segsize=1';
my $model = start_model_server();
my $node = start_studio('full', $model, 'autovacuum = off', 'log_min_messages = error', 'max_wal_size = 100MB');
my $executor = wait_for_executor($node);

sub limit_files { my ($bytes) = @_; system_or_bail('prlimit', '--pid', $executor, "--fsize=$bytes:unlimited"); return; }
sub failures { my ($words) = @_; my $log = slurp_file($node->logfile); return scalar(() = $log =~ /$words/g); }
sub unfinished { my ($name) = @_; return sql($node, "SELECT count(*) FROM agent_studio.executions WHERE task LIKE '%Full: $name%' AND finished_at IS NULL"); }

# A long answer lies in the TOAST table of steps, which is now larger than all other files.
sql($node, 'ALTER TABLE agent_studio.steps ALTER output SET STORAGE EXTERNAL');
is(run_task($node, "\@mock size=3000000\nAn answer of three million bytes.")->{status}, 'completed', 'while there is room, a long answer is stored');
my $toast = q(SELECT pg_relation_size(reltoastrelid) FROM pg_class WHERE oid = 'agent_studio.steps'::regclass);
cmp_ok(sql($node, $toast), '>', 3_000_000, 'beside its row');

# full(NAME, BYTES, WORDS): there is room for so many bytes more; the server says so in these words.
sub full
{
	my ($name, $bytes, $words) = @_;
	my $long = "\@mock gate=$name size=300000\\n";
	my $short = "\@mock gate=$name text=short\\n";

	sql($node, "SELECT agent_studio.as_execute_task('worker', E'$long' || 'Full: $name long ' || i) FROM generate_series(1, 3) i;
		SELECT agent_studio.as_execute_task('worker', E'$short' || 'Full: $name short ' || i) FROM generate_series(1, 5) i");
	$model->await('in_flight=8', "Full: $name");
	wait_until(sub { sql($node, "SELECT count(*) FROM agent_studio.queue WHERE epoch IS NOT NULL") == 8 }, "$name: eight calls are under way");

	my $before = failures($words);
	limit_files(sql($node, $toast) + $bytes);
	$model->open_gate($name);
	$model->await('completed=8', "Full: $name");
	wait_until(sub { failures($words) > $before + 2 }, "$name: the results cannot be written, and are tried again");
	is(unfinished("$name long"), 3, "$name: none of the long answers is taken for stored or for failed");
	is(worker_pid($node, 'executor'), $executor, "$name: the executor lives");
	submit($node, "Full: $name later.");
	cmp_ok(unfinished($name), '>=', 4, "$name: more work is taken in meanwhile");

	limit_files('unlimited');
	wait_until(sub { unfinished($name) == 0 }, "$name: once there is room, all end");
	is(sql($node, "SELECT status, count(*), sum(attempts), min(length(agent_studio.as_output(execution_id))) FILTER (WHERE task LIKE '%long%') > 299000,
			string_agg(DISTINCT agent_studio.as_output(execution_id), ' ') FILTER (WHERE task LIKE '%short%')
		FROM agent_studio.executions WHERE task LIKE '%Full: $name%' GROUP BY 1"), 'completed|9|9|t|short', "$name: every answer is stored, at the first attempt");
	is($model->count("Full: $name"), 9, "$name: none was paid twice");
	return;
}

full('disk', 4096, qr/could not extend file .*wrote only/);
full('quota', 0, qr/could not extend file .*File too large/);

unlike(slurp_file($node->logfile), qr/could not be stored/, 'no result is given up');
finish_studio($node, $model);
done_testing();
