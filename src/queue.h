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
#include "engine.h"
#include "limits.h"

extern int64 queue_begin_epoch(void);
extern void queue_end_epoch(int64 epoch);

/* How many executors of this database ended without a word in the last two minutes. */
extern int	queue_recent_crashes(int64 epoch);

/* Queues again what ended epochs had claimed; how many rows it did, at most 1000. */
extern int	queue_recover(int64 epoch);

/* Executions with a pending cancel, in the current memory context. */
extern int64 *queue_pending_cancels(int *count);
extern void queue_apply_cancels(const int64 *executions, int count);

/* Makes rows ready whose time has come; how many. */
extern int	queue_release_due(TimestampTz now);

/* When the next waiting row is due; DT_NOEND = none waits. */
extern TimestampTz queue_next_due(void);

/* Claims at most places steps. The claims are in the current memory context. */
extern Claim *queue_claim(int64 epoch, int places, const ModelUse *uses, int nuses, int *count);

/* Hands what waits for these models on to the agents' fallback models. */
extern void queue_reroute(const int64 *models, int n);

/* Tells limits what was sent within the minute before this executor began. */
extern void queue_recall_sends(Limits *limits, int64 minute_ms);

/* Until when vendors want nothing, by what they told an executor before. */
extern void queue_recall_blocks(Limits *limits);

/* Keeps what the vendors said of their own limits, the newest for each model. */
extern void queue_write_headroom(Call *const *calls, int n);

/*
 * Writes the results of n ended calls with what was decided for each; how many
 * were written. The others were fenced out: the queue does not hold that attempt
 * for this epoch any more.
 */
extern int	queue_write_results(int64 epoch, Call *const *calls, const Decision *decisions, int n);

/* Fails a step whose result cannot be stored. */
extern void queue_fail_unwritable(int64 epoch, const Call *call, const char *why);

#endif							/* AS_QUEUE_H */
