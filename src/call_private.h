/*
 * call_private.h
 *		What the files of a call share: call.c, call_start.c, call_stream.c, call_judge.c.
 *
 * None of it touches the database, or throws but for want of memory.
 */
#ifndef AS_CALL_PRIVATE_H
#define AS_CALL_PRIVATE_H

#include "call.h"

/* ---------- call.c ---------- */

/* A thought of the call; source: system, reasoning or progress. */
extern void call_think(Call *call, const char *source, const char *text, size_t len);
extern void call_think_system(Call *call, const char *text);

/* A notice of severity warning. */
extern void call_warn(Call *call, const char *kind, const char *message);

/* How it ends: each of these once, and nothing after it. */
extern void call_end(Call *call, Outcome outcome);
extern void call_fail(Call *call, ErrorClass error_class, bool retryable, const char *message);
extern void call_fail_with(Call *call, const ProviderError *error);

/* The key, where the vendor quotes it. */
extern void call_hide_key_in_output(Call *call);

/* ---------- call_stream.c ---------- */

/* Takes what the HTTP call has received; may end the call. */
extern void call_absorb_body(Call *call);

/* Takes what the decoder has made of it. */
extern void call_drain_answer(Call *call);

/* False = the call has failed: there is no memory for one. */
extern bool call_open_decoder(Call *call);

/* Whether the vendor has answered, and not with an error. */
extern bool call_is_success(const Call *call);

/* What is left of a line of reasoning becomes a thought. */
extern void call_end_reasoning(Call *call);
extern void call_fail_too_large(Call *call);

/* ---------- call_judge.c ---------- */

/* Ends the call, if its HTTP call has ended. */
extern void call_judge(Call *call);

#endif							/* AS_CALL_PRIVATE_H */
