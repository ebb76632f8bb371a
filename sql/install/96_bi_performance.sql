-- How well it goes: this month against the targets and against the last one, and each
-- workflow, agent and user by month.

CREATE VIEW agent_studio_private.monthly_totals AS
	SELECT date_trunc('month', t.day::timestamp)::date AS month, t.kind, t.workflow, t.agent,
		   sum(t.executions)::bigint AS executions,
		   coalesce(sum(t.executions) FILTER (WHERE t.status = 'completed'), 0)::bigint AS completed,
		   coalesce(sum(t.timed) FILTER (WHERE t.status = 'completed'), 0)::bigint AS timed,
		   sum(t.duration_seconds) FILTER (WHERE t.status = 'completed') AS duration_seconds,
		   sum(t.input_cost_usd + t.output_cost_usd) AS cost_usd, sum(t.without_cost)::bigint AS without_cost,
		   sum(t.with_cost)::bigint AS with_cost
	FROM agent_studio_private.totals t GROUP BY 1, t.kind, t.workflow, t.agent;
COMMENT ON VIEW agent_studio_private.monthly_totals IS
'Totals of executions by month; durations are those of completed ones.';

CREATE VIEW agent_studio_private.month_results AS
	SELECT k.kind, m.month, coalesce(r.executions, 0)::bigint AS executions, coalesce(r.completed, 0)::bigint AS completed,
		   100 * r.completed / nullif(r.executions, 0) AS success_rate, 100 * r.last_completed / nullif(r.last_executions, 0) AS last_success_rate,
		   r.seconds / nullif(r.timed, 0) AS average_seconds, r.last_seconds / nullif(r.last_timed, 0) AS last_average_seconds
	FROM (VALUES ('all'), ('task'), ('workflow')) k (kind)
	CROSS JOIN (SELECT date_trunc('month', now() AT TIME ZONE 'UTC')::date AS month) m
	LEFT JOIN (
		SELECT coalesce(t.name, 'all') AS kind, sum(t.executions) FILTER (WHERE t.this_month) AS executions,
			   coalesce(sum(t.executions) FILTER (WHERE t.this_month AND t.is_completed), 0) AS completed,
			   sum(t.duration_seconds) FILTER (WHERE t.this_month AND t.is_completed) AS seconds,
			   sum(t.timed) FILTER (WHERE t.this_month AND t.is_completed) AS timed,
			   sum(t.executions) FILTER (WHERE NOT t.this_month) AS last_executions,
			   coalesce(sum(t.executions) FILTER (WHERE NOT t.this_month AND t.is_completed), 0) AS last_completed,
			   sum(t.duration_seconds) FILTER (WHERE NOT t.this_month AND t.is_completed) AS last_seconds,
			   sum(t.timed) FILTER (WHERE NOT t.this_month AND t.is_completed) AS last_timed
		FROM (SELECT t.*, t.day >= date_trunc('month', now() AT TIME ZONE 'UTC')::date AS this_month, t.status = 'completed' AS is_completed
			  FROM agent_studio_private.owner_totals t
			  WHERE t.subject = 'kind' AND t.day >= (date_trunc('month', now() AT TIME ZONE 'UTC') - interval '1 month')::date) t
		GROUP BY GROUPING SETS ((t.name), ())) r ON r.kind = k.kind;
COMMENT ON VIEW agent_studio_private.month_results IS
'This month until now, and the last one, for tasks, for workflows and for both.';

CREATE VIEW agent_studio_bi.success_summary AS
	SELECT r.kind, r.month, r.executions, r.completed AS executions_completed, r.success_rate::numeric(5, 2) AS success_rate_percent,
		   g.success_target_percent, r.success_rate >= g.success_target_percent AS meets_success_target,
		   (r.success_rate - g.success_target_percent)::numeric(6, 2) AS points_above_target,
		   r.last_success_rate::numeric(5, 2) AS last_month_success_rate_percent,
		   (r.success_rate - r.last_success_rate)::numeric(6, 2) AS points_above_last_month
	FROM agent_studio_private.month_results r CROSS JOIN agent_studio_private.targets g;
