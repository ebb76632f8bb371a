/*
 * provider_ollama.c
 *		Ollama's own chat API.
 *
 * The answer is a JSON object a line; the one that says done ends it and brings
 * the counts.  Sampling parameters and the limit of output tokens are options,
 * which the user's own options join member by member.  Whether the model thinks
 * is up to the user's "think" member: a model that cannot refuses to be asked.
 */
#include "provider.h"

#include <string.h>

#include "provider_common.h"

static const char *const pinned_members[] = {
	"model", "messages", "stream", NULL
};

/* ---- the request ---- */

static void
write_options(BodyWriter *writer, const ModelRequest *request)
{
	static const char *const none[] = {NULL};
	BodyWriter	options;

	if (request->temperature == NULL && request->top_p == NULL &&
		request->max_output_tokens <= 0)
		return;
	if (!body_nested(writer, "options", &options))
		return;
	body_raw(&options, "temperature", request->temperature);
	body_raw(&options, "top_p", request->top_p);
	body_integer(&options, "num_predict", request->max_output_tokens);
	body_end(&options, none);
}

static void
write_members(BodyWriter *writer, const ModelRequest *request)
{
	body_pinned_member(writer, "model");
	buf_json_string(writer->body, request->deployment, strlen(request->deployment));
	body_messages(writer, request);
	body_pinned_member(writer, "stream");
	buf_puts(writer->body, "true");
	write_options(writer, request);
	body_raw(writer, "format", request->json_schema);
}

static bool
write_url(const ModelRequest *request, Buf *url)
{
	return provider_url(url, request->base_url, "api", "chat", NULL);
}

static const RequestRules request_rules = {
	.accept = "application/x-ndjson",
	.key_header = "Authorization",
	.key_prefix = "Bearer ",
	.system_alone = true,
	.pinned = pinned_members,
	.write_url = write_url,
	.write_members = write_members,
};

static bool
ollama_build_request(const ModelRequest *request, RequestParts *parts, const char **error)
{
	return provider_build(&request_rules, request, parts, error);
}

/* ---- one line ---- */

typedef struct OllamaState
{
	StreamState stream;
	bool		tool_seen;
	bool		done;			/* of one line */
} OllamaState;

static const FinishWord finish_words[] = {
	{"stop", FINISH_STOP},
	{"length", FINISH_LENGTH},
	{NULL, FINISH_NONE}
};

static void
begin_line(Decoder *decoder)
{
	OllamaState *state = decoder->state;

	state->done = false;
}

/* name is what follows "message." */
static void
take_message(OllamaState *state, const char *name, const JsonValue *value)
{
	Draft	   *draft = &state->stream.draft;

	if (strcmp(name, "content") == 0)
		draft_append(&draft->text, value);
	else if (strcmp(name, "thinking") == 0)
		draft_append(&draft->thoughts, value);
	else if (strncmp(name, "tool_calls[].", 13) == 0)
		state->tool_seen = true;
}

static void
take_value(void *arg, const JsonValue *value)
{
	Decoder    *decoder = arg;
	OllamaState *state = decoder->state;
	Draft	   *draft = &state->stream.draft;
	const char *path = value->path;

	if (strncmp(path, "message.", 8) == 0)
		take_message(state, path + 8, value);
	else if (strcmp(path, "done") == 0)
		state->done = value->kind == JSON_BOOL && value->value[0] == 't';
	else if (strcmp(path, "done_reason") == 0)
		draft_copy(draft->finish, sizeof(draft->finish), value);
	else if (strcmp(path, "prompt_eval_count") == 0)
		draft_count(&draft->input, value);
	else if (strcmp(path, "eval_count") == 0)
		draft_count(&draft->output, value);
	else if (strcmp(path, "model") == 0)
		draft_model(decoder, value);
	else
		vendor_words_take(&draft->words, value);
}

/* Older servers are done without a reason. */
static void
settle_line(Decoder *decoder)
{
	static const char usual[] = "stop";
	OllamaState *state = decoder->state;
	Draft	   *draft = &state->stream.draft;

	if (!state->done)
	{
		draft->finish[0] = '\0';
		return;
	}
	if (draft->finish[0] == '\0')
		memcpy(draft->finish, usual, sizeof(usual));
	if (state->tool_seen && strcmp(draft->finish, usual) == 0)
		draft->reason = FINISH_TOOL_CALLS;
	state->stream.done = true;
}

static const StreamRules stream_rules = {
	.state_size = sizeof(OllamaState),
	.lines = true,
	.finish_words = finish_words,
	.begin = begin_line,
	.take = take_value,
	.settle = settle_line,
};

static void
ollama_feed(Decoder *decoder, const char *bytes, size_t len)
{
	stream_feed(decoder, &stream_rules, bytes, len);
}

static void
ollama_finish(Decoder *decoder)
{
	stream_finish(decoder, &stream_rules);
}

const Provider provider_ollama = {
	.type = "ollama",
	.build_request = ollama_build_request,
	.feed = ollama_feed,
	.finish = ollama_finish,
	.read_error = provider_read_error,
	.free_state = stream_free_state,
};
