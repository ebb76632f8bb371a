/*
 * plan_check.c
 *		What can only be judged when the order is known: whether a step may use
 *		what it names, and what concerns the workflow as a whole.
 *
 * A step sees the outputs of all that come before it, however far, and of those
 * that run on demand of these or of itself. One that runs on demand sees what
 * its owner sees, and its owner. What else it named could not be there.
 */
#include "plan_private.h"

#include <string.h>

/* ---- what a step sees ---- */

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

/* Adds those that run on demand of what is seen, until nothing is added any more. */
static void
add_on_demand(const Reader *reader, int self, StepSet *sees)
{
	StepSet		owners = *sees;
	bool		changed = true;
	int			i;

	set_add(&owners, self);
	while (changed)
	{
		changed = false;
		for (i = 0; i < reader->plan->nsteps; i++)
		{
			PlanDemand	demand = reader->plan->steps[i].demand;

			if ((demand != DEMAND_FALLBACK && demand != DEMAND_SPECIALIST) || i == self ||
				set_has(sees, i) || !have_common(&reader->notes[i].owners, &owners))
				continue;
			set_add(sees, i);
			set_add(&owners, i);
			changed = true;
		}
	}
}

/* Owners first: there are no rings. */
static const StepSet *
find_seen(Reader *reader, int self)
{
	StepNotes  *notes = &reader->notes[self];
	int			i;

	if (notes->sees_known)
		return &notes->sees;
	notes->sees = notes->before;
	for (i = 0; i < reader->plan->nsteps; i++)
	{
		if (!set_has(&notes->owners, i))
			continue;
		set_add(&notes->sees, i);
		set_add_all(&notes->sees, find_seen(reader, i));
	}
	add_on_demand(reader, self, &notes->sees);
	notes->sees.bits[self / 64] &= ~(UINT64_C(1) << (self % 64));
	notes->sees_known = true;
	return &notes->sees;
}

/* ---- sources ---- */

void
plan_check_seen(Reader *reader, int self, bool in_rule, const char *what, int source, const StepSet *sees)
{
	const PlanStep *step = &reader->plan->steps[source];

	if (sees == NULL || set_has(sees, source) || (in_rule && source == self))
		return;
	if (source == self)
		plan_tell(reader, "What it found itself can be used in its rules only.", "%s: the step names itself", what);
	else if (step->demand == DEMAND_COMPENSATION)
		plan_tell(reader, "Name the step that it compensates.", "%s: step \"%s\" runs only when the workflow is rolled back", what, step->name);
	else if (step->demand != DEMAND_NONE)
		plan_tell(reader, "Come after the step for which it runs.", "%s: step \"%s\" runs on demand of a step that does not come before this one", what, step->name);
	else if (set_has(&reader->notes[source].before, self))
		plan_tell(reader, "A later step can send this one feedback, by a rule with go_back.",
				  "%s: step \"%s\" comes after this one", what, step->name);
	else
		plan_tell(reader, "Name it in after, so that this step waits for it.",
				  "%s: step \"%s\" does not come before this one", what, step->name);
}

static void
check_sources(Reader *reader, int self, bool in_rule, const char *what, const PlanSource *sources, int count)
{
	for (; count > 0; count--, sources++)
	{
		if (sources->step != PLAN_INPUTS)
			plan_check_seen(reader, self, in_rule, what, sources->step, find_seen(reader, self));
	}
}

/* Those of a mapping are checked with the mapping. */
static bool
is_mapped(const PlanStep *step, const PlanSource *sources)
{
	int			i;

	for (i = 0; i < step->nmappings; i++)
	{
		if (step->mappings[i].sources == sources)
			return true;
	}
	return false;
}

static void
check_text(Reader *reader, int self, bool in_rule, const char *what, const PlanText *text)
{
	const PlanStep *step = &reader->plan->steps[self];
	int			i;

	for (i = 0; i < text->npieces; i++)
	{
		const PlanPiece *piece = &text->pieces[i];

		if (piece->nsources > 0 && !is_mapped(step, piece->sources))
			check_sources(reader, self, in_rule, what, piece->sources, piece->nsources);
	}
}

static void
check_step_sources(Reader *reader, int self)
{
	const PlanStep *step = &reader->plan->steps[self];
	int			i;

	for (i = 0; i < step->nmappings; i++)
	{
		plan_at_name(reader, "input", step->mappings[i].name);
		check_sources(reader, self, false, "source", step->mappings[i].sources, step->mappings[i].nsources);
	}
	plan_at(reader, NULL);
	check_text(reader, self, false, "task", &step->task);
	if (step->agent.chosen)
		check_sources(reader, self, false, "agent", &step->agent.by, 1);
	check_text(reader, self, false, "message of approval", &step->approval.message);
	for (i = 0; i < step->nrules; i++)
	{
		plan_at_no(reader, "rule", i + 1);
		check_text(reader, self, true, step->rules[i].to == PLAN_NO_STEP ? "message" : "feedback", &step->rules[i].text);
	}
	plan_at(reader, NULL);
}

