-- The tables of the dashboard's page, and the page itself.

CREATE FUNCTION agent_studio_private.results_table(figures agent_studio_private.dashboard_figure[], today date) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT agent_studio_private.html_table('{Kind,Executions,Completed,Success rate,Points above goal,Last month,Points above it,Average time,Last month}', '{2,3,4,5,6,7,8,9}',
		string_agg(agent_studio_private.html_row(ARRAY[CASE r.kind WHEN 'all' THEN 'all' ELSE r.kind || 's' END, agent_studio_private.number_text(r.executions),
			agent_studio_private.number_text(r.completed), coalesce(agent_studio_private.rate_text(r.success_rate), '–'),
			coalesce(agent_studio_private.signed_points(r.success_rate - t.success_target_percent), '–'),
			coalesce(agent_studio_private.rate_text(r.last_success_rate), '–'), coalesce(agent_studio_private.signed_points(r.success_rate - r.last_success_rate), '–'),
			coalesce(agent_studio_private.seconds_duration(r.average_seconds), '–'),
			coalesce(agent_studio_private.seconds_duration(r.last_average_seconds), '–')], '{2,3,4,5,6,7,8,9}',
			ARRAY[NULL, NULL, NULL, agent_studio_private.goal_class(r.success_rate >= t.success_target_percent), NULL, NULL, NULL,
				agent_studio_private.goal_class(r.average_seconds <= t.duration_target_seconds), NULL]), '' ORDER BY r.kind))
	FROM agent_studio_private.dashboard_results(figures, today) r CROSS JOIN agent_studio_private.targets t;
END;
COMMENT ON FUNCTION agent_studio_private.results_table(agent_studio_private.dashboard_figure[], date) IS 'This month against the goals and against the last one.';

CREATE FUNCTION agent_studio_private.workflow_table(figures agent_studio_private.dashboard_figure[]) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT agent_studio_private.html_table('{Workflow,Executions,Success rate,Goal,Average time,Goal,Cost,Per execution,Not known}', '{2,3,4,5,6,7,8,9}',
		string_agg(agent_studio_private.html_row(ARRAY[agent_studio_private.one_line(w.workflow, 60), agent_studio_private.number_text(w.executions),
			agent_studio_private.rate_text(w.success_rate), trim_scale(w.success_target) || ' %',
			coalesce(agent_studio_private.seconds_duration(w.average_seconds), '–'), agent_studio_private.seconds_duration(w.duration_target),
			agent_studio_private.known_cost(w.cost_usd, w.without_cost), coalesce(agent_studio_private.money_text(w.cost_per_execution), '–'),
			agent_studio_private.number_text(w.without_cost)], '{2,3,4,5,6,7,8,9}',
			ARRAY[NULL, NULL, agent_studio_private.goal_class(w.success_rate >= w.success_target), NULL,
				agent_studio_private.goal_class(w.average_seconds <= w.duration_target), NULL, NULL, NULL, NULL]), '' ORDER BY w.n))
	FROM agent_studio_private.dashboard_workflows(figures) w WHERE w.n <= 20 HAVING count(*) > 0;
END;
COMMENT ON FUNCTION agent_studio_private.workflow_table(agent_studio_private.dashboard_figure[]) IS
'How the 20 most used workflows do, against their own goals; NULL = none ran.';

CREATE FUNCTION agent_studio_private.user_table(figures agent_studio_private.dashboard_figure[]) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT agent_studio_private.html_table('{User,Executions,Completed,Success rate,Cost,Not known}', '{2,3,4,5,6}',
		string_agg(agent_studio_private.html_row(ARRAY[agent_studio_private.one_line(u.name, 64), agent_studio_private.number_text(u.executions),
			agent_studio_private.number_text(u.completed), agent_studio_private.rate_text(100.0 * u.completed / u.executions),
			agent_studio_private.known_cost(u.cost_usd, u.without_cost), agent_studio_private.number_text(u.without_cost)], '{2,3,4,5,6}'), '' ORDER BY u.executions DESC, u.name))
	FROM (SELECT f.* FROM unnest(figures) f WHERE f.subject = 'user' ORDER BY f.executions DESC, f.name LIMIT 20) u HAVING count(*) > 0;
