/*
 * steady.h
 *		The time that waits within a process go by.
 *
 * It begins as what the clock on the wall shows, and then goes forward as time does,
 * whatever is done to that clock. Times of it are compared with one another, within
 * one process; what is stored or shown is told by GetCurrentTimestamp().
 */
#ifndef AS_STEADY_H
#define AS_STEADY_H

#include "datatype/timestamp.h"

extern TimestampTz steady_now(void);

/* When a time of the wall's clock comes, as that clock goes now; infinite ones stay so. */
extern TimestampTz steady_time_of(TimestampTz wall);

/* By how many microseconds the clock on the wall was set since the last call; 0 if it only went on. */
extern int64 steady_clock_jump(void);

#endif							/* AS_STEADY_H */
