/*
 * engine.c
 *		What becomes of a step and of its execution when an attempt has ended.
 *
 * The one place where the next state is decided. It looks at the call only; the
 * rows are changed by queue.c in the transaction that stores the attempt.
 */
#include "postgres.h"

#include "common/pg_prng.h"
#include "utils/timestamp.h"

#include "agent_studio.h"
#include "engine.h"

static const char *const step_state_names[] = {
	[STEP_PENDING] = "pending",
	[STEP_QUEUED] = "queued",
	[STEP_RUNNING] = "running",
	[STEP_RETRYING] = "retrying",
	[STEP_PAUSED] = "paused",
	[STEP_WAITING_APPROVAL] = "waiting_approval",
	[STEP_COMPLETED] = "completed",
	[STEP_PARTIAL] = "partial",
	[STEP_FAILED] = "failed",
	[STEP_SKIPPED] = "skipped",
	[STEP_CANCELED] = "canceled",
};

#define BIT(state) (1u << (state))

/* From which states each state may be reached. */
static const uint32 legal_from[] = {
	[STEP_PENDING] = 0,
	[STEP_QUEUED] = BIT(STEP_PENDING) | BIT(STEP_RUNNING) | BIT(STEP_RETRYING) | BIT(STEP_PAUSED),
	[STEP_RUNNING] = BIT(STEP_QUEUED) | BIT(STEP_RETRYING),
	[STEP_RETRYING] = BIT(STEP_RUNNING),
	[STEP_PAUSED] = BIT(STEP_QUEUED) | BIT(STEP_RUNNING) | BIT(STEP_RETRYING),
	[STEP_WAITING_APPROVAL] = BIT(STEP_PENDING) | BIT(STEP_RUNNING),
	[STEP_COMPLETED] = BIT(STEP_RUNNING),
	[STEP_PARTIAL] = BIT(STEP_RUNNING),
	[STEP_FAILED] = BIT(STEP_RUNNING),
	[STEP_SKIPPED] = BIT(STEP_PENDING),
	[STEP_CANCELED] = BIT(STEP_PENDING) | BIT(STEP_QUEUED) | BIT(STEP_RUNNING) | BIT(STEP_RETRYING) |
	BIT(STEP_PAUSED) | BIT(STEP_WAITING_APPROVAL),
};

const char *
step_state_name(StepState state)
{
	return step_state_names[state];
}

static void
move_step(Decision *decision, StepState from, StepState to, const char *execution_status)
{
	if ((legal_from[to] & BIT(from)) == 0)
		elog(ERROR, "a step cannot go from %s to %s", step_state_names[from], step_state_names[to]);
	decision->step_state = to;
	decision->execution_status = execution_status;
}

int64
engine_backoff_ms(int failures)
{
	int64		wait_ms = as_retry_delay_ms;

	while (failures-- > 1 && wait_ms < as_retry_max_delay_ms)
		wait_ms *= 2;
	wait_ms = Min(wait_ms, as_retry_max_delay_ms);

	/* Jitter, so that what failed together does not come back together. */
	return wait_ms + (int64) (pg_prng_double(&pg_global_prng_state) * wait_ms / 4);
}

/* Whether another model could do what this one failed to do. */
static bool
another_could(ErrorClass error_class)
{
	switch (error_class)
	{
		case ERROR_CLASS_TIMEOUT:
		case ERROR_CLASS_RATE_LIMITED:
		case ERROR_CLASS_OVERLOADED:
		case ERROR_CLASS_CONNECTION:
		case ERROR_CLASS_AUTHENTICATION:
		case ERROR_CLASS_PERMISSION:
		case ERROR_CLASS_NOT_FOUND:
			return true;
		default:
			return false;
	}
}

static void
decide_failure(const Call *call, Decision *decision)
{
	int64		wait_ms;

	/* Another model is asked at once, and only a round through all of them is a failure. */
	if (call->next_model_id != 0 && another_could(call->error.error_class))
	{
		decision->model_id = call->next_model_id;
		decision->fallback_no = call->fallback_no + 1;
		decision->retry_at = call->finished_at;
		move_step(decision, STEP_RUNNING, STEP_RETRYING, "running");
		return;
	}
	decision->model_id = call->own_model_id;
	decision->failures = call->failures + 1;
	if (!call->error.retryable || decision->failures > call->max_retries)
	{
		move_step(decision, STEP_RUNNING, STEP_FAILED, "failed");
		return;
	}
	wait_ms = Max(engine_backoff_ms(decision->failures), call->error.retry_after_ms);
	decision->retry_at = TimestampTzPlusMilliseconds(call->finished_at, wait_ms);
	move_step(decision, STEP_RUNNING, STEP_RETRYING, "running");
}

void
engine_decide(const Call *call, Decision *decision)
{
	memset(decision, 0, sizeof(Decision));
	decision->failures = call->failures;
	decision->fallback_no = call->outcome == OUTCOME_INTERRUPTED ? call->fallback_no : 0;
	switch (call->outcome)
	{
		case OUTCOME_COMPLETED:
			move_step(decision, STEP_RUNNING, STEP_COMPLETED, "completed");
			break;
		case OUTCOME_CANCELED:
			move_step(decision, STEP_RUNNING, STEP_CANCELED, "canceled");
			break;
		case OUTCOME_INTERRUPTED:
			decision->retry_at = call->finished_at;
			move_step(decision, STEP_RUNNING, STEP_QUEUED, "running");
			break;
		case OUTCOME_FAILED:
			decide_failure(call, decision);
			break;
		case OUTCOME_RUNNING:
			elog(ERROR, "an attempt that runs has no result");
	}
}
