/*
 * call_judge.c
 *		What has become of a call whose response has ended: completed, or failed, and why.
 */
#include "postgres.h"

#include "call_private.h"

static void
complete(Call *call)
{
	Answer	   *answer = &call->decoder.answer;
	char		line[128];

	if (answer->finish == FINISH_LENGTH)
		call_warn(call, "truncated", "The answer reached its limit of output tokens and is cut off there");
	if (answer->replaced > 0)
	{
		snprintf(line, sizeof(line), "The answer held " INT64_FORMAT " characters that text cannot store; they are shown as U+FFFD",
				 (int64) answer->replaced);
		call_warn(call, "repaired", line);
	}
	if (answer->output_tokens < 0)
		journal_notice(call->journal, &call->key, "info", "no_usage",
					   "The vendor sent no usage: tokens and cost are not known");
	snprintf(line, sizeof(line), "Complete - %zu bytes of output", call->output.len);
	call_think_system(call, line);
	call_end(call, OUTCOME_COMPLETED);
}

static void
fail_invalid(Call *call, const char *what, const Buf *problem)
{
	char		message[sizeof(call->error.message)];

	snprintf(message, sizeof(message), "%s: %.*s", what,
			 (int) utf8_clip(buf_text(problem), problem->len, sizeof(message) - 64), buf_text(problem));
	for (char *end = strchr(message, '\n'); end != NULL; end = strchr(end, '\n'))
		*end = ';';
	call_fail(call, ERROR_CLASS_INVALID_OUTPUT, true, message);
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
	call_hide_key_in_output(call);
	if (answer->finish == FINISH_REFUSAL || answer->refusal.len > 0)
	{
		char		message[2048];

		snprintf(message, sizeof(message), "the model refused: %.*s",
				 (int) utf8_clip(buf_text(&answer->refusal), answer->refusal.len, 1800), buf_text(&answer->refusal));
		call_fail(call, ERROR_CLASS_CONTENT_FILTER, false, message);
	}
	else if (answer->finish == FINISH_CONTENT_FILTER)
		call_fail(call, ERROR_CLASS_CONTENT_FILTER, false, "the vendor's content filter stopped the answer");
	else if (call->output.len == 0 && answer->finish == FINISH_TOOL_CALLS)
		call_fail(call, ERROR_CLASS_INVALID_OUTPUT, false, "the model called a tool, and it has none");
	else if (call->output.len == 0 && answer->finish == FINISH_LENGTH)
		call_fail(call, ERROR_CLASS_INVALID_OUTPUT, false,
				  "the limit of output tokens was used up before the answer began");
	else if (call->output.len == 0)
		call_fail(call, ERROR_CLASS_INVALID_OUTPUT, true, "the model gave an empty answer");
	else
		judge_text(call);
}

static void
judge_response(Call *call)
{
	Answer	   *answer = &call->decoder.answer;

	if (!call_is_success(call))
	{
		ProviderError error;

		call->provider->read_error(&call->http->head, buf_text(&call->error_body), call->error_body.len, &error);
		call_fail_with(call, &error);
		return;
	}
	if (!call_open_decoder(call))
		return;
	call->provider->finish(&call->decoder);
	call_drain_answer(call);
	call_end_reasoning(call);
	if (call->output.failed || call->decoder.sse.overflow)
		call_fail_too_large(call);
	else if (answer->error.error_class != ERROR_CLASS_NONE)
		call_fail_with(call, &answer->error);
	else if (answer->ended)
		judge_answer(call);
	else if (answer->events == 0)
		call_fail(call, ERROR_CLASS_INVALID_OUTPUT, true, "the response is not one of this API: nothing in it was understood");
	else
		call_fail(call, ERROR_CLASS_CONNECTION, true, "the stream ended before the answer was complete");
}

void
call_judge(Call *call)
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
			call_fail(call, ERROR_CLASS_TIMEOUT, true, error);
			break;
		case HTTP_OUT_OF_TIME:
			/* The task's own timeout: it was given no more time than this. */
			keep_partial_outputs(call);
			call_fail(call, ERROR_CLASS_TIMEOUT, false, error);
			break;
		case HTTP_REFUSED_ADDRESS:
			call_fail(call, ERROR_CLASS_PERMISSION, false, error);
			break;
		case HTTP_TLS:
			call_fail(call, ERROR_CLASS_CONNECTION, false, error);
			break;
		case HTTP_TOO_LARGE:
			call_fail(call, ERROR_CLASS_INVALID_OUTPUT, false, error);
			break;
		case HTTP_UNRESOLVED:
		case HTTP_CUT:
		case HTTP_UNREACHABLE:
		case HTTP_BROKEN:
			call_fail(call, ERROR_CLASS_CONNECTION, true, error);
			break;
	}
}
