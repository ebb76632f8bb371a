/*
 * provider_gemini.c
 *		Google's Gemini API.
 *
 * The model stands in the URL, what bounds and shapes the answer in
 * generationConfig, which the user's own generationConfig joins member by
 * member.  Thoughts are asked for always; a model that does not know how to
 * think, and says so, is told with {"generationConfig": {"thinkingConfig": null}}.
 *
 * Each event is a whole response with the next parts of the answer.  A part is
 * a thought if it says so, before its text or after it.  There is no mark of
 * the end: the answer is whole once a finish reason came, or the reason why the
 * prompt was blocked, and usage may still follow.
 */
#include "provider.h"

#include <string.h>

#include "provider_common.h"

static const char *const pinned_members[] = {
	"contents", "systemInstruction", "system_instruction", NULL
};

/* Only the first candidate is read. */
static const char *const pinned_config[] = {"candidateCount", NULL};

static const char *const no_members[] = {NULL};

/* ---- the request ---- */

static void
write_parts(Buf *body, const char *text)
{
	buf_puts(body, "\"parts\":[{\"text\":");
	buf_json_string(body, text, strlen(text));
	buf_puts(body, "}]}");
}

static void
write_config(BodyWriter *writer, const ModelRequest *request)
{
	BodyWriter	config;
	BodyWriter	thinking;

	if (!body_nested(writer, "generationConfig", &config))
		return;
	body_raw(&config, "temperature", request->temperature);
	body_raw(&config, "topP", request->top_p);
	body_integer(&config, "maxOutputTokens", request->max_output_tokens);
	if (request->json_schema != NULL)
	{
		body_text(&config, "responseMimeType", "application/json");
		body_raw(&config, "responseJsonSchema", request->json_schema);
	}
	if (body_nested(&config, "thinkingConfig", &thinking))
	{
		body_raw(&thinking, "includeThoughts", "true");
		body_end(&thinking, no_members);
	}
	body_end(&config, pinned_config);
}

static void
write_members(BodyWriter *writer, const ModelRequest *request)
{
	const char *system = request->system_prompt;

	if (system != NULL && system[0] != '\0')
	{
		body_pinned_member(writer, "systemInstruction");
		buf_putc(writer->body, '{');
		write_parts(writer->body, system);
	}
	body_pinned_member(writer, "contents");
	buf_puts(writer->body, "[{\"role\":\"user\",");
	write_parts(writer->body, request->user_prompt);
	buf_putc(writer->body, ']');
	write_config(writer, request);
}

/* "models/NAME" is how the vendor lists a model, "NAME" how people call it. */
static bool
write_url(const ModelRequest *request, Buf *url)
{
	static const char prefix[] = "models/";
	const char *model = request->deployment;
	Buf			path;
	bool		good;

	if (strncmp(model, prefix, strlen(prefix)) == 0)
		model += strlen(prefix);
	buf_init(&path, 0);
	buf_puts(&path, prefix);
	provider_url_text(&path, model);
	buf_puts(&path, ":streamGenerateContent");
	good = !path.failed && provider_url(url, request->base_url, "v1beta", path.data, "alt=sse");
	buf_free(&path);
	return good;
}

static const RequestRules request_rules = {
	.accept = "text/event-stream",
	.key_header = "x-goog-api-key",
	.key_prefix = "",
	.pinned = pinned_members,
	.write_url = write_url,
	.write_members = write_members,
};

static bool
gemini_build_request(const ModelRequest *request, RequestParts *parts, const char **error)
{
	return provider_build(&request_rules, request, parts, error);
}

/* ---- one response ---- */

typedef struct GeminiState
{
	StreamState stream;
	bool		tool_seen;

	/* the rest is of one response */
	int			response;		/* where the body is an array of them: which one */
	int			part;			/* the part that is being read, or -1 */
	bool		part_is_thought;
	Buf			part_text;

	int64_t		tool_prompt;	/* tokens of what tools brought into the prompt */
	int64_t		total;
} GeminiState;

static const FinishWord finish_words[] = {
	{"STOP", FINISH_STOP},
	{"MAX_TOKENS", FINISH_LENGTH},
	{"SAFETY", FINISH_CONTENT_FILTER},
	{"RECITATION", FINISH_CONTENT_FILTER},
	{"BLOCKLIST", FINISH_CONTENT_FILTER},
	{"PROHIBITED_CONTENT", FINISH_CONTENT_FILTER},
	{"SPII", FINISH_CONTENT_FILTER},
	{"IMAGE_SAFETY", FINISH_CONTENT_FILTER},
	{"MODEL_ARMOR", FINISH_CONTENT_FILTER},
	{NULL, FINISH_NONE}
};

static void
begin_response(Decoder *decoder)
{
	GeminiState *state = decoder->state;

	state->response = 0;
	state->part = -1;
	state->part_is_thought = false;
	buf_reset(&state->part_text);
	state->tool_prompt = -1;
	state->total = -1;
}

/* A part was read: now it is known what its text is. */
static void
end_part(GeminiState *state)
{
	Draft	   *draft = &state->stream.draft;
	Buf		   *target = state->part_is_thought ? &draft->thoughts : &draft->text;

	if (state->part_text.len > 0)
		buf_append(target, state->part_text.data, state->part_text.len);
	if (state->part_text.failed)
		draft->text.failed = true;
	buf_reset(&state->part_text);
	state->part_is_thought = false;
	state->part = -1;
}

