/*
 * prompt.h
 *		What is put before the model: instructions, the task, its context.
 */
#ifndef AS_PROMPT_H
#define AS_PROMPT_H

#include "postgres.h"

/* Both palloc'd; the first is NULL when there is nothing to say. */
extern char *prompt_system(const char *system_prompt, bool progress_lines);
extern char *prompt_user(const char *task, const char *context);

#endif							/* AS_PROMPT_H */
