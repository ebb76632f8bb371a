-- What 095_privileges.pl calls upon: roles, rows of every kind in every table, and the call itself.

CREATE ROLE matrix_team;
CREATE ROLE matrix_lead;
CREATE ROLE matrix_lead_of_others;
CREATE ROLE matrix_nobody;
CREATE ROLE matrix_bi_reader IN ROLE agent_studio_bi_reader;
CREATE ROLE matrix_user IN ROLE agent_studio_user, matrix_team, matrix_lead;
CREATE ROLE matrix_mate IN ROLE agent_studio_user, matrix_team;
CREATE ROLE matrix_stranger IN ROLE agent_studio_user;
CREATE ROLE matrix_monitor IN ROLE agent_studio_monitor;
CREATE ROLE matrix_operator IN ROLE agent_studio_operator;
CREATE ROLE matrix_admin IN ROLE agent_studio_admin;
GRANT CREATE ON SCHEMA public TO PUBLIC;
CREATE SCHEMA matrix;
GRANT USAGE ON SCHEMA matrix TO PUBLIC;

-- ---------- the call ----------

CREATE TYPE matrix.call AS (role text, statement text);

-- Calls as a role, and takes it back: "00000", or SQLSTATE|message|detail|hint.
CREATE FUNCTION matrix.attempt(role text, statement text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	state text;
	message text;
	detail text;
	hint text;
BEGIN
	BEGIN
		EXECUTE format('SET LOCAL ROLE %I', role);
		EXECUTE statement;
		RAISE EXCEPTION USING ERRCODE = 'P0MX0', MESSAGE = 'taken back';
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	END;
	RETURN CASE state WHEN 'P0MX0' THEN '00000' ELSE concat_ws('|', state, message, detail, hint) END;
END
$$;

CREATE FUNCTION matrix.as_role(role text, statement text) RETURNS void
LANGUAGE plpgsql SET client_min_messages = error AS $$
BEGIN
	EXECUTE format('SET LOCAL ROLE %I', role);
	EXECUTE statement;
	SET LOCAL ROLE NONE;
END
$$;

-- ---------- agents, workflows, schedules, budgets ----------

CREATE TABLE matrix.kinds (kind text, prefix text, owner text, team text, visibility text);
INSERT INTO matrix.kinds VALUES ('own', 'own', 'matrix_user', NULL, 'team'), ('team''s', 'team', 'matrix_mate', 'matrix_team', 'team'),
	('shared', 'shared', 'matrix_stranger', NULL, 'shared'), ('granted', 'execute', 'matrix_stranger', NULL, 'team'),
	('granted', 'modify', 'matrix_stranger', NULL, 'team'), ('granted', 'delete', 'matrix_stranger', NULL, 'team'),
	('another''s', 'another', 'matrix_stranger', NULL, 'team');
SELECT matrix.as_role(k.owner, format('SELECT agent_studio.as_create_agent(%L, ''builder'', ''mock'', team => %L, visibility => %L)', k.prefix || '-agent', k.team, k.visibility)),
	matrix.as_role(k.owner, format('SELECT agent_studio.as_create_workflow(%L, ''sequential'', %L, team => %L, visibility => %L)', k.prefix || '-flow',
		'{"steps": [{"name": "build", "agent": "worker", "task": "Build."}]}', k.team, k.visibility)),
	matrix.as_role(k.owner, format('SELECT agent_studio.as_add_step(%L, ''more'', ''worker'', ''More.'')', k.prefix || '-flow')),
	matrix.as_role(k.owner, format('SELECT agent_studio.as_create_workflow(%L, ''sequential'', team => %L, visibility => %L)', k.prefix || '-draft', k.team, k.visibility))
FROM matrix.kinds k;
SELECT matrix.as_role('matrix_stranger', format('SELECT agent_studio.as_grant(%L, ''matrix_user'', %L)', p || '-' || o, p))
FROM unnest('{agent,flow,draft}'::text[]) o, unnest('{execute,modify,delete}'::text[]) p;
SELECT matrix.as_role('matrix_user', $$SELECT agent_studio.as_grant('own-agent', 'matrix_mate')$$),
	matrix.as_role('matrix_stranger', $$SELECT agent_studio.as_grant('another-agent', 'matrix_mate')$$);
SELECT agent_studio.as_create_model('unused', 'mock');
CREATE SERVER locked TYPE 'openai' FOREIGN DATA WRAPPER agent_studio OPTIONS (url 'https://api.example.com/v1');
SELECT agent_studio.as_create_model('locked', 'locked');
CREATE FUNCTION matrix.exported() RETURNS jsonb LANGUAGE sql
RETURN '{"agent_studio_workflow": 1, "name": "imported", "pattern": "sequential", "definition": {"steps": [{"name": "a", "agent": "worker", "task": "b"}]}}'::jsonb;
INSERT INTO agent_studio.schedules (name, cron, workflow, owner, team)
SELECT k.prefix || '-schedule', '0 3 * * *', k.prefix || '-flow', k.owner, k.team FROM matrix.kinds k;
INSERT INTO agent_studio.schedule_jobs SELECT s.schedule_id, s.name FROM agent_studio.schedules s;
SELECT agent_studio.as_set_budget(scope, 100, 'year')
FROM unnest('{all,user:matrix_mate,user:matrix_stranger,team:matrix_team,agent:own-agent,agent:team-agent,workflow:another-flow}'::text[]) scope;
SELECT matrix.as_role('matrix_user', $$SELECT agent_studio.as_set_budget('user:matrix_user', 50)$$);
INSERT INTO agent_studio.budget_spending (budget_id, period_start, spent_usd, unknown_calls) SELECT budget_id, '2026-01-01', 1, 0 FROM agent_studio.budgets;

-- ---------- executions ----------

CREATE TABLE matrix.runs (kind text, state text, execution_id bigint);

-- A workflow's execution whose second step is in that state, as the executor would have written it;
-- or a completed task. Of each, the lead of others was asked, of those of kind asked the user's.
CREATE FUNCTION matrix.run(kind text, owner text, team text, state text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	id bigint;
	ended boolean := state IN ('failed', 'partial', 'completed');
BEGIN
	INSERT INTO agent_studio.executions AS e (kind, status, agent, workflow, plan, task, priority, max_retries, inputs, owner, team, started_at, finished_at,
		timeout_seconds, output_format, context, error_class, error_message, error_hint)
	VALUES (CASE state WHEN 'completed' THEN 'task' ELSE 'workflow' END, CASE state WHEN 'partial' THEN 'requires_manual_review' ELSE state END,
		CASE state WHEN 'completed' THEN 'worker' END, CASE WHEN state <> 'completed' THEN 'flow' END,
		CASE WHEN state <> 'completed' THEN jsonb '{"pattern": "sequential", "steps": [{"name": "design", "agent": "worker", "task": "Design."},
			{"name": "build", "agent": "worker", "task": "Build.", "outputs": {"code": {"type": "string", "file_name": "code.md"}}}, {"name": "check", "agent": "worker", "task": "Check.", "final": true}]}' END,
		'sesame of the task', 'normal', 3, CASE WHEN state <> 'completed' THEN jsonb '{"a": "sesame of inputs"}' END, run.owner, run.team, now(), CASE WHEN ended THEN now() END,
		CASE state WHEN 'completed' THEN 300 END, CASE state WHEN 'completed' THEN 'markdown' END, CASE state WHEN 'completed' THEN jsonb '{"a": "sesame of context"}' ELSE '{}' END,
		CASE state WHEN 'failed' THEN 'timeout' END, CASE state WHEN 'failed' THEN 'sesame of the vendor' END, CASE state WHEN 'failed' THEN 'Try again.' END)
	RETURNING e.execution_id INTO id;
	INSERT INTO matrix.runs VALUES (run.kind, run.state, id);
	INSERT INTO agent_studio.steps (execution_id, step_no, name, plan_step, agent_version_id, model_id, state, queued_at, started_at, finished_at, task, output, outputs, output_format, owner, team)
	SELECT id, n, (ARRAY['design', 'build', 'check'])[n], n, 1, 1, s.state,
		CASE WHEN s.state <> 'pending' THEN now() END, CASE WHEN s.state NOT IN ('pending', 'waiting_approval') THEN now() END,
		CASE WHEN s.state IN ('completed', 'failed', 'partial') THEN now() END, 'sesame of the step', CASE WHEN s.state IN ('completed', 'partial') THEN 'sesame of the output' END,
		CASE WHEN s.state = 'completed' THEN jsonb '{"code": "sesame of outputs"}' END, 'markdown', run.owner, run.team
	FROM generate_series(1, CASE run.state WHEN 'completed' THEN 1 ELSE 3 END) n, LATERAL (SELECT (ARRAY['completed', run.state, 'pending'])[n] AS state) s;
	INSERT INTO agent_studio.queue (execution_id, step_no, model_id, order_at, run_at) SELECT id, 2, 1, now(), now() WHERE state = 'paused';
	INSERT INTO agent_studio.approvals (execution_id, step_no, approver, message, requested_at, on_expiry, decision, decided_by, decided_at, owner, team)
	SELECT id, 2, CASE run.kind WHEN 'asked' THEN 'matrix_lead' ELSE 'matrix_lead_of_others' END, 'May it be built?', now(), 'reject',
		CASE WHEN state <> 'waiting_approval' THEN 'approved' END, CASE WHEN state <> 'waiting_approval' THEN 'matrix_admin' END, CASE WHEN state <> 'waiting_approval' THEN now() END,
		run.owner, run.team
	WHERE state <> 'completed';
