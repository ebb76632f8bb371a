/*
 * test_provider.c
 *		What all vendors share: names, the response's head, headers of a request,
 *		text for people, and a decoder that was never fed.
 */
#include "provider.h"
#include "provider_common.h"
#include "unit.h"

#define NOW			INT64_C(784111770)	/* 1994-11-06 08:49:30 UTC */
#define DAY_MS		INT64_C(86400000)

static void
test_names(void)
{
	is_text(error_class_name(ERROR_CLASS_RATE_LIMITED), "rate_limited", "a class has a name");
	is_text(error_class_name(ERROR_CLASS_INTERNAL), "internal", "so has the last");
	is_text(error_class_name(ERROR_CLASS_NONE), "none", "so has none");
	is_text(finish_reason_name(FINISH_CONTENT_FILTER), "content_filter", "a reason has a name");
	is_text(finish_reason_name(FINISH_OTHER), "other", "so has any other");
	ok(provider_find("openai") == &provider_openai, "a provider is found");
	ok(provider_find("OpenAI") == NULL && provider_find("") == NULL &&
	   provider_find(NULL) == NULL, "an unknown one is not");
}

static void
test_waits(void)
{
	static const struct
	{
		const char *line;
		int64_t		retry_after_ms;
	}			cases[] = {
		{"Retry-After: 7", 7000},
		{"retry-after:7", 7000},
		{"RETRY-AFTER:  1.5\t", 1500},
		{"Retry-After: 0", 0},
		{"Retry-After: -3", 0},
		{"Retry-After: 99999999999999999999999999", DAY_MS},
		{"Retry-After: soon", -1},
		{"Retry-After: 7x", -1},
		{"Retry-After: inf", -1},
		{"Retry-After: 0x10", -1},
		{"Retry-After:", -1},
		{"Retry-After 7", -1},
		{"", -1},
		{"Retry-After: Sun, 06 Nov 1994 08:49:37 GMT", 7000},
		{"Retry-After: Sunday, 06-Nov-94 08:49:37 GMT", 7000},
		{"Retry-After: Sun Nov  6 08:49:37 1994", 7000},
		{"Retry-After: Sat, 05 Nov 1994 08:49:37 GMT", 0},
		{"Retry-After: Sat, 06 Nov 2094 08:49:37 GMT", DAY_MS},
		{"Retry-After: Sun, 99 Nov 1994 08:49:37 GMT", -1},
		{"Retry-After: Sun, 06 Foo 1994 08:49:37 GMT", -1},
		{"Retry-After: Sun, 06 Nov 1994", -1},
		{"retry-after-ms: 20", 20},
		{"Retry-After-MS: 20.7", 20},
		{"retry-after-ms: nonsense", -1},
	};
	size_t		i;

	for (i = 0; i < lengthof(cases); i++)
	{
		HttpHead	head;

		http_head_init(&head);
		http_head_line(&head, cases[i].line, strlen(cases[i].line), NOW);
		if (!is_int(head.retry_after_ms, cases[i].retry_after_ms, "when to try again"))
			unit_show("line", cases[i].line);
	}
}

static void
take(HttpHead *head, const char *line)
{
	size_t		len = strlen(line);
	char	   *copy = malloc(len + 1);

	memcpy(copy, line, len);
	http_head_line(head, copy, len, NOW);
	free(copy);
}

static void
test_leap_years(void)
{
	HttpHead	head;

	http_head_init(&head);
	http_head_line(&head, "Retry-After: Thu, 01 Mar 2024 00:00:00 GMT", 42, 1709164800);
	is_int(head.retry_after_ms, DAY_MS, "after 29 February");
	http_head_line(&head, "Retry-After: Mon, 01 Mar 2100 00:00:00 GMT", 42, 4107542399);
	is_int(head.retry_after_ms, 1000, "2100 is no leap year");
}

