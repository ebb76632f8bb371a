/*
 * http_private.h
 *		What the files of the HTTP loop share; http.h is what the executor sees.
 *
 *		http.c			the loop: made, run, asked, freed
 *		http_transfer.c a call and its easy handle: set up, pooled, ended
 *		http_host.c		who must wait: one lookup of a name, its connections
 *		http_shard.c	libcurl's multi handles, their sockets and timers
 *		http_address.c	callbacks on the way to the server
 *		http_answer.c	callbacks for what comes back, and how it ended
 *		http_pause.c	from whom is read, when memory is short
 *		http_deadline.c clocks, and the heap of deadlines
 *		http_trust.c	certificates
 *		http_memory.c	what libcurl frees
 *
 * A call's life:
 *
 *		http_start -> [waiting] -> connecting -> sent -> head -> body -> ended
 *
 * Callbacks run inside libcurl: they append to bounded buffers, set flags, move
 * memory-only lists, and return short to abort (stop says why).  None of them
 * calls libcurl to add or to remove a transfer.
 */
#ifndef AS_HTTP_PRIVATE_H
#define AS_HTTP_PRIVATE_H

#include <netinet/in.h>
#include <signal.h>

#include <curl/curl.h>

#include "http.h"

#define MAX_SHARDS			64
#define MAX_HEADER_LINE		16384
#define MAX_HEADER_COUNT	200
#define MAX_PORTS			65536

#define NEVER				INT64_MAX	/* of times in monotonic milliseconds */

/* A member of a list, or its head; outside of any list it is linked to itself. */
typedef struct Link
{
	struct Link *prev;
	struct Link *next;
} Link;

static inline void
link_init(Link *link)
{
	link->prev = link;
	link->next = link;
}

/* Of a list: it is empty.  Of a member: it is in no list. */
static inline bool
link_alone(const Link *link)
{
	return link->next == link;
}

static inline void
link_append(Link *list, Link *link)
{
	link->prev = list->prev;
	link->next = list;
	list->prev->next = link;
	list->prev = link;
}

static inline void
link_remove(Link *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	link_init(link);
}

/* The transfer whose member this link is. */
#define link_transfer(link, member) \
	((HttpTransfer *) ((char *) (link) - offsetof(HttpTransfer, member)))

