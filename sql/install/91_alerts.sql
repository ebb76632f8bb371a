-- alerts: what wants somebody's attention, each with the statement that deals with it.
-- One function for each source; the view is their union. The planner takes them for
-- large, and compiling (jit) would take a second and save nothing.

-- What has failed, or is held for review, is found by indexes for which success pays
-- nothing: neither the hint nor the notice is there then.
CREATE INDEX executions_troubled ON agent_studio.executions (submitted_at) WHERE error_hint IS NOT NULL;
CREATE INDEX notices_review ON agent_studio.notices (execution_id) WHERE kind = 'manual_review';

CREATE FUNCTION agent_studio_private.approval_alerts()
RETURNS TABLE (severity text, kind text, execution_id bigint, message text, remedy text)
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT 'warning', 'approval', p.execution_id,
		   format('%s waits for your approval%s: %s', p.step, coalesce(' until ' || date_trunc('second', p.expires), ''),
				  agent_studio_private.one_line(p.message, 100)), p.approve
	FROM agent_studio.pending_approvals p
	UNION ALL
	SELECT 'info', 'approval', s.execution_id, format('%s waits for the approval of %s', s.name, a.approver),
		   format('SELECT * FROM agent_studio.as_workflow_status(%s);', s.execution_id)
	FROM agent_studio.approvals a JOIN agent_studio.steps s USING (execution_id, step_no)
	WHERE a.decision IS NULL AND s.state = 'waiting_approval'
	  AND NOT EXISTS (SELECT FROM agent_studio.pending_approvals p WHERE p.execution_id = a.execution_id AND p.step_no = a.step_no);
END;
COMMENT ON FUNCTION agent_studio_private.approval_alerts() IS
'Steps that wait for approval: by the current user, or by others.';

CREATE FUNCTION agent_studio_private.failure_remedy(execution agent_studio.executions) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	-- Not one that has to be filled in; and none is possible for a task that runs once.
	SELECT coalesce(CASE WHEN (execution).kind = 'workflow' OR (execution).plan IS NOT NULL THEN
						(SELECT o.call FROM agent_studio.as_recovery_options((execution).execution_id) o
						 WHERE o.legal AND o.call NOT LIKE '%...%' ORDER BY o.recommended DESC, o.option LIMIT 1) END,
					format('SELECT agent_studio.as_clone(%s);', (execution).execution_id));
END;
COMMENT ON FUNCTION agent_studio_private.failure_remedy(agent_studio.executions) IS
'The recommended way to go on after a failure, else another one, else the same work again.';

-- Not among all that came since, which may be millions. The range and the order lead to
-- the index of the agent's or the workflow's.
CREATE FUNCTION agent_studio_private.is_submitted_again(execution agent_studio.executions) RETURNS boolean
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT EXISTS (
		SELECT FROM (SELECT x.owner, x.task, x.context FROM agent_studio.executions x
					 WHERE x.agent BETWEEN (execution).agent AND (execution).agent AND x.execution_id > (execution).execution_id
					 ORDER BY x.agent, x.execution_id LIMIT 1000) n
		WHERE n.owner = (execution).owner AND n.task = (execution).task AND n.context = (execution).context)
	OR EXISTS (
		SELECT FROM (SELECT x.owner, x.inputs FROM agent_studio.executions x
					 WHERE x.workflow BETWEEN (execution).workflow AND (execution).workflow AND x.execution_id > (execution).execution_id
					 ORDER BY x.workflow, x.execution_id LIMIT 1000) n
		WHERE n.owner = (execution).owner AND n.inputs = (execution).inputs);
END;
COMMENT ON FUNCTION agent_studio_private.is_submitted_again(agent_studio.executions) IS
'Whether its owner has submitted the same work once more, as far as it is among the next 1000 of the agent or the workflow.';

CREATE FUNCTION agent_studio_private.failure_alerts()
RETURNS TABLE (severity text, kind text, execution_id bigint, message text, remedy text)
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT CASE e.status WHEN 'failed' THEN 'error' ELSE 'warning' END, CASE e.status WHEN 'failed' THEN 'failed' ELSE 'review' END,
		   e.execution_id,
		   agent_studio_private.one_line(format('%s%s: %s', coalesce(e.workflow, e.agent), CASE e.status WHEN 'failed' THEN ' failed' ELSE '' END,
				coalesce(e.error_class || ': ' || e.error_message, agent_studio_private.review_note(e.execution_id))), 160),
		   agent_studio_private.failure_remedy(e)
	FROM ((SELECT t.* FROM agent_studio.executions t
		   WHERE t.error_hint IS NOT NULL AND t.status = 'failed'
			 AND t.submitted_at > now() - interval '7 days' AND t.finished_at > now() - interval '1 day'
		   ORDER BY t.submitted_at DESC LIMIT 20)
		  UNION ALL
		  (SELECT t.* FROM agent_studio.executions t
		   WHERE t.status = 'requires_manual_review'
			 AND t.execution_id IN (SELECT n.execution_id FROM agent_studio.notices n WHERE n.kind = 'manual_review')
		   ORDER BY t.execution_id DESC LIMIT 20)) e
	WHERE NOT EXISTS (SELECT FROM agent_studio.commands c WHERE c.execution_id = e.execution_id AND c.applied_at IS NULL)
	  AND NOT agent_studio_private.is_submitted_again(e);
