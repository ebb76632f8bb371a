/*
 * compat.h
 *		The differences between PostgreSQL 15 and 18 that concern us, in one place.
 */
#ifndef AS_COMPAT_H
#define AS_COMPAT_H

#include "postgres.h"

#include "catalog/pg_database.h"
#include "catalog/pg_foreign_server.h"
#include "storage/proc.h"
#include "utils/acl.h"

#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

#if PG_VERSION_NUM < 150000
#error "agent_studio needs PostgreSQL 15 or newer"
#endif

/* Which process: an index into ProcGlobal->allProcs, never a pointer. */
static inline int
compat_my_proc_number(void)
{
#if PG_VERSION_NUM >= 170000
	return MyProcNumber;
#else
	return MyProc->pgprocno;
#endif
}

static inline AclResult
compat_server_aclcheck(Oid serverid, Oid roleid)
{
#if PG_VERSION_NUM >= 160000
	return object_aclcheck(ForeignServerRelationId, serverid, roleid, ACL_USAGE);
#else
	return pg_foreign_server_aclcheck(serverid, roleid, ACL_USAGE);
#endif
}

static inline bool
compat_owns_database(Oid dboid, Oid roleid)
{
#if PG_VERSION_NUM >= 160000
	return object_ownercheck(DatabaseRelationId, dboid, roleid);
#else
	return pg_database_ownercheck(dboid, roleid);
#endif
}

/* In front of a declaration; 18 has it, and no pg_attribute_noreturn() any more. */
#ifndef pg_noreturn
#define pg_noreturn	pg_attribute_noreturn()
#endif

#if PG_VERSION_NUM >= 180000
#define compat_create_wait_set(n)	CreateWaitEventSet(NULL, (n))
#elif PG_VERSION_NUM >= 170000
#define compat_create_wait_set(n)	CreateWaitEventSet(CurrentResourceOwner, (n))
#else
#define compat_create_wait_set(n)	CreateWaitEventSet(TopMemoryContext, (n))
#endif

#endif							/* AS_COMPAT_H */
