/*
 * flow_private.h
 *		What flow.c and flow_commands.c share.
 */
#ifndef AS_FLOW_PRIVATE_H
#define AS_FLOW_PRIVATE_H

#include "flow.h"

extern const PlanStep *flow_step_of(const Flow *flow, const FlowRow *row);
extern void flow_move(Flow *flow, FlowRow *row, StepState state);
extern void flow_fail(Flow *flow, FlowRow *row, ErrorClass error_class, const char *words);

/* Begins a pending step, or one that is taken up again: condition, decision, approval, queue. */
extern void flow_start(Flow *flow, FlowRow *row);

#endif							/* AS_FLOW_PRIVATE_H */
