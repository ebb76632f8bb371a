-- Budgets: who sets them, what falls under them, how they are counted, and what is refused.
-- No executor runs: what it would call is called here.
SELECT tests.reset();
\pset null (null)
\pset format unaligned
\pset tuples_only on

-- Periods begin at midnight UTC, whatever the time zone here.
SET timezone = 'Pacific/Auckland';
SELECT p, agent_studio_private.period_start(p, at) AT TIME ZONE 'UTC', agent_studio_private.period_end(p, at) AT TIME ZONE 'UTC'
FROM unnest('{day,week,month,quarter,year}'::text[]) p, (VALUES (timestamptz '2025-10-09 23:59:59+00'), ('2024-02-29 00:00:00+00')) t (at) ORDER BY at, p;
RESET timezone;
-- The guide's: $64 in nine days of October.
SELECT round(agent_studio_private.projected(64, 'month', '2025-10-09 14:35:00+00'), 2), round(agent_studio_private.projected(64, 'month', '2025-10-31 23:59:59+00'), 2),
	round(agent_studio_private.projected(64, 'month', '2025-10-01 00:00:00+00'), 2), round(agent_studio_private.projected(7, 'week', '2025-10-06 00:00:00+00'), 2),
	agent_studio_private.projected(5, 'day', '2025-10-06 12:00:00+00')::int, agent_studio_private.projected(NULL, 'day', '2025-10-06 12:00:00+00');

-- Who may set which: administrators each, everybody one of his own that no administrator has set.
SET ROLE regress_alice;
SELECT as_create_agent('ours', 'builder', 'mock', team => 'regress_team', visibility => 'shared');
SELECT as_create_workflow('flow-sequential-prod', 'sequential', '{"steps": [{"name": "a", "agent": "worker", "task": "A"}, {"name": "b", "agent": "ours", "task": "B"}]}', visibility => 'shared');
SET ROLE regress_adam;
SELECT * FROM tests.try($$SELECT as_set_budget('all', 500)$$, $$SELECT as_set_budget('team:regress_team', 10, 'Week')$$, $$SELECT as_set_budget('User:regress_bob', 1, 'day', 'refuse')$$,
	$$SELECT as_set_budget('agent:worker', 0.5)$$, $$SELECT as_set_budget('workflow:flow-sequential-prod', 2, 'quarter')$$);
SET ROLE regress_olaf;
SELECT * FROM tests.try($$SELECT as_set_budget('all', 1)$$, $$SELECT as_set_budget('user:regress_alice', 1)$$);
SET ROLE regress_alice;
SELECT * FROM tests.try($$SELECT as_set_budget('user:regress_alice', 3, action => 'refuse')$$, $$SELECT as_set_budget('user:regress_alice', NULL)$$, $$SELECT as_set_budget('user:regress_alice', 4)$$,
	$$SELECT as_set_budget('user:regress_bob', 100)$$, $$SELECT as_set_budget('user:regress_carol', 100)$$, $$SELECT as_set_budget('team:regress_team', NULL)$$, $$SELECT as_set_budget('agent:ours', 1)$$);
SET ROLE regress_bob;
SELECT * FROM tests.try($$SELECT as_set_budget('user:regress_bob', 100)$$, $$SELECT as_set_budget('user:regress_bob', NULL)$$);
SET ROLE regress_mona;
SELECT * FROM tests.try($$SELECT as_set_budget('user:regress_mona', 1)$$);
-- What there is not.
SET ROLE regress_adam;
SELECT * FROM tests.try($$SELECT as_set_budget('teams:regress_team', 1)$$, $$SELECT as_set_budget('team', 1)$$, $$SELECT as_set_budget('team:', 1)$$, $$SELECT as_set_budget('all:x', 1)$$,
	$$SELECT as_set_budget(NULL, 1)$$, $$SELECT as_set_budget('', 1)$$, $$SELECT as_set_budget('team:regress_tem', 1)$$, $$SELECT as_set_budget('user:xyzzyxyzzy', 1)$$,
	$$SELECT as_set_budget('agent:wroker', 1)$$, $$SELECT as_set_budget('workflow:flow-sequential-pord', 1)$$, $$SELECT as_set_budget('user:regress_carol', NULL)$$,
	$$SELECT as_set_budget('all', 0)$$, $$SELECT as_set_budget('all', -1)$$, $$SELECT as_set_budget('all', 'NaN')$$, $$SELECT as_set_budget('all', 'Infinity')$$,
	$$SELECT as_set_budget('all', 1, 'fortnight')$$, $$SELECT as_set_budget('all', 1, NULL)$$, $$SELECT as_set_budget('all', 1, action => 'refuze')$$);
