# Settings of a database or a role are meant for the sessions of users. The executor,
# which runs as the bootstrap superuser, works whatever they say.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use Test::More;

my $model = start_model_server();
my $node = start_studio('settings', undef);

sql($node, 'CREATE DATABASE work');
sql($node, 'CREATE EXTENSION agent_studio', 'work');
set_up_agents($node, 'work', $model);
sql($node, 'CREATE ROLE nobody');

# From before the settings: it keeps what it began with.
my $session = $node->background_psql('work');
my $before = wait_for_executor($node, 'work');

sub state { return $session->query_safe('SELECT state FROM agent_studio_private.worker_state()'); }
sub pid { return $session->query_safe('SELECT executor_pid FROM agent_studio_private.worker_state()'); }

sub next_executor
{
	my $pid = pid();

	$session->query_safe("SELECT pg_terminate_backend($pid)");
	wait_until(sub {
		$session->query_safe('SELECT pg_reload_conf()');	# so the launcher does not wait after a short life
		my $new = pid();
		return $new ne '' && $new ne $pid && state() eq 'running';
	}, 'the next executor runs');
	return;
}

# What the next executor makes of it.
sub works_with
{
	my ($name, @commands) = @_;

	sql($node, $_) for @commands;
	next_executor();
	my $id = $session->query_safe("SELECT agent_studio.as_execute_task('worker', 'With $name.')");
	is($session->query_safe("SELECT agent_studio.as_wait($id)"), 'completed', "it works with $name");
	is($session->query_safe("SELECT count(*) FROM agent_studio.attempts WHERE execution_id = $id"), 1, "$name: at once");
	return;
}

sub reset_all { sql($node, $_) for 'ALTER DATABASE work RESET ALL', 'ALTER ROLE postgres IN DATABASE work RESET ALL'; return; }

works_with('nothing set');
works_with('a role of the database', 'ALTER DATABASE work SET role = nobody');
reset_all();
works_with('a role of its user', 'ALTER ROLE postgres IN DATABASE work SET role = nobody');
reset_all();
works_with('another user', 'ALTER DATABASE work SET session_authorization = nobody');
reset_all();
works_with('another user and a role', 'ALTER DATABASE work SET session_authorization = nobody', 'ALTER DATABASE work SET role = nobody');
reset_all();

my %settings = (search_path => 'nowhere', statement_timeout => '1ms', lock_timeout => '1ms', default_transaction_read_only => 'on',
	default_transaction_isolation => 'serializable', default_transaction_deferrable => 'on', session_replication_role => 'replica',
	row_security => 'off', zero_damaged_pages => 'on', ignore_checksum_failure => 'on', idle_in_transaction_session_timeout => '1ms',
	exit_on_error => 'on', transform_null_equals => 'on', enable_indexscan => 'off', enable_nestloop => 'off', enable_hashjoin => 'on',
	plan_cache_mode => 'force_custom_plan');
works_with('every setting of the database', map { "ALTER DATABASE work SET $_ = '$settings{$_}'" } sort keys %settings);

# What a trigger sees is what the executor runs with: replica would not even fire it.
reset_all();
$session->query_safe(<<'SQL');
CREATE TABLE public.seen (name text, value text);
CREATE FUNCTION public.look() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO public.seen SELECT s.name, s.setting FROM pg_catalog.pg_settings s;
	INSERT INTO public.seen VALUES ('current_user', current_user), ('session_user', session_user);
	RETURN NULL;
END
$$;
CREATE TRIGGER look AFTER INSERT ON agent_studio.attempts FOR EACH ROW EXECUTE FUNCTION public.look();
SQL
works_with('a trigger that looks', (map { "ALTER DATABASE work SET $_ = '$settings{$_}'" } sort keys %settings),
	(map { "ALTER ROLE postgres IN DATABASE work SET $_ = '$settings{$_}'" } sort keys %settings),
	'ALTER DATABASE work SET role = nobody', 'ALTER DATABASE work SET session_authorization = nobody');
my %seen = map { split /=/, $_, 2 } split /\n/, $session->query_safe(q(SELECT name || '=' || value FROM public.seen));
is("$seen{session_user} $seen{current_user}", 'postgres postgres', 'the executor is who it was');
isnt($seen{$_}, $settings{$_} =~ s/ms$//r, "$_ is the executor's own") for sort keys %settings;
isnt($seen{lock_timeout}, '', 'and they were seen');

reset_all();
$session->quit;
finish_studio($node, $model, 'work');
done_testing();
