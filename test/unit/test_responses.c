/*
 * test_responses.c
 *		OpenAI's Responses API: what is asked, what is understood however the
 *		network cuts it, and what a failure means.
 */
#include "provider_cases.h"

#define BODY_START	"{\"model\":\"m\",\"input\":\"hi\",\"stream\":true,\"store\":false"
#define TUNED_START	"{\"model\":\"ft:m\",\"input\":\"hi\",\"stream\":true,\"store\":false"

static const RequestCase requests[] = {
	{"the least", {0}, BODY_START "}", "https://h/v1/responses"},
	{"a system prompt", {.system_prompt = "be\n\"nice\""},
	"{\"model\":\"m\",\"instructions\":\"be\\n\\\"nice\\\"\",\"input\":\"hi\",\"stream\":true,\"store\":false}"},
	{"an empty system prompt", {.system_prompt = ""}, BODY_START "}"},
	{"what was set", {.temperature = "0.50", .top_p = "1", .max_output_tokens = 100},
	BODY_START ",\"temperature\":0.50,\"top_p\":1,\"max_output_tokens\":100}"},
	{"the limit has its own name here", {.max_output_tokens = 7, .max_tokens_parameter = "max_tokens"},
	BODY_START ",\"max_output_tokens\":7}"},
	{"the model's own limit is not asked for", {.model_max_output_tokens = 7}, BODY_START "}"},
	{"reasoning brings a summary", {.extra_body = "{\"reasoning\":{\"effort\":\"high\"}}"},
	BODY_START ",\"reasoning\":{\"summary\":\"auto\",\"effort\":\"high\"}}"},
	{"another summary", {.extra_body = "{\"reasoning\":{\"summary\":\"detailed\"}}"},
	BODY_START ",\"reasoning\":{\"summary\":\"detailed\"}}"},
	{"no summary", {.extra_body = "{\"reasoning\":{\"summary\":null}}"}, BODY_START ",\"reasoning\":{\"summary\":null}}"},
	{"no reasoning", {.extra_body = "{\"reasoning\":{\"effort\":\"none\"}}"}, BODY_START ",\"reasoning\":{\"effort\":\"none\"}}"},
	{"reasoning that is no object", {.extra_body = "{\"reasoning\":null}"}, BODY_START ",\"reasoning\":null}"},
	{"a schema", {.json_schema = "{\"type\":\"object\"}", .schema_name = "my design"},
		BODY_START ",\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"my_design\",\"schema\":{\"type\":\"object\"},"
	"\"strict\":false}}}"},
	{"a schema that can be kept strictly", {.json_schema = CLOSED_SCHEMA, .schema_name = "n"},
		BODY_START ",\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"n\",\"schema\":" CLOSED_SCHEMA ",\"strict\":true}}}"},
	{"a schema with a bound", {.json_schema = BOUNDED_SCHEMA, .schema_name = "n"},
		BODY_START ",\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"n\",\"schema\":" BOUNDED_SCHEMA ",\"strict\":true}}}"},
	{"which a fine-tuned model does not know", {.json_schema = BOUNDED_SCHEMA, .schema_name = "n", .deployment = "ft:m"},
		TUNED_START ",\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"n\",\"schema\":" BOUNDED_SCHEMA ",\"strict\":false}}}"},
	{"a schema beside other wishes", {.json_schema = "{}", .extra_body = "{\"text\":{\"verbosity\":\"low\"},\"a\":1}"},
		BODY_START ",\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"output\",\"schema\":{},\"strict\":false},"
	"\"verbosity\":\"low\"},\"a\":1}"},
	{"the user's own format wins", {.json_schema = "{}", .extra_body = "{\"text\":{\"format\":{\"type\":\"text\"}}}"},
	BODY_START ",\"text\":{\"format\":{\"type\":\"text\"}}}"},
	{"extra members", {.extra_body = "{\"store\":true,\"model\":\"x\",\"input\":[],\"instructions\":\"x\",\"stream\":false,\"a\":1}"},
	"{\"model\":\"m\",\"input\":\"hi\",\"stream\":true,\"store\":true,\"a\":1}"},
	{"a temperature that is no number", {.temperature = "NaN"}, NULL},
	{"a schema that is no object", {.json_schema = "[]"}, NULL},
	{"an extra_body that is no object", {.extra_body = "[1]"}, NULL},
	{"a key with a line end", {.api_key = "k\r\nX: y"}, NULL},
	{"no model", {.deployment = ""}, NULL},
};