END;
COMMENT ON FUNCTION agent_studio_private.failure_alerts() IS
'Of the newest 20 executions that failed within a day, and the newest 20 that require a manual review, those that were not submitted once more (among the next 1000 of the agent or workflow), and for which no command is pending.';

CREATE FUNCTION agent_studio_private.slow_alerts()
RETURNS TABLE (severity text, kind text, execution_id bigint, message text, remedy text)
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT 'warning', 'slow', e.execution_id,
		   format('%s runs for %s; usual: %s', agent_studio_private.one_line(coalesce(e.workflow, e.agent), 60),
				  agent_studio_private.duration_text(u.elapsed), agent_studio_private.duration_text(u.usual)),
		   format('SELECT agent_studio.as_cancel(%s);', e.execution_id)
	FROM agent_studio_private.active() e
	CROSS JOIN LATERAL (SELECT clock_timestamp() - e.started_at AS elapsed, (agent_studio_private.usual_total(e)).duration AS usual) u
	WHERE e.status = 'running' AND u.elapsed > 2 * u.usual AND u.elapsed > u.usual + interval '10 seconds'
	UNION ALL
	SELECT 'warning', 'timeout', e.execution_id,
		   format('%s: %s of %s seconds are over', agent_studio_private.one_line(concat_ws(', step ', coalesce(e.workflow, e.agent),
				CASE e.kind WHEN 'workflow' THEN s.name END), 80), floor(t.elapsed), t.most),
		   format('SELECT agent_studio.as_cancel(%s);', e.execution_id)
	FROM agent_studio_private.active() e JOIN agent_studio.steps s USING (execution_id)
	CROSS JOIN LATERAL (SELECT extract(epoch FROM clock_timestamp() - s.sent_at) AS elapsed,
							   coalesce(s.timeout_seconds, e.timeout_seconds) AS most) t
	WHERE s.state = 'running' AND t.elapsed > 0.8 * t.most;
END;
COMMENT ON FUNCTION agent_studio_private.slow_alerts() IS
'Executions that run for twice as long as usual, and steps of which four fifths of their time are over.';

CREATE FUNCTION agent_studio_private.quota_alerts()
RETURNS TABLE (severity text, kind text, execution_id bigint, message text, remedy text)
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT 'warning', 'quota', NULL::bigint,
		   format('%s%% of the quota of model %s used: tasks may wait (%s queued)', q.percent_used, agent_studio_private.one_line(q.model, 60), q.queued),
		   format('SELECT agent_studio.as_update_model(%L, %s);', q.model,
				  -- Our own limit is raised; before the vendor's, fewer go at once.
				  CASE WHEN m.tokens_per_minute IS NOT NULL AND q.tokens_used > 0.8 * m.tokens_per_minute
						THEN format('tokens_per_minute => %s', least(2 * m.tokens_per_minute, 9000000000000000000))
					   WHEN m.requests_per_minute IS NOT NULL AND q.requests_used > 0.8 * m.requests_per_minute
						THEN format('requests_per_minute => %s', least(2::bigint * m.requests_per_minute, 2147483647))
					   ELSE format('max_concurrency => %s', greatest(1, q.in_flight / 2)) END)
	FROM agent_studio.model_quota q JOIN agent_studio.models m ON m.name = q.model
	WHERE q.percent_used > 80;
END;
COMMENT ON FUNCTION agent_studio_private.quota_alerts() IS
'Models of whose allowance over 80 percent are used.';

CREATE FUNCTION agent_studio_private.executor_alerts()
RETURNS TABLE (severity text, kind text, execution_id bigint, message text, remedy text)
LANGUAGE sql VOLATILE
BEGIN ATOMIC
	SELECT 'error', 'executor', NULL::bigint,
		   CASE WHEN NOT w.preloaded THEN 'the library is not preloaded: nothing runs'
				WHEN w.state = 'running' THEN 'the executor does not get on: ' || agent_studio_private.one_line(w.problem, 120)
				ELSE concat_ws(': ', 'the executor is not running', w.state, agent_studio_private.one_line(w.problem, 120)) END,
		   'SELECT * FROM agent_studio.as_check() WHERE NOT ok;'
	FROM agent_studio_private.worker_state() w
	WHERE NOT pg_is_in_recovery() AND (w.state IS DISTINCT FROM 'running' OR w.problem IS NOT NULL);
