/*
 * test_http_connections.c
 *		Which connection a call gets: a kept one, a new one, or its turn, where a
 *		host has no more.
 */
#include <string.h>

#include "http_client.h"
#include "http_server.h"
#include "tap_http.h"

/*
 * Kept connections
 */

static void
test_reuse(HttpLoop *loop)
{
	RequestParts parts;
	HttpSpec	spec;
	Result		r;
	int			connections = get(&server.connections);
	int			requests;
	int			i;
	bool		all = true;

	for (i = 0; i < 10; i++)
	{
		r = fetch_path(loop, "/plain");
		all = all && r.end == HTTP_COMPLETE;
		buf_free(&r.body);
	}
	ok(all && get(&server.connections) == connections + 1, "ten requests over one connection");

	connections = get(&server.connections);
	requests = get(&server.requests);
	spec_init(&spec, &parts, LOCAL, "/plain", server.port);
	spec.allow_private = false;
	r = fetch(loop, &spec);
	check(r.end == HTTP_REFUSED_ADDRESS && !r.request_sent && strstr(r.error, "127.0.0.1") != NULL &&
		  get(&server.connections) == connections && get(&server.requests) == requests,
		  "a kept connection is not reused by who may not", &r);
}

/* What a server sends unasked is nobody's answer, and shifts nobody's. */
static void
test_stray(void)
{
	HttpLoop   *loop = http_loop_create(0, NULL);
	int			connections = get(&server.connections);
	Result		r = fetch_path(loop, "/twice");

	check(r.end == HTTP_COMPLETE && body_is(&r, "hello"), "an answer that another one follows", &r);
	sleep_ms(150);
	r = fetch_path(loop, "/echo");
	check(r.end == HTTP_COMPLETE && strncmp(buf_text(&r.body), "POST /echo ", 11) == 0,
		  "the other one is not taken for the answer to the next request", &r);
	r = fetch_path(loop, "/plain");
	check(r.end == HTTP_COMPLETE && body_is(&r, "hello") && get(&server.connections) == connections + 2,
		  "which goes over a new connection, that is kept", &r);
	http_loop_free(loop);
}

static void
test_resend(void)
{
	HttpLoop   *loop = http_loop_create(0, NULL);
	int			requests;
	Result		r = fetch_path(loop, "/gone");

	buf_free(&r.body);
	sleep_ms(50);
	r = fetch_path(loop, "/plain");
	check(r.end == HTTP_COMPLETE, "a connection that was closed while idle does no harm", &r);
	http_loop_free(loop);

	loop = http_loop_create(0, NULL);
	r = fetch_path(loop, "/late");
	buf_free(&r.body);
	requests = get(&server.requests);
	r = fetch_path(loop, "/late");
	check(r.end == HTTP_CUT && r.request_sent && get(&server.requests) == requests + 1,
		  "a request that was worked on is not sent twice", &r);
	http_loop_free(loop);
}

/*
 * The limit on a host's connections
 */

/* The shards divide the limit on a host's connections, and no call may notice. */
static void
test_divided_limit(void)
{
	HttpLoop   *loop = http_loop_create(201, NULL);
	HttpCall   *calls[221];
	int			held;
	int			i;

	for (i = 0; i < 100; i++)
		start_default(loop, LOCAL, "/hold");
	for (i = 0; i < 100; i++)
		start_default(loop, "localhost", "/hold");
	run_until_held(loop, 200, 10000);
	for (i = 0; i < 101; i++)
		start_default(loop, LOCAL, "/hold");
	held = run_until_held(loop, 301, 10000);
	if (!ok(held == 301, "a host has all its connections, wherever other hosts' calls are"))
		printf("# %d of 301\n", held);
	ok(let_go(loop, 301), "and its calls are answered");
	http_loop_free(loop);

	loop = http_loop_create(201, NULL);
	for (i = 0; i < 221; i++)
		calls[i] = start_default(loop, LOCAL, "/hold");
	run_until_held(loop, 201, 10000);
	held = run_until_held(loop, 202, 300);
	if (!ok(held == 201, "what is over the limit waits"))
		printf("# %d of 201\n", held);
	http_release(loop, calls[220]);
	for (i = 0; i < 19; i++)
		http_release(loop, calls[i]);
	held = run_until_held(loop, 220, 10000);
	if (!ok(held == 220, "and goes out when any connection of the host is free"))
		printf("# %d of 220\n", held);
	ok(let_go(loop, 201), "and is answered");
	http_loop_free(loop);
}

static void
test_host_limit(void)
{
	HttpCall   *calls[20];
	HttpLoop   *loop = http_loop_create(3, NULL);
	int64_t		bytes;
	bool		once;
	int			connections = get(&server.connections);

	start_many(loop, calls, 20, "127.0.0.1", "/stream", server.port);
	ok(run_many(loop, 20, HTTP_COMPLETE, &bytes, &once) == 20 &&
	   get(&server.connections) == connections + 3, "no more connections per host than allowed");
	http_loop_free(loop);
}

/* Waiting for a free connection is no failure to connect. */
static void
test_host_limit_and_connect_timeout(void)
{
	HttpLoop   *loop = http_loop_create(1, NULL);
	HttpCall   *calls[8];
	char		error[256];
	int64_t		bytes;
	bool		once;
	int			i;

	for (i = 0; i < 8; i++)
	{
		RequestParts parts;
		HttpSpec	spec;

		spec_init(&spec, &parts, LOCAL, "/stream", server.port);
		spec.connect_timeout_ms = 700;
		spec.first_byte_timeout_ms = 700;
		calls[i] = http_start(loop, &spec, error, sizeof(error));
		request_parts_free(&parts);
	}
	ok(calls[7] != NULL && run_many(loop, 8, HTTP_COMPLETE, &bytes, &once) == 8,
	   "waiting for a connection counts against no timeout but the total");
	http_loop_free(loop);
}

int
main(void)
{
	HttpLoop   *loop;

	server_start();
	loop = create_loop();
	test_reuse(loop);
	http_loop_free(loop);

	test_stray();
	test_resend();
	test_divided_limit();
	test_host_limit();
	test_host_limit_and_connect_timeout();
	server_stop();
	return tap_done();
}