static void
test_head(void)
{
	HttpHead	head;
	char		longline[1000];

	http_head_init(&head);
	is_int(head.limit_tokens, -1, "nothing is known at first");
	is_int(head.should_retry, -1, "not even whether to retry");

	take(&head, "HTTP/1.1 200 OK");
	take(&head, "Content-Type: text/event-stream; charset=utf-8");
	take(&head, "X-Request-ID: abc");
	take(&head, "x-should-retry: False");
	take(&head, "X-RateLimit-Limit-Requests: 60");
	take(&head, "x-ratelimit-remaining-requests: 59");
	take(&head, "x-ratelimit-reset-requests: 6m0s");
	take(&head, "x-ratelimit-limit-tokens: 99999999999999999999");
	take(&head, "x-ratelimit-remaining-tokens: -5");
	take(&head, "x-ratelimit-reset-tokens: 20ms");
	is_text(head.content_type, "text/event-stream; charset=utf-8", "the content type");
	is_text(head.request_id, "abc", "the request's name");
	is_int(head.should_retry, 0, "the vendor's advice");
	is_int(head.limit_requests, 60, "requests allowed");
	is_int(head.remaining_requests, 59, "requests left");
	is_int(head.reset_requests_ms, 360000, "until there are more");
	is_int(head.limit_tokens, INT64_MAX, "an absurd count is clamped");
	is_int(head.remaining_tokens, 0, "a negative one is none");
	is_int(head.reset_tokens_ms, 20, "a short wait");

	take(&head, "request-id: req_2");
	take(&head, "x-should-retry: true");
	take(&head, "x-ratelimit-reset-tokens: nonsense");
	take(&head, "x-ratelimit-limit-requests: many");
	is_text(head.request_id, "req_2", "another name for it");
	is_int(head.should_retry, 1, "the later line counts");
	is_int(head.reset_tokens_ms, 20, "nonsense changes nothing");
	is_int(head.limit_requests, 60, "in a count neither");
	take(&head, "apim-request-id: \xFF\x01z");
	is_text(head.request_id, "\xEF\xBF\xBD z", "a name is made readable");

	take(&head, "retry-after-ms: 800");
	take(&head, "retry-after: 2");
	is_int(head.retry_after_ms, 800, "milliseconds are more exact than seconds");

	memset(longline, 'x', sizeof(longline));
	memcpy(longline, "content-type: ", 14);
	http_head_line(&head, longline, sizeof(longline), NOW);
	http_head_line(&head, longline + 14, sizeof(longline) - 14, NOW);
	is_text(head.content_type, "text/event-stream; charset=utf-8", "an absurd line is ignored");
}

static void
test_anthropic_limits(void)
{
	HttpHead	head;

	http_head_init(&head);
	take(&head, "anthropic-ratelimit-requests-limit: 50");
	take(&head, "anthropic-ratelimit-requests-remaining: 49");
	take(&head, "anthropic-ratelimit-requests-reset: 1994-11-06T08:49:37Z");
	is_int(head.limit_requests, 50, "requests allowed");
	is_int(head.remaining_requests, 49, "requests left");
	is_int(head.reset_requests_ms, 7000, "until a time of day");

	take(&head, "anthropic-ratelimit-input-tokens-limit: 1000");
	take(&head, "Anthropic-RateLimit-Input-Tokens-Remaining: 900");
	take(&head, "anthropic-ratelimit-input-tokens-reset: 1994-11-06T08:49:31Z");
	take(&head, "anthropic-ratelimit-output-tokens-limit: 7");
	is_int(head.limit_tokens, 1000, "input tokens stand in for tokens");
	take(&head, "anthropic-ratelimit-tokens-limit: 800");
	take(&head, "anthropic-ratelimit-tokens-remaining: 700");
	take(&head, "anthropic-ratelimit-tokens-reset: 1994-11-06T09:49:32.5+01:00");
	take(&head, "anthropic-ratelimit-input-tokens-limit: 1000");
	is_int(head.limit_tokens, 800, "until these are known");
	is_int(head.remaining_tokens, 700, "those left");
	is_int(head.reset_tokens_ms, 2000, "a time with a zone");

	take(&head, "anthropic-ratelimit-tokens-reset: 1994-11-06T00:49:33-08:00");
	is_int(head.reset_tokens_ms, 3000, "a zone in the west");
	take(&head, "anthropic-ratelimit-tokens-reset: 1994-11-05T08:49:33Z");
	is_int(head.reset_tokens_ms, 0, "a time that has passed");
	take(&head, "anthropic-ratelimit-requests-reset: soon");
	take(&head, "anthropic-ratelimit-requests-reset: 1994-11-06T08:49:39");
	take(&head, "anthropic-ratelimit-requests-reset: 1994-13-06T08:49:39Z");
	take(&head, "anthropic-ratelimit-requests-reset: 1994-11-06T08:49:39x");
	take(&head, "anthropic-ratelimit-requests-limit: many");
	take(&head, "anthropic-ratelimit-other: 1");
	is_int(head.reset_requests_ms, 7000, "nonsense changes nothing");
	is_int(head.limit_requests, 50, "in a count neither");
}

