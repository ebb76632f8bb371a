# The dashboard's page: its figures against sums that Perl makes from the rows of the
# guide's months, by text and in a browser, whoever looks, and closed days or not.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use JSON::PP;
use Pages;
use POSIX qw(floor);
use PostgreSQL::Test::Utils;
use Test::More;

my $model = start_model_server();
my $node = start_studio('dashboard', $model, "agent_studio.roll_up_interval = '100ms'");

sub page { my ($role, $arguments) = @_; return sql($node, "SET ROLE $role; SELECT agent_studio.as_dashboard_html(" . ($arguments // '') . ')'); }
sub rows { my ($query) = @_; return @{ decode_json(sql($node, "SELECT coalesce(json_agg(r), '[]') FROM ($query) r")) }; }

# ---------- what it should show ----------

sub commas { my ($n) = @_; 1 while $n =~ s/^(\d+)(\d{3})/$1,$2/; return $n; }
# What is half a unit is rounded up, though the machine's numbers are a little less.
sub money { my ($usd) = @_; $usd *= 1 + 1e-10 if defined $usd; return !defined $usd ? '–' : $usd > 0 && $usd < 0.01 ? '$' . (sprintf('%.6f', $usd) =~ s/0+$//r) : sprintf '$%.2f', $usd; }
sub rate { my ($part, $all) = @_; return $all ? sprintf('%.2f %%', 100 * $part / $all + 1e-9) : '–'; }
sub duration { my ($sum, $n) = @_; return '–' unless $n; my $s = floor($sum / $n + 0.5); return $s < 60 ? "${s}s" : $s < 3600 ? floor($s / 60) . 'm ' . $s % 60 . 's' : floor($s / 3600) . 'h ' . floor($s / 60) % 60 . 'm ' . $s % 60 . 's'; }
sub date_of { my ($at) = @_; my @t = gmtime $at; return sprintf '%04d-%02d-%02d', $t[5] + 1900, $t[4] + 1, $t[3]; }

my @names = qw(Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec);
sub month_name { my ($month) = @_; my ($y, $m) = $month =~ /(\d+)-(\d+)/; return "$names[$m - 1] $y"; }
sub days_of { my ($month) = @_; my ($y, $m) = $month =~ /(\d+)-(\d+)/; return $m == 2 ? ($y % 4 ? 28 : 29) : $m =~ /0[469]|11/ ? 30 : 31; }

sub add
{
	my ($sum, $row) = @_;

	if (exists $row->{status})
	{
		$sum->{executions}++;
		$sum->{error}++ if defined $row->{error_class};
		if ($row->{status} eq 'completed') { $sum->{completed}++; $sum->{timed}++; $sum->{seconds} += $row->{seconds}; }
		if (defined $row->{cost}) { $sum->{rest_cost} += $row->{cost}; $sum->{with_cost}++; }
		elsif ($row->{attempts} > 0) { $sum->{rest_unknown}++; }
	}
	else
	{
		$sum->{calls}++;
		# A day may have calls whose tokens nobody told.
		$sum->{input} += $row->{input_tokens} if defined $row->{input_tokens};
		$sum->{output} += $row->{output_tokens} if defined $row->{output_tokens};
		if (defined $row->{cost}) { $sum->{cost} += $row->{cost}; } else { $sum->{unknown}++; }
	}
	return;
}

# Sums by "day DATE", "month MONTH KIND", "workflow NAME"..., of what the owners have done.
sub sums
{
	my ($days, @owners) = @_;
	my $now = time;
	my $first = date_of($now - 86400 * ($days - 1));
	my %sums;

	for my $row (rows(q(SELECT kind, status, workflow, owner, error_class, attempts, extract(epoch FROM finished_at) AS at, extract(epoch FROM finished_at - started_at) AS seconds,
				input_cost_usd + output_cost_usd AS cost FROM agent_studio.executions WHERE finished_at IS NOT NULL AND NOT is_test)),
			rows(q(SELECT owner, input_tokens, output_tokens, extract(epoch FROM finished_at) AS at, input_cost_usd + output_cost_usd AS cost FROM agent_studio.attempts WHERE NOT is_test)))
	{
		next unless grep { $_ eq $row->{owner} } @owners;
		my $day = date_of($row->{at});
		my $month = substr $day, 0, 7;
		add($sums{$_} //= {}, $row) for "day $day", "month $month", ($row->{kind} ? "month $month $row->{kind}" : ());
		next if $day lt $first || !exists $row->{status};
		add($sums{$_} //= {}, $row) for "user $row->{owner}", ($row->{workflow} ? "workflow $row->{workflow}" : ()), ($row->{error_class} ? "error $row->{error_class}" : ());
	}
	return ($first, \%sums);
}

my %target = ('security-audit' => [ '80 %', '15m 0s' ]);

# The rows of the page's tables, each as its cells' texts.
sub expected
{
	my ($days, @owners) = @_;
	my ($first, $sums) = sums($days, @owners);
	my @days = map { date_of(time - 86400 * $_) } 0 .. $days - 1;
	my @months = reverse sort map { /^month (\S+)$/ ? $1 : () } keys %$sums;
	my $n = sub { return commas($_[0] // 0); };
	my %rows;

	for my $day (@days)
	{
		my $s = $sums->{"day $day"} // {};
		push @{ $rows{Days} }, [ $day, $n->($s->{executions}), $n->($s->{completed}), rate($s->{completed} // 0, $s->{executions}), duration($s->{seconds}, $s->{timed}), $n->($s->{calls}),
			(map { defined $s->{$_} ? $n->($s->{$_}) : '–' } qw(input output)), $s->{calls} && !defined $s->{cost} ? 'not known' : money($s->{cost}), $n->($s->{unknown}) ];
	}
	for my $month (@months)
	{
		my $s = $sums->{"month $month"};
		push @{ $rows{'Cost by month'} }, [ month_name($month), $n->($s->{calls}), money($s->{cost}),
			$month eq substr($days[0], 0, 7) ? money($s->{cost} / substr($days[0], 8) * days_of($month)) : (), money($s->{rest_cost} / $s->{with_cost}), $n->($s->{unknown}) ];
	}
	for my $kind ('workflow', 'user')
	{
		my %of = map { /^$kind (.*)/ ? ($1 => $sums->{$_}) : () } keys %$sums;
		for my $name (sort { $of{$b}{executions} <=> $of{$a}{executions} || $a cmp $b } keys %of)
		{
			my $s = $of{$name};
			push @{ $rows{ $kind eq 'user' ? 'Users' : 'Workflows' } }, [ $name, $n->($s->{executions}), $kind eq 'user' ? $n->($s->{completed}) : (), rate($s->{completed} // 0, $s->{executions}),
				$kind eq 'user' ? () : ($target{$name}[0] // '95 %', duration($s->{seconds}, $s->{timed}), $target{$name}[1] // '10m 0s'), money($s->{rest_cost}),
				$kind eq 'user' ? () : money($s->{rest_cost} / $s->{with_cost}), $n->($s->{rest_unknown}) ];
		}
	}
	my %errors = map { /^error (.*)/ ? ($1 => $sums->{$_}{executions}) : () } keys %$sums;
	my $failed = 0;
	$failed += $_ for values %errors;
	return (\%rows, $sums, { map { $_ => "$errors{$_} (" . rate($errors{$_}, $failed) . ')' } keys %errors });
}

# ---------- what it shows ----------

sub section { my ($html, $title) = @_; return $html =~ m{<section><h2>\Q$title\E</h2>(.*?)</section>}s ? $1 : ''; }
sub plain { my ($html) = @_; return $html =~ s/<[^>]+>//gr; }
sub table_of { my ($html, $title) = @_; return [ map { [ map { plain($_) } grep { /[^>]$|<td[^>]*>[^<]/ } m{<td[^>]*>(.*?)</td>}gs ] } section($html, $title) =~ m{<tr>(<td.*?)</tr>}gs ]; }

sub check_page
{
	my ($who, $html, $days, @owners) = @_;
	my ($rows, $sums, $errors) = expected($days, @owners);
	my $shares = section($html, "Shares in the last $days days");

	is_deeply([ map { [ grep { $_ ne '' } @$_ ] } @{ table_of($html, $_) } ], $rows->{$_}, "$who: $_ are what the rows come to") for sort keys %$rows;
	is(scalar(grep { index($shares, ">$_</text>") < 0 || index($shares, ">$errors->{$_}</text>") < 0 } (sort { $a cmp $b } keys %$errors)), 0, "$who: so are the errors") if keys %$errors <= 8;
	like($html, qr/>\Q$_->[0]\E: \Q$_->[1]\E</, "$who: " . $_->[0]) for map { my ($y, $m, $d) = split /-/, $_->[0]; [ ($d + 0) . " $names[$m - 1] $y", $_->[1] eq '0' ? 'no execution' : "$_->[3], $_->[2] of $_->[1] completed" ] } @{ $rows->{Days} }[ 0, 5 ];
	return ($sums, $rows);
}

is(page('postgres') =~ /Nothing yet/, 1, 'an empty database: nothing yet');
page_is_good('empty', page('postgres'), 'Nothing yet', 'as_execute_task');

sql($node, slurp_file('test/history/generate.sql'));
sql($node, 'CALL history.sample(now())');
sql($node, q(SELECT agent_studio.as_set_budget('all', 500)));
wait_until(sub { sql($node, 'SELECT count(*) FROM agent_studio.budget_spending') eq '1' }, 'the budget is counted');

my $month = substr date_of(time), 0, 7;
my $html = page('postgres');
my ($sums, $rows) = check_page('all', $html, 30, qw(alice bob carol dave erin));
my $this = $sums->{"month $month"};
my ($last) = grep { $_ lt $month } reverse sort map { /^month (\S+)$/ ? $1 : () } keys %$sums;
my $projected = money($this->{cost} / substr(date_of(time), 8) * days_of($month));
my $change = 100 * ($this->{completed} / $this->{executions} - $sums->{"month $last"}{completed} / $sums->{"month $last"}{executions});
my $spent = sql($node, 'SELECT sum(input_cost_usd + output_cost_usd) FROM agent_studio.attempts WHERE finished_at >= ' . "'$month-01 00:00:00+00'");

is_deeply([ @{ table_of($html, 'This month against the last one') }[2]->@[ 0 .. 6 ] ], [ 'workflows', 156, 143, '91.67 %', '−3.33', '94.00 %', '−2.33' ],
	'the guide: 143 of 156 workflows completed, 2.3 points less than last month');
page_is_good('dashboard', $html, commas($this->{executions}), rate($this->{completed}, $this->{executions}), sprintf('%.2f points %s than last month', abs $change, $change < 0 ? 'less' : 'more'),
	'the goal of 95 %', duration($this->{seconds}, $this->{timed}), money($this->{cost}), "$projected expected by its end", "without $this->{unknown} calls of unknown cost",
	sprintf('%.1f %%', $spent / 5), money($spent) . ' of $500.00 for all', 'goal 95 %', 'goal 10m 0s', 'budget $500.00', 'waits for platform: Shall it be built?', 'SELECT agent_studio.as_approve(',
	map { "$_->[1] ($_->[3])" } @{ $rows->{Users} });

# Each reader has his own: a user's team is among it, others are not.
check_page('erin', page('erin'), 30, 'erin');
check_page('alice', page('alice', 90), 90, 'alice', 'bob');
unlike(page('erin'), qr/alice|carol/, 'a user does not see others');
page_is_good('erin', page('erin', 7), 'executions that erin may see');
page_is_good('year', page('postgres', 366), 'Shares in the last 366 days');

# Closed days say the same.
my $before = $html =~ s{<section><h2>Under way.*}{}sr;
sql($node, q(UPDATE agent_studio.epochs SET started_at = started_at - interval '2 days'));
wait_until(sub { sql($node, q(SELECT count(*) > 20 FROM agent_studio.closed_days)) eq 't' }, 'days are closed');
is(page('postgres') =~ s{<section><h2>Under way.*}{}sr, $before, 'the page says the same of closed days');

# Hostile names and texts are shown as text, however long.
sql($node, q(UPDATE agent_studio.executions SET workflow = E'</svg><script>alert(1)</script>\x{202e}' || repeat('W', 200), owner = E'<img src=http://127.0.0.1:1/x onerror=alert(1)>' || repeat('m', 200),
	error_class = '</text><iframe src=//x>' WHERE kind = 'workflow' AND execution_id > 500));
sql($node, q(SELECT agent_studio.as_roll_up('-infinity')));
$html = page('postgres');
page_is_good('hostile', $html, '<script>alert(1)', '<img src=http', '</text><iframe');
unlike($html, qr/[\x00-\x08\x0B-\x1F\x7F]|\xE2\x80\xAE/, 'no control character, no mark of direction');

finish_studio($node, $model);
done_testing();
