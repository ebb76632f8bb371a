# Where an executor connects to, whom it believes, and what it takes from there. A library
# that is preloaded into the server gives names the addresses that each test wants, and
# lets all of them lead to the model server: only our own policy keeps a request away.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use Digest::SHA qw(sha256_hex);
use File::Temp qw(tempdir);
use IO::Socket::INET;
use PostgreSQL::Test::Utils;
use Test::More;

my $folder = tempdir(CLEANUP => 1);
chmod 0755, $folder;

sub write_file { my ($name, $content) = @_; unlink "$folder/$name"; append_to_file("$folder/$name", $content); return "$folder/$name"; }

# ---------- certificates ----------

mkdir "$folder/tls";
mkdir "$folder/ca";
write_file('ca/index', '');
write_file('ca/config', <<"END");
[ca]
default_ca = it
[it]
database = $folder/ca/index
new_certs_dir = $folder/ca
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any
copy_extensions = copy
[any]
commonName = supplied
END

sub openssl
{
	my ($command) = @_;

	system("cd $folder && openssl $command >>$folder/openssl.log 2>&1") == 0 or die "openssl $command: " . slurp_file("$folder/openssl.log");
	return;
}

sub authority { my ($name) = @_; openssl("req -x509 -newkey rsa:2048 -nodes -days 3650 -keyout ca/$name.key -out ca/$name.crt -subj '/CN=$name'"); return; }

# certificate(FILE, NAME, OPTIONS): tls/FILE.pem, a certificate of that name. Options: by, the
# authority; dates, of openssl ca.
sub certificate
{
	my ($file, $name, %options) = @_;
	my $by = $options{by} // 'authority';
	my $dates = $options{dates} // '-days 30';

	openssl("req -newkey rsa:2048 -nodes -keyout tls/$file.key -out tls/$file.csr -subj '/CN=$name' -addext subjectAltName=DNS:$name -addext basicConstraints=CA:FALSE");
	openssl("ca -batch -config ca/config -keyfile ca/$by.key -cert ca/$by.crt -in tls/$file.csr -out tls/$file.crt -notext $dates");
	my $chain = $by eq 'forger' ? slurp_file("$folder/ca/forger.crt") : '';
	write_file("tls/$file.pem", slurp_file("$folder/tls/$file.key") . slurp_file("$folder/tls/$file.crt") . $chain);
	return;
}

authority($_) for qw(authority stranger);
certificate('default', 'default.test');
certificate($_, $_) for qw(api.test both.test);
certificate('wrong.test', 'other.test');
certificate('expired.test', 'expired.test', dates => '-startdate 20200101000000Z -enddate 20210101000000Z');
certificate('early.test', 'early.test', dates => '-startdate 20980101000000Z -enddate 20990101000000Z');
certificate('stranger.test', 'stranger.test', by => 'stranger');
openssl("req -x509 -newkey rsa:2048 -nodes -days 30 -keyout tls/self.key -out tls/self.crt -subj /CN=self.test -addext subjectAltName=DNS:self.test");
write_file('tls/self.test.pem', slurp_file("$folder/tls/self.key") . slurp_file("$folder/tls/self.crt"));
system("cp $folder/tls/api.test.key $folder/ca/forger.key && cp $folder/tls/api.test.crt $folder/ca/forger.crt") == 0 or die;
certificate('forged.test', 'forged.test', by => 'forger');

# ---------- the network ----------

my $public = '93.184.216.34';
my $public6 = '2606:4700::1111';
my @private = (
	'127.0.0.1', '127.255.255.254', '0.0.0.0', '0.1.2.3', '10.0.0.1', '10.255.255.255', '172.16.0.1', '172.31.255.254', '192.168.0.1',
	'100.64.0.1', '100.100.100.200', '169.254.169.254', '169.254.170.2', '168.63.129.16', '192.0.0.192', '192.0.2.1', '198.18.0.1', '198.51.100.1',
	'203.0.113.1', '224.0.0.1', '240.0.0.1', '255.255.255.255',
	'::', '::1', '::127.0.0.1', '::ffff:127.0.0.1', '::ffff:10.0.0.1', '::ffff:169.254.169.254', '64:ff9b::7f00:1', '64:ff9b::a9fe:a9fe', '64:ff9b:1::1',
	'2002:7f00:1::1', '2001:0:7f00:1::', '2001:db8::1', '2606:4700::5efe:7f00:1', 'fc00::1', 'fd00:ec2::254', 'fe80::1', 'fec0::1', 'ff02::1');
