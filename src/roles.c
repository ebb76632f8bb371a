/*
 * roles.c
 *		The roles whose rights the current user has, which every policy asks for.
 *
 * A cluster may have thousands of roles, a view may run a query of ours for each
 * of its rows, and a policy is asked for each row of them all. So they are kept,
 * sorted, until a role or a membership changes: as PostgreSQL keeps its own.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "compat.h"
#include "roles.h"

typedef struct RoleName
{
	int			length;
	const char *bytes;
} RoleName;

static Oid	kept_for = InvalidOid;	/* whose roles they are; none = to be looked up */
static MemoryContext kept_in = NULL;
static RoleName *names;				/* sorted */
static int	name_count;
static bool reads_all;			/* the rows of every owner */
static uint64 changes = 0;		/* how often roles have changed */

/* A plan that finds few rows by an index would not find all for who reads all by now. */
static void
forget_roles(Datum arg, int cacheid, uint32 hashvalue)
{
	kept_for = InvalidOid;
	changes++;
	if (cacheid != DATABASEOID)
		ResetPlanCache();
}

/* The owner of the database has the rights of pg_database_owner. */
static void
watch_roles(void)
{
	kept_in = AllocSetContextCreate(TopMemoryContext, "agent_studio roles", ALLOCSET_SMALL_SIZES);
	CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, forget_roles, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHOID, forget_roles, (Datum) 0);
	CacheRegisterSyscacheCallback(DATABASEOID, forget_roles, (Datum) 0);
}

static int
compare_names(const void *a, const void *b)
{
	const RoleName *one = a;
	const RoleName *other = b;

	if (one->length != other->length)
		return one->length < other->length ? -1 : 1;
	return memcmp(one->bytes, other->bytes, one->length);
}

static void
add_name(const char *role, int *room)
{
	if (name_count == *room)
		names = repalloc(names, (*room *= 2) * sizeof(RoleName));
	names[name_count].bytes = pstrdup(role);
	names[name_count].length = strlen(role);
	name_count++;
}

static void
look_up_roles(Oid user)
{
	MemoryContext old = MemoryContextSwitchTo(kept_in);
	Relation	authid = table_open(AuthIdRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(authid, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;
	Oid			monitor = get_role_oid("agent_studio_monitor", true);
	int			room = 32;

	reads_all = OidIsValid(monitor) && has_privs_of_role(user, monitor);
	name_count = 0;
	names = palloc(room * sizeof(RoleName));
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_authid role = (Form_pg_authid) GETSTRUCT(tuple);

		if (has_privs_of_role(user, role->oid))
			add_name(NameStr(role->rolname), &room);
	}
	systable_endscan(scan);
	table_close(authid, AccessShareLock);
	qsort(names, name_count, sizeof(RoleName), compare_names);
	MemoryContextSwitchTo(old);
}

void
roles_know(void)
{
	Oid			user = GetUserId();
	uint64		seen;

	if (kept_for == user)
		return;
	if (kept_in == NULL)
		watch_roles();
	kept_for = InvalidOid;
	MemoryContextReset(kept_in);
	seen = changes;
	look_up_roles(user);
	/* What changed while they were looked up may not be among them. */
	if (changes == seen)
		kept_for = user;
}

bool
roles_read_all(void)
{
	return reads_all;
}

bool
roles_include(const text *name)
{
	RoleName	wanted = {VARSIZE_ANY_EXHDR(name), VARDATA_ANY(name)};

	return bsearch(&wanted, names, name_count, sizeof(RoleName), compare_names) != NULL;
}

int
roles_count(void)
{
	return name_count;
}

Datum
roles_as_array(void)
{
	ArrayBuildState *roles = initArrayResult(TEXTOID, CurrentMemoryContext, false);

	for (int i = 0; i < name_count; i++)
		roles = accumArrayResult(roles, PointerGetDatum(cstring_to_text_with_len(names[i].bytes, names[i].length)),
								 false, TEXTOID, CurrentMemoryContext);
	return makeArrayResult(roles, CurrentMemoryContext);
}

PG_FUNCTION_INFO_V1(agent_studio_my_roles);
Datum
agent_studio_my_roles(PG_FUNCTION_ARGS)
{
	roles_know();
	PG_RETURN_DATUM(roles_as_array());
}

/*
 * What an index is asked for. The planner has asked for nothing where somebody reads all, so
 * this plan was made for another: a cursor that has changed hands.
 */
void
roles_check_plan(void)
{
	roles_know();
	if (reads_all)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("this query was planned for a role that sees little, and is executed by one that reads everything"),
				 errhint("Open the cursor, or prepare the statement, as the role that fetches from it.")));
}

PG_FUNCTION_INFO_V1(agent_studio_planned_roles);
Datum
agent_studio_planned_roles(PG_FUNCTION_ARGS)
{
	roles_check_plan();
	PG_RETURN_DATUM(roles_as_array());
}