#define EVENT(type, members) \
	"event: " type "\ndata: {\"type\":\"" type "\",\"sequence_number\":1" members "}\n\n"
#define CREATED	EVENT("response.created", ",\"response\":{\"id\":\"resp_1\",\"object\":\"response\",\"status\":\"in_progress\"," \
	"\"error\":null,\"incomplete_details\":null,\"model\":\"gpt-x\",\"output\":[],\"usage\":null}")
#define SAY(text) EVENT("response.output_text.delta", ",\"item_id\":\"msg_1\",\"output_index\":0,\"content_index\":0,\"delta\":\"" text "\"")
#define SUMMARY(text) EVENT("response.reasoning_summary_text.delta", ",\"item_id\":\"rs_1\",\"summary_index\":0,\"delta\":\"" text "\"")
#define OUTPUT(text) "\"output\":[{\"id\":\"rs_1\",\"type\":\"reasoning\",\"summary\":[]},{\"id\":\"msg_1\",\"type\":\"message\"," \
	"\"status\":\"completed\",\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":\"" text "\",\"annotations\":[]}]}]"
#define USAGE	"\"usage\":{\"input_tokens\":9,\"input_tokens_details\":{\"cached_tokens\":4},\"output_tokens\":12," \
	"\"output_tokens_details\":{\"reasoning_tokens\":7},\"total_tokens\":21}"
#define COMPLETED(text) EVENT("response.completed", ",\"response\":{\"id\":\"resp_1\",\"status\":\"completed\",\"error\":null," \
	"\"incomplete_details\":null,\"model\":\"gpt-x\"," OUTPUT(text) "," USAGE "}")
#define COUNTS	"in=9 cached=4 out=12 thought=7 model[gpt-x] id[resp_1] "