COMMENT ON VIEW agent_studio_bi.success_summary IS
'How many of this month''s executions completed, against the target and against last month; three rows: all, task, workflow.';

CREATE VIEW agent_studio_bi.duration_summary AS
	SELECT r.kind, r.month, r.completed AS executions_completed, r.average_seconds::numeric(14, 3) AS average_duration_seconds,
		   g.duration_target_seconds, r.average_seconds <= g.duration_target_seconds AS meets_duration_target,
		   r.last_average_seconds::numeric(14, 3) AS last_month_average_duration_seconds
	FROM agent_studio_private.month_results r CROSS JOIN agent_studio_private.targets g;
COMMENT ON VIEW agent_studio_bi.duration_summary IS
'How long this month''s completed executions took, against the target and last month; three rows: all, task, workflow.';

CREATE VIEW agent_studio_bi.workflow_performance AS
	SELECT r.month, r.workflow, r.executions, r.completed AS executions_completed, r.success_rate::numeric(5, 2) AS success_rate_percent,
		   g.success_target_percent, r.success_rate >= g.success_target_percent AS meets_success_target,
		   r.average_seconds::numeric(14, 3) AS average_duration_seconds, g.duration_target_seconds,
		   r.average_seconds <= g.duration_target_seconds AS meets_duration_target, r.cost_usd::numeric(20, 6) AS cost_usd,
		   r.cost_per_execution::numeric(20, 6) AS cost_per_execution_usd, r.without_cost AS executions_without_cost,
		   (100 * r.executions / sum(r.executions) OVER (PARTITION BY r.month))::numeric(5, 2) AS share_percent
	FROM (SELECT t.month, t.workflow, sum(t.executions)::bigint AS executions, sum(t.completed)::bigint AS completed,
				 100 * sum(t.completed) / sum(t.executions) AS success_rate, sum(t.duration_seconds) / nullif(sum(t.timed), 0) AS average_seconds,
				 sum(t.cost_usd) AS cost_usd, sum(t.cost_usd) / nullif(sum(t.with_cost), 0) AS cost_per_execution, sum(t.without_cost)::bigint AS without_cost
		  FROM agent_studio_private.monthly_totals t WHERE t.kind = 'workflow' GROUP BY t.month, t.workflow) r
	LEFT JOIN agent_studio_private.workflow_targets w ON w.workflow = r.workflow
	CROSS JOIN LATERAL (
		SELECT coalesce(w.success_target_percent, t.success_target_percent)::numeric(5, 2) AS success_target_percent,
			   coalesce(w.duration_target_seconds, t.duration_target_seconds) AS duration_target_seconds
		FROM agent_studio_private.targets t) g;
COMMENT ON VIEW agent_studio_bi.workflow_performance IS
'Each workflow by the month in which its executions came to rest: how many and which share of all, success and duration against its own targets, cost. Dropped and renamed ones keep the name that they had.';

CREATE VIEW agent_studio_bi.agent_results AS
	SELECT r.month, r.agent, sum(r.executions)::bigint AS executions, sum(r.completed)::bigint AS executions_completed,
		   (100 * sum(r.completed) / nullif(sum(r.executions), 0))::numeric(5, 2) AS success_rate_percent,
		   (sum(r.duration_seconds) / nullif(sum(r.timed), 0))::numeric(14, 3) AS average_duration_seconds,
		   sum(r.attempts)::bigint AS attempts, sum(r.failed)::bigint AS attempts_failed, sum(r.retries)::bigint AS retries,
		   sum(r.input_tokens)::bigint AS input_tokens, sum(r.output_tokens)::bigint AS output_tokens,
		   sum(r.cost_usd)::numeric(20, 6) AS cost_usd, sum(r.without_cost)::bigint AS attempts_without_cost
	FROM (SELECT t.month, t.agent, t.executions, t.completed, t.duration_seconds, t.timed, 0 AS attempts, 0 AS failed, 0 AS retries,
				 NULL::bigint AS input_tokens, NULL::bigint AS output_tokens, NULL::numeric AS cost_usd, 0 AS without_cost
		  FROM agent_studio_private.monthly_totals t WHERE t.kind = 'task'
		  UNION ALL
		  SELECT date_trunc('month', s.day::timestamp)::date, s.agent, 0, 0, NULL, 0, sum(s.attempts),
				 coalesce(sum(s.attempts) FILTER (WHERE s.outcome = 'failed'), 0), sum(s.retries), sum(s.input_tokens), sum(s.output_tokens),
				 sum(s.input_cost_usd + s.output_cost_usd), sum(s.without_cost)
		  FROM agent_studio_private.spending s WHERE NOT s.is_test AND s.agent IS NOT NULL GROUP BY s.day, s.agent) r
	GROUP BY r.month, r.agent;
