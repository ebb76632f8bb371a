/*
 * limits.h
 *		How much of each model's allowance of the last minute is used up.
 *
 * A vendor counts requests and tokens in any minute, so a bucket that refills
 * while it is being emptied lets nearly twice its size through. Here every send
 * of the last minute is remembered, and what has been sent within any window of
 * a minute never exceeds the limit. Pure code: the time is the caller's, in
 * milliseconds; malloc; nothing throws. What is remembered can be lost: the
 * executor fills it again from the attempts when it starts.
 */
#ifndef AS_LIMITS_H
#define AS_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct Limits Limits;

/* What a claim has to leave free. */
typedef struct ModelUse
{
	int64_t		model_id;
	int			in_flight;
	int64_t		requests;		/* sent within the last minute */
	int64_t		tokens;			/* of these, estimated until the vendor has said */
	bool		blocked;		/* the vendor said: not before a certain time */
} ModelUse;

/* NULL if out of memory. minute_ms is 60,000; tests take less. */
extern Limits *limits_create(int64_t minute_ms);
extern void limits_free(Limits *limits);

/*
 * A request goes out. requests_limit and tokens_limit are the model's, 0 = none.
 * Returns a number for limits_end, or -1 if out of memory: then it is counted in
 * flight, but not in the window.
 */
extern int64_t limits_send(Limits *limits, int64_t model_id, int64_t now, int64_t tokens,
						   int64_t requests_limit, int64_t tokens_limit);

/* It has ended: the tokens that the vendor counted replace the estimate (-1 = not said). */
extern void limits_end(Limits *limits, int64_t model_id, int64_t number, int64_t tokens);

/* A send of before this executor's time. */
extern void limits_recall(Limits *limits, int64_t model_id, int64_t sent_at, int64_t tokens);

/* The vendor said that nothing is taken before this time. */
extern void limits_block(Limits *limits, int64_t model_id, int64_t until);

/* The share of its limit that a model has used, 0 where it has none; the greater of the two. */
extern double limits_share(Limits *limits, int64_t model_id, int64_t now);

/* Fills uses with every model that has something to tell; how many, at most capacity. */
extern int	limits_uses(Limits *limits, int64_t now, ModelUse *uses, int capacity);
extern int	limits_models(const Limits *limits);

/* Models that take nothing now: blocked, or at their limit; how many, at most capacity. */
extern int	limits_full(Limits *limits, int64_t now, int64_t *models, int capacity);

/* When a model that is at its limit, or blocked, may go on; -1 = none is. */
extern int64_t limits_next_change(Limits *limits, int64_t now);

#endif							/* AS_LIMITS_H */
