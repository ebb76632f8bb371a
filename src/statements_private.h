/*
 * statements_private.h
 *		What the files with the statements' texts share.
 */
#ifndef AS_STATEMENTS_PRIVATE_H
#define AS_STATEMENTS_PRIVATE_H

#include "statements.h"

typedef struct StatementText
{
	const char *sql;			/* NULL = it is another file's */
	int			nargs;
	Oid			types[40];
} StatementText;

/* workflow_statements.c: those of executions with a plan. */
extern const StatementText workflow_statement_texts[STATEMENT_COUNT];

#endif							/* AS_STATEMENTS_PRIVATE_H */
