/*
 * thoughts.c
 *		Turns a stream of fragments into output, and into lines worth reading.
 *
 * The splitter goes through these states:
 *
 *	 START		only white space has come; a think section may still begin
 *	 THINK, THINKING
 *				inside a section, until the closing tag of the same name
 *	 ANSWER		the answer itself; progress lines may begin at a line's start
 *	 PROGRESS	the mark was read; the line is gathered in held until its end
 *
 * held is empty unless what it holds is a prefix of the mark that the state
 * looks for.  When the next byte breaks the prefix, what was held goes where it
 * would have gone without the suspicion, and the byte is looked at afresh.
 *
 * A code fence is a line that begins (after white space) with at least three
 * backticks or tildes; it is closed by a line of at least as many of the same
 * with nothing after them.  A line of backticks with another backtick further
 * on is inline code, not a fence.  How deep a fence is indented does not
 * matter: models put fences into lists.  Fences are followed only when progress
 * lines are looked for, because nothing else depends on them.
 */
#include "thoughts.h"

#include <string.h>

enum
{
	STATE_START,
	STATE_THINK,
	STATE_THINKING,
	STATE_ANSWER,
	STATE_PROGRESS
};

enum
{
	LINE_EMPTY,					/* nothing yet */
	LINE_INDENT,				/* white space only */
	LINE_MARKS,					/* ... then fence marks only */
	LINE_AFTER_MARKS,			/* ... then something else */
	LINE_PLAIN					/* can no longer be a fence */
};

#define FENCE_MIN	3

typedef struct Outputs
{
	Buf		   *out;
	Buf		   *reasoning;
	Buf		   *progress;
} Outputs;

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

void
splitter_init(AnswerSplitter *splitter, bool want_progress)
{
	memset(splitter, 0, sizeof(*splitter));
	splitter->want_progress = want_progress;
	splitter->state = STATE_START;
	splitter->line = LINE_EMPTY;
	buf_init(&splitter->held, 0);
}

void
splitter_free(AnswerSplitter *splitter)
{
	buf_free(&splitter->held);
}

/* ---- lines and fences ---- */

/* The line has ended: does it open or close a fence? */
static void
end_of_line(AnswerSplitter *splitter)
{
	bool		may_be_fence = (splitter->line == LINE_MARKS ||
								splitter->line == LINE_AFTER_MARKS) &&
		splitter->mark_count >= FENCE_MIN;

	splitter->line = LINE_EMPTY;
	if (!may_be_fence)
		return;
	if (splitter->fence_length == 0)
	{
		if (splitter->mark == '`' && splitter->rest_backtick)
			return;
		splitter->fence_length = splitter->mark_count;
		splitter->fence_mark = splitter->mark;
	}
	else if (splitter->mark == splitter->fence_mark && splitter->rest_blank &&
			 splitter->mark_count >= splitter->fence_length)
		splitter->fence_length = 0;
}

static void
first_mark(AnswerSplitter *splitter, char c)
{
	splitter->line = LINE_MARKS;
	splitter->mark = c;
	splitter->mark_count = 1;
	splitter->rest_blank = true;
	splitter->rest_backtick = false;
}

/* One more byte of the current line, not its end. */
static void
follow_byte(AnswerSplitter *splitter, char c)
{
	switch (splitter->line)
	{
		case LINE_EMPTY:
		case LINE_INDENT:
			if (c == '`' || c == '~')
				first_mark(splitter, c);
			else
				splitter->line = is_space(c) ? LINE_INDENT : LINE_PLAIN;
			break;
		case LINE_MARKS:
			if (c == splitter->mark)
			{
				splitter->mark_count++;
				break;
			}
			splitter->line = splitter->mark_count < FENCE_MIN ? LINE_PLAIN : LINE_AFTER_MARKS;
			/* FALLTHROUGH */
		case LINE_AFTER_MARKS:
			splitter->rest_blank = splitter->rest_blank && is_space(c);
			splitter->rest_backtick = splitter->rest_backtick || c == '`';
			break;
		default:
			break;
	}
}

/* Follows text that goes to the answer, so that line starts and fences are known. */
static void
follow_lines(AnswerSplitter *splitter, const char *text, size_t len)
{
	const char *end = text + len;

	if (!splitter->want_progress)
		return;
	while (text < end)
	{
		if (splitter->line == LINE_PLAIN)
		{
			text = memchr(text, '\n', (size_t) (end - text));
			if (text == NULL)
				return;
		}
		if (*text == '\n')
			end_of_line(splitter);
		else
			follow_byte(splitter, *text);
		text++;
	}
}

