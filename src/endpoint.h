/*
 * endpoint.h
 *		Endpoints (foreign servers), their options, and the keys (user mappings).
 */
#ifndef AS_ENDPOINT_H
#define AS_ENDPOINT_H

#include "postgres.h"

#include "provider.h"

#define MAX_EXTRA_HEADERS 16

/* An endpoint as one role may call it. palloc'd in the caller's context. */
typedef struct Endpoint
{
	const Provider *provider;
	char	   *url;
	char	   *version;		/* the server's VERSION; NULL = none */
	char	   *api_key;		/* NULL = none; see endpoint_wipe */
	bool		allow_http;
	bool		allow_private;
	bool		http1_only;
	int			connect_timeout_ms;
	int			first_byte_timeout_ms;
	int			idle_timeout_ms;
	int			nheaders;
	char	   *header_names[MAX_EXTRA_HEADERS];
	char	   *header_values[MAX_EXTRA_HEADERS];
} Endpoint;

typedef struct EndpointProblem
{
	ErrorClass	error_class;	/* ERROR_CLASS_NONE: no problem */
	char		message[256];
	const char *hint;			/* static */
} EndpointProblem;

/*
 * Fills endpoint for a call of server in the name of role. On false, problem
 * says why not. Needs a transaction; throws only for lack of memory or a broken
 * catalog: names that are gone, missing rights and unreadable key files are
 * problems, not errors. Never puts a key, or what is in a key file, in words.
 */
extern bool endpoint_resolve(const char *server, const char *role, Endpoint *endpoint,
							 EndpointProblem *problem);

/* Overwrites the key. */
extern void endpoint_wipe(Endpoint *endpoint);

/* Raises 22023 with the list of types unless it is one of them. */
extern void as_check_server_type(const char *type);

#endif							/* AS_ENDPOINT_H */
