/*
 * test_provider_strict.c
 *		To which JSON Schemas a vendor can hold an answer.
 */
#include "provider_strict.h"
#include "unit.h"

#include "buf.h"

typedef struct SchemaCase
{
	const char *name;
	const char *schema;
	bool		openai;
	bool		first;			/* fine-tuned models, and Azure */
	bool		anthropic;
} SchemaCase;

#define OBJECT(properties, required) \
	"{\"type\":\"object\",\"properties\":{" properties "},\"required\":[" required "],\"additionalProperties\":false}"

/* An object with the one member x. */
#define X(schema) OBJECT("\"x\":" schema, "\"x\"")

static const SchemaCase cases[] = {
	{"a closed object, all of it required", X("{\"type\":\"string\"}"), true, true, true},
	{"in any order", "{\"additionalProperties\":false,\"required\":[\"b\",\"a\"],"
	"\"properties\":{\"a\":{\"type\":\"null\"},\"b\":{\"type\":\"boolean\"}},\"type\":\"object\"}", true, true, true},
	{"an object without members", OBJECT("", ""), true, true, true},
	{"title, description and $schema", "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"title\":\"t\","
		"\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"number\",\"title\":\"x\",\"description\":\"d\"}},"
	"\"required\":[\"x\"],\"additionalProperties\":false}", true, true, true},

	{"an optional member", OBJECT("\"x\":{\"type\":\"string\"},\"y\":{\"type\":\"string\"}", "\"x\""), false, false, true},
	{"nothing said of what is required", "{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"string\"}},\"additionalProperties\":false}", false, false, true},
	{"a required member that is none", OBJECT("\"x\":{\"type\":\"string\"}", "\"y\""), false, false, false},
	{"one more required", OBJECT("\"x\":{\"type\":\"string\"}", "\"x\",\"y\""), false, false, false},
	{"one required twice in place of another", OBJECT("\"x\":{\"type\":\"string\"},\"y\":{\"type\":\"string\"}", "\"x\",\"x\""), false, false, false},
	{"required is no list", "{\"type\":\"object\",\"properties\":{},\"required\":{},\"additionalProperties\":false}", false, false, false},
	{"required holds a number", OBJECT("\"1\":{\"type\":\"string\"}", "1"), false, false, false},
	{"an open object", "{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"string\"}},\"required\":[\"x\"]}", false, false, false},
	{"one that says that it is open", "{\"type\":\"object\",\"properties\":{},\"required\":[],\"additionalProperties\":true}", false, false, false},
	{"one with a schema for the rest", "{\"type\":\"object\",\"properties\":{},\"required\":[],\"additionalProperties\":{\"type\":\"string\"}}", false, false, false},
	{"an object of anything", "{\"type\":\"object\"}", false, false, false},
	{"properties that are none", "{\"type\":\"object\",\"properties\":[],\"required\":[],\"additionalProperties\":false}", false, false, false},
	{"a member that comes twice", OBJECT("\"x\":{\"type\":\"string\"},\"x\":{\"type\":\"string\"}", "\"x\",\"x\""), false, false, false},

	{"an object within", X(OBJECT("\"y\":{\"type\":\"integer\"}", "\"y\"")), true, true, true},
	{"an open object within", X("{\"type\":\"object\"}"), false, false, false},
	{"an array", X("{\"type\":\"array\",\"items\":{\"type\":\"string\"}}"), true, true, true},
	{"an array of closed objects", X("{\"type\":\"array\",\"items\":" OBJECT("", "") "}"), true, true, true},
	{"an array of open objects", X("{\"type\":\"array\",\"items\":{\"type\":\"object\"}}"), false, false, false},
	{"an array of anything", X("{\"type\":\"array\"}"), false, false, false},
	{"an array of what true allows", X("{\"type\":\"array\",\"items\":true}"), false, false, false},
	{"items of a text", X("{\"type\":\"string\",\"items\":{\"type\":\"string\"}}"), false, false, false},
	{"members of a text", X("{\"type\":\"string\",\"properties\":{}}"), false, false, false},

	{"several types", X("{\"type\":[\"string\",\"null\"]}"), true, true, true},
	{"several types, an open object among them", X("{\"type\":[\"object\",\"null\"]}"), false, false, false},
	{"no type", X("{}"), false, false, false},
	{"a list of no types", X("{\"type\":[]}"), false, false, false},
	{"a type that is unknown", X("{\"type\":\"any\"}"), false, false, false},
	{"a type that is no word", X("{\"type\":{\"a\":1}}"), false, false, false},
	{"true for a schema", X("true"), false, false, false},

	{"enum", X("{\"type\":\"string\",\"enum\":[\"a\",\"b\"]}"), true, true, true},
	{"const", X("{\"type\":\"string\",\"const\":\"a\"}"), true, true, true},
	{"enum without a type", X("{\"enum\":[\"a\"]}"), false, false, false},
	{"an empty enum", X("{\"type\":\"string\",\"enum\":[]}"), false, false, false},
	{"an enum of objects", X("{\"type\":\"string\",\"enum\":[{}]}"), false, false, false},
	{"a const of an array", X("{\"type\":\"string\",\"const\":[]}"), false, false, false},

	{"alternatives", X("{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}],\"description\":\"d\"}"), true, true, true},
	{"an open alternative", X("{\"anyOf\":[{\"type\":\"object\"},{\"type\":\"null\"}]}"), false, false, false},
	{"no alternative", X("{\"anyOf\":[]}"), false, false, false},
	{"alternatives beside a type", X("{\"type\":\"string\",\"anyOf\":[{\"type\":\"string\"}]}"), false, false, false},
	{"alternatives beside members", X("{\"properties\":{},\"anyOf\":[{\"type\":\"string\"}]}"), false, false, false},
	{"alternatives as the whole", "{\"anyOf\":[" OBJECT("", "") "]}", false, false, false},
	{"an array as the whole", "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}", false, false, false},
	{"an object or nothing as the whole", "{\"type\":[\"object\",\"null\"],\"properties\":{},\"required\":[],\"additionalProperties\":false}", false, false, false},

	{"a definition", "{\"type\":\"object\",\"properties\":{\"x\":{\"$ref\":\"#/$defs/d\"}},\"required\":[\"x\"],"
	"\"additionalProperties\":false,\"$defs\":{\"d\":{\"type\":\"string\"}}}", true, true, true},
	{"a definition that is open", "{\"type\":\"object\",\"properties\":{\"x\":{\"$ref\":\"#/$defs/d\"}},\"required\":[\"x\"],"
	"\"additionalProperties\":false,\"$defs\":{\"d\":{\"type\":\"object\"}}}", false, false, false},
	{"under its older name", "{\"type\":\"object\",\"properties\":{\"x\":{\"$ref\":\"#/definitions/d\"}},\"required\":[\"x\"],"
	"\"additionalProperties\":false,\"definitions\":{\"d\":{\"type\":\"string\"}}}", true, true, true},
	{"definitions that are none", "{\"type\":\"object\",\"properties\":{},\"required\":[],\"additionalProperties\":false,\"$defs\":[]}", false, false, false},
	{"recursion", X("{\"anyOf\":[{\"$ref\":\"#\"},{\"type\":\"null\"}]}"), true, true, false},
	{"a definition that refers to itself", "{\"type\":\"object\",\"properties\":{\"x\":{\"$ref\":\"#/$defs/d\"}},\"required\":[\"x\"],"
		"\"additionalProperties\":false,\"$defs\":{\"d\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/d\"}}}}", true, true, false},
	{"a reference to nothing", X("{\"$ref\":\"#/$defs/d\"}"), false, false, false},
	{"a reference into the schema", X("{\"$ref\":\"#/properties/x\"}"), false, false, false},
	{"a reference with a word beside it", X("{\"$ref\":\"#\",\"description\":\"d\"}"), false, false, false},
	{"a reference that is no text", X("{\"$ref\":1}"), false, false, false},
	{"definitions within", X("{\"type\":\"string\",\"$defs\":{}}"), false, false, false},

	{"minimum", X("{\"type\":\"number\",\"minimum\":0}"), true, false, false},
	{"maximum", X("{\"type\":\"number\",\"maximum\":0}"), true, false, false},
	{"exclusiveMinimum", X("{\"type\":\"number\",\"exclusiveMinimum\":0}"), true, false, false},
	{"exclusiveMaximum", X("{\"type\":\"number\",\"exclusiveMaximum\":0}"), true, false, false},
	{"multipleOf", X("{\"type\":\"number\",\"multipleOf\":2}"), true, false, false},
	{"minItems", X("{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"minItems\":1}"), true, false, false},
	{"maxItems", X("{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"maxItems\":1}"), true, false, false},
	{"a format", X("{\"type\":\"string\",\"format\":\"date-time\"}"), true, false, false},
	{"an unknown format", X("{\"type\":\"string\",\"format\":\"uri\"}"), false, false, false},

	{"minLength", X("{\"type\":\"string\",\"minLength\":1}"), false, false, false},
	{"maxLength", X("{\"type\":\"string\",\"maxLength\":1}"), false, false, false},
	{"uniqueItems", X("{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"uniqueItems\":true}"), false, false, false},
	{"contains", X("{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"contains\":{\"type\":\"string\"}}"), false, false, false},
	{"prefixItems", X("{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"prefixItems\":[]}"), false, false, false},
	{"default", X("{\"type\":\"string\",\"default\":\"a\"}"), false, false, false},
	{"allOf", X("{\"allOf\":[{\"type\":\"string\"}]}"), false, false, false},
	{"oneOf", X("{\"oneOf\":[{\"type\":\"string\"}]}"), false, false, false},
	{"not", X("{\"type\":\"string\",\"not\":{\"const\":\"a\"}}"), false, false, false},
	{"if", X("{\"type\":\"string\",\"if\":{\"const\":\"a\"}}"), false, false, false},
	{"dependentRequired", "{\"type\":\"object\",\"properties\":{},\"required\":[],\"additionalProperties\":false,\"dependentRequired\":{}}", false, false, false},
	{"minProperties", "{\"type\":\"object\",\"properties\":{},\"required\":[],\"additionalProperties\":false,\"minProperties\":1}", false, false, false},
	{"a word that nobody knows", X("{\"type\":\"string\",\"x-order\":1}"), false, false, false},

	{"no object", "true", false, false, false},
	{"no JSON", "{\"type\":", false, false, false},
	{"nothing", "", false, false, false},
};

