/*
 * plain_text.c
 *		Markdown as text to read, parsed by libcmark.
 *
 * What comes in was written by a model.  libcmark ends the process when it gets
 * no memory, and a hostile text can make it want a thousand times its length.
 * So it is given memory of ours: every block is in a list, and where too much is
 * wanted, or the caller wants to stop, we jump back out of libcmark and free the
 * list.  That is safe because a parser has no state but its memory.
 *
 * Images within links are the one thing known for which its time grows with the
 * square of the length and nothing is allocated; see is_tangled.
 */
#include <cmark.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plain_text.h"

#define PIECE_BYTES		4096	/* parsed between two looks at stop_wanted */
#define MAX_PREFIX		80		/* columns that nesting may take from a line */
#define MAX_LEVELS		40
#define MAX_UNDERLINE	100
#define MAX_TANGLE		(UINT64_C(50) * 1000 * 1000)	/* well under a second */

/* ---- memory ---- */

typedef struct Block
{
	struct Block *previous;
	struct Block *next;
	size_t		size;
	size_t		unused;			/* what follows is aligned as malloc's is */
} Block;

typedef struct Room
{
	Block		blocks;			/* a ring; its own size is 0 */
	size_t		used;
	size_t		limit;
	bool		(*stop_wanted) (void);
	jmp_buf		way_out;
} Room;

static Room *room;				/* of the call under way: libcmark passes no argument on */

static void
leave(PlainText reason)
{
	longjmp(room->way_out, (int) reason);
}

static void
link_block(Block *block, size_t size)
{
	block->size = size;
	block->previous = &room->blocks;
	block->next = room->blocks.next;
	block->next->previous = block;
	room->blocks.next = block;
	room->used += size;
}

static void
unlink_block(Block *block)
{
	block->previous->next = block->next;
	block->next->previous = block->previous;
	room->used -= block->size;
}

static void
room_free(void *pointer)
{
	if (pointer == NULL)
		return;
	unlink_block((Block *) pointer - 1);
	free((Block *) pointer - 1);
}

static void *
room_realloc(void *pointer, size_t size)
{
	Block	   *block = pointer == NULL ? NULL : (Block *) pointer - 1;
	Block	   *grown;
	size_t		old = block == NULL ? 0 : block->size;

	if (room->stop_wanted != NULL && room->stop_wanted())
		leave(PLAIN_TEXT_STOPPED);
	size += sizeof(Block);
	if (room->used - old + size > room->limit)
		leave(PLAIN_TEXT_TOO_LARGE);
	if (block != NULL)
		unlink_block(block);
	grown = realloc(block, size);
	if (grown == NULL)
	{
		if (block != NULL)
			link_block(block, old);
		leave(PLAIN_TEXT_TOO_LARGE);
	}
	link_block(grown, size);
	return grown + 1;
}

static void *
room_calloc(size_t count, size_t size)
{
	void	   *result;

	if (size != 0 && count > SIZE_MAX / 2 / size)
		leave(PLAIN_TEXT_TOO_LARGE);
	result = room_realloc(NULL, count * size);
	memset(result, 0, count * size);
	return result;
}

static cmark_mem room_memory = {room_calloc, room_realloc, room_free};

static void
room_open(Room *opened, size_t limit, bool (*stop_wanted) (void))
{
	opened->blocks.previous = opened->blocks.next = &opened->blocks;
	opened->blocks.size = 0;
	opened->used = 0;
	opened->limit = limit;
	opened->stop_wanted = stop_wanted;
	room = opened;
}

static void
room_close(void)
{
	while (room->blocks.next != &room->blocks)
		room_free(room->blocks.next + 1);
	room = NULL;
#ifdef __GLIBC__
	/* Many small blocks lie between others; without this the session would keep them to its end. */
	malloc_trim(0);
#endif
}

/* ---- what would take too long ---- */

/*
 * Each link makes the parser walk over all images that were begun before it in
 * the same paragraph.  No person writes thousands of both without a blank line.
 */
