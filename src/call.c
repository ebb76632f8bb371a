/*
 * call.c
 *		One model call: from a claimed step to an ended attempt.
 *
 * call_start builds the request and hands it to the HTTP loop. Whenever the
 * loop has news, call_absorb decodes them: text becomes output, reasoning and
 * progress become thoughts. When the response has ended it is judged here, and
 * nowhere else: completed, or failed with a class, a message and a hint.
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "agent_studio.h"
#include "call.h"
#include "prompt.h"
#include "steady.h"

#define ERROR_BODY_LIMIT	(64 * 1024)
#define MAX_TASK_WORDS		60	/* bytes of the task in the first thought: a line of psql at 100 columns */
#define STREAM_OVERHEAD		128 /* an event of 400 bytes may carry three of text */
#define DEBUG_EVERY_BYTES	8000	/* about 2,000 tokens */
#define LIMIT_WARNING_PERCENT	75

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

static void
think(Call *call, const char *source, const char *text, size_t len)
{
	if (len > 0)
		journal_thought(call->journal, &call->key, ++call->seq->last, source, text, len);
}

static void
think_system(Call *call, const char *text)
{
	think(call, "system", text, strlen(text));
}

/* ---------- ending ---------- */

static void
hide_key(const Call *call, char *text)
{
	redact(call->key_sent, text, strlen(text));
}

static void
hide_key_in_output(Call *call)
{
	redact(call->key_sent, call->output.data, call->output.len);
}

/* A vendor may quote the key wherever it speaks; nobody shall read it there. Thoughts have passed the redactor. */
static void
hide_key_in_result(Call *call)
{
	hide_key_in_output(call);
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

static void
end_call(Call *call, Outcome outcome)
{
	call->outcome = outcome;
	call->finished_at = GetCurrentTimestamp();
	if (call->http != NULL)
	{
		call->possibly_billed = call->http->request_sent;
		call->http_status = call->http->head.status;
		call->head = call->http->head;
	}
	hide_key_in_result(call);
	doubt_usage(call);
}

static void
fail_call(Call *call, ErrorClass error_class, bool retryable, const char *message)
{
	if (message != call->error.message)
		strlcpy(call->error.message, message, sizeof(call->error.message));
	call->error.error_class = error_class;
	call->error.retryable = retryable;
	call->hint = hint_for(error_class);
	end_call(call, OUTCOME_FAILED);
}

static void
fail_with(Call *call, const ProviderError *error)
{
	call->error = *error;
	fail_call(call, error->error_class, error->retryable, call->error.message);
}

/* ---------- the stream ---------- */

static void
on_reasoning_line(void *arg, const char *line, size_t len)
{
	think(arg, "reasoning", line, len);
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
static void
end_reasoning(Call *call)
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

		think(call, "progress", line, stop - line);
		line = stop + 1;
	}
}

static void
note_first_token(Call *call)
{
	if (call->first_token_at != 0)
		return;
	call->first_token_at = GetCurrentTimestamp();
	think_system(call, "Response streaming started");
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

/* Not counted as warn() does: it may come out well. */
static void
warn_of_limit(Call *call)
{
	int64		percent;
	char		message[128];

	if (call->told_limit || call->output_limit <= 0)
		return;
	percent = call_output_tokens(call) * 100 / call->output_limit;
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
static void
drain_answer(Call *call)
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
		end_reasoning(call);
		buf_append(&call->output, answer->text.data, answer->text.len);
		buf_reset(&answer->text);
		log_growth(call);
	}
}

static bool
open_decoder(Call *call)
{
	if (call->decoding)
		return true;
	if (!decoder_init(&call->decoder, call->provider, &call->http->head,
					  (size_t) as_max_output_kb * 1024 * 2 + 65536, call->want_progress))
	{
		fail_call(call, ERROR_CLASS_INTERNAL, true, "out of memory for the answer");
		return false;
	}
	call->decoding = true;
	return true;
}

