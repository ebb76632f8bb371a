-- Diagrams in Mermaid's language, for whoever shows Markdown.

CREATE FUNCTION agent_studio_private.mermaid_text(value text) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN '"' || replace(replace(replace(replace(replace(replace(agent_studio_private.one_line(value, 80),
	'#', '#35;'), '&', '#38;'), '<', '#60;'), '>', '#62;'), '"', '#34;'), '`', '#96;') || '"';
COMMENT ON FUNCTION agent_studio_private.mermaid_text(text) IS
'A line as a label in quotes, in which nothing means anything to Mermaid.';

CREATE FUNCTION agent_studio_private.mermaid_node(step integer) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN coalesce('s' || step, 'complete');
COMMENT ON FUNCTION agent_studio_private.mermaid_node(integer) IS 'Name of a box.';

CREATE FUNCTION agent_studio_private.mermaid_label(box agent_studio_private.diagram_box) RETURNS text
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT '"' || string_agg(btrim(agent_studio_private.mermaid_text(l.line), '"'), '<br/>' ORDER BY l.n) || '"'
	FROM unnest((box).lines || (box).notes) WITH ORDINALITY l (line, n) WHERE l.line <> '';
END;
COMMENT ON FUNCTION agent_studio_private.mermaid_label(agent_studio_private.diagram_box) IS 'What stands in a box.';

CREATE FUNCTION agent_studio_private.mermaid_diagram(boxes agent_studio_private.diagram_box[], definition jsonb) RETURNS SETOF text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT l.line FROM (
		SELECT 1 AS part, 0 AS place, 0::bigint AS n, 'flowchart TD' AS line
		UNION ALL
		SELECT 2, 0, b.ordinality, format(CASE b.kind WHEN 'decision' THEN '    %s{%s}' WHEN 'step' THEN '    %s[%s]' WHEN 'demand' THEN '    %s[[%s]]' ELSE '    %s([%s])' END,
			agent_studio_private.mermaid_node(b.step), agent_studio_private.mermaid_label((b.step, b.kind, b.lines, b.notes, b.state)::agent_studio_private.diagram_box))
		FROM unnest(boxes) WITH ORDINALITY b
		UNION ALL
		SELECT 3, coalesce(w.from_step, 0), coalesce(w.to_step, 1000000), format('    %s -->%s %s', agent_studio_private.mermaid_node(w.from_step),
			coalesce('|' || agent_studio_private.mermaid_text(coalesce(w.label, w.passed)) || '|', ''), agent_studio_private.mermaid_node(w.to_step))
		FROM agent_studio_private.diagram_ways(definition, boxes) w
		UNION ALL
		SELECT 4, r.from_step, r.to_step, format('    %s -.->|%s| %s', agent_studio_private.mermaid_node(r.from_step),
			agent_studio_private.mermaid_text(r.label), agent_studio_private.mermaid_node(r.to_step))
		FROM agent_studio_private.diagram_returns(definition) r
		UNION ALL
		SELECT 5, 0, c.n, format('    classDef %s stroke:%s,stroke-width:2px', c.name, c.color)
		FROM (VALUES (1, 'done', '#2e7d32'), (2, 'running', '#1565c0'), (3, 'failed', '#c62828'), (4, 'held', '#b26a00'),
			(5, 'waiting', '#757575'), (6, 'passed', '#bdbdbd')) c (n, name, color)
		WHERE c.name IN (SELECT b.state FROM unnest(boxes) b)
		UNION ALL
		SELECT 6, 0, min(b.step), format('    class %s %s', string_agg(agent_studio_private.mermaid_node(b.step), ',' ORDER BY b.step), b.state)
		FROM unnest(boxes) b WHERE b.state IS NOT NULL GROUP BY b.state) l
	ORDER BY l.part, l.place, l.n;
END;
COMMENT ON FUNCTION agent_studio_private.mermaid_diagram(agent_studio_private.diagram_box[], jsonb) IS
'A diagram as a flowchart of Mermaid: dotted are loops and the ways to what runs on demand; the state of each step is its class.';
