/*
 * bad_row.c
 *		What becomes of a step whose rows cannot be written.
 *
 * A row can be bad for reasons that nobody foresaw: a trigger or a constraint of
 * the database's owner, a value that somebody changed by hand. It must not stop
 * the others. So its step fails with the error's words; if even that cannot be
 * written, it is taken out of the queue, where no other row is touched.
 */
#include "postgres.h"

#include "bad_row.h"
#include "turn.h"

typedef struct BadRow
{
	const StepKey *step;
	const char *why;
} BadRow;

static void
fail_work(void *arg)
{
	BadRow	   *bad = arg;

	queue_fail_unwritable(bad->step, bad->why);
}

static void
remove_work(void *arg)
{
	BadRow	   *bad = arg;

	queue_remove(bad->step);
}

BadRowEnd
bad_row_end(const StepKey *step, const char *what)
{
	char		why[320];

	/* Such a row is not at fault: it was somebody else's for a moment. */
	if (turn_lost_race())
		return BAD_ROW_LEFT;
	snprintf(why, sizeof(why), "%s: %s", what, turn_error());
	return bad_row_fail(step, why);
}

BadRowEnd
bad_row_fail(const StepKey *step, const char *why)
{
	BadRow		bad = {step, why};
	TurnResult	result;

	result = turn_run(fail_work, &bad, TURN_COMMIT_DURABLE);
	if (result != TURN_BAD_ROW)
		return result == TURN_DONE ? BAD_ROW_FAILED : BAD_ROW_LEFT;
	if (turn_run(remove_work, &bad, TURN_COMMIT_DURABLE) != TURN_DONE)
		return BAD_ROW_LEFT;
	ereport(LOG,
			(errmsg("agent_studio: step %d of execution " INT64_FORMAT " is taken out of the queue: its rows cannot be written",
					step->step_no, step->execution_id),
			 errdetail("%s", bad.why),
			 errhint("Mend what the error names, then queue it again with agent_studio.as_release_restored().")));
	return BAD_ROW_UNQUEUED;
}
