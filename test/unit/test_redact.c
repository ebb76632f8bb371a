/*
 * test_redact.c
 *		A key is found however it is quoted and cut, and nothing else is touched.
 */
#include "redact.h"
#include "unit.h"

#define KEY		"sk-0123456789-abcdefgh"
#define HIDDEN	"**********************"

static const struct
{
	const char *name;
	const char *key;
	const char *text;
	const char *want;
}			cases[] = {
	{"no text", KEY, "", ""},
	{"no key", NULL, "a " KEY, "a " KEY},
	{"an empty key", "", "anything", "anything"},
	{"a key too short to be one", "sk-1234", "use sk-1234", "use sk-1234"},
	{"the shortest one", "sk-12345", "use sk-12345!", "use ********!"},
	{"as it is", KEY, "key " KEY " is wrong", "key " HIDDEN " is wrong"},
	{"alone", KEY, KEY, HIDDEN},
	{"twice", KEY, KEY KEY, HIDDEN HIDDEN},
	{"after its own beginning", KEY, "sk-0sk-" KEY, "sk-0sk-" HIDDEN},
	{"another key with the same prefix", KEY, "sk-0123456780-abcdefgh", "sk-0123456780-abcdefgh"},
	{"cut off, but told by its beginning", KEY, "sk-0123456789-ab... is wrong", "****************... is wrong"},
	{"clipped at the end", KEY, "it was sk-01234", "it was ********"},
	{"too little of it at the end", KEY, "it was sk-0123", "it was sk-0123"},
	{"a beginning that goes on as something else", KEY, "sk-01234x", "sk-01234x"},
	{"a slash, escaped", "ab/cd+ef\"gh", "\"ab\\/cd+ef\\\"gh\"", "\"*************\""},
	{"escapes of four digits", "ab/cd+ef\"gh", "ab\\u002Fcd\\u002bef\\u0022gh.", "**************************."},
	{"every character escaped", "abcdefgh", "\\u0061\\u0062\\u0063\\u0064\\u0065\\u0066\\u0067\\u0068",
	"************************************************"},
	{"u is u, escaped or not", "uuuuuuuu", "uuuu\\u0075\\u0075uu", "******************"},
	{"JSON within JSON", "ab/cd+ef\"gh", "ab\\\\\\/cd\\\\u002bef\\\\\\\"gh", "***********************"},
	{"a backslash in it", "ab\\cdefgh\\ij", "ab\\cdefgh\\ij ab\\\\cdefgh\\\\ij",
	"************ **************"},
	{"a backslash before it", "\\abcdefgh", "\\abcdefgh \\\\abcdefgh", "********* **********"},
	{"an escape at its start leaves no half one", "/abcdefg", "\"x\\\\\\/abcdefg\"", "\"x***********\""},
	{"another escape", "ab/cdefgh", "ab\\u002ecdefgh ab\\u002", "ab\\u002ecdefgh ab\\u002"},
	{"backslashes without end", "abcdefgh", "a\\\\\\\\\\\\\\\\\\\\bcdefgh", "a\\\\\\\\\\\\\\\\\\\\bcdefgh"},
	{"a backslash by its number", "ab\\cdefghij", "ab\\u005ccdefghij", "****************"},
	{"an escape in the key", "ab\\u0075cdefg", "ab\\u0075cdefg ab\\\\u0075cdefg abucdefg.", "************* ************** ********."},
	{"a backslash by its number in the key", "ab\\u005cdefgh", "ab\\u005cdefgh ab\\\\u005cdefgh", "************* **************"},
	{"what might become an escape, but has ended", "Ba\\u\\u00", "aBa\\u\\u00d", "a*********"},
	{"what might be an escape, and its digits are the key's", "Ba\\u\\u00", "aBa\\u\\u0075.", "a********75."},
	{"what might be a backslash, and its digits are the key's", "abcdefg\\u005", "abcdefg\\u005c abcdefg\\u005c", "************c *************"},
	{"what might be a backslash behind the key", "abcdefgh\\u", "abcdefgh\\u005c.", "**********005c."},
	{"nothing but backslashes", "\\\\\\\\\\\\\\\\", "\\\\\\\\\\\\\\\\\\\\", "\\\\\\\\\\\\\\\\\\\\"},
	{"beyond ASCII", "schl\xC3\xBCssel-\xE2\x82\xAC", "schl\xC3\xBCssel-\xE2\x82\xAC", "**************"},
	{"never half a character", "0123456789abcde-\xE2\x82\xAC-x", "0123456789abcde-\xE2\x82\xAD.",
	"****************\xE2\x82\xAD."},
	{"a key that no text can hold", "abcdefgh\xE2", "abcdefgh\xE2\x82\xAC", "abcdefgh\xE2\x82\xAC"},
};

