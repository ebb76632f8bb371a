-- The series of dashboards: one row for each day, week or month in which there was
-- something. For a single agent, workflow, user or team, add up the daily totals.

-- Added up by day first: the units then have a row for each day to look at. One text
-- for three series each; the view that is asked chooses its unit.
CREATE VIEW agent_studio_private.durations AS
	SELECT t.unit, t.since, t.executions, t.average_seconds, t.fast, t.medium, t.slow, g.duration_target_seconds,
		   t.average_seconds <= g.duration_target_seconds AS meets_target
	FROM (SELECT u.unit, date_trunc(u.unit, d.day::timestamp)::date AS since, sum(d.timed)::bigint AS executions,
				 (sum(d.seconds) / nullif(sum(d.timed), 0))::numeric(14, 3) AS average_seconds,
				 sum(d.fast)::bigint AS fast, sum(d.medium)::bigint AS medium, sum(d.slow)::bigint AS slow
		  FROM (VALUES ('day'), ('week'), ('month')) u (unit)
		  CROSS JOIN (SELECT t.day, sum(t.timed) AS timed, sum(t.duration_seconds) AS seconds, sum(t.fast) AS fast,
							 sum(t.medium) AS medium, sum(t.slow) AS slow
					  FROM agent_studio_private.owner_totals t WHERE t.subject = 'kind' AND t.status = 'completed' GROUP BY t.day) d
		  GROUP BY 1, 2) t
	CROSS JOIN agent_studio_private.targets g;
COMMENT ON VIEW agent_studio_private.durations IS
'How long completed executions took, by day, week and month.';

CREATE VIEW agent_studio_private.costs AS
	SELECT u.unit, date_trunc(u.unit, c.day::timestamp)::date AS since,
		   sum(c.input_cost)::numeric(20, 6) AS input_cost_usd, sum(c.output_cost)::numeric(20, 6) AS output_cost_usd,
		   sum(c.input_cost + c.output_cost)::numeric(20, 6) AS cost_usd, sum(c.attempts)::bigint AS attempts,
		   sum(c.attempts_without_cost)::bigint AS attempts_without_cost, sum(c.executions)::bigint AS executions,
		   (sum(c.cost_at_rest) / nullif(sum(c.executions_with_cost), 0))::numeric(20, 6) AS cost_per_execution_usd
	FROM (VALUES ('day'), ('week'), ('month')) u (unit)
	CROSS JOIN (
		SELECT s.day, sum(s.input_cost_usd) AS input_cost, sum(s.output_cost_usd) AS output_cost, sum(s.attempts) AS attempts,
			   sum(s.without_cost) AS attempts_without_cost, 0 AS executions, 0 AS executions_with_cost, NULL::numeric AS cost_at_rest
		FROM agent_studio_private.owner_spending s GROUP BY s.day
		UNION ALL
		SELECT t.day, NULL, NULL, 0, 0, sum(t.executions), sum(t.with_cost),
			   sum(t.input_cost_usd + t.output_cost_usd)
		FROM agent_studio_private.owner_totals t WHERE t.subject = 'kind' GROUP BY t.day) c
	GROUP BY 1, 2;
COMMENT ON VIEW agent_studio_private.costs IS
'What calls of models have cost, and what executions that came to rest have cost on average, by day, week and month.';

CREATE VIEW agent_studio_bi.success_rate_daily AS
	SELECT r.day, r.executions, r.executions_completed, r.executions_failed, r.executions_canceled, r.executions_in_review,
		   r.success_rate_percent, g.success_target_percent, r.success_rate_percent >= g.success_target_percent AS meets_success_target
	FROM (SELECT t.day, sum(t.executions)::bigint AS executions,
				 coalesce(sum(t.executions) FILTER (WHERE t.status = 'completed'), 0)::bigint AS executions_completed,
				 coalesce(sum(t.executions) FILTER (WHERE t.status = 'failed'), 0)::bigint AS executions_failed,
				 coalesce(sum(t.executions) FILTER (WHERE t.status = 'canceled'), 0)::bigint AS executions_canceled,
				 coalesce(sum(t.executions) FILTER (WHERE t.status = 'requires_manual_review'), 0)::bigint AS executions_in_review,
				 (100 * coalesce(sum(t.executions) FILTER (WHERE t.status = 'completed'), 0) / sum(t.executions))::numeric(5, 2) AS success_rate_percent
		  FROM agent_studio_private.owner_totals t WHERE t.subject = 'kind' GROUP BY t.day) r
	CROSS JOIN agent_studio_private.targets g;
COMMENT ON VIEW agent_studio_bi.success_rate_daily IS
'How many of the executions that came to rest on a day completed, against the target.';

