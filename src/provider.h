/*
 * provider.h
 *		What the executor asks of a model API, whichever vendor speaks it.
 *
 * One Provider per server type: it builds the request, decodes the stream, and
 * reads errors.  Providers are pure: bytes in, bytes out, malloc only, no
 * PostgreSQL, no HTTP, no throwing, so each can be fuzzed without a server.
 */
#ifndef AS_PROVIDER_H
#define AS_PROVIDER_H

#include "buf.h"
#include "sse.h"
#include "thoughts.h"
#include "utf8.h"

/* Why an attempt failed.  The names (error_class_name) are what users see. */
typedef enum ErrorClass
{
	ERROR_CLASS_NONE = 0,
	ERROR_CLASS_TIMEOUT,
	ERROR_CLASS_RATE_LIMITED,
	ERROR_CLASS_OVERLOADED,
	ERROR_CLASS_CONNECTION,
	ERROR_CLASS_BAD_REQUEST,
	ERROR_CLASS_AUTHENTICATION,
	ERROR_CLASS_PERMISSION,
	ERROR_CLASS_NOT_FOUND,
	ERROR_CLASS_CONTENT_FILTER,
	ERROR_CLASS_INVALID_OUTPUT,
	ERROR_CLASS_BUDGET_EXCEEDED,
	ERROR_CLASS_MAX_ITERATIONS,
	ERROR_CLASS_CANCELED,
	ERROR_CLASS_INTERNAL
} ErrorClass;

extern const char *error_class_name(ErrorClass error_class);

/* Tokens of one call that can be believed; what is more is told as a little more than this. */
#define MOST_TOKENS	INT64_C(1000000000)

typedef struct ProviderError
{
	ErrorClass	error_class;	/* ERROR_CLASS_NONE: no error */
	bool		retryable;
	int			http_status;	/* 0 when the error came inside a 200 stream */
	int64_t		retry_after_ms; /* -1: the vendor did not say */
	char		code[96];		/* the vendor's code and type ("code/type" if they
								 * differ), "" if none */
	char		message[2048];	/* the vendor's words, valid UTF-8 without control characters */
} ProviderError;

/* What the response's head said.  Filled by the HTTP side. */
typedef struct HttpHead
{
	int			status;
	int64_t		retry_after_ms; /* from retry-after-ms or Retry-After; -1 if absent */
	bool		retry_after_exact;	/* private: retry-after-ms was there, it wins */
	int			should_retry;	/* x-should-retry: 1, 0, or -1 if absent */
	char		content_type[96];
	char		request_id[128];	/* x-request-id, request-id, apim-request-id */

	/* x-ratelimit-* and anthropic-ratelimit-*; -1 if absent */
	int64_t		limit_requests;
	int64_t		remaining_requests;
	int64_t		reset_requests_ms;
	int64_t		limit_tokens;
	int64_t		remaining_tokens;
	int64_t		reset_tokens_ms;
	bool		limit_tokens_exact; /* private: of all tokens, not of the input alone */
} HttpHead;

extern void http_head_init(HttpHead *head);

/*
 * Takes one header line ("Name: value", no line end).  now is the wall clock in
 * seconds since 1970, for a Retry-After that is an HTTP date.
 */
extern void http_head_line(HttpHead *head, const char *line, size_t len, int64_t now);

/* What to ask.  NULL or 0 = the user did not set it, so it is not sent. */
typedef struct ModelRequest
{
	const char *base_url;		/* without trailing slash needed */
	const char *api_version;	/* the server's VERSION */
	const char *api_key;		/* NULL: send none */
	const char *deployment;		/* the model's name at the vendor */
	const char *system_prompt;
	const char *user_prompt;
	const char *temperature;	/* JSON number as text */
	const char *top_p;			/* JSON number as text */
	int64_t		max_output_tokens;
	int64_t		model_max_output_tokens;	/* the most the model can give: asked for
											 * where the vendor demands a limit */
	const char *max_tokens_parameter;	/* which member carries it */
	const char *json_schema;	/* a JSON Schema that the answer has to match */
	const char *schema_name;	/* what it describes, for vendors that want a name */
	const char *extra_body;		/* a JSON object whose members join the body;
								 * its caller has checked that it is one */
} ModelRequest;

#define REQUEST_MAX_HEADERS 32

