/*
 * plan_private.h
 *		What the parts that read a definition share with each other only.
 *
 * Everything that a plan holds lives in the memory of its JSON tree. Where memory
 * runs out, the reader has failed; it goes on with less, and no plan comes of it.
 */
#ifndef AS_PLAN_PRIVATE_H
#define AS_PLAN_PRIVATE_H

#include "plan.h"

struct Near;

#define PLAN_MAX_BYTES		(1024 * 1024)	/* of a definition */
#define PLAN_MAX_NODES		300000	/* values in it */
#define PLAN_MAX_PROBLEMS	200
#define PLAN_MAX_VALUES		500 /* inputs, outputs, mappings of one step */
#define PLAN_MAX_RULES		50	/* of one step; cases too */
#define PLAN_MAX_SOURCES	100 /* of one mapping */
#define PLAN_MAX_CONDITION	(10 * 1024)
#define PLAN_MAX_SECONDS	86400
#define PLAN_MAX_WAIT		(366 * 86400)	/* of an approval */
#define PLAN_MAX_RETRIES	20
#define PLAN_MAX_LOOP		100
#define PLAN_MAX_CRITERIA_LOOP	10

/* What is known of a step beside what the plan keeps. */
typedef struct StepNotes
{
	const JsonNode *node;		/* NULL if it is no object */
	const JsonNode *inputs;		/* its mappings, outputs: NULL if there are none */
	const JsonNode *outputs;
	bool		good_name;
	bool		after_given;
	StepSet		owners;			/* of one that runs on demand: for whom */
	StepSet		before;			/* all that come before it in the order */
	StepSet		sees;			/* whose outputs it may use */
	bool		sees_known;
} StepNotes;

typedef struct Reader
{
	WorkflowPlan *plan;
	JsonTree   *tree;
	const JsonNode *inputs;		/* the workflow's, if that is an object */
	StepNotes  *notes;
	int		   *by_name;		/* steps, in the order of their names */
	int			nnames;
	PlanRetry	retry;			/* defaults from the settings */
	PlanFailure on_failure;
	int			timeout_seconds;

	PlanProblem problem;
	void	   *arg;
	int			nproblems;
	bool		failed;			/* out of memory */
	bool		tangled;		/* the order has a cycle */
	const char *step;			/* whom a problem is about; NULL = the workflow */
	const char *place;			/* "rule", "settings.retry" ...; NULL = nothing more */
	const char *place_name;		/* of it, or NULL */
	int			place_no;		/* of it, or 0 */
	Buf			words;
	Buf			hint;
	Buf			quoted[2];
	int			last_quoted;
} Reader;

/* ---- plan_problem.c ---- */

extern void plan_tell(Reader *reader, const char *hint, const char *fmt,...)
			__attribute__((format(printf, 3, 4)));

/* With "Perhaps you meant ..." before the hint, unless near is NULL. */
extern void plan_tell_near(Reader *reader, const char *near, const char *hint, const char *fmt,...)
			__attribute__((format(printf, 4, 5)));

/* In quotes, clipped; lives until it is called twice more. */
extern const char *plan_quote(Reader *reader, const char *text, size_t len);

/* Whom the next problems are about. */
extern void plan_at_step(Reader *reader, int step);
extern void plan_at(Reader *reader, const char *place);
extern void plan_at_no(Reader *reader, const char *place, int no);
extern void plan_at_name(Reader *reader, const char *place, const char *name);

/* Zeroed memory for count things; NULL, and the reader has failed, when there is none. */
extern void *plan_alloc(Reader *reader, size_t count, size_t size);

/* ---- plan_members.c ---- */

extern void plan_only_members(Reader *reader, const JsonNode *object, const char *const *allowed);

/* The member, if it is there and of that kind; what is of another kind is told. */
extern const JsonNode *plan_member(Reader *reader, const JsonNode *object, const char *name, JsonNodeKind kind);