/* ---- conditions ---- */

static void
check_condition(Reader *reader, int self, bool in_rule, const char *what, const char *condition)
{
	if (condition)
		plan_check_condition(reader, self, in_rule, what, condition,
							 reader->tangled ? NULL : find_seen(reader, self));
}

static void
check_step_conditions(Reader *reader, int self)
{
	const PlanStep *step = &reader->plan->steps[self];
	int			i;

	check_condition(reader, self, false, "when", step->when);
	for (i = 0; i < step->ncases; i++)
	{
		plan_at_no(reader, "case", i + 1);
		check_condition(reader, self, false, "if", step->cases[i].condition);
	}
	for (i = 0; i < step->nrules; i++)
	{
		plan_at_no(reader, "rule", i + 1);
		check_condition(reader, self, true, "if", step->rules[i].condition);
	}
	plan_at(reader, NULL);
}

/* ---- the rest ---- */

static void
check_merge(Reader *reader, int self)
{
	const PlanStep *step = &reader->plan->steps[self];

	if (step->merge <= step->nafter)
		return;
	if (step->nafter == 0)
		plan_tell(reader, "Name in after what it waits for, or leave merge out.", "merge: the step comes after nothing, so that it has nothing to wait for");
	else
		plan_tell(reader, "Let merge be at most as large, or name more steps in after.",
				  "merge is %d, which is more than the ways to the step (%d)", step->merge, step->nafter);
}

static bool
has_choice(const PlanAgentChoice *agent, const char *value)
{
	int			i;

	for (i = 0; i < agent->nchoices; i++)
	{
		if (strcmp(agent->values[i], value) == 0)
			return true;
	}
	return false;
}

static const PlanValue *
chosen_by(const Reader *reader, const PlanAgentChoice *agent)
{
	if (agent->by.value == PLAN_WHOLE_ANSWER)
		return NULL;
	return agent->by.step == PLAN_INPUTS ? &reader->plan->inputs[agent->by.value] :
		&reader->plan->steps[agent->by.step].outputs[agent->by.value];
}

/* Of an enum it can be said now whether each value has its agent. */
static void
check_agent_choice(Reader *reader, const PlanAgentChoice *agent)
{
	const PlanValue *by = agent->chosen ? chosen_by(reader, agent) : NULL;
	int			i;

	if (by == NULL || by->type != PLAN_ENUM || by->nchoices == 0)
		return;
	for (i = 0; i < by->nchoices && agent->agent == NULL; i++)
	{
		if (!has_choice(agent, by->choices[i]))
			plan_tell(reader, "Add it to choices, or give a default.", "agent: there is none for the value %s",
					  plan_quote(reader, by->choices[i], strlen(by->choices[i])));
	}
	for (i = 0; i < agent->nchoices; i++)
	{
		const char *value = agent->values[i];

		if (!plan_is_choice(by, value))
			plan_tell_near(reader, plan_near_choice(by, value), "Name a value of the enum.", "agent: %s is no value of \"%s\"",
						   plan_quote(reader, value, strlen(value)), by->name);
	}
}

static void
check_finals(Reader *reader)
{
	const PlanStep *first = NULL;
	int			i;

	for (i = 0; i < reader->plan->nsteps; i++)
	{
		const PlanStep *step = &reader->plan->steps[i];

		if (!step->is_final)
			continue;
		plan_at_step(reader, i);
		if (step->demand == DEMAND_COMPENSATION)
			plan_tell(reader, "Leave final out.", "final: what compensates gives no answer");
		if (first)
			plan_tell(reader, "Let one step give the answer of the workflow.", "final: step \"%s\" is final too", first->name);
		first = first ? first : step;
	}
}

void
plan_check(Reader *reader)
{
	int			i;

	for (i = 0; i < reader->plan->nsteps; i++)
	{
		plan_at_step(reader, i);
		if (!reader->tangled)
			check_step_sources(reader, i);
		check_step_conditions(reader, i);
		check_merge(reader, i);
		check_agent_choice(reader, &reader->plan->steps[i].agent);
	}
	check_finals(reader);
	plan_at_step(reader, PLAN_NO_STEP);
}
