/*
 * http_transfer.c
 *		A call, its request, and the easy handle that carries it.
 *
 * Transfers are pooled with their easy handles: what never changes is set once
 * per handle, what depends on the call is set by configure, and what points into
 * the call's memory is taken back by forget_request.
 *
 * Answers are never decompressed, and none is asked for compressed: event
 * streams are small pieces that gain nothing, a compressing server delays them,
 * and a decompressor would let a few hostile bytes pass the limit on the body.
 *
 * The key travels in a header: header memory is wiped before it is freed.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http_private.h"

#define MAX_POOL			1024	/* transfers kept for reuse */
#define KEEP_BUFFER			65536	/* a larger buffer is not kept with them */
#define DNS_CACHE_SECONDS	60L
#define DEFAULT_CONNECT_MS	30000L

/*
 * Easy handles and their pool
 */

static void
wipe_buf(Buf *buf)
{
	if (buf->data != NULL)
		explicit_bzero(buf->data, buf->cap);
	buf_free(buf);
}

static void
forget_request(HttpTransfer *transfer)
{
	int			i;

	curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, NULL);
	curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDS, NULL);
	for (i = 0; i < transfer->nheaders; i++)
		wipe_buf(&transfer->headers[i]);
	transfer->nheaders = 0;
	wipe_buf(&transfer->url);
	buf_free(&transfer->body);
	host_leave(transfer);
}

static bool
set_safety(HttpLoop *loop, CURL *easy)
{
	return trust_set(loop, easy) &&
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_NETRC, (long) CURL_NETRC_IGNORED) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L) == CURLE_OK;
}

static bool
set_behaviour(HttpLoop *loop, CURL *easy)
{
	return curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 1L) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, 60L) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, 15L) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, DNS_CACHE_SECONDS) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 16384L) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_SHARE, loop->share) == CURLE_OK;
}

void
transfer_destroy(HttpTransfer *transfer)
{
	if (transfer->easy != NULL)
	{
		forget_request(transfer);
		curl_easy_cleanup(transfer->easy);
	}
	buf_free(&transfer->call.in);
	free(transfer);
}

static HttpTransfer *
create_transfer(HttpLoop *loop)
{
	HttpTransfer *transfer = calloc(1, sizeof(*transfer));

	if (transfer == NULL)
		return NULL;
	transfer->loop = loop;
	link_init(&transfer->owned);
	transfer->easy = curl_easy_init();
	if (transfer->easy == NULL || !set_safety(loop, transfer->easy) ||
		!set_behaviour(loop, transfer->easy) ||
		curl_easy_setopt(transfer->easy, CURLOPT_PRIVATE, transfer) != CURLE_OK ||
		!address_set_callbacks(transfer) || !answer_set_callbacks(transfer))
	{
		transfer_destroy(transfer);
		return NULL;
	}
	return transfer;
}

static HttpTransfer *
take_transfer(HttpLoop *loop)
{
	HttpTransfer *transfer;

	if (link_alone(&loop->pool))
		return create_transfer(loop);

	/* The last one given back is the likeliest to be in the CPU's caches. */
	transfer = link_transfer(loop->pool.prev, owned);
	link_remove(&transfer->owned);
	loop->npool--;
	return transfer;
}

static void
give_back_transfer(HttpTransfer *transfer)
{
	HttpLoop   *loop = transfer->loop;

	if (loop->npool >= MAX_POOL)
	{
		transfer_destroy(transfer);
		return;
	}
	forget_request(transfer);
	if (transfer->call.in.cap > KEEP_BUFFER)
		buf_free(&transfer->call.in);
	link_append(&loop->pool, &transfer->owned);
	loop->npool++;
}

/*
 * Setting up
 */