SELECT scope, amount_usd, period, action, spent_usd, percent_used, projected_usd, unknown_calls, state FROM budget_status ORDER BY 1;
-- BI tools are told the same.
CREATE TEMP VIEW in_bi AS SELECT count(b.scope) AS budgets, bool_and((b.period, b.action, b.first_day, b.last_day, b.amount_usd, b.spent_usd, round(b.projected_cost_usd, 2), b.attempts_without_cost,
	b.is_used_up, b.meets_budget) IS NOT DISTINCT FROM (s.period, s.action, s.first_day, s.last_day, s.amount_usd, s.spent_usd, s.projected_usd, s.unknown_calls, s.state = 'over', s.projected_usd <= s.amount_usd)) AS same
FROM budget_status s FULL JOIN agent_studio_bi.budget_status b USING (scope);
SELECT * FROM in_bi;
-- Whoever falls under a budget, or can see what it is for, sees it.
SET ROLE regress_bob;
SELECT string_agg(scope, ' ' ORDER BY scope) FROM budget_status;
SET ROLE regress_carol;
SELECT string_agg(scope, ' ' ORDER BY scope) FROM budget_status;
SET ROLE regress_mona;
SELECT count(*) FROM budget_status;

-- What was spent before a budget is set counts, once the executor has counted; then each attempt is added.
SET ROLE regress_alice;
SELECT as_execute_task('ours', 'of the team'), as_execute_task('worker', 'of alice'), as_run_workflow('flow-sequential-prod');
SET ROLE regress_bob;
SELECT as_execute_task('worker', 'of bob');
RESET ROLE;
CREATE FUNCTION tests.spend(execution bigint, step integer, attempt integer, usd numeric, at timestamptz DEFAULT now(), billed boolean DEFAULT true) RETURNS void LANGUAGE sql AS $$
	INSERT INTO agent_studio.attempts (execution_id, step_no, attempt_no, outcome, epoch, agent_version_id, model_id, sent_at, finished_at, input_cost_usd, output_cost_usd, possibly_billed, owner, team, workflow)
	SELECT s.execution_id, s.step_no, attempt, 'failed', 1, s.agent_version_id, 1, at, at, usd / 2, usd / 2, billed, s.owner, s.team, e.workflow
	FROM agent_studio.steps s JOIN agent_studio.executions e USING (execution_id) WHERE s.execution_id = execution AND s.step_no = step
$$;
SELECT tests.spend(1, 1, 1, 0.10), tests.spend(2, 1, 1, 0.20), tests.spend(3, 1, 1, 0.40), tests.spend(3, 2, 1, 0.80), tests.spend(4, 1, 1, 0.05), tests.spend(4, 1, 2, NULL), tests.spend(4, 1, 3, NULL, billed => false);
SELECT tests.spend(1, 1, 2, 1000, agent_studio_private.period_start('year', now()) - interval '8 days');
SELECT agent_studio_private.count_spending();
SELECT scope, spent_usd, percent_used, unknown_calls, state, projected_usd = round(agent_studio_private.projected(spent_usd, period, now()), 2) AS projected FROM budget_status ORDER BY 1;
SELECT tests.spend(1, 1, 3, 7.95), tests.spend(4, 1, 4, 0.75), tests.spend(4, 1, 5, NULL);
SELECT agent_studio_private.add_spending('{1,4,4,99}', '{1,1,1,1}', '{3,4,5,1}');
SELECT scope, spent_usd, percent_used, unknown_calls, state FROM budget_status ORDER BY 1;
SELECT * FROM in_bi;
-- Counted anew it is the same.
CREATE TEMP TABLE added AS SELECT * FROM budget_spending;
DELETE FROM budget_spending;
SELECT agent_studio_private.count_spending();
SELECT count(*) FROM (SELECT * FROM budget_spending EXCEPT SELECT * FROM added) d;
-- A notice at 80 percent, and one at the end; alerts, whose remedies work.
SELECT agent_studio_private.add_spending('{}', '{}', '{}');
SELECT execution_id, severity, message, owner FROM notices WHERE kind = 'budget' ORDER BY message;
SELECT severity, kind, execution_id, regexp_replace(message, '\$[0-9.]+ expected', '(so much) expected'), regexp_replace(remedy, ', \d+,', ', (more),') FROM agent_studio_private.budget_alerts();
CREATE TEMP TABLE remedies AS SELECT remedy FROM agent_studio_private.budget_alerts();
GRANT SELECT ON remedies TO PUBLIC;
BEGIN;
SET LOCAL ROLE regress_adam;
DO $$ DECLARE r record; BEGIN FOR r IN SELECT remedy FROM remedies LOOP EXECUTE r.remedy; END LOOP; END $$;
SELECT count(*) FROM agent_studio_private.budget_alerts();
ROLLBACK;

