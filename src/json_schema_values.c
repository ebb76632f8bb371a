/*
 * json_schema_values.c
 *		The keywords of JSON Schema that look at the value itself.
 *
 * One function each; the table at the end says which is whose.  A keyword about
 * one kind of values has nothing to say about the others.
 */
#include <stdlib.h>

#include "json_number.h"
#include "json_schema_private.h"

#define MAX_LISTED		20		/* values of an enum, names */
#define SHOWN_MAX		60
#define LIST_MAX		300

/* ---- words ---- */

/* As schema_begin_fault, for a member that is missing. */
static bool
begin_member_fault(Check *check, const JsonNode *at, const JsonNode *name)
{
	if (!schema_begin_fault(check, at))
		return false;
	buf_reset(&check->line);
	json_node_member_path(&check->line, at, name->is.text, name->by.len);
	buf_puts(&check->line, ": ");
	return true;
}

static void
put_amount(Buf *line, uint32_t count, const char *what)
{
	buf_printf(line, "%u %s%s", count, what, count == 1 ? "" : "s");
}

/* What a value is, for "found ...". */
void
schema_put_found(Buf *line, const JsonNode *value)
{
	static const char *const kinds[] = {"null", "boolean", "number", "string", "array", "object"};

	if (value->kind == NODE_ARRAY || value->kind == NODE_OBJECT)
	{
		buf_printf(line, "%s of ", kinds[value->kind]);
		put_amount(line, value->count, value->kind == NODE_ARRAY ? "item" : "member");
		return;
	}
	if (value->kind != NODE_NULL)
		buf_printf(line, "%s ", kinds[value->kind]);
	json_node_write(line, value, SHOWN_MAX);
}

/* "expected <words> <limit>, found <value>" */
static bool
limit_fault(Check *check, const JsonNode *at, const char *words, const JsonNode *limit)
{
	if (schema_begin_fault(check, at))
	{
		buf_printf(&check->line, "expected %s ", words);
		json_node_write(&check->line, limit, SHOWN_MAX);
		buf_puts(&check->line, ", found ");
		schema_put_found(&check->line, at);
	}
	return schema_end_fault(check);
}

/* "expected at most 3 items, found 4" */
static bool
count_fault(Check *check, const JsonNode *at, const char *words, const JsonNode *limit,
			const char *what, uint32_t found)
{
	if (schema_begin_fault(check, at))
	{
		buf_printf(&check->line, "expected %s ", words);
		json_node_write(&check->line, limit, SHOWN_MAX);
		buf_printf(&check->line, " %s%s, found %u", what, limit->number == 1 ? "" : "s", found);
	}
	return schema_end_fault(check);
}

/* ---- any value ---- */

static int
types_of(const JsonNode *value)
{
	static const int bits[] = {TYPE_NULL, TYPE_BOOLEAN, TYPE_NUMBER, TYPE_STRING, TYPE_ARRAY, TYPE_OBJECT};
	int			bit = bits[value->kind];

	if (value->kind == NODE_NUMBER && json_number_is_integer(value->is.text, value->by.len))
		bit |= TYPE_INTEGER;
	return bit;
}

static bool
check_type(Check *check, const Rules *rules, const JsonNode *value)
{
	int			wanted = (int) rules->keyword[KW_TYPE]->number;

	if (!schema_spend(check, value->kind == NODE_NUMBER ? value->weight : 1))
		return false;
	if ((wanted & types_of(value)) != 0)
		return true;
	if (schema_begin_fault(check, value))
	{
		buf_puts(&check->line, "expected ");
		json_schema_put_types(&check->line, wanted);
		buf_puts(&check->line, ", found ");
		schema_put_found(&check->line, value);
	}
	return schema_end_fault(check);
}

/* Comparing ends at once where kinds or sizes differ, and is paid accordingly. */
static int64_t
work_to_compare(const JsonNode *a, const JsonNode *b)
{
	if (a->kind != b->kind || a->count != b->count)
		return 1;
	if (a->kind == NODE_STRING && a->by.len != b->by.len)
		return 1;
	return (int64_t) a->weight + b->weight;
}

static bool
equal(Check *check, const JsonNode *a, const JsonNode *b)
{
	return schema_spend(check, work_to_compare(a, b)) && json_node_compare(a, b) == 0;
}

