/*
 * fuzz_json.c
 *		The JSON reader: every value is text, members can be put together again,
 *		and whatever bytes are written as a JSON string are read back repaired.
 */
#include "fuzz.h"
#include "json_scan.h"

static void
see_value(void *arg, const JsonValue *value)
{
	int64_t		number;

	(void) arg;
	require_text(value->value, value->len);
	require_text(value->path, strlen(value->path));
	require(strlen(value->path) < JSON_MAX_PATH);
	require(value->nindex >= 0 && value->nindex <= JSON_MAX_DEPTH);
	if (json_int64(value, &number))
		require(value->kind == JSON_NUMBER);
}

static void
rebuild_member(void *arg, const JsonMember *member)
{
	Buf		   *object = arg;

	require_text(member->name, member->name_len);
	if (object->len > 1)
		buf_putc(object, ',');
	buf_json_string(object, member->name, member->name_len);
	buf_putc(object, ':');
	buf_append(object, member->raw, member->raw_len);
}

/* An object is one for both readers, and is one again after it was taken apart. */
static void
check_members(const char *json, size_t len, bool is_json)
{
	Buf			object;
	bool		is_object;

	buf_init(&object, 0);
	buf_putc(&object, '{');
	is_object = json_members(json, len, rebuild_member, &object, NULL);
	buf_putc(&object, '}');
	require(!is_object || is_json);
	if (is_object)
		require(json_scan(object.data, object.len, see_value, NULL, NULL, NULL));
	buf_free(&object);
}

static void
require_value(void *arg, const JsonValue *value)
{
	const Buf  *expected = arg;

	require(value->kind == JSON_STRING && value->len == expected->len);
	require(memcmp(value->value, buf_text(expected), value->len) == 0);
}

static void
check_string(const char *bytes, size_t len)
{
	Utf8Repair	repair;
	Buf			repaired;
	Buf			json;
	int64_t		replaced = 0;

	utf8_repair_init(&repair);
	buf_init(&repaired, 0);
	buf_init(&json, 0);
	utf8_repair_feed(&repair, bytes, len, &repaired);
	utf8_repair_finish(&repair, &repaired);
	require_text(buf_text(&repaired), repaired.len);
	buf_json_string(&json, bytes, len);
	require(json_scan(json.data, json.len, require_value, &repaired, &replaced, NULL));
	require(replaced == 0);
	buf_free(&json);
	buf_free(&repaired);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *) data;
	const char *error;
	int64_t		replaced = 0;
	bool		is_json;

	is_json = json_scan(bytes, size, see_value, NULL, &replaced, &error);
	require(is_json == (error == NULL));
	check_members(bytes, size, is_json);
	check_string(bytes, size);
	return 0;
}
