-- View budget_status: what of each budget is spent, and what it will come to; and the
-- alerts that follow from it.

CREATE FUNCTION agent_studio_private.projected(spent numeric, period text, at timestamptz) RETURNS numeric
LANGUAGE sql IMMUTABLE
-- The day that has begun counts as a whole one.
RETURN spent * extract(day FROM agent_studio_private.period_end(period, at) - agent_studio_private.period_start(period, at))
	/ (1 + extract(day FROM at - agent_studio_private.period_start(period, at)));
COMMENT ON FUNCTION agent_studio_private.projected(numeric, text, timestamptz) IS
'What will have been spent at the end of the period of that moment, if it goes on as on its days so far, today among them.';

CREATE VIEW agent_studio.budget_status WITH (security_invoker = true) AS
	SELECT agent_studio_private.budget_scope(b) AS scope, b.amount_usd, b.period, b.action,
		   (c.starts AT TIME ZONE 'UTC')::date AS first_day, (c.ends AT TIME ZONE 'UTC')::date - 1 AS last_day,
		   round(c.spent, 6) AS spent_usd,
		   round(100 * c.spent / b.amount_usd, 1) AS percent_used,
		   round(agent_studio_private.projected(c.spent, b.period, now()), 2) AS projected_usd,
		   round(100 * agent_studio_private.projected(c.spent, b.period, now()) / b.amount_usd, 1) AS projected_percent,
		   c.unknown_calls,
		   CASE WHEN c.spent >= b.amount_usd THEN 'over' WHEN c.spent >= 0.8 * b.amount_usd THEN 'near'
				WHEN c.spent IS NOT NULL THEN 'ok' END AS state
	FROM agent_studio.budgets b
	CROSS JOIN LATERAL (
		SELECT p.starts, p.ends, coalesce(s.spent_usd, e.nothing) AS spent, coalesce(s.unknown_calls, e.nothing) AS unknown_calls
		FROM (SELECT agent_studio_private.period_start(b.period, now()) AS starts, agent_studio_private.period_end(b.period, now()) AS ends) p
		LEFT JOIN agent_studio.budget_spending s ON s.budget_id = b.budget_id AND s.period_start = p.starts
		-- Counted before, and nothing since: the executor has had nothing to do yet.
		LEFT JOIN LATERAL (SELECT 0::bigint AS nothing FROM agent_studio.budget_spending o
						   WHERE o.budget_id = b.budget_id AND o.period_start < p.starts LIMIT 1) e ON true) c;
COMMENT ON VIEW agent_studio.budget_status IS
'What of each budget is spent in its current period, of the budgets that concern the current user. A row of budget_spending each, however long the history.';
COMMENT ON COLUMN agent_studio.budget_status.scope IS 'all, team:NAME, user:NAME, agent:NAME or workflow:NAME.';
COMMENT ON COLUMN agent_studio.budget_status.amount_usd IS 'USD that may be spent in the period.';
COMMENT ON COLUMN agent_studio.budget_status.period IS 'day, week, month, quarter or year.';
COMMENT ON COLUMN agent_studio.budget_status.action IS 'warn or refuse.';
COMMENT ON COLUMN agent_studio.budget_status.first_day IS 'First day (UTC) of the current period.';
COMMENT ON COLUMN agent_studio.budget_status.last_day IS 'Last day (UTC) of the current period.';
COMMENT ON COLUMN agent_studio.budget_status.spent_usd IS 'USD spent in it so far, by attempts that have ended and whose cost is known; NULL = not counted yet: the executor does that.';
COMMENT ON COLUMN agent_studio.budget_status.percent_used IS 'Of the amount, in percent; NULL = not counted yet.';
COMMENT ON COLUMN agent_studio.budget_status.projected_usd IS 'USD at the end of the period if it goes on so: what is spent, divided by the days so far (today among them), times the days of the period. NULL = not counted yet.';
COMMENT ON COLUMN agent_studio.budget_status.projected_percent IS 'Of the amount, in percent; NULL = not counted yet.';
COMMENT ON COLUMN agent_studio.budget_status.unknown_calls IS 'Calls that ended in the period, for which the vendor may charge, and whose cost is not known and so in no sum; NULL = not counted yet.';
COMMENT ON COLUMN agent_studio.budget_status.state IS 'ok; near, from 80 percent; over, when it is used up; NULL = not counted yet.';
GRANT SELECT ON agent_studio.budget_status TO agent_studio_user, agent_studio_monitor;

CREATE FUNCTION agent_studio_private.budget_alerts()
RETURNS TABLE (severity text, kind text, execution_id bigint, message text, remedy text)
LANGUAGE sql STABLE
BEGIN ATOMIC
	-- The remedy is an amount with which it would hold as it goes now, with a quarter to spare.
	SELECT CASE s.state WHEN 'over' THEN 'error' ELSE 'warning' END, 'budget', NULL::bigint,
		   agent_studio_private.budget_words(s.scope, s.period, s.amount_usd, s.spent_usd)
			|| format(', %s expected by its end', agent_studio_private.money_text(s.projected_usd))
			|| CASE WHEN s.unknown_calls > 0 THEN format('; the cost of %s not known', CASE s.unknown_calls WHEN 1 THEN 'one call is' ELSE s.unknown_calls || ' calls is' END) ELSE '' END,
		   format('SELECT agent_studio.as_set_budget(%L, %s, %L, %L);', s.scope,
			least(pg_catalog.ceil(1.25 * greatest(s.projected_usd, s.spent_usd, s.amount_usd)), 999999999999), s.period, s.action)
	FROM agent_studio.budget_status s WHERE s.state IN ('near', 'over')
	ORDER BY s.percent_used DESC, s.scope;
END;
COMMENT ON FUNCTION agent_studio_private.budget_alerts() IS
'A row for each budget that is used up, or nearly so, with the call that raises it.';
