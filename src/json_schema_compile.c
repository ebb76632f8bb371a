/*
 * json_schema_compile.c
 *		Reads a JSON Schema, and refuses what could not be checked later.
 *
 * Three passes: the first goes through the places where schemas stand, and
 * checks each keyword; the second lets every $ref find the schema it means;
 * the third looks for schemas that lead back to themselves without going into
 * the document, because checking those would never end.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "json_number.h"
#include "json_schema_private.h"

#define MAX_NODES		50000	/* values in a schema */
#define MAX_RULES		10000	/* schemas in a schema */
#define MAX_CHAIN		100		/* schemas in a row that look at the same value */
#define SHOWN_MAX		60
#define POINTER_MAX		300

typedef struct Compiler
{
	JsonSchema *schema;
	Buf		   *problem;
	int			nrules;
} Compiler;

static bool compile_schema(Compiler *compiler, JsonNode *node);

/* ---- problems ---- */

/* A JSON Pointer, written as $ref writes it. */
static void
put_pointer(Buf *out, const JsonNode *node)
{
	uint32_t	i;

	if (node->parent == NULL)
	{
		buf_puts(out, "#");
		return;
	}
	put_pointer(out, node->parent);
	if (node->name == NULL)
	{
		buf_printf(out, "/%u", node->index);
		return;
	}
	buf_putc(out, '/');
	for (i = 0; i < node->name_len; i++)
	{
		if (node->name[i] == '~' || node->name[i] == '/')
			buf_puts(out, node->name[i] == '~' ? "~0" : "~1");
		else
			buf_putc(out, (unsigned char) node->name[i] < 0x20 ? '?' : node->name[i]);
	}
}

static void
begin_problem(Compiler *compiler, const JsonNode *at)
{
	Buf			pointer;

	buf_init(&pointer, 0);
	put_pointer(&pointer, at);
	json_put_clipped(compiler->problem, buf_text(&pointer), pointer.len, POINTER_MAX);
	buf_puts(compiler->problem, ": ");
	buf_free(&pointer);
}

static bool
problem_at(Compiler *compiler, const JsonNode *at, const char *words)
{
	begin_problem(compiler, at);
	buf_puts(compiler->problem, words);
	return false;
}

/* A mistake that is made often: the name of a type, misspelt, or where a schema should be. */
static void
put_type_hint(Buf *out, const JsonNode *value, Shape shape)
{
	const char *near = NULL;

	if (value->kind == NODE_STRING)
		near = json_schema_near_type(value->is.text, value->by.len);
	if (near && shape == SHAPE_TYPE)
		buf_printf(out, "; perhaps you meant \"%s\"", near);
	else if (near && shape == SHAPE_SCHEMA)
		buf_printf(out, "; perhaps you meant {\"type\": \"%s\"}", near);
}

static bool
wrong_shape(Compiler *compiler, const JsonNode *value, Shape shape, const char *hint)
{
	begin_problem(compiler, value);
	buf_printf(compiler->problem, "expected %s, found ", json_schema_shape_words(shape));
	json_node_write(compiler->problem, value, SHOWN_MAX);
	if (hint)
		buf_printf(compiler->problem, "; %s", hint);
	else
		put_type_hint(compiler->problem, value, shape);
	return false;
}

static bool
unknown_keyword(Compiler *compiler, const JsonNode *value)
{
	const char *near = json_schema_near_keyword(value->name, value->name_len);

	begin_problem(compiler, value);
	buf_puts(compiler->problem, "is no keyword of JSON Schema");
	if (near)
		buf_printf(compiler->problem, "; perhaps you meant %s", near);
	else
		buf_puts(compiler->problem, "; the members of an object are described under its properties");
	return false;
}

static bool
unsupported_keyword(Compiler *compiler, const JsonNode *value, const Keyword *keyword)
{
	begin_problem(compiler, value);
	buf_printf(compiler->problem, "%s is not supported; %s", keyword->name, keyword->hint);
	return false;
}

/* ---- first pass: keywords ---- */

/* Where schemas stand in it, each of them is to say what is wrong with it. */
static bool
has_shape(Shape shape, const JsonNode *value)
{
	if (shape == SHAPE_SCHEMA_MAP)
		return value->kind == NODE_OBJECT;
	if (shape == SHAPE_SCHEMAS)
		return value->kind == NODE_ARRAY && value->count > 0;
	return json_schema_shape_fits(shape, value);
}

static bool
compile_children(Compiler *compiler, JsonNode *value)
{
	JsonNode   *child;

	for (child = value->is.first; child; child = child->next)
	{
		if (!compile_schema(compiler, child))
			return false;
	}
	return true;
}

/* The types as bits, in the value's number. */
static void
note_types(JsonNode *value)
{
	const JsonNode *child;

	if (value->kind == NODE_STRING)
	{
		value->number = json_schema_type_bit(value->is.text, value->by.len);
		return;
	}
	for (child = value->is.first; child; child = child->next)
		value->number |= json_schema_type_bit(child->is.text, child->by.len);
}

