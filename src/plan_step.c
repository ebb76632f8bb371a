/*
 * plan_step.c
 *		The members of a step, but for rules and cases.
 *
 * When a step is read, the names and outputs of all steps are known already.
 */
#include "plan_private.h"

#include <string.h>

#include "template.h"

#define MAX_SECTIONS	100
#define MAX_CHOICES		100

static const char *const agent_members[] = {
	"name", "title", "type", "agent", "task", "inputs", "outputs", "after", "merge", "when", "rules", "criteria",
	"approval", "on_failure", "fallback", "hand_off", "retry", "timeout_seconds", "on_timeout", "output_format",
	"compensates", "final", "success_actions", NULL
};

static const char *const decision_members[] = {
	"name", "title", "type", "inputs", "after", "merge", "when", "cases", "else", NULL
};

static const char *const all_members[] = {
	"name", "title", "type", "agent", "task", "inputs", "outputs", "after", "merge", "when", "cases", "else", "rules",
	"criteria", "approval", "on_failure", "fallback", "hand_off", "retry", "timeout_seconds", "on_timeout",
	"output_format", "compensates", "final", "success_actions", NULL
};

/* ---- names of steps ---- */

static bool
is_among(const int *steps, int count, int step)
{
	while (count-- > 0)
	{
		if (steps[count] == step)
			return true;
	}
	return false;
}

static void
add_step(Reader *reader, const char *what, const JsonNode *node, int *steps, int *count)
{
	int			step;

	if (!plan_is_text(node))
	{
		plan_tell(reader, "Write a step's name, or an array of names.", "%s: a step's name must be a text that is not empty", what);
		return;
	}
	step = plan_step_named(reader, what, node->is.text, node->by.len);
	if (step == PLAN_NO_STEP)
		return;
	if (is_among(steps, *count, step))
		plan_tell(reader, "Leave it out here.", "%s names step \"%s\" twice", what, node->is.text);
	else
		steps[(*count)++] = step;
}

int *
plan_step_names(Reader *reader, const JsonNode *object, const char *name, int *count)
{
	const JsonNode *member = plan_any_member(object, name);
	const JsonNode *node;
	int		   *steps;

	*count = 0;
	if (member == NULL)
		return NULL;
	if (member->kind != NODE_ARRAY && member->kind != NODE_STRING)
	{
		plan_tell(reader, "Write a step's name, or an array of names.", "%s must name steps", name);
		return NULL;
	}
	steps = plan_alloc(reader, member->kind == NODE_ARRAY ? member->count : 1, sizeof(int));
	if (steps == NULL)
		return NULL;
	if (member->kind == NODE_STRING)
		add_step(reader, name, member, steps, count);
	else
	{
		for (node = member->is.first; node; node = node->next)
			add_step(reader, name, node, steps, count);
	}
	return steps;
}

/* ---- agent and task ---- */

static void
read_agent_for(Reader *reader, const JsonNode *node, int at, PlanAgentChoice *agent)
{
	agent->values[at] = node->name;
	agent->agents[at] = node->is.text;
	if (!plan_is_text(node))
	{
		agent->agents[at] = "";
		plan_tell(reader, "Write {\"value\": \"agent\", ...}.", "the agent for %s must be a name",
				  plan_quote(reader, node->name, node->name_len));
	}
}

static void
read_agents_by_value(Reader *reader, const JsonNode *object, PlanAgentChoice *agent)
{
	const JsonNode *choices = plan_member(reader, object, "choices", NODE_OBJECT);
	const JsonNode *node;

	if (plan_any_member(object, "choices") == NULL || (choices && choices->count == 0))
		plan_tell_missing(reader, "choices", "Write \"choices\": {\"value\": \"agent\", ...}.");
	if (choices && choices->count > MAX_CHOICES)
		plan_tell(reader, "Let the default stand for several values.", "choices has %u members, it may have %d", choices->count, MAX_CHOICES);
	if (choices == NULL || choices->count > MAX_CHOICES)
		return;
	agent->values = plan_alloc(reader, choices->count, sizeof(char *));
	agent->agents = plan_alloc(reader, choices->count, sizeof(char *));
	if (agent->values == NULL || agent->agents == NULL)
		return;
	agent->nchoices = (int) choices->count;
	for (node = choices->is.first; node; node = node->next)
		read_agent_for(reader, node, (int) node->index, agent);
}

