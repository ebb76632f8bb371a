-- Agents: as_create_agent, as_update_agent, as_deprecate_agent, as_drop_agent.

CREATE FUNCTION agent_studio_private.check_agent(actor text, agent_type text, team text,
	visibility text, environment text, temperature numeric, top_p numeric,
	max_output_tokens integer, timeout_seconds integer, model agent_studio.models) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM agent_studio_private.check_name('agent_type', agent_type);
	IF agent_type !~ '^[a-z][a-z0-9_-]*$' THEN
		RAISE EXCEPTION 'agent type "%" is not a word in lower case', agent_type
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'Use architect, builder, validator, scribe, or a word of your own: letters, digits, _ and -.';
	END IF;
	PERFORM agent_studio_private.one_of('visibility', visibility, ARRAY['team', 'shared']);
	PERFORM agent_studio_private.one_of('environment', environment, ARRAY['development', 'staging', 'production']);
	PERFORM agent_studio_private.in_range('temperature', temperature, 0, 2);
	IF top_p <= 0 OR top_p > 1 THEN
		RAISE EXCEPTION 'top_p is %, it must be over 0 and at most 1', top_p
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	PERFORM agent_studio_private.in_range('timeout_seconds', timeout_seconds, 1, 86400);
	PERFORM agent_studio_private.in_range('max_output_tokens', max_output_tokens, 1, 100000000);
	IF max_output_tokens > model.max_output_tokens THEN
		RAISE EXCEPTION 'max_output_tokens is %, model "%" gives at most %', max_output_tokens, model.name, model.max_output_tokens
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	PERFORM agent_studio_private.member_of(actor, team);
END
$$;
COMMENT ON FUNCTION agent_studio_private.check_agent(text, text, text, text, text, numeric, numeric, integer, integer, agent_studio.models) IS
'Raises 22023 or 42501 for a definition that is not sound.';

