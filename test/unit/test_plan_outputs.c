/*
 * test_plan_outputs.c
 *		The outputs of a step: how they are asked for, and what is found of them.
 *
 * In definitions and results of the tables ' stands for ".
 */
#include "plan.h"
#include "sections.h"
#include "unit.h"

static void
no_problem(void *arg, const char *step, const char *problem, const char *hint)
{
	printf("# %s: %s (%s)\n", step ? step : "-", problem, hint);
	*(bool *) arg = true;
}

static void
unquote(Buf *out, const char *text)
{
	for (; *text; text++)
		buf_putc(out, *text == '\'' ? '"' : *text);
}

/* A plan of one step with these members beside its name, agent and task. */
static WorkflowPlan *
plan_with(const char *members)
{
	bool		failed = false;
	WorkflowPlan *plan;
	Buf			text;

	buf_init(&text, 0);
	buf_puts(&text, "{\"pattern\":\"parallel\",\"steps\":[{\"name\":\"a\",\"agent\":\"w\",\"task\":\"t\"");
	if (*members)
		buf_putc(&text, ',');
	unquote(&text, members);
	buf_puts(&text, "}]}");
	plan = plan_read(text.data, text.len, no_problem, &failed);
	buf_free(&text);
	return plan;
}

#define STRING	"'outputs':{'text':'string'}"
#define TWO		"'outputs':{'architecture':'string','components':'array'}"
#define CODE	"'outputs':{'code':{'type':'string','file_name':'a.py'}}"
#define NUMBER	"'outputs':{'score':'number'}"
#define BOOLEAN	"'outputs':{'good':'boolean'}"
#define ENUM	"'outputs':{'verdict':{'type':'enum','values':['passed','failed','needs work','C++','C']}}"
#define ARRAY	"'outputs':{'items':'array'}"
#define OBJECT	"'outputs':{'data':'object'}"
#define OPTION	"'outputs':{'text':{'type':'string','required':false},'n':{'type':'number','required':false}}"
#define TENS	"1111111111"
#define DIGITS	TENS TENS TENS TENS TENS TENS TENS TENS TENS TENS