END
$$;
SELECT matrix.run(k.kind, k.owner, k.team, s.state)
FROM (VALUES ('own', 'matrix_user', NULL), ('team''s', 'matrix_mate', 'matrix_team'), ('asked', 'matrix_stranger', NULL), ('another''s', 'matrix_stranger', NULL)) k (kind, owner, team),
	unnest('{waiting_approval,paused,failed,partial,completed}'::text[]) s (state);
-- Of a task, too.
INSERT INTO agent_studio.approvals (execution_id, step_no, approver, message, requested_at, on_expiry, decision, decided_by, decided_at, owner)
SELECT r.execution_id, 1, 'matrix_lead', 'May it begin?', now(), 'reject', 'approved', 'matrix_admin', now(), 'matrix_stranger'
FROM matrix.runs r WHERE r.kind = 'asked' AND r.state = 'completed';

INSERT INTO agent_studio.attempts (execution_id, step_no, attempt_no, outcome, epoch, agent_version_id, model_id, sent_at, finished_at, possibly_billed, error_class, error_message,
	input_tokens, output_tokens, input_cost_usd, output_cost_usd, owner, team)
SELECT execution_id, 1, 1, 'failed', 1, 1, 1, now(), now(), false, 'timeout', 'sesame of the vendor', 10, 20, 1, 2, owner, team FROM agent_studio.executions;
INSERT INTO agent_studio.live_usage (execution_id, step_no, attempt_no, model_id, output_tokens, seen_at, owner, team)
SELECT execution_id, 1, 1, 1, 5, now(), owner, team FROM agent_studio.executions;
INSERT INTO agent_studio.thoughts (execution_id, seq, step_no, attempt_no, at, elapsed_ms, source, content, owner, team)
SELECT execution_id, 1, 1, 0, now(), 0, 'system', 'sesame of a thought', owner, team FROM agent_studio.executions;
INSERT INTO agent_studio.notices (execution_id, severity, kind, message, owner, team)
SELECT execution_id, 'warning', k, 'sesame of a notice', owner, team FROM agent_studio.executions, unnest('{retry,manual_review}'::text[]) k;
INSERT INTO agent_studio.logs (execution_id, step_no, at, level, message, owner, team) SELECT execution_id, 1, now(), 'DEBUG', 'sesame of a log', owner, team FROM agent_studio.executions;
INSERT INTO agent_studio.commands (execution_id, wanted, actor, applied_at, outcome, owner, team) SELECT execution_id, 'pause', owner, now(), 'refused', owner, team FROM agent_studio.executions;
INSERT INTO agent_studio.deliveries (execution_id, action, owner, team) SELECT execution_id, 'email', owner, team FROM agent_studio.executions;
INSERT INTO agent_studio.model_headroom (model_id, seen_at) VALUES (1, now());
INSERT INTO agent_studio.epochs (database_oid) SELECT oid FROM pg_database WHERE datname = current_database();
INSERT INTO agent_studio.closed_days (day, counted_until, until, rolled_up_at)
SELECT d.day, d.until, d.until, now() FROM (SELECT current_date - 100 AS day, (current_date - 99)::timestamp AT TIME ZONE 'UTC' AS until) d;
INSERT INTO agent_studio.stale_days (day, marked_at) VALUES (current_date - 100, now());
INSERT INTO agent_studio.daily_totals (day, kind, agent, owner, team, status, executions, timed, fast, medium, slow, attempts, with_cost, without_cost, priced, unpriced)
SELECT current_date - 100, 'task', 'worker', k.owner, k.team, 'completed', 1, 1, 1, 0, 0, 1, 0, 0, 0, 1 FROM matrix.kinds k;
INSERT INTO agent_studio.daily_spending (day, agent, model, owner, team, is_test, outcome, attempts, retries, duration_seconds, without_cost)
SELECT current_date - 100, 'worker', 'mock', k.owner, k.team, false, 'completed', 1, 0, 1, 0 FROM matrix.kinds k;
INSERT INTO agent_studio.daily_owner_totals (day, subject, name, owner, team, status, executions, timed, fast, medium, slow, with_cost, without_cost)
SELECT current_date - 100, 'kind', 'task', k.owner, k.team, 'completed', 1, 1, 1, 0, 0, 0, 0 FROM matrix.kinds k;
INSERT INTO agent_studio.daily_owner_spending (day, owner, team, attempts, without_cost)
SELECT current_date - 100, k.owner, k.team, 1, 0 FROM matrix.kinds k;

