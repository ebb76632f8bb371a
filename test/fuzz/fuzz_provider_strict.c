/*
 * fuzz_provider_strict.c
 *		Schemas that a vendor may be held to.  The first bytes are limits, the rest
 *		is a schema.
 *
 * What is within some limits is within wider ones; how a schema is laid out and
 * described makes no difference; one that is strict is a schema, and closed:
 * an object with a member that nobody has named is none of its documents.
 */
#include "fuzz.h"
#include "json_schema.h"
#include "json_tree.h"
#include "provider_strict.h"

#define LIMITS		8			/* bytes */
#define STRANGE		"\"\\u0001 strange\""

static StrictRules
read_rules(const uint8_t *limits)
{
	StrictRules rules = {
		.bounds = limits[0] & 1,
		.recursion = limits[0] & 2,
		.max_depth = limits[1] % 16,
		.max_properties = limits[2],
		.max_optional = limits[3] % 32,
		.max_unions = limits[4] % 32,
		.max_enum = limits[5],
		.max_text = limits[6] * 16u,
	};

	return rules;
}

/* Each of the two is what one of them allows. */
static StrictRules
widen(const StrictRules *a, const StrictRules *b)
{
	StrictRules wide = {
		.bounds = a->bounds || b->bounds,
		.recursion = a->recursion || b->recursion,
		.max_depth = a->max_depth > b->max_depth ? a->max_depth : b->max_depth,
		.max_properties = a->max_properties > b->max_properties ? a->max_properties : b->max_properties,
		.max_optional = a->max_optional > b->max_optional ? a->max_optional : b->max_optional,
		.max_unions = a->max_unions > b->max_unions ? a->max_unions : b->max_unions,
		.max_enum = a->max_enum > b->max_enum ? a->max_enum : b->max_enum,
		.max_text = a->max_text > b->max_text ? a->max_text : b->max_text,
	};

	return wide;
}

static void
check_wider(const StrictRules *rules, const char *schema, bool strict)
{
	static const StrictRules *const known[] = {&strict_openai, &strict_first, &strict_anthropic};

	for (size_t i = 0; i < 3; i++)
	{
		StrictRules wide = widen(rules, known[i]);

		require(provider_is_strict(&wide, schema) || (!strict && !provider_is_strict(known[i], schema)));
	}
}

/* The same document, written anew and with a description. */
static void
check_layout(const StrictRules *rules, const char *schema, bool strict)
{
	Buf			problem;
	Buf			again;
	JsonTree   *tree;

	buf_init(&problem, 1024);
	buf_init(&again, 0);
	tree = json_tree_parse(schema, strlen(schema), 50000, &problem);
	require(tree != NULL || !strict);
	if (tree != NULL && json_tree_duplicate(tree) == NULL && json_tree_replaced(tree) == 0)
	{
		const JsonNode *root = json_tree_root(tree);

		json_node_write(&again, root, SIZE_MAX / 2);
		require(provider_is_strict(rules, buf_text(&again)) == strict);
		require(provider_is_object_schema(buf_text(&again)) == provider_is_object_schema(schema));
		if (root->kind == NODE_OBJECT && root->count > 0 && json_node_member(root, "description", 11) == NULL)
		{
			buf_reset(&again);
			buf_puts(&again, " { \"description\" : \"d\" ,");
			buf_puts(&again, strchr(schema, '{') + 1);
			require(provider_is_strict(rules, buf_text(&again)) == strict);
		}
	}
	json_tree_free(tree);
	buf_free(&again);
	buf_free(&problem);
}

static void
check_closed(const char *schema)
{
	static const char document[] = "{" STRANGE ":1}";
	Buf			problem;
	JsonSchema *compiled;

	require(provider_is_object_schema(schema));
	buf_init(&problem, 0);
	compiled = json_schema_compile(schema, strlen(schema), &problem);
	if (compiled != NULL && strstr(schema, "strange") == NULL)
		require(!json_schema_check(compiled, document, strlen(document), &problem));
	json_schema_free(compiled);
	buf_free(&problem);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	StrictRules rules;
	Buf			schema;
	bool		strict;

	if (size < LIMITS)
		return -1;
	rules = read_rules(data);
	buf_init(&schema, 0);
	buf_append(&schema, data + LIMITS, size - LIMITS);
	strict = provider_is_strict(&rules, buf_text(&schema));
	check_wider(&rules, buf_text(&schema), strict);
	check_layout(&rules, buf_text(&schema), strict);
	if (strict)
		check_closed(buf_text(&schema));
	require(provider_strict_openai(buf_text(&schema)) != NULL);
	buf_free(&schema);
	return 0;
}