static const struct
{
	const char *name;
	const char *members;
	const char *answer;
	const char *outputs;		/* ' for " */
	const char *problem;		/* a part; NULL = it is good */
}			answers[] = {
	/* JSON */
	{"no outputs", "", "anything", "{}", NULL},
	{"JSON", STRING, "{\"text\": \"a\"}", "{'text': 'a'}", NULL},
	{"JSON with more in it", STRING, " {\"x\": 1, \"text\": \"a\"}\n", "{'text': 'a'}", NULL},
	{"JSON in a fence", STRING, "```json\n{\"text\": \"a\"}\n```\n", "{'text': 'a'}", NULL},
	{"JSON in the last block", TWO, "Well:\n```json\n{\"architecture\": \"x\", \"components\": []}\n```\nBetter:\n```json\n{\"architecture\": \"y\", \"components\": [1]}\n```\nDone.", "{'architecture': 'y', 'components': [1]}", NULL},
	{"JSON behind sections", TWO, "# Architecture\nx\n\n```json\n{\"architecture\": \"y\", \"components\": [1]}\n```", "{'architecture': 'y', 'components': [1]}", NULL},
	{"half of it in JSON", TWO, "# Architecture\nx\n\n# Rest\n```json\n{\"components\": [1]}\n```", "{'architecture': 'x', 'components': [1]}", NULL},
	{"JSON without the output", STRING, "{\"txt\": \"a\"}", "{}", "output text: it is missing; add a member of that name to the JSON object"},
	{"JSON of another type", STRING, "{\"text\": [1, 2]}", "{}", "output text: expected a string, found [1, 2]"},
	{"null for what is required", STRING, "{\"text\": null}", "{}", "output text: expected a string, found null"},
	{"null for what is not", OPTION, "{\"text\": null, \"n\": 1}", "{'n': 1}", NULL},
	{"another type for what is not required", OPTION, "{\"n\": \"1\"}", "{}", "output n: expected a number, found \"1\""},
	{"nothing of what is not required", OPTION, "{}", "{}", NULL},
	{"JSON cut off", STRING, "{\"text\": \"a", "{}", "output text: it is missing: the answer begins like JSON"},
	{"JSON with a name twice", STRING, "{\"text\": \"a\", \"text\": \"b\"}", "{'text': '", "the JSON object: text comes twice"},
	{"a nul character", STRING, "{\"text\": \"a\\u0000b\"}", "{'text': 'a\xEF\xBF\xBD" "b'}", NULL},
	{"half a surrogate pair", STRING, "{\"text\": \"\\ud800\"}", "{'text': '\xEF\xBF\xBD'}", NULL},
	{"an enum", ENUM, "{\"verdict\": \"failed\"}", "{'verdict': 'failed'}", NULL},
	{"no value of the enum", ENUM, "{\"verdict\": \"Failed\"}", "{}", "output verdict: expected one of \"passed\", \"failed\", \"needs work\", \"C++\", \"C\", found \"Failed\""},
	{"a number that numeric holds", NUMBER, "{\"score\": 1e1000}", "{'score': 1e1000}", NULL},
	{"a number that is too large", NUMBER, "{\"score\": 1e200000}", "{}", "numbers that are too large"},
	{"a number of too many digits", NUMBER, "{\"score\": 1e-20000}", "{}", "numbers that are too large"},
	{"numbers that would become long", ARRAY, "{\"items\": [1e100000, 1e100000]}", "{}", "numbers that are too large"},
	{"numbers that stay short", ARRAY, "{\"items\": [1e50000, -1.5E-3]}", "{'items': [1e50000, -1.5E-3]}", NULL},
	{"an object", OBJECT, "{\"data\": {\"a\": [true, null]}}", "{'data': {'a': [true, null]}}", NULL},
	{"JSON nested too deep", OBJECT, "{\"data\": " "{\"a\":" "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[" "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]" "}}", "{}", "output data: it is missing"},

	/* sections */
	{"a section", STRING, "# Text\n\nA\nB\n\n", "{'text': 'A\\nB'}", NULL},
	{"a section among others", STRING, "# Intro\nx\n## Text\ny\n## Other\nz\n", "{'text': 'y'}", NULL},
	{"a section with sections in it", STRING, "## Text\ny\n### More\nz\n# Other\n", "{'text': 'y\\n### More\\nz'}", NULL},
	{"a heading with decoration", STRING, "### 2.1 **`Text`:** ##\ny", "{'text': 'y'}", NULL},
	{"a heading with a picture", STRING, "## \xF0\x9F\x9A\x80 Text\ny", "{'text': 'y'}", NULL},
	{"a heading with a number in brackets", STRING, "## 3) Text\ny", "{'text': 'y'}", NULL},
	{"a heading with _", "'outputs':{'api_contracts':'string'}", "# API Contracts\ny", "{'api_contracts': 'y'}", NULL},
	{"a heading with -", "'outputs':{'api_contracts':'string'}", "# api-contracts\ny", "{'api_contracts': 'y'}", NULL},
	{"a heading that says more", STRING, "# Text of it\ny", "{}", "output text: it is missing; add a section with that name"},
	{"an underlined heading", STRING, "Text\n====\ny\n\nOther\n===\nz", "{'text': 'y'}", NULL},
	{"a heading that is underlined lower", STRING, "Text\n====\ny\n\nOther\n---\nz", "{'text': 'y\\n\\nOther\\n---\\nz'}", NULL},
	{"a rule is no underline", STRING, "# Text\ny\n\n- a\n---\nz", "{'text': 'y\\n\\n- a\\n---\\nz'}", NULL},
	{"a heading in code", STRING, "# Text\n```sh\n# Other\n```\ny", "{'text': '```sh\\n# Other\\n```\\ny'}", NULL},
	{"a heading in code alone", STRING, "```sh\n# Text\n```\n", "{}", "it is missing"},
	{"no space behind the mark", STRING, "#Text\ny", "{}", "it is missing"},
	{"seven marks", STRING, "####### Text\ny", "{}", "it is missing"},
	{"a section with nothing in it", STRING, "# Text\n\n# Other\ny", "{}", "it is missing"},
	{"the first of two that holds something", STRING, "# Text\n# Text\nb\n# Text\nc", "{'text': 'b'}", NULL},
	{"CRLF", STRING, "# Text\r\n\r\ny\r\nz\r\n# Other\r\n", "{'text': 'y\\r\\nz'}", NULL},
	{"bad bytes", STRING, "# Text\n\xFF\x01", "{'text': '\xEF\xBF\xBD\\u0001'}", NULL},
	{"two sections", TWO, "# Architecture\nx\n# Components\n- a\n- b\n", "{'architecture': 'x', 'components': ['a', 'b']}", NULL},
	{"one of two", TWO, "# Architecture\nx\n", "{'architecture': 'x'}", "output components: it is missing"},
	{"none of two", TWO, "x", "{}", "output architecture: it is missing; add a section with that name as its heading\noutput components: it is missing"},
	{"nothing", STRING, "", "{}", "it is missing"},

	/* files */
	{"a file", CODE, "# Code\nHere:\n```py\na = 1\n\n```\nDone.", "{'code': 'a = 1\\n\\n'}", NULL},
	{"two blocks", CODE, "# Code\n```\na\n```\n```\nb\n```", "{'code': '```\\na\\n```\\n```\\nb\\n```'}", NULL},
	{"no block", CODE, "# Code\na = 1\n", "{'code': 'a = 1'}", NULL},
	{"a block that is not closed", CODE, "# Code\n```\na\n", "{'code': 'a\\n'}", NULL},
	{"a block in a string that is no file", STRING, "# Text\n```\na\n```", "{'text': '```\\na\\n```'}", NULL},
	{"JSON in a file's section", CODE, "# Code\n```json\n{\"a\": 1}\n```", "{'code': '{\\'a\\': 1}\\n'}", NULL},

	/* scalars */
	{"a number", NUMBER, "# Score\n0.85\n", "{'score': 0.85}", NULL},
	{"a number in bold with a full stop", NUMBER, "# Score\n**-1e3**.\n", "{'score': -1e3}", NULL},
	{"a number behind a bullet", NUMBER, "# Score\n- `7`\n", "{'score': 7}", NULL},
	{"a number and its reason", NUMBER, "# Score\n7\n\nSince it is.", "{'score': 7}", NULL},
	{"a number in a block", NUMBER, "# Score\n```\n7\n```", "{'score': 7}", NULL},
	{"a number and its unit", NUMBER, "# Score\n85%\n", "{}", "output score: expected a number, found \"85%\""},
	{"no number", NUMBER, "# Score\nhigh\n", "{}", "output score: expected a number, found \"high\""},
	{"a number with a zero before it", NUMBER, "# Score\n007\n", "{}", "expected a number"},
	{"a number in words that is too large", NUMBER, "# Score\n1e200000\n", "{}", "expected a number"},
	{"true", BOOLEAN, "# Good\n**True**", "{'good': true}", NULL},
	{"no", BOOLEAN, "# Good\nNo.\nBecause.", "{'good': false}", NULL},
	{"neither", BOOLEAN, "# Good\nPerhaps", "{}", "output good: expected a boolean, found \"Perhaps\""},
	{"a value of an enum", ENUM, "# Verdict\n`failed`\n", "{'verdict': 'failed'}", NULL},
	{"a value in another case", ENUM, "# Verdict\n**Needs-Work**\n\nBecause", "{'verdict': 'needs work'}", NULL},
	{"a value with signs", ENUM, "# Verdict\nC++", "{'verdict': 'C++'}", NULL},
	{"a value without them", ENUM, "# Verdict\nC", "{'verdict': 'C'}", NULL},
	{"another value", ENUM, "# Verdict\nIt has passed", "{}", "expected one of"},

	/* arrays and objects */
	{"a list", ARRAY, "# Items\n- a\n- b\n", "{'items': ['a', 'b']}", NULL},
	{"a list with words before and behind", ARRAY, "# Items\nThese:\n\n* a\n* b\n\nThat is all.\n", "{'items': ['a', 'b']}", NULL},
	{"a list with numbers", ARRAY, "# Items\n1. a\n2) b\n", "{'items': ['a', 'b']}", NULL},
	{"a list in lists", ARRAY, "# Items\n- a\n  - x\n  - y\n- b\n", "{'items': ['a\\n  - x\\n  - y', 'b']}", NULL},
	{"items of several lines", ARRAY, "# Items\n- a\n  more\nlazy\n\n- b\n", "{'items': ['a\\n  more\\nlazy', 'b']}", NULL},
	{"a list put in", ARRAY, "# Items\n  - a\n  - b", "{'items': ['a', 'b']}", NULL},
	{"an array", ARRAY, "# Items\n[1, {\"a\": 2}]\n", "{'items': [1, {'a': 2}]}", NULL},
	{"an array in a block", ARRAY, "# Items\nHere:\n```json\n[1]\n```\n", "{'items': [1]}", NULL},
	{"no list", ARRAY, "# Items\na, b and c", "{}", "output items: expected an array, found \"a, b and c\""},
	{"bold words are no list", ARRAY, "# Items\n**a**\n-b", "{}", "expected an array"},
	{"an object in a block", OBJECT, "# Data\n```json\n{\"a\": 1}\n```\n", "{'data': {'a': 1}}", NULL},
	{"an object", OBJECT, "# Data\n{\"a\": 1}\n", "{'data': {'a': 1}}", NULL},
	{"an array for an object", OBJECT, "# Data\n[1]\n", "{}", "output data: expected an object, found \"[1]\""},
	{"an object with a name twice", OBJECT, "# Data\n{\"a\": 1, \"a\": 2}\n", "{}", "expected an object"},

	/* the whole answer */
	{"code", CODE ",'output_format':'code'", "a = 1\n", "{'code': 'a = 1\\n'}", NULL},
	{"no code", CODE ",'output_format':'code'", " \n", "{}", "output code: it is missing"},
	{"plain text", STRING ",'output_format':'plaintext'", "# Other\nx", "{'text': '# Other\\nx'}", NULL},
	{"plain text with two outputs", TWO ",'output_format':'plaintext'", "# Architecture\nx\n# Components\n- a", "{'architecture': 'x', 'components': ['a']}", NULL},
	{"markdown needs its section", STRING ",'output_format':'markdown'", "x", "{}", "it is missing"},
};

