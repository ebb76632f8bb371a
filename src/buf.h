/*
 * buf.h
 *		Bounded byte buffers on malloc, for code that must not throw.
 *
 * What happens inside a libcurl callback, a stream decoder or a fuzz target can
 * use neither palloc nor ereport: a longjmp through libcurl's frames corrupts
 * it.  A Buf never throws.  It remembers instead that it failed, so a caller
 * may append many times and ask once.
 *
 * Memory: the Buf owns data (malloc); buf_free releases it.  data is always
 * NUL-terminated once something was appended, and NULL before that.
 */
#ifndef AS_BUF_H
#define AS_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Buf
{
	char	   *data;
	size_t		len;
	size_t		cap;
	size_t		limit;			/* len never exceeds this; 0 = no limit */
	bool		failed;			/* out of memory or over the limit; what fitted
								 * is kept, later appends are ignored */
} Buf;

extern void buf_init(Buf *buf, size_t limit);
extern void buf_free(Buf *buf);
extern void buf_reset(Buf *buf);	/* empties, keeps the memory, clears failed */
extern void buf_trim(Buf *buf);		/* frees what an empty buffer keeps, if it is large */
extern bool buf_append(Buf *buf, const void *data, size_t len);
extern bool buf_puts(Buf *buf, const char *text);
extern bool buf_putc(Buf *buf, char c);
extern bool buf_printf(Buf *buf, const char *fmt,...)
			__attribute__((format(printf, 2, 3)));

/* Drops the first n bytes. */
extern void buf_consume(Buf *buf, size_t n);

/* Appends text as a JSON string with its quotes; invalid UTF-8 and NUL become U+FFFD. */
extern bool buf_json_string(Buf *buf, const char *text, size_t len);

/* The text, never NULL. */
static inline const char *
buf_text(const Buf *buf)
{
	return buf->data ? buf->data : "";
}

#endif							/* AS_BUF_H */
