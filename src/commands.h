/*
 * commands.h
 *		What people want done to executions, from the moment the executor has seen it.
 *
 * A command is found by the turn that also claims, and applied by the turn that
 * writes results; in between it is remembered here. Losing the memory loses
 * nothing: its row stays pending.
 */
#ifndef AS_COMMANDS_H
#define AS_COMMANDS_H

#include "postgres.h"

#include "workflow.h"

typedef struct CommandList
{
	MemoryContext context;		/* the commands' texts */
	WorkflowCommand *items;
	int			count;
	int			capacity;
} CommandList;

extern void commands_init(CommandList *list);

/* Copies it; false if it is there already. */
extern bool commands_remember(CommandList *list, const WorkflowCommand *command);

/* After they were written. */
extern void commands_forget(CommandList *list);

/*
 * Applies commands in the current transaction, connected to SPI, together with the
 * ends of steps that were written in it.
 */
extern void commands_apply(const WorkflowCommand *commands, int count, StepEnd *ends, int nends, Chain *chain);

/* One that cannot be applied is not tried again and again. */
extern void commands_refuse(const WorkflowCommand *command, const char *why);

static inline bool
command_is(const WorkflowCommand *command, const char *wanted)
{
	return strcmp(command->wanted, wanted) == 0;
}

#endif							/* AS_COMMANDS_H */
