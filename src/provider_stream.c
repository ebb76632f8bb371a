/*
 * provider_stream.c
 *		How answers are read: a body is cut into documents, and what each of them
 *		brought takes effect.
 *
 * A body is a stream of events, or of lines, or one document where a server
 * ignores that a stream was asked for.  Events and a document are told apart by
 * the first byte of the body, because content types are missing or wrong too
 * often; with lines, which begin as a document does, the content type decides,
 * and a document that turns out to be several is read line by line after all.
 */
#include "provider.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "provider_common.h"

/* ---- what the vendors' readers use ---- */

void
draft_copy(char *target, size_t size, const JsonValue *value)
{
	if (value->kind == JSON_STRING)
		provider_copy_text(target, size, value->value, value->len);
}

void
draft_id(Decoder *decoder, const JsonValue *value)
{
	Draft	   *draft = stream_draft(decoder);

	if (decoder->answer.response_id[0] == '\0')
		draft_copy(draft->id, sizeof(draft->id), value);
}

void
draft_model(Decoder *decoder, const JsonValue *value)
{
	Draft	   *draft = stream_draft(decoder);

	if (decoder->answer.model[0] == '\0')
		draft_copy(draft->model, sizeof(draft->model), value);
}

void
draft_append(Buf *buf, const JsonValue *value)
{
	if (value->kind == JSON_STRING)
		buf_append(buf, value->value, value->len);
}

/* No call costs so many tokens: a greater number counts as just beyond, so that sums of it fit. */
#define BEYOND_BELIEF	(MOST_TOKENS + 1)

bool
draft_count(int64_t *field, const JsonValue *value)
{
	int64_t		number;

	if (!json_int64(value, &number) || number < 0)
		return false;
	*field = number < BEYOND_BELIEF ? number : BEYOND_BELIEF;
	return true;
}

int64_t
provider_output_tokens(int64_t output, int64_t reasoning, int64_t input,
					   int64_t total, bool usually_apart)
{
	int64_t		known = output > 0 ? output : 0;
	int64_t		sum;

	if (reasoning <= 0 || (output < 0 && !usually_apart))
		return output;
	if (__builtin_add_overflow(known, reasoning, &sum))
		return output;
	if (total < 0 || input < 0 || input > total)
		return usually_apart ? sum : output;
	if (total - input == sum)
		return sum;
	return usually_apart && total - input != known ? sum : output;
}

/* ---- a document takes effect ---- */

static void
begin_draft(Draft *draft)
{
	buf_reset(&draft->text);
	buf_reset(&draft->thoughts);
	buf_reset(&draft->refusal);
	draft->finish[0] = '\0';
	draft->reason = FINISH_NONE;
	draft->input = -1;
	draft->cached = -1;
	draft->output = -1;
	draft->reasoning = -1;
	draft->id[0] = '\0';
	draft->model[0] = '\0';
	draft->replaced = 0;
	vendor_words_init(&draft->words);
}

static FinishReason
finish_of_word(const FinishWord *known, const char *word)
{
	for (; known->word != NULL; known++)
	{
		if (strcasecmp(known->word, word) == 0)
			return known->reason;
	}
	return FINISH_OTHER;
}

static void
commit_texts(const Draft *draft, Decoder *decoder)
{
	Answer	   *answer = &decoder->answer;

	if (draft->thoughts.len > 0)
		buf_append(&answer->reasoning, draft->thoughts.data, draft->thoughts.len);
	if (draft->text.len > 0)
		splitter_feed(&decoder->splitter, draft->text.data, draft->text.len,
					  &answer->text, &answer->reasoning, &answer->progress);
	if (draft->refusal.len > 0)
		buf_append(&answer->refusal, draft->refusal.data, draft->refusal.len);
	if (draft->text.failed)
		answer->text.failed = true;
}

static void
set_if_known(int64_t *target, int64_t number)
{
	if (number >= 0)
		*target = number;
}

/*
 * Usage is cumulative: what comes later replaces what came before.  The cache
 * cannot have given more than the whole input, or it would cost less than nothing.
 */
static void
commit_usage(const Draft *draft, Answer *answer)
{
	set_if_known(&answer->input_tokens, draft->input);
	set_if_known(&answer->cached_input_tokens, draft->cached);
	set_if_known(&answer->output_tokens, draft->output);
	set_if_known(&answer->reasoning_tokens, draft->reasoning);
	if (answer->input_tokens >= 0 && answer->cached_input_tokens > answer->input_tokens)
		answer->cached_input_tokens = answer->input_tokens;
}

/* Vendors let a refusal end like any answer: the refusal is what matters. */
static void
commit_finish(const StreamRules *rules, const Draft *draft, Answer *answer)
{
	if (draft->finish[0] != '\0')
	{
		memcpy(answer->finish_raw, draft->finish, strlen(draft->finish) + 1);
		answer->finish = draft->reason != FINISH_NONE ? draft->reason :
			finish_of_word(rules->finish_words, draft->finish);
	}
	if (answer->refusal.len > 0)
		answer->finish = FINISH_REFUSAL;
}

