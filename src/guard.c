/*
 * guard.c
 *		Which URL may be called, which address may be connected to, which
 *		extra header may be sent.
 *
 * A server's URL is written by whoever may create foreign servers, and the
 * database stands inside a network where much trusts it.  So three gates:
 *
 * - guard_url, when the URL is written: the scheme, no credentials, no query,
 *   and no literal private host in any of the spellings that the resolver would
 *   take for an address (2130706433, 0x7f.1, 0177.0.0.1, [::ffff:127.0.0.1],
 *   127.0.0.1., localhost, x.localhost).
 * - guard_address_is_public, at each connect and each reuse: whatever the name
 *   said, this is where the bytes would go.  This one is the real wall (a name
 *   may resolve to anything, and to something else the next time); guard_url
 *   only says early and clearly what the wall would say late.
 * - guard_header, when an extra header is written: no second way to hold a
 *   key, and no way to break the request's framing.
 *
 * The ranges are those of IANA's special-purpose registries that are not
 * globally reachable.  When in doubt an address is not public: a refused
 * endpoint is a message with a remedy, a reached metadata service is not.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "guard.h"

#define MAX_URL_LENGTH		2048
#define MAX_HOST_LENGTH		255
#define MAX_NAME_LENGTH		128
#define MAX_VALUE_LENGTH	8192

typedef struct Range4
{
	uint32_t	network;
	int			bits;
} Range4;

#define NET4(a, b, c, d) \
	(((uint32_t) (a) << 24) | ((uint32_t) (b) << 16) | \
	 ((uint32_t) (c) << 8) | (uint32_t) (d))

static const Range4 special4[] = {
	{NET4(0, 0, 0, 0), 8},		/* "this network"; 0.0.0.0 reaches this host */
	{NET4(10, 0, 0, 0), 8},		/* RFC 1918 */
	{NET4(100, 64, 0, 0), 10},	/* carrier-grade NAT, some clouds' metadata */
	{NET4(127, 0, 0, 0), 8},	/* loopback */
	{NET4(168, 63, 129, 16), 32},	/* Azure's platform service: public by
									 * number, private by place */
	{NET4(169, 254, 0, 0), 16}, /* link-local, the clouds' metadata */
	{NET4(172, 16, 0, 0), 12},	/* RFC 1918 */
	{NET4(192, 0, 0, 0), 24},	/* IETF protocol assignments */
	{NET4(192, 0, 2, 0), 24},	/* documentation */
	{NET4(192, 88, 99, 0), 24}, /* the former 6to4 relays */
	{NET4(192, 168, 0, 0), 16}, /* RFC 1918 */
	{NET4(198, 18, 0, 0), 15},	/* benchmarking */
	{NET4(198, 51, 100, 0), 24},	/* documentation */
	{NET4(203, 0, 113, 0), 24}, /* documentation */
	{NET4(224, 0, 0, 0), 4},	/* multicast */
	{NET4(240, 0, 0, 0), 4},	/* reserved, broadcast */
};

typedef struct Range6
{
	uint8_t		prefix[16];
	int			bits;
} Range6;

