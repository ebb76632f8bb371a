-- Drawing with characters. Everything drawn is a straight line from one cell to another;
-- cells gather in which directions lines leave them, and that decides their character.
-- Where lines of different nets only cross there is no junction: the upright one is seen.

CREATE TYPE agent_studio_private.canvas_line AS (net integer, y1 integer, x1 integer, y2 integer, x2 integer);
COMMENT ON TYPE agent_studio_private.canvas_line IS
'A straight line from (y1, x1) down or right to (y2, x2); lines of one net join where they meet, and so do those of net 0 with all.';

CREATE TYPE agent_studio_private.canvas_text AS (y integer, x integer, content text);
COMMENT ON TYPE agent_studio_private.canvas_text IS 'One line of text that begins at (y, x), over all lines.';

CREATE FUNCTION agent_studio_private.canvas_cells(lines agent_studio_private.canvas_line[])
RETURNS TABLE (y integer, x integer, glyph text)
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	-- North 1, east 2, south 4, west 8.
	WITH touched AS (
		SELECT l.net, v.y, l.x1 AS x, CASE WHEN v.y > l.y1 THEN 1 ELSE 0 END | CASE WHEN v.y < l.y2 THEN 4 ELSE 0 END AS ways
		FROM unnest(lines) l CROSS JOIN LATERAL generate_series(l.y1, l.y2) v (y) WHERE l.x1 = l.x2
		UNION ALL
		SELECT l.net, l.y1, h.x, CASE WHEN h.x > l.x1 THEN 8 ELSE 0 END | CASE WHEN h.x < l.x2 THEN 2 ELSE 0 END
		FROM unnest(lines) l CROSS JOIN LATERAL generate_series(l.x1, l.x2) h (x) WHERE l.x1 <> l.x2),
	netted AS (SELECT t.net, t.y, t.x, bit_or(t.ways) AS ways FROM touched t GROUP BY t.net, t.y, t.x)
	SELECT n.y, n.x, substr('│─└││┌├─┘─┴┐┤┬┼', CASE WHEN bool_or(n.ways = 5 AND n.net <> 0) AND bool_or(n.ways = 10 AND n.net <> 0) THEN 5 ELSE bit_or(n.ways) END, 1)
	FROM netted n WHERE n.ways > 0 GROUP BY n.y, n.x;
END;
COMMENT ON FUNCTION agent_studio_private.canvas_cells(agent_studio_private.canvas_line[]) IS
'The cells that lines go through, each with its character.';

CREATE FUNCTION agent_studio_private.canvas(lines agent_studio_private.canvas_line[], texts agent_studio_private.canvas_text[])
RETURNS SETOF text
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	WITH pieces AS (
		SELECT c.y, c.x, c.glyph AS content, 1 AS width FROM agent_studio_private.canvas_cells(lines) c
		WHERE NOT EXISTS (SELECT FROM unnest(texts) t WHERE t.y = c.y AND c.x >= t.x AND c.x < t.x + agent_studio_private.display_width(t.content))
		UNION ALL
		SELECT t.y, t.x, t.content, agent_studio_private.display_width(t.content) FROM unnest(texts) t),
	spaced AS (
		SELECT p.y, p.x, repeat(' ', (p.x - coalesce(lag(p.x + p.width) OVER (PARTITION BY p.y ORDER BY p.x), 0))::int) || p.content AS content
		FROM pieces p)
	SELECT coalesce(string_agg(s.content, '' ORDER BY s.x), '')
	FROM generate_series(0, (SELECT max(p.y) FROM pieces p)) r (y) LEFT JOIN spaced s USING (y)
	GROUP BY r.y ORDER BY r.y;
END;
COMMENT ON FUNCTION agent_studio_private.canvas(agent_studio_private.canvas_line[], agent_studio_private.canvas_text[]) IS
'What is drawn, a row a line.';
