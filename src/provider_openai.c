/*
 * provider_openai.c
 *		OpenAI's Chat Completions, and everything compatible with it.
 *
 * "Compatible" is a wide word, so the decoder asks for little: members it does
 * not know are skipped, usage may come in its own chunk, in the last one, in
 * every one, or never, reasoning has three names, the content may be a text or
 * a list of parts, and a server that ignores "stream" and answers with one
 * document is understood as well.  What tells the two apart is the first byte
 * of the body, because content types are missing or wrong too often.
 *
 * An event is decoded into Chunk first and takes effect only when the whole of
 * it was read: members may stand in any order (a choice's index may come after
 * its text), and an event that turns out not to be JSON must leave no trace.
 */
#include "provider.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "json_scan.h"
#include "provider_common.h"

#define DEFAULT_MAX_TOKENS_PARAMETER	"max_completion_tokens"

/* Members that extra_body cannot replace: without them the decoder fails. */
static const char *const pinned_members[] = {
	"model", "messages", "stream", "stream_options", NULL
};

/* ---- the request ---- */

static void
write_message(Buf *body, const char *role, const char *content)
{
	buf_printf(body, "{\"role\":\"%s\",\"content\":", role);
	buf_json_string(body, content, strlen(content));
	buf_putc(body, '}');
}

static void
write_messages(BodyWriter *writer, const ModelRequest *request)
{
	bool		has_system = request->system_prompt != NULL &&
		request->system_prompt[0] != '\0';

	body_pinned_member(writer, "messages");
	buf_putc(writer->body, '[');
	if (has_system)
		write_message(writer->body, "system", request->system_prompt);
	if (has_system && request->user_prompt != NULL)
		buf_putc(writer->body, ',');
	if (request->user_prompt != NULL)
		write_message(writer->body, "user", request->user_prompt);
	buf_putc(writer->body, ']');
}

static void
write_number(BodyWriter *writer, const char *name, const char *number)
{
	if (number != NULL && body_member(writer, name))
		buf_puts(writer->body, number);
}

static const char *
max_tokens_parameter(const ModelRequest *request)
{
	if (request->max_tokens_parameter == NULL || request->max_tokens_parameter[0] == '\0')
		return DEFAULT_MAX_TOKENS_PARAMETER;
	return request->max_tokens_parameter;
}

static void
write_members(BodyWriter *writer, const ModelRequest *request)
{
	body_pinned_member(writer, "model");
	buf_json_string(writer->body, request->deployment, strlen(request->deployment));
	write_messages(writer, request);
	body_pinned_member(writer, "stream");
	buf_puts(writer->body, "true");
	body_pinned_member(writer, "stream_options");
	buf_puts(writer->body, "{\"include_usage\":true}");
	write_number(writer, "temperature", request->temperature);
	write_number(writer, "top_p", request->top_p);
	if (request->max_output_tokens > 0 &&
		body_member(writer, max_tokens_parameter(request)))
		buf_printf(writer->body, "%lld", (long long) request->max_output_tokens);
}

static bool
build_body(const ModelRequest *request, Buf *body)
{
	BodyWriter	writer;
	bool		good = body_begin(&writer, body, request->extra_body);

	if (good)
		write_members(&writer, request);
	body_end(&writer, pinned_members);
	return good;
}

/* Would the name of the member for the token limit come twice? */
static bool
is_own_member(const char *name)
{
	static const char *const own[] = {
		"model", "messages", "stream", "stream_options", "temperature", "top_p", NULL
	};
	const char *const *p;

	for (p = own; *p; p++)
	{
		if (strcmp(*p, name) == 0)
			return true;
	}
	return false;
}

