/*
 * fuzz_responses.c
 *		OpenAI's Responses API on hostile bytes; fuzz_provider.h says what must hold.
 */
#include "fuzz_provider.h"

FUZZ_PROVIDER(provider_openai_responses)