static bool
is_tangled(const char *text, size_t len)
{
	uint64_t	steps = 0;
	uint64_t	images = 0;

	for (size_t i = 1; i < len; i++)
	{
		if (text[i] == '[' && text[i - 1] == '!')
			images++;
		else if (text[i] == ']')
			steps += images;
		else if (text[i] == '\n' && text[i - 1] == '\n')
			images = 0;
		if (steps > MAX_TANGLE)
			return true;
	}
	return false;
}

/* ---- writing ---- */

typedef struct Writer
{
	Buf		   *out;
	char		prefix[MAX_PREFIX + 1]; /* with which lines begin here */
	char		first[MAX_PREFIX + 1];	/* with which the next one does, if has_first */
	int			lengths[MAX_LEVELS];	/* of prefix, before each level */
	int			levels;
	int			beyond;			/* levels for which there is no place */
	bool		has_first;
	bool		in_line;		/* something was written since the last line break */
	bool		gap;			/* a blank line is due before the next block */
} Writer;

/* Bytes of a character at text that is not to be shown; 0 = it is. */
static size_t
unwanted(const unsigned char *text, size_t len)
{
	if (text[0] < 0x20)
		return text[0] == '\t' ? 0 : 1;
	if (text[0] == 0x7F)
		return 1;
	if (len >= 2 && ((text[0] == 0xC2 && text[1] < 0xA0) ||
					 (text[0] == 0xD8 && text[1] == 0x9C)))
		return 2;
	if (len >= 3 && text[0] == 0xE2 &&
		((text[1] == 0x80 && (text[2] == 0x8E || text[2] == 0x8F || (text[2] >= 0xA8 && text[2] <= 0xAE))) ||
		 (text[1] == 0x81 && text[2] >= 0xA6 && text[2] <= 0xA9)))
		return 3;
	return 0;
}

static void
begin_line(Writer *writer)
{
	if (writer->in_line)
		return;
	buf_puts(writer->out, writer->has_first ? writer->first : writer->prefix);
	writer->has_first = false;
	writer->in_line = true;
}

static void
end_line(Writer *writer)
{
	if (!writer->in_line)
		return;
	buf_putc(writer->out, '\n');
	writer->in_line = false;
}

static void
put(Writer *writer, const char *text, size_t len)
{
	size_t		start = 0;

	begin_line(writer);
	for (size_t i = 0; i < len;)
	{
		size_t		skipped = unwanted((const unsigned char *) text + i, len - i);

		if (skipped == 0)
		{
			i++;
			continue;
		}
		buf_append(writer->out, text + start, i - start);
		i += skipped;
		start = i;
	}
	buf_append(writer->out, text + start, len - start);
}

/* Text of several lines, each with so many spaces before it. */
static void
put_lines(Writer *writer, const char *text, const char *indent)
{
	while (*text != '\0')
	{
		size_t		len = strcspn(text, "\n");

		if (len > 0)
		{
			begin_line(writer);
			buf_puts(writer->out, indent);
			put(writer, text, len);
			end_line(writer);
		}
		else
			buf_putc(writer->out, '\n');
		text += len + (text[len] == '\n');
	}
}

/* The blank line that is due before a block. */
static void
settle_gap(Writer *writer)
{
	size_t		len = strlen(writer->prefix);

	if (!writer->gap)
		return;
	writer->gap = false;
	if (writer->out->len == 0)
		return;
	while (len > 0 && writer->prefix[len - 1] == ' ')
		len--;
	buf_append(writer->out, writer->prefix, len);
	buf_putc(writer->out, '\n');
}

/* Within the room of a line's beginning. */
static void
lengthen(char *beginning, const char *more)
{
	size_t		len = strlen(beginning);

	snprintf(beginning + len, MAX_PREFIX + 1 - len, "%s", more);
}

