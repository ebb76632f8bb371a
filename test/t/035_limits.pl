# A model's limits are kept before anything is sent, and the vendor's are learned.
# agent_studio.minute makes the minute three seconds long.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use List::Util qw(max);
use Test::More;

my $minute = 3000;
my $model = start_model_server();
my $node = start_studio('limits', $model, "agent_studio.minute = '${minute}ms'", "agent_studio.poll_interval = '1s'");

$node->safe_psql('postgres', q(
	SELECT agent_studio.as_create_model('sixty', 'mock', deployment => 'mock', requests_per_minute => 60, input_price => 1, output_price => 1);
	SELECT agent_studio.as_create_agent('limited', 'builder', 'sixty', visibility => 'shared');
	SELECT agent_studio.as_create_model('tokens', 'mock', deployment => 'mock', tokens_per_minute => 5000);
	SELECT agent_studio.as_create_agent('counted', 'builder', 'tokens', visibility => 'shared', max_output_tokens => 1990);
	SELECT agent_studio.as_create_model('learning', 'mock', deployment => 'mock');
	SELECT agent_studio.as_create_agent('learner', 'builder', 'learning', visibility => 'shared');));

sub all_done
{
	my ($text) = @_;

	return $node->safe_psql('postgres',
		"SELECT count(*) FROM agent_studio.executions WHERE task LIKE '$text%' AND finished_at IS NULL") == 0;
}

# The most requests whose arrivals lie within one window.
sub fullest_window
{
	my ($window, @times) = @_;

	@times = sort { $a <=> $b } @times;
	return max(map { my $start = $_; scalar grep { $_ >= $start && $_ < $start + $window } @times } @times);
}

# 100 tasks at once against 60 a minute, and 20 for another model meanwhile.
$node->safe_psql('postgres', q(
	SELECT count(agent_studio.as_execute_task('limited', 'Sixty ' || g)) FROM generate_series(1, 100) g;
	SELECT count(agent_studio.as_execute_task('worker', 'Other ' || g)) FROM generate_series(1, 20) g;));
wait_until(sub { all_done('Other') }, 'the other model is not held up');
is($node->safe_psql('postgres', q(SELECT count(*) FROM agent_studio.executions WHERE task LIKE 'Sixty%' AND status = 'queued')),
	40, 'meanwhile 40 of the limited model wait their turn');
is($node->safe_psql('postgres', q(SELECT requests_used || '/' || requests_limit || ' ' || percent_used || '% ' || queued
	FROM agent_studio.model_quota WHERE model = 'sixty')), '60/60 100% 40', 'model_quota tells');
wait_until(sub { all_done('Sixty') }, 'all 100 end');
my @times = map { $_->{mono_ms} } $model->journal('Sixty');
is(scalar @times, 100, '100 requests were sent');
# The network may bring a request a little later than it was sent, never earlier.
cmp_ok(fullest_window($minute - 100, @times), '<=', 60, 'no window holds more than 60');
is($node->safe_psql('postgres', q(SELECT count(*) FROM agent_studio.notices WHERE kind = 'quota')), 1,
	'a notice when 80 percent are used, once a minute')
  or diag($node->safe_psql('postgres', q(SELECT * FROM agent_studio.notices WHERE kind = 'quota')));

# Tokens: 5,000 a minute, each expected to cost about 2,000: two, then the others.
$node->safe_psql('postgres', q(
	SELECT count(agent_studio.as_execute_task('counted', E'Token ' || g || E'\n@mock input_tokens=50 output_tokens=1950'))
	FROM generate_series(1, 4) g));
wait_until(sub { all_done('Token') }, 'all four end');
@times = map { $_->{mono_ms} } $model->journal('Token');
is(fullest_window($minute - 100, @times), 2, 'two of about 2,000 tokens fit into 5,000 a minute');

# What the vendor says holds for the model: the second task waits too, and another model does not.
$node->safe_psql('postgres', q(SELECT agent_studio.as_execute_task('learner',
	E'Learn 1\n@mock status=429 retry_after=2 times=1 key=learn ratelimit=100/0/1s')));
