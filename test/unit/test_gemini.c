/*
 * test_gemini.c
 *		Google's Gemini API: what is asked, what is understood however the network
 *		cuts it, and what a failure means.
 */
#include "provider_cases.h"

#define CONTENTS	"\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}]"
#define THINKING	"\"thinkingConfig\":{\"includeThoughts\":true}"
#define BODY(config)	"{" CONTENTS ",\"generationConfig\":{" config THINKING "}"
#define URL(model)		"https://h/v1beta/models/" model ":streamGenerateContent?alt=sse"

static const RequestCase requests[] = {
	{"the least", {0}, BODY("") "}", URL("m")},
	{"a URL that says the version already", {.base_url = "https://h/v1beta/"}, BODY("") "}", URL("m")},
	{"a URL with a query", {.base_url = "https://h?a=b"}, BODY("") "}", URL("m") "&a=b"},
	{"the vendor's own name of the model", {.deployment = "models/gemini-x"}, BODY("") "}", URL("gemini-x")},
	{"a name that a URL cannot hold", {.deployment = "a/../b?c#d e"}, BODY("") "}", URL("a%2F..%2Fb%3Fc%23d%20e")},
	{"a system prompt", {.system_prompt = "be\n\"nice\""},
	"{\"systemInstruction\":{\"parts\":[{\"text\":\"be\\n\\\"nice\\\"\"}]}," CONTENTS ",\"generationConfig\":{" THINKING "}}"},
	{"what was set", {.temperature = "0.50", .top_p = "1", .max_output_tokens = 100},
	BODY("\"temperature\":0.50,\"topP\":1,\"maxOutputTokens\":100,") "}"},
	{"the model's own limit is not asked for", {.model_max_output_tokens = 7, .max_tokens_parameter = "max_tokens"}, BODY("") "}"},
	{"a schema", {.json_schema = "{\"type\":\"object\"}", .schema_name = "unused"},
	BODY("\"responseMimeType\":\"application/json\",\"responseJsonSchema\":{\"type\":\"object\"},") "}"},
	{"the user's own configuration", {.temperature = "0.5", .max_output_tokens = 9, .extra_body =
			"{\"generationConfig\":{\"topK\":40,\"temperature\":0.1,\"candidateCount\":2,\"thinkingConfig\":{\"thinkingBudget\":100}},\"a\":1}"},
		"{" CONTENTS ",\"generationConfig\":{\"maxOutputTokens\":9,\"thinkingConfig\":{\"includeThoughts\":true,\"thinkingBudget\":100},"
	"\"topK\":40,\"temperature\":0.1},\"a\":1}"},
	{"thoughts that are not wanted", {.extra_body = "{\"generationConfig\":{\"thinkingConfig\":{\"includeThoughts\":false}}}"},
	"{" CONTENTS ",\"generationConfig\":{\"thinkingConfig\":{\"includeThoughts\":false}}}"},
	{"a model that does not think", {.extra_body = "{\"generationConfig\":{\"thinkingConfig\":null}}"},
	"{" CONTENTS ",\"generationConfig\":{\"thinkingConfig\":null}}"},
	{"a configuration that is no object", {.temperature = "1", .extra_body = "{\"generationConfig\":null}"},
	"{" CONTENTS ",\"generationConfig\":null}"},
	{"extra members", {.extra_body = "{\"contents\":[],\"systemInstruction\":{},\"system_instruction\":{},\"safetySettings\":[ ]}"},
	BODY("") ",\"safetySettings\":[ ]}"},
	{"a temperature that is no number", {.temperature = "NaN"}, NULL},
	{"a schema that is no object", {.json_schema = "\"x\""}, NULL},
	{"an extra_body that is no object", {.extra_body = "[1]"}, NULL},
	{"a key with a line end", {.api_key = "k\r\nX: y"}, NULL},
	{"no model", {.deployment = ""}, NULL},
};

#define CHUNK(parts, rest) \
	"data: {\"candidates\":[{\"content\":{\"parts\":[" parts "],\"role\":\"model\"},\"index\":0}]" rest "}\r\n\r\n"
