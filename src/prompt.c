/*
 * prompt.c
 *		What is put before the model: instructions, the task, its context, its form.
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "prompt.h"
#include "thoughts.h"

static const char progress_instructions[] =
"While you work, say from time to time what you are doing: write a line of its own that begins with \""
PROGRESS_MARK "\", followed by a few words. These lines are shown to the reader as progress and are not part of "
"your answer. Never write them inside code.";

char *
prompt_system(const char *system_prompt, bool progress_lines, const char *phases)
{
	StringInfoData prompt;

	if (!progress_lines)
		return system_prompt ? pstrdup(system_prompt) : NULL;
	initStringInfo(&prompt);
	if (system_prompt != NULL)
		appendStringInfo(&prompt, "%s\n\n", system_prompt);
	appendStringInfoString(&prompt, progress_instructions);
	if (phases != NULL)
		appendStringInfo(&prompt, " Your work has these phases: %s. When one begins, say so in a line that begins with its name.", phases);
	return prompt.data;
}

char *
prompt_user(const char *task, const char *context, const char *form, const char *schema)
{
	StringInfoData prompt;

	initStringInfo(&prompt);
	appendStringInfoString(&prompt, task);
	if (context != NULL)
		appendStringInfo(&prompt, "\n\nContext:\n```json\n%s\n```", context);
	if (form != NULL)
		appendStringInfo(&prompt, "\n\n%s", form);
	if (schema != NULL)
		appendStringInfo(&prompt, "\n\nThe JSON must be valid against this JSON Schema:\n```json\n%s\n```", schema);
	return prompt.data;
}
