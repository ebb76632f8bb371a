/*
 * http.c
 *		Thousands of streaming HTTP calls in one process: libcurl multi on epoll.
 *
 * libcurl tells which sockets it waits for (watch_socket) and when it wants to
 * be called next (set_timer).  The sockets live in an epoll descriptor of the
 * loop's own, which the executor nests in its WaitEventSet; the time is kept as
 * a deadline that http_loop_timeout reports, so no timerfd is needed.
 * http_loop_run serves what is ready in bounded batches, collects what ended,
 * and lets expire what took too long.
 *
 * A call's life:
 *
 *		http_start -> [parked] -> connecting -> sent -> head -> body -> ended
 *
 * Parked is a call that is not libcurl's business yet, for one of two reasons.
 * Either it would start a second lookup of a name that is being looked up
 * already: libcurl gives every lookup a thread, and a burst of five thousand
 * calls to one host must not become five thousand threads.  It is handed to
 * libcurl again when the first lookup has ended, and finds the answer in
 * libcurl's cache.  Or its host has as many connections as it may have: the
 * shards divide that limit, and a call that waited inside one shard would not
 * see the connection that is free in another.
 *
 * Callbacks run inside libcurl: they append to bounded buffers, set flags,
 * move memory-only lists, and return short to abort (stop says why).
 *
 * Four clocks watch a call.  The connect timeout is libcurl's, because only
 * libcurl knows how long a call has merely waited for a free connection to its
 * host, which must not count.  First byte, idle and total are the loop's own:
 * a min-heap whose keys are never later than the true deadline.  A piece of
 * body only stores a time; a key that comes up too early is moved then.  So
 * five thousand streams cost nothing per piece and O(log n) per idle period.
 *
 * A shard is one multi handle of libcurl's with its connections.  libcurl walks
 * through all connections of a host to find a free one, and through all
 * connections of the multi handle when a call ends: at 4,000 calls in flight
 * that was three quarters of the CPU.  And where more calls wait than one HTTP/2
 * connection carries, libcurl 7.88 opens a connection for each of the others.
 * So a shard takes a hundred calls, and the next is used only when all before
 * it are full: few calls share all their connections as if there were no
 * shards.
 *
 * Answers are never decompressed, and none is asked for compressed: event
 * streams are small pieces that gain nothing, a compressing server delays them,
 * and a decompressor would let a few hostile bytes pass the limit on the body.
 *
 * The key travels in a header: header memory is wiped before it is freed, and
 * no error text ever quotes a header.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE				/* memfd_create */
#endif

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <curl/curl.h>

#include "guard.h"
#include "http.h"

#define MAX_HEADER_LINE		16384
#define MAX_HEADER_COUNT	200
#define MAX_DESCRIPTORS		65536
#define EVENT_BATCH			256 /* events per epoll_wait */
#define MAX_BATCHES			16	/* epoll_waits per run */
#define MAX_TIMER_ROUNDS	4	/* libcurl's timer, per run */
#define SWEEP_INTERVAL_MS	50	/* deadlines are looked at no more often */
#define SWEEP_OVERDUE_MS	1000	/* but then even while sockets are unserved */
#define RESEND_WITHIN_MS	1000	/* see before_request */
#define MAX_LOOKUPS			64	/* names looked up at once, a thread each */
#define MAX_POOL			1024	/* transfers kept for reuse */
#define MAX_IDLE_HOSTS		256 /* hosts remembered when no call goes to them */
#define KEEP_BUFFER			65536	/* a larger buffer is not kept with them */
#define MAX_SHARDS			64
#define SHARD_CALLS			100 /* calls in a shard before the next is used:
								 * as many as libcurl puts on one HTTP/2
								 * connection */
#define SHARD_IDLE_MS		600000	/* then its idle connections are closed */
#define DNS_CACHE_SECONDS	60L
#define DEFAULT_CONNECT_MS	30000L

#define NEVER				INT64_MAX

/* Why a callback told libcurl to stop. */
typedef enum StopReason
{
	STOP_NONE = 0,
	STOP_PARK,					/* its host is being looked up by another call */
	STOP_ADDRESS,				/* the address policy */
	STOP_RESEND,				/* libcurl wanted to send a request twice */
	STOP_BODY,					/* body over its limit */
	STOP_LINE,					/* header line over its limit */
	STOP_COUNT,					/* too many header lines */
	STOP_MEMORY
} StopReason;

typedef enum Clock
{
	CLOCK_CONNECT,
	CLOCK_FIRST_BYTE,
	CLOCK_IDLE,
	CLOCK_TOTAL
} Clock;

/* A member of a list, or its head; outside of any list it is linked to itself. */
typedef struct Link
{
	struct Link *prev;
	struct Link *next;
} Link;

typedef struct HttpTransfer HttpTransfer;

/*
 * What is known of a host while calls go to it, and, of some, afterwards.
 *
 * Until a host has answered over HTTP/2, each call to it is taken to need a
 * connection of its own.  Those are counted, and no shard is given more of them
 * than it may have connections: so no call waits inside libcurl for a shard's
 * limit.  Calls to a host that multiplexes share connections and need no count.
 */
typedef struct Host
{
	struct Host *next;
	char	   *name;			/* scheme and authority, as the URLs have it */
	size_t		name_len;
	int			ncalls;			/* that belong to the loop */
	int			connections[MAX_SHARDS];	/* that calls need, per shard */
	bool		multiplexes;
	HttpTransfer *lookup;		/* the call that looks the name up, or NULL */
	Link		for_lookup;		/* calls that wait for its end */
	Link		for_room;		/* calls that wait for a connection */
} Host;

typedef struct Shard
{
	HttpLoop   *loop;
	CURLM	   *multi;			/* NULL: not in use */
	int			ncalls;			/* that libcurl holds */
	int64_t		curl_due;		/* when libcurl wants to be called; NEVER = not */
	bool		curl_due_set;	/* set_timer was called */
	int64_t		used_at;		/* when a call last ended */
} Shard;

struct HttpTransfer
{
	HttpCall	call;
	HttpLoop   *loop;
	CURL	   *easy;			/* lives as long as the transfer, pooled with it */

	/* The request, taken over from RequestParts. */
	Buf			url;
	Buf			body;
	Buf			headers[REQUEST_MAX_HEADERS];
	int			nheaders;
	struct curl_slist nodes[REQUEST_MAX_HEADERS + 1];	/* points into headers;
														 * one more for Expect */

	/* The rules. */
	long		connect_ms;
	long		first_byte_ms;
	long		idle_ms;
	long		total_ms;
	bool		allow_private;
	bool		http1;			/* HTTP/2 is not even offered */
	size_t		max_body;

	/* Where it stands. */
	StopReason	stop;
	Host	   *host;
	Shard	   *shard;			/* that holds the easy handle, or NULL */
	bool		counted;		/* in the host's connections of that shard */
	bool		parked;			/* waits for a lookup */
	Link		waiting;		/* in the host's for_lookup or for_room */
	int64_t		started_at;
	int64_t		parked_at;		/* NEVER until parked for the first time */
	int64_t		sent_at;		/* NEVER until the request was begun */
	int64_t		piece_at;		/* the last piece of body; NEVER before */
	int			header_lines;
	int			socket_errno;	/* why no socket could be made, 0 if it could */
	char		refused[INET6_ADDRSTRLEN + 8];	/* the address that was refused */
	char		curl_error[CURL_ERROR_SIZE];

