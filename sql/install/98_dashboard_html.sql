-- as_dashboard_html: how it goes, on one page: this month's figures, charts of the last
-- days and months, what is under way, what ended, what wants attention, budgets. Each
-- reader has a page of what he may see; whoever reads all rows has one of everybody.

CREATE FUNCTION agent_studio_private.seconds_duration(seconds numeric) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN agent_studio_private.whole_seconds_text(round(seconds)::bigint);
COMMENT ON FUNCTION agent_studio_private.seconds_duration(numeric) IS 'Seconds as 42s, 9m 42s or 3h 0m 5s; NULL for NULL.';

CREATE FUNCTION agent_studio_private.rate_text(percent numeric) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN percent::numeric(5, 2) || ' %';
COMMENT ON FUNCTION agent_studio_private.rate_text(numeric) IS 'A percentage as 91.67 %, with as many places as in agent_studio_bi; NULL for NULL.';

CREATE FUNCTION agent_studio_private.known_cost(usd numeric, without_cost bigint) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN coalesce(agent_studio_private.money_text(usd), CASE WHEN without_cost > 0 THEN 'not known' ELSE '–' END);
COMMENT ON FUNCTION agent_studio_private.known_cost(numeric, bigint) IS
'An amount, as far as it is known; a dash where no model was asked for anything.';

CREATE FUNCTION agent_studio_private.month_text(month date) RETURNS text
LANGUAGE sql STABLE
RETURN to_char(month, 'Mon YYYY');
COMMENT ON FUNCTION agent_studio_private.month_text(date) IS 'A month as Oct 2025.';

CREATE FUNCTION agent_studio_private.goal_class(meets boolean) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN CASE WHEN meets THEN 'good' WHEN NOT meets THEN 'warn' END;
COMMENT ON FUNCTION agent_studio_private.goal_class(boolean) IS 'The colour of a figure that has a goal; NULL for NULL.';

CREATE FUNCTION agent_studio_private.signed_points(difference numeric) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN CASE WHEN difference::numeric(5, 2) < 0 THEN '−' WHEN difference::numeric(5, 2) > 0 THEN '+' ELSE '' END || abs(difference)::numeric(5, 2);
COMMENT ON FUNCTION agent_studio_private.signed_points(numeric) IS 'A difference of percentages with its sign; NULL for NULL.';

CREATE FUNCTION agent_studio_private.compared_points(difference numeric, more text, less text) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN abs(difference)::numeric(5, 2) || ' points ' || CASE WHEN difference < 0 THEN less ELSE more END;
COMMENT ON FUNCTION agent_studio_private.compared_points(numeric, text, text) IS 'A difference of percentages in words; NULL for NULL.';

-- ---------- head and tiles ----------

CREATE FUNCTION agent_studio_private.dashboard_head(since date, today date, alerts agent_studio.alerts[]) RETURNS text
LANGUAGE sql STABLE
RETURN '<header><p class="kicker">Agent Studio, database ' || agent_studio_private.html_text(current_database()::text) || '</p><h1>Dashboard</h1><p class="soft">'
	|| CASE WHEN cardinality(alerts) = 0 THEN '<span class="pill good">nothing wants attention</span>'
		ELSE format('<span class="pill %s">%s</span>', CASE (alerts[1]).severity WHEN 'error' THEN 'bad' WHEN 'warning' THEN 'warn' ELSE 'busy' END,
			CASE cardinality(alerts) WHEN 1 THEN 'one alert' ELSE cardinality(alerts) || ' alerts' END) END
	|| format(' &nbsp;%s to %s (UTC), executions ', to_char(since, 'FMDD Mon YYYY'), to_char(today, 'FMDD Mon YYYY'))
	|| CASE WHEN agent_studio_private.reads_all() THEN 'of everybody' ELSE 'that ' || agent_studio_private.html_text(current_user::text) || ' may see' END
	|| E'</p></header>\n';
COMMENT ON FUNCTION agent_studio_private.dashboard_head(date, date, agent_studio.alerts[]) IS 'The head of the dashboard''s page; alerts with the gravest first.';

