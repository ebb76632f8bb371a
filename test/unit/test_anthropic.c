/*
 * test_anthropic.c
 *		Anthropic's Messages API: what is asked, what is understood however the
 *		network cuts it, and what a failure means.
 */
#include "provider_cases.h"

#define MESSAGES	"\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"stream\":true"
#define BODY_START	"{\"model\":\"m\",\"max_tokens\":4096," MESSAGES

static const RequestCase requests[] = {
	{"the least", {0}, BODY_START "}", "https://h/v1/messages"},
	{"a URL that says the version already", {.base_url = "https://h/v1/"}, BODY_START "}", "https://h/v1/messages"},
	{"a system prompt", {.system_prompt = "be\n\"nice\""},
	"{\"model\":\"m\",\"max_tokens\":4096,\"system\":\"be\\n\\\"nice\\\"\"," MESSAGES "}"},
	{"an empty system prompt", {.system_prompt = ""}, BODY_START "}"},
	{"what was set", {.temperature = "0.50", .top_p = "1", .max_output_tokens = 100},
	"{\"model\":\"m\",\"max_tokens\":100," MESSAGES ",\"temperature\":0.50,\"top_p\":1}"},
	{"the model's own limit", {.model_max_output_tokens = 8000}, "{\"model\":\"m\",\"max_tokens\":8000," MESSAGES "}"},
	{"the agent's limit counts first", {.max_output_tokens = 5, .model_max_output_tokens = 8000, .max_tokens_parameter = "max_completion_tokens"},
	"{\"model\":\"m\",\"max_tokens\":5," MESSAGES "}"},
	{"the limit of the options", {.max_output_tokens = 5, .extra_body = "{\"max_tokens\":6}"},
	"{\"model\":\"m\"," MESSAGES ",\"max_tokens\":6}"},
	{"thinking brings a summary", {.extra_body = "{\"thinking\":{\"type\":\"adaptive\"}}"},
	BODY_START ",\"thinking\":{\"display\":\"summarized\",\"type\":\"adaptive\"}}"},
	{"a budget, too", {.extra_body = "{\"thinking\": {\"type\": \"enabled\", \"budget_tokens\": 2000}}"},
	BODY_START ",\"thinking\":{\"display\":\"summarized\",\"type\":\"enabled\",\"budget_tokens\":2000}}"},
	{"thinking that is not to be shown", {.extra_body = "{\"thinking\":{\"type\":\"adaptive\",\"display\":\"omitted\"}}"},
	BODY_START ",\"thinking\":{\"type\":\"adaptive\",\"display\":\"omitted\"}}"},
	{"no thinking", {.extra_body = "{\"thinking\":{\"type\":\"disabled\"}}"}, BODY_START ",\"thinking\":{\"type\":\"disabled\"}}"},
	{"thinking that is no object", {.extra_body = "{\"thinking\":null}"}, BODY_START ",\"thinking\":null}"},
	{"a schema", {.json_schema = "{\"type\":\"object\"}", .schema_name = "unused"},
	BODY_START ",\"output_config\":{\"format\":{\"type\":\"json_schema\",\"schema\":{\"type\":\"object\"}}}}"},
	{"a schema beside an effort", {.json_schema = "{}", .extra_body = "{\"output_config\":{\"effort\":\"low\"}}"},
	BODY_START ",\"output_config\":{\"format\":{\"type\":\"json_schema\",\"schema\":{}},\"effort\":\"low\"}}"},
	{"extra members", {.extra_body = "{\"top_k\":5,\"model\":\"x\",\"messages\":[],\"system\":\"x\",\"stream\":false,\"stop_sequences\":[ \"a\" ]}"},
	BODY_START ",\"top_k\":5,\"stop_sequences\":[ \"a\" ]}"},
	{"a temperature that is no number", {.temperature = "NaN"}, NULL},
	{"a schema that is no object", {.json_schema = "7"}, NULL},
	{"an extra_body that is no object", {.extra_body = "7"}, NULL},
	{"a version with a line end", {.api_version = "1\r\nX: y"}, NULL},
	{"a key with a line end", {.api_key = "k\r\nX: y"}, NULL},
	{"no model", {.deployment = ""}, NULL},
};

