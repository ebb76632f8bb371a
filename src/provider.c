/*
 * provider.c
 *		What all model APIs have in common.
 *
 * Names of classes and reasons, the response's head, the request's parts, and a
 * decoder's life.  How requests are written is told in provider_request.c, how
 * answers are read in provider_stream.c, and what a failure means in
 * provider_error.c.
 */
#include "provider.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "provider_common.h"

/* What a server may ask us to wait at most; more than a day is taken as a day. */
#define MAX_WAIT_MS		(INT64_C(24) * 60 * 60 * 1000)

const Provider *const provider_types[] = {
	&provider_openai,
	&provider_openai_responses,
	&provider_azure_openai,
	&provider_anthropic,
	&provider_gemini,
	&provider_ollama,
	NULL
};

const Provider *
provider_find(const char *type)
{
	int			i;

	for (i = 0; type != NULL && provider_types[i] != NULL; i++)
	{
		if (strcmp(provider_types[i]->type, type) == 0)
			return provider_types[i];
	}
	return NULL;
}

const char *
error_class_name(ErrorClass error_class)
{
	switch (error_class)
	{
		case ERROR_CLASS_NONE:
			return "none";
		case ERROR_CLASS_TIMEOUT:
			return "timeout";
		case ERROR_CLASS_RATE_LIMITED:
			return "rate_limited";
		case ERROR_CLASS_OVERLOADED:
			return "overloaded";
		case ERROR_CLASS_CONNECTION:
			return "connection";
		case ERROR_CLASS_BAD_REQUEST:
			return "bad_request";
		case ERROR_CLASS_AUTHENTICATION:
			return "authentication";
		case ERROR_CLASS_PERMISSION:
			return "permission";
		case ERROR_CLASS_NOT_FOUND:
			return "not_found";
		case ERROR_CLASS_CONTENT_FILTER:
			return "content_filter";
		case ERROR_CLASS_INVALID_OUTPUT:
			return "invalid_output";
		case ERROR_CLASS_BUDGET_EXCEEDED:
			return "budget_exceeded";
		case ERROR_CLASS_MAX_ITERATIONS:
			return "max_iterations";
		case ERROR_CLASS_CANCELED:
			return "canceled";
		case ERROR_CLASS_INTERNAL:
			break;
	}
	return "internal";
}

const char *
finish_reason_name(FinishReason reason)
{
	switch (reason)
	{
		case FINISH_NONE:
			return "none";
		case FINISH_STOP:
			return "stop";
		case FINISH_LENGTH:
			return "length";
		case FINISH_CONTENT_FILTER:
			return "content_filter";
		case FINISH_TOOL_CALLS:
			return "tool_calls";
		case FINISH_REFUSAL:
			return "refusal";
		case FINISH_OTHER:
			break;
	}
	return "other";
}

/* ---- text from outside ---- */

/* A control character of C0 or C1, or DEL, whatever its length in UTF-8. */
static bool
is_control(const char *text, size_t len)
{
	unsigned char c = (unsigned char) text[0];

	if (len == 1)
		return c < 0x20 || c == 0x7F;
	return len == 2 && c == 0xC2 && (unsigned char) text[1] < 0xA0;
}

/* How the first character of text is shown; returns how many bytes it has in text. */
static size_t
readable_piece(const char *text, size_t len, const char **piece, size_t *piece_len)
{
	size_t		used;
	bool		good = utf8_sequence(text, len, &used) == UTF8_GOOD;

	*piece = text;
	*piece_len = used;
	if (is_control(text, used))
	{
		*piece = " ";
		*piece_len = 1;
	}
	else if (!good)
	{
		*piece = UTF8_REPLACEMENT;
		*piece_len = strlen(UTF8_REPLACEMENT);
	}
	return used;
}

void
provider_copy_text(char *target, size_t size, const char *text, size_t len)
{
	const char *end = text + len;
	size_t		at = 0;

	while (text < end)
	{
		const char *piece;
		size_t		piece_len;

		text += readable_piece(text, (size_t) (end - text), &piece, &piece_len);
		if (at == 0 && *piece == ' ')
			continue;
		if (piece_len >= size - at)
			break;
		memcpy(target + at, piece, piece_len);
		at += piece_len;
	}
	while (at > 0 && target[at - 1] == ' ')
		at--;
	target[at] = '\0';
}

