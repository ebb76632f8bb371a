-- Downloads and comparisons: one file of an execution, and executions side by side.
-- No executor runs: the rows are written by hand, as it would write them.
SELECT tests.reset();
\pset null (null)
SET timezone = 'Asia/Tokyo';

-- The guide's task, to the letter.
SET ROLE regress_adam;
SELECT as_create_model('gpt-4-turbo', 'mock', model_version => '2024-04-09', max_output_tokens => 8000, input_price => 10, output_price => 30);
SET ROLE regress_alice;
SELECT as_create_agent('architect-agent-prod', 'architect', 'gpt-4-turbo', version => '2.1.0', temperature => 0.7, max_output_tokens => 8000, team => 'regress_team');
SELECT as_execute_task('architect-agent-prod', 'Design a real-time notification system...', '{"scale": "100K", "zeta": 1, "alpha": [2]}', output_format => 'md') AS id \gset
RESET ROLE;
DELETE FROM queue;
UPDATE executions SET status = 'completed', submitted_at = '2025-10-09 14:35:20+00', started_at = '2025-10-09 14:35:22.103+00', finished_at = '2025-10-09 14:36:49.201+00', attempts = 1 WHERE execution_id = :id;
UPDATE steps SET state = 'completed', attempt_no = 1, started_at = '2025-10-09 14:35:22.103+00', finished_at = '2025-10-09 14:36:49.201+00',
	output = E'# Notification System Architecture\n\n## Executive Summary\nThis *architecture* holds **100K** connections.\n\n- [SignalR](https://signalr.net)\n- `Redis`\n' WHERE execution_id = :id;
INSERT INTO attempts (execution_id, step_no, attempt_no, outcome, epoch, model_id, answered_by, sent_at, finished_at, input_tokens, output_tokens, input_cost_usd, output_cost_usd, possibly_billed, owner, team)
VALUES (:id, 1, 1, 'completed', 1, 2, 'gpt', now(), now(), 1250, 4890, 0.0125, 0.1467, true, 'regress_alice', 'regress_team');
SET ROLE regress_alice;
\pset format unaligned
\pset tuples_only on
SELECT as_download_text(:id);
SELECT as_download_text(:id, 'JSON');
SELECT as_download_text(:id, 'txt');
SELECT as_download_text(:id, 'markdown') = as_download_text(:id), as_download_text(:id, 'plaintext') = as_download_text(:id, 'txt');
SELECT convert_from(as_download(:id, f), 'UTF8') = as_download_text(:id, f) FROM unnest('{md,json,txt}'::text[]) f;
SELECT substr(as_download(:id), 1, 4), as_download(:id) = as_download(:id, 'zip'), position('output.md'::bytea IN as_download(:id)) > 0, position('exec-1.json'::bytea IN as_download(:id)) > 0;
-- 14:36:49 on the 9th of October 2025 in UTC, whatever the session's zone.
SELECT substr(as_download(:id), 11, 4) = '\x9874495b';

-- Refusals, and who may.
SELECT * FROM tests.try(format('SELECT as_download(%s, ''pdf'')', :id), format('SELECT as_download_text(%s, ''jsno'')', :id), format('SELECT as_download_text(%s, ''zip'')', :id),
	format('SELECT as_download_text(%s, NULL)', :id), format('SELECT as_download(%s, NULL)', :id), 'SELECT as_download(99)', 'SELECT as_download_text(NULL)');
SET ROLE regress_carol;
SELECT length(as_download_text(:id)) > 100, octet_length(as_download(:id)) > 100;
SET ROLE regress_mona;
SELECT length(as_download_text(:id)) > 100, octet_length(as_download(:id)) > 100;
SET ROLE regress_bob;
SELECT * FROM tests.try(format('SELECT as_download(%s)', :id), format('SELECT as_download_text(%s)', :id), format('SELECT as_compare(%s, 1)', :id));
RESET ROLE;