static void
commit_draft(Decoder *decoder, const StreamRules *rules)
{
	StreamState *state = stream_state(decoder);
	const Draft *draft = &state->draft;
	Answer	   *answer = &decoder->answer;

	commit_texts(draft, decoder);
	commit_finish(rules, draft, answer);
	commit_usage(draft, answer);
	answer->replaced += draft->replaced;
	if (draft->id[0] != '\0')
		memcpy(answer->response_id, draft->id, strlen(draft->id) + 1);
	if (draft->model[0] != '\0')
		memcpy(answer->model, draft->model, strlen(draft->model) + 1);
	if (draft->words.has_error)
		provider_error_of_stream(&answer->error, &draft->words);
	else if (state->done)
		answer->ended = true;
}

/* ---- documents ---- */

static bool
has_error(const Decoder *decoder)
{
	return decoder->answer.error.error_class != ERROR_CLASS_NONE;
}

/* An error event's data that is not JSON is what the server had to say. */
static void
take_plain_error(Decoder *decoder, const char *data, size_t len)
{
	VendorWords *words = &stream_draft(decoder)->words;

	vendor_words_init(words);
	words->has_error = true;
	provider_copy_text(words->message, sizeof(words->message), data, len);
	provider_error_of_stream(&decoder->answer.error, words);
}

/* One JSON document: an event's data, a line, or the whole body. */
static void
take_document(Decoder *decoder, const StreamRules *rules, const char *event,
			  const char *data, size_t len)
{
	StreamState *state = stream_state(decoder);
	bool		is_error = strcmp(event, "error") == 0;

	state->event = event;
	begin_draft(&state->draft);
	if (rules->begin != NULL)
		rules->begin(decoder);
	if (provider_scan(data, len, rules->take, decoder, &state->draft.replaced))
	{
		state->draft.words.has_error |= is_error;
		decoder->answer.events++;
		rules->settle(decoder);
		commit_draft(decoder, rules);
		return;
	}
	decoder->answer.bad_events++;
	if (is_error)
		take_plain_error(decoder, data, len);
}

static bool
is_blank(const char *data, size_t len)
{
	return strspn(data, " \t\r\n") >= len;
}

static bool
is_end_mark(const char *data, size_t len, const char *mark)
{
	size_t		start = strspn(data, " \t\n");
	size_t		mark_len;

	if (mark == NULL)
		return false;
	mark_len = strlen(mark);
	return len - start >= mark_len && memcmp(data + start, mark, mark_len) == 0 &&
		is_blank(data + start + mark_len, len - start - mark_len);
}

typedef struct EventTarget
{
	Decoder    *decoder;
	const StreamRules *rules;
} EventTarget;

static void
take_event(void *arg, const char *event, const char *data, size_t len)
{
	const EventTarget *target = arg;
	StreamState *state = stream_state(target->decoder);

	if (state->done || has_error(target->decoder) ||
		(is_blank(data, len) && strcmp(event, "error") != 0))
		return;
	if (is_end_mark(data, len, target->rules->end_mark))
	{
		state->done = true;
		target->decoder->answer.ended = true;
	}
	else
		take_document(target->decoder, target->rules, event, data, len);
}

/* ---- the body ---- */

/* More than we are willing to hold: the same request would bring the same again. */
static void
take_overflow(Decoder *decoder)
{
	static const char message[] =
		"The server sent an event or a body that is larger than allowed.";
	ProviderError *error = &decoder->answer.error;

	if (has_error(decoder))
		return;
	error->error_class = ERROR_CLASS_INVALID_OUTPUT;
	error->retryable = false;
	memcpy(error->message, message, sizeof(message));
}

/*
 * The first byte that says something: a document begins with a brace or a bracket.
 * Of the first bytes, as many as were seen, it is known that none of them does.
 */
static BodyKind
look_at(const char *bytes, size_t len, size_t seen)
{
	static const char mark[] = "\xEF\xBB\xBF";
	size_t		i = 0;

	while (i < len && i < 3 && bytes[i] == mark[i])
		i++;
	if (i < seen)
		i = seen;
	while (i < len && strchr(" \t\r\n", bytes[i]) != NULL && bytes[i] != '\0')
		i++;
	if (i == len)
		return BODY_UNKNOWN;
	return bytes[i] == '{' || bytes[i] == '[' ? BODY_DOCUMENT : BODY_EVENTS;
}

static void
feed_events(Decoder *decoder, const StreamRules *rules, const char *bytes, size_t len)
{
	EventTarget target = {decoder, rules};

	sse_feed(&decoder->sse, bytes, len, take_event, &target);
	if (decoder->sse.overflow)
		take_overflow(decoder);
}

static void
take_line(Decoder *decoder, const StreamRules *rules)
{
	EventTarget target = {decoder, rules};

	if (decoder->body.len > 0)
		take_event(&target, "", decoder->body.data, decoder->body.len);
	buf_reset(&decoder->body);
}

