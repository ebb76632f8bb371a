/*
 * http_pause.c
 *		How much is read: from all calls, from one at a time, or from none.
 *
 * While not all may read, a piece of body that comes for a call which may not is
 * refused (CURL_WRITEFUNC_PAUSE): libcurl keeps that one piece, and takes nothing
 * more from the socket.  So what is paused is exactly what has something to read,
 * and a call that is silent anyway costs nothing.  The same happens to all when the
 * loop has read too far ahead of who looks at the bytes.
 *
 * One at a time, the call that has received most has the turn, because it will end
 * first and give back most.  Others have it only while it is silent, so that few
 * calls grow however slow the servers are, and no silence stops them all.  Calls that share a connection of
 * HTTP/2 have it together: there, a piece that nobody takes stops all of them.
 */
#include "http_private.h"

#define TURN_SILENCE_MS		500
#define MAX_BACKLOG			(8 * 1024 * 1024)	/* bytes that may be read ahead
												 * of http_next */

static bool
shares_turn(const HttpTransfer *a, const HttpTransfer *b)
{
	return a == b || (a->shard == b->shard && a->host == b->host &&
					  !host_needs_connection(a) && !host_needs_connection(b));
}

/* http_next has not told of so much that no more is wanted. */
static bool
is_far_ahead(const HttpLoop *loop)
{
	return loop->backlog >= MAX_BACKLOG;
}

static bool
may_read(const HttpTransfer *transfer)
{
	const HttpLoop *loop = transfer->loop;

	if (loop->reading == HTTP_READ_ALL)
		return !is_far_ahead(loop);
	return loop->turn != NULL && shares_turn(loop->turn, transfer) && !is_far_ahead(loop);
}

bool
pause_wants(HttpTransfer *transfer)
{
	HttpLoop   *loop = transfer->loop;

	if (may_read(transfer))
	{
		loop->turn_at = loop->now;
		return false;
	}
	if (loop->turn != NULL && transfer->call.received > loop->turn->call.received)
		loop->turn = NULL;
	if (link_alone(&transfer->paused))
	{
		link_append(&loop->paused, &transfer->paused);
		transfer->host->npaused++;
	}
	return true;
}

/* It is in the list no more; what may have been silent because of it was not. */
static void
forget_paused(HttpTransfer *transfer)
{
	if (link_alone(&transfer->paused))
		return;
	link_remove(&transfer->paused);
	transfer->host->npaused--;
	transfer->host->read_at = transfer->loop->now;
	if (transfer->piece_at != NEVER)
		transfer->piece_at = transfer->loop->now;
}

void
pause_forget(HttpTransfer *transfer)
{
	forget_paused(transfer);
	if (transfer->loop->turn == transfer)
		transfer->loop->turn = NULL;
}

bool
pause_stops_clock(const HttpTransfer *transfer)
{
	return !link_alone(&transfer->paused) ||
		(transfer->host->npaused > 0 && !host_needs_connection(transfer));
}

/* libcurl hands over what it kept, and may be told to pause again. */
static void
resume(HttpTransfer *transfer)
{
	CURLcode	code;

	forget_paused(transfer);
	code = curl_easy_pause(transfer->easy, CURLPAUSE_CONT);
	if (code != CURLE_OK)
		transfer_done(transfer, code);
}

/* Those that the turn, or NULL for all, allows to go on. */
static void
resume_calls(HttpLoop *loop, const HttpTransfer *turn)
{
	Link		resumed;

	/* What is paused again meanwhile comes to the end of the loop's own list. */
	link_init(&resumed);
	for (Link *link = loop->paused.next, *next; link != &loop->paused; link = next)
	{
		next = link->next;
		if (turn != NULL && !shares_turn(turn, link_transfer(link, paused)))
			continue;
		link_remove(link);
		link_append(&resumed, link);
	}
	while (!link_alone(&resumed))
		resume(link_transfer(resumed.next, paused));
}

static HttpTransfer *
most_received(const HttpLoop *loop)
{
	HttpTransfer *most = NULL;

	for (const Link *link = loop->paused.next; link != &loop->paused; link = link->next)
	{
		HttpTransfer *transfer = link_transfer(link, paused);

		if (most == NULL || transfer->call.received > most->call.received)
			most = transfer;
	}
	return most;
}

static bool
turn_is_over(const HttpLoop *loop)
{
	return loop->turn == NULL || loop->now - loop->turn_at >= TURN_SILENCE_MS;
}

void
pause_end(HttpLoop *loop)
{
	if (link_alone(&loop->paused) || is_far_ahead(loop) || loop->reading == HTTP_READ_NONE)
		return;
	if (loop->reading == HTTP_READ_ONE && turn_is_over(loop))
	{
		loop->turn = most_received(loop);
		loop->turn_at = loop->now;
	}
	resume_calls(loop, loop->turn);
}

/* It was paused because the loop had read too far ahead. */
static bool
turn_is_paused(const HttpLoop *loop)
{
	for (const Link *link = loop->paused.next; link != &loop->paused; link = link->next)
	{
		if (shares_turn(loop->turn, link_transfer(link, paused)))
			return true;
	}
	return false;
}

int64_t
pause_next(const HttpLoop *loop)
{
	if (link_alone(&loop->paused) || loop->reading == HTTP_READ_NONE)
		return NEVER;
	if (loop->reading == HTTP_READ_ALL || loop->turn == NULL || turn_is_paused(loop))
		return loop->now;
	return loop->turn_at + TURN_SILENCE_MS;
}

void
http_set_reading(HttpLoop *loop, HttpReading reading)
{
	loop->reading = reading;
	if (reading != HTTP_READ_ONE)
		loop->turn = NULL;
}
