/*
 * provider_anthropic.c
 *		Anthropic's Messages API.
 *
 * The API's version comes from the server's VERSION, because newer ones refuse
 * what older ones accept.  A limit of output tokens has to be sent, so one is
 * found even if nobody has set it.  Thoughts come only if they are asked for:
 * the user's "thinking" member says whether, and a summary is added to it
 * unless it says otherwise.
 *
 * The answer is whole only when message_stop was seen.  Usage is cumulative and
 * comes in pieces: the input in message_start, which leaves out what the cache
 * took and gave, the output in message_delta.
 */
#include "provider.h"

#include <string.h>

#include "provider_common.h"
#include "provider_strict.h"

#define DEFAULT_VERSION		"2023-06-01"
#define DEFAULT_MAX_TOKENS	4096

static const char *const pinned_members[] = {
	"model", "messages", "system", "stream", NULL
};

static const char *const no_members[] = {NULL};

/* ---- the request ---- */

static int64_t
max_tokens(const ModelRequest *request)
{
	if (request->max_output_tokens > 0)
		return request->max_output_tokens;
	if (request->model_max_output_tokens > 0)
		return request->model_max_output_tokens;
	return DEFAULT_MAX_TOKENS;
}

static void
write_thinking(BodyWriter *writer)
{
	BodyWriter	thinking;

	if (!body_has_extra(writer, "thinking", NULL) ||
		!body_nested(writer, "thinking", &thinking))
		return;
	if (!body_has_extra(&thinking, "type", "\"disabled\""))
		body_text(&thinking, "display", "summarized");
	body_end(&thinking, no_members);
}

static void
write_schema(BodyWriter *writer, const ModelRequest *request)
{
	BodyWriter	config;
	BodyWriter	format;

	if (request->json_schema == NULL || !body_nested(writer, "output_config", &config))
		return;
	if (!body_has_extra(&config, "format", NULL) && body_nested(&config, "format", &format))
	{
		body_text(&format, "type", "json_schema");
		body_raw(&format, "schema", request->json_schema);
		body_end(&format, no_members);
	}
	body_end(&config, no_members);
}

/* Other schemas are refused, and there is no way to send them as a mere wish. */
static bool
takes_schema(const char *json_schema)
{
	return provider_is_strict(&strict_anthropic, json_schema);
}

/* The system prompt is a member of its own, not a message. */
static void
write_prompts(BodyWriter *writer, const ModelRequest *request)
{
	ModelRequest user_only = *request;
	const char *system = request->system_prompt;

	user_only.system_prompt = NULL;
	if (system != NULL && system[0] != '\0')
	{
		body_pinned_member(writer, "system");
		buf_json_string(writer->body, system, strlen(system));
	}
	body_messages(writer, &user_only);
}

static void
write_members(BodyWriter *writer, const ModelRequest *request)
{
	body_pinned_member(writer, "model");
	buf_json_string(writer->body, request->deployment, strlen(request->deployment));
	body_integer(writer, "max_tokens", max_tokens(request));
	write_prompts(writer, request);
	body_pinned_member(writer, "stream");
	buf_puts(writer->body, "true");
	body_raw(writer, "temperature", request->temperature);
	body_raw(writer, "top_p", request->top_p);
	write_thinking(writer);
	write_schema(writer, request);
}

static bool
write_url(const ModelRequest *request, Buf *url)
{
	return provider_url(url, request->base_url, "v1", "messages", NULL);
}

static const RequestRules request_rules = {
	.accept = "text/event-stream",
	.key_header = "x-api-key",
	.key_prefix = "",
	.pinned = pinned_members,
	.write_url = write_url,
	.write_members = write_members,
};

static bool
anthropic_build_request(const ModelRequest *request, RequestParts *parts, const char **error)
{
	const char *version = request->api_version;

	if (version == NULL || version[0] == '\0')
		version = DEFAULT_VERSION;
	if (!request_parts_header(parts, "anthropic-version", version))
	{
		*error = "the server's VERSION holds characters that a header cannot carry";
		return false;
	}
	return provider_build(&request_rules, request, parts, error);
}

/* ---- one event ---- */

typedef struct AnthropicState
{
	StreamState stream;
	bool		thinking;		/* the block that is open holds thoughts */

	/* input tokens by where they came from */
	int64_t		fresh;
	int64_t		cache_created;
	int64_t		cache_read;

	/* the rest is of one event */
	char		type[32];
	char		block_type[32];
	int64_t		event_fresh;	/* -1 = not said */
	int64_t		event_created;
	int64_t		event_read;
} AnthropicState;

static const FinishWord finish_words[] = {
	{"end_turn", FINISH_STOP},
	{"stop_sequence", FINISH_STOP},
	{"max_tokens", FINISH_LENGTH},
	{"model_context_window_exceeded", FINISH_LENGTH},
	{"tool_use", FINISH_TOOL_CALLS},
	{"refusal", FINISH_REFUSAL},
	{NULL, FINISH_NONE}
};

static void
forget_usage(AnthropicState *state)
{
	state->event_fresh = -1;
	state->event_created = -1;
	state->event_read = -1;
}

static void
begin_event(Decoder *decoder)
{
	AnthropicState *state = decoder->state;

	state->type[0] = '\0';
	state->block_type[0] = '\0';
	forget_usage(state);
}

/* name is what follows "usage." */
static void
take_usage(AnthropicState *state, const char *name, const JsonValue *value)
{
	if (strcmp(name, "input_tokens") == 0)
		draft_count(&state->event_fresh, value);
	else if (strcmp(name, "cache_creation_input_tokens") == 0)
		draft_count(&state->event_created, value);
	else if (strcmp(name, "cache_read_input_tokens") == 0)
		draft_count(&state->event_read, value);
	else if (strcmp(name, "output_tokens") == 0)
		draft_count(&state->stream.draft.output, value);
}

