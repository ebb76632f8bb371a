/*
 * json_tree.c
 *		A JSON document as a tree, for code that has to look at it as a whole.
 *
 * The strict scanner goes over the document first.  What builds the tree can
 * then trust the grammar: it only has to find where values begin and end, and
 * its recursion is as bounded as the scanner's.  Everything lives in a few
 * large pieces of memory, so that freeing costs nothing.
 */
#include "json_tree.h"

#include <stdlib.h>
#include <string.h>

#include "json_number.h"
#include "json_scan.h"

#define MAX_BYTES		(256 * 1024 * 1024)
#define PIECE_SIZE		(64 * 1024)
#define WEIGHT_BYTES	32		/* so many bytes weigh as much as a value */

typedef struct Piece
{
	struct Piece *next;
	size_t		used;
	size_t		size;
	char		data[] __attribute__((aligned(16)));
} Piece;

struct JsonTree
{
	Piece	   *pieces;
	JsonNode   *root;
	const JsonNode *duplicate;
	int64_t		replaced;
	uint32_t	nodes;
	uint32_t	max_nodes;
	const char *error;
	const char *p;
	const char *end;
};

static JsonNode *build_value(JsonTree *tree);

void *
json_tree_alloc(JsonTree *tree, size_t size)
{
	Piece	   *piece = tree->pieces;
	void	   *result;

	size = (size + 15) & ~(size_t) 15;
	if (piece == NULL || piece->size - piece->used < size)
	{
		size_t		room = size > PIECE_SIZE ? size : PIECE_SIZE;

		piece = calloc(1, sizeof(Piece) + room);
		if (piece == NULL)
			return NULL;
		piece->size = room;
		piece->next = tree->pieces;
		tree->pieces = piece;
	}
	result = piece->data + piece->used;
	piece->used += size;
	return result;
}

void
json_tree_free(JsonTree *tree)
{
	if (tree == NULL)
		return;
	while (tree->pieces)
	{
		Piece	   *next = tree->pieces->next;

		free(tree->pieces);
		tree->pieces = next;
	}
	free(tree);
}

JsonNode *
json_tree_root(const JsonTree *tree)
{
	return tree->root;
}

const JsonNode *
json_tree_duplicate(const JsonTree *tree)
{
	return tree->duplicate;
}

int64_t
json_tree_replaced(const JsonTree *tree)
{
	return tree->replaced;
}

/* ---- building ---- */

static void *
fail(JsonTree *tree, const char *error)
{
	if (tree->error == NULL)
		tree->error = error;
	return NULL;
}

static void
skip_space(JsonTree *tree)
{
	while (tree->p < tree->end &&
		   (*tree->p == ' ' || *tree->p == '\n' || *tree->p == '\r' || *tree->p == '\t'))
		tree->p++;
}

static JsonNode *
new_node(JsonTree *tree, JsonNodeKind kind)
{
	JsonNode   *node;

	if (tree->nodes >= tree->max_nodes)
		return fail(tree, "has too many values to be looked at");
	node = json_tree_alloc(tree, sizeof(JsonNode));
	if (node == NULL)
		return fail(tree, "out of memory");
	tree->nodes++;
	node->kind = kind;
	node->weight = 1;
	return node;
}

typedef struct Copy
{
	JsonTree   *tree;
	char	   *text;
	size_t		len;
} Copy;

static bool
copy_text(Copy *copy, const char *text, size_t len)
{
	copy->text = json_tree_alloc(copy->tree, len + 1);
	if (copy->text == NULL)
		return false;
	memcpy(copy->text, text, len);
	copy->len = len;
	return true;
}

static void
copy_decoded(void *arg, const JsonValue *value)
{
	copy_text(arg, value->value, value->len);
}

/* Behind the quote that ends the string at p; *plain: does it stand for itself? */
static const char *
end_of_string(const char *p, bool *plain)
{
	*plain = true;
	for (p++; *p != '"'; p++)
	{
		if ((*p & 0x80) != 0)
			*plain = false;
		if (*p == '\\')
		{
			*plain = false;
			p++;
		}
	}
	return p + 1;
}

