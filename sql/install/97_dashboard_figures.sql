-- The figures of the dashboard's page: what the views of agent_studio_bi tell of
-- everybody, for what the reader may see, by the same definitions. The daily totals are
-- added up in the ways that the page needs; the rest is told from these few hundred rows.

CREATE TYPE agent_studio_private.dashboard_figure AS (
	subject text, name text, since date, executions bigint, completed bigint, timed bigint, seconds numeric,
	calls bigint, input_tokens bigint, output_tokens bigint, cost_usd numeric, with_cost bigint, without_cost bigint
);
COMMENT ON TYPE agent_studio_private.dashboard_figure IS
'A sum: of executions at rest, where subject is day (name: task or workflow), workflow, user or error; of calls of models, where it is calls (of a day). timed and seconds are those of completed ones; with_cost had calls whose cost is known, without_cost such whose cost is not.';

CREATE FUNCTION agent_studio_private.dashboard_figures(since date, first_month date) RETURNS SETOF agent_studio_private.dashboard_figure
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT g.subject, g.name, g.day, sum(t.executions)::bigint, coalesce(sum(t.executions) FILTER (WHERE t.status = 'completed'), 0)::bigint,
		   coalesce(sum(t.timed) FILTER (WHERE t.status = 'completed'), 0)::bigint, sum(t.seconds) FILTER (WHERE t.status = 'completed'),
		   NULL::bigint, NULL::bigint, NULL::bigint, sum(t.cost_usd),
		   sum(t.with_cost)::bigint, sum(t.without_cost)::bigint
	-- Added up first to what is told in two ways.
	FROM (SELECT CASE v.subject WHEN 'kind' THEN v.day END AS day, CASE v.subject WHEN 'kind' THEN v.owner END AS owner, v.subject, v.name, v.status,
				 sum(v.executions) AS executions, sum(v.timed) AS timed, sum(v.duration_seconds) AS seconds,
				 sum(v.input_cost_usd + v.output_cost_usd) AS cost_usd, sum(v.with_cost) AS with_cost, sum(v.without_cost) AS without_cost
		  FROM agent_studio_private.visible_owner_totals v
		  WHERE v.subject IN ('kind', 'workflow', 'error') AND v.day >= first_month AND (v.subject = 'kind' OR v.day >= dashboard_figures.since)
		  GROUP BY 1, 2, v.subject, v.name, v.status) t
	CROSS JOIN LATERAL (VALUES (CASE t.subject WHEN 'kind' THEN 'day' ELSE t.subject END, t.name, t.day),
		('user', CASE WHEN t.day >= dashboard_figures.since THEN t.owner END, NULL)) g (subject, name, day)
	WHERE g.name IS NOT NULL
	GROUP BY g.subject, g.name, g.day
	UNION ALL
	SELECT 'calls', NULL, s.day, NULL, NULL, NULL, NULL, sum(s.attempts)::bigint, sum(s.input_tokens)::bigint, sum(s.output_tokens)::bigint,
		   sum(s.input_cost_usd + s.output_cost_usd), NULL, sum(s.without_cost)::bigint
	FROM agent_studio_private.visible_owner_spending s WHERE s.day >= first_month GROUP BY s.day;
END;
COMMENT ON FUNCTION agent_studio_private.dashboard_figures(date, date) IS
'All sums that the dashboard''s page is made of: by day from the first month on; by workflow, user and error from since on. Tests of workflows are left out.';

CREATE TYPE agent_studio_private.dashboard_day AS (
	day date, executions bigint, completed bigint, success_rate numeric, average_seconds numeric,
	calls bigint, input_tokens bigint, output_tokens bigint, cost_usd numeric, without_cost bigint
);
COMMENT ON TYPE agent_studio_private.dashboard_day IS
'A day of the page: executions at rest, seconds of those that completed, calls of models.';

