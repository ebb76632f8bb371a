-- as_schedule, as_unschedule, and as_run_schedule, which pg_cron calls.
--
-- pg_cron lives in one database of a cluster. Where that is another one, a schedule is
-- kept all the same, and whoever makes it is told the call to make over there.

CREATE FUNCTION agent_studio_private.cron_is_here() RETURNS boolean
LANGUAGE sql STABLE
RETURN EXISTS (SELECT FROM pg_catalog.pg_extension x WHERE x.extname = 'pg_cron')
	AND pg_catalog.current_setting('cron.database_name', true) = pg_catalog.current_database();
COMMENT ON FUNCTION agent_studio_private.cron_is_here() IS
'Whether pg_cron runs what this database has in cron.job.';

CREATE FUNCTION agent_studio_private.cron_remedy() RETURNS text
LANGUAGE sql STABLE
RETURN CASE
	WHEN pg_catalog.current_setting('cron.database_name', true) IS NULL THEN
		pg_catalog.format('Install Debian''s postgresql-%s-cron, set shared_preload_libraries = ''agent_studio,pg_cron'', cron.database_name = ''%s'' and cron.use_background_workers = on, restart the server, and CREATE EXTENSION pg_cron.',
			pg_catalog.current_setting('server_version_num')::integer / 10000, pg_catalog.current_database())
	WHEN NOT agent_studio_private.cron_is_here() AND pg_catalog.current_setting('cron.database_name', true) = pg_catalog.current_database() THEN
		'CREATE EXTENSION pg_cron;'
	END;
COMMENT ON FUNCTION agent_studio_private.cron_remedy() IS
'How to get pg_cron; NULL = it is there, or in another database.';

CREATE FUNCTION agent_studio_private.require_cron() RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF agent_studio_private.cron_remedy() IS NOT NULL THEN
		RAISE EXCEPTION 'schedules need pg_cron, which is not there'
			USING ERRCODE = 'object_not_in_prerequisite_state', HINT = agent_studio_private.cron_remedy();
	END IF;
END
$$;
COMMENT ON FUNCTION agent_studio_private.require_cron() IS
'Raises 55000, with the way out, unless pg_cron is in this database or another one.';

CREATE FUNCTION agent_studio_private.schedule_command(schedule agent_studio.schedules) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN pg_catalog.format('SELECT agent_studio.as_run_schedule(%L)', (schedule).name);
COMMENT ON FUNCTION agent_studio_private.schedule_command(agent_studio.schedules) IS 'What pg_cron runs when the time comes.';

-- The number comes first: older versions of pg_cron cut a job's name.
CREATE FUNCTION agent_studio_private.schedule_job(schedule agent_studio.schedules) RETURNS text
LANGUAGE sql STABLE
RETURN pg_catalog.format('agent_studio %s in %s', (schedule).schedule_id, pg_catalog.current_database());
COMMENT ON FUNCTION agent_studio_private.schedule_job(agent_studio.schedules) IS 'Name of a schedule''s job in pg_cron''s table.';

