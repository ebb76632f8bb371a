/*
 * fuzz_provider.h
 *		A whole provider on hostile bytes: what comes out is text, whatever went in
 *		and however it was cut; errors and headers are readable; a request's body
 *		is JSON and holds no member twice.
 *
 * Input: how to cut, options, the body.
 */
#ifndef AS_FUZZ_PROVIDER_H
#define AS_FUZZ_PROVIDER_H

#include "fuzz.h"
#include "json_scan.h"
#include "provider.h"
#include "transcript.h"

#define MAX_EVENT	4096

static inline void
feed(void *arg, const char *bytes, size_t len)
{
	Decoder    *decoder = arg;

	decoder->provider->feed(decoder, bytes, len);
}

static inline void
check_answer(const Answer *answer)
{
	require_text(buf_text(&answer->text), answer->text.len);
	require_text(buf_text(&answer->reasoning), answer->reasoning.len);
	require_text(buf_text(&answer->progress), answer->progress.len);
	require_text(buf_text(&answer->refusal), answer->refusal.len);
	require_text(answer->finish_raw, strlen(answer->finish_raw));
	require_text(answer->model, strlen(answer->model));
	require_text(answer->response_id, strlen(answer->response_id));
	require_text(answer->error.message, strlen(answer->error.message));
	require_text(answer->error.code, strlen(answer->error.code));
	require(answer->error.error_class == ERROR_CLASS_NONE || answer->error.message[0]);
	require(answer->error.error_class == ERROR_CLASS_NONE || !answer->ended);
}

static inline void
decode(const Provider *provider, const char *bytes, size_t len, uint8_t choice,
	   uint8_t options, Buf *result)
{
	HttpHead	head;
	Decoder		decoder;

	http_head_init(&head);
	head.status = 200;
	if (options & 2)
		http_head_line(&head, "content-type: application/json", 30, 0);
	require(decoder_init(&decoder, provider, &head, MAX_EVENT, options & 1));
	fuzz_feed(bytes, len, choice, feed, &decoder);
	provider->finish(&decoder);
	check_answer(&decoder.answer);
	transcript(result, &decoder.answer);
	decoder_free(&decoder);
}

static inline void
check_decoder(const Provider *provider, const char *bytes, size_t len, uint8_t choice,
			  uint8_t options)
{
	Buf			whole;
	Buf			cut;

	buf_init(&whole, 0);
	buf_init(&cut, 0);
	decode(provider, bytes, len, 0, options, &whole);
	decode(provider, bytes, len, choice | 1, options, &cut);
	require_same(&whole, &cut);
	buf_free(&whole);
	buf_free(&cut);
}

/* The same bytes as an unsuccessful response, and as its header lines. */
static inline void
check_error(const Provider *provider, const char *bytes, size_t len, uint8_t options)
{
	static const int statuses[] = {400, 429, 503, 302};
	ProviderError error;
	HttpHead	head;
	const char *line = bytes;
	const char *end = bytes + len;

	http_head_init(&head);
	head.status = statuses[options >> 6];
	while (line < end)
	{
		const char *stop = memchr(line, '\n', (size_t) (end - line));

		stop = stop ? stop : end;
		http_head_line(&head, line, (size_t) (stop - line), 1700000000);
		line = stop + (stop < end);
	}
	require(head.retry_after_ms >= -1 && head.reset_tokens_ms >= -1 &&
			head.limit_requests >= -1 && head.remaining_tokens >= -1);
	require_text(head.content_type, strlen(head.content_type));
	provider->read_error(&head, bytes, len, &error);
	require(error.error_class != ERROR_CLASS_NONE && error.message[0]);
	require_text(error.message, strlen(error.message));
	require_text(error.code, strlen(error.code));
}

/* No name may come twice in an object that is sent; those of the outermost are looked at. */
typedef struct Names
{
	Buf			text;			/* NUL after each */
} Names;

static inline void
see_name(void *arg, const JsonMember *member)
{
	Names	   *names = arg;
	const char *known = buf_text(&names->text);
	const char *end = known + names->text.len;

	for (; known < end; known += strlen(known) + 1)
		require(strcmp(known, member->name) != 0);
	buf_append(&names->text, member->name, member->name_len + 1);
}

static inline void
check_body(const Buf *body)
{
	Names		names;

	buf_init(&names.text, 0);
	require(json_members(body->data, body->len, see_name, &names, NULL));
	buf_free(&names.text);
}

/* The text as a prompt, as the extra members, and as a schema and its name. */
static inline void
check_request(const Provider *provider, const char *bytes, size_t len, uint8_t options)
{
	ModelRequest request = {
		.base_url = "https://api.example.com/v1",
		.temperature = "0.5",
		.max_output_tokens = options & 4 ? 10 : 0,
	};
	RequestParts parts;
	const char *error = NULL;
	Buf			text;

	buf_init(&text, 0);
	buf_append(&text, bytes, len);
	request.user_prompt = buf_text(&text);
	request.deployment = options & 8 ? buf_text(&text) : "m";
	request.api_version = options & 16 ? buf_text(&text) : NULL;
	request.extra_body = buf_text(&text);
	request.json_schema = options & 32 ? buf_text(&text) : NULL;
	request.schema_name = request.json_schema;
	request_parts_init(&parts);
	if (provider->build_request(&request, &parts, &error))
	{
		check_body(&parts.body);
		require(strpbrk(buf_text(&parts.url), " \r\n\t") == NULL);
	}
	else
		require(error != NULL);
	request_parts_free(&parts);
	buf_free(&text);
}

static inline void
fuzz_provider(const Provider *provider, const uint8_t *data, size_t size)
{
	const char *bytes = (const char *) data + 2;

	if (size < 2)
		return;
	check_decoder(provider, bytes, size - 2, data[0], data[1]);
	check_error(provider, bytes, size - 2, data[1]);
	check_request(provider, bytes, size - 2, data[1]);
}

/* A whole target. */
#define FUZZ_PROVIDER(provider) \
	int \
	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) \
	{ \
		fuzz_provider(&provider, data, size); \
		return 0; \
	}

#endif							/* AS_FUZZ_PROVIDER_H */
