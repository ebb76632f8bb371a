/*
 * workflow_host.c
 *		What a flow asks for: conditions, texts, agents, notices.
 *
 * The other side of FlowHost (flow.h). Nothing is written here: texts and choices
 * are left with the rows, notices in the batches of workflow_write.c.
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/resowner.h"
#include "utils/timestamp.h"

#include "condition.h"
#include "steady.h"
#include "utf8.h"
#include "workflow_private.h"

#define MAX_MESSAGE		2000
#define MAX_TASK		(32 * 1024 * 1024)	/* bytes, with all that is filled in */
#define LARGE_TASK		(64 * 1024)	/* more than this is not kept until it is written */
#define MAX_CONDITIONS_MS	2000	/* all of one execution in one transaction */

/* ---------- notices ---------- */

void
workflow_tell_at(Workflow *workflow, const FlowRow *row, TimestampTz at, const char *severity, const char *kind,
				 const char *message)
{
	Batch	   *notices = workflow->writing->notices;

	batch_row(notices);
	batch_set(notices, 0, Int64GetDatum(workflow->execution_id));
	if (row != NULL)
		batch_set(notices, 1, Int32GetDatum(row->step_no));
	batch_time(notices, 2, at);
	batch_text(notices, 3, severity);
	batch_text(notices, 4, kind);
	batch_text(notices, 5, message);
	batch_text(notices, 6, workflow->owner);
	batch_text(notices, 7, workflow->team);
}

void
workflow_tell(Workflow *workflow, const FlowRow *row, const char *severity, const char *kind, const char *message)
{
	workflow_tell_at(workflow, row, GetCurrentTimestamp(), severity, kind, pnstrdup(message, utf8_clip(message, strlen(message), MAX_MESSAGE)));
}

static const char *
how_it_begins(const char *kind)
{
	if (strcmp(kind, "went_back") == 0)
		return "goes back with feedback: ";
	if (strcmp(kind, "handed_off") == 0)
		return "is handed off: ";
	if (strcmp(kind, "manual_review") == 0)
		return "requires manual review: ";
	if (strcmp(kind, "step_failed") == 0)
		return "has failed: ";
	return "";
}

static void
host_tell(void *arg, const FlowRow *row, const char *severity, const char *kind, const PlanText *text, const char *words)
{
	Workflow   *workflow = arg;
	const char *said = words;

	if (said == NULL)
		said = text != NULL && text->npieces > 0 ? workflow_render(workflow, row, text, MAX_MESSAGE, NULL) : "";
	if (strcmp(kind, "rule") == 0 && said[0] != '\0')
		workflow_tell(workflow, row, severity, kind, said);
	else
		workflow_tell(workflow, row, severity, kind,
					  psprintf("Step %d %s %s%s", row->step + 1, plan_step_of(workflow, row)->name,
							   how_it_begins(kind), said));
}

/* ---------- conditions ---------- */

typedef struct Question
{
	Workflow   *workflow;
	const FlowRow *row;
	const char *condition;
	bool		own;
} Question;

/* What of it is the condition's own fault; anything else is the server's trouble. */
static bool
is_too_much(int sqlerrcode)
{
	return ERRCODE_TO_CATEGORY(sqlerrcode) == ERRCODE_PROGRAM_LIMIT_EXCEEDED ||
		ERRCODE_TO_CATEGORY(sqlerrcode) == ERRCODE_DATA_EXCEPTION;
}