#define PART(text)		"{\"text\":\"" text "\"}"
#define SAY(text)		CHUNK(PART(text), "")
#define THOUGHT(text)	"{\"text\":\"" text "\",\"thought\":true}"
#define END(reason)		"data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\"}]},\"finishReason\":\"" reason "\",\"index\":0}]}\r\n\r\n"
#define USAGE(members)	"data: {\"usageMetadata\":{" members "}}\n\n"

static const StreamCase streams[] = {
	{"a whole stream",
		TEXT(CHUNK(PART("Hello"), ",\"usageMetadata\":{\"promptTokenCount\":9,\"totalTokenCount\":9},\"modelVersion\":\"gemini-x\",\"responseId\":\"r-1\"")
			 CHUNK(PART(", world"), ",\"modelVersion\":\"gemini-y\",\"responseId\":\"r-2\"")
			 "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"!\"}],\"role\":\"model\"},\"finishReason\":\"STOP\",\"index\":0,"
			 "\"safetyRatings\":[{\"category\":\"X\",\"probability\":\"NEGLIGIBLE\"}]}],\"usageMetadata\":{\"promptTokenCount\":9,"
			 "\"cachedContentTokenCount\":4,\"candidatesTokenCount\":5,\"thoughtsTokenCount\":7,\"totalTokenCount\":21,"
			 "\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCount\":9}]}}\r\n\r\n"),
	"text[Hello, world!] finish[stop] raw[STOP] in=9 cached=4 out=12 thought=7 model[gemini-x] id[r-1] events=3 ended"},
	{"nothing", TEXT(""), "cut"},
	{"cut", TEXT(SAY("Hel")), "text[Hel] events=1 cut"},
	{"cut in an event", TEXT(SAY("Hel") "data: {\"candidates\":[{\"finishReason\":\"STOP\""), "text[Hel] events=1 bad=1 cut"},
	{"an OpenAI mark of the end ends nothing here", TEXT(SAY("a") "data: [DONE]\n\n"), "text[a] events=1 bad=1 cut"},
	{"usage after the reason", TEXT(SAY("a") END("STOP") USAGE("\"promptTokenCount\":1,\"candidatesTokenCount\":2")),
	"text[a] finish[stop] raw[STOP] in=1 out=2 events=3 ended"},
	{"thoughts", TEXT(CHUNK(THOUGHT("Hm. "), "") CHUNK("{\"thought\":true,\"text\":\"Well\"}," PART("a"), "")
		CHUNK("{\"text\":\"b\",\"thought\":false}," THOUGHT("So") "," PART("c"), "") END("STOP")),
	"text[abc] reasoning[Hm. WellSo] finish[stop] raw[STOP] events=4 ended"},
	{"thoughts without a total", TEXT(USAGE("\"promptTokenCount\":1,\"candidatesTokenCount\":2,\"thoughtsTokenCount\":3") END("STOP")),
	"finish[stop] raw[STOP] in=1 out=5 thought=3 events=2 ended"},
	{"thoughts alone", TEXT(USAGE("\"promptTokenCount\":1,\"thoughtsTokenCount\":3,\"totalTokenCount\":4") END("MAX_TOKENS")),
	"finish[length] raw[MAX_TOKENS] in=1 out=3 thought=3 events=2 ended"},
	{"thoughts that are counted already", TEXT(USAGE("\"promptTokenCount\":1,\"candidatesTokenCount\":5,\"thoughtsTokenCount\":3,\"totalTokenCount\":6") END("STOP")),
	"finish[stop] raw[STOP] in=1 out=5 thought=3 events=2 ended"},
	{"what tools brought is input", TEXT(USAGE("\"promptTokenCount\":1,\"toolUsePromptTokenCount\":10,\"candidatesTokenCount\":2,\"thoughtsTokenCount\":3,\"totalTokenCount\":16") END("STOP")),
	"finish[stop] raw[STOP] in=11 out=5 thought=3 events=2 ended"},
	{"absurd usage", TEXT(USAGE("\"promptTokenCount\":9223372036854775807,\"toolUsePromptTokenCount\":1,\"candidatesTokenCount\":9223372036854775807,\"thoughtsTokenCount\":5,\"totalTokenCount\":\"x\"") END("STOP")),
	"finish[stop] raw[STOP] in=1000000002 out=1000000006 thought=5 events=2 ended"},
	{"more from the cache than there was", TEXT(USAGE("\"promptTokenCount\":3,\"cachedContentTokenCount\":4,\"candidatesTokenCount\":5") END("STOP")),
	"finish[stop] raw[STOP] in=3 cached=3 out=5 events=2 ended"},
	{"filtered", TEXT(SAY("a") END("SAFETY")), "text[a] finish[content_filter] raw[SAFETY] events=2 ended"},
	{"known by heart", TEXT(SAY("a") END("RECITATION")), "text[a] finish[content_filter] raw[RECITATION] events=2 ended"},
	{"another reason", TEXT(SAY("a") END("OTHER")), "text[a] finish[other] raw[OTHER] events=2 ended"},
	{"a blocked prompt", TEXT("data: {\"promptFeedback\":{\"blockReason\":\"OTHER\",\"safetyRatings\":[]},\"usageMetadata\":{\"promptTokenCount\":4,\"totalTokenCount\":4},\"modelVersion\":\"g\"}\n\n"),
	"finish[content_filter] raw[OTHER] in=4 model[g] events=1 ended"},
	{"feedback that blocks nothing", TEXT("data: {\"promptFeedback\":{\"safetyRatings\":[]}}\n\n" SAY("a") END("STOP")),
	"text[a] finish[stop] raw[STOP] events=3 ended"},
	{"a tool", TEXT(CHUNK("{\"functionCall\":{\"name\":\"f\",\"args\":{\"text\":\"no\"}}}", "") END("STOP")),
	"finish[tool_calls] raw[STOP] events=2 ended"},
	{"other candidates are ignored", TEXT("data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"yes\"}]}},{\"content\":{\"parts\":[{\"text\":\"no\"}]},\"finishReason\":\"STOP\"}]}\n\n"),
	"text[yes] events=1 cut"},
	{"unknown events and members", TEXT("event: x\ndata: {\"y\":[1,{\"z\":null}]}\n\n: ping\n\n" SAY("a") END("STOP")),
	"text[a] finish[stop] raw[STOP] events=3 ended"},
	{"what text cannot hold", TEXT(SAY("a\\u0000b\\ud800c\xFF" "d\xC3") END("STOP")),
	"text[a" R "b" R "c" R "d" R "] finish[stop] raw[STOP] replaced=4 events=2 ended"},
	{"a think section and progress", TEXT(SAY("<think>Hm</think>[[progress]] o") SAY("ne\\nHi") END("STOP")),
	"text[Hi] reasoning[Hm] progress[one\n] finish[stop] raw[STOP] events=3 ended", NULL, true},

	{"an error inside the stream", TEXT(SAY("a") "data: {\"error\":{\"code\":503,\"message\":\"m\",\"status\":\"UNAVAILABLE\"}}\n\n"),
	"text[a] events=2 error[overloaded retry 503/UNAVAILABLE: m] cut"},
	{"an error without a code", TEXT("data: {\"error\":{\"message\":\"m\",\"status\":\"RESOURCE_EXHAUSTED\"}}\n\n"),
	"events=1 error[rate_limited retry RESOURCE_EXHAUSTED: m] cut"},
	{"a deadline", TEXT("data: {\"error\":{\"message\":\"m\",\"status\":\"DEADLINE_EXCEEDED\"}}\n\n"),
	"events=1 error[timeout retry DEADLINE_EXCEEDED: m] cut"},
	{"a bad argument", TEXT("data: {\"error\":{\"message\":\"m\",\"status\":\"INVALID_ARGUMENT\"}}\n\n"),
	"events=1 error[bad_request INVALID_ARGUMENT: m] cut"},

	{"a document", TEXT("{\"candidates\":[{\"content\":{\"parts\":[" THOUGHT("Hm") "," PART("Hi") "]},\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":1,\"candidatesTokenCount\":2}}"),
	"text[Hi] reasoning[Hm] finish[stop] raw[STOP] in=1 out=2 events=1 ended", "application/json"},
	{"an array of responses", TEXT("[{\"candidates\":[{\"content\":{\"parts\":[" THOUGHT("Hm") "]}}]}\n,\n{\"candidates\":[{\"content\":{\"parts\":[" PART("He") "]}}]},"
		"{\"candidates\":[{\"content\":{\"parts\":[" PART("y") "]},\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":1,\"candidatesTokenCount\":2}}]"),
	"text[Hey] reasoning[Hm] finish[stop] raw[STOP] in=1 out=2 events=1 ended", "application/json"},
	{"an array with an error", TEXT("[{\"error\":{\"code\":429,\"message\":\"m\",\"status\":\"RESOURCE_EXHAUSTED\"}}]"),
	"events=1 error[rate_limited retry 429/RESOURCE_EXHAUSTED: m] cut", "application/json"},
	{"a document without an answer", TEXT("{\"candidates\":[]}"), "events=1 cut", "application/json"},
	{"a cut document", TEXT("[{\"candidates\":[{\"content\":{\"parts\":[" PART("Hi") "]}"), "bad=1 cut", "application/json"},
};

