-- Workflows: created, drafted step by step, published in versions, changed, cloned,
-- exported and imported, dropped, and every refusal.
SELECT tests.reset();
\pset null (null)
SET client_min_messages = warning;

SET ROLE regress_alice;
SELECT as_create_agent('architect', 'architect', 'mock', visibility => 'shared');
SELECT as_create_agent('builder', 'builder', 'mock', visibility => 'shared');
SELECT as_create_agent('hers', 'validator', 'mock');
SELECT as_create_workflow('payment-sequential-prod', 'sequential', '{
  "inputs": {"feature_name": "string", "scale": {"type": "string", "default": "10K requests/day"}},
  "steps": [
    {"name": "design", "agent": "architect", "task": "Design {feature_name} for {scale}.",
     "outputs": {"architecture": "string", "components": "array"}},
    {"name": "implement", "agent": "builder", "task": "Implement {feature_name}.\n\nArchitecture: {architecture}",
     "inputs": {"architecture": "design.architecture"}, "outputs": {"code": "string"}}
  ]}', 'Payments', 'Designs and implements', environment => 'production', tags => '{payments,prod}',
  team => 'regress_team', visibility => 'shared', version => '2.0.0');
\x on
SELECT name, pattern, title, description, team, visibility, environment, status, tags, current_version, draft, owner FROM workflows;
SELECT version, created_by, definition -> 'pattern' AS pattern, jsonb_array_length(definition -> 'steps') AS steps FROM workflow_versions;
\x off

-- A draft holds anything; it is checked as a whole when it is published, and every
-- problem is told at once.
SELECT as_create_workflow('review-iterative-dev', 'iterative', '{"inputs": {"topic": "string"}}');
SELECT as_add_step('review-iterative-dev', 'write', 'scribee', 'Write about {topic} and {style}.', outputs => '{"text": "string"}');
SELECT as_add_step('review-iterative-dev', 'check', 'hers', 'Check this:

{text}', 'Validation', inputs => '{"text": "write.text"}', outputs => '{"verdict": {"type": "enum", "values": ["PASS", "FAIL"]}, "issues": "string"}',
	rules => '[{"if": "$.verdict == \"FAIL\"", "then": "go_back", "to": "write", "feedback": "{issues}"}]',
	on_failure => 'manual_review', max_retries => 5, timeout_seconds => 60, output_format => 'json', final => true,
	options => '{"approval": {"by": "regress_teem"}, "retry": {"delay_seconds": 1}, "success_actions": [{"action": "notify"}]}');
SELECT status, current_version, jsonb_pretty(draft) AS draft FROM workflows WHERE name = 'review-iterative-dev';
\pset format unaligned
\pset tuples_only on
SELECT * FROM tests.try(
	$$SELECT as_publish_workflow('review-iterative-dev')$$,
	$$SELECT as_add_step('review-iterative-dev', 'write', 'builder')$$,
	$$SELECT as_add_step('review-iterative-dev', 'wrote', 'builder', replace => true)$$,
	$$SELECT as_add_step('review-iterative-dev', 'write', 'builder', 'Write about {topic}.', outputs => '{"text": "string"}', replace => true)$$,
	$$SELECT as_publish_workflow('review-iterative-dev')$$,
	$$SELECT as_drop_step('review-iterative-dev', 'chck')$$,
	$$SELECT as_drop_step('review-iterative-dev', 'check')$$,
	$$SELECT as_publish_workflow('review-iterative-dev', '1.0')$$,
	$$SELECT as_publish_workflow('review-iterative-dev')$$,
	$$SELECT as_publish_workflow('review-iterative-dev')$$);
