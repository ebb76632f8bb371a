-- Agents: made, changed, versioned, deprecated, dropped, and every refusal.
SELECT tests.reset();
\pset null (null)

SET ROLE regress_adam;
SELECT as_create_model('large', 'mock');
SET ROLE regress_alice;
SELECT as_create_agent('short', 'scribe', 'mock');
SELECT as_create_agent('long', 'architect', 'mock', 'You are an architect.', 'Designs systems', team => 'regress_team',
	visibility => 'shared', environment => 'production', temperature => 0.3, max_output_tokens => 4096, timeout_seconds => 300,
	output_format => 'md', tags => '{design,systems}', examples => '{Design a notification system}', top_p => 0.9,
	progress_lines => true, version => '2.1.0');
\x on
SELECT name, agent_type, description, team, visibility, environment, status, tags, examples, current_version, owner
FROM agents WHERE name <> 'worker' ORDER BY agent_id;
SELECT v.version, m.name AS model, v.system_prompt, v.temperature, v.top_p, v.max_output_tokens, v.timeout_seconds,
	v.output_format, v.progress_lines, v.created_by
FROM agent_versions v JOIN agents a USING (agent_id) JOIN models m USING (model_id)
WHERE a.name <> 'worker' ORDER BY agent_version_id;
\x off

-- What decides an answer makes a version; what only describes the agent does not.
SELECT as_update_agent('long', system_prompt => 'You are a careful architect.');
SELECT as_update_agent('long', description => 'Designs large systems', tags => '{design}', environment => 'staging');
SELECT as_update_agent('long', model => 'large', unset => '{temperature,max_output_tokens}');
SELECT as_update_agent('long', top_p => 0.9);
SELECT as_update_agent('long', version => '3.0.0');
SELECT as_update_agent('long', timeout_seconds => 60, version => '2.1.7');
SELECT as_update_agent('long', unset => '{system_prompt,top_p,description}', progress_lines => false, output_format => 'markdown');
SELECT v.version, m.name AS model, v.system_prompt, v.temperature, v.top_p, v.max_output_tokens, v.timeout_seconds,
	v.progress_lines
FROM agent_versions v JOIN agents a USING (agent_id) JOIN models m USING (model_id)
WHERE a.name = 'long' ORDER BY agent_version_id;
SELECT description, team, environment, visibility, tags, examples, current_version FROM agents WHERE name = 'long';

-- Deprecated and open again.
SELECT as_deprecate_agent('long');
SELECT status FROM agents WHERE name = 'long';
SELECT as_deprecate_agent('long', false);
SELECT status FROM agents WHERE name = 'long';

\pset format unaligned
\pset tuples_only on
RESET ROLE;
CREATE SERVER others TYPE 'openai' FOREIGN DATA WRAPPER agent_studio OPTIONS (url 'https://api.example.com/v1');
SELECT as_create_model('forbidden', 'others');
SET ROLE regress_alice;
SELECT * FROM tests.try(
	$$SELECT as_create_agent('long', 'builder', 'mock')$$,
	$$SELECT as_create_agent('', 'builder', 'mock')$$,
	$$SELECT as_create_agent(NULL, 'builder', 'mock')$$,
	$$SELECT as_create_agent('a', NULL, 'mock')$$,
	$$SELECT as_create_agent('a', 'Builder of things', 'mock')$$,
	$$SELECT as_create_agent(repeat('a', 9000), 'builder', 'mock')$$,
	$$SELECT as_create_agent(repeat('ä', 201), 'builder', 'mock')$$,
	$$SELECT as_create_agent('a', repeat('a', 201), 'mock')$$,
	$$SELECT as_create_agent('a', 'negotiator', NULL)$$,
	$$SELECT as_create_agent('a', 'builder', 'mokc')$$,
	$$SELECT as_create_agent('a', 'builder', 'nothing like it')$$,
	$$SELECT as_create_agent('a', 'builder', 'forbidden')$$,
	$$SELECT as_create_agent('a', 'builder', 'mock', visibility => 'teem')$$,
	$$SELECT as_create_agent('a', 'builder', 'mock', visibility => 'public')$$,
	$$SELECT as_create_agent('a', 'builder', 'mock', visibility => NULL)$$,
	$$SELECT as_create_agent('a', 'builder', 'mock', environment => 'prodution')$$,
	$$SELECT as_create_agent('a', 'builder', 'mock', environment => 'test')$$,
	$$SELECT as_create_agent('a', 'builder', 'mock', environment => NULL)$$,
	$$SELECT as_create_agent('a', 'builder', 'mock', team => 'agent_studio_admin')$$,
	$$SELECT as_create_agent('a', 'builder', 'mock', team => 'regress_gone')$$,
	$$SELECT as_create_agent('a', 'builder', 'mock', temperature => 2.1)$$,
	$$SELECT as_create_agent('a', 'builder', 'mock', temperature => -0.1)$$,
	$$SELECT as_create_agent('a', 'builder', 'mock', temperature => 'NaN')$$,
	$$SELECT as_create_agent('a', 'builder', 'mock', top_p => 0)$$,
	$$SELECT as_create_agent('a', 'builder', 'mock', top_p => 1.01)$$,
	$$SELECT as_create_agent('a', 'builder', 'mock', max_output_tokens => 0)$$,
	$$SELECT as_create_agent('a', 'builder', 'mock', max_output_tokens => 4097)$$,
	$$SELECT as_create_agent('a', 'builder', 'mock', timeout_seconds => 0)$$,
	$$SELECT as_create_agent('a', 'builder', 'mock', timeout_seconds => 86401)$$,
	$$SELECT as_create_agent('a', 'builder', 'mock', timeout_seconds => NULL)$$,
	$$SELECT as_create_agent('a', 'builder', 'mock', output_format => 'markdwn')$$,
	$$SELECT as_create_agent('a', 'builder', 'mock', output_format => 'jsn')$$,
	$$SELECT as_create_agent('a', 'builder', 'mock', output_format => NULL)$$,
	$$SELECT as_create_agent('a', 'builder', 'mock', version => '1.0')$$,
	$$SELECT as_create_agent('a', 'builder', 'mock', version => 'v1.0.0')$$,
	$$SELECT as_create_agent('a', 'builder', 'mock', version => NULL)$$,
	$$SELECT as_create_agent('a', 'builder', 'mock', progress_lines => NULL)$$,
	$$SELECT as_create_agent('a', 'negotiator', 'mock', tags => NULL, examples => NULL)$$,
	$$SELECT as_update_agent('lnog', temperature => 1)$$,
	$$SELECT as_update_agent('nothing like it', temperature => 1)$$,
	$$SELECT as_update_agent(NULL, temperature => 1)$$,
	$$SELECT as_update_agent('long', agent_type => 'A B')$$,
	$$SELECT as_update_agent('long', model => 'moch')$$,
	$$SELECT as_update_agent('long', model => 'forbidden')$$,
	$$SELECT as_update_agent('long', visibility => 'sharde')$$,
	$$SELECT as_update_agent('long', environment => 'devel')$$,
	$$SELECT as_update_agent('long', team => 'agent_studio_operator')$$,
	$$SELECT as_update_agent('long', temperature => 3)$$,
	$$SELECT as_update_agent('long', top_p => -1)$$,
	$$SELECT as_update_agent('long', timeout_seconds => 0)$$,
	$$SELECT as_update_agent('long', output_format => 'code')$$,
	$$SELECT as_update_agent('long', model => 'mock', max_output_tokens => 10000)$$,
	$$SELECT as_update_agent('long', version => '2.1.0')$$,
	$$SELECT as_update_agent('long', version => 'latest')$$,
	$$SELECT as_update_agent('long', unset => '{temprature}')$$,
	$$SELECT as_update_agent('long', unset => '{model}')$$,
	$$SELECT as_update_agent('long', unset => NULL)$$,
	$$SELECT as_deprecate_agent('lnog')$$,
	$$SELECT as_deprecate_agent('long', NULL)$$,
	$$SELECT as_drop_agent('lnog')$$,
	$$SELECT as_drop_agent(NULL)$$);
