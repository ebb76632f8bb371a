/*
 * provider_cases.h
 *		What the tests of all providers share: tables of requests, of bodies with
 *		what is understood of them however they are cut, and of failures.
 */
#ifndef AS_PROVIDER_CASES_H
#define AS_PROVIDER_CASES_H

#include "provider.h"
#include "transcript.h"
#include "unit.h"

#define TEXT(literal)	literal, sizeof(literal) - 1
#define R				"\xEF\xBF\xBD"	/* what text cannot hold */

#define OVERFLOW_ERROR \
	"error[invalid_output : The server sent an event or a body that is larger than allowed.] cut"

/* Schemas that a vendor can hold an answer to strictly; one with a bound, which not all know. */
#define CLOSED_SCHEMA	"{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\"}},\"required\":[\"n\"],\"additionalProperties\":false}"
#define BOUNDED_SCHEMA	"{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\",\"minimum\":1}},\"required\":[\"n\"],\"additionalProperties\":false}"

typedef struct RequestCase
{
	const char *name;
	ModelRequest request;		/* base_url, deployment, user_prompt are added
								 * unless given */
	const char *body;			/* NULL: refused */
	const char *url;			/* NULL: not looked at */
} RequestCase;

static inline void
run_requests(const Provider *provider, const char *base_url, const RequestCase *cases, size_t count)
{
	size_t		i;

	for (i = 0; i < count; i++)
	{
		ModelRequest request = cases[i].request;
		RequestParts parts;
		const char *error = NULL;
		bool		good;

		if (request.base_url == NULL)
			request.base_url = base_url;
		if (request.deployment == NULL)
			request.deployment = "m";
		if (request.user_prompt == NULL)
			request.user_prompt = "hi";
		request_parts_init(&parts);
		good = provider->build_request(&request, &parts, &error);
		ok(good == (cases[i].body != NULL) && good == (error == NULL), cases[i].name);
		if (good && cases[i].body)
			is_text(buf_text(&parts.body), cases[i].body, "its body");
		if (good && cases[i].url)
			is_text(buf_text(&parts.url), cases[i].url, "its URL");
		request_parts_free(&parts);
	}
}

/* The headers as one text, "; " between them. */
static inline void
request_headers(const Provider *provider, const ModelRequest *request, Buf *headers)
{
	RequestParts parts;
	const char *error = NULL;
	int			i;

	buf_reset(headers);
	request_parts_init(&parts);
	if (!provider->build_request(request, &parts, &error))
		buf_puts(headers, error);
	else
	{
		for (i = 0; i < parts.nheaders; i++)
			buf_printf(headers, "%s%s", i ? "; " : "", buf_text(&parts.headers[i]));
	}
	request_parts_free(&parts);
}

static inline void
check_headers(const Provider *provider, const ModelRequest *request, const char *want,
			  const char *name)
{
	Buf			headers;

	buf_init(&headers, 0);
	request_headers(provider, request, &headers);
	is_text(buf_text(&headers), want, name);
	buf_free(&headers);
}

typedef struct StreamCase
{
	const char *name;
	const char *body;
	size_t		len;
	const char *result;
	const char *content_type;	/* NULL: the API's own for streams */
	bool		want_progress;
} StreamCase;

static inline void
feed_decoder(void *arg, const char *bytes, size_t len)
{
	Decoder    *decoder = arg;

	decoder->provider->feed(decoder, bytes, len);
	decoder_trim(decoder);		/* as the executor does; it must change nothing */
}

static inline void
decode(const Provider *provider, Buf *result, const char *body, size_t len,
	   const char *content_type, size_t max_event, bool want_progress, int cut)
{
	HttpHead	head;
	Decoder		decoder;

	http_head_init(&head);
	head.status = 200;
	snprintf(head.content_type, sizeof(head.content_type), "%s",
			 content_type ? content_type : "text/event-stream");
	decoder_init(&decoder, provider, &head, max_event, want_progress);
	feed_in_pieces(body, len, cut, feed_decoder, &decoder);
	provider->finish(&decoder);
	transcript(result, &decoder.answer);
	decoder_free(&decoder);
}

/* Each body whole, byte by byte, and in random pieces. */
static inline void
run_streams(const Provider *provider, const StreamCase *cases, size_t count)
{
	size_t		i;
	int			cut;

	for (i = 0; i < count; i++)
	{
		bool		good = true;

		for (cut = 0; cut < CUTS && good; cut++)
		{
			Buf			result;

			buf_init(&result, 0);
			decode(provider, &result, cases[i].body, cases[i].len, cases[i].content_type,
				   100000, cases[i].want_progress, cut);
			good = strcmp(buf_text(&result), cases[i].result) == 0;
			if (!good)
			{
				unit_show(" got", buf_text(&result));
				unit_show("want", cases[i].result);
			}
			buf_free(&result);
		}
		ok(good, cases[i].name);
	}
}

static inline void
check_overflow(const Provider *provider, const char *body, const char *content_type,
			   const char *want, const char *name)
{
	Buf			result;

	buf_init(&result, 0);
	decode(provider, &result, body, strlen(body), content_type, 120, false, 7);
	is_text(buf_text(&result), want, name);
	buf_free(&result);
}

typedef struct ErrorCase
{
	const char *name;
	int			status;
	const char *body;
	const char *result;			/* class, retry, code: message */
	int			should_retry;	/* 0: the vendor did not say; else 1 or -1 */
} ErrorCase;

static inline void
run_errors(const Provider *provider, const ErrorCase *cases, size_t count)
{
	size_t		i;

	for (i = 0; i < count; i++)
	{
		size_t		len = strlen(cases[i].body);
		char	   *copy = malloc(len + 1);
		HttpHead	head;
		ProviderError error;
		char		got[3000];

		http_head_init(&head);
		head.status = cases[i].status;
		head.retry_after_ms = 1234;
		if (cases[i].should_retry != 0)
			head.should_retry = cases[i].should_retry > 0;
		memcpy(copy, cases[i].body, len);
		provider->read_error(&head, copy, len, &error);
		snprintf(got, sizeof(got), "%s%s %s: %s", error_class_name(error.error_class),
				 error.retryable ? " retry" : "", error.code, error.message);
		is_text(got, cases[i].result, cases[i].name);
		ok(error.http_status == cases[i].status && error.retry_after_ms == 1234,
		   "with its status, and when to retry");
		free(copy);
	}
}

#endif							/* AS_PROVIDER_CASES_H */
