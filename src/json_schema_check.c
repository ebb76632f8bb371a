/*
 * json_schema_check.c
 *		Checks a document against a compiled JSON Schema.
 *
 * Each keyword has one function, which says whether a value is good and reports
 * why not.  Reports go to a sink.  Where the verdict of a schema is only one
 * among others (anyOf, not, if ...), a sink of its own takes them: it keeps the
 * first one, or none, and makes the checking of that schema end with it.
 *
 * A document is checked in silence first.  Only if it is not valid, a second pass
 * finds the words: alternatives that fail are common, and words cost far more
 * than verdicts.
 *
 * The work is bounded: everything that is looked at is paid from one budget, and
 * schemas nest up to a fixed depth.  Who runs out of either is aborted, which is
 * neither true nor false, so that "not" cannot turn it into a verdict.  A second
 * pass would only run out as well, so there is none then.
 */
#include <string.h>

#include "json_schema_private.h"

#define MAX_NODES		200000	/* values in a document */
#define MAX_WORK		1500000 /* for each pass; about 20 ms: whoever checks an
								 * answer keeps all others waiting */
#define MAX_DEPTH		400		/* schemas within each other */
#define MAX_FAULTS		20
#define MAX_ALTERNATIVES	5	/* of anyOf, in a message */
#define LINE_MAX_LENGTH	1000
#define REASONS_MAX		600		/* of all alternatives together */
#define FAULT_WORK		200		/* putting a fault into words, as work */
#define SHOWN_MAX		60
#define LIST_MAX		300

/* ---- the budget ---- */

bool
schema_give_up(Check *check, const char *why)
{
	if (check->aborted == NULL)
		check->aborted = why;
	return false;
}

bool
schema_spend(Check *check, int64_t work)
{
	if (check->aborted)
		return false;
	check->work += work;
	if (check->work > MAX_WORK)
		return schema_give_up(check, "checking it takes more work than is allowed: the schema or the document is too intricate");
	return true;
}

bool
schema_finished(const Check *check)
{
	return check->aborted != NULL || check->sink.faults >= check->sink.enough;
}

/* ---- faults ---- */

/*
 * Is the next fault to be written?  Then its line begins with the path, and the
 * caller appends the rest.  In any case the caller returns schema_end_fault().
 */
bool
schema_begin_fault(Check *check, const JsonNode *at)
{
	buf_reset(&check->line);
	if (check->aborted || check->sink.text == NULL || check->sink.faults >= check->sink.shown)
		return false;
	check->work += FAULT_WORK;
	if (at != check->sink.at)
	{
		json_node_path(&check->line, at);
		buf_puts(&check->line, ": ");
	}
	return true;
}

/* Always false: that is what a check returns then. */
bool
schema_end_fault(Check *check)
{
	Sink	   *sink = &check->sink;

	if (check->line.len > 0 && sink->text)
	{
		if (sink->faults > 0)
			buf_putc(sink->text, '\n');
		json_put_clipped(sink->text, buf_text(&check->line), check->line.len, LINE_MAX_LENGTH);
		buf_reset(&check->line);
	}
	if (!check->aborted)
		sink->faults++;
	return false;
}

static bool
fault(Check *check, const JsonNode *at, const char *words)
{
	if (schema_begin_fault(check, at))
		buf_puts(&check->line, words);
	return schema_end_fault(check);
}

/* ---- another schema's verdict ---- */

/* Applies a schema without reporting; the first fault goes to why, if there is one. */
bool
schema_try(Check *check, const JsonNode *schema, const JsonNode *value, Buf *why)
{
	Sink		outer = check->sink;
	Sink		inner = {why, value, 0, 1, 1};
	bool		good;

	check->sink = inner;
	good = schema_apply(check, schema, value);
	check->sink = outer;
	return good;
}

/* Is it worth the trouble to find out why? */
bool
schema_wants_reasons(const Check *check)
{
	return check->sink.text != NULL && check->sink.faults < check->sink.shown;
}

/* ---- schemas on schemas ---- */

static bool
check_ref(Check *check, const Rules *rules, const JsonNode *value)
{
	return schema_apply(check, rules->ref->node, value);
}

static bool
check_all_of(Check *check, const Rules *rules, const JsonNode *value)
{
	const JsonNode *schema;
	bool		good = true;

	for (schema = rules->keyword[KW_ALL_OF]->is.first; schema && !schema_finished(check); schema = schema->next)
	{
		if (!schema_apply(check, schema, value))
			good = false;
	}
	return good;
}

/* Tries one alternative; its first fault is appended to why, if it is one of the first. */
static bool
try_alternative(Check *check, const JsonNode *schema, const JsonNode *value, Buf *why)
{
	bool		shown = schema->index < MAX_ALTERNATIVES && schema_wants_reasons(check);

	if (shown)
		buf_printf(why, "%s%u: ", schema->index > 0 ? "; " : "", schema->index + 1);
	else if (schema->index == MAX_ALTERNATIVES && schema_wants_reasons(check))
		buf_puts(why, "; ...");
	return schema_try(check, schema, value, shown ? why : NULL);
}

static bool
no_alternative_fault(Check *check, const JsonNode *value, const char *keyword, uint32_t count, const Buf *why)
{
	if (schema_begin_fault(check, value))
	{
		if (count == 1)
			buf_printf(&check->line, "does not fit the alternative of %s (", keyword);
		else
			buf_printf(&check->line, "fits none of the %u alternatives of %s (", count, keyword);
		json_put_clipped(&check->line, buf_text(why), why->len, REASONS_MAX);
		buf_putc(&check->line, ')');
	}
	return schema_end_fault(check);
}

