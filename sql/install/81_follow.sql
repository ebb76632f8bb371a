-- Following: procedures that print what happens while it happens, in psql or any
-- client that shows messages. They commit between two looks, so they hold no
-- snapshot while they wait; therefore they have no SET clause, and qualify every name.

CREATE FUNCTION agent_studio_private.result_text(execution bigint) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	e agent_studio.executions;
	output text := agent_studio.as_output(execution);
BEGIN
	SELECT * INTO e FROM agent_studio.executions x WHERE x.execution_id = execution;
	RETURN agent_studio_private.printable(CASE e.status
		WHEN 'completed' THEN format('Execution %s completed. Its output:', execution)
		ELSE format('Execution %s %s%s', execution, replace(e.status, '_', ' '),
					coalesce(': ' || e.error_class || ': ' || e.error_message
							 || coalesce(E'\nHint: ' || e.error_hint, ''), '.')
					|| CASE WHEN e.kind = 'workflow' AND e.status <> 'canceled'
						THEN format(E'\nWhat can be done: SELECT * FROM agent_studio.as_failure(%s);', execution) ELSE '' END
					|| CASE WHEN output IS NULL THEN '' WHEN e.kind = 'workflow' THEN E'\nThe last answer:' ELSE E'\nWhat had arrived:' END)
		END || coalesce(E'\n\n' || output || E'\n', ''));
END
$$;
COMMENT ON FUNCTION agent_studio_private.result_text(bigint) IS
'How an execution ended, with its output, as text to print.';

CREATE FUNCTION agent_studio_private.thought_lines(execution bigint, after_seq bigint)
RETURNS TABLE (at timestamptz, seq bigint, line text)
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT t.at, t.seq, format('[%s] %s%s', agent_studio_private.clock_text(pg_catalog.make_interval(secs => t.elapsed_ms / 1000.0)),
		CASE e.kind WHEN 'workflow' THEN s.name || ': ' ELSE '' END, agent_studio_private.printable(t.content))
	FROM agent_studio.executions e
	JOIN agent_studio.thoughts t USING (execution_id)
	LEFT JOIN agent_studio.steps s USING (execution_id, step_no)
	WHERE e.execution_id = execution AND t.seq > after_seq
	ORDER BY t.seq;
END;
COMMENT ON FUNCTION agent_studio_private.thought_lines(bigint, bigint) IS
'Thoughts as lines to print, after a seq; in a workflow with the step''s name.';

CREATE FUNCTION agent_studio_private.notice_lines(execution bigint, after_notice bigint)
RETURNS TABLE (at timestamptz, notice_id bigint, line text)
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT n.at, n.notice_id, format('%s: %s', initcap(n.severity), agent_studio_private.printable(n.message))
	FROM agent_studio.notices n
	WHERE n.execution_id = execution AND n.notice_id > after_notice
	  AND (n.severity IN ('warning', 'error') OR n.kind IN ('step_completed', 'step_skipped', 'went_back', 'handed_off', 'rule', 'rollback'))
	  -- There is a thought of a retry; what is waited for is told by itself.
	  AND n.kind NOT IN ('retry', 'waiting')
	ORDER BY n.notice_id;
END;
COMMENT ON FUNCTION agent_studio_private.notice_lines(bigint, bigint) IS
'Notices as lines to print, after one: warnings, errors, and how the flow of a workflow goes.';

CREATE FUNCTION agent_studio_private.start_lines(execution bigint, begun integer[])
RETURNS TABLE (at timestamptz, step_no integer, line text)
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT s.started_at, s.step_no, format('[%s] %s: Step %s of %s%s, by %s', agent_studio_private.clock_text(s.started_at - e.started_at), s.name,
		s.plan_step, (SELECT max(x.plan_step) FROM agent_studio.steps x WHERE x.execution_id = e.execution_id), CASE WHEN s.iteration > 1 THEN ', iteration ' || s.iteration ELSE '' END,
		coalesce(agent_studio_private.printable(a.name), 'an agent'))
	FROM agent_studio.executions e
	JOIN agent_studio.steps s USING (execution_id)
	LEFT JOIN agent_studio.agent_versions v USING (agent_version_id)
	LEFT JOIN agent_studio.agents a USING (agent_id)
	WHERE e.execution_id = execution AND e.kind = 'workflow' AND s.started_at IS NOT NULL AND s.step_no <> ALL (begun);
