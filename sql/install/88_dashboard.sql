-- Views to leave on a screen with \watch: what runs, and what has ended lately. For
-- people: at most 100 columns wide. They stay fast over any number of executions,
-- because what runs is found by the queue, and what has ended from the newest backwards.

-- How far the ids have got is no secret: whoever submits something learns it.
CREATE FUNCTION agent_studio_private.newest_id() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT coalesce(max(e.execution_id), 0) FROM agent_studio.executions e;
END;
COMMENT ON FUNCTION agent_studio_private.newest_id() IS 'Id of the newest execution, whoever owns it; 0 = there is none.';

-- The queue is nobody's to read, so the gate reads it. First the few ids, then their rows: as one
-- query a plan without statistics could read all executions.
CREATE FUNCTION agent_studio_private.active_ids(actor text) RETURNS bigint[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
DECLARE
	reads_all boolean := agent_studio_private.has_role(actor, 'agent_studio_monitor');
	roles text[] := ARRAY(SELECT r.rolname::text FROM pg_roles r WHERE pg_has_role(actor, r.oid, 'usage'));
	begun bigint[] := ARRAY(
		SELECT q.execution_id FROM agent_studio.queue q WHERE q.epoch IS NOT NULL OR q.waiting OR q.attempt_no > 0 OR q.step_no > 1
		UNION
		SELECT a.execution_id FROM agent_studio.approvals a WHERE a.decision IS NULL);
BEGIN
	RETURN ARRAY(SELECT e.execution_id FROM unnest(begun) b (id) JOIN agent_studio.executions e ON e.execution_id = b.id
				 WHERE reads_all OR e.owner = ANY (roles) OR e.team = ANY (roles));
END
$$;
COMMENT ON FUNCTION agent_studio_private.active_ids(text) IS 'Body of active_ids(); the acting role comes first.';

CREATE FUNCTION agent_studio_private.active_ids() RETURNS bigint[]
AS 'MODULE_PATHNAME', 'agent_studio_gate' LANGUAGE C STABLE;
COMMENT ON FUNCTION agent_studio_private.active_ids() IS
'Executions that the current user can see, that have begun and are not at rest, and a few more.';

CREATE FUNCTION agent_studio_private.active() RETURNS SETOF agent_studio.executions
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT e.* FROM unnest(agent_studio_private.active_ids()) a (id) JOIN agent_studio.executions e ON e.execution_id = a.id
	WHERE e.status IN ('running', 'paused', 'waiting_approval');
END;
COMMENT ON FUNCTION agent_studio_private.active() IS
'Executions that the current user can see, that have begun and are not at rest.';

CREATE FUNCTION agent_studio_private.cost_so_far(execution agent_studio.executions) RETURNS numeric
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT sum(c.cost) FROM (
		SELECT coalesce((execution).input_cost_usd + (execution).output_cost_usd, (execution).input_cost_usd, (execution).output_cost_usd) AS cost
		UNION ALL
		SELECT coalesce(l.input_cost_usd + l.output_cost_usd, l.input_cost_usd, l.output_cost_usd) FROM agent_studio_private.calls l
		WHERE l.execution_id = (execution).execution_id AND l.is_live) c;
END;
COMMENT ON FUNCTION agent_studio_private.cost_so_far(agent_studio.executions) IS
'USD that an execution has cost, with what its calls under way have streamed; NULL = not known.';

CREATE FUNCTION agent_studio_private.progress_text(execution agent_studio.executions) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
DECLARE
	percent integer := coalesce(agent_studio_private.overall_percent(execution), 0);
	steps record;
BEGIN
	IF execution.kind = 'task' THEN
		RETURN format('%s %s%%', agent_studio_private.bar(percent, 8), percent);
	END IF;
	steps := agent_studio_private.progress(execution);
	RETURN format('%s %s/%s %s%%', agent_studio_private.bar(percent, 8), least(steps.done + 1, steps.total), steps.total, percent);
END
$$;
COMMENT ON FUNCTION agent_studio_private.progress_text(agent_studio.executions) IS
'A bar, of a workflow the step that it is at and how many there are, and the percentage.';

CREATE FUNCTION agent_studio_private.doing_text(execution agent_studio.executions) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT CASE (execution).status
		WHEN 'paused' THEN 'paused'
		WHEN 'waiting_approval' THEN agent_studio_private.approval_note((execution).execution_id)
		ELSE (SELECT t.content FROM agent_studio.thoughts t WHERE t.execution_id = (execution).execution_id ORDER BY t.seq DESC LIMIT 1) END;
END;
COMMENT ON FUNCTION agent_studio_private.doing_text(agent_studio.executions) IS
'The latest thought of an execution, or what it waits for.';

CREATE FUNCTION agent_studio_private.ago_text(elapsed interval) RETURNS text
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT CASE WHEN t.n IS NULL THEN 'just now' ELSE format('%s %s%s ago', t.n, t.unit, CASE WHEN t.n = 1 OR t.unit = 'min' THEN '' ELSE 's' END) END
	FROM (SELECT CASE WHEN x.s >= 172800 THEN x.s / 86400 WHEN x.s >= 3600 THEN x.s / 3600 WHEN x.s >= 60 THEN x.s / 60 END AS n,
				 CASE WHEN x.s >= 172800 THEN 'day' WHEN x.s >= 3600 THEN 'hour' ELSE 'min' END AS unit
		  FROM (SELECT floor(extract(epoch FROM elapsed))::bigint AS s) x
		  WHERE elapsed IS NOT NULL) t;
END;
COMMENT ON FUNCTION agent_studio_private.ago_text(interval) IS 'How long ago: just now, 5 min ago, 3 hours ago, 12 days ago; NULL for NULL.';

-- The planner takes it for large, and compiling (jit) would take a second and save nothing.
CREATE FUNCTION agent_studio_private.active_rows()
RETURNS TABLE (id bigint, name text, progress text, elapsed text, "left" text, cost text, now text)
LANGUAGE sql STABLE SET jit = off
BEGIN ATOMIC
	SELECT e.execution_id, agent_studio_private.one_line(coalesce(e.workflow, e.agent), 14),
		   agent_studio_private.progress_text(e),
		   agent_studio_private.duration_text(clock_timestamp() - e.started_at),
		   agent_studio_private.duration_text(agent_studio_private.estimated_rest(e)),
		   agent_studio_private.money_text(agent_studio_private.cost_so_far(e)),
		   agent_studio_private.one_line(agent_studio_private.doing_text(e), 22)
	FROM agent_studio_private.active() e
	ORDER BY e.execution_id;
END;
COMMENT ON FUNCTION agent_studio_private.active_rows() IS
'The rows of active_executions.';

CREATE VIEW agent_studio.active_executions WITH (security_invoker = true) AS
	SELECT a.id, a.name, a.progress, a.elapsed, a."left", a.cost, a.now
	FROM agent_studio_private.active_rows() a;
COMMENT ON VIEW agent_studio.active_executions IS
'Executions that have begun and are not at rest, for people to look on with \watch 1. as_status, as_progress, as_usage and as_workflow_status tell more of one.';
COMMENT ON COLUMN agent_studio.active_executions.id IS 'The execution.';
COMMENT ON COLUMN agent_studio.active_executions.name IS 'Workflow or agent, shortened.';
COMMENT ON COLUMN agent_studio.active_executions.progress IS 'A bar, of a workflow the step that it is at and how many there are, and the percentage, as in as_progress.';
COMMENT ON COLUMN agent_studio.active_executions.elapsed IS 'Since it started; NULL = no model was asked yet.';
COMMENT ON COLUMN agent_studio.active_executions."left" IS 'How long it is going to take, as in as_status; NULL = not known, or it waits for people.';
COMMENT ON COLUMN agent_studio.active_executions.cost IS 'In USD so far, with what its calls under way have streamed; NULL = not known.';
COMMENT ON COLUMN agent_studio.active_executions.now IS 'The latest thought, or what it waits for, shortened.';

CREATE VIEW agent_studio.recent_completions WITH (security_invoker = true) AS
	SELECT e.execution_id AS id, agent_studio_private.one_line(coalesce(e.workflow, e.agent) || CASE WHEN e.is_test THEN ' (test)' ELSE '' END, 32) AS name, e.status,
		   agent_studio_private.duration_text(e.finished_at - e.started_at) AS duration,
		   agent_studio_private.money_text(coalesce(e.input_cost_usd + e.output_cost_usd, e.input_cost_usd, e.output_cost_usd)) AS cost,
		   agent_studio_private.ago_text(clock_timestamp() - e.finished_at) AS finished
	FROM (SELECT x.* FROM agent_studio.executions x
		  -- Whoever has few of them need not look through all.
		  WHERE x.execution_id > (SELECT agent_studio_private.newest_id() - 100000) AND x.finished_at IS NOT NULL
		  ORDER BY x.execution_id DESC LIMIT 200) e
	ORDER BY e.finished_at DESC LIMIT 10;
COMMENT ON VIEW agent_studio.recent_completions IS
'The ten executions that came to rest last, of the 200 newest at rest that the current user can see, as far as they are among the newest 100,000 of all.';
COMMENT ON COLUMN agent_studio.recent_completions.id IS 'The execution.';
COMMENT ON COLUMN agent_studio.recent_completions.name IS 'Workflow or agent, shortened; with (test) behind it, where as_test_workflow ran it.';
COMMENT ON COLUMN agent_studio.recent_completions.status IS 'completed, failed, canceled or requires_manual_review.';
COMMENT ON COLUMN agent_studio.recent_completions.duration IS 'From its start to its end; NULL = it never started.';
COMMENT ON COLUMN agent_studio.recent_completions.cost IS 'In USD; NULL = not known.';
COMMENT ON COLUMN agent_studio.recent_completions.finished IS 'How long ago it came to rest.';
GRANT SELECT ON agent_studio.active_executions, agent_studio.recent_completions TO agent_studio_user, agent_studio_monitor;
