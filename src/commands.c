/*
 * commands.c
 *		What people want done to executions, from the moment the executor has seen it.
 *
 * Cancel, pause and resume are about an execution as a whole, whether it has a plan
 * or not; the others are about a step, and workflow_command.c knows what they mean.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/memutils.h"

#include "commands.h"
#include "queue.h"

void
commands_init(CommandList *list)
{
	memset(list, 0, sizeof(CommandList));
	list->context = AllocSetContextCreate(TopMemoryContext, "agent_studio commands", ALLOCSET_SMALL_SIZES);
}

static bool
is_same(const WorkflowCommand *a, const WorkflowCommand *b)
{
	return a->execution_id == b->execution_id && a->command_id == b->command_id &&
		a->is_expiry == b->is_expiry && a->step_no == b->step_no;
}

static char *
copy_text(const char *text)
{
	return text != NULL ? pstrdup(text) : NULL;
}

bool
commands_remember(CommandList *list, const WorkflowCommand *command)
{
	MemoryContext caller;
	WorkflowCommand *copy;

	for (int i = 0; i < list->count; i++)
	{
		if (is_same(&list->items[i], command))
			return false;
	}
	caller = MemoryContextSwitchTo(list->context);
	if (list->count == list->capacity)
	{
		list->capacity = Max(16, list->capacity * 2);
		list->items = list->items == NULL ? palloc(list->capacity * sizeof(WorkflowCommand))
			: repalloc(list->items, list->capacity * sizeof(WorkflowCommand));
	}
	copy = &list->items[list->count++];
	*copy = *command;
	copy->wanted = copy_text(command->wanted);
	copy->actor = copy_text(command->actor);
	copy->reason = copy_text(command->reason);
	copy->outputs = copy_text(command->outputs);
	copy->output = copy_text(command->output);
	MemoryContextSwitchTo(caller);
	return true;
}

void
commands_forget(CommandList *list)
{
	MemoryContextReset(list->context);
	list->items = NULL;
	list->count = list->capacity = 0;
}

static void
cancel_all(const WorkflowCommand *commands, int count)
{
	int64	   *executions = palloc(Max(1, count) * sizeof(int64));
	int			n = 0;

	for (int i = 0; i < count; i++)
	{
		if (command_is(&commands[i], "cancel"))
			executions[n++] = commands[i].execution_id;
	}
	if (n > 0)
		queue_apply_cancels(executions, n);
}

void
commands_apply(const WorkflowCommand *commands, int count, StepEnd *ends, int nends, Chain *chain)
{
	WorkflowCommand *others = palloc(Max(1, count) * sizeof(WorkflowCommand));
	int			nothers = 0;

	cancel_all(commands, count);
	for (int i = 0; i < count; i++)
	{
		if (command_is(&commands[i], "pause"))
			queue_pause(&commands[i]);
		else if (command_is(&commands[i], "resume"))
			queue_resume(&commands[i]);
		if (!command_is(&commands[i], "cancel"))
			others[nothers++] = commands[i];
	}
	workflow_advance(ends, nends, others, nothers, chain);
}

void
commands_refuse(const WorkflowCommand *command, const char *why)
{
	if (command->is_expiry)
		queue_withdraw_approval(command);
	else
		queue_refuse_command(command, why);
}