static bool
check_any_of(Check *check, const Rules *rules, const JsonNode *value)
{
	const JsonNode *list = rules->keyword[KW_ANY_OF];
	const JsonNode *schema = list->is.first;
	Buf			why;
	bool		good = false;

	buf_init(&why, 0);
	for (; schema && !good && !check->aborted; schema = schema->next)
		good = try_alternative(check, schema, value, &why);
	if (!good)
		no_alternative_fault(check, value, "anyOf", list->count, &why);
	buf_free(&why);
	return good;
}

static bool
check_one_of(Check *check, const Rules *rules, const JsonNode *value)
{
	const JsonNode *list = rules->keyword[KW_ONE_OF];
	const JsonNode *schema = list->is.first;
	const JsonNode *first = NULL;
	const JsonNode *second = NULL;
	Buf			why;

	buf_init(&why, 0);
	for (; schema && !second && !check->aborted; schema = schema->next)
	{
		if (!try_alternative(check, schema, value, &why))
			continue;
		if (first)
			second = schema;
		else
			first = schema;
	}
	if (!first)
		no_alternative_fault(check, value, "oneOf", list->count, &why);
	buf_free(&why);
	if (!second)
		return first != NULL && !check->aborted;
	if (schema_begin_fault(check, value))
		buf_printf(&check->line, "fits more than one alternative of oneOf (numbers %u and %u), expected exactly one",
				   first->index + 1, second->index + 1);
	return schema_end_fault(check);
}

static bool
check_not(Check *check, const Rules *rules, const JsonNode *value)
{
	const JsonNode *schema = rules->keyword[KW_NOT];

	if (!schema_try(check, schema, value, NULL))
		return !check->aborted;
	if (schema_begin_fault(check, value))
	{
		buf_puts(&check->line, "found ");
		schema_put_found(&check->line, value);
		buf_puts(&check->line, ", which must not fit ");
		json_node_write(&check->line, schema, LIST_MAX);
	}
	return schema_end_fault(check);
}

static bool
check_if(Check *check, const Rules *rules, const JsonNode *value)
{
	bool		holds = schema_try(check, rules->keyword[KW_IF], value, NULL);
	const JsonNode *schema = rules->keyword[holds ? KW_THEN : KW_ELSE];

	return !check->aborted && (schema == NULL || schema_apply(check, schema, value));
}

/* ---- one schema ---- */

static const KeywordCheck own_checks[KW_CHECKED] = {
	[KW_REF] = check_ref,
	[KW_ALL_OF] = check_all_of,
	[KW_ANY_OF] = check_any_of,
	[KW_ONE_OF] = check_one_of,
	[KW_NOT] = check_not,
	[KW_IF] = check_if,
};

static bool
apply_keywords(Check *check, const Rules *rules, const JsonNode *value)
{
	uint64_t	rest;
	bool		good = true;

	for (rest = rules->present; rest != 0 && !schema_finished(check); rest &= rest - 1)
	{
		int			keyword = __builtin_ctzll(rest);
		KeywordCheck keyword_check = own_checks[keyword] ? own_checks[keyword] : schema_value_checks[keyword];

		if (!schema_spend(check, 1) || !keyword_check(check, rules, value))
			good = false;
		if (keyword == KW_TYPE && !good)
			break;
	}
	return good && !check->aborted;
}

bool
schema_apply(Check *check, const JsonNode *schema, const JsonNode *value)
{
	bool		good;

	if (!schema_spend(check, 1))
		return false;
	if (schema->kind == NODE_BOOL)
		return schema->count != 0 || fault(check, value, "nothing is allowed here");
	if (check->depth == MAX_DEPTH)
		return schema_give_up(check, "checking it goes deeper than is allowed: the schema refers to itself too often");
	check->depth++;
	good = apply_keywords(check, rules_at(schema), value);
	check->depth--;
	return good;
}

/* ---- the document ---- */

/* Who reads a name that comes twice may see either value: neither was checked then. */
static bool
check_duplicates(Check *check, const JsonTree *tree)
{
	const JsonNode *duplicate = json_tree_duplicate(tree);

	return duplicate == NULL ||
		fault(check, duplicate, "this name comes twice in its object; expected each name once");
}

/* One pass; with problem NULL it only decides, and ends with the first fault. */
static bool
check_tree(Check *check, const JsonSchema *schema, const JsonTree *tree, Buf *problem)
{
	bool		good;

	memset(check, 0, sizeof(*check));
	check->sink.text = problem;
	check->sink.shown = MAX_FAULTS;
	check->sink.enough = problem ? MAX_FAULTS : 1;
	buf_init(&check->line, 0);
	good = check_duplicates(check, tree);
	good = schema_apply(check, json_tree_root(schema->tree), json_tree_root(tree)) && good;
	buf_free(&check->line);
	return good && !check->aborted;
}

bool
json_schema_check(const JsonSchema *schema, const char *document, size_t len, Buf *problem)
{
	JsonTree   *tree = json_tree_parse(document, len, MAX_NODES, problem);
	Check		check;
	bool		good;

	if (tree == NULL)
		return false;
	good = check_tree(&check, schema, tree, NULL);
	if (!good && !check.aborted)
		good = check_tree(&check, schema, tree, problem);
	if (check.aborted)
		buf_printf(problem, "%sthe document: %s", check.sink.faults > 0 ? "\n" : "", check.aborted);
	json_tree_free(tree);
	return good;
}