static void
fail_too_large(Call *call)
{
	char		message[128];

	snprintf(message, sizeof(message), "the answer is larger than agent_studio.max_output_size (%d kB)", as_max_output_kb);
	fail_call(call, ERROR_CLASS_INVALID_OUTPUT, false, message);
}

static bool
is_success(const Call *call)
{
	return call->http->head.status >= 200 && call->http->head.status < 300;
}

static void
absorb_body(Call *call)
{
	Buf		   *in = &call->http->in;

	if (in->len == 0 || !call->http->head_done)
		return;
	if (call->first_byte_at == 0)
		call->first_byte_at = GetCurrentTimestamp();
	if (!is_success(call))
		buf_append(&call->error_body, in->data, in->len);
	else if (open_decoder(call))
	{
		call->provider->feed(&call->decoder, in->data, in->len);
		drain_answer(call);
		decoder_trim(&call->decoder);
		if (call->output.failed || call->decoder.sse.overflow || call->decoder.answer.text.failed)
			fail_too_large(call);
		else if (call->decoder.answer.error.error_class != ERROR_CLASS_NONE)
			fail_with(call, &call->decoder.answer.error);
	}
	buf_reset(in);
	buf_trim(in);
}

/* ---------- judgement ---------- */

/* Counted, because a run of a workflow may want to stop at warnings. */
static void
warn(Call *call, const char *kind, const char *message)
{
	call->warnings++;
	journal_notice(call->journal, &call->key, "warning", kind, message);
}

static void
complete(Call *call)
{
	Answer	   *answer = &call->decoder.answer;
	char		line[128];

	if (answer->finish == FINISH_LENGTH)
		warn(call, "truncated", "The answer reached its limit of output tokens and is cut off there");
	if (answer->replaced > 0)
	{
		snprintf(line, sizeof(line), "The answer held " INT64_FORMAT " characters that text cannot store; they are shown as U+FFFD",
				 (int64) answer->replaced);
		warn(call, "repaired", line);
	}
	if (answer->output_tokens < 0)
		journal_notice(call->journal, &call->key, "info", "no_usage",
					   "The vendor sent no usage: tokens and cost are not known");
	snprintf(line, sizeof(line), "Complete - %zu bytes of output", call->output.len);
	think_system(call, line);
	end_call(call, OUTCOME_COMPLETED);
}

static void
fail_invalid(Call *call, const char *what, const Buf *problem)
{
	char		message[sizeof(call->error.message)];

	snprintf(message, sizeof(message), "%s: %.*s", what,
			 (int) utf8_clip(buf_text(problem), problem->len, sizeof(message) - 64), buf_text(problem));
	for (char *end = strchr(message, '\n'); end != NULL; end = strchr(end, '\n'))
		*end = ';';
	fail_call(call, ERROR_CLASS_INVALID_OUTPUT, true, message);
}

static bool
has_criteria(const Call *call)
{
	return call->plan_step != NULL && call->plan_step->criteria.given;
}

/* How well the answer meets the step's criteria; what it misses is feedback for the next iteration. */
static void
judge_quality(Call *call, const Buf *format_problem)
{
	const PlanCriteria *criteria = &call->plan_step->criteria;
	Buf			missing;
	double		completeness;

	buf_init(&missing, 2048);
	completeness = plan_completeness(criteria->sections, criteria->nsections, buf_text(&call->output),
									 call->output.len, &missing);
	call->quality_score = (completeness + (format_problem->len == 0 ? 1 : 0)) / 2;
	if (missing.len > 0)
		buf_printf(&call->unmet, "Missing sections: %s. ", buf_text(&missing));
	if (format_problem->len > 0)
		buf_printf(&call->unmet, "The answer is not valid: %s. ", buf_text(format_problem));
	if (call->quality_score < criteria->min_quality_score)
		buf_printf(&call->unmet, "The quality score is %.2f, it must be at least %.2f.",
				   call->quality_score, criteria->min_quality_score);
	buf_free(&missing);
}

