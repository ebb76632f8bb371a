-- Recovery: what people do about a step that came to rest without an answer that the
-- flow can go on with. Each of these is a command; the executor mends and goes on.

CREATE FUNCTION agent_studio_private.as_retry_step(actor text, execution bigint, step text, timeout_seconds integer) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	target agent_studio.executions := agent_studio_private.commandable(actor, execution);
	target_step agent_studio.steps := agent_studio_private.find_step(execution, step);
BEGIN
	PERFORM agent_studio_private.in_range('timeout_seconds', timeout_seconds, 1, 86400);
	RETURN agent_studio_private.request(actor, 'retry_step', target, target_step,
		CASE WHEN timeout_seconds IS NOT NULL THEN jsonb_build_object('timeout_seconds', timeout_seconds) END, NULL);
END
$$;

CREATE FUNCTION agent_studio.as_retry_step(execution bigint, step text, timeout_seconds integer DEFAULT NULL) RETURNS text
AS 'MODULE_PATHNAME', 'agent_studio_gate' LANGUAGE C;
COMMENT ON FUNCTION agent_studio.as_retry_step(bigint, text, integer) IS
'Asks for a step to be tried again with the same inputs, and returns requested; the flow goes on from there. step is its name (of which the newest iteration is meant) or its number. timeout_seconds bounds an attempt from now on (NULL = as before). Raises 42704 no such execution or step, 42501 neither owner nor operator, 22023, 55000 the step is not failed, rejected, partial or held for review, the execution is completed or canceled or rolls back, its definition has manual_retry false, or another command for that step is pending.';

