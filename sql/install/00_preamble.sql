-- Agent Studio for PostgreSQL: what must hold before anything is created.
--
-- Files in sql/install are joined in the order of their names into
-- agent_studio--VERSION.sql; that is the file which CREATE EXTENSION runs.

DO $$
BEGIN
	IF pg_catalog.current_setting('server_encoding') <> 'UTF8' THEN
		RAISE EXCEPTION 'agent_studio needs a database with encoding UTF8, this one has %',
			pg_catalog.current_setting('server_encoding')
			USING ERRCODE = 'feature_not_supported',
				  HINT = 'Models answer in UTF-8. Create a database for it: CREATE DATABASE name TEMPLATE template0 ENCODING ''UTF8''.';
	END IF;

	-- Somebody else's schema of that name could hold functions that ours would call.
	IF EXISTS (SELECT FROM pg_catalog.pg_namespace n
			   WHERE n.nspname = 'agent_studio'
				 AND n.nspowner <> (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = current_user)) THEN
		RAISE EXCEPTION 'schema "agent_studio" belongs to another role'
			USING ERRCODE = 'duplicate_schema',
				  HINT = 'Drop or rename that schema; CREATE EXTENSION makes its own.';
	END IF;
	IF EXISTS (SELECT FROM pg_catalog.pg_depend d
			   WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
				 AND d.refobjid = 'agent_studio'::pg_catalog.regnamespace
				 AND d.classid <> 'pg_catalog.pg_extension'::pg_catalog.regclass) THEN
		RAISE EXCEPTION 'schema "agent_studio" is not empty'
			USING ERRCODE = 'duplicate_schema',
				  HINT = 'Drop or rename that schema; CREATE EXTENSION makes its own.';
	END IF;
END
$$;

COMMENT ON SCHEMA agent_studio IS
'Agent Studio: AI agents and their executions. Functions start with as_; \df+ agent_studio.* describes them all. Put this schema last in search_path: "$user", public, agent_studio.';

-- Bodies behind the public functions. Nobody but the extension's owner may call
-- them: they take the acting role as their first argument and trust it.
CREATE SCHEMA agent_studio_private;
COMMENT ON SCHEMA agent_studio_private IS
'Agent Studio''s inner functions. Nothing here is an interface; everything may change with the next version.';

GRANT USAGE ON SCHEMA agent_studio TO PUBLIC;
