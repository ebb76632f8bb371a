/*
 * steady.c
 *		The time that waits within a process go by.
 */
#include "postgres.h"

#include "portability/instr_time.h"
#include "utils/timestamp.h"

#include "steady.h"

#define JUMP_US		USECS_PER_SEC	/* less is a clock that is being brought in line */

TimestampTz
steady_now(void)
{
	static int64 begin = 0;		/* what the wall showed when the monotonic clock began */
	instr_time	now;

	INSTR_TIME_SET_CURRENT(now);
	if (begin == 0)
		begin = GetCurrentTimestamp() - (int64) INSTR_TIME_GET_MICROSEC(now);
	return begin + (int64) INSTR_TIME_GET_MICROSEC(now);
}

TimestampTz
steady_time_of(TimestampTz wall)
{
	return TIMESTAMP_NOT_FINITE(wall) ? wall : steady_now() + (wall - GetCurrentTimestamp());
}

int64
steady_clock_jump(void)
{
	static int64 known = 0;		/* by how much the wall is ahead */
	int64		ahead = GetCurrentTimestamp() - steady_now();
	int64		jump = ahead - known;

	known = ahead;
	return jump > -JUMP_US && jump < JUMP_US ? 0 : jump;
}
