/*
 * test_http_deadlines_cancels.c
 *		Calls that are given up: by the loop, for a timeout, and by who made them.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http_client.h"
#include "http_server.h"
#include "tap_http.h"

/*
 * Deadlines
 */

static void
test_timeouts(HttpLoop *loop)
{
	RequestParts parts;
	HttpSpec	spec;
	Result		r;

	spec_init(&spec, &parts, LOCAL, "/slowfirst", server.port);
	spec.first_byte_timeout_ms = 300;
	r = fetch(loop, &spec);
	check(r.end == HTTP_TIMEOUT && r.took >= 290 && r.took < 1000 && r.request_sent &&
		  strcmp(r.error, "no first byte of the answer within 300 ms") == 0,
		  "first byte timeout", &r);

	spec_init(&spec, &parts, LOCAL, "/stall", server.port);
	spec.idle_timeout_ms = 1000;
	r = fetch(loop, &spec);
	check(r.end == HTTP_TIMEOUT && r.took >= 1050 && r.took < 2000 && body_is(&r, "abcdef") &&
		  strcmp(r.error, "no further byte of the answer within 1 s") == 0, "idle timeout", &r);

	spec_init(&spec, &parts, LOCAL, "/drip", server.port);
	spec.idle_timeout_ms = 250;
	spec.total_timeout_ms = 1500;
	r = fetch(loop, &spec);
	check(r.end == HTTP_OUT_OF_TIME && r.took >= 1490 && r.took < 2500 && r.received > 10 &&
		  strcmp(r.error, "the answer was not complete within 1500 ms") == 0,
		  "total timeout, while pieces still come", &r);
}

/* A listener whose queue is full answers no connect at all. */
static void
test_connect_timeout(HttpLoop *loop)
{
	RequestParts parts;
	HttpSpec	spec;
	Result		r;
	int			port;
	int			fd = listen_somewhere(&port);
	int			fillers[4];
	size_t		i;
	struct sockaddr_in address = loopback_address(port);

	listen(fd, 0);
	for (i = 0; i < sizeof(fillers) / sizeof(fillers[0]); i++)
	{
		fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (connect(fillers[i], (struct sockaddr *) &address, sizeof(address)) != 0 &&
			errno != EINPROGRESS)
			perror("# connect");
	}
	sleep_ms(50);
	spec_init(&spec, &parts, LOCAL, "/plain", port);
	spec.connect_timeout_ms = 400;
	r = fetch(loop, &spec);
	check(r.end == HTTP_TIMEOUT && r.took >= 390 && r.took < 1500 && !r.request_sent &&
		  strcmp(r.error, "no connection within 400 ms") == 0, "connect timeout", &r);
	for (i = 0; i < sizeof(fillers) / sizeof(fillers[0]); i++)
		close(fillers[i]);
	close(fd);
}

/*
 * Cancels
 */

static void
test_abort(HttpLoop *loop)
{
	RequestParts parts;
	HttpSpec	spec;
	HttpCall   *call;
	char		error[256];
	int64_t		released;
	int64_t		hung_up = 0;
	int			i;

	spec_init(&spec, &parts, LOCAL, "/hang", server.port);
	call = http_start(loop, &spec, error, sizeof(error));
	request_parts_free(&parts);
	while (call != NULL && call->received == 0)
	{
		turn(loop);
		while (http_next(loop) != NULL)
			;
	}
	__atomic_store_n(&server.hung_up_at, 0, __ATOMIC_SEQ_CST);
	released = now_ms();
	if (call != NULL)
		http_release(loop, call);
	for (i = 0; i < 200 && hung_up == 0; i++)
	{
		sleep_ms(5);
		hung_up = __atomic_load_n(&server.hung_up_at, __ATOMIC_SEQ_CST);
	}
	ok(hung_up != 0 && hung_up - released < 100, "the server sees an abort at once");
}

int
main(void)
{
	HttpLoop   *loop;

	server_start();
	loop = create_loop();
	test_timeouts(loop);
	test_connect_timeout(loop);
	test_abort(loop);
	http_loop_free(loop);
	server_stop();
	return tap_done();
}
