-- Models: created, changed, dropped, and every refusal.
SELECT tests.reset();
\pset null (null)

SET ROLE regress_adam;
SELECT as_create_model('plain', 'mock');
SELECT as_create_model('gpt', 'mock', deployment => 'gpt-4-turbo', model_version => '2026-01-01', context_window => 128000,
	max_output_tokens => 16384, input_price => 10, cached_input_price => 2.5, output_price => 30, max_concurrency => 20,
	requests_per_minute => 60, tokens_per_minute => 90000, max_tokens_parameter => 'max_tokens', request_options => '{"reasoning_effort": "high"}');
\x on
SELECT name, server, deployment, model_version, context_window, max_output_tokens, max_tokens_parameter, request_options,
	requests_per_minute, tokens_per_minute, max_concurrency, owner, created_at = changed_at AS unchanged
FROM models WHERE name <> 'mock' ORDER BY name DESC;

-- NULL leaves a column as it is; unset makes it NULL again.
SELECT as_update_model('gpt', output_price => 40);
SELECT as_update_model('gpt', unset => '{model_version,cached_input_price,max_concurrency,tokens_per_minute}', max_concurrency => 3);
SELECT as_update_model('plain', deployment => 'plain-2', context_window => 8000, request_options => '{"seed": 1}',
	max_tokens_parameter => 'max_tokens');
SELECT name, server, deployment, model_version, context_window, max_output_tokens, max_tokens_parameter, request_options,
	requests_per_minute, tokens_per_minute, max_concurrency, owner, created_at < changed_at AS changed
FROM models WHERE name <> 'mock' ORDER BY name DESC;
\x off

-- Prices hold from a moment on, and older ones stay.
CREATE TEMP VIEW prices AS
	SELECT m.name, p.valid_from = '2026-01-01' AS of_january, p.input_price, p.cached_input_price, p.output_price, p.set_by
	FROM model_prices p JOIN models m USING (model_id) WHERE m.name <> 'mock' ORDER BY p.valid_from, m.name;
TABLE prices;
SELECT as_load_prices('[{"model": "gpt-4-turbo", "input": 11, "output": 33, "from": "2026-01-01"},
	{"model": "plain", "input": 0.5, "cached_input": 0.1, "output": 1.5, "from": "2026-01-01"}, {"model": "nobody", "input": 1}]');
TABLE prices;
SELECT m.name, (agent_studio_private.current_price(m.model_id, '2026-02-01')).output_price AS in_february,
	(agent_studio_private.current_price(m.model_id, '2025-12-31')).output_price AS before
FROM models m WHERE m.name IN ('gpt', 'plain') ORDER BY 1;