	/* The heap of deadlines: heap_pos is -1 when outside. */
	int			heap_pos;
	int64_t		heap_key;

	/* The list of calls to report. */
	bool		dirty;
	struct HttpTransfer *dirty_prev;
	struct HttpTransfer *dirty_next;

	/* All calls of the loop; a pooled transfer uses next for the pool. */
	struct HttpTransfer *prev;
	struct HttpTransfer *next;

	/* Those that libcurl is done with, inside collect_done only. */
	CURLcode	done_code;
	struct HttpTransfer *done_next;
};

struct HttpLoop
{
	Shard		shards[MAX_SHARDS];
	int			nshards;		/* that may be used */
	int			shard_calls;	/* that fill a shard */
	long		shard_connections;	/* at most, in a shard */
	long		host_connections;	/* at most, in all shards; 0 = no limit */
	CURLSH	   *share;			/* names' addresses; TLS sessions, so that a new
								 * connection to a known host needs no full
								 * handshake */
	int			epoll_fd;
	int			ca_fd;			/* memory file with all trusted certificates, or -1 */
	char	   *ca_path;		/* NULL: libcurl's default */
	bool		ca_one_file;	/* ca_path or the default is all there is to trust */

	int64_t		now;			/* monotonic ms, as of the last look at the clock */
	int64_t		wall;			/* seconds since 1970, likewise */
	int64_t		last_sweep;

	HttpTransfer *all;
	HttpTransfer *pool;			/* linked by next */
	int			npool;
	HttpTransfer *dirty_head;
	HttpTransfer *dirty_tail;
	Host	   *hosts;
	int			nhosts;
	int			nlookups;		/* hosts that are being looked up */
	bool		unpark;			/* what parked calls wait for may be there */

	HttpTransfer **heap;
	int			heap_len;
	int			heap_cap;		/* never less than the number of calls */
	int			ncalls;
};

/*
 * Time
 */

