/*
 * formats.c
 *		Output formats, sections, JSON Schemas, and the formats of downloads, for SQL.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "compat.h"
#include "json_indent.h"
#include "json_schema.h"
#include "output_format.h"
#include "plain_text.h"
#include "plan.h"
#include "sections.h"

static Datum
text_of_buf(Buf *buf)
{
	Datum		result = PointerGetDatum(cstring_to_text_with_len(buf_text(buf), (int) buf->len));

	buf_free(buf);
	return result;
}

/* Raises with the problem's words, which it frees. */
static void
refuse_schema(Buf *problem)
{
	char	   *words = pnstrdup(buf_text(problem), problem->len);

	buf_free(problem);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("json_schema cannot be used: %s", words),
			 errhint("Give a JSON Schema (draft 2020-12; README.md lists the keywords), or the shorthand {\"name\": \"string\", \"parts\": \"array\"}.")));
}

PG_FUNCTION_INFO_V1(agent_studio_json_schema);
Datum
agent_studio_json_schema(PG_FUNCTION_ARGS)
{
	text	   *given = PG_GETARG_TEXT_PP(0);
	JsonSchema *compiled = NULL;
	Buf			schema;
	Buf			problem;

	buf_init(&schema, 0);
	buf_init(&problem, 4096);
	if (json_schema_expand(VARDATA_ANY(given), VARSIZE_ANY_EXHDR(given), &schema, &problem))
		compiled = json_schema_compile(buf_text(&schema), schema.len, &problem);
	if (compiled == NULL)
	{
		buf_free(&schema);
		refuse_schema(&problem);
	}
	json_schema_free(compiled);
	buf_free(&problem);
	PG_RETURN_DATUM(text_of_buf(&schema));
}

static JsonSchema *
compile_or_null(FunctionCallInfo fcinfo, int argument)
{
	text	   *schema;
	JsonSchema *compiled;
	Buf			problem;

	if (PG_ARGISNULL(argument))
		return NULL;
	schema = PG_GETARG_TEXT_PP(argument);
	buf_init(&problem, 4096);
	compiled = json_schema_compile(VARDATA_ANY(schema), VARSIZE_ANY_EXHDR(schema), &problem);
	if (compiled == NULL)
		refuse_schema(&problem);
	buf_free(&problem);
	return compiled;
}

PG_FUNCTION_INFO_V1(agent_studio_format_problem);
Datum
agent_studio_format_problem(PG_FUNCTION_ARGS)
{
	text	   *answer;
	JsonSchema *schema;
	OutputFormat format;
	Buf			output;
	Buf			problem;
	bool		good;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) ||
		!output_format_parse(text_to_cstring(PG_GETARG_TEXT_PP(1)), &format))
		PG_RETURN_NULL();
	answer = PG_GETARG_TEXT_PP(0);
	schema = compile_or_null(fcinfo, 2);
	buf_init(&output, 0);
	buf_init(&problem, 4096);
	buf_append(&output, VARDATA_ANY(answer), VARSIZE_ANY_EXHDR(answer));
	good = output_format_check(format, schema, &output, &problem);
	json_schema_free(schema);
	buf_free(&output);
	if (good)
	{
		buf_free(&problem);
		PG_RETURN_NULL();
	}
	PG_RETURN_DATUM(text_of_buf(&problem));
}

PG_FUNCTION_INFO_V1(agent_studio_sections_present);
Datum
agent_studio_sections_present(PG_FUNCTION_ARGS)
{
	text	   *answer = PG_GETARG_TEXT_PP(0);
	Datum	   *names;
	const char **sections;
	bool	   *nulls;
	int			count;
	Buf			missing;
	double		share;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false, TYPALIGN_INT, &names, &nulls, &count);
	sections = palloc(Max(1, count) * sizeof(char *));
	for (int i = 0; i < count; i++)
		sections[i] = nulls[i] ? "" : TextDatumGetCString(names[i]);
	buf_init(&missing, 1024);
	share = plan_completeness(sections, count, VARDATA_ANY(answer), VARSIZE_ANY_EXHDR(answer), &missing);
	buf_free(&missing);
	PG_RETURN_INT32((int32) (share * 100 + 0.5));
}