/* What a block holds, whole or in part; name is its member. */
static void
take_block(AnthropicState *state, const char *name, const JsonValue *value)
{
	Draft	   *draft = &state->stream.draft;

	if (strcmp(name, "text") == 0)
		draft_append(&draft->text, value);
	else if (strcmp(name, "thinking") == 0)
		draft_append(&draft->thoughts, value);
	else if (strcmp(name, "stop_reason") == 0)
		draft_copy(draft->finish, sizeof(draft->finish), value);
	else if (strcmp(name, "stop_details.explanation") == 0)
		draft_append(&draft->refusal, value);
}

/* A member of the message; name is its path there. */
static void
take_message(Decoder *decoder, const char *name, const JsonValue *value)
{
	AnthropicState *state = decoder->state;

	if (strcmp(name, "id") == 0)
		draft_id(decoder, value);
	else if (strcmp(name, "model") == 0)
		draft_model(decoder, value);
	else if (strncmp(name, "usage.", 6) == 0)
		take_usage(state, name + 6, value);
	else if (strncmp(name, "content[].", 10) == 0)
		take_block(state, name + 10, value);
	else if (strncmp(name, "stop_", 5) == 0)
		take_block(state, name, value);
	else
		vendor_words_take_at(&state->stream.draft.words, name, value);
}

static void
take_value(void *arg, const JsonValue *value)
{
	Decoder    *decoder = arg;
	AnthropicState *state = decoder->state;
	const char *path = value->path;

	if (strcmp(path, "type") == 0)
		draft_copy(state->type, sizeof(state->type), value);
	else if (decoder->whole_body)
		take_message(decoder, path, value);
	else if (strncmp(path, "message.", 8) == 0)
		take_message(decoder, path + 8, value);
	else if (strcmp(path, "content_block.type") == 0)
		draft_copy(state->block_type, sizeof(state->block_type), value);
	else if (strncmp(path, "content_block.", 14) == 0)
		take_block(state, path + 14, value);
	else if (strncmp(path, "delta.", 6) == 0)
		take_block(state, path + 6, value);
	else if (strncmp(path, "usage.", 6) == 0)
		take_usage(state, path + 6, value);
	else
		vendor_words_take(&state->stream.draft.words, value);
}

/* ---- an event was read ---- */

/* What is not known by its type is as if it had not come. */
static bool
is_known_type(const char *type)
{
	static const char *const known[] = {
		"message_start", "content_block_start", "content_block_delta", "content_block_stop",
		"message_delta", "message_stop", "ping", "error"
	};
	size_t		i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
	{
		if (strcmp(known[i], type) == 0)
			return true;
	}
	return false;
}

static void
forget_event(AnthropicState *state)
{
	Draft	   *draft = &state->stream.draft;

	buf_reset(&draft->text);
	buf_reset(&draft->thoughts);
	buf_reset(&draft->refusal);
	draft->finish[0] = '\0';
	draft->output = -1;
	draft->id[0] = '\0';
	draft->model[0] = '\0';
	draft->replaced = 0;
	forget_usage(state);
}

/* Of each kind the last count that was sent holds; all three make the input. */
static void
settle_usage(AnthropicState *state)
{
	Draft	   *draft = &state->stream.draft;

	if (state->event_fresh >= 0)
		state->fresh = state->event_fresh;
	if (state->event_created >= 0)
		state->cache_created = state->event_created;
	if (state->event_read >= 0)
		state->cache_read = state->event_read;
	if (state->event_fresh < 0 && state->event_created < 0 && state->event_read < 0)
		return;
	draft->cached = state->event_read;
	if (__builtin_add_overflow(state->fresh, state->cache_created, &draft->input) ||
		__builtin_add_overflow(draft->input, state->cache_read, &draft->input))
		draft->input = INT64_MAX;
}

/* The thoughts of each block are a paragraph of their own. */
static void
settle_block(AnthropicState *state)
{
	if (strcmp(state->type, "content_block_start") == 0)
		state->thinking = strcmp(state->block_type, "thinking") == 0;
	else if (strcmp(state->type, "content_block_stop") == 0 && state->thinking)
	{
		buf_putc(&state->stream.draft.thoughts, '\n');
		state->thinking = false;
	}
}

static void
settle_event(Decoder *decoder)
{
	AnthropicState *state = decoder->state;
	Draft	   *draft = &state->stream.draft;

	if (state->type[0] == '\0')
		provider_copy_text(state->type, sizeof(state->type), state->stream.event,
						   strlen(state->stream.event));
	if (!decoder->whole_body && !is_known_type(state->type))
		forget_event(state);
	settle_usage(state);
	settle_block(state);
	if (decoder->whole_body)
		state->stream.whole = draft->finish[0] != '\0';
	else if (strcmp(state->type, "message_stop") == 0)
		state->stream.done = true;
	else if (strcmp(state->type, "error") == 0)
		draft->words.has_error = true;
}

static const StreamRules stream_rules = {
	.state_size = sizeof(AnthropicState),
	.finish_words = finish_words,
	.begin = begin_event,
	.take = take_value,
	.settle = settle_event,
};

static void
anthropic_feed(Decoder *decoder, const char *bytes, size_t len)
{
	stream_feed(decoder, &stream_rules, bytes, len);
}

static void
anthropic_finish(Decoder *decoder)
{
	stream_finish(decoder, &stream_rules);
}

const Provider provider_anthropic = {
	.type = "anthropic",
	.takes_schema = takes_schema,
	.build_request = anthropic_build_request,
	.feed = anthropic_feed,
	.finish = anthropic_finish,
	.read_error = provider_read_error,
	.free_state = stream_free_state,
};
