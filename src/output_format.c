/*
 * output_format.c
 *		What an answer must be like to be of the format that was asked for.
 *
 * Models like to put JSON and code into a fence, even when told not to.  A fence
 * around all of the answer is taken off; with anything before or behind it, the
 * answer is left as it is, because then it is not what was asked for (JSON), or
 * the fences may belong to it (code: a Markdown file is code too).
 *
 * A fence is a line that begins with at least three backticks or tildes, after
 * up to three spaces, and is closed by a line of at least as many of the same
 * with nothing behind them.  White space around the fence does not count, nor
 * does a byte-order mark.
 */
#include "output_format.h"

#include <string.h>

#include "json_tree.h"
#include "utf8.h"

#define FENCE_MIN		3
#define FENCE_INDENT	3
#define MAX_NESTED		16
#define EXCERPT_MAX		60

static const struct
{
	const char *word;
	OutputFormat format;
}			words[] = {
	{"markdown", OUTPUT_MARKDOWN},
	{"json", OUTPUT_JSON},
	{"plaintext", OUTPUT_PLAINTEXT},
	{"code", OUTPUT_CODE},
	{"md", OUTPUT_MARKDOWN},
	{"txt", OUTPUT_PLAINTEXT},
};

#define NWORDS	(sizeof(words) / sizeof(words[0]))

typedef struct Slice
{
	const char *start;
	const char *end;
} Slice;

/* A line that opens or closes a fence. */
typedef struct Fence
{
	char		mark;
	size_t		count;
	bool		bare;			/* nothing behind the marks */
} Fence;

bool
output_format_parse(const char *word, OutputFormat *format)
{
	size_t		i;

	for (i = 0; i < NWORDS; i++)
	{
		if (strcmp(words[i].word, word) == 0)
		{
			*format = words[i].format;
			return true;
		}
	}
	return false;
}

const char *
output_format_name(OutputFormat format)
{
	size_t		i;

	for (i = 0; i < NWORDS; i++)
	{
		if (words[i].format == format)
			return words[i].word;
	}
	return "markdown";
}

const char *
output_format_instructions(OutputFormat format)
{
	switch (format)
	{
		case OUTPUT_JSON:
			return "Answer with one JSON document and nothing else: no text before or after it, and no code fence around it.";
		case OUTPUT_PLAINTEXT:
			return "Answer in plain text, without Markdown or other markup.";
		case OUTPUT_CODE:
			return "Answer with the code alone: no explanation before or after it, and no code fence around it.";
		case OUTPUT_MARKDOWN:
			break;
	}
	return NULL;
}

/* ---- lines and fences ---- */

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Without white space at either end, and without a byte-order mark. */
static Slice
trim(Slice text)
{
	if (text.end - text.start >= 3 && memcmp(text.start, "\xEF\xBB\xBF", 3) == 0)
		text.start += 3;
	while (text.start < text.end && is_space(*text.start))
		text.start++;
	while (text.end > text.start && is_space(text.end[-1]))
		text.end--;
	return text;
}

/* Takes the next line, without its end, from the text. */
static Slice
next_line(Slice *text)
{
	Slice		line = *text;
	const char *newline = memchr(text->start, '\n', (size_t) (text->end - text->start));

	line.end = newline ? newline : text->end;
	text->start = newline ? newline + 1 : text->end;
	return line;
}

/* Is the line a fence?  Backticks behind backticks make it inline code. */
static bool
read_fence(Slice line, Fence *fence)
{
	const char *p = line.start;
	const char *marks;

	while (p < line.end && *p == ' ' && p - line.start < FENCE_INDENT)
		p++;
	if (p >= line.end || (*p != '`' && *p != '~'))
		return false;
	marks = p;
	while (p < line.end && *p == *marks)
		p++;
	fence->mark = *marks;
	fence->count = (size_t) (p - marks);
	if (fence->count < FENCE_MIN ||
		(fence->mark == '`' && memchr(p, '`', (size_t) (line.end - p)) != NULL))
		return false;
	while (p < line.end && is_space(*p))
		p++;
	fence->bare = p == line.end;
	return true;
}

static bool
closes(const Fence *close, const Fence *open)
{
	return close->bare && close->mark == open->mark && close->count >= open->count;
}

/*
 * Where the fence that open opened is closed: sets line, and leaves in rest what
 * is behind it.  nested: a fence with a language opens one within it, which
 * Markdown does not know, but models write.
 */
