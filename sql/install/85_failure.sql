-- as_failure: what went wrong, and the six ways to go on, with the calls. Whether one
-- is possible is asked of the same functions that the commands ask (34_legality.sql).

CREATE FUNCTION agent_studio_private.failed_step(execution bigint) RETURNS agent_studio.steps
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT s FROM agent_studio_private.current_steps(execution) s
	WHERE agent_studio_private.awaits_decision(s)
	ORDER BY s.state = 'completed', s.finished_at DESC NULLS LAST, s.step_no DESC LIMIT 1;
END;
COMMENT ON FUNCTION agent_studio_private.failed_step(bigint) IS
'The step that failed last, or is partial; else one that is held for review. NULL = none.';

CREATE FUNCTION agent_studio_private.possible_causes(error_class text) RETURNS text[]
LANGUAGE sql IMMUTABLE
RETURN CASE error_class
	WHEN 'timeout' THEN ARRAY['Task too complex for timeout', 'Latency of the model''s service', 'Network connectivity issues']
	WHEN 'rate_limited' THEN ARRAY['More requests or tokens a minute than the vendor allows', 'A quota of the account is used up',
		'Other clients use the same key']
	WHEN 'overloaded' THEN ARRAY['The vendor''s service is overloaded or down', 'Maintenance or an incident at the vendor']
	WHEN 'connection' THEN ARRAY['The server''s URL is wrong', 'The endpoint is down', 'Network connectivity issues, a firewall, or a certificate']
	WHEN 'bad_request' THEN ARRAY['A parameter that this model does not take', 'A prompt that is longer than the model''s context']
	WHEN 'authentication' THEN ARRAY['The key is wrong, expired or withdrawn', 'The file or variable of the key cannot be read']
	WHEN 'permission' THEN ARRAY['The key may not use this model', 'The owner has no USAGE on the server', 'The address is not allowed']
	WHEN 'not_found' THEN ARRAY['The deployment''s name is wrong, or it was removed', 'The server''s URL is wrong']
	WHEN 'content_filter' THEN ARRAY['The task or its inputs met the vendor''s filter', 'The model refused to answer']
	WHEN 'invalid_output' THEN ARRAY['The answer is not of the declared outputs, format or JSON Schema', 'The answer was cut off by max_output_tokens']
	WHEN 'budget_exceeded' THEN ARRAY['The budget is used up']
	WHEN 'max_iterations' THEN ARRAY['The criteria or rules are too strict', 'The feedback does not tell the agent what is missing',
		'The agent or its model is not up to the task']
	WHEN 'canceled' THEN ARRAY['It was rejected, or nobody approved it in time']
	WHEN 'internal' THEN ARRAY['The server or the executor went down while it ran', 'A definition or row that the executor cannot use: see the server log']
	ELSE ARRAY['A rule or a person wants somebody to look at it'] END;
COMMENT ON FUNCTION agent_studio_private.possible_causes(text) IS
'What may be behind a failure of that class.';

CREATE FUNCTION agent_studio_private.retries_left(execution agent_studio.executions, step agent_studio.steps,
	OUT left_over integer, OUT most integer) RETURNS record
LANGUAGE sql STABLE
BEGIN ATOMIC
	-- A round through fallback models is one try, so the model that was asked most counts.
	SELECT greatest(0, coalesce((step).max_retries, (execution).max_retries) - greatest(0, coalesce(max(m.failures), 0) - 1))::int,
		   coalesce((step).max_retries, (execution).max_retries)
	FROM (SELECT count(*) AS failures FROM agent_studio.attempts a
		  WHERE a.execution_id = (step).execution_id AND a.step_no = (step).step_no AND a.outcome = 'failed'
		  GROUP BY a.model_id) m;
END;
COMMENT ON FUNCTION agent_studio_private.retries_left(agent_studio.executions, agent_studio.steps) IS
'How many retries of a step were not used, and how many it may have.';

CREATE FUNCTION agent_studio_private.longer_timeout(execution agent_studio.executions, step agent_studio.steps) RETURNS integer
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT least(86400, ceil(1.6 * coalesce((step).timeout_seconds, (execution).timeout_seconds,
		(SELECT v.timeout_seconds FROM agent_studio.agent_versions v WHERE v.agent_version_id = (step).agent_version_id), 120)))::int;
END;
COMMENT ON FUNCTION agent_studio_private.longer_timeout(agent_studio.executions, agent_studio.steps) IS
'The timeout to suggest: 1.6 times the one that there was, a day at most.';

CREATE FUNCTION agent_studio_private.recovery_call(wanted text, execution bigint, step agent_studio.steps, rest text) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN format('SELECT agent_studio.as_%s(%s, %L%s);', wanted, execution,
	-- By its number, where the name would make the line too long.
	CASE WHEN length((step).name) + length(rest) > 45 THEN (step).step_no::text ELSE (step).name END, rest);
