/*
 * plan_order.c
 *		The order of the steps: who runs on demand, what comes after what, what
 *		comes before it in the end, and what a rule that goes back repeats.
 *
 * With an order that has a cycle nothing more can be judged: the reader is tangled
 * then, and whoever needs the order leaves it.
 */
#include "plan_private.h"

#include <string.h>

/* ---- on demand ---- */

static const char *
demand_words(PlanDemand demand)
{
	switch (demand)
	{
		case DEMAND_FALLBACK:
			return "stands in for another step";
		case DEMAND_SPECIALIST:
			return "is handed work by a rule";
		case DEMAND_COMPENSATION:
			return "compensates another step";
		case DEMAND_NONE:
			break;
	}
	return "is part of the order";
}

/* step runs on demand of owner; the problem is the owner's, but for compensations. */
static void
demand(Reader *reader, int step, int owner, PlanDemand kind)
{
	PlanStep   *wanted = &reader->plan->steps[step];

	plan_at_step(reader, kind == DEMAND_COMPENSATION ? step : owner);
	if (step == owner)
	{
		plan_tell(reader, kind == DEMAND_SPECIALIST ? "Use go_back to repeat this step." : "Name another step.",
				  kind == DEMAND_FALLBACK ? "fallback: a step cannot stand in for itself" :
				  kind == DEMAND_SPECIALIST ? "hand_off: a step cannot be handed its own work" :
				  "compensates: a step cannot compensate itself");
		return;
	}
	if (wanted->demand != DEMAND_NONE && wanted->demand != kind)
	{
		plan_tell(reader, "Make a step of its own for each of the two.", "step \"%s\" %s, and %s",
				  wanted->name, demand_words(wanted->demand), demand_words(kind));
		return;
	}
	if (wanted->is_decision)
	{
		plan_tell(reader, "Name a step that has an agent.", "step \"%s\" is a decision, and cannot run on demand", wanted->name);
		return;
	}
	wanted->demand = kind;
	set_add(&reader->notes[step].owners, owner);
}

static void
find_demands(Reader *reader)
{
	WorkflowPlan *plan = reader->plan;
	int			i;
	int			r;

	for (i = 0; i < plan->nsteps; i++)
	{
		PlanStep   *step = &plan->steps[i];

		if (step->fallback != PLAN_NO_STEP)
			demand(reader, step->fallback, i, DEMAND_FALLBACK);
		for (r = 0; r < step->nrules; r++)
		{
			if (step->rules[r].action == RULE_HAND_OFF && step->rules[r].to != PLAN_NO_STEP)
				demand(reader, step->rules[r].to, i, DEMAND_SPECIALIST);
		}
		if (step->compensates != PLAN_NO_STEP)
			demand(reader, i, step->compensates, DEMAND_COMPENSATION);
	}
}

/* What compensates is not itself undone, and a decision does nothing. */
static void
check_compensation(Reader *reader, int i)
{
	const PlanStep *step = &reader->plan->steps[i];
	const PlanStep *undone;

	if (step->compensates == PLAN_NO_STEP || step->compensates == i)
		return;
	undone = &reader->plan->steps[step->compensates];
	plan_at_step(reader, i);
	if (undone->is_decision)
		plan_tell(reader, "Name a step that did something.", "compensates: step \"%s\" is a decision", undone->name);
	else if (undone->compensates != PLAN_NO_STEP)
		plan_tell(reader, "Name a step that does something.", "compensates: step \"%s\" compensates itself another one", undone->name);
}

/* On the way back through those for whom it runs: does one run for itself? */
static int
next_owner(const Reader *reader, int step, const StepSet *among)
{
	int			i;

	for (i = 0; i < reader->plan->nsteps; i++)
	{
		if (set_has(&reader->notes[step].owners, i) && set_has(among, i))
			return i;
	}
	return PLAN_NO_STEP;
}

