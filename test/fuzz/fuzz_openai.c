/*
 * fuzz_openai.c
 *		A whole decoder on hostile bytes: what comes out is text, whatever went in
 *		and however it was cut; errors and headers are readable; a request's body
 *		is JSON and holds no member twice.
 *
 * Input: how to cut, options, the body.
 */
#include "fuzz.h"
#include "json_scan.h"
#include "provider.h"
#include "transcript.h"

#define MAX_EVENT	4096

static void
feed(void *arg, const char *bytes, size_t len)
{
	Decoder    *decoder = arg;

	decoder->provider->feed(decoder, bytes, len);
}

static void
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

static void
decode(const char *bytes, size_t len, uint8_t choice, uint8_t options, Buf *result)
{
	HttpHead	head;
	Decoder		decoder;

	http_head_init(&head);
	head.status = 200;
	if (options & 2)
		http_head_line(&head, "content-type: application/json", 30, 0);
	require(decoder_init(&decoder, &provider_openai, &head, MAX_EVENT, options & 1));
	fuzz_feed(bytes, len, choice, feed, &decoder);
	provider_openai.finish(&decoder);
	check_answer(&decoder.answer);
	transcript(result, &decoder.answer);
	decoder_free(&decoder);
}

static void
check_decoder(const char *bytes, size_t len, uint8_t choice, uint8_t options)
{
	Buf			whole;
	Buf			cut;

	buf_init(&whole, 0);
	buf_init(&cut, 0);
	decode(bytes, len, 0, options, &whole);
	decode(bytes, len, choice | 1, options, &cut);
	require_same(&whole, &cut);
	buf_free(&whole);
	buf_free(&cut);
}

/* The same bytes as an unsuccessful response, and as its header lines. */
static void
check_error(const char *bytes, size_t len, uint8_t options)
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
	provider_openai.read_error(&head, bytes, len, &error);
	require(error.error_class != ERROR_CLASS_NONE && error.message[0]);
	require_text(error.message, strlen(error.message));
	require_text(error.code, strlen(error.code));
}

static void
count_model(void *arg, const JsonMember *member)
{
	if (strcmp(member->name, "model") == 0)
		++*(int *) arg;
}

static void
check_request(const char *bytes, size_t len)
{
	ModelRequest request = {
		.base_url = "https://api.example.com/v1",
		.deployment = "m",
		.temperature = "0.5",
		.max_output_tokens = 10,
	};
	RequestParts parts;
	const char *error;
	Buf			text;
	int			models = 0;

	buf_init(&text, 0);
	buf_append(&text, bytes, len);
	request.user_prompt = buf_text(&text);
	request.extra_body = buf_text(&text);
	request_parts_init(&parts);
	if (provider_openai.build_request(&request, &parts, &error))
	{
		require(json_members(parts.body.data, parts.body.len, count_model, &models, NULL));
		require(models == 1);
	}
	else
		require(error != NULL);
	request_parts_free(&parts);
	buf_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *) data + 2;

	if (size < 2)
		return 0;
	check_decoder(bytes, size - 2, data[0], data[1]);
	check_error(bytes, size - 2, data[1]);
	check_request(bytes, size - 2);
	return 0;
}
