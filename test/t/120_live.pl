# Looking on while models stream: usage grows and ends as the vendor counted it, bars
# move, each notice comes in its situation, and as_follow tells a workflow in order.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use GuideWorkflows;
use PostgreSQL::Test::Utils;
use Test::More;

my $model = start_model_server();
my $node = start_studio('live', $model, "agent_studio.minute = '1500ms'");

sub usage { my ($id) = @_; return split /\|/, sql($node, "SELECT coalesce(input_tokens, 0), coalesce(output_tokens, 0), coalesce(cost_usd, 0), is_estimate FROM agent_studio.as_usage($id)"); }
sub kinds { my ($id, $kind) = @_; return sql($node, "SELECT count(*) FROM agent_studio.notices WHERE execution_id = $id AND kind = '$kind'"); }

# ---------- usage while it streams ----------

sql($node, "SELECT agent_studio.as_create_agent('limited', 'architect', 'mock', max_output_tokens => 1000, progress_lines => true)");
my $id = submit($node, "\@mock gate=first chunks=60 tokens=800 chunk_delay=50\nStream for three seconds.", agent => 'limited');
my (@outputs, @costs, @percents);
wait_until(sub {
	my ($input, $output, $cost, $is_estimate) = usage($id);
	if ($output > 0 && (!@outputs || $output != $outputs[-1]))
	{
		push @outputs, $output;
		push @costs, $cost;
		push @percents, sql($node, "SELECT percent FROM agent_studio.as_progress($id) WHERE phase = 'Overall Progress'");
		is($is_estimate, 't', "with $output tokens it is an estimate");
	}
	return $output == 800;
}, 'all has streamed');
cmp_ok(scalar @outputs, '>=', 3, 'the tokens are seen more than once before the end');
is_deeply([ sort { $a <=> $b } @$_ ], $_, 'they, costs and percents only grow') for \@outputs, \@costs, \@percents;
cmp_ok($percents[-1], '<', 100, 'and percents are not 100 before the end');
is($percents[-1], 80, 'with 800 of the 1000 tokens that it may give streamed');
is(sql($node, "SELECT count(*), min(output_tokens) FROM agent_studio.live_usage"), '1|800', 'there is one row for it');
is(sql($node, "SELECT tokens FROM agent_studio.as_workflow_status($id)"), $outputs[-1] + (usage($id))[0], 'as_workflow_status has them too');
is(sql($node, "SELECT progress LIKE '%80\%' AND cost IS NOT NULL AND \"left\" IS NOT NULL FROM agent_studio.active_executions WHERE id = $id"), 't', 'and active_executions');
is(sql($node, 'SELECT count(*) FROM agent_studio.recent_completions'), 0, 'it has not ended');
is(sql($node, "SELECT kind FROM agent_studio.alerts WHERE execution_id <> $id"), '', 'no alert is raised');
$model->open_gate('first');
my $end = outcome($node, $id);
is($end->{status}, 'completed', 'it ends');
is(sql($node, "SELECT to_jsonb(u) - '{estimated_cost_usd,is_estimate,models,tokens_per_second,context_percent,output_limit_percent,quota_percent}'::text[] <@ to_jsonb(m) FROM agent_studio.as_usage($id) u, agent_studio.as_metrics($id) m"),
	't', 'in the end usage is what the vendor counted');
is((usage($id))[3], 'f', 'and no estimate any more');
is(sql($node, 'SELECT count(*) FROM agent_studio.live_usage'), 0, 'the row is gone');
is(sql($node, "SELECT min(percent) FROM agent_studio.as_progress($id)"), 100, 'all phases are complete');
is(sql($node, "SELECT name, status FROM agent_studio.recent_completions"), 'limited|completed', 'it is among the recent completions');

# An answer that comes at once costs nothing of this.
my $inserts = sql($node, "SELECT n_tup_ins FROM pg_stat_user_tables WHERE relname = 'live_usage'");
run_task($node, "Answer at once $_.") for 1 .. 5;
sql($node, 'SELECT pg_stat_force_next_flush()');
is(sql($node, "SELECT n_tup_ins FROM pg_stat_user_tables WHERE relname = 'live_usage'"), $inserts, 'fast answers write no row of live_usage');

# A crash leaves nothing behind.
$id = submit($node, "\@mock stall=2 chunks=10 tokens=100\nHang.");
wait_until(sub { (usage($id))[1] > 0 }, 'something has streamed');
flush_wal($node);
kill_server($node);
wait_until(sub { sql($node, "SELECT count(*) FROM agent_studio.attempts WHERE execution_id = $id AND outcome = 'lost'") eq '1' }, 'the attempt is lost');
is(sql($node, "SELECT count(*) FROM agent_studio.live_usage WHERE attempt_no = 1"), 0, 'what a lost attempt had streamed counts no more');
sql($node, "SELECT agent_studio.as_cancel($id)");
outcome($node, $id);

