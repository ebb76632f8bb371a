/*
 * buf.c
 *		Bounded byte buffers on malloc, for code that must not throw.
 *
 * Memory grows by doubling, so that appending n bytes one at a time costs O(n).
 * One byte beyond len is always kept for the terminating NUL.
 */
#include "buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

#define BUF_FIRST_SIZE	128
#define BUF_KEPT_SIZE	65536	/* more is not kept for the next use */

void
buf_init(Buf *buf, size_t limit)
{
	memset(buf, 0, sizeof(*buf));
	buf->limit = limit;
}

void
buf_free(Buf *buf)
{
	free(buf->data);
	buf_init(buf, buf->limit);
}

void
buf_reset(Buf *buf)
{
	buf->len = 0;
	buf->failed = false;
	if (buf->data)
		buf->data[0] = '\0';
}

void
buf_trim(Buf *buf)
{
	if (buf->len == 0 && !buf->failed && buf->cap > BUF_KEPT_SIZE)
		buf_free(buf);
}

/* Makes room for len more bytes and the NUL. */
static bool
buf_reserve(Buf *buf, size_t len)
{
	size_t		need;
	size_t		cap = buf->cap ? buf->cap : BUF_FIRST_SIZE;
	char	   *data;

	if (len >= SIZE_MAX / 2 - buf->len)
	{
		buf->failed = true;
		return false;
	}
	need = buf->len + len + 1;
	if (need <= buf->cap)
		return true;
	while (cap < need)
		cap *= 2;
	data = realloc(buf->data, cap);
	if (data == NULL)
	{
		buf->failed = true;
		return false;
	}
	buf->data = data;
	buf->cap = cap;
	return true;
}

/* How many of len further bytes the limit admits. */
static size_t
buf_admits(const Buf *buf, size_t len)
{
	if (buf->limit == 0)
		return len;
	if (buf->len >= buf->limit)
		return 0;
	return len < buf->limit - buf->len ? len : buf->limit - buf->len;
}

bool
buf_append(Buf *buf, const void *data, size_t len)
{
	size_t		fits;

	if (buf->failed)
		return false;
	fits = buf_admits(buf, len);
	if (!buf_reserve(buf, fits))
		return false;
	if (fits > 0)
		memcpy(buf->data + buf->len, data, fits);
	buf->len += fits;
	buf->data[buf->len] = '\0';
	buf->failed = fits < len;
	return !buf->failed;
}

bool
buf_puts(Buf *buf, const char *text)
{
	return buf_append(buf, text, strlen(text));
}

bool
buf_putc(Buf *buf, char c)
{
	return buf_append(buf, &c, 1);
}

/*
 * The length is measured first and the room made once: growing in steps would
 * leave copies of a secret in freed memory.
 */
bool
buf_printf(Buf *buf, const char *fmt,...)
{
	va_list		args;
	int			wanted;
	size_t		fits;
	char		cut;

	if (buf->failed)
		return false;
	va_start(args, fmt);
	wanted = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (wanted < 0 || !buf_reserve(buf, (size_t) wanted))
	{
		buf->failed = true;
		return false;
	}
	va_start(args, fmt);
	vsnprintf(buf->data + buf->len, (size_t) wanted + 1, fmt, args);
	va_end(args);

	fits = buf_admits(buf, (size_t) wanted);
	cut = fits < (size_t) wanted;
	buf->len += fits;
	buf->data[buf->len] = '\0';
	buf->failed = cut;
	return !cut;
}

void
buf_consume(Buf *buf, size_t n)
{
	if (n == 0 || buf->data == NULL)
		return;
	if (n > buf->len)
		n = buf->len;
	buf->len -= n;
	memmove(buf->data, buf->data + n, buf->len + 1);
}

/* The escape of a character that may not stand in a JSON string as it is. */
static void
put_json_escape(Buf *buf, unsigned char c)
{
	static const char *const short_forms = "\"\"\\\\\bb\ff\nn\rr\tt";
	const char *form;

	for (form = short_forms; *form; form += 2)
	{
		if ((unsigned char) *form == c)
		{
			char		text[2] = {'\\', form[1]};

			buf_append(buf, text, sizeof(text));
			return;
		}
	}
	buf_printf(buf, "\\u%04x", c);
}

bool
buf_json_string(Buf *buf, const char *text, size_t len)
{
	const char *end = text + len;
	const char *run = text;
	const char *p = text;

	buf_putc(buf, '"');
	while (p < end)
	{
		unsigned char c = (unsigned char) *p;
		size_t		used = 1;

		if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\')
		{
			p++;
			continue;
		}
		if (c >= 0x80 || c == 0)
		{
			if (utf8_sequence(p, (size_t) (end - p), &used) == UTF8_GOOD)
			{
				p += used;
				continue;
			}
			buf_append(buf, run, (size_t) (p - run));
			buf_puts(buf, UTF8_REPLACEMENT);
		}
		else
		{
			buf_append(buf, run, (size_t) (p - run));
			put_json_escape(buf, c);
		}
		p += used;
		run = p;
	}
	buf_append(buf, run, (size_t) (p - run));
	return buf_putc(buf, '"');
}
