/*
 * statements.c
 *		Every SQL statement of the executor, in one place.
 *
 * All are set-based: a hundred rows cost one statement. All names are qualified.
 * The changes of a statement's parts happen at once, and each part sees the
 * tables as they were before it, which is why a later part takes what it needs
 * from an earlier part's RETURNING, not from the table.
 *
 * Plans must be as good for a million rows as for none, and a queue is often empty
 * when its statistics are made. So rows that are known are looked up by their key
 * once, in a LATERAL subquery that OFFSET 0 keeps apart (it can only come second),
 * and changed by their ctid, for which there is no other way than to go there.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"

#include "statements_private.h"

/* After so many losses a step is taken to be what brings the server down. */
#define MAX_LOSSES	"10"

/*
 * A database that was copied (CREATE DATABASE ... TEMPLATE) has the queue of its
 * template, whose own executor does that work. As after a restore, nothing of it
 * is sent here until as_release_restored() says so. What the executors before this
 * one told of running calls is over.
 */
static const char begin_epoch_sql[] =
"WITH here AS (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = current_database()),"
" copied AS ("
"	SELECT FROM here WHERE here.oid <>"
"		(SELECT e.database_oid FROM agent_studio.epochs e ORDER BY e.epoch DESC LIMIT 1)),"
" not_ours AS (DELETE FROM agent_studio.queue WHERE EXISTS (SELECT FROM copied)),"
" not_running AS (DELETE FROM agent_studio.live_usage)"
" INSERT INTO agent_studio.epochs (database_oid) SELECT here.oid FROM here RETURNING epoch";

static const char end_epoch_sql[] =
"UPDATE agent_studio.epochs SET ended_at = clock_timestamp() WHERE epoch = $1";

/* Lives that ended without a word, lately. */
static const char recent_crashes_sql[] =
"SELECT count(*) FROM agent_studio.epochs"
" WHERE epoch <> $1 AND ended_at IS NULL AND started_at BETWEEN clock_timestamp() - interval '2 minutes' AND clock_timestamp()";

/*
 * What ended epochs had claimed is queued again, a bounded number at a time, or
 * only the step that $2 and $3 name; the attempt is kept as lost. seq_base jumps past every thought that a reader can
 * have seen before the crash took it.
 */
static const char recover_sql[] =
"WITH claimed AS MATERIALIZED ("
"	SELECT q.execution_id, q.step_no, q.attempt_no, q.epoch, q.model_id, q.claimed_at, q.losses + 1 AS losses,"
"		q.losses + 1 >= " MAX_LOSSES " AS fails, s.execution_id IS NOT NULL AS known, s.agent_version_id, s.owner, s.team,"
"		e.workflow, coalesce(e.is_test, false) AS is_test, e.status = 'paused' AS held, e.workflow_version_id IS NOT NULL OR e.plan IS NOT NULL AS has_plan"
"	FROM agent_studio.queue q LEFT JOIN agent_studio.steps s USING (execution_id, step_no)"
"	LEFT JOIN agent_studio.executions e ON e.execution_id = q.execution_id"
"	WHERE q.epoch < $1 AND ($2 IS NULL OR (q.execution_id = $2 AND q.step_no = $3)) ORDER BY q.epoch LIMIT 1000),"
" orphans AS ("
"	DELETE FROM agent_studio.queue q USING claimed c"
"	WHERE q.execution_id = c.execution_id AND q.step_no = c.step_no AND (NOT c.known OR c.fails)),"
" again AS ("
"	UPDATE agent_studio.queue q SET epoch = NULL, claimed_at = NULL, waiting = c.held, losses = c.losses,"
"		run_at = CASE WHEN c.held THEN 'infinity' ELSE q.run_at END,"
"		seq_base = 1000000 * (1 + coalesce((SELECT max(t.seq) FROM agent_studio.thoughts t"
"			WHERE t.execution_id = q.execution_id), 0) / 1000000)"
"	FROM claimed c WHERE q.execution_id = c.execution_id AND q.step_no = c.step_no AND c.known AND NOT c.fails),"
" lost AS ("
"	INSERT INTO agent_studio.attempts (execution_id, step_no, attempt_no, outcome, epoch, agent_version_id, model_id, sent_at,"
"		finished_at, possibly_billed, error_class, error_message, retryable, owner, team, workflow, is_test)"
"	SELECT c.execution_id, c.step_no, c.attempt_no, 'lost', c.epoch, c.agent_version_id, c.model_id, c.claimed_at,"
"		clock_timestamp(), true, 'internal', 'the server or the executor ended while this attempt was under way',"
"		NOT c.fails, c.owner, c.team, c.workflow, c.is_test FROM claimed c WHERE c.known ON CONFLICT DO NOTHING),"
" step_states AS ("
"	UPDATE agent_studio.steps s SET retry_at = NULL,"
"		state = CASE WHEN c.fails THEN 'failed' WHEN c.held THEN 'paused' ELSE 'queued' END,"
"		finished_at = CASE WHEN c.fails THEN clock_timestamp() END,"
"		error_class = CASE WHEN c.fails THEN 'internal' END,"
"		error_message = CASE WHEN c.fails THEN 'the server ended " MAX_LOSSES " times while this step was under way' END"
"	FROM claimed c WHERE s.execution_id = c.execution_id AND s.step_no = c.step_no),"
" totals AS ("
"	SELECT c.execution_id, count(*) AS attempts, bool_or(c.fails AND NOT c.has_plan) AS fails"
"	FROM claimed c WHERE c.known GROUP BY c.execution_id),"
" execution_states AS ("
"	UPDATE agent_studio.executions e SET attempts = e.attempts + t.attempts,"
"		status = CASE WHEN t.fails THEN 'failed' ELSE e.status END,"
"		finished_at = CASE WHEN t.fails THEN clock_timestamp() END,"
"		error_class = CASE WHEN t.fails THEN 'internal' END,"
"		error_message = CASE WHEN t.fails THEN 'the server ended " MAX_LOSSES " times while it was under way' END,"
"		error_hint = CASE WHEN t.fails THEN 'Look at the server log for what ended it, then submit the task again.' END"
"	FROM totals t WHERE e.execution_id = t.execution_id),"
" told AS ("
"	INSERT INTO agent_studio.notices (execution_id, step_no, severity, kind, message, owner, team)"
"	SELECT c.execution_id, c.step_no, 'warning', 'recovered',"
"		'Interrupted by a restart of the server - sent again; the vendor may charge for the first request too', c.owner, c.team"
"	FROM claimed c WHERE c.known AND NOT c.fails),"
" counted AS ("
"	UPDATE agent_studio.epochs SET recovered = recovered + (SELECT count(*) FROM claimed) WHERE epoch = $1)"
" SELECT count(*), array_agg(DISTINCT c.execution_id) FILTER (WHERE c.fails AND c.has_plan) FROM claimed c";