COMMENT ON VIEW agent_studio_bi.agent_results IS
'Each agent by month: the tasks that were given to it and came to rest, and the calls of models, tokens and cost of all its work, that in workflows too.';

CREATE VIEW agent_studio_bi.active_users AS
	SELECT date_trunc('month', t.day::timestamp)::date AS month, t.owner, sum(t.executions)::bigint AS executions,
		   coalesce(sum(t.executions) FILTER (WHERE t.status = 'completed'), 0)::bigint AS executions_completed,
		   (100 * coalesce(sum(t.executions) FILTER (WHERE t.status = 'completed'), 0) / sum(t.executions))::numeric(5, 2) AS success_rate_percent,
		   sum(t.input_cost_usd + t.output_cost_usd)::numeric(20, 6) AS cost_usd, sum(t.without_cost)::bigint AS executions_without_cost
	FROM agent_studio_private.owner_totals t WHERE t.subject = 'kind' GROUP BY 1, t.owner;
COMMENT ON VIEW agent_studio_bi.active_users IS
'Whose executions came to rest in a month, how many completed, and what they cost.';

-- As agent_studio.budget_status tells it of the budgets that concern a reader, whose functions a role here cannot call.
CREATE VIEW agent_studio_bi.budget_status AS
	SELECT concat_ws(':', b.kind, nullif(b.name, '')) AS scope, b.period, b.action, p.first_day, p.last_day, b.amount_usd::numeric(20, 6) AS amount_usd,
		   s.spent::numeric(20, 6) AS spent_usd, s.projected::numeric(20, 6) AS projected_cost_usd, s.unknown_calls AS attempts_without_cost,
		   s.spent >= b.amount_usd AS is_used_up, s.projected <= b.amount_usd AS meets_budget
	FROM agent_studio.budgets b
	CROSS JOIN (SELECT (now() AT TIME ZONE 'UTC')::date AS today) t
	CROSS JOIN LATERAL (
		SELECT f.first_day, (f.first_day + CASE b.period WHEN 'day' THEN interval '1 day' WHEN 'week' THEN interval '7 days' WHEN 'month' THEN interval '1 month'
							 WHEN 'quarter' THEN interval '3 months' ELSE interval '1 year' END)::date - 1 AS last_day
		FROM (SELECT date_trunc(b.period, t.today::timestamp)::date AS first_day) f) p
	LEFT JOIN LATERAL (
		SELECT c.spent_usd AS spent, c.unknown_calls,
			   least(c.spent_usd * (p.last_day - p.first_day + 1) / (t.today - p.first_day + 1), 99999999999999) AS projected
		-- The newest period that was counted: nothing has been spent since, if that is not the current one.
		FROM (SELECT CASE WHEN x.period_start = p.first_day::timestamp AT TIME ZONE 'UTC' THEN x.spent_usd ELSE 0 END AS spent_usd,
					 CASE WHEN x.period_start = p.first_day::timestamp AT TIME ZONE 'UTC' THEN x.unknown_calls ELSE 0 END AS unknown_calls
			  FROM agent_studio.budget_spending x WHERE x.budget_id = b.budget_id AND x.period_start <= p.first_day::timestamp AT TIME ZONE 'UTC'
			  ORDER BY x.period_start DESC LIMIT 1) c) s ON true;
COMMENT ON VIEW agent_studio_bi.budget_status IS
'Each budget in its current period: what is spent, tests of workflows among it, and what it comes to if the rest of the period is like the days until today.';
