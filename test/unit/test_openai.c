/*
 * test_openai.c
 *		Chat Completions: what is asked, what is understood however the network
 *		cuts it, and what a failure means.
 */
#include "provider_cases.h"

/* ---- requests ---- */

#define BODY_START	"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]," \
	"\"stream\":true,\"stream_options\":{\"include_usage\":true}"
#define TUNED_START	"{\"model\":\"ft:m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]," \
	"\"stream\":true,\"stream_options\":{\"include_usage\":true}"

static const RequestCase requests[] = {
	{"the least", {0}, BODY_START "}"},
	{"a system prompt", {.system_prompt = "be\n\"nice\""},
		"{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"be\\n\\\"nice\\\"\"},"
		"{\"role\":\"user\",\"content\":\"hi\"}],"
	"\"stream\":true,\"stream_options\":{\"include_usage\":true}}"},
	{"an empty system prompt", {.system_prompt = ""}, BODY_START "}"},
	{"what was set", {.temperature = "0.50", .top_p = "1", .max_output_tokens = 100},
	BODY_START ",\"temperature\":0.50,\"top_p\":1,\"max_completion_tokens\":100}"},
	{"another name for the limit", {.max_output_tokens = 7, .max_tokens_parameter = "max_tokens"},
	BODY_START ",\"max_tokens\":7}"},
	{"extra members", {.extra_body = " { \"seed\" : 1 , \"stop\" : [ \"a\", {\"b\":2} ] } "},
	BODY_START ",\"seed\":1,\"stop\":[ \"a\", {\"b\":2} ]}"},
	{"an empty extra_body", {.extra_body = "{}"}, BODY_START "}"},
	{"an extra member replaces ours",
		{.temperature = "0.5", .max_output_tokens = 9,
	.extra_body = "{\"temperature\":0.1,\"max_completion_tokens\":null}"},
	BODY_START ",\"temperature\":0.1,\"max_completion_tokens\":null}"},
	{"but not these",
		{.extra_body = "{\"model\":\"x\",\"messages\":[],\"a\":1,\"stream\":false,\"stream_options\":{},"
	"\"\\u006dodel\":\"y\"}"}, BODY_START ",\"a\":1}"},
	{"the later of two counts", {.extra_body = "{\"a\":1,\"b\":2,\"a\":3}"},
	BODY_START ",\"a\":3,\"b\":2}"},
	{"a name with quotes", {.extra_body = "{\"a\\\"b\\u0001\":1}"},
	BODY_START ",\"a\\\"b\\u0001\":1}"},
	{"a schema", {.json_schema = "{\"type\":\"object\"}", .schema_name = "my design!"},
		BODY_START ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":"
	"{\"name\":\"my_design_\",\"schema\":{\"type\":\"object\"},\"strict\":false}}}"},
	{"a schema that can be kept strictly", {.json_schema = CLOSED_SCHEMA, .schema_name = "n"},
		BODY_START ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\",\"schema\":" CLOSED_SCHEMA ",\"strict\":true}}}"},
	{"a schema with a bound", {.json_schema = BOUNDED_SCHEMA, .schema_name = "n"},
		BODY_START ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\",\"schema\":" BOUNDED_SCHEMA ",\"strict\":true}}}"},
	{"which a fine-tuned model does not know", {.json_schema = BOUNDED_SCHEMA, .schema_name = "n", .deployment = "ft:m"},
		TUNED_START ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\",\"schema\":" BOUNDED_SCHEMA ",\"strict\":false}}}"},
	{"a schema without a name", {.json_schema = "{}"},
		BODY_START ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":"
	"{\"name\":\"output\",\"schema\":{},\"strict\":false}}}"},
	{"the user's own format wins",
		{.json_schema = "{}", .extra_body = "{\"response_format\":{\"type\":\"json_object\"}}"},
	BODY_START ",\"response_format\":{\"type\":\"json_object\"}}"},
	{"a schema that is no object", {.json_schema = "true"}, NULL},
	{"a limit with the name of the format", {.max_output_tokens = 1, .max_tokens_parameter = "response_format"}, NULL},
	{"an extra_body that is no object", {.extra_body = "[1]"}, NULL},
	{"an extra_body that is no JSON", {.extra_body = "{\"a\":1"}, NULL},
	{"a temperature that is no number", {.temperature = "NaN"}, NULL},
	{"a temperature that brings members", {.temperature = "1,\"x\":2"}, NULL},
	{"a temperature in an array", {.temperature = "[1]"}, NULL},
	{"a top_p that is no number", {.top_p = ""}, NULL},
	{"a limit with the name of another", {.max_output_tokens = 1, .max_tokens_parameter = "stream"}, NULL},
	{"a key with a line end", {.api_key = "k\r\nX: y"}, NULL},
	{"no model", {.deployment = ""}, NULL},
	{"no URL", {.base_url = ""}, NULL},
	{"a slash at the URL's end", {.base_url = "https://h/v1/"}, BODY_START "}", "https://h/v1/chat/completions"},
	{"many", {.base_url = "https://h/v1///"}, BODY_START "}", "https://h/v1/chat/completions"},
	{"a query", {.base_url = "https://h/v1/?a=b/"}, BODY_START "}", "https://h/v1/chat/completions?a=b/"},
};

