/*
 * json_number.c
 *		What a JSON number is worth, without rounding it.
 *
 * A number is taken apart into its significant digits, without zeros at either
 * end, and the place of its point.  That form is the same for all spellings of
 * a number, so comparing needs no arithmetic, and dividing needs only the
 * remainders of a divisor that fits into 64 bits.
 */
#include "json_number.h"

#include <string.h>

#define EXPONENT_MAX	INT64_C(1000000000000000)

/* The value is 0.DIGITS times ten to the exponent; zero has no digits. */
typedef struct Digits
{
	bool		negative;
	const char *first;			/* there may be a point among the digits */
	const char *end;
	int64_t		count;
	int64_t		exponent;
} Digits;

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* What follows the e, clamped. */
static int64_t
read_exponent(const char *p, const char *end)
{
	bool		negative;
	int64_t		exponent = 0;

	if (p >= end)
		return 0;
	p++;
	negative = p < end && *p == '-';
	for (; p < end; p++)
	{
		if (!is_digit(*p))
			continue;
		exponent = exponent * 10 + (*p - '0');
		if (exponent > EXPONENT_MAX)
			exponent = EXPONENT_MAX;
	}
	return negative ? -exponent : exponent;
}

/* Drops zeros, and the point with them, from both ends. */
static void
strip_zeros(Digits *digits, const char *point)
{
	while (digits->first < digits->end && !(is_digit(*digits->first) && *digits->first != '0'))
	{
		if (*digits->first == '0')
			digits->exponent--;
		digits->first++;
	}
	while (digits->end > digits->first && !(is_digit(digits->end[-1]) && digits->end[-1] != '0'))
		digits->end--;
	digits->count = digits->end - digits->first;
	if (point >= digits->first && point < digits->end)
		digits->count--;
}

static void
take_apart(const char *text, size_t len, Digits *digits)
{
	const char *end = text + len;
	const char *p = text;
	const char *point;

	digits->negative = len > 0 && *p == '-';
	digits->first = p + (digits->negative ? 1 : 0);
	for (p = digits->first; p < end && (is_digit(*p) || *p == '.'); p++)
		;
	digits->end = p;
	point = memchr(digits->first, '.', (size_t) (p - digits->first));
	if (point == NULL)
		point = p;
	digits->exponent = (point - digits->first) + read_exponent(p, end);
	strip_zeros(digits, point);
	if (digits->count == 0)
	{
		digits->negative = false;
		digits->exponent = 0;
	}
}

static int
order(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

/* The next digit; 0 when there is none. */
static int
next_digit(const char **p, const char *end)
{
	if (*p < end && **p == '.')
		++*p;
	return *p < end ? *(*p)++ - '0' : 0;
}

/* Without the signs; neither is zero. */
static int
compare_size(const Digits *a, const Digits *b)
{
	const char *p = a->first;
	const char *q = b->first;
	int			result = order(a->exponent, b->exponent);

	while (result == 0 && (p < a->end || q < b->end))
	{
		int			digit = next_digit(&p, a->end);

		result = order(digit, next_digit(&q, b->end));
	}
	return result;
}

static int
sign(const Digits *digits)
{
	if (digits->count == 0)
		return 0;
	return digits->negative ? -1 : 1;
}

int
json_number_compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
	Digits		left;
	Digits		right;

	take_apart(a, a_len, &left);
	take_apart(b, b_len, &right);
	if (sign(&left) != sign(&right))
		return order(sign(&left), sign(&right));
	if (left.count == 0)
		return 0;
	return compare_size(&left, &right) * sign(&left);
}

bool
json_number_is_integer(const char *text, size_t len)
{
	Digits		digits;

	take_apart(text, len, &digits);
	return digits.exponent >= digits.count;
}

int
json_number_sign(const char *text, size_t len)
{
	Digits		digits;

	take_apart(text, len, &digits);
	return sign(&digits);
}

bool
json_number_is_divisor(const char *text, size_t len)
{
	Digits		digits;

	take_apart(text, len, &digits);
	return sign(&digits) > 0 && digits.count <= JSON_NUMBER_DIVISOR_DIGITS;
}

/* The digits as an integer, modulo divisor (0 = not at all), which is below 10^18. */
static uint64_t
digits_modulo(const Digits *digits, uint64_t divisor)
{
	const char *p = digits->first;
	uint64_t	rest = 0;

	while (p < digits->end)
	{
		rest = rest * 10 + (uint64_t) next_digit(&p, digits->end);
		if (divisor != 0)
			rest %= divisor;
	}
	return rest;
}

/* a * b modulo divisor by doubling: no wider integer is needed. */
static uint64_t
multiply_modulo(uint64_t a, uint64_t b, uint64_t divisor)
{
	uint64_t	result = 0;

	for (a %= divisor; b > 0; b >>= 1)
	{
		if (b & 1)
			result = (result + a) % divisor;
		a = (a + a) % divisor;
	}
	return result;
}

static uint64_t
power_of_ten_modulo(int64_t exponent, uint64_t divisor)
{
	uint64_t	result = 1 % divisor;
	uint64_t	factor = 10 % divisor;

	for (; exponent > 0; exponent >>= 1)
	{
		if (exponent & 1)
			result = multiply_modulo(result, factor, divisor);
		factor = multiply_modulo(factor, factor, divisor);
	}
	return result;
}

bool
json_number_is_multiple(const char *number, size_t len, const char *divisor, size_t divisor_len)
{
	Digits		a;
	Digits		b;
	int64_t		shift;
	uint64_t	modulus;

	take_apart(number, len, &a);
	take_apart(divisor, divisor_len, &b);
	if (a.count == 0)
		return true;
	if (b.count == 0 || b.count > JSON_NUMBER_DIVISOR_DIGITS)
		return false;

	/*
	 * Both as integers times a power of ten.  If the number's power is the
	 * smaller one, its integer would have to be divisible by ten, which its
	 * last digit rules out.
	 */
	shift = (a.exponent - a.count) - (b.exponent - b.count);
	if (shift < 0)
		return false;
	modulus = digits_modulo(&b, 0);
	return multiply_modulo(digits_modulo(&a, modulus),
						   power_of_ten_modulo(shift, modulus), modulus) == 0;
}

bool
json_number_count(const char *text, size_t len, int64_t *count)
{
	Digits		digits;
	int64_t		place;
	const char *p;

	take_apart(text, len, &digits);
	if (digits.negative || digits.exponent < digits.count)
		return false;
	*count = INT64_MAX;
	if (digits.exponent > 18)
		return true;
	*count = 0;
	p = digits.first;
	for (place = 0; place < digits.exponent; place++)
		*count = *count * 10 + next_digit(&p, digits.end);
	return true;
}

/* Zeros count: PostgreSQL keeps those behind the point. */
void
json_number_places(const char *text, size_t len, int64_t *before, int64_t *behind)
{
	const char *end = text + len;
	const char *p = text + (len > 0 && *text == '-' ? 1 : 0);
	int64_t		exponent;

	for (*before = 0; p < end && is_digit(*p); p++)
		++*before;
	if (p < end && *p == '.')
		p++;
	for (*behind = 0; p < end && is_digit(*p); p++)
		++*behind;
	exponent = read_exponent(p, end);
	*before += exponent;
	*behind -= exponent;
	if (*before < 1)
		*before = 1;
	if (*behind < 0)
		*behind = 0;
}
