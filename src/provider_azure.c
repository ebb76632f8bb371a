/*
 * provider_azure.c
 *		Azure OpenAI: Chat Completions behind Azure's URLs and its own header for
 *		the key.
 *
 * The server's VERSION chooses between two forms of URL.  A date such as
 * 2024-10-21 is the api-version of the classic form, in which the deployment
 * stands in the path; 'v1' or no VERSION is the form that looks like OpenAI's.
 * The body names the deployment in both, as OpenAI's own library does.
 *
 * The stream needs no code of its own: the first chunk has no choices but
 * prompt_filter_results, which the decoder skips, a blocked answer ends with
 * content_filter, and a blocked prompt is an error with that code.
 */
#include "provider.h"

#include <string.h>

#include "provider_openai.h"

static bool
is_v1(const char *version)
{
	return version == NULL || version[0] == '\0' || strcmp(version, "v1") == 0;
}

static bool
write_classic_url(const ModelRequest *request, Buf *url)
{
	Buf			path;
	Buf			query;
	bool		good;

	buf_init(&path, 0);
	buf_init(&query, 0);
	buf_puts(&path, "deployments/");
	provider_url_text(&path, request->deployment);
	buf_puts(&path, "/chat/completions");
	buf_puts(&query, "api-version=");
	provider_url_text(&query, request->api_version);
	good = !path.failed && !query.failed &&
		provider_url(url, request->base_url, "openai", path.data, query.data);
	buf_free(&path);
	buf_free(&query);
	return good;
}

static bool
write_url(const ModelRequest *request, Buf *url)
{
	if (is_v1(request->api_version))
		return provider_url(url, request->base_url, "openai/v1", "chat/completions", NULL);
	return write_classic_url(request, url);
}

static void
write_members(BodyWriter *writer, const ModelRequest *request)
{
	openai_write_members(writer, request, &strict_first);
}

static bool
azure_build_request(const ModelRequest *request, RequestParts *parts, const char **error)
{
	RequestRules rules = openai_request_rules;

	rules.key_header = "api-key";
	rules.key_prefix = "";
	rules.write_url = write_url;
	rules.write_members = write_members;
	return openai_build(&rules, request, parts, error);
}

const Provider provider_azure_openai = {
	.type = "azure_openai",
	.takes_schema = provider_is_object_schema,
	.build_request = azure_build_request,
	.feed = openai_feed,
	.finish = openai_finish,
	.read_error = provider_read_error,
	.free_state = openai_free_state,
};
