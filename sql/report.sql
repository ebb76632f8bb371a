-- Reports: what they are made of, by rows that are written by hand. No executor runs.
SELECT tests.reset();
SET client_min_messages = warning;
\pset format unaligned
\pset tuples_only on
\pset null (null)

-- Where a report's texts come from: outputs by their names first, then headings.
SELECT agent_studio_private.section_of(E'# A\nfirst\n## Next Steps\n\n1. Go\n\n### Detail\nmore\n# B\nlast', '{next_steps}');
SELECT agent_studio_private.section_of(E'# A\nfirst\n\n# B\nsecond\n\n## 2. **Key decisions**\n\nx\n', '{key_decisions,b,a}'), agent_studio_private.section_of('# A', '{a}'),
	agent_studio_private.section_of('no heading', '{a}'), agent_studio_private.section_of('', '{a}'), agent_studio_private.section_of(E'# A\nx', '{}'),
	agent_studio_private.section_of(E'```\n# A\n```\nx', '{a}'), agent_studio_private.section_of(E'# A\nx', ARRAY[NULL, 'a']);
SELECT n, agent_studio_private.reported(s, 'summary') FROM (VALUES
	(1, '{"summary": "named", "executive_summary": "other"}', E'# Summary\nheading'), (2, '{"executive_summary": "other"}', 'x'), (3, '{"summary": " "}', E'# Summary\nheading'),
	(4, '{"text": "# Executive Summary\nin an output"}', '{}'), (5, '{"summary": null}', 'x'), (6, NULL, E'# Executive summary\n\nheading\n'), (7, NULL, NULL), (8, '[1]', 'x'), (9, '{"summary": 7}', 'x')) t (n, outputs, output),
	LATERAL (SELECT jsonb_populate_record(NULL::steps, jsonb_build_object('outputs', t.outputs::jsonb, 'output', t.output)) AS s) x ORDER BY n;
SELECT i.severity, i.issue FROM agent_studio_private.listed_issues('["low: a", {"severity": "CRITICAL", "title": "b"}, "**High** - c", "highly d", {"level": "medium"}, 7, null, "", {"severity": {"x": 1}}]') i;
SELECT agent_studio_private.issue_counts(v) FROM (VALUES ('"- High: x\n\n- low: y\n- z"'::jsonb), ('[]'), ('""'), (NULL), ('{"severity": "info", "title": "x"}')) t (v);
SELECT b, agent_studio_private.size_text(b) FROM unnest('{0,1,1023,1024,8192,8704,81920,1048575,1048576,15728640}'::bigint[]) b;

-- What was said is quoted so that it begins nothing.
SELECT agent_studio_private.markdown_line(l) FROM unnest(ARRAY['# x', '  ###### x', '#tag', '####### x', '====', '---', '- x', '| --- |', '<b>x</b> 1 < 2 <!-- c -->', '![i](http://x) !x', '#', '[x](javascript:alert(1))', '[x][1]', '[1]: javascript:alert(1)', 'a[0] = b[1] (c)']) l;
SELECT agent_studio_private.markdown_quote(E'\r\none\r\n\r\n## two\rthree \u202e\u0007\n\n', 100);
SELECT agent_studio_private.markdown_quote(repeat('x', 3000), 10);
SELECT v AS value, l FROM unnest(ARRAY['"text"', '["a", 1, null, {"title": "t", "description": "d\n# x", "status": "open", "tags": ["x", "y"], "nested": {"a": 1}, "none": null}]',
	'{"immediate_actions": ["a"], "future": "b", "none": []}', '7', '[]']::jsonb[]) WITH ORDINALITY u (v, n), agent_studio_private.markdown_value(u.v) WITH ORDINALITY x (l, m) ORDER BY n, m;
SELECT agent_studio_private.html_text(E'<a href="x">&amp;\'\u0007\u202e\r\n\tx');
-- Each character there is, alone and between others, as expressions would show it.
CREATE FUNCTION pg_temp.shown(value text) RETURNS text LANGUAGE sql AS $$
	SELECT regexp_replace(regexp_replace(value, '\r\n?', E'\n', 'g'),
		'[\u0001-\u0008\u000B-\u001F\u007F-\u009F\u061C\u200B-\u200F\u2028-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB\uFFFE\uFFFF]', '�', 'g') $$;
