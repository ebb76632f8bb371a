/*
 * test_http_loop.c
 *		What the loop is to the process that has it: quiet while idle, and out of
 *		the way of its signals.
 */
#include <pthread.h>
#include <signal.h>

#include "http_client.h"
#include "http_server.h"
#include "tap_http.h"

static void
test_idle_loop(void)
{
	HttpLoop   *loop = http_loop_create(4, NULL);

	ok(http_loop_timeout(loop) == -1, "a loop without calls has no timeout");
	http_loop_run(loop);
	ok(http_next(loop) == NULL, "and nothing to report");
	ok(http_loop_timeout(loop) == -1, "and still no timeout");
	http_loop_free(loop);
	http_loop_free(NULL);
}

static void
test_signals(HttpLoop *loop)
{
	sigset_t	before;
	sigset_t	after;
	Result		r;

	pthread_sigmask(SIG_SETMASK, NULL, &before);
	r = fetch_path(loop, "/plain");
	buf_free(&r.body);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	ok(sigismember(&before, SIGTERM) == sigismember(&after, SIGTERM) &&
	   sigismember(&before, SIGUSR1) == sigismember(&after, SIGUSR1),
	   "the mask of signals is given back");
}

int
main(void)
{
	HttpLoop   *loop;

	server_start();
	loop = create_loop();
	test_signals(loop);
	http_loop_free(loop);

	test_idle_loop();
	server_stop();
	return tap_done();
}
