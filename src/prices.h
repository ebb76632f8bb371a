/*
 * prices.h
 *		What an attempt has cost, by the price of the moment at which it ended.
 *
 * Prices are looked up once for all attempts of a turn. Everything lives in the memory
 * context that was current at prices_begin; all runs in a transaction, connected to SPI.
 */
#ifndef AS_PRICES_H
#define AS_PRICES_H

#include "postgres.h"

#include "nodes/pg_list.h"

#include "provider.h"

typedef struct Prices
{
	MemoryContext context;
	List	   *known;			/* Price */
} Prices;

/* numeric(20, 10), USD; NULL = no price or no usage is known. */
typedef struct AttemptCost
{
	Datum		input;
	Datum		output;
	bool		input_is_null;
	bool		output_is_null;
	const char *model;			/* its name; NULL = it is gone */
} AttemptCost;

extern Prices *prices_begin(void);

/* USD as people read them: two places, six below a cent. In the current memory context. */
extern char *prices_shown(Datum cost);

/* answer: NULL = there was none. What cannot have been charged costs nothing, at a price that is known. */
extern void prices_cost(Prices *prices, int64 model_id, TimestampTz at, const Answer *answer,
						bool possibly_billed, AttemptCost *cost);

#endif							/* AS_PRICES_H */
