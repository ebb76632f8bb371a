-- as_notices: the notices of an execution, with those that need not be written: which
-- model is used, that it streams, and that all went well, are told by other rows.

CREATE VIEW agent_studio_private.all_notices WITH (security_invoker = true, security_barrier = true) AS
	SELECT n.execution_id, n.at, 5 AS place, n.severity, n.kind, n.step_no, n.message
	FROM agent_studio.notices n
	UNION ALL
	SELECT c.execution_id, min(c.sent_at), 1, 'info', 'model', c.step_no,
		   format('Using %s model (%s)', m.name, concat_ws('-', m.deployment, m.model_version))
	FROM (SELECT a.execution_id, a.step_no, a.model_id, a.sent_at FROM agent_studio.attempts a
		  UNION ALL
		  SELECT s.execution_id, s.step_no, s.model_id, s.sent_at FROM agent_studio.steps s WHERE s.state = 'running') c
	JOIN agent_studio.models m USING (model_id)
	GROUP BY c.execution_id, c.step_no, m.model_id
	UNION ALL
	SELECT c.execution_id, c.first_token_at, 2, 'info', 'streaming', c.step_no, 'Streaming enabled - receiving results in real-time'
	FROM agent_studio_private.calls c WHERE c.first_token_at IS NOT NULL
	UNION ALL
	SELECT e.execution_id, e.finished_at, 9, 'success', 'completed', NULL,
		   format('Task completed successfully in %s seconds', round(extract(epoch FROM e.finished_at - e.started_at)))
	FROM agent_studio.executions e WHERE e.kind = 'task' AND e.status = 'completed';
COMMENT ON VIEW agent_studio_private.all_notices IS
'The rows of notices, and those that are told by attempts, steps and executions.';

CREATE FUNCTION agent_studio.as_notices(execution bigint, min_severity text DEFAULT 'info')
RETURNS TABLE (at timestamptz, severity text, kind text, step text, message text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	ranks text[] := ARRAY['info', 'success', 'warning', 'error'];
BEGIN
	PERFORM agent_studio_private.require_execution(execution);
	PERFORM agent_studio_private.one_of('min_severity', min_severity, ranks);
	RETURN QUERY
	SELECT n.at, n.severity, n.kind, s.name, agent_studio_private.printable(n.message)
	FROM agent_studio_private.all_notices n
	LEFT JOIN agent_studio.steps s ON s.execution_id = n.execution_id AND s.step_no = n.step_no
	WHERE n.execution_id = as_notices.execution AND array_position(ranks, n.severity) >= array_position(ranks, min_severity)
	ORDER BY n.at, n.place;
END
$$;
COMMENT ON FUNCTION agent_studio.as_notices(bigint, text) IS
'What there is to know of an execution, in order of time, of min_severity (info, success, warning, error) and above: the rows of notices, and besides which model is used, that it streams, and that a task succeeded. step is NULL for the execution as a whole. Raises 42704, 22023.';
