/*
 * engine.h
 *		What becomes of a step and of its execution when an attempt has ended.
 */
#ifndef AS_ENGINE_H
#define AS_ENGINE_H

#include "postgres.h"

#include "call.h"

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

extern const char *step_state_name(StepState state);

typedef struct Decision
{
	StepState	step_state;
	const char *execution_status;
	TimestampTz retry_at;		/* 0 = the step has come to rest */
	int32		failures;		/* with this attempt */
	int64		model_id;		/* for the next attempt; 0 = the same */
	int32		fallback_no;
} Decision;

/* For a call that has ended. Raises on a transition that must not be: a bug. */
extern void engine_decide(const Call *call, Decision *decision);

/* The wait before the retry after so many failures, without what the vendor asks for. */
extern int64 engine_backoff_ms(int failures);

#endif							/* AS_ENGINE_H */
