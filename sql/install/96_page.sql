-- Pages: one file each, that holds all it needs. No script, nothing from the network (and
-- the page itself forbids both), light and dark, to be printed too.
--
-- Pieces are put together, never filled in: what comes from rows goes through html_text
-- when it becomes HTML, and nothing is replaced in what already holds it.

CREATE FUNCTION agent_studio_private.html_style() RETURNS text
LANGUAGE sql IMMUTABLE
RETURN $$
:root{color-scheme:light dark;--page:#f5f6f8;--card:#fff;--ink:#1c2530;--soft:#5c6976;--line:#e2e7ed;--track:#edf0f4;--code:#f7f8fa;
--good:#1a7f37;--bad:#c62828;--warn:#9a5b00;--busy:#0b62c4;--c1:#3f72d8;--c2:#7fb0ee;--c3:#2a9d8f;--c4:#e0a030;--c5:#c05f9b;--c6:#8592a0}
@media screen and (prefers-color-scheme:dark){:root{--page:#0f141a;--card:#171e26;--ink:#e4eaf1;--soft:#9aa8b6;--line:#2a343f;--track:#232d38;--code:#121920;
--good:#4cc26b;--bad:#ff7b72;--warn:#e3a63f;--busy:#6bb0ff;--c1:#6d9bf1;--c2:#3f68a8;--c3:#4dc0b1;--c4:#e5b454;--c5:#d888ba;--c6:#7f8d9c}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.6 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;overflow-wrap:anywhere}
main{max-width:1080px;margin:0 auto;padding:36px 20px 48px}
header{margin:0 0 24px}
h1{font-size:26px;line-height:1.25;font-weight:650;letter-spacing:-.015em;margin:0 0 6px}
h2{font-size:18px;font-weight:650;letter-spacing:-.01em;margin:0 0 14px}
h3{font-size:15.5px;font-weight:650;margin:26px 0 8px}
h3 .soft{font-weight:400;font-size:14px}
h4{font-size:14px;font-weight:650;margin:14px 0 4px}
p{margin:0 0 10px}
.soft,footer{color:var(--soft)}
.kicker{color:var(--soft);font-size:13px;letter-spacing:.04em;text-transform:uppercase;margin:0 0 4px}
section{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:22px 24px;margin:0 0 18px}
section>:last-child{margin-bottom:0}
footer{font-size:13px;margin-top:24px}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(140px,1fr));gap:12px;margin:0 0 18px}
.tile{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:14px 16px;min-width:0}
.tile span{display:block;color:var(--soft);font-size:13px}
.tile b{display:block;font-size:21px;font-weight:620;letter-spacing:-.01em;line-height:1.35;font-variant-numeric:tabular-nums}
.tile small{color:var(--soft);font-size:12.5px}
.pill{display:inline-block;border:1px solid currentColor;border-radius:999px;padding:0 10px;font-size:13px;line-height:22px;white-space:nowrap}
.good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}.busy{color:var(--busy)}
.scroll{overflow-x:auto;max-width:100%;margin:0 0 10px}
table{border-collapse:collapse;width:100%;font-size:14px}
th{color:var(--soft);font-weight:500;font-size:13px}
th,td{overflow-wrap:break-word;text-align:left;vertical-align:top;padding:8px 12px;border-bottom:1px solid var(--line)}
th:first-child,td:first-child{padding-left:0}th:last-child,td:last-child{padding-right:0}
tbody tr:last-child td{border-bottom:0}
.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
dl{display:grid;grid-template-columns:minmax(96px,max-content) minmax(0,1fr);gap:2px 16px;margin:0 0 10px;font-size:14px}
dt{color:var(--soft)}dd{margin:0;min-width:0;font-variant-numeric:tabular-nums}
ol,ul{margin:0 0 10px;padding-left:22px}li{margin:2px 0}
blockquote{margin:0 0 12px;padding:2px 0 2px 14px;border-left:3px solid var(--line);white-space:pre-wrap}
pre{margin:8px 0 0;padding:12px 14px;background:var(--code);border:1px solid var(--line);border-radius:8px;font:12.5px/1.55 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre-wrap;max-height:460px;overflow:auto}
details{border-top:1px solid var(--line);padding:8px 0}summary{cursor:pointer}
.grid{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,300px),1fr));gap:18px 32px}
.grid>div{min-width:0}.grid h3,section h2+h3{margin-top:0}.wide{grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr))}
.chart text{font-size:13px;fill:var(--ink)}.chart .s{fill:var(--soft);font-size:12px}.chart .e{text-anchor:end}.chart .m{text-anchor:middle}
.chart{display:block;width:100%;overflow:visible;font-variant-numeric:tabular-nums}
.chart .track{fill:var(--track)}.chart .rule{stroke:var(--line)}.chart .goal{stroke:var(--warn);stroke-dasharray:5 4}.chart .goal-text{fill:var(--warn);font-size:12px}
.chart .hint{fill:transparent}.chart .hint:hover{fill:var(--ink);fill-opacity:.07}
.chart .line{fill:none;stroke:var(--c1);stroke-width:2;stroke-linejoin:round}
.c1{fill:var(--c1)}.c2{fill:var(--c2)}.c3{fill:var(--c3)}.c4{fill:var(--c4)}.c5{fill:var(--c5)}.c6{fill:var(--c6)}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:2px 16px;padding:0;margin:0 0 6px;font-size:13px;color:var(--soft)}.legend svg{width:10px;height:10px;margin-right:6px}
.donut{display:flex;gap:20px;align-items:center;flex-wrap:wrap}.donut>svg{width:150px;height:150px;flex:none}.donut .legend{flex-direction:column;flex:1 1 160px}
.donut circle{fill:none;stroke-width:6}.donut circle.c1{stroke:var(--c1)}.donut circle.c2{stroke:var(--c2)}.donut circle.c3{stroke:var(--c3)}.donut circle.c4{stroke:var(--c4)}.donut circle.c5{stroke:var(--c5)}.donut circle.c6{stroke:var(--c6)}
.picture{overflow-x:auto;padding-bottom:4px}.picture svg{display:block;margin:0 auto;background:none!important;max-width:none;height:auto}
@media (max-width:640px){main{padding:22px 14px 32px}section{padding:18px 16px}h1{font-size:22px}dl{grid-template-columns:minmax(72px,36%) 1fr;gap:2px 12px}}
@media print{:root{--page:#fff}body{font-size:11pt}main{max-width:none;padding:0}section,.tile{border-color:#ccc}section{padding:12px 14px}.tile,tr,.chart,h2,h3{break-inside:avoid}h2,h3{break-after:avoid}pre{max-height:none;overflow:visible}.picture,.scroll{overflow:visible}.picture svg{max-width:100%}}
$$;
COMMENT ON FUNCTION agent_studio_private.html_style() IS 'How pages look, in light, in dark and on paper.';

CREATE FUNCTION agent_studio_private.html_page(title text, body text) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN '<!DOCTYPE html>' || E'\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
	|| '<meta http-equiv="Content-Security-Policy" content="default-src ''none''; style-src ''unsafe-inline''; img-src data:; base-uri ''none''; form-action ''none''">' || E'\n'
	|| '<meta name="viewport" content="width=device-width, initial-scale=1">' || E'\n<meta name="referrer" content="no-referrer">\n<link rel="icon" href="data:,">\n'
	|| '<title>' || agent_studio_private.html_text(agent_studio_private.one_line(title, 120)) || E'</title>\n<style>'
	|| agent_studio_private.html_style() || E'</style>\n</head>\n<body>\n<main>\n' || body || E'\n</main>\n</body>\n</html>\n';
COMMENT ON FUNCTION agent_studio_private.html_page(text, text) IS
'A page; title is text, body is HTML. Its policy forbids scripts and whatever would be fetched.';

CREATE FUNCTION agent_studio_private.html_section(title text, body text) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN '<section><h2>' || agent_studio_private.html_text(title) || E'</h2>\n' || body || E'</section>\n';
COMMENT ON FUNCTION agent_studio_private.html_section(text, text) IS 'A part of a page with its heading; title is text, body is HTML.';

CREATE FUNCTION agent_studio_private.html_tiles(labels text[], contents text[], notes text[], classes text[] DEFAULT NULL) RETURNS text
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT '<div class="tiles">' || string_agg('<div class="tile"><span>' || agent_studio_private.html_text(t.label) || '</span><b' || coalesce(' class="' || classes[t.n] || '"', '') || '>'
		|| agent_studio_private.html_text(coalesce(t.content, 'not known')) || '</b>'
		|| coalesce('<small>' || agent_studio_private.html_text(t.note) || '</small>', '') || '</div>', '' ORDER BY t.n) || E'</div>\n'
	FROM unnest(labels, contents, notes) WITH ORDINALITY t (label, content, note, n);
END;
COMMENT ON FUNCTION agent_studio_private.html_tiles(text[], text[], text[], text[]) IS 'Figures to be seen first, each with its label, a note (or NULL), and a class of the style (or NULL).';

CREATE FUNCTION agent_studio_private.html_row(cells text[], numeric_columns integer[], classes text[] DEFAULT NULL) RETURNS text
AS 'MODULE_PATHNAME', 'agent_studio_html_row' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION agent_studio_private.html_row(text[], integer[], text[]) IS 'A row of a table; numeric_columns are aligned at the right, classes are those of the style for each cell (or NULL).';

CREATE FUNCTION agent_studio_private.html_table(heads text[], numeric_columns integer[], rows text) RETURNS text
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT '<div class="scroll"><table><thead><tr>' || string_agg(CASE WHEN h.n = ANY (numeric_columns) THEN '<th class="n">' ELSE '<th>' END
		|| agent_studio_private.html_text(h.head) || '</th>', '' ORDER BY h.n) || E'</tr></thead>\n<tbody>\n' || coalesce(rows, '') || E'</tbody></table></div>\n'
	FROM unnest(heads) WITH ORDINALITY h (head, n);
END;
COMMENT ON FUNCTION agent_studio_private.html_table(text[], integer[], text) IS 'A table, of rows that html_row made.';

CREATE FUNCTION agent_studio_private.html_facts(labels text[], contents text[]) RETURNS text
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT '<dl>' || string_agg('<dt>' || agent_studio_private.html_text(f.label) || '</dt><dd>' || agent_studio_private.html_text(f.content) || '</dd>', '' ORDER BY f.n) || E'</dl>\n'
	FROM unnest(labels, contents) WITH ORDINALITY f (label, content, n);
END;
COMMENT ON FUNCTION agent_studio_private.html_facts(text[], text[]) IS 'Labels with their contents; NULL = there are none.';

-- Charts. They are as wide as there is room, and say for whoever cannot see them what they show.

CREATE FUNCTION agent_studio_private.share(value numeric, whole numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE
RETURN CASE WHEN whole > 0 THEN round(100 * greatest(value, 0) / whole, 2) ELSE 0 END;
COMMENT ON FUNCTION agent_studio_private.share(numeric, numeric) IS 'Percent of a whole, for the length of a bar; 0 where the whole is nothing.';

CREATE FUNCTION agent_studio_private.svg_chart(height integer, about text, body text) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN format('<svg class="chart" height="%s" role="img" aria-label="%s">', height, agent_studio_private.html_text(about)) || body || E'</svg>\n';
COMMENT ON FUNCTION agent_studio_private.svg_chart(integer, text, text) IS 'The frame of a chart; about is text, body is SVG.';

CREATE FUNCTION agent_studio_private.html_legend(names text[], texts text[]) RETURNS text
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT '<ul class="legend">' || string_agg(format('<li><svg viewBox="0 0 10 10"><rect class="c%s" width="10" height="10" rx="2"/></svg>', (n.n - 1) % 6 + 1)
		|| agent_studio_private.html_text(n.name) || coalesce(' <b>' || agent_studio_private.html_text(texts[n.n]) || '</b>', '') || '</li>', '' ORDER BY n.n) || E'</ul>\n'
	FROM unnest(names) WITH ORDINALITY n (name, n);
END;
COMMENT ON FUNCTION agent_studio_private.html_legend(text[], text[]) IS 'Which colour means what; with a text each, or NULL.';

CREATE FUNCTION agent_studio_private.svg_bars(about text, labels text[], series numeric[], per_bar integer, texts text[]) RETURNS text
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	WITH parts AS (
		SELECT (p.n - 1) / per_bar + 1 AS bar, (p.n - 1) % per_bar + 1 AS part, greatest(coalesce(p.value, 0), 0) AS value
		FROM unnest(series) WITH ORDINALITY p (value, n)),
	bars AS (SELECT p.bar, sum(p.value) AS value FROM parts p GROUP BY p.bar),
	placed AS (
		SELECT p.*, sum(p.value) OVER (PARTITION BY p.bar ORDER BY p.part) - p.value AS start, (SELECT max(b.value) FROM bars b) AS longest FROM parts p)
	SELECT agent_studio_private.svg_chart(coalesce(cardinality(labels), 0) * 40, about, coalesce(string_agg(b.svg, E'\n' ORDER BY b.n), ''))
	FROM (SELECT l.n, format('<text x="0" y="%s">%s</text><text class="e" x="100%%" y="%s">%s</text><rect class="track" y="%s" width="100%%" height="8" rx="4"/>',
				(l.n - 1) * 40 + 14, agent_studio_private.html_text(agent_studio_private.one_line(l.label, 30)), (l.n - 1) * 40 + 14,
				agent_studio_private.html_text(coalesce(texts[l.n], 'not known')), (l.n - 1) * 40 + 21)
			|| coalesce((SELECT string_agg(format('<rect class="c%s" x="%s%%" y="%s" width="%s%%" height="8" rx="%s"/>', (p.part - 1) % 6 + 1,
					agent_studio_private.share(p.start, p.longest), (l.n - 1) * 40 + 21, agent_studio_private.share(p.value, p.longest),
					CASE WHEN per_bar = 1 THEN 4 ELSE 1 END), '' ORDER BY p.part)
				FROM placed p WHERE p.bar = l.n AND p.value > 0), '') AS svg
		  FROM unnest(labels) WITH ORDINALITY l (label, n)) b;
END;
COMMENT ON FUNCTION agent_studio_private.svg_bars(text, text[], numeric[], integer, text[]) IS
'Horizontal bars, each with a label and a text at its end. series holds per_bar values for each bar, which are stacked; NULL counts as nothing, and a NULL text is "not known".';

CREATE FUNCTION agent_studio_private.svg_hints(hints text[]) RETURNS text
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT coalesce(string_agg(format('<rect class="hint" x="%s%%" width="%s%%" height="100%%"><title>', round((h.n - 1) * 100.0 / nullif(cardinality(hints), 0), 2), round(100.0 / nullif(cardinality(hints), 0), 2))
		|| agent_studio_private.html_text(h.hint) || '</title></rect>', '' ORDER BY h.n), '')
	FROM unnest(hints) WITH ORDINALITY h (hint, n);
END;
COMMENT ON FUNCTION agent_studio_private.svg_hints(text[]) IS 'Texts that are told where one points, side by side over a chart; nothing for NULL.';

CREATE FUNCTION agent_studio_private.svg_columns(about text, labels text[], series numeric[], per_column integer,
	goal numeric DEFAULT NULL, goal_text text DEFAULT NULL, top_text text DEFAULT NULL, hints text[] DEFAULT NULL) RETURNS text
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	WITH parts AS (
		SELECT (p.n - 1) / per_column + 1 AS col, (p.n - 1) % per_column + 1 AS part, greatest(coalesce(p.value, 0), 0) AS value
		FROM unnest(series) WITH ORDINALITY p (value, n)),
	top AS (SELECT greatest(max(c.value), goal) AS value, greatest(count(*), 1) AS n FROM (SELECT sum(p.value) AS value FROM parts p GROUP BY p.col) c),
	placed AS (SELECT p.*, sum(p.value) OVER (PARTITION BY p.col ORDER BY p.part) AS upto FROM parts p)
	SELECT agent_studio_private.svg_chart(190, about,
		'<svg y="18" width="100%" height="146" overflow="visible"><line class="rule" x1="0" x2="100%" y1="100%" y2="100%"/><line class="rule" x1="0" x2="100%" y1="0" y2="0"/>'
		|| coalesce((SELECT string_agg(format('<rect class="c%s" x="%s%%" y="%s%%" width="%s%%" height="%s%%"/>', (p.part - 1) % 6 + 1,
				round((p.col - 0.86) * 100.0 / t.n, 2), 100 - agent_studio_private.share(p.upto, t.value), round(72.0 / t.n, 2),
				agent_studio_private.share(p.value, t.value)), '' ORDER BY p.col, p.part) FROM placed p WHERE p.value > 0), '')
		|| CASE WHEN goal IS NULL THEN '' ELSE format('<line class="goal" x1="0" x2="100%%" y1="%1$s%%" y2="%1$s%%"/>', 100 - agent_studio_private.share(goal, t.value)) END
		|| agent_studio_private.svg_hints(hints) || '</svg>'
		|| coalesce('<text class="s" x="0" y="12">' || agent_studio_private.html_text(top_text) || '</text>', '')
		|| coalesce('<text class="goal-text e" x="100%" y="12">' || agent_studio_private.html_text(goal_text) || '</text>', '')
		|| coalesce((SELECT string_agg(format('<text class="s m" x="%s%%" y="182">', round((l.n - 0.5) * 100.0 / t.n, 2)) || agent_studio_private.html_text(agent_studio_private.one_line(l.label, 12)) || '</text>', '' ORDER BY l.n)
			FROM unnest(labels) WITH ORDINALITY l (label, n)
			-- As many labels as have room on a small screen.
			WHERE (l.n - 1) % greatest(1, (t.n + 4) / 5) = 0), ''))
	FROM top t;
END;
COMMENT ON FUNCTION agent_studio_private.svg_columns(text, text[], numeric[], integer, numeric, text, text, text[]) IS
'Columns over time. series holds per_column values for each column, which are stacked; NULL counts as nothing. goal is a line across (NULL = none), goal_text says what it is, top_text what the upper edge is; hints are texts for each place (NULL = none).';

CREATE FUNCTION agent_studio_private.svg_line(about text, labels text[], points numeric[], low numeric, high numeric,
	goal numeric DEFAULT NULL, goal_text text DEFAULT NULL, top_text text DEFAULT NULL, hints text[] DEFAULT NULL) RETURNS text
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	WITH placed AS (
		SELECT p.n, p.value, round((p.n - 0.5) * 100.0 / nullif(cardinality(points), 0), 2) AS x,
			   100 - agent_studio_private.share(least(p.value, high) - low, high - low) AS y,
			   count(*) FILTER (WHERE p.value IS NULL) OVER (ORDER BY p.n) AS stretch
		FROM unnest(points) WITH ORDINALITY p (value, n)),
	goal_at AS (SELECT 100 - agent_studio_private.share(goal - low, high - low) AS y WHERE goal IS NOT NULL)
	SELECT agent_studio_private.svg_chart(190, about,
		'<svg y="18" width="100%" height="146" overflow="visible"><line class="rule" x1="0" x2="100%" y1="100%" y2="100%"/><line class="rule" x1="0" x2="100%" y1="0" y2="0"/>'
		|| coalesce((SELECT format('<line class="goal" x1="0" x2="100%%" y1="%s%%" y2="%s%%"/>', g.y, g.y) FROM goal_at g), '')
		|| '<svg width="100%" height="100%" viewBox="0 0 100 100" preserveAspectRatio="none" overflow="visible">'
		|| coalesce((SELECT string_agg(s.line, '') FROM (
			SELECT format('<polyline class="line" vector-effect="non-scaling-stroke" points="%s"/>', string_agg(p.x || ',' || p.y, ' ' ORDER BY p.n)) AS line
			FROM placed p WHERE p.value IS NOT NULL GROUP BY p.stretch) s), '')
		|| '</svg>'
		|| coalesce((SELECT string_agg(format('<circle class="c1" cx="%s%%" cy="%s%%" r="%s"/>', p.x, p.y, CASE WHEN cardinality(points) > 100 THEN 1 ELSE 2.5 END), '' ORDER BY p.n) FROM placed p WHERE p.value IS NOT NULL), '')
		|| agent_studio_private.svg_hints(hints) || '</svg>'
		|| coalesce('<text class="s" x="0" y="12">' || agent_studio_private.html_text(top_text) || '</text>', '')
		|| coalesce('<text class="goal-text e" x="100%" y="12">' || agent_studio_private.html_text(goal_text) || '</text>', '')
		|| coalesce((SELECT string_agg(format('<text class="s m" x="%s%%" y="182">', round((l.n - 0.5) * 100.0 / nullif(cardinality(labels), 0), 2)) || agent_studio_private.html_text(agent_studio_private.one_line(l.label, 12)) || '</text>', '' ORDER BY l.n)
			FROM unnest(labels) WITH ORDINALITY l (label, n) WHERE (l.n - 1) % greatest(1, (cardinality(labels) + 4) / 5) = 0), ''));
END;
COMMENT ON FUNCTION agent_studio_private.svg_line(text, text[], numeric[], numeric, numeric, numeric, text, text, text[]) IS
'A line over time, from low to high; a NULL point interrupts it. goal is a line across (NULL = none), goal_text says what it is, top_text what the upper edge is; hints are texts for each place (NULL = none).';

CREATE FUNCTION agent_studio_private.svg_donut(about text, labels text[], parts numeric[], texts text[]) RETURNS text
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	WITH placed AS (
		SELECT p.n, agent_studio_private.share(p.value, sum(p.value) OVER ()) AS share,
			   agent_studio_private.share(sum(p.value) OVER (ORDER BY p.n) - p.value, sum(p.value) OVER ()) AS start
		FROM unnest(parts) WITH ORDINALITY p (value, n))
	SELECT format('<div class="donut"><svg viewBox="0 0 42 42" role="img" aria-label="%s">', agent_studio_private.html_text(about))
		|| coalesce(string_agg(format('<circle class="c%s" cx="21" cy="21" r="15.9155" stroke-dasharray="%s %s" stroke-dashoffset="%s"/>',
			(p.n - 1) % 6 + 1, p.share, 100 - p.share, 25 - p.start), '' ORDER BY p.n) FILTER (WHERE p.share > 0), '') || '</svg>'
		|| coalesce(agent_studio_private.html_legend(labels, texts), '') || E'</div>\n'
	FROM placed p;
END;
COMMENT ON FUNCTION agent_studio_private.svg_donut(text, text[], numeric[], text[]) IS
'Parts of a whole as a ring, with a legend; nothing where all parts are nothing.';
