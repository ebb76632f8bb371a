-- as_run_workflow, as_estimate and as_test_workflow: what they write, what they answer,
-- what they refuse. Nobody takes the steps of this database.
SELECT tests.reset();
\pset null (null)

SET ROLE regress_alice;
SELECT as_create_agent('architect', 'architect', 'mock', 'You design.', visibility => 'shared', max_output_tokens => 1000);
SELECT as_create_agent('builder', 'builder', 'mock', team => 'regress_team');
SELECT as_create_agent('senior', 'builder', 'mock', team => 'regress_team');
SELECT as_create_workflow('build-sequential-dev', 'sequential', '{
  "inputs": {"feature_name": "string", "scale": {"type": "string", "default": "10K"}, "count": {"type": "number", "required": false}},
  "settings": {"retry": {"max_retries": 2}, "notify": {"email": true}},
  "steps": [
    {"name": "design-it", "agent": "architect", "task": "Design {feature_name} for {scale}.",
     "outputs": {"architecture": "string", "components": {"type": "array", "description": "Parts", "required": false}}},
    {"name": "implement", "agent": "builder", "task": "Implement {feature_name}. {{literally}} {architecture} {design-it.components}",
     "inputs": {"architecture": "design-it.architecture"}, "outputs": {"code": {"type": "string", "file_name": "x.py"}},
     "hand_off": {"agent": "senior", "after_retries": 2}, "retry": {"max_retries": 5}, "timeout_seconds": 300, "on_failure": "manual_review"},
    {"name": "review", "agent": "architect", "task": "Review {code}.", "inputs": {"code": ["implement.code", "design-it.output"]},
     "when": "$steps.\"design-it\".components.size() > 1", "outputs": {"verdict": {"type": "enum", "values": ["PASS", "FAIL"]}},
     "rules": [{"if": "$.verdict == \"FAIL\"", "then": "go_back", "to": "implement", "feedback": "{verdict}"}], "final": true}
  ]}', 'Builds a feature', team => 'regress_team');
SELECT as_create_workflow('branch-dynamic-dev', 'dynamic', '{
  "inputs": {"kind": "string"},
  "steps": [
    {"name": "look", "agent": "worker", "task": "Look at {kind}.", "outputs": {"level": "string"}},
    {"name": "choose", "type": "decision", "cases": [{"if": "$steps.look.level == \"high\"", "to": "high"}], "else": "low"},
    {"name": "high", "agent": "worker", "task": "High", "on_failure": "fallback", "fallback": "rescue"},
    {"name": "low", "agent": "worker", "task": "Low", "after": ["choose"]},
    {"name": "rescue", "agent": "worker", "task": "Rescue"}
  ]}', visibility => 'shared');

-- Rolled back means that nothing was ever there.
BEGIN;
SELECT as_run_workflow('build-sequential-dev', '{"feature_name": "Forgotten"}') AS id;
ROLLBACK;
SELECT count(*) FROM executions;

-- Defaults, and every argument.
SELECT as_run_workflow('build-sequential-dev', '{"feature_name": "Payments"}') AS id \gset
SELECT as_update_workflow('build-sequential-dev', title => 'Builds', definition => (SELECT definition - 'settings' FROM workflow_versions
	JOIN workflows USING (workflow_id) WHERE name = 'build-sequential-dev'));
SELECT as_update_agent('architect', temperature => 1);
SELECT as_run_workflow('build-sequential-dev', '{"feature_name": "Avatars", "scale": "500K", "count": 3}', priority => 'HIGH',
	pause_before_each_step => true, continue_on_warnings => false, verbose => true,
	notify => '{"email": true, "slack": "#engineering-team", "jira": false}', idempotency_key => 'k1') AS id2 \gset
