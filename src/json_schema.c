/*
 * json_schema.c
 *		The words of JSON Schema: what is supported, refused, and near to what.
 *
 * Everything that decides about a document is in the table below, with the
 * shape of its value.  So is what is refused, with the way out.  A word that is
 * in neither is refused as well: a misspelt keyword must not be ignored.
 *
 * pattern is refused because the regular expressions at hand are not those of
 * the standard (ECMA 262), and have no bound on their work.  format is an
 * annotation, as the standard has it unless a dialect says otherwise.
 *
 * The draft is 2020-12, whichever of the standard's drafts $schema names.  A word
 * that had another meaning in an older draft has another shape there, or is no
 * keyword any more; only $ref now lets its neighbours have their say.
 */
#include "json_schema_private.h"

#include <string.h>

#include "json_number.h"
#include "near.h"

static const Keyword keywords[] = {
	{"type", KW_TYPE, SHAPE_TYPE, NULL},
	{"enum", KW_ENUM, SHAPE_VALUES, NULL},
	{"const", KW_CONST, SHAPE_ANY, NULL},
	{"$ref", KW_REF, SHAPE_REF, "put what it refers to under $defs and write #/$defs/NAME"},
	{"required", KW_REQUIRED, SHAPE_NAMES, "list the names of the members in the required of the object"},
	{"dependentRequired", KW_DEPENDENT_REQUIRED, SHAPE_NAMES_MAP, NULL},
	{"minProperties", KW_MIN_PROPERTIES, SHAPE_COUNT, NULL},
	{"maxProperties", KW_MAX_PROPERTIES, SHAPE_COUNT, NULL},
	{"propertyNames", KW_PROPERTY_NAMES, SHAPE_SCHEMA, NULL},
	{"properties", KW_PROPERTIES, SHAPE_SCHEMA_MAP, NULL},
	{"additionalProperties", KW_ADDITIONAL_PROPERTIES, SHAPE_SCHEMA, NULL},
	{"dependentSchemas", KW_DEPENDENT_SCHEMAS, SHAPE_SCHEMA_MAP, NULL},
	{"minItems", KW_MIN_ITEMS, SHAPE_COUNT, NULL},
	{"maxItems", KW_MAX_ITEMS, SHAPE_COUNT, NULL},
	{"uniqueItems", KW_UNIQUE_ITEMS, SHAPE_BOOL, NULL},
	{"prefixItems", KW_PREFIX_ITEMS, SHAPE_SCHEMAS, NULL},
	{"items", KW_ITEMS, SHAPE_SCHEMA, "use prefixItems for an array of schemas"},
	{"contains", KW_CONTAINS, SHAPE_SCHEMA, NULL},
	{"minContains", KW_MIN_CONTAINS, SHAPE_COUNT, NULL},
	{"maxContains", KW_MAX_CONTAINS, SHAPE_COUNT, NULL},
	{"minLength", KW_MIN_LENGTH, SHAPE_COUNT, NULL},
	{"maxLength", KW_MAX_LENGTH, SHAPE_COUNT, NULL},
	{"minimum", KW_MINIMUM, SHAPE_NUMBER, NULL},
	{"maximum", KW_MAXIMUM, SHAPE_NUMBER, NULL},
	{"exclusiveMinimum", KW_EXCLUSIVE_MINIMUM, SHAPE_NUMBER, "write the bound itself here, instead of minimum"},
	{"exclusiveMaximum", KW_EXCLUSIVE_MAXIMUM, SHAPE_NUMBER, "write the bound itself here, instead of maximum"},
	{"multipleOf", KW_MULTIPLE_OF, SHAPE_DIVISOR, NULL},
	{"allOf", KW_ALL_OF, SHAPE_SCHEMAS, NULL},
	{"anyOf", KW_ANY_OF, SHAPE_SCHEMAS, NULL},
	{"oneOf", KW_ONE_OF, SHAPE_SCHEMAS, NULL},
	{"not", KW_NOT, SHAPE_SCHEMA, NULL},
	{"if", KW_IF, SHAPE_SCHEMA, NULL},
	{"then", KW_THEN, SHAPE_SCHEMA, NULL},
	{"else", KW_ELSE, SHAPE_SCHEMA, NULL},

	{"$defs", KW_DEFINITIONS, SHAPE_SCHEMA_MAP, NULL},
	{"definitions", KW_DEFINITIONS, SHAPE_SCHEMA_MAP, NULL},

	{"title", KW_ANNOTATION, SHAPE_TEXT, NULL},
	{"description", KW_ANNOTATION, SHAPE_TEXT, NULL},
	{"default", KW_ANNOTATION, SHAPE_ANY, NULL},
	{"examples", KW_ANNOTATION, SHAPE_ARRAY, NULL},
	{"deprecated", KW_ANNOTATION, SHAPE_BOOL, NULL},
	{"readOnly", KW_ANNOTATION, SHAPE_BOOL, NULL},
	{"writeOnly", KW_ANNOTATION, SHAPE_BOOL, NULL},
	{"format", KW_ANNOTATION, SHAPE_TEXT, NULL},
	{"contentEncoding", KW_ANNOTATION, SHAPE_TEXT, NULL},
	{"contentMediaType", KW_ANNOTATION, SHAPE_TEXT, NULL},
	{"contentSchema", KW_ANNOTATION, SHAPE_ANY, NULL},
	{"$comment", KW_ANNOTATION, SHAPE_TEXT, NULL},
	{"$schema", KW_ANNOTATION, SHAPE_DIALECT, "a dialect of its own could give the keywords another meaning"},
	{"$id", KW_ANNOTATION, SHAPE_TEXT, NULL},

	{"pattern", KW_UNSUPPORTED, SHAPE_ANY, "use enum, const, minLength and maxLength, or say it in description"},
	{"patternProperties", KW_UNSUPPORTED, SHAPE_ANY, "use properties, additionalProperties and propertyNames"},
	{"unevaluatedProperties", KW_UNSUPPORTED, SHAPE_ANY, "use additionalProperties where the properties are"},
	{"unevaluatedItems", KW_UNSUPPORTED, SHAPE_ANY, "use items where the prefixItems are"},
	{"dependencies", KW_UNSUPPORTED, SHAPE_ANY, "use dependentRequired or dependentSchemas"},
	{"additionalItems", KW_UNSUPPORTED, SHAPE_ANY, "use prefixItems, and items for the rest"},
	{"$anchor", KW_UNSUPPORTED, SHAPE_ANY, "refer to #/$defs/NAME instead"},
	{"$dynamicRef", KW_UNSUPPORTED, SHAPE_ANY, "use $ref"},
	{"$dynamicAnchor", KW_UNSUPPORTED, SHAPE_ANY, "use $ref with #/$defs/NAME"},
	{"$recursiveRef", KW_UNSUPPORTED, SHAPE_ANY, "use $ref"},
	{"$recursiveAnchor", KW_UNSUPPORTED, SHAPE_ANY, "use $ref"},
	{"$vocabulary", KW_UNSUPPORTED, SHAPE_ANY, "leave it out"},
	{"id", KW_UNSUPPORTED, SHAPE_ANY, "use $id"},
	{"nullable", KW_UNSUPPORTED, SHAPE_ANY, "add \"null\" to type, as in [\"string\", \"null\"]"},
	{"discriminator", KW_UNSUPPORTED, SHAPE_ANY, "use oneOf with a const in each alternative"},
	{"example", KW_UNSUPPORTED, SHAPE_ANY, "use examples, an array"},
};

