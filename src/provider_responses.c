/*
 * provider_responses.c
 *		OpenAI's Responses API.
 *
 * Every event says its type in its data.  Only deltas are taken as they come;
 * the same text comes again in "done" events, and the whole response once more
 * in the terminal one, where it is looked at only if no delta came before: some
 * compatible servers send nothing else, and neither does a server that ignores
 * "stream".
 *
 * Summaries of the reasoning are sent only if they are asked for, and asking a
 * model that does not reason is an error: so the user's "reasoning" member says
 * whether, and a summary is added to it unless it says otherwise.
 */
#include "provider.h"

#include <string.h>

#include "provider_common.h"
#include "provider_strict.h"

static const char *const pinned_members[] = {
	"model", "input", "instructions", "stream", NULL
};

/* ---- the request ---- */

static void
write_reasoning(BodyWriter *writer)
{
	static const char *const none[] = {NULL};
	BodyWriter	reasoning;

	if (!body_has_extra(writer, "reasoning", NULL) ||
		!body_nested(writer, "reasoning", &reasoning))
		return;
	if (!body_has_extra(&reasoning, "effort", "\"none\""))
		body_text(&reasoning, "summary", "auto");
	body_end(&reasoning, none);
}

static void
write_schema(BodyWriter *writer, const ModelRequest *request)
{
	static const char *const none[] = {NULL};
	const StrictRules *strict = provider_strict_openai(request->deployment);
	BodyWriter	text;
	BodyWriter	format;

	if (request->json_schema == NULL || !body_nested(writer, "text", &text))
		return;
	if (!body_has_extra(&text, "format", NULL) && body_nested(&text, "format", &format))
	{
		body_text(&format, "type", "json_schema");
		body_schema_name(&format, request->schema_name);
		body_raw(&format, "schema", request->json_schema);
		body_raw(&format, "strict", provider_is_strict(strict, request->json_schema) ? "true" : "false");
		body_end(&format, none);
	}
	body_end(&text, none);
}

/* Nothing is asked of a stored response later, so the vendor need not keep it. */
static void
write_members(BodyWriter *writer, const ModelRequest *request)
{
	const char *system = request->system_prompt;

	body_pinned_member(writer, "model");
	buf_json_string(writer->body, request->deployment, strlen(request->deployment));
	if (system != NULL && system[0] != '\0')
	{
		body_pinned_member(writer, "instructions");
		buf_json_string(writer->body, system, strlen(system));
	}
	body_pinned_member(writer, "input");
	buf_json_string(writer->body, request->user_prompt, strlen(request->user_prompt));
	body_pinned_member(writer, "stream");
	buf_puts(writer->body, "true");
	body_raw(writer, "store", "false");
	body_raw(writer, "temperature", request->temperature);
	body_raw(writer, "top_p", request->top_p);
	body_integer(writer, "max_output_tokens", request->max_output_tokens);
	write_reasoning(writer);
	write_schema(writer, request);
}

static bool
write_url(const ModelRequest *request, Buf *url)
{
	return provider_url(url, request->base_url, NULL, "responses", NULL);
}

static const RequestRules request_rules = {
	.accept = "text/event-stream",
	.key_header = "Authorization",
	.key_prefix = "Bearer ",
	.pinned = pinned_members,
	.write_url = write_url,
	.write_members = write_members,
};

static bool
responses_build_request(const ModelRequest *request, RequestParts *parts, const char **error)
{
	return provider_build(&request_rules, request, parts, error);
}

/* ---- one event ---- */

typedef struct ResponsesState
{
	StreamState stream;
	bool		answer_seen;	/* a delta of text or refusal came */
	bool		thought_seen;	/* a delta of reasoning came */
	bool		tool_seen;

	/* the rest is of one event */
	char		type[64];
	char		status[32];
	char		reason[64];		/* why the response is incomplete */

	/* what the response holds, if no delta brought it */
	Buf			text;
	Buf			refusal;
	Buf			thoughts;
	int			item;			/* the item of the output that is being read, or -1 */
	char		item_type[32];
	Buf			item_text;
} ResponsesState;

