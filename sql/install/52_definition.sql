-- Workflows' definitions: what is wrong with one, and what is in it. The language is
-- that of doc/workflows.md.

CREATE FUNCTION agent_studio_private.definition_problems(definition jsonb)
RETURNS TABLE (step text, problem text, hint text)
AS 'MODULE_PATHNAME', 'agent_studio_definition_problems' LANGUAGE C STABLE STRICT;
COMMENT ON FUNCTION agent_studio_private.definition_problems(jsonb) IS
'Everything that is wrong with a definition, with the way out; step is NULL where it is the workflow as a whole. No row: it is good, but for agents and roles.';

CREATE FUNCTION agent_studio_private.definition_agents(definition jsonb)
RETURNS TABLE (step text, agent text)
AS 'MODULE_PATHNAME', 'agent_studio_definition_agents' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION agent_studio_private.definition_agents(jsonb) IS
'Every agent that a step may need, those it may be handed to among them. A definition with problems gives those that could be read.';

CREATE FUNCTION agent_studio_private.definition_steps(definition jsonb)
RETURNS TABLE (step_no integer, name text, title text, kind text, agent text, after text[], outputs text[],
	final boolean, demand text, timeout_seconds integer)
AS 'MODULE_PATHNAME', 'agent_studio_definition_steps' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION agent_studio_private.definition_steps(jsonb) IS
'The steps with their defaults filled in. kind is agent or decision; agent may be several, " | " between them; demand is fallback, specialist or compensation, or NULL for a step of the order; timeout_seconds NULL = the agent''s. Raises 22023 if the definition has problems.';

CREATE FUNCTION agent_studio_private.definition_edges(definition jsonb)
RETURNS TABLE (from_step text, to_step text, value text)
AS 'MODULE_PATHNAME', 'agent_studio_definition_edges' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION agent_studio_private.definition_edges(jsonb) IS
'Which output goes to which step; value is output for the whole answer. Raises 22023 if the definition has problems.';

CREATE FUNCTION agent_studio_private.complete_inputs(definition jsonb, inputs jsonb) RETURNS jsonb
AS 'MODULE_PATHNAME', 'agent_studio_complete_inputs' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION agent_studio_private.complete_inputs(jsonb, jsonb) IS
'The inputs with the defaults of those that are not given; NULL counts as no inputs. Raises 22023 with a line for each that is missing, unknown or of the wrong type.';
