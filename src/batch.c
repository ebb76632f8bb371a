/*
 * batch.c
 *		Rows gathered in memory, to be written by one statement with array parameters.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "batch.h"

Batch *
batch_create(const Oid *types, int ncolumns)
{
	Batch	   *batch = palloc0(sizeof(Batch));

	Assert(ncolumns <= BATCH_MAX_COLUMNS);
	batch->ncolumns = ncolumns;
	batch->capacity = 16;
	batch->context = CurrentMemoryContext;
	for (int i = 0; i < ncolumns; i++)
	{
		batch->types[i] = types[i];
		batch->values[i] = palloc(batch->capacity * sizeof(Datum));
		batch->nulls[i] = palloc(batch->capacity * sizeof(bool));
	}
	return batch;
}

/* The capacity is what every column has, should one of them find no memory. */
static void
grow(Batch *batch)
{
	int			capacity = batch->capacity * 2;

	for (int i = 0; i < batch->ncolumns; i++)
	{
		batch->values[i] = repalloc(batch->values[i], capacity * sizeof(Datum));
		batch->nulls[i] = repalloc(batch->nulls[i], capacity * sizeof(bool));
	}
	batch->capacity = capacity;
}

void
batch_row(Batch *batch)
{
	if (batch->nrows == batch->capacity)
		grow(batch);
	for (int i = 0; i < batch->ncolumns; i++)
	{
		batch->values[i][batch->nrows] = (Datum) 0;
		batch->nulls[i][batch->nrows] = true;
	}
	batch->nrows++;
}

void
batch_set(Batch *batch, int column, Datum value)
{
	Assert(column < batch->ncolumns && batch->nrows > 0);
	batch->values[column][batch->nrows - 1] = value;
	batch->nulls[column][batch->nrows - 1] = false;
}

void
batch_text(Batch *batch, int column, const char *text)
{
	if (text != NULL)
		batch_text_len(batch, column, text, strlen(text));
}

void
batch_text_len(Batch *batch, int column, const char *text, size_t len)
{
	MemoryContext caller;

	if (len == 0)
		return;
	caller = MemoryContextSwitchTo(batch->context);
	batch_set(batch, column, PointerGetDatum(cstring_to_text_with_len(text, (int) len)));
	MemoryContextSwitchTo(caller);
}

void
batch_time(Batch *batch, int column, TimestampTz at)
{
	if (at != 0)
		batch_set(batch, column, TimestampTzGetDatum(at));
}

void
batch_count(Batch *batch, int column, int64 value)
{
	if (value >= 0)
		batch_set(batch, column, Int64GetDatum(value));
}

void
batch_arrays(const Batch *batch, Datum *arrays)
{
	for (int i = 0; i < batch->ncolumns; i++)
	{
		int			dims[1] = {batch->nrows};
		int			lower[1] = {1};
		int16		typlen;
		bool		byval;
		char		align;

		get_typlenbyvalalign(batch->types[i], &typlen, &byval, &align);
		arrays[i] = PointerGetDatum(construct_md_array(batch->values[i], batch->nulls[i], 1, dims, lower,
													   batch->types[i], typlen, byval, align));
	}
}

Datum
batch_int8_array(const int64 *values, int n)
{
	Datum	   *items = palloc(Max(1, n) * sizeof(Datum));

	for (int i = 0; i < n; i++)
		items[i] = Int64GetDatum(values[i]);
	return PointerGetDatum(construct_array(items, n, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}
