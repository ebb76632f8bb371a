/*
 * test_output_format.c
 *		Output formats: their names, and what remains of an answer.
 */
#include "output_format.h"
#include "unit.h"

static const char schema_text[] = "{\"required\":[\"a\"]}";

static const struct
{
	const char *name;
	OutputFormat format;
	const char *answer;
	const char *output;			/* NULL: refused, and left as it was */
	const char *problem;		/* a part of it */
}			answers[] = {
	/* kept, whatever they are */
	{"markdown", OUTPUT_MARKDOWN, " # a\r\n```sh\nb\n```\n\n", " # a\r\n```sh\nb\n```\n\n"},
	{"markdown that is one fence", OUTPUT_MARKDOWN, "```\na\n```", "```\na\n```"},
	{"no markdown at all", OUTPUT_MARKDOWN, "", ""},
	{"bad bytes in markdown", OUTPUT_MARKDOWN, "\xFF\xC3", "\xFF\xC3"},
	{"plain text", OUTPUT_PLAINTEXT, " a\n```\nb\n```\n", " a\n```\nb\n```\n"},
	{"no text", OUTPUT_PLAINTEXT, "", ""},

	/* JSON without a fence */
	{"an object", OUTPUT_JSON, "{\"a\":1}", "{\"a\":1}"},
	{"a scalar", OUTPUT_JSON, "1", "1"},
	{"white space around", OUTPUT_JSON, " \r\n\t{\"a\": [ 1 ]}\n\n", "{\"a\": [ 1 ]}"},
	{"a byte-order mark", OUTPUT_JSON, "\xEF\xBB\xBF{}", "{}"},
	{"fences within a string", OUTPUT_JSON, "{\"a\":\"```json\\n{}\\n```\"}", "{\"a\":\"```json\\n{}\\n```\"}"},
	{"a name that comes twice", OUTPUT_JSON, "{\"a\":1,\"a\":2}", "{\"a\":1,\"a\":2}"},
	{"half a surrogate pair", OUTPUT_JSON, "\"\\ud800\"", "\"\\ud800\""},

	/* JSON in a fence */
	{"a fence", OUTPUT_JSON, "```\n{}\n```", "{}"},
	{"a fence with a language", OUTPUT_JSON, "```json\n{\"a\":\n1}\n```", "{\"a\":\n1}"},
	{"another language", OUTPUT_JSON, "```JSON5 title=\"a\"\n{}\n```", "{}"},
	{"a space before the language", OUTPUT_JSON, "``` json\n{}\n```", "{}"},
	{"tildes", OUTPUT_JSON, "~~~json\n{}\n~~~", "{}"},
	{"CRLF", OUTPUT_JSON, "```json\r\n{\r\n}\r\n```\r\n", "{\r\n}"},
	{"white space around the fence", OUTPUT_JSON, "\n\n  ```json\n\n {} \n\n  ```  \n\n", "{}"},
	{"a byte-order mark before the fence", OUTPUT_JSON, "\xEF\xBB\xBF```\n{}\n```", "{}"},
	{"a longer fence", OUTPUT_JSON, "`````\n{}\n`````", "{}"},
	{"a fence closed by a longer one", OUTPUT_JSON, "```\n{}\n````", "{}"},
	{"a fence that is not closed", OUTPUT_JSON, "```json\n{}\n", "{}"},
	{"fences within a string within a fence", OUTPUT_JSON, "```json\n{\"a\":\"\\n```\\n\"}\n```", "{\"a\":\"\\n```\\n\"}"},

	/* what is not JSON */
	{"nothing", OUTPUT_JSON, "", NULL, "the document: the answer is empty; expected a JSON document"},
	{"only white space", OUTPUT_JSON, " \n", NULL, "the answer is empty"},
	{"an empty fence", OUTPUT_JSON, "```json\n```", NULL, "the document is empty"},
	{"only the beginning of a fence", OUTPUT_JSON, "```json", NULL, "the document is empty"},
	{"text", OUTPUT_JSON, "Sorry, I cannot.", NULL, "the document is not JSON: it begins with \"Sorry, I cannot.\""},
	{"text in a fence", OUTPUT_JSON, "```\nSorry\n```", NULL, "it begins with \"Sorry\""},
	{"text before", OUTPUT_JSON, "Here it is:\n{}", NULL, "it begins with \"Here it is:\\n{}\""},
	{"text behind", OUTPUT_JSON, "{}\nThat is all.", NULL, "something follows the document"},
	{"text before a fence", OUTPUT_JSON, "Here it is:\n```json\n{}\n```", NULL,
	"the document: there is text before the fenced block (\"Here it is:\\n\"); answer with the JSON document alone"},
	{"text behind a fence", OUTPUT_JSON, "```json\n{}\n```\nDone.", NULL,
	"the document: there is text behind the fenced block; answer with the JSON document alone"},
	{"two fences", OUTPUT_JSON, "```\n{}\n```\n```\n{}\n```", NULL, "there is text behind the fenced block"},
	{"a fence in one line", OUTPUT_JSON, "```json {}```", NULL, "it begins with \"```json {}```\""},
	{"too short a fence", OUTPUT_JSON, "``\n{}\n``", NULL, "it begins with \"``"},
	{"a fence closed by the other kind", OUTPUT_JSON, "```\n{}\n~~~", NULL, "something follows"},
	{"a fence within a fence", OUTPUT_JSON, "````\n```json\n{}\n```\n````", NULL, "it begins with \"```json"},
	{"two documents", OUTPUT_JSON, "{}{}", NULL, "something follows the document"},
	{"cut off", OUTPUT_JSON, "{\"a\":[1,{\"b\":2", NULL, "the document is cut off, after a[1].b"},
	{"cut off in a fence", OUTPUT_JSON, "```json\n{\"a\":\"b", NULL, "a string has no end"},
	{"a comma too many", OUTPUT_JSON, "[1,]", NULL, "the document is not JSON"},
	{"a comment", OUTPUT_JSON, "{} // done", NULL, "something follows the document"},
	{"bad bytes", OUTPUT_JSON, "\xFF{}", NULL, "it begins with \"\xEF\xBF\xBD{}\""},

	/* code */
	{"code", OUTPUT_CODE, "\n  int a;\n", "\n  int a;\n"},
	{"code in a fence", OUTPUT_CODE, "```c\n  int a;\n\n```\n", "  int a;\n\n"},
	{"code in a fence without a language", OUTPUT_CODE, "```\na\n```", "a\n"},
	{"code between tildes", OUTPUT_CODE, "~~~ python\na\n~~~", "a\n"},
	{"code with CRLF", OUTPUT_CODE, "```c\r\na\r\nb\r\n```\r\n", "a\r\nb\r\n"},
	{"white space around code in a fence", OUTPUT_CODE, "\n\n ```c\n\ta\n ```  \n", "\ta\n"},
	{"an indented line is no fence", OUTPUT_CODE, "```\na\n    ```\nb\n```", "a\n    ```\nb\n"},
	{"code that holds fence marks", OUTPUT_CODE, "```py\nx = \"```\"\ny = 1 ```\n```", "x = \"```\"\ny = 1 ```\n"},
	{"a language word that opens nothing", OUTPUT_CODE, "```py\n\"\"\"\n```sh\n\"\"\"\n```", "\"\"\"\n```sh\n\"\"\"\n"},
	{"a shorter fence within", OUTPUT_CODE, "````md\n```\na\n```\n````", "```\na\n```\n"},
	{"the other kind within", OUTPUT_CODE, "~~~md\n```\na\n```\n~~~", "```\na\n```\n"},
	{"fences within that Markdown would close", OUTPUT_CODE, "```md\n# a\n```sh\nls\n```\nb\n```\n", "# a\n```sh\nls\n```\nb\n"},
	{"nested twice", OUTPUT_CODE, "```md\n```a\n```b\nx\n```\n```\n```", "```a\n```b\nx\n```\n```\n"},
	{"bad bytes in code", OUTPUT_CODE, "```\n\xFF\n```", "\xFF\n"},

	/* fences that belong to the answer, or are not the only ones */
	{"text before code", OUTPUT_CODE, "Here:\n```c\na\n```", "Here:\n```c\na\n```"},
	{"text behind code", OUTPUT_CODE, "```c\na\n```\nDone.", "```c\na\n```\nDone."},
	{"two blocks of code", OUTPUT_CODE, "```c\na\n```\nand\n```c\nb\n```", "```c\na\n```\nand\n```c\nb\n```"},
	{"two blocks with nothing between", OUTPUT_CODE, "```\na\n```\n```\nb\n```", "```\na\n```\n```\nb\n```"},
	{"code in a fence that is not closed", OUTPUT_CODE, "```c\na\n", "```c\na\n"},
	{"code in a fence closed by a shorter one", OUTPUT_CODE, "````c\na\n```", "````c\na\n```"},
	{"inline code", OUTPUT_CODE, "```a```\n```", "```a```\n```"},

	/* no code */
	{"no code", OUTPUT_CODE, "", NULL, "the answer is empty; expected code"},
	{"white space is no code", OUTPUT_CODE, " \n\t\r\n", NULL, "the answer is empty"},
	{"an empty fence is no code", OUTPUT_CODE, "```c\n```", NULL, "the answer is empty"},
	{"a fence around white space is no code", OUTPUT_CODE, "```c\n \n```", NULL, "the answer is empty"},
};

