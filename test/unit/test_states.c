/*
 * test_states.c
 *		The names of states, and which state may follow which.
 */
#include "buf.h"
#include "states.h"
#include "unit.h"

/* For each state, in the order of their numbers, from which others it is reached. */
static const struct
{
	const char *state;
	const char *from;
}			moves[] = {
	{"pending", ""},
	{"queued", "pending running retrying paused waiting_approval completed partial failed"},
	{"running", "queued retrying"},
	{"retrying", "running"},
	{"paused", "pending queued running retrying waiting_approval completed partial failed"},
	{"waiting_approval", "pending completed partial failed"},
	{"completed", "pending running waiting_approval completed partial failed"},
	{"partial", "running partial"},
	{"failed", "pending queued running retrying paused waiting_approval completed partial failed"},
	{"skipped", "pending waiting_approval completed partial failed"},
	{"canceled", "pending queued running retrying paused waiting_approval"},
};

static const char *const verdicts[] = {
	"passed_over", "skipped_by_hand", "accepted", "completed_by_hand", "manual_review", "went_back", "handed_off", "approved",
};

static const char *const statuses[] = {
	"queued", "running", "paused", "waiting_approval", "completed", "failed", "canceled", "requires_manual_review",
};

static void
test_moves(void)
{
	size_t		to;
	size_t		from;

	for (to = 0; to < lengthof(moves); to++)
	{
		Buf			found;

		buf_init(&found, 0);
		for (from = 0; from < lengthof(moves); from++)
		{
			if (step_may_become((StepState) from, (StepState) to))
				buf_printf(&found, "%s%s", found.len > 0 ? " " : "", step_state_name((StepState) from));
		}
		is_text(step_state_name((StepState) to), moves[to].state, "the name of a state");
		is_text(buf_text(&found), moves[to].from, moves[to].state);
		buf_free(&found);
	}
}

static void
test_rest(void)
{
	size_t		i;
	int			resting = 0;
	int			active = 0;

	for (i = 0; i < lengthof(moves); i++)
	{
		StepState	state = (StepState) i;

		resting += step_is_at_rest(state);
		active += step_is_active(state);
		ok(!(step_is_at_rest(state) && step_is_active(state)), "at rest, or active");
	}
	is_int(resting, 5, "states at rest");
	is_int(active, 5, "active states");
	ok(!step_is_at_rest(STEP_PENDING) && !step_is_active(STEP_PENDING), "pending is neither");
}

static void
test_names(void)
{
	size_t		i;
	StepState	state = STEP_PENDING;
	StepVerdict verdict = VERDICT_NONE;
	ExecutionStatus status = EXECUTION_QUEUED;

	for (i = 0; i < lengthof(moves); i++)
		ok(step_state_parse(moves[i].state, &state) && state == (StepState) i, "a state by its name");
	ok(step_verdict_name(VERDICT_NONE) == NULL, "no verdict has no name");
	for (i = 0; i < lengthof(verdicts); i++)
	{
		ok(step_verdict_parse(verdicts[i], &verdict) && verdict == (StepVerdict) (i + 1), "a verdict by its name");
		is_text(step_verdict_name(verdict), verdicts[i], "and its name");
	}
	for (i = 0; i < lengthof(statuses); i++)
	{
		ok(execution_status_parse(statuses[i], &status) && status == (ExecutionStatus) i, "a status by its name");
		is_text(execution_status_name(status), statuses[i], "and its name");
		ok(execution_is_at_rest(status) == (status >= EXECUTION_COMPLETED), "whether it has ended");
	}
	ok(!step_state_parse("done", &state) && !step_verdict_parse("done", &verdict) && !execution_status_parse("done", &status), "no such name");
}

int
main(void)
{
	test_moves();
	test_rest();
	test_names();
	return unit_done();
}
