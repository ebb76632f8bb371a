-- The dashboard's page, by rows that are written by hand. No executor runs.
SELECT tests.reset();
SET client_min_messages = warning;
SET timezone = 'UTC';
\pset format unaligned
\pset tuples_only on
\pset null (null)
-- The page is XML but for the first line and tags that need no end.
CREATE FUNCTION pg_temp.as_xml(page text) RETURNS xml LANGUAGE sql AS $$
	SELECT regexp_replace(replace(regexp_replace(page, '^<!DOCTYPE html>\n', ''), '&nbsp;', ' '), '<(meta|link)([^>]*)>', '<\1\2/>', 'g')::xml $$;
-- Texts of a section's table, a line for each row.
CREATE FUNCTION pg_temp.rows_of(page text, section text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT (SELECT string_agg(c::text, ' | ' ORDER BY n) FROM unnest(xpath('/tr/td/text()', r.tr)) WITH ORDINALITY x (c, n))
	FROM unnest(xpath(format('//section[h2="%s"]//tbody/tr', section), pg_temp.as_xml(page))) WITH ORDINALITY r (tr, n) ORDER BY r.n $$;
CREATE FUNCTION pg_temp.texts_of(page text, path text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(t::text, ' | ' ORDER BY n) FROM unnest(xpath(path, pg_temp.as_xml(page))) WITH ORDINALITY x (t, n) $$;
CREATE FUNCTION pg_temp.tiles(page text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT regexp_replace(regexp_replace(t::text, '<[^>]+>', ' ', 'g'), '\$[0-9.]+ expected', 'so much expected') FROM unnest(xpath('//div[@class="tile"]', pg_temp.as_xml(page))) t $$;

-- Nothing yet.
SET ROLE regress_alice;
SELECT pg_temp.texts_of(p, '//h2/text()'), pg_temp.texts_of(p, '//section[h2="Nothing yet"]//text()') FROM as_dashboard_html() p;
SELECT * FROM tests.try('SELECT as_dashboard_html(6)', 'SELECT as_dashboard_html(367)', 'SELECT as_dashboard_html(-1)', 'SELECT as_dashboard_html(NULL)');
RESET ROLE;
SELECT as_dashboard_html(7) ~ 'Nothing yet', as_dashboard_html(366) ~ 'Nothing yet';

-- Helpers: nothing, the edge, and what is not known.
SELECT agent_studio_private.known_cost(c, n) FROM (VALUES (1.005, 0), (0.001234, 2), (0, 0), (NULL, 0), (NULL, 3)) t (c, n);
SELECT agent_studio_private.signed_points(p), agent_studio_private.compared_points(p, 'more', 'less') FROM unnest('{1.234,-2.335,0,-0.001,NULL}'::numeric[]) p;
SELECT agent_studio_private.html_row('{a,b,c}', '{2,3}', '{NULL,good}'), agent_studio_private.html_tiles('{a,b}', '{1,NULL}', '{x,NULL}', '{warn,NULL}');
SELECT agent_studio_private.svg_hints('{a,<b>}'), agent_studio_private.svg_hints(NULL) = '', agent_studio_private.svg_hints('{}') = '';
SELECT agent_studio_private.svg_columns('x', '{a}', '{1}', 1) ~ 'goal', agent_studio_private.svg_columns('x', '{a}', '{1}', 1, 2) ~ 'goal';

-- ---------- one of everything, today ----------

SET ROLE regress_alice;
SELECT as_create_workflow('flow', 'sequential', '{"steps": [{"name": "a", "agent": "worker", "task": "x"}], "settings": {"success_target_percent": 50, "duration_target_seconds": 30}}', team => 'regress_team') > 0;
RESET ROLE;
CREATE FUNCTION pg_temp.done(owner text, team text, workflow text, agent text, status text, error_class text, seconds float8, cost numeric, attempts integer DEFAULT 1) RETURNS bigint LANGUAGE sql AS $$
	WITH e AS (
		INSERT INTO agent_studio.executions (kind, status, workflow, workflow_version_id, agent, task, priority, timeout_seconds, output_format, max_retries, inputs, owner, team, submitted_at,
			started_at, finished_at, attempts, input_tokens, output_tokens, input_cost_usd, output_cost_usd, error_class, error_message)
		SELECT CASE WHEN workflow IS NULL THEN 'task' ELSE 'workflow' END, status, workflow, CASE WHEN workflow IS NOT NULL THEN (SELECT min(v.workflow_version_id) FROM agent_studio.workflow_versions v) END,
			CASE WHEN workflow IS NULL THEN agent END, 'Do it.', 'normal', CASE WHEN workflow IS NULL THEN 60 END, CASE WHEN workflow IS NULL THEN 'markdown' END, 3,
			CASE WHEN workflow IS NOT NULL THEN '{}'::jsonb END, owner, team, now(), now() - seconds * interval '1 s', now(), attempts, 1000, 500, cost / 4, cost * 3 / 4,
			error_class, 'it <failed>'
		RETURNING *)
	INSERT INTO agent_studio.attempts (execution_id, step_no, attempt_no, outcome, epoch, model_id, sent_at, finished_at, input_tokens, output_tokens, input_cost_usd, output_cost_usd,
		possibly_billed, error_class, owner, team, workflow)
	SELECT e.execution_id, 1, n, CASE WHEN e.status = 'completed' THEN 'completed' ELSE 'failed' END, 1, 1, e.started_at, e.finished_at, 1000, 500, e.input_cost_usd, e.output_cost_usd, true, e.error_class, e.owner, e.team, e.workflow
	FROM e CROSS JOIN generate_series(1, greatest(e.attempts, 1)) n RETURNING execution_id $$;
-- Alice: three runs of a flow, one failed; Carol of her team: a task whose cost is not known; Bob: a task.
SELECT count(pg_temp.done('regress_alice', 'regress_team', 'flow', NULL, s, c, t, 0.40)) FROM (VALUES ('completed', NULL, 20), ('completed', NULL, 30), ('failed', 'timeout', 600)) v (s, c, t);
SELECT count(pg_temp.done('regress_carol', 'regress_team', NULL, 'worker', 'completed', NULL, 90, NULL));
SELECT count(pg_temp.done('regress_bob', NULL, NULL, 'worker', 'failed', 'rate_limited', 5, 0.02));
SELECT count(as_set_budget('all', 100)), count(as_set_budget('user:regress_bob', 0.01, 'day', 'refuse'));

-- Each reader sees what he may: his team's, his own, a monitor all.
SET ROLE regress_alice;
SELECT pg_temp.texts_of(as_dashboard_html(), '//h2/text()');
SELECT pg_temp.texts_of(as_dashboard_html(), '//h3/text()');
SELECT pg_temp.tiles(as_dashboard_html());
SELECT pg_temp.rows_of(as_dashboard_html(), 'Workflows');
SELECT pg_temp.rows_of(as_dashboard_html(), 'Users');
SELECT pg_temp.texts_of(as_dashboard_html(), '//div[h3="Errors by class"]//*[local-name()="text"]/text()');
SELECT pg_temp.rows_of(as_dashboard_html(), 'Ended last');
SELECT count(*), min(r) ~ '\| 0 \| 0 \| – \| – \| 0 \| – \| – \| – \| 0' FROM pg_temp.rows_of(as_dashboard_html(7), 'Days') r;
SELECT as_dashboard_html() ~ 'regress_bob';
SET ROLE regress_bob;
SELECT pg_temp.tiles(as_dashboard_html());
SELECT pg_temp.rows_of(as_dashboard_html(), 'Users');
SELECT regexp_replace(pg_temp.rows_of(as_dashboard_html(), 'Budgets'), '[0-9]{4}-[0-9-]+', 'DAY', 'g');
SELECT as_dashboard_html() ~ 'regress_(alice|carol)|\mflow\M';
SET ROLE regress_mona;
SELECT pg_temp.tiles(as_dashboard_html());
SELECT pg_temp.rows_of(as_dashboard_html(), 'Users');
SELECT pg_temp.texts_of(as_dashboard_html(), '//div[h3="Errors by class"]//*[local-name()="text"]/text()');
-- Who reads everything is told of the budget of all; its line is drawn for nobody else.
SELECT pg_temp.texts_of(as_dashboard_html(), '//div[h3="Cost by month"]//*[@class="goal-text e"]/text()');
SET ROLE regress_alice;
SELECT pg_temp.texts_of(as_dashboard_html(), '//div[h3="Cost by month"]//*[@class="goal-text e"]/text()');
SET ROLE regress_nobody;
SELECT * FROM tests.try('SELECT agent_studio.as_dashboard_html()');
RESET ROLE;

-- It says what agent_studio_bi says, and of a day the same for however many days it was asked.
SELECT as_dashboard_html() ~ ('>' || success_rate_percent || ' %<') FROM agent_studio_bi.success_summary WHERE kind = 'all';
SELECT agent_studio_private.dashboard_days(f, d, d) = agent_studio_private.dashboard_days(g, d, d), cardinality(f) = cardinality(g)
FROM (SELECT (now() AT TIME ZONE 'UTC')::date AS d) t CROSS JOIN LATERAL (SELECT ARRAY(SELECT agent_studio_private.dashboard_figures(d - 29, d - 150)) AS f, ARRAY(SELECT agent_studio_private.dashboard_figures(d, d - 150)) AS g) x;

-- A test of a workflow counts nowhere; what is long ago neither.
BEGIN;
UPDATE executions SET is_test = true;
UPDATE attempts SET is_test = true;
SELECT as_dashboard_html() ~ 'Nothing yet';
UPDATE executions SET is_test = false, submitted_at = submitted_at - interval '3 years', started_at = started_at - interval '3 years', finished_at = finished_at - interval '3 years';
SELECT as_dashboard_html(366) ~ 'Nothing yet';
ROLLBACK;

-- Costs of which none is known, and a month without a call.
BEGIN;
UPDATE executions SET input_cost_usd = NULL;
UPDATE attempts SET input_cost_usd = NULL;
SELECT t FROM pg_temp.tiles(as_dashboard_html()) t WHERE t ~ 'Cost';
DELETE FROM attempts;
SELECT t FROM pg_temp.tiles(as_dashboard_html()) t WHERE t ~ 'Cost';
ROLLBACK;

-- Hostile names and texts; many workflows, users, classes and alerts.
BEGIN;
SELECT count(pg_temp.done(E'</title><script>alert(' || n || E')\u0007\u202e', repeat('</div>', 10), E'</svg><img src=x onerror=y>"''&\n' || n || repeat('W', 100), NULL, 'failed', E'</text><script>' || n, 1, n)) FROM generate_series(1, 30) n;
UPDATE executions SET error_hint = 'x' WHERE error_class LIKE '<%';
SELECT pg_temp.as_xml(p) IS DOCUMENT, p ~ '<script|<img|[\u0001-\u0008\u202E]', p ~ '\mon(load|error)=[^y]', length(p) < 300000,
	pg_temp.texts_of(p, '//div[h3="Errors by class"]//*[local-name()="text"][last()]/text()'), pg_temp.texts_of(p, '//div[h3="Most used workflows"]//li[last()]/text()'),
	(SELECT count(*) FROM pg_temp.rows_of(p, 'Workflows')), (SELECT count(*) FROM pg_temp.rows_of(p, 'Users')), (xpath('count(//section[h2="Alerts"]/pre)', pg_temp.as_xml(p)))[1]
FROM as_dashboard_html() p;
ROLLBACK;

-- Any search_path will do.
SET search_path = pg_temp;
SELECT agent_studio.as_dashboard_html() LIKE '<!DOCTYPE html>%</html>_';
