/*
 * flow.h
 *		Where an execution stands in its plan, and what comes next.
 *
 * The rules of doc/workflows.md, and nothing else. A Flow is made from the plan
 * and the current iteration of each step; it is told what has just happened
 * (flow_completed, flow_approve, ...), then flow_advance starts, skips and ends
 * what follows from it. It holds no state that the rows do not: the same rows
 * lead to the same next rows at any time.
 *
 * Pure code: malloc, no PostgreSQL. What needs the database or a value (conditions,
 * texts, agents) is asked of the FlowHost, which may throw: flow_free must then
 * still be called, or the memory is lost until the process ends.
 */
#ifndef AS_FLOW_H
#define AS_FLOW_H

#include <stdint.h>

#include "plan.h"
#include "provider.h"
#include "states.h"

/* One iteration of a step. */
typedef struct FlowRow
{
	int			step;			/* index in the plan */
	int			step_no;
	int			iteration;
	int			round;
	StepState	state;
	StepVerdict verdict;
	int64_t		finished_at;	/* any clock that ascends; 0 = not ended */
	const bool *chosen;			/* of a decision that has been made: for each step; the host's memory */

	/* What the flow did to it. */
	bool		is_new;
	bool		is_changed;		/* state, verdict, or what hangs on host */
	bool		to_queue;		/* the host has begun it: a row of the queue is wanted */
	bool		to_ask;			/* an approval is wanted */
	bool		clears_error;	/* taken up again by hand */
	ErrorClass	error_class;	/* of a step that the flow failed */
	char		error_message[1024];
	void	   *host;			/* the host's */
} FlowRow;

typedef struct FlowHost
{
	void	   *arg;

	/*
	 * Whether a condition holds; own: in a rule, after the step has completed. Where
	 * problem says something, it could not be found out.
	 */
	bool		(*holds) (void *arg, const FlowRow *row, const char *condition, bool own, Buf *problem);

	/* The step is about to be queued: text, agent. False: problem says why it cannot be. */
	bool		(*begin) (void *arg, FlowRow *row, Buf *problem);

	/* A decision was made. chosen must last as long as the row. */
	const bool *(*decide) (void *arg, FlowRow *row, const PlanCase *choice);

	/* to is the new row that the flow goes back (or hands off) to, from the row that wants it. */
	void		(*feedback) (void *arg, FlowRow *from, FlowRow *to, const PlanText *text, const char *words);

	/* Something that people should know; text may be NULL, and words too, not both. */
	void		(*tell) (void *arg, const FlowRow *row, const char *severity, const char *kind,
						 const PlanText *text, const char *words);
} FlowHost;

typedef struct Flow
{
	const WorkflowPlan *plan;
	const FlowHost *host;
	bool		paused;
	bool		pause_before_each_step;
	bool		continue_on_warnings;

	int			nrows;
	FlowRow   **rows;			/* all, the new ones last */
	FlowRow   **current;		/* of each step of the plan */
	int			capacity;
	bool		out_of_memory;
	char		bug[160];		/* a transition that must not be; nothing of the flow may be written then */

	/* The outcome, after flow_advance. */
	ExecutionStatus status;
	FlowRow    *culprit;		/* the step that it failed with; NULL = none */
} Flow;

/* NULL if there is no memory. */
extern Flow *flow_create(const WorkflowPlan *plan, const FlowHost *host);
extern void flow_free(Flow *flow);

/* A new row, to be filled in; the current one of its step if its iteration is the highest. NULL: no memory. */
extern FlowRow *flow_add_row(Flow *flow, int step, int iteration);

/* Rows for the first iteration of every step, all pending and new. */
extern bool flow_begin(Flow *flow);

/*
 * The model's answer has completed the step: criteria and rules are looked at.
 * unmet: what its criteria miss, in words for the model; NULL = nothing.
 */
extern void flow_completed(Flow *flow, FlowRow *row, bool with_warnings, const char *unmet);

/*
 * What people want, for rows in a state where that is legal: false if it is not,
 * and why then says so. The row is changed; flow_advance does the rest.
 */
extern bool flow_approve(Flow *flow, FlowRow *row, const char **why);
extern bool flow_reject(Flow *flow, FlowRow *row, const char *words, const char **why);
extern bool flow_expire_to_review(Flow *flow, FlowRow *row, const char **why);
extern bool flow_retry(Flow *flow, FlowRow *row, const char **why);
extern bool flow_accept_partial(Flow *flow, FlowRow *row, const char **why);
extern bool flow_complete_by_hand(Flow *flow, FlowRow *row, const char **why);
extern bool flow_skip(Flow *flow, FlowRow *row, const char **why);

/* Everything that follows. */
extern void flow_advance(Flow *flow);

/* Whether the steps that compensate have begun to. */
extern bool flow_is_rolling_back(const Flow *flow);

#endif							/* AS_FLOW_H */
