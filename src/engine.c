/*
 * engine.c
 *		What becomes of a step when an attempt has ended.
 *
 * The one place where that is decided. It looks at the call only; the
 * rows are changed by queue.c in the transaction that stores the attempt.
 */
#include "postgres.h"

#include "common/pg_prng.h"
#include "utils/timestamp.h"

#include "agent_studio.h"
#include "engine.h"

static void
move_step(Decision *decision, StepState from, StepState to, const char *execution_status)
{
	if (!step_may_become(from, to))
		elog(ERROR, "a step cannot go from %s to %s", step_state_name(from), step_state_name(to));
	decision->step_state = to;
	decision->execution_status = execution_status;
}

/* The wait before the retry after so many failures, without what the vendor asks for. */
static int64
backoff_ms(const Call *call, int failures)
{
	const PlanRetry *retry = call->plan_step != NULL ? &call->plan_step->retry : NULL;
	int64		wait_ms = retry != NULL ? (int64) (retry->delay_seconds * 1000) : as_retry_delay_ms;
	int64		longest_ms = retry != NULL ? (int64) (retry->max_delay_seconds * 1000) : as_retry_max_delay_ms;

	while (failures-- > 1 && wait_ms < longest_ms && (retry == NULL || retry->exponential))
		wait_ms *= 2;
	wait_ms = Min(wait_ms, longest_ms);

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

/* A step that ran out of time may keep what had arrived, for people to decide. */
static void
decide_last_failure(const Call *call, Decision *decision)
{
	if (call->plan_step != NULL && call->plan_step->partial_on_timeout && call->output.len > 0 &&
		call->error.error_class == ERROR_CLASS_TIMEOUT)
		move_step(decision, STEP_RUNNING, STEP_PARTIAL, "running");
	else
		move_step(decision, STEP_RUNNING, STEP_FAILED, "failed");
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
		decide_last_failure(call, decision);
		return;
	}
	if (call->plan_step != NULL && call->plan_step->hand_off_agent != NULL &&
		decision->failures >= call->plan_step->hand_off_after)
	{
		decision->next_agent = call->plan_step->hand_off_agent;
		decision->model_id = 0;		/* the agent's */
	}
	wait_ms = Max(backoff_ms(call, decision->failures), call->error.retry_after_ms);
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