/* Takes away, again and again, who runs for nobody that is left; rings remain. */
static void
find_demand_rings(Reader *reader, StepSet *left)
{
	bool		changed = true;
	int			i;

	memset(left, 0, sizeof(*left));
	for (i = 0; i < reader->plan->nsteps; i++)
		set_add(left, i);
	while (changed)
	{
		changed = false;
		for (i = 0; i < reader->plan->nsteps; i++)
		{
			if (!set_has(left, i) || next_owner(reader, i, left) != PLAN_NO_STEP)
				continue;
			left->bits[i / 64] &= ~(UINT64_C(1) << (i % 64));
			changed = true;
		}
	}
}

static void
tell_ring(Reader *reader, int first, const char *hint, const char *what, const Buf *names)
{
	plan_at_step(reader, first);
	plan_tell(reader, hint, "%s: %.900s", what, buf_text(names));
}

static void
check_demand_rings(Reader *reader)
{
	StepSet		left;
	StepSet		seen;
	Buf			names;
	int			at = 0;
	int			first;

	find_demand_rings(reader, &left);
	while (at < reader->plan->nsteps && !set_has(&left, at))
		at++;
	if (at == reader->plan->nsteps)
		return;
	reader->tangled = true;
	memset(&seen, 0, sizeof(seen));
	while (!set_has(&seen, at))
	{
		set_add(&seen, at);
		at = next_owner(reader, at, &left);
	}
	buf_init(&names, 0);
	first = at;
	do
	{
		buf_printf(&names, "\"%s\" runs for ", reader->plan->steps[at].name);
		at = next_owner(reader, at, &left);
	} while (at != first);
	buf_printf(&names, "\"%s\"", reader->plan->steps[first].name);
	tell_ring(reader, first, "Let the last of them fail, or have work done, in another way.", "steps run on demand in a ring", &names);
	buf_free(&names);
}

/* Owners first, each once: there are no rings. */
static const StepSet *
find_served(Reader *reader, int step, StepSet *known)
{
	PlanStep   *helper = &reader->plan->steps[step];
	int			i;

	if (set_has(known, step))
		return &helper->serves;
	set_add(known, step);
	if (helper->demand != DEMAND_FALLBACK && helper->demand != DEMAND_SPECIALIST)
		return &helper->serves;
	for (i = 0; i < reader->plan->nsteps; i++)
	{
		if (!set_has(&reader->notes[step].owners, i))
			continue;
		set_add(&helper->serves, i);
		set_add_all(&helper->serves, find_served(reader, i, known));
	}
	return &helper->serves;
}

static void
find_all_served(Reader *reader)
{
	StepSet		known;
	int			i;

	memset(&known, 0, sizeof(known));
	for (i = 0; i < reader->plan->nsteps; i++)
		(void) find_served(reader, i, &known);
}

/* ---- after ---- */

/* The step before; those that run on demand are left out. */
static int
step_before(const WorkflowPlan *plan, int i)
{
	while (--i >= 0)
	{
		if (plan->steps[i].demand == DEMAND_NONE)
			return i;
	}
	return PLAN_NO_STEP;
}

static void
check_given_after(Reader *reader, int i)
{
	PlanStep   *step = &reader->plan->steps[i];
	int			kept = 0;
	int			a;

	plan_at_step(reader, i);
	if (step->demand != DEMAND_NONE && reader->notes[i].after_given)
		plan_tell(reader, "Leave after out: it runs when it is wanted.", "it %s, so that it comes after nothing", demand_words(step->demand));
	for (a = 0; a < step->nafter; a++)
	{
		const PlanStep *before = &reader->plan->steps[step->after[a]];

		if (before->demand != DEMAND_NONE)
			plan_tell(reader, "Name the step for which it runs.", "after: step \"%s\" %s, so that nothing comes after it",
					  before->name, demand_words(before->demand));
		else if (step->demand == DEMAND_NONE)
			step->after[kept++] = step->after[a];
	}
	step->nafter = kept;
}

