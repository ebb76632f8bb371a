/*
 * json_scan.c
 *		Reads one JSON document from hostile bytes, without building a tree.
 *
 * A recursive descent whose depth is bounded.  The path is kept in one array
 * that grows and shrinks with the nesting; names and values are decoded into
 * one buffer that is used again for each, so a scan costs at most a few
 * allocations however many values the document has.
 */
#include "json_scan.h"

#include <string.h>

#include "utf8.h"

typedef struct Scan
{
	const char *p;
	const char *end;
	JsonCallback callback;		/* NULL: only check the grammar */
	JsonMemberCallback member_callback; /* for the outermost object */
	void	   *arg;
	Buf			scratch;		/* the name or value being decoded */
	int64_t		replaced;
	const char *error;
	int			depth;
	int			nindex;
	int			index[JSON_MAX_DEPTH];
	size_t		path_len;		/* as if path had room for everything */
	char		path[JSON_MAX_PATH];
} Scan;

static bool scan_value(Scan *scan);

static bool
fail(Scan *scan, const char *error)
{
	if (scan->error == NULL)
		scan->error = error;
	return false;
}

static void
skip_space(Scan *scan)
{
	while (scan->p < scan->end &&
		   (*scan->p == ' ' || *scan->p == '\n' || *scan->p == '\r' || *scan->p == '\t'))
		scan->p++;
}

/* Is c next?  Then it is taken. */
static bool
accept(Scan *scan, char c)
{
	if (scan->p >= scan->end || *scan->p != c)
		return false;
	scan->p++;
	return true;
}

/* ---- the path ---- */

static void
path_append(Scan *scan, const char *text, size_t len)
{
	if (scan->path_len + len < JSON_MAX_PATH)
	{
		memcpy(scan->path + scan->path_len, text, len);
		scan->path[scan->path_len + len] = '\0';
	}
	scan->path_len += len;
}

static void
path_cut(Scan *scan, size_t len)
{
	scan->path_len = len;
	if (len < JSON_MAX_PATH)
		scan->path[len] = '\0';
}

static bool
means_something(char c)
{
	return c == '.' || c == '[' || c == ']' || c == '\\';
}

/*
 * Appends a name; what means something in a path gets a backslash, and so does
 * a name that would leave no trace.
 */
static void
path_append_name(Scan *scan, const char *name, size_t len)
{
	size_t		start = 0;
	size_t		i;

	if (scan->path_len > 0)
		path_append(scan, ".", 1);
	if (len == 0)
		path_append(scan, "\\-", 2);
	for (i = 0; i < len; i++)
	{
		if (!means_something(name[i]))
			continue;
		path_append(scan, name + start, i - start);
		path_append(scan, "\\", 1);
		start = i;
	}
	path_append(scan, name + start, len - start);
}

static void
report(Scan *scan, JsonKind kind, const char *text, size_t len)
{
	JsonValue	value;

	if (scan->callback == NULL)
		return;
	value.path = scan->path_len < JSON_MAX_PATH ? scan->path : "";
	value.index = scan->index;
	value.nindex = scan->nindex;
	value.kind = kind;
	value.value = text;
	value.len = len;
	scan->callback(scan->arg, &value);
}

/* ---- strings ---- */

static void
put_replacement(Scan *scan)
{
	buf_puts(&scan->scratch, UTF8_REPLACEMENT);
	scan->replaced++;
}