/* A text that is not empty. */
extern const char *plan_text(Reader *reader, const JsonNode *object, const char *name);
extern bool plan_bool(Reader *reader, const JsonNode *object, const char *name, bool usual);
extern int	plan_int(Reader *reader, const JsonNode *object, const char *name, int low, int high, int usual);
extern double plan_number(Reader *reader, const JsonNode *object, const char *name,
						  double low, double high, double usual);

/* The word that is spelt most like the text; NULL = none comes near. */
extern const char *plan_nearest(const char *text, size_t len, const char *const *words);

/* The index of the word among words, which NULL ends. */
extern int	plan_word(Reader *reader, const JsonNode *object, const char *name,
					  const char *const *words, int usual);

/* An array of texts that are not empty, each once; *count is 0 where it is not given. */
extern const char **plan_texts(Reader *reader, const JsonNode *object, const char *name, int max, int *count);

/* Something required is missing. */
extern void plan_tell_missing(Reader *reader, const char *name, const char *hint);

extern const JsonNode *plan_any_member(const JsonNode *object, const char *name);
extern bool plan_is_text(const JsonNode *node);

/* ---- plan_values.c ---- */

/* The values that an object declares, one for each member; bad ones keep their place. */
extern PlanValue *plan_values(Reader *reader, const JsonNode *object, bool are_inputs, int *count);

extern bool plan_is_choice(const PlanValue *value, const char *text);

/* The choice that is spelt most like the text; NULL = none comes near. */
extern const char *plan_near_choice(const PlanValue *value, const char *text);

/* ---- plan_names.c ---- */

/* Sorts the steps by name, and tells of those that have the same. */
extern void plan_index_names(Reader *reader);

/* PLAN_NO_STEP if there is none. */
extern int	plan_lookup_step(const Reader *reader, const char *name, size_t len);

/* The number of a member of an object, which may be NULL; PLAN_UNSET = no such member. */
extern int	plan_declared(const JsonNode *object, const char *name, size_t len);

/* For "Perhaps you meant ...", unless so many problems were told that none is any more. */
extern void plan_offer_members(const Reader *reader, struct Near *near, const JsonNode *object);

/* Tells if there is none, and returns PLAN_NO_STEP. what: "fallback", "after" ... */
extern int	plan_step_named(Reader *reader, const char *what, const char *name, size_t len);

extern bool plan_source(Reader *reader, const char *what, const char *text, size_t len, PlanSource *source);

/* In a rule, the step's own outputs can be used too. */
extern void plan_template(Reader *reader, int self, bool in_rule, const char *what,
						  const JsonNode *node, PlanText *text);

/* ---- plan_step.c, plan_rules.c ---- */

extern void plan_read_step(Reader *reader, int self);
extern void plan_read_rules(Reader *reader, int self);
extern void plan_read_cases(Reader *reader, int self);
extern void plan_read_retry(Reader *reader, const JsonNode *object, const char *place,
							const PlanRetry *usual, PlanRetry *retry);

/* A condition; NULL where it is not given. */
extern const char *plan_condition(Reader *reader, const JsonNode *object, const char *name);

/* Names of steps, each once: an array, or one name. */
extern int *plan_step_names(Reader *reader, const JsonNode *object, const char *name, int *count);

/* ---- plan_order.c, plan_check.c, plan_path.c ---- */

/* Who runs on demand, what comes after what, what is repeated. */
extern void plan_order(Reader *reader);

/* Whether loops wait for each other. */
extern void plan_check_loops(Reader *reader);

/* What can only be judged when the order is known. */
extern void plan_check(Reader *reader);

/*
 * The variables and steps that a condition names, and what stands behind $. sees
 * has the steps that may be named; NULL = the order is not known.
 */
extern void plan_check_condition(Reader *reader, int self, bool in_rule, const char *what,
								 const char *path, const StepSet *sees);

/* Tells, if it may not, why a step may not use what another one found. */
extern void plan_check_seen(Reader *reader, int self, bool in_rule, const char *what, int source, const StepSet *sees);

#endif							/* AS_PLAN_PRIVATE_H */