CREATE FUNCTION agent_studio_private.as_accept_partial(actor text, execution bigint, step text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	target agent_studio.executions := agent_studio_private.commandable(actor, execution);
BEGIN
	RETURN agent_studio_private.request(actor, 'accept_partial', target,
		agent_studio_private.find_step(execution, step), NULL, NULL);
END
$$;

CREATE FUNCTION agent_studio.as_accept_partial(execution bigint, step text) RETURNS text
AS 'MODULE_PATHNAME', 'agent_studio_gate' LANGUAGE C;
COMMENT ON FUNCTION agent_studio.as_accept_partial(bigint, text) IS
'Asks for the flow to go on with what had arrived of a step whose time ran out, and returns requested. Raises 42704 no such execution or step, 42501 neither owner nor operator, 22023, 55000 the step is not partial or was accepted before, the execution is completed or canceled or rolls back, its definition has manual_intervention false, or another command for that step is pending.';

CREATE FUNCTION agent_studio_private.as_skip_step(actor text, execution bigint, step text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	target agent_studio.executions := agent_studio_private.commandable(actor, execution);
BEGIN
	RETURN agent_studio_private.request(actor, 'skip_step', target,
		agent_studio_private.find_step(execution, step), NULL, NULL);
END
$$;

CREATE FUNCTION agent_studio.as_skip_step(execution bigint, step text) RETURNS text
AS 'MODULE_PATHNAME', 'agent_studio_gate' LANGUAGE C;
COMMENT ON FUNCTION agent_studio.as_skip_step(bigint, text) IS
'Asks for the flow to go on without a step, and returns requested; what later steps take from it is empty. Raises 42704 no such execution or step, 42501 neither owner nor operator, 22023, 55000 the step is not failed, rejected, partial, held for review or waiting_approval (nor pending in an execution at rest), the execution is completed or canceled or rolls back, its definition has manual_intervention false, or another command for that step is pending.';

-- Outputs that are given by hand have to be what the definition declares: the steps
-- after this one rely on it.

CREATE FUNCTION agent_studio_private.output_type(declared jsonb) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN CASE WHEN jsonb_typeof(declared) = 'string' THEN declared #>> '{}' ELSE coalesce(declared ->> 'type', 'string') END;
COMMENT ON FUNCTION agent_studio_private.output_type(jsonb) IS
'The type of a declared output: string, number, boolean, object, array or enum.';

CREATE FUNCTION agent_studio_private.output_problem(name text, declared jsonb, given jsonb) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN CASE
	WHEN declared IS NULL THEN format('%s is not an output of this step', name)
	WHEN given IS NULL OR given = 'null' THEN
		CASE WHEN declared -> 'required' IS DISTINCT FROM 'false' THEN format('%s is missing', name) END
	WHEN agent_studio_private.output_type(declared) = 'enum' THEN
		CASE WHEN jsonb_typeof(given) <> 'string' OR NOT coalesce(declared -> 'values' ? (given #>> '{}'), false)
			THEN format('%s must be one of %s', name,
				array_to_string(ARRAY(SELECT jsonb_array_elements_text(declared -> 'values')), ', ')) END
	WHEN jsonb_typeof(given) <> agent_studio_private.output_type(declared) THEN
		format('%s must be of type %s, this is of type %s', name, agent_studio_private.output_type(declared), jsonb_typeof(given))
	END;
COMMENT ON FUNCTION agent_studio_private.output_problem(text, jsonb, jsonb) IS
'Why a value cannot be that output, in words; NULL = it can.';

CREATE FUNCTION agent_studio_private.declared_outputs(definition jsonb, step agent_studio.steps) RETURNS jsonb
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT coalesce((SELECT p.step -> 'outputs' FROM agent_studio_private.plan_steps(definition) p
					 WHERE p.plan_step = (declared_outputs.step).plan_step AND jsonb_typeof(p.step -> 'outputs') = 'object'), '{}');
END;
COMMENT ON FUNCTION agent_studio_private.declared_outputs(jsonb, agent_studio.steps) IS
'The outputs that a step declares: name to type; {} = none.';

CREATE FUNCTION agent_studio_private.checked_outputs(step agent_studio.steps, declared jsonb, given jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	problems text;
BEGIN
	IF jsonb_typeof(given) <> 'object' THEN
		RAISE EXCEPTION 'outputs must be a JSON object, this is a JSON %', jsonb_typeof(given)
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Its members are the step''s outputs by name: {"name": value}.';
	END IF;
	SELECT string_agg(p.problem, '; ' ORDER BY names.name) INTO problems
	FROM (SELECT jsonb_object_keys(declared) UNION SELECT jsonb_object_keys(coalesce(given, '{}'))) names (name)
	CROSS JOIN LATERAL (SELECT agent_studio_private.output_problem(names.name, declared -> names.name, given -> names.name)) p (problem);
	IF problems IS NOT NULL THEN
		RAISE EXCEPTION 'these are not the outputs of step "%"', step.name
			USING ERRCODE = 'invalid_parameter_value', DETAIL = format('%s.', left(problems, 4000)),
				  HINT = CASE WHEN declared = '{}' THEN 'It declares none: give its answer as output => ''...''.'
					ELSE format('It declares: %s.', (SELECT string_agg(format('%s (%s%s)', d.key, agent_studio_private.output_type(d.value),
							CASE WHEN d.value -> 'required' = 'false' THEN ', optional' ELSE '' END), ', ' ORDER BY d.key)
						FROM jsonb_each(declared) d)) END;
	END IF;
	RETURN (SELECT jsonb_object_agg(g.key, g.value) FROM jsonb_each(given) g WHERE g.value <> 'null');
END
$$;
COMMENT ON FUNCTION agent_studio_private.checked_outputs(agent_studio.steps, jsonb, jsonb) IS
'What was given as a step''s outputs, without those that are null; NULL = none. Raises 22023 with everything that is missing or wrong.';

CREATE FUNCTION agent_studio_private.check_output(execution agent_studio.executions, step agent_studio.steps, output text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	output_format text := coalesce(step.output_format, execution.output_format);
	problem text;
BEGIN
	IF octet_length(output) > pg_size_bytes(current_setting('agent_studio.max_output_size')) THEN
		RAISE EXCEPTION 'output is larger than agent_studio.max_output_size, %', current_setting('agent_studio.max_output_size')
			USING ERRCODE = 'program_limit_exceeded', HINT = 'The setting bounds what agents may answer, too.';
	END IF;
	IF output IS NULL OR output_format IS NULL THEN
		RETURN;
	END IF;
	problem := agent_studio_private.format_problem(output, output_format, coalesce(step.json_schema, execution.json_schema));
	IF problem IS NOT NULL THEN
		RAISE EXCEPTION 'output is not what step "%" has to produce: %', step.name, problem
			USING ERRCODE = 'invalid_parameter_value', HINT = format('Its format is %s. An agent''s answer has to pass the same check.', output_format);
	END IF;
END
$$;
COMMENT ON FUNCTION agent_studio_private.check_output(agent_studio.executions, agent_studio.steps, text) IS
'Raises 22023 for an answer that is not of the step''s format or breaks its JSON Schema, 54000 for one that is too large.';

CREATE FUNCTION agent_studio_private.as_complete_step(actor text, execution bigint, step text, outputs jsonb, output text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	target agent_studio.executions := agent_studio_private.commandable(actor, execution);
	target_step agent_studio.steps := agent_studio_private.find_step(execution, step);
	declared jsonb := agent_studio_private.declared_outputs(agent_studio_private.plan_of(target), target_step);
	refused record := agent_studio_private.command_problem('complete_step', target, target_step, agent_studio_private.plan_of(target));
BEGIN
	-- That it cannot be done at all comes before what is wrong with the outputs.
	IF refused.problem IS NULL THEN
		IF outputs IS NULL AND output IS NULL THEN
			RAISE EXCEPTION 'outputs and output are both NULL'
				USING ERRCODE = 'invalid_parameter_value',
					  HINT = 'Give what the step should have produced, or call as_skip_step to go on without it.';
		END IF;
		outputs := agent_studio_private.checked_outputs(target_step, declared, outputs);
		PERFORM agent_studio_private.check_output(target, target_step, output);
	END IF;
	RETURN agent_studio_private.request(actor, 'complete_step', target, target_step,
		jsonb_strip_nulls(jsonb_build_object('output', output))
		|| CASE WHEN outputs IS NULL THEN '{}' ELSE jsonb_build_object('outputs', outputs) END, NULL);
END
$$;

CREATE FUNCTION agent_studio.as_complete_step(execution bigint, step text, outputs jsonb DEFAULT NULL, output text DEFAULT NULL) RETURNS text
AS 'MODULE_PATHNAME', 'agent_studio_gate' LANGUAGE C;
COMMENT ON FUNCTION agent_studio.as_complete_step(bigint, text, jsonb, text) IS
'Asks for a step to be completed with what somebody has made by hand, and returns requested. outputs: its named outputs, as its definition declares them; output: the whole answer. Raises 42704 no such execution or step, 42501 neither owner nor operator, 22023 with everything that is missing or of the wrong type, 54000 too large, 55000 the step is not failed, rejected, partial or held for review, the execution is completed or canceled or rolls back, its definition has manual_intervention false, or another command for that step is pending.';
