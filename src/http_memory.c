/*
 * http_memory.c
 *		libcurl's memory: nothing of a request outlives it there.
 *
 * libcurl writes each request, with the key in a header, into buffers of its own,
 * and gives them back as they are.  So it is given an allocator that wipes what is
 * freed.  What grows is moved by hand: realloc would leave a copy where it was.
 */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "http_private.h"

static void
wipe_and_free(void *block)
{
	if (block != NULL)
		explicit_bzero(block, malloc_usable_size(block));
	free(block);
}

static void *
move(void *block, size_t size)
{
	size_t		had = block != NULL ? malloc_usable_size(block) : 0;
	void	   *moved;

	if (size > 0 && size <= had)
		return block;
	moved = malloc(size > 0 ? size : 1);
	if (moved == NULL)
		return NULL;
	if (block != NULL)
		memcpy(moved, block, had < size ? had : size);
	wipe_and_free(block);
	return moved;
}

bool
memory_init_curl(void)
{
	return curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, wipe_and_free, move, strdup, calloc) == CURLE_OK;
}
