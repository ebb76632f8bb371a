-- What BI tools read: schema agent_studio_bi, plain views that hold no prompt and no
-- output, and show everything to whoever may read them.
--
-- They run with their owner's rights, so a role needs USAGE on the schema and SELECT on
-- the views, and nothing else (agent_studio_bi_reader has just that). That is also why
-- they call no function of ours: a function is called with the reader's rights. Types are
-- those that every tool reads as what they are: int, bigint, numeric(p,s), text, boolean,
-- date, timestamptz; units stand in the names. Columns are only ever appended.

CREATE SCHEMA agent_studio_bi;
COMMENT ON SCHEMA agent_studio_bi IS
'Agent Studio for BI tools: facts (a row for each execution, step, attempt), daily totals of them, and the series and summaries of dashboards. Days, weeks and months are of UTC. Tests of workflows are left out. GRANT agent_studio_bi_reader TO role lets a role read it.';

-- ---------- targets ----------

-- The settings are known to sessions that have the library; to others the defaults are.
CREATE VIEW agent_studio_private.targets AS
	SELECT coalesce(current_setting('agent_studio.success_target_percent', true)::numeric, 95)::numeric(5, 2) AS success_target_percent,
		   coalesce(extract(epoch FROM current_setting('agent_studio.duration_target', true)::interval)::integer, 600) AS duration_target_seconds;
COMMENT ON VIEW agent_studio_private.targets IS
'What executions are measured against where their workflow does not say otherwise.';

CREATE VIEW agent_studio_private.workflow_targets AS
	SELECT w.name AS workflow,
		   coalesce((v.definition -> 'settings' ->> 'success_target_percent')::numeric, t.success_target_percent)::numeric(5, 2) AS success_target_percent,
		   coalesce((v.definition -> 'settings' ->> 'duration_target_seconds')::numeric::integer, t.duration_target_seconds) AS duration_target_seconds
	FROM agent_studio.workflows w
	CROSS JOIN agent_studio_private.targets t
	LEFT JOIN agent_studio.workflow_versions v ON v.workflow_id = w.workflow_id AND v.version = w.current_version;
COMMENT ON VIEW agent_studio_private.workflow_targets IS
'What the executions of each workflow are measured against: the settings of its current version, else those of the server.';

-- ---------- facts ----------

CREATE VIEW agent_studio_bi.execution_facts AS
	SELECT e.execution_id, e.kind, e.status, e.workflow, v.version AS workflow_version, e.agent, e.owner, e.team, e.priority,
		   e.submitted_at, e.started_at, e.finished_at, (e.finished_at AT TIME ZONE 'UTC')::date AS day,
		   e.finished_at IS NOT NULL AS is_finished, e.status = 'completed' AS is_completed,
		   extract(epoch FROM e.started_at - e.submitted_at)::numeric(14, 3) AS queue_seconds,
		   extract(epoch FROM e.finished_at - e.started_at)::numeric(14, 3) AS duration_seconds,
		   e.attempts::bigint AS attempts, e.input_tokens, e.cached_input_tokens, e.output_tokens, e.reasoning_tokens,
		   e.input_cost_usd::numeric(20, 6) AS input_cost_usd, e.output_cost_usd::numeric(20, 6) AS output_cost_usd,
		   (e.input_cost_usd + e.output_cost_usd)::numeric(20, 6) AS cost_usd, e.error_class
	FROM agent_studio.executions e
	LEFT JOIN agent_studio.workflow_versions v ON v.workflow_version_id = e.workflow_version_id
	WHERE NOT e.is_test;
COMMENT ON VIEW agent_studio_bi.execution_facts IS
'A row for each task and each run of a workflow, under way or at rest. Fast where it is asked for a range of finished_at, or for execution_id.';