static const StreamCase streams[] = {
	{"a whole stream",
		TEXT(CREATED EVENT("response.in_progress", ",\"response\":{\"id\":\"resp_1\",\"status\":\"in_progress\"}")
			 EVENT("response.output_item.added", ",\"output_index\":0,\"item\":{\"type\":\"message\",\"content\":[]}")
			 EVENT("response.content_part.added", ",\"part\":{\"type\":\"output_text\",\"text\":\"\"}")
			 SAY("Hello") SAY(", world")
			 EVENT("response.output_text.done", ",\"text\":\"Hello, world\"")
			 EVENT("response.content_part.done", ",\"part\":{\"type\":\"output_text\",\"text\":\"Hello, world\"}")
			 EVENT("response.output_item.done", ",\"item\":{\"type\":\"message\",\"content\":[{\"type\":\"output_text\",\"text\":\"Hello, world\"}]}")
			 COMPLETED("Hello, world")),
	"text[Hello, world] finish[stop] raw[completed] " COUNTS "events=10 ended"},
	{"nothing", TEXT(""), "cut"},
	{"cut", TEXT(CREATED SAY("Hel")), "text[Hel] model[gpt-x] id[resp_1] events=2 cut"},
	{"cut in an event", TEXT(SAY("Hel") "event: response.completed\ndata: {\"type\":\"resp"), "text[Hel] events=1 bad=1 cut"},
	{"an OpenAI mark of the end ends nothing here", TEXT(SAY("Hel") "data: [DONE]\n\n"), "text[Hel] events=1 bad=1 cut"},
	{"what follows the end is ignored", TEXT(COMPLETED("a") SAY("b") COMPLETED("c")),
	"text[a] finish[stop] raw[completed] " COUNTS "events=1 ended"},
	{"summaries of the reasoning",
		TEXT(SUMMARY("**One** ") SUMMARY("thing") EVENT("response.reasoning_summary_text.done", ",\"text\":\"**One** thing\"")
			 SUMMARY("Two") EVENT("response.reasoning_summary_text.done", ",\"text\":\"Two\"") SAY("a") COMPLETED("a")),
	"text[a] reasoning[**One** thing\nTwo\n] finish[stop] raw[completed] " COUNTS "events=7 ended"},
	{"the reasoning of open models", TEXT(EVENT("response.reasoning_text.delta", ",\"delta\":\"Hm\"") SAY("a") COMPLETED("a")),
	"text[a] reasoning[Hm] finish[stop] raw[completed] " COUNTS "events=3 ended"},
	{"a refusal", TEXT(EVENT("response.refusal.delta", ",\"delta\":\"I \"") EVENT("response.refusal.delta", ",\"delta\":\"can't\"")
		EVENT("response.completed", ",\"response\":{\"status\":\"completed\",\"output\":[{\"type\":\"message\",\"content\":[{\"type\":\"refusal\",\"refusal\":\"I can't\"}]}]}")),
	"refusal[I can't] finish[refusal] raw[completed] events=3 ended"},
	{"too long", TEXT(SAY("a") EVENT("response.incomplete", ",\"response\":{\"status\":\"incomplete\",\"incomplete_details\":{\"reason\":\"max_output_tokens\"}," USAGE "}")),
	"text[a] finish[length] raw[max_output_tokens] in=9 cached=4 out=12 thought=7 events=2 ended"},
	{"filtered", TEXT(SAY("a") EVENT("response.incomplete", ",\"response\":{\"status\":\"incomplete\",\"incomplete_details\":{\"reason\":\"content_filter\"}}")),
	"text[a] finish[content_filter] events=2 ended"},
	{"incomplete, and nobody says why", TEXT(SAY("a") EVENT("response.incomplete", ",\"response\":{\"incomplete_details\":null}")),
	"text[a] finish[other] raw[incomplete] events=2 ended"},
	{"a tool", TEXT(EVENT("response.output_item.added", ",\"item\":{\"type\":\"function_call\",\"name\":\"f\",\"arguments\":\"\"}")
		EVENT("response.function_call_arguments.delta", ",\"delta\":\"{}\"")
		EVENT("response.completed", ",\"response\":{\"status\":\"completed\",\"output\":[{\"type\":\"function_call\",\"arguments\":\"{}\"}]}")),
	"finish[tool_calls] raw[completed] events=3 ended"},
	{"only the terminal event has the text", TEXT(CREATED COMPLETED("Hello")),
	"text[Hello] finish[stop] raw[completed] " COUNTS "events=2 ended"},
	{"unknown events", TEXT(EVENT("response.future.delta", ",\"delta\":\"no\"") "data: {\"x\":1}\n\n" ": ping\n\n" SAY("a") COMPLETED("a")),
	"text[a] finish[stop] raw[completed] " COUNTS "events=4 ended"},
	{"the type is only in the event's name", TEXT("event: response.output_text.delta\ndata: {\"delta\":\"a\"}\n\n" COMPLETED("a")),
	"text[a] finish[stop] raw[completed] " COUNTS "events=2 ended"},
	{"what text cannot hold is counted once",
		TEXT(SAY("a\\u0000b\\ud800c\xFF" "d") EVENT("response.output_text.done", ",\"text\":\"a\\u0000b\\ud800c\xFF" "d\"")
			 COMPLETED("a\\u0000b\\ud800c\xFF" "d")),
	"text[a" R "b" R "c" R "d] finish[stop] raw[completed] " COUNTS "replaced=3 events=3 ended"},
	{"a think section and progress", TEXT(SAY("<think>Hm</think>[[progress]] one\\nHi") COMPLETED("x")),
	"text[Hi] reasoning[Hm] progress[one\n] finish[stop] raw[completed] " COUNTS "events=2 ended", NULL, true},
	{"CRLF and a byte-order mark", TEXT("\xEF\xBB\xBF" "event: response.output_text.delta\r\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"a\"}\r\n\r\n"),
	"text[a] events=1 cut"},

	{"an error event", TEXT(SAY("a") EVENT("error", ",\"code\":\"rate_limit_exceeded\",\"message\":\"slow\",\"param\":null")),
	"text[a] events=2 error[rate_limited retry rate_limit_exceeded: slow] cut"},
	{"an error event with an error member", TEXT("event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"server_error\",\"code\":null,\"message\":\"m\"}}\n\n"),
	"events=1 error[overloaded retry server_error: m] cut"},
	{"an error without an event's name", TEXT("data: {\"type\":\"error\",\"code\":\"invalid_prompt\",\"message\":\"m\"}\n\n"),
	"events=1 error[bad_request invalid_prompt: m] cut"},
	{"a response that failed", TEXT(SAY("a") EVENT("response.failed", ",\"response\":{\"id\":\"r\",\"status\":\"failed\",\"error\":{\"code\":\"server_error\",\"message\":\"m\"}}")),
	"text[a] id[r] events=2 error[overloaded retry server_error: m] cut"},
	{"a response that failed without a word", TEXT(EVENT("response.failed", ",\"response\":{\"error\":null}")),
	"events=1 error[overloaded retry : The server reported an error without a message.] cut"},

	{"a document", TEXT("{\"id\":\"resp_1\",\"object\":\"response\",\"status\":\"completed\",\"error\":null,\"model\":\"gpt-x\",\"output\":["
						"{\"type\":\"reasoning\",\"summary\":[{\"type\":\"summary_text\",\"text\":\"Hm\"}],\"content\":[{\"type\":\"reasoning_text\",\"text\":\"deep\"}]},"
						"{\"content\":[{\"text\":\"Hi\"}],\"type\":\"message\"},{\"type\":\"other\",\"content\":[{\"text\":\"no\"}]}]," USAGE "}"),
	"text[Hi] reasoning[Hm\ndeep] finish[stop] raw[completed] " COUNTS "events=1 ended", "application/json"},
	{"a document that is incomplete", TEXT("{\"status\":\"incomplete\",\"incomplete_details\":{\"reason\":\"max_output_tokens\"}," OUTPUT("Hi") "}"),
	"text[Hi] finish[length] raw[max_output_tokens] events=1 ended", "application/json"},
	{"a document that refuses", TEXT("{\"status\":\"completed\",\"output\":[{\"type\":\"message\",\"content\":[{\"type\":\"refusal\",\"refusal\":\"no\"}]}]}"),
	"refusal[no] finish[refusal] raw[completed] events=1 ended", "application/json"},
	{"a document that failed", TEXT("{\"status\":\"failed\",\"error\":{\"code\":\"server_error\",\"message\":\"m\"}}"),
	"events=1 error[overloaded retry server_error: m] cut", "application/json"},
	{"a document in progress", TEXT("{\"status\":\"in_progress\",\"output\":[]}"), "events=1 cut", "application/json"},
	{"a cut document", TEXT("{\"status\":\"completed\",\"output\":["), "bad=1 cut", "application/json"},
};

