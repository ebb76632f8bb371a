/*
 * fuzz_ollama.c
 *		Ollama's chat API on hostile bytes; fuzz_provider.h says what must hold.
 */
#include "fuzz_provider.h"

FUZZ_PROVIDER(provider_ollama)