bool
provider_scan(const char *data, size_t len, JsonCallback callback, void *arg,
			  int64_t *replaced)
{
	if (len >= 3 && memcmp(data, "\xEF\xBB\xBF", 3) == 0)
	{
		data += 3;
		len -= 3;
	}
	return json_scan(data, len, callback, arg, replaced, NULL);
}

/* ---- the response's head ---- */

void
http_head_init(HttpHead *head)
{
	memset(head, 0, sizeof(*head));
	head->retry_after_ms = -1;
	head->should_retry = -1;
	head->limit_requests = -1;
	head->remaining_requests = -1;
	head->reset_requests_ms = -1;
	head->limit_tokens = -1;
	head->remaining_tokens = -1;
	head->reset_tokens_ms = -1;
}

static int64_t
clamp_wait(double ms)
{
	if (ms < 0)
		return 0;
	return ms > (double) MAX_WAIT_MS ? MAX_WAIT_MS : (int64_t) ms;
}

/*
 * Digits, perhaps with a fraction; *text moves behind them.  By hand, because
 * strtod depends on the locale and knows words such as "inf".
 */
static bool
read_decimal(const char **text, double *number)
{
	const char *p = *text;
	double		scale = 1;

	*number = 0;
	if (!isdigit((unsigned char) *p))
		return false;
	for (; isdigit((unsigned char) *p); p++)
		*number = *number * 10 + (*p - '0');
	if (*p == '.')
	{
		for (p++; isdigit((unsigned char) *p); p++)
		{
			scale /= 10;
			*number += scale * (*p - '0');
		}
	}
	*text = p;
	return true;
}

/* A whole count: what follows the digits is ignored; -1 if there are none. */
static int64_t
read_count(const char *text)
{
	int64_t		count = 0;

	if (!isdigit((unsigned char) *text))
		return *text == '-' && isdigit((unsigned char) text[1]) ? 0 : -1;
	for (; isdigit((unsigned char) *text); text++)
	{
		if (__builtin_mul_overflow(count, 10, &count) ||
			__builtin_add_overflow(count, *text - '0', &count))
			return INT64_MAX;
	}
	return count;
}

/* A number of the given unit as milliseconds; -1 if it is none. */
static int64_t
read_wait(const char *text, double unit_ms)
{
	double		number;

	if (*text == '-' && isdigit((unsigned char) text[1]))
		return 0;
	if (!read_decimal(&text, &number) || *text != '\0')
		return -1;
	return clamp_wait(number * unit_ms);
}

/* Milliseconds of the unit at *text, which moves behind it; 0 if it is none. */
static double
read_unit(const char **text)
{
	static const struct
	{
		const char *name;		/* no name before one that begins with it */
		double		ms;
	}			units[] = {
		{"ms", 1}, {"us", 0.001}, {"\xC2\xB5s", 0.001}, {"ns", 0.000001},
		{"d", 86400000.0}, {"h", 3600000.0}, {"m", 60000.0}, {"s", 1000.0},
	};
	size_t		i;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
	{
		size_t		len = strlen(units[i].name);

		if (strncmp(*text, units[i].name, len) == 0)
		{
			*text += len;
			return units[i].ms;
		}
	}
	return 0;
}

int64_t
provider_duration_ms(const char *text)
{
	double		total = 0;
	int64_t		seconds = read_wait(text, 1000);

	if (seconds >= 0)
		return seconds;
	if (*text == '\0')
		return -1;
	while (*text)
	{
		double		number;
		double		unit;

		if (!read_decimal(&text, &number))
			return -1;
		unit = read_unit(&text);
		if (unit == 0)
			return -1;
		total += number * unit;
	}
	return clamp_wait(total);
}

