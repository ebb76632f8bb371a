-- Diagrams as SVG: a picture of its own, and part of pages. It says its colours itself,
-- for light and for dark.

CREATE FUNCTION agent_studio_private.svg_style() RETURNS text
LANGUAGE sql IMMUTABLE
RETURN '<style>'
	'.asd{--back:#fff;--ink:#1d2733;--soft:#5d6b7a;--line:#8a97a5;--face:#fff;--edge:#c5ced8;--done:#1a7f37;--running:#0b62c4;--failed:#c62828;--held:#9a5b00;--waiting:#8a97a5;'
	'font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-size:13px;background:var(--back)}'
	'@media screen and (prefers-color-scheme:dark){.asd{--back:#11171e;--ink:#e6ebf1;--soft:#9dabba;--line:#7f8d9c;--face:#1b232d;--edge:#3a4654;--done:#4cc26b;--running:#6bb0ff;--failed:#ff7b72;--held:#e3a63f;--waiting:#7f8d9c}}'
	'.asd text{fill:var(--ink)}.asd .n,.asd .a,.asd .l,.asd .t{fill:var(--soft);font-size:11.5px}.asd .h{font-weight:600}'
	'.asd rect{fill:var(--face);stroke:var(--edge)}.asd rect.demand{stroke-dasharray:4 3}.asd rect.bar{stroke:none;fill:var(--edge)}'
	'.asd path{fill:none;stroke:var(--line);stroke-width:1.3}.asd path.tip{fill:var(--line);stroke:none}.asd path.back{stroke-dasharray:4 3}'
	'.asd rect.done{fill:var(--done)}.asd rect.running{fill:var(--running)}.asd rect.failed{fill:var(--failed)}.asd rect.held{fill:var(--held)}.asd rect.waiting,.asd rect.passed{fill:var(--waiting)}'
	'.asd text.done{fill:var(--done)}.asd text.running{fill:var(--running)}.asd text.failed{fill:var(--failed)}.asd text.held{fill:var(--held)}'
	'</style>';
COMMENT ON FUNCTION agent_studio_private.svg_style() IS 'How diagrams look, in light and in dark.';

CREATE FUNCTION agent_studio_private.svg_box(box agent_studio_private.diagram_box, place agent_studio_private.diagram_place, lines text[]) RETURNS text
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT format('<rect class="%s" x="%s" y="%s" width="%s" height="%s" rx="8"/>', (box).kind, p.x, (place).top, (place).width, p.height)
		|| coalesce('<rect class="bar ' || (box).state || format('" x="%s" y="%s" width="4" height="%s" rx="2"/>', p.x + 6, (place).top + 8, p.height - 16), '')
		|| (SELECT string_agg(format('<text class="%s" x="%s" y="%s">%s</text>',
				CASE WHEN cardinality(lines) = 1 THEN 'h' WHEN l.n = 1 THEN 'n' WHEN l.n = 2 THEN 'h'
					WHEN (box).state IS NOT NULL AND starts_with(l.line, (box).notes[1]) THEN 't ' || (box).state ELSE 'a' END,
				p.x + 20, (place).top + 22 + (l.n - 1) * 18, agent_studio_private.html_text(l.line)), '' ORDER BY l.n)
			FROM unnest(lines) WITH ORDINALITY l (line, n))
	FROM (SELECT (place).middle - (place).width / 2 AS x, (place).bottom - (place).top + 1 AS height) p;
END;
COMMENT ON FUNCTION agent_studio_private.svg_box(agent_studio_private.diagram_box, agent_studio_private.diagram_place, text[]) IS
'A box with a bar in the colour of its state, and its lines.';

CREATE FUNCTION agent_studio_private.svg_way(a agent_studio_private.diagram_place, b agent_studio_private.diagram_place) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN format('<path d="M%s %s C%s %s %s %s %s %s', (a).middle, (a).bottom + 1, (a).middle, (a).bottom + 21,
		(b).middle, (a).bottom + 9, (b).middle, (a).bottom + 31)
	|| CASE WHEN (b).node IS NULL THEN format(' V%s"/>', (b).bottom + 1)
		ELSE format(' V%s"/><path class="tip" d="M%s %s l-4 -8 h8 z"/>', (b).top - 6, (b).middle, (b).top) END;