\pset format unaligned
\pset tuples_only on
RESET ROLE;
CREATE SERVER others TYPE 'openai' FOREIGN DATA WRAPPER agent_studio OPTIONS (url 'https://api.example.com/v1');
CREATE FOREIGN DATA WRAPPER regress_other;
CREATE SERVER elsewhere FOREIGN DATA WRAPPER regress_other;
SET ROLE regress_adam;
SELECT * FROM tests.try(
	$$SELECT as_create_model('gpt', 'mock')$$,
	$$SELECT as_create_model('', 'mock')$$,
	$$SELECT as_create_model(NULL, 'mock')$$,
	$$SELECT as_create_model(repeat('m', 201), 'mock')$$,
	$$SELECT as_create_model('new', NULL)$$,
	$$SELECT as_create_model('new', 'mok')$$,
	$$SELECT as_create_model('new', 'nothing like it')$$,
	$$SELECT as_create_model('new', 'elsewhere')$$,
	$$SELECT as_create_model('new', 'others')$$,
	$$SELECT as_create_model('new', 'mock', deployment => '')$$,
	$$SELECT as_create_model('new', 'mock', requests_per_minute => 0)$$,
	$$SELECT as_create_model('new', 'mock', tokens_per_minute => -1)$$,
	$$SELECT as_create_model('new', 'mock', context_window => 0)$$,
	$$SELECT as_create_model('new', 'mock', max_output_tokens => -1)$$,
	$$SELECT as_create_model('new', 'mock', max_concurrency => 0)$$,
	$$SELECT as_create_model('new', 'mock', input_price => -0.01)$$,
	$$SELECT as_create_model('new', 'mock', cached_input_price => 1e9)$$,
	$$SELECT as_create_model('new', 'mock', output_price => 'NaN')$$,
	$$SELECT as_create_model('new', 'mock', max_tokens_parameter => 'max_token')$$,
	$$SELECT as_create_model('new', 'mock', max_tokens_parameter => NULL)$$,
	$$SELECT as_create_model('new', 'mock', request_options => '[1]')$$,
	$$SELECT as_create_model('new', 'mock', request_options => NULL)$$,
	$$SELECT as_create_model('new', 'mock', request_options => '{"model": "x", "stream": false, "seed": 1}')$$,
	$$SELECT as_create_model('new', 'mock', request_options => '{"messages": [], "n": 2, "tools": [], "tool_choice": "x", "stream_options": 1}')$$,
	$$SELECT as_create_model('new', 'mock', request_options => '{"input": "x", "instructions": "x", "system": "x", "contents": [], "systemInstruction": {}}')$$,
	$$SELECT as_update_model('gtp')$$,
	$$SELECT as_update_model('nothing like it')$$,
	$$SELECT as_update_model(NULL)$$,
	$$SELECT as_update_model('gpt', server => 'mok')$$,
	$$SELECT as_update_model('gpt', server => 'others')$$,
	$$SELECT as_update_model('gpt', deployment => '')$$,
	$$SELECT as_update_model('gpt', context_window => 0)$$,
	$$SELECT as_update_model('gpt', max_output_tokens => 0)$$,
	$$SELECT as_update_model('gpt', max_concurrency => 0)$$,
	$$SELECT as_load_prices('{}')$$,
	$$SELECT as_load_prices(NULL)$$,
	$$SELECT as_load_prices('[1]')$$,
	$$SELECT as_load_prices('[{"input": 1}]')$$,
	$$SELECT as_load_prices('[{"model": "gpt", "inputs": 1}]')$$,
	$$SELECT as_load_prices('[{"model": "gpt", "input": "ten"}]')$$,
	$$SELECT as_load_prices('[{"model": "gpt", "input": -10}]')$$,
	$$SELECT as_load_prices('[{"model": "gpt", "input": 1, "from": "yesterday morning"}]')$$,
	$$SELECT as_update_model('gpt', requests_per_minute => 0)$$,
	$$SELECT as_update_model('gpt', input_price => -1)$$,
	$$SELECT as_update_model('gpt', cached_input_price => -1)$$,
	$$SELECT as_update_model('gpt', output_price => -1)$$,
	$$SELECT as_update_model('gpt', max_tokens_parameter => 'tokens')$$,
	$$SELECT as_update_model('gpt', request_options => '"x"')$$,
	$$SELECT as_update_model('gpt', request_options => '{"stream": false}')$$,
	$$SELECT as_update_model('gpt', unset => '{input_prise}')$$,
	$$SELECT as_update_model('gpt', unset => '{name}')$$,
	$$SELECT as_update_model('gpt', unset => NULL)$$,
	$$SELECT as_drop_model('gtp')$$,
	$$SELECT as_drop_model(NULL)$$,
	$$SELECT as_drop_model('mock')$$,
	$$SELECT as_drop_model('plain')$$,
	$$SELECT as_drop_model('plain')$$);
SELECT name FROM models ORDER BY name;

-- Not even an admin reads or writes past the functions.
SELECT * FROM tests.try(
	$$INSERT INTO agent_studio.models (name, server, deployment, owner) VALUES ('x', 'mock', 'x', 'x')$$,
	$$UPDATE agent_studio.models SET server = 'others'$$,
	$$DELETE FROM agent_studio.models$$);
SET ROLE regress_alice;
SELECT * FROM tests.try(
	$$SELECT as_create_model('hers', 'mock')$$,
	$$SELECT as_update_model('gpt', output_price => 0)$$,
	$$SELECT as_drop_model('gpt')$$);
RESET ROLE;
DROP SERVER others;
DROP FOREIGN DATA WRAPPER regress_other CASCADE;
