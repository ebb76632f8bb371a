/*
 * rows.c
 *		Rows of one of our tables, written and found by key without a statement.
 *
 * The same calls with which a subscriber applies what was published
 * (ExecSimpleRelationInsert and its like). Where no trigger wants to see each row, rows
 * are put on their pages together, as COPY does: one record of WAL for a page of them.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/nodeModifyTable.h"
#include "nodes/makefuncs.h"
#include "rewrite/rewriteHandler.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "rows.h"

#define TOGETHER		500		/* rows that are put on their pages at once */
#define TOGETHER_BYTES	(256 * 1024)

struct Rows
{
	MemoryContext context;
	Relation	relation;
	EState	   *estate;
	ResultRelInfo *result;
	EPQState	epq;
	int			ncolumns;
	AttrNumber *attributes;		/* of the columns */
	ExprState **defaults;		/* by attribute - 1; NULL = NULL */
	TupleTableSlot *slots[TOGETHER];	/* those not needed yet are NULL */

	/* The row that was found, and what it is to become. */
	Relation	key;
	IndexScanDesc scan;
	TupleTableSlot *found;
	TupleTableSlot *changed;
	bool		is_changed;
};

/* ---------- opening and closing ---------- */

static void
make_executor(Rows *rows)
{
	RangeTblEntry *entry = makeNode(RangeTblEntry);

	rows->estate = CreateExecutorState();
	entry->rtekind = RTE_RELATION;
	entry->relid = RelationGetRelid(rows->relation);
	entry->relkind = rows->relation->rd_rel->relkind;
	entry->rellockmode = RowExclusiveLock;
	compat_init_range_table(rows->estate, entry);
	rows->result = makeNode(ResultRelInfo);
	InitResultRelInfo(rows->result, rows->relation, 1, NULL, 0);
	rows->estate->es_output_cid = GetCurrentCommandId(true);
	rows->estate->es_snapshot = GetActiveSnapshot();
	compat_init_recheck(&rows->epq, rows->estate);
	ExecOpenIndices(rows->result, false);
}

/* As if an UPDATE named all columns: triggers of some columns, and indexes, go by that. */
static void
name_columns(Rows *rows)
{
	Bitmapset  *named = NULL;

	for (int i = 0; i < rows->ncolumns; i++)
		named = bms_add_member(named, rows->attributes[i] - FirstLowInvalidHeapAttributeNumber);
	compat_set_updated_columns(rows->estate, named);
}

/* What a column has that nobody gives: identities among them. */
static void
prepare_defaults(Rows *rows)
{
	TupleDesc	descriptor = RelationGetDescr(rows->relation);
	bool	   *given = palloc0(descriptor->natts * sizeof(bool));

	rows->defaults = palloc0(descriptor->natts * sizeof(ExprState *));
	for (int i = 0; i < rows->ncolumns; i++)
		given[rows->attributes[i] - 1] = true;
	for (int i = 0; i < descriptor->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(descriptor, i);
		Node	   *value;

		if (given[i] || attribute->attisdropped || attribute->attgenerated != '\0')
			continue;
		value = build_column_default(rows->relation, i + 1);
		if (value != NULL)
			rows->defaults[i] = ExecPrepareExpr((Expr *) value, rows->estate);
	}
}

Rows *
rows_open(const char *table, const char *const *columns, int ncolumns)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "agent_studio rows", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	Rows	   *rows = palloc0(sizeof(Rows));
	RangeVar   *name = makeRangeVar("agent_studio", unconstify(char *, table), -1);

	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	rows->context = context;
	rows->relation = table_openrv(name, RowExclusiveLock);
	make_executor(rows);
	rows->ncolumns = ncolumns;
	rows->attributes = palloc(ncolumns * sizeof(AttrNumber));
	for (int i = 0; i < ncolumns; i++)
	{
		rows->attributes[i] = get_attnum(RelationGetRelid(rows->relation), columns[i]);
		if (rows->attributes[i] == InvalidAttrNumber)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("column \"%s\" of table agent_studio.%s does not exist", columns[i], table)));
	}
	name_columns(rows);
	AfterTriggerBeginQuery();
	MemoryContextSwitchTo(caller);
	return rows;
}

