/*
 * provider_common.h
 *		What the vendors' decoders share with each other, and with nobody else.
 *
 * - VendorWords gathers what a vendor says about a failure, in whichever of the
 *	 known shapes it comes; provider_set_error makes a ProviderError of it.
 * - BodyWriter writes a request's JSON body.  The user's extra_body joins it
 *	 member by member, so the result cannot hold a member twice.
 */
#ifndef AS_PROVIDER_COMMON_H
#define AS_PROVIDER_COMMON_H

#include "json_scan.h"
#include "provider.h"

/*
 * Copies text for people to read: invalid UTF-8 becomes U+FFFD, control
 * characters become spaces, surrounding spaces go, and what is too long is
 * clipped between characters.
 */
extern void provider_copy_text(char *target, size_t size, const char *text, size_t len);

/* As json_scan, but a byte-order mark before the document is no fault. */
extern bool provider_scan(const char *data, size_t len, JsonCallback callback, void *arg,
						  int64_t *replaced);

typedef struct VendorWords
{
	bool		has_error;		/* there was an error, however little it said */
	char		message[sizeof(((ProviderError *) 0)->message)];
	int			message_rank;	/* how good a place the message came from */
	char		code[64];
	char		type[64];
	int			status;			/* a numeric code that is an HTTP status, else 0 */
} VendorWords;

extern void vendor_words_init(VendorWords *words);

/* Looks at one value of a JSON document that is, or may be, an error. */
extern void vendor_words_take(VendorWords *words, const JsonValue *value);

/* An error with an HTTP status: an unsuccessful response. */
extern void provider_error_of_status(ProviderError *error, const HttpHead *head,
									 const VendorWords *words);

/* An error inside a successful response. */
extern void provider_error_of_stream(ProviderError *error, const VendorWords *words);

/* A read_error for every vendor whose errors vendor_words_take understands. */
extern void provider_read_error(const HttpHead *head, const char *body, size_t len,
								ProviderError *error);

typedef struct ExtraMember
{
	size_t		name;			/* offset in names */
	const char *raw;			/* slice of extra_body */
	size_t		raw_len;
} ExtraMember;

typedef struct BodyWriter
{
	Buf		   *body;
	Buf			names;			/* the names in extra_body, NUL after each */
	Buf			members;		/* the ExtraMembers, each name once */
	bool		first;
} BodyWriter;

/* False: extra_body is no JSON object.  The writer must be ended in any case. */
extern bool body_begin(BodyWriter *writer, Buf *body, const char *extra_body);

/* Writes the name of a member that extra_body cannot replace. */
extern void body_pinned_member(BodyWriter *writer, const char *name);

/* As before, unless extra_body has that member: then false, and write no value. */
extern bool body_member(BodyWriter *writer, const char *name);

/* Joins the extra members, but for the pinned ones (ended by NULL); frees the writer. */
extern void body_end(BodyWriter *writer, const char *const *pinned);

/* The base URL with its path extended by exactly one slash and path. */
extern bool provider_url(Buf *url, const char *base_url, const char *path);

/* Is the text one JSON number? */
extern bool provider_is_number(const char *text);

#endif							/* AS_PROVIDER_COMMON_H */
