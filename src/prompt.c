/*
 * prompt.c
 *		What is put before the model: instructions, the task, its context.
 */
#include "postgres.h"

#include "prompt.h"
#include "thoughts.h"

static const char progress_instructions[] =
"While you work, say from time to time what you are doing: write a line of its own that begins with \""
PROGRESS_MARK "\", followed by a few words. These lines are shown to the reader as progress and are not part of "
"your answer. Never write them inside code.";

char *
prompt_system(const char *system_prompt, bool progress_lines)
{
	if (!progress_lines)
		return system_prompt ? pstrdup(system_prompt) : NULL;
	if (system_prompt == NULL)
		return pstrdup(progress_instructions);
	return psprintf("%s\n\n%s", system_prompt, progress_instructions);
}

char *
prompt_user(const char *task, const char *context)
{
	if (context == NULL)
		return pstrdup(task);
	return psprintf("%s\n\nContext:\n```json\n%s\n```", task, context);
}
