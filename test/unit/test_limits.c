/*
 * test_limits.c
 *		The allowance of the last minute, with a clock that is only a number.
 */
#include "limits.h"
#include "unit.h"

#define MINUTE 60000

/* What may be sent now, as the claim computes it. */
static int64_t
allowed(Limits *limits, int64_t model_id, int64_t now, int64_t requests_limit)
{
	ModelUse	uses[8];
	int			n = limits_uses(limits, now, uses, 8);

	for (int i = 0; i < n; i++)
	{
		if (uses[i].model_id == model_id)
			return uses[i].blocked ? 0 : requests_limit - uses[i].requests;
	}
	return requests_limit;
}

/* 100 tasks at once against 60 a minute: no window of a minute ever holds more than 60. */
static void
test_any_window(void)
{
	Limits	   *limits = limits_create(MINUTE);
	int64_t		sent[100];
	int			nsent = 0;
	int			worst = 0;

	for (int64_t now = 0; nsent < 100 && now < 10 * MINUTE; now += 250)
	{
		while (nsent < 100 && allowed(limits, 1, now, 60) > 0)
		{
			limits_send(limits, 1, now, 10, 60, 0);
			sent[nsent++] = now;
		}
	}
	for (int i = 0; i < nsent; i++)
	{
		int			within = 0;

		for (int j = i; j < nsent && sent[j] < sent[i] + MINUTE; j++)
			within++;
		worst = within > worst ? within : worst;
	}
	ok(nsent == 100, "all 100 are sent in the end");
	ok(worst == 60, "no window of a minute holds more than 60, the fullest exactly 60");
	ok(sent[60] == MINUTE, "the 61st goes out a whole minute after the first");
	limits_free(limits);
}

static void
test_other_model(void)
{
	Limits	   *limits = limits_create(MINUTE);
	int64_t		full[2];

	for (int i = 0; i < 60; i++)
		limits_send(limits, 1, 0, 1, 60, 0);
	ok(allowed(limits, 1, 100, 60) == 0, "a model at its limit may send nothing");
	ok(allowed(limits, 2, 100, 60) == 60, "another model is not affected");
	ok(limits_share(limits, 1, 100) == 1.0, "its share is 1");
	ok(limits_share(limits, 2, 100) == 0, "the share of an unused model is 0");
	ok(limits_full(limits, 100, full, 2) == 1 && full[0] == 1, "it is told to be full, and only it");
	ok(limits_next_change(limits, 100) == MINUTE, "it may go on when the oldest is a minute old");
	ok(limits_full(limits, MINUTE, full, 2) == 0, "a minute later it is not");
	ok(limits_next_change(limits, MINUTE) == -1, "then nothing is at its limit any more");
	limits_free(limits);
}

static void
test_tokens(void)
{
	Limits	   *limits = limits_create(MINUTE);
	ModelUse	use;
	int64_t		a = limits_send(limits, 1, 0, 500, 0, 1000);
	int64_t		b = limits_send(limits, 1, 10, 400, 0, 1000);

	limits_uses(limits, 20, &use, 1);
	ok(use.tokens == 900 && use.in_flight == 2 && use.requests == 2, "estimates count until the vendor has said");
	limits_end(limits, 1, a, 100);
	limits_end(limits, 1, b, -1);
	limits_uses(limits, 20, &use, 1);
	ok(use.tokens == 500 && use.in_flight == 0, "the vendor's count replaces the estimate, where there is one");
	ok(limits_share(limits, 1, 20) == 0.5, "the share is by tokens");
	limits_uses(limits, MINUTE + 5, &use, 1);
	ok(use.tokens == 400 && use.requests == 1, "what is a minute old no longer counts");
	limits_end(limits, 1, a, 999);
	limits_uses(limits, MINUTE + 5, &use, 1);
	ok(use.tokens == 400, "an end that comes after its minute changes nothing");
	limits_free(limits);
}

static void
test_block_and_recall(void)
{
	Limits	   *limits = limits_create(MINUTE);
	ModelUse	use;

	limits_block(limits, 7, 5000);
	limits_block(limits, 7, 3000);
	ok(limits_uses(limits, 4999, &use, 1) == 1 && use.blocked, "a block holds, and a shorter one does not end it");
	ok(limits_next_change(limits, 0) == 5000, "its end is known");
	ok(limits_uses(limits, 5000, &use, 1) == 0, "then it is over");

	limits_recall(limits, 8, 1000, 50);
	limits_recall(limits, 8, 2000, 60);
	limits_uses(limits, 2500, &use, 1);
	ok(use.model_id == 8 && use.requests == 2 && use.tokens == 110 && use.in_flight == 0,
	   "sends of before are in the window, but not in flight");
	limits_free(limits);
}

static void
test_clock_steps_back(void)
{
	Limits	   *limits = limits_create(MINUTE);
	ModelUse	use;

	limits_send(limits, 1, 50000, 1, 10, 0);
	limits_send(limits, 1, 20000, 1, 10, 0);
	limits_uses(limits, 60000, &use, 1);
	ok(use.requests == 2, "a clock that steps back loses nothing");
	limits_uses(limits, 110000, &use, 1);
	ok(use.requests == 0, "and everything leaves the window in the end");
	limits_free(limits);
}

static void
test_many(void)
{
	Limits	   *limits = limits_create(MINUTE);
	ModelUse   *uses = malloc(1000 * sizeof(ModelUse));
	bool		right = true;

	for (int i = 0; i < 1000; i++)
	{
		for (int j = 0; j < 40; j++)
			limits_send(limits, i, j, j, 1000, 0);
	}
	right = limits_models(limits) == 1000 && limits_uses(limits, 100, uses, 1000) == 1000;
	for (int i = 0; right && i < 1000; i++)
		right = uses[i].requests == 40 && uses[i].tokens == 780;
	ok(right, "many models and many sends are counted");
	free(uses);
	limits_free(limits);
}

int
main(void)
{
	test_any_window();
	test_other_model();
	test_tokens();
	test_block_and_recall();
	test_clock_steps_back();
	test_many();
	return unit_done();
}
