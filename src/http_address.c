/*
 * http_address.c
 *		What happens on the way to the server: lookup, socket, request.
 *
 * Here the address policy is kept (guard.h), at the two moments when the address
 * is certain: before a socket is connected, and before a request goes out over a
 * connection that may have been opened for somebody with other rights.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "guard.h"
#include "http_private.h"

#define RESEND_WITHIN_MS	1000	/* see before_request */

static bool
address_text(const struct sockaddr *address, char *text, size_t size)
{
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;

	if (address->sa_family == AF_INET)
	{
		memcpy(&in4, address, sizeof(in4));
		return inet_ntop(AF_INET, &in4.sin_addr, text, (socklen_t) size) != NULL;
	}
	if (address->sa_family == AF_INET6)
	{
		memcpy(&in6, address, sizeof(in6));
		return inet_ntop(AF_INET6, &in6.sin6_addr, text, (socklen_t) size) != NULL;
	}
	return false;
}

static int
before_lookup(void *resolver, void *reserved, void *arg)
{
	HttpTransfer *transfer = arg;

	(void) resolver;
	(void) reserved;
	if (!host_may_look_up(transfer))
	{
		transfer->stop = STOP_PARK;
		return 1;
	}
	host_lookup_begins(transfer);
	return 0;
}

/*
 * The address has been decided by the resolver, and this is the last moment
 * before the connect: the only place where a name that changes its address
 * between check and use can be caught.
 */
static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	HttpTransfer *transfer = arg;
	int			fd;

	(void) purpose;
	host_lookup_ends(transfer);
	if (!transfer->allow_private && !guard_address_is_public(&address->addr))
	{
		if (!address_text(&address->addr, transfer->refused, sizeof(transfer->refused)))
			snprintf(transfer->refused, sizeof(transfer->refused), "(unreadable)");
		return CURL_SOCKET_BAD;
	}
	fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
	if (fd < 0)
	{
		transfer->socket_errno = errno;
		return CURL_SOCKET_BAD;
	}
	transfer->socket_errno = 0;
	return fd;
}

/*
 * libcurl tells a callback the addresses of a connection, but its socket only when
 * a call has ended: so that is kept then, by the port at our end.
 */
void
address_keep_socket(HttpTransfer *transfer)
{
	curl_socket_t fd = CURL_SOCKET_BAD;
	long		port = 0;

	if (curl_easy_getinfo(transfer->easy, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK && fd != CURL_SOCKET_BAD &&
		curl_easy_getinfo(transfer->easy, CURLINFO_LOCAL_PORT, &port) == CURLE_OK && port > 0 && port < MAX_PORTS)
		transfer->loop->sockets[port] = fd + 1;
}

/* The port of an address; -1 = it is no address of the internet. */
static int
port_of(const struct sockaddr_storage *address)
{
	struct sockaddr_in either;		/* the port of both families stands at the same place */

	if (address->ss_family != AF_INET && address->ss_family != AF_INET6)
		return -1;
	memcpy(&either, address, sizeof(either));
	return ntohs(either.sin_port);
}

/* Is this the address, in text? */
static bool
is_address(const struct sockaddr_storage *address, const char *ip, int port)
{
	char		text[INET6_ADDRSTRLEN];

	return port_of(address) == port && ip != NULL &&
		address_text((const struct sockaddr *) address, text, sizeof(text)) && strcmp(text, ip) == 0;
}

/* Sockets to several hosts can have the same port at our end. */
static bool
is_socket_of(int fd, const char *ip, const char *local_ip, int port, int local_port)
{
	struct sockaddr_storage address = {0};
	socklen_t	len = sizeof(address);

	if (getsockname(fd, (struct sockaddr *) &address, &len) != 0 || !is_address(&address, local_ip, local_port))
		return false;
	len = sizeof(address);
	return getpeername(fd, (struct sockaddr *) &address, &len) == 0 && is_address(&address, ip, port);
}

/*
 * Is nothing there to be read?  What a server has sent unasked would be taken for
 * the answer to the next request, and that answer for the one to the request after
 * it, whoever has sent it; libcurl 7.88 does not look.  Over HTTP/2 each answer
 * names its request: no call need have ended before others share the connection.
 */
static bool
is_silent(const HttpTransfer *transfer, const char *ip, const char *local_ip, int port, int local_port)
{
	int		   *kept = &transfer->loop->sockets[local_port];
	long		connects = 0;
	char		byte;

	curl_easy_getinfo(transfer->easy, CURLINFO_NUM_CONNECTS, &connects);
	if (connects > 0)
		*kept = 0;
	if (*kept == 0 || !host_needs_connection(transfer))
		return true;
	return is_socket_of(*kept - 1, ip, local_ip, port, local_port) &&
		recv(*kept - 1, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0;
}

/*
 * The connection is there and the request is about to be sent, over a new
 * connection or a kept one.  A kept one may have been opened for a server with
 * other rights, so its address is judged again; and it must be silent, or else the
 * call needs another connection.
 *
 * When a kept connection breaks before the first byte of an answer, libcurl
 * sends the request again by itself.  Right after the first sending that means
 * that the other side had closed the idle connection, and nothing was lost.
 * Later it may mean that the model was at work: sending it again is then for
 * the executor to decide, who counts attempts and money.
 */
static int
before_request(void *arg, char *ip, char *local_ip, int port, int local_port)
{
	HttpTransfer *transfer = arg;
	HttpLoop   *loop = transfer->loop;

	host_lookup_ends(transfer);
	if (!transfer->allow_private && !guard_text_is_public(ip))
	{
		transfer->stop = STOP_ADDRESS;
		snprintf(transfer->refused, sizeof(transfer->refused), "%.*s",
				 INET6_ADDRSTRLEN, ip != NULL ? ip : "(unknown)");
		return CURL_PREREQFUNC_ABORT;
	}
	if (local_port > 0 && local_port < MAX_PORTS && !is_silent(transfer, ip, local_ip, port, local_port))
	{
		transfer->stop = STOP_STRAY;
		return CURL_PREREQFUNC_ABORT;
	}
	if (transfer->sent_at != NEVER)
	{
		if (loop->now - transfer->sent_at > RESEND_WITHIN_MS)
		{
			transfer->stop = STOP_RESEND;
			return CURL_PREREQFUNC_ABORT;
		}
		return CURL_PREREQFUNC_OK;
	}
	transfer->sent_at = loop->now;
	transfer->call.request_sent = true;
	deadline_changed(transfer);
	return CURL_PREREQFUNC_OK;
}

bool
address_set_callbacks(HttpTransfer *transfer)
{
	CURL	   *easy = transfer->easy;

	return curl_easy_setopt(easy, CURLOPT_RESOLVER_START_FUNCTION, before_lookup) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_RESOLVER_START_DATA, transfer) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_request) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer) == CURLE_OK;
}
