/*
 * http_client.c
 *		Calls of the HTTP loop, made and waited for as the executor does it.
 *
 * One call is run to its end into a Result, which keeps what a test may ask about
 * it.  Many calls are started and run together, and only counted.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http_client.h"
#include "http_server.h"

HttpLoop *
create_loop(void)
{
	HttpLoop   *loop = http_loop_create(0, NULL);

	if (loop == NULL)
	{
		printf("Bail out! no loop\n");
		exit(1);
	}
	return loop;
}

void
turn(HttpLoop *loop)
{
	struct pollfd p = {http_loop_fd(loop), POLLIN, 0};
	long		timeout = http_loop_timeout(loop);

	if (timeout < 0 || timeout > 1000)
		timeout = 1000;
	poll(&p, 1, (int) timeout);
	http_loop_run(loop);
}

void
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

/*
 * One call
 */

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

Result
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

Result
fetch_path(HttpLoop *loop, const char *path)
{
	RequestParts parts;
	HttpSpec	spec;

	spec_init(&spec, &parts, LOCAL, path, server.port);
	return fetch(loop, &spec);
}

bool
body_is(Result *result, const char *text)
{
	return strcmp(buf_text(&result->body), text) == 0;
}

void
explain_result(bool passed, Result *result)
{
	if (!passed)
		printf("# end %d status %d sent %d received %lld took %lld reports %d: %s\n",
			   (int) result->end, result->status, result->request_sent,
			   (long long) result->received, (long long) result->took,
			   result->reports, result->error);
	buf_free(&result->body);
}

/*
 * Many at once
 */

HttpCall *
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

int
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

int
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

int
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

bool
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
