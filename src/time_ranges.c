/*
 * time_ranges.c
 *		Mends the index by which attempts are found by their times.
 *
 * It is a BRIN index, which knows of each 16 pages when the earliest and the latest
 * attempt on them was. What makes these summaries is mostly the autovacuum, which is
 * canceled when somebody wants a lock that it has; it then leaves a range that says
 * "somebody is about to summarize me" for ever. PostgreSQL takes every range that a
 * scan comes to after such a one for another, so that the attempts of the last minute
 * are looked for in most of the table. Nothing but REINDEX would end that.
 */
#include "postgres.h"

#include "access/brin.h"
#include "access/brin_revmap.h"
#include "access/brin_tuple.h"
#include "access/genam.h"
#include "access/table.h"
#include "catalog/index.h"
#include "catalog/pg_am.h"
#include "fmgr.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/fmgrprotos.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "compat.h"

static bool
is_unfinished(BrinRevmap *revmap, BlockNumber block, Buffer *buffer)
{
	OffsetNumber offset;
	BrinTuple  *tuple = compat_brin_tuple(revmap, block, buffer, &offset);
	bool		unfinished = tuple != NULL && BrinTupleIsPlaceholder(tuple);

	if (tuple != NULL)
		LockBuffer(*buffer, BUFFER_LOCK_UNLOCK);
	return unfinished;
}

static void
summarize_again(Oid index, BlockNumber block)
{
	(void) DirectFunctionCall2(brin_desummarize_range, ObjectIdGetDatum(index), Int64GetDatum(block));
	(void) DirectFunctionCall2(brin_summarize_range, ObjectIdGetDatum(index), Int64GetDatum(block));
}

/* Whoever summarizes holds this lock: with it, what says so is not true any more. Nobody is waited for. */
static bool
lock_against_summaries(Relation heap)
{
	return ConditionalLockRelation(heap, ShareUpdateExclusiveLock);
}

static int
mend(Relation heap, Relation index)
{
	BlockNumber end = RelationGetNumberOfBlocks(heap);
	BlockNumber range_pages;
	BrinRevmap *revmap = compat_brin_open(index, &range_pages);
	Buffer		buffer = InvalidBuffer;
	int			mended = 0;

	for (BlockNumber block = 0; block < end; block += range_pages)
	{
		if (!is_unfinished(revmap, block, &buffer))
			continue;
		if (!lock_against_summaries(heap))
			break;
		summarize_again(RelationGetRelid(index), block);
		mended++;
	}
	if (BufferIsValid(buffer))
		ReleaseBuffer(buffer);
	brinRevmapTerminate(revmap);
	return mended;
}

/* Returns how many ranges were mended; the lock that this takes is kept until the end of the transaction. */
PG_FUNCTION_INFO_V1(agent_studio_mend_time_ranges);
Datum
agent_studio_mend_time_ranges(PG_FUNCTION_ARGS)
{
	Oid			oid = PG_GETARG_OID(0);
	Relation	heap = table_open(IndexGetRelation(oid, false), AccessShareLock);
	Relation	index = index_open(oid, AccessShareLock);
	int			mended;

	if (index->rd_rel->relam != BRIN_AM_OID)
		elog(ERROR, "index \"%s\" has no summaries", RelationGetRelationName(index));
	mended = mend(heap, index);
	index_close(index, AccessShareLock);
	table_close(heap, AccessShareLock);
	PG_RETURN_INT32(mended);
}