CREATE FUNCTION agent_studio_private.tell_other_database(said text, call text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RAISE WARNING '%', said
		USING DETAIL = format('pg_cron is in database "%s", this is "%s".', current_setting('cron.database_name', true), current_database()),
			  HINT = format('Run there, as a superuser: %s', call);
END
$$;
COMMENT ON FUNCTION agent_studio_private.tell_other_database(text, text) IS
'A warning with the call that has to be made in the database of pg_cron.';

CREATE FUNCTION agent_studio_private.add_job(schedule agent_studio.schedules) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	job text := agent_studio_private.schedule_job(schedule);
	command text := agent_studio_private.schedule_command(schedule);
BEGIN
	-- In a database that was renamed since, its job has the old name. (A copy has that name, too, but
	-- is not where pg_cron is.)
	IF agent_studio_private.cron_is_here() AND EXISTS (SELECT FROM agent_studio.schedule_jobs j WHERE j.schedule_id = schedule.schedule_id AND j.job_name <> job) THEN
		PERFORM agent_studio_private.drop_job(schedule);
	END IF;
	INSERT INTO agent_studio.schedule_jobs (schedule_id, job_name) VALUES (schedule.schedule_id, job) ON CONFLICT DO NOTHING;
	IF agent_studio_private.cron_is_here() THEN
		EXECUTE 'SELECT cron.schedule($1, $2, $3)' USING job, schedule.cron, command;
	ELSE
		PERFORM agent_studio_private.tell_other_database(format('schedule "%s" is kept, but nothing starts it yet', schedule.name),
			format('SELECT cron.schedule_in_database(%L, %L, %L, %L);', job, schedule.cron, command, current_database()));
	END IF;
EXCEPTION WHEN raise_exception OR invalid_parameter_value OR syntax_error OR internal_error THEN
	IF SQLERRM NOT LIKE '%invalid schedule%' THEN
		RAISE;
	END IF;
	RAISE EXCEPTION 'pg_cron does not take the schedule "%"', schedule.cron
		USING ERRCODE = 'invalid_parameter_value',
			  HINT = 'Minute, hour, day of the month, month, day of the week: ''0 9 * * 1-5'' is nine o''clock from Monday to Friday.';
END
$$;
COMMENT ON FUNCTION agent_studio_private.add_job(agent_studio.schedules) IS
'Makes or changes a schedule''s job in pg_cron, or warns with the call that does so from the database of pg_cron. Raises 22023 for a schedule that it does not take.';

CREATE FUNCTION agent_studio_private.drop_job(schedule agent_studio.schedules) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	job text := agent_studio_private.schedule_job(schedule);
	kept_as text;
	found boolean;
BEGIN
	DELETE FROM agent_studio.schedule_jobs j WHERE j.schedule_id = schedule.schedule_id RETURNING j.job_name INTO kept_as;
	IF agent_studio_private.cron_is_here() THEN
		EXECUTE 'SELECT count(cron.unschedule(j.jobid)) > 0 FROM cron.job j WHERE j.jobname IN ($1, $2) AND j.username = current_user' INTO found USING job, kept_as;
	ELSIF current_setting('cron.database_name', true) <> current_database() THEN
		PERFORM agent_studio_private.tell_other_database(format('schedule "%s" is gone, but pg_cron still has its job, which now does nothing', schedule.name),
			format('SELECT cron.unschedule(%L);', job));
	END IF;
END
$$;
COMMENT ON FUNCTION agent_studio_private.drop_job(agent_studio.schedules) IS
'Takes a schedule''s job from pg_cron, or warns with the call that does so from the database of pg_cron.';

CREATE FUNCTION agent_studio_private.may_change_schedule(actor text, schedule agent_studio.schedules) RETURNS boolean
LANGUAGE sql STABLE
RETURN agent_studio_private.has_role(actor, (schedule).owner) OR agent_studio_private.has_role(actor, 'agent_studio_operator');
COMMENT ON FUNCTION agent_studio_private.may_change_schedule(text, agent_studio.schedules) IS
'Whether the actor may change, run and end a schedule: its owner, and operators.';

CREATE FUNCTION agent_studio_private.find_schedule(actor text, name text) RETURNS agent_studio.schedules
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	target agent_studio.schedules;
	near text;
BEGIN
	SELECT * INTO target FROM agent_studio.schedules s WHERE s.name = find_schedule.name FOR UPDATE;
	IF FOUND AND agent_studio_private.may_change_schedule(actor, target) THEN
		RETURN target;
	ELSIF FOUND AND agent_studio_private.has_role(actor, target.team) THEN
		RAISE EXCEPTION 'role "%" may not change or run schedule "%"', actor, target.name
			USING ERRCODE = 'insufficient_privilege',
				  HINT = format('Its owner is "%s"; members of agent_studio_operator may too.', target.owner);
	END IF;
	SELECT agent_studio_private.suggest(find_schedule.name, array_agg(s.name)) INTO near
	FROM agent_studio.schedules s WHERE agent_studio_private.may_change_schedule(actor, s);
	RAISE EXCEPTION 'schedule "%" does not exist', coalesce(find_schedule.name, 'NULL')
		USING ERRCODE = 'undefined_object',
			  HINT = CASE WHEN near IS NOT NULL THEN format('Perhaps you meant "%s".', near)
				ELSE 'SELECT name, cron, workflow FROM agent_studio.schedules shows those that you may see.' END;
END
$$;
COMMENT ON FUNCTION agent_studio_private.find_schedule(text, text) IS
'The schedule of that name, locked, if the actor may change it; raises 42704, and 42501 for a member of its team.';

-- What as_run_workflow would refuse each time is refused at once.
CREATE FUNCTION agent_studio_private.check_schedule(schedule agent_studio.schedules) RETURNS agent_studio.workflows
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	target agent_studio.workflows := agent_studio_private.startable_workflow(schedule.owner, schedule.workflow);
	used agent_studio.workflow_versions;
BEGIN
	PERFORM agent_studio_private.require_active(target);
	used := agent_studio_private.find_version(target, schedule.version);
	PERFORM agent_studio_private.one_of('priority', schedule.priority, ARRAY['low', 'normal', 'high', 'critical']);
	PERFORM agent_studio_private.check_inputs(schedule.inputs);
	PERFORM agent_studio_private.check_notify(schedule.notify);
	PERFORM agent_studio_private.pin_agents(schedule.owner, schedule.workflow, used.definition);
	PERFORM agent_studio_private.complete_inputs(used.definition, schedule.inputs);
	RETURN target;
END
$$;
COMMENT ON FUNCTION agent_studio_private.check_schedule(agent_studio.schedules) IS
'The workflow of a schedule, if its owner could start it now; raises what as_run_workflow raises.';

CREATE FUNCTION agent_studio_private.as_schedule(actor text, name text, cron text, workflow text, inputs jsonb,
	priority text, version text, notify jsonb) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	wanted agent_studio.schedules;
	target agent_studio.workflows;
BEGIN
	PERFORM agent_studio_private.require_cron();
	PERFORM agent_studio_private.check_name('name', as_schedule.name);
	PERFORM agent_studio_private.required('cron', as_schedule.cron);
	wanted.name := as_schedule.name;
	wanted.cron := as_schedule.cron;
	wanted.workflow := as_schedule.workflow;
	wanted.inputs := coalesce(as_schedule.inputs, '{}');
	wanted.priority := lower(as_schedule.priority);
	wanted.version := as_schedule.version;
	wanted.notify := as_schedule.notify;
	wanted.owner := actor;
	target := agent_studio_private.check_schedule(wanted);
	wanted.team := CASE WHEN agent_studio_private.has_role(actor, target.team) THEN target.team END;
	INSERT INTO agent_studio.schedules AS s (name, cron, workflow, inputs, priority, version, notify, owner, team)
	VALUES (wanted.name, wanted.cron, target.name, wanted.inputs, wanted.priority, wanted.version, wanted.notify, wanted.owner, wanted.team)
	ON CONFLICT (name) DO UPDATE SET cron = excluded.cron, workflow = excluded.workflow, inputs = excluded.inputs,
		priority = excluded.priority, version = excluded.version, notify = excluded.notify, owner = excluded.owner,
		team = excluded.team, created_at = excluded.created_at, last_error = NULL
	WHERE agent_studio_private.may_change_schedule(actor, s)
	RETURNING s.* INTO wanted;
	IF wanted.schedule_id IS NULL THEN
		RAISE EXCEPTION 'schedule "%" exists already', as_schedule.name
			USING ERRCODE = 'duplicate_object', HINT = 'It is somebody else''s: take another name.';
	END IF;
	PERFORM agent_studio_private.add_job(wanted);
	RETURN wanted.schedule_id;
END
$$;

CREATE FUNCTION agent_studio.as_schedule(name text, cron text, workflow text, inputs jsonb DEFAULT '{}',
	priority text DEFAULT 'normal', version text DEFAULT NULL, notify jsonb DEFAULT NULL) RETURNS bigint
AS 'MODULE_PATHNAME', 'agent_studio_gate' LANGUAGE C;
COMMENT ON FUNCTION agent_studio.as_schedule(text, text, text, jsonb, text, text, jsonb) IS
'Starts a workflow again and again, with the caller''s rights: as_schedule(''nightly review'', ''0 3 * * *'', ''code-review-sequential-prod'', ''{"branch": "main"}''). Returns the schedule''s id. A schedule of that name is changed. cron is what pg_cron takes. version NULL = the one that is current when the time comes. Each run is an execution like any other; what prevents one is in schedules.last_error. Where pg_cron is in another database, a warning gives the call to make there. Raises 55000 no pg_cron (with how to get it), 22023 a bad cron or bad inputs, 42710 another''s schedule of that name, and whatever as_run_workflow would raise now.';

CREATE FUNCTION agent_studio_private.as_unschedule(actor text, name text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	target agent_studio.schedules := agent_studio_private.find_schedule(actor, name);
BEGIN
	PERFORM agent_studio_private.drop_job(target);
	DELETE FROM agent_studio.schedules s WHERE s.schedule_id = target.schedule_id;
END
$$;

CREATE FUNCTION agent_studio.as_unschedule(name text) RETURNS void
AS 'MODULE_PATHNAME', 'agent_studio_gate' LANGUAGE C;
COMMENT ON FUNCTION agent_studio.as_unschedule(text) IS
'Ends a schedule; executions that it has started go on. Raises 42704 unknown schedule, 42501 another''s.';

CREATE FUNCTION agent_studio_private.runs_here(schedule bigint) RETURNS boolean
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT EXISTS (SELECT FROM agent_studio.schedule_jobs j WHERE j.schedule_id = schedule);
END;
COMMENT ON FUNCTION agent_studio_private.runs_here(bigint) IS
'Whether a schedule is to run in this very database, and not only in that from which it was restored.';

CREATE FUNCTION agent_studio_private.schedule_problem(schedule agent_studio.schedules) RETURNS text
LANGUAGE sql STABLE
RETURN CASE
	WHEN NOT agent_studio_private.runs_here((schedule).schedule_id)
		THEN 'it was restored from a dump: SELECT agent_studio.as_release_restored() lets it run here'
	WHEN NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = (schedule).owner)
		THEN pg_catalog.format('its owner, role "%s", does not exist', (schedule).owner)
	WHEN NOT agent_studio_private.has_role((schedule).owner, 'agent_studio_user')
		THEN pg_catalog.format('its owner, role "%s", is no member of agent_studio_user any more', (schedule).owner)
	END;
COMMENT ON FUNCTION agent_studio_private.schedule_problem(agent_studio.schedules) IS
'Why a schedule starts nothing, whatever its workflow says; NULL = nothing is in its way.';

-- pg_cron must go on, and the reason be kept: what is wrong is told, not raised.
CREATE FUNCTION agent_studio_private.as_run_schedule(actor text, name text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	target agent_studio.schedules := agent_studio_private.find_schedule(actor, name);
	problem text := agent_studio_private.schedule_problem(target);
	detail text;
	hint text;
	new_id bigint;
BEGIN
	IF problem IS NULL THEN
		BEGIN
			new_id := agent_studio_private.as_run_workflow(target.owner, target.workflow, target.inputs, target.priority,
				false, true, false, target.notify, target.version, NULL);
		EXCEPTION WHEN OTHERS THEN
			GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
			problem := concat_ws(' ', SQLERRM || '.', nullif(detail, ''), nullif(hint, ''));
		END;
	END IF;
	UPDATE agent_studio.schedules s SET last_run_at = clock_timestamp(), last_error = problem,
		runs = s.runs + (new_id IS NOT NULL)::integer, last_execution_id = coalesce(new_id, s.last_execution_id)
	WHERE s.schedule_id = target.schedule_id;
	IF problem IS NOT NULL THEN
		RAISE WARNING 'schedule "%" starts nothing: %', target.name, problem;
	END IF;
	RETURN new_id;
END
$$;

CREATE FUNCTION agent_studio.as_run_schedule(name text) RETURNS bigint
AS 'MODULE_PATHNAME', 'agent_studio_gate' LANGUAGE C;
COMMENT ON FUNCTION agent_studio.as_run_schedule(text) IS
'Starts the workflow of a schedule now, with the rights of the schedule''s owner, and returns the execution''s id; pg_cron calls it when the time comes. Where nothing can be started it returns NULL, warns, and keeps the reason in schedules.last_error. Raises 42704 unknown schedule, 42501 another''s.';

CREATE FUNCTION agent_studio_private.release_schedules() RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	held agent_studio.schedules;
	released bigint := 0;
BEGIN
	IF agent_studio_private.cron_remedy() IS NOT NULL THEN
		RETURN 0;
	END IF;
	FOR held IN SELECT s.* FROM agent_studio.schedules s
		WHERE NOT EXISTS (SELECT FROM agent_studio.schedule_jobs j WHERE j.schedule_id = s.schedule_id) ORDER BY s.schedule_id
	LOOP
		PERFORM agent_studio_private.add_job(held);
		released := released + 1;
	END LOOP;
	RETURN released;
END
$$;
COMMENT ON FUNCTION agent_studio_private.release_schedules() IS
'Makes the jobs of schedules that came with a dump, and returns how many; none where there is no pg_cron.';