/* For each step, the decisions that lead to it. */
static void
find_deciders(Reader *reader, StepSet *deciders)
{
	WorkflowPlan *plan = reader->plan;
	int			i;
	int			c;
	int			t;

	for (i = 0; i < plan->nsteps; i++)
	{
		plan_at_step(reader, i);
		for (c = 0; c < plan->steps[i].ncases; c++)
		{
			const PlanCase *choice = &plan->steps[i].cases[c];

			for (t = 0; t < choice->nto; t++)
			{
				const PlanStep *target = &plan->steps[choice->to[t]];

				if (target->demand != DEMAND_NONE)
					plan_tell(reader, "Lead to a step of the order.", "cases: step \"%s\" %s, so that nothing leads to it",
							  target->name, demand_words(target->demand));
				else
					set_add(&deciders[choice->to[t]], i);
			}
		}
	}
}

static bool
is_empty(const StepSet *set)
{
	size_t		i;

	for (i = 0; i < PLAN_ROW_WORDS; i++)
	{
		if (set->bits[i] != 0)
			return false;
	}
	return true;
}

/* after as it is given or usual, and the decisions that lead there. */
static void
complete_after(Reader *reader, int i, const StepSet *deciders)
{
	PlanStep   *step = &reader->plan->steps[i];
	StepSet		all = *deciders;
	int			before = step_before(reader->plan, i);
	int			a;
	int			n = 0;

	for (a = 0; a < step->nafter; a++)
		set_add(&all, step->after[a]);
	if (!reader->notes[i].after_given && step->demand == DEMAND_NONE && is_empty(deciders) &&
		before != PLAN_NO_STEP && strcmp(reader->plan->pattern, "parallel") != 0)
		set_add(&all, before);
	for (a = 0; a < reader->plan->nsteps; a++)
		n += set_has(&all, a);
	step->after = plan_alloc(reader, (size_t) n, sizeof(int));
	step->nafter = 0;
	for (a = 0; step->after && a < reader->plan->nsteps; a++)
	{
		if (set_has(&all, a))
			step->after[step->nafter++] = a;
	}
}

static void
complete_order(Reader *reader)
{
	StepSet    *deciders = plan_alloc(reader, (size_t) reader->plan->nsteps, sizeof(StepSet));
	int			i;

	if (deciders == NULL)
		return;
	for (i = 0; i < reader->plan->nsteps; i++)
		check_given_after(reader, i);
	find_deciders(reader, deciders);
	for (i = 0; i < reader->plan->nsteps; i++)
		complete_after(reader, i, &deciders[i]);
}

/* ---- what comes before ---- */

static bool
all_known(const PlanStep *step, const StepSet *known)
{
	int			a;

	for (a = 0; a < step->nafter; a++)
	{
		if (!set_has(known, step->after[a]))
			return false;
	}
	return true;
}

static void
add_before(Reader *reader, int i)
{
	const PlanStep *step = &reader->plan->steps[i];
	StepSet    *before = &reader->notes[i].before;
	int			a;

	for (a = 0; a < step->nafter; a++)
	{
		set_add(before, step->after[a]);
		set_add_all(before, &reader->notes[step->after[a]].before);
	}
}

static int
unknown_before(const PlanStep *step, const StepSet *known)
{
	int			a;

	for (a = 0; a < step->nafter; a++)
	{
		if (!set_has(known, step->after[a]))
			return step->after[a];
	}
	return PLAN_NO_STEP;
}

/* From a step that waits for one that waits ... back to one that came already. */
static void
tell_cycle(Reader *reader, int at, StepSet *known)
{
	StepSet		seen;
	Buf			names;
	int			first;

	memset(&seen, 0, sizeof(seen));
	while (!set_has(&seen, at))
	{
		set_add(&seen, at);
		at = unknown_before(&reader->plan->steps[at], known);
	}
	buf_init(&names, 0);
	first = at;
	do
	{
		buf_printf(&names, "\"%s\" after ", reader->plan->steps[at].name);
		at = unknown_before(&reader->plan->steps[at], known);
	} while (at != first);
	buf_printf(&names, "\"%s\"", reader->plan->steps[first].name);
	tell_ring(reader, first, "Take one of these ways away; a rule with go_back repeats steps.", "steps wait for each other", &names);
	buf_free(&names);
	/* so that other cycles are found too */
	set_add(known, first);
}

