-- as_run_workflow: a row in the caller's transaction, the versions of agents that it
-- keeps, and its first steps in the queue.

CREATE FUNCTION agent_studio_private.startable_workflow(actor text, workflow text) RETURNS agent_studio.workflows
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	target agent_studio.workflows := agent_studio_private.find_workflow(actor, workflow);
BEGIN
	-- Held until the caller's commit, so that as_drop_workflow sees the execution.
	PERFORM FROM agent_studio.workflows w WHERE w.workflow_id = target.workflow_id FOR KEY SHARE;
	IF NOT FOUND THEN		-- dropped while this waited
		PERFORM agent_studio_private.find_workflow(actor, workflow);
	END IF;
	IF NOT agent_studio_private.starts_workflow(actor, target) THEN
		RAISE EXCEPTION 'role "%" may not start workflow "%"', actor, workflow
			USING ERRCODE = 'insufficient_privilege',
				  HINT = 'It is for the members of its team: ask its owner to share it, or for as_grant.';
	END IF;
	RETURN target;
END
$$;
COMMENT ON FUNCTION agent_studio_private.startable_workflow(text, text) IS
'The workflow of that name, if the actor has the right to start it; raises 42704, 42501.';

CREATE FUNCTION agent_studio_private.require_active(workflow agent_studio.workflows) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF workflow.status = 'draft' THEN
		RAISE EXCEPTION 'workflow "%" is a draft', workflow.name
			USING ERRCODE = 'object_not_in_prerequisite_state',
				  HINT = 'Publish it with agent_studio.as_publish_workflow, or try it with agent_studio.as_test_workflow.';
	ELSIF workflow.status = 'deprecated' THEN
		RAISE EXCEPTION 'workflow "%" is deprecated', workflow.name
			USING ERRCODE = 'object_not_in_prerequisite_state',
				  HINT = 'Choose another: SELECT name, description FROM agent_studio.workflows WHERE status = ''active''.';
	END IF;
END
$$;
COMMENT ON FUNCTION agent_studio_private.require_active(agent_studio.workflows) IS
'Raises 55000 for a workflow that was never published, or is deprecated.';

CREATE FUNCTION agent_studio_private.pin_agents(actor text, workflow text, definition jsonb) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	needed text[] := ARRAY(SELECT DISTINCT d.agent FROM agent_studio_private.definition_agents(definition) d ORDER BY 1);
	code text;
	lines text;
BEGIN
	-- Held until the caller's commit, so that as_drop_agent sees the execution.
	PERFORM FROM agent_studio.agents a WHERE a.name = ANY (needed) FOR KEY SHARE;
	SELECT min(p.code), string_agg(agent_studio_private.problem_line(NULL, p.problem, p.hint), E'\n' ORDER BY n.agent)
	INTO code, lines
	FROM unnest(needed) n (agent) CROSS JOIN LATERAL agent_studio_private.agent_problem(actor, n.agent) p
	WHERE p.problem IS NOT NULL;
	IF lines IS NOT NULL THEN
		RAISE EXCEPTION 'role "%" cannot start workflow "%": an agent that it needs cannot be used', actor, workflow
			USING ERRCODE = code, DETAIL = lines,
				  HINT = 'Whoever starts a workflow must have the right to each of its agents and their servers.';
	END IF;
	RETURN (SELECT coalesce(jsonb_object_agg(a.name, v.agent_version_id), '{}')
			FROM agent_studio.agents a
			JOIN agent_studio.agent_versions v ON v.agent_id = a.agent_id AND v.version = a.current_version
			WHERE a.name = ANY (needed));
END
$$;
COMMENT ON FUNCTION agent_studio_private.pin_agents(text, text, jsonb) IS
'The versions of all agents that a definition may need, as executions.agents holds them; raises 42704, 42501 or 55000 where the actor cannot use one.';

-- The caller has filled in what is particular to its run; the rest is the same for all.
CREATE FUNCTION agent_studio_private.start_workflow(run agent_studio.executions, definition jsonb) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	new_id bigint;
	pinned jsonb := agent_studio_private.pin_agents(run.owner, run.workflow, definition);
	filled_in jsonb := agent_studio_private.complete_inputs(definition, run.inputs);
