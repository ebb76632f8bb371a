/*
 * test_flow.c
 *		What comes next in a workflow, for every kind of way, rule and command.
 *
 * In the tables ' stands for ". A script says what happens, one turn after the
 * other: "a" is that step a, which is queued, runs and completes; "a!" fails,
 * "a~" is partial, "a?" misses its criteria, "a*" has warnings; what is joined by
 * a comma happens in one turn. "retry:a" and the like are commands. The flow is
 * made anew for each turn, from the rows as the last one left them.
 *
 * Then the steps and the execution are in these states; in front of them stands
 * what was refused, or could not be done.
 */
#include "flow.h"
#include "unit.h"

#define P(pattern, settings, steps) "{'pattern':'" pattern "','settings':{" settings "},'steps':[" steps "]}"
#define SEQUENTIAL(steps)	P("sequential", "", steps)
#define PARALLEL(steps)		P("parallel", "", steps)
#define STEP(name)			"{'name':'" name "','agent':'w','task':'t'}"
#define WITH(name, more)	"{'name':'" name "','agent':'w','task':'t'," more "}"
#define BACK(to, when, n)	"{'if':'" when "','then':'go_back','to':'" to "','max_iterations':" n "}"
#define HAND(to, when, n)	"{'if':'" when "','then':'hand_off','to':'" to "','max_iterations':" n "}"
#define RULES(rules)		"'rules':[" rules "]"
#define ALWAYS				"$iteration > 0"
#define ODD					"$iteration % 2"

#define ABC					STEP("a") "," STEP("b") "," STEP("c")
#define MEET(more)			PARALLEL(ABC "," WITH("m", "'after':['a','b','c']" more))
#define DECISION			P("dynamic", "", STEP("a") ",{'name':'d','type':'decision','cases':[" \
	"{'if':'$iteration > 5','to':'b'},{'if':'$iteration < 5','to':['c','e']}]}," STEP("b") "," STEP("c") "," STEP("e") "," \
	WITH("f", "'after':['b']") "," WITH("g", "'after':['f','c','e']"))
#define NOWHERE				P("dynamic", "", "{'name':'d','type':'decision','cases':[{'if':'$iteration > 5','to':'b'}]}," STEP("b"))
#define LOOP				SEQUENTIAL(STEP("a") "," STEP("b") "," WITH("c", RULES(BACK("b", ALWAYS, "3"))) "," STEP("d"))
#define NESTED				SEQUENTIAL(STEP("a") "," WITH("b", RULES(BACK("b", "$iteration < 2", "2"))) "," \
	WITH("c", RULES(BACK("a", "$iteration < 2", "2"))))
#define FALLBACK			SEQUENTIAL(WITH("a", "'on_failure':'fallback','fallback':'f'") "," STEP("f") "," STEP("b"))
#define FALLBACKS			SEQUENTIAL(WITH("a", "'on_failure':'fallback','fallback':'f'") "," \
	WITH("f", "'on_failure':'fallback','fallback':'g'") "," STEP("g") "," STEP("b"))
#define FALLBACK_IN_LOOP	SEQUENTIAL(WITH("a", "'on_failure':'fallback','fallback':'f'") "," STEP("f") "," \
	WITH("b", RULES(BACK("a", "$iteration < 3", "3"))))
#define SPECIALIST			SEQUENTIAL(WITH("a", RULES(HAND("s", "$iteration < 3", "3"))) "," STEP("s") "," STEP("b"))
#define SHARED				PARALLEL(WITH("a", RULES(HAND("s", "$iteration < 2", "3"))) "," WITH("b", RULES(HAND("s", "$iteration < 2", "3"))) "," \
	STEP("s") "," WITH("c", "'after':['a','b']"))
#define HANDS_OFF_IN_LOOP	SEQUENTIAL(WITH("a", RULES(HAND("s", ODD, "3"))) "," STEP("s") "," WITH("b", RULES(BACK("a", "$iteration < 2", "3"))))
#define ROLLBACK_WITH_FALLBACK	P("sequential", "'rollback':true", STEP("a") "," WITH("ua", "'compensates':'a','on_failure':'fallback','fallback':'f'") "," \
	STEP("f") "," STEP("b"))
#define ROLLBACK			P("sequential", "'rollback':true", STEP("a") "," WITH("ua", "'compensates':'a'") "," STEP("b") "," \
	WITH("ub", "'compensates':'b'") "," STEP("c") "," WITH("uc", "'compensates':'c'"))
