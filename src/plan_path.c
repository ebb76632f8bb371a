/*
 * plan_path.c
 *		The names that a condition uses.
 *
 * Whether a condition is an SQL/JSON path, PostgreSQL says. Here its text is only
 * looked through for $name, $steps.name.output and $.name, as PostgreSQL cuts it
 * into tokens: a name that does not exist would make the condition unknown, which
 * does not hold, and nobody would ever learn why.
 */
#include "plan_private.h"

#include <string.h>

#include "near.h"

static const char *const variable_words[] = {
	"inputs", "steps", "iteration", "retry_count", NULL
};

typedef struct Path
{
	Reader	   *reader;
	int			self;
	bool		in_rule;
	const char *what;			/* when, if */
	const StepSet *sees;
	const char *p;
} Path;

/* A name in a path: an identifier, or in quotes. */
typedef struct PathName
{
	const char *text;
	size_t		len;
	bool		escaped;		/* it holds escapes, and is not what it stands for */
} PathName;

/* What ends an identifier. */
static bool
is_special(char c)
{
	return c == '\0' || strchr("?%$.[]{}()|&!=<>@#,*:-+/\" \t\n\r\f", c) != NULL;
}

static void
skip_space(Path *path)
{
	for (;;)
	{
		const char *end;

		while (*path->p != '\0' && strchr(" \t\n\r\f", *path->p) != NULL)
			path->p++;
		if (path->p[0] != '/' || path->p[1] != '*')
			return;
		end = strstr(path->p + 2, "*/");
		path->p = end ? end + 2 : path->p + strlen(path->p);
	}
}

static PathName
take_quoted(Path *path)
{
	PathName	name = {path->p + 1, 0, false};

	for (path->p++; *path->p != '\0' && *path->p != '"'; path->p++)
	{
		if (*path->p == '\\' && path->p[1] != '\0')
		{
			name.escaped = true;
			path->p++;
		}
	}
	name.len = (size_t) (path->p - name.text);
	if (*path->p == '"')
		path->p++;
	return name;
}

static PathName
take_identifier(Path *path)
{
	PathName	name = {path->p, 0, false};

	while (!is_special(*path->p))
	{
		name.escaped |= *path->p == '\\';
		path->p++;
	}
	name.len = (size_t) (path->p - name.text);
	return name;
}

static PathName
take_name(Path *path)
{
	return *path->p == '"' ? take_quoted(path) : take_identifier(path);
}

/* The name behind a point; false, and nothing is taken, if none stands there. */
static bool
take_member(Path *path, PathName *name)
{
	const char *start = path->p;

	skip_space(path);
	if (*path->p == '.')
	{
		path->p++;
		skip_space(path);
		*name = take_name(path);
		skip_space(path);
		if (name->len > 0 && *path->p != '(')
			return true;
	}
	path->p = start;
	return false;
}

static bool
is_name(const PathName *name, const char *word)
{
	return strlen(word) == name->len && memcmp(word, name->text, name->len) == 0;
}

/* ---- $.name and $inputs.name ---- */

static void
check_root_name(Path *path, const PathName *name)
{
	Reader	   *reader = path->reader;
	const StepNotes *notes = &reader->notes[path->self];
	Near		near;

	if (plan_declared(notes->inputs, name->text, name->len) != PLAN_UNSET ||
		plan_declared(reader->inputs, name->text, name->len) != PLAN_UNSET)
		return;
	if (path->in_rule && (is_name(name, "output") ||
						  plan_declared(notes->outputs, name->text, name->len) != PLAN_UNSET))
		return;
	near_init(&near, name->text, name->len);
	plan_offer_members(reader, &near, notes->inputs);
	plan_offer_members(reader, &near, reader->inputs);
	if (path->in_rule)
		plan_offer_members(reader, &near, notes->outputs);
	plan_tell_near(reader, near.best, path->in_rule ?
				   "Declare it in the outputs of the step; what other steps found is $steps.name.output." :
				   "Map it in the inputs of the step; what other steps found is $steps.name.output.",
				   "%s: $.%s is neither declared nor mapped", path->what, plan_quote(reader, name->text, name->len));
}

