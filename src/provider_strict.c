/*
 * provider_strict.c
 *		To which JSON Schemas a vendor can hold an answer.
 *
 * What is not known to be taken counts as refused: a schema that is only wished
 * for costs a second try now and then, a request that is refused costs every
 * task. Strict are schemas in which each value has a type, each object is closed,
 * and nothing but the keywords below decides.
 */
#include "provider_strict.h"

#include <stdio.h>
#include <string.h>

#include "json_tree.h"

#define MAX_NODES	50000

#define ANY_NUMBER	UINT32_MAX

const StrictRules strict_openai = {
	.bounds = true, .recursion = true, .max_depth = 10, .max_properties = 5000,
	.max_unions = ANY_NUMBER, .max_enum = 1000, .max_text = 120000
};

const StrictRules strict_first = {
	.recursion = true, .max_depth = 5, .max_properties = 100,
	.max_unions = ANY_NUMBER, .max_enum = 500, .max_text = 15000
};

const StrictRules strict_anthropic = {
	.max_depth = 10, .max_properties = 500, .max_optional = 24,
	.max_unions = 16, .max_enum = 500, .max_text = 15000
};

typedef struct Walk
{
	const StrictRules *rules;
	const JsonNode *root;
	bool		in_definition;
	uint32_t	properties;
	uint32_t	optional;
	uint32_t	unions;
	uint32_t	enums;
	size_t		text;
} Walk;

static bool is_strict(Walk *walk, const JsonNode *schema, int depth);

static bool
is_word(const JsonNode *node, const char *word)
{
	return node != NULL && node->kind == NODE_STRING && node->by.len == strlen(word) &&
		memcmp(node->is.text, word, node->by.len) == 0;
}

static bool
is_one_of(const char *name, const char *const *words)
{
	for (; *words; words++)
	{
		if (strcmp(name, *words) == 0)
			return true;
	}
	return false;
}

static JsonNode *
member(const JsonNode *node, const char *name)
{
	return json_node_member(node, name, strlen(name));
}

/* ---- keywords ---- */

static bool
is_known_format(const JsonNode *format)
{
	static const char *const known[] = {
		"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid", NULL
	};

	return format->kind == NODE_STRING && is_one_of(format->is.text, known);
}

static bool
is_bound(const JsonNode *keyword)
{
	static const char *const bounds[] = {
		"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems",
		"maxItems", NULL
	};

	return is_one_of(keyword->name, bounds) ||
		(strcmp(keyword->name, "format") == 0 && is_known_format(keyword));
}

/* Is every member a keyword that the vendor knows? */
static bool
has_known_keywords(const Walk *walk, const JsonNode *schema)
{
	static const char *const known[] = {
		"type", "properties", "required", "additionalProperties", "items", "anyOf", "enum", "const",
		"$ref", "title", "description", NULL
	};
	static const char *const of_root[] = {"$defs", "definitions", "$schema", NULL};
	const JsonNode *keyword;

	for (keyword = schema->is.first; keyword != NULL; keyword = keyword->next)
	{
		if (!is_one_of(keyword->name, known) &&
			!(schema == walk->root && is_one_of(keyword->name, of_root)) &&
			!(walk->rules->bounds && is_bound(keyword)))
			return false;
	}
	return true;
}

/* Does the schema have any of these members? */
static bool
has_any(const JsonNode *schema, const char *const *names)
{
	for (; *names; names++)
	{
		if (member(schema, *names) != NULL)
			return true;
	}
	return false;
}

/* Words of enum and const count, and are all that may stand there but for numbers and the like. */
static bool
take_value(Walk *walk, const JsonNode *value)
{
	if (value->kind == NODE_OBJECT || value->kind == NODE_ARRAY)
		return false;
	if (value->kind == NODE_STRING)
		walk->text += value->by.len;
	return true;
}

