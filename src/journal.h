/*
 * journal.h
 *		Thoughts, notices and log lines that wait to be written together.
 *
 * Lines are copied into a context of the journal's own, which is emptied after
 * the transaction that wrote them has committed, so a failed write loses nothing.
 */
#ifndef AS_JOURNAL_H
#define AS_JOURNAL_H

#include "postgres.h"

#include "batch.h"
#include "datatype/timestamp.h"

/* Whose line it is. */
typedef struct JournalKey
{
	int64		execution_id;
	int32		step_no;
	int32		attempt_no;
	TimestampTz started_at;		/* of the execution */
	const char *owner;
	const char *team;			/* NULL = none */
} JournalKey;

/*
 * The last seq of an execution's thoughts. Steps of one execution that run at the
 * same time share it, so that its thoughts have one order.
 */
typedef struct SeqCounter
{
	int64		execution_id;	/* hash key */
	int64		last;
	int			references;
} SeqCounter;

typedef struct Journal
{
	MemoryContext context;
	Batch	   *thoughts;
	Batch	   *notices;
	Batch	   *logs;
	TimestampTz oldest;			/* of what waits, of steady_now(); 0 = nothing does */
	struct HTAB *counters;
} Journal;

/* How much is in it. */
typedef struct JournalMark
{
	int			thoughts;
	int			notices;
	int			logs;
} JournalMark;

extern Journal *journal_create(void);
extern bool journal_is_empty(const Journal *journal);

/*
 * The counter of an execution, with one reference more; a new one begins behind
 * last_seq. It lives as long as somebody holds a reference.
 */
extern SeqCounter *journal_counter(Journal *journal, int64 execution_id, int64 last_seq);
extern void journal_counter_release(Journal *journal, SeqCounter *counter);

/* text of a thought must be valid UTF-8 without NUL. */
extern void journal_thought(Journal *journal, const JournalKey *key, int64 seq, const char *source,
							const char *text, size_t len);
extern void journal_notice(Journal *journal, const JournalKey *key, const char *severity,
						   const char *kind, const char *message);
extern void journal_log(Journal *journal, const JournalKey *key, const char *level, const char *message);

/* Takes out again what was put in since the mark, a row that was cut short among it. */
extern JournalMark journal_mark(const Journal *journal);
extern void journal_return_to(Journal *journal, const JournalMark *mark);

/* Notices gathered elsewhere, their columns in the order of journal_notice: key, at, what is said, whose it is. */
extern Batch *journal_notices_create(void);
extern void journal_notices_write(const Batch *notices);

/* Writes all of it in the current transaction. */
extern void journal_write(const Journal *journal);

/* After the commit of journal_write. */
extern void journal_reset(Journal *journal);

#endif							/* AS_JOURNAL_H */
