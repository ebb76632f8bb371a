/*
 * workflow_statements.c
 *		The SQL statements for executions that have a plan.
 *
 * As in statements.c: all are set-based, all names are qualified, the changes of a
 * statement's parts happen at once, and known rows are changed by their ctid.
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "statements_private.h"

/* $1: executions. Those without a plan are left out. */
static const char load_executions_sql[] =
"SELECT e.execution_id, e.status, e.started_at IS NOT NULL, e.workflow_version_id, e.plan IS NOT NULL,"
"	e.inputs, e.agents, e.notify, e.pause_before_each_step, e.continue_on_warnings, e.task,"
"	(extract(epoch FROM agent_studio_private.head_start(e.priority)) * 1000000)::bigint, e.owner, e.team, e.is_test, e.purged_at IS NOT NULL"
" FROM unnest($1) AS d (execution_id)"
" CROSS JOIN LATERAL (SELECT x.* FROM agent_studio.executions x WHERE x.execution_id = d.execution_id OFFSET 0) e"
" WHERE e.workflow_version_id IS NOT NULL OR e.plan IS NOT NULL"
" ORDER BY e.execution_id";

/* $1: plan_cache_key. */
static const char definition_sql[] =
"SELECT CASE WHEN $1 > 0"
"	THEN (SELECT v.definition::text FROM agent_studio.workflow_versions v WHERE v.workflow_version_id = $1)"
"	ELSE (SELECT e.plan::text FROM agent_studio.executions e WHERE e.execution_id = - $1) END";

static const char step_outputs_sql[] =
"SELECT s.outputs, s.output FROM agent_studio.steps s WHERE s.execution_id = $1 AND s.step_no = $2";

/* $1: a version of an agent. */
static const char agent_needs_sql[] =
"SELECT v.model_id, v.timeout_seconds, coalesce(octet_length(v.system_prompt), 0)::bigint, coalesce(v.max_output_tokens, 1000)::bigint,"
"	v.output_format, coalesce(m.structured_output, false)"
" FROM agent_studio.agent_versions v LEFT JOIN agent_studio.models m ON m.model_id = v.model_id WHERE v.agent_version_id = $1";

/* $1, $2: a step; what its attempts have cost. */
static const char step_cost_sql[] =
"SELECT agent_studio_private.money_text(sum(a.input_cost_usd + a.output_cost_usd)) FROM agent_studio.attempts a WHERE a.execution_id = $1 AND a.step_no = $2";

static const char write_approvals_sql[] =
"INSERT INTO agent_studio.approvals AS a (execution_id, step_no, approver, message, requested_at, expires_at, on_expiry, owner, team)"
" SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9)"
" ON CONFLICT (execution_id, step_no) DO UPDATE SET approver = excluded.approver, message = excluded.message,"
"	requested_at = excluded.requested_at, expires_at = excluded.expires_at, decision = NULL, decided_by = NULL,"
"	decided_at = NULL, comment = NULL";

static const char write_decisions_sql[] =
"UPDATE agent_studio.approvals a SET decision = d.decision, decided_by = d.decided_by, decided_at = clock_timestamp(),"
"	comment = d.comment"
" FROM unnest($1, $2, $3, $4, $5) AS d (execution_id, step_no, decision, decided_by, comment)"
" WHERE a.execution_id = d.execution_id AND a.step_no = d.step_no AND a.decision IS NULL";

static const char write_deliveries_sql[] =
"INSERT INTO agent_studio.deliveries (execution_id, step_no, action, arguments, owner, team)"
" SELECT d.execution_id, d.step_no, d.action, d.arguments::jsonb, d.owner, d.team"
" FROM unnest($1, $2, $3, $4, $5, $6) AS d (execution_id, step_no, action, arguments, owner, team)";

/* Commands that were dealt with; a refusal says why. */
static const char end_commands_sql[] =
"UPDATE agent_studio.commands c SET applied_at = clock_timestamp(),"
"	outcome = CASE WHEN d.refusal IS NULL THEN 'applied' ELSE 'refused' END, reason = coalesce(d.refusal, c.reason)"
" FROM unnest($1, $2, $3) AS d (execution_id, command_id, refusal)"
" WHERE c.execution_id = d.execution_id AND c.command_id = d.command_id AND c.applied_at IS NULL";

