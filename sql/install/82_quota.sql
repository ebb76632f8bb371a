-- model_quota: how much of each model's allowance is used, and what waits for it.

CREATE FUNCTION agent_studio_private.model_load(OUT model_id bigint, OUT in_flight bigint, OUT queued bigint,
	OUT sent bigint, OUT tokens numeric) RETURNS SETOF record
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
BEGIN ATOMIC
	SELECT m.model_id, q.in_flight, q.queued, q.sent + a.sent, q.tokens + a.tokens
	FROM agent_studio.models m
	CROSS JOIN LATERAL (
		SELECT count(*) FILTER (WHERE q.epoch IS NOT NULL) AS in_flight,
			   count(*) FILTER (WHERE q.epoch IS NULL) AS queued,
			   count(*) FILTER (WHERE q.claimed_at > pg_catalog.clock_timestamp() - interval '1 minute') AS sent,
			   coalesce(sum(q.tokens) FILTER (WHERE q.claimed_at > pg_catalog.clock_timestamp() - interval '1 minute'), 0) AS tokens
		FROM agent_studio.queue q WHERE q.model_id = m.model_id) q
	CROSS JOIN LATERAL (
		SELECT count(*) AS sent, coalesce(sum(t.input_tokens + t.output_tokens), 0) AS tokens
		FROM agent_studio.attempts t
		-- In a query of its own, so that the index takes it.
		WHERE t.model_id = m.model_id AND t.sent_at > (SELECT pg_catalog.clock_timestamp() - interval '1 minute')) a;
END;
COMMENT ON FUNCTION agent_studio_private.model_load() IS
'Calls in flight, steps queued, and requests and tokens of the last minute for each model, whoever owns them.';

CREATE FUNCTION agent_studio_private.percent_of(used numeric, allowed numeric) RETURNS integer
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT CASE WHEN used >= 0 AND allowed > 0
		THEN least(pg_catalog.round(100 * used / allowed), 2147483647)::integer END;
END;
COMMENT ON FUNCTION agent_studio_private.percent_of(numeric, numeric) IS
'How many percent of a limit are used; NULL where either is not known, or cannot be.';

CREATE VIEW agent_studio.model_quota WITH (security_invoker = true) AS
	SELECT m.name AS model, l.in_flight, m.max_concurrency, l.queued,
		   l.sent AS requests_used, coalesce(m.requests_per_minute, h.limit_requests) AS requests_limit,
		   l.tokens::bigint AS tokens_used, coalesce(m.tokens_per_minute, h.limit_tokens) AS tokens_limit,
		   greatest(agent_studio_private.percent_of(l.sent, m.requests_per_minute),
					agent_studio_private.percent_of(l.tokens, m.tokens_per_minute),
					agent_studio_private.percent_of(h.limit_requests - h.remaining_requests, h.limit_requests),
					agent_studio_private.percent_of(h.limit_tokens - h.remaining_tokens, h.limit_tokens)) AS percent_used,
		   greatest(h.reset_requests_at, h.reset_tokens_at, h.blocked_until) AS resets_at
	FROM agent_studio.models m
	JOIN agent_studio_private.model_load() l USING (model_id)
	LEFT JOIN agent_studio.model_headroom h ON h.model_id = m.model_id
		AND (h.seen_at > clock_timestamp() - interval '1 minute' OR h.blocked_until > clock_timestamp());
COMMENT ON VIEW agent_studio.model_quota IS
'How much of its allowance each model has used within the last minute, and what waits for it. Limits are those of the model''s row, else what the vendor said within the last minute, or longer ago while it wants nothing sent.';
COMMENT ON COLUMN agent_studio.model_quota.model IS 'Name of the model.';
COMMENT ON COLUMN agent_studio.model_quota.in_flight IS 'Calls under way.';
COMMENT ON COLUMN agent_studio.model_quota.max_concurrency IS 'Most calls under way at once; NULL = no limit here.';
COMMENT ON COLUMN agent_studio.model_quota.queued IS 'Steps that wait for this model, for their turn or for a time.';
COMMENT ON COLUMN agent_studio.model_quota.requests_used IS 'Requests sent within the last minute.';
COMMENT ON COLUMN agent_studio.model_quota.requests_limit IS 'Most requests within a minute; NULL = not known.';
COMMENT ON COLUMN agent_studio.model_quota.tokens_used IS 'Tokens of the requests of the last minute, estimated while they are under way.';
COMMENT ON COLUMN agent_studio.model_quota.tokens_limit IS 'Most tokens within a minute; NULL = not known.';
COMMENT ON COLUMN agent_studio.model_quota.percent_used IS 'The greatest share of a limit that is used, in percent; NULL = no limit is known.';
COMMENT ON COLUMN agent_studio.model_quota.resets_at IS 'When the vendor allows all again, by its own words; NULL = not said lately.';
GRANT SELECT ON agent_studio.model_quota TO agent_studio_user, agent_studio_monitor;
