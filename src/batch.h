/*
 * batch.h
 *		Rows gathered in memory, to be written by one statement with array parameters.
 *
 * A batch lives in the memory context that was current at batch_create, and so do
 * the values put into it, which it does not copy.
 */
#ifndef AS_BATCH_H
#define AS_BATCH_H

#include "postgres.h"

#include "datatype/timestamp.h"

#define BATCH_MAX_COLUMNS 38

typedef struct Batch
{
	int			ncolumns;
	int			nrows;
	int			capacity;
	MemoryContext context;		/* where it was created; its texts go there, too */
	Oid			types[BATCH_MAX_COLUMNS];
	Datum	   *values[BATCH_MAX_COLUMNS];
	bool	   *nulls[BATCH_MAX_COLUMNS];
} Batch;

extern Batch *batch_create(const Oid *types, int ncolumns);

/* Begins a row in which every column is NULL. */
extern void batch_row(Batch *batch);

/* Sets a column of the row begun last. */
extern void batch_set(Batch *batch, int column, Datum value);
extern void batch_text(Batch *batch, int column, const char *text);	/* NULL or "": stays NULL */
extern void batch_text_len(Batch *batch, int column, const char *text, size_t len);
extern void batch_time(Batch *batch, int column, TimestampTz at);	/* 0: stays NULL */
extern void batch_count(Batch *batch, int column, int64 value);	/* negative: stays NULL */

/* One array for each column, in order. */
extern void batch_arrays(const Batch *batch, Datum *arrays);

/* A bigint[] of n values. */
extern Datum batch_int8_array(const int64 *values, int n);

#endif							/* AS_BATCH_H */