#define CRITERIA			SEQUENTIAL(WITH("a", "'criteria':{'min_quality_score':0.5,'max_iterations':2}") "," STEP("b"))
#define RULED(rule)			SEQUENTIAL(WITH("a", RULES(rule)) "," STEP("b"))
#define REVIEW_PASSED(more)	PARALLEL(WITH("a", more) "," STEP("b") "," WITH("m", "'after':['a','b'],'merge':'any'"))
#define APPROVED			SEQUENTIAL(STEP("a") "," WITH("b", "'approval':{}") "," STEP("c"))

static const struct
{
	const char *name;
	const char *definition;
	const char *script;
	const char *want;
}			cases[] = {
	/* order */
	{"the first step begins", SEQUENTIAL(ABC), "", "a=queued b=pending c=pending running"},
	{"then the next", SEQUENTIAL(ABC), "a", "a=completed b=queued c=pending running"},
	{"to the end", SEQUENTIAL(ABC), "a b c", "a=completed b=completed c=completed completed"},
	{"all at once", PARALLEL(ABC), "", "a=queued b=queued c=queued running"},
	{"in any order", PARALLEL(ABC), "c a b", "a=completed b=completed c=completed completed"},
	{"several ends in one turn", PARALLEL(ABC), "c,a,b", "a=completed b=completed c=completed completed"},
	{"a failure stops", SEQUENTIAL(ABC), "a!", "a=failed b=pending c=pending failed"},
	{"but not the others", PARALLEL(ABC), "a!", "a=failed b=queued c=queued running"},
	{"which run to their end", PARALLEL(ABC), "a! b c", "a=failed b=completed c=completed failed"},
	{"a failure with continue", SEQUENTIAL(WITH("a", "'on_failure':'continue'") "," STEP("b")), "a! b", "a=failed b=completed completed"},
	{"the last one, with continue", SEQUENTIAL(WITH("a", "'on_failure':'continue'")), "a!", "a=failed completed"},
	{"a failure with manual_review", SEQUENTIAL(WITH("a", "'on_failure':'manual_review'") "," STEP("b")), "a!", "a=failed b=pending requires_manual_review"},
	{"a task that cannot be made", SEQUENTIAL("{'name':'a','agent':'nobody','task':'t'}," STEP("b")), "", "a=failed b=pending failed"},
	{"one whose failure is passed", SEQUENTIAL("{'name':'a','agent':'nobody','task':'t','on_failure':'continue'}," STEP("b")), "", "a=failed b=queued running"},

	/* where ways meet */
	{"all: two are not enough", MEET(""), "a b", "a=completed b=completed c=queued m=pending running"},
	{"all", MEET(""), "a b c", "a=completed b=completed c=completed m=queued running"},
	{"all, and one is blocked", MEET(""), "a b! c", "a=completed b=failed c=completed m=pending failed"},
	{"any", MEET(",'merge':'any'"), "b", "a=queued b=completed c=queued m=queued running"},
	{"any, and the first has failed", MEET(",'merge':'any'"), "a! b", "a=failed b=completed c=queued m=queued running"},
	{"any, and all have failed", MEET(",'merge':'any'"), "a! b! c!", "a=failed b=failed c=failed m=pending failed"},
	{"any, and the rest fails later", MEET(",'merge':'any'"), "b m a! c!", "a=failed b=completed c=failed m=completed completed"},
	{"a number", MEET(",'merge':2"), "c", "a=queued b=queued c=completed m=pending running"},
	{"as many", MEET(",'merge':2"), "c a", "a=completed b=queued c=completed m=queued running"},
	{"as many as are not closed", PARALLEL("{'name':'d','type':'decision','cases':[{'if':'" ALWAYS "','to':'a'}],'else':['b','c']}," ABC "," WITH("m", "'after':['a','b','c'],'merge':2")),
	"a", "d=completed a=completed b=skipped c=skipped m=queued running"},

	/* conditions and decisions */
	{"a condition that holds", SEQUENTIAL(WITH("a", "'when':'" ALWAYS "'") "," STEP("b")), "a", "a=completed b=queued running"},
	{"one that does not", SEQUENTIAL(WITH("a", "'when':'$iteration > 5'") "," STEP("b")), "", "a=skipped/passed_over b=queued running"},
	{"one that cannot be found out", SEQUENTIAL(WITH("a", "'when':'$retry_count > 0'") "," STEP("b")), "", "a=failed b=pending failed"},
	{"a decision leads on", DECISION, "a", "a=completed d=completed b=skipped c=queued e=queued f=skipped g=pending running"},
	{"to where the ways meet", DECISION, "a c e", "a=completed d=completed b=skipped c=completed e=completed f=skipped g=queued running"},
	{"a decision that chooses nothing", NOWHERE, "", "d=completed b=skipped completed"},
	{"a decision that cannot be made", PARALLEL("{'name':'d','type':'decision','cases':[{'if':'$retry_count > 0','to':'a'}],'else':'b'}," STEP("a") "," STEP("b")),
	"", "d=failed a=pending b=pending failed"},
	{"what comes after a decision, but is no case of it", PARALLEL("{'name':'d','type':'decision','cases':[{'if':'$iteration > 5','to':'a'}]}," STEP("a") "," WITH("b", "'after':'d'")),
	"", "d=completed a=skipped b=queued running"},

	/* loops */
	{"going back", LOOP, "a b c", "a=completed b.2=queued c.2=pending d=pending running"},
	{"once more", LOOP, "a b c b c", "a=completed b.3=queued c.3=pending d=pending running"},
	{"the bound", LOOP, "a b c b c b c", "a=completed b.3=completed c.3=failed d=pending failed"},
	{"the bound is not that of tries", LOOP, "a b c b c! retry:c c", "a=completed b.3=queued c.3=pending d=pending running"},
	{"a rule that does not hold", RULED(BACK("a", "$iteration > 5", "3")), "a", "a=completed b=queued running"},
	{"a rule that cannot be found out", RULED(BACK("a", "$retry_count > 0", "3")), "a", "a=failed b=pending failed"},
	{"a loop in a loop: each round has rounds of its own", NESTED, "a b b c a b", "a.2=completed b.3=completed c.2=queued running"},
	{"what leads out of a loop waits for its end", PARALLEL(STEP("a") "," WITH("b", "'after':['a']," RULES(BACK("a", "$iteration < 2", "2"))) "," WITH("x", "'after':['a']")),
	"a", "a=completed b=queued x=pending running"},
	{"and then begins", PARALLEL(STEP("a") "," WITH("b", "'after':['a']," RULES(BACK("a", "$iteration < 2", "2"))) "," WITH("x", "'after':['a']")),
	"a b a b", "a.2=completed b.2=completed x=queued running"},
	{"criteria", CRITERIA, "a?", "a.2=queued b=pending running"},
	{"criteria that are met then", CRITERIA, "a? a", "a.2=completed b=queued running"},
	{"criteria that are not", CRITERIA, "a? a?", "a.2=failed b=pending failed"},

	/* other rules */
	{"a notice, and on", RULED("{'then':'notify','message':'m'}"), "a", "a=completed b=queued running"},
	{"a rule that fails", RULED("{'then':'fail','message':'m'}"), "a", "a=failed b=pending failed"},
	{"a rule that asks for a review", RULED("{'then':'manual_review'}"), "a", "a=completed/manual_review b=pending requires_manual_review"},
	{"the first that holds is the last", RULED("{'if':'$iteration > 5','then':'fail'},{'if':'" ALWAYS "','then':'manual_review'},{'then':'fail'}"), "a", "a=completed/manual_review b=pending requires_manual_review"},
	{"warnings", SEQUENTIAL(ABC), "a*", "a=completed b=queued c=pending running"},
	{"warnings where they stop", SEQUENTIAL(ABC), "careful a*", "a=completed/manual_review b=pending c=pending requires_manual_review"},

	/* on demand */
	{"a fallback that is not needed", FALLBACK, "a b", "a=completed f=skipped b=completed completed"},
	{"a fallback", FALLBACK, "a!", "a=failed f=queued b=pending running"},
	{"it stands in", FALLBACK, "a! f b", "a=failed f=completed b=completed completed"},
	{"it fails too", FALLBACK, "a! f!", "a=failed f=failed b=pending failed"},
	{"a fallback of a fallback", FALLBACKS, "a! f! g b", "a=failed f=failed g=completed b=completed completed"},
	{"each round has a fallback of its own", FALLBACK_IN_LOOP, "a! f b a! f b", "a.3=queued f.3=pending b.3=pending running"},
	{"none in a round that does not need it", FALLBACK_IN_LOOP, "a! f b a b a b", "a.3=completed f.2=skipped b.3=completed completed"},
	{"a specialist", SPECIALIST, "a", "a.2=pending s=queued b=pending running"},
	{"then the step again", SPECIALIST, "a s", "a.2=queued s=completed b=pending running"},
	{"once more", SPECIALIST, "a s a s a b", "a.3=completed s.2=completed b=completed completed"},
	{"a specialist that fails", SPECIALIST, "a s!", "a.2=pending s=failed b=pending failed"},
	{"the bound of handing off", SEQUENTIAL(WITH("a", RULES(HAND("s", ALWAYS, "2"))) "," STEP("s")), "a s a", "a.2=failed s=completed failed"},
	{"a specialist for two, one after the other", SHARED, "a s a b s b", "a.2=completed b.2=completed s.2=completed c=queued running"},
	{"a specialist for two at once works once", SHARED, "a b s", "a.2=queued b.2=queued s=completed c=pending running"},
	{"a specialist for two in one turn", SHARED, "a,b s a b c", "a.2=completed b.2=completed s=completed c=completed completed"},
	{"each round of a loop hands off anew", HANDS_OFF_IN_LOOP, "a s a b", "a.3=queued s.2=pending b.2=pending running"},
	{"and again", HANDS_OFF_IN_LOOP, "a s a b a s a b", "a.4=completed s.2=completed b.2=completed completed"},
	{"rounds of a specialist's own", SEQUENTIAL(WITH("a", RULES(HAND("s", "$iteration < 2", "2"))) "," WITH("s", "'criteria':{'min_quality_score':0.5,'max_iterations':2}")),
	"a s? s a", "a.2=completed s.2=completed completed"},

	/* rollback */
	{"no failure, no rollback", ROLLBACK, "a b c", "a=completed ua=skipped b=completed ub=skipped c=completed uc=skipped completed"},
	{"what completed last is undone first", ROLLBACK, "a b c!", "a=completed ua=pending b=completed ub=queued c=failed uc=pending running"},
	{"then what completed before", ROLLBACK, "a b c! ub ua", "a=completed ua=completed b=completed ub=completed c=failed uc=pending failed"},
	{"one that fails does not stop it", ROLLBACK, "a b c! ub! ua", "a=completed ua=completed b=completed ub=failed c=failed uc=pending failed"},
	{"a fallback of what undoes decides nothing", ROLLBACK_WITH_FALLBACK, "a b! ua! f!", "a=completed ua=failed f=failed b=failed failed"},
	{"nothing to undo", ROLLBACK, "a!", "a=failed ua=pending b=pending ub=pending c=pending uc=pending failed"},
	{"by the time of the end, not by the definition", P("parallel", "'rollback':true", ABC "," WITH("ua", "'compensates':'a'") "," WITH("ub", "'compensates':'b'")),
	"b a c! ua ub", "a=completed b=completed c=failed ua=completed ub=completed failed"},
	{"no repair after it has begun", ROLLBACK, "a b! retry:b ua retry:b", "[retry:b refused: the workflow has been rolled back] "
	"[retry:b refused: the workflow has been rolled back] a=completed ua=completed b=failed ub=pending c=pending uc=pending failed"},

	/* approvals */
	{"an approval is asked for", APPROVED, "a", "a=completed b=waiting_approval c=pending waiting_approval"},
	{"approved", APPROVED, "a approve:b b c", "a=completed b=completed/approved c=completed completed"},
	{"rejected", APPROVED, "a reject:b", "a=completed b=failed c=pending failed"},
	{"rejected, and tried again", APPROVED, "a reject:b retry:b", "a=completed b=waiting_approval c=pending waiting_approval"},
	{"nobody in time", APPROVED, "a expire:b", "a=completed b=failed/manual_review c=pending requires_manual_review"},
	{"skipped instead", APPROVED, "a skip:b", "a=completed b=skipped/skipped_by_hand c=queued running"},
	{"approved too early", APPROVED, "approve:b", "[approve:b refused: the step does not wait for an approval any more] a=queued b=pending c=pending running"},
	{"approved twice", APPROVED, "a approve:b,approve:b", "[approve:b refused: the step does not wait for an approval any more] a=completed b=queued/approved c=pending running"},
	{"work goes on while one waits", PARALLEL(STEP("a") "," WITH("b", "'approval':{}")), "", "a=queued b=waiting_approval running"},
	{"until all wait", PARALLEL(STEP("a") "," WITH("b", "'approval':{}")), "a", "a=completed b=waiting_approval waiting_approval"},
	{"before each step", SEQUENTIAL(ABC), "stepwise a", "[a is waiting_approval] a=waiting_approval b=pending c=pending waiting_approval"},
	{"one by one", SEQUENTIAL(ABC), "stepwise approve:a a", "a=completed/approved b=waiting_approval c=pending waiting_approval"},
	{"a condition comes first", SEQUENTIAL(WITH("a", "'approval':{},'when':'$iteration > 5'")), "", "a=skipped/passed_over completed"},

	/* pausing */
	{"what becomes ready is held", PARALLEL(STEP("a") "," WITH("b", "'after':'a'")), "run:a pause a", "a=completed b=paused paused"},
	{"and goes on", PARALLEL(STEP("a") "," WITH("b", "'after':'a'")), "run:a pause a resume b", "a=completed b=completed completed"},
	{"the last step ends while it is paused", SEQUENTIAL(STEP("a")), "run:a pause a", "a=completed completed"},
	{"an approval while it is paused", APPROVED, "run:a pause a approve:b", "a=completed b=paused/approved c=pending paused"},

	/* repairs */
	{"tried again", SEQUENTIAL(ABC), "a! retry:a", "a=queued b=pending c=pending running"},
	{"completed by hand", SEQUENTIAL(ABC), "a! complete:a", "a=completed/completed_by_hand b=queued c=pending running"},
	{"skipped by hand", SEQUENTIAL(ABC), "a! skip:a", "a=skipped/skipped_by_hand b=queued c=pending running"},
	{"skipped at the end", SEQUENTIAL(STEP("a")), "a! skip:a", "a=skipped/skipped_by_hand completed"},
	{"partial is held", SEQUENTIAL(ABC), "a~", "a=partial b=pending c=pending requires_manual_review"},
	{"partial and accepted", SEQUENTIAL(ABC), "a~ accept:a", "a=partial/accepted b=queued c=pending running"},
	{"partial, tried again", SEQUENTIAL(ABC), "a~ retry:a", "a=queued b=pending c=pending running"},
	{"accepted twice", SEQUENTIAL(ABC), "a~ accept:a accept:a", "[accept:a refused: the step is neither failed nor partial, nor does it wait for a review] a=partial/accepted b=queued c=pending running"},
	{"nothing partial to accept", SEQUENTIAL(ABC), "a! accept:a", "[accept:a refused: the step is not partial] a=failed b=pending c=pending failed"},
	{"reviewed, and good", RULED("{'then':'manual_review'}"), "a complete:a b", "a=completed/completed_by_hand b=completed completed"},
	{"reviewed, and to do again", RULED("{'then':'manual_review'}"), "a retry:a", "a=queued b=pending running"},
	{"a step that runs", SEQUENTIAL(ABC), "retry:a complete:a skip:a", "[retry:a refused: the step is neither failed nor partial, nor does it wait for a review] "
		"[complete:a refused: the step is neither failed nor partial, nor does it wait for a review] "
	"[skip:a refused: the step is neither failed nor partial, nor does it wait for a review] a=queued b=pending c=pending running"},
	{"a step that the flow went back from in this turn", CRITERIA, "a?,retry:a", "[retry:a refused: the flow has gone back since: this is not the current iteration of the step] a.2=queued b=pending running"},
	{"one that it went back over", SEQUENTIAL(WITH("a", "'on_failure':'continue'") "," WITH("b", RULES(BACK("a", ALWAYS, "3")))), "a! b,skip:a",
	"[skip:a refused: the flow has gone back since: this is not the current iteration of the step] a.2=queued b.2=pending running"},
	{"a step that was passed", MEET(",'merge':'any'"), "a! b retry:a complete:a skip:a", "[retry:a refused: the workflow has gone on without it] "
		"[complete:a refused: the workflow has gone on without it] [skip:a refused: the workflow has gone on without it] "
	"a=failed b=completed c=queued m=queued running"},
	{"a review that the flow has passed is answered all the same", REVIEW_PASSED("'rules':[{'then':'manual_review'}]"), "a b m complete:a",
	"a=completed/completed_by_hand b=completed m=completed completed"},
	{"by skipping too", REVIEW_PASSED("'on_failure':'manual_review'"), "a! b m skip:a", "a=skipped/skipped_by_hand b=completed m=completed completed"},
	{"but not by trying again", REVIEW_PASSED("'on_failure':'manual_review'"), "a! b m retry:a", "[retry:a refused: the workflow has gone on without it] "
	"a=failed b=completed m=completed requires_manual_review"},
	{"a fallback's review when nobody needs it any more", SEQUENTIAL(WITH("a", "'on_failure':'fallback','fallback':'f'") "," WITH("f", "'on_failure':'manual_review'")),
	"a! f! skip:a skip:f", "a=skipped/skipped_by_hand f=skipped/skipped_by_hand completed"},
	{"a decision, tried again", PARALLEL("{'name':'d','type':'decision','cases':[{'if':'$retry_count > 0','to':'a'}]}," STEP("a")), "retry:d skip:d", "d=skipped/skipped_by_hand a=queued running"},

	/* steps that have not begun are passed over in turn */
	{"the step behind a failure is skipped", SEQUENTIAL(ABC), "a! skip:b c", "a=failed b=skipped/skipped_by_hand c=completed completed"},
	{"one that is further behind is not", SEQUENTIAL(ABC), "a! skip:c", "[skip:c refused: a step before it has not come to rest] a=failed b=pending c=pending failed"},
	{"nor one behind a step that runs", SEQUENTIAL(ABC), "skip:b", "[skip:b refused: a step before it has not come to rest] a=queued b=pending c=pending running"},
	{"nor one whose turn it is no longer", LOOP, "a! retry:a,skip:b", "[skip:b refused: a step before it has not come to rest] a=queued b=pending c=pending d=pending running"},

	/* helpers at work */
	{"not tried again while another stands in", FALLBACK, "a! retry:a skip:a complete:a", "[retry:a refused: another step is at work for it] "
	"[skip:a refused: another step is at work for it] [complete:a refused: another step is at work for it] a=failed f=queued b=pending running"},
	{"not while one stands in for that", FALLBACKS, "a! f! retry:a retry:f", "[retry:a refused: another step is at work for it] "
	"[retry:f refused: another step is at work for it] a=failed f=failed g=queued b=pending running"},
	{"but when that has failed too", FALLBACK, "a! f! retry:a a b", "a=completed f=failed b=completed completed"},
	{"or the fallback is", FALLBACK, "a! f! retry:f f b", "a=failed f=completed b=completed completed"},
	{"not a fallback that nobody waits for", FALLBACK, "a! f! skip:a retry:f", "[retry:f refused: the workflow has gone on without it] a=skipped/skipped_by_hand f=failed b=queued running"},
	{"nor a specialist", SPECIALIST, "a s! skip:a retry:s", "[retry:s refused: the workflow has gone on without it] a.2=skipped/skipped_by_hand s=failed b=queued running"},
	{"a specialist, tried again", SPECIALIST, "a s! retry:s s a s a", "a.3=completed s.2=completed b=queued running"},
	{"not skipped while a specialist works", SPECIALIST, "a skip:a", "[skip:a refused: another step is at work for it] a.2=pending s=queued b=pending running"},
};

