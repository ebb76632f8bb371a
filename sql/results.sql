-- What came of an execution: its files, the sheet, and the same once more. No executor
-- runs: the rows are written by hand, as it would write them.
SELECT tests.reset();
\pset null (null)
SET timezone = 'UTC';
CREATE ROLE regress_lead IN ROLE agent_studio_user;

-- The guide's workflow: files, metrics, a helper that was not needed.
SET ROLE regress_alice;
SELECT as_create_agent('ours', 'builder', 'mock', team => 'regress_team');
SELECT as_create_workflow('feature-sequential-prod', 'sequential', '{"inputs": {"feature_name": "string", "scale": {"type": "string", "default": "10K"}, "count": {"type": "number", "required": false}}, "steps": [
	{"name": "design-architecture", "agent": "ours", "task": "Design {feature_name} for {scale}.", "outputs": {"architecture": {"type": "string", "file_name": "architecture.md"}, "components": "array"}},
	{"name": "implement-feature", "agent": "worker", "task": "Build.", "outputs": {"code": {"type": "string", "file_name": "implementation.py"}, "tests": {"type": "string", "file_name": "tests.py"},
		"test_coverage": {"type": "number", "metric": {"label": "Test coverage", "unit": "%"}}, "latency": {"type": "number", "metric": {"label": "Latency", "unit": "ms"}}},
		"on_failure": "fallback", "fallback": "rescue", "criteria": {"required_sections": ["x"], "max_iterations": 3}},
	{"name": "validate-implementation", "agent": "worker", "task": "Check.", "outputs": {"report": {"type": "object", "file_name": "validation_report.json"}, "score": {"type": "number", "metric": {"label": "Security score", "unit": "/10"}}}},
	{"name": "generate-documentation", "agent": "worker", "task": "Write.", "outputs": {"spec": {"type": "string", "file_name": "api.unknown", "media_type": "application/vnd.api"}, "guide": {"type": "string", "file_name": "guide", "required": false}}, "final": true},
	{"name": "optional", "agent": "worker", "task": "More.", "when": "$.count > 5"},
	{"name": "rescue", "agent": "worker", "task": "Rescue."}]}', 'Feature', team => 'regress_team');
SELECT as_run_workflow('feature-sequential-prod', '{"feature_name": "Avatars", "scale": "500K", "count": 3}', priority => 'high', continue_on_warnings => false,
	verbose => true, notify => '{"email": true}', idempotency_key => 'first') AS id \gset
RESET ROLE;
DELETE FROM queue WHERE execution_id = :id;
UPDATE executions SET status = 'completed', started_at = '2026-03-01 12:00:00+00', finished_at = '2026-03-01 12:09:42+00' WHERE execution_id = :id;
UPDATE steps s SET state = d.state, verdict = d.verdict, started_at = d.start, finished_at = d.start + d.seconds * interval '1 second', output = d.output, outputs = d.outputs, attempt_no = 1
FROM (VALUES ('design-architecture', 'completed', NULL, timestamptz '2026-03-01 12:00:00+00', 87, '# All', jsonb '{"architecture": "# Größe", "components": ["a"]}'),
	('implement-feature', 'completed', 'went_back', '2026-03-01 12:02:00+00', 115, 'first', '{"code": "old", "tests": "old", "test_coverage": 40}'),
	('validate-implementation', 'completed', NULL, '2026-03-01 12:05:00+00', 134, '{}', '{"report": {"issues": [1, 2]}, "score": 8.50}'),
	('generate-documentation', 'completed', NULL, '2026-03-01 12:07:16+00', 146, 'The docs', '{"spec": "openapi: 3.0.0", "guide": null}'),
	('optional', 'skipped', 'passed_over', NULL, NULL, NULL, NULL)) d (name, state, verdict, start, seconds, output, outputs)
WHERE s.execution_id = :id AND s.name = d.name;
INSERT INTO steps (execution_id, step_no, name, plan_step, iteration, round, agent_version_id, model_id, state, output, outputs, quality_score, started_at, finished_at, attempt_no, owner, team)
VALUES (:id, 7, 'implement-feature', 2, 2, 2, 1, 1, 'completed', '# x', '{"code": "def upload(): pass\n", "tests": "def test(): pass", "test_coverage": 87, "latency": 120.50}', 0.95, '2026-03-01 12:04:00+00', '2026-03-01 12:05:40+00', 1, 'regress_alice', 'regress_team');
INSERT INTO attempts (execution_id, step_no, attempt_no, outcome, epoch, model_id, sent_at, finished_at, input_tokens, output_tokens, input_cost_usd, output_cost_usd, possibly_billed, owner, team)
SELECT :id, a.step, 1, 'completed', 1, 1, now(), now(), 1000, 2000, 0.01, a.cost, true, 'regress_alice', 'regress_team'
FROM (VALUES (1, 0.12), (2, 0.08), (3, 0.16), (4, 0.16), (7, 0.12)) a (step, cost);