/* What the value needs besides the right shape. */
static bool
compile_value(Compiler *compiler, JsonNode *value, Shape shape)
{
	switch (shape)
	{
		case SHAPE_SCHEMA:
			return compile_schema(compiler, value);
		case SHAPE_SCHEMAS:
		case SHAPE_SCHEMA_MAP:
			return compile_children(compiler, value);
		case SHAPE_COUNT:
			return json_number_count(value->is.text, value->by.len, &value->number);
		case SHAPE_TYPE:
			note_types(value);
			return true;
		default:
			return true;
	}
}

static bool
compile_keyword(Compiler *compiler, Rules *rules, JsonNode *value)
{
	const Keyword *keyword = json_schema_keyword(value->name, value->name_len);

	if (keyword == NULL)
		return unknown_keyword(compiler, value);
	if (keyword->id == KW_UNSUPPORTED)
		return unsupported_keyword(compiler, value, keyword);
	if (!has_shape(keyword->shape, value))
		return wrong_shape(compiler, value, keyword->shape, keyword->hint);
	if (strcmp(keyword->name, "$id") == 0 && rules->node->parent != NULL)
		return problem_at(compiler, value, "$id is supported at the root only: here it would change what $ref means; leave it out");
	if (keyword->id < KW_COUNT)
		rules->keyword[keyword->id] = value;
	if (keyword->id < KW_CHECKED)
		rules->present |= UINT64_C(1) << keyword->id;
	return compile_value(compiler, value, keyword->shape);
}

static bool
compile_schema(Compiler *compiler, JsonNode *node)
{
	JsonSchema *schema = compiler->schema;
	JsonNode   *child;
	Rules	   *rules;

	if (!json_schema_shape_fits(SHAPE_SCHEMA, node))
		return wrong_shape(compiler, node, SHAPE_SCHEMA, NULL);
	if (++compiler->nrules > MAX_RULES)
		return problem_at(compiler, node, "the schema consists of too many schemas (more than 10000)");
	rules = json_tree_alloc(schema->tree, sizeof(Rules));
	if (rules == NULL)
		return problem_at(compiler, node, "out of memory");
	rules->node = node;
	rules->next = schema->all;
	schema->all = rules;
	node->mark = rules;
	if (node->kind == NODE_BOOL)
		return true;
	for (child = node->is.first; child; child = child->next)
	{
		if (!compile_keyword(compiler, rules, child))
			return false;
	}
	return true;
}

/* ---- second pass: references ---- */

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
		return (c | 0x20) - 'a' + 10;
	return -1;
}

/* The text with %XX undone: a pointer in $ref stands in a URI. */
static void
undo_percent(const char *p, Buf *out)
{
	while (*p != '\0')
	{
		char		c = *p++;

		if (c == '%' && hex_digit(p[0]) >= 0 && hex_digit(p[1]) >= 0)
		{
			c = (char) (hex_digit(p[0]) * 16 + hex_digit(p[1]));
			p += 2;
		}
		buf_putc(out, c);
	}
}

/* One step of a pointer, from behind its slash; returns where the next one begins. */
static const char *
read_step(const char *p, const char *end, Buf *step)
{
	buf_reset(step);
	while (p < end && *p != '/')
	{
		char		c = *p++;

		if (c == '~' && p < end && (*p == '0' || *p == '1'))
			c = *p++ == '0' ? '~' : '/';
		buf_putc(step, c);
	}
	return p;
}

static const JsonNode *
element(const JsonNode *array, const Buf *step)
{
	const JsonNode *child = array->is.first;
	int64_t		wanted;

	if (array->kind != NODE_ARRAY || step->len == 0 || step->len > 9 ||
		strspn(step->data, "0123456789") != step->len ||
		(step->data[0] == '0' && step->len > 1))
		return NULL;
	for (wanted = atol(step->data); child && wanted > 0; wanted--)
		child = child->next;
	return child;
}

static const JsonNode *
follow_steps(const JsonNode *node, const char *p, const char *end)
{
	Buf			step;

	buf_init(&step, 0);
	while (node && p < end)
	{
		p = read_step(p + 1, end, &step);
		if (step.failed)
			node = NULL;
		else if (node->kind == NODE_OBJECT)
			node = json_node_member(node, buf_text(&step), step.len);
		else
			node = element(node, &step);
	}
	buf_free(&step);
	return node;
}

/* The reference is known to be "#" or to begin with "#/". */
static const JsonNode *
follow_pointer(const JsonNode *root, const char *reference)
{
	const JsonNode *node = NULL;
	Buf			pointer;

	buf_init(&pointer, 0);
	undo_percent(reference + 1, &pointer);
	if (!pointer.failed)
		node = follow_steps(root, buf_text(&pointer), buf_text(&pointer) + pointer.len);
	buf_free(&pointer);
	return node;
}

