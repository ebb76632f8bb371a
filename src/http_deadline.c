/*
 * http_deadline.c
 *		Clocks, and the heap of deadlines.
 *
 * Four clocks watch a call.  The connect timeout is libcurl's, because only
 * libcurl knows how long a call has merely waited for a connection that others
 * share, which must not count; while a call waits for another's lookup, it is
 * ours.  First byte, idle and total are the loop's own: a min-heap whose keys
 * are never later than the true deadline.  A piece of body only stores a time;
 * a key that comes up too early is moved then.  So five thousand streams cost
 * nothing per piece and O(log n) per idle period.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "http_private.h"

#define SWEEP_INTERVAL_MS	50	/* deadlines are looked at no more often */
#define SWEEP_OVERDUE_MS	1000	/* but then even while sockets are unserved */

int64_t
http_clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void
http_look_at_clock(HttpLoop *loop)
{
	loop->now = http_clock_ms();
	loop->wall = (int64_t) time(NULL);
}

/*
 * The heap.  It has room for every call from http_start on, so that nothing here
 * can fail, not even inside a callback.
 */

static void
heap_put(HttpLoop *loop, int pos, HttpTransfer *transfer)
{
	loop->heap[pos] = transfer;
	transfer->heap_pos = pos;
}

static void
heap_up(HttpLoop *loop, int pos, HttpTransfer *transfer)
{
	while (pos > 0)
	{
		int			parent = (pos - 1) / 2;

		if (loop->heap[parent]->heap_key <= transfer->heap_key)
			break;
		heap_put(loop, pos, loop->heap[parent]);
		pos = parent;
	}
	heap_put(loop, pos, transfer);
}

static void
heap_down(HttpLoop *loop, int pos, HttpTransfer *transfer)
{
	for (;;)
	{
		int			child = 2 * pos + 1;

		if (child >= loop->heap_len)
			break;
		if (child + 1 < loop->heap_len &&
			loop->heap[child + 1]->heap_key < loop->heap[child]->heap_key)
			child++;
		if (loop->heap[child]->heap_key >= transfer->heap_key)
			break;
		heap_put(loop, pos, loop->heap[child]);
		pos = child;
	}
	heap_put(loop, pos, transfer);
}

void
deadline_forget(HttpTransfer *transfer)
{
	HttpLoop   *loop = transfer->loop;
	int			pos = transfer->heap_pos;
	HttpTransfer *last;

	if (pos < 0)
		return;
	transfer->heap_pos = -1;
	last = loop->heap[--loop->heap_len];
	if (last == transfer)
		return;
	if (last->heap_key < transfer->heap_key)
		heap_up(loop, pos, last);
	else
		heap_down(loop, pos, last);
}

static void
heap_insert(HttpLoop *loop, HttpTransfer *transfer, int64_t key)
{
	transfer->heap_key = key;
	heap_up(loop, loop->heap_len++, transfer);
}

bool
deadline_reserve(HttpLoop *loop, int ncalls)
{
	HttpTransfer **larger;
	int			cap = loop->heap_cap;

	if (ncalls <= cap)
		return true;
	while (cap < ncalls)
		cap = cap == 0 ? 64 : cap * 2;
	larger = realloc(loop->heap, (size_t) cap * sizeof(*larger));
	if (larger == NULL)
		return false;
	loop->heap = larger;
	loop->heap_cap = cap;
	return true;
}

/*
 * The clocks of a call
 */

static void
consider(int64_t since, long ms, Clock clock, int64_t *due, Clock *which)
{
	if (ms > 0 && since != NEVER && since + ms < *due)
	{
		*due = since + ms;
		*which = clock;
	}
}

/* Since when it has been silent, though it was listened to. */
static int64_t
silent_since(const HttpTransfer *transfer, int64_t since)
{
	int64_t		read_at = transfer->host->read_at;

	if (since == NEVER)
		return NEVER;
	if (pause_stops_clock(transfer))
		return transfer->loop->now;
	if (!host_needs_connection(transfer) && read_at > since)
		return read_at;
	return since;
}

