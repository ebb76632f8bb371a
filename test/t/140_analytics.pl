# Analytics: every view of agent_studio_bi against sums that Perl makes from the rows
# themselves, before and after days are closed, and after one is taken up again.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use JSON::PP;
use PostgreSQL::Test::Utils;
use POSIX qw(floor);
use Test::More;
use Time::Local qw(timegm);

my $model = start_model_server();
my $node = start_studio('analytics', $model, "agent_studio.roll_up_interval = '100ms'");

sub rows { my ($query, $database) = @_; return @{ decode_json(sql($node, "SET timezone = 'UTC'; SELECT coalesce(json_agg(r), '[]') FROM ($query) r", $database)) }; }

# ---------- the rows themselves ----------

# Days as numbers since 1970, which is what months and weeks are told from here.
sub day_of { my ($at) = @_; return defined $at ? floor($at / 86400) : undef; }
sub date_text { my ($day) = @_; my @t = gmtime($day * 86400); return sprintf '%04d-%02d-%02d', $t[5] + 1900, $t[4] + 1, $t[3]; }
sub month_text { my ($day) = @_; return substr(date_text($day), 0, 7) . '-01'; }
sub week_text { my ($day) = @_; return date_text($day - ($day + 3) % 7); }		# 1970-01-01 was a Thursday
sub month_before { my ($month) = @_; my ($y, $m) = $month =~ /(\d+)-(\d+)/; return sprintf '%04d-%02d-01', $m == 1 ? ($y - 1, 12) : ($y, $m - 1); }

sub read_rows
{
	my @executions = grep { !$_->{is_test} } rows(q(SELECT e.*, extract(epoch FROM e.started_at) AS start, extract(epoch FROM e.finished_at) AS finish FROM agent_studio.executions e));
	my %tests = map { $_->{execution_id} => 1 } rows('SELECT execution_id FROM agent_studio.executions WHERE is_test');
	my %kind = map { $_->{execution_id} => $_ } @executions;
	my %agents = map { $_->{agent_version_id} => $_->{name} } rows('SELECT v.agent_version_id, a.name FROM agent_studio.agent_versions v JOIN agent_studio.agents a USING (agent_id)');
	my @attempts = grep { !$tests{ $_->{execution_id} } } rows(q(SELECT a.*, extract(epoch FROM a.sent_at) AS start, extract(epoch FROM a.finished_at) AS finish FROM agent_studio.attempts a));

	for my $row (@executions, @attempts)
	{
		$row->{day} = day_of($row->{finish});
		$row->{seconds} = defined $row->{start} && defined $row->{finish} ? $row->{finish} - $row->{start} : undef;
		$row->{cost} = defined $row->{input_cost_usd} && defined $row->{output_cost_usd} ? $row->{input_cost_usd} + $row->{output_cost_usd} : undef;
	}
	$_->{agent_name} = $agents{ $_->{agent_version_id} } for @attempts;
	return ([ grep { defined $_->{day} } @executions ], \@attempts, \@executions);
}

sub total { my ($name, @rows) = @_; my @known = grep { defined } map { $_->{$name} } @rows; return undef unless @known; my $sum = 0; $sum += $_ for @known; return $sum; }
sub percent { my ($part, $all) = @_; return $all ? 100 * $part / $all : undef; }
sub by { my ($key, @rows) = @_; my %groups; push @{ $groups{ $key->($_) } }, $_ for @rows; return %groups; }
sub completed { return grep { $_->{status} eq 'completed' } @_; }
sub unpriced { return scalar grep { !defined $_->{cost} } @_; }
sub mean { my ($name, @rows) = @_; my @known = grep { defined $_->{$name} } @rows; return @known ? total($name, @known) / @known : undef; }
sub truth { my ($value) = @_; return defined $value ? ($value ? JSON::PP::true : JSON::PP::false) : undef; }

# ---------- what the views should say ----------

my (%target, %goal);		# of workflows
%target = ('security-audit' => 80);
%goal = ('security-audit' => 900);

sub success
{
	my (@rows) = @_;
	my $done = completed(@rows);

	return (executions => scalar @rows, executions_completed => $done, success_rate_percent => percent($done, scalar @rows));
}

