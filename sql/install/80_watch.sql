-- Watching: status, thoughts, output, metrics and log of an execution. All run with
-- the caller's rights, so row-level security decides what they show.

CREATE FUNCTION agent_studio_private.clock_text(elapsed interval) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN elapsed IS NOT NULL THEN
	-- Without days: to_char would leave them out.
	pg_catalog.to_char(pg_catalog.make_interval(secs => greatest(0, floor(extract(epoch FROM elapsed)))::float8), 'HH24:MI:SS')
	END;
COMMENT ON FUNCTION agent_studio_private.clock_text(interval) IS 'A duration as 00:00:45 or 30:00:00; never negative; NULL for NULL.';

CREATE FUNCTION agent_studio_private.usual_total(execution agent_studio.executions, OUT duration interval, OUT cost_usd numeric) RETURNS record
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT pg_catalog.make_interval(secs => pg_catalog.percentile_cont(0.5) WITHIN GROUP
			(ORDER BY extract(epoch FROM latest.finished_at - latest.started_at)::float8)),
		   pg_catalog.percentile_cont(0.5) WITHIN GROUP (ORDER BY latest.cost::float8)::numeric
	FROM (SELECT e.started_at, e.finished_at, e.input_cost_usd + e.output_cost_usd AS cost
		  FROM agent_studio_private.newest_completed((execution).agent, (execution).workflow, false, 20) e) latest;
END;
COMMENT ON FUNCTION agent_studio_private.usual_total(agent_studio.executions) IS
'Median duration and cost in USD of the newest 20 completed executions of the same agent or workflow that the current user can see; NULL = none yet.';

CREATE FUNCTION agent_studio_private.vendor_note(model_id bigint) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT pg_catalog.format('waiting: the vendor of model %s takes nothing for another %s s', m.name,
		ceil(extract(epoch FROM h.blocked_until - pg_catalog.clock_timestamp())))
	FROM agent_studio.model_headroom h JOIN agent_studio.models m USING (model_id)
	WHERE h.model_id = vendor_note.model_id AND h.blocked_until > pg_catalog.clock_timestamp();
END;
COMMENT ON FUNCTION agent_studio_private.vendor_note(bigint) IS
'That the vendor wants nothing sent to a model, and for how long; NULL = it takes more.';

CREATE FUNCTION agent_studio_private.approval_note(execution bigint) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT string_agg(format('%s waits for %s: %s', s.name, a.approver, agent_studio_private.one_line(a.message, 80)), '; ' ORDER BY a.step_no)
	FROM agent_studio.approvals a JOIN agent_studio.steps s USING (execution_id, step_no)
	WHERE a.execution_id = approval_note.execution AND a.decision IS NULL AND s.state = 'waiting_approval';
END;
COMMENT ON FUNCTION agent_studio_private.approval_note(bigint) IS
'Whose word an execution waits for, in one line; NULL = nobody''s.';

CREATE FUNCTION agent_studio_private.retry_note(execution agent_studio.executions, step agent_studio.steps) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT pg_catalog.format('retry %s of %s in %s s after %s: %s', (step).attempt_no,
		coalesce((step).max_retries, (execution).max_retries),
		greatest(0, ceil(extract(epoch FROM (step).retry_at - pg_catalog.clock_timestamp()))),
		(step).error_class, (step).error_message);
END;
COMMENT ON FUNCTION agent_studio_private.retry_note(agent_studio.executions, agent_studio.steps) IS
'When a step is tried again, and after what, in one line.';

CREATE FUNCTION agent_studio_private.pending_note(execution bigint) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT string_agg(DISTINCT concat_ws(' of ', c.wanted, s.name) || ' requested', ', ')
	FROM agent_studio.commands c LEFT JOIN agent_studio.steps s USING (execution_id, step_no)
	WHERE c.execution_id = pending_note.execution AND c.applied_at IS NULL;
END;
COMMENT ON FUNCTION agent_studio_private.pending_note(bigint) IS
'Which commands the executor has not applied yet, in one line; NULL = none.';