/* Days from 1970-01-01 to a date of the Gregorian calendar. */
static int64_t
days_since_1970(int year, int month, int day)
{
	static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
	int64_t		years = year - 1;
	bool		leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	int64_t		days = years * 365 + years / 4 - years / 100 + years / 400;

	days += before[month - 1] + (leap && month > 2 ? 1 : 0) + day - 1;
	return days - 719162;
}

static int
month_number(const char *name)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int			i;

	for (i = 0; i < 12; i++)
	{
		if (strncasecmp(names + i * 3, name, 3) == 0)
			return i + 1;
	}
	return 0;
}

/* Is there such a moment?  Then *seconds since 1970. */
static bool
read_moment(int year, int month, int day, int hour, int minute, int second, int64_t *seconds)
{
	if (month < 1 || month > 12 || year < 1970 || day < 1 || day > 31 || hour < 0 || hour > 23 ||
		minute < 0 || minute > 59 || second < 0 || second > 60)
		return false;
	*seconds = days_since_1970(year, month, day) * 86400 +
		hour * 3600 + minute * 60 + second;
	return true;
}

/* RFC 3339, for example "2026-11-22T16:00:00Z"; a fraction is not looked at. */
static bool
read_timestamp(const char *text, int64_t *seconds)
{
	int			year;
	int			month;
	int			day;
	int			hour;
	int			minute;
	int			second;
	int			used = 0;
	int			zone_hour = 0;
	int			zone_minute = 0;

	if (sscanf(text, "%4d-%2d-%2d%*1[Tt ]%2d:%2d:%2d%n",
			   &year, &month, &day, &hour, &minute, &second, &used) != 6 ||
		!read_moment(year, month, day, hour, minute, second, seconds))
		return false;
	text += used;
	if (*text == '.')
		text += 1 + strspn(text + 1, "0123456789");
	if (strcasecmp(text, "z") == 0)
		return true;
	if ((*text != '+' && *text != '-') ||
		sscanf(text + 1, "%2d:%2d", &zone_hour, &zone_minute) != 2)
		return false;
	zone_minute += zone_hour * 60;
	*seconds -= (*text == '-' ? -zone_minute : zone_minute) * 60;
	return true;
}

/* The three forms that RFC 9110 knows, in seconds since 1970; false if none. */
static bool
read_http_date(const char *text, int64_t *seconds)
{
	int			year = 0;
	int			month;
	int			day = 0;
	int			hour = 0;
	int			minute = 0;
	int			second = 0;
	char		name[4] = "";

	if (sscanf(text, "%*[A-Za-z], %2d%*1[ -]%3[A-Za-z]%*1[ -]%4d %2d:%2d:%2d",
			   &day, name, &year, &hour, &minute, &second) != 6 &&
		sscanf(text, "%*[A-Za-z] %3[A-Za-z] %2d %2d:%2d:%2d %4d",
			   name, &day, &hour, &minute, &second, &year) != 6)
		return false;
	month = strlen(name) == 3 ? month_number(name) : 0;
	if (year >= 0 && year < 70)
		year += 2000;
	else if (year >= 70 && year < 100)
		year += 1900;
	return read_moment(year, month, day, hour, minute, second, seconds);
}

static void
take_retry_after(HttpHead *head, const char *value, int64_t now)
{
	int64_t		wait = read_wait(value, 1000);
	int64_t		date;

	if (head->retry_after_exact)
		return;
	if (wait < 0 && read_http_date(value, &date))
		wait = clamp_wait(((double) date - (double) now) * 1000);
	if (wait >= 0)
		head->retry_after_ms = wait;
}

static void
take_retry_after_ms(HttpHead *head, const char *value)
{
	int64_t		wait = read_wait(value, 1);

	if (wait < 0)
		return;
	head->retry_after_ms = wait;
	head->retry_after_exact = true;
}

static void
take_should_retry(HttpHead *head, const char *value)
{
	if (strcasecmp(value, "true") == 0)
		head->should_retry = 1;
	else if (strcasecmp(value, "false") == 0)
		head->should_retry = 0;
}

