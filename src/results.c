/*
 * results.c
 *		From ended calls to rows: attempts, states, thoughts, notices.
 *
 * All that has ended in a turn is one transaction. When the database has trouble
 * (a full disk, a lock) everything stays in memory and is tried again. When a
 * row itself is at fault, each result is written alone, and only the bad one
 * fails: one bad row never stops the others.
 */
#include "postgres.h"

#include "commands/async.h"
#include "lib/stringinfo.h"
#include "postmaster/interrupt.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "agent_studio.h"
#include "bad_row.h"
#include "budget.h"
#include "executor.h"
#include "fault.h"
#include "live.h"
#include "spend.h"
#include "turn.h"

#define WRITE_BYTES			(8 * 1024 * 1024)	/* of answers in one transaction, which
												 * takes them several times in memory */
#define MAX_NOTIFY_PAYLOAD	7900	/* NOTIFY takes 8000 bytes */

/* ---------- an ended call ---------- */

static const char *
failure_words(ErrorClass error_class)
{
	switch (error_class)
	{
		case ERROR_CLASS_TIMEOUT:
			return "No answer in time";
		case ERROR_CLASS_RATE_LIMITED:
			return "Rate limit exceeded";
		case ERROR_CLASS_OVERLOADED:
			return "The vendor is overloaded";
		case ERROR_CLASS_CONNECTION:
			return "Connection failed";
		case ERROR_CLASS_INVALID_OUTPUT:
			return "The answer is not usable";
		default:
			return "The attempt failed";
	}
}

static void
tell_retry(Call *call, const Decision *decision)
{
	char		message[160];
	char		thought[2200];
	int64		wait_ms = (decision->retry_at - call->finished_at) / 1000;

	if (decision->fallback_no > 0)
		snprintf(message, sizeof(message), "%s - asking the fallback model", failure_words(call->error.error_class));
	else
		snprintf(message, sizeof(message), "%s - retrying in " INT64_FORMAT " seconds... (Attempt %d/%d)",
			 failure_words(call->error.error_class), (wait_ms + 999) / 1000, decision->failures, call->max_retries);
	journal_notice(call->journal, &call->key, "error", "retry", message);
	snprintf(thought, sizeof(thought), "%s: %s", message, call->error.message);
	journal_thought(call->journal, &call->key, ++call->seq->last, "system", thought,
					utf8_clip(thought, strlen(thought), 400));
}

/* In a workflow the flow tells what follows; here is why. */
static void
tell_step_failure(Call *call, const Decision *decision)
{
	char		message[600];

	snprintf(message, sizeof(message), "Step %d %s failed%s: %s", call->plan_step_no, call->plan_step->name,
			 decision->failures > 1 ? " after its retries" : "", call->error.message);
	message[utf8_clip(message, strlen(message), sizeof(message) - 2)] = '\0';
	journal_notice(call->journal, &call->key, "error", "step_failed", message);
}

/* The intermediate result is in the notice. */
static void
tell_partial(Call *call)
{
	char		message[3000];
	const char *why = call->error.message;
	int			told = (int) utf8_clip(why, strlen(why), 400);
	int			shown = (int) utf8_clip(buf_text(&call->output), call->output.len, 2000);

	snprintf(message, sizeof(message), "Step %d %s is partial: %.*s. What had arrived:\n%.*s%s",
			 call->plan_step_no, call->plan_step->name, told, why, shown, buf_text(&call->output),
			 (size_t) shown < call->output.len ? "..." : "");
	message[utf8_clip(message, strlen(message), sizeof(message) - 2)] = '\0';
	journal_notice(call->journal, &call->key, "warning", "partial", message);
}

static void
tell_failure(Call *call, const Decision *decision)
{
	char		message[160];

	if (call->plan_step != NULL)
	{
		tell_step_failure(call, decision);
		return;
	}

	if (decision->failures > 1)
		snprintf(message, sizeof(message), "Task failed after %d retry attempt%s - see logs for details",
				 decision->failures - 1, decision->failures == 2 ? "" : "s");
	else
		snprintf(message, sizeof(message), "Task failed - see logs for details");
	journal_notice(call->journal, &call->key, "error", "failed", message);
}

/* What the vendor said about its limits holds for the model, not for this step alone. */
static void
learn_limits(Executor *executor, const Call *call)
{
	int64		wait_ms = call_told_wait_ms(call);

	if (wait_ms > 0)
		limits_block(executor->limits, call->model_id, executor_clock() + wait_ms);
}

