/*
 * plan_text_value.c
 *		The value of an output, from JSON or from what a section says in words.
 *
 * Models write a value with some decoration: in bold, as code, with a full stop,
 * with an explanation below it. A value that is plainly there is taken; a guess is
 * never made, since a workflow goes on with what it gets.
 */
#include "plan_text_value.h"

#include <string.h>

#include "json_number.h"
#include "json_scan.h"
#include "plan_private.h"
#include "sections.h"

#define SHOWN_MAX		60
#define NUMERIC_BEFORE	131072	/* digits that numeric can hold */
#define NUMERIC_BEHIND	16383

/* ---- JSON ---- */

/* Can numeric hold it, and is there room for it without its exponent? */
static bool
number_fits(const JsonNode *node, int64_t *room)
{
	int64_t		before;
	int64_t		behind;

	json_number_places(node->is.text, node->by.len, &before, &behind);
	if (before > NUMERIC_BEFORE || behind > NUMERIC_BEHIND)
		return false;
	if (before + behind > (int64_t) node->by.len)
		*room -= before + behind - (int64_t) node->by.len;
	return *room >= 0;
}

/* The depth is bounded by that of the scanner. */
static bool
numbers_fit(const JsonNode *node, int64_t *room)
{
	const JsonNode *child;

	if (node->kind == NODE_NUMBER)
		return number_fits(node, room);
	if (node->kind != NODE_ARRAY && node->kind != NODE_OBJECT)
		return true;
	for (child = node->is.first; child; child = child->next)
	{
		if (!numbers_fit(child, room))
			return false;
	}
	return true;
}

static void
put_expected(const PlanValue *value, Buf *why)
{
	const char *between = "";
	int			i;

	buf_puts(why, "expected ");
	if (value->type != PLAN_ENUM)
	{
		buf_printf(why, "%s %s", value->type == PLAN_OBJECT || value->type == PLAN_ARRAY ? "an" : "a", plan_type_name(value->type));
		return;
	}
	buf_puts(why, "one of ");
	for (i = 0; i < value->nchoices && i < 20; i++)
	{
		buf_puts(why, between);
		buf_json_string(why, value->choices[i], strlen(value->choices[i]));
		between = ", ";
	}
}

bool
plan_value_of_node(const PlanValue *value, const JsonNode *node, int64_t *room, Buf *out, Buf *why)
{
	if (!plan_value_fits(value, node))
	{
		put_expected(value, why);
		buf_puts(why, ", found ");
		json_node_write(why, node, SHOWN_MAX);
		return false;
	}
	if (!numbers_fit(node, room))
	{
		buf_puts(why, "it holds numbers that are too large, or of too many digits");
		return false;
	}
	json_node_write(out, node, SIZE_MAX / 2);
	return true;
}

/* ---- scalars in words ---- */

static bool
is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

/* Without white space, emphasis, quotes, a bullet before it and a full stop behind it. */
static Slice
bare(Slice text)
{
	text = slice_trim(text);
	if (slice_len(text) > 2 && is_one_of(text.start[0], "-*+") && text.start[1] == ' ')
		text.start += 2;
	while (text.start < text.end && is_one_of(*text.start, " \t*_`\"'"))
		text.start++;
	while (text.end > text.start && is_one_of(text.end[-1], " \t\r\n*_`\"'.,;"))
		text.end--;
	return text;
}

static bool
is_word(Slice text, const char *word)
{
	size_t		i;

	if (slice_len(text) != strlen(word))
		return false;
	for (i = 0; word[i]; i++)
	{
		char		c = text.start[i];

		if ((c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c) != word[i])
			return false;
	}
	return true;
}

static bool
put_boolean(Slice text, Buf *out)
{
	bool		yes = is_word(text, "true") || is_word(text, "yes");

	if (!yes && !is_word(text, "false") && !is_word(text, "no"))
		return false;
	return buf_puts(out, yes ? "true" : "false");
}

static bool
put_number(Slice text, int64_t *room, Buf *out)
{
	JsonNode	node;
	size_t		len = slice_len(text);

	if (len == 0 || !is_one_of(*text.start, "-0123456789") ||
		!json_scan(text.start, len, NULL, NULL, NULL, NULL))
		return false;
	memset(&node, 0, sizeof(node));
	node.is.text = text.start;
	node.by.len = len;
	return number_fits(&node, room) && buf_append(out, text.start, len);
}

/* As it is written, or but for case and punctuation. */
static bool
put_choice(const PlanValue *value, Slice text, Buf *out)
{
	SectionKey	found;
	SectionKey	key;
	int			pass;
	int			i;

	section_key(text.start, slice_len(text), &found);
	for (pass = 0; pass < 2; pass++)
	{
		for (i = 0; i < value->nchoices; i++)
		{
			const char *choice = value->choices[i];

			section_key(choice, strlen(choice), &key);
			if (pass == 0 ? strlen(choice) == slice_len(text) && memcmp(choice, text.start, slice_len(text)) == 0 :
				section_key_equal(&key, &found))
				return buf_json_string(out, choice, strlen(choice));
		}
	}
	return false;
}

static bool
put_scalar(const PlanValue *value, Slice text, int64_t *room, Buf *out)
{
	text = bare(text);
	switch (value->type)
	{
		case PLAN_NUMBER:
			return put_number(text, room, out);
		case PLAN_BOOLEAN:
			return put_boolean(text, out);
		default:
			return put_choice(value, text, out);
	}
}

/* The section says nothing else, or says it in its first line. */
static bool
scalar_of_text(const PlanValue *value, Slice text, int64_t *room, Buf *out)
{
	Slice		rest = slice_trim(text);
	Slice		block;

	if (fence_take_off(rest, &block))
		rest = slice_trim(block);
	return put_scalar(value, slice_next_line(&rest), room, out);
}

