/*
 * http_server.c
 *		A server that behaves as well, or as badly, as those that the HTTP loop meets.
 *
 * It gives each connection a thread; the path of a request says how it behaves.
 * A further behaviour is a function and a line of behaviours[].  Connections and
 * requests are counted, and it is noted when a client has hung up, so that the
 * tests can tell what really reached it.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE				/* strcasestr, POLLRDHUP */
#endif

#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "http_server.h"

#define REQUEST_MAX		(4 * 1024 * 1024)

typedef struct Connection
{
	Server	   *server;
	int			fd;
	char	   *request;
	size_t		len;
	char		path[64];
} Connection;

Server		server;

static pthread_t accepting;

/* What /hold waits for; a thousand threads that looked again and again would
 * keep a slow machine from all else. */
static pthread_mutex_t hold_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t hold_ends = PTHREAD_COND_INITIALIZER;
static bool holding = true;

int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void
sleep_ms(long ms)
{
	struct timespec ts = {ms / 1000, (ms % 1000) * 1000000};

	nanosleep(&ts, NULL);
}

int
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

/*
 * How it answers
 */

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

/*
 * Its threads
 */

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

struct sockaddr_in
loopback_address(int port)
{
	struct sockaddr_in address;

	memset(&address, 0, sizeof(address));
	address.sin_family = AF_INET;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	address.sin_port = htons((uint16_t) port);
	return address;
}

int
listen_somewhere(int *port)
{
	struct sockaddr_in address = loopback_address(0);
	socklen_t	len = sizeof(address);
	int			fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

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

void
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

void
server_start(void)
{
	/* As every process of PostgreSQL does, and the loop relies on it. */
	signal(SIGPIPE, SIG_IGN);
	server.fd = listen_somewhere(&server.port);
	pthread_create(&accepting, NULL, serve, &server);
}

void
server_stop(void)
{
	wait_for_quiet();
	shutdown(server.fd, SHUT_RDWR);
	pthread_join(accepting, NULL);
	close(server.fd);
}

void
set_holding(bool on)
{
	pthread_mutex_lock(&hold_lock);
	holding = on;
	pthread_cond_broadcast(&hold_ends);
	pthread_mutex_unlock(&hold_lock);
}
