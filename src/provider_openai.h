/*
 * provider_openai.h
 *		What speaks Chat Completions under another name: the same body and the
 *		same stream, behind another URL and another header for the key.
 */
#ifndef AS_PROVIDER_OPENAI_H
#define AS_PROVIDER_OPENAI_H

#include "provider_common.h"
#include "provider_strict.h"

/* To be copied, with what differs changed. */
extern const RequestRules openai_request_rules;

/* A write_members; strict says to which schemas the vendor can hold an answer. */
extern void openai_write_members(BodyWriter *writer, const ModelRequest *request,
								 const StrictRules *strict);

extern bool openai_build(const RequestRules *rules, const ModelRequest *request,
						 RequestParts *parts, const char **error);
extern void openai_feed(Decoder *decoder, const char *bytes, size_t len);
extern void openai_finish(Decoder *decoder);
extern void openai_free_state(void *state);

#endif							/* AS_PROVIDER_OPENAI_H */