static int64_t
next_deadline(const HttpTransfer *transfer, Clock *which)
{
	int64_t		due = NEVER;

	*which = CLOCK_TOTAL;
	consider(transfer->started_at, transfer->total_ms, CLOCK_TOTAL, &due, which);
	if (transfer->parked)
		consider(transfer->parked_at, transfer->connect_ms, CLOCK_CONNECT, &due, which);
	else if (transfer->piece_at != NEVER)
		consider(silent_since(transfer, transfer->piece_at), transfer->idle_ms, CLOCK_IDLE, &due, which);
	else
		consider(silent_since(transfer, transfer->sent_at), transfer->first_byte_ms, CLOCK_FIRST_BYTE, &due, which);
	return due;
}

/* Only a nearer deadline moves the key; see deadline_sweep. */
void
deadline_changed(HttpTransfer *transfer)
{
	HttpLoop   *loop = transfer->loop;
	Clock		which;
	int64_t		due = next_deadline(transfer, &which);

	if (transfer->heap_pos >= 0)
	{
		if (due >= transfer->heap_key)
			return;
		deadline_forget(transfer);
	}
	if (due != NEVER)
		heap_insert(loop, transfer, due);
}

static const char *
format_ms(long ms, char *text, size_t size)
{
	if (ms % 1000 == 0)
		snprintf(text, size, "%ld s", ms / 1000);
	else
		snprintf(text, size, "%ld ms", ms);
	return text;
}

void
deadline_describe(HttpTransfer *transfer, Clock which)
{
	char		value[32];

	switch (which)
	{
		case CLOCK_CONNECT:
			transfer_error(transfer, "no connection within %s",
						   format_ms(transfer->connect_ms, value, sizeof(value)));
			break;
		case CLOCK_FIRST_BYTE:
			transfer_error(transfer, "no first byte of the answer within %s",
						   format_ms(transfer->first_byte_ms, value, sizeof(value)));
			break;
		case CLOCK_IDLE:
			transfer_error(transfer, "no further byte of the answer within %s",
						   format_ms(transfer->idle_ms, value, sizeof(value)));
			break;
		case CLOCK_TOTAL:
			transfer_error(transfer, "the answer was not complete within %s",
						   format_ms(transfer->total_ms, value, sizeof(value)));
			break;
	}
}

/*
 * Letting expire
 */

int64_t
deadline_next(const HttpLoop *loop)
{
	int64_t		earliest = loop->last_sweep + SWEEP_INTERVAL_MS;

	if (loop->heap_len == 0)
		return NEVER;
	return loop->heap[0]->heap_key > earliest ? loop->heap[0]->heap_key : earliest;
}

static bool
sweep_is_due(const HttpLoop *loop, bool drained)
{
	if (deadline_next(loop) > loop->now)
		return false;

	/*
	 * A piece may be waiting in a socket that was not served yet, because the
	 * executor was busy elsewhere: that is no silence of the server's.
	 */
	return drained || loop->now - loop->heap[0]->heap_key > SWEEP_OVERDUE_MS;
}

void
deadline_sweep(HttpLoop *loop, bool drained)
{
	if (!sweep_is_due(loop, drained))
		return;
	loop->last_sweep = loop->now;
	while (loop->heap_len > 0 && loop->heap[0]->heap_key <= loop->now)
	{
		HttpTransfer *transfer = loop->heap[0];
		Clock		which;
		int64_t		due = next_deadline(transfer, &which);

		if (due <= loop->now)
		{
			deadline_describe(transfer, which);
			transfer_end(transfer, which == CLOCK_TOTAL ? HTTP_OUT_OF_TIME : HTTP_TIMEOUT);
			continue;
		}
		deadline_forget(transfer);
		if (due != NEVER)
			heap_insert(loop, transfer, due);
	}
}
