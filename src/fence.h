/*
 * fence.h
 *		Lines of a text, and the fenced blocks among them.
 *
 * Pure code: no memory, no PostgreSQL, no throwing.
 */
#ifndef AS_FENCE_H
#define AS_FENCE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct Slice
{
	const char *start;
	const char *end;
} Slice;

/* A line that opens or closes a fence. */
typedef struct Fence
{
	char		mark;
	size_t		count;
	bool		bare;			/* nothing behind the marks */
} Fence;

static inline size_t
slice_len(Slice slice)
{
	return (size_t) (slice.end - slice.start);
}

/* Without white space at either end, and without a byte-order mark. */
extern Slice slice_trim(Slice text);

/* Takes the next line, without its end, from the text. */
extern Slice slice_next_line(Slice *text);

/* Is the line a fence? */
extern bool fence_read(Slice line, Fence *fence);

/* Does the one close what the other opened? */
extern bool fence_closes(const Fence *close, const Fence *open);

/*
 * Where the fence that open opened is closed: sets line, and leaves in rest what
 * is behind it.  nested: a fence with a language opens one within it, which
 * Markdown does not know, but models write.
 */
extern bool fence_find_close(const Fence *open, Slice *rest, Slice *line, bool nested);

/* Is all of the (trimmed) text one fenced block?  Then content is what stands in it. */
extern bool fence_take_off(Slice text, Slice *content);

/* The content of the next fenced block; one that is not closed goes on to the end. */
extern bool fence_next_block(Slice *rest, Slice *content);

#endif							/* AS_FENCE_H */