static void
check_input_name(Path *path, const PathName *name)
{
	Reader	   *reader = path->reader;
	Near		near;

	if (plan_declared(reader->inputs, name->text, name->len) != PLAN_UNSET)
		return;
	near_init(&near, name->text, name->len);
	plan_offer_members(reader, &near, reader->inputs);
	plan_tell_near(reader, near.best, "Declare it in the inputs of the workflow.",
				   "%s: the workflow has no input %s", path->what, plan_quote(reader, name->text, name->len));
}

/* ---- $steps.name.output ---- */

static void
check_output_name(Path *path, int step)
{
	Reader	   *reader = path->reader;
	const JsonNode *outputs = reader->notes[step].outputs;
	PathName	name;
	Near		near;

	if (!take_member(path, &name) || name.escaped || is_name(&name, "output") ||
		plan_declared(outputs, name.text, name.len) != PLAN_UNSET)
		return;
	near_init(&near, name.text, name.len);
	plan_offer_members(reader, &near, outputs);
	plan_tell_near(reader, near.best, "Declare it in the outputs of that step; the word output stands for its whole answer.",
				   "%s: step \"%s\" has no output %s", path->what, reader->plan->steps[step].name,
				   plan_quote(reader, name.text, name.len));
}

/* $steps.design-api is a difference: does a step have the name as a whole? */
static bool
tell_dash(Path *path, const PathName *name)
{
	size_t		len = name->len;

	if (name->text[len] != '-')
		return false;
	while (name->text[len] == '-' || !is_special(name->text[len]))
		len++;
	if (plan_lookup_step(path->reader, name->text, len) == PLAN_NO_STEP)
		return false;
	plan_tell(path->reader, "Put a name with - in it into quotes: $steps.\"design-api\".output.",
			  "%s: the name %s has to be quoted in a path", path->what, plan_quote(path->reader, name->text, len));
	return true;
}

static void
check_steps(Path *path)
{
	PathName	name;
	int			step;

	if (!take_member(path, &name) || name.escaped)
	{
		plan_tell(path->reader, "Write $steps.name.output, or $steps.\"name-with-dash\".output.", "%s: name the step behind $steps", path->what);
		return;
	}
	if (plan_lookup_step(path->reader, name.text, name.len) == PLAN_NO_STEP && tell_dash(path, &name))
		return;
	step = plan_step_named(path->reader, path->what, name.text, name.len);
	if (step == PLAN_NO_STEP)
		return;
	plan_check_seen(path->reader, path->self, path->in_rule, path->what, step, path->sees);
	check_output_name(path, step);
}

/* ---- all of it ---- */

static void
check_variable(Path *path)
{
	PathName	name = take_name(path);
	PathName	member;

	if (name.len == 0)
	{
		if (take_member(path, &member) && !member.escaped)
			check_root_name(path, &member);
	}
	else if (is_name(&name, "steps"))
		check_steps(path);
	else if (is_name(&name, "inputs"))
	{
		if (take_member(path, &member) && !member.escaped)
			check_input_name(path, &member);
	}
	else if (!is_name(&name, "iteration") && !is_name(&name, "retry_count"))
		plan_tell_near(path->reader, plan_nearest(name.text, name.len, variable_words),
					   "There are $inputs, $steps, $iteration and $retry_count; $.name is an input or output of the step.",
					   "%s: there is no variable %s", path->what, plan_quote(path->reader, name.text, name.len));
}

void
plan_check_condition(Reader *reader, int self, bool in_rule, const char *what, const char *text, const StepSet *sees)
{
	Path		path = {reader, self, in_rule, what, sees, text};

	for (skip_space(&path); *path.p != '\0'; skip_space(&path))
	{
		if (*path.p == '"')
			take_quoted(&path);
		else if (*path.p++ == '$')
			check_variable(&path);
	}
}
