-- Choosing an agent and wording a task: search, suggestions, templates, advice, and how
-- agents have done. No executor runs: the rows are written by hand.
SELECT tests.reset();
\pset null (null)
\pset format unaligned
\pset tuples_only on

SET ROLE regress_adam;
SELECT count(*) FROM (VALUES
	(as_create_agent('architect-agent-prod', 'architect', 'mock', description => 'Microservices, data architecture and payment systems', visibility => 'shared', environment => 'production', tags => '{cloud,azure}')),
	(as_create_agent('builder-agent-python-prod', 'builder', 'mock', description => 'Python services with FastAPI', visibility => 'shared', environment => 'production', examples => '{"Implement the refund of a payment"}')),
	(as_create_agent('payment_validator', 'validator', 'mock', description => 'Finds security problems in code', visibility => 'shared', environment => 'staging')),
	(as_create_agent('scribe-agent-api-docs-prod', 'scribe', 'mock', description => 'Writes OpenAPI specifications and guides', visibility => 'shared', environment => 'production')),
	(as_create_agent('old-payment-builder', 'builder', 'mock', description => 'Payments of the old kind', visibility => 'shared', environment => 'development', version => '2.1.0'))) v;
SELECT as_deprecate_agent('old-payment-builder');
SET ROLE regress_alice;
SELECT as_create_agent('translator-fr', 'translator', 'mock', 'payment payment payment', description => 'French', team => 'regress_team', tags => '{language}');
SET ROLE regress_bob;
SELECT as_create_agent('hidden-payments', 'builder', 'mock', description => 'of bob alone');

