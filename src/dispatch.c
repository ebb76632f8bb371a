/*
 * dispatch.c
 *		From the queue to the network: commands, timers, claims, requests.
 *
 * One short transaction reads the pending commands, makes due rows ready, claims
 * as many steps as there are free places, and looks up endpoint and key for
 * each. After its commit, and only then, sockets of canceled executions are
 * closed and requests are sent. That commit need not wait for the disk: should
 * it be lost, the steps are still queued, and are sent again.
 *
 * When a row is at fault, steps are claimed one by one, and only the bad one fails.
 */
#include "postgres.h"

#include "access/xact.h"
#include "postmaster/interrupt.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/timestamp.h"

#include "agent_studio.h"
#include "bad_row.h"
#include "budget.h"
#include "executor.h"
#include "fault.h"
#include "spend.h"
#include "steady.h"
#include "turn.h"

#define ONE_BY_ONE_MS	200
#define QUOTA_WARNING	0.8
#define SEQ_JUMP		INT64CONST(1000000)

/* Endpoint and key of one server for one owner, looked up once a turn. */
typedef struct Resolved
{
	const char *server;
	const char *owner;
	bool		usable;
	Endpoint	endpoint;
	EndpointProblem problem;
} Resolved;

typedef struct Dispatch
{
	Executor   *executor;
	int			places;
	int64		tokens;			/* for which there is memory */
	const StepKey *only;		/* the one step that may be claimed; NULL = any */
	const ChainedStep *chained; /* claimed already */
	int			nchained;
	WorkflowCommand *commands;
	int			ncommands;
	WorkflowCommand *expiries;
	int			nexpiries;
	StepKey    *lost;			/* steps whose model is gone */
	int			nlost;
	Claim	   *claims;
	int			nclaims;
	Resolved  **resolved;		/* one for each claim; shared ones are equal */
	List	   *lookups;		/* the distinct ones */
} Dispatch;

/*
 * A lookup must not spoil the turn for the others, whatever is in the catalog, so
 * it has a subtransaction of its own.
 */
