# A request for which there is no memory fails alone.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use File::Temp qw(tempdir);
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'a sanitizer brings an allocator of its own' if ($ENV{INSTRUMENT} // '') eq 'sanitized';

# The prompt is put together in a buffer that doubles: one of 3 MB needs a block of
# 4 MB and a header, which nothing else that the executor does asks for.
my $prompt = 3_000_000;
my ($low, $high) = (4 * 1024 * 1024 + 1, 4 * 1024 * 1024 + 512);

my $folder = tempdir(CLEANUP => 1);
chmod 0755, $folder;
is(system('cc', '-Wall', '-Werror', '-shared', '-fPIC', '-o', "$folder/fail_malloc.so", 'test/t/fail_malloc.c', '-ldl'), 0, 'the library is built');

my $model = start_model_server();
my $node;
{
	local $ENV{AS_FAIL_MALLOC} = "$folder/fail";
	local $ENV{LD_PRELOAD} = "$folder/fail_malloc.so";
	$node = start_studio('no_memory', $model);
}
my $executor = wait_for_executor($node);

# All of one transaction, so that one turn finds them.
sub submit_all
{
	my ($mark) = @_;

	sql($node, "SELECT agent_studio.as_execute_task('worker', CASE WHEN i = 2 THEN repeat('x', $prompt) ELSE '' END || ' $mark ' || i, max_retries => 1) FROM generate_series(1, 3) i");
	wait_until(sub { sql($node, "SELECT count(*) FROM agent_studio.executions WHERE task LIKE '% $mark %' AND finished_at IS NULL") == 0 }, 'all end');
	return sql($node, "SELECT right(task, 1), status, attempts, error_class, error_message FROM agent_studio.executions WHERE task LIKE '% $mark %' ORDER BY 1");
}

append_to_file("$folder/fail", "$executor $low $high\n");
is(submit_all('without memory'), "1|completed|1||\n2|failed|2|internal|the request could not be made: out of memory\n3|completed|1||",
	'the one without memory fails after another try, the others complete');
is($model->count('without memory 2'), 0, 'it was never sent');
is(sql($node, "SELECT count(*) FROM agent_studio.thoughts WHERE elapsed_ms IS NULL OR content IS NULL"), 0, 'and left no half thought');
unlink "$folder/fail";
is(submit_all('with memory'), "1|completed|1||\n2|completed|1||\n3|completed|1||", 'with memory, all complete');
is(worker_pid($node, 'executor'), $executor, 'by the same executor');

finish_studio($node, $model);
done_testing();
