-- Models and agents: what can be asked, and who is asked for what.
--
-- These tables are written by functions only (60_models.sql, 61_agents.sql).
-- Server and role names are kept as text: an OID or regrole column would make a
-- restore fail where the object is missing; a missing name only holds the work. Nor
-- have tables that are dumped foreign keys: pg_restore --jobs loads them in any order.
-- Who refers to a row locks it (keep_models, changeable_agent, changeable_workflow), who drops it takes
-- what refers to it along.

CREATE TABLE agent_studio.models (
	model_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name text NOT NULL UNIQUE CHECK (name <> ''),
	server text NOT NULL,
	deployment text NOT NULL CHECK (deployment <> ''),
	model_version text,
	context_window integer CHECK (context_window > 0),
	max_output_tokens integer CHECK (max_output_tokens > 0),
	max_tokens_parameter text NOT NULL DEFAULT 'max_completion_tokens'
		CHECK (max_tokens_parameter IN ('max_completion_tokens', 'max_tokens')),
	structured_output boolean NOT NULL DEFAULT false,
	request_options jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(request_options) = 'object'),
	requests_per_minute integer CHECK (requests_per_minute > 0),
	tokens_per_minute bigint CHECK (tokens_per_minute > 0),
	max_concurrency integer CHECK (max_concurrency > 0),
	owner text NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	changed_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE agent_studio.models IS
'Models that agents may use: a deployment at an endpoint (a foreign server of wrapper agent_studio), with its limits. Written by as_create_model, as_update_model, as_drop_model. Prices are in model_prices.';
COMMENT ON COLUMN agent_studio.models.model_id IS 'Key.';
COMMENT ON COLUMN agent_studio.models.name IS 'Name by which agents refer to it; taken once.';
COMMENT ON COLUMN agent_studio.models.server IS 'Name of the foreign server that answers for it.';
COMMENT ON COLUMN agent_studio.models.deployment IS 'The model''s name at the vendor, sent with each request.';
COMMENT ON COLUMN agent_studio.models.model_version IS 'Version, for people to read; NULL = not stated.';
COMMENT ON COLUMN agent_studio.models.context_window IS 'Tokens of input and output together that the model can hold; NULL = unknown.';
COMMENT ON COLUMN agent_studio.models.max_output_tokens IS 'Most output tokens the model can give; an agent may not ask for more. NULL = unknown.';
COMMENT ON COLUMN agent_studio.models.max_tokens_parameter IS 'Name of the request member that limits the output, for servers of types openai and azure_openai: max_completion_tokens, or max_tokens for older compatible servers.';
COMMENT ON COLUMN agent_studio.models.structured_output IS 'True: the model can be held to a JSON Schema by the vendor; false: it is told the schema in the prompt. The answer is checked in both cases.';
COMMENT ON COLUMN agent_studio.models.request_options IS 'Further members of the request body, for example {"reasoning_effort": "high"}.';
COMMENT ON COLUMN agent_studio.models.requests_per_minute IS 'Most requests sent within any minute; NULL = no limit here.';
COMMENT ON COLUMN agent_studio.models.tokens_per_minute IS 'Most tokens of the requests sent within any minute, input and output, estimated until the vendor has counted them; NULL = no limit here.';
COMMENT ON COLUMN agent_studio.models.max_concurrency IS 'Most calls in flight to this model at once; NULL = only agent_studio.max_in_flight bounds them.';
COMMENT ON COLUMN agent_studio.models.owner IS 'Role that created it.';
COMMENT ON COLUMN agent_studio.models.created_at IS 'When it was created.';
COMMENT ON COLUMN agent_studio.models.changed_at IS 'When it was last changed.';

CREATE TABLE agent_studio.model_prices (
	model_id bigint NOT NULL,
	valid_from timestamptz NOT NULL,
	input_price numeric(18, 6) CHECK (input_price >= 0),
	cached_input_price numeric(18, 6) CHECK (cached_input_price >= 0),
	output_price numeric(18, 6) CHECK (output_price >= 0),
	set_by text NOT NULL,
	set_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (model_id, valid_from)
);
COMMENT ON TABLE agent_studio.model_prices IS
'Prices of models, each with the moment from which it holds. The cost of an attempt is computed with the price of the moment at which it ended, and never changes afterwards. Written by as_create_model, as_update_model, as_load_prices.';
COMMENT ON COLUMN agent_studio.model_prices.model_id IS 'The model.';
COMMENT ON COLUMN agent_studio.model_prices.valid_from IS 'From when it holds, until a later one does.';
COMMENT ON COLUMN agent_studio.model_prices.input_price IS 'USD per million input tokens; NULL = unknown, and then costs are NULL, never 0.';
COMMENT ON COLUMN agent_studio.model_prices.cached_input_price IS 'USD per million input tokens that came from the vendor''s cache; NULL = as input_price.';
COMMENT ON COLUMN agent_studio.model_prices.output_price IS 'USD per million output tokens, reasoning included; NULL = unknown, and then costs are NULL, never 0.';
COMMENT ON COLUMN agent_studio.model_prices.set_by IS 'Role that set it.';
COMMENT ON COLUMN agent_studio.model_prices.set_at IS 'When it was set.';

