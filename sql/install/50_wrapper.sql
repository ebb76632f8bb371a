-- Endpoints are foreign servers of this wrapper, and their keys user mappings:
-- one privileged object each, with PostgreSQL's own GRANT, dump and audit.

CREATE FUNCTION agent_studio.agent_studio_validator(options text[], catalog oid) RETURNS void
AS 'MODULE_PATHNAME', 'agent_studio_validator' LANGUAGE C STRICT;
COMMENT ON FUNCTION agent_studio.agent_studio_validator(text[], oid) IS
'Checks the options of endpoints and keys; called by CREATE and ALTER SERVER and USER MAPPING. Raises HV00D for an unknown option, with the list of good ones, HV024 for a bad value, 42501 for options that only a superuser may set.';

CREATE FOREIGN DATA WRAPPER agent_studio VALIDATOR agent_studio.agent_studio_validator;
COMMENT ON FOREIGN DATA WRAPPER agent_studio IS
'Endpoints of model APIs: CREATE SERVER name TYPE ''openai'' FOREIGN DATA WRAPPER agent_studio OPTIONS (url ''https://...'').';

CREATE FUNCTION agent_studio_private.server_types() RETURNS text[]
AS 'MODULE_PATHNAME', 'agent_studio_server_types' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION agent_studio_private.server_types() IS 'The types of server that this library can speak to.';

CREATE FUNCTION agent_studio_private.endpoint_problem(server text, role_name text) RETURNS text
AS 'MODULE_PATHNAME', 'agent_studio_endpoint_problem' LANGUAGE C STABLE STRICT;
COMMENT ON FUNCTION agent_studio_private.endpoint_problem(text, text) IS
'Why this role could not call this server, in words; NULL = nothing stands in the way. The same code as at send time; never shows a key. Raises 42501 for a role whose rights the caller does not have, unless the caller is an operator.';
