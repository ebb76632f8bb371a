-- View agent_performance: how each agent has done lately. A piece of work is a task, or
-- one iteration of a workflow's step. It is read from what came last, through the
-- indexes by agent and by workflow, so that a long history costs no more than a short one.

CREATE FUNCTION agent_studio_private.tasks_of(agent text)
RETURNS TABLE (status text, started_at timestamptz, finished_at timestamptz, tokens bigint, cost_usd numeric)
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT e.status, e.started_at, e.finished_at, e.input_tokens + e.output_tokens, e.input_cost_usd + e.output_cost_usd
	FROM (SELECT x.* FROM agent_studio.executions x WHERE x.agent = tasks_of.agent
		  ORDER BY x.execution_id DESC LIMIT 1000) e
	WHERE e.finished_at > pg_catalog.now() - interval '30 days' AND e.started_at IS NOT NULL AND NOT e.is_test;
END;
COMMENT ON FUNCTION agent_studio_private.tasks_of(text) IS
'Of an agent''s newest 1,000 tasks those that came to rest within 30 days, with tokens and USD; NULL = not known.';

CREATE FUNCTION agent_studio_private.workflow_steps_of(workflow text)
RETURNS TABLE (agent_id bigint, status text, started_at timestamptz, finished_at timestamptz, tokens bigint, cost_usd numeric)
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT v.agent_id, s.state, s.started_at, s.finished_at, t.tokens, t.cost_usd
	FROM (SELECT x.execution_id, x.is_test FROM agent_studio.executions x WHERE x.workflow = workflow_steps_of.workflow
		  ORDER BY x.execution_id DESC LIMIT 200) e
	JOIN agent_studio.steps s USING (execution_id)
	JOIN agent_studio.agent_versions v USING (agent_version_id)
	CROSS JOIN LATERAL (
		SELECT sum(a.input_tokens + a.output_tokens)::bigint AS tokens, sum(a.input_cost_usd + a.output_cost_usd) AS cost_usd
		FROM agent_studio.attempts a WHERE a.execution_id = s.execution_id AND a.step_no = s.step_no) t
	WHERE s.finished_at > pg_catalog.now() - interval '30 days' AND s.started_at IS NOT NULL AND NOT e.is_test;
END;
COMMENT ON FUNCTION agent_studio_private.workflow_steps_of(text) IS
'Steps of a workflow''s newest 200 executions that came to rest within 30 days, each with the agent that worked on it last, tokens and USD; NULL = not known.';

CREATE VIEW agent_studio.agent_performance WITH (security_invoker = true) AS
	WITH work AS (
		SELECT s.* FROM agent_studio.workflows f CROSS JOIN LATERAL agent_studio_private.workflow_steps_of(f.name) s
		UNION ALL
		SELECT a.agent_id, t.* FROM agent_studio.agents a CROSS JOIN LATERAL agent_studio_private.tasks_of(a.name) t),
	summed AS (
		SELECT w.agent_id, count(*) AS executions,
			   count(*) FILTER (WHERE w.status = 'completed') AS completed,
			   count(*) FILTER (WHERE w.status IN ('failed', 'partial')) AS failed,
			   avg(extract(epoch FROM w.finished_at - w.started_at)) AS average_seconds,
			   percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM w.finished_at - w.started_at)::float8) AS p95_seconds,
			   sum(w.tokens) AS tokens, avg(w.tokens) AS average_tokens, sum(w.cost_usd) AS cost_usd, avg(w.cost_usd) AS average_cost_usd,
			   count(*) FILTER (WHERE w.cost_usd IS NULL) AS cost_unknown, max(w.finished_at) AS last_run_at
		FROM work w GROUP BY w.agent_id)
	SELECT a.name AS agent, a.agent_type, a.team, a.environment, a.status,
		   coalesce(s.executions, 0) AS executions, coalesce(s.completed, 0) AS completed, coalesce(s.failed, 0) AS failed,
		   round(100.0 * s.completed / nullif(s.completed + s.failed, 0), 1) AS success_rate_percent,
		   round(s.average_seconds, 1) AS average_duration_seconds, round(s.p95_seconds::numeric, 1) AS p95_duration_seconds,
		   round(s.average_tokens)::bigint AS average_tokens, s.tokens::bigint AS total_tokens,
		   round(s.average_cost_usd, 6) AS average_cost_usd, round(s.cost_usd, 6) AS total_cost_usd,
		   coalesce(s.cost_unknown, 0) AS cost_unknown, s.last_run_at
	FROM agent_studio.agents a LEFT JOIN summed s USING (agent_id);
COMMENT ON VIEW agent_studio.agent_performance IS
'How each agent has done within the last 30 days: its newest 1,000 tasks, and its steps in the newest 200 executions of each workflow, each iteration of a step being a piece of work of its own and the agent the one that had it last. What is under way and what was never begun is left out, and so are tests. Only what the current user can see.';
COMMENT ON COLUMN agent_studio.agent_performance.agent IS 'Name of the agent.';
COMMENT ON COLUMN agent_studio.agent_performance.agent_type IS 'architect, builder, validator, scribe, or another word.';
COMMENT ON COLUMN agent_studio.agent_performance.team IS 'Role whose members may use it; NULL = none.';
COMMENT ON COLUMN agent_studio.agent_performance.environment IS 'development, staging or production.';
COMMENT ON COLUMN agent_studio.agent_performance.status IS 'active or deprecated.';
COMMENT ON COLUMN agent_studio.agent_performance.executions IS 'Tasks and steps that came to rest.';
COMMENT ON COLUMN agent_studio.agent_performance.completed IS 'Of these, completed.';
COMMENT ON COLUMN agent_studio.agent_performance.failed IS 'Of these, failed, or partial for want of time. The rest was canceled, or is held for a review.';
COMMENT ON COLUMN agent_studio.agent_performance.success_rate_percent IS 'Completed ones among those that completed or failed, in percent; NULL = none did.';
COMMENT ON COLUMN agent_studio.agent_performance.average_duration_seconds IS 'Seconds from the start to the end, on average, waits for retries included; NULL = none.';
COMMENT ON COLUMN agent_studio.agent_performance.p95_duration_seconds IS 'Seconds within which 95 of 100 came to rest; NULL = none.';
COMMENT ON COLUMN agent_studio.agent_performance.average_tokens IS 'Input and output tokens on average, where they are known; NULL = nowhere.';
COMMENT ON COLUMN agent_studio.agent_performance.total_tokens IS 'Input and output tokens in all, where they are known; NULL = nowhere.';
COMMENT ON COLUMN agent_studio.agent_performance.average_cost_usd IS 'USD on average, where it is known; NULL = nowhere.';
COMMENT ON COLUMN agent_studio.agent_performance.total_cost_usd IS 'USD in all, where it is known; NULL = nowhere.';
COMMENT ON COLUMN agent_studio.agent_performance.cost_unknown IS 'How many have a cost that is not known, and so is in neither figure.';
COMMENT ON COLUMN agent_studio.agent_performance.last_run_at IS 'When the last of them came to rest; NULL = none.';
GRANT SELECT ON agent_studio.agent_performance TO agent_studio_user, agent_studio_monitor;