-- The files: of the newest iteration, by their names; what is null is no file.
SET ROLE regress_alice;
SELECT step_no, step, name, file_name, media_type, bytes, content FROM artifacts WHERE execution_id = :id;
\pset format unaligned
\pset tuples_only on
SELECT * FROM as_result(:id);
-- Her team sees the same, a monitor too, others nothing; nor whoever may see the execution but not the workflow.
SET ROLE regress_carol;
SELECT count(*) FROM artifacts;
SELECT count(*) FROM as_result(:id) t WHERE t ~ 'from Step|%$';
SET ROLE regress_mona;
SELECT count(*) FROM artifacts;
SELECT t FROM as_result(:id) t LIMIT 1;
SET ROLE regress_bob;
SELECT count(*) FROM artifacts;
SELECT * FROM tests.try(format('SELECT as_result(%s)', :id), 'SELECT as_result(NULL)');
RESET ROLE;
BEGIN;
UPDATE workflows SET team = NULL, owner = 'regress_bob';
SET LOCAL ROLE regress_carol;
SELECT count(*) FROM artifacts;
SELECT * FROM as_result(:id);
ROLLBACK;

-- What is not known is not made up: no price, no usage, a call whose cost nobody knows.
BEGIN;
UPDATE attempts SET input_cost_usd = NULL, output_cost_usd = NULL WHERE execution_id = :id AND step_no = 3;
SELECT t FROM as_result(:id) t WHERE t ~ 'Cost|Step 3:';
UPDATE attempts SET input_cost_usd = NULL, output_cost_usd = NULL WHERE execution_id = :id;
SELECT t FROM as_result(:id) t WHERE t ~ 'Cost|Step 3:';
UPDATE attempts SET input_cost_usd = 0, output_cost_usd = 0.000041 WHERE execution_id = :id AND step_no = 1;
SELECT t FROM as_result(:id) t WHERE t ~ 'Cost|Step 1:';
ROLLBACK;

-- Each status. A failed one refers to the failure sheet.
BEGIN;
UPDATE steps SET state = 'failed', error_class = 'timeout', error_message = 'Agent execution exceeded 300 second timeout', output = NULL, outputs = NULL WHERE execution_id = :id AND step_no = 3;
UPDATE steps SET state = 'pending', started_at = NULL, finished_at = NULL, output = NULL, outputs = NULL, attempt_no = 0 WHERE execution_id = :id AND step_no IN (4, 5);
DELETE FROM attempts WHERE execution_id = :id AND step_no = 4;
UPDATE executions SET status = 'failed', error_class = 'timeout', error_message = 'Agent execution exceeded 300 second timeout' WHERE execution_id = :id;
SELECT * FROM as_result(:id);
UPDATE executions SET status = 'requires_manual_review', error_class = NULL, error_message = NULL WHERE execution_id = :id;
UPDATE steps SET state = 'partial', output = 'half', error_class = NULL WHERE execution_id = :id AND step_no = 3;
SELECT t FROM as_result(:id) t WHERE t ~ 'Workflow|Step 3|as_failure';
UPDATE steps SET state = 'completed', verdict = 'manual_review' WHERE execution_id = :id AND step_no = 3;
SELECT t FROM as_result(:id) t WHERE t ~ 'Step 3';
UPDATE steps SET state = 'completed', verdict = 'completed_by_hand' WHERE execution_id = :id AND step_no = 3;
UPDATE steps SET state = 'skipped', verdict = 'skipped_by_hand' WHERE execution_id = :id AND step_no = 4;
UPDATE steps SET state = 'skipped', verdict = NULL WHERE execution_id = :id AND step_no = 5;
SELECT t FROM as_result(:id) t WHERE t ~ 'Step [345]';
UPDATE executions SET status = 'running', finished_at = NULL, started_at = clock_timestamp() - interval '3 hours 5 seconds', is_test = true WHERE execution_id = :id;
UPDATE steps SET state = 'running', started_at = clock_timestamp(), finished_at = NULL WHERE execution_id = :id AND step_no = 4;
UPDATE steps SET state = 'pending' WHERE execution_id = :id AND step_no = 5;
SELECT t FROM as_result(:id) t WHERE t !~ 'Total Time';
SELECT count(*) FROM as_result(:id) t WHERE t ~ '^Total Time: 3h 0m \d+s so far$';
UPDATE executions SET status = 'queued', started_at = NULL WHERE execution_id = :id;
SELECT t FROM as_result(:id) t WHERE t ~ 'Workflow|Total Time';
UPDATE executions SET status = 'canceled' WHERE execution_id = :id;
SELECT t FROM as_result(:id) t WHERE t ~ 'Workflow';
ROLLBACK;
SELECT s, agent_studio_private.duration_text(s * interval '1 second') FROM unnest('{0,0.6,59.4,59.6,3599.6,90061,-5}'::numeric[]) s;

