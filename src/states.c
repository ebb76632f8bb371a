/*
 * states.c
 *		The states of steps and executions, and which may follow which.
 */
#include <stddef.h>
#include <string.h>

#include "states.h"

static const char *const step_states[] = {
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

static const char *const verdicts[] = {
	[VERDICT_NONE] = "",
	[VERDICT_PASSED_OVER] = "passed_over",
	[VERDICT_SKIPPED_BY_HAND] = "skipped_by_hand",
	[VERDICT_ACCEPTED] = "accepted",
	[VERDICT_COMPLETED_BY_HAND] = "completed_by_hand",
	[VERDICT_MANUAL_REVIEW] = "manual_review",
	[VERDICT_WENT_BACK] = "went_back",
	[VERDICT_HANDED_OFF] = "handed_off",
	[VERDICT_APPROVED] = "approved",
};

static const char *const execution_statuses[] = {
	[EXECUTION_QUEUED] = "queued",
	[EXECUTION_RUNNING] = "running",
	[EXECUTION_PAUSED] = "paused",
	[EXECUTION_WAITING_APPROVAL] = "waiting_approval",
	[EXECUTION_COMPLETED] = "completed",
	[EXECUTION_FAILED] = "failed",
	[EXECUTION_CANCELED] = "canceled",
	[EXECUTION_MANUAL_REVIEW] = "requires_manual_review",
};

#define LENGTH(array) ((int) (sizeof(array) / sizeof((array)[0])))
#define BIT(state) (1u << (state))
#define BEFORE_ITS_END (BIT(STEP_PENDING) | BIT(STEP_QUEUED) | BIT(STEP_RUNNING) | BIT(STEP_RETRYING) | \
	BIT(STEP_PAUSED) | BIT(STEP_WAITING_APPROVAL))

/*
 * From which states each state may be reached. What rests as failed, partial or
 * completed under review can be taken up again by hand.
 */
static const unsigned int legal_from[] = {
	[STEP_PENDING] = 0,
	[STEP_QUEUED] = BIT(STEP_PENDING) | BIT(STEP_RUNNING) | BIT(STEP_RETRYING) | BIT(STEP_PAUSED) |
	BIT(STEP_WAITING_APPROVAL) | BIT(STEP_FAILED) | BIT(STEP_PARTIAL) | BIT(STEP_COMPLETED),
	[STEP_RUNNING] = BIT(STEP_QUEUED) | BIT(STEP_RETRYING),
	[STEP_RETRYING] = BIT(STEP_RUNNING),
	[STEP_PAUSED] = BIT(STEP_PENDING) | BIT(STEP_QUEUED) | BIT(STEP_RUNNING) | BIT(STEP_RETRYING) |
	BIT(STEP_WAITING_APPROVAL) | BIT(STEP_FAILED) | BIT(STEP_PARTIAL) | BIT(STEP_COMPLETED),
	[STEP_WAITING_APPROVAL] = BIT(STEP_PENDING) | BIT(STEP_FAILED) | BIT(STEP_PARTIAL) | BIT(STEP_COMPLETED),
	[STEP_COMPLETED] = BIT(STEP_PENDING) | BIT(STEP_RUNNING) | BIT(STEP_FAILED) | BIT(STEP_PARTIAL) |
	BIT(STEP_WAITING_APPROVAL) | BIT(STEP_COMPLETED),
	[STEP_PARTIAL] = BIT(STEP_RUNNING) | BIT(STEP_PARTIAL),
	[STEP_FAILED] = BEFORE_ITS_END | BIT(STEP_COMPLETED) | BIT(STEP_FAILED) | BIT(STEP_PARTIAL),
	[STEP_SKIPPED] = BIT(STEP_PENDING) | BIT(STEP_FAILED) | BIT(STEP_PARTIAL) | BIT(STEP_WAITING_APPROVAL) |
	BIT(STEP_COMPLETED),
	[STEP_CANCELED] = BEFORE_ITS_END,
};

static bool
find_name(const char *const *names, int count, const char *name, int *found)
{
	for (int i = 0; i < count; i++)
	{
		if (strcmp(names[i], name) == 0)
		{
			*found = i;
			return true;
		}
	}
	return false;
}

const char *
step_state_name(StepState state)
{
	return step_states[state];
}

bool
step_state_parse(const char *name, StepState *state)
{
	int			found;

	if (!find_name(step_states, LENGTH(step_states), name, &found))
		return false;
	*state = (StepState) found;
	return true;
}

bool
step_may_become(StepState from, StepState to)
{
	return (legal_from[to] & BIT(from)) != 0;
}

bool
step_is_at_rest(StepState state)
{
	return (BIT(state) & BEFORE_ITS_END) == 0;
}

bool
step_is_active(StepState state)
{
	return state != STEP_PENDING && !step_is_at_rest(state);
}

const char *
step_verdict_name(StepVerdict verdict)
{
	return verdict == VERDICT_NONE ? NULL : verdicts[verdict];
}

bool
step_verdict_parse(const char *name, StepVerdict *verdict)
{
	int			found;

	if (!find_name(verdicts, LENGTH(verdicts), name, &found))
		return false;
	*verdict = (StepVerdict) found;
	return true;
}

const char *
execution_status_name(ExecutionStatus status)
{
	return execution_statuses[status];
}

bool
execution_status_parse(const char *name, ExecutionStatus *status)
{
	int			found;

	if (!find_name(execution_statuses, LENGTH(execution_statuses), name, &found))
		return false;
	*status = (ExecutionStatus) found;
	return true;
}

bool
execution_is_at_rest(ExecutionStatus status)
{
	return status == EXECUTION_COMPLETED || status == EXECUTION_FAILED || status == EXECUTION_CANCELED ||
		status == EXECUTION_MANUAL_REVIEW;
}
