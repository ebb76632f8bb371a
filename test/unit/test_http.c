/*
 * test_http.c
 *		The HTTP loop against a server of its own, on the loopback interface.
 *
 * The server gives each connection a thread; the path of a request says how it
 * behaves (behaviours[]).  It counts connections and requests, and notes when a
 * client has hung up, so that the tests can tell what really reached it.  TLS
 * is tried against openssl's own little server, if that command is there.
 *
 * HTTP_TEST_STREAMS sets the number of concurrent streams (500).
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE				/* memmem */
#endif

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "http.h"
#include "tap_http.h"

#define REQUEST_MAX		(4 * 1024 * 1024)

/*
 * The server
 */

typedef struct Server
{
	int			fd;
	int			port;
	int			connections;	/* accepted */
	int			requests;		/* read in full */
	int			bytes;			/* received at all */
	int			open;			/* connections that still have a thread */
	int			held;			/* requests at /hold that wait for let_go */
	int64_t		hung_up_at;		/* when /hang saw its client go */
} Server;

typedef struct Connection
{
	Server	   *server;
	int			fd;
	char	   *request;
	size_t		len;
	char		path[64];
} Connection;

static Server server;

/* What /hold waits for; a thousand threads that looked again and again would
 * keep a slow machine from all else. */
static pthread_mutex_t hold_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t hold_ends = PTHREAD_COND_INITIALIZER;
static bool holding = true;

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
sleep_ms(long ms)
{
	struct timespec ts = {ms / 1000, (ms % 1000) * 1000000};

	nanosleep(&ts, NULL);
}

static int
get(int *counter)
{
	return __atomic_load_n(counter, __ATOMIC_SEQ_CST);
}

static void
add(int *counter, int n)
{
	__atomic_add_fetch(counter, n, __ATOMIC_SEQ_CST);
}