SELECT as_run_workflow('build-sequential-dev', '{"feature_name": "Old"}', version => '1.0.0') AS id3 \gset
\x on
SELECT e.kind, e.workflow, v.version, e.task, e.priority, e.max_retries, e.inputs, e.plan,
	(SELECT jsonb_object_agg(a.key, x.version) FROM jsonb_each(e.agents) a JOIN agent_versions x ON x.agent_version_id = a.value::bigint) AS agents,
	e.pause_before_each_step, e.continue_on_warnings, e.is_test, e.notify, e.is_verbose, e.idempotency_key, e.owner, e.team,
	e.agent, e.timeout_seconds, e.output_format, e.finished_at
FROM executions e JOIN workflow_versions v USING (workflow_version_id) ORDER BY e.execution_id;
\x off

-- The same key of the same owner gives the first id, whatever has become of the workflow.
SELECT as_run_workflow('build-sequential-dev', '{}', idempotency_key => 'k1') = :id2 AS same;
SELECT as_execute_task('worker', 'A task', idempotency_key => 'k1') = :id2 AS same;
SELECT as_deprecate_workflow('build-sequential-dev');
SELECT as_run_workflow('build-sequential-dev', idempotency_key => 'k1') = :id2 AS same;

\pset format unaligned
\pset tuples_only on
SELECT * FROM tests.try($$SELECT as_run_workflow('build-sequential-dev', '{"feature_name": "x"}')$$);
SELECT as_deprecate_workflow('build-sequential-dev', false);
SELECT as_create_workflow('a-draft', 'parallel');
SELECT * FROM tests.try(
	$$SELECT as_run_workflow('bild-sequential-dev')$$,
	$$SELECT as_run_workflow('nothing like it')$$,
	$$SELECT as_run_workflow(NULL)$$,
	$$SELECT as_run_workflow('a-draft')$$,
	$$SELECT as_run_workflow('build-sequential-dev', '{"feature_name": "x"}', version => '7.0.0')$$,
	$$SELECT as_run_workflow('build-sequential-dev')$$,
	$$SELECT as_run_workflow('build-sequential-dev', NULL)$$,
	$$SELECT as_run_workflow('build-sequential-dev', '{"feature_name": "x", "scail": "1M"}')$$,
	$$SELECT as_run_workflow('build-sequential-dev', '{"feature_name": 7, "count": "many"}')$$,
	$$SELECT as_run_workflow('build-sequential-dev', '[]')$$,
	$$SELECT as_run_workflow('build-sequential-dev', jsonb_build_object('feature_name', repeat('x', 5000000)))$$,
	$$SELECT as_run_workflow('build-sequential-dev', '{"feature_name": "x"}', priority => 'urgent')$$,
	$$SELECT as_run_workflow('build-sequential-dev', '{"feature_name": "x"}', priority => 'hihg')$$,
	$$SELECT as_run_workflow('build-sequential-dev', '{"feature_name": "x"}', priority => NULL)$$,
	$$SELECT as_run_workflow('build-sequential-dev', '{"feature_name": "x"}', pause_before_each_step => NULL)$$,
	$$SELECT as_run_workflow('build-sequential-dev', '{"feature_name": "x"}', continue_on_warnings => NULL)$$,
	$$SELECT as_run_workflow('build-sequential-dev', '{"feature_name": "x"}', verbose => NULL)$$,
	$$SELECT as_run_workflow('build-sequential-dev', '{"feature_name": "x"}', notify => '"me"')$$,
	$$SELECT as_run_workflow('build-sequential-dev', '{"feature_name": "x"}', idempotency_key => '')$$,
	$$SELECT as_drop_workflow('build-sequential-dev')$$,
	$$SELECT as_drop_agent('senior')$$,
	$$CALL as_follow_workflow('build-sequential-dev', '{"feature_name": "x"}')$$);

-- Whoever starts it must have the right to it, to each agent, and to their servers.
SET ROLE regress_carol;
SELECT * FROM tests.try($$SELECT as_run_workflow('build-sequential-dev', '{"feature_name": "x"}')$$);
SELECT owner, team FROM executions WHERE owner = 'regress_carol';
SET ROLE regress_bob;
SELECT * FROM tests.try(
	$$SELECT as_run_workflow('build-sequential-dev', '{"feature_name": "x"}')$$,
	$$SELECT as_run_workflow('branch-dynamic-dev', '{"kind": "x"}')$$);
