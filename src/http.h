/*
 * http.h
 *		Thousands of streaming HTTP calls in one process: libcurl multi on epoll.
 *
 * The loop owns an epoll descriptor that the executor puts into its
 * WaitEventSet; nothing here blocks, throws, or knows of PostgreSQL.  Callbacks
 * only append to bounded buffers and set flags; the executor looks at a call
 * when http_next tells it to.
 *
 * Memory: everything is malloc.  A call belongs to the loop from http_start
 * until http_release.
 */
#ifndef AS_HTTP_H
#define AS_HTTP_H

#include "buf.h"
#include "provider.h"

typedef struct HttpLoop HttpLoop;

typedef struct HttpSpec
{
	RequestParts *parts;		/* url, headers, body: copied or taken over; the
								 * caller frees parts after http_start */
	long		connect_timeout_ms;
	long		first_byte_timeout_ms;	/* from the request's start to the first body byte; 0 = none */
	long		idle_timeout_ms;	/* between two pieces of the body; 0 = none */
	long		total_timeout_ms;	/* 0 = none */
	bool		allow_http;
	bool		allow_private;
	bool		http1_only;
	size_t		max_body;		/* more than this ends the call */
	void	   *owner;			/* the executor's own */
} HttpSpec;

typedef enum HttpEnd
{
	HTTP_RUNNING = 0,
	HTTP_COMPLETE,				/* the response ended in order, whatever its status */
	HTTP_TIMEOUT,				/* the connect, first-byte or idle timeout; error says which */
	HTTP_OUT_OF_TIME,			/* the total timeout */
	HTTP_UNRESOLVED,			/* the name has no address */
	HTTP_REFUSED_ADDRESS,		/* the address policy said no: nothing was sent */
	HTTP_TLS,					/* certificate or handshake */
	HTTP_CUT,					/* the connection broke after the request was sent */
	HTTP_UNREACHABLE,			/* no connection; nothing was sent */
	HTTP_TOO_LARGE,				/* body, header lines or header count over the limit */
	HTTP_BROKEN					/* anything else; error has libcurl's words */
} HttpEnd;

/* From which calls the bodies are read; heads and connections always go on. */
typedef enum HttpReading
{
	HTTP_READ_ALL = 0,
	HTTP_READ_ONE,				/* one after the other, those that share a
								 * connection of HTTP/2 together */
	HTTP_READ_NONE
} HttpReading;

typedef struct HttpCall
{
	HttpHead	head;			/* valid once head_done */
	bool		head_done;
	Buf			in;				/* body bytes not yet looked at; the executor resets it */
	int64_t		received;		/* body bytes in all */
	HttpEnd		end;
	bool		request_sent;	/* at least one byte of the request left: it may be billed */
	char		error[256];		/* for an end other than HTTP_COMPLETE; never holds a key */
	void	   *owner;
	struct HttpTransfer *transfer;	/* private */
} HttpCall;

/*
 * NULL if out of memory or descriptors.  Raises the soft limit of descriptors.
 * The process must ignore SIGPIPE, as all of the server's do.
 *
 * max_host_connections: what is over it waits, against no timeout but the total;
 * 0 = no limit.  Calls that share a connection of HTTP/2 are not held back, once
 * the host has answered so for the first time.
 * ca_file: further trusted certificates' file, NULL for the system's alone.
 */
extern HttpLoop *http_loop_create(long max_host_connections, const char *ca_file);
extern void http_loop_free(HttpLoop *loop); /* aborts what still runs */

/* Readable when http_loop_run has something to do; the loop's own. */
extern int	http_loop_fd(const HttpLoop *loop);

/* Milliseconds until http_loop_run must be called again; -1 = only when fd is readable. */
extern long http_loop_timeout(const HttpLoop *loop);

/*
 * Moves every transfer as far as it goes without waiting, and no further than some
 * megabytes ahead of http_next.
 */
extern void http_loop_run(HttpLoop *loop);

/*
 * For whom memory is short.  The others' sockets are left alone, and no silence of
 * theirs is held against them but by the total timeout.
 */
extern void http_set_reading(HttpLoop *loop, HttpReading reading);

/* NULL and a text in error (of size error_size) if it cannot be started. */
extern HttpCall *http_start(HttpLoop *loop, const HttpSpec *spec,
							char *error, size_t error_size);

/*
 * The next call with new bytes, a new head, or an end, each at most once per
 * http_loop_run; NULL when there is none.  A call that ended is reported once,
 * with end set, after its last bytes (in may be non-empty at that report).
 * What is not asked for stays, in order, and http_loop_timeout is 0 meanwhile.
 */
extern HttpCall *http_next(HttpLoop *loop);

/* Closes the socket at once if it still runs, and frees the call. */
extern void http_release(HttpLoop *loop, HttpCall *call);

#endif							/* AS_HTTP_H */