SELECT status, current_version, draft IS NULL AS no_draft FROM workflows WHERE name = 'review-iterative-dev';
SELECT as_add_step('review-iterative-dev', 'again', 'builder', 'Shorten this: {write.text}', "when" => '$.topic != "x"', after => '{write}');
SELECT as_update_workflow('review-iterative-dev', '{"settings": {"on_failure": "continue"}, "pattern": "sequential"}');
SELECT pattern, current_version, draft -> 'settings' AS settings, jsonb_array_length(draft -> 'steps') AS steps FROM workflows WHERE name = 'review-iterative-dev';
SELECT as_publish_workflow('review-iterative-dev', '3.1.4');
SELECT pattern, current_version, draft FROM workflows WHERE name = 'review-iterative-dev';
SELECT v.version, v.definition ->> 'pattern', jsonb_array_length(v.definition -> 'steps') FROM workflow_versions v
JOIN workflows w USING (workflow_id) WHERE w.name = 'review-iterative-dev' ORDER BY workflow_version_id;

-- What only describes a workflow makes no version; a definition does, in place of a draft.
SELECT as_update_workflow('payment-sequential-prod', title => 'Pay', description => 'Designs', environment => 'staging',
	tags => '{payments}', visibility => 'team');
SELECT title, description, environment, tags, visibility, team, current_version FROM workflows WHERE name = 'payment-sequential-prod';
SELECT as_add_step('payment-sequential-prod', 'half', 'builder', 'Half done');
SELECT as_update_workflow('payment-sequential-prod', '{"pattern": "parallel", "steps": [{"name": "a", "agent": "builder", "task": "A"}, {"name": "b", "agent": "builder", "task": "B"}]}');
SELECT as_update_workflow('payment-sequential-prod', '{"steps": [{"name": "a", "agent": "builder", "task": "A"}]}', version => '2.0.1', unset => '{title,description}');
SELECT title, description, pattern, current_version, draft FROM workflows WHERE name = 'payment-sequential-prod';
SELECT v.version, v.definition ->> 'pattern' FROM workflow_versions v JOIN workflows w USING (workflow_id)
WHERE w.name = 'payment-sequential-prod' ORDER BY workflow_version_id;

-- Deprecated and open again.
SELECT as_deprecate_workflow('payment-sequential-prod');
SELECT status FROM workflows WHERE name = 'payment-sequential-prod';
SELECT as_update_workflow('payment-sequential-prod', '{"steps": [{"name": "a", "agent": "builder", "task": "A"}]}');
SELECT status FROM workflows WHERE name = 'payment-sequential-prod';
SELECT as_deprecate_workflow('payment-sequential-prod', false);
SELECT status FROM workflows WHERE name = 'payment-sequential-prod';

-- Nothing is lost between an export and the import of it, in SQL's words and in bytes.
SELECT as_add_step('payment-sequential-prod', 'größer', 'nobody', '{ not closed', options => '{"nonsense": null}');
SELECT as_deprecate_workflow('payment-sequential-prod');
SELECT jsonb_pretty(as_export_workflow('payment-sequential-prod'));
SELECT as_import_workflow(as_export_workflow('payment-sequential-prod'), 'payment-copy');
SELECT as_export_workflow('payment-sequential-prod') - 'name' = as_export_workflow('payment-copy') - 'name' AS equal,
	as_export_workflow('payment-copy') ->> 'name' AS name;
SELECT as_import_workflow(as_export_workflow('payment-sequential-prod', '2.0.0'), 'payment-first');
SELECT as_export_workflow('payment-sequential-prod', '2.0.0') - 'name' = as_export_workflow('payment-first') - 'name' AS equal;
SELECT as_create_workflow('only-a-draft', 'dynamic', title => 'Draft');
SELECT as_import_workflow(as_export_workflow('only-a-draft'), 'a-draft-too');
SELECT as_export_workflow('only-a-draft') - 'name' = as_export_workflow('a-draft-too') - 'name' AS equal;
SELECT name, status, current_version, draft IS NULL AS no_draft, owner FROM workflows ORDER BY workflow_id;