CREATE FUNCTION agent_studio_private.dashboard_tiles(figures agent_studio_private.dashboard_figure[], today date) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT agent_studio_private.html_tiles('{Executions this month,Success rate,Average time,Cost this month,Budget used}',
		ARRAY[agent_studio_private.number_text(r.executions), coalesce(agent_studio_private.rate_text(r.success_rate), 'none yet'),
			coalesce(agent_studio_private.seconds_duration(r.average_seconds), 'none yet'),
			CASE WHEN coalesce(c.calls, 0) = 0 THEN '$0.00' ELSE agent_studio_private.money_text(c.cost_usd) END,
			CASE WHEN b.scope IS NULL THEN 'no budget' ELSE b.percent_used || ' %' END],
		ARRAY[agent_studio_private.number_text(k.workflows) || ' of workflows, ' || agent_studio_private.number_text(r.executions - k.workflows) || ' of agents',
			concat_ws(', ', agent_studio_private.compared_points(r.success_rate - t.success_target_percent, 'above', 'below')
				|| ' the goal of ' || trim_scale(t.success_target_percent) || ' %',
				agent_studio_private.compared_points(r.success_rate - r.last_success_rate, 'more', 'less') || ' than last month'),
			concat_ws(', ', 'the goal is ' || agent_studio_private.seconds_duration(t.duration_target_seconds),
				'last month ' || agent_studio_private.seconds_duration(r.last_average_seconds)),
			concat_ws(', ', agent_studio_private.money_text(c.projected_usd) || ' expected by its end',
				CASE WHEN c.without_cost > 0 THEN format('without %s of unknown cost', CASE c.without_cost WHEN 1 THEN 'one call' ELSE agent_studio_private.number_text(c.without_cost) || ' calls' END) END),
			CASE WHEN b.scope IS NULL THEN 'as_set_budget sets one'
				ELSE format('%s of %s for %s, this %s', coalesce(agent_studio_private.money_text(b.spent_usd), 'not counted yet'),
					agent_studio_private.money_text(b.amount_usd), agent_studio_private.one_line(b.scope, 40), b.period) END],
		ARRAY[NULL, agent_studio_private.goal_class(r.success_rate >= t.success_target_percent),
			agent_studio_private.goal_class(r.average_seconds <= t.duration_target_seconds), NULL,
			CASE b.state WHEN 'over' THEN 'bad' WHEN 'near' THEN 'warn' WHEN 'ok' THEN 'good' END])
	FROM agent_studio_private.targets t
	CROSS JOIN agent_studio_private.dashboard_budget() b
	CROSS JOIN agent_studio_private.dashboard_results(figures, today) r
	CROSS JOIN (SELECT w.executions AS workflows FROM agent_studio_private.dashboard_results(figures, today) w WHERE w.kind = 'workflow') k
	LEFT JOIN agent_studio_private.dashboard_months(figures, today) c ON c.month = date_trunc('month', today::timestamp)
	WHERE r.kind = 'all';
END;
COMMENT ON FUNCTION agent_studio_private.dashboard_tiles(agent_studio_private.dashboard_figure[], date) IS 'The figures of this month.';

-- ---------- charts ----------

CREATE FUNCTION agent_studio_private.success_chart(days agent_studio_private.dashboard_day[]) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT agent_studio_private.svg_line('Percent of the executions that completed, by day', array_agg(to_char(d.day, 'FMDD Mon') ORDER BY d.day),
		array_agg(d.success_rate ORDER BY d.day), l.low, 100, t.success_target_percent, 'goal ' || trim_scale(t.success_target_percent) || ' %',
		format('%s to 100 %%', l.low),
		array_agg(to_char(d.day, 'FMDD Mon YYYY: ') || coalesce(agent_studio_private.rate_text(d.success_rate) || format(', %s of %s completed', d.completed, d.executions), 'no execution')
			ORDER BY d.day))
	FROM unnest(days) d
	CROSS JOIN agent_studio_private.targets t
	CROSS JOIN (SELECT greatest(0, least(90, floor((least(min(x.success_rate), g.success_target_percent) - 1) / 10) * 10)) AS low
				FROM agent_studio_private.targets g CROSS JOIN unnest(days) x
				GROUP BY g.success_target_percent) l
	GROUP BY t.success_target_percent, l.low;
END;
COMMENT ON FUNCTION agent_studio_private.success_chart(agent_studio_private.dashboard_day[]) IS
'The success rate by day against the goal; a day without executions is a gap.';