static int64_t
clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
look_at_clock(HttpLoop *loop)
{
	loop->now = clock_ms();
	loop->wall = (int64_t) time(NULL);
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

/*
 * Lists
 */

static void
link_init(Link *link)
{
	link->prev = link;
	link->next = link;
}

static bool
link_alone(const Link *link)
{
	return link->next == link;
}

static void
link_append(Link *list, Link *link)
{
	link->prev = list->prev;
	link->next = list;
	list->prev->next = link;
	list->prev = link;
}

static void
link_remove(Link *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	link_init(link);
}

static HttpTransfer *
waiting_transfer(Link *link)
{
	return (HttpTransfer *) ((char *) link - offsetof(HttpTransfer, waiting));
}

/*
 * The list of calls to report
 */

static void
mark_dirty(HttpTransfer *transfer)
{
	HttpLoop   *loop = transfer->loop;

	if (transfer->dirty)
		return;
	transfer->dirty = true;
	transfer->dirty_next = NULL;
	transfer->dirty_prev = loop->dirty_tail;
	if (loop->dirty_tail != NULL)
		loop->dirty_tail->dirty_next = transfer;
	else
		loop->dirty_head = transfer;
	loop->dirty_tail = transfer;
}

static void
unmark_dirty(HttpTransfer *transfer)
{
	HttpLoop   *loop = transfer->loop;

	if (!transfer->dirty)
		return;
	transfer->dirty = false;
	if (transfer->dirty_prev != NULL)
		transfer->dirty_prev->dirty_next = transfer->dirty_next;
	else
		loop->dirty_head = transfer->dirty_next;
	if (transfer->dirty_next != NULL)
		transfer->dirty_next->dirty_prev = transfer->dirty_prev;
	else
		loop->dirty_tail = transfer->dirty_prev;
}

/*
 * The heap of deadlines.  It has room for every call from http_start on, so
 * that nothing here can fail, not even inside a callback.
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

static void
heap_remove(HttpLoop *loop, HttpTransfer *transfer)
{
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

static bool
heap_reserve(HttpLoop *loop, int need)
{
	HttpTransfer **larger;
	int			cap = loop->heap_cap;

	if (need <= cap)
		return true;
	while (cap < need)
		cap = cap == 0 ? 64 : cap * 2;
	larger = realloc(loop->heap, (size_t) cap * sizeof(*larger));
	if (larger == NULL)
		return false;
	loop->heap = larger;
	loop->heap_cap = cap;
	return true;
}

/*
 * Deadlines
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

static int64_t
next_deadline(const HttpTransfer *transfer, Clock *which)
{
	int64_t		due = NEVER;

	*which = CLOCK_TOTAL;
	consider(transfer->started_at, transfer->total_ms, CLOCK_TOTAL, &due, which);
	if (transfer->parked)
		consider(transfer->parked_at, transfer->connect_ms, CLOCK_CONNECT, &due, which);
	else if (transfer->piece_at != NEVER)
		consider(transfer->piece_at, transfer->idle_ms, CLOCK_IDLE, &due, which);
	else
		consider(transfer->sent_at, transfer->first_byte_ms, CLOCK_FIRST_BYTE, &due, which);
	return due;
}

/* After a step in a call's life: its deadline may be nearer than its key. */
static void
deadline_changed(HttpTransfer *transfer)
{
	HttpLoop   *loop = transfer->loop;
	Clock		which;
	int64_t		due = next_deadline(transfer, &which);

	if (transfer->heap_pos >= 0)
	{
		if (due >= transfer->heap_key)
			return;
		heap_remove(loop, transfer);
	}
	if (due != NEVER)
		heap_insert(loop, transfer, due);
}

static void
describe_timeout(HttpTransfer *transfer, Clock which)
{
	char	   *error = transfer->call.error;
	size_t		size = sizeof(transfer->call.error);
	char		value[32];

	switch (which)
	{
		case CLOCK_CONNECT:
			snprintf(error, size, "no connection within %s",
					 format_ms(transfer->connect_ms, value, sizeof(value)));
			break;
		case CLOCK_FIRST_BYTE:
			snprintf(error, size, "no first byte of the answer within %s",
					 format_ms(transfer->first_byte_ms, value, sizeof(value)));
			break;
		case CLOCK_IDLE:
			snprintf(error, size, "no further byte of the answer within %s",
					 format_ms(transfer->idle_ms, value, sizeof(value)));
			break;
		case CLOCK_TOTAL:
			snprintf(error, size, "the answer was not complete within %s",
					 format_ms(transfer->total_ms, value, sizeof(value)));
			break;
	}
}

/*
 * Hosts
 */

/* Leaves out the path, which most URLs of a host do not share. */
static size_t
host_name_len(const char *url)
{
	const char *authority = strstr(url, "://");
	size_t		skip = authority != NULL ? (size_t) (authority - url) + 3 : 0;

	return skip + strcspn(url + skip, "/?#");
}

static Host *
create_host(HttpLoop *loop, const char *name, size_t name_len)
{
	Host	   *host = calloc(1, sizeof(*host));

	if (host == NULL)
		return NULL;
	host->name = strndup(name, name_len);
	if (host->name == NULL)
	{
		free(host);
		return NULL;
	}
	host->name_len = name_len;
	link_init(&host->for_lookup);
	link_init(&host->for_room);
	host->next = loop->hosts;
	loop->hosts = host;
	loop->nhosts++;
	return host;
}

/* False if out of memory. */
static bool
join_host(HttpTransfer *transfer)
{
	const char *url = buf_text(&transfer->url);
	size_t		len = host_name_len(url);
	Host	   *host = transfer->loop->hosts;

	while (host != NULL &&
		   (host->name_len != len || strncasecmp(host->name, url, len) != 0))
		host = host->next;
	if (host == NULL)
		host = create_host(transfer->loop, url, len);
	if (host == NULL)
		return false;
	host->ncalls++;
	transfer->host = host;
	return true;
}

static void
destroy_host(HttpLoop *loop, Host *host)
{
	Host	  **at = &loop->hosts;

	while (*at != host)
		at = &(*at)->next;
	*at = host->next;
	loop->nhosts--;
	free(host->name);
	free(host);
}

static void
leave_host(HttpTransfer *transfer)
{
	Host	   *host = transfer->host;

	if (host == NULL)
		return;
	transfer->host = NULL;
	if (--host->ncalls == 0 && transfer->loop->nhosts > MAX_IDLE_HOSTS)
		destroy_host(transfer->loop, host);
}

static bool
needs_connection(const HttpTransfer *transfer)
{
	return transfer->http1 || !transfer->host->multiplexes;
}

/*
 * Lookups of names, one per host at a time
 */

static bool
may_look_up(const HttpTransfer *transfer)
{
	const Host *host = transfer->host;

	return host->lookup == transfer ||
		(host->lookup == NULL && transfer->loop->nlookups < MAX_LOOKUPS);
}

static void
lookup_begins(HttpTransfer *transfer)
{
	if (transfer->host->lookup == transfer)
		return;
	transfer->host->lookup = transfer;
	transfer->loop->nlookups++;
}

static void
lookup_ends(HttpTransfer *transfer)
{
	if (transfer->host->lookup != transfer)
		return;
	transfer->host->lookup = NULL;
	transfer->loop->nlookups--;
	transfer->loop->unpark = true;
}

static void
park(HttpTransfer *transfer)
{
	transfer->parked = true;
	if (transfer->parked_at == NEVER)
		transfer->parked_at = transfer->loop->now;
	link_append(&transfer->host->for_lookup, &transfer->waiting);
	deadline_changed(transfer);
}

static void
take_out_of_park(HttpTransfer *transfer)
{
	transfer->parked = false;
	link_remove(&transfer->waiting);
}

/*
 * The end of a call
 */

/* No reason to touch libcurl for it again until it is released. */
static void
detach(HttpTransfer *transfer)
{
	HttpLoop   *loop = transfer->loop;
	Shard	   *shard = transfer->shard;

	if (shard != NULL)
	{
		curl_multi_remove_handle(shard->multi, transfer->easy);
		shard->ncalls--;
		shard->used_at = loop->now;
		transfer->shard = NULL;
		if (transfer->counted)
			transfer->host->connections[shard - loop->shards]--;
		if (!link_alone(&transfer->host->for_room))
			loop->unpark = true;
	}
	lookup_ends(transfer);
}

static void
end_call(HttpTransfer *transfer, HttpEnd end)
{
	detach(transfer);
	take_out_of_park(transfer);
	heap_remove(transfer->loop, transfer);
	transfer->call.end = end;
	mark_dirty(transfer);
}

static void
set_error(HttpTransfer *transfer, const char *fmt,...)
			__attribute__((format(printf, 2, 3)));

/*
 * libcurl's words may quote what a server sent; only printable ASCII stays, so
 * that the text can be stored and shown anywhere.
 */
static void
set_error(HttpTransfer *transfer, const char *fmt,...)
{
	char	   *p = transfer->call.error;
	va_list		args;

	va_start(args, fmt);
	vsnprintf(p, sizeof(transfer->call.error), fmt, args);
	va_end(args);
	for (; *p != '\0'; p++)
	{
		if (*p < 0x20 || *p > 0x7e)
			*p = '?';
	}
}

static const char *
curl_words(const HttpTransfer *transfer, CURLcode code)
{
	return transfer->curl_error[0] != '\0' ? transfer->curl_error :
		curl_easy_strerror(code);
}

/* A callback had stopped it. */
static HttpEnd
judge_stop(HttpTransfer *transfer)
{
	switch (transfer->stop)
	{
		case STOP_ADDRESS:
			set_error(transfer, "the address %s is private, local or reserved, "
					  "and this server may connect to public addresses only",
					  transfer->refused);
			return HTTP_REFUSED_ADDRESS;
		case STOP_RESEND:
			set_error(transfer, "the connection broke after the request was sent, "
					  "before any answer came");
			return HTTP_CUT;
		case STOP_BODY:
			set_error(transfer, "the answer is larger than %zu bytes",
					  transfer->max_body);
			return HTTP_TOO_LARGE;
		case STOP_LINE:
			set_error(transfer, "a header line of the answer is longer than %d bytes",
					  MAX_HEADER_LINE);
			return HTTP_TOO_LARGE;
		case STOP_COUNT:
			set_error(transfer, "the answer has more than %d header lines",
					  MAX_HEADER_COUNT);
			return HTTP_TOO_LARGE;
		case STOP_MEMORY:
		case STOP_NONE:
		case STOP_PARK:
			break;
	}
	set_error(transfer, "out of memory");
	return HTTP_BROKEN;
}

/* The connection was there, or nearly, and broke. */
static HttpEnd
judge_broken_connection(HttpTransfer *transfer, CURLcode code)
{
	const HttpCall *call = &transfer->call;
	curl_off_t	announced = -1;

	/* All that was announced is there: what broke afterwards is no loss. */
	curl_easy_getinfo(transfer->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
	if (call->head_done && call->received == (int64_t) announced)
		return HTTP_COMPLETE;
	if (!call->request_sent)
	{
		set_error(transfer, "the connection broke before the request was sent: %s",
				  curl_words(transfer, code));
		return HTTP_UNREACHABLE;
	}
	if (!call->head_done)
		set_error(transfer, "the connection broke after the request was sent, "
				  "before any answer came: %s", curl_words(transfer, code));
	else
		set_error(transfer, "the connection broke after %lld bytes of the answer: %s",
				  (long long) call->received, curl_words(transfer, code));
	return HTTP_CUT;
}

static HttpEnd
judge_no_connection(HttpTransfer *transfer, CURLcode code)
{
	/* One refused address and one that did not answer: the policy is the news */
	if (transfer->refused[0] != '\0')
	{
		transfer->stop = STOP_ADDRESS;
		return judge_stop(transfer);
	}
	if (transfer->socket_errno != 0)
		set_error(transfer, "no socket could be made: %s",
				  strerror(transfer->socket_errno));
	else
		set_error(transfer, "no connection: %s", curl_words(transfer, code));
	return HTTP_UNREACHABLE;
}

static HttpEnd
judge_tls(HttpTransfer *transfer, CURLcode code)
{
	set_error(transfer, "TLS failed: %s", curl_words(transfer, code));
	return HTTP_TLS;
}

static HttpEnd
judge_code(HttpTransfer *transfer, CURLcode code)
{
	switch (code)
	{
		case CURLE_OK:
			/* libcurl finds nothing wrong with a connection closed inside a head */
			return transfer->call.head_done ? HTTP_COMPLETE :
				judge_broken_connection(transfer, CURLE_GOT_NOTHING);
		case CURLE_OPERATION_TIMEDOUT:
			if (transfer->call.request_sent)
				return judge_broken_connection(transfer, code);
			if (transfer->refused[0] != '\0')
				return judge_no_connection(transfer, code);
			describe_timeout(transfer, CLOCK_CONNECT);
			return HTTP_TIMEOUT;
		case CURLE_COULDNT_RESOLVE_HOST:
		case CURLE_COULDNT_RESOLVE_PROXY:
			set_error(transfer, "the host's name has no address: %s",
					  curl_words(transfer, code));
			return HTTP_UNRESOLVED;
		case CURLE_COULDNT_CONNECT:
		case CURLE_INTERFACE_FAILED:
			return judge_no_connection(transfer, code);
		case CURLE_SSL_CONNECT_ERROR:
		case CURLE_SSL_CERTPROBLEM:
		case CURLE_SSL_CIPHER:
		case CURLE_PEER_FAILED_VERIFICATION:
		case CURLE_SSL_CACERT_BADFILE:
		case CURLE_SSL_CRL_BADFILE:
		case CURLE_SSL_ISSUER_ERROR:
		case CURLE_SSL_SHUTDOWN_FAILED:
		case CURLE_SSL_ENGINE_NOTFOUND:
		case CURLE_SSL_ENGINE_SETFAILED:
		case CURLE_SSL_ENGINE_INITFAILED:
		case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
		case CURLE_SSL_INVALIDCERTSTATUS:
		case CURLE_USE_SSL_FAILED:
			return judge_tls(transfer, code);
		case CURLE_GOT_NOTHING:
		case CURLE_PARTIAL_FILE:
		case CURLE_SEND_ERROR:
		case CURLE_RECV_ERROR:
		case CURLE_HTTP2:
		case CURLE_HTTP2_STREAM:
		case CURLE_SEND_FAIL_REWIND:
			return judge_broken_connection(transfer, code);
#if LIBCURL_VERSION_NUM >= 0x080600
		case CURLE_TOO_LARGE:
#endif
		case CURLE_OUT_OF_MEMORY:

			/*
			 * libcurl's own limit on a header line speaks so, by version, and
			 * comes before ours: it collects the whole line first.
			 */
			if (transfer->call.request_sent && !transfer->call.head_done)
			{
				transfer->stop = STOP_LINE;
				return judge_stop(transfer);
			}
			/* FALLTHROUGH */
		default:
			set_error(transfer, "%s", curl_words(transfer, code));
			return HTTP_BROKEN;
	}
}

/* A name that has no address has none for those who waited for the answer. */
static void
end_parked_alike(const HttpTransfer *ended)
{
	Link	   *waiters = &ended->host->for_lookup;

	while (!link_alone(waiters))
	{
		HttpTransfer *transfer = waiting_transfer(waiters->next);

		set_error(transfer, "%s", ended->call.error);
		end_call(transfer, ended->call.end);
	}
}

/* libcurl is done with it, one way or the other. */
static void
transfer_done(HttpTransfer *transfer, CURLcode code)
{
	detach(transfer);
	if (transfer->stop == STOP_PARK)
	{
		park(transfer);

		/* The lookup that it waits for may have ended meanwhile. */
		transfer->loop->unpark = true;
		return;
	}
	if (transfer->stop != STOP_NONE && code != CURLE_OK)
		end_call(transfer, judge_stop(transfer));
	else
		end_call(transfer, judge_code(transfer, code));
	if (transfer->call.end == HTTP_UNRESOLVED)
		end_parked_alike(transfer);
}

/*
 * Callbacks about the address
 */

static bool
address_text(const struct sockaddr *address, char *text, size_t size)
{
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;

	if (address->sa_family == AF_INET)
	{
		memcpy(&in4, address, sizeof(in4));
		return inet_ntop(AF_INET, &in4.sin_addr, text, (socklen_t) size) != NULL;
	}
	if (address->sa_family == AF_INET6)
	{
		memcpy(&in6, address, sizeof(in6));
		return inet_ntop(AF_INET6, &in6.sin6_addr, text, (socklen_t) size) != NULL;
	}
	return false;
}

static int
before_lookup(void *resolver, void *reserved, void *arg)
{
	HttpTransfer *transfer = arg;

	(void) resolver;
	(void) reserved;
	if (!may_look_up(transfer))
	{
		transfer->stop = STOP_PARK;
		return 1;
	}
	lookup_begins(transfer);
	return 0;
}

/*
 * The address has been decided by the resolver, and this is the last moment
 * before the connect: the only place where a name that changes its address
 * between check and use can be caught.
 */
static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	HttpTransfer *transfer = arg;
	int			fd;

	(void) purpose;
	lookup_ends(transfer);
	if (!transfer->allow_private && !guard_address_is_public(&address->addr))
	{
		if (!address_text(&address->addr, transfer->refused, sizeof(transfer->refused)))
			snprintf(transfer->refused, sizeof(transfer->refused), "(unreadable)");
		return CURL_SOCKET_BAD;
	}
	fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
	if (fd < 0)
	{
		transfer->socket_errno = errno;
		return CURL_SOCKET_BAD;
	}
	transfer->socket_errno = 0;
	return fd;
}

/*
 * The connection is there and the request is about to be sent, over a new
 * connection or a kept one.  A kept one may have been opened for a server with
 * other rights, so its address is judged again.
 *
 * When a kept connection breaks before the first byte of an answer, libcurl
 * sends the request again by itself.  Right after the first sending that means
 * that the other side had closed the idle connection, and nothing was lost.
 * Later it may mean that the model was at work: sending it again is then for
 * the executor to decide, who counts attempts and money.
 */
static int
before_request(void *arg, char *ip, char *local_ip, int port, int local_port)
{
	HttpTransfer *transfer = arg;
	HttpLoop   *loop = transfer->loop;

	(void) local_ip;
	(void) port;
	(void) local_port;
	lookup_ends(transfer);
	if (!transfer->allow_private && !guard_text_is_public(ip))
	{
		transfer->stop = STOP_ADDRESS;
		snprintf(transfer->refused, sizeof(transfer->refused), "%.*s",
				 INET6_ADDRSTRLEN, ip != NULL ? ip : "(unknown)");
		return CURL_PREREQFUNC_ABORT;
	}
	if (transfer->sent_at != NEVER)
	{
		if (loop->now - transfer->sent_at > RESEND_WITHIN_MS)
		{
			transfer->stop = STOP_RESEND;
			return CURL_PREREQFUNC_ABORT;
		}
		return CURL_PREREQFUNC_OK;
	}
	transfer->sent_at = loop->now;
	transfer->call.request_sent = true;
	deadline_changed(transfer);
	return CURL_PREREQFUNC_OK;
}

/*
 * Callbacks about the answer
 */

static int
parse_status(const char *line, size_t len)
{
	const char *space = memchr(line, ' ', len);
	size_t		rest;
	int			status = 0;
	int			i;

	if (space == NULL)
		return 0;
	rest = len - (size_t) (space - line) - 1;
	for (i = 0; i < 3; i++)
	{
		if ((size_t) i >= rest || space[1 + i] < '0' || space[1 + i] > '9')
			return 0;
		status = status * 10 + (space[1 + i] - '0');
	}
	return status;
}

static bool
is_status_line(const char *line, size_t len)
{
	return len >= 5 && memcmp(line, "HTTP/", 5) == 0;
}

/* The calls that waited for connections may find that they need none. */
static void
learn_version(HttpTransfer *transfer, const char *line, size_t len)
{
	if (transfer->http1)
		return;
	transfer->host->multiplexes = len > 5 && line[5] >= '2';
	if (!link_alone(&transfer->host->for_room))
		transfer->loop->unpark = true;
}

/* An empty line ends the head; a 1xx head is only an announcement. */
static void
head_ends(HttpTransfer *transfer)
{
	HttpCall   *call = &transfer->call;

	if (call->head.status < 200)
	{
		http_head_init(&call->head);
		return;
	}
	call->head_done = true;
	mark_dirty(transfer);
}

static void
take_header_line(HttpTransfer *transfer, const char *line, size_t len)
{
	HttpCall   *call = &transfer->call;

	while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
		len--;

	/* Trailers come after the body, when the head has been acted upon. */
	if (call->head_done)
		return;
	if (is_status_line(line, len))
	{
		http_head_init(&call->head);
		call->head.status = parse_status(line, len);
		learn_version(transfer, line, len);
	}
	else if (len == 0)
		head_ends(transfer);
	else
		http_head_line(&call->head, line, len, transfer->loop->wall);
}

static size_t
on_header(char *line, size_t size, size_t nitems, void *arg)
{
	HttpTransfer *transfer = arg;
	size_t		len = size * nitems;

	/* Counted over all heads, or endless 1xx heads would go on endlessly. */
	if (++transfer->header_lines > MAX_HEADER_COUNT)
		transfer->stop = STOP_COUNT;
	else if (len > MAX_HEADER_LINE)
		transfer->stop = STOP_LINE;
	if (transfer->stop != STOP_NONE)
		return 0;
	take_header_line(transfer, line, len);
	return len;
}

static size_t
on_body(char *bytes, size_t size, size_t nitems, void *arg)
{
	HttpTransfer *transfer = arg;
	HttpCall   *call = &transfer->call;
	size_t		len = size * nitems;
	bool		first = transfer->piece_at == NEVER;

	if (len == 0)
		return 0;
	if (len > transfer->max_body ||
		(size_t) call->received > transfer->max_body - len)
	{
		transfer->stop = STOP_BODY;
		return 0;
	}
	if (!buf_append(&call->in, bytes, len))
	{
		transfer->stop = STOP_MEMORY;
		return 0;
	}
	call->received += (int64_t) len;
	transfer->piece_at = transfer->loop->now;
	if (first)
		deadline_changed(transfer);
	mark_dirty(transfer);
	return len;
}

/*
 * Callbacks about sockets and time
 */

/*
 * A failure of epoll_ctl (no kernel memory) is not reported: libcurl would give
 * up all transfers at once.  The one that nobody watches ends by its timeouts.
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

	/* known is NULL at the socket's first time, then what was assigned here */
	if (known == NULL)
	{
		if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0 && errno == EEXIST)
			epoll_ctl(epoll_fd, EPOLL_CTL_MOD, fd, &event);
		curl_multi_assign(shard->multi, fd, shard);
	}
	else if (epoll_ctl(epoll_fd, EPOLL_CTL_MOD, fd, &event) != 0 && errno == ENOENT)
		epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
	return 0;
}