/* A container: its first line begins with mark, the others with rest, which is as long. */
static void
enter_level(Writer *writer, const char *mark, const char *rest)
{
	if (writer->levels == MAX_LEVELS || strlen(writer->prefix) + strlen(rest) > MAX_PREFIX)
	{
		writer->beyond++;
		return;
	}
	if (!writer->has_first)
		memcpy(writer->first, writer->prefix, sizeof(writer->first));
	lengthen(writer->first, mark);
	writer->has_first = true;
	writer->lengths[writer->levels++] = (int) strlen(writer->prefix);
	lengthen(writer->prefix, rest);
}

static void
leave_level(Writer *writer)
{
	if (writer->has_first)		/* nothing was in it */
	{
		begin_line(writer);
		end_line(writer);
	}
	if (writer->beyond > 0)
		writer->beyond--;
	else
		writer->prefix[writer->lengths[--writer->levels]] = '\0';
}

static void
enter_item(Writer *writer, cmark_node *node)
{
	cmark_node *list = cmark_node_parent(node);
	char		mark[24] = "- ";
	char		rest[24];
	cmark_node *before = cmark_node_previous(node);
	int			number;

	if (cmark_node_get_list_type(list) == CMARK_ORDERED_LIST)
	{
		number = before == NULL ? cmark_node_get_list_start(list) : (int) (intptr_t) cmark_node_get_user_data(before) + 1;
		cmark_node_set_user_data(node, (void *) (intptr_t) number);
		snprintf(mark, sizeof(mark), "%d. ", number);
	}
	memset(rest, ' ', strlen(mark));
	rest[strlen(mark)] = '\0';
	enter_level(writer, mark, rest);
}

/* Blocks of a tight list follow each other without a blank line. */
static bool
is_tight(cmark_node *node)
{
	cmark_node *item = cmark_node_get_type(node) == CMARK_NODE_ITEM ? node : cmark_node_parent(node);

	return cmark_node_get_type(item) == CMARK_NODE_ITEM && cmark_node_get_list_tight(cmark_node_parent(item));
}

static void
end_block(Writer *writer, cmark_node *node)
{
	end_line(writer);
	if (!is_tight(node))
		writer->gap = true;
}

static void
underline(Writer *writer, char sign)
{
	int			columns = 0;
	size_t		start = writer->out->len;

	if (!writer->in_line || writer->out->failed)
		return;
	while (start > 0 && writer->out->data[start - 1] != '\n')
		columns += (writer->out->data[--start] & 0xC0) != 0x80;
	columns -= (int) strlen(writer->prefix);
	end_line(writer);
	begin_line(writer);
	for (int i = 0; i < columns && i < MAX_UNDERLINE; i++)
		buf_putc(writer->out, sign);
}

/* The address of a link or image, unless its text is that. */
static void
put_address(Writer *writer, cmark_node *node)
{
	const char *url = cmark_node_get_url(node);
	size_t		start = (size_t) (uintptr_t) cmark_node_get_user_data(node);
	size_t		len = writer->out->len - start;
	const char *shown = writer->out->data + start;

	if (url == NULL || *url == '\0' || writer->out->failed)
		return;
	if (strncmp(url, "mailto:", 7) == 0)
		url += 7;
	if (len == strlen(url) && memcmp(shown, url, len) == 0)
		return;
	put(writer, len > 0 ? " (" : "(", len > 0 ? 2 : 1);
	put(writer, url, strlen(url));
	put(writer, ")", 1);
}

/* Spaces before the lines of a literal block: code has some, other text has none. */
static const char *
literal_indent(cmark_node *node)
{
	const char *info;

	if (cmark_node_get_type(node) != CMARK_NODE_CODE_BLOCK)
		return "";
	info = cmark_node_get_fence_info(node);
	return info != NULL && strcmp(info, "plaintext") == 0 ? "" : "    ";
}