SELECT owner, team FROM executions WHERE owner = 'regress_bob';
SET ROLE regress_olaf;
SELECT * FROM tests.try($$SELECT as_run_workflow('build-sequential-dev', '{"feature_name": "x"}')$$);
SET ROLE regress_mona;
SELECT * FROM tests.try($$SELECT as_run_workflow('branch-dynamic-dev', '{"kind": "x"}')$$);
SET ROLE regress_adam;
SELECT * FROM tests.try($$SELECT as_run_workflow('build-sequential-dev', '{"feature_name": "x"}')$$);
SELECT owner, team FROM executions WHERE owner = 'regress_adam';
SET ROLE regress_alice;
SELECT as_update_workflow('build-sequential-dev', visibility => 'shared');
SET ROLE regress_bob;
SELECT * FROM tests.try($$SELECT as_run_workflow('build-sequential-dev', '{"feature_name": "x"}')$$);
SET ROLE regress_alice;
SELECT as_deprecate_agent('senior');
SELECT * FROM tests.try($$SELECT as_run_workflow('build-sequential-dev', '{"feature_name": "x"}')$$);
SELECT as_deprecate_agent('senior', false);
RESET ROLE;
REVOKE USAGE ON FOREIGN SERVER mock FROM agent_studio_user;
SET ROLE regress_bob;
SELECT * FROM tests.try($$SELECT as_run_workflow('branch-dynamic-dev', '{"kind": "x"}')$$);
RESET ROLE;
GRANT USAGE ON FOREIGN SERVER mock TO agent_studio_user;

-- Estimates: without history from prices only; what a decision may pass by, or runs on
-- demand, is not counted into the least, or not at all.
SET ROLE regress_alice;
SELECT * FROM as_estimate('build-sequential-dev', '{"feature_name": "Payments"}');
SELECT * FROM as_estimate('branch-dynamic-dev', '{"kind": "x"}');
SELECT * FROM tests.try($$SELECT * FROM as_estimate('build-sequentail-dev')$$, $$SELECT * FROM as_estimate('a-draft')$$,
	$$SELECT * FROM as_estimate('build-sequential-dev', '[]')$$);

-- With tasks of the agents: 10 and 20 s of the architect, 60 s of the builder. Then with
-- executions of the workflow itself, in one of which a step went round twice.
RESET ROLE;
INSERT INTO executions (agent, task, priority, timeout_seconds, max_retries, output_format, owner, status, started_at, finished_at, input_cost_usd, output_cost_usd)
SELECT a.agent, 'x', 'normal', 1, 0, 'markdown', 'regress_alice', 'completed', now(), now() + make_interval(secs => a.seconds), 0.01, a.cost
FROM (VALUES ('architect', 10, 0.01), ('architect', 20, 0.03), ('builder', 60, NULL)) a (agent, seconds, cost);
SET ROLE regress_alice;
SELECT * FROM as_estimate('build-sequential-dev');
SET ROLE regress_carol;
SELECT seconds_low, seconds_high FROM as_estimate('build-sequential-dev');	-- these tasks are not hers to see
RESET ROLE;
UPDATE executions SET status = 'completed', finished_at = now() WHERE execution_id IN (:id, :id2);
DELETE FROM steps WHERE execution_id IN (:id, :id2);
DELETE FROM queue WHERE execution_id IN (:id, :id2);
INSERT INTO steps (execution_id, step_no, name, plan_step, iteration, agent_version_id, state, started_at, finished_at, owner, team)
SELECT e.id, s.n, s.name, s.p, s.i, v.agent_version_id, 'completed', now(), now() + make_interval(secs => s.seconds), 'regress_alice', 'regress_team'
FROM (VALUES (:id, 1, 'design-it', 1, 1, 'architect', 100), (:id, 2, 'implement', 2, 1, 'builder', 200), (:id, 3, 'review', 3, 1, 'architect', 50),
			 (:id, 4, 'implement', 2, 2, 'builder', 200), (:id2, 1, 'design-it', 1, 1, 'architect', 100), (:id2, 2, 'implement', 2, 1, 'builder', 200),
			 (:id2, 3, 'review', 3, 1, 'architect', 50)) s (id, n, name, p, i, agent, seconds)