static void
check(const StrictRules *rules, const char *schema, bool want, const char *name)
{
	size_t		size = strlen(schema) + 1;
	char	   *copy = malloc(size);

	/* a copy of its own, so that reading beyond it is noticed */
	memcpy(copy, schema, size);
	ok(provider_is_strict(rules, copy) == want, name);
	free(copy);
}

/* A schema with that many objects in each other, the innermost with a text in it. */
static void
nest(Buf *schema, int depth)
{
	int			i;

	buf_reset(schema);
	for (i = 0; i < depth; i++)
		buf_puts(schema, "{\"type\":\"object\",\"required\":[\"x\"],\"additionalProperties\":false,\"properties\":{\"x\":");
	buf_puts(schema, "{\"type\":\"string\"}");
	for (i = 0; i < depth; i++)
		buf_puts(schema, "}}");
}

/* A schema with so many members, each with a name of that length. */
static void
widen(Buf *schema, int members, int name_len)
{
	int			i;

	buf_reset(schema);
	buf_puts(schema, "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[");
	for (i = 0; i < members; i++)
		buf_printf(schema, "%s\"%0*d\"", i ? "," : "", name_len, i);
	buf_puts(schema, "],\"properties\":{");
	for (i = 0; i < members; i++)
		buf_printf(schema, "%s\"%0*d\":{\"type\":\"null\"}", i ? "," : "", name_len, i);
	buf_puts(schema, "}}");
}