-- What the answer is decides how it is shown; nothing in it ends its block.
CREATE FUNCTION tests.answers(id bigint, format text, answer text, kind text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	UPDATE agent_studio.executions SET output_format = format WHERE execution_id = id;
	UPDATE agent_studio.steps SET output = answer WHERE execution_id = id;
	RETURN agent_studio.as_download_text(id, kind);
END
$$;
BEGIN;
SELECT tests.answers(:id, 'json', E'{"b": "```", "a": "*no*"}', 'md');
SELECT tests.answers(:id, 'code', E'def f():\n\treturn "````"\n', 'md');
SELECT tests.answers(:id, 'code', E'def f():\n\treturn "````"\n', 'txt');
SELECT tests.answers(:id, 'plaintext', E'# no heading\n  *as it is*\n', 'md');
SELECT tests.answers(:id, 'plaintext', E'# no heading\n  *as it is*\n', 'txt');
SELECT tests.answers(:id, 'markdown', E'Text\n\n# A later heading\n', 'md');
SELECT tests.answers(:id, 'markdown', E'\n\n#  Größe & <b>mehr</b>\r\n', 'txt');
SELECT tests.answers(:id, 'markdown', '# ' || repeat('x', 2000), 'md') LIKE E'# Design a%# xxx%';
-- Hostile: controls and marks of direction stay in Markdown and JSON, which must be what the model said, and go from the text.
SELECT tests.answers(:id, 'markdown', E'# T\x1b[2J\u202e\n\n\x07bell \u2066\u009b\u200f `c\x1bo` [l](http://x/\u202ey)\n\n    \x1b]0;title\n\n<script>alert(1)</script>\n', 'txt') ~ '[\u0001-\u0009\u000B-\u001F\u007F-\u009F\u200E\u200F\u2028-\u202E\u2066-\u2069]';
SELECT as_download_text(:id, 'txt');
SELECT strpos(as_download_text(:id), E'\x1b[2J\u202e') > 0, as_download_text(:id, 'json')::jsonb #>> '{output,content}' = as_output(:id);
-- No text makes the parser take long, or more memory than is allowed.
SELECT length(tests.answers(:id, 'markdown', repeat('>', 100000) || 'x', 'txt')) < 1000, length(tests.answers(:id, 'markdown', repeat('[', 100000), 'txt')) > 100000,
	length(tests.answers(:id, 'markdown', repeat('- ', 100000) || 'x', 'txt')) < 1000;
SAVEPOINT a;
SELECT * FROM tests.try(format('SELECT tests.answers(%s, ''markdown'', repeat(''![[]()'', 100000), ''txt'')', :id));
ROLLBACK;

-- Not yet finished, or not at all: what there is, and how it stands.
BEGIN;
UPDATE executions SET status = 'running', finished_at = NULL, started_at = clock_timestamp() WHERE execution_id = :id;
UPDATE steps SET state = 'running', finished_at = NULL, output = NULL WHERE execution_id = :id;
DELETE FROM attempts;
SELECT regexp_replace(as_download_text(:id), '[0-9.]+ seconds', 'n seconds');
SELECT as_download_text(:id, 'json')::jsonb - 'startTime' - 'durationSeconds';
SELECT octet_length(as_download(:id)) > 100;
UPDATE executions SET status = 'failed', finished_at = now(), error_class = 'timeout', error_message = E'too\n# long *here*' WHERE execution_id = :id;
UPDATE steps SET state = 'failed', output = 'half of', error_class = 'timeout' WHERE execution_id = :id;
SELECT l FROM regexp_split_to_table(as_download_text(:id), E'\n') l WHERE l ~ 'Status|Error|Cost|half';
SELECT as_download_text(:id, 'json')::json ->> 'error';
UPDATE executions SET started_at = NULL, status = 'canceled' WHERE execution_id = :id;
SELECT as_download_text(:id, 'txt') LIKE '%Status: canceled%';
ROLLBACK;

-- A workflow: every step with its outputs, its files in the archive.
SET ROLE regress_alice;
SELECT as_create_workflow('feature', 'sequential', '{"inputs": {"feature_name": "string", "scale": {"type": "string", "default": "10K"}}, "steps": [
	{"name": "design", "title": "Architecture *Design*", "agent": "architect-agent-prod", "task": "Design.", "outputs": {"architecture": {"type": "string", "file_name": "architecture.md"}, "components": "array", "summary": "string"}},
	{"name": "build", "agent": "worker", "task": "Build.", "outputs": {"code": {"type": "string", "file_name": "größe.py"}, "coverage": "number"}, "on_failure": "fallback", "fallback": "rescue"},
	{"name": "check", "agent": "worker", "task": "Check."},
	{"name": "optional", "agent": "worker", "task": "More.", "when": "$.scale == \"never\""},
	{"name": "rescue", "agent": "worker", "task": "Rescue."}]}', 'Feature Development', team => 'regress_team');
SELECT as_run_workflow('feature', '{"feature_name": "Avatars"}') AS wf \gset
RESET ROLE;
DELETE FROM queue;
UPDATE executions SET status = 'completed', started_at = '2026-03-01 12:00:00+00', finished_at = '2026-03-01 12:09:42+00' WHERE execution_id = :wf;
UPDATE steps s SET state = d.state, verdict = d.verdict, started_at = d.start, finished_at = d.start + interval '87 seconds', output = d.output, outputs = d.outputs, output_format = d.format, attempt_no = 1
FROM (VALUES ('design', 'completed', NULL, timestamptz '2026-03-01 12:00:00+00', '{}', jsonb '{"architecture": "# Größe\n\nIt *scales*.", "components": ["a", {"b": 1}], "summary": "In **short**."}', 'json'),
	('build', 'completed', NULL, '2026-03-01 12:02:00+00', '{}', '{"code": "def f():\n    return \"```\"", "coverage": 87.50}', 'json'),
	('check', 'completed', NULL, '2026-03-01 12:05:00+00', E'## Fine\nAll *good*.', NULL, 'markdown'),
	('optional', 'skipped', 'passed_over', NULL, NULL, NULL, NULL)) d (name, state, verdict, start, output, outputs, format)
