/*
 * test_ollama.c
 *		Ollama's chat API: what is asked, what is understood however the network
 *		cuts it, and what a failure means.
 */
#include "provider_cases.h"

#define BODY_START	"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"stream\":true"

static const RequestCase requests[] = {
	{"the least", {0}, BODY_START "}", "http://h:11434/api/chat"},
	{"a URL that says the path already", {.base_url = "http://h:11434/api/"}, BODY_START "}", "http://h:11434/api/chat"},
	{"a system prompt", {.system_prompt = "be\n\"nice\""},
		"{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"be\\n\\\"nice\\\"\"},"
	"{\"role\":\"user\",\"content\":\"hi\"}],\"stream\":true}"},
	{"what was set", {.temperature = "0.50", .top_p = "1", .max_output_tokens = 100},
	BODY_START ",\"options\":{\"temperature\":0.50,\"top_p\":1,\"num_predict\":100}}"},
	{"the model's own limit is not asked for", {.model_max_output_tokens = 7, .max_tokens_parameter = "max_tokens"}, BODY_START "}"},
	{"the user's own options", {.temperature = "0.5", .max_output_tokens = 9,
		.extra_body = "{\"options\":{\"num_ctx\":8192,\"temperature\":0.1},\"keep_alive\":\"5m\"}"},
	BODY_START ",\"options\":{\"num_predict\":9,\"num_ctx\":8192,\"temperature\":0.1},\"keep_alive\":\"5m\"}"},
	{"the user's own options alone", {.extra_body = "{\"options\":{\"num_ctx\":8192}}"}, BODY_START ",\"options\":{\"num_ctx\":8192}}"},
	{"options that are no object", {.temperature = "0.5", .extra_body = "{\"options\":null}"}, BODY_START ",\"options\":null}"},
	{"thinking", {.extra_body = "{\"think\":\"high\"}"}, BODY_START ",\"think\":\"high\"}"},
	{"a schema", {.json_schema = "{\"type\":\"object\"}", .schema_name = "unused"}, BODY_START ",\"format\":{\"type\":\"object\"}}"},
	{"the user's own format wins", {.json_schema = "{}", .extra_body = "{\"format\":\"json\"}"}, BODY_START ",\"format\":\"json\"}"},
	{"extra members", {.extra_body = "{\"model\":\"x\",\"messages\":[],\"stream\":false,\"a\":1}"}, BODY_START ",\"a\":1}"},
	{"a temperature that is no number", {.temperature = "NaN"}, NULL},
	{"a schema that is no object", {.json_schema = "null"}, NULL},
	{"an extra_body that is no object", {.extra_body = "[1]"}, NULL},
	{"a key with a line end", {.api_key = "k\r\nX: y"}, NULL},
	{"no model", {.deployment = ""}, NULL},
};

static void
test_headers(void)
{
	ModelRequest request = {.base_url = "http://h", .deployment = "m", .user_prompt = "hi"};

	check_headers(&provider_ollama, &request, "Content-Type: application/json; Accept: application/x-ndjson", "without a key");
	request.api_key = "k-1";
	check_headers(&provider_ollama, &request,
				  "Content-Type: application/json; Accept: application/x-ndjson; Authorization: Bearer k-1", "with a key");
}

#define LINE(members, rest)	"{\"model\":\"llama\",\"created_at\":\"2026-01-01T00:00:00Z\",\"message\":{\"role\":\"assistant\"," members "},\"done\":false" rest "}\n"
#define SAY(text)	LINE("\"content\":\"" text "\"", "")
#define DONE(members) "{\"model\":\"llama\",\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true" members "}\n"
#define COUNTS		",\"done_reason\":\"stop\",\"total_duration\":5,\"prompt_eval_count\":9,\"prompt_eval_duration\":1,\"eval_count\":12"

