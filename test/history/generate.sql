-- A history for the tests of what is told of the past: executions with their steps and
-- attempts, as the executor would have written them. By a seed, so that it is the same
-- each time: chance is a hash of the row's number, whatever the order of the rows.
--
--	\i test/history/generate.sql
--	CALL history.sample(now());				the guide's months, 700 executions
--	CALL history.bulk(1000000, now());		as many as one likes, over ninety days
--
-- To be run by a superuser in a database that has the extension. Each call needs a
-- database without executions. Roles of the owners and teams are created.
CREATE SCHEMA history;

CREATE FUNCTION history.chance(n bigint, salt bigint) RETURNS float8 LANGUAGE sql IMMUTABLE
RETURN (hashint8extended(n, salt) & 1048575)::float8 / 1048576;

-- ---------- who, what, with what ----------

CREATE TABLE history.people (person integer PRIMARY KEY, owner text NOT NULL, team text, upto float8 NOT NULL);
INSERT INTO history.people VALUES (1, 'alice', 'platform', 0.35), (2, 'bob', 'platform', 0.60), (3, 'carol', 'product', 0.80),
	(4, 'dave', 'product', 0.92), (5, 'erin', NULL, 1);

CREATE TABLE history.works (work integer PRIMARY KEY, kind text NOT NULL, name text NOT NULL, upto float8 NOT NULL);
INSERT INTO history.works VALUES (1, 'workflow', 'feature-development', 0.40), (2, 'workflow', 'code-review', 0.70),
	(3, 'workflow', 'security-audit', 0.85), (4, 'workflow', 'doc-generation', 1),
	(5, 'task', 'architect-agent-prod', 0.35), (6, 'task', 'builder-agent-prod', 0.65), (7, 'task', 'validator-agent-prod', 0.85),
	(8, 'task', 'scribe-agent-prod', 0.95), (9, 'task', 'local-agent-dev', 1);

CREATE TABLE history.work_steps (work integer NOT NULL, step_no integer NOT NULL, name text NOT NULL, agent text NOT NULL,
	seconds float8 NOT NULL, output_tokens float8 NOT NULL, PRIMARY KEY (work, step_no));
INSERT INTO history.work_steps VALUES
	(1, 1, 'design', 'architect-agent-prod', 90, 4800), (1, 2, 'implement', 'builder-agent-prod', 240, 7000),
	(1, 3, 'validate', 'validator-agent-prod', 130, 3000), (1, 4, 'document', 'scribe-agent-prod', 100, 3500),
	(2, 1, 'read', 'builder-agent-prod', 110, 2500), (2, 2, 'judge', 'validator-agent-prod', 150, 2500), (2, 3, 'report', 'scribe-agent-prod', 80, 2000),
	(3, 1, 'scan', 'validator-agent-prod', 400, 4000), (3, 2, 'assess', 'architect-agent-prod', 300, 3000), (3, 3, 'report', 'scribe-agent-prod', 150, 3000),
	(4, 1, 'outline', 'scribe-agent-prod', 60, 1000), (4, 2, 'write', 'scribe-agent-prod', 130, 4000),
	(5, 1, 'task', 'architect-agent-prod', 87, 4900), (6, 1, 'task', 'builder-agent-prod', 115, 6000), (7, 1, 'task', 'validator-agent-prod', 50, 2000),
	(8, 1, 'task', 'scribe-agent-prod', 40, 2500), (9, 1, 'task', 'local-agent-dev', 20, 800);

-- How what did not complete ended, one after the other.
CREATE TABLE history.ends (no integer PRIMARY KEY, status text NOT NULL, error_class text, retryable boolean NOT NULL);
INSERT INTO history.ends VALUES (0, 'failed', 'timeout', true), (1, 'failed', 'rate_limited', true), (2, 'failed', 'overloaded', true),
	(3, 'failed', 'connection', true), (4, 'failed', 'bad_request', false), (5, 'failed', 'authentication', false),
	(6, 'failed', 'permission', false), (7, 'failed', 'not_found', false), (8, 'failed', 'content_filter', false),
	(9, 'failed', 'invalid_output', false), (10, 'failed', 'internal', false), (11, 'canceled', NULL, false),
	(12, 'requires_manual_review', 'invalid_output', false), (13, 'failed', 'timeout', true),
	(14, 'canceled', 'never started', false), (15, 'failed', 'max_iterations', false);

