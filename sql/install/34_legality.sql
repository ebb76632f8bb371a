-- Which command makes sense where: one place for the functions that take commands,
-- and for the sheet that tells what can be done about a failure.

CREATE FUNCTION agent_studio_private.awaits_decision(step agent_studio.steps) RETURNS boolean
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT CASE (step).state
		WHEN 'failed' THEN true
		WHEN 'partial' THEN (step).verdict IS NULL
		WHEN 'completed' THEN (step).verdict IS NOT DISTINCT FROM 'manual_review'
		WHEN 'canceled' THEN EXISTS (
			SELECT FROM agent_studio.approvals a
			WHERE a.execution_id = (step).execution_id AND a.step_no = (step).step_no
			  AND a.decision IN ('rejected', 'expired'))
		ELSE false END;
END;
COMMENT ON FUNCTION agent_studio_private.awaits_decision(agent_studio.steps) IS
'Whether a step came to rest in a way that somebody may mend: failed, partial and not accepted, held for review, rejected.';

CREATE FUNCTION agent_studio_private.step_situation(step agent_studio.steps) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN CASE
	WHEN (step).verdict = 'accepted' THEN (step).state || ', and was accepted'
	WHEN (step).verdict = 'manual_review' AND (step).state = 'completed' THEN 'completed, and held for review'
	WHEN (step).verdict = 'completed_by_hand' THEN 'completed by hand'
	ELSE (step).state END;
COMMENT ON FUNCTION agent_studio_private.step_situation(agent_studio.steps) IS
'The state of a step with what became of it, in words.';

CREATE FUNCTION agent_studio_private.command_words(wanted text, OUT done text, OUT legal text) RETURNS record
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT w.done, w.legal
	FROM (VALUES
		('pause', 'paused', 'An execution can be paused while it is queued, running or waiting_approval.'),
		('resume', 'resumed', 'An execution can be resumed while it is paused.'),
		('approve', 'approved', 'A step can be approved or rejected while it is waiting_approval.'),
		('reject', 'rejected', 'A step can be approved or rejected while it is waiting_approval.'),
		('retry_step', 'tried again', 'A step can be tried again when it is failed or rejected, partial and not accepted, or completed and held for review.'),
		('accept_partial', 'accepted', 'A step can be accepted when it is partial and not accepted yet.'),
		('complete_step', 'completed by hand', 'A step can be completed by hand when it is failed or rejected, partial and not accepted, or completed and held for review.'),
		('skip_step', 'skipped', 'A step can be skipped when it is failed or rejected, partial and not accepted, waiting_approval, completed and held for review, or pending in an execution at rest.'))
		AS w (wanted, done, legal)
	WHERE w.wanted = command_words.wanted;
END;
COMMENT ON FUNCTION agent_studio_private.command_words(text) IS
'What a command does, and where it is legal, in words.';

CREATE FUNCTION agent_studio_private.way_out(execution agent_studio.executions, step agent_studio.steps) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT CASE
		WHEN (execution).status IN ('completed', 'canceled') THEN
			format('It is over. agent_studio.%s gives the same work again.',
				   CASE (execution).kind WHEN 'task' THEN 'as_execute_task' ELSE 'as_run_workflow' END)
		WHEN (step).state = 'waiting_approval' THEN
			format('SELECT agent_studio.as_approve(%s, %L); or as_reject, or as_skip_step.', (step).execution_id, (step).name)
		WHEN (step).state = 'partial' AND (step).verdict IS NULL THEN
			format('SELECT agent_studio.as_accept_partial(%s, %L); or as_complete_step, as_retry_step, as_skip_step.', (step).execution_id, (step).name)
		WHEN agent_studio_private.awaits_decision(step) THEN
			format('SELECT * FROM agent_studio.as_failure(%s); lists what can be done.', (step).execution_id)
		WHEN (execution).status = 'paused' THEN format('SELECT agent_studio.as_resume(%s);', (execution).execution_id)
		WHEN (step).state = 'pending' AND (execution).finished_at IS NOT NULL THEN
			format('SELECT * FROM agent_studio.as_failure(%s); shows the step that stopped the flow. A pending one can be passed over with as_skip_step.', (step).execution_id)
		WHEN (execution).finished_at IS NOT NULL THEN
			format('SELECT * FROM agent_studio.as_failure(%s); lists what can be done.', (execution).execution_id)
		WHEN (step).state = 'pending' THEN
			format('It has not begun: SELECT * FROM agent_studio.as_workflow_status(%s); tells what it waits for.', (step).execution_id)
		WHEN (execution).status = 'waiting_approval' THEN
			format('It waits for an answer: SELECT * FROM agent_studio.approvals WHERE execution_id = %s; then as_approve or as_reject.', (execution).execution_id)
		WHEN (step).state IN ('completed', 'partial', 'skipped', 'canceled') THEN
			format('The flow went on from there: SELECT * FROM agent_studio.as_workflow_status(%s);', (step).execution_id)
		ELSE format('It is under way: wait for it, or SELECT agent_studio.as_pause(%s); or as_cancel.', (execution).execution_id)
		END;
END;
COMMENT ON FUNCTION agent_studio_private.way_out(agent_studio.executions, agent_studio.steps) IS
'The call that helps where another was refused.';

