# Endpoints that cannot be reached, or may not be used, and calls out of time.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use Digest::SHA qw(sha256_hex);
use PostgreSQL::Test::Utils;
use Sys::Hostname qw(hostname);
use Test::More;

# It listens everywhere, so that only our own policy keeps a request away.
my $model = start_model_server('--host', '0.0.0.0');
my $node = start_studio('endpoints', $model);
my $executor = wait_for_executor($node);

sub endpoint { create_endpoint($node, @_); return; }

sub fails_as
{
	my ($run, $class, $attempts, $words, $what) = @_;

	is_deeply([ @$run{qw(status error_class attempts)} ], [ 'failed', $class, $attempts ], "$what: fails as $class");
	like($run->{error_message}, $words, "$what: in words");
	like($run->{error_hint} // '', qr/\w+ \w+/, "$what: with a hint");
	is($run->{executor}, $executor, "$what: the executor goes on");
	return;
}

my $url = "http://127.0.0.1:$model->{port}/v1";
my $both = "allow_http 'true', allow_private 'true'";

# ---------- no way there ----------

endpoint('nowhere', 'http://nowhere.invalid/v1', "allow_http 'true'");
my $run = run_task($node, 'Go nowhere.', agent => 'nowhere', arguments => 'max_retries => 1');
fails_as($run, 'connection', 2, qr/nowhere\.invalid|no address/, 'a host that does not resolve');
is_deeply([ map { $_->{possibly_billed} ? 1 : 0 } @{ $run->{tries} } ], [ 0, 0 ], 'nothing was sent that could be billed');

endpoint('closed', 'http://127.0.0.1:1/v1', $both);
fails_as(run_task($node, 'Knock.', agent => 'closed', arguments => 'max_retries => 1'), 'connection', 2, qr/no connection/, 'a port where nobody listens');

my $here = (gethostbyname(hostname()))[4];
SKIP:
{
	skip 'the name of this machine has no private address', 5
	  unless $here && join('.', unpack('C4', $here)) =~ /^(127|10|192\.168|172\.(1[6-9]|2\d|3[01]))\./;
	endpoint('rebound', 'http://' . hostname() . ":$model->{port}/v1", "allow_http 'true'");
	fails_as(run_task($node, 'Reach the inside.', agent => 'rebound'), 'permission', 1, qr/private, local or reserved/, 'a name with a private address');
	is($model->count('Reach the inside'), 0, 'nothing arrives there');
}
for my $private (qw(127.0.0.1 localhost 10.0.0.1 169.254.169.254 [::1] 2130706433 0x7f.1))
{
	like(sql_error($node, "CREATE SERVER bad TYPE 'openai' FOREIGN DATA WRAPPER agent_studio OPTIONS (url 'http://$private/v1', allow_http 'true')"),
		qr/HV024.*only a superuser can allow/s, "$private is refused when the server is made");
}

# ---------- rights, at send time ----------

sql($node, "CREATE ROLE alice LOGIN IN ROLE agent_studio_user; CREATE ROLE bob LOGIN IN ROLE agent_studio_user");
endpoint('guarded', $url, $both, "api_key 'sk-public'");
like(sql_error($node, "SET ROLE alice; SELECT agent_studio.as_execute_task('guarded', 'No right yet.')"), qr/42501.*GRANT USAGE/s,
	'without USAGE a task is refused');
sql($node, 'GRANT USAGE ON FOREIGN SERVER guarded TO alice, bob');
my $revoked = sql($node, <<'SQL');
BEGIN;
SET ROLE alice;
SELECT agent_studio.as_execute_task('guarded', 'No right any more.');
RESET ROLE;
REVOKE USAGE ON FOREIGN SERVER guarded FROM alice;
COMMIT;
SQL
fails_as(outcome($node, $revoked), 'permission', 1, qr/role "alice" has no USAGE on server "guarded"/, 'USAGE revoked after the submission');
sql($node, 'GRANT USAGE ON FOREIGN SERVER guarded TO alice');

my $dropped = sql($node, "BEGIN; CREATE ROLE brief LOGIN IN ROLE agent_studio_user; GRANT USAGE ON FOREIGN SERVER guarded TO brief; SET ROLE brief;
	SELECT agent_studio.as_execute_task('guarded', 'No owner any more.'); RESET ROLE; DROP OWNED BY brief; DROP ROLE brief; COMMIT");
fails_as(outcome($node, $dropped), 'permission', 1, qr/role "brief" does not exist/, 'the owner dropped after the submission');

endpoint('gone', $url, $both);
my $gone = sql($node, "BEGIN; SELECT agent_studio.as_execute_task('gone', 'No server any more.'); DROP SERVER gone; COMMIT");
fails_as(outcome($node, $gone), 'not_found', 1, qr/server "gone" does not exist/, 'the server dropped after the submission');
is($model->count($_), 0, "\"$_\" was not sent") for 'No right yet', 'No right any more', 'No owner any more', 'No server any more';

# ---------- keys ----------

sub key_sent { my ($text) = @_; return ($model->journal($text))[0]{headers}{authorization} // 'none'; }
sub key_digest { my ($key) = @_; return 'Bearer sha256:' . substr(sha256_hex($key), 0, 16); }

sql($node, "CREATE USER MAPPING FOR alice SERVER guarded OPTIONS (api_key 'sk-alice')");
for my $role (qw(alice bob))
{
	my $id = sql($node, "SET ROLE $role; SELECT agent_studio.as_execute_task('guarded', 'With the key of $role.')");

	is(outcome($node, $id)->{status}, 'completed', "$role may");
	is(key_sent("With the key of $role"), key_digest($role eq 'alice' ? 'sk-alice' : 'sk-public'), "$role\'s mapping goes before PUBLIC\'s");
}
sql($node, "ALTER USER MAPPING FOR PUBLIC SERVER guarded OPTIONS (SET api_key 'sk-new')");
run_task($node, 'With the new key.', agent => 'guarded');
is(key_sent('With the new key'), key_digest('sk-new'), 'a key that was changed is used at once');

endpoint('keyless', $url, $both);
run_task($node, 'Without a key.', agent => 'keyless');
is(key_sent('Without a key'), 'none', 'without a mapping no key is sent');

my $file = "$PostgreSQL::Test::Utils::tmp_check/key_of_endpoints";
endpoint('filed', $url, $both, "api_key_file '$file'");
endpoint('from_env', $url, $both, "api_key_env 'AGENT_STUDIO_TEST_UNSET'");
fails_as(run_task($node, 'With no key file.', agent => 'filed'), 'authentication', 1, qr/api_key_file gives no key/, 'a key file that is missing');
fails_as(run_task($node, 'With no variable.', agent => 'from_env'), 'authentication', 1, qr/api_key_env gives no key/, 'a variable that is not set');
like(as_check($node, 'endpoint filed'), qr/^f\|the user mapping's api_key_file gives no key\|ALTER USER MAPPING/, 'as_check says so');
append_to_file($file, "  sk-from-file \n");
is(run_task($node, 'With a key file.', agent => 'filed')->{status}, 'completed', 'once the file is there');
is(key_sent('With a key file'), key_digest('sk-from-file'), 'its key is sent');
append_to_file($file, "two lines\n");
fails_as(run_task($node, 'With a bad key file.', agent => 'filed'), 'authentication', 1, qr/gives no key/, 'a key file of two lines');
is($model->count("With $_"), 0, "With $_: not sent") for 'no key file', 'no variable', 'a bad key file';

# ---------- out of time ----------

$run = run_task($node, "\@mock text=abcdef chunks=3 stall=2\nTake too long.", arguments => 'timeout_seconds => 1');
fails_as($run, 'timeout', 1, qr/not complete within 1 s/, 'the timeout of the task');
is($run->{output}, 'abcd', 'the partial output is kept');
my ($record) = $model->journal('Take too long');
is($record->{ended}, 'client_closed', 'the socket is closed');
my $took = $record->{ended_mono_ms} - $record->{mono_ms};
cmp_ok($took, '>', 900, 'not before the timeout');
cmp_ok($took, '<', 5000, 'but then');
fails_as(run_task($node, "\@mock latency=60000\nSay nothing.", arguments => 'timeout_seconds => 1'), 'timeout', 1, qr/within 1 s/, 'no answer at all in time');

endpoint('hasty', $url, "$both, first_byte_timeout '0.3', idle_timeout '0.6'");
fails_as(run_task($node, "\@mock latency=60000\nSay nothing.", agent => 'hasty', arguments => 'max_retries => 1'), 'timeout', 2,
	qr/no first byte of the answer within 300 ms/, 'no first byte in time');
fails_as(run_task($node, "\@mock stall=2\nStop talking.", agent => 'hasty', arguments => 'max_retries => 0'), 'timeout', 1,
	qr/no further byte of the answer within 600 ms/, 'no further byte in time');
is(run_task($node, "\@mock chunks=3 chunk_delay=1000 keep_alive=100\nTalk slowly.", agent => 'hasty')->{status}, 'completed', 'a comment is a sign of life');

finish_studio($node, $model);
done_testing();