CREATE PROCEDURE history.create_cast() LANGUAGE plpgsql SET client_min_messages = error AS $$
DECLARE
	item record;
BEGIN
	FOR item IN SELECT p.owner AS name FROM history.people p UNION SELECT p.team FROM history.people p WHERE p.team IS NOT NULL LOOP
		IF NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = item.name) THEN
			EXECUTE format('CREATE ROLE %I', item.name);
		END IF;
	END LOOP;
	FOR item IN SELECT p.owner, p.team FROM history.people p LOOP
		EXECUTE format('GRANT agent_studio_user TO %I', item.owner);
		IF item.team IS NOT NULL THEN
			EXECUTE format('GRANT %I TO %I', item.team, item.owner);
		END IF;
	END LOOP;
	CREATE SERVER history TYPE 'openai' FOREIGN DATA WRAPPER agent_studio
		OPTIONS (url 'http://127.0.0.1:1/v1', allow_http 'true', allow_private 'true');
	GRANT USAGE ON FOREIGN SERVER history TO PUBLIC;
	PERFORM agent_studio.as_create_model('large', 'history', input_price => 5, cached_input_price => 1.25, output_price => 20);
	PERFORM agent_studio.as_create_model('small', 'history', input_price => 0.5, output_price => 2);
	PERFORM agent_studio.as_create_model('local', 'history');
	UPDATE agent_studio.model_prices SET valid_from = '-infinity';
	PERFORM agent_studio.as_create_agent('architect-agent-prod', 'architect', 'large', visibility => 'shared', fallback_models => '{small}');
	PERFORM agent_studio.as_create_agent('builder-agent-prod', 'builder', 'large', visibility => 'shared', fallback_models => '{small}');
	PERFORM agent_studio.as_create_agent('validator-agent-prod', 'validator', 'large', visibility => 'shared', fallback_models => '{small}');
	PERFORM agent_studio.as_create_agent('scribe-agent-prod', 'scribe', 'small', visibility => 'shared');
	PERFORM agent_studio.as_create_agent('local-agent-dev', 'scribe', 'local', visibility => 'shared');
	PERFORM agent_studio.as_create_workflow(w.name, 'sequential', jsonb_build_object('steps', s.steps,
			'settings', CASE w.name WHEN 'security-audit' THEN '{"success_target_percent": 80, "duration_target_seconds": 900}' ELSE '{}' END::jsonb),
		visibility => 'shared')
	FROM history.works w CROSS JOIN LATERAL (
		SELECT jsonb_agg(jsonb_build_object('name', s.name, 'agent', s.agent, 'task', 'Do it.') ORDER BY s.step_no) AS steps
		FROM history.work_steps s WHERE s.work = w.work) s
	WHERE w.kind = 'workflow';
END
$$;

-- ---------- what is to be generated ----------

CREATE TABLE history.batches (batch integer PRIMARY KEY, kind text NOT NULL, executions bigint NOT NULL, completed bigint NOT NULL,
	since timestamptz NOT NULL, until timestamptz NOT NULL, is_test boolean NOT NULL DEFAULT false);

-- One row for each execution that is at rest.
CREATE UNLOGGED TABLE history.runs (execution_id bigint, work integer, owner text, team text, is_test boolean, end_no integer,
	last_step integer, finished_at timestamptz);

-- One row for each call of a model.
CREATE UNLOGGED TABLE history.calls (execution_id bigint, step_no integer, attempt_no integer, is_last boolean, agent_version_id bigint,
	model_id bigint, outcome text, error_class text, seconds float8, pause float8, until_end float8, all_seconds float8,
	input_tokens bigint, cached_input_tokens bigint, output_tokens bigint, reasoning_tokens bigint);