static void
put_answer(AnswerSplitter *splitter, const char *text, size_t len, Buf *out)
{
	follow_lines(splitter, text, len);
	buf_append(out, text, len);
}

static void
put_held(AnswerSplitter *splitter, Buf *out)
{
	put_answer(splitter, buf_text(&splitter->held), splitter->held.len, out);
	buf_reset(&splitter->held);
}

/* ---- marks ---- */

/* Is held a prefix of mark that c continues?  Then c is held too. */
static bool
hold_if_continues(AnswerSplitter *splitter, const char *mark, char c)
{
	size_t		len = splitter->held.len;

	if (len >= strlen(mark) || mark[len] != c ||
		memcmp(buf_text(&splitter->held), mark, len) != 0)
		return false;
	return buf_putc(&splitter->held, c);
}

static bool
holds_whole(const AnswerSplitter *splitter, const char *mark)
{
	return splitter->held.len == strlen(mark) &&
		memcmp(buf_text(&splitter->held), mark, splitter->held.len) == 0;
}

static void
enter_section(AnswerSplitter *splitter, int state)
{
	buf_reset(&splitter->held);
	splitter->state = state;
}

/*
 * Each of the feed_... functions takes at least one byte or changes the state,
 * and returns how many bytes it took.
 */

static size_t
feed_start(AnswerSplitter *splitter, const char *text, Outputs *to)
{
	if (splitter->held.len == 0 && is_space(*text))
	{
		put_answer(splitter, text, 1, to->out);
		return 1;
	}
	if (hold_if_continues(splitter, "<think>", *text) ||
		hold_if_continues(splitter, "<thinking>", *text))
	{
		if (holds_whole(splitter, "<think>"))
			enter_section(splitter, STATE_THINK);
		else if (holds_whole(splitter, "<thinking>"))
			enter_section(splitter, STATE_THINKING);
		return 1;
	}
	splitter->state = STATE_ANSWER;
	put_held(splitter, to->out);
	return 0;
}

static size_t
feed_section(AnswerSplitter *splitter, const char *text, size_t len, Outputs *to)
{
	const char *close = splitter->state == STATE_THINK ? "</think>" : "</thinking>";
	const char *mark;

	if (hold_if_continues(splitter, close, *text))
	{
		if (holds_whole(splitter, close))
			enter_section(splitter, STATE_ANSWER);
		return 1;
	}
	if (splitter->held.len > 0)
	{
		buf_append(to->reasoning, splitter->held.data, splitter->held.len);
		buf_reset(&splitter->held);
		return 0;
	}
	mark = memchr(text + 1, '<', len - 1);
	if (mark != NULL)
		len = (size_t) (mark - text);
	buf_append(to->reasoning, text, len);
	return len;
}

/* How much of the answer can pass before a line may begin with a mark. */
static size_t
plain_length(const AnswerSplitter *splitter, const char *text, size_t len)
{
	const char *newline;

	if (!splitter->want_progress)
		return len;
	newline = memchr(text, '\n', len);
	return newline ? (size_t) (newline - text) + 1 : len;
}

static size_t
feed_answer(AnswerSplitter *splitter, const char *text, size_t len, Outputs *to)
{
	if (splitter->want_progress && splitter->line == LINE_EMPTY &&
		splitter->fence_length == 0)
	{
		if (hold_if_continues(splitter, PROGRESS_MARK, *text))
		{
			if (holds_whole(splitter, PROGRESS_MARK))
				enter_section(splitter, STATE_PROGRESS);
			return 1;
		}
		if (splitter->held.len > 0)
		{
			put_held(splitter, to->out);
			return 0;
		}
	}
	len = plain_length(splitter, text, len);
	put_answer(splitter, text, len, to->out);
	return len;
}

/* held is a whole progress line, perhaps with the CR of a CRLF. */
static void
put_progress(AnswerSplitter *splitter, Buf *progress)
{
	size_t		len = splitter->held.len;

	if (len > 0 && splitter->held.data[len - 1] == '\r')
		len--;
	buf_append(progress, buf_text(&splitter->held), len);
	buf_putc(progress, '\n');
	enter_section(splitter, STATE_ANSWER);
}

