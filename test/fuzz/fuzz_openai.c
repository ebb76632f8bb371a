/*
 * fuzz_openai.c
 *		Chat Completions on hostile bytes; fuzz_provider.h says what must hold.
 */
#include "fuzz_provider.h"

FUZZ_PROVIDER(provider_openai)
