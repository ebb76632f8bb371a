-- Daily totals: what a day's executions and model calls came to, so that a year of
-- them is told from a few thousand rows.
--
-- A day (UTC) is closed hour by hour, some time after each hour's end; from then on its
-- rows here count, and those of executions and attempts of these hours are not looked at.
-- What changes a closed hour afterwards (a failed step that is tried again, a result that
-- came late) says so in stale_days, in its own transaction; a day that is said to be stale
-- is counted from the base tables until it has been rolled up again. So whoever adds up
-- closed days, stale days and what came after the last closed hour has every row once.
--
-- Marks are only ever inserted, without a key: nobody waits for anybody. A roll-up
-- deletes the marks that its own snapshot sees, with the totals of that snapshot;
-- a mark that it does not see stays for the next one.
--
-- daily_owner_totals and daily_owner_spending hold the same once more, added up to what
-- the charts of everything are made of: with many agents, workflows and kinds of errors
-- that is a small part of the rows.

CREATE TABLE agent_studio.closed_days (
	day date PRIMARY KEY,
	counted_until timestamptz NOT NULL,
	until timestamptz NOT NULL,
	rolled_up_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	frozen boolean NOT NULL DEFAULT false,
	CHECK (counted_until BETWEEN (day::timestamp AT TIME ZONE 'UTC') AND until),
	CHECK (until <= (day + 1)::timestamp AT TIME ZONE 'UTC')
);
COMMENT ON TABLE agent_studio.closed_days IS
'Days (UTC) that daily_totals and daily_spending hold, one after the other without a gap; the last one may be closed as far as some hour. Written by the executor when it is idle, and by as_roll_up.';
COMMENT ON COLUMN agent_studio.closed_days.day IS 'The day, UTC.';
COMMENT ON COLUMN agent_studio.closed_days.counted_until IS 'How far its totals go. Before until only within a transaction that is rolling it up.';
COMMENT ON COLUMN agent_studio.closed_days.until IS 'How far it is closed: its end, or an hour of it.';
COMMENT ON COLUMN agent_studio.closed_days.rolled_up_at IS 'When its totals were last made.';
COMMENT ON COLUMN agent_studio.closed_days.frozen IS 'True: rows of this day have been purged, so its totals stay as they are for ever.';

