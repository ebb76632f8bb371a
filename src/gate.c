/*
 * gate.c
 *		The one way from a user's call to a function that writes.
 *
 * Users hold no write privilege on our tables. Every public writing function, and
 * what reads for users that which they may not read themselves, is
 * agent_studio_gate under its own SQL name: it takes the calling role as the
 * actor (right under SET ROLE, poolers, and a user's own definer function),
 * finds the function of the same name in agent_studio_private whose arguments
 * are the actor and then its own, and calls that as the extension's owner.
 * Nobody else may execute those bodies.
 *
 * Errors that a body raises on purpose are for the caller, so they lose the
 * body's CONTEXT lines; an error that it did not mean keeps them.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "agent_studio.h"

#define PRIVATE_SCHEMA	"agent_studio_private"

typedef struct Gate
{
	FmgrInfo	body;
	Oid			owner;			/* the extension's owner, who owns the body */
	bool		writes;			/* its body is VOLATILE */
} Gate;

static Oid
find_body(Form_pg_proc gate)
{
	Oid			types[FUNC_MAX_ARGS];
	Oid			body;

	if (gate->pronargs >= FUNC_MAX_ARGS)
		elog(ERROR, "function %s has too many arguments for a gate", NameStr(gate->proname));
	types[0] = TEXTOID;
	memcpy(&types[1], gate->proargtypes.values, gate->pronargs * sizeof(Oid));
	body = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid,
						   PointerGetDatum(NameStr(gate->proname)),
						   PointerGetDatum(buildoidvector(types, gate->pronargs + 1)),
						   ObjectIdGetDatum(get_namespace_oid(PRIVATE_SCHEMA, false)));
	if (!OidIsValid(body))
		elog(ERROR, "function %s has no body in schema %s", NameStr(gate->proname), PRIVATE_SCHEMA);
	return body;
}

static Oid
function_owner(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", function);
	owner = ((Form_pg_proc) GETSTRUCT(tuple))->proowner;
	ReleaseSysCache(tuple);
	return owner;
}

/* Looked up once for each place in a query from which the gate is called. */
static void
open_gate(FmgrInfo *flinfo)
{
	Gate	   *gate;
	HeapTuple	tuple;
	Oid			body;

	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(flinfo->fn_oid));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", flinfo->fn_oid);
	body = find_body((Form_pg_proc) GETSTRUCT(tuple));
	ReleaseSysCache(tuple);

	gate = MemoryContextAllocZero(flinfo->fn_mcxt, sizeof(Gate));
	fmgr_info_cxt(body, &gate->body, flinfo->fn_mcxt);
	gate->owner = function_owner(body);
	gate->writes = func_volatile(body) == PROVOLATILE_VOLATILE;

	/* The gate's owner must be the body's: nobody else's gate leads there. */
	if (function_owner(flinfo->fn_oid) != gate->owner)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("this function is not part of extension agent_studio")));
	flinfo->fn_extra = gate;
}

static void
refuse_on_standby(void)
{
	if (RecoveryInProgress())
		ereport(ERROR,
				(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
				 errmsg("this server is a standby: Agent Studio takes no work here"),
				 errhint("Connect to the primary. After a promotion work continues here by itself.")));
}

static Datum
call_body(Gate *gate, FunctionCallInfo fcinfo, char *actor, bool *isnull)
{
	LOCAL_FCINFO(inner, FUNC_MAX_ARGS);
	Datum		result;

	InitFunctionCallInfoData(*inner, &gate->body, fcinfo->nargs + 1, fcinfo->fncollation, NULL, NULL);
	inner->args[0].value = CStringGetTextDatum(actor);
	inner->args[0].isnull = false;
	memcpy(&inner->args[1], fcinfo->args, fcinfo->nargs * sizeof(NullableDatum));
	result = FunctionCallInvoke(inner);
	*isnull = inner->isnull;
	return result;
}

/* Raised by a body, or for it by what checks a definition and its inputs. */
static bool
is_meant_for_caller(const ErrorData *error)
{
	return (error->funcname != NULL && strcmp(error->funcname, "exec_stmt_raise") == 0) ||
		(error->filename != NULL && strcmp(error->filename, "definition.c") == 0);
}

/* Raised again under the caller's context alone, and as the caller. */
static void
rethrow(MemoryContext caller, ErrorContextCallback *outer_context)
{
	ErrorData  *error;

	MemoryContextSwitchTo(caller);
	error = CopyErrorData();
	FlushErrorState();
	error_context_stack = outer_context;
	if (is_meant_for_caller(error))
		error->context = NULL;
	ThrowErrorData(error);
}

static Datum
call_as_owner(Gate *gate, FunctionCallInfo fcinfo, char *actor)
{
	ErrorContextCallback *outer_context = error_context_stack;
	MemoryContext caller = CurrentMemoryContext;
	volatile Datum result = (Datum) 0;
	Oid			save_user;
	int			save_security;

	GetUserIdAndSecContext(&save_user, &save_security);
	SetUserIdAndSecContext(gate->owner, save_security | SECURITY_LOCAL_USERID_CHANGE);
	PG_TRY();
	{
		error_context_stack = NULL;
		result = call_body(gate, fcinfo, actor, &fcinfo->isnull);
	}
	PG_CATCH();
	{
		SetUserIdAndSecContext(save_user, save_security);
		rethrow(caller, outer_context);
	}
	PG_END_TRY();
	error_context_stack = outer_context;
	SetUserIdAndSecContext(save_user, save_security);
	return result;
}

PG_FUNCTION_INFO_V1(agent_studio_gate);
Datum
agent_studio_gate(PG_FUNCTION_ARGS)
{
	Gate	   *gate;

	if (fcinfo->flinfo->fn_extra == NULL)
		open_gate(fcinfo->flinfo);
	gate = fcinfo->flinfo->fn_extra;
	if (gate->writes)
		refuse_on_standby();
	return call_as_owner(gate, fcinfo, GetUserNameFromId(GetUserId(), false));
}
