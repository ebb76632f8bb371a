-- Workflows' definitions: what is told of bad ones, and what is seen in good ones.
SELECT tests.reset();
\pset format unaligned
\pset tuples_only on

-- One fault each. A step is named by its name, or by its number where it has none.
CREATE FUNCTION tests.steps(VARIADIC steps text[]) RETURNS jsonb
LANGUAGE sql AS $$ SELECT format('{"pattern": "sequential", "inputs": {"x": "string", "n": {"type": "number", "default": 1}}, "steps": [%s]}',
	array_to_string(steps, ', '))::jsonb $$;
CREATE FUNCTION tests.step(name text, more text DEFAULT '"title": "T"') RETURNS text
LANGUAGE sql AS $$ SELECT format('{"name": "%s", "agent": "w", "task": "t", %s}', name, more) $$;
SELECT f.no || ' ' || coalesce(p.step, '(workflow)') || ': ' || p.problem || coalesce(E'\n     ' || p.hint, ' (no hint)')
FROM (VALUES
	(1, '[]'::jsonb),
	(2, '{"pattern": "sequential"}'),
	(3, '{"pattern": "sequentail", "steps": [{"name": "a", "agent": "w", "task": "t"}]}'),
	(4, '{"pattern": "parallel", "steps": [{"name": "a", "agent": "w", "task": "t"}], "setings": {}}'),
	(5, tests.steps('"a"')),
	(6, tests.steps(tests.step('Bad Name'))),
	(7, tests.steps(tests.step('a'), tests.step('a'))),
	(8, tests.steps(tests.step('a', '"outputs": {"o": "strng"}'))),
	(9, tests.steps(tests.step('a', '"outputs": {"output": "string"}'))),
	(10, tests.steps(tests.step('a', '"outputs": {"o": {"type": "enum"}}'))),
	(11, tests.steps(tests.step('a', '"afer": []'))),
	(12, tests.steps('{"name": "a", "task": "t"}')),
	(13, tests.steps('{"name": "a", "agent": "w"}')),
	(14, tests.steps('{"name": "a", "agent": "w", "task": "Do {y}"}')),
	(15, tests.steps('{"name": "a", "agent": "w", "task": "Write {\"json\": 1}"}')),
	(16, tests.steps(tests.step('a', '"inputs": {"y": "x"}'))),
	(17, tests.steps(tests.step('a', '"outputs": {"code": "string"}'), tests.step('b', '"inputs": {"y": "a.cod"}'))),
	(18, tests.steps(tests.step('a', '"inputs": {"y": "b.output"}'), tests.step('b'))),
	(19, tests.steps(tests.step('a', '"after": ["b"]'), tests.step('b', '"after": ["a"]'))),
	(20, tests.steps(tests.step('a'), tests.step('b', '"after": ["c"]'))),
	(21, tests.steps(tests.step('a'), tests.step('b', '"merge": 2'))),
	(22, tests.steps(tests.step('a'), tests.step('b', '"merge": "any"'), tests.step('c', '"rules": [{"if": "$.n > 1", "then": "go_back", "to": "a"}]'))),
	(23, tests.steps('{"name": "d", "type": "decision"}', tests.step('a'))),
	(24, tests.steps('{"name": "d", "type": "decision", "cases": [{"if": "$.n > 1", "to": "z"}]}', tests.step('a'))),
	(25, tests.steps(tests.step('a', '"rules": [{"if": "$.n > 1", "then": "goback", "to": "a"}]'))),
	(26, tests.steps(tests.step('a', '"rules": [{"if": "$.n > 1", "then": "go_back", "to": "b"}]'), tests.step('b'))),
	(27, tests.steps(tests.step('a', '"rules": [{"if": "$.n > 1", "then": "go_back", "to": "a", "max_iterations": 101}]'))),
	(28, tests.steps(tests.step('a', '"rules": [{"if": "$.n > 1", "then": "go_back", "to": "a", "feedback": "{issues}"}]'))),
	(29, tests.steps(tests.step('a', '"rules": [{"then": "fail"}, {"then": "notify", "message": "m"}]'))),
	(30, tests.steps(tests.step('a', '"criteria": {"min_quality_score": 85}'))),
	(31, tests.steps(tests.step('a', '"criteria": {"min_quality_score": 0.8, "max_iterations": 11}'))),
	(32, tests.steps(tests.step('a', '"approval": {"on_expiry": "ignore", "within_seconds": 60}'))),
	(33, tests.steps(tests.step('a', '"on_failure": "fallback"'))),
	(34, tests.steps(tests.step('a', '"on_failure": "fallback", "fallback": "a"'))),
	(35, tests.steps(tests.step('z'), tests.step('a', '"on_failure": "fallback", "fallback": "b"'), tests.step('b', '"on_failure": "fallback", "fallback": "a"'))),
	(36, tests.steps(tests.step('a', '"on_failure": "fallback", "fallback": "f"'), tests.step('f', '"after": ["a"]'))),
	(37, tests.steps(tests.step('a', '"compensates": "b"'))),
	(38, tests.steps(tests.step('a', '"final": true'), tests.step('b', '"final": true'))),
	(39, tests.steps(tests.step('a', '"retry": {"max_retries": 21}'))),
	(40, tests.steps(tests.step('a', '"timeout_seconds": 86401'))),
	(41, tests.steps(tests.step('a', '"hand_off": {"agent": "v", "after_retries": 4}'))),
	(42, tests.steps(tests.step('a', '"output_format": "jsn"'))),
	(43, tests.steps(tests.step('a', '"success_actions": [{"action": "mail"}]'))),
	(44, tests.steps(tests.step('a', '"when": "$.y > 1"'))),
	(45, tests.steps(tests.step('a', '"when": "$steps.b.output == 1"'), tests.step('b'))),
	(46, tests.steps(tests.step('a', '"when": "exists($steps)"'))),
	(47, tests.steps(tests.step('a-b'), tests.step('c', '"when": "$steps.a-b.output == 1"'))),
	(48, tests.steps(tests.step('a', '"when": "$.x"'))),
	(49, tests.steps(tests.step('a', '"when": "($.x == \"a\").type()"'))),
	(50, tests.steps(tests.step('a', '"when": "$.x = \"a\""'))),
	(51, tests.steps(tests.step('a', '"when": "$.x like_regex \"(\""'))),
	(52, tests.steps(tests.step('a', '"rules": [{"if": "$.n + 1", "then": "fail"}]'))),
	(53, tests.steps(tests.step('a', format('"when": "$.x == \"%s\""', repeat('x', 10240)))))
) f (no, definition), agent_studio_private.definition_problems(f.definition) p
ORDER BY f.no;

