/*
 * mine.c
 *		What every policy asks of a row: is it the current user's to see? And what
 *		the planner is told of the answer.
 *
 * A policy is a filter, of which the planner knows nothing by itself: who sees 30 of
 * a million executions would look through the million, and through all of their steps.
 * So the functions that policies call have a support function. It tells how many rows
 * there will be, by the statistics of the columns; and it tells of an index that finds
 * them: executions by the names of the user's roles, and what belongs to executions by
 * their ids, if these are few.
 *
 * What the planner makes of it decides how fast an answer is, not what is in it: the
 * function is asked again for each row that the index has found.
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "nodes/supportnodes.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/selfuncs.h"
#include "utils/syscache.h"

#include "my_executions.h"
#include "roles.h"

/* Whether the current user may see what belongs to a role. */
PG_FUNCTION_INFO_V1(agent_studio_is_mine);
Datum
agent_studio_is_mine(PG_FUNCTION_ARGS)
{
	roles_know();
	PG_RETURN_BOOL(roles_read_all() || roles_include(PG_GETARG_TEXT_PP(0)));
}

/* The same of a row that belongs to an execution, with the owner and the team of that. */
PG_FUNCTION_INFO_V1(agent_studio_is_of_mine);
Datum
agent_studio_is_of_mine(PG_FUNCTION_ARGS)
{
	roles_know();
	PG_RETURN_BOOL(roles_read_all()
				   || (!PG_ARGISNULL(1) && roles_include(PG_GETARG_TEXT_PP(1)))
				   || (!PG_ARGISNULL(2) && roles_include(PG_GETARG_TEXT_PP(2))));
}

/* Each of them is looked for among the most common values: beyond so many it is not worth it. */
#define MAX_ROLES_TO_ESTIMATE 100

/* value = ANY (array) */
static Expr *
is_one_of(Oid equality, Node *value, Expr *array, Oid collation)
{
	ScalarArrayOpExpr *expression = makeNode(ScalarArrayOpExpr);

	expression->opno = equality;
	expression->opfuncid = get_opcode(equality);
	expression->useOr = true;
	expression->inputcollid = collation;
	expression->args = list_make2(value, array);
	expression->location = -1;
	return (Expr *) expression;
}

/* The part of the rows in which a column names one of the user's roles. */
static Selectivity
part_of_mine(SupportRequestSelectivity *request, Node *role)
{
	Const	   *roles = makeConst(TEXTARRAYOID, -1, DEFAULT_COLLATION_OID, -1, roles_as_array(), false, false);
	Expr	   *condition = is_one_of(TextEqualOperator, role, (Expr *) roles, DEFAULT_COLLATION_OID);

	return clause_selectivity(request->root, (Node *) condition, request->varRelid, request->jointype, request->sjinfo);
}

/* Of arguments that are names of roles, the last ones. */
static Selectivity
part_of_mine_in_all(SupportRequestSelectivity *request)
{
	Selectivity others = 1;
	int			first = list_length(request->args) == 1 ? 0 : 1;

	for (int i = first; i < list_length(request->args); i++)
		others *= 1 - part_of_mine(request, list_nth(request->args, i));
	return 1 - others;
}

/* False = the planner has to guess. */
static bool
estimate(SupportRequestSelectivity *request)
{
	if (!roles_read_all() && roles_count() > MAX_ROLES_TO_ESTIMATE)
		return false;
	request->selectivity = roles_read_all() ? 1 : part_of_mine_in_all(request);
	CLAMP_PROBABILITY(request->selectivity);
	return true;
}

/* Of ours, without arguments. By the catalog, which asks for no right: a missing one is an error of the query, not of its plan. */
static Oid
function_of_ours(const char *name)
{
	oidvector  *none = buildoidvector(NULL, 0);

	return GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum(name), PointerGetDatum(none),
						   ObjectIdGetDatum(get_namespace_oid("agent_studio_private", false)));
}

static bool
has_privilege(PGFunction asks, Oid object, const char *privilege)
{
	return DatumGetBool(DirectFunctionCall2(asks, ObjectIdGetDatum(object), CStringGetTextDatum(privilege)));
}

