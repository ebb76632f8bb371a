/*
 * http_answer.c
 *		What comes back: head and body, and how it ended.
 *
 * The callbacks take what libcurl reads, within limits, into the call.  When
 * libcurl is done, answer_judge says in our words what its code means: above all
 * whether the request may have reached the model, which costs money.
 *
 * No error text ever quotes a header of the request, where the key is.
 */
#include <string.h>

#include "http_private.h"

static int
parse_status(const char *line, size_t len)
{
	const char *space = memchr(line, ' ', len);
	size_t		rest;
	int			status = 0;
	int			i;

	if (space == NULL)
		return 0;
	rest = len - (size_t) (space - line) - 1;
	for (i = 0; i < 3; i++)
	{
		if ((size_t) i >= rest || space[1 + i] < '0' || space[1 + i] > '9')
			return 0;
		status = status * 10 + (space[1 + i] - '0');
	}
	return status;
}

static bool
is_status_line(const char *line, size_t len)
{
	return len >= 5 && memcmp(line, "HTTP/", 5) == 0;
}

/* An empty line ends the head; a 1xx head is only an announcement. */
static void
head_ends(HttpTransfer *transfer)
{
	HttpCall   *call = &transfer->call;

	if (call->head.status < 200)
	{
		http_head_init(&call->head);
		return;
	}
	call->head_done = true;
	http_report(transfer);
}

static void
take_header_line(HttpTransfer *transfer, const char *line, size_t len)
{
	HttpCall   *call = &transfer->call;

	while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
		len--;

	/* Trailers come after the body, when the head has been acted upon. */
	if (call->head_done)
		return;
	if (is_status_line(line, len))
	{
		http_head_init(&call->head);
		call->head.status = parse_status(line, len);
		host_learn_version(transfer, len > 5 && line[5] >= '2');
	}
	else if (len == 0)
		head_ends(transfer);
	else
		http_head_line(&call->head, line, len, transfer->loop->wall);
}

static size_t
on_header(char *line, size_t size, size_t nitems, void *arg)
{
	HttpTransfer *transfer = arg;
	size_t		len = size * nitems;

	/* Counted over all heads, or endless 1xx heads would go on endlessly. */
	if (++transfer->header_lines > MAX_HEADER_COUNT)
		transfer->stop = STOP_COUNT;
	else if (len > MAX_HEADER_LINE)
		transfer->stop = STOP_LINE;
	if (transfer->stop != STOP_NONE)
		return 0;
	take_header_line(transfer, line, len);
	return len;
}

static size_t
on_body(char *bytes, size_t size, size_t nitems, void *arg)
{
	HttpTransfer *transfer = arg;
	HttpCall   *call = &transfer->call;
	size_t		len = size * nitems;
	bool		first = transfer->piece_at == NEVER;

	if (len == 0)
		return 0;
	if (pause_wants(transfer))
		return CURL_WRITEFUNC_PAUSE;
	if (len > transfer->max_body ||
		(size_t) call->received > transfer->max_body - len)
	{
		transfer->stop = STOP_BODY;
		return 0;
	}
	if (!buf_append(&call->in, bytes, len))
	{
		transfer->stop = STOP_MEMORY;
		return 0;
	}
	call->received += (int64_t) len;
	transfer->backlog += (int64_t) len;
	transfer->loop->backlog += (int64_t) len;
	transfer->piece_at = transfer->loop->now;
	if (first)
		deadline_changed(transfer);
	http_report(transfer);
	return len;
}

bool
answer_set_callbacks(HttpTransfer *transfer)
{
	CURL	   *easy = transfer->easy;

	return curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->curl_error) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer) == CURLE_OK;
}

/*
 * How it ended
 */

static const char *
curl_words(const HttpTransfer *transfer, CURLcode code)
{
	return transfer->curl_error[0] != '\0' ? transfer->curl_error :
		curl_easy_strerror(code);
}

/* A callback had stopped it. */
static HttpEnd
judge_stop(HttpTransfer *transfer)
{
	switch (transfer->stop)
	{
		case STOP_ADDRESS:
			transfer_error(transfer, "the address %s is private, local or reserved, "
						   "and this server may connect to public addresses only",
						   transfer->refused);
			return HTTP_REFUSED_ADDRESS;
		case STOP_RESEND:
			transfer_error(transfer, "the connection broke after the request was sent, "
						   "before any answer came");
			return HTTP_CUT;
		case STOP_BODY:
			transfer_error(transfer, "the answer is larger than %zu bytes",
						   transfer->max_body);
			return HTTP_TOO_LARGE;
		case STOP_LINE:
			transfer_error(transfer, "a header line of the answer is longer than %d bytes",
						   MAX_HEADER_LINE);
			return HTTP_TOO_LARGE;
		case STOP_COUNT:
			transfer_error(transfer, "the answer has more than %d header lines",
						   MAX_HEADER_COUNT);
			return HTTP_TOO_LARGE;
		case STOP_MEMORY:
		case STOP_NONE:
		case STOP_PARK:
		case STOP_STRAY:
			break;
	}
	transfer_error(transfer, "out of memory");
	return HTTP_BROKEN;
}

