/*
 * guard.h
 *		Which URL may be called, and which address may be connected to.
 *
 * A URL names a host; what is connected to is an address, and between the two
 * stands a name server that anyone may own.  So the URL is checked when it is
 * written (guard_url) and the address at each connect and each reuse
 * (guard_address).  Pure code: no PostgreSQL, no allocation that outlives a call.
 */
#ifndef AS_GUARD_H
#define AS_GUARD_H

#include <stdbool.h>
#include <stddef.h>

#include <sys/socket.h>

/*
 * NULL when the URL may be used; else a static text that says what is wrong.
 * Without allow_http only https passes; without allow_private a host that is
 * a literal private address (in any spelling the resolver takes), or
 * "localhost", is refused.  Credentials, a fragment, a query and control
 * characters in a URL are refused always.
 */
extern const char *guard_url(const char *url, bool allow_http, bool allow_private);

/*
 * True when the address is a public unicast one.  Not public: loopback,
 * RFC 1918, link-local (so also 169.254.169.254), CGNAT, multicast,
 * documentation, benchmarking, reserved and unspecified ranges, IPv6 unique
 * local, site-local and link-local, and every IPv6 form that embeds such an
 * IPv4 address (v4-mapped, v4-compatible, NAT64, 6to4, Teredo).
 */
extern bool guard_address_is_public(const struct sockaddr *address);

/* The same for an address in text; an unreadable one is not public. */
extern bool guard_text_is_public(const char *address);

/* NULL when name and value may be sent as an extra header; else what is wrong. */
extern const char *guard_header(const char *name, const char *value);

#endif							/* AS_GUARD_H */