static bool
resolve_references(Compiler *compiler)
{
	const JsonNode *root = json_tree_root(compiler->schema->tree);
	Rules	   *rules;

	for (rules = compiler->schema->all; rules; rules = rules->next)
	{
		const JsonNode *ref = rules->keyword[KW_REF];
		const JsonNode *target;

		if (ref == NULL)
			continue;
		target = follow_pointer(root, ref->is.text);
		if (target == NULL)
			return problem_at(compiler, ref, "refers to nothing in this schema");
		if (target->mark == NULL)
			return problem_at(compiler, ref, "refers to something that is no schema; put the schema under $defs");
		rules->ref = target->mark;
	}
	return true;
}

/* ---- third pass: circles ---- */

enum
{
	VISIT_NEVER,
	VISIT_BEGUN,
	VISIT_DONE
};

static bool visit(Compiler *compiler, Rules *rules, int depth);

/* Visits a schema that looks at the same value as the one from which it is reached. */
static bool
visit_next(Compiler *compiler, Rules *from, Rules *next, int depth)
{
	if (!visit(compiler, next, depth))
		return false;
	if (from->chain <= next->chain)
		from->chain = next->chain + 1;
	return from->chain <= MAX_CHAIN ||
		problem_at(compiler, from->node, "more than 100 schemas in a row look at the same value");
}

static bool
visit_list(Compiler *compiler, Rules *from, const JsonNode *list, int depth)
{
	const JsonNode *child;

	for (child = list ? list->is.first : NULL; child; child = child->next)
	{
		if (!visit_next(compiler, from, rules_at(child), depth))
			return false;
	}
	return true;
}

static bool
visit_all_next(Compiler *compiler, Rules *from, int depth)
{
	static const KeywordId lists[] = {KW_ALL_OF, KW_ANY_OF, KW_ONE_OF, KW_DEPENDENT_SCHEMAS};
	static const KeywordId singles[] = {KW_NOT, KW_IF, KW_THEN, KW_ELSE};
	size_t		i;

	if (from->ref && !visit_next(compiler, from, from->ref, depth))
		return false;
	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
	{
		if (!visit_list(compiler, from, from->keyword[lists[i]], depth))
			return false;
	}
	for (i = 0; i < sizeof(singles) / sizeof(singles[0]); i++)
	{
		const JsonNode *single = from->keyword[singles[i]];

		if (single && !visit_next(compiler, from, rules_at(single), depth))
			return false;
	}
	return true;
}

static bool
visit(Compiler *compiler, Rules *rules, int depth)
{
	if (rules->visit == VISIT_DONE)
		return true;
	if (rules->visit == VISIT_BEGUN)
		return problem_at(compiler, rules->node,
						  "leads back to itself without going into the document, so checking would never end");
	if (depth > MAX_CHAIN)
		return problem_at(compiler, rules->node, "more than 100 schemas in a row look at the same value");
	rules->visit = VISIT_BEGUN;
	if (!visit_all_next(compiler, rules, depth + 1))
		return false;
	rules->visit = VISIT_DONE;
	return true;
}

static bool
find_circles(Compiler *compiler)
{
	Rules	   *rules;

	for (rules = compiler->schema->all; rules; rules = rules->next)
	{
		if (!visit(compiler, rules, 0))
			return false;
	}
	return true;
}

/* ---- all of it ---- */

static bool
compile(Compiler *compiler)
{
	JsonTree   *tree = compiler->schema->tree;
	const JsonNode *duplicate = json_tree_duplicate(tree);

	if (duplicate)
		return problem_at(compiler, duplicate, "this name comes twice in its object");
	if (json_tree_replaced(tree) > 0)
		return problem_at(compiler, json_tree_root(tree), "the schema holds \\u0000, half a surrogate pair or bytes that are not UTF-8");
	return compile_schema(compiler, json_tree_root(tree)) &&
		resolve_references(compiler) && find_circles(compiler);
}

JsonSchema *
json_schema_compile(const char *text, size_t len, Buf *problem)
{
	JsonSchema *schema = calloc(1, sizeof(JsonSchema));
	Compiler	compiler = {schema, problem, 0};
	Buf			why;

	if (schema == NULL)
	{
		buf_puts(problem, "out of memory");
		return NULL;
	}
	buf_init(&why, 0);
	schema->tree = json_tree_parse(text, len, MAX_NODES, &why);
	if (schema->tree == NULL)
		buf_printf(problem, "#: %s", buf_text(&why));
	buf_free(&why);
	if (schema->tree != NULL && compile(&compiler))
		return schema;
	json_schema_free(schema);
	return NULL;
}

void
json_schema_free(JsonSchema *schema)
{
	if (schema == NULL)
		return;
	json_tree_free(schema->tree);
	free(schema);
}