/* ---- the rows between two turns ---- */

#define MOST_STEPS	10

typedef struct Row
{
	int			iteration;
	int			round;
	StepState	state;
	StepVerdict verdict;
	int64_t		finished_at;
	bool		is_decided;
	bool		chosen[MOST_STEPS];
} Row;

typedef struct Stage
{
	const WorkflowPlan *plan;
	Row			rows[MOST_STEPS];	/* the current ones */
	bool		has_begun;
	bool		paused;
	bool		stepwise;
	bool		careful;
	ExecutionStatus status;
	int64_t		clock;
	Flow	   *flow;			/* of this turn */
	Buf			out;
	Buf			passed_on;
} Stage;

/* ---- the host ---- */

/* $iteration < 3, > 3, % 3 (leaves a rest); of anything else nobody knows whether it holds. */
static bool
holds(void *arg, const FlowRow *row, const char *condition, bool own, Buf *problem)
{
	char		sign;
	int			number;

	(void) arg;
	(void) own;
	if (sscanf(condition, "$iteration %c %d", &sign, &number) == 2)
		return sign == '<' ? row->iteration < number : sign == '>' ? row->iteration > number : row->iteration % number != 0;
	buf_puts(problem, "it cannot be found out");
	return true;
}

static bool
begin(void *arg, FlowRow *row, Buf *problem)
{
	Stage	   *stage = arg;

	if (strcmp(stage->plan->steps[row->step].agent.agent, "nobody") != 0)
		return true;
	buf_puts(problem, "there is no such agent");
	return false;
}

