/*
 * provider_error.c
 *		What a failure means: its class, whether a retry helps, the vendor's words.
 *
 * Vendors agree roughly on HTTP statuses and hardly at all on the shape of an
 * error's body, so the body is searched for a message, a code and a type in
 * every place where one of them is known to put it.  A message that stands in a
 * better place replaces one from a worse place, whichever comes first.
 */
#include "provider.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "provider_common.h"

/* How much of a body that is no JSON goes into the message. */
#define MAX_FOREIGN_BODY	500

/* ---- gathering the words ---- */

/* Called for every event of a stream, so it leaves the large array alone. */
void
vendor_words_init(VendorWords *words)
{
	words->has_error = false;
	words->message[0] = '\0';
	words->message_rank = 0;
	words->code[0] = '\0';
	words->type[0] = '\0';
	words->status = 0;
	words->filtered = false;
	words->bad_key = false;
	words->retry_after_ms = -1;
}

static void
take_message(VendorWords *words, const JsonValue *value, int rank)
{
	if (value->kind != JSON_STRING || value->len == 0 || rank <= words->message_rank)
		return;
	provider_copy_text(words->message, sizeof(words->message), value->value, value->len);
	words->message_rank = rank;
}

/* A code: a word, or a number that may be an HTTP status, also written as a string. */
static void
take_code(VendorWords *words, const JsonValue *value)
{
	int			status = 0;

	if (value->kind != JSON_STRING && value->kind != JSON_NUMBER)
		return;
	if (value->len == 0)
		return;
	provider_copy_text(words->code, sizeof(words->code), value->value, value->len);
	if (strlen(words->code) == 3 && strspn(words->code, "0123456789") == 3)
		status = atoi(words->code);
	if (status >= 400 && status < 600)
		words->status = status;
}

/* That an error is of type "error" says nothing. */
static void
take_type(VendorWords *words, const JsonValue *value)
{
	if (value->kind == JSON_STRING && value->len > 0 && strcmp(value->value, "error") != 0)
		provider_copy_text(words->type, sizeof(words->type), value->value, value->len);
}

/* The error member itself: a text, a flag, or nothing at all. */
static void
take_error_member(VendorWords *words, const JsonValue *value)
{
	switch (value->kind)
	{
		case JSON_NULL:
		case JSON_EMPTY_ARRAY:
			return;
		case JSON_BOOL:
			if (value->value[0] == 'f')
				return;
			break;
		case JSON_STRING:
			if (value->len == 0)
				return;
			take_message(words, value, 4);
			break;
		case JSON_NUMBER:
			take_code(words, value);
			break;
		case JSON_EMPTY_OBJECT:
			break;
	}
	words->has_error = true;
}

static bool
is_word(const JsonValue *value, const char *word)
{
	return value->kind == JSON_STRING && strcasecmp(value->value, word) == 0;
}

/*
 * What lies deeper in the error object: Azure's filter, Anthropic's spending
 * limit, Google's kinds of details.
 */
static void
take_deep_detail(VendorWords *words, const char *name, const JsonValue *value)
{
	if (strcmp(name, "innererror.code") == 0 || strcmp(name, "inner_error.code") == 0)
		words->filtered |= is_word(value, "ResponsibleAIPolicyViolation");
	else if (strcmp(name, "details.error_code") == 0)
		take_code(words, value);
	else if (strcmp(name, "details[].reason") == 0)
		words->bad_key |= is_word(value, "API_KEY_INVALID");
	else if (strcmp(name, "details[].retryDelay") == 0 && value->kind == JSON_STRING)
		words->retry_after_ms = provider_duration_ms(value->value);
}

/* A member of the error object. */
static void
take_error_detail(VendorWords *words, const char *name, const JsonValue *value)
{
	words->has_error = true;
	if (strcmp(name, "message") == 0)
		take_message(words, value, 5);
	else if (strcmp(name, "code") == 0)
		take_code(words, value);
	else if (strcmp(name, "type") == 0 || (strcmp(name, "status") == 0 && !words->type[0]))
		take_type(words, value);
	else
		take_deep_detail(words, name, value);
}