static void
test_request_headers(void)
{
	ModelRequest request = {.base_url = "https://h/v1", .deployment = "m", .user_prompt = "hi"};
	RequestParts parts;
	const char *error;

	request_parts_init(&parts);
	ok(provider_openai.build_request(&request, &parts, &error), "without a key");
	is_int(parts.nheaders, 2, "two headers");
	is_text(buf_text(&parts.headers[0]), "Content-Type: application/json", "what we send");
	is_text(buf_text(&parts.headers[1]), "Accept: text/event-stream", "what we expect");
	request_parts_free(&parts);

	request.api_key = "sk-1";
	ok(provider_openai.build_request(&request, &parts, &error), "with a key");
	is_text(buf_text(&parts.headers[2]), "Authorization: Bearer sk-1", "the key");
	request_parts_free(&parts);

	request.api_key = "";
	ok(provider_openai.build_request(&request, &parts, &error), "with an empty key");
	is_int(parts.nheaders, 2, "none is sent");
	request_parts_free(&parts);

	request.user_prompt = NULL;
	ok(!provider_openai.build_request(&request, &parts, &error), "without any prompt");
	is_text(error, "there is no prompt", "it says so");
	request_parts_free(&parts);
	request.system_prompt = "s";
	ok(provider_openai.build_request(&request, &parts, &error), "with a system prompt alone");
	ok(strstr(parts.body.data, "[{\"role\":\"system\",\"content\":\"s\"}]") != NULL,
	   "there is one message");
	request_parts_free(&parts);
}

/* ---- answers ---- */

#define DELTA(members)	"data: {\"choices\":[{\"index\":0,\"delta\":{" members "}}]}\n\n"
#define SAY(text)		DELTA("\"content\":\"" text "\"")
#define FINISH(reason)	"data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"" reason "\"}]}\n\n"
#define DONE			"data: [DONE]\n\n"
#define STOP			FINISH("stop") DONE