-- Files of the same name, in other letters too, and names that lead out of the folder.
\pset format aligned
\pset tuples_only off
BEGIN;
UPDATE workflow_versions SET definition = '{"pattern": "sequential", "steps": [
	{"name": "design-architecture", "outputs": {"architecture": {"type": "string", "file_name": "README.md"}, "components": {"type": "array", "file_name": "design-architecture-readme.md"}}},
	{"name": "implement-feature", "outputs": {"code": {"type": "string", "file_name": "readme.md"}, "tests": {"type": "string", "file_name": "Readme.md"}, "latency": {"type": "number", "file_name": "..\\..\\x/latency.YAML"}}},
	{"name": "validate-implementation", "outputs": {"report": {"type": "object", "file_name": ".."}, "score": {"type": "number", "file_name": "  "}}},
	{"name": "generate-documentation", "outputs": {"spec": {"type": "string", "file_name": "evil\u001b[2J\u202e.json"}}}, {"name": "optional"}, {"name": "rescue", "outputs": 7}]}';
SELECT step, name, file_name, media_type, content FROM artifacts WHERE execution_id = :id;
ROLLBACK;
SELECT f, agent_studio_private.media_type(f) FROM unnest('{a.MD,b.tar.gz,yaml,.json,x.}'::text[]) f;
-- Hostile text: one line each, no control characters, 100 columns at most.
BEGIN;
UPDATE workflow_versions SET definition = replace(definition::text, 'architecture.md', repeat('漢字', 200) || '.md')::jsonb;
UPDATE workflow_versions SET definition = replace(definition::text, 'Test coverage', 'Co\u001b[2J\n\u202e' || repeat('verage', 100))::jsonb;
UPDATE workflow_versions SET definition = jsonb_set(definition, '{steps,2,outputs,score,metric,unit}', to_jsonb('/' || repeat('x', 500)));
UPDATE executions SET workflow = repeat('evil', 100), error_class = 'internal', error_message = E'\x1b[2J' || repeat(E'evil\r\n\t', 100) || repeat('漢字', 300) WHERE execution_id = :id;
UPDATE steps SET state = 'failed', error_class = 'internal', error_message = E'\x1b[2J\u202e' || repeat('漢字', 300) WHERE execution_id = :id AND step_no = 3;
SELECT count(*) > 20 AS whole, max(agent_studio_private.display_width(t)) <= 98 AS narrow, bool_or(t ~ '[\u0001-\u001F\u007F-\u009F\u202E\u200B]') AS dangerous FROM as_result(:id) t;
-- The longest call fits.
UPDATE executions SET status = 'failed', error_class = NULL WHERE execution_id = :id;
SELECT max(length(t)) FROM executions e, LATERAL (SELECT jsonb_populate_record(e, '{"execution_id": 9223372036854775807}') AS x) y, LATERAL agent_studio_private.next_calls(y.x) t WHERE e.execution_id = :id;
ROLLBACK;

-- Tasks: one file by the format; the figures of the guide.
SET ROLE regress_alice;
SELECT as_execute_task('worker', E'Design a queue.\nWell.', '{"scale": "1K", "nested": {"a": 1}, "gone": 1}', priority => 'high', timeout_seconds => 77, output_format => 'md', max_retries => 5, verbose => true) AS task,
	as_execute_task('worker', 'As JSON', json_schema => '{"zeta": "string", "alpha": "string"}') AS json, as_execute_task('worker', 'As code', output_format => 'code') AS code,
	as_execute_task('worker', 'Again', max_iterations => 4, validation_criteria => '{"minQualityScore": 0.8, "requiredSections": ["a, b", "c"], "validator": "ours"}') AS judged,
	as_execute_task('worker', 'And again', max_iterations => 3, validation_criteria => '{"requiredSections": ["a"]}') AS repeated,
	as_execute_task('worker', 'Plainly again', max_iterations => 2) AS plain \gset