/* What is not public inside 2000::/3; all outside it is special anyway. */
static const Range6 special6[] = {
	{{0x20, 0x01, 0x00}, 23},	/* IETF protocol assignments, benchmarking,
								 * ORCHID; Teredo is judged before */
	{{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
	{{0x3f, 0xfe}, 16},			/* the former 6bone */
	{{0x3f, 0xff, 0x00}, 20},	/* documentation */
};

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
static const uint8_t nat64_prefix[12] = {0x00, 0x64, 0xff, 0x9b};
static const uint8_t teredo_prefix[4] = {0x20, 0x01, 0x00, 0x00};

static bool
ipv4_is_public(uint32_t address)
{
	size_t		i;

	for (i = 0; i < sizeof(special4) / sizeof(special4[0]); i++)
	{
		uint32_t	mask = UINT32_MAX << (32 - special4[i].bits);

		if ((address & mask) == special4[i].network)
			return false;
	}
	return true;
}

static uint32_t
read_ipv4(const uint8_t *bytes)
{
	return NET4(bytes[0], bytes[1], bytes[2], bytes[3]);
}

static bool
prefix_matches(const uint8_t *address, const uint8_t *prefix, int bits)
{
	int			whole = bits / 8;
	int			rest = bits % 8;

	if (memcmp(address, prefix, (size_t) whole) != 0)
		return false;
	return rest == 0 ||
		((address[whole] ^ prefix[whole]) >> (8 - rest)) == 0;
}

/* An interface identifier of ISATAP carries the IPv4 address of the host. */
static bool
is_isatap(const uint8_t *a)
{
	return (a[8] == 0x00 || a[8] == 0x02) && a[9] == 0x00 &&
		a[10] == 0x5e && a[11] == 0xfe;
}

static bool
ipv6_is_public(const uint8_t *a)
{
	size_t		i;

	if (memcmp(a, mapped_prefix, sizeof(mapped_prefix)) == 0 ||
		memcmp(a, nat64_prefix, sizeof(nat64_prefix)) == 0)
		return ipv4_is_public(read_ipv4(a + 12));

	/* Unspecified, loopback, v4-compatible, unique local, link-local, ... */
	if ((a[0] & 0xe0) != 0x20)
		return false;

	/* Teredo: the server, and the client behind it with its bits inverted. */
	if (memcmp(a, teredo_prefix, sizeof(teredo_prefix)) == 0)
		return ipv4_is_public(read_ipv4(a + 4)) &&
			ipv4_is_public(~read_ipv4(a + 12));

	if (a[0] == 0x20 && a[1] == 0x02 && !ipv4_is_public(read_ipv4(a + 2)))
		return false;
	if (is_isatap(a) && !ipv4_is_public(read_ipv4(a + 12)))
		return false;

	for (i = 0; i < sizeof(special6) / sizeof(special6[0]); i++)
	{
		if (prefix_matches(a, special6[i].prefix, special6[i].bits))
			return false;
	}
	return true;
}

bool
guard_address_is_public(const struct sockaddr *address)
{
	if (address == NULL)
		return false;

	/* Copied: what libcurl hands over is aligned for a plain sockaddr only. */
	if (address->sa_family == AF_INET)
	{
		struct sockaddr_in in4;

		memcpy(&in4, address, sizeof(in4));
		return ipv4_is_public(ntohl(in4.sin_addr.s_addr));
	}
	if (address->sa_family == AF_INET6)
	{
		struct sockaddr_in6 in6;

		memcpy(&in6, address, sizeof(in6));
		return ipv6_is_public(in6.sin6_addr.s6_addr);
	}
	return false;
}

bool
guard_text_is_public(const char *address)
{
	struct in_addr in4;
	struct in6_addr in6;

	if (address == NULL)
		return false;
	if (inet_pton(AF_INET, address, &in4) == 1)
		return ipv4_is_public(ntohl(in4.s_addr));
	if (inet_pton(AF_INET6, address, &in6) == 1)
		return ipv6_is_public(in6.s6_addr);
	return false;
}

static bool
ends_with(const char *text, const char *tail)
{
	size_t		text_len = strlen(text);
	size_t		tail_len = strlen(tail);

	return text_len >= tail_len &&
		strcasecmp(text + text_len - tail_len, tail) == 0;
}

/* The names that every system's hosts file gives to itself. */
static bool
is_localhost(const char *host)
{
	static const char *const names[] = {
		"localhost", "localhost.localdomain", "localhost4", "localhost6",
		"localhost4.localdomain4", "localhost6.localdomain6",
		"ip6-localhost", "ip6-loopback", NULL
	};
	int			i;

	for (i = 0; names[i] != NULL; i++)
	{
		if (strcasecmp(host, names[i]) == 0)
			return true;
	}
	return ends_with(host, ".localhost");
}

/*
 * Copies the host as the resolver would see it: without brackets and without
 * the dots at its end, which make no difference to where it leads.
 */
static bool
copy_host(const char *host, char *copy, size_t size)
{
	size_t		len = strlen(host);

	if (len >= 2 && host[0] == '[' && host[len - 1] == ']')
	{
		host++;
		len -= 2;
	}
	while (len > 0 && host[len - 1] == '.')
		len--;
	if (len == 0 || len >= size)
		return false;
	memcpy(copy, host, len);
	copy[len] = '\0';
	return true;
}

/* Does the name end like a number?  Then no name server ought to see it. */
static bool
last_label_is_number(const char *host)
{
	const char *label = strrchr(host, '.');
	size_t		digits;

	label = label != NULL ? label + 1 : host;
	if (label[0] == '0' && (label[1] == 'x' || label[1] == 'X'))
		return label[2 + strspn(label + 2, "0123456789abcdefABCDEF")] == '\0';
	digits = strspn(label, "0123456789");
	return digits > 0 && label[digits] == '\0';
}

static const char *
check_host(const char *raw_host, bool allow_private)
{
	static const char refused[] =
		"names a private, local or reserved address, which only a superuser can allow for a server";
	char		host[MAX_HOST_LENGTH + 1];
	struct in_addr in4;
	struct in6_addr in6;

	if (!copy_host(raw_host, host, sizeof(host)))
		return "has no host, or one longer than 255 characters";

	if (inet_pton(AF_INET6, host, &in6) == 1)
		return allow_private || ipv6_is_public(in6.s6_addr) ? NULL : refused;

	/* inet_aton takes what getaddrinfo takes: hex, octal, one to four parts */
	if (inet_aton(host, &in4) != 0)
		return allow_private || ipv4_is_public(ntohl(in4.s_addr)) ? NULL : refused;

	if (last_label_is_number(host))
		return "has a host that looks like an address but is none";
	if (!allow_private && is_localhost(host))
		return refused;
	return NULL;
}

/*
 * The characters, before any parser sees them: parsers differ in what they
 * forgive, and a difference between two of them is how such gates are passed.
 */
static const char *
check_characters(const char *url)
{
	const unsigned char *p;

	for (p = (const unsigned char *) url; *p != '\0'; p++)
	{
		if (*p < 0x20 || *p == 0x7f)
			return "contains a control character";
		if (*p == ' ' || *p == '\\')
			return "contains a space or a backslash";
		if (*p > 0x7f)
			return "contains a character outside ASCII: write the host in its xn-- form, and the path with %XX";
		if (*p == '#')
			return "contains a fragment (#...), which is never sent";
		if (*p == '?')
			return "contains a query (?...): give the base URL only, the rest is added to it";
	}
	if (p - (const unsigned char *) url > MAX_URL_LENGTH)
		return "is longer than 2048 characters";
	return NULL;
}

/* What stands between "//" and the next slash; libcurl would make do with one slash before it. */
static const char *
check_authority(const char *url)
{
	const char *authority = url + strcspn(url, ":/");
	size_t		len;

	if (strncmp(authority, "://", 3) != 0)
		return "has no scheme: it begins with https://";
	authority += 3;
	len = strcspn(authority, "/");
	if (len == 0)
		return "has no host";
	if (memchr(authority, '@', len) != NULL)
		return "contains a user name or password: keys belong in a user mapping";
	if (memchr(authority, '%', len) != NULL)
		return "contains a percent sign in its host";
	return NULL;
}

static const char *
check_scheme(CURLU *parsed, bool allow_http)
{
	char	   *scheme = NULL;
	const char *wrong = NULL;

	if (curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK)
		return "has no scheme: it begins with https://";
	if (strcasecmp(scheme, "http") == 0)
		wrong = allow_http ? NULL : "is not https: only a superuser can allow http for a server";
	else if (strcasecmp(scheme, "https") != 0)
		wrong = "is not https";
	curl_free(scheme);
	return wrong;
}

/* A user, a password or a query that libcurl sees where we saw none. */
static const char *
check_unwanted_parts(CURLU *parsed)
{
	static const CURLUPart unwanted[] = {
		CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_OPTIONS,
		CURLUPART_QUERY, CURLUPART_FRAGMENT, CURLUPART_ZONEID
	};
	size_t		i;

	for (i = 0; i < sizeof(unwanted) / sizeof(unwanted[0]); i++)
	{
		char	   *part = NULL;

		if (curl_url_get(parsed, unwanted[i], &part, 0) == CURLUE_OK)
		{
			curl_free(part);
			return "contains credentials, a query, a fragment or an address zone";
		}
	}
	return NULL;
}

static const char *
check_port(CURLU *parsed)
{
	char	   *port = NULL;
	const char *wrong = NULL;

	if (curl_url_get(parsed, CURLUPART_PORT, &port, 0) != CURLUE_OK)
		return NULL;
	if (strtol(port, NULL, 10) < 1 || strtol(port, NULL, 10) > 65535)
		wrong = "has a port that is not between 1 and 65535";
	curl_free(port);
	return wrong;
}

static const char *
check_parsed(CURLU *parsed, bool allow_http, bool allow_private)
{
	const char *wrong;
	char	   *host = NULL;

	wrong = check_scheme(parsed, allow_http);
	if (wrong == NULL)
		wrong = check_unwanted_parts(parsed);
	if (wrong == NULL)
		wrong = check_port(parsed);
	if (wrong != NULL)
		return wrong;

	if (curl_url_get(parsed, CURLUPART_HOST, &host, 0) != CURLUE_OK)
		return "has no host";
	wrong = check_host(host, allow_private);
	curl_free(host);
	return wrong;
}

const char *
guard_url(const char *url, bool allow_http, bool allow_private)
{
	CURLU	   *parsed;
	const char *wrong;

	if (url == NULL || url[0] == '\0')
		return "is empty";
	wrong = check_characters(url);
	if (wrong == NULL)
		wrong = check_authority(url);
	if (wrong != NULL)
		return wrong;

	parsed = curl_url();
	if (parsed == NULL)
		return "cannot be checked: out of memory";

	/* An unknown scheme is let through here, so that the text can name it. */
	if (curl_url_set(parsed, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
		wrong = "is not a valid URL";
	else
		wrong = check_parsed(parsed, allow_http, allow_private);
	curl_url_cleanup(parsed);
	return wrong;
}

typedef struct RefusedHeader
{
	const char *name;			/* ending in '*': every name that begins so */
	const char *why;
} RefusedHeader;

#define WHY_KEY \
	"carries a key, and keys belong in a user mapping: CREATE USER MAPPING ... OPTIONS (api_key '...')"
#define WHY_FRAMING \
	"belongs to the request's framing, which is set for each request and cannot be overridden"
#define WHY_PROXY \
	"is meant for a proxy, and requests never go through one"
#define WHY_COOKIE \
	"carries a session, and requests never send cookies"
#define WHY_CONTENT \
	"describes what is sent or understood, which is decided by the server's type"

static const RefusedHeader refused_headers[] = {
	{"authorization", WHY_KEY},
	{"api-key", WHY_KEY},
	{"apikey", WHY_KEY},
	{"x-api-key", WHY_KEY},
	{"x-apikey", WHY_KEY},
	{"x-goog-api-key", WHY_KEY},
	{"x-auth-token", WHY_KEY},
	{"x-access-token", WHY_KEY},
	{"x-amz-security-token", WHY_KEY},
	{"ocp-apim-subscription-key", WHY_KEY},
	{"host", WHY_FRAMING},
	{"content-length", WHY_FRAMING},
	{"transfer-encoding", WHY_FRAMING},
	{"connection", WHY_FRAMING},
	{"keep-alive", WHY_FRAMING},
	{"expect", WHY_FRAMING},
	{"upgrade", WHY_FRAMING},
	{"http2-settings", WHY_FRAMING},
	{"te", WHY_FRAMING},
	{"trailer", WHY_FRAMING},
	{"trailers", WHY_FRAMING},
	{"proxy-*", WHY_PROXY},
	{"cookie", WHY_COOKIE},
	{"cookie2", WHY_COOKIE},
	{"set-cookie", WHY_COOKIE},
	{"content-type", WHY_CONTENT},
	{"content-encoding", WHY_CONTENT},
	{"accept", WHY_CONTENT},
	{"accept-encoding", WHY_CONTENT},
};

/* Many servers read '_' as '-', so both count as the same letter. */
static char
fold(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char) (c - 'A' + 'a');
	return c == '_' ? '-' : c;
}

static bool
header_name_matches(const char *name, const char *pattern)
{
	for (; *pattern != '\0'; name++, pattern++)
	{
		if (*pattern == '*')
			return true;
		if (fold(*name) != *pattern)
			return false;
	}
	return *name == '\0';
}

static bool
is_token(const char *name)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
		"!#$%&'*+-.^_`|~";

	return name[0] != '\0' && name[strspn(name, letters)] == '\0';
}

static const char *
check_header_value(const char *value)
{
	const unsigned char *p;

	if (strlen(value) > MAX_VALUE_LENGTH)
		return "has a value longer than 8192 bytes";
	for (p = (const unsigned char *) value; *p != '\0'; p++)
	{
		if (*p < 0x20 || *p == 0x7f)
			return "has a control character (such as a line break) in its value";
	}

	/* libcurl takes an empty value as the wish not to send the header */
	if (value[strspn(value, " ")] == '\0')
		return "has no value: leave it out instead";
	return NULL;
}

const char *
guard_header(const char *name, const char *value)
{
	size_t		i;

	if (name == NULL || !is_token(name))
		return "has a name that is no HTTP token: letters, digits and hyphens only";
	if (strlen(name) > MAX_NAME_LENGTH)
		return "has a name longer than 128 characters";
	for (i = 0; i < sizeof(refused_headers) / sizeof(refused_headers[0]); i++)
	{
		if (header_name_matches(name, refused_headers[i].name))
			return refused_headers[i].why;
	}
	if (value == NULL)
		return "has no value: leave it out instead";
	return check_header_value(value);
}
