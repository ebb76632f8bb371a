-- What a row of executions and of steps cannot be, whoever writes it. Each changes a
-- column to what it may not be, and to what it may.
SELECT tests.reset();
SELECT as_create_agent('sound', 'builder', 'mock');
SELECT as_create_workflow('sound', 'sequential', '{"steps": [{"name": "a", "agent": "sound", "task": "a"}]}');
SELECT as_execute_task('sound', 'Do it.') AS task \gset
SELECT as_run_workflow('sound') AS flow \gset
CREATE FUNCTION tests.change(relation text, id bigint, changes text[]) RETURNS TABLE (change text, refused text) LANGUAGE plpgsql AS $$
DECLARE
	hint text;
	detail text;
BEGIN
	FOREACH change IN ARRAY changes LOOP
		refused := NULL;
		BEGIN
			EXECUTE format('UPDATE agent_studio.%I SET %s WHERE execution_id = %s', relation, change, id);
		EXCEPTION WHEN check_violation THEN
			GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT, detail = PG_EXCEPTION_DETAIL;
			refused := concat_ws(' / ', SQLERRM, nullif(detail, ''), nullif(hint, ''));
		END;
		RETURN NEXT;
	END LOOP;
END
$$;
\pset null (accepted)
\pset format unaligned
SELECT * FROM tests.change('executions', :task, ARRAY['kind = ''job''', 'kind = ''workflow''', 'agent = NULL', 'workflow = ''w''', 'timeout_seconds = NULL', 'output_format = NULL',
	'timeout_seconds = 0', 'timeout_seconds = 86401', 'timeout_seconds = 86400', 'max_retries = -1', 'max_retries = 21', 'max_retries = 20', 'status = ''Queued''', 'status = ''''', 'status = ''paused''',
	'priority = ''urgent''', 'priority = ''critical''', 'task = ''''', 'task = '' ''', 'context = ''[]''', 'context = ''{"a": 1}''', 'context = ''"{}"''', 'inputs = ''1''',
	-- One that is stored elsewhere, compressed or not.
	'context = (SELECT jsonb_object_agg(n, md5(n::text)) FROM generate_series(1, 20000) n)', 'error_hint = ''changed beside it''', 'task = repeat(''long '', 100000)', 'error_hint = ''and again''',
	'context = (SELECT jsonb_agg(md5(n::text)) FROM generate_series(1, 20000) n)']);
SELECT * FROM tests.change('executions', :flow, ARRAY['kind = ''task''', 'agent = ''sound''', 'workflow = NULL', 'inputs = NULL', 'inputs = ''[]''', 'inputs = ''{"a": 1}''', 'timeout_seconds = 5']);
SELECT * FROM tests.change('steps', :task, ARRAY['step_no = 0', 'step_no = -1', 'plan_step = 0', 'iteration = 0', 'round = 0', 'round = 2147483647', 'state = ''done''', 'state = ''running''', 'verdict = ''good''', 'verdict = ''approved''', 'verdict = NULL',
	'timeout_seconds = 0', 'timeout_seconds = NULL', 'max_retries = 21', 'max_retries = NULL', 'quality_score = 1.001', 'quality_score = -0.001', 'quality_score = ''NaN''', 'quality_score = 1', 'quality_score = 0', 'quality_score = NULL']);
\pset format aligned
-- Called by hand, too.
SELECT agent_studio_private.execution_is_sound(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
SELECT agent_studio_private.execution_is_sound('task', 'a', NULL, 1, 'code', NULL, NULL, NULL, NULL, NULL, NULL),
	agent_studio_private.step_is_sound(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
DROP FUNCTION tests.change;
