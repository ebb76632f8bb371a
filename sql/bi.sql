-- What BI tools may rely on: types that every tool reads, a description for each column,
-- no prompt and no output, and a role that reads this and nothing else.
SELECT tests.reset();
\pset null (null)
SET timezone = 'UTC';
CREATE ROLE regress_reader IN ROLE agent_studio_bi_reader;
CREATE ROLE regress_granted;
GRANT USAGE ON SCHEMA agent_studio_bi TO regress_granted;
GRANT SELECT ON ALL TABLES IN SCHEMA agent_studio_bi TO regress_granted;

-- ---------- by the catalog ----------

CREATE TEMP VIEW bi_columns AS
SELECT c.oid, c.relname, a.attname, a.attnum, a.atttypid::regtype AS type, format_type(a.atttypid, a.atttypmod) AS full_type, a.atttypmod
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'agent_studio_bi'::regnamespace;

-- Columns are only ever appended: what this lists may grow at the end of a line.
\pset format unaligned
SELECT b.relname, string_agg(b.attname || ' ' || b.full_type, ', ' ORDER BY b.attnum) AS columns
FROM bi_columns b GROUP BY b.relname ORDER BY b.relname COLLATE "C";
\pset format aligned

SELECT c.relname, c.relkind, c.reloptions FROM pg_class c
WHERE c.relnamespace = 'agent_studio_bi'::regnamespace AND (c.relkind <> 'v' OR c.reloptions IS NOT NULL);
SELECT count(*) AS functions FROM pg_proc p WHERE p.pronamespace = 'agent_studio_bi'::regnamespace;
SELECT b.relname, b.attname, b.full_type AS no_type_for_tools FROM bi_columns b
WHERE b.type::text NOT IN ('integer', 'bigint', 'double precision', 'numeric', 'text', 'boolean', 'date', 'timestamp with time zone')
   OR (b.type = 'numeric'::regtype AND b.atttypmod = -1);
SELECT b.relname, b.attname, b.full_type AS not_as_named FROM bi_columns b
WHERE CASE WHEN b.attname LIKE '%\_seconds' THEN b.full_type NOT IN ('numeric(14,3)', 'integer')
	WHEN b.attname LIKE '%\_usd' THEN b.full_type <> 'numeric(20,6)'
	WHEN b.attname LIKE '%\_percent' THEN b.full_type <> 'numeric(5,2)'
	WHEN b.attname LIKE '%\_at' THEN b.type <> 'timestamptz'::regtype
	WHEN b.attname LIKE 'is\_%' OR b.attname LIKE 'meets\_%' THEN b.type <> 'boolean'::regtype
	WHEN b.attname IN ('day', 'week', 'month') OR b.attname LIKE '%\_day' THEN b.type <> 'date'::regtype
	WHEN b.attname LIKE '%tokens' OR b.attname LIKE 'executions%' OR b.attname LIKE 'attempts%' OR b.attname = 'retries' THEN b.type <> 'bigint'::regtype
	ELSE b.type IN ('numeric'::regtype, 'boolean'::regtype, 'date'::regtype, 'timestamptz'::regtype)
		AND b.attname <> 'quality_score' AND b.attname NOT LIKE 'points\_above\_%' END;
SELECT b.attname, count(DISTINCT b.full_type) AS types FROM bi_columns b GROUP BY 1 HAVING count(DISTINCT b.full_type) > 1;
SELECT b.relname, b.attname AS not_described FROM bi_columns b WHERE col_description(b.oid, b.attnum) IS NULL;
SELECT c.relname AS not_described FROM pg_class c WHERE c.relnamespace = 'agent_studio_bi'::regnamespace AND obj_description(c.oid, 'pg_class') IS NULL;

-- Which columns of tables the views are made of, through whatever views lie between.
WITH RECURSIVE uses AS (
	SELECT c.oid FROM pg_class c WHERE c.relnamespace = 'agent_studio_bi'::regnamespace
	UNION
	SELECT d.refobjid FROM uses u JOIN pg_rewrite r ON r.ev_class = u.oid
	JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass)