static const bool *
decide(void *arg, FlowRow *row, const PlanCase *choice)
{
	Stage	   *stage = arg;
	Row		   *kept = &stage->rows[row->step];
	int			i;

	memset(kept->chosen, 0, sizeof(kept->chosen));
	kept->is_decided = true;
	for (i = 0; i < choice->nto; i++)
		kept->chosen[choice->to[i]] = true;
	return kept->chosen;
}

static void
feedback(void *arg, FlowRow *from, FlowRow *to, const PlanText *text, const char *words)
{
	Stage	   *stage = arg;
	const char *said = words ? words : text->npieces > 0 ? text->pieces[0].literal : "-";

	buf_printf(&stage->passed_on, "%s%s.%d>%s.%d:%s", stage->passed_on.len > 0 ? " " : "",
			   stage->plan->steps[from->step].name, from->iteration, stage->plan->steps[to->step].name, to->iteration, said);
}

static void
tell(void *arg, const FlowRow *row, const char *severity, const char *kind, const PlanText *text, const char *words)
{
	(void) arg;
	(void) row;
	(void) severity;
	(void) kind;
	(void) text;
	(void) words;
}

static const FlowHost functions = {NULL, holds, begin, decide, feedback, tell};

/* ---- a turn ---- */

static void
load(Stage *stage, const FlowHost *host)
{
	int			i;

	stage->flow = flow_create(stage->plan, host);
	stage->flow->paused = stage->paused;
	stage->flow->pause_before_each_step = stage->stepwise;
	stage->flow->continue_on_warnings = !stage->careful;
	if (!stage->has_begun)
	{
		flow_begin(stage->flow);
		return;
	}
	for (i = 0; i < stage->plan->nsteps; i++)
	{
		const Row  *kept = &stage->rows[i];
		FlowRow    *row = flow_add_row(stage->flow, i, kept->iteration);

		row->round = kept->round;
		row->state = kept->state;
		row->verdict = kept->verdict;
		row->finished_at = kept->finished_at;
		row->chosen = kept->is_decided ? kept->chosen : NULL;
	}
}