/* Everything that an earlier call left in a pooled transfer. */
static void
reset_transfer(HttpTransfer *transfer, const HttpSpec *spec)
{
	HttpCall   *call = &transfer->call;

	http_head_init(&call->head);
	call->head_done = false;
	buf_reset(&call->in);
	call->in.limit = spec->max_body;
	call->received = 0;
	call->end = HTTP_RUNNING;
	call->request_sent = false;
	call->error[0] = '\0';
	call->owner = spec->owner;
	call->transfer = transfer;

	transfer->connect_ms = spec->connect_timeout_ms > 0 ?
		spec->connect_timeout_ms : DEFAULT_CONNECT_MS;
	transfer->first_byte_ms = spec->first_byte_timeout_ms;
	transfer->idle_ms = spec->idle_timeout_ms;
	transfer->total_ms = spec->total_timeout_ms;
	transfer->allow_private = spec->allow_private;
	transfer->max_body = spec->max_body;

	/*
	 * HTTP/2 is spoken over TLS only, where the handshake tells at once whether
	 * the server can.  Without TLS only its first answer would tell libcurl that
	 * it cannot, and until then PIPEWAIT would hold back all other calls of the
	 * shard.
	 */
	transfer->http1 = spec->http1_only ||
		strncasecmp(buf_text(&spec->parts->url), "https:", 6) != 0;

	transfer->stop = STOP_NONE;
	transfer->host = NULL;
	transfer->shard = NULL;
	transfer->counted = false;
	transfer->parked = false;
	link_init(&transfer->waiting);
	link_init(&transfer->report);
	link_init(&transfer->paused);
	transfer->backlog = 0;
	transfer->started_at = transfer->loop->now;
	transfer->parked_at = NEVER;
	transfer->sent_at = NEVER;
	transfer->piece_at = NEVER;
	transfer->header_lines = 0;
	transfer->socket_errno = 0;
	transfer->refused[0] = '\0';
	transfer->heap_pos = -1;
}

static void
take_buf(Buf *to, Buf *from)
{
	*to = *from;
	buf_init(from, to->limit);
}

static void
take_request(HttpTransfer *transfer, RequestParts *parts)
{
	int			i;

	take_buf(&transfer->url, &parts->url);
	take_buf(&transfer->body, &parts->body);
	for (i = 0; i < parts->nheaders; i++)
		take_buf(&transfer->headers[i], &parts->headers[i]);
	transfer->nheaders = parts->nheaders;
	parts->nheaders = 0;
}

/*
 * The list of headers is built of nodes inside the transfer: libcurl only reads
 * it.  "Expect:" without a value keeps libcurl from waiting a second for a
 * "100 Continue" before it sends a large body.
 */
static struct curl_slist *
link_headers(HttpTransfer *transfer)
{
	static char no_expect[] = "Expect:";
	int			i;

	for (i = 0; i < transfer->nheaders; i++)
	{
		transfer->nodes[i].data = transfer->headers[i].data;
		transfer->nodes[i].next = &transfer->nodes[i + 1];
	}
	transfer->nodes[i].data = no_expect;
	transfer->nodes[i].next = NULL;
	return transfer->nodes;
}

/* A request without a body asks with GET. */
static bool
set_method(HttpTransfer *transfer)
{
	CURL	   *easy = transfer->easy;

	if (transfer->body.data == NULL)
		return curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L) == CURLE_OK;
	return curl_easy_setopt(easy, CURLOPT_POST, 1L) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
						 (curl_off_t) transfer->body.len) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, transfer->body.data) == CURLE_OK;
}

static bool
configure(HttpTransfer *transfer, const HttpSpec *spec)
{
	CURL	   *easy = transfer->easy;

	return curl_easy_setopt(easy, CURLOPT_URL, buf_text(&transfer->url)) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR,
						 spec->allow_http ? "http,https" : "https") == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
						 transfer->http1 ? (long) CURL_HTTP_VERSION_1_1 :
						 (long) CURL_HTTP_VERSION_2TLS) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, transfer->connect_ms) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_HTTPHEADER, link_headers(transfer)) == CURLE_OK &&
		set_method(transfer);
}

static const char *
check_buf(const Buf *buf)
{
	if (buf->failed)
		return "the request is too large, or memory ran out while it was built";
	return NULL;
}

/*
 * A second look at what the providers built: a line break in a header would be
 * a header of somebody else's choice.
 */
