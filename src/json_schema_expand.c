/*
 * json_schema_expand.c
 *		Makes a JSON Schema of the guide's shorthand.
 *
 * {"name":"string"} is shorthand and {"type":"string"} is a schema, but both are
 * objects with a type word in them.  What a text is, is decided by two questions:
 * could it be shorthand (every member is a type word or an object), and is there
 * a keyword with a value of its shape?  If both hold it is a schema, provided
 * that nothing but keywords is in it; otherwise nobody can tell, and it is
 * refused, because {"type":"object","propertes":{...}} must not silently become
 * a schema for something else.  Nested objects are judged in the same way.
 */
#include <string.h>

#include "json_schema_private.h"

#define MAX_NODES	50000
#define SHOWN_MAX	60

typedef struct Expander
{
	Buf			out;
	Buf		   *problem;
} Expander;

typedef enum Reading
{
	READ_SHORTHAND,
	READ_SCHEMA,
	READ_NEITHER				/* the problem was told */
} Reading;

/* A type word taken apart: "string[]?" */
typedef struct TypeWord
{
	int			bit;			/* 0: any */
	int			arrays;
	bool		optional;
	size_t		len;			/* of the word itself */
} TypeWord;

static bool
ends_with(const char *text, size_t len, const char *end)
{
	size_t		end_len = strlen(end);

	return len >= end_len && memcmp(text + len - end_len, end, end_len) == 0;
}

static bool
read_type_word(const JsonNode *value, TypeWord *word)
{
	const char *text = value->is.text;
	size_t		len;

	if (value->kind != NODE_STRING)
		return false;
	len = value->by.len;
	memset(word, 0, sizeof(*word));
	word->optional = ends_with(text, len, "?");
	if (word->optional)
		len--;
	for (; ends_with(text, len, "[]") && word->arrays < 8; word->arrays++)
		len -= 2;
	word->len = len;
	if (len == 3 && memcmp(text, "any", 3) == 0)
		return true;
	word->bit = json_schema_type_bit(text, len);
	return word->bit != 0 && word->bit != TYPE_NULL;
}

/* ---- what is it? ---- */

static Reading read_object(Expander *expander, const JsonNode *object, bool tell);

/* Where the problem is; the outermost object has no path. */
static void
begin_problem(Expander *expander, const JsonNode *at)
{
	if (at->parent)
		json_node_path(expander->problem, at);
	else
		buf_puts(expander->problem, "the shorthand");
	buf_puts(expander->problem, ": ");
}

static void
tell_bad_value(Expander *expander, const JsonNode *value)
{
	const char *near = NULL;
	TypeWord	word;

	begin_problem(expander, value);
	json_node_write(expander->problem, value, SHOWN_MAX);
	buf_puts(expander->problem, " is no type; write \"string\", \"number\", \"integer\", \"boolean\", \"object\", \"array\", \"any\", \"string[]\" (an array of strings), a ? behind it for an optional member, or an object of such members");
	if (value->kind == NODE_STRING)
	{
		read_type_word(value, &word);
		near = json_schema_near_type(value->is.text, word.len);
	}
	if (near && strcmp(near, "null") != 0)
		buf_printf(expander->problem, "; perhaps you meant \"%s\"", near);
	else if (value->kind == NODE_ARRAY)
		buf_puts(expander->problem, "; for more than that, write a JSON Schema: {\"type\":\"array\",\"items\":...}");
}

/* Can the member stand in shorthand? */
static bool
is_shorthand(Expander *expander, const JsonNode *member, bool tell)
{
	TypeWord	word;

	if (ends_with(member->name, member->name_len, "?"))
	{
		if (tell)
		{
			begin_problem(expander, member);
			buf_puts(expander->problem, "write the ? behind the type, not behind the name");
		}
		return false;
	}
	if (member->kind == NODE_OBJECT)
		return read_object(expander, member, tell) != READ_NEITHER;
	if (read_type_word(member, &word))
		return true;
	if (tell)
		tell_bad_value(expander, member);
	return false;
}

