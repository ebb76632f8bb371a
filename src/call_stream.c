/*
 * call_stream.c
 *		What streams in while a model answers: output, reasoning, progress, usage.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "agent_studio.h"
#include "call_private.h"
#include "steady.h"

#define DEBUG_EVERY_BYTES	8000	/* about 2,000 tokens */
#define LIMIT_WARNING_PERCENT	75

static void
on_reasoning_line(void *arg, const char *line, size_t len)
{
	call_think(arg, "reasoning", line, len);
}

static void
take_reasoning(Call *call, const Buf *reasoning)
{
	Buf			clean;

	buf_init(&clean, 0);
	redactor_feed(&call->redactor, reasoning->data, reasoning->len, &clean);
	joiner_feed(&call->joiner, buf_text(&clean), clean.len, on_reasoning_line, call);
	buf_free(&clean);
	call->last_fragment_at = call->joiner.line.len > 0 ? steady_now() : 0;
}

/* What was being thought is thought. */
void
call_end_reasoning(Call *call)
{
	Buf			rest;

	buf_init(&rest, 0);
	redactor_finish(&call->redactor, &rest);
	joiner_feed(&call->joiner, buf_text(&rest), rest.len, on_reasoning_line, call);
	buf_free(&rest);
	joiner_flush(&call->joiner, on_reasoning_line, call);
	call->last_fragment_at = 0;
}

/* Lines come whole. */
static void
take_progress(Call *call, Buf *progress)
{
	const char *line = buf_text(progress);
	const char *end = line + progress->len;

	redact(call->key_sent, progress->data, progress->len);
	while (line < end)
	{
		const char *newline = memchr(line, '\n', end - line);
		const char *stop = newline ? newline : end;

		call_think(call, "progress", line, stop - line);
		line = stop + 1;
	}
}

static void
note_first_token(Call *call)
{
	if (call->first_token_at != 0)
		return;
	call->first_token_at = GetCurrentTimestamp();
	call_think_system(call, "Response streaming started");
}

static void
log_growth(Call *call)
{
	char		line[64];

	if (!call->verbose || call->output.len < (size_t) call->logged_bytes + DEBUG_EVERY_BYTES)
		return;
	call->logged_bytes = (int64) call->output.len;
	snprintf(line, sizeof(line), "Generated about %zu tokens (streaming)", call->output.len / BYTES_PER_TOKEN);
	journal_log(call->journal, &call->key, "DEBUG", line);
}

/* Not counted as call_warn() does: it may come out well. */
static void
warn_of_limit(Call *call)
{
	int64		percent;
	char		message[128];

	if (call->told_limit || call->output_limit <= 0)
		return;
	percent = (call_output_tokens(call) * 100 + call->output_limit / 2) / call->output_limit;
	if (percent < LIMIT_WARNING_PERCENT)
		return;
	call->told_limit = true;
	snprintf(message, sizeof(message), "Token usage at " INT64_FORMAT "%% of limit - response may be truncated", Min(percent, 100));
	journal_notice(call->journal, &call->key, "warning", "token_limit", message);
}

static void
count_streamed(Call *call)
{
	const Answer *answer = &call->decoder.answer;

	call->streamed_bytes += answer->text.len + answer->reasoning.len + answer->progress.len;
	call->reasoning_bytes += answer->reasoning.len;
	warn_of_limit(call);
}

/* Moves what has been decoded to where it belongs. */
void
call_drain_answer(Call *call)
{
	Answer	   *answer = &call->decoder.answer;

	if (answer->text.len > 0 || answer->reasoning.len > 0 || answer->progress.len > 0)
		note_first_token(call);
	count_streamed(call);
	if (answer->reasoning.len > 0)
	{
		take_reasoning(call, &answer->reasoning);
		buf_reset(&answer->reasoning);
	}
	if (answer->progress.len > 0)
	{
		take_progress(call, &answer->progress);
		buf_reset(&answer->progress);
	}
	if (answer->text.len > 0)
	{
		call_end_reasoning(call);
		buf_append(&call->output, answer->text.data, answer->text.len);
		buf_reset(&answer->text);
		log_growth(call);
	}
}

bool
call_open_decoder(Call *call)
{
	if (call->decoding)
		return true;
	if (!decoder_init(&call->decoder, call->provider, &call->http->head,
					  (size_t) as_max_output_kb * 1024 * 2 + 65536, call->want_progress))
	{
		call_fail(call, ERROR_CLASS_INTERNAL, true, "out of memory for the answer");
		return false;
	}
	call->decoding = true;
	return true;
}

void
call_fail_too_large(Call *call)
{
	char		message[128];

	snprintf(message, sizeof(message), "the answer is larger than agent_studio.max_output_size (%d kB)", as_max_output_kb);
	call_fail(call, ERROR_CLASS_INVALID_OUTPUT, false, message);
}

bool
call_is_success(const Call *call)
{
	return call->http->head.status >= 200 && call->http->head.status < 300;
}

void
call_absorb_body(Call *call)
{
	Buf		   *in = &call->http->in;

	if (in->len == 0 || !call->http->head_done)
		return;
	if (call->first_byte_at == 0)
		call->first_byte_at = GetCurrentTimestamp();
	if (!call_is_success(call))
		buf_append(&call->error_body, in->data, in->len);
	else if (call_open_decoder(call))
	{
		call->provider->feed(&call->decoder, in->data, in->len);
		call_drain_answer(call);
		decoder_trim(&call->decoder);
		if (call->output.failed || call->decoder.sse.overflow || call->decoder.answer.text.failed)
			call_fail_too_large(call);
		else if (call->decoder.answer.error.error_class != ERROR_CLASS_NONE)
			call_fail_with(call, &call->decoder.answer.error);
	}
	buf_reset(in);
	buf_trim(in);
}

void
call_flush_line(Call *call, TimestampTz before)
{
	if (call->last_fragment_at == 0 || call->last_fragment_at > before)
		return;
	joiner_flush(&call->joiner, on_reasoning_line, call);
	call->last_fragment_at = 0;
}
