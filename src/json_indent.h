/*
 * json_indent.h
 *		JSON laid out for people to read.
 */
#ifndef AS_JSON_INDENT_H
#define AS_JSON_INDENT_H

#include "buf.h"

/* Appends valid JSON with a member or element on each line; their order stays. */
extern void json_indent(const char *json, size_t len, Buf *out);

#endif							/* AS_JSON_INDENT_H */