/* Each step when all before it are known; where that ends, there is a cycle. */
static void
find_before(Reader *reader)
{
	StepSet		known;
	bool		changed = true;
	int			left = reader->plan->nsteps;
	int			i;

	reader->plan->order = plan_alloc(reader, (size_t) left, sizeof(int));
	if (reader->plan->order == NULL)
		return;
	memset(&known, 0, sizeof(known));
	while (left > 0)
	{
		int			waiting = PLAN_NO_STEP;

		changed = false;
		for (i = 0; i < reader->plan->nsteps; i++)
		{
			if (set_has(&known, i))
				continue;
			if (!all_known(&reader->plan->steps[i], &known))
			{
				waiting = waiting == PLAN_NO_STEP ? i : waiting;
				continue;
			}
			add_before(reader, i);
			set_add(&known, i);
			reader->plan->order[reader->plan->nsteps - left] = i;
			left--;
			changed = true;
		}
		if (changed || left == 0)
			continue;
		reader->tangled = true;
		tell_cycle(reader, waiting, &known);
		left--;
	}
}

/* ---- loops ---- */

static void
check_body_merges(Reader *reader, int self, const PlanRule *rule)
{
	int			i;

	for (i = 0; i < reader->plan->nsteps; i++)
	{
		const PlanStep *step = &reader->plan->steps[i];

		if (!rule->body[i] || step->merge == PLAN_MERGE_ALL)
			continue;
		plan_at_step(reader, i);
		plan_tell(reader, "Leave merge out, or let the loop end before this step.",
				  "merge must be all: the step is within the loop from \"%s\" to \"%s\"",
				  reader->plan->steps[rule->to].name, reader->plan->steps[self].name);
	}
}

static void
find_body(Reader *reader, int self, int no, PlanRule *rule)
{
	const StepNotes *notes = reader->notes;
	int			i;

	plan_at_step(reader, self);
	plan_at_no(reader, "rule", no);
	rule->body = plan_alloc(reader, (size_t) reader->plan->nsteps, sizeof(bool));
	if (rule->body == NULL)
		return;
	if (rule->to != self && !set_has(&notes[self].before, rule->to))
	{
		plan_tell(reader, "Name a step that comes before this one, or this one.",
				  "go_back: step \"%s\" does not come before step \"%s\"",
				  reader->plan->steps[rule->to].name, reader->plan->steps[self].name);
		return;
	}
	for (i = 0; i < reader->plan->nsteps; i++)
	{
		rule->body[i] = (i == rule->to || set_has(&notes[i].before, rule->to)) &&
			(i == self || set_has(&notes[self].before, i));
		if (rule->body[i])
			set_add(&reader->plan->steps[i].loops, self);
	}
	check_body_merges(reader, self, rule);
}

static void
find_bodies(Reader *reader)
{
	int			i;
	int			r;

	for (i = 0; i < reader->plan->nsteps; i++)
	{
		PlanStep   *step = &reader->plan->steps[i];

		for (r = 0; r < step->nrules; r++)
		{
			if (step->rules[r].action == RULE_GO_BACK && step->rules[r].to != PLAN_NO_STEP)
				find_body(reader, i, r + 1, &step->rules[r]);
		}
	}
}

void
plan_order(Reader *reader)
{
	int			i;

	find_demands(reader);
	for (i = 0; i < reader->plan->nsteps; i++)
		check_compensation(reader, i);
	check_demand_rings(reader);
	complete_order(reader);
	if (reader->failed)
		return;
	find_before(reader);
	if (!reader->tangled && !reader->failed)
	{
		find_all_served(reader);
		find_bodies(reader);
		plan_check_loops(reader);
	}
	plan_at_step(reader, PLAN_NO_STEP);
}
