/*
 * plan.h
 *		A workflow as the engine sees it: steps, ways between them, mappings, rules.
 *
 * A definition (doc/workflows.md) is read once into a plan, in which names have
 * become numbers and defaults are filled in. Steps are numbered from 0 in the
 * order of the definition; step_no of a step's first iteration is that plus 1.
 * A plan never changes after plan_read, so that many executions can share it.
 *
 * Pure code: malloc, no PostgreSQL, no throwing. The plan owns everything that
 * hangs on it; plan_free releases it. All texts are valid UTF-8 without NUL.
 */
#ifndef AS_PLAN_H
#define AS_PLAN_H

#include <stdint.h>

#include "buf.h"
#include "json_tree.h"
#include "output_format.h"

#define PLAN_MAX_STEPS		500
#define PLAN_NO_STEP		(-1)
#define PLAN_WHOLE_ANSWER	(-1)	/* as a value: step.output */
#define PLAN_INPUTS			(-1)	/* as a step: the workflow's inputs */
#define PLAN_MERGE_ALL		0
#define PLAN_UNSET			(-1)	/* of numbers: not given */

#define PLAN_ROW_WORDS		((PLAN_MAX_STEPS + 63) / 64)

/* A set of steps. */
typedef struct StepSet
{
	uint64_t	bits[PLAN_ROW_WORDS];
} StepSet;

static inline bool
set_has(const StepSet *set, int step)
{
	return (set->bits[step / 64] >> (step % 64)) & 1;
}

static inline void
set_add(StepSet *set, int step)
{
	set->bits[step / 64] |= UINT64_C(1) << (step % 64);
}

static inline void
set_add_all(StepSet *set, const StepSet *more)
{
	for (int word = 0; word < PLAN_ROW_WORDS; word++)
		set->bits[word] |= more->bits[word];
}

typedef enum PlanType
{
	PLAN_STRING,
	PLAN_NUMBER,
	PLAN_BOOLEAN,
	PLAN_OBJECT,
	PLAN_ARRAY,
	PLAN_ENUM
} PlanType;

/* A declared input or output. Texts are NULL where they are not given. */
typedef struct PlanValue
{
	const char *name;
	PlanType	type;
	bool		required;
	const char *description;
	const JsonNode *default_value;	/* of an input; NULL = none */
	int			nchoices;		/* of an enum */
	const char **choices;
	const char *file_name;
	const char *media_type;
	const char *metric_label;	/* NULL = no metric */
	const char *metric_unit;
} PlanValue;

/* Where a value comes from. */
typedef struct PlanSource
{
	int			step;			/* PLAN_INPUTS: an input of the workflow */
	int			value;			/* index among the step's outputs or the inputs; PLAN_WHOLE_ANSWER */
} PlanSource;

/* The first source that is there is taken. */
typedef struct PlanMapping
{
	const char *name;
	int			nsources;
	PlanSource *sources;
} PlanMapping;

/* A template, cut into literal text and values; own_output is of the step itself, in rules. */
typedef struct PlanPiece
{
	const char *literal;		/* NULL = a value */
	size_t		len;
	int			own_output;		/* index among the step's own outputs, or PLAN_UNSET */
	int			nsources;
	PlanSource *sources;
} PlanPiece;

typedef struct PlanText
{
	int			npieces;		/* 0 = not given */
	PlanPiece  *pieces;
} PlanText;

typedef enum PlanRuleAction
{
	RULE_NOTIFY,
	RULE_GO_BACK,
	RULE_HAND_OFF,
	RULE_MANUAL_REVIEW,
	RULE_FAIL
} PlanRuleAction;

typedef struct PlanRule
{
	const char *condition;		/* SQL/JSON path; NULL = always */
	PlanRuleAction action;
	int			to;				/* go_back, hand_off */
	int			max_iterations;
	PlanText	text;			/* message or feedback */
	const char *severity;		/* notify */
	bool	   *body;			/* go_back: for each step, whether it is repeated */
} PlanRule;

typedef struct PlanCase
{
	const char *condition;		/* NULL = else */
	int			nto;
	int		   *to;
} PlanCase;

typedef enum PlanFailure
{
	FAILURE_STOP,
	FAILURE_CONTINUE,
	FAILURE_FALLBACK,
	FAILURE_MANUAL_REVIEW
} PlanFailure;

typedef enum PlanExpiry
{
	EXPIRY_REJECT,
	EXPIRY_APPROVE,
	EXPIRY_MANUAL_REVIEW
} PlanExpiry;

typedef struct PlanRetry
{
	int			max_retries;
	double		delay_seconds;
	bool		exponential;
	double		max_delay_seconds;
} PlanRetry;

typedef struct PlanCriteria
{
	bool		given;
	double		min_quality_score;	/* 0 = none */
	int			nsections;
	const char **sections;
	int			max_iterations;
} PlanCriteria;

typedef struct PlanApproval
{
	bool		given;
	const char *by;				/* role; NULL = the owner */
	int			within_seconds; /* PLAN_UNSET = no deadline */
	PlanExpiry	on_expiry;
	PlanText	message;
} PlanApproval;

/* When a step runs that nothing leads to. */
typedef enum PlanDemand
{
	DEMAND_NONE,				/* it is part of the order */
	DEMAND_FALLBACK,
	DEMAND_SPECIALIST,			/* a rule hands off to it */
	DEMAND_COMPENSATION
} PlanDemand;