RESET ROLE;
UPDATE executions SET status = 'completed', started_at = '2026-03-01 12:00:00+00', finished_at = '2026-03-01 12:01:27+00' WHERE execution_id IN (:task, :json, :code);
UPDATE steps SET state = 'completed', attempt_no = 1, started_at = '2026-03-01 12:00:00+00', finished_at = '2026-03-01 12:01:27+00', output = CASE WHEN execution_id = :json THEN '{"zeta": "x", "alpha": "y"}' ELSE '# Größe' END WHERE execution_id IN (:task, :json, :code);
DELETE FROM queue WHERE execution_id IN (:task, :json, :code);
INSERT INTO attempts (execution_id, step_no, attempt_no, outcome, epoch, model_id, answered_by, sent_at, finished_at, input_tokens, output_tokens, input_cost_usd, output_cost_usd, possibly_billed, owner)
VALUES (:task, 1, 1, 'completed', 1, 1, 'gpt-mock-1', now(), now(), 1250, 4890, 0.0125, 0.1467, true, 'regress_alice');
SET ROLE regress_alice;
SELECT step, name, file_name, media_type, bytes, content FROM artifacts WHERE execution_id IN (:task, :json, :code, :plain) ORDER BY execution_id;
\pset format unaligned
\pset tuples_only on
SELECT * FROM as_result(:task);
SELECT * FROM as_result(:code);
SELECT * FROM as_result(:judged);
-- One that failed: what had arrived, and where more is told.
RESET ROLE;
BEGIN;
UPDATE executions SET status = 'failed', error_class = 'overloaded', error_message = 'try later' WHERE execution_id = :code;
UPDATE steps SET state = 'failed', error_class = 'overloaded', error_message = 'try later', output = NULL WHERE execution_id = :code;
SELECT t FROM as_result(:code) t WHERE t ~ 'Task|Error|SELECT';
ROLLBACK;

-- The same again. What the clone has is what the original has, but for its id and key.
CREATE FUNCTION tests.difference(one bigint, other bigint) RETURNS jsonb
LANGUAGE sql AS $$
	SELECT coalesce(jsonb_object_agg(b.key, b.value), '{}')
	FROM agent_studio.executions x, agent_studio.executions y, LATERAL jsonb_each(to_jsonb(y)) b
	WHERE x.execution_id = one AND y.execution_id = other AND b.value IS DISTINCT FROM to_jsonb(x) -> b.key
	  AND b.key NOT IN ('execution_id', 'submitted_at', 'status', 'started_at', 'finished_at')
$$;
GRANT EXECUTE ON FUNCTION tests.difference TO PUBLIC;
SET ROLE regress_alice;
SELECT id, tests.difference(id, as_clone(id)) FROM unnest(ARRAY[:task, :json, :code, :judged, :repeated, :plain, :id]) id;
SELECT count(DISTINCT json_schema::text) FROM executions WHERE task = 'As JSON';
-- With overrides: context and inputs are merged, null takes a member out, another null is a NULL argument.
SELECT tests.difference(:task, as_clone(:task, '{"priority": "LOW", "context": {"scale": "9K", "gone": null, "new": [1]}, "task": "Another", "timeout_seconds": 480, "verbose": false}'));
SELECT tests.difference(:task, as_clone(:task, '{"context": null, "timeout_seconds": null, "output_format": null}'));
SELECT tests.difference(:task, as_clone(:task, '{"json_schema": {"a": "string"}}')) - 'json_schema';
SELECT tests.difference(:json, as_clone(:json, '{"json_schema": null, "output_format": "txt"}'));
SELECT tests.difference(:judged, as_clone(:judged, '{"validation_criteria": {"requiredSections": ["d"]}, "max_iterations": 9}')) #- '{plan,steps,0,retry}';
SELECT tests.difference(:judged, as_clone(:judged, '{"validation_criteria": null, "max_iterations": 1}')) - 'plan' - 'agents';
SELECT tests.difference(:id, as_clone(:id, '{"inputs": {"scale": null, "feature_name": "Payments"}, "pause_before_each_step": true, "notify": null}'));
SELECT as_clone(:task, '{"idempotency_key": "again"}') = as_clone(:task, '{"idempotency_key": "again"}') AS same;
SELECT tests.difference(:task, as_clone(:task, NULL));
-- The current version of the workflow, unless another is named.
SELECT as_update_workflow('feature-sequential-prod', definition => (SELECT definition || '{"settings": {"rollback": true}}' FROM workflow_versions
	JOIN workflows USING (workflow_id) WHERE name = 'feature-sequential-prod'));