/* What recovery has yet to do, for when it has to be done one by one. */
static const char left_steps_sql[] =
"SELECT q.execution_id, q.step_no, q.epoch FROM agent_studio.queue q WHERE q.epoch < $1 ORDER BY q.epoch LIMIT 1000";

static const char pending_commands_sql[] =
"SELECT c.execution_id, c.command_id, c.wanted, c.step_no, c.actor, c.reason,"
"	CASE WHEN c.arguments ->> 'timeout_seconds' ~ '^\\d{1,9}$' THEN (c.arguments ->> 'timeout_seconds')::integer END,"
"	c.arguments -> 'immediately' = 'true',"
"	CASE WHEN jsonb_typeof(c.arguments -> 'outputs') = 'object' THEN (c.arguments -> 'outputs')::text END, c.arguments ->> 'output'"
" FROM agent_studio.commands c WHERE c.applied_at IS NULL ORDER BY c.command_id LIMIT 1000";

/*
 * $1: executions whose calls in flight have been ended before, in this transaction.
 * What is left of them in the queue goes; a command that came too late is refused.
 */
static const char apply_cancel_sql[] =
"WITH wanted AS ("
"	SELECT e.execution_id, e.finished_at IS NULL"
"			OR (e.kind = 'workflow' AND e.status IN ('failed', 'requires_manual_review')) AS open, e.status, e.owner, e.team"
"	FROM agent_studio.executions e WHERE e.execution_id = ANY ($1)),"
" gone AS ("
"	DELETE FROM agent_studio.queue q USING wanted w WHERE q.execution_id = w.execution_id AND w.open),"
" step_states AS ("
"	UPDATE agent_studio.steps s SET state = 'canceled', retry_at = NULL, finished_at = clock_timestamp()"
"	FROM wanted w WHERE s.execution_id = w.execution_id AND w.open AND s.finished_at IS NULL),"
" execution_states AS ("
"	UPDATE agent_studio.executions e SET status = 'canceled', finished_at = clock_timestamp()"
"	FROM wanted w WHERE e.execution_id = w.execution_id AND w.open),"
" late AS ("
"	INSERT INTO agent_studio.notices (execution_id, severity, kind, message, owner, team)"
"	SELECT w.execution_id, 'warning', 'command_refused', format('Not canceled: it was %s already', w.status), w.owner, w.team"
"	FROM wanted w WHERE NOT w.open AND w.status <> 'canceled')"
" UPDATE agent_studio.commands c SET applied_at = clock_timestamp(),"
"	outcome = CASE WHEN w.open OR w.status = 'canceled' THEN 'applied' ELSE 'refused' END,"
"	reason = CASE WHEN w.open OR w.status = 'canceled' THEN c.reason ELSE format('it was %s already', w.status) END"
" FROM wanted w WHERE c.execution_id = w.execution_id AND c.applied_at IS NULL AND c.wanted = 'cancel'";