static const StreamCase streams[] = {
	{"a whole stream",
		TEXT("data: {\"id\":\"c-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"gpt-x\","
			 "\"service_tier\":\"default\",\"system_fingerprint\":null,\"choices\":[{\"index\":0,\"delta\":"
			 "{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null},\"logprobs\":null,"
			 "\"finish_reason\":null}],\"usage\":null,\"obfuscation\":\"x\"}\n\n"
			 SAY("Hello") SAY(", world") FINISH("stop")
			 "data: {\"id\":\"c-2\",\"model\":\"gpt-y\",\"choices\":[],\"usage\":{\"prompt_tokens\":9,"
			 "\"completion_tokens\":12,\"total_tokens\":21,\"prompt_tokens_details\":{\"cached_tokens\":4,"
			 "\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":7}}}\n\n" DONE),
		"text[Hello, world] finish[stop] in=9 cached=4 out=12 thought=7 model[gpt-x] id[c-1] "
	"events=5 ended"},
	{"nothing", TEXT(""), "cut"},
	{"only white space", TEXT(" \r\n\n"), "cut"},
	{"only the end", TEXT(DONE), "ended"},
	{"cut", TEXT(SAY("Hel")), "text[Hel] events=1 cut"},
	{"cut in an event", TEXT(SAY("Hel") "data: {\"choices\":[{\"del"), "text[Hel] events=1 bad=1 cut"},
	{"no usage, no mark of the end", TEXT(SAY("Hi") FINISH("stop")), "text[Hi] finish[stop] events=2 ended"},
	{"the last line has no end", TEXT(SAY("Hi") "data: [DONE]"), "text[Hi] events=1 ended"},
	{"what follows the end is ignored", TEXT(SAY("a") DONE SAY("b")), "text[a] events=1 ended"},
	{"spaces around the end's mark", TEXT(SAY("a") "data:   [DONE] \n\n"), "text[a] events=1 ended"},
	{"usage in the last chunk",
		TEXT(SAY("a") "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"length\"}],"
			 "\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n\n" DONE),
	"text[a] finish[length] in=1 out=2 events=2 ended"},
	{"usage in every chunk, the last counts",
		TEXT("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n\n"
			 "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":5}}\n\n" DONE),
	"in=1 out=5 events=2 ended"},
	{"absurd usage",
		TEXT("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":-1,\"completion_tokens\":1e99,"
			 "\"total_tokens\":\"7\",\"prompt_tokens_details\":null}}\n\n" DONE), "events=1 ended"},
	{"reasoning beside the completion",
		TEXT("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":5,\"total_tokens\":35,"
			 "\"completion_tokens_details\":{\"reasoning_tokens\":20}}}\n\n" DONE),
	"in=10 out=25 thought=20 events=1 ended"},
	{"a cache named otherwise",
		TEXT("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"prompt_cache_hit_tokens\":2}}\n\n" DONE),
	"in=3 cached=2 events=1 ended"},
	{"tool calls", TEXT(DELTA("\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]")
						FINISH("tool_calls") DONE), "finish[tool_calls] events=2 ended"},
	{"the filter", TEXT(SAY("a") FINISH("content_filter") DONE), "text[a] finish[content_filter] events=2 ended"},
	{"another reason", TEXT(FINISH("weird") DONE), "finish[other] raw[weird] events=1 ended"},
	{"a reason in another vendor's words", TEXT(FINISH("end_turn") DONE), "finish[stop] raw[end_turn] events=1 ended"},
	{"a refusal", TEXT(DELTA("\"refusal\":\"I \"") DELTA("\"refusal\":\"can't\"") STOP),
	"refusal[I can't] finish[refusal] raw[stop] events=3 ended"},

	/* reasoning */
	{"reasoning_content", TEXT(DELTA("\"reasoning_content\":\"Hm. \",\"content\":null") SAY("a") STOP),
	"text[a] reasoning[Hm. ] finish[stop] events=3 ended"},
	{"reasoning", TEXT(DELTA("\"reasoning\":\"Hm\"") SAY("a") STOP), "text[a] reasoning[Hm] finish[stop] events=3 ended"},
	{"thinking", TEXT(DELTA("\"thinking\":\"Hm\"") SAY("a") STOP), "text[a] reasoning[Hm] finish[stop] events=3 ended"},
	{"two of them say the same", TEXT(DELTA("\"reasoning\":\"Hm\",\"reasoning_content\":\"Hm\"") STOP),
	"reasoning[Hm] finish[stop] events=2 ended"},
	{"the first is empty", TEXT(DELTA("\"reasoning_content\":null,\"thinking\":\"Hm\",\"reasoning\":\"\"") STOP),
	"reasoning[Hm] finish[stop] events=2 ended"},
	{"reasoning that is no text", TEXT(DELTA("\"reasoning\":{\"content\":\"x\"},\"content\":\"a\"") STOP),
	"text[a] finish[stop] events=2 ended"},
	{"a think section over events", TEXT(SAY("<thi") SAY("nk>Hm</th") SAY("ink>a") STOP),
	"text[a] reasoning[Hm] finish[stop] events=4 ended"},
	{"progress lines", TEXT(SAY("[[progress]] o") SAY("ne\\nHello\\n[[prog") SAY("ress]] two") STOP),
	"text[Hello\n] progress[one\ntwo\n] finish[stop] events=4 ended", NULL, true},
	{"progress lines not wanted", TEXT(SAY("[[progress]] one\\nHello") STOP),
	"text[[[progress]] one\nHello] finish[stop] events=2 ended"},
	{"almost a section at the end", TEXT(SAY("<thin") STOP), "text[<thin] finish[stop] events=2 ended"},

	/* lists of parts */
	{"content as parts", TEXT(DELTA("\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"text\":\"b\",\"type\":\"text\"},"
									"{\"text\":\"c\"}]") STOP), "text[abc] finish[stop] events=2 ended"},
	{"parts that are no text", TEXT(DELTA("\"content\":[{\"type\":\"image\",\"text\":\"a\"},{\"text\":\"b\",\"type\":\"x\"},"
										  "{\"type\":\"text\",\"text\":\"c\"}]") STOP), "text[c] finish[stop] events=2 ended"},
	{"thinking parts", TEXT(DELTA("\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":\"Hm\"}]},"
								  "{\"type\":\"text\",\"text\":\"a\"}]") STOP), "text[a] reasoning[Hm] finish[stop] events=2 ended"},
	{"a part that refuses", TEXT(DELTA("\"content\":[{\"type\":\"refusal\",\"refusal\":\"no\"}]") STOP),
	"refusal[no] finish[refusal] raw[stop] events=2 ended"},
	{"an empty list of parts", TEXT(DELTA("\"content\":[]") STOP), "finish[stop] events=2 ended"},

	/* choices */
	{"other choices are ignored",
		TEXT("data: {\"choices\":[{\"index\":1,\"delta\":{\"content\":\"no\"},\"finish_reason\":\"length\"}]}\n\n"
			 "data: {\"choices\":[{\"index\":1,\"delta\":{\"content\":\"no\"}},{\"index\":0,\"delta\":{\"content\":\"yes\"}},"
			 "{\"index\":2,\"delta\":{\"content\":\"no\"}}]}\n\n" STOP), "text[yes] finish[stop] events=3 ended"},
	{"an index after its text",
		TEXT("data: {\"choices\":[{\"delta\":{\"content\":\"no\"},\"index\":1}]}\n\n"
			 "data: {\"choices\":[{\"finish_reason\":\"stop\",\"delta\":{\"content\":\"yes\"},\"index\":0}]}\n\n" DONE),
	"text[yes] finish[stop] events=2 ended"},
	{"no index at all",
		TEXT("data: {\"choices\":[{\"delta\":{\"content\":\"yes\"}},{\"delta\":{\"content\":\"no\"}}]}\n\n" DONE),
	"text[yes] events=1 ended"},

	/* bytes */
	{"comments, CRLF, a byte-order mark",
		TEXT("\xEF\xBB\xBF: keep-alive\r\n\r\ndata: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\r\n\r\n"
			 ": OPENROUTER PROCESSING\r\n\r\ndata: [DONE]\r\n\r\n"), "text[a] events=1 ended"},
	{"CR alone", TEXT("data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\r\rdata: [DONE]\r\r"), "text[a] events=1 ended"},
	{"data over several lines", TEXT("data: {\"choices\":[{\"delta\":\ndata: {\"content\":\"a\"}}]}\n\n" DONE),
	"text[a] events=1 ended"},
	{"characters of many bytes", TEXT(SAY("\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\\ud83d\\ude00") DONE),
	"text[\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\xF0\x9F\x98\x80] events=1 ended"},
	{"what text cannot hold", TEXT(SAY("a\\u0000b\\ud800c\xFF" "d\xC3") DONE),
	"text[a" R "b" R "c" R "d" R "] replaced=4 events=1 ended"},
	{"events that are not JSON", TEXT("data: {\n\n" SAY("a") "data: hello\n\n" SAY("b") DONE),
	"text[ab] events=2 bad=2 ended"},
	{"an event that breaks off leaves no trace",
		TEXT("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\\u0000x\"},\"finish_reason\":\"stop\"}}\n\n" SAY("a")),
	"text[a] events=1 bad=1 cut"},
	{"empty data", TEXT("data:\n\ndata: \n\n" SAY("a") DONE), "text[a] events=1 ended"},
	{"unknown events and members", TEXT("event: ping\ndata: {\"x\":[1,{\"y\":null}]}\n\nid: 1\nretry: 2\n" SAY("a") DONE),
	"text[a] events=2 ended"},
	{"names that look like paths", TEXT("data: {\"choices[].delta.content\":\"x\",\"usage.prompt_tokens\":1}\n\n" DONE),
	"events=1 ended"},
	{"JSON that is no chunk", TEXT("data: 7\n\ndata: \"x\"\n\ndata: [[1]]\n\n" DONE), "events=3 ended"},
	{"the name of the model is made readable", TEXT("data: {\"model\":\"a\\nb\",\"id\":7}\n\n" DONE),
	"model[a b] events=1 ended"},

	/* errors inside the stream */
	{"an error member", TEXT(SAY("a") "data: {\"error\":{\"message\":\"slow\\ndown\",\"type\":\"rate_limit_error\",\"code\":null}}\n\n" DONE),
	"text[a] events=2 error[rate_limited retry rate_limit_error: slow down] cut"},
	{"an error as text", TEXT("data: {\"error\":\"model crashed\"}\n\n"),
	"events=1 error[overloaded retry : model crashed] cut"},
	{"a numeric code", TEXT("data: {\"error\":{\"code\":502,\"message\":\"bad gateway\",\"metadata\":{\"raw\":\"x\"}},"
							"\"choices\":[{\"index\":0,\"delta\":{\"content\":\"z\"},\"finish_reason\":\"error\"}]}\n\n"),
	"text[z] finish[other] raw[error] events=1 error[overloaded retry 502: bad gateway] cut"},
	{"a numeric code as text", TEXT("data: {\"error\":{\"code\":\"401\",\"message\":\"who?\"}}\n\n"),
	"events=1 error[authentication 401: who?] cut"},
	{"a named error event", TEXT("event: error\ndata: {\"message\":\"overloaded\",\"code\":\"server_error\"}\n\n"),
	"events=1 error[overloaded retry server_error: overloaded] cut"},
	{"a named error event in plain words", TEXT("event: error\ndata: upstream\x01gone\n\n"),
	"bad=1 error[overloaded retry : upstream gone] cut"},
	{"a named error event with nothing in it", TEXT("event: error\ndata: {}\n\n"),
	"events=1 error[overloaded retry : The server reported an error without a message.] cut"},
	{"an invalid request", TEXT("data: {\"error\":{\"type\":\"invalid_request_error\",\"code\":\"context_length_exceeded\",\"message\":\"m\"}}\n\n"),
	"events=1 error[bad_request context_length_exceeded/invalid_request_error: m] cut"},
	{"the name of a class in camel case", TEXT("data: {\"object\":\"error\",\"message\":\"m\",\"type\":\"BadRequestError\"}\n\n"),
	"events=1 error[bad_request BadRequestError: m] cut"},
	{"no credit", TEXT("data: {\"error\":{\"type\":\"insufficient_quota\",\"code\":\"insufficient_quota\",\"message\":\"m\"}}\n\n"),
	"events=1 error[rate_limited insufficient_quota: m] cut"},
	{"filtered", TEXT("data: {\"error\":{\"code\":\"content_filter\",\"message\":\"m\"}}\n\n"),
	"events=1 error[content_filter content_filter: m] cut"},
	{"an error that is a number", TEXT("data: {\"error\":503}\n\n"),
	"events=1 error[overloaded retry 503: The server reported an error without a message.] cut"},
	{"an error that is a flag", TEXT("data: {\"error\":true}\n\n"),
	"events=1 error[overloaded retry : The server reported an error without a message.] cut"},
	{"an error that is empty", TEXT("data: {\"error\":{}}\n\n"),
	"events=1 error[overloaded retry : The server reported an error without a message.] cut"},
	{"an error in a choice", TEXT("data: {\"choices\":[{\"index\":0,\"error\":{\"code\":429,\"message\":\"m\"}}]}\n\n"),
	"events=1 error[rate_limited retry 429: m] cut"},
	{"the first error counts", TEXT("data: {\"error\":\"one\"}\n\ndata: {\"error\":\"two\"}\n\n" SAY("x")),
	"events=1 error[overloaded retry : one] cut"},
	{"no error at all", TEXT("data: {\"error\":null,\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n"
							 "data: {\"error\":false}\n\ndata: {\"error\":\"\"}\n\n" DONE), "text[a] events=3 ended"},

	/* one document instead of a stream */
	{"a document",
		TEXT("{\"id\":\"c\",\"model\":\"m\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"Hi\","
			 "\"reasoning_content\":\"Hm\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n"),
	"text[Hi] reasoning[Hm] finish[stop] in=1 out=2 model[m] id[c] events=1 ended", "application/json"},
	{"a document of an unknown type", TEXT("\xEF\xBB\xBF\n {\"choices\":[{\"message\":{\"content\":\"<think>x</think>Hi\"}}]}"),
	"text[Hi] reasoning[x] events=1 ended", ""},
	{"a document said to be a stream", TEXT("{\"choices\":[{\"message\":{\"content\":\"Hi\"}}]}"), "text[Hi] events=1 ended"},
	{"a stream said to be a document", TEXT(SAY("Hi") DONE), "text[Hi] events=1 ended", "application/json"},
	{"a stream of no type", TEXT("\n" SAY("Hi") DONE), "text[Hi] events=1 ended", ""},
	{"a document with an error", TEXT("{\"error\":{\"message\":\"m\",\"code\":\"x\"}}"),
	"events=1 error[overloaded retry x: m] cut", "application/json"},
	{"a document that refuses", TEXT("{\"choices\":[{\"message\":{\"content\":null,\"refusal\":\"no\"},\"finish_reason\":\"stop\"}]}"),
	"refusal[no] finish[refusal] raw[stop] events=1 ended", "application/json"},
	{"a cut document", TEXT("{\"choices\":[{\"message\":{\"content\":\"Hi\"}"), "bad=1 cut", "application/json"},
	{"a document without an answer", TEXT("{\"choices\":[]}"), "events=1 cut", "application/json"},
	{"something else", TEXT("<html><body>Hello</body></html>"), "cut", "application/json"},
	{"a chunk's delta only in a stream, a message only in a document",
		TEXT("data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"message\":{\"content\":\"a\"}}]}\n\n" DONE),
	"text[a] events=1 ended"},
};