CREATE FUNCTION agent_studio_private.duration_chart(days agent_studio_private.dashboard_day[]) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT agent_studio_private.svg_columns('Average time of the executions that completed, by day', array_agg(to_char(d.day, 'FMDD Mon') ORDER BY d.day),
		array_agg(d.average_seconds ORDER BY d.day), 1, t.duration_target_seconds, 'goal ' || agent_studio_private.seconds_duration(t.duration_target_seconds),
		agent_studio_private.seconds_duration(greatest(max(d.average_seconds), t.duration_target_seconds)),
		array_agg(to_char(d.day, 'FMDD Mon YYYY: ') || coalesce(agent_studio_private.seconds_duration(d.average_seconds), 'none completed') ORDER BY d.day))
	FROM unnest(days) d CROSS JOIN agent_studio_private.targets t
	GROUP BY t.duration_target_seconds;
END;
COMMENT ON FUNCTION agent_studio_private.duration_chart(agent_studio_private.dashboard_day[]) IS
'The average time by day against the goal; a day on which none completed is a gap.';

CREATE FUNCTION agent_studio_private.token_chart(days agent_studio_private.dashboard_day[]) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT agent_studio_private.html_legend('{input,output}', ARRAY[agent_studio_private.number_text(sum(d.input_tokens)::bigint), agent_studio_private.number_text(sum(d.output_tokens)::bigint)])
		|| agent_studio_private.svg_columns('Tokens by day, input and output', array_agg(to_char(d.day, 'FMDD Mon') ORDER BY d.day),
			(SELECT array_agg(v.value ORDER BY x.day, v.n) FROM unnest(days) x
			 CROSS JOIN LATERAL (VALUES (1, x.input_tokens), (2, x.output_tokens)) v (n, value)), 2,
			top_text => agent_studio_private.number_text(max(coalesce(d.input_tokens, 0) + coalesce(d.output_tokens, 0))) || ' tokens',
			hints => array_agg(to_char(d.day, 'FMDD Mon YYYY: ') || CASE WHEN d.calls = 0 THEN 'no call' ELSE
				format('%s in, %s out', coalesce(agent_studio_private.number_text(d.input_tokens), 'not known'), coalesce(agent_studio_private.number_text(d.output_tokens), 'not known')) END
				ORDER BY d.day))
	FROM unnest(days) d;
END;
COMMENT ON FUNCTION agent_studio_private.token_chart(agent_studio_private.dashboard_day[]) IS 'Tokens by day, input and output, with their sums.';

-- A budget bounds what the chart shows only where that is all that is spent.
CREATE FUNCTION agent_studio_private.cost_chart(figures agent_studio_private.dashboard_figure[], today date) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	WITH months AS (SELECT m.*, greatest(m.projected_usd - m.cost_usd, 0) AS expected FROM agent_studio_private.dashboard_months(figures, today) m)
	SELECT agent_studio_private.html_legend('{spent,expected by the end of the month}', NULL)
		|| agent_studio_private.svg_columns('USD by month, spent and expected', array_agg(agent_studio_private.month_text(m.month) ORDER BY m.month),
			(SELECT array_agg(v.value ORDER BY x.month, v.n) FROM months x CROSS JOIN LATERAL (VALUES (1, x.cost_usd), (2, x.expected)) v (n, value)), 2,
			b.amount_usd, 'budget ' || agent_studio_private.money_text(b.amount_usd),
			agent_studio_private.money_text(greatest(max(m.cost_usd + coalesce(m.expected, 0)), b.amount_usd)),
			array_agg(agent_studio_private.month_text(m.month) || ': ' || concat_ws(', ', CASE WHEN m.calls = 0 THEN 'no call' ELSE agent_studio_private.known_cost(m.cost_usd, m.without_cost) || format(' for %s calls', agent_studio_private.number_text(m.calls)) END,
				agent_studio_private.money_text(m.projected_usd) || ' expected by its end') ORDER BY m.month))
	FROM months m
	LEFT JOIN LATERAL (SELECT s.amount_usd FROM agent_studio.budget_status s
					   WHERE s.scope = 'all' AND s.period = 'month' AND agent_studio_private.reads_all()) b ON true
	GROUP BY b.amount_usd;
END;
COMMENT ON FUNCTION agent_studio_private.cost_chart(agent_studio_private.dashboard_figure[], date) IS
'What each month has cost, and what the current one will, with the budget of all for a month.';

CREATE FUNCTION agent_studio_private.workflow_chart(figures agent_studio_private.dashboard_figure[]) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT agent_studio_private.svg_donut('Shares of the workflows', array_agg(p.name ORDER BY p.n), array_agg(p.executions ORDER BY p.n),
		array_agg(format('%s (%s)', agent_studio_private.number_text(p.executions), agent_studio_private.rate_text(p.share)) ORDER BY p.n))
	FROM (SELECT least(w.n, 6) AS n, CASE WHEN max(w.n) > 6 THEN count(*) || ' others' ELSE min(agent_studio_private.one_line(w.workflow, 60)) END AS name,
				 sum(w.executions)::bigint AS executions, sum(w.share) AS share
		  FROM agent_studio_private.dashboard_workflows(figures) w GROUP BY least(w.n, 6)) p
	HAVING count(*) > 0;