static int
set_timer(CURLM *multi, long ms, void *arg)
{
	Shard	   *shard = arg;

	(void) multi;
	shard->curl_due = ms < 0 ? NEVER : clock_ms() + ms;
	shard->curl_due_set = true;
	return 0;
}

/*
 * Shards
 */

/* A shard's part of the limit on a host's connections: the parts add up to it. */
static long
shard_host_connections(const HttpLoop *loop, int shard)
{
	return loop->host_connections / loop->nshards +
		(shard < loop->host_connections % loop->nshards ? 1 : 0);
}

static bool
create_shard(HttpLoop *loop, Shard *shard)
{
	CURLM	   *multi = curl_multi_init();

	if (multi == NULL)
		return false;
	shard->loop = loop;
	shard->multi = multi;
	shard->ncalls = 0;
	shard->curl_due = NEVER;

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
	curl_multi_cleanup(multi);
	shard->multi = NULL;
	return false;
}

/*
 * Of those with room for the call's connection the first that is not full, or
 * the least loaded when all are full; NULL when none has room.  The first shard
 * is always there: if no other can be made, those that are there must do.
 */
static Shard *
choose_shard(HttpTransfer *transfer)
{
	HttpLoop   *loop = transfer->loop;
	bool		limited = loop->host_connections > 0 && needs_connection(transfer);
	Shard	   *best = NULL;
	int			i;

	for (i = 0; i < loop->nshards; i++)
	{
		Shard	   *shard = &loop->shards[i];

		if (shard->multi == NULL && !create_shard(loop, shard))
			break;
		if (limited && transfer->host->connections[i] >= shard_host_connections(loop, i))
			continue;
		if (shard->ncalls < loop->shard_calls)
			return shard;
		if (best == NULL || shard->ncalls < best->ncalls)
			best = shard;
	}
	return best;
}

