/*
 * fence.c
 *		Lines of a text, and the fenced blocks among them.
 *
 * A fence is a line that begins with at least three backticks or tildes, after
 * up to three spaces, and is closed by a line of at least as many of the same
 * with nothing behind them.
 */
#include "fence.h"

#include <string.h>

#define FENCE_MIN		3
#define FENCE_INDENT	3
#define MAX_NESTED		16

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

Slice
slice_trim(Slice text)
{
	if (text.end - text.start >= 3 && memcmp(text.start, "\xEF\xBB\xBF", 3) == 0)
		text.start += 3;
	while (text.start < text.end && is_space(*text.start))
		text.start++;
	while (text.end > text.start && is_space(text.end[-1]))
		text.end--;
	return text;
}

Slice
slice_next_line(Slice *text)
{
	Slice		line = *text;
	const char *newline = memchr(text->start, '\n', (size_t) (text->end - text->start));

	line.end = newline ? newline : text->end;
	text->start = newline ? newline + 1 : text->end;
	return line;
}

/* Is the line a fence?  Backticks behind backticks make it inline code. */
bool
fence_read(Slice line, Fence *fence)
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

bool
fence_closes(const Fence *close, const Fence *open)
{
	return close->bare && close->mark == open->mark && close->count >= open->count;
}

bool
fence_find_close(const Fence *open, Slice *rest, Slice *line, bool nested)
{
	Fence		stack[MAX_NESTED];
	int			depth = 0;

	stack[0] = *open;
	while (rest->start < rest->end)
	{
		Fence		fence;

		*line = slice_next_line(rest);
		if (!fence_read(*line, &fence))
			continue;
		if (fence_closes(&fence, &stack[depth]))
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
 * The content is what stands in the block, line ends and all.  Read as Markdown
 * first; if that leaves something behind the block, the fences may be nested.
 */
bool
fence_take_off(Slice text, Slice *content)
{
	Slice		inside = text;
	Fence		open;
	int			nested;

	if (!fence_read(slice_next_line(&inside), &open))
		return false;
	for (nested = 0; nested <= 1; nested++)
	{
		Slice		rest = inside;
		Slice		line;

		if (!fence_find_close(&open, &rest, &line, nested == 1) || rest.start < rest.end)
			continue;
		content->start = inside.start;
		content->end = line.start;
		return true;
	}
	return false;
}

bool
fence_next_block(Slice *rest, Slice *content)
{
	while (rest->start < rest->end)
	{
		Slice		line = slice_next_line(rest);
		Fence		open;

		if (!fence_read(line, &open))
			continue;
		content->start = rest->start;
		content->end = rest->end;
		if (fence_find_close(&open, rest, &line, false))
			content->end = line.start;
		return true;
	}
	return false;
}
