-- as_watch: an execution at work on one sheet, for \watch. It says what as_status,
-- as_progress, as_workflow_status, as_thoughts and as_usage say, within the 100 columns of
-- a terminal, of which psql takes two.

CREATE FUNCTION agent_studio_private.watch_head(execution agent_studio.executions) RETURNS SETOF text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT l.line
	FROM agent_studio.as_status((execution).execution_id) s
	CROSS JOIN LATERAL unnest(ARRAY[
		format('Execution %s: %s', (execution).execution_id, agent_studio_private.one_line(coalesce((execution).workflow, (execution).agent), 70)),
		concat_ws('   ', 'Status: ' || s.status, 'Started: ' || to_char(s.started, 'YYYY-MM-DD HH24:MI:SS'), 'Elapsed: ' || s.elapsed),
		'Estimated Remaining: ' || s.estimated_remaining,
		agent_studio_private.one_line(s.note, 98)]) WITH ORDINALITY l (line, n)
	WHERE l.line IS NOT NULL
	ORDER BY l.n;
END;
COMMENT ON FUNCTION agent_studio_private.watch_head(agent_studio.executions) IS
'What as_status tells of an execution, as lines.';

-- The steps of a workflow have lines of their own.
CREATE FUNCTION agent_studio_private.watch_bars(execution agent_studio.executions) RETURNS SETOF text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT format('%s %s %s%%', agent_studio_private.padded(p.phase, greatest(24, max(agent_studio_private.display_width(p.phase)) OVER ())), p.bar, lpad(p.percent::text, 3))
	FROM agent_studio.as_progress((execution).execution_id) WITH ORDINALITY p (phase, percent, bar, n)
	WHERE (execution).kind = 'task' OR p.phase = 'Overall Progress'
	ORDER BY p.n;
END;
COMMENT ON FUNCTION agent_studio_private.watch_bars(agent_studio.executions) IS
'What as_progress tells of an execution, as lines.';

-- Of a step that runs, below it what it is doing. Of many steps those around the first one
-- at work, or the last one that was: a sheet has to fit on a screen.
CREATE FUNCTION agent_studio_private.watch_steps(execution bigint) RETURNS SETOF text
LANGUAGE sql STABLE
BEGIN ATOMIC
	WITH listed AS MATERIALIZED (
		SELECT s.*, count(*) OVER () AS total,
			   coalesce(min(s.n) FILTER (WHERE s.state IN ('queued', 'running', 'retrying', 'paused', 'waiting_approval', 'partial')) OVER (),
						max(s.n) FILTER (WHERE s.state <> 'pending') OVER (), 1) AS now_at
		FROM agent_studio.as_workflow_status(execution) WITH ORDINALITY
			s (step_no, step, title, agent, state, iteration, seconds, cost_usd, tokens, latest_thought, note, n)),
	shown AS (
		SELECT x.*, x.n - x.first_n AS place
		FROM (SELECT l.*, greatest(1, least(l.now_at - 5, l.total - 14)) AS first_n FROM listed l) x
		WHERE x.n BETWEEN x.first_n AND x.first_n + 14)
	SELECT l.line
	FROM shown s
	CROSS JOIN LATERAL (VALUES
		(0, CASE WHEN s.place = 0 AND s.n > 1 THEN format('(%s before)', s.n - 1) END),
		(1, format('%s %s %s %s %s', agent_studio_private.padded(s.step, 24), agent_studio_private.padded(s.state, 16),
			agent_studio_private.figure(agent_studio_private.duration_text(make_interval(secs => s.seconds::float8)), 11),
			agent_studio_private.figure(agent_studio_private.money_text(s.cost_usd), 9), coalesce(agent_studio_private.one_line(s.agent, 32), ''))),
		(2, '    ' || agent_studio_private.one_line(coalesce(s.note, CASE WHEN s.state = 'running' THEN s.latest_thought END), 94)),
		(3, CASE WHEN s.place = 14 AND s.n < s.total
			THEN format('(%s more: SELECT * FROM agent_studio.as_workflow_status(%s);)', s.total - s.n, execution) END)) l (line_no, line)
	WHERE l.line IS NOT NULL
	ORDER BY s.n, l.line_no;
END;
COMMENT ON FUNCTION agent_studio_private.watch_steps(bigint) IS
'What as_workflow_status tells of an execution''s steps, as lines; of more than 15 the five before the first one at work (or the last one that was), and what follows.';

CREATE FUNCTION agent_studio_private.watch_thoughts(execution bigint) RETURNS SETOF text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT format('[%s] %s', agent_studio_private.clock_text(make_interval(secs => t.elapsed_ms / 1000.0)), agent_studio_private.one_line(t.content, 86))
	FROM (SELECT x.seq, x.elapsed_ms, x.content FROM agent_studio.thoughts x WHERE x.execution_id = watch_thoughts.execution
		  ORDER BY x.seq DESC LIMIT 5) t
	ORDER BY t.seq;
END;
COMMENT ON FUNCTION agent_studio_private.watch_thoughts(bigint) IS
'The five newest thoughts of an execution, as lines.';

CREATE FUNCTION agent_studio_private.watch_usage(execution bigint) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT concat_ws('   ',
		'Tokens: ' || agent_studio_private.number_text(u.total_tokens),
		'Cost: ' || CASE WHEN u.is_estimate
			THEN agent_studio_private.money_text(u.cost_usd) || coalesce(' of about ' || agent_studio_private.money_text(u.estimated_cost_usd), '')
			WHEN u.cost_usd IS NOT NULL THEN agent_studio_private.total_cost_text(execution) END,
		u.tokens_per_second || ' tokens/s',
		'Output limit: ' || u.output_limit_percent || '%',
		'Quota: ' || u.quota_percent || '%')
	FROM agent_studio.as_usage(execution) u;
END;
COMMENT ON FUNCTION agent_studio_private.watch_usage(bigint) IS
'What as_usage tells of an execution, as a line; empty = nothing is known.';

CREATE FUNCTION agent_studio.as_watch(execution bigint) RETURNS SETOF text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_variable
DECLARE
	target agent_studio.executions;
BEGIN
	PERFORM agent_studio_private.require_execution(execution);
	SELECT e.* INTO target FROM agent_studio.executions e WHERE e.execution_id = execution;
	RETURN QUERY SELECT agent_studio_private.watch_head(target);
	RETURN NEXT '';
	RETURN QUERY SELECT agent_studio_private.watch_bars(target);
	IF target.kind = 'workflow' THEN
		RETURN QUERY SELECT agent_studio_private.titled('Steps:', ARRAY(SELECT agent_studio_private.watch_steps(execution)));
	END IF;
	RETURN QUERY SELECT agent_studio_private.titled('Thoughts:', ARRAY(SELECT agent_studio_private.watch_thoughts(execution)));
	RETURN QUERY SELECT agent_studio_private.titled('Usage:', ARRAY(SELECT w.line FROM agent_studio_private.watch_usage(execution) w (line) WHERE w.line <> ''));
END
$$;
COMMENT ON FUNCTION agent_studio.as_watch(bigint) IS
'How an execution is doing, on one sheet that fits into 100 columns, for \watch: status, time gone and left, a bar for each phase or step, of a workflow its steps with what each does or waits for, the newest five thoughts, tokens, cost and shares of limits. Raises 42704.';