/*
 * The limits hold for the whole loop, so they are divided among the shards, of
 * which there are no more than each can have a fair part.
 */
static void
plan_shards(HttpLoop *loop, long max_host_connections, long descriptors)
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
	loop->shard_calls = SHARD_CALLS;
	loop->shard_connections = max_connections / n;
	loop->host_connections = max_host_connections > 0 ? max_host_connections : 0;
}

static void
close_idle_shards(HttpLoop *loop)
{
	int			i;

	for (i = 1; i < loop->nshards; i++)
	{
		Shard	   *shard = &loop->shards[i];

		if (shard->multi == NULL || shard->ncalls > 0 ||
			loop->now - shard->used_at < SHARD_IDLE_MS)
			continue;
		curl_multi_cleanup(shard->multi);
		shard->multi = NULL;
		shard->curl_due = NEVER;
	}
}

/*
 * Running
 */

/*
 * Threads inherit the mask of signals, and a signal of the server's that lands
 * in a resolver thread would run its handler there.
 */
static void
block_signals(sigset_t *saved)
{
	sigset_t	all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, saved);
}

static void
restore_signals(const sigset_t *saved)
{
	pthread_sigmask(SIG_SETMASK, saved, NULL);
}

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

/* True when no socket is left that is ready. */
static bool
serve_sockets(HttpLoop *loop)
{
	struct epoll_event events[EVENT_BATCH];
	int			running;
	int			n;
	int			i;

	n = epoll_wait(loop->epoll_fd, events, EVENT_BATCH, 0);
	look_at_clock(loop);
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
 * a rounding, it finds nothing due and wishes the same as before: then it must
 * be asked, or it would never be called again.
 */
static void
serve_timer(Shard *shard)
{
	int			running;
	long		ms = -1;

	shard->curl_due = NEVER;
	shard->curl_due_set = false;
	curl_multi_socket_action(shard->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	if (shard->curl_due_set)
		return;
	curl_multi_timeout(shard->multi, &ms);
	if (ms >= 0)
		shard->curl_due = clock_ms() + (ms > 0 ? ms : 1);
}

/*
 * All messages are read before the first transfer is removed: a removal looks
 * through the messages that are left, which would be quadratic in a burst.
 */
static void
collect_done(Shard *shard)
{
	HttpTransfer *done = NULL;
	HttpTransfer **tail = &done;
	CURLMsg    *message;
	int			left;

	while ((message = curl_multi_info_read(shard->multi, &left)) != NULL)
	{
		HttpTransfer *transfer = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
		transfer->done_code = message->data.result;
		transfer->done_next = NULL;
		*tail = transfer;
		tail = &transfer->done_next;
	}
	while (done != NULL)
	{
		HttpTransfer *transfer = done;

		done = transfer->done_next;
		transfer_done(transfer, transfer->done_code);
	}
}

static void
serve_shard(Shard *shard)
{
	int			i;

	for (i = 0; i < MAX_TIMER_ROUNDS && shard->curl_due <= shard->loop->now; i++)
		serve_timer(shard);
	collect_done(shard);
}

static bool
hand_to_curl(HttpTransfer *transfer, Shard *shard)
{
	transfer->stop = STOP_NONE;
	transfer->curl_error[0] = '\0';
	if (curl_multi_add_handle(shard->multi, transfer->easy) != CURLM_OK)
		return false;
	transfer->shard = shard;
	shard->ncalls++;
	transfer->counted = needs_connection(transfer);
	if (transfer->counted)
		transfer->host->connections[shard - transfer->loop->shards]++;
	return true;
}

/* False if libcurl does not take it.  Nobody overtakes those who wait for room. */
static bool
begin(HttpTransfer *transfer)
{
	Shard	   *shard = NULL;

	if (link_alone(&transfer->host->for_room) || !needs_connection(transfer))
		shard = choose_shard(transfer);
	if (shard != NULL)
		return hand_to_curl(transfer, shard);
	link_append(&transfer->host->for_room, &transfer->waiting);
	return true;
}

/* Hands over those who waited for room, as many as there is room for. */
static void
unpark_for_room(Host *host)
{
	while (!link_alone(&host->for_room))
	{
		HttpTransfer *transfer = waiting_transfer(host->for_room.next);
		Shard	   *shard = choose_shard(transfer);

		if (shard == NULL)
			break;
		take_out_of_park(transfer);
		if (!hand_to_curl(transfer, shard))
		{
			set_error(transfer, "out of memory");
			end_call(transfer, HTTP_BROKEN);
		}
	}
}

static void
unpark_calls(HttpLoop *loop)
{
	Host	   *host;

	loop->unpark = false;
	for (host = loop->hosts; host != NULL; host = host->next)
	{
		while (host->lookup == NULL && loop->nlookups < MAX_LOOKUPS &&
			   !link_alone(&host->for_lookup))
		{
			HttpTransfer *transfer = waiting_transfer(host->for_lookup.next);

			take_out_of_park(transfer);
			link_append(&host->for_room, &transfer->waiting);
		}
		unpark_for_room(host);
	}
}

static bool
sweep_is_due(const HttpLoop *loop, bool drained)
{
	if (loop->heap_len == 0 || loop->heap[0]->heap_key > loop->now ||
		loop->now - loop->last_sweep < SWEEP_INTERVAL_MS)
		return false;

	/*
	 * A piece may be waiting in a socket that was not served yet, because the
	 * executor was busy elsewhere: that is no silence of the server's.
	 */
	return drained || loop->now - loop->heap[0]->heap_key > SWEEP_OVERDUE_MS;
}

static void
sweep_deadlines(HttpLoop *loop)
{
	loop->last_sweep = loop->now;
	while (loop->heap_len > 0 && loop->heap[0]->heap_key <= loop->now)
	{
		HttpTransfer *transfer = loop->heap[0];
		Clock		which;
		int64_t		due = next_deadline(transfer, &which);

		if (due <= loop->now)
		{
			describe_timeout(transfer, which);
			end_call(transfer, which == CLOCK_TOTAL ? HTTP_OUT_OF_TIME : HTTP_TIMEOUT);
			continue;
		}
		heap_remove(loop, transfer);
		if (due != NEVER)
			heap_insert(loop, transfer, due);
	}
}

void
http_loop_run(HttpLoop *loop)
{
	sigset_t	saved;
	bool		drained = false;
	int			i;

	block_signals(&saved);
	for (i = 0; i < MAX_BATCHES && !drained; i++)
		drained = serve_sockets(loop);
	for (i = 0; i < loop->nshards; i++)
	{
		if (loop->shards[i].multi != NULL)
			serve_shard(&loop->shards[i]);
	}
	if (loop->unpark)
		unpark_calls(loop);
	if (sweep_is_due(loop, drained))
	{
		sweep_deadlines(loop);
		close_idle_shards(loop);
	}
	restore_signals(&saved);
}

long
http_loop_timeout(const HttpLoop *loop)
{
	int64_t		due = NEVER;
	int64_t		now;
	int			i;

	if (loop->unpark)
		return 0;
	for (i = 0; i < loop->nshards; i++)
	{
		if (loop->shards[i].curl_due < due)
			due = loop->shards[i].curl_due;
	}
	if (loop->heap_len > 0)
	{
		int64_t		sweep = loop->heap[0]->heap_key;

		if (sweep < loop->last_sweep + SWEEP_INTERVAL_MS)
			sweep = loop->last_sweep + SWEEP_INTERVAL_MS;
		if (sweep < due)
			due = sweep;
	}
	if (due == NEVER)
		return -1;
	now = clock_ms();
	return due <= now ? 0 : (long) (due - now);
}

int
http_loop_fd(const HttpLoop *loop)
{
	return loop->epoll_fd;
}

HttpCall *
http_next(HttpLoop *loop)
{
	HttpTransfer *transfer = loop->dirty_head;

	if (transfer == NULL)
		return NULL;
	unmark_dirty(transfer);
	return &transfer->call;
}

/*
 * Transfers and their easy handles.  Both are pooled: what never changes is set
 * once per handle, what depends on the call is set by configure, and what points
 * into the call's memory is taken back by forget_request.
 */

static void
wipe_buf(Buf *buf)
{
	if (buf->data != NULL)
		explicit_bzero(buf->data, buf->cap);
	buf_free(buf);
}

static void
forget_request(HttpTransfer *transfer)
{
	int			i;

	curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, NULL);
	curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDS, NULL);
	for (i = 0; i < transfer->nheaders; i++)
		wipe_buf(&transfer->headers[i]);
	transfer->nheaders = 0;
	wipe_buf(&transfer->url);
	buf_free(&transfer->body);
	leave_host(transfer);
}