#define ERROR(code, status)	"{\"error\":{\"code\":" #code ",\"message\":\"m\",\"status\":\"" status "\"}}"

static const ErrorCase errors[] = {
	{"400", 400, ERROR(400, "INVALID_ARGUMENT"), "bad_request 400/INVALID_ARGUMENT: m"},
	{"400 for a bad key", 400, "{\"error\":{\"code\":400,\"message\":\"m\",\"status\":\"INVALID_ARGUMENT\",\"details\":[{\"@type\":"
	"\"type.googleapis.com/google.rpc.ErrorInfo\",\"reason\":\"API_KEY_INVALID\"}]}}", "authentication 400/INVALID_ARGUMENT: m"},
	{"403", 403, ERROR(403, "PERMISSION_DENIED"), "permission 403/PERMISSION_DENIED: m"},
	{"404", 404, ERROR(404, "NOT_FOUND"), "not_found 404/NOT_FOUND: m"},
	{"429", 429, ERROR(429, "RESOURCE_EXHAUSTED"), "rate_limited retry 429/RESOURCE_EXHAUSTED: m"},
	{"500", 500, ERROR(500, "INTERNAL"), "overloaded retry 500/INTERNAL: m"},
	{"503", 503, ERROR(503, "UNAVAILABLE"), "overloaded retry 503/UNAVAILABLE: m"},
	{"504", 504, ERROR(504, "DEADLINE_EXCEEDED"), "overloaded retry 504/DEADLINE_EXCEEDED: m"},
};