static void
test_overflow(void)
{
	static const char event[] = SAY("a") SAY("0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789") SAY("b");
	static const char document[] = "{\"choices\":[{\"message\":{\"content\":\"0123456789012345678901234567890123456789"
		"01234567890123456789012345678901234567890123456789\"}}]}";

	check_overflow(&provider_openai, event, NULL, "text[a] events=1 " OVERFLOW_ERROR,
				   "an event over the limit");
	check_overflow(&provider_openai, document, "application/json", OVERFLOW_ERROR,
				   "a document over the limit");
}

/* The executor takes the text out while the stream goes on. */
static void
test_taking(void)
{
	HttpHead	head;
	Decoder		decoder;

	http_head_init(&head);
	decoder_init(&decoder, &provider_openai, &head, 0, false);
	feed_decoder(&decoder, SAY("Hello"), sizeof(SAY("Hello")) - 1);
	is_text(buf_text(&decoder.answer.text), "Hello", "text is there at once");
	buf_reset(&decoder.answer.text);
	feed_decoder(&decoder, SAY("<think>"), sizeof(SAY("<think>")) - 1);
	is_text(buf_text(&decoder.answer.text), "<think>", "and what comes next after it");
	feed_decoder(&decoder, DONE, sizeof(DONE) - 1);
	ok(decoder.answer.ended, "the end is known before the connection ends");
	decoder_free(&decoder);
}

