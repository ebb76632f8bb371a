-- Where the boxes of a diagram lie, and the ways between them: in layers, each step
-- below all that it comes after. A way that passes by a layer has a point there like a
-- box, only narrower, so that no way goes through a box. One layout serves all who draw;
-- what a unit is (a column, a pixel) they know themselves.

CREATE FUNCTION agent_studio_private.diagram_points(layers integer[], from_node integer[], to_node integer[])
RETURNS TABLE (point integer, node integer, way integer, layer integer)
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT l.n::int, l.n::int, NULL::int, l.layer FROM unnest(layers) WITH ORDINALITY l (layer, n)
	UNION ALL
	SELECT cardinality(layers) + row_number() OVER (ORDER BY w.n, l.layer)::int, NULL, w.n::int, l.layer
	FROM unnest(from_node, to_node) WITH ORDINALITY w (a, b, n)
	CROSS JOIN LATERAL generate_series(layers[w.a] + 1, layers[w.b] - 1) l (layer);
END;
COMMENT ON FUNCTION agent_studio_private.diagram_points(integer[], integer[], integer[]) IS
'The points of a diagram: a box (node) each, numbered as in layers, then a point (of a way) in each layer that a way passes by.';

CREATE FUNCTION agent_studio_private.diagram_hops(layers integer[], from_node integer[], to_node integer[])
RETURNS TABLE (way integer, from_point integer, to_point integer, layer integer)
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT h.way, h.point, h.next, h.layer
	FROM (SELECT c.way, c.point, c.layer, lead(c.point) OVER (PARTITION BY c.way ORDER BY c.layer) AS next
		  FROM (SELECT w.n::int AS way, e.node AS point, layers[e.node] AS layer
				FROM unnest(from_node, to_node) WITH ORDINALITY w (a, b, n)
				CROSS JOIN LATERAL (VALUES (w.a), (w.b)) e (node)
				UNION ALL
				SELECT p.way, p.point, p.layer
				FROM agent_studio_private.diagram_points(layers, from_node, to_node) p WHERE p.way IS NOT NULL) c) h
	WHERE h.next IS NOT NULL;
END;
COMMENT ON FUNCTION agent_studio_private.diagram_hops(integer[], integer[], integer[]) IS
'The ways, cut into pieces that lead from one layer to the next.';

CREATE FUNCTION agent_studio_private.side_by_side(points integer[], wishes numeric[], widths integer[], gap integer, room integer)
RETURNS TABLE (point integer, middle integer)
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	-- Each as near to its wish as the others let it, the whole row in the mean where it wants to be.
	WITH listed AS (
		SELECT p.n, p.point, p.wish, p.width, lag(p.width) OVER (ORDER BY p.n) AS before
		FROM unnest(points, wishes, widths) WITH ORDINALITY p (point, wish, width, n)),
	packed AS (
		SELECT l.*, sum(CASE WHEN l.before IS NULL THEN 0 ELSE l.before - l.before / 2 + l.width / 2 + gap END) OVER (ORDER BY l.n) AS place FROM listed l),
	pushed AS (
		SELECT p.*, p.place + max(p.wish - p.place) OVER (ORDER BY p.n) AS x,
			   max(p.place) OVER () AS last, first_value(p.width) OVER (ORDER BY p.n) / 2 AS margin,
			   (last_value(p.width) OVER (ORDER BY p.n ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) + 1) / 2 AS end_margin
		FROM packed p),
	shifted AS (SELECT p.*, round(p.x + avg(p.wish - p.x) OVER ()) AS wanted FROM pushed p)
	SELECT s.point, greatest(least(s.wanted, room - s.end_margin - (s.last - s.place)), s.margin + s.place)::int
	FROM shifted s;
END;
COMMENT ON FUNCTION agent_studio_private.side_by_side(integer[], numeric[], integer[], integer, integer) IS
'The middles of points that lie side by side in this order, not nearer to each other than gap, as near as may be to where they wish to be, within 0 and room.';