CREATE VIEW agent_studio_bi.step_facts AS
	SELECT s.execution_id, s.step_no, s.name AS step, s.iteration, e.kind, e.workflow, a.name AS agent, v.version AS agent_version, m.name AS model,
		   s.owner, s.team, s.state, s.verdict, s.queued_at, s.started_at, s.finished_at, (s.finished_at AT TIME ZONE 'UTC')::date AS day,
		   extract(epoch FROM s.started_at - s.queued_at)::numeric(14, 3) AS queue_seconds,
		   extract(epoch FROM s.finished_at - s.started_at)::numeric(14, 3) AS duration_seconds,
		   s.attempt_no::bigint AS attempts, s.quality_score, s.finish_reason, s.error_class
	FROM agent_studio.steps s
	JOIN agent_studio.executions e USING (execution_id)
	LEFT JOIN agent_studio.agent_versions v ON v.agent_version_id = s.agent_version_id
	LEFT JOIN agent_studio.agents a ON a.agent_id = v.agent_id
	LEFT JOIN agent_studio.models m ON m.model_id = s.model_id
	WHERE NOT e.is_test;
COMMENT ON VIEW agent_studio_bi.step_facts IS
'A row for each step of an execution, and for each iteration of it. Fast where it is asked for execution_id.';

CREATE VIEW agent_studio_bi.attempt_facts AS
	SELECT t.execution_id, t.step_no, t.attempt_no, t.attempt_no > 1 AS is_retry, CASE WHEN t.workflow IS NULL THEN 'task' ELSE 'workflow' END AS kind, t.workflow, a.name AS agent, v.version AS agent_version,
		   m.name AS model, t.owner, t.team, t.outcome, t.sent_at, t.finished_at, (t.finished_at AT TIME ZONE 'UTC')::date AS day,
		   extract(epoch FROM t.first_token_at - t.sent_at)::numeric(14, 3) AS first_token_seconds,
		   extract(epoch FROM t.finished_at - t.sent_at)::numeric(14, 3) AS duration_seconds,
		   t.input_tokens, t.cached_input_tokens, t.output_tokens, t.reasoning_tokens,
		   t.input_cost_usd::numeric(20, 6) AS input_cost_usd, t.output_cost_usd::numeric(20, 6) AS output_cost_usd,
		   (t.input_cost_usd + t.output_cost_usd)::numeric(20, 6) AS cost_usd, t.possibly_billed AS is_possibly_billed,
		   t.finish_reason, t.http_status, t.error_class
	FROM agent_studio.attempts t
	LEFT JOIN agent_studio.agent_versions v ON v.agent_version_id = t.agent_version_id
	LEFT JOIN agent_studio.agents a ON a.agent_id = v.agent_id
	LEFT JOIN agent_studio.models m ON m.model_id = t.model_id
	WHERE NOT t.is_test;
COMMENT ON VIEW agent_studio_bi.attempt_facts IS
'A row for each call of a model that has ended. Fast where it is asked for a range of finished_at or sent_at, or for execution_id.';

-- ---------- daily totals of the facts ----------
--
-- What is not closed has rows for each part of a day, which are added up here: whoever
-- loads these has one row of each. Closed days are, and of those there may be very many.

