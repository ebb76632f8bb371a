/*
 * archive.c
 *		Texts as files of one ZIP archive, for SQL; written by libzip.
 *
 * The same texts make the same bytes: the time of every member is the one given,
 * in UTC.  Nothing here throws while libzip has something open, since it frees
 * what it has only when it is told to.
 */
#include "postgres.h"

#include <zip.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

typedef struct Members
{
	Datum	   *names;
	Datum	   *contents;
	int			count;
	zip_uint16_t dos_date;
	zip_uint16_t dos_time;
} Members;

static int
read_texts(ArrayType *array, Datum **texts)
{
	bool	   *nulls;
	int			count;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, texts, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		if (nulls[i])
			elog(ERROR, "a member of an archive must not be NULL");
		/* an element may be compressed */
		(*texts)[i] = PointerGetDatum(PG_DETOAST_DATUM_PACKED((*texts)[i]));
	}
	return count;
}

/* An archive knows the years from 1980 to 2107, and every other second. */
static void
set_time(Members *members, TimestampTz at)
{
	struct pg_tm tm;
	fsec_t		fsec;

	if (TIMESTAMP_NOT_FINITE(at) || timestamp2tm(at, NULL, &tm, &fsec, NULL, NULL) != 0 ||
		tm.tm_year < 1980 || tm.tm_year > 2107)
	{
		members->dos_date = 1 << 5 | 1;
		members->dos_time = 0;
		return;
	}
	members->dos_date = (zip_uint16_t) ((tm.tm_year - 1980) << 9 | tm.tm_mon << 5 | tm.tm_mday);
	members->dos_time = (zip_uint16_t) (tm.tm_hour << 11 | tm.tm_min << 5 | tm.tm_sec / 2);
}

static int
is_canceled(zip_t *archive, void *arg)
{
	return QueryCancelPending || ProcDiePending;
}

static bool
add_member(zip_t *archive, const Members *members, int which, const char *name)
{
	text	   *content = (text *) DatumGetPointer(members->contents[which]);
	zip_source_t *source = zip_source_buffer(archive, VARDATA_ANY(content), VARSIZE_ANY_EXHDR(content), 0);
	zip_int64_t place;

	if (source == NULL)
		return false;
	place = zip_file_add(archive, name, source, ZIP_FL_ENC_UTF_8);
	if (place < 0)
	{
		zip_source_free(source);
		return false;
	}
	return zip_set_file_compression(archive, place, ZIP_CM_DEFLATE, 0) == 0 &&
		zip_file_set_dostime(archive, place, members->dos_time, members->dos_date, 0) == 0 &&
		zip_file_set_external_attributes(archive, place, 0, ZIP_OPSYS_UNIX, (zip_uint32_t) 0100644 << 16) == 0;
}

/* Writes all members; where that fails, error says why. Closes the archive in any case. */
static bool
write_archive(zip_t *archive, const Members *members, char *const *names, zip_error_t *error)
{
	bool		good = true;

	for (int i = 0; i < members->count && good; i++)
		good = add_member(archive, members, i, names[i]);
	good = good && zip_register_cancel_callback_with_state(archive, is_canceled, NULL, NULL) == 0 &&
		zip_close(archive) == 0;
	if (!good)
	{
		zip_error_set(error, zip_error_code_zip(zip_get_error(archive)), zip_error_code_system(zip_get_error(archive)));
		zip_discard(archive);
	}
	return good;
}

/* The written archive's bytes; NULL where there is no memory for them. */
static bytea *
read_back(zip_source_t *written)
{
	zip_stat_t	status;
	bytea	   *result = NULL;

	zip_stat_init(&status);
	if (zip_source_stat(written, &status) != 0 || !AllocSizeIsValid(status.size + VARHDRSZ))
		return NULL;
	result = palloc_extended(status.size + VARHDRSZ, MCXT_ALLOC_NO_OOM);
	if (result == NULL || zip_source_open(written) != 0)
		return NULL;
	SET_VARSIZE(result, status.size + VARHDRSZ);
	if (zip_source_read(written, VARDATA(result), status.size) != (zip_int64_t) status.size)
		result = NULL;
	zip_source_close(written);
	return result;
}

static bytea *
make_archive(const Members *members, char *const *names, zip_error_t *error)
{
	zip_source_t *written = zip_source_buffer_create(NULL, 0, 0, error);
	zip_t	   *archive;
	bytea	   *result = NULL;

	if (written == NULL)
		return NULL;
	zip_source_keep(written);	/* the archive's own goes when it is closed */
	archive = zip_open_from_source(written, ZIP_CREATE | ZIP_TRUNCATE, error);
	if (archive == NULL)
		zip_source_free(written);
	else if (write_archive(archive, members, names, error))
	{
		result = read_back(written);
		if (result == NULL)
			zip_error_set(error, ZIP_ER_MEMORY, 0);
	}
	zip_source_free(written);
	return result;
}

PG_FUNCTION_INFO_V1(agent_studio_zip);
Datum
agent_studio_zip(PG_FUNCTION_ARGS)
{
	Members		members;
	char	  **names;
	bytea	   *result;
	zip_error_t error;

	members.count = read_texts(PG_GETARG_ARRAYTYPE_P(0), &members.names);
	if (read_texts(PG_GETARG_ARRAYTYPE_P(1), &members.contents) != members.count || members.count == 0)
		elog(ERROR, "an archive needs members, and a name for each");
	set_time(&members, PG_GETARG_TIMESTAMPTZ(2));
	names = palloc(Max(1, members.count) * sizeof(char *));
	for (int i = 0; i < members.count; i++)
		names[i] = TextDatumGetCString(members.names[i]);

	CHECK_FOR_INTERRUPTS();
	zip_error_init(&error);
	result = make_archive(&members, names, &error);
	if (result == NULL)
	{
		char	   *words = pstrdup(zip_error_strerror(&error));
		bool		no_memory = zip_error_code_zip(&error) == ZIP_ER_MEMORY;

		zip_error_fini(&error);
		CHECK_FOR_INTERRUPTS();
		ereport(ERROR,
				(errcode(no_memory ? ERRCODE_OUT_OF_MEMORY : ERRCODE_INTERNAL_ERROR),
				 errmsg("the archive could not be written: %s", words)));
	}
	zip_error_fini(&error);
	PG_RETURN_BYTEA_P(result);
}
