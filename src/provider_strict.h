/*
 * provider_strict.h
 *		To which JSON Schemas a vendor can hold an answer.
 *
 * A schema beyond that is refused, and with it the request. So it is sent as a
 * wish (OpenAI's "strict": false), or told in the prompt (Anthropic), and the
 * answer is checked here as always.
 */
#ifndef AS_PROVIDER_STRICT_H
#define AS_PROVIDER_STRICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct StrictRules
{
	bool		bounds;			/* minimum, maxItems, format and the like are known */
	bool		recursion;		/* a schema may refer to itself */
	int			max_depth;		/* objects and arrays within each other */
	uint32_t	max_properties; /* the rest is of the whole schema */
	uint32_t	max_optional;	/* members that need not be there */
	uint32_t	max_unions;		/* values of more than one type */
	uint32_t	max_enum;
	size_t		max_text;		/* bytes of names and of the words of enum and const */
} StrictRules;

/* What OpenAI takes for its own models. */
extern const StrictRules strict_openai;

/* What OpenAI takes for fine-tuned models, and Azure for all: what was taken at first. */
extern const StrictRules strict_first;

extern const StrictRules strict_anthropic;

/* False also for what is no JSON, and when memory is short. */
extern bool provider_is_strict(const StrictRules *rules, const char *json_schema);

/* OpenAI refuses, strict or not, a schema whose answers are not always objects. */
extern bool provider_is_object_schema(const char *json_schema);

/* The rules for one of OpenAI's own models, by the name under which it is asked for. */
extern const StrictRules *provider_strict_openai(const char *deployment);

#endif							/* AS_PROVIDER_STRICT_H */