static void
put_code_point(Scan *scan, uint32_t c)
{
	char		text[4];
	size_t		len = 0;

	if (c < 0x80)
		text[len++] = (char) c;
	else if (c < 0x800)
		text[len++] = (char) (0xC0 | (c >> 6));
	else if (c < 0x10000)
	{
		text[len++] = (char) (0xE0 | (c >> 12));
		text[len++] = (char) (0x80 | ((c >> 6) & 0x3F));
	}
	else
	{
		text[len++] = (char) (0xF0 | (c >> 18));
		text[len++] = (char) (0x80 | ((c >> 12) & 0x3F));
		text[len++] = (char) (0x80 | ((c >> 6) & 0x3F));
	}
	if (c >= 0x80)
		text[len++] = (char) (0x80 | (c & 0x3F));
	buf_append(&scan->scratch, text, len);
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Four hexadecimal digits at p; -1 if they are not there. */
static int32_t
peek_hex4(const Scan *scan, const char *p)
{
	int32_t		result = 0;
	int			i;

	if (scan->end - p < 4)
		return -1;
	for (i = 0; i < 4; i++)
	{
		int			digit = hex_digit(p[i]);

		if (digit < 0)
			return -1;
		result = result * 16 + digit;
	}
	return result;
}

/* After a high surrogate: the low one of its pair, or -1. */
static int32_t
peek_low_surrogate(const Scan *scan)
{
	int32_t		low;

	if (scan->end - scan->p < 6 || scan->p[0] != '\\' || scan->p[1] != 'u')
		return -1;
	low = peek_hex4(scan, scan->p + 2);
	return low >= 0xDC00 && low <= 0xDFFF ? low : -1;
}

/* After "\u".  A surrogate alone and NUL become U+FFFD. */
static bool
scan_unicode_escape(Scan *scan)
{
	int32_t		c = peek_hex4(scan, scan->p);
	int32_t		low;

	if (c < 0)
		return fail(scan, "invalid \\u escape in a string");
	scan->p += 4;
	if (c == 0 || (c >= 0xDC00 && c <= 0xDFFF))
		put_replacement(scan);
	else if (c < 0xD800 || c > 0xDFFF)
		put_code_point(scan, (uint32_t) c);
	else if ((low = peek_low_surrogate(scan)) >= 0)
	{
		scan->p += 6;
		put_code_point(scan, 0x10000 + (((uint32_t) c - 0xD800) << 10) + ((uint32_t) low - 0xDC00));
	}
	else
		put_replacement(scan);
	return true;
}

/* After a backslash. */
static bool
scan_escape(Scan *scan)
{
	static const char from[] = "\"\\/bfnrt";
	static const char to[] = "\"\\/\b\f\n\r\t";
	const char *found;

	if (accept(scan, 'u'))
		return scan_unicode_escape(scan);
	if (scan->p >= scan->end)
		return fail(scan, "a string has no end");
	found = memchr(from, *scan->p, sizeof(from) - 1);
	if (found == NULL)
		return fail(scan, "invalid escape in a string");
	scan->p++;
	buf_putc(&scan->scratch, to[found - from]);
	return true;
}

/*
 * Eight bytes at once: true if each is printable ASCII and neither quote nor
 * backslash.  Subtracting borrows into the high bit of a byte that is too small
 * (or is zero after the exclusive or with what is looked for); a borrow can only
 * make a byte look bad that is not, which costs a second look, nothing else.
 */
static bool
is_plain_word(const char *p)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t	word;

	memcpy(&word, p, sizeof(word));
	return ((word |
			 (word - ones * 0x20) |
			 ((word ^ ones * '"') - ones) |
			 ((word ^ ones * '\\') - ones)) & ones * 0x80) == 0;
}

/* Skips what needs no decoding: characters that stand for themselves. */
static void
skip_plain(Scan *scan)
{
	const char *p = scan->p;
	size_t		used;

	for (;;)
	{
		while (scan->end - p >= 8 && is_plain_word(p))
			p += 8;
		while (p < scan->end && *p >= 0x20 && *p != '"' && *p != '\\' && (*p & 0x80) == 0)
			p++;
		/* neither ASCII nor broken: then go on behind it */
		if (p >= scan->end || (*p & 0x80) == 0 ||
			utf8_sequence(p, (size_t) (scan->end - p), &used) != UTF8_GOOD)
			break;
		p += used;
	}
	scan->p = p;
}