typedef struct Target
{
	Redactor	redactor;
	Buf			out;
} Target;

static void
feed(void *arg, const char *bytes, size_t len)
{
	Target	   *target = arg;

	redactor_feed(&target->redactor, bytes, len, &target->out);
}

/* Pieces end between characters, as those of a decoder do. */
static bool
is_ascii(const char *text)
{
	for (; *text; text++)
	{
		if ((unsigned char) *text >= 0x80)
			return false;
	}
	return true;
}

static void
test_stream(const char *name, const char *key, const char *text, const char *want)
{
	int			cuts = is_ascii(text) ? CUTS : 1;
	bool		good = true;
	int			cut;

	for (cut = 0; cut < cuts && good; cut++)
	{
		Target		target;

		redactor_init(&target.redactor, key);
		buf_init(&target.out, 0);
		feed_in_pieces(text, strlen(text), cut, feed, &target);
		redactor_finish(&target.redactor, &target.out);
		good = strcmp(buf_text(&target.out), want) == 0;
		if (!good)
			unit_show("got", buf_text(&target.out));
		redactor_free(&target.redactor);
		buf_free(&target.out);
	}
	ok(good, name);
}

static void
test_cases(void)
{
	size_t		i;

	for (i = 0; i < lengthof(cases); i++)
	{
		char	   *text = strdup(cases[i].text);

		redact(cases[i].key, text, strlen(text));
		is_text(text, cases[i].want, cases[i].name);
		free(text);
		test_stream(cases[i].name, cases[i].key, cases[i].text, cases[i].want);
	}
}

/* What is shown early is shown: only what may be a key waits. */
static void
test_holding_back(void)
{
	Redactor	redactor;
	Buf			out;

	redactor_init(&redactor, KEY);
	buf_init(&out, 0);
	redactor_feed(&redactor, "I think sk-", 11, &out);
	is_text(buf_text(&out), "I think ", "the beginning of a key is held back");
	redactor_feed(&redactor, "ip it", 5, &out);
	is_text(buf_text(&out), "I think sk-ip it", "and comes when it was none");
	redactor_feed(&redactor, " sk-0123456789-ab", 17, &out);
	is_text(buf_text(&out), "I think sk-ip it ****************", "enough of a key is hidden at once");
	redactor_feed(&redactor, "cdefghij", 8, &out);
	is_text(buf_text(&out), "I think sk-ip it " HIDDEN "ij", "and so is the rest of it when it comes");
	redactor_free(&redactor);
	buf_free(&out);
}

/* How often c stands in a text of that length, all of one character, once the key is hidden in it. */
static int64_t
count_after(const char *key, char filling, size_t len, char c)
{
	char	   *text = malloc(len);
	int64_t		count = 0;
	size_t		i;

	memset(text, filling, len);
	redact(key, text, len);
	for (i = 0; i < len; i++)
		count += text[i] == c;
	free(text);
	return count;
}

/* Made to be compared again and again: were the work not in proportion to the text, this would not end. */
static void
test_hostile(void)
{
	size_t		len = 16 * 1024 * 1024;
	char		key[8193];

	memset(key, 'a', sizeof(key) - 1);
	key[8191] = 'b';
	key[8192] = '\0';
	is_int(count_after(key, 'a', len, '*'), (int64_t) len, "a long key, and nothing but its beginning");
	is_int(count_after(key, '\\', len, '\\'), (int64_t) len, "nothing but backslashes");
	key[14] = 'b';
	is_int(count_after(key, 'a', len, 'a'), (int64_t) len - 14, "nothing but what is nearly enough of it");
}

int
main(void)
{
	test_cases();
	test_holding_back();
	test_hostile();
	return unit_done();
}