-- Refused: tasks, workflows, tests and clones that fall under a budget that is used up; not what was submitted before.
SELECT tests.spend(4, 1, 6, 0.20);
SELECT agent_studio_private.add_spending('{4}', '{1}', '{6}');
SET ROLE regress_bob;
SELECT regexp_replace(t, '\d{4}-\d\d-\d\d 00:00', '(tomorrow)') FROM tests.try($$SELECT as_execute_task('worker', 'x')$$, $$SELECT as_run_workflow('flow-sequential-prod')$$,
	$$SELECT as_test_workflow('flow-sequential-prod', mode => 'full')$$, $$SELECT as_clone(4)$$, $$SELECT count(*) FROM as_test_workflow('flow-sequential-prod')$$) t;
SET ROLE regress_alice;
SELECT as_execute_task('worker', 'hers is not used up') > 0;
SET ROLE regress_adam;
SELECT as_set_budget('user:regress_bob', 1, 'day', 'warn');
SET ROLE regress_bob;
SELECT as_execute_task('worker', 'only warned') > 0;
-- An agent's and a workflow's budget bind whoever uses them; what was accepted keeps its key.
SET ROLE regress_adam;
SELECT as_set_budget('agent:worker', 0.5, action => 'refuse'), as_set_budget('workflow:flow-sequential-prod', 1.2, 'quarter', 'refuse'), as_set_budget('team:regress_team', NULL);
SELECT * FROM tests.try($$SELECT as_set_budget('team:regress_team', NULL)$$);
SET ROLE regress_alice;
SELECT split_part(t, ' UTC', 1) ~ '53400|accepted', left(regexp_replace(t, '\d{4}-.*', '(then)'), 80) FROM tests.try($$SELECT as_execute_task('worker', 'x')$$, $$SELECT as_execute_task('ours', 'x')$$, $$SELECT as_run_workflow('flow-sequential-prod')$$) t;
-- Another period is another budget, which is counted on its own; what is removed is forgotten.
SET ROLE regress_adam;
SELECT as_set_budget('agent:worker', 0.5, 'year', 'refuse');
RESET ROLE;
SELECT scope, spent_usd FROM budget_status WHERE scope = 'agent:worker';
SELECT agent_studio_private.count_spending();
SELECT scope, spent_usd, state FROM budget_status WHERE scope = 'agent:worker';
SELECT count(*) FROM budget_spending WHERE budget_id NOT IN (SELECT budget_id FROM budgets);
-- A new period begins with nothing.
BEGIN;
UPDATE budget_spending SET spent_usd = 99999999999999;
SELECT max(projected_cost_usd) FROM agent_studio_bi.budget_status;
UPDATE budget_spending SET period_start = period_start - interval '2 years';
SELECT DISTINCT spent_usd, percent_used, projected_usd, unknown_calls, state FROM budget_status;
SELECT * FROM in_bi;
ROLLBACK;
DROP VIEW in_bi;

