/*
 * fuzz_plan_outputs.c
 *		Outputs in answers.  The first byte chooses the step, the rest is the answer.
 *
 * What is found is one JSON object that jsonb can hold, of declared outputs only,
 * with values of their types, and not much larger than the answer. There is a
 * problem if and only if it is not good.
 */
#include "fuzz.h"
#include "json_number.h"
#include "json_tree.h"
#include "plan.h"

#define STEP(more)	"{\"pattern\":\"parallel\",\"steps\":[{\"name\":\"a\",\"agent\":\"w\",\"task\":\"t\"" more "}]}"
#define MAX_NODES	1000000

static const char *const definitions[] = {
	STEP(""),
	STEP(",\"outputs\":{\"text\":\"string\"}"),
	STEP(",\"outputs\":{\"code\":{\"type\":\"string\",\"file_name\":\"a.py\"},\"n\":\"number\"}"),
	STEP(",\"outputs\":{\"items\":\"array\",\"b\":\"boolean\"}"),
	STEP(",\"outputs\":{\"data\":\"object\",\"e\":{\"type\":\"enum\",\"values\":[\"low\",\"high up\",\"C++\"]}}"),
	STEP(",\"outputs\":{\"a\":{\"type\":\"array\",\"required\":false},\"n\":{\"type\":\"number\",\"required\":false},\"o\":{\"type\":\"object\",\"required\":false}}"),
	STEP(",\"outputs\":{\"text\":\"string\"},\"output_format\":\"code\""),
};

#define NDEFINITIONS	(sizeof(definitions) / sizeof(definitions[0]))

static WorkflowPlan *plans[NDEFINITIONS];

static void
no_problem(void *arg, const char *step, const char *problem, const char *hint)
{
	(void) arg;
	(void) step;
	(void) hint;
	fprintf(stderr, "%s\n", problem);
	abort();
}

static const WorkflowPlan *
plan_of(uint8_t choice)
{
	size_t		i = choice % NDEFINITIONS;

	if (plans[i] == NULL)
		plans[i] = plan_read(definitions[i], strlen(definitions[i]), no_problem, NULL);
	return plans[i];
}

/* How deep it nests; its numbers, written out, are added to *digits. */
static int
look_through(const JsonNode *node, int64_t *digits)
{
	const JsonNode *child;
	int64_t		before;
	int64_t		behind;
	int			deepest = 0;

	if (node->kind == NODE_NUMBER)
	{
		json_number_places(node->is.text, node->by.len, &before, &behind);
		require(before <= 131072 && behind <= 16383);
		*digits += before + behind;
	}
	if (node->kind != NODE_ARRAY && node->kind != NODE_OBJECT)
		return 0;
	for (child = node->is.first; child; child = child->next)
	{
		int			found = look_through(child, digits);

		deepest = found > deepest ? found : deepest;
	}
	return 1 + deepest;
}

static void
check_found(const PlanStep *step, const Buf *outputs, size_t len, bool good)
{
	JsonTree   *tree;
	const JsonNode *root;
	Buf			problem;
	int64_t		digits = 0;
	int			i;
	int			found = 0;

	buf_init(&problem, 0);
	require(outputs->len <= 8 * len + 1000);
	require_text(buf_text(outputs), outputs->len);
	tree = json_tree_parse(buf_text(outputs), outputs->len, MAX_NODES, &problem);
	require(tree != NULL);
	/* neither \u0000 nor half a surrogate pair */
	require(json_tree_replaced(tree) == 0);
	root = json_tree_root(tree);
	require(root->kind == NODE_OBJECT);
	require(look_through(root, &digits) <= 66);
	require(digits <= 110000 + 3 * (int64_t) len);
	for (i = 0; i < step->noutputs; i++)
	{
		const PlanValue *value = &step->outputs[i];
		const JsonNode *member = json_node_member(root, value->name, strlen(value->name));

		require(member == NULL || plan_value_fits(value, member));
		require(!good || member != NULL || !value->required);
		found += member != NULL;
	}
	require(found == (int) root->count);
	json_tree_free(tree);
	buf_free(&problem);
}

static void
check_completeness(const char *answer, size_t len)
{
	static const char *const sections[] = {"text", "1. Items", "Data (all)"};
	double		share;
	Buf			missing;

	buf_init(&missing, 0);
	share = plan_completeness(sections, 3, answer, len, &missing);
	require(share >= 0 && share <= 1);
	require((share == 1) == (missing.len == 0));
	buf_free(&missing);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const PlanStep *step = &plan_of(size > 0 ? data[0] : 0)->steps[0];
	size_t		len = size > 0 ? size - 1 : 0;
	char	   *copy = malloc(len + (len == 0));
	Buf			outputs;
	Buf			problem;
	bool		good;

	if (len > 0)
		memcpy(copy, data + 1, len);
	buf_init(&outputs, 0);
	buf_init(&problem, 0);
	good = plan_step_outputs(step, copy, len, &outputs, &problem);
	require(good == (problem.len == 0));
	require_text(buf_text(&problem), problem.len);
	require(problem.len < 25 * 1200);
	check_found(step, &outputs, len, good);
	check_completeness(copy, len);
	buf_free(&outputs);
	buf_free(&problem);
	free(copy);
	return 0;
}
