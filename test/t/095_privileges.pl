# Reads doc/privileges.md and proves each cell of its tables by a call: every function,
# table and view as every role, on rows that are one's own, one's team's and another's.
# Nothing may be missing there, and nothing be named that does not exist.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;

# No executor at first, so that rows stay as they are written here.
my $model = start_model_server();
my $node = start_studio('privileges', $model, "agent_studio.databases = ''");
sql($node, slurp_file('test/t/privileges.sql'));

# ---------- the document ----------

# Returns its tables by their headings: { columns => [...], rows => [ { names => [...], cells => { column => word } } ] }.
sub read_tables
{
	my ($file) = @_;
	my (%tables, $heading);

	for my $line (split /\n/, slurp_file($file))
	{
		$heading = $1 if $line =~ /^## (.*)/;
		next unless $line =~ /^\| (.*) \|$/;
		my ($first, @cells) = split / \| /, $1;
		my $table = $tables{$heading} //= { rows => [] };
		if (!$table->{columns}) { $table->{columns} = \@cells; next; }
		my %cells;
		@cells{ @{ $table->{columns} } } = @cells;
		# `name`, or `name` (which of its uses)
		my @names = $first =~ /(`[^`]+`(?: \([^)]*\))?)/g;
		push @{ $table->{rows} }, { names => [ map { s/`//gr } @names ], cells => \%cells };
	}
	return \%tables;
}
my $tables = read_tables('doc/privileges.md');

# ---------- what is called ----------

# $1 is an execution's id, or the name of an agent, a workflow, a schedule.
my %call = (
	'as_wait' => 'SELECT agent_studio.as_wait($1, 0)',
	'as_follow' => 'CALL agent_studio.as_follow($1)',
	'as_compare' => 'SELECT agent_studio.as_compare($1, $1)',
	'as_diagram (of an execution)' => 'SELECT agent_studio.as_diagram($1::bigint)',
	(map { $_ => "SELECT agent_studio.$_(\$1, 'build')" } qw(as_retry_step as_accept_partial as_skip_step as_approve)),
	'as_complete_step' => q{SELECT agent_studio.as_complete_step($1, 'build', outputs => '{"code": "By hand."}')},
	'as_reject' => q{SELECT agent_studio.as_reject($1, 'build', 'No.')},
	'as_execute_task' => q{SELECT agent_studio.as_execute_task($1, 'Work.')},
	'as_follow_task' => q{CALL agent_studio.as_follow_task($1, 'Work.')},
	'as_check_task' => q{SELECT agent_studio.as_check_task($1, 'Work.')},
	'as_update_agent' => q{SELECT agent_studio.as_update_agent($1, description => 'Better.')},
	'as_update_agent (visibility or team)' => q{SELECT agent_studio.as_update_agent($1, visibility => 'shared'), agent_studio.as_update_agent($1, unset => '{team}')},
	(map { ("as_grant (on $_)" => q{SELECT agent_studio.as_grant($1, 'matrix_mate')}, "as_revoke (on $_)" => q{SELECT agent_studio.as_revoke($1, 'matrix_mate')}) } 'an agent', 'a workflow'),
	'as_follow_workflow' => 'CALL agent_studio.as_follow_workflow($1)',
	'as_schedule' => q{SELECT agent_studio.as_schedule('a new one', '0 3 * * *', $1)},
	'as_test_workflow (dry)' => q{SELECT agent_studio.as_test_workflow($1)},
	'as_test_workflow (full or partial)' => q{SELECT agent_studio.as_test_workflow($1, mode => 'full'), agent_studio.as_test_workflow($1, mode => 'partial', steps => '{build}')},
	'as_clone_workflow' => q{SELECT agent_studio.as_clone_workflow($1, 'a new one')},
	'as_diagram (of a workflow)' => 'SELECT agent_studio.as_diagram($1::text)',
	'as_update_workflow' => q{SELECT agent_studio.as_update_workflow($1, description => 'Better.')},
	'as_update_workflow (visibility or team)' => q{SELECT agent_studio.as_update_workflow($1, visibility => 'shared')},
	'as_add_step' => q{SELECT agent_studio.as_add_step($1, 'and more', 'worker', 'More.')},
	'as_drop_step' => q{SELECT agent_studio.as_drop_step($1, 'build')},
	'as_create_agent' => q{SELECT agent_studio.as_create_agent('a new one', 'builder', 'mock')},
	'as_create_workflow' => q{SELECT agent_studio.as_create_workflow('a new one', 'sequential')},
	'as_import_workflow' => q{SELECT agent_studio.as_import_workflow(matrix.exported())},
	'as_suggest_agents' => q{SELECT agent_studio.as_suggest_agents('Build it.')},
	(map { $_ => "SELECT agent_studio.$_('builder')" } qw(as_task_template as_context_fields)),
	'as_create_model' => q{SELECT agent_studio.as_create_model('a new one', 'mock')},
	'as_update_model' => q{SELECT agent_studio.as_update_model('mock', max_concurrency => 7)},
	'as_drop_model' => q{SELECT agent_studio.as_drop_model('unused')},
	'as_load_prices' => q{SELECT agent_studio.as_load_prices('[{"model": "mock", "input": 1, "output": 2}]')},
	'as_purge' => q{CALL agent_studio.as_purge('1000 days')},
	'as_purge_batch' => q{SELECT agent_studio.as_purge_batch('2020-01-01', '2020-01-02', '1000 days')},
	'as_delete_history_batch' => q{SELECT agent_studio.as_delete_history_batch('2020-01-01')},
	'agent_studio_validator' => q{SELECT agent_studio.agent_studio_validator('{}', 'pg_foreign_server'::regclass)});
