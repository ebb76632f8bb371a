-- One run of a workflow, followed to its end: four agents, each of which works on what
-- those before it have made. The workflow is that of workflows/feature-development.sql.

CALL agent_studio.as_follow_workflow('feature-development-sequential-prod', '{
	"feature_name": "User Avatar Upload System",
	"scale": "500K requests/day",
	"requirement_1": "Upload images up to 5MB",
	"requirement_2": "Automatic image resizing (3 sizes)",
	"requirement_3": "Secure storage with CDN delivery",
	"tech_stack": "Python FastAPI, Azure Blob Storage, PIL, Redis"}') \gset

\pset footer off
\echo '== Its steps'
\echo
SELECT w.step_no AS no, w.step, w.agent, w.state, w.seconds, w.tokens, round(w.cost_usd, 4) AS cost_usd
FROM agent_studio.as_workflow_status(:execution) w;
\echo
\echo '== What they have made'
\echo
SELECT o.step_no AS no, o.name AS output, length(o.content) AS characters,
	   regexp_replace(left(o.content, 60), '\s+', ' ', 'g') AS begins_with
FROM agent_studio.outputs o
WHERE o.execution_id = :execution AND o.name <> 'output'
ORDER BY o.step_no, o.name;
\echo
\echo '== What it took'
\echo
SELECT :execution AS execution, e.status, m.duration_seconds, m.input_tokens, m.output_tokens, m.total_tokens,
	   round(m.cost_usd, 4) AS cost_usd
FROM agent_studio.executions e, agent_studio.as_metrics(:execution) m
WHERE e.execution_id = :execution;