CREATE FUNCTION agent_studio_private.review_note(execution bigint) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT coalesce((SELECT agent_studio_private.one_line(n.message, 200) FROM agent_studio.notices n
					 WHERE n.execution_id = review_note.execution AND n.kind IN ('manual_review', 'partial')
					 ORDER BY n.notice_id DESC LIMIT 1),
					format('SELECT * FROM agent_studio.as_failure(%s) tells why', review_note.execution));
END;
COMMENT ON FUNCTION agent_studio_private.review_note(bigint) IS
'Why somebody has to look at an execution, in one line.';

CREATE FUNCTION agent_studio_private.canceled_by(execution bigint) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT c.actor || coalesce(': ' || c.reason, '') FROM agent_studio.commands c
	WHERE c.execution_id = canceled_by.execution AND c.wanted = 'cancel' AND c.outcome = 'applied'
	ORDER BY c.command_id DESC LIMIT 1;
END;
COMMENT ON FUNCTION agent_studio_private.canceled_by(bigint) IS
'Who canceled an execution, and why, if he said so; NULL = nobody did.';

CREATE FUNCTION agent_studio_private.status_note(execution agent_studio.executions) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT nullif(agent_studio_private.one_line(concat_ws('; ',
		CASE WHEN (execution).kind = 'workflow' AND (execution).started_at IS NOT NULL
			THEN (SELECT format('Step %s of %s complete', p.done, p.total) FROM agent_studio_private.progress(execution) p) END,
		agent_studio_private.pending_note((execution).execution_id),
		coalesce(CASE WHEN (execution).status = 'canceled' THEN 'canceled by ' || agent_studio_private.canceled_by((execution).execution_id) END,
		CASE
			WHEN (execution).error_message IS NOT NULL
				THEN format('%s: %s', (execution).error_class, (execution).error_message)
			WHEN (execution).status = 'queued' THEN
				coalesce((SELECT string_agg(DISTINCT agent_studio_private.vendor_note(s.model_id), '; ') FROM agent_studio.steps s
						  WHERE s.execution_id = (execution).execution_id AND s.state = 'queued'), 'waiting for its turn')
			WHEN (execution).status = 'paused' THEN format('SELECT agent_studio.as_resume(%s) lets it go on', (execution).execution_id)
			WHEN (execution).status = 'requires_manual_review' THEN agent_studio_private.review_note((execution).execution_id)
			WHEN (execution).finished_at IS NULL THEN nullif(concat_ws('; ',
				agent_studio_private.approval_note((execution).execution_id),
				(SELECT string_agg(CASE (execution).kind WHEN 'workflow' THEN s.name || ': ' ELSE '' END
								   || agent_studio_private.retry_note(execution, s), '; ' ORDER BY s.step_no)
				 FROM agent_studio.steps s
				 WHERE s.execution_id = (execution).execution_id AND s.state = 'retrying')), '')
			END)), 1000), '');
END;
COMMENT ON FUNCTION agent_studio_private.status_note(agent_studio.executions) IS
'What else there is to say of an execution, in one line; NULL = nothing.';

CREATE FUNCTION agent_studio_private.agents_at_work(execution agent_studio.executions) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT coalesce((execution).agent,
		(SELECT string_agg(DISTINCT a.name, ', ') FROM agent_studio.steps s
		 JOIN agent_studio.agent_versions v USING (agent_version_id) JOIN agent_studio.agents a USING (agent_id)
		 WHERE s.execution_id = (execution).execution_id AND s.state IN ('queued', 'running', 'retrying', 'paused')));
END;
COMMENT ON FUNCTION agent_studio_private.agents_at_work(agent_studio.executions) IS
'The agent of a task; of a workflow those whose steps have begun and not ended.';

CREATE FUNCTION agent_studio_private.progress_percent(execution agent_studio.executions) RETURNS integer
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT CASE
		WHEN (execution).status = 'completed' THEN 100
		WHEN (execution).status = 'queued' THEN 0
		WHEN (execution).kind = 'workflow' THEN
			(SELECT least(99, 100 * p.done / nullif(p.total, 0)) FROM agent_studio_private.progress(execution) p)
		WHEN (execution).status IN ('running', 'paused') THEN floor(100 * agent_studio_private.task_share(execution))::int
		END;