/* name is what follows "content.parts[]." */
static void
take_part(GeminiState *state, const char *name, const JsonValue *value)
{
	if (state->part != value->index[1])
	{
		end_part(state);
		state->part = value->index[1];
	}
	if (strcmp(name, "text") == 0)
		draft_append(&state->part_text, value);
	else if (strcmp(name, "thought") == 0)
		state->part_is_thought = value->kind == JSON_BOOL && value->value[0] == 't';
	else if (strncmp(name, "functionCall", 12) == 0)
		state->tool_seen = true;
}

/* name is what follows "candidates[]." */
static void
take_candidate(GeminiState *state, const char *name, const JsonValue *value)
{
	Draft	   *draft = &state->stream.draft;

	if (value->index[0] != 0)
		return;
	if (strncmp(name, "content.parts[].", 16) == 0)
		take_part(state, name + 16, value);
	else if (strcmp(name, "finishReason") == 0)
		draft_copy(draft->finish, sizeof(draft->finish), value);
}

/* Whatever the word, the prompt was blocked.  name is what follows "promptFeedback." */
static void
take_feedback(Draft *draft, const char *name, const JsonValue *value)
{
	if (strcmp(name, "blockReason") != 0 || value->kind != JSON_STRING || value->len == 0)
		return;
	draft_copy(draft->finish, sizeof(draft->finish), value);
	draft->reason = FINISH_CONTENT_FILTER;
}

/* name is what follows "usageMetadata." */
static void
take_usage(GeminiState *state, const char *name, const JsonValue *value)
{
	Draft	   *draft = &state->stream.draft;

	if (strcmp(name, "promptTokenCount") == 0)
		draft_count(&draft->input, value);
	else if (strcmp(name, "toolUsePromptTokenCount") == 0)
		draft_count(&state->tool_prompt, value);
	else if (strcmp(name, "cachedContentTokenCount") == 0)
		draft_count(&draft->cached, value);
	else if (strcmp(name, "candidatesTokenCount") == 0)
		draft_count(&draft->output, value);
	else if (strcmp(name, "thoughtsTokenCount") == 0)
		draft_count(&draft->reasoning, value);
	else if (strcmp(name, "totalTokenCount") == 0)
		draft_count(&state->total, value);
}

static void
take_response(Decoder *decoder, const JsonValue *value)
{
	GeminiState *state = decoder->state;
	Draft	   *draft = &state->stream.draft;
	const char *path = value->path;

	if (strncmp(path, "candidates[].", 13) == 0)
		take_candidate(state, path + 13, value);
	else if (strncmp(path, "promptFeedback.", 15) == 0)
		take_feedback(draft, path + 15, value);
	else if (strncmp(path, "usageMetadata.", 14) == 0)
		take_usage(state, path + 14, value);
	else if (strcmp(path, "responseId") == 0)
		draft_id(decoder, value);
	else if (strcmp(path, "modelVersion") == 0)
		draft_model(decoder, value);
	else
		vendor_words_take(&draft->words, value);
}

/* Without "alt=sse", which a gateway may drop, the responses come in one array. */
static void
take_value(void *arg, const JsonValue *value)
{
	Decoder    *decoder = arg;
	GeminiState *state = decoder->state;
	JsonValue	inner = *value;

	if (strncmp(value->path, "[].", 3) == 0)
	{
		if (state->response != value->index[0])
			end_part(state);
		state->response = value->index[0];
		inner.path += 3;
		inner.index++;
		inner.nindex--;
	}
	take_response(decoder, &inner);
}

/* ---- a response was read ---- */

/* The candidates' tokens leave the thoughts out; the prompt's leave the tools' out. */
static void
settle_usage(GeminiState *state)
{
	Draft	   *draft = &state->stream.draft;

	if (draft->input >= 0 && state->tool_prompt > 0 &&
		__builtin_add_overflow(draft->input, state->tool_prompt, &draft->input))
		draft->input = INT64_MAX;
	draft->output = provider_output_tokens(draft->output, draft->reasoning, draft->input,
										   state->total, true);
}

static void
settle_response(Decoder *decoder)
{
	GeminiState *state = decoder->state;
	Draft	   *draft = &state->stream.draft;

	end_part(state);
	settle_usage(state);
	if (state->tool_seen && strcmp(draft->finish, "STOP") == 0)
		draft->reason = FINISH_TOOL_CALLS;
	if (draft->finish[0] != '\0')
		state->stream.whole = true;
}

static const StreamRules stream_rules = {
	.state_size = sizeof(GeminiState),
	.finish_words = finish_words,
	.begin = begin_response,
	.take = take_value,
	.settle = settle_response,
};

static void
gemini_feed(Decoder *decoder, const char *bytes, size_t len)
{
	stream_feed(decoder, &stream_rules, bytes, len);
}

static void
gemini_finish(Decoder *decoder)
{
	stream_finish(decoder, &stream_rules);
}

static void
gemini_free_state(void *state)
{
	GeminiState *own = state;

	buf_free(&own->part_text);
	stream_free_state(state);
}

const Provider provider_gemini = {
	.type = "gemini",
	.build_request = gemini_build_request,
	.feed = gemini_feed,
	.finish = gemini_finish,
	.read_error = provider_read_error,
	.free_state = gemini_free_state,
};
