-- A task that is repeated with feedback until its criteria hold is a workflow of one
-- step, or of two where an agent is the judge. Here its definition is written.

CREATE FUNCTION agent_studio_private.task_criteria(given jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	known constant text[] := ARRAY['min_quality_score', 'required_sections', 'validator'];
	criteria jsonb := '{}';
	key text;
	name text;
	value jsonb;
BEGIN
	IF jsonb_typeof(given) <> 'object' THEN
		RAISE EXCEPTION 'validation_criteria must be a JSON object, this is a JSON %', jsonb_typeof(given)
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'For example {"minQualityScore": 0.85, "requiredSections": ["architecture", "components"]}.';
	END IF;
	FOR key, value IN SELECT e.key, e.value FROM jsonb_each(given) e LOOP
		name := lower(regexp_replace(key, '([A-Z])', E'_\\1', 'g'));
		PERFORM agent_studio_private.one_of('criterion', name, known);
		IF criteria ? name THEN
			RAISE EXCEPTION 'criterion % is given twice', name
				USING ERRCODE = 'invalid_parameter_value', HINT = 'camelCase and snake_case are the same name.';
		END IF;
		criteria := criteria || jsonb_build_object(name, value);
	END LOOP;
	IF criteria ? 'min_quality_score' AND (jsonb_typeof(criteria -> 'min_quality_score') <> 'number'
		OR (criteria ->> 'min_quality_score')::numeric NOT BETWEEN 0 AND 1) THEN
		RAISE EXCEPTION 'minQualityScore must be a number from 0 to 1' USING ERRCODE = 'invalid_parameter_value',
			HINT = 'For example {"minQualityScore": 0.85}.';
	END IF;
	IF criteria ? 'required_sections' AND (jsonb_typeof(criteria -> 'required_sections') <> 'array'
		OR jsonb_array_length(criteria -> 'required_sections') NOT BETWEEN 1 AND 100
		OR EXISTS (SELECT FROM jsonb_array_elements(criteria -> 'required_sections') s
				   WHERE jsonb_typeof(s) <> 'string' OR s #>> '{}' !~ '[^[:space:]]' OR length(s #>> '{}') > 200)) THEN
		RAISE EXCEPTION 'requiredSections must be an array of 1 to 100 names' USING ERRCODE = 'invalid_parameter_value',
			HINT = 'For example {"requiredSections": ["architecture", "components"]}; each name has 200 characters at most.';
	END IF;
	IF criteria ? 'validator' AND jsonb_typeof(criteria -> 'validator') <> 'string' THEN
		RAISE EXCEPTION 'validator must be the name of an agent' USING ERRCODE = 'invalid_parameter_value',
			HINT = 'For example {"validator": "validator-agent-prod", "minQualityScore": 0.85}.';
	END IF;
	RETURN criteria;
END
$$;
COMMENT ON FUNCTION agent_studio_private.task_criteria(jsonb) IS
'Validation criteria with their names in one spelling; raises 22023 for an unknown one or a bad value.';

CREATE FUNCTION agent_studio_private.literal_template(given text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT
RETURN pg_catalog.replace(pg_catalog.replace(given, '{', '{{'), '}', '}}');
COMMENT ON FUNCTION agent_studio_private.literal_template(text) IS 'The text as a template that stands for itself.';

CREATE FUNCTION agent_studio_private.judging_step(task text, criteria jsonb, max_iterations integer, retry jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE
RETURN jsonb_build_object(
	'name', 'judge', 'agent', criteria ->> 'validator', 'retry', retry, 'inputs', '{"answer": "task.output"}'::jsonb,
	'task', 'Judge an answer to the following task.' || E'\n\nTask:\n\n' || agent_studio_private.literal_template(task)
		|| coalesce(E'\n\nThe answer must have these sections: '
			|| agent_studio_private.literal_template((SELECT string_agg(s, ', ') FROM jsonb_array_elements_text(criteria -> 'required_sections') s)) || '.', '')
		|| E'\n\nAnswer:\n\n{answer}',
	'outputs', '{"quality_score": {"type": "number", "description": "quality of the answer, from 0 to 1"},
				 "issues": {"type": "string", "description": "what is wrong or missing, and how to mend it; empty if nothing is", "required": false}}'::jsonb,
	'rules', jsonb_build_array(jsonb_build_object(
		'if', format('!($.quality_score >= %s)', coalesce(criteria ->> 'min_quality_score', '1')), 'then', 'go_back', 'to', 'task',
		'feedback', 'The quality score is {quality_score}, it must be at least ' || coalesce(criteria ->> 'min_quality_score', '1') || E'.\n{issues}',
		'max_iterations', max_iterations)));
COMMENT ON FUNCTION agent_studio_private.judging_step(text, jsonb, integer, jsonb) IS
'The step in which the validator agent judges the answer, and sends it back if it is not good enough.';

CREATE FUNCTION agent_studio_private.task_plan(agent text, task text, criteria jsonb, max_iterations integer,
	max_retries integer, timeout_seconds integer, output_format text) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	retry jsonb := jsonb_build_object('max_retries', max_retries,
		'delay_seconds', extract(epoch FROM current_setting('agent_studio.retry_delay')::interval),
		'max_delay_seconds', extract(epoch FROM current_setting('agent_studio.retry_max_delay')::interval));
	step jsonb := jsonb_build_object('name', 'task', 'agent', agent, 'task', agent_studio_private.literal_template(task),
		'retry', retry, 'timeout_seconds', timeout_seconds, 'output_format', output_format, 'final', true);
	steps jsonb;
BEGIN
	-- Where nothing else is demanded, the answer's format is.
	IF NOT criteria ?| ARRAY['min_quality_score', 'required_sections'] THEN
		criteria := criteria || '{"min_quality_score": 1}';
	END IF;
	IF criteria ? 'validator' THEN
		steps := jsonb_build_array(step, agent_studio_private.judging_step(task, criteria, max_iterations, retry));
	ELSE
		steps := jsonb_build_array(step || jsonb_build_object('criteria',
			criteria || jsonb_build_object('max_iterations', max_iterations)));
	END IF;
	RETURN jsonb_build_object('pattern', 'iterative', 'steps', steps);
END
$$;
COMMENT ON FUNCTION agent_studio_private.task_plan(text, text, jsonb, integer, integer, integer, text) IS
'The definition of a task that is repeated until its criteria hold.';