static bool
say_bytes(Connection *c, const char *bytes, size_t len)
{
	while (len > 0)
	{
		ssize_t		n = send(c->fd, bytes, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		bytes += n;
		len -= (size_t) n;
	}
	return true;
}

static bool say(Connection *c, const char *fmt,...)
			__attribute__((format(printf, 2, 3)));

static bool
say(Connection *c, const char *fmt,...)
{
	char		text[2048];
	va_list		args;
	int			n;

	va_start(args, fmt);
	n = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return say_bytes(c, text, (size_t) n);
}

/* Waits until the client has gone, or ms have passed. */
static bool
wait_for_hangup(Connection *c, int ms)
{
	struct pollfd p = {c->fd, POLLIN | POLLRDHUP, 0};
	char		byte;

	return poll(&p, 1, ms) == 1 && recv(c->fd, &byte, 1, MSG_PEEK) <= 0;
}

#define HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
#define CHUNKED HEAD "Transfer-Encoding: chunked\r\n\r\n"

/* Each returns whether the connection is kept. */

static bool
do_plain(Connection *c)
{
	return say(c, HEAD "X-Request-Id: r1\r\nContent-Length: 5\r\n\r\nhello");
}

static bool
do_bytes(Connection *c)
{
	static const char answer[] = HEAD "X-Request-Id: r2\r\nContent-Length: 10\r\n\r\n0123456789";
	size_t		i;

	for (i = 0; i < sizeof(answer) - 1; i++)
	{
		if (!say_bytes(c, answer + i, 1))
			return false;
		sleep_ms(1);
	}
	return true;
}

static bool
do_slowfirst(Connection *c)
{
	say(c, CHUNKED);
	wait_for_hangup(c, 5000);
	return false;
}

static bool
do_stall(Connection *c)
{
	say(c, CHUNKED "3\r\nabc\r\n");
	sleep_ms(100);
	say(c, "3\r\ndef\r\n");
	wait_for_hangup(c, 5000);
	return false;
}

static bool
do_drip(Connection *c)
{
	int			i;

	say(c, CHUNKED);
	for (i = 0; i < 200; i++)
	{
		if (!say(c, "1\r\nx\r\n"))
			return false;
		sleep_ms(25);
	}
	return false;
}

static bool
do_stream(Connection *c)
{
	int			i;

	say(c, CHUNKED);
	for (i = 0; i < 10; i++)
	{
		sleep_ms(30);
		if (!say(c, "a\r\n012345678\n\r\n"))
			return false;
	}
	return say(c, "0\r\n\r\n");
}

static bool
do_cut(Connection *c)
{
	say(c, HEAD "Content-Length: 100\r\n\r\n0123456789");
	return false;
}

static bool
do_cutchunk(Connection *c)
{
	say(c, CHUNKED "a\r\n0123456789\r\n");
	return false;
}

static bool
do_cuthead(Connection *c)
{
	(void) c;
	return false;
}

static bool
do_halfhead(Connection *c)
{
	say(c, "HTTP/1.1 200 OK\r\nContent-Ty");
	return false;
}

static bool
do_reset(Connection *c)
{
	struct linger hard = {1, 0};

	say(c, CHUNKED "a\r\n0123456789\r\n");
	sleep_ms(50);
	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	return false;
}

static bool
do_close(Connection *c)
{
	say(c, HEAD "\r\nuntil the end");
	return false;
}

static bool
do_big(Connection *c)
{
	char		block[8192];
	int			i;

	memset(block, 'x', sizeof(block));
	say(c, HEAD "\r\n");
	for (i = 0; i < 1000; i++)
	{
		if (!say_bytes(c, block, sizeof(block)))
			break;
	}
	return false;
}

static bool
do_headers(Connection *c)
{
	int			i;

	say(c, HEAD);
	for (i = 0; i < 300; i++)
		say(c, "X-H%d: v\r\n", i);
	say(c, "Content-Length: 2\r\n\r\nok");
	return true;
}

static bool
do_somelines(Connection *c)
{
	int			i;

	say(c, HEAD);
	for (i = 0; i < 150; i++)
		say(c, "X-H%d: v\r\n", i);
	return say(c, "Content-Length: 2\r\n\r\nok");
}

static bool
say_long_line(Connection *c, size_t len)
{
	char	   *line = malloc(len);

	memset(line, 'v', len);
	say(c, HEAD "X-Long: ");
	say_bytes(c, line, len);
	free(line);
	say(c, "\r\nContent-Length: 2\r\n\r\nok");
	return true;
}

static bool
do_longline(Connection *c)
{
	return say_long_line(c, 20000);
}

static bool
do_hugeline(Connection *c)
{
	return say_long_line(c, 300000);
}

static bool
do_early(Connection *c)
{
	say(c, "HTTP/1.1 100 Continue\r\n\r\n"
		"HTTP/1.1 103 Early Hints\r\nX-Request-Id: early\r\nLink: </x>\r\n\r\n");
	sleep_ms(50);
	return say(c, "HTTP/1.1 201 Created\r\nContent-Type: a/b\r\nContent-Length: 2\r\n\r\nok");
}

static bool
do_endless_early(Connection *c)
{
	while (say(c, "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"))
		;
	return false;
}

static bool
do_redirect(Connection *c)
{
	return say(c, "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%d/plain\r\n"
			   "Content-Length: 5\r\n\r\nmoved", c->server->port);
}

static bool
do_error(Connection *c)
{
	return say(c, "HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\n"
			   "Content-Length: 2\r\n\r\n{}");
}

static bool
do_hang(Connection *c)
{
	say(c, CHUNKED "3\r\nabc\r\n");
	if (wait_for_hangup(c, 5000))
		__atomic_store_n(&c->server->hung_up_at, now_ms(), __ATOMIC_SEQ_CST);
	return false;
}

/* Says nothing until the test has seen what it wants to see. */
static bool
do_hold(Connection *c)
{
	add(&c->server->held, 1);
	pthread_mutex_lock(&hold_lock);
	while (holding)
		pthread_cond_wait(&hold_ends, &hold_lock);
	pthread_mutex_unlock(&hold_lock);
	add(&c->server->held, -1);
	return do_plain(c);
}

/* Answers once, then drops the second request after it has had it a while. */
static bool
do_late(Connection *c)
{
	static int	times = 0;

	if (__atomic_add_fetch(&times, 1, __ATOMIC_SEQ_CST) == 1)
		return do_plain(c);
	sleep_ms(1500);
	return false;
}

/* Answers, and then once more, though nobody has asked. */
static bool
do_twice(Connection *c)
{
	do_plain(c);
	sleep_ms(50);
	return say(c, HEAD "Content-Length: 5\r\n\r\nstray");
}

static bool
do_gone(Connection *c)
{
	do_plain(c);
	return false;
}

static bool
do_garbage(Connection *c)
{
	say(c, "\x01\x02 this is not HTTP\r\n\r\n");
	return false;
}

static bool
do_trailer(Connection *c)
{
	return say(c, CHUNKED "2\r\nok\r\n0\r\nX-Request-Id: trailer\r\n\r\n");
}

static bool
do_nobody(Connection *c)
{
	return say(c, "HTTP/1.1 204 No Content\r\n\r\n");
}

/* Says back what it was asked. */
static bool
do_echo(Connection *c)
{
	say(c, HEAD "Content-Length: %zu\r\n\r\n", c->len);
	return say_bytes(c, c->request, c->len);
}

static const struct
{
	const char *path;
	bool		(*answer) (Connection *c);
}			behaviours[] = {
	{"/plain", do_plain}, {"/bytes", do_bytes}, {"/slowfirst", do_slowfirst},
	{"/stall", do_stall}, {"/drip", do_drip}, {"/stream", do_stream}, {"/cut", do_cut},
	{"/cutchunk", do_cutchunk}, {"/cuthead", do_cuthead}, {"/halfhead", do_halfhead},
	{"/reset", do_reset}, {"/close", do_close}, {"/big", do_big}, {"/headers", do_headers},
	{"/somelines", do_somelines}, {"/longline", do_longline}, {"/hugeline", do_hugeline},
	{"/early", do_early}, {"/endless-early", do_endless_early}, {"/redirect", do_redirect},
	{"/error", do_error}, {"/hang", do_hang}, {"/late", do_late}, {"/gone", do_gone}, {"/twice", do_twice},
	{"/garbage", do_garbage}, {"/trailer", do_trailer}, {"/nobody", do_nobody},
	{"/echo", do_echo}, {"/hold", do_hold},
};

static size_t
content_length(const char *head)
{
	const char *line = strcasestr(head, "\r\nContent-Length: ");

	return line != NULL ? (size_t) strtoul(line + 18, NULL, 10) : 0;
}

/* Reads one request, head and body. */
static bool
read_request(Connection *c)
{
	size_t		cap = 65536;
	size_t		need = 0;

	free(c->request);
	c->request = malloc(cap + 1);
	c->len = 0;
	while (need == 0 || c->len < need)
	{
		ssize_t		n;
		char	   *end;

		if (c->len == cap)
		{
			cap = REQUEST_MAX;
			c->request = realloc(c->request, cap + 1);
		}
		n = recv(c->fd, c->request + c->len, cap - c->len, 0);
		if (n <= 0)
			return false;
		add(&c->server->bytes, (int) n);
		c->len += (size_t) n;
		c->request[c->len] = '\0';

		/* Somebody speaks TLS to us. */
		if (c->request[0] == 0x16)
		{
			say(c, "HTTP/1.1 400 Bad Request\r\n\r\n");
			return false;
		}
		end = strstr(c->request, "\r\n\r\n");
		if (need == 0 && end != NULL)
			need = (size_t) (end - c->request) + 4 + content_length(c->request);
	}
	add(&c->server->requests, 1);
	return sscanf(c->request, "%*s %63s", c->path) == 1;
}

static bool
answer_request(Connection *c)
{
	size_t		i;

	for (i = 0; i < sizeof(behaviours) / sizeof(behaviours[0]); i++)
	{
		if (strcmp(c->path, behaviours[i].path) == 0)
			return behaviours[i].answer(c);
	}
	return say(c, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
}

static void *
serve_connection(void *arg)
{
	Connection *c = arg;

	while (read_request(c) && answer_request(c))
		;
	close(c->fd);
	add(&c->server->open, -1);
	free(c->request);
	free(c);
	return NULL;
}

static void *
serve(void *arg)
{
	Server	   *s = arg;
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, 256 * 1024);
	for (;;)
	{
		Connection *c;
		pthread_t	thread;
		int			one = 1;
		int			fd = accept(s->fd, NULL, NULL);

		if (fd < 0)
			break;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		c = calloc(1, sizeof(*c));
		c->server = s;
		c->fd = fd;
		add(&s->connections, 1);
		add(&s->open, 1);
		if (pthread_create(&thread, &attr, serve_connection, c) != 0)
			abort();
	}
	pthread_attr_destroy(&attr);
	return NULL;
}

static int
listen_somewhere(int *port)
{
	struct sockaddr_in address;
	socklen_t	len = sizeof(address);
	int			fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memset(&address, 0, sizeof(address));
	address.sin_family = AF_INET;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *) &address, sizeof(address)) != 0 ||
		listen(fd, 1024) != 0 ||
		getsockname(fd, (struct sockaddr *) &address, &len) != 0)
	{
		perror("# listen");
		exit(1);
	}
	*port = ntohs(address.sin_port);
	return fd;
}

