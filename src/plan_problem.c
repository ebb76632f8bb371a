/*
 * plan_problem.c
 *		What is wrong with a definition, in words, and the way out.
 *
 * A problem begins with its place within the step ("rule 2: ..."). What an author
 * wrote is quoted and clipped, so that a message stays a line. After many
 * problems, the rest is only counted as one more.
 */
#include "plan_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define QUOTED_MAX	70

void *
plan_alloc(Reader *reader, size_t count, size_t size)
{
	void	   *memory = json_tree_alloc(reader->tree, (count > 0 ? count : 1) * size);

	if (memory == NULL)
		reader->failed = true;
	return memory;
}

const char *
plan_quote(Reader *reader, const char *text, size_t len)
{
	Buf		   *out = &reader->quoted[reader->last_quoted ^= 1];
	Buf			clipped;

	buf_init(&clipped, 0);
	json_put_clipped(&clipped, text, len, QUOTED_MAX);
	buf_reset(out);
	buf_json_string(out, buf_text(&clipped), clipped.len);
	buf_free(&clipped);
	return buf_text(out);
}

/* ---- the place ---- */

void
plan_at_step(Reader *reader, int step)
{
	reader->step = step == PLAN_NO_STEP ? NULL : reader->plan->steps[step].name;
	plan_at(reader, NULL);
}

void
plan_at(Reader *reader, const char *place)
{
	reader->place = place;
	reader->place_name = NULL;
	reader->place_no = 0;
}

void
plan_at_no(Reader *reader, const char *place, int no)
{
	plan_at(reader, place);
	reader->place_no = no;
}

void
plan_at_name(Reader *reader, const char *place, const char *name)
{
	plan_at(reader, place);
	reader->place_name = name;
}

/* ---- telling ---- */

static void
put_place(Reader *reader)
{
	if (reader->place == NULL)
		return;
	buf_puts(&reader->words, reader->place);
	if (reader->place_name)
		buf_printf(&reader->words, " %s", plan_quote(reader, reader->place_name, strlen(reader->place_name)));
	if (reader->place_no > 0)
		buf_printf(&reader->words, " %d", reader->place_no);
	buf_puts(&reader->words, ": ");
}

/* False: so many were told already that this one is not. */
static bool
begin_problem(Reader *reader)
{
	reader->nproblems++;
	if (reader->nproblems == PLAN_MAX_PROBLEMS)
		reader->problem(reader->arg, NULL, "there are more problems than are shown",
						"Mend those that are shown, and look again.");
	return reader->nproblems < PLAN_MAX_PROBLEMS;
}

static void tell(Reader *reader, const char *near, const char *hint, const char *fmt, va_list args)
			__attribute__((format(printf, 4, 0)));

static void
tell(Reader *reader, const char *near, const char *hint, const char *fmt, va_list args)
{
	char		text[4096];

	/* the arguments may be quoted texts, which putting the place would overwrite */
	vsnprintf(text, sizeof(text), fmt, args);
	buf_reset(&reader->words);
	put_place(reader);
	buf_puts(&reader->words, text);
	buf_reset(&reader->hint);
	if (near)
		buf_printf(&reader->hint, "Perhaps you meant \"%s\".%s", near, hint ? " " : "");
	if (hint)
		buf_puts(&reader->hint, hint);
	if (reader->words.failed || reader->hint.failed)
		reader->failed = true;
	reader->problem(reader->arg, reader->step, buf_text(&reader->words), buf_text(&reader->hint));
}

void
plan_tell(Reader *reader, const char *hint, const char *fmt,...)
{
	va_list		args;

	if (!begin_problem(reader))
		return;
	va_start(args, fmt);
	tell(reader, NULL, hint, fmt, args);
	va_end(args);
}

void
plan_tell_near(Reader *reader, const char *near, const char *hint, const char *fmt,...)
{
	va_list		args;

	if (!begin_problem(reader))
		return;
	va_start(args, fmt);
	tell(reader, near, hint, fmt, args);
	va_end(args);
}
