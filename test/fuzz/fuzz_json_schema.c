/*
 * fuzz_json_schema.c
 *		The JSON Schema checker.  The input is a schema, a NUL byte and a document.
 *
 * A verdict comes with words if and only if it is bad, "not" turns it round, and
 * a tree that is written can be read back as the same tree.
 */
#include "fuzz.h"
#include "json_scan.h"
#include "json_schema.h"
#include "json_tree.h"
#include "provider_strict.h"

#define MAX_NODES	10000

typedef enum Verdict
{
	REFUSED,					/* the schema could not be compiled */
	UNDECIDED,					/* nothing that "not" could turn round */
	VALID,
	INVALID
} Verdict;

/* Words for a model: text, in a bounded number of lines, none of them empty. */
static void
check_problem(const Buf *problem, bool good)
{
	const char *p;
	int			lines = 1;

	require(good == (problem->len == 0));
	require(!problem->failed);
	require_text(buf_text(problem), problem->len);
	for (p = buf_text(problem); *p; p++)
	{
		require((unsigned char) *p >= 0x20 || (*p == '\n' && p[1] != '\n' && p[1] != '\0'));
		lines += *p == '\n';
	}
	require(lines <= 21);
	require(problem->len < 21 * 1100);
}

static Verdict
judge(const char *schema_text, size_t schema_len, const char *document, size_t len)
{
	JsonSchema *schema;
	Buf			problem;
	bool		good;
	Verdict		verdict = REFUSED;

	buf_init(&problem, 0);
	schema = json_schema_compile(schema_text, schema_len, &problem);
	check_problem(&problem, schema != NULL);
	if (schema)
	{
		good = json_schema_check(schema, document, len, &problem);
		check_problem(&problem, good);
		verdict = good ? VALID : INVALID;
		if (strstr(buf_text(&problem), "is not JSON") || strstr(buf_text(&problem), "is empty") ||
			strstr(buf_text(&problem), "than is allowed") || strstr(buf_text(&problem), "comes twice"))
			verdict = UNDECIDED;
	}
	json_schema_free(schema);
	buf_free(&problem);
	return verdict;
}

static void
check_not(const Buf *schema, const char *document, size_t len, Verdict verdict)
{
	Buf			turned;
	Verdict		opposite;

	/* what refers to the root, or stands there, would be another one */
	if (strstr(buf_text(schema), "ref") || strstr(buf_text(schema), "\\u") ||
		strstr(buf_text(schema), "$id"))
		return;
	buf_init(&turned, 0);
	buf_puts(&turned, "{\"not\":");
	buf_append(&turned, buf_text(schema), schema->len);
	buf_puts(&turned, "}");
	opposite = judge(turned.data, turned.len, document, len);
	if (verdict != UNDECIDED && opposite != UNDECIDED && opposite != REFUSED)
		require((verdict == VALID) != (opposite == VALID));
	buf_free(&turned);
}

static void
check_tree(const char *text, size_t len)
{
	Buf			problem;
	Buf			written;
	JsonTree   *tree;
	JsonTree   *again;

	buf_init(&problem, 0);
	buf_init(&written, 0);
	tree = json_tree_parse(text, len, MAX_NODES, &problem);
	check_problem(&problem, tree != NULL);
	if (tree)
	{
		json_node_write(&written, json_tree_root(tree), SIZE_MAX / 2);
		again = json_tree_parse(written.data, written.len, MAX_NODES, &problem);
		require(again != NULL);
		require(json_tree_replaced(again) == 0);
		require(json_node_compare(json_tree_root(tree), json_tree_root(again)) == 0);
		json_tree_free(again);
	}
	json_tree_free(tree);
	buf_free(&written);
	buf_free(&problem);
}

static void
check_expansion(const char *text, size_t len)
{
	Buf			schema;
	Buf			problem;
	bool		good;

	buf_init(&schema, 0);
	buf_init(&problem, 0);
	good = json_schema_expand(text, len, &schema, &problem);
	check_problem(&problem, good);
	require(good == (schema.len > 0));
	if (good)
		require(json_scan(schema.data, schema.len, NULL, NULL, NULL, NULL));
	buf_free(&schema);
	buf_free(&problem);
}

/* What was taken at first is taken still; and only answers that are objects are held to. */
static void
check_strict(const char *schema)
{
	bool		openai = provider_is_strict(&strict_openai, schema);
	bool		first = provider_is_strict(&strict_first, schema);
	bool		anthropic = provider_is_strict(&strict_anthropic, schema);

	require(openai || !first);
	require(provider_is_object_schema(schema) || (!openai && !anthropic));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nul = size > 0 ? memchr(data, 0, size) : NULL;
	size_t		schema_len = nul ? (size_t) (nul - data) : size;
	size_t		len = nul ? size - schema_len - 1 : 0;
	char	   *document = malloc(len + 1);
	Buf			schema;
	Verdict		verdict;

	/* copies, so that reading beyond them is noticed */
	buf_init(&schema, 0);
	buf_append(&schema, data, schema_len);
	if (len > 0)
		memcpy(document, nul + 1, len);
	document = realloc(document, len > 0 ? len : 1);
	verdict = judge(buf_text(&schema), schema.len, document, len);
	if (verdict != REFUSED)
		check_not(&schema, document, len, verdict);
	check_tree(document, len);
	check_expansion(buf_text(&schema), schema.len);
	check_strict(buf_text(&schema));
	free(document);
	buf_free(&schema);
	return 0;
}
