-- What a diagram shows: a box for each step, and the ways between them. Of a workflow
-- with what its definition says, of an execution with what has become of each step.

CREATE TYPE agent_studio_private.diagram_box AS (
	step integer,
	kind text,
	lines text[],
	notes text[],
	state text
);
COMMENT ON TYPE agent_studio_private.diagram_box IS
'A box of a diagram: the step''s number in the definition (0 = start, NULL = the end), its kind (start, step, decision, end; demand: it runs on demand only), what stands in it, what is to be noted of it, and its state (NULL: the workflow is not under way).';

CREATE FUNCTION agent_studio_private.diagram_agent(definition jsonb, step jsonb) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN CASE WHEN step ->> 'type' = 'decision' THEN 'decision'
	ELSE (SELECT string_agg(DISTINCT a.agent, ' | ') FROM agent_studio_private.named_agents(
			jsonb_build_object('steps', jsonb_build_array(step))) a WHERE NOT a.hand_off) END;
COMMENT ON FUNCTION agent_studio_private.diagram_agent(jsonb, jsonb) IS
'Who does a step: an agent, or those from which one is chosen.';

CREATE FUNCTION agent_studio_private.demand_notes(definition jsonb, wanted text) RETURNS SETOF text
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT n.note FROM agent_studio_private.listed_steps(definition) s
	CROSS JOIN LATERAL (
		SELECT 'stands in for ' || s.name WHERE s.step ->> 'fallback' = wanted
		UNION ALL
		SELECT s.name || ' hands off to it' WHERE EXISTS (
			SELECT FROM jsonb_path_query(s.step, '$.rules[*] ? (@.then == "hand_off")') r (rule) WHERE r.rule ->> 'to' = wanted)
		UNION ALL
		SELECT 'undoes ' || (s.step ->> 'compensates') WHERE s.name = wanted AND s.step ? 'compensates') n (note)
	ORDER BY s.step_no;
END;
COMMENT ON FUNCTION agent_studio_private.demand_notes(jsonb, text) IS
'For whom a step that runs on demand only is there.';

