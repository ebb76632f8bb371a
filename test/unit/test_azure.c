/*
 * test_azure.c
 *		Azure OpenAI: its two forms of URL, its key, and where its streams and
 *		errors differ from OpenAI's.
 */
#include "provider_cases.h"

#define BODY_START	"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]," \
	"\"stream\":true,\"stream_options\":{\"include_usage\":true}"
#define V1_URL			"https://r.openai.azure.com/openai/v1/chat/completions"
#define CLASSIC_URL(deployment, version) \
	"https://r.openai.azure.com/openai/deployments/" deployment "/chat/completions?" version

static const RequestCase requests[] = {
	{"no version", {0}, BODY_START "}", V1_URL},
	{"an empty version", {.api_version = ""}, BODY_START "}", V1_URL},
	{"v1", {.api_version = "v1"}, BODY_START "}", V1_URL},
	{"v1 with a URL that says so already", {.base_url = "https://r.openai.azure.com/openai/v1/"}, BODY_START "}", V1_URL},
	{"v1 with a URL that says half of it", {.base_url = "https://r.openai.azure.com/openai"}, BODY_START "}", V1_URL},
	{"a host of that name", {.base_url = "https://openai"}, BODY_START "}", "https://openai/openai/v1/chat/completions"},
	{"a path that only ends alike", {.base_url = "https://h/myopenai"}, BODY_START "}", "https://h/myopenai/openai/v1/chat/completions"},
	{"classic", {.api_version = "2024-10-21"}, BODY_START "}", CLASSIC_URL("m", "api-version=2024-10-21")},
	{"classic with a URL that says so already", {.base_url = "https://r.openai.azure.com/openai", .api_version = "2024-10-21"},
	BODY_START "}", CLASSIC_URL("m", "api-version=2024-10-21")},
	{"classic behind a gateway with a query", {.base_url = "https://r.openai.azure.com/?a=b", .api_version = "2024-10-21"},
	BODY_START "}", CLASSIC_URL("m", "api-version=2024-10-21&a=b")},
	{"names that a URL cannot hold", {.deployment = "a/b ?\xC3\xA4", .api_version = "1&x=#"}, "{\"model\":\"a/b ?\xC3\xA4\","
		"\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"stream\":true,\"stream_options\":{\"include_usage\":true}}",
	CLASSIC_URL("a%2Fb%20%3F%C3%A4", "api-version=1%26x%3D%23")},
	{"what was set", {.system_prompt = "s", .temperature = "0.5", .top_p = "0.9", .max_output_tokens = 5,
		.extra_body = "{\"reasoning_effort\":\"low\"}"},
		"{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"content\":\"hi\"}],"
		"\"stream\":true,\"stream_options\":{\"include_usage\":true},\"temperature\":0.5,\"top_p\":0.9,"
	"\"max_completion_tokens\":5,\"reasoning_effort\":\"low\"}"},
	{"a schema", {.json_schema = "{\"type\":\"object\"}", .schema_name = "design"},
		BODY_START ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":"
	"{\"name\":\"design\",\"schema\":{\"type\":\"object\"},\"strict\":false}}}"},
	{"a schema that can be kept strictly", {.json_schema = CLOSED_SCHEMA, .schema_name = "n"},
		BODY_START ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\",\"schema\":" CLOSED_SCHEMA ",\"strict\":true}}}"},
	{"a schema with a bound", {.json_schema = BOUNDED_SCHEMA, .schema_name = "n"},
		BODY_START ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\",\"schema\":" BOUNDED_SCHEMA ",\"strict\":false}}}"},
	{"no deployment", {.deployment = ""}, NULL},
	{"a limit with the name of another", {.max_tokens_parameter = "model"}, NULL},
	{"a key with a line end", {.api_key = "k\r\nX: y"}, NULL},
};