WHERE s.execution_id = :wf AND s.name = d.name;
INSERT INTO attempts (execution_id, step_no, attempt_no, outcome, epoch, model_id, sent_at, finished_at, input_tokens, output_tokens, input_cost_usd, output_cost_usd, possibly_billed, owner, team)
SELECT :wf, n, 1, 'completed', 1, 1, now(), now(), 1000, 2000 * n, 0.01, 0.06 * n, true, 'regress_alice', 'regress_team' FROM generate_series(1, 2) n;
SET ROLE regress_carol;
SELECT as_download_text(:wf);
SELECT as_download_text(:wf, 'txt');
SELECT as_download_text(:wf, 'json');
RESET ROLE;
-- Whoever may see the execution but not the workflow has the outputs without the files.
BEGIN;
UPDATE workflows SET team = NULL, owner = 'regress_bob';
SET LOCAL ROLE regress_carol;
SELECT as_download_text(:wf) LIKE '%It *scales*.%', as_download_text(:wf, 'json')::jsonb -> 'files', octet_length(as_download(:wf)) > 100;
ROLLBACK;
-- Too much for one value.
BEGIN;
UPDATE steps SET output = repeat('x', 101 * 1024 * 1024) WHERE execution_id = :wf AND name = 'check';
SELECT * FROM tests.try(format('SELECT as_download(%s)', :wf), format('SELECT as_download_text(%s)', :wf));
ROLLBACK;

-- Names that every file system takes.
SELECT f, agent_studio_private.safe_file_name(f) FROM unnest(ARRAY['a.md', '../a', '..', 'a. .', '', 'NUL', 'com1.txt', 'console.log', '.env', E'a\n\u202eb', repeat('x', 300) || '.yaml', repeat('漢', 100) || '.md', repeat('.', 300) || 'x']) f;
-- Names in an archive: each once, also where file systems take two for one.
SELECT agent_studio_private.distinct_names('{a.md,A.md,2-a.md,a.md,exec-1.md,exec-1.md}');
SELECT * FROM tests.try($$SELECT agent_studio_private.zip('{}', '{}', now())$$, $$SELECT agent_studio_private.zip('{a}', '{}', now())$$, $$SELECT agent_studio_private.zip('{a}', '{NULL}', now())$$);
SELECT agent_studio_private.zip('{a}', '{x}', '1970-01-01 00:00+00') = agent_studio_private.zip('{a}', '{x}', 'infinity'), agent_studio_private.zip('{a}', '{x}', '2026-01-01 00:00+00') <> agent_studio_private.zip('{a}', '{x}', '2026-01-01 00:02+00');

-- Side by side.
SET ROLE regress_alice;
SELECT as_clone(:id, '{"priority": "high", "context": {"scale": "9K", "alpha": null}, "task": "Design it again."}') AS again \gset
SELECT as_clone(:wf, '{"inputs": {"scale": "1M"}}') AS wf_again \gset
RESET ROLE;
DELETE FROM queue;
UPDATE executions SET status = 'failed', submitted_at = '2025-10-09 13:00:00+00', started_at = '2025-10-09 14:00:00+00', finished_at = '2025-10-09 14:01:44+00', error_class = 'timeout', error_message = E'too\x1b[2J long' WHERE execution_id = :again;
UPDATE executions SET submitted_at = '2025-10-09 15:00:00+00' WHERE execution_id IN (:wf, :wf_again);
INSERT INTO attempts (execution_id, step_no, attempt_no, outcome, epoch, model_id, sent_at, finished_at, input_tokens, output_tokens, input_cost_usd, possibly_billed, owner, team)
VALUES (:again, 1, 1, 'completed', 1, 2, now(), now(), 1250, 5771, 0.0025, true, 'regress_alice', 'regress_team'), (:again, 1, 2, 'failed', 1, 2, now(), now(), NULL, NULL, NULL, true, 'regress_alice', 'regress_team');
SET ROLE regress_carol;
SELECT as_compare(:id, :again);
SELECT as_compare(:wf, :wf_again, :id);
SELECT as_compare(:id, :id) ~ '≠' AS differs GROUP BY 1;
SELECT * FROM tests.try('SELECT as_compare(1)', 'SELECT as_compare(1, 2, 3, 4, 1)', 'SELECT as_compare()', 'SELECT as_compare(VARIADIC NULL::bigint[])', 'SELECT as_compare(1, NULL)', 'SELECT as_compare(1, 99)');
RESET ROLE;
-- Narrow and harmless, whatever is in it, and not longer than one can read.
BEGIN;
UPDATE executions SET task = E'\x1b[2J' || repeat('漢字', 100), error_class = 'internal', error_message = E'\u202e' || repeat('漢字', 300),
	context = (SELECT jsonb_object_agg(E'k\u202e' || n || repeat('漢', n), repeat('漢字', n)) FROM generate_series(1, 30) n) WHERE execution_id = :id;
SELECT count(*), max(agent_studio_private.display_width(t)), bool_or(t ~ '[\u0001-\u001F\u007F-\u009F\u202E\u200B]') FROM as_compare(:id, :again) t;
SELECT max(agent_studio_private.display_width(t)), bool_or(t ~ 'Further Inputs .* 1[0-9] differ') FROM as_compare(:id, :again, :wf, :wf_again) t;
ROLLBACK;