-- A clone is the caller's own.
SET ROLE regress_carol;
SELECT as_clone_workflow('payment-sequential-prod', 'carols', title => 'Of Carol', visibility => 'shared');
SELECT as_clone_workflow('payment-sequential-prod', 'carols-first', version => '2.0.0');
SELECT name, pattern, title, tags, team, visibility, status, current_version, draft IS NULL AS no_draft, owner FROM workflows WHERE name LIKE 'carols%' ORDER BY name;
SELECT v.definition = (SELECT o.definition FROM workflow_versions o JOIN workflows p USING (workflow_id)
	WHERE p.name = 'payment-sequential-prod' AND o.version = CASE w.name WHEN 'carols' THEN p.current_version ELSE '2.0.0' END) AS same
FROM workflow_versions v JOIN workflows w USING (workflow_id) WHERE w.name LIKE 'carols%' ORDER BY w.name;

-- Names are advice. (The hint gives the form.)
SET client_min_messages = notice;
\set VERBOSITY terse
SELECT as_create_workflow('feature-development-sequential-prod', 'sequential');
SELECT as_create_workflow('workflow1', 'sequential');
SELECT as_create_workflow('feature-parallel-prod', 'sequential');
RESET client_min_messages;

-- Refusals.
SET ROLE regress_alice;
SELECT * FROM tests.try(
	$$SELECT as_create_workflow('', 'sequential')$$,
	$$SELECT as_create_workflow(NULL, 'sequential')$$,
	$$SELECT as_create_workflow('w', 'sequentail')$$,
	$$SELECT as_create_workflow('w', NULL)$$,
	$$SELECT as_create_workflow('w', 'parallel', '[]')$$,
	$$SELECT as_create_workflow('w', 'parallel', 'null')$$,
	$$SELECT as_create_workflow('w', 'parallel', '{"pattern": "dynamic", "steps": []}')$$,
	$$SELECT as_create_workflow('w', 'parallel', '{"steps": []}')$$,
	$$SELECT as_create_workflow('w', 'parallel', '{"steps": [{"name": "a", "agent": "bilder", "task": "{x}"}, {"name": "b"}]}')$$,
	$$SELECT as_create_workflow('w', 'parallel', version => '2.0.0')$$,
	$$SELECT as_create_workflow('w', 'parallel', '{"steps": [{"name": "a", "agent": "builder", "task": "x"}]}', version => 'one')$$,
	$$SELECT as_create_workflow('w', 'parallel', version => NULL)$$,
	$$SELECT as_create_workflow('w', 'parallel', environment => 'prodution')$$,
	$$SELECT as_create_workflow('w', 'parallel', environment => NULL)$$,
	$$SELECT as_create_workflow('w', 'parallel', visibility => 'teem')$$,
	$$SELECT as_create_workflow('w', 'parallel', team => 'regress_nobody')$$,
	$$SELECT as_create_workflow('only-a-draft', 'parallel')$$,
	$$SELECT as_create_workflow('w', 'parallel', jsonb_build_object('settings', repeat('x', 5000000)))$$,
	$$SELECT as_add_step('only-a-darft', 'x')$$,
	$$SELECT as_add_step('nothing like it', 'x')$$,
	$$SELECT as_add_step(NULL, 'x')$$,
	$$SELECT as_add_step('only-a-draft', '')$$,
	$$SELECT as_add_step('only-a-draft', 'x', 'builder', options => '{"agent": {"by": "a.b"}}')$$,
	$$SELECT as_add_step('only-a-draft', 'x', max_retries => 1, options => '{"retry": {"max_retries": 2}}')$$,
	$$SELECT as_add_step('only-a-draft', 'x', max_retries => 1, options => '{"retry": 3}')$$,
	$$SELECT as_add_step('only-a-draft', 'x', options => '[]')$$,
	$$SELECT as_add_step('only-a-draft', 'x', options => NULL)$$,
	$$SELECT as_add_step('only-a-draft', 'x', replace => NULL)$$,
	$$SELECT as_drop_step('only-a-draft', NULL)$$,
	$$SELECT as_publish_workflow('only-a-draft')$$,
	$$SELECT as_publish_workflow('only-a-darft')$$,
	$$SELECT as_deprecate_workflow('only-a-draft')$$,
	$$SELECT as_deprecate_workflow('payment-copy', NULL)$$,
	$$SELECT as_update_workflow('payment-copy', version => '9.0.0')$$,
	$$SELECT as_update_workflow('payment-copy', '{"settings": {}}', version => '9.0.0')$$,
	$$SELECT as_update_workflow('payment-copy', '{"pattern": "seqential"}')$$,
	$$SELECT as_update_workflow('payment-copy', '"text"')$$,
	$$SELECT as_update_workflow('payment-first', '{"steps": [{"name": "a", "agent": "builder", "task": "A"}]}', version => '2.0.0')$$,
	$$SELECT as_update_workflow('payment-copy', unset => '{titel}')$$,
	$$SELECT as_update_workflow('payment-copy', unset => NULL)$$,
	$$SELECT as_update_workflow('payment-copy', environment => 'devel')$$,
	$$SELECT as_update_workflow('payment-copy', team => 'regress_nobody')$$,
	$$SELECT as_clone_workflow('payment-copy', 'only-a-draft')$$,
	$$SELECT as_clone_workflow('payment-copy', NULL)$$,
	$$SELECT as_clone_workflow('payment-copy', 'w', version => '7.0.0')$$,
	$$SELECT as_clone_workflow('only-a-draft', 'w', version => '1.0.0')$$,
	$$SELECT as_export_workflow('payment-copi')$$,
	$$SELECT as_export_workflow('payment-copy', '7.0.0')$$,
	$$SELECT as_import_workflow(NULL)$$,
	$$SELECT as_import_workflow('[]')$$,
	$$SELECT as_import_workflow('{"steps": []}')$$,
	$$SELECT as_import_workflow('{"agent_studio_workflow": 2}')$$,
	$$SELECT as_import_workflow('{"agent_studio_workflow": 1, "name": "w", "pattern": "parallel"}')$$,
	$$SELECT as_import_workflow('{"agent_studio_workflow": 1, "name": "w", "patern": "parallel", "draft": {}}')$$,
	$$SELECT as_import_workflow('{"agent_studio_workflow": 1, "name": 7, "pattern": "parallel", "draft": {}}')$$,
	$$SELECT as_import_workflow('{"agent_studio_workflow": 1, "name": "w", "pattern": "parallel", "draft": {}}')$$,
	$$SELECT as_import_workflow('{"agent_studio_workflow": 1, "name": "w", "pattern": "parallel", "draft": {"steps": [], "pattern": "x"}}')$$,
	$$SELECT as_import_workflow('{"agent_studio_workflow": 1, "name": "only-a-draft", "pattern": "parallel", "draft": {"steps": []}}')$$,
	$$SELECT as_import_workflow('{"agent_studio_workflow": 1, "name": "w", "pattern": "parallel", "definition": {"steps": [{"name": "a", "agent": "nobody", "task": "A"}]}}')$$);