END;
COMMENT ON FUNCTION agent_studio_private.user_table(agent_studio_private.dashboard_figure[]) IS 'The 20 most active users; NULL = there was none.';

CREATE FUNCTION agent_studio_private.month_table(figures agent_studio_private.dashboard_figure[], today date) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT agent_studio_private.html_table('{Month,Calls,Cost,Expected by its end,Per execution,Not known}', '{2,3,4,5,6}',
		string_agg(agent_studio_private.html_row(ARRAY[agent_studio_private.month_text(m.month), agent_studio_private.number_text(m.calls),
			agent_studio_private.known_cost(m.cost_usd, m.without_cost), coalesce(agent_studio_private.money_text(m.projected_usd), ''),
			coalesce(agent_studio_private.money_text(m.cost_per_execution), '–'), agent_studio_private.number_text(m.without_cost)], '{2,3,4,5,6}'), '' ORDER BY m.month DESC))
	FROM agent_studio_private.dashboard_months(figures, today) m;
END;
COMMENT ON FUNCTION agent_studio_private.month_table(agent_studio_private.dashboard_figure[], date) IS 'What each month has cost.';

CREATE FUNCTION agent_studio_private.day_table(days agent_studio_private.dashboard_day[]) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT '<details><summary>Each day in figures</summary>'
		|| agent_studio_private.html_table('{Day,Executions,Completed,Success rate,Average time,Calls,Input tokens,Output tokens,Cost,Not known}', '{2,3,4,5,6,7,8,9,10}',
			string_agg(agent_studio_private.html_row(ARRAY[to_char(d.day, 'YYYY-MM-DD'), agent_studio_private.number_text(d.executions),
				agent_studio_private.number_text(d.completed), coalesce(agent_studio_private.rate_text(d.success_rate), '–'),
				coalesce(agent_studio_private.seconds_duration(d.average_seconds), '–'), agent_studio_private.number_text(d.calls),
				coalesce(agent_studio_private.number_text(d.input_tokens), '–'), coalesce(agent_studio_private.number_text(d.output_tokens), '–'),
				agent_studio_private.known_cost(d.cost_usd, d.without_cost), agent_studio_private.number_text(d.without_cost)], '{2,3,4,5,6,7,8,9,10}'), '' ORDER BY d.day DESC)) || E'</details>\n'
	FROM unnest(days) d;
END;
COMMENT ON FUNCTION agent_studio_private.day_table(agent_studio_private.dashboard_day[]) IS 'The days of the charts, to be unfolded.';

-- ---------- what there is now ----------

CREATE FUNCTION agent_studio_private.dashboard_active() RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	WITH active AS MATERIALIZED (SELECT a.*, count(*) OVER () AS total FROM agent_studio_private.active() a ORDER BY a.execution_id LIMIT 20)
	SELECT agent_studio_private.html_table('{Execution,Name,Progress,Elapsed,Left,Cost,Now}', '{4,5,6}',
			string_agg(agent_studio_private.html_row(ARRAY[e.execution_id::text, agent_studio_private.one_line(coalesce(e.workflow, e.agent), 60),
				agent_studio_private.progress_text(e), coalesce(agent_studio_private.duration_text(clock_timestamp() - e.started_at), '–'),
				coalesce(agent_studio_private.duration_text(agent_studio_private.estimated_rest(e)), '–'),
				coalesce(agent_studio_private.money_text(agent_studio_private.cost_so_far(e)), 'not known'),
				agent_studio_private.one_line(agent_studio_private.doing_text(e), 80)], '{4,5,6}'), '' ORDER BY e.execution_id))
		|| CASE WHEN max(a.total) > count(*) THEN format('<p class="soft">And %s more: SELECT * FROM agent_studio.active_executions;</p>', max(a.total) - count(*)) ELSE '' END
	FROM active a JOIN agent_studio.executions e ON e.execution_id = a.execution_id HAVING count(*) > 0;
END;
COMMENT ON FUNCTION agent_studio_private.dashboard_active() IS 'The first 20 executions that are under way, as active_executions has them, with whole names; NULL = there are none.';

