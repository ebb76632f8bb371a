/*
 * budget.c
 *		How much memory an executor's calls take, and what follows from it.
 *
 * agent_studio.max_memory bounds requests under way, answers that arrive, and what
 * waits to be written. Above it nothing is claimed, and answers are read one after
 * the other: the one that is read comes to its end, is written, and gives its
 * memory back. While something waits to be written, none is read at all: that is
 * what will give memory back. So it always goes on, however small the budget is.
 */
#include "postgres.h"

#include <malloc.h>

#include "utils/memutils.h"

#include "agent_studio.h"
#include "budget.h"

#define LARGE_BLOCK		(256 * 1024)
#define KEPT_FREE		(8 * 1024 * 1024)
#define TOKEN_BYTES		16		/* four of text, at most four times: claim, prompt,
								 * request, and room for it to grow */

void
budget_prepare_process(void)
{
#ifdef M_MMAP_THRESHOLD
	/* Fixed, or it grows with the largest block ever freed, and the heap keeps those. */
	(void) mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK);
	/* What a turn frees the next one takes again: not by way of the kernel. */
	(void) mallopt(M_TRIM_THRESHOLD, KEPT_FREE);
#endif
}

void
budget_weigh(Executor *executor, Call *call)
{
	int64		memory = call_memory(call);

	executor->memory += memory - call->memory;
	call->memory = memory;
}

void
budget_forget(Executor *executor, Call *call)
{
	executor->memory -= call->memory;
	call->memory = 0;
}

static int64
budget_left(const Executor *executor)
{
	return (int64) as_max_memory_kb * 1024 - executor->memory -
		(int64) MemoryContextMemAllocated(executor->journal->context, true);
}

/* It is over when an eighth is free again: each change of the pace costs something. */
bool
budget_is_short(const Executor *executor)
{
	int64		wanted = executor->reading == HTTP_READ_ALL ? 0 : (int64) as_max_memory_kb * 1024 / 8;

	return budget_left(executor) < wanted;
}

static HttpReading
wanted_reading(const Executor *executor)
{
	if (!budget_is_short(executor))
		return HTTP_READ_ALL;
	if (executor->nended > 0 || !journal_is_empty(executor->journal))
		return HTTP_READ_NONE;
	return HTTP_READ_ONE;
}

void
budget_pace(Executor *executor)
{
	executor->reading = wanted_reading(executor);
	http_set_reading(executor->http, executor->reading);
}

int64
budget_tokens(const Executor *executor)
{
	return budget_is_short(executor) ? 0 : Max(1, budget_left(executor) / TOKEN_BYTES);
}
