/*
 * fuzz_gemini.c
 *		Google's Gemini API on hostile bytes; fuzz_provider.h says what must hold.
 */
#include "fuzz_provider.h"

FUZZ_PROVIDER(provider_gemini)
