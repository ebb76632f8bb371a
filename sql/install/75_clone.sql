-- as_clone: the same work again, by whoever may see it, with the caller's own rights.

CREATE FUNCTION agent_studio_private.call_arguments(called text) RETURNS TABLE (name text, kind text)
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT a.name, CASE a.type WHEN 'text'::regtype THEN 'string' WHEN 'integer'::regtype THEN 'number'
		WHEN 'boolean'::regtype THEN 'boolean' WHEN 'jsonb'::regtype THEN 'object' END
	FROM pg_catalog.pg_proc p
	CROSS JOIN LATERAL unnest(p.proargnames, p.proargtypes::oid[]) WITH ORDINALITY a (name, type, n)
	WHERE p.pronamespace = 'agent_studio'::regnamespace AND p.proname = called
	ORDER BY a.n;
END;
COMMENT ON FUNCTION agent_studio_private.call_arguments(text) IS
'The arguments of a public function, and which kind of JSON value each takes; NULL = any.';

CREATE FUNCTION agent_studio_private.check_overrides(overrides jsonb, called text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	known text[] := ARRAY(SELECT a.name FROM agent_studio_private.call_arguments(called) a);
	given record;
BEGIN
	IF jsonb_typeof(overrides) <> 'object' THEN
		RAISE EXCEPTION 'overrides must be a JSON object, this is a JSON %', jsonb_typeof(overrides)
			USING ERRCODE = 'invalid_parameter_value', HINT = 'For example {"priority": "high"}.';
	END IF;
	FOR given IN SELECT o.key, o.value, jsonb_typeof(o.value) AS kind, a.kind AS wanted
		FROM jsonb_each(overrides) o LEFT JOIN agent_studio_private.call_arguments(called) a ON a.name = o.key
	LOOP
		PERFORM agent_studio_private.one_of('override', given.key, known);
		CONTINUE WHEN given.kind = 'null';
		IF given.kind <> given.wanted THEN
			RAISE EXCEPTION 'override % must be a JSON %, this is a JSON %', given.key, given.wanted, given.kind
				USING ERRCODE = 'invalid_parameter_value', HINT = format('It is an argument of %s.', called);
		END IF;
		CONTINUE WHEN given.kind IS DISTINCT FROM 'number';
		IF given.value::numeric % 1 <> 0 OR abs(given.value::numeric) > 2147483647 THEN
			RAISE EXCEPTION 'override % must be a whole number, this is %', given.key, left(given.value::text, 100)
				USING ERRCODE = 'invalid_parameter_value', HINT = format('It is an argument of %s.', called);
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION agent_studio_private.check_overrides(jsonb, text) IS
'Raises 22023 for an override that is no argument of that function, with the list of those that are, or is of the wrong kind; JSON null passes.';

CREATE FUNCTION agent_studio_private.merged_members(original jsonb, changes jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT coalesce(jsonb_object_agg(m.key, m.value), '{}') FROM jsonb_each(original || changes) m
	WHERE changes -> m.key IS DISTINCT FROM 'null';
END;
COMMENT ON FUNCTION agent_studio_private.merged_members(jsonb, jsonb) IS
'An object with some members changed; those that are changed to null are taken out.';

CREATE FUNCTION agent_studio_private.overridden(original jsonb, overrides jsonb, merged text) RETURNS jsonb
LANGUAGE sql IMMUTABLE
RETURN original || overrides || CASE WHEN jsonb_typeof(overrides -> merged) = 'object'
	THEN jsonb_build_object(merged, agent_studio_private.merged_members(original -> merged, overrides -> merged)) ELSE '{}' END;
COMMENT ON FUNCTION agent_studio_private.overridden(jsonb, jsonb, text) IS
'Arguments of a call with others in their place; one of them, an object, is merged member by member.';

CREATE FUNCTION agent_studio_private.most_iterations(plan jsonb) RETURNS integer
LANGUAGE sql IMMUTABLE
RETURN coalesce((plan #>> '{steps,0,criteria,max_iterations}')::integer, (plan #>> '{steps,1,rules,0,max_iterations}')::integer, 1);
COMMENT ON FUNCTION agent_studio_private.most_iterations(jsonb) IS
'The max_iterations from which task_plan wrote a plan; 1 for NULL, a task that runs once.';

CREATE FUNCTION agent_studio_private.clone_task(actor text, source agent_studio.executions, overrides jsonb) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	-- Not among the others: the order of its members counts, and jsonb keeps none.
	used_schema json := CASE WHEN overrides ? 'json_schema' THEN nullif(overrides -> 'json_schema', 'null')::text::json ELSE source.json_schema END;
	a record;
BEGIN
	PERFORM agent_studio_private.check_overrides(overrides, 'as_execute_task');
	SELECT * INTO a FROM jsonb_to_record(agent_studio_private.overridden(
		jsonb_build_object('agent', source.agent, 'task', source.task, 'context', source.context, 'priority', source.priority,
			'max_iterations', agent_studio_private.most_iterations(source.plan), 'validation_criteria', source.validation_criteria,
			'timeout_seconds', source.timeout_seconds, 'max_retries', source.max_retries, 'verbose', source.is_verbose,
			-- A schema that is new says by itself what the format is.
			'output_format', CASE WHEN NOT overrides ? 'json_schema' OR used_schema IS NULL THEN source.output_format END),
		overrides, 'context'))
		AS r (agent text, task text, context jsonb, priority text, max_iterations integer, iteration_strategy text,
			validation_criteria jsonb, timeout_seconds integer, output_format text, idempotency_key text,
			max_retries integer, "verbose" boolean);
	RETURN agent_studio_private.as_execute_task(actor, a.agent, a.task, a.context, a.priority, a.max_iterations,
		a.iteration_strategy, a.validation_criteria, a.timeout_seconds, a.output_format, used_schema,
		a.idempotency_key, a.max_retries, a."verbose");
END
$$;
COMMENT ON FUNCTION agent_studio_private.clone_task(text, agent_studio.executions, jsonb) IS
'Submits a task again, with overrides, as the actor; raises what as_execute_task does, and 22023.';

CREATE FUNCTION agent_studio_private.clone_workflow_run(actor text, source agent_studio.executions, overrides jsonb) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	a record;
BEGIN
	PERFORM agent_studio_private.check_overrides(overrides, 'as_run_workflow');
	IF source.is_test THEN
		RAISE EXCEPTION 'execution % is a test of a workflow, and cannot be cloned', source.execution_id
			USING ERRCODE = 'object_not_in_prerequisite_state',
				  DETAIL = 'A clone would be a run like any other, with its notifications and success actions.',
				  HINT = format('agent_studio.as_test_workflow(%L, ...) tests it again; as_run_workflow runs it.', source.workflow);
	END IF;
	SELECT * INTO a FROM jsonb_to_record(agent_studio_private.overridden(
		jsonb_build_object('workflow', source.workflow, 'inputs', source.inputs, 'priority', source.priority,
			'pause_before_each_step', source.pause_before_each_step, 'continue_on_warnings', source.continue_on_warnings,
			'verbose', source.is_verbose, 'notify', source.notify),
		overrides, 'inputs'))
		AS r (workflow text, inputs jsonb, priority text, pause_before_each_step boolean, continue_on_warnings boolean,
			"verbose" boolean, notify jsonb, version text, idempotency_key text);
	RETURN agent_studio_private.as_run_workflow(actor, a.workflow, a.inputs, a.priority, a.pause_before_each_step,
		a.continue_on_warnings, a."verbose", a.notify, a.version, a.idempotency_key);
END
$$;
COMMENT ON FUNCTION agent_studio_private.clone_workflow_run(text, agent_studio.executions, jsonb) IS
'Runs a workflow again, with overrides, as the actor; raises what as_run_workflow does, 22023, and 55000 for a test.';

CREATE FUNCTION agent_studio_private.as_clone(actor text, execution bigint, overrides jsonb) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	-- Who is asked to approve a step may know of the execution, but not read it.
	source agent_studio.executions := agent_studio_private.known_execution(actor, execution, false);
BEGIN
	overrides := coalesce(overrides, '{}');
	RETURN CASE source.kind WHEN 'task' THEN agent_studio_private.clone_task(actor, source, overrides)
		ELSE agent_studio_private.clone_workflow_run(actor, source, overrides) END;
END
$$;

CREATE FUNCTION agent_studio.as_clone(execution bigint, overrides jsonb DEFAULT '{}') RETURNS bigint
AS 'MODULE_PATHNAME', 'agent_studio_gate' LANGUAGE C;
COMMENT ON FUNCTION agent_studio.as_clone(bigint, jsonb) IS
'Submits the same work again and returns the new execution''s id: a task with its agent, task, context, priority, timeout, retries, format, schema, criteria and iterations; a workflow (its current version) with its inputs and options. Whoever may see an execution may clone it; the new one is the caller''s, and needs the caller''s right to the agents and their servers. overrides: members named as the arguments of as_execute_task or as_run_workflow, for example {"priority": "high", "version": "1.0.0"}. Those of context and inputs are merged member by member; a member that is null is taken out. Any other that is null counts as a NULL argument. An idempotency_key is not taken along. Raises 42704, 22023 unknown or bad override, 55000 a test of a workflow, and what as_execute_task or as_run_workflow raises.';
