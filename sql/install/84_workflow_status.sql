-- as_workflow_status: a row per step, for looking on while a workflow runs.

CREATE FUNCTION agent_studio_private.pending_step_note(at_rest boolean, on_demand boolean, after text[], unfinished text[]) RETURNS text
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT CASE
		WHEN at_rest THEN 'not reached'
		WHEN on_demand THEN 'runs on demand only'
		ELSE 'waits for ' || (SELECT string_agg(a.name, ', ' ORDER BY a.n) FROM unnest(after) WITH ORDINALITY a (name, n)
							  WHERE a.name = ANY (unfinished))
		END;
END;
COMMENT ON FUNCTION agent_studio_private.pending_step_note(boolean, boolean, text[], text[]) IS
'What a step that has not begun waits for; NULL = nothing that could be told.';

CREATE FUNCTION agent_studio_private.step_note(execution agent_studio.executions, step agent_studio.steps,
	on_demand boolean, after text[], unfinished text[]) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT CASE (step).state
		WHEN 'pending' THEN agent_studio_private.pending_step_note((execution).finished_at IS NOT NULL, on_demand, after, unfinished)
		WHEN 'queued' THEN 'waits for its turn'
		WHEN 'paused' THEN 'waits for as_resume'
		WHEN 'retrying' THEN agent_studio_private.retry_note(execution, step)
		WHEN 'waiting_approval' THEN
			(SELECT format('waits for %s%s: %s', a.approver, coalesce(' until ' || date_trunc('second', a.expires_at), ''), a.message)
			 FROM agent_studio.approvals a WHERE a.execution_id = (step).execution_id AND a.step_no = (step).step_no)
		WHEN 'skipped' THEN CASE (step).verdict WHEN 'passed_over' THEN 'its condition did not hold'
			WHEN 'skipped_by_hand' THEN 'skipped by hand' ELSE 'no way led to it' END
		WHEN 'partial' THEN CASE (step).verdict WHEN 'accepted' THEN 'what had arrived was accepted'
			ELSE concat_ws('; ', 'waits for as_accept_partial, as_complete_step, as_retry_step or as_skip_step', (step).error_message) END
		WHEN 'completed' THEN CASE (step).verdict WHEN 'manual_review' THEN 'held for review'
			WHEN 'completed_by_hand' THEN 'completed by hand' WHEN 'went_back' THEN 'sent the flow back'
			WHEN 'handed_off' THEN 'handed off' END
		ELSE nullif(concat_ws(': ', (step).error_class, (step).error_message), '') END;
END;
COMMENT ON FUNCTION agent_studio_private.step_note(agent_studio.executions, agent_studio.steps, boolean, text[], text[]) IS
'What a step waits for, or what has become of it; NULL = there is nothing to say.';

CREATE FUNCTION agent_studio.as_workflow_status(execution bigint)
RETURNS TABLE (step_no integer, step text, title text, agent text, state text, iteration integer, seconds numeric,
	cost_usd numeric, tokens bigint, latest_thought text, note text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	definition jsonb;
	unfinished text[];
BEGIN
	PERFORM agent_studio_private.require_execution(execution);
	SELECT agent_studio_private.plan_of(e) INTO definition FROM agent_studio.executions e WHERE e.execution_id = as_workflow_status.execution;
	unfinished := ARRAY(SELECT c.name FROM agent_studio_private.current_steps(execution) c WHERE c.state NOT IN ('completed', 'skipped'));
	RETURN QUERY
	SELECT s.step_no, s.name, coalesce(agent_studio_private.printable(s.title), s.name),
		   coalesce(a.name, CASE WHEN jsonb_typeof(p.step -> 'agent') = 'string' THEN p.step ->> 'agent' END, e.agent),
		   s.state, s.iteration,
		   round(extract(epoch FROM coalesce(s.finished_at, clock_timestamp()) - s.started_at), 1),
		   trim_scale(used.cost), used.tokens,
		   (SELECT agent_studio_private.printable(t.content) FROM agent_studio.thoughts t
			WHERE t.execution_id = e.execution_id AND t.step_no = s.step_no ORDER BY t.seq DESC LIMIT 1),
		   agent_studio_private.one_line(agent_studio_private.step_note(e, s, p.on_demand, p.after, unfinished), 200)
	FROM agent_studio.executions e
	CROSS JOIN LATERAL agent_studio_private.current_steps(e.execution_id) s
	LEFT JOIN agent_studio_private.plan_steps(definition) p ON p.plan_step = s.plan_step
	LEFT JOIN agent_studio.agent_versions v ON v.agent_version_id = s.agent_version_id
	LEFT JOIN agent_studio.agents a ON a.agent_id = v.agent_id
	CROSS JOIN LATERAL (
		SELECT sum(coalesce(t.input_cost_usd + t.output_cost_usd, t.input_cost_usd, t.output_cost_usd)) AS cost,
			   sum(coalesce(t.input_tokens + t.output_tokens, t.input_tokens, t.output_tokens))::bigint AS tokens
		FROM agent_studio_private.calls t WHERE t.execution_id = e.execution_id AND t.step_no = s.step_no) used
	WHERE e.execution_id = as_workflow_status.execution
	ORDER BY s.plan_step;
END
$$;
COMMENT ON FUNCTION agent_studio.as_workflow_status(bigint) IS
'A row per step of an execution, in the order of the definition, each with its newest iteration: agent, state, seconds (until now while it runs), cost in USD and tokens of its attempts (NULL = not known; while it runs an estimate of what has streamed), the latest thought, and what it waits for or what has become of it. Raises 42704.';