static bool
outputs_are_there(Call *call)
{
	Buf			problem;
	bool		found;

	if (call->plan_step == NULL || call->plan_step->noutputs == 0)
		return true;
	buf_init(&problem, 1500);
	found = plan_step_outputs(call->plan_step, buf_text(&call->output), call->output.len, &call->outputs, &problem);
	if (!found)
		fail_invalid(call, "the answer lacks what the step has to produce", &problem);
	buf_free(&problem);
	return found;
}

/* What had arrived may hold some of the outputs already, and so may an answer that is not good enough; they are kept with it. */
static void
keep_partial_outputs(Call *call)
{
	Buf			problem;

	if (call->plan_step == NULL || call->plan_step->noutputs == 0 || call->output.len == 0)
		return;
	buf_init(&problem, 1500);
	(void) plan_step_outputs(call->plan_step, buf_text(&call->output), call->output.len, &call->outputs, &problem);
	buf_free(&problem);
}

/*
 * An answer of the wrong format has failed, however well the model meant it; where
 * the step is repeated until its criteria hold, it is an iteration that does not
 * meet them.
 */
static void
judge_text(Call *call)
{
	Buf			problem;
	bool		right;

	buf_init(&problem, 1500);
	right = output_format_check(call->format, call->schema, &call->output, &problem);
	if (has_criteria(call))
		judge_quality(call, &problem);
	else if (!right)
		fail_invalid(call, "the answer is not valid", &problem);
	buf_free(&problem);
	if (call_has_ended(call))
		return;
	if (call->unmet.len > 0)
		keep_partial_outputs(call);
	else if (!outputs_are_there(call))
		return;
	complete(call);
}

static void
judge_answer(Call *call)
{
	Answer	   *answer = &call->decoder.answer;

	/* Before it is checked: what is wrong with it is told in its own words. */
	hide_key_in_output(call);
	if (answer->finish == FINISH_REFUSAL || answer->refusal.len > 0)
	{
		char		message[2048];

		snprintf(message, sizeof(message), "the model refused: %.*s",
				 (int) utf8_clip(buf_text(&answer->refusal), answer->refusal.len, 1800), buf_text(&answer->refusal));
		fail_call(call, ERROR_CLASS_CONTENT_FILTER, false, message);
	}
	else if (answer->finish == FINISH_CONTENT_FILTER)
		fail_call(call, ERROR_CLASS_CONTENT_FILTER, false, "the vendor's content filter stopped the answer");
	else if (call->output.len == 0 && answer->finish == FINISH_TOOL_CALLS)
		fail_call(call, ERROR_CLASS_INVALID_OUTPUT, false, "the model called a tool, and it has none");
	else if (call->output.len == 0 && answer->finish == FINISH_LENGTH)
		fail_call(call, ERROR_CLASS_INVALID_OUTPUT, false,
				  "the limit of output tokens was used up before the answer began");
	else if (call->output.len == 0)
		fail_call(call, ERROR_CLASS_INVALID_OUTPUT, true, "the model gave an empty answer");
	else
		judge_text(call);
}

static void
judge_response(Call *call)
{
	Answer	   *answer = &call->decoder.answer;

	if (!is_success(call))
	{
		ProviderError error;

		call->provider->read_error(&call->http->head, buf_text(&call->error_body), call->error_body.len, &error);
		fail_with(call, &error);
		return;
	}
	if (!open_decoder(call))
		return;
	call->provider->finish(&call->decoder);
	drain_answer(call);
	end_reasoning(call);
	if (call->output.failed || call->decoder.sse.overflow)
		fail_too_large(call);
	else if (answer->error.error_class != ERROR_CLASS_NONE)
		fail_with(call, &answer->error);
	else if (answer->ended)
		judge_answer(call);
	else if (answer->events == 0)
		fail_call(call, ERROR_CLASS_INVALID_OUTPUT, true, "the response is not one of this API: nothing in it was understood");
	else
		fail_call(call, ERROR_CLASS_CONNECTION, true, "the stream ended before the answer was complete");
}