END;
COMMENT ON FUNCTION agent_studio_private.start_lines(bigint, integer[]) IS
'Which steps of a workflow have begun, as lines to print, but for those whose numbers are given.';

CREATE FUNCTION agent_studio_private.follow_lines(execution bigint, after_seq bigint, after_notice bigint, begun integer[])
RETURNS TABLE (seq bigint, notice_id bigint, step_no integer, line text)
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT l.seq, l.notice_id, l.step_no, l.line
	FROM (SELECT s.at, 1 AS place, NULL::bigint AS seq, NULL::bigint AS notice_id, s.step_no, s.line
		  FROM agent_studio_private.start_lines(execution, begun) s
		  UNION ALL SELECT t.at, 2, t.seq, NULL, NULL, t.line FROM agent_studio_private.thought_lines(execution, after_seq) t
		  UNION ALL SELECT n.at, 3, NULL, n.notice_id, NULL, n.line FROM agent_studio_private.notice_lines(execution, after_notice) n) l
	ORDER BY l.at, l.place, l.seq, l.notice_id;
END;
COMMENT ON FUNCTION agent_studio_private.follow_lines(bigint, bigint, bigint, integer[]) IS
'What has happened since the last look, as lines to print in the order of time: beginnings of steps, thoughts and notices.';

CREATE FUNCTION agent_studio_private.wait_lines(execution bigint) RETURNS TABLE (step_no integer, line text)
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT a.step_no, agent_studio_private.printable(format(E'Step %s waits for %s%s: %s\n    SELECT agent_studio.as_approve(%s, %L); or as_reject', s.name, a.approver,
		coalesce(' until ' || date_trunc('second', a.expires_at), ''), a.message, a.execution_id, s.name))
	FROM agent_studio.approvals a JOIN agent_studio.steps s USING (execution_id, step_no)
	WHERE a.execution_id = execution AND a.decision IS NULL AND s.state = 'waiting_approval'
	UNION ALL
	SELECT 0, format('Paused: SELECT agent_studio.as_resume(%s); lets it go on', e.execution_id)
	FROM agent_studio.executions e WHERE e.execution_id = execution AND e.status = 'paused'
	ORDER BY 1;
END;
COMMENT ON FUNCTION agent_studio_private.wait_lines(bigint) IS
'What an execution waits for people to say, as lines to print; step 0 is the execution as a whole.';

CREATE PROCEDURE agent_studio.as_follow(execution bigint,
	INOUT status text DEFAULT NULL, INOUT duration_seconds numeric DEFAULT NULL,
	INOUT input_tokens bigint DEFAULT NULL, INOUT output_tokens bigint DEFAULT NULL,
	INOUT cost_usd numeric DEFAULT NULL)
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
	last_seq bigint := 0;
	last_notice bigint := 0;
	begun integer[] := '{}';		-- steps
	changes bigint;
	at_rest boolean;
	waits integer[];			-- what is waited for now, and what of it was told before
	told integer[] := '{}';
	line record;
