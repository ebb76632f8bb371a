/*
 * journal.c
 *		Thoughts, notices and log lines that wait to be written together.
 *
 * One row a commit is thirty times slower than a hundred, so lines gather here
 * for agent_studio.thought_interval at most, or until a result is written.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "journal.h"
#include "rows.h"
#include "steady.h"

static const char *const thought_columns[] = {"execution_id", "seq", "step_no", "attempt_no", "at", "elapsed_ms", "source", "content",
"owner", "team"};
static const char *const log_columns[] = {"execution_id", "step_no", "at", "level", "message", "owner", "team"};
static const char *const notice_columns[] = {"execution_id", "step_no", "at", "severity", "kind", "message", "owner", "team"};
static const Oid thought_types[] = {INT8OID, INT8OID, INT4OID, INT4OID, TIMESTAMPTZOID, INT8OID,
TEXTOID, TEXTOID, TEXTOID, TEXTOID};
static const Oid notice_types[] = {INT8OID, INT4OID, TIMESTAMPTZOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID};
static const Oid log_types[] = {INT8OID, INT4OID, TIMESTAMPTZOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID};

static void
create_batches(Journal *journal)
{
	MemoryContext caller = MemoryContextSwitchTo(journal->context);

	journal->thoughts = batch_create(thought_types, lengthof(thought_types));
	journal->notices = journal_notices_create();
	journal->logs = batch_create(log_types, lengthof(log_types));
	journal->oldest = 0;
	MemoryContextSwitchTo(caller);
}

static HTAB *
create_counters(void)
{
	HASHCTL		control;

	control.keysize = sizeof(int64);
	control.entrysize = sizeof(SeqCounter);
	control.hcxt = TopMemoryContext;
	return hash_create("agent_studio seq counters", 256, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

SeqCounter *
journal_counter(Journal *journal, int64 execution_id, int64 last_seq)
{
	bool		found;
	SeqCounter *counter = hash_search(journal->counters, &execution_id, HASH_ENTER, &found);

	if (!found)
	{
		counter->last = 0;
		counter->references = 0;
	}
	counter->last = Max(counter->last, last_seq);
	counter->references++;
	return counter;
}

void
journal_counter_release(Journal *journal, SeqCounter *counter)
{
	if (--counter->references == 0)
		hash_search(journal->counters, &counter->execution_id, HASH_REMOVE, NULL);
}

Journal *
journal_create(void)
{
	Journal    *journal = MemoryContextAllocZero(TopMemoryContext, sizeof(Journal));

	journal->context = AllocSetContextCreate(TopMemoryContext, "agent_studio journal", ALLOCSET_DEFAULT_SIZES);
	journal->counters = create_counters();
	create_batches(journal);
	return journal;
}

bool
journal_is_empty(const Journal *journal)
{
	return journal->oldest == 0;
}

/* Begins a row; the caller's context comes back with end_row. */
static MemoryContext
begin_row(Journal *journal, Batch *batch)
{
	MemoryContext caller = MemoryContextSwitchTo(journal->context);

	batch_row(batch);
	if (journal->oldest == 0)
		journal->oldest = steady_now();
	return caller;
}

void
journal_thought(Journal *journal, const JournalKey *key, int64 seq, const char *source,
				const char *text, size_t len)
{
	TimestampTz now = GetCurrentTimestamp();
	Batch	   *batch = journal->thoughts;
	MemoryContext caller = begin_row(journal, batch);

	batch_set(batch, 0, Int64GetDatum(key->execution_id));
	batch_set(batch, 1, Int64GetDatum(seq));
	batch_set(batch, 2, Int32GetDatum(key->step_no));
	batch_set(batch, 3, Int32GetDatum(key->attempt_no));
	batch_time(batch, 4, now);
	batch_set(batch, 5, Int64GetDatum(Max(0, now - key->started_at) / 1000));
	batch_text(batch, 6, source);
	batch_text_len(batch, 7, text, len);
	batch_text(batch, 8, key->owner);
	batch_text(batch, 9, key->team);
	MemoryContextSwitchTo(caller);
}

void
journal_notice(Journal *journal, const JournalKey *key, const char *severity,
			   const char *kind, const char *message)
{
	TimestampTz now = GetCurrentTimestamp();
	Batch	   *batch = journal->notices;
	MemoryContext caller = begin_row(journal, batch);

	batch_set(batch, 0, Int64GetDatum(key->execution_id));
	batch_set(batch, 1, Int32GetDatum(key->step_no));
	batch_time(batch, 2, now);
	batch_text(batch, 3, severity);
	batch_text(batch, 4, kind);
	batch_text(batch, 5, message);
	batch_text(batch, 6, key->owner);
	batch_text(batch, 7, key->team);
	MemoryContextSwitchTo(caller);
}

void
journal_log(Journal *journal, const JournalKey *key, const char *level, const char *message)
{
	TimestampTz now = GetCurrentTimestamp();
	Batch	   *batch = journal->logs;
	MemoryContext caller = begin_row(journal, batch);

	batch_set(batch, 0, Int64GetDatum(key->execution_id));
	batch_set(batch, 1, Int32GetDatum(key->step_no));
	batch_time(batch, 2, now);
	batch_text(batch, 3, level);
	batch_text(batch, 4, message);
	batch_text(batch, 5, key->owner);
	batch_text(batch, 6, key->team);
	MemoryContextSwitchTo(caller);
}

JournalMark
journal_mark(const Journal *journal)
{
	JournalMark mark = {journal->thoughts->nrows, journal->notices->nrows, journal->logs->nrows};

	return mark;
}

void
journal_return_to(Journal *journal, const JournalMark *mark)
{
	journal->thoughts->nrows = mark->thoughts;
	journal->notices->nrows = mark->notices;
	journal->logs->nrows = mark->logs;
}

Batch *
journal_notices_create(void)
{
	return batch_create(notice_types, lengthof(notice_types));
}

void
journal_notices_write(const Batch *notices)
{
	rows_insert_batch("notices", notice_columns, notices);
}

void
journal_write(const Journal *journal)
{
	rows_insert_batch("thoughts", thought_columns, journal->thoughts);
	journal_notices_write(journal->notices);
	rows_insert_batch("logs", log_columns, journal->logs);
}

void
journal_reset(Journal *journal)
{
	MemoryContextReset(journal->context);
	create_batches(journal);
}
