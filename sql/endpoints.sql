-- Endpoints: the types, options and keys of servers of wrapper agent_studio.
SELECT tests.reset();
\pset format unaligned
\pset tuples_only on

-- The type is checked when the server is made.
SELECT * FROM tests.try(
	$$CREATE SERVER s FOREIGN DATA WRAPPER agent_studio OPTIONS (url 'https://api.example.com/v1')$$,
	$$CREATE SERVER s TYPE 'opnai' FOREIGN DATA WRAPPER agent_studio OPTIONS (url 'https://api.example.com/v1')$$,
	$$CREATE SERVER s TYPE 'OpenAI' FOREIGN DATA WRAPPER agent_studio OPTIONS (url 'https://api.example.com/v1')$$,
	$$CREATE SERVER s TYPE 'telepathy' FOREIGN DATA WRAPPER agent_studio OPTIONS (url 'https://api.example.com/v1')$$,
	$$CREATE SERVER s TYPE '' FOREIGN DATA WRAPPER agent_studio OPTIONS (url 'https://api.example.com/v1')$$,
	$$CREATE SERVER s TYPE 'openai' VERSION '1' FOREIGN DATA WRAPPER agent_studio OPTIONS (url 'https://api.example.com/v1')$$,
	$$CREATE SERVER IF NOT EXISTS s TYPE 'openai' FOREIGN DATA WRAPPER agent_studio OPTIONS (url 'https://api.example.com/v1')$$,
	$$DROP SERVER s$$);

-- Servers of other wrappers are none of our business.
CREATE FOREIGN DATA WRAPPER regress_other;
CREATE SERVER regress_foreign TYPE 'telepathy' FOREIGN DATA WRAPPER regress_other OPTIONS (anything 'goes');
DROP FOREIGN DATA WRAPPER regress_other CASCADE;

-- Every option, good and bad.
CREATE FUNCTION tests.server(options text) RETURNS SETOF text
LANGUAGE plpgsql AS $$
DECLARE
	statement text := format('CREATE SERVER s TYPE ''openai'' FOREIGN DATA WRAPPER agent_studio OPTIONS (%s)', options);
	line text;
BEGIN
	FOR line IN SELECT * FROM tests.try(statement) LOOP
		RETURN NEXT replace(line, statement, options);
	END LOOP;
	DROP SERVER IF EXISTS s;
