/*
 * output_format.h
 *		What an answer must be like to be of the format that was asked for.
 *
 * Pure code: malloc, no PostgreSQL, no throwing.
 */
#ifndef AS_OUTPUT_FORMAT_H
#define AS_OUTPUT_FORMAT_H

#include "buf.h"
#include "json_schema.h"

typedef enum OutputFormat
{
	OUTPUT_MARKDOWN,			/* anything; kept byte for byte */
	OUTPUT_JSON,				/* one JSON document; a fence around it, and white space, are removed */
	OUTPUT_PLAINTEXT,			/* anything; kept byte for byte */
	OUTPUT_CODE					/* code alone: a single fence around all of it is removed */
} OutputFormat;

/* markdown, json, plaintext, code; md and txt too. False for another word. */
extern bool output_format_parse(const char *word, OutputFormat *format);
extern const char *output_format_name(OutputFormat format);

/* What is said to the model about the format; NULL where nothing needs to be. */
extern const char *output_format_instructions(OutputFormat format);

/*
 * Checks an answer, and replaces it by what remains when fences that the format
 * does not want are removed. schema may be NULL. On false, problem says what is
 * wrong, with the path, and output is as it was.
 */
extern bool output_format_check(OutputFormat format, const JsonSchema *schema, Buf *output, Buf *problem);

#endif							/* AS_OUTPUT_FORMAT_H */