-- All at once, in the order in which they are found; a good one has none.
\pset format aligned
\pset tuples_only off
SELECT * FROM agent_studio_private.definition_problems('{
  "pattern": "iterative", "owner": "me",
  "inputs": {"feature": "text"},
  "steps": [
    {"name": "design", "agent": "architect", "task": "Design {featur} for {scale}", "outputs": {"plan": "string"}},
    {"name": "build", "agent": "builder", "task": "Build {design.plan} like {review.verdict}", "when": "$.ready"},
    {"name": "review", "task": "Review", "outputs": {"verdict": "string"}, "retry": {"max_retries": 50},
     "rules": [{"if": "$.verdict == failed", "then": "go_back", "to": "desing"}]}]}');
SELECT count(*) AS problems FROM agent_studio_private.definition_problems(tests.steps(tests.step('a',
	'"when": "$.n > 0 && $iteration == 1 || !($retry_count > 1) || exists($.x) || $.x starts with \"a\" || ($.x like_regex \"^a\") is unknown"')));
SELECT * FROM agent_studio_private.definition_problems(NULL);

-- What is in a good one.
CREATE TEMP TABLE good AS SELECT '{
  "pattern": "dynamic", "settings": {"timeout_seconds": 60},
  "inputs": {"feature": "string", "scale": {"type": "enum", "values": ["small", "large"], "default": "small"},
             "budget": {"type": "number", "required": false}, "options": {"type": "object", "default": {"a": [1, null]}}},
  "steps": [
    {"name": "design", "title": "Design it", "agent": "architect", "task": "Design {feature}", "timeout_seconds": 30,
     "outputs": {"architecture": "string", "components": "array", "complexity": {"type": "enum", "values": ["low", "high"]}},
     "on_failure": "fallback", "fallback": "sketch"},
    {"name": "sketch", "agent": "junior", "task": "Sketch {feature}"},
    {"name": "choose", "type": "decision", "cases": [{"if": "$steps.design.complexity == \"high\"", "to": "build"}], "else": "note"},
    {"name": "build", "agent": {"by": "design.complexity", "choices": {"low": "junior", "high": "senior"}, "default": "builder"},
     "task": "Build {a} of {design.components}", "inputs": {"a": ["design.architecture", "sketch.output"]}, "outputs": {"code": "string"}, "final": true,
     "hand_off": {"agent": "principal", "after_retries": 2}, "rules": [{"if": "$.code == \"\"", "then": "hand_off", "to": "helper"}]},
    {"name": "helper", "agent": "senior", "task": "Help with {build.code}"},
    {"name": "note", "agent": "scribe", "task": "Note {design.output}"},
    {"name": "undo", "agent": "junior", "task": "Undo {build.code}", "compensates": "build"}]}'::jsonb AS definition;
