/*
 * test_http_load.c
 *		Hundreds of calls at once, which all go on at the same time.
 *
 * HTTP_TEST_STREAMS sets the number of concurrent streams (500).
 */
#include <stdlib.h>

#include "http_client.h"
#include "http_server.h"
#include "tap_http.h"

static void
test_many(void)
{
	const char *wanted = getenv("HTTP_TEST_STREAMS");
	int			n = wanted != NULL ? atoi(wanted) : 500;
	HttpCall  **calls = calloc((size_t) n, sizeof(*calls));
	HttpLoop   *loop = http_loop_create(0, NULL);
	int64_t		bytes;
	int64_t		start = now_ms();
	bool		once;
	int			good;

	ok(start_many(loop, calls, n, "127.0.0.1", "/stream", server.port) == n, "many calls start");
	good = run_many(loop, n, HTTP_COMPLETE, &bytes, &once);
	printf("# %d streams of 300 ms took %lld ms\n", n, (long long) (now_ms() - start));
	ok(good == n && bytes == (int64_t) n * 100, "many slow streams at once");
	ok(once, "no call is reported twice in a row");
	ok(http_next(loop) == NULL, "nothing is left to report");

	start_many(loop, calls, n, "127.0.0.1", "/stream", server.port);
	turn(loop);
	http_loop_free(loop);
	ok(true, "a loop is freed with many calls running");
	free(calls);
}

/* A burst that is the first to go to a host waits for none of its own answers. */
static void
test_cold_burst(int n)
{
	HttpLoop   *loop = http_loop_create(1100, NULL);
	HttpCall   *longest = start_default(loop, LOCAL, "/hang");
	char		name[80];
	int			held;
	int			i;

	while (longest->received == 0 && longest->end == HTTP_RUNNING)
		turn(loop);
	while (http_next(loop) != NULL)
		;
	for (i = 0; i < n; i++)
		start_default(loop, LOCAL, "/hold");
	snprintf(name, sizeof(name), "%d cold calls are all in flight at once", n);
	held = run_until_held(loop, n, 20000);
	if (!ok(held == n, name))
		printf("# %d of %d\n", held, n);
	http_release(loop, longest);
	snprintf(name, sizeof(name), "%d cold calls are answered", n);
	ok(let_go(loop, n), name);
	http_loop_free(loop);
}

int
main(void)
{
	server_start();
	test_many();
	test_cold_burst(200);
	test_cold_burst(1000);
	server_stop();
	return tap_done();
}