static const FinishWord finish_words[] = {
	{"completed", FINISH_STOP},
	{"max_output_tokens", FINISH_LENGTH},
	{"content_filter", FINISH_CONTENT_FILTER},
	{NULL, FINISH_NONE}
};

static void
begin_event(Decoder *decoder)
{
	ResponsesState *state = decoder->state;

	state->type[0] = '\0';
	state->status[0] = '\0';
	state->reason[0] = '\0';
	buf_reset(&state->text);
	buf_reset(&state->refusal);
	buf_reset(&state->thoughts);
	buf_reset(&state->item_text);
	state->item_type[0] = '\0';
	state->item = -1;
}

static bool
is_word(const JsonValue *value, const char *word)
{
	return value->kind == JSON_STRING && strcmp(value->value, word) == 0;
}

/* An item of the output was read: its type says what its text is. */
static void
end_item(ResponsesState *state)
{
	Buf		   *target = NULL;

	if (strcmp(state->item_type, "message") == 0)
		target = &state->text;
	else if (strcmp(state->item_type, "reasoning") == 0)
		target = &state->thoughts;
	if (target != NULL && state->item_text.len > 0)
		buf_append(target, state->item_text.data, state->item_text.len);
	buf_reset(&state->item_text);
	state->item_type[0] = '\0';
}

/* name is what follows "output[]." */
static void
take_output(ResponsesState *state, const char *name, const JsonValue *value)
{
	if (state->item != value->index[0])
	{
		end_item(state);
		state->item = value->index[0];
	}
	if (strcmp(name, "type") == 0)
	{
		draft_copy(state->item_type, sizeof(state->item_type), value);
		state->tool_seen |= is_word(value, "function_call");
	}
	else if (strcmp(name, "content[].text") == 0)
		draft_append(&state->item_text, value);
	else if (strcmp(name, "content[].refusal") == 0)
		draft_append(&state->refusal, value);
	else if (strcmp(name, "summary[].text") == 0 && value->kind == JSON_STRING)
	{
		draft_append(&state->thoughts, value);
		buf_putc(&state->thoughts, '\n');
	}
}

/* name is what follows "usage." */
static void
take_usage(Draft *draft, const char *name, const JsonValue *value)
{
	if (strcmp(name, "input_tokens") == 0)
		draft_count(&draft->input, value);
	else if (strcmp(name, "input_tokens_details.cached_tokens") == 0)
		draft_count(&draft->cached, value);
	else if (strcmp(name, "output_tokens") == 0)
		draft_count(&draft->output, value);
	else if (strcmp(name, "output_tokens_details.reasoning_tokens") == 0)
		draft_count(&draft->reasoning, value);
}

/* A member of the response; name is its path there. */
static void
take_response(Decoder *decoder, const char *name, const JsonValue *value)
{
	ResponsesState *state = decoder->state;
	Draft	   *draft = &state->stream.draft;

	if (strncmp(name, "output[].", 9) == 0)
		take_output(state, name + 9, value);
	else if (strncmp(name, "usage.", 6) == 0)
		take_usage(draft, name + 6, value);
	else if (strcmp(name, "id") == 0)
		draft_id(decoder, value);
	else if (strcmp(name, "model") == 0)
		draft_model(decoder, value);
	else if (strcmp(name, "status") == 0)
		draft_copy(state->status, sizeof(state->status), value);
	else if (strcmp(name, "incomplete_details.reason") == 0)
		draft_copy(state->reason, sizeof(state->reason), value);
	else
		vendor_words_take_at(&draft->words, name, value);
}

static void
take_value(void *arg, const JsonValue *value)
{
	Decoder    *decoder = arg;
	ResponsesState *state = decoder->state;
	Draft	   *draft = &state->stream.draft;
	const char *path = value->path;

	if (strncmp(path, "response.", 9) == 0)
		take_response(decoder, path + 9, value);
	else if (decoder->whole_body)
		take_response(decoder, path, value);
	else if (strcmp(path, "type") == 0)
		draft_copy(state->type, sizeof(state->type), value);
	else if (strcmp(path, "delta") == 0)
		draft_append(&draft->text, value);
	else if (strcmp(path, "item.type") == 0)
		state->tool_seen |= is_word(value, "function_call");
	else
		vendor_words_take(&draft->words, value);
}