# ---------- notices ----------

is(join('; ', split /\n/, sql($node, "SELECT severity || ': ' || regexp_replace(message, '[0-9]+ seconds', 'N seconds') FROM agent_studio.as_notices($end->{execution_id}) WHERE kind <> 'duration'")),
	'info: Using mock model (mock); info: Streaming enabled - receiving results in real-time; warning: Token usage at ' . sprintf('%d', sql($node,
		"SELECT substring(message FROM '[0-9]+') FROM agent_studio.notices WHERE execution_id = $end->{execution_id} AND kind = 'token_limit'"))
	. '% of limit - response may be truncated; success: Task completed successfully in N seconds', 'model, streaming, the limit and success are told');
cmp_ok(sql($node, "SELECT substring(message FROM '[0-9]+') FROM agent_studio.notices WHERE execution_id = $end->{execution_id} AND kind = 'token_limit'"), '>=', 75, 'from 75 percent on');
is(kinds($end->{execution_id}, 'token_limit'), 1, 'once');

# Duration: told once for an attempt that takes longer than the minute of these tests.
is(kinds($end->{execution_id}, 'duration'), 1, 'that it takes long is told once');
is(sql($node, "SELECT message FROM agent_studio.notices WHERE execution_id = $end->{execution_id} AND kind = 'duration'"), 'Execution time exceeded 1.5 seconds - task still running', 'in the words of the guide');
is(sql($node, "SELECT warnings FROM agent_studio.as_quality($end->{execution_id})"), 1, 'and is no warning: only the limit is');
my $fast = run_task($node, "\@mock tokens=700\nBe quick.", agent => 'limited');
is(kinds($fast->{execution_id}, 'duration') + kinds($fast->{execution_id}, 'token_limit'), 0, 'a quick answer of 70 percent raises neither');
$fast = run_task($node, "\@mock tokens=760\nBe quick.", agent => 'limited');
is(kinds($fast->{execution_id}, 'token_limit'), 1, 'one of 76 percent raises that of the limit');

# Retry n of m, failed after n.
my $failed = run_task($node, "\@mock status=429\nNever.", arguments => 'max_retries => 3');
like(join('|', map { $_->{message} } @{ $failed->{notices} }),
	qr/^Rate limit exceeded - retrying in \d+ seconds\.\.\. \(Attempt 1\/3\)\|.*\(Attempt 2\/3\)\|.*\(Attempt 3\/3\)\|Task failed after 3 retry attempts - see logs for details$/, 'retries and the end of them are told');
is(sql($node, "SELECT count(*) FROM agent_studio.as_notices($failed->{execution_id}) WHERE kind = 'model'"), 1, 'which model is used is told once');
is(sql($node, "SELECT count(*) FROM agent_studio.as_notices($failed->{execution_id}) WHERE severity = 'success' OR kind = 'streaming'"), 0, 'nothing of what did not happen');

# Quota over 80 percent.
sql($node, "SELECT agent_studio.as_create_model('scarce', 'mock', deployment => 'mock', requests_per_minute => 10)");
sql($node, "SELECT agent_studio.as_create_agent('frugal', 'scribe', 'scarce')");
my @ids = split /\n/, sql($node, "SELECT agent_studio.as_execute_task('frugal', 'Number ' || n) FROM generate_series(1, 9) n");
outcome($node, $_) for @ids;
is(sql($node, "SELECT count(*) FROM agent_studio.notices WHERE kind = 'quota' AND message LIKE 'Rate limit: %\% of the quota%'"), 1, 'that the quota is nearly used up is told once');

# ---------- phases ----------

sql($node, "SELECT agent_studio.as_create_agent('phased', 'architect', 'mock', progress_lines => true, phases => '{Reading,\"Weighing options\",Drawing,Writing}')");
$id = submit($node, "\@mock text=%5B%5Bprogress%5D%5D+Drawing:+75%25%0AThe+plan. stall=9\nDraw.", agent => 'phased');
wait_until(sub { sql($node, "SELECT percent FROM agent_studio.as_progress($id) WHERE phase = 'Overall Progress'") == 68 }, 'the whole is at 68 percent');
is(sql($node, "SELECT phase, percent, length(rtrim(bar, '\x{2591}')) FROM agent_studio.as_progress($id)"),
	"Phase 1: Reading|100|20\nPhase 2: Weighing options|100|20\nPhase 3: Drawing|75|15\nPhase 4: Writing|0|0\nOverall Progress|68|13",
	'a progress line moves the bars of an agent with its own phases');