SELECT count(*) AS characters, count(*) FILTER (WHERE agent_studio_private.visible_text(c) IS DISTINCT FROM pg_temp.shown(c)) AS shown_otherwise,
	count(*) FILTER (WHERE agent_studio_private.html_text(c) IS DISTINCT FROM replace(replace(replace(replace(replace(pg_temp.shown(c), '&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '"', '&quot;'), '''', '&#39;')) AS escaped_otherwise
FROM (SELECT chr(n) FROM generate_series(1, 70000) n WHERE n NOT BETWEEN 55296 AND 57343
	  UNION ALL SELECT E'<\r' || chr(n) || E'\n&\r\n' || chr(n) || chr(n) || '''' FROM generate_series(1, 70000) n WHERE n NOT BETWEEN 55296 AND 57343) x (c);
-- Bytes that nobody has checked: cut off within a character.
BEGIN;
CREATE CAST (bytea AS text) WITHOUT FUNCTION;
SELECT agent_studio_private.html_text('\x3ce2'::bytea::text), agent_studio_private.html_text('\xf09f'::bytea::text), agent_studio_private.visible_text('\x0de280'::bytea::text);
ROLLBACK;
SELECT agent_studio_private.html_text(''), agent_studio_private.html_text(NULL), length(agent_studio_private.html_text(repeat(E'<\u202e', 5000000)));
SELECT agent_studio_private.html_value(v) FROM unnest(ARRAY['"a\n<b>"', '["<i>", {"title": "<t>", "x_y": ["&", "b"]}]', '{"<k>": "v"}', '[]', '{}']::jsonb[]) v;

-- Charts: nothing, one, zero, unknown, and a hostile label; all are well formed.
SELECT c.name, c.svg::xml IS DOCUMENT AS well_formed, c.svg ~ 'NaN|Inf|<script' AS bad, length(c.svg) > 50 AS drawn FROM (
	SELECT 'bars' AS name, agent_studio_private.svg_bars('a "chart"', '{a,</text><script>,c}', '{1,2,NULL,0,3,-4}', 2, '{x,NULL,<}') AS svg
	UNION ALL SELECT 'no bars', agent_studio_private.svg_bars('x', '{}', '{}', 1, '{}') UNION ALL SELECT 'all nothing', agent_studio_private.svg_bars('x', '{a}', '{0}', 1, '{0}')
	UNION ALL SELECT 'columns', agent_studio_private.svg_columns('x', '{a,<b>,c}', '{1,2,NULL,0,3,4}', 2, 5, 'goal <95>', 'top') UNION ALL SELECT 'no columns', agent_studio_private.svg_columns('x', '{}', '{}', 1)
	UNION ALL SELECT 'line', agent_studio_private.svg_line('x', '{a,<b>,c,d}', '{90,NULL,99,120}', 50, 100, 95, 'goal', '100 %') UNION ALL SELECT 'no line', agent_studio_private.svg_line('x', '{}', '{}', 0, 100)
	UNION ALL SELECT 'donut', agent_studio_private.svg_donut('x', '{a,<b>}', '{1,3}', '{25 %,NULL}') UNION ALL SELECT 'no donut', agent_studio_private.svg_donut('x', '{a}', '{0}', '{0}')) c;
SELECT agent_studio_private.svg_bars('Seconds', '{design,build}', '{87,215}', 1, '{1m 27s,3m 35s}');
SELECT agent_studio_private.svg_line('Success', '{Jan,Feb}', '{80,100}', 60, 100, 95, 'goal 95 %');
SELECT agent_studio_private.svg_donut('Errors', '{timeout,other}', '{3,1}', '{3,1}');
SELECT agent_studio_private.html_row(c.cells, c.numeric_columns, c.classes) FROM (VALUES ('{a,"<b>",NULL}'::text[], '{2}'::integer[], '{bad,good}'::text[]), ('{a,b}', NULL, NULL), ('{a,b}', '{1,NULL}', '{NULL,soft,more}'),
	('{}', '{1}', '{x}'), (NULL, NULL, NULL), ('{a}', '{1,7,-1}', '{NULL}'), (E'{"\r\n\u202e"}', '{}', '{"\">"}')) c (cells, numeric_columns, classes);
SELECT agent_studio_private.html_table('{Name,Size}', '{2}', agent_studio_private.html_row('{<a>,12 KB}', '{2}') || agent_studio_private.html_row('{b,NULL}', '{2}'));

-- An execution with iterations, retries, a call of unknown cost, a decision, a step that was passed over, and one by hand.
SET ROLE regress_alice;
SELECT as_create_workflow('flow', 'dynamic', '{"steps": [
	{"name": "plan", "title": "Plan # it", "agent": "worker", "task": "x", "outputs": {"plan": {"type": "string", "file_name": "plan.md", "description": "the plan"}, "score": {"type": "number", "metric": {"label": "Score", "unit": "/10"}}}},
	{"name": "check", "agent": "worker", "task": "x", "outputs": {"ok": "boolean"}, "rules": [{"if": "$.ok == false", "then": "go_back", "to": "plan"}]},
	{"name": "way", "type": "decision", "cases": [{"if": "$steps.check.ok == true", "to": "ship"}], "else": "ship"},
	{"name": "ship", "agent": "worker", "task": "x"}, {"name": "extra", "agent": "worker", "task": "x", "when": "$steps.check.ok == false"}, {"name": "sign", "agent": "worker", "task": "x", "approval": {}}]}', team => 'regress_team') > 0;
SELECT as_run_workflow('flow') AS id, as_execute_task('worker', E'Say it.\n# Loud') AS task, as_run_workflow('flow') AS waiting \gset
RESET ROLE;
DELETE FROM queue;
UPDATE executions SET status = 'completed', started_at = '2026-03-01 23:59:00+00', finished_at = '2026-03-02 00:08:42+00' WHERE execution_id IN (:id, :task);
UPDATE steps s SET state = d.state, verdict = d.verdict, started_at = d.start, finished_at = d.start + d.seconds * interval '1 s', output = d.output, outputs = d.outputs, agent_version_id = 1, model_id = 1
FROM (VALUES (1, 'completed', NULL, timestamptz '2026-03-01 23:59:00+00', 60, 'old', jsonb '{"plan": "old"}'),
	(2, 'completed', NULL, '2026-03-02 00:02:00+00', 30, E'Fine.\n\n## Issues\n\n- Low: <script>\n\n## Recommendations\n\nGo on.\n# Next Steps\n\n\u202eShip.', '{"ok": true}'),
	(3, 'completed', NULL, '2026-03-02 00:02:30+00', 0, NULL, '{"chosen": ["ship"]}'), (4, 'completed', NULL, '2026-03-02 00:03:00+00', 300, E'Shipped.\n\n# Summary\n\nAll went well.', NULL),
	(5, 'skipped', 'passed_over', NULL, NULL, NULL, NULL), (6, 'completed', 'completed_by_hand', '2026-03-02 00:08:00+00', 42, NULL, '{"summary": "By hand."}')) d (step_no, state, verdict, start, seconds, output, outputs)
WHERE s.execution_id = :id AND s.step_no = d.step_no;
INSERT INTO steps (execution_id, step_no, name, title, plan_step, iteration, round, agent_version_id, model_id, state, output, outputs, started_at, finished_at, attempt_no, owner, team)
VALUES (:id, 7, 'plan', 'Plan # it', 1, 2, 2, 1, 1, 'completed', 'new', '{"plan": "the new plan", "score": 8.50, "key_decisions": [{"decision": "Wait", "why": "no hurry"}]}', '2026-03-02 00:00:30+00', '2026-03-02 00:02:00+00', 2, 'regress_alice', 'regress_team');
INSERT INTO attempts (execution_id, step_no, attempt_no, outcome, epoch, model_id, sent_at, finished_at, input_tokens, output_tokens, input_cost_usd, output_cost_usd, possibly_billed, owner, team)
SELECT e.id, a.step, a.n, a.outcome, 1, 1, now(), now(), a.input, a.output, a.cost / 2, a.cost / 2, true, 'regress_alice', 'regress_team'
FROM (VALUES (:id, 1, 1, 'completed', 1000, 2000, 0.10), (:id, 7, 1, 'failed', NULL, NULL, NULL), (:id, 7, 2, 'completed', 1500, 2500, 0.20), (:id, 2, 1, 'completed', 500, 100, 0.01), (:id, 4, 1, 'completed', 700, 900, 0.000041),
	(:task, 1, 1, 'completed', 10, 20, 0)) a (id, step, n, outcome, input, output, cost), LATERAL (SELECT a.id) e;
UPDATE steps SET state = 'completed', started_at = '2026-03-01 23:59:00+00', finished_at = '2026-03-02 00:08:42+00', output = E'# Task Execution Report\n\n## Next Steps\n\nNone.' WHERE execution_id = :task;
SET ROLE regress_alice;
SELECT regexp_replace(as_report(:id), 'generated .*', 'generated');
SELECT regexp_replace(as_report(:task), 'generated .*', 'generated');
SELECT regexp_replace(as_report(:waiting), 'generated .*', 'generated');
-- The pages are XML but for the first line and tags that need no end.
CREATE FUNCTION pg_temp.as_xml(page text) RETURNS xml LANGUAGE sql AS $$
	SELECT regexp_replace(replace(regexp_replace(page, '^<!DOCTYPE html>\n', ''), '&nbsp;', ' '), '<(meta|link)([^>]*)>', '<\1\2/>', 'g')::xml $$;
SELECT n, x IS DOCUMENT, xpath('//h1/text()', x), xpath('//h2/text()', x), xpath('count(//script)', x), xpath('//h3/text()', x) FROM
	(SELECT n, pg_temp.as_xml(as_report_html(id)) AS x FROM unnest(ARRAY[:id, :task, :waiting]) WITH ORDINALITY i (id, n)) p;
SELECT unnest(xpath('//*[@class="tile"]', pg_temp.as_xml(as_report_html(:id))))::text;
SELECT unnest(xpath('//footer/preceding-sibling::section[position() <= 2]', pg_temp.as_xml(as_report_html(:id))))::text;

-- Others: her team, a monitor, nobody else.
SET ROLE regress_carol;
SELECT count(*) FROM regexp_split_to_table(as_report(:id), '\n');
SET ROLE regress_mona;
SELECT as_report(:id) ~ 'All went well', as_report_html(:id) ~ 'By hand';
SET ROLE regress_bob;
SELECT * FROM tests.try(format('SELECT as_report(%s)', :id), format('SELECT as_report_html(%s)', :id), 'SELECT as_report(NULL)', 'SELECT as_report_html(NULL)', 'SELECT as_report_html(-1)');
-- Who may not see the workflow is told what the rows say.
RESET ROLE;
BEGIN;
UPDATE workflows SET team = NULL, owner = 'regress_bob';
SET LOCAL ROLE regress_carol;
SELECT count(*) FROM regexp_matches(as_report(:id), '^(## |### Step)', 'gn');
SELECT pg_temp.as_xml(as_report_html(:id)) IS DOCUMENT;
ROLLBACK;
-- Hostile rows.
BEGIN;
UPDATE executions SET workflow = E'</title><script>\u0007', error_class = 'internal', error_message = E'<img src=x>\r\n## Outputs\u202e' WHERE execution_id = :id;
UPDATE steps SET title = E'</h3><script>\n## Outputs', output = repeat(E'## Summary\n</pre><script>\u0001', 50000), outputs = outputs || jsonb_build_object('summary', E'\n# x\n</pre><script>', 'plan', repeat('</pre><script>', 50000)) WHERE execution_id = :id;
UPDATE steps SET outputs = jsonb_build_object('recommendations', (SELECT jsonb_agg(jsonb_build_object('title', '<script>', E'k\n## Outputs<script>', '![x](y)')) FROM generate_series(1, 300)), 'issues', repeat('<script>', 1000)) WHERE execution_id = :id AND step_no = 4;
SELECT (SELECT count(*) FROM regexp_matches(r, '^## ', 'gn')), (SELECT count(*) FROM regexp_matches(r, '^#+ ', 'gn')), r ~ '[^\\]<script|!\[|[\u0001-\u0008\u202E]', length(r) < 100000 FROM as_report(:id) r;
SELECT pg_temp.as_xml(p) IS DOCUMENT, p ~ '<script|<img|[\u0001-\u0008\u202E]', length(p) < 6000000, p ~ 'Cut after 200000 characters, of 683.6 KB' FROM as_report_html(:id) p;
ROLLBACK;