CREATE FUNCTION agent_studio_private.dashboard_recent() RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT agent_studio_private.html_table('{Execution,Name,Status,Time,Cost,Ended}', '{4,5,6}',
		string_agg(agent_studio_private.html_row(ARRAY[r.id::text, r.name, replace(r.status, '_', ' '), coalesce(r.duration, 'never started'), coalesce(r.cost, 'not known'), r.finished], '{4,5,6}',
			ARRAY[NULL, NULL, CASE r.status WHEN 'completed' THEN 'good' WHEN 'failed' THEN 'bad' WHEN 'canceled' THEN 'soft' ELSE 'warn' END, NULL, NULL, NULL]), '' ORDER BY r.n))
	FROM (SELECT c.*, row_number() OVER () AS n FROM agent_studio.recent_completions c) r HAVING count(*) > 0;
END;
COMMENT ON FUNCTION agent_studio_private.dashboard_recent() IS 'recent_completions; NULL = there are none.';

CREATE FUNCTION agent_studio_private.dashboard_alerts(alerts agent_studio.alerts[]) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT string_agg(format('<h4 class="%s">', CASE a.severity WHEN 'error' THEN 'bad' WHEN 'warning' THEN 'warn' ELSE 'busy' END)
			|| agent_studio_private.html_text(concat_ws(', ', initcap(a.severity), a.kind, 'execution ' || a.execution_id)) || '</h4><p>'
			|| agent_studio_private.html_text(agent_studio_private.one_line(a.message, 400)) || '</p><pre>' || agent_studio_private.html_text(left(a.remedy, 2000)) || E'</pre>\n', '' ORDER BY a.n)
		|| CASE WHEN cardinality(alerts) > 20 THEN format('<p class="soft">And %s more: SELECT * FROM agent_studio.alerts;</p>', cardinality(alerts) - 20) ELSE '' END
	FROM (SELECT u.*, row_number() OVER () AS n FROM unnest(alerts) u LIMIT 20) a;
END;
COMMENT ON FUNCTION agent_studio_private.dashboard_alerts(agent_studio.alerts[]) IS 'The first 20 alerts, each with its remedy; NULL = there are none.';

CREATE FUNCTION agent_studio_private.dashboard_budgets() RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT agent_studio_private.html_table('{Budget,Period,Amount,Spent,Used,Expected by its end,Not known,When used up}', '{3,4,5,6,7}',
			string_agg(agent_studio_private.html_row(ARRAY[agent_studio_private.one_line(b.scope, 70),
				CASE b.period WHEN 'day' THEN to_char(b.first_day, 'YYYY-MM-DD') ELSE format('%s, %s to %s', b.period, to_char(b.first_day, 'YYYY-MM-DD'), to_char(b.last_day, 'YYYY-MM-DD')) END,
				agent_studio_private.money_text(b.amount_usd), coalesce(agent_studio_private.money_text(b.spent_usd), 'not counted yet'),
				coalesce(b.percent_used || ' %', '–'), coalesce(agent_studio_private.money_text(b.projected_usd), '–'), coalesce(agent_studio_private.number_text(b.unknown_calls), '–'),
				CASE b.action WHEN 'refuse' THEN 'nothing is sent' ELSE 'an alert' END], '{3,4,5,6,7}',
				ARRAY[NULL, NULL, NULL, NULL, CASE b.state WHEN 'over' THEN 'bad' WHEN 'near' THEN 'warn' WHEN 'ok' THEN 'good' END,
					agent_studio_private.goal_class(b.projected_usd <= b.amount_usd), NULL, NULL]), '' ORDER BY b.percent_used DESC NULLS LAST, b.scope))
		|| '<p class="soft">Budgets count tests of workflows, too. Not known: calls in no sum, because their cost is not known.</p>'
	FROM agent_studio.budget_status b HAVING count(*) > 0;
END;
COMMENT ON FUNCTION agent_studio_private.dashboard_budgets() IS 'budget_status; NULL = there is no budget.';

-- ---------- the page ----------

