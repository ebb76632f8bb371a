-- as_purge: what is kept for a time only.
--
-- After agent_studio.retention_days go the details of an execution: its thoughts, DEBUG
-- lines, prompts, and the outputs that did not become its result. What it was, cost and
-- resulted in stays, unless agent_studio.history_retention_days says otherwise; what days
-- and months came to stays in any case (35_daily_totals.sql).
--
-- In batches, each a transaction: rows that somebody holds are left for the next time, and
-- nobody waits for more than a batch.

CREATE FUNCTION agent_studio_private.retention() RETURNS interval
LANGUAGE sql STABLE
RETURN make_interval(days => coalesce(current_setting('agent_studio.retention_days', true)::integer, 30));
COMMENT ON FUNCTION agent_studio_private.retention() IS 'How long the details of executions are kept.';

CREATE FUNCTION agent_studio_private.own_retention(execution agent_studio.executions) RETURNS interval
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT make_interval(days => (agent_studio_private.plan_of(execution) #>> '{settings,checkpoint_retention_days}')::integer)
	WHERE (execution).kind = 'workflow';
END;
COMMENT ON FUNCTION agent_studio_private.own_retention(agent_studio.executions) IS
'What the definition of a workflow says in checkpoint_retention_days; NULL = nothing.';

CREATE FUNCTION agent_studio_private.first_unpurged() RETURNS timestamptz
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT e.finished_at FROM agent_studio.executions e
	WHERE e.finished_at IS NOT NULL AND e.purged_at IS NULL ORDER BY e.finished_at LIMIT 1;
END;
COMMENT ON FUNCTION agent_studio_private.first_unpurged() IS
'When the oldest execution whose details are still there came to rest; NULL = there is none.';

CREATE FUNCTION agent_studio_private.due_executions(since timestamptz, until timestamptz, older_than interval, most integer) RETURNS bigint[]
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN ARRAY(
		SELECT e.execution_id FROM agent_studio.executions e
		WHERE e.finished_at >= since AND e.finished_at < until AND e.purged_at IS NULL
		  AND e.finished_at < now() - coalesce(older_than, agent_studio_private.own_retention(e), agent_studio_private.retention())
		  AND NOT EXISTS (SELECT FROM agent_studio.commands c WHERE c.execution_id = e.execution_id AND c.applied_at IS NULL)
		ORDER BY e.finished_at LIMIT most FOR NO KEY UPDATE SKIP LOCKED);
END
$$;
COMMENT ON FUNCTION agent_studio_private.due_executions(timestamptz, timestamptz, interval, integer) IS
'Locks and returns executions that came to rest in that time, and whose details have been kept long enough.';

CREATE FUNCTION agent_studio_private.keeps_output(execution agent_studio.executions, step agent_studio.steps) RETURNS boolean
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT (step).step_no = agent_studio_private.result_step(execution)
		OR (((step).state = 'completed' OR (step).verdict = 'accepted')
			AND NOT EXISTS (SELECT FROM agent_studio.steps later
							WHERE later.execution_id = (step).execution_id AND later.plan_step = (step).plan_step
							  AND (later.iteration, later.step_no) > ((step).iteration, (step).step_no)));
END;
COMMENT ON FUNCTION agent_studio_private.keeps_output(agent_studio.executions, agent_studio.steps) IS
'Whether a step''s output is a part of what came of the execution: its result, or of the newest iteration and complete.';

CREATE FUNCTION agent_studio_private.purge_details(ids bigint[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	DELETE FROM agent_studio.thoughts t WHERE t.execution_id = ANY (ids);
	DELETE FROM agent_studio.logs l WHERE l.execution_id = ANY (ids) AND l.level = 'DEBUG';
	UPDATE agent_studio.steps s SET task = NULL, feedback = NULL,
		output = CASE WHEN k.kept THEN s.output END, outputs = CASE WHEN k.kept THEN s.outputs END
	FROM (SELECT x.execution_id, x.step_no, coalesce(agent_studio_private.keeps_output(e, x), false) AS kept
		  FROM agent_studio.steps x JOIN agent_studio.executions e USING (execution_id) WHERE x.execution_id = ANY (ids)) k
	WHERE s.execution_id = k.execution_id AND s.step_no = k.step_no
	  AND (s.task IS NOT NULL OR s.feedback IS NOT NULL OR (NOT k.kept AND (s.output IS NOT NULL OR s.outputs IS NOT NULL)));
	UPDATE agent_studio.executions e SET purged_at = now() WHERE e.execution_id = ANY (ids);
END
$$;
COMMENT ON FUNCTION agent_studio_private.purge_details(bigint[]) IS
'Removes the details of executions: thoughts, DEBUG lines, prompts, feedback, and outputs that did not become a result.';

-- Every table below an execution has its id as the first column of its key.
CREATE FUNCTION agent_studio_private.delete_executions(ids bigint[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	below regclass;
BEGIN
	FOR below IN
		SELECT t.oid FROM pg_class t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attname = 'execution_id'
		WHERE t.relnamespace = 'agent_studio'::regnamespace AND t.relkind = 'r' AND t.oid <> 'agent_studio.executions'::regclass
	LOOP
		EXECUTE format('DELETE FROM %s WHERE execution_id = ANY ($1)', below) USING ids;
	END LOOP;
	DELETE FROM agent_studio.executions e WHERE e.execution_id = ANY (ids);
END
$$;
COMMENT ON FUNCTION agent_studio_private.delete_executions(bigint[]) IS
'Deletes executions and everything below them; daily totals stay.';

CREATE FUNCTION agent_studio_private.as_purge_batch(actor text, since timestamptz, until timestamptz, older_than interval) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	ids bigint[];
BEGIN
	PERFORM agent_studio_private.require_admin(actor, 'purge');
	IF older_than < interval '0' THEN
		RAISE EXCEPTION 'older_than is %, it must not be negative', older_than
			USING ERRCODE = 'invalid_parameter_value', HINT = 'For example interval ''30 days''.';
	END IF;
	ids := agent_studio_private.due_executions(since, until, older_than, 500);
	PERFORM agent_studio_private.purge_details(ids);
	RETURN cardinality(ids);
END
$$;

CREATE FUNCTION agent_studio.as_purge_batch(since timestamptz, until timestamptz, older_than interval DEFAULT NULL) RETURNS integer
AS 'MODULE_PATHNAME', 'agent_studio_gate' LANGUAGE C;
COMMENT ON FUNCTION agent_studio.as_purge_batch(timestamptz, timestamptz, interval) IS
'One batch of as_purge, for transactions of one''s own: removes the details of at most 500 executions that came to rest from since until before until, and returns of how many; 0 = there are no more, or others hold them. older_than as in as_purge. Raises 42501, 22023.';

CREATE FUNCTION agent_studio_private.as_delete_history_batch(actor text, before date) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	ids bigint[];
	frozen_until timestamptz;
BEGIN
	PERFORM agent_studio_private.require_admin(actor, 'delete history');
	PERFORM agent_studio_private.not_null('before', before IS NULL);
	IF before > (now() AT TIME ZONE 'UTC')::date THEN
		RAISE EXCEPTION 'history until % has not happened yet', before
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Give a day in the past: executions that came to rest before it are deleted.';
	END IF;
	IF EXISTS (SELECT FROM agent_studio.executions e WHERE e.finished_at < before::timestamp AT TIME ZONE 'UTC') THEN
		PERFORM agent_studio_private.freeze_days(before);
	END IF;
	-- A day that could not be closed yet is left for the next time.
	frozen_until := (SELECT least(before, coalesce(max(c.day) + 1, '-infinity'))::timestamp AT TIME ZONE 'UTC' FROM agent_studio.closed_days c WHERE c.frozen);
	ids := ARRAY(SELECT e.execution_id FROM agent_studio.executions e
				 WHERE e.finished_at < frozen_until
				   AND NOT EXISTS (SELECT FROM agent_studio.commands c WHERE c.execution_id = e.execution_id AND c.applied_at IS NULL)
				 ORDER BY e.finished_at LIMIT 500 FOR UPDATE SKIP LOCKED);
	PERFORM agent_studio_private.delete_executions(ids);
	RETURN cardinality(ids);
END
$$;

CREATE FUNCTION agent_studio.as_delete_history_batch(before date) RETURNS integer
AS 'MODULE_PATHNAME', 'agent_studio_gate' LANGUAGE C;
COMMENT ON FUNCTION agent_studio.as_delete_history_batch(date) IS
'Deletes at most 500 executions that came to rest before a day (UTC), with everything below them, and returns how many. Daily totals, trends and spending of those days stay as they were; a day whose totals could not be made yet, as for ten minutes after its end, is left for the next time. as_purge calls it where agent_studio.history_retention_days is set. Raises 42501, 22023, 55000 in a REPEATABLE READ or SERIALIZABLE transaction.';

CREATE PROCEDURE agent_studio.as_purge(older_than interval DEFAULT NULL, INOUT purged bigint DEFAULT 0, INOUT deleted bigint DEFAULT 0)
LANGUAGE plpgsql
AS $$
DECLARE
	kept_for interval := coalesce(older_than, agent_studio_private.shortest_retention());
	day pg_catalog.timestamptz := pg_catalog.date_trunc('day', agent_studio_private.first_unpurged());
	next_day pg_catalog.timestamptz;
	history_days integer := coalesce(pg_catalog.current_setting('agent_studio.history_retention_days', true)::integer, 0);
	done integer;
BEGIN
	-- What commits cannot pin search_path: operators and types are qualified, too.
	PERFORM agent_studio_private.require_no_block('as_purge');
	purged := 0;
	deleted := 0;
	-- Also where there is nothing to do: to refuse those who may not.
	done := agent_studio.as_purge_batch('-infinity', '-infinity', older_than);
	WHILE day OPERATOR(pg_catalog.<) (pg_catalog.now() OPERATOR(pg_catalog.-) kept_for) LOOP
		next_day := day OPERATOR(pg_catalog.+) interval '1 day';
		LOOP
			done := agent_studio.as_purge_batch(day, next_day, older_than);
			COMMIT;
			purged := purged OPERATOR(pg_catalog.+) done;
			EXIT WHEN done OPERATOR(pg_catalog.=) 0;
		END LOOP;
		day := next_day;
	END LOOP;
	WHILE history_days OPERATOR(pg_catalog.>) 0 LOOP
		-- Totals are told before what they tell of goes, which nobody does by a snapshot of his own.
		COMMIT;
		SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
		done := agent_studio.as_delete_history_batch(
			pg_catalog.timezone('UTC', pg_catalog.now())::pg_catalog.date OPERATOR(pg_catalog.-) history_days);
		COMMIT;
		deleted := deleted OPERATOR(pg_catalog.+) done;
		EXIT WHEN done OPERATOR(pg_catalog.=) 0;
	END LOOP;
END
$$;
COMMENT ON PROCEDURE agent_studio.as_purge(interval, bigint, bigint) IS
'CALL as_purge() removes what has been kept long enough, and returns a row: purged, of how many executions the details went (thoughts, DEBUG lines, prompts, outputs that did not become a result; they cannot be retried or resumed any more), and deleted, how many went altogether. Details are kept for agent_studio.retention_days (30) after an execution came to rest, or as its workflow''s checkpoint_retention_days says; older_than holds for all of them instead. Executions, their results and costs stay for agent_studio.history_retention_days (0 = for ever); trends and totals stay in any case. Works in batches of 500 that commit by themselves. To be called each night: SELECT cron.schedule(''agent_studio purge'', ''17 3 * * *'', ''CALL agent_studio.as_purge()''). Raises 42501 unless the caller is a member of agent_studio_admin, 2D000 within a transaction block, 22023.';

CREATE FUNCTION agent_studio_private.shortest_retention() RETURNS interval
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT least(agent_studio_private.retention(),
		(SELECT make_interval(days => min((v.definition #>> '{settings,checkpoint_retention_days}')::integer)) FROM agent_studio.workflow_versions v));
END;
COMMENT ON FUNCTION agent_studio_private.shortest_retention() IS
'The shortest time for which details of some execution are kept.';