CROSS JOIN LATERAL (SELECT s.id) e (id)
JOIN agents a ON a.name = s.agent JOIN agent_versions v ON v.agent_id = a.agent_id AND v.version = '1.0.0';
INSERT INTO attempts (execution_id, step_no, attempt_no, outcome, epoch, model_id, sent_at, finished_at, possibly_billed, input_cost_usd, output_cost_usd, owner, team)
SELECT execution_id, step_no, 1, 'completed', 1, 1, now(), now(), true, 0.1, 0.1, owner, team FROM steps WHERE execution_id IN (:id, :id2);
SET ROLE regress_carol;
SELECT * FROM as_estimate('build-sequential-dev');

-- Dry: a row for each step and one for the whole; nothing is written.
SET ROLE regress_alice;
SELECT count(*) AS executions FROM executions \gset
\pset tuples_only off
\x on
SELECT * FROM as_test_workflow('build-sequential-dev', '{"feature_name": "Payments"}');
SELECT step, status, agent, condition, error_handling, outputs_to FROM as_test_workflow('branch-dynamic-dev', '{"kind": "x"}');
SELECT status, inputs_from, ready_to_save, problem FROM as_test_workflow('build-sequential-dev', '{"feture_name": "x"}') WHERE step_no IS NULL;
-- A draft with problems, of which each stands at its step.
SELECT as_add_step('a-draft', 'one', 'bilder', 'Build {unknown}.');
SELECT as_add_step('a-draft', 'two', 'builder', 'Build.', options => '{"approval": {"by": "regress_alise"}}');
SELECT * FROM as_test_workflow('a-draft');
\x off
\pset tuples_only on
-- An endpoint that cannot be called is a problem here, but stands in nobody's way to publish.
RESET ROLE;
ALTER USER MAPPING FOR PUBLIC SERVER mock OPTIONS (DROP api_key, ADD api_key_file '/nonexistent/key');
SET ROLE regress_alice;
SELECT step_no, status, agent_available, endpoint_available, ready_to_save, problem IS NOT NULL FROM as_test_workflow('branch-dynamic-dev', '{"kind": "x"}');
RESET ROLE;
ALTER USER MAPPING FOR PUBLIC SERVER mock OPTIONS (DROP api_key_file, ADD api_key 'sk-regress-secret');
SET ROLE regress_alice;
SELECT count(*) = :executions AS nothing_started FROM executions;

-- Full: a flagged execution, of the draft where there is one.
SELECT * FROM tests.try($$SELECT * FROM as_test_workflow('a-draft', mode => 'full')$$);
SELECT as_drop_step('a-draft', 'one');
SELECT as_add_step('a-draft', 'two', 'builder', 'Build.', replace => true);
SELECT execution AS draft_test, status, step FROM as_test_workflow('a-draft', mode => 'full') \gset
SELECT execution AS full_test FROM as_test_workflow('branch-dynamic-dev', '{"kind": "x"}', 'full') \gset
SELECT e.is_test, e.workflow, v.version, jsonb_pretty(e.plan), e.inputs FROM executions e LEFT JOIN workflow_versions v USING (workflow_version_id)
WHERE e.execution_id IN (:draft_test, :full_test) ORDER BY e.execution_id;

