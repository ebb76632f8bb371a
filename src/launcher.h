/*
 * launcher.h
 *		The static worker that keeps one executor alive in each database.
 */
#ifndef AS_LAUNCHER_H
#define AS_LAUNCHER_H

#include "postgres.h"

extern void as_launcher_register(void);

/* Whether agent_studio.databases names this database. */
extern bool as_database_is_listed(const char *name);

extern PGDLLEXPORT void agent_studio_launcher_main(Datum arg);

#endif							/* AS_LAUNCHER_H */
