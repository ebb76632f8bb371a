-- as_quality: what can be said of an answer's quality by looking at it.

CREATE FUNCTION agent_studio_private.required_present(output text, json_schema json) RETURNS integer
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	required text[] := (SELECT array_agg(r) FROM json_array_elements_text(
		CASE WHEN json_typeof(json_schema -> 'required') = 'array' THEN json_schema -> 'required' ELSE '[]' END) r);
	document jsonb;
BEGIN
	IF required IS NULL OR output IS NULL THEN
		RETURN NULL;
	END IF;
	BEGIN
		document := output::jsonb;
	EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
		RETURN 0;				-- no JSON, or more than jsonb can hold
	END;
	IF jsonb_typeof(document) <> 'object' THEN
		RETURN 0;
	END IF;
	RETURN (SELECT round(100.0 * count(*) FILTER (WHERE document ? r) / count(*))::int FROM unnest(required) r);
END
$$;
COMMENT ON FUNCTION agent_studio_private.required_present(text, json) IS
'Percent of the members that a JSON Schema requires which an output has; NULL = nothing is required, or there is no output.';

CREATE FUNCTION agent_studio_private.completeness(execution agent_studio.executions, step agent_studio.steps) RETURNS integer
LANGUAGE sql STABLE
RETURN coalesce(
	agent_studio_private.sections_present((step).output,
		(SELECT array_agg(s) FROM jsonb_array_elements_text(
			agent_studio_private.plan_of(execution) -> 'steps' -> ((step).plan_step - 1) -> 'criteria' -> 'required_sections') s)),
	agent_studio_private.required_present((step).output, coalesce((step).json_schema, (execution).json_schema)));
COMMENT ON FUNCTION agent_studio_private.completeness(agent_studio.executions, agent_studio.steps) IS
'Percent of what is demanded of a step''s output that it has: the sections of its criteria, else the members that its JSON Schema requires; NULL = nothing is demanded, or there is no output.';

CREATE FUNCTION agent_studio.as_quality(execution bigint,
	OUT completeness_percent integer, OUT format_compliance_percent integer,
	OUT token_efficiency_percent integer, OUT retries bigint, OUT rate_limited boolean,
	OUT warnings bigint) RETURNS record
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	PERFORM agent_studio_private.require_execution(execution);
	SELECT w.completeness, w.compliance, w.efficiency, a.retries, a.rate_limited,
		   (SELECT count(*) FROM agent_studio.notices n WHERE n.execution_id = e.execution_id AND n.severity = 'warning' AND n.kind <> 'duration')
	INTO as_quality.completeness_percent, as_quality.format_compliance_percent,
		 as_quality.token_efficiency_percent, as_quality.retries, as_quality.rate_limited, as_quality.warnings
	FROM agent_studio.executions e
	CROSS JOIN LATERAL (
		SELECT round(avg(agent_studio_private.completeness(e, s)))::int AS completeness,
			   round(avg(CASE WHEN s.output IS NOT NULL AND coalesce(s.output_format, e.output_format) IS NOT NULL THEN
				CASE WHEN agent_studio_private.format_problem(s.output, coalesce(s.output_format, e.output_format),
															  coalesce(s.json_schema, e.json_schema)) IS NULL THEN 100 ELSE 0 END END))::int AS compliance,
			   round(avg(agent_studio_private.percent_of(l.tokens, coalesce(v.max_output_tokens, m.max_output_tokens))))::int AS efficiency
		FROM agent_studio.steps s
		LEFT JOIN agent_studio.agent_versions v USING (agent_version_id)
		LEFT JOIN agent_studio.models m ON m.model_id = s.model_id
		LEFT JOIN LATERAL (SELECT t.input_tokens + t.output_tokens AS tokens FROM agent_studio.attempts t
						   WHERE t.execution_id = s.execution_id AND t.step_no = s.step_no
						   ORDER BY t.attempt_no DESC LIMIT 1) l ON true
		WHERE s.execution_id = e.execution_id
		  AND CASE e.kind WHEN 'task' THEN s.step_no = coalesce(agent_studio_private.result_step(e), 1)
				ELSE s.step_no IN (SELECT c.step_no FROM agent_studio_private.current_steps(e.execution_id) c) END) w
	CROSS JOIN LATERAL (
		SELECT coalesce(sum(greatest(t.ended - 1, 0)), 0)::bigint AS retries, coalesce(bool_or(t.rate_limited), false) AS rate_limited
		FROM (SELECT count(*) AS ended, bool_or(x.error_class = 'rate_limited') AS rate_limited FROM agent_studio.attempts x
			  WHERE x.execution_id = e.execution_id GROUP BY x.step_no) t) a
	WHERE e.execution_id = as_quality.execution;
END
$$;
COMMENT ON FUNCTION agent_studio.as_quality(bigint) IS
'One row, computed from the output and the attempts: completeness (percent of the sections that its criteria demand, else of the members that its JSON Schema requires; NULL where nothing is), format compliance (100 or 0: the check that answers have to pass; NULL without an output), token efficiency (percent of the most output tokens that input and output of the last attempt came to; NULL where unknown), retries, whether a limit was met, and the number of warnings (that it takes long is none). Of a task that is repeated, the first three are of the answer that as_output gives; of a workflow, the mean over its steps. Raises 42704.';