/*
 * $1, $2: a command to pause. What is under way goes on, and is held when it comes
 * back to the queue; an execution at rest is left as it is.
 */
static const char pause_sql[] =
"WITH wanted AS ("
"	SELECT e.execution_id, e.status, e.finished_at IS NULL AS open FROM agent_studio.executions e WHERE e.execution_id = $1),"
" paused AS ("
"	UPDATE agent_studio.executions e SET status = 'paused' FROM wanted w WHERE e.execution_id = w.execution_id AND w.open),"
" held AS ("
"	UPDATE agent_studio.queue q SET waiting = true, run_at = 'infinity'"
"	FROM wanted w WHERE q.execution_id = w.execution_id AND w.open AND q.epoch IS NULL),"
" step_states AS ("
"	UPDATE agent_studio.steps s SET state = 'paused', retry_at = NULL"
"	FROM wanted w WHERE s.execution_id = w.execution_id AND w.open AND s.state IN ('queued', 'retrying'))"
" UPDATE agent_studio.commands c SET applied_at = clock_timestamp(),"
"	outcome = CASE WHEN w.open THEN 'applied' ELSE 'refused' END,"
"	reason = CASE WHEN w.open THEN c.reason ELSE format('it was %s already', w.status) END"
" FROM wanted w WHERE c.execution_id = w.execution_id AND c.command_id = $2 AND c.applied_at IS NULL";

/* $1, $2: a command to go on. */
static const char resume_sql[] =
"WITH wanted AS ("
"	SELECT e.execution_id, e.status, e.status = 'paused' AS open FROM agent_studio.executions e WHERE e.execution_id = $1),"
" resumed AS ("
"	UPDATE agent_studio.executions e SET status = CASE WHEN e.started_at IS NULL THEN 'queued' ELSE 'running' END"
"	FROM wanted w WHERE e.execution_id = w.execution_id AND w.open),"
" released AS ("
"	UPDATE agent_studio.queue q SET waiting = false, run_at = clock_timestamp()"
"	FROM wanted w WHERE q.execution_id = w.execution_id AND w.open AND q.waiting AND q.run_at = 'infinity'),"
" step_states AS ("
"	UPDATE agent_studio.steps s SET state = 'queued', queued_at = clock_timestamp()"
"	FROM wanted w WHERE s.execution_id = w.execution_id AND w.open AND s.state = 'paused')"
" UPDATE agent_studio.commands c SET applied_at = clock_timestamp(),"
"	outcome = CASE WHEN w.open THEN 'applied' ELSE 'refused' END,"
"	reason = CASE WHEN w.open THEN c.reason ELSE format('it was %s, not paused', w.status) END"
" FROM wanted w WHERE c.execution_id = w.execution_id AND c.command_id = $2 AND c.applied_at IS NULL";

/* Another agent tries from now on: $1, $2 the steps, $3 the agents. */
static const char hand_over_sql[] =
"WITH taken AS ("
"	UPDATE agent_studio.steps s SET agent_version_id = v.agent_version_id, model_id = v.model_id"
"	FROM unnest($1, $2, $3) AS d (execution_id, step_no, agent)"
"	JOIN agent_studio.executions e ON e.execution_id = d.execution_id"
"	JOIN agent_studio.agent_versions v ON v.agent_version_id = (e.agents ->> d.agent)::bigint"
"	WHERE s.execution_id = d.execution_id AND s.step_no = d.step_no AND s.agent_version_id <> v.agent_version_id"
"	RETURNING s.execution_id, s.step_no, s.name, s.model_id, s.owner, s.team, d.agent),"
" queued AS ("
"	UPDATE agent_studio.queue q SET model_id = t.model_id, fallback_no = 0"
"	FROM taken t WHERE q.execution_id = t.execution_id AND q.step_no = t.step_no)"
" INSERT INTO agent_studio.notices (execution_id, step_no, severity, kind, message, owner, team)"
" SELECT t.execution_id, t.step_no, 'warning', 'handed_off', format('Step %s is handed over to %s', t.name, t.agent), t.owner, t.team"
" FROM taken t";

