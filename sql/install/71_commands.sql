-- Commands: what a user wants done to an execution. A started execution belongs to
-- the executor, so a wish is a row that it applies; what was never claimed is
-- settled in the user's own transaction.
--
-- Whether a wish makes sense is checked here, for the user to be told at once, and
-- again by the executor when it applies it: much can happen in between.

CREATE FUNCTION agent_studio_private.may_read(actor text, target agent_studio.executions) RETURNS boolean
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT agent_studio_private.has_role(actor, (target).owner)
		OR agent_studio_private.has_role(actor, (target).team)
		OR agent_studio_private.has_role(actor, 'agent_studio_monitor');
END;
COMMENT ON FUNCTION agent_studio_private.may_read(text, agent_studio.executions) IS
'Whether the actor may read the execution: its owner, its team, or a monitor.';

CREATE FUNCTION agent_studio_private.known_execution(actor text, execution bigint, for_approval boolean DEFAULT true) RETURNS agent_studio.executions
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	target agent_studio.executions;
BEGIN
	SELECT * INTO target FROM agent_studio.executions e WHERE e.execution_id = execution;
	IF NOT FOUND OR NOT (agent_studio_private.may_read(actor, target)
						 OR for_approval AND EXISTS (SELECT FROM agent_studio.approvals a
									WHERE a.execution_id = execution AND agent_studio_private.has_role(actor, a.approver))) THEN
		RAISE EXCEPTION 'execution % does not exist', coalesce(execution::text, 'NULL')
			USING ERRCODE = 'undefined_object',
				  HINT = 'Or it belongs to somebody whose executions you may not see.';
	END IF;
	RETURN target;
END
$$;
COMMENT ON FUNCTION agent_studio_private.known_execution(text, bigint, boolean) IS
'The execution, if the actor may know of it: its owner, its team, a monitor, or (for approval) who is asked to approve a step of it; raises 42704.';

CREATE FUNCTION agent_studio_private.commandable(actor text, execution bigint) RETURNS agent_studio.executions
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	target agent_studio.executions := agent_studio_private.known_execution(actor, execution);
BEGIN
	IF NOT agent_studio_private.has_role(actor, target.owner)
	   AND NOT agent_studio_private.has_role(actor, 'agent_studio_operator') THEN
		RAISE EXCEPTION 'role "%" may not command execution %', actor, execution
			USING ERRCODE = 'insufficient_privilege',
				  HINT = format('Its owner is "%s"; members of agent_studio_operator may too.', target.owner);
	END IF;
	RETURN target;
END
$$;
COMMENT ON FUNCTION agent_studio_private.commandable(text, bigint) IS
'The execution, if the actor may command it; raises 42704 or 42501.';

CREATE FUNCTION agent_studio_private.find_step(execution bigint, step text, may_list boolean DEFAULT true) RETURNS agent_studio.steps
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	target agent_studio.steps;
	names text[];
BEGIN
	PERFORM agent_studio_private.required('step', step);
	-- A number is that of any iteration: it says which step is meant.
	SELECT c.* INTO target FROM agent_studio_private.current_steps(execution) c
	WHERE CASE WHEN step ~ '^[0-9]{1,9}$'
			THEN c.plan_step = (SELECT s.plan_step FROM agent_studio.steps s
								WHERE s.execution_id = execution AND s.step_no = step::integer)
			ELSE c.name = step END;
	IF NOT FOUND THEN
		SELECT array_agg(c.name ORDER BY c.plan_step) INTO names
		FROM agent_studio_private.current_steps(execution) c WHERE may_list;
		RAISE EXCEPTION 'execution % has no step "%"', execution, left(step, 100)
			USING ERRCODE = 'undefined_object',
				  HINT = coalesce('Perhaps you meant "' || agent_studio_private.suggest(step, names) || '". ', '')
					|| coalesce('Its steps are: ' || array_to_string(names[1:20], ', ')
								|| CASE WHEN cardinality(names) > 20 THEN ', ...' ELSE '.' END,
								'SELECT execution_id, step FROM agent_studio.pending_approvals shows what waits for you.');
	END IF;
	RETURN target;