/* A command that cannot be written is not tried again and again. */
static const char refuse_command_sql[] =
"UPDATE agent_studio.commands c SET applied_at = clock_timestamp(), outcome = 'refused', reason = $3"
" WHERE c.execution_id = $1 AND c.command_id = $2 AND c.applied_at IS NULL";

static const char release_due_sql[] =
"WITH due AS ("
"	SELECT q.execution_id, q.step_no FROM agent_studio.queue q"
"	WHERE q.waiting AND q.run_at <= $1 ORDER BY q.run_at LIMIT 1000)"
" UPDATE agent_studio.queue q SET waiting = false FROM due d"
" WHERE q.execution_id = d.execution_id AND q.step_no = d.step_no";

static const char next_due_sql[] =
"SELECT q.run_at FROM agent_studio.queue q WHERE q.waiting ORDER BY q.run_at LIMIT 1";

/*
 * A wait began when the last attempt ended. If that is yet to come, the clock was set
 * back, and the rest of the wait begins now: it never takes longer than it should have.
 */
static const char mend_waits_sql[] =
"WITH late AS ("
"	SELECT q.execution_id, q.step_no, clock_timestamp() + (q.run_at - a.finished_at) AS run_at"
"	FROM agent_studio.queue q JOIN agent_studio.attempts a USING (execution_id, step_no, attempt_no)"
"	WHERE q.waiting AND q.run_at <> 'infinity' AND a.finished_at > clock_timestamp()),"
" step_states AS ("
"	UPDATE agent_studio.steps s SET retry_at = l.run_at FROM late l"
"	WHERE s.execution_id = l.execution_id AND s.step_no = l.step_no AND s.retry_at IS NOT NULL)"
" UPDATE agent_studio.queue q SET run_at = l.run_at FROM late l"
" WHERE q.execution_id = l.execution_id AND q.step_no = l.step_no";

/* What was sent within the last minute to models that have limits: see limits.h. */
static const char recent_sends_sql[] =
"SELECT a.model_id, a.sent_at, coalesce(a.input_tokens + a.output_tokens, 0)"
" FROM agent_studio.attempts a JOIN agent_studio.models m USING (model_id)"
" WHERE a.sent_at > $1 AND (m.requests_per_minute IS NOT NULL OR m.tokens_per_minute IS NOT NULL)"
" ORDER BY a.sent_at";

static const char blocked_models_sql[] =
"SELECT h.model_id, h.blocked_until FROM agent_studio.model_headroom h WHERE h.blocked_until > clock_timestamp()";

/*
 * $1: models that take nothing now. What waits for one of them and has a fallback
 * goes on to that; a fallback that is at its limit too is passed on the next time.
 * Where no agent has any, nobody looks at what waits, which may be very much.
 */
static const char reroute_sql[] =
"WITH waiting AS ("
"	SELECT q.execution_id, q.step_no, v.fallback_models[q.fallback_no + 1] AS next_model_id"
"	FROM (SELECT u.model_id FROM unnest($1) AS u (model_id) WHERE EXISTS (SELECT FROM agent_studio.agent_versions o"
"		WHERE cardinality(o.fallback_models) > 0 AND (o.model_id = u.model_id OR u.model_id = ANY (o.fallback_models))) OFFSET 0) full_model, LATERAL ("
"		SELECT w.execution_id, w.step_no, w.fallback_no FROM agent_studio.queue w"
"		WHERE w.model_id = full_model.model_id AND w.epoch IS NULL AND NOT w.waiting"
"		ORDER BY w.order_at, w.execution_id, w.step_no LIMIT 500 FOR UPDATE OF w SKIP LOCKED) q"
"	JOIN agent_studio.steps s ON s.execution_id = q.execution_id AND s.step_no = q.step_no"
"	JOIN agent_studio.agent_versions v ON v.agent_version_id = s.agent_version_id"
"	WHERE q.fallback_no < cardinality(v.fallback_models))"
" UPDATE agent_studio.queue q SET model_id = w.next_model_id, fallback_no = q.fallback_no + 1"
" FROM waiting w WHERE q.execution_id = w.execution_id AND q.step_no = w.step_no";

