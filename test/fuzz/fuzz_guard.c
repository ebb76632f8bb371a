/*
 * fuzz_guard.c
 *		URLs, addresses and headers from people who want to reach what they must not.
 *
 * A URL that passed leads nowhere that is private, if its host is what the resolver
 * takes for an address; it holds nothing that another parser could read in
 * another way. An address is judged alike in every spelling, and so is a header.
 * No name is looked up.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

#include "fuzz.h"
#include "guard.h"

/* ---- addresses ---- */

static bool
is_public4(const uint8_t *bytes)
{
	struct sockaddr_in address = {.sin_family = AF_INET};

	memcpy(&address.sin_addr, bytes, 4);
	return guard_address_is_public((struct sockaddr *) &address);
}

static bool
is_public6(const uint8_t *bytes)
{
	struct sockaddr_in6 address = {.sin6_family = AF_INET6};

	memcpy(&address.sin6_addr, bytes, 16);
	return guard_address_is_public((struct sockaddr *) &address);
}

static void
check_spelling(int family, const uint8_t *bytes, bool is_public)
{
	char		text[INET6_ADDRSTRLEN];

	require(inet_ntop(family, bytes, text, sizeof(text)) != NULL);
	require(guard_text_is_public(text) == is_public);
}

/* What is not public in IPv4 is not within IPv6 either. */
static void
check_embedded(const uint8_t *four, bool is_public)
{
	uint8_t		mapped[16] = {[10] = 0xFF, [11] = 0xFF};
	uint8_t		nat64[16] = {0x00, 0x64, 0xFF, 0x9B};
	uint8_t		sixtofour[16] = {0x20, 0x02};
	uint8_t		compatible[16] = {0};

	memcpy(mapped + 12, four, 4);
	memcpy(nat64 + 12, four, 4);
	memcpy(sixtofour + 2, four, 4);
	memcpy(compatible + 12, four, 4);
	require(is_public6(mapped) == is_public);
	require(is_public6(nat64) == is_public);
	require(is_public6(sixtofour) == is_public);
	require(!is_public6(compatible));
}

static void
check_address(const uint8_t *bytes)
{
	bool		four = is_public4(bytes);
	bool		six = is_public6(bytes);

	check_spelling(AF_INET, bytes, four);
	check_spelling(AF_INET6, bytes, six);
	check_embedded(bytes, four);
	require(!four || (bytes[0] != 0 && bytes[0] != 10 && bytes[0] != 127 && bytes[0] < 224));
	if (six && (bytes[0] & 0xE0) != 0x20)
		require(bytes[0] == 0);
}

/* ---- URLs ---- */

/* The host as a reader would find it: behind the slashes, up to a slash or the port. */
static void
read_host(const char *url, char *host, size_t size)
{
	const char *start = strstr(url, "://") + 3;
	size_t		len = strcspn(start, "/");

	if (*start == '[')
	{
		start++;
		len = strcspn(start, "]");
	}
	else
		len = strcspn(start, ":/");
	require(len > 0 && len < size);
	memcpy(host, start, len);
	host[len] = '\0';
}

static void
require_public(const char *url)
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	char		host[2100];
	size_t		len;

	read_host(url, host, sizeof(host));
	require(strcasecmp(host, "localhost") != 0);
	if (getaddrinfo(host, NULL, &hints, &found) == 0)
	{
		require(guard_address_is_public(found->ai_addr));
		freeaddrinfo(found);
	}
	/* the dots at its end make no difference to the resolver */
	len = strlen(host);
	if (host[len - 1] == '.')
	{
		while (len > 0 && host[len - 1] == '.')
			host[--len] = '\0';
		if (getaddrinfo(host, NULL, &hints, &found) == 0)
		{
			require(guard_address_is_public(found->ai_addr));
			freeaddrinfo(found);
		}
	}
}

static void
require_plain(const char *url)
{
	require(strncasecmp(url, "https://", 8) == 0 || strncasecmp(url, "http://", 7) == 0);
	require(strlen(url) <= 2048);
	require(strpbrk(url, " \t\r\n\\?#") == NULL);
	require(memchr(url, '@', 8 + strcspn(url + 8, "/")) == NULL);
	for (; *url; url++)
		require((unsigned char) *url > 0x20 && (unsigned char) *url < 0x7F);
}

static void
check_reason(const char *reason)
{
	if (reason != NULL)
		require(strlen(reason) > 5 && strlen(reason) < 200);
}

/* Who allows more lets more pass. */
static void
check_url(const char *url)
{
	const char *neither = guard_url(url, false, false);
	const char *http = guard_url(url, true, false);
	const char *private = guard_url(url, false, true);
	const char *both = guard_url(url, true, true);

	check_reason(neither);
	check_reason(http);
	check_reason(private);
	check_reason(both);
	require(neither != NULL || (http == NULL && private == NULL));
	require((http != NULL && private != NULL) || both == NULL);
	if (both == NULL)
		require_plain(url);
	if (http == NULL)
		require_public(url);
	if (private == NULL)
		require(strncasecmp(url, "https://", 8) == 0);
}

/* The text as a whole URL, and as a host. */
static void
check_text(const char *text)
{
	Buf			url;

	check_url(text);
	buf_init(&url, 0);
	buf_printf(&url, "https://%s/v1", text);
	check_url(buf_text(&url));
	if (guard_text_is_public(text) && strchr(text, ':') == NULL)
		require(guard_url(buf_text(&url), false, false) == NULL);
	buf_reset(&url);
	buf_printf(&url, "https://[%s]:8443/v1", text);
	check_url(buf_text(&url));
	buf_free(&url);
}

/* ---- headers ---- */

/* The letters of a name that are the same to many servers. */
static void
swap_letters(char *name)
{
	for (; *name; name++)
	{
		if ((*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z'))
			*name ^= 0x20;
		else if (*name == '-' || *name == '_')
			*name = *name == '-' ? '_' : '-';
	}
}

static void
check_header(const char *text)
{
	const char *colon = strchr(text, ':');
	Buf			name;
	const char *wrong;

	if (colon == NULL)
		return;
	buf_init(&name, 0);
	buf_append(&name, text, (size_t) (colon - text));
	wrong = guard_header(buf_text(&name), colon + 1);
	check_reason(wrong);
	if (wrong == NULL)
	{
		require(name.len > 0 && name.len <= 128 && strpbrk(buf_text(&name), " \t\r\n:(),;\"/[]{}") == NULL);
		require(strpbrk(colon + 1, "\r\n") == NULL && strlen(colon + 1) <= 8192);
	}
	if (name.len > 0)
		swap_letters(name.data);
	require(guard_header(buf_text(&name), colon + 1) == wrong);
	buf_free(&name);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t		address[16] = {0};
	Buf			text;

	buf_init(&text, 0);
	buf_append(&text, data, size);
	memcpy(address, data, size < sizeof(address) ? size : sizeof(address));
	check_address(address);
	check_text(buf_text(&text));
	check_header(buf_text(&text));
	buf_free(&text);
	return 0;
}
