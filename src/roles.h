/*
 * roles.h
 *		The roles whose rights the current user has.
 */
#ifndef AS_ROLES_H
#define AS_ROLES_H

#include "postgres.h"

/* Looks them up, where they are not known yet; before any other call. Within a transaction. */
extern void roles_know(void);

/* Whether he reads the rows of every owner. */
extern bool roles_read_all(void);

extern bool roles_include(const text *name);

extern int	roles_count(void);

/* As text[], in the current memory context. */
extern Datum roles_as_array(void);

/* Raises 55000 where he reads all: what calls it was planned for somebody who does not. */
extern void roles_check_plan(void);

#endif							/* AS_ROLES_H */