-- None of these changed anything.
SELECT current_version, status FROM agents WHERE name = 'long';

-- The longest name, and a version after which there is none: asked for by nobody, it is not shown as NULL.
SELECT * FROM tests.try($$SELECT as_create_agent(repeat('ä', 200), 'builder', 'mock')$$,
	$$SELECT as_create_agent('last', 'builder', 'mock', version => '1.999999999.0')$$,
	$$SELECT as_update_agent('last', temperature => 1)$$,
	$$SELECT as_update_agent('last', temperature => 1, version => '2.0.0')$$,
	$$SELECT as_drop_agent(repeat('ä', 200)), as_drop_agent('last')$$);

-- A lower model limit than the version's: said when the agent is next changed.
RESET ROLE;
SELECT as_update_model('large', max_output_tokens => 100);
SET ROLE regress_alice;
SELECT * FROM tests.try($$SELECT as_update_agent('long', max_output_tokens => 101)$$,
	$$SELECT as_update_agent('long', max_output_tokens => 100)$$);

-- Who may see and change what: alice and carol share a team, bob is apart.
SELECT as_create_agent('hers', 'builder', 'mock');
SELECT as_create_agent('theirs', 'builder', 'mock', team => 'regress_team');
SET ROLE regress_carol;
SELECT name FROM agents ORDER BY name;
SELECT * FROM tests.try(
	$$SELECT as_update_agent('hers', temperature => 1)$$,
	$$SELECT as_update_agent('theirs', temperature => 1)$$,
	$$SELECT as_deprecate_agent('theirs')$$,
	$$SELECT as_drop_agent('theirs')$$,
	$$SELECT as_create_agent('hers', 'builder', 'mock')$$);
SET ROLE regress_bob;
SELECT name FROM agents ORDER BY name;
SELECT a.name FROM agent_versions v LEFT JOIN agents a USING (agent_id) GROUP BY 1 ORDER BY 1;
SELECT * FROM tests.try(
	$$SELECT as_update_agent('theirs', temperature => 1)$$,
	$$SELECT as_update_agent('long', temperature => 1)$$,
	$$SELECT as_deprecate_agent('hers')$$,
	$$SELECT as_drop_agent('her')$$);
SET ROLE regress_olaf;
SELECT name FROM agents ORDER BY name;
SELECT * FROM tests.try($$SELECT as_update_agent('hers', temperature => 1)$$);
SET ROLE regress_adam;
SELECT * FROM tests.try(
	$$SELECT as_update_agent('hers', temperature => 1)$$,
	$$SELECT as_deprecate_agent('hers')$$,
	$$SELECT as_drop_agent('hers')$$);
SELECT name, owner FROM agents ORDER BY name;

-- An agent with executions stays; its versions go with one that has none.
SET ROLE regress_alice;
SELECT as_execute_task('theirs', 'Keep me');
SELECT * FROM tests.try($$SELECT as_drop_agent('theirs')$$, $$SELECT as_drop_agent('short')$$);
RESET ROLE;
SELECT count(*) FROM agent_versions v WHERE NOT EXISTS (SELECT FROM agents a WHERE a.agent_id = v.agent_id);
SELECT name FROM agents ORDER BY name;
DROP SERVER others;
