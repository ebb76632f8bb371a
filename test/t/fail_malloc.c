/*
 * fail_malloc.c
 *		Preloaded into a server, it lets one process run out of memory at one place.
 *
 * The file that AS_FAIL_MALLOC names holds a process id and two sizes. That process
 * gets no memory when it asks for a block between the two.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SMALLEST	(1024 * 1024)	/* what is smaller is none of our business */

static int
fails(size_t size)
{
	const char *path = getenv("AS_FAIL_MALLOC");
	size_t		low = 0;
	size_t		high = 0;
	int			pid = 0;
	FILE	   *file;

	if (size < SMALLEST || path == NULL || (file = fopen(path, "r")) == NULL)
		return 0;
	if (fscanf(file, "%d %zu %zu", &pid, &low, &high) != 3)
		pid = 0;
	fclose(file);
	return pid == getpid() && size >= low && size <= high;
}

void *
malloc(size_t size)
{
	static void *(*real) (size_t);

	if (real == NULL)
		real = (void *(*) (size_t)) dlsym(RTLD_NEXT, "malloc");
	return fails(size) ? NULL : real(size);
}

void *
realloc(void *block, size_t size)
{
	static void *(*real) (void *, size_t);

	if (real == NULL)
		real = (void *(*) (void *, size_t)) dlsym(RTLD_NEXT, "realloc");
	return fails(size) ? NULL : real(block, size);
}
