/*
 * http_shard.c
 *		Shards: libcurl's multi handles, their sockets and their timers.
 *
 * libcurl walks through all connections of a host to find a free one, and
 * through all connections of the multi handle when a call ends: at 4,000 calls in
 * flight that was three quarters of the CPU.  And where more calls wait than one
 * HTTP/2 connection carries, libcurl 7.88 opens a connection for each of the
 * others.  So a shard takes a hundred calls, and the next is used only when all
 * before it are full: few calls share all their connections as if there were no
 * shards.
 *
 * libcurl tells which sockets it waits for (watch_socket) and when it wants to be
 * called next (set_timer).  All sockets are in the loop's one epoll descriptor;
 * the time is kept as a deadline, so no timerfd is needed.
 */
#include <string.h>
#include <sys/epoll.h>

#include "http_private.h"

#define EVENT_BATCH			256 /* events per epoll_wait */
#define MAX_TIMER_ROUNDS	4	/* libcurl's timer, per run */
#define SHARD_CALLS			100 /* calls in a shard before the next is used:
								 * as many as libcurl puts on one HTTP/2
								 * connection */
#define SHARD_IDLE_MS		600000	/* then its idle connections are closed */

/*
 * What libcurl asks for
 */

/*
 * known is NULL at the socket's first time, then what was assigned to it.  Where
 * the kernel has another view of what is new, it is right.  No other failure (no
 * kernel memory) is reported: libcurl would give up all transfers at once.  The
 * one that nobody watches ends by its timeouts.
 */
static int
watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
	Shard	   *shard = arg;
	int			epoll_fd = shard->loop->epoll_fd;
	struct epoll_event event;

	(void) easy;
	if (what == CURL_POLL_REMOVE)
	{
		epoll_ctl(epoll_fd, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	memset(&event, 0, sizeof(event));
	event.data.u64 = ((uint64_t) (shard - shard->loop->shards) << 32) | (uint32_t) fd;
	if (what & CURL_POLL_IN)
		event.events |= EPOLLIN;
	if (what & CURL_POLL_OUT)
		event.events |= EPOLLOUT;

	if (epoll_ctl(epoll_fd, known == NULL ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event) != 0)
		epoll_ctl(epoll_fd, known == NULL ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
	if (known == NULL)
		curl_multi_assign(shard->multi, fd, shard);
	return 0;
}

static int
set_timer(CURLM *multi, long ms, void *arg)
{
	Shard	   *shard = arg;

	(void) multi;
	shard->curl_due = ms < 0 ? NEVER : http_clock_ms() + ms;
	return 0;
}

/*
 * Multi handles
 */

/*
 * The limits hold for the whole loop, so they are divided among the shards, of
 * which there are no more than each can have a fair part.
 */
void
shard_plan(HttpLoop *loop, long max_host_connections, long descriptors)
{
	/* The rest is for the server's own files, and the resolvers' */
	long		max_connections = descriptors - descriptors / 4;
	long		n = max_connections / SHARD_CALLS;

	if (max_host_connections > 0 && max_host_connections / SHARD_CALLS < n)
		n = max_host_connections / SHARD_CALLS;
	if (n > MAX_SHARDS)
		n = MAX_SHARDS;
	if (n < 1)
		n = 1;
	loop->nshards = (int) n;
	loop->shard_connections = max_connections / n;
	loop->host_connections = max_host_connections > 0 ? max_host_connections : 0;
}

/* A shard's part of the limit on a host's connections: the parts add up to it. */
static long
shard_host_connections(const HttpLoop *loop, int shard)
{
	return loop->host_connections / loop->nshards +
		(shard < loop->host_connections % loop->nshards ? 1 : 0);
}

bool
shard_create(HttpLoop *loop, Shard *shard)
{
	CURLM	   *multi = curl_multi_init();

	if (multi == NULL)
		return false;
	shard->loop = loop;
	shard->multi = multi;
	shard->ncalls = 0;
	shard->used_at = loop->now;

	/*
	 * MAXCONNECTS is as large as can be: when it is reached, libcurl searches
	 * all connections for the oldest one at each end of a call, and a smaller
	 * one closes what the next burst needs.
	 */
	if (curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch_socket) == CURLM_OK &&
		curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, shard) == CURLM_OK &&
		curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_timer) == CURLM_OK &&
		curl_multi_setopt(multi, CURLMOPT_TIMERDATA, shard) == CURLM_OK &&
		curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long) CURLPIPE_MULTIPLEX) == CURLM_OK &&
		curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, loop->shard_connections) == CURLM_OK &&
		curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, loop->shard_connections) == CURLM_OK &&
		curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS,
						  shard_host_connections(loop, (int) (shard - loop->shards))) == CURLM_OK)
		return true;
	shard_destroy(shard);
	return false;
}