static void
resolve_guarded(Resolved *resolved)
{
	MemoryContext caller = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(caller);
	PG_TRY();
	{
		resolved->usable = endpoint_resolve(resolved->server, resolved->owner,
											&resolved->endpoint, &resolved->problem);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		resolved->usable = false;
		resolved->problem.error_class = ERROR_CLASS_INTERNAL;
		resolved->problem.hint = "Check the options of the server and of the user mapping.";
		snprintf(resolved->problem.message, sizeof(resolved->problem.message),
				 "the endpoint could not be looked up: %s", error->message);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	CurrentResourceOwner = owner;
}

static Resolved *
resolve_for(Dispatch *dispatch, const Claim *claim)
{
	Resolved   *resolved;
	ListCell   *lc;

	foreach(lc, dispatch->lookups)
	{
		resolved = lfirst(lc);
		if (strcmp(resolved->server, claim->server) == 0 && strcmp(resolved->owner, claim->owner) == 0)
			return resolved;
	}
	resolved = palloc0(sizeof(Resolved));
	resolved->server = claim->server;
	resolved->owner = claim->owner;
	resolve_guarded(resolved);
	dispatch->lookups = lappend(dispatch->lookups, resolved);
	return resolved;
}

/* A step without its rows has none for a result: it is a bad row. */
static void
require_rows(const Claim *claim)
{
	if (claim->task == NULL || claim->agent_version_id == 0)
		elog(ERROR, "rows of step %d of execution " INT64_FORMAT " are missing", claim->step_no, claim->execution_id);
}

/* Whether its model and its agent's version are there. */
static bool
claim_is_whole(const Claim *claim)
{
	return claim->server != NULL && claim->deployment != NULL && claim->own_model_id != 0;
}

/*
 * A definition that cannot be read is a bad row: the turn is given up, and the
 * step is found when it is claimed alone. Thoughts of an execution that began in
 * the life of another executor jump past what a crash may have taken.
 */
static void
find_plan(Executor *executor, Claim *claim)
{
	claim->plan = workflow_plan(claim->plan_key);
	if (claim->plan_step < 0 || claim->plan_step >= claim->plan->plan->nsteps)
		elog(ERROR, "step %d of execution " INT64_FORMAT " is not in its definition",
			 claim->step_no, claim->execution_id);
	if (claim->started_at < executor->began_at)
		claim->last_seq = SEQ_JUMP * (1 + claim->last_seq / SEQ_JUMP);
}

static void
commands_and_timers(Dispatch *dispatch)
{
	Executor   *executor = dispatch->executor;
	TimestampTz now = GetCurrentTimestamp();
	int64	   *full;
	int			nfull;

	dispatch->commands = queue_pending_commands(&dispatch->ncommands);
	if (steady_now() >= executor->next_due)
	{
		(void) queue_release_due(now);
		FAULT_POINT("timers");
		dispatch->expiries = queue_expired_approvals(now, &dispatch->nexpiries);
	}
	executor->next_due = steady_time_of(queue_next_due());
	if (steady_now() >= executor->next_search)
	{
		dispatch->lost = queue_lost_steps(&dispatch->nlost);
		executor->next_search = TimestampTzPlusMilliseconds(steady_now(), as_poll_interval_ms);
	}
	if (dispatch->places <= 0)
		return;
	full = palloc(Max(1, limits_models(executor->limits)) * sizeof(int64));
	nfull = limits_full(executor->limits, executor_clock(), full, limits_models(executor->limits));
	if (nfull > 0)
		queue_reroute(full, nfull);
}

/* They are in flight as good as the others. */
static void
count_chained(ModelUse *uses, int *nuses, const Claim *chained, int nchained)
{
	for (int i = 0; i < nchained; i++)
	{
		int			at = 0;

		while (at < *nuses && uses[at].model_id != chained[i].model_id)
			at++;
		if (at == *nuses)
			uses[(*nuses)++] = (ModelUse) {.model_id = chained[i].model_id};
		uses[at].in_flight++;
	}
}

/* Steps that were claimed when they were queued, and then what the queue has. */
static void
claim(Dispatch *dispatch)
{
	Executor   *executor = dispatch->executor;
	int			nuses = limits_models(executor->limits);
	ModelUse   *uses = palloc((nuses + dispatch->nchained + 1) * sizeof(ModelUse));
	Claim	   *chained = NULL;
	int			nchained = 0;

	if (dispatch->nchained > 0)
		chained = queue_chained(executor->epoch, dispatch->chained, dispatch->nchained, &nchained);
	if (dispatch->places > 0)
	{
		nuses = limits_uses(executor->limits, executor_clock(), uses, nuses);
		count_chained(uses, &nuses, chained, nchained);
		dispatch->claims = queue_claim(executor->epoch, dispatch->places, dispatch->tokens, uses, nuses, dispatch->only,
									   &dispatch->nclaims);
	}
	if (nchained == 0)
		return;
	chained = repalloc(chained, (nchained + dispatch->nclaims) * sizeof(Claim));
	if (dispatch->nclaims > 0)
		memcpy(&chained[nchained], dispatch->claims, dispatch->nclaims * sizeof(Claim));
	dispatch->claims = chained;
	dispatch->nclaims += nchained;
}

static void
dispatch_work(void *arg)
{
	Dispatch   *dispatch = arg;
	Executor   *executor = dispatch->executor;

	MemoryContextSwitchTo(executor->round);
	spend_refresh(executor);
	if (dispatch->only == NULL)
		commands_and_timers(dispatch);
	claim(dispatch);
	if (dispatch->nclaims > 0)
		FAULT_POINT("claim");
	dispatch->nclaims = spend_reserve(executor, dispatch->claims, dispatch->nclaims);
	dispatch->resolved = palloc0(Max(1, dispatch->nclaims) * sizeof(Resolved *));
	for (int i = 0; i < dispatch->nclaims; i++)
	{
		Claim	   *claim = &dispatch->claims[i];

		require_rows(claim);
		if (!claim_is_whole(claim))
			continue;
		dispatch->resolved[i] = resolve_for(dispatch, claim);
		if (claim->plan_key != 0)
			find_plan(executor, claim);
	}
}

/* ---------- after the commit ---------- */

static void
stop_calls_of(Executor *executor, int64 execution_id, Outcome outcome, const char *why)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &executor->running)
	{
		Call	   *call = dlist_container(Call, node, iter.cur);

		if (call->key.execution_id != execution_id)
			continue;
		call_stop(call, outcome, why);
		call_release_http(call, executor->http);
		executor_settle(executor, call);
	}
}