/* What a request is made of, for rows of the queue that have been claimed. */
#define CLAIM_FOUND(claimed) \
" found AS MATERIALIZED (" \
"	SELECT c.*, s.ctid AS step_row, e.ctid AS execution_row, e.status, s.agent_version_id, s.plan_step, e.is_verbose, e.owner, e.team," \
"		e.workflow_version_id, e.plan IS NOT NULL AS has_own_plan, e.started_at, coalesce(s.task, e.task) AS task, e.context," \
"		coalesce(s.max_retries, e.max_retries) AS max_retries, coalesce(s.timeout_seconds, e.timeout_seconds) AS timeout_seconds," \
"		coalesce(s.output_format, e.output_format) AS output_format, coalesce(s.json_schema, e.json_schema) AS json_schema" \
"	FROM " claimed " c" \
"	LEFT JOIN LATERAL (SELECT x.ctid, x.* FROM agent_studio.executions x WHERE x.execution_id = c.execution_id OFFSET 0) e ON true" \
"	LEFT JOIN LATERAL (SELECT x.ctid, x.* FROM agent_studio.steps x" \
"		WHERE x.execution_id = c.execution_id AND x.step_no = c.step_no OFFSET 0) s ON true)"

#define CLAIM_RESULT(now) \
" SELECT f.execution_id, f.step_no, f.attempt_no, f.failures, f.model_id," \
"	coalesce(f.started_at, " now ") AS started_at, f.max_retries, f.timeout_seconds, f.is_verbose, f.owner, f.team," \
"	f.task, CASE WHEN f.context <> '{}' THEN f.context::text END AS context," \
"	v.system_prompt, v.temperature::text, v.top_p::text, v.max_output_tokens, v.progress_lines," \
"	m.server, m.deployment, m.max_output_tokens AS model_max_output_tokens, m.max_tokens_parameter," \
"	CASE WHEN m.request_options <> '{}' THEN m.request_options::text END AS request_options," \
"	greatest(f.seq_base, CASE WHEN f.attempt_no > 1 OR f.workflow_version_id IS NOT NULL OR f.has_own_plan THEN (SELECT max(t.seq)" \
"		FROM agent_studio.thoughts t WHERE t.execution_id = f.execution_id) END) AS last_seq," \
"	f.tokens, m.requests_per_minute, m.tokens_per_minute, f.output_format, f.json_schema::text, m.structured_output," \
"	f.fallback_no, v.fallback_models[f.fallback_no + 1] AS next_model_id, v.model_id AS own_model_id," \
"	f.agent_version_id, f.workflow_version_id, f.has_own_plan, f.plan_step," \
"	array_to_string(v.phases, '; ')" \
" FROM found f" \
" LEFT JOIN agent_studio.agent_versions v ON v.agent_version_id = f.agent_version_id" \
" LEFT JOIN agent_studio.models m ON m.model_id = f.model_id" \
" ORDER BY f.order_at, f.execution_id, f.step_no"

/*
 * $1 to $5: models that have used something: calls in flight, requests and tokens
 * of the last minute, whether the vendor wants none; $6: free places in all;
 * $7: epoch; $8: now; $9, $10: the one step that may be claimed, NULL = any; $11:
 * tokens for which there is memory, but the first step is taken in any case. Each
 * model is asked for no more than it has places for; of those, only what its
 * tokens allow is taken, the first one in any case when nothing else counts. SKIP
 * LOCKED: a user's transaction may be canceling what was never claimed.
 */