like(($model->journal('Draw.'))[0]{body}{messages}[0]{content}, qr/phases: Reading; Weighing options; Drawing; Writing\./, 'the model was told of them');
sql($node, "SELECT agent_studio.as_cancel($id)");
outcome($node, $id);
is(sql($node, "SELECT percent FROM agent_studio.as_progress($id) WHERE phase = 'Overall Progress'"), 68, 'a canceled one stays where it was');

# ---------- following a workflow ----------

my $flow = create_workflow($node, 'two-steps-sequential-dev', 'sequential', { steps => [
	{ name => 'first', agent => 'worker', task => "\@mock progress=1 text=One chunks=2\nFirst." },
	{ name => 'second', agent => 'limited', task => "\@mock text=Two%1B%5B31m gate=second chunks=3\nSecond.", approval => { by => 'postgres', message => 'Go on?' } } ] });
my $run = start_workflow($node, $flow);
wait_for_status($node, $run, 'waiting_approval');
like(sql($node, "SELECT now FROM agent_studio.active_executions WHERE id = $run"), qr/^second waits/, 'active_executions says what is waited for');
sql($node, "SELECT agent_studio.as_approve($run, 'second')");
wait_for_state($node, $run, 'second', 'running');
like(sql($node, "SELECT progress FROM agent_studio.active_executions WHERE id = $run"), qr{ 2/2 }, 'and then at which step it is');
$model->open_gate('second');
my ($code, $output, $error) = $node->psql('postgres', "CALL agent_studio.as_follow($run)");
is($code, 0, 'as_follow succeeds');
like($error, qr/first: Step 1 of 2, by worker\n.*first: Received task.*Success: Step 1 Complete: first.*second: Step 2 of 2, by limited\n.*second: Complete.*Success: Step 2 Complete.*Execution $run completed\. Its output:/s,
	'steps, thoughts and notices are told in their order');
unlike($error, qr/\x1B/, 'and nothing that a terminal would obey');
like($output, qr/^completed\|/, 'and the row comes last');

# From its beginning: of each step it is told when it begins, too.
create_workflow($node, 'followed', 'sequential', { steps => [
	{ name => 'early', agent => 'worker', task => "\@mock text=One latency=300\nEarly." },
	{ name => 'late', agent => 'worker', task => "\@mock status=400\nLate.", on_failure => 'continue' },
	{ name => 'last', agent => 'worker', task => "\@mock text=Three latency=300\nLast." } ] });
($code, $output, $error) = $node->psql('postgres', "CALL agent_studio.as_follow_workflow('followed')");
like($error, qr/early: Step 1 of 3, by worker\n.*late: Step 2 of 3, by worker\n.*last: Step 3 of 3, by worker\n/s, 'the beginning of each step is told');
$run = sql($node, "SELECT max(execution_id) FROM agent_studio.executions");
is(sql($node, "SELECT string_agg(substring(message FROM '^Step [13] Complete|execution completed'), ', ' ORDER BY n)"
		. " FROM agent_studio.as_logs($run) WITH ORDINALITY l (at, level, message, n)"), 'Step 1 Complete, Step 3 Complete, execution completed', 'and the log tells their ends before that of all');

# ---------- what a call costs that was refused ----------

is(sql($node, "SELECT outcome, possibly_billed, input_cost_usd + output_cost_usd = 0 FROM agent_studio.attempts WHERE execution_id = $run AND step_no = 2"), 'failed|f|t', 'what was refused costs nothing');
like(sql($node, "SELECT string_agg(r, E'\n') FROM agent_studio.as_result($run) r"), qr/Step 2: late \(\d+s, \$0\.00\)/, 'and every sheet says so');
like(sql($node, "SELECT agent_studio.as_report($run)"), qr/late \(\d+ seconds?, \$0\.00\)/, 'and the report');

# ---------- who canceled ----------

$id = submit($node, "\@mock text=Long stall=9\nCancel.");
wait_for_status($node, $id, 'running');
sql($node, "SELECT agent_studio.as_cancel($id, 'we gave up')");
wait_for_status($node, $id, 'canceled');
is(sql($node, "SELECT note FROM agent_studio.as_status($id)"), 'canceled by postgres: we gave up', 'who canceled what was under way, and why');

finish_studio($node, $model);
done_testing();
