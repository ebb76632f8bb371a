/*
 * test_thoughts.c
 *		Think sections, progress lines, code fences, and lines worth reading.
 */
#include "thoughts.h"
#include "unit.h"

static const struct
{
	const char *name;
	bool		want_progress;
	const char *text;
	const char *result;			/* out|reasoning|progress */
}			splits[] = {
	{"plain", false, "Hello, world", "Hello, world||"},
	{"nothing", true, "", "||"},
	{"a section", false, "<think>a b</think>c", "c|a b|"},
	{"the long name", false, "<thinking>a</think>b</thinking>c", "c|a</think>b|"},
	{"the short name", false, "<think>a</thinking>b</think>c", "c|a</thinking>b|"},
	{"white space before", false, " \n\t<think>a</think>\n\nb", " \n\t\n\nb|a|"},
	{"not at the start", false, "x <think>a</think>", "x <think>a</think>||"},
	{"only the first", false, "<think>a</think><think>b</think>", "<think>b</think>|a|"},
	{"an empty section", false, "<think></think>a", "a||"},
	{"almost a tag", false, "<thin", "<thin||"},
	{"almost a tag, then more", false, "<thinker>a", "<thinker>a||"},
	{"a tag with an attribute", false, "<think x>a", "<think x>a||"},
	{"only a bracket", false, "<", "<||"},
	{"two brackets", false, "<<think>a", "<<think>a||"},
	{"a section that never ends", false, "<think>a</thin", "|a</thin|"},
	{"brackets in a section", false, "<think>a<b</</think>c", "c|a<b</|"},
	{"almost an end, then the end", false, "<think></thi</think>c", "c|</thi|"},
	{"progress not wanted", false, "[[progress]] a\nb", "[[progress]] a\nb||"},
	{"a progress line", true, "[[progress]] a\nb", "b||a\n"},
	{"several", true, "x\n[[progress]] a\n[[progress]] b\ny\n", "x\ny\n||a\nb\n"},
	{"CRLF", true, "x\r\n[[progress]] a\r\ny", "x\r\ny||a\n"},
	{"not at the start of a line", true, "x [[progress]] a\n", "x [[progress]] a\n||"},
	{"indented", true, " [[progress]] a\n", " [[progress]] a\n||"},
	{"no space after the mark", true, "[[progress]]a\n[[progress]]\n", "[[progress]]a\n[[progress]]\n||"},
	{"an empty progress line", true, "[[progress]] \nx", "x||\n"},
	{"no line end at the end", true, "x\n[[progress]] a", "x\n||a\n"},
	{"almost a mark", true, "[[prog", "[[prog||"},
	{"almost a mark, then a line", true, "[[prog\n[[progress]] a\n", "[[prog\n||a\n"},
	{"progress after a section", true, "<think>x</think>[[progress]] a\nb", "b|x|a\n"},
	{"progress after a section and a line end", true, "<think>x</think>\n[[progress]] a\nb", "\nb|x|a\n"},
	{"a mark in a section is thought", true, "<think>\n[[progress]] a\n</think>b", "b|\n[[progress]] a\n|"},
	{"in a fence", true, "```\n[[progress]] a\n```\n[[progress]] b\n", "```\n[[progress]] a\n```\n||b\n"},
	{"in a fence of tildes", true, "~~~ sh\n[[progress]] a\n```\n[[progress]] b\n~~~\n[[progress]] c\n",
	"~~~ sh\n[[progress]] a\n```\n[[progress]] b\n~~~\n||c\n"},
	{"a longer fence", true, "````\n```\n[[progress]] a\n````\n[[progress]] b\n",
	"````\n```\n[[progress]] a\n````\n||b\n"},
	{"a fence is closed by a longer one", true, "```\n[[progress]] a\n`````  \n[[progress]] b\n",
	"```\n[[progress]] a\n`````  \n||b\n"},
	{"words after the marks do not close", true, "```\n``` x\n[[progress]] a\n", "```\n``` x\n[[progress]] a\n||"},
	{"inline code is no fence", true, "```a``` b\n[[progress]] a\n", "```a``` b\n||a\n"},
	{"two marks are no fence", true, "``\n[[progress]] a\n", "``\n||a\n"},
	{"an indented fence", true, "1. x\n    ```sh\n[[progress]] a\n    ```\n[[progress]] b\n",
	"1. x\n    ```sh\n[[progress]] a\n    ```\n||b\n"},
	{"CRLF after a fence", true, "```\r\n[[progress]] a\r\n```\r\n[[progress]] b\r\n",
	"```\r\n[[progress]] a\r\n```\r\n||b\n"},
	{"a fence right at the start", true, "  ```\n[[progress]] a", "  ```\n[[progress]] a||"},
};