/* The limit is one on events, not on what comes first at once. */
static void
test_large_beginning(void)
{
	HttpHead	head;
	Decoder		decoder;
	Buf			stream;
	int			i;

	buf_init(&stream, 0);
	for (i = 0; i < 1000; i++)
		buf_puts(&stream, SAY("0123456789"));
	buf_puts(&stream, DONE);
	http_head_init(&head);
	decoder_init(&decoder, &provider_openai, &head, 20000, false);
	feed_decoder(&decoder, stream.data, stream.len);
	is_int((int64_t) decoder.answer.text.len, 10000, "a stream that comes in one piece is taken whole");
	ok(decoder.answer.ended && decoder.answer.error.error_class == ERROR_CLASS_NONE, "and its end");
	decoder_free(&decoder);

	/* Each look at what has come is one at what is new. */
	decoder_init(&decoder, &provider_openai, &head, 0, false);
	for (i = 0; i < 1000000; i++)
		feed_decoder(&decoder, " ", 1);
	feed_decoder(&decoder, "\n", 1);
	feed_decoder(&decoder, stream.data, stream.len);
	is_int((int64_t) decoder.answer.text.len, 10000, "so is one after a megabyte of space, byte by byte");
	decoder_free(&decoder);
	buf_free(&stream);
}