static bool
find_close(const Fence *open, Slice *rest, Slice *line, bool nested)
{
	Fence		stack[MAX_NESTED];
	int			depth = 0;

	stack[0] = *open;
	while (rest->start < rest->end)
	{
		Fence		fence;

		*line = next_line(rest);
		if (!read_fence(*line, &fence))
			continue;
		if (closes(&fence, &stack[depth]))
		{
			if (depth-- == 0)
				return true;
		}
		else if (nested && !fence.bare && depth + 1 < MAX_NESTED)
			stack[++depth] = fence;
	}
	return false;
}

/*
 * Is all of the (trimmed) text one fenced block?  Then content is what stands in
 * it, line ends and all.  Read as Markdown first; if that leaves something
 * behind the block, the fences may be nested.
 */
static bool
take_off_fence(Slice text, Slice *content)
{
	Slice		inside = text;
	Fence		open;
	int			nested;

	if (!read_fence(next_line(&inside), &open))
		return false;
	for (nested = 0; nested <= 1; nested++)
	{
		Slice		rest = inside;
		Slice		line;

		if (!find_close(&open, &rest, &line, nested == 1) || rest.start < rest.end)
			continue;
		content->start = inside.start;
		content->end = line.start;
		return true;
	}
	return false;
}

/* Keeps only the part, which is a part of output. */
static void
keep(Buf *output, Slice part)
{
	size_t		len = (size_t) (part.end - part.start);

	if (output->data == NULL)
		return;
	buf_consume(output, (size_t) (part.start - output->data));
	output->len = len;
	output->data[len] = '\0';
}

/* ---- the formats ---- */

/* A fence that is not the whole answer: says so, since JSON is probably in it. */
static bool
tell_surroundings(Slice text, Buf *problem)
{
	Slice		rest = text;

	while (rest.start < rest.end)
	{
		Slice		line = next_line(&rest);
		Fence		fence;

		if (!read_fence(line, &fence))
			continue;
		if (line.start == text.start)
			buf_puts(problem, "the document: there is text behind the fenced block; answer with the JSON document alone");
		else
		{
			buf_puts(problem, "the document: there is text before the fenced block (");
			buf_json_string(problem, text.start, utf8_clip(text.start, (size_t) (line.start - text.start), EXCERPT_MAX));
			buf_puts(problem, "); answer with the JSON document alone");
		}
		return true;
	}
	return false;
}

static bool
is_valid_json(const JsonSchema *schema, Slice part, Buf *problem)
{
	size_t		len = (size_t) (part.end - part.start);

	if (schema)
		return json_schema_check(schema, part.start, len, problem);
	return !json_explain(part.start, len, problem);
}

/*
 * Without its opening line: a fence that was never closed.  Whether the document
 * is whole, its own grammar says.
 */
static Slice
without_opening(Slice text)
{
	Slice		rest = text;
	Slice		inside;
	Slice		line;
	Fence		open;

	if (!read_fence(next_line(&rest), &open))
		return text;
	inside = rest;
	return find_close(&open, &rest, &line, false) ? text : inside;
}

static bool
check_json(const JsonSchema *schema, Buf *output, Buf *problem)
{
	Slice		text = {buf_text(output), buf_text(output) + output->len};
	Slice		part;

	text = trim(text);
	if (text.start == text.end)
	{
		buf_puts(problem, "the document: the answer is empty; expected a JSON document");
		return false;
	}
	part = text;
	if (!take_off_fence(text, &part))
		part = without_opening(text);
	part = trim(part);
	/* no JSON document has a line that is a fence */
	if (part.start == text.start && tell_surroundings(text, problem))
		return false;
	if (!is_valid_json(schema, part, problem))
		return false;
	keep(output, part);
	return true;
}

static bool
check_code(Buf *output, Buf *problem)
{
	Slice		text = {buf_text(output), buf_text(output) + output->len};
	Slice		content = text;
	Slice		trimmed;
	bool		fenced = take_off_fence(trim(text), &content);

	trimmed = trim(content);
	if (trimmed.start == trimmed.end)
	{
		buf_puts(problem, "the answer is empty; expected code");
		return false;
	}
	if (fenced)
		keep(output, content);
	return true;
}

bool
output_format_check(OutputFormat format, const JsonSchema *schema, Buf *output, Buf *problem)
{
	switch (format)
	{
		case OUTPUT_JSON:
			return check_json(schema, output, problem);
		case OUTPUT_CODE:
			return check_code(output, problem);
		case OUTPUT_MARKDOWN:
		case OUTPUT_PLAINTEXT:
			break;
	}
	return true;
}
