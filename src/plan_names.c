/*
 * plan_names.c
 *		From names to numbers: steps, sources, and what stands in templates.
 *
 * Inputs, outputs and mappings are found through the JSON objects that declare
 * them: the place of a member is its number in the plan. Whether a step may use
 * what it names is judged later, when the order is known.
 */
#include "plan_private.h"

#include <stdlib.h>
#include <string.h>

#include "near.h"
#include "template.h"
#include "utf8.h"

#define SOURCE_HINT	"Write step.output, step.output with the word output itself for its whole answer, or inputs.name."
#define BRACES_HINT	"Write {{ and }} for braces; a name stands in braces without spaces: {name} or {step.output}."
#define MAX_BAD		1			/* of one template */

/* ---- steps ---- */

static int
compare_names(const char *a, size_t a_len, const char *b, size_t b_len)
{
	if (a_len != b_len)
		return a_len < b_len ? -1 : 1;
	return memcmp(a, b, a_len);
}

/* Where name is among the sorted ones, or would have to be put. */
static int
name_place(const Reader *reader, const char *name, size_t len)
{
	int			low = 0;
	int			high = reader->nnames;

	while (low < high)
	{
		int			middle = (low + high) / 2;
		const char *other = reader->plan->steps[reader->by_name[middle]].name;

		if (compare_names(other, strlen(other), name, len) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int
plan_lookup_step(const Reader *reader, const char *name, size_t len)
{
	int			place = name_place(reader, name, len);
	const char *found;

	if (place >= reader->nnames)
		return PLAN_NO_STEP;
	found = reader->plan->steps[reader->by_name[place]].name;
	return compare_names(found, strlen(found), name, len) == 0 ? reader->by_name[place] : PLAN_NO_STEP;
}

/* At most 500 steps: inserting is cheap enough. */
void
plan_index_names(Reader *reader)
{
	int			i;

	reader->by_name = plan_alloc(reader, (size_t) reader->plan->nsteps, sizeof(int));
	for (i = 0; reader->by_name && i < reader->plan->nsteps; i++)
	{
		const char *name = reader->plan->steps[i].name;
		int			place = name_place(reader, name, strlen(name));
		int			first = plan_lookup_step(reader, name, strlen(name));

		if (!reader->notes[i].good_name)
			continue;
		if (first != PLAN_NO_STEP)
		{
			plan_at_step(reader, i);
			plan_tell(reader, "Give every step a name of its own.", "steps %d and %d have the same name", first + 1, i + 1);
			continue;
		}
		memmove(&reader->by_name[place + 1], &reader->by_name[place],
				(size_t) (reader->nnames - place) * sizeof(int));
		reader->by_name[place] = i;
		reader->nnames++;
	}
	plan_at_step(reader, PLAN_NO_STEP);
}

static const char *
near_step(const Reader *reader, const char *name, size_t len)
{
	Near		near;
	int			i;

	near_init(&near, name, len);
	for (i = 0; i < reader->nnames && reader->nproblems < PLAN_MAX_PROBLEMS; i++)
		near_offer(&near, reader->plan->steps[reader->by_name[i]].name);
	return near.best;
}

int
plan_step_named(Reader *reader, const char *what, const char *name, size_t len)
{
	int			step = plan_lookup_step(reader, name, len);

	if (step == PLAN_NO_STEP)
		plan_tell_near(reader, near_step(reader, name, len), "Name a step of this workflow.",
					   "%s: there is no step %s", what, plan_quote(reader, name, len));
	return step;
}

/* ---- members of the objects that declare something ---- */

int
plan_declared(const JsonNode *object, const char *name, size_t len)
{
	const JsonNode *member = object ? json_node_member(object, name, len) : NULL;

	return member ? (int) member->index : PLAN_UNSET;
}

void
plan_offer_members(const Reader *reader, Near *near, const JsonNode *object)
{
	const JsonNode *member;

	if (reader->nproblems >= PLAN_MAX_PROBLEMS)
		return;
	for (member = object ? object->is.first : NULL; member; member = member->next)
		near_offer(near, member->name);
}

static bool
is_output_word(const char *text, size_t len)
{
	return len == 6 && memcmp(text, "output", 6) == 0;
}

/* ---- sources ---- */

static bool
input_source(Reader *reader, const char *what, const char *name, size_t len, PlanSource *source)
{
	Near		near;

	source->step = PLAN_INPUTS;
	source->value = plan_declared(reader->inputs, name, len);
	if (source->value != PLAN_UNSET && source->value < reader->plan->ninputs)
		return true;
	near_init(&near, name, len);
	plan_offer_members(reader, &near, reader->inputs);
	plan_tell_near(reader, near.best, "Declare it in the inputs of the workflow.",
				   "%s: the workflow has no input %s", what, plan_quote(reader, name, len));
	return false;
}

static void
tell_no_output(Reader *reader, const char *what, int step, const char *name, size_t len)
{
	const char *step_name = reader->plan->steps[step].name;
	Near		near;

	near_init(&near, name, len);
	plan_offer_members(reader, &near, reader->notes[step].outputs);
	plan_tell_near(reader, near.best, "Declare it in the outputs of that step; the word output stands for its whole answer.",
				   "%s: step \"%s\" has no output %s", what, step_name, plan_quote(reader, name, len));
}

static bool
step_source(Reader *reader, const char *what, int step, const char *name, size_t len, PlanSource *source)
{
	source->step = step;
	source->value = PLAN_WHOLE_ANSWER;
	if (reader->plan->steps[step].is_decision)
	{
		plan_tell(reader, "Use an output of the step that the decision looks at.",
				  "%s: step \"%s\" is a decision, which has no output", what, reader->plan->steps[step].name);
		return false;
	}
	if (is_output_word(name, len))
		return true;
	source->value = plan_declared(reader->notes[step].outputs, name, len);
	if (source->value != PLAN_UNSET && source->value < reader->plan->steps[step].noutputs)
		return true;
	tell_no_output(reader, what, step, name, len);
	return false;
}

/* step.name, cut apart already. */
static bool
source_of(Reader *reader, const char *what, const char *step, size_t step_len,
		  const char *name, size_t len, PlanSource *source)
{
	int			number;

	if (step_len == 6 && memcmp(step, "inputs", 6) == 0)
		return input_source(reader, what, name, len, source);
	number = plan_step_named(reader, what, step, step_len);
	return number != PLAN_NO_STEP && step_source(reader, what, number, name, len, source);
}

bool
plan_source(Reader *reader, const char *what, const char *text, size_t len, PlanSource *source)
{
	const char *point = memchr(text, '.', len);
	size_t		step_len = point ? (size_t) (point - text) : 0;

	if (point == NULL || step_len == 0 || !template_is_name(point + 1, len - step_len - 1))
	{
		plan_tell(reader, SOURCE_HINT, "%s: %s is no source", what, plan_quote(reader, text, len));
		return false;
	}
	return source_of(reader, what, text, step_len, point + 1, len - step_len - 1, source);
}

/* ---- templates ---- */

static bool
single_source(Reader *reader, PlanPiece *piece, const PlanSource *source)
{
	piece->sources = plan_alloc(reader, 1, sizeof(PlanSource));
	if (piece->sources == NULL)
		return false;
	piece->sources[0] = *source;
	piece->nsources = 1;
	return true;
}

static bool
step_piece(Reader *reader, int self, bool in_rule, const char *what, const TemplatePart *part, PlanPiece *piece)
{
	PlanSource	source;

	if (!source_of(reader, what, part->step, part->step_len, part->name, part->name_len, &source))
		return false;
	if (in_rule && source.step == self && source.value != PLAN_WHOLE_ANSWER)
	{
		piece->own_output = source.value;
		return true;
	}
	return single_source(reader, piece, &source);
}

/* In a rule: one of the step's own outputs, or its whole answer. */
static bool
own_piece(Reader *reader, int self, const TemplatePart *part, PlanPiece *piece)
{
	PlanSource	whole = {self, PLAN_WHOLE_ANSWER};

	piece->own_output = plan_declared(reader->notes[self].outputs, part->name, part->name_len);
	if (piece->own_output != PLAN_UNSET)
		return true;
	return is_output_word(part->name, part->name_len) && single_source(reader, piece, &whole);
}

static void
tell_unknown_name(Reader *reader, int self, bool in_rule, const char *what, const TemplatePart *part)
{
	Near		near;

	near_init(&near, part->name, part->name_len);
	plan_offer_members(reader, &near, reader->notes[self].inputs);
	plan_offer_members(reader, &near, reader->inputs);
	if (in_rule)
		plan_offer_members(reader, &near, reader->notes[self].outputs);
	plan_tell_near(reader, near.best, "Declare it in the inputs of the workflow, or map it in the inputs of the step; {{ and }} are braces.",
				   "%s: {%.*s} is neither declared nor mapped", what, (int) part->name_len, part->name);
}

static bool
name_piece(Reader *reader, int self, bool in_rule, const char *what, const TemplatePart *part, PlanPiece *piece)
{
	const PlanStep *step = &reader->plan->steps[self];
	PlanSource	source = {PLAN_INPUTS, PLAN_UNSET};
	int			mapping;

	if (in_rule && own_piece(reader, self, part, piece))
		return true;
	mapping = plan_declared(reader->notes[self].inputs, part->name, part->name_len);
	if (mapping != PLAN_UNSET && mapping < step->nmappings)
	{
		piece->nsources = step->mappings[mapping].nsources;
		piece->sources = step->mappings[mapping].sources;
		return true;
	}
	source.value = plan_declared(reader->inputs, part->name, part->name_len);
	if (source.value != PLAN_UNSET && source.value < reader->plan->ninputs)
		return single_source(reader, piece, &source);
	tell_unknown_name(reader, self, in_rule, what, part);
	return false;
}

static void
read_piece(Reader *reader, int self, bool in_rule, const char *what, TemplateKind kind,
		   const TemplatePart *part, PlanText *text)
{
	PlanPiece  *piece = &text->pieces[text->npieces];
	bool		good = true;

	memset(piece, 0, sizeof(*piece));
	piece->own_output = PLAN_UNSET;
	if (kind == TEMPLATE_TEXT)
	{
		piece->literal = part->text;
		piece->len = part->len;
	}
	else if (part->step)
		good = step_piece(reader, self, in_rule, what, part, piece);
	else
		good = name_piece(reader, self, in_rule, what, part, piece);
	if (good)
		text->npieces++;
}

static size_t
count_parts(const JsonNode *node)
{
	Template	template;
	TemplatePart part;
	size_t		count = 0;

	template_init(&template, node->is.text, node->by.len);
	while (template_next(&template, &part) != TEMPLATE_END)
		count++;
	return count;
}

void
plan_template(Reader *reader, int self, bool in_rule, const char *what, const JsonNode *node, PlanText *text)
{
	Template	template;
	TemplatePart part;
	TemplateKind kind;
	int			bad = 0;

	text->npieces = 0;
	text->pieces = plan_alloc(reader, count_parts(node), sizeof(PlanPiece));
	if (text->pieces == NULL)
		return;
	template_init(&template, node->is.text, node->by.len);
	while ((kind = template_next(&template, &part)) != TEMPLATE_END)
	{
		if (kind != TEMPLATE_BAD)
			read_piece(reader, self, in_rule, what, kind, &part, text);
		else if (bad++ < MAX_BAD)
			plan_tell(reader, BRACES_HINT, "%s: a brace stands alone: %s", what,
					  plan_quote(reader, part.text, utf8_clip(part.text, part.len, 20)));
	}
}