/* {"by": SOURCE, "choices": {"value": "agent", ...}, "default": "agent"} */
static void
read_agent_choice(Reader *reader, const JsonNode *object, PlanAgentChoice *agent)
{
	static const char *const allowed[] = {"by", "choices", "default", NULL};
	const char *by;

	plan_at(reader, "agent");
	plan_only_members(reader, object, allowed);
	by = plan_text(reader, object, "by");
	if (plan_any_member(object, "by") == NULL)
		plan_tell_missing(reader, "by", "Name the output that chooses: \"by\": \"design.complexity\".");
	agent->chosen = by && plan_source(reader, "by", by, strlen(by), &agent->by);
	agent->agent = plan_text(reader, object, "default");
	read_agents_by_value(reader, object, agent);
	plan_at(reader, NULL);
}

static void
read_agent(Reader *reader, const JsonNode *node, PlanAgentChoice *agent)
{
	const JsonNode *member = plan_any_member(node, "agent");

	if (member == NULL)
		plan_tell_missing(reader, "agent", "Name the agent that works on this step; a step that asks nobody has \"type\": \"decision\".");
	else if (member->kind == NODE_OBJECT)
		read_agent_choice(reader, member, agent);
	else if (plan_is_text(member))
		agent->agent = member->is.text;
	else
		plan_tell(reader, "Write an agent's name, or {\"by\": SOURCE, \"choices\": {\"value\": \"agent\", ...}}.", "agent must be a name or an object");
}

static void
read_task(Reader *reader, int self, PlanText *task)
{
	const JsonNode *node = plan_any_member(reader->notes[self].node, "task");

	if (node == NULL)
		plan_tell_missing(reader, "task", "Say what the agent has to do.");
	else if (!plan_is_text(node))
		plan_tell(reader, "Say what the agent has to do.", "task must be a text that is not empty");
	else
		plan_template(reader, self, false, "task", node, task);
}

/* ---- mappings ---- */

static void
add_source(Reader *reader, const JsonNode *node, PlanMapping *mapping)
{
	if (!plan_is_text(node))
		plan_tell(reader, "Write \"step.output\", or an array of such texts.", "a source must be a text");
	else if (plan_source(reader, "source", node->is.text, node->by.len, &mapping->sources[mapping->nsources]))
		mapping->nsources++;
}

static void
read_mapping(Reader *reader, const JsonNode *node, PlanMapping *mapping)
{
	uint32_t	count = node->kind == NODE_ARRAY ? node->count : 1;
	const JsonNode *source;

	mapping->name = node->name;
	plan_at_name(reader, "input", node->name);
	if (count == 0 || count > PLAN_MAX_SOURCES)
	{
		plan_tell(reader, "Write \"step.output\", or an array of such texts.", "it has %u sources, it must have from 1 to %d", count, PLAN_MAX_SOURCES);
		return;
	}
	mapping->sources = plan_alloc(reader, count, sizeof(PlanSource));
	if (mapping->sources == NULL)
		return;
	if (node->kind != NODE_ARRAY)
	{
		add_source(reader, node, mapping);
		return;
	}
	for (source = node->is.first; source; source = source->next)
		add_source(reader, source, mapping);
}