static const char claim_sql[] =
"WITH free AS ("
"	SELECT m.model_id, CASE WHEN u.blocked THEN 0 ELSE least($6, m.max_concurrency - coalesce(u.in_flight, 0),"
"			m.requests_per_minute - coalesce(u.requests, 0)) END AS places,"
"		m.tokens_per_minute - coalesce(u.tokens, 0) AS tokens, coalesce(u.tokens, 0) = 0 AS fresh"
"	FROM agent_studio.models m LEFT JOIN unnest($1, $2, $3, $4, $5)"
"		AS u (model_id, in_flight, requests, tokens, blocked) USING (model_id)),"
" ready AS ("
"	SELECT r.queue_row, r.execution_id, r.step_no, r.order_at, r.tokens, free.tokens AS tokens_left, free.fresh,"
"		sum(r.tokens) OVER (PARTITION BY free.model_id ORDER BY r.order_at, r.execution_id, r.step_no) AS tokens_sum,"
"		row_number() OVER (PARTITION BY free.model_id ORDER BY r.order_at, r.execution_id, r.step_no) AS place"
"	FROM free, LATERAL ("
"		SELECT q.ctid AS queue_row, q.execution_id, q.step_no, q.order_at, q.tokens FROM agent_studio.queue q"
"		WHERE q.model_id = free.model_id AND q.epoch IS NULL AND NOT q.waiting"
"			AND ($9 IS NULL OR (q.execution_id = $9 AND q.step_no = $10))"
"			AND (SELECT c.command_id FROM agent_studio.commands c"
"				WHERE c.execution_id = q.execution_id AND c.applied_at IS NULL LIMIT 1) IS NULL"
"		ORDER BY q.order_at, q.execution_id, q.step_no LIMIT greatest(free.places, 0)"
"		FOR UPDATE OF q SKIP LOCKED) r),"
" picked AS ("
"	SELECT a.queue_row FROM ("
"		SELECT r.queue_row, r.execution_id, r.step_no, r.order_at, sum(r.tokens) OVER in_order AS tokens_sum,"
"			row_number() OVER in_order AS place FROM ready r"
"		WHERE r.tokens_left IS NULL OR r.tokens_sum <= r.tokens_left OR (r.fresh AND r.place = 1)"
"		WINDOW in_order AS (ORDER BY r.order_at, r.execution_id, r.step_no)) a"
"	WHERE a.tokens_sum <= $11 OR a.place = 1"
"	ORDER BY a.order_at, a.execution_id, a.step_no LIMIT $6),"
" claimed AS ("
"	UPDATE agent_studio.queue q SET epoch = $7, claimed_at = $8, attempt_no = q.attempt_no + 1"
"	FROM picked p WHERE q.ctid = p.queue_row"
"	RETURNING q.execution_id, q.step_no, q.model_id, q.attempt_no, q.failures, q.seq_base, q.order_at, q.tokens, q.fallback_no),"
CLAIM_FOUND("claimed") ","
" step_states AS ("
"	UPDATE agent_studio.steps s SET state = 'running', attempt_no = f.attempt_no, retry_at = NULL, model_id = f.model_id,"
"		started_at = coalesce(s.started_at, $8), sent_at = $8"
"	FROM found f WHERE s.ctid = f.step_row),"
" execution_states AS ("
"	UPDATE agent_studio.executions e SET status = 'running', started_at = $8"
"	FROM found f WHERE e.ctid = f.execution_row AND f.status = 'queued')"
CLAIM_RESULT("$8");

/* $1, $2: steps that were claimed when they were queued; $3: by this epoch; $4: now. */
static const char chained_sql[] =
"WITH chained AS ("
"	SELECT q.execution_id, q.step_no, q.model_id, q.attempt_no, q.failures, q.seq_base, q.order_at, q.tokens, q.fallback_no"
"	FROM unnest($1, $2) AS d (execution_id, step_no)"
"	CROSS JOIN LATERAL (SELECT x.* FROM agent_studio.queue x"
"		WHERE x.execution_id = d.execution_id AND x.step_no = d.step_no OFFSET 0) q WHERE q.epoch = $3),"
CLAIM_FOUND("chained")
CLAIM_RESULT("$4");

/* $1: a model; how many calls it takes at once (NULL = no limit), and who is the first that waits for it. One that has a rate to keep takes none. */
static const char model_places_sql[] =
"SELECT CASE WHEN m.requests_per_minute IS NULL AND m.tokens_per_minute IS NULL THEN m.max_concurrency ELSE 0 END, (SELECT q.order_at FROM agent_studio.queue q"
"	WHERE q.model_id = m.model_id AND q.epoch IS NULL AND NOT q.waiting ORDER BY q.order_at, q.execution_id, q.step_no LIMIT 1)"
" FROM agent_studio.models m WHERE m.model_id = $1";

static const char wanted_executions_sql[] =
"SELECT c.execution_id FROM agent_studio.commands c WHERE c.applied_at IS NULL LIMIT 1000";

/* What a claim could take of each model, for when steps have to be claimed one by one. */
static const char ready_steps_sql[] =
"SELECT r.execution_id, r.step_no, NULL::bigint FROM agent_studio.models m, LATERAL ("
"	SELECT q.execution_id, q.step_no, q.order_at FROM agent_studio.queue q"
"	WHERE q.model_id = m.model_id AND q.epoch IS NULL AND NOT q.waiting"
"	ORDER BY q.order_at, q.execution_id, q.step_no LIMIT 100) r"
" ORDER BY r.order_at, r.execution_id, r.step_no";

/*
 * What waits for a model that does not exist, and so would never be claimed; from one
 * model to the next, so that it costs as much as there are models in the queue.
 */