/* Sockets close at once; the rows follow with the next write. */
static void
take_command(Executor *executor, const WorkflowCommand *command)
{
	if (!commands_remember(&executor->commands, command))
		return;
	if (command_is(command, "cancel"))
		stop_calls_of(executor, command->execution_id, OUTCOME_CANCELED, "canceled while the model was answering");
	else if (command_is(command, "pause") && command->immediately)
		stop_calls_of(executor, command->execution_id, OUTCOME_INTERRUPTED, "paused while the model was answering");
}

/* Counts the request, and says so when the model comes near its limit. */
static void
count_send(Executor *executor, Call *call, const Claim *claim)
{
	int64		now = executor_clock();
	double		before = limits_share(executor->limits, call->model_id, now);
	double		after;
	char		message[160];

	call->send_number = limits_send(executor->limits, call->model_id, now, claim->tokens,
									claim->requests_limit, claim->tokens_limit);
	after = limits_share(executor->limits, call->model_id, now);
	if (before >= QUOTA_WARNING || after < QUOTA_WARNING)
		return;
	snprintf(message, sizeof(message), "Rate limit: %d%% of the quota of model deployment %.*s used - tasks may wait",
			 (int) (after * 100), (int) utf8_clip(claim->deployment, strlen(claim->deployment), 64), claim->deployment);
	journal_notice(call->journal, &call->key, "warning", "quota", message);
}

static Call *
refused_by_budget(const Claim *claim, Journal *journal)
{
	EndpointProblem problem = {ERROR_CLASS_BUDGET_EXCEEDED, "",
	"Wait for the budget's next period, or have it raised: SELECT * FROM agent_studio.budget_status."};
	size_t		len = utf8_clip(claim->refusal, strlen(claim->refusal), sizeof(problem.message) - 1);

	memcpy(problem.message, claim->refusal, len);
	problem.message[len] = '\0';
	return call_refused(claim, &problem, journal);
}

static Call *
start_call(Executor *executor, const Claim *claim, Resolved *resolved)
{
	EndpointProblem gone = {ERROR_CLASS_INTERNAL, "rows that belong to this step are missing",
	"The tables of agent_studio were changed by hand; restore them, or cancel the execution."};

	if (claim->refusal != NULL)
		return refused_by_budget(claim, executor->journal);
	if (resolved == NULL)
		return call_refused(claim, &gone, executor->journal);
	if (!resolved->usable)
		return call_refused(claim, &resolved->problem, executor->journal);
	return call_start(claim, &resolved->endpoint, executor->http, executor->journal);
}

static void
send_claims(Executor *executor, Dispatch *dispatch)
{
	ListCell   *lc;

	for (int i = 0; i < dispatch->nclaims; i++)
	{
		Call	   *call = start_call(executor, &dispatch->claims[i], dispatch->resolved[i]);

		FAULT_POINT("sent");
		dlist_push_tail(&executor->running, &call->node);
		executor->nrunning++;
		budget_weigh(executor, call);
		count_send(executor, call, &dispatch->claims[i]);
		if (call_has_ended(call))
			executor_settle(executor, call);
	}
	foreach(lc, dispatch->lookups)
		endpoint_wipe(&((Resolved *) lfirst(lc))->endpoint);
}

int
executor_free_places(const Executor *executor, int written)
{
	int			most = executor->careful_until != 0 ? 1 : as_max_in_flight;

	if (budget_is_short(executor))
		return 0;
	return Min(EXECUTOR_MAX_CLAIM, most - executor->nrunning - (executor->nended - written)) - executor->nchained;
}

static int64
claimed_tokens(const Dispatch *dispatch)
{
	int64		tokens = 0;

	for (int i = 0; i < dispatch->nclaims; i++)
		tokens += dispatch->claims[i].tokens;
	return tokens;
}

