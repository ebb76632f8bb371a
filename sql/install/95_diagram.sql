-- as_diagram: workflows and executions as text, as Mermaid, and as SVG.

CREATE FUNCTION agent_studio_private.listed_boxes(boxes agent_studio_private.diagram_box[], from_step integer[], to_step integer[])
RETURNS SETOF text
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT l.line FROM unnest(boxes) WITH ORDINALITY b
	CROSS JOIN LATERAL (
		SELECT 0 AS place, agent_studio_private.one_line(array_to_string(b.lines[1:2], ' ')
				|| coalesce(' (' || b.lines[3] || ')', '')
				|| coalesce(', after ' || (SELECT string_agg(w.a::text, ', ' ORDER BY w.a) FROM unnest(from_step, to_step) w (a, b)
										  WHERE w.b = b.step AND w.a > 0), ''), 98) AS line
		UNION ALL
		SELECT n.n, '    ' || agent_studio_private.one_line(n.note, 94) FROM unnest(b.notes) WITH ORDINALITY n (note, n)) l
	WHERE b.kind IN ('step', 'decision', 'demand')
	ORDER BY b.ordinality, l.place;
END;
COMMENT ON FUNCTION agent_studio_private.listed_boxes(agent_studio_private.diagram_box[], integer[], integer[]) IS
'The boxes as a list, each with the numbers of those that it comes after.';

CREATE FUNCTION agent_studio_private.text_diagram(boxes agent_studio_private.diagram_box[], definition jsonb, with_notes boolean)
RETURNS SETOF text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
DECLARE
	from_step integer[];
	to_step integer[];
	labels text[];
	lines text[];
BEGIN
	SELECT coalesce(array_agg(w.from_step), '{}'), coalesce(array_agg(w.to_step), '{}'),
		   coalesce(array_agg(coalesce(w.label, CASE WHEN NOT with_notes THEN w.passed END)), '{}')
	INTO from_step, to_step, labels
	FROM agent_studio_private.diagram_ways(definition, boxes) w;
	-- Of a workflow that the reader may not see, the ways are not known.
	IF definition IS NOT NULL OR cardinality(boxes) = 1 THEN
		lines := ARRAY(SELECT agent_studio_private.drawn_boxes(ARRAY(SELECT b FROM unnest(boxes) b WHERE b.kind <> 'demand'),
			from_step, to_step, labels, with_notes));
	END IF;
	IF cardinality(lines) > 0 THEN
		RETURN QUERY SELECT unnest(lines);
		RETURN QUERY SELECT agent_studio_private.titled('On demand:', ARRAY(SELECT '  ' || l
			FROM agent_studio_private.listed_boxes(ARRAY(SELECT b FROM unnest(boxes) b WHERE b.kind = 'demand'), '{}', '{}') l));
	ELSE
		RETURN QUERY SELECT agent_studio_private.listed_boxes(boxes, from_step, to_step);
	END IF;
END
$$;
COMMENT ON FUNCTION agent_studio_private.text_diagram(agent_studio_private.diagram_box[], jsonb, boolean) IS
'A diagram as lines of text: drawn where it fits, else as a list.';

CREATE FUNCTION agent_studio_private.diagram(boxes agent_studio_private.diagram_box[], definition jsonb, format text, title text, under_way boolean)
RETURNS SETOF text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT unnest(ARRAY[title, '']) WHERE format = 'text'
	UNION ALL
	SELECT agent_studio_private.text_diagram(boxes, definition, under_way) WHERE format = 'text'
	UNION ALL
	SELECT agent_studio_private.mermaid_diagram(boxes, definition) WHERE format = 'mermaid'
	UNION ALL
	SELECT agent_studio_private.svg_diagram(boxes, definition, title) WHERE format = 'svg';
END;
COMMENT ON FUNCTION agent_studio_private.diagram(agent_studio_private.diagram_box[], jsonb, text, text, boolean) IS
'A diagram in one of the three formats.';

CREATE FUNCTION agent_studio.as_diagram(workflow text, format text DEFAULT 'text', version text DEFAULT NULL) RETURNS SETOF text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_variable
DECLARE
	target agent_studio.workflows := agent_studio_private.find_workflow(current_user::text, workflow);
	published agent_studio.workflow_versions;
	definition jsonb := target.draft;
	boxes agent_studio_private.diagram_box[];
	title text;
BEGIN
	PERFORM agent_studio_private.one_of('format', format, '{text,mermaid,svg}');
	IF target.current_version IS NULL AND version IS NULL THEN
		PERFORM agent_studio_private.require_sound(current_user::text, workflow, definition);
	ELSE
		published := agent_studio_private.find_version(target, version);
		definition := published.definition;
	END IF;
	boxes := ARRAY(SELECT b FROM agent_studio_private.workflow_boxes(definition) b);
	title := format('Workflow: %s (%s)', agent_studio_private.one_line(target.name, 80), coalesce('v' || published.version, 'draft'));
	RETURN QUERY SELECT agent_studio_private.diagram(boxes, definition, format, title, false);
END
$$;
COMMENT ON FUNCTION agent_studio.as_diagram(text, text, text) IS
'A diagram of a workflow, a row a line. format text: boxes with step, title, agent and what the definition says of each, branches side by side, outputs and cases on the ways, at most 100 columns wide; a list where that is too narrow. mermaid: a flowchart TD. svg: one picture, dark and light. version NULL = the current one, of a draft the draft. Raises 42704, and 22023 for an unknown format or a draft with problems.';

CREATE FUNCTION agent_studio.as_diagram(execution bigint, format text DEFAULT 'text') RETURNS SETOF text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_variable
DECLARE
	target agent_studio.executions;
	plan jsonb;
	boxes agent_studio_private.diagram_box[];
BEGIN
	PERFORM agent_studio_private.require_execution(execution);
	PERFORM agent_studio_private.one_of('format', format, '{text,mermaid,svg}');
	SELECT e.* INTO target FROM agent_studio.executions e WHERE e.execution_id = execution;
	plan := agent_studio_private.plan_of(target);
	boxes := ARRAY(SELECT b FROM agent_studio_private.execution_boxes(target, plan) b);
	RETURN QUERY SELECT agent_studio_private.diagram(boxes, plan, format, agent_studio_private.result_title(target), true);
END
$$;
COMMENT ON FUNCTION agent_studio.as_diagram(bigint, text) IS
'The same for an execution, with the state, seconds and cost of each step, what it waits for and what became of it; good under \watch. Raises 42704, and 22023 for an unknown format.';
