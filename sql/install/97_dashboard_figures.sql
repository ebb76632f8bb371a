-- The figures of the dashboard's page: what the views of agent_studio_bi tell of
-- everybody, for what the reader may see, by the same definitions. The daily totals are
-- read once each and added up in all ways that the page needs; the rest is told from
-- these few hundred rows.

CREATE TYPE agent_studio_private.dashboard_figure AS (
	subject text, name text, since date, executions bigint, completed bigint, timed bigint, seconds numeric,
	calls bigint, input_tokens bigint, output_tokens bigint, cost_usd numeric, with_cost bigint, without_cost bigint
);
COMMENT ON TYPE agent_studio_private.dashboard_figure IS
'A sum: of executions at rest, where subject is day, month (name: task or workflow), workflow, user or error; of calls of models, where it is day of calls or month of calls. timed and seconds are those of completed ones; with_cost had calls whose cost is known, without_cost such whose cost is not.';

CREATE FUNCTION agent_studio_private.dashboard_figures(since date, first_month date) RETURNS SETOF agent_studio_private.dashboard_figure
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT CASE WHEN grouping(t.day) = 0 THEN 'day' WHEN grouping(t.kind) = 0 THEN 'month' WHEN grouping(t.workflow) = 0 THEN 'workflow'
				WHEN grouping(t.owner) = 0 THEN 'user' ELSE 'error' END,
		   coalesce(t.kind, t.workflow, t.owner, t.error_class), coalesce(t.day, t.month), sum(t.executions)::bigint,
		   coalesce(sum(t.executions) FILTER (WHERE t.is_completed), 0)::bigint, coalesce(sum(t.timed) FILTER (WHERE t.is_completed), 0)::bigint,
		   sum(t.duration_seconds) FILTER (WHERE t.is_completed), NULL::bigint, NULL::bigint, NULL::bigint,
		   sum(t.input_cost_usd + t.output_cost_usd), coalesce(sum(t.executions - t.without_cost) FILTER (WHERE t.attempts > 0), 0)::bigint,
		   sum(t.without_cost)::bigint
	FROM (SELECT v.*, date_trunc('month', v.day::timestamp)::date AS month, v.day >= dashboard_figures.since AS recent, v.status = 'completed' AS is_completed
		  FROM agent_studio_private.visible_totals v WHERE v.day >= first_month) t
	GROUP BY GROUPING SETS ((t.day), (t.month, t.kind), (t.recent, t.workflow), (t.recent, t.owner), (t.recent, t.error_class))
	HAVING grouping(t.recent) = 1 OR (t.recent AND coalesce(t.workflow, t.owner, t.error_class) IS NOT NULL)
	UNION ALL
	SELECT CASE grouping(s.day) WHEN 0 THEN 'day of calls' ELSE 'month of calls' END, NULL, coalesce(s.day, s.month), NULL, NULL, NULL, NULL,
		   sum(s.attempts)::bigint, sum(s.input_tokens)::bigint, sum(s.output_tokens)::bigint, sum(s.input_cost_usd + s.output_cost_usd),
		   NULL, sum(s.without_cost)::bigint
	FROM (SELECT v.*, date_trunc('month', v.day::timestamp)::date AS month
		  FROM agent_studio_private.visible_spending v WHERE v.day >= first_month AND NOT v.is_test) s
	GROUP BY GROUPING SETS ((s.day), (s.month));
END;
COMMENT ON FUNCTION agent_studio_private.dashboard_figures(date, date) IS
'All sums that the dashboard''s page is made of: by day and by month from the first month on; by workflow, user and error from since on. Tests of workflows are left out.';

CREATE FUNCTION agent_studio_private.dashboard_days(figures agent_studio_private.dashboard_figure[], since date, today date)
RETURNS TABLE (day date, executions bigint, completed bigint, success_rate numeric, average_seconds numeric,
	calls bigint, input_tokens bigint, output_tokens bigint, cost_usd numeric, without_cost bigint)
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT d.day::date, coalesce(e.executions, 0), coalesce(e.completed, 0), 100.0 * e.completed / e.executions, e.seconds / nullif(e.timed, 0),
		   coalesce(c.calls, 0), c.input_tokens, c.output_tokens, c.cost_usd, coalesce(c.without_cost, 0)
	FROM generate_series(dashboard_days.since::timestamp, today::timestamp, interval '1 day') d (day)
	LEFT JOIN unnest(figures) e ON e.subject = 'day' AND e.since = d.day
	LEFT JOIN unnest(figures) c ON c.subject = 'day of calls' AND c.since = d.day
	ORDER BY d.day;
END;
COMMENT ON FUNCTION agent_studio_private.dashboard_days(agent_studio_private.dashboard_figure[], date, date) IS
'Each day of the page, as success_rate_daily, duration_daily, token_usage_daily and cost_daily tell it; one without executions has no rate, one without calls no tokens and no cost.';

