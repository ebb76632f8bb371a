/*
 * agent_studio.c
 *		Where the library is loaded: settings, shared memory, hooks, the launcher.
 *
 * Preloaded by the postmaster it does all of that. Loaded later, by a backend
 * that calls one of our functions, it can only define the settings: there is no
 * shared memory then, every function that needs it says so, and as_check() tells
 * how to mend it.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/guc.h"

#include "agent_studio.h"
#include "hooks.h"
#include "launcher.h"
#include "shmem.h"

PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);

char	   *as_databases = NULL;
int			as_max_in_flight = 1000;
int			as_max_host_connections = 1000;
int			as_poll_interval_ms = 5000;
int			as_thought_interval_ms = 250;
int			as_roll_up_interval_ms = 3600000;
double		as_success_target_percent = 95;
int			as_duration_target_s = 600;
int			as_retry_delay_ms = 5000;
int			as_retry_max_delay_ms = 300000;
int			as_connect_timeout_ms = 10000;
int			as_first_byte_timeout_ms = 0;
int			as_idle_timeout_ms = 120000;
int			as_max_output_kb = 16384;
int			as_max_memory_kb = 524288;
int			as_result_commit = RESULT_COMMIT_LOCAL;
int			as_minute_ms = 60000;
bool		as_notify = true;
bool		as_verbose = false;
char	   *as_ca_file = NULL;

static const struct config_enum_entry result_commit_options[] = {
	{"local", RESULT_COMMIT_LOCAL, false},
	{"remote", RESULT_COMMIT_REMOTE, false},
	{NULL, 0, false}
};

static void
define_milliseconds(const char *name, const char *short_text, const char *long_text,
					int *variable, int default_value, int low, int high)
{
	DefineCustomIntVariable(name, short_text, long_text, variable, default_value, low, high,
							PGC_SIGHUP, GUC_UNIT_MS, NULL, NULL, NULL);
}

static void
define_worker_settings(void)
{
	DefineCustomStringVariable("agent_studio.databases",
							   "Databases in which an executor runs if the extension is there.",
							   "Names separated by commas, or * for all. An empty value stops every executor.",
							   &as_databases, "*", PGC_SIGHUP, GUC_LIST_INPUT, NULL, NULL, NULL);
	DefineCustomIntVariable("agent_studio.max_in_flight",
							"Most model calls in flight in one executor at once.",
							"What is over it waits in the queue.",
							&as_max_in_flight, 1000, 1, 20000, PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("agent_studio.max_memory",
							"Memory that one executor's requests and answers may take.",
							"Above it no further task is claimed, and answers are read one after the other (those that share a connection of HTTP/2 together) until enough of them are written. Writing an answer takes a few times its own size on top.",
							&as_max_memory_kb, 524288, 1024, PG_INT32_MAX, PGC_SIGHUP, GUC_UNIT_KB, NULL, NULL, NULL);
	DefineCustomIntVariable("agent_studio.minute",
							"What requests_per_minute and tokens_per_minute count as a minute.",
							"For tests, which would rather not wait that long. Takes effect when the executor starts.",
							&as_minute_ms, 60000, 100, 60000, PGC_SIGHUP,
							GUC_UNIT_MS | GUC_NOT_IN_SAMPLE | GUC_NO_SHOW_ALL, NULL, NULL, NULL);
	DefineCustomIntVariable("agent_studio.max_host_connections",
							"Most connections of one executor to one host.",
							"Takes effect when the executor starts. Calls over it wait for a connection, which counts against their timeout.",
							&as_max_host_connections, 1000, 1, 20000, PGC_SIGHUP, 0, NULL, NULL, NULL);
	define_milliseconds("agent_studio.poll_interval",
						"How often an idle executor looks for work that nothing woke it for.",
						"Commits wake it at once; prepared transactions and restored clocks do not.",
						&as_poll_interval_ms, 5000, 100, 3600 * 1000);
	define_milliseconds("agent_studio.thought_interval",
						"Longest time that a thought is held back to be written with others.",
						NULL, &as_thought_interval_ms, 250, 10, 60 * 1000);
	define_milliseconds("agent_studio.roll_up_interval",
						"How often an idle executor brings daily totals up to date.",
						"One that is never idle does so after twice this time.",
						&as_roll_up_interval_ms, 3600000, 100, 24 * 3600 * 1000);
}

static void
define_call_settings(void)
{
	define_milliseconds("agent_studio.retry_delay",
						"Wait before the first retry; it doubles with each further one.",
						"Up to a quarter is added at random. A vendor's Retry-After is always waited for.",
						&as_retry_delay_ms, 5000, 1, 3600 * 1000);
	define_milliseconds("agent_studio.retry_max_delay",
						"Longest wait before a retry, unless the vendor asks for a longer one.",
						NULL, &as_retry_max_delay_ms, 300000, 1, 24 * 3600 * 1000);
	define_milliseconds("agent_studio.connect_timeout",
						"Longest time for a connection to an endpoint to stand.",
						"Server option connect_timeout (seconds) overrides it.",
						&as_connect_timeout_ms, 10000, 1, 3600 * 1000);
	define_milliseconds("agent_studio.first_byte_timeout",
						"Longest time from the request to the first byte of the answer; 0 = only the task's own timeout.",
						"Reasoning models may think for minutes first. Server option first_byte_timeout (seconds) overrides it.",
						&as_first_byte_timeout_ms, 0, 0, 24 * 3600 * 1000);
	define_milliseconds("agent_studio.idle_timeout",
						"Longest time between two pieces of an answer; 0 = only the task's own timeout.",
						"Server option idle_timeout (seconds) overrides it.",
						&as_idle_timeout_ms, 120000, 0, 24 * 3600 * 1000);
	DefineCustomIntVariable("agent_studio.max_output_size",
							"Largest answer that is taken; a larger one fails as invalid_output.",
							"The stream around the text may be 128 times as large: each token comes in an event of its own.",
							&as_max_output_kb, 16384, 1, 256 * 1024, PGC_SIGHUP, GUC_UNIT_KB,
							NULL, NULL, NULL);
	DefineCustomStringVariable("agent_studio.ca_file",
							   "File of certificates that are trusted besides the system's; empty = none.",
							   "For a gateway with a certificate of its own. Takes effect when the executor starts.",
							   &as_ca_file, "", PGC_SIGHUP, GUC_SUPERUSER_ONLY, NULL, NULL, NULL);
}

static void
define_result_settings(void)
{
	DefineCustomEnumVariable("agent_studio.result_commit",
							 "What the commit of a result waits for: local, or remote.",
							 "local: this server's disk. remote: what the cluster's synchronous_commit demands of standbys too; one that stalls then stalls the executor.",
							 &as_result_commit, RESULT_COMMIT_LOCAL, result_commit_options,
							 PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("agent_studio.notify",
							 "Sends one NOTIFY agent_studio for each turn that wrote something.",
							 "Its payload is the ids of the executions, separated by commas; empty when they are too many.",
							 &as_notify, true, PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("agent_studio.verbose",
							 "Keeps the DEBUG lines of every execution, not only of verbose ones.",
							 NULL, &as_verbose, false, PGC_SIGHUP, 0, NULL, NULL, NULL);
}

/* Read by views; a workflow's own settings come before these. */
static void
define_targets(void)
{
	DefineCustomRealVariable("agent_studio.success_target_percent",
							 "Percent of the executions that should complete.",
							 "A workflow's settings may say otherwise: success_target_percent.",
							 &as_success_target_percent, 95, 0, 100, PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("agent_studio.duration_target",
							"How long an execution should take on average, at most.",
							"A workflow's settings may say otherwise: duration_target_seconds.",
							&as_duration_target_s, 600, 1, 30 * 86400, PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);
}

void
_PG_init(void)
{
	define_worker_settings();
	define_call_settings();
	define_result_settings();
	define_targets();
	MarkGUCPrefixReserved("agent_studio");

	if (!process_shared_preload_libraries_in_progress)
		return;

	as_shmem_install();
	as_hooks_install();
	as_launcher_register();
}
