-- Workflows: made, drafted step by step, checked and published, changed, copied, dropped.
--
-- A workflow has versions, which never change, and at most one draft. A draft may
-- hold anything; publishing checks it as a whole and makes the next version of
-- it. What a definition may hold is said in doc/workflows.md.

CREATE FUNCTION agent_studio_private.patterns() RETURNS text[]
LANGUAGE sql IMMUTABLE
RETURN ARRAY['sequential', 'parallel', 'iterative', 'dynamic'];
COMMENT ON FUNCTION agent_studio_private.patterns() IS 'The patterns that a workflow can have.';

CREATE FUNCTION agent_studio_private.sees_workflow(actor text, target agent_studio.workflows) RETURNS boolean
LANGUAGE sql STABLE
RETURN target.visibility = 'shared' OR agent_studio_private.has_role(actor, target.owner)
	OR agent_studio_private.has_role(actor, target.team)
	OR agent_studio_private.has_grant(actor, 'workflow', target.workflow_id, 'execute', 'modify', 'delete');
COMMENT ON FUNCTION agent_studio_private.sees_workflow(text, agent_studio.workflows) IS
'Whether the actor may see the workflow: its owner, its team, who was granted something on it, everybody where it is shared.';

CREATE FUNCTION agent_studio_private.starts_workflow(actor text, target agent_studio.workflows) RETURNS boolean
LANGUAGE sql STABLE
RETURN target.visibility = 'shared' OR agent_studio_private.has_role(actor, target.owner)
	OR agent_studio_private.has_role(actor, target.team) OR agent_studio_private.has_role(actor, 'agent_studio_admin')
	OR agent_studio_private.has_grant(actor, 'workflow', target.workflow_id, 'execute', 'modify');
COMMENT ON FUNCTION agent_studio_private.starts_workflow(text, agent_studio.workflows) IS
'Whether the actor may start the workflow: who sees it, but for those who may only drop it, and admins.';

CREATE FUNCTION agent_studio_private.find_workflow(actor text, workflow text) RETURNS agent_studio.workflows
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	target agent_studio.workflows;
	near text;
BEGIN
	SELECT * INTO target FROM agent_studio.workflows w WHERE w.name = workflow;
	IF FOUND AND (agent_studio_private.sees_workflow(actor, target)
				  OR agent_studio_private.has_role(actor, 'agent_studio_monitor')) THEN
		RETURN target;
	END IF;
	-- Names end in pattern and environment, which are easily left out.
	SELECT coalesce(agent_studio_private.suggest(workflow, array_agg(w.name)),
					min(w.name) FILTER (WHERE length(workflow) > 2 AND starts_with(w.name, workflow))) INTO near
	FROM agent_studio.workflows w WHERE agent_studio_private.sees_workflow(actor, w);
	RAISE EXCEPTION 'workflow "%" does not exist', coalesce(workflow, 'NULL')
		USING ERRCODE = 'undefined_object',
			  HINT = CASE WHEN near IS NOT NULL THEN format('Perhaps you meant "%s".', near)
				ELSE 'SELECT name, pattern, description FROM agent_studio.workflows shows those that you may use.' END;
END
$$;
COMMENT ON FUNCTION agent_studio_private.find_workflow(text, text) IS
'The workflow of that name, if the actor may see it; raises 42704, the same for one that does not exist and one that may not be seen.';

CREATE FUNCTION agent_studio_private.changeable_workflow(actor text, workflow text, privilege text DEFAULT 'modify') RETURNS agent_studio.workflows
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	target agent_studio.workflows := agent_studio_private.find_workflow(actor, workflow);
BEGIN
	IF NOT agent_studio_private.has_role(actor, target.owner)
	   AND NOT agent_studio_private.has_role(actor, 'agent_studio_admin')
	   AND NOT agent_studio_private.has_grant(actor, 'workflow', target.workflow_id, privilege) THEN
		RAISE EXCEPTION 'role "%" may not % workflow "%"', actor, CASE privilege WHEN 'modify' THEN 'change' ELSE 'drop' END, workflow
			USING ERRCODE = 'insufficient_privilege',
				  HINT = format('Its owner is "%s"; members of agent_studio_admin may too. as_clone_workflow makes one of your own.', target.owner);
	END IF;
	-- Two at once would otherwise take the same label, or lose each other's steps. Who
	-- starts it meanwhile (FOR KEY SHARE) does not wait for this.
	PERFORM FROM agent_studio.workflows w WHERE w.workflow_id = target.workflow_id FOR NO KEY UPDATE;
	IF NOT FOUND THEN		-- dropped while this waited
		PERFORM agent_studio_private.find_workflow(actor, workflow);
	END IF;
	SELECT * INTO target FROM agent_studio.workflows w WHERE w.workflow_id = target.workflow_id;
	RETURN target;
END
$$;
COMMENT ON FUNCTION agent_studio_private.changeable_workflow(text, text, text) IS
'The workflow of that name, locked, if the actor may change it, or with privilege delete drop it; raises 42704 or 42501.';

CREATE FUNCTION agent_studio_private.find_version(workflow agent_studio.workflows, version text) RETURNS agent_studio.workflow_versions
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	target agent_studio.workflow_versions;
	labels text;
BEGIN
	SELECT * INTO target FROM agent_studio.workflow_versions v
	WHERE v.workflow_id = find_version.workflow.workflow_id
	  AND v.version = coalesce(find_version.version, find_version.workflow.current_version);
	IF NOT FOUND THEN
		SELECT string_agg(newest.version, ', ') INTO labels
		FROM (SELECT v.version FROM agent_studio.workflow_versions v
			  WHERE v.workflow_id = find_version.workflow.workflow_id
			  ORDER BY v.workflow_version_id DESC LIMIT 10) newest;
		RAISE EXCEPTION 'workflow "%" has no version%', find_version.workflow.name, coalesce(' ' || find_version.version, '')
			USING ERRCODE = 'undefined_object',
				  HINT = coalesce('Its newest versions: ' || labels || '.',
						'It is a draft: agent_studio.as_publish_workflow(workflow) makes a version of it.');
	END IF;
	RETURN target;