CREATE VIEW agent_studio_bi.execution_totals_daily AS
	SELECT t.day, t.kind, t.workflow, t.agent, t.owner, t.team, t.status, t.error_class, t.executions,
		   t.timed AS executions_timed, t.duration_seconds::numeric(14, 3) AS duration_seconds,
		   t.fast AS executions_fast, t.medium AS executions_medium, t.slow AS executions_slow, t.attempts,
		   t.input_tokens, t.cached_input_tokens, t.output_tokens, t.reasoning_tokens,
		   t.input_cost_usd::numeric(20, 6) AS input_cost_usd, t.output_cost_usd::numeric(20, 6) AS output_cost_usd,
		   (t.input_cost_usd + t.output_cost_usd)::numeric(20, 6) AS cost_usd, t.without_cost AS executions_without_cost
	FROM (SELECT c.* FROM agent_studio_private.closed_totals c WHERE c.day < (SELECT l.day FROM agent_studio_private.last_closed_day l)
		  UNION ALL
		  SELECT o.day, o.kind, o.workflow, o.agent, o.owner, o.team, o.status, o.error_class, sum(o.executions)::bigint, sum(o.timed)::bigint,
				 sum(o.duration_seconds), sum(o.fast)::bigint, sum(o.medium)::bigint, sum(o.slow)::bigint, sum(o.attempts)::bigint,
				 sum(o.input_tokens)::bigint, sum(o.cached_input_tokens)::bigint, sum(o.output_tokens)::bigint, sum(o.reasoning_tokens)::bigint,
				 sum(o.input_cost_usd), sum(o.output_cost_usd), sum(o.with_cost)::bigint, sum(o.without_cost)::bigint,
				 sum(o.known_cost_usd), sum(o.priced)::bigint, sum(o.unpriced)::bigint
		  FROM (SELECT c.* FROM agent_studio_private.closed_totals c WHERE c.day = (SELECT l.day FROM agent_studio_private.last_closed_day l)
				UNION ALL
				SELECT x.day, x.kind, x.workflow, x.agent, x.owner, x.team, x.status, x.error_class, x.executions, x.timed,
					   x.duration_seconds, x.fast, x.medium, x.slow, x.attempts, x.input_tokens, x.cached_input_tokens,
					   x.output_tokens, x.reasoning_tokens, x.input_cost_usd, x.output_cost_usd, x.with_cost, x.without_cost,
					   x.known_cost_usd, x.priced, x.unpriced
				FROM agent_studio_private.open_totals x) o
		  GROUP BY o.day, o.kind, o.workflow, o.agent, o.owner, o.team, o.status, o.error_class) t;
COMMENT ON VIEW agent_studio_bi.execution_totals_daily IS
'execution_facts that are at rest, added up by day and by everything that they can be told apart by: where millions of facts would be too many.';

CREATE VIEW agent_studio_bi.attempt_totals_daily AS
	SELECT s.day, s.workflow, s.agent, s.model, s.owner, s.team, s.outcome, s.error_class, s.attempts, s.retries,
		   s.duration_seconds::numeric(14, 3) AS duration_seconds,
		   s.input_tokens, s.cached_input_tokens, s.output_tokens, s.reasoning_tokens,
		   s.input_cost_usd::numeric(20, 6) AS input_cost_usd, s.output_cost_usd::numeric(20, 6) AS output_cost_usd,
		   (s.input_cost_usd + s.output_cost_usd)::numeric(20, 6) AS cost_usd, s.without_cost AS attempts_without_cost
	FROM (SELECT c.* FROM agent_studio_private.closed_spending c
		  WHERE NOT c.is_test AND c.day < (SELECT l.day FROM agent_studio_private.last_closed_day l)
		  UNION ALL
		  SELECT o.day, o.workflow, o.agent, o.model, o.owner, o.team, o.is_test, o.outcome, o.error_class, sum(o.attempts)::bigint, sum(o.retries)::bigint,
				 sum(o.duration_seconds), sum(o.input_tokens)::bigint, sum(o.cached_input_tokens)::bigint, sum(o.output_tokens)::bigint,
				 sum(o.reasoning_tokens)::bigint, sum(o.input_cost_usd), sum(o.output_cost_usd), sum(o.without_cost)::bigint
		  FROM (SELECT c.* FROM agent_studio_private.closed_spending c WHERE c.day = (SELECT l.day FROM agent_studio_private.last_closed_day l)
				UNION ALL
				SELECT x.day, x.workflow, x.agent, x.model, x.owner, x.team, x.is_test, x.outcome, x.error_class, x.attempts, x.retries,
					   x.duration_seconds, x.input_tokens, x.cached_input_tokens, x.output_tokens, x.reasoning_tokens,
					   x.input_cost_usd, x.output_cost_usd, x.without_cost
				FROM agent_studio_private.open_spending x) o
		  WHERE NOT o.is_test
		  GROUP BY o.day, o.workflow, o.agent, o.model, o.owner, o.team, o.is_test, o.outcome, o.error_class) s;
COMMENT ON VIEW agent_studio_bi.attempt_totals_daily IS
'attempt_facts, added up by day and by everything that they can be told apart by.';
