/*
 * step_write.h
 *		Steps that a flow has changed, to steps and queue.
 *
 * They are gathered in a StepWriting, which has a memory context of its own and copies what it
 * is given, and written together. All runs in a transaction, connected to SPI, and may throw.
 */
#ifndef AS_STEP_WRITE_H
#define AS_STEP_WRITE_H

#include "postgres.h"

#include "datatype/timestamp.h"

#include "chain.h"
#include "states.h"

/* What becomes of a row of steps. NULL, 0: as it was. */
typedef struct ChangedStep
{
	int64		execution_id;
	int32		step_no;
	bool		is_new;			/* there is no row of it yet */
	StepState	state;
	StepVerdict verdict;
	const char *outputs;		/* JSON */
	const char *output;
	const char *error_class;
	const char *error_message;
	bool		clears_error;
	const char *feedback;
	int32		timeout_seconds;
	TimestampTz now;

	/* Of a step that begins. */
	int64		agent_version_id;
	const char *task;
	const char *instructions;	/* about the outputs, where the answer is not JSON */
	const char *schema;
	const char *output_format;	/* NULL = what the agent has */
	bool		to_queue;
	TimestampTz order_at;		/* its place there */

	/* Of a new one. */
	const char *name;
	const char *title;
	int32		plan_step;
	int32		iteration;
	int32		round;
	int32		max_retries;
	const char *owner;
	const char *team;
} ChangedStep;

typedef struct StepWriting StepWriting;

/* chain: steps that it takes enter the queue claimed; NULL = none does. */
extern StepWriting *step_writing_create(Chain *chain);

/* How many bytes of text wait in it. */
extern size_t step_writing_size(const StepWriting *writing);
extern void step_writing_add(StepWriting *writing, const ChangedStep *step);

/* Writes what has been gathered, and begins anew. */
extern void step_writing_flush(StepWriting *writing);

#endif							/* AS_STEP_WRITE_H */