static void
judge_transport(Call *call)
{
	const char *error = call->http->error;

	switch (call->http->end)
	{
		case HTTP_RUNNING:
			break;
		case HTTP_COMPLETE:
			judge_response(call);
			break;
		case HTTP_TIMEOUT:
			fail_call(call, ERROR_CLASS_TIMEOUT, true, error);
			break;
		case HTTP_OUT_OF_TIME:
			/* The task's own timeout: it was given no more time than this. */
			keep_partial_outputs(call);
			fail_call(call, ERROR_CLASS_TIMEOUT, false, error);
			break;
		case HTTP_REFUSED_ADDRESS:
			fail_call(call, ERROR_CLASS_PERMISSION, false, error);
			break;
		case HTTP_TLS:
			fail_call(call, ERROR_CLASS_CONNECTION, false, error);
			break;
		case HTTP_TOO_LARGE:
			fail_call(call, ERROR_CLASS_INVALID_OUTPUT, false, error);
			break;
		case HTTP_UNRESOLVED:
		case HTTP_CUT:
		case HTTP_UNREACHABLE:
		case HTTP_BROKEN:
			fail_call(call, ERROR_CLASS_CONNECTION, true, error);
			break;
	}
}

void
call_absorb(Call *call)
{
	absorb_body(call);
	if (!call_has_ended(call))
		judge_transport(call);
}

void
call_flush_line(Call *call, TimestampTz before)
{
	if (call->last_fragment_at == 0 || call->last_fragment_at > before)
		return;
	joiner_flush(&call->joiner, on_reasoning_line, call);
	call->last_fragment_at = 0;
}

void
call_stop(Call *call, Outcome outcome, const char *why)
{
	Assert(!call_has_ended(call));
	end_reasoning(call);
	call->error.error_class = outcome == OUTCOME_CANCELED ? ERROR_CLASS_CANCELED : ERROR_CLASS_INTERNAL;
	strlcpy(call->error.message, why, sizeof(call->error.message));
	call->error.retryable = outcome != OUTCOME_CANCELED;
	end_call(call, outcome);
}

/* ---------- beginning ---------- */

static Call *
create_call(const Claim *claim, Journal *journal)
{
	MemoryContext context = AllocSetContextCreate(TopMemoryContext, "agent_studio call", ALLOCSET_SMALL_SIZES);
	Call	   *call = MemoryContextAllocZero(context, sizeof(Call));

	call->context = context;
	call->journal = journal;
	call->key.execution_id = claim->execution_id;
	call->key.step_no = claim->step_no;
	call->key.attempt_no = claim->attempt_no;
	call->key.started_at = claim->started_at;
	call->key.owner = MemoryContextStrdup(context, claim->owner ? claim->owner : "");
	call->key.team = claim->team ? MemoryContextStrdup(context, claim->team) : NULL;
	call->model_id = claim->model_id;
	call->fallback_no = claim->fallback_no;
	call->next_model_id = claim->next_model_id;
	call->own_model_id = claim->own_model_id;
	call->failures = claim->failures;
	call->max_retries = claim->max_retries;
	call->verbose = claim->verbose || as_verbose;
	call->want_progress = claim->progress_lines;
	call->output_limit = claim->max_output_tokens > 0 ? claim->max_output_tokens : claim->model_max_output_tokens;
	call->seq = journal_counter(journal, claim->execution_id, claim->last_seq);
	call->agent_version_id = claim->agent_version_id;
	call->quality_score = -1;
	buf_init(&call->outputs, (size_t) as_max_output_kb * 1024 * 2);
	buf_init(&call->unmet, 4096);
	if (claim->plan != NULL)
	{
		call->plan = claim->plan;
		call->plan_step = &claim->plan->plan->steps[claim->plan_step];
		call->plan_step_no = claim->plan_step + 1;
	}
	call->sent_at = GetCurrentTimestamp();
	call->began = steady_now();
	call->error.retry_after_ms = -1;
	http_head_init(&call->head);
	call->send_number = -1;
	redactor_init(&call->redactor, NULL);
	joiner_init(&call->joiner);
	buf_init(&call->output, (size_t) as_max_output_kb * 1024);
	buf_init(&call->error_body, ERROR_BODY_LIMIT);
	return call;
}

