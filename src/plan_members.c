/*
 * plan_members.c
 *		Members of objects, read strictly: what is unknown, or of the wrong type,
 *		is a problem, never ignored.
 */
#include "plan_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "json_number.h"
#include "near.h"

#define SHOWN_MAX	60

static const char *
kind_name(JsonNodeKind kind)
{
	switch (kind)
	{
		case NODE_BOOL:
			return "true or false";
		case NODE_NUMBER:
			return "a number";
		case NODE_STRING:
			return "a text";
		case NODE_ARRAY:
			return "an array";
		case NODE_OBJECT:
			return "an object";
		case NODE_NULL:
			break;
	}
	return "null";
}

bool
plan_is_text(const JsonNode *node)
{
	return node->kind == NODE_STRING && node->by.len > 0;
}

const JsonNode *
plan_any_member(const JsonNode *object, const char *name)
{
	return json_node_member(object, name, strlen(name));
}

static bool
is_allowed(const char *const *allowed, const JsonNode *member)
{
	for (; *allowed; allowed++)
	{
		if (strcmp(*allowed, member->name) == 0)
			return true;
	}
	return false;
}

/* "Use one of: a, b, c." */
static void
put_words(Buf *out, const char *const *words)
{
	const char *between = "Use one of: ";

	for (; *words; words++)
	{
		buf_printf(out, "%s%s", between, *words);
		between = ", ";
	}
	buf_putc(out, '.');
}

const char *
plan_nearest(const char *text, size_t len, const char *const *words)
{
	Near		near;

	near_init(&near, text, len);
	for (; *words; words++)
		near_offer(&near, *words);
	return near.best;
}

void
plan_only_members(Reader *reader, const JsonNode *object, const char *const *allowed)
{
	const JsonNode *member;
	Buf			hint;

	buf_init(&hint, 0);
	for (member = object->is.first; member; member = member->next)
	{
		if (is_allowed(allowed, member) || reader->nproblems >= PLAN_MAX_PROBLEMS)
			continue;
		buf_reset(&hint);
		put_words(&hint, allowed);
		plan_tell_near(reader, plan_nearest(member->name, member->name_len, allowed), buf_text(&hint),
					   "%s is not known here", plan_quote(reader, member->name, member->name_len));
	}
	buf_free(&hint);
}

static void
tell_kind(Reader *reader, const JsonNode *member, const char *expected)
{
	Buf			found;

	buf_init(&found, 0);
	json_node_write(&found, member, SHOWN_MAX);
	plan_tell(reader, "See doc/workflows.md for what it may be.", "%s must be %s, it is %s", member->name, expected, buf_text(&found));
	buf_free(&found);
}

const JsonNode *
plan_member(Reader *reader, const JsonNode *object, const char *name, JsonNodeKind kind)
{
	const JsonNode *member = plan_any_member(object, name);

	if (member == NULL || member->kind == kind)
		return member;
	tell_kind(reader, member, kind_name(kind));
	return NULL;
}

const char *
plan_text(Reader *reader, const JsonNode *object, const char *name)
{
	const JsonNode *member = plan_member(reader, object, name, NODE_STRING);

	if (member == NULL)
		return NULL;
	if (member->by.len > 0)
		return member->is.text;
	plan_tell(reader, "Leave it out, or say something.", "%s is empty", name);
	return NULL;
}

bool
plan_bool(Reader *reader, const JsonNode *object, const char *name, bool usual)
{
	const JsonNode *member = plan_member(reader, object, name, NODE_BOOL);

	return member ? member->count != 0 : usual;
}

int
plan_int(Reader *reader, const JsonNode *object, const char *name, int low, int high, int usual)
{
	const JsonNode *member = plan_member(reader, object, name, NODE_NUMBER);
	double		number;

	if (member == NULL)
		return usual;
	number = strtod(member->is.text, NULL);
	if (number >= low && number <= high && json_number_is_integer(member->is.text, member->by.len))
		return (int) number;
	plan_tell(reader, "Give a number of that range, or leave it out.",
			  "%s is %.40s, it must be a whole number from %d to %d", name, member->is.text, low, high);
	return usual;
}

double
plan_number(Reader *reader, const JsonNode *object, const char *name, double low, double high, double usual)
{
	const JsonNode *member = plan_member(reader, object, name, NODE_NUMBER);
	double		number;

	if (member == NULL)
		return usual;
	number = strtod(member->is.text, NULL);
	if (number >= low && number <= high)
		return number;
	plan_tell(reader, "Give a number of that range, or leave it out.",
			  "%s is %.40s, it must be from %g to %g", name, member->is.text, low, high);
	return usual;
}

int
plan_word(Reader *reader, const JsonNode *object, const char *name, const char *const *words, int usual)
{
	const JsonNode *member = plan_member(reader, object, name, NODE_STRING);
	Buf			hint;
	int			i;

	if (member == NULL)
		return usual;
	for (i = 0; words[i]; i++)
	{
		if (strcmp(words[i], member->is.text) == 0)
			return i;
	}
	buf_init(&hint, 0);
	put_words(&hint, words);
	plan_tell_near(reader, plan_nearest(member->is.text, member->by.len, words), buf_text(&hint),
				   "%s %s is not known", name, plan_quote(reader, member->is.text, member->by.len));
	buf_free(&hint);
	return usual;
}

static bool
came_before(const JsonNode *item)
{
	const JsonNode *other;

	for (other = item->parent->is.first; other != item; other = other->next)
	{
		if (json_node_compare(other, item) == 0)
			return true;
	}
	return false;
}

const char **
plan_texts(Reader *reader, const JsonNode *object, const char *name, int max, int *count)
{
	const JsonNode *array = plan_member(reader, object, name, NODE_ARRAY);
	const JsonNode *item;
	const char **texts;

	*count = 0;
	if (array == NULL)
		return NULL;
	if (array->count == 0 || array->count > (uint32_t) max)
	{
		plan_tell(reader, "Give so many, or leave it out.", "%s has %u values, it must have from 1 to %d", name, array->count, max);
		return NULL;
	}
	texts = plan_alloc(reader, array->count, sizeof(char *));
	for (item = array->is.first; item && texts; item = item->next)
	{
		if (!plan_is_text(item))
			plan_tell(reader, "Write an array of texts that are not empty.",
					  "value %u of %s is no text, or empty", item->index + 1, name);
		else if (came_before(item))
			plan_tell(reader, "Leave it out here.", "%s names %s twice", name,
					  plan_quote(reader, item->is.text, item->by.len));
		else
			texts[(*count)++] = item->is.text;
	}
	return texts;
}

void
plan_tell_missing(Reader *reader, const char *name, const char *hint)
{
	plan_tell(reader, hint, "%s is missing", name);
}
