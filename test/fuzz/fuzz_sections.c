/*
 * fuzz_sections.c
 *		Sections of Markdown, and fenced blocks.
 *
 * A section's body is a part of the text that begins with a line, and what is found
 * within it is what is found when it is looked at alone. The key of a heading
 * is text, and its own key. A text that is put between fences comes out as it was.
 */
#include "fuzz.h"
#include "sections.h"

#define MOST_SECTIONS	40

typedef struct Found
{
	SectionKey	key;
	Slice		body;
} Found;

typedef struct Collection
{
	Slice		text;
	int			count;			/* may be more than are kept */
	Found		found[MOST_SECTIONS];
} Collection;

/* Nothing is lost of a key by making a key of it. */
static void
check_key(const SectionKey *key)
{
	SectionKey	again;
	char	   *copy = malloc(key->len + 1);

	require(key->len <= SECTION_KEY_MAX);
	memcpy(copy, key->text, key->len);
	copy[key->len] = '\0';
	require_text(copy, key->len);
	for (size_t i = 0; i < key->len; i++)
		require((copy[i] >= 'a' && copy[i] <= 'z') || (copy[i] >= '0' && copy[i] <= '9') || (copy[i] & 0x80) != 0);
	section_key(copy, key->len, &again);
	require(key->len == 0 ? again.len == 0 : section_key_equal(key, &again));
	free(copy);
}

static void
collect(void *arg, const SectionKey *key, Slice body)
{
	Collection *collection = arg;

	require(body.start >= collection->text.start && body.end <= collection->text.end);
	require(body.start <= body.end && body.start > collection->text.start);
	require(body.start[-1] == '\n' || body.start == collection->text.end);
	if (collection->count > 0 && collection->count <= MOST_SECTIONS)
		require(body.end >= collection->found[collection->count - 1].body.end);
	if (collection->count++ >= MOST_SECTIONS)
		return;
	collection->found[collection->count - 1].key = *key;
	collection->found[collection->count - 1].body = body;
}

static void
sections(Slice text, Collection *collection)
{
	collection->text = text;
	collection->count = 0;
	sections_each(text, collect, collection);
}

/* Those within it came before it, one after the other. */
static void
check_inner(const Collection *all, int outer)
{
	const Found *section = &all->found[outer];
	Collection	inner;
	int			first = outer;

	while (first > 0 && all->found[first - 1].body.start >= section->body.start)
		first--;
	sections(section->body, &inner);
	require(inner.count == outer - first);
	for (int i = 0; i < inner.count; i++)
	{
		require(inner.found[i].body.start == all->found[first + i].body.start);
		require(inner.found[i].body.end == all->found[first + i].body.end);
	}
}

static void
check_blocks(Slice text)
{
	Slice		rest = text;
	Slice		content = {text.start, text.start};
	Slice		before = content;

	while (fence_next_block(&rest, &content))
	{
		require(content.start >= before.end && content.start <= content.end && content.end <= text.end);
		require(rest.start >= content.end && rest.end == text.end);
		before = content;
	}
	if (fence_take_off(slice_trim(text), &content))
		require(content.start > text.start && content.start <= content.end && content.end < text.end);
}

static size_t
longest_run(Slice text, char mark)
{
	size_t		longest = 0;
	size_t		run = 0;

	for (const char *p = text.start; p < text.end; p++)
	{
		run = *p == mark ? run + 1 : 0;
		longest = run > longest ? run : longest;
	}
	return longest;
}

static void
check_fenced(Slice text, char mark)
{
	size_t		marks = longest_run(text, mark) + 3;
	Slice		whole;
	Slice		content;
	Buf			fenced;

	buf_init(&fenced, 0);
	for (size_t i = 0; i < marks; i++)
		buf_putc(&fenced, mark);
	buf_puts(&fenced, " c\n");
	buf_append(&fenced, text.start, slice_len(text));
	buf_putc(&fenced, '\n');
	for (size_t i = 0; i < marks; i++)
		buf_putc(&fenced, mark);
	whole.start = fenced.data;
	whole.end = fenced.data + fenced.len;
	require(fence_take_off(whole, &content));
	require(slice_len(content) == slice_len(text) + 1);
	require(memcmp(content.start, text.start, slice_len(text)) == 0);
	buf_free(&fenced);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	   *copy = malloc(size + (size == 0));
	Slice		text = {copy, copy + size};
	Collection	all;
	SectionKey	key;

	if (size > 0)
		memcpy(copy, data, size);
	section_key(copy, size, &key);
	check_key(&key);
	sections(text, &all);
	for (int i = 0; i < all.count && i < MOST_SECTIONS; i++)
	{
		check_key(&all.found[i].key);
		check_inner(&all, i);
	}
	check_blocks(text);
	check_fenced(text, '`');
	check_fenced(text, '~');
	free(copy);
	return 0;
}
