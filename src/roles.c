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
#include "utils/rel.h"
#include "utils/syscache.h"

typedef struct RoleName
{
	int			length;
	const char *bytes;
} RoleName;

static Oid	kept_for = InvalidOid;	/* whose roles they are; none = to be looked up */
static MemoryContext kept_in = NULL;
static RoleName *names;				/* sorted */
static int	name_count;
static uint64 changes = 0;		/* how often roles have changed */

static void
forget_roles(Datum arg, int cacheid, uint32 hashvalue)
{
	kept_for = InvalidOid;
	changes++;
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
	int			room = 32;

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

static void
know_roles(void)
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

static bool
is_mine(const text *role)
{
	RoleName	wanted = {VARSIZE_ANY_EXHDR(role), VARDATA_ANY(role)};

	return bsearch(&wanted, names, name_count, sizeof(RoleName), compare_names) != NULL;
}

PG_FUNCTION_INFO_V1(agent_studio_my_roles);
Datum
agent_studio_my_roles(PG_FUNCTION_ARGS)
{
	ArrayBuildState *roles = initArrayResult(TEXTOID, CurrentMemoryContext, false);

	know_roles();
	for (int i = 0; i < name_count; i++)
		roles = accumArrayResult(roles, PointerGetDatum(cstring_to_text_with_len(names[i].bytes, names[i].length)),
								 false, TEXTOID, CurrentMemoryContext);
	PG_RETURN_DATUM(makeArrayResult(roles, CurrentMemoryContext));
}

/* Whether a row of that owner and team is the current user's to see. */
PG_FUNCTION_INFO_V1(agent_studio_sees);
Datum
agent_studio_sees(PG_FUNCTION_ARGS)
{
	know_roles();
	PG_RETURN_BOOL((!PG_ARGISNULL(0) && is_mine(PG_GETARG_TEXT_PP(0)))
				   || (!PG_ARGISNULL(1) && is_mine(PG_GETARG_TEXT_PP(1))));
}