static bool
has_plain_values(Walk *walk, const JsonNode *schema)
{
	const JsonNode *constant = member(schema, "const");
	const JsonNode *words = member(schema, "enum");
	const JsonNode *word;

	if (constant != NULL && !take_value(walk, constant))
		return false;
	if (words == NULL)
		return true;
	if (words->kind != NODE_ARRAY || words->count == 0)
		return false;
	walk->enums += words->count;
	for (word = words->is.first; word != NULL; word = word->next)
	{
		if (!take_value(walk, word))
			return false;
	}
	return true;
}

/* ---- types ---- */

typedef struct Types
{
	bool		known;			/* there is a type, and it is none but the usual ones */
	bool		several;
	bool		object;
	bool		array;
} Types;

static void
take_type(Types *types, const JsonNode *word)
{
	static const char *const known[] = {
		"string", "number", "integer", "boolean", "null", "object", "array", NULL
	};

	types->known &= word->kind == NODE_STRING && is_one_of(word->is.text, known);
	types->object |= is_word(word, "object");
	types->array |= is_word(word, "array");
}

static Types
read_types(const JsonNode *type)
{
	Types		types = {false, false, false, false};
	const JsonNode *word;

	if (type == NULL)
		return types;
	types.known = true;
	if (type->kind != NODE_ARRAY)
	{
		take_type(&types, type);
		return types;
	}
	types.known = type->count > 0;
	types.several = type->count > 1;
	for (word = type->is.first; word != NULL; word = word->next)
		take_type(&types, word);
	return types;
}

/* ---- objects and arrays ---- */

/* How many of the properties required names; -1 if it names anything else, or one twice. */
static int64_t
count_required(const JsonNode *properties, const JsonNode *required)
{
	const JsonNode *name;

	if (required == NULL)
		return 0;
	if (required->kind != NODE_ARRAY)
		return -1;
	for (name = required->is.first; name != NULL; name = name->next)
	{
		JsonNode   *property = name->kind != NODE_STRING ? NULL :
			json_node_member(properties, name->is.text, name->by.len);

		if (property == NULL || property->mark != NULL)
			return -1;
		property->mark = property;
	}
	return required->count;
}

static bool
is_closed_object(Walk *walk, const JsonNode *schema, int depth)
{
	const JsonNode *properties = member(schema, "properties");
	const JsonNode *required = member(schema, "required");
	const JsonNode *additional = member(schema, "additionalProperties");
	const JsonNode *property;
	int64_t		nrequired;

	if (properties == NULL || properties->kind != NODE_OBJECT ||
		additional == NULL || additional->kind != NODE_BOOL || additional->count != 0)
		return false;
	nrequired = count_required(properties, required);
	if (nrequired < 0 || (required == NULL && walk->rules->max_optional == 0))
		return false;
	walk->properties += properties->count;
	walk->optional += properties->count - (uint32_t) nrequired;
	for (property = properties->is.first; property != NULL; property = property->next)
	{
		walk->text += property->name_len;
		if (!is_strict(walk, property, depth))
			return false;
	}
	return true;
}

static bool
has_strict_type(Walk *walk, const JsonNode *schema, int depth)
{
	static const char *const of_object[] = {"properties", "required", "additionalProperties", NULL};
	const JsonNode *items = member(schema, "items");
	Types		types = read_types(member(schema, "type"));

	if (!types.known || types.array != (items != NULL))
		return false;
	walk->unions += types.several;
	if (types.object ? !is_closed_object(walk, schema, depth + 1) : has_any(schema, of_object))
		return false;
	return items == NULL || is_strict(walk, items, depth + 1);
}

/* ---- what stands for another schema ---- */

/* "#" or a definition of the root's, with nothing beside it. */
static bool
is_plain_reference(const Walk *walk, const JsonNode *schema)
{
	static const char *const places[] = {"$defs", "definitions"};
	const JsonNode *ref = member(schema, "$ref");
	size_t		i;

	if (schema->count != 1 || ref->kind != NODE_STRING)
		return false;
	if (walk->in_definition && !walk->rules->recursion)
		return false;			/* it might lead back to itself */
	if (is_word(ref, "#"))
		return walk->rules->recursion;
	for (i = 0; i < 2; i++)
	{
		const JsonNode *definitions = member(walk->root, places[i]);
		char		prefix[20];
		size_t		len = (size_t) snprintf(prefix, sizeof(prefix), "#/%s/", places[i]);

		if (definitions != NULL && strncmp(ref->is.text, prefix, len) == 0 &&
			json_node_member(definitions, ref->is.text + len, ref->by.len - len) != NULL)
			return true;
	}
	return false;
}

