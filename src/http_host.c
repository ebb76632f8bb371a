/*
 * http_host.c
 *		Who must wait before libcurl may have a call: for a name, for a connection.
 *
 * libcurl gives every lookup of a name a thread, and a burst of five thousand
 * calls to one host must not become five thousand threads.  So a call that would
 * start a lookup while another looks the same name up is parked: it is taken
 * back from libcurl, handed over again when that lookup has ended, and finds the
 * answer in libcurl's cache.
 *
 * And a host has a limit of connections, which the shards divide.  A call that
 * waited inside one shard would not see the connection that is free in another.
 * So the calls are counted by host and shard, no shard is given more than it may
 * have connections, and what is over the limit waits here, in order, for the
 * first connection of any shard.
 *
 * Calls to a host that speaks HTTP/2 share connections and are not counted.
 * Until a host has answered over HTTP/2, each call is taken to need a connection
 * of its own: when more calls than connections are started at a host that never
 * answered, the rest waits for the first head.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http_private.h"

#define MAX_LOOKUPS			64	/* names looked up at once, a thread each */
#define MAX_IDLE_HOSTS		256 /* hosts remembered when no call goes to them */

/* Leaves out the path, which most URLs of a host do not share. */
static size_t
host_name_len(const char *url)
{
	const char *authority = strstr(url, "://");
	size_t		skip = authority != NULL ? (size_t) (authority - url) + 3 : 0;

	return skip + strcspn(url + skip, "/?#");
}

static Host *
create_host(HttpLoop *loop, const char *name, size_t name_len)
{
	Host	   *host = calloc(1, sizeof(*host));

	if (host == NULL)
		return NULL;
	host->name = strndup(name, name_len);
	if (host->name == NULL)
	{
		free(host);
		return NULL;
	}
	host->name_len = name_len;
	link_init(&host->for_lookup);
	link_init(&host->for_room);
	host->next = loop->hosts;
	loop->hosts = host;
	loop->nhosts++;
	return host;
}

bool
host_join(HttpTransfer *transfer)
{
	const char *url = buf_text(&transfer->url);
	size_t		len = host_name_len(url);
	Host	   *host = transfer->loop->hosts;

	while (host != NULL &&
		   (host->name_len != len || strncasecmp(host->name, url, len) != 0))
		host = host->next;
	if (host == NULL)
		host = create_host(transfer->loop, url, len);
	if (host == NULL)
		return false;
	host->ncalls++;
	transfer->host = host;
	return true;
}

static void
destroy_host(HttpLoop *loop, Host *host)
{
	Host	  **at = &loop->hosts;

	while (*at != host)
		at = &(*at)->next;
	*at = host->next;
	loop->nhosts--;
	free(host->name);
	free(host);
}

void
host_leave(HttpTransfer *transfer)
{
	Host	   *host = transfer->host;

	if (host == NULL)
		return;
	transfer->host = NULL;
	if (--host->ncalls == 0 && transfer->loop->nhosts > MAX_IDLE_HOSTS)
		destroy_host(transfer->loop, host);
}

void
host_free_all(HttpLoop *loop)
{
	while (loop->hosts != NULL)
		destroy_host(loop, loop->hosts);
}

/*
 * Lookups
 */

bool
host_may_look_up(const HttpTransfer *transfer)
{
	const Host *host = transfer->host;

	return host->lookup == transfer ||
		(host->lookup == NULL && transfer->loop->nlookups < MAX_LOOKUPS);
}

void
host_lookup_begins(HttpTransfer *transfer)
{
	if (transfer->host->lookup == transfer)
		return;
	transfer->host->lookup = transfer;
	transfer->loop->nlookups++;
}

void
host_lookup_ends(HttpTransfer *transfer)
{
	if (transfer->host->lookup != transfer)
		return;
	transfer->host->lookup = NULL;
	transfer->loop->nlookups--;
	transfer->loop->unpark = true;
}

void
host_park(HttpTransfer *transfer)
{
	transfer->parked = true;
	if (transfer->parked_at == NEVER)
		transfer->parked_at = transfer->loop->now;
	link_append(&transfer->host->for_lookup, &transfer->waiting);
	deadline_changed(transfer);
}

void
host_unpark(HttpTransfer *transfer)
{
	transfer->parked = false;
	link_remove(&transfer->waiting);
}

void
host_end_parked(const HttpTransfer *ended)
{
	Link	   *waiters = &ended->host->for_lookup;

	while (!link_alone(waiters))
	{
		HttpTransfer *transfer = link_transfer(waiters->next, waiting);

		transfer_error(transfer, "%s", ended->call.error);
		transfer_end(transfer, ended->call.end);
	}
}

/*
 * Connections
 */

bool
host_needs_connection(const HttpTransfer *transfer)
{
	return transfer->http1 || !transfer->host->multiplexes;
}

/* The calls that waited for connections may find that they need none. */
void
host_learn_version(HttpTransfer *transfer, bool multiplexes)
{
	if (transfer->http1 || transfer->host->multiplexes == multiplexes)
		return;
	transfer->host->multiplexes = multiplexes;
	transfer->loop->unpark = true;
}

/* Nobody overtakes those who wait for room. */
bool
host_begin(HttpTransfer *transfer)
{
	Shard	   *shard = NULL;

	if (link_alone(&transfer->host->for_room) || !host_needs_connection(transfer))
		shard = shard_choose(transfer);
	if (shard != NULL)
		return shard_take(shard, transfer);
	link_append(&transfer->host->for_room, &transfer->waiting);
	return true;
}

/* Hands over those who waited for room, as many as there is room for. */
static void
unpark_for_room(Host *host)
{
	while (!link_alone(&host->for_room))
	{
		HttpTransfer *transfer = link_transfer(host->for_room.next, waiting);
		Shard	   *shard = shard_choose(transfer);

		if (shard == NULL)
			break;
		host_unpark(transfer);
		if (!shard_take(shard, transfer))
		{
			transfer_error(transfer, "out of memory");
			transfer_end(transfer, HTTP_BROKEN);
		}
	}
}

void
host_unpark_calls(HttpLoop *loop)
{
	Host	   *host;

	loop->unpark = false;
	for (host = loop->hosts; host != NULL; host = host->next)
	{
		while (host->lookup == NULL && loop->nlookups < MAX_LOOKUPS &&
			   !link_alone(&host->for_lookup))
		{
			HttpTransfer *transfer = link_transfer(host->for_lookup.next, waiting);

			host_unpark(transfer);
			link_append(&host->for_room, &transfer->waiting);
		}
		unpark_for_room(host);
	}
}
