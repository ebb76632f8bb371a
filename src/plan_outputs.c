/*
 * plan_outputs.c
 *		The outputs of a step: how they are asked for, and how an answer is searched
 *		for them.
 *
 * An answer that is one JSON object is taken by its members. So is its last fenced
 * block of JSON, if every required output is in it. Otherwise each output is the
 * section of its name, or else a member of that block. A step that answers with
 * code or plain text has no sections: its one output, if that is a string, is the
 * whole answer.
 */
#include <stdlib.h>
#include <string.h>

#include "plan_private.h"
#include "plan_text_value.h"
#include "sections.h"

#define ROOM_MIN		100000	/* digits that exponents may stand for, in a small answer */
#define MAX_FAULTS		20
#define WHY_MAX			1000

/* ---- asking for them ---- */

static bool
is_whole_answer(const PlanStep *step)
{
	return step->noutputs == 1 && step->outputs[0].type == PLAN_STRING && step->output_format &&
		(strcmp(step->output_format, "code") == 0 || strcmp(step->output_format, "plaintext") == 0);
}

static void
put_schema_value(const PlanValue *value, Buf *schema)
{
	int			i;

	buf_json_string(schema, value->name, strlen(value->name));
	buf_printf(schema, ":{\"type\":\"%s\"", value->type == PLAN_ENUM ? "string" : plan_type_name(value->type));
	for (i = 0; i < value->nchoices; i++)
	{
		buf_puts(schema, i == 0 ? ",\"enum\":[" : ",");
		buf_json_string(schema, value->choices[i], strlen(value->choices[i]));
	}
	if (value->nchoices > 0)
		buf_putc(schema, ']');
	if (value->description)
	{
		buf_puts(schema, ",\"description\":");
		buf_json_string(schema, value->description, strlen(value->description));
	}
	buf_putc(schema, '}');
}

/*
 * Further members are forbidden where that lets a vendor hold the model to the
 * schema; where it does not, they do no harm.
 */
static bool
can_be_strict(const PlanStep *step)
{
	int			i;

	for (i = 0; i < step->noutputs; i++)
	{
		if (!step->outputs[i].required || step->outputs[i].type == PLAN_OBJECT || step->outputs[i].type == PLAN_ARRAY)
			return false;
	}
	return true;
}

void
plan_step_schema(const PlanStep *step, Buf *schema)
{
	const char *before = "},\"required\":[";
	int			i;

	if (step->noutputs == 0)
		return;
	buf_puts(schema, "{\"type\":\"object\",\"properties\":{");
	for (i = 0; i < step->noutputs; i++)
	{
		buf_puts(schema, i == 0 ? "" : ",");
		put_schema_value(&step->outputs[i], schema);
	}
	for (i = 0; i < step->noutputs; i++)
	{
		if (!step->outputs[i].required)
			continue;
		buf_puts(schema, before);
		buf_json_string(schema, step->outputs[i].name, strlen(step->outputs[i].name));
		before = ",";
	}
	buf_puts(schema, before[0] == ',' ? "]" : "}");
	buf_puts(schema, can_be_strict(step) ? ",\"additionalProperties\":false}" : "}");
}

static void
put_type_instructions(const PlanValue *value, Buf *out)
{
	int			i;

	switch (value->type)
	{
		case PLAN_STRING:
			if (value->file_name)
				buf_printf(out, "The content of the file %s, in one fenced code block.", value->file_name);
			else
				buf_puts(out, "Text. Further headings in it are of level 3 or lower.");
			return;
		case PLAN_NUMBER:
			buf_puts(out, "A number and nothing else, as in 0.85.");
			return;
		case PLAN_BOOLEAN:
			buf_puts(out, "The word true or the word false, and nothing else.");
			return;
		case PLAN_OBJECT:
			buf_puts(out, "One JSON object, in one fenced code block.");
			return;
		case PLAN_ARRAY:
			buf_puts(out, "A list, each item on a line that begins with \"- \"; or one JSON array, in one fenced code block.");
			return;
		case PLAN_ENUM:
			break;
	}
	buf_puts(out, "One of these, and nothing else: ");
	for (i = 0; i < value->nchoices; i++)
		buf_printf(out, "%s%s", i > 0 ? ", " : "", value->choices[i]);
}

void
plan_step_instructions(const PlanStep *step, Buf *out)
{
	const PlanValue *value;

	if (step->noutputs == 0 || is_whole_answer(step))
		return;
	buf_puts(out, "Write the answer in Markdown, with a section for each of the following. The heading of each section is exactly the one given here.\n");
	for (value = step->outputs; value < step->outputs + step->noutputs; value++)
	{
		buf_printf(out, "\n## %s\n\n", value->name);
		if (value->description)
			buf_printf(out, "%s\n", value->description);
		put_type_instructions(value, out);
		buf_puts(out, value->required ? "\n" : " This section may be left out.\n");
	}
}

/* ---- what an answer holds ---- */

