/*
 * options.h
 *		The options of servers and user mappings: which there are, what they hold.
 */
#ifndef AS_OPTIONS_H
#define AS_OPTIONS_H

#include "postgres.h"

#include "nodes/pg_list.h"

#include "endpoint.h"

#define OPTION_API_KEY			"api_key"
#define OPTION_API_KEY_ENV		"api_key_env"
#define OPTION_API_KEY_FILE		"api_key_file"

/*
 * Fills the endpoint's settings from a server's options, with the GUCs for what
 * the options leave open. The validator has checked them; an unknown option is
 * ignored here.
 */
extern void endpoint_read_options(List *options, Endpoint *endpoint);

#endif							/* AS_OPTIONS_H */