static void
test_headers(void)
{
	ModelRequest request = {.base_url = "https://h", .deployment = "m", .user_prompt = "hi", .api_key = "sk-1"};

	check_headers(&provider_anthropic, &request, "anthropic-version: 2023-06-01; Content-Type: application/json; "
				  "Accept: text/event-stream; x-api-key: sk-1", "the headers");
	request.api_version = "2026-10-21";
	request.api_key = NULL;
	check_headers(&provider_anthropic, &request, "anthropic-version: 2026-10-21; Content-Type: application/json; "
				  "Accept: text/event-stream", "another version, no key");
	request.user_prompt = NULL;
	request.system_prompt = "s";
	check_headers(&provider_anthropic, &request, "there is no prompt", "a system prompt alone is no request");
}

#define EVENT(type, members)	"event: " type "\ndata: {\"type\":\"" type "\"" members "}\n\n"
#define START	EVENT("message_start", ",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-x\"," \
	"\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":5,\"cache_creation_input_tokens\":3," \
	"\"cache_read_input_tokens\":2,\"output_tokens\":1}}")
#define BLOCK(type)	EVENT("content_block_start", ",\"index\":0,\"content_block\":{\"type\":\"" type "\",\"" type "\":\"\"}")
#define SAY(text)	EVENT("content_block_delta", ",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"" text "\"}")
#define THINK(text)	EVENT("content_block_delta", ",\"index\":0,\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"" text "\"}")
#define BLOCK_STOP	EVENT("content_block_stop", ",\"index\":0")
#define PING		EVENT("ping", "")
#define DELTA(reason) EVENT("message_delta", ",\"delta\":{\"stop_reason\":\"" reason "\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":12}")
#define STOP		EVENT("message_stop", "")
#define NAMES		"model[claude-x] id[msg_1] "

