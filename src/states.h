/*
 * states.h
 *		The states of steps and executions, and which may follow which.
 *
 * Pure code. Every change of a step's state goes through step_may_become, so an
 * illegal one is found where it is made.
 */
#ifndef AS_STATES_H
#define AS_STATES_H

#include <stdbool.h>

typedef enum StepState
{
	STEP_PENDING,
	STEP_QUEUED,
	STEP_RUNNING,
	STEP_RETRYING,
	STEP_PAUSED,
	STEP_WAITING_APPROVAL,
	STEP_COMPLETED,
	STEP_PARTIAL,
	STEP_FAILED,
	STEP_SKIPPED,
	STEP_CANCELED
} StepState;

/* What else has become of a step: see steps.verdict. */
typedef enum StepVerdict
{
	VERDICT_NONE,
	VERDICT_PASSED_OVER,
	VERDICT_SKIPPED_BY_HAND,
	VERDICT_ACCEPTED,
	VERDICT_COMPLETED_BY_HAND,
	VERDICT_MANUAL_REVIEW,
	VERDICT_WENT_BACK,
	VERDICT_HANDED_OFF,
	VERDICT_APPROVED
} StepVerdict;

typedef enum ExecutionStatus
{
	EXECUTION_QUEUED,
	EXECUTION_RUNNING,
	EXECUTION_PAUSED,
	EXECUTION_WAITING_APPROVAL,
	EXECUTION_COMPLETED,
	EXECUTION_FAILED,
	EXECUTION_CANCELED,
	EXECUTION_MANUAL_REVIEW
} ExecutionStatus;

extern const char *step_state_name(StepState state);
extern bool step_state_parse(const char *name, StepState *state);
extern bool step_may_become(StepState from, StepState to);

/* Whether nothing more happens to it by itself, and whether work on it goes on or will. */
extern bool step_is_at_rest(StepState state);
extern bool step_is_active(StepState state);

extern const char *step_verdict_name(StepVerdict verdict);	/* NULL for none */
extern bool step_verdict_parse(const char *name, StepVerdict *verdict);

extern const char *execution_status_name(ExecutionStatus status);
extern bool execution_status_parse(const char *name, ExecutionStatus *status);
extern bool execution_is_at_rest(ExecutionStatus status);

#endif							/* AS_STATES_H */