/* NULL if the request can be sent, else what is wrong with it. */
static const char *
request_fault(const ModelRequest *request)
{
	if (request->base_url == NULL || request->base_url[0] == '\0')
		return "the server has no URL";
	if (request->deployment == NULL || request->deployment[0] == '\0')
		return "the model has no name";
	if (request->user_prompt == NULL &&
		(request->system_prompt == NULL || request->system_prompt[0] == '\0'))
		return "there is no prompt";
	if (request->temperature != NULL && !provider_is_number(request->temperature))
		return "the temperature is not a JSON number";
	if (request->top_p != NULL && !provider_is_number(request->top_p))
		return "top_p is not a JSON number";
	if (is_own_member(max_tokens_parameter(request)))
		return "the parameter for the token limit has the name of another one";
	return NULL;
}

static bool
write_headers(const ModelRequest *request, RequestParts *parts)
{
	Buf			bearer;
	bool		good;

	if (!request_parts_header(parts, "Content-Type", "application/json") ||
		!request_parts_header(parts, "Accept", "text/event-stream"))
		return false;
	if (request->api_key == NULL || request->api_key[0] == '\0')
		return true;
	buf_init(&bearer, 0);
	good = buf_printf(&bearer, "Bearer %s", request->api_key) &&
		request_parts_header(parts, "Authorization", bearer.data);
	if (bearer.data != NULL)
		explicit_bzero(bearer.data, bearer.cap);
	buf_free(&bearer);
	return good;
}

static bool
openai_build_request(const ModelRequest *request, RequestParts *parts,
					 const char **error)
{
	*error = request_fault(request);
	if (*error == NULL && !write_headers(request, parts))
		*error = "the API key holds characters that a header cannot carry";
	if (*error == NULL && !build_body(request, &parts->body))
		*error = "extra_body is not a JSON object";
	if (*error == NULL &&
		(!provider_url(&parts->url, request->base_url, "chat/completions") ||
		 parts->body.failed))
		*error = "out of memory";
	return *error == NULL;
}

/* ---- one event ---- */

/* The names of a thought, in the order in which they are looked at. */
static const char *const thought_names[] = {
	"reasoning_content", "reasoning", "thinking"
};

#define THOUGHT_NAMES	3

typedef struct Usage
{
	int64_t		input;
	int64_t		cached;
	int64_t		output;
	int64_t		reasoning;
	int64_t		total;
} Usage;

typedef struct Chunk
{
	Decoder    *decoder;
	const char *message;		/* the member of a choice that holds the text:
								 * "delta." or "message." */

	/* the choice that is being read */
	int			choice;			/* its place in the array, -1 before the first */
	int64_t		choice_index;	/* what it says its index is, else its place */
	bool		has_choice;		/* the choice with index 0 was read; the rest is
								 * not looked at */
	char		finish[64];

	/* the content part that is being read, if the content is a list */
	int			part;
	size_t		part_start;		/* where its text begins in content */
	bool		part_unknown;	/* it is something other than text */

	Usage		usage;
	char		id[128];
	char		model[128];
	VendorWords words;
} Chunk;

typedef enum BodyKind
{
	BODY_UNKNOWN = 0,			/* nothing but white space so far */
	BODY_EVENTS,
	BODY_DOCUMENT
} BodyKind;

/* Lives as long as the decoder, so that events share their buffers. */
typedef struct OpenAIState
{
	Buf			content;
	Buf			refusal;
	Buf			thoughts[THOUGHT_NAMES];
	BodyKind	kind;
	bool		finish_seen;
	bool		choice_seen;
	bool		done;			/* "[DONE]" was seen */
} OpenAIState;

static OpenAIState *
get_state(Decoder *decoder)
{
	/* all zeros are empty Bufs without a limit */
	if (decoder->state == NULL)
		decoder->state = calloc(1, sizeof(OpenAIState));
	return decoder->state;
}

static void
openai_free_state(void *state)
{
	OpenAIState *own = state;
	int			i;

	buf_free(&own->content);
	buf_free(&own->refusal);
	for (i = 0; i < THOUGHT_NAMES; i++)
		buf_free(&own->thoughts[i]);
}

