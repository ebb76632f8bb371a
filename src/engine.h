/*
 * engine.h
 *		What becomes of a step when an attempt has ended.
 *
 * Whether it is tried again, by whom and when. What follows from its end in an
 * execution with a plan is decided by flow.c.
 */
#ifndef AS_ENGINE_H
#define AS_ENGINE_H

#include "postgres.h"

#include "call.h"
#include "states.h"

typedef struct Decision
{
	StepState	step_state;
	const char *execution_status;
	TimestampTz retry_at;		/* 0 = the step has come to rest */
	int32		failures;		/* with this attempt */
	int64		model_id;		/* for the next attempt; 0 = the same */
	int32		fallback_no;
	const char *next_agent;		/* who tries next, lives as long as the call; NULL = the same */
} Decision;

/* For a call that has ended. Raises on a transition that must not be: a bug. */
extern void engine_decide(const Call *call, Decision *decision);

#endif							/* AS_ENGINE_H */
