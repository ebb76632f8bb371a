/*
 * workflow.h
 *		Executions that have a plan: what follows from what has happened to them.
 *
 * Everything here runs in the current transaction, connected to SPI, and may
 * throw; the caller then gives the transaction up as a whole. Memory comes from
 * the current context. The executor calls it in the transaction that writes the
 * results, a session in the one that submits.
 */
#ifndef AS_WORKFLOW_H
#define AS_WORKFLOW_H

#include "postgres.h"

#include "datatype/timestamp.h"

#include "buf.h"
#include "chain.h"
#include "states.h"

/* A step whose attempt was written in this transaction, and which has come to rest with it. */
typedef struct StepEnd
{
	int64		execution_id;
	int32		step_no;
	int32		attempt_no;
	StepState	state;
	bool		with_warnings;
	const char *unmet;			/* what its criteria miss; NULL = nothing */
	const Buf  *output;			/* what was written as its answer, and as its outputs: it need not be read again */
	const Buf  *outputs;
	TimestampTz started_at;
	TimestampTz finished_at;
	const char *cost;			/* of the attempt, USD as people read them; NULL = not known */
	TimestampTz order_at;		/* its place in the queue, which is free now */
} StepEnd;

/* What somebody wants, as the row in commands says. */
typedef struct WorkflowCommand
{
	int64		execution_id;
	int64		command_id;
	char	   *wanted;
	int32		step_no;		/* 0 = the execution as a whole */
	char	   *actor;
	char	   *reason;			/* NULL = none */
	int32		timeout_seconds;	/* of retry_step; 0 = as before */
	bool		immediately;	/* of pause */
	char	   *outputs;		/* of complete_step: JSON; NULL = none */
	char	   *output;			/* of complete_step; NULL = none */
	bool		is_expiry;		/* no row in commands: nobody decided in time */
} WorkflowCommand;

/*
 * Takes every execution that the ends and commands name on as far as it goes, and
 * writes all of it. Executions without a plan are left out. Commands for steps are
 * marked as applied or refused; of the others only the execution counts. ends are sorted.
 * chain: see chain.h; NULL = what follows waits to be claimed.
 */
extern void workflow_advance(StepEnd *ends, int nends, const WorkflowCommand *commands, int ncommands, Chain *chain);

/* The plan under a key of plan_cache.h, read if need be; with a reference. */
extern struct SharedPlan *workflow_plan(int64 plan_key);

/* The same for executions of which only that is known: something has changed. */
extern void workflow_advance_executions(const int64 *executions, int n);

#endif							/* AS_WORKFLOW_H */