END;
COMMENT ON FUNCTION agent_studio_private.progress_percent(agent_studio.executions) IS
'Of a workflow the share of its steps that are done with; of a task what as_progress says of the whole. NULL = not known.';

CREATE FUNCTION agent_studio_private.rest_by_rate(execution agent_studio.executions) RETURNS interval
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT pg_catalog.make_interval(secs => greatest(0, agent_studio_private.expected_tokens_of(s) - c.output_tokens)::float8
		* extract(epoch FROM c.until - c.first_token_at)::float8 / nullif(c.output_tokens, 0))
	FROM agent_studio.steps s JOIN agent_studio_private.calls c USING (execution_id, step_no)
	WHERE s.execution_id = (execution).execution_id AND (execution).kind = 'task' AND c.is_live
	LIMIT 1;
END;
COMMENT ON FUNCTION agent_studio_private.rest_by_rate(agent_studio.executions) IS
'How long a task''s model needs for the rest of the most that it may answer, as fast as it does now; NULL = not known.';

CREATE FUNCTION agent_studio_private.rest_by_steps(execution agent_studio.executions) RETURNS interval
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
BEGIN
	RETURN (SELECT CASE WHEN bool_and(u.seconds IS NOT NULL) THEN make_interval(secs => sum(u.seconds)) END
	FROM agent_studio_private.current_steps(execution.execution_id) s
	JOIN agent_studio_private.plan_steps(agent_studio_private.plan_of(execution)) p USING (plan_step)
	LEFT JOIN agent_studio.agent_versions v USING (agent_version_id)
	LEFT JOIN agent_studio.agents a USING (agent_id)
	CROSS JOIN LATERAL agent_studio_private.agent_history(coalesce(a.name, p.step ->> 'agent')) h
	CROSS JOIN LATERAL (SELECT CASE WHEN p.step ->> 'type' = 'decision' THEN 0 ELSE (h.seconds_low + h.seconds_high)::float8 / 2
		* (1 - coalesce(agent_studio_private.step_share(execution, s), 0)) END AS seconds) u
	WHERE execution.kind = 'workflow' AND NOT p.on_demand
	  AND s.state NOT IN ('completed', 'skipped') AND s.verdict IS DISTINCT FROM 'accepted');
END
$$;
COMMENT ON FUNCTION agent_studio_private.rest_by_steps(agent_studio.executions) IS
'The sum of what the remaining steps of a workflow usually take their agents as tasks; NULL = not known of one of them.';

CREATE FUNCTION agent_studio_private.estimated_rest(execution agent_studio.executions) RETURNS interval
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
DECLARE
	usual interval;
	rest interval;
	retry_in interval;
BEGIN
	IF execution.status <> 'running' THEN
		RETURN NULL;
	END IF;
	usual := (agent_studio_private.usual_total(execution)).duration - (clock_timestamp() - execution.started_at);
	-- What takes longer than usual is judged by what it still has to do.
	rest := coalesce(CASE WHEN usual > interval '0' THEN usual END, agent_studio_private.rest_by_rate(execution), agent_studio_private.rest_by_steps(execution));
	SELECT max(s.retry_at) - clock_timestamp() INTO retry_in FROM agent_studio.steps s
	WHERE s.execution_id = execution.execution_id AND s.state = 'retrying';
	RETURN CASE WHEN rest IS NOT NULL THEN greatest(rest, retry_in, interval '0') END;
END
$$;
COMMENT ON FUNCTION agent_studio_private.estimated_rest(agent_studio.executions) IS
'How long a running execution is going to take: what is usual, else, and when it has taken longer than that, what rates and single steps tell; never less than it waits for a retry. NULL = not known.';

CREATE FUNCTION agent_studio_private.estimated_cost(execution agent_studio.executions, so_far numeric) RETURNS numeric
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
DECLARE
	total numeric := so_far;
BEGIN
	IF execution.finished_at IS NULL THEN
		total := coalesce((agent_studio_private.usual_total(execution)).cost_usd, CASE execution.kind
			WHEN 'task' THEN (agent_studio_private.priced(execution.agent, octet_length(execution.task)::bigint)).cost_usd_high
			ELSE (agent_studio_private.total_estimate(execution.workflow, agent_studio_private.plan_of(execution), execution.inputs)).cost_usd_high END);
	END IF;
	RETURN CASE WHEN so_far > total THEN so_far ELSE trim_scale(round(total, 6)) END;