typedef struct Wanted
{
	SectionKey	key;
	Slice		body;			/* start is NULL: no such section */
	bool		is_blank;		/* nothing is in it */
} Wanted;

typedef struct Answer
{
	Slice		text;
	JsonTree   *tree;			/* an object, or NULL */
	bool		is_whole;		/* nothing else is in the answer */
	bool		began_json;		/* it looked like JSON, and was none */
	int			nwanted;
	Wanted	   *wanted;
} Answer;

static JsonTree *
parse_object(Slice text)
{
	JsonTree   *tree;
	Buf			ignored;

	text = slice_trim(text);
	if (text.start == text.end || *text.start != '{' || text.end[-1] != '}')
		return NULL;
	buf_init(&ignored, 2000);
	tree = json_tree_parse(text.start, slice_len(text), ANSWER_MAX_NODES, &ignored);
	buf_free(&ignored);
	return tree;
}

/* The last block that looks like an object. */
static JsonTree *
last_block(Slice text)
{
	Slice		last = {NULL, NULL};
	Slice		block;

	while (fence_next_block(&text, &block))
	{
		Slice		trimmed = slice_trim(block);

		if (trimmed.start < trimmed.end && *trimmed.start == '{')
			last = trimmed;
	}
	return last.start ? parse_object(last) : NULL;
}

static void
find_json(Answer *answer)
{
	Slice		text = slice_trim(answer->text);
	Slice		content;

	if (fence_take_off(text, &content))
		text = slice_trim(content);
	answer->tree = parse_object(text);
	answer->is_whole = answer->tree != NULL;
	answer->began_json = answer->tree == NULL && text.start < text.end && *text.start == '{';
	if (answer->tree == NULL)
		answer->tree = last_block(answer->text);
}

/* The first section of a name that holds something. */
static void
take_body(Wanted *wanted, Slice body)
{
	Slice		trimmed = slice_trim(body);
	bool		is_blank = trimmed.start == trimmed.end;
	bool		better = wanted->body.start == NULL ||
		(!is_blank && (wanted->is_blank || body.start < wanted->body.start));

	if (!better)
		return;
	wanted->body = body;
	wanted->is_blank = is_blank;
}

static void
take_section(void *arg, const SectionKey *key, Slice body)
{
	Answer	   *answer = arg;
	Wanted	   *wanted;

	for (wanted = answer->wanted; wanted < answer->wanted + answer->nwanted; wanted++)
	{
		if (section_key_equal(key, &wanted->key))
			take_body(wanted, body);
	}
}

static void
find_sections(Answer *answer)
{
	if (!answer->is_whole)
		sections_each(answer->text, take_section, answer);
}

static bool
answer_open(Answer *answer, const char *text, size_t len, int nwanted)
{
	memset(answer, 0, sizeof(*answer));
	answer->text.start = text;
	answer->text.end = text + len;
	answer->wanted = calloc((size_t) nwanted, sizeof(Wanted));
	answer->nwanted = nwanted;
	return answer->wanted != NULL;
}

static void
answer_close(Answer *answer)
{
	json_tree_free(answer->tree);
	free(answer->wanted);
}

/* ---- outputs ---- */

static const JsonNode *
member_of(const Answer *answer, const PlanValue *value)
{
	const JsonNode *member;

	if (answer->tree == NULL)
		return NULL;
	member = json_node_member(json_tree_root(answer->tree), value->name, strlen(value->name));
	/* an optional one may be said not to be there */
	return member && member->kind == NODE_NULL && !value->required ? NULL : member;
}

static bool
has_required(const Answer *answer, const PlanStep *step)
{
	int			i;

	for (i = 0; i < step->noutputs; i++)
	{
		if (step->outputs[i].required && member_of(answer, &step->outputs[i]) == NULL)
			return false;
	}
	return answer->tree != NULL;
}

typedef enum Found
{
	FOUND,
	FOUND_NOTHING,
	FOUND_WRONG
} Found;

typedef struct Taking
{
	const PlanStep *step;
	Answer		answer;
	bool		json_only;
	int64_t		room;
	Buf		   *out;
	Buf		   *problem;
	int			count;			/* outputs taken */
	int			faults;
} Taking;

static Found
take_value(Taking *taking, int i, Buf *out, Buf *why)
{
	const PlanValue *value = &taking->step->outputs[i];
	const Wanted *wanted = &taking->answer.wanted[i];
	const JsonNode *member = member_of(&taking->answer, value);
	bool		good;

	if (!taking->json_only && wanted->body.start && !wanted->is_blank)
		good = plan_value_of_text(value, wanted->body, &taking->room, out, why);
	else if (member)
		good = plan_value_of_node(value, member, &taking->room, out, why);
	else
		return FOUND_NOTHING;
	return good ? FOUND : FOUND_WRONG;
}

static void
tell_fault(Taking *taking, const PlanValue *value, const char *why)
{
	if (++taking->faults > MAX_FAULTS)
		return;
	buf_printf(taking->problem, "%soutput %s: %s", taking->faults > 1 ? "\n" : "", value->name, why);
}

