/*
 * executor.h
 *		The worker that runs the steps of one database, and its parts.
 *
 * executor.c is the loop, dispatch.c takes work from the queue and sends it,
 * live.c tells of calls that run, results.c writes what has ended, roll_up.c counts
 * it when there is time. They share one Executor.
 */
#ifndef AS_EXECUTOR_H
#define AS_EXECUTOR_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "lib/ilist.h"

#include "chain.h"
#include "commands.h"
#include "engine.h"
#include "http.h"
#include "journal.h"
#include "queue.h"
#include "shmem.h"
#include "turn.h"

#define EXECUTOR_MAX_CLAIM	500	/* a turn stays short */

/* Turns that can fail again and again, each for itself. */
typedef enum TroubleKind
{
	TROUBLE_DISPATCH,
	TROUBLE_WRITE,
	TROUBLE_KINDS
} TroubleKind;

typedef struct Executor
{
	WorkerSlot *slot;
	Oid			dboid;
	Oid			extension;
	int64		epoch;
	HttpLoop   *http;
	Journal    *journal;
	MemoryContext round;		/* emptied at the beginning of each round */

	dlist_head	running;		/* Calls in flight */
	int			nrunning;
	dlist_head	ended;			/* EndedCalls that wait to be written */
	int			nended;
	TimestampTz began_at;
	int64		memory;			/* of all calls, running and ended: see budget.h */
	HttpReading reading;		/* what memory allows */
	Limits	   *limits;			/* what models have used, calls in flight among it */

	bool		counts_spending;	/* there are budgets: see spend.h */
	bool		bounds_spending;	/* some of them refuse */
	TimestampTz next_day;		/* by the clock on the wall: when budgets are to be looked at again */

	CommandList commands;		/* seen, to be applied with the next write */

	ChainedStep chained[EXECUTOR_MAX_CLAIM];	/* claimed with the last write, to be sent */
	int			nchained;

	/*
	 * Until then one call at a time, each claim on disk before it is sent: the
	 * executors before this one crashed, and if a step is what brings them down,
	 * it alone shall be found with every crash. 0 = no.
	 */
	TimestampTz careful_until;

	bool		live_due;		/* running calls have streamed what is not written yet */
	bool		look;			/* the queue may have something for us */
	bool		clock_set_back; /* what waits for a time, and closed hours, have not been looked at since */
	TimestampTz set_back_to;	/* by the clock on the wall */

	/* These, hold_off_until and careful_until are of steady_now(). */
	TimestampTz next_due;		/* of waiting rows; DT_NOEND = none */
	TimestampTz next_poll;
	TimestampTz next_search;	/* for steps whose model is gone */
	TimestampTz next_allowance; /* when a model at its limit may go on; DT_NOEND = none is */
	TimestampTz next_roll_up;	/* of daily totals */
	TimestampTz hold_off_until; /* the database has trouble; 0 = none */
	int			troubles[TROUBLE_KINDS];	/* turns in a row that failed */
} Executor;

/* A call that has ended, and what was decided. Lives in the call's context. */
typedef struct EndedCall
{
	dlist_node	node;
	Call	   *call;
	Decision	decision;
} EndedCall;

extern PGDLLEXPORT void agent_studio_executor_main(Datum arg);

/* The database refused for now: leave it alone for a while, longer each time. */
extern void executor_hold_off(Executor *executor, TroubleKind kind);

/* It has taken what it had refused before. */
extern void executor_is_well(Executor *executor, TroubleKind kind);

/* The clock of the limits: milliseconds of steady_now(). */
extern int64 executor_clock(void);

/* dispatch.c: applies commands, releases timers, claims, and sends. */
extern void executor_dispatch(Executor *executor);

/* dispatch.c: how many steps may be claimed and sent, ended calls not counted that are about to be written. */
extern int	executor_free_places(const Executor *executor, int written);

/* results.c: moves an ended call from the running ones to those to be written. */
extern void executor_settle(Executor *executor, Call *call);

/*
 * results.c: writes ended calls, journal and commands. If it is not done it is to be tried again
 * later: all of it, or (TURN_BAD_ROW) what could not be dealt with at all.
 */
extern TurnResult executor_write(Executor *executor);

/* roll_up.c: when daily totals are to be brought up to date, and one day of that. */
extern TimestampTz executor_roll_up_time(const Executor *executor);
extern void executor_roll_up(Executor *executor);

#endif							/* AS_EXECUTOR_H */
