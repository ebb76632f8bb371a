-- Commands: what a user wants done to an execution. A started execution belongs to
-- the executor, so a wish is a row that it applies; what was never claimed is
-- settled in the user's own transaction.

CREATE FUNCTION agent_studio_private.commandable(actor text, execution bigint) RETURNS agent_studio.executions
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	target agent_studio.executions;
BEGIN
	SELECT * INTO target FROM agent_studio.executions e WHERE e.execution_id = execution;
	IF NOT FOUND OR NOT (agent_studio_private.has_role(actor, target.owner)
						 OR coalesce(agent_studio_private.has_role(actor, target.team), false)
						 OR agent_studio_private.has_role(actor, 'agent_studio_monitor')) THEN
		RAISE EXCEPTION 'execution % does not exist', coalesce(execution::text, 'NULL')
			USING ERRCODE = 'undefined_object',
				  HINT = 'Or it belongs to somebody whose executions you may not see.';
	END IF;
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
	DELETE FROM agent_studio.queue q WHERE q.execution_id = execution;
	UPDATE agent_studio.steps s SET state = 'canceled', finished_at = clock_timestamp()
	WHERE s.execution_id = execution AND s.state = 'queued';
	UPDATE agent_studio.executions e SET status = 'canceled', finished_at = clock_timestamp()
	WHERE e.execution_id = execution AND e.status = 'queued';
	RETURN true;
END
$$;
COMMENT ON FUNCTION agent_studio_private.cancel_unclaimed(bigint) IS
'Cancels an execution of which nothing was ever claimed, in this transaction; false = the executor has it.';

CREATE FUNCTION agent_studio_private.as_cancel(actor text, execution bigint, reason text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	target agent_studio.executions := agent_studio_private.commandable(actor, execution);
BEGIN
	IF target.finished_at IS NOT NULL THEN
		RAISE EXCEPTION 'execution % cannot be canceled: it is %', execution, target.status
			USING ERRCODE = 'object_not_in_prerequisite_state',
				  HINT = 'Only queued, running, paused and waiting executions can be.';
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
'Cancels an execution. Returns canceled where nothing had been sent yet, else requested: after COMMIT the executor closes the socket at once, and keeps what had arrived as the output. Raises 42704, 42501 neither owner nor operator, 55000 already at rest.';

CREATE FUNCTION agent_studio_private.as_release_restored(actor text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	released bigint;
	missing text;
BEGIN
	IF NOT agent_studio_private.has_role(actor, 'agent_studio_admin') THEN
		RAISE EXCEPTION 'role "%" may not release restored executions', actor
			USING ERRCODE = 'insufficient_privilege', HINT = 'Members of agent_studio_admin may.';
	END IF;
	INSERT INTO agent_studio.queue (execution_id, step_no, model_id, order_at, run_at, attempt_no, seq_base, tokens)
	SELECT s.execution_id, s.step_no, s.model_id,
		   s.queued_at - agent_studio_private.head_start(e.priority), clock_timestamp(), s.attempt_no,
		   coalesce((SELECT max(t.seq) FROM agent_studio.thoughts t WHERE t.execution_id = s.execution_id), 0),
		   agent_studio_private.expected_tokens(e.task, e.context, v)
	FROM agent_studio.steps s JOIN agent_studio.executions e USING (execution_id)
	LEFT JOIN agent_studio.agent_versions v USING (agent_version_id)
	WHERE s.state IN ('queued', 'running', 'retrying') AND e.finished_at IS NULL
	  -- By the same snapshot: what the executor ends meanwhile must not be queued again.
	  AND NOT EXISTS (SELECT FROM agent_studio.queue q WHERE q.execution_id = s.execution_id AND q.step_no = s.step_no)
	  AND EXISTS (SELECT FROM pg_roles r WHERE r.rolname = e.owner)
	ON CONFLICT DO NOTHING;
	GET DIAGNOSTICS released = ROW_COUNT;
	SELECT string_agg(DISTINCT e.owner, ', ') INTO missing FROM agent_studio.executions e
	WHERE e.finished_at IS NULL AND NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = e.owner);
	IF missing IS NOT NULL THEN
		RAISE NOTICE 'still held: executions of roles that do not exist here: %', missing
			USING HINT = 'Create the roles, and call as_release_restored() again; or as_cancel those executions.';
	END IF;

	-- What was under way when the dump was taken may have been charged for there.
	WITH under_way AS (
		SELECT s.* FROM agent_studio.steps s
		JOIN agent_studio.queue q USING (execution_id, step_no)
		WHERE s.state = 'running' AND q.epoch IS NULL AND s.attempt_no > 0)
	INSERT INTO agent_studio.attempts (execution_id, step_no, attempt_no, outcome, epoch, model_id, sent_at,
		finished_at, possibly_billed, error_class, error_message, retryable, owner, team)
	SELECT u.execution_id, u.step_no, u.attempt_no, 'lost', 0, u.model_id, coalesce(u.sent_at, u.queued_at),
		   clock_timestamp(), true, 'internal', 'the database was dumped or copied while this attempt was under way',
		   true, u.owner, u.team
	FROM under_way u
	ON CONFLICT DO NOTHING;
	UPDATE agent_studio.steps s SET state = 'queued', retry_at = NULL
	FROM agent_studio.queue q
	WHERE q.execution_id = s.execution_id AND q.step_no = s.step_no
	  AND q.epoch IS NULL AND NOT q.waiting AND s.state IN ('running', 'retrying');
	PERFORM agent_studio_private.wake();
	RETURN released;
END
$$;

CREATE FUNCTION agent_studio.as_release_restored() RETURNS bigint
AS 'MODULE_PATHNAME', 'agent_studio_gate' LANGUAGE C;
COMMENT ON FUNCTION agent_studio.as_release_restored() IS
'After a restore, or in a copy made by CREATE DATABASE ... TEMPLATE: queues again every step that was not at rest when the dump or the copy was taken, and returns how many; what belongs to a role that does not exist here stays held, and a notice says so. Until then a restored or copied database sends nothing of it. Raises 42501 unless the caller is a member of agent_studio_admin.';
