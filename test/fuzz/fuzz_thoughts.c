/*
 * fuzz_thoughts.c
 *		The splitter loses nothing and does not depend on the cuts; neither does
 *		the joiner, whose lines are short, trimmed, and whole characters.
 *
 * Input: how to cut, progress wanted (lowest bit), the text.
 */
#include "fuzz.h"
#include "thoughts.h"

typedef struct Target
{
	AnswerSplitter splitter;
	LineJoiner	joiner;
	Buf			out;
	Buf			reasoning;
	Buf			progress;
	Buf			lines;
} Target;

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void
see_line(void *arg, const char *line, size_t len)
{
	Target	   *target = arg;

	require(len > 0 && len <= LINE_MAX_BYTES);
	require_text(line, len);
	require(!is_space(line[0]) && !is_space(line[len - 1]));
	require(memchr(line, '\n', len) == NULL && memchr(line, '\r', len) == NULL);
	buf_append(&target->lines, line, len);
	buf_putc(&target->lines, '\n');
}

static void
feed(void *arg, const char *bytes, size_t len)
{
	Target	   *target = arg;

	splitter_feed(&target->splitter, bytes, len,
				  &target->out, &target->reasoning, &target->progress);
	joiner_feed(&target->joiner, bytes, len, see_line, target);
}

static void
run(Target *target, const Buf *text, uint8_t choice, bool want_progress)
{
	memset(target, 0, sizeof(*target));
	splitter_init(&target->splitter, want_progress);
	joiner_init(&target->joiner);
	fuzz_feed(buf_text(text), text->len, choice, feed, target);
	splitter_finish(&target->splitter, &target->out, &target->reasoning, &target->progress);
	joiner_flush(&target->joiner, see_line, target);
}

static void
release(Target *target)
{
	splitter_free(&target->splitter);
	joiner_free(&target->joiner);
	buf_free(&target->out);
	buf_free(&target->reasoning);
	buf_free(&target->progress);
	buf_free(&target->lines);
}

/* What the joiner delivers is what it got, but for white space. */
static void
check_lines(const Target *target, const char *text)
{
	const char *line = buf_text(&target->lines);

	for (;;)
	{
		while (is_space(*text))
			text++;
		while (is_space(*line))
			line++;
		require(*text == *line);
		if (*text == '\0')
			return;
		text++;
		line++;
	}
}

/* Without a mark everything is answer; with marks nothing grows. */
static void
check_split(const Target *target, const Buf *text)
{
	bool		marked = strstr(buf_text(text), "<think") != NULL ||
		strstr(buf_text(text), PROGRESS_MARK) != NULL;

	require_text(buf_text(&target->out), target->out.len);
	require_text(buf_text(&target->reasoning), target->reasoning.len);
	require_text(buf_text(&target->progress), target->progress.len);
	if (!marked)
		require_same(&target->out, text);
	require(target->out.len + target->reasoning.len + target->progress.len <= text->len);
	require(target->splitter.want_progress || target->progress.len == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Utf8Repair	repair;
	Buf			text;
	Target		whole;
	Target		cut;

	if (size < 2)
		return 0;
	utf8_repair_init(&repair);
	buf_init(&text, 0);
	utf8_repair_feed(&repair, (const char *) data + 2, size - 2, &text);
	utf8_repair_finish(&repair, &text);

	run(&whole, &text, 0, data[1] & 1);
	run(&cut, &text, data[0] | 1, data[1] & 1);
	check_split(&whole, &text);
	check_lines(&whole, buf_text(&text));
	require_same(&whole.out, &cut.out);
	require_same(&whole.reasoning, &cut.reasoning);
	require_same(&whole.progress, &cut.progress);
	require_same(&whole.lines, &cut.lines);
	release(&whole);
	release(&cut);
	buf_free(&text);
	return 0;
}
