-- Budgets: how many USD may be spent in a period by all, a team, a user, an agent or a
-- workflow. as_set_budget writes them; what has been spent is counted by the executor.
--
-- A budget's period is counted from the daily totals once, when the executor first sees it,
-- and from then on each cost is added in the transaction that writes the attempt: so a
-- look at a budget is one row, however long the history. Only the executor writes
-- budget_spending, and a user's transaction never waits for it, nor it for a user's.
--
-- Periods begin and end at midnight UTC, whatever the time zone of who looks.

CREATE TABLE agent_studio.budgets (
	budget_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	kind text NOT NULL CHECK (kind IN ('all', 'team', 'user', 'agent', 'workflow')),
	name text NOT NULL CHECK ((name = '') = (kind = 'all')),
	amount_usd numeric(18, 6) NOT NULL CHECK (amount_usd > 0),
	period text NOT NULL CHECK (period IN ('day', 'week', 'month', 'quarter', 'year')),
	action text NOT NULL CHECK (action IN ('warn', 'refuse')),
	set_by text NOT NULL,
	set_at timestamptz NOT NULL DEFAULT now(),
	UNIQUE (kind, name)
);
COMMENT ON TABLE agent_studio.budgets IS
'How much may be spent in a period. Written by as_set_budget; budget_status shows what is spent.';
COMMENT ON COLUMN agent_studio.budgets.budget_id IS 'Key; a budget for another period is another one.';
COMMENT ON COLUMN agent_studio.budgets.kind IS 'Whose spending it bounds: all, a team, a user, an agent or a workflow.';
COMMENT ON COLUMN agent_studio.budgets.name IS 'Name of the team, user, agent or workflow; empty for all.';
COMMENT ON COLUMN agent_studio.budgets.amount_usd IS 'USD that may be spent in each period.';
COMMENT ON COLUMN agent_studio.budgets.period IS 'day, week (from Monday), month, quarter or year, in UTC.';
COMMENT ON COLUMN agent_studio.budgets.action IS 'What follows when it is used up: warn, only an alert; refuse, nothing more is accepted or sent.';
COMMENT ON COLUMN agent_studio.budgets.set_by IS 'Role that set it.';
COMMENT ON COLUMN agent_studio.budgets.set_at IS 'When it was set.';

CREATE TABLE agent_studio.budget_spending (
	budget_id bigint NOT NULL,
	period_start timestamptz NOT NULL,
	spent_usd numeric(24, 10) NOT NULL,
	unknown_calls bigint NOT NULL,
	PRIMARY KEY (budget_id, period_start)
) WITH (fillfactor = 50);
COMMENT ON TABLE agent_studio.budget_spending IS
'What was spent in a budget''s periods. Written by the executor, which counts it anew when it starts. Not dumped.';
COMMENT ON COLUMN agent_studio.budget_spending.budget_id IS 'The budget.';
COMMENT ON COLUMN agent_studio.budget_spending.period_start IS 'When the period began.';
COMMENT ON COLUMN agent_studio.budget_spending.spent_usd IS 'USD that attempts have cost that ended in it, where the cost is known.';
COMMENT ON COLUMN agent_studio.budget_spending.unknown_calls IS 'Calls that ended in it, for which the vendor may charge, and whose cost is not known.';

ALTER TABLE agent_studio.budgets ENABLE ROW LEVEL SECURITY;
CREATE POLICY readers ON agent_studio.budgets FOR SELECT USING (
	kind = 'all'
	OR (kind IN ('user', 'team') AND name = ANY ((SELECT agent_studio_private.my_roles())::text[]))
	OR (kind = 'agent' AND EXISTS (SELECT FROM agent_studio.agents a WHERE a.name = budgets.name))
	OR (kind = 'workflow' AND EXISTS (SELECT FROM agent_studio.workflows w WHERE w.name = budgets.name))
	OR (SELECT agent_studio_private.reads_all()));
ALTER TABLE agent_studio.budget_spending ENABLE ROW LEVEL SECURITY;
CREATE POLICY readers ON agent_studio.budget_spending FOR SELECT USING (
	EXISTS (SELECT FROM agent_studio.budgets b WHERE b.budget_id = budget_spending.budget_id));
