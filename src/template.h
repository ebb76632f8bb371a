/*
 * template.h
 *		A template's text, taken apart: {name}, {step.output}, {{ and }}.
 *
 * Pure code: no memory of its own, no PostgreSQL, no throwing.
 */
#ifndef AS_TEMPLATE_H
#define AS_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

#define TEMPLATE_NAME_MAX	63	/* bytes of a name */

typedef enum TemplateKind
{
	TEMPLATE_TEXT,				/* stands for itself; {{ and }} have become one brace */
	TEMPLATE_NAME,				/* {name}, or {step.output} if step is not NULL */
	TEMPLATE_BAD,				/* a brace that is neither; text begins with it */
	TEMPLATE_END
} TemplateKind;

/* A part; everything points into the template. */
typedef struct TemplatePart
{
	const char *text;			/* of a bad brace: all that follows it */
	size_t		len;
	const char *step;			/* what stands before the point, else NULL */
	size_t		step_len;
	const char *name;
	size_t		name_len;
} TemplatePart;

typedef struct Template
{
	const char *p;
	const char *end;
} Template;

extern void template_init(Template *template, const char *text, size_t len);

/* The next part; after a bad brace it goes on behind it. */
extern TemplateKind template_next(Template *template, TemplatePart *part);

/* Letters, digits and _, beginning with a letter or _: a variable, an output. */
extern bool template_is_name(const char *text, size_t len);

/* Letters in lower case, digits, _ and -, beginning with a letter: a step. */
extern bool template_is_step_name(const char *text, size_t len);

#endif							/* AS_TEMPLATE_H */
