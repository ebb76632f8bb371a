/*
 * prices.c
 *		What an attempt has cost, by the price of the moment at which it ended.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "prices.h"
#include "statements.h"

#define TOKENS_OF_PRICE	1000000	/* prices are for so many */
#define COST_TYPMOD		(((20 << 16) | 10) + VARHDRSZ)	/* numeric(20, 10) */

/* 0 for a price = it is not known. */
typedef struct Price
{
	int64		model_id;
	TimestampTz from;
	TimestampTz until;			/* not at this time any more */
	char	   *model;
	Datum		input;
	Datum		cached_input;
	Datum		output;
} Price;

Prices *
prices_begin(void)
{
	Prices	   *prices = palloc0(sizeof(Prices));

	prices->context = CurrentMemoryContext;
	return prices;
}

static Datum
column(int number, bool is_time)
{
	bool		isnull;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, number, &isnull);

	return isnull ? (Datum) 0 : datumCopy(value, is_time, is_time ? sizeof(TimestampTz) : -1);
}

static Price *
look_up(Prices *prices, int64 model_id, TimestampTz at)
{
	Datum		args[2] = {Int64GetDatum(model_id), TimestampTzGetDatum(at)};
	MemoryContext caller = MemoryContextSwitchTo(prices->context);
	Price	   *price = palloc0(sizeof(Price));

	price->model_id = model_id;
	price->from = DT_NOBEGIN;
	price->until = DT_NOEND;
	statement_run(STATEMENT_PRICE, args, NULL);
	if (SPI_processed == 1)
	{
		price->model = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
		price->model = price->model ? MemoryContextStrdup(prices->context, price->model) : NULL;
		price->from = DatumGetTimestampTz(column(2, true));
		price->until = DatumGetTimestampTz(column(3, true));
		price->input = column(4, false);
		price->cached_input = column(5, false);
		price->output = column(6, false);
	}
	prices->known = lappend(prices->known, price);
	MemoryContextSwitchTo(caller);
	return price;
}

static const Price *
price_of(Prices *prices, int64 model_id, TimestampTz at)
{
	ListCell   *lc;

	foreach(lc, prices->known)
	{
		const Price *price = lfirst(lc);

		if (price->model_id == model_id && price->from <= at && at < price->until)
			return price;
	}
	return look_up(prices, model_id, at);
}

static Datum
cost_of(int64 tokens, Datum price)
{
	return DirectFunctionCall2(numeric_div,
							   DirectFunctionCall2(numeric_mul, NumericGetDatum(int64_to_numeric(tokens)), price),
							   NumericGetDatum(int64_to_numeric(TOKENS_OF_PRICE)));
}

static Datum
rounded(Datum cost)
{
	return DirectFunctionCall2(numeric, cost, Int32GetDatum(COST_TYPMOD));
}

char *
prices_shown(Datum cost)
{
	Datum		one = NumericGetDatum(int64_to_numeric(1));
	Datum		cents = DirectFunctionCall2(numeric_mul, cost, NumericGetDatum(int64_to_numeric(100)));
	bool		is_small = DatumGetBool(DirectFunctionCall2(numeric_lt, cents, one)) &&
		DatumGetBool(DirectFunctionCall2(numeric_gt, cents, NumericGetDatum(int64_to_numeric(0))));
	Datum		rounded_to = DirectFunctionCall2(numeric_round, cost, Int32GetDatum(is_small ? 6 : 2));

	return DatumGetCString(DirectFunctionCall1(numeric_out,
											   is_small ? DirectFunctionCall1(numeric_trim_scale, rounded_to) : rounded_to));
}

void
prices_cost(Prices *prices, int64 model_id, TimestampTz at, const Answer *answer,
			bool possibly_billed, AttemptCost *cost)
{
	static const Answer nothing = {.input_tokens = 0};
	const Price *price = price_of(prices, model_id, at);

	if (!possibly_billed)
		answer = &nothing;
	memset(cost, 0, sizeof(AttemptCost));
	cost->model = price->model;
	cost->input_is_null = answer == NULL || answer->input_tokens < 0 || price->input == (Datum) 0;
	cost->output_is_null = answer == NULL || answer->output_tokens < 0 || price->output == (Datum) 0;
	if (!cost->input_is_null)
	{
		int64		cached = Max(answer->cached_input_tokens, 0);

		cost->input = rounded(DirectFunctionCall2(numeric_add, cost_of(answer->input_tokens - cached, price->input),
												  cost_of(cached, price->cached_input)));
	}
	if (!cost->output_is_null)
		cost->output = rounded(cost_of(answer->output_tokens, price->output));
}