static const char lost_steps_sql[] =
"WITH RECURSIVE wanted (model_id) AS ("
"	(SELECT q.model_id FROM agent_studio.queue q WHERE q.epoch IS NULL AND NOT q.waiting ORDER BY q.model_id LIMIT 1)"
"	UNION ALL SELECT (SELECT q.model_id FROM agent_studio.queue q"
"		WHERE q.epoch IS NULL AND NOT q.waiting AND q.model_id > w.model_id ORDER BY q.model_id LIMIT 1)"
"	FROM wanted w WHERE w.model_id IS NOT NULL)"
" SELECT l.execution_id, l.step_no, NULL::bigint FROM wanted w, LATERAL ("
"	SELECT q.execution_id, q.step_no FROM agent_studio.queue q"
"	WHERE q.model_id = w.model_id AND q.epoch IS NULL AND NOT q.waiting LIMIT 100) l"
" WHERE NOT EXISTS (SELECT FROM agent_studio.models m WHERE m.model_id = w.model_id)";

/* $1: a model, $2: a time; its price then, and until when that holds. */
static const char price_sql[] =
"SELECT m.name, coalesce(p.valid_from, '-infinity'),"
"	coalesce((SELECT min(x.valid_from) FROM agent_studio.model_prices x WHERE x.model_id = $1 AND x.valid_from > $2), 'infinity'),"
"	p.input_price, coalesce(p.cached_input_price, p.input_price), p.output_price"
" FROM agent_studio.models m LEFT JOIN LATERAL (SELECT x.* FROM agent_studio.model_prices x"
"	WHERE x.model_id = $1 AND x.valid_from <= $2 ORDER BY x.valid_from DESC LIMIT 1) p ON true"
" WHERE m.model_id = $1";

/*
 * For a step that cannot be claimed ($3, the epoch, is NULL), or whose result cannot
 * be stored: it fails, and says so. Only what was claimed has had an attempt.
 */
static const char fail_unwritable_sql[] =
"WITH ended AS ("
"	DELETE FROM agent_studio.queue q WHERE q.execution_id = $1 AND q.step_no = $2 AND q.epoch IS NOT DISTINCT FROM $3"
"	RETURNING q.execution_id, q.step_no, q.attempt_no, q.epoch, q.model_id, q.claimed_at),"
" attempt_rows AS ("
"	INSERT INTO agent_studio.attempts (execution_id, step_no, attempt_no, outcome, epoch, agent_version_id, model_id, sent_at,"
"		finished_at, possibly_billed, error_class, error_message, retryable, owner, team, workflow, is_test)"
"	SELECT d.execution_id, d.step_no, d.attempt_no, 'failed', d.epoch, s.agent_version_id, d.model_id, d.claimed_at, clock_timestamp(),"
"		true, 'internal', $4, false, s.owner, s.team, e.workflow, e.is_test"
"	FROM ended d JOIN agent_studio.steps s USING (execution_id, step_no) JOIN agent_studio.executions e USING (execution_id) WHERE d.epoch IS NOT NULL),"
" step_states AS ("
"	UPDATE agent_studio.steps s SET state = 'failed', finished_at = clock_timestamp(), error_class = 'internal', error_message = $4"
"	FROM ended d WHERE s.execution_id = d.execution_id AND s.step_no = d.step_no)"
" UPDATE agent_studio.executions e SET status = 'failed', finished_at = clock_timestamp(),"
"	attempts = e.attempts + CASE WHEN d.epoch IS NULL THEN 0 ELSE 1 END,"
"	error_class = 'internal', error_message = $4, error_hint = 'The server log has the details.'"
" FROM ended d WHERE e.execution_id = d.execution_id";

/* The last resort: its rows stay as they are, and as_check() tells of them. */
static const char unqueue_sql[] =
"DELETE FROM agent_studio.queue q WHERE q.execution_id = $1 AND q.step_no = $2 AND q.epoch IS NOT DISTINCT FROM $3";

/* Budgets: the arithmetic is in functions, which tests and people can call too. */
static const char read_budgets_sql[] =
"SELECT count(*), count(*) FILTER (WHERE b.action = 'refuse') FROM agent_studio.budgets b";

static const char forget_spending_sql[] = "DELETE FROM agent_studio.budget_spending";

static const char count_spending_sql[] = "SELECT agent_studio_private.count_spending()";

static const char reserve_sql[] =
"SELECT r.execution_id, r.step_no, r.refusal FROM agent_studio_private.reserve_spending($1, $2) r";

static const char add_spending_sql[] = "SELECT agent_studio_private.add_spending($1, $2, $3)";