static bool
all_shorthand(Expander *expander, const JsonNode *object, bool tell)
{
	const JsonNode *member;

	for (member = object->is.first; member; member = member->next)
	{
		if (!is_shorthand(expander, member, tell))
			return false;
	}
	return true;
}

/* Does the member show that its object is a schema? */
static bool
is_sign(const JsonNode *member)
{
	const Keyword *keyword = json_schema_keyword(member->name, member->name_len);
	TypeWord	word;

	if (keyword == NULL || !json_schema_shape_fits(keyword->shape, member))
		return false;
	switch (keyword->id)
	{
		case KW_TYPE:
			return true;
		case KW_CONST:
			return !read_type_word(member, &word);
		case KW_ANNOTATION:
			/* no sign, unless it is one that only schemas have */
			return member->name[0] == '$' && !read_type_word(member, &word);
		case KW_UNSUPPORTED:
			return member->kind != NODE_OBJECT && !read_type_word(member, &word);
		default:
			return true;
	}
}

static bool only_keywords(const JsonNode *schema, const JsonNode **other);

static bool
only_keywords_within(const JsonNode *list, const JsonNode **other)
{
	const JsonNode *child;

	for (child = list->is.first; child; child = child->next)
	{
		if (!only_keywords(child, other))
			return false;
	}
	return true;
}

/* Is there nothing in it but keywords with values of their shapes? */
static bool
only_keywords(const JsonNode *schema, const JsonNode **other)
{
	const JsonNode *member;

	if (schema->kind != NODE_OBJECT)
		return true;
	for (member = schema->is.first; member; member = member->next)
	{
		const Keyword *keyword = json_schema_keyword(member->name, member->name_len);

		*other = member;
		if (keyword == NULL || !json_schema_shape_fits(keyword->shape, member))
			return false;
		if (keyword->shape == SHAPE_SCHEMA && !only_keywords(member, other))
			return false;
		if ((keyword->shape == SHAPE_SCHEMAS || keyword->shape == SHAPE_SCHEMA_MAP) &&
			!only_keywords_within(member, other))
			return false;
	}
	return true;
}

static Reading
tell_unclear(Expander *expander, const JsonNode *object, const JsonNode *sign, const JsonNode *other, bool tell)
{
	const char *near = json_schema_near_keyword(other->name, other->name_len);

	if (!tell)
		return READ_NEITHER;
	begin_problem(expander, object);
	json_node_write(expander->problem, sign->parent, SHOWN_MAX);
	buf_printf(expander->problem, " could be shorthand with a member called %s, or a JSON Schema; ", sign->name);
	json_node_path(expander->problem, other);
	buf_puts(expander->problem, " is no keyword with a value of its kind");
	if (near && strcmp(near, other->name) != 0)
		buf_printf(expander->problem, " (perhaps you meant %s)", near);
	buf_puts(expander->problem, "; write the schema: {\"type\":\"object\",\"properties\":{...},\"required\":[...]}");
	return READ_NEITHER;
}

static Reading
read_object(Expander *expander, const JsonNode *object, bool tell)
{
	const JsonNode *sign = object->is.first;
	const JsonNode *other = NULL;

	while (sign && !is_sign(sign))
		sign = sign->next;
	if (sign == NULL)
		return all_shorthand(expander, object, tell) ? READ_SHORTHAND : READ_NEITHER;
	if (only_keywords(object, &other) || !all_shorthand(expander, object, false))
		return READ_SCHEMA;
	return tell_unclear(expander, object, sign, other, tell);
}

/* ---- writing the schema ---- */

static void
write_json(Buf *out, const JsonNode *node)
{
	json_node_write(out, node, SIZE_MAX / 2);
}

static void
write_type(Buf *out, const TypeWord *word)
{
	int			i;

	for (i = 0; i < word->arrays; i++)
		buf_puts(out, "{\"type\":\"array\",\"items\":");
	if (word->bit == 0)
		buf_puts(out, "{}");
	else
	{
		buf_puts(out, "{\"type\":\"");
		json_schema_put_types(out, word->bit);
		buf_puts(out, "\"}");
	}
	for (i = 0; i < word->arrays; i++)
		buf_putc(out, '}');
}

