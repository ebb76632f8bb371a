/*
 * plan_values.c
 *		Declared inputs and outputs, and their types.
 */
#include "plan_private.h"

#include <string.h>

#include "near.h"
#include "sections.h"
#include "template.h"

#define MAX_CHOICES	100
#define TYPE_HINT	"Write \"string\", \"number\", \"boolean\", \"object\", \"array\", or an object with type (one of these, or \"enum\" with values)."

static const char *const type_words[] = {
	"string", "number", "boolean", "object", "array", "enum", NULL
};

static const JsonNodeKind type_kinds[] = {
	NODE_STRING, NODE_NUMBER, NODE_BOOL, NODE_OBJECT, NODE_ARRAY, NODE_STRING
};

static const char *const input_members[] = {
	"type", "values", "description", "required", "default", NULL
};

static const char *const output_members[] = {
	"type", "values", "description", "required", "file_name", "media_type", "metric", NULL
};

const char *
plan_type_name(PlanType type)
{
	return type_words[type];
}

bool
plan_is_choice(const PlanValue *value, const char *text)
{
	int			i;

	for (i = 0; i < value->nchoices; i++)
	{
		if (strcmp(value->choices[i], text) == 0)
			return true;
	}
	return false;
}

const char *
plan_near_choice(const PlanValue *value, const char *text)
{
	Near		near;
	int			i;

	near_init(&near, text, strlen(text));
	for (i = 0; i < value->nchoices; i++)
		near_offer(&near, value->choices[i]);
	return near.best;
}

bool
plan_value_fits(const PlanValue *value, const JsonNode *node)
{
	return node->kind == type_kinds[value->type] &&
		(value->type != PLAN_ENUM || plan_is_choice(value, node->is.text));
}

/* {"label": "Coverage", "unit": "%"}: the output is shown among the metrics. */
static void
read_metric(Reader *reader, const JsonNode *node, PlanValue *value)
{
	static const char *const allowed[] = {"label", "unit", NULL};
	const JsonNode *metric = plan_member(reader, node, "metric", NODE_OBJECT);

	if (metric == NULL)
		return;
	plan_only_members(reader, metric, allowed);
	value->metric_label = plan_text(reader, metric, "label");
	value->metric_unit = plan_text(reader, metric, "unit");
	if (plan_any_member(metric, "label") == NULL)
		plan_tell_missing(reader, "label of metric", "Say how people shall read it: {\"label\": \"Coverage\", \"unit\": \"%\"}.");
	if (value->type != PLAN_NUMBER)
		plan_tell(reader, "Give it the type number.", "metric is for numbers, and this is a %s", plan_type_name(value->type));
}

static void
read_default(Reader *reader, const JsonNode *node, PlanValue *value)
{
	value->default_value = plan_any_member(node, "default");
	if (value->default_value == NULL)
		return;
	value->required = false;
	if (!plan_value_fits(value, value->default_value))
		plan_tell(reader, "Give a default of the declared type.", "default is no value of type %s",
				  plan_type_name(value->type));
}

static void
read_choices(Reader *reader, const JsonNode *node, PlanValue *value)
{
	const JsonNode *values = plan_any_member(node, "values");

	if (value->type == PLAN_ENUM && values == NULL)
		plan_tell_missing(reader, "values", "List what the enum may be: \"values\": [\"low\", \"high\"].");
	else if (value->type == PLAN_ENUM)
		value->choices = plan_texts(reader, node, "values", MAX_CHOICES, &value->nchoices);
	else if (values)
		plan_tell(reader, "Give it the type enum, or leave values out.", "values are of an enum only");
}

/* What an object says of a value. */
static void
read_details(Reader *reader, const JsonNode *node, bool is_input, PlanValue *value)
{
	plan_only_members(reader, node, is_input ? input_members : output_members);
	value->description = plan_text(reader, node, "description");
	value->required = plan_bool(reader, node, "required", true);
	if (plan_any_member(node, "type") == NULL)
		plan_tell_missing(reader, "type", TYPE_HINT);
	value->type = (PlanType) plan_word(reader, node, "type", type_words, PLAN_STRING);
	read_choices(reader, node, value);
	if (is_input)
	{
		read_default(reader, node, value);
		return;
	}
	value->file_name = plan_text(reader, node, "file_name");
	value->media_type = plan_text(reader, node, "media_type");
	read_metric(reader, node, value);
}

/* The type as a word alone. */
static void
read_type_word(Reader *reader, const JsonNode *node, PlanValue *value)
{
	int			i;

	for (i = 0; i < PLAN_ENUM; i++)
	{
		if (strcmp(type_words[i], node->is.text) == 0)
		{
			value->type = (PlanType) i;
			return;
		}
	}
	plan_tell_near(reader, plan_nearest(node->is.text, node->by.len, type_words), TYPE_HINT,
				   "type %s is not known", plan_quote(reader, node->is.text, node->by.len));
}

/* An output may be a section of an answer, and headings are compared by their keys. */
static void
check_heading(Reader *reader, const JsonNode *node)
{
	const JsonNode *other;
	SectionKey	key;
	SectionKey	other_key;

	section_key(node->name, node->name_len, &key);
	if (key.len == 0)
		plan_tell(reader, "Use a letter too.", "a heading has to have a letter or a digit");
	for (other = node->parent->is.first; other != node; other = other->next)
	{
		section_key(other->name, other->name_len, &other_key);
		if (!section_key_equal(&key, &other_key))
			continue;
		plan_tell(reader, "Give it a name that differs in more than case and _.",
				  "as headings, %s and %s are the same", node->name, plan_quote(reader, other->name, other->name_len));
		return;
	}
}

static void
check_name(Reader *reader, const JsonNode *node, bool is_input)
{
	if (!template_is_name(node->name, node->name_len))
		plan_tell(reader, "Use letters, digits and _, beginning with a letter or _, 63 at most.",
				  "this is no name of a variable");
	else if (!is_input && strcmp(node->name, "output") == 0)
		plan_tell(reader, "Name it otherwise.", "the name output stands for the whole answer");
	else if (!is_input)
		check_heading(reader, node);
}

PlanValue *
plan_values(Reader *reader, const JsonNode *object, bool are_inputs, int *count)
{
	PlanValue  *values;
	const JsonNode *node;

	*count = 0;
	if (object == NULL)
		return NULL;
	if (object->count > PLAN_MAX_VALUES)
	{
		plan_tell(reader, "Put several into one of type object.", "%u %s are declared, there may be %d", object->count,
				  are_inputs ? "inputs" : "outputs", PLAN_MAX_VALUES);
		return NULL;
	}
	values = plan_alloc(reader, object->count, sizeof(PlanValue));
	if (values == NULL)
		return NULL;
	*count = (int) object->count;
	for (node = object->is.first; node; node = node->next)
	{
		PlanValue  *value = &values[node->index];

		plan_at_name(reader, are_inputs ? "input" : "output", node->name);
		value->name = node->name;
		value->required = true;
		check_name(reader, node, are_inputs);
		if (node->kind == NODE_OBJECT)
			read_details(reader, node, are_inputs, value);
		else if (node->kind == NODE_STRING)
			read_type_word(reader, node, value);
		else
			plan_tell(reader, TYPE_HINT, "its type must be a word or an object");
	}
	plan_at(reader, NULL);
	return values;
}
