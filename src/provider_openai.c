/*
 * provider_openai.c
 *		OpenAI's Chat Completions, and everything compatible with it.
 *
 * "Compatible" is a wide word, so the decoder asks for little: members it does
 * not know are skipped, usage may come in its own chunk, in the last one, in
 * every one, or never, reasoning has three names, the content may be a text or
 * a list of parts, and a server that ignores "stream" and answers with one
 * document is understood as well.
 */
#include "provider.h"

#include <string.h>

#include "json_scan.h"
#include "provider_common.h"
#include "provider_openai.h"

#define DEFAULT_MAX_TOKENS_PARAMETER	"max_completion_tokens"

/* Members that extra_body cannot replace: without them the decoder fails. */
static const char *const pinned_members[] = {
	"model", "messages", "stream", "stream_options", NULL
};

/* ---- the request ---- */

static const char *
max_tokens_parameter(const ModelRequest *request)
{
	if (request->max_tokens_parameter == NULL || request->max_tokens_parameter[0] == '\0')
		return DEFAULT_MAX_TOKENS_PARAMETER;
	return request->max_tokens_parameter;
}

/* OpenAI's own name for structured output; strict if the schema allows it, else a wish. */
static void
write_schema(BodyWriter *writer, const ModelRequest *request, const StrictRules *strict)
{
	static const char *const none[] = {NULL};
	BodyWriter	format;
	BodyWriter	schema;

	if (request->json_schema == NULL || body_has_extra(writer, "response_format", NULL) ||
		!body_nested(writer, "response_format", &format))
		return;
	body_text(&format, "type", "json_schema");
	if (body_nested(&format, "json_schema", &schema))
	{
		body_schema_name(&schema, request->schema_name);
		body_raw(&schema, "schema", request->json_schema);
		body_raw(&schema, "strict", provider_is_strict(strict, request->json_schema) ? "true" : "false");
		body_end(&schema, none);
	}
	body_end(&format, none);
}

void
openai_write_members(BodyWriter *writer, const ModelRequest *request, const StrictRules *strict)
{
	body_pinned_member(writer, "model");
	buf_json_string(writer->body, request->deployment, strlen(request->deployment));
	body_messages(writer, request);
	body_pinned_member(writer, "stream");
	buf_puts(writer->body, "true");
	body_pinned_member(writer, "stream_options");
	buf_puts(writer->body, "{\"include_usage\":true}");
	body_raw(writer, "temperature", request->temperature);
	body_raw(writer, "top_p", request->top_p);
	body_integer(writer, max_tokens_parameter(request), request->max_output_tokens);
	write_schema(writer, request, strict);
}

static void
write_members(BodyWriter *writer, const ModelRequest *request)
{
	openai_write_members(writer, request, provider_strict_openai(request->deployment));
}

/* Would the name of the member for the token limit come twice? */
static bool
is_own_member(const char *name)
{
	static const char *const own[] = {
		"model", "messages", "stream", "stream_options", "temperature", "top_p",
		"response_format", NULL
	};
	const char *const *p;

	for (p = own; *p; p++)
	{
		if (strcmp(*p, name) == 0)
			return true;
	}
	return false;
}

static bool
write_url(const ModelRequest *request, Buf *url)
{
	return provider_url(url, request->base_url, NULL, "chat/completions", NULL);
}

const RequestRules openai_request_rules = {
	.accept = "text/event-stream",
	.key_header = "Authorization",
	.key_prefix = "Bearer ",
	.system_alone = true,
	.pinned = pinned_members,
	.write_url = write_url,
	.write_members = write_members,
};

bool
openai_build(const RequestRules *rules, const ModelRequest *request,
			 RequestParts *parts, const char **error)
{
	if (is_own_member(max_tokens_parameter(request)))
	{
		*error = "the parameter for the token limit has the name of another one";
		return false;
	}
	return provider_build(rules, request, parts, error);
}

static bool
openai_build_request(const ModelRequest *request, RequestParts *parts,
					 const char **error)
{
	return openai_build(&openai_request_rules, request, parts, error);
}

/* ---- one chunk ---- */