static void
think_beginning(Call *call, const Claim *claim)
{
	char		line[320];
	const char *task = claim->task + strspn(claim->task, " \t\r\n");
	size_t		words = utf8_clip(task, strcspn(task, "\r\n"), MAX_TASK_WORDS);

	if (claim->attempt_no == 1)
	{
		snprintf(line, sizeof(line), "Received task: %.*s%s", (int) words, task,
				 task[words + strspn(task + words, " \t\r\n")] != '\0' ? "..." : "");
		think_system(call, line);
	}
	snprintf(line, sizeof(line), "Sending request to %.*s (%.*s)",
			 (int) utf8_clip(claim->server, strlen(claim->server), 64), claim->server,
			 (int) utf8_clip(claim->deployment, strlen(claim->deployment), 128), claim->deployment);
	think_system(call, line);
	if (call->verbose)
	{
		if (claim->system_prompt != NULL)
		{
			snprintf(line, sizeof(line), "System prompt loaded (about %zu tokens)", strlen(claim->system_prompt) / BYTES_PER_TOKEN + 1);
			journal_log(call->journal, &call->key, "DEBUG", line);
		}
		snprintf(line, sizeof(line), "User task received (about %zu tokens)", strlen(claim->task) / BYTES_PER_TOKEN + 1);
		journal_log(call->journal, &call->key, "DEBUG", line);
	}
}

/* What the answer will be checked against. */
static bool
prepare_format(Call *call, const Claim *claim)
{
	Buf			problem;

	if (claim->output_format == NULL || !output_format_parse(claim->output_format, &call->format))
		call->format = OUTPUT_MARKDOWN;
	if (claim->json_schema == NULL)
		return true;
	buf_init(&problem, 1024);
	call->schema = json_schema_compile(claim->json_schema, strlen(claim->json_schema), &problem);
	if (call->schema == NULL)
		fail_call(call, ERROR_CLASS_BAD_REQUEST, false, buf_text(&problem));
	buf_free(&problem);
	return call->schema != NULL;
}

/* Is the vendor asked to hold the answer to the schema, or is the model told of it? */
static bool
asks_for_schema(const Call *call, const Claim *claim)
{
	return claim->structured_output && claim->json_schema != NULL &&
		(call->provider->takes_schema == NULL || call->provider->takes_schema(claim->json_schema));
}

static bool
build_request(Call *call, const Claim *claim, const Endpoint *endpoint, RequestParts *parts)
{
	bool		held = asks_for_schema(call, claim);
	ModelRequest request;
	const char *error = NULL;
	bool		built;

	memset(&request, 0, sizeof(request));
	request.base_url = endpoint->url;
	request.api_version = endpoint->version;
	request.api_key = endpoint->api_key;
	request.deployment = claim->deployment;
	request.system_prompt = prompt_system(claim->system_prompt, claim->progress_lines, claim->phases);
	request.user_prompt = prompt_user(claim->task, claim->context, output_format_instructions(call->format),
									  held ? NULL : claim->json_schema);
	if (held)
	{
		request.json_schema = claim->json_schema;
		request.schema_name = "answer";
	}
	request.temperature = claim->temperature;
	request.top_p = claim->top_p;
	request.max_output_tokens = claim->max_output_tokens;
	request.model_max_output_tokens = claim->model_max_output_tokens;
	request.max_tokens_parameter = claim->max_tokens_parameter;
	request.extra_body = claim->request_options;

	call->prompt_tokens = (strlen(request.user_prompt) +
						   (request.system_prompt != NULL ? strlen(request.system_prompt) : 0)) / BYTES_PER_TOKEN;
	built = call->provider->build_request(&request, parts, &error);
	if (request.system_prompt != NULL)
		pfree((char *) request.system_prompt);
	pfree((char *) request.user_prompt);
	for (int i = 0; built && i < endpoint->nheaders; i++)
	{
		built = request_parts_header(parts, endpoint->header_names[i], endpoint->header_values[i]);
		error = "a header of the server cannot be sent";
	}
	if (!built)
		fail_call(call, ERROR_CLASS_BAD_REQUEST, false, error ? error : "the request could not be built");
	return built;
}