/*
 * The client
 */

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

static void
spec_init(HttpSpec *spec, RequestParts *parts, const char *host, const char *path, int port)
{
	request_parts_init(parts);
	buf_printf(&parts->url, "http://%s:%d%s", host, port, path);
	buf_puts(&parts->body, "{\"model\":\"m\"}");
	request_parts_header(parts, "Content-Type", "application/json");
	request_parts_header(parts, "Authorization", "Bearer sk-secret");

	memset(spec, 0, sizeof(*spec));
	spec->parts = parts;
	spec->connect_timeout_ms = 5000;
	spec->first_byte_timeout_ms = 5000;
	spec->idle_timeout_ms = 5000;
	spec->total_timeout_ms = 10000;
	spec->allow_http = true;
	spec->allow_private = true;
	spec->max_body = 1024 * 1024;
}

#define LOCAL "127.0.0.1"

/* Waits as the executor does, then lets the loop run. */
static void
turn(HttpLoop *loop)
{
	struct pollfd p = {http_loop_fd(loop), POLLIN, 0};
	long		timeout = http_loop_timeout(loop);

	if (timeout < 0 || timeout > 1000)
		timeout = 1000;
	poll(&p, 1, (int) timeout);
	http_loop_run(loop);
}

static void
take(Result *result, HttpCall *call)
{
	result->reports++;
	buf_append(&result->body, buf_text(&call->in), call->in.len);
	buf_reset(&call->in);
	result->end = call->end;
	result->head_done = call->head_done;
	result->status = call->head.status;
	result->request_sent = call->request_sent;
	result->received = call->received;
	snprintf(result->content_type, sizeof(result->content_type), "%s", call->head.content_type);
	snprintf(result->request_id, sizeof(result->request_id), "%s", call->head.request_id);
	snprintf(result->error, sizeof(result->error), "%s", call->error);
}

