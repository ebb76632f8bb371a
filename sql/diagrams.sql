-- Diagrams: of workflows and of executions, as text, Mermaid and SVG. No executor runs:
-- what became of steps is written by hand, as it would write it.
SELECT tests.reset();
SET client_min_messages = warning;
\pset format unaligned
\pset tuples_only on
SET ROLE regress_alice;
SELECT as_create_agent('sage', 'architect', 'mock', team => 'regress_team') > 0;

-- One after the other, with what is passed on.
SELECT as_create_workflow('feature', 'sequential', '{"inputs": {"name": "string"}, "steps": [
	{"name": "design", "title": "Architecture Design", "agent": "sage", "task": "Design {name}.", "outputs": {"architecture": "string", "components": "array"}},
	{"name": "implement", "agent": "worker", "task": "Build {architecture} of {components}.", "inputs": {"architecture": "design.architecture", "components": "design.components"},
		"approval": {"by": "regress_team"}, "criteria": {"required_sections": ["code"], "max_iterations": 2}, "on_failure": "fallback", "fallback": "rescue", "outputs": {"code": "string"}},
	{"name": "validate", "agent": "worker", "task": "Check {code}.", "inputs": {"code": "implement.code"}, "when": "$.code starts with \"x\"", "outputs": {"verdict": "string"},
		"rules": [{"if": "$.verdict == \"FAIL\"", "then": "go_back", "to": "implement", "max_iterations": 5}, {"then": "notify", "message": "x"}, {"if": "$.verdict == \"BAD\"", "then": "manual_review"}]},
	{"name": "rescue", "agent": "worker", "task": "Rescue."}, {"name": "undo", "agent": "worker", "task": "Undo.", "compensates": "design"}]}', team => 'regress_team') > 0;
SELECT as_diagram('feature');
SELECT as_diagram('feature', 'mermaid');
-- A decision, an agent that is chosen, branches side by side.
SELECT as_create_workflow('smart', 'dynamic', '{"steps": [
	{"name": "analyze", "agent": "sage", "task": "x", "outputs": {"complexity": "string"}},
	{"name": "build", "agent": {"by": "analyze.complexity", "choices": {"high": "sage"}, "default": "worker"}, "task": "x"},
	{"name": "choose", "type": "decision", "cases": [{"if": "$steps.analyze.complexity == \"high\"", "to": ["security", "speed"]}, {"if": "$steps.analyze.complexity == \"low\"", "to": "plain"}], "else": ["plain", "security"]},
	{"name": "security", "agent": "worker", "task": "x"}, {"name": "speed", "agent": "worker", "task": "x"}, {"name": "plain", "agent": "worker", "task": "x"},
	{"name": "document", "agent": "worker", "task": "x", "after": ["security", "speed", "plain"], "merge": "any"}]}') > 0;
SELECT as_diagram('smart');
SELECT as_diagram('smart', 'mermaid');
-- Ways that pass by layers, and that cross.
SELECT as_create_workflow('crossing', 'parallel', '{"steps": [
	{"name": "a", "agent": "worker", "task": "x"}, {"name": "b", "agent": "worker", "task": "x"},
	{"name": "c", "agent": "worker", "task": "x", "after": ["a"]}, {"name": "d", "agent": "worker", "task": "x", "after": ["a", "b"]},
	{"name": "e", "agent": "worker", "task": "x", "after": ["b"]}, {"name": "f", "agent": "worker", "task": "x", "after": ["c", "e"]},
	{"name": "g", "agent": "worker", "task": "x", "after": ["a", "f"]}, {"name": "h", "agent": "worker", "task": "x", "after": ["d"]},
	{"name": "i", "agent": "worker", "task": "x", "after": ["h", "g", "b"]}, {"name": "lonely", "agent": "worker", "task": "x"}]}') > 0;
SELECT as_diagram('crossing');

-- What has no room is a list: many branches, very many steps, very many ways.
CREATE FUNCTION pg_temp.plain_steps(n integer, before integer) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('steps', jsonb_agg(jsonb_build_object('name', 'step-' || i, 'agent', 'worker', 'task', 'x', 'after',
		(SELECT coalesce(jsonb_agg('step-' || j), '[]') FROM generate_series(greatest(1, i - before), i - 1) j)) ORDER BY i)) FROM generate_series(1, n) i $$;