SELECT as_clone(:id) AS newer, as_clone(:id, '{"version": "1.0.0"}') AS older \gset
SELECT e.execution_id - :newer AS n, v.version FROM executions e JOIN workflow_versions v USING (workflow_version_id) WHERE e.execution_id IN (:newer, :older) ORDER BY 1;
-- Refused.
SELECT * FROM tests.try(
	format('SELECT as_clone(%s, ''{"priorty": "high"}'')', :task),
	format('SELECT as_clone(%s, ''{"inputs": {}}'')', :task),
	format('SELECT as_clone(%s, ''{"contxt": {}}'')', :id),
	format('SELECT as_clone(%s, ''{"inptus": {"scale": "1"}}'')', :id),
	format('SELECT as_clone(%s, ''[]'')', :id),
	format('SELECT as_clone(%s, ''{"context": "x"}'')', :task),
	format('SELECT as_clone(%s, ''{"timeout_seconds": "300"}'')', :task),
	format('SELECT as_clone(%s, ''{"timeout_seconds": 1.5}'')', :task),
	format('SELECT as_clone(%s, ''{"timeout_seconds": 1e12}'')', :task),
	format('SELECT as_clone(%s, ''{"timeout_seconds": 0}'')', :task),
	format('SELECT as_clone(%s, ''{"verbose": "yes"}'')', :task),
	format('SELECT as_clone(%s, ''{"task": null}'')', :task),
	format('SELECT as_clone(%s, ''{"priority": null}'')', :task),
	format('SELECT as_clone(%s, ''{"agent": "wroker"}'')', :task),
	format('SELECT as_clone(%s, ''{"output_format": "markdown"}'')', :json),
	format('SELECT as_clone(%s, ''{"inputs": {"scail": "1M"}}'')', :id),
	format('SELECT as_clone(%s, ''{"version": "7.0.0"}'')', :id),
	'SELECT as_clone(NULL)', 'SELECT as_clone(999999)');
-- Every argument of both functions can be overridden.
RESET ROLE;
SELECT called, string_agg(name || ' ' || coalesce(kind, 'any'), ', ') FROM unnest('{as_execute_task,as_run_workflow}'::text[]) called, LATERAL agent_studio_private.call_arguments(called) GROUP BY called;
-- A test of a workflow is not run in earnest.
SET ROLE regress_alice;
SELECT execution AS test FROM as_test_workflow('feature-sequential-prod', '{"feature_name": "x"}', 'full') LIMIT 1 \gset
SELECT * FROM tests.try(format('SELECT as_clone(%s)', :test));
-- Who sees it may clone it, with rights of their own: the team, an operator; not a stranger, nor who is only asked to approve.
SET ROLE regress_carol;
SELECT as_clone(:id) AS hers \gset
SELECT owner, team, inputs FROM executions WHERE execution_id = :hers;
SET ROLE regress_olaf;
SELECT as_clone(:task) AS his \gset
SELECT owner, team, task FROM executions WHERE execution_id = :his;
SELECT * FROM tests.try(format('SELECT as_clone(%s)', :id));
RESET ROLE;
INSERT INTO approvals (execution_id, step_no, approver, message, requested_at, on_expiry, owner) VALUES (:id, 1, 'regress_lead', 'May it?', now(), 'reject', 'regress_alice');
SET ROLE regress_lead;
SELECT * FROM tests.try(format('SELECT as_clone(%s)', :id));
SET ROLE regress_bob;
SELECT * FROM tests.try(format('SELECT as_clone(%s)', :task));
SET ROLE regress_mona;
SELECT * FROM tests.try(format('SELECT as_clone(%s)', :task));
SET ROLE regress_alice;
SELECT as_deprecate_workflow('feature-sequential-prod');
SELECT * FROM tests.try(format('SELECT as_clone(%s)', :id));
\pset format aligned
\pset tuples_only off
RESET ROLE;
SELECT DISTINCT child, missing FROM tests.orphans() WHERE execution_id NOT IN (:id, :task, :json, :code);
DROP FUNCTION tests.difference;
DROP ROLE regress_lead;