static FinishReason
finish_of_word(const char *word)
{
	static const struct
	{
		const char *word;
		FinishReason reason;
	}			known[] = {
		{"stop", FINISH_STOP},
		{"length", FINISH_LENGTH},
		{"content_filter", FINISH_CONTENT_FILTER},
		{"tool_calls", FINISH_TOOL_CALLS},
		{"function_call", FINISH_TOOL_CALLS},
		{"refusal", FINISH_REFUSAL},
		/* compatible servers that pass on another vendor's word */
		{"eos", FINISH_STOP},
		{"end_turn", FINISH_STOP},
		{"stop_sequence", FINISH_STOP},
		{"max_tokens", FINISH_LENGTH},
	};
	size_t		i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
	{
		if (strcasecmp(known[i].word, word) == 0)
			return known[i].reason;
	}
	return FINISH_OTHER;
}

/* ---- what a chunk's values mean ---- */

static void
copy_string(char *target, size_t size, const JsonValue *value)
{
	if (value->kind == JSON_STRING)
		provider_copy_text(target, size, value->value, value->len);
}

/* Every chunk repeats its id and model; only the first of them are wanted. */
static void
copy_once(char *target, size_t size, const char *known, const JsonValue *value)
{
	if (known[0] == '\0')
		copy_string(target, size, value);
}

static void
append_string(Buf *buf, const JsonValue *value)
{
	if (value->kind == JSON_STRING)
		buf_append(buf, value->value, value->len);
}

static void
forget_choice(Chunk *chunk, OpenAIState *state)
{
	int			i;

	buf_reset(&state->content);
	buf_reset(&state->refusal);
	for (i = 0; i < THOUGHT_NAMES; i++)
		buf_reset(&state->thoughts[i]);
	chunk->finish[0] = '\0';
	chunk->part = -1;
}

/* The choice that was read ends here: it is kept if it is the first one, else forgotten. */
static void
end_choice(Chunk *chunk)
{
	if (chunk->has_choice || chunk->choice < 0)
		return;
	if (chunk->choice_index == 0)
		chunk->has_choice = true;
	else
		forget_choice(chunk, chunk->decoder->state);
}

/* name may be anything; it is a thought if it is one of the known names. */
static void
take_thought(OpenAIState *state, const char *name, const JsonValue *value)
{
	int			i;

	for (i = 0; i < THOUGHT_NAMES; i++)
	{
		if (strcmp(name, thought_names[i]) == 0)
			append_string(&state->thoughts[i], value);
	}
}

/* A new part begins: what it is, its type will tell, before its text or after it. */
static void
begin_part(Chunk *chunk, const OpenAIState *state, int part)
{
	if (chunk->part == part)
		return;
	chunk->part = part;
	chunk->part_start = state->content.len;
	chunk->part_unknown = false;
}

static void
take_part_type(Chunk *chunk, OpenAIState *state, const JsonValue *value)
{
	if (value->kind != JSON_STRING || strcmp(value->value, "text") == 0 ||
		strcmp(value->value, "output_text") == 0)
		return;
	chunk->part_unknown = true;
	if (state->content.len > chunk->part_start)
	{
		state->content.len = chunk->part_start;
		state->content.data[state->content.len] = '\0';
	}
}

/* Content as a list of parts; name is what follows "content[]." */
static void
take_part(Chunk *chunk, OpenAIState *state, const char *name, const JsonValue *value)
{
	begin_part(chunk, state, value->index[1]);
	if (strcmp(name, "type") == 0)
		take_part_type(chunk, state, value);
	else if (strcmp(name, "text") == 0 && !chunk->part_unknown)
		append_string(&state->content, value);
	else if (strcmp(name, "refusal") == 0)
		append_string(&state->refusal, value);
	else if (strcmp(name, "thinking") == 0 || strcmp(name, "thinking[].text") == 0)
		take_thought(state, "thinking", value);
}