-- Reservations. Of a budget of $0.35: 3330 tokens of output are $0.0999 at most, and the prompt.
SELECT tests.reset();
SET ROLE regress_adam;
SELECT as_create_agent('spender', 'builder', 'mock', visibility => 'shared', max_output_tokens => 3330), as_create_agent('unbounded', 'builder', 'mock', visibility => 'shared');
SELECT as_create_model('free', 'mock'), as_create_agent('unpriced', 'builder', 'free', visibility => 'shared');
SELECT as_set_budget('user:regress_alice', 0.35, action => 'refuse'), as_set_budget('all', 100, action => 'refuse');
SET ROLE regress_alice;
SELECT count(as_execute_task('spender', repeat('x', 400))) FROM generate_series(1, 4);
SELECT as_execute_task('unbounded', 'no limit but the model''s'), as_execute_task('unpriced', 'not known');
SET ROLE regress_bob;
SELECT as_execute_task('spender', 'of bob');
RESET ROLE;
SELECT q.execution_id, agent_studio_private.most_cost(q, s.agent_version_id) FROM queue q JOIN steps s USING (execution_id, step_no) ORDER BY 1;
CREATE FUNCTION tests.claim() RETURNS TABLE (execution bigint, step integer, refusal text) LANGUAGE plpgsql AS $$
DECLARE
	at timestamptz := clock_timestamp();
	taken bigint[];
BEGIN
	WITH c AS (UPDATE agent_studio.queue SET epoch = 1, claimed_at = at, attempt_no = attempt_no + 1 WHERE epoch IS NULL AND NOT waiting RETURNING execution_id)
	SELECT array_agg(execution_id ORDER BY execution_id) INTO taken FROM c;
	UPDATE agent_studio.steps SET state = 'running', attempt_no = attempt_no + 1, started_at = coalesce(started_at, at), sent_at = at WHERE execution_id = ANY (taken);
	UPDATE agent_studio.executions SET status = 'running', started_at = at WHERE execution_id = ANY (taken) AND status = 'queued';
	RETURN QUERY SELECT * FROM agent_studio_private.reserve_spending(taken, array_fill(1, ARRAY[cardinality(taken)]));
END
$$;
SELECT agent_studio_private.count_spending();
SELECT execution, refusal FROM tests.claim();
SELECT q.execution_id, q.epoch, q.attempt_no, q.waiting, q.held_by, q.reserved_usd, s.state, s.attempt_no, s.started_at IS NULL, s.sent_at IS NULL, e.status, e.started_at IS NULL
FROM queue q JOIN steps s USING (execution_id, step_no) JOIN executions e USING (execution_id) ORDER BY 1;
SELECT * FROM tests.orphans();
-- Nothing ends: those that wait go on waiting. One ends: the first of them goes.
SELECT agent_studio_private.release_held(500);
SELECT execution, refusal FROM tests.claim();
DELETE FROM queue WHERE execution_id = 1;
SELECT tests.spend(1, 1, 1, 0.01);
SELECT agent_studio_private.add_spending('{1}', '{1}', '{1}');
UPDATE queue SET run_at = 'infinity' WHERE execution_id = 4;		-- paused meanwhile
SELECT agent_studio_private.release_held(500);
SELECT execution, refusal FROM tests.claim();
SELECT execution_id, epoch, waiting, held_by, round(reserved_usd, 4) FROM queue ORDER BY 1;
-- Whoever waits for a budget that is removed goes on; who was paused meanwhile does not.
BEGIN;
DELETE FROM budgets WHERE kind = 'user';
SELECT agent_studio_private.release_unbound();
SELECT execution_id, waiting, held_by FROM queue WHERE execution_id = 4;
UPDATE queue SET run_at = now() WHERE execution_id = 4;
SELECT agent_studio_private.release_unbound();
SELECT execution_id, waiting, held_by FROM queue WHERE execution_id = 4;
ROLLBACK;
-- Used up: refused, in words; bob is not concerned.
UPDATE queue SET epoch = NULL, waiting = false;
UPDATE budget_spending s SET spent_usd = 0.35 FROM budgets b WHERE b.budget_id = s.budget_id AND b.kind = 'user';
SELECT execution, refusal FROM tests.claim();
-- A call that could alone use up a budget is sent when nothing else is under way.
UPDATE queue SET epoch = NULL, reserved_usd = NULL, waiting = execution_id NOT IN (2, 3);
UPDATE budget_spending SET spent_usd = 0;
UPDATE budgets SET amount_usd = 0.01 WHERE kind = 'user';
SELECT execution, refusal FROM tests.claim();
-- Where an agent has no limit, what its tasks cost as a rule.
UPDATE executions SET status = 'completed', input_cost_usd = 0.01, output_cost_usd = 0.02 WHERE execution_id = 5;
SELECT agent_studio_private.most_cost(q, s.agent_version_id) FROM queue q JOIN steps s USING (execution_id, step_no) WHERE execution_id = 5;
DROP FUNCTION tests.claim, tests.spend;