CREATE PROCEDURE history.make_runs(seed bigint) LANGUAGE sql AS $$
	WITH drawn AS (
		SELECT b.*, b.batch * 100000000 + i AS n, b.executions - b.completed AS bad,
			   i * (b.executions - b.completed) / b.executions AS bad_no, (i - 1) * (b.executions - b.completed) / b.executions AS bad_before,
			   b.since + (b.until - b.since) * ((i - history.chance(b.batch * 100000000 + i, seed)) / b.executions) AS finished_at
		FROM history.batches b CROSS JOIN LATERAL generate_series(1, b.executions) i)
	INSERT INTO history.runs
	SELECT row_number() OVER (ORDER BY d.finished_at), w.work, p.owner, p.team, d.is_test, e.no,
		   CASE WHEN e.error_class = 'never started' THEN 0 WHEN e.no IS NULL THEN w.steps
				ELSE 1 + floor(history.chance(d.n, seed + 1) * w.steps) END, d.finished_at
	FROM drawn d
	JOIN (SELECT w.*, lag(w.upto, 1, 0) OVER (PARTITION BY w.kind ORDER BY w.upto) AS above,
				 (SELECT count(*) FROM history.work_steps s WHERE s.work = w.work)::int AS steps FROM history.works w) w
		ON w.kind = d.kind AND history.chance(d.n, seed + 2) >= w.above AND history.chance(d.n, seed + 2) < w.upto
	JOIN (SELECT p.*, lag(p.upto, 1, 0) OVER (ORDER BY p.upto) AS above FROM history.people p) p
		ON history.chance(d.n, seed + 3) >= p.above AND history.chance(d.n, seed + 3) < p.upto
	LEFT JOIN history.ends e ON d.bad_no > d.bad_before AND e.no = (d.bad_no + d.batch * 5) % 16;
$$;

CREATE PROCEDURE history.make_calls(seed bigint) LANGUAGE sql AS $$
	WITH tries AS (
		SELECT r.execution_id, s.step_no, t AS attempt_no, r.execution_id * 1000 + s.step_no * 10 + t AS n, c.tries, s.seconds, s.output_tokens,
			   t = c.tries AND NOT c.fails AS good, t = c.tries AND c.fails AS ends, e.status, e.error_class, v.agent_version_id,
			   CASE WHEN t > 1 THEN coalesce(v.fallback_models[1], v.model_id) ELSE v.model_id END AS model_id
		FROM history.runs r
		JOIN history.work_steps s ON s.work = r.work AND s.step_no <= r.last_step
		JOIN agent_studio.agents a ON a.name = s.agent JOIN agent_studio.agent_versions v ON v.agent_id = a.agent_id
		LEFT JOIN history.ends e ON e.no = r.end_no
		CROSS JOIN LATERAL (SELECT coalesce(e.status <> 'requires_manual_review' AND s.step_no = r.last_step, false) AS fails) f
		CROSS JOIN LATERAL (SELECT f.fails, CASE WHEN f.fails AND e.retryable THEN 3
			WHEN history.chance(r.execution_id * 1000 + s.step_no, seed + 4) < 0.01 THEN 3
			WHEN history.chance(r.execution_id * 1000 + s.step_no, seed + 4) < 0.06 THEN 2 ELSE 1 END AS tries) c
		CROSS JOIN LATERAL generate_series(1, c.tries) t),
	ended AS (
		SELECT t.*, CASE WHEN t.good THEN 'completed' WHEN t.ends AND t.status = 'canceled' THEN 'canceled' ELSE 'failed' END AS outcome,
			   CASE WHEN t.good THEN NULL WHEN t.ends AND t.status = 'canceled' THEN 'canceled' WHEN t.ends THEN t.error_class
					ELSE (ARRAY['rate_limited', 'overloaded', 'connection'])[1 + floor(history.chance(t.n, seed + 5) * 3)] END AS why
		FROM tries t),
	used AS (
		SELECT e.*, round((CASE WHEN e.why IN ('rate_limited', 'overloaded', 'connection') THEN 1.5 ELSE e.seconds END
				* (0.5 + history.chance(e.n, seed + 6)))::numeric, 3)::float8 AS took,
			   CASE WHEN e.attempt_no > 1 THEN 5 * e.attempt_no ELSE 0 END AS pause,
			   CASE WHEN e.good OR e.why IN ('invalid_output', 'content_filter', 'max_iterations') THEN (800 + 2400 * history.chance(e.n, seed + 7))::bigint END AS input_tokens,
			   CASE WHEN e.good OR e.why IN ('invalid_output', 'content_filter', 'max_iterations') THEN (e.output_tokens * (0.6 + 0.8 * history.chance(e.n, seed + 8)))::bigint END AS told
		FROM ended e)
	INSERT INTO history.calls
	SELECT u.execution_id, u.step_no, u.attempt_no, u.attempt_no = u.tries, u.agent_version_id, u.model_id, u.outcome, u.why, u.took, u.pause,
		   sum(u.took + u.pause) OVER (PARTITION BY u.execution_id ORDER BY u.step_no DESC, u.attempt_no DESC),
		   sum(u.took + u.pause) OVER (PARTITION BY u.execution_id),
		   u.input_tokens, CASE WHEN u.n % 3 > 0 THEN (u.input_tokens * history.chance(u.n, seed + 9) * 0.5)::bigint END, u.told,
		   CASE WHEN u.n % 4 > 0 THEN u.told / 5 END
	FROM used u;
