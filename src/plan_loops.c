/*
 * plan_loops.c
 *		Loops that wait for each other.
 *
 * A way that leads out of a loop is not known before the loop's end has come. Where
 * each of two loops has a step that comes after one of the other's, neither end
 * can ever come. A loop within the other has no such steps, nor has one after it.
 */
#include "plan_private.h"

#include <string.h>

static bool
have_common(const StepSet *a, const StepSet *b)
{
	size_t		w;

	for (w = 0; w < PLAN_ROW_WORDS; w++)
	{
		if ((a->bits[w] & b->bits[w]) != 0)
			return true;
	}
	return false;
}

static bool
is_subset(const StepSet *part, const StepSet *whole)
{
	size_t		w;

	for (w = 0; w < PLAN_ROW_WORDS; w++)
	{
		if ((part->bits[w] & ~whole->bits[w]) != 0)
			return false;
	}
	return true;
}

/* Who comes after one of the loop's steps, without being one, waits for its end. */
static void
add_waiting(Reader *reader, int end, const bool *body, StepSet *needs)
{
	StepSet		inner;
	int			i;
	int			a;

	memset(&inner, 0, sizeof(inner));
	for (i = 0; i < reader->plan->nsteps; i++)
	{
		if (body[i] && i != end)
			set_add(&inner, i);
	}
	for (i = 0; i < reader->plan->nsteps; i++)
	{
		const PlanStep *step = &reader->plan->steps[i];
		StepSet		after;

		if (body[i] || step->merge != PLAN_MERGE_ALL)
			continue;
		memset(&after, 0, sizeof(after));
		for (a = 0; a < step->nafter; a++)
			set_add(&after, step->after[a]);
		if (have_common(&after, &inner))
			set_add(&needs[i], end);
	}
}

/* Whether all that it comes after come themselves. */
static bool
is_reached(const Reader *reader, int i, const StepSet *coming)
{
	const PlanStep *step = &reader->plan->steps[i];
	int			a;

	for (a = 0; a < step->nafter; a++)
	{
		if (!set_has(coming, step->after[a]))
			return false;
	}
	return true;
}

/* Whose turn comes some time, as far as the order says. */
static void
find_coming(const Reader *reader, const StepSet *needs, StepSet *coming)
{
	bool		changed = true;
	int			i;

	while (changed)
	{
		changed = false;
		for (i = 0; i < reader->plan->nsteps; i++)
		{
			if (set_has(coming, i) || !is_reached(reader, i, coming) || !is_subset(&needs[i], coming))
				continue;
			set_add(coming, i);
			changed = true;
		}
	}
}

/* The first step that waits for nothing but the end of a loop has the story. */
static void
tell_waiting(Reader *reader, const StepSet *needs, const StepSet *coming)
{
	int			i;
	int			end;

	for (i = 0; i < reader->plan->nsteps; i++)
	{
		if (set_has(coming, i) || !is_reached(reader, i, coming))
			continue;
		for (end = 0; set_has(coming, end) || !set_has(&needs[i], end); end++)
			;
		plan_at_step(reader, i);
		plan_tell(reader, "Let one loop lie within the other, or let the step come after the loop's end.",
				  "it waits for the end of the loop that step \"%s\" ends, which waits for it", reader->plan->steps[end].name);
		return;
	}
}

void
plan_check_loops(Reader *reader)
{
	StepSet    *needs = plan_alloc(reader, (size_t) reader->plan->nsteps, sizeof(StepSet));
	StepSet		coming;
	int			i;
	int			r;

	if (needs == NULL)
		return;
	for (i = 0; i < reader->plan->nsteps; i++)
	{
		const PlanStep *step = &reader->plan->steps[i];

		for (r = 0; r < step->nrules; r++)
		{
			if (step->rules[r].body && step->rules[r].to != i)
				add_waiting(reader, i, step->rules[r].body, needs);
		}
	}
	memset(&coming, 0, sizeof(coming));
	find_coming(reader, needs, &coming);
	tell_waiting(reader, needs, &coming);
}