CREATE FUNCTION agent_studio_private.approval_problem(step agent_studio.steps) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT CASE
		WHEN a.decision IS NOT NULL THEN format('it was %s already', a.decision)
		WHEN a.expires_at <= pg_catalog.clock_timestamp() THEN format('the time to decide is over since %s', date_trunc('second', a.expires_at))
		END
	FROM agent_studio.approvals a
	WHERE a.execution_id = (step).execution_id AND a.step_no = (step).step_no;
END;
COMMENT ON FUNCTION agent_studio_private.approval_problem(agent_studio.steps) IS
'Why a step that waits for approval cannot be decided any more; NULL = it can.';

CREATE FUNCTION agent_studio_private.command_is_legal(wanted text, execution agent_studio.executions, step agent_studio.steps) RETURNS boolean
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT CASE wanted
		WHEN 'pause' THEN (execution).status IN ('queued', 'running', 'waiting_approval')
		WHEN 'resume' THEN (execution).status = 'paused'
		WHEN 'approve' THEN (step).state = 'waiting_approval'
		WHEN 'reject' THEN (step).state = 'waiting_approval'
		WHEN 'accept_partial' THEN (step).state = 'partial' AND (step).verdict IS NULL
		WHEN 'skip_step' THEN agent_studio_private.awaits_decision(step) OR (step).state = 'waiting_approval'
			OR ((step).state = 'pending' AND (execution).finished_at IS NOT NULL)
		ELSE agent_studio_private.awaits_decision(step) END;
END;
COMMENT ON FUNCTION agent_studio_private.command_is_legal(text, agent_studio.executions, agent_studio.steps) IS
'Whether a command makes sense in this status and state.';

CREATE FUNCTION agent_studio_private.command_problem(wanted text, execution agent_studio.executions,
	step agent_studio.steps, definition jsonb, OUT problem text, OUT detail text, OUT hint text) RETURNS record
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	words record := agent_studio_private.command_words(wanted);
	target text := CASE WHEN step.step_no IS NULL THEN format('execution %s', execution.execution_id)
		ELSE format('step "%s" of execution %s', step.name, execution.execution_id) END;
	setting text := CASE wanted WHEN 'retry_step' THEN 'manual_retry'
		WHEN 'pause' THEN 'manual_intervention' WHEN 'accept_partial' THEN 'manual_intervention'
		WHEN 'complete_step' THEN 'manual_intervention' WHEN 'skip_step' THEN 'manual_intervention' END;
	why text;
BEGIN
	detail := words.legal;
	IF step.step_no IS NOT NULL AND execution.status IN ('completed', 'canceled') THEN
		why := format('the execution is %s', execution.status);
		detail := 'Nothing can be changed in an execution that is completed or canceled.';
	ELSIF execution.purged_at IS NOT NULL THEN
		why := format('its checkpoints were purged on %s', execution.purged_at::date);
		detail := 'What it would need to go on from was removed by as_purge.';
		hint := format('SELECT agent_studio.as_clone(%s); runs it again from the start.', execution.execution_id);
	ELSIF step.step_no IS NOT NULL AND execution.kind = 'task' AND execution.plan IS NULL THEN
		why := 'it is a task that runs once';
		detail := 'Only of workflows, and of tasks that are repeated, can steps be decided on.';
		hint := format('SELECT agent_studio.as_clone(%s); submits it again.', execution.execution_id);
	ELSIF NOT agent_studio_private.command_is_legal(wanted, execution, step) THEN
		why := format('it is %s', CASE WHEN step.step_no IS NULL THEN execution.status
			ELSE agent_studio_private.step_situation(step) END);
	ELSIF wanted IN ('approve', 'reject') THEN
		why := agent_studio_private.approval_problem(step);
		detail := 'A step can be decided on once, and before the time is over.';
		hint := format('The executor is about to act on it: SELECT * FROM agent_studio.as_workflow_status(%s);', execution.execution_id);
	ELSIF step.step_no IS NOT NULL AND agent_studio_private.rollback_begun(execution.execution_id, definition) THEN
		why := 'a rollback has begun';
		detail := 'Steps that undo what was completed have started.';
	ELSIF NOT agent_studio_private.plan_allows(definition, setting) THEN
		why := 'its definition does not allow it';
		detail := format('The definition''s settings say "%s": false.', setting);
		hint := CASE WHEN wanted = 'retry_step' THEN 'as_complete_step and as_skip_step may be allowed; or as_run_workflow runs it again from the start.'
			WHEN execution.finished_at IS NULL THEN format('SELECT agent_studio.as_cancel(%s); is possible at any time.', execution.execution_id)
			ELSE 'as_retry_step may be allowed; or as_run_workflow runs it again from the start.' END;
	END IF;
	IF why IS NULL THEN
		detail := NULL;
		hint := NULL;
		RETURN;
	END IF;
	problem := format('%s cannot be %s: %s', target, words.done, why);
	hint := coalesce(hint, CASE WHEN why = 'a rollback has begun' THEN 'When it has ended, as_run_workflow runs the workflow again from the start.'
		ELSE agent_studio_private.way_out(execution, step) END);
END
$$;
COMMENT ON FUNCTION agent_studio_private.command_problem(text, agent_studio.executions, agent_studio.steps, jsonb) IS
'Why a command makes no sense now, where it would, and what does; problem is NULL where it is legal.';