/* As much as a text of several MB needs; what needs more was made to. */
#define PLAIN_TEXT_MEMORY	(256 * 1024 * 1024)

static bool
is_canceled(void)
{
	return QueryCancelPending || ProcDiePending;
}

PG_FUNCTION_INFO_V1(agent_studio_plain_text);
Datum
agent_studio_plain_text(PG_FUNCTION_ARGS)
{
	text	   *markdown = PG_GETARG_TEXT_PP(0);
	Buf			out;
	PlainText	outcome;

	CHECK_FOR_INTERRUPTS();
	buf_init(&out, PLAIN_TEXT_MEMORY);
	outcome = plain_text(VARDATA_ANY(markdown), VARSIZE_ANY_EXHDR(markdown), PLAIN_TEXT_MEMORY, is_canceled, &out);
	if (outcome == PLAIN_TEXT_DONE)
		PG_RETURN_DATUM(text_of_buf(&out));
	buf_free(&out);
	CHECK_FOR_INTERRUPTS();
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("this Markdown cannot be made plain text: %s",
					outcome == PLAIN_TEXT_TOO_TANGLED ? "its images and links are too tangled" : "it takes more than 256 MB of memory"),
			 errhint("Take it as it is, with format md.")));
}

/* Of the sections that are looked for, the one whose name stands first in the list. */
typedef struct Search
{
	SectionKey *keys;
	int			count;
	int			found;			/* count = none yet */
	Slice		body;
} Search;

static void
look_at_section(void *arg, const SectionKey *key, Slice body)
{
	Search	   *search = arg;

	for (int i = 0; i < search->found; i++)
	{
		if (section_key_equal(key, &search->keys[i]))
		{
			search->found = i;
			search->body = body;
		}
	}
}

PG_FUNCTION_INFO_V1(agent_studio_section);
Datum
agent_studio_section(PG_FUNCTION_ARGS)
{
	text	   *answer = PG_GETARG_TEXT_PP(0);
	Slice		all = {VARDATA_ANY(answer), VARDATA_ANY(answer) + VARSIZE_ANY_EXHDR(answer)};
	Datum	   *names;
	bool	   *nulls;
	Search		search;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false, TYPALIGN_INT, &names, &nulls, &search.count);
	search.keys = palloc0(Max(1, search.count) * sizeof(SectionKey));
	for (int i = 0; i < search.count; i++)
	{
		if (!nulls[i])
			section_key(VARDATA_ANY(DatumGetTextPP(names[i])), VARSIZE_ANY_EXHDR(DatumGetTextPP(names[i])), &search.keys[i]);
	}
	search.found = search.count;
	sections_each(all, look_at_section, &search);
	search.body = search.found < search.count ? slice_trim(search.body) : all;
	if (search.found == search.count || slice_len(search.body) == 0)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text_with_len(search.body.start, (int) slice_len(search.body)));
}

PG_FUNCTION_INFO_V1(agent_studio_json_indent);
Datum
agent_studio_json_indent(PG_FUNCTION_ARGS)
{
	text	   *json = PG_GETARG_TEXT_PP(0);
	Buf			out;

	buf_init(&out, MaxAllocSize - VARHDRSZ);
	json_indent(VARDATA_ANY(json), VARSIZE_ANY_EXHDR(json), &out);
	if (!out.failed)
		PG_RETURN_DATUM(text_of_buf(&out));
	buf_free(&out);
	ereport(ERROR,
			(errcode(ERRCODE_OUT_OF_MEMORY), errmsg("no memory to lay out %zu bytes of JSON", VARSIZE_ANY_EXHDR(json))));
}