/* Values, or the names of members, one after another. */
static void
put_list(Buf *line, const JsonNode *list)
{
	size_t		start = line->len;
	const JsonNode *child;
	int			listed = 0;

	for (child = list->is.first; child; child = child->next)
	{
		if (listed > 0)
			buf_puts(line, ", ");
		if (listed++ == MAX_LISTED || line->len - start > LIST_MAX)
		{
			buf_puts(line, "...");
			return;
		}
		if (child->name)
			buf_json_string(line, child->name, child->name_len);
		else
			json_node_write(line, child, SHOWN_MAX);
	}
}

static bool
check_enum(Check *check, const Rules *rules, const JsonNode *value)
{
	const JsonNode *list = rules->keyword[KW_ENUM];
	const JsonNode *one;

	for (one = list->is.first; one; one = one->next)
	{
		if (equal(check, one, value))
			return true;
	}
	if (schema_begin_fault(check, value))
	{
		buf_puts(&check->line, list->count == 1 ? "expected " : "expected one of ");
		put_list(&check->line, list);
		buf_puts(&check->line, ", found ");
		schema_put_found(&check->line, value);
	}
	return schema_end_fault(check);
}

static bool
check_const(Check *check, const Rules *rules, const JsonNode *value)
{
	return equal(check, rules->keyword[KW_CONST], value) ||
		limit_fault(check, value, "exactly", rules->keyword[KW_CONST]);
}

/* ---- objects ---- */

/* Each name of the list must be a member; because of which other one, or NULL. */
static bool
require_names(Check *check, const JsonNode *names, const JsonNode *value, const JsonNode *because)
{
	const JsonNode *name;
	bool		good = true;

	for (name = names->is.first; name && !schema_finished(check); name = name->next)
	{
		if (!schema_spend(check, 1))
			return false;
		if (json_node_member(value, name->is.text, name->by.len))
			continue;
		if (begin_member_fault(check, value, name))
		{
			buf_puts(&check->line, "is missing, but required");
			if (because)
			{
				buf_puts(&check->line, " when there is ");
				json_node_path(&check->line, because);
			}
		}
		good = schema_end_fault(check);
	}
	return good;
}

static bool
check_required(Check *check, const Rules *rules, const JsonNode *value)
{
	return value->kind != NODE_OBJECT ||
		require_names(check, rules->keyword[KW_REQUIRED], value, NULL);
}

static bool
check_dependent_required(Check *check, const Rules *rules, const JsonNode *value)
{
	const JsonNode *names;
	bool		good = true;

	if (value->kind != NODE_OBJECT)
		return true;
	for (names = rules->keyword[KW_DEPENDENT_REQUIRED]->is.first; names && !schema_finished(check); names = names->next)
	{
		const JsonNode *because = json_node_member(value, names->name, names->name_len);

		if (!schema_spend(check, 1) || (because && !require_names(check, names, value, because)))
			good = false;
	}
	return good;
}

static bool
check_min_properties(Check *check, const Rules *rules, const JsonNode *value)
{
	const JsonNode *limit = rules->keyword[KW_MIN_PROPERTIES];

	return value->kind != NODE_OBJECT || value->count >= limit->number ||
		count_fault(check, value, "at least", limit, "member", value->count);
}

static bool
check_max_properties(Check *check, const Rules *rules, const JsonNode *value)
{
	const JsonNode *limit = rules->keyword[KW_MAX_PROPERTIES];

	return value->kind != NODE_OBJECT || value->count <= limit->number ||
		count_fault(check, value, "at most", limit, "member", value->count);
}

/* A member's name as a value that stands where the member stands. */
static bool
check_name(Check *check, const JsonNode *schema, const JsonNode *member)
{
	JsonNode	name = *member;
	Buf			why;

	name.kind = NODE_STRING;
	name.count = 0;
	name.is.text = member->name;
	name.by.len = member->name_len;
	name.weight = 1 + member->name_len / 32;
	buf_init(&why, 0);
	if (schema_try(check, schema, &name, schema_wants_reasons(check) ? &why : NULL))
	{
		buf_free(&why);
		return true;
	}
	if (schema_begin_fault(check, member))
		buf_printf(&check->line, "this name is not allowed by propertyNames (%s)", buf_text(&why));
	buf_free(&why);
	return schema_end_fault(check);
}

