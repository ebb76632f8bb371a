/*
 * compat.h
 *		The differences between PostgreSQL 15 and 18 that concern us, in one place.
 */
#ifndef AS_COMPAT_H
#define AS_COMPAT_H

#include "postgres.h"

#include "access/genam.h"
#include "catalog/pg_database.h"
#include "catalog/pg_foreign_server.h"
#include "executor/executor.h"
#include "parser/parse_relation.h"
#include "storage/proc.h"
#include "utils/acl.h"
#include "utils/relcache.h"

#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

#if PG_VERSION_NUM < 150000
#error "agent_studio needs PostgreSQL 15 or newer"
#endif

/* Which process: an index into ProcGlobal->allProcs, never a pointer. */
static inline int
compat_my_proc_number(void)
{
#if PG_VERSION_NUM >= 170000
	return MyProcNumber;
#else
	return MyProc->pgprocno;
#endif
}

static inline AclResult
compat_server_aclcheck(Oid serverid, Oid roleid)
{
#if PG_VERSION_NUM >= 160000
	return object_aclcheck(ForeignServerRelationId, serverid, roleid, ACL_USAGE);
#else
	return pg_foreign_server_aclcheck(serverid, roleid, ACL_USAGE);
#endif
}

static inline bool
compat_owns_database(Oid dboid, Oid roleid)
{
#if PG_VERSION_NUM >= 160000
	return object_ownercheck(DatabaseRelationId, dboid, roleid);
#else
	return pg_database_ownercheck(dboid, roleid);
#endif
}

/* In front of a declaration; 18 has it, and no pg_attribute_noreturn() any more. */
#ifndef pg_noreturn
#define pg_noreturn	pg_attribute_noreturn()
#endif

#if PG_VERSION_NUM >= 180000
#define compat_create_wait_set(n)	CreateWaitEventSet(NULL, (n))
#elif PG_VERSION_NUM >= 170000
#define compat_create_wait_set(n)	CreateWaitEventSet(CurrentResourceOwner, (n))
#else
#define compat_create_wait_set(n)	CreateWaitEventSet(TopMemoryContext, (n))
#endif

/* One table, for an executor without a plan. */
static inline void
compat_init_range_table(EState *estate, RangeTblEntry *entry)
{
#if PG_VERSION_NUM >= 160000
	List	   *permissions = NIL;

	addRTEPermissionInfo(&permissions, entry);
#endif
#if PG_VERSION_NUM >= 180000
	ExecInitRangeTable(estate, list_make1(entry), permissions, bms_make_singleton(1));
#elif PG_VERSION_NUM >= 160000
	ExecInitRangeTable(estate, list_make1(entry), permissions);
#else
	ExecInitRangeTable(estate, list_make1(entry));
#endif
}

/* Which of the table's columns are updated, less FirstLowInvalidHeapAttributeNumber: triggers may want only some. */
static inline void
compat_set_updated_columns(EState *estate, Bitmapset *columns)
{
#if PG_VERSION_NUM >= 160000
	linitial_node(RTEPermissionInfo, estate->es_rteperminfos)->updatedCols = columns;
#else
	exec_rt_fetch(1, estate)->updatedCols = columns;
#endif
}

static inline void
compat_init_recheck(EPQState *epq, EState *estate)
{
#if PG_VERSION_NUM >= 160000
	EvalPlanQualInit(epq, estate, NULL, NIL, -1, NIL);
#else
	EvalPlanQualInit(epq, estate, NULL, NIL, -1);
#endif
}

static inline List *
compat_insert_index_tuples(ResultRelInfo *result, TupleTableSlot *slot, EState *estate)
{
#if PG_VERSION_NUM >= 160000
	return ExecInsertIndexTuples(result, slot, estate, false, false, NULL, NIL, false);
#else
	return ExecInsertIndexTuples(result, slot, estate, false, false, NULL, NIL);
#endif
}

static inline Oid
compat_primary_key(Relation relation)
{
#if PG_VERSION_NUM >= 180000
	return RelationGetPrimaryKeyIndex(relation, false);
#else
	return RelationGetPrimaryKeyIndex(relation);
#endif
}

static inline IndexScanDesc
compat_index_beginscan(Relation table, Relation index, Snapshot snapshot, int nkeys)
{
#if PG_VERSION_NUM >= 180000
	return index_beginscan(table, index, snapshot, NULL, nkeys, 0);
#else
	return index_beginscan(table, index, snapshot, nkeys, 0);
#endif
}

/* For those who include access/brin_revmap.h. The tuple's buffer is locked, NULL = there is none. */
#if PG_VERSION_NUM >= 170000
#define compat_brin_open(index, range_pages)	brinRevmapInitialize((index), (range_pages))
#define compat_brin_tuple(revmap, block, buffer, offset)	\
	brinGetTupleForHeapBlock((revmap), (block), (buffer), (offset), NULL, BUFFER_LOCK_SHARE)
#else
#define compat_brin_open(index, range_pages)	brinRevmapInitialize((index), (range_pages), GetActiveSnapshot())
#define compat_brin_tuple(revmap, block, buffer, offset)	\
	brinGetTupleForHeapBlock((revmap), (block), (buffer), (offset), NULL, BUFFER_LOCK_SHARE, GetActiveSnapshot())
#endif

#endif							/* AS_COMPAT_H */