sub durations
{
	my (@rows) = completed(@_);
	my $average = mean('seconds', @rows);

	return (executions_timed => scalar(grep { defined $_->{seconds} } @rows), average_duration_seconds => $average,
		executions_fast => scalar(grep { $_->{seconds} < 60 } @rows), executions_slow => scalar(grep { $_->{seconds} > 120 } @rows),
		executions_medium => scalar(grep { $_->{seconds} >= 60 && $_->{seconds} <= 120 } @rows), duration_target_seconds => 600,
		meets_duration_target => truth($average <= 600));
}

sub cost
{
	my ($executions, $attempts) = @_;
	my @priced = grep { $_->{attempts} > 0 && defined $_->{cost} } @$executions;

	return (cost_usd => total('cost', @$attempts), input_cost_usd => total('input_cost_usd', @$attempts), output_cost_usd => total('output_cost_usd', @$attempts),
		attempts => scalar @$attempts, attempts_without_cost => unpriced(grep { $_->{possibly_billed} } @$attempts), executions => scalar @$executions,
		cost_per_execution_usd => mean('cost', @priced));
}

my $this_month = month_text(day_of(time));
my $last_month = month_before($this_month);

sub of_month { my ($month, $kind, @rows) = @_; return grep { month_text($_->{day}) eq $month && ($kind eq 'all' || $_->{kind} eq $kind) } @rows; }

sub summary
{
	my ($kind, @rows) = @_;
	my %this = success(of_month($this_month, $kind, @rows));
	my %last = success(of_month($last_month, $kind, @rows));
	my $rate = $this{success_rate_percent};

	return { kind => $kind, month => $this_month, %this, success_target_percent => 95, meets_success_target => truth($rate >= 95), points_above_target => $rate - 95,
		last_month_success_rate_percent => $last{success_rate_percent}, points_above_last_month => $rate - $last{success_rate_percent} };
}