static bool
check_property_names(Check *check, const Rules *rules, const JsonNode *value)
{
	const JsonNode *member;
	bool		good = true;

	if (value->kind != NODE_OBJECT)
		return true;
	for (member = value->is.first; member && !schema_finished(check); member = member->next)
	{
		if (!check_name(check, rules->keyword[KW_PROPERTY_NAMES], member))
			good = false;
	}
	return good;
}

static bool
check_properties(Check *check, const Rules *rules, const JsonNode *value)
{
	const JsonNode *properties = rules->keyword[KW_PROPERTIES];
	const JsonNode *member;
	bool		good = true;

	if (value->kind != NODE_OBJECT)
		return true;
	for (member = value->is.first; member && !schema_finished(check); member = member->next)
	{
		const JsonNode *schema = json_node_member(properties, member->name, member->name_len);

		if (!schema_spend(check, 1) || (schema && !schema_apply(check, schema, member)))
			good = false;
	}
	return good;
}

static bool
unknown_member(Check *check, const Rules *rules, const JsonNode *member)
{
	const JsonNode *properties = rules->keyword[KW_PROPERTIES];

	if (schema_begin_fault(check, member))
	{
		buf_puts(&check->line, "is not allowed; ");
		if (properties && properties->count > 0)
		{
			buf_puts(&check->line, "the members here are ");
			put_list(&check->line, properties);
		}
		else
			buf_puts(&check->line, "there may be no members here");
	}
	return schema_end_fault(check);
}

static bool
check_additional_properties(Check *check, const Rules *rules, const JsonNode *value)
{
	const JsonNode *properties = rules->keyword[KW_PROPERTIES];
	const JsonNode *schema = rules->keyword[KW_ADDITIONAL_PROPERTIES];
	bool		forbidden = schema->kind == NODE_BOOL && !schema->count;
	const JsonNode *member;
	bool		good = true;

	if (value->kind != NODE_OBJECT)
		return true;
	for (member = value->is.first; member && !schema_finished(check); member = member->next)
	{
		if (!schema_spend(check, 1))
			return false;
		if (properties && json_node_member(properties, member->name, member->name_len))
			continue;
		if (!(forbidden ? unknown_member(check, rules, member) : schema_apply(check, schema, member)))
			good = false;
	}
	return good;
}

static bool
check_dependent_schemas(Check *check, const Rules *rules, const JsonNode *value)
{
	const JsonNode *schema;
	bool		good = true;

	if (value->kind != NODE_OBJECT)
		return true;
	for (schema = rules->keyword[KW_DEPENDENT_SCHEMAS]->is.first; schema && !schema_finished(check); schema = schema->next)
	{
		if (!schema_spend(check, 1) ||
			(json_node_member(value, schema->name, schema->name_len) && !schema_apply(check, schema, value)))
			good = false;
	}
	return good;
}

/* ---- arrays ---- */

static bool
check_min_items(Check *check, const Rules *rules, const JsonNode *value)
{
	const JsonNode *limit = rules->keyword[KW_MIN_ITEMS];

	return value->kind != NODE_ARRAY || value->count >= limit->number ||
		count_fault(check, value, "at least", limit, "item", value->count);
}

static bool
check_max_items(Check *check, const Rules *rules, const JsonNode *value)
{
	const JsonNode *limit = rules->keyword[KW_MAX_ITEMS];

	return value->kind != NODE_ARRAY || value->count <= limit->number ||
		count_fault(check, value, "at most", limit, "item", value->count);
}

static int
compare_items(const void *a, const void *b)
{
	const JsonNode *left = *(const JsonNode *const *) a;
	const JsonNode *right = *(const JsonNode *const *) b;
	int			result = json_node_compare(left, right);

	if (result == 0)
		result = left->index < right->index ? -1 : left->index > right->index;
	return result;
}

static bool
same_items_fault(Check *check, const JsonNode *first, const JsonNode *again)
{
	if (schema_begin_fault(check, again))
	{
		buf_puts(&check->line, "is equal to ");
		json_node_path(&check->line, first);
		buf_puts(&check->line, "; the items must differ from each other");
	}
	return schema_end_fault(check);
}

/* How often a sort looks at each of so many items, about. */
static int
sort_rounds(uint32_t count)
{
	int			rounds = 1;

	for (; count > 1; count /= 2)
		rounds++;
	return rounds;
}