static const StreamCase streams[] = {
	{"a whole stream", TEXT(SAY("Hello") SAY(", world") DONE(COUNTS)),
	"text[Hello, world] finish[stop] in=9 out=12 model[llama] events=3 ended", "application/x-ndjson"},
	{"nothing", TEXT(""), "cut"},
	{"only white space", TEXT(" \r\n\n"), "cut"},
	{"cut", TEXT(SAY("Hel")), "text[Hel] model[llama] events=1 cut"},
	{"cut in a line", TEXT(SAY("Hel") "{\"done\":tr"), "text[Hel] model[llama] events=1 bad=1 cut"},
	{"a reason before the end is none", TEXT(LINE("\"content\":\"a\"", ",\"done_reason\":\"stop\"")), "text[a] model[llama] events=1 cut"},
	{"the last line has no end", TEXT(SAY("a") "{\"done\":true}"), "text[a] finish[stop] model[llama] events=2 ended"},
	{"what follows the end is ignored", TEXT(SAY("a") DONE("") SAY("b")), "text[a] finish[stop] model[llama] events=2 ended"},
	{"too long", TEXT(SAY("a") DONE(",\"done_reason\":\"length\"")), "text[a] finish[length] model[llama] events=2 ended"},
	{"another reason", TEXT(DONE(",\"done_reason\":\"load\"")), "finish[other] raw[load] model[llama] events=1 ended"},
	{"thoughts", TEXT(LINE("\"content\":\"\",\"thinking\":\"Hm. \"", "") LINE("\"content\":\"\",\"thinking\":\"Well\"", "") SAY("a") DONE("")),
	"text[a] reasoning[Hm. Well] finish[stop] model[llama] events=4 ended"},
	{"a think section and progress", TEXT(SAY("<think>Hm</think>[[progress]] o") SAY("ne\\nHi") DONE("")),
	"text[Hi] reasoning[Hm] progress[one\n] finish[stop] model[llama] events=3 ended", NULL, true},
	{"a tool", TEXT(LINE("\"content\":\"\",\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":{}}}]", "") DONE(COUNTS)),
	"finish[tool_calls] raw[stop] in=9 out=12 model[llama] events=2 ended"},
	{"unknown lines", TEXT("{\"x\":[1,{\"y\":null}]}\n\n7\n" SAY("a") DONE("")), "text[a] finish[stop] model[llama] events=4 ended"},
	{"lines that are not JSON", TEXT("hello\n" SAY("a") "{\n" DONE("")), "text[a] finish[stop] model[llama] events=2 bad=2 ended"},
	{"CRLF and a byte-order mark", TEXT("\xEF\xBB\xBF{\"message\":{\"content\":\"a\"}}\r\n\r\n{\"done\":true}\r\n"), "text[a] finish[stop] events=2 ended"},
	{"what text cannot hold", TEXT(SAY("a\\u0000b\\ud800c\xFF" "d\xC3") DONE("")),
	"text[a" R "b" R "c" R "d" R "] finish[stop] model[llama] replaced=4 events=2 ended"},
	{"absurd usage", TEXT(DONE(",\"prompt_eval_count\":-1,\"eval_count\":\"7\"")), "finish[stop] model[llama] events=1 ended"},

	{"an error inside the stream", TEXT(SAY("a") "{\"error\":\"model runner has unexpectedly stopped\"}\n" DONE("")),
	"text[a] model[llama] events=2 error[overloaded retry : model runner has unexpectedly stopped] cut"},
	{"an error with an object", TEXT("{\"error\":{\"message\":\"m\",\"type\":\"api_error\"}}\n"), "events=1 error[overloaded retry api_error: m] cut"},

	{"a document", TEXT("{\"model\":\"llama\",\"message\":{\"role\":\"assistant\",\"content\":\"Hi\",\"thinking\":\"Hm\"},\"done\":true" COUNTS "}"),
	"text[Hi] reasoning[Hm] finish[stop] in=9 out=12 model[llama] events=1 ended", "application/json"},
	{"a document over several lines", TEXT("{\n \"message\":\n {\"content\": \"Hi\"},\n \"done\": true\n}\n"), "text[Hi] finish[stop] events=1 ended", "application/json"},
	{"lines said to be a document", TEXT(SAY("Hello") DONE(COUNTS)),
	"text[Hello] finish[stop] in=9 out=12 model[llama] events=2 ended", "application/json"},
	{"a document said to be lines", TEXT("{\"message\":{\"content\":\"Hi\"},\"done\":true}"), "text[Hi] finish[stop] events=1 ended"},
	{"a cut document", TEXT("{\"message\":{\"content\":\"Hi\"}"), "bad=1 cut", "application/json"},
	{"a document that is not done", TEXT("{\"message\":{\"content\":\"Hi\"},\"done\":false}"), "text[Hi] events=1 cut", "application/json"},
};

static const ErrorCase errors[] = {
	{"400", 400, "{\"error\":\"m\"}", "bad_request : m"},
	{"401", 401, "{\"error\":\"unauthorized\"}", "authentication : unauthorized"},
	{"404", 404, "{\"error\":\"model 'm' not found\"}", "not_found : model 'm' not found"},
	{"500", 500, "{\"error\":\"m\"}", "overloaded retry : m"},
	{"503", 503, "{\"error\":\"server busy, please try again.  maximum pending requests exceeded\"}",
	"overloaded retry : server busy, please try again.  maximum pending requests exceeded"},
	{"502 in plain words", 502, "upstream gone\n", "overloaded retry : upstream gone"},
};

int
main(void)
{
	run_requests(&provider_ollama, "http://h:11434", requests, lengthof(requests));
	test_headers();
	run_streams(&provider_ollama, streams, lengthof(streams));
	check_overflow(&provider_ollama, "{\"message\":{\"content\":\"a\"}}\n" SAY("0123456789012345678901234567890123456789012345678901234567890123456789") SAY("b"),
				   NULL, "text[a] events=1 " OVERFLOW_ERROR, "a line over the limit");
	check_overflow(&provider_ollama, SAY("0123456789012345678901234567890123456789012345678901234567890123456789"), "application/json",
				   OVERFLOW_ERROR, "a document over the limit");
	run_errors(&provider_ollama, errors, lengthof(errors));
	return unit_done();
}