CREATE TABLE agent_studio.stale_days (
	day date NOT NULL,
	at timestamptz NOT NULL DEFAULT '-infinity',
	marked_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE agent_studio.stale_days IS
'Days (UTC) whose rows have changed since they were rolled up, some of them many times. Without effect where it is not closed, or frozen; the next roll-up removes those.';
COMMENT ON COLUMN agent_studio.stale_days.day IS 'The day, UTC.';
COMMENT ON COLUMN agent_studio.stale_days.at IS 'Where on that day: nothing before it has changed. -infinity = anywhere.';
COMMENT ON COLUMN agent_studio.stale_days.marked_at IS 'When something of it changed.';

CREATE TABLE agent_studio.daily_totals (
	day date NOT NULL,
	kind text NOT NULL,
	workflow text,
	agent text,
	owner text NOT NULL,
	team text,
	status text NOT NULL,
	error_class text,
	executions bigint NOT NULL,
	timed bigint NOT NULL,
	duration_seconds numeric(20, 6),
	fast bigint NOT NULL,
	medium bigint NOT NULL,
	slow bigint NOT NULL,
	attempts bigint NOT NULL,
	input_tokens bigint,
	cached_input_tokens bigint,
	output_tokens bigint,
	reasoning_tokens bigint,
	input_cost_usd numeric(24, 10),
	output_cost_usd numeric(24, 10),
	with_cost bigint NOT NULL,
	without_cost bigint NOT NULL,
	known_cost_usd numeric(24, 10),
	priced bigint NOT NULL,
	unpriced bigint NOT NULL
);
CREATE INDEX daily_totals_day ON agent_studio.daily_totals (day);
COMMENT ON TABLE agent_studio.daily_totals IS
'Executions that came to rest on a day, counted; without tests of workflows. Complete together with what is not closed yet only: agent_studio_private.totals adds that. For money spent see daily_spending.';
COMMENT ON COLUMN agent_studio.daily_totals.day IS 'Day (UTC) on which they came to rest.';
COMMENT ON COLUMN agent_studio.daily_totals.kind IS 'As in executions: task or workflow.';
COMMENT ON COLUMN agent_studio.daily_totals.workflow IS 'As in executions; NULL for tasks.';
COMMENT ON COLUMN agent_studio.daily_totals.agent IS 'As in executions; NULL for workflows.';
COMMENT ON COLUMN agent_studio.daily_totals.owner IS 'As in executions.';
COMMENT ON COLUMN agent_studio.daily_totals.team IS 'As in executions.';
COMMENT ON COLUMN agent_studio.daily_totals.status IS 'Where they came to rest: completed, failed, canceled, requires_manual_review.';
COMMENT ON COLUMN agent_studio.daily_totals.error_class IS 'As in executions; NULL = they did not fail.';
COMMENT ON COLUMN agent_studio.daily_totals.executions IS 'How many.';
COMMENT ON COLUMN agent_studio.daily_totals.timed IS 'Of these, how many had started; the others have no duration.';
COMMENT ON COLUMN agent_studio.daily_totals.duration_seconds IS 'Seconds from start to rest, sum over those that had started; NULL = none had.';
COMMENT ON COLUMN agent_studio.daily_totals.fast IS 'How many took less than 60 seconds.';
COMMENT ON COLUMN agent_studio.daily_totals.medium IS 'How many took from 60 to 120 seconds.';
COMMENT ON COLUMN agent_studio.daily_totals.slow IS 'How many took more than 120 seconds.';
COMMENT ON COLUMN agent_studio.daily_totals.attempts IS 'Sum of their attempts.';
COMMENT ON COLUMN agent_studio.daily_totals.input_tokens IS 'Sum; NULL = not said of any.';
COMMENT ON COLUMN agent_studio.daily_totals.cached_input_tokens IS 'Sum; NULL = not said of any.';
COMMENT ON COLUMN agent_studio.daily_totals.output_tokens IS 'Sum; NULL = not said of any.';
COMMENT ON COLUMN agent_studio.daily_totals.reasoning_tokens IS 'Sum; NULL = not said of any.';
COMMENT ON COLUMN agent_studio.daily_totals.input_cost_usd IS 'USD, sum over those whose cost is known; NULL = of none.';
COMMENT ON COLUMN agent_studio.daily_totals.output_cost_usd IS 'USD, sum over those whose cost is known; NULL = of none.';
COMMENT ON COLUMN agent_studio.daily_totals.with_cost IS 'How many had attempts, and have a cost that is known.';
COMMENT ON COLUMN agent_studio.daily_totals.without_cost IS 'How many had attempts, but no cost that is known.';
COMMENT ON COLUMN agent_studio.daily_totals.known_cost_usd IS 'USD, sum of all that is known, also where it is the input''s or the output''s alone; NULL = nothing is.';
COMMENT ON COLUMN agent_studio.daily_totals.priced IS 'How many have a part in known_cost_usd.';
COMMENT ON COLUMN agent_studio.daily_totals.unpriced IS 'How many had attempts, and have no part in known_cost_usd.';

CREATE TABLE agent_studio.daily_spending (
	day date NOT NULL,
	workflow text,
	agent text,
	model text,
	owner text NOT NULL,
	team text,
	is_test boolean NOT NULL,
	outcome text NOT NULL,
	error_class text,
	attempts bigint NOT NULL,
	retries bigint NOT NULL,
	duration_seconds numeric(20, 6) NOT NULL,
	input_tokens bigint,
	cached_input_tokens bigint,
	output_tokens bigint,
	reasoning_tokens bigint,
	input_cost_usd numeric(24, 10),
	output_cost_usd numeric(24, 10),
	without_cost bigint NOT NULL
);
CREATE INDEX daily_spending_day ON agent_studio.daily_spending (day);
COMMENT ON TABLE agent_studio.daily_spending IS
'Calls of models that ended on a day, counted: what was spent, whatever became of the executions, and that of executions under way and of tests, too. Complete together with what is not closed yet only: agent_studio_private.spending adds that, and agent_studio_private.spent(since, scope, name) tells USD spent since the beginning of a day.';
COMMENT ON COLUMN agent_studio.daily_spending.day IS 'Day (UTC) on which the calls ended.';
COMMENT ON COLUMN agent_studio.daily_spending.workflow IS 'Workflow that they were made for; NULL = a task.';
COMMENT ON COLUMN agent_studio.daily_spending.agent IS 'Agent that was asked; NULL = not known, after a crash.';
COMMENT ON COLUMN agent_studio.daily_spending.model IS 'Model that was asked; NULL = it has been dropped.';
COMMENT ON COLUMN agent_studio.daily_spending.owner IS 'As in executions.';
COMMENT ON COLUMN agent_studio.daily_spending.team IS 'As in executions.';
COMMENT ON COLUMN agent_studio.daily_spending.is_test IS 'As in executions.';
COMMENT ON COLUMN agent_studio.daily_spending.outcome IS 'As in attempts.';
COMMENT ON COLUMN agent_studio.daily_spending.error_class IS 'As in attempts.';
COMMENT ON COLUMN agent_studio.daily_spending.attempts IS 'How many calls.';
COMMENT ON COLUMN agent_studio.daily_spending.retries IS 'Of these, how many were not the first of their step.';
COMMENT ON COLUMN agent_studio.daily_spending.duration_seconds IS 'Seconds from request to end, sum.';
COMMENT ON COLUMN agent_studio.daily_spending.input_tokens IS 'Sum; NULL = not said of any.';
COMMENT ON COLUMN agent_studio.daily_spending.cached_input_tokens IS 'Sum; NULL = not said of any.';
COMMENT ON COLUMN agent_studio.daily_spending.output_tokens IS 'Sum; NULL = not said of any.';
COMMENT ON COLUMN agent_studio.daily_spending.reasoning_tokens IS 'Sum; NULL = not said of any.';
COMMENT ON COLUMN agent_studio.daily_spending.input_cost_usd IS 'USD, sum over those whose cost is known; NULL = of none.';
COMMENT ON COLUMN agent_studio.daily_spending.output_cost_usd IS 'USD, sum over those whose cost is known; NULL = of none.';
COMMENT ON COLUMN agent_studio.daily_spending.without_cost IS 'How many may be billed, but have no cost that is known.';

CREATE TABLE agent_studio.daily_owner_totals (
	day date NOT NULL,
	subject text NOT NULL,
	name text NOT NULL,
	owner text NOT NULL,
	team text,
	status text NOT NULL,
	executions bigint NOT NULL,
	timed bigint NOT NULL,
	duration_seconds numeric(20, 6),
	fast bigint NOT NULL,
	medium bigint NOT NULL,
	slow bigint NOT NULL,
	input_cost_usd numeric(24, 10),
	output_cost_usd numeric(24, 10),
	with_cost bigint NOT NULL,
	without_cost bigint NOT NULL
);
CREATE INDEX daily_owner_totals_subject ON agent_studio.daily_owner_totals (subject, day);
COMMENT ON TABLE agent_studio.daily_owner_totals IS
'daily_totals, added up to a few rows for each owner and day, by each of three subjects: written with them. What belongs to different subjects is not to be added up: it is the same executions. Complete together with what is not closed yet only: agent_studio_private.owner_totals adds that.';
COMMENT ON COLUMN agent_studio.daily_owner_totals.day IS 'As in daily_totals.';
COMMENT ON COLUMN agent_studio.daily_owner_totals.subject IS 'What they are told apart by: kind, all of them; workflow, those of workflows; error, those with an error class.';
COMMENT ON COLUMN agent_studio.daily_owner_totals.name IS 'Which kind, workflow or error class.';
COMMENT ON COLUMN agent_studio.daily_owner_totals.owner IS 'As in executions.';
COMMENT ON COLUMN agent_studio.daily_owner_totals.team IS 'As in executions.';
COMMENT ON COLUMN agent_studio.daily_owner_totals.status IS 'As in daily_totals.';
COMMENT ON COLUMN agent_studio.daily_owner_totals.executions IS 'How many.';
COMMENT ON COLUMN agent_studio.daily_owner_totals.timed IS 'Of these, how many had started; the others have no duration.';
COMMENT ON COLUMN agent_studio.daily_owner_totals.duration_seconds IS 'Seconds from start to rest, sum over those that had started; NULL = none had.';
COMMENT ON COLUMN agent_studio.daily_owner_totals.fast IS 'How many took less than 60 seconds.';
COMMENT ON COLUMN agent_studio.daily_owner_totals.medium IS 'How many took from 60 to 120 seconds.';
COMMENT ON COLUMN agent_studio.daily_owner_totals.slow IS 'How many took more than 120 seconds.';
COMMENT ON COLUMN agent_studio.daily_owner_totals.input_cost_usd IS 'USD, sum over those whose cost is known; NULL = of none.';
COMMENT ON COLUMN agent_studio.daily_owner_totals.output_cost_usd IS 'USD, sum over those whose cost is known; NULL = of none.';
COMMENT ON COLUMN agent_studio.daily_owner_totals.with_cost IS 'How many had attempts, and have a cost that is known.';
COMMENT ON COLUMN agent_studio.daily_owner_totals.without_cost IS 'How many had attempts, but no cost that is known.';

CREATE TABLE agent_studio.daily_owner_spending (
	day date NOT NULL,
	owner text NOT NULL,
	team text,
	attempts bigint NOT NULL,
	input_tokens bigint,
	cached_input_tokens bigint,
	output_tokens bigint,
	reasoning_tokens bigint,
	input_cost_usd numeric(24, 10),
	output_cost_usd numeric(24, 10),
	without_cost bigint NOT NULL
);
CREATE INDEX daily_owner_spending_day ON agent_studio.daily_owner_spending (day);
COMMENT ON TABLE agent_studio.daily_owner_spending IS
'daily_spending without tests of workflows, added up to a row for each owner, team and day: written with it. Complete together with what is not closed yet only: agent_studio_private.owner_spending adds that.';
COMMENT ON COLUMN agent_studio.daily_owner_spending.day IS 'As in daily_spending.';
COMMENT ON COLUMN agent_studio.daily_owner_spending.owner IS 'As in executions.';
COMMENT ON COLUMN agent_studio.daily_owner_spending.team IS 'As in executions.';
COMMENT ON COLUMN agent_studio.daily_owner_spending.attempts IS 'How many calls.';
COMMENT ON COLUMN agent_studio.daily_owner_spending.input_tokens IS 'Sum; NULL = not said of any.';
COMMENT ON COLUMN agent_studio.daily_owner_spending.cached_input_tokens IS 'Sum; NULL = not said of any.';
COMMENT ON COLUMN agent_studio.daily_owner_spending.output_tokens IS 'Sum; NULL = not said of any.';
COMMENT ON COLUMN agent_studio.daily_owner_spending.reasoning_tokens IS 'Sum; NULL = not said of any.';
COMMENT ON COLUMN agent_studio.daily_owner_spending.input_cost_usd IS 'USD, sum over those whose cost is known; NULL = of none.';
COMMENT ON COLUMN agent_studio.daily_owner_spending.output_cost_usd IS 'USD, sum over those whose cost is known; NULL = of none.';
COMMENT ON COLUMN agent_studio.daily_owner_spending.without_cost IS 'How many may be billed, but have no cost that is known.';

-- They have no key, and can be deleted from where a publication is FOR ALL TABLES, all the same.
ALTER TABLE agent_studio.stale_days REPLICA IDENTITY FULL;
ALTER TABLE agent_studio.daily_totals REPLICA IDENTITY FULL;
ALTER TABLE agent_studio.daily_spending REPLICA IDENTITY FULL;
ALTER TABLE agent_studio.daily_owner_totals REPLICA IDENTITY FULL;
ALTER TABLE agent_studio.daily_owner_spending REPLICA IDENTITY FULL;

-- When something comes to rest it cannot be a HOT update any more, once in the life
-- of an execution; all updates before that still are.
CREATE INDEX executions_finished ON agent_studio.executions (finished_at) WHERE finished_at IS NOT NULL;

-- ---------- what makes a day stale ----------

CREATE FUNCTION agent_studio_private.mark_stale() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	INSERT INTO agent_studio.stale_days (day, at)
	SELECT (t.at AT TIME ZONE 'UTC')::date, min(t.at)
	FROM (VALUES (old.finished_at), (new.finished_at)) t (at) WHERE t.at IS NOT NULL GROUP BY 1;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION agent_studio_private.mark_stale() IS
'Marks the day on which an execution had come to rest, and the one on which it does now.';

-- What was at rest before; what came to rest some time ago (the database had trouble, and
-- results waited in memory): no hour is closed until twice that time after its end; and what
-- never started: that was canceled by its user, whose transaction may be open for days.
CREATE TRIGGER daily_totals AFTER UPDATE OF status, finished_at, attempts ON agent_studio.executions FOR EACH ROW
	WHEN (old.finished_at IS NOT NULL OR new.finished_at < clock_timestamp() - interval '5 minutes'
		  OR (new.finished_at IS NOT NULL AND new.started_at IS NULL))
	EXECUTE FUNCTION agent_studio_private.mark_stale();

-- ---------- what is not closed, or stale ----------
--
-- These views have their owner's rights and are granted to nobody: agent_studio_bi shows
-- everything, and below a caller's rights there would be no view that does. What users
-- may read is visible_totals and visible_spending.

-- A clock that ran ahead may have closed what has not come yet; that counts as open.
CREATE VIEW agent_studio_private.last_closed_day AS
	SELECT c.day, c.until FROM agent_studio.closed_days c WHERE c.until <= now() ORDER BY c.day DESC LIMIT 1;
COMMENT ON VIEW agent_studio_private.last_closed_day IS
'The last day that is closed, and how far; no row = there is none.';

-- The lower bound makes it a range, of which the planner expects little: it would take
-- the pages of marks that are gone for many days, and what counts them for costly.
CREATE VIEW agent_studio_private.days_to_count AS
	SELECT DISTINCT s.day, coalesce(c.counted_until, (s.day + 1)::timestamp AT TIME ZONE 'UTC') AS counted_until
	FROM agent_studio.stale_days s LEFT JOIN agent_studio.closed_days c ON c.day = s.day
	WHERE s.day > '-infinity' AND s.day <= (SELECT l.day FROM agent_studio_private.last_closed_day l)
	  AND c.frozen IS NOT TRUE AND (c.day IS NULL OR s.at < c.counted_until);
COMMENT ON VIEW agent_studio_private.days_to_count IS
'Days that have to be rolled up again, as far as they are closed; and days before the first closed one of which something has turned up.';

CREATE VIEW agent_studio_private.open_ranges AS
	SELECT coalesce((SELECT c.until FROM agent_studio_private.last_closed_day c), '-infinity') AS since, 'infinity'::timestamptz AS until
	UNION ALL
	SELECT d.day::timestamp AT TIME ZONE 'UTC', d.counted_until FROM agent_studio_private.days_to_count d
	UNION ALL
	-- One day is rolled up at a time. The planner would expect a third of all.
	(SELECT c.counted_until, c.until FROM agent_studio.closed_days c WHERE c.counted_until < c.until LIMIT 1);
COMMENT ON VIEW agent_studio_private.open_ranges IS
'The times of which the base tables have to be asked: everything after the last closed hour, each stale day, and, for who is rolling them up, the hours that have just been closed.';

-- An aggregate for each range: joined flat, the planner would take the ranges for
-- most of the table and read all of it.
CREATE VIEW agent_studio_private.open_totals AS
	SELECT r.since, r.until, t.*
	FROM agent_studio_private.open_ranges r CROSS JOIN LATERAL (
		SELECT (e.finished_at AT TIME ZONE 'UTC')::date AS day,
			   e.kind, e.workflow, e.agent, e.owner, e.team, e.status, e.error_class,
			   count(*) AS executions, count(e.started_at) AS timed,
			   sum(extract(epoch FROM e.finished_at - e.started_at))::numeric(20, 6) AS duration_seconds,
			   count(*) FILTER (WHERE e.finished_at - e.started_at < interval '60 seconds') AS fast,
			   count(*) FILTER (WHERE e.finished_at - e.started_at BETWEEN interval '60 seconds' AND interval '120 seconds') AS medium,
			   count(*) FILTER (WHERE e.finished_at - e.started_at > interval '120 seconds') AS slow,
			   sum(e.attempts)::bigint AS attempts,
			   sum(e.input_tokens)::bigint AS input_tokens, sum(e.cached_input_tokens)::bigint AS cached_input_tokens,
			   sum(e.output_tokens)::bigint AS output_tokens, sum(e.reasoning_tokens)::bigint AS reasoning_tokens,
			   (sum(e.input_cost_usd) FILTER (WHERE e.output_cost_usd IS NOT NULL))::numeric(24, 10) AS input_cost_usd,
			   (sum(e.output_cost_usd) FILTER (WHERE e.input_cost_usd IS NOT NULL))::numeric(24, 10) AS output_cost_usd,
			   count(*) FILTER (WHERE e.attempts > 0 AND e.input_cost_usd + e.output_cost_usd IS NOT NULL) AS with_cost,
			   count(*) FILTER (WHERE e.attempts > 0 AND e.input_cost_usd + e.output_cost_usd IS NULL) AS without_cost,
			   sum(coalesce(e.input_cost_usd + e.output_cost_usd, e.input_cost_usd, e.output_cost_usd))::numeric(24, 10) AS known_cost_usd,
			   count(coalesce(e.input_cost_usd, e.output_cost_usd)) AS priced,
			   count(*) FILTER (WHERE e.attempts > 0 AND e.input_cost_usd IS NULL AND e.output_cost_usd IS NULL) AS unpriced
		FROM agent_studio.executions e
		WHERE e.finished_at >= r.since AND e.finished_at < r.until AND NOT e.is_test
		GROUP BY 1, e.kind, e.workflow, e.agent, e.owner, e.team, e.status, e.error_class) t;
COMMENT ON VIEW agent_studio_private.open_totals IS
'Rows of daily_totals for each open range, as they would be if it was rolled up now.';

-- Names are looked up once for each group, not for each call.
CREATE VIEW agent_studio_private.open_spending AS
	SELECT r.since, r.until, t.day, t.workflow, g.name AS agent, m.name AS model, t.owner, t.team, t.is_test, t.outcome, t.error_class,
		   t.attempts, t.retries, t.duration_seconds, t.input_tokens, t.cached_input_tokens, t.output_tokens, t.reasoning_tokens,
		   t.input_cost_usd, t.output_cost_usd, t.without_cost
	FROM agent_studio_private.open_ranges r CROSS JOIN LATERAL (
		SELECT (a.finished_at AT TIME ZONE 'UTC')::date AS day,
			   a.workflow, a.agent_version_id, a.model_id, a.owner, a.team, a.is_test, a.outcome, a.error_class,
			   count(*) AS attempts, count(*) FILTER (WHERE a.attempt_no > 1) AS retries,
			   sum(extract(epoch FROM a.finished_at - a.sent_at))::numeric(20, 6) AS duration_seconds,
			   sum(a.input_tokens)::bigint AS input_tokens, sum(a.cached_input_tokens)::bigint AS cached_input_tokens,
			   sum(a.output_tokens)::bigint AS output_tokens, sum(a.reasoning_tokens)::bigint AS reasoning_tokens,
			   (sum(a.input_cost_usd) FILTER (WHERE a.output_cost_usd IS NOT NULL))::numeric(24, 10) AS input_cost_usd,
			   (sum(a.output_cost_usd) FILTER (WHERE a.input_cost_usd IS NOT NULL))::numeric(24, 10) AS output_cost_usd,
			   count(*) FILTER (WHERE a.possibly_billed AND a.input_cost_usd + a.output_cost_usd IS NULL) AS without_cost
		FROM agent_studio.attempts a
		WHERE a.finished_at >= r.since AND a.finished_at < r.until
		GROUP BY 1, a.workflow, a.agent_version_id, a.model_id, a.owner, a.team, a.is_test, a.outcome, a.error_class) t
	LEFT JOIN agent_studio.agent_versions v ON v.agent_version_id = t.agent_version_id
	LEFT JOIN agent_studio.agents g ON g.agent_id = v.agent_id
	LEFT JOIN agent_studio.models m ON m.model_id = t.model_id;
COMMENT ON VIEW agent_studio_private.open_spending IS
'What becomes rows of daily_spending for each open range when it is rolled up, with rows of their own for each version of an agent.';

-- open_spending looks up names and has many groups, which takes long for a day with very many calls.
CREATE VIEW agent_studio_private.open_owner_spending AS
	SELECT t.*
	FROM agent_studio_private.open_ranges r CROSS JOIN LATERAL (
		SELECT (a.finished_at AT TIME ZONE 'UTC')::date AS day, a.owner, a.team, count(*) AS attempts,
			   sum(a.input_tokens)::bigint AS input_tokens, sum(a.cached_input_tokens)::bigint AS cached_input_tokens,
			   sum(a.output_tokens)::bigint AS output_tokens, sum(a.reasoning_tokens)::bigint AS reasoning_tokens,
			   (sum(a.input_cost_usd) FILTER (WHERE a.output_cost_usd IS NOT NULL))::numeric(24, 10) AS input_cost_usd,
			   (sum(a.output_cost_usd) FILTER (WHERE a.input_cost_usd IS NOT NULL))::numeric(24, 10) AS output_cost_usd,
			   count(*) FILTER (WHERE a.possibly_billed AND a.input_cost_usd + a.output_cost_usd IS NULL) AS without_cost
		FROM agent_studio.attempts a
		WHERE a.finished_at >= r.since AND a.finished_at < r.until AND NOT a.is_test
		GROUP BY 1, a.owner, a.team) t;
COMMENT ON VIEW agent_studio_private.open_owner_spending IS
'Rows of daily_owner_spending for each open range, as they would be if it was rolled up now.';

-- ---------- all of it ----------
--
-- Of a day that is closed in part, both the closed hours and the others have rows.

CREATE VIEW agent_studio_private.closed_totals AS
	SELECT t.day, t.kind, t.workflow, t.agent, t.owner, t.team, t.status, t.error_class, t.executions, t.timed,
		   t.duration_seconds, t.fast, t.medium, t.slow, t.attempts, t.input_tokens, t.cached_input_tokens,
		   t.output_tokens, t.reasoning_tokens, t.input_cost_usd, t.output_cost_usd, t.with_cost, t.without_cost,
		   t.known_cost_usd, t.priced, t.unpriced
	FROM agent_studio.daily_totals t LEFT JOIN agent_studio_private.days_to_count d ON d.day = t.day
	WHERE d.day IS NULL AND t.day <= (SELECT c.day FROM agent_studio_private.last_closed_day c);
COMMENT ON VIEW agent_studio_private.closed_totals IS
'Rows of daily_totals that count.';

CREATE VIEW agent_studio_private.closed_spending AS
	SELECT t.day, t.workflow, t.agent, t.model, t.owner, t.team, t.is_test, t.outcome, t.error_class, t.attempts, t.retries,
		   t.duration_seconds, t.input_tokens, t.cached_input_tokens, t.output_tokens, t.reasoning_tokens,
		   t.input_cost_usd, t.output_cost_usd, t.without_cost
	FROM agent_studio.daily_spending t LEFT JOIN agent_studio_private.days_to_count d ON d.day = t.day
	WHERE d.day IS NULL AND t.day <= (SELECT c.day FROM agent_studio_private.last_closed_day c);
COMMENT ON VIEW agent_studio_private.closed_spending IS
'Rows of daily_spending that count.';

CREATE VIEW agent_studio_private.totals AS
	SELECT t.* FROM agent_studio_private.closed_totals t
	UNION ALL
	SELECT t.day, t.kind, t.workflow, t.agent, t.owner, t.team, t.status, t.error_class, t.executions, t.timed,
		   t.duration_seconds, t.fast, t.medium, t.slow, t.attempts, t.input_tokens, t.cached_input_tokens,
		   t.output_tokens, t.reasoning_tokens, t.input_cost_usd, t.output_cost_usd, t.with_cost, t.without_cost,
		   t.known_cost_usd, t.priced, t.unpriced
	FROM agent_studio_private.open_totals t;
COMMENT ON VIEW agent_studio_private.totals IS
'daily_totals, complete: from the closed days, and from the executions of the others. Of everybody.';

CREATE VIEW agent_studio_private.spending AS
	SELECT t.* FROM agent_studio_private.closed_spending t
	UNION ALL
	SELECT t.day, t.workflow, t.agent, t.model, t.owner, t.team, t.is_test, t.outcome, t.error_class, t.attempts, t.retries,
		   t.duration_seconds, t.input_tokens, t.cached_input_tokens, t.output_tokens, t.reasoning_tokens,
		   t.input_cost_usd, t.output_cost_usd, t.without_cost
	FROM agent_studio_private.open_spending t;
COMMENT ON VIEW agent_studio_private.spending IS
'daily_spending, complete: from the closed days, and from the attempts of the others. Of everybody.';

CREATE VIEW agent_studio_private.owner_totals AS
	SELECT t.day, t.subject, t.name, t.owner, t.team, t.status, t.executions, t.timed, t.duration_seconds,
		   t.fast, t.medium, t.slow, t.input_cost_usd, t.output_cost_usd, t.with_cost, t.without_cost
	FROM agent_studio.daily_owner_totals t LEFT JOIN agent_studio_private.days_to_count d ON d.day = t.day
	WHERE d.day IS NULL AND t.day <= (SELECT c.day FROM agent_studio_private.last_closed_day c)
	UNION ALL
	-- Not added up: whoever reads this does so in any case.
	SELECT t.day, s.subject, s.name, t.owner, t.team, t.status, t.executions, t.timed, t.duration_seconds,
		   t.fast, t.medium, t.slow, t.input_cost_usd, t.output_cost_usd, t.with_cost, t.without_cost
	FROM agent_studio_private.open_totals t
	CROSS JOIN LATERAL (VALUES ('kind', t.kind), ('workflow', t.workflow), ('error', t.error_class)) s (subject, name)
	WHERE s.name IS NOT NULL;
COMMENT ON VIEW agent_studio_private.owner_totals IS
'daily_owner_totals, complete: from the closed days, and from the executions of the others, in any number of rows for an owner and a day. Of everybody.';

CREATE VIEW agent_studio_private.owner_spending AS
	SELECT t.day, t.owner, t.team, t.attempts, t.input_tokens, t.cached_input_tokens, t.output_tokens, t.reasoning_tokens,
		   t.input_cost_usd, t.output_cost_usd, t.without_cost
	FROM agent_studio.daily_owner_spending t LEFT JOIN agent_studio_private.days_to_count d ON d.day = t.day
	WHERE d.day IS NULL AND t.day <= (SELECT c.day FROM agent_studio_private.last_closed_day c)
	UNION ALL
	SELECT t.day, t.owner, t.team, t.attempts, t.input_tokens, t.cached_input_tokens, t.output_tokens, t.reasoning_tokens,
		   t.input_cost_usd, t.output_cost_usd, t.without_cost
	FROM agent_studio_private.open_owner_spending t;
COMMENT ON VIEW agent_studio_private.owner_spending IS
'daily_owner_spending, complete: from the closed days, and from the attempts of the others. Of everybody.';

-- The condition is that of the policies.
CREATE VIEW agent_studio_private.visible_totals WITH (security_barrier = true) AS
	SELECT t.* FROM agent_studio_private.totals t
	WHERE agent_studio_private.is_mine(t.owner) OR agent_studio_private.is_mine(t.team);
COMMENT ON VIEW agent_studio_private.visible_totals IS
'Of totals, what the current user may see.';

CREATE VIEW agent_studio_private.visible_spending WITH (security_barrier = true) AS
	SELECT s.* FROM agent_studio_private.spending s
	WHERE agent_studio_private.is_mine(s.owner) OR agent_studio_private.is_mine(s.team);
COMMENT ON VIEW agent_studio_private.visible_spending IS
'Of spending, what the current user may see.';

CREATE VIEW agent_studio_private.visible_owner_totals WITH (security_barrier = true) AS
	SELECT t.* FROM agent_studio_private.owner_totals t
	WHERE agent_studio_private.is_mine(t.owner) OR agent_studio_private.is_mine(t.team);
COMMENT ON VIEW agent_studio_private.visible_owner_totals IS
'Of owner_totals, what the current user may see.';

CREATE VIEW agent_studio_private.visible_owner_spending WITH (security_barrier = true) AS
	SELECT s.* FROM agent_studio_private.owner_spending s
	WHERE agent_studio_private.is_mine(s.owner) OR agent_studio_private.is_mine(s.team);
COMMENT ON VIEW agent_studio_private.visible_owner_spending IS
'Of owner_spending, what the current user may see.';

CREATE FUNCTION agent_studio_private.spent(since date, scope text DEFAULT 'all', name text DEFAULT NULL) RETURNS numeric
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT sum(s.input_cost_usd + s.output_cost_usd) FROM agent_studio_private.spending s
	WHERE s.day >= spent.since
	  AND spent.name IS NOT DISTINCT FROM CASE spent.scope WHEN 'team' THEN s.team WHEN 'user' THEN s.owner
		WHEN 'agent' THEN s.agent WHEN 'workflow' THEN s.workflow WHEN 'all' THEN spent.name END;
END;
COMMENT ON FUNCTION agent_studio_private.spent(date, text, text) IS
'USD spent on model calls that ended since the beginning of a day (UTC): by all, or by that team, user, agent or workflow; tests and executions under way among it. NULL = none whose cost is known.';
