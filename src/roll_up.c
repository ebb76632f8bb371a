/*
 * roll_up.c
 *		When the executor counts what has ended: daily totals.
 *
 * One day a turn, in a transaction that nobody waits for. It is done while nothing
 * is under way; an executor that always has work puts it off once.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "agent_studio.h"
#include "executor.h"
#include "fault.h"
#include "steady.h"
#include "turn.h"

static void
roll_up_work(void *arg)
{
	*(bool *) arg = queue_roll_up();
	FAULT_POINT("roll_up");
}

static bool
is_idle(const Executor *executor)
{
	return executor->nrunning == 0 && executor->nended == 0 && !executor->look &&
		journal_is_empty(executor->journal);
}

TimestampTz
executor_roll_up_time(const Executor *executor)
{
	return is_idle(executor) ? executor->next_roll_up :
		TimestampTzPlusMilliseconds(executor->next_roll_up, as_roll_up_interval_ms);
}

/* Should it be lost with a crash, it is done again: nothing waits for the disk. */
void
executor_roll_up(Executor *executor)
{
	bool		more = false;

	if (turn_run(roll_up_work, &more, TURN_COMMIT_ASYNC) != TURN_DONE)
		more = false;
	executor->next_roll_up = more ? steady_now() :
		TimestampTzPlusMilliseconds(steady_now(), as_roll_up_interval_ms);
}
