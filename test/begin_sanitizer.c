/*
 * begin_sanitizer.c
 *		Preloaded into a server, it lets the sanitizer's runtime begin before any other library.
 *
 * That begins with the first malloc, and asks for a text in the user's language on its way.
 * Were the first malloc that of libgpg-error's constructor, which has gettext's lock by then,
 * the process would wait for itself. To be linked with -z initfirst.
 */
#include <stdlib.h>

__attribute__((constructor)) static void
begin(void)
{
	free(malloc(1));
}
