/*
 * curl_floor.c
 *		The floor of HTTP: a bare loop of curl's multi interface.
 *
 *	curl_floor URL REQUESTS AT_ONCE
 *
 * Sends so many requests, so many at once, over connections that are kept, and
 * throws the answers away. Prints requests per second, and microseconds of CPU that
 * each has taken.
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static size_t
throw_away(char *bytes, size_t size, size_t n, void *arg)
{
	(void) bytes;
	(void) arg;
	return size * n;
}

static CURL *
make_handle(const char *url, struct curl_slist *headers, const char *body)
{
	CURL	   *handle = curl_easy_init();

	curl_easy_setopt(handle, CURLOPT_URL, url);
	curl_easy_setopt(handle, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, throw_away);
	curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
	return handle;
}

int
main(int argc, char **argv)
{
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	static char body[1024];
	CURLM	   *multi;
	struct rusage usage;
	double		began;
	double		seconds;
	int			requests = argc > 3 ? atoi(argv[2]) : 0;
	int			at_once = argc > 3 ? atoi(argv[3]) : 0;
	int			started = 0;
	int			ended = 0;

	if (at_once <= 0 || requests < at_once)
	{
		fprintf(stderr, "usage: curl_floor URL REQUESTS AT_ONCE\n");
		return 1;
	}
	memset(body, 'x', sizeof(body) - 1);
	curl_global_init(CURL_GLOBAL_ALL);
	multi = curl_multi_init();
	began = now();
	while (started < at_once)
	{
		curl_multi_add_handle(multi, make_handle(argv[1], headers, body));
		started++;
	}
	while (ended < requests)
	{
		CURLMsg    *message;
		int			running;
		int			left;

		curl_multi_perform(multi, &running);
		while ((message = curl_multi_info_read(multi, &left)) != NULL)
		{
			CURL	   *handle = message->easy_handle;

			if (message->data.result != CURLE_OK)
			{
				fprintf(stderr, "curl_floor: %s\n", curl_easy_strerror(message->data.result));
				return 1;
			}
			ended++;
			curl_multi_remove_handle(multi, handle);
			if (started < requests)
			{
				curl_multi_add_handle(multi, handle);
				started++;
			}
		}
		curl_multi_poll(multi, NULL, 0, started > ended ? 100 : 0, NULL);
	}
	seconds = now() - began;
	getrusage(RUSAGE_SELF, &usage);
	printf("%.0f %.2f\n", requests / seconds,
		   (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 / requests +
		   (double) (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / requests);
	return 0;
}