static void
keep(Stage *stage)
{
	int			i;

	for (i = 0; i < stage->plan->nsteps; i++)
	{
		const FlowRow *row = stage->flow->current[i];
		Row		   *kept = &stage->rows[i];

		kept->is_decided &= !row->is_new || row->chosen != NULL;
		kept->iteration = row->iteration;
		kept->round = row->round;
		kept->state = row->state;
		kept->verdict = row->verdict;
		kept->finished_at = !step_is_at_rest(row->state) ? 0 : row->finished_at != 0 ? row->finished_at : stage->clock;
	}
	for (i = 0; i < stage->flow->nrows; i++)
	{
		const FlowRow *row = stage->flow->rows[i];

		if (row != stage->flow->current[row->step] && !step_is_at_rest(row->state))
			buf_printf(&stage->out, "[%s.%d is left as %s] ", stage->plan->steps[row->step].name, row->iteration,
					   step_state_name(row->state));
	}
	stage->has_begun = true;
}

/* ---- the script ---- */

/* The row that was the current one before the turn: the one that is meant. */
static FlowRow *
named(Stage *stage, const char *name, size_t len)
{
	char		copy[64];
	int			step;

	snprintf(copy, sizeof(copy), "%.*s", (int) len, name);
	step = plan_find_step(stage->plan, copy);
	if (step == PLAN_NO_STEP)
	{
		printf("Bail out! no step %s\n", copy);
		exit(1);
	}
	return stage->flow->rows[step];
}