END
$$;
SELECT s.* FROM (VALUES
	(1, $$connect_timeout '5'$$),
	(2, $$url ''$$),
	(3, $$url 'https://api.example.com/v1'$$),
	(4, $$url 'https://api.example.com/v1', urll 'x'$$),
	(5, $$url 'https://api.example.com/v1', conect_timeout '5'$$),
	(6, $$url 'https://api.example.com/v1', api_key 'sk-1'$$),
	(7, $$url 'https://api.example.com/v1', telepathy 'on'$$),
	(10, $$url 'https://api.example.com/v1', connect_timeout '0.5'$$),
	(11, $$url 'https://api.example.com/v1', connect_timeout '0'$$),
	(12, $$url 'https://api.example.com/v1', connect_timeout '-1'$$),
	(13, $$url 'https://api.example.com/v1', connect_timeout 'soon'$$),
	(14, $$url 'https://api.example.com/v1', connect_timeout '5s'$$),
	(15, $$url 'https://api.example.com/v1', connect_timeout 'nan'$$),
	(16, $$url 'https://api.example.com/v1', connect_timeout '86401'$$),
	(20, $$url 'https://api.example.com/v1', first_byte_timeout '600'$$),
	(21, $$url 'https://api.example.com/v1', first_byte_timeout ''$$),
	(22, $$url 'https://api.example.com/v1', idle_timeout '30'$$),
	(23, $$url 'https://api.example.com/v1', idle_timeout 'inf'$$),
	(30, $$url 'https://api.example.com/v1', http_version '2'$$),
	(31, $$url 'https://api.example.com/v1', http_version '1.1'$$),
	(32, $$url 'https://api.example.com/v1', http_version '3'$$),
	(40, $$url 'https://api.example.com/v1', allow_http 'maybe'$$),
	(41, $$url 'https://api.example.com/v1', allow_private 'yes please'$$),
	(50, $$url 'https://api.example.com/v1', headers '{}'$$),
	(51, $$url 'https://api.example.com/v1', headers '{"OpenAI-Organization": "org-1", "X-Title": "Studio"}'$$),
	(52, $$url 'https://api.example.com/v1', headers 'OpenAI-Organization: org-1'$$),
	(53, $$url 'https://api.example.com/v1', headers '["a"]'$$),
	(54, $$url 'https://api.example.com/v1', headers '"a"'$$),
	(55, $$url 'https://api.example.com/v1', headers '{"X-Count": 1}'$$),
	(56, $$url 'https://api.example.com/v1', headers '{"X-Nested": {"a": "b"}}'$$),
	(57, $$url 'https://api.example.com/v1', headers '{"X-Null": null}'$$),
	(58, $$url 'https://api.example.com/v1', headers '{"X-Empty": " "}'$$),
	(59, $$url 'https://api.example.com/v1', headers '{"X Space": "a"}'$$),
	(60, $$url 'https://api.example.com/v1', headers '{"": "a"}'$$),
	(61, $$url 'https://api.example.com/v1', headers '{"X-Break": "a\r\nHost: evil"}'$$),
	(62, $$url 'https://api.example.com/v1', headers '{"Authorization": "Bearer sk-1"}'$$),
	(63, $$url 'https://api.example.com/v1', headers '{"aPi_kEy": "sk-1"}'$$),
	(64, $$url 'https://api.example.com/v1', headers '{"Host": "evil"}'$$),
	(65, $$url 'https://api.example.com/v1', headers '{"Proxy-Authorization": "Basic x"}'$$),
	(66, $$url 'https://api.example.com/v1', headers '{"Cookie": "a=b"}'$$),
	(67, $$url 'https://api.example.com/v1', headers '{"Content-Type": "text/plain"}'$$)) v (n, options),
	LATERAL tests.server(v.options) s;
-- More headers than a request takes.
SELECT s.message FROM (SELECT format($$url 'https://api.example.com/v1', headers '%s'$$,
		(SELECT jsonb_object_agg('X-' || i, 'v') FROM generate_series(1, 100) i)) AS options) o,
	LATERAL (SELECT line FROM tests.server(o.options) line OFFSET 1) s (message);

-- URLs: https to public addresses, and nothing hidden in them. All of this is
-- said to a superuser too, who may then allow it for that server.
SELECT s.* FROM (VALUES
	('https://api.example.com'), ('https://api.example.com:8443/openai/v1/'), ('HTTPS://API.EXAMPLE.COM/v1'),
	('https://8.8.8.8/v1'), ('https://[2606:4700::1111]/v1'),
	('http://api.example.com/v1'), ('HTTP://api.example.com/v1'), ('ftp://api.example.com/v1'),
	('file:///etc/passwd'), ('javascript:alert(1)'), ('api.example.com/v1'), ('//api.example.com/v1'), ('https://'),
	('https:///v1'), ('https://user:secret@api.example.com/v1'), ('https://sk-1@api.example.com/v1'),
	('https://api.example.com/v1?key=secret'), ('https://api.example.com/v1#part'),
	('https://api.example.com:0/v1'), ('https://api.example.com:99999/v1'), ('https://api.example.com:port/v1'),
	('https://api example.com/v1'), ('https://api.example.com\@evil.com/v1'), (E'https://api.example.com/v1\n'),
	('https://bücher.example/v1'), ('https://api%2eexample.com/v1'),
	('https://localhost/v1'), ('https://LocalHost./v1'), ('https://a.localhost/v1'), ('https://ip6-loopback/v1'),
	('https://127.0.0.1/v1'), ('https://127.1/v1'), ('https://2130706433/v1'), ('https://0x7f.1/v1'),
	('https://0177.0.0.1/v1'), ('https://0.0.0.0/v1'), ('https://10.1.2.3/v1'), ('https://172.16.0.1/v1'),
	('https://192.168.1.1/v1'), ('https://169.254.169.254/latest'), ('https://100.64.0.1/v1'),
	('https://168.63.129.16/v1'), ('https://224.0.0.1/v1'), ('https://255.255.255.255/v1'),
	('https://[::1]/v1'), ('https://[::]/v1'), ('https://[::ffff:127.0.0.1]/v1'), ('https://[fe80::1]/v1'),
	('https://[fd00::1]/v1'), ('https://[64:ff9b::7f00:1]/v1'), ('https://[fe80::1%25eth0]/v1'),
	('https://1.2.3.4.5/v1'), ('https://256.1.1.1/v1')) v (url),
	LATERAL tests.server(format('url %L', v.url)) s;
