/*
 * provider_common.h
 *		What the vendors' providers share with each other, and with nobody else.
 *
 * - VendorWords gathers what a vendor says about a failure, in whichever of the
 *	 known shapes it comes; provider_error_of_... make a ProviderError of it.
 * - RequestRules say how a vendor's request differs from another's, and
 *	 provider_build makes one.  Its BodyWriter joins the user's extra_body to
 *	 the JSON body member by member, so the result cannot hold a member twice.
 * - StreamRules say the same of the answer: the body is cut into documents
 *	 (events, lines, or one for all), each is read into a Draft, and the Draft
 *	 takes effect only when the whole of it was read.  Members may stand in any
 *	 order, and what turns out not to be JSON leaves no trace.
 */
#ifndef AS_PROVIDER_COMMON_H
#define AS_PROVIDER_COMMON_H

#include "json_scan.h"
#include "provider.h"

/* ---- text and numbers from outside (provider.c) ---- */

/*
 * Copies text for people to read: invalid UTF-8 becomes U+FFFD, control
 * characters become spaces, surrounding spaces go, and what is too long is
 * clipped between characters.
 */
extern void provider_copy_text(char *target, size_t size, const char *text, size_t len);

/* As json_scan, but a byte-order mark before the document is no fault. */
extern bool provider_scan(const char *data, size_t len, JsonCallback callback, void *arg,
						  int64_t *replaced);

/* "6m0s", "1h2m", "20ms", "1.5s", or a bare number of seconds; -1 if none of them. */
extern int64_t provider_duration_ms(const char *text);

/* ---- errors (provider_error.c) ---- */

typedef struct VendorWords
{
	bool		has_error;		/* there was an error, however little it said */
	char		message[sizeof(((ProviderError *) 0)->message)];
	int			message_rank;	/* how good a place the message came from */
	char		code[64];
	char		type[64];
	int			status;			/* a numeric code that is an HTTP status, else 0 */
	bool		filtered;		/* a content filter's own mark */
	bool		bad_key;		/* the key is wrong, whatever the status says */
	int64_t		retry_after_ms; /* -1: not in the body */
} VendorWords;

extern void vendor_words_init(VendorWords *words);

/* Looks at one value of a JSON document that is, or may be, an error. */
extern void vendor_words_take(VendorWords *words, const JsonValue *value);

/* As before, with another path: the error lies deeper in the document. */
extern void vendor_words_take_at(VendorWords *words, const char *path, const JsonValue *value);

/* An error with an HTTP status: an unsuccessful response. */
extern void provider_error_of_status(ProviderError *error, const HttpHead *head,
									 const VendorWords *words);

/* An error inside a successful response. */
extern void provider_error_of_stream(ProviderError *error, const VendorWords *words);

/* A read_error for every vendor whose errors vendor_words_take understands. */
extern void provider_read_error(const HttpHead *head, const char *body, size_t len,
								ProviderError *error);

/* ---- the request (provider_request.c) ---- */

typedef struct BodyWriter
{
	Buf		   *body;
	Buf			names;			/* the names in extra_body, NUL after each */
	Buf			members;		/* private: its members, each name once */
	bool		first;
} BodyWriter;

/* Writes the name of a member that extra_body cannot replace. */
extern void body_pinned_member(BodyWriter *writer, const char *name);

/* As before, unless extra_body has that member: then false, and write no value. */
extern bool body_member(BodyWriter *writer, const char *name);

/* Members with their values; NULL or 0 = not set, nothing is written. */
extern void body_text(BodyWriter *writer, const char *name, const char *text);
extern void body_raw(BodyWriter *writer, const char *name, const char *json);
extern void body_integer(BodyWriter *writer, const char *name, int64_t number);

/* Does extra_body have the member, with this value (NULL = any), as it stands there? */
extern bool body_has_extra(const BodyWriter *writer, const char *name, const char *raw);

/*
 * Begins an object that the extra member of that name joins, to be ended with
 * body_end.  False: the extra member is no object and replaces ours.
 */
extern bool body_nested(BodyWriter *outer, const char *name, BodyWriter *inner);

/* Joins the extra members, but for the pinned ones (ended by NULL); frees the writer. */
extern void body_end(BodyWriter *writer, const char *const *pinned);

/* "messages": the system prompt, if there is one, and the user's. */
extern void body_messages(BodyWriter *writer, const ModelRequest *request);

/* A schema's name as vendors allow it: at most 64 letters, digits, "_" and "-". */
extern void body_schema_name(BodyWriter *writer, const char *name);

