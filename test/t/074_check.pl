# The remedies of as_check are there to be executed, whatever the names in them.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $model = start_model_server();
my $url = "http://127.0.0.1:$model->{port}/v1";
my $key_file = PostgreSQL::Test::Utils::tempdir() . q(/the 'key' file);
my $database = q(O'dd "Data base", USAGE);
my $role = q(Odd "Role's key);
my $server = q(Odd "Server's USAGE key);

append_to_file($key_file, "sk-in-a-file\n");

sub ident { my ($name) = @_; return '"' . $name =~ s/"/""/gr . '"'; }
sub literal { my ($text) = @_; return "'" . $text =~ s/'/''/gr . "'"; }
sub check { my ($node, $item) = @_; return as_check($node, $item =~ s/'/''/gr, $database); }

# The command of a remedy, with what is to be filled in.
sub command
{
	my ($node, $item, $value) = @_;
	my $fix = sql($node, "SELECT fix FROM agent_studio.as_check() WHERE item = " . literal($item), $database);

	$fix =~ s/^If it needs one: //;
	$fix =~ s/; (or|then) .*/;/;
	$fix =~ s/'(https:\/\/)?\.\.\.'/literal($value)/e if defined $value;
	return $fix;
}

# Executes it as a superuser: what it may take to do so is not its affair.
sub mend
{
	my ($node, $item, %options) = @_;
	my $command = command($node, $item, $options{value});
	my ($code, $output, $error) = (0, '', '');

	like(check($node, $item), qr/^f?\|/, "$item: is not right, or need not be") unless $options{optional};
	# One by one: ALTER SYSTEM stands in no transaction with others.
	for my $statement (grep { /\S/ } split /;\s*/, $command)
	{
		($code, $output, $error) = $node->psql($database, $statement, extra_params => [ '-v', 'VERBOSITY=verbose' ]);
		is("$code $error", '0 ', "$item: $statement");
	}
	return;
}

# ---------- the library ----------

my $node = PostgreSQL::Test::Cluster->new('check');
$node->init(extra => \@initdb_options);
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'plpgsql, \"\$libdir/auto_explain\"'\nmax_worker_processes = 20\nagent_studio.databases = 'postgres'\n");
$node->start;
sql($node, 'CREATE DATABASE ' . ident($database));
sql($node, 'CREATE EXTENSION agent_studio', $database);
mend($node, 'library preloaded');
$node->restart;
like(check($node, 'library preloaded'), qr/^t\|/, 'library preloaded: mended');
is(sql($node, 'SHOW shared_preload_libraries'), 'plpgsql, "$libdir/auto_explain", agent_studio', 'beside the libraries that there were');

# ---------- the database ----------

like(check($node, 'executor running'), qr/^f\|/, 'there is no executor where none is listed');
mend($node, 'database listed');
wait_until(sub { check($node, 'executor running') =~ /^t\|/ }, 'the executor runs');
like(check($node, 'database listed'), qr/^t\|/, 'database listed: mended');

# ---------- endpoints, keys and models ----------

sub connect_as_role { return "SET ROLE " . ident($role) . '; '; }

mend($node, 'endpoints');
like(check($node, 'endpoint openai'), qr/^t\|/, 'endpoints: mended');
sql($node, 'DROP SERVER openai', $database);
sql($node, 'CREATE SERVER ' . ident($server) . q( TYPE 'openai' FOREIGN DATA WRAPPER agent_studio OPTIONS (url 'https://api.example.com')), $database);
mend($node, 'models');
like(check($node, 'models'), qr/^t\|/, 'models: mended');
mend($node, "endpoint $server", value => $key_file, optional => 1);
is(check($node, "endpoint $server"), 't|postgres may call it|', 'a key that may be needed: it is there');

# An own mapping goes first, and a key comes from where it came from.
for my $who ('PUBLIC', 'postgres')
{
	sql($node, "CREATE USER MAPPING IF NOT EXISTS FOR $who SERVER " . ident($server) . q( OPTIONS (api_key 'x')), $database);
	sql($node, "ALTER USER MAPPING FOR $who SERVER " . ident($server) . " OPTIONS (SET api_key_file '/no/such/file')", $database) if $who eq 'PUBLIC';
	sql($node, "ALTER USER MAPPING FOR $who SERVER " . ident($server) . " OPTIONS (DROP api_key, ADD api_key_env 'NO_SUCH_VARIABLE')", $database) if $who eq 'postgres';
	mend($node, "endpoint $server", value => $who eq 'PUBLIC' ? $key_file : 'PATH');
	like(check($node, "endpoint $server"), qr/^t\|/, "the key of $who: mended");
}
$node->psql($database, "UPDATE pg_catalog.pg_foreign_server SET srvoptions = '{url=http://api.example.com}' WHERE srvname = " . literal($server));
like(check($node, "endpoint $server"), qr/^f\|the url of server/, 'an address that cannot be used');
mend($node, "endpoint $server", value => 'https://api.example.com');
like(check($node, "endpoint $server"), qr/^t\|/, 'a url: mended');
$node->psql($database, "UPDATE pg_catalog.pg_foreign_server SET srvoptions = NULL WHERE srvname = " . literal($server));
mend($node, "endpoint $server", value => 'https://api.example.com');
like(check($node, "endpoint $server"), qr/^t\|/, 'no url at all: mended');

# With the rights of the one who asks.
sql($node, 'CREATE ROLE ' . ident($role) . ' LOGIN IN ROLE agent_studio_user');
my $as_role = sub {
	my ($column) = @_;
	return sql($node, connect_as_role() . "SELECT $column FROM agent_studio.as_check() WHERE item = " . literal("endpoint $server"), $database);
};
is($as_role->('ok'), 'f', 'without USAGE it is not right');
sql($node, $as_role->('fix'), $database);
is($as_role->('ok'), 't', 'USAGE: mended');

# ---------- what is gone ----------

sql($node, "SELECT agent_studio.as_create_model('Odd ''model\"', " . literal($server) . ')', $database);
sql($node, "SELECT agent_studio.as_create_agent('odd', 'builder', 'Odd ''model\"', visibility => 'shared')", $database);
my $id = sql($node, "BEGIN; UPDATE agent_studio.models SET max_concurrency = NULL; " . connect_as_role()
	. "SELECT agent_studio.as_execute_task('odd', 'Wait.'); RESET ROLE; UPDATE agent_studio.queue SET waiting = true, run_at = 'infinity'; COMMIT", $database);
sql($node, 'DROP SERVER ' . ident($server) . ' CASCADE', $database);
mend($node, q(model Odd 'model"), value => 'https://api.example.com');
is(check($node, q(model Odd 'model")), '', 'a server that was gone: mended');
sql($node, 'DROP OWNED BY ' . ident($role), $database);
sql($node, 'DROP ROLE ' . ident($role));
mend($node, 'owners exist');
like(check($node, 'owners exist'), qr/^t\|/, 'owners exist: mended');
sql($node, 'DELETE FROM agent_studio.queue', $database);
mend($node, 'restored work');
like(check($node, 'restored work'), qr/^t\|/, 'restored work: mended');

is(sql($node, 'SELECT item FROM agent_studio.as_check() WHERE NOT ok', $database), '', 'all is right in the end');

finish_studio($node, $model, $database);
done_testing();