typedef struct Target
{
	AnswerSplitter splitter;
	Buf			out;
	Buf			reasoning;
	Buf			progress;
} Target;

static void
feed_splitter(void *arg, const char *bytes, size_t len)
{
	Target	   *target = arg;

	splitter_feed(&target->splitter, bytes, len,
				  &target->out, &target->reasoning, &target->progress);
}

static bool
split_once(const char *text, bool want_progress, int cut, const char *result)
{
	Target		target;
	Buf			got;
	bool		same;

	memset(&target, 0, sizeof(target));
	buf_init(&got, 0);
	splitter_init(&target.splitter, want_progress);
	feed_in_pieces(text, strlen(text), cut, feed_splitter, &target);
	splitter_finish(&target.splitter, &target.out, &target.reasoning, &target.progress);
	buf_printf(&got, "%s|%s|%s", buf_text(&target.out), buf_text(&target.reasoning),
			   buf_text(&target.progress));
	same = strcmp(buf_text(&got), result) == 0;
	if (!same)
		unit_show("got", buf_text(&got));
	buf_free(&got);
	buf_free(&target.out);
	buf_free(&target.reasoning);
	buf_free(&target.progress);
	splitter_free(&target.splitter);
	return same;
}

static void
test_splitter(void)
{
	size_t		i;
	int			cut;

	for (i = 0; i < lengthof(splits); i++)
	{
		bool		good = true;

		for (cut = 0; cut < CUTS && good; cut++)
			good = split_once(splits[i].text, splits[i].want_progress, cut, splits[i].result);
		ok(good, splits[i].name);
	}
}

/* What can be no mark any more must not wait for the next piece. */
static void
test_early(void)
{
	Target		target;

	memset(&target, 0, sizeof(target));
	splitter_init(&target.splitter, true);
	feed_splitter(&target, "  ", 2);
	is_text(buf_text(&target.out), "  ", "white space does not wait");
	feed_splitter(&target, "<think>a", 8);
	is_text(buf_text(&target.reasoning), "a", "nor a thought");
	feed_splitter(&target, "</th", 4);
	is_text(buf_text(&target.reasoning), "a", "but what may be its end does");
	feed_splitter(&target, "ink>Hello", 9);
	is_text(buf_text(&target.out), "  Hello", "the answer does not wait for its line end");
	feed_splitter(&target, "\n[[", 3);
	is_text(buf_text(&target.out), "  Hello\n", "what may be a mark does");
	feed_splitter(&target, "a", 1);
	is_text(buf_text(&target.out), "  Hello\n[[a", "until it is none");
	feed_splitter(&target, "\n``", 3);
	is_text(buf_text(&target.out), "  Hello\n[[a\n``", "a fence does not wait");
	buf_free(&target.out);
	buf_free(&target.reasoning);
	buf_free(&target.progress);
	splitter_free(&target.splitter);
}

/* ---- lines ---- */

#define TEN		"aaaaaaaaa "
#define FIFTY	TEN TEN TEN TEN TEN
#define CJK10	"\xE4\xB8\x80\xE4\xB8\x80\xE4\xB8\x80\xE4\xB8\x80\xE4\xB8\x80" \
				"\xE4\xB8\x80\xE4\xB8\x80\xE4\xB8\x80\xE4\xB8\x80\xE4\xB8\x80"