/* What a large event needed is given back, and the next one is read as ever. */
static void
test_memory(void)
{
	static const char begin[] = "data: {\"choices\":[{\"delta\":{\"content\":\"";
	static const char end[] = "\"}}]}\n\n";
	HttpHead	head;
	Decoder		decoder;
	Buf			event;
	size_t		i;

	buf_init(&event, 0);
	buf_puts(&event, begin);
	for (i = 0; i < 100000; i++)
		buf_puts(&event, "0123456789");
	buf_puts(&event, end);
	http_head_init(&head);
	decoder_init(&decoder, &provider_openai, &head, 0, false);
	feed_decoder(&decoder, event.data, event.len / 2);
	decoder_trim(&decoder);
	ok(decoder_memory(&decoder) > 500000, "half an event is kept");
	feed_decoder(&decoder, event.data + event.len / 2, event.len - event.len / 2);
	is_int((int64_t) decoder.answer.text.len, 1000000, "and completed");
	ok(decoder_memory(&decoder) > 1000000, "its memory is counted");
	buf_reset(&decoder.answer.text);
	decoder_trim(&decoder);
	ok(decoder_memory(&decoder) < 200000, "and given back");
	feed_decoder(&decoder, SAY("Hello") DONE, sizeof(SAY("Hello") DONE) - 1);
	is_text(buf_text(&decoder.answer.text), "Hello", "the next event is read as ever");
	ok(decoder.answer.ended, "and the end");
	decoder_free(&decoder);
	buf_free(&event);
}

