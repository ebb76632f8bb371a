/*
 * call_start.c
 *		How a claimed step becomes a request, or is refused before it.
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "agent_studio.h"
#include "call_private.h"
#include "prompt.h"
#include "steady.h"

#define ERROR_BODY_LIMIT	(64 * 1024)
#define MAX_TASK_WORDS		60	/* bytes of the task in the first thought: a line of psql at 100 columns */
#define STREAM_OVERHEAD		128 /* an event of 400 bytes may carry three of text */

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
		call_think_system(call, line);
	}
	snprintf(line, sizeof(line), "Sending request to %.*s (%.*s)",
			 (int) utf8_clip(claim->server, strlen(claim->server), 64), claim->server,
			 (int) utf8_clip(claim->deployment, strlen(claim->deployment), 128), claim->deployment);
	call_think_system(call, line);
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
		call_fail(call, ERROR_CLASS_BAD_REQUEST, false, buf_text(&problem));
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
		call_fail(call, ERROR_CLASS_BAD_REQUEST, false, error ? error : "the request could not be built");
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
		call_fail(call, ERROR_CLASS_CONNECTION, true, error);
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
	call_fail(call, ERROR_CLASS_INTERNAL,
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

	call_fail(call, problem->error_class, false, problem->message);
	if (problem->hint != NULL)
		call->hint = problem->hint;
	return call;
}