/* name is what follows "choices[].delta." */
static void
take_message(Chunk *chunk, const char *name, const JsonValue *value)
{
	OpenAIState *state = chunk->decoder->state;

	if (strcmp(name, "content") == 0)
		append_string(&state->content, value);
	else if (strncmp(name, "content[].", 10) == 0)
		take_part(chunk, state, name + 10, value);
	else if (strcmp(name, "refusal") == 0)
		append_string(&state->refusal, value);
	else
		take_thought(state, name, value);
}

/* name is what follows "choices[]." */
static void
take_choice(Chunk *chunk, const char *name, const JsonValue *value)
{
	size_t		prefix = strlen(chunk->message);
	int64_t		number;

	if (chunk->choice != value->index[0])
	{
		end_choice(chunk);
		chunk->choice = value->index[0];
		chunk->choice_index = chunk->choice;
	}
	if (chunk->has_choice)
		return;
	if (strncmp(name, chunk->message, prefix) == 0)
		take_message(chunk, name + prefix, value);
	else if (strcmp(name, "finish_reason") == 0)
		copy_string(chunk->finish, sizeof(chunk->finish), value);
	else if (strcmp(name, "index") == 0 && json_int64(value, &number))
		chunk->choice_index = number;
	else if (strncmp(name, "error", 5) == 0)
	{
		JsonValue	moved = *value;

		moved.path = name;
		vendor_words_take(&chunk->words, &moved);
	}
}

/* name is what follows "usage." */
static void
take_usage(Usage *usage, const char *name, const JsonValue *value)
{
	const struct
	{
		const char *name;
		int64_t    *field;
	}			known[] = {
		{"prompt_tokens", &usage->input},
		{"completion_tokens", &usage->output},
		{"total_tokens", &usage->total},
		{"prompt_tokens_details.cached_tokens", &usage->cached},
		{"prompt_cache_hit_tokens", &usage->cached},
		{"completion_tokens_details.reasoning_tokens", &usage->reasoning},
	};
	size_t		i;
	int64_t		number;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
	{
		if (strcmp(name, known[i].name) == 0 && json_int64(value, &number) && number >= 0)
			*known[i].field = number;
	}
}

static void
take_value(void *arg, const JsonValue *value)
{
	Chunk	   *chunk = arg;
	const Answer *answer = &chunk->decoder->answer;
	const char *path = value->path;

	if (strncmp(path, "choices[].", 10) == 0)
		take_choice(chunk, path + 10, value);
	else if (strncmp(path, "usage.", 6) == 0)
		take_usage(&chunk->usage, path + 6, value);
	else if (strcmp(path, "id") == 0)
		copy_once(chunk->id, sizeof(chunk->id), answer->response_id, value);
	else if (strcmp(path, "model") == 0)
		copy_once(chunk->model, sizeof(chunk->model), answer->model, value);
	else
		vendor_words_take(&chunk->words, value);
}

/* ---- a chunk takes effect ---- */

/* The first name that brought something is the thought; others repeat it. */
static void
commit_thought(const OpenAIState *state, Answer *answer)
{
	int			i;

	for (i = 0; i < THOUGHT_NAMES; i++)
	{
		const Buf  *thought = &state->thoughts[i];

		if (thought->len == 0)
			continue;
		buf_append(&answer->reasoning, thought->data, thought->len);
		return;
	}
}

/* A refusal ends with "stop" like any answer: the refusal is what matters. */
static void
commit_finish(const Chunk *chunk, OpenAIState *state, Answer *answer)
{
	if (chunk->finish[0] != '\0')
	{
		state->finish_seen = true;
		memcpy(answer->finish_raw, chunk->finish, strlen(chunk->finish) + 1);
		answer->finish = finish_of_word(chunk->finish);
	}
	if (answer->refusal.len > 0)
		answer->finish = FINISH_REFUSAL;
}

