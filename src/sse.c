/*
 * sse.c
 *		Splits a byte stream into server-sent events.
 *
 * A line that arrives in one piece is looked at where it lies; only one that
 * the network cut is gathered in a buffer.  Line ends are found with memchr and
 * each byte is searched once for LF and once for CR, so that no mixture of line
 * ends makes the splitter slower than the stream is long.
 */
#include "sse.h"

#include <string.h>

static const char byte_order_mark[] = "\xEF\xBB\xBF";

#define BOM_LENGTH	3

void
sse_init(SseSplitter *sse, size_t max_event)
{
	memset(sse, 0, sizeof(*sse));
	buf_init(&sse->line, max_event);
	buf_init(&sse->data, max_event);
}

void
sse_free(SseSplitter *sse)
{
	buf_free(&sse->line);
	buf_free(&sse->data);
}

static void
forget_event(SseSplitter *sse)
{
	buf_reset(&sse->data);
	sse->has_data = false;
	sse->event[0] = '\0';
}

static void
dispatch(SseSplitter *sse, SseCallback callback, void *arg)
{
	if (sse->has_data)
		callback(arg, sse->event, buf_text(&sse->data), sse->data.len);
	forget_event(sse);
}

static void
add_data(SseSplitter *sse, const char *value, size_t len)
{
	if (sse->has_data)
		buf_putc(&sse->data, '\n');
	buf_append(&sse->data, value, len);
	sse->has_data = true;
	if (sse->data.failed)
		sse->overflow = true;
}

static void
set_event(SseSplitter *sse, const char *value, size_t len)
{
	if (len >= sizeof(sse->event))
		len = sizeof(sse->event) - 1;
	memcpy(sse->event, value, len);
	sse->event[len] = '\0';
}

static void
take_field(SseSplitter *sse, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);
	size_t		name_len = colon ? (size_t) (colon - line) : len;
	const char *value = line + name_len + (colon ? 1 : 0);
	size_t		value_len = len - (size_t) (value - line);

	if (value_len > 0 && *value == ' ')
	{
		value++;
		value_len--;
	}
	if (name_len == 4 && memcmp(line, "data", 4) == 0)
		add_data(sse, value, value_len);
	else if (name_len == 5 && memcmp(line, "event", 5) == 0)
		set_event(sse, value, value_len);
}

/* One whole line, without its end. */
static void
take_line(SseSplitter *sse, const char *line, size_t len,
		  SseCallback callback, void *arg)
{
	if (sse->line.limit > 0 && len > sse->line.limit)
		sse->overflow = true;
	else if (len == 0)
		dispatch(sse, callback, arg);
	else if (line[0] != ':')
		take_field(sse, line, len);
}

/* The line's last piece has come: joins it with what was gathered before. */
static void
end_line(SseSplitter *sse, const char *piece, size_t len,
		 SseCallback callback, void *arg)
{
	if (sse->line.len == 0)
	{
		take_line(sse, piece, len, callback, arg);
		return;
	}
	if (buf_append(&sse->line, piece, len))
		take_line(sse, sse->line.data, sse->line.len, callback, arg);
	else
		sse->overflow = true;
	buf_reset(&sse->line);
}

/* Where the next byte c lies at or after p; a position found earlier is reused. */
static const char *
next_mark(const char *known, const char *p, const char *end, char c)
{
	const char *found;

	if (known != NULL && known >= p)
		return known;
	found = memchr(p, c, (size_t) (end - p));
	return found ? found : end;
}

static void
feed_lines(SseSplitter *sse, const char *p, const char *end,
		   SseCallback callback, void *arg)
{
	const char *lf = NULL;
	const char *cr = NULL;

	while (p < end && !sse->overflow)
	{
		const char *stop;

		if (sse->after_cr)
		{
			sse->after_cr = false;
			if (*p == '\n')
			{
				p++;
				continue;
			}
		}
		lf = next_mark(lf, p, end, '\n');
		cr = next_mark(cr, p, end, '\r');
		stop = lf < cr ? lf : cr;
		if (stop == end)
		{
			if (!buf_append(&sse->line, p, (size_t) (end - p)))
				sse->overflow = true;
			return;
		}
		sse->after_cr = *stop == '\r';
		end_line(sse, p, (size_t) (stop - p), callback, arg);
		p = stop + 1;
	}
}

/*
 * Drops a byte-order mark at the very start, however it is cut.  Returns where
 * the rest begins.  What only looked like a mark becomes part of the first line.
 */
static const char *
skip_bom(SseSplitter *sse, const char *p, const char *end)
{
	while (p < end && sse->bom_seen >= 0)
	{
		if (*p != byte_order_mark[sse->bom_seen])
		{
			buf_append(&sse->line, byte_order_mark, (size_t) sse->bom_seen);
			sse->overflow = sse->line.failed;
			sse->bom_seen = -1;
			return p;
		}
		p++;
		if (++sse->bom_seen == BOM_LENGTH)
			sse->bom_seen = -1;
	}
	return p;
}

void
sse_feed(SseSplitter *sse, const char *bytes, size_t len,
		 SseCallback callback, void *arg)
{
	const char *end = bytes + len;

	if (sse->overflow)
		return;
	feed_lines(sse, skip_bom(sse, bytes, end), end, callback, arg);
}

void
sse_finish(SseSplitter *sse, SseCallback callback, void *arg)
{
	if (sse->line.len > 0 && !sse->overflow)
		end_line(sse, "", 0, callback, arg);
	if (!sse->overflow)
		dispatch(sse, callback, arg);
	forget_event(sse);
	buf_reset(&sse->line);
}