$$;

-- ---------- rows of the extension ----------

CREATE FUNCTION history.before(finished_at timestamptz, seconds float8) RETURNS timestamptz LANGUAGE sql IMMUTABLE
RETURN finished_at - seconds * interval '1 second';

CREATE PROCEDURE history.write_attempts() LANGUAGE sql AS $$
	INSERT INTO agent_studio.attempts (execution_id, step_no, attempt_no, outcome, epoch, agent_version_id, model_id, answered_by, sent_at,
		first_byte_at, first_token_at, finished_at, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens,
		input_cost_usd, output_cost_usd, possibly_billed, finish_reason, http_status, error_class, error_message, retryable, owner, team, workflow, is_test)
	SELECT c.execution_id, c.step_no, c.attempt_no, c.outcome, 1, c.agent_version_id, c.model_id, m.name,
		   history.before(r.finished_at, c.until_end - c.pause), CASE WHEN c.output_tokens IS NOT NULL THEN history.before(r.finished_at, c.until_end - c.pause - c.seconds / 20) END,
		   CASE WHEN c.output_tokens IS NOT NULL THEN history.before(r.finished_at, c.until_end - c.pause - c.seconds / 10) END,
		   history.before(r.finished_at, c.until_end - c.pause - c.seconds),
		   c.input_tokens, c.cached_input_tokens, c.output_tokens, c.reasoning_tokens,
		   (c.input_tokens - coalesce(c.cached_input_tokens, 0)) * p.input_price / 1000000
				+ coalesce(c.cached_input_tokens, 0) * coalesce(p.cached_input_price, p.input_price) / 1000000,
		   c.output_tokens * p.output_price / 1000000, true, CASE WHEN c.outcome = 'completed' THEN 'stop' END,
		   CASE c.error_class WHEN 'rate_limited' THEN 429 WHEN 'overloaded' THEN 503 WHEN 'bad_request' THEN 400 WHEN 'authentication' THEN 401
				WHEN 'permission' THEN 403 WHEN 'not_found' THEN 404 WHEN 'timeout' THEN NULL WHEN 'connection' THEN NULL ELSE 200 END,
		   c.error_class, 'it ended so: ' || c.error_class,
		   CASE WHEN c.outcome = 'failed' THEN c.error_class IN ('timeout', 'rate_limited', 'overloaded', 'connection') END, r.owner, r.team,
		   CASE WHEN w.kind = 'workflow' THEN w.name END, r.is_test
	FROM history.calls c JOIN history.runs r USING (execution_id) JOIN history.works w USING (work) JOIN agent_studio.models m USING (model_id)
	LEFT JOIN agent_studio.model_prices p USING (model_id)
	ORDER BY r.finished_at, c.execution_id, c.step_no, c.attempt_no;