-- What the document says besides.
GRANT USAGE ON FOREIGN SERVER locked TO matrix_stranger;
SELECT matrix.as_role('matrix_stranger', $$SELECT agent_studio.as_create_agent('locked-shared', 'builder', 'locked', visibility => 'shared')$$);

-- An own execution, of which a step waits for nobody in particular.
CREATE FUNCTION matrix.asks_nobody() RETURNS bigint
LANGUAGE sql AS $$
	DELETE FROM agent_studio.approvals a USING matrix.runs r WHERE a.execution_id = r.execution_id AND r.kind = 'own' AND r.state = 'waiting_approval';
	SELECT r.execution_id FROM matrix.runs r WHERE r.kind = 'own' AND r.state = 'waiting_approval'
$$;

-- ---------- whose a row is, whoever asks ----------

CREATE FUNCTION matrix.whose(id bigint) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER
RETURN (SELECT r.kind FROM matrix.runs r WHERE r.execution_id = id);
CREATE FUNCTION matrix.owners(owner text, team text) RETURNS text LANGUAGE sql
RETURN CASE WHEN owner = 'matrix_user' THEN 'own' WHEN team = 'matrix_team' THEN 'team''s' ELSE 'another''s' END;
CREATE FUNCTION matrix.called(name text) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER
RETURN coalesce((SELECT k.kind FROM matrix.kinds k WHERE k.prefix = split_part(name, '-', 1)), 'shared');
CREATE FUNCTION matrix.agent_name(id bigint) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER
RETURN (SELECT a.name FROM agent_studio.agents a WHERE a.agent_id = id);
CREATE FUNCTION matrix.workflow_name(id bigint) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER
RETURN (SELECT w.name FROM agent_studio.workflows w WHERE w.workflow_id = id);
CREATE FUNCTION matrix.granted(role text, granted_by text) RETURNS text LANGUAGE sql
RETURN CASE WHEN granted_by = 'matrix_user' THEN 'own' WHEN role = 'matrix_user' THEN 'granted' ELSE 'another''s' END;
CREATE FUNCTION matrix.scoped(kind text, name text) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER
RETURN CASE WHEN kind = 'all' THEN 'general' WHEN kind IN ('agent', 'workflow') THEN matrix.called(name) WHEN name = 'matrix_user' THEN 'own'
	WHEN name = 'matrix_team' THEN 'team''s' ELSE 'another''s' END;
