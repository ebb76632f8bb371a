-- Who sees which row: the owner, members of the team, and readers of everything.
--
-- The executor and the functions' bodies run as the extension's owner and are
-- not bound by these policies (no FORCE). Users hold SELECT at most; every
-- write goes through a function.

DO $$
DECLARE
	table_name text;
BEGIN
	FOREACH table_name IN ARRAY ARRAY['executions', 'schedules', 'daily_totals', 'daily_spending', 'daily_owner_totals',
		'daily_owner_spending', 'live_usage'] LOOP
		EXECUTE pg_catalog.format('ALTER TABLE agent_studio.%I ENABLE ROW LEVEL SECURITY', table_name);
		EXECUTE pg_catalog.format($policy$
			CREATE POLICY readers ON agent_studio.%I FOR SELECT USING (
				agent_studio_private.is_mine(owner) OR agent_studio_private.is_mine(team))
			$policy$, table_name);
	END LOOP;
	FOREACH table_name IN ARRAY ARRAY['steps', 'attempts', 'thoughts', 'notices', 'logs', 'commands', 'approvals', 'deliveries'] LOOP
		EXECUTE pg_catalog.format('ALTER TABLE agent_studio.%I ENABLE ROW LEVEL SECURITY', table_name);
		EXECUTE pg_catalog.format($policy$
			CREATE POLICY readers ON agent_studio.%I FOR SELECT USING (
				agent_studio_private.is_of_mine(execution_id, owner, team))
			$policy$, table_name);
	END LOOP;
END
$$;

ALTER TABLE agent_studio.grants ENABLE ROW LEVEL SECURITY;
CREATE POLICY readers ON agent_studio.grants FOR SELECT USING (
	role = ANY ((SELECT agent_studio_private.my_roles())::text[])
	OR granted_by = ANY ((SELECT agent_studio_private.my_roles())::text[])
	OR (SELECT agent_studio_private.reads_all()));

CREATE FUNCTION agent_studio_private.my_grants(kind text) RETURNS bigint[]
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT array_agg(DISTINCT g.object_id) FROM agent_studio.grants g
	WHERE g.kind = my_grants.kind AND g.role = ANY ((SELECT agent_studio_private.my_roles())::text[]);
END;
COMMENT ON FUNCTION agent_studio_private.my_grants(text) IS
'The agents or the workflows on which the current user was granted something; NULL = none.';

ALTER TABLE agent_studio.agents ENABLE ROW LEVEL SECURITY;
CREATE POLICY readers ON agent_studio.agents FOR SELECT USING (
	visibility = 'shared'
	OR agent_id = ANY ((SELECT agent_studio_private.my_grants('agent'))::bigint[])
	OR owner = ANY ((SELECT agent_studio_private.my_roles())::text[])
	OR team = ANY ((SELECT agent_studio_private.my_roles())::text[])
	OR (SELECT agent_studio_private.reads_all()));

ALTER TABLE agent_studio.agent_versions ENABLE ROW LEVEL SECURITY;
CREATE POLICY readers ON agent_studio.agent_versions FOR SELECT USING (
	EXISTS (SELECT FROM agent_studio.agents a WHERE a.agent_id = agent_versions.agent_id));

ALTER TABLE agent_studio.workflows ENABLE ROW LEVEL SECURITY;
CREATE POLICY readers ON agent_studio.workflows FOR SELECT USING (
	visibility = 'shared'
	OR workflow_id = ANY ((SELECT agent_studio_private.my_grants('workflow'))::bigint[])
	OR owner = ANY ((SELECT agent_studio_private.my_roles())::text[])
	OR team = ANY ((SELECT agent_studio_private.my_roles())::text[])
	OR (SELECT agent_studio_private.reads_all()));

ALTER TABLE agent_studio.workflow_versions ENABLE ROW LEVEL SECURITY;
CREATE POLICY readers ON agent_studio.workflow_versions FOR SELECT USING (
	EXISTS (SELECT FROM agent_studio.workflows w WHERE w.workflow_id = workflow_versions.workflow_id));

-- Who is asked to approve may see that, though the execution may be another team's.
CREATE POLICY approvers ON agent_studio.approvals FOR SELECT USING (
	approver = ANY ((SELECT agent_studio_private.my_roles())::text[]));

ALTER TABLE agent_studio.schedule_jobs ENABLE ROW LEVEL SECURITY;
CREATE POLICY readers ON agent_studio.schedule_jobs FOR SELECT USING (
	EXISTS (SELECT FROM agent_studio.schedules s WHERE s.schedule_id = schedule_jobs.schedule_id));

-- The queue itself is nobody's to read but monitors'; whether a step is in it is told of those that one may see.
CREATE VIEW agent_studio_private.queued_steps WITH (security_barrier = true) AS
	SELECT q.execution_id, q.step_no
	FROM agent_studio.queue q JOIN agent_studio.executions e USING (execution_id)
	WHERE agent_studio_private.is_mine(e.owner) OR agent_studio_private.is_mine(e.team);
COMMENT ON VIEW agent_studio_private.queued_steps IS
'Steps that are in the queue, of executions that the current user may see.';

GRANT SELECT ON agent_studio.models, agent_studio.model_prices, agent_studio.agents, agent_studio.agent_versions,
	agent_studio.executions, agent_studio.steps, agent_studio.attempts, agent_studio.thoughts,
	agent_studio.notices, agent_studio.logs, agent_studio.commands, agent_studio.outputs,
	agent_studio.workflows, agent_studio.workflow_versions, agent_studio.approvals, agent_studio.deliveries, agent_studio.schedules, agent_studio.schedule_jobs, agent_studio.grants,
	agent_studio.daily_totals, agent_studio.daily_spending, agent_studio.daily_owner_totals, agent_studio.daily_owner_spending,
	agent_studio.closed_days, agent_studio.stale_days,
	agent_studio.live_usage
	TO agent_studio_user, agent_studio_monitor;
GRANT SELECT ON agent_studio_private.queued_steps TO agent_studio_user, agent_studio_monitor;
GRANT SELECT ON agent_studio.queue, agent_studio.epochs TO agent_studio_monitor;
GRANT SELECT ON agent_studio.model_headroom TO agent_studio_user, agent_studio_monitor;
