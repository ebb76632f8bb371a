/*
 * live.h
 *		What calls have streamed so far, told while they run.
 */
#ifndef AS_LIVE_H
#define AS_LIVE_H

#include "executor.h"

/* Looks at a running call: tells that it takes long, and whether what it has streamed is due to be written. */
extern void live_look(Executor *executor, Call *call, TimestampTz now);

/* Writes what is due, in the current transaction, connected to SPI. */
extern void live_write(Executor *executor);

/* Takes away the rows of calls that have ended; likewise. */
extern void live_forget(Call *const *calls, int n);

/* After the commit of live_write. */
extern void live_written(Executor *executor);

#endif							/* AS_LIVE_H */