/* A string, from its opening quote, decoded into scratch. */
static bool
scan_string(Scan *scan)
{
	buf_reset(&scan->scratch);
	scan->p++;
	for (;;)
	{
		const char *run = scan->p;
		size_t		used;

		skip_plain(scan);
		buf_append(&scan->scratch, run, (size_t) (scan->p - run));
		if (scan->p >= scan->end)
			return fail(scan, "a string has no end");
		if (accept(scan, '"'))
			break;
		if (accept(scan, '\\'))
		{
			if (!scan_escape(scan))
				return false;
		}
		else if ((unsigned char) *scan->p < 0x20)
			return fail(scan, "a control character in a string");
		else
		{
			utf8_sequence(scan->p, (size_t) (scan->end - scan->p), &used);
			scan->p += used;
			put_replacement(scan);
		}
	}
	if (scan->scratch.failed)
		return fail(scan, "out of memory");
	return true;
}

/* ---- numbers and words ---- */

/* At least one digit. */
static bool
scan_digits(Scan *scan)
{
	const char *start = scan->p;

	while (scan->p < scan->end && *scan->p >= '0' && *scan->p <= '9')
		scan->p++;
	return scan->p > start;
}

/* The grammar of a number, nothing else. */
static bool
skip_number(Scan *scan)
{
	accept(scan, '-');
	if (!accept(scan, '0') && !scan_digits(scan))
		return false;
	if (accept(scan, '.') && !scan_digits(scan))
		return false;
	if (accept(scan, 'e') || accept(scan, 'E'))
	{
		if (!accept(scan, '+'))
			accept(scan, '-');
		return scan_digits(scan);
	}
	return true;
}

static bool
scan_number(Scan *scan)
{
	const char *start = scan->p;

	if (!skip_number(scan))
		return fail(scan, "invalid number");
	buf_reset(&scan->scratch);
	if (!buf_append(&scan->scratch, start, (size_t) (scan->p - start)))
		return fail(scan, "out of memory");
	report(scan, JSON_NUMBER, scan->scratch.data, scan->scratch.len);
	return true;
}

static bool
scan_word(Scan *scan, const char *word, JsonKind kind)
{
	size_t		len = strlen(word);

	if ((size_t) (scan->end - scan->p) < len || memcmp(scan->p, word, len) != 0)
		return fail(scan, "invalid word");
	scan->p += len;
	report(scan, kind, word, len);
	return true;
}

/* ---- objects and arrays ---- */

static bool
enter(Scan *scan)
{
	if (scan->depth == JSON_MAX_DEPTH)
		return fail(scan, "nested too deeply");
	scan->depth++;
	scan->p++;
	skip_space(scan);
	return true;
}

/* A comma or the closing mark after an element; *more says which. */
static bool
scan_separator(Scan *scan, char close, bool *more)
{
	skip_space(scan);
	*more = accept(scan, ',');
	if (*more)
	{
		skip_space(scan);
		return true;
	}
	if (!accept(scan, close))
		return fail(scan, scan->p < scan->end ? "a comma or the closing mark is missing" :
					"the document is cut off");
	scan->depth--;
	return true;
}

/* Takes a name that needs no decoding; false, and takes nothing, if this one does. */
static bool
scan_plain_name(Scan *scan, const char **name, size_t *len)
{
	const char *quote = scan->p;

	scan->p++;
	skip_plain(scan);
	*name = quote + 1;
	*len = (size_t) (scan->p - *name);
	if (accept(scan, '"'))
		return true;
	scan->p = quote;
	return false;
}

/* A member's name and the colon.  The name lives in the document or in scratch. */
static bool
scan_name(Scan *scan, const char **name, size_t *len)
{
	if (scan->p >= scan->end || *scan->p != '"')
		return fail(scan, "a member name is missing");
	if (!scan_plain_name(scan, name, len))
	{
		if (!scan_string(scan))
			return false;
		*name = scan->scratch.data;
		*len = scan->scratch.len;
	}
	skip_space(scan);
	if (!accept(scan, ':'))
		return fail(scan, "a colon is missing");
	skip_space(scan);
	return true;
}

