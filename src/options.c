/*
 * options.c
 *		The options of servers and user mappings, and the wrapper's validator.
 *
 * PostgreSQL gives the validator the merged list of options, old and new. So an
 * option that only a superuser may set also locks the object: nobody else can
 * then change the URL next to allow_private, or trade one key file for another.
 */
#include "postgres.h"

#include "access/reloptions.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_type.h"
#include "catalog/pg_user_mapping.h"
#include "commands/defrem.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "agent_studio.h"
#include "compat.h"
#include "guard.h"
#include "options.h"
#include "suggest.h"

#define MAX_TYPES	32

typedef void (*OptionReader) (const DefElem *option, Endpoint *endpoint);

typedef struct Option
{
	const char *name;
	Oid			catalog;		/* of which kind of object */
	bool		superuser_only;
	OptionReader read;			/* NULL: nothing to read into an Endpoint */
} Option;

static int
seconds_to_ms(const DefElem *option)
{
	const char *text = defGetString((DefElem *) option);
	char	   *end;
	double		seconds = strtod(text, &end);

	if (end == text || *end != '\0' || !(seconds >= 0.001 && seconds <= 86400))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("option \"%s\" is not a number of seconds: \"%s\"", option->defname, text),
				 errhint("Give seconds from 0.001 to 86400, for example '30'.")));
	return (int) (seconds * 1000);
}

static void
read_url(const DefElem *option, Endpoint *endpoint)
{
	endpoint->url = defGetString((DefElem *) option);
}

static void
read_allow_http(const DefElem *option, Endpoint *endpoint)
{
	endpoint->allow_http = defGetBoolean((DefElem *) option);
}

static void
read_allow_private(const DefElem *option, Endpoint *endpoint)
{
	endpoint->allow_private = defGetBoolean((DefElem *) option);
}

static void
read_http_version(const DefElem *option, Endpoint *endpoint)
{
	const char *value = defGetString((DefElem *) option);

	if (strcmp(value, "1.1") != 0 && strcmp(value, "2") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("option \"http_version\" is \"%s\"", value),
				 errhint("Use '2' (where the server offers it; the default) or '1.1'.")));
	endpoint->http1_only = strcmp(value, "1.1") == 0;
}

static void
read_connect_timeout(const DefElem *option, Endpoint *endpoint)
{
	endpoint->connect_timeout_ms = seconds_to_ms(option);
}

static void
read_first_byte_timeout(const DefElem *option, Endpoint *endpoint)
{
	endpoint->first_byte_timeout_ms = seconds_to_ms(option);
}

static void
read_idle_timeout(const DefElem *option, Endpoint *endpoint)
{
	endpoint->idle_timeout_ms = seconds_to_ms(option);
}

static void
add_header(Endpoint *endpoint, char *name, char *value)
{
	const char *wrong = guard_header(name, value);

	if (wrong != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("header \"%s\" cannot be sent: it %s", name, wrong)));
	if (endpoint->nheaders == MAX_EXTRA_HEADERS)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("option \"headers\" has more than %d headers", MAX_EXTRA_HEADERS)));
	endpoint->header_names[endpoint->nheaders] = name;
	endpoint->header_values[endpoint->nheaders++] = value;
}

static void
refuse_headers(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
			 errmsg("option \"headers\" is not a JSON object of strings"),
			 errhint("For example '{\"OpenAI-Organization\": \"org-1\"}'.")));
}

static void
read_headers(const DefElem *option, Endpoint *endpoint)
{
	Jsonb	   *json = DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
														  CStringGetDatum(defGetString((DefElem *) option))));
	JsonbIterator *it = JsonbIteratorInit(&json->root);
	JsonbValue	item;
	char	   *name = NULL;

	if (JsonbIteratorNext(&it, &item, true) != WJB_BEGIN_OBJECT)
		refuse_headers();
	for (;;)
	{
		JsonbIteratorToken token = JsonbIteratorNext(&it, &item, true);

		if (token == WJB_END_OBJECT)
			break;
		if (item.type != jbvString)
			refuse_headers();
		if (token == WJB_KEY)
			name = pnstrdup(item.val.string.val, item.val.string.len);
		else
			add_header(endpoint, name, pnstrdup(item.val.string.val, item.val.string.len));
	}
}

static const Option known_options[] = {
	{"url", ForeignServerRelationId, false, read_url},
	{"allow_http", ForeignServerRelationId, true, read_allow_http},
	{"allow_private", ForeignServerRelationId, true, read_allow_private},
	{"http_version", ForeignServerRelationId, false, read_http_version},
	{"connect_timeout", ForeignServerRelationId, false, read_connect_timeout},
	{"first_byte_timeout", ForeignServerRelationId, false, read_first_byte_timeout},
	{"idle_timeout", ForeignServerRelationId, false, read_idle_timeout},
	{"headers", ForeignServerRelationId, false, read_headers},
	{OPTION_API_KEY, UserMappingRelationId, false, NULL},
	{OPTION_API_KEY_ENV, UserMappingRelationId, true, NULL},
	{OPTION_API_KEY_FILE, UserMappingRelationId, true, NULL},
};

static const Option *
find_known_option(const char *name, Oid catalog)
{
	for (size_t i = 0; i < lengthof(known_options); i++)
	{
		if (known_options[i].catalog == catalog && strcmp(known_options[i].name, name) == 0)
			return &known_options[i];
	}
	return NULL;
}

