/*
 * transcript.h
 *		An Answer as one line of text, so that two can be compared and a table can
 *		say what it expects.  Only what differs from an empty Answer is named.
 */
#ifndef AS_TRANSCRIPT_H
#define AS_TRANSCRIPT_H

#include <inttypes.h>
#include <string.h>

#include "provider.h"

static inline void
transcript_text(Buf *out, const char *name, const char *text)
{
	if (*text)
		buf_printf(out, "%s[%s] ", name, text);
}

static inline void
transcript_int(Buf *out, const char *name, int64_t number, int64_t usual)
{
	if (number != usual)
		buf_printf(out, "%s=%" PRId64 " ", name, number);
}

static inline void
transcript(Buf *out, const Answer *answer)
{
	const ProviderError *error = &answer->error;

	transcript_text(out, "text", buf_text(&answer->text));
	transcript_text(out, "reasoning", buf_text(&answer->reasoning));
	transcript_text(out, "progress", buf_text(&answer->progress));
	transcript_text(out, "refusal", buf_text(&answer->refusal));
	if (answer->finish != FINISH_NONE)
		buf_printf(out, "finish[%s] ", finish_reason_name(answer->finish));
	if (strcmp(answer->finish_raw, finish_reason_name(answer->finish)) != 0)
		transcript_text(out, "raw", answer->finish_raw);
	transcript_int(out, "in", answer->input_tokens, -1);
	transcript_int(out, "cached", answer->cached_input_tokens, -1);
	transcript_int(out, "out", answer->output_tokens, -1);
	transcript_int(out, "thought", answer->reasoning_tokens, -1);
	transcript_text(out, "model", answer->model);
	transcript_text(out, "id", answer->response_id);
	transcript_int(out, "replaced", answer->replaced, 0);
	transcript_int(out, "events", answer->events, 0);
	transcript_int(out, "bad", answer->bad_events, 0);
	if (error->error_class != ERROR_CLASS_NONE)
		buf_printf(out, "error[%s%s %s: %s] ", error_class_name(error->error_class),
				   error->retryable ? " retry" : "", error->code, error->message);
	buf_puts(out, answer->ended ? "ended" : "cut");
}

#endif							/* AS_TRANSCRIPT_H */