BEGIN
	PERFORM agent_studio_private.require_no_block('as_follow');
	PERFORM agent_studio_private.require_execution(execution);
	LOOP
		-- The count first, the status next, the lines last: what comes in between is
		-- seen now or wakes the wait, and nothing follows a final status.
		changes := agent_studio_private.change_count();
		SELECT e.finished_at IS NOT NULL INTO at_rest
		FROM agent_studio.executions e WHERE e.execution_id OPERATOR(pg_catalog.=) as_follow.execution;
		FOR line IN SELECT l.seq, l.notice_id, l.step_no, l.line
			FROM agent_studio_private.follow_lines(execution, last_seq, last_notice, begun) l
		LOOP
			RAISE INFO '%', line.line;
			last_seq := coalesce(line.seq, last_seq);
			last_notice := coalesce(line.notice_id, last_notice);
			IF line.step_no IS NOT NULL THEN
				begun := pg_catalog.array_append(begun, line.step_no);
			END IF;
		END LOOP;
		waits := '{}';
		FOR line IN SELECT w.step_no, w.line FROM agent_studio_private.wait_lines(execution) w LOOP
			IF pg_catalog.array_position(told, line.step_no) IS NULL THEN
				RAISE INFO '%', line.line;
			END IF;
			waits := pg_catalog.array_append(waits, line.step_no);
		END LOOP;
		told := waits;
		EXIT WHEN at_rest;
		IF NOT (agent_studio_private.worker_state()).preloaded THEN
			RAISE EXCEPTION 'execution % waits: nothing is at work here, agent_studio is not in shared_preload_libraries', execution
				USING ERRCODE = 'object_not_in_prerequisite_state',
					  HINT = pg_catalog.format('SELECT * FROM agent_studio.as_check() tells what to do; then CALL agent_studio.as_follow(%s).', execution);
		END IF;
		COMMIT;
		PERFORM agent_studio_private.await_change(changes, 1000);
	END LOOP;
	RAISE INFO '%', agent_studio_private.result_text(execution);
	SELECT m.status, m.duration_seconds, m.input_tokens, m.output_tokens, pg_catalog.round(m.cost_usd, 4)
	INTO as_follow.status, as_follow.duration_seconds, as_follow.input_tokens, as_follow.output_tokens, as_follow.cost_usd
	FROM agent_studio.as_metrics(execution) m;
END
$$;
COMMENT ON PROCEDURE agent_studio.as_follow(bigint, text, numeric, bigint, bigint, numeric) IS
'CALL as_follow(execution) prints the thoughts and notices of an execution as they come, in a workflow also which step begins, once what it waits for people to approve, and in the end (also when it requires a manual review) its output, and returns one row with status, duration in seconds, tokens and cost in USD. It commits while it waits, so it cannot be called within a transaction block (2D000). Raises 42704, and 55000 where the library is not preloaded, so that nothing would ever happen.';

CREATE PROCEDURE agent_studio.as_follow_task(
	agent text, task text, context jsonb DEFAULT '{}', priority text DEFAULT 'normal',
	timeout_seconds integer DEFAULT NULL, output_format text DEFAULT NULL,
	idempotency_key text DEFAULT NULL, max_retries integer DEFAULT 3, verbose boolean DEFAULT false,
	INOUT execution bigint DEFAULT NULL, INOUT status text DEFAULT NULL,
	INOUT duration_seconds numeric DEFAULT NULL, INOUT input_tokens bigint DEFAULT NULL,
	INOUT output_tokens bigint DEFAULT NULL, INOUT cost_usd numeric DEFAULT NULL)
LANGUAGE plpgsql
AS $$
BEGIN
	PERFORM agent_studio_private.require_no_block('as_follow_task');
	execution := agent_studio.as_execute_task(agent, task, context => context, priority => priority,
		timeout_seconds => timeout_seconds, output_format => output_format,
		idempotency_key => idempotency_key, max_retries => max_retries, verbose => as_follow_task.verbose);
	COMMIT;
	CALL agent_studio.as_follow(execution, status, duration_seconds, input_tokens, output_tokens, cost_usd);
END
$$;
COMMENT ON PROCEDURE agent_studio.as_follow_task(text, text, jsonb, text, integer, text, text, integer, boolean, bigint, text, numeric, bigint, bigint, numeric) IS
'CALL as_follow_task(agent, task) submits a task as as_execute_task does, commits, and follows it as as_follow does. Returns one row that begins with the execution''s id. Raises what both raise.';