/* Are they the same, but that ' may be "?  want may be only a beginning if it has no end. */
static bool
same(const char *got, const char *want)
{
	for (; *want; got++, want++)
	{
		if (*got != (*want == '\'' ? '"' : *want))
			return false;
	}
	return *got == '\0' || want[-1] != '}';
}

static void
test_answers(void)
{
	size_t		i;

	for (i = 0; i < lengthof(answers); i++)
	{
		WorkflowPlan *plan = plan_with(answers[i].members);
		size_t		len = strlen(answers[i].answer);
		char	   *copy = malloc(len + (len == 0));
		Buf			outputs;
		Buf			problem;
		bool		good = false;

		memcpy(copy, answers[i].answer, len);
		buf_init(&outputs, 0);
		buf_init(&problem, 0);
		if (plan)
			good = plan_step_outputs(&plan->steps[0], copy, len, &outputs, &problem);
		ok(good == (answers[i].problem == NULL), answers[i].name);
		if (!ok(same(buf_text(&outputs), answers[i].outputs), "its outputs"))
			unit_show("got", buf_text(&outputs));
		if (!ok(answers[i].problem ? strstr(buf_text(&problem), answers[i].problem) != NULL : problem.len == 0, "what is told"))
			unit_show("got", buf_text(&problem));
		plan_free(plan);
		free(copy);
		buf_free(&outputs);
		buf_free(&problem);
	}
}