/* ---- errors ---- */

static const ErrorCase errors[] = {
	{"400", 400, "{\"error\":{\"message\":\"m\",\"type\":\"invalid_request_error\",\"param\":\"x\",\"code\":\"unsupported_value\"}}",
	"bad_request unsupported_value/invalid_request_error: m"},
	{"a blocked prompt", 400, "{\"error\":{\"code\":\"content_filter\",\"message\":\"m\",\"innererror\":{\"code\":\"x\"}}}",
	"content_filter content_filter: m"},
	{"a blocked prompt stays so", 400, "{\"error\":{\"code\":\"content_filter\",\"message\":\"m\"}}",
	"content_filter content_filter: m", 1},
	{"too long a context", 400, "{\"error\":{\"code\":\"context_length_exceeded\",\"message\":\"m\"}}",
	"bad_request context_length_exceeded: m"},
	{"401", 401, "{\"error\":{\"code\":\"invalid_api_key\",\"message\":\"m\"}}", "authentication invalid_api_key: m"},
	{"402", 402, "{\"error\":{\"code\":402,\"message\":\"m\"}}", "permission 402: m"},
	{"403", 403, "{\"error\":\"m\"}", "permission : m"},
	{"404", 404, "{\"detail\":\"Not Found\"}", "not_found : Not Found"},
	{"405", 405, "{}", "bad_request : {}"},
	{"408", 408, "", "timeout retry : The server answered with HTTP status 408 and no message."},
	{"409", 409, "{\"error\":{\"message\":\"m\"}}", "overloaded retry : m"},
	{"413", 413, "too large\n", "bad_request : too large"},
	{"422", 422, "{\"detail\":[{\"loc\":[\"body\"],\"msg\":\"field required\"}]}", "bad_request : field required"},
	{"429", 429, "{\"error\":{\"message\":\"m\",\"type\":\"tokens\",\"code\":\"rate_limit_exceeded\"}}",
	"rate_limited retry rate_limit_exceeded/tokens: m"},
	{"no quota", 429, "{\"error\":{\"message\":\"m\",\"type\":\"insufficient_quota\",\"code\":null}}",
	"rate_limited insufficient_quota: m"},
	{"no credit", 429, "{\"error\":{\"message\":\"m\",\"code\":\"credit_balance_exhausted\"}}",
	"rate_limited credit_balance_exhausted: m"},
	{"no credit, whatever the vendor says", 429, "{\"error\":{\"message\":\"m\",\"code\":\"insufficient_quota\"}}",
	"rate_limited insufficient_quota: m", 1},
	{"500", 500, "{\"error\":{\"message\":\"m\",\"type\":\"server_error\"}}", "overloaded retry server_error: m"},
	{"501", 501, "x", "overloaded retry : x"},
	{"502 with a page", 502, "<html>\r\n<h1>Bad Gateway</h1>\r\n</html>", "overloaded retry : <html>  <h1>Bad Gateway</h1>  </html>"},
	{"503", 503, "", "overloaded retry : The server answered with HTTP status 503 and no message."},
	{"504", 504, " \n", "overloaded retry : The server answered with HTTP status 504 and no message."},
	{"529", 529, "{\"error\":{\"type\":\"overloaded_error\",\"message\":\"m\"}}", "overloaded retry overloaded_error: m"},
	{"301", 301, "<html>Moved</html>", "bad_request : The server answered with HTTP status 301; redirects are not followed."},
	{"the vendor says try", 400, "{\"error\":\"m\"}", "bad_request retry : m", 1},
	{"the vendor says do not", 503, "{\"error\":\"m\"}", "overloaded : m", -1},
	{"an old shape", 400, "{\"object\":\"error\",\"message\":\"m\",\"type\":\"BadRequestError\",\"code\":400}",
	"bad_request 400/BadRequestError: m"},
	{"in an array", 429, "[{\"error\":{\"code\":429,\"message\":\"m\",\"status\":\"RESOURCE_EXHAUSTED\"}}]",
	"rate_limited retry 429/RESOURCE_EXHAUSTED: m"},
	{"the better message counts", 400, "{\"message\":\"outer\",\"error\":{\"message\":\"inner\"},\"detail\":\"d\"}",
	"bad_request : inner"},
	{"bad bytes", 400, "{\"error\":{\"message\":\"a\xFF\\u0000\\n\\u001b[31mb\"}}",
	"bad_request : a" R R "  [31mb"},
	{"cut off", 400, "{\"error\":{\"message\":\"m\",\"co", "bad_request : m"},
	{"a byte-order mark", 400, "\xEF\xBB\xBF{\"error\":{\"message\":\"m\"}}", "bad_request : m"},
};