-- Partial: the chosen steps as a plan of their own, outputs of others as inputs.
SELECT execution AS implement_test FROM as_test_workflow('build-sequential-dev',
	'{"feature_name": "x", "scale": "1M", "design-it": {"architecture": "Layers", "components": ["a", "b"], "output": "whole"}}', 'partial', '{implement}') \gset
SELECT execution AS review_test FROM as_test_workflow('build-sequential-dev', '{"implement": {"code": "print(1)"}}', 'partial', '{review}') \gset
SELECT execution AS both_test FROM as_test_workflow('build-sequential-dev',
	'{"feature_name": "x"}', 'partial', '{review,design-it}') \gset
SELECT execution AS rescue_test FROM as_test_workflow('branch-dynamic-dev', '{}', 'partial', '{low,rescue}') \gset
SELECT execution AS choose_test FROM as_test_workflow('branch-dynamic-dev', '{"look": {"level": "high"}}', 'partial', '{choose,high,low}') \gset
SELECT jsonb_pretty(e.plan -> 'steps'), jsonb_pretty(e.plan -> 'inputs'), e.inputs FROM executions e
WHERE e.execution_id IN (:implement_test, :review_test, :both_test, :rescue_test, :choose_test) ORDER BY e.execution_id;
SELECT * FROM tests.try(
	$$SELECT * FROM as_test_workflow('build-sequential-dev', '{"feature_name": "x"}', 'partial', '{implement}')$$,
	$$SELECT * FROM as_test_workflow('build-sequential-dev', '{"feature_name": "x", "design-it": {"architecture": 7}}', 'partial', '{implement}')$$,
	$$SELECT * FROM as_test_workflow('build-sequential-dev', '{"design-it": {"architecture": "x"}}', 'partial', '{implement}')$$,
	$$SELECT * FROM as_test_workflow('build-sequential-dev', mode => 'partial', steps => '{implemnt}')$$,
	$$SELECT * FROM as_test_workflow('build-sequential-dev', mode => 'partial', steps => '{}')$$,
	$$SELECT * FROM as_test_workflow('build-sequential-dev', mode => 'partial')$$,
	$$SELECT * FROM as_test_workflow('build-sequential-dev', mode => 'full', steps => '{implement}')$$,
	$$SELECT * FROM as_test_workflow('build-sequential-dev', steps => '{implement}')$$,
	$$SELECT * FROM as_test_workflow('branch-dynamic-dev', '{"look": {"level": "high"}}', 'partial', '{choose,high}')$$,
	$$SELECT * FROM as_test_workflow('build-sequential-dev', mode => 'wet')$$,
	$$SELECT * FROM as_test_workflow('build-sequential-dev', mode => NULL)$$,
	$$SELECT * FROM as_test_workflow('build-sequential-dev', '"x"')$$,
	$$SELECT * FROM as_test_workflow('build-sequential-dev', '{}', 'full')$$,
	$$SELECT * FROM as_test_workflow('bild-sequential-dev')$$);
SET ROLE regress_bob;
SELECT * FROM tests.try(
	$$SELECT * FROM as_test_workflow('a-draft')$$,
	$$SELECT * FROM as_test_workflow('build-sequential-dev', '{"feature_name": "x"}', 'full')$$,
	$$SELECT agent_studio_private.start_test('regress_alice', 'a-draft', '{}', NULL)$$);
SELECT step, status, agent_available, problem FROM as_test_workflow('build-sequential-dev', '{"feature_name": "x"}');

-- A draft can go while no test of it is under way.
SET ROLE regress_alice;
SELECT * FROM tests.try($$SELECT as_drop_workflow('a-draft')$$);
RESET ROLE;
UPDATE executions SET status = 'canceled', finished_at = now() WHERE execution_id = :draft_test;
UPDATE steps SET state = 'canceled', finished_at = now() WHERE execution_id = :draft_test;
DELETE FROM queue WHERE execution_id = :draft_test;
SET ROLE regress_alice;
SELECT * FROM tests.try($$SELECT as_drop_workflow('a-draft')$$);
RESET ROLE;