END;
COMMENT ON FUNCTION agent_studio_private.executor_alerts() IS
'That no executor runs here, or that it does not get on.';

CREATE FUNCTION agent_studio_private.restored_alerts()
RETURNS TABLE (severity text, kind text, execution_id bigint, message text, remedy text)
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT 'warning', 'restored', NULL::bigint,
		   format('%s steps were restored from a dump, or copied, and wait', count(*)), 'SELECT agent_studio.as_release_restored();'
	FROM agent_studio.executions e JOIN agent_studio.steps s USING (execution_id)
	WHERE e.execution_id > (SELECT agent_studio_private.newest_id() - 10000) AND e.finished_at IS NULL
	  AND s.state IN ('queued', 'running', 'retrying', 'paused')
	  -- One look for each, however long the queue is.
	  AND (SELECT q.step_no FROM agent_studio_private.queued_steps q
		   WHERE q.execution_id = s.execution_id AND q.step_no = s.step_no) IS NULL
	HAVING count(*) > 0;
END;
COMMENT ON FUNCTION agent_studio_private.restored_alerts() IS
'That restored or copied work was not released, as far as it is among the newest 10,000 executions; as_check looks at all.';

CREATE FUNCTION agent_studio_private.schedule_alerts()
RETURNS TABLE (severity text, kind text, execution_id bigint, message text, remedy text)
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT 'error', 'schedule', NULL::bigint,
		   format('schedule "%s" started nothing: %s', s.name, agent_studio_private.one_line(s.last_error, 200)),
		   format('SELECT agent_studio.as_run_schedule(%L);', s.name)
	FROM agent_studio.schedules s WHERE s.last_error IS NOT NULL ORDER BY s.name;
END;
COMMENT ON FUNCTION agent_studio_private.schedule_alerts() IS
'Schedules that started nothing when their time last came, with the call that tries it again.';

CREATE FUNCTION agent_studio_private.all_alerts()
RETURNS TABLE (severity text, kind text, execution_id bigint, message text, remedy text)
LANGUAGE sql VOLATILE SET jit = off
BEGIN ATOMIC
	SELECT * FROM agent_studio_private.executor_alerts()
	UNION ALL SELECT * FROM agent_studio_private.restored_alerts()
	UNION ALL SELECT * FROM agent_studio_private.failure_alerts()
	UNION ALL SELECT * FROM agent_studio_private.approval_alerts()
	UNION ALL SELECT * FROM agent_studio_private.slow_alerts()
	UNION ALL SELECT * FROM agent_studio_private.quota_alerts()
	UNION ALL SELECT * FROM agent_studio_private.budget_alerts()
	UNION ALL SELECT * FROM agent_studio_private.schedule_alerts();
END;
COMMENT ON FUNCTION agent_studio_private.all_alerts() IS
'The alerts of all sources.';

CREATE VIEW agent_studio.alerts WITH (security_invoker = true) AS
	SELECT a.severity, a.kind, a.execution_id, a.message, a.remedy
	FROM agent_studio_private.all_alerts() a
	ORDER BY array_position('{error,warning,info}'::text[], a.severity), a.execution_id;
COMMENT ON VIEW agent_studio.alerts IS
'What wants attention: approvals, failures of the last day, manual reviews, what is slow or near its timeout, quotas, budgets, schedules that start nothing, an executor that does not run, restored work. SELECT remedy FROM agent_studio.alerts WHERE ... \gexec deals with it; look before you do. With \x auto a row is shown whole within 100 columns.';
COMMENT ON COLUMN agent_studio.alerts.severity IS 'error, warning or info; in this order.';
COMMENT ON COLUMN agent_studio.alerts.kind IS 'executor, restored, failed, review, approval, slow, timeout, quota, budget or schedule.';
COMMENT ON COLUMN agent_studio.alerts.execution_id IS 'The execution; NULL = none by itself.';
COMMENT ON COLUMN agent_studio.alerts.message IS 'What there is, in one line.';
COMMENT ON COLUMN agent_studio.alerts.remedy IS 'A whole statement: retries, approves, cancels what is slow, raises our own limit or lowers max_concurrency. What the reader may not do himself, others have to: as_release_restored and as_update_model are for members of agent_studio_admin.';
GRANT SELECT ON agent_studio.alerts TO agent_studio_user, agent_studio_monitor;
