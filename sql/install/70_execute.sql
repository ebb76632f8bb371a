-- as_execute_task: an INSERT in the caller's transaction, and a wake-up on commit.

CREATE FUNCTION agent_studio_private.head_start(priority text) RETURNS interval
LANGUAGE sql IMMUTABLE
RETURN CASE priority WHEN 'critical' THEN interval '1 hour' WHEN 'high' THEN interval '10 minutes'
	WHEN 'low' THEN interval '-10 minutes' ELSE interval '0' END;
COMMENT ON FUNCTION agent_studio_private.head_start(text) IS
'How far a priority moves a step forward in the queue. A bounded head start, not a class of its own: whatever is old enough gets through.';

CREATE FUNCTION agent_studio_private.expected_tokens(task text, context jsonb, version agent_studio.agent_versions) RETURNS bigint
LANGUAGE sql IMMUTABLE
RETURN (octet_length(task) + octet_length(coalesce(context, '{}')::text)
		+ coalesce(octet_length((version).system_prompt), 0)) / 4 + coalesce((version).max_output_tokens, 1000);
COMMENT ON FUNCTION agent_studio_private.expected_tokens(text, jsonb, agent_studio.agent_versions) IS
'Tokens that a task is expected to cost before the vendor has counted them: see queue.tokens.';

CREATE FUNCTION agent_studio_private.usable_agent(actor text, target agent_studio.agents) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF target.status <> 'active' THEN
		RAISE EXCEPTION 'agent "%" is deprecated', target.name
			USING ERRCODE = 'object_not_in_prerequisite_state',
				  HINT = 'Choose another: SELECT name, description FROM agent_studio.agents WHERE status = ''active''.';
	END IF;
	IF target.visibility <> 'shared' AND NOT agent_studio_private.has_role(actor, target.owner)
	   AND NOT coalesce(agent_studio_private.has_role(actor, target.team), false)
	   AND NOT agent_studio_private.has_role(actor, 'agent_studio_admin')
	   AND NOT agent_studio_private.has_grant(actor, 'agent', target.agent_id, 'execute', 'modify') THEN
		RAISE EXCEPTION 'role "%" may not use agent "%"', actor, target.name
			USING ERRCODE = 'insufficient_privilege',
				  HINT = 'It is for the members of its team: ask its owner to share it, or for as_grant.';
	END IF;
END
$$;
COMMENT ON FUNCTION agent_studio_private.usable_agent(text, agent_studio.agents) IS
'Raises 55000 for a deprecated agent, 42501 for one that the actor may see and not use.';

CREATE FUNCTION agent_studio_private.runnable_agent(actor text, agent text) RETURNS agent_studio.agents
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	target agent_studio.agents := agent_studio_private.find_agent(actor, agent);
BEGIN
	-- Held until the caller's commit, so that as_drop_agent sees the execution.
	PERFORM FROM agent_studio.agents a WHERE a.agent_id = target.agent_id FOR KEY SHARE;
	IF NOT FOUND THEN		-- dropped while this waited
		PERFORM agent_studio_private.find_agent(actor, agent);
	END IF;
	PERFORM agent_studio_private.usable_agent(actor, target);
	RETURN target;
END
$$;
COMMENT ON FUNCTION agent_studio_private.runnable_agent(text, text) IS
'The agent of that name, if the actor may give it a task; raises 42704, 42501, 55000.';

CREATE FUNCTION agent_studio_private.task_format(asked_for text, json_schema json, agents_own text) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	format_name text := coalesce(agent_studio_private.output_format(asked_for),
								 CASE WHEN json_schema IS NULL THEN agents_own ELSE 'json' END);
BEGIN
	IF json_schema IS NOT NULL AND format_name <> 'json' THEN
		RAISE EXCEPTION 'json_schema goes with output_format json, not with %', format_name
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Leave output_format out, or json_schema.';
	END IF;
	RETURN format_name;
END
$$;
COMMENT ON FUNCTION agent_studio_private.task_format(text, json, text) IS
'The format of a task: what was asked for, json where there is a schema, else the agent''s. Raises 22023.';

-- Who asks again gets the id, whatever has become of agent and rights since.
CREATE FUNCTION agent_studio_private.earlier_execution(actor text, idempotency_key text) RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM agent_studio_private.check_idempotency_key(idempotency_key);
	RETURN (SELECT e.execution_id FROM agent_studio.executions e
			WHERE e.owner = actor AND e.idempotency_key = earlier_execution.idempotency_key);
END
$$;
COMMENT ON FUNCTION agent_studio_private.earlier_execution(text, text) IS
'The actor''s execution with this key; NULL = none, or no key. Raises 22023 for an empty key, 54000 for one that is too long.';