static const char release_held_sql[] = "SELECT agent_studio_private.release_held($1)";

static const char release_unbound_sql[] = "SELECT agent_studio_private.release_unbound()";

static const char write_headroom_sql[] =
"INSERT INTO agent_studio.model_headroom AS h (model_id, seen_at, limit_requests, remaining_requests,"
"	reset_requests_at, limit_tokens, remaining_tokens, reset_tokens_at, blocked_until)"
" SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9)"
" ON CONFLICT (model_id) DO UPDATE SET seen_at = excluded.seen_at,"
"	limit_requests = coalesce(excluded.limit_requests, h.limit_requests),"
"	remaining_requests = excluded.remaining_requests, reset_requests_at = excluded.reset_requests_at,"
"	limit_tokens = coalesce(excluded.limit_tokens, h.limit_tokens), remaining_tokens = excluded.remaining_tokens,"
"	reset_tokens_at = excluded.reset_tokens_at,"
"	blocked_until = greatest(h.blocked_until, excluded.blocked_until)";

static const char roll_up_sql[] =
"SELECT agent_studio_private.roll_up_when_idle()::integer::bigint";

/* Once the clock was set back, what ends from then on is in hours that are closed already. */
static const char reopen_days_sql[] = "SELECT agent_studio_private.reopen_days($1)";
/* $1 epoch, then one array a column; fenced like results. */
static const char write_live_sql[] =
"INSERT INTO agent_studio.live_usage AS l (execution_id, step_no, attempt_no, model_id, input_tokens, cached_input_tokens,"
"	output_tokens, reasoning_tokens, first_byte_at, first_token_at, seen_at, owner, team)"
" SELECT d.execution_id, d.step_no, d.attempt_no, q.model_id, d.input_tokens, d.cached_input_tokens, d.output_tokens,"
"	d.reasoning_tokens, d.first_byte_at, d.first_token_at, d.seen_at, d.owner, d.team"
" FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) AS d (execution_id, step_no, attempt_no, input_tokens,"
"	cached_input_tokens, output_tokens, reasoning_tokens, first_byte_at, first_token_at, seen_at, owner, team)"
" JOIN agent_studio.queue q ON q.execution_id = d.execution_id AND q.step_no = d.step_no"
"	AND q.epoch = $1 AND q.attempt_no = d.attempt_no"
" ON CONFLICT (execution_id, step_no) DO UPDATE SET attempt_no = excluded.attempt_no, model_id = excluded.model_id,"
"	input_tokens = excluded.input_tokens, cached_input_tokens = excluded.cached_input_tokens,"
"	output_tokens = excluded.output_tokens, reasoning_tokens = excluded.reasoning_tokens,"
"	first_byte_at = excluded.first_byte_at, first_token_at = excluded.first_token_at, seen_at = excluded.seen_at";

static const char forget_live_sql[] =
"DELETE FROM agent_studio.live_usage l USING unnest($1, $2) AS d (execution_id, step_no)"
" WHERE l.execution_id = d.execution_id AND l.step_no = d.step_no";