/* Copies the string at p; the scanner decodes it where that is needed. */
static bool
take_string(JsonTree *tree, const char **text, size_t *len)
{
	Copy		copy = {tree, NULL, 0};
	const char *start = tree->p;
	bool		plain;

	tree->p = end_of_string(start, &plain);
	if (plain)
		copy_text(&copy, start + 1, (size_t) (tree->p - start - 2));
	else
		json_scan(start, (size_t) (tree->p - start), copy_decoded, &copy, &tree->replaced, NULL);
	if (copy.text == NULL)
	{
		fail(tree, "out of memory");
		return false;
	}
	*text = copy.text;
	*len = copy.len;
	return true;
}

static JsonNode *
build_string(JsonTree *tree)
{
	JsonNode   *node = new_node(tree, NODE_STRING);

	if (node == NULL || !take_string(tree, &node->is.text, &node->by.len))
		return NULL;
	node->weight += (uint32_t) (node->by.len / WEIGHT_BYTES);
	return node;
}

static JsonNode *
build_number(JsonTree *tree)
{
	JsonNode   *node = new_node(tree, NODE_NUMBER);
	Copy		copy = {tree, NULL, 0};
	const char *start = tree->p;

	while (tree->p < tree->end && strchr("+-.0123456789Ee", *tree->p) != NULL && *tree->p != '\0')
		tree->p++;
	if (node == NULL)
		return NULL;
	if (!copy_text(&copy, start, (size_t) (tree->p - start)))
		return fail(tree, "out of memory");
	node->is.text = copy.text;
	node->by.len = copy.len;
	node->weight += (uint32_t) (copy.len / WEIGHT_BYTES);
	return node;
}

static JsonNode *
build_word(JsonTree *tree, JsonNodeKind kind, const char *word)
{
	JsonNode   *node = new_node(tree, kind);

	tree->p += strlen(word);
	if (node)
		node->count = *word == 't';
	return node;
}

/* A member's name and value, or an element. */
static JsonNode *
build_child(JsonTree *tree, JsonNodeKind kind)
{
	const char *name = NULL;
	size_t		name_len = 0;
	JsonNode   *child;

	if (kind == NODE_OBJECT)
	{
		if (!take_string(tree, &name, &name_len))
			return NULL;
		skip_space(tree);
		tree->p++;				/* the colon */
		skip_space(tree);
	}
	child = build_value(tree);
	if (child == NULL)
		return NULL;
	child->name = name;
	child->name_len = (uint32_t) name_len;
	child->weight += (uint32_t) (name_len / WEIGHT_BYTES);
	return child;
}

static int
compare_text(const char *a, size_t a_len, const char *b, size_t b_len)
{
	if (a_len != b_len)
		return a_len < b_len ? -1 : 1;
	return memcmp(a, b, a_len);
}

static int
compare_members(const void *a, const void *b)
{
	const JsonNode *left = *(JsonNode *const *) a;
	const JsonNode *right = *(JsonNode *const *) b;
	int			result = compare_text(left->name, left->name_len, right->name, right->name_len);

	if (result == 0)
		result = left->index < right->index ? -1 : left->index > right->index;
	return result;
}

/* So that a member is found without going through all of them. */
static bool
sort_members(JsonTree *tree, JsonNode *object)
{
	JsonNode   *child;
	uint32_t	i;

	object->by.sorted = json_tree_alloc(tree, (object->count + 1) * sizeof(JsonNode *));
	if (object->by.sorted == NULL)
	{
		fail(tree, "out of memory");
		return false;
	}
	for (child = object->is.first, i = 0; child; child = child->next)
		object->by.sorted[i++] = child;
	qsort(object->by.sorted, object->count, sizeof(JsonNode *), compare_members);
	for (i = 1; i < object->count && tree->duplicate == NULL; i++)
	{
		const JsonNode *before = object->by.sorted[i - 1];

		child = object->by.sorted[i];
		if (compare_text(before->name, before->name_len, child->name, child->name_len) == 0)
			tree->duplicate = child;
	}
	return true;
}

