/*
 * json_scan.h
 *		Reads one JSON document from hostile bytes, without building a tree.
 *
 * PostgreSQL's own parser refuses \u0000 and lone surrogates, which a model may
 * send in the middle of an answer that is already paid for.  This one replaces
 * them with U+FFFD, counts, and goes on.  Everything else follows RFC 8259
 * strictly: a document that is not JSON is reported as such.
 *
 * The caller gets every scalar with the path that leads to it, for example
 * "choices[].delta.content" (array elements are "[]"; the indexes of the
 * enclosing arrays, outermost first, are in index[0..nindex-1]).  A member name
 * that holds one of the characters . [ ] \ has a backslash before each, and an
 * empty one is written \-, so no name can pass for a path that it is not.
 */
#ifndef AS_JSON_SCAN_H
#define AS_JSON_SCAN_H

#include "buf.h"

#define JSON_MAX_DEPTH	64
#define JSON_MAX_PATH	512		/* a longer path is reported as "" and has no match */

typedef enum JsonKind
{
	JSON_STRING,
	JSON_NUMBER,
	JSON_BOOL,					/* value is "true" or "false" */
	JSON_NULL,					/* value is "null" */
	JSON_EMPTY_OBJECT,			/* value is "{}" */
	JSON_EMPTY_ARRAY			/* value is "[]" */
} JsonKind;

typedef struct JsonValue
{
	const char *path;
	const int  *index;
	int			nindex;
	JsonKind	kind;
	const char *value;			/* decoded, valid UTF-8, NUL-terminated; lives
								 * until the callback returns */
	size_t		len;
} JsonValue;

typedef void (*JsonCallback) (void *arg, const JsonValue *value);

/*
 * True when data is one whole JSON document.  On false, *error (if not NULL)
 * points to a static text that says why; values seen before the fault were
 * reported already.  *replaced (if not NULL) grows by the repairs made.
 */
extern bool json_scan(const char *data, size_t len, JsonCallback callback, void *arg,
					  int64_t *replaced, const char **error);

typedef struct JsonMember
{
	const char *name;			/* decoded, valid UTF-8, NUL-terminated; lives
								 * until the callback returns */
	size_t		name_len;
	const char *raw;			/* the value as it stands in the document */
	size_t		raw_len;
} JsonMember;

typedef void (*JsonMemberCallback) (void *arg, const JsonMember *member);

/*
 * Slices an object into its own members, so that they can join another object
 * without being rebuilt.  True when data is one whole JSON object; on false the
 * members before the fault were reported already.  A name may come twice.
 */
extern bool json_members(const char *data, size_t len, JsonMemberCallback callback,
						 void *arg, const char **error);

/* A number as int64, rounded down; false if it is not one or out of range. */
extern bool json_int64(const JsonValue *value, int64_t *out);

#endif							/* AS_JSON_SCAN_H */