/* A subtransaction of its own: what one condition does must not undo the turn of all the others. */
static bool
look(const Question *question, Buf *problem)
{
	MemoryContext caller = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool result = false;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(caller);
	PG_TRY();
	{
		result = condition_holds(question->condition,
								 workflow_scope(question->workflow, question->row, question->own),
								 workflow_variables(question->workflow, question->row, question->condition));
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		/* Whoever called may go on in a subtransaction of his own, and a copy would not live until then. */
		if (!is_too_much(geterrcode()))
		{
			RollbackAndReleaseCurrentSubTransaction();
			PG_RE_THROW();
		}
		MemoryContextSwitchTo(caller);
		buf_puts(problem, CopyErrorData()->message);
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	CurrentResourceOwner = owner;
	return result;
}

/* What it looks at may be large, and a step may have many conditions: nothing of it is kept. */
static bool
host_holds(void *arg, const FlowRow *row, const char *condition, bool own, Buf *problem)
{
	Workflow   *workflow = arg;
	Question	question = {workflow, row, condition, own};
	TimestampTz began = steady_now();
	MemoryContext context;
	MemoryContext caller;
	bool		result;

	if (workflow->looking_us > MAX_CONDITIONS_MS * INT64CONST(1000))
	{
		buf_printf(problem, "the conditions of the workflow take longer than %d ms in all", MAX_CONDITIONS_MS);
		return false;
	}
	context = AllocSetContextCreate(CurrentMemoryContext, "agent_studio condition", ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(context);
	result = look(&question, problem);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	workflow->looking_us += steady_now() - began;
	return result;
}

static const bool *
host_decide(void *arg, FlowRow *row, const PlanCase *choice)
{
	Workflow   *workflow = arg;
	RowData    *data = row_data(row);
	StringInfoData outputs;

	data->chosen = palloc0(workflow->plan->nsteps * sizeof(bool));
	initStringInfo(&outputs);
	appendStringInfoString(&outputs, "{\"chosen\": [");
	for (int i = 0; i < choice->nto; i++)
	{
		/* Names of steps hold nothing that JSON would have to escape. */
		appendStringInfo(&outputs, "%s\"%s\"", i > 0 ? ", " : "", workflow->plan->steps[choice->to[i]].name);
		data->chosen[choice->to[i]] = true;
	}
	appendStringInfoString(&outputs, "]}");
	data->new_outputs = outputs.data;
	return data->chosen;
}

/* ---------- beginning a step ---------- */

/* NULL: problem says why there is none. */
static const char *
choose_agent(Workflow *workflow, const FlowRow *row, Buf *problem)
{
	const PlanAgentChoice *agent = &plan_step_of(workflow, row)->agent;
	char	   *value;

	if (!agent->chosen)
		return agent->agent;
	value = workflow_value_text(workflow_value(workflow, &agent->by, 1, row->step));
	for (int i = 0; i < agent->nchoices; i++)
	{
		if (strcmp(agent->values[i], value) == 0)
			return agent->agents[i];
	}
	if (agent->agent == NULL)
		buf_printf(problem, "no agent is named for the value \"%.*s\", and there is no default",
				   (int) utf8_clip(value, strlen(value), 100), value);
	return agent->agent;
}

static int64
pinned_version(Workflow *workflow, const char *agent, Buf *problem)
{
	JsonbValue *version = workflow_member(workflow->agents, agent);

	if (version != NULL && version->type == jbvNumeric)
		return DatumGetInt64(DirectFunctionCall1(numeric_int8, NumericGetDatum(version->val.numeric)));
	buf_printf(problem, "agent \"%.*s\" is not among those that the execution was started with",
			   (int) utf8_clip(agent, strlen(agent), 100), agent);
	return 0;
}

/* What comes behind the task when the flow has come back to it. */
static char *
with_feedback(Workflow *workflow, const FlowRow *row, char *task)
{
	RowData    *data = row_data(row);
	char	   *previous;
	char	   *whole;

	if (data->feedback == NULL)
		return task;
	previous = row->iteration > 1 ? workflow_answer_of(workflow, row->step_no - workflow->plan->nsteps) : NULL;
	whole = psprintf("%s%s%s\n\nFeedback:\n\n%s\n\nGive the whole answer, and take the feedback into account.",
					 task, previous != NULL ? "\n\nYour previous answer:\n\n" : "", previous != NULL ? previous : "",
					 data->feedback);
	pfree(task);
	if (previous != NULL)
		pfree(previous);
	return whole;
}

char *
workflow_task(Workflow *workflow, const FlowRow *row, bool *is_too_large)
{
	bool		is_cut;
	char	   *task = workflow_render(workflow, row, &plan_step_of(workflow, row)->task, MAX_TASK, &is_cut);

	task = with_feedback(workflow, row, task);
	*is_too_large = is_cut || strlen(task) > MAX_TASK;
	return task;
}

static char *
text_of(void (*describe) (const PlanStep *step, Buf *out), const PlanStep *step)
{
	Buf			out;
	char	   *copy;

	if (step->noutputs == 0)
		return NULL;
	buf_init(&out, 1024 * 1024);
	describe(step, &out);
	copy = pstrdup(buf_text(&out));
	buf_free(&out);
	return copy;
}

static bool
host_begin(void *arg, FlowRow *row, Buf *problem)
{
	Workflow   *workflow = arg;
	const PlanStep *step = plan_step_of(workflow, row);
	RowData    *data = row_data(row);
	const char *agent = choose_agent(workflow, row, problem);
	bool		is_too_large;

	if (agent == NULL || (data->agent_version_id = pinned_version(workflow, agent, problem)) == 0)
		return false;
	data->task = workflow_task(workflow, row, &is_too_large);
	data->task_is_large = strlen(data->task) > LARGE_TASK;
	if (data->task_is_large)
	{
		pfree(data->task);
		data->task = NULL;
	}
	if (is_too_large)
	{
		buf_printf(problem, "its task would have more than %d MB with all that is filled in", MAX_TASK / (1024 * 1024));
		return false;
	}
	data->instructions = text_of(plan_step_instructions, step);
	data->schema = text_of(plan_step_schema, step);
	return true;
}

static void
host_feedback(void *arg, FlowRow *from, FlowRow *to, const PlanText *text, const char *words)
{
	Workflow   *workflow = arg;
	RowData    *data = row_data(to);
	char	   *said = text != NULL && text->npieces > 0 ? workflow_render(workflow, from, text, MAX_TASK, NULL) : NULL;

	if (said == NULL || said[0] == '\0')
		said = words != NULL ? pstrdup(words) : workflow_answer_of(workflow, from->step_no);
	data->feedback = said;
}

void
workflow_set_host(Workflow *workflow)
{
	workflow->host.arg = workflow;
	workflow->host.holds = host_holds;
	workflow->host.begin = host_begin;
	workflow->host.decide = host_decide;
	workflow->host.feedback = host_feedback;
	workflow->host.tell = host_tell;
}