static void
result_init(Result *result)
{
	memset(result, 0, sizeof(*result));
	buf_init(&result->body, 0);
}

/* Starts one call, runs it to its end, and frees spec's parts. */
static Result
fetch(HttpLoop *loop, HttpSpec *spec)
{
	Result		result;
	int64_t		start = now_ms();
	HttpCall   *call;

	result_init(&result);
	call = http_start(loop, spec, result.error, sizeof(result.error));
	request_parts_free(spec->parts);
	if (call == NULL)
		return result;
	result.started = true;
	while (result.end == HTTP_RUNNING && now_ms() - start < 30000)
	{
		HttpCall   *ready;

		turn(loop);
		while ((ready = http_next(loop)) != NULL)
			take(&result, ready);
	}
	result.took = now_ms() - start;
	http_release(loop, call);
	return result;
}

static Result
fetch_path(HttpLoop *loop, const char *path)
{
	RequestParts parts;
	HttpSpec	spec;

	spec_init(&spec, &parts, LOCAL, path, server.port);
	return fetch(loop, &spec);
}

static bool
body_is(Result *result, const char *text)
{
	return strcmp(buf_text(&result->body), text) == 0;
}

/* Prints what was got when a test fails, and frees it. */
static void
check(bool passed, const char *name, Result *result)
{
	if (!ok(passed, name))
		printf("# end %d status %d sent %d received %lld took %lld reports %d: %s\n",
			   (int) result->end, result->status, result->request_sent,
			   (long long) result->received, (long long) result->took,
			   result->reports, result->error);
	buf_free(&result->body);
}

/*
 * Answers
 */

static void
test_plain(HttpLoop *loop)
{
	Result		r = fetch_path(loop, "/plain");

	check(r.end == HTTP_COMPLETE && r.status == 200 && body_is(&r, "hello") && r.head_done &&
		  r.request_sent && r.received == 5 && r.error[0] == '\0' &&
		  strcmp(r.content_type, "text/event-stream") == 0, "plain answer", &r);

	r = fetch_path(loop, "/bytes");
	check(r.end == HTTP_COMPLETE && body_is(&r, "0123456789") &&
		  strcmp(r.request_id, "r2") == 0 && r.reports >= 2, "byte by byte", &r);

	r = fetch_path(loop, "/close");
	check(r.end == HTTP_COMPLETE && body_is(&r, "until the end"), "ended by a close", &r);

	r = fetch_path(loop, "/error");
	check(r.end == HTTP_COMPLETE && r.status == 429 && body_is(&r, "{}"), "an error's body", &r);

	r = fetch_path(loop, "/nobody");
	check(r.end == HTTP_COMPLETE && r.status == 204 && r.received == 0, "no body", &r);

	r = fetch_path(loop, "/early");
	check(r.end == HTTP_COMPLETE && r.status == 201 && body_is(&r, "ok") &&
		  r.request_id[0] == '\0' && strcmp(r.content_type, "a/b") == 0, "1xx heads are ignored", &r);

	r = fetch_path(loop, "/trailer");
	check(r.end == HTTP_COMPLETE && body_is(&r, "ok") && r.request_id[0] == '\0',
		  "trailers do not change the head", &r);

	r = fetch_path(loop, "/somelines");
	check(r.end == HTTP_COMPLETE && body_is(&r, "ok"), "150 header lines", &r);
}

static void
test_redirect(HttpLoop *loop)
{
	int			before = get(&server.requests);
	Result		r = fetch_path(loop, "/redirect");

	check(r.end == HTTP_COMPLETE && r.status == 302 && body_is(&r, "moved") &&
		  get(&server.requests) == before + 1, "a redirect is reported, not followed", &r);
}

static void
test_request(HttpLoop *loop)
{
	RequestParts parts;
	HttpSpec	spec;
	Result		r = fetch_path(loop, "/echo");
	const char *text = buf_text(&r.body);

	check(strncmp(text, "POST /echo HTTP/1.1\r\n", 21) == 0 &&
		  strstr(text, "\r\nAuthorization: Bearer sk-secret\r\n") != NULL &&
		  strcasestr(text, "\r\nExpect:") == NULL &&
		  strcasestr(text, "\r\nAccept-Encoding:") == NULL &&
		  strstr(text, "\r\n\r\n{\"model\":\"m\"}") != NULL, "what is sent", &r);

	spec_init(&spec, &parts, LOCAL, "/echo", server.port);
	buf_free(&parts.body);
	buf_init(&parts.body, 0);
	r = fetch(loop, &spec);
	check(strncmp(buf_text(&r.body), "GET /echo HTTP/1.1\r\n", 20) == 0 &&
		  strcasestr(buf_text(&r.body), "Content-Length") == NULL, "no body: GET", &r);

	spec_init(&spec, &parts, LOCAL, "/echo", server.port);
	while (parts.body.len < 3000000)
		buf_puts(&parts.body, "0123456789012345678901234567890123456789");
	spec.max_body = 8 * 1024 * 1024;
	r = fetch(loop, &spec);
	check(r.end == HTTP_COMPLETE && r.received > 3000000 && r.took < 3000 &&
		  strcasestr(buf_text(&r.body), "\r\nExpect:") == NULL, "a request of 3 MB", &r);
}

