/*
 * test_http_addresses.c
 *		Where a call may go and where it gets: URLs, addresses, lookups of names.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http_client.h"
#include "http_server.h"
#include "tap_http.h"

/*
 * Places that are not reached
 */

static void
test_private(HttpLoop *loop)
{
	static const char *const hosts[] = {
		"127.0.0.1", "localhost", "2130706433", "0x7f.1", "0177.0.0.1", "127.1",
		"[::ffff:127.0.0.1]"
	};
	RequestParts parts;
	HttpSpec	spec;
	Result		r;
	int			connections = get(&server.connections);
	size_t		i;

	for (i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
	{
		spec_init(&spec, &parts, hosts[i], "/plain", server.port);
		spec.allow_private = false;
		r = fetch(loop, &spec);
		check(r.end == HTTP_REFUSED_ADDRESS && !r.request_sent &&
			  strstr(r.error, "address") != NULL, hosts[i], &r);
	}
	ok(get(&server.connections) == connections, "no connection reached the server");
}

static void
test_unreachable(HttpLoop *loop)
{
	RequestParts parts;
	HttpSpec	spec;
	Result		r;
	int			port;

	close(listen_somewhere(&port));
	spec_init(&spec, &parts, LOCAL, "/plain", port);
	r = fetch(loop, &spec);
	check(r.end == HTTP_UNREACHABLE && !r.request_sent && r.error[0] != '\0',
		  "refused connection", &r);

	spec_init(&spec, &parts, "name.invalid", "/plain", 80);
	spec.connect_timeout_ms = 20000;
	spec.total_timeout_ms = 25000;
	r = fetch(loop, &spec);
	check(r.end == HTTP_UNRESOLVED && !r.request_sent && r.error[0] != '\0',
		  "a name without address", &r);
}

static void
test_refused_starts(HttpLoop *loop)
{
	RequestParts parts;
	HttpSpec	spec;
	Result		r;

	spec_init(&spec, &parts, LOCAL, "/plain", server.port);
	spec.allow_http = false;
	r = fetch(loop, &spec);
	check(!r.started && strstr(r.error, "https") != NULL, "http where only https may be", &r);

	spec_init(&spec, &parts, LOCAL, "", 1);
	buf_reset(&parts.url);
	buf_puts(&parts.url, "file:///etc/passwd");
	r = fetch(loop, &spec);
	check(!r.started && r.error[0] != '\0', "a file is no URL here", &r);

	spec_init(&spec, &parts, LOCAL, "/plain", server.port);
	buf_puts(&parts.headers[0], "\r\nX-Evil: 1");
	r = fetch(loop, &spec);
	check(!r.started && r.error[0] != '\0', "a line break in a header", &r);
}

/*
 * Lookups
 */

static int
count_threads(void)
{
	DIR		   *dir = opendir("/proc/self/task");
	int			n = 0;

	if (dir == NULL)
		return 0;
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n - 2;
}

/* Threads of this process besides those of the server's connections. */
static int
other_threads(void)
{
	return count_threads() - get(&server.open);
}

/* Does this machine's own name lead to the server? */
static bool
own_name(char *name, size_t size)
{
	struct addrinfo hints;
	struct addrinfo *found = NULL;
	struct sockaddr_in address;
	bool		loopback;

	memset(&hints, 0, sizeof(hints));
	hints.ai_family = AF_INET;
	hints.ai_socktype = SOCK_STREAM;
	if (gethostname(name, size) != 0 || getaddrinfo(name, NULL, &hints, &found) != 0)
		return false;
	memcpy(&address, found->ai_addr, sizeof(address));
	loopback = address.sin_addr.s_addr == htonl(INADDR_LOOPBACK);
	freeaddrinfo(found);
	return loopback;
}

/* A burst of calls to one name asks the resolver once. */
static void
test_lookups(void)
{
	HttpCall   *calls[100];
	HttpLoop   *loop = http_loop_create(0, NULL);
	char		name[256];
	int64_t		bytes;
	bool		once;
	int			threads;
	int			i;

	wait_for_quiet();
	threads = other_threads();
	start_many(loop, calls, 50, "name.invalid", "/plain", 80);
	http_loop_run(loop);
	ok(other_threads() - threads <= 1, "one lookup for fifty calls to a name");
	ok(run_many(loop, 50, HTTP_UNRESOLVED, &bytes, &once) == 50,
	   "a name without address fails for all who waited");

	start_many(loop, calls, 20, "other.invalid", "/plain", 80);
	http_loop_run(loop);
	http_loop_run(loop);
	for (i = 0; i < 20; i++)
		http_release(loop, calls[i]);
	ok(http_next(loop) == NULL, "parked calls can be released");

	start_many(loop, calls, 100, "localhost", "/plain", server.port);
	ok(run_many(loop, 100, HTTP_COMPLETE, &bytes, &once) == 100 && bytes == 500,
	   "a hundred calls to localhost");
	if (own_name(name, sizeof(name)))
	{
		start_many(loop, calls, 100, name, "/plain", server.port);
		ok(run_many(loop, 100, HTTP_COMPLETE, &bytes, &once) == 100 && bytes == 500,
		   "a hundred calls to a name that is looked up");
	}
	else
		tap_skip("a hundred calls to a name that is looked up", "this machine's name leads elsewhere");
	http_loop_free(loop);
}

int
main(void)
{
	HttpLoop   *loop;

	server_start();
	loop = create_loop();
	test_private(loop);
	test_unreachable(loop);
	test_refused_starts(loop);
	http_loop_free(loop);

	test_lookups();
	server_stop();
	return tap_done();
}