static const struct
{
	const char *word;
	int			bit;
}			types[] = {
	{"null", TYPE_NULL},
	{"boolean", TYPE_BOOLEAN},
	{"integer", TYPE_INTEGER},
	{"number", TYPE_NUMBER},
	{"string", TYPE_STRING},
	{"array", TYPE_ARRAY},
	{"object", TYPE_OBJECT},
};

#define lengthof(array)	(sizeof(array) / sizeof((array)[0]))

static bool
is_word(const char *word, const char *text, size_t len)
{
	return strlen(word) == len && memcmp(word, text, len) == 0;
}

const Keyword *
json_schema_keyword(const char *name, size_t len)
{
	size_t		i;

	for (i = 0; i < lengthof(keywords); i++)
	{
		if (is_word(keywords[i].name, name, len))
			return &keywords[i];
	}
	return NULL;
}

int
json_schema_type_bit(const char *word, size_t len)
{
	size_t		i;

	for (i = 0; i < lengthof(types); i++)
	{
		if (is_word(types[i].word, word, len))
			return types[i].bit;
	}
	return 0;
}

void
json_schema_put_types(Buf *out, int wanted)
{
	const char *between = "";
	size_t		i;

	for (i = 0; i < lengthof(types); i++)
	{
		if ((wanted & types[i].bit) == 0)
			continue;
		buf_printf(out, "%s%s", between, types[i].word);
		wanted &= ~types[i].bit;
		between = (wanted & (wanted - 1)) != 0 ? ", " : " or ";
	}
}

/* ---- shapes ---- */

static bool
is_schema(const JsonNode *value)
{
	return value->kind == NODE_OBJECT || value->kind == NODE_BOOL;
}

static bool
is_string(const JsonNode *value)
{
	return value->kind == NODE_STRING;
}

