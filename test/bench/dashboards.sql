-- A long history, who reads it, and every call of a dashboard. See dashboards in parts.py,
-- which asks bench.milliseconds for each of them in a session of its own.
--
--	psql -v executions=1000000 -v generate=test/history/generate.sql -f dashboards.sql
SET client_min_messages = warning;
CREATE EXTENSION agent_studio;
\i :generate
CALL history.bulk(:executions, now());

-- ---------- who reads ----------

CREATE SCHEMA bench;
CREATE TABLE bench.readers (place integer GENERATED ALWAYS AS IDENTITY, role text NOT NULL, what text NOT NULL);
INSERT INTO bench.readers (role, what) VALUES (current_user, 'superuser'), ('bench_monitor', 'monitor'), ('alice', 'owner'),
	('bench_few', 'owner of few'), ('bench_blind', 'who sees none'), ('bench_bi', 'BI reader');
DO $$
DECLARE
	reader record;
BEGIN
	FOR reader IN SELECT * FROM (VALUES ('bench_monitor', 'agent_studio_monitor'), ('bench_few', 'agent_studio_user'),
									('bench_blind', 'agent_studio_user'), ('bench_bi', 'agent_studio_bi_reader')) r (role, parent)
	LOOP
		IF NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = reader.role) THEN
			EXECUTE format('CREATE ROLE %I', reader.role);
		END IF;
		EXECUTE format('GRANT %I TO %I', reader.parent, reader.role);
	END LOOP;
END
$$;
-- Very few, and long ago: who looks for them from the newest backwards comes past all others.
CREATE TABLE bench.few AS SELECT e.execution_id FROM agent_studio.executions e WHERE e.finished_at IS NOT NULL ORDER BY e.execution_id LIMIT 30;
UPDATE agent_studio.executions e SET owner = 'bench_few', team = NULL FROM bench.few f WHERE e.execution_id = f.execution_id;
UPDATE agent_studio.steps s SET owner = 'bench_few', team = NULL FROM bench.few f WHERE s.execution_id = f.execution_id;
UPDATE agent_studio.attempts a SET owner = 'bench_few', team = NULL FROM bench.few f WHERE a.execution_id = f.execution_id;

SELECT agent_studio.as_set_budget('all', 1000000), agent_studio.as_set_budget('team:platform', 1) \g /dev/null
SELECT agent_studio.as_roll_up() \g /dev/null
VACUUM ANALYZE;
-- An autovacuum that this has canceled leaves what the executor would mend when it rolls up.
SELECT agent_studio.as_roll_up() \g /dev/null

-- As it is at its worst between two roll-ups, whatever the hour: the last hour or two
-- are not closed, and somebody has tried a step of yesterday's again.
DO $$
DECLARE
	last record;
	day_start timestamptz;
BEGIN
	SELECT * INTO last FROM agent_studio_private.last_closed_day;
	day_start := last.day::timestamp AT TIME ZONE 'UTC';
	DELETE FROM agent_studio.daily_totals t WHERE t.day = last.day;
	DELETE FROM agent_studio.daily_spending t WHERE t.day = last.day;
	DELETE FROM agent_studio.daily_owner_totals t WHERE t.day = last.day;
	DELETE FROM agent_studio.daily_owner_spending t WHERE t.day = last.day;
	UPDATE agent_studio.closed_days c SET counted_until = day_start, until = day_start WHERE c.day = last.day;
	PERFORM agent_studio_private.roll_up_day(last.day, greatest(day_start, last.until - interval '1 hour'));
	INSERT INTO agent_studio.stale_days (day, at) SELECT d.day, d.day::timestamp AT TIME ZONE 'UTC'
	FROM (SELECT (now() AT TIME ZONE 'UTC')::date - 1 AS day) d;
END
$$;

-- ---------- what is asked ----------

CREATE TABLE bench.calls (place integer GENERATED ALWAYS AS IDENTITY, name text NOT NULL, query text NOT NULL);

-- Of every view the first thousand rows, as a page shows them, with all of their columns.
INSERT INTO bench.calls (name, query)
SELECT v.name, format('SELECT * FROM %s LIMIT 1000', v.name)
FROM (SELECT format('%I.%I', schemaname, viewname) AS name FROM pg_views
	  WHERE schemaname IN ('agent_studio', 'agent_studio_bi')) v ORDER BY v.name;