/* What was in the queue runs, and ends in the way that the mark behind it says. */
static void
end_attempt(Stage *stage, const char *word, size_t len)
{
	char		mark = word[len - 1];
	FlowRow    *row = named(stage, word, strchr("!~?*", mark) ? len - 1 : len);

	if (row->state != STEP_QUEUED && row->state != STEP_RUNNING)
	{
		buf_printf(&stage->out, "[%s is %s] ", stage->plan->steps[row->step].name, step_state_name(row->state));
		return;
	}
	row->state = mark == '!' ? STEP_FAILED : mark == '~' ? STEP_PARTIAL : STEP_COMPLETED;
	row->finished_at = stage->clock;
	if (row->state == STEP_COMPLETED)
		flow_completed(stage->flow, row, mark == '*', mark == '?' ? "it has no heading" : NULL);
}

static bool
reject(Flow *flow, FlowRow *row, const char **why)
{
	return flow_reject(flow, row, "not so", why);
}

static void
command(Stage *stage, const char *word, size_t len, const char *colon)
{
	static const struct
	{
		const char *name;
		bool		(*apply) (Flow *flow, FlowRow *row, const char **why);
	}			commands[] = {
		{"approve:", flow_approve}, {"reject:", reject}, {"expire:", flow_expire_to_review}, {"retry:", flow_retry},
		{"accept:", flow_accept_partial}, {"complete:", flow_complete_by_hand}, {"skip:", flow_skip},
	};
	FlowRow    *row = named(stage, colon + 1, (size_t) (word + len - colon) - 1);
	const char *why = NULL;
	size_t		i;

	for (i = 0; i < lengthof(commands); i++)
	{
		if (strncmp(word, commands[i].name, (size_t) (colon - word) + 1) == 0 &&
			!commands[i].apply(stage->flow, row, &why))
			buf_printf(&stage->out, "[%.*s refused: %s] ", (int) len, word, why);
	}
	if (strncmp(word, "run:", 4) == 0)
		row->state = STEP_RUNNING;
	if (row->state == STEP_QUEUED || row->state == STEP_WAITING_APPROVAL)
		row->finished_at = 0;
}

