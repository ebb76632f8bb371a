/*
 * output_format.c
 *		What an answer must be like to be of the format that was asked for.
 *
 * Models like to put JSON and code into a fence, even when told not to.  A fence
 * around all of the answer is taken off; with anything before or behind it, the
 * answer is left as it is, because then it is not what was asked for (JSON), or
 * the fences may belong to it (code: a Markdown file is code too).
 *
 * White space around the fence does not count, nor does a byte-order mark.
 */
#include "output_format.h"

#include <string.h>

#include "fence.h"
#include "json_tree.h"
#include "utf8.h"

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

/* ---- the formats ---- */

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

/* A fence that is not the whole answer: says so, since JSON is probably in it. */
static bool
tell_surroundings(Slice text, Buf *problem)
{
	Slice		rest = text;

	while (rest.start < rest.end)
	{
		Slice		line = slice_next_line(&rest);
		Fence		fence;

		if (!fence_read(line, &fence))
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

	if (!fence_read(slice_next_line(&rest), &open))
		return text;
	inside = rest;
	return fence_find_close(&open, &rest, &line, false) ? text : inside;
}

static bool
check_json(const JsonSchema *schema, Buf *output, Buf *problem)
{
	Slice		text = {buf_text(output), buf_text(output) + output->len};
	Slice		part;

	text = slice_trim(text);
	if (text.start == text.end)
	{
		buf_puts(problem, "the document: the answer is empty; expected a JSON document");
		return false;
	}
	part = text;
	if (!fence_take_off(text, &part))
		part = without_opening(text);
	part = slice_trim(part);
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
	bool		fenced = fence_take_off(slice_trim(text), &content);

	trimmed = slice_trim(content);
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
