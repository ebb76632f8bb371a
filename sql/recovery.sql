-- What people can have done to executions: pause, approve, and six ways to go on after
-- a failure. No executor runs: the rows are written by hand, as it would write them,
-- and what is looked at is what a session may ask for, and what it is told.
SELECT tests.reset();
\pset null (null)
SET timezone = 'UTC';
CREATE ROLE regress_lead IN ROLE agent_studio_user;

-- The guide's workflow, and the same with other settings.
CREATE TABLE tests.definitions (name text PRIMARY KEY, definition jsonb);
INSERT INTO tests.definitions VALUES ('feature', '{"pattern": "sequential", "inputs": {"feature_name": "string"}, "steps": [
	{"name": "design-architecture", "agent": "worker", "task": "Design.", "outputs": {"architecture": "string", "components": "array"}},
	{"name": "implement-feature", "agent": "worker", "task": "Build.", "timeout_seconds": 300, "outputs": {"code": "string",
		"tests": {"type": "array", "required": false}, "risk": {"type": "enum", "values": ["low", "high"]}, "lines": "number", "ready": "boolean", "details": "object"}},
	{"name": "validate-implementation", "agent": "worker", "task": "Check."},
	{"name": "generate-documentation", "agent": "worker", "task": "Write.", "final": true},
	{"name": "undo-feature", "agent": "worker", "task": "Undo.", "compensates": "implement-feature"}]}');
INSERT INTO tests.definitions
SELECT v.name, d.definition || v.settings FROM tests.definitions d,
	(VALUES ('no-retry', jsonb '{"settings": {"manual_retry": false}}'), ('hands-off', '{"settings": {"manual_intervention": false}}')) v (name, settings);

-- An execution in a status, with its steps in these states; the others are pending.
CREATE FUNCTION tests.run(status text, states jsonb DEFAULT '{}', definition text DEFAULT 'feature', owner text DEFAULT 'regress_alice') RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
	id bigint;
	start timestamptz := '2026-03-01 12:00:00+00';
BEGIN
	INSERT INTO agent_studio.executions AS e (kind, status, workflow, plan, task, priority, max_retries, inputs, owner, started_at, finished_at)
	SELECT 'workflow', run.status, d.name, d.definition, 'Feature development', 'normal', 3, '{}', run.owner,
		CASE WHEN run.status <> 'queued' THEN start END,
		CASE WHEN run.status IN ('completed', 'failed', 'canceled', 'requires_manual_review') THEN start + interval '10 minutes' END
	FROM tests.definitions d WHERE d.name = run.definition RETURNING e.execution_id INTO id;
	INSERT INTO agent_studio.steps (execution_id, step_no, name, plan_step, agent_version_id, model_id, state, verdict, timeout_seconds, error_class, error_message,
		queued_at, started_at, finished_at, owner)
	SELECT id, s.n, s.step ->> 'name', s.n, 1, 1, split_part(given.state, ':', 1), nullif(split_part(given.state, ':', 2), ''),
		(s.step -> 'timeout_seconds')::int, CASE WHEN given.state = 'failed' THEN 'timeout' END,
		CASE WHEN given.state = 'failed' THEN 'Agent execution exceeded 300 second timeout' END,
		CASE WHEN given.state <> 'pending' THEN start END, CASE WHEN given.state NOT IN ('pending', 'queued', 'waiting_approval') THEN start END,
		CASE WHEN given.state ~ '^(completed|partial|failed|skipped|canceled)' THEN start + s.n * interval '87 seconds' END, run.owner
	FROM tests.definitions d, jsonb_array_elements(d.definition -> 'steps') WITH ORDINALITY s (step, n),
		LATERAL (SELECT coalesce(states ->> (s.step ->> 'name'), 'pending') AS state) given
	WHERE d.name = run.definition;
	INSERT INTO agent_studio.queue (execution_id, step_no, model_id, order_at, run_at)
	SELECT s.execution_id, s.step_no, 1, now(), now() FROM agent_studio.steps s
	WHERE s.execution_id = id AND s.state IN ('queued', 'running', 'retrying', 'paused');
	INSERT INTO agent_studio.approvals (execution_id, step_no, approver, message, requested_at, on_expiry, owner)
	SELECT s.execution_id, s.step_no, 'regress_lead', 'May it be deployed?', start, 'reject', s.owner FROM agent_studio.steps s
	WHERE s.execution_id = id AND s.state = 'waiting_approval';
	RETURN id;