/* A turn and what follows its commit. */
static TurnResult
dispatch_turn(Executor *executor, int places, const StepKey *only, const ChainedStep *chained, int nchained)
{
	bool		careful = executor->careful_until != 0;
	Dispatch	dispatch;
	TurnResult	result;

	memset(&dispatch, 0, sizeof(dispatch));
	dispatch.executor = executor;
	dispatch.places = places;
	dispatch.tokens = budget_tokens(executor);
	dispatch.only = only;
	dispatch.chained = chained;
	dispatch.nchained = nchained;
	result = turn_run(dispatch_work, &dispatch, careful ? TURN_COMMIT_DURABLE : TURN_COMMIT_ASYNC);
	if (result != TURN_DONE)
	{
		for (int i = 0; dispatch.claims != NULL && i < dispatch.nclaims; i++)
			plan_cache_release(dispatch.claims[i].plan);
		return result;
	}
	if (dispatch.ncommands > 0)
		FAULT_POINT("command_seen");
	if (dispatch.nclaims > 0)
		FAULT_POINT("claimed");
	/* Commands come after: one may want a step stopped that was claimed before it was given. */
	send_claims(executor, &dispatch);
	for (int i = 0; i < dispatch.ncommands; i++)
		take_command(executor, &dispatch.commands[i]);
	for (int i = 0; i < dispatch.nexpiries; i++)
		take_command(executor, &dispatch.expiries[i]);
	for (int i = 0; i < dispatch.nlost; i++)
		(void) bad_row_fail(&dispatch.lost[i], "its model does not exist any more");
	if (dispatch.nlost > 0)
		as_announce_change(executor->slot);
	if (dispatch.nclaims == EXECUTOR_MAX_CLAIM || claimed_tokens(&dispatch) > dispatch.tokens / 2)
		executor->look = true;
	return TURN_DONE;
}

/* ---------- when a row is at fault ---------- */

typedef struct ReadySteps
{
	Executor   *executor;
	StepKey    *steps;
	int			nsteps;
} ReadySteps;

static void
ready_steps_work(void *arg)
{
	ReadySteps *ready = arg;

	MemoryContextSwitchTo(ready->executor->round);
	ready->steps = queue_ready_steps(&ready->nsteps);
}

/* False if there is trouble still. */
static bool
claim_alone(Executor *executor, const StepKey *step)
{
	TurnResult	result = dispatch_turn(executor, 1, step, NULL, 0);

	if (result != TURN_BAD_ROW)
		return result == TURN_DONE;
	if (bad_row_end(step, "the step could not be claimed") == BAD_ROW_LEFT)
		return false;
	as_announce_change(executor->slot);
	return true;
}

/* False if there is trouble still. */
static bool
send_chained_alone(Executor *executor)
{
	while (executor->nchained > 0)
	{
		const ChainedStep *chained = &executor->chained[executor->nchained - 1];
		StepKey		step = {chained->execution_id, chained->step_no, executor->epoch};
		TurnResult	result = dispatch_turn(executor, 0, NULL, chained, 1);

		if (result == TURN_TRY_LATER ||
			(result == TURN_BAD_ROW && bad_row_end(&step, "the step could not be sent") == BAD_ROW_LEFT))
			return false;
		executor->nchained--;
	}
	return true;
}

/*
 * Each step is claimed alone, and only the bad one fails. Commands and timers have
 * a turn of their own: what is wrong with them must not stop the claims. What is
 * left after a while is looked at in the next round.
 */
static bool
dispatch_one_by_one(Executor *executor)
{
	TimestampTz enough = TimestampTzPlusMilliseconds(steady_now(), ONE_BY_ONE_MS);
	ReadySteps	ready = {executor, NULL, 0};
	bool		well = dispatch_turn(executor, 0, NULL, NULL, 0) == TURN_DONE;

	if (!send_chained_alone(executor))
		return false;
	if (turn_run(ready_steps_work, &ready, TURN_COMMIT_ASYNC) != TURN_DONE)
		return false;
	for (int i = 0; i < ready.nsteps && executor_free_places(executor, 0) > 0 && !ShutdownRequestPending; i++)
	{
		well &= claim_alone(executor, &ready.steps[i]);
		if (steady_now() >= enough)
			break;
	}
	executor->look = true;
	return well;
}

void
executor_dispatch(Executor *executor)
{
	int64		next_change;
	TurnResult	result;

	executor->look = false;
	result = dispatch_turn(executor, executor_free_places(executor, 0), NULL, executor->chained, executor->nchained);
	if (result == TURN_DONE)
		executor->nchained = 0;
	if (result == TURN_TRY_LATER || (result == TURN_BAD_ROW && !dispatch_one_by_one(executor)))
	{
		executor->look = true;
		executor_hold_off(executor, TROUBLE_DISPATCH);
		return;
	}
	executor_is_well(executor, TROUBLE_DISPATCH);
	next_change = limits_next_change(executor->limits, executor_clock());
	executor->next_allowance = next_change < 0 ? DT_NOEND : (next_change + 1) * 1000;
}
