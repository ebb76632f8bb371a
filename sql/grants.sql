-- as_grant and as_revoke: who may use, change and drop what is neither shared nor their team's.
SELECT tests.reset();
\pset format unaligned
\pset tuples_only on
SET client_min_messages = notice;
CREATE ROLE regress_guests;
GRANT regress_guests TO regress_bob;
SET ROLE regress_alice;
SELECT as_create_agent('hers', 'builder', 'mock', team => 'regress_team') AS agent \gset
SELECT as_create_workflow('hers-sequential-dev', 'sequential', '{"steps": [{"name": "a", "agent": "worker", "task": "b"}]}') AS workflow \gset
SELECT as_create_agent('both', 'builder', 'mock');
SELECT as_create_workflow('both', 'sequential', '{"steps": [{"name": "a", "agent": "worker", "task": "b"}]}');
-- Nothing before.
SET ROLE regress_bob;
SELECT count(*) FROM agents WHERE name = 'hers';
SELECT count(*) FROM workflows;
SELECT * FROM tests.try($$SELECT as_execute_task('hers', 'x')$$, $$SELECT as_run_workflow('hers-sequential-dev')$$, $$SELECT as_grant('hers', 'regress_bob')$$);
-- execute: seen and used, itself or through a role, not changed.
SET ROLE regress_alice;
SELECT as_grant('hers', 'regress_guests'), as_grant('hers', 'regress_guests', 'EXECUTE'), as_grant('workflow:hers-sequential-dev', 'regress_bob', 'execute');
SELECT kind, object_id = CASE kind WHEN 'agent' THEN :agent ELSE :workflow END, role, privilege, granted_by FROM grants ORDER BY 1;
SET ROLE regress_bob;
SELECT name FROM agents ORDER BY 1;
SELECT name, (SELECT count(*) FROM workflow_versions v WHERE v.workflow_id = w.workflow_id) FROM workflows w;
SELECT as_execute_task('hers', 'x') IS NOT NULL, as_run_workflow('hers-sequential-dev') IS NOT NULL;
SELECT owner, team, coalesce(agent, workflow) FROM executions ORDER BY execution_id;
SELECT * FROM tests.try($$SELECT as_update_agent('hers', description => 'x')$$, $$SELECT as_drop_agent('hers')$$,
	$$SELECT as_update_workflow('hers-sequential-dev', description => 'x')$$, $$SELECT as_drop_workflow('hers-sequential-dev')$$,
	$$SELECT as_grant('hers', 'regress_nobody')$$, $$SELECT as_revoke('hers', 'regress_guests')$$);
SET ROLE regress_nobody;
SELECT * FROM tests.try('SELECT count(*) FROM agent_studio.grants', $$SELECT agent_studio.as_grant('hers', 'regress_nobody')$$);
-- modify: used and changed, not dropped. What one grants is not for others to see.
SET ROLE regress_alice;
SELECT as_revoke('hers', 'regress_guests', 'execute'), as_revoke('hers-sequential-dev', 'regress_bob');
SELECT as_grant('hers', 'regress_bob', 'modify'), as_grant('hers-sequential-dev', 'regress_bob', 'modify');
SET ROLE regress_bob;
SELECT as_update_agent('hers', description => 'x'), as_update_workflow('hers-sequential-dev', description => 'x');
SELECT as_execute_task('hers', 'x') IS NOT NULL, as_run_workflow('hers-sequential-dev') IS NOT NULL;
SELECT * FROM tests.try($$SELECT as_drop_agent('hers')$$, $$SELECT as_drop_workflow('hers-sequential-dev')$$, $$SELECT as_grant('hers-sequential-dev', 'regress_bob', 'delete')$$);
-- Nor is it granted on by sharing it, or by taking it out of its team or into another.
SELECT * FROM tests.try($$SELECT as_update_agent('hers', visibility => 'shared')$$, $$SELECT as_update_agent('hers', unset => '{team}')$$, $$SELECT as_update_agent('hers', team => 'regress_guests')$$,
	$$SELECT as_update_workflow('hers-sequential-dev', visibility => 'shared')$$, $$SELECT as_update_workflow('hers-sequential-dev', team => 'regress_guests')$$,
	$$SELECT as_update_agent('hers', visibility => 'team', team => 'regress_team')$$);
SET ROLE regress_carol;
SELECT count(*) FROM grants;
-- delete: dropped, not used. An admin grants, too; the grant goes with its object.
SET ROLE regress_adam;
SELECT as_revoke('hers', 'regress_bob'), as_revoke('hers-sequential-dev', 'regress_bob'), as_grant('agent:both', 'regress_bob', 'delete'), as_grant('workflow:both', 'regress_bob', 'delete');
SET ROLE regress_bob;
SELECT name FROM agents WHERE name <> 'worker';
SELECT * FROM tests.try($$SELECT as_execute_task('both', 'x')$$, $$SELECT as_run_workflow('both')$$, $$SELECT as_update_agent('both', description => 'x')$$);
SELECT as_drop_agent('both'), as_drop_workflow('both');
RESET ROLE;
SELECT count(*) FROM grants;
-- Refused.
SET ROLE regress_alice;
SELECT as_create_agent('both', 'builder', 'mock');
SELECT as_create_workflow('both', 'sequential', '{"steps": [{"name": "a", "agent": "worker", "task": "b"}]}');
SELECT * FROM tests.try($$SELECT as_grant('both', 'regress_bob')$$, $$SELECT as_grant('her', 'regress_bob')$$, $$SELECT as_grant('her-sequential-dev', 'regress_bob')$$,
	$$SELECT as_grant('workflow:hers', 'regress_bob')$$, $$SELECT as_grant('hers', 'regress_bbo')$$, $$SELECT as_grant('hers', 'public')$$, $$SELECT as_grant('hers', NULL)$$,
	$$SELECT as_grant(NULL, 'regress_bob')$$, $$SELECT as_grant('hers', 'regress_bob', 'modfy')$$, $$SELECT as_grant('hers', 'regress_bob', NULL)$$,
	$$SELECT as_revoke('hers', 'regress_bob', 'modfy')$$, $$SELECT as_revoke('hers', NULL)$$);
SELECT as_revoke('hers', 'regress_bob'), as_revoke('agent:hers', 'regress_gone', 'modify');
RESET ROLE;
REVOKE regress_guests FROM regress_bob;
DROP ROLE regress_guests;
RESET client_min_messages;
\pset format aligned
\pset tuples_only off
