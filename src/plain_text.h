/*
 * plain_text.h
 *		Markdown as text to read: what it says, without its signs.
 */
#ifndef AS_PLAIN_TEXT_H
#define AS_PLAIN_TEXT_H

#include "buf.h"

typedef enum PlainText
{
	PLAIN_TEXT_DONE,
	PLAIN_TEXT_STOPPED,			/* as stop_wanted() said */
	PLAIN_TEXT_TOO_LARGE,		/* it would take more than so many bytes of memory */
	PLAIN_TEXT_TOO_TANGLED		/* or far more time than its length justifies */
} PlainText;

/*
 * Appends the text of len bytes of Markdown (UTF-8) to out.  Lines stay as they
 * are; headings are underlined, code is indented (but not a block that says it
 * is plaintext), a link is followed by its address.  Control characters, and those that turn the direction of writing,
 * are left out.  Whatever comes back but DONE, nothing stays allocated.
 */
extern PlainText plain_text(const char *markdown, size_t len, size_t max_memory,
							bool (*stop_wanted) (void), Buf *out);

#endif							/* AS_PLAIN_TEXT_H */