static void
pause_rows(Stage *stage, StepState from, StepState to)
{
	int			i;

	for (i = 0; i < stage->plan->nsteps; i++)
	{
		if (stage->rows[i].state == from)
			stage->rows[i].state = to;
	}
}

/* What is about the execution, and known before the turn. */
static bool
set(Stage *stage, const char *word, size_t len)
{
	if (strncmp(word, "stepwise", len) == 0 || strncmp(word, "careful", len) == 0)
	{
		stage->stepwise |= *word == 's';
		stage->careful |= *word == 'c';
		stage->has_begun = false;
	}
	else if (strncmp(word, "pause", len) == 0 || strncmp(word, "resume", len) == 0)
	{
		stage->paused = *word == 'p';
		pause_rows(stage, stage->paused ? STEP_QUEUED : STEP_PAUSED, stage->paused ? STEP_PAUSED : STEP_QUEUED);
	}
	else
		return false;
	return true;
}

/* Words that a comma joins, up to the next space. */
static void
turn(Stage *stage, const char *words, size_t len)
{
	FlowHost	host = functions;
	const char *end = words + len;
	bool		is_set = len > 1 && set(stage, words, len);

	host.arg = stage;
	stage->clock++;
	load(stage, &host);
	while (!is_set && words < end)
	{
		size_t		word_len = strcspn(words, ", ");
		const char *colon = memchr(words, ':', word_len);

		if (colon)
			command(stage, words, word_len, colon);
		else
			end_attempt(stage, words, word_len);
		words += word_len + 1;
	}
	flow_advance(stage->flow);
	stage->status = stage->flow->status;
	if (stage->flow->bug[0])
		buf_printf(&stage->out, "[%s] ", stage->flow->bug);
	keep(stage);
	flow_free(stage->flow);
}