COMMENT ON FUNCTION agent_studio_private.svg_way(agent_studio_private.diagram_place, agent_studio_private.diagram_place) IS
'A piece of a way; with its tip, where it ends at a box.';

CREATE FUNCTION agent_studio_private.svg_return(a agent_studio_private.diagram_place, b agent_studio_private.diagram_place, lane integer) RETURNS text
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT format('<path class="back" d="M%s %s H%s V%s H%s"/><path class="tip" d="M%s %s l8 -4 v8 z"/>',
		p.x1, p.y1, lane, p.y2, p.x2 + 6, p.x2, p.y2)
	FROM (SELECT (a).middle - (a).width / 2 + (a).width AS x1, (b).middle - (b).width / 2 + (b).width AS x2,
				 ((a).top + (a).bottom) / 2 + 6 AS y1, ((b).top + (b).bottom) / 2 - 6 AS y2) p;
END;
COMMENT ON FUNCTION agent_studio_private.svg_return(agent_studio_private.diagram_place, agent_studio_private.diagram_place, integer) IS
'A loop back, by a lane at the right side.';

CREATE FUNCTION agent_studio_private.svg_labels(places agent_studio_private.diagram_place[], way_to integer[], labels text[])
RETURNS TABLE (x integer, y integer, label text)
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT p.middle + 8, p.top - 12, agent_studio_private.one_line(w.label, CASE WHEN count(*) OVER (PARTITION BY p.layer) = 1 THEN 48 ELSE p.width / 7 END)
	FROM (SELECT w.node, string_agg(DISTINCT w.label, ', ') AS label FROM unnest(way_to, labels) w (node, label)
		  WHERE w.label <> '' GROUP BY w.node) w
	JOIN unnest(places) p USING (node);
END;
COMMENT ON FUNCTION agent_studio_private.svg_labels(agent_studio_private.diagram_place[], integer[], text[]) IS
'What is written on ways, beside their tips.';

CREATE FUNCTION agent_studio_private.svg_lines(boxes agent_studio_private.diagram_box[], places agent_studio_private.diagram_place[],
	columns integer[], hop_from integer[], hop_to integer[], way_to integer[], labels text[],
	return_from integer[], return_to integer[], title text) RETURNS SETOF text
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	WITH extent AS (
		SELECT max(p.middle - p.width / 2 + p.width) AS boxes, max(p.bottom) + 3 AS height FROM unnest(places) p),
	size AS (
		SELECT e.height, greatest(e.boxes + cardinality(return_from) * 14 + 4,
			(SELECT max(l.x + 7 * agent_studio_private.display_width(l.label)) FROM agent_studio_private.svg_labels(places, way_to, labels) l)) AS width, e.boxes
		FROM extent e)
	SELECT l.line FROM (
		SELECT 0 AS part, 0::bigint AS n, format('<svg xmlns="http://www.w3.org/2000/svg" class="asd" viewBox="-2 -2 %s %s" width="%s" height="%s" role="img"><title>%s</title>',
			s.width + 4, s.height + 4, s.width + 4, s.height + 4, agent_studio_private.html_text(title)) || agent_studio_private.svg_style() AS line
		FROM size s
		UNION ALL
		SELECT 1, h.n, agent_studio_private.svg_way(places[h.a], places[h.b]) FROM unnest(hop_from, hop_to) WITH ORDINALITY h (a, b, n)
		UNION ALL
		SELECT 2, r.n, agent_studio_private.svg_return(places[r.a], places[r.b], (s.boxes + r.n * 14)::int)
		FROM unnest(return_from, return_to) WITH ORDINALITY r (a, b, n), size s
		UNION ALL
		SELECT 3, b.n, agent_studio_private.svg_box(boxes[b.n], places[b.n], agent_studio_private.box_text(boxes[b.n], true, columns[b.n]))
		FROM generate_series(1, cardinality(boxes)) b (n)
		UNION ALL
		SELECT 4, row_number() OVER (), format('<text class="l" x="%s" y="%s">%s</text>', l.x, l.y, agent_studio_private.html_text(l.label))
		FROM agent_studio_private.svg_labels(places, way_to, labels) l
		UNION ALL
		SELECT 5, 0, '</svg>') l
	ORDER BY l.part, l.n;