static void
commit_choice(const Chunk *chunk)
{
	Decoder    *decoder = chunk->decoder;
	OpenAIState *state = decoder->state;
	Answer	   *answer = &decoder->answer;

	if (!chunk->has_choice)
		return;
	state->choice_seen = true;
	commit_thought(state, answer);
	splitter_feed(&decoder->splitter, buf_text(&state->content), state->content.len,
				  &answer->text, &answer->reasoning, &answer->progress);
	buf_append(&answer->refusal, buf_text(&state->refusal), state->refusal.len);
	commit_finish(chunk, state, answer);
	if (state->content.failed)
		answer->text.failed = true;
}

static void
set_if_known(int64_t *target, int64_t number)
{
	if (number >= 0)
		*target = number;
}

/*
 * Usage is cumulative: what comes later replaces what came before.  Some
 * servers leave the reasoning out of the completion; their total tells.
 */
static void
commit_usage(const Usage *usage, Answer *answer)
{
	int64_t		output = usage->output;

	if (output >= 0 && usage->reasoning > 0 && usage->input >= 0 &&
		output <= usage->total - usage->reasoning &&
		usage->total - usage->reasoning - output == usage->input)
		output += usage->reasoning;
	set_if_known(&answer->input_tokens, usage->input);
	set_if_known(&answer->cached_input_tokens, usage->cached);
	set_if_known(&answer->output_tokens, output);
	set_if_known(&answer->reasoning_tokens, usage->reasoning);
}

static void
commit_chunk(Chunk *chunk)
{
	Answer	   *answer = &chunk->decoder->answer;

	end_choice(chunk);
	commit_choice(chunk);
	commit_usage(&chunk->usage, answer);
	if (chunk->id[0] != '\0')
		memcpy(answer->response_id, chunk->id, strlen(chunk->id) + 1);
	if (chunk->model[0] != '\0')
		memcpy(answer->model, chunk->model, strlen(chunk->model) + 1);
	if (chunk->words.has_error)
		provider_error_of_stream(&answer->error, &chunk->words);
}

static void
init_chunk(Chunk *chunk, Decoder *decoder)
{
	chunk->decoder = decoder;
	chunk->message = decoder->whole_body ? "message." : "delta.";
	chunk->choice = -1;
	chunk->choice_index = 0;
	chunk->has_choice = false;
	chunk->usage.input = -1;
	chunk->usage.cached = -1;
	chunk->usage.output = -1;
	chunk->usage.reasoning = -1;
	chunk->usage.total = -1;
	chunk->id[0] = '\0';
	chunk->model[0] = '\0';
	vendor_words_init(&chunk->words);
	forget_choice(chunk, decoder->state);
}

/* An error event's data that is not JSON is what the server had to say. */
static void
take_plain_error(VendorWords *words, const char *data, size_t len)
{
	words->has_error = true;
	provider_copy_text(words->message, sizeof(words->message), data, len);
}

/* One JSON document: an event's data, or the whole body. */
static void
take_document(Decoder *decoder, const char *data, size_t len, bool is_error)
{
	Chunk		chunk;
	int64_t		replaced = 0;

	init_chunk(&chunk, decoder);
	if (provider_scan(data, len, take_value, &chunk, &replaced))
	{
		chunk.words.has_error |= is_error;
		decoder->answer.events++;
		decoder->answer.replaced += replaced;
		commit_chunk(&chunk);
		return;
	}
	decoder->answer.bad_events++;
	if (is_error)
	{
		vendor_words_init(&chunk.words);
		take_plain_error(&chunk.words, data, len);
		provider_error_of_stream(&decoder->answer.error, &chunk.words);
	}
}

/* ---- the body ---- */

static bool
has_error(const Decoder *decoder)
{
	return decoder->answer.error.error_class != ERROR_CLASS_NONE;
}

static bool
is_blank(const char *data, size_t len)
{
	return strspn(data, " \t\n") >= len;
}