/* In order, equal items are neighbours: no need to compare each with each. */
static bool
check_unique_items(Check *check, const Rules *rules, const JsonNode *value)
{
	const JsonNode **items;
	const JsonNode *item;
	bool		good = true;
	uint32_t	i = 0;

	if (value->kind != NODE_ARRAY || value->count < 2 || rules->keyword[KW_UNIQUE_ITEMS]->count == 0)
		return true;
	if (!schema_spend(check, (int64_t) value->weight * sort_rounds(value->count)))
		return false;
	items = malloc(value->count * sizeof(*items));
	if (items == NULL)
		return schema_give_up(check, "out of memory");
	for (item = value->is.first; item; item = item->next)
		items[i++] = item;
	qsort(items, value->count, sizeof(*items), compare_items);
	for (i = 1; i < value->count && !schema_finished(check); i++)
	{
		if (json_node_compare(items[i - 1], items[i]) == 0)
			good = same_items_fault(check, items[i - 1], items[i]);
	}
	free(items);
	return good;
}

static bool
check_prefix_items(Check *check, const Rules *rules, const JsonNode *value)
{
	const JsonNode *schema = rules->keyword[KW_PREFIX_ITEMS]->is.first;
	const JsonNode *item = value->is.first;
	bool		good = true;

	if (value->kind != NODE_ARRAY)
		return true;
	for (; schema && item && !schema_finished(check); schema = schema->next, item = item->next)
	{
		if (!schema_apply(check, schema, item))
			good = false;
	}
	return good;
}

static bool
check_items(Check *check, const Rules *rules, const JsonNode *value)
{
	const JsonNode *schema = rules->keyword[KW_ITEMS];
	const JsonNode *prefix = rules->keyword[KW_PREFIX_ITEMS];
	uint32_t	described = prefix ? prefix->count : 0;
	const JsonNode *item = value->is.first;
	bool		good = true;

	if (value->kind != NODE_ARRAY)
		return true;
	if (schema->kind == NODE_BOOL && !schema->count && value->count > described)
	{
		if (schema_begin_fault(check, value))
		{
			buf_puts(&check->line, "expected at most ");
			put_amount(&check->line, described, "item");
			buf_printf(&check->line, ", found %u", value->count);
		}
		return schema_end_fault(check);
	}
	for (; item && !schema_finished(check); item = item->next)
	{
		if (!schema_spend(check, 1) || (item->index >= described && !schema_apply(check, schema, item)))
			good = false;
	}
	return good;
}

static bool
contains_fault(Check *check, const Rules *rules, const JsonNode *value, int64_t found,
			   const char *words, int64_t limit)
{
	if (schema_begin_fault(check, value))
	{
		buf_printf(&check->line, "expected %s %lld item%s that fit%s ", words, (long long) limit,
				   limit == 1 ? "" : "s", limit == 1 ? "s" : "");
		json_node_write(&check->line, rules->keyword[KW_CONTAINS], LIST_MAX);
		buf_printf(&check->line, ", found %lld", (long long) found);
	}
	return schema_end_fault(check);
}

static bool
check_contains(Check *check, const Rules *rules, const JsonNode *value)
{
	const JsonNode *min = rules->keyword[KW_MIN_CONTAINS];
	const JsonNode *max = rules->keyword[KW_MAX_CONTAINS];
	const JsonNode *item = value->is.first;
	int64_t		found = 0;

	if (value->kind != NODE_ARRAY)
		return true;
	for (; item && !check->aborted; item = item->next)
	{
		if (schema_try(check, rules->keyword[KW_CONTAINS], item, NULL))
			found++;
	}
	if (check->aborted)
		return false;
	if (found < (min ? min->number : 1))
		return contains_fault(check, rules, value, found, "at least", min ? min->number : 1);
	if (max && found > max->number)
		return contains_fault(check, rules, value, found, "at most", max->number);
	return true;
}

/* ---- strings ---- */

/* Characters, not bytes: what is no continuation begins one. */
static int64_t
count_characters(const JsonNode *value)
{
	int64_t		count = 0;
	size_t		i;

	for (i = 0; i < value->by.len; i++)
		count += ((unsigned char) value->is.text[i] & 0xC0) != 0x80;
	return count;
}

static bool
check_length(Check *check, const JsonNode *value, const JsonNode *limit, bool is_min)
{
	int64_t		length;

	if (value->kind != NODE_STRING)
		return true;
	if (!schema_spend(check, value->weight))
		return false;
	length = count_characters(value);
	if (is_min ? length >= limit->number : length <= limit->number)
		return true;
	return count_fault(check, value, is_min ? "at least" : "at most", limit, "character", (uint32_t) length);
}