CREATE FUNCTION agent_studio_private.dashboard_days(figures agent_studio_private.dashboard_figure[], since date, today date)
RETURNS SETOF agent_studio_private.dashboard_day
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT d.day::date, coalesce(e.executions, 0), coalesce(e.completed, 0), 100.0 * e.completed / e.executions, e.seconds / nullif(e.timed, 0),
		   coalesce(c.calls, 0), c.input_tokens, c.output_tokens, c.cost_usd, coalesce(c.without_cost, 0)
	FROM generate_series(dashboard_days.since::timestamp, today::timestamp, interval '1 day') d (day)
	LEFT JOIN (SELECT f.since, sum(f.executions)::bigint AS executions, sum(f.completed)::bigint AS completed, sum(f.timed) AS timed, sum(f.seconds) AS seconds
			   FROM unnest(figures) f WHERE f.subject = 'day' GROUP BY f.since) e ON e.since = d.day
	LEFT JOIN unnest(figures) c ON c.subject = 'calls' AND c.since = d.day
	ORDER BY d.day;
END;
COMMENT ON FUNCTION agent_studio_private.dashboard_days(agent_studio_private.dashboard_figure[], date, date) IS
'Each day of the page, as success_rate_daily, duration_daily, token_usage_daily and cost_daily tell it; one without executions has no rate, one without calls no tokens and no cost.';

CREATE FUNCTION agent_studio_private.dashboard_months(figures agent_studio_private.dashboard_figure[], today date)
RETURNS TABLE (month date, calls bigint, cost_usd numeric, projected_usd numeric, cost_per_execution numeric, without_cost bigint)
LANGUAGE sql STABLE
BEGIN ATOMIC
	WITH months AS (
		SELECT date_trunc('month', f.since::timestamp) AS month, sum(f.calls)::bigint AS calls, sum(f.cost_usd) FILTER (WHERE f.subject = 'calls') AS cost,
			   sum(f.without_cost) FILTER (WHERE f.subject = 'calls')::bigint AS without_cost,
			   sum(f.cost_usd) FILTER (WHERE f.subject = 'day') / nullif(sum(f.with_cost), 0) AS cost_per_execution
		FROM unnest(figures) f WHERE f.subject IN ('day', 'calls') GROUP BY 1)
	SELECT m.month::date, coalesce(c.calls, 0), c.cost,
		   CASE WHEN m.month = date_trunc('month', today::timestamp)
				THEN c.cost * extract(day FROM m.month + interval '1 month' - interval '1 day') / extract(day FROM today) END,
		   c.cost_per_execution, coalesce(c.without_cost, 0)
	FROM generate_series((SELECT min(x.month) FROM months x), today::timestamp, interval '1 month') m (month)
	LEFT JOIN months c ON c.month = m.month
	ORDER BY m.month;
END;
COMMENT ON FUNCTION agent_studio_private.dashboard_months(agent_studio_private.dashboard_figure[], date) IS
'What calls of models cost by month, as cost_monthly tells it, from the first month of which there is something; projected_usd is that of the current month, NULL for others.';

CREATE FUNCTION agent_studio_private.dashboard_results(figures agent_studio_private.dashboard_figure[], today date)
RETURNS TABLE (kind text, executions bigint, completed bigint, success_rate numeric, last_success_rate numeric,
	average_seconds numeric, last_average_seconds numeric)
LANGUAGE sql STABLE
BEGIN ATOMIC
	WITH months AS (
		SELECT f.name AS kind, f.since >= date_trunc('month', today::timestamp) AS is_now, f.executions, f.completed, f.timed, f.seconds FROM unnest(figures) f
		WHERE f.subject = 'day' AND f.since >= date_trunc('month', today::timestamp) - interval '1 month')
	SELECT k.kind, coalesce(r.executions, 0), coalesce(r.completed, 0), 100.0 * r.completed / r.executions,
		   100.0 * l.completed / l.executions, r.seconds / nullif(r.timed, 0), l.seconds / nullif(l.timed, 0)
	FROM (VALUES ('all'), ('task'), ('workflow')) k (kind)
	CROSS JOIN LATERAL (SELECT sum(m.executions)::bigint AS executions, sum(m.completed)::bigint AS completed, sum(m.timed) AS timed, sum(m.seconds) AS seconds
						FROM months m WHERE m.is_now AND k.kind IN ('all', m.kind)) r
	CROSS JOIN LATERAL (SELECT sum(m.executions) AS executions, sum(m.completed) AS completed, sum(m.timed) AS timed, sum(m.seconds) AS seconds
						FROM months m WHERE NOT m.is_now AND k.kind IN ('all', m.kind)) l;
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