static void
close_key(Rows *rows)
{
	if (rows->key == NULL)
		return;
	index_endscan(rows->scan);
	index_close(rows->key, AccessShareLock);
}

void
rows_close(Rows *rows)
{
	MemoryContext caller = MemoryContextSwitchTo(rows->context);

	AfterTriggerEndQuery(rows->estate);
	close_key(rows);
	EvalPlanQualEnd(&rows->epq);
	ExecCloseIndices(rows->result);
	ExecResetTupleTable(rows->estate->es_tupleTable, false);
	ExecCloseResultRelations(rows->estate);
	FreeExecutorState(rows->estate);
	table_close(rows->relation, NoLock);
	PopActiveSnapshot();
	CommandCounterIncrement();
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(rows->context);
}

/* ---------- inserting ---------- */

static TupleTableSlot *
slot_for(Rows *rows, int i)
{
	if (rows->slots[i] == NULL)
		rows->slots[i] = ExecInitExtraTupleSlot(rows->estate, RelationGetDescr(rows->relation),
												table_slot_callbacks(rows->relation));
	return rows->slots[i];
}

/* The size of its texts, roughly. */
static size_t
fill_slot(Rows *rows, TupleTableSlot *slot, const Batch *batch, int row)
{
	int			natts = RelationGetDescr(rows->relation)->natts;
	ExprContext *context = GetPerTupleExprContext(rows->estate);
	size_t		size = 0;

	ExecClearTuple(slot);
	for (int i = 0; i < natts; i++)
	{
		slot->tts_isnull[i] = true;
		slot->tts_values[i] = (Datum) 0;
		if (rows->defaults[i] != NULL)
			slot->tts_values[i] = ExecEvalExpr(rows->defaults[i], context, &slot->tts_isnull[i]);
	}
	for (int i = 0; i < rows->ncolumns; i++)
	{
		int			at = rows->attributes[i] - 1;

		slot->tts_values[at] = batch->values[i][row];
		slot->tts_isnull[at] = batch->nulls[i][row];
		if (!batch->nulls[i][row] && TupleDescAttr(slot->tts_tupleDescriptor, at)->attlen == -1)
			size += VARSIZE_ANY(DatumGetPointer(batch->values[i][row]));
	}
	ExecStoreVirtualTuple(slot);
	return size;
}

/* Rows that a trigger wants to see. */
static void
insert_one(Rows *rows, TupleTableSlot *slot)
{
	ExecSimpleRelationInsert(rows->result, rows->estate, slot);
}

static void
insert_together(Rows *rows, int n, BulkInsertState bulk)
{
	MemoryContext caller;

	if (n == 0)
		return;
	/* What toasting and the page allocate goes with the batch. */
	caller = MemoryContextSwitchTo(GetPerTupleMemoryContext(rows->estate));
	table_multi_insert(rows->relation, rows->slots, n, rows->estate->es_output_cid, 0, bulk);
	MemoryContextSwitchTo(caller);
	for (int i = 0; i < n; i++)
	{
		if (rows->result->ri_NumIndices > 0)
			list_free(compat_insert_index_tuples(rows->result, rows->slots[i], rows->estate));
		ExecClearTuple(rows->slots[i]);
	}
	ResetPerTupleExprContext(rows->estate);
}

static void
fulfil_constraints(Rows *rows, TupleTableSlot *slot)
{
	const TupleConstr *constraints = RelationGetDescr(rows->relation)->constr;

	slot->tts_tableOid = RelationGetRelid(rows->relation);
	if (constraints == NULL)
		return;
	if (constraints->has_generated_stored)
		ExecComputeStoredGenerated(rows->result, rows->estate, slot, CMD_INSERT);
	ExecConstraints(rows->result, slot, rows->estate);
}

