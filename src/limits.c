/*
 * limits.c
 *		How much of each model's allowance of the last minute is used up.
 *
 * Each model has a ring of its sends within the last minute, oldest first, and
 * the sum of their tokens. A send keeps its number for life, so that its tokens
 * can be corrected when the vendor has counted them.
 */
#include "limits.h"

#include <stdlib.h>
#include <string.h>

typedef struct Send
{
	int64_t		at;
	int64_t		tokens;
} Send;

typedef struct ModelWindow
{
	int64_t		model_id;
	int			in_flight;
	int64_t		requests_limit; /* 0 = none */
	int64_t		tokens_limit;
	int64_t		blocked_until;	/* 0 = not */
	Send	   *ring;
	int64_t		capacity;		/* a power of two */
	int64_t		first;			/* number of the oldest send in the ring */
	int64_t		next;			/* number of the next one */
	int64_t		tokens;			/* sum over the ring */
} ModelWindow;

struct Limits
{
	int64_t		minute_ms;
	ModelWindow *models;
	int			nmodels;
	int			capacity;
};

Limits *
limits_create(int64_t minute_ms)
{
	Limits	   *limits = calloc(1, sizeof(Limits));

	if (limits != NULL)
		limits->minute_ms = minute_ms;
	return limits;
}

void
limits_free(Limits *limits)
{
	if (limits == NULL)
		return;
	for (int i = 0; i < limits->nmodels; i++)
		free(limits->models[i].ring);
	free(limits->models);
	free(limits);
}

/* Executors know few models: a list is enough. */
static ModelWindow *
find_model(Limits *limits, int64_t model_id, bool create)
{
	ModelWindow *grown;
	int			capacity;

	for (int i = 0; i < limits->nmodels; i++)
	{
		if (limits->models[i].model_id == model_id)
			return &limits->models[i];
	}
	if (!create)
		return NULL;
	if (limits->nmodels == limits->capacity)
	{
		capacity = limits->capacity > 0 ? limits->capacity * 2 : 16;
		grown = realloc(limits->models, capacity * sizeof(ModelWindow));
		if (grown == NULL)
			return NULL;
		limits->models = grown;
		limits->capacity = capacity;
	}
	memset(&limits->models[limits->nmodels], 0, sizeof(ModelWindow));
	limits->models[limits->nmodels].model_id = model_id;
	return &limits->models[limits->nmodels++];
}

static Send *
send_at(ModelWindow *model, int64_t number)
{
	return &model->ring[number & (model->capacity - 1)];
}

static bool
grow_ring(ModelWindow *model)
{
	int64_t		capacity = model->capacity > 0 ? model->capacity * 2 : 16;
	Send	   *ring = malloc(capacity * sizeof(Send));

	if (ring == NULL)
		return false;
	for (int64_t number = model->first; number < model->next; number++)
		ring[number & (capacity - 1)] = *send_at(model, number);
	free(model->ring);
	model->ring = ring;
	model->capacity = capacity;
	return true;
}

/* A send leaves the window a whole minute after it was made. */
static void
forget_old(ModelWindow *model, int64_t before)
{
	while (model->first < model->next && send_at(model, model->first)->at <= before)
		model->tokens -= send_at(model, model->first++)->tokens;
}

static int64_t
remember(ModelWindow *model, int64_t at, int64_t tokens)
{
	Send	   *newest;

	if (model->next - model->first == model->capacity && !grow_ring(model))
		return -1;

	/* Should the clock step back, the order is kept by keeping the later time. */
	if (model->next > model->first && send_at(model, model->next - 1)->at > at)
		at = send_at(model, model->next - 1)->at;
	newest = send_at(model, model->next);
	newest->at = at;
	newest->tokens = tokens;
	model->tokens += tokens;
	return model->next++;
}