CREATE FUNCTION agent_studio_private.rival_execution(actor text, idempotency_key text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	rival bigint := (SELECT e.execution_id FROM agent_studio.executions e
					 WHERE e.owner = actor AND e.idempotency_key = rival_execution.idempotency_key);
BEGIN
	IF rival IS NULL THEN
		RAISE EXCEPTION 'a task with this idempotency_key was submitted at the same time'
			USING ERRCODE = 'serialization_failure', HINT = 'Run the transaction again; it will get that execution.';
	END IF;
	RETURN rival;
END
$$;
COMMENT ON FUNCTION agent_studio_private.rival_execution(text, text) IS
'The execution that took this key meanwhile; raises 40001 where this transaction cannot see it.';

CREATE FUNCTION agent_studio_private.judge_version(actor text, validator text) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	judge agent_studio.agents;
	version agent_studio.agent_versions;
BEGIN
	IF validator IS NULL THEN
		RETURN '{}';
	END IF;
	judge := agent_studio_private.runnable_agent(actor, validator);
	SELECT * INTO version FROM agent_studio.agent_versions v
	WHERE v.agent_id = judge.agent_id AND v.version = judge.current_version;
	PERFORM agent_studio_private.usable_server(actor,
		(SELECT m.server FROM agent_studio.models m WHERE m.model_id = version.model_id));
	RETURN jsonb_build_object(validator, version.agent_version_id);
END
$$;
COMMENT ON FUNCTION agent_studio_private.judge_version(text, text) IS
'The version of the agent that judges a task''s answers, by its name; {} for NULL. Raises as runnable_agent and usable_server do.';

CREATE FUNCTION agent_studio_private.as_execute_task(actor text,
	agent text, task text, context jsonb, priority text, max_iterations integer,
	iteration_strategy text, validation_criteria jsonb, timeout_seconds integer,
	output_format text, json_schema json, idempotency_key text, max_retries integer,
	verbose boolean) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	used_agent agent_studio.agents;
	used_version agent_studio.agent_versions;
	used_server text;
	used_team text;
	used_format text;
	criteria jsonb;
	agents jsonb;
	plan jsonb;
	new_id bigint;
	now_at timestamptz := clock_timestamp();
BEGIN
	-- What raises where something is wrong takes longer to call than to look.
	IF task ~ '[^[:space:]]' IS NOT TRUE THEN
		PERFORM agent_studio_private.required('task', task);
	END IF;
	IF idempotency_key IS NOT NULL THEN
		new_id := agent_studio_private.earlier_execution(actor, idempotency_key);
		IF new_id IS NOT NULL THEN
			RETURN new_id;
		END IF;
	END IF;
	used_agent := agent_studio_private.runnable_agent(actor, agent);
	priority := lower(priority);
	IF priority = ANY ('{low, normal, high, critical}') IS NOT TRUE THEN
		PERFORM agent_studio_private.one_of('priority', priority, '{low, normal, high, critical}');
	END IF;
	IF NOT (timeout_seconds BETWEEN 1 AND 86400 AND max_retries BETWEEN 0 AND 20 AND max_iterations BETWEEN 1 AND 10) THEN
		PERFORM agent_studio_private.in_range('timeout_seconds', timeout_seconds, 1, 86400);
		PERFORM agent_studio_private.in_range('max_retries', max_retries, 0, 20);
		PERFORM agent_studio_private.in_range('max_iterations', max_iterations, 1, 10);
	END IF;
	IF max_retries IS NULL OR as_execute_task.verbose IS NULL OR max_iterations IS NULL THEN
		PERFORM agent_studio_private.not_null('max_retries', max_retries IS NULL);
		PERFORM agent_studio_private.not_null('max_iterations', max_iterations IS NULL);
		PERFORM agent_studio_private.not_null('verbose', true);
	END IF;
	IF iteration_strategy IS NOT NULL THEN
		PERFORM agent_studio_private.one_of('iteration_strategy', iteration_strategy, ARRAY['improve_until_valid']);
	END IF;
	IF jsonb_typeof(context) <> 'object' THEN
		RAISE EXCEPTION 'context must be a JSON object, this is a JSON %', jsonb_typeof(context)
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = format('For example {"scale": "100K users"}. agent_studio.as_context_fields(%L) lists the usual members.', used_agent.agent_type);
	END IF;

	IF octet_length(task) > 4194304 OR octet_length(context::text) > 4194304 THEN
		RAISE EXCEPTION 'task and context may hold 4 MB each'
			USING ERRCODE = 'program_limit_exceeded',
				  HINT = 'No model takes that much; give it an extract.';
	END IF;

	SELECT * INTO used_version FROM agent_studio.agent_versions v
	WHERE v.agent_id = used_agent.agent_id AND v.version = used_agent.current_version;
	SELECT m.server INTO used_server FROM agent_studio.models m WHERE m.model_id = used_version.model_id;
	PERFORM agent_studio_private.usable_server(actor, used_server);
	used_format := agent_studio_private.task_format(output_format, json_schema, used_version.output_format);
	used_team := CASE WHEN used_agent.team IS NOT NULL AND agent_studio_private.has_role(actor, used_agent.team) THEN used_agent.team END;
	PERFORM agent_studio_private.require_budget(actor, used_team, agent, NULL);

	timeout_seconds := coalesce(timeout_seconds, used_version.timeout_seconds);
	IF max_iterations > 1 OR validation_criteria IS NOT NULL THEN
		criteria := agent_studio_private.task_criteria(coalesce(validation_criteria, '{}'));
		agents := jsonb_build_object(agent, used_version.agent_version_id)
			|| agent_studio_private.judge_version(actor, criteria ->> 'validator');
		plan := agent_studio_private.task_plan(agent, task, criteria, max_iterations, max_retries, timeout_seconds, used_format);
	END IF;

	INSERT INTO agent_studio.executions AS e (agent, task, context, priority, timeout_seconds, max_retries,
		output_format, json_schema, validation_criteria, plan, agents, is_verbose, idempotency_key, owner, team, submitted_at)
	VALUES (agent, task, coalesce(context, '{}'), priority, timeout_seconds, max_retries, used_format,
		agent_studio_private.json_schema(json_schema), criteria, plan, agents, as_execute_task.verbose, idempotency_key, actor, used_team, now_at)
	ON CONFLICT DO NOTHING		-- the one conflict there can be: (owner, idempotency_key)
	RETURNING e.execution_id INTO new_id;
	IF new_id IS NULL THEN
		RETURN agent_studio_private.rival_execution(actor, idempotency_key);
	END IF;

	IF plan IS NOT NULL THEN
		PERFORM agent_studio_private.start_execution(new_id);
	ELSE
		INSERT INTO agent_studio.steps (execution_id, step_no, name, agent_version_id, model_id, queued_at, owner, team)
		VALUES (new_id, 1, 'task', used_version.agent_version_id, used_version.model_id, now_at, actor, used_team);
		INSERT INTO agent_studio.queue (execution_id, step_no, model_id, order_at, run_at, tokens)
		VALUES (new_id, 1, used_version.model_id, now_at - agent_studio_private.head_start(priority), now_at,
			agent_studio_private.expected_tokens(task, context, used_version));
	END IF;
	PERFORM agent_studio_private.wake();
	RETURN new_id;
END
$$;

CREATE FUNCTION agent_studio.as_execute_task(
	agent text, task text, context jsonb DEFAULT '{}', priority text DEFAULT 'normal',
	max_iterations integer DEFAULT 1, iteration_strategy text DEFAULT NULL,
	validation_criteria jsonb DEFAULT NULL, timeout_seconds integer DEFAULT NULL,
	output_format text DEFAULT NULL, json_schema json DEFAULT NULL,
	idempotency_key text DEFAULT NULL, max_retries integer DEFAULT 3,
	verbose boolean DEFAULT false) RETURNS bigint
AS 'MODULE_PATHNAME', 'agent_studio_gate' LANGUAGE C;
COMMENT ON FUNCTION agent_studio.as_execute_task(text, text, jsonb, text, integer, text, jsonb, integer, text, json, text, integer, boolean) IS
'Gives an agent a task and returns the execution''s id. The task is sent after COMMIT; rolled back it is never sent. priority: low, normal, high, critical. timeout_seconds bounds one attempt (NULL = the agent''s). output_format: markdown, json, plaintext or code (NULL = the agent''s). json_schema: a JSON Schema or the shorthand {"name": "string"}; an answer that breaks it is never completed. max_retries: tries after the first. With max_iterations (1 to 10, strategy improve_until_valid) the task is repeated with feedback until validation_criteria hold: {"minQualityScore": 0.85, "requiredSections": ["..."], "validator": "agent"}; the quality score, 0 to 1, is the validator agent''s, or else the mean of completeness (sections present) and format compliance. Every iteration is kept; where the criteria never hold, the execution fails with class max_iterations and as_output shows the best. The same idempotency_key gives the first id again. verbose keeps DEBUG lines. Raises 42704 unknown agent, 42501 no right to the agent or its server, 55000 deprecated, 53400 a budget that is used up, 22023 bad value, 54000 more than it may hold.';

CREATE FUNCTION agent_studio.as_context_fields(agent_type text)
RETURNS TABLE (field text, description text)
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT f.field, f.description
	FROM (VALUES
		('architect', 'scale', 'Expected load or volume'),
		('architect', 'existingStack', 'Current technology'),
		('architect', 'constraints', 'Budget, timeline, technology restrictions'),
		('architect', 'requirements', 'Functional and non-functional requirements'),
		('builder', 'language', 'Programming language and version'),
		('builder', 'framework', 'Framework and version'),
		('builder', 'dependencies', 'Required libraries'),
		('builder', 'testingFramework', 'Testing library to use'),
		('validator', 'validationType', 'Security, performance, quality, compliance'),
		('validator', 'standards', 'Coding standards or compliance frameworks'),
		('validator', 'severityThreshold', 'Minimum severity to report'),
		('scribe', 'audience', 'Target reader: developer, end user, operator'),
		('scribe', 'format', 'Output format: OpenAPI, Markdown, PDF'),
		('scribe', 'includeExamples', 'Whether to include code examples: true or false'),
		('scribe', 'depth', 'Comprehensive or quick reference')) AS f (agent_type, field, description)
	WHERE f.agent_type = as_context_fields.agent_type;
END;
COMMENT ON FUNCTION agent_studio.as_context_fields(text) IS
'The members that the context of a task usually has, by type of agent. Others are allowed too; an unknown type has none.';
