/*
 * hooks.c
 *		Commands of others that concern our workers.
 *
 * An idle executor is a connection: it makes DROP DATABASE, ALTER DATABASE
 * RENAME and SET TABLESPACE, and CREATE DATABASE with its database as template
 * fail after five seconds. So before such a command the executor of that
 * database is sent away, and kept away until the command has ended; calls in
 * flight are queued again. The same goes for DROP EXTENSION, whose locks would
 * otherwise meet the executor's, and for ALTER EXTENSION UPDATE, after which the
 * tables may be others. Only a role that may run the command can have
 * this effect.
 *
 * Besides, a foreign server's type is checked when it is made: a validator does
 * not see it.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_extension.h"
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "tcop/utility.h"
#include "utils/syscache.h"

#include "agent_studio.h"
#include "compat.h"
#include "endpoint.h"
#include "hooks.h"
#include "shmem.h"
#include "wake.h"

static ProcessUtility_hook_type previous_utility_hook = NULL;
static object_access_hook_type previous_access_hook = NULL;

static bool
may_create_databases(void)
{
	HeapTuple	tuple;
	bool		may;

	if (superuser())
		return true;
	tuple = SearchSysCache1(AUTHOID, ObjectIdGetDatum(GetUserId()));
	if (!HeapTupleIsValid(tuple))
		return false;
	may = ((Form_pg_authid) GETSTRUCT(tuple))->rolcreatedb;
	ReleaseSysCache(tuple);
	return may;
}

static bool
database_is_template(Oid dboid)
{
	HeapTuple	tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(dboid));
	bool		is_template;

	if (!HeapTupleIsValid(tuple))
		return false;
	is_template = ((Form_pg_database) GETSTRUCT(tuple))->datistemplate;
	ReleaseSysCache(tuple);
	return is_template;
}

static DefElem *
find_option(List *options, const char *name)
{
	ListCell   *lc;

	foreach(lc, options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (strcmp(option->defname, name) == 0)
			return option;
	}
	return NULL;
}

static Oid
template_of(CreatedbStmt *stmt)
{
	DefElem    *option = find_option(stmt->options, "template");
	Oid			dboid;

	if (option == NULL || option->arg == NULL)
		return InvalidOid;		/* template1: it has no executor */
	dboid = get_database_oid(defGetString(option), true);
	if (OidIsValid(dboid) && may_create_databases() &&
		(database_is_template(dboid) || compat_owns_database(dboid, GetUserId())))
		return dboid;
	return InvalidOid;
}

static Oid
owned_database(const char *name)
{
	Oid			dboid = get_database_oid(name, true);

	/* None of these commands works from within, so its executor may stay. */
	if (OidIsValid(dboid) && dboid != MyDatabaseId && compat_owns_database(dboid, GetUserId()))
		return dboid;
	return InvalidOid;
}

static bool
drops_our_extension(DropStmt *stmt)
{
	ListCell   *lc;

	if (stmt->removeType != OBJECT_EXTENSION)
		return false;
	foreach(lc, stmt->objects)
	{
		if (strcmp(strVal(lfirst(lc)), AS_EXTENSION) == 0)
			return superuser();
	}
	return false;
}

static bool
updates_our_extension(Node *stmt)
{
	return IsA(stmt, AlterExtensionStmt) &&
		strcmp(((AlterExtensionStmt *) stmt)->extname, AS_EXTENSION) == 0 && superuser();
}

/* The database whose executor must go for this command; InvalidOid = none. */
static Oid
disturbed_database(Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_DropdbStmt:
			return owned_database(((DropdbStmt *) stmt)->dbname);
		case T_RenameStmt:
			if (((RenameStmt *) stmt)->renameType == OBJECT_DATABASE)
				return owned_database(((RenameStmt *) stmt)->subname);
			return InvalidOid;
		case T_AlterDatabaseStmt:
			if (find_option(((AlterDatabaseStmt *) stmt)->options, "tablespace"))
				return owned_database(((AlterDatabaseStmt *) stmt)->dbname);
			return InvalidOid;
		case T_CreatedbStmt:
			return template_of((CreatedbStmt *) stmt);
		case T_DropStmt:
			return drops_our_extension((DropStmt *) stmt) ? MyDatabaseId : InvalidOid;
		case T_AlterExtensionStmt:
			return updates_our_extension(stmt) ? MyDatabaseId : InvalidOid;
		default:
			return InvalidOid;
	}
}

static void
check_new_server(CreateForeignServerStmt *stmt)
{
	if (strcmp(stmt->fdwname, AS_WRAPPER) == 0)
		as_check_server_type(stmt->servertype);
}

static void
run_utility(PlannedStmt *pstmt, const char *queryString, bool readOnlyTree,
			ProcessUtilityContext context, ParamListInfo params, QueryEnvironment *queryEnv,
			DestReceiver *dest, QueryCompletion *qc)
{
	if (previous_utility_hook)
		previous_utility_hook(pstmt, queryString, readOnlyTree, context, params, queryEnv, dest, qc);
	else
		standard_ProcessUtility(pstmt, queryString, readOnlyTree, context, params, queryEnv, dest, qc);
}

static void
process_utility(PlannedStmt *pstmt, const char *queryString, bool readOnlyTree,
				ProcessUtilityContext context, ParamListInfo params, QueryEnvironment *queryEnv,
				DestReceiver *dest, QueryCompletion *qc)
{
	Node	   *stmt = pstmt->utilityStmt;
	NodeTag		tag = nodeTag(stmt);
	Oid			disturbed = InvalidOid;

	if (tag == T_CreateForeignServerStmt)
		check_new_server((CreateForeignServerStmt *) stmt);
	else if (IsTransactionState())
		disturbed = disturbed_database(stmt);

	if (OidIsValid(disturbed))
	{
		as_hold_executor(disturbed);
		as_wait_executor_gone(disturbed);
	}

	/*
	 * What has been done is not seen by others before the commit, and an error
	 * rolls it back: in both cases the hold ends with the transaction.
	 */
	run_utility(pstmt, queryString, readOnlyTree, context, params, queryEnv, dest, qc);
	if (tag == T_CreatedbStmt)
		as_wake_launcher_on_commit();
	if (updates_our_extension(stmt))
		as_probe_database_on_commit();
}

/* DROP SCHEMA ... CASCADE and DROP OWNED reach the extension too. */
static void
object_access(ObjectAccessType access, Oid classId, Oid objectId, int subId, void *arg)
{
	if (previous_access_hook)
		previous_access_hook(access, classId, objectId, subId, arg);
	if (access == OAT_DROP && classId == ExtensionRelationId &&
		objectId == get_extension_oid(AS_EXTENSION, true))
		as_hold_executor(MyDatabaseId);
}

void
as_hooks_install(void)
{
	previous_utility_hook = ProcessUtility_hook;
	ProcessUtility_hook = process_utility;
	previous_access_hook = object_access_hook;
	object_access_hook = object_access;
}
