/*
 * agent_studio.h
 *		What every PostgreSQL-side file of the library needs: settings and names.
 */
#ifndef AGENT_STUDIO_H
#define AGENT_STUDIO_H

#include "postgres.h"

#define AS_VERSION			"1.0.0"
#define AS_LIBRARY			"agent_studio"
#define AS_EXTENSION		"agent_studio"
#define AS_WRAPPER			"agent_studio"

/* Settings; agent_studio.c says what each does. */
extern char *as_databases;
extern int	as_max_in_flight;
extern int	as_max_host_connections;
extern int	as_poll_interval_ms;
extern int	as_thought_interval_ms;
extern int	as_roll_up_interval_ms;
extern int	as_retry_delay_ms;
extern int	as_retry_max_delay_ms;
extern int	as_connect_timeout_ms;
extern int	as_first_byte_timeout_ms;
extern int	as_idle_timeout_ms;
extern int	as_max_output_kb;
extern int	as_max_memory_kb;
extern int	as_result_commit;
extern int	as_minute_ms;
extern bool as_notify;
extern bool as_verbose;
extern double as_success_target_percent;
extern int	as_duration_target_s;
extern int	as_retention_days;
extern int	as_history_retention_days;
extern char *as_ca_file;

typedef enum ResultCommit
{
	RESULT_COMMIT_LOCAL,		/* on this server's disk */
	RESULT_COMMIT_REMOTE		/* as synchronous_commit and standbys demand */
} ResultCommit;

#endif							/* AGENT_STUDIO_H */