my %names = (
	map({ $_ => $public } qw(api.test wrong.test expired.test early.test stranger.test self.test forged.test rebound.test)),
	map({ ("private-$_.test" => $private[$_]) } 0 .. $#private),
	'six.test' => $public6, 'both.test' => '127.0.0.1', 'second.test' => "9.9.9.9 10.0.0.1", 'first.test' => "10.0.0.1 $public");

sub set_names
{
	write_file('names.new', join '', map { "$_\n" } "down 9.9.9.9 ", "reach $public $public6 @private ", map { "$_ $names{$_}" } sort keys %names);
	rename "$folder/names.new", "$folder/names" or die;
	return;
}

set_names();
is(system('cc', '-Wall', '-Werror', '-shared', '-fPIC', '-o', "$folder/fake_network.so", 'test/t/fake_network.c', '-ldl'), 0, 'the library is built');

my $model = start_model_server('--host', '0.0.0.0', '--tls', "$folder/tls");
my $old = start_model_server('--host', '0.0.0.0', '--tls', "$folder/tls", '--tls-max', '1.1');
my ($http, $https) = ($model->{port}, $model->{tls_port});
my %keys = (one => 'sk-one-0123456789', two => 'sk-two-0123456789');
my $trap = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1') or die;
my $node;
{
	# The system would take old versions of TLS; proxies and what curl's users have in their homes are no one's business here.
	local $ENV{OPENSSL_CONF} = write_file('openssl.cnf', "openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\nMinProtocol = TLSv1\nCipherString = ALL:\@SECLEVEL=0\n");
	local @ENV{qw(http_proxy https_proxy all_proxy ALL_PROXY)} = ('http://127.0.0.1:' . $trap->sockport) x 4;
	local $ENV{HOME} = $folder;
	local $ENV{AS_FAKE_NETWORK} = "$folder/names";
	local $ENV{AS_TEST_KEY} = "  $keys{one}\r\n";
	local $ENV{AS_TEST_LINES} = "$keys{one}\nX-Evil: 1";
	local $ENV{LD_PRELOAD} = "$folder/fake_network.so";
	write_file('.netrc', "default login netrc password sk-netrc-0123456789\n");
	$node = start_studio('network', $model, "agent_studio.ca_file = '$folder/ca/authority.crt'", "agent_studio.max_output_size = '256kB'",
		"agent_studio.connect_timeout = '20s'", "agent_studio.idle_timeout = '2s'");
}
my $executor = wait_for_executor($node);

sub endpoint { create_endpoint($node, @_); return; }
sub digest { my ($key) = @_; return 'Bearer sha256:' . substr(sha256_hex($key), 0, 16); }
sub try_once { my ($agent, $task, $more) = @_; return run_task($node, $task, agent => $agent, arguments => 'max_retries => 0' . ($more ? ", $more" : '')); }

# The task fails at once, in these words, and nothing of it has arrived anywhere.
sub refused
{
	my ($agent, $class, $words, $what) = @_;
	my $before = $model->count("Never say $agent.") + $old->count("Never say $agent.");
	my $run = try_once($agent, "Never say $agent.");

	is_deeply([ @$run{qw(status error_class attempts)}, $run->{tries}[0]{possibly_billed} ? 1 : 0 ], [ 'failed', $class, 1, 0 ], "$what: refused") or diag($run->{error_message});
	like($run->{error_message}, $words, "$what: in words");
	like($run->{error_hint} // '', qr/\w+ \w+/, "$what: with a hint");
	is($model->count("Never say $agent.") + $old->count("Never say $agent."), $before, "$what: nothing arrived");
	return $run;
}

my $http_only = "allow_http 'true'";
my $both = "$http_only, allow_private 'true'";

# ---------- addresses in URLs ----------

for my $host (qw(127.0.0.1 127.1 127.0.1 127.0.0.1. 127.255.255.255 2130706433 2130706433. 0x7f000001 0x7f.1 0X7F.0.0.1 0177.0.0.1 017700000001 0 0.0.0.0 0x0
	localhost LOCALHOST localhost. localhost.localdomain localhost4 localhost6 ip6-localhost ip6-loopback a.localhost a.b.LocalHost.
	10.0.0.1 172.16.0.1 192.168.1.1 100.64.0.1 169.254.169.254 2852039166 0xa9fea9fe 0251.0376.0251.0376 100.100.100.200 168.63.129.16 192.0.0.192 224.0.0.1 255.255.255.255
	[::] [::1] [0:0:0:0:0:0:0:1] [::127.0.0.1] [::ffff:127.0.0.1] [::ffff:7f00:1] [::ffff:a9fe:a9fe] [64:ff9b::7f00:1] [64:ff9b::127.0.0.1] [2002:7f00:1::] [fe80::1] [fd00::1] [fec0::1] [ff02::1]))
{
	like(sql_error($node, "CREATE SERVER bad TYPE 'openai' FOREIGN DATA WRAPPER agent_studio OPTIONS (url 'https://$host:$https/v1')"),
		qr/HV024.*only a superuser can allow/s, "$host is refused when the server is made");
}
for my $url ('https://[fe80::1%25lo]/v1', 'https://[fe80::1%lo]/v1', 'https://%6c%6fcalhost/v1', 'https://api.test@127.0.0.1/v1', 'https://127.0.0.1\@api.test/v1', 'https://api.test#@127.0.0.1/',
	'https://256.1.1.1/', 'https://1.2.3.4.5/', 'https://[::1/', "https://127\xe3\x80\x820.0.1/", "https://api.test/v1\r\nX-Evil: 1", "https://api.test/\tv1", 'https://api.test/v1?a=b', 'file:///etc/passwd',
	'gopher://api.test/', 'ftp://api.test/', 'unix:///tmp/x', 'https:127.0.0.1', 'https:///v1', '//api.test/v1')
{
	(my $printable = $url) =~ s/[^ -~]/?/g;
	like(sql_error($node, "CREATE SERVER bad TYPE 'openai' FOREIGN DATA WRAPPER agent_studio OPTIONS (url '$url', $both)"), qr/HV024/, "$printable is no URL even where everything is allowed");
}

# ---------- addresses of names ----------

sql($node, join ";\n", map {
	"CREATE SERVER p$_ TYPE 'openai' FOREIGN DATA WRAPPER agent_studio OPTIONS (url 'http://private-$_.test:$http/v1', $http_only);
	SELECT agent_studio.as_create_model('p$_', 'p$_'); SELECT agent_studio.as_create_agent('p$_', 'builder', 'p$_')"
} 0 .. $#private);

# Tasks of all of them at once: what became of each, in order.
sub ask_private
{
	my ($task) = @_;
	my @ids = split /\n/, sql($node, "SELECT agent_studio.as_execute_task('p' || i, '$task ' || i, max_retries => 0) FROM generate_series(0, $#private) i");

	return map { outcome($node, $_) } @ids;
}

my @runs = ask_private('Reach the inside');
for my $i (0 .. $#private)
{
	is("$runs[$i]{status} " . ($runs[$i]{error_class} // ''), 'failed permission', "a name with the address $private[$i] is refused");
	like($runs[$i]{error_message}, qr/the address \Q$private[$i]\E is private, local or reserved/, "$private[$i]: in words");
}
is($model->count('Reach the inside'), 0, 'nothing arrived');
sql($node, join '; ', map { "ALTER SERVER p$_ OPTIONS (ADD allow_private 'true')" } 0 .. $#private);
is(join(' ', map { $_->{status} } ask_private('Reach it')), join(' ', ('completed') x @private), 'each is reached as soon as a superuser allows it');
sql($node, join '; ', map { "ALTER SERVER p$_ OPTIONS (DROP allow_private)" } 0 .. $#private);
is(join(' ', map { $_->{error_class} // $_->{status} } ask_private('Reach it again')), join(' ', ('permission') x @private), 'and none any more, over no kept connection either, when he takes it back');
is($model->count('Reach it again'), 0, 'nothing arrived');

endpoint('public', "http://api.test:$http/v1", $http_only);
endpoint('public6', "http://six.test:$http/v1", $http_only);
is(try_once($_, "To a public address: $_.")->{status}, 'completed', "$_: a public address is reached") for qw(public public6);
endpoint('second', "http://second.test:$http/v1", $http_only);
like(refused('second', 'permission', qr/10\.0\.0\.1 is private/, 'a private address after a public one that is down')->{error_message}, qr/^the address/, 'it is the news');
endpoint('first', "http://first.test:$http/v1", $http_only);
is(try_once('first', 'Past the private address.')->{status}, 'completed', 'a public address after a private one is taken');

# A name that changes its address after it has been found to be good.
endpoint('rebound', "http://rebound.test:$http/v1", $http_only);
is(try_once('rebound', 'While it is public.')->{status}, 'completed', 'a name is public first');
$names{'rebound.test'} = '127.0.0.1';
set_names();
sql($node, "SELECT pg_terminate_backend($executor)");
wait_until(sub { my $pid = worker_pid($node, 'executor'); $pid && $pid ne $executor }, 'another executor has come');
$executor = wait_for_executor($node);
refused('rebound', 'permission', qr/127\.0\.0\.1 is private/, 'then private');

# ---------- redirects ----------

endpoint('open', "http://both.test:$http/v1", $both, "api_key '$keys{one}'");
for my $status (300, 301, 302, 303, 307, 308)
{
	for my $location ("http://127.0.0.1:$http/v1/chat/completions", "http://api.test:$http/v1/chat/completions", '/v1/chat/completions', 'file:///etc/passwd', 'https://api.test/', "//127.0.0.1:$http/", 'http://x/?{key}', '')
	{
		my $mark = "To $status $location.";
		my $run = try_once('open', "\@mock redirect=$location status=$status\n$mark");

		is("$run->{status} $run->{error_class} " . $model->count($mark), 'failed bad_request 1', "$status to \"$location\" is not followed");
		unlike("$run->{error_message}", qr/\Q$keys{one}\E/, "$status to \"$location\": no key in the words");
	}
}
is(scalar(grep { $_->{path} ne '/v1/chat/completions' } $model->journal), 0, 'no other path was asked for');

# ---------- connections that are kept ----------

sub connection_of { my ($text) = @_; return join ' ', map { $_->{connection} } $model->journal($text); }

endpoint('shut', "http://both.test:$http/v1", $http_only);
try_once('open', "\@mock text=Fine.\n$_ the way.") for qw(Open Use);
is(connection_of('Use the way.'), connection_of('Open the way.'), 'a server that may reach the inside keeps a connection');
refused('shut', 'permission', qr/127\.0\.0\.1 is private/, 'one with the same host and port that may not');
is(try_once('open', 'Go on.')->{status}, 'completed', 'the first one goes on');
my $held = submit($node, "\@mock gate=held\nHold the way.", agent => 'open');
$model->await('in_flight=1', 'Hold the way.');
refused('shut', 'permission', qr/127\.0\.0\.1 is private/, 'while a call of the other one is in flight');
$model->open_gate('held');
is(outcome($node, $held)->{status}, 'completed', 'which ends well');

for my $name (sort keys %keys)
{
	endpoint($name, "https://api.test:$https/v1", qq(headers '{"X-Tenant": "$name"}'), "api_key '$keys{$name}'");
}
my @ids = split /\n/, sql($node, q(SELECT agent_studio.as_execute_task(name, 'I am ' || name || ' ' || i) FROM generate_series(1, 40) i, (VALUES ('one'), ('two')) v (name)));
is(join(' ', map { outcome($node, $_)->{status} } @ids), join(' ', ('completed') x 80), 'two servers with the same URL');
try_once($_, "I am $_ alone.") for qw(one two one two);
my @records = grep { $_->{body}{messages}[-1]{content} =~ /^I am/ } $model->journal('I am ');
is(scalar(@records), 84, 'each request arrived once');
is_deeply([ grep { my ($name) = $_->{body}{messages}[-1]{content} =~ /^I am (\w+)/; $_->{headers}{authorization} ne digest($keys{$name}) || $_->{headers}{'x-tenant'} ne $name } @records ], [],
	'with its own key and headers');
my %shared;
push @{ $shared{ $_->{connection} } }, $_->{headers}{'x-tenant'} for @records;
ok(scalar(grep { my %seen = map { ($_ => 1) } @$_; keys %seen == 2 } values %shared), 'though they share connections');

# What comes unasked after an answer is nobody's answer.
my $poison = 'HTTP/1.1 200 OK%0D%0AContent-Type: application/json%0D%0AContent-Length: 78%0D%0A%0D%0A{"choices":[{"message":{"content":"poison"},"finish_reason":"stop"}],"id":"x"}';
(my $plus = $poison) =~ s/ /+/g;
is(try_once('public', "\@mock text=wine raw=" . ($plus =~ s/poison/mellow/r) . "$plus\nTwo answers at once.")->{output}, 'mellow', 'of two answers at once the first is taken');
is(try_once('public', "\@mock text=wine\nAfter two answers.")->{output}, 'wine', 'and the second is thrown away');

# ---------- TLS ----------

endpoint("tls_$_", "https://$_.test:$https/v1") for qw(api wrong expired early stranger self forged);
is(try_once('tls_api', 'With trust.')->{status}, 'completed', 'a certificate of an authority in ca_file is trusted');
is(($model->journal('With trust.'))[0]{sni}, 'api.test', 'the name is asked for');
my %words = (wrong => qr/TLS failed.*(no alternative certificate subject name matches|does not match).*wrong\.test/, expired => qr/TLS failed.*certificate has expired/,
	early => qr/TLS failed.*not yet valid/, stranger => qr/TLS failed.*(unable to get local issuer|self.signed)/, self => qr/TLS failed.*self.signed certificate/,
	forged => qr/TLS failed.*(invalid CA|unsuitable|issuer|signature)/);
for my $way (sort keys %words)
{
	my $run = refused("tls_$way", 'connection', $words{$way}, "a certificate that is $way");

	is($run->{tries}[0]{retryable} ? 1 : 0, 0, "$way: is not tried again");
}
endpoint('tls_inside', "https://127.0.0.1:$https/v1", "allow_private 'true'");
refused('tls_inside', 'connection', qr/TLS failed/, 'a private address needs a certificate as well');
endpoint('tls_none', "https://api.test:$http/v1");
refused('tls_none', 'connection', qr/TLS failed/, 'https where http is spoken');
my ($code) = (system("openssl s_client -connect 127.0.0.1:$old->{tls_port} -tls1_1 -cipher 'ALL:\@SECLEVEL=0' -servername api.test -CAfile $folder/ca/authority.crt </dev/null >$folder/client.log 2>&1"));
like(slurp_file("$folder/client.log"), qr/Protocol *: TLSv1\.1.*Verify return code: 0/s, 'TLS 1.1 is spoken by who wants to');
endpoint('tls_old', "https://api.test:$old->{tls_port}/v1");
refused('tls_old', 'connection', qr/TLS failed/, 'TLS 1.1');

# ---------- HTTP/2 ----------

my $nginx = (grep { -x } '/usr/sbin/nginx', '/usr/bin/nginx')[0];
my $h2 = PostgreSQL::Test::Cluster::get_free_port();
mkdir "$folder/nginx";
write_file('nginx/conf', <<"END");
worker_processes 1;
daemon off;
pid $folder/nginx/pid;
events { worker_connections 1000; }
http {
	access_log off;
	client_body_temp_path $folder/nginx/body;
	proxy_temp_path $folder/nginx/proxy;
	fastcgi_temp_path $folder/nginx/fastcgi;
	uwsgi_temp_path $folder/nginx/uwsgi;
	scgi_temp_path $folder/nginx/scgi;
	server {
		listen 127.0.0.1:$h2 ssl http2;
		ssl_certificate $folder/tls/both.test.crt;
		ssl_certificate_key $folder/tls/both.test.key;
		location / {
			proxy_pass http://127.0.0.1:$http;
			proxy_buffering off;
			proxy_set_header X-Connection \$connection;
			proxy_set_header X-Protocol \$server_protocol;
		}
	}
}
END
my $proxy = IPC::Run::start([ $nginx, '-p', "$folder/nginx", '-e', "$folder/nginx/log", '-c', "$folder/nginx/conf" ], '<', \undef, '>', "$folder/nginx/out", '2>', "$folder/nginx/out");
wait_until(sub { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $h2) }, 'nginx listens');
endpoint('h2_open', "https://both.test:$h2/v1", "allow_private 'true'");
endpoint('h2_shut', "https://both.test:$h2/v1");
for my $name (sort keys %keys)
{
	endpoint("h2_$name", "https://both.test:$h2/v1", qq(allow_private 'true', headers '{"X-Tenant": "$name"}'), "api_key '$keys{$name}'");
}
@ids = split /\n/, sql($node, q(SELECT agent_studio.as_execute_task('h2_open', '@mock latency=300' || E'\n' || 'Cold HTTP/2 ' || i, max_retries => 0) FROM generate_series(1, 20) i));
is(join(' ', map { outcome($node, $_)->{status} } @ids), join(' ', ('completed') x 20), 'a burst that is the first to go to a host');
is(try_once('h2_open', 'Speak HTTP/2.')->{status}, 'completed', 'HTTP/2');
is(($model->journal('Speak HTTP/2.'))[0]{headers}{'x-protocol'}, 'HTTP/2.0', 'is spoken where it is offered');
@ids = split /\n/, sql($node, q(SELECT agent_studio.as_execute_task('h2_' || name, '@mock gate=h2' || E'\n' || 'Over two is ' || name || ' ' || i, max_retries => 0) FROM generate_series(1, 20) i, (VALUES ('one'), ('two')) v (name)));
$model->await('in_flight=40', 'Over two is');
refused('h2_shut', 'permission', qr/127\.0\.0\.1 is private/, 'who may not, while forty streams are in flight');
$model->open_gate('h2');
is(join(' ', map { outcome($node, $_)->{status} } @ids), join(' ', ('completed') x 40), 'which all end well');
@records = $model->journal('Over two is ');
is_deeply([ grep { my ($name) = $_->{body}{messages}[-1]{content} =~ /Over two is (\w+)/; $_->{headers}{authorization} ne digest($keys{$name}) || $_->{headers}{'x-tenant'} ne $name } @records ], [],
	'each stream with its own key and headers');
is(scalar(keys %{ { map { ($_->{headers}{'x-connection'} => 1) } @records } }), 1, 'over one connection');
endpoint('h2_not', "https://both.test:$h2/v1", "allow_private 'true', http_version '1.1'");
try_once('h2_not', 'Speak HTTP/1.1.');
is(($model->journal('Speak HTTP/1.1.'))[0]{headers}{'x-protocol'}, 'HTTP/1.1', 'nor where it is not wanted');
$proxy->signal('TERM');
$proxy->finish;

# ---------- what is taken from there ----------

sub encoded { my ($text) = @_; $text =~ s/([^A-Za-z0-9])/sprintf('%%%02X', ord($1))/ge; return $text; }
sub memory { my ($kB) = slurp_file("/proc/$executor/status") =~ /^VmHWM:\s+(\d+) kB/m; return $kB; }

my $ok = "HTTP/1.1 200 OK\r\n";
my $body = '{"choices":[{"message":{"content":"Fine."},"finish_reason":"stop"}],"id":"x"}';
my $json = "Content-Type: application/json\r\n";
my $chunked = "Transfer-Encoding: chunked\r\n\r\n";
my $chunk = sprintf("%x\r\n%s\r\n", length($body), $body);
my $before = memory();

# scenario, class or "completed", words
my @answers = (
	[ 'headers=180', 'completed' ],
	[ 'headers=5000', 'invalid_output', qr/more than 200 header lines/ ],
	[ 'head_line=16000', 'completed' ],
	[ 'head_line=17000', 'invalid_output', qr/longer than 16384 bytes/ ],
	[ 'head_line=1000000', 'invalid_output', qr/longer than 16384 bytes/ ],
	[ 'early=50', 'completed' ],
	[ 'early=100000', 'invalid_output', qr/more than 200 header lines/ ],
	[ 'head_every=20', 'timeout', qr/not complete within 2 s/ ],
	[ 'bomb=gzip', 'invalid_output', qr/nothing in it was understood/ ],
	[ 'bomb=deflate', 'invalid_output', qr/nothing in it was understood/ ],
	[ 'bomb=br', 'invalid_output', qr/nothing in it was understood/ ],
	[ 'bomb=transfer', 'invalid_output', qr/nothing in it was understood/ ],
	map({ my ($raw, @rest) = @$_; [ 'raw=' . encoded($raw), @rest ] }
		[ "$ok$json\r\n$body", 'completed' ],
		[ "$ok$json${chunked}$chunk" . "0\r\n\r\n", 'completed' ],
		[ "$ok$json${chunked}zz\r\n$body", 'connection', qr/./ ],
		[ "$ok$json${chunked}-1\r\n$body", 'connection', qr/./ ],
		[ "$ok$json${chunked}ffffffffffffffffff\r\n$body", 'connection', qr/./ ],
		[ "$ok$json${chunked}7fffffffffffffff\r\n$body", 'connection', qr/./ ],
		[ "$ok$json${chunked}5\r\n$body", 'connection', qr/./ ],
		[ "$ok$json${chunked}" . '0' x 100_000 . "5\r\n$body", 'connection', qr/./ ],
		[ "$ok$json${chunked}" . ('1;' . 'x' x 100_000 . "\r\n{\r\n"), 'connection', qr/./ ],
		[ "$ok$json$chunked$chunk" . "0\r\n" . join('', map { "X-$_: 1\r\n" } 1 .. 5000) . "\r\n", 'invalid_output', qr/more than 200 header lines/ ],
		[ "${ok}Content-Length: -1\r\n$json\r\n$body", 'connection', qr/./ ],
		[ "${ok}Content-Length: 99999999999999999999999\r\n$json\r\n$body", 'completed' ],
		[ "${ok}Content-Length: 4611686018427387904\r\n$json\r\n$body", 'connection', qr/./ ],
		[ "${ok}Content-Length: 5\r\nContent-Length: 77\r\n$json\r\n$body", 'completed' ],
		[ "${ok}Content-Length: 77\r\nContent-Length: 5\r\n$json\r\n$body", 'invalid_output', qr/nothing in it was understood/ ],
		[ "${ok}Content-Length: 5\r\n$json$chunked$chunk" . "0\r\n\r\n", 'completed' ],
		[ "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n$json\r\n$body", 'connection', qr/./ ],
		[ "HTTP/1.1 999 Odd\r\n$json\r\n$body", 'overloaded', qr/./ ],
		[ "HTTP/1.1 000 Odd\r\n$json\r\n$body", 'connection', qr/./ ],
		[ "HTTP/9.9 200 OK\r\n$json\r\n$body", 'connection', qr/./ ],
		[ "HTTP/1.1 2000 OK\r\n$json\r\n$body", 'connection', qr/./ ],
		[ "HTTP/1.1 204 None\r\n\r\n$body", 'invalid_output', qr/./ ],
		[ "HTTP/1.1 304 Same\r\n\r\n$body", 'bad_request', qr/./ ],
		[ "ICY 200 OK\r\n$json\r\n$body", 'connection', qr/./ ],
		[ $body, 'connection', qr/./ ],
		[ "\r\n\r\n", 'connection', qr/./ ],
		[ "\0" x 1000, 'connection', qr/./ ],
		[ "${ok}X-Nul: a\0b\r\n$json\r\n$body", 'connection', qr/./ ],
		[ "${ok}no colon at all\r\n$json\r\n$body", 'connection', qr/./ ],
		[ "${ok}X-Folded: a\r\n b\r\n$json\r\n$body", 'completed' ],
		[ "${ok}Content-Encoding: gzip, gzip, gzip, gzip, gzip, gzip, gzip\r\n$json\r\n$body", 'completed' ],
		[ "${ok}Alt-Svc: h2=\"127.0.0.1:$http\"\r\nStrict-Transport-Security: max-age=999\r\nSet-Cookie: a=b\r\n$json\r\n$body", 'completed' ],
	));
for my $answer (@answers)
{
	my ($scenario, $class, $words) = @$answer;
	(my $what = length($scenario) > 120 ? substr($scenario, 0, 120) . '...' : $scenario) =~ s/[%+]0D%0A/ /g;
	my $run = try_once('public', "\@mock text=Fine. $scenario\nAnswer.", 'timeout_seconds => ' . ($class eq 'timeout' ? 2 : 60));

	is($run->{error_class} // "$run->{status}", $class, "$what: $class") or diag($run->{error_message} // $run->{output});
	like($run->{error_message}, $words, "$what: in words") if $words;
	is($run->{executor}, $executor, "$what: the executor goes on");
}
cmp_ok(memory() - $before, '<', 50_000, 'none of them has cost the executor 50 MB');
for my $server (qw(public one))
{
	is(try_once($server, "\@mock text=wine late=$plus\nA late second answer, $server.")->{output}, 'wine', "$server: an answer before another one");
	$model->await('completed=1', "A late second answer, $server.");
	is(try_once($server, "\@mock text=$_\nAfter a late answer.")->{output}, $_, "$server: which nobody gets") for qw(bread cheese);
}
try_once('public', 'After Alt-Svc and a cookie.');
is(($model->journal('After Alt-Svc and a cookie.'))[0]{headers}{cookie}, undef, 'a cookie is not sent back');

# ---------- no header of anybody else's ----------

my $keyfile = write_file('key', "$keys{one}\n");
endpoint('filed', "http://api.test:$http/v1", $http_only, "api_key_file '$keyfile'");
endpoint('lines', "http://api.test:$http/v1", $http_only, "api_key_env 'AS_TEST_LINES'");
endpoint('env', "http://api.test:$http/v1", $http_only, "api_key_env 'AS_TEST_KEY'");
for my $good ("$keys{two}", "$keys{two}\n", "$keys{two}\r\n", " \t$keys{two} \r\n\n ")
{
	(my $printable = $good) =~ s/([^ -~])/sprintf('\\x%02x', ord($1))/ge;
	write_file('key', $good);
	try_once('filed', "Filed $printable.");
	is(($model->journal('Filed '))[-1]{headers}{authorization}, digest($keys{two}), "a key file of \"$printable\" holds one key");
}
for my $bad ("$keys{two}\nX-Evil: 1", "$keys{two}\r\nX-Evil: 1\r\n\r\n", "$keys{two}\rX-Evil: 1", "$keys{two}\0", "$keys{two}\0X-Evil: 1", "$keys{two} X", "$keys{two}\x01", "$keys{two}\x7f", '', " \n", "\0", 'k' x 9000)
{
	(my $printable = substr($bad, 0, 50)) =~ s/([^ -~])/sprintf('\\x%02x', ord($1))/ge;
	write_file('key', $bad);
	refused('filed', 'authentication', qr/api_key_file gives no key$/, "a key file of \"$printable\"");
}
refused('lines', 'authentication', qr/api_key_env gives no key$/, 'a variable of two lines');
try_once('env', 'With a variable.');
is(($model->journal('With a variable.'))[0]{headers}{authorization}, digest($keys{one}), 'space around a variable is none of the key');

my $evil = q(E'x\r\nX-Evil: 1\r\n\r\n');
for my $type (qw(openai openai_responses azure_openai anthropic gemini ollama))
{
	for my $version ('', "VERSION 'v\r\nX-Evil: 1'")
	{
		my $name = "evil_$type" . ($version ? '_version' : '');

		sql($node, "CREATE SERVER $name TYPE '$type' $version FOREIGN DATA WRAPPER agent_studio OPTIONS (url 'http://api.test:$http', $http_only);
			SELECT agent_studio.as_create_model('$name', '$name', deployment => $evil); SELECT agent_studio.as_create_agent('$name', 'builder', '$name')");
		my $run = outcome($node, sql($node, "SELECT agent_studio.as_execute_task('$name', E'Be evil.\\r\\nX-Evil: 1\\r\\n\\r\\n', max_retries => 0)"));
		note("$name: $run->{status} " . ($run->{error_message} // ''));
	}
}
my %known = map { ($_ => 1) } qw(host accept content-type content-length authorization api-key x-api-key x-goog-api-key anthropic-version x-tenant x-connection x-protocol connection);
is_deeply([ map { my $record = $_; map { "$record->{path}: $_" } grep { !$known{$_} } keys %{ $record->{headers} } } $model->journal ], [], 'no request had a header that nobody meant to send');

# ---------- what a superuser has allowed ----------

sql($node, "CREATE ROLE alice LOGIN IN ROLE agent_studio_user; GRANT USAGE ON FOREIGN DATA WRAPPER agent_studio TO alice");
for my $options ($http_only, "allow_private 'true'", $both)
{
	sql($node, "CREATE SERVER hers TYPE 'openai' FOREIGN DATA WRAPPER agent_studio OPTIONS (url 'https://api.test/v1', $options); ALTER SERVER hers OWNER TO alice");
	for my $change (q(SET url 'http://api.test/v1'), q(SET url 'https://127.0.0.1/v1'), q(SET url 'https://evil.test/'), q(ADD headers '{"X-A": "b"}'), q(ADD idle_timeout '1'), q(DROP url), q(ADD allow_http 'true'), q(ADD allow_private 'true'))
	{
		like(sql_error($node, "SET ROLE alice; ALTER SERVER hers OPTIONS ($change)"), qr/42501.*only a superuser|42710/s, "with $options its owner may not $change");
	}
	sql($node, 'DROP SERVER hers');
}
sql($node, "SET ROLE alice; CREATE SERVER hers TYPE 'openai' FOREIGN DATA WRAPPER agent_studio OPTIONS (url 'https://api.test/v1')");
like(sql_error($node, "SET ROLE alice; ALTER SERVER hers OPTIONS ($_)"), qr/42501.*only a superuser|HV024.*is not https/s, "its owner may not $_")
	for "ADD allow_http 'true'", "ADD allow_http 'false'", "ADD allow_private 'true'", "SET url 'http://api.test/'", "SET url 'http://api.test/', ADD allow_http 'true'";

# ---------- no proxy, nobody else's password ----------

$trap->blocking(0);
is($trap->accept, undef, 'no proxy of the environment was asked');
is(scalar(grep { ($_->{headers}{authorization} // '') =~ /Basic/ || exists $_->{headers}{'proxy-authorization'} } $model->journal), 0, 'and no password of .netrc was sent');

finish_studio($node, $model);
$old->stop;
done_testing();
