/*
 * plan_text_value.h
 *		The value of an output, from JSON or from what a section says in words.
 *
 * Pure code: malloc, no PostgreSQL, no throwing.
 */
#ifndef AS_PLAN_TEXT_VALUE_H
#define AS_PLAN_TEXT_VALUE_H

#include "fence.h"
#include "plan.h"

#define ANSWER_MAX_NODES	500000	/* values in an answer, as for a JSON Schema */

/*
 * Appends the value as JSON that jsonb can hold. On false, nothing was appended,
 * and why holds what was expected and found. *room is how many digits numbers may
 * have, all together, beyond those that they were written with.
 */
extern bool plan_value_of_node(const PlanValue *value, const JsonNode *node, int64_t *room, Buf *out, Buf *why);
extern bool plan_value_of_text(const PlanValue *value, Slice text, int64_t *room, Buf *out, Buf *why);

#endif							/* AS_PLAN_TEXT_VALUE_H */
