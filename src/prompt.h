/*
 * prompt.h
 *		What is put before the model: instructions, the task, its context, its form.
 */
#ifndef AS_PROMPT_H
#define AS_PROMPT_H

#include "postgres.h"

/*
 * Both palloc'd; the first is NULL when there is nothing to say. phases, which may be
 * NULL, are named only where progress lines are wanted.
 */
extern char *prompt_system(const char *system_prompt, bool progress_lines, const char *phases);

/* context, instructions on the form, and a JSON Schema to be told may be NULL. */
extern char *prompt_user(const char *task, const char *context, const char *form, const char *schema);

#endif							/* AS_PROMPT_H */
