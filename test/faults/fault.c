/*
 * fault.c
 *		What happens at a fault point. In the tests' own build only; see fault.h.
 *
 * A point NAME is armed by a file faults/NAME in the data directory: a line with an
 * action, and how many times the point is passed before. The process that reaches it
 * takes the file: it is renamed to NAME.reached, with the process's pid in place of the
 * number, so that a point strikes once; and then it
 *
 *		kill		ends itself by SIGKILL
 *		crash		ends the postmaster by SIGKILL, and goes on as far as it gets
 *		error		raises an error that a row could be at fault for
 *		trouble		raises an error of a server in trouble
 *		wait		waits until the file is gone, and ignores all signals but SIGKILL
 *
 * Only one process passes an armed point: that is for the test to see to.
 */
#include "postgres.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "miscadmin.h"
#include "storage/pmsignal.h"

#include "fault.h"

#define FAULT_FOLDER	"faults"
#define LOOK_US			2000

static void
write_order(const char *path, const char *action, int number)
{
	FILE	   *file = fopen(path, "w");

	if (file == NULL)
		return;
	fprintf(file, "%s %d\n", action, number);
	fclose(file);
}

/* False if the point is not armed, or this time is not yet it. */
static bool
read_order(const char *path, char *action, size_t size)
{
	FILE	   *file = fopen(path, "r");
	int			passes = 0;
	char		word[16] = "";
	bool		armed;

	if (file == NULL)
		return false;
	armed = fscanf(file, "%15s %d", word, &passes) >= 1;
	fclose(file);
	strlcpy(action, word, size);
	if (!armed || passes <= 0)
		return armed;

	/* Counted down in the file: the next one to pass may be another process. */
	write_order(path, word, passes - 1);
	return false;
}

static void
wait_until_released(const char *path)
{
	struct stat status;

	while (stat(path, &status) == 0 && PostmasterIsAlive())
		pg_usleep(LOOK_US);
}

static void
strike(const char *name, const char *action, const char *reached)
{
	if (strcmp(action, "kill") == 0)
		kill(MyProcPid, SIGKILL);
	else if (strcmp(action, "crash") == 0)
		kill(PostmasterPid, SIGKILL);
	else if (strcmp(action, "wait") == 0)
		wait_until_released(reached);
	else if (strcmp(action, "error") == 0)
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("fault at %s", name)));
	else if (strcmp(action, "trouble") == 0)
		ereport(ERROR, (errcode(ERRCODE_DISK_FULL), errmsg("trouble at %s", name)));
	else
		elog(PANIC, "fault %s is armed with an unknown action: %s", name, action);
}

void
fault_point(const char *name)
{
	char		path[MAXPGPATH];
	char		reached[MAXPGPATH];
	char		action[16];
	int			save_errno = errno;

	snprintf(path, sizeof(path), FAULT_FOLDER "/%s", name);
	snprintf(reached, sizeof(reached), FAULT_FOLDER "/%s.reached", name);
	if (access(path, F_OK) == 0 && read_order(path, action, sizeof(action)))
	{
		write_order(path, action, MyProcPid);
		(void) rename(path, reached);
		write_stderr("fault %s: %s of %d\n", name, action, MyProcPid);
		strike(name, action, reached);
	}
	errno = save_errno;
}