/* ---- an event was read ---- */

static void
move_text(Buf *target, Buf *text)
{
	if (text->len > 0)
		buf_append(target, text->data, text->len);
	target->failed |= text->failed;
	buf_reset(text);
}

static void
settle_deltas(ResponsesState *state)
{
	Draft	   *draft = &state->stream.draft;
	const char *type = state->type;

	if (strcmp(type, "response.output_text.delta") == 0)
		state->answer_seen = true;
	else if (strcmp(type, "response.refusal.delta") == 0)
	{
		state->answer_seen = true;
		move_text(&draft->refusal, &draft->text);
	}
	else if (strcmp(type, "response.reasoning_summary_text.delta") == 0 ||
			 strcmp(type, "response.reasoning_text.delta") == 0)
	{
		state->thought_seen = true;
		move_text(&draft->thoughts, &draft->text);
	}
	else
		buf_reset(&draft->text);

	/* each part of a summary is a paragraph of its own */
	if (strcmp(type, "response.reasoning_summary_text.done") == 0)
		buf_putc(&draft->thoughts, '\n');
}

/* The status in which a response rests: NULL if it does not rest. */
static const char *
resting_status(const Decoder *decoder)
{
	static const char *const known[] = {"completed", "incomplete", "failed"};
	const ResponsesState *state = decoder->state;
	size_t		i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
	{
		if (decoder->whole_body ? strcmp(state->status, known[i]) == 0
			: strncmp(state->type, "response.", 9) == 0 && strcmp(state->type + 9, known[i]) == 0)
			return known[i];
	}
	return NULL;
}

static void
set_finish(ResponsesState *state, const char *status)
{
	Draft	   *draft = &state->stream.draft;
	const char *word = status;

	if (strcmp(status, "failed") == 0)
	{
		draft->words.has_error = true;
		return;
	}
	if (strcmp(status, "incomplete") == 0 && state->reason[0] != '\0')
		word = state->reason;
	else if (strcmp(status, "completed") == 0 && state->tool_seen)
		draft->reason = FINISH_TOOL_CALLS;
	memcpy(draft->finish, word, strlen(word) + 1);
	state->stream.done = true;
}

static void
settle_event(Decoder *decoder)
{
	ResponsesState *state = decoder->state;
	Draft	   *draft = &state->stream.draft;
	const char *status;

	if (state->type[0] == '\0')
		provider_copy_text(state->type, sizeof(state->type), state->stream.event,
						   strlen(state->stream.event));
	end_item(state);
	settle_deltas(state);
	if (strcmp(state->type, "error") == 0)
		draft->words.has_error = true;
	status = resting_status(decoder);
	if (status != NULL)
	{
		if (!state->thought_seen)
			move_text(&draft->thoughts, &state->thoughts);
		if (!state->answer_seen)
		{
			move_text(&draft->text, &state->text);
			move_text(&draft->refusal, &state->refusal);
		}
		set_finish(state, status);
	}

	/* what was repaired here was repaired when it came first */
	if (draft->text.len == 0 && draft->refusal.len == 0 && draft->thoughts.len <= 1)
		draft->replaced = 0;
}

static const StreamRules stream_rules = {
	.state_size = sizeof(ResponsesState),
	.finish_words = finish_words,
	.begin = begin_event,
	.take = take_value,
	.settle = settle_event,
};

static void
responses_feed(Decoder *decoder, const char *bytes, size_t len)
{
	stream_feed(decoder, &stream_rules, bytes, len);
}

static void
responses_finish(Decoder *decoder)
{
	stream_finish(decoder, &stream_rules);
}

static void
responses_free_state(void *state)
{
	ResponsesState *own = state;

	buf_free(&own->text);
	buf_free(&own->refusal);
	buf_free(&own->thoughts);
	buf_free(&own->item_text);
	stream_free_state(state);
}

const Provider provider_openai_responses = {
	.type = "openai_responses",
	.takes_schema = provider_is_object_schema,
	.build_request = responses_build_request,
	.feed = responses_feed,
	.finish = responses_finish,
	.read_error = provider_read_error,
	.free_state = responses_free_state,
};
