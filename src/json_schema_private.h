/*
 * json_schema_private.h
 *		What the parts of the JSON Schema checker share with each other only.
 *
 * A compiled schema is its own JSON tree.  Every place where a schema stands is
 * marked with a Rules, which has the values of the keywords by their numbers, so
 * that checking looks nothing up by name and $ref is one pointer.
 */
#ifndef AS_JSON_SCHEMA_PRIVATE_H
#define AS_JSON_SCHEMA_PRIVATE_H

#include "json_schema.h"
#include "json_tree.h"

/*
 * The keywords that decide, in the order in which they are checked: a value of
 * the wrong type is not worth any further word.
 */
typedef enum KeywordId
{
	KW_TYPE,
	KW_ENUM,
	KW_CONST,
	KW_REF,
	KW_REQUIRED,
	KW_DEPENDENT_REQUIRED,
	KW_MIN_PROPERTIES,
	KW_MAX_PROPERTIES,
	KW_PROPERTY_NAMES,
	KW_PROPERTIES,
	KW_ADDITIONAL_PROPERTIES,
	KW_DEPENDENT_SCHEMAS,
	KW_MIN_ITEMS,
	KW_MAX_ITEMS,
	KW_UNIQUE_ITEMS,
	KW_PREFIX_ITEMS,
	KW_ITEMS,
	KW_CONTAINS,
	KW_MIN_LENGTH,
	KW_MAX_LENGTH,
	KW_MINIMUM,
	KW_MAXIMUM,
	KW_EXCLUSIVE_MINIMUM,
	KW_EXCLUSIVE_MAXIMUM,
	KW_MULTIPLE_OF,
	KW_ALL_OF,
	KW_ANY_OF,
	KW_ONE_OF,
	KW_NOT,
	KW_IF,
	KW_CHECKED,					/* those before have a check of their own */
	KW_THEN = KW_CHECKED,		/* those behind belong to another one */
	KW_ELSE,
	KW_MIN_CONTAINS,
	KW_MAX_CONTAINS,
	KW_DEFINITIONS,				/* decides nothing, but schemas stand in it */
	KW_ANNOTATION,				/* decides nothing */
	KW_UNSUPPORTED,
	KW_COUNT = KW_DEFINITIONS
} KeywordId;

/* What the value of a keyword must look like. */
typedef enum Shape
{
	SHAPE_ANY,
	SHAPE_SCHEMA,
	SHAPE_SCHEMAS,				/* an array of them, not empty */
	SHAPE_SCHEMA_MAP,			/* an object of them */
	SHAPE_TYPE,
	SHAPE_VALUES,				/* an array, not empty */
	SHAPE_ARRAY,
	SHAPE_NAMES,				/* an array of strings */
	SHAPE_NAMES_MAP,			/* an object of them */
	SHAPE_NUMBER,
	SHAPE_DIVISOR,
	SHAPE_COUNT,
	SHAPE_BOOL,
	SHAPE_TEXT,
	SHAPE_DIALECT,				/* what $schema may name */
	SHAPE_REF
} Shape;

typedef struct Keyword
{
	const char *name;
	KeywordId	id;
	Shape		shape;
	const char *hint;			/* what else to write, or NULL */
} Keyword;

/* Types as bits; an integer is a number too. */
#define TYPE_NULL		0x01
#define TYPE_BOOLEAN	0x02
#define TYPE_NUMBER		0x04
#define TYPE_STRING		0x08
#define TYPE_ARRAY		0x10
#define TYPE_OBJECT		0x20
#define TYPE_INTEGER	0x40

typedef struct Rules
{
	const JsonNode *node;		/* where the schema stands */
	const JsonNode *keyword[KW_COUNT];	/* the keywords' values, NULL if absent */
	uint64_t	present;		/* which checked keywords there are, as bits */
	struct Rules *ref;			/* where $ref leads */
	struct Rules *next;			/* all of them, for the second look */
	uint8_t		visit;			/* for the search of circles */
	uint8_t		chain;			/* how many schemas in a row look at the same value */
} Rules;

struct JsonSchema
{
	JsonTree   *tree;
	Rules	   *all;
};

static inline Rules *
rules_at(const JsonNode *node)
{
	return node->mark;
}

/* The keyword of that name; NULL if it is none. */
extern const Keyword *json_schema_keyword(const char *name, size_t len);

/* Has the value the keyword's shape?  Only its outermost level is looked at. */
extern bool json_schema_shape_fits(Shape shape, const JsonNode *value);
extern const char *json_schema_shape_words(Shape shape);

/* The bit of a type word, 0 if it is none; and the words of several bits. */
extern int	json_schema_type_bit(const char *word, size_t len);
extern void json_schema_put_types(Buf *out, int types);

/* The keyword, or the type, that is spelt most like name; NULL if none is near. */
extern const char *json_schema_near_keyword(const char *name, size_t len);
extern const char *json_schema_near_type(const char *name, size_t len);

/* ---- checking ---- */

typedef struct Sink
{
	Buf		   *text;			/* NULL: nobody wants to know why */
	const JsonNode *at;			/* the value in question, whose path is not repeated */
	int			faults;
	int			shown;			/* at most so many are written */
	int			enough;			/* after so many, checking ends */
} Sink;

typedef struct Check
{
	Sink		sink;
	Buf			line;			/* the fault being written */
	int64_t		work;
	int			depth;
	const char *aborted;
} Check;

typedef bool (*KeywordCheck) (Check *check, const Rules *rules, const JsonNode *value);

/* What a check needs for the keywords; json_schema_check.c has their stories. */
extern const KeywordCheck schema_value_checks[KW_CHECKED];

extern bool schema_apply(Check *check, const JsonNode *schema, const JsonNode *value);

/* Applies a schema without reporting; the first fault goes to why, if not NULL. */
extern bool schema_try(Check *check, const JsonNode *schema, const JsonNode *value, Buf *why);

/* False: the check is aborted. */
extern bool schema_spend(Check *check, int64_t work);
extern bool schema_give_up(Check *check, const char *why);

/* Nothing that is found from now on would be told. */
extern bool schema_finished(const Check *check);

/*
 * Is the next fault to be written?  Then its line begins with the path, and the
 * caller appends the rest.  In any case the caller returns schema_end_fault(),
 * which is false.
 */
extern bool schema_begin_fault(Check *check, const JsonNode *at);
extern bool schema_end_fault(Check *check);

/* Is it worth the trouble to find out why? */
extern bool schema_wants_reasons(const Check *check);

/* What a value is, for "found ...". */
extern void schema_put_found(Buf *line, const JsonNode *value);

#endif							/* AS_JSON_SCHEMA_PRIVATE_H */