INSERT INTO bench.calls (name, query)
SELECT format('%s, newest by %s', v, by), format('SELECT * FROM agent_studio.%s ORDER BY %s LIMIT 100', v, by)
FROM unnest('{execution_history,workflow_history}'::text[]) v, unnest('{execution_id DESC,submitted_at DESC}'::text[]) by;

-- The history, with each filter.
INSERT INTO bench.calls (name, query)
SELECT format('%s(%s)', function, replace(arguments, '''''', '''')), format('SELECT * FROM agent_studio.%s(%s)', function, arguments)
FROM unnest('{as_history,as_history_totals}'::text[]) function, unnest(ARRAY['', 'status => ''{failed}''', 'status => ''{running}''', 'agent => ''architect-agent-prod''',
	'workflow => ''code-review''', 'owner => ''bob''', 'since => ''-infinity''', 'since => ''-infinity'', until => now() - interval ''60 days''', 'min_cost => 0.9', 'max_cost => 0.001',
	'duration => ''fast''', 'duration => ''slow''', 'agent_type => ''scribe''', 'search => ''security''', 'search => ''no such words''',
	'kind => ''workflow''', 'include_tests => true']) arguments;

-- Everything that is told of one execution.
INSERT INTO bench.calls (name, query)
SELECT format('%s of a %s', function, e.what), format('SELECT * FROM agent_studio.%s(%s)', function, e.execution_id)
FROM unnest('{as_status,as_progress,as_usage,as_metrics,as_quality,as_notices,as_thoughts,as_logs,as_output,as_result,as_workflow_status,as_failure,as_recovery_options,as_diagram,as_report,as_report_html,as_download_text}'::text[]) function,
	 (SELECT 'task that completed' AS what, max(execution_id) AS execution_id FROM agent_studio.executions WHERE owner = 'alice' AND kind = 'task' AND status = 'completed'
	  UNION ALL SELECT 'workflow that completed', max(execution_id) FROM agent_studio.executions WHERE owner = 'alice' AND kind = 'workflow' AND status = 'completed'
	  UNION ALL SELECT 'workflow that failed', max(execution_id) FROM agent_studio.executions WHERE owner = 'alice' AND kind = 'workflow' AND status = 'failed'
	  UNION ALL SELECT 'workflow that runs', max(execution_id) FROM agent_studio.executions WHERE owner = 'alice' AND status = 'running') e
WHERE e.what = 'workflow that failed' OR function NOT IN ('as_failure', 'as_recovery_options');
INSERT INTO bench.calls (name, query)
SELECT 'as_compare', format('SELECT * FROM agent_studio.as_compare(%s)', string_agg(e.execution_id::text, ', '))
FROM (SELECT x.execution_id FROM agent_studio.executions x WHERE x.owner = 'alice' AND x.workflow = 'code-review' ORDER BY x.execution_id DESC LIMIT 4) e;

-- The rest.
INSERT INTO bench.calls (name, query)
SELECT c, 'SELECT * FROM agent_studio.' || c
FROM unnest(ARRAY['as_dashboard_html()', 'as_dashboard_html(366)', 'as_check()', 'as_estimate(''feature-development'')', 'as_estimate(''doc-generation'')',
	'as_diagram(''feature-development'')', 'as_test_workflow(''feature-development'')', 'as_search_agents()', 'as_search_agents(''review code'')',
	'as_suggest_agents(''Review the security of this service.'')', 'as_check_task(''architect-agent-prod'', ''Design it.'')', 'schedules']) c;

-- NULL where it is not the reader's to ask. That there is no such execution for him is an answer.
CREATE FUNCTION bench.milliseconds(call integer) RETURNS numeric
LANGUAGE plpgsql SET client_min_messages = error
AS $$
DECLARE
	query text := (SELECT c.query FROM bench.calls c WHERE c.place = call);
	began timestamptz := clock_timestamp();
BEGIN
	BEGIN
		EXECUTE format('SELECT count(page) FROM (%s) page', query);
	EXCEPTION
		WHEN insufficient_privilege THEN RETURN NULL;
		WHEN undefined_object THEN NULL;
	END;
	RETURN round(1000 * extract(epoch FROM clock_timestamp() - began), 1);
END
$$;
GRANT USAGE ON SCHEMA bench TO PUBLIC;
GRANT SELECT ON bench.calls TO PUBLIC;
