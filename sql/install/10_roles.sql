-- Roles: who may use Agent Studio, run it, rule it, or only look at it.
--
-- Roles belong to the whole cluster, not to a database, so they are created only
-- if absent, and DROP EXTENSION leaves them (they may have members by then).

DO $$
DECLARE
	role_name text;
BEGIN
	FOREACH role_name IN ARRAY ARRAY['agent_studio_user', 'agent_studio_monitor',
									 'agent_studio_operator', 'agent_studio_admin',
									 'agent_studio_bi_reader']
	LOOP
		IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = role_name) THEN
			BEGIN
				EXECUTE pg_catalog.format('CREATE ROLE %I NOLOGIN', role_name);
			EXCEPTION WHEN duplicate_object OR unique_violation THEN
				NULL;			-- another database of this cluster was faster
			END;
		END IF;
	END LOOP;

	IF NOT pg_catalog.pg_has_role('agent_studio_monitor', 'agent_studio_bi_reader', 'member') THEN
		GRANT agent_studio_bi_reader TO agent_studio_monitor;
	END IF;
	IF NOT pg_catalog.pg_has_role('agent_studio_operator', 'agent_studio_user', 'member') THEN
		GRANT agent_studio_user TO agent_studio_operator;
	END IF;
	IF NOT pg_catalog.pg_has_role('agent_studio_operator', 'agent_studio_monitor', 'member') THEN
		GRANT agent_studio_monitor TO agent_studio_operator;
	END IF;
	IF NOT pg_catalog.pg_has_role('agent_studio_admin', 'agent_studio_operator', 'member') THEN
		GRANT agent_studio_operator TO agent_studio_admin;
	END IF;
END
$$;

-- Computed once a query (an InitPlan), not once a row: see the policies.
CREATE FUNCTION agent_studio_private.my_roles() RETURNS text[]
AS 'MODULE_PATHNAME', 'agent_studio_my_roles' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION agent_studio_private.my_roles() IS
'Names of the roles whose rights the current user has, its own among them.';

CREATE FUNCTION agent_studio_private.reads_all() RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.pg_has_role('agent_studio_monitor', 'usage');
END;
COMMENT ON FUNCTION agent_studio_private.reads_all() IS
'True for members of agent_studio_monitor (and so of operator and admin), who read the rows of every owner.';

-- What policies ask of each row: see mine.c. The other arguments of is_of_mine are those
-- of the execution that the row belongs to.
CREATE FUNCTION agent_studio_private.mine_support(internal) RETURNS internal
AS 'MODULE_PATHNAME', 'agent_studio_mine_support' LANGUAGE C STRICT;
COMMENT ON FUNCTION agent_studio_private.mine_support(internal) IS
'Tells the planner how many rows is_mine and is_of_mine let pass, and of an index that finds them.';

CREATE FUNCTION agent_studio_private.is_mine(role text) RETURNS boolean
AS 'MODULE_PATHNAME', 'agent_studio_is_mine' LANGUAGE C STABLE STRICT PARALLEL SAFE SUPPORT agent_studio_private.mine_support;
COMMENT ON FUNCTION agent_studio_private.is_mine(text) IS
'Whether the current user may see what belongs to a role: he has its rights, or reads everything; NULL for NULL.';

CREATE FUNCTION agent_studio_private.is_of_mine(execution_id bigint, owner text, team text) RETURNS boolean
AS 'MODULE_PATHNAME', 'agent_studio_is_of_mine' LANGUAGE C STABLE PARALLEL SAFE SUPPORT agent_studio_private.mine_support;
COMMENT ON FUNCTION agent_studio_private.is_of_mine(bigint, text, text) IS
'Whether the current user may see what belongs to an execution of that owner and that team: he has the rights of one of them, or reads everything.';

CREATE FUNCTION agent_studio_private.planned_roles() RETURNS text[]
AS 'MODULE_PATHNAME', 'agent_studio_planned_roles' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION agent_studio_private.planned_roles() IS
'my_roles(), for an index that the planner has chosen; raises 55000 for whoever reads everything, for whom it would not have.';

CREATE FUNCTION agent_studio_private.planned_executions() RETURNS bigint[]
AS 'MODULE_PATHNAME', 'agent_studio_planned_executions' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION agent_studio_private.planned_executions() IS
'The ids of all executions of which the current user has the rights of the owner or of the team, for an index that the planner has chosen; raises 55000 for whoever reads everything.';