static void
insert_batch_together(Rows *rows, const Batch *batch)
{
	BulkInsertState bulk = GetBulkInsertState();
	size_t		bytes = 0;
	int			n = 0;

	for (int i = 0; i < batch->nrows; i++)
	{
		TupleTableSlot *slot = slot_for(rows, n);

		bytes += fill_slot(rows, slot, batch, i);
		fulfil_constraints(rows, slot);
		n++;
		if (n < TOGETHER && bytes < TOGETHER_BYTES)
			continue;
		insert_together(rows, n, bulk);
		n = 0;
		bytes = 0;
	}
	insert_together(rows, n, bulk);
	FreeBulkInsertState(bulk);
}

void
rows_insert(Rows *rows, const Batch *batch)
{
	MemoryContext caller = MemoryContextSwitchTo(rows->context);

	Assert(batch->ncolumns == rows->ncolumns);
	if (rows->defaults == NULL)
		prepare_defaults(rows);
	if (rows->result->ri_TrigDesc == NULL)
		insert_batch_together(rows, batch);
	else
	{
		for (int i = 0; i < batch->nrows; i++)
		{
			fill_slot(rows, slot_for(rows, 0), batch, i);
			insert_one(rows, rows->slots[0]);
			ResetPerTupleExprContext(rows->estate);
		}
	}
	MemoryContextSwitchTo(caller);
}

void
rows_insert_batch(const char *table, const char *const *columns, const Batch *batch)
{
	Rows	   *rows;

	if (batch->nrows == 0)
		return;
	rows = rows_open(table, columns, batch->ncolumns);
	rows_insert(rows, batch);
	rows_close(rows);
}

/* ---------- finding ---------- */

static void
open_key(Rows *rows, int nkeys)
{
	Oid			index = compat_primary_key(rows->relation);

	if (!OidIsValid(index))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("table \"%s\" has no primary key", RelationGetRelationName(rows->relation))));
	rows->key = index_open(index, AccessShareLock);
	rows->scan = compat_index_beginscan(rows->relation, rows->key, GetActiveSnapshot(), nkeys);
	rows->found = ExecInitExtraTupleSlot(rows->estate, RelationGetDescr(rows->relation), table_slot_callbacks(rows->relation));
	rows->changed = ExecInitExtraTupleSlot(rows->estate, RelationGetDescr(rows->relation), table_slot_callbacks(rows->relation));
}

/* Keys of ours are bigint and integer. */
static void
set_key(const Rows *rows, ScanKey keys, const Datum *values, int nkeys)
{
	for (int i = 0; i < nkeys; i++)
	{
		Oid			type = TupleDescAttr(RelationGetDescr(rows->key), i)->atttypid;
		RegProcedure equal = type == INT8OID ? F_INT8EQ : F_INT4EQ;

		Assert(type == INT8OID || type == INT4OID);
		ScanKeyInit(&keys[i], i + 1, BTEqualStrategyNumber, equal, values[i]);
	}
}

bool
rows_find(Rows *rows, const Datum *key, int nkeys)
{
	MemoryContext caller = MemoryContextSwitchTo(rows->context);
	ScanKeyData keys[INDEX_MAX_KEYS];
	bool		found;

	if (rows->key == NULL)
		open_key(rows, nkeys);
	set_key(rows, keys, key, nkeys);
	index_rescan(rows->scan, keys, nkeys, NULL, 0);
	found = rows_next(rows);
	MemoryContextSwitchTo(caller);
	return found;
}

bool
rows_next(Rows *rows)
{
	rows->is_changed = false;
	return index_getnext_slot(rows->scan, ForwardScanDirection, rows->found);
}

Datum
rows_value(const Rows *rows, int column, bool *isnull)
{
	return slot_getattr(rows->is_changed ? rows->changed : rows->found, rows->attributes[column], isnull);
}

/* ---------- changing ---------- */

static void
begin_change(Rows *rows)
{
	int			natts = RelationGetDescr(rows->relation)->natts;

	if (rows->is_changed)
		return;
	slot_getallattrs(rows->found);
	ExecClearTuple(rows->changed);
	memcpy(rows->changed->tts_values, rows->found->tts_values, natts * sizeof(Datum));
	memcpy(rows->changed->tts_isnull, rows->found->tts_isnull, natts * sizeof(bool));
	ExecStoreVirtualTuple(rows->changed);
	rows->is_changed = true;
}