BEGIN
	PERFORM agent_studio_private.require_budget(run.owner, run.team, NULL, run.workflow);
	INSERT INTO agent_studio.executions AS e (kind, workflow, workflow_version_id, task, priority, max_retries, inputs,
		plan, agents, pause_before_each_step, continue_on_warnings, is_test, notify, is_verbose, idempotency_key, owner, team)
	VALUES ('workflow', run.workflow, run.workflow_version_id, run.task, run.priority,
		coalesce((definition #>> '{settings,retry,max_retries}')::integer, 3), filled_in,
		run.plan, pinned, run.pause_before_each_step, run.continue_on_warnings, run.is_test,
		CASE WHEN NOT run.is_test THEN coalesce(run.notify, definition #> '{settings,notify}') END, run.is_verbose, run.idempotency_key, run.owner, run.team)
	ON CONFLICT DO NOTHING		-- the one conflict there can be: (owner, idempotency_key)
	RETURNING e.execution_id INTO new_id;
	IF new_id IS NULL THEN
		RETURN agent_studio_private.rival_execution(run.owner, run.idempotency_key);
	END IF;
	PERFORM agent_studio_private.start_execution(new_id);
	PERFORM agent_studio_private.wake();
	RETURN new_id;
END
$$;
COMMENT ON FUNCTION agent_studio_private.start_workflow(agent_studio.executions, jsonb) IS
'Inserts the run of a definition, whose agents it pins and whose inputs it completes, and queues its first steps; returns its id. Raises what pin_agents, complete_inputs and require_budget raise, 40001.';

CREATE FUNCTION agent_studio_private.check_inputs(inputs jsonb) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF jsonb_typeof(inputs) <> 'object' THEN
		RAISE EXCEPTION 'inputs must be a JSON object, this is a JSON %', jsonb_typeof(inputs)
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'For example {"feature_name": "Stripe payments"}; the definition says which there are.';
	END IF;
	IF octet_length(inputs::text) > 4194304 THEN
		RAISE EXCEPTION 'inputs may have 4 MB'
			USING ERRCODE = 'program_limit_exceeded', HINT = 'No model takes that much; give it an extract.';
	END IF;
END
$$;
COMMENT ON FUNCTION agent_studio_private.check_inputs(jsonb) IS
'Raises 22023 for inputs that are no object, 54000 for those over 4 MB; NULL passes.';

CREATE FUNCTION agent_studio_private.check_notify(notify jsonb) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF jsonb_typeof(notify) <> 'object' THEN
		RAISE EXCEPTION 'notify must be a JSON object, this is a JSON %', jsonb_typeof(notify)
			USING ERRCODE = 'invalid_parameter_value', HINT = 'For example {"email": true, "slack": "#engineering-team"}.';
	END IF;
END
$$;
COMMENT ON FUNCTION agent_studio_private.check_notify(jsonb) IS 'Raises 22023 for a notify that is no object; NULL passes.';

CREATE FUNCTION agent_studio_private.as_run_workflow(actor text,
	workflow text, inputs jsonb, priority text, pause_before_each_step boolean, continue_on_warnings boolean,
	verbose boolean, notify jsonb, version text, idempotency_key text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	run agent_studio.executions;
	target agent_studio.workflows;
	used agent_studio.workflow_versions;
	earlier bigint := agent_studio_private.earlier_execution(actor, idempotency_key);
BEGIN
	IF earlier IS NOT NULL THEN
		RETURN earlier;
	END IF;
	target := agent_studio_private.startable_workflow(actor, workflow);
	PERFORM agent_studio_private.require_active(target);
	used := agent_studio_private.find_version(target, version);
	PERFORM agent_studio_private.one_of('priority', lower(priority), ARRAY['low', 'normal', 'high', 'critical']);
	PERFORM agent_studio_private.not_null('pause_before_each_step', pause_before_each_step IS NULL);
	PERFORM agent_studio_private.not_null('continue_on_warnings', continue_on_warnings IS NULL);
	PERFORM agent_studio_private.not_null('verbose', as_run_workflow.verbose IS NULL);
	PERFORM agent_studio_private.check_inputs(inputs);
	PERFORM agent_studio_private.check_notify(notify);
	run.workflow := target.name;
	run.workflow_version_id := used.workflow_version_id;
	run.task := coalesce(nullif(target.title, ''), target.name);
	run.priority := lower(priority);
	run.inputs := coalesce(inputs, '{}');
	run.pause_before_each_step := pause_before_each_step;
	run.continue_on_warnings := continue_on_warnings;
	run.is_test := false;
	run.notify := notify;
	run.is_verbose := as_run_workflow.verbose;
	run.idempotency_key := idempotency_key;
	run.owner := actor;
	run.team := CASE WHEN agent_studio_private.has_role(actor, target.team) THEN target.team END;
	RETURN agent_studio_private.start_workflow(run, used.definition);
END
$$;

CREATE FUNCTION agent_studio.as_run_workflow(
	workflow text, inputs jsonb DEFAULT '{}', priority text DEFAULT 'normal',
	pause_before_each_step boolean DEFAULT false, continue_on_warnings boolean DEFAULT true,
	verbose boolean DEFAULT false, notify jsonb DEFAULT NULL, version text DEFAULT NULL,
	idempotency_key text DEFAULT NULL) RETURNS bigint
AS 'MODULE_PATHNAME', 'agent_studio_gate' LANGUAGE C;
COMMENT ON FUNCTION agent_studio.as_run_workflow(text, jsonb, text, boolean, boolean, boolean, jsonb, text, text) IS
'Starts a workflow with its inputs and returns the execution''s id. Its first steps are sent after COMMIT; rolled back nothing is ever sent. priority: low, normal, high, critical. pause_before_each_step: every step waits for as_approve. continue_on_warnings false: a step that completed with a warning stops it for a manual review. verbose keeps DEBUG lines. notify: who is to hear of its end (NULL = as the definition says). version NULL = the current one. The execution keeps that version and the current versions of its agents. The same idempotency_key gives the first id again. Raises 42704 unknown workflow or version, 42501 no right to it, to an agent or a server, 55000 draft or deprecated, 53400 a budget that is used up, 22023 inputs that are missing, unknown or of a wrong type.';

CREATE PROCEDURE agent_studio.as_follow_workflow(
	workflow text, inputs jsonb DEFAULT '{}', priority text DEFAULT 'normal',
	pause_before_each_step boolean DEFAULT false, continue_on_warnings boolean DEFAULT true,
	verbose boolean DEFAULT false, notify jsonb DEFAULT NULL, version text DEFAULT NULL,
	idempotency_key text DEFAULT NULL,
	INOUT execution bigint DEFAULT NULL, INOUT status text DEFAULT NULL,
	INOUT duration_seconds numeric DEFAULT NULL, INOUT input_tokens bigint DEFAULT NULL,
	INOUT output_tokens bigint DEFAULT NULL, INOUT cost_usd numeric DEFAULT NULL)
LANGUAGE plpgsql
AS $$
BEGIN
	PERFORM agent_studio_private.require_no_block('as_follow_workflow');
	execution := agent_studio.as_run_workflow(workflow, inputs => inputs, priority => priority,
		pause_before_each_step => pause_before_each_step, continue_on_warnings => continue_on_warnings,
		verbose => as_follow_workflow.verbose, notify => notify, version => version, idempotency_key => idempotency_key);
	COMMIT;
	CALL agent_studio.as_follow(execution, status, duration_seconds, input_tokens, output_tokens, cost_usd);
END
$$;
COMMENT ON PROCEDURE agent_studio.as_follow_workflow(text, jsonb, text, boolean, boolean, boolean, jsonb, text, text, bigint, text, numeric, bigint, bigint, numeric) IS
'CALL as_follow_workflow(workflow, inputs) starts a workflow as as_run_workflow does, commits, and follows it as as_follow does. Returns one row that begins with the execution''s id. Raises what both raise.';
