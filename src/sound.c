/*
 * sound.c
 *		What holds of every row of executions and of steps, whoever writes it.
 *
 * PostgreSQL reads a table's constraints from their text, and compiles them, for each
 * statement that writes to it; a dozen lists and ranges were a quarter of what it takes
 * to submit a task. So each of the two tables has one constraint, which calls one of
 * these functions. What users call has checked and explained before: what is found here
 * is somebody's own INSERT or UPDATE, or a mistake of ours.
 *
 * NULL passes; where there may be none, the column is NOT NULL.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"

#include "compat.h"

static const char *const kinds[] = {"task", "workflow", NULL};
static const char *const statuses[] = {"queued", "running", "paused", "waiting_approval", "completed", "failed", "canceled",
"requires_manual_review", NULL};
static const char *const priorities[] = {"low", "normal", "high", "critical", NULL};
static const char *const states[] = {"pending", "queued", "running", "retrying", "paused", "waiting_approval", "completed", "partial",
"failed", "skipped", "canceled", NULL};
static const char *const verdicts[] = {"passed_over", "skipped_by_hand", "accepted", "completed_by_hand", "manual_review", "went_back",
"handed_off", "approved", NULL};

static bool
is_word(const text *value, const char *word)
{
	return VARSIZE_ANY_EXHDR(value) == strlen(word) && memcmp(VARDATA_ANY(value), word, strlen(word)) == 0;
}

static bool
is_one_of(const text *value, const char *const *words)
{
	while (*words != NULL && !is_word(value, *words))
		words++;
	return *words != NULL;
}

static char *
listed(const char *const *words)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; words[i] != NULL; i++)
		appendStringInfo(&list, "%s%s", i > 0 ? ", " : "", words[i]);
	return list.data;
}

static char *
shortened(const text *value)
{
	return pnstrdup(VARDATA_ANY(value), pg_mbcliplen(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value), 64));
}

static void
check_word(FunctionCallInfo fcinfo, int argument, const char *column, const char *const *words)
{
	if (PG_ARGISNULL(argument) || is_one_of(PG_GETARG_TEXT_PP(argument), words))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 errmsg("%s cannot be \"%s\"", column, shortened(PG_GETARG_TEXT_PP(argument))),
			 errhint("It is one of: %s.", listed(words))));
}

static void
check_range(FunctionCallInfo fcinfo, int argument, const char *column, int low, int high)
{
	if (PG_ARGISNULL(argument) || (PG_GETARG_INT32(argument) >= low && PG_GETARG_INT32(argument) <= high))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 errmsg("%s cannot be %d", column, PG_GETARG_INT32(argument)),
			 errhint("It is from %d to %d.", low, high)));
}

static void
check_share(FunctionCallInfo fcinfo, int argument, const char *column)
{
	float8		share = PG_ARGISNULL(argument) ? 0 : DatumGetFloat8(DirectFunctionCall1(numeric_float8, PG_GETARG_DATUM(argument)));

	if (share >= 0 && share <= 1)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 errmsg("%s cannot be %g", column, share),
			 errhint("It is from 0 to 1.")));
}

/* Of a large one that is stored elsewhere, only the beginning is fetched. */
static bool
is_object(Datum value)
{
	struct varlena *beginning = PG_DETOAST_DATUM_SLICE(value, 0, sizeof(uint32));
	uint32		header;

	memcpy(&header, VARDATA_ANY(beginning), sizeof(header));
	return (header & JB_FOBJECT) != 0;
}

static void
check_object(FunctionCallInfo fcinfo, int argument, const char *column)
{
	if (!PG_ARGISNULL(argument) && !is_object(PG_GETARG_DATUM(argument)))
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("%s has to be a JSON object", column)));
}

static void
check_filled(FunctionCallInfo fcinfo, int argument, const char *column)
{
	if (!PG_ARGISNULL(argument) && toast_raw_datum_size(PG_GETARG_DATUM(argument)) <= VARHDRSZ)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("%s cannot be empty", column)));
}

static void
refuse_execution(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 errmsg("%s", what),
			 errdetail("A task has agent, timeout_seconds and output_format and no workflow; a workflow has workflow and inputs and no agent.")));
}

/* (kind, agent, workflow, timeout_seconds, output_format, inputs, status, priority, max_retries, task, context) */
PG_FUNCTION_INFO_V1(agent_studio_execution_is_sound);
Datum
agent_studio_execution_is_sound(PG_FUNCTION_ARGS)
{
	bool		is_task = !PG_ARGISNULL(0) && is_word(PG_GETARG_TEXT_PP(0), "task");

	check_word(fcinfo, 0, "executions.kind", kinds);
	if (is_task && (PG_ARGISNULL(1) || !PG_ARGISNULL(2) || PG_ARGISNULL(3) || PG_ARGISNULL(4)))
		refuse_execution("this row of executions is no task");
	if (!is_task && (!PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(5)))
		refuse_execution("this row of executions is no run of a workflow");
	check_range(fcinfo, 3, "executions.timeout_seconds", 1, 86400);
	check_object(fcinfo, 5, "executions.inputs");
	check_word(fcinfo, 6, "executions.status", statuses);
	check_word(fcinfo, 7, "executions.priority", priorities);
	check_range(fcinfo, 8, "executions.max_retries", 0, 20);
	check_filled(fcinfo, 9, "executions.task");
	check_object(fcinfo, 10, "executions.context");
	PG_RETURN_BOOL(true);
}

/* (step_no, plan_step, iteration, round, state, verdict, timeout_seconds, max_retries, quality_score) */
PG_FUNCTION_INFO_V1(agent_studio_step_is_sound);
Datum
agent_studio_step_is_sound(PG_FUNCTION_ARGS)
{
	check_range(fcinfo, 0, "steps.step_no", 1, PG_INT32_MAX);
	check_range(fcinfo, 1, "steps.plan_step", 1, PG_INT32_MAX);
	check_range(fcinfo, 2, "steps.iteration", 1, PG_INT32_MAX);
	check_range(fcinfo, 3, "steps.round", 1, PG_INT32_MAX);
	check_word(fcinfo, 4, "steps.state", states);
	check_word(fcinfo, 5, "steps.verdict", verdicts);
	check_range(fcinfo, 6, "steps.timeout_seconds", 1, 86400);
	check_range(fcinfo, 7, "steps.max_retries", 0, 20);
	check_share(fcinfo, 8, "steps.quality_score");
	PG_RETURN_BOOL(true);
}