$$;

CREATE PROCEDURE history.write_steps() LANGUAGE sql AS $$
	INSERT INTO agent_studio.steps (execution_id, step_no, name, title, plan_step, agent_version_id, model_id, state, verdict, attempt_no, queued_at,
		started_at, sent_at, finished_at, task, output, quality_score, finish_reason, error_class, error_message, owner, team)
	SELECT r.execution_id, s.step_no, s.name, CASE WHEN w.kind = 'workflow' THEN initcap(s.name) END, s.step_no,
		   c.agent_version_id, c.model_id,
		   CASE WHEN c.outcome IS NOT NULL THEN c.outcome WHEN e.status = 'canceled' THEN 'canceled' ELSE 'pending' END,
		   CASE WHEN e.status = 'requires_manual_review' AND s.step_no = r.last_step THEN 'manual_review' END,
		   coalesce(c.attempt_no, 0), history.before(r.finished_at, f.until_end), history.before(r.finished_at, f.until_end - f.pause),
		   history.before(r.finished_at, c.until_end - c.pause),
		   CASE WHEN c.outcome IS NOT NULL THEN history.before(r.finished_at, c.until_end - c.pause - c.seconds) WHEN e.status = 'canceled' THEN r.finished_at END,
		   CASE WHEN w.kind = 'workflow' THEN 'Do it.' END,
		   CASE WHEN c.output_tokens IS NOT NULL THEN format('The answer of step %s of execution %s.', s.step_no, r.execution_id) END,
		   CASE WHEN c.outcome = 'completed' AND s.step_no = 3 THEN round((0.7 + 0.3 * history.chance(r.execution_id, 99))::numeric, 3) END,
		   CASE WHEN c.outcome = 'completed' THEN 'stop' END, CASE WHEN c.outcome = 'failed' THEN c.error_class END,
		   CASE WHEN c.outcome = 'failed' THEN 'it ended so: ' || c.error_class END, r.owner, r.team
	FROM history.runs r JOIN history.works w USING (work) JOIN history.work_steps s USING (work)
	LEFT JOIN history.ends e ON e.no = r.end_no
	LEFT JOIN history.calls c ON c.execution_id = r.execution_id AND c.step_no = s.step_no AND c.is_last
	LEFT JOIN history.calls f ON f.execution_id = r.execution_id AND f.step_no = s.step_no AND f.attempt_no = 1
	ORDER BY r.execution_id, s.step_no;
$$;