static bool
set_trust(HttpLoop *loop, CURL *easy)
{
	bool		ok = true;

	if (loop->ca_path != NULL)
		ok = curl_easy_setopt(easy, CURLOPT_CAINFO, loop->ca_path) == CURLE_OK;

	/*
	 * With a directory besides the file libcurl would not keep the parsed
	 * certificates, and read 140 of them again for each new connection.
	 */
	if (ok && loop->ca_one_file)
		ok = curl_easy_setopt(easy, CURLOPT_CAPATH, NULL) == CURLE_OK;
	return ok;
}

static bool
set_safety(HttpLoop *loop, CURL *easy)
{
	return set_trust(loop, easy) &&
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_NETRC, (long) CURL_NETRC_IGNORED) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_MAXREDIRS, 0L) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L) == CURLE_OK;
}

static bool
set_behaviour(HttpLoop *loop, CURL *easy)
{
	return curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 1L) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, 60L) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, 15L) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, DNS_CACHE_SECONDS) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 16384L) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_SHARE, loop->share) == CURLE_OK;
}

static bool
set_callbacks(HttpTransfer *transfer)
{
	CURL	   *easy = transfer->easy;

	return curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->curl_error) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_RESOLVER_START_FUNCTION, before_lookup) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_RESOLVER_START_DATA, transfer) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_request) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer) == CURLE_OK;
}