static JsonNode *
build_container(JsonTree *tree, JsonNodeKind kind, char close)
{
	JsonNode   *node = new_node(tree, kind);
	JsonNode  **link = node ? &node->is.first : NULL;

	if (node == NULL)
		return NULL;
	tree->p++;
	skip_space(tree);
	while (*tree->p != close)
	{
		JsonNode   *child = build_child(tree, kind);

		if (child == NULL)
			return NULL;
		child->parent = node;
		child->index = node->count++;
		node->weight += child->weight;
		*link = child;
		link = &child->next;
		skip_space(tree);
		if (*tree->p == ',')
			tree->p++;
		skip_space(tree);
	}
	tree->p++;
	return kind == NODE_ARRAY || sort_members(tree, node) ? node : NULL;
}

static JsonNode *
build_value(JsonTree *tree)
{
	switch (*tree->p)
	{
		case '{':
			return build_container(tree, NODE_OBJECT, '}');
		case '[':
			return build_container(tree, NODE_ARRAY, ']');
		case '"':
			return build_string(tree);
		case 't':
			return build_word(tree, NODE_BOOL, "true");
		case 'f':
			return build_word(tree, NODE_BOOL, "false");
		case 'n':
			return build_word(tree, NODE_NULL, "null");
		default:
			return build_number(tree);
	}
}

JsonTree *
json_tree_parse(const char *text, size_t len, uint32_t max_nodes, Buf *problem)
{
	JsonTree   *tree;

	if (len > MAX_BYTES)
	{
		buf_puts(problem, "the document is too large to be looked at");
		return NULL;
	}
	if (json_explain(text, len, problem))
		return NULL;
	tree = calloc(1, sizeof(JsonTree));
	if (tree == NULL)
	{
		buf_puts(problem, "out of memory");
		return NULL;
	}
	tree->max_nodes = max_nodes;
	tree->p = text;
	tree->end = text + len;
	skip_space(tree);
	tree->root = build_value(tree);
	if (tree->root == NULL)
	{
		buf_printf(problem, "the document %s", tree->error);
		json_tree_free(tree);
		return NULL;
	}
	return tree;
}

/* ---- looking at it ---- */

JsonNode *
json_node_member(const JsonNode *node, const char *name, size_t len)
{
	uint32_t	low = 0;
	uint32_t	high = node->count;

	if (node->kind != NODE_OBJECT)
		return NULL;
	while (low < high)
	{
		uint32_t	middle = low + (high - low) / 2;
		JsonNode   *member = node->by.sorted[middle];
		int			result = compare_text(name, len, member->name, member->name_len);

		if (result == 0)
			return member;
		if (result < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static int
compare_arrays(const JsonNode *a, const JsonNode *b)
{
	const JsonNode *left = a->is.first;
	const JsonNode *right = b->is.first;
	int			result = 0;

	for (; left && right && result == 0; left = left->next, right = right->next)
		result = json_node_compare(left, right);
	return result;
}

static int
compare_objects(const JsonNode *a, const JsonNode *b)
{
	int			result = 0;
	uint32_t	i;

	for (i = 0; i < a->count && result == 0; i++)
	{
		const JsonNode *left = a->by.sorted[i];
		const JsonNode *right = b->by.sorted[i];

		result = compare_text(left->name, left->name_len, right->name, right->name_len);
		if (result == 0)
			result = json_node_compare(left, right);
	}
	return result;
}

int
json_node_compare(const JsonNode *a, const JsonNode *b)
{
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->count != b->count)
		return a->count < b->count ? -1 : 1;
	switch (a->kind)
	{
		case NODE_NUMBER:
			return json_number_compare(a->is.text, a->by.len, b->is.text, b->by.len);
		case NODE_STRING:
			return compare_text(a->is.text, a->by.len, b->is.text, b->by.len);
		case NODE_ARRAY:
			return compare_arrays(a, b);
		case NODE_OBJECT:
			return compare_objects(a, b);
		default:
			return 0;
	}
}
