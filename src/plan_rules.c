/*
 * plan_rules.c
 *		The rules of a step, and the cases of a decision.
 */
#include "plan_private.h"

#include <string.h>

static const char *const action_words[] = {
	"notify", "go_back", "hand_off", "manual_review", "fail", NULL
};

/* The members of each action, in the order of action_words. */
static const char *const action_members[][6] = {
	{"if", "then", "message", "severity", NULL},
	{"if", "then", "to", "feedback", "max_iterations", NULL},
	{"if", "then", "to", "feedback", "max_iterations", NULL},
	{"if", "then", "message", NULL},
	{"if", "then", "message", NULL},
};

static const char *const severity_words[] = {
	"info", "warning", "success", "error", NULL
};

const char *
plan_condition(Reader *reader, const JsonNode *object, const char *name)
{
	const char *condition = plan_text(reader, object, name);

	if (condition && strlen(condition) > PLAN_MAX_CONDITION)
	{
		plan_tell(reader, "Let an agent decide, and look at its output.", "%s is longer than %d kB",
				  name, PLAN_MAX_CONDITION / 1024);
		return NULL;
	}
	return condition;
}

/* ---- rules ---- */

static void
read_target(Reader *reader, const JsonNode *node, PlanRule *rule)
{
	const char *to = plan_text(reader, node, "to");

	rule->max_iterations = plan_int(reader, node, "max_iterations", 1, PLAN_MAX_LOOP, 3);
	if (to)
		rule->to = plan_step_named(reader, "to", to, strlen(to));
	else if (plan_any_member(node, "to") == NULL)
		plan_tell_missing(reader, "to", rule->action == RULE_GO_BACK ?
						  "Name the step that the flow goes back to." : "Name the step that it is handed to.");
}

static void
read_rule_text(Reader *reader, int self, const JsonNode *node, PlanRule *rule)
{
	const char *name = rule->action == RULE_GO_BACK || rule->action == RULE_HAND_OFF ? "feedback" : "message";
	const JsonNode *text = plan_member(reader, node, name, NODE_STRING);

	if (text)
		plan_template(reader, self, true, name, text, &rule->text);
	if (rule->action == RULE_NOTIFY && plan_any_member(node, "message") == NULL)
		plan_tell_missing(reader, "message", "Say what people shall be told.");
}

static void
read_rule(Reader *reader, int self, const JsonNode *node, PlanRule *rule)
{
	rule->to = PLAN_NO_STEP;
	rule->action = RULE_FAIL;
	if (node->kind != NODE_OBJECT)
	{
		plan_tell(reader, "Write {\"if\": CONDITION, \"then\": ACTION, ...}.", "it must be an object");
		return;
	}
	rule->condition = plan_condition(reader, node, "if");
	if (plan_any_member(node, "then") == NULL)
	{
		plan_tell_missing(reader, "then", "Use one of: notify, go_back, hand_off, manual_review, fail.");
		return;
	}
	rule->action = (PlanRuleAction) plan_word(reader, node, "then", action_words, -1);
	if ((int) rule->action < 0)
	{
		rule->action = RULE_FAIL;
		return;
	}
	plan_only_members(reader, node, action_members[rule->action]);
	if (rule->action == RULE_GO_BACK || rule->action == RULE_HAND_OFF)
		read_target(reader, node, rule);
	if (rule->action == RULE_NOTIFY)
		rule->severity = severity_words[plan_word(reader, node, "severity", severity_words, 0)];
	read_rule_text(reader, self, node, rule);
}

/* The array's elements, unless there are none or too many. */
static const JsonNode *
read_array(Reader *reader, int self, const char *name)
{
	const JsonNode *array = plan_member(reader, reader->notes[self].node, name, NODE_ARRAY);

	if (array && array->count > PLAN_MAX_RULES)
	{
		plan_tell(reader, "Make several steps of this one.", "there are %u %s, there may be %d", array->count, name, PLAN_MAX_RULES);
		return NULL;
	}
	return array;
}

/* Is a rule behind it never looked at? */
static bool
is_last_rule(const JsonNode *node, const PlanRule *rule)
{
	return node->kind == NODE_OBJECT && plan_any_member(node, "if") == NULL && rule->action != RULE_NOTIFY;
}

void
plan_read_rules(Reader *reader, int self)
{
	PlanStep   *step = &reader->plan->steps[self];
	const JsonNode *array = read_array(reader, self, "rules");
	const JsonNode *node;

	if (array == NULL)
		return;
	step->rules = plan_alloc(reader, array->count, sizeof(PlanRule));
	if (step->rules == NULL)
		return;
	for (node = array->is.first; node; node = node->next)
	{
		plan_at_no(reader, "rule", (int) node->index + 1);
		read_rule(reader, self, node, &step->rules[step->nrules]);
		if (is_last_rule(node, &step->rules[step->nrules]) && node->next)
			plan_tell(reader, "Give it a condition (if), or put it last.", "it always holds, so that those behind it are never looked at");
		step->nrules++;
	}
	plan_at(reader, NULL);
}

/* ---- cases ---- */

static void
read_case(Reader *reader, const JsonNode *node, PlanCase *choice)
{
	static const char *const allowed[] = {"if", "to", NULL};

	if (node->kind != NODE_OBJECT)
	{
		plan_tell(reader, "Write {\"if\": CONDITION, \"to\": STEP}.", "it must be an object");
		return;
	}
	plan_only_members(reader, node, allowed);
	choice->condition = plan_condition(reader, node, "if");
	choice->to = plan_step_names(reader, node, "to", &choice->nto);
	if (plan_any_member(node, "if") == NULL)
		plan_tell_missing(reader, "if", "Give it a condition; where to go when none holds is said in else.");
	if (plan_any_member(node, "to") == NULL)
		plan_tell_missing(reader, "to", "Name the step, or an array of steps, that it leads to.");
}

/* else: the last case, which has no condition. */
static void
read_else(Reader *reader, int self, PlanStep *step)
{
	PlanCase   *choice = &step->cases[step->ncases];

	if (plan_any_member(reader->notes[self].node, "else") == NULL)
		return;
	choice->to = plan_step_names(reader, reader->notes[self].node, "else", &choice->nto);
	step->ncases++;
}

void
plan_read_cases(Reader *reader, int self)
{
	PlanStep   *step = &reader->plan->steps[self];
	const JsonNode *array = read_array(reader, self, "cases");
	const JsonNode *node;

	if (plan_any_member(reader->notes[self].node, "cases") == NULL || (array && array->count == 0))
		plan_tell(reader, "Write \"cases\": [{\"if\": CONDITION, \"to\": STEP}, ...] and \"else\": STEP.", "the decision has no cases");
	step->cases = plan_alloc(reader, (array ? array->count : 0) + 1, sizeof(PlanCase));
	if (step->cases == NULL)
		return;
	for (node = array ? array->is.first : NULL; node; node = node->next)
	{
		plan_at_no(reader, "case", (int) node->index + 1);
		read_case(reader, node, &step->cases[step->ncases++]);
	}
	plan_at(reader, NULL);
	read_else(reader, self, step);
}
