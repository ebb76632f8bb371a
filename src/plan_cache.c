/*
 * plan_cache.c
 *		Plans that have been read, kept for the executions that share them.
 *
 * Versions of workflows never change, so a plan is right as long as it is kept. The
 * cache belongs to its process. It is bounded: what nobody holds goes when there
 * are too many, the least recently used first.
 */
#include "postgres.h"

#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "plan_cache.h"

#define MAX_KEPT	256

typedef struct CacheEntry
{
	int64		key;			/* hash key */
	SharedPlan *cached;
} CacheEntry;

static HTAB *cache = NULL;
static uint64 uses = 0;

static HTAB *
the_cache(void)
{
	HASHCTL		control;

	if (cache == NULL)
	{
		control.keysize = sizeof(int64);
		control.entrysize = sizeof(CacheEntry);
		control.hcxt = TopMemoryContext;
		cache = hash_create("agent_studio plans", MAX_KEPT, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	return cache;
}

SharedPlan *
plan_cache_find(int64 key)
{
	CacheEntry *entry = hash_search(the_cache(), &key, HASH_FIND, NULL);

	if (entry == NULL)
		return NULL;
	entry->cached->references++;
	entry->cached->used_at = ++uses;
	return entry->cached;
}

static void
forget(SharedPlan *cached)
{
	hash_search(cache, &cached->key, HASH_REMOVE, NULL);
	plan_free(cached->plan);
	pfree(cached);
}

static void
make_room(void)
{
	HASH_SEQ_STATUS status;
	CacheEntry *entry;
	SharedPlan *oldest = NULL;

	if (hash_get_num_entries(the_cache()) < MAX_KEPT)
		return;
	hash_seq_init(&status, cache);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		SharedPlan *cached = entry->cached;

		if (cached->references == 0 && (oldest == NULL || cached->used_at < oldest->used_at))
			oldest = cached;
	}
	if (oldest != NULL)
		forget(oldest);
}

typedef struct Problems
{
	char		first[256];
	int			count;
} Problems;

static void
note_problem(void *arg, const char *step, const char *problem, const char *hint)
{
	Problems   *problems = arg;

	if (problems->count++ == 0)
		snprintf(problems->first, sizeof(problems->first), "%s%s%s", step ? step : "", step ? ": " : "", problem);
}

SharedPlan *
plan_cache_add(int64 key, const char *definition)
{
	Problems	problems = {"", 0};
	SharedPlan *cached;
	CacheEntry *entry;
	WorkflowPlan *plan;
	bool		found;

	make_room();
	cached = MemoryContextAllocZero(TopMemoryContext, sizeof(SharedPlan));
	plan = plan_read(definition, strlen(definition), note_problem, &problems);
	if (plan == NULL)
	{
		pfree(cached);
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("the definition of the workflow cannot be read: %s",
						problems.count > 0 ? problems.first : "out of memory")));
	}
	cached->key = key;
	cached->references = 1;
	cached->used_at = ++uses;
	cached->plan = plan;
	entry = hash_search(the_cache(), &key, HASH_ENTER, &found);
	Assert(!found);
	entry->cached = cached;
	return cached;
}

void
plan_cache_release(SharedPlan *cached)
{
	if (cached == NULL)
		return;
	Assert(cached->references > 0);
	cached->references--;

	/* Plans of single executions are rarely asked for again. */
	if (cached->references == 0 && cached->key < 0)
		forget(cached);
}