/* The connection was there, or nearly, and broke. */
static HttpEnd
judge_broken_connection(HttpTransfer *transfer, CURLcode code)
{
	const HttpCall *call = &transfer->call;
	curl_off_t	announced = -1;

	/* All that was announced is there: what broke afterwards is no loss. */
	curl_easy_getinfo(transfer->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
	if (call->head_done && call->received == (int64_t) announced)
		return HTTP_COMPLETE;
	if (!call->request_sent)
	{
		transfer_error(transfer, "the connection broke before the request was sent: %s",
					   curl_words(transfer, code));
		return HTTP_UNREACHABLE;
	}
	if (!call->head_done)
		transfer_error(transfer, "the connection broke after the request was sent, "
					   "before any answer came: %s", curl_words(transfer, code));
	else
		transfer_error(transfer, "the connection broke after %lld bytes of the answer: %s",
					   (long long) call->received, curl_words(transfer, code));
	return HTTP_CUT;
}

static HttpEnd
judge_no_connection(HttpTransfer *transfer, CURLcode code)
{
	/* One refused address and one that did not answer: the policy is the news */
	if (transfer->refused[0] != '\0')
	{
		transfer->stop = STOP_ADDRESS;
		return judge_stop(transfer);
	}
	if (transfer->socket_errno != 0)
		transfer_error(transfer, "no socket could be made: %s",
					   strerror(transfer->socket_errno));
	else
		transfer_error(transfer, "no connection: %s", curl_words(transfer, code));
	return HTTP_UNREACHABLE;
}

static HttpEnd
judge_tls(HttpTransfer *transfer, CURLcode code)
{
	transfer_error(transfer, "TLS failed: %s", curl_words(transfer, code));
	return HTTP_TLS;
}

HttpEnd
answer_judge(HttpTransfer *transfer, CURLcode code)
{
	if (transfer->stop != STOP_NONE && code != CURLE_OK)
		return judge_stop(transfer);
	switch (code)
	{
		case CURLE_OK:
			/* libcurl finds nothing wrong with a connection closed inside a head */
			return transfer->call.head_done ? HTTP_COMPLETE :
				judge_broken_connection(transfer, CURLE_GOT_NOTHING);
		case CURLE_OPERATION_TIMEDOUT:
			if (transfer->call.request_sent)
				return judge_broken_connection(transfer, code);
			if (transfer->refused[0] != '\0')
				return judge_no_connection(transfer, code);
			deadline_describe(transfer, CLOCK_CONNECT);
			return HTTP_TIMEOUT;
		case CURLE_COULDNT_RESOLVE_HOST:
			transfer_error(transfer, "the host's name has no address: %s",
						   curl_words(transfer, code));
			return HTTP_UNRESOLVED;
		case CURLE_COULDNT_CONNECT:
			return judge_no_connection(transfer, code);
		case CURLE_SSL_CONNECT_ERROR:
		case CURLE_SSL_CIPHER:
		case CURLE_PEER_FAILED_VERIFICATION:
		case CURLE_SSL_CACERT_BADFILE:
			return judge_tls(transfer, code);
		case CURLE_GOT_NOTHING:
		case CURLE_PARTIAL_FILE:
		case CURLE_SEND_ERROR:
		case CURLE_RECV_ERROR:
		case CURLE_HTTP2:
		case CURLE_HTTP2_STREAM:
			return judge_broken_connection(transfer, code);
#if LIBCURL_VERSION_NUM >= 0x080600
		case CURLE_TOO_LARGE:
#endif
		case CURLE_OUT_OF_MEMORY:

			/*
			 * libcurl's own limit on a header line speaks so, by version, and
			 * comes before ours: it collects the whole line first.
			 */
			if (transfer->call.request_sent && !transfer->call.head_done)
			{
				transfer->stop = STOP_LINE;
				return judge_stop(transfer);
			}
			/* FALLTHROUGH */
		default:
			transfer_error(transfer, "%s", curl_words(transfer, code));
			return HTTP_BROKEN;
	}
}
