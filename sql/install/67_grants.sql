-- as_grant and as_revoke.

CREATE FUNCTION agent_studio_private.privileges() RETURNS text[]
LANGUAGE sql IMMUTABLE
RETURN ARRAY['execute', 'modify', 'delete'];
COMMENT ON FUNCTION agent_studio_private.privileges() IS 'What can be granted on an agent or a workflow.';

CREATE FUNCTION agent_studio_private.require_owner(actor text, owner text, wanted text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT agent_studio_private.has_role(actor, owner) AND NOT agent_studio_private.has_role(actor, 'agent_studio_admin') THEN
		RAISE EXCEPTION 'role "%" may not %', actor, wanted
			USING ERRCODE = 'insufficient_privilege',
				  HINT = format('Its owner is "%s"; members of agent_studio_admin may too.', owner);
	END IF;
END
$$;
COMMENT ON FUNCTION agent_studio_private.require_owner(text, text, text) IS
'Raises 42501 unless the actor has the owner''s rights or is an admin.';

-- An object by its name, or with its kind before it where an agent and a workflow share the name.
CREATE FUNCTION agent_studio_private.grantable_object(actor text, object text, OUT kind text, OUT object_id bigint, OUT owner text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	wanted text := substring(object FROM '^(agent|workflow):');
	bare text := regexp_replace(object, '^(agent|workflow):', '');
	sees_all boolean := agent_studio_private.has_role(actor, 'agent_studio_monitor');
	is_agent boolean := EXISTS (SELECT FROM agent_studio.agents a WHERE a.name = bare AND (sees_all OR agent_studio_private.sees_agent(actor, a)));
	is_workflow boolean := EXISTS (SELECT FROM agent_studio.workflows w WHERE w.name = bare AND (sees_all OR agent_studio_private.sees_workflow(actor, w)));
BEGIN
	IF wanted IS NULL AND is_agent AND is_workflow THEN
		RAISE EXCEPTION 'there is an agent "%" and a workflow "%"', bare, bare
			USING ERRCODE = 'ambiguous_alias', HINT = format('Say which: ''agent:%s'' or ''workflow:%s''.', bare, bare);
	ELSIF wanted = 'workflow' OR (wanted IS NULL AND NOT is_agent AND (is_workflow OR bare ~ '-(sequential|parallel|iterative|dynamic)-')) THEN
		kind := 'workflow';
		SELECT w.workflow_id, w.owner INTO object_id, owner FROM agent_studio_private.find_workflow(actor, bare) w;
	ELSE
		kind := 'agent';
		SELECT a.agent_id, a.owner INTO object_id, owner FROM agent_studio_private.find_agent(actor, bare) a;
	END IF;
	PERFORM agent_studio_private.require_owner(actor, owner, format('grant privileges on %s "%s"', kind, bare));
END
$$;
COMMENT ON FUNCTION agent_studio_private.grantable_object(text, text) IS
'The agent or workflow of that name, if the actor may grant privileges on it; raises 42704, 42501, and 42P09 where both have the name.';

CREATE FUNCTION agent_studio_private.known_role(role text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM agent_studio_private.not_null('role', role IS NULL);
	IF lower(role) = 'public' THEN
		RAISE EXCEPTION 'privileges are not granted to PUBLIC'
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'visibility => ''shared'' in as_update_agent or as_update_workflow lets every member of agent_studio_user use it.';
	ELSIF NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = known_role.role) THEN
		RAISE EXCEPTION 'role "%" does not exist', role
			USING ERRCODE = 'undefined_object',
				  HINT = coalesce(format('Perhaps you meant "%s".', agent_studio_private.suggest(role,
					ARRAY(SELECT r.rolname::text FROM pg_roles r WHERE r.rolname !~ '^pg_'))), 'A privilege is given to a role, which CREATE ROLE makes.');
	END IF;
END
$$;
COMMENT ON FUNCTION agent_studio_private.known_role(text) IS 'Raises 42704 for a role that does not exist, 22023 for PUBLIC.';

CREATE FUNCTION agent_studio_private.as_grant(actor text, object text, role text, privilege text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	target record;
BEGIN
	PERFORM agent_studio_private.required('object', object);
	SELECT * INTO target FROM agent_studio_private.grantable_object(actor, object);
	PERFORM agent_studio_private.known_role(role);
	PERFORM agent_studio_private.one_of('privilege', lower(privilege), agent_studio_private.privileges());
	INSERT INTO agent_studio.grants (kind, object_id, role, privilege, granted_by)
	VALUES (target.kind, target.object_id, role, lower(privilege), actor) ON CONFLICT DO NOTHING;
END
$$;

CREATE FUNCTION agent_studio.as_grant(object text, role text, privilege text DEFAULT 'execute') RETURNS void
AS 'MODULE_PATHNAME', 'agent_studio_gate' LANGUAGE C;
COMMENT ON FUNCTION agent_studio.as_grant(text, text, text) IS
'Lets the members of a role use an agent or a workflow (privilege execute), use and change it (modify), or drop it (delete). object: its name; ''agent:NAME'' or ''workflow:NAME'' where both have that name. Whoever starts a workflow still needs the right to each of its agents. Only its owner and members of agent_studio_admin may grant, and say whose team it is and whether it is shared. Raises 42704 unknown object or role, 42501, 22023 unknown privilege, 42P09 an agent and a workflow of that name.';

CREATE FUNCTION agent_studio_private.as_revoke(actor text, object text, role text, privilege text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	target record;
BEGIN
	PERFORM agent_studio_private.required('object', object);
	SELECT * INTO target FROM agent_studio_private.grantable_object(actor, object);
	PERFORM agent_studio_private.not_null('role', role IS NULL);
	IF privilege IS NOT NULL THEN
		PERFORM agent_studio_private.one_of('privilege', lower(privilege), agent_studio_private.privileges());
	END IF;
	DELETE FROM agent_studio.grants g
	WHERE g.kind = target.kind AND g.object_id = target.object_id AND g.role = role
	  AND g.privilege = coalesce(lower(privilege), g.privilege);
	IF NOT FOUND THEN
		RAISE NOTICE 'role "%" has no such privilege on % "%"', role, target.kind, regexp_replace(object, '^(agent|workflow):', '');
	END IF;
END
$$;

CREATE FUNCTION agent_studio.as_revoke(object text, role text, privilege text DEFAULT NULL) RETURNS void
AS 'MODULE_PATHNAME', 'agent_studio_gate' LANGUAGE C;
COMMENT ON FUNCTION agent_studio.as_revoke(text, text, text) IS
'Takes back what as_grant gave: one privilege, or with NULL all of them; what is under way goes on. A role that does not exist any more can be named. Says so where there was nothing to take. Raises 42704, 42501, 22023, 42P09.';