static void
test_huge_errors(void)
{
	size_t		len = 3000000;
	char	   *body = malloc(len);
	HttpHead	head;
	ProviderError error;

	http_head_init(&head);
	head.status = 500;
	memset(body, 'x', len);
	provider_openai.read_error(&head, body, len, &error);
	is_int((int64_t) strlen(error.message), 500, "of a foreign body only the beginning");
	memcpy(body, "{\"error\":{\"message\":\"", 21);
	memcpy(body + len - 3, "\"}}", 3);
	memset(error.message, 0, sizeof(error.message));
	provider_openai.read_error(&head, body, len, &error);
	is_int((int64_t) strlen(error.message), sizeof(error.message) - 1, "of a message what fits");
	memset(body, '[', len);
	provider_openai.read_error(&head, body, len, &error);
	ok(error.error_class == ERROR_CLASS_OVERLOADED, "nesting without end");
	free(body);
}

int
main(void)
{
	run_requests(&provider_openai, "https://h/v1", requests, lengthof(requests));
	test_request_headers();
	run_streams(&provider_openai, streams, lengthof(streams));
	test_overflow();
	test_taking();
	test_large_beginning();
	test_memory();
	run_errors(&provider_openai, errors, lengthof(errors));
	test_huge_errors();
	return unit_done();
}