CREATE PROCEDURE history.write_executions() LANGUAGE sql AS $$
	INSERT INTO agent_studio.executions (execution_id, kind, status, agent, workflow, workflow_version_id, task, priority, timeout_seconds, max_retries,
		output_format, inputs, is_test, owner, team, submitted_at, started_at, finished_at, attempts, input_tokens, cached_input_tokens,
		output_tokens, reasoning_tokens, input_cost_usd, output_cost_usd, error_class, error_message, error_hint)
	OVERRIDING SYSTEM VALUE
	SELECT r.execution_id, w.kind, coalesce(e.status, 'completed'), CASE WHEN w.kind = 'task' THEN w.name END, CASE WHEN w.kind = 'workflow' THEN w.name END,
		   v.workflow_version_id, format('Work %s of %s.', r.execution_id, r.owner),
		   (ARRAY['normal', 'normal', 'high', 'low', 'critical'])[1 + r.execution_id % 5], CASE WHEN w.kind = 'task' THEN 600 END, 3,
		   CASE WHEN w.kind = 'task' THEN 'markdown' END, CASE WHEN w.kind = 'workflow' THEN '{}'::jsonb END, r.is_test, r.owner, r.team,
		   history.before(r.finished_at, coalesce(c.seconds, 60) + 5 * history.chance(r.execution_id, 98)), history.before(r.finished_at, c.seconds), r.finished_at,
		   coalesce(c.attempts, 0), c.input_tokens, c.cached_input_tokens, c.output_tokens, c.reasoning_tokens, c.input_cost, c.output_cost,
		   nullif(e.error_class, 'never started'), CASE WHEN e.status = 'failed' THEN 'it ended so: ' || e.error_class END,
		   CASE WHEN e.status = 'failed' THEN 'Try it again.' END
	FROM history.runs r JOIN history.works w USING (work)
	LEFT JOIN history.ends e ON e.no = r.end_no
	LEFT JOIN agent_studio.workflows x ON x.name = w.name LEFT JOIN agent_studio.workflow_versions v ON v.workflow_id = x.workflow_id
	LEFT JOIN (
		SELECT c.execution_id, count(*) AS attempts, max(c.all_seconds) AS seconds, sum(c.input_tokens) AS input_tokens,
			   sum(c.cached_input_tokens) AS cached_input_tokens, sum(c.output_tokens) AS output_tokens, sum(c.reasoning_tokens) AS reasoning_tokens,
			   sum((c.input_tokens - coalesce(c.cached_input_tokens, 0)) * p.input_price / 1000000
					+ coalesce(c.cached_input_tokens, 0) * coalesce(p.cached_input_price, p.input_price) / 1000000) AS input_cost,
			   sum(c.output_tokens * p.output_price / 1000000) AS output_cost
		FROM history.calls c LEFT JOIN agent_studio.model_prices p USING (model_id) GROUP BY c.execution_id) c USING (execution_id)
	ORDER BY r.execution_id;
$$;

-- Some that are under way: what is queued, running, paused, and waits for a word.
CREATE PROCEDURE history.write_open(at timestamptz) LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
	id bigint;
	status text;
	step record;
BEGIN
	FOREACH status IN ARRAY ARRAY['queued', 'running', 'running', 'paused', 'waiting_approval'] LOOP
		INSERT INTO agent_studio.executions (kind, status, workflow, workflow_version_id, task, priority, max_retries, inputs, owner, team,
			submitted_at, started_at, attempts, input_tokens, output_tokens, input_cost_usd, output_cost_usd)
		SELECT 'workflow', status, x.name, v.workflow_version_id, x.name, 'normal', 3, '{}', 'alice', 'platform', at - interval '5 minutes',
			   CASE WHEN status <> 'queued' THEN at - interval '5 minutes' END, CASE WHEN status = 'queued' THEN 0 ELSE 1 END,
			   CASE WHEN status <> 'queued' THEN 1000 END, CASE WHEN status <> 'queued' THEN 2000 END,
			   CASE WHEN status <> 'queued' THEN 0.005 END, CASE WHEN status <> 'queued' THEN 0.04 END
		FROM agent_studio.workflows x JOIN agent_studio.workflow_versions v USING (workflow_id) WHERE x.name = 'feature-development'
		RETURNING execution_id INTO id;
		FOR step IN SELECT s.*, v.agent_version_id, v.model_id,
				CASE WHEN status = 'queued' THEN CASE s.step_no WHEN 1 THEN 'queued' ELSE 'pending' END
					WHEN s.step_no = 1 THEN 'completed' WHEN s.step_no = 2 THEN status ELSE 'pending' END AS state
			FROM history.work_steps s JOIN agent_studio.agents a ON a.name = s.agent JOIN agent_studio.agent_versions v USING (agent_id)
			WHERE s.work = 1 ORDER BY s.step_no
		LOOP
			INSERT INTO agent_studio.steps (execution_id, step_no, name, title, plan_step, agent_version_id, model_id, state, attempt_no, queued_at,
				started_at, sent_at, finished_at, task, output, owner, team)
			VALUES (id, step.step_no, step.name, initcap(step.name), step.step_no, step.agent_version_id, step.model_id, step.state,
				CASE WHEN step.state IN ('completed', 'running') THEN 1 ELSE 0 END, CASE WHEN step.state <> 'pending' THEN at - interval '5 minutes' END,
				CASE WHEN step.state IN ('completed', 'running') THEN at - interval '5 minutes' END,
				CASE WHEN step.state IN ('completed', 'running') THEN at - interval '5 minutes' END,
				CASE WHEN step.state = 'completed' THEN at - interval '3 minutes' END, 'Do it.', CASE WHEN step.state = 'completed' THEN 'The design.' END, 'alice', 'platform');
			IF step.state = 'completed' THEN
				INSERT INTO agent_studio.attempts (execution_id, step_no, attempt_no, outcome, epoch, agent_version_id, model_id, sent_at, finished_at,
					input_tokens, output_tokens, input_cost_usd, output_cost_usd, possibly_billed, http_status, owner, team, workflow)
				VALUES (id, 1, 1, 'completed', 1, step.agent_version_id, step.model_id, at - interval '5 minutes', at - interval '3 minutes',
					1000, 2000, 0.005, 0.04, true, 200, 'alice', 'platform', 'feature-development');
			ELSIF step.state = 'waiting_approval' THEN
				INSERT INTO agent_studio.approvals (execution_id, step_no, approver, message, requested_at, on_expiry, owner, team)
				VALUES (id, step.step_no, 'platform', 'Shall it be built?', at - interval '3 minutes', 'reject', 'alice', 'platform');
			END IF;
		END LOOP;
	END LOOP;
