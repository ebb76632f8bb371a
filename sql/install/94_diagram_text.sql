-- Diagrams in psql, within the 100 columns of a terminal, of which psql takes two. What has
-- no room there (more branches than fit side by side, very many steps) is told as a list.

CREATE FUNCTION agent_studio_private.box_columns(boxes agent_studio_private.diagram_box[], layers integer[], passing integer[],
	notes_inside boolean) RETURNS integer[]
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	-- Boxes of a layer are as wide as the widest of them; where each layer has but one, all are.
	WITH listed AS (
		SELECT l.n, l.layer, agent_studio_private.natural_columns(boxes[l.n], notes_inside) AS columns
		FROM unnest(layers) WITH ORDINALITY l (layer, n)),
	rows AS (
		SELECT l.layer, count(*) AS boxes, max(l.columns) AS columns,
			   (SELECT count(*) FROM unnest(passing) p WHERE p = l.layer) AS passing
		FROM listed l GROUP BY l.layer),
	fitted AS (
		SELECT r.*, least(CASE WHEN max(r.boxes + r.passing) OVER () = 1 THEN max(r.columns) OVER () ELSE r.columns END,
						  (98 - r.passing * 2 - r.boxes + 1) / r.boxes - 4)::int AS room FROM rows r)
	SELECT array_agg(f.room ORDER BY l.n)
	FROM listed l JOIN fitted f USING (layer);
END;
COMMENT ON FUNCTION agent_studio_private.box_columns(agent_studio_private.diagram_box[], integer[], integer[], boolean) IS
'How many columns the text of each box has.';

CREATE FUNCTION agent_studio_private.crossing_places(nets integer[], froms integer[], tos integer[], middles integer[])
RETURNS TABLE (net integer, place integer)
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	-- Those that are straight need none.
	kinds integer[] := ARRAY(SELECT h.net FROM unnest(nets, froms, tos) h (net, f, t) GROUP BY h.net
							 HAVING bool_or(middles[h.f] <> middles[h.t]) ORDER BY min(middles[h.f]), h.net);
	above integer[];
	below integer[];
BEGIN
	-- Where one net leaves a column that another one enters, it has to turn off first.
	SELECT array_agg(array_position(kinds, o.net)), array_agg(array_position(kinds, i.net)) INTO above, below
	FROM (SELECT DISTINCT h.net, h.f FROM unnest(nets, froms) h (net, f)) o
	JOIN (SELECT DISTINCT h.net, h.t FROM unnest(nets, tos) h (net, t)) i ON middles[i.t] = middles[o.f] AND i.net <> o.net
	WHERE NOT EXISTS (SELECT FROM unnest(froms, tos) h (f, t) WHERE h.f = o.f AND h.t = i.t)
	  AND o.net = ANY (kinds) AND i.net = ANY (kinds);
	RETURN QUERY
	SELECT k.net, (row_number() OVER (ORDER BY k.depth, k.n))::int
	FROM unnest(kinds, agent_studio_private.way_ends(array_fill(1::numeric, ARRAY[cardinality(kinds)]), above, below))
		WITH ORDINALITY k (net, depth, n);
END
$$;
COMMENT ON FUNCTION agent_studio_private.crossing_places(integer[], integer[], integer[], integer[]) IS
'In which order, from above, the nets between two layers have their line across: so that no two share a piece of a column.';

