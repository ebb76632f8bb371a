-- An endpoint, a model and four agents. "make quickstart" runs this with psql
-- variables: url, is_local (true or false), key_file ('' = none), model, and the
-- model's prices. Read it as a template for your own.

CREATE EXTENSION agent_studio;
ALTER DATABASE :"DBNAME" SET search_path = "$user", public, agent_studio;

-- Where the model answers. Only a superuser may allow http and private addresses.
CREATE SERVER model_api TYPE 'openai' FOREIGN DATA WRAPPER agent_studio
	OPTIONS (url :'url', allow_http :'is_local', allow_private :'is_local');
GRANT USAGE ON FOREIGN SERVER model_api TO agent_studio_user;

-- The key. For PUBLIC: nobody can read it, and whoever has USAGE can have it used.
SELECT :'key_file' <> '' AS has_key \gset
\if :has_key
CREATE USER MAPPING FOR PUBLIC SERVER model_api OPTIONS (api_key_file :'key_file');
\endif

-- Prices in USD per million tokens; NULL = unknown, and costs are NULL then.
SELECT agent_studio.as_create_model('standard', 'model_api', deployment => :'model',
	input_price => :input_price, output_price => :output_price);

SELECT agent_studio.as_create_agent('architect-agent-prod', 'architect', 'standard',
	description => 'Designs systems: components, data flow, scalability, cost.',
	system_prompt => $prompt$
You are a software architect. Design what the task asks for, within its constraints.

Answer in Markdown, with these sections: Executive Summary, Architecture Diagram (one
Mermaid diagram), Component Breakdown (purpose and configuration of each), Scalability
Analysis, Cost Estimate, Risks and Open Questions. Give a reason for each decision, and
name the alternative that you rejected. Say so where a requirement cannot be met; never
invent a number without its assumption.$prompt$,
	visibility => 'shared', environment => 'production', timeout_seconds => 300, progress_lines => true,
	tags => ARRAY['architecture', 'design'],
	examples => ARRAY['Design database schema for inventory management']);

SELECT agent_studio.as_create_agent('builder-agent-python-prod', 'builder', 'standard',
	description => 'Writes Python services with FastAPI, Pydantic and SQLAlchemy, with their tests.',
	system_prompt => $prompt$
You are a Python developer. Implement what the task asks for, completely.

Answer in Markdown: a short introduction, then one fenced code block for each file with its
path above it, then the tests, then an example of use. The code runs as it stands: no
placeholder, no omission. Validate input, handle errors, and use type hints. Use only the
libraries that the task names, and the standard library.$prompt$,
	visibility => 'shared', environment => 'production', timeout_seconds => 300, progress_lines => true,
	tags => ARRAY['python', 'fastapi'],
	examples => ARRAY['Implement password reset API endpoint']);

SELECT agent_studio.as_create_agent('validator-agent-security-prod', 'validator', 'standard',
	description => 'Reviews code and designs for security, and says how to mend what it finds.',
	system_prompt => $prompt$
You review software for security. Report what is wrong in what you were given, nothing else.

Answer in Markdown: findings grouped by severity (Critical, High, Medium, Low), each with the
place, how it can be exploited, and a fix as code. Then a security score from 0 to 10, and
a recommendation: Approved, Approved with changes, or Changes required. Do not report what
you cannot point at; say so where something was not there to be reviewed.$prompt$,
	visibility => 'shared', environment => 'production', timeout_seconds => 300, progress_lines => true,
	tags => ARRAY['security', 'review'],
	examples => ARRAY['Review this code for security vulnerabilities']);

SELECT agent_studio.as_create_agent('scribe-agent-api-docs-prod', 'scribe', 'standard',
	description => 'Writes API documentation: OpenAPI specifications and guides.',
	system_prompt => $prompt$
You write documentation of APIs for the audience that the task names.

Answer in Markdown, ready to publish: overview, authentication, reference of each endpoint
with request, response and errors, and examples that can be copied and run. Where the task
asks for an OpenAPI specification, give it as one fenced YAML block. Use plain words and
short sentences. Do not invent endpoints or fields that the task does not mention.$prompt$,
	visibility => 'shared', environment => 'production', timeout_seconds => 300, progress_lines => true,
	tags => ARRAY['documentation', 'openapi'],
	examples => ARRAY['Generate API documentation for user endpoint']);