static void
end_send(Executor *executor, const Call *call)
{
	const Answer *answer = &call->decoder.answer;
	int64		tokens = -1;

	if (call->decoding && answer->input_tokens >= 0 && answer->output_tokens >= 0)
		tokens = answer->input_tokens + answer->output_tokens;
	limits_end(executor->limits, call->model_id, call->send_number, tokens);
	learn_limits(executor, call);
}

void
executor_settle(Executor *executor, Call *call)
{
	EndedCall  *ended = MemoryContextAllocZero(call->context, sizeof(EndedCall));

	ended->call = call;
	engine_decide(call, &ended->decision);
	if (ended->decision.step_state == STEP_RETRYING)
		tell_retry(call, &ended->decision);
	else if (ended->decision.step_state == STEP_FAILED)
		tell_failure(call, &ended->decision);
	else if (ended->decision.step_state == STEP_PARTIAL)
		tell_partial(call);

	dlist_delete(&call->node);
	executor->nrunning--;
	end_send(executor, call);
	dlist_push_tail(&executor->ended, &ended->node);
	executor->nended++;
	budget_weigh(executor, call);
}

/* ---------- writing ---------- */

typedef struct Writing
{
	Executor   *executor;
	Call	  **calls;
	Decision   *decisions;
	int			ncalls;
	bool		with_journal;
	bool		with_commands;
	bool		with_notify;
	bool		with_live;
	bool		with_chain;		/* what follows may be claimed at once */
	Chain	   *chain;			/* NULL = it is not */
} Writing;

static int
compare_ids(const void *a, const void *b)
{
	int64		x = *(const int64 *) a;
	int64		y = *(const int64 *) b;

	return (x > y) - (x < y);
}

/* Ids of the executions that this transaction changes, sorted. */
static int64 *
changed_executions(const Writing *writing, int *count)
{
	Batch	   *thoughts = writing->executor->journal->thoughts;
	int			nthoughts = writing->with_journal ? thoughts->nrows : 0;
	int			ncommands = writing->with_commands ? writing->executor->commands.count : 0;
	int64	   *ids = palloc(Max(1, nthoughts + ncommands + writing->ncalls) * sizeof(int64));
	int			n = 0;

	for (int i = 0; i < writing->ncalls; i++)
		ids[n++] = writing->calls[i]->key.execution_id;
	for (int i = 0; i < nthoughts; i++)
		ids[n++] = DatumGetInt64(thoughts->values[0][i]);
	for (int i = 0; i < ncommands; i++)
		ids[n++] = writing->executor->commands.items[i].execution_id;
	qsort(ids, n, sizeof(int64), compare_ids);
	*count = n;
	return ids;
}

/* One notification for the turn; ids only, for anyone may listen. */
static void
notify_listeners(const Writing *writing)
{
	StringInfoData payload;
	int			count;
	int64	   *ids = changed_executions(writing, &count);

	if (!as_notify || count == 0)
		return;
	initStringInfo(&payload);
	for (int i = 0; i < count; i++)
	{
		if (i > 0 && ids[i] == ids[i - 1])
			continue;
		appendStringInfo(&payload, "%s" INT64_FORMAT, payload.len ? "," : "", ids[i]);
		if (payload.len > MAX_NOTIFY_PAYLOAD)
		{
			resetStringInfo(&payload);
			break;
		}
	}
	Async_Notify("agent_studio", payload.data);
}

/* What follows from these ends, and from what people want. */
static void
take_on(Writing *writing, const WrittenAttempt *attempts)
{
	const CommandList *commands = &writing->executor->commands;
	StepEnd    *ends = palloc(Max(1, writing->ncalls) * sizeof(StepEnd));
	int			nends = 0;

	for (int i = 0; i < writing->ncalls; i++)
	{
		const Call *call = writing->calls[i];

		if (call->plan_step == NULL || writing->decisions[i].retry_at != 0)
			continue;
		ends[nends].execution_id = call->key.execution_id;
		ends[nends].step_no = call->key.step_no;
		ends[nends].attempt_no = call->key.attempt_no;
		ends[nends].state = writing->decisions[i].step_state;
		ends[nends].with_warnings = call->warnings > 0;
		ends[nends].started_at = attempts[i].started_at;
		ends[nends].finished_at = call->finished_at;
		ends[nends].cost = attempts[i].cost;
		ends[nends].order_at = attempts[i].order_at;
		ends[nends].output = &call->output;
		ends[nends].outputs = &call->outputs;
		ends[nends++].unmet = call->unmet.len > 0 ? buf_text(&call->unmet) : NULL;
	}
	queue_hand_over(writing->calls, writing->decisions, writing->ncalls);
	commands_apply(commands->items, writing->with_commands ? commands->count : 0, ends, nends, writing->chain);
}