static void
choose(Buf *schema, int words)
{
	int			i;

	buf_reset(schema);
	buf_puts(schema, "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"x\"],"
			 "\"properties\":{\"x\":{\"type\":\"integer\",\"enum\":[");
	for (i = 0; i < words; i++)
		buf_printf(schema, "%s%d", i ? "," : "", i);
	buf_puts(schema, "]}}}");
}

/* That many members which need not be there, or which have two types. */
static void
loosen(Buf *schema, int optional, int unions)
{
	int			i;

	buf_reset(schema);
	buf_puts(schema, "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[");
	for (i = 0; i < unions; i++)
		buf_printf(schema, "%s\"u%d\"", i ? "," : "", i);
	buf_puts(schema, "],\"properties\":{\"o\":{\"type\":\"null\"}");
	for (i = 1; i < optional; i++)
		buf_printf(schema, ",\"o%d\":{\"type\":\"null\"}", i);
	for (i = 0; i < unions; i++)
		buf_printf(schema, i % 2 ? ",\"u%d\":{\"type\":[\"string\",\"null\"]}"
				   : ",\"u%d\":{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}", i);
	buf_puts(schema, "}}");
}

static void
check_looseness(void)
{
	Buf			schema;

	buf_init(&schema, 0);
	loosen(&schema, 24, 16);
	check(&strict_anthropic, buf_text(&schema), true, "as many optional members and unions as there may be");
	loosen(&schema, 25, 16);
	check(&strict_anthropic, buf_text(&schema), false, "one more optional member");
	loosen(&schema, 24, 17);
	check(&strict_anthropic, buf_text(&schema), false, "one more union");
	buf_free(&schema);
}

