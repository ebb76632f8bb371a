/*
 * chain.h
 *		Steps that are claimed by the very transaction that queues them.
 *
 * When a step of a workflow ends, the one that follows takes over its place: its row enters
 * the queue claimed, and its request goes out with the next dispatch. It saves the claim.
 * Only where nobody is passed over by it: there is a free place, the model has no rate to
 * keep and is not blocked, nothing that waits for the model comes first, no budget can
 * refuse, and nobody wants anything else done to the execution.
 *
 * A Chain belongs to one transaction of the executor, connected to SPI, and may throw.
 */
#ifndef AS_CHAIN_H
#define AS_CHAIN_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

#include "limits.h"

/* A step that entered the queue claimed. */
typedef struct ChainedStep
{
	int64		execution_id;
	int32		step_no;
} ChainedStep;

typedef struct Chain
{
	MemoryContext context;		/* in which it was begun; all of it lives there */
	int64		epoch;
	int			places;			/* free ones in all */
	int64		tokens;			/* for which there is memory */
	const ModelUse *uses;		/* models of which something is used */
	int			nuses;
	List	   *models;			/* those that have been looked at */
	int64	   *wanted;			/* executions that somebody wants something of, in order */
	int			nwanted;
	ChainedStep *taken;			/* as many as there were places */
	int			ntaken;
} Chain;

/* places, tokens: how much may be taken; uses: see limits_uses. */
extern Chain *chain_begin(int64 epoch, int places, int64 tokens, const ModelUse *uses, int nuses);

/* Before chain_take, for each model that may be meant: looks at what waits for it. */
extern void chain_look(Chain *chain, int64 model_id);

/* Whether this step is to be queued claimed; it is one of those taken then. */
extern bool chain_take(Chain *chain, int64 execution_id, int32 step_no, int64 model_id, TimestampTz order_at, int64 tokens);

#endif							/* AS_CHAIN_H */