static void
show(Stage *stage)
{
	int			i;

	for (i = 0; i < stage->plan->nsteps; i++)
	{
		const Row  *row = &stage->rows[i];

		buf_puts(&stage->out, stage->plan->steps[i].name);
		if (row->iteration > 1)
			buf_printf(&stage->out, ".%d", row->iteration);
		buf_printf(&stage->out, "=%s", step_state_name(row->state));
		if (row->verdict != VERDICT_NONE)
			buf_printf(&stage->out, "/%s", step_verdict_name(row->verdict));
		buf_puts(&stage->out, " ");
	}
	buf_puts(&stage->out, execution_status_name(stage->status));
}

static void
play(Stage *stage, const char *script)
{
	turn(stage, "", 0);
	while (*script)
	{
		size_t		len = strcspn(script, " ");

		turn(stage, script, len);
		script += len;
		script += *script == ' ';
	}
	show(stage);
}

/* ---- the cases ---- */

/* What goes from one step to another: the words, or of a text its first literal, or - for the whole answer. */
static const struct
{
	const char *name;
	const char *definition;
	const char *script;
	const char *want;
}			passed_on[] = {
	{"feedback of a rule", SEQUENTIAL(STEP("a") "," WITH("b", RULES("{'if':'" ALWAYS "','then':'go_back','to':'a','feedback':'better'}"))), "a b", "b.1>a.2:better"},
	{"without one, the answer", LOOP, "a b c", "c.1>b.2:-"},
	{"what the criteria miss", CRITERIA, "a?", "a.1>a.2:it has no heading"},
	{"to a specialist", SEQUENTIAL(WITH("a", RULES("{'if':'" ALWAYS "','then':'hand_off','to':'s','feedback':'help'}")) "," STEP("s")), "a s a", "a.1>s.1:help a.2>s.2:help"},
	{"not to one that is at work already", PARALLEL(WITH("a", RULES("{'if':'" ALWAYS "','then':'hand_off','to':'s','feedback':'help'}")) "," STEP("s") ","
		WITH("b", RULES("{'if':'" ALWAYS "','then':'hand_off','to':'s','feedback':'me too'}"))), "a b", "a.1>s.1:help"},
	{"nothing to say to it", SPECIALIST, "a", ""},
};

static void
bail_out(void *arg, const char *step, const char *problem, const char *hint)
{
	(void) arg;
	printf("Bail out! %s: %s (%s)\n", step ? step : "-", problem, hint);
	exit(1);
}

static WorkflowPlan *
read_plan(const char *definition)
{
	Buf			text;
	WorkflowPlan *plan;

	buf_init(&text, 0);
	for (; *definition; definition++)
		buf_putc(&text, *definition == '\'' ? '"' : *definition);
	plan = plan_read(text.data, text.len, bail_out, NULL);
	buf_free(&text);
	return plan;
}

static void
test(const char *name, const char *definition, const char *script, const char *state, const char *passed)
{
	WorkflowPlan *plan = read_plan(definition);
	Stage		stage;

	memset(&stage, 0, sizeof(stage));
	stage.plan = plan;
	buf_init(&stage.out, 0);
	buf_init(&stage.passed_on, 0);
	play(&stage, script);
	if (state)
		is_text(buf_text(&stage.out), state, name);
	if (passed)
		is_text(buf_text(&stage.passed_on), passed, name);
	buf_free(&stage.out);
	buf_free(&stage.passed_on);
	plan_free(plan);
}

int
main(void)
{
	size_t		i;

	for (i = 0; i < lengthof(cases); i++)
		test(cases[i].name, cases[i].definition, cases[i].script, cases[i].want, NULL);
	for (i = 0; i < lengthof(passed_on); i++)
		test(passed_on[i].name, passed_on[i].definition, passed_on[i].script, NULL, passed_on[i].want);
	return unit_done();
}