typedef struct RequestParts
{
	Buf			url;
	Buf			body;
	Buf			headers[REQUEST_MAX_HEADERS];	/* "Name: value" */
	int			nheaders;
} RequestParts;

extern void request_parts_init(RequestParts *parts);
extern void request_parts_free(RequestParts *parts);	/* wipes before it frees: a header holds the key */

/* Refuses (false) a name that is no token, or a value with control characters. */
extern bool request_parts_header(RequestParts *parts, const char *name, const char *value);

typedef enum FinishReason
{
	FINISH_NONE = 0,			/* the vendor did not say (yet) */
	FINISH_STOP,
	FINISH_LENGTH,
	FINISH_CONTENT_FILTER,
	FINISH_TOOL_CALLS,
	FINISH_REFUSAL,
	FINISH_OTHER
} FinishReason;

extern const char *finish_reason_name(FinishReason reason);

/*
 * What has been decoded so far.  The executor takes text, reasoning and
 * progress out (buf_reset) whenever it likes; all three are valid UTF-8 without
 * NUL.  Think sections and progress lines have been separated already.
 */
typedef struct Answer
{
	Buf			text;
	Buf			reasoning;
	Buf			progress;		/* whole lines, LF after each */
	Buf			refusal;		/* the model's words when it refuses */
	int64_t		input_tokens;	/* -1: the vendor has not said */
	int64_t		cached_input_tokens;
	int64_t		output_tokens;	/* includes reasoning_tokens */
	int64_t		reasoning_tokens;
	FinishReason finish;
	char		finish_raw[64]; /* the vendor's word */
	char		model[128];		/* which model answered */
	char		response_id[128];
	bool		ended;			/* the stream's own terminal mark was seen */
	int64_t		replaced;		/* U+FFFD put in place of what text cannot hold */
	int64_t		events;			/* events decoded; 0 means nothing was understood */
	int64_t		bad_events;		/* events that were not JSON, skipped */
	ProviderError error;		/* an error inside the stream */
} Answer;

struct Provider;

typedef struct Decoder
{
	const struct Provider *provider;
	SseSplitter sse;
	AnswerSplitter splitter;
	Answer		answer;
	bool		whole_body;		/* not a stream: content type says plain JSON */
	Buf			body;			/* the whole body then, or a first look at it */
	void	   *state;			/* the provider's own, malloc; decoder_free frees it
								 * after provider->free_state emptied it */
} Decoder;

typedef struct Provider
{
	const char *type;			/* the foreign server's TYPE */

	/*
	 * Can the vendor be asked for an answer that matches this schema?  If not, the
	 * prompt has to say it.  NULL: all schemas will do.
	 */
	bool		(*takes_schema) (const char *json_schema);

	/* False: *error is a static text that says what cannot be sent. */
	bool		(*build_request) (const ModelRequest *request, RequestParts *parts,
								  const char **error);

	/* A piece of a successful response's body. */
	void		(*feed) (Decoder *decoder, const char *bytes, size_t len);

	/*
	 * The body has ended in order.  Sets answer.ended if the answer is whole;
	 * leaves it false when the stream was cut.
	 */
	void		(*finish) (Decoder *decoder);

	/* An unsuccessful response: status, head and body (which may be anything). */
	void		(*read_error) (const HttpHead *head, const char *body, size_t len,
							   ProviderError *error);

	/* Frees what decoder->state points to, not the state itself; may be NULL. */
	void		(*free_state) (void *state);
} Provider;

/* NULL for an unknown type.  provider_types lists them all, ended by NULL. */
extern const Provider *provider_find(const char *type);
extern const Provider *const provider_types[];

extern const Provider provider_openai;
extern const Provider provider_openai_responses;
extern const Provider provider_azure_openai;
extern const Provider provider_anthropic;
extern const Provider provider_gemini;
extern const Provider provider_ollama;

/* max_event bounds one event (or the whole body, if it is not a stream). */
extern bool decoder_init(Decoder *decoder, const Provider *provider, const HttpHead *head,
						 size_t max_event, bool want_progress);

/* Frees its buffers; what it has learnt besides them can still be read. */
extern void decoder_free(Decoder *decoder);

/* After a feed: frees what a large event leaves behind in empty buffers. */
extern void decoder_trim(Decoder *decoder);

/* Bytes that its buffers take. */
extern size_t decoder_memory(const Decoder *decoder);

#endif							/* AS_PROVIDER_H */