#define CJK100	CJK10 CJK10 CJK10 CJK10 CJK10 CJK10 CJK10 CJK10 CJK10 CJK10
#define X10		"xxxxxxxxxx"
#define X100	X10 X10 X10 X10 X10 X10 X10 X10 X10 X10

static const struct
{
	const char *name;
	const char *text;
	const char *lines;			/* each followed by a bar */
}			joins[] = {
	{"nothing", "", ""},
	{"a line", "abc\n", "abc|"},
	{"the rest", "abc", "abc|"},
	{"white space around", "  abc \t\r\n\n  \n def ", "abc|def|"},
	{"carriage returns", "abc\r\ndef\rghi", "abc|def|ghi|"},
	{"a short sentence waits", "Yes. No! Well? ", "Yes. No! Well?|"},
	{"a sentence", FIFTY "bbbbbbbbb. Next.", FIFTY "bbbbbbbbb.|Next.|"},
	{"a question", FIFTY "bbbbbbbbb? Next.", FIFTY "bbbbbbbbb?|Next.|"},
	{"one byte short of a sentence", FIFTY "bbbbbbbb. Next.", FIFTY "bbbbbbbb. Next.|"},
	{"a dot within a word", FIFTY "bbbbbbbbbb.Next.", FIFTY "bbbbbbbbbb.Next.|"},
	{"a CJK sentence", CJK10 CJK10 "\xE3\x80\x82" CJK10 "\xEF\xBC\x81",
	CJK10 CJK10 "\xE3\x80\x82|" CJK10 "\xEF\xBC\x81|"},
	{"a short CJK sentence waits", CJK10 "\xEF\xBC\x9F" CJK10, CJK10 "\xEF\xBC\x9F" CJK10 "|"},
	{"a long line ends at a space", FIFTY FIFTY FIFTY FIFTY FIFTY "c c",
	FIFTY FIFTY FIFTY FIFTY TEN TEN TEN TEN "aaaaaaaaa|c c|"},
	{"without spaces", X100 X100 X100 X100 X100, X100 X100 X100 X100 "|" X100 "|"},
	{"between characters", CJK100 CJK100,
		CJK100 CJK10 CJK10 CJK10 "\xE4\xB8\x80\xE4\xB8\x80\xE4\xB8\x80|"
		"\xE4\xB8\x80\xE4\xB8\x80\xE4\xB8\x80\xE4\xB8\x80\xE4\xB8\x80\xE4\xB8\x80\xE4\xB8\x80"
	CJK10 CJK10 CJK10 CJK10 CJK10 CJK10 "|"},
};

typedef struct JoinTarget
{
	LineJoiner	joiner;
	Buf			lines;
} JoinTarget;

static void
see_line(void *arg, const char *line, size_t len)
{
	buf_append(arg, line, len);
	buf_putc(arg, '|');
}

static void
feed_joiner(void *arg, const char *bytes, size_t len)
{
	JoinTarget *target = arg;

	joiner_feed(&target->joiner, bytes, len, see_line, &target->lines);
}

static void
test_joiner(void)
{
	size_t		i;
	int			cut;

	for (i = 0; i < lengthof(joins); i++)
	{
		bool		good = true;

		for (cut = 0; cut < CUTS && good; cut++)
		{
			JoinTarget	target;

			joiner_init(&target.joiner);
			buf_init(&target.lines, 0);
			feed_in_pieces(joins[i].text, strlen(joins[i].text), cut, feed_joiner, &target);
			joiner_flush(&target.joiner, see_line, &target.lines);
			good = strcmp(buf_text(&target.lines), joins[i].lines) == 0;
			if (!good)
				unit_show("got", buf_text(&target.lines));
			buf_free(&target.lines);
			joiner_free(&target.joiner);
		}
		ok(good, joins[i].name);
	}
}

int
main(void)
{
	test_splitter();
	test_early();
	test_joiner();
	return unit_done();
}