static void
enter_node(Writer *writer, cmark_node *node)
{
	const char *literal = cmark_node_get_literal(node);

	switch (cmark_node_get_type(node))
	{
		case CMARK_NODE_BLOCK_QUOTE:
			settle_gap(writer);
			enter_level(writer, "> ", "> ");
			break;
		case CMARK_NODE_ITEM:
			settle_gap(writer);
			enter_item(writer, node);
			break;
		case CMARK_NODE_LIST:
		case CMARK_NODE_PARAGRAPH:
		case CMARK_NODE_HEADING:
			settle_gap(writer);
			break;
		case CMARK_NODE_CODE_BLOCK:
		case CMARK_NODE_HTML_BLOCK:
		case CMARK_NODE_CUSTOM_BLOCK:
			settle_gap(writer);
			put_lines(writer, literal == NULL ? "" : literal, literal_indent(node));
			end_block(writer, node);
			break;
		case CMARK_NODE_THEMATIC_BREAK:
			settle_gap(writer);
			put(writer, "----------------------------------------", 40);
			end_block(writer, node);
			break;
		case CMARK_NODE_TEXT:
		case CMARK_NODE_CODE:
		case CMARK_NODE_HTML_INLINE:
			put(writer, literal == NULL ? "" : literal, literal == NULL ? 0 : strlen(literal));
			break;
		case CMARK_NODE_SOFTBREAK:
		case CMARK_NODE_LINEBREAK:
			end_line(writer);
			break;
		case CMARK_NODE_LINK:
		case CMARK_NODE_IMAGE:
			begin_line(writer);
			cmark_node_set_user_data(node, (void *) (uintptr_t) writer->out->len);
			break;
		default:				/* document, emphasis */
			break;
	}
}

static void
exit_node(Writer *writer, cmark_node *node)
{
	switch (cmark_node_get_type(node))
	{
		case CMARK_NODE_BLOCK_QUOTE:
		case CMARK_NODE_ITEM:
			leave_level(writer);
			end_block(writer, node);
			break;
		case CMARK_NODE_HEADING:
			if (cmark_node_get_heading_level(node) <= 2)
				underline(writer, cmark_node_get_heading_level(node) == 1 ? '=' : '-');
			end_block(writer, node);
			break;
		case CMARK_NODE_LIST:
		case CMARK_NODE_PARAGRAPH:
			end_block(writer, node);
			break;
		case CMARK_NODE_LINK:
		case CMARK_NODE_IMAGE:
			put_address(writer, node);
			break;
		default:
			break;
	}
}

/* ---- the whole ---- */

static cmark_node *
parse(const char *markdown, size_t len)
{
	cmark_parser *parser = cmark_parser_new_with_mem(CMARK_OPT_VALIDATE_UTF8, &room_memory);

	for (size_t at = 0; at < len; at += PIECE_BYTES)
	{
		if (room->stop_wanted != NULL && room->stop_wanted())
			leave(PLAIN_TEXT_STOPPED);
		cmark_parser_feed(parser, markdown + at, len - at < PIECE_BYTES ? len - at : PIECE_BYTES);
	}
	return cmark_parser_finish(parser);
}

static void
write_document(cmark_node *document, Buf *out)
{
	Writer		writer = {.out = out};
	cmark_iter *walk = cmark_iter_new(document);
	cmark_event_type event;

	while ((event = cmark_iter_next(walk)) != CMARK_EVENT_DONE && !out->failed)
	{
		if (room->stop_wanted != NULL && room->stop_wanted())
			leave(PLAIN_TEXT_STOPPED);
		if (event == CMARK_EVENT_ENTER)
			enter_node(&writer, cmark_iter_get_node(walk));
		else
			exit_node(&writer, cmark_iter_get_node(walk));
	}
	if (out->failed)
		leave(PLAIN_TEXT_TOO_LARGE);
}

PlainText
plain_text(const char *markdown, size_t len, size_t max_memory, bool (*stop_wanted) (void), Buf *out)
{
	Room		opened;
	int			reason;

	if (is_tangled(markdown, len))
		return PLAIN_TEXT_TOO_TANGLED;
	room_open(&opened, max_memory, stop_wanted);
	reason = setjmp(opened.way_out);
	if (reason == 0)
		write_document(parse(markdown, len), out);
	room_close();
	return (PlainText) reason;
}
