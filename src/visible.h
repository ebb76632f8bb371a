/*
 * visible.h
 *		An execution as the current user can see it.
 */
#ifndef AS_VISIBLE_H
#define AS_VISIBLE_H

#include "postgres.h"

#include "compat.h"

typedef struct Look
{
	bool		found;			/* it exists, and row-level security shows it */
	bool		at_rest;
	bool		own;			/* the row was written by this very transaction */
	char	   *status;			/* in the caller's memory context */
} Look;

/* With a snapshot of its own, where the isolation level allows. */
extern void as_look_at(int64 execution_id, Look *look);

/* Raises 42704: the same for what does not exist and what may not be seen. */
pg_noreturn extern void as_refuse_execution(int64 execution_id);

#endif							/* AS_VISIBLE_H */