/* Not while anything is unusual: then the claim decides. */
static void
begin_chain(Writing *writing)
{
	Executor   *executor = writing->executor;
	int			nmodels = limits_models(executor->limits);
	ModelUse   *uses;
	int			places = executor_free_places(executor, writing->ncalls);

	if (!writing->with_chain || places <= 0 || executor->nchained > 0 || executor->bounds_spending ||
		executor->careful_until != 0 || ShutdownRequestPending)
		return;
	uses = palloc(Max(1, nmodels) * sizeof(ModelUse));
	nmodels = limits_uses(executor->limits, executor_clock(), uses, nmodels);
	writing->chain = chain_begin(executor->epoch, places, budget_tokens(executor), uses, nmodels);
}

/* After the commit. */
static void
keep_chained(Executor *executor, const Chain *chain)
{
	if (chain == NULL || chain->ntaken == 0)
		return;
	memcpy(executor->chained, chain->taken, chain->ntaken * sizeof(ChainedStep));
	executor->nchained = chain->ntaken;
}

static void
write_work(void *arg)
{
	Writing    *writing = arg;
	Executor   *executor = writing->executor;
	WrittenAttempt *attempts;

	MemoryContextSwitchTo(executor->round);
	writing->chain = NULL;
	if (writing->ncalls > 0)
		begin_chain(writing);
	attempts = palloc0(Max(1, writing->ncalls) * sizeof(WrittenAttempt));
	if (writing->ncalls > 0)
		FAULT_POINT("write");
	if (writing->ncalls > 0)
	{
		int			written = queue_write_results(executor->epoch, writing->calls, writing->decisions, attempts, writing->ncalls);

		if (written != writing->ncalls)
			elog(LOG, "agent_studio: %d of %d results belong to attempts that the queue no longer knows",
				 writing->ncalls - written, writing->ncalls);
		queue_write_headroom(writing->calls, writing->ncalls);
		spend_add(executor, writing->calls, writing->ncalls);
		live_forget(writing->calls, writing->ncalls);
		FAULT_POINT("result_stored");
	}
	if (writing->with_journal)
		journal_write(executor->journal);
	if (writing->with_live)
		live_write(executor);
	take_on(writing, attempts);
	if (writing->ncalls > 0)
		FAULT_POINT("written");
	if (writing->with_commands && executor->commands.count > 0)
		FAULT_POINT("command_applied");
	/* A full queue of notifications must not cost a result: alone, it goes without. */
	if (writing->with_notify)
		notify_listeners(writing);
}

/* The oldest of them, as many as one transaction takes. */
static void
collect_ended(Executor *executor, Writing *writing)
{
	size_t		bytes = 0;
	dlist_iter	iter;

	writing->calls = MemoryContextAlloc(executor->round, Max(1, executor->nended) * sizeof(Call *));
	writing->decisions = MemoryContextAlloc(executor->round, Max(1, executor->nended) * sizeof(Decision));
	dlist_foreach(iter, &executor->ended)
	{
		EndedCall  *ended = dlist_container(EndedCall, node, iter.cur);

		bytes += ended->call->output.len;
		if (bytes > WRITE_BYTES && writing->ncalls > 0)
			break;
		writing->calls[writing->ncalls] = ended->call;
		writing->decisions[writing->ncalls++] = ended->decision;
	}
}

static void
forget_ended(Executor *executor, EndedCall *ended)
{
	dlist_delete(&ended->node);
	executor->nended--;
	budget_forget(executor, ended->call);
	call_free(ended->call, executor->http);
}

/* The oldest n, which have been written. */
static void
forget_written(Executor *executor, int n)
{
	while (n-- > 0)
		forget_ended(executor, dlist_head_element(EndedCall, node, &executor->ended));
}

/* ---------- when a row is at fault ---------- */

