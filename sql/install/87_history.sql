-- What has run: execution_history for every tool that reads a table, as_history with
-- the filters that people ask for, and as_history_totals, what the same rows add up to.

CREATE FUNCTION agent_studio_private.either_sum(one numeric, other numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(one + other, one, other);
COMMENT ON FUNCTION agent_studio_private.either_sum(numeric, numeric) IS
'The sum of two amounts, or the one of them that is known; NULL = neither is.';

CREATE FUNCTION agent_studio_private.seconds_between(earlier timestamptz, later timestamptz) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN round(extract(epoch FROM later - earlier), 3);
COMMENT ON FUNCTION agent_studio_private.seconds_between(timestamptz, timestamptz) IS
'Seconds from one moment to another, with milliseconds; NULL where one is not known.';

CREATE VIEW agent_studio.execution_history WITH (security_invoker = true) AS
	SELECT e.execution_id, e.kind, e.agent, e.workflow, agent_studio_private.one_line(e.task, 100) AS title,
		   e.status, e.owner, e.team, e.priority, e.submitted_at, e.started_at, e.finished_at,
		   agent_studio_private.seconds_between(e.started_at, e.finished_at) AS duration_seconds,
		   e.attempts, (SELECT count(*) - count(DISTINCT a.step_no) FROM agent_studio.attempts a WHERE a.execution_id = e.execution_id) AS retries,
		   e.input_tokens, e.output_tokens, coalesce(e.input_tokens + e.output_tokens, e.input_tokens, e.output_tokens) AS total_tokens,
		   trim_scale(agent_studio_private.either_sum(e.input_cost_usd, e.output_cost_usd)) AS cost_usd,
		   e.error_class, agent_studio_private.one_line(e.error_message, 200) AS error_message, e.is_test
	FROM agent_studio.executions e;
COMMENT ON VIEW agent_studio.execution_history IS
'Every execution as plain columns, tests among them, good for \copy ... CSV and for tools. as_history chooses among its rows.';
COMMENT ON COLUMN agent_studio.execution_history.execution_id IS 'The execution.';
COMMENT ON COLUMN agent_studio.execution_history.kind IS 'task: one agent; workflow: many.';
COMMENT ON COLUMN agent_studio.execution_history.agent IS 'Name of the agent; NULL for a workflow.';
COMMENT ON COLUMN agent_studio.execution_history.workflow IS 'Name of the workflow; NULL for a task.';
COMMENT ON COLUMN agent_studio.execution_history.title IS 'What was to be done, in one line of 100 columns at most; of a workflow its title.';
COMMENT ON COLUMN agent_studio.execution_history.status IS 'queued, running, paused, waiting_approval; at rest: completed, failed, canceled, requires_manual_review.';
COMMENT ON COLUMN agent_studio.execution_history.owner IS 'Role that submitted it.';
COMMENT ON COLUMN agent_studio.execution_history.team IS 'Role whose members may see it; NULL = the owner only.';
COMMENT ON COLUMN agent_studio.execution_history.priority IS 'low, normal, high or critical.';
COMMENT ON COLUMN agent_studio.execution_history.submitted_at IS 'When it was submitted.';
COMMENT ON COLUMN agent_studio.execution_history.started_at IS 'When the executor first claimed it; NULL = not yet.';
COMMENT ON COLUMN agent_studio.execution_history.finished_at IS 'When it came to rest; NULL = still under way.';
COMMENT ON COLUMN agent_studio.execution_history.duration_seconds IS 'Seconds from its start until it came to rest; NULL = still under way, or never begun.';
COMMENT ON COLUMN agent_studio.execution_history.attempts IS 'How many calls of a model have ended.';
COMMENT ON COLUMN agent_studio.execution_history.retries IS 'How often steps were tried again.';
COMMENT ON COLUMN agent_studio.execution_history.input_tokens IS 'Sum over its attempts, cached ones included; NULL = the vendor has not said.';
COMMENT ON COLUMN agent_studio.execution_history.output_tokens IS 'Sum over its attempts, reasoning included; NULL = not said.';
COMMENT ON COLUMN agent_studio.execution_history.total_tokens IS 'Both together; NULL = not said.';
COMMENT ON COLUMN agent_studio.execution_history.cost_usd IS 'USD, sum over its attempts; NULL = no price or no usage known.';
COMMENT ON COLUMN agent_studio.execution_history.error_class IS 'Why it failed, as in executions; NULL = it did not.';
COMMENT ON COLUMN agent_studio.execution_history.error_message IS 'What happened, in one line of 200 columns at most; NULL = no failure.';
COMMENT ON COLUMN agent_studio.execution_history.is_test IS 'True: a test of a workflow.';

-- Joined with execution_history it would look twice through what others have.
CREATE VIEW agent_studio.workflow_history WITH (security_invoker = true) AS
	SELECT e.execution_id, e.workflow, v.version, agent_studio_private.one_line(e.task, 100) AS title, e.status,
		   p.done AS steps_completed, p.total AS steps_total,
		   e.owner, e.team, e.priority, e.submitted_at, e.started_at, e.finished_at,
		   agent_studio_private.seconds_between(e.started_at, e.finished_at) AS duration_seconds,
		   e.attempts, (SELECT count(*) - count(DISTINCT a.step_no) FROM agent_studio.attempts a WHERE a.execution_id = e.execution_id) AS retries,
		   e.input_tokens, e.output_tokens, coalesce(e.input_tokens + e.output_tokens, e.input_tokens, e.output_tokens) AS total_tokens,
		   trim_scale(agent_studio_private.either_sum(e.input_cost_usd, e.output_cost_usd)) AS cost_usd,
		   e.error_class, agent_studio_private.one_line(e.error_message, 200) AS error_message, e.is_test
	FROM agent_studio.executions e
	LEFT JOIN agent_studio.workflow_versions v USING (workflow_version_id)
	CROSS JOIN LATERAL agent_studio_private.progress(e) p
	WHERE e.kind = 'workflow';
COMMENT ON VIEW agent_studio.workflow_history IS
'Every execution of a workflow as plain columns, tests among them, with how many of its steps are done.';
COMMENT ON COLUMN agent_studio.workflow_history.execution_id IS 'The execution.';
COMMENT ON COLUMN agent_studio.workflow_history.workflow IS 'Name of the workflow.';
COMMENT ON COLUMN agent_studio.workflow_history.version IS 'Label of the version that it keeps; NULL = a test of a draft, or a workflow that the reader may not see.';
COMMENT ON COLUMN agent_studio.workflow_history.title IS 'Title of the workflow, in one line.';
COMMENT ON COLUMN agent_studio.workflow_history.status IS 'As in execution_history.';
COMMENT ON COLUMN agent_studio.workflow_history.steps_completed IS 'How many steps are done with, skipped ones among them.';
COMMENT ON COLUMN agent_studio.workflow_history.steps_total IS 'How many steps it has, without those that run on demand only.';
COMMENT ON COLUMN agent_studio.workflow_history.owner IS 'As in execution_history.';
COMMENT ON COLUMN agent_studio.workflow_history.team IS 'As in execution_history.';
COMMENT ON COLUMN agent_studio.workflow_history.priority IS 'As in execution_history.';
COMMENT ON COLUMN agent_studio.workflow_history.submitted_at IS 'When it was submitted.';
COMMENT ON COLUMN agent_studio.workflow_history.started_at IS 'When the executor first claimed it; NULL = not yet.';
COMMENT ON COLUMN agent_studio.workflow_history.finished_at IS 'When it came to rest; NULL = still under way.';
COMMENT ON COLUMN agent_studio.workflow_history.duration_seconds IS 'Seconds from its start until it came to rest; NULL = still under way, or never begun.';
COMMENT ON COLUMN agent_studio.workflow_history.attempts IS 'As in execution_history.';
COMMENT ON COLUMN agent_studio.workflow_history.retries IS 'As in execution_history.';
COMMENT ON COLUMN agent_studio.workflow_history.input_tokens IS 'As in execution_history.';
COMMENT ON COLUMN agent_studio.workflow_history.output_tokens IS 'As in execution_history.';
COMMENT ON COLUMN agent_studio.workflow_history.total_tokens IS 'As in execution_history.';
COMMENT ON COLUMN agent_studio.workflow_history.cost_usd IS 'USD, sum over its attempts; NULL = no price or no usage known.';
COMMENT ON COLUMN agent_studio.workflow_history.error_class IS 'As in execution_history.';
COMMENT ON COLUMN agent_studio.workflow_history.error_message IS 'As in execution_history.';
COMMENT ON COLUMN agent_studio.workflow_history.is_test IS 'True: a test of the workflow.';
GRANT SELECT ON agent_studio.execution_history, agent_studio.workflow_history TO agent_studio_user, agent_studio_monitor;

-- Which of them.

CREATE FUNCTION agent_studio_private.in_order(what text, low anycompatible, high anycompatible) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF low > high THEN
		RAISE EXCEPTION '% runs from % to %, which is nothing', what, low, high
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Give the lower one first.';
	END IF;
END
$$;
COMMENT ON FUNCTION agent_studio_private.in_order(text, anycompatible, anycompatible) IS
'Raises 22023 for a range whose end lies before its beginning.';

CREATE FUNCTION agent_studio_private.check_history(status text[], since timestamptz, until timestamptz,
	min_cost numeric, max_cost numeric, duration text, kind text) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	wanted text;
BEGIN
	FOREACH wanted IN ARRAY coalesce(status, '{}') LOOP
		PERFORM agent_studio_private.one_of('status', wanted, ARRAY['queued', 'running', 'paused', 'waiting_approval',
			'completed', 'failed', 'canceled', 'requires_manual_review']);
	END LOOP;
	IF duration IS NOT NULL THEN
		PERFORM agent_studio_private.one_of('duration', duration, ARRAY['fast', 'medium', 'slow']);
	END IF;
	IF kind IS NOT NULL THEN
		PERFORM agent_studio_private.one_of('kind', kind, ARRAY['task', 'workflow']);
	END IF;
	PERFORM agent_studio_private.in_order('the time', since, until);
	PERFORM agent_studio_private.in_order('the cost', min_cost, max_cost);
END
$$;
COMMENT ON FUNCTION agent_studio_private.check_history(text[], timestamptz, timestamptz, numeric, numeric, text, text) IS
'Raises 22023 for a filter of as_history that is misspelt or lets nothing pass.';

CREATE FUNCTION agent_studio_private.mentions(search text, agent text, workflow text, task text, error_message text) RETURNS boolean
AS 'MODULE_PATHNAME', 'agent_studio_mentions' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5;
COMMENT ON FUNCTION agent_studio_private.mentions(text, text, text, text, text) IS
'Whether what is searched for is a part of these texts, one after the other with a blank between them, upper or lower case alike; NULL = nothing is searched for.';

-- Plain SQL, so that the planner sees through it to the indexes; and PARALLEL SAFE, as are
-- the functions that work on its rows, so that totals of very many are shared among processes.
CREATE FUNCTION agent_studio_private.chosen_executions(status text[], agent text, workflow text, owner text, since timestamptz, until timestamptz,
	min_cost numeric, max_cost numeric, duration text, agents text[], search text, kind text, include_tests boolean)
RETURNS SETOF agent_studio.executions
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT e.* FROM agent_studio.executions e
	WHERE (chosen_executions.status IS NULL OR e.status = ANY (chosen_executions.status)
		   OR e.status = 'waiting_approval' AND 'paused' = ANY (chosen_executions.status))
	  AND (chosen_executions.agent IS NULL OR e.agent = chosen_executions.agent)
	  AND (chosen_executions.workflow IS NULL OR e.workflow = chosen_executions.workflow)
	  AND (chosen_executions.owner IS NULL OR e.owner = chosen_executions.owner)
	  AND (since IS NULL OR e.submitted_at >= since)
	  AND (until IS NULL OR e.submitted_at < until)
	  AND (min_cost IS NULL OR agent_studio_private.either_sum(e.input_cost_usd, e.output_cost_usd) >= min_cost)
	  AND (max_cost IS NULL OR agent_studio_private.either_sum(e.input_cost_usd, e.output_cost_usd) <= max_cost)
	  -- As duration_seconds tells it, which has milliseconds; but intervals cost less than numerics.
	  AND (duration IS NULL OR CASE duration
				WHEN 'fast' THEN e.finished_at - e.started_at < interval '59.9995 seconds'
				WHEN 'medium' THEN e.finished_at - e.started_at >= interval '59.9995 seconds' AND e.finished_at - e.started_at < interval '120.0005 seconds'
				WHEN 'slow' THEN e.finished_at - e.started_at >= interval '120.0005 seconds' END)
	  AND (chosen_executions.agents IS NULL OR e.agent = ANY (chosen_executions.agents))
	  AND (search IS NULL OR agent_studio_private.mentions(search, e.agent, e.workflow, e.task, e.error_message))
	  AND (chosen_executions.kind IS NULL OR e.kind = chosen_executions.kind)
	  AND (include_tests OR NOT e.is_test);
END;
COMMENT ON FUNCTION agent_studio_private.chosen_executions(text[], text, text, text, timestamptz, timestamptz, numeric, numeric, text, text[], text, text, boolean) IS
'The executions that the filters of as_history and as_history_totals let pass; NULL = no such filter.';

CREATE FUNCTION agent_studio_private.agents_of_type(agent_type text) RETURNS text[]
LANGUAGE sql STABLE
RETURN CASE WHEN agent_type IS NOT NULL THEN
	ARRAY(SELECT a.name FROM agent_studio.agents a WHERE a.agent_type = lower(agents_of_type.agent_type)) END;
COMMENT ON FUNCTION agent_studio_private.agents_of_type(text) IS
'Names of the agents of a type that the current user can see; NULL for NULL.';

CREATE FUNCTION agent_studio.as_history(status text[] DEFAULT NULL, agent text DEFAULT NULL, workflow text DEFAULT NULL, owner text DEFAULT NULL,
	since timestamptz DEFAULT now() - interval '30 days', until timestamptz DEFAULT NULL,
	min_cost numeric DEFAULT NULL, max_cost numeric DEFAULT NULL, duration text DEFAULT NULL, agent_type text DEFAULT NULL,
	search text DEFAULT NULL, kind text DEFAULT NULL, include_tests boolean DEFAULT false, max_rows bigint DEFAULT 1000)
RETURNS SETOF agent_studio.execution_history
-- What was submitted at about the same time lies together: reading it by the index is not random.
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan SET random_page_cost = 1.1 SET jit = off
AS $$
#variable_conflict use_variable
DECLARE
	agents text[] := agent_studio_private.agents_of_type(agent_type);
	latest timestamptz := greatest(least(until, now()), '0001-01-01 00:00:00+00');
	recent timestamptz := latest - CASE WHEN since > '-infinity' AND since < latest THEN (latest - since) / 8 ELSE interval '4 days' END;
	shown bigint;
BEGIN
	PERFORM agent_studio_private.check_history(status, since, until, min_cost, max_cost, duration, kind);
	PERFORM agent_studio_private.in_range('max_rows', max_rows, 1, 9223372036854775807);
	-- What is searched for may be so frequent that the last few days have enough of it.
	IF num_nonnulls(search, min_cost, max_cost) > 0 AND max_rows IS NOT NULL AND (since < recent) IS NOT FALSE
	   AND (SELECT count(*) FROM (SELECT FROM agent_studio_private.chosen_executions(status, agent, workflow, owner, recent, until,
				min_cost, max_cost, duration, agents, search, kind, include_tests) c LIMIT max_rows) found) = max_rows THEN
		since := recent;
	END IF;
	RETURN QUERY
	SELECT h.*
	FROM (SELECT c.execution_id FROM agent_studio_private.chosen_executions(status, agent, workflow, owner, since, until,
				min_cost, max_cost, duration, agents, search, kind, include_tests) c
		  -- What is searched for, or costs that much, may be rare: then all are read, by several processes, instead of one by one.
		  ORDER BY CASE WHEN search IS NULL AND min_cost IS NULL AND max_cost IS NULL THEN c.submitted_at ELSE c.submitted_at + interval '0' END DESC, c.execution_id DESC LIMIT max_rows) newest
	JOIN agent_studio.execution_history h ON h.execution_id = newest.execution_id
	ORDER BY h.submitted_at DESC, h.execution_id DESC;
	GET DIAGNOSTICS shown = ROW_COUNT;
	-- Who asks for ten knows that there may be more.
	IF shown = max_rows AND shown >= 1000 THEN
		RAISE NOTICE 'these are the newest % at most', shown
			USING HINT = 'max_rows => NULL shows all; agent_studio.as_history_totals counts them.';
	END IF;
END
$$;
COMMENT ON FUNCTION agent_studio.as_history(text[], text, text, text, timestamptz, timestamptz, numeric, numeric, text, text, text, text, boolean, bigint) IS
'Executions of the last 30 days, newest first, as rows of execution_history. Filters, each of which NULL leaves out: status (paused stands for waiting_approval, too), agent and agent_type (tasks of such agents), workflow, owner, since and until (time of submission, until itself left out; since => ''-infinity'' for all), min_cost and max_cost (USD, both included; what has no known cost passes neither), duration (of what is at rest: fast is under 60 seconds, medium to 120, slow more), search (part of the task, the agent''s or workflow''s name or the error; upper or lower case alike), kind (task or workflow), include_tests. At most max_rows rows, NULL = all; from 1000 on a notice tells when there are as many. Raises 22023.';

CREATE FUNCTION agent_studio_private.settled_times() RETURNS tstzmultirange
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT range_agg(tstzrange(c.day::timestamp AT TIME ZONE 'UTC', c.counted_until))
	FROM agent_studio.closed_days c
	WHERE c.until <= now() AND NOT c.frozen
	  AND NOT EXISTS (SELECT FROM agent_studio.stale_days s WHERE s.day = c.day AND s.at < c.counted_until);
END;
COMMENT ON FUNCTION agent_studio_private.settled_times() IS
'The times of which daily_totals tells what there is in executions: closed days that have not changed since, and of which nothing has been purged; NULL = none.';

-- Where there are none the planner sees it, and leaves the daily totals alone.
CREATE FUNCTION agent_studio_private.settled_totals(settled tstzmultirange, status text[], agent text, workflow text, owner text, kind text)
RETURNS SETOF agent_studio.daily_totals
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT t.* FROM agent_studio.daily_totals t
	WHERE settled IS NOT NULL AND t.day::timestamp AT TIME ZONE 'UTC' <@ settled
	  AND (settled_totals.status IS NULL OR t.status = ANY (settled_totals.status))
	  AND (settled_totals.agent IS NULL OR t.agent = settled_totals.agent)
	  AND (settled_totals.workflow IS NULL OR t.workflow = settled_totals.workflow)
	  AND (settled_totals.owner IS NULL OR t.owner = settled_totals.owner)
	  AND (settled_totals.kind IS NULL OR t.kind = settled_totals.kind);
END;
COMMENT ON FUNCTION agent_studio_private.settled_totals(tstzmultirange, text[], text, text, text, text) IS
'The daily totals of settled_times() that these filters of as_history_totals let pass; NULL = no such filter.';

CREATE FUNCTION agent_studio.as_history_totals(status text[] DEFAULT NULL, agent text DEFAULT NULL, workflow text DEFAULT NULL, owner text DEFAULT NULL,
	since timestamptz DEFAULT now() - interval '30 days', until timestamptz DEFAULT NULL,
	min_cost numeric DEFAULT NULL, max_cost numeric DEFAULT NULL, duration text DEFAULT NULL, agent_type text DEFAULT NULL,
	search text DEFAULT NULL, kind text DEFAULT NULL, include_tests boolean DEFAULT false)
RETURNS TABLE (executions bigint, completed bigint, failed bigint, canceled bigint, requires_manual_review bigint, under_way bigint,
	success_rate_percent numeric, cost_usd numeric, average_cost_usd numeric, cost_not_known bigint,
	total_seconds numeric, total_time text, average_seconds numeric,
	input_tokens bigint, output_tokens bigint, total_tokens bigint)
-- Here as well. Of settled_times the planner expects less than there is: with little memory it would sort on disk.
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan SET random_page_cost = 1.1 SET jit = off SET work_mem = '16MB'
AS $$
#variable_conflict use_variable
DECLARE
	agents text[] := agent_studio_private.agents_of_type(agent_type);
	-- Whoever asks for all that was ever submitted is told of most of it by the daily totals.
	settled tstzmultirange := CASE WHEN coalesce(since, '-infinity') = '-infinity' AND num_nonnulls(until, min_cost, max_cost, duration, agents, search) = 0
		AND NOT include_tests THEN agent_studio_private.settled_times() END;
BEGIN
	PERFORM agent_studio_private.check_history(status, since, until, min_cost, max_cost, duration, kind);
	RETURN QUERY
	-- By status first: sums over a few groups instead of a filter for each status and row.
	WITH groups AS MATERIALIZED (
		SELECT c.status AS state, count(*) AS n, count(c.finished_at) AS at_rest,
			   agent_studio_private.either_sum(sum(c.input_cost_usd), sum(c.output_cost_usd)) AS cost,
			   count(coalesce(c.input_cost_usd, c.output_cost_usd)) AS priced,
			   count(*) FILTER (WHERE c.attempts > 0 AND c.input_cost_usd IS NULL AND c.output_cost_usd IS NULL) AS unpriced,
			   extract(epoch FROM sum(c.finished_at - c.started_at)) AS seconds, count(c.finished_at - c.started_at) AS timed,
			   sum(c.input_tokens)::bigint AS input, sum(c.output_tokens)::bigint AS output
		FROM agent_studio_private.chosen_executions(status, agent, workflow, owner, since, until,
			min_cost, max_cost, duration, agents, search, kind, include_tests) c
		WHERE (c.finished_at <@ settled) IS NOT TRUE
		GROUP BY c.status
		UNION ALL
		SELECT d.status, sum(d.executions), sum(d.executions), sum(d.known_cost_usd), sum(d.priced), sum(d.unpriced),
			   sum(d.duration_seconds), sum(d.timed), sum(d.input_tokens)::bigint, sum(d.output_tokens)::bigint
		FROM agent_studio_private.settled_totals(settled, status, agent, workflow, owner, kind) d
		GROUP BY d.status),
	sums AS (
		SELECT coalesce(sum(g.n), 0)::bigint AS n, coalesce(sum(g.at_rest), 0)::bigint AS at_rest,
			   coalesce(sum(g.n) FILTER (WHERE g.state = 'completed'), 0)::bigint AS completed,
			   coalesce(sum(g.n) FILTER (WHERE g.state = 'failed'), 0)::bigint AS failed,
			   coalesce(sum(g.n) FILTER (WHERE g.state = 'canceled'), 0)::bigint AS canceled,
			   coalesce(sum(g.n) FILTER (WHERE g.state = 'requires_manual_review'), 0)::bigint AS review,
			   sum(g.cost) AS cost, sum(g.priced) AS priced, coalesce(sum(g.unpriced), 0)::bigint AS unpriced,
			   round(sum(g.seconds), 3) AS seconds, sum(g.timed) AS timed, sum(g.input)::bigint AS input, sum(g.output)::bigint AS output
		FROM groups g)
	SELECT t.n, t.completed, t.failed, t.canceled, t.review, t.n - t.at_rest, round(100.0 * t.completed / nullif(t.at_rest, 0), 1),
		   trim_scale(t.cost), trim_scale(round(t.cost / nullif(t.priced, 0), 6)), t.unpriced,
		   t.seconds, agent_studio_private.duration_text(make_interval(secs => t.seconds::float8)), round(t.seconds / nullif(t.timed, 0), 3),
		   t.input, t.output, coalesce(t.input + t.output, t.input, t.output)
	FROM sums t;
END
$$;
COMMENT ON FUNCTION agent_studio.as_history_totals(text[], text, text, text, timestamptz, timestamptz, numeric, numeric, text, text, text, text, boolean) IS
'What the executions that as_history chooses with the same filters add up to, however many there are: how many, and in which status; success rate (completed ones in percent of those at rest; NULL = none is); cost in all and on average in USD (of those whose cost is known; NULL = none is), and how many were sent whose cost is not known; time in all and on average, of those at rest; tokens. Raises 22023.';