-- None of these left anything.
SELECT count(*) FROM workflows WHERE name IN ('w', '') OR title LIKE 'T%';
SELECT draft -> 'steps' FROM workflows WHERE name = 'only-a-draft';

-- Agents that the publisher may not use: of others, deprecated, behind another server.
RESET ROLE;
CREATE SERVER others TYPE 'openai' FOREIGN DATA WRAPPER agent_studio OPTIONS (url 'https://api.example.com/v1');
SELECT as_create_model('forbidden', 'others');
SELECT as_create_agent('behind', 'builder', 'forbidden', visibility => 'shared');
SELECT as_create_agent('old', 'builder', 'mock', visibility => 'shared');
SELECT as_deprecate_agent('old');
SET ROLE regress_carol;
SELECT * FROM tests.try($$SELECT as_create_workflow('w', 'dynamic', '{"inputs": {"kind": "string"}, "steps": [
	{"name": "one", "agent": {"by": "inputs.kind", "choices": {"a": "behind", "b": "hers"}, "default": "old"}, "task": "x"},
	{"name": "two", "agent": "builder", "task": "x", "hand_off": {"agent": "hers", "after_retries": 2}},
	{"name": "three", "agent": "behind", "task": "x", "approval": {"by": "regress_alise"}}]}')$$);
