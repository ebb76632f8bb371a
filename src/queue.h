/*
 * queue.h
 *		The executor's view of the tables: claims, results, timers, commands.
 *
 * Every function runs in the current transaction, connected to SPI, and may
 * throw; the executor then gives the transaction up as a whole.
 */
#ifndef AS_QUEUE_H
#define AS_QUEUE_H

#include "postgres.h"

#include "call.h"
#include "chain.h"
#include "engine.h"
#include "limits.h"
#include "workflow.h"

/* A row of the queue. */
typedef struct StepKey
{
	int64		execution_id;
	int32		step_no;
	int64		epoch;			/* that has claimed it; 0 = none has */
} StepKey;

extern int64 queue_begin_epoch(void);
extern void queue_end_epoch(int64 epoch);

/* How many executors of this database ended without a word in the last two minutes. */
extern int	queue_recent_crashes(int64 epoch);

/* Queues again what ended epochs had claimed, at most 1000 rows or this one; how many it did. */
extern int	queue_recover(int64 epoch, const StepKey *only);

/* What queue_recover would do next; what queue_claim would look at first. */
extern StepKey *queue_left_steps(int64 epoch, int *count);
extern StepKey *queue_ready_steps(int *count);

/* What waits for a model that does not exist. */
extern StepKey *queue_lost_steps(int *count);

/* What people want, oldest first, at most 1000 in the current memory context. */
extern WorkflowCommand *queue_pending_commands(int *count);

/* Approvals that nobody gave in time, as commands. */
extern WorkflowCommand *queue_expired_approvals(TimestampTz now, int *count);

/* Commands for executions as a whole; too late ones are marked as refused. */
extern void queue_pause(const WorkflowCommand *command);
extern void queue_resume(const WorkflowCommand *command);
extern void queue_apply_cancels(const int64 *executions, int count);
extern void queue_refuse_command(const WorkflowCommand *command, const char *why);
extern void queue_withdraw_approval(const WorkflowCommand *expiry);

/* Makes rows ready whose time has come; how many. */
extern int	queue_release_due(TimestampTz now);

/* After the clock was set back: waits that began before begin again, for what they had to last. */
extern void queue_mend_waits(void);

/* And days that were closed beyond the moment to which it was set are open again. */
extern void queue_reopen_days(TimestampTz after);

/* When the next waiting row or approval is due; DT_NOEND = none waits. */
extern TimestampTz queue_next_due(void);

/* Brings one day of the daily totals up to date; false = there is none. */
extern bool queue_roll_up(void);

/*
 * Claims at most places steps that are expected to cost at most so many tokens, but
 * for the first one; or only this one (NULL = any). The claims are in the current
 * memory context.
 */
extern Claim *queue_claim(int64 epoch, int places, int64 tokens, const ModelUse *uses, int nuses,
						  const StepKey *only, int *count);

/* The claims of steps that were claimed when they were queued, without those that are gone. */
extern Claim *queue_chained(int64 epoch, const ChainedStep *steps, int n, int *count);

/* Hands what waits for these models on to the agents' fallback models. */
extern void queue_reroute(const int64 *models, int n);

/* Tells limits what was sent within the minute before this executor began. */
extern void queue_recall_sends(Limits *limits, int64 minute_ms);

/* Until when vendors want nothing, by what they told an executor before. */
extern void queue_recall_blocks(Limits *limits);

/* Keeps what the vendors said of their own limits, the newest for each model. */
extern void queue_write_headroom(Call *const *calls, int n);

/* What an attempt was, as the rows had it that it ended. */
typedef struct WrittenAttempt
{
	TimestampTz started_at;		/* of its step */
	TimestampTz order_at;
	const char *cost;			/* USD, to the cent; NULL = not known */
} WrittenAttempt;

/*
 * attempt_write.c: writes the results of n ended calls with what was decided for each; how many
 * were written. The others were fenced out: the queue does not hold that attempt
 * for this epoch any more. attempts, one for each call, is filled for those that were written.
 */
extern int	queue_write_results(int64 epoch, Call *const *calls, const Decision *decisions, WrittenAttempt *attempts, int n);

/* Where it was so decided, another agent tries the step from now on. */
extern void queue_hand_over(Call *const *calls, const Decision *decisions, int n);

/* Fails a step that cannot be claimed, or whose result cannot be stored. */
extern void queue_fail_unwritable(const StepKey *step, const char *why);

/* Takes it out of the queue, and touches no other row. */
extern void queue_remove(const StepKey *step);

#endif							/* AS_QUEUE_H */