-- Best first: the name counts most, then type and tags, description, examples; not the prompt.
SET ROLE regress_alice;
SELECT name, agent_type, description, team, environment, status, version, model, rank > 0, success_rate_percent FROM as_search_agents('payment');
SELECT name FROM as_search_agents('payments');
-- All words; else beginnings; else near spellings; else nothing. As on the web.
SELECT 'all', name FROM as_search_agents('payment security');
SELECT 'beginnings', name FROM as_search_agents('microserv refun');
SELECT 'spelling', name FROM as_search_agents('securty');
SELECT 'nothing', name FROM as_search_agents('xyzzyxyzzy');
SELECT 'without', name FROM as_search_agents('payment -fastapi');
SELECT 'phrase', name FROM as_search_agents('"data architecture"');
SELECT 'hyphen', name FROM as_search_agents('scribe-agent');
SELECT 'hostile', count(*) FROM unnest(ARRAY[''' | ! & :* ( <->', E'\\', '"', repeat('x ', 5000), ' ', '-', 'a' || chr(8238) || 'b']) q, as_search_agents(q);
-- Each filter alone, and together; in any case.
SELECT 'type', name FROM as_search_agents(agent_type => 'Builder');
SELECT 'mine', name FROM as_search_agents(team => 'mine');
SELECT 'shared', name FROM as_search_agents(team => 'shared');
SELECT 'all', name FROM as_search_agents();
SELECT 'environment', name FROM as_search_agents(environment => 'PRODUCTION');
SELECT 'status', name FROM as_search_agents(status => 'deprecated');
SELECT 'any status', name FROM as_search_agents('payment', status => NULL);
SELECT 'together', name FROM as_search_agents('payment', agent_type => 'builder', team => 'shared', environment => 'development', status => 'deprecated');
SELECT 'none', name FROM as_search_agents('payment', agent_type => 'scribe');
SELECT 'rows', name FROM as_search_agents(max_rows => 1);
SET ROLE regress_bob;
SELECT 'bob', name FROM as_search_agents(team => 'mine');
SET ROLE regress_mona;
SELECT 'mona', count(*) FROM as_search_agents();
SET ROLE regress_alice;
SELECT * FROM tests.try($$SELECT as_search_agents(agent_type => 'archtect')$$, $$SELECT as_search_agents(agent_type => 'translater')$$,
	$$SELECT as_search_agents(team => 'ours')$$, $$SELECT as_search_agents(team => NULL)$$, $$SELECT as_search_agents(environment => 'prod')$$,
	$$SELECT as_search_agents(status => 'activ')$$, $$SELECT as_search_agents(max_rows => 0)$$, $$SELECT as_search_agents(max_rows => NULL)$$);

-- The guide's tasks: the fitting type first.
SELECT task, s.* FROM (VALUES ('Generate API documentation for user endpoint'), ('Review this code for security vulnerabilities'),
	('Design database schema for inventory management'), ('Implement password reset API endpoint')) t (task), as_suggest_agents(task, 1) s;
SELECT s.agent_type, left(task, 60) FROM (VALUES
	('Design a real-time notification system for a collaborative workspace application that handles 100K concurrent connections. Requirements: Push notifications to web and mobile clients. Expected output: Architecture diagram, component breakdown, scalability analysis'),
	('Implement user registration API endpoint using Python FastAPI. Validate email format. Testing: Unit tests with pytest covering happy path and edge cases. Expected output: Complete endpoint implementation, Pydantic models, unit tests, usage example'),
	('Review the attached authentication implementation for security vulnerabilities. Focus Areas: SQL injection vulnerabilities, Password security. Expected output: Categorized issues with code examples of fixes, security score, approval status'),
	('Generate comprehensive API documentation for user management endpoints. Target Audience: External developers. Code examples in curl, Python, JavaScript. Expected output: OpenAPI spec file + comprehensive API guide ready for developer portal')) t (task),
	as_suggest_agents(task, 1) s;
-- A type of one's own is known by its word. Nothing speaks for anybody: nobody. The deprecated and the hidden never.
SELECT agent, reason FROM as_suggest_agents('Translate the payment page into French');
SELECT agent FROM as_suggest_agents('xyzzy');
SELECT agent FROM as_suggest_agents('payment', 100);
SELECT count(*) FROM as_suggest_agents(repeat('design ' || chr(27) || '[2J', 100000));
SELECT * FROM tests.try($$SELECT as_suggest_agents(' ')$$, $$SELECT as_suggest_agents('x', 0)$$, $$SELECT as_suggest_agents('x', NULL)$$);
-- Whoever has no right to the server cannot use the agent.
RESET ROLE;
BEGIN;
REVOKE USAGE ON FOREIGN SERVER mock FROM agent_studio_user;
SET LOCAL ROLE regress_alice;
SELECT count(*) FROM as_suggest_agents('Implement a payment');
ROLLBACK;

-- Templates: the guide's. Advice: for each of the guide's bad examples, for none of its good ones.
SET ROLE regress_alice;
SELECT * FROM as_task_template('Validator');
SELECT t.agent_type, count(*) FROM unnest('{architect,builder,validator,scribe}'::text[]) t (agent_type), as_task_template(t.agent_type) GROUP BY 1 ORDER BY 1;
SELECT * FROM tests.try($$SELECT as_task_template('archtect')$$, $$SELECT as_task_template(NULL)$$);
RESET ROLE;
CREATE FUNCTION tests.agent_of(kind text) RETURNS text LANGUAGE sql RETURN CASE kind WHEN 'architect' THEN 'architect-agent-prod'
	WHEN 'builder' THEN 'builder-agent-python-prod' WHEN 'validator' THEN 'payment_validator' ELSE 'scribe-agent-api-docs-prod' END;
SET ROLE regress_alice;
SELECT t.task, string_agg(c.kind, ' ' ORDER BY c.kind) FROM (VALUES ('architect', 'Design authentication'), ('builder', 'Generate user API'),
	('builder', 'Build payment system'), ('scribe', 'Give me documentation')) t (kind, task), as_check_task(tests.agent_of(t.kind), t.task) c GROUP BY 1 ORDER BY 1;
SELECT 'good', t.task, c.* FROM (VALUES
	('architect', 'Design OAuth2 authentication system with JWT tokens for a multi-tenant SaaS application handling 50K users'),
	('builder', 'Generate REST API for user management (CRUD operations) using Python FastAPI with SQLAlchemy, including email validation and password hashing with bcrypt'),
	('builder', 'Implement Stripe payment intent creation endpoint with webhook handling for successful payments and failures'),
	('scribe', 'Generate OpenAPI 3.0 specification with request/response examples, authentication details, and error codes for all user management endpoints'),
	('architect', E'Design a real-time notification system for a collaborative workspace application\nthat handles 100K concurrent connections.\n\nRequirements:\n- Push notifications to web and mobile clients\n- Guaranteed delivery with persistence\n- Message ordering per user\n- Support for broadcast and targeted messages\n\nConstraints:\n- Technology: Azure (SignalR, Service Bus, Cosmos DB)\n- Budget: Moderate ($2K-5K monthly)\n- Timeline: 3 weeks for MVP\n\nExpected output: Architecture diagram, component breakdown, scalability analysis'),
	('builder', E'Implement user registration API endpoint using Python FastAPI.\n\nFunctional Requirements:\n- Accept email and password\n- Validate email format\n- Hash password with bcrypt (12 rounds)\n- Store user in PostgreSQL database\n- Return JWT token upon successful registration\n- Send verification email\n\nTechnical Requirements:\n- Language: Python 3.11+\n- Framework: FastAPI with Pydantic v2\n- Dependencies: SQLAlchemy 2.0, bcrypt, python-jose for JWT\n- Error Handling: Return 400 for validation errors, 409 for duplicate email\n- Testing: Unit tests with pytest covering happy path and edge cases\n\nExpected output: Complete endpoint implementation, Pydantic models, unit tests, usage example'),
	('validator', E'Review the attached authentication implementation for security vulnerabilities.\n\nFocus Areas:\n- SQL injection vulnerabilities\n- Cross-site scripting (XSS)\n- Password security (hashing, storage)\n- Session management (JWT expiration, refresh tokens)\n- Input validation and sanitization\n- Rate limiting for login attempts\n\nSeverity Priorities:\n1. Critical: Vulnerabilities allowing unauthorized access or data breach\n2. High: Security weaknesses requiring immediate fix\n3. Medium: Best practice violations with moderate risk\n\nExpected output: Categorized issues with code examples of fixes, security score, approval status'),
	('scribe', E'Generate comprehensive API documentation for user management endpoints.\n\nTarget Audience: External developers integrating with our API (intermediate level)\n\nRequired Sections:\n- Overview and authentication\n- Endpoint reference (all CRUD operations)\n- Request/response schemas with examples\n- Error codes and troubleshooting\n- Rate limiting and pagination\n- Code examples in curl, Python, JavaScript\n\nFormat: OpenAPI 3.0 specification + Markdown guide\nExamples: Include full request/response examples for each endpoint\n\nExpected output: OpenAPI spec file + comprehensive API guide ready for developer portal'))
	t (kind, task), as_check_task(tests.agent_of(t.kind), t.task) c;
-- The example that goes with a piece of advice needs none itself.
SELECT 'example', k, c.* FROM unnest('{architect,builder,validator,scribe,translator}'::text[]) k, as_check_task(tests.agent_of(k), agent_studio_private.good_task(k)) c
WHERE k <> 'translator';
SELECT * FROM as_check_task('architect-agent-prod', 'Design authentication');
SELECT kind, advice FROM as_check_task('scribe-agent-api-docs-prod', 'Implement and refactor the code of something with PostgreSQL 15, etc.');
SELECT kind, advice, example FROM as_check_task('translator-fr', 'Translate', '[1]');
SELECT kind, advice FROM as_check_task('builder-agent-python-prod', (SELECT string_agg(t, E'\n') FROM as_task_template('builder') t));
-- Context counts. Nothing is refused, whatever the task.
SELECT string_agg(kind, ' ') FROM as_check_task('builder-agent-python-prod', 'Generate user API', '{"language": "Python"}');
SELECT string_agg(kind, ' ') FROM as_check_task('builder-agent-python-prod', NULL, NULL);
SELECT string_agg(kind, ' ') FROM as_check_task('builder-agent-python-prod', repeat(chr(27) || '[2J' || chr(8238), 1000000));
SELECT * FROM tests.try($$SELECT as_check_task('nobody', 'x')$$, $$SELECT as_check_task('hidden-payments', 'x')$$, $$SELECT as_check_task(NULL, 'x')$$);
RESET ROLE;
DROP FUNCTION tests.agent_of;

-- Performance: tasks and steps of workflows of the last 30 days, without tests and what never began.
SET ROLE regress_alice;
SELECT agent, executions, completed, failed, success_rate_percent, average_duration_seconds, total_cost_usd, cost_unknown, last_run_at FROM agent_performance ORDER BY 1;
SELECT count(as_execute_task('builder-agent-python-prod', 'Task ' || g)) FROM generate_series(1, 25) g;
SELECT as_create_workflow('flow-sequential-prod', 'sequential', '{"steps": [{"name": "a", "agent": "builder-agent-python-prod", "task": "A"}, {"name": "b", "agent": "payment_validator", "task": "B"}]}');
SELECT count(as_run_workflow('flow-sequential-prod')) FROM generate_series(1, 2) g;
RESET ROLE;
DELETE FROM queue;
-- 20 completed after 1 to 20 s for $0.10 each, 2 failed after 100 s, 1 canceled, 1 long ago, 1 never begun.
UPDATE executions e SET status = CASE WHEN n <= 20 THEN 'completed' WHEN n <= 22 THEN 'failed' WHEN n = 24 THEN 'completed' ELSE 'canceled' END,
	started_at = CASE WHEN n < 25 THEN t.at END, finished_at = t.at + CASE WHEN n <= 20 THEN n ELSE 100 END * interval '1 second',
	attempts = CASE WHEN n < 25 THEN 1 ELSE 0 END, input_tokens = CASE WHEN n <= 20 THEN 100 END, output_tokens = CASE WHEN n <= 20 THEN 200 END,
	input_cost_usd = CASE WHEN n <= 20 THEN 0.04 END, output_cost_usd = CASE WHEN n <= 20 THEN 0.06 END
FROM (SELECT execution_id, row_number() OVER (ORDER BY execution_id) AS n FROM executions WHERE kind = 'task') x,
	LATERAL (SELECT CASE WHEN n = 24 THEN now() - interval '31 days' ELSE now() - interval '1 day' END AS at) t
WHERE e.execution_id = x.execution_id;
UPDATE executions SET status = 'completed', started_at = now(), finished_at = now(), is_test = execution_id % 2 = 0 WHERE kind = 'workflow';
UPDATE steps s SET state = CASE name WHEN 'a' THEN 'completed' ELSE 'partial' END, started_at = now() - interval '10 s', finished_at = now(),
	agent_version_id = (e.agents ->> CASE name WHEN 'a' THEN 'builder-agent-python-prod' ELSE 'payment_validator' END)::bigint FROM executions e WHERE e.execution_id = s.execution_id AND e.kind = 'workflow';
-- A step that completed with its second call, and one that failed with both.
INSERT INTO attempts (execution_id, step_no, attempt_no, outcome, epoch, agent_version_id, model_id, sent_at, finished_at, input_tokens, output_tokens, input_cost_usd, output_cost_usd, possibly_billed, owner, workflow, is_test)
SELECT s.execution_id, s.step_no, n, CASE WHEN n = 2 AND name = 'a' THEN 'completed' ELSE 'failed' END, 1, s.agent_version_id, 1, now() - interval '4 s', now(), 10, 20, 0.01, 0.02, true, s.owner, e.workflow, e.is_test
FROM steps s JOIN executions e USING (execution_id), generate_series(1, 2) n WHERE e.kind = 'workflow';
SET ROLE regress_alice;
SELECT agent, executions, completed, failed, success_rate_percent, average_duration_seconds, p95_duration_seconds, average_tokens, total_tokens, average_cost_usd, total_cost_usd, cost_unknown
FROM agent_performance WHERE executions > 0 ORDER BY 1;
SELECT last_run_at = (SELECT max(finished_at) FROM steps WHERE name = 'a') FROM agent_performance WHERE agent = 'builder-agent-python-prod';
-- The same from days that are closed.
RESET ROLE;
CREATE TEMP TABLE before AS SELECT * FROM agent_performance;
GRANT SELECT ON before TO PUBLIC;
SELECT as_roll_up() > 0;
SELECT count(*) FROM (SELECT * FROM agent_performance EXCEPT SELECT * FROM before) d;
SET ROLE regress_alice;
-- It is what searching and suggesting look at.
SELECT name, success_rate_percent FROM as_search_agents(agent_type => 'builder');
SELECT reason FROM as_suggest_agents('Implement it in Python', 1);
-- Others' executions are in nobody's figures.
SET ROLE regress_bob;
SELECT count(*), sum(executions) FROM agent_performance;
RESET ROLE;