END;
COMMENT ON FUNCTION agent_studio_private.svg_lines(agent_studio_private.diagram_box[], agent_studio_private.diagram_place[], integer[], integer[], integer[], integer[], text[], integer[], integer[], text) IS
'A diagram whose layout is known, as SVG, an element a line.';

CREATE FUNCTION agent_studio_private.svg_diagram(boxes agent_studio_private.diagram_box[], definition jsonb, title text) RETURNS SETOF text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	steps integer[] := ARRAY(SELECT b.step FROM unnest(boxes) b);
	way_from integer[];
	way_to integer[];
	labels text[];
	layers integer[];
	columns integer[];
	room integer;
	places agent_studio_private.diagram_place[];
BEGIN
	SELECT coalesce(array_agg(array_position(steps, w.from_step)), '{}'), coalesce(array_agg(array_position(steps, w.to_step)), '{}'),
		   coalesce(array_agg(coalesce(w.label, w.passed)), '{}')
	INTO way_from, way_to, labels
	FROM agent_studio_private.diagram_ways(definition, boxes) w;
	layers := agent_studio_private.diagram_layers(boxes, way_from, way_to, definition IS NOT NULL);
	-- Of very many ways, those that lead to the next layer.
	IF (SELECT sum(layers[w.b] - layers[w.a] - 1) FROM unnest(way_from, way_to) w (a, b)) > 2000 THEN
		SELECT array_agg(w.a), array_agg(w.b), array_agg(w.label) INTO way_from, way_to, labels
		FROM unnest(way_from, way_to, labels) w (a, b, label) WHERE layers[w.b] = layers[w.a] + 1;
	END IF;
	columns := ARRAY(SELECT least(max(agent_studio_private.natural_columns(boxes[l.n::int], true)) OVER (PARTITION BY l.layer),
			CASE WHEN count(*) OVER (PARTITION BY l.layer) > 1 THEN 26 ELSE 40 END)
		FROM unnest(layers) WITH ORDINALITY l (layer, n) ORDER BY l.n);
	SELECT max(r.width) INTO room FROM (
		SELECT sum(CASE WHEN p.node IS NULL THEN 25 ELSE columns[p.node] * 7 + 60 END)::int AS width
		FROM agent_studio_private.diagram_points(layers, way_from, way_to) p GROUP BY p.layer) r;
	places := agent_studio_private.diagram_places(
		ARRAY(SELECT cardinality(agent_studio_private.box_text(boxes[c.n::int], true, c.columns)) FROM unnest(columns) WITH ORDINALITY c (columns, n) ORDER BY c.n),
		columns, layers, way_from, way_to, labels, (7, 18, 36, 18, 24, 44, 16, 0, room));
	RETURN QUERY
	SELECT agent_studio_private.svg_lines(boxes, places, columns, h.froms, h.tos, way_to, labels, r.froms, r.tos, title)
	FROM (SELECT coalesce(array_agg(x.from_point), '{}') AS froms, coalesce(array_agg(x.to_point), '{}') AS tos
		  FROM agent_studio_private.diagram_hops(layers, way_from, way_to) x) h,
		 (SELECT coalesce(array_agg(array_position(steps, x.from_step)), '{}') AS froms, coalesce(array_agg(array_position(steps, x.to_step)), '{}') AS tos
		  FROM agent_studio_private.diagram_returns(definition) x WHERE x.kind = 'go_back') r;
END
$$;
COMMENT ON FUNCTION agent_studio_private.svg_diagram(agent_studio_private.diagram_box[], jsonb, text) IS
'A diagram as SVG, an element a line; what runs on demand only lies below, in dashed frames.';
