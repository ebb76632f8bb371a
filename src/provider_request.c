/*
 * provider_request.c
 *		How requests are written: the URL, the headers, the JSON body.
 *
 * A vendor's RequestRules say what differs; everything that could go wrong in
 * the same way with each of them is looked at here.
 */
#include "provider.h"

#include <string.h>

#include "provider_common.h"

#define MAX_SCHEMA_NAME	64
#define DEFAULT_SCHEMA_NAME	"output"

/* ---- the URL ---- */

/* Where the path begins in a URL of that length, which may have none. */
static size_t
path_start(const char *url, size_t len)
{
	const char *host = strstr(url, "://");
	size_t		start = host != NULL ? (size_t) (host - url) + 3 : 0;

	while (start < len && url[start] != '/')
		start++;
	return start;
}

/* How much of the prefix, in whole segments, the base's path ends with. */
static size_t
prefix_overlap(const char *base_url, size_t len, const char *prefix)
{
	size_t		path_len = len - path_start(base_url, len);
	size_t		overlap = strlen(prefix);

	while (overlap > 0)
	{
		if (path_len > overlap && base_url[len - overlap - 1] == '/' &&
			memcmp(base_url + len - overlap, prefix, overlap) == 0)
			return overlap;
		do
			overlap--;
		while (overlap > 0 && prefix[overlap] != '/');
	}
	return 0;
}

/* What of the prefix is missing in the base, and a slash. */
static void
write_prefix(Buf *url, const char *base_url, size_t len, const char *prefix)
{
	size_t		overlap = prefix_overlap(base_url, len, prefix);

	if (prefix[overlap] != '\0')
		buf_printf(url, "%s/", prefix + overlap + (prefix[overlap] == '/'));
}

bool
provider_url(Buf *url, const char *base_url, const char *prefix, const char *path,
			 const char *query)
{
	size_t		len = strcspn(base_url, "?");
	const char *base_query = base_url + len;

	while (len > 0 && base_url[len - 1] == '/')
		len--;
	buf_append(url, base_url, len);
	buf_putc(url, '/');
	if (prefix != NULL)
		write_prefix(url, base_url, len, prefix);
	buf_puts(url, path);
	if (query != NULL)
		buf_printf(url, "?%s%s", query, *base_query ? "&" : "");
	else if (*base_query)
		buf_putc(url, '?');
	return buf_puts(url, *base_query ? base_query + 1 : "");
}

void
provider_url_text(Buf *url, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789-._~";

	for (; *text; text++)
	{
		if (strchr(plain, *text) != NULL)
			buf_putc(url, *text);
		else
			buf_printf(url, "%%%02X", (unsigned char) *text);
	}
}

/* ---- numbers ---- */

static void
see_number(void *arg, const JsonValue *value)
{
	*(bool *) arg = value->kind == JSON_NUMBER && value->nindex == 0 &&
		value->path[0] == '\0';
}

bool
provider_is_number(const char *text)
{
	bool		is_number = false;

	return json_scan(text, strlen(text), see_number, &is_number, NULL, NULL) && is_number;
}

/* ---- the JSON body ---- */

typedef struct ExtraMember
{
	size_t		name;			/* offset in names */
	const char *raw;			/* slice of extra_body */
	size_t		raw_len;
	bool		joined;			/* a nested object has taken it in */
} ExtraMember;

static ExtraMember *
find_extra(const BodyWriter *writer, const char *name)
{
	ExtraMember *members = (ExtraMember *) writer->members.data;
	size_t		count = writer->members.len / sizeof(ExtraMember);
	size_t		i;

	for (i = 0; i < count; i++)
	{
		if (strcmp(writer->names.data + members[i].name, name) == 0)
			return &members[i];
	}
	return NULL;
}

/* The later of two members with the same name wins, as in jsonb. */
static void
take_extra(void *arg, const JsonMember *member)
{
	BodyWriter *writer = arg;
	ExtraMember *known = find_extra(writer, member->name);
	ExtraMember added;

	if (known != NULL)
	{
		known->raw = member->raw;
		known->raw_len = member->raw_len;
		return;
	}
	memset(&added, 0, sizeof(added));
	added.name = writer->names.len;
	added.raw = member->raw;
	added.raw_len = member->raw_len;
	if (buf_append(&writer->names, member->name, member->name_len + 1))
		buf_append(&writer->members, &added, sizeof(added));
}

/* False: extra is no JSON object.  The writer must be ended in any case. */
static bool
begin_object(BodyWriter *writer, Buf *body, const char *extra, size_t len)
{
	memset(writer, 0, sizeof(*writer));
	writer->body = body;
	writer->first = true;
	buf_putc(body, '{');
	if (extra == NULL)
		return true;
	return json_members(extra, len, take_extra, writer, NULL) &&
		!writer->names.failed && !writer->members.failed;
}

void
body_pinned_member(BodyWriter *writer, const char *name)
{
	if (!writer->first)
		buf_putc(writer->body, ',');
	writer->first = false;
	buf_json_string(writer->body, name, strlen(name));
	buf_putc(writer->body, ':');
}

bool
body_member(BodyWriter *writer, const char *name)
{
	if (find_extra(writer, name) != NULL)
		return false;
	body_pinned_member(writer, name);
	return true;
}

void
body_text(BodyWriter *writer, const char *name, const char *text)
{
	if (text != NULL && body_member(writer, name))
		buf_json_string(writer->body, text, strlen(text));
}

void
body_raw(BodyWriter *writer, const char *name, const char *json)
{
	if (json != NULL && body_member(writer, name))
		buf_puts(writer->body, json);
}

void
body_integer(BodyWriter *writer, const char *name, int64_t number)
{
	if (number > 0 && body_member(writer, name))
		buf_printf(writer->body, "%lld", (long long) number);
}