END
$$;
COMMENT ON FUNCTION agent_studio_private.estimated_cost(agent_studio.executions, numeric) IS
'USD that an execution is going to cost in all, never less than so far: what is usual, else the most by prices and limits. NULL = not known.';

CREATE FUNCTION agent_studio.as_status(execution bigint,
	OUT status text, OUT agent text, OUT started timestamptz, OUT elapsed text,
	OUT estimated_remaining text, OUT progress_percent integer, OUT note text) RETURNS record
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	PERFORM agent_studio_private.require_execution(execution);
	SELECT e.status, agent_studio_private.agents_at_work(e), date_trunc('second', e.started_at),
		   agent_studio_private.clock_text(coalesce(e.finished_at, clock_timestamp()) - e.started_at),
		   agent_studio_private.clock_text(agent_studio_private.estimated_rest(e)),
		   agent_studio_private.progress_percent(e), agent_studio_private.status_note(e)
	INTO as_status.status, as_status.agent, as_status.started, as_status.elapsed,
		 as_status.estimated_remaining, as_status.progress_percent, as_status.note
	FROM agent_studio.executions e
	WHERE e.execution_id = as_status.execution;
END
$$;
COMMENT ON FUNCTION agent_studio.as_status(bigint) IS
'One row: status, agent (of a workflow, those at work now), when it started, time elapsed, an estimate of the time remaining (from the median of the newest completed executions of the agent or workflow; without any, and once it has taken longer, of a task how long the rest of the longest answer would take, of a workflow what its agents usually take; NULL = not known), and the progress: of a workflow the share of its steps that are done with, of a task that of as_progress (NULL = not known). note says how many steps are complete, what it waits for, why it failed, or which command is pending. Raises 42704.';

