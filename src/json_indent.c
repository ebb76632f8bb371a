/*
 * json_indent.c
 *		JSON laid out for people to read.
 *
 * jsonb_pretty does that for jsonb, which does not keep the order of members.
 */
#include <string.h>

#include "json_indent.h"

#define MAX_INDENT	64			/* levels; deeper ones are indented like that */

static void
new_line(Buf *out, int level)
{
	buf_putc(out, '\n');
	for (int i = 0; i < level && i < MAX_INDENT; i++)
		buf_puts(out, "  ");
}

/* Length of the string that begins with the quote at json. */
static size_t
string_length(const char *json, size_t len)
{
	size_t		i = 1;

	while (i < len && json[i] != '"')
		i += json[i] == '\\' ? 2 : 1;
	return i < len ? i + 1 : len;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t
skip_space(const char *json, size_t len, size_t i)
{
	while (i < len && is_space(json[i]))
		i++;
	return i;
}

void
json_indent(const char *json, size_t len, Buf *out)
{
	int			level = 0;
	size_t		i = 0;

	while ((i = skip_space(json, len, i)) < len)
	{
		char		c = json[i];
		size_t		used = c == '"' ? string_length(json + i, len - i) : 1;
		size_t		next = skip_space(json, len, i + used);

		if (c == '}' || c == ']')
			new_line(out, --level);
		buf_append(out, json + i, used);
		i = next;
		if (c == ':')
			buf_putc(out, ' ');
		else if (c == ',')
			new_line(out, level);
		else if ((c == '{' || c == '[') && next < len && (json[next] == '}' || json[next] == ']'))
		{
			buf_putc(out, json[next]);
			i++;
		}
		else if (c == '{' || c == '[')
			new_line(out, ++level);
	}
}