static const char *
missing_words(const Answer *answer)
{
	if (answer->is_whole)
		return "it is missing; add a member of that name to the JSON object";
	if (answer->began_json)
		return "it is missing: the answer begins like JSON, but is no whole JSON object";
	return "it is missing; add a section with that name as its heading";
}

static void
take_output(Taking *taking, int i)
{
	const PlanValue *value = &taking->step->outputs[i];
	Buf			json;
	Buf			why;
	Found		found;

	buf_init(&json, 0);
	buf_init(&why, WHY_MAX);
	found = take_value(taking, i, &json, &why);
	if (found == FOUND && !json.failed)
	{
		buf_puts(taking->out, taking->count++ > 0 ? ", " : "");
		buf_json_string(taking->out, value->name, strlen(value->name));
		buf_puts(taking->out, ": ");
		buf_append(taking->out, buf_text(&json), json.len);
	}
	else if (found == FOUND_NOTHING && value->required)
		tell_fault(taking, value, missing_words(&taking->answer));
	else if (found != FOUND_NOTHING)
		tell_fault(taking, value, json.failed ? "out of memory" : buf_text(&why));
	buf_free(&json);
	buf_free(&why);
}

static void
find_outputs(Taking *taking)
{
	const PlanStep *step = taking->step;
	const JsonNode *twice;
	int			i;

	for (i = 0; i < step->noutputs; i++)
		section_key(step->outputs[i].name, strlen(step->outputs[i].name), &taking->answer.wanted[i].key);
	if (is_whole_answer(step))
	{
		take_body(&taking->answer.wanted[0], taking->answer.text);
		return;
	}
	find_json(&taking->answer);
	find_sections(&taking->answer);
	taking->json_only = taking->answer.is_whole || has_required(&taking->answer, step);
	twice = taking->answer.tree ? json_tree_duplicate(taking->answer.tree) : NULL;
	if (twice && taking->json_only)
	{
		taking->faults++;
		buf_puts(taking->problem, "the JSON object: ");
		json_node_path(taking->problem, twice);
		buf_puts(taking->problem, " comes twice");
	}
}

/* Only code keeps the white space around it. */
static bool
take_whole(Taking *taking)
{
	Slice		trimmed = slice_trim(taking->answer.text);
	const PlanValue *value = &taking->step->outputs[0];

	if (trimmed.start == trimmed.end)
		return false;
	buf_json_string(taking->out, value->name, strlen(value->name));
	buf_puts(taking->out, ": ");
	buf_json_string(taking->out, taking->answer.text.start, slice_len(taking->answer.text));
	return true;
}

bool
plan_step_outputs(const PlanStep *step, const char *text, size_t len, Buf *outputs, Buf *problem)
{
	Taking		taking;
	int			i;

	memset(&taking, 0, sizeof(taking));
	taking.step = step;
	taking.out = outputs;
	taking.problem = problem;
	taking.room = (int64_t) len + ROOM_MIN;
	if (!answer_open(&taking.answer, text, len, step->noutputs + 1))
	{
		buf_puts(problem, "out of memory");
		return false;
	}
	buf_putc(outputs, '{');
	find_outputs(&taking);
	if (!is_whole_answer(step) || !take_whole(&taking))
	{
		for (i = 0; i < step->noutputs; i++)
			take_output(&taking, i);
	}
	buf_putc(outputs, '}');
	answer_close(&taking.answer);
	return taking.faults == 0 && !outputs->failed;
}

/* ---- completeness ---- */

static void
mark_members(Answer *answer)
{
	const JsonNode *member = answer->tree ? json_tree_root(answer->tree)->is.first : NULL;
	SectionKey	key;
	int			i;

	for (; member; member = member->next)
	{
		section_key(member->name, member->name_len, &key);
		for (i = 0; i < answer->nwanted; i++)
		{
			if (answer->wanted[i].body.start == NULL && section_key_equal(&key, &answer->wanted[i].key))
				answer->wanted[i].body.start = answer->wanted[i].body.end = member->name;
		}
	}
}

double
plan_completeness(const char *const *sections, int nsections, const char *text, size_t len, Buf *missing)
{
	Answer		answer;
	int			found = 0;
	int			i;

	if (nsections == 0 || !answer_open(&answer, text, len, nsections))
		return nsections == 0 ? 1 : 0;
	for (i = 0; i < nsections; i++)
		section_key(sections[i], strlen(sections[i]), &answer.wanted[i].key);
	find_json(&answer);
	find_sections(&answer);
	mark_members(&answer);
	for (i = 0; i < nsections; i++)
	{
		if (answer.wanted[i].body.start)
			found++;
		else
			buf_printf(missing, "%s%s", missing->len > 0 ? ", " : "", sections[i]);
	}
	answer_close(&answer);
	return (double) found / nsections;
}