static void
destroy_transfer(HttpTransfer *transfer)
{
	if (transfer->easy != NULL)
	{
		forget_request(transfer);
		curl_easy_cleanup(transfer->easy);
	}
	buf_free(&transfer->call.in);
	free(transfer);
}

static HttpTransfer *
create_transfer(HttpLoop *loop)
{
	HttpTransfer *transfer = calloc(1, sizeof(*transfer));

	if (transfer == NULL)
		return NULL;
	transfer->loop = loop;
	transfer->easy = curl_easy_init();
	if (transfer->easy == NULL || !set_safety(loop, transfer->easy) ||
		!set_behaviour(loop, transfer->easy) || !set_callbacks(transfer))
	{
		destroy_transfer(transfer);
		return NULL;
	}
	return transfer;
}

static HttpTransfer *
take_transfer(HttpLoop *loop)
{
	HttpTransfer *transfer = loop->pool;

	if (transfer == NULL)
		return create_transfer(loop);
	loop->pool = transfer->next;
	transfer->next = NULL;
	loop->npool--;
	return transfer;
}

static void
give_back_transfer(HttpTransfer *transfer)
{
	HttpLoop   *loop = transfer->loop;

	if (loop->npool >= MAX_POOL)
	{
		destroy_transfer(transfer);
		return;
	}
	forget_request(transfer);
	if (transfer->call.in.cap > KEEP_BUFFER)
		buf_free(&transfer->call.in);
	transfer->prev = NULL;
	transfer->next = loop->pool;
	loop->pool = transfer;
	loop->npool++;
}

/* Everything that an earlier call left in a pooled transfer. */
static void
reset_transfer(HttpTransfer *transfer, const HttpSpec *spec)
{
	HttpCall   *call = &transfer->call;

	http_head_init(&call->head);
	call->head_done = false;
	buf_reset(&call->in);
	call->in.limit = spec->max_body;
	call->received = 0;
	call->end = HTTP_RUNNING;
	call->request_sent = false;
	call->error[0] = '\0';
	call->owner = spec->owner;
	call->transfer = transfer;

	transfer->connect_ms = spec->connect_timeout_ms > 0 ?
		spec->connect_timeout_ms : DEFAULT_CONNECT_MS;
	transfer->first_byte_ms = spec->first_byte_timeout_ms;
	transfer->idle_ms = spec->idle_timeout_ms;
	transfer->total_ms = spec->total_timeout_ms;
	transfer->allow_private = spec->allow_private;
	transfer->max_body = spec->max_body;

	/*
	 * HTTP/2 is spoken over TLS only, where the handshake tells at once whether
	 * the server can.  Without TLS only its first answer would tell libcurl that
	 * it cannot, and until then PIPEWAIT would hold back all other calls of the
	 * shard.
	 */
	transfer->http1 = spec->http1_only ||
		strncasecmp(buf_text(&spec->parts->url), "https:", 6) != 0;

	transfer->stop = STOP_NONE;
	transfer->host = NULL;
	transfer->shard = NULL;
	transfer->counted = false;
	transfer->parked = false;
	link_init(&transfer->waiting);
	transfer->started_at = transfer->loop->now;
	transfer->parked_at = NEVER;
	transfer->sent_at = NEVER;
	transfer->piece_at = NEVER;
	transfer->header_lines = 0;
	transfer->socket_errno = 0;
	transfer->refused[0] = '\0';
	transfer->heap_pos = -1;
	transfer->dirty = false;
}

static void
take_buf(Buf *to, Buf *from)
{
	*to = *from;
	buf_init(from, to->limit);
}

static void
take_request(HttpTransfer *transfer, RequestParts *parts)
{
	int			i;

	take_buf(&transfer->url, &parts->url);
	take_buf(&transfer->body, &parts->body);
	for (i = 0; i < parts->nheaders; i++)
		take_buf(&transfer->headers[i], &parts->headers[i]);
	transfer->nheaders = parts->nheaders;
	parts->nheaders = 0;
}

/*
 * The list of headers is built of nodes inside the transfer: libcurl only reads
 * it.  "Expect:" without a value keeps libcurl from waiting a second for a
 * "100 Continue" before it sends a large body.
 */
static struct curl_slist *
link_headers(HttpTransfer *transfer)
{
	static char no_expect[] = "Expect:";
	int			i;

	for (i = 0; i < transfer->nheaders; i++)
	{
		transfer->nodes[i].data = transfer->headers[i].data;
		transfer->nodes[i].next = &transfer->nodes[i + 1];
	}
	transfer->nodes[i].data = no_expect;
	transfer->nodes[i].next = NULL;
	return transfer->nodes;
}

/* A request without a body asks with GET. */
static bool
set_method(HttpTransfer *transfer)
{
	CURL	   *easy = transfer->easy;

	if (transfer->body.data == NULL)
		return curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L) == CURLE_OK;
	return curl_easy_setopt(easy, CURLOPT_POST, 1L) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
						 (curl_off_t) transfer->body.len) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, transfer->body.data) == CURLE_OK;
}

static bool
configure(HttpTransfer *transfer, const HttpSpec *spec)
{
	CURL	   *easy = transfer->easy;

	return curl_easy_setopt(easy, CURLOPT_URL, buf_text(&transfer->url)) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR,
						 spec->allow_http ? "http,https" : "https") == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "https") == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
						 transfer->http1 ? (long) CURL_HTTP_VERSION_1_1 :
						 (long) CURL_HTTP_VERSION_2TLS) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, transfer->connect_ms) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_HTTPHEADER, link_headers(transfer)) == CURLE_OK &&
		set_method(transfer);
}

static const char *
check_buf(const Buf *buf)
{
	if (buf->failed)
		return "the request is too large, or memory ran out while it was built";
	return NULL;
}

/*
 * A second look at what the providers built: a line break in a header would be
 * a header of somebody else's choice.
 */
