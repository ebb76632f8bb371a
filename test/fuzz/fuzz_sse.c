/*
 * fuzz_sse.c
 *		The event splitter: the network's cuts change nothing, limits hold.
 *
 * Input: how to cut, the limit (0 = none), the stream.
 */
#include "fuzz.h"
#include "sse.h"

typedef struct Target
{
	SseSplitter sse;
	Buf			seen;
	size_t		limit;
} Target;

static void
see_event(void *arg, const char *event, const char *data, size_t len)
{
	Target	   *target = arg;

	require(data[len] == '\0');
	require(strlen(event) < sizeof(target->sse.event));
	require(target->limit == 0 || len <= target->limit);
	buf_printf(&target->seen, "%s|", event);
	buf_append(&target->seen, data, len);
	buf_putc(&target->seen, '\0');
}

static void
feed(void *arg, const char *bytes, size_t len)
{
	Target	   *target = arg;

	sse_feed(&target->sse, bytes, len, see_event, target);
}

static void
run(Target *target, const char *bytes, size_t len, uint8_t choice, size_t limit)
{
	target->limit = limit;
	buf_init(&target->seen, 0);
	sse_init(&target->sse, limit);
	fuzz_feed(bytes, len, choice, feed, target);
	sse_finish(&target->sse, see_event, target);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Target		whole;
	Target		cut;

	if (size < 2)
		return 0;
	run(&whole, (const char *) data + 2, size - 2, 0, data[1]);
	run(&cut, (const char *) data + 2, size - 2, data[0] | 1, data[1]);
	require_same(&whole.seen, &cut.seen);
	require(whole.sse.overflow == cut.sse.overflow);
	sse_free(&whole.sse);
	sse_free(&cut.sse);
	buf_free(&whole.seen);
	buf_free(&cut.seen);
	return 0;
}