END
$$;

CREATE PROCEDURE history.generate(seed bigint) LANGUAGE plpgsql SET jit = off SET work_mem = '256MB' AS $$
BEGIN
	IF EXISTS (SELECT FROM agent_studio.executions) THEN
		RAISE EXCEPTION 'there are executions already';
	END IF;
	CALL history.create_cast();
	TRUNCATE history.runs, history.calls;
	CALL history.make_runs(seed);
	ANALYZE history.runs;
	CALL history.make_calls(seed);
	ANALYZE history.calls;
	CALL history.write_executions();
	CALL history.write_steps();
	CALL history.write_attempts();
	PERFORM setval(pg_get_serial_sequence('agent_studio.executions', 'execution_id'), (SELECT max(e.execution_id) FROM agent_studio.executions e));
	TRUNCATE history.runs, history.calls;
END
$$;

-- The guide's month so far has 156 runs of workflows, 143 of them completed: 91.7 %;
-- the month before 141 of 150: 94.0 %.
CREATE PROCEDURE history.sample(until timestamptz, seed bigint DEFAULT 1) LANGUAGE plpgsql SET timezone = 'UTC' AS $$
DECLARE
	month timestamptz := date_trunc('month', until);
BEGIN
	TRUNCATE history.batches;
	INSERT INTO history.batches VALUES (1, 'workflow', 156, 143, month, until, false), (2, 'task', 60, 54, month, until, false),
		(3, 'workflow', 150, 141, month - interval '1 month', month, false), (4, 'task', 80, 70, month - interval '1 month', month, false),
		(5, 'workflow', 140, 129, month - interval '2 months', month - interval '1 month', false), (6, 'task', 70, 64, month - interval '2 months', month - interval '1 month', false),
		(7, 'workflow', 12, 6, month - interval '2 months', until, true);
	CALL history.generate(seed);
	CALL history.write_open(until);
END
$$;

CREATE PROCEDURE history.bulk(executions bigint, until timestamptz, seed bigint DEFAULT 1) LANGUAGE plpgsql AS $$
BEGIN
	TRUNCATE history.batches;
	INSERT INTO history.batches VALUES (1, 'workflow', executions * 3 / 10, executions * 3 / 10 * 917 / 1000, until - interval '90 days', until),
		(2, 'task', executions - executions * 3 / 10, (executions - executions * 3 / 10) * 92 / 100, until - interval '90 days', until);
	CALL history.generate(seed);
	CALL history.write_open(until);
END
$$;
