/*
 * sse.h
 *		Splits a byte stream into server-sent events.
 *
 * LF, CR and CRLF end a line, also when the network splits between CR and LF;
 * a byte-order mark at the start is dropped; comment lines (": keep-alive")
 * are ignored; several data lines are joined with LF; an event without data is
 * no event; what is incomplete at the end of the stream is dropped, as the
 * standard says, unless sse_finish is asked to deliver it.
 */
#ifndef AS_SSE_H
#define AS_SSE_H

#include "buf.h"

/* event is "" when unnamed; data is NUL-terminated, not repaired, lives until return */
typedef void (*SseCallback) (void *arg, const char *event, const char *data, size_t len);

typedef struct SseSplitter
{
	Buf			line;			/* the line so far */
	Buf			data;			/* the data lines of the event so far, joined */
	char		event[64];
	bool		has_data;
	bool		after_cr;		/* an LF now belongs to the CR before it */
	int			bom_seen;		/* bytes of a byte-order mark seen at the start, -1 after it */
	bool		overflow;		/* a line or an event was over max_event; the
								 * splitter delivers nothing more */
} SseSplitter;

extern void sse_init(SseSplitter *sse, size_t max_event);
extern void sse_free(SseSplitter *sse);
extern void sse_feed(SseSplitter *sse, const char *bytes, size_t len,
					 SseCallback callback, void *arg);

/* The stream has ended; an event whose blank line never came is delivered. */
extern void sse_finish(SseSplitter *sse, SseCallback callback, void *arg);

#endif							/* AS_SSE_H */
