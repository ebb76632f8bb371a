/*
 * fuzz_definition.h
 *		A workflow's definition out of bytes, such as there would seldom be one by
 *		chance: with every kind of step, way and rule, and mostly a good one.
 *
 * Steps that come after others name earlier ones only, so that there is an order.
 */
#ifndef AS_FUZZ_DEFINITION_H
#define AS_FUZZ_DEFINITION_H

#include "fuzz.h"

#define MOST_STEPS	8

/* What has not been used up of the input; behind its end there are zeros. */
typedef struct Bytes
{
	const uint8_t *next;
	size_t		left;
} Bytes;

static inline unsigned int
take_byte(Bytes *bytes)
{
	if (bytes->left == 0)
		return 0;
	bytes->left--;
	return *bytes->next++;
}

static inline bool
take_chance(Bytes *bytes, unsigned int one_in)
{
	return take_byte(bytes) % one_in == one_in - 1;
}

typedef enum Role
{
	IN_ORDER,
	DECIDES,
	STANDS_IN,
	IS_HANDED_WORK,
	UNDOES
} Role;

typedef struct Draft
{
	Bytes	   *bytes;
	Buf		   *out;
	int			nsteps;
	Role		roles[MOST_STEPS];
	unsigned int owners[MOST_STEPS];	/* bits: for whom one runs on demand */
	unsigned int before[MOST_STEPS];	/* bits: all that come before */
} Draft;

/* One of the first ones, which may need others; the very first is such a one. */
static inline int
choose_owner(Draft *draft, int self)
{
	int			owner = (int) (take_byte(draft->bytes) % (unsigned int) self);

	while (draft->roles[owner] == DECIDES || draft->roles[owner] == UNDOES)
		owner--;
	return owner;
}

/* Those that work for others follow them, so that there are no rings. */
static inline void
choose_roles(Draft *draft)
{
	static const Role roles[] = {IN_ORDER, IN_ORDER, IN_ORDER, IN_ORDER, DECIDES, STANDS_IN, IS_HANDED_WORK, UNDOES};

	draft->nsteps = 1 + (int) (take_byte(draft->bytes) % MOST_STEPS);
	for (int i = 1; i < draft->nsteps; i++)
	{
		Role		role = roles[take_byte(draft->bytes) % 8];

		if (role == STANDS_IN || role == IS_HANDED_WORK || role == UNDOES)
			draft->owners[i] = 1u << choose_owner(draft, i);
		if ((role == STANDS_IN || role == IS_HANDED_WORK) && take_chance(draft->bytes, 3))
			draft->owners[i] |= 1u << choose_owner(draft, i);
		draft->roles[i] = role;
	}
}

static inline bool
works_for(const Draft *draft, int self, int owner)
{
	return (draft->owners[self] >> owner & 1) != 0;
}

static inline bool
is_in_order(const Draft *draft, int step)
{
	return draft->roles[step] == IN_ORDER || draft->roles[step] == DECIDES;
}

static inline void
write_names(Draft *draft, const char *member, unsigned int steps)
{
	const char *comma = "";

	buf_printf(draft->out, ",\"%s\":[", member);
	for (int i = 0; i < draft->nsteps; i++)
	{
		if ((steps >> i & 1) == 0)
			continue;
		buf_printf(draft->out, "%s\"s%d\"", comma, i);
		comma = ",";
	}
	buf_puts(draft->out, "]");
}

static inline void
write_after(Draft *draft, int self)
{
	unsigned int chosen = take_byte(draft->bytes) | (take_byte(draft->bytes) & 1) << (self > 0 ? self - 1 : 0);
	unsigned int after = 0;

	for (int i = 0; i < self; i++)
	{
		if ((chosen >> i & 1) == 0 || !is_in_order(draft, i))
			continue;
		after |= 1u << i;
		draft->before[self] |= 1u << i | draft->before[i];
	}
	write_names(draft, "after", after);
	if (take_chance(draft->bytes, 8) && (after & (after - 1)) != 0)
		buf_puts(draft->out, take_chance(draft->bytes, 2) ? ",\"merge\":2" : ",\"merge\":\"any\"");
}

static inline void
write_cases(Draft *draft, int self)
{
	unsigned int to = 0;

	for (int i = self + 1; i < draft->nsteps; i++)
		to |= is_in_order(draft, i) ? 1u << i : 0;
	buf_puts(draft->out, ",\"type\":\"decision\",\"cases\":[{\"if\":\"$iteration > 1\"");
	write_names(draft, "to", to & take_byte(draft->bytes));
	buf_puts(draft->out, "},{\"if\":\"$iteration > 2\"");
	write_names(draft, "to", to & take_byte(draft->bytes));
	buf_puts(draft->out, "}]");
	if (take_chance(draft->bytes, 2))
		write_names(draft, "else", to & take_byte(draft->bytes));
}

