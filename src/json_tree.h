/*
 * json_tree.h
 *		A JSON document as a tree, for code that has to look at it as a whole.
 *
 * json_scan decides what is JSON and how deep it may nest; the tree adds a bound
 * on the number of values.  Numbers stay the text they came as.  Names and texts
 * are valid UTF-8 without NUL: what was not is U+FFFD, and counted.
 */
#ifndef AS_JSON_TREE_H
#define AS_JSON_TREE_H

#include "buf.h"

typedef enum JsonNodeKind
{
	NODE_NULL,
	NODE_BOOL,
	NODE_NUMBER,
	NODE_STRING,
	NODE_ARRAY,
	NODE_OBJECT
} JsonNodeKind;

typedef struct JsonNode
{
	JsonNodeKind kind;
	uint32_t	index;			/* its place among its parent's children */
	struct JsonNode *parent;	/* NULL at the root */
	struct JsonNode *next;		/* the next child of the parent */
	const char *name;			/* of a member, else NULL; NUL-terminated */
	uint32_t	name_len;
	uint32_t	count;			/* children of an array or object; 1 is true */
	union
	{
		const char *text;		/* a string decoded, a number as written */
		struct JsonNode *first; /* the first child */
	}			is;
	union
	{
		size_t		len;		/* of the text */
		struct JsonNode **sorted;	/* an object's members by name */
	}			by;
	uint32_t	weight;			/* about how much work it is to look at all of it */
	void	   *mark;			/* for whoever uses the tree */
	int64_t		number;			/* likewise */
} JsonNode;

typedef struct JsonTree JsonTree;

/* NULL on failure; problem then holds why, in words for the document's author. */
extern JsonTree *json_tree_parse(const char *text, size_t len, uint32_t max_nodes, Buf *problem);
extern void json_tree_free(JsonTree *tree);
extern JsonNode *json_tree_root(const JsonTree *tree);

/* A member whose name came before in its object; NULL if there is none. */
extern const JsonNode *json_tree_duplicate(const JsonTree *tree);

/* How often something became U+FFFD. */
extern int64_t json_tree_replaced(const JsonTree *tree);

/* Zeroed memory that lives as long as the tree; NULL when there is none. */
extern void *json_tree_alloc(JsonTree *tree, size_t size);

/* NULL if there is no such member, or if node is no object. */
extern JsonNode *json_node_member(const JsonNode *node, const char *name, size_t len);

/*
 * A total order, in which equal is what JSON Schema calls equal: the order of
 * members and the spelling of numbers do not matter.
 */
extern int	json_node_compare(const JsonNode *a, const JsonNode *b);

/* Appends the node as JSON on one line; stops soon after max bytes, with "...". */
extern void json_node_write(Buf *out, const JsonNode *node, size_t max);

/* Appends the path: components[2].name; the root is "the document". */
extern void json_node_path(Buf *out, const JsonNode *node);

/* The same for a member that node does not have. */
extern void json_node_member_path(Buf *out, const JsonNode *node, const char *name, size_t len);

/* Appends text, clipped between characters after max bytes, with "..." then. */
extern void json_put_clipped(Buf *out, const char *text, size_t len, size_t max);

/* Says why text is not JSON, and behind which value; false if it is JSON. */
extern bool json_explain(const char *text, size_t len, Buf *problem);

#endif							/* AS_JSON_TREE_H */