static bool
check_min_length(Check *check, const Rules *rules, const JsonNode *value)
{
	return check_length(check, value, rules->keyword[KW_MIN_LENGTH], true);
}

static bool
check_max_length(Check *check, const Rules *rules, const JsonNode *value)
{
	return check_length(check, value, rules->keyword[KW_MAX_LENGTH], false);
}

/* ---- numbers ---- */

/* The order of a number and a limit; anything else than a number keeps every limit. */
static bool
compare_limit(Check *check, const JsonNode *value, const JsonNode *limit, int *order)
{
	if (value->kind != NODE_NUMBER || !schema_spend(check, value->weight + limit->weight))
		return false;
	*order = json_number_compare(value->is.text, value->by.len, limit->is.text, limit->by.len);
	return true;
}

static bool
check_minimum(Check *check, const Rules *rules, const JsonNode *value)
{
	const JsonNode *limit = rules->keyword[KW_MINIMUM];
	int			order;

	return !compare_limit(check, value, limit, &order) || order >= 0 ||
		limit_fault(check, value, "at least", limit);
}

static bool
check_maximum(Check *check, const Rules *rules, const JsonNode *value)
{
	const JsonNode *limit = rules->keyword[KW_MAXIMUM];
	int			order;

	return !compare_limit(check, value, limit, &order) || order <= 0 ||
		limit_fault(check, value, "at most", limit);
}

static bool
check_exclusive_minimum(Check *check, const Rules *rules, const JsonNode *value)
{
	const JsonNode *limit = rules->keyword[KW_EXCLUSIVE_MINIMUM];
	int			order;

	return !compare_limit(check, value, limit, &order) || order > 0 ||
		limit_fault(check, value, "more than", limit);
}

static bool
check_exclusive_maximum(Check *check, const Rules *rules, const JsonNode *value)
{
	const JsonNode *limit = rules->keyword[KW_EXCLUSIVE_MAXIMUM];
	int			order;

	return !compare_limit(check, value, limit, &order) || order < 0 ||
		limit_fault(check, value, "less than", limit);
}

static bool
check_multiple_of(Check *check, const Rules *rules, const JsonNode *value)
{
	const JsonNode *divisor = rules->keyword[KW_MULTIPLE_OF];

	/* dividing goes through the digits more slowly than comparing */
	if (value->kind != NODE_NUMBER || !schema_spend(check, (int64_t) value->weight * 16))
		return true;
	return json_number_is_multiple(value->is.text, value->by.len, divisor->is.text, divisor->by.len) ||
		limit_fault(check, value, "a multiple of", divisor);
}

/* ---- which is whose ---- */

const KeywordCheck schema_value_checks[KW_CHECKED] = {
	[KW_TYPE] = check_type,
	[KW_ENUM] = check_enum,
	[KW_CONST] = check_const,
	[KW_REQUIRED] = check_required,
	[KW_DEPENDENT_REQUIRED] = check_dependent_required,
	[KW_MIN_PROPERTIES] = check_min_properties,
	[KW_MAX_PROPERTIES] = check_max_properties,
	[KW_PROPERTY_NAMES] = check_property_names,
	[KW_PROPERTIES] = check_properties,
	[KW_ADDITIONAL_PROPERTIES] = check_additional_properties,
	[KW_DEPENDENT_SCHEMAS] = check_dependent_schemas,
	[KW_MIN_ITEMS] = check_min_items,
	[KW_MAX_ITEMS] = check_max_items,
	[KW_UNIQUE_ITEMS] = check_unique_items,
	[KW_PREFIX_ITEMS] = check_prefix_items,
	[KW_ITEMS] = check_items,
	[KW_CONTAINS] = check_contains,
	[KW_MIN_LENGTH] = check_min_length,
	[KW_MAX_LENGTH] = check_max_length,
	[KW_MINIMUM] = check_minimum,
	[KW_MAXIMUM] = check_maximum,
	[KW_EXCLUSIVE_MINIMUM] = check_exclusive_minimum,
	[KW_EXCLUSIVE_MAXIMUM] = check_exclusive_maximum,
	[KW_MULTIPLE_OF] = check_multiple_of,
};
