/*
 * test_template.c
 *		Templates taken apart, and names.
 */
#include "buf.h"
#include "template.h"
#include "unit.h"

/* The parts: text as it is, <name>, <step:name>, and ! for a brace that stands alone. */
static const struct
{
	const char *name;
	const char *text;
	const char *parts;
}			templates[] = {
	{"nothing", "", ""},
	{"text", "Design it.\nWell.", "[Design it.\nWell.]"},
	{"a name", "{a}", "<a>"},
	{"names in text", "Design {feature_name} for {scale}.", "[Design ]<feature_name>[ for ]<scale>[.]"},
	{"names side by side", "{a}{b}", "<a><b>"},
	{"an output", "{design.architecture}", "<design:architecture>"},
	{"an output of a step with a dash", "{design-api_2.output}", "<design-api_2:output>"},
	{"doubled braces", "{{a}}", "[{][a}]"},
	{"doubled braces alone", "{{", "[{]"},
	{"two pairs", "{{}}", "[{][}]"},
	{"a name within doubled braces", "{{{a}}}", "[{]<a>[}]"},
	{"JSON with doubled braces", "{{\"a\": {b}}}", "[{][\"a\": ]<b>[}]"},
	{"a brace that opens nothing", "a { b", "[a ]![ b]"},
	{"a brace at the end", "a {", "[a ]!"},
	{"a brace that closes nothing", "a } b", "[a ]![ b]"},
	{"an empty name", "{}", "!!"},
	{"a space", "{ a }", "![ a ]!"},
	{"a name with a digit first", "{1a}", "![1a]!"},
	{"a name with a dash", "{a-b}", "![a-b]!"},
	{"a name in two lines", "{a\nb}", "![a\nb]!"},
	{"an output without a step", "{.a}", "![.a]!"},
	{"a step without an output", "{a.}", "![a.]!"},
	{"two points", "{a.b.c}", "![a.b.c]!"},
	{"a step in upper case", "{A.b}", "![A.b]!"},
	{"an output in upper case", "{a.B}", "<a:B>"},
	{"a name in upper case", "{A}", "<A>"},
	{"a letter that is not ASCII", "{\xC3\xA4}", "![\xC3\xA4]!"},
	{"three braces", "{{{", "[{]!"},
	{"braces the wrong way round", "}{", "!!"},
	{"the longest name", "{a23456789012345678901234567890123456789012345678901234567890123}",
	"<a23456789012345678901234567890123456789012345678901234567890123>"},
	{"a longer name", "{a234567890123456789012345678901234567890123456789012345678901234}",
	"![a234567890123456789012345678901234567890123456789012345678901234]!"},
	{"the longest of both",
	"{a23456789012345678901234567890123456789012345678901234567890123.b23456789012345678901234567890123456789012345678901234567890123}",
	"<a23456789012345678901234567890123456789012345678901234567890123:b23456789012345678901234567890123456789012345678901234567890123>"},
};

static void
write_parts(Buf *out, const char *text)
{
	Template	template;
	TemplatePart part;
	TemplateKind kind;

	template_init(&template, text, strlen(text));
	while ((kind = template_next(&template, &part)) != TEMPLATE_END)
	{
		if (kind == TEMPLATE_TEXT)
			buf_printf(out, "[%.*s]", (int) part.len, part.text);
		else if (kind == TEMPLATE_BAD)
			buf_putc(out, '!');
		else if (part.step)
			buf_printf(out, "<%.*s:%.*s>", (int) part.step_len, part.step, (int) part.name_len, part.name);
		else
			buf_printf(out, "<%.*s>", (int) part.name_len, part.name);
	}
}

static void
test_names(void)
{
	ok(template_is_name("_a1", 3), "a variable");
	ok(!template_is_name("", 0), "no variable");
	ok(!template_is_name("1", 1), "a digit is no variable");
	ok(template_is_step_name("a-1_", 4), "a step");
	ok(!template_is_step_name("_a", 2), "a step does not begin with _");
	ok(!template_is_step_name("aB", 2), "a step has no upper case");
	ok(!template_is_step_name("a.b", 3), "a step has no point");
}

int
main(void)
{
	size_t		i;

	for (i = 0; i < lengthof(templates); i++)
	{
		Buf			parts;

		buf_init(&parts, 0);
		write_parts(&parts, templates[i].text);
		is_text(buf_text(&parts), templates[i].parts, templates[i].name);
		buf_free(&parts);
	}
	test_names();
	return unit_done();
}