CREATE FUNCTION agent_studio.as_thoughts(execution bigint, after_seq bigint DEFAULT 0)
RETURNS TABLE (seq bigint, elapsed text, elapsed_ms bigint, source text, content text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	PERFORM agent_studio_private.require_execution(execution);
	RETURN QUERY
	SELECT t.seq, agent_studio_private.clock_text(make_interval(secs => t.elapsed_ms / 1000.0)),
		   t.elapsed_ms, t.source, agent_studio_private.printable(t.content)
	FROM agent_studio.thoughts t
	WHERE t.execution_id = execution AND t.seq > coalesce(after_seq, 0)
	ORDER BY t.seq;
END
$$;
COMMENT ON FUNCTION agent_studio.as_thoughts(bigint, bigint) IS
'The thoughts of an execution after a seq, in order. elapsed_ms counts from its start. Reading again with the last seq gives only what is new, without gap or duplicate. Raises 42704.';

CREATE FUNCTION agent_studio.as_output(execution bigint) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM agent_studio_private.require_execution(execution);
	RETURN (SELECT coalesce(s.output, s.outputs::text)
			FROM agent_studio.executions e
			JOIN agent_studio.steps s ON s.execution_id = e.execution_id AND s.step_no = agent_studio_private.result_step(e)
			WHERE e.execution_id = execution);
END
$$;
COMMENT ON FUNCTION agent_studio.as_output(bigint) IS
'What the model answered, byte for byte (what text cannot hold is replaced, and a notice says so; should it quote the server''s key, that is hidden). Of a task that is repeated: the newest answer, of a failed one that with the best quality score. Of a failed or canceled task: what had arrived. Of a workflow: the answer of its final step once that has completed, else that of the step that completed last; the view outputs has all of them. NULL = nothing yet. Raises 42704.';

CREATE FUNCTION agent_studio.as_metrics(execution bigint,
	OUT status text, OUT started_at timestamptz, OUT finished_at timestamptz, OUT duration_seconds numeric,
	OUT attempts bigint, OUT input_tokens bigint, OUT cached_input_tokens bigint, OUT output_tokens bigint,
	OUT reasoning_tokens bigint, OUT total_tokens bigint,
	OUT input_cost_usd numeric, OUT output_cost_usd numeric, OUT cost_usd numeric,
	OUT model text, OUT deployment text, OUT model_version text, OUT answered_by text,
	OUT temperature numeric, OUT top_p numeric, OUT max_output_tokens integer) RETURNS record
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	PERFORM agent_studio_private.require_execution(execution);
	SELECT e.status, e.started_at, e.finished_at,
		   round(extract(epoch FROM coalesce(e.finished_at, clock_timestamp()) - e.started_at), 3),
		   a.n, a.input_tokens, a.cached_input_tokens, a.output_tokens, a.reasoning_tokens,
		   coalesce(a.input_tokens + a.output_tokens, a.input_tokens, a.output_tokens),
		   trim_scale(a.input_cost_usd), trim_scale(a.output_cost_usd),
		   trim_scale(coalesce(a.input_cost_usd + a.output_cost_usd, a.input_cost_usd, a.output_cost_usd)),
		   m.name, m.deployment, m.model_version, CASE WHEN e.kind = 'task' OR a.answerers = 1 THEN a.answered_by END, v.temperature, v.top_p, v.max_output_tokens
	INTO as_metrics.status, as_metrics.started_at, as_metrics.finished_at, as_metrics.duration_seconds,
		 as_metrics.attempts, as_metrics.input_tokens, as_metrics.cached_input_tokens, as_metrics.output_tokens,
		 as_metrics.reasoning_tokens, as_metrics.total_tokens, as_metrics.input_cost_usd,
		 as_metrics.output_cost_usd, as_metrics.cost_usd, as_metrics.model, as_metrics.deployment,
		 as_metrics.model_version, as_metrics.answered_by, as_metrics.temperature, as_metrics.top_p,
		 as_metrics.max_output_tokens
	FROM agent_studio.executions e
	-- Of a task those of its newest iteration; of a workflow, if all steps agree.
	CROSS JOIN LATERAL (
		SELECT CASE WHEN e.kind = 'task' OR min(s.model_id) = max(s.model_id)
					THEN (array_agg(s.model_id ORDER BY s.step_no DESC))[1] END AS model_id,
			   CASE WHEN e.kind = 'task' OR min(s.agent_version_id) = max(s.agent_version_id)
					THEN (array_agg(s.agent_version_id ORDER BY s.step_no DESC))[1] END AS agent_version_id
		FROM agent_studio.steps s WHERE s.execution_id = e.execution_id AND s.model_id IS NOT NULL) used
	LEFT JOIN agent_studio.agent_versions v ON v.agent_version_id = used.agent_version_id
	LEFT JOIN agent_studio.models m ON m.model_id = used.model_id
	CROSS JOIN LATERAL (
		SELECT count(*) AS n, sum(t.input_tokens)::bigint AS input_tokens,
			   sum(t.cached_input_tokens)::bigint AS cached_input_tokens,
			   sum(t.output_tokens)::bigint AS output_tokens,
			   sum(t.reasoning_tokens)::bigint AS reasoning_tokens,
			   sum(t.input_cost_usd) AS input_cost_usd, sum(t.output_cost_usd) AS output_cost_usd,
			   max(t.answered_by) AS answered_by, count(DISTINCT t.answered_by) AS answerers
		FROM agent_studio.attempts t WHERE t.execution_id = e.execution_id) a
	WHERE e.execution_id = as_metrics.execution;
END
$$;
COMMENT ON FUNCTION agent_studio.as_metrics(bigint) IS
'One row: times, tokens and cost (sums of the attempts of all steps), the model, and the parameters that were set (NULL for a workflow whose steps do not agree). duration_seconds counts until now while it runs. A NULL cost means no price or no usage is known, never that it was free. Raises 42704.';

CREATE VIEW agent_studio_private.log_steps WITH (security_invoker = true) AS
	SELECT s.execution_id, s.step_no, e.agent, s.started_at, s.sent_at, s.attempt_no, s.agent_version_id, s.model_id,
		   -- A task has its lines about the agent once.
		   e.kind = 'workflow' OR s.iteration = 1 AS introduced,
		   CASE WHEN e.kind = 'workflow' THEN
				format('Step %s %s%s: ', s.plan_step, s.name,
					   CASE WHEN s.iteration > 1 THEN format(' (iteration %s)', s.iteration) ELSE '' END)
				WHEN s.iteration > 1 THEN format('Iteration %s: ', s.iteration)
				ELSE '' END AS prefix
	FROM agent_studio.steps s JOIN agent_studio.executions e USING (execution_id);
COMMENT ON VIEW agent_studio_private.log_steps IS
'Steps, with what their lines in the log begin with.';

-- A barrier: a condition of a reader is not shown the rows that the view leaves out.
CREATE VIEW agent_studio_private.log_lines WITH (security_invoker = true, security_barrier = true) AS
	SELECT e.execution_id, e.started_at AS at, 1 AS place, 'INFO' AS level, format('%s execution started', initcap(e.kind)) AS message
	FROM agent_studio.executions e WHERE e.started_at IS NOT NULL
	UNION ALL
	SELECT e.execution_id, e.started_at, 2, 'INFO', concat_ws(' ', format('Workflow: %s', e.workflow), '(v' || v.version || ')')
	FROM agent_studio.executions e LEFT JOIN agent_studio.workflow_versions v USING (workflow_version_id)
	WHERE e.started_at IS NOT NULL AND e.kind = 'workflow'
	UNION ALL
	SELECT s.execution_id, s.started_at, 3, 'INFO', format('%sAgent: %s (v%s)', s.prefix, coalesce(s.agent, a.name), v.version)
	FROM agent_studio_private.log_steps s
	JOIN agent_studio.agent_versions v USING (agent_version_id) JOIN agent_studio.agents a USING (agent_id)
	WHERE s.started_at IS NOT NULL AND s.introduced
	UNION ALL
	SELECT s.execution_id, s.started_at, 4, 'INFO',
		   format('%sModel: %s', s.prefix, concat_ws('-', m.deployment, m.model_version))
	FROM agent_studio_private.log_steps s
	JOIN agent_studio.models m USING (model_id) WHERE s.started_at IS NOT NULL AND s.introduced
	UNION ALL
	SELECT s.execution_id, s.sent_at, 5, 'INFO', format('%sSending request to %s...', s.prefix, m.server)
	FROM agent_studio_private.log_steps s JOIN agent_studio.models m USING (model_id)
	WHERE s.sent_at IS NOT NULL
	  AND NOT EXISTS (SELECT FROM agent_studio.attempts a
					  WHERE a.execution_id = s.execution_id AND a.step_no = s.step_no AND a.attempt_no = s.attempt_no)
	UNION ALL
	SELECT a.execution_id, a.sent_at, 5, 'INFO', format('%sSending request to %s...', s.prefix, m.server)
	FROM agent_studio.attempts a JOIN agent_studio_private.log_steps s USING (execution_id, step_no)
	JOIN agent_studio.models m ON m.model_id = a.model_id
	UNION ALL
	SELECT a.execution_id, a.first_token_at, 6, 'INFO', s.prefix || 'Response streaming started'
	FROM agent_studio.attempts a JOIN agent_studio_private.log_steps s USING (execution_id, step_no)
	WHERE a.first_token_at IS NOT NULL
	UNION ALL
	SELECT a.execution_id, a.finished_at, 8, 'INFO', s.prefix || 'Response streaming completed'
	FROM agent_studio.attempts a JOIN agent_studio_private.log_steps s USING (execution_id, step_no)
	WHERE a.outcome = 'completed'
	UNION ALL
	SELECT a.execution_id, a.finished_at, 8,
		   CASE WHEN a.retryable OR a.outcome <> 'failed' THEN 'WARNING' ELSE 'ERROR' END,
		   format('%sAttempt %s %s: %s', s.prefix, a.attempt_no, a.outcome,
				  concat_ws(': ', a.error_class, a.error_message))
	FROM agent_studio.attempts a JOIN agent_studio_private.log_steps s USING (execution_id, step_no)
	WHERE a.outcome <> 'completed'
	UNION ALL
	SELECT a.execution_id, a.finished_at, 9, 'INFO',
		   format('%sTotal tokens: %s (input: %s, output: %s)', s.prefix,
				  ltrim(to_char(a.input_tokens + a.output_tokens, '999,999,999,999')),
				  ltrim(to_char(a.input_tokens, '999,999,999,999')), ltrim(to_char(a.output_tokens, '999,999,999,999')))
	FROM agent_studio.attempts a JOIN agent_studio_private.log_steps s USING (execution_id, step_no)
	WHERE a.outcome = 'completed' AND a.input_tokens + a.output_tokens IS NOT NULL
	UNION ALL
	-- Warnings, and whatever tells how the flow went; the first line of those with more.
	SELECT n.execution_id, n.at, 10, CASE n.severity WHEN 'success' THEN 'INFO' ELSE upper(n.severity) END,
		   CASE WHEN n.message LIKE 'Step %' THEN '' ELSE coalesce(s.prefix, '') END || split_part(n.message, E'\n', 1)
	FROM agent_studio.notices n LEFT JOIN agent_studio_private.log_steps s USING (execution_id, step_no)
	WHERE n.severity = 'warning' OR n.kind IN ('step_completed', 'step_failed', 'step_skipped', 'waiting', 'partial',
		'went_back', 'handed_off', 'manual_review', 'rule', 'rollback')
	UNION ALL
	SELECT e.execution_id, e.finished_at, 11, CASE e.status WHEN 'failed' THEN 'ERROR' WHEN 'completed' THEN 'INFO' ELSE 'WARNING' END,
		   format('%s execution %s', initcap(e.kind),
				  CASE e.status WHEN 'completed' THEN 'completed successfully'
					WHEN 'failed' THEN concat_ws(': ', 'failed', e.error_class, e.error_message)
					ELSE replace(e.status, '_', ' ') END)
	FROM agent_studio.executions e WHERE e.finished_at IS NOT NULL
	UNION ALL
	SELECT e.execution_id, e.finished_at, 12, 'INFO',
		   format('Execution time: %s seconds', round(extract(epoch FROM e.finished_at - e.started_at), 3))
	FROM agent_studio.executions e WHERE e.finished_at IS NOT NULL AND e.started_at IS NOT NULL
	UNION ALL
	SELECT l.execution_id, l.at, 7 + l.log_id / 1e12, l.level, coalesce(s.prefix, '') || l.message
	FROM agent_studio.logs l LEFT JOIN agent_studio_private.log_steps s USING (execution_id, step_no);
COMMENT ON VIEW agent_studio_private.log_lines IS
'The log of every execution: most lines are told from executions, steps, attempts and notices, so that they need not be written twice. Those of a workflow''s steps begin with the step.';

CREATE FUNCTION agent_studio.as_logs(execution bigint, min_level text DEFAULT 'DEBUG', search text DEFAULT NULL)
RETURNS TABLE (at timestamptz, level text, message text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	levels text[] := ARRAY['DEBUG', 'INFO', 'WARNING', 'ERROR'];
BEGIN
	PERFORM agent_studio_private.require_execution(execution);
	PERFORM agent_studio_private.one_of('min_level', upper(min_level), levels);
	RETURN QUERY
	SELECT l.at, l.level, agent_studio_private.one_line(l.message, 1000)
	FROM agent_studio_private.log_lines l
	WHERE l.execution_id = execution
	  AND array_position(levels, l.level) >= array_position(levels, upper(min_level))
	  AND (search IS NULL OR strpos(lower(l.message), lower(search)) > 0)
	ORDER BY l.at, l.place;
END
$$;
COMMENT ON FUNCTION agent_studio.as_logs(bigint, text, text) IS
'The log of an execution, in order of time; in a workflow each line names its step. Each is one line without control characters, of 1000 columns at most. Lines of min_level (DEBUG, INFO, WARNING, ERROR) and above that contain search, upper or lower case alike (NULL = all). Raises 42704, 22023.';

CREATE FUNCTION agent_studio.as_wait(execution bigint, timeout_seconds numeric DEFAULT 60) RETURNS text
AS 'MODULE_PATHNAME', 'agent_studio_wait' LANGUAGE C;
COMMENT ON FUNCTION agent_studio.as_wait(bigint, numeric) IS
'Waits until an execution comes to rest, or so many seconds at most, and returns the status it then has. Raises 42704, 22023, and 55000 where waiting could never succeed: in the transaction that submitted the task, and in one that sees only its own snapshot (REPEATABLE READ, SERIALIZABLE).';
