/*
 * test_http_reading.c
 *		How far bodies are read when memory is short, or when nobody looks at them.
 */
#include <stdio.h>
#include <string.h>

#include "http_client.h"
#include "http_server.h"
#include "tap_http.h"

#define BIG		8192000			/* bytes of /big */
#define NBIG	4

typedef struct Bigs
{
	HttpLoop   *loop;
	HttpCall   *calls[NBIG];
	int64_t		received[NBIG];
	int			ended;			/* of whatever calls the loop has */
	int			begun_at_first_end; /* how many had brought something */
} Bigs;

static void
create_bigs(Bigs *bigs, HttpReading reading)
{
	memset(bigs, 0, sizeof(*bigs));
	bigs->loop = http_loop_create(0, NULL);
	http_set_reading(bigs->loop, reading);
}

static void
start_bigs(Bigs *bigs)
{
	RequestParts parts;
	HttpSpec	spec;
	char		error[256];
	int			i;

	for (i = 0; i < NBIG; i++)
	{
		spec_init(&spec, &parts, LOCAL, "/big", server.port);
		spec.idle_timeout_ms = 200;
		spec.first_byte_timeout_ms = 60000;
		spec.total_timeout_ms = 60000;
		spec.max_body = BIG;
		spec.owner = &bigs->received[i];
		bigs->calls[i] = http_start(bigs->loop, &spec, error, sizeof(error));
		request_parts_free(&parts);
	}
}

static int
count_begun(const Bigs *bigs)
{
	int			begun = 0;
	int			i;

	for (i = 0; i < NBIG; i++)
		begun += bigs->received[i] > 0;
	return begun;
}

/* Looks at what came, and forgets it as one who has no memory for it would. */
static void
take_bigs(Bigs *bigs)
{
	HttpCall   *call;

	turn(bigs->loop);
	while ((call = http_next(bigs->loop)) != NULL)
	{
		*(int64_t *) call->owner = call->received;
		buf_reset(&call->in);
		if (call->end == HTTP_RUNNING)
			continue;
		if (bigs->ended++ == 0)
			bigs->begun_at_first_end = count_begun(bigs);
	}
}

static bool
all_ended(const Bigs *bigs)
{
	int			i;

	for (i = 0; i < NBIG; i++)
	{
		if (bigs->calls[i]->end == HTTP_RUNNING)
			return false;
	}
	return true;
}

/* Until all have ended: whether they are all complete. */
static bool
finish_bigs(Bigs *bigs)
{
	int64_t		start = now_ms();
	bool		good = true;
	int			i;

	while (!all_ended(bigs) && now_ms() - start < 30000)
		take_bigs(bigs);
	for (i = 0; i < NBIG; i++)
	{
		good &= bigs->calls[i]->end == HTTP_COMPLETE && bigs->calls[i]->received == BIG;
		if (!good)
			printf("# %d: end %d, %lld bytes: %s\n", i, (int) bigs->calls[i]->end,
				   (long long) bigs->calls[i]->received, bigs->calls[i]->error);
	}
	http_loop_free(bigs->loop);
	return good;
}

static bool
all_heads_done(const Bigs *bigs)
{
	int			i;

	for (i = 0; i < NBIG; i++)
	{
		if (!bigs->calls[i]->head_done)
			return false;
	}
	return true;
}

static void
test_read_none(void)
{
	Bigs		bigs;
	int64_t		start = now_ms();

	create_bigs(&bigs, HTTP_READ_NONE);
	start_bigs(&bigs);
	while (!all_heads_done(&bigs) && now_ms() - start < 30000)
		take_bigs(&bigs);
	ok(all_heads_done(&bigs), "heads come when no body is read");
	ok(count_begun(&bigs) == 0, "and no body");

	http_set_reading(bigs.loop, HTTP_READ_ALL);
	while (count_begun(&bigs) < NBIG && now_ms() - start < 30000)
		take_bigs(&bigs);
	http_set_reading(bigs.loop, HTTP_READ_NONE);
	start = now_ms();
	while (now_ms() - start < 500)
		take_bigs(&bigs);
	ok(bigs.ended == 0, "nobody is silent for too long while nobody listens");
	http_set_reading(bigs.loop, HTTP_READ_ALL);
	ok(finish_bigs(&bigs), "all go on where they were");

	create_bigs(&bigs, HTTP_READ_NONE);
	start_bigs(&bigs);
	start = now_ms();
	while (!all_heads_done(&bigs) && now_ms() - start < 30000)
		take_bigs(&bigs);
	http_release(bigs.loop, bigs.calls[0]);
	http_set_reading(bigs.loop, HTTP_READ_ONE);
	while (bigs.ended == 0 && now_ms() - start < 30000)
		take_bigs(&bigs);
	ok(bigs.received[0] == 0 && bigs.ended > 0, "a call that is paused can be given up");
	http_loop_free(bigs.loop);
}

static void
test_read_one(void)
{
	Bigs		bigs;
	HttpCall   *silent;
	int64_t		received = 0;
	int64_t		start = now_ms();

	create_bigs(&bigs, HTTP_READ_ONE);
	start_bigs(&bigs);
	ok(finish_bigs(&bigs), "all end, when one at a time is read");
	if (!ok(bigs.begun_at_first_end < NBIG, "not all together"))
		printf("# %d had begun when the first ended\n", bigs.begun_at_first_end);

	create_bigs(&bigs, HTTP_READ_ONE);
	silent = start_default(bigs.loop, LOCAL, "/hang");
	silent->owner = &received;
	while (received == 0 && now_ms() - start < 30000)
		take_bigs(&bigs);
	start_bigs(&bigs);
	ok(finish_bigs(&bigs), "one that falls silent does not keep the others from their turn");
}

/* Nobody looks: then no more is read than a bounded part. */
static void
test_backlog(void)
{
	Bigs		bigs;
	int64_t		sum = 0;
	int			i;

	create_bigs(&bigs, HTTP_READ_ALL);
	start_bigs(&bigs);
	for (i = 0; i < 2000; i++)
	{
		turn(bigs.loop);
		sleep_ms(i % 20 == 0);
	}
	for (i = 0; i < NBIG; i++)
		sum += bigs.calls[i]->received;
	if (!ok(sum > 0 && sum < BIG * 3 / 2, "the loop reads no more than some megabytes ahead"))
		printf("# %lld bytes\n", (long long) sum);
	ok(http_loop_timeout(bigs.loop) == 0, "and does not wait while there is something to look at");
	ok(finish_bigs(&bigs), "all end when they are looked at");
}

int
main(void)
{
	server_start();
	test_read_none();
	test_read_one();
	test_backlog();
	server_stop();
	return tap_done();
}