/* TURN_DONE if it has been dealt with, one way or the other. */
static TurnResult
write_alone(Executor *executor, Call *call, const Decision *decision)
{
	Writing		writing = {executor, &call, (Decision *) decision, 1, false, false};
	StepKey		step = {call->key.execution_id, call->key.step_no, executor->epoch};
	TurnResult	result = turn_run(write_work, &writing, TURN_COMMIT_DURABLE);

	if (result == TURN_BAD_ROW && bad_row_end(&step, "the result could not be stored") != BAD_ROW_LEFT)
		return TURN_DONE;
	return result;
}

typedef struct LoneCommand
{
	const WorkflowCommand *command;
	char		why[320];
} LoneCommand;

static void
apply_command_work(void *arg)
{
	commands_apply(((LoneCommand *) arg)->command, 1, NULL, 0, NULL);
}

static void
refuse_command_work(void *arg)
{
	LoneCommand *lone = arg;

	commands_refuse(lone->command, lone->why);
}

static bool
apply_commands_one_by_one(Executor *executor)
{
	CommandList *commands = &executor->commands;

	for (int i = 0; i < commands->count; i++)
	{
		LoneCommand lone = {&commands->items[i], ""};
		TurnResult	result = turn_run(apply_command_work, &lone, TURN_COMMIT_DURABLE);

		if (result == TURN_BAD_ROW && !turn_lost_race())
		{
			snprintf(lone.why, sizeof(lone.why), "it could not be applied: %s", turn_error());
			result = turn_run(refuse_command_work, &lone, TURN_COMMIT_DURABLE);
		}
		if (result != TURN_DONE)
			return false;		/* those before are not pending any more, and change nothing again */
	}
	return true;
}

/* TURN_BAD_ROW: what could not be dealt with at all is still there, all else is written. */
static TurnResult
write_one_by_one(Executor *executor)
{
	Writing		rest = {executor, NULL, NULL, 0, true, false};
	dlist_mutable_iter iter;
	bool		all = true;

	dlist_foreach_modify(iter, &executor->ended)
	{
		EndedCall  *ended = dlist_container(EndedCall, node, iter.cur);
		TurnResult	result = write_alone(executor, ended->call, &ended->decision);

		if (result == TURN_TRY_LATER)
			return result;
		all &= result == TURN_DONE;
		if (result == TURN_BAD_ROW)
			continue;
		forget_ended(executor, ended);
	}
	switch (turn_run(write_work, &rest, TURN_COMMIT_DURABLE))
	{
		case TURN_TRY_LATER:
			return TURN_TRY_LATER;
		case TURN_BAD_ROW:
			ereport(LOG,
					(errmsg("agent_studio: %d thoughts and %d notices could not be written and are dropped",
							executor->journal->thoughts->nrows, executor->journal->notices->nrows)));
			break;
		case TURN_DONE:
			break;
	}
	journal_reset(executor->journal);
	if (!apply_commands_one_by_one(executor))
		return TURN_TRY_LATER;
	return all ? TURN_DONE : TURN_BAD_ROW;
}

TurnResult
executor_write(Executor *executor)
{
	Writing		writing = {executor, NULL, NULL, 0, true, true, true, true, true, NULL};
	TurnCommit	commit = executor->nended > 0 || executor->commands.count > 0
		? TURN_COMMIT_DURABLE : TURN_COMMIT_ASYNC;
	TurnResult	together;
	TurnResult	result;

	collect_ended(executor, &writing);

	/* A canceled call's own result comes before what the cancel does to its rows. */
	writing.with_commands = writing.ncalls == executor->nended;
	together = turn_run(write_work, &writing, commit);
	if (together == TURN_DONE && writing.ncalls > 0)
		FAULT_POINT("committed");
	result = together == TURN_BAD_ROW ? write_one_by_one(executor) : together;
	if (result != TURN_DONE)
		executor_hold_off(executor, TROUBLE_WRITE);
	if (result == TURN_TRY_LATER)
		return result;
	if (together == TURN_DONE)
	{
		forget_written(executor, writing.ncalls);
		keep_chained(executor, writing.chain);
	}
	journal_reset(executor->journal);
	live_written(executor);
	if (writing.with_commands || together == TURN_BAD_ROW)
		commands_forget(&executor->commands);
	if (result == TURN_DONE)
		executor_is_well(executor, TROUBLE_WRITE);
	as_announce_change(executor->slot);
	return result;
}