/* Approvals that nobody gave in time, also where the step waits no more: their rows are ended with the others. */
static const char expired_approvals_sql[] =
"SELECT a.execution_id, a.step_no, CASE a.on_expiry WHEN 'approve' THEN 'approve' WHEN 'manual_review' THEN 'manual_review' ELSE 'reject' END"
" FROM agent_studio.approvals a WHERE a.decision IS NULL AND a.expires_at <= $1 ORDER BY a.expires_at LIMIT 1000";

static const char next_expiry_sql[] =
"SELECT a.expires_at FROM agent_studio.approvals a WHERE a.decision IS NULL AND a.expires_at IS NOT NULL"
" ORDER BY a.expires_at LIMIT 1";

/* $1, $2: a step of the plan; $3: the iteration before the first one that counts. */
static const char best_iteration_sql[] =
"SELECT s.step_no FROM agent_studio.steps s"
" WHERE s.execution_id = $1 AND s.plan_step = $2 AND s.iteration > $3 AND s.quality_score IS NOT NULL AND s.output IS NOT NULL"
" ORDER BY s.quality_score DESC, s.iteration DESC LIMIT 1";

static const char withdraw_approval_sql[] =
"UPDATE agent_studio.approvals a SET decision = 'withdrawn', decided_at = clock_timestamp()"
" WHERE a.execution_id = $1 AND a.step_no = $2 AND a.decision IS NULL";

const StatementText workflow_statement_texts[STATEMENT_COUNT] = {
	[STATEMENT_LOAD_EXECUTIONS] = {load_executions_sql, 1, {INT8ARRAYOID}},
	[STATEMENT_DEFINITION] = {definition_sql, 1, {INT8OID}},
	[STATEMENT_STEP_OUTPUTS] = {step_outputs_sql, 2, {INT8OID, INT4OID}},
	[STATEMENT_AGENT_NEEDS] = {agent_needs_sql, 1, {INT8OID}},
	[STATEMENT_STEP_COST] = {step_cost_sql, 2, {INT8OID, INT4OID}},
	[STATEMENT_WRITE_APPROVALS] = {write_approvals_sql, 9, {INT8ARRAYOID, INT4ARRAYOID, TEXTARRAYOID, TEXTARRAYOID,
		TIMESTAMPTZARRAYOID, TIMESTAMPTZARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID}},
	[STATEMENT_WRITE_DECISIONS] = {write_decisions_sql, 5, {INT8ARRAYOID, INT4ARRAYOID, TEXTARRAYOID, TEXTARRAYOID,
		TEXTARRAYOID}},
	[STATEMENT_WRITE_DELIVERIES] = {write_deliveries_sql, 6, {INT8ARRAYOID, INT4ARRAYOID, TEXTARRAYOID, TEXTARRAYOID,
		TEXTARRAYOID, TEXTARRAYOID}},
	[STATEMENT_END_COMMANDS] = {end_commands_sql, 3, {INT8ARRAYOID, INT8ARRAYOID, TEXTARRAYOID}},
	[STATEMENT_PAUSE] = {pause_sql, 2, {INT8OID, INT8OID}},
	[STATEMENT_RESUME] = {resume_sql, 2, {INT8OID, INT8OID}},
	[STATEMENT_HAND_OVER] = {hand_over_sql, 3, {INT8ARRAYOID, INT4ARRAYOID, TEXTARRAYOID}},
	[STATEMENT_EXPIRED_APPROVALS] = {expired_approvals_sql, 1, {TIMESTAMPTZOID}},
	[STATEMENT_NEXT_EXPIRY] = {next_expiry_sql, 0, {0}},
	[STATEMENT_BEST_ITERATION] = {best_iteration_sql, 3, {INT8OID, INT4OID, INT4OID}},
	[STATEMENT_WITHDRAW_APPROVAL] = {withdraw_approval_sql, 2, {INT8OID, INT4OID}},
};
