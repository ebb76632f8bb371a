/*
 * sections.c
 *		The sections of a Markdown text, found by their headings.
 *
 * Headings are lines that begin with one to six #, and lines that are underlined
 * with = or -. Within fenced code there are none. At most six sections are open
 * at a time, each within the one before, so that one pass will do.
 */
#include "sections.h"

#include <string.h>

#include "utf8.h"

#define LEVELS			6
#define INDENT_MAX		3
#define MAX_HEADINGS	20000	/* what comes behind so many belongs to the last ones */

typedef struct Open
{
	bool		is_open;
	SectionKey	key;
	const char *body;
} Open;

typedef struct Sections
{
	SectionVisit visit;
	void	   *arg;
	Open		open[LEVELS + 1];	/* by level */
	int			count;
} Sections;

/* ---- keys ---- */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static uint32_t
code_point(const char *p, size_t used)
{
	static const unsigned char lead_bits[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
	uint32_t	code = (unsigned char) p[0] & lead_bits[used];
	size_t		i;

	for (i = 1; i < used; i++)
		code = code << 6 | ((unsigned char) p[i] & 0x3F);
	return code;
}

/* Punctuation, symbols, arrows, pictures and what chooses between their forms. */
static bool
is_decoration(uint32_t code)
{
	return (code >= 0xA0 && code <= 0xBF) || (code >= 0x2000 && code <= 0x2BFF) ||
		(code >= 0x3000 && code <= 0x3003) || (code >= 0xFE00 && code <= 0xFE0F) ||
		(code >= 0x1F000 && code <= 0x1FAFF);
}

/* The number that a heading begins with ("2.", "1.3)", "4 -"), unless it is all of it. */
static const char *
skip_number(const char *p, const char *end)
{
	const char *start;
	const char *q;

	while (p < end && !is_letter(*p) && !is_digit(*p) && (*p & 0x80) == 0)
		p++;
	start = p;
	while (p < end && (is_digit(*p) || (*p == '.' && p > start)))
		p++;
	if (p == start || (p < end && (is_letter(*p) || (*p & 0x80) != 0)))
		return start;
	for (q = p; q < end; q++)
	{
		if (is_letter(*q) || is_digit(*q) || (*q & 0x80) != 0)
			return p;
	}
	return start;
}

void
section_key(const char *text, size_t len, SectionKey *key)
{
	const char *end = text + len;
	const char *p = skip_number(text, end);
	size_t		used;

	key->len = 0;
	for (; p < end; p += used)
	{
		bool		good = utf8_sequence(p, (size_t) (end - p), &used) == UTF8_GOOD;

		if (used == 1 ? !is_letter(*p) && !is_digit(*p) : !good || is_decoration(code_point(p, used)))
			continue;
		if (key->len + used > SECTION_KEY_MAX)
		{
			key->len = 0;
			return;
		}
		memcpy(key->text + key->len, p, used);
		if (*p >= 'A' && *p <= 'Z')
			key->text[key->len] += 'a' - 'A';
		key->len += used;
	}
}

bool
section_key_equal(const SectionKey *a, const SectionKey *b)
{
	return a->len == b->len && a->len > 0 && memcmp(a->text, b->text, a->len) == 0;
}

/* ---- headings ---- */

static bool
is_blank(Slice line)
{
	line = slice_trim(line);
	return line.start == line.end;
}

/* 1 to 6, and what stands behind the marks; 0 = the line is no such heading. */
static int
marked_level(Slice line, Slice *heading)
{
	const char *p = line.start;
	int			level = 0;

	while (p < line.end && *p == ' ' && p - line.start < INDENT_MAX)
		p++;
	while (p < line.end && *p == '#' && level <= LEVELS)
	{
		p++;
		level++;
	}
	if (level == 0 || level > LEVELS || (p < line.end && *p != ' ' && *p != '\t' && *p != '\r'))
		return 0;
	heading->start = p;
	heading->end = line.end;
	return level;
}

/* A line of = or - alone: the level of what stands above it; else 0. */
static int
underline_level(Slice line)
{
	Slice		marks = slice_trim(line);
	const char *p;

	if (slice_len(marks) < 2 || (*marks.start != '=' && *marks.start != '-'))
		return 0;
	for (p = marks.start; p < marks.end; p++)
	{
		if (*p != *marks.start)
			return 0;
	}
	return *marks.start == '=' ? 1 : 2;
}

/* Can the line be underlined?  Lists, quotations and tables are no headings. */
static bool
is_plain(Slice line)
{
	Slice		text = slice_trim(line);

	return text.start < text.end && strchr("-*+>|#", *text.start) == NULL &&
		memchr(text.start, '|', slice_len(text)) == NULL;
}

/* ---- the pass ---- */

/* Sections of this level and of those below end at p. */
static void
close_sections(Sections *sections, int level, const char *p)
{
	int			i;

	for (i = LEVELS; i >= level; i--)
	{
		Open	   *open = &sections->open[i];
		Slice		body = {open->body, p};

		if (open->is_open)
			sections->visit(sections->arg, &open->key, body);
		open->is_open = false;
	}
}

static void
open_section(Sections *sections, int level, Slice heading, const char *before, const char *body)
{
	Open	   *open = &sections->open[level];

	close_sections(sections, level, before);
	open->is_open = true;
	open->body = body;
	section_key(heading.start, slice_len(heading), &open->key);
	sections->count++;
}

/* The end of the fenced block that the line opens; what is not closed goes to the end. */
static void
skip_block(const Fence *fence, Slice *rest)
{
	Slice		line;

	fence_find_close(fence, rest, &line, false);
}

void
sections_each(Slice text, SectionVisit visit, void *arg)
{
	Sections	sections;
	Slice		rest = text;
	Slice		above = {NULL, NULL};	/* a line that can be underlined */
	bool		after_blank = true;

	memset(&sections, 0, sizeof(sections));
	sections.visit = visit;
	sections.arg = arg;
	while (rest.start < rest.end && sections.count < MAX_HEADINGS)
	{
		Slice		line = slice_next_line(&rest);
		Slice		heading = above;
		const char *before = above.start;
		int			level = above.start ? underline_level(line) : 0;
		Fence		fence;

		if (level == 0)
		{
			level = marked_level(line, &heading);
			before = line.start;
		}
		above.start = NULL;
		if (level > 0)
			open_section(&sections, level, heading, before, rest.start);
		else if (fence_read(line, &fence))
			skip_block(&fence, &rest);
		else if (after_blank && is_plain(line))
			above = line;
		after_blank = level > 0 || is_blank(line);
	}
	close_sections(&sections, 1, text.end);
}