CREATE FUNCTION matrix.scoped_budget(id bigint) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER
RETURN (SELECT matrix.scoped(b.kind, b.name) FROM agent_studio.budgets b WHERE b.budget_id = id);

-- ---------- what is looked at as a whole ----------

-- What PUBLIC may do with the extension's objects, their columns and row types.
CREATE FUNCTION matrix.public_privileges() RETURNS TABLE (kind text, object text, privilege text)
LANGUAGE sql AS $$
	WITH members AS (
		SELECT d.classid, d.objid FROM pg_depend d JOIN pg_extension x ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = x.oid
		WHERE x.extname = 'agent_studio' AND d.deptype = 'e'
		-- The schema that the control file names is no member.
		UNION SELECT 'pg_namespace'::regclass, x.extnamespace FROM pg_extension x WHERE x.extname = 'agent_studio'),
	relations AS (SELECT c.* FROM pg_class c WHERE c.relnamespace IN (SELECT m.objid FROM members m WHERE m.classid = 'pg_namespace'::regclass))
	SELECT o.kind, o.object, a.privilege_type
	FROM (SELECT 'function', p.oid::regprocedure::text, coalesce(p.proacl, acldefault('f', p.proowner))
		  FROM members m JOIN pg_proc p ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
		  UNION ALL SELECT 'schema', n.nspname, coalesce(n.nspacl, acldefault('n', n.nspowner))
		  FROM members m JOIN pg_namespace n ON m.classid = 'pg_namespace'::regclass AND m.objid = n.oid
		  UNION ALL SELECT 'wrapper', w.fdwname, coalesce(w.fdwacl, acldefault('F', w.fdwowner))
		  FROM members m JOIN pg_foreign_data_wrapper w ON m.classid = 'pg_foreign_data_wrapper'::regclass AND m.objid = w.oid
		  UNION ALL SELECT 'relation', c.oid::regclass::text, coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's'::"char" ELSE 'r' END, c.relowner)) FROM relations c
		  UNION ALL SELECT 'type', t.oid::regtype::text, coalesce(t.typacl, acldefault('T', t.typowner)) FROM relations c JOIN pg_type t ON t.typrelid = c.oid
		  UNION ALL SELECT 'column', c.oid::regclass || '.' || f.attname, f.attacl FROM relations c JOIN pg_attribute f ON f.attrelid = c.oid AND f.attacl IS NOT NULL
		 ) o (kind, object, acl), aclexplode(o.acl) a
	WHERE a.grantee = 0
$$;

-- Views for BI in which a word of a prompt, an input, an output, a thought or a vendor turns up.
CREATE FUNCTION matrix.bi_words() RETURNS TABLE (relation text, word text)
LANGUAGE plpgsql AS $$
DECLARE
	name text;
BEGIN
	FOR name IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'agent_studio_bi'::regnamespace LOOP
		RETURN QUERY EXECUTE format('SELECT %L, substring(v::text FROM ''sesame[a-z ]*'') FROM agent_studio_bi.%I v WHERE v::text ~ ''sesame''', name, name);
	END LOOP;
END
$$;

-- Nothing is left for an executor.
CREATE FUNCTION matrix.clear() RETURNS void
LANGUAGE sql AS $$
	TRUNCATE agent_studio.executions, agent_studio.steps, agent_studio.attempts, agent_studio.live_usage, agent_studio.thoughts, agent_studio.notices, agent_studio.logs,
		agent_studio.commands, agent_studio.approvals, agent_studio.deliveries, agent_studio.queue, agent_studio.budgets, agent_studio.budget_spending
$$;
