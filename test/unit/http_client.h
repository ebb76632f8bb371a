/*
 * http_client.h
 *		What the tests of the HTTP loop call it with.
 *
 * They speak to the server of http_server.h, unless a host and a port are named.
 */
#ifndef AS_HTTP_CLIENT_H
#define AS_HTTP_CLIENT_H

#include "http.h"

#define LOCAL "127.0.0.1"

typedef struct Result
{
	bool		started;
	HttpEnd		end;
	int			status;
	bool		head_done;
	bool		request_sent;
	int64_t		received;
	int			reports;		/* how often http_next gave it */
	char		content_type[96];
	char		request_id[128];
	char		error[256];
	Buf			body;
	int64_t		took;
} Result;

/* For the tests that share a loop; ends the program if there is none. */
extern HttpLoop *create_loop(void);

/* Waits as the executor does, then lets the loop run. */
extern void turn(HttpLoop *loop);

/*
 * A call with a body and two headers, that is allowed all and has some seconds;
 * the test changes what it is about.  fetch or the test frees parts.
 */
extern void spec_init(HttpSpec *spec, RequestParts *parts, const char *host,
					  const char *path, int port);

/*
 * Starts one call, runs it to its end, and frees spec's parts.  The result is
 * for check, or its body to be freed.
 */
extern Result fetch(HttpLoop *loop, HttpSpec *spec);
extern Result fetch_path(HttpLoop *loop, const char *path);
extern bool body_is(Result *result, const char *text);

/*
 * Is ok() for a result; prints what was got when a test fails, and frees it.
 * A macro, so that the program's own ok() (tap_http.h) counts, and names the
 * test's line.
 */
#define check(passed, name, result)	explain_result(ok((passed), (name)), (result))
extern void explain_result(bool passed, Result *result);

/* A call that has a minute for whatever it waits for. */
extern HttpCall *start_default(HttpLoop *loop, const char *host, const char *path);

/* Starts n calls, no two of which share a connection; says how many could be. */
extern int	start_many(HttpLoop *loop, HttpCall **calls, int n, const char *host,
					   const char *path, int port);

/*
 * Runs until n calls have ended, and releases them; counts those that ended as
 * wanted, -1 = not all have ended.  bytes: of all bodies; once: no call was
 * reported twice in a row.
 */
extern int	run_many(HttpLoop *loop, int n, HttpEnd wanted, int64_t *bytes, bool *once);

/* Lets the loop run until the server holds n requests, or for ms; says how many. */
extern int	run_until_held(HttpLoop *loop, int n, int ms);

/* Lets all that is held be answered, and says whether n calls end well. */
extern bool let_go(HttpLoop *loop, int n);

#endif							/* AS_HTTP_CLIENT_H */