/* The names of a thought, in the order in which they are looked at. */
static const char *const thought_names[] = {
	"reasoning_content", "reasoning", "thinking"
};

#define THOUGHT_NAMES	3

typedef struct OpenAIState
{
	StreamState stream;
	Buf			thoughts[THOUGHT_NAMES];
	bool		choice_seen;	/* in any chunk so far */

	/* the rest is of one chunk */
	const char *message;		/* the member of a choice that holds the text:
								 * "delta." or "message." */
	int64_t		total_tokens;

	/* the choice that is being read */
	int			choice;			/* its place in the array, -1 before the first */
	int64_t		choice_index;	/* what it says its index is, else its place */
	bool		has_choice;		/* the choice with index 0 was read; the rest is
								 * not looked at */

	/* the content part that is being read, if the content is a list */
	int			part;
	size_t		part_start;		/* where its text begins in the draft's */
	bool		part_unknown;	/* it is something other than text */
} OpenAIState;

static const FinishWord finish_words[] = {
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
	{NULL, FINISH_NONE}
};

static void
forget_choice(OpenAIState *state)
{
	Draft	   *draft = &state->stream.draft;
	int			i;

	buf_reset(&draft->text);
	buf_reset(&draft->refusal);
	for (i = 0; i < THOUGHT_NAMES; i++)
		buf_reset(&state->thoughts[i]);
	draft->finish[0] = '\0';
	state->part = -1;
}

static void
begin_chunk(Decoder *decoder)
{
	OpenAIState *state = decoder->state;

	state->message = decoder->whole_body ? "message." : "delta.";
	state->choice = -1;
	state->choice_index = 0;
	state->has_choice = false;
	state->total_tokens = -1;
	forget_choice(state);
}

/* The choice that was read ends here: it is kept if it is the first one, else forgotten. */
static void
end_choice(OpenAIState *state)
{
	if (state->has_choice || state->choice < 0)
		return;
	if (state->choice_index == 0)
		state->has_choice = true;
	else
		forget_choice(state);
}

/* name may be anything; it is a thought if it is one of the known names. */
static void
take_thought(OpenAIState *state, const char *name, const JsonValue *value)
{
	int			i;

	for (i = 0; i < THOUGHT_NAMES; i++)
	{
		if (strcmp(name, thought_names[i]) == 0)
			draft_append(&state->thoughts[i], value);
	}
}

/* A new part begins: what it is, its type will tell, before its text or after it. */
static void
begin_part(OpenAIState *state, int part)
{
	if (state->part == part)
		return;
	state->part = part;
	state->part_start = state->stream.draft.text.len;
	state->part_unknown = false;
}

static void
take_part_type(OpenAIState *state, const JsonValue *value)
{
	Buf		   *text = &state->stream.draft.text;

	if (value->kind != JSON_STRING || strcmp(value->value, "text") == 0 ||
		strcmp(value->value, "output_text") == 0)
		return;
	state->part_unknown = true;
	if (text->len > state->part_start)
	{
		text->len = state->part_start;
		text->data[text->len] = '\0';
	}
}

/* Content as a list of parts; name is what follows "content[]." */
static void
take_part(OpenAIState *state, const char *name, const JsonValue *value)
{
	begin_part(state, value->index[1]);
	if (strcmp(name, "type") == 0)
		take_part_type(state, value);
	else if (strcmp(name, "text") == 0 && !state->part_unknown)
		draft_append(&state->stream.draft.text, value);
	else if (strcmp(name, "refusal") == 0)
		draft_append(&state->stream.draft.refusal, value);
	else if (strcmp(name, "thinking") == 0 || strcmp(name, "thinking[].text") == 0)
		take_thought(state, "thinking", value);
}

/* name is what follows "choices[].delta." */
static void
take_message(OpenAIState *state, const char *name, const JsonValue *value)
{
	if (strcmp(name, "content") == 0)
		draft_append(&state->stream.draft.text, value);
	else if (strncmp(name, "content[].", 10) == 0)
		take_part(state, name + 10, value);
	else if (strcmp(name, "refusal") == 0)
		draft_append(&state->stream.draft.refusal, value);
	else
		take_thought(state, name, value);
}