/*
 * Timeouts
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
	struct sockaddr_in address;

	listen(fd, 0);
	memset(&address, 0, sizeof(address));
	address.sin_family = AF_INET;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	address.sin_port = htons((uint16_t) port);
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
 * Broken answers
 */

static void
test_broken(HttpLoop *loop)
{
	Result		r = fetch_path(loop, "/cut");

	check(r.end == HTTP_CUT && r.request_sent && body_is(&r, "0123456789") && r.head_done &&
		  strstr(r.error, "after 10 bytes") != NULL, "cut before the end", &r);

	r = fetch_path(loop, "/cutchunk");
	check(r.end == HTTP_CUT && body_is(&r, "0123456789"), "cut between chunks", &r);

	r = fetch_path(loop, "/cuthead");
	check(r.end == HTTP_CUT && r.request_sent && !r.head_done, "cut before the head", &r);

	r = fetch_path(loop, "/halfhead");
	check(r.end == HTTP_CUT && r.request_sent && !r.head_done, "cut inside the head", &r);

	r = fetch_path(loop, "/reset");
	check(r.end == HTTP_CUT && body_is(&r, "0123456789"), "reset inside the body", &r);

	r = fetch_path(loop, "/garbage");
	check(r.end == HTTP_BROKEN && r.error[0] != '\0', "no HTTP at all", &r);
}

static void
test_limits(HttpLoop *loop)
{
	RequestParts parts;
	HttpSpec	spec;
	Result		r;

	spec_init(&spec, &parts, LOCAL, "/big", server.port);
	spec.max_body = 100000;
	r = fetch(loop, &spec);
	check(r.end == HTTP_TOO_LARGE && r.received <= 100000 && r.received > 50000 &&
		  strstr(r.error, "100000 bytes") != NULL, "body over the limit", &r);

	spec_init(&spec, &parts, LOCAL, "/plain", server.port);
	spec.max_body = 5;
	r = fetch(loop, &spec);
	check(r.end == HTTP_COMPLETE && body_is(&r, "hello"), "body just at the limit", &r);

	r = fetch_path(loop, "/headers");
	check(r.end == HTTP_TOO_LARGE && strstr(r.error, "200 header lines") != NULL,
		  "too many headers", &r);

	r = fetch_path(loop, "/endless-early");
	check(r.end == HTTP_TOO_LARGE, "endless 1xx heads", &r);

	r = fetch_path(loop, "/longline");
	check(r.end == HTTP_TOO_LARGE && strstr(r.error, "16384 bytes") != NULL,
		  "header line over the limit", &r);

	r = fetch_path(loop, "/hugeline");
	check(r.end == HTTP_TOO_LARGE, "header line over libcurl's limit", &r);
}

/*
 * Places that are not reached
 */

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
 * Many at once
 */

static int
start_many(HttpLoop *loop, HttpCall **calls, int n, const char *host, const char *path, int port)
{
	char		error[256];
	int			started = 0;
	int			i;

	for (i = 0; i < n; i++)
	{
		RequestParts parts;
		HttpSpec	spec;

		spec_init(&spec, &parts, host, path, port);
		spec.total_timeout_ms = 30000;
		spec.connect_timeout_ms = 20000;
		spec.first_byte_timeout_ms = 20000;
		spec.http1_only = true;
		calls[i] = http_start(loop, &spec, error, sizeof(error));
		request_parts_free(&parts);
		if (calls[i] != NULL)
			started++;
	}
	return started;
}

/* Runs until n calls have ended; counts those that ended as wanted. */
static int
run_many(HttpLoop *loop, int n, HttpEnd wanted, int64_t *bytes, bool *once)
{
	int			ended = 0;
	int			good = 0;
	int64_t		start = now_ms();

	*bytes = 0;
	*once = true;
	while (ended < n && now_ms() - start < 60000)
	{
		HttpCall   *call;
		HttpCall   *last = NULL;

		turn(loop);
		while ((call = http_next(loop)) != NULL)
		{
			*once = *once && call != last;
			last = call;
			*bytes += (int64_t) call->in.len;
			buf_reset(&call->in);
			if (call->end == HTTP_RUNNING)
				continue;
			ended++;
			if (call->end == wanted)
				good++;
			else
				printf("# end %d: %s\n", (int) call->end, call->error);
			http_release(loop, call);
		}
	}
	return ended == n ? good : -1;
}

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