static bool
is_type(const JsonNode *value)
{
	return is_string(value) && json_schema_type_bit(value->is.text, value->by.len) != 0;
}

static bool
is_names(const JsonNode *value)
{
	return json_schema_shape_fits(SHAPE_NAMES, value);
}

static bool
all_children(const JsonNode *value, JsonNodeKind kind, bool (*fits) (const JsonNode *))
{
	const JsonNode *child;

	if (value->kind != kind)
		return false;
	for (child = value->is.first; child; child = child->next)
	{
		if (!fits(child))
			return false;
	}
	return true;
}

static bool
is_reference(const JsonNode *value)
{
	return is_string(value) && value->is.text[0] == '#' &&
		(value->is.text[1] == '\0' || value->is.text[1] == '/');
}

/* One of the standard's own drafts. */
static bool
is_dialect(const JsonNode *value)
{
	return is_string(value) &&
		(strncmp(value->is.text, "https://json-schema.org/", 24) == 0 ||
		 strncmp(value->is.text, "http://json-schema.org/", 23) == 0);
}

static bool
is_count(const JsonNode *value)
{
	int64_t		count;

	return value->kind == NODE_NUMBER && json_number_count(value->is.text, value->by.len, &count);
}

bool
json_schema_shape_fits(Shape shape, const JsonNode *value)
{
	switch (shape)
	{
		case SHAPE_ANY:
			return true;
		case SHAPE_SCHEMA:
			return is_schema(value);
		case SHAPE_SCHEMAS:
			return value->count > 0 && all_children(value, NODE_ARRAY, is_schema);
		case SHAPE_SCHEMA_MAP:
			return all_children(value, NODE_OBJECT, is_schema);
		case SHAPE_TYPE:
			return is_type(value) || (value->count > 0 && all_children(value, NODE_ARRAY, is_type));
		case SHAPE_VALUES:
			return value->kind == NODE_ARRAY && value->count > 0;
		case SHAPE_ARRAY:
			return value->kind == NODE_ARRAY;
		case SHAPE_NAMES:
			return all_children(value, NODE_ARRAY, is_string);
		case SHAPE_NAMES_MAP:
			return all_children(value, NODE_OBJECT, is_names);
		case SHAPE_NUMBER:
			return value->kind == NODE_NUMBER;
		case SHAPE_DIVISOR:
			return value->kind == NODE_NUMBER &&
				json_number_is_divisor(value->is.text, value->by.len);
		case SHAPE_COUNT:
			return is_count(value);
		case SHAPE_BOOL:
			return value->kind == NODE_BOOL;
		case SHAPE_TEXT:
			return is_string(value);
		case SHAPE_DIALECT:
			return is_dialect(value);
		case SHAPE_REF:
			return is_reference(value);
	}
	return false;
}

const char *
json_schema_shape_words(Shape shape)
{
	switch (shape)
	{
		case SHAPE_SCHEMA:
			return "a schema: an object, true or false";
		case SHAPE_SCHEMAS:
			return "an array of at least one schema";
		case SHAPE_SCHEMA_MAP:
			return "an object whose values are schemas (objects, true or false)";
		case SHAPE_TYPE:
			return "null, boolean, integer, number, string, array or object, or an array of these";
		case SHAPE_VALUES:
			return "an array of at least one value";
		case SHAPE_ARRAY:
			return "an array";
		case SHAPE_NAMES:
			return "an array of strings";
		case SHAPE_NAMES_MAP:
			return "an object whose values are arrays of strings";
		case SHAPE_NUMBER:
			return "a number";
		case SHAPE_DIVISOR:
			return "a number greater than 0 of at most 18 significant digits";
		case SHAPE_COUNT:
			return "an integer of at least 0";
		case SHAPE_BOOL:
			return "true or false";
		case SHAPE_TEXT:
			return "a string";
		case SHAPE_DIALECT:
			return "\"https://json-schema.org/draft/2020-12/schema\"";
		case SHAPE_REF:
			return "\"#\" or a pointer within this schema, as in \"#/$defs/NAME\"";
		case SHAPE_ANY:
			break;
	}
	return "any value";
}

/* ---- "perhaps you meant" ---- */

const char *
json_schema_near_keyword(const char *name, size_t len)
{
	Near		near;
	size_t		i;

	near_init(&near, name, len);
	for (i = 0; i < lengthof(keywords); i++)
	{
		if (keywords[i].id != KW_UNSUPPORTED)
			near_offer(&near, keywords[i].name);
	}
	return near.best;
}

const char *
json_schema_near_type(const char *name, size_t len)
{
	Near		near;
	size_t		i;

	near_init(&near, name, len);
	for (i = 0; i < lengthof(types); i++)
		near_offer(&near, types[i].word);
	return near.best;
}