static const StatementText texts[STATEMENT_COUNT] = {
	[STATEMENT_BEGIN_EPOCH] = {begin_epoch_sql, 0, {0}},
	[STATEMENT_END_EPOCH] = {end_epoch_sql, 1, {INT8OID}},
	[STATEMENT_RECENT_CRASHES] = {recent_crashes_sql, 1, {INT8OID}},
	[STATEMENT_RECOVER] = {recover_sql, 3, {INT8OID, INT8OID, INT4OID}},
	[STATEMENT_LEFT_STEPS] = {left_steps_sql, 1, {INT8OID}},
	[STATEMENT_PENDING_COMMANDS] = {pending_commands_sql, 0, {0}},
	[STATEMENT_APPLY_CANCEL] = {apply_cancel_sql, 1, {INT8ARRAYOID}},
	[STATEMENT_REFUSE_COMMAND] = {refuse_command_sql, 3, {INT8OID, INT8OID, TEXTOID}},
	[STATEMENT_RELEASE_DUE] = {release_due_sql, 1, {TIMESTAMPTZOID}},
	[STATEMENT_NEXT_DUE] = {next_due_sql, 0, {0}},
	[STATEMENT_MEND_WAITS] = {mend_waits_sql, 0, {0}},
	[STATEMENT_RECENT_SENDS] = {recent_sends_sql, 1, {TIMESTAMPTZOID}},
	[STATEMENT_BLOCKED_MODELS] = {blocked_models_sql, 0, {0}},
	[STATEMENT_CLAIM] = {claim_sql, 11, {INT8ARRAYOID, INT4ARRAYOID, INT8ARRAYOID, INT8ARRAYOID, BOOLARRAYOID,
		INT4OID, INT8OID, TIMESTAMPTZOID, INT8OID, INT4OID, INT8OID}},
	[STATEMENT_CHAINED] = {chained_sql, 4, {INT8ARRAYOID, INT4ARRAYOID, INT8OID, TIMESTAMPTZOID}},
	[STATEMENT_MODEL_PLACES] = {model_places_sql, 1, {INT8OID}},
	[STATEMENT_WANTED_EXECUTIONS] = {wanted_executions_sql, 0, {0}},
	[STATEMENT_LOST_STEPS] = {lost_steps_sql, 0, {0}},
	[STATEMENT_READY_STEPS] = {ready_steps_sql, 0, {0}},
	[STATEMENT_PRICE] = {price_sql, 2, {INT8OID, TIMESTAMPTZOID}},
	[STATEMENT_REROUTE] = {reroute_sql, 1, {INT8ARRAYOID}},
	[STATEMENT_READ_BUDGETS] = {read_budgets_sql, 0, {0}},
	[STATEMENT_FORGET_SPENDING] = {forget_spending_sql, 0, {0}},
	[STATEMENT_COUNT_SPENDING] = {count_spending_sql, 0, {0}},
	[STATEMENT_RESERVE] = {reserve_sql, 2, {INT8ARRAYOID, INT4ARRAYOID}},
	[STATEMENT_ADD_SPENDING] = {add_spending_sql, 3, {INT8ARRAYOID, INT4ARRAYOID, INT4ARRAYOID}},
	[STATEMENT_RELEASE_HELD] = {release_held_sql, 1, {INT4OID}},
	[STATEMENT_RELEASE_UNBOUND] = {release_unbound_sql, 0, {0}},
	[STATEMENT_FAIL_UNWRITABLE] = {fail_unwritable_sql, 4, {INT8OID, INT4OID, INT8OID, TEXTOID}},
	[STATEMENT_UNQUEUE] = {unqueue_sql, 3, {INT8OID, INT4OID, INT8OID}},
	[STATEMENT_WRITE_HEADROOM] = {write_headroom_sql, 9, {INT8ARRAYOID, TIMESTAMPTZARRAYOID, INT8ARRAYOID, INT8ARRAYOID,
		TIMESTAMPTZARRAYOID, INT8ARRAYOID, INT8ARRAYOID, TIMESTAMPTZARRAYOID, TIMESTAMPTZARRAYOID}},
	[STATEMENT_WRITE_LIVE] = {write_live_sql, 13, {INT8OID, INT8ARRAYOID, INT4ARRAYOID, INT4ARRAYOID, INT8ARRAYOID,
		INT8ARRAYOID, INT8ARRAYOID, INT8ARRAYOID, TIMESTAMPTZARRAYOID, TIMESTAMPTZARRAYOID, TIMESTAMPTZARRAYOID,
		TEXTARRAYOID, TEXTARRAYOID}},
	[STATEMENT_FORGET_LIVE] = {forget_live_sql, 2, {INT8ARRAYOID, INT4ARRAYOID}},
	[STATEMENT_ROLL_UP] = {roll_up_sql, 0, {0}},
	[STATEMENT_REOPEN_DAYS] = {reopen_days_sql, 1, {TIMESTAMPTZOID}},
};

static SPIPlanPtr plans[STATEMENT_COUNT];

static SPIPlanPtr
plan_of(Statement statement)
{
	const StatementText *text = texts[statement].sql != NULL ? &texts[statement] : &workflow_statement_texts[statement];
	SPIPlanPtr	plan;

	if (plans[statement] != NULL)
		return plans[statement];
	/* Planned once: a session that submits would plan anew for each call, at several milliseconds. */
	plan = SPI_prepare_cursor(text->sql, text->nargs, (Oid *) text->types, CURSOR_OPT_GENERIC_PLAN);
	if (plan == NULL || SPI_keepplan(plan) != 0)
		elog(ERROR, "could not prepare statement %d: %s", statement, SPI_result_code_string(SPI_result));
	plans[statement] = plan;
	return plan;
}

void
statement_run(Statement statement, Datum *args, const char *nulls)
{
	MemoryContext caller = CurrentMemoryContext;
	int			result = SPI_execute_plan(plan_of(statement), args, nulls, false, 0);

	/* SPI leaves its own context as the current one. */
	MemoryContextSwitchTo(caller);
	if (result < 0)
		elog(ERROR, "statement %d failed: %s", statement, SPI_result_code_string(result));
}