static void
read_mappings(Reader *reader, int self)
{
	PlanStep   *step = &reader->plan->steps[self];
	const JsonNode *object = reader->notes[self].inputs;
	const JsonNode *node;

	if (object == NULL)
		return;
	if (object->count > PLAN_MAX_VALUES)
	{
		plan_tell(reader, "Map what the task uses, and no more.", "%u inputs are mapped, there may be %d", object->count, PLAN_MAX_VALUES);
		return;
	}
	step->mappings = plan_alloc(reader, object->count, sizeof(PlanMapping));
	if (step->mappings == NULL)
		return;
	step->nmappings = (int) object->count;
	for (node = object->is.first; node; node = node->next)
	{
		read_mapping(reader, node, &step->mappings[node->index]);
		if (!template_is_name(node->name, node->name_len))
			plan_tell(reader, "Use letters, digits and _, beginning with a letter or _, 63 at most.",
					  "this is no name of a variable");
	}
	plan_at(reader, NULL);
}

/* ---- the order ---- */

static void
read_merge(Reader *reader, const JsonNode *node, PlanStep *step)
{
	static const char *const words[] = {"all", "any", NULL};
	const JsonNode *member = plan_any_member(node, "merge");

	if (member == NULL)
		return;
	if (member->kind == NODE_STRING)
		step->merge = plan_word(reader, node, "merge", words, 0) == 1 ? 1 : PLAN_MERGE_ALL;
	else
		step->merge = plan_int(reader, node, "merge", 1, PLAN_MAX_STEPS, PLAN_MERGE_ALL);
}

static void
read_order(Reader *reader, int self)
{
	PlanStep   *step = &reader->plan->steps[self];
	const JsonNode *node = reader->notes[self].node;

	reader->notes[self].after_given = plan_any_member(node, "after") != NULL;
	step->after = plan_step_names(reader, node, "after", &step->nafter);
	read_merge(reader, node, step);
	step->when = plan_condition(reader, node, "when");
}

/* ---- what is demanded of the answer ---- */

static void
read_criteria(Reader *reader, const JsonNode *node, PlanCriteria *criteria)
{
	static const char *const allowed[] = {"min_quality_score", "required_sections", "max_iterations", NULL};
	const JsonNode *object = plan_member(reader, node, "criteria", NODE_OBJECT);

	if (object == NULL)
		return;
	plan_at(reader, "criteria");
	plan_only_members(reader, object, allowed);
	criteria->given = true;
	criteria->min_quality_score = plan_number(reader, object, "min_quality_score", 0, 1, 0);
	criteria->sections = plan_texts(reader, object, "required_sections", MAX_SECTIONS, &criteria->nsections);
	criteria->max_iterations = plan_int(reader, object, "max_iterations", 1, PLAN_MAX_CRITERIA_LOOP, 3);
	if (plan_any_member(object, "min_quality_score") == NULL && plan_any_member(object, "required_sections") == NULL)
		plan_tell(reader, "Give min_quality_score or required_sections.", "nothing is demanded");
	plan_at(reader, NULL);
}

static void
read_approval(Reader *reader, int self, PlanApproval *approval)
{
	static const char *const allowed[] = {"by", "within_seconds", "on_expiry", "message", NULL};
	static const char *const expiry_words[] = {"reject", "approve", "manual_review", NULL};
	const JsonNode *object = plan_member(reader, reader->notes[self].node, "approval", NODE_OBJECT);
	const JsonNode *message;

	if (object == NULL)
		return;
	plan_at(reader, "approval");
	plan_only_members(reader, object, allowed);
	approval->given = true;
	approval->by = plan_text(reader, object, "by");
	approval->within_seconds = plan_int(reader, object, "within_seconds", 1, PLAN_MAX_WAIT, PLAN_UNSET);
	approval->on_expiry = (PlanExpiry) plan_word(reader, object, "on_expiry", expiry_words, 0);
	if (plan_any_member(object, "on_expiry") && plan_any_member(object, "within_seconds") == NULL)
		plan_tell(reader, "Give within_seconds too.", "on_expiry is given, but it never expires");
	message = plan_member(reader, object, "message", NODE_STRING);
	if (message)
		plan_template(reader, self, false, "message", message, &approval->message);
	plan_at(reader, NULL);
}

