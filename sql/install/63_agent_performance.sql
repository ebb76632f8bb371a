-- View agent_performance: how each agent has done lately, in tasks and in steps of
-- workflows. What can be added up is taken from the daily totals; how long work took is
-- looked up in what came last, through the indexes by agent and by workflow.

CREATE FUNCTION agent_studio_private.recent_tasks(agent text) RETURNS TABLE (seconds float8, finished_at timestamptz)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	SELECT extract(epoch FROM e.finished_at - e.started_at)::float8, e.finished_at
	FROM (SELECT x.started_at, x.finished_at FROM agent_studio.executions x WHERE x.agent BETWEEN recent_tasks.agent AND recent_tasks.agent
		  ORDER BY x.agent DESC, x.execution_id DESC LIMIT 200) e
	WHERE e.finished_at > now() - interval '30 days' AND e.started_at IS NOT NULL;
END
$$;
COMMENT ON FUNCTION agent_studio_private.recent_tasks(text) IS
'How long an agent''s newest 200 tasks took that came to rest within 30 days, and when they did.';

CREATE FUNCTION agent_studio_private.recent_steps(workflow text) RETURNS TABLE (agent_id bigint, seconds float8, finished_at timestamptz)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	SELECT v.agent_id, extract(epoch FROM s.finished_at - s.started_at)::float8, s.finished_at
	FROM (SELECT x.execution_id, x.is_test FROM agent_studio.executions x WHERE x.workflow BETWEEN recent_steps.workflow AND recent_steps.workflow
		  ORDER BY x.workflow DESC, x.execution_id DESC LIMIT 50) e
	JOIN agent_studio.steps s USING (execution_id) JOIN agent_studio.agent_versions v USING (agent_version_id)
	WHERE s.finished_at > now() - interval '30 days' AND s.started_at IS NOT NULL AND NOT e.is_test;
END
$$;
COMMENT ON FUNCTION agent_studio_private.recent_steps(text) IS
'How long the steps of a workflow''s newest 50 executions took that came to rest within 30 days, whose they were, and when they did.';

CREATE VIEW agent_studio.agent_performance WITH (security_invoker = true) AS
	WITH calls AS (
		SELECT s.workflow, s.agent, sum(s.attempts - s.retries) AS begun,
			   coalesce(sum(s.attempts) FILTER (WHERE s.outcome = 'completed'), 0) AS completed,
			   coalesce(sum(s.attempts) FILTER (WHERE s.outcome = 'canceled'), 0) AS canceled, sum(s.duration_seconds) AS duration_seconds,
			   sum(s.input_tokens + s.output_tokens) AS tokens, sum(s.input_cost_usd + s.output_cost_usd) AS cost_usd,
			   sum(s.without_cost) AS without_cost
		FROM agent_studio_private.visible_spending s
		WHERE NOT s.is_test AND s.day > (now() AT TIME ZONE 'UTC')::date - 30
		GROUP BY s.workflow, s.agent),
	work AS (
		SELECT t.agent, t.timed AS begun, CASE t.status WHEN 'completed' THEN t.executions ELSE 0 END AS completed,
			   CASE t.status WHEN 'failed' THEN t.executions ELSE 0 END AS failed, t.timed, t.duration_seconds,
			   t.input_tokens + t.output_tokens AS tokens, t.input_cost_usd + t.output_cost_usd AS cost_usd, t.without_cost
		FROM agent_studio_private.visible_totals t WHERE t.kind = 'task' AND t.day > (now() AT TIME ZONE 'UTC')::date - 30
		UNION ALL
		-- Steps: as many as there are first calls. What neither completed nor was canceled has failed.
		SELECT c.agent, sum(c.begun), sum(c.completed), greatest(0, sum(c.begun - c.completed - c.canceled)), sum(c.begun),
			   sum(c.duration_seconds), sum(c.tokens), sum(c.cost_usd), sum(c.without_cost)
		FROM calls c WHERE c.workflow IS NOT NULL GROUP BY c.agent),
	summed AS (
		SELECT w.agent, sum(w.begun)::bigint AS executions, sum(w.completed)::bigint AS completed, sum(w.failed)::bigint AS failed,
			   sum(w.duration_seconds) / nullif(sum(w.timed), 0) AS average_seconds, sum(w.tokens)::bigint AS tokens,
			   sum(w.cost_usd) AS cost_usd, sum(w.without_cost)::bigint AS cost_unknown
		FROM work w GROUP BY w.agent),
	recent AS (
		SELECT r.agent_id, percentile_cont(0.95) WITHIN GROUP (ORDER BY r.seconds) AS p95_seconds, max(r.finished_at) AS last_run_at
		-- Whoever sees none of an agent's work would look through all of it.
		FROM (SELECT s.* FROM agent_studio.workflows f CROSS JOIN LATERAL agent_studio_private.recent_steps(f.name) s
			  WHERE f.name IN (SELECT c.workflow FROM calls c)
			  UNION ALL
			  SELECT a.agent_id, t.* FROM agent_studio.agents a CROSS JOIN LATERAL agent_studio_private.recent_tasks(a.name) t
			  WHERE a.name IN (SELECT w.agent FROM work w)) r
		GROUP BY r.agent_id)
	SELECT a.name AS agent, a.agent_type, a.team, a.environment, a.status,
		   coalesce(s.executions, 0) AS executions, coalesce(s.completed, 0) AS completed, coalesce(s.failed, 0) AS failed,
		   round(100.0 * s.completed / nullif(s.completed + s.failed, 0), 1) AS success_rate_percent,
		   round(s.average_seconds, 1) AS average_duration_seconds, round(r.p95_seconds::numeric, 1) AS p95_duration_seconds,
		   s.tokens / nullif(s.executions, 0) AS average_tokens, s.tokens AS total_tokens,
		   round(s.cost_usd / nullif(s.executions - s.cost_unknown, 0), 6) AS average_cost_usd, round(s.cost_usd, 6) AS total_cost_usd,
		   coalesce(s.cost_unknown, 0) AS cost_unknown, r.last_run_at
	FROM agent_studio.agents a LEFT JOIN summed s ON s.agent = a.name LEFT JOIN recent r USING (agent_id);