CREATE FUNCTION agent_studio_private.way_lines(places agent_studio_private.diagram_place[], froms integer[], tos integer[])
RETURNS SETOF agent_studio_private.canvas_line
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	WITH hops AS (
		SELECT h.n, a.layer, a.middle AS x1, b.middle AS x2, a.bottom AS y1, b.top - (b.node IS NOT NULL)::int AS y2, h.a, h.b,
			   agent_studio_private.net_of(h.a, h.b, count(*) OVER (PARTITION BY h.b)) AS net
		FROM unnest(froms, tos) WITH ORDINALITY h (a, b, n)
		CROSS JOIN LATERAL (SELECT (places[h.a]).*) a CROSS JOIN LATERAL (SELECT (places[h.b]).*) b),
	across AS (
		SELECT g.layer, c.net, c.place
		FROM (SELECT h.layer, array_agg(h.net ORDER BY h.n) AS nets, array_agg(h.a ORDER BY h.n) AS a, array_agg(h.b ORDER BY h.n) AS b
			  FROM hops h GROUP BY h.layer) g
		CROSS JOIN LATERAL agent_studio_private.crossing_places(g.nets, g.a, g.b, ARRAY(SELECT p.middle FROM unnest(places) p ORDER BY p.point)) c)
	SELECT (h.net, l.y1, l.x1, l.y2, l.x2)::agent_studio_private.canvas_line
	FROM hops h LEFT JOIN across c USING (layer, net)
	CROSS JOIN LATERAL (
		SELECT h.y1, h.x1, h.y2, h.x2 WHERE c.place IS NULL
		UNION ALL SELECT h.y1, h.x1, h.y1 + c.place, h.x1 WHERE c.place IS NOT NULL
		UNION ALL SELECT h.y1 + c.place, least(h.x1, h.x2), h.y1 + c.place, greatest(h.x1, h.x2) WHERE c.place IS NOT NULL AND h.x1 <> h.x2
		UNION ALL SELECT h.y1 + c.place, h.x2, h.y2, h.x2 WHERE c.place IS NOT NULL) l
	UNION ALL
	SELECT (0, p.top, p.middle, p.bottom, p.middle)::agent_studio_private.canvas_line FROM unnest(places) p WHERE p.node IS NULL;
END;
COMMENT ON FUNCTION agent_studio_private.way_lines(agent_studio_private.diagram_place[], integer[], integer[]) IS
'The ways as lines: down, across where that is needed, and down.';

CREATE FUNCTION agent_studio_private.box_lines(place agent_studio_private.diagram_place) RETURNS SETOF agent_studio_private.canvas_line
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT (0, l.y1, l.x1, l.y2, l.x2)::agent_studio_private.canvas_line
	FROM (SELECT (place).top AS t, (place).bottom AS b, (place).middle - (place).width / 2 AS l,
				 (place).middle - (place).width / 2 + (place).width - 1 AS r) p
	CROSS JOIN LATERAL (VALUES (p.t, p.l, p.t, p.r), (p.b, p.l, p.b, p.r), (p.t, p.l, p.b, p.l), (p.t, p.r, p.b, p.r)) l (y1, x1, y2, x2);
END;
COMMENT ON FUNCTION agent_studio_private.box_lines(agent_studio_private.diagram_place) IS 'The four sides of a box.';

CREATE FUNCTION agent_studio_private.diagram_texts(boxes agent_studio_private.diagram_box[], places agent_studio_private.diagram_place[],
	columns integer[], way_to integer[], labels text[], notes_beside boolean) RETURNS SETOF agent_studio_private.canvas_text
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT (p.top + l.n, p.middle - p.width / 2 + 2, l.line)::agent_studio_private.canvas_text
	FROM unnest(places) p CROSS JOIN LATERAL unnest(agent_studio_private.box_text(boxes[p.node], NOT notes_beside, columns[p.node])) WITH ORDINALITY l (line, n)
	UNION ALL
	SELECT (p.top + n.n, p.middle + (p.width + 1) / 2 + CASE n.n WHEN 1 THEN 2 ELSE 4 END,
			agent_studio_private.one_line(n.note, 94 - p.middle - (p.width + 1) / 2))::agent_studio_private.canvas_text
	FROM unnest(places) p CROSS JOIN LATERAL unnest((boxes[p.node]).notes) WITH ORDINALITY n (note, n)
	WHERE notes_beside AND n.n <= 3
	UNION ALL
	SELECT (p.top - 1, p.middle, '▼')::agent_studio_private.canvas_text FROM unnest(places) p WHERE p.node = ANY (way_to)
	UNION ALL
	SELECT (p.top - 2, p.middle + 2, agent_studio_private.one_line(w.label, least(96 - p.middle,
			-- Up to the next way down.
			(SELECT min(o.middle) - p.middle - 3 FROM unnest(places) o WHERE o.layer = p.layer AND o.middle > p.middle))))::agent_studio_private.canvas_text
	FROM (SELECT w.node, string_agg(DISTINCT w.label, ', ') AS label
		  FROM unnest(way_to, labels) w (node, label) WHERE w.label <> '' GROUP BY w.node) w
	JOIN unnest(places) p USING (node);