static void
test_asking(void)
{
	WorkflowPlan *plan = plan_with("'outputs':{'a':{'type':'string','description':'An \\\\ a'},'n':'number','e':{'type':'enum','values':['x','y']}}");
	Buf			out;

	buf_init(&out, 0);
	plan_step_schema(&plan->steps[0], &out);
	is_text(buf_text(&out), "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\",\"description\":\"An \\\\ a\"},"
			"\"n\":{\"type\":\"number\"},\"e\":{\"type\":\"string\",\"enum\":[\"x\",\"y\"]}},\"required\":[\"a\",\"n\",\"e\"],"
			"\"additionalProperties\":false}", "a schema that a vendor can be held to");
	plan_free(plan);

	plan = plan_with("'outputs':{'a':{'type':'string','required':false},'o':'object','l':{'type':'array','required':false}}");
	buf_reset(&out);
	plan_step_schema(&plan->steps[0], &out);
	is_text(buf_text(&out), "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"},\"o\":{\"type\":\"object\"},\"l\":{\"type\":\"array\"}},"
			"\"required\":[\"o\"]}", "a schema that is open");
	buf_reset(&out);
	plan_step_instructions(&plan->steps[0], &out);
	ok(strstr(out.data, "## a\n\nText. Further headings in it are of level 3 or lower. This section may be left out.\n\n## o\n\nOne JSON object") != NULL, "instructions");
	plan_free(plan);

	plan = plan_with("'outputs':{'a':{'type':'string','required':false}}");
	buf_reset(&out);
	plan_step_schema(&plan->steps[0], &out);
	is_text(buf_text(&out), "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}}}", "a schema without anything required");
	plan_free(plan);

	plan = plan_with("'outputs':{'f':{'type':'string','file_name':'a.py','description':'The code.'},'n':'number','b':'boolean','e':{'type':'enum','values':['x','y']},'l':'array'}");
	buf_reset(&out);
	plan_step_instructions(&plan->steps[0], &out);
	is_text(buf_text(&out), "Write the answer in Markdown, with a section for each of the following. The heading of each section is exactly the one given here.\n"
			"\n## f\n\nThe code.\nThe content of the file a.py, in one fenced code block.\n"
			"\n## n\n\nA number and nothing else, as in 0.85.\n"
			"\n## b\n\nThe word true or the word false, and nothing else.\n"
			"\n## e\n\nOne of these, and nothing else: x, y\n"
			"\n## l\n\nA list, each item on a line that begins with \"- \"; or one JSON array, in one fenced code block.\n", "all instructions");
	plan_free(plan);

	plan = plan_with("");
	buf_reset(&out);
	plan_step_schema(&plan->steps[0], &out);
	plan_step_instructions(&plan->steps[0], &out);
	is_text(buf_text(&out), "", "nothing is asked for where nothing is declared");
	plan_free(plan);

	plan = plan_with(CODE ",'output_format':'code'");
	plan_step_instructions(&plan->steps[0], &out);
	is_text(buf_text(&out), "", "nor where the output is the whole answer");
	plan_free(plan);
	buf_free(&out);
}

