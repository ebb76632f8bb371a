/*
 * call.h
 *		One model call: from a claimed step to an ended attempt.
 *
 * Memory: a Call has a context of its own, and malloc buffers for what the
 * stream brings; call_free releases both. Nothing here touches the database.
 */
#ifndef AS_CALL_H
#define AS_CALL_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "lib/ilist.h"

#include "endpoint.h"
#include "http.h"
#include "journal.h"
#include "output_format.h"
#include "plan_cache.h"
#include "provider.h"
#include "redact.h"

/* A claimed step, as the claim returned it. Strings live as long as the turn. */
typedef struct Claim
{
	int64		execution_id;
	int32		step_no;
	int32		attempt_no;
	int32		failures;
	int64		model_id;
	TimestampTz started_at;
	int32		max_retries;
	int32		timeout_seconds;
	bool		verbose;
	bool		progress_lines;
	int64		last_seq;
	int64		tokens;			/* what it is expected to cost */
	int64		requests_limit; /* a minute; 0 = none */
	int64		tokens_limit;
	char	   *output_format;
	char	   *json_schema;	/* NULL = none */
	bool		structured_output;	/* the vendor can be held to it */
	int32		fallback_no;	/* which fallback model_id is; 0 = the agent's own model */
	int64		next_model_id;	/* the next fallback; 0 = none is left */
	int64		own_model_id;
	int64		agent_version_id;
	int64		plan_key;		/* of plan_cache.h; 0 = a task that runs once */
	int32		plan_step;
	SharedPlan *plan;			/* with a reference, which goes to the call; NULL = none */
	int64		max_output_tokens;	/* 0 = not set */
	int64		model_max_output_tokens;	/* 0 = unknown */
	char	   *owner;
	char	   *team;
	char	   *task;			/* NULL: the rows behind the queue row are gone */
	char	   *context;
	char	   *system_prompt;
	char	   *phases;			/* the agent's own, as they are told; NULL = none */
	char	   *temperature;
	char	   *top_p;
	char	   *server;
	char	   *deployment;
	char	   *max_tokens_parameter;
	char	   *request_options;
	bool		put_back;		/* it waits for a budget, and is not claimed any more */
	char	   *refusal;		/* why it must not be sent; NULL = it may */
} Claim;

typedef enum Outcome
{
	OUTCOME_RUNNING = 0,
	OUTCOME_COMPLETED,
	OUTCOME_FAILED,
	OUTCOME_CANCELED,			/* by as_cancel */
	OUTCOME_INTERRUPTED			/* the executor stops in order */
} Outcome;

typedef struct Call
{
	dlist_node	node;			/* in the executor's list of running or of ended calls */
	MemoryContext context;
	JournalKey	key;
	Journal    *journal;
	int64		model_id;
	int32		fallback_no;
	int64		next_model_id;
	int64		own_model_id;
	int32		failures;		/* before this attempt */
	int32		max_retries;
	bool		verbose;
	SeqCounter *seq;			/* shared by the calls of the execution */

	SharedPlan *plan;			/* NULL: a task that runs once */
	const PlanStep *plan_step;	/* NULL likewise */
	int			plan_step_no;	/* its place in the plan, from 1 */
	int64		agent_version_id;
	Buf			outputs;		/* the named ones, JSON; empty = none */
	Buf			unmet;			/* what the criteria miss; empty = nothing, or there are none */
	double		quality_score;	/* negative = not judged */
	int			warnings;		/* how many notices of that kind it wrote */

	const Provider *provider;
	char	   *key_sent;		/* to be hidden in the vendor's words; NULL = none; wiped at the end */
	HttpCall   *http;			/* NULL once released, or never started */
	bool		want_progress;
	bool		decoding;		/* decoder is open */
	Decoder		decoder;
	Redactor	redactor;		/* of the reasoning */
	LineJoiner	joiner;
	TimestampTz last_fragment_at;	/* of reasoning not yet a line, by steady_now(); 0 = none waits */
	OutputFormat format;
	JsonSchema *schema;			/* NULL = none */
	Buf			output;
	Buf			error_body;
	int64		logged_bytes;	/* of output, by the last DEBUG line */
	int64		prompt_tokens;	/* estimate of what was sent */
	int64		output_limit;	/* most output tokens; 0 = unknown */
	int64		streamed_bytes; /* text, reasoning and progress so far */
	int64		reasoning_bytes;	/* of these */
	bool		told_limit;		/* that it comes near its output_limit */
	bool		told_duration;

	/* Its row in live_usage: see live.h. */
	bool		live_due;
	TimestampTz live_at;		/* when it was written last, by steady_now(); 0 = there is none */
	TimestampTz live_first_byte_at;	/* first_byte_at then */
	int64		live_bytes;		/* streamed_bytes then */

	TimestampTz began;			/* sent_at, by steady_now() */
	TimestampTz sent_at;
	TimestampTz first_byte_at;	/* 0 = none yet */
	TimestampTz first_token_at;

	/* Set when it has ended. */
	Outcome		outcome;
	TimestampTz finished_at;
	ProviderError error;
	const char *hint;			/* static */
	bool		possibly_billed;
	int			http_status;	/* 0 = there was no response */
	HttpHead	head;			/* of the response; initialised where there was none */
	int64		memory;			/* as it was counted last; see call_memory */
	int64		request_memory;	/* of it, what the request takes until it has ended */
	int64		send_number;	/* in the executor's Limits; -1 = not remembered there */
} Call;

/* Builds and sends the request; on a fault the call has ended when this returns. */
extern Call *call_start(const Claim *claim, Endpoint *endpoint, HttpLoop *loop, Journal *journal);

/* A call that ends before it began: problem says why. */
extern Call *call_refused(const Claim *claim, const EndpointProblem *problem, Journal *journal);

/* Looks at what the network brought. The call may have ended afterwards. */
extern void call_absorb(Call *call);

/* Makes a line of reasoning that has waited for its end since before this time of steady_now(). */
extern void call_flush_line(Call *call, TimestampTz before);

/* Ends a running call: canceled or interrupted. */
extern void call_stop(Call *call, Outcome outcome, const char *why);

/*
 * For how long the vendor wants nothing more to be sent to this model, by what an
 * ended call brought: a limit that is used up, or a 429. Milliseconds; 0 = it did not say.
 */
extern int64 call_told_wait_ms(const Call *call);

/* Closes the socket if it is still open, and frees what only a running call needs. */
extern void call_release_http(Call *call, HttpLoop *loop);

/* What its buffers take: bytes. */
extern int64 call_memory(const Call *call);

extern void call_free(Call *call, HttpLoop *loop);

static inline bool
call_has_ended(const Call *call)
{
	return call->outcome != OUTCOME_RUNNING;
}

/* What a token is taken to be until the vendor has counted. */
#define BYTES_PER_TOKEN	4

/* Output tokens so far, as the vendor says or as many as what has streamed must be. */
static inline int64
call_output_tokens(const Call *call)
{
	return Max(call->decoding ? call->decoder.answer.output_tokens : 0, call->streamed_bytes / BYTES_PER_TOKEN);
}

extern const char *outcome_name(Outcome outcome);

#endif							/* AS_CALL_H */