void
rows_set(Rows *rows, int column, Datum value)
{
	begin_change(rows);
	rows->changed->tts_values[rows->attributes[column] - 1] = value;
	rows->changed->tts_isnull[rows->attributes[column] - 1] = false;
}

void
rows_set_null(Rows *rows, int column)
{
	begin_change(rows);
	rows->changed->tts_values[rows->attributes[column] - 1] = (Datum) 0;
	rows->changed->tts_isnull[rows->attributes[column] - 1] = true;
}

/* A trigger of somebody's, for another row, may have changed it since it was found. PostgreSQL would take that for a passing state. */
static void
require_unchanged(const Rows *rows)
{
	HeapTupleHeader header = ExecFetchSlotHeapTuple(rows->found, false, NULL)->t_data;

	if ((header->t_infomask & HEAP_XMAX_INVALID) == 0 && !HEAP_XMAX_IS_LOCKED_ONLY(header->t_infomask) &&
		TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetUpdateXid(header)))
		elog(ERROR, "a trigger has changed a row of table \"%s\" that was to be written", RelationGetRelationName(rows->relation));
}

/*
 * A trigger before the change is given the newest version of a row, which PostgreSQL
 * would look for by a plan, and there is none. So the version that was found is locked: it
 * is the newest then. The words are those for changes without such a trigger.
 */
static void
lock_for_trigger(Rows *rows)
{
	TM_FailureData failure;
	TM_Result	result = table_tuple_lock(rows->relation, &rows->found->tts_tid, rows->estate->es_snapshot, rows->found,
										  rows->estate->es_output_cid, LockTupleNoKeyExclusive, LockWaitBlock, 0, &failure);

	if (result != TM_Ok)
		elog(ERROR, result == TM_Deleted ? "tuple concurrently deleted" : "tuple concurrently updated");
}

/* Half a change would be worse than none. */
static void
refused_by_trigger(const Rows *rows)
{
	ereport(ERROR,
			(errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
			 errmsg("a trigger keeps a row of agent_studio.%s from being changed", RelationGetRelationName(rows->relation)),
			 errhint("Triggers before changes of these tables must return a row.")));
}

static bool
is_still_there(Rows *rows)
{
	ItemPointerData at = rows->found->tts_tid;

	return table_tuple_fetch_row_version(rows->relation, &at, SnapshotSelf, rows->changed);
}

void
rows_update(Rows *rows)
{
	MemoryContext caller = MemoryContextSwitchTo(rows->context);
	const TriggerDesc *triggers = rows->result->ri_TrigDesc;

	begin_change(rows);
	require_unchanged(rows);
	if (triggers != NULL && triggers->trig_update_before_row)
		lock_for_trigger(rows);
	EvalPlanQualSetSlot(&rows->epq, rows->changed);
	ExecSimpleRelationUpdate(rows->result, rows->estate, &rows->epq, rows->found, rows->changed);
	if (!ItemPointerIsValid(&rows->changed->tts_tid))
		refused_by_trigger(rows);
	ExecClearTuple(rows->changed);
	rows->is_changed = false;
	ResetPerTupleExprContext(rows->estate);
	MemoryContextSwitchTo(caller);
}

void
rows_delete(Rows *rows)
{
	MemoryContext caller = MemoryContextSwitchTo(rows->context);
	const TriggerDesc *triggers = rows->result->ri_TrigDesc;

	require_unchanged(rows);
	if (triggers != NULL && triggers->trig_delete_before_row)
		lock_for_trigger(rows);
	EvalPlanQualSetSlot(&rows->epq, rows->found);
	ExecSimpleRelationDelete(rows->result, rows->estate, &rows->epq, rows->found);
	if (triggers != NULL && triggers->trig_delete_before_row && is_still_there(rows))
		refused_by_trigger(rows);
	ResetPerTupleExprContext(rows->estate);
	MemoryContextSwitchTo(caller);
}
