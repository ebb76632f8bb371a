/*
 * test_guard.c
 *		Every spelling of an address that must not be reached, and those around
 *		it that may.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include "guard.h"
#include "tap_http.h"

static void
named(bool passed, const char *what, const char *subject)
{
	char		name[512];
	char	   *p;

	/* A line break or a number sign would change what TAP reads. */
	snprintf(name, sizeof(name), "%s: %s", what, subject);
	for (p = name; *p != '\0'; p++)
	{
		if (*p < 0x20 || *p > 0x7e || *p == '#' || *p == '\\')
			*p = '?';
	}
	ok(passed, name);
}

static void
test_private_urls(void)
{
	static const char *const urls[] = {
		"https://127.0.0.1/", "https://127.0.0.1", "https://127.0.0.1:8443/v1",
		"https://2130706433/", "https://0x7f000001/", "https://0x7f.1/",
		"https://0X7F.0.0.1/", "https://0177.0.0.1/", "https://017700000001/",
		"https://127.1/", "https://127.0.1/", "https://127.0.0.1./",
		"https://2130706433./", "https://0/", "https://0.0.0.0/",
		"https://[::1]/", "https://[::]/", "https://[::ffff:127.0.0.1]/",
		"https://[::ffff:7f00:1]/", "https://[0:0:0:0:0:ffff:7f00:0001]/",
		"https://[::127.0.0.1]/", "https://[64:ff9b::10.0.0.1]/",
		"https://[2002:7f00:1::]/", "https://[fe80::1]/", "https://[fd00::1]/",
		"https://[fec0::1]/", "https://[ff02::1]/",
		"https://localhost/", "https://LOCALHOST/", "https://localhost./",
		"https://a.localhost/", "https://a.b.LocalHost./", "https://localhost:11434/v1",
		"https://localhost.localdomain/", "https://ip6-localhost/",
		"https://10.1.2.3/", "https://172.16.0.1/", "https://172.31.255.255/",
		"https://192.168.1.1/", "https://169.254.169.254/latest/meta-data",
		"https://2852039166/", "https://0xa9fea9fe/", "https://0251.0376.0251.0376/",
		"https://100.64.0.1/", "https://100.100.100.200/", "https://192.0.0.192/",
		"https://168.63.129.16/", "https://224.0.0.1/", "https://255.255.255.255/",
	};
	size_t		i;

	for (i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
	{
		named(guard_url(urls[i], false, false) != NULL, "refused", urls[i]);
		named(guard_url(urls[i], false, true) == NULL, "allowed by a superuser", urls[i]);
	}
}

static void
test_good_urls(void)
{
	static const char *const urls[] = {
		"https://api.openai.com", "https://api.openai.com/v1", "https://api.openai.com:443/v1/",
		"HTTPS://Api.Example.com/v1", "https://8.8.8.8/", "https://172.32.0.1/",
		"https://172.15.0.1/", "https://100.128.0.1/", "https://[2606:4700::1111]/v1",
		"https://[::ffff:8.8.8.8]/", "https://localhost.example.com/",
		"https://notlocalhost/", "https://xn--bcher-kva.example/v1",
		"https://example.com/a/b%20c", "https://10.example.com/", "https://a.b-c_d.example./v1",
	};
	size_t		i;

	for (i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
		named(guard_url(urls[i], false, false) == NULL, "accepted", urls[i]);
}

static void
test_bad_urls(void)
{
	static const char *const urls[] = {
		"", "example.com", "example.com/v1", "//example.com/", "https:", "https:/example.com",
		"https:/a.example://b", "https:/u@a.example://b", "http:/ttp://1", "://a.example/",
		"https://", "https:///v1", "https:////127.0.0.1/", "https://?", "https://:443/",
		"http://example.com/", "ftp://example.com/", "file:///etc/passwd", "gopher://example.com/",
		"javascript:alert(1)", "https://user@example.com/", "https://user:key@example.com/",
		"https://@example.com/", "https://:@example.com/", "https://example.com@127.0.0.1/",
		"https://example.com/#f", "https://example.com#@127.0.0.1/", "https://example.com/v1?key=1",
		"https://example.com?", "https://exa mple.com/", " https://example.com/",
		"https://example.com/\r\nHost: x", "https://example.com\t/", "https://example.com/\x01",
		"https://example.com/\x7f", "https://127.0.0.1\\@example.com/", "https:\\\\example.com/",
		"https://%31%32%37.0.0.1/", "https://%6cocalhost/", "https://[fe80::1%25eth0]/",
		"https://\xc3\xbc.example/", "https://\xe2\x91\xa0\xe2\x91\xa1\xe2\x91\xa6.0.0.1/",
		"https://example.com:0/", "https://example.com:65536/", "https://example.com:abc/",
		"https://1.2.3.4.5/", "https://256.1.1.1/", "https://0x7f.0.0.0x1g.0x1/", "https://foo.0x7f/",
		"https://[::1/", "https://[127.0.0.1]/", "https://[::1]x/", "https://.../",
	};
	char		url[3000];
	size_t		i;

	for (i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
	{
		named(guard_url(urls[i], false, false) != NULL, "no URL for us", urls[i]);
		if (strncmp(urls[i], "http://", 7) != 0)
			named(guard_url(urls[i], true, true) != NULL, "not even for a superuser", urls[i]);
	}
	ok(guard_url(NULL, true, true) != NULL, "no URL at all");
	memset(url, 'a', sizeof(url));
	memcpy(url, "https://example.com/", 20);
	url[sizeof(url) - 1] = '\0';
	ok(guard_url(url, true, true) != NULL, "a URL of 3,000 characters");
	memset(url, 'a', sizeof(url));
	memcpy(url, "https://", 8);
	url[400] = '\0';
	ok(guard_url(url, true, true) != NULL, "a host of 392 characters");

	ok(guard_url("http://example.com/", true, false) == NULL, "http where it is allowed");
	ok(guard_url("http://localhost:11434/v1", true, true) == NULL, "a local model where both are allowed");
	ok(guard_url("http://localhost:11434/v1", true, false) != NULL, "http does not imply private");
	ok(guard_url("http://localhost:11434/v1", false, true) != NULL, "private does not imply http");
	ok(strstr(guard_url("http://example.com/", false, false), "https") != NULL,
	   "the text for http names https");
	ok(strstr(guard_url("https://u:p@example.com/", false, false), "user mapping") != NULL,
	   "the text for credentials names user mappings");
}

static void
test_addresses(void)
{
	static const char *const private_ones[] = {
		"0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255",
		"127.0.0.1", "127.255.255.255", "168.63.129.16", "169.254.0.0", "169.254.169.254",
		"172.16.0.0", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.0.0",
		"192.168.255.255", "198.18.0.0", "198.19.255.255", "198.51.100.7", "203.0.113.9",
		"224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
		"::", "::1", "::2", "::8.8.8.8", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
		"::ffff:169.254.169.254", "::ffff:0:127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe",
		"64:ff9b:1::1", "100::1", "2001:0:7f00:1::", "2001:0:808:808:0:0:80ff:fffe",
		"2001:2::1", "2001:10::1", "2001:20::1", "2001:db8::1", "2002:7f00:1::1", "2002:a00:1::1",
		"2002:a9fe:a9fe::", "3ffe::1", "3fff::1", "3fff:fff::1", "4000::1", "5f00::1", "fc00::1",
		"fd00:ec2::254", "fe80::1", "febf::1", "fec0::1", "ff02::1",
		"2606:4700::5efe:10.0.0.1", "2606:4700::200:5efe:127.0.0.1",
		"", "localhost", "127.1", "2130706433", "0x7f.1", "8.8.8", "8.8.8.8 ", "[2606:4700::1]",
		"fe80::1%lo",
	};
	static const char *const public_ones[] = {
		"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0",
		"126.255.255.255", "128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255",
		"172.32.0.0", "192.0.1.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0",
		"223.255.255.255", "168.63.129.15", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8",
		"2606:4700::1111", "2001:4860:4860::8888", "2002:808:808::1", "2a00:1450::1",
		"2001:0:808:808:0:0:f7f7:f7f7", "2001:200::1", "3ffd::1", "3fff:1000::1",
		"2606:4700::5efe:8.8.8.8",
	};
	size_t		i;

	for (i = 0; i < sizeof(private_ones) / sizeof(private_ones[0]); i++)
		named(!guard_text_is_public(private_ones[i]), "not public", private_ones[i]);
	for (i = 0; i < sizeof(public_ones) / sizeof(public_ones[0]); i++)
		named(guard_text_is_public(public_ones[i]), "public", public_ones[i]);
	ok(!guard_text_is_public(NULL), "no text is not public");
}

static void
test_sockaddr(void)
{
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;
	struct sockaddr_un local;

	memset(&in4, 0, sizeof(in4));
	in4.sin_family = AF_INET;
	inet_pton(AF_INET, "8.8.8.8", &in4.sin_addr);
	ok(guard_address_is_public((struct sockaddr *) &in4), "a public IPv4 address");
	inet_pton(AF_INET, "169.254.169.254", &in4.sin_addr);
	ok(!guard_address_is_public((struct sockaddr *) &in4), "the metadata service");

	memset(&in6, 0, sizeof(in6));
	in6.sin6_family = AF_INET6;
	inet_pton(AF_INET6, "2606:4700::1111", &in6.sin6_addr);
	ok(guard_address_is_public((struct sockaddr *) &in6), "a public IPv6 address");
	inet_pton(AF_INET6, "::ffff:10.0.0.1", &in6.sin6_addr);
	ok(!guard_address_is_public((struct sockaddr *) &in6), "a mapped private address");

	memset(&local, 0, sizeof(local));
	local.sun_family = AF_UNIX;
	ok(!guard_address_is_public((struct sockaddr *) &local), "a socket in the file system");
	ok(!guard_address_is_public(NULL), "no address");
}

static void
test_headers(void)
{
	static const char *const good[] = {
		"anthropic-beta", "OpenAI-Organization", "x-request-id", "X-Title", "User-Agent", "proxied", "Hosts",
	};
	static const char *const refused[] = {
		"Authorization", "AUTHORIZATION", "api-key", "Api_Key", "x-api-key", "X_API_KEY",
		"x-goog-api-key", "Ocp-Apim-Subscription-Key", "Host", "Content-Length", "content_length",
		"Content-Type", "Transfer-Encoding", "Connection", "Keep-Alive", "Expect", "Upgrade",
		"Proxy-Authorization", "Proxy-Connection", "proxy-", "Cookie", "Set-Cookie", "TE", "Trailer",
		"Accept-Encoding", "", "a b", "a:b", "a\nb", "a\r", "\xc3\xbc", ":path", "a(b)",
	};
	static const char *const bad_values[] = {
		"", " ", "a\nb", "a\rb", "a\r\nX: y", "\x01", "a\tb", "\x7f",
	};
	char		large[9000];
	size_t		i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		named(guard_header(good[i], "some value, 1") == NULL, "header accepted", good[i]);
	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		named(guard_header(refused[i], "v") != NULL, "header refused", refused[i]);
	for (i = 0; i < sizeof(bad_values) / sizeof(bad_values[0]); i++)
		ok(guard_header("x-test", bad_values[i]) != NULL, "header value refused");
	ok(guard_header("x-test", NULL) != NULL, "no header value");
	ok(guard_header(NULL, "v") != NULL, "no header name");
	ok(guard_header("x-test", "gr\xc3\xbc\xc3\x9f") == NULL, "UTF-8 in a value");
	ok(strstr(guard_header("Authorization", "Bearer x"), "user mapping") != NULL,
	   "the text for a key names user mappings");

	memset(large, 'a', sizeof(large));
	large[sizeof(large) - 1] = '\0';
	ok(guard_header("x-test", large) != NULL, "a value of 9,000 bytes");
	large[200] = '\0';
	ok(guard_header(large, "v") != NULL, "a name of 200 bytes");
}

int
main(void)
{
	test_private_urls();
	test_good_urls();
	test_bad_urls();
	test_addresses();
	test_sockaddr();
	test_headers();
	return tap_done();
}
