/*
 * my_executions.h
 *		The executions that the current user can see.
 */
#ifndef AS_MY_EXECUTIONS_H
#define AS_MY_EXECUTIONS_H

#include "postgres.h"

/* Whether they are few among all, so that their ids lead to what belongs to them. Within a transaction, with a snapshot. */
extern bool my_executions_are_few(void);

#endif							/* AS_MY_EXECUTIONS_H */