GRANT SELECT ON agent_studio.budgets, agent_studio.budget_spending TO agent_studio_user, agent_studio_monitor;

-- ---------- what falls under a budget, and when ----------

CREATE FUNCTION agent_studio_private.period_start(period text, at timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE
RETURN date_trunc(period, at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC';
COMMENT ON FUNCTION agent_studio_private.period_start(text, timestamptz) IS
'When the day, week, month, quarter or year of that moment began, in UTC.';

CREATE FUNCTION agent_studio_private.period_end(period text, at timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE
RETURN (date_trunc(period, at AT TIME ZONE 'UTC') + CASE period WHEN 'day' THEN interval '1 day' WHEN 'week' THEN interval '7 days'
	WHEN 'month' THEN interval '1 month' WHEN 'quarter' THEN interval '3 months' ELSE interval '1 year' END) AT TIME ZONE 'UTC';
COMMENT ON FUNCTION agent_studio_private.period_end(text, timestamptz) IS
'When the day, week, month, quarter or year of that moment ends, in UTC.';

CREATE FUNCTION agent_studio_private.budget_scope(budget agent_studio.budgets) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN concat_ws(':', (budget).kind, nullif((budget).name, ''));
COMMENT ON FUNCTION agent_studio_private.budget_scope(agent_studio.budgets) IS
'The scope as as_set_budget takes it: all, team:NAME, user:NAME, agent:NAME, workflow:NAME.';

CREATE FUNCTION agent_studio_private.budget_words(scope text, period text, amount_usd numeric, spent_usd numeric) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN format('The budget of %s for %s is %s: %s of %s spent',
		agent_studio_private.one_line(scope, 60), CASE period WHEN 'day' THEN 'today' ELSE 'this ' || period END,
		CASE WHEN spent_usd >= amount_usd THEN 'used up' ELSE format('%s %% used', floor(100 * spent_usd / amount_usd)) END,
		agent_studio_private.money_text(spent_usd), agent_studio_private.money_text(amount_usd));
END
$$;
COMMENT ON FUNCTION agent_studio_private.budget_words(text, text, numeric, numeric) IS
'How far a budget is used, in words.';

CREATE FUNCTION agent_studio_private.falls_under(budget agent_studio.budgets, owner text, team text, agent text, workflow text) RETURNS boolean
LANGUAGE sql IMMUTABLE
RETURN CASE (budget).kind WHEN 'all' THEN true
	ELSE coalesce((budget).name = CASE (budget).kind WHEN 'user' THEN owner WHEN 'team' THEN team WHEN 'agent' THEN agent ELSE workflow END, false) END;
COMMENT ON FUNCTION agent_studio_private.falls_under(agent_studio.budgets, text, text, text, text) IS
'Whether what this agent does for this user, team and workflow is paid from a budget.';

-- ---------- counting, by the executor alone ----------

CREATE FUNCTION agent_studio_private.uncounted_budgets() RETURNS TABLE (budget agent_studio.budgets, period_start timestamptz)
LANGUAGE sql VOLATILE
BEGIN ATOMIC
	SELECT b, p.start
	FROM agent_studio.budgets b CROSS JOIN LATERAL (SELECT agent_studio_private.period_start(b.period, pg_catalog.clock_timestamp()) AS start) p
	WHERE NOT EXISTS (SELECT FROM agent_studio.budget_spending s WHERE s.budget_id = b.budget_id AND s.period_start = p.start);
END;
COMMENT ON FUNCTION agent_studio_private.uncounted_budgets() IS
'Budgets of whose current period it has not been counted what was spent.';

CREATE FUNCTION agent_studio_private.count_spending() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	since date := (SELECT min(u.period_start) AT TIME ZONE 'UTC' FROM agent_studio_private.uncounted_budgets() u);
BEGIN
	IF since IS NULL THEN
		RETURN;
	END IF;
	DELETE FROM agent_studio.budget_spending s WHERE NOT EXISTS (SELECT FROM agent_studio.budgets b WHERE b.budget_id = s.budget_id);
	WITH spent AS MATERIALIZED (
		SELECT s.day, s.owner, s.team, s.agent, s.workflow, sum(s.input_cost_usd + s.output_cost_usd) AS usd, sum(s.without_cost) AS unknown
		FROM agent_studio_private.spending s WHERE s.day >= since GROUP BY s.day, s.owner, s.team, s.agent, s.workflow)
	INSERT INTO agent_studio.budget_spending (budget_id, period_start, spent_usd, unknown_calls)
	SELECT (u.budget).budget_id, u.period_start, coalesce(sum(s.usd), 0), coalesce(sum(s.unknown), 0)
	FROM agent_studio_private.uncounted_budgets() u
	LEFT JOIN spent s ON s.day >= (u.period_start AT TIME ZONE 'UTC')::date
		AND agent_studio_private.falls_under(u.budget, s.owner, s.team, s.agent, s.workflow)
	GROUP BY 1, 2;
END
$$;
COMMENT ON FUNCTION agent_studio_private.count_spending() IS
'Counts, from the daily totals, what was spent in the period of each budget that has not been counted yet.';

CREATE FUNCTION agent_studio_private.add_spending(executions bigint[], steps integer[], attempts integer[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	WITH added AS MATERIALIZED (
		SELECT b.budget_id, agent_studio_private.period_start(b.period, a.finished_at) AS period_start,
			   coalesce(sum(a.input_cost_usd + a.output_cost_usd), 0) AS spent,
			   count(*) FILTER (WHERE a.possibly_billed AND a.input_cost_usd + a.output_cost_usd IS NULL) AS unknown,
			   max(a.execution_id) AS execution_id
		FROM unnest(executions, steps, attempts) k (execution_id, step_no, attempt_no)
		JOIN agent_studio.attempts a USING (execution_id, step_no, attempt_no)
		JOIN agent_studio.executions e USING (execution_id)
		LEFT JOIN agent_studio.agent_versions v ON v.agent_version_id = a.agent_version_id
		LEFT JOIN agent_studio.agents g ON g.agent_id = v.agent_id
		JOIN agent_studio.budgets b ON agent_studio_private.falls_under(b, a.owner, a.team, g.name, e.workflow)
		GROUP BY 1, 2),
	spent AS (
		UPDATE agent_studio.budget_spending s SET spent_usd = s.spent_usd + n.spent, unknown_calls = s.unknown_calls + n.unknown
		FROM added n WHERE s.budget_id = n.budget_id AND s.period_start = n.period_start
		RETURNING s.budget_id, s.spent_usd, s.spent_usd - n.spent AS before, n.execution_id)
	INSERT INTO agent_studio.notices (execution_id, severity, kind, message, owner, team)
	SELECT e.execution_id, CASE WHEN s.spent_usd >= b.amount_usd THEN 'error' ELSE 'warning' END, 'budget',
		   agent_studio_private.budget_words(agent_studio_private.budget_scope(b), b.period, b.amount_usd, s.spent_usd), e.owner, e.team
	FROM spent s JOIN agent_studio.budgets b USING (budget_id) JOIN agent_studio.executions e USING (execution_id)
	WHERE (s.before < b.amount_usd AND s.spent_usd >= b.amount_usd)
	   OR (s.before < 0.8 * b.amount_usd AND s.spent_usd >= 0.8 * b.amount_usd);
	PERFORM agent_studio_private.count_spending();
END
$$;
COMMENT ON FUNCTION agent_studio_private.add_spending(bigint[], integer[], integer[]) IS
'Adds attempts that were just written to what their budgets have spent, with a notice where one comes to 80 percent or to its end; what was not counted yet is counted.';

-- ---------- refusing ----------

CREATE FUNCTION agent_studio_private.require_budget(owner text, team text, agent text, workflow text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	used_up record;
BEGIN
	-- Most databases have none.
	IF NOT EXISTS (SELECT FROM agent_studio.budgets b WHERE b.action = 'refuse') THEN
		RETURN;
	END IF;
	SELECT agent_studio_private.budget_words(agent_studio_private.budget_scope(b), b.period, b.amount_usd, s.spent_usd) AS words, agent_studio_private.budget_scope(b) AS scope,
		   agent_studio_private.period_end(b.period, now()) AS ends INTO used_up
	FROM agent_studio.budgets b
	JOIN agent_studio.budget_spending s ON s.budget_id = b.budget_id AND s.period_start = agent_studio_private.period_start(b.period, now())
	WHERE b.action = 'refuse' AND s.spent_usd >= b.amount_usd
	  AND agent_studio_private.falls_under(b, owner, team, agent, workflow)
	ORDER BY b.budget_id LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'the budget of % is used up', used_up.scope
			USING ERRCODE = 'configuration_limit_exceeded', DETAIL = used_up.words || '.',
				  HINT = format('The next period begins at %s UTC. An administrator may raise it: agent_studio.as_set_budget(%L, ...).',
					to_char(used_up.ends AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'), used_up.scope);
	END IF;
END
$$;
COMMENT ON FUNCTION agent_studio_private.require_budget(text, text, text, text) IS
'Raises 53400 where what is to be submitted falls under a budget with action refuse that is used up.';

-- ---------- setting ----------

CREATE FUNCTION agent_studio_private.budgets_changed() RETURNS void
AS 'MODULE_PATHNAME', 'agent_studio_budgets_changed' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION agent_studio_private.budgets_changed() IS
'Has this database''s executor read the budgets again when the transaction commits.';

CREATE FUNCTION agent_studio_private.check_budget_kind(kind text, name text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM agent_studio_private.one_of('budget scope', kind, ARRAY['all', 'team', 'user', 'agent', 'workflow']);
	IF (kind = 'all') <> (name = '') THEN
		RAISE EXCEPTION 'budget scope "%" is not complete', kind || CASE kind WHEN 'all' THEN ':' || name ELSE '' END
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'Use all, team:NAME, user:NAME, agent:NAME or workflow:NAME.';
	END IF;
END
$$;
COMMENT ON FUNCTION agent_studio_private.check_budget_kind(text, text) IS 'Raises 22023 for a scope that there is not.';

CREATE FUNCTION agent_studio_private.check_budget_scope(actor text, kind text, name text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	near text;
BEGIN
	IF kind = 'agent' THEN
		PERFORM agent_studio_private.find_agent(actor, name);
	ELSIF kind = 'workflow' THEN
		PERFORM agent_studio_private.find_workflow(actor, name);
	ELSIF kind IN ('team', 'user') AND NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = name) THEN
		near := (SELECT agent_studio_private.suggest(name, array_agg(r.rolname::text)) FROM pg_roles r);
		RAISE EXCEPTION 'role "%" does not exist', name
			USING ERRCODE = 'undefined_object',
				  HINT = CASE WHEN near IS NULL THEN format('A %s is a role of the database.', kind) ELSE format('Perhaps you meant "%s".', near) END;
	END IF;
END
$$;
COMMENT ON FUNCTION agent_studio_private.check_budget_scope(text, text, text) IS
'Raises 42704 for the name of nobody and nothing.';

CREATE FUNCTION agent_studio_private.check_budget_setter(actor text, kind text, name text, old agent_studio.budgets) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF agent_studio_private.has_role(actor, 'agent_studio_admin') THEN
		RETURN;
	END IF;
	IF kind <> 'user' OR name <> actor THEN
		RAISE EXCEPTION 'role "%" may not set the budget of %', actor, concat_ws(':', kind, nullif(name, ''))
			USING ERRCODE = 'insufficient_privilege',
				  HINT = format('Members of agent_studio_admin set every budget, everybody else one of their own: user:%s.', actor);
	END IF;
	IF old.set_by <> actor THEN
		RAISE EXCEPTION 'the budget of user:% was set by role "%"', name, old.set_by
			USING ERRCODE = 'insufficient_privilege', HINT = 'A member of agent_studio_admin can change it.';
	END IF;
END
$$;
COMMENT ON FUNCTION agent_studio_private.check_budget_setter(text, text, text, agent_studio.budgets) IS
'Raises 42501 unless the actor may set, change or remove that budget.';

CREATE FUNCTION agent_studio_private.as_set_budget(actor text, scope text, amount_usd numeric, period text, action text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	kind text := lower(split_part(scope, ':', 1));
	name text := CASE WHEN strpos(scope, ':') > 0 THEN substr(scope, strpos(scope, ':') + 1) ELSE '' END;
	old agent_studio.budgets;
BEGIN
	PERFORM agent_studio_private.one_of('period', lower(period), ARRAY['day', 'week', 'month', 'quarter', 'year']);
	PERFORM agent_studio_private.one_of('action', lower(action), ARRAY['warn', 'refuse']);
	IF amount_usd <= 0 OR amount_usd >= 1e12 OR amount_usd = 'NaN' THEN
		RAISE EXCEPTION 'amount_usd is %, it must be over 0 and under 1e12', amount_usd
			USING ERRCODE = 'invalid_parameter_value', HINT = 'NULL removes the budget.';
	END IF;
	PERFORM agent_studio_private.check_budget_kind(kind, name);
	SELECT * INTO old FROM agent_studio.budgets b WHERE b.kind = kind AND b.name = name FOR UPDATE;
	-- First whether the actor may: what there is, is not for others to learn.
	PERFORM agent_studio_private.check_budget_setter(actor, kind, name, old);
	IF old.budget_id IS NULL THEN
		PERFORM agent_studio_private.check_budget_scope(actor, kind, name);
	END IF;
	IF amount_usd IS NULL AND old.budget_id IS NULL THEN
		RAISE EXCEPTION 'there is no budget of %', scope
			USING ERRCODE = 'undefined_object', HINT = 'SELECT scope FROM agent_studio.budget_status shows those that there are.';
	END IF;
	IF amount_usd IS NULL OR old.period <> lower(period) THEN
		DELETE FROM agent_studio.budgets b WHERE b.budget_id = old.budget_id;
	END IF;
	IF amount_usd IS NOT NULL THEN
		INSERT INTO agent_studio.budgets AS b (kind, name, amount_usd, period, action, set_by)
		VALUES (kind, name, amount_usd, lower(period), lower(action), actor)
		ON CONFLICT ON CONSTRAINT budgets_kind_name_key
		DO UPDATE SET amount_usd = excluded.amount_usd, action = excluded.action, set_by = excluded.set_by, set_at = now()
		WHERE b.budget_id = old.budget_id;
		IF NOT FOUND THEN		-- somebody else has set it meanwhile: that is the one to be changed
			PERFORM agent_studio_private.as_set_budget(actor, scope, amount_usd, period, action);
		END IF;
	END IF;
	PERFORM agent_studio_private.budgets_changed();
END
$$;

CREATE FUNCTION agent_studio.as_set_budget(scope text, amount_usd numeric, period text DEFAULT 'month', action text DEFAULT 'warn') RETURNS void
AS 'MODULE_PATHNAME', 'agent_studio_gate' LANGUAGE C;
COMMENT ON FUNCTION agent_studio.as_set_budget(text, numeric, text, text) IS
'Sets how many USD may be spent in each period by a scope: all, team:NAME (executions of that team), user:NAME (those that the role submitted), agent:NAME, workflow:NAME; there is one budget for each. NULL removes it. period: day, week, month, quarter or year, in UTC. action warn: alerts at 80 percent and at the end. refuse: besides, nothing that falls under it is accepted once it is used up, and no call is sent that could go beyond: before a call the most that it may cost is reserved (the prompt, and max_output_tokens or else what the agent''s answers take as a rule), calls wait while those in flight could use up the rest, and a step whose budget is used up fails with class budget_exceeded. Calls of models without a price cannot be bounded; budget_status counts them. Members of agent_studio_admin set every budget, everybody else one of their own (user:NAME) unless an administrator has set it. Raises 22023, 42501, 42704.';