static bool
scan_member(Scan *scan)
{
	size_t		path_len = scan->path_len;
	const char *name;
	size_t		len;

	if (!scan_name(scan, &name, &len))
		return false;
	path_append_name(scan, name, len);
	if (!scan_value(scan))
		return false;
	path_cut(scan, path_len);
	return true;
}

/* A member of the outermost object, for json_members. */
static bool
slice_member(Scan *scan)
{
	JsonMember	member;
	Buf			copy;
	const char *name;
	size_t		len;
	bool		good;

	if (!scan_name(scan, &name, &len))
		return false;
	/* scratch is needed again before the name is reported */
	buf_init(&copy, 0);
	if (!buf_append(&copy, name, len))
		return fail(scan, "out of memory");
	member.name = copy.data;
	member.name_len = copy.len;
	member.raw = scan->p;
	good = scan_value(scan);
	member.raw_len = (size_t) (scan->p - member.raw);
	if (good)
		scan->member_callback(scan->arg, &member);
	buf_free(&copy);
	return good;
}

static bool
scan_object(Scan *scan)
{
	bool		(*scan_one) (Scan *) =
		scan->member_callback && scan->depth == 0 ? slice_member : scan_member;
	bool		more = true;

	if (!enter(scan))
		return false;
	if (accept(scan, '}'))
	{
		scan->depth--;
		report(scan, JSON_EMPTY_OBJECT, "{}", 2);
		return true;
	}
	while (more)
	{
		if (!scan_one(scan) || !scan_separator(scan, '}', &more))
			return false;
	}
	return true;
}

static bool
scan_elements(Scan *scan, int *index)
{
	bool		more = true;

	for (*index = 0; more; (*index)++)
	{
		if (!scan_value(scan) || !scan_separator(scan, ']', &more))
			return false;
	}
	return true;
}

static bool
scan_array(Scan *scan)
{
	size_t		path_len = scan->path_len;

	if (!enter(scan))
		return false;
	if (accept(scan, ']'))
	{
		scan->depth--;
		report(scan, JSON_EMPTY_ARRAY, "[]", 2);
		return true;
	}
	path_append(scan, "[]", 2);
	if (!scan_elements(scan, &scan->index[scan->nindex++]))
		return false;
	scan->nindex--;
	path_cut(scan, path_len);
	return true;
}

static bool
scan_value(Scan *scan)
{
	if (scan->p >= scan->end)
		return fail(scan, "the document is cut off");
	switch (*scan->p)
	{
		case '{':
			return scan_object(scan);
		case '[':
			return scan_array(scan);
		case '"':
			if (!scan_string(scan))
				return false;
			report(scan, JSON_STRING, scan->scratch.data, scan->scratch.len);
			return true;
		case 't':
			return scan_word(scan, "true", JSON_BOOL);
		case 'f':
			return scan_word(scan, "false", JSON_BOOL);
		case 'n':
			return scan_word(scan, "null", JSON_NULL);
		default:
			return scan_number(scan);
	}
}

static void
scan_init(Scan *scan, const char *data, size_t len)
{
	/* path and index are large, and are valid only as far as their lengths say */
	scan->p = data;
	scan->end = data + len;
	scan->callback = NULL;
	scan->member_callback = NULL;
	scan->arg = NULL;
	buf_init(&scan->scratch, 0);
	scan->replaced = 0;
	scan->error = NULL;
	scan->depth = 0;
	scan->nindex = 0;
	path_cut(scan, 0);
}