static void
read_output_format(Reader *reader, const JsonNode *node, PlanStep *step)
{
	static const char *const words[] = {"markdown", "json", "plaintext", "code", "md", "txt", NULL};
	int			word = plan_word(reader, node, "output_format", words, -1);
	OutputFormat format;

	if (word >= 0 && output_format_parse(words[word], &format))
		step->output_format = output_format_name(format);
}

/* ---- failure ---- */

void
plan_read_retry(Reader *reader, const JsonNode *object, const char *place,
				const PlanRetry *usual, PlanRetry *retry)
{
	static const char *const allowed[] = {"max_retries", "delay_seconds", "exponential", "max_delay_seconds", NULL};
	const JsonNode *node = plan_member(reader, object, "retry", NODE_OBJECT);

	*retry = *usual;
	if (node == NULL)
		return;
	plan_at(reader, place);
	plan_only_members(reader, node, allowed);
	retry->max_retries = plan_int(reader, node, "max_retries", 0, PLAN_MAX_RETRIES, usual->max_retries);
	retry->delay_seconds = plan_number(reader, node, "delay_seconds", 0, PLAN_MAX_SECONDS, usual->delay_seconds);
	retry->exponential = plan_bool(reader, node, "exponential", usual->exponential);
	retry->max_delay_seconds = plan_number(reader, node, "max_delay_seconds", 0, PLAN_MAX_SECONDS, usual->max_delay_seconds);
	if (retry->max_delay_seconds < retry->delay_seconds)
	{
		if (plan_any_member(node, "max_delay_seconds"))
			plan_tell(reader, "Let max_delay_seconds be the larger one.", "max_delay_seconds is less than delay_seconds");
		retry->max_delay_seconds = retry->delay_seconds;
	}
	plan_at(reader, NULL);
}

static void
read_hand_off(Reader *reader, const JsonNode *node, PlanStep *step)
{
	static const char *const allowed[] = {"agent", "after_retries", NULL};
	const JsonNode *object = plan_member(reader, node, "hand_off", NODE_OBJECT);

	if (object == NULL)
		return;
	plan_at(reader, "hand_off");
	plan_only_members(reader, object, allowed);
	step->hand_off_agent = plan_text(reader, object, "agent");
	step->hand_off_after = plan_int(reader, object, "after_retries", 1, PLAN_MAX_RETRIES, 1);
	if (plan_any_member(object, "agent") == NULL)
		plan_tell_missing(reader, "agent", "Name the agent that takes over.");
	if (plan_any_member(object, "after_retries") == NULL)
		plan_tell_missing(reader, "after_retries", "Say from which retry on: \"after_retries\": 3.");
	else if (step->hand_off_after > step->retry.max_retries)
		plan_tell(reader, "Let max_retries of retry be at least as large.",
				  "after_retries is %d, but there are %d retries", step->hand_off_after, step->retry.max_retries);
	plan_at(reader, NULL);
}

static void
read_fallback(Reader *reader, const JsonNode *node, PlanStep *step)
{
	const char *name = plan_text(reader, node, "fallback");
	bool		given = plan_any_member(node, "fallback") != NULL;

	if (name)
		step->fallback = plan_step_named(reader, "fallback", name, strlen(name));
	if (step->on_failure == FAILURE_FALLBACK && !given)
		plan_tell_missing(reader, "fallback", "Name the step that stands in for this one.");
	if (step->on_failure != FAILURE_FALLBACK && given)
		plan_tell(reader, "Write \"on_failure\": \"fallback\" too.", "fallback is given, but on_failure is not fallback");
}

