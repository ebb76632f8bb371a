/*
 * chain.c
 *		Steps that are claimed by the very transaction that queues them.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "chain.h"
#include "statements.h"

#define MAX_WANTED	1000		/* with more commands than that, nothing is taken */

typedef struct ChainModel
{
	int64		model_id;
	int64		places;			/* that it has left */
	TimestampTz first;			/* place of the first one that waits for it; DT_NOEND = nobody does */
} ChainModel;

static Datum
column(int row, int number, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, number, isnull);
}

static int
compare_ids(const void *a, const void *b)
{
	int64		x = *(const int64 *) a;
	int64		y = *(const int64 *) b;

	return (x > y) - (x < y);
}

/* Commands that are not applied yet, those of this transaction among them. */
static void
find_wanted(Chain *chain)
{
	bool		isnull;

	statement_run(STATEMENT_WANTED_EXECUTIONS, NULL, NULL);
	chain->nwanted = (int) SPI_processed;
	chain->wanted = palloc(Max(1, chain->nwanted) * sizeof(int64));
	for (int i = 0; i < chain->nwanted; i++)
		chain->wanted[i] = DatumGetInt64(column(i, 1, &isnull));
	qsort(chain->wanted, chain->nwanted, sizeof(int64), compare_ids);
	if (chain->nwanted >= MAX_WANTED)
		chain->places = 0;
}

Chain *
chain_begin(int64 epoch, int places, int64 tokens, const ModelUse *uses, int nuses)
{
	Chain	   *chain = palloc0(sizeof(Chain));

	chain->context = CurrentMemoryContext;
	chain->epoch = epoch;
	chain->places = places;
	chain->tokens = tokens;
	chain->uses = uses;
	chain->nuses = nuses;
	chain->taken = palloc(Max(1, places) * sizeof(ChainedStep));
	return chain;
}

static ChainModel *
find_model(const Chain *chain, int64 model_id)
{
	ListCell   *lc;

	foreach(lc, chain->models)
	{
		ChainModel *model = lfirst(lc);

		if (model->model_id == model_id)
			return model;
	}
	return NULL;
}

/* What is in use now leaves less of what the model has in all. */
static int64
places_left(const Chain *chain, int64 model_id, int64 places)
{
	for (int i = 0; i < chain->nuses; i++)
	{
		if (chain->uses[i].model_id == model_id)
			return chain->uses[i].blocked ? 0 : places - chain->uses[i].in_flight;
	}
	return places;
}

void
chain_look(Chain *chain, int64 model_id)
{
	Datum		args[1] = {Int64GetDatum(model_id)};
	MemoryContext caller;
	ChainModel *model;
	bool		unlimited = true;
	bool		nobody = true;

	if (model_id == 0 || find_model(chain, model_id) != NULL)
		return;
	caller = MemoryContextSwitchTo(chain->context);
	/* Where nothing follows, as with tasks, it is not asked for. */
	if (chain->wanted == NULL)
		find_wanted(chain);
	model = palloc0(sizeof(ChainModel));
	model->model_id = model_id;
	statement_run(STATEMENT_MODEL_PLACES, args, NULL);
	if (SPI_processed == 1)
	{
		int64		most = DatumGetInt32(column(0, 1, &unlimited));

		model->places = places_left(chain, model_id, unlimited ? PG_INT32_MAX : most);
		model->first = DatumGetTimestampTz(column(0, 2, &nobody));
	}
	if (nobody)
		model->first = DT_NOEND;
	chain->models = lappend(chain->models, model);
	MemoryContextSwitchTo(caller);
}

bool
chain_take(Chain *chain, int64 execution_id, int32 step_no, int64 model_id, TimestampTz order_at, int64 tokens)
{
	ChainModel *model = find_model(chain, model_id);

	if (model == NULL || model->places <= 0 || chain->ntaken >= chain->places || order_at > model->first ||
		tokens > chain->tokens ||
		bsearch(&execution_id, chain->wanted, chain->nwanted, sizeof(int64), compare_ids) != NULL)
		return false;
	model->places--;
	chain->tokens -= tokens;
	chain->taken[chain->ntaken].execution_id = execution_id;
	chain->taken[chain->ntaken++].step_no = step_no;
	return true;
}