SELECT as_create_workflow(t.name, 'parallel', pg_temp.plain_steps(t.n, t.before)) > 0
FROM (VALUES ('six', 6, 0), ('seven', 7, 0), ('wide', 100, 0), ('long', 200, 1), ('chain', 90, 1), ('dense', 101, 20)) t (name, n, before);
SELECT as_diagram('six');
SELECT as_diagram('seven');
SELECT w.name, count(*), max(agent_studio_private.display_width(d)) <= 98 AS narrow, bool_or(d ~ '┌') AS drawn
FROM workflows w, as_diagram(w.name) d GROUP BY w.name ORDER BY w.name;
-- SVG: always drawn, well formed, with a box for each step.
SELECT s.name, s.svg::xml IS DOCUMENT AS well_formed, (SELECT count(*) FROM regexp_matches(s.svg, '<rect class="(step|decision|demand)', 'g')) AS boxes, s.svg ~ '<script|href|url\(|@import|on[a-z]+=' AS active
FROM (SELECT w.name, string_agg(d, '' ORDER BY n) AS svg FROM workflows w, as_diagram(w.name, 'svg') WITH ORDINALITY d (d, n) GROUP BY w.name) s ORDER BY s.name;
SELECT regexp_replace(d, '<style>.*</style>', '') FROM as_diagram('feature', 'svg') d;

-- Versions and drafts.
SELECT as_update_workflow('feature', '{"steps": [{"name": "only", "agent": "worker", "task": "x"}]}');
SELECT as_diagram('feature');
SELECT count(*) FROM as_diagram('feature', version => '1.0.0');
SELECT as_create_workflow('sketch', 'sequential', '{}') > 0;
SELECT as_add_step('sketch', 'first', 'worker', 'Do it.');
SELECT as_diagram(workflow => 'sketch');

-- Refusals.
SELECT as_add_step('sketch', 'second', 'nobody', 'Do {it}.');
SELECT * FROM tests.try($$SELECT as_diagram('sketch')$$, $$SELECT as_diagram('featur')$$, $$SELECT as_diagram('feature', 'svgg')$$, $$SELECT as_diagram('feature', NULL)$$,
	$$SELECT as_diagram('feature', version => '7.0.0')$$, $$SELECT as_diagram(NULL)$$, $$SELECT as_diagram(NULL::bigint)$$, $$SELECT as_diagram(1000000)$$);
SET ROLE regress_carol;
SELECT count(*) > 0 FROM as_diagram('feature');
SET ROLE regress_mona;
SELECT count(*) > 0 FROM as_diagram('feature');
SET ROLE regress_bob;
SELECT * FROM tests.try($$SELECT as_diagram('feature')$$);