static const StreamCase streams[] = {
	{"an answer that begins with what the filters found",
		TEXT("data: {\"choices\":[],\"created\":0,\"id\":\"\",\"model\":\"\",\"object\":\"\",\"prompt_filter_results\":"
			 "[{\"prompt_index\":0,\"content_filter_results\":{\"hate\":{\"filtered\":false,\"severity\":\"safe\"}}}]}\n\n"
			 "data: {\"choices\":[{\"content_filter_results\":{},\"delta\":{\"content\":\"\",\"refusal\":null,\"role\":\"assistant\"},"
			 "\"finish_reason\":null,\"index\":0,\"logprobs\":null}],\"id\":\"c-1\",\"model\":\"gpt-x\"}\n\n"
			 "data: {\"choices\":[{\"content_filter_results\":{\"hate\":{\"filtered\":false}},\"delta\":{\"content\":\"Hello\"},"
			 "\"finish_reason\":null,\"index\":0}]}\n\n"
			 "data: {\"choices\":[{\"content_filter_offsets\":{\"check_offset\":1},\"content_filter_result\":{\"error\":"
			 "{\"code\":\"content_filter_error\",\"message\":\"The contents are not filtered\"}},\"delta\":{},"
			 "\"finish_reason\":\"stop\",\"index\":0}]}\n\n"
			 "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":12,\"total_tokens\":21,"
			 "\"prompt_tokens_details\":{\"cached_tokens\":4},\"completion_tokens_details\":{\"reasoning_tokens\":7}}}\n\n"
			 "data: [DONE]\n\n"),
	"text[Hello] finish[stop] in=9 cached=4 out=12 thought=7 model[gpt-x] id[c-1] events=5 ended"},
	{"an answer that was blocked",
		TEXT("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"He\"}}]}\n\n"
			 "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"content_filter\","
			 "\"content_filter_results\":{\"violence\":{\"filtered\":true,\"severity\":\"high\"}}}]}\n\ndata: [DONE]\n\n"),
	"text[He] finish[content_filter] events=2 ended"},
	{"a blocked prompt inside the stream",
		TEXT("data: {\"error\":{\"message\":\"m\",\"type\":null,\"param\":\"prompt\",\"code\":\"content_filter\",\"status\":400,"
			 "\"innererror\":{\"code\":\"ResponsibleAIPolicyViolation\",\"content_filter_result\":{\"hate\":{\"filtered\":true}}}}}\n\n"),
	"events=1 error[content_filter content_filter: m] cut"},
	{"cut", TEXT("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"He\"}}]}\n\n"), "text[He] events=1 cut"},
	{"one document",
		TEXT("{\"id\":\"c\",\"model\":\"m\",\"prompt_filter_results\":[{\"prompt_index\":0}],\"choices\":[{\"index\":0,"
			 "\"content_filter_results\":{},\"message\":{\"role\":\"assistant\",\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}"),
	"text[Hi] finish[stop] model[m] id[c] events=1 ended", "application/json"},
};

static const ErrorCase errors[] = {
	{"a blocked prompt", 400, "{\"error\":{\"message\":\"m\",\"type\":null,\"param\":\"prompt\",\"code\":\"content_filter\","
		"\"status\":400,\"innererror\":{\"code\":\"ResponsibleAIPolicyViolation\",\"content_filter_result\":{}}}}",
	"content_filter content_filter: m"},
	{"a blocked prompt by its inner error alone", 400, "{\"error\":{\"message\":\"m\",\"code\":null,"
	"\"innererror\":{\"code\":\"ResponsibleAIPolicyViolation\"}}}", "content_filter : m"},
	{"a bad key", 401, "{\"error\":{\"code\":\"401\",\"message\":\"m\"}}", "authentication 401: m"},
	{"a bad key at the gateway", 401, "{ \"statusCode\": 401, \"message\": \"m\" }", "authentication : m"},
	{"no such deployment", 404, "{\"error\":{\"code\":\"DeploymentNotFound\",\"message\":\"m\"}}", "not_found DeploymentNotFound: m"},
	{"too many requests", 429, "{\"error\":{\"code\":\"429\",\"message\":\"m\"}}", "rate_limited retry 429: m"},
	{"no capacity", 503, "{\"error\":{\"code\":\"ServiceUnavailable\",\"message\":\"m\"}}", "overloaded retry ServiceUnavailable: m"},
	{"an internal error", 500, "{\"error\":{\"code\":\"InternalServerError\",\"message\":\"m\"}}", "overloaded retry InternalServerError: m"},
};

int
main(void)
{
	ModelRequest request = {.base_url = "https://h", .deployment = "m", .user_prompt = "hi", .api_key = "k-1"};

	run_requests(&provider_azure_openai, "https://r.openai.azure.com", requests, lengthof(requests));
	check_headers(&provider_azure_openai, &request,
				  "Content-Type: application/json; Accept: text/event-stream; api-key: k-1", "the headers");
	run_streams(&provider_azure_openai, streams, lengthof(streams));
	run_errors(&provider_azure_openai, errors, lengthof(errors));
	return unit_done();
}