/* A key in CREATE SERVER, or a url in CREATE USER MAPPING. */
static void
refuse_misplaced_option(const char *name, Oid catalog)
{
	if (catalog == ForeignServerRelationId && find_known_option(name, UserMappingRelationId) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
				 errmsg("option \"%s\" belongs to a user mapping, not to a server", name),
				 errhint("CREATE USER MAPPING FOR PUBLIC SERVER name OPTIONS (%s '...').", name)));
	if (catalog == UserMappingRelationId && find_known_option(name, ForeignServerRelationId) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
				 errmsg("option \"%s\" belongs to a server, not to a user mapping", name),
				 errhint("ALTER SERVER name OPTIONS (SET %s '...').", name)));
}

pg_noreturn static void
refuse_option(const char *name, Oid catalog)
{
	StringInfoData good;
	const char *names[lengthof(known_options)];
	const char *near;
	int			n = 0;

	refuse_misplaced_option(name, catalog);
	initStringInfo(&good);
	for (size_t i = 0; i < lengthof(known_options); i++)
	{
		if (known_options[i].catalog != catalog)
			continue;
		names[n++] = known_options[i].name;
		appendStringInfo(&good, "%s%s", good.len ? ", " : "", known_options[i].name);
	}
	near = as_suggest(name, names, n);
	if (n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
				 errmsg("invalid option \"%s\"", name),
				 errhint("Only servers and user mappings of this wrapper have options.")));
	ereport(ERROR,
			(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
			 errmsg("invalid option \"%s\"", name),
			 near ? errhint("Perhaps you meant \"%s\". Valid options: %s.", near, good.data)
			 : errhint("Valid options: %s.", good.data)));
}

static void
check_option(const DefElem *option, Oid catalog, Endpoint *endpoint)
{
	const Option *known = find_known_option(option->defname, catalog);

	if (known == NULL)
		refuse_option(option->defname, catalog);
	if (known->superuser_only && !superuser())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("only a superuser may set option \"%s\", or change an object that has it", known->name),
				 errhint("Ask a superuser, or leave the option out.")));
	if (known->read != NULL)
		known->read(option, endpoint);
}

static void
check_server(const Endpoint *endpoint)
{
	const char *wrong;

	if (endpoint->url == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
				 errmsg("option \"url\" is required"),
				 errhint("For example OPTIONS (url 'https://api.openai.com/v1').")));
	wrong = guard_url(endpoint->url, endpoint->allow_http, endpoint->allow_private);
	if (wrong != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("the url cannot be used: it %s", wrong),
				 guard_url(endpoint->url, true, true) == NULL
				 ? errhint("A superuser can allow more for one server with the options allow_http and allow_private.")
				 : errhint("Give a base URL, for example 'https://api.openai.com/v1'.")));
}

static void
check_mapping(int noptions)
{
	if (noptions != 1)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
				 errmsg("a user mapping has exactly one of api_key, api_key_env, api_key_file"),
				 errhint("In production use api_key_file or api_key_env: what CREATE USER MAPPING says may be logged.")));
}

PG_FUNCTION_INFO_V1(agent_studio_validator);
Datum
agent_studio_validator(PG_FUNCTION_ARGS)
{
	List	   *options = untransformRelOptions(PG_GETARG_DATUM(0));
	Oid			catalog = PG_GETARG_OID(1);
	Endpoint	endpoint;
	ListCell   *lc;

	memset(&endpoint, 0, sizeof(endpoint));
	foreach(lc, options)
		check_option(lfirst_node(DefElem, lc), catalog, &endpoint);
	if (catalog == ForeignServerRelationId)
		check_server(&endpoint);
	else if (catalog == UserMappingRelationId)
		check_mapping(list_length(options));
	PG_RETURN_VOID();
}

void
endpoint_read_options(List *options, Endpoint *endpoint)
{
	ListCell   *lc;

	endpoint->connect_timeout_ms = as_connect_timeout_ms;
	endpoint->first_byte_timeout_ms = as_first_byte_timeout_ms;
	endpoint->idle_timeout_ms = as_idle_timeout_ms;
	foreach(lc, options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);
		const Option *known = find_known_option(option->defname, ForeignServerRelationId);

		if (known != NULL && known->read != NULL)
			known->read(option, endpoint);
	}
}

void
as_check_server_type(const char *type)
{
	StringInfoData good;
	const char *names[MAX_TYPES];
	const char *near;
	int			n = 0;

	if (type != NULL && provider_find(type) != NULL)
		return;
	initStringInfo(&good);
	for (; provider_types[n] != NULL && n < MAX_TYPES; n++)
	{
		names[n] = provider_types[n]->type;
		appendStringInfo(&good, "%s%s", n ? ", " : "", names[n]);
	}
	near = type ? as_suggest(type, names, n) : NULL;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 type ? errmsg("server type \"%s\" is not known", type) : errmsg("a server of wrapper agent_studio needs a type"),
			 near ? errhint("Perhaps you meant \"%s\". CREATE SERVER name TYPE '...' with one of: %s.", near, good.data)
			 : errhint("CREATE SERVER name TYPE '...' with one of: %s.", good.data)));
}

PG_FUNCTION_INFO_V1(agent_studio_server_types);
Datum
agent_studio_server_types(PG_FUNCTION_ARGS)
{
	Datum		types[MAX_TYPES];
	int			n = 0;

	for (; provider_types[n] != NULL && n < MAX_TYPES; n++)
		types[n] = CStringGetTextDatum(provider_types[n]->type);
	PG_RETURN_ARRAYTYPE_P(construct_array(types, n, TEXTOID, -1, false, TYPALIGN_INT));
}