static void
test_durations(void)
{
	static const struct
	{
		const char *duration;
		int64_t		ms;
	}			cases[] = {
		{"1h2m", 3720000}, {"1.5s", 1500}, {"6m0s", 360000}, {"20ms", 20}, {"2d", DAY_MS},
		{"500us", 0}, {"1h0m0.25s", 3600250}, {"12", 12000}, {"0.5", 500}, {"0s", 0},
		{"s", -1}, {"1x", -1}, {"1h 2m", -1}, {"1s2", -1}, {"99999999999999999999h", DAY_MS},
	};
	size_t		i;

	for (i = 0; i < lengthof(cases); i++)
	{
		HttpHead	head;
		char		line[100];

		http_head_init(&head);
		snprintf(line, sizeof(line), "x-ratelimit-reset-tokens: %s", cases[i].duration);
		take(&head, line);
		if (!is_int(head.reset_tokens_ms, cases[i].ms, "a duration"))
			unit_show("duration", cases[i].duration);
	}
}

static void
test_headers(void)
{
	RequestParts parts;
	int			i;

	request_parts_init(&parts);
	ok(request_parts_header(&parts, "X-A", "b c"), "a header");
	is_text(buf_text(&parts.headers[0]), "X-A: b c", "as it is sent");
	ok(request_parts_header(&parts, "X-B", ""), "an empty value");
	ok(request_parts_header(&parts, "X-C", "\xC3\xA4"), "beyond ASCII");
	ok(!request_parts_header(&parts, "", "b"), "no name");
	ok(!request_parts_header(&parts, "X A", "b"), "a space in the name");
	ok(!request_parts_header(&parts, "X:A", "b"), "a colon in the name");
	ok(!request_parts_header(&parts, "X\xC3\xA4", "b"), "a name beyond ASCII");
	ok(!request_parts_header(&parts, "X", "a\r\nY: b"), "a line end in the value");
	ok(!request_parts_header(&parts, "X", "a\tb"), "a tab");
	ok(!request_parts_header(&parts, "X", "a\x7f"), "a delete");
	is_int(parts.nheaders, 3, "what is refused is not there");
	for (i = parts.nheaders; i < REQUEST_MAX_HEADERS; i++)
		request_parts_header(&parts, "X", "y");
	is_int(parts.nheaders, REQUEST_MAX_HEADERS, "as many as there is room for");
	ok(!request_parts_header(&parts, "X", "y"), "and not one more");
	request_parts_free(&parts);
	is_int(parts.nheaders, 0, "freed");
}

static void
test_readable(void)
{
	char		target[8];

	provider_copy_text(target, sizeof(target), " a\r\nb\0c ", 8);
	is_text(target, "a  b c", "control characters are spaces, those around go");
	provider_copy_text(target, sizeof(target), "abcdef\xC3\xA4", 8);
	is_text(target, "abcdef", "clipped between characters");
	provider_copy_text(target, sizeof(target), "abcde\xC3\xA4", 7);
	is_text(target, "abcde\xC3\xA4", "just fits");
	provider_copy_text(target, sizeof(target), "a\xFF\xE2\x82", 4);
	is_text(target, "a\xEF\xBF\xBD\xEF\xBF\xBD", "invalid UTF-8 is replaced");
	provider_copy_text(target, sizeof(target), "a\xC2\x9B" "b", 4);
	is_text(target, "a b", "a C1 control character");
	provider_copy_text(target, sizeof(target), "", 0);
	is_text(target, "", "nothing");
}

static void
test_decoder(void)
{
	HttpHead	head;
	Decoder		decoder;

	http_head_init(&head);
	take(&head, "Content-Type: Application/JSON; charset=utf-8");
	ok(decoder_init(&decoder, &provider_openai, &head, 1000, false), "a decoder");
	ok(decoder.whole_body, "knows from the content type that there is no stream");
	is_int(decoder.answer.input_tokens, -1, "and nothing of tokens");
	provider_openai.finish(&decoder);
	ok(!decoder.answer.ended, "nothing at all is no answer");
	decoder_free(&decoder);
}

int
main(void)
{
	test_names();
	test_waits();
	test_leap_years();
	test_head();
	test_anthropic_limits();
	test_durations();
	test_headers();
	test_readable();
	test_decoder();
	return unit_done();
}
