/*
 * model.c
 *		A model server for the bench, for what nginx cannot do: one thread, epoll,
 *		thousands of connections.
 *
 *	model PORT
 *
 *	POST /delay/MS/...	one answer of 1 kB as JSON, MS milliseconds later
 *	POST /hold/MS/...	a stream of events, one every MS milliseconds, that never ends
 *
 * A line "closed SECONDS" (of the epoch) on stdout tells that a held stream was
 * closed by its client.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_FDS		32768
#define MAX_REQUEST	65536
#define MAX_DELAYS	16

typedef struct Client
{
	bool		open;
	bool		held;
	int			delay_ms;
	long		number;			/* of this client: a descriptor serves one after the other */
	size_t		len;
	char	   *request;
} Client;

/* Something to be sent. Whoever waits equally long comes up in the order of arrival. */
typedef struct Timer
{
	int			fd;
	long		number;
	double		due;
	struct Timer *next;
} Timer;

typedef struct Timers
{
	int			delay_ms;
	Timer	   *first;
	Timer	   *last;
} Timers;

static Client clients[MAX_FDS];
static Timers timers[MAX_DELAYS];
static int	ntimers = 0;
static int	epoll_fd;
static char answer[2048];
static const char event[] =
"data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"word \"}}]}\n\n";

static double
now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void
make_answer(void)
{
	char		text[701];
	char		body[1200];

	for (int i = 0; i < 700; i++)
		text[i] = "lorem ipsum dolor sit amet "[i % 27];
	text[700] = '\0';
	snprintf(body, sizeof(body),
			 "{\"id\":\"c\",\"object\":\"chat.completion\",\"model\":\"bench\",\"choices\":[{\"index\":0,\"message\":"
			 "{\"role\":\"assistant\",\"content\":\"%s\"},\"finish_reason\":\"stop\"}],"
			 "\"usage\":{\"prompt_tokens\":50,\"completion_tokens\":170,\"total_tokens\":220}}", text);
	snprintf(answer, sizeof(answer), "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
			 strlen(body), body);
}

static void
drop(int fd)
{
	Client	   *client = &clients[fd];

	if (client->held)
		printf("closed %.6f\n", now(CLOCK_REALTIME));
	close(fd);
	client->open = client->held = false;
}

static void
put(int fd, const char *bytes, size_t len)
{
	if (send(fd, bytes, len, MSG_NOSIGNAL) != (ssize_t) len)
		drop(fd);
}

static void
wait_for(int fd, double at)
{
	Client	   *client = &clients[fd];
	Timers	   *list = timers;
	Timer	   *timer = malloc(sizeof(Timer));

	while (list < timers + ntimers && list->delay_ms != client->delay_ms)
		list++;
	if (list == timers + ntimers)
	{
		if (ntimers == MAX_DELAYS)
			exit(1);
		*list = (Timers) {client->delay_ms, NULL, NULL};
		ntimers++;
	}
	*timer = (Timer) {fd, client->number, at, NULL};
	if (list->first == NULL)
		list->first = timer;
	else
		list->last->next = timer;
	list->last = timer;
}

static void
begin_answer(int fd)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
	Client	   *client = &clients[fd];

	client->held = strncmp(client->request, "POST /hold/", 11) == 0;
	client->delay_ms = atoi(client->request + (client->held ? 11 : 12));
	client->len = 0;
	if (client->held)
		put(fd, head, strlen(head));
	if (client->held && client->open)
		put(fd, event, strlen(event));
	if (client->open && client->delay_ms == 0)
		put(fd, answer, strlen(answer));
	else if (client->open)
		wait_for(fd, now(CLOCK_MONOTONIC) + client->delay_ms / 1e3);
}

static bool
is_whole(Client *client)
{
	char	   *end;
	char	   *length;

	client->request[client->len] = '\0';
	end = strstr(client->request, "\r\n\r\n");
	length = strcasestr(client->request, "\r\ncontent-length:");
	return end != NULL && (length == NULL || client->len >= (size_t) (end + 4 - client->request) + strtoul(length + 17, NULL, 10));
}

static void
take(int fd)
{
	Client	   *client = &clients[fd];
	ssize_t		got = read(fd, client->request + client->len, MAX_REQUEST - 1 - client->len);

	if (got < 0 && errno == EAGAIN)
		return;
	if (got <= 0)
		drop(fd);
	else
	{
		client->len += got;
		if (is_whole(client))
			begin_answer(fd);
	}
}

static void
greet(int listener)
{
	int			fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0)
	{
		struct epoll_event wanted = {.events = EPOLLIN | EPOLLRDHUP,.data.fd = fd};
		int			one = 1;

		if (fd >= MAX_FDS)
			exit(1);
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		if (clients[fd].request == NULL)
			clients[fd].request = malloc(MAX_REQUEST);
		clients[fd].open = true;
		clients[fd].held = false;
		clients[fd].number++;
		clients[fd].len = 0;
		epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &wanted);
	}
}

/* A client that has gone is passed by. */
static void
serve(Timer *timer)
{
	Client	   *client = &clients[timer->fd];

	if (!client->open || client->number != timer->number)
		return;
	if (!client->held)
		put(timer->fd, answer, strlen(answer));
	else
	{
		put(timer->fd, event, strlen(event));
		if (client->open)
			wait_for(timer->fd, timer->due + client->delay_ms / 1e3);
	}
}

static void
serve_due(Timers *list, double at)
{
	Timer	   *timer;

	while ((timer = list->first) != NULL && timer->due <= at)
	{
		list->first = timer->next;
		serve(timer);
		free(timer);
	}
}

static int
next_wait_ms(void)
{
	double		first = 0;

	for (int i = 0; i < ntimers; i++)
	{
		if (timers[i].first != NULL && (first == 0 || timers[i].first->due < first))
			first = timers[i].first->due;
	}
	if (first == 0)
		return -1;
	first = (first - now(CLOCK_MONOTONIC)) * 1e3;
	return first < 0 ? 0 : (int) first + 1;
}

int
main(int argc, char **argv)
{
	struct rlimit limit = {MAX_FDS, MAX_FDS};
	struct sockaddr_in address = {.sin_family = AF_INET,.sin_port = htons(argc > 1 ? atoi(argv[1]) : 0),
	.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct epoll_event events[512];
	int			listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	int			one = 1;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	setvbuf(stdout, NULL, _IOLBF, 0);
	make_answer();
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	epoll_fd = epoll_create1(0);
	events[0] = (struct epoll_event) {.events = EPOLLIN,.data.fd = listener};
	if (bind(listener, (struct sockaddr *) &address, sizeof(address)) != 0 || listen(listener, 8192) != 0 ||
		epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &events[0]) != 0)
	{
		perror("model");
		return 1;
	}
	for (;;)
	{
		int			n = epoll_wait(epoll_fd, events, 512, next_wait_ms());
		double		at = now(CLOCK_MONOTONIC);

		for (int i = 0; i < n; i++)
		{
			if (events[i].data.fd == listener)
				greet(listener);
			else if (clients[events[i].data.fd].open)
				take(events[i].data.fd);
		}
		for (int i = 0; i < ntimers; i++)
			serve_due(&timers[i], at);
	}
}