static const char *
check_parts(const HttpSpec *spec)
{
	const RequestParts *parts = spec->parts;
	const char *wrong = check_buf(&parts->url);
	int			i;

	if (wrong == NULL)
		wrong = check_buf(&parts->body);
	for (i = 0; i < parts->nheaders && wrong == NULL; i++)
	{
		const Buf  *header = &parts->headers[i];

		wrong = check_buf(header);
		if (wrong == NULL &&
			(header->len == 0 || strcspn(header->data, "\r\n") != header->len))
			wrong = "a header of the request contains a line break or nothing at all";
	}
	if (wrong != NULL)
		return wrong;
	if (strncasecmp(buf_text(&parts->url), "https://", 8) == 0)
		return NULL;
	if (strncasecmp(buf_text(&parts->url), "http://", 7) != 0)
		return "the URL begins with neither https:// nor http://";
	return spec->allow_http ? NULL : "the URL is not https, and this server may use https only";
}

static void
link_call(HttpTransfer *transfer)
{
	HttpLoop   *loop = transfer->loop;

	transfer->prev = NULL;
	transfer->next = loop->all;
	if (loop->all != NULL)
		loop->all->prev = transfer;
	loop->all = transfer;
	loop->ncalls++;
}

static void
unlink_call(HttpTransfer *transfer)
{
	HttpLoop   *loop = transfer->loop;

	if (transfer->prev != NULL)
		transfer->prev->next = transfer->next;
	else
		loop->all = transfer->next;
	if (transfer->next != NULL)
		transfer->next->prev = transfer->prev;
	loop->ncalls--;
}

HttpCall *
http_start(HttpLoop *loop, const HttpSpec *spec, char *error, size_t error_size)
{
	HttpTransfer *transfer;
	sigset_t	saved;
	bool		started;
	const char *wrong = check_parts(spec);

	if (wrong != NULL)
	{
		snprintf(error, error_size, "%s", wrong);
		return NULL;
	}
	transfer = heap_reserve(loop, loop->ncalls + 1) ? take_transfer(loop) : NULL;
	if (transfer == NULL)
	{
		snprintf(error, error_size, "out of memory");
		return NULL;
	}
	look_at_clock(loop);
	reset_transfer(transfer, spec);
	take_request(transfer, spec->parts);
	block_signals(&saved);
	started = join_host(transfer) && configure(transfer, spec) && begin(transfer);
	restore_signals(&saved);
	if (!started)
	{
		snprintf(error, error_size, "the request could not be started: out of memory, or no valid URL");
		give_back_transfer(transfer);
		return NULL;
	}
	link_call(transfer);
	deadline_changed(transfer);
	return &transfer->call;
}

void
http_release(HttpLoop *loop, HttpCall *call)
{
	HttpTransfer *transfer = call->transfer;
	sigset_t	saved;

	block_signals(&saved);
	detach(transfer);
	take_out_of_park(transfer);
	heap_remove(loop, transfer);
	unmark_dirty(transfer);
	unlink_call(transfer);
	give_back_transfer(transfer);
	restore_signals(&saved);
}

/*
 * The loop itself
 */

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

/*
 * With NOSIGNAL libcurl leaves SIGPIPE alone, and OpenSSL writes to sockets
 * without asking for its absence.
 */
static void
ignore_sigpipe(void)
{
	struct sigaction action;

	if (sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_DFL)
	{
		action.sa_handler = SIG_IGN;
		sigaction(SIGPIPE, &action, NULL);
	}
}

static bool
copy_file(int to, const char *path)
{
	char		bytes[8192];
	ssize_t		n;
	int			from = open(path, O_RDONLY | O_CLOEXEC);

	if (from < 0)
		return false;
	while ((n = read(from, bytes, sizeof(bytes))) > 0)
	{
		if (write(to, bytes, (size_t) n) != n)
		{
			n = -1;
			break;
		}
	}
	close(from);
	return n == 0;
}

/*
 * libcurl trusts one file, and a user's further certificates are to be trusted
 * besides the system's: so both are joined in a file that exists in memory only.
 * Returns false when that is not possible.
 */
static bool
join_certificates(HttpLoop *loop, const char *system_file, const char *ca_file)
{
	char		path[64];

	loop->ca_fd = memfd_create("certificates", MFD_CLOEXEC);
	if (loop->ca_fd < 0)
		return false;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", loop->ca_fd);
	if (!copy_file(loop->ca_fd, system_file) ||
		write(loop->ca_fd, "\n", 1) != 1 ||
		!copy_file(loop->ca_fd, ca_file) ||
		access(path, R_OK) != 0)
		return false;
	loop->ca_path = strdup(path);
	loop->ca_one_file = loop->ca_path != NULL;
	return loop->ca_one_file;
}

/*
 * An unreadable ca_file is left to libcurl, which names it in the error of
 * every call: trusting less than was asked for must not go unnoticed.
 */
static bool
choose_certificates(HttpLoop *loop, const char *ca_file)
{
	CURL	   *easy = curl_easy_init();
	char	   *found = NULL;
	char	   *system_file = NULL;

	if (easy == NULL)
		return false;
	if (curl_easy_getinfo(easy, CURLINFO_CAINFO, &found) == CURLE_OK &&
		found != NULL && access(found, R_OK) == 0)
		system_file = strdup(found);
	curl_easy_cleanup(easy);

	if (ca_file == NULL)
		loop->ca_one_file = system_file != NULL;
	else if (system_file == NULL || !join_certificates(loop, system_file, ca_file))
		loop->ca_path = strdup(ca_file);
	free(system_file);
	return ca_file == NULL || loop->ca_path != NULL;
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
	static bool curl_ready = false;
	HttpLoop   *loop = calloc(1, sizeof(*loop));
	sigset_t	saved;
	bool		ok;
	int			i;

	if (loop == NULL)
		return NULL;
	loop->ca_fd = -1;
	for (i = 0; i < MAX_SHARDS; i++)
		loop->shards[i].curl_due = NEVER;
	look_at_clock(loop);
	loop->last_sweep = loop->now;
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);

	block_signals(&saved);
	ignore_sigpipe();
	if (!curl_ready)
		curl_ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
	plan_shards(loop, max_host_connections, raise_descriptor_limit());
	ok = curl_ready && loop->epoll_fd >= 0 &&
		choose_certificates(loop, ca_file) &&
		create_share(loop) &&
		create_shard(loop, &loop->shards[0]);
	restore_signals(&saved);

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
	block_signals(&saved);
	while (loop->all != NULL)
		http_release(loop, &loop->all->call);
	while (loop->pool != NULL)
	{
		HttpTransfer *transfer = loop->pool;

		loop->pool = transfer->next;
		destroy_transfer(transfer);
	}
	for (i = 0; i < MAX_SHARDS; i++)
	{
		if (loop->shards[i].multi != NULL)
			curl_multi_cleanup(loop->shards[i].multi);
	}
	while (loop->hosts != NULL)
		destroy_host(loop, loop->hosts);
	if (loop->share != NULL)
		curl_share_cleanup(loop->share);
	restore_signals(&saved);
	if (loop->epoll_fd >= 0)
		close(loop->epoll_fd);
	if (loop->ca_fd >= 0)
		close(loop->ca_fd);
	free(loop->ca_path);
	free(loop->heap);
	free(loop);
}
