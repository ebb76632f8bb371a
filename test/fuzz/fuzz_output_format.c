/*
 * fuzz_output_format.c
 *		Answers and their formats: the first byte chooses one, and a schema.
 *
 * What remains of an answer is a part of it; an answer that is refused is left
 * as it was, with a reason; JSON that passed is JSON, and passes again.
 */
#define _GNU_SOURCE				/* memmem */

#include "fuzz.h"
#include "json_scan.h"
#include "output_format.h"

static const char schema_text[] = "{\"type\":[\"object\",\"array\"],\"required\":[\"a\"],\"minItems\":1}";

static void
check_json(const JsonSchema *schema, const Buf *output)
{
	Buf			again;
	Buf			problem;

	require(json_scan(output->data, output->len, NULL, NULL, NULL, NULL));
	buf_init(&again, 0);
	buf_init(&problem, 0);
	buf_append(&again, output->data, output->len);
	require(output_format_check(OUTPUT_JSON, schema, &again, &problem));
	require_same(&again, output);
	buf_free(&again);
	buf_free(&problem);
}

static void
check_answer(OutputFormat format, const JsonSchema *schema, const Buf *answer)
{
	Buf			output;
	Buf			problem;
	bool		good;

	buf_init(&output, 0);
	buf_init(&problem, 0);
	buf_append(&output, buf_text(answer), answer->len);
	good = output_format_check(format, schema, &output, &problem);
	require(good == (problem.len == 0));
	require_text(buf_text(&problem), problem.len);
	if (!good || format == OUTPUT_MARKDOWN || format == OUTPUT_PLAINTEXT)
		require_same(&output, answer);
	require(buf_text(&output)[output.len] == '\0');
	require(memmem(buf_text(answer), answer->len, buf_text(&output), output.len) != NULL);
	if (good && format == OUTPUT_JSON)
		check_json(schema, &output);
	buf_free(&output);
	buf_free(&problem);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const OutputFormat formats[] = {OUTPUT_JSON, OUTPUT_CODE, OUTPUT_MARKDOWN, OUTPUT_PLAINTEXT};
	JsonSchema *schema = NULL;
	Buf			answer;
	Buf			problem;

	if (size < 1)
		return 0;
	buf_init(&answer, 0);
	buf_init(&problem, 0);
	buf_append(&answer, data + 1, size - 1);
	if (data[0] & 4)
		schema = json_schema_compile(schema_text, strlen(schema_text), &problem);
	check_answer(formats[data[0] & 3], schema, &answer);
	json_schema_free(schema);
	buf_free(&answer);
	buf_free(&problem);
	return 0;
}