static void write_object(Expander *expander, const JsonNode *object);

static void
write_value(Expander *expander, const JsonNode *value)
{
	TypeWord	word;

	if (value->kind != NODE_OBJECT)
	{
		read_type_word(value, &word);
		write_type(&expander->out, &word);
	}
	else if (read_object(expander, value, false) == READ_SCHEMA)
		write_json(&expander->out, value);
	else
		write_object(expander, value);
}

static bool
is_optional(const JsonNode *value)
{
	TypeWord	word;

	return value->kind == NODE_STRING && read_type_word(value, &word) && word.optional;
}

static void
write_required(Buf *out, const JsonNode *object)
{
	const char *before = ",\"required\":[";
	const JsonNode *member;

	for (member = object->is.first; member; member = member->next)
	{
		if (is_optional(member))
			continue;
		buf_puts(out, before);
		buf_json_string(out, member->name, member->name_len);
		before = ",";
	}
	if (before[1] == '\0')
		buf_putc(out, ']');
}

static void
write_object(Expander *expander, const JsonNode *object)
{
	Buf		   *out = &expander->out;
	const JsonNode *member;

	buf_puts(out, "{\"type\":\"object\",\"properties\":{");
	for (member = object->is.first; member; member = member->next)
	{
		if (member->index > 0)
			buf_putc(out, ',');
		buf_json_string(out, member->name, member->name_len);
		buf_putc(out, ':');
		write_value(expander, member);
	}
	buf_putc(out, '}');
	write_required(out, object);
	buf_putc(out, '}');
}

/* ---- all of it ---- */

/* What is common to schemas and shorthand; false: the problem was told. */
static bool
is_usable(const JsonTree *tree, Buf *problem)
{
	const JsonNode *root = json_tree_root(tree);
	const JsonNode *duplicate = json_tree_duplicate(tree);

	if (root->kind != NODE_OBJECT && root->kind != NODE_BOOL)
	{
		buf_puts(problem, "expected a JSON Schema or shorthand like {\"name\":\"string\"}, found ");
		json_node_write(problem, root, SHOWN_MAX);
		return false;
	}
	if (duplicate)
	{
		json_node_path(problem, duplicate);
		buf_puts(problem, ": this name comes twice in its object");
		return false;
	}
	if (json_tree_replaced(tree) > 0)
	{
		buf_puts(problem, "the schema holds \\u0000, half a surrogate pair or bytes that are not UTF-8");
		return false;
	}
	return true;
}

static bool
expand(const JsonTree *tree, const char *text, size_t len, Expander *expander)
{
	const JsonNode *root = json_tree_root(tree);
	Reading		reading = READ_SCHEMA;

	if (!is_usable(tree, expander->problem))
		return false;
	/* an empty object is the schema that everything fits */
	if (root->kind == NODE_OBJECT && root->count > 0)
		reading = read_object(expander, root, true);
	if (reading == READ_SCHEMA)
		buf_append(&expander->out, text, len);
	else if (reading == READ_SHORTHAND)
		write_object(expander, root);
	if (!expander->out.failed)
		return reading != READ_NEITHER;
	buf_puts(expander->problem, "out of memory");
	return false;
}

bool
json_schema_expand(const char *text, size_t len, Buf *schema, Buf *problem)
{
	JsonTree   *tree = json_tree_parse(text, len, MAX_NODES, problem);
	Expander	expander;
	bool		good;

	if (tree == NULL)
		return false;
	expander.problem = problem;
	buf_init(&expander.out, 0);
	good = expand(tree, text, len, &expander);
	if (good && !buf_append(schema, buf_text(&expander.out), expander.out.len))
	{
		buf_puts(problem, "the schema is too large");
		good = false;
	}
	buf_free(&expander.out);
	json_tree_free(tree);
	return good;
}
