/*
 * fake_network.c
 *		Preloaded into a server, it lets names have the addresses that a test wants,
 *		and lets public addresses lead to this machine.
 *
 * The file that AS_FAKE_NETWORK names is read anew each time. A line of it is a name
 * with its addresses. Whoever connects to one of the addresses after "reach" arrives at
 * 127.0.0.1, and is told that he is connected to the address he wanted; at those after
 * "down" nobody listens.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define MAX_SOCKETS	4096
#define MAX_LINE	4096

/* What a socket was to be connected to, where it was led elsewhere. */
static struct sockaddr_storage wanted[MAX_SOCKETS];
static socklen_t wanted_len[MAX_SOCKETS];

/* The rest of the line that begins with a word; false if there is none. */
static bool
find_line(const char *word, char *line)
{
	const char *path = getenv("AS_FAKE_NETWORK");
	FILE	   *file = path != NULL ? fopen(path, "re") : NULL;
	size_t		len = strlen(word);
	bool		found = false;

	while (file != NULL && !found && fgets(line, MAX_LINE, file) != NULL)
		found = strncasecmp(line, word, len) == 0 && line[len] == ' ';
	if (file != NULL)
		fclose(file);
	if (found)
		memmove(line, line + len, strlen(line + len) + 1);
	return found;
}

int
getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
	static int	(*real) (const char *, const char *, const struct addrinfo *, struct addrinfo **);
	struct addrinfo numeric;
	struct addrinfo **end = result;
	char		line[MAX_LINE];
	char	   *rest;
	char	   *address;

	if (real == NULL)
		real = (int (*) (const char *, const char *, const struct addrinfo *, struct addrinfo **)) dlsym(RTLD_NEXT, "getaddrinfo");
	if (node == NULL || !find_line(node, line))
		return real(node, service, hints, result);
	memset(&numeric, 0, sizeof(numeric));
	numeric.ai_socktype = hints != NULL ? hints->ai_socktype : 0;
	numeric.ai_flags = AI_NUMERICHOST;
	*result = NULL;
	for (address = strtok_r(line, " \n", &rest); address != NULL; address = strtok_r(NULL, " \n", &rest))
	{
		if (real(address, service, &numeric, end) != 0)
			abort();
		while (*end != NULL)
			end = &(*end)->ai_next;
	}
	return *result != NULL ? 0 : EAI_NONAME;
}

/* Does the line hold the address? */
static bool
is_listed(const char *word, const struct sockaddr *address)
{
	char		text[INET6_ADDRSTRLEN + 3] = " ";
	char		line[MAX_LINE];

	if (address->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *) address)->sin_addr, text + 1, INET6_ADDRSTRLEN);
	else if (address->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *) address)->sin6_addr, text + 1, INET6_ADDRSTRLEN);
	else
		return false;
	strcat(text, " ");
	return find_line(word, line) && strstr(line, text) != NULL;
}

int
connect(int fd, const struct sockaddr *address, socklen_t len)
{
	static int	(*real) (int, const struct sockaddr *, socklen_t);
	struct sockaddr_storage here;

	if (real == NULL)
		real = (int (*) (int, const struct sockaddr *, socklen_t)) dlsym(RTLD_NEXT, "connect");
	if (fd >= 0 && fd < MAX_SOCKETS)
		wanted_len[fd] = 0;
	if (is_listed("down", address))
	{
		errno = ECONNREFUSED;
		return -1;
	}
	if (fd < 0 || fd >= MAX_SOCKETS || !is_listed("reach", address))
		return real(fd, address, len);
	memcpy(&wanted[fd], address, len);
	wanted_len[fd] = len;
	memcpy(&here, address, len);
	if (address->sa_family == AF_INET)
		((struct sockaddr_in *) &here)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		inet_pton(AF_INET6, "::ffff:127.0.0.1", &((struct sockaddr_in6 *) &here)->sin6_addr);
	return real(fd, (struct sockaddr *) &here, len);
}

int
getpeername(int fd, struct sockaddr *address, socklen_t *len)
{
	static int	(*real) (int, struct sockaddr *, socklen_t *);
	int			result;

	if (real == NULL)
		real = (int (*) (int, struct sockaddr *, socklen_t *)) dlsym(RTLD_NEXT, "getpeername");
	result = real(fd, address, len);
	if (result == 0 && fd < MAX_SOCKETS && wanted_len[fd] > 0 && *len >= wanted_len[fd])
	{
		memcpy(address, &wanted[fd], wanted_len[fd]);
		*len = wanted_len[fd];
	}
	return result;
}
