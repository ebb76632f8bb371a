# The model server goes away for a while, under load. Every execution ends at last, and
# the executor does not storm the machine that is down, nor the one that is back.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use Test::More;
use Time::HiRes qw(sleep time);

my $long = $ENV{AS_LONG};
my ($outage, $tasks) = $long ? (60, 1000) : (6, 200);
my $delay = $long ? 5 : 0.5;

my $model = start_model_server();
my $node = start_studio('outage', $model, 'log_min_messages = log', 'log_statement = none',
	"agent_studio.retry_delay = '" . $delay * 1000 . "ms'", "agent_studio.retry_max_delay = '" . $outage * 500 . "ms'");
my $executor = wait_for_executor($node);
my $port = $model->{port};

sub unfinished { return sql($node, 'SELECT count(*) FROM agent_studio.executions WHERE finished_at IS NULL'); }

# Streams that are under way when it happens, and work that comes while it lasts.
my $submit = "SELECT agent_studio.as_execute_task('worker', E'\@mock text=done chunks=3 %s\\n%s ' || i, max_retries => 8) FROM generate_series(1, %d) i";
sql($node, sprintf($submit, 'gate=outage', 'Under way', $tasks / 2));
$model->await('in_flight=' . $tasks / 2, 'Under way');
$model->stop;
my $begin = time();
sql($node, sprintf($submit, '', 'Meanwhile', $tasks / 2));
sleep($outage);
is(worker_pid($node, 'executor'), $executor, 'the executor lives without its model server');
is(unfinished(), $tasks, 'and has given up nothing');
my $attempts = sql($node, 'SELECT count(*) FROM agent_studio.attempts');
my $most = sql($node, 'SELECT max(n) FROM (SELECT count(*) AS n FROM agent_studio.attempts GROUP BY execution_id) a');
note(sprintf('%d attempts of %d tasks in %.0f s, %d at most of one', $attempts, $tasks, time() - $begin, $most));

# The waits double from the delay on: so many fit, and the one that was hit first.
my $fit = 2;
for (my ($wait, $sum) = ($delay, 0); ($sum += $wait) < time() - $begin; $wait = $wait * 2 < $outage / 2 ? $wait * 2 : $outage / 2) { $fit++ }
cmp_ok($most, '<=', $fit, "none was tried more often than its waits allow: $fit");
cmp_ok(sql($node, "SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM agent_studio.attempts a WHERE a.attempt_no > 2 GROUP BY date_bin('100 ms', a.sent_at, 'epoch')) s"),
	'<=', $tasks * 0.75, 'and they did not come back all at once');

$model = start_model_server('--port', $port);
$model->open_gate('outage');
wait_until(sub { unfinished() == 0 }, 'all end once the server is back', 60 + $outage);
is(sql($node, "SELECT status, count(*) FROM agent_studio.executions GROUP BY 1"), "completed|$tasks", 'all complete once the server is back');
is(sql($node, 'SELECT count(*) FROM (SELECT FROM agent_studio.attempts WHERE outcome = \'completed\' GROUP BY execution_id HAVING count(*) > 1) twice'), 0, 'none twice');
is($model->stats->{requests}, $tasks, 'with one request each: the server that is back is not asked more than it has to be');
is(worker_pid($node, 'executor'), $executor, 'by the same executor');

finish_studio($node, $model);
done_testing();
