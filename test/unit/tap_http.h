/*
 * tap_http.h
 *		The few lines of TAP that the guard's and the HTTP loop's tests need.
 *
 * The count is that of the file which includes it: a program's checks are all in
 * one file.
 */
#ifndef AS_TAP_HTTP_H
#define AS_TAP_HTTP_H

#include <stdbool.h>
#include <stdio.h>

static int	tap_count = 0;
static int	tap_failed = 0;

static inline bool
tap_ok(bool passed, const char *name, const char *file, int line)
{
	printf("%s %d - %s\n", passed ? "ok" : "not ok", ++tap_count, name);
	if (!passed)
	{
		tap_failed++;
		printf("# failed at %s:%d\n", file, line);
	}
	fflush(stdout);
	return passed;
}

static inline void
tap_skip(const char *name, const char *why)
{
	printf("ok %d - %s # SKIP %s\n", ++tap_count, name, why);
}

static inline int
tap_done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed == 0 ? 0 : 1;
}

#define ok(passed, name) tap_ok((passed), (name), __FILE__, __LINE__)

#endif							/* AS_TAP_HTTP_H */