static void
check_sizes(const StrictRules *rules)
{
	int			name_len = (int) (rules->max_text / rules->max_properties);
	Buf			schema;

	buf_init(&schema, 0);
	nest(&schema, rules->max_depth);
	check(rules, buf_text(&schema), true, "as deep as it may be");
	nest(&schema, rules->max_depth + 1);
	check(rules, buf_text(&schema), false, "deeper");
	nest(&schema, 500);
	check(rules, buf_text(&schema), false, "much deeper");
	widen(&schema, (int) rules->max_properties, name_len);
	check(rules, buf_text(&schema), true, "as many members as there may be, with names as long as they may be");
	widen(&schema, (int) rules->max_properties + 1, 4);
	check(rules, buf_text(&schema), false, "more members");
	widen(&schema, (int) rules->max_properties, name_len + 1);
	check(rules, buf_text(&schema), false, "longer names");
	choose(&schema, (int) rules->max_enum);
	check(rules, buf_text(&schema), true, "as many words to choose from as there may be");
	choose(&schema, (int) rules->max_enum + 1);
	check(rules, buf_text(&schema), false, "more words");
	buf_free(&schema);
}

int
main(void)
{
	size_t		i;

	for (i = 0; i < lengthof(cases); i++)
	{
		check(&strict_openai, cases[i].schema, cases[i].openai, cases[i].name);
		check(&strict_first, cases[i].schema, cases[i].first, "and for models that know less");
		check(&strict_anthropic, cases[i].schema, cases[i].anthropic, "and for Anthropic's");
	}
	check_sizes(&strict_openai);
	check_sizes(&strict_first);
	check_sizes(&strict_anthropic);
	check_looseness();
	ok(provider_strict_openai("gpt-4.1") == &strict_openai, "a model of OpenAI's own");
	ok(provider_strict_openai("ft:gpt-4.1:org::id") == &strict_first, "a fine-tuned one knows less");
	ok(provider_is_object_schema("{\"type\":\"object\"}"), "answers are objects");
	ok(!provider_is_object_schema("{\"type\":\"array\"}"), "answers are arrays");
	ok(!provider_is_object_schema("{\"type\":[\"object\",\"null\"]}"), "answers may be null");
	ok(!provider_is_object_schema("{}"), "answers may be anything");
	ok(!provider_is_object_schema("{\"anyOf\":[{\"type\":\"object\"}]}"), "alternatives, whatever they are");
	ok(!provider_is_object_schema("[]") && !provider_is_object_schema("{"), "no schema");
	return unit_done();
}