-- Executions: state, time, cost, what a step waits for.
SET ROLE regress_alice;
SELECT as_update_workflow('feature', pg_temp.plain_steps(1, 1));
SELECT as_run_workflow('feature', '{"name": "Avatars"}', version => '1.0.0') AS id, as_run_workflow('smart') AS smart, as_execute_task('worker', E'Design\n a queue.') AS task \gset
RESET ROLE;
DELETE FROM queue;
UPDATE executions SET status = 'running', started_at = clock_timestamp() - interval '192 seconds' WHERE execution_id IN (:id, :smart);
UPDATE steps SET state = 'completed', attempt_no = 1, started_at = clock_timestamp() - interval '192 seconds', finished_at = clock_timestamp() - interval '105 seconds', outputs = '{"complexity": "high"}' WHERE execution_id IN (:id, :smart) AND step_no = 1;
INSERT INTO attempts (execution_id, step_no, attempt_no, outcome, epoch, model_id, sent_at, finished_at, input_tokens, output_tokens, input_cost_usd, output_cost_usd, possibly_billed, owner, team)
VALUES (:id, 1, 1, 'completed', 1, 1, now(), now(), 1250, 4890, 0.0125, 0.12, true, 'regress_alice', 'regress_team');
UPDATE steps SET state = 'running', started_at = clock_timestamp() - interval '105 seconds' WHERE execution_id = :id AND step_no = 2;
INSERT INTO thoughts VALUES (:id, 1, 2, 1, now(), 1, 'progress', E'Implementing \x1b[2Jupload \u202eendpoint...' || repeat('漢字', 100), 'regress_alice', 'regress_team');
UPDATE steps SET state = 'completed', outputs = '{"chosen": ["security", "speed"]}', started_at = now(), finished_at = now() WHERE execution_id = :smart AND step_no IN (2, 3);
UPDATE steps SET state = 'failed', error_class = 'timeout', error_message = 'Agent execution exceeded 300 second timeout', started_at = now(), finished_at = now() WHERE execution_id = :smart AND step_no = 4;
UPDATE steps SET state = 'waiting_approval' WHERE execution_id = :smart AND step_no = 5;
UPDATE steps SET state = 'skipped' WHERE execution_id = :smart AND step_no = 6;
INSERT INTO steps (execution_id, step_no, name, plan_step, iteration, round, state, started_at, finished_at, owner) VALUES (:smart, 8, 'build', 2, 2, 2, 'completed', now(), now(), 'regress_alice');
SET ROLE regress_alice;
SELECT regexp_replace(d, '\m10\ds', '(so many) s') FROM as_diagram(:id) d;
SELECT as_diagram(:smart);
SELECT as_diagram(:smart, 'mermaid');
SELECT as_diagram(:task);
SELECT count(*), max(agent_studio_private.display_width(d)) <= 98, bool_or(d ~ '[\u0001-\u001F\u007F-\u009F\u202E]') FROM as_diagram(:id) d;
SELECT string_agg(d, '')::xml IS DOCUMENT, string_agg(d, '') ~ 'class="t running"' FROM as_diagram(:id, 'svg') d;
SELECT * FROM tests.try(format('SELECT as_diagram(%s, %L)', :id, 'pdf'));
-- Who may see the execution but not the workflow is told the steps.
RESET ROLE;
BEGIN;
UPDATE workflows SET team = NULL, owner = 'regress_bob' WHERE name = 'feature';
SET LOCAL ROLE regress_carol;
SELECT regexp_replace(d, '\m10\ds', '(so many) s') FROM as_diagram(:id) d;
SELECT string_agg(d, '')::xml IS DOCUMENT FROM as_diagram(:id, 'svg') d;
ROLLBACK;
SET ROLE regress_bob;
SELECT * FROM tests.try(format('SELECT as_diagram(%s)', :id));
RESET ROLE;

-- Hostile names of all kinds stay within their boxes, labels and elements.
BEGIN;
UPDATE workflow_versions SET definition = jsonb_set(definition, '{steps,0,title}', to_jsonb(e'</text><script>alert(1)</script>"]; click s1 "javascript:x" `#quot; ]]>\u0001\u202e' || repeat('漢字 ', 60)));
UPDATE steps SET title = e'</text><script>alert(1)</script>"\u0007\u202e' || repeat('漢', 60), error_class = 'internal', error_message = e'--> s1\r\n]] <img src=x onerror=alert(1)> & "' WHERE execution_id = :smart;
SELECT d FROM as_diagram('smart', 'mermaid') d WHERE d ~ 's1\[';
SELECT max(agent_studio_private.display_width(d)) <= 98, bool_or(d ~ '[\u0001-\u001F\u007F-\u009F\u202E]') FROM workflows w, as_diagram(w.name) d WHERE w.name IN ('smart', 'feature');
SELECT max(agent_studio_private.display_width(d)) <= 98, bool_or(d ~ '[\u0001-\u001F\u007F-\u009F\u202E]') FROM as_diagram(:smart) d;
SELECT string_agg(d, '')::xml IS DOCUMENT, string_agg(d, '') ~ '<script|<img|[\u0001-\u0008\u202E]' FROM as_diagram('smart', 'svg') d;
SELECT string_agg(d, '')::xml IS DOCUMENT, string_agg(d, '') ~ '<script|<img|[\u0001-\u0008\u202E]' FROM as_diagram(:smart, 'svg') d;
ROLLBACK;