END
$$;
COMMENT ON FUNCTION agent_studio_private.find_version(agent_studio.workflows, text) IS
'A version of a workflow by its label, NULL = the current one; raises 42704.';

-- What a definition names, read without asking whether it is sound: a draft's problems
-- are to be told all at once.

CREATE FUNCTION agent_studio_private.listed_steps(definition jsonb)
RETURNS TABLE (step_no integer, name text, step jsonb)
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT s.n::int, s.step ->> 'name', s.step
	FROM pg_catalog.jsonb_array_elements(
		CASE WHEN pg_catalog.jsonb_typeof(definition -> 'steps') = 'array' THEN definition -> 'steps' ELSE '[]' END)
		WITH ORDINALITY s (step, n);
END;
COMMENT ON FUNCTION agent_studio_private.listed_steps(jsonb) IS
'The steps of a definition as they stand there, sound or not.';

CREATE FUNCTION agent_studio_private.named_agents(definition jsonb)
RETURNS TABLE (step_no integer, step text, agent text, hand_off boolean)
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT s.step_no, s.name, a.agent #>> '{}', a.hand_off
	FROM agent_studio_private.listed_steps(definition) s
	CROSS JOIN LATERAL (
		SELECT s.step -> 'agent', false
		UNION SELECT s.step #> '{agent,default}', false
		UNION SELECT c.value, false FROM pg_catalog.jsonb_each(
			CASE WHEN pg_catalog.jsonb_typeof(s.step #> '{agent,choices}') = 'object' THEN s.step #> '{agent,choices}' ELSE '{}' END) c
		UNION SELECT s.step #> '{hand_off,agent}', true) a (agent, hand_off)
	WHERE pg_catalog.jsonb_typeof(a.agent) = 'string' AND a.agent <> '""';
END;
COMMENT ON FUNCTION agent_studio_private.named_agents(jsonb) IS
'Every agent that a definition names, by step: the one that works on it or may be chosen to, and (hand_off) the one that takes over.';

CREATE FUNCTION agent_studio_private.agent_problem(actor text, agent text,
	OUT code text, OUT problem text, OUT hint text) RETURNS record
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	target agent_studio.agents;
BEGIN
	-- The same functions as for a task, so that both refuse for the same reasons.
	target := agent_studio_private.find_agent(actor, agent);
	PERFORM agent_studio_private.usable_agent(actor, target);
	PERFORM agent_studio_private.usable_server(actor, m.server)
	FROM agent_studio.agent_versions v JOIN agent_studio.models m USING (model_id)
	WHERE v.agent_id = target.agent_id AND v.version = target.current_version;
EXCEPTION
	WHEN undefined_object OR insufficient_privilege OR object_not_in_prerequisite_state
		OR wrong_object_type OR invalid_parameter_value THEN
		GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, problem = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
END
$$;
COMMENT ON FUNCTION agent_studio_private.agent_problem(text, text) IS
'Why the actor could not use an agent at this moment, with the SQLSTATE and the way out; NULLs = nothing stands in the way.';

CREATE FUNCTION agent_studio_private.role_problems(definition jsonb)
RETURNS TABLE (step_no integer, step text, problem text, hint text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	SELECT s.step_no, s.name, format('approval is by role "%s", which does not exist', s.step #>> '{approval,by}'),
		   coalesce((SELECT format('Perhaps you meant "%s".', n.near)
					 FROM (SELECT agent_studio_private.suggest(s.step #>> '{approval,by}', array_agg(r.rolname::text)) AS near
						   FROM pg_roles r) n WHERE n.near IS NOT NULL),
					'Name a role, or leave "by" out: then the execution''s owner decides.')
	FROM agent_studio_private.listed_steps(definition) s
	WHERE jsonb_typeof(s.step #> '{approval,by}') = 'string'
	  AND NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = s.step #>> '{approval,by}');
END
$$;
COMMENT ON FUNCTION agent_studio_private.role_problems(jsonb) IS
'Steps that ask a role for approval which does not exist.';

CREATE FUNCTION agent_studio_private.workflow_problems(actor text, definition jsonb)
RETURNS TABLE (step text, problem text, hint text)
LANGUAGE sql STABLE
BEGIN ATOMIC
	-- In the order of the steps; what concerns the whole comes first.
	SELECT p.step, p.problem, p.hint
	FROM (
		SELECT pg_catalog.row_number() OVER () AS place, d.step, d.problem, d.hint
		FROM agent_studio_private.definition_problems(definition) d
		UNION ALL
		SELECT DISTINCT 100000 + n.step_no, n.step, a.problem, a.hint
		FROM agent_studio_private.named_agents(definition) n
		JOIN (SELECT DISTINCT m.agent FROM agent_studio_private.named_agents(definition) m) used ON used.agent = n.agent
		CROSS JOIN LATERAL agent_studio_private.agent_problem(actor, used.agent) a
		WHERE a.problem IS NOT NULL
		UNION ALL
		SELECT 200000 + r.step_no, r.step, r.problem, r.hint FROM agent_studio_private.role_problems(definition) r) p
	LEFT JOIN LATERAL (SELECT pg_catalog.min(s.step_no) AS step_no
					   FROM agent_studio_private.listed_steps(definition) s WHERE s.name = p.step) s ON true
	ORDER BY s.step_no NULLS FIRST, p.place, p.problem;
END;
COMMENT ON FUNCTION agent_studio_private.workflow_problems(text, jsonb) IS
'Everything that stands in the way of publishing a definition: what is wrong with it, and what it names that the actor cannot use.';

CREATE FUNCTION agent_studio_private.problem_line(step text, problem text, hint text) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN concat_ws(' ', 'step "' || step || '":', rtrim(problem, '.') || '.', nullif(hint, ''));
COMMENT ON FUNCTION agent_studio_private.problem_line(text, text, text) IS
'A problem of a definition as one line: step "x": problem. hint';

-- Without jit: the planner takes a definition for a large table, and compiling would take longer than all else.
CREATE FUNCTION agent_studio_private.require_sound(actor text, workflow text, definition jsonb) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
DECLARE
	lines text[];
	n integer;
BEGIN
	SELECT array_agg(agent_studio_private.problem_line(p.step, p.problem, p.hint)) INTO lines
	FROM agent_studio_private.workflow_problems(actor, definition) p;
	n := cardinality(lines);
	IF n > 0 THEN
		RAISE EXCEPTION 'workflow "%" has %', workflow, CASE n WHEN 1 THEN 'a problem' ELSE n || ' problems' END
			USING ERRCODE = 'invalid_parameter_value',
				  DETAIL = array_to_string(lines[:100], E'\n') || CASE WHEN n > 100 THEN format(E'\nand %s more', n - 100) ELSE '' END,
				  HINT = 'doc/workflows.md says what a definition may hold; agent_studio.as_test_workflow looks at a draft step by step.';
	END IF;
END
$$;
COMMENT ON FUNCTION agent_studio_private.require_sound(text, text, jsonb) IS
'Raises one 22023 that tells every problem of a definition, a line each in its detail.';

CREATE FUNCTION agent_studio_private.check_document(what text, document jsonb) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF jsonb_typeof(document) IS DISTINCT FROM 'object' THEN
		RAISE EXCEPTION '% must be a JSON object%', what, ', this is ' || coalesce('a JSON ' || jsonb_typeof(document), 'NULL')
			USING ERRCODE = 'invalid_parameter_value', HINT = 'doc/workflows.md says what it may hold.';
	END IF;
	IF octet_length(document::text) > 4194304 THEN
		RAISE EXCEPTION '% may have 4 MB', what
			USING ERRCODE = 'program_limit_exceeded', HINT = 'Give large texts as inputs when the workflow is started.';
	END IF;
END
$$;
COMMENT ON FUNCTION agent_studio_private.check_document(text, jsonb) IS
'Raises 22023 for anything but a JSON object, 54000 for one over 4 MB.';

CREATE FUNCTION agent_studio_private.check_workflow(actor text, workflow agent_studio.workflows) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM agent_studio_private.check_name('name', workflow.name);
	PERFORM agent_studio_private.one_of('pattern', workflow.pattern, agent_studio_private.patterns());
	PERFORM agent_studio_private.one_of('visibility', workflow.visibility, ARRAY['team', 'shared']);
	PERFORM agent_studio_private.one_of('environment', workflow.environment, ARRAY['development', 'staging', 'production']);
	PERFORM agent_studio_private.member_of(actor, workflow.team);
END
$$;
COMMENT ON FUNCTION agent_studio_private.check_workflow(text, agent_studio.workflows) IS
'Raises 22023, 22004, 54000 or 42501 for a workflow whose description is not sound.';

CREATE FUNCTION agent_studio_private.name_advice(name text, pattern text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF length(name) > 63
	   OR name !~ ('^[a-z0-9]+(-[a-z0-9]+)*-' || pattern || '-(dev|development|staging|prod|production|shared)$') THEN
		RAISE NOTICE 'names of workflows usually say purpose, pattern and environment'
			USING HINT = format('For example %s-%s-prod. It is advice: "%s" was taken.',
				'feature-development', pattern, name);
	END IF;
END
$$;
COMMENT ON FUNCTION agent_studio_private.name_advice(text, text) IS
'Notices a name that is not of the form purpose-pattern-environment.';

CREATE FUNCTION agent_studio_private.new_workflow(actor text, workflow agent_studio.workflows) RETURNS agent_studio.workflows
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	made agent_studio.workflows;
BEGIN
	PERFORM agent_studio_private.check_workflow(actor, workflow);
	INSERT INTO agent_studio.workflows AS w (name, pattern, title, description, team, visibility, environment, tags, draft, owner)
	VALUES (workflow.name, workflow.pattern, workflow.title, workflow.description, workflow.team, workflow.visibility,
		workflow.environment, coalesce(workflow.tags, '{}'), workflow.draft, actor)
	ON CONFLICT ON CONSTRAINT workflows_name_key DO NOTHING
	RETURNING * INTO made;
	IF made.workflow_id IS NULL THEN
		RAISE EXCEPTION 'workflow "%" exists already', workflow.name
			USING ERRCODE = 'duplicate_object', HINT = 'Change it with agent_studio.as_update_workflow, or take another name.';
	END IF;
	PERFORM agent_studio_private.name_advice(made.name, made.pattern);
	RETURN made;
END
$$;
COMMENT ON FUNCTION agent_studio_private.new_workflow(text, agent_studio.workflows) IS
'Inserts a workflow that is not published yet and belongs to the actor; raises 42710, 22023, 42501.';

CREATE FUNCTION agent_studio_private.next_version(workflow agent_studio.workflows) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT agent_studio_private.version_after(pg_catalog.array_agg(v.version))
	FROM agent_studio.workflow_versions v WHERE v.workflow_id = (next_version.workflow).workflow_id;
END;
COMMENT ON FUNCTION agent_studio_private.next_version(agent_studio.workflows) IS
'The label after the workflow''s highest: the next minor version; 1.0.0 where it has none.';

CREATE FUNCTION agent_studio_private.publish(actor text, workflow agent_studio.workflows, definition jsonb, label text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	label := coalesce(label, agent_studio_private.next_version(workflow));
	PERFORM agent_studio_private.version_label(label);
	-- Held until the commit, so that as_drop_agent sees the version.
	PERFORM FROM agent_studio.agents a
	WHERE a.name IN (SELECT n.agent FROM agent_studio_private.named_agents(definition) n) FOR KEY SHARE;
	PERFORM agent_studio_private.require_sound(actor, workflow.name, definition);
	INSERT INTO agent_studio.workflow_versions (workflow_id, version, definition, created_by)
	VALUES (workflow.workflow_id, label, definition, actor)
	ON CONFLICT ON CONSTRAINT workflow_versions_workflow_id_version_key DO NOTHING;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'workflow "%" has a version % already', workflow.name, label
			USING ERRCODE = 'duplicate_object',
				  HINT = format('Versions never change. Leave version out to get %s.', agent_studio_private.next_version(workflow));
	END IF;
	UPDATE agent_studio.workflows w
	SET current_version = label, pattern = definition ->> 'pattern', draft = NULL, changed_at = now(),
		status = CASE w.status WHEN 'draft' THEN 'active' ELSE w.status END
	WHERE w.workflow_id = workflow.workflow_id;
	RETURN label;
END
$$;
COMMENT ON FUNCTION agent_studio_private.publish(text, agent_studio.workflows, jsonb, text) IS
'Checks a definition and makes a version of it, which becomes the current one and takes the place of a draft. Returns the label; raises 22023 with every problem, 42710.';

CREATE FUNCTION agent_studio_private.as_create_workflow(actor text,
	name text, pattern text, definition jsonb, title text, description text, environment text,
	tags text[], team text, visibility text, version text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	made agent_studio.workflows;
	whole jsonb := jsonb_build_object('steps', '[]'::jsonb) || coalesce(definition, '{}') || jsonb_build_object('pattern', pattern);
BEGIN
	PERFORM agent_studio_private.check_document('definition', coalesce(definition, '{}'));
	IF definition ->> 'pattern' <> pattern THEN
		RAISE EXCEPTION 'the pattern is "%", but the definition says "%"', pattern, definition ->> 'pattern'
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Leave "pattern" out of the definition.';
	END IF;
	made.name := name;
	made.pattern := pattern;
	made.title := title;
	made.description := description;
	made.environment := environment;
	made.tags := tags;
	made.team := team;
	made.visibility := visibility;
	made.draft := whole;
	PERFORM agent_studio_private.required('version', version);
	PERFORM agent_studio_private.version_label(version);
	IF NOT coalesce(definition, '{}') ? 'steps' AND version <> '1.0.0' THEN
		RAISE EXCEPTION 'a workflow without steps is a draft, and has no version yet'
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'Leave version out; agent_studio.as_publish_workflow(workflow, version) gives it one.';
	END IF;
	made := agent_studio_private.new_workflow(actor, made);
	IF definition ? 'steps' THEN
		PERFORM agent_studio_private.publish(actor, made, whole, version);
	END IF;
	RETURN made.workflow_id;
END
$$;

CREATE FUNCTION agent_studio.as_create_workflow(
	name text, pattern text, definition jsonb DEFAULT NULL, title text DEFAULT NULL,
	description text DEFAULT NULL, environment text DEFAULT 'development', tags text[] DEFAULT '{}',
	team text DEFAULT NULL, visibility text DEFAULT 'team', version text DEFAULT '1.0.0') RETURNS bigint
AS 'MODULE_PATHNAME', 'agent_studio_gate' LANGUAGE C;
COMMENT ON FUNCTION agent_studio.as_create_workflow(text, text, jsonb, text, text, text, text[], text, text, text) IS
'Makes a workflow of pattern sequential, parallel, iterative or dynamic. A definition with steps is checked as a whole and published as version; NULL, or a definition with inputs and settings only, begins a draft, which as_add_step fills and as_publish_workflow publishes. Returns its workflow_id. Raises 22023 with every problem of the definition in its detail, 42710 name taken, 42501.';

CREATE FUNCTION agent_studio_private.draft_of(workflow agent_studio.workflows) RETURNS jsonb
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT coalesce((workflow).draft,
		(SELECT v.definition FROM agent_studio.workflow_versions v
		 WHERE v.workflow_id = (workflow).workflow_id AND v.version = (workflow).current_version));
END;
COMMENT ON FUNCTION agent_studio_private.draft_of(agent_studio.workflows) IS
'The draft of a workflow, or the current version from which one would begin.';

CREATE FUNCTION agent_studio_private.save_draft(workflow agent_studio.workflows, draft jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM agent_studio_private.check_document('definition', save_draft.draft);
	PERFORM agent_studio_private.one_of('pattern', save_draft.draft ->> 'pattern', agent_studio_private.patterns());
	UPDATE agent_studio.workflows w
	SET draft = save_draft.draft, changed_at = now(),
		pattern = CASE WHEN w.status = 'draft' THEN save_draft.draft ->> 'pattern' ELSE w.pattern END
	WHERE w.workflow_id = workflow.workflow_id;
END
$$;
COMMENT ON FUNCTION agent_studio_private.save_draft(agent_studio.workflows, jsonb) IS
'Keeps a draft, unchecked but for its size.';

CREATE FUNCTION agent_studio_private.step_members(arguments jsonb, options jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	given jsonb := (SELECT coalesce(jsonb_object_agg(m.key, m.value), '{}') FROM jsonb_each(arguments) m WHERE m.value <> 'null');
	twice text;
BEGIN
	PERFORM agent_studio_private.check_document('options', options);
	IF given ? 'max_retries' THEN
		IF options #> '{retry,max_retries}' IS NULL AND jsonb_typeof(coalesce(options -> 'retry', '{}')) = 'object' THEN
			options := options || jsonb_build_object('retry',
				coalesce(options -> 'retry', '{}') || jsonb_build_object('max_retries', given -> 'max_retries'));
			given := given - 'max_retries';
		ELSE
			twice := 'retry';
		END IF;
	END IF;
	SELECT coalesce(min(k), twice) INTO twice FROM jsonb_object_keys(options) k WHERE given ? k;
	IF twice IS NOT NULL THEN
		RAISE EXCEPTION '"%" is given twice: in options, and as an argument', twice
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Leave it out of one of them.';
	END IF;
	RETURN options || given;
END
$$;
COMMENT ON FUNCTION agent_studio_private.step_members(jsonb, jsonb) IS
'A step from arguments (null = not given) and options; raises 22023 for what stands in both.';

CREATE FUNCTION agent_studio_private.as_add_step(actor text,
	workflow text, name text, agent text, task text, title text, after text[], inputs jsonb, outputs jsonb,
	"when" text, rules jsonb, on_failure text, max_retries integer, timeout_seconds integer,
	output_format text, final boolean, options jsonb, replace boolean) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	target agent_studio.workflows := agent_studio_private.changeable_workflow(actor, workflow);
	draft jsonb := agent_studio_private.draft_of(target);
	step jsonb;
	place integer;
BEGIN
	PERFORM agent_studio_private.check_name('name', name);
	PERFORM agent_studio_private.not_null('replace', replace IS NULL);
	step := agent_studio_private.step_members(jsonb_build_object('name', name, 'agent', agent, 'task', task,
		'title', title, 'after', after, 'inputs', inputs, 'outputs', outputs, 'when', "when", 'rules', rules,
		'on_failure', on_failure, 'max_retries', max_retries, 'timeout_seconds', timeout_seconds,
		'output_format', output_format, 'final', final), options);
	SELECT min(s.step_no) INTO place FROM agent_studio_private.listed_steps(draft) s WHERE s.name = as_add_step.name;
	IF place IS NOT NULL AND NOT replace THEN
		RAISE EXCEPTION 'workflow "%" has a step "%" already', workflow, name
			USING ERRCODE = 'duplicate_object', HINT = 'Say replace => true to put this one in its place, or take another name.';
	ELSIF place IS NULL AND replace THEN
		RAISE EXCEPTION 'workflow "%" has no step "%" to replace', workflow, name
			USING ERRCODE = 'undefined_object',
				  HINT = coalesce((SELECT format('Perhaps you meant "%s".', n.near)
								   FROM (SELECT agent_studio_private.suggest(name, array_agg(s.name)) AS near
										 FROM agent_studio_private.listed_steps(draft) s) n WHERE n.near IS NOT NULL),
								  'Leave replace out to append it.');
	END IF;
	IF place IS NULL THEN
		place := jsonb_array_length(draft -> 'steps') + 1;
		draft := jsonb_set(draft, '{steps}', draft -> 'steps' || jsonb_build_array(step));
	ELSE
		draft := jsonb_set(draft, ARRAY['steps', (place - 1)::text], step);
	END IF;
	PERFORM agent_studio_private.save_draft(target, draft);
	RETURN place;
END
$$;

CREATE FUNCTION agent_studio.as_add_step(
	workflow text, name text, agent text DEFAULT NULL, task text DEFAULT NULL, title text DEFAULT NULL,
	after text[] DEFAULT NULL, inputs jsonb DEFAULT NULL, outputs jsonb DEFAULT NULL,
	"when" text DEFAULT NULL, rules jsonb DEFAULT NULL, on_failure text DEFAULT NULL,
	max_retries integer DEFAULT NULL, timeout_seconds integer DEFAULT NULL,
	output_format text DEFAULT NULL, final boolean DEFAULT NULL,
	options jsonb DEFAULT '{}', replace boolean DEFAULT false) RETURNS integer
AS 'MODULE_PATHNAME', 'agent_studio_gate' LANGUAGE C;
COMMENT ON FUNCTION agent_studio.as_add_step(text, text, text, text, text, text[], jsonb, jsonb, text, jsonb, text, integer, integer, text, boolean, jsonb, boolean) IS
'Appends a step to a workflow''s draft, which begins from the current version where there is none, and returns the step''s number. The arguments are members of a step by the same names (max_retries is the one of retry; NULL = left out); options holds all others, for example {"type": "decision", "cases": [...], "approval": {...}}. replace: puts it in the place of the step of that name. Nothing is checked before as_publish_workflow. Raises 42704, 42501, 42710 name taken, 22023.';

CREATE FUNCTION agent_studio_private.as_drop_step(actor text, workflow text, name text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	target agent_studio.workflows := agent_studio_private.changeable_workflow(actor, workflow);
	draft jsonb := agent_studio_private.draft_of(target);
	place integer;
	near text;
BEGIN
	SELECT min(s.step_no) FILTER (WHERE s.name = as_drop_step.name),
		   agent_studio_private.suggest(as_drop_step.name, array_agg(s.name))
	INTO place, near FROM agent_studio_private.listed_steps(draft) s;
	IF place IS NULL THEN
		RAISE EXCEPTION 'workflow "%" has no step "%"', workflow, coalesce(name, 'NULL')
			USING ERRCODE = 'undefined_object',
				  HINT = coalesce('Perhaps you meant "' || near || '".', 'agent_studio.as_export_workflow(workflow) shows its steps.');
	END IF;
	PERFORM agent_studio_private.save_draft(target, draft #- ARRAY['steps', (place - 1)::text]);
END
$$;

CREATE FUNCTION agent_studio.as_drop_step(workflow text, name text) RETURNS void
AS 'MODULE_PATHNAME', 'agent_studio_gate' LANGUAGE C;
COMMENT ON FUNCTION agent_studio.as_drop_step(text, text) IS
'Takes a step out of a workflow''s draft, which begins from the current version where there is none. Published versions keep theirs. Raises 42704, 42501.';

CREATE FUNCTION agent_studio_private.as_publish_workflow(actor text, workflow text, version text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	target agent_studio.workflows := agent_studio_private.changeable_workflow(actor, workflow);
BEGIN
	IF target.draft IS NULL THEN
		RAISE EXCEPTION 'workflow "%" has no draft to publish', workflow
			USING ERRCODE = 'object_not_in_prerequisite_state',
				  DETAIL = format('Its current version is %s.', target.current_version),
				  HINT = 'agent_studio.as_add_step begins a draft from it; agent_studio.as_update_workflow(workflow, definition) publishes a definition at once.';
	END IF;
	RETURN agent_studio_private.publish(actor, target, target.draft, version);
END
$$;

CREATE FUNCTION agent_studio.as_publish_workflow(workflow text, version text DEFAULT NULL) RETURNS text
AS 'MODULE_PATHNAME', 'agent_studio_gate' LANGUAGE C;
COMMENT ON FUNCTION agent_studio.as_publish_workflow(text, text) IS
'Checks a workflow''s draft as a whole and makes a version of it (NULL = the next minor one, 1.0.0 at first), which new executions keep from now on. Returns its label. Raises 22023 with every problem, a line each in its detail: step, what is wrong, and the way out; 55000 no draft, 42704, 42501, 42710 version exists.';

CREATE FUNCTION agent_studio_private.as_update_workflow(actor text,
	workflow text, definition jsonb, title text, description text, environment text, tags text[],
	team text, visibility text, version text, unset text[]) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	target agent_studio.workflows := agent_studio_private.changeable_workflow(actor, workflow);
	changed agent_studio.workflows := target;
	word text;
BEGIN
	PERFORM agent_studio_private.not_null('unset', unset IS NULL);
	FOREACH word IN ARRAY unset LOOP
		PERFORM agent_studio_private.one_of('unset', word, ARRAY['title', 'description', 'team']);
	END LOOP;
	changed.title := CASE WHEN 'title' <> ALL (unset) THEN coalesce(title, target.title) END;
	changed.description := CASE WHEN 'description' <> ALL (unset) THEN coalesce(description, target.description) END;
	changed.environment := coalesce(environment, target.environment);
	changed.tags := coalesce(tags, target.tags);
	changed.visibility := coalesce(visibility, target.visibility);
	changed.pattern := coalesce(definition ->> 'pattern', target.pattern);
	-- An admin need not be a member of the team that it has.
	changed.team := CASE WHEN team IS DISTINCT FROM target.team THEN team END;
	PERFORM agent_studio_private.check_workflow(actor, changed);
	changed.team := CASE WHEN 'team' <> ALL (unset) THEN coalesce(team, target.team) END;
	-- Who may change it by a grant does not grant it on.
	IF (changed.team, changed.visibility) IS DISTINCT FROM (target.team, target.visibility) THEN
		PERFORM agent_studio_private.require_owner(actor, target.owner, format('change who may use workflow "%s"', workflow));
	END IF;
	UPDATE agent_studio.workflows w
	SET title = changed.title, description = changed.description, environment = changed.environment,
		tags = changed.tags, team = changed.team, visibility = changed.visibility, changed_at = now()
	WHERE w.workflow_id = target.workflow_id;

	IF definition IS NOT NULL THEN
		PERFORM agent_studio_private.check_document('definition', definition);
	END IF;
	IF definition ? 'steps' THEN
		RETURN agent_studio_private.publish(actor, target,
			jsonb_build_object('pattern', target.pattern) || definition, version);
	END IF;
	IF version IS NOT NULL THEN
		RAISE EXCEPTION 'version goes with a definition that has steps'
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'agent_studio.as_publish_workflow(workflow, version) publishes the draft.';
	END IF;
	IF definition IS NOT NULL THEN
		PERFORM agent_studio_private.save_draft(target, agent_studio_private.draft_of(target) || definition);
	END IF;
	RETURN target.current_version;
END
$$;

CREATE FUNCTION agent_studio.as_update_workflow(
	workflow text, definition jsonb DEFAULT NULL, title text DEFAULT NULL, description text DEFAULT NULL,
	environment text DEFAULT NULL, tags text[] DEFAULT NULL, team text DEFAULT NULL,
	visibility text DEFAULT NULL, version text DEFAULT NULL, unset text[] DEFAULT '{}') RETURNS text
AS 'MODULE_PATHNAME', 'agent_studio_gate' LANGUAGE C;
COMMENT ON FUNCTION agent_studio.as_update_workflow(text, jsonb, text, text, text, text[], text, text, text, text[]) IS
'Changes a workflow; NULL = unchanged, and unset names title, description or team to make NULL again. A definition with steps is checked and published as a new version (the next minor one unless version says), in place of a draft; one without steps (inputs, settings, pattern) changes the draft only. Running executions keep their version. Returns the current version''s label; NULL = never published. Raises 42704, 42501, 42710 version exists, 22023 with every problem.';

CREATE FUNCTION agent_studio_private.as_deprecate_workflow(actor text, workflow text, deprecated boolean) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	target agent_studio.workflows := agent_studio_private.changeable_workflow(actor, workflow);
BEGIN
	PERFORM agent_studio_private.not_null('deprecated', deprecated IS NULL);
	IF target.status = 'draft' THEN
		RAISE EXCEPTION 'workflow "%" was never published', workflow
			USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Drop it with agent_studio.as_drop_workflow, or publish it.';
	END IF;
	UPDATE agent_studio.workflows w
	SET status = CASE WHEN deprecated THEN 'deprecated' ELSE 'active' END, changed_at = now()
	WHERE w.workflow_id = target.workflow_id;
END
$$;

CREATE FUNCTION agent_studio.as_deprecate_workflow(workflow text, deprecated boolean DEFAULT true) RETURNS void
AS 'MODULE_PATHNAME', 'agent_studio_gate' LANGUAGE C;
COMMENT ON FUNCTION agent_studio.as_deprecate_workflow(text, boolean) IS
'Closes a workflow for new executions (false: opens it again); those under way go on. Raises 42704, 42501, 55000 never published.';

CREATE FUNCTION agent_studio_private.as_clone_workflow(actor text,
	workflow text, new_name text, title text, description text, environment text, tags text[],
	team text, visibility text, version text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	source agent_studio.workflows := agent_studio_private.find_workflow(actor, workflow);
	made agent_studio.workflows := source;
	definition jsonb;
BEGIN
	IF source.current_version IS NOT NULL OR version IS NOT NULL THEN
		definition := (agent_studio_private.find_version(source, version)).definition;
		made.pattern := definition ->> 'pattern';
	END IF;
	made.name := new_name;
	made.title := coalesce(title, source.title);
	made.description := coalesce(description, source.description);
	made.environment := coalesce(environment, source.environment);
	made.tags := coalesce(tags, source.tags);
	made.visibility := coalesce(visibility, source.visibility);
	made.team := coalesce(team, CASE WHEN agent_studio_private.has_role(actor, source.team) THEN source.team END);
	PERFORM agent_studio_private.check_name('new_name', new_name);
	made := agent_studio_private.new_workflow(actor, made);
	IF definition IS NOT NULL THEN
		PERFORM agent_studio_private.publish(actor, made, definition, '1.0.0');
	END IF;
	IF version IS NULL AND source.draft IS NOT NULL THEN
		PERFORM agent_studio_private.save_draft(made, source.draft);
	END IF;
	RETURN made.workflow_id;
END
$$;

CREATE FUNCTION agent_studio.as_clone_workflow(
	workflow text, new_name text, title text DEFAULT NULL, description text DEFAULT NULL,
	environment text DEFAULT NULL, tags text[] DEFAULT NULL, team text DEFAULT NULL,
	visibility text DEFAULT NULL, version text DEFAULT NULL) RETURNS bigint
AS 'MODULE_PATHNAME', 'agent_studio_gate' LANGUAGE C;
COMMENT ON FUNCTION agent_studio.as_clone_workflow(text, text, text, text, text, text[], text, text, text) IS
'Makes a workflow of the caller''s own from one that the caller may see: its current version (or the one that version names) becomes 1.0.0, and its draft is taken along unless version names one. NULL = as the original''s; its team only where the caller is a member. Returns the new workflow_id. Raises 42704, 42710 name taken, 42501, 22023 with every problem, for example agents that the caller may not use.';

CREATE FUNCTION agent_studio_private.as_drop_workflow(actor text, workflow text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	target agent_studio.workflows := agent_studio_private.changeable_workflow(actor, workflow, 'delete');
BEGIN
	IF target.status <> 'draft' AND NOT agent_studio_private.has_role(actor, 'agent_studio_admin')
	   AND NOT agent_studio_private.has_grant(actor, 'workflow', target.workflow_id, 'delete') THEN
		RAISE EXCEPTION 'role "%" may not drop workflow "%": it was published', actor, workflow
			USING ERRCODE = 'insufficient_privilege',
				  HINT = 'agent_studio.as_deprecate_workflow closes it; members of agent_studio_admin may drop what never ran.';
	END IF;
	-- The lock makes who is starting it wait, and then fail to find it.
	PERFORM FROM agent_studio.workflows w WHERE w.workflow_id = target.workflow_id FOR UPDATE;
	-- Tests of a draft that are at rest need nothing of it: they have a plan of their own.
	IF EXISTS (SELECT FROM agent_studio.executions e WHERE e.workflow = target.name
			   AND (NOT e.is_test OR e.workflow_version_id IS NOT NULL OR e.finished_at IS NULL)) THEN
		RAISE EXCEPTION 'workflow "%" has executions', workflow
			USING ERRCODE = 'dependent_objects_still_exist',
				  HINT = CASE WHEN target.status = 'draft' THEN 'Tests of it are under way: agent_studio.as_cancel stops them.'
					ELSE 'Their history needs it. agent_studio.as_deprecate_workflow closes it for new ones.' END;
	END IF;
	DELETE FROM agent_studio.grants g WHERE g.kind = 'workflow' AND g.object_id = target.workflow_id;
	DELETE FROM agent_studio.workflow_versions v WHERE v.workflow_id = target.workflow_id;
	DELETE FROM agent_studio.workflows w WHERE w.workflow_id = target.workflow_id;
END
$$;

CREATE FUNCTION agent_studio.as_drop_workflow(workflow text) RETURNS void
AS 'MODULE_PATHNAME', 'agent_studio_gate' LANGUAGE C;
COMMENT ON FUNCTION agent_studio.as_drop_workflow(text) IS
'Drops a workflow that never ran: its owner one that was never published, a member of agent_studio_admin, and who was granted delete, any. Raises 42704, 42501, 2BP01 when it has executions.';

CREATE FUNCTION agent_studio.as_export_workflow(workflow text, version text DEFAULT NULL) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	source agent_studio.workflows := agent_studio_private.find_workflow(current_user::text, workflow);
	published agent_studio.workflow_versions;
BEGIN
	IF source.current_version IS NOT NULL OR version IS NOT NULL THEN
		published := agent_studio_private.find_version(source, version);
	END IF;
	RETURN (SELECT jsonb_object_agg(m.key, m.value)
			FROM jsonb_each(jsonb_build_object('agent_studio_workflow', 1, 'name', source.name,
				'pattern', coalesce(published.definition ->> 'pattern', source.pattern),
				'title', source.title, 'description', source.description, 'environment', source.environment,
				'tags', source.tags, 'team', source.team, 'visibility', source.visibility,
				'deprecated', source.status = 'deprecated', 'version', published.version,
				'definition', published.definition,
				'draft', CASE WHEN version IS NULL THEN source.draft END)) m
			WHERE m.value <> 'null');
END
$$;
COMMENT ON FUNCTION agent_studio.as_export_workflow(text, text) IS
'A workflow as one JSON document, which as_import_workflow takes: its description, the version (NULL = the current one) with its definition, and, where no version is named, its draft. Raises 42704.';

CREATE FUNCTION agent_studio_private.check_import(document jsonb) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	member text;
	given text;
	wanted text;
BEGIN
	PERFORM agent_studio_private.check_document('document',
		CASE jsonb_typeof(document) WHEN 'object' THEN document - '{definition,draft}'::text[] ELSE document END);
	IF document -> 'agent_studio_workflow' IS DISTINCT FROM '1' THEN
		RAISE EXCEPTION 'this is not a workflow that this version can import'
			USING ERRCODE = 'invalid_parameter_value',
				  DETAIL = format('Its member "agent_studio_workflow" is %s, it must be 1.', coalesce(document ->> 'agent_studio_workflow', 'missing')),
				  HINT = 'agent_studio.as_export_workflow makes such documents; a bare definition goes to agent_studio.as_create_workflow.';
	END IF;
	FOR member, given IN SELECT m.key, jsonb_typeof(m.value) FROM jsonb_each(document) m ORDER BY m.key LOOP
		PERFORM agent_studio_private.one_of('member', member, ARRAY['agent_studio_workflow', 'name', 'pattern', 'title',
			'description', 'environment', 'tags', 'team', 'visibility', 'deprecated', 'version', 'definition', 'draft']);
		wanted := CASE WHEN member IN ('definition', 'draft') THEN 'object' WHEN member = 'tags' THEN 'array'
			WHEN member = 'deprecated' THEN 'boolean' WHEN member = 'agent_studio_workflow' THEN 'number' ELSE 'string' END;
		IF given <> wanted THEN
			RAISE EXCEPTION 'member "%" must be a JSON %, this is a JSON %', member, wanted, given
				USING ERRCODE = 'invalid_parameter_value';
		END IF;
	END LOOP;
	IF NOT document ? 'definition' AND NOT document ? 'draft' THEN
		RAISE EXCEPTION 'the document holds neither a definition nor a draft' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF document ? 'draft' AND jsonb_typeof(document #> '{draft,steps}') IS DISTINCT FROM 'array' THEN
		RAISE EXCEPTION 'the draft has no array "steps"' USING ERRCODE = 'invalid_parameter_value';
	END IF;
END
$$;
COMMENT ON FUNCTION agent_studio_private.check_import(jsonb) IS
'Raises 22023 for a document that as_export_workflow could not have made.';

CREATE FUNCTION agent_studio_private.as_import_workflow(actor text, document jsonb, name text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	made agent_studio.workflows;
BEGIN
	PERFORM agent_studio_private.check_import(document);
	made.name := coalesce(name, document ->> 'name');
	made.pattern := document ->> 'pattern';
	made.title := document ->> 'title';
	made.description := document ->> 'description';
	made.environment := coalesce(document ->> 'environment', 'development');
	made.visibility := coalesce(document ->> 'visibility', 'team');
	made.tags := ARRAY(SELECT t FROM jsonb_array_elements_text(document -> 'tags') t);
	made.draft := jsonb_build_object('pattern', made.pattern) || coalesce(document -> 'draft', '{}');
	IF agent_studio_private.has_role(actor, document ->> 'team') THEN
		made.team := document ->> 'team';
	ELSIF document ? 'team' THEN
		RAISE WARNING 'team "%" is left out: role "%" is not a member of it here', document ->> 'team', actor
			USING HINT = 'agent_studio.as_update_workflow(workflow, team => ...) gives it another.';
	END IF;
	made := agent_studio_private.new_workflow(actor, made);
	IF document ? 'definition' THEN
		PERFORM agent_studio_private.publish(actor, made,
			jsonb_build_object('pattern', made.pattern) || (document -> 'definition'), document ->> 'version');
		UPDATE agent_studio.workflows w
		SET status = CASE WHEN document -> 'deprecated' = 'true' THEN 'deprecated' ELSE w.status END
		WHERE w.workflow_id = made.workflow_id;
	END IF;
	IF document ? 'draft' THEN
		PERFORM agent_studio_private.save_draft(made, made.draft);
	END IF;
	RETURN made.workflow_id;
END
$$;

CREATE FUNCTION agent_studio.as_import_workflow(document jsonb, name text DEFAULT NULL) RETURNS bigint
AS 'MODULE_PATHNAME', 'agent_studio_gate' LANGUAGE C;
COMMENT ON FUNCTION agent_studio.as_import_workflow(jsonb, text) IS
'Makes a workflow from what as_export_workflow gave, under another name if one is given. Its definition is checked and published under its version; agents are found by their names. A team of which the caller is no member is left out, with a warning. Returns its workflow_id. Raises 22023 with every problem, 42710 name taken, 42501.';