sub expected
{
	my ($executions, $attempts) = @_;
	my %e_by = map { my $unit = $_; ($unit->[0] => { by(sub { $unit->[1]->($_[0]{day}) }, @$executions) }) } [ day => \&date_text ], [ week => \&week_text ], [ month => \&month_text ];
	my %a_by = map { my $unit = $_; ($unit->[0] => { by(sub { $unit->[1]->($_[0]{day}) }, @$attempts) }) } [ day => \&date_text ], [ week => \&week_text ], [ month => \&month_text ];
	my %views;

	for my $day (keys %{ $e_by{day} })
	{
		my @rows = @{ $e_by{day}{$day} };
		my %rate = success(@rows);
		push @{ $views{success_rate_daily} }, { day => $day, %rate, success_target_percent => 95, meets_success_target => truth($rate{success_rate_percent} >= 95),
			map { my ($name, $status) = @$_; ($name => scalar grep { $_->{status} eq $status } @rows) }
				[ executions_failed => 'failed' ], [ executions_canceled => 'canceled' ], [ executions_in_review => 'requires_manual_review' ] };
	}
	for my $unit ([ day => 'daily' ], [ week => 'weekly' ], [ month => 'monthly' ])
	{
		my ($name, $suffix) = @$unit;
		$views{"duration_$suffix"} = [ map { { $name => $_, durations(@{ $e_by{$name}{$_} }) } } grep { completed(@{ $e_by{$name}{$_} }) } keys %{ $e_by{$name} } ];
		my %periods = map { $_ => 1 } keys %{ $e_by{$name} }, keys %{ $a_by{$name} };
		$views{"cost_$suffix"} = [ map { { $name => $_, cost($e_by{$name}{$_} // [], $a_by{$name}{$_} // []) } } keys %periods ];
	}
	for my $row (@{ $views{cost_monthly} })
	{
		my ($y, $m) = $row->{month} =~ /(\d+)-(\d+)/;
		$row->{days_in_month} = day_of(timegm(0, 0, 0, 1, $m % 12, $m == 12 ? $y + 1 : $y)) - day_of(timegm(0, 0, 0, 1, $m - 1, $y));
		$row->{days_elapsed} = $row->{month} eq $this_month ? (gmtime)[3] : $row->{days_in_month};
		$row->{projected_cost_usd} = $row->{cost_usd} / $row->{days_elapsed} * $row->{days_in_month};
	}
	$views{token_usage_daily} = [ map { my @rows = @{ $a_by{day}{$_} }; +{ day => $_, attempts => scalar @rows,
		map { $_ => total($_, @rows) } qw(input_tokens cached_input_tokens output_tokens reasoning_tokens) } } keys %{ $a_by{day} } ];
	for my $month (keys %{ $e_by{month} })
	{
		my @rows = @{ $e_by{month}{$month} };
		my @failed = grep { defined $_->{error_class} } @rows;
		my %errors = by(sub { $_[0]{error_class} }, @failed);
		my %users = by(sub { $_[0]{owner} }, @rows);
		my @runs = grep { $_->{kind} eq 'workflow' } @rows;
		my %workflows = by(sub { $_[0]{workflow} }, @runs);
		my %tasks = by(sub { $_[0]{agent} }, grep { $_->{kind} eq 'task' } @rows);
		my %calls = by(sub { $_[0]{agent_name} }, @{ $a_by{month}{$month} });

		push @{ $views{error_distribution} }, map { { month => $month, error_class => $_, executions => scalar @{ $errors{$_} }, share_percent => percent(scalar @{ $errors{$_} }, scalar @failed) } } keys %errors;
		push @{ $views{active_users} }, map { my @his = @{ $users{$_} }; +{ month => $month, owner => $_, success(@his), cost_usd => total('cost', @his),
			executions_without_cost => unpriced(grep { $_->{attempts} > 0 } @his) } } keys %users;
		for my $name (keys %workflows)
		{
			my @its = @{ $workflows{$name} };
			my %rate = success(@its);
			my $average = mean('seconds', completed(@its));
			my ($target, $goal) = ($target{$name} // 95, $goal{$name} // 600);
			push @{ $views{workflow_performance} }, { month => $month, workflow => $name, %rate, success_target_percent => $target,
				meets_success_target => truth($rate{success_rate_percent} >= $target), average_duration_seconds => $average, duration_target_seconds => $goal,
				meets_duration_target => truth(defined $average ? $average <= $goal : undef), cost_usd => total('cost', @its), cost_per_execution_usd => mean('cost', grep { $_->{attempts} > 0 } @its),
				executions_without_cost => unpriced(grep { $_->{attempts} > 0 } @its), share_percent => percent(scalar @its, scalar @runs) };
		}
		my %names = map { $_ => 1 } keys %tasks, keys %calls;
		for my $name (keys %names)
		{
			my @tasks = @{ $tasks{$name} // [] };
			my @calls = @{ $calls{$name} // [] };
			push @{ $views{agent_results} }, { month => $month, agent => $name, success(@tasks), average_duration_seconds => mean('seconds', completed(@tasks)),
				attempts => scalar @calls, attempts_failed => scalar(grep { $_->{outcome} eq 'failed' } @calls), retries => scalar(grep { $_->{attempt_no} > 1 } @calls),
				input_tokens => total('input_tokens', @calls), output_tokens => total('output_tokens', @calls), cost_usd => total('cost', @calls),
				attempts_without_cost => unpriced(grep { $_->{possibly_billed} } @calls) };
		}
	}
	$views{success_summary} = [ map { summary($_, @$executions) } qw(all task workflow) ];
	$views{duration_summary} = [ map {
		my ($kind, $average) = ($_, mean('seconds', completed(of_month($this_month, $_, @$executions))));
		{ kind => $kind, month => $this_month, executions_completed => scalar(completed(of_month($this_month, $kind, @$executions))), average_duration_seconds => $average,
			duration_target_seconds => 600, meets_duration_target => truth($average <= 600),
			last_month_average_duration_seconds => mean('seconds', completed(of_month($last_month, $kind, @$executions))) } } qw(all task workflow) ];
	return %views;
}

# ---------- and whether they do ----------

my @keys = qw(day week month kind workflow agent owner error_class);
sub key_of { my ($row) = @_; return join '|', map { defined $row->{$_} ? "$_=$row->{$_}" : () } @keys; }

# Numbers are shown rounded to 2, 3 or 6 places, and Perl's are not exact. A projection is up
# to 31 times what was rounded.
sub is_same
{
	my ($name, $told, $true) = @_;

	return 0 if defined $told != defined $true;
	return 1 if !defined $told || $told eq $true;
	return 0 if ref $told || "$told$true" !~ /\A[-+.\de]+\z/;
	my $most = $name =~ /^projected_/ ? 2e-5 : $name =~ /_usd$/ ? 2e-6 : $name =~ /_seconds$/ ? 2e-3 : $name =~ /_percent$|^points/ ? 6e-3 : 0;
	return abs($told - $true) <= $most;
}

sub differences
{
	my ($told, $true) = @_;
	my %told = map { key_of($_) => $_ } @$told;
	my %true = map { key_of($_) => $_ } @$true;
	my @differ = map { "$_ is missing" } grep { !$told{$_} } sort keys %true;

	push @differ, map { "$_ is too many" } grep { !$true{$_} } sort keys %told;
	for my $key (grep { $told{$_} } sort keys %true)
	{
		my %names = map { $_ => 1 } keys %{ $told{$key} }, keys %{ $true{$key} };
		push @differ, map { "$key: $_ is " . ($told{$key}{$_} // 'null') . ', not ' . ($true{$key}{$_} // 'null') }
			grep { !exists $told{$key}{$_} || !exists $true{$key}{$_} || !is_same($_, $told{$key}{$_}, $true{$key}{$_}) } sort keys %names;
	}
	return join "\n", @differ[ 0 .. ($#differ > 9 ? 9 : $#differ) ];
}

sub check_views
{
	my ($when) = @_;
	my ($executions, $attempts, $all) = read_rows();
	my %expected = expected($executions, $attempts);

	is(differences([ rows("SELECT * FROM agent_studio_bi.$_") ], $expected{$_}), '', "$when: $_ is what the rows come to") for sort keys %expected;
	is(sql($node, 'SELECT count(*) FROM agent_studio_bi.execution_facts'), scalar @$all, "$when: a fact for each execution, without tests");
	is(sql($node, 'SELECT count(*) FROM agent_studio_bi.attempt_facts'), scalar @$attempts, "$when: and for each attempt");
	is(sql($node, 'SELECT sum(executions), sum(attempts) FROM agent_studio_bi.execution_totals_daily'), @$executions . '|' . total('attempts', @$executions), "$when: daily totals are of all");
	is(sql($node, 'SELECT sum(attempts), sum(retries) FROM agent_studio_bi.attempt_totals_daily'), @$attempts . '|' . (grep { $_->{attempt_no} > 1 } @$attempts), "$when: those of attempts, too");
	is(sql($node, q(SELECT (SELECT round(sum(duration_seconds), 1) FROM agent_studio_bi.execution_facts) = round(sum(duration_seconds), 1), sum(output_tokens) = (SELECT sum(output_tokens) FROM agent_studio_bi.execution_facts WHERE is_finished)
		FROM agent_studio_bi.execution_totals_daily)), 't|t', "$when: facts and totals agree");
	return \%expected;
}

# ---------- the guide's months ----------

sql($node, slurp_file('test/history/generate.sql'));
sql($node, 'CALL history.sample(now())');
is(sql($node, q(SELECT count(*) FROM agent_studio.executions e WHERE e.attempts <> (SELECT count(*) FROM agent_studio.attempts a WHERE a.execution_id = e.execution_id)
	OR e.output_tokens IS DISTINCT FROM (SELECT sum(a.output_tokens) FROM agent_studio.attempts a WHERE a.execution_id = e.execution_id)
	OR e.input_cost_usd IS DISTINCT FROM (SELECT sum(a.input_cost_usd) FROM agent_studio.attempts a WHERE a.execution_id = e.execution_id))),
	'0', 'executions are the sums of their attempts');
is(sql($node, q(SELECT count(DISTINCT error_class) FROM agent_studio.executions)), '12', 'twelve classes of error');

my $views = check_views('nothing closed');
my ($workflows) = grep { $_->{kind} eq 'workflow' } rows('SELECT * FROM agent_studio_bi.success_summary');
is_deeply([ @$workflows{qw(executions executions_completed success_rate_percent last_month_success_rate_percent points_above_target points_above_last_month)} ],
	[ 156, 143, 91.67, 94, -3.33, -2.33 ], 'the guide: 143 of 156 workflows completed, 2.3 points less than last month');
cmp_ok(abs(64 * 31 / 9 - 220.44), '<', 0.005, 'the guide: $64 in 9 of 31 days project to $220.44, which is the formula above');

# ---------- the executor closes days ----------

is(sql($node, 'SELECT count(*) FROM agent_studio.closed_days'), '0', 'no day is closed in a database that is new');
sql($node, q(UPDATE agent_studio.epochs SET started_at = started_at - interval '2 days'));
wait_until(sub { sql($node, q(SELECT coalesce(max(day) >= ((now() - interval '10 minutes') AT TIME ZONE 'UTC')::date - 1, false) FROM agent_studio.closed_days)) eq 't' }, 'every day is closed');
cmp_ok(sql($node, 'SELECT count(*) FROM agent_studio.daily_totals'), '>', 100, 'days are counted');
is(sql($node, 'SELECT count(*) FROM agent_studio.daily_totals t LEFT JOIN agent_studio.closed_days c USING (day) WHERE c.day IS NULL'), '0', 'only closed ones');
check_views('days closed');

# ---------- what rested on a closed day is taken up again ----------

sql($node, q(SELECT agent_studio.as_create_workflow('twice', 'sequential', '{"steps": [{"name": "a", "agent": "worker", "task": "@mock status=400 times=1\nFails once."}]}')));
my $id = sql($node, q(SELECT agent_studio.as_run_workflow('twice', '{}')));
is(outcome($node, $id)->{status}, 'failed', 'a workflow fails');
# It was two days ago, for all that anybody knows.
sql($node, "UPDATE agent_studio.attempts SET sent_at = sent_at - interval '2 days', finished_at = finished_at - interval '2 days' WHERE execution_id = $id;
	UPDATE agent_studio.executions SET started_at = started_at - interval '2 days', finished_at = finished_at - interval '2 days' WHERE execution_id = $id");
check_views('a closed day is stale');
sub rolled_up { return wait_until(sub { sql($node, 'SELECT count(*) FROM agent_studio_private.days_to_count') eq '0' }, 'stale days are counted anew'); }
rolled_up();
is(sql($node, q(SELECT sum(executions) FROM agent_studio.daily_totals WHERE workflow = 'twice' AND status = 'failed')), '1', 'it is counted on its day');
sql($node, "SELECT agent_studio.as_retry_step($id, 'a')");
wait_until(sub { status_of($node, $id) eq 'completed' }, 'it is tried again, and completes');
check_views('taken up again');
rolled_up();
is(sql($node, q(SELECT count(*) FROM agent_studio.daily_totals WHERE workflow = 'twice')), '0', 'and is not counted on its old day any more');
check_views('counted anew');

# ---------- the hot path ----------

my $before = sql($node, "SELECT n_tup_upd - n_tup_hot_upd FROM pg_stat_user_tables WHERE relid = 'agent_studio.executions'::regclass");
my $count = sql($node, 'SELECT count(*) FROM agent_studio.stale_days');
outcome($node, submit($node, 'Say hello.')) for 1 .. 10;
$node->restart;
cmp_ok(sql($node, "SELECT n_tup_upd - n_tup_hot_upd FROM pg_stat_user_tables WHERE relid = 'agent_studio.executions'::regclass") - $before, '<=', 10, 'all updates are HOT but the one that comes to rest');
is(sql($node, 'SELECT count(*) FROM agent_studio.stale_days'), $count, 'what comes to rest today marks nothing');

# ---------- a dump ----------

my $dump = $node->basedir . '/dump.sql';
$node->command_ok([ 'pg_dump', '-f', $dump, 'postgres' ], 'dumped');
sql($node, 'CREATE DATABASE copy');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', 'copy', '-f', $dump ], 'restored');
for my $view (qw(success_rate_daily cost_monthly agent_results))
{
	my $query = "SELECT md5(string_agg(v::text, ',' ORDER BY v::text)) FROM agent_studio_bi.$view v";
	is(sql($node, $query, 'copy'), sql($node, $query), "$view says the same after a restore");
}
is(sql($node, 'SELECT count(*) FROM agent_studio.closed_days', 'copy'), sql($node, 'SELECT count(*) FROM agent_studio.closed_days'), 'with the days that were closed');

# ---------- how it is found ----------

sql($node, 'CREATE DATABASE bulk');
sql($node, "CREATE EXTENSION agent_studio; " . slurp_file('test/history/generate.sql'), 'bulk');
sql($node, 'CALL history.bulk(30000, now())', 'bulk');
sql($node, 'SELECT agent_studio.as_roll_up()', 'bulk');
sql($node, 'VACUUM ANALYZE', 'bulk');
sub scanned_whole { my ($query) = @_; my $plan = sql($node, "EXPLAIN $query", 'bulk'); return join ' ', $plan =~ /Seq Scan on (executions|steps|attempts)\b/g; }
for my $view (map { $_->{relname} } rows("SELECT relname FROM pg_class WHERE relnamespace = 'agent_studio_bi'::regnamespace AND relname NOT LIKE '%facts' ORDER BY 1"))
{
	is(scanned_whole("SELECT * FROM agent_studio_bi.$view"), '', "$view reads no table of facts as a whole");
}
is(scanned_whole("SELECT * FROM agent_studio_bi.$_ WHERE finished_at >= now() - interval '1 day' AND finished_at < now()"), '', "$_: nor does a range of time") for qw(execution_facts attempt_facts);
is(scanned_whole("SELECT * FROM agent_studio_bi.$_ WHERE execution_id = 17"), '', "$_: nor does one execution") for qw(execution_facts step_facts attempt_facts);
# Of what functions do, the plans are not seen, but the rows that they read are.
sub rows_read
{
	my ($query) = @_;
	my @lines = split /\n/, sql($node, "BEGIN; $query; SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables
		WHERE schemaname = 'agent_studio' AND relname IN ('executions', 'steps', 'attempts'); COMMIT", 'bulk');
	return $lines[-1];
}
sql($node, q(SELECT agent_studio.as_create_agent('idle', 'builder', 'large', visibility => 'shared');
	SELECT agent_studio.as_create_workflow('idle', 'sequential', '{"steps": [{"name": "a", "agent": "idle", "task": "a"}]}', visibility => 'shared');
	CREATE ROLE newcomer IN ROLE agent_studio_user), 'bulk');
my $idle = q(jsonb_populate_record(NULL::agent_studio.executions, '{"agent": "idle", "workflow": "idle"}'));
cmp_ok(rows_read("SELECT agent_studio_private.$_"), '<', 100, "$_ does not look through the work of others")
	for "agent_history('idle')", "workflow_history('idle')", "recent_tasks('idle')", "recent_steps('idle')", "usual_total($idle)",
		"usual_call($idle, NULL)", "usual_cost((SELECT max(agent_version_id) FROM agent_studio.agent_versions))";
# Row security lets fewer conditions through to an index. The agent is that of the step.
my $called = "jsonb_populate_record(NULL::agent_studio.executions, '{\"workflow\": \"idle\"}'), jsonb_populate_record(NULL::agent_studio.steps, "
	. "jsonb_build_object('name', 'a', 'agent_version_id', (SELECT v.agent_version_id FROM agent_studio.agent_versions v JOIN agent_studio.agents a USING (agent_id) WHERE a.name = 'architect-agent-prod')))";
for my $role (qw(alice postgres))
{
	cmp_ok(rows_read("SET LOCAL ROLE $role; SELECT * FROM agent_studio_private.$_; RESET ROLE"), '<', 200, "$_ reads little for $role")
		for "usual_call($called)", "usual_total($idle)", "agent_history('architect-agent-prod')", "workflow_history('idle')";
}
cmp_ok(rows_read("SELECT * FROM agent_studio.$_"), '<', 5000, "$_ reads what is of today, or newest")
	for qw(active_executions recent_completions agent_performance budget_status model_quota as_search_agents());
cmp_ok(rows_read('SELECT * FROM agent_studio.alerts'), '<', 20000, 'alerts looks at the newest 10,000');
cmp_ok(rows_read('SET LOCAL ROLE newcomer; SELECT * FROM agent_studio.agent_performance; RESET ROLE'), '<', 5000, 'nor does agent_performance look for what the reader cannot see');
like(sql($node, q(SELECT string_agg(format('%s %s', p.proname, p.proparallel), ', ' ORDER BY p.proname) FROM pg_proc p
	WHERE p.pronamespace = 'agent_studio_private'::regnamespace AND p.proname IN ('chosen_executions', 'duration_text', 'either_sum', 'my_roles', 'reads_all', 'seconds_between'))),
	qr/^(\w+ s(, )?){6}$/, 'processes can share the work of as_history_totals');
is(scanned_whole('SELECT agent_studio_private.spent(current_date)') . sql($node, "SELECT agent_studio_private.spent('-infinity') = sum(input_cost_usd + output_cost_usd) FROM agent_studio.attempts", 'bulk'), 't', 'what was spent');

finish_studio($node, $model);
done_testing();