static void
feed_lines(Decoder *decoder, const StreamRules *rules, const char *bytes, size_t len)
{
	const char *end = bytes + len;

	while (bytes < end)
	{
		const char *newline = memchr(bytes, '\n', (size_t) (end - bytes));
		const char *stop = newline ? newline : end;

		buf_append(&decoder->body, bytes, (size_t) (stop - bytes));
		if (decoder->body.failed)
			return;
		if (newline != NULL)
			take_line(decoder, rules);
		bytes = stop + (newline != NULL);
	}
}

/* Until the kind is known, the body is gathered; events then get what has gathered. */
static void
feed_unknown(Decoder *decoder, const StreamRules *rules, const char *bytes, size_t len)
{
	StreamState *state = stream_state(decoder);
	size_t		seen = decoder->body.len;

	buf_append(&decoder->body, bytes, len);
	state->kind = look_at(buf_text(&decoder->body), decoder->body.len, seen);
	if (state->kind == BODY_UNKNOWN)
		return;
	decoder->whole_body = state->kind == BODY_DOCUMENT;
	if (state->kind == BODY_EVENTS)
	{
		/* This piece may be more than a document may be. */
		feed_events(decoder, rules, decoder->body.data, seen);
		feed_events(decoder, rules, bytes, len);
		buf_free(&decoder->body);
	}
}

/* All zeros are empty Bufs without a limit. */
static bool
make_state(Decoder *decoder, const StreamRules *rules)
{
	if (decoder->state != NULL)
		return true;
	decoder->state = calloc(1, rules->state_size);
	if (decoder->state == NULL)
		return false;
	if (rules->lines)
		stream_state(decoder)->kind = decoder->whole_body ? BODY_DOCUMENT : BODY_LINES;
	return true;
}

void
stream_feed(Decoder *decoder, const StreamRules *rules, const char *bytes, size_t len)
{
	if (!make_state(decoder, rules))
	{
		decoder->answer.text.failed = true;
		return;
	}
	switch (stream_state(decoder)->kind)
	{
		case BODY_UNKNOWN:
			feed_unknown(decoder, rules, bytes, len);
			break;
		case BODY_EVENTS:
			feed_events(decoder, rules, bytes, len);
			break;
		case BODY_LINES:
			feed_lines(decoder, rules, bytes, len);
			break;
		case BODY_DOCUMENT:
			buf_append(&decoder->body, bytes, len);
			break;
	}
	if (decoder->body.failed)
		take_overflow(decoder);
}

static void
ignore_value(void *arg, const JsonValue *value)
{
	(void) arg;
	(void) value;
}

static void
finish_document(Decoder *decoder, const StreamRules *rules)
{
	Buf			body = decoder->body;

	if (rules->lines && !provider_scan(buf_text(&body), body.len, ignore_value, NULL, NULL))
	{
		buf_init(&decoder->body, body.limit);
		feed_lines(decoder, rules, buf_text(&body), body.len);
		take_line(decoder, rules);
		buf_free(&body);
	}
	else
		take_document(decoder, rules, "", buf_text(&body), body.len);
}

static void
finish_body(Decoder *decoder, const StreamRules *rules)
{
	EventTarget target = {decoder, rules};

	if (decoder->body.failed)
		return;
	switch (stream_state(decoder)->kind)
	{
		case BODY_UNKNOWN:
			break;
		case BODY_EVENTS:
			sse_finish(&decoder->sse, take_event, &target);
			if (decoder->sse.overflow)
				take_overflow(decoder);
			break;
		case BODY_LINES:
			take_line(decoder, rules);
			break;
		case BODY_DOCUMENT:
			finish_document(decoder, rules);
			break;
	}
}

void
stream_finish(Decoder *decoder, const StreamRules *rules)
{
	StreamState *state = stream_state(decoder);
	Answer	   *answer = &decoder->answer;

	if (state == NULL)
		return;
	finish_body(decoder, rules);
	splitter_finish(&decoder->splitter, &answer->text, &answer->reasoning,
					&answer->progress);
	answer->ended = (state->done || state->whole) && !has_error(decoder);
}

void
stream_free_state(void *state)
{
	Draft	   *draft = &((StreamState *) state)->draft;

	buf_free(&draft->text);
	buf_free(&draft->thoughts);
	buf_free(&draft->refusal);
}

size_t
stream_memory(const void *state)
{
	const Draft *draft = &((const StreamState *) state)->draft;

	return draft->text.cap + draft->thoughts.cap + draft->refusal.cap;
}

static void
empty(Buf *buf)
{
	buf_reset(buf);
	buf_trim(buf);
}

void
stream_trim(void *state)
{
	Draft	   *draft = &((StreamState *) state)->draft;

	empty(&draft->text);
	empty(&draft->thoughts);
	empty(&draft->refusal);
}
