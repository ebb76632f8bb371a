/*
 * plan_cache.h
 *		Plans that have been read, kept for the executions that share them.
 */
#ifndef AS_PLAN_CACHE_H
#define AS_PLAN_CACHE_H

#include "postgres.h"

#include "plan.h"

typedef struct SharedPlan
{
	int64		key;			/* > 0: workflow_version_id; < 0: minus execution_id, a plan of its own */
	Oid			relation;		/* the table whose ids these are */
	int			references;
	uint64		used_at;		/* for the eviction of what was not used for long */
	WorkflowPlan *plan;
} SharedPlan;

/* Which plan an execution has; 0 = none, it is a task that runs once. */
static inline int64
plan_cache_key(int64 workflow_version_id, bool has_own_plan, int64 execution_id)
{
	return has_own_plan ? -execution_id : workflow_version_id;
}

/*
 * The plan under that key, with one reference more; NULL where it has not been
 * read yet.
 */
extern SharedPlan *plan_cache_find(int64 key);

/*
 * Reads a definition and keeps it; with one reference. Raises an error if it is not
 * valid, which a definition in the tables always is.
 */
extern SharedPlan *plan_cache_add(int64 key, const char *definition);

/* A plan lives as long as somebody holds a reference. NULL is allowed. */
extern void plan_cache_release(SharedPlan *cached);

#endif							/* AS_PLAN_CACHE_H */