/*
 * Waits until the server has no connection left, and none in its queue.  The
 * tests that count threads need that, and so do tools that look for leaks.
 */
static void
wait_for_quiet(void)
{
	int			connections = -1;
	int			i;

	for (i = 0; i < 60 && (get(&server.open) > 0 || get(&server.connections) != connections); i++)
	{
		connections = get(&server.connections);
		sleep_ms(100);
	}
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

static HttpCall *
start_default(HttpLoop *loop, const char *host, const char *path)
{
	RequestParts parts;
	HttpSpec	spec;
	HttpCall   *call;
	char		error[256];

	spec_init(&spec, &parts, host, path, server.port);
	spec.total_timeout_ms = 60000;
	spec.first_byte_timeout_ms = 60000;
	spec.idle_timeout_ms = 60000;
	call = http_start(loop, &spec, error, sizeof(error));
	request_parts_free(&parts);
	return call;
}

/* Lets the loop run until the server holds n requests, or for ms; says how many. */
static int
run_until_held(HttpLoop *loop, int n, int ms)
{
	int64_t		start = now_ms();

	while (get(&server.held) < n && now_ms() - start < ms)
	{
		struct pollfd p = {http_loop_fd(loop), POLLIN, 0};
		long		timeout = http_loop_timeout(loop);

		poll(&p, 1, timeout >= 0 && timeout < 20 ? (int) timeout : 20);
		http_loop_run(loop);
	}
	return get(&server.held);
}

static void
set_holding(bool on)
{
	pthread_mutex_lock(&hold_lock);
	holding = on;
	pthread_cond_broadcast(&hold_ends);
	pthread_mutex_unlock(&hold_lock);
}

/* Lets all that is held be answered, and says whether n calls end well. */
static bool
let_go(HttpLoop *loop, int n)
{
	int64_t		bytes;
	bool		once;
	int			good;
	int			i;

	set_holding(false);
	good = run_many(loop, n, HTTP_COMPLETE, &bytes, &once);
	for (i = 0; i < 400 && get(&server.held) > 0; i++)
		sleep_ms(5);
	set_holding(true);
	return good == n;
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

/*
 * Memory is short
 */

#define BIG		8192000			/* bytes of /big */
#define NBIG	4

typedef struct Bigs
{
	HttpLoop   *loop;
	HttpCall   *calls[NBIG];
	int64_t		received[NBIG];
	int			ended;			/* of whatever calls the loop has */
	int			begun_at_first_end; /* how many had brought something */
} Bigs;

static void
create_bigs(Bigs *bigs, HttpReading reading)
{
	memset(bigs, 0, sizeof(*bigs));
	bigs->loop = http_loop_create(0, NULL);
	http_set_reading(bigs->loop, reading);
}

static void
start_bigs(Bigs *bigs)
{
	RequestParts parts;
	HttpSpec	spec;
	char		error[256];
	int			i;

	for (i = 0; i < NBIG; i++)
	{
		spec_init(&spec, &parts, LOCAL, "/big", server.port);
		spec.idle_timeout_ms = 200;
		spec.first_byte_timeout_ms = 60000;
		spec.total_timeout_ms = 60000;
		spec.max_body = BIG;
		spec.owner = &bigs->received[i];
		bigs->calls[i] = http_start(bigs->loop, &spec, error, sizeof(error));
		request_parts_free(&parts);
	}
}

static int
count_begun(const Bigs *bigs)
{
	int			begun = 0;
	int			i;

	for (i = 0; i < NBIG; i++)
		begun += bigs->received[i] > 0;
	return begun;
}

/* Looks at what came, and forgets it as one who has no memory for it would. */
static void
take_bigs(Bigs *bigs)
{
	HttpCall   *call;

	turn(bigs->loop);
	while ((call = http_next(bigs->loop)) != NULL)
	{
		*(int64_t *) call->owner = call->received;
		buf_reset(&call->in);
		if (call->end == HTTP_RUNNING)
			continue;
		if (bigs->ended++ == 0)
			bigs->begun_at_first_end = count_begun(bigs);
	}
}

static bool
all_ended(const Bigs *bigs)
{
	int			i;

	for (i = 0; i < NBIG; i++)
	{
		if (bigs->calls[i]->end == HTTP_RUNNING)
			return false;
	}
	return true;
}

/* Until all have ended: whether they are all complete. */
static bool
finish_bigs(Bigs *bigs)
{
	int64_t		start = now_ms();
	bool		good = true;
	int			i;

	while (!all_ended(bigs) && now_ms() - start < 30000)
		take_bigs(bigs);
	for (i = 0; i < NBIG; i++)
	{
		good &= bigs->calls[i]->end == HTTP_COMPLETE && bigs->calls[i]->received == BIG;
		if (!good)
			printf("# %d: end %d, %lld bytes: %s\n", i, (int) bigs->calls[i]->end,
				   (long long) bigs->calls[i]->received, bigs->calls[i]->error);
	}
	http_loop_free(bigs->loop);
	return good;
}

static bool
all_heads_done(const Bigs *bigs)
{
	int			i;

	for (i = 0; i < NBIG; i++)
	{
		if (!bigs->calls[i]->head_done)
			return false;
	}
	return true;
}

static void
test_read_none(void)
{
	Bigs		bigs;
	int64_t		start = now_ms();

	create_bigs(&bigs, HTTP_READ_NONE);
	start_bigs(&bigs);
	while (!all_heads_done(&bigs) && now_ms() - start < 30000)
		take_bigs(&bigs);
	ok(all_heads_done(&bigs), "heads come when no body is read");
	ok(count_begun(&bigs) == 0, "and no body");

	http_set_reading(bigs.loop, HTTP_READ_ALL);
	while (count_begun(&bigs) < NBIG && now_ms() - start < 30000)
		take_bigs(&bigs);
	http_set_reading(bigs.loop, HTTP_READ_NONE);
	start = now_ms();
	while (now_ms() - start < 500)
		take_bigs(&bigs);
	ok(bigs.ended == 0, "nobody is silent for too long while nobody listens");
	http_set_reading(bigs.loop, HTTP_READ_ALL);
	ok(finish_bigs(&bigs), "all go on where they were");

	create_bigs(&bigs, HTTP_READ_NONE);
	start_bigs(&bigs);
	start = now_ms();
	while (!all_heads_done(&bigs) && now_ms() - start < 30000)
		take_bigs(&bigs);
	http_release(bigs.loop, bigs.calls[0]);
	http_set_reading(bigs.loop, HTTP_READ_ONE);
	while (bigs.ended == 0 && now_ms() - start < 30000)
		take_bigs(&bigs);
	ok(bigs.received[0] == 0 && bigs.ended > 0, "a call that is paused can be given up");
	http_loop_free(bigs.loop);
}

static void
test_read_one(void)
{
	Bigs		bigs;
	HttpCall   *silent;
	int64_t		received = 0;
	int64_t		start = now_ms();

	create_bigs(&bigs, HTTP_READ_ONE);
	start_bigs(&bigs);
	ok(finish_bigs(&bigs), "all end, when one at a time is read");
	if (!ok(bigs.begun_at_first_end < NBIG, "not all together"))
		printf("# %d had begun when the first ended\n", bigs.begun_at_first_end);

	create_bigs(&bigs, HTTP_READ_ONE);
	silent = start_default(bigs.loop, LOCAL, "/hang");
	silent->owner = &received;
	while (received == 0 && now_ms() - start < 30000)
		take_bigs(&bigs);
	start_bigs(&bigs);
	ok(finish_bigs(&bigs), "one that falls silent does not keep the others from their turn");
}

/* Nobody looks: then no more is read than a bounded part. */
static void
test_backlog(void)
{
	Bigs		bigs;
	int64_t		sum = 0;
	int			i;

	create_bigs(&bigs, HTTP_READ_ALL);
	start_bigs(&bigs);
	for (i = 0; i < 2000; i++)
	{
		turn(bigs.loop);
		sleep_ms(i % 20 == 0);
	}
	for (i = 0; i < NBIG; i++)
		sum += bigs.calls[i]->received;
	if (!ok(sum > 0 && sum < BIG * 3 / 2, "the loop reads no more than some megabytes ahead"))
		printf("# %lld bytes\n", (long long) sum);
	ok(http_loop_timeout(bigs.loop) == 0, "and does not wait while there is something to look at");
	ok(finish_bigs(&bigs), "all end when they are looked at");
}

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

/*
 * TLS
 */

static bool
make_certificate(const char *dir)
{
	char		command[1024];

	snprintf(command, sizeof(command),
			 "cd '%s' && openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout key.pem "
			 "-out cert.pem -subj /CN=localhost -addext subjectAltName=DNS:localhost "
			 ">/dev/null 2>&1", dir);
	return system(command) == 0;
}

static pid_t
start_tls_server(const char *dir, int port, const char *option)
{
	char		accept_on[32];
	pid_t		pid;

	snprintf(accept_on, sizeof(accept_on), "127.0.0.1:%d", port);
	pid = fork();
	if (pid == 0)
	{
		int			null = open("/dev/null", O_RDWR);

		if (chdir(dir) != 0)
			_exit(126);
		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		execlp("openssl", "openssl", "s_server", "-accept", accept_on, "-cert", "cert.pem",
			   "-key", "key.pem", "-www", option, (char *) NULL);
		_exit(127);
	}
	return pid;
}

static bool
wait_for_port(int port)
{
	struct sockaddr_in address;
	int			i;

	memset(&address, 0, sizeof(address));
	address.sin_family = AF_INET;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	address.sin_port = htons((uint16_t) port);
	for (i = 0; i < 100; i++)
	{
		int			fd = socket(AF_INET, SOCK_STREAM, 0);
		int			rc = connect(fd, (struct sockaddr *) &address, sizeof(address));

		close(fd);
		if (rc == 0)
			return true;
		sleep_ms(50);
	}
	return false;
}

static Result
fetch_tls(HttpLoop *loop, const char *host, int port)
{
	RequestParts parts;
	HttpSpec	spec;

	spec_init(&spec, &parts, LOCAL, "/", port);
	buf_reset(&parts.url);
	buf_printf(&parts.url, "https://%s:%d/", host, port);

	/* openssl's server knows GET only */
	buf_free(&parts.body);
	buf_init(&parts.body, 0);
	spec.allow_http = false;
	return fetch(loop, &spec);
}

static void
try_tls(const char *dir, int port)
{
	char		ca_file[256];
	HttpLoop   *loop = http_loop_create(0, NULL);
	Result		r = fetch_tls(loop, "localhost", port);

	check(r.end == HTTP_TLS && !r.request_sent && strncmp(r.error, "TLS failed: ", 12) == 0,
		  "an unknown certificate", &r);
	http_loop_free(loop);

	snprintf(ca_file, sizeof(ca_file), "%s/cert.pem", dir);
	loop = http_loop_create(0, ca_file);
	r = fetch_tls(loop, "localhost", port);
	check(r.end == HTTP_COMPLETE && r.status == 200 && r.received > 100,
		  "a certificate from ca_file", &r);
	r = fetch_tls(loop, "localhost", port);
	check(r.end == HTTP_COMPLETE && r.status == 200, "and once more", &r);
	r = fetch_tls(loop, "127.0.0.1", port);
	check(r.end == HTTP_TLS && !r.request_sent, "a certificate for another name", &r);
	r = fetch_tls(loop, "127.0.0.1", server.port);
	check(r.end == HTTP_TLS && !r.request_sent, "TLS to a server that speaks none", &r);
	http_loop_free(loop);

	loop = http_loop_create(0, "/nonexistent/ca.pem");
	r = fetch_tls(loop, "localhost", port);
	check(r.end == HTTP_TLS && !r.request_sent && strstr(r.error, "/nonexistent/ca.pem") != NULL,
		  "an unreadable ca_file is named", &r);
	http_loop_free(loop);
}

static void
try_old_tls(const char *dir)
{
	char		ca_file[256];
	HttpLoop   *loop;
	Result		r;
	int			port;
	pid_t		pid;

	close(listen_somewhere(&port));
	pid = start_tls_server(dir, port, "-tls1_1");
	snprintf(ca_file, sizeof(ca_file), "%s/cert.pem", dir);
	if (pid > 0 && wait_for_port(port))
	{
		loop = http_loop_create(0, ca_file);
		r = fetch_tls(loop, "localhost", port);
		check(r.end == HTTP_TLS && !r.request_sent, "TLS 1.1 is too old", &r);
		http_loop_free(loop);
	}
	else
		tap_skip("TLS 1.1 is too old", "openssl cannot speak it");
	if (pid > 0)
	{
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
}

static void
remove_certificate(const char *dir)
{
	char		path[256];

	snprintf(path, sizeof(path), "%s/cert.pem", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/key.pem", dir);
	unlink(path);
	rmdir(dir);
}

static void
test_tls(void)
{
	char		dir[] = "/tmp/test_http_XXXXXX";
	int			port;
	pid_t		pid = -1;

	if (mkdtemp(dir) == NULL || !make_certificate(dir))
	{
		tap_skip("TLS", "no openssl command");
		rmdir(dir);
		return;
	}
	close(listen_somewhere(&port));
	pid = start_tls_server(dir, port, "-quiet");
	if (pid > 0 && wait_for_port(port))
		try_tls(dir, port);
	else
		tap_skip("TLS", "openssl's server does not start");
	if (pid > 0)
	{
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	try_old_tls(dir);
	remove_certificate(dir);
}

int
main(void)
{
	pthread_t	thread;
	HttpLoop   *loop;

	/* As every process of the server does, and the loop relies on it. */
	signal(SIGPIPE, SIG_IGN);
	server.fd = listen_somewhere(&server.port);
	pthread_create(&thread, NULL, serve, &server);
	loop = http_loop_create(0, NULL);
	if (loop == NULL)
	{
		printf("Bail out! no loop\n");
		return 1;
	}
	test_private(loop);
	test_plain(loop);
	test_redirect(loop);
	test_request(loop);
	test_timeouts(loop);
	test_connect_timeout(loop);
	test_broken(loop);
	test_limits(loop);
	test_unreachable(loop);
	test_refused_starts(loop);
	test_reuse(loop);
	test_abort(loop);
	test_signals(loop);
	http_loop_free(loop);

	test_stray();
	test_resend();
	test_idle_loop();
	test_read_none();
	test_read_one();
	test_backlog();
	test_many();
	test_lookups();
	test_cold_burst(200);
	test_cold_burst(1000);
	test_divided_limit();
	test_host_limit();
	test_host_limit_and_connect_timeout();
	test_tls();

	wait_for_quiet();
	shutdown(server.fd, SHUT_RDWR);
	pthread_join(thread, NULL);
	close(server.fd);
	return tap_done();
}
