/*
 * endpoint.c
 *		From a server's name and a role to a URL, its settings, and a key.
 *
 * An endpoint, its URL and its key are one privileged object. The key is read
 * when a request is about to be built, from the owner's user mapping or else
 * PUBLIC's, is sent to that server's URL only, and is wiped right after. It
 * never reaches a table, a log, an error message or a function's argument.
 */
#include "postgres.h"

#include <sys/stat.h>
#include <unistd.h>

#include "catalog/pg_foreign_server.h"
#include "catalog/pg_user_mapping.h"
#include "commands/defrem.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

#include "access/htup_details.h"
#include "access/reloptions.h"

#include "agent_studio.h"
#include "compat.h"
#include "endpoint.h"
#include "guard.h"
#include "options.h"

#define MAX_KEY_FILE	8192
#define AS_OPERATOR_ROLE	"agent_studio_operator"

static bool
fail(EndpointProblem *problem, ErrorClass error_class, const char *hint, const char *message)
{
	problem->error_class = error_class;
	problem->hint = hint;
	strlcpy(problem->message, message, sizeof(problem->message));
	return false;
}

static ForeignServer *
find_server(const char *name, EndpointProblem *problem)
{
	ForeignServer *server = GetForeignServerByName(name, true);

	if (server == NULL)
		fail(problem, ERROR_CLASS_NOT_FOUND,
			 "Create the server again, or let the model use another one with as_update_model.",
			 psprintf("server \"%s\" does not exist", name));
	else if (strcmp(GetForeignDataWrapper(server->fdwid)->fdwname, AS_WRAPPER) != 0)
	{
		/* Another wrapper's options went through no check of ours. */
		fail(problem, ERROR_CLASS_PERMISSION,
			 "Endpoints are servers of FOREIGN DATA WRAPPER agent_studio.",
			 psprintf("server \"%s\" is not an endpoint", name));
		return NULL;
	}
	return server;
}

/* Options of the role's user mapping, or else of PUBLIC's; NIL if there is none. */
static List *
mapping_options(Oid serverid, Oid roleid)
{
	HeapTuple	tuple;
	Datum		datum;
	bool		isnull;
	List	   *options = NIL;

	tuple = SearchSysCache2(USERMAPPINGUSERSERVER, ObjectIdGetDatum(roleid), ObjectIdGetDatum(serverid));
	if (!HeapTupleIsValid(tuple))
		tuple = SearchSysCache2(USERMAPPINGUSERSERVER, ObjectIdGetDatum(InvalidOid), ObjectIdGetDatum(serverid));
	if (!HeapTupleIsValid(tuple))
		return NIL;
	datum = SysCacheGetAttr(USERMAPPINGUSERSERVER, tuple, Anum_pg_user_mapping_umoptions, &isnull);
	if (!isnull)
		options = untransformRelOptions(datum);
	ReleaseSysCache(tuple);
	return options;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/*
 * A key is one line of printable characters; space around it is trimmed. Of
 * anything else no part is sent: half a key is not what anybody meant.
 */
static char *
clean_key(const char *text, size_t len)
{
	while (len > 0 && is_space(text[len - 1]))
		len--;
	for (; len > 0 && is_space(*text); text++)
		len--;
	for (size_t i = 0; i < len; i++)
	{
		if ((unsigned char) text[i] <= ' ' || (unsigned char) text[i] == 0x7f)
			return NULL;
	}
	return len > 0 ? pnstrdup(text, len) : NULL;
}

static char *
read_key_file(const char *path)
{
	char		content[MAX_KEY_FILE + 1];
	int			fd = OpenTransientFile(path, O_RDONLY | O_NONBLOCK | PG_BINARY);
	struct stat status;
	ssize_t		len;
	char	   *key = NULL;

	if (fd < 0)
		return NULL;
	/* A pipe could be waited for; only a file can be read. */
	len = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) ? read(fd, content, sizeof(content)) : -1;
	CloseTransientFile(fd);
	if (len > 0 && len <= MAX_KEY_FILE)
		key = clean_key(content, (size_t) len);
	explicit_bzero(content, sizeof(content));
	return key;
}

static char *
key_of_option(const DefElem *option)
{
	const char *value = defGetString((DefElem *) option);

	if (strcmp(option->defname, OPTION_API_KEY_FILE) == 0)
		return read_key_file(value);
	if (strcmp(option->defname, OPTION_API_KEY_ENV) == 0)
		value = getenv(value);
	return value ? clean_key(value, strlen(value)) : NULL;
}

