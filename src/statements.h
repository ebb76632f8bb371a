/*
 * statements.h
 *		Every SQL statement of the executor, by name.
 */
#ifndef AS_STATEMENTS_H
#define AS_STATEMENTS_H

#include "postgres.h"

#include "executor/spi.h"

typedef enum Statement
{
	STATEMENT_BEGIN_EPOCH,
	STATEMENT_END_EPOCH,
	STATEMENT_RECENT_CRASHES,
	STATEMENT_RECOVER,
	STATEMENT_PENDING_COMMANDS,
	STATEMENT_APPLY_CANCEL,
	STATEMENT_RELEASE_DUE,
	STATEMENT_NEXT_DUE,
	STATEMENT_RECENT_SENDS,
	STATEMENT_BLOCKED_MODELS,
	STATEMENT_REROUTE,
	STATEMENT_CLAIM,
	STATEMENT_WRITE_RESULTS,
	STATEMENT_FAIL_UNWRITABLE,
	STATEMENT_WRITE_THOUGHTS,
	STATEMENT_WRITE_NOTICES,
	STATEMENT_WRITE_HEADROOM,
	STATEMENT_WRITE_LOGS,
	STATEMENT_COUNT
} Statement;

/*
 * Runs a statement in the current transaction, connected to SPI; its rows are in
 * SPI_tuptable. Plans are kept for the life of the process and are generic: the
 * executor's settings (see executor_settings) make them index scans whatever the
 * size of the tables was when they were made.
 */
extern void statement_run(Statement statement, Datum *args, const char *nulls);

#endif							/* AS_STATEMENTS_H */