SELECT c.relname, array_agg(DISTINCT a.attname::text ORDER BY a.attname::text) AS columns
FROM uses u JOIN pg_rewrite r ON r.ev_class = u.oid
JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0
JOIN pg_class c ON c.oid = d.refobjid AND c.relkind = 'r'
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid
WHERE (a.atttypid IN ('json'::regtype, 'jsonb'::regtype) OR a.attname IN ('task', 'title', 'feedback', 'output', 'partial_output', 'error_message',
	'error_hint', 'content', 'message', 'system_prompt', 'description', 'answered_by', 'request_id'))
GROUP BY 1;

-- ---------- who reads what ----------

CREATE FUNCTION tests.read_all_bi() RETURNS TABLE (view name, problem text) LANGUAGE plpgsql AS $$
BEGIN
	FOR view IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'agent_studio_bi'::regnamespace ORDER BY 1 LOOP
		BEGIN
			EXECUTE format('SELECT count(v) FROM agent_studio_bi.%I v', view);
		EXCEPTION WHEN OTHERS THEN
			problem := SQLERRM;
			RETURN NEXT;
		END;
	END LOOP;
END
$$;
CREATE FUNCTION tests.reads_beyond_bi(role_name name) RETURNS TABLE (object text) LANGUAGE sql AS $$
	SELECT c.oid::regclass::text FROM pg_class c
	WHERE c.relnamespace IN ('agent_studio'::regnamespace, 'agent_studio_private'::regnamespace) AND c.relkind IN ('r', 'v', 'S')
	  AND (has_table_privilege(role_name, c.oid, 'SELECT') OR has_table_privilege(role_name, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
		   OR (c.relkind <> 'S' AND has_any_column_privilege(role_name, c.oid, 'SELECT')))
	UNION ALL
	SELECT p.oid::regprocedure::text FROM pg_proc p
	WHERE p.pronamespace IN ('agent_studio'::regnamespace, 'agent_studio_private'::regnamespace) AND has_function_privilege(role_name, p.oid, 'EXECUTE')
	UNION ALL
	SELECT c.oid::regclass::text || ' for writing' FROM pg_class c
	WHERE c.relnamespace = 'agent_studio_bi'::regnamespace AND has_table_privilege(role_name, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
$$;
SELECT r AS role, o.object FROM unnest('{regress_reader,regress_granted,agent_studio_bi_reader}'::name[]) r, tests.reads_beyond_bi(r) o;
SELECT has_schema_privilege('regress_reader', 'agent_studio_private', 'USAGE') AS private,
	has_schema_privilege('regress_reader', 'agent_studio_bi', 'CREATE') AS creates,
	has_schema_privilege('regress_alice', 'agent_studio_bi', 'USAGE') AS users, has_schema_privilege('regress_mona', 'agent_studio_bi', 'USAGE') AS monitors;

-- Of an empty Agent Studio.
SET ROLE regress_reader;
SELECT * FROM tests.read_all_bi();
SELECT s.kind, s.executions, s.success_rate_percent, s.success_target_percent, s.meets_success_target, s.points_above_target,
	s.points_above_last_month FROM agent_studio_bi.success_summary s ORDER BY s.kind;
SELECT d.kind, d.executions_completed, d.average_duration_seconds, d.duration_target_seconds, d.meets_duration_target FROM agent_studio_bi.duration_summary d ORDER BY d.kind;
SELECT (SELECT count(*) FROM agent_studio_bi.cost_monthly) AS months, (SELECT count(*) FROM agent_studio_bi.success_rate_daily) AS days;
SELECT * FROM tests.try('SELECT * FROM executions', 'SELECT * FROM outputs', 'SELECT * FROM daily_totals', 'SELECT as_status(1)',
	'SELECT * FROM agent_studio_private.totals');
RESET ROLE;

-- ---------- everybody's rows, and what is not known ----------

SET ROLE regress_alice;
SELECT as_execute_task('worker', 'secret prompt') AS priced, as_execute_task('worker', 'secret prompt') AS unpriced, as_execute_task('worker', 'secret prompt') AS never_started \gset
RESET ROLE;
UPDATE executions SET status = 'completed', started_at = now() - interval '90 seconds', finished_at = now(), attempts = 1, input_tokens = 100, output_tokens = 10,
	input_cost_usd = 0.25, output_cost_usd = 0.5 WHERE execution_id = :priced;
UPDATE executions SET status = 'failed', started_at = now() - interval '30 seconds', finished_at = now(), attempts = 1, error_class = 'timeout', error_message = 'secret'
WHERE execution_id = :unpriced;
UPDATE executions SET status = 'canceled', finished_at = now() WHERE execution_id = :never_started;
INSERT INTO attempts (execution_id, step_no, attempt_no, outcome, epoch, agent_version_id, model_id, sent_at, finished_at, input_tokens, output_tokens,
	input_cost_usd, output_cost_usd, possibly_billed, error_class, owner)
VALUES (:priced, 1, 1, 'completed', 1, 1, 1, now() - interval '90 seconds', now(), 100, 10, 0.25, 0.5, true, NULL, 'regress_alice'),
	(:unpriced, 1, 1, 'failed', 1, 1, 1, now() - interval '30 seconds', now(), NULL, NULL, NULL, NULL, true, 'timeout', 'regress_alice');

SET ROLE regress_granted;
SELECT * FROM tests.read_all_bi();
SELECT kind, status, agent, duration_seconds, attempts, cost_usd, error_class FROM agent_studio_bi.execution_facts ORDER BY execution_id;
SELECT outcome, model, agent, duration_seconds, cost_usd, is_retry FROM agent_studio_bi.attempt_facts ORDER BY execution_id;
SELECT executions, executions_completed, executions_failed, executions_canceled, success_rate_percent, meets_success_target FROM agent_studio_bi.success_rate_daily;
SELECT executions_timed, average_duration_seconds, executions_fast, executions_medium, executions_slow, meets_duration_target FROM agent_studio_bi.duration_daily;
SELECT cost_usd, attempts, attempts_without_cost, executions, cost_per_execution_usd,
	projected_cost_usd = round(cost_usd * days_in_month / days_elapsed, 6) AS projected, days_elapsed = extract(day FROM now()) AS elapsed FROM agent_studio_bi.cost_monthly;
SELECT error_class, executions, share_percent FROM agent_studio_bi.error_distribution;
SELECT agent, executions, executions_completed, success_rate_percent, attempts, attempts_failed, cost_usd, attempts_without_cost FROM agent_studio_bi.agent_results;
SELECT owner, executions, executions_completed, success_rate_percent, cost_usd, executions_without_cost FROM agent_studio_bi.active_users;
SELECT kind, executions, success_rate_percent, points_above_target, points_above_last_month FROM agent_studio_bi.success_summary ORDER BY kind;
RESET ROLE;

-- Nothing known is NULL, not 0.
DELETE FROM attempts WHERE execution_id = :priced;
UPDATE executions SET input_cost_usd = NULL WHERE execution_id = :priced;
SELECT cost_usd, attempts_without_cost, cost_per_execution_usd, projected_cost_usd FROM agent_studio_bi.cost_monthly;
SELECT cost_usd, executions_without_cost FROM agent_studio_bi.active_users;

-- A row as large as rows can be is no error.
UPDATE executions SET started_at = '0001-01-01', input_cost_usd = 99999999999999, output_cost_usd = 0, input_tokens = 9223372036854775807 WHERE execution_id = :priced;
SELECT * FROM tests.read_all_bi();

-- Targets: the server's, and the workflow's own.
SET ROLE regress_alice;
SELECT as_create_workflow('ambitious', 'sequential', '{"steps": [{"name": "a", "agent": "worker", "task": "Do it."}],
	"settings": {"success_target_percent": 99.5, "duration_target_seconds": 60}}') IS NOT NULL AS made;
SELECT as_run_workflow('ambitious', '{}') AS run \gset
SELECT * FROM tests.try($$SELECT as_update_workflow('ambitious', '{"steps": [{"name": "a", "agent": "worker", "task": "Do it."}], "settings": {"success_target_percent": 101}}')$$,
	$$SELECT as_update_workflow('ambitious', '{"steps": [{"name": "a", "agent": "worker", "task": "Do it."}], "settings": {"duration_target_seconds": "1h"}}')$$);
RESET ROLE;
UPDATE executions SET status = 'completed', started_at = now() - interval '90 seconds', finished_at = now() WHERE execution_id = :run;
SELECT workflow, success_rate_percent, success_target_percent, meets_success_target, average_duration_seconds, duration_target_seconds, meets_duration_target, cost_usd, share_percent
FROM agent_studio_bi.workflow_performance;

DROP OWNED BY regress_granted;
DROP ROLE regress_granted, regress_reader;
DROP FUNCTION tests.read_all_bi, tests.reads_beyond_bi;
