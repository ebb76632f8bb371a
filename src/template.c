/*
 * template.c
 *		A template's text, taken apart.
 *
 * It is read strictly: a brace that is not doubled has to be part of a name in
 * braces. Who pastes JSON or code into a template learns of it when the workflow
 * is published, not from a prompt that lacks half of it.
 */
#include "template.h"

#include <string.h>

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

bool
template_is_name(const char *text, size_t len)
{
	size_t		i;

	if (len == 0 || len > TEMPLATE_NAME_MAX || !is_letter(text[0]))
		return false;
	for (i = 1; i < len; i++)
	{
		if (!is_letter(text[i]) && !is_digit(text[i]))
			return false;
	}
	return true;
}

bool
template_is_step_name(const char *text, size_t len)
{
	size_t		i;

	if (len == 0 || len > TEMPLATE_NAME_MAX || !is_lower(text[0]))
		return false;
	for (i = 1; i < len; i++)
	{
		if (!is_lower(text[i]) && !is_digit(text[i]) && text[i] != '_' && text[i] != '-')
			return false;
	}
	return true;
}

void
template_init(Template *template, const char *text, size_t len)
{
	template->p = text;
	template->end = text + len;
}

/* Is there the same brace twice? */
static bool
is_doubled(const Template *template)
{
	return template->end - template->p >= 2 && template->p[0] == template->p[1];
}

/* Up to the next brace; a doubled one is the last character of the text before it. */
static TemplateKind
take_text(Template *template, TemplatePart *part)
{
	part->text = template->p;
	while (template->p < template->end && *template->p != '{' && *template->p != '}')
		template->p++;
	part->len = (size_t) (template->p - part->text);
	if (template->p < template->end && is_doubled(template))
	{
		part->len++;
		template->p += 2;
	}
	return TEMPLATE_TEXT;
}

/* What is between the braces, if that is a name or step.name. */
static bool
read_name(const char *text, size_t len, TemplatePart *part)
{
	const char *point = memchr(text, '.', len);

	part->step = NULL;
	part->step_len = 0;
	if (point)
	{
		part->step = text;
		part->step_len = (size_t) (point - text);
		if (!template_is_step_name(part->step, part->step_len))
			return false;
		len -= part->step_len + 1;
		text = point + 1;
	}
	part->name = text;
	part->name_len = len;
	return template_is_name(text, len);
}

static TemplateKind
take_brace(Template *template, TemplatePart *part)
{
	size_t		rest = (size_t) (template->end - template->p);
	size_t		look = rest < 2 * TEMPLATE_NAME_MAX + 3 ? rest : 2 * TEMPLATE_NAME_MAX + 3;
	const char *close = memchr(template->p, '}', look);

	part->text = template->p;
	if (*template->p == '{' && close &&
		read_name(template->p + 1, (size_t) (close - template->p) - 1, part))
	{
		part->len = (size_t) (close - template->p) + 1;
		template->p = close + 1;
		return TEMPLATE_NAME;
	}
	part->len = rest;
	template->p++;
	return TEMPLATE_BAD;
}

TemplateKind
template_next(Template *template, TemplatePart *part)
{
	memset(part, 0, sizeof(*part));
	if (template->p == template->end)
		return TEMPLATE_END;
	if ((*template->p != '{' && *template->p != '}') || is_doubled(template))
		return take_text(template, part);
	return take_brace(template, part);
}