static const StreamCase streams[] = {
	{"a whole stream",
		TEXT(START BLOCK("text") PING SAY("Hello") SAY(", world") BLOCK_STOP DELTA("end_turn") STOP),
	"text[Hello, world] finish[stop] raw[end_turn] in=10 cached=2 out=12 " NAMES "events=8 ended"},
	{"nothing", TEXT(""), "cut"},
	{"cut", TEXT(START BLOCK("text") SAY("Hel")), "text[Hel] in=10 cached=2 out=1 " NAMES "events=3 cut"},
	{"cut before the terminal event", TEXT(SAY("Hello") DELTA("end_turn")),
	"text[Hello] finish[stop] raw[end_turn] out=12 events=2 cut"},
	{"an OpenAI mark of the end ends nothing here", TEXT(SAY("a") "data: [DONE]\n\n"), "text[a] events=1 bad=1 cut"},
	{"what follows the end is ignored", TEXT(SAY("a") STOP SAY("b")), "text[a] events=2 ended"},
	{"thoughts", TEXT(START BLOCK("thinking") THINK("Hm. ") THINK("Well")
		EVENT("content_block_delta", ",\"index\":0,\"delta\":{\"type\":\"signature_delta\",\"signature\":\"xyz\"}") BLOCK_STOP
		BLOCK("thinking") THINK("So") BLOCK_STOP BLOCK("text") SAY("a") BLOCK_STOP DELTA("end_turn") STOP),
	"text[a] reasoning[Hm. Well\nSo\n] finish[stop] raw[end_turn] in=10 cached=2 out=12 " NAMES "events=14 ended"},
	{"thoughts that are not shown", TEXT(EVENT("content_block_start", ",\"index\":0,\"content_block\":{\"type\":\"redacted_thinking\",\"data\":\"xyz\"}")
		BLOCK_STOP SAY("a") STOP), "text[a] events=4 ended"},
	{"the start of a block has its first text", TEXT(EVENT("content_block_start", ",\"content_block\":{\"text\":\"He\",\"type\":\"text\"}") SAY("y") STOP),
	"text[Hey] events=3 ended"},
	{"the input is told at the end", TEXT(START SAY("a") EVENT("message_delta",
		",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"input_tokens\":50,\"cache_read_input_tokens\":20,\"output_tokens\":7}") STOP),
	"text[a] finish[stop] raw[end_turn] in=73 cached=20 out=7 " NAMES "events=4 ended"},
	{"absurd usage", TEXT(EVENT("message_delta", ",\"usage\":{\"input_tokens\":9223372036854775807,\"cache_read_input_tokens\":9223372036854775807,"
		"\"cache_creation_input_tokens\":-1,\"output_tokens\":\"7\"}") STOP), "in=2000000002 cached=1000000001 events=2 ended"},
	{"as much as can be", TEXT(EVENT("message_delta", ",\"usage\":{\"input_tokens\":1000000000,\"cache_read_input_tokens\":1000000000,"
		"\"cache_creation_input_tokens\":1000000000,\"output_tokens\":1000000000}") STOP), "in=3000000000 cached=1000000000 out=1000000000 events=2 ended"},
	{"too long", TEXT(SAY("a") DELTA("max_tokens") STOP), "text[a] finish[length] raw[max_tokens] out=12 events=3 ended"},
	{"too long for the window", TEXT(SAY("a") DELTA("model_context_window_exceeded") STOP),
	"text[a] finish[length] raw[model_context_window_exceeded] out=12 events=3 ended"},
	{"a stop sequence", TEXT(SAY("a") DELTA("stop_sequence") STOP), "text[a] finish[stop] raw[stop_sequence] out=12 events=3 ended"},
	{"a pause", TEXT(SAY("a") DELTA("pause_turn") STOP), "text[a] finish[other] raw[pause_turn] out=12 events=3 ended"},
	{"a refusal", TEXT(SAY("a") DELTA("refusal") STOP), "text[a] finish[refusal] out=12 events=3 ended"},
	{"a refusal with its reason", TEXT(EVENT("message_delta", ",\"delta\":{\"stop_reason\":\"refusal\",\"stop_details\":"
		"{\"type\":\"refusal\",\"category\":\"cyber\",\"explanation\":\"I can't\"}},\"usage\":{\"output_tokens\":1}") STOP),
	"refusal[I can't] finish[refusal] out=1 events=2 ended"},
	{"a tool", TEXT(EVENT("content_block_start", ",\"content_block\":{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":{}}")
		EVENT("content_block_delta", ",\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{}\"}") BLOCK_STOP DELTA("tool_use") STOP),
	"finish[tool_calls] raw[tool_use] out=12 events=5 ended"},
	{"unknown events", TEXT(EVENT("future_event", ",\"delta\":{\"text\":\"no\",\"stop_reason\":\"max_tokens\"},\"usage\":{\"input_tokens\":1,\"output_tokens\":2},"
		"\"message\":{\"id\":\"no\",\"model\":\"no\"}") "event: x\ndata: {\"y\":\"\\u0000\"}\n\n" SAY("a") STOP), "text[a] events=4 ended"},
	{"the type is only in the event's name", TEXT("event: content_block_delta\ndata: {\"delta\":{\"text\":\"a\"}}\n\nevent: message_stop\ndata: {}\n\n"),
	"text[a] events=2 ended"},
	{"what text cannot hold", TEXT(SAY("a\\u0000b\\ud800c\xFF" "d\xC3") STOP), "text[a" R "b" R "c" R "d" R "] replaced=4 events=2 ended"},
	{"a think section and progress", TEXT(SAY("<think>Hm</think>[[progress]] o") SAY("ne\\nHi") STOP),
	"text[Hi] reasoning[Hm] progress[one\n] events=3 ended", NULL, true},
	{"CRLF and a byte-order mark", TEXT("\xEF\xBB\xBF" "event: message_stop\r\ndata: {\"type\":\"message_stop\"}\r\n\r\n"), "events=1 ended"},

	{"an error event", TEXT(START SAY("a") EVENT("error", ",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"},\"request_id\":\"r\"") STOP),
	"text[a] in=10 cached=2 out=1 " NAMES "events=3 error[overloaded retry overloaded_error: Overloaded] cut"},
	{"too many requests", TEXT(EVENT("error", ",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"m\"}")),
	"events=1 error[rate_limited retry rate_limit_error: m] cut"},
	{"an internal error", TEXT(EVENT("error", ",\"error\":{\"type\":\"api_error\",\"message\":\"m\"}")),
	"events=1 error[overloaded retry api_error: m] cut"},
	{"a bad request", TEXT(EVENT("error", ",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"m\"}")),
	"events=1 error[bad_request invalid_request_error: m] cut"},
	{"no money", TEXT(EVENT("error", ",\"error\":{\"type\":\"billing_error\",\"message\":\"m\"}")),
	"events=1 error[permission billing_error: m] cut"},
	{"an error without an event's name", TEXT("data: {\"error\":{\"message\":\"m\",\"type\":\"timeout_error\"},\"type\":\"error\"}\n\n"),
	"events=1 error[timeout retry timeout_error: m] cut"},
	{"an error without words", TEXT("data: {\"type\":\"error\"}\n\n"),
	"events=1 error[overloaded retry : The server reported an error without a message.] cut"},

	{"a document", TEXT("{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-x\",\"content\":["
		"{\"type\":\"thinking\",\"thinking\":\"Hm\",\"signature\":\"x\"},{\"type\":\"text\",\"text\":\"Hi\"}],\"stop_reason\":\"end_turn\","
		"\"stop_sequence\":null,\"usage\":{\"input_tokens\":5,\"cache_creation_input_tokens\":3,\"cache_read_input_tokens\":2,\"output_tokens\":4}}"),
	"text[Hi] reasoning[Hm] finish[stop] raw[end_turn] in=10 cached=2 out=4 " NAMES "events=1 ended", "application/json"},
	{"a document with an error", TEXT("{\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"m\"}}"),
	"events=1 error[overloaded retry api_error: m] cut", "application/json"},
	{"a cut document", TEXT("{\"type\":\"message\",\"content\":["), "bad=1 cut", "application/json"},
	{"another document", TEXT("{\"type\":\"message\",\"content\":[]}"), "events=1 cut", "application/json"},
};