static const char *
check_parts(const HttpSpec *spec)
{
	const RequestParts *parts = spec->parts;
	const char *wrong = check_buf(&parts->url);
	int			i;

	if (wrong == NULL)
		wrong = check_buf(&parts->body);
	for (i = 0; i < parts->nheaders && wrong == NULL; i++)
	{
		const Buf  *header = &parts->headers[i];

		wrong = check_buf(header);
		if (wrong == NULL &&
			(header->len == 0 || strcspn(header->data, "\r\n") != header->len))
			wrong = "a header of the request contains a line break or nothing at all";
	}
	if (wrong != NULL)
		return wrong;
	if (strncasecmp(buf_text(&parts->url), "https://", 8) == 0)
		return NULL;
	if (strncasecmp(buf_text(&parts->url), "http://", 7) != 0)
		return "the URL begins with neither https:// nor http://";
	return spec->allow_http ? NULL : "the URL is not https, and this server may use https only";
}

/*
 * Starting and ending
 */

HttpCall *
http_start(HttpLoop *loop, const HttpSpec *spec, char *error, size_t error_size)
{
	HttpTransfer *transfer;
	sigset_t	saved;
	bool		started;
	const char *wrong = check_parts(spec);

	if (wrong != NULL)
	{
		snprintf(error, error_size, "%s", wrong);
		return NULL;
	}
	transfer = deadline_reserve(loop, loop->ncalls + 1) ? take_transfer(loop) : NULL;
	if (transfer == NULL)
	{
		snprintf(error, error_size, "out of memory");
		return NULL;
	}
	http_look_at_clock(loop);
	reset_transfer(transfer, spec);
	take_request(transfer, spec->parts);
	http_block_signals(&saved);
	started = host_join(transfer) && configure(transfer, spec) && host_begin(transfer);
	http_restore_signals(&saved);
	if (!started)
	{
		snprintf(error, error_size, "the request could not be started: out of memory, or no valid URL");
		give_back_transfer(transfer);
		return NULL;
	}
	link_append(&loop->calls, &transfer->owned);
	loop->ncalls++;
	deadline_changed(transfer);
	return &transfer->call;
}

/*
 * libcurl's words may quote what a server sent: only printable ASCII stays, so
 * that the text can be stored and shown anywhere.
 */
void
transfer_error(HttpTransfer *transfer, const char *fmt,...)
{
	char	   *p = transfer->call.error;
	va_list		args;

	va_start(args, fmt);
	vsnprintf(p, sizeof(transfer->call.error), fmt, args);
	va_end(args);
	for (; *p != '\0'; p++)
	{
		if (*p < 0x20 || *p > 0x7e)
			*p = '?';
	}
}

/* Takes it back from whoever has it: libcurl, its host, the deadlines. */
static void
detach(HttpTransfer *transfer)
{
	if (transfer->shard != NULL)
		shard_drop(transfer);
	host_lookup_ends(transfer);
	host_unpark(transfer);
	pause_forget(transfer);
	deadline_forget(transfer);
}

void
transfer_end(HttpTransfer *transfer, HttpEnd end)
{
	detach(transfer);
	transfer->call.end = end;
	http_report(transfer);
}

void
transfer_done(HttpTransfer *transfer, CURLcode code)
{
	if (code == CURLE_OK)
		address_keep_socket(transfer);
	detach(transfer);
	if (transfer->stop == STOP_PARK || transfer->stop == STOP_STRAY)
	{
		host_park(transfer);

		/* What it waits for may be there: the lookup's end, another connection. */
		transfer->loop->unpark = true;
		return;
	}
	transfer_end(transfer, answer_judge(transfer, code));
	if (transfer->call.end == HTTP_UNRESOLVED)
		host_end_parked(transfer);
}

void
http_release(HttpLoop *loop, HttpCall *call)
{
	HttpTransfer *transfer = call->transfer;
	sigset_t	saved;

	http_block_signals(&saved);
	detach(transfer);
	link_remove(&transfer->report);
	http_forget_backlog(transfer);
	link_remove(&transfer->owned);
	loop->ncalls--;
	give_back_transfer(transfer);
	http_restore_signals(&saved);
}