CREATE FUNCTION agent_studio_private.dashboard_months(figures agent_studio_private.dashboard_figure[], today date)
RETURNS TABLE (month date, calls bigint, cost_usd numeric, projected_usd numeric, cost_per_execution numeric, without_cost bigint)
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT m.month::date, coalesce(c.calls, 0), c.cost_usd,
		   CASE WHEN m.month = date_trunc('month', today::timestamp)
				THEN c.cost_usd * extract(day FROM m.month + interval '1 month' - interval '1 day') / extract(day FROM today) END,
		   e.cost / nullif(e.with_cost, 0), coalesce(c.without_cost, 0)
	FROM generate_series((SELECT date_trunc('month', min(f.since)::timestamp) FROM unnest(figures) f WHERE f.subject LIKE 'month%'),
						 today::timestamp, interval '1 month') m (month)
	LEFT JOIN unnest(figures) c ON c.subject = 'month of calls' AND c.since = m.month
	LEFT JOIN LATERAL (SELECT sum(f.cost_usd) AS cost, sum(f.with_cost) AS with_cost FROM unnest(figures) f
					   WHERE f.subject = 'month' AND f.since = m.month) e ON true
	ORDER BY m.month;
END;
COMMENT ON FUNCTION agent_studio_private.dashboard_months(agent_studio_private.dashboard_figure[], date) IS
'What calls of models cost by month, as cost_monthly tells it, from the first month of which there is something; projected_usd is that of the current month, NULL for others.';

CREATE FUNCTION agent_studio_private.dashboard_results(figures agent_studio_private.dashboard_figure[], today date)
RETURNS TABLE (kind text, executions bigint, completed bigint, success_rate numeric, last_success_rate numeric,
	average_seconds numeric, last_average_seconds numeric)
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT k.kind, coalesce(r.executions, 0), coalesce(r.completed, 0), 100.0 * r.completed / r.executions,
		   100.0 * r.last_completed / r.last_executions, r.seconds / nullif(r.timed, 0), r.last_seconds / nullif(r.last_timed, 0)
	FROM (VALUES (1, 'all'), (2, 'task'), (3, 'workflow')) k (n, kind)
	CROSS JOIN LATERAL (
		SELECT sum(f.executions) FILTER (WHERE f.is_now)::bigint AS executions, sum(f.completed) FILTER (WHERE f.is_now)::bigint AS completed,
			   sum(f.timed) FILTER (WHERE f.is_now) AS timed, sum(f.seconds) FILTER (WHERE f.is_now) AS seconds,
			   sum(f.executions) FILTER (WHERE NOT f.is_now) AS last_executions, sum(f.completed) FILTER (WHERE NOT f.is_now) AS last_completed,
			   sum(f.timed) FILTER (WHERE NOT f.is_now) AS last_timed, sum(f.seconds) FILTER (WHERE NOT f.is_now) AS last_seconds
		FROM (SELECT u.*, u.since = date_trunc('month', today::timestamp) AS is_now FROM unnest(figures) u
			  WHERE u.subject = 'month' AND u.since >= date_trunc('month', today::timestamp) - interval '1 month') f
		WHERE k.kind IN ('all', f.name)) r
	ORDER BY k.n;
END;
COMMENT ON FUNCTION agent_studio_private.dashboard_results(agent_studio_private.dashboard_figure[], date) IS
'This month and the last one, for both kinds, tasks and workflows, as success_summary and duration_summary tell it.';

CREATE FUNCTION agent_studio_private.dashboard_workflows(figures agent_studio_private.dashboard_figure[])
RETURNS TABLE (n bigint, workflow text, executions bigint, share numeric, success_rate numeric, success_target numeric,
	average_seconds numeric, duration_target numeric, cost_usd numeric, cost_per_execution numeric, without_cost bigint)
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT row_number() OVER (ORDER BY f.executions DESC, f.name), f.name, f.executions, 100.0 * f.executions / sum(f.executions) OVER (),
		   100.0 * f.completed / f.executions,
		   coalesce((v.definition -> 'settings' ->> 'success_target_percent')::numeric, t.success_target_percent),
		   f.seconds / nullif(f.timed, 0),
		   coalesce((v.definition -> 'settings' ->> 'duration_target_seconds')::numeric, t.duration_target_seconds),
		   f.cost_usd, f.cost_usd / nullif(f.with_cost, 0), f.without_cost
	FROM unnest(figures) f
	CROSS JOIN agent_studio_private.targets t
	LEFT JOIN agent_studio.workflows w ON w.name = f.name
	LEFT JOIN agent_studio.workflow_versions v ON v.workflow_id = w.workflow_id AND v.version = w.current_version
	WHERE f.subject = 'workflow'
	ORDER BY 1;
END;
COMMENT ON FUNCTION agent_studio_private.dashboard_workflows(agent_studio_private.dashboard_figure[]) IS
'Workflows, the most used first, as workflow_performance tells it of a month. Of a workflow that the reader may not see, the targets are those of the server.';

CREATE FUNCTION agent_studio_private.dashboard_budget() RETURNS agent_studio.budget_status
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT s FROM agent_studio.budget_status s
	ORDER BY (s.scope = 'all' AND s.period = 'month' AND agent_studio_private.reads_all()) DESC, s.percent_used DESC NULLS LAST, s.scope
	LIMIT 1;
END;
COMMENT ON FUNCTION agent_studio_private.dashboard_budget() IS
'The budget to be seen first: that of all for a month, for whoever sees everything; else the one that is used up most. NULL = there is none.';