/* What some servers put beside the error member, or instead of it. */
static void
take_outer_detail(VendorWords *words, const char *path, const JsonValue *value)
{
	if (strcmp(path, "message") == 0)
		take_message(words, value, 3);
	else if (strcmp(path, "detail") == 0)
		take_message(words, value, 2);
	else if (strcmp(path, "detail[].msg") == 0)
		take_message(words, value, 1);
	else if (strcmp(path, "code") == 0 && words->code[0] == '\0')
		take_code(words, value);
	else if (strcmp(path, "type") == 0 && words->type[0] == '\0')
		take_type(words, value);
	else if (strcmp(path, "details.error_code") == 0)
		take_code(words, value);
	else if (strcmp(path, "object") == 0 && is_word(value, "error"))
		words->has_error = true;
}

void
vendor_words_take_at(VendorWords *words, const char *path, const JsonValue *value)
{
	/* some gateways wrap the error object in an array */
	if (strncmp(path, "[].", 3) == 0)
		path += 3;
	if (strcmp(path, "error") == 0)
		take_error_member(words, value);
	else if (strncmp(path, "error.", 6) == 0)
		take_error_detail(words, path + 6, value);
	else
		take_outer_detail(words, path, value);
}

void
vendor_words_take(VendorWords *words, const JsonValue *value)
{
	vendor_words_take_at(words, value->path, value);
}

/* ---- what they mean ---- */

/* Is this word the vendor's code or type? */
static bool
says(const VendorWords *words, const char *word)
{
	return strcasecmp(words->code, word) == 0 || strcasecmp(words->type, word) == 0;
}

/* Out of credit: waiting does not help. */
static bool
is_exhausted(const VendorWords *words)
{
	return says(words, "insufficient_quota") || says(words, "credit_balance_exhausted") ||
		says(words, "enforced_spend_limit_reached");
}

static bool
is_filtered(const VendorWords *words)
{
	return words->filtered || says(words, "content_filter") ||
		says(words, "content_policy_violation");
}

static void
classify(ProviderError *error, ErrorClass error_class, bool retryable)
{
	error->error_class = error_class;
	error->retryable = retryable;
}

static void
classify_status(ProviderError *error, int status)
{
	switch (status)
	{
		case 401:
			classify(error, ERROR_CLASS_AUTHENTICATION, false);
			break;
		case 402:
		case 403:
			classify(error, ERROR_CLASS_PERMISSION, false);
			break;
		case 404:
			classify(error, ERROR_CLASS_NOT_FOUND, false);
			break;
		case 408:
			classify(error, ERROR_CLASS_TIMEOUT, true);
			break;
		case 409:
			classify(error, ERROR_CLASS_OVERLOADED, true);
			break;
		case 429:
			classify(error, ERROR_CLASS_RATE_LIMITED, true);
			break;
		default:
			if (status >= 500)
				classify(error, ERROR_CLASS_OVERLOADED, true);
			else
				classify(error, ERROR_CLASS_BAD_REQUEST, false);
			break;
	}
}

/* Lower case letters and digits only, so that rate_limit is RateLimit is "rate limit". */
static void
squeeze(char *target, size_t size, const char *text)
{
	size_t		at = 0;

	for (; *text && at + 1 < size; text++)
	{
		if (isalnum((unsigned char) *text))
			target[at++] = (char) tolower((unsigned char) *text);
	}
	target[at] = '\0';
}

/* Without a status: what the vendor's words say.  The first match decides. */
static void
classify_words(ProviderError *error, const VendorWords *words)
{
	static const struct
	{
		const char *word;
		ErrorClass	error_class;
		bool		retryable;
	}			known[] = {
		{"ratelimit", ERROR_CLASS_RATE_LIMITED, true},
		{"toomanyrequests", ERROR_CLASS_RATE_LIMITED, true},
		{"resourceexhausted", ERROR_CLASS_RATE_LIMITED, true},
		{"overloaded", ERROR_CLASS_OVERLOADED, true},
		{"servererror", ERROR_CLASS_OVERLOADED, true},
		{"timeout", ERROR_CLASS_TIMEOUT, true},
		{"deadlineexceeded", ERROR_CLASS_TIMEOUT, true},
		{"invalidapikey", ERROR_CLASS_AUTHENTICATION, false},
		{"authentication", ERROR_CLASS_AUTHENTICATION, false},
		{"unauthenticated", ERROR_CLASS_AUTHENTICATION, false},
		{"permission", ERROR_CLASS_PERMISSION, false},
		{"billing", ERROR_CLASS_PERMISSION, false},
		{"notfound", ERROR_CLASS_NOT_FOUND, false},
		{"toolarge", ERROR_CLASS_BAD_REQUEST, false},
		{"invalid", ERROR_CLASS_BAD_REQUEST, false},
		{"badrequest", ERROR_CLASS_BAD_REQUEST, false},
		{"contextlength", ERROR_CLASS_BAD_REQUEST, false},
	};
	char		code[sizeof(words->code)];
	char		type[sizeof(words->type)];
	size_t		i;

	squeeze(code, sizeof(code), words->code);
	squeeze(type, sizeof(type), words->type);
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
	{
		if (strstr(code, known[i].word) || strstr(type, known[i].word))
		{
			classify(error, known[i].error_class, known[i].retryable);
			return;
		}
	}
	classify(error, ERROR_CLASS_OVERLOADED, true);
}