CREATE FUNCTION agent_studio_private.placed_points(layers integer[], widths integer[], from_point integer[], to_point integer[],
	ranks integer[], gap integer, room integer) RETURNS integer[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	middles integer[] := array_fill(0, ARRAY[cardinality(layers)]);
	place record;
	points integer[];
	wishes numeric[];
	left_end integer;
BEGIN
	FOR depth IN 0..(SELECT max(l) FROM unnest(layers) l) LOOP
		SELECT array_agg(p.n ORDER BY p.wish, ranks[p.n]), array_agg(p.wish ORDER BY p.wish, ranks[p.n]) INTO points, wishes
		FROM (SELECT l.n, coalesce(avg(middles[h.a]), room / 2.0) AS wish
			  FROM unnest(layers) WITH ORDINALITY l (layer, n)
			  LEFT JOIN unnest(from_point, to_point) h (a, b) ON h.b = l.n
			  WHERE l.layer = depth GROUP BY l.n) p;
		FOR place IN SELECT * FROM agent_studio_private.side_by_side(points, wishes,
				ARRAY(SELECT widths[p.n] FROM unnest(points) WITH ORDINALITY p (n, i) ORDER BY p.i), gap, room) LOOP
			middles[place.point] := place.middle;
		END LOOP;
	END LOOP;
	SELECT min(m.middle - widths[m.n] / 2) INTO left_end FROM unnest(middles) WITH ORDINALITY m (middle, n);
	RETURN ARRAY(SELECT m.middle - left_end FROM unnest(middles) WITH ORDINALITY m (middle, n) ORDER BY m.n);
END
$$;
COMMENT ON FUNCTION agent_studio_private.placed_points(integer[], integer[], integer[], integer[], integer[], integer, integer) IS
'The middle of each point from the left end of the diagram: below what leads to it; those that wish for the same place lie in the order of their ranks.';

CREATE TYPE agent_studio_private.diagram_scale AS (
	column_width integer, line_height integer, frame_width integer, frame_height integer,
	side_gap integer, arrow_height integer, label_height integer, crossing_height integer, room integer);
COMMENT ON TYPE agent_studio_private.diagram_scale IS
'How large things are in the units of who draws: a column and a line of text, the frame of a box (both sides together), the gap between boxes side by side, and between layers an arrow, a label, and a line across; and how wide the whole may be.';

CREATE TYPE agent_studio_private.diagram_place AS (
	point integer, node integer, layer integer, middle integer, width integer, top integer, bottom integer);
COMMENT ON TYPE agent_studio_private.diagram_place IS
'Where a point of a diagram lies: its middle, its width, and where it begins and ends, from above.';

CREATE FUNCTION agent_studio_private.net_of(from_point integer, to_point integer, arriving bigint) RETURNS integer
LANGUAGE sql IMMUTABLE
RETURN CASE WHEN arriving > 1 THEN -to_point ELSE from_point END;
COMMENT ON FUNCTION agent_studio_private.net_of(integer, integer, bigint) IS
'Pieces of ways that lie on one line across: those that arrive at one point, else those that come from one.';

CREATE FUNCTION agent_studio_private.diagram_places(contents integer[], columns integer[], layers integer[],
	froms integer[], tos integer[], labels text[], scale agent_studio_private.diagram_scale) RETURNS agent_studio_private.diagram_place[]
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	WITH points AS MATERIALIZED (
		SELECT p.*, CASE WHEN p.node IS NULL THEN 1 ELSE columns[p.node] * (scale).column_width + (scale).frame_width END AS width
		FROM agent_studio_private.diagram_points(layers, froms, tos) p),
	hops AS MATERIALIZED (
		SELECT h.*, agent_studio_private.net_of(h.from_point, h.to_point, count(*) OVER (PARTITION BY h.to_point)) AS net
		FROM agent_studio_private.diagram_hops(layers, froms, tos) h),
	laid AS MATERIALIZED (
		SELECT agent_studio_private.placed_points(
			ARRAY(SELECT p.layer FROM points p ORDER BY p.point), ARRAY(SELECT p.width FROM points p ORDER BY p.point),
			ARRAY(SELECT h.from_point FROM hops h ORDER BY h.way, h.layer), ARRAY(SELECT h.to_point FROM hops h ORDER BY h.way, h.layer),
			ARRAY(SELECT coalesce(p.node, tos[p.way]) FROM points p ORDER BY p.point),
			(scale).side_gap, (scale).room) AS middles),
	heights AS (
		SELECT p.layer, max((scale).frame_height + (scale).line_height * contents[p.node]) AS height
		FROM points p WHERE p.node IS NOT NULL GROUP BY p.layer),
	gaps AS (
		SELECT h.layer, (scale).arrow_height
			+ CASE WHEN bool_or(labels[h.way] <> '' AND h.to_point <= cardinality(layers)) THEN (scale).label_height ELSE 0 END
			+ (scale).crossing_height * count(DISTINCT h.net) FILTER (WHERE l.middles[h.from_point] <> l.middles[h.to_point]) AS gap
		FROM hops h, laid l GROUP BY h.layer),
	rows AS (
		SELECT h.layer, h.height, sum(h.height + coalesce(g.gap, (scale).arrow_height)) OVER (ORDER BY h.layer)
			- h.height - coalesce(g.gap, (scale).arrow_height) AS top
		FROM heights h LEFT JOIN gaps g USING (layer))
	SELECT array_agg((p.point, p.node, p.layer, l.middles[p.point], p.width, r.top, r.top + r.height - 1)::agent_studio_private.diagram_place
					 ORDER BY p.point)
	FROM points p JOIN rows r USING (layer), laid l;
END;
COMMENT ON FUNCTION agent_studio_private.diagram_places(integer[], integer[], integer[], integer[], integer[], text[], agent_studio_private.diagram_scale) IS
'Where the points of a diagram lie whose boxes have so many lines (contents) of so many columns of text.';