static const struct
{
	const char *name;
	const char *answer;
	int			percent;
	const char *missing;
}			complete[] = {
	{"nothing", "", 0, "Executive Summary, Risks, 3. Cost, API-Contracts"},
	{"all, as headings", "# 1. Executive summary\n## Risks:\n### Cost\nx\n## **api_contracts**\n", 100, ""},
	{"half", "# Executive Summary\n# Cost\n", 50, "Risks, API-Contracts"},
	{"one in code", "# Risks\n```\n# Cost\n```", 25, "Executive Summary, 3. Cost, API-Contracts"},
	{"members", "{\"executive_summary\": 1, \"Risks\": 2, \"cost\": null, \"apiContracts\": []}", 100, ""},
	{"members of members", "{\"x\": {\"risks\": 2}}", 0, "Executive Summary, Risks, 3. Cost, API-Contracts"},
	{"members and headings", "# Risks\n```json\n{\"cost\": 1}\n```", 50, "Executive Summary, API-Contracts"},
	{"words", "Risks and Cost", 0, "Executive Summary, Risks, 3. Cost, API-Contracts"},
};

static void
test_completeness(void)
{
	static const char *const sections[] = {"Executive Summary", "Risks", "3. Cost", "API-Contracts"};
	Buf			missing;
	size_t		i;

	buf_init(&missing, 0);
	for (i = 0; i < lengthof(complete); i++)
	{
		buf_reset(&missing);
		is_int((int64_t) (100 * plan_completeness(sections, 4, complete[i].answer, strlen(complete[i].answer), &missing)),
			   complete[i].percent, complete[i].name);
		is_text(buf_text(&missing), complete[i].missing, "what is missing");
	}
	buf_reset(&missing);
	ok(plan_completeness(NULL, 0, "x", 1, &missing) == 1 && missing.len == 0, "nothing required");
	buf_free(&missing);
}