/* x-ratelimit-*: each name has one field, and is a count or a duration. */
static void
take_rate_limit(HttpHead *head, const char *name, const char *value)
{
	const struct
	{
		const char *name;
		int64_t    *field;
		int64_t		(*read) (const char *text);
	}			known[] = {
		{"limit-requests", &head->limit_requests, read_count},
		{"remaining-requests", &head->remaining_requests, read_count},
		{"reset-requests", &head->reset_requests_ms, provider_duration_ms},
		{"limit-tokens", &head->limit_tokens, read_count},
		{"remaining-tokens", &head->remaining_tokens, read_count},
		{"reset-tokens", &head->reset_tokens_ms, provider_duration_ms},
	};
	size_t		i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
	{
		int64_t		number;

		if (strcasecmp(name, known[i].name) != 0)
			continue;
		number = known[i].read(value);
		if (number >= 0)
			*known[i].field = number;
	}
}

/*
 * anthropic-ratelimit-*: what is limited stands before the word for the value,
 * and resets are times of day.  Their limit of tokens is the one that is nearest
 * at that moment; where it is missing, that of the input tokens stands in.
 */
static void
take_anthropic_limit(HttpHead *head, const char *name, const char *value, int64_t now)
{
	static const char *const what[] = {"requests-", "tokens-", "input-tokens-"};
	int64_t    *fields[][3] = {
		{&head->limit_requests, &head->remaining_requests, &head->reset_requests_ms},
		{&head->limit_tokens, &head->remaining_tokens, &head->reset_tokens_ms},
		{&head->limit_tokens, &head->remaining_tokens, &head->reset_tokens_ms},
	};
	size_t		i;

	for (i = 0; i < 3; i++)
	{
		size_t		len = strlen(what[i]);
		int64_t		number = -1;

		if (strncasecmp(name, what[i], len) != 0)
			continue;
		head->limit_tokens_exact |= i == 1;
		if (i == 2 && head->limit_tokens_exact)
			return;
		if (strcasecmp(name + len, "limit") == 0 && (number = read_count(value)) >= 0)
			*fields[i][0] = number;
		else if (strcasecmp(name + len, "remaining") == 0 && (number = read_count(value)) >= 0)
			*fields[i][1] = number;
		else if (strcasecmp(name + len, "reset") == 0 && read_timestamp(value, &number))
			*fields[i][2] = clamp_wait(((double) number - (double) now) * 1000);
	}
}

static void
take_header(HttpHead *head, const char *name, const char *value, int64_t now)
{
	if (strcasecmp(name, "content-type") == 0)
		provider_copy_text(head->content_type, sizeof(head->content_type),
						   value, strlen(value));
	else if (strcasecmp(name, "retry-after") == 0)
		take_retry_after(head, value, now);
	else if (strcasecmp(name, "retry-after-ms") == 0)
		take_retry_after_ms(head, value);
	else if (strcasecmp(name, "x-should-retry") == 0)
		take_should_retry(head, value);
	else if (strcasecmp(name, "x-request-id") == 0 ||
			 strcasecmp(name, "request-id") == 0 ||
			 strcasecmp(name, "apim-request-id") == 0)
		provider_copy_text(head->request_id, sizeof(head->request_id),
						   value, strlen(value));
	else if (strncasecmp(name, "x-ratelimit-", 12) == 0)
		take_rate_limit(head, name + 12, value);
	else if (strncasecmp(name, "anthropic-ratelimit-", 20) == 0)
		take_anthropic_limit(head, name + 20, value, now);
}

/* Copies a part of the line without surrounding white space; false if it is too long. */
static bool
copy_trimmed(char *target, size_t size, const char *text, size_t len)
{
	while (len > 0 && isspace((unsigned char) *text))
	{
		text++;
		len--;
	}
	while (len > 0 && isspace((unsigned char) text[len - 1]))
		len--;
	if (len >= size)
		return false;
	memcpy(target, text, len);
	target[len] = '\0';
	return true;
}