END;
COMMENT ON FUNCTION agent_studio_private.workflow_chart(agent_studio_private.dashboard_figure[]) IS
'The most used workflows as parts of all runs; the sixth place is that of all others. NULL = none ran.';

CREATE FUNCTION agent_studio_private.user_chart(figures agent_studio_private.dashboard_figure[]) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	WITH users AS (SELECT f.* FROM unnest(figures) f WHERE f.subject = 'user' ORDER BY f.executions DESC, f.name LIMIT 8)
	SELECT agent_studio_private.svg_bars('Executions by user, completed and not', array_agg(agent_studio_private.one_line(u.name, 24) ORDER BY u.executions DESC, u.name),
		(SELECT array_agg(v.value ORDER BY x.executions DESC, x.name, v.n) FROM users x CROSS JOIN LATERAL (VALUES (1, x.completed), (2, x.executions - x.completed)) v (n, value)), 2,
		array_agg(format('%s (%s)', agent_studio_private.number_text(u.executions), agent_studio_private.rate_text(100.0 * u.completed / u.executions)) ORDER BY u.executions DESC, u.name))
		|| agent_studio_private.html_legend('{completed,not completed}', NULL)
	FROM users u HAVING count(*) > 0;
END;
COMMENT ON FUNCTION agent_studio_private.user_chart(agent_studio_private.dashboard_figure[]) IS
'The eight most active users; NULL = there was none.';

CREATE FUNCTION agent_studio_private.error_chart(figures agent_studio_private.dashboard_figure[]) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT agent_studio_private.svg_bars('Executions that did not complete, by class of error', array_agg(p.name ORDER BY p.n), array_agg(p.executions ORDER BY p.n), 1,
		array_agg(format('%s (%s)', agent_studio_private.number_text(p.executions), agent_studio_private.rate_text(p.share)) ORDER BY p.n))
	FROM (SELECT least(e.n, 8) AS n, CASE WHEN max(e.n) > 8 THEN count(*) || ' others' ELSE min(e.name) END AS name,
				 sum(e.executions)::bigint AS executions, sum(e.share) AS share
		  FROM (SELECT f.name, f.executions, row_number() OVER (ORDER BY f.executions DESC, f.name) AS n, 100.0 * f.executions / sum(f.executions) OVER () AS share
				FROM unnest(figures) f WHERE f.subject = 'error') e
		  GROUP BY least(e.n, 8)) p
	HAVING count(*) > 0;
END;
COMMENT ON FUNCTION agent_studio_private.error_chart(agent_studio_private.dashboard_figure[]) IS
'Why executions did not complete; the eighth place is that of all others. NULL = all did.';

CREATE FUNCTION agent_studio_private.dashboard_trends(figures agent_studio_private.dashboard_figure[], days agent_studio_private.dashboard_day[], today date) RETURNS text
LANGUAGE sql STABLE
RETURN agent_studio_private.html_section('Trends', '<div class="grid wide"><div><h3>Success rate by day</h3>' || agent_studio_private.success_chart(days)
		|| '</div><div><h3>Average time by day</h3>' || agent_studio_private.duration_chart(days)
		|| '</div><div><h3>Tokens by day</h3>' || agent_studio_private.token_chart(days)
		|| '</div><div><h3>Cost by month</h3>' || agent_studio_private.cost_chart(figures, today) || E'</div></div>\n')
	|| agent_studio_private.html_section(format('Shares in the last %s days', cardinality(days)), '<div class="grid"><div><h3>Most used workflows</h3>'
		|| coalesce(agent_studio_private.workflow_chart(figures), '<p class="soft">None ran.</p>')
		|| '</div><div><h3>Most active users</h3>' || coalesce(agent_studio_private.user_chart(figures), '<p class="soft">There was none.</p>')
		|| '</div><div><h3>Errors by class</h3>' || coalesce(agent_studio_private.error_chart(figures), '<p class="soft">There was none.</p>') || E'</div></div>\n');
COMMENT ON FUNCTION agent_studio_private.dashboard_trends(agent_studio_private.dashboard_figure[], agent_studio_private.dashboard_day[], date) IS 'The charts.';