/* Scans the whole document; ends the scan. */
static bool
scan_document(Scan *scan, const char **error)
{
	bool		good;

	skip_space(scan);
	good = scan_value(scan);
	skip_space(scan);
	if (good && scan->p < scan->end)
		good = fail(scan, "something follows the document");
	if (error != NULL)
		*error = scan->error;
	buf_free(&scan->scratch);
	return good;
}

bool
json_scan(const char *data, size_t len, JsonCallback callback, void *arg,
		  int64_t *replaced, const char **error)
{
	Scan		scan;
	bool		good;

	scan_init(&scan, data, len);
	scan.callback = callback;
	scan.arg = arg;
	good = scan_document(&scan, error);
	if (replaced != NULL)
		*replaced += scan.replaced;
	return good;
}

bool
json_members(const char *data, size_t len, JsonMemberCallback callback,
			 void *arg, const char **error)
{
	Scan		scan;

	scan_init(&scan, data, len);
	scan.member_callback = callback;
	scan.arg = arg;
	skip_space(&scan);
	if (scan.p >= scan.end || *scan.p != '{')
	{
		if (error != NULL)
			*error = "not a JSON object";
		return false;
	}
	return scan_document(&scan, error);
}

/* ---- numbers as int64 ---- */

/* A number taken apart: digits (with a point among them) times ten to exponent. */
typedef struct Decimal
{
	bool		negative;
	const char *digits;
	size_t		len;
	int64_t		point;			/* how many digits are before the point */
} Decimal;

#define EXPONENT_CLAMP	1000000000

/* The number is known to follow the grammar. */
static void
take_apart(const char *text, Decimal *decimal)
{
	const char *point;
	bool		negative_exponent;
	int64_t		exponent = 0;

	decimal->negative = *text == '-';
	decimal->digits = text + (decimal->negative ? 1 : 0);
	decimal->len = strspn(decimal->digits, "0123456789.");
	point = memchr(decimal->digits, '.', decimal->len);
	decimal->point = point ? point - decimal->digits : (int64_t) decimal->len;

	text = decimal->digits + decimal->len;
	if (*text == '\0')
		return;
	text++;
	negative_exponent = *text == '-';
	text += strspn(text, "+-");
	for (; *text; text++)
	{
		if (exponent < EXPONENT_CLAMP)
			exponent = exponent * 10 + (*text - '0');
	}
	decimal->point += negative_exponent ? -exponent : exponent;
}

/*
 * The digits before the point as an integer, false if it is too large.
 * *fraction: is there anything but zeros after it?
 */
static bool
whole_part(const Decimal *decimal, uint64_t *whole, bool *fraction)
{
	int64_t		position = 0;
	size_t		i;

	*whole = 0;
	*fraction = false;
	for (i = 0; i < decimal->len; i++)
	{
		unsigned int digit;

		if (decimal->digits[i] == '.')
			continue;
		digit = (unsigned int) (decimal->digits[i] - '0');
		if (position++ >= decimal->point)
			*fraction = *fraction || digit != 0;
		else if (__builtin_mul_overflow(*whole, 10, whole) ||
				 __builtin_add_overflow(*whole, digit, whole))
			return false;
	}
	for (; *whole != 0 && position < decimal->point; position++)
	{
		if (__builtin_mul_overflow(*whole, 10, whole))
			return false;
	}
	return true;
}

bool
json_int64(const JsonValue *value, int64_t *out)
{
	Decimal		decimal;
	uint64_t	whole;
	bool		fraction;

	if (value->kind != JSON_NUMBER)
		return false;
	take_apart(value->value, &decimal);
	if (!whole_part(&decimal, &whole, &fraction))
		return false;
	if (!decimal.negative)
	{
		if (whole > INT64_MAX)
			return false;
		*out = (int64_t) whole;
		return true;
	}
	if (fraction)
		whole++;
	if (whole > (uint64_t) INT64_MAX + 1)
		return false;
	*out = whole == 0 ? 0 : -(int64_t) (whole - 1) - 1;
	return true;
}