/* Whether he may do what finding his executions takes. */
static bool
may_find_executions(void)
{
	Oid			ours = get_namespace_oid("agent_studio", false);

	return has_privilege(has_schema_privilege_id, ours, "USAGE")
		&& has_privilege(has_schema_privilege_id, get_namespace_oid("agent_studio_private", false), "USAGE")
		&& has_privilege(has_function_privilege_id, function_of_ours("my_roles"), "EXECUTE")
		&& has_privilege(has_table_privilege_id, get_relname_relid("executions", ours), "SELECT");
}

static bool
mentions(Node *clause, Node *column)
{
	List	   *columns = pull_var_clause(clause, PVC_RECURSE_AGGREGATES | PVC_RECURSE_WINDOWFUNCS | PVC_RECURSE_PLACEHOLDERS);

	return list_member(columns, column);
}

/* Another condition than the policy's, or a join. */
static bool
is_bound_by(List *conditions, const SupportRequestIndexCondition *request, Node *column)
{
	ListCell   *lc;

	foreach(lc, conditions)
	{
		RestrictInfo *condition = lfirst_node(RestrictInfo, lc);

		if (!equal(condition->clause, request->node) && condition->orclause == NULL && mentions((Node *) condition->clause, column))
			return true;
	}
	return false;
}

static bool
is_joined(const SupportRequestIndexCondition *request, Node *column)
{
	Relids		here = request->index->rel->relids;
	ListCell   *lc;
	ListCell   *member;

	foreach(lc, request->root->eq_classes)
	{
		EquivalenceClass *class = lfirst_node(EquivalenceClass, lc);

		if (!bms_overlap(class->ec_relids, here) || bms_equal(class->ec_relids, here))
			continue;
		foreach(member, class->ec_members)
		{
			if (equal(lfirst_node(EquivalenceMember, member)->em_expr, column))
				return true;
		}
	}
	return is_bound_by(request->index->rel->joininfo, request, column);
}

/*
 * The ids are told, and sorted, again for each row of an outer side: not where something
 * else leads to the rows of an execution, nor where they are not few by the look of it.
 */
static bool
executions_lead_to_rows(const SupportRequestIndexCondition *request, Node *column)
{
	return !is_bound_by(request->index->rel->baserestrictinfo, request, column)
		&& !is_joined(request, column)
		&& clause_selectivity(request->root, request->node, 0, JOIN_INNER, NULL) < 0.1
		&& may_find_executions() && my_executions_are_few();
}

/* The values that a column can have in the user's rows; NULL = they lead nowhere. They are told when the plan is executed. */
static Expr *
values_of_mine(const SupportRequestIndexCondition *request, Node *column)
{
	Oid			type = exprType(column);
	Oid			function = function_of_ours(type == TEXTOID ? "planned_roles" : "planned_executions");

	if (!has_privilege(has_function_privilege_id, function, "EXECUTE") ||
		(type == INT8OID && !executions_lead_to_rows(request, column)))
		return NULL;
	return (Expr *) makeFuncExpr(function, get_array_type(type), NIL, InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);
}

/* For the first column of an index only: PostgreSQL 15 takes an index for sorted by the others, which it is not with an array here. */
static List *
condition_for_index(SupportRequestIndexCondition *request)
{
	FuncExpr   *call = (FuncExpr *) request->node;
	Node	   *column;
	Oid			equality;
	Expr	   *values;

	if (roles_read_all() || !IsA(call, FuncExpr) || request->indexarg != 0 || request->indexcol != 0 || request->index->relam != BTREE_AM_OID)
		return NIL;
	column = linitial(call->args);
	equality = get_opfamily_member(request->opfamily, exprType(column), exprType(column), BTEqualStrategyNumber);
	values = OidIsValid(equality) ? values_of_mine(request, column) : NULL;
	if (values == NULL)
		return NIL;
	request->lossy = true;
	return list_make1(is_one_of(equality, column, values, request->indexcollation));
}

PG_FUNCTION_INFO_V1(agent_studio_mine_support);
Datum
agent_studio_mine_support(PG_FUNCTION_ARGS)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);
	Node	   *answer = NULL;

	roles_know();
	if (IsA(request, SupportRequestSelectivity) && estimate((SupportRequestSelectivity *) request))
		answer = request;
	else if (IsA(request, SupportRequestIndexCondition))
		answer = (Node *) condition_for_index((SupportRequestIndexCondition *) request);
	PG_RETURN_POINTER(answer);
}
