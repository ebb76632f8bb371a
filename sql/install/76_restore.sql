-- as_release_restored: nothing of a restored or copied database is sent until an
-- admin says so. The queue is not dumped; it is told from the steps again.

CREATE FUNCTION agent_studio_private.queue_restored() RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	released bigint;
BEGIN
	WITH unqueued AS (
		SELECT s.execution_id, s.step_no, s.model_id, s.attempt_no, e.priority,
			   coalesce(s.queued_at, e.submitted_at) AS queued_at,
			   -- What was paused stays so until as_resume: a row whose time never comes.
			   s.state = 'paused' OR e.status = 'paused' AS held,
			   agent_studio_private.expected_tokens(coalesce(s.task, e.task), e.context, v) AS tokens
		FROM agent_studio.steps s JOIN agent_studio.executions e USING (execution_id)
		LEFT JOIN agent_studio.agent_versions v USING (agent_version_id)
		WHERE s.state IN ('queued', 'running', 'retrying', 'paused') AND s.model_id IS NOT NULL AND e.finished_at IS NULL
		  -- By the same snapshot: what the executor ends meanwhile must not be queued again.
		  AND NOT EXISTS (SELECT FROM agent_studio.queue q WHERE q.execution_id = s.execution_id AND q.step_no = s.step_no)
		  AND EXISTS (SELECT FROM pg_roles r WHERE r.rolname = e.owner)),
	queued AS (
		INSERT INTO agent_studio.queue AS q (execution_id, step_no, model_id, order_at, run_at, waiting, attempt_no, seq_base, tokens)
		SELECT u.execution_id, u.step_no, u.model_id, u.queued_at - agent_studio_private.head_start(u.priority),
			   CASE WHEN u.held THEN 'infinity' ELSE clock_timestamp() END, u.held, u.attempt_no,
			   coalesce((SELECT max(t.seq) FROM agent_studio.thoughts t WHERE t.execution_id = u.execution_id), 0), u.tokens
		FROM unqueued u
		ON CONFLICT DO NOTHING
		RETURNING q.execution_id, q.step_no, q.waiting AS held),
	-- What was under way when the dump was taken may have been charged for there.
	lost AS (
		INSERT INTO agent_studio.attempts (execution_id, step_no, attempt_no, outcome, epoch, model_id, sent_at,
			finished_at, possibly_billed, error_class, error_message, retryable, owner, team, workflow, is_test)
		SELECT s.execution_id, s.step_no, s.attempt_no, 'lost', 0, s.model_id, coalesce(s.sent_at, s.queued_at, clock_timestamp()),
			   clock_timestamp(), true, 'internal', 'the database was dumped or copied while this attempt was under way',
			   true, s.owner, s.team, e.workflow, e.is_test
		FROM agent_studio.steps s JOIN queued q USING (execution_id, step_no) JOIN agent_studio.executions e USING (execution_id)
		WHERE s.state = 'running' AND s.attempt_no > 0
		ON CONFLICT DO NOTHING
		RETURNING finished_at),
	-- Whoever calls this may have his transaction open for long.
	late AS (
		INSERT INTO agent_studio.stale_days (day, at)
		SELECT (l.finished_at AT TIME ZONE 'UTC')::date, min(l.finished_at) FROM lost l GROUP BY 1),
	states AS (
		UPDATE agent_studio.steps s SET state = CASE WHEN q.held THEN 'paused' ELSE 'queued' END, retry_at = NULL
		FROM queued q
		WHERE s.execution_id = q.execution_id AND s.step_no = q.step_no
		  AND s.state <> CASE WHEN q.held THEN 'paused' ELSE 'queued' END)
	SELECT count(*) INTO released FROM queued;
	RETURN released;
END
$$;
COMMENT ON FUNCTION agent_studio_private.queue_restored() IS
'Queues again what has no row in the queue and is not at rest, of roles that exist, and returns how many steps.';

CREATE FUNCTION agent_studio_private.as_release_restored(actor text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	released bigint;
	missing text;
	scheduled bigint;
BEGIN
	PERFORM agent_studio_private.require_admin(actor, 'release restored executions');
	released := agent_studio_private.queue_restored();
	scheduled := agent_studio_private.release_schedules();
	IF scheduled > 0 THEN
		RAISE NOTICE '% schedules run here now', scheduled;
	END IF;
	SELECT string_agg(DISTINCT e.owner, ', ') INTO missing FROM agent_studio.executions e
	WHERE e.finished_at IS NULL AND NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = e.owner);
	IF missing IS NOT NULL THEN
		RAISE NOTICE 'still held: executions of roles that do not exist here: %', missing
			USING HINT = 'Create the roles, and call as_release_restored() again; or as_cancel those executions.';
	END IF;
	PERFORM agent_studio_private.wake();
	RETURN released;
END
$$;

CREATE FUNCTION agent_studio.as_release_restored() RETURNS bigint
AS 'MODULE_PATHNAME', 'agent_studio_gate' LANGUAGE C;
COMMENT ON FUNCTION agent_studio.as_release_restored() IS
'After a restore, or in a copy made by CREATE DATABASE ... TEMPLATE: queues again every step that was not at rest when the dump or the copy was taken, and returns how many; what was paused stays so until as_resume. Schedules run here from now on. What belongs to a role that does not exist here stays held, and a notice says so. Until then a restored or copied database sends nothing of it, and its schedules start nothing. Raises 42501 unless the caller is a member of agent_studio_admin.';
