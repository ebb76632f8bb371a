-- as_usage: tokens, cost and quota, while an execution runs and after it. What has
-- ended is told by attempts; what runs, by live_usage.

CREATE VIEW agent_studio_private.calls WITH (security_invoker = true) AS
	SELECT a.execution_id, a.step_no, a.attempt_no, a.model_id, a.agent_version_id, false AS is_live,
		   a.input_tokens, a.cached_input_tokens, a.output_tokens, a.reasoning_tokens,
		   a.input_cost_usd, a.output_cost_usd, a.first_token_at, a.finished_at AS until
	FROM agent_studio.attempts a
	UNION ALL
	SELECT l.execution_id, l.step_no, l.attempt_no, l.model_id, s.agent_version_id, true,
		   l.input_tokens, l.cached_input_tokens, l.output_tokens, l.reasoning_tokens,
		   ((l.input_tokens - coalesce(l.cached_input_tokens, 0)) * p.input_price
				+ coalesce(l.cached_input_tokens, 0) * coalesce(p.cached_input_price, p.input_price)) / 1000000,
		   l.output_tokens * p.output_price / 1000000, l.first_token_at, l.seen_at
	FROM agent_studio.live_usage l
	JOIN agent_studio.steps s ON s.execution_id = l.execution_id AND s.step_no = l.step_no
		AND s.state = 'running' AND s.attempt_no = l.attempt_no
	LEFT JOIN LATERAL (SELECT x.input_price, x.cached_input_price, x.output_price FROM agent_studio.model_prices x
					   WHERE x.model_id = l.model_id AND x.valid_from <= now() ORDER BY x.valid_from DESC LIMIT 1) p ON true;
COMMENT ON VIEW agent_studio_private.calls IS
'Calls of models with tokens and costs: those that have ended, and of those under way what has streamed so far.';

CREATE FUNCTION agent_studio.as_usage(execution bigint,
	OUT input_tokens bigint, OUT cached_input_tokens bigint, OUT output_tokens bigint, OUT reasoning_tokens bigint,
	OUT total_tokens bigint, OUT cost_usd numeric, OUT estimated_cost_usd numeric, OUT is_estimate boolean, OUT models text, OUT tokens_per_second numeric,
	OUT context_percent integer, OUT output_limit_percent integer, OUT quota_percent integer) RETURNS record
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_column
BEGIN
	PERFORM agent_studio_private.require_execution(execution);
	SELECT c.input, c.cached, c.output, c.reasoning, coalesce(c.input + c.output, c.input, c.output),
		   trim_scale(c.cost), agent_studio_private.estimated_cost(e, trim_scale(c.cost)), s.running, s.models,
		   CASE WHEN c.seconds >= 0.1 THEN round(c.streamed / c.seconds, 1) END, c.context, c.output_limit, s.quota
	INTO as_usage.input_tokens, as_usage.cached_input_tokens, as_usage.output_tokens, as_usage.reasoning_tokens,
		 as_usage.total_tokens, as_usage.cost_usd, as_usage.estimated_cost_usd, as_usage.is_estimate, as_usage.models, as_usage.tokens_per_second,
		 as_usage.context_percent, as_usage.output_limit_percent, as_usage.quota_percent
	FROM agent_studio.executions e,
		 (SELECT coalesce(bool_or(x.state = 'running'), false) AS running, string_agg(DISTINCT m.name, ', ') AS models,
				 max(q.percent_used) AS quota
		  FROM agent_studio.steps x JOIN agent_studio.models m USING (model_id)
		  LEFT JOIN agent_studio.model_quota q ON q.model = m.name
		  WHERE x.execution_id = as_usage.execution) s,
		 (SELECT sum(t.input_tokens)::bigint AS input, sum(t.cached_input_tokens)::bigint AS cached,
				 sum(t.output_tokens)::bigint AS output, sum(t.reasoning_tokens)::bigint AS reasoning,
				 coalesce(sum(t.input_cost_usd) + sum(t.output_cost_usd), sum(t.input_cost_usd), sum(t.output_cost_usd)) AS cost,
				 sum(t.output_tokens) FILTER (WHERE t.first_token_at IS NOT NULL) AS streamed,
				 sum(extract(epoch FROM t.until - t.first_token_at)) FILTER (WHERE t.output_tokens IS NOT NULL) AS seconds,
				 max(agent_studio_private.percent_of(t.input_tokens + t.output_tokens, m.context_window)) AS context,
				 max(agent_studio_private.percent_of(t.output_tokens, coalesce(v.max_output_tokens, m.max_output_tokens))) AS output_limit
		  FROM agent_studio_private.calls t
		  LEFT JOIN agent_studio.models m USING (model_id)
		  LEFT JOIN agent_studio.agent_versions v USING (agent_version_id)
		  WHERE t.execution_id = as_usage.execution) c
	WHERE e.execution_id = as_usage.execution;
END
$$;
COMMENT ON FUNCTION agent_studio.as_usage(bigint) IS
'One row: tokens and cost in USD so far, with what calls under way have streamed, about a second old; is_estimate: a call is under way, so they are not final. When it has ended they are the sums of the attempts, as in as_metrics; NULL = not known. estimated_cost_usd: what it is going to cost in all, the median of the newest 20 completed executions of the agent or workflow, else the most by prices and limits, and what it has cost once it has ended. models: names of the models that were chosen. tokens_per_second: output tokens over the time since the first one. context_percent and output_limit_percent: the greatest share of the model''s context window, and of the most output tokens, that one of its calls took. quota_percent: how much of its allowance of the last minute the model has used now, as in model_quota. NULL percent = no limit is known. Raises 42704.';
