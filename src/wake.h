/*
 * wake.h
 *		Waking workers when a transaction commits.
 */
#ifndef AS_WAKE_H
#define AS_WAKE_H

#include "postgres.h"

/* On commit of the current transaction: wake this database's executor. */
extern void as_wake_executor_on_commit(void);

/* On commit: let the launcher look again whether this database has the extension. */
extern void as_probe_database_on_commit(void);

/* Lets the launcher look at pg_database when this transaction commits. */
extern void as_wake_launcher_on_commit(void);

/*
 * Keeps the executor of a database away until the end of the transaction (or of
 * the backend). Several holds of one transaction on one database are one.
 */
extern void as_hold_executor(Oid dboid);

/* Waits until the executor of a held database has gone, for 30 s at most. */
extern void as_wait_executor_gone(Oid dboid);

#endif							/* AS_WAKE_H */
