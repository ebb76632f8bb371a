/*
 * bad_row.h
 *		What becomes of a step whose rows cannot be written.
 */
#ifndef AS_BAD_ROW_H
#define AS_BAD_ROW_H

#include "postgres.h"

#include "queue.h"

typedef enum BadRowEnd
{
	BAD_ROW_FAILED,				/* the step has failed, and says why */
	BAD_ROW_UNQUEUED,			/* it is out of the way; as_check() tells of it */
	BAD_ROW_LEFT				/* it is where it was */
} BadRowEnd;

/* what: what could not be done; the words of the last turn's error follow it. */
extern BadRowEnd bad_row_end(const StepKey *step, const char *what);

/* The same, where no turn has failed. */
extern BadRowEnd bad_row_fail(const StepKey *step, const char *why);

#endif							/* AS_BAD_ROW_H */