/*
 * The base URL with its path extended by exactly one slash and path, and its
 * query by query (NULL = none).  The prefix (NULL = none) comes before the path,
 * but for those of its segments with which the base's path ends already.
 */
extern bool provider_url(Buf *url, const char *base_url, const char *prefix,
						 const char *path, const char *query);

/* Appends text, percent-encoded but for letters, digits, "-", ".", "_" and "~". */
extern void provider_url_text(Buf *url, const char *text);

/* Is the text one JSON number? */
extern bool provider_is_number(const char *text);

typedef struct RequestRules
{
	const char *accept;			/* what the answer is: the header's value */
	const char *key_header;
	const char *key_prefix;		/* before the key: "Bearer " or "" */
	bool		system_alone;	/* a system prompt without a user's is a request */
	const char *const *pinned;	/* members that extra_body cannot replace: without
								 * them the decoder fails; ended by NULL */
	bool		(*write_url) (const ModelRequest *request, Buf *url);
	void		(*write_members) (BodyWriter *writer, const ModelRequest *request);
} RequestRules;

/* The whole of a build_request: headers, URL and body. */
extern bool provider_build(const RequestRules *rules, const ModelRequest *request,
						   RequestParts *parts, const char **error);

/* ---- the answer (provider_stream.c) ---- */

/* What one document has brought. */
typedef struct Draft
{
	Buf			text;
	Buf			thoughts;
	Buf			refusal;
	char		finish[64];		/* the vendor's word; "" = none */
	FinishReason reason;		/* what it means here; FINISH_NONE: finish_words say */
	int64_t		input;			/* tokens; -1 = not said */
	int64_t		cached;
	int64_t		output;
	int64_t		reasoning;
	char		id[sizeof(((Answer *) 0)->response_id)];
	char		model[sizeof(((Answer *) 0)->model)];
	int64_t		replaced;
	VendorWords words;
} Draft;

typedef enum BodyKind
{
	BODY_UNKNOWN = 0,			/* nothing but white space so far */
	BODY_EVENTS,
	BODY_LINES,
	BODY_DOCUMENT
} BodyKind;

/*
 * Lives as long as the decoder, so that documents share the draft's buffers.  A
 * vendor's own state has it as its first member; all of it begins as zeros.
 */
typedef struct StreamState
{
	Draft		draft;
	BodyKind	kind;
	const char *event;			/* the name of the event being read, "" if none */
	bool		whole;			/* the answer is whole if the body ends here */
	bool		done;			/* the terminal mark was seen: nothing more counts */
} StreamState;

typedef struct FinishWord
{
	const char *word;			/* NULL ends the list */
	FinishReason reason;
} FinishWord;

typedef struct StreamRules
{
	size_t		state_size;
	bool		lines;			/* a JSON document a line, no events */
	const char *end_mark;		/* an event's data that ends the stream; NULL = none */
	const FinishWord *finish_words; /* any other word is FINISH_OTHER */
	void		(*begin) (Decoder *decoder);	/* a document begins; may be NULL */
	JsonCallback take;			/* one of its values; arg is the Decoder */
	void		(*settle) (Decoder *decoder);	/* it was read: what it means */
} StreamRules;

extern void stream_feed(Decoder *decoder, const StreamRules *rules,
						const char *bytes, size_t len);
extern void stream_finish(Decoder *decoder, const StreamRules *rules);
extern void stream_free_state(void *state);
extern size_t stream_memory(const void *state);

/* Between two feeds: what the draft holds has taken effect. */
extern void stream_trim(void *state);

static inline StreamState *
stream_state(const Decoder *decoder)
{
	return decoder->state;
}

static inline Draft *
stream_draft(const Decoder *decoder)
{
	return &stream_state(decoder)->draft;
}

/* A string into a field, made readable; anything else leaves it alone. */
extern void draft_copy(char *target, size_t size, const JsonValue *value);

/* Every document may repeat its id and model; only the first of them are wanted. */
extern void draft_id(Decoder *decoder, const JsonValue *value);
extern void draft_model(Decoder *decoder, const JsonValue *value);

/* A string to the end of one of the draft's buffers. */
extern void draft_append(Buf *buf, const JsonValue *value);

/* A count of tokens; false if it is none, and then the field stays as it is. */
extern bool draft_count(int64_t *field, const JsonValue *value);

/*
 * Output tokens with the reasoning in them.  Servers disagree on whether the
 * count that they send has it; their total tells, and where there is none, what
 * is usual with that vendor.
 */
extern int64_t provider_output_tokens(int64_t output, int64_t reasoning, int64_t input,
									  int64_t total, bool usually_apart);

#endif							/* AS_PROVIDER_COMMON_H */
