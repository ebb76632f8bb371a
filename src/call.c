/*
 * call.c
 *		One model call: from a claimed step to an ended attempt.
 *
 * call_start (call_start.c) builds the request and hands it to the HTTP loop. Whenever
 * the loop has news, call_absorb decodes them (call_stream.c): text becomes output,
 * reasoning and progress become thoughts. When the response has ended it is judged
 * (call_judge.c), and nowhere else: completed, or failed with a class, a message and a
 * hint. How a call ends, and is given back, stands here.
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "call_private.h"

const char *
outcome_name(Outcome outcome)
{
	switch (outcome)
	{
		case OUTCOME_COMPLETED:
			return "completed";
		case OUTCOME_FAILED:
			return "failed";
		case OUTCOME_CANCELED:
			return "canceled";
		case OUTCOME_INTERRUPTED:
			return "interrupted";
		case OUTCOME_RUNNING:
			break;
	}
	return "running";
}

static const char *
hint_for(ErrorClass error_class)
{
	switch (error_class)
	{
		case ERROR_CLASS_TIMEOUT:
			return "Give the task more time with timeout_seconds, or ask for less.";
		case ERROR_CLASS_RATE_LIMITED:
			return "Lower the model's max_concurrency, raise the vendor's limit or its budget, or submit again later.";
		case ERROR_CLASS_OVERLOADED:
			return "The vendor has trouble; submit again later, or use another model.";
		case ERROR_CLASS_CONNECTION:
			return "Check the server's url and the network between; SELECT * FROM agent_studio.as_check().";
		case ERROR_CLASS_BAD_REQUEST:
			return "The vendor refuses this request: check the model's deployment and the agent's parameters.";
		case ERROR_CLASS_AUTHENTICATION:
			return "Check the key in the user mapping of the server.";
		case ERROR_CLASS_PERMISSION:
			return "The key, or the role, has no right to this model.";
		case ERROR_CLASS_NOT_FOUND:
			return "Check the model's deployment and the server's url.";
		case ERROR_CLASS_CONTENT_FILTER:
			return "The vendor or the model declines this task: put it differently.";
		case ERROR_CLASS_INVALID_OUTPUT:
			return "Another try may do better; or use another model.";
		default:
			return "The server log has the details.";
	}
}

void
call_think(Call *call, const char *source, const char *text, size_t len)
{
	if (len > 0)
		journal_thought(call->journal, &call->key, ++call->seq->last, source, text, len);
}

void
call_think_system(Call *call, const char *text)
{
	call_think(call, "system", text, strlen(text));
}

static void
hide_key(const Call *call, char *text)
{
	redact(call->key_sent, text, strlen(text));
}

void
call_hide_key_in_output(Call *call)
{
	redact(call->key_sent, call->output.data, call->output.len);
}

/* A vendor may quote the key wherever it speaks; nobody shall read it there. Thoughts have passed the redactor. */
static void
hide_key_in_result(Call *call)
{
	call_hide_key_in_output(call);
	hide_key(call, call->error.message);
	hide_key(call, call->error.code);
	hide_key(call, call->head.request_id);
	if (call->decoding)
	{
		hide_key(call, call->decoder.answer.model);
		hide_key(call, call->decoder.answer.response_id);
	}
}

/*
 * A usage that cannot be true is none: its cost would overflow what holds costs,
 * and with that the answer would be lost.
 */
static void
doubt_usage(Call *call)
{
	Answer	   *answer = &call->decoder.answer;
	int64		most = Max(Max(answer->input_tokens, answer->cached_input_tokens),
						   Max(answer->output_tokens, answer->reasoning_tokens));
	char		message[128];

	if (!call->decoding || most <= MOST_TOKENS)
		return;
	snprintf(message, sizeof(message), "The vendor's usage cannot be true (over " INT64_FORMAT " tokens): tokens and cost are not known",
			 (int64) MOST_TOKENS);
	journal_notice(call->journal, &call->key, "warning", "no_usage", message);
	answer->input_tokens = answer->cached_input_tokens = -1;
	answer->output_tokens = answer->reasoning_tokens = -1;
}

