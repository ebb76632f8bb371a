/*
 * shmem.h
 *		What the launcher, the executors and the backends tell one another.
 *
 * One WorkerSlot per database. Every field below mutex is guarded by it and held
 * only for a few instructions; the atomics are not. A process is named by its
 * index in ProcGlobal, never by a pointer: a stale index wakes a stranger, which
 * harms nobody, where a stale pointer would take the cluster down.
 */
#ifndef AS_SHMEM_H
#define AS_SHMEM_H

#include "postgres.h"

#include "port/atomics.h"
#include "storage/condition_variable.h"
#include "storage/lwlock.h"
#include "storage/spin.h"

#define AS_MAX_DATABASES	64
#define AS_PROBLEM_SIZE		160
#define AS_NO_PROC			(-1)

typedef enum WorkerState
{
	WORKER_NONE = 0,			/* nobody has looked yet, or it has to be looked at again */
	WORKER_STARTING,			/* registered; not yet in its main loop */
	WORKER_RUNNING,
	WORKER_ABSENT,				/* the database has no extension, or one of a version that is not ours */
	WORKER_STOPPED,				/* ended; the launcher will start it again */
	WORKER_BLOCKED				/* could not be registered: no worker slot is free */
} WorkerState;

typedef struct WorkerSlot
{
	slock_t		mutex;
	Oid			dboid;			/* InvalidOid: the slot is free; set under AsShared->lock */
	WorkerState state;
	int			procno;			/* the executor's, AS_NO_PROC if none */
	pid_t		pid;			/* the executor's, 0 if none */
	int			holds;			/* commands that want the executor gone for a while */
	int64		epoch;
	char		problem[AS_PROBLEM_SIZE];	/* why it does not run, "" if it does */

	pg_atomic_uint32 wake;		/* something was committed that the executor should look at */
	pg_atomic_uint32 in_flight;
	pg_atomic_uint64 changes;	/* commits of the executor that a reader could see */
	ConditionVariable changed;	/* broadcast after each of them */
} WorkerSlot;

typedef struct AsShared
{
	LWLock	   *lock;			/* guards the assignment of slots to databases */
	slock_t		mutex;			/* guards the two launcher fields */
	int			launcher_procno;
	pid_t		launcher_pid;
	pg_atomic_uint32 launcher_wake;
	WorkerSlot	slots[AS_MAX_DATABASES];
} AsShared;

/* NULL when the library was not preloaded: then there is no shared memory of ours. */
extern AsShared *as_shared;

extern void as_shmem_install(void);

/* The database's slot; with create, a free one is assigned. NULL if there is none. */
extern WorkerSlot *as_slot(Oid dboid, bool create);

extern const char *as_worker_state_name(WorkerState state);
extern void as_slot_set_state(WorkerSlot *slot, WorkerState state, const char *problem);

/* Sets the latch of the executor, or of the launcher, if there is one. Never throws. */
extern void as_wake_executor(WorkerSlot *slot);
extern void as_wake_launcher(void);

/* Counts a change that readers can see, and wakes those who wait for one. */
extern void as_announce_change(WorkerSlot *slot);

/*
 * Waits until the count of changes is another than the one seen, for timeout_ms
 * at most. Throws on cancel, as every wait of a backend does. Without a slot it
 * only waits.
 */
extern void as_await_change(WorkerSlot *slot, uint64 seen, int timeout_ms);

#endif							/* AS_SHMEM_H */
