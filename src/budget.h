/*
 * budget.h
 *		How much memory an executor's calls take, and what follows from it.
 */
#ifndef AS_BUDGET_H
#define AS_BUDGET_H

#include "postgres.h"

#include "executor.h"

/* Makes the allocator give large buffers back to the system; once. */
extern void budget_prepare_process(void);

/* After something has happened to a call; before it is freed. */
extern void budget_weigh(Executor *executor, Call *call);
extern void budget_forget(Executor *executor, Call *call);

/* Once a round: how much is to be read from now on. */
extern void budget_pace(Executor *executor);

/* Memory is short: what can be written is to be written at once. */
extern bool budget_is_short(const Executor *executor);

/* Expected tokens for which there is memory: see queue.tokens. */
extern int64 budget_tokens(const Executor *executor);

#endif							/* AS_BUDGET_H */