int64_t
limits_send(Limits *limits, int64_t model_id, int64_t now, int64_t tokens,
			int64_t requests_limit, int64_t tokens_limit)
{
	ModelWindow *model = find_model(limits, model_id, true);

	if (model == NULL)
		return -1;
	model->in_flight++;
	model->requests_limit = requests_limit;
	model->tokens_limit = tokens_limit;
	forget_old(model, now - limits->minute_ms);

	/* Without a limit there is nothing to remember. */
	if (requests_limit == 0 && tokens_limit == 0)
		return -1;
	return remember(model, now, tokens);
}

void
limits_end(Limits *limits, int64_t model_id, int64_t number, int64_t tokens)
{
	ModelWindow *model = find_model(limits, model_id, false);

	if (model == NULL)
		return;
	if (model->in_flight > 0)
		model->in_flight--;
	if (tokens < 0 || number < model->first || number >= model->next)
		return;
	model->tokens += tokens - send_at(model, number)->tokens;
	send_at(model, number)->tokens = tokens;
}

void
limits_recall(Limits *limits, int64_t model_id, int64_t sent_at, int64_t tokens)
{
	ModelWindow *model = find_model(limits, model_id, true);

	if (model != NULL)
		(void) remember(model, sent_at, tokens);
}

void
limits_block(Limits *limits, int64_t model_id, int64_t until)
{
	ModelWindow *model = find_model(limits, model_id, true);

	if (model != NULL && until > model->blocked_until)
		model->blocked_until = until;
}

static double
share_of(int64_t used, int64_t limit)
{
	return limit > 0 ? (double) used / (double) limit : 0;
}

double
limits_share(Limits *limits, int64_t model_id, int64_t now)
{
	ModelWindow *model = find_model(limits, model_id, false);
	double		by_requests;
	double		by_tokens;

	if (model == NULL)
		return 0;
	forget_old(model, now - limits->minute_ms);
	by_requests = share_of(model->next - model->first, model->requests_limit);
	by_tokens = share_of(model->tokens, model->tokens_limit);
	return by_requests > by_tokens ? by_requests : by_tokens;
}

int
limits_models(const Limits *limits)
{
	return limits->nmodels;
}

int
limits_uses(Limits *limits, int64_t now, ModelUse *uses, int capacity)
{
	int			n = 0;

	for (int i = 0; i < limits->nmodels && n < capacity; i++)
	{
		ModelWindow *model = &limits->models[i];

		forget_old(model, now - limits->minute_ms);
		if (model->blocked_until <= now)
			model->blocked_until = 0;
		if (model->in_flight == 0 && model->first == model->next && model->blocked_until == 0)
			continue;
		uses[n].model_id = model->model_id;
		uses[n].in_flight = model->in_flight;
		uses[n].requests = model->next - model->first;
		uses[n].tokens = model->tokens;
		uses[n].blocked = model->blocked_until != 0;
		n++;
	}
	return n;
}

static bool
is_full(const ModelWindow *model, int64_t now)
{
	return model->blocked_until > now ||
		share_of(model->next - model->first, model->requests_limit) >= 1 ||
		share_of(model->tokens, model->tokens_limit) >= 1;
}

int
limits_full(Limits *limits, int64_t now, int64_t *models, int capacity)
{
	int			n = 0;

	for (int i = 0; i < limits->nmodels && n < capacity; i++)
	{
		forget_old(&limits->models[i], now - limits->minute_ms);
		if (is_full(&limits->models[i], now))
			models[n++] = limits->models[i].model_id;
	}
	return n;
}

static int64_t
earlier(int64_t a, int64_t b)
{
	return a < 0 || b < a ? b : a;
}

int64_t
limits_next_change(Limits *limits, int64_t now)
{
	int64_t		next = -1;

	for (int i = 0; i < limits->nmodels; i++)
	{
		ModelWindow *model = &limits->models[i];

		forget_old(model, now - limits->minute_ms);
		if (model->blocked_until > now)
			next = earlier(next, model->blocked_until);
		else if (model->first < model->next &&
				 ((model->requests_limit > 0 && model->next - model->first >= model->requests_limit) ||
				  (model->tokens_limit > 0 && model->tokens > 0)))
			next = earlier(next, send_at(model, model->first)->at + limits->minute_ms);
	}
	return next;
}