/* One of those before it, or itself. */
static inline int
choose_before(Draft *draft, int self)
{
	int			to = (int) (take_byte(draft->bytes) % (unsigned int) (self + 1));

	while (to < self && (draft->before[self] >> to & 1) == 0)
		to++;
	return to;
}

static inline void
write_rule(Draft *draft, int self, int no)
{
	unsigned int bound = 1 + take_byte(draft->bytes) % 3;

	buf_puts(draft->out, no > 0 ? "," : "");
	buf_printf(draft->out, "{\"if\":\"$iteration > %d\",\"then\":", no);
	switch (take_byte(draft->bytes) % 6)
	{
		case 0:
			buf_puts(draft->out, "\"notify\",\"message\":\"m\"}");
			break;
		case 1:
			buf_puts(draft->out, "\"manual_review\"}");
			break;
		case 2:
			buf_puts(draft->out, "\"fail\",\"message\":\"m\"}");
			break;
		default:
			buf_printf(draft->out, "\"go_back\",\"to\":\"s%d\",\"max_iterations\":%u}", choose_before(draft, self), bound);
			break;
	}
}

/* Rules that it chooses, and those that hand work to whom it owns. */
static inline void
write_rules(Draft *draft, int self)
{
	int			nrules = (int) (take_byte(draft->bytes) % 3);
	int			no = 0;

	buf_puts(draft->out, ",\"rules\":[");
	while (no < nrules)
		write_rule(draft, self, no++);
	for (int i = 0; i < draft->nsteps; i++)
	{
		if (draft->roles[i] == IS_HANDED_WORK && works_for(draft, i, self))
			buf_printf(draft->out, "%s{\"if\":\"$iteration < 9\",\"then\":\"hand_off\",\"to\":\"s%d\",\"max_iterations\":%u}",
					   no++ > 0 ? "," : "", i, 1 + take_byte(draft->bytes) % 3);
	}
	buf_puts(draft->out, "]");
}

static inline void
write_failure(Draft *draft, int self)
{
	static const char *const words[] = {"stop", "continue", "manual_review", "stop"};

	for (int i = 0; i < draft->nsteps; i++)
	{
		if (draft->roles[i] == STANDS_IN && works_for(draft, i, self))
		{
			buf_printf(draft->out, ",\"on_failure\":\"fallback\",\"fallback\":\"s%d\"", i);
			return;
		}
	}
	buf_printf(draft->out, ",\"on_failure\":\"%s\"", words[take_byte(draft->bytes) % 4]);
}

static inline void
write_work(Draft *draft, int self)
{
	buf_puts(draft->out, ",\"agent\":\"w\",\"task\":\"t\"");
	if (draft->roles[self] == UNDOES)
		buf_printf(draft->out, ",\"compensates\":\"s%d\"", __builtin_ctz(draft->owners[self]));
	write_rules(draft, self);
	write_failure(draft, self);
	if (take_chance(draft->bytes, 6))
		buf_printf(draft->out, ",\"criteria\":{\"min_quality_score\":0.5,\"max_iterations\":%u}", 1 + take_byte(draft->bytes) % 3);
	if (take_chance(draft->bytes, 6))
		buf_puts(draft->out, ",\"approval\":{}");
}

static inline void
write_step(Draft *draft, int self)
{
	buf_printf(draft->out, "%s{\"name\":\"s%d\"", self > 0 ? "," : "", self);
	if (is_in_order(draft, self))
		write_after(draft, self);
	if (draft->roles[self] == DECIDES)
		write_cases(draft, self);
	else
		write_work(draft, self);
	if (take_chance(draft->bytes, 6))
		buf_puts(draft->out, ",\"when\":\"$iteration > 0\"");
	buf_puts(draft->out, "}");
}

static inline void
fuzz_definition(Bytes *bytes, Buf *out)
{
	Draft		draft = {.bytes = bytes, .out = out};

	choose_roles(&draft);
	buf_printf(out, "{\"pattern\":\"parallel\",\"settings\":{\"rollback\":%s},\"steps\":[",
			   take_chance(bytes, 2) ? "true" : "false");
	for (int i = 0; i < draft.nsteps; i++)
		write_step(&draft, i);
	buf_puts(out, "]}");
}

#endif							/* AS_FUZZ_DEFINITION_H */