static void
send_request(Call *call, const Claim *claim, const Endpoint *endpoint, RequestParts *parts, HttpLoop *loop)
{
	HttpSpec	spec;
	char		error[256];

	memset(&spec, 0, sizeof(spec));
	spec.parts = parts;
	spec.connect_timeout_ms = endpoint->connect_timeout_ms;
	spec.first_byte_timeout_ms = endpoint->first_byte_timeout_ms;
	spec.idle_timeout_ms = endpoint->idle_timeout_ms;
	spec.total_timeout_ms = (long) claim->timeout_seconds * 1000;
	spec.allow_http = endpoint->allow_http;
	spec.allow_private = endpoint->allow_private;
	spec.http1_only = endpoint->http1_only;
	spec.max_body = (size_t) as_max_output_kb * 1024 * STREAM_OVERHEAD + 1024 * 1024;
	spec.owner = call;
	call->request_memory = parts->body.cap;
	call->sent_at = GetCurrentTimestamp();
	call->began = steady_now();
	call->http = http_start(loop, &spec, error, sizeof(error));
	if (call->http == NULL)
		fail_call(call, ERROR_CLASS_CONNECTION, true, error);
}

static void
start(Call *call, const Claim *claim, const Endpoint *endpoint, RequestParts *parts, HttpLoop *loop)
{
	call->provider = endpoint->provider;
	if (endpoint->api_key != NULL)
		call->key_sent = MemoryContextStrdup(call->context, endpoint->api_key);
	redactor_init(&call->redactor, call->key_sent);
	think_beginning(call, claim);
	if (prepare_format(call, claim) && build_request(call, claim, endpoint, parts))
		send_request(call, claim, endpoint, parts, loop);
}

/* Whatever was thrown on the way: this call has failed, and no other one. */
static void
fail_thrown(Call *call, const ErrorData *error)
{
	char		message[320];

	snprintf(message, sizeof(message), "the request could not be made: %.*s",
			 (int) utf8_clip(error->message, strlen(error->message), 256), error->message);
	fail_call(call, ERROR_CLASS_INTERNAL,
			  ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_INSUFFICIENT_RESOURCES, message);
}

Call *
call_start(const Claim *claim, Endpoint *endpoint, HttpLoop *loop, Journal *journal)
{
	MemoryContext caller = CurrentMemoryContext;
	JournalMark mark = journal_mark(journal);
	Call	   *call = create_call(claim, journal);
	RequestParts parts;

	request_parts_init(&parts);
	PG_TRY();
	{
		start(call, claim, endpoint, &parts, loop);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		EmitErrorReport();
		FlushErrorState();
		journal_return_to(journal, &mark);
		fail_thrown(call, error);
		call_release_http(call, loop);
		FreeErrorData(error);
	}
	PG_END_TRY();
	request_parts_free(&parts);
	return call;
}

Call *
call_refused(const Claim *claim, const EndpointProblem *problem, Journal *journal)
{
	Call	   *call = create_call(claim, journal);

	fail_call(call, problem->error_class, false, problem->message);
	if (problem->hint != NULL)
		call->hint = problem->hint;
	return call;
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
