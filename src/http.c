/*
 * http.c
 *		Thousands of streaming HTTP calls in one process: libcurl multi on epoll.
 *
 * The sockets live in an epoll descriptor of the loop's own, which the executor
 * nests in its WaitEventSet.  http_loop_run serves what is ready in bounded
 * batches, collects what ended, hands over what waited, and lets expire what
 * took too long; http_loop_timeout says when that is due even though no socket
 * is ready.  http_private.h says what is where.
 */
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "http_private.h"

#define MAX_DESCRIPTORS		65536
#define MAX_BATCHES			16	/* of ready sockets, per run */

void
http_block_signals(sigset_t *saved)
{
	sigset_t	all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, saved);
}

void
http_restore_signals(const sigset_t *saved)
{
	pthread_sigmask(SIG_SETMASK, saved, NULL);
}

/* Returns how many descriptors may be open. */
static long
raise_descriptor_limit(void)
{
	struct rlimit limit;
	rlim_t		wanted;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 1024;
	wanted = limit.rlim_max > MAX_DESCRIPTORS ? MAX_DESCRIPTORS : limit.rlim_max;
	if (limit.rlim_cur < wanted)
	{
		rlim_t		before = limit.rlim_cur;

		limit.rlim_cur = wanted;
		if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
			limit.rlim_cur = before;
	}
	return limit.rlim_cur > MAX_DESCRIPTORS ? MAX_DESCRIPTORS : (long) limit.rlim_cur;
}

static bool
create_share(HttpLoop *loop)
{
	loop->share = curl_share_init();
	return loop->share != NULL &&
		curl_share_setopt(loop->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS) == CURLSHE_OK &&
		curl_share_setopt(loop->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) == CURLSHE_OK;
}

HttpLoop *
http_loop_create(long max_host_connections, const char *ca_file)
{
	HttpLoop   *loop = calloc(1, sizeof(*loop));
	sigset_t	saved;
	bool		ok;
	int			i;

	if (loop == NULL)
		return NULL;
	loop->ca_fd = -1;
	link_init(&loop->calls);
	link_init(&loop->pool);
	link_init(&loop->reports);
	link_init(&loop->paused);
	for (i = 0; i < MAX_SHARDS; i++)
		loop->shards[i].curl_due = NEVER;
	http_look_at_clock(loop);
	loop->last_sweep = loop->now;
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);

	http_block_signals(&saved);
	shard_plan(loop, max_host_connections, raise_descriptor_limit());
	loop->sockets = calloc(MAX_PORTS, sizeof(*loop->sockets));
	ok = loop->sockets != NULL && loop->epoll_fd >= 0 && memory_init_curl() &&
		trust_choose(loop, ca_file) &&
		create_share(loop) &&
		shard_create(loop, &loop->shards[0]);
	http_restore_signals(&saved);

	if (!ok)
	{
		http_loop_free(loop);
		return NULL;
	}
	return loop;
}

/*
 * The order is libcurl's: easy handles, then the multi handles with their
 * connections, then what they share.
 */
void
http_loop_free(HttpLoop *loop)
{
	sigset_t	saved;
	int			i;

	if (loop == NULL)
		return;
	http_block_signals(&saved);
	while (!link_alone(&loop->calls))
		http_release(loop, &link_transfer(loop->calls.next, owned)->call);
	while (!link_alone(&loop->pool))
	{
		HttpTransfer *transfer = link_transfer(loop->pool.next, owned);

		link_remove(&transfer->owned);
		transfer_destroy(transfer);
	}
	for (i = 0; i < MAX_SHARDS; i++)
		shard_destroy(&loop->shards[i]);
	host_free_all(loop);
	if (loop->share != NULL)
		curl_share_cleanup(loop->share);
	http_restore_signals(&saved);
	if (loop->epoll_fd >= 0)
		close(loop->epoll_fd);
	trust_free(loop);
	free(loop->heap);
	free(loop->sockets);
	free(loop);
}

void
http_loop_run(HttpLoop *loop)
{
	sigset_t	saved;
	bool		drained = false;
	int			i;

	http_block_signals(&saved);
	http_look_at_clock(loop);
	pause_end(loop);
	for (i = 0; i < MAX_BATCHES && !drained; i++)
		drained = shard_serve_sockets(loop);
	for (i = 0; i < loop->nshards; i++)
	{
		if (loop->shards[i].multi != NULL)
			shard_serve(&loop->shards[i]);
	}
	if (loop->unpark)
		host_unpark_calls(loop);
	deadline_sweep(loop, drained);
	shard_close_idle(loop);
	http_restore_signals(&saved);
}

long
http_loop_timeout(const HttpLoop *loop)
{
	int64_t		due = deadline_next(loop);
	int64_t		paused = pause_next(loop);
	int64_t		now;
	int			i;

	if (loop->unpark || !link_alone(&loop->reports))
		return 0;
	for (i = 0; i < loop->nshards; i++)
	{
		if (loop->shards[i].curl_due < due)
			due = loop->shards[i].curl_due;
	}
	if (paused < due)
		due = paused;
	if (due == NEVER)
		return -1;
	now = http_clock_ms();
	return due <= now ? 0 : (long) (due - now);
}

int
http_loop_fd(const HttpLoop *loop)
{
	return loop->epoll_fd;
}

void
http_report(HttpTransfer *transfer)
{
	if (link_alone(&transfer->report))
		link_append(&transfer->loop->reports, &transfer->report);
}

void
http_forget_backlog(HttpTransfer *transfer)
{
	transfer->loop->backlog -= transfer->backlog;
	transfer->backlog = 0;
}

HttpCall *
http_next(HttpLoop *loop)
{
	HttpTransfer *transfer;

	if (link_alone(&loop->reports))
		return NULL;
	transfer = link_transfer(loop->reports.next, report);
	link_remove(&transfer->report);
	http_forget_backlog(transfer);
	return &transfer->call;
}