COMMENT ON VIEW agent_studio.agent_performance IS
'How each agent has done within the last 30 days (UTC): its tasks, and its steps in workflows, each iteration of a step being a piece of work of its own, which belongs to whoever was asked. What is under way and what was never begun is left out, and so are tests. Only what the current user can see.';
COMMENT ON COLUMN agent_studio.agent_performance.agent IS 'Name of the agent.';
COMMENT ON COLUMN agent_studio.agent_performance.agent_type IS 'architect, builder, validator, scribe, or another word.';
COMMENT ON COLUMN agent_studio.agent_performance.team IS 'Role whose members may use it; NULL = none.';
COMMENT ON COLUMN agent_studio.agent_performance.environment IS 'development, staging or production.';
COMMENT ON COLUMN agent_studio.agent_performance.status IS 'active or deprecated.';
COMMENT ON COLUMN agent_studio.agent_performance.executions IS 'Tasks that were begun and came to rest, and steps of workflows of which a first call has ended.';
COMMENT ON COLUMN agent_studio.agent_performance.completed IS 'Of these, completed.';
COMMENT ON COLUMN agent_studio.agent_performance.failed IS 'Of these, failed; of steps, what has neither completed nor was canceled. The rest was canceled, or is held for a review.';
COMMENT ON COLUMN agent_studio.agent_performance.success_rate_percent IS 'Completed ones among those that completed or failed, in percent; NULL = none did.';
COMMENT ON COLUMN agent_studio.agent_performance.average_duration_seconds IS 'Seconds on average: of a task from its start to its end, waits for retries included, of a step those of its calls; NULL = none.';
COMMENT ON COLUMN agent_studio.agent_performance.p95_duration_seconds IS 'Seconds within which 95 of 100 came to rest, of its newest 200 tasks and its steps in the newest 50 executions of each workflow; NULL = none of them within 30 days.';
COMMENT ON COLUMN agent_studio.agent_performance.average_tokens IS 'Input and output tokens that are known, divided by executions; NULL = none is known.';
COMMENT ON COLUMN agent_studio.agent_performance.total_tokens IS 'Input and output tokens in all, where they are known; NULL = nowhere.';
COMMENT ON COLUMN agent_studio.agent_performance.average_cost_usd IS 'USD on average over those whose cost is known; NULL = of none.';
COMMENT ON COLUMN agent_studio.agent_performance.total_cost_usd IS 'USD in all, where it is known; NULL = nowhere.';
COMMENT ON COLUMN agent_studio.agent_performance.cost_unknown IS 'How many tasks, and calls in workflows, have a cost that is not known and so in neither figure.';
COMMENT ON COLUMN agent_studio.agent_performance.last_run_at IS 'When the last of them came to rest; NULL = none within 30 days.';
GRANT SELECT ON agent_studio.agent_performance TO agent_studio_user, agent_studio_monitor;