RESET ROLE;
SET ROLE regress_alice;
SELECT as_create_workflow('shared-with-hers', 'parallel', '{"steps": [{"name": "a", "agent": "hers", "task": "A"}]}', visibility => 'shared');
SET ROLE regress_bob;
SELECT * FROM tests.try($$SELECT as_clone_workflow('shared-with-hers', 'of-bob')$$);

-- Who may see and change what: alice and carol share a team, bob is apart.
SELECT name FROM workflows ORDER BY name;
SELECT count(*) FROM workflow_versions v WHERE NOT EXISTS (SELECT FROM workflows w WHERE w.workflow_id = v.workflow_id);
SELECT * FROM tests.try(
	$$SELECT as_add_step('carols', 'x')$$,
	$$SELECT as_export_workflow('payment-sequential-prod')$$,
	$$SELECT as_clone_workflow('payment-sequential-prod', 'w')$$,
	$$SELECT as_drop_workflow('payment-sequential-prod')$$,
	$$SELECT as_drop_workflow('carols')$$);
SET ROLE regress_carol;
SELECT * FROM tests.try(
	$$SELECT as_add_step('payment-sequential-prod', 'x')$$,
	$$SELECT as_drop_step('payment-sequential-prod', 'a')$$,
	$$SELECT as_publish_workflow('payment-sequential-prod')$$,
	$$SELECT as_update_workflow('payment-sequential-prod', title => 'Theft')$$,
	$$SELECT as_deprecate_workflow('payment-sequential-prod')$$,
	$$SELECT as_drop_workflow('payment-sequential-prod')$$);
SET ROLE regress_olaf;
SELECT count(*) FROM workflows;
SELECT * FROM tests.try($$SELECT as_update_workflow('payment-sequential-prod', title => 'Theft')$$);
SET ROLE regress_mona;
SELECT as_export_workflow('payment-first') ->> 'version';
SELECT * FROM tests.try($$SELECT as_create_workflow('w', 'parallel')$$);
SET ROLE regress_nobody;
SELECT * FROM tests.try($$SELECT as_create_workflow('w', 'parallel')$$, $$SELECT as_export_workflow('carols')$$);

-- Dropped: by its owner what was never published, by an admin what never ran.
SET ROLE regress_alice;
SELECT * FROM tests.try(
	$$SELECT as_drop_workflow('payment-copy')$$,
	$$SELECT as_drop_workflow('a-draft-too')$$,
	$$SELECT as_drop_workflow('a-draft-too')$$);
SET ROLE regress_adam;
SELECT * FROM tests.try(
	$$SELECT as_update_workflow('payment-copy', team => 'agent_studio_admin', title => 'Of Adam')$$,
	$$SELECT as_update_workflow('payment-first', title => 'T of the team')$$,
	$$SELECT as_drop_workflow('payment-copy')$$);
RESET ROLE;
SELECT count(*) FROM workflow_versions v WHERE NOT EXISTS (SELECT FROM workflows w WHERE w.workflow_id = v.workflow_id);

-- An agent that a version of a workflow names stays.
SET ROLE regress_alice;
SELECT * FROM tests.try($$SELECT as_drop_agent('architect')$$, $$SELECT as_drop_agent('hers')$$);
RESET ROLE;
DROP SERVER others CASCADE;