COMMENT ON FUNCTION agent_studio_private.recovery_call(text, bigint, agent_studio.steps, text) IS
'The call of a command about a step, as text.';

CREATE FUNCTION agent_studio_private.completion_arguments(declared jsonb) RETURNS text
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	-- The dots are no JSON, so that nobody runs it as it stands.
	SELECT CASE WHEN declared = '{}' THEN ', output => ...'
		ELSE (SELECT CASE WHEN length(l.list) <= 30 THEN format(', outputs => ''{%s}''', l.list) ELSE ', outputs => ''{...}''' END
			  FROM (SELECT string_agg(format('"%s": ...', d.key), ', ' ORDER BY d.key) AS list FROM jsonb_each(declared) d) l) END;
END;
COMMENT ON FUNCTION agent_studio_private.completion_arguments(jsonb) IS
'What as_complete_step has to be given for a step with these outputs, to be filled in.';

CREATE FUNCTION agent_studio_private.preferred_options(error_class text, retries_left integer) RETURNS integer[]
LANGUAGE sql IMMUTABLE
RETURN CASE
	WHEN error_class = 'timeout' AND retries_left = 0 THEN ARRAY[2, 1, 3, 4, 5, 6]
	WHEN error_class IN ('content_filter', 'max_iterations', 'canceled') THEN ARRAY[4, 1, 5, 6]
	WHEN error_class IS NULL THEN ARRAY[3, 4, 1, 5, 6]
	ELSE ARRAY[1, 2, 3, 4, 5, 6] END;
COMMENT ON FUNCTION agent_studio_private.preferred_options(text, integer) IS
'The options in the order in which they promise most after a failure of that class; the first that is possible is recommended.';