END
$$;
COMMENT ON FUNCTION agent_studio_private.find_step(bigint, text, boolean) IS
'The newest iteration of the step of that name or number; raises 42704, with the names of all steps where the actor may read them, and 22023.';

CREATE FUNCTION agent_studio_private.refuse_contradiction(wanted text, execution bigint, step agent_studio.steps) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	other agent_studio.commands;
BEGIN
	SELECT * INTO other FROM agent_studio.commands c
	WHERE c.execution_id = execution AND c.applied_at IS NULL
	  AND (c.wanted = 'cancel' OR c.step_no = step.step_no
		   OR (wanted = 'resume' AND c.wanted = 'pause') OR (wanted = 'pause' AND c.wanted = 'resume'))
	ORDER BY c.wanted <> 'cancel', c.command_id LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION '% of %execution % is pending', other.wanted,
			CASE WHEN other.step_no IS NULL THEN '' ELSE format('step "%s" of ', step.name) END, execution
			USING ERRCODE = 'object_not_in_prerequisite_state',
				  DETAIL = format('It was asked for by "%s" and contradicts %s.', other.actor, wanted),
				  HINT = CASE other.wanted WHEN 'cancel' THEN 'The execution will be canceled; nothing else can be done to it.'
					ELSE format('Wait until it is applied: SELECT status, note FROM agent_studio.as_status(%s); then look again.', execution) END;
	END IF;
END
$$;
COMMENT ON FUNCTION agent_studio_private.refuse_contradiction(text, bigint, agent_studio.steps) IS
'Raises 55000 if a command that was not applied yet contradicts this one.';

CREATE FUNCTION agent_studio_private.is_requested(wanted text, execution bigint, step_no integer, arguments jsonb) RETURNS boolean
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT EXISTS (
		SELECT FROM agent_studio.commands c
		WHERE c.execution_id = execution AND c.applied_at IS NULL AND c.wanted = is_requested.wanted
		  AND c.step_no IS NOT DISTINCT FROM is_requested.step_no
		  -- "At once" is more than "when the call has ended".
		  AND coalesce(c.arguments -> 'immediately' = 'true', false) >= coalesce(is_requested.arguments -> 'immediately' = 'true', false));
END;
COMMENT ON FUNCTION agent_studio_private.is_requested(text, bigint, integer, jsonb) IS
'Whether the same was asked for before and is not applied yet.';

