/*
 * rows.h
 *		Rows of one of our tables, written and found by key without a statement.
 *
 * For what every step costs. A statement of a thousand rows spends most of its time on
 * carrying values from array to tuple to slot and back; what is left here is what
 * PostgreSQL's own logical replication does to a table: indexes, constraints, triggers for each
 * row (not for statements), as everywhere else.
 *
 * A table is open within a transaction, and sees what that has written before the table
 * was opened, not what it writes itself. Everything lives in a memory context of its
 * own, until it is closed; all may throw, and the transaction is then given up as a whole.
 */
#ifndef AS_ROWS_H
#define AS_ROWS_H

#include "postgres.h"

#include "batch.h"

typedef struct Rows Rows;

/* A table of the schema agent_studio, its columns in the order of names. */
extern Rows *rows_open(const char *table, const char *const *columns, int ncolumns);
extern void rows_close(Rows *rows);

/* All rows of a batch, whose columns are those of rows_open. What is not among them has its default. */
extern void rows_insert(Rows *rows, const Batch *batch);

/*
 * The first row with these first columns of the primary key, and the next one, in the order of the
 * key; false = there is none. nkeys is always the same. rows_value is its value of a column of rows_open,
 * or what that is to become; it lasts until the row is written or another one is looked for.
 */
extern bool rows_find(Rows *rows, const Datum *key, int nkeys);
extern bool rows_next(Rows *rows);
extern Datum rows_value(const Rows *rows, int column, bool *isnull);

/* The row that was found, with new values for some columns. */
extern void rows_set(Rows *rows, int column, Datum value);
extern void rows_set_null(Rows *rows, int column);
extern void rows_update(Rows *rows);
extern void rows_delete(Rows *rows);

/* Writes a table's batch, if there is anything in it. */
extern void rows_insert_batch(const char *table, const char *const *columns, const Batch *batch);

#endif							/* AS_ROWS_H */
