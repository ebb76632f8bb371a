/*
 * fuzz_azure.c
 *		Azure OpenAI on hostile bytes; fuzz_provider.h says what must hold.
 */
#include "fuzz_provider.h"

FUZZ_PROVIDER(provider_azure_openai)
