-- How long every view takes on a long history, a line each: NAME|MILLISECONDS. The first
-- thousand rows, as a page shows them, with all of their columns; the second time that
-- they are asked for.
--
--	psql -v executions=1000000 -v generate=test/history/generate.sql -f dashboards.sql
SET client_min_messages = warning;
CREATE EXTENSION agent_studio;
\i :generate
CALL history.bulk(:executions, now());
SELECT agent_studio.as_roll_up() \g /dev/null
VACUUM ANALYZE;

CREATE FUNCTION pg_temp.milliseconds(view text) RETURNS numeric
LANGUAGE plpgsql
AS $$
DECLARE
	began timestamptz;
BEGIN
	FOR attempt IN 1 .. 2 LOOP
		began := clock_timestamp();
		EXECUTE format('SELECT count(page) FROM (SELECT * FROM %s LIMIT 1000) page', view);
	END LOOP;
	RETURN round(1000 * extract(epoch FROM clock_timestamp() - began), 1);
END
$$;

SELECT v.name, pg_temp.milliseconds(v.name) AS ms
FROM (SELECT format('%I.%I', schemaname, viewname) AS name FROM pg_views
	  WHERE schemaname IN ('agent_studio', 'agent_studio_bi')) v
ORDER BY ms DESC;