END
$$;
-- One call, and what it says; unaligned, so that every line counts.
CREATE FUNCTION tests.call(call text) RETURNS SETOF text
LANGUAGE sql AS $$ SELECT * FROM tests.try(format('SELECT as_%s', call)) $$;
-- A call that is accepted, and leaves nothing behind.
CREATE FUNCTION tests.undone(call text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE call;
	RAISE EXCEPTION 'accepted' USING ERRCODE = 'P0001';
END
$$;

SELECT tests.run('queued', '{"design-architecture": "queued"}') AS queued,
	tests.run('running', '{"design-architecture": "completed", "implement-feature": "running"}') AS running,
	tests.run('paused', '{"design-architecture": "completed", "implement-feature": "paused"}') AS paused,
	tests.run('waiting_approval', '{"design-architecture": "completed", "implement-feature": "waiting_approval"}') AS waiting,
	tests.run('completed', '{"design-architecture": "failed", "implement-feature": "completed", "validate-implementation": "completed", "generate-documentation": "completed"}') AS completed,
	tests.run('canceled', '{"design-architecture": "failed", "implement-feature": "canceled"}') AS canceled,
	tests.run('failed', '{"design-architecture": "completed", "implement-feature": "failed"}') AS failed,
	tests.run('requires_manual_review', '{"design-architecture": "completed", "implement-feature": "partial"}') AS partial,
	tests.run('requires_manual_review', '{"design-architecture": "completed", "implement-feature": "completed:manual_review"}') AS held,
	tests.run('running', '{"design-architecture": "partial:accepted", "implement-feature": "retrying", "validate-implementation": "queued"}') AS accepted,
	tests.run('failed', '{"design-architecture": "completed", "implement-feature": "failed"}', 'no-retry') AS no_retry,
	tests.run('requires_manual_review', '{"implement-feature": "partial"}', 'hands-off') AS hands_off,
	tests.run('running', '{"design-architecture": "running"}', 'hands-off') AS hands_off_running,
	tests.run('failed', '{"validate-implementation": "failed"}') AS no_outputs,
	tests.run('failed', '{"implement-feature": "completed", "validate-implementation": "failed", "undo-feature": "completed"}') AS rolled_back \gset

\pset format unaligned
\pset tuples_only on
SET ROLE regress_alice;
-- Pause and resume: wherever they make no sense, the state, where they do, and the way out.
SELECT t.* FROM unnest(ARRAY[:paused, :completed, :canceled, :failed, :partial, :hands_off_running]) id, LATERAL tests.call(format('pause(%s)', id)) t;
SELECT t.* FROM unnest(ARRAY[:queued, :running, :waiting, :completed, :canceled, :failed, :partial]) id, LATERAL tests.call(format('resume(%s)', id)) t;
SELECT * FROM tests.call(format('pause(%s, immediately => NULL)', :running));
-- Approve and reject.
SELECT t.* FROM unnest('{approve,reject}'::text[]) f, unnest(ARRAY['design-architecture', 'validate-implementation']) step,
	LATERAL tests.call(format('%s(%s, %L%s)', f, :waiting, step, CASE f WHEN 'reject' THEN ', ''no''' ELSE '' END)) t;
SELECT t.* FROM unnest(ARRAY[:running, :completed, :failed]) id, LATERAL tests.call(format('approve(%s, ''implement-feature'')', id)) t;
SELECT t.* FROM unnest(ARRAY['''implement-feature'', NULL', '''implement-feature'', '' ''']) a, LATERAL tests.call(format('reject(%s, %s)', :waiting, a)) t;
-- Retry, accept, complete, skip: each in every state where it is not legal.
SELECT t.* FROM (VALUES ('retry_step'), ('complete_step'), ('skip_step'), ('accept_partial')) f (name),
	(VALUES (:running, 'implement-feature'), (:running, 'design-architecture'), (:running, 'generate-documentation'), (:queued, '1'), (:paused, '2'),
		(:completed, 'design-architecture'), (:canceled, 'design-architecture'), (:accepted, 'design-architecture'), (:accepted, 'implement-feature'),
		(:failed, 'design-architecture'), (:rolled_back, 'validate-implementation')) s (id, step),
	LATERAL tests.call(format('%s(%s, %L%s)', f.name, s.id, s.step, CASE f.name WHEN 'complete_step' THEN ', output => ''x''' ELSE '' END)) t;
SELECT t.* FROM unnest('{retry_step,complete_step,accept_partial}'::text[]) f, unnest(ARRAY[:waiting, :failed]) id,
	LATERAL tests.call(format('%s(%s, %L)', f, id, CASE id WHEN :waiting THEN 'implement-feature' ELSE 'generate-documentation' END)) t;
SELECT * FROM tests.call(format('accept_partial(%s, ''implement-feature'')', :failed));
SELECT * FROM tests.call(format('accept_partial(%s, ''implement-feature'')', :held));
-- What the definition does not allow.
SELECT * FROM tests.call(format('retry_step(%s, ''implement-feature'')', :no_retry));
SELECT t.* FROM unnest('{accept_partial,complete_step,skip_step}'::text[]) f, LATERAL tests.call(format('%s(%s, ''implement-feature'')', f, :hands_off)) t;
-- Steps and arguments that are none.
SELECT t.* FROM unnest(ARRAY['''implement-faeture''', '''deploy''', '''99''', '''0''', '''-2''', 'NULL', '''''', '''2147483648''']) step,
	LATERAL tests.call(format('retry_step(%s, %s)', :failed, step)) t;
SELECT t.* FROM unnest(ARRAY[0, 86401]) seconds, LATERAL tests.call(format('retry_step(%s, ''2'', timeout_seconds => %s)', :failed, seconds)) t;
-- Outputs by hand: everything that is missing or wrong, at once.
SELECT t.* FROM unnest(ARRAY['', ', outputs => ''[]''', ', outputs => ''{}''', ', output => ''print()''',
	', outputs => ''{"code": 1, "tests": {}, "risk": "medium", "lines": "7", "ready": null, "details": [], "extra": 1}''',
	', outputs => ''{"code": "x", "risk": 3, "lines": 7, "ready": true, "details": {}}''']) a,
	LATERAL tests.call(format('complete_step(%s, ''implement-feature''%s)', :failed, a)) t;
SELECT * FROM tests.call(format('complete_step(%s, ''validate-implementation'', outputs => ''{"verdict": "good"}'')', :no_outputs));
RESET ROLE;
UPDATE steps SET output_format = 'json', json_schema = '{"type": "object", "required": ["verdict"]}' WHERE execution_id = :no_outputs AND step_no = 3;
SET ROLE regress_alice;
SELECT t.* FROM unnest(ARRAY['good', '{}']) o, LATERAL tests.call(format('complete_step(%s, ''3'', output => %L)', :no_outputs, o)) t;
\pset tuples_only off
\pset format aligned
SELECT count(*) AS commands_after_all_that FROM commands;

-- Rights: the owner and operators command; who is asked decides; who sees nothing learns nothing.
\pset format unaligned
\pset tuples_only on
SET ROLE regress_bob;
SELECT t.* FROM unnest(ARRAY[format('pause(%s)', :running), format('resume(%s)', :paused), format('approve(%s, ''2'')', :waiting), format('reject(%s, ''2'', ''x'')', :waiting),
	format('retry_step(%s, ''2'')', :failed), format('accept_partial(%s, ''2'')', :partial), format('complete_step(%s, ''2'')', :failed), format('skip_step(%s, ''2'')', :failed),
	format('failure(%s)', :failed), format('recovery_options(%s)', :failed), format('workflow_status(%s)', :failed), 'pause(-1)', 'pause(NULL)', 'retry_step(NULL, NULL)']) c, LATERAL tests.call(c) t;
RESET ROLE;
UPDATE executions SET team = 'regress_team' WHERE execution_id IN (:waiting, :failed);
SET ROLE regress_carol;
SELECT t.* FROM unnest(ARRAY[format('pause(%s)', :waiting), format('approve(%s, ''2'')', :waiting), format('reject(%s, ''2'', ''x'')', :waiting),
	format('retry_step(%s, ''2'')', :failed), format('skip_step(%s, ''2'')', :failed)]) c, LATERAL tests.call(c) t;
SET ROLE regress_mona;
SELECT t.* FROM unnest(ARRAY[format('pause(%s)', :waiting), format('skip_step(%s, ''2'')', :failed)]) c, LATERAL tests.call(c) t;
-- The owner is not asked, so she cannot decide; the one who is asked cannot do anything else.
SET ROLE regress_alice;
SELECT * FROM tests.call(format('approve(%s, ''implement-feature'')', :waiting));
SELECT * FROM tests.call(format('reject(%s, ''implement-feature'', ''no'')', :waiting));
SELECT count(*) FROM pending_approvals;
SET ROLE regress_lead;
SELECT t.* FROM unnest(ARRAY[format('pause(%s)', :waiting), format('cancel(%s)', :waiting), format('skip_step(%s, ''2'')', :waiting), format('approve(%s, ''1'')', :waiting),
	format('approve(%s, ''2'')', :running), format('approve(%s, ''deploy'')', :waiting)]) c, LATERAL tests.call(c) t;
\pset tuples_only off
\pset format aligned
\x on
-- The execution itself she may not see, nor the step's name.
SELECT * FROM pending_approvals;
SET ROLE regress_olaf;
SELECT step, approve, reject FROM pending_approvals;
\x off
RESET ROLE;
-- Decided, or too late.
SELECT tests.run('waiting_approval', '{"design-architecture": "waiting_approval"}') AS late,
	tests.run('waiting_approval', '{"design-architecture": "waiting_approval"}') AS decided,
	tests.run('waiting_approval', '{"design-architecture": "waiting_approval"}', owner => 'regress_bob') AS own \gset
UPDATE approvals SET expires_at = '2026-03-01 13:00:00+00' WHERE execution_id = :late;
UPDATE approvals SET decision = 'rejected' WHERE execution_id = :decided;
UPDATE approvals SET approver = 'regress_bob' WHERE execution_id = :own;
\pset format unaligned
\pset tuples_only on
SET ROLE regress_lead;
SELECT t.* FROM unnest(ARRAY[:late, :decided]) id, LATERAL tests.call(format('approve(%s, ''design-architecture'')', id)) t;
SELECT execution_id = :waiting FROM pending_approvals;
-- Where the owner is asked, the owner decides.
SET ROLE regress_bob;
SELECT execution_id = :own, step FROM pending_approvals;
SELECT * FROM tests.call(format('reject(%s, ''design-architecture'', ''not like this'')', :own));

-- Accepted: a row each, and asked for again no second one.
SET ROLE regress_lead;
SELECT t.* FROM generate_series(1, 2), LATERAL tests.call(format('approve(%s, ''2'', comment => ''well done'')', :waiting)) t;
SET ROLE regress_olaf;
SELECT * FROM tests.call(format('reject(%s, ''2'', ''no'')', :waiting));
SET ROLE regress_alice;
SELECT t.* FROM unnest(ARRAY[format('pause(%s, reason => ''lunch'')', :running), format('pause(%s)', :running), format('pause(%s, immediately => true)', :running),
	format('pause(%s, true)', :running), format('resume(%s)', :running), format('resume(%s)', :paused), format('pause(%s)', :paused), format('resume(%s)', :paused),
	format('retry_step(%s, ''implement-feature'', timeout_seconds => 480)', :failed), format('retry_step(%s, ''2'')', :failed), format('skip_step(%s, ''2'')', :failed),
	format('accept_partial(%s, ''implement-feature'')', :partial), format('retry_step(%s, ''implement-feature'')', :partial), format('skip_step(%s, ''generate-documentation'')', :partial),
	format('complete_step(%s, ''implement-feature'', outputs => ''{"code": "x", "risk": "low", "lines": 7, "ready": true, "details": {}, "tests": null}'', output => ''by hand'')', :held),
	format('skip_step(%s, ''implement-feature'')', :no_retry), format('complete_step(%s, ''1'', output => ''x'')', :no_retry)]) c, LATERAL tests.call(c) t;
-- Steps that rest while others run or wait, and one that waits for a word.
RESET ROLE;
SELECT tests.run('running', '{"design-architecture": "failed", "implement-feature": "running", "validate-implementation": "partial", "generate-documentation": "completed:manual_review"}') AS branches,
	tests.run('paused', '{"design-architecture": "failed", "implement-feature": "paused"}') AS paused_branches,
	tests.run('waiting_approval', '{"design-architecture": "waiting_approval"}') AS waiting_too,
	tests.run('failed', '{"design-architecture": "canceled"}') AS rejected \gset
INSERT INTO approvals (execution_id, step_no, approver, message, requested_at, on_expiry, decision, owner)
VALUES (:rejected, 1, 'regress_lead', 'May it?', now(), 'reject', 'rejected', 'regress_alice');
SET ROLE regress_alice;
SELECT t.* FROM unnest(ARRAY[format('retry_step(%s, ''1'')', :branches), format('accept_partial(%s, ''3'')', :branches), format('retry_step(%s, ''4'')', :branches),
	format('complete_step(%s, ''1'', ''{"architecture": "x", "components": []}'')', :paused_branches), format('skip_step(%s, ''1'')', :waiting_too), format('pause(%s)', :waiting_too),
	format('retry_step(%s, ''1'')', :rejected)]) c, LATERAL tests.call(c) t;
SET ROLE regress_olaf;
SELECT * FROM tests.call(format('pause(%s)', :queued));
-- A cancel that is pending allows nothing else; anything else allows a cancel.
SET ROLE regress_alice;
SELECT t.* FROM unnest(ARRAY[format('cancel(%s, ''enough'')', :accepted), format('pause(%s)', :accepted), format('resume(%s)', :accepted), format('skip_step(%s, ''2'')', :accepted),
	format('retry_step(%s, ''1'')', :accepted), format('cancel(%s)', :accepted), format('cancel(%s)', :running)]) c, LATERAL tests.call(c) t;
\pset tuples_only off
\pset format aligned
RESET ROLE;
SELECT e.status, c.wanted, c.step_no, c.arguments, c.actor, c.reason, c.outcome FROM commands c JOIN executions e USING (execution_id) ORDER BY c.command_id;
SET ROLE regress_alice;
SELECT status, note FROM as_status(:running);
SELECT status, note FROM as_status(:failed);

-- Steps that are repeated: the name, and any of its numbers, mean the newest iteration.
RESET ROLE;
SELECT tests.run('failed', '{"design-architecture": "completed", "implement-feature": "completed:went_back"}') AS again \gset
INSERT INTO steps (execution_id, step_no, name, plan_step, iteration, agent_version_id, model_id, state, error_class, error_message, finished_at, owner)
VALUES (:again, 6, 'implement-feature', 2, 2, 1, 1, 'failed', 'max_iterations', 'still not good', now(), 'regress_alice');
SET ROLE regress_alice;
SELECT as_retry_step(:again, 'implement-feature'), as_retry_step(:again, '2'), as_retry_step(:again, '6');
SELECT step_no, arguments FROM commands WHERE execution_id = :again;
SELECT * FROM as_failure(:again);

-- A workflow that nothing was claimed of is canceled at once, with all of its steps.
RESET ROLE;
SELECT tests.run('queued', '{"design-architecture": "queued"}') AS never, tests.run('running', '{"design-architecture": "completed", "implement-feature": "queued"}') AS begun,
	tests.run('paused', '{"design-architecture": "paused"}') AS held_back, tests.run('queued') AS unplanned \gset
SET ROLE regress_alice;
SELECT as_cancel(:never), as_cancel(:begun), as_cancel(:held_back), as_cancel(:unplanned);
SELECT e.status, array_agg(s.state ORDER BY s.step_no) FROM executions e JOIN steps s USING (execution_id)
WHERE execution_id IN (:never, :begun, :held_back, :unplanned) GROUP BY execution_id, e.status ORDER BY execution_id;

-- The failure sheet. First the guide's: one of three retries is left.
RESET ROLE;
SELECT tests.run('failed', '{"design-architecture": "completed", "implement-feature": "failed"}') AS id \gset
INSERT INTO attempts (execution_id, step_no, attempt_no, outcome, epoch, model_id, sent_at, finished_at, output_tokens, possibly_billed, error_class, error_message, retryable, partial_output, owner)
SELECT :id, 2, n, 'failed', 1, 1, now(), now(), CASE n WHEN 3 THEN 2100 END, true, 'timeout', 'x', false, 'def upload():', 'regress_alice' FROM generate_series(1, 3) n;
INSERT INTO thoughts (execution_id, seq, step_no, attempt_no, at, elapsed_ms, source, content, owner)
VALUES (:id, 1, 2, 1, now(), 1, 'progress', 'Designing', 'regress_alice'), (:id, 2, 2, 1, now(), 2, 'reasoning', 'Writing integration tests for Azure Storage...', 'regress_alice'),
	(:id, 3, 2, 1, now(), 3, 'system', 'Timed out', 'regress_alice');
UPDATE steps SET attempt_no = 3 WHERE execution_id = :id AND step_no = 2;
SET ROLE regress_alice;
SELECT * FROM as_failure(:id);
\x on
SELECT * FROM as_recovery_options(:id);
\x off
-- While others run it can be paused or canceled; partial, it can be accepted; no retries are left.
RESET ROLE;
UPDATE executions SET status = 'running', finished_at = NULL WHERE execution_id = :id;
UPDATE steps SET state = 'partial', output = 'def upload():', max_retries = 2 WHERE execution_id = :id AND step_no = 2;
SET ROLE regress_alice;
SELECT option, label, description, call, legal, recommended FROM as_recovery_options(:id);
-- Every option's call is accepted as it stands, where it says so.
\pset format unaligned
\pset tuples_only on
SELECT t.* FROM as_recovery_options(:id) o, LATERAL tests.try(format('SELECT tests.undone(%L)', o.call)) t;
RESET ROLE;
UPDATE executions SET status = 'failed', finished_at = now() WHERE execution_id = :id;
SET ROLE regress_alice;
SELECT t.* FROM as_recovery_options(:id) o, LATERAL tests.try(format('SELECT tests.undone(%L)', o.call)) t;
RESET ROLE;
UPDATE executions SET status = 'running', finished_at = NULL WHERE execution_id = :id;
SET ROLE regress_alice;
-- What was asked for already stands in the way of the others.
SELECT as_retry_step(:id, '2');
SELECT option, legal, recommended, why_not FROM as_recovery_options(:id);
SELECT t FROM as_failure(:id) t WHERE t ~ 'Recommended';
SELECT * FROM as_failure(:running);
SELECT * FROM as_recovery_options(:running);
RESET ROLE;
-- Nothing is possible after a rollback has begun.
SELECT option, legal, why_not FROM as_recovery_options(:rolled_back);
SELECT (SELECT t FROM as_failure(:rolled_back) t OFFSET 0 LIMIT 1), (SELECT array_agg(t) FROM as_failure(:rolled_back) t WHERE t ~ 'Recommended');
-- Held for review: why, and no error.
DELETE FROM commands WHERE execution_id IN (:held, :id);
INSERT INTO notices (execution_id, step_no, severity, kind, message, owner) VALUES (:held, 2, 'warning', 'manual_review', 'Coverage is 40 %', 'regress_alice');
SELECT * FROM as_failure(:held);
-- The class decides what is recommended.
CREATE TEMP TABLE recommended (class text, label text);
DO $$
DECLARE
	id bigint := tests.run('failed', '{"implement-feature": "failed"}');
	class text;
BEGIN
	FOREACH class IN ARRAY '{timeout,rate_limited,overloaded,connection,bad_request,authentication,permission,not_found,content_filter,invalid_output,budget_exceeded,max_iterations,canceled,internal}'::text[] LOOP
		UPDATE agent_studio.steps SET error_class = class WHERE execution_id = id AND step_no = 2;
		INSERT INTO recommended SELECT class, (SELECT t FROM agent_studio.as_failure(id) t WHERE t ~ '^Recommended');
		IF cardinality(agent_studio_private.possible_causes(class)) = 0 OR agent_studio_private.possible_causes(class) = agent_studio_private.possible_causes(NULL) THEN
			RAISE EXCEPTION 'class % has no causes of its own', class;
		END IF;
	END LOOP;
END
$$;
SELECT class, label FROM recommended;
-- Hostile text: one line each, no control characters, 100 columns at most, in ideographs too.
UPDATE steps SET error_message = E'\x1b[2J\x1b[31m' || repeat(E'evil\r\n\t', 100) || E'\u202e' || repeat('漢字', 300),
	output = NULL WHERE execution_id = :id AND step_no = 2;
UPDATE thoughts SET content = E'"; DROP\u0007 TABLE \u200b' || repeat('a', 5000) WHERE execution_id = :id AND seq = 2;
SELECT count(*) > 20 AS whole, max(agent_studio_private.display_width(t)) <= 98 AS narrow, bool_or(t ~ '[\u0001-\u001F\u007F-\u009F\u202E\u200B]') AS dangerous FROM as_failure(:id) t;
UPDATE steps SET name = rpad('a', 63, '-long-name') WHERE execution_id = :id AND step_no = 2;
UPDATE executions SET status = 'failed', finished_at = now() WHERE execution_id = :id;
SELECT t FROM as_failure(:id) t WHERE t ~ '(SELECT|not now|Step 2)' OR length(t) > 100;
\pset tuples_only off
\pset format aligned

-- The dashboard.
SELECT tests.run('running', '{"design-architecture": "completed", "implement-feature": "running"}') AS id \gset
UPDATE steps SET title = 'Architecture' WHERE execution_id = :id AND step_no = 1;
INSERT INTO attempts (execution_id, step_no, attempt_no, outcome, epoch, model_id, answered_by, sent_at, finished_at, input_tokens, output_tokens, input_cost_usd, output_cost_usd, possibly_billed, owner)
VALUES (:id, 1, 1, 'completed', 1, 1, 'gpt-mock-1', '2026-03-01 12:00:00+00', '2026-03-01 12:01:27+00', 1250, 3917, 0.0125, 0.1175, true, 'regress_alice');
UPDATE steps SET output = '# Architecture', attempt_no = 1 WHERE execution_id = :id AND step_no = 1;
UPDATE steps SET attempt_no = 1, sent_at = '2026-03-01 12:01:28+00', started_at = '2026-03-01 12:01:28+00' WHERE execution_id = :id AND step_no = 2;
INSERT INTO thoughts (execution_id, seq, step_no, attempt_no, at, elapsed_ms, source, content, owner)
VALUES (:id, 1, 2, 1, now(), 88000, 'progress', 'Implementing upload endpoint...', 'regress_alice');
INSERT INTO notices (execution_id, step_no, at, severity, kind, message, owner)
VALUES (:id, 1, '2026-03-01 12:01:27+00', 'success', 'step_completed', E'Step 1 Complete: design-architecture (87s, $0.13)\nPreview', 'regress_alice');
INSERT INTO logs (execution_id, step_no, at, level, message, owner) VALUES (:id, 2, '2026-03-01 12:01:28.5+00', 'DEBUG', 'POST', 'regress_alice');
SET ROLE regress_alice;
\x on
SELECT status, agent, progress_percent, note FROM as_status(:id);
SELECT status, attempts, total_tokens, cost_usd, model, answered_by FROM as_metrics(:id);
SELECT * FROM as_quality(:id);
\x off
SELECT step_no, step, title, agent, state, iteration, CASE WHEN state <> 'running' THEN seconds END AS seconds, seconds > 90 AS long, cost_usd, tokens, latest_thought, note FROM as_workflow_status(:id);
SELECT * FROM as_logs(:id);
SELECT as_output(:id), as_output(:queued);
-- What each state says.
SELECT execution_id - :queued AS n, s.step, s.state, s.note FROM unnest(ARRAY[:queued, :waiting, :partial, :held, :accepted, :again, :never]) execution_id, LATERAL as_workflow_status(execution_id) s
WHERE s.note IS NOT NULL;
SELECT e.status, s.progress_percent, s.note FROM unnest(ARRAY[:queued, :paused, :waiting, :completed, :failed, :partial, :held, :never]) id
JOIN executions e ON e.execution_id = id, LATERAL as_status(id) s ORDER BY id;

-- What a step comes after, where the definition says it, and where it does not.
RESET ROLE;
SELECT p.plan_step, p.name, p.on_demand, p.compensates, p.is_final, p.after
FROM (VALUES ('sequential'), ('parallel')) d (pattern), LATERAL agent_studio_private.plan_steps(format('{"pattern": "%s", "steps": [
	{"name": "a"}, {"name": "choose", "type": "decision", "cases": [{"if": "true", "to": "b"}, {"if": "true", "to": ["c", "d"]}], "else": "e"},
	{"name": "b"}, {"name": "c", "rules": [{"then": "hand_off", "to": "expert"}, {"then": "go_back", "to": "a"}]}, {"name": "expert"},
	{"name": "d", "on_failure": "fallback", "fallback": "plan-b"}, {"name": "plan-b"}, {"name": "e"}, {"name": "f"},
	{"name": "g", "after": ["b", "c"], "merge": "any", "final": true}, {"name": "h", "compensates": "a"}, {"name": "i", "after": []}]}', d.pattern)::jsonb) p;
SELECT count(*) FROM unnest(ARRAY[NULL, '{}', '{"steps": 7}', '{"steps": [7, null, {}]}', '[]', '"x"']::jsonb[]) d, LATERAL agent_studio_private.plan_steps(d);

-- The answer: the final step's once it is there, else the last that completed; never that of an undoing.
RESET ROLE;
UPDATE steps SET output = name || '''s answer' WHERE execution_id IN (:completed, :rolled_back, :failed);
UPDATE steps SET finished_at = now() WHERE execution_id = :completed AND step_no = 2;
SELECT as_output(:completed), as_output(:rolled_back), as_output(:failed);
UPDATE steps SET verdict = 'completed_by_hand', output = NULL, outputs = '{"code": "x"}' WHERE execution_id = :completed AND step_no = 4;
SELECT as_output(:completed);

-- A task that is repeated: the newest answer, the best one where it failed.
SELECT as_execute_task('worker', 'Again and again') AS task \gset
DELETE FROM queue WHERE execution_id = :task;
UPDATE executions SET status = 'failed', started_at = '2026-03-01 12:00:00+00', finished_at = '2026-03-01 12:00:30+00', error_class = 'max_iterations', error_message = 'not good enough' WHERE execution_id = :task;
UPDATE steps SET state = 'completed', verdict = 'went_back', output = 'First', quality_score = 0.8, started_at = '2026-03-01 12:00:00+00', finished_at = '2026-03-01 12:00:09+00', attempt_no = 1 WHERE execution_id = :task;
INSERT INTO steps (execution_id, step_no, name, iteration, round, agent_version_id, model_id, state, output, quality_score, attempt_no, started_at, finished_at, owner)
VALUES (:task, 2, 'task', 2, 2, 1, 1, 'completed', 'Second', 0.6, 1, '2026-03-01 12:00:10+00', '2026-03-01 12:00:19+00', current_user), (:task, 3, 'task', 3, 3, 1, 1, 'failed', 'Third', 0.7, 1, '2026-03-01 12:00:20+00', '2026-03-01 12:00:30+00', current_user);
INSERT INTO attempts (execution_id, step_no, attempt_no, outcome, epoch, model_id, answered_by, sent_at, finished_at, input_tokens, output_tokens, possibly_billed, owner)
SELECT :task, n, 1, 'completed', 1, 1, 'gpt-mock-' || n, timestamptz '2026-03-01 12:00:00+00' + n * interval '8 seconds', timestamptz '2026-03-01 12:00:01+00' + n * interval '8 seconds', 10, 10 * n, true, current_user
FROM generate_series(1, 3) n;
SELECT as_output(:task), (as_quality(:task)).*;
SELECT attempts, total_tokens, model, answered_by FROM as_metrics(:task);
SELECT step_no, iteration, state FROM as_workflow_status(:task);
SELECT level, message FROM as_logs(:task);
UPDATE executions SET status = 'completed' WHERE execution_id = :task;
SELECT as_output(:task);

-- Following to a rest that is no end, and what is printed of a wait.
SET ROLE regress_alice;
CALL as_follow(:held);
RESET ROLE;
SELECT * FROM agent_studio_private.wait_lines(:waiting) UNION ALL SELECT * FROM agent_studio_private.wait_lines(:paused);
SELECT line FROM agent_studio_private.follow_lines(:id, 0, 0, '{}');

-- A restored database: what was paused is held, all the rest queued; what waits for a word or for other steps needs no place.
TRUNCATE queue, commands;
SET ROLE regress_adam;
SELECT as_release_restored() > 0, as_release_restored();
RESET ROLE;
SELECT DISTINCT e.status, s.state, q.waiting, q.run_at = 'infinity' AS never, a.outcome FROM queue q JOIN executions e USING (execution_id) JOIN steps s USING (execution_id, step_no)
LEFT JOIN attempts a ON a.execution_id = q.execution_id AND a.step_no = q.step_no AND a.outcome = 'lost' ORDER BY 1, 2, 3;
SELECT item, ok FROM as_check() WHERE item = 'restored work';
SELECT * FROM tests.orphans();
DROP FUNCTION tests.run, tests.call, tests.undone;
DROP TABLE tests.definitions;
DROP ROLE regress_lead;