CREATE VIEW agent_studio_bi.duration_daily AS
	SELECT d.since AS day, d.executions AS executions_timed, d.average_seconds AS average_duration_seconds, d.fast AS executions_fast,
		   d.medium AS executions_medium, d.slow AS executions_slow, d.duration_target_seconds, d.meets_target AS meets_duration_target
	FROM agent_studio_private.durations d WHERE d.unit = 'day';
COMMENT ON VIEW agent_studio_bi.duration_daily IS 'How long the executions took that completed on a day.';

CREATE VIEW agent_studio_bi.duration_weekly AS
	SELECT d.since AS week, d.executions AS executions_timed, d.average_seconds AS average_duration_seconds, d.fast AS executions_fast,
		   d.medium AS executions_medium, d.slow AS executions_slow, d.duration_target_seconds, d.meets_target AS meets_duration_target
	FROM agent_studio_private.durations d WHERE d.unit = 'week';
COMMENT ON VIEW agent_studio_bi.duration_weekly IS 'How long the executions took that completed in a week.';

CREATE VIEW agent_studio_bi.duration_monthly AS
	SELECT d.since AS month, d.executions AS executions_timed, d.average_seconds AS average_duration_seconds, d.fast AS executions_fast,
		   d.medium AS executions_medium, d.slow AS executions_slow, d.duration_target_seconds, d.meets_target AS meets_duration_target
	FROM agent_studio_private.durations d WHERE d.unit = 'month';
COMMENT ON VIEW agent_studio_bi.duration_monthly IS 'How long the executions took that completed in a month.';

CREATE VIEW agent_studio_bi.token_usage_daily AS
	SELECT s.day, sum(s.attempts)::bigint AS attempts, sum(s.input_tokens)::bigint AS input_tokens,
		   sum(s.cached_input_tokens)::bigint AS cached_input_tokens, sum(s.output_tokens)::bigint AS output_tokens,
		   sum(s.reasoning_tokens)::bigint AS reasoning_tokens
	FROM agent_studio_private.owner_spending s GROUP BY s.day;
COMMENT ON VIEW agent_studio_bi.token_usage_daily IS 'Tokens of the calls of models that ended on a day.';

CREATE VIEW agent_studio_bi.cost_daily AS
	SELECT c.since AS day, c.cost_usd, c.input_cost_usd, c.output_cost_usd, c.attempts, c.attempts_without_cost, c.executions, c.cost_per_execution_usd
	FROM agent_studio_private.costs c WHERE c.unit = 'day';
COMMENT ON VIEW agent_studio_bi.cost_daily IS 'What the calls of models cost that ended on a day, whatever became of their executions.';

CREATE VIEW agent_studio_bi.cost_weekly AS
	SELECT c.since AS week, c.cost_usd, c.input_cost_usd, c.output_cost_usd, c.attempts, c.attempts_without_cost, c.executions, c.cost_per_execution_usd
	FROM agent_studio_private.costs c WHERE c.unit = 'week';
COMMENT ON VIEW agent_studio_bi.cost_weekly IS 'What the calls of models cost that ended in a week, whatever became of their executions.';

CREATE VIEW agent_studio_bi.cost_monthly AS
	SELECT c.since AS month, c.cost_usd, c.input_cost_usd, c.output_cost_usd, c.attempts, c.attempts_without_cost, c.executions, c.cost_per_execution_usd,
		   p.days_elapsed, p.days_in_month,
		   (c.cost_usd * p.days_in_month / p.days_elapsed)::numeric(20, 6) AS projected_cost_usd
	FROM agent_studio_private.costs c
	CROSS JOIN LATERAL (
		SELECT extract(day FROM c.since + interval '1 month' - interval '1 day')::integer AS days_in_month,
			   greatest(1, least((c.since + interval '1 month')::date, (now() AT TIME ZONE 'UTC')::date + 1) - c.since) AS days_elapsed) p
	WHERE c.unit = 'month';
COMMENT ON VIEW agent_studio_bi.cost_monthly IS
'What the calls of models cost that ended in a month, whatever became of their executions, and what it comes to if the rest of the month is like the days until today.';

CREATE VIEW agent_studio_bi.error_distribution AS
	SELECT e.month, e.error_class, e.executions, (100 * e.executions / sum(e.executions) OVER (PARTITION BY e.month))::numeric(5, 2) AS share_percent
	FROM (SELECT date_trunc('month', t.day::timestamp)::date AS month, t.name AS error_class, sum(t.executions)::bigint AS executions
		  FROM agent_studio_private.owner_totals t WHERE t.subject = 'error' GROUP BY 1, 2) e;
COMMENT ON VIEW agent_studio_bi.error_distribution IS
'Why executions did not complete, by the month in which they came to rest.';