/* Codes that mean the same with every status, and that no header overrules. */
static bool
classify_final_code(ProviderError *error, const VendorWords *words, int status)
{
	if (is_exhausted(words))
	{
		if (status == 0 || status == 429)
			classify(error, ERROR_CLASS_RATE_LIMITED, false);
		error->retryable = false;
		return true;
	}
	if (is_filtered(words) && status < 500)
	{
		classify(error, ERROR_CLASS_CONTENT_FILTER, false);
		return true;
	}
	if (words->bad_key)
	{
		classify(error, ERROR_CLASS_AUTHENTICATION, false);
		return true;
	}
	return false;
}

static void
set_code(ProviderError *error, const VendorWords *words)
{
	bool		both = words->code[0] && words->type[0] &&
		strcmp(words->code, words->type) != 0;
	char		joined[sizeof(words->code) + sizeof(words->type) + 1];

	snprintf(joined, sizeof(joined), "%s%s%s", words->code[0] ? words->code : words->type,
			 both ? "/" : "", both ? words->type : "");
	provider_copy_text(error->code, sizeof(error->code), joined, strlen(joined));
}

static void
init_error(ProviderError *error, int status, const VendorWords *words)
{
	memset(error, 0, sizeof(*error));
	error->http_status = status;
	error->retry_after_ms = words->retry_after_ms;
	snprintf(error->message, sizeof(error->message), "%s", words->message);
	set_code(error, words);
}

static bool
is_redirect(int status)
{
	return status >= 300 && status < 400;
}

/* A message of our own when the vendor had none, or when there is more to say. */
static void
complete_message(ProviderError *error)
{
	if (is_redirect(error->http_status))
		snprintf(error->message, sizeof(error->message),
				 "The server answered with HTTP status %d; redirects are not followed.",
				 error->http_status);
	else if (error->message[0] == '\0' && error->http_status > 0)
		snprintf(error->message, sizeof(error->message),
				 "The server answered with HTTP status %d and no message.",
				 error->http_status);
	else if (error->message[0] == '\0')
		snprintf(error->message, sizeof(error->message),
				 "The server reported an error without a message.");
}

void
provider_error_of_status(ProviderError *error, const HttpHead *head,
						 const VendorWords *words)
{
	init_error(error, head->status, words);
	if (head->retry_after_ms >= 0)
		error->retry_after_ms = head->retry_after_ms;
	classify_status(error, head->status);
	if (!classify_final_code(error, words, head->status) && head->should_retry >= 0)
		error->retryable = head->should_retry == 1;
	complete_message(error);
}

void
provider_error_of_stream(ProviderError *error, const VendorWords *words)
{
	init_error(error, 0, words);
	if (words->status > 0)
		classify_status(error, words->status);
	else
		classify_words(error, words);
	classify_final_code(error, words, words->status);
	complete_message(error);
}

static void
take_any_error(void *arg, const JsonValue *value)
{
	vendor_words_take(arg, value);
}

void
provider_read_error(const HttpHead *head, const char *body, size_t len,
					ProviderError *error)
{
	VendorWords words;

	vendor_words_init(&words);
	if (len > 0)
		provider_scan(body, len, take_any_error, &words, NULL);
	if (words.message[0] == '\0' && len > 0)
		provider_copy_text(words.message, sizeof(words.message), body,
						   utf8_clip(body, len, MAX_FOREIGN_BODY));
	provider_error_of_status(error, head, &words);
}