/* name is what follows "choices[]." */
static void
take_choice(OpenAIState *state, const char *name, const JsonValue *value)
{
	Draft	   *draft = &state->stream.draft;
	size_t		prefix = strlen(state->message);
	int64_t		number;

	if (state->choice != value->index[0])
	{
		end_choice(state);
		state->choice = value->index[0];
		state->choice_index = state->choice;
	}
	if (state->has_choice)
		return;
	if (strncmp(name, state->message, prefix) == 0)
		take_message(state, name + prefix, value);
	else if (strcmp(name, "finish_reason") == 0)
		draft_copy(draft->finish, sizeof(draft->finish), value);
	else if (strcmp(name, "index") == 0 && json_int64(value, &number))
		state->choice_index = number;
	else if (strncmp(name, "error", 5) == 0)
		vendor_words_take_at(&draft->words, name, value);
}

/* name is what follows "usage." */
static void
take_usage(OpenAIState *state, const char *name, const JsonValue *value)
{
	Draft	   *draft = &state->stream.draft;

	if (strcmp(name, "prompt_tokens") == 0)
		draft_count(&draft->input, value);
	else if (strcmp(name, "completion_tokens") == 0)
		draft_count(&draft->output, value);
	else if (strcmp(name, "total_tokens") == 0)
		draft_count(&state->total_tokens, value);
	else if (strcmp(name, "prompt_tokens_details.cached_tokens") == 0 ||
			 strcmp(name, "prompt_cache_hit_tokens") == 0)
		draft_count(&draft->cached, value);
	else if (strcmp(name, "completion_tokens_details.reasoning_tokens") == 0)
		draft_count(&draft->reasoning, value);
}

static void
take_value(void *arg, const JsonValue *value)
{
	Decoder    *decoder = arg;
	OpenAIState *state = decoder->state;
	const char *path = value->path;

	if (strncmp(path, "choices[].", 10) == 0)
		take_choice(state, path + 10, value);
	else if (strncmp(path, "usage.", 6) == 0)
		take_usage(state, path + 6, value);
	else if (strcmp(path, "id") == 0)
		draft_id(decoder, value);
	else if (strcmp(path, "model") == 0)
		draft_model(decoder, value);
	else
		vendor_words_take(&state->stream.draft.words, value);
}

/* ---- a chunk was read ---- */

/* The first name that brought something is the thought; others repeat it. */
static void
choose_thought(OpenAIState *state)
{
	int			i;

	for (i = 0; i < THOUGHT_NAMES; i++)
	{
		const Buf  *thought = &state->thoughts[i];

		if (thought->len == 0)
			continue;
		buf_append(&state->stream.draft.thoughts, thought->data, thought->len);
		return;
	}
}

static void
settle_chunk(Decoder *decoder)
{
	OpenAIState *state = decoder->state;
	Draft	   *draft = &state->stream.draft;

	end_choice(state);
	if (state->has_choice)
	{
		state->choice_seen = true;
		choose_thought(state);
	}
	draft->output = provider_output_tokens(draft->output, draft->reasoning, draft->input,
										   state->total_tokens, false);
	if (draft->finish[0] != '\0' || (decoder->whole_body && state->choice_seen))
		state->stream.whole = true;
}

static const StreamRules stream_rules = {
	.state_size = sizeof(OpenAIState),
	.end_mark = "[DONE]",
	.finish_words = finish_words,
	.begin = begin_chunk,
	.take = take_value,
	.settle = settle_chunk,
};

void
openai_feed(Decoder *decoder, const char *bytes, size_t len)
{
	stream_feed(decoder, &stream_rules, bytes, len);
}

void
openai_finish(Decoder *decoder)
{
	stream_finish(decoder, &stream_rules);
}

void
openai_free_state(void *state)
{
	OpenAIState *own = state;
	int			i;

	for (i = 0; i < THOUGHT_NAMES; i++)
		buf_free(&own->thoughts[i]);
	stream_free_state(state);
}

const Provider provider_openai = {
	.type = "openai",
	.takes_schema = provider_is_object_schema,
	.build_request = openai_build_request,
	.feed = openai_feed,
	.finish = openai_finish,
	.read_error = provider_read_error,
	.free_state = openai_free_state,
};