SELECT s.* FROM good, agent_studio_private.definition_steps(definition) s;
SELECT a.* FROM good, agent_studio_private.definition_agents(definition) a;
SELECT e.* FROM good, agent_studio_private.definition_edges(definition) e;

-- Inputs: what is not given gets its default; all that does not fit is told at once.
SELECT agent_studio_private.complete_inputs(definition, '{"feature": "Stripe"}') FROM good;
SELECT agent_studio_private.complete_inputs(definition, '{"scale": "large", "feature": "\"ä\" {x}", "budget": 1.50, "options": {}}') FROM good;
SELECT agent_studio_private.complete_inputs(NULL, '{}') IS NULL AS none, agent_studio_private.complete_inputs(tests.steps(tests.step('a', '"task": "t"')) #- '{inputs,x}', NULL);
\pset format unaligned
\pset tuples_only on
SELECT t FROM tests.try(
	$$SELECT agent_studio_private.complete_inputs(definition, NULL) FROM good$$,
	$$SELECT agent_studio_private.complete_inputs(definition, '[]') FROM good$$,
	$$SELECT agent_studio_private.complete_inputs(definition, '{"featur": "x", "scale": "huge", "budget": "5", "options": [1], "another": 1}') FROM good$$,
	$$SELECT agent_studio_private.complete_inputs(definition, '{"feature": null}') FROM good$$,
	$$SELECT agent_studio_private.complete_inputs('{"pattern": "parallel", "steps": [{"name": "a", "agent": "w", "task": "t"}]}', '{"x": 1}')$$,
	$$SELECT agent_studio_private.complete_inputs('{"steps": []}', '{}')$$,
	$$SELECT agent_studio_private.definition_steps('{"pattern": "parallel", "steps": [{"name": "a", "agent": "w", "task": "{"}]}')$$,
	$$SELECT agent_studio_private.definition_edges('[]')$$) t;

-- A condition that fails to be read leaves no trace in the transaction.
BEGIN;
SELECT count(*) FROM agent_studio_private.definition_problems(tests.steps(tests.step('a', '"when": "$.x ="')));
SELECT pg_current_xact_id_if_assigned() IS NULL AS no_transaction_id;
COMMIT;

-- As deep, and as large, as can be.
SELECT problem FROM agent_studio_private.definition_problems((repeat('[', 1000) || repeat(']', 1000))::jsonb);
SELECT problem FROM agent_studio_private.definition_problems(jsonb_build_object('x', repeat('x', 1100000)));
SELECT count(*), max(problem) FILTER (WHERE step IS NULL) FROM agent_studio_private.definition_problems(
	(SELECT jsonb_build_object('pattern', 'parallel', 'steps', jsonb_agg(jsonb_build_object('name', 'S' || i))) FROM generate_series(1, 500) i));
SELECT count(*) FROM agent_studio_private.definition_steps(
	(SELECT jsonb_build_object('pattern', 'sequential', 'steps', jsonb_agg(jsonb_build_object('name', 's' || i, 'agent', 'w', 'task', 't'))) FROM generate_series(1, 500) i));
DROP FUNCTION tests.steps, tests.step;