CREATE FUNCTION agent_studio_private.option_rows(execution agent_studio.executions, step agent_studio.steps, definition jsonb)
RETURNS TABLE (option integer, label text, description text, wanted text, call text, hindrance text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	id bigint := execution.execution_id;
	retries record := agent_studio_private.retries_left(execution, step);
	longer integer := agent_studio_private.longer_timeout(execution, step);
	at_rest boolean := execution.finished_at IS NOT NULL;
BEGIN
	RETURN QUERY VALUES
		(1, 'Retry Step', format('Retry with same inputs (%s of %s retries remaining)', retries.left_over, retries.most),
			'retry_step', agent_studio_private.recovery_call('retry_step', id, step, ''), NULL::text),
		(2, 'Increase Timeout', format('Retry with %s second timeout', longer),
			'retry_step', agent_studio_private.recovery_call('retry_step', id, step, format(', timeout_seconds => %s', longer)),
			CASE WHEN step.timeout_seconds = 86400 THEN 'a timeout can be 86400 seconds at most' END),
		(3, 'Resume from Checkpoint', 'Use partial output and continue',
			'accept_partial', agent_studio_private.recovery_call('accept_partial', id, step, ''), NULL),
		(4, 'Manual Intervention', CASE WHEN at_rest THEN 'Complete the step by hand'
				ELSE format('Pause %s for manual review', execution.kind) END,
			CASE WHEN at_rest THEN 'complete_step' ELSE 'pause' END,
			CASE WHEN at_rest THEN agent_studio_private.recovery_call('complete_step', id, step,
					agent_studio_private.completion_arguments(agent_studio_private.declared_outputs(definition, step)))
				ELSE format('SELECT agent_studio.as_pause(%s, reason => %L);', id, 'manual review') END, NULL),
		(5, 'Skip Step', 'Skip this step and continue (not recommended)',
			'skip_step', agent_studio_private.recovery_call('skip_step', id, step, ''), NULL),
		(6, format('Cancel %s', initcap(execution.kind)), format('Stop %s execution', execution.kind),
			'cancel', format('SELECT agent_studio.as_cancel(%s);', id),
			CASE WHEN NOT agent_studio_private.can_be_canceled(execution) THEN format('execution %s cannot be canceled: it is %s', id, execution.status) END);
END
$$;
COMMENT ON FUNCTION agent_studio_private.option_rows(agent_studio.executions, agent_studio.steps, jsonb) IS
'The ways to go on after a failure, whether they are possible or not.';

CREATE FUNCTION agent_studio.as_recovery_options(execution bigint)
RETURNS TABLE (option integer, label text, description text, call text, legal boolean, recommended boolean, why_not text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	target agent_studio.executions;
	step agent_studio.steps;
	definition jsonb;
	preferred integer[];
	pending text;
BEGIN
	PERFORM agent_studio_private.require_execution(execution);
	SELECT e.* INTO target FROM agent_studio.executions e WHERE e.execution_id = as_recovery_options.execution;
	step := agent_studio_private.failed_step(as_recovery_options.execution);
	IF step.step_no IS NULL THEN
		RETURN;
	END IF;
	definition := agent_studio_private.plan_of(target);
	preferred := agent_studio_private.preferred_options(step.error_class, (agent_studio_private.retries_left(target, step)).left_over);
	SELECT string_agg(DISTINCT c.wanted, ', ') || ' was asked for, and is not applied yet' INTO pending
	FROM agent_studio.commands c
	WHERE c.execution_id = as_recovery_options.execution AND c.applied_at IS NULL AND (c.step_no = step.step_no OR c.wanted = 'cancel');
	RETURN QUERY
	WITH judged AS (
		SELECT o.option, o.label, o.description, o.call,
			   coalesce(o.hindrance, CASE WHEN o.option < 6 THEN pending END, CASE WHEN o.wanted <> 'cancel' THEN
				(agent_studio_private.command_problem(o.wanted, target, CASE WHEN o.wanted <> 'pause' THEN step END, definition)).problem END) AS why_not
		FROM agent_studio_private.option_rows(target, step, definition) o)
	SELECT j.option, j.label, j.description, j.call, j.why_not IS NULL,
		   pending IS NULL AND j.option IS NOT DISTINCT FROM (SELECT x.option FROM judged x WHERE x.why_not IS NULL AND x.option = ANY (preferred)
			ORDER BY array_position(preferred, x.option) LIMIT 1),
		   j.why_not
	FROM judged j ORDER BY j.option;
END
$$;
COMMENT ON FUNCTION agent_studio.as_recovery_options(bigint) IS
'The six ways to go on after the newest failure of an execution: the call, whether it is possible now (and if not, why), and which one is recommended. No rows where nothing has failed. Who may make the calls is another matter: the owner and members of agent_studio_operator. Raises 42704.';

-- The sheet.

CREATE FUNCTION agent_studio_private.wrapped(value text, columns integer, lines integer) RETURNS SETOF text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	rest text := agent_studio_private.one_line(value, columns * lines);
	piece text;
	cut integer;
BEGIN
	FOR i IN 1..lines LOOP
		EXIT WHEN coalesce(rest, '') = '';
		IF i = lines OR agent_studio_private.display_width(rest) <= columns THEN
			RETURN NEXT agent_studio_private.one_line(rest, columns);
			RETURN;
		END IF;
		SELECT max(n) INTO cut FROM generate_series(1, columns) n
		WHERE agent_studio_private.display_width(left(rest, n)) <= columns;
		-- Behind the last blank or hyphen, if there is one in the second half of the line.
		piece := substring(left(rest, cut) FROM '^.*[ -]');
		IF substr(rest, cut + 1, 1) <> ' ' AND length(piece) > cut / 2 THEN
			cut := length(piece);
		END IF;
		RETURN NEXT rtrim(left(rest, cut));
		rest := ltrim(substr(rest, cut + 1));
	END LOOP;
END
$$;
COMMENT ON FUNCTION agent_studio_private.wrapped(text, integer, integer) IS
'A text in so many lines of so many columns at most, without control characters; what does not fit is left out.';

CREATE FUNCTION agent_studio_private.failure_message(step agent_studio.steps) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT coalesce((step).error_message,
		(SELECT n.message FROM agent_studio.notices n
		 WHERE n.execution_id = (step).execution_id AND n.step_no = (step).step_no AND n.kind IN ('manual_review', 'partial')
		 ORDER BY n.notice_id DESC LIMIT 1));
END;
COMMENT ON FUNCTION agent_studio_private.failure_message(agent_studio.steps) IS
'What went wrong with a step, or why it is held, in words; NULL = not said.';

CREATE FUNCTION agent_studio_private.failure_details(step agent_studio.steps) RETURNS SETOF text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT d.line FROM (
		SELECT 1 AS place, format('  Partial output received (%s%s tokens)', CASE WHEN a.output_tokens IS NULL THEN 'about ' ELSE '' END,
			ltrim(to_char(coalesce(a.output_tokens, octet_length(a.text) / 4 + 1), '999,999,999,999'))) AS line
		FROM (SELECT coalesce((step).output, l.partial_output) AS text, l.output_tokens
			  FROM (SELECT 1) one LEFT JOIN LATERAL (
				SELECT t.partial_output, t.output_tokens FROM agent_studio.attempts t
				WHERE t.execution_id = (step).execution_id AND t.step_no = (step).step_no
				ORDER BY t.attempt_no DESC LIMIT 1) l ON true) a
		WHERE a.text <> '' AND (step).state <> 'completed'
		UNION ALL
		SELECT 2, format('  Last agent thought: "%s"', agent_studio_private.one_line(t.content, 74))
		FROM (SELECT x.content FROM agent_studio.thoughts x
			  WHERE x.execution_id = (step).execution_id AND x.step_no = (step).step_no AND x.source <> 'system'
			  ORDER BY x.seq DESC LIMIT 1) t) d
	ORDER BY d.place;
END;
COMMENT ON FUNCTION agent_studio_private.failure_details(agent_studio.steps) IS
'Lines of the failure sheet: what had arrived, and what the agent thought last.';

CREATE FUNCTION agent_studio_private.option_lines(execution bigint) RETURNS SETOF text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT l.line FROM agent_studio.as_recovery_options(execution) o
	CROSS JOIN LATERAL (
		SELECT 1 AS place, format('  %s. [%s] - %s', o.option, o.label, o.description) AS line
		UNION ALL
		SELECT 2, '       ' || o.call WHERE o.legal
		UNION ALL
		SELECT 3, '       not now: ' || agent_studio_private.one_line(o.why_not, 82) WHERE NOT o.legal) l
	ORDER BY o.option, l.place;
END;
COMMENT ON FUNCTION agent_studio_private.option_lines(bigint) IS
'Lines of the failure sheet: the options, each with its call or with what stands in its way.';

CREATE FUNCTION agent_studio_private.failure_title(step agent_studio.steps) RETURNS text
LANGUAGE sql STABLE
RETURN format('Step %s %s: %s%s', (step).plan_step,
	CASE (step).state WHEN 'partial' THEN 'Partial' WHEN 'completed' THEN 'Held for Review' WHEN 'canceled' THEN 'Rejected' ELSE 'Failed' END,
	agent_studio_private.one_line((step).name, 70), CASE WHEN (step).iteration > 1 THEN format(' (iteration %s)', (step).iteration) ELSE '' END);
COMMENT ON FUNCTION agent_studio_private.failure_title(agent_studio.steps) IS
'First line of the failure sheet.';

CREATE FUNCTION agent_studio.as_failure(execution bigint) RETURNS SETOF text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	target agent_studio.executions;
	step agent_studio.steps;
	details text[];
BEGIN
	PERFORM agent_studio_private.require_execution(execution);
	SELECT e.* INTO target FROM agent_studio.executions e WHERE e.execution_id = execution;
	step := agent_studio_private.failed_step(execution);
	IF step.step_no IS NULL THEN
		RETURN NEXT format('No step of execution %s has failed: it is %s.', execution, replace(target.status, '_', ' '));
		RETURN QUERY SELECT agent_studio_private.wrapped(concat_ws(': ', target.error_class, target.error_message), 98, 4);
		RETURN;
	END IF;
	RETURN NEXT agent_studio_private.failure_title(step);
	RETURN NEXT '';
	RETURN NEXT format('Error: %s', coalesce(step.error_class, 'none'));
	RETURN QUERY SELECT agent_studio_private.wrapped('Message: ' || agent_studio_private.failure_message(step), 98, 4);
	RETURN QUERY SELECT agent_studio_private.wrapped('Hint: ' || target.error_hint, 98, 3) WHERE target.error_class = step.error_class AND target.error_hint !~ 'as_failure';
	details := ARRAY(SELECT agent_studio_private.failure_details(step));
	IF cardinality(details) > 0 THEN
		RETURN QUERY SELECT unnest('{"",Details:}'::text[] || details);
	END IF;
	RETURN QUERY SELECT unnest('{"","Possible Causes:"}'::text[]);
	RETURN QUERY SELECT '  - ' || c FROM unnest(agent_studio_private.possible_causes(step.error_class)) c;
	RETURN QUERY SELECT unnest('{"","Recovery Options:"}'::text[]);
	RETURN QUERY SELECT agent_studio_private.option_lines(execution);
	RETURN NEXT '';
	RETURN NEXT format('Recommended: %s', coalesce((SELECT format('[%s]', o.label)
			|| CASE WHEN o.option = 1 AND step.error_class IN ('bad_request', 'authentication', 'permission', 'not_found', 'budget_exceeded')
				THEN ', once the cause is mended' ELSE '' END
		FROM agent_studio.as_recovery_options(execution) o WHERE o.recommended), 'none of these is possible now'));
END
$$;
COMMENT ON FUNCTION agent_studio.as_failure(bigint) IS
'The failure sheet of an execution, a row a line, at most 98 columns wide (psql takes two more): the step that failed last, is partial, or is held for review, with error, partial output, last thought, possible causes, and six ways to go on with their calls, one of them recommended (see as_recovery_options). Raises 42704.';