CREATE FUNCTION agent_studio_private.step_marks(step jsonb) RETURNS text[]
LANGUAGE sql IMMUTABLE
RETURN ARRAY(
	SELECT m.mark FROM (
		SELECT 1 AS kind, 0::bigint AS n, 'approval by ' || coalesce(step #>> '{approval,by}', 'the owner') AS mark WHERE step ? 'approval'
		UNION ALL
		SELECT 2, 0, 'when ' || (step ->> 'when') WHERE step ? 'when'
		UNION ALL
		SELECT 3, 0, format('waits for %s of them', step ->> 'merge') WHERE step -> 'merge' <> '"all"'
		UNION ALL
		SELECT 4, c.n, format('case %s: %s', c.n, c.value ->> 'if')
		FROM jsonb_array_elements(CASE WHEN jsonb_typeof(step -> 'cases') = 'array' THEN step -> 'cases' ELSE '[]' END) WITH ORDINALITY c (value, n)
		UNION ALL
		SELECT 5, r.n, CASE r.value ->> 'then' WHEN 'manual_review' THEN 'manual review'
				ELSE format('%s %s, %s times at most', CASE r.value ->> 'then' WHEN 'go_back' THEN '↑ back to' ELSE '↔ hands off to' END,
					r.value ->> 'to', coalesce(r.value ->> 'max_iterations', '3')) END
			|| coalesce(' if ' || (r.value ->> 'if'), '')
		FROM jsonb_array_elements(CASE WHEN jsonb_typeof(step -> 'rules') = 'array' THEN step -> 'rules' ELSE '[]' END) WITH ORDINALITY r (value, n)
		WHERE r.value ->> 'then' IN ('go_back', 'hand_off', 'manual_review')
		UNION ALL
		SELECT 6, 0, format('↻ until its criteria hold, %s times at most', coalesce(step #>> '{criteria,max_iterations}', '3')) WHERE step ? 'criteria'
		UNION ALL
		SELECT 7, 0, 'if it fails: ' || (step ->> 'fallback') WHERE step ->> 'on_failure' = 'fallback') m
	ORDER BY m.kind, m.n);
COMMENT ON FUNCTION agent_studio_private.step_marks(jsonb) IS
'What a definition says of a step that is not seen from the ways: approval, conditions, loops, what stands in for it.';

CREATE FUNCTION agent_studio_private.workflow_boxes(definition jsonb) RETURNS SETOF agent_studio_private.diagram_box
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT (b.step, b.kind, b.lines, b.notes, NULL)::agent_studio_private.diagram_box
	FROM (SELECT 0 AS place, 0 AS step, 'start' AS kind, ARRAY['Start Workflow'] AS lines, '{}'::text[] AS notes
		  UNION ALL
		  SELECT 1, p.plan_step, CASE WHEN p.on_demand THEN 'demand' WHEN p.step ->> 'type' = 'decision' THEN 'decision' ELSE 'step' END,
				 ARRAY[format('Step %s:', p.plan_step), coalesce(nullif(p.step ->> 'title', ''), p.name),
					   agent_studio_private.diagram_agent(definition, p.step)],
				 CASE WHEN p.on_demand THEN ARRAY(SELECT agent_studio_private.demand_notes(definition, p.name)) ELSE '{}' END
				 || agent_studio_private.step_marks(p.step)
		  FROM agent_studio_private.plan_steps(definition) p
		  UNION ALL
		  SELECT 2, NULL, 'end', ARRAY['Complete'], '{}') b
	ORDER BY b.place, b.step;
END;
COMMENT ON FUNCTION agent_studio_private.workflow_boxes(jsonb) IS
'The boxes of a workflow, with start and end.';

CREATE FUNCTION agent_studio_private.execution_boxes(execution agent_studio.executions, plan jsonb)
RETURNS SETOF agent_studio_private.diagram_box
LANGUAGE sql STABLE
BEGIN ATOMIC
	-- Each once, whatever is known of how many rows there are.
	WITH shown AS MATERIALIZED (SELECT w.* FROM agent_studio.as_workflow_status((execution).execution_id) w),
	own AS MATERIALIZED (SELECT i AS step, i.step_no, i.plan_step FROM agent_studio_private.current_steps((execution).execution_id) i),
	planned AS MATERIALIZED (SELECT d.plan_step, d.on_demand, d.step FROM agent_studio_private.plan_steps(plan) d)
	SELECT (c.plan_step, CASE WHEN p.on_demand THEN 'demand' WHEN p.step ->> 'type' = 'decision' THEN 'decision' ELSE 'step' END,
			ARRAY[CASE WHEN plan IS NULL AND (execution).kind = 'task' THEN 'Task:' ELSE format('Step %s:', c.plan_step) END,
				CASE WHEN (execution).kind = 'task' AND c.plan_step = 1 THEN agent_studio_private.one_line((execution).task, 40) ELSE s.title END,
				CASE WHEN p.step ->> 'type' = 'decision' THEN 'decision' ELSE s.agent END],
			array_remove(ARRAY[
				concat_ws(' ', agent_studio_private.step_mark(execution, c.step),
					CASE WHEN s.state = 'pending' AND (execution).finished_at IS NOT NULL THEN 'not reached' ELSE replace(s.state, '_', ' ') END,
					agent_studio_private.spent_on_step((execution).execution_id, c.plan_step), CASE WHEN s.state = 'running' THEN 'so far' END),
				CASE WHEN s.state = 'running' THEN '"' || agent_studio_private.one_line(s.latest_thought, 80) || '"'
					WHEN jsonb_typeof((c.step).outputs -> 'chosen') = 'array' AND p.step ->> 'type' = 'decision' THEN
						'chose ' || coalesce((SELECT string_agg(d.name, ', ') FROM jsonb_array_elements_text((c.step).outputs -> 'chosen') d (name)), 'none')
					WHEN s.state = 'pending' AND p.on_demand THEN (SELECT string_agg(d, '; ') FROM agent_studio_private.demand_notes(plan, (c.step).name) d)
					WHEN s.note <> 'not reached' THEN s.note END], NULL),
			CASE agent_studio_private.step_mark(execution, c.step) WHEN '✓' THEN 'done' WHEN '✗' THEN 'failed' WHEN '!' THEN 'held' WHEN '–' THEN 'passed'
				ELSE CASE WHEN s.state IN ('pending', 'queued') THEN 'waiting' ELSE 'running' END END)::agent_studio_private.diagram_box
	FROM shown s JOIN own c USING (step_no) LEFT JOIN planned p USING (plan_step)
	ORDER BY c.plan_step;
END;
COMMENT ON FUNCTION agent_studio_private.execution_boxes(agent_studio.executions, jsonb) IS
'The boxes of an execution, each with its state (done, failed, held, passed, waiting, running), time and cost, and with what it is about.';

CREATE FUNCTION agent_studio_private.diagram_ways(definition jsonb, boxes agent_studio_private.diagram_box[])
RETURNS TABLE (from_step integer, to_step integer, label text, passed text)
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	WITH drawn AS (
		SELECT p.plan_step, p.name, p.after FROM agent_studio_private.plan_steps(definition) p
		WHERE p.plan_step IN (SELECT b.step FROM unnest(boxes) b WHERE b.kind IN ('step', 'decision'))),
	ways AS (
		SELECT DISTINCT d.plan_step AS from_step, t.plan_step AS to_step, d.name AS from_name, t.name AS to_name
		FROM drawn t JOIN drawn d ON d.name = ANY (t.after)),
	cases AS MATERIALIZED (SELECT l.* FROM agent_studio_private.led_to(definition) l),
	passed AS MATERIALIZED (SELECT e.* FROM agent_studio_private.definition_edges(definition) e)
	SELECT w.from_step, w.to_step,
		   (SELECT string_agg(CASE WHEN c.condition IS NULL THEN 'else' ELSE 'case ' || c.place END, ', ' ORDER BY c.place)
			FROM cases c WHERE c.step = w.from_name AND c.target = w.to_name),
		   (SELECT string_agg(p.value, ', ' ORDER BY p.value) FROM passed p WHERE p.from_step = w.from_name AND p.to_step = w.to_name)
	FROM ways w
	UNION ALL
	SELECT 0, d.plan_step, NULL, NULL FROM drawn d
	WHERE d.plan_step NOT IN (SELECT w.to_step FROM ways w) AND EXISTS (SELECT FROM unnest(boxes) b WHERE b.kind = 'start')
	UNION ALL
	SELECT d.plan_step, NULL, NULL, NULL FROM drawn d
	WHERE d.plan_step NOT IN (SELECT w.from_step FROM ways w) AND EXISTS (SELECT FROM unnest(boxes) b WHERE b.kind = 'end')
	ORDER BY 1, 2;
END;
COMMENT ON FUNCTION agent_studio_private.diagram_ways(jsonb, agent_studio_private.diagram_box[]) IS
'The ways between boxes (0 = start, NULL = the end), with the case of a decision that leads there, and the outputs that go along.';

CREATE FUNCTION agent_studio_private.diagram_returns(definition jsonb)
RETURNS TABLE (from_step integer, to_step integer, label text, kind text)
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	WITH steps AS (SELECT s.step_no, s.name, s.step FROM agent_studio_private.listed_steps(definition) s),
	ways AS (
		SELECT s.step_no AS from_step, r.rule ->> 'to' AS name, CASE r.rule ->> 'then' WHEN 'go_back' THEN 'back' ELSE 'hands off' END AS label,
			   r.rule ->> 'then' AS kind
		FROM steps s CROSS JOIN jsonb_path_query(s.step, '$.rules[*] ? (@.then == "go_back" || @.then == "hand_off")') r (rule)
		UNION
		SELECT s.step_no, s.step ->> 'fallback', 'if it fails', 'fallback' FROM steps s WHERE s.step ->> 'on_failure' = 'fallback'
		UNION
		SELECT s.step_no, s.name, 'until its criteria hold', 'criteria' FROM steps s WHERE s.step ? 'criteria'
		UNION
		SELECT c.step_no, s.name, 'undone by', 'compensates' FROM steps s JOIN steps c ON c.name = s.step ->> 'compensates')
	SELECT w.from_step, s.step_no, w.label, w.kind FROM ways w JOIN steps s USING (name) ORDER BY 1, 2, 3;
END;
COMMENT ON FUNCTION agent_studio_private.diagram_returns(jsonb) IS
'What leads elsewhere than on: loops back, and the ways to steps that run on demand only.';

CREATE FUNCTION agent_studio_private.diagram_layers(boxes agent_studio_private.diagram_box[], way_from integer[], way_to integer[],
	ways_known boolean) RETURNS integer[]
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	-- One below the other, where it is not known what comes after what; below all, what runs on demand.
	SELECT array_agg(CASE WHEN NOT ways_known THEN e.n::int - 1
			WHEN (boxes[e.n]).kind = 'demand' THEN e.deepest ELSE e.depth::int - 1 END ORDER BY e.n)
	FROM (SELECT w.n, w.depth, max(w.depth) OVER ()::int AS deepest FROM unnest(agent_studio_private.way_ends(array_fill(1::numeric, ARRAY[cardinality(boxes)]), way_from, way_to)) WITH ORDINALITY w (depth, n)) e;
END;
COMMENT ON FUNCTION agent_studio_private.diagram_layers(agent_studio_private.diagram_box[], integer[], integer[], boolean) IS
'In which layer each box lies, from 0; ways lead from and to these numbers of boxes.';

CREATE FUNCTION agent_studio_private.box_text(box agent_studio_private.diagram_box, notes_inside boolean, columns integer) RETURNS text[]
LANGUAGE sql IMMUTABLE
RETURN ARRAY(
	SELECT w.line FROM unnest((box).lines || CASE WHEN notes_inside THEN (box).notes ELSE '{}' END) WITH ORDINALITY l (line, n)
	CROSS JOIN LATERAL agent_studio_private.wrapped(l.line, columns, CASE WHEN l.n < 3 THEN 2 ELSE 3 END)
		WITH ORDINALITY w (line, m)
	ORDER BY l.n, w.m);
COMMENT ON FUNCTION agent_studio_private.box_text(agent_studio_private.diagram_box, boolean, integer) IS
'What stands in a box that has room for so many columns.';

CREATE FUNCTION agent_studio_private.natural_columns(box agent_studio_private.diagram_box, notes_inside boolean) RETURNS integer
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT greatest(14, max(agent_studio_private.display_width(agent_studio_private.one_line(l.line, 40))))
	FROM unnest((box).lines || CASE WHEN notes_inside THEN (box).notes ELSE '{}' END) l (line);
END;
COMMENT ON FUNCTION agent_studio_private.natural_columns(agent_studio_private.diagram_box, boolean) IS
'How many columns the text of a box would like to have.';
