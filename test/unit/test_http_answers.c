/*
 * test_http_answers.c
 *		What is sent, and what is made of the answer: whole, broken, too large.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE				/* strcasestr */
#endif

#include <string.h>

#include "http_client.h"
#include "http_server.h"
#include "tap_http.h"

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

int
main(void)
{
	HttpLoop   *loop;

	server_start();
	loop = create_loop();
	test_plain(loop);
	test_redirect(loop);
	test_request(loop);
	test_broken(loop);
	test_limits(loop);
	http_loop_free(loop);
	server_stop();
	return tap_done();
}
