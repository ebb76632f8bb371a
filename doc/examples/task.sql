-- One task for one agent, followed to its end. Run it with psql: thoughts appear as
-- they come, then the answer; \gset keeps the returned row in variables.

CALL agent_studio.as_follow_task('architect-agent-prod', $task$
Design a real-time notification system for a collaborative workspace application
that handles 100K concurrent connections.

Requirements:
- Push notifications to web and mobile clients
- Guaranteed delivery with persistence
- Message ordering per user
- Support for broadcast and targeted messages

Constraints:
- Technology: Azure (SignalR, Service Bus, Cosmos DB)
- Budget: Moderate ($2K-5K monthly)
- Timeline: 3 weeks for MVP

Expected output: Architecture diagram, component breakdown, scalability analysis
$task$,
	context => '{"scale": "100K concurrent connections", "teamSize": 5, "timeline": "3 weeks"}',
	priority => 'high', timeout_seconds => 300) \gset

\pset footer off
\echo '== What became of it'
\echo
\x on
SELECT :execution AS execution, s.status, s.agent, s.started, s.elapsed, s.note
FROM agent_studio.as_status(:execution) s;
\x off
\echo
SELECT m.deployment AS model, m.input_tokens, m.output_tokens, m.reasoning_tokens, m.total_tokens
FROM agent_studio.as_metrics(:execution) m;
\echo
SELECT m.attempts, m.duration_seconds, round(m.input_cost_usd, 4) AS input_cost_usd,
	   round(m.output_cost_usd, 4) AS output_cost_usd, round(m.cost_usd, 4) AS cost_usd
FROM agent_studio.as_metrics(:execution) m;