# In which state an execution has to be; by default a task that was completed.
my %state = (as_cancel => 'waiting_approval', as_pause => 'waiting_approval', as_approve => 'waiting_approval', as_reject => 'waiting_approval',
	as_resume => 'paused', as_retry_step => 'failed', as_complete_step => 'failed', as_skip_step => 'failed', as_accept_partial => 'partial');
# Which of somebody's workflows is meant; by default one that was published, and has a draft besides.
my %object = ('as_drop_workflow (never published)' => 'draft');

sub function_of { my ($name) = @_; return $name =~ s/ .*//r; }

sub call_of
{
	my ($name, $argument) = @_;
	my $call = $call{$name} // 'SELECT agent_studio.' . function_of($name) . '(' . (defined $argument ? '$1' : '') . ')';

	return defined $argument ? $call =~ s/\$1/$argument/gr : $call;
}

# ---------- asking ----------

# In one session, each call undone: pairs of a role and a statement → what it says,
# "SQLSTATE|message|detail|hint", or "00000".
sub attempts
{
	my (@attempts) = @_;
	my $list = join(",\n", map { "(\$q\$$_->[0]\$q\$, \$q\$$_->[1]\$q\$)" } @attempts);

	return @{ decode_json(sql($node, "SET client_min_messages = error; SET cron.database_name = 'elsewhere'; "
		. "SELECT json_agg(matrix.attempt(a.role, a.statement) ORDER BY a.n) FROM unnest(ARRAY[$list]::matrix.call[]) WITH ORDINALITY a (role, statement, n)")) };
}

# What a procedure says, which commits, so in a session of its own.
sub call_procedure
{
	my ($role, $statement) = @_;
	my ($code, $output, $error) = $node->psql('postgres', "SET client_min_messages = warning; SET ROLE $role; $statement",
		extra_params => [ '-v', 'VERBOSITY=verbose' ]);

	return '00000' if $code == 0;
	my ($state, $message) = $error =~ /ERROR:  (\w+): (.*)/;
	my ($hint) = $error =~ /HINT:  (.*)/;
	return join('|', $state, $message, '', $hint // '');
}

# yes, no, hidden, or what it said. Of what does not exist the same is said as of what is hidden.
sub word
{
	my ($said, $of_nothing) = @_;

	return 'yes' if $said =~ /^00000/;
	return 'no' if $said =~ /^42501/;
	return 'hidden' if defined $of_nothing && $said =~ /^42704/ && $said eq $of_nothing;
	return $said;
}

# Proves one cell of several functions at once: one test for each line and column.
sub prove_cells
{
	my ($what, $column, $wanted, %said) = @_;
	my @wrong = grep { $said{$_} ne $wanted } sort keys %said;

	is(join("\n", map { "$_: $said{$_}" } @wrong), '', "$what, $column: $wanted");
	return scalar keys %said;
}

my $cells = 0;
my %documented;
my %role_of = (monitor => 'matrix_monitor', operator => 'matrix_operator', admin => 'matrix_admin');
sub is_procedure { my ($name) = @_; return call_of($name, 'x') =~ /^CALL/; }

# A section whose functions take an object: target(NAME, KIND) is the argument, of KIND own,
# team's and so on, or "nothing" for what does not exist. For other roles than users it is another's.
sub prove_section
{
	my ($heading, $target) = @_;
	my $table = $tables->{$heading} or return fail("there is no section \"$heading\"");

	for my $row (@{ $table->{rows} })
	{
		my $what = join(', ', @{ $row->{names} });
		$documented{ function_of($_) . (/ \(of an? (\w+)\)/ ? " $1" : '') } = 1 for @{ $row->{names} };
		for my $column (@{ $table->{columns} }, 'nobody', 'bi_reader')
		{
			my $role = $role_of{$column} // ($column =~ /^(?:nobody|bi_reader)$/ ? "matrix_$column" : 'matrix_user');
			my $kind = $role eq 'matrix_user' ? $column : q(another's);
			my $wanted = $row->{cells}{$column} // 'no';
			my %said;
			for my $name (@{ $row->{names} })
			{
				my ($argument, $nothing) = ($target->($name, $kind), $target->($name, 'nothing'));
				my ($call, $vain) = (call_of($name, $argument), call_of($name, $nothing));
				my @said = is_procedure($name) ? map { call_procedure($role, $_) } $call, $vain
					: attempts([ $role, $call ], [ $role, $vain ]);
				# What differs between the two may be the name alone.
				$argument =~ s/'//g;
				$nothing =~ s/'//g;
				$_ =~ s/\b(?:\Q$argument\E|\Q$nothing\E)\b/IT/g for @said;
				$said{$name} = word(@said);
			}
			$cells += prove_cells($what, $column, $wanted, %said);
		}
	}
	return;
}

# ---------- functions ----------

my %ids = %{ decode_json(sql($node, q{SELECT json_object_agg(kind || ' ' || state, execution_id) FROM matrix.runs})) };
prove_section('Functions on an execution', sub {
	my ($name, $kind) = @_;
	return $kind eq 'nothing' ? 999999 : $ids{ "$kind " . ($state{ function_of($name) } // 'completed') };
});

sub named { my ($kind, $what) = @_; return "'" . ($kind =~ s/'s//r) . "-$what'"; }
# Those that work for the executor come later.
my @later = qw(as_follow_task as_follow_workflow);
my %later;
sub without_later
{
	my ($heading) = @_;
	for my $row (@{ $tables->{$heading}{rows} })
	{
		for my $name (@later)
		{
			next unless grep { $_ eq $name } @{ $row->{names} };
			$row->{names} = [ grep { $_ ne $name } @{ $row->{names} } ];
			$later{$name} = { %$row, names => [$name], heading => $heading };
		}
	}
	return;
}
without_later($_) for 'Functions on an agent', 'Functions on a workflow';
prove_section('Functions on an agent', sub { return named($_[1], 'agent'); });
prove_section('Functions on a workflow', sub { return named($_[1], $object{ $_[0] } // 'flow'); });
prove_section('Functions on a schedule', sub { return named($_[1], 'schedule'); });

# Budgets: there is none to hide, whoever may not set one is told so whether or not it exists.
for my $row (@{ $tables->{'Functions on a budget'}{rows} })
{
	$documented{as_set_budget} = 1;
	my @others = ('user:matrix_stranger', 'user:matrix_nothing', 'team:matrix_team', 'all', map { ("agent:$_-agent", "workflow:$_-flow") } qw(own another nothing));
	for my $column (@{ $tables->{'Functions on a budget'}{columns} }, 'nobody', 'bi_reader')
	{
		my $role = $role_of{$column} // ($column =~ /^(?:nobody|bi_reader)$/ ? "matrix_$column" : $column =~ /admin/ ? 'matrix_mate' : 'matrix_user');
		my @scopes = $column eq q(another's) ? @others : $role eq 'matrix_admin' ? grep { !/nothing/ } @others : $column =~ /^own/ ? "user:$role" : @others;
		my @said = attempts(map { [ $role, "SELECT agent_studio.as_set_budget('$_', 5)" ] } @scopes);
		my %said;
		@said{@scopes} = map { word($_) } @said;
		$cells += prove_cells('as_set_budget', $column, $row->{cells}{$column} // 'no', %said);
	}
}

for my $row (@{ $tables->{'Other functions'}{rows} })
{
	my $what = join(', ', @{ $row->{names} });
	$documented{$_} = 1 for @{ $row->{names} };
	for my $column (@{ $tables->{'Other functions'}{columns} }, 'nobody', 'bi_reader')
	{
		my $role = "matrix_$column";
		my %said = map { $_ => word(is_procedure($_) ? call_procedure($role, call_of($_)) : attempts([ $role, call_of($_) ])) } @{ $row->{names} };
		$cells += prove_cells($what, $column, $row->{cells}{$column} // 'no', %said);
	}
}

# ---------- tables and views ----------

# Of whom the rows of a relation are, as a superuser sees it.
my %kind_of = (
	(map { $_ => 'matrix.whose(r.execution_id)' } qw(executions steps attempts thoughts notices logs commands deliveries live_usage outputs artifacts
		execution_history workflow_history approvals pending_approvals alerts)),
	(map { $_ => 'matrix.whose(r.id)' } qw(active_executions recent_completions)),
	(map { $_ => 'matrix.owners(r.owner, r.team)' } qw(daily_totals daily_spending daily_owner_totals daily_owner_spending)),
	(map { $_ => 'matrix.called(r.name)' } qw(schedules agents workflows)),
	schedule_jobs => 'matrix.called(r.job_name)', agent_performance => 'matrix.called(r.agent)',
	agent_versions => 'matrix.called(matrix.agent_name(r.agent_id))', workflow_versions => 'matrix.called(matrix.workflow_name(r.workflow_id))',
	grants => 'matrix.granted(r.role, r.granted_by)', budgets => 'matrix.scoped(r.kind, r.name)',
	budget_spending => 'matrix.scoped_budget(r.budget_id)',
	budget_status => q{matrix.scoped(split_part(r.scope, ':', 1), split_part(r.scope, ':', 2))});

# The kinds of rows that a role sees, sorted; or what it is refused with.
sub seen
{
	my ($relation, $role) = @_;
	my $kind = $kind_of{$relation} // q('any');
	my $name = $relation =~ /\./ ? $relation : "agent_studio.$relation";
	my ($code, $output, $error) = $node->psql('postgres', <<"SQL", extra_params => [ '-v', 'VERBOSITY=verbose' ]);
SET ROLE $role;
SELECT count(*) || ' ' || coalesce(string_agg(DISTINCT k.kind, ', ' ORDER BY k.kind), '') FROM (SELECT $kind AS kind FROM $name r) k
SQL

	return $code == 0 ? $output : $error =~ /42501/ ? 'no' : $error;
}

my %relations;
for my $row (@{ $tables->{'Tables and views'}{rows} })
{
	$relations{$_} = $row for @{ $row->{names} };
	for my $column (@{ $tables->{'Tables and views'}{columns} })
	{
		my $wanted = $row->{cells}{$column};
		my %said;
		for my $relation (@{ $row->{names} })
		{
			my $everything = seen($relation, 'postgres');
			my $seen = seen($relation, "matrix_$column");
			# Every kind of row must be there to be left out.
			my @kinds = $kind_of{$relation} ? grep { $_ ne 'general' || $relation =~ /^budget/ } 'own', q(team's), q(another's) : ();
			@kinds = qw(own granted another's) if $relation eq 'grants';
			my @absent = grep { $everything !~ /\b\Q$_\E/ } @kinds;
			$said{$relation} = @absent ? "there is no row that is @absent" : $everything =~ /^0 / ? 'there is no row'
				: $seen eq 'no' ? 'no' : $wanted eq 'all' ? ($seen eq $everything ? 'all' : "$seen of $everything")
				: $seen eq '0 ' ? 'none' : join(', ', grep { $seen =~ s/(^\d+ |, )\Q$_\E(?=,|$)/$1/ } split /, /, $wanted) . ($seen =~ /[a-z]/ ? " and $seen" : '');
		}
		$cells += prove_cells(join(', ', @{ $row->{names} }), $column, $wanted, %said);
	}
}

# Nobody writes, whatever he may read.
my @roles = qw(matrix_nobody matrix_bi_reader matrix_user matrix_monitor matrix_operator matrix_admin);
my @writes;
for my $table (split /\n/, sql($node, q{SELECT c.oid::regclass || ' ' || (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND a.attidentity = '' LIMIT 1)
	FROM pg_class c WHERE c.relnamespace = 'agent_studio'::regnamespace AND c.relkind = 'r' ORDER BY 1}))
{
	my ($name, $column) = split / /, $table;
	push @writes, "INSERT INTO $name DEFAULT VALUES", "UPDATE $name SET $column = $column", "DELETE FROM $name", "TRUNCATE $name",
		"LOCK $name IN ROW SHARE MODE", "SELECT FROM $name FOR KEY SHARE";
}
push @writes, map { ("SELECT nextval('$_')", "SELECT setval('$_', 1)", "SELECT last_value FROM $_") }
	split /\n/, sql($node, q{SELECT c.oid::regclass FROM pg_class c WHERE c.relnamespace = 'agent_studio'::regnamespace AND c.relkind = 'S'});
push @writes, map { "CREATE TABLE public.mine (theirs $_)" }
	split /\n/, sql($node, q{SELECT c.reltype::regtype FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname ~ '^agent_studio' AND c.reltype <> 0});
for my $role (@roles)
{
	my @said = attempts(map { [ $role, $_ ] } @writes);
	my @accepted = grep { $said[$_] !~ /^42501/ } 0 .. $#writes;
	is(join("\n", map { "$writes[$_]: $said[$_]" } @accepted), '', "$role writes no table, takes no lock on one, uses no sequence and no row type");
	$cells += @writes;
}

# ---------- the document is complete ----------

# An overloaded function is documented for each of its first arguments.
my @functions = split /\n/, sql($node, q{SELECT p.proname || CASE WHEN count(*) OVER (PARTITION BY p.proname) > 1 THEN ' ' || p.proargnames[1] ELSE '' END
	FROM pg_proc p WHERE p.pronamespace IN ('agent_studio'::regnamespace, 'agent_studio_bi'::regnamespace) ORDER BY 1});
$documented{$_} = 1 for @later;
# "as_grant (on an agent)" and the like are uses of one function.
is(join(' ', grep { !$documented{$_} } @functions), '', 'every function is in the document');
my %exists = map { $_ => 1 } @functions;
is(join(' ', grep { !$exists{$_} } sort keys %documented), '', 'every function in the document exists');
my @all_relations = split /\n/, sql($node, q{SELECT CASE n.nspname WHEN 'agent_studio' THEN '' ELSE n.nspname || '.' END || c.relname
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE n.nspname IN ('agent_studio', 'agent_studio_bi') AND c.relkind IN ('r', 'v', 'm', 'p', 'f') ORDER BY 1});
is(join(' ', grep { !$relations{$_} } @all_relations), '', 'every table and view is in the document');
my %is_relation = map { $_ => 1 } @all_relations;
is(join(' ', grep { !$is_relation{$_} } sort keys %relations), '', 'every table and view in the document exists');

# ---------- what the document says besides ----------

is(sql($node, q{SELECT count(*) FROM matrix.public_privileges()
	WHERE NOT (kind = 'schema' AND object = 'agent_studio' AND privilege = 'USAGE')}), 0, 'PUBLIC has no privilege on anything but USAGE on schema agent_studio');
is(sql($node, 'BEGIN; GRANT SELECT ON agent_studio.models TO PUBLIC; CREATE FUNCTION agent_studio.f() RETURNS int LANGUAGE sql RETURN 1;'
	. 'ALTER EXTENSION agent_studio ADD FUNCTION agent_studio.f(); SELECT count(*) FROM matrix.public_privileges()'), 3, 'which is found where it has some');
is(sql($node, q{SELECT string_agg(DISTINCT m.relation || '.' || m.word, ' ') FROM matrix.bi_words() m}), '', 'agent_studio_bi tells no words of people, models and vendors');
for my $role (@roles[ 0 .. 2 ])
{
	my ($bodies) = attempts([ $role, q{SELECT agent_studio_private.as_cancel('matrix_admin', 1, NULL)} ]);
	like($bodies, qr/^42501/, "$role may execute no body, who would say as whom it acts");
}
is(sql($node, q{SELECT string_agg(p.oid::regprocedure::text, ' ') FROM pg_proc p
	WHERE p.pronamespace = 'agent_studio_private'::regnamespace AND p.provolatile = 'v' AND p.proargnames[1] = 'actor'
	  AND (has_function_privilege('matrix_admin', p.oid, 'EXECUTE') OR has_function_privilege('matrix_bi_reader', p.oid, 'EXECUTE'))}), '', 'nor any other role a function that acts for somebody and writes');
my ($taken) = attempts([ 'matrix_user', q{SELECT agent_studio.as_create_agent('another-agent', 'builder', 'mock')} ]);
like($taken, qr/^42710/, 'a hidden name is taken');
my ($moved) = attempts([ 'matrix_user', q{SELECT agent_studio.as_update_agent('own-agent', team => 'matrix_lead_of_others')} ]);
like($moved, qr/^42501/, 'an agent is not moved into a team of which one is no member');
my ($server) = attempts([ 'matrix_user', q{SELECT agent_studio.as_create_agent('a new one', 'builder', 'locked')} ],
	[ 'matrix_user', q{SELECT agent_studio.as_execute_task('locked-shared', 'Work.')} ]);
like($server, qr/^42501.*may not use server/, 'no agent is made on a server without USAGE');
my ($own_approval) = attempts([ 'matrix_user', 'SELECT agent_studio.as_approve(' . sql($node, 'SELECT matrix.asks_nobody()') . q{, 'build')} ]);
like($own_approval, qr/^00000/, 'a step that asks nobody in particular is its owner\'s to approve');

# ---------- procedures that need the executor ----------

sql($node, 'SELECT matrix.clear()');
sql($node, q(ALTER SYSTEM SET agent_studio.databases = '*'));
$node->reload;
wait_for_executor($node);
for my $name (@later)
{
	my $row = $later{$name} or do { fail("$name is not in the document"); next; };
	my $what = $name =~ /task/ ? 'agent' : 'flow';
	$tables->{later} = { columns => $tables->{ $row->{heading} }{columns}, rows => [$row] };
	prove_section('later', sub { return named($_[1], $what); });
}

note("$cells cells proved");
cmp_ok($cells, '>', 1500, 'all cells were proved');
finish_studio($node, $model);
done_testing();