$model->await('requests=1', 'Learn 1');
wait_until(sub { $node->safe_psql('postgres', q(SELECT count(*) FROM agent_studio.steps WHERE state = 'retrying')) == 1 }, 'it waits');
$node->safe_psql('postgres', q(
	SELECT agent_studio.as_execute_task('learner', 'Learn 2');
	SELECT agent_studio.as_execute_task('worker', 'Free of it');));
wait_until(sub { all_done('Free') }, 'another model goes on');
is($model->count('Learn 2'), 0, 'a model that answered 429 is left alone by every task');
wait_until(sub { all_done('Learn') }, 'then they end');
my ($first) = $model->journal('Learn 1');
my ($second) = $model->journal('Learn 2');
cmp_ok($second->{mono_ms} - $first->{mono_ms}, '>=', 1990, 'not before Retry-After');
is($node->safe_psql('postgres', q(SELECT limit_requests FROM agent_studio.model_headroom h
	JOIN agent_studio.models m USING (model_id) WHERE m.name = 'learning')), 100, 'the limit that the vendor told is kept');

# A long wait is told to whoever asks, and holds for the next executor too; a fallback does not wait.
$node->safe_psql('postgres', q(
	SELECT agent_studio.as_create_model('closed', 'mock', deployment => 'mock');
	SELECT agent_studio.as_create_agent('patient', 'builder', 'closed');
	SELECT agent_studio.as_create_agent('flexible', 'builder', 'closed', fallback_models => '{mock}');));
my $refused = submit($node, "\@mock status=429 retry_after=900 times=1 key=closed\nClosed 1", agent => 'patient');
wait_until(sub { sql($node, "SELECT state FROM agent_studio.steps WHERE execution_id = $refused") eq 'retrying' }, 'the vendor wants nothing for a quarter of an hour');
my $waiting = submit($node, 'Closed 2', agent => 'patient');
for my $when ('told by the vendor', 'after a restart')
{
	like(sql($node, "SELECT note FROM agent_studio.as_status($waiting)"), qr/^waiting: the vendor of model closed takes nothing for another (8\d\d|900) s$/, "$when: as_status says what it waits for");
	is(sql($node, q(SELECT queued, resets_at > now() + interval '10 minutes' FROM agent_studio.model_quota WHERE model = 'closed')), '2|t', "$when: model_quota says until when");
	my $flexible = run_task($node, "Closed, but not for all, $when", agent => 'flexible');
	is("$flexible->{status} $flexible->{attempts}", 'completed 1', "$when: a fallback answers at once");
	is($model->count('Closed 2'), 0, "$when: and nothing is sent to the model");
	$node->restart;
	wait_for_executor($node);
}
sql($node, "SELECT agent_studio.as_cancel($_)") for $refused, $waiting;

# A new executor knows what the old one had sent.
$node->safe_psql('postgres', q(SELECT count(agent_studio.as_execute_task('limited', 'Before ' || g)) FROM generate_series(1, 60) g));
wait_until(sub { all_done('Before') }, 'sixty before the restart');
$node->restart;
$node->safe_psql('postgres', q(SELECT count(agent_studio.as_execute_task('limited', 'After ' || g)) FROM generate_series(1, 10) g));
wait_until(sub { all_done('After') }, 'ten after it');
@times = map { $_->{mono_ms} } $model->journal('Before'), $model->journal('After');
cmp_ok(fullest_window($minute - 100, @times), '<=', 60, 'a restart does not begin a new minute');

# A limit can be changed while tasks wait for it.
is($node->safe_psql('postgres', q(SELECT agent_studio.as_update_model('sixty', unset => '{requests_per_minute}');
	SELECT requests_per_minute IS NULL FROM agent_studio.models WHERE name = 'sixty')), "\nt", 'a limit can be taken away');

finish_studio($node, $model);
done_testing();