static bool
is_done_mark(const char *data, size_t len)
{
	size_t		start = strspn(data, " \t\n");

	return len - start >= 6 && memcmp(data + start, "[DONE]", 6) == 0 &&
		is_blank(data + start + 6, len - start - 6);
}

static void
take_event(void *arg, const char *event, const char *data, size_t len)
{
	Decoder    *decoder = arg;
	OpenAIState *state = decoder->state;

	if (state->done || has_error(decoder))
		return;
	if (is_done_mark(data, len))
	{
		state->done = true;
		decoder->answer.ended = true;
	}
	else if (strcmp(event, "error") == 0)
		take_document(decoder, data, len, true);
	else if (!is_blank(data, len))
		take_document(decoder, data, len, false);
}

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

/* The first byte that says something: a document begins with a brace or a bracket. */
static BodyKind
look_at(const char *bytes, size_t len)
{
	static const char mark[] = "\xEF\xBB\xBF";
	size_t		i = 0;

	while (i < len && i < 3 && bytes[i] == mark[i])
		i++;
	while (i < len && strchr(" \t\r\n", bytes[i]) != NULL && bytes[i] != '\0')
		i++;
	if (i == len)
		return BODY_UNKNOWN;
	return bytes[i] == '{' || bytes[i] == '[' ? BODY_DOCUMENT : BODY_EVENTS;
}

static void
feed_events(Decoder *decoder, const char *bytes, size_t len)
{
	sse_feed(&decoder->sse, bytes, len, take_event, decoder);
	if (decoder->sse.overflow)
		take_overflow(decoder);
}

/* Until the kind is known, the body is gathered; events then get what has gathered. */
static void
feed_unknown(Decoder *decoder, OpenAIState *state, const char *bytes, size_t len)
{
	buf_append(&decoder->body, bytes, len);
	state->kind = look_at(buf_text(&decoder->body), decoder->body.len);
	if (state->kind == BODY_UNKNOWN)
		return;
	decoder->whole_body = state->kind == BODY_DOCUMENT;
	if (state->kind == BODY_EVENTS)
	{
		feed_events(decoder, decoder->body.data, decoder->body.len);
		buf_free(&decoder->body);
	}
}

static void
openai_feed(Decoder *decoder, const char *bytes, size_t len)
{
	OpenAIState *state = get_state(decoder);

	if (state == NULL)
	{
		decoder->answer.text.failed = true;
		return;
	}
	if (state->kind == BODY_UNKNOWN)
		feed_unknown(decoder, state, bytes, len);
	else if (state->kind == BODY_EVENTS)
		feed_events(decoder, bytes, len);
	else
		buf_append(&decoder->body, bytes, len);
	if (decoder->body.failed)
		take_overflow(decoder);
}

static void
finish_body(Decoder *decoder, const OpenAIState *state)
{
	if (state->kind == BODY_EVENTS)
	{
		sse_finish(&decoder->sse, take_event, decoder);
		if (decoder->sse.overflow)
			take_overflow(decoder);
	}
	else if (state->kind == BODY_DOCUMENT && !decoder->body.failed)
		take_document(decoder, decoder->body.data, decoder->body.len, false);
}

static void
openai_finish(Decoder *decoder)
{
	OpenAIState *state = decoder->state;
	Answer	   *answer = &decoder->answer;
	bool		whole;

	if (state == NULL)
		return;
	finish_body(decoder, state);
	splitter_finish(&decoder->splitter, &answer->text, &answer->reasoning,
					&answer->progress);
	whole = state->done || state->finish_seen ||
		(state->kind == BODY_DOCUMENT && state->choice_seen);
	answer->ended = whole && !has_error(decoder);
}

const Provider provider_openai = {
	.type = "openai",
	.build_request = openai_build_request,
	.feed = openai_feed,
	.finish = openai_finish,
	.read_error = provider_read_error,
	.free_state = openai_free_state,
};