SELECT s.message FROM (SELECT line FROM tests.server(format('url %L', 'https://api.example.com/' || repeat('x', 3000))) line OFFSET 1) s (message);
SELECT s.* FROM (VALUES
	($$url 'http://api.example.com/v1', allow_http 'true'$$),
	($$url 'http://127.0.0.1:8080/v1', allow_http 'true'$$),
	($$url 'https://127.0.0.1/v1', allow_private 'on'$$),
	($$url 'http://127.0.0.1/v1', allow_private 'on'$$),
	($$url 'http://localhost:11434/v1', allow_http 'true', allow_private 'true'$$),
	($$url 'http://user:secret@localhost/v1', allow_http 'true', allow_private 'true'$$),
	($$url 'ftp://localhost/v1', allow_http 'true', allow_private 'true'$$)) v (options),
	LATERAL tests.server(v.options) s;
DROP FUNCTION tests.server;

-- What only a superuser may set locks the object for everybody else: PostgreSQL
-- checks the merged list of options, old and new.
GRANT USAGE ON FOREIGN DATA WRAPPER agent_studio TO regress_alice;
SET ROLE regress_alice;
SELECT * FROM tests.try(
	$$CREATE SERVER hers TYPE 'openai' FOREIGN DATA WRAPPER agent_studio OPTIONS (url 'http://api.example.com/v1')$$,
	$$CREATE SERVER hers TYPE 'openai' FOREIGN DATA WRAPPER agent_studio OPTIONS (url 'http://api.example.com/v1', allow_http 'true')$$,
	$$CREATE SERVER hers TYPE 'openai' FOREIGN DATA WRAPPER agent_studio OPTIONS (url 'https://10.0.0.1/v1', allow_private 'true')$$,
	$$CREATE SERVER hers TYPE 'openai' FOREIGN DATA WRAPPER agent_studio OPTIONS (url 'https://api.example.com/v1', allow_private 'false')$$,
	$$CREATE SERVER hers TYPE 'openai' FOREIGN DATA WRAPPER agent_studio OPTIONS (url 'https://api.example.com/v1')$$,
	$$ALTER SERVER hers OPTIONS (SET url 'https://api2.example.com/v1', ADD idle_timeout '10')$$,
	$$ALTER SERVER hers OPTIONS (ADD allow_private 'true')$$,
	$$ALTER SERVER hers OPTIONS (DROP url)$$);
RESET ROLE;
ALTER SERVER hers OPTIONS (ADD allow_private 'true');
SET ROLE regress_alice;
SELECT * FROM tests.try(
	$$ALTER SERVER hers OPTIONS (SET url 'https://169.254.169.254/v1')$$,
	$$ALTER SERVER hers OPTIONS (SET idle_timeout '20')$$,
	$$ALTER SERVER hers OPTIONS (DROP allow_private)$$,
	$$ALTER SERVER hers OPTIONS (DROP allow_private, SET url 'https://169.254.169.254/v1')$$);
RESET ROLE;
SELECT unnest(srvoptions) FROM pg_foreign_server WHERE srvname = 'hers' ORDER BY 1;