/* The vendor has done nothing for it, and charges nothing. */
static bool
is_refusal(int status)
{
	return status == 400 || status == 401 || status == 403 || status == 404 || status == 413 || status == 422 || status == 429;
}

void
call_end(Call *call, Outcome outcome)
{
	call->outcome = outcome;
	call->finished_at = GetCurrentTimestamp();
	if (call->http != NULL)
	{
		call->possibly_billed = call->http->request_sent && !is_refusal(call->http->head.status);
		call->http_status = call->http->head.status;
		call->head = call->http->head;
	}
	hide_key_in_result(call);
	doubt_usage(call);
}

void
call_fail(Call *call, ErrorClass error_class, bool retryable, const char *message)
{
	if (message != call->error.message)
		strlcpy(call->error.message, message, sizeof(call->error.message));
	call->error.error_class = error_class;
	call->error.retryable = retryable;
	call->hint = hint_for(error_class);
	call_end(call, OUTCOME_FAILED);
}

void
call_fail_with(Call *call, const ProviderError *error)
{
	call->error = *error;
	call_fail(call, error->error_class, error->retryable, call->error.message);
}

/* Counted, because a run of a workflow may want to stop at warnings. */
void
call_warn(Call *call, const char *kind, const char *message)
{
	call->warnings++;
	journal_notice(call->journal, &call->key, "warning", kind, message);
}

void
call_absorb(Call *call)
{
	call_absorb_body(call);
	if (!call_has_ended(call))
		call_judge(call);
}

void
call_stop(Call *call, Outcome outcome, const char *why)
{
	Assert(!call_has_ended(call));
	call_end_reasoning(call);
	call->error.error_class = outcome == OUTCOME_CANCELED ? ERROR_CLASS_CANCELED : ERROR_CLASS_INTERNAL;
	strlcpy(call->error.message, why, sizeof(call->error.message));
	call->error.retryable = outcome != OUTCOME_CANCELED;
	call_end(call, outcome);
}
int64
call_told_wait_ms(const Call *call)
{
	int64		wait_ms = 0;

	if (call->head.remaining_requests == 0)
		wait_ms = call->head.reset_requests_ms;
	if (call->head.remaining_tokens == 0)
		wait_ms = Max(wait_ms, call->head.reset_tokens_ms);
	if (call->error.error_class == ERROR_CLASS_RATE_LIMITED)
		wait_ms = Max(wait_ms, call->error.retry_after_ms);
	return Max(wait_ms, 0);
}

void
call_release_http(Call *call, HttpLoop *loop)
{
	if (call->http != NULL)
		http_release(loop, call->http);
	call->http = NULL;
	call->request_memory = 0;

	/* What it has learnt stays in the decoder; its buffers are empty then. */
	if (call->decoding)
		decoder_free(&call->decoder);
	json_schema_free(call->schema);
	call->schema = NULL;
}

int64
call_memory(const Call *call)
{
	int64		memory = call->request_memory + call->output.cap + call->outputs.cap + call->error_body.cap;

	if (call->http != NULL)
		memory += call->http->in.cap;
	if (call->decoding)
		memory += decoder_memory(&call->decoder);
	return memory;
}

void
call_free(Call *call, HttpLoop *loop)
{
	call_release_http(call, loop);
	redactor_free(&call->redactor);
	joiner_free(&call->joiner);
	buf_free(&call->output);
	buf_free(&call->outputs);
	buf_free(&call->unmet);
	buf_free(&call->error_body);
	plan_cache_release(call->plan);
	journal_counter_release(call->journal, call->seq);
	if (call->key_sent != NULL)
		explicit_bzero(call->key_sent, strlen(call->key_sent));
	MemoryContextDelete(call->context);
}
