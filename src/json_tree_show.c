/*
 * json_tree_show.c
 *		Values and their places, in words for people and models to read.
 *
 * Everything is clipped: a message must stay readable, and small, whatever is in
 * the document that it is about.
 */
#include <string.h>

#include "json_scan.h"
#include "json_tree.h"
#include "utf8.h"

#define PATH_NAME_MAX	80
#define PATH_MAX_SHOWN	400
#define EXCERPT_MAX		40

/* ---- values ---- */

void
json_put_clipped(Buf *out, const char *text, size_t len, size_t max)
{
	buf_append(out, text, utf8_clip(text, len, max));
	if (len > max)
		buf_puts(out, "...");
}

static void
put_string(Buf *out, const char *text, size_t len, size_t max)
{
	buf_json_string(out, text, utf8_clip(text, len, max));
	if (len > max)
		buf_puts(out, "...");
}

/* What of max is left after what was written since start. */
static size_t
room_left(const Buf *out, size_t start, size_t max)
{
	size_t		used = out->len - start;

	return used < max ? max - used : 0;
}

static void
write_children(Buf *out, const JsonNode *node, size_t max)
{
	size_t		start = out->len;
	const JsonNode *child;

	for (child = node->is.first; child && !out->failed; child = child->next)
	{
		if (child->index > 0)
			buf_puts(out, ", ");
		if (room_left(out, start, max) == 0)
		{
			buf_puts(out, "...");
			return;
		}
		if (child->name)
		{
			put_string(out, child->name, child->name_len, room_left(out, start, max));
			buf_puts(out, ": ");
		}
		json_node_write(out, child, room_left(out, start, max));
	}
}

void
json_node_write(Buf *out, const JsonNode *node, size_t max)
{
	switch (node->kind)
	{
		case NODE_NULL:
			buf_puts(out, "null");
			break;
		case NODE_BOOL:
			buf_puts(out, node->count ? "true" : "false");
			break;
		case NODE_NUMBER:
			json_put_clipped(out, node->is.text, node->by.len, max);
			break;
		case NODE_STRING:
			put_string(out, node->is.text, node->by.len, max);
			break;
		default:
			buf_putc(out, node->kind == NODE_ARRAY ? '[' : '{');
			write_children(out, node, max);
			buf_putc(out, node->kind == NODE_ARRAY ? ']' : '}');
			break;
	}
}

/* ---- paths ---- */

/* Can the name stand in a path as it is? */
static bool
is_plain_name(const char *name, size_t len)
{
	size_t		i;

	for (i = 0; i < len; i++)
	{
		unsigned char c = (unsigned char) name[i];

		if (!(c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			  (c >= 'A' && c <= 'Z') || c == '_' || c == '-' || c == '$'))
			return false;
	}
	return len > 0;
}

static void
put_name(Buf *out, const char *name, size_t len, bool first)
{
	if (is_plain_name(name, len))
	{
		if (!first)
			buf_putc(out, '.');
		json_put_clipped(out, name, len, PATH_NAME_MAX);
		return;
	}
	buf_putc(out, '[');
	put_string(out, name, len, PATH_NAME_MAX);
	buf_putc(out, ']');
}

/* From the root down; a path that gets too long loses its middle. */
static void
put_steps(Buf *out, const JsonNode *node, size_t start)
{
	size_t		shown;

	if (node->parent == NULL)
		return;
	put_steps(out, node->parent, start);
	shown = out->len - start;
	if (shown > PATH_MAX_SHOWN)
	{
		out->len = start + utf8_clip(out->data + start, shown, PATH_MAX_SHOWN / 2);
		out->data[out->len] = '\0';
		buf_puts(out, "...");
	}
	if (node->name)
		put_name(out, node->name, node->name_len, node->parent->parent == NULL);
	else
		buf_printf(out, "[%u]", node->index);
}

void
json_node_path(Buf *out, const JsonNode *node)
{
	if (node->parent == NULL)
		buf_puts(out, "the document");
	else
		put_steps(out, node, out->len);
}

void
json_node_member_path(Buf *out, const JsonNode *node, const char *name, size_t len)
{
	put_steps(out, node, out->len);
	put_name(out, name, len, node->parent == NULL);
}

/* ---- what is not JSON ---- */

/* The path as the scanner writes it, with the indexes put into their brackets; "" at the root. */
static void
note_place(void *arg, const JsonValue *value)
{
	Buf		   *place = arg;
	const char *p;
	int			i = 0;

	buf_reset(place);
	for (p = value->path; *p; p++)
	{
		if (p[0] == '[' && p[1] == ']' && i < value->nindex)
		{
			buf_printf(place, "[%d]", value->index[i++]);
			p++;
			continue;
		}
		if (*p == '\\' && p[1] != '\0' && p[1] != '-')
			p++;
		buf_putc(place, (unsigned char) *p < 0x20 ? ' ' : *p);
	}
}

/* Can a document begin with this? */
static bool
begins_json(char c)
{
	return c != '\0' && strchr("{[\"tfn-0123456789", c) != NULL;
}

bool
json_explain(const char *text, size_t len, Buf *problem)
{
	const char *error;
	Buf			place;
	size_t		i = 0;

	if (json_scan(text, len, NULL, NULL, NULL, &error))
		return false;
	while (i < len && strchr(" \t\r\n", text[i]) != NULL && text[i] != '\0')
		i++;
	if (i == len)
	{
		buf_puts(problem, "the document is empty; expected JSON");
		return true;
	}
	if (!begins_json(text[i]))
	{
		buf_puts(problem, "the document is not JSON: it begins with ");
		put_string(problem, text + i, len - i, EXCERPT_MAX);
		return true;
	}
	/* only now, because the place of every value is written down */
	buf_init(&place, 0);
	json_scan(text, len, note_place, &place, NULL, NULL);
	buf_printf(problem, "the document is not JSON: %s", error);
	if (place.len > 0)
		buf_printf(problem, ", after %s", buf_text(&place));
	buf_free(&place);
	return true;
}