-- Keys: a user mapping has exactly one option; files and environment are for superusers.
SET ROLE regress_alice;
SELECT * FROM tests.try(
	$$CREATE USER MAPPING FOR regress_alice SERVER hers$$,
	$$CREATE USER MAPPING FOR regress_alice SERVER hers OPTIONS (apikey 'sk-1')$$,
	$$CREATE USER MAPPING FOR regress_alice SERVER hers OPTIONS (password 'sk-1')$$,
	$$CREATE USER MAPPING FOR regress_alice SERVER hers OPTIONS (url 'https://evil.example.com')$$,
	$$CREATE USER MAPPING FOR regress_alice SERVER hers OPTIONS (api_key_file '/etc/passwd')$$,
	$$CREATE USER MAPPING FOR regress_alice SERVER hers OPTIONS (api_key_env 'PATH')$$,
	$$CREATE USER MAPPING FOR regress_alice SERVER hers OPTIONS (api_key 'sk-1')$$,
	$$ALTER USER MAPPING FOR regress_alice SERVER hers OPTIONS (SET api_key 'sk-2')$$,
	$$ALTER USER MAPPING FOR regress_alice SERVER hers OPTIONS (DROP api_key)$$,
	$$ALTER USER MAPPING FOR regress_alice SERVER hers OPTIONS (DROP api_key, ADD api_key_file '/etc/passwd')$$,
	$$DROP USER MAPPING FOR regress_alice SERVER hers$$);
RESET ROLE;
SELECT * FROM tests.try(
	$$CREATE USER MAPPING FOR PUBLIC SERVER hers OPTIONS (api_key 'sk-1', api_key_env 'KEY')$$,
	$$CREATE USER MAPPING FOR PUBLIC SERVER hers OPTIONS (api_key_file '/no/such/file')$$,
	$$ALTER USER MAPPING FOR PUBLIC SERVER hers OPTIONS (DROP api_key_file, ADD api_key_env 'NO_SUCH_KEY')$$);
-- A mapping with such an option is locked for the server's owner, too.
SET ROLE regress_alice;
SELECT * FROM tests.try(
	$$ALTER USER MAPPING FOR PUBLIC SERVER hers OPTIONS (SET api_key_env 'PATH')$$,
	$$ALTER USER MAPPING FOR PUBLIC SERVER hers OPTIONS (DROP api_key_env, ADD api_key 'sk-1')$$);
RESET ROLE;

-- The wrapper itself, and tables, have no options.
SELECT * FROM tests.try(
	$$ALTER FOREIGN DATA WRAPPER agent_studio OPTIONS (ADD url 'https://api.example.com')$$,
	$$CREATE FOREIGN TABLE regress_table (a int) SERVER hers OPTIONS (url 'https://api.example.com')$$);

-- Why a role could not call a server, without ever showing a key.
CREATE SERVER plain TYPE 'openai' FOREIGN DATA WRAPPER agent_studio OPTIONS (url 'https://api.example.com/v1');
CREATE USER MAPPING FOR regress_bob SERVER plain OPTIONS (api_key E'two\nlines-of-sk-secret');
GRANT USAGE ON FOREIGN SERVER plain TO regress_bob, regress_carol;
SELECT v.server, v.role, coalesce(agent_studio_private.endpoint_problem(v.server, v.role), 'nothing in the way')
FROM (VALUES ('mock', 'regress_alice'), ('mock', 'regress_nobody'), ('mock', 'regress_gone'), ('gone', 'regress_alice'),
	('hers', 'regress_alice'), ('plain', 'regress_alice'), ('plain', 'regress_bob'), ('plain', 'regress_carol')) v (server, role);
-- Nor to anybody but that role, those who have its rights, and operators: who may read which file is no one else's affair.
SET ROLE regress_alice;
SELECT * FROM tests.try($$SELECT agent_studio_private.endpoint_problem('plain', 'regress_bob')$$,
	$$SELECT agent_studio_private.endpoint_problem('plain', 'regress_gone')$$,
	$$SELECT agent_studio_private.endpoint_problem('plain', 'regress_alice')$$,
	$$SELECT agent_studio_private.endpoint_problem('plain', 'regress_team')$$);
SET ROLE regress_mona;
SELECT * FROM tests.try($$SELECT agent_studio_private.endpoint_problem('plain', 'regress_bob')$$);
SET ROLE regress_olaf;
SELECT agent_studio_private.endpoint_problem('plain', 'regress_bob');
RESET ROLE;

DROP SERVER plain CASCADE;
DROP SERVER hers CASCADE;
REVOKE USAGE ON FOREIGN DATA WRAPPER agent_studio FROM regress_alice;