void
http_head_line(HttpHead *head, const char *line, size_t len, int64_t now)
{
	const char *colon = memchr(line, ':', len);
	char		name[64];
	char		value[512];

	if (colon == NULL)
		return;
	if (copy_trimmed(name, sizeof(name), line, (size_t) (colon - line)) &&
		copy_trimmed(value, sizeof(value), colon + 1, len - (size_t) (colon - line) - 1))
		take_header(head, name, value, now);
}

/* ---- the request ---- */

void
request_parts_init(RequestParts *parts)
{
	memset(parts, 0, sizeof(*parts));
}

static void
wipe_and_free(Buf *buf)
{
	if (buf->data != NULL)
		explicit_bzero(buf->data, buf->cap);
	buf_free(buf);
}

void
request_parts_free(RequestParts *parts)
{
	int			i;

	for (i = 0; i < parts->nheaders; i++)
		wipe_and_free(&parts->headers[i]);
	parts->nheaders = 0;
	wipe_and_free(&parts->url);
	wipe_and_free(&parts->body);
}

/* RFC 9110's token. */
static bool
is_token(const char *name)
{
	static const char others[] = "!#$%&'*+-.^_`|~";
	const char *p;

	for (p = name; *p; p++)
	{
		bool		alphanumeric = (*p >= 'a' && *p <= 'z') ||
			(*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9');

		if (!alphanumeric && strchr(others, *p) == NULL)
			return false;
	}
	return p > name;
}

static bool
has_controls(const char *value)
{
	for (; *value; value++)
	{
		if ((unsigned char) *value < 0x20 || *value == 0x7F)
			return true;
	}
	return false;
}

bool
request_parts_header(RequestParts *parts, const char *name, const char *value)
{
	Buf		   *header;

	if (parts->nheaders == REQUEST_MAX_HEADERS || !is_token(name) || has_controls(value))
		return false;
	header = &parts->headers[parts->nheaders++];
	return buf_printf(header, "%s: %s", name, value);
}

/* ---- the decoder ---- */

/* Does the content type announce plain JSON?  A first look at the body may know better. */
static bool
is_plain_json(const char *content_type)
{
	return strncasecmp(content_type, "application/json", 16) == 0;
}

bool
decoder_init(Decoder *decoder, const Provider *provider, const HttpHead *head,
			 size_t max_event, bool want_progress)
{
	Answer	   *answer = &decoder->answer;

	memset(decoder, 0, sizeof(*decoder));
	decoder->provider = provider;
	decoder->whole_body = is_plain_json(head->content_type);
	sse_init(&decoder->sse, max_event);
	splitter_init(&decoder->splitter, want_progress);
	buf_init(&decoder->body, max_event);
	answer->input_tokens = -1;
	answer->cached_input_tokens = -1;
	answer->output_tokens = -1;
	answer->reasoning_tokens = -1;
	answer->error.retry_after_ms = -1;
	return true;
}

void
decoder_trim(Decoder *decoder)
{
	buf_trim(&decoder->sse.line);
	buf_trim(&decoder->sse.data);
	buf_trim(&decoder->body);
	buf_trim(&decoder->answer.text);
	buf_trim(&decoder->answer.reasoning);
	buf_trim(&decoder->answer.progress);
	if (decoder->state != NULL)
		stream_trim(decoder->state);
}

size_t
decoder_memory(const Decoder *decoder)
{
	const Answer *answer = &decoder->answer;

	return decoder->sse.line.cap + decoder->sse.data.cap + decoder->body.cap +
		answer->text.cap + answer->reasoning.cap + answer->progress.cap + answer->refusal.cap +
		(decoder->state != NULL ? stream_memory(decoder->state) : 0);
}

void
decoder_free(Decoder *decoder)
{
	if (decoder->state != NULL && decoder->provider->free_state != NULL)
		decoder->provider->free_state(decoder->state);
	free(decoder->state);
	decoder->state = NULL;
	sse_free(&decoder->sse);
	splitter_free(&decoder->splitter);
	buf_free(&decoder->body);
	buf_free(&decoder->answer.text);
	buf_free(&decoder->answer.reasoning);
	buf_free(&decoder->answer.progress);
	buf_free(&decoder->answer.refusal);
}