static bool
resolve_key(List *options, Endpoint *endpoint, EndpointProblem *problem)
{
	ListCell   *lc;

	foreach(lc, options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		endpoint->api_key = key_of_option(option);
		if (endpoint->api_key == NULL)
			return fail(problem, ERROR_CLASS_AUTHENTICATION,
						"The server's operating system user must be able to read it; it holds one line.",
						psprintf("the user mapping's %s gives no key", option->defname));
	}
	return true;
}

static bool
may_use(const ForeignServer *server, const char *role, Oid *roleid, EndpointProblem *problem)
{
	*roleid = get_role_oid(role, true);
	if (!OidIsValid(*roleid))
		return fail(problem, ERROR_CLASS_PERMISSION,
					"Create the role again, and submit the task again.",
					psprintf("role \"%s\" does not exist", role));
	if (compat_server_aclcheck(server->serverid, *roleid) != ACLCHECK_OK)
		return fail(problem, ERROR_CLASS_PERMISSION,
					"The server's owner can allow it with GRANT USAGE ON FOREIGN SERVER.",
					psprintf("role \"%s\" has no USAGE on server \"%s\"", role, server->servername));
	return true;
}

static bool
check_url(const ForeignServer *server, const Endpoint *endpoint, EndpointProblem *problem)
{
	const char *wrong;

	if (endpoint->url == NULL)
		return fail(problem, ERROR_CLASS_BAD_REQUEST, "ALTER SERVER ... OPTIONS (ADD url 'https://...').",
					psprintf("server \"%s\" has no url", server->servername));
	wrong = guard_url(endpoint->url, endpoint->allow_http, endpoint->allow_private);
	if (wrong != NULL)
		return fail(problem, ERROR_CLASS_BAD_REQUEST, "ALTER SERVER ... OPTIONS (SET url 'https://...').",
					psprintf("the url of server \"%s\" cannot be used: it %s", server->servername, wrong));
	return true;
}

bool
endpoint_resolve(const char *server_name, const char *role, Endpoint *endpoint, EndpointProblem *problem)
{
	ForeignServer *server;
	Oid			roleid;

	memset(endpoint, 0, sizeof(Endpoint));
	memset(problem, 0, sizeof(EndpointProblem));
	server = find_server(server_name, problem);
	if (server == NULL || !may_use(server, role, &roleid, problem))
		return false;

	endpoint->provider = server->servertype ? provider_find(server->servertype) : NULL;
	if (endpoint->provider == NULL)
		return fail(problem, ERROR_CLASS_BAD_REQUEST, "Drop the server and create it with TYPE 'openai'.",
					psprintf("server \"%s\" has a type that this version does not speak to", server_name));
	endpoint->version = server->serverversion;
	endpoint_read_options(server->options, endpoint);
	if (!check_url(server, endpoint, problem))
		return false;
	return resolve_key(mapping_options(server->serverid, roleid), endpoint, problem);
}

void
endpoint_wipe(Endpoint *endpoint)
{
	if (endpoint->api_key != NULL)
		explicit_bzero(endpoint->api_key, strlen(endpoint->api_key));
	endpoint->api_key = NULL;
}

/*
 * Whether a role's key can be read is that role's affair, of those who have its
 * rights, and of operators.
 */
static void
require_right_to_look(const char *role)
{
	Oid			roleid = get_role_oid(role, true);
	Oid			operators = get_role_oid(AS_OPERATOR_ROLE, true);

	if (!OidIsValid(roleid) || has_privs_of_role(GetUserId(), roleid) ||
		(OidIsValid(operators) && has_privs_of_role(GetUserId(), operators)))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to look at the endpoints of role \"%s\"", role),
			 errhint("Ask for a role of your own; members of %s may ask for any.", AS_OPERATOR_ROLE)));
}

PG_FUNCTION_INFO_V1(agent_studio_endpoint_problem);
Datum
agent_studio_endpoint_problem(PG_FUNCTION_ARGS)
{
	char	   *server = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char	   *role = text_to_cstring(PG_GETARG_TEXT_PP(1));
	Endpoint	endpoint;
	EndpointProblem problem;

	require_right_to_look(role);
	if (endpoint_resolve(server, role, &endpoint, &problem))
	{
		endpoint_wipe(&endpoint);
		PG_RETURN_NULL();
	}
	PG_RETURN_TEXT_P(cstring_to_text(problem.message));
}