CREATE FUNCTION agent_studio_private.fallback_ids(actor text, names text[], own agent_studio.models) RETURNS bigint[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	ids bigint[] := '{}';
	word text;
	fallback agent_studio.models;
BEGIN
	IF names IS NULL THEN
		RETURN NULL;
	END IF;
	FOREACH word IN ARRAY names LOOP
		fallback := agent_studio_private.find_model(word);
		PERFORM agent_studio_private.usable_server(actor, fallback.server);
		IF fallback.model_id = own.model_id OR fallback.model_id = ANY (ids) THEN
			RAISE EXCEPTION 'fallback model "%" is named twice, or is the agent''s own model', word
				USING ERRCODE = 'invalid_parameter_value', HINT = 'Name each model once, in the order in which to try them.';
		END IF;
		ids := ids || fallback.model_id;
	END LOOP;
	RETURN ids;
END
$$;
COMMENT ON FUNCTION agent_studio_private.fallback_ids(text, text[], agent_studio.models) IS
'The ids of fallback models by their names, NULL for NULL; raises 42704, 42501, 22023.';

CREATE FUNCTION agent_studio_private.sees_agent(actor text, target agent_studio.agents) RETURNS boolean
LANGUAGE sql STABLE
RETURN target.visibility = 'shared' OR agent_studio_private.has_role(actor, target.owner)
	OR agent_studio_private.has_role(actor, target.team)
	OR agent_studio_private.has_grant(actor, 'agent', target.agent_id, 'execute', 'modify', 'delete');
COMMENT ON FUNCTION agent_studio_private.sees_agent(text, agent_studio.agents) IS
'Whether the actor may see the agent: its owner, its team, who was granted something on it, everybody where it is shared.';

CREATE FUNCTION agent_studio_private.check_phases(phases text[]) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM agent_studio_private.in_range('the number of phases', cardinality(phases), 1, 12);
	PERFORM agent_studio_private.check_name('a phase', p) FROM unnest(phases) p;
	IF (SELECT count(DISTINCT lower(p)) FROM unnest(phases) p) < cardinality(phases) THEN
		RAISE EXCEPTION 'a phase is named twice'
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Name each phase once, in the order in which they come.';
	END IF;
END
$$;
COMMENT ON FUNCTION agent_studio_private.check_phases(text[]) IS
'Raises 22023 or 54000 for phases that could not be shown; NULL passes.';

CREATE FUNCTION agent_studio_private.find_agent(actor text, agent text) RETURNS agent_studio.agents
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	target agent_studio.agents;
	near text;
BEGIN
	SELECT * INTO target FROM agent_studio.agents a WHERE a.name = agent;
	IF FOUND AND (agent_studio_private.sees_agent(actor, target)
				  OR agent_studio_private.has_role(actor, 'agent_studio_monitor')) THEN
		RETURN target;
	END IF;
	SELECT agent_studio_private.suggest(agent, array_agg(a.name)) INTO near
	FROM agent_studio.agents a
	WHERE agent_studio_private.sees_agent(actor, a);
	RAISE EXCEPTION 'agent "%" does not exist', coalesce(agent, 'NULL')
		USING ERRCODE = 'undefined_object',
			  HINT = CASE WHEN near IS NOT NULL THEN format('Perhaps you meant "%s".', near)
				ELSE 'SELECT name, agent_type, description FROM agent_studio.agents shows those that you may use.' END;
END
$$;
COMMENT ON FUNCTION agent_studio_private.find_agent(text, text) IS
'The agent of that name, if the actor may see it; raises 42704, the same for one that does not exist and one that may not be seen.';

CREATE FUNCTION agent_studio_private.changeable_agent(actor text, agent text, privilege text DEFAULT 'modify') RETURNS agent_studio.agents
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	target agent_studio.agents := agent_studio_private.find_agent(actor, agent);
BEGIN
	IF NOT agent_studio_private.has_role(actor, target.owner)
	   AND NOT agent_studio_private.has_role(actor, 'agent_studio_admin')
	   AND NOT agent_studio_private.has_grant(actor, 'agent', target.agent_id, privilege) THEN
		RAISE EXCEPTION 'role "%" may not % agent "%"', actor, CASE privilege WHEN 'modify' THEN 'change' ELSE 'drop' END, agent
			USING ERRCODE = 'insufficient_privilege',
				  HINT = format('Its owner is "%s"; members of agent_studio_admin may too.', target.owner);
	END IF;
	RETURN target;
END
$$;
COMMENT ON FUNCTION agent_studio_private.changeable_agent(text, text, text) IS
'The agent of that name, if the actor may change it, or with privilege delete drop it; raises 42704 or 42501.';

CREATE FUNCTION agent_studio_private.as_create_agent(actor text,
	name text, agent_type text, model text, system_prompt text, description text, team text,
	visibility text, environment text, temperature numeric, max_output_tokens integer,
	timeout_seconds integer, output_format text, tags text[], examples text[], top_p numeric,
	progress_lines boolean, version text, fallback_models text[], phases text[]) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	used_model agent_studio.models;
	fallbacks bigint[];
	new_id bigint;
BEGIN
	PERFORM agent_studio_private.check_name('name', name);
	PERFORM agent_studio_private.required('agent_type', agent_type);
	PERFORM agent_studio_private.required('model', model);
	PERFORM agent_studio_private.required('version', version);
	PERFORM agent_studio_private.not_null('timeout_seconds', timeout_seconds IS NULL);
	PERFORM agent_studio_private.not_null('output_format', output_format IS NULL);
	PERFORM agent_studio_private.not_null('progress_lines', progress_lines IS NULL);
	used_model := agent_studio_private.find_model(model);
	PERFORM agent_studio_private.usable_server(actor, used_model.server);
	PERFORM agent_studio_private.check_agent(actor, agent_type, team, visibility, environment,
		temperature, top_p, max_output_tokens, timeout_seconds, used_model);
	PERFORM agent_studio_private.version_label(version);
	PERFORM agent_studio_private.check_phases(phases);

	INSERT INTO agent_studio.agents AS a (name, agent_type, description, team, visibility, environment,
		tags, examples, current_version, owner)
	VALUES (name, agent_type, description, team, visibility, environment,
		coalesce(tags, '{}'), coalesce(examples, '{}'), version, actor)
	ON CONFLICT ON CONSTRAINT agents_name_key DO NOTHING
	RETURNING a.agent_id INTO new_id;
	IF new_id IS NULL THEN
		RAISE EXCEPTION 'agent "%" exists already', name
			USING ERRCODE = 'duplicate_object', HINT = 'Change it with agent_studio.as_update_agent, or take another name.';
	END IF;
	fallbacks := agent_studio_private.fallback_ids(actor, coalesce(fallback_models, '{}'), used_model);
	PERFORM agent_studio_private.keep_models(fallbacks || used_model.model_id);
	INSERT INTO agent_studio.agent_versions (agent_id, version, model_id, system_prompt, temperature, top_p,
		max_output_tokens, timeout_seconds, output_format, progress_lines, fallback_models, phases, created_by)
	VALUES (new_id, version, used_model.model_id, system_prompt, temperature, top_p,
		max_output_tokens, timeout_seconds, agent_studio_private.output_format(output_format), progress_lines,
		fallbacks, phases, actor);
	RETURN new_id;
END
$$;

CREATE FUNCTION agent_studio.as_create_agent(
	name text, agent_type text, model text, system_prompt text DEFAULT NULL,
	description text DEFAULT NULL, team text DEFAULT NULL, visibility text DEFAULT 'team',
	environment text DEFAULT 'development', temperature numeric DEFAULT NULL,
	max_output_tokens integer DEFAULT NULL, timeout_seconds integer DEFAULT 120,
	output_format text DEFAULT 'markdown', tags text[] DEFAULT '{}', examples text[] DEFAULT '{}',
	top_p numeric DEFAULT NULL, progress_lines boolean DEFAULT false,
	version text DEFAULT '1.0.0', fallback_models text[] DEFAULT '{}', phases text[] DEFAULT NULL) RETURNS bigint
AS 'MODULE_PATHNAME', 'agent_studio_gate' LANGUAGE C;
COMMENT ON FUNCTION agent_studio.as_create_agent(text, text, text, text, text, text, text, text, numeric, integer, integer, text, text[], text[], numeric, boolean, text, text[], text[]) IS
'Makes an agent: a type (architect, builder, validator, scribe, or another word), a model and a prompt. NULL for temperature, top_p and max_output_tokens = not sent. timeout_seconds bounds one attempt. progress_lines asks the model for progress lines. fallback_models are asked, in order, when the model is down or over its limit. phases is what as_progress shows of its work, 12 at most, of which the model is told with progress_lines; NULL = what is usual for its type. Returns its agent_id. Raises 42704 unknown model, 42710 name taken, 22023 bad value with the good ones, 54000 a name too long, 42501.';

CREATE FUNCTION agent_studio_private.next_version(agent agent_studio.agents) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT agent_studio_private.version_after(pg_catalog.array_agg(v.version))
	FROM agent_studio.agent_versions v WHERE v.agent_id = (next_version.agent).agent_id;
END;
COMMENT ON FUNCTION agent_studio_private.next_version(agent_studio.agents) IS
'The label after the agent''s highest: the next minor version.';

CREATE FUNCTION agent_studio_private.as_update_agent(actor text,
	name text, agent_type text, model text, system_prompt text, description text, team text,
	visibility text, environment text, temperature numeric, max_output_tokens integer,
	timeout_seconds integer, output_format text, tags text[], examples text[], top_p numeric,
	progress_lines boolean, version text, unset text[], fallback_models text[], phases text[]) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	old agent_studio.agents := agent_studio_private.changeable_agent(actor, name);
	old_version agent_studio.agent_versions;
	new_version agent_studio.agent_versions;
	used_model agent_studio.models;
	word text;
BEGIN
	-- Two updates at once would otherwise both take the next label. Tasks that are
	-- submitted meanwhile (FOR KEY SHARE) do not wait for this.
	PERFORM FROM agent_studio.agents a WHERE a.agent_id = old.agent_id FOR NO KEY UPDATE;
	IF NOT FOUND THEN		-- dropped while this waited
		PERFORM agent_studio_private.find_agent(actor, name);
	END IF;
	SELECT * INTO old FROM agent_studio.agents a WHERE a.agent_id = old.agent_id;
	SELECT * INTO old_version FROM agent_studio.agent_versions v
	WHERE v.agent_id = old.agent_id AND v.version = old.current_version;

	PERFORM agent_studio_private.not_null('unset', unset IS NULL);
	FOREACH word IN ARRAY unset LOOP
		PERFORM agent_studio_private.one_of('unset', word, ARRAY['system_prompt', 'description', 'team',
			'temperature', 'max_output_tokens', 'top_p', 'phases']);
	END LOOP;
	IF model IS NULL THEN
		SELECT * INTO used_model FROM agent_studio.models m WHERE m.model_id = old_version.model_id;
	ELSE
		used_model := agent_studio_private.find_model(model);
		PERFORM agent_studio_private.usable_server(actor, used_model.server);
	END IF;

	new_version := old_version;
	new_version.model_id := used_model.model_id;
	new_version.system_prompt := CASE WHEN 'system_prompt' <> ALL (unset) THEN coalesce(system_prompt, old_version.system_prompt) END;
	new_version.temperature := CASE WHEN 'temperature' <> ALL (unset) THEN coalesce(temperature, old_version.temperature) END;
	new_version.top_p := CASE WHEN 'top_p' <> ALL (unset) THEN coalesce(top_p, old_version.top_p) END;
	new_version.max_output_tokens := CASE WHEN 'max_output_tokens' <> ALL (unset) THEN coalesce(max_output_tokens, old_version.max_output_tokens) END;
	new_version.timeout_seconds := coalesce(timeout_seconds, old_version.timeout_seconds);
	new_version.output_format := coalesce(agent_studio_private.output_format(output_format), old_version.output_format);
	new_version.progress_lines := coalesce(progress_lines, old_version.progress_lines);
	new_version.fallback_models := coalesce(agent_studio_private.fallback_ids(actor, fallback_models, used_model), old_version.fallback_models);
	new_version.phases := CASE WHEN 'phases' <> ALL (unset) THEN coalesce(phases, old_version.phases) END;
	PERFORM agent_studio_private.check_phases(phases);
	PERFORM agent_studio_private.check_agent(actor, coalesce(agent_type, old.agent_type),
		CASE WHEN team IS DISTINCT FROM old.team THEN team END, coalesce(visibility, old.visibility),
		coalesce(environment, old.environment), new_version.temperature, new_version.top_p,
		new_version.max_output_tokens, new_version.timeout_seconds, used_model);
	-- Who may change it by a grant does not grant it on.
	IF (CASE WHEN 'team' <> ALL (unset) THEN coalesce(team, old.team) END, coalesce(visibility, old.visibility))
	   IS DISTINCT FROM (old.team, old.visibility) THEN
		PERFORM agent_studio_private.require_owner(actor, old.owner, format('change who may use agent "%s"', name));
	END IF;

	IF new_version IS DISTINCT FROM old_version OR version IS NOT NULL THEN
		new_version.version := coalesce(version, agent_studio_private.next_version(old));
		PERFORM agent_studio_private.version_label(new_version.version);
		PERFORM agent_studio_private.keep_models(new_version.fallback_models || new_version.model_id);
		INSERT INTO agent_studio.agent_versions (agent_id, version, model_id, system_prompt, temperature, top_p,
			max_output_tokens, timeout_seconds, output_format, progress_lines, fallback_models, phases, created_by)
		VALUES (old.agent_id, new_version.version, new_version.model_id, new_version.system_prompt,
			new_version.temperature, new_version.top_p, new_version.max_output_tokens,
			new_version.timeout_seconds, new_version.output_format, new_version.progress_lines,
			new_version.fallback_models, new_version.phases, actor)
		ON CONFLICT ON CONSTRAINT agent_versions_agent_id_version_key DO NOTHING;
		IF NOT FOUND THEN
			RAISE EXCEPTION 'agent "%" has a version % already', name, new_version.version
				USING ERRCODE = 'duplicate_object',
					  HINT = format('Versions never change. Leave version out to get %s.', agent_studio_private.next_version(old));
		END IF;
	END IF;

	UPDATE agent_studio.agents a SET
		agent_type = coalesce(agent_type, a.agent_type),
		description = CASE WHEN 'description' <> ALL (unset) THEN coalesce(description, a.description) END,
		team = CASE WHEN 'team' <> ALL (unset) THEN coalesce(team, a.team) END,
		visibility = coalesce(visibility, a.visibility),
		environment = coalesce(environment, a.environment),
		tags = coalesce(tags, a.tags),
		examples = coalesce(examples, a.examples),
		current_version = new_version.version,
		changed_at = now()
	WHERE a.agent_id = old.agent_id;
	RETURN new_version.version;
END
$$;

CREATE FUNCTION agent_studio.as_update_agent(
	name text, agent_type text DEFAULT NULL, model text DEFAULT NULL, system_prompt text DEFAULT NULL,
	description text DEFAULT NULL, team text DEFAULT NULL, visibility text DEFAULT NULL,
	environment text DEFAULT NULL, temperature numeric DEFAULT NULL,
	max_output_tokens integer DEFAULT NULL, timeout_seconds integer DEFAULT NULL,
	output_format text DEFAULT NULL, tags text[] DEFAULT NULL, examples text[] DEFAULT NULL,
	top_p numeric DEFAULT NULL, progress_lines boolean DEFAULT NULL,
	version text DEFAULT NULL, unset text[] DEFAULT '{}', fallback_models text[] DEFAULT NULL,
	phases text[] DEFAULT NULL) RETURNS text
AS 'MODULE_PATHNAME', 'agent_studio_gate' LANGUAGE C;
COMMENT ON FUNCTION agent_studio.as_update_agent(text, text, text, text, text, text, text, text, numeric, integer, integer, text, text[], text[], numeric, boolean, text, text[], text[], text[]) IS
'Changes an agent; NULL = unchanged, and unset names arguments to make NULL again. What decides an answer makes a new version (the next minor one unless version says); running executions keep theirs. Returns the current version''s label. Raises 42704, 42501, 42710 version exists, 22023.';

CREATE FUNCTION agent_studio_private.as_deprecate_agent(actor text, name text, deprecated boolean) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	target agent_studio.agents := agent_studio_private.changeable_agent(actor, name);
BEGIN
	PERFORM agent_studio_private.not_null('deprecated', deprecated IS NULL);
	UPDATE agent_studio.agents a
	SET status = CASE WHEN deprecated THEN 'deprecated' ELSE 'active' END, changed_at = now()
	WHERE a.agent_id = target.agent_id;
END
$$;

CREATE FUNCTION agent_studio.as_deprecate_agent(name text, deprecated boolean DEFAULT true) RETURNS void
AS 'MODULE_PATHNAME', 'agent_studio_gate' LANGUAGE C;
COMMENT ON FUNCTION agent_studio.as_deprecate_agent(text, boolean) IS
'Closes an agent for new tasks (false: opens it again). Raises 42704, 42501.';

-- By what the versions say, and by what executions have pinned that have a plan of their
-- own: every other run of a workflow keeps a version.
CREATE FUNCTION agent_studio_private.used_by_no_workflow(actor text, agent text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	users text;
BEGIN
	SELECT string_agg(DISTINCT CASE WHEN agent_studio_private.sees_workflow(actor, w) THEN format('workflow "%s"', w.name)
							   ELSE 'workflows of others' END, ', ') INTO users
	FROM agent_studio.workflows w
	WHERE EXISTS (SELECT FROM agent_studio.workflow_versions v
				  JOIN LATERAL agent_studio_private.named_agents(v.definition) n ON n.agent = used_by_no_workflow.agent
				  WHERE v.workflow_id = w.workflow_id);
	IF users IS NULL AND EXISTS (SELECT FROM agent_studio.executions e WHERE e.plan IS NOT NULL AND e.agents ? used_by_no_workflow.agent) THEN
		users := 'executions, for a part of their work';
	END IF;
	IF users IS NOT NULL THEN
		RAISE EXCEPTION 'agent "%" is used by %', agent, users
			USING ERRCODE = 'dependent_objects_still_exist',
				  HINT = 'Their history needs it. agent_studio.as_deprecate_agent closes it for new tasks.';
	END IF;
END
$$;
COMMENT ON FUNCTION agent_studio_private.used_by_no_workflow(text, text) IS
'Raises 2BP01 for an agent that a version of a workflow names, or an execution with a plan of its own has pinned.';

CREATE FUNCTION agent_studio_private.as_drop_agent(actor text, name text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	target agent_studio.agents := agent_studio_private.changeable_agent(actor, name, 'delete');
BEGIN
	-- The lock makes a task that is being submitted to it wait, and then fail to find it.
	PERFORM FROM agent_studio.agents a WHERE a.agent_id = target.agent_id FOR UPDATE;
	IF NOT FOUND THEN		-- dropped while this waited
		PERFORM agent_studio_private.find_agent(actor, name);
	END IF;
	IF EXISTS (SELECT FROM agent_studio.executions e WHERE e.agent = name) THEN
		RAISE EXCEPTION 'agent "%" has executions', name
			USING ERRCODE = 'dependent_objects_still_exist',
				  HINT = 'Their history needs it. agent_studio.as_deprecate_agent closes it for new tasks.';
	END IF;
	PERFORM agent_studio_private.used_by_no_workflow(actor, name);
	DELETE FROM agent_studio.grants g WHERE g.kind = 'agent' AND g.object_id = target.agent_id;
	DELETE FROM agent_studio.agent_versions v WHERE v.agent_id = target.agent_id;
	DELETE FROM agent_studio.agents a WHERE a.agent_id = target.agent_id;
END
$$;

CREATE FUNCTION agent_studio.as_drop_agent(name text) RETURNS void
AS 'MODULE_PATHNAME', 'agent_studio_gate' LANGUAGE C;
COMMENT ON FUNCTION agent_studio.as_drop_agent(text) IS
'Drops an agent that never ran and is in no version of a workflow. Raises 42704, 42501, 2BP01 when it has executions or workflows.';
