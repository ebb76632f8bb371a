/*
 * condition.h
 *		Conditions of workflows: SQL/JSON path predicates.
 */
#ifndef AS_CONDITION_H
#define AS_CONDITION_H

#include "postgres.h"

#include "utils/jsonb.h"

/*
 * Whether the predicate is true of target with these variables; false, unknown and
 * errors within the path do not hold. Raises 54000 when it takes too long: the
 * executor has others to serve.
 */
extern bool condition_holds(const char *path, Jsonb *target, Jsonb *variables);

/* Finds the next step that a condition names as $steps.name; NULL = no more. Continue from *end. */
extern const char *condition_next_step(const char *from, const char **end);

#endif							/* AS_CONDITION_H */
