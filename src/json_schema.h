/*
 * json_schema.h
 *		Checks a model's answer against a JSON Schema.
 *
 * Draft 2020-12, the keywords that decide about a document (json_schema.c lists
 * them). A keyword that would change the verdict and is not supported is refused
 * when the schema is compiled, never ignored; annotations are allowed and have
 * no effect. Pure code: malloc, no PostgreSQL, no throwing, bounded depth and
 * work whatever the schema or the document.
 */
#ifndef AS_JSON_SCHEMA_H
#define AS_JSON_SCHEMA_H

#include "buf.h"

typedef struct JsonSchema JsonSchema;

/*
 * Compiles a schema. NULL on failure: problem (never NULL, initialised by the
 * caller) then holds where in the schema (a JSON Pointer) and why, and what may
 * be used instead.
 */
extern JsonSchema *json_schema_compile(const char *text, size_t len, Buf *problem);
extern void json_schema_free(JsonSchema *schema);

/*
 * True when the document is JSON and valid. On false, problem says which path of
 * the document is wrong and why, for at most 20 faults, one a line: words that can
 * be given to the model as feedback. Checking that would take more than a fixed
 * amount of work ends with a problem of its own. A name that comes twice in an
 * object is a fault: readers differ in which of the two values they take.
 */
extern bool json_schema_check(const JsonSchema *schema, const char *document, size_t len, Buf *problem);

/*
 * Turns the guide's shorthand {"architecture":"object","components":"array"} into
 * a JSON Schema: every member is required, and has that type ("string", "number",
 * "integer", "boolean", "object", "array", "any"; with "?" behind it, it is
 * optional; "string[]" is an array of strings; a nested object is shorthand again).
 * False when text is no such shorthand: problem says why. A text that is a real
 * schema (it has "$schema", "type", "properties", "$ref", "anyOf", ... with
 * values of the shape these keywords have) is copied as it is, also as a nested
 * object; {"type":"string","name":"string"}, which could be either, is refused.
 */
extern bool json_schema_expand(const char *text, size_t len, Buf *schema, Buf *problem);

#endif							/* AS_JSON_SCHEMA_H */