void
shard_destroy(Shard *shard)
{
	if (shard->multi != NULL)
		curl_multi_cleanup(shard->multi);
	shard->multi = NULL;
	shard->curl_due = NEVER;
}

void
shard_close_idle(HttpLoop *loop)
{
	int			i;

	for (i = 1; i < loop->nshards; i++)
	{
		Shard	   *shard = &loop->shards[i];

		if (shard->multi != NULL && shard->ncalls == 0 &&
			loop->now - shard->used_at >= SHARD_IDLE_MS)
			shard_destroy(shard);
	}
}

/*
 * Their calls
 */

/*
 * Of those with room for the call's connection the first that is not full, or
 * the least loaded when all are full; NULL when none has room.  The first shard
 * is always there: if no other can be made, those that are there must do.
 */
Shard *
shard_choose(HttpTransfer *transfer)
{
	HttpLoop   *loop = transfer->loop;
	bool		limited = loop->host_connections > 0 && host_needs_connection(transfer);
	Shard	   *best = NULL;
	int			i;

	for (i = 0; i < loop->nshards; i++)
	{
		Shard	   *shard = &loop->shards[i];

		if (shard->multi == NULL && !shard_create(loop, shard))
			break;
		if (limited && transfer->host->connections[i] >= shard_host_connections(loop, i))
			continue;
		if (shard->ncalls < SHARD_CALLS)
			return shard;
		if (best == NULL || shard->ncalls < best->ncalls)
			best = shard;
	}
	return best;
}

bool
shard_take(Shard *shard, HttpTransfer *transfer)
{
	transfer->stop = STOP_NONE;
	transfer->curl_error[0] = '\0';
	if (curl_multi_add_handle(shard->multi, transfer->easy) != CURLM_OK)
		return false;
	transfer->shard = shard;
	shard->ncalls++;
	transfer->counted = host_needs_connection(transfer);
	if (transfer->counted)
		transfer->host->connections[shard - shard->loop->shards]++;
	return true;
}

void
shard_drop(HttpTransfer *transfer)
{
	Shard	   *shard = transfer->shard;

	curl_multi_remove_handle(shard->multi, transfer->easy);
	transfer->shard = NULL;
	shard->ncalls--;
	shard->used_at = shard->loop->now;
	if (transfer->counted)
		transfer->host->connections[shard - shard->loop->shards]--;
	if (!link_alone(&transfer->host->for_room))
		shard->loop->unpark = true;
}

/*
 * Serving them
 */

/*
 * CURL_CSELECT_ERR is not passed on: libcurl would end the transfer without
 * reading what is still there to be read.  The read finds the error by itself.
 */
static int
curl_events(uint32_t events)
{
	int			bits = 0;

	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		bits |= CURL_CSELECT_IN;
	if (events & (EPOLLOUT | EPOLLERR))
		bits |= CURL_CSELECT_OUT;
	return bits;
}

bool
shard_serve_sockets(HttpLoop *loop)
{
	struct epoll_event events[EVENT_BATCH];
	int			running;
	int			n;
	int			i;

	n = epoll_wait(loop->epoll_fd, events, EVENT_BATCH, 0);
	http_look_at_clock(loop);
	for (i = 0; i < n; i++)
	{
		Shard	   *shard = &loop->shards[events[i].data.u64 >> 32];

		curl_multi_socket_action(shard->multi, (curl_socket_t) (uint32_t) events[i].data.u64,
								 curl_events(events[i].events), &running);
	}
	return n < EVENT_BATCH;
}

/*
 * libcurl calls set_timer only when its wish changes.  If our clock was early by
 * a rounding, it finds nothing due and wishes the same as before: so it is asked.
 */
static void
serve_timer(Shard *shard)
{
	int			running;
	long		ms = -1;

	curl_multi_socket_action(shard->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	curl_multi_timeout(shard->multi, &ms);
	set_timer(shard->multi, ms, shard);
}

/*
 * All messages are read before the first transfer is removed: a removal looks
 * through the messages that are left, which would be quadratic in a burst.
 */
static void
collect_done(Shard *shard)
{
	Link		done;
	CURLMsg    *message;
	int			left;

	link_init(&done);
	while ((message = curl_multi_info_read(shard->multi, &left)) != NULL)
	{
		HttpTransfer *transfer = NULL;

		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
		transfer->done_code = message->data.result;
		link_append(&done, &transfer->done);
	}
	while (!link_alone(&done))
	{
		HttpTransfer *transfer = link_transfer(done.next, done);

		link_remove(&transfer->done);
		transfer_done(transfer, transfer->done_code);
	}
}

void
shard_serve(Shard *shard)
{
	int			i;

	for (i = 0; i < MAX_TIMER_ROUNDS && shard->curl_due <= shard->loop->now; i++)
		serve_timer(shard);
	collect_done(shard);
}
