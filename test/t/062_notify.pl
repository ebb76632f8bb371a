# NOTIFY fails when its queue is full or its disk has trouble. What was paid for is
# written all the same; only those who listen do not hear of it.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use PostgreSQL::Test::Utils;
use Test::More;

my $model = start_model_server();
my $node = start_studio('notify', $model, 'log_min_messages = warning');
my $pid = wait_for_executor($node);
my $folder = $node->data_dir . '/pg_notify';

sub notify_fails
{
	my ($length) = @_;
	my ($code, $output, $error) = $node->psql('postgres', "SELECT pg_notify('test', repeat('x', $length))");

	return $code != 0;
}

# A full queue takes gigabytes to make; a disk that takes no page of it does the
# same: the pages in memory are used up, then the last bytes of the last of them.
chmod 0, $folder or die "chmod $folder: $!";
for my $length (7900, 700, 1)
{
	wait_until(sub { notify_fails($length) }, "a notification of $length bytes fails");
}

my $before = sql($node, 'SELECT count(*) FROM agent_studio.executions');
my @ids = map { submit($node, "\@mock text=Answer+$_. reasoning=2\nTask $_.") } 1 .. 5;
my @runs = map { outcome($node, $_) } @ids;
is_deeply([ map { "$_->{status} $_->{attempts} $_->{output}" } @runs ], [ map { "completed 1 Answer $_." } 1 .. 5 ], 'every answer is kept');
is($model->count("Task $_."), 1, "and asked for once: $_") for 1 .. 5;
is_deeply([ grep { !@{ $_->{thoughts} } } @runs ], [], 'with its thoughts');
my $id = submit($node, "\@mock stall=1\nHang.");
$model->await('in_flight=1', 'Hang.');
sql($node, "SELECT agent_studio.as_cancel($id)");
is(outcome($node, $id)->{status}, 'canceled', 'a cancel is written, too');
is(worker_pid($node, 'executor'), $pid, 'by the executor that there was');
like(slurp_file($node->logfile), qr/\[$pid\].*ERROR:.*\n.*\[$pid\].*DETAIL:.*pg_notify/, 'whose notifications did fail');

# When the trouble is over, there are notifications again.
chmod 0700, $folder or die "chmod $folder: $!";
my $listener = $node->background_psql('postgres');
$listener->query_safe('LISTEN agent_studio');
$id = submit($node, 'Task at last.');
is(outcome($node, $id)->{status}, 'completed', 'afterwards, too');
my $heard = '';
wait_until(sub { $heard .= $listener->query_safe('SELECT 1'); $heard =~ /notification "agent_studio" with payload "[\d,]*\b$id\b/ }, 'the listener hears of it');
pass('and who listens hears of it');
$listener->quit;

finish_studio($node, $model);
done_testing();
