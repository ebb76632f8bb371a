/*
 * latency.c
 *		One step on an idle system, by one clock: this process submits the task, is
 *		the model that is asked, and hears of the result.
 *
 *	latency CONNINFO AGENT PORT SAMPLES
 *
 * Listens on PORT as the model of AGENT. Prints a line a sample, in microseconds:
 * from sending COMMIT to the whole request, from the last byte of the answer to the
 * row that another session can read, from sending COMMIT to that.
 */
#include <arpa/inet.h>
#include <libpq-fe.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const char body[] =
"{\"id\":\"c\",\"object\":\"chat.completion\",\"model\":\"bench\",\"choices\":[{\"index\":0,\"message\":"
"{\"role\":\"assistant\",\"content\":\"An answer.\"},\"finish_reason\":\"stop\"}],"
"\"usage\":{\"prompt_tokens\":50,\"completion_tokens\":170,\"total_tokens\":220}}";

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static PGresult *
run(PGconn *conn, const char *sql)
{
	PGresult   *result = PQexec(conn, sql);
	ExecStatusType status = PQresultStatus(result);

	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
	{
		fprintf(stderr, "latency: %s: %s", sql, PQerrorMessage(conn));
		exit(1);
	}
	return result;
}

static PGconn *
connect_to(const char *conninfo)
{
	PGconn	   *conn = PQconnectdb(conninfo);

	if (PQstatus(conn) != CONNECTION_OK)
	{
		fprintf(stderr, "latency: %s", PQerrorMessage(conn));
		exit(1);
	}
	return conn;
}

static int
listen_on(int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,.sin_port = htons(port),.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int			fd = socket(AF_INET, SOCK_STREAM, 0);
	int			one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *) &address, sizeof(address)) != 0 || listen(fd, 8) != 0)
	{
		perror("latency");
		exit(1);
	}
	return fd;
}

/* The descriptor of the connection, which is kept, once a whole request is there. */
static int
take_request(int listener, int client)
{
	static char request[65536];
	size_t		len = 0;

	for (;;)
	{
		struct pollfd fds[2] = {{listener, POLLIN, 0}, {client, POLLIN, 0}};
		ssize_t		got;
		char	   *end;
		char	   *length;

		if (poll(fds, client >= 0 ? 2 : 1, 10000) <= 0)
		{
			fprintf(stderr, "latency: no request came within 10 s\n");
			exit(1);
		}
		if (fds[0].revents)
		{
			int			one = 1;

			if (client >= 0)
				close(client);
			client = accept(listener, NULL, NULL);
			setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
			len = 0;
			continue;
		}
		got = read(client, request + len, sizeof(request) - 1 - len);
		if (got <= 0)
		{
			close(client);
			client = -1;
			len = 0;
			continue;
		}
		len += got;
		request[len] = '\0';
		end = strstr(request, "\r\n\r\n");
		length = strcasestr(request, "\r\ncontent-length:");
		if (end != NULL && (length == NULL || len >= (size_t) (end + 4 - request) + strtoul(length + 17, NULL, 10)))
			return client;
	}
}

static void
answer(int client)
{
	static char bytes[1024];

	snprintf(bytes, sizeof(bytes), "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
			 strlen(body), body);
	if (write(client, bytes, strlen(bytes)) != (ssize_t) strlen(bytes))
		exit(1);
}

static bool
is_visible(PGconn *listening, const char *id)
{
	char		sql[160];
	PGresult   *result;
	bool		visible;

	snprintf(sql, sizeof(sql), "SELECT FROM agent_studio.executions WHERE execution_id = %s AND status = 'completed'", id);
	result = run(listening, sql);
	visible = PQntuples(result) == 1;
	PQclear(result);
	return visible;
}

static void
await_result(PGconn *listening, const char *id)
{
	while (!is_visible(listening, id))
	{
		struct pollfd fd = {PQsocket(listening), POLLIN, 0};
		PGnotify   *notify;

		if ((notify = PQnotifies(listening)) == NULL && poll(&fd, 1, 10000) <= 0)
		{
			fprintf(stderr, "latency: no result came within 10 s\n");
			exit(1);
		}
		PQconsumeInput(listening);
		PQfreemem(notify);
	}
}

int
main(int argc, char **argv)
{
	PGconn	   *conn;
	PGconn	   *listening;
	char		submit[160];
	int			listener;
	int			client = -1;

	if (argc != 5)
	{
		fprintf(stderr, "usage: latency CONNINFO AGENT PORT SAMPLES\n");
		return 1;
	}
	conn = connect_to(argv[1]);
	listening = connect_to(argv[1]);
	listener = listen_on(atoi(argv[3]));
	PQclear(run(listening, "LISTEN agent_studio"));
	snprintf(submit, sizeof(submit), "SELECT agent_studio.as_execute_task('%s', 'Answer.')", argv[2]);
	for (int i = atoi(argv[4]); i > 0; i--)
	{
		PGresult   *result;
		double		sent;
		double		asked;
		double		answered;
		double		seen;

		PQclear(run(conn, "BEGIN"));
		result = run(conn, submit);
		sent = now();
		PQsendQuery(conn, "COMMIT");
		client = take_request(listener, client);
		asked = now();
		answer(client);
		answered = now();
		await_result(listening, PQgetvalue(result, 0, 0));
		seen = now();
		PQclear(result);
		while ((result = PQgetResult(conn)) != NULL)
			PQclear(result);
		printf("%.0f %.0f %.0f\n", asked - sent, seen - answered, seen - sent);
		usleep(2000);
	}
	PQfinish(conn);
	PQfinish(listening);
	return 0;
}