static const struct
{
	const char *text;
	const char *key;
}			keys[] = {
	{"Executive Summary", "executivesummary"},
	{" 12.3.4) A_b-C ", "abc"},
	{"2024", "2024"},
	{"2024 results", "results"},
	{"3D model", "3dmodel"},
	{"C++", "c"},
	{"", ""},
	{"***", ""},
	{"\xC3\x84rger \xE2\x80\x93 \xC3\xA4", "\xC3\x84rger\xC3\xA4"},
	{"\xF0\x9F\x9A\x80 Go \xE2\x9C\x85\xEF\xB8\x8F", "go"},
	{"a\xFF" "b\xE2\x80", "ab"},
};

static void
test_keys(void)
{
	size_t		i;
	char		longest[SECTION_KEY_MAX + 2];
	SectionKey	key;

	for (i = 0; i < lengthof(keys); i++)
	{
		Buf			text;

		buf_init(&text, 0);
		section_key(keys[i].text, strlen(keys[i].text), &key);
		buf_append(&text, key.text, key.len);
		is_text(buf_text(&text), keys[i].key, keys[i].text);
		buf_free(&text);
	}
	memset(longest, 'a', sizeof(longest));
	section_key(longest, SECTION_KEY_MAX, &key);
	is_int((int64_t) key.len, SECTION_KEY_MAX, "the longest key");
	section_key(longest, SECTION_KEY_MAX + 1, &key);
	is_int((int64_t) key.len, 0, "a longer one is none");
}

/* Work and memory stay within bounds. */
static void
test_large(void)
{
	WorkflowPlan *plan = plan_with(TWO);
	Buf			answer;
	Buf			outputs;
	Buf			problem;
	int			i;

	buf_init(&answer, 0);
	buf_init(&outputs, 0);
	buf_init(&problem, 0);
	for (i = 0; i < 300000; i++)
		buf_puts(&answer, "# a\n- ");
	ok(!plan_step_outputs(&plan->steps[0], answer.data, answer.len, &outputs, &problem), "a great many headings");
	buf_reset(&outputs);
	buf_reset(&answer);
	buf_puts(&answer, "# components\n");
	for (i = 0; i < 300000; i++)
		buf_puts(&answer, "- \n");
	buf_puts(&answer, "# architecture\nx");
	ok(plan_step_outputs(&plan->steps[0], answer.data, answer.len, &outputs, &problem), "a great many items");
	buf_reset(&outputs);
	buf_reset(&answer);
	for (i = 0; i < 300000; i++)
		buf_puts(&answer, "```\n{");
	ok(!plan_step_outputs(&plan->steps[0], answer.data, answer.len, &outputs, &problem), "a great many fences");
	plan_free(plan);
	buf_free(&answer);
	buf_free(&outputs);
	buf_free(&problem);
}

int
main(void)
{
	test_answers();
	test_asking();
	test_completeness();
	test_keys();
	test_large();
	return unit_done();
}
