/*
 * flow_private.h
 *		What flow.c, flow_ways.c, flow_completed.c and flow_commands.c share.
 */
#ifndef AS_FLOW_PRIVATE_H
#define AS_FLOW_PRIVATE_H

#include "flow.h"

/* ---------- flow.c ---------- */

extern const PlanStep *flow_step_of(const Flow *flow, const FlowRow *row);
extern void flow_move(Flow *flow, FlowRow *row, StepState state);
extern void flow_fail(Flow *flow, FlowRow *row, ErrorClass error_class, const char *words);

/* Begins a pending step, or one that is taken up again: condition, decision, approval, queue. */
extern void flow_start(Flow *flow, FlowRow *row);

/* Another iteration of a step, in a round; NULL = there is no memory, and the flow is broken. */
extern FlowRow *flow_add_iteration(Flow *flow, int step, int round);

/* A notice of the execution: a text of the plan, or words. */
extern void flow_tell(Flow *flow, const FlowRow *row, const char *severity, const char *kind, const PlanText *text, const char *words);

/* A condition, as FlowHost.holds tells it; false, too, where it cannot be told: the step has failed then. */
extern bool flow_holds(Flow *flow, FlowRow *row, const char *condition, bool own);

/* ---------- flow_ways.c ---------- */

/* What the ways from a step are like, as its row tells. */
typedef enum Way
{
	WAY_UNKNOWN,
	WAY_OPEN,
	WAY_CLOSED,
	WAY_BLOCKED,
	WAY_HELD
} Way;

/* Whether a pending step is to start. */
typedef enum Readiness
{
	READY_WAIT,
	READY_START,
	READY_SKIP
} Readiness;

extern Way	flow_way_out(const Flow *flow, int from);
extern Readiness flow_readiness(const Flow *flow, int to);

/* False = a specialist or a compensation, which is started by who wants it, but for further rounds of its loop. */
extern bool flow_is_wanted(const Flow *flow, int to);

/* Whether a rule of a step hands off to that specialist. */
extern bool flow_hands_off_to(const PlanStep *owner, int specialist);

#endif							/* AS_FLOW_PRIVATE_H */