/* Alternatives, with nothing beside them that decides. */
static bool
is_strict_choice(Walk *walk, const JsonNode *schema, int depth)
{
	static const char *const others[] = {
		"type", "properties", "required", "additionalProperties", "items", "enum", "const", NULL
	};
	const JsonNode *choices = member(schema, "anyOf");
	const JsonNode *choice;

	if (choices->kind != NODE_ARRAY || choices->count == 0 || has_any(schema, others))
		return false;
	walk->unions++;
	for (choice = choices->is.first; choice != NULL; choice = choice->next)
	{
		if (!is_strict(walk, choice, depth))
			return false;
	}
	return true;
}

/* Definitions are looked at where they are, so what refers to them need not be. */
static bool
has_strict_definitions(Walk *walk, const JsonNode *definitions)
{
	const JsonNode *definition;

	if (definitions == NULL)
		return true;
	if (definitions->kind != NODE_OBJECT)
		return false;
	walk->in_definition = true;
	for (definition = definitions->is.first; definition != NULL; definition = definition->next)
	{
		walk->text += definition->name_len;
		if (!is_strict(walk, definition, 0))
			return false;
	}
	return true;
}

/* depth: of the objects and arrays around it. */
static bool
is_strict(Walk *walk, const JsonNode *schema, int depth)
{
	if (schema->kind != NODE_OBJECT || depth > walk->rules->max_depth ||
		!has_known_keywords(walk, schema) || !has_plain_values(walk, schema))
		return false;
	if (member(schema, "$ref") != NULL)
		return is_plain_reference(walk, schema);
	if (member(schema, "anyOf") != NULL)
		return is_strict_choice(walk, schema, depth);
	return has_strict_type(walk, schema, depth);
}

static bool
is_within_limits(const Walk *walk)
{
	const StrictRules *rules = walk->rules;

	return walk->properties <= rules->max_properties && walk->optional <= rules->max_optional &&
		walk->unions <= rules->max_unions && walk->enums <= rules->max_enum &&
		walk->text <= rules->max_text;
}

/* The root is an object, and nothing else. */
static bool
is_strict_root(Walk *walk)
{
	return is_word(member(walk->root, "type"), "object") &&
		is_strict(walk, walk->root, 0) &&
		has_strict_definitions(walk, member(walk->root, "$defs")) &&
		has_strict_definitions(walk, member(walk->root, "definitions")) &&
		is_within_limits(walk);
}

static JsonTree *
parse(const char *json_schema)
{
	Buf			problem;
	JsonTree   *tree;

	buf_init(&problem, 1024);
	tree = json_tree_parse(json_schema, strlen(json_schema), MAX_NODES, &problem);
	buf_free(&problem);
	return tree;
}

bool
provider_is_strict(const StrictRules *rules, const char *json_schema)
{
	Walk		walk = {.rules = rules};
	JsonTree   *tree = parse(json_schema);
	bool		strict;

	if (tree == NULL)
		return false;
	walk.root = json_tree_root(tree);
	strict = json_tree_duplicate(tree) == NULL && is_strict_root(&walk);
	json_tree_free(tree);
	return strict;
}

bool
provider_is_object_schema(const char *json_schema)
{
	JsonTree   *tree = parse(json_schema);
	bool		is_object;

	if (tree == NULL)
		return false;
	is_object = is_word(member(json_tree_root(tree), "type"), "object");
	json_tree_free(tree);
	return is_object;
}

const StrictRules *
provider_strict_openai(const char *deployment)
{
	return strncmp(deployment, "ft:", 3) == 0 ? &strict_first : &strict_openai;
}