END;
COMMENT ON FUNCTION agent_studio_private.diagram_texts(agent_studio_private.diagram_box[], agent_studio_private.diagram_place[], integer[], integer[], text[], boolean) IS
'What is written in the boxes, beside them, and on the ways.';

CREATE FUNCTION agent_studio_private.drawn_boxes(boxes agent_studio_private.diagram_box[],
	from_step integer[], to_step integer[], labels text[], with_notes boolean) RETURNS SETOF text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
DECLARE
	steps integer[] := ARRAY(SELECT b.step FROM unnest(boxes) b);
	way_from integer[] := ARRAY(SELECT array_position(steps, w.step) FROM unnest(from_step) WITH ORDINALITY w (step, n) ORDER BY w.n);
	way_to integer[] := ARRAY(SELECT array_position(steps, w.step) FROM unnest(to_step) WITH ORDINALITY w (step, n) ORDER BY w.n);
	layers integer[] := agent_studio_private.diagram_layers(boxes, way_from, way_to, true);
	passing integer[];
	is_chain boolean;
	columns integer[];
	places agent_studio_private.diagram_place[];
BEGIN
	IF cardinality(steps) > 100 OR (SELECT sum(layers[w.b] - layers[w.a] - 1) FROM unnest(way_from, way_to) w (a, b)) > 300 THEN
		RETURN;
	END IF;
	passing := ARRAY(SELECT p.layer FROM agent_studio_private.diagram_points(layers, way_from, way_to) p WHERE p.way IS NOT NULL);
	is_chain := cardinality(passing) = 0 AND (SELECT count(DISTINCT l) = count(*) FROM unnest(layers) l);
	columns := agent_studio_private.box_columns(boxes, layers, passing, NOT (is_chain AND with_notes));
	IF NOT is_chain AND 11 > ANY (columns) THEN
		RETURN;
	END IF;
	places := agent_studio_private.diagram_places(
		ARRAY(SELECT cardinality(agent_studio_private.box_text(boxes[c.n], NOT (is_chain AND with_notes), c.columns))
			  FROM unnest(columns) WITH ORDINALITY c (columns, n) ORDER BY c.n),
		columns, layers, way_from, way_to, labels, (1, 1, 4, 2, 1, 1, 1, 1, 98));
	RETURN QUERY
	SELECT agent_studio_private.canvas(
		ARRAY(SELECT l FROM agent_studio_private.way_lines(places, h.froms, h.tos) l
			  UNION ALL SELECT l FROM unnest(places) p CROSS JOIN LATERAL agent_studio_private.box_lines(p) l WHERE p.node IS NOT NULL),
		ARRAY(SELECT t FROM agent_studio_private.diagram_texts(boxes, places, columns, way_to, labels, is_chain AND with_notes) t))
	FROM (SELECT array_agg(x.from_point) AS froms, array_agg(x.to_point) AS tos
		  FROM agent_studio_private.diagram_hops(layers, way_from, way_to) x) h;
END
$$;
COMMENT ON FUNCTION agent_studio_private.drawn_boxes(agent_studio_private.diagram_box[], integer[], integer[], text[], boolean) IS
'The boxes with the ways between them, a row a line; no rows where they do not fit in 98 columns. with_notes: where the boxes are a chain, their notes stand beside them.';