/* Which agent works on a step. */
typedef struct PlanAgentChoice
{
	bool		chosen;			/* by an earlier output */
	PlanSource	by;
	int			nchoices;
	const char **values;		/* one for each agent */
	const char **agents;
	const char *agent;			/* the agent, or the default of the choice (NULL = none) */
} PlanAgentChoice;

typedef struct PlanStep
{
	const char *name;
	const char *title;			/* never NULL */
	bool		is_decision;
	PlanDemand	demand;
	StepSet		serves;			/* for whom it runs on demand, and for whom these do, but for what it compensates */
	StepSet		loops;			/* the ends of the loops that repeat it */
	PlanAgentChoice agent;
	PlanText	task;
	int			nafter;			/* ways to this step: the steps that they come from */
	int		   *after;
	int			merge;			/* PLAN_MERGE_ALL, or how many ways (any = 1) */
	const char *when;			/* NULL = always */
	int			nmappings;
	PlanMapping *mappings;
	int			noutputs;
	PlanValue  *outputs;
	int			ncases;			/* of a decision; else comes last, with no condition */
	PlanCase   *cases;
	int			nrules;
	PlanRule   *rules;
	PlanCriteria criteria;
	PlanApproval approval;
	PlanFailure on_failure;
	int			fallback;		/* PLAN_NO_STEP = none */
	int			compensates;	/* PLAN_NO_STEP = nothing */
	const char *hand_off_agent; /* after so many retries; NULL = none */
	int			hand_off_after;
	PlanRetry	retry;
	int			timeout_seconds;	/* PLAN_UNSET = the agent's */
	bool		partial_on_timeout;
	const char *output_format;	/* NULL = the agent's */
	bool		is_final;
	const JsonNode *success_actions;	/* an array; NULL = none */
} PlanStep;

typedef struct WorkflowPlan
{
	JsonTree   *tree;
	const char *pattern;
	int			ninputs;
	PlanValue  *inputs;
	int			nsteps;
	PlanStep   *steps;
	int		   *order;			/* all steps, each behind those that it comes after */
	bool		rollback;
	bool		manual_retry;
	bool		manual_intervention;
	int			checkpoint_retention_days;
	const JsonNode *notify;		/* an object; NULL = none */
} WorkflowPlan;

/* Told of each problem of a definition; step is NULL where it is the workflow as a whole. */
typedef void (*PlanProblem) (void *arg, const char *step, const char *problem, const char *hint);

/*
 * Reads and checks a definition. Every problem is reported, as far as one can be
 * seen behind another; NULL if there was any. What needs a database (agents,
 * roles, conditions' syntax) is not checked here: plan_each_condition and
 * plan_each_agent tell what has to be.
 */
extern WorkflowPlan *plan_read(const char *definition, size_t len, PlanProblem problem, void *arg);
extern void plan_free(WorkflowPlan *plan);

/* PLAN_NO_STEP if there is none of that name. */
extern int	plan_find_step(const WorkflowPlan *plan, const char *name);

/* Whether a step runs on demand of another: as its fallback, by its hand-off, or on demand of one that does. */
extern bool plan_serves(const WorkflowPlan *plan, int helper, int owner);

/* Every SQL/JSON path in the plan; where says what it is: when, if of rule 2... */
typedef void (*PlanCondition) (void *arg, const char *step, const char *where, const char *condition);
extern void plan_each_condition(const WorkflowPlan *plan, PlanCondition visit, void *arg);

/* Every agent that a step may need, hand-offs and choices among them. */
typedef void (*PlanAgent) (void *arg, const char *step, const char *agent);
extern void plan_each_agent(const WorkflowPlan *plan, PlanAgent visit, void *arg);

/*
 * As plan_read, but for whoever wants to see all that is wrong: conditions and
 * agents are visited even where there are problems, as far as they could be read.
 * Either may be NULL. True if there was no problem.
 */
extern bool plan_inspect(const char *definition, size_t len, PlanProblem problem,
						 PlanCondition condition, PlanAgent agent, void *arg);

/* string, number, ... enum */
extern const char *plan_type_name(PlanType type);

/* Is a value of that type, or one of the enum's? */
extern bool plan_value_fits(const PlanValue *value, const JsonNode *node);

/* The JSON Schema that an answer in JSON has to satisfy; nothing where no outputs are declared. */
extern void plan_step_schema(const PlanStep *step, Buf *schema);

/*
 * What is said to the model about the outputs where the answer is not JSON: a
 * section with a heading for each. Nothing where no outputs are declared.
 */
extern void plan_step_instructions(const PlanStep *step, Buf *out);

/*
 * Takes the declared outputs out of an answer: from its JSON (the whole answer, or
 * its last fenced block of JSON), else from the sections with these headings.
 * Appends a JSON object to outputs that jsonb can hold. False if a required one is missing
 * or of the wrong type: problem then says which and why, in words for the model.
 */
extern bool plan_step_outputs(const PlanStep *step, const char *answer, size_t len, Buf *outputs, Buf *problem);

/*
 * The share of the required sections that an answer has, 0 to 1: members of its
 * JSON, or Markdown headings (compared without case, punctuation and numbering);
 * 1 where none is required. The missing ones are appended to missing, comma separated.
 */
extern double plan_completeness(const char *const *sections, int nsections, const char *answer, size_t len, Buf *missing);

#endif							/* AS_PLAN_H */