/* When to try again stands in the body; a header knows better. */
static void
test_retry_info(void)
{
	static const char body[] = "{\"error\":{\"code\":429,\"message\":\"m\",\"status\":\"RESOURCE_EXHAUSTED\",\"details\":["
		"{\"@type\":\"type.googleapis.com/google.rpc.Help\"},"
		"{\"@type\":\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":\"34.5s\"}]}}";
	HttpHead	head;
	ProviderError error;

	http_head_init(&head);
	head.status = 429;
	provider_gemini.read_error(&head, body, strlen(body), &error);
	is_int(error.retry_after_ms, 34500, "the body says when to try again");
	head.retry_after_ms = 7;
	provider_gemini.read_error(&head, body, strlen(body), &error);
	is_int(error.retry_after_ms, 7, "the header says it better");
}

int
main(void)
{
	ModelRequest request = {.base_url = "https://h", .deployment = "m", .user_prompt = "hi", .api_key = "k-1"};

	run_requests(&provider_gemini, "https://h", requests, lengthof(requests));
	check_headers(&provider_gemini, &request,
				  "Content-Type: application/json; Accept: text/event-stream; x-goog-api-key: k-1", "the headers");
	run_streams(&provider_gemini, streams, lengthof(streams));
	check_overflow(&provider_gemini, SAY("0123456789012345678901234567890123456789012345678901234567890123456789"), NULL,
				   OVERFLOW_ERROR, "an event over the limit");
	run_errors(&provider_gemini, errors, lengthof(errors));
	test_retry_info();
	return unit_done();
}
