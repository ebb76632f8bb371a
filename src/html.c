/*
 * html.c
 *		Text of others within a page: whatever it holds, it is text there.
 *
 * A page asks this of each of its cells, thousands of them, and of outputs of
 * many megabytes: so it is one walk over the bytes.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"

#include "compat.h"
#include "utf8.h"

/* Controls, what turns the direction of writing, and what no character is. */
static const struct
{
	pg_wchar	first;
	pg_wchar	last;
}			unseen[] = {
	{0x0001, 0x0008}, {0x000B, 0x001F}, {0x007F, 0x009F}, {0x061C, 0x061C},
	{0x200B, 0x200F}, {0x2028, 0x202E}, {0x2060, 0x206F}, {0xFEFF, 0xFEFF},
	{0xFFF9, 0xFFFB}, {0xFFFE, 0xFFFF}
};

static bool
is_unseen(const char *character)
{
	pg_wchar	code = utf8_to_unicode((const unsigned char *) character);

	for (int i = 0; i < lengthof(unseen); i++)
	{
		if (code <= unseen[i].last)
			return code >= unseen[i].first;
	}
	return false;
}

static const char *
entity(char c)
{
	switch (c)
	{
		case '&':
			return "&amp;";
		case '<':
			return "&lt;";
		case '>':
			return "&gt;";
		case '"':
			return "&quot;";
		case '\'':
			return "&#39;";
	}
	return NULL;
}

/* What the character at p, of len bytes, is shown as; NULL = itself. */
static const char *
shown_as(const char *p, int len, bool is_html)
{
	if (len > 1 || (unsigned char) *p < 0x20 || *p == 0x7F)
		return is_unseen(p) ? UTF8_REPLACEMENT : NULL;
	return is_html ? entity(*p) : NULL;
}

/* Text is UTF-8, as this extension is in databases of that encoding only. */
static void
append_shown(StringInfo out, const text *value, bool is_html)
{
	const char *p = VARDATA_ANY(value);
	const char *end = p + VARSIZE_ANY_EXHDR(value);
	const char *written = p;

	while (p < end)
	{
		int			len = pg_utf_mblen((const unsigned char *) p);
		const char *instead;

		if (len > end - p)
		{
			/* Cut off within a character, which no text is that PostgreSQL has checked. */
			instead = UTF8_REPLACEMENT;
			len = end - p;
		}
		else if (*p == '\r')
		{
			/* The end of a line, alone or before the \n. */
			instead = "\n";
			len = p + 1 < end && p[1] == '\n' ? 2 : 1;
		}
		else
			instead = shown_as(p, len, is_html);
		if (instead != NULL)
		{
			appendBinaryStringInfo(out, written, p - written);
			appendStringInfoString(out, instead);
			written = p + len;
		}
		p += len;
	}
	appendBinaryStringInfo(out, written, end - written);
}

/* A buffer that becomes a text: the header's room comes first. */
static void
begin_text(StringInfo out)
{
	initStringInfo(out);
	appendStringInfoSpaces(out, VARHDRSZ);
}

static text *
end_text(StringInfo out)
{
	SET_VARSIZE(out->data, out->len);
	return (text *) out->data;
}

static text *
shown(const text *value, bool is_html)
{
	StringInfoData out;

	begin_text(&out);
	append_shown(&out, value, is_html);
	return end_text(&out);
}

/* A text of an array that ends before it, or is NULL, is NULL. */
typedef struct Texts
{
	Datum	   *values;
	bool	   *nulls;
	int			count;
} Texts;

static Texts
read_texts(FunctionCallInfo fcinfo, int argument)
{
	Texts		texts = {0};

	if (!PG_ARGISNULL(argument))
		deconstruct_array(PG_GETARG_ARRAYTYPE_P(argument), TEXTOID, -1, false, TYPALIGN_INT,
						  &texts.values, &texts.nulls, &texts.count);
	return texts;
}

static text *
text_at(const Texts *texts, int i)
{
	return i < texts->count && !texts->nulls[i] ? DatumGetTextPP(texts->values[i]) : NULL;
}

static bool
holds_number(const int32 *numbers, int count, int32 wanted)
{
	for (int i = 0; i < count; i++)
	{
		if (numbers[i] == wanted)
			return true;
	}
	return false;
}

static void
append_cell(StringInfo out, const text *cell, bool is_numeric, const text *class)
{
	appendStringInfoString(out, "<td");
	if (is_numeric || class != NULL)
	{
		appendStringInfo(out, " class=\"%s%s", is_numeric ? "n" : "", is_numeric && class != NULL ? " " : "");
		if (class != NULL)
			append_shown(out, class, true);
		appendStringInfoChar(out, '"');
	}
	appendStringInfoChar(out, '>');
	if (cell != NULL)
		append_shown(out, cell, true);
	appendStringInfoString(out, "</td>");
}

PG_FUNCTION_INFO_V1(agent_studio_html_row);
Datum
agent_studio_html_row(PG_FUNCTION_ARGS)
{
	Texts		cells = read_texts(fcinfo, 0);
	Texts		classes = read_texts(fcinfo, 2);
	ArrayType  *numeric = PG_ARGISNULL(1) ? NULL : PG_GETARG_ARRAYTYPE_P(1);
	int			nnumeric = numeric == NULL || array_contains_nulls(numeric) ? 0 :
		ArrayGetNItems(ARR_NDIM(numeric), ARR_DIMS(numeric));
	StringInfoData out;

	begin_text(&out);
	appendStringInfoString(&out, "<tr>");
	for (int i = 0; i < cells.count; i++)
		append_cell(&out, text_at(&cells, i),
					nnumeric > 0 && holds_number((int32 *) ARR_DATA_PTR(numeric), nnumeric, i + 1),
					text_at(&classes, i));
	appendStringInfoString(&out, "</tr>\n");
	PG_RETURN_TEXT_P(end_text(&out));
}

PG_FUNCTION_INFO_V1(agent_studio_visible_text);
Datum
agent_studio_visible_text(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(shown(PG_GETARG_TEXT_PP(0), false));
}

PG_FUNCTION_INFO_V1(agent_studio_html_text);
Datum
agent_studio_html_text(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(shown(PG_GETARG_TEXT_PP(0), true));
}