/* ---- text ---- */

/* The content of the only block; false if there is none, or more than one. */
static bool
only_block(Slice text, Slice *content)
{
	Slice		rest = text;
	Slice		other;

	return fence_next_block(&rest, content) && !fence_next_block(&rest, &other);
}

static bool
string_of_text(const PlanValue *value, Slice text, Buf *out)
{
	Slice		content;

	if (value->file_name && only_block(text, &content))
		text = content;
	else
		text = slice_trim(text);
	return buf_json_string(out, text.start, slice_len(text));
}

/* ---- lists ---- */

/* How far a bullet or a number is put in, and what stands behind it; -1 = there is none. */
static int
bullet(Slice line, Slice *item)
{
	const char *p = line.start;
	int			indent;

	while (p < line.end && (*p == ' ' || *p == '\t'))
		p++;
	indent = (int) (p - line.start < 1000 ? p - line.start : 1000);
	if (p < line.end && is_one_of(*p, "-*+"))
		p++;
	else
	{
		const char *digits = p;

		while (p < line.end && *p >= '0' && *p <= '9' && p - digits < 9)
			p++;
		if (p == digits || p == line.end || !is_one_of(*p, ".)"))
			return -1;
		p++;
	}
	if (p < line.end && *p != ' ' && *p != '\t' && *p != '\r')
		return -1;
	item->start = p;
	item->end = line.end;
	return indent;
}

typedef struct List
{
	Buf		   *out;
	Buf			item;
	int			count;
	int			indent;			/* of the first item */
	bool		in_item;
} List;

static void
end_item(List *list)
{
	Slice		item = {buf_text(&list->item), buf_text(&list->item) + list->item.len};

	if (!list->in_item)
		return;
	item = slice_trim(item);
	buf_puts(list->out, list->count++ > 0 ? ", " : "");
	buf_json_string(list->out, item.start, slice_len(item));
	buf_reset(&list->item);
	list->in_item = false;
}

/* What is put in belongs to the item before it; what is not ends the list there. */
static void
take_line(List *list, Slice line, bool after_blank)
{
	Slice		item = line;
	int			indent = bullet(line, &item);

	if (indent >= 0 && (!list->in_item || indent <= list->indent + 1))
	{
		list->indent = list->count == 0 && !list->in_item ? indent : list->indent;
		end_item(list);
		list->in_item = true;
		buf_append(&list->item, item.start, slice_len(item));
		return;
	}
	if (list->in_item && after_blank && slice_len(line) > 0 && !is_one_of(*line.start, " \t"))
		end_item(list);
	if (!list->in_item)
		return;
	buf_putc(&list->item, '\n');
	buf_append(&list->item, line.start, slice_len(line));
}

static bool
list_of_text(Slice text, Buf *out)
{
	List		list = {out, {0}, 0, 0, false};
	bool		after_blank = false;

	buf_putc(out, '[');
	while (text.start < text.end)
	{
		Slice		line = slice_next_line(&text);
		Slice		trimmed = slice_trim(line);

		if (trimmed.start < trimmed.end)
			take_line(&list, line, after_blank);
		after_blank = trimmed.start == trimmed.end;
	}
	end_item(&list);
	buf_free(&list.item);
	buf_putc(out, ']');
	return list.count > 0;
}

/* ---- JSON in a section ---- */

static bool
put_json(const PlanValue *value, Slice text, int64_t *room, Buf *out)
{
	char		first = value->type == PLAN_ARRAY ? '[' : '{';
	JsonTree   *tree;
	Buf			ignored;
	bool		good;

	text = slice_trim(text);
	if (text.start == text.end || *text.start != first)
		return false;
	buf_init(&ignored, 2000);
	tree = json_tree_parse(text.start, slice_len(text), ANSWER_MAX_NODES, &ignored);
	good = tree && json_tree_duplicate(tree) == NULL &&
		plan_value_of_node(value, json_tree_root(tree), room, out, &ignored);
	json_tree_free(tree);
	buf_free(&ignored);
	return good;
}

/* The section is JSON, or its only fenced block is. */
static bool
json_of_text(const PlanValue *value, Slice text, int64_t *room, Buf *out)
{
	Slice		block;

	return put_json(value, text, room, out) ||
		(only_block(text, &block) && put_json(value, block, room, out));
}

static bool
take_text(const PlanValue *value, Slice text, int64_t *room, Buf *out)
{
	switch (value->type)
	{
		case PLAN_STRING:
			return string_of_text(value, text, out);
		case PLAN_OBJECT:
			return json_of_text(value, text, room, out);
		case PLAN_ARRAY:
			return json_of_text(value, text, room, out) || list_of_text(text, out);
		default:
			return scalar_of_text(value, text, room, out);
	}
}

bool
plan_value_of_text(const PlanValue *value, Slice text, int64_t *room, Buf *out, Buf *why)
{
	Slice		shown = slice_trim(text);
	Buf			taken;
	bool		good;

	buf_init(&taken, 0);
	good = take_text(value, text, room, &taken) && !taken.failed;
	if (good)
		buf_append(out, buf_text(&taken), taken.len);
	else
	{
		Buf			clipped;

		buf_init(&clipped, 0);
		json_put_clipped(&clipped, shown.start, slice_len(shown), SHOWN_MAX);
		put_expected(value, why);
		buf_puts(why, ", found ");
		buf_json_string(why, buf_text(&clipped), clipped.len);
		buf_free(&clipped);
	}
	buf_free(&taken);
	return good;
}
