/*
 * workflow_private.h
 *		What the files workflow*.c share.
 *
 * workflow.c		takes executions on: load, what happened, what follows, write
 * workflow_load.c	executions and the current iterations of their steps, from the tables
 * workflow_host.c	what a flow asks for: conditions, texts, agents, notices
 * workflow_values.c	inputs and outputs as values, templates
 * workflow_write.c	what has changed, to the tables
 * workflow_command.c	what people want done to steps
 */
#ifndef AS_WORKFLOW_PRIVATE_H
#define AS_WORKFLOW_PRIVATE_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"

#include "batch.h"
#include "chain.h"
#include "flow.h"
#include "plan_cache.h"
#include "workflow.h"

/* An execution while it is taken on. */
typedef struct Workflow
{
	int64		execution_id;
	SharedPlan *cached;
	const WorkflowPlan *plan;
	Flow	   *flow;
	FlowHost	host;
	ExecutionStatus status;		/* as it was loaded */
	bool		started;		/* something of it was sent already */
	MemoryContext context;		/* what is made while it is taken on */
	Datum		stored_inputs;	/* as the tuple has them, not fetched; 0 = none */
	Jsonb	   *inputs;			/* see workflow_inputs */
	Jsonb	   *agents;
	Jsonb	   *notify;			/* NULL = nobody */
	char	   *task;
	int64		head_start;		/* of its priority: microseconds */
	List	   *places;			/* TimestampTz *: in the queue, of steps that have just ended */
	int			nfanned;		/* steps queued in this turn for which there was none */
	char	   *owner;
	char	   *team;			/* NULL = none */
	bool		paused;
	bool		pause_before_each_step;
	bool		continue_on_warnings;
	bool		is_test;		/* nobody is to hear of it */
	bool		is_purged;		/* what it would go on from is not there any more */
	bool		resumed;		/* by a command on one of its steps */
	int64		looking_us;		/* spent on its conditions */
	List	   *earlier;		/* rows of iterations that are not among the flow's */
	TimestampTz now;
	struct WorkflowWriting *writing;
} Workflow;

/* What hangs on a FlowRow (its member host). */
typedef struct RowData
{
	int32		attempt_no;
	char	   *error_message;	/* as it was loaded */
	char	   *error_class;
	bool		loaded;			/* the next two have been looked up */
	Jsonb	   *outputs;		/* NULL = none */
	text	   *output;
	bool	   *chosen;			/* of a decision */

	/* What is to be written. NULL or 0: as it was. */
	int64		agent_version_id;
	char	   *task;
	bool		task_is_large;	/* it is made again when it is written */
	char	   *instructions;	/* about the outputs, where the answer is not JSON */
	char	   *schema;
	char	   *feedback;
	char	   *new_outputs;	/* JSON */
	char	   *new_output;
	int32		timeout_seconds;
	const StepEnd *end;			/* it has completed by its own answer: to be told. NULL = it has not */
} RowData;

/* Rows that wait to be written, of all executions of a turn. */
typedef struct WorkflowWriting
{
	MemoryContext context;		/* in which it was created */
	struct StepWriting *steps;	/* written when it has become large */
	List	   *executions;		/* of workflow_write.c */
	Batch	   *notices;
	Batch	   *approvals;
	Batch	   *decisions;		/* of approvals */
	Batch	   *deliveries;
	Batch	   *commands;		/* applied or refused */
} WorkflowWriting;

static inline const PlanStep *
plan_step_of(const Workflow *workflow, const FlowRow *row)
{
	return &workflow->plan->steps[row->step];
}

/* workflow_load.c: executions with a plan, in the order of their ids; others are left out. */
extern Workflow *workflow_load(const int64 *executions, int n, int *count);
extern FlowRow *workflow_find_row(const Workflow *workflow, int32 step_no);

/* What hangs on a row; made, empty, where there is nothing yet. It lasts as long as the workflow that was entered. */
extern RowData *row_data(const FlowRow *row);

/* What is made from now on is of this workflow, until it is released. */
extern void workflow_enter(const Workflow *workflow);

/* NULL = none. */
extern Jsonb *workflow_inputs(Workflow *workflow);

extern void workflow_release(Workflow *workflow);

/* workflow_host.c */
extern void workflow_set_host(Workflow *workflow);

/* A step's task with all that is filled in and fed back. is_too_large: nobody may be given so much. */
extern char *workflow_task(Workflow *workflow, const FlowRow *row, bool *is_too_large);
extern void workflow_tell(Workflow *workflow, const FlowRow *row, const char *severity, const char *kind, const char *message);

/* However long it is, and as of that time. */
extern void workflow_tell_at(Workflow *workflow, const FlowRow *row, TimestampTz at, const char *severity, const char *kind,
							 const char *message);

/* workflow_values.c: values are NULL where they are not there; texts are palloc'd. */
extern JsonbValue *workflow_value(Workflow *workflow, const PlanSource *sources, int nsources, int reader);
extern char *workflow_value_text(const JsonbValue *value);

/* At most so many bytes of it; is_cut (NULL: nobody asks) tells whether there would be more. */
extern char *workflow_render(Workflow *workflow, const FlowRow *row, const PlanText *text, size_t most, bool *is_cut);
extern Jsonb *workflow_scope(Workflow *workflow, const FlowRow *row, bool own);
extern Jsonb *workflow_variables(Workflow *workflow, const FlowRow *row, const char *condition);
extern void workflow_load_outputs(Workflow *workflow, FlowRow *row);

/* The same without looking them up, as they have been written in this transaction. */
extern void workflow_take_outputs(Workflow *workflow, FlowRow *row, const Buf *output, const Buf *outputs);
extern char *workflow_answer_of(Workflow *workflow, int32 step_no);
extern JsonbValue *workflow_member(Jsonb *object, const char *name);

/* workflow_command.c: refused commands are told; expiries of approvals among them. */
extern void workflow_apply(Workflow *workflow, const WorkflowCommand *command);

/* workflow_write.c */
extern WorkflowWriting *workflow_writing_create(Chain *chain);
extern void workflow_collect(Workflow *workflow);
extern void workflow_collect_command(WorkflowWriting *writing, const WorkflowCommand *command, const char *refusal);
extern void workflow_write(WorkflowWriting *writing);

#endif							/* AS_WORKFLOW_PRIVATE_H */