bool
body_has_extra(const BodyWriter *writer, const char *name, const char *raw)
{
	const ExtraMember *member = find_extra(writer, name);

	if (member == NULL || raw == NULL)
		return member != NULL;
	return member->raw_len == strlen(raw) && memcmp(member->raw, raw, member->raw_len) == 0;
}

bool
body_nested(BodyWriter *outer, const char *name, BodyWriter *inner)
{
	ExtraMember *member = find_extra(outer, name);

	if (member != NULL && (member->raw_len == 0 || member->raw[0] != '{'))
		return false;
	body_pinned_member(outer, name);
	if (member == NULL)
		return begin_object(inner, outer->body, NULL, 0);
	member->joined = true;
	begin_object(inner, outer->body, member->raw, member->raw_len);

	/* it was JSON as a part of extra_body, so only memory can have failed */
	if (inner->names.failed || inner->members.failed)
		outer->body->failed = true;
	return true;
}

static bool
is_one_of(const char *name, const char *const *names)
{
	for (; *names; names++)
	{
		if (strcmp(name, *names) == 0)
			return true;
	}
	return false;
}

void
body_end(BodyWriter *writer, const char *const *pinned)
{
	ExtraMember *members = (ExtraMember *) writer->members.data;
	size_t		count = writer->members.len / sizeof(ExtraMember);
	size_t		i;

	for (i = 0; i < count; i++)
	{
		const char *name = writer->names.data + members[i].name;

		if (members[i].joined || is_one_of(name, pinned))
			continue;
		body_pinned_member(writer, name);
		buf_append(writer->body, members[i].raw, members[i].raw_len);
	}
	buf_putc(writer->body, '}');
	buf_free(&writer->names);
	buf_free(&writer->members);
}

/* ---- what several vendors ask for in the same words ---- */

static bool
is_set(const char *text)
{
	return text != NULL && text[0] != '\0';
}

static void
write_message(Buf *body, const char *role, const char *content)
{
	buf_printf(body, "{\"role\":\"%s\",\"content\":", role);
	buf_json_string(body, content, strlen(content));
	buf_putc(body, '}');
}

void
body_messages(BodyWriter *writer, const ModelRequest *request)
{
	bool		has_system = is_set(request->system_prompt);

	body_pinned_member(writer, "messages");
	buf_putc(writer->body, '[');
	if (has_system)
		write_message(writer->body, "system", request->system_prompt);
	if (has_system && request->user_prompt != NULL)
		buf_putc(writer->body, ',');
	if (request->user_prompt != NULL)
		write_message(writer->body, "user", request->user_prompt);
	buf_putc(writer->body, ']');
}

void
body_schema_name(BodyWriter *writer, const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789_-";
	char		clean[MAX_SCHEMA_NAME + 1];
	size_t		len = 0;

	for (; is_set(name) && len < MAX_SCHEMA_NAME; name++)
		clean[len++] = strchr(allowed, *name) != NULL ? *name : '_';
	clean[len] = '\0';
	body_text(writer, "name", len > 0 ? clean : DEFAULT_SCHEMA_NAME);
}

/* ---- the whole of it ---- */

static void
ignore_member(void *arg, const JsonMember *member)
{
	(void) arg;
	(void) member;
}

static bool
is_object(const char *json)
{
	return json_members(json, strlen(json), ignore_member, NULL, NULL);
}

/* NULL if the request can be sent, else what is wrong with it. */
static const char *
request_fault(const RequestRules *rules, const ModelRequest *request)
{
	if (!is_set(request->base_url))
		return "the server has no URL";
	if (!is_set(request->deployment))
		return "the model has no name";
	if (request->user_prompt == NULL &&
		!(rules->system_alone && is_set(request->system_prompt)))
		return "there is no prompt";
	if (request->temperature != NULL && !provider_is_number(request->temperature))
		return "the temperature is not a JSON number";
	if (request->top_p != NULL && !provider_is_number(request->top_p))
		return "top_p is not a JSON number";
	if (request->json_schema != NULL && !is_object(request->json_schema))
		return "the JSON schema is not a JSON object";
	return NULL;
}

static bool
write_key(const RequestRules *rules, const char *key, RequestParts *parts)
{
	Buf			value;
	bool		good;

	if (!is_set(key))
		return true;
	buf_init(&value, 0);
	good = buf_printf(&value, "%s%s", rules->key_prefix, key) &&
		request_parts_header(parts, rules->key_header, value.data);
	if (value.data != NULL)
		explicit_bzero(value.data, value.cap);
	buf_free(&value);
	return good;
}

static bool
write_body(const RequestRules *rules, const ModelRequest *request, Buf *body)
{
	BodyWriter	writer;
	const char *extra = request->extra_body;
	bool		good = begin_object(&writer, body, extra, extra ? strlen(extra) : 0);

	if (good)
		rules->write_members(&writer, request);
	body_end(&writer, rules->pinned);
	return good;
}

bool
provider_build(const RequestRules *rules, const ModelRequest *request,
			   RequestParts *parts, const char **error)
{
	*error = request_fault(rules, request);
	if (*error == NULL &&
		(!request_parts_header(parts, "Content-Type", "application/json") ||
		 !request_parts_header(parts, "Accept", rules->accept)))
		*error = "out of memory";
	if (*error == NULL && !write_key(rules, request->api_key, parts))
		*error = "the API key holds characters that a header cannot carry";
	if (*error == NULL && !write_body(rules, request, &parts->body))
		*error = "extra_body is not a JSON object";
	if (*error == NULL && (!rules->write_url(request, &parts->url) || parts->body.failed))
		*error = "out of memory";
	return *error == NULL;
}