static void
check_answer(OutputFormat format, const JsonSchema *schema, const char *answer, const char *output,
			 const char *problem_part, const char *name)
{
	Buf			got;
	Buf			problem;

	buf_init(&got, 0);
	buf_init(&problem, 0);
	if (*answer)
		buf_puts(&got, answer);
	ok(output_format_check(format, schema, &got, &problem) == (output != NULL), name);
	is_text(buf_text(&got), output ? output : answer, "what remains");
	is_int((int64_t) got.len, (int64_t) strlen(output ? output : answer), "its length");
	if (problem_part == NULL)
		is_text(buf_text(&problem), "", "no problem");
	else if (!ok(strstr(buf_text(&problem), problem_part) != NULL, "the problem"))
		unit_show("got", buf_text(&problem));
	buf_free(&got);
	buf_free(&problem);
}

static void
test_answers(void)
{
	size_t		i;

	for (i = 0; i < lengthof(answers); i++)
		check_answer(answers[i].format, NULL, answers[i].answer, answers[i].output, answers[i].problem,
					 answers[i].name);
}

static void
test_schema(void)
{
	Buf			problem;
	JsonSchema *schema;

	buf_init(&problem, 0);
	schema = json_schema_compile(schema_text, strlen(schema_text), &problem);
	ok(schema != NULL, "a schema");
	check_answer(OUTPUT_JSON, schema, " {\"a\":1}\n", "{\"a\":1}", NULL, "a valid answer");
	check_answer(OUTPUT_JSON, schema, "```json\n{\"a\":1}\n```", "{\"a\":1}", NULL, "a valid answer in a fence");
	check_answer(OUTPUT_JSON, schema, "```json\n{\"b\":1}\n```", NULL, "a: is missing, but required", "one that is not valid");
	check_answer(OUTPUT_JSON, schema, "{\"a\":1,\"a\":2}", NULL, "a: this name comes twice", "a name that comes twice");
	check_answer(OUTPUT_JSON, schema, "", NULL, "the answer is empty", "no answer");
	check_answer(OUTPUT_JSON, schema, "Sorry.", NULL, "it begins with \"Sorry.\"", "no JSON");
	check_answer(OUTPUT_CODE, schema, "a", "a", NULL, "code has no schema");
	check_answer(OUTPUT_MARKDOWN, schema, "a", "a", NULL, "nor has markdown");
	json_schema_free(schema);
	buf_free(&problem);
}