static void
read_failure(Reader *reader, const JsonNode *node, PlanStep *step)
{
	static const char *const words[] = {"stop", "retry_then_stop", "continue", "fallback", "manual_review", NULL};
	static const PlanFailure meaning[] = {
		FAILURE_STOP, FAILURE_STOP, FAILURE_CONTINUE, FAILURE_FALLBACK, FAILURE_MANUAL_REVIEW
	};
	static const char *const timeout_words[] = {"fail", "partial", NULL};
	int			word = plan_word(reader, node, "on_failure", words, -1);

	step->on_failure = word < 0 ? reader->on_failure : meaning[word];
	read_fallback(reader, node, step);
	plan_read_retry(reader, node, "retry", &reader->retry, &step->retry);
	read_hand_off(reader, node, step);
	step->timeout_seconds = plan_int(reader, node, "timeout_seconds", 1, PLAN_MAX_SECONDS, reader->timeout_seconds);
	step->partial_on_timeout = plan_word(reader, node, "on_timeout", timeout_words, 0) == 1;
}

/* ---- the end ---- */

static void
read_success_actions(Reader *reader, const JsonNode *node, PlanStep *step)
{
	static const char *const words[] = {"save_to_workspace", "notify", "create_ticket", "webhook", "email", NULL};
	const JsonNode *action;

	step->success_actions = plan_member(reader, node, "success_actions", NODE_ARRAY);
	for (action = step->success_actions ? step->success_actions->is.first : NULL; action; action = action->next)
	{
		plan_at_no(reader, "success action", (int) action->index + 1);
		if (action->kind != NODE_OBJECT)
			plan_tell(reader, "Write {\"action\": \"notify\", ...}.", "it must be an object");
		else if (plan_any_member(action, "action") == NULL)
			plan_tell_missing(reader, "action", "Use one of: save_to_workspace, notify, create_ticket, webhook, email.");
		else
			plan_word(reader, action, "action", words, 0);
	}
	plan_at(reader, NULL);
}

static void
read_compensates(Reader *reader, const JsonNode *node, PlanStep *step)
{
	const char *name = plan_text(reader, node, "compensates");

	if (name)
		step->compensates = plan_step_named(reader, "compensates", name, strlen(name));
}

static void
read_agent_step(Reader *reader, int self)
{
	PlanStep   *step = &reader->plan->steps[self];
	const JsonNode *node = reader->notes[self].node;

	read_agent(reader, node, &step->agent);
	read_task(reader, self, &step->task);
	plan_read_rules(reader, self);
	read_criteria(reader, node, &step->criteria);
	read_approval(reader, self, &step->approval);
	read_failure(reader, node, step);
	read_output_format(reader, node, step);
	read_compensates(reader, node, step);
	step->is_final = plan_bool(reader, node, "final", false);
	read_success_actions(reader, node, step);
}

static bool
is_word(const char *const *words, const char *name)
{
	for (; *words; words++)
	{
		if (strcmp(*words, name) == 0)
			return true;
	}
	return false;
}

/* Members of the other kind of step, and those that no step has. */
static void
check_members(Reader *reader, const JsonNode *node, bool is_decision)
{
	const JsonNode *member;

	for (member = node->is.first; member; member = member->next)
	{
		if (is_decision && is_word(agent_members, member->name) && !is_word(decision_members, member->name))
			plan_tell(reader, "Give it to the step before, or to a step that the decision leads to.",
					  "a decision has no %s: it asks nobody", member->name);
		if (!is_decision && is_word(decision_members, member->name) && !is_word(agent_members, member->name))
			plan_tell(reader, "Write \"type\": \"decision\" in a step of its own.", "%s is of a decision only", member->name);
	}
	plan_only_members(reader, node, all_members);
}

void
plan_read_step(Reader *reader, int self)
{
	PlanStep   *step = &reader->plan->steps[self];
	const JsonNode *node = reader->notes[self].node;

	if (node == NULL)
		return;
	plan_at_step(reader, self);
	check_members(reader, node, step->is_decision);
	read_mappings(reader, self);
	read_order(reader, self);
	if (step->is_decision)
		plan_read_cases(reader, self);
	else
		read_agent_step(reader, self);
}
