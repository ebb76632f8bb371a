/*
 * json_number.h
 *		What a JSON number is worth, without rounding it.
 *
 * Numbers stay the text they came as.  A double would take 9007199254740993 for
 * its neighbour and 0.3 for no multiple of 0.1; here every digit counts, however
 * many there are.  The one bound: an exponent beyond +-10^15 counts as that.
 */
#ifndef AS_JSON_NUMBER_H
#define AS_JSON_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Significant digits that a divisor may have. */
#define JSON_NUMBER_DIVISOR_DIGITS	18

/* All texts are known to follow the grammar of a JSON number. */

/* Less than, equal to, or greater than zero, as for memcmp. */
extern int	json_number_compare(const char *a, size_t a_len, const char *b, size_t b_len);

/* Has it no fraction?  1.0 and 1.5e1 have none. */
extern bool json_number_is_integer(const char *text, size_t len);

/* Less than, equal to, or greater than zero. */
extern int	json_number_sign(const char *text, size_t len);

/* Greater than zero, and of no more significant digits than a divisor may have? */
extern bool json_number_is_divisor(const char *text, size_t len);

/* Is number a whole multiple of divisor?  Exact. */
extern bool json_number_is_multiple(const char *number, size_t len,
									const char *divisor, size_t divisor_len);

/* An integer that is not negative, INT64_MAX if larger; false if it is neither. */
extern bool json_number_count(const char *text, size_t len, int64_t *count);

/*
 * How many digits it has before and behind the point when it is written without
 * an exponent; beyond 10^15 they count as that.
 */
extern void json_number_places(const char *text, size_t len, int64_t *before, int64_t *behind);

#endif							/* AS_JSON_NUMBER_H */
