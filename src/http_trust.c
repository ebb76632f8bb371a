/*
 * http_trust.c
 *		Whose certificates are trusted.
 *
 * libcurl trusts one file, and a user's further certificates are to be trusted
 * besides the system's: so both are joined in a file that exists in memory only.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE				/* memfd_create */
#endif

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "http_private.h"

static bool
copy_file(int to, const char *path)
{
	char		bytes[8192];
	ssize_t		n;
	int			from = open(path, O_RDONLY | O_CLOEXEC);

	if (from < 0)
		return false;
	while ((n = read(from, bytes, sizeof(bytes))) > 0)
	{
		if (write(to, bytes, (size_t) n) != n)
		{
			n = -1;
			break;
		}
	}
	close(from);
	return n == 0;
}

/* False when that is not possible: then ca_file must do alone. */
static bool
join_certificates(HttpLoop *loop, const char *system_file, const char *ca_file)
{
	char		path[64];

	loop->ca_fd = memfd_create("certificates", MFD_CLOEXEC);
	if (loop->ca_fd < 0)
		return false;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", loop->ca_fd);
	if (!copy_file(loop->ca_fd, system_file) ||
		write(loop->ca_fd, "\n", 1) != 1 ||
		!copy_file(loop->ca_fd, ca_file) ||
		access(path, R_OK) != 0)
		return false;
	loop->ca_path = strdup(path);
	loop->ca_one_file = loop->ca_path != NULL;
	return loop->ca_one_file;
}

/*
 * An unreadable ca_file is left to libcurl, which names it in the error of
 * every call: trusting less than was asked for must not go unnoticed.
 */
bool
trust_choose(HttpLoop *loop, const char *ca_file)
{
	CURL	   *easy = curl_easy_init();
	char	   *found = NULL;
	char	   *system_file = NULL;

	if (easy == NULL)
		return false;
	if (curl_easy_getinfo(easy, CURLINFO_CAINFO, &found) == CURLE_OK &&
		found != NULL && access(found, R_OK) == 0)
		system_file = strdup(found);
	curl_easy_cleanup(easy);

	if (ca_file == NULL)
		loop->ca_one_file = system_file != NULL;
	else if (system_file == NULL || !join_certificates(loop, system_file, ca_file))
		loop->ca_path = strdup(ca_file);
	free(system_file);
	return ca_file == NULL || loop->ca_path != NULL;
}

void
trust_free(HttpLoop *loop)
{
	if (loop->ca_fd >= 0)
		close(loop->ca_fd);
	free(loop->ca_path);
}

bool
trust_set(const HttpLoop *loop, CURL *easy)
{
	bool		ok = true;

	if (loop->ca_path != NULL)
		ok = curl_easy_setopt(easy, CURLOPT_CAINFO, loop->ca_path) == CURLE_OK;

	/*
	 * With a directory besides the file libcurl would not keep the parsed
	 * certificates, and read 140 of them again for each new connection.
	 */
	if (ok && loop->ca_one_file)
		ok = curl_easy_setopt(easy, CURLOPT_CAPATH, NULL) == CURLE_OK;
	return ok;
}