static void
repeat(Buf *text, const char *piece, int times)
{
	while (times-- > 0)
		buf_puts(text, piece);
}

static void
test_large(void)
{
	Buf			output;
	Buf			problem;

	buf_init(&output, 0);
	buf_init(&problem, 0);
	buf_puts(&output, "```json\n[0");
	repeat(&output, ",0", 2000000);
	buf_puts(&output, "]\n```\n");
	ok(output_format_check(OUTPUT_JSON, NULL, &output, &problem), "a large document");
	is_int((int64_t) output.len, 4000003, "without its fence");

	buf_reset(&output);
	repeat(&output, "```a\n", 1000000);
	repeat(&output, "```\n", 1000000);
	ok(output_format_check(OUTPUT_CODE, NULL, &output, &problem), "a great many fences");

	buf_reset(&output);
	repeat(&output, "[", 100000);
	ok(!output_format_check(OUTPUT_JSON, NULL, &output, &problem), "nested too deeply");
	is_text(buf_text(&problem), "the document is not JSON: nested too deeply", "which is said");
	is_int((int64_t) output.len, 100000, "and the answer is left");
	buf_free(&output);
	buf_free(&problem);
}

static void
test_names(void)
{
	static const struct
	{
		const char *word;
		OutputFormat format;
		const char *name;
	}			cases[] = {
		{"markdown", OUTPUT_MARKDOWN, "markdown"}, {"md", OUTPUT_MARKDOWN, "markdown"},
		{"json", OUTPUT_JSON, "json"}, {"code", OUTPUT_CODE, "code"},
		{"plaintext", OUTPUT_PLAINTEXT, "plaintext"}, {"txt", OUTPUT_PLAINTEXT, "plaintext"},
	};
	static const char *const others[] = {"", "Markdown", "JSON", "text", "jso", "json ", "markdownx", "html"};
	OutputFormat format;
	size_t		i;

	for (i = 0; i < lengthof(cases); i++)
	{
		ok(output_format_parse(cases[i].word, &format) && format == cases[i].format, cases[i].word);
		is_text(output_format_name(cases[i].format), cases[i].name, "its name");
	}
	for (i = 0; i < lengthof(others); i++)
		ok(!output_format_parse(others[i], &format), "another word");
	ok(output_format_instructions(OUTPUT_MARKDOWN) == NULL, "markdown needs no words");
	ok(strstr(output_format_instructions(OUTPUT_JSON), "JSON") != NULL, "JSON does");
	ok(strstr(output_format_instructions(OUTPUT_PLAINTEXT), "plain text") != NULL, "plain text does");
	ok(strstr(output_format_instructions(OUTPUT_CODE), "code") != NULL, "code does");
}

int
main(void)
{
	test_answers();
	test_schema();
	test_large();
	test_names();
	return unit_done();
}