/* Why a callback told libcurl to stop. */
typedef enum StopReason
{
	STOP_NONE = 0,
	STOP_PARK,					/* its host is being looked up by another call */
	STOP_STRAY,					/* its kept connection is not silent: another is needed */
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

typedef struct HttpTransfer HttpTransfer;

/* What is known of a host; see http_host.c */
typedef struct Host
{
	struct Host *next;
	char	   *name;			/* scheme and authority, as the URLs have it */
	size_t		name_len;
	int			ncalls;			/* that belong to the loop */
	int			connections[MAX_SHARDS];	/* that calls need, per shard */
	bool		multiplexes;	/* its last answer came over HTTP/2 */
	int			npaused;		/* of its calls */
	int64_t		read_at;		/* when the last of them went on */
	HttpTransfer *lookup;		/* the call that looks the name up, or NULL */
	Link		for_lookup;		/* calls that wait for its end */
	Link		for_room;		/* calls that wait for a connection */
} Host;

/* A multi handle of libcurl's with its connections; see http_shard.c */
typedef struct Shard
{
	HttpLoop   *loop;
	CURLM	   *multi;			/* NULL: not in use */
	int			ncalls;			/* that libcurl holds */
	int64_t		curl_due;		/* when libcurl wants to be called; NEVER = not */
	int64_t		used_at;		/* when a call last ended */
} Shard;

struct HttpTransfer
{
	HttpCall	call;
	HttpLoop   *loop;
	CURL	   *easy;			/* lives as long as the transfer, pooled with it */
	Link		owned;			/* in the loop's calls or pool */

	/* The request, taken over from RequestParts. */
	Buf			url;
	Buf			body;
	Buf			headers[REQUEST_MAX_HEADERS];
	int			nheaders;
	struct curl_slist nodes[REQUEST_MAX_HEADERS + 1];	/* point into headers; one
														 * more for Expect */

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
	Link		waiting;		/* in the host's for_lookup or for_room */
	bool		parked;			/* in for_lookup */
	Shard	   *shard;			/* that holds the easy handle, or NULL */
	bool		counted;		/* in the host's connections of that shard */
	CURLcode	done_code;		/* inside collect_done only */
	Link		done;			/* likewise */
	Link		report;			/* in the loop's reports */
	Link		paused;			/* in the loop's paused */
	int64_t		backlog;		/* part of the loop's */

	int64_t		started_at;
	int64_t		parked_at;		/* NEVER until parked for the first time */
	int64_t		sent_at;		/* NEVER until the request was begun */
	int64_t		piece_at;		/* the last piece of body; NEVER before */
	int			heap_pos;		/* in the heap of deadlines, -1 = outside */
	int64_t		heap_key;		/* never later than the true deadline */

	/* For the error text. */
	int			header_lines;
	int			socket_errno;	/* why no socket could be made, 0 if it could */
	char		refused[INET6_ADDRSTRLEN + 8];	/* the address that was refused */
	char		curl_error[CURL_ERROR_SIZE];
};

struct HttpLoop
{
	Shard		shards[MAX_SHARDS];
	int			nshards;		/* that may be used */
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

	Link		calls;
	int			ncalls;
	Link		pool;			/* transfers kept for the next calls */
	int			npool;
	Link		reports;		/* calls for http_next */
	int64_t		backlog;		/* body bytes that http_next has not told of */

	HttpReading reading;
	Link		paused;			/* calls whose next piece was refused */
	HttpTransfer *turn;			/* whose pieces are taken, or NULL */
	int64_t		turn_at;		/* when the last one was */

	int		   *sockets;		/* by their ports at our end, those that an ended
								 * call has used, plus one; 0 = none */
	Host	   *hosts;
	int			nhosts;
	int			nlookups;		/* hosts that are being looked up */
	bool		unpark;			/* what waiting calls wait for may be there */

	HttpTransfer **heap;
	int			heap_len;
	int			heap_cap;		/* never less than the number of calls */
};

/*
 * http.c
 */

/* The executor is to look at the call; allowed inside callbacks. */
extern void http_report(HttpTransfer *transfer);

/* Its bytes are looked at, or nobody's any more. */
extern void http_forget_backlog(HttpTransfer *transfer);

/*
 * Around whatever may start a thread of libcurl's: threads inherit the mask of
 * signals, and a signal of the server's that lands in a resolver thread would
 * run its handler there.
 */
extern void http_block_signals(sigset_t *saved);
extern void http_restore_signals(const sigset_t *saved);

/*
 * http_memory.c
 */

/* Before anything else of libcurl is used; false if that fails. */
extern bool memory_init_curl(void);

/*
 * http_transfer.c
 */

/* Sets the call's error text. */
extern void transfer_error(HttpTransfer *transfer, const char *fmt,...)
			__attribute__((format(printf, 2, 3)));

/* Ends the call, wherever it stands: never inside a callback. */
extern void transfer_end(HttpTransfer *transfer, HttpEnd end);

/* libcurl is done with it: it waits for a lookup, or has ended. */
extern void transfer_done(HttpTransfer *transfer, CURLcode code);

/* Frees a transfer that is no call of the loop's. */
extern void transfer_destroy(HttpTransfer *transfer);

/*
 * http_host.c
 */

/* Sets transfer->host by its URL; false if out of memory. */
extern bool host_join(HttpTransfer *transfer);
extern void host_leave(HttpTransfer *transfer);
extern void host_free_all(HttpLoop *loop);

/* Hands the call to libcurl or lets it wait; false if libcurl does not take it. */
extern bool host_begin(HttpTransfer *transfer);

/* Hands over those waiting calls whose time has come. */
extern void host_unpark_calls(HttpLoop *loop);

/* Takes a call out of where it waits, if it does. */
extern void host_unpark(HttpTransfer *transfer);

/* Lets the call wait until its host's name has been looked up by another. */
extern void host_park(HttpTransfer *transfer);

/* It could not be looked up: all who wait for that share its end. */
extern void host_end_parked(const HttpTransfer *ended);

/* The three moments of a lookup; allowed inside callbacks. */
extern bool host_may_look_up(const HttpTransfer *transfer);
extern void host_lookup_begins(HttpTransfer *transfer);
extern void host_lookup_ends(HttpTransfer *transfer);

/* Must the call be counted as a connection? */
extern bool host_needs_connection(const HttpTransfer *transfer);

/* The protocol of an answer; allowed inside callbacks. */
extern void host_learn_version(HttpTransfer *transfer, bool multiplexes);

/*
 * http_shard.c
 */

/* Divides the limits: max_host_connections (0 = none), and on descriptors. */
extern void shard_plan(HttpLoop *loop, long max_host_connections, long descriptors);

/* False if out of memory; the first shard is made with the loop and stays. */
extern bool shard_create(HttpLoop *loop, Shard *shard);
extern void shard_destroy(Shard *shard);

/* Closes what connections shards keep that had no call for long. */
extern void shard_close_idle(HttpLoop *loop);

/* The shard that a call is to go to; NULL if its host has no connection left. */
extern Shard *shard_choose(HttpTransfer *transfer);

/* Gives the call to libcurl; false if libcurl does not take it. */
extern bool shard_take(Shard *shard, HttpTransfer *transfer);

/* Takes it back, and closes its connection if it has not ended. */
extern void shard_drop(HttpTransfer *transfer);

/* A batch of ready sockets; true when none is left. */
extern bool shard_serve_sockets(HttpLoop *loop);

/* libcurl's timer, and what libcurl is done with. */
extern void shard_serve(Shard *shard);

/*
 * http_address.c, http_answer.c
 */

/* Once for each easy handle; false if out of memory. */
extern bool address_set_callbacks(HttpTransfer *transfer);

/* A call has ended well, and libcurl may keep its connection. */
extern void address_keep_socket(HttpTransfer *transfer);

/* Once for each easy handle; false if out of memory. */
extern bool answer_set_callbacks(HttpTransfer *transfer);

/* How a transfer ended that libcurl ended; sets the error text. */
extern HttpEnd answer_judge(HttpTransfer *transfer, CURLcode code);

/*
 * http_pause.c
 */

/* Is a piece of body to be refused for now?  Inside callbacks. */
extern bool pause_wants(HttpTransfer *transfer);

/* The call has ended. */
extern void pause_forget(HttpTransfer *transfer);

/* It may be silent because it, or one on its connection, is paused. */
extern bool pause_stops_clock(const HttpTransfer *transfer);

/* Lets those go on that may, once a run. */
extern void pause_end(HttpLoop *loop);

/* When pause_end wants to be called; NEVER = not. */
extern int64_t pause_next(const HttpLoop *loop);

/*
 * http_deadline.c
 */

extern int64_t http_clock_ms(void);
extern void http_look_at_clock(HttpLoop *loop);

/* Room for that many calls; false if out of memory. */
extern bool deadline_reserve(HttpLoop *loop, int ncalls);

/* After a step in a call's life; allowed inside callbacks. */
extern void deadline_changed(HttpTransfer *transfer);
extern void deadline_forget(HttpTransfer *transfer);

/* When deadline_sweep wants to be called; NEVER = not. */
extern int64_t deadline_next(const HttpLoop *loop);

/* Ends what took too long.  drained: no piece is waiting in a socket. */
extern void deadline_sweep(HttpLoop *loop, bool drained);

/* Sets the error text for a clock that ran out. */
extern void deadline_describe(HttpTransfer *transfer, Clock which);

/*
 * http_trust.c
 */

/* Whom the loop's calls trust; false if out of memory. */
extern bool trust_choose(HttpLoop *loop, const char *ca_file);
extern void trust_free(HttpLoop *loop);

/* The certificates of one easy handle; false if out of memory. */
extern bool trust_set(const HttpLoop *loop, CURL *easy);

#endif							/* AS_HTTP_PRIVATE_H */