CREATE FUNCTION agent_studio_private.dashboard_history(figures agent_studio_private.dashboard_figure[], days agent_studio_private.dashboard_day[], today date) RETURNS text
LANGUAGE sql STABLE
RETURN CASE WHEN cardinality(figures) = 0
	THEN agent_studio_private.html_section('Nothing yet', '<p>No execution that you may see has come to rest in this time. This gives an agent a task:</p>'
		|| '<pre>SELECT agent_studio.as_execute_task(''AGENT'', ''What is to be done.'');</pre>')
	ELSE agent_studio_private.dashboard_tiles(figures, today) || agent_studio_private.dashboard_trends(figures, days, today)
		|| agent_studio_private.html_section('This month against the last one', agent_studio_private.results_table(figures, today))
		|| coalesce(agent_studio_private.html_section('Workflows', agent_studio_private.workflow_table(figures)), '')
		|| coalesce(agent_studio_private.html_section('Users', agent_studio_private.user_table(figures)), '')
		|| agent_studio_private.html_section('Cost by month', agent_studio_private.month_table(figures, today)) END;
COMMENT ON FUNCTION agent_studio_private.dashboard_history(agent_studio_private.dashboard_figure[], agent_studio_private.dashboard_day[], date) IS 'What the dashboard''s page tells of the past; that there is nothing, where there is nothing.';

CREATE FUNCTION agent_studio_private.dashboard_body(figures agent_studio_private.dashboard_figure[], days agent_studio_private.dashboard_day[], alerts agent_studio.alerts[], since date, today date) RETURNS text
LANGUAGE sql STABLE
RETURN agent_studio_private.dashboard_head(since, today, alerts) || agent_studio_private.dashboard_history(figures, days, today)
	|| agent_studio_private.html_section('Under way', coalesce(agent_studio_private.dashboard_active(), '<p class="soft">Nothing is under way.</p>'))
	|| coalesce(agent_studio_private.html_section('Ended last', agent_studio_private.dashboard_recent()), '')
	|| agent_studio_private.html_section('Alerts', coalesce(agent_studio_private.dashboard_alerts(alerts), '<p class="soft">Nothing wants attention.</p>'))
	|| agent_studio_private.html_section('Budgets', coalesce(agent_studio_private.dashboard_budgets(), '<p class="soft">There is no budget. An administrator sets one with as_set_budget.</p>'))
	|| CASE WHEN cardinality(figures) > 0 THEN agent_studio_private.html_section('Days', agent_studio_private.day_table(days)) ELSE '' END
	|| format('<footer>Generated by Agent Studio on %s UTC. Tests of workflows are left out of executions, tokens and cost. Not known: how many are in no cost, because theirs is not known.</footer>', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'));
COMMENT ON FUNCTION agent_studio_private.dashboard_body(agent_studio_private.dashboard_figure[], agent_studio_private.dashboard_day[], agent_studio.alerts[], date, date) IS 'What the dashboard''s page holds.';

-- The planner expects far more groups than there are: with little memory it would sort what it can hash,
-- and so it would where it takes reading the newest rows for so costly that nothing else matters.
CREATE FUNCTION agent_studio.as_dashboard_html(days integer DEFAULT 30) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET random_page_cost = 1.1 SET jit = off SET work_mem = '16MB'
AS $$
#variable_conflict use_variable
DECLARE
	today date := (now() AT TIME ZONE 'UTC')::date;
	since date;
	first_month date;
	figures agent_studio_private.dashboard_figure[];
BEGIN
	PERFORM agent_studio_private.not_null('days', days IS NULL), agent_studio_private.in_range('days', days, 7, 366);
	since := today - days + 1;
	first_month := date_trunc('month', least(since, today - interval '5 months'))::date;
	figures := ARRAY(SELECT f FROM agent_studio_private.dashboard_figures(since, first_month) f);
	RETURN agent_studio_private.html_page('Agent Studio: dashboard of ' || current_database(),
		agent_studio_private.dashboard_body(figures, ARRAY(SELECT d FROM agent_studio_private.dashboard_days(figures, since, today) d),
			ARRAY(SELECT a FROM agent_studio.alerts a), since, today));
END
$$;
COMMENT ON FUNCTION agent_studio.as_dashboard_html(integer) IS
'How it goes, as one HTML page that holds all it needs (no script, nothing from the network; light, dark, printable): this month against its goals and the last one, charts of the last days (UTC, 7 to 366 of them, today among them) and of six months or more, workflows, users, errors, what is under way, ended last, wants attention, and budgets. Everybody gets what he may see; members of agent_studio_monitor get everything. The figures are those of agent_studio_bi. Save it with psql -XAtqc "SELECT agent_studio.as_dashboard_html()" > dashboard.html. Raises 22023 for other days, 22004 for NULL.';
