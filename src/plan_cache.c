/*
 * plan_cache.c
 *		Plans that have been read, kept for the executions that share them.
 *
 * Versions of workflows never change, so a plan is right as long as it is kept. The
 * cache belongs to its process. It is bounded: what nobody holds goes when there
 * are too many, the least recently used first.
 *
 * A session may outlive the extension: one that is created again counts its ids from
 * 1 again, so a plan is found by its table, too.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "plan_cache.h"

#define MAX_KEPT	256

typedef struct CacheKey
{
	int64		key;
	int64		relation;		/* as wide as the other: no byte between them is left to chance */
} CacheKey;

typedef struct CacheEntry
{
	CacheKey	key;			/* hash key */
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
		control.keysize = sizeof(CacheKey);
		control.entrysize = sizeof(CacheEntry);
		control.hcxt = TopMemoryContext;
		cache = hash_create("agent_studio plans", MAX_KEPT, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	return cache;
}

static Oid
current_relation(void)
{
	return get_relname_relid("workflow_versions", get_namespace_oid("agent_studio", true));
}

SharedPlan *
plan_cache_find(int64 key)
{
	CacheKey	wanted = {key, current_relation()};
	CacheEntry *entry = hash_search(the_cache(), &wanted, HASH_FIND, NULL);

	if (entry == NULL)
		return NULL;
	entry->cached->references++;
	entry->cached->used_at = ++uses;
	return entry->cached;
}

static void
forget(SharedPlan *cached)
{
	CacheKey	key = {cached->key, cached->relation};

	hash_search(cache, &key, HASH_REMOVE, NULL);
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
	CacheKey	kept_as = {key, current_relation()};
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
	cached->relation = (Oid) kept_as.relation;
	cached->references = 1;
	cached->used_at = ++uses;
	cached->plan = plan;
	entry = hash_search(the_cache(), &kept_as, HASH_ENTER, &found);
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