CREATE FUNCTION agent_studio_private.request(actor text, wanted text, target agent_studio.executions,
	step agent_studio.steps, arguments jsonb, reason text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	refused record;
BEGIN
	IF NOT agent_studio_private.is_requested(wanted, target.execution_id, step.step_no, arguments) THEN
		PERFORM agent_studio_private.refuse_contradiction(wanted, target.execution_id, step);
		refused := agent_studio_private.command_problem(wanted, target, step, agent_studio_private.plan_of(target));
		IF refused.problem IS NOT NULL THEN
			RAISE EXCEPTION '%', refused.problem
				USING ERRCODE = 'object_not_in_prerequisite_state', DETAIL = refused.detail, HINT = refused.hint;
		END IF;
		INSERT INTO agent_studio.commands (execution_id, wanted, step_no, arguments, actor, reason, owner, team)
		VALUES (target.execution_id, wanted, step.step_no, arguments, actor, reason, target.owner, target.team);
	END IF;
	PERFORM agent_studio_private.wake();
	RETURN 'requested';
END
$$;
COMMENT ON FUNCTION agent_studio_private.request(text, text, agent_studio.executions, agent_studio.steps, jsonb, text) IS
'Writes a command for the executor, once however often it is asked for; raises 55000 where it makes no sense.';

CREATE FUNCTION agent_studio_private.cancel_unclaimed(execution bigint) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	queued bigint;
	removed bigint;
BEGIN
	-- Whoever holds the queue row owns the execution: this transaction, or, where
	-- the row is locked or claimed, the executor. Nobody waits for the other.
	SELECT count(*) INTO queued FROM agent_studio.queue q WHERE q.execution_id = execution;
	WITH free AS (
		SELECT q.execution_id, q.step_no FROM agent_studio.queue q
		WHERE q.execution_id = execution AND q.epoch IS NULL AND q.attempt_no = 0
		FOR UPDATE SKIP LOCKED)
	SELECT count(*) INTO removed FROM free;
	IF queued = 0 OR removed < queued THEN
		RETURN false;
	END IF;
	-- These rows are held now, so nothing of it can start; whether something has, is
	-- told by what the executor writes with a claim or when it moves the flow.
	PERFORM FROM agent_studio.executions e
	WHERE e.execution_id = execution AND e.status = 'queued' AND e.started_at IS NULL AND e.attempts = 0
	  AND NOT EXISTS (SELECT FROM agent_studio.steps s
					  WHERE s.execution_id = execution AND s.state NOT IN ('queued', 'pending'))
	FOR UPDATE SKIP LOCKED;
	IF NOT FOUND THEN
		RETURN false;
	END IF;
	DELETE FROM agent_studio.queue q WHERE q.execution_id = execution;
	UPDATE agent_studio.steps s SET state = 'canceled', finished_at = clock_timestamp()
	WHERE s.execution_id = execution;
	UPDATE agent_studio.executions e SET status = 'canceled', finished_at = clock_timestamp()
	WHERE e.execution_id = execution;
	RETURN true;
END
$$;
COMMENT ON FUNCTION agent_studio_private.cancel_unclaimed(bigint) IS
'Cancels an execution of which nothing was ever claimed, in this transaction, with all of its steps; false = the executor has it.';

CREATE FUNCTION agent_studio_private.can_be_canceled(execution agent_studio.executions) RETURNS boolean
LANGUAGE sql IMMUTABLE
RETURN (execution).finished_at IS NULL
	OR ((execution).kind = 'workflow' AND (execution).status IN ('failed', 'requires_manual_review'));
COMMENT ON FUNCTION agent_studio_private.can_be_canceled(agent_studio.executions) IS
'Whether an execution can be canceled: it is under way, or rests where people could go on with it.';

CREATE FUNCTION agent_studio_private.as_cancel(actor text, execution bigint, reason text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	target agent_studio.executions := agent_studio_private.commandable(actor, execution);
BEGIN
	IF NOT agent_studio_private.can_be_canceled(target) THEN
		RAISE EXCEPTION 'execution % cannot be canceled: it is %', execution, target.status
			USING ERRCODE = 'object_not_in_prerequisite_state',
				  HINT = 'Only queued, running, paused and waiting executions can be, and workflows that failed or require a manual review.';
	END IF;
	IF EXISTS (SELECT FROM agent_studio.commands c
			   WHERE c.execution_id = execution AND c.applied_at IS NULL AND c.wanted = 'cancel') THEN
		RETURN 'requested';
	END IF;
	IF agent_studio_private.cancel_unclaimed(execution) THEN
		INSERT INTO agent_studio.commands (execution_id, wanted, actor, applied_at, outcome, reason, owner, team)
		VALUES (execution, 'cancel', actor, clock_timestamp(), 'applied', reason, target.owner, target.team);
		PERFORM agent_studio_private.wake();
		RETURN 'canceled';
	END IF;
	INSERT INTO agent_studio.commands (execution_id, wanted, actor, reason, owner, team)
	VALUES (execution, 'cancel', actor, reason, target.owner, target.team);
	PERFORM agent_studio_private.wake();
	RETURN 'requested';
END
$$;

CREATE FUNCTION agent_studio.as_cancel(execution bigint, reason text DEFAULT NULL) RETURNS text
AS 'MODULE_PATHNAME', 'agent_studio_gate' LANGUAGE C;
COMMENT ON FUNCTION agent_studio.as_cancel(bigint, text) IS
'Cancels an execution, a task or a workflow with all of its steps. Returns canceled where nothing had been claimed yet, else requested: after COMMIT the executor closes the socket at once, and keeps what had arrived as the output. A workflow that failed or requires a manual review can be canceled too: nobody can go on with it then. Raises 42704, 42501 neither owner nor operator, 55000 already at rest.';

CREATE FUNCTION agent_studio_private.as_pause(actor text, execution bigint, immediately boolean, reason text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM agent_studio_private.not_null('immediately', immediately IS NULL);
	RETURN agent_studio_private.request(actor, 'pause', agent_studio_private.commandable(actor, execution), NULL,
		jsonb_build_object('immediately', immediately), reason);
END
$$;

CREATE FUNCTION agent_studio.as_pause(execution bigint, immediately boolean DEFAULT false, reason text DEFAULT NULL) RETURNS text
AS 'MODULE_PATHNAME', 'agent_studio_gate' LANGUAGE C;
COMMENT ON FUNCTION agent_studio.as_pause(bigint, boolean, text) IS
'Asks for an execution to be paused, and returns requested. The calls in flight end and are kept, and nothing new is sent; immediately => true ends them at once and keeps what had arrived. Raises 42704, 42501 neither owner nor operator, 55000 neither queued, running nor waiting_approval, or about to be canceled or resumed, or its definition does not allow it.';

CREATE FUNCTION agent_studio_private.as_resume(actor text, execution bigint) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN agent_studio_private.request(actor, 'resume', agent_studio_private.commandable(actor, execution), NULL, NULL, NULL);
END
$$;

CREATE FUNCTION agent_studio.as_resume(execution bigint) RETURNS text
AS 'MODULE_PATHNAME', 'agent_studio_gate' LANGUAGE C;
COMMENT ON FUNCTION agent_studio.as_resume(bigint) IS
'Asks for a paused execution to go on, and returns requested. What was finished is never sent again. Raises 42704, 42501 neither owner nor operator, 55000 not paused (a pause that was only asked for has to take effect first).';

CREATE FUNCTION agent_studio_private.decide(actor text, wanted text, execution bigint, step text, remark text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	target agent_studio.executions := agent_studio_private.known_execution(actor, execution);
	target_step agent_studio.steps := agent_studio_private.find_step(execution, step, agent_studio_private.may_read(actor, target));
	approver text := (SELECT a.approver FROM agent_studio.approvals a
					  WHERE a.execution_id = execution AND a.step_no = target_step.step_no);
BEGIN
	IF NOT agent_studio_private.has_role(actor, coalesce(approver, target.owner))
	   AND NOT agent_studio_private.has_role(actor, 'agent_studio_operator') THEN
		RAISE EXCEPTION 'role "%" may not decide on step "%" of execution %', actor, step, execution
			USING ERRCODE = 'insufficient_privilege',
				  HINT = format('Members of role "%s" are asked; members of agent_studio_operator may too.', coalesce(approver, target.owner));
	END IF;
	RETURN agent_studio_private.request(actor, wanted, target, target_step, NULL, remark);
END
$$;
COMMENT ON FUNCTION agent_studio_private.decide(text, text, bigint, text, text) IS
'Writes the command approve or reject; raises 42704, 42501, 55000.';

CREATE FUNCTION agent_studio_private.as_approve(actor text, execution bigint, step text, comment text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN agent_studio_private.decide(actor, 'approve', execution, step, comment);
END
$$;

CREATE FUNCTION agent_studio.as_approve(execution bigint, step text, comment text DEFAULT NULL) RETURNS text
AS 'MODULE_PATHNAME', 'agent_studio_gate' LANGUAGE C;
COMMENT ON FUNCTION agent_studio.as_approve(bigint, text, text) IS
'Lets a step begin that waits for approval, and returns requested. step is its name or its number. For members of the role that is asked (see pending_approvals) and of agent_studio_operator. Of two answers the first that is applied counts. Raises 42704 no such execution or step, 42501, 55000 it does not wait, is decided, or the time to decide is over, or the execution is about to be canceled.';

CREATE FUNCTION agent_studio_private.as_reject(actor text, execution bigint, step text, reason text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM agent_studio_private.required('reason', reason);
	RETURN agent_studio_private.decide(actor, 'reject', execution, step, reason);
END
$$;

CREATE FUNCTION agent_studio.as_reject(execution bigint, step text, reason text) RETURNS text
AS 'MODULE_PATHNAME', 'agent_studio_gate' LANGUAGE C;
COMMENT ON FUNCTION agent_studio.as_reject(bigint, text, text) IS
'Refuses a step that waits for approval, with a reason, and returns requested: the step has failed, and its on_failure decides what follows. Raises what as_approve does, and 22023 without a reason.';

-- What waits for a word. Whether a step still waits is told even to those who may
-- see the approval but not the execution, and to nobody else.
CREATE VIEW agent_studio_private.waiting_steps WITH (security_barrier = true) AS
	SELECT a.execution_id, a.step_no
	FROM agent_studio.approvals a JOIN agent_studio.steps s USING (execution_id, step_no)
	WHERE a.decision IS NULL AND s.state = 'waiting_approval'
	  AND (a.approver = ANY ((SELECT agent_studio_private.my_roles())::text[])
		   OR (SELECT pg_has_role('agent_studio_operator', 'usage')));
COMMENT ON VIEW agent_studio_private.waiting_steps IS
'Steps that wait for approval, as far as the current user may decide on them.';

CREATE VIEW agent_studio.pending_approvals WITH (security_invoker = true) AS
	SELECT a.execution_id, a.step_no, coalesce(s.name, a.step_no::text) AS step, agent_studio_private.printable(a.message) AS message, a.approver,
		   a.requested_at AS since, a.expires_at AS expires, a.on_expiry,
		   format('SELECT agent_studio.as_approve(%s, %L);', a.execution_id, coalesce(s.name, a.step_no::text)) AS approve,
		   format('SELECT agent_studio.as_reject(%s, %L, reason => %L);', a.execution_id, coalesce(s.name, a.step_no::text), '...') AS reject
	FROM agent_studio.approvals a
	LEFT JOIN agent_studio.steps s USING (execution_id, step_no)
	WHERE a.decision IS NULL
	  AND (a.expires_at IS NULL OR a.expires_at > clock_timestamp())
	  AND EXISTS (SELECT FROM agent_studio_private.waiting_steps w
				  WHERE w.execution_id = a.execution_id AND w.step_no = a.step_no);
COMMENT ON VIEW agent_studio.pending_approvals IS
'Steps that wait for the word of the current role: those on which it, or a role that it is a member of, may decide.';
COMMENT ON COLUMN agent_studio.pending_approvals.execution_id IS 'The execution.';
COMMENT ON COLUMN agent_studio.pending_approvals.step_no IS 'The step''s number.';
COMMENT ON COLUMN agent_studio.pending_approvals.step IS 'Name of the step; its number, where the execution itself may not be seen.';
COMMENT ON COLUMN agent_studio.pending_approvals.message IS 'What is to be decided, in words.';
COMMENT ON COLUMN agent_studio.pending_approvals.approver IS 'Role whose members are asked.';
COMMENT ON COLUMN agent_studio.pending_approvals.since IS 'Since when it waits.';
COMMENT ON COLUMN agent_studio.pending_approvals.expires IS 'Until when it can be decided; NULL = for ever.';
COMMENT ON COLUMN agent_studio.pending_approvals.on_expiry IS 'What happens then: reject, approve or manual_review.';
COMMENT ON COLUMN agent_studio.pending_approvals.approve IS 'The call that approves.';
COMMENT ON COLUMN agent_studio.pending_approvals.reject IS 'The call that rejects; the reason is to be filled in.';
GRANT SELECT ON agent_studio_private.waiting_steps, agent_studio.pending_approvals TO agent_studio_user, agent_studio_monitor;
