/*
 * turn.h
 *		The executor's short transactions.
 */
#ifndef AS_TURN_H
#define AS_TURN_H

#include "postgres.h"

typedef enum TurnCommit
{
	TURN_COMMIT_ASYNC,			/* losing it only sends or streams again */
	TURN_COMMIT_DURABLE			/* a result: as agent_studio.result_commit says */
} TurnCommit;

typedef enum TurnResult
{
	TURN_DONE,
	TURN_TRY_LATER,				/* the server's trouble: disk, locks, memory */
	TURN_BAD_ROW				/* what was to be written is at fault */
} TurnResult;

typedef void (*TurnWork) (void *arg);

/* The last failure's message; static. */
extern const char *turn_error(void);

/* Whether that was for a row which somebody else changed at the same moment: tried again, it may succeed. */
extern bool turn_lost_race(void);

/* Whether a turn failed, since this was last asked, because a table was not there. */
extern bool turn_missed_table(void);

/*
 * Runs work in a transaction of its own, connected to SPI, in a memory context
 * that ends with it. An error is logged, rolled back, and told in the result;
 * only FATAL leaves.
 */
extern TurnResult turn_run(TurnWork work, void *arg, TurnCommit commit);

/* Within a turn: its commit is on the disk before it is told, whatever was wanted. */
extern void turn_commit_durably(void);

/* The process's handler of SIGINT, without which no lock is ever given up. */
extern void turn_on_sigint(SIGNAL_ARGS);

/* Settings of the process that every turn relies on; once, after connecting. */
extern void turn_prepare_process(void);

#endif							/* AS_TURN_H */