#define ERROR(type)	"{\"type\":\"error\",\"error\":{\"type\":\"" type "\",\"message\":\"m\"},\"request_id\":\"req_1\"}"

static const ErrorCase errors[] = {
	{"400", 400, ERROR("invalid_request_error"), "bad_request invalid_request_error: m"},
	{"401", 401, ERROR("authentication_error"), "authentication authentication_error: m"},
	{"402", 402, ERROR("billing_error"), "permission billing_error: m"},
	{"403", 403, ERROR("permission_error"), "permission permission_error: m"},
	{"404", 404, ERROR("not_found_error"), "not_found not_found_error: m"},
	{"413", 413, ERROR("request_too_large"), "bad_request request_too_large: m"},
	{"429", 429, ERROR("rate_limit_error"), "rate_limited retry rate_limit_error: m"},
	{"the spending limit", 429, "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"m\","
	"\"details\":{\"error_code\":\"enforced_spend_limit_reached\"}}}", "rate_limited enforced_spend_limit_reached/rate_limit_error: m"},
	{"the spending limit, told elsewhere", 429, "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"m\"},"
	"\"details\":{\"error_code\":\"enforced_spend_limit_reached\"}}", "rate_limited enforced_spend_limit_reached/rate_limit_error: m", 1},
	{"500", 500, ERROR("api_error"), "overloaded retry api_error: m"},
	{"504", 504, ERROR("timeout_error"), "overloaded retry timeout_error: m"},
	{"529", 529, ERROR("overloaded_error"), "overloaded retry overloaded_error: m"},
	{"the vendor says do not", 500, ERROR("api_error"), "overloaded api_error: m", -1},
};

int
main(void)
{
	run_requests(&provider_anthropic, "https://h", requests, lengthof(requests));
	test_headers();
	run_streams(&provider_anthropic, streams, lengthof(streams));
	check_overflow(&provider_anthropic, SAY("0123456789012345678901234567890123456789012345678901234567890123456789"), NULL,
				   OVERFLOW_ERROR, "an event over the limit");
	run_errors(&provider_anthropic, errors, lengthof(errors));
	return unit_done();
}
