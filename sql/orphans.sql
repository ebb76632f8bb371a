-- tests.orphans finds what has no parent: the other tests end with it.
SELECT tests.reset();
SELECT as_execute_task('worker', 'whole') AS whole, as_execute_task('worker', 'broken') AS broken \gset
SELECT * FROM tests.orphans();
UPDATE steps SET model_id = 99, agent_version_id = 99 WHERE execution_id = :whole;
DELETE FROM steps WHERE execution_id = :broken;
INSERT INTO attempts (execution_id, step_no, attempt_no, outcome, epoch, model_id, sent_at, finished_at, possibly_billed, owner)
VALUES (77, 1, 1, 'failed', 1, 1, now(), now(), false, 'x');
INSERT INTO thoughts (execution_id, seq, step_no, attempt_no, at, elapsed_ms, source, content, owner)
VALUES (77, 1, 1, 1, now(), 0, 'system', 'x', 'x'), (:whole, 1, 1, 3, now(), 0, 'system', 'x', 'x');
INSERT INTO notices (execution_id, severity, kind, message, owner) VALUES (77, 'info', 'retry', 'x', 'x');
INSERT INTO logs (execution_id, step_no, at, level, message, owner) VALUES (77, 1, now(), 'DEBUG', 'x', 'x');
INSERT INTO commands (execution_id, wanted, actor, owner) VALUES (77, 'cancel', 'x', 'x');
INSERT INTO steps (execution_id, step_no, name, agent_version_id, model_id, owner) VALUES (78, 1, 'x', 1, 1, 'x');
INSERT INTO model_prices (model_id, valid_from, input_price, set_by) VALUES (99, now(), 1, 'x');
INSERT INTO agent_versions (agent_id, version, model_id, timeout_seconds, output_format, progress_lines, created_by)
VALUES (99, '1.0.0', 1, 60, 'plaintext', false, 'x'), (1, '9.0.0', 99, 60, 'plaintext', false, 'x');
INSERT INTO workflow_versions (workflow_id, version, definition, created_by) VALUES (99, '1.0.0', '{}', 'x');
SELECT * FROM tests.orphans() ORDER BY child, execution_id, missing;
SELECT tests.reset();