static const ErrorCase errors[] = {
	{"400", 400, "{\"error\":{\"message\":\"m\",\"type\":\"invalid_request_error\",\"param\":\"temperature\",\"code\":\"unsupported_parameter\"}}",
	"bad_request unsupported_parameter/invalid_request_error: m"},
	{"401", 401, "{\"error\":{\"message\":\"m\",\"type\":\"invalid_request_error\",\"code\":\"invalid_api_key\"}}",
	"authentication invalid_api_key/invalid_request_error: m"},
	{"429", 429, "{\"error\":{\"message\":\"m\",\"type\":\"tokens\",\"code\":\"rate_limit_exceeded\"}}",
	"rate_limited retry rate_limit_exceeded/tokens: m"},
	{"no quota", 429, "{\"error\":{\"message\":\"m\",\"type\":\"insufficient_quota\",\"code\":\"insufficient_quota\"}}",
	"rate_limited insufficient_quota: m"},
	{"500", 500, "{\"error\":{\"message\":\"m\",\"type\":\"server_error\",\"code\":null}}", "overloaded retry server_error: m"},
	{"the vendor says do not", 503, "{\"error\":{\"message\":\"m\"}}", "overloaded : m", -1},
};

int
main(void)
{
	ModelRequest request = {.base_url = "https://h/v1", .deployment = "m", .user_prompt = "hi", .api_key = "sk-1"};

	run_requests(&provider_openai_responses, "https://h/v1", requests, lengthof(requests));
	check_headers(&provider_openai_responses, &request,
				  "Content-Type: application/json; Accept: text/event-stream; Authorization: Bearer sk-1", "the headers");
	request.user_prompt = NULL;
	request.system_prompt = "s";
	check_headers(&provider_openai_responses, &request, "there is no prompt", "a system prompt alone is no request");
	run_streams(&provider_openai_responses, streams, lengthof(streams));
	check_overflow(&provider_openai_responses, SAY("0123456789012345678901234567890123456789"), NULL, OVERFLOW_ERROR,
				   "an event over the limit");
	run_errors(&provider_openai_responses, errors, lengthof(errors));
	return unit_done();
}
