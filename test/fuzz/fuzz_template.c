/*
 * fuzz_template.c
 *		Templates.  Their parts, put together again, are the template.
 */
#include "fuzz.h"
#include "template.h"

/* Puts a part back as it was written; false at the end. */
static bool
put_back(Template *template, Buf *out)
{
	const char *before = template->p;
	TemplatePart part;
	TemplateKind kind = template_next(template, &part);

	if (kind == TEMPLATE_END)
		return false;
	require(template->p > before && template->p <= template->end);
	require(part.text == before);
	buf_append(out, before, (size_t) (template->p - before));
	switch (kind)
	{
		case TEMPLATE_TEXT:
			/* a doubled brace is the last character, and once only */
			require(part.len > 0);
			require(part.text + part.len == template->p || part.text + part.len + 1 == template->p);
			require(memchr(part.text, '{', part.len - 1) == NULL && memchr(part.text, '}', part.len - 1) == NULL);
			break;
		case TEMPLATE_NAME:
			require(part.text[0] == '{' && part.text[part.len - 1] == '}');
			require(template_is_name(part.name, part.name_len));
			require(part.step == NULL || template_is_step_name(part.step, part.step_len));
			require(part.len == part.name_len + 2 + (part.step ? part.step_len + 1 : 0));
			break;
		default:
			require(template->p == before + 1 && (*before == '{' || *before == '}'));
			break;
	}
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	   *copy = malloc(size + (size == 0));
	Template	template;
	Buf			whole;

	if (size > 0)
		memcpy(copy, data, size);
	buf_init(&whole, 0);
	template_init(&template, copy, size);
	while (put_back(&template, &whole))
		;
	require(whole.len == size);
	require(size == 0 || memcmp(whole.data, copy, size) == 0);
	buf_free(&whole);
	free(copy);
	return 0;
}
