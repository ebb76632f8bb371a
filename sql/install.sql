-- CREATE and DROP EXTENSION: where it is refused, what it makes, what it leaves.
SELECT current_database() AS here \gset
SELECT count(*) > 20 AS objects FROM pg_depend d JOIN pg_extension x ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = x.oid
WHERE x.extname = 'agent_studio' AND d.deptype = 'e';
SELECT extversion, extrelocatable, extnamespace::regnamespace FROM pg_extension WHERE extname = 'agent_studio';
SELECT name, superuser, trusted, relocatable, schema FROM pg_available_extension_versions WHERE name = 'agent_studio';

-- What it makes, by kind (sequences and types come with the tables).
SELECT c.relkind, n.nspname, array_agg(c.relname ORDER BY c.relname COLLATE "C") AS names
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname LIKE 'agent\_studio%' AND c.relkind IN ('r', 'v') GROUP BY 1, 2 ORDER BY 1, 2;

-- The roles, and which holds which.
SELECT r.rolname, r.rolcanlogin, r.rolsuper, array_agg(b.rolname ORDER BY b.rolname) FILTER (WHERE b.rolname IS NOT NULL) AS member_of
FROM pg_roles r LEFT JOIN pg_auth_members m ON m.member = r.oid LEFT JOIN pg_roles b ON b.oid = m.roleid
WHERE r.rolname LIKE 'agent\_studio\_%' GROUP BY 1, 2, 3 ORDER BY 1;

-- Refused in a schema of another name, for ordinary roles, without UTF-8.
\set VERBOSITY default
CREATE DATABASE regress_install TEMPLATE template0 ENCODING 'UTF8';
CREATE DATABASE regress_latin1 TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C';
\c regress_latin1
\set SHOW_CONTEXT never
CREATE EXTENSION agent_studio;
\c regress_install
\set SHOW_CONTEXT never
CREATE EXTENSION agent_studio SCHEMA public;
SET ROLE regress_adam;
CREATE EXTENSION agent_studio;
RESET ROLE;

-- Somebody else's schema of that name could hold traps.
CREATE SCHEMA agent_studio AUTHORIZATION regress_bob;
CREATE EXTENSION agent_studio;
DROP SCHEMA agent_studio;
CREATE SCHEMA agent_studio;
CREATE FUNCTION agent_studio.format(text, name) RETURNS text LANGUAGE sql RETURN 'evil';
CREATE EXTENSION agent_studio;
DROP SCHEMA agent_studio CASCADE;
CREATE SCHEMA agent_studio_private AUTHORIZATION regress_bob;
CREATE EXTENSION agent_studio;
DROP SCHEMA agent_studio_private;

-- Traps in public and pg_temp, while the script runs as a superuser.
GRANT CREATE ON SCHEMA public TO regress_bob;
SET ROLE regress_bob;
CREATE TABLE public.trapped (who text);
CREATE FUNCTION public.trap(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.trapped VALUES (current_user); RETURN true; END $$;
CREATE FUNCTION public.trap(name, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.trapped VALUES (current_user); RETURN true; END $$;
CREATE FUNCTION public.format(text, text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.trapped VALUES (current_user); RETURN 'SELECT'; END $$;
CREATE FUNCTION public.lower(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.trapped VALUES (current_user); RETURN ''; END $$;
CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = text, FUNCTION = public.trap);
CREATE OPERATOR public.<> (LEFTARG = text, RIGHTARG = text, FUNCTION = public.trap);
CREATE OPERATOR public.= (LEFTARG = name, RIGHTARG = text, FUNCTION = public.trap);
CREATE OPERATOR public.~~ (LEFTARG = name, RIGHTARG = text, FUNCTION = public.trap);
RESET ROLE;
CREATE TEMP TABLE pg_roles (rolname name);
CREATE TEMP TABLE pg_class (relname name);
SET search_path = public, pg_temp, pg_catalog;
SET client_min_messages = warning;
CREATE EXTENSION agent_studio;
RESET search_path;
SELECT * FROM public.trapped;
SELECT count(*) FROM agent_studio.models;

-- It can be dropped, with what it made, and made again. Roles stay, and so does the
-- empty schema, which PostgreSQL counts as the administrator's. Servers go with it.
CREATE SERVER s TYPE 'openai' FOREIGN DATA WRAPPER agent_studio OPTIONS (url 'https://api.example.com/v1');
DROP EXTENSION agent_studio;
SET client_min_messages = error;
DROP EXTENSION agent_studio CASCADE;
SELECT count(*) AS servers FROM pg_foreign_server;
SELECT nspname FROM pg_namespace WHERE nspname LIKE 'agent\_studio%';
SELECT count(*) AS roles FROM pg_catalog.pg_roles WHERE rolname LIKE 'agent\_studio\_%';
BEGIN;
CREATE EXTENSION agent_studio;
DROP EXTENSION agent_studio;
ROLLBACK;
CREATE EXTENSION agent_studio;
BEGIN;
DROP EXTENSION agent_studio;
ROLLBACK;
SELECT count(*) AS extensions FROM pg_extension WHERE extname = 'agent_studio';
DROP SCHEMA agent_studio CASCADE;
\c :here
DROP DATABASE regress_install;
DROP DATABASE regress_latin1;
