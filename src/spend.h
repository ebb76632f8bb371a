/*
 * spend.h
 *		Budgets as the executor keeps them: what calls have cost, what they may cost.
 *
 * All but spend_watch run in a turn. Where there is no budget they do nothing.
 */
#ifndef AS_SPEND_H
#define AS_SPEND_H

#include "executor.h"

/* Once, when the executor starts: budgets that change are noticed from then on. */
extern void spend_watch(void);

/* Once, after recovery: counts anew what was spent. */
extern void spend_begin(Executor *executor);

/* At the beginning of a turn: reads the budgets, if they have changed or a day has begun. */
extern void spend_refresh(Executor *executor);

/*
 * Reserves what claimed steps may cost. Those that have to wait are put back into the
 * queue and taken out of claims; those that must not be sent have a refusal. How
 * many claims are left.
 */
extern int	spend_reserve(Executor *executor, Claim *claims, int nclaims);

/* Adds the cost of attempts that were just written. */
extern void spend_add(Executor *executor, Call *const *calls, int n);

#endif							/* AS_SPEND_H */