static size_t
feed_progress(AnswerSplitter *splitter, const char *text, size_t len, Outputs *to)
{
	const char *newline = memchr(text, '\n', len);

	if (newline == NULL)
	{
		buf_append(&splitter->held, text, len);
		return len;
	}
	buf_append(&splitter->held, text, (size_t) (newline - text));
	put_progress(splitter, to->progress);
	return (size_t) (newline - text) + 1;
}

void
splitter_feed(AnswerSplitter *splitter, const char *text, size_t len,
			  Buf *out, Buf *reasoning, Buf *progress)
{
	Outputs		to = {out, reasoning, progress};
	size_t		taken = 0;

	while (taken < len)
	{
		const char *rest = text + taken;
		size_t		rest_len = len - taken;

		switch (splitter->state)
		{
			case STATE_START:
				taken += feed_start(splitter, rest, &to);
				break;
			case STATE_ANSWER:
				taken += feed_answer(splitter, rest, rest_len, &to);
				break;
			case STATE_PROGRESS:
				taken += feed_progress(splitter, rest, rest_len, &to);
				break;
			default:
				taken += feed_section(splitter, rest, rest_len, &to);
				break;
		}
	}
}

/* Nothing more comes: what is held is no mark after all. */
void
splitter_finish(AnswerSplitter *splitter, Buf *out, Buf *reasoning, Buf *progress)
{
	switch (splitter->state)
	{
		case STATE_START:
		case STATE_ANSWER:
			put_held(splitter, out);
			break;
		case STATE_PROGRESS:
			put_progress(splitter, progress);
			break;
		default:
			buf_append(reasoning, buf_text(&splitter->held), splitter->held.len);
			buf_reset(&splitter->held);
			break;
	}
}

/* ---- LineJoiner ---- */

void
joiner_init(LineJoiner *joiner)
{
	buf_init(&joiner->line, 0);
}

void
joiner_free(LineJoiner *joiner)
{
	buf_free(&joiner->line);
}

/* Leading white space was never put in; what trails goes now. */
void
joiner_flush(LineJoiner *joiner, LineCallback callback, void *arg)
{
	Buf		   *line = &joiner->line;

	while (line->len > 0 && is_space(line->data[line->len - 1]))
		line->data[--line->len] = '\0';
	if (line->len > 0)
		callback(arg, line->data, line->len);
	buf_reset(line);
}

/* Does the line end with one of the given marks? */
static bool
ends_with_one(const Buf *line, const char *const *marks)
{
	for (; *marks; marks++)
	{
		size_t		len = strlen(*marks);

		if (line->len >= len && memcmp(line->data + line->len - len, *marks, len) == 0)
			return true;
	}
	return false;
}

/* c, the last byte put in, is not white space: was it the end of a CJK sentence? */
static bool
ends_cjk_sentence(const Buf *line)
{
	static const char *const marks[] = {"\u3002", "\uFF01", "\uFF1F", "\uFF61", NULL};

	return line->len >= LINE_GOOD && ends_with_one(line, marks);
}

/* A space follows the line as it stands: is this a good place to end it? */
static bool
ends_at_space(const Buf *line)
{
	static const char *const marks[] = {".", "!", "?", NULL};

	return line->len >= LINE_LONG ||
		(line->len >= LINE_GOOD && ends_with_one(line, marks));
}

/* How many bytes the character that begins with this byte will have. */
static size_t
character_length(unsigned char lead)
{
	if (lead < 0xC0)
		return 1;
	if (lead < 0xE0)
		return 2;
	return lead < 0xF0 ? 3 : 4;
}

/* Would the character that begins with c, put in now, make the line too long? */
static bool
is_full(const Buf *line, unsigned char c)
{
	bool		continues = (c & 0xC0) == 0x80;

	if (continues)
		return line->len >= LINE_MAX_BYTES;
	return line->len + character_length(c) > LINE_MAX_BYTES;
}

void
joiner_feed(LineJoiner *joiner, const char *text, size_t len,
			LineCallback callback, void *arg)
{
	Buf		   *line = &joiner->line;
	size_t		i;

	for (i = 0; i < len; i++)
	{
		char		c = text[i];

		if (c == '\n' || c == '\r' ||
			(is_space(c) && ends_at_space(line)) ||
			is_full(line, (unsigned char) c))
			joiner_flush(joiner, callback, arg);
		if (is_space(c) && (line->len == 0 || c == '\r' || c == '\n'))
			continue;
		buf_putc(line, c);
		if ((unsigned char) c >= 0x80 && ends_cjk_sentence(line))
			joiner_flush(joiner, callback, arg);
	}
}