CREATE TABLE agent_studio.agents (
	agent_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name text NOT NULL UNIQUE CHECK (name <> ''),
	agent_type text NOT NULL CHECK (agent_type ~ '^[a-z][a-z0-9_-]*$'),
	description text,
	team text,
	visibility text NOT NULL DEFAULT 'team' CHECK (visibility IN ('team', 'shared')),
	environment text NOT NULL DEFAULT 'development'
		CHECK (environment IN ('development', 'staging', 'production')),
	status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'deprecated')),
	tags text[] NOT NULL DEFAULT '{}',
	examples text[] NOT NULL DEFAULT '{}',
	current_version text NOT NULL,
	owner text NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	changed_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE agent_studio.agents IS
'Agents: a role that a model plays, with a prompt. What decides an answer is in agent_versions. Written by as_create_agent, as_update_agent, as_deprecate_agent, as_drop_agent.';
COMMENT ON COLUMN agent_studio.agents.agent_id IS 'Key.';
COMMENT ON COLUMN agent_studio.agents.name IS 'Name by which tasks refer to it; taken once.';
COMMENT ON COLUMN agent_studio.agents.agent_type IS 'architect, builder, validator, scribe, or another word in lower case.';
COMMENT ON COLUMN agent_studio.agents.description IS 'What it is good at, for people who choose an agent; NULL = not stated.';
COMMENT ON COLUMN agent_studio.agents.team IS 'Role whose members may use it and see its definition; NULL = its owner only, unless visibility is shared.';
COMMENT ON COLUMN agent_studio.agents.visibility IS 'team: owner and team may use it; shared: every member of agent_studio_user may.';
COMMENT ON COLUMN agent_studio.agents.environment IS 'development, staging or production.';
COMMENT ON COLUMN agent_studio.agents.status IS 'active, or deprecated: a deprecated agent accepts no new tasks.';
COMMENT ON COLUMN agent_studio.agents.tags IS 'Words to find it by.';
COMMENT ON COLUMN agent_studio.agents.examples IS 'Tasks that it does well.';
COMMENT ON COLUMN agent_studio.agents.current_version IS 'Label of the version that new executions use; see agent_versions.';
COMMENT ON COLUMN agent_studio.agents.owner IS 'Role that created it and may change it.';
COMMENT ON COLUMN agent_studio.agents.created_at IS 'When it was created.';
COMMENT ON COLUMN agent_studio.agents.changed_at IS 'When it was last changed.';

CREATE TABLE agent_studio.agent_versions (
	agent_version_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	agent_id bigint NOT NULL,
	version text NOT NULL CHECK (version ~ '^[0-9]+[.][0-9]+[.][0-9]+$'),
	model_id bigint NOT NULL,
	system_prompt text,
	temperature numeric CHECK (temperature BETWEEN 0 AND 2),
	top_p numeric CHECK (top_p > 0 AND top_p <= 1),
	max_output_tokens integer CHECK (max_output_tokens > 0),
	timeout_seconds integer NOT NULL CHECK (timeout_seconds BETWEEN 1 AND 86400),
	output_format text NOT NULL CHECK (output_format IN ('markdown', 'json', 'plaintext', 'code')),
	progress_lines boolean NOT NULL,
	fallback_models bigint[] NOT NULL DEFAULT '{}',
	phases text[] CHECK (cardinality(phases) BETWEEN 1 AND 12),
	created_by text NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	UNIQUE (agent_id, version)
);
COMMENT ON TABLE agent_studio.agent_versions IS
'Immutable versions of agents. An execution keeps the version that it was submitted with. NULL in a sampling column: the parameter is not sent, the vendor''s default holds.';
COMMENT ON COLUMN agent_studio.agent_versions.agent_version_id IS 'Key; steps refer to it.';
COMMENT ON COLUMN agent_studio.agent_versions.agent_id IS 'The agent.';
COMMENT ON COLUMN agent_studio.agent_versions.version IS 'Label: major.minor.patch.';
COMMENT ON COLUMN agent_studio.agent_versions.model_id IS 'The model that answers.';
COMMENT ON COLUMN agent_studio.agent_versions.system_prompt IS 'Instructions sent before the task; NULL = none.';
COMMENT ON COLUMN agent_studio.agent_versions.temperature IS 'Sampling temperature, 0 to 2; NULL = not sent.';
COMMENT ON COLUMN agent_studio.agent_versions.top_p IS 'Nucleus sampling, over 0 to 1; NULL = not sent.';
COMMENT ON COLUMN agent_studio.agent_versions.max_output_tokens IS 'Most output tokens, reasoning included; NULL = not sent, or where the API demands a limit (anthropic): the model''s, else 4096.';
COMMENT ON COLUMN agent_studio.agent_versions.timeout_seconds IS 'Seconds that one attempt may take before its socket is closed.';
COMMENT ON COLUMN agent_studio.agent_versions.output_format IS 'markdown, json, plaintext or code.';
COMMENT ON COLUMN agent_studio.agent_versions.progress_lines IS 'True: the model is asked for progress lines, which become thoughts and are taken out of the output.';
COMMENT ON COLUMN agent_studio.agent_versions.fallback_models IS 'Models to ask, in this order, when the first is down or over its limit.';
COMMENT ON COLUMN agent_studio.agent_versions.phases IS 'What its work goes through, for as_progress; NULL = what is usual for its type.';
COMMENT ON COLUMN agent_studio.agent_versions.created_by IS 'Role that made this version.';
COMMENT ON COLUMN agent_studio.agent_versions.created_at IS 'When it was made.';
CREATE INDEX agent_versions_model ON agent_studio.agent_versions (model_id);
