/*
 * test_plan_read.c
 *		Workflows' definitions: what a good one becomes, and what is told of others.
 *
 * In the tables ' stands for ". A definition with a problem is made of one that has
 * none but for what the case is about; P puts its steps into a workflow.
 */
#include "plan.h"
#include "unit.h"

#define P(pattern, steps)	"{'pattern':'" pattern "','inputs':{'x':'string','n':{'type':'number','default':1}},'steps':[" steps "]}"
#define S(steps)			P("sequential", steps)
#define T(name)				"'name':'" name "','agent':'w','task':'t'"
#define STEP(name)			"{" T(name) "}"
#define WITH(name, more)	"{" T(name) "," more "}"

/* One problem at least; the first, as step: problem | hint, has each text in it. */
static const struct
{
	const char *name;
	const char *definition;
	const char *problem;		/* step: problem */
	const char *hint;			/* a part of it */
}			problems[] = {
	/* the document */
	{"no JSON", "{'a':1", "-: the document is not JSON: the document is cut off", "doc/workflows.md"},
	{"no object", "[]", "-: a definition must be an object", "steps"},
	{"a member that comes twice", "{'steps':[],'steps':[]}", "-: the member 'steps' comes twice", "Leave one"},
	{"an unknown member", "{'pattern':'parallel','stepz':[],'steps':[" STEP("a") "]}", "-: 'stepz' is not known here", "Perhaps you meant 'steps'. Use one of: pattern, inputs"},
	{"no pattern", "{'steps':[" STEP("a") "]}", "-: pattern is missing", "sequential, parallel"},
	{"an unknown pattern", P("sequentail", STEP("a")), "-: pattern 'sequentail' is not known", "Perhaps you meant 'sequential'"},
	{"a pattern that is no text", "{'pattern':1,'steps':[" STEP("a") "]}", "-: pattern must be a text, it is 1", ""},
	{"no steps", "{'pattern':'parallel'}", "-: steps is missing", "at least one step"},
	{"an empty array of steps", S(""), "-: there are 0 steps, there must be from 1 to 500", "at least one"},
	{"steps that are no array", "{'pattern':'parallel','steps':{}}", "-: steps must be an array, it is {}", ""},
	{"inputs that are no object", "{'pattern':'parallel','inputs':[],'steps':[" STEP("a") "]}", "-: inputs must be an object", ""},

	/* names */
	{"a step that is no object", S("5"), "#1: a step must be an object", "name"},
	{"a step without a name", S("{'agent':'w','task':'t'}"), "#1: name is missing", "by which other steps"},
	{"a bad name", S(STEP("Bad Name")), "#1: name is no name of a step", "lower case"},
	{"a name that is too long", S(STEP("a123456789012345678901234567890123456789012345678901234567890123")), "#1: name is no name of a step", "63"},
	{"a name that is no text", S("{'name':1,'agent':'w','task':'t'}"), "#1: name is no name", ""},
	{"the name inputs", S(STEP("inputs")), "#1: the name inputs stands for", "otherwise"},
	{"two steps of one name", S(STEP("a") "," STEP("b") "," STEP("a")), "a: steps 1 and 3 have the same name", "of its own"},

	/* inputs and outputs */
	{"a type that is not known", "{'pattern':'parallel','inputs':{'x':'strng'},'steps':[" STEP("a") "]}", "-: input 'x': type 'strng' is not known", "Perhaps you meant 'string'"},
	{"the word enum alone", S(WITH("a", "'outputs':{'o':'enum'}")), "a: output 'o': type 'enum' is not known", "with values"},
	{"a type that is a number", S(WITH("a", "'outputs':{'o':1}")), "a: output 'o': its type must be a word or an object", ""},
	{"a bad name of an input", "{'pattern':'parallel','inputs':{'a-b':'string'},'steps':[" STEP("a") "]}", "-: input 'a-b': this is no name of a variable", "letters"},
	{"an object without type", S(WITH("a", "'outputs':{'o':{}}")), "a: output 'o': type is missing", "Write"},
	{"an unknown member of a type", S(WITH("a", "'outputs':{'o':{'type':'string','fil_name':'a'}}")), "a: output 'o': 'fil_name' is not known here", "Perhaps you meant 'file_name'"},
	{"a default of an output", S(WITH("a", "'outputs':{'o':{'type':'string','default':'a'}}")), "a: output 'o': 'default' is not known here", ""},
	{"an enum without values", S(WITH("a", "'outputs':{'o':{'type':'enum'}}")), "a: output 'o': values is missing", "low"},
	{"an enum with no values", S(WITH("a", "'outputs':{'o':{'type':'enum','values':[]}}")), "a: output 'o': values has 0 values", ""},
	{"an enum with a number", S(WITH("a", "'outputs':{'o':{'type':'enum','values':['a',1]}}")), "a: output 'o': value 2 of values is no text", ""},
	{"an enum with a value twice", S(WITH("a", "'outputs':{'o':{'type':'enum','values':['a','a']}}")), "a: output 'o': values names 'a' twice", ""},
	{"values of a string", S(WITH("a", "'outputs':{'o':{'type':'string','values':['a']}}")), "a: output 'o': values are of an enum only", ""},
	{"a default of another type", "{'pattern':'parallel','inputs':{'x':{'type':'number','default':'a'}},'steps':[" STEP("a") "]}", "-: input 'x': default is no value of type number", ""},
	{"required that is a text", S(WITH("a", "'outputs':{'o':{'type':'string','required':'no'}}")), "a: output 'o': required must be true or false, it is 'no'", ""},
	{"an output named output", S(WITH("a", "'outputs':{'output':'string'}")), "a: output 'output': the name output stands for the whole answer", ""},
	{"outputs that are alike", S(WITH("a", "'outputs':{'a_b':'string','AB':'string'}")), "a: output 'AB': as headings, AB and 'a_b' are the same", ""},
	{"an output without a letter", S(WITH("a", "'outputs':{'_':'string'}")), "a: output '_': a heading has to have a letter", ""},
	{"a metric that is no number", S(WITH("a", "'outputs':{'o':{'type':'string','metric':{'label':'L'}}}")), "a: output 'o': metric is for numbers", "type number"},
	{"a metric without a label", S(WITH("a", "'outputs':{'o':{'type':'number','metric':{'unit':'s'}}}")), "a: output 'o': label of metric is missing", ""},

	/* steps */
	{"an unknown member of a step", S(WITH("a", "'inpust':{}")), "a: 'inpust' is not known here", "Perhaps you meant 'inputs'"},
	{"no agent", S("{'name':'a','task':'t'}"), "a: agent is missing", "decision"},
	{"an agent that is a number", S("{'name':'a','agent':1,'task':'t'}"), "a: agent must be a name or an object", ""},
	{"no task", S("{'name':'a','agent':'w'}"), "a: task is missing", "what the agent"},
	{"an empty task", S("{'name':'a','agent':'w','task':''}"), "a: task must be a text that is not empty", ""},
	{"an unknown type of step", S(WITH("a", "'type':'decison'")), "a: type 'decison' is not known", "Perhaps you meant 'decision'"},
	{"a title that is empty", S(WITH("a", "'title':''")), "a: title is empty", ""},
	{"an agent chosen by nothing", S("{'name':'a','task':'t','agent':{'choices':{'x':'w'}}}"), "a: agent: by is missing", "design.complexity"},
	{"an agent chosen by nonsense", S("{'name':'a','task':'t','agent':{'by':'x','choices':{'x':'w'}}}"), "a: agent: by: 'x' is no source", "step.output"},
	{"no agents to choose", S("{'name':'a','task':'t','agent':{'by':'inputs.x'}}"), "a: agent: choices is missing", ""},
	{"an agent to choose that is no name", S("{'name':'a','task':'t','agent':{'by':'inputs.x','choices':{'y':1}}}"), "a: agent: the agent for 'y' must be a name", ""},
	{"a value without an agent", S(WITH("a", "'outputs':{'c':{'type':'enum','values':['lo','hi']}}") ",{'name':'b','task':'t','agent':{'by':'a.c','choices':{'lo':'w'}}}"), "b: agent: there is none for the value 'hi'", "default"},
	{"an agent for no value", S(WITH("a", "'outputs':{'c':{'type':'enum','values':['low']}}") ",{'name':'b','task':'t','agent':{'by':'a.c','default':'w','choices':{'lov':'w'}}}"), "b: agent: 'lov' is no value of \"c\"", "Perhaps you meant 'low'"},
	{"an unknown format", S(WITH("a", "'output_format':'jsn'")), "a: output_format 'jsn' is not known", "Perhaps you meant 'json'"},
	{"an action that is not known", S(WITH("a", "'success_actions':[{'action':'notfy'}]")), "a: success action 1: action 'notfy' is not known", "Perhaps you meant 'notify'"},
	{"an action without its name", S(WITH("a", "'success_actions':[{'to':'x'}]")), "a: success action 1: action is missing", ""},
	{"an action that is no object", S(WITH("a", "'success_actions':['notify']")), "a: success action 1: it must be an object", ""},
	{"final that is a text", S(WITH("a", "'final':'yes'")), "a: final must be true or false", ""},

	/* templates */
	{"a variable that is not known", S("{'name':'a','agent':'w','task':'Do {y}'}"), "a: task: {y} is neither declared nor mapped", "Declare it"},
	{"a variable that is nearly known", "{'pattern':'parallel','inputs':{'feature_name':'string'},'steps':[{'name':'a','agent':'w','task':'Do {featur_name}'}]}", "a: task: {featur_name} is neither", "Perhaps you meant 'feature_name'"},
	{"a brace that stands alone", S("{'name':'a','agent':'w','task':'Do { it'}"), "a: task: a brace stands alone: '{ it'", "Write {{ and }}"},
	{"a brace that closes nothing", S("{'name':'a','agent':'w','task':'Do } it'}"), "a: task: a brace stands alone: '} it'", "Write {{ and }}"},
	{"JSON in a task", S("{'name':'a','agent':'w','task':'[{} ]'}"), "a: task: a brace stands alone: '{} ]'", ""},
	{"an output of no step", S("{'name':'a','agent':'w','task':'{b.c}'}"), "a: task: there is no step 'b'", ""},
	{"an output that is not declared", S(WITH("a", "'outputs':{'code':'string'}") ",{'name':'b','agent':'w','task':'{a.cod}'}"), "b: task: step \"a\" has no output 'cod'", "Perhaps you meant 'code'"},
	{"an input that is not declared", S("{'name':'a','agent':'w','task':'{inputs.xx}'}"), "a: task: the workflow has no input 'xx'", "Perhaps you meant 'x'"},
	{"an own output in the task", S("{'name':'a','agent':'w','task':'{o}','outputs':{'o':'string'}}"), "a: task: {o} is neither declared nor mapped", ""},

	/* mappings */
	{"a source without a point", S(WITH("a", "'inputs':{'y':'x'}")), "a: input 'y': source: 'x' is no source", "Write step.output"},
	{"a source that is no text", S(WITH("a", "'inputs':{'y':1}")), "a: input 'y': a source must be a text", ""},
	{"no source", S(WITH("a", "'inputs':{'y':[]}")), "a: input 'y': it has 0 sources", ""},
	{"a source of no step", S(STEP("design") "," WITH("b", "'inputs':{'y':'desing.output'}")), "b: input 'y': source: there is no step 'desing'", "Perhaps you meant 'design'"},
	{"a source that is not produced", S(STEP("a") "," WITH("b", "'inputs':{'y':['a.output','a.z']}")), "b: input 'y': source: step \"a\" has no output 'z'", "Declare it"},
	{"a source of a later step", S(WITH("a", "'inputs':{'y':'b.output'}") "," STEP("b")), "a: input 'y': source: step \"b\" comes after this one", "go_back"},
	{"a source beside the step", P("parallel", STEP("a") "," WITH("b", "'inputs':{'y':'a.output'}")), "b: input 'y': source: step \"a\" does not come before this one", "after"},
	{"a source that is the step itself", S(WITH("a", "'inputs':{'y':'a.output'}")), "a: input 'y': source: the step names itself", "rules only"},
	{"a source that is a decision", S("{'name':'d','type':'decision','cases':[{'if':'$.n > 1','to':'b'}]}," WITH("b", "'inputs':{'y':'d.output'}")), "b: input 'y': source: step \"d\" is a decision, which has no output", ""},
	{"a bad name of a mapping", S(WITH("a", "'inputs':{'a b':'inputs.x'}")), "a: input 'a b': this is no name of a variable", ""},
	{"a source on demand of another branch", P("parallel", WITH("a", "'on_failure':'fallback','fallback':'f'") "," STEP("f") "," WITH("b", "'inputs':{'y':'f.output'}")), "b: input 'y': source: step \"f\" runs on demand of a step that does not come before", ""},
	{"a source that compensates", S(STEP("a") "," WITH("u", "'compensates':'a'") "," WITH("b", "'inputs':{'y':'u.output'}")), "b: input 'y': source: step \"u\" runs only when the workflow is rolled back", ""},
	{"an agent chosen by a later step", S("{'name':'a','task':'t','agent':{'by':'b.output','choices':{'x':'w'}}}," STEP("b")), "a: agent: step \"b\" comes after this one", ""},

	/* the order */
	{"after no step", S(WITH("a", "'after':['b']")), "a: after: there is no step 'b'", ""},
	{"after that is a number", S(WITH("a", "'after':1")), "a: after must name steps", ""},
	{"after with a number in it", S(WITH("a", "'after':[1]")), "a: after: a step's name must be a text", ""},
	{"after a step twice", S(STEP("a") "," WITH("b", "'after':['a','a']")), "b: after names step \"a\" twice", ""},
	{"after itself", S(WITH("a", "'after':['a']")), "a: steps wait for each other: \"a\" after \"a\"", "go_back"},
	{"a cycle of two", S(WITH("a", "'after':['b']") "," WITH("b", "'after':['a']")), "a: steps wait for each other: \"a\" after \"b\" after \"a\"", ""},
	{"a cycle by a case", S(STEP("a") ",{'name':'d','type':'decision','cases':[{'if':'$.n > 1','to':'a'}]}"), "a: steps wait for each other: \"a\" after \"d\" after \"a\"", ""},
	{"a merge that is larger", S(STEP("a") "," WITH("b", "'merge':2")), "b: merge is 2, which is more than the ways to the step (1)", "at most"},
	{"a merge of nothing", S(WITH("a", "'merge':'any'")), "a: merge: the step comes after nothing", "after"},
	{"a merge of 0", S(STEP("a") "," WITH("b", "'merge':0")), "b: merge is 0, it must be a whole number from 1 to 500", ""},
	{"an unknown merge", S(STEP("a") "," WITH("b", "'merge':'al'")), "b: merge 'al' is not known", "Perhaps you meant 'all'"},
	{"a merge in a loop", S(STEP("a") "," WITH("b", "'merge':'any'") "," WITH("c", "'rules':[{'if':'$.n > 1','then':'go_back','to':'a'}]")), "b: merge must be all: the step is within the loop from \"a\" to \"c\"", "Leave merge out"},

	/* decisions */
	{"a decision without cases", S("{'name':'d','type':'decision'}," STEP("a")), "d: the decision has no cases", "cases"},
	{"a decision with no cases", S("{'name':'d','type':'decision','cases':[]}," STEP("a")), "d: the decision has no cases", ""},
	{"a case without a condition", S("{'name':'d','type':'decision','cases':[{'to':'a'}]}," STEP("a")), "d: case 1: if is missing", "else"},
	{"a case that leads nowhere", S("{'name':'d','type':'decision','cases':[{'if':'$.n > 1'}]}," STEP("a")), "d: case 1: to is missing", ""},
	{"a case to no step", S("{'name':'d','type':'decision','cases':[{'if':'$.n > 1','to':'ab'}]}," STEP("a")), "d: case 1: to: there is no step 'ab'", "Perhaps you meant 'a'"},
	{"else to no step", S("{'name':'d','type':'decision','cases':[{'if':'$.n > 1','to':'a'}],'else':['b']}," STEP("a")), "d: else: there is no step 'b'", ""},
	{"a case that is no object", S("{'name':'d','type':'decision','cases':['a']}," STEP("a")), "d: case 1: it must be an object", ""},
	{"an unknown member of a case", S("{'name':'d','type':'decision','cases':[{'if':'$.n > 1','to':'a','then':'b'}]}," STEP("a")), "d: case 1: 'then' is not known here", ""},
	{"a case to a step on demand", S("{'name':'d','type':'decision','cases':[{'if':'$.n > 1','to':'f'}]}," WITH("a", "'on_failure':'fallback','fallback':'f'") "," STEP("f")), "d: cases: step \"f\" stands in for another step, so that nothing leads to it", ""},
	{"a decision with a task", S("{'name':'d','type':'decision','task':'t','cases':[{'if':'$.n > 1','to':'a'}]}," STEP("a")), "d: a decision has no task: it asks nobody", ""},
	{"cases of an agent", S(WITH("a", "'cases':[]")), "a: cases is of a decision only", "type"},

	/* conditions */
	{"an unknown variable", S(WITH("a", "'when':'$iter > 1'")), "a: when: there is no variable 'iter'", "$iteration"},
	{"a member that is not declared", S(WITH("a", "'when':'$.xx > 1'")), "a: when: $.'xx' is neither declared nor mapped", "Perhaps you meant 'x'"},
	{"an input that is not declared in a path", S(WITH("a", "'when':'$inputs.y > 1'")), "a: when: the workflow has no input 'y'", ""},
	{"an own output before the step", S(WITH("a", "'outputs':{'score':'number'},'when':'$.score > 1'")), "a: when: $.'score' is neither declared nor mapped", ""},
	{"a step that is not known in a path", S(STEP("design") "," WITH("b", "'when':'$steps.desing.output == \\'x\\''")), "b: when: there is no step 'desing'", "Perhaps you meant 'design'"},
	{"a later step in a path", S(WITH("a", "'when':'$steps.b.output == 1'") "," STEP("b")), "a: when: step \"b\" comes after this one", ""},
	{"an output that is not known in a path", S(WITH("a", "'outputs':{'score':'number'}") "," WITH("b", "'when':'$steps.a.scor == 1'")), "b: when: step \"a\" has no output 'scor'", "Perhaps you meant 'score'"},
	{"all steps in a path", S(WITH("a", "'when':'exists($steps)'")), "a: when: name the step behind $steps", "$steps.name.output"},
	{"any step in a path", S(WITH("a", "'when':'$steps.*.a == 1'")), "a: when: name the step behind $steps", ""},
	{"a step by a subscript", S(WITH("a", "'when':'$steps[0].a == 1'")), "a: when: name the step behind $steps", ""},
	{"a name with a dash in a path", S(STEP("design-api") "," WITH("b", "'when':'$steps.design-api.output == 1'")), "b: when: the name 'design-api' has to be quoted", "$steps.\"design-api\""},
	{"an empty condition", S(WITH("a", "'when':''")), "a: when is empty", ""},

	/* rules */
	{"a rule that is no object", S(WITH("a", "'rules':['fail']")), "a: rule 1: it must be an object", ""},
	{"a rule without an action", S(WITH("a", "'rules':[{'if':'$.n > 1'}]")), "a: rule 1: then is missing", "go_back"},
	{"an unknown action", S(WITH("a", "'rules':[{'if':'$.n > 1','then':'goback','to':'a'}]")), "a: rule 1: then 'goback' is not known", "Perhaps you meant 'go_back'"},
	{"an unknown member of a rule", S(WITH("a", "'rules':[{'if':'$.n > 1','then':'fail','feedback':'x'}]")), "a: rule 1: 'feedback' is not known here", "Use one of: if, then, message."},
	{"a notice without words", S(WITH("a", "'rules':[{'then':'notify'}]")), "a: rule 1: message is missing", ""},
	{"an unknown severity", S(WITH("a", "'rules':[{'then':'notify','message':'m','severity':'warn'}]")), "a: rule 1: severity 'warn' is not known", "info, warning"},
	{"a rule behind one that always holds", S(WITH("a", "'rules':[{'then':'fail'},{'then':'notify','message':'m'}]")), "a: rule 1: it always holds", "condition"},
	{"going back to nothing", S(WITH("a", "'rules':[{'if':'$.n > 1','then':'go_back'}]")), "a: rule 1: to is missing", "goes back to"},
	{"going back to no step", S(WITH("a", "'rules':[{'if':'$.n > 1','then':'go_back','to':'bb'}]")), "a: rule 1: to: there is no step 'bb'", ""},
	{"going back to a later step", S(WITH("a", "'rules':[{'if':'$.n > 1','then':'go_back','to':'b'}]") "," STEP("b")), "a: rule 1: go_back: step \"b\" does not come before step \"a\"", "comes before this one, or this one"},
	{"going back too often", S(WITH("a", "'rules':[{'if':'$.n > 1','then':'go_back','to':'a','max_iterations':101}]")), "a: rule 1: max_iterations is 101, it must be a whole number from 1 to 100", ""},
	{"going back never", S(WITH("a", "'rules':[{'if':'$.n > 1','then':'go_back','to':'a','max_iterations':0}]")), "a: rule 1: max_iterations is 0", ""},
	{"a rule's own member that is not declared", S(WITH("a", "'outputs':{'verdict':'string'},'rules':[{'if':'$.verdct == 1','then':'fail'}]")), "a: rule 1: if: $.'verdct' is neither declared nor mapped", "Perhaps you meant 'verdict'"},
	{"feedback with an unknown name", S(WITH("a", "'rules':[{'if':'$.n > 1','then':'go_back','to':'a','feedback':'{issues}'}]")), "a: rule 1: feedback: {issues} is neither", ""},
	{"a message with a brace", S(WITH("a", "'rules':[{'then':'fail','message':'}'}]")), "a: rule 1: message: a brace stands alone", ""},
	{"feedback from a later step", S(WITH("a", "'rules':[{'if':'$.n > 1','then':'go_back','to':'a','feedback':'{b.output}'}]") "," STEP("b")), "a: rule 1: feedback: step \"b\" comes after this one", ""},

	/* on demand */
	{"a fallback without its name", S(WITH("a", "'on_failure':'fallback'")), "a: fallback is missing", ""},
	{"a fallback that is not asked for", S(WITH("a", "'fallback':'f'") "," STEP("f")), "a: fallback is given, but on_failure is not fallback", ""},
	{"a fallback to itself", S(WITH("a", "'on_failure':'fallback','fallback':'a'")), "a: fallback: a step cannot stand in for itself", ""},
	{"a fallback to no step", S(WITH("a", "'on_failure':'fallback','fallback':'ff'")), "a: fallback: there is no step 'ff'", ""},
	{"fallbacks in a ring", S(STEP("z") "," WITH("a", "'on_failure':'fallback','fallback':'b'") "," WITH("b", "'on_failure':'fallback','fallback':'a'")), "a: steps run on demand in a ring: \"a\" runs for \"b\" runs for \"a\"", ""},
	{"a fallback with after", S(WITH("a", "'on_failure':'fallback','fallback':'f'") "," WITH("f", "'after':['a']")), "f: it stands in for another step, so that it comes after nothing", "Leave after out"},
	{"a step after a fallback", S(WITH("a", "'on_failure':'fallback','fallback':'f'") "," STEP("f") "," WITH("b", "'after':['f']")), "b: after: step \"f\" stands in for another step, so that nothing comes after it", ""},
	{"handed to itself", S(WITH("a", "'rules':[{'if':'$.n > 1','then':'hand_off','to':'a'}]")), "a: hand_off: a step cannot be handed its own work", "go_back"},
	{"handed on in a ring", S(WITH("a", "'rules':[{'if':'$.n > 1','then':'hand_off','to':'b'}]") "," WITH("b", "'rules':[{'if':'$.n > 1','then':'hand_off','to':'a'}]")), "a: steps run on demand in a ring", ""},
	{"a specialist with after", S(WITH("a", "'rules':[{'if':'$.n > 1','then':'hand_off','to':'b'}]") "," WITH("b", "'after':['a']")), "b: it is handed work by a rule", ""},
	{"handed to a decision", S(WITH("a", "'rules':[{'if':'$.n > 1','then':'hand_off','to':'d'}]") ",{'name':'d','type':'decision','cases':[{'if':'$.n > 1','to':'a'}]}"), "a: step \"d\" is a decision, and cannot run on demand", ""},
	{"a fallback and a specialist", S(WITH("a", "'on_failure':'fallback','fallback':'f','rules':[{'if':'$.n > 1','then':'hand_off','to':'f'}]") "," STEP("f")), "a: step \"f\" stands in for another step, and is handed work by a rule", "of its own"},
	{"compensating no step", S(WITH("a", "'compensates':'b'")), "a: compensates: there is no step 'b'", ""},
	{"compensating itself", S(WITH("a", "'compensates':'a'")), "a: compensates: a step cannot compensate itself", ""},
	{"compensating a decision", S("{'name':'d','type':'decision','cases':[{'if':'$.n > 1','to':'a'}]}," STEP("a") "," WITH("u", "'compensates':'d'")), "u: compensates: step \"d\" is a decision", ""},
	{"compensating what compensates", S(STEP("a") "," WITH("u", "'compensates':'a'") "," WITH("v", "'compensates':'u'")), "v: compensates: step \"u\" compensates itself another one", ""},
	{"going back from a step on demand", S(WITH("a", "'on_failure':'fallback','fallback':'f'") "," WITH("f", "'rules':[{'if':'$.n > 1','then':'go_back','to':'a'}]")), "f: rule 1: go_back: step \"a\" does not come before step \"f\"", ""},

	/* criteria, approval, failure */
	{"criteria of nothing", S(WITH("a", "'criteria':{}")), "a: criteria: nothing is demanded", ""},
	{"a score that is too high", S(WITH("a", "'criteria':{'min_quality_score':85}")), "a: criteria: min_quality_score is 85, it must be from 0 to 1", ""},
	{"criteria too often", S(WITH("a", "'criteria':{'min_quality_score':0.5,'max_iterations':11}")), "a: criteria: max_iterations is 11, it must be a whole number from 1 to 10", ""},
	{"criteria with an unknown member", S(WITH("a", "'criteria':{'min_score':0.5}")), "a: criteria: 'min_score' is not known here", ""},
	{"sections that are no array", S(WITH("a", "'criteria':{'required_sections':'a'}")), "a: criteria: required_sections must be an array", ""},
	{"an approval that is a text", S(WITH("a", "'approval':'lead'")), "a: approval must be an object", ""},
	{"an approval that expires in another way", S(WITH("a", "'approval':{'within_seconds':5,'on_expiry':'ignore'}")), "a: approval: on_expiry 'ignore' is not known", "reject, approve"},
	{"an approval that never expires", S(WITH("a", "'approval':{'on_expiry':'approve'}")), "a: approval: on_expiry is given, but it never expires", "within_seconds"},
	{"an approval within no time", S(WITH("a", "'approval':{'within_seconds':0}")), "a: approval: within_seconds is 0", ""},
	{"an approval's message with an unknown name", S(WITH("a", "'approval':{'message':'{zz}'}")), "a: approval: message: {zz} is neither", ""},
	{"an unknown on_failure", S(WITH("a", "'on_failure':'stopp'")), "a: on_failure 'stopp' is not known", "Perhaps you meant 'stop'"},
	{"too many retries", S(WITH("a", "'retry':{'max_retries':21}")), "a: retry: max_retries is 21, it must be a whole number from 0 to 20", ""},
	{"half a retry", S(WITH("a", "'retry':{'max_retries':1.5}")), "a: retry: max_retries is 1.5", ""},
	{"a delay below 0", S(WITH("a", "'retry':{'delay_seconds':-1}")), "a: retry: delay_seconds is -1, it must be from 0 to 86400", ""},
	{"a largest delay that is less", S(WITH("a", "'retry':{'delay_seconds':10,'max_delay_seconds':5}")), "a: retry: max_delay_seconds is less than delay_seconds", ""},
	{"an unknown member of retry", S(WITH("a", "'retry':{'retries':1}")), "a: retry: 'retries' is not known here", ""},
	{"no time", S(WITH("a", "'timeout_seconds':0")), "a: timeout_seconds is 0, it must be a whole number from 1 to 86400", ""},
	{"too much time", S(WITH("a", "'timeout_seconds':1e5")), "a: timeout_seconds is 1e5", ""},
	{"an unknown on_timeout", S(WITH("a", "'on_timeout':'part'")), "a: on_timeout 'part' is not known", "fail, partial"},
	{"handed off never", S(WITH("a", "'retry':{'max_retries':2},'hand_off':{'agent':'b','after_retries':3}")), "a: hand_off: after_retries is 3, but there are 2 retries", "max_retries"},
	{"handed off to nobody", S(WITH("a", "'hand_off':{'after_retries':1}")), "a: hand_off: agent is missing", ""},
	{"handed off at no time", S(WITH("a", "'hand_off':{'agent':'b'}")), "a: hand_off: after_retries is missing", ""},
	{"two final steps", S(WITH("a", "'final':true") "," WITH("b", "'final':true")), "b: final: step \"a\" is final too", ""},
	{"a final step that compensates", S(STEP("a") "," WITH("u", "'final':true,'compensates':'a'")), "u: final: what compensates gives no answer", ""},

	/* settings */
	{"settings that are a text", "{'pattern':'parallel','settings':'x','steps':[" STEP("a") "]}", "-: settings must be an object", ""},
	{"an unknown setting", "{'pattern':'parallel','settings':{'rolback':true},'steps':[" STEP("a") "]}", "-: settings: 'rolback' is not known here", "Perhaps you meant 'rollback'"},
	{"fallback for all", "{'pattern':'parallel','settings':{'on_failure':'fallback'},'steps':[" STEP("a") "]}", "-: settings: on_failure 'fallback' is not known", "Use one of: stop"},
	{"retries for all, too many", "{'pattern':'parallel','settings':{'retry':{'max_retries':99}},'steps':[" STEP("a") "]}", "-: settings: retry: max_retries is 99", ""},
	{"rollback that is a text", "{'pattern':'parallel','settings':{'rollback':'yes'},'steps':[" STEP("a") "]}", "-: settings: rollback must be true or false", ""},
	{"a target above all", "{'pattern':'parallel','settings':{'success_target_percent':101},'steps':[" STEP("a") "]}", "-: settings: success_target_percent is 101", ""},
	{"a target of no time", "{'pattern':'parallel','settings':{'duration_target_seconds':0},'steps':[" STEP("a") "]}", "-: settings: duration_target_seconds is 0", ""},
	{"kept for no day", "{'pattern':'parallel','settings':{'checkpoint_retention_days':0},'steps':[" STEP("a") "]}", "-: settings: checkpoint_retention_days is 0", ""},
	{"a notice for all that is a text", "{'pattern':'parallel','settings':{'notify':'me'},'steps':[" STEP("a") "]}", "-: settings: notify must be an object", ""},
};

static const struct
{
	const char *name;
	const char *definition;
	const char *steps;			/* name<after,...>*merge^demand, for each */
}			goods[] = {
	{"one step", S(STEP("a")), "a<>"},
	{"one after the other", S(STEP("a") "," STEP("b") "," STEP("c")), "a<> b<a> c<b>"},
	{"at once", P("parallel", STEP("a") "," STEP("b") "," WITH("c", "'after':['a','b'],'merge':'any'")), "a<> b<> c<a,b>*1"},
	{"after one, as a text", P("parallel", STEP("a") "," WITH("b", "'after':'a'")), "a<> b<a>"},
	{"nothing before", S(STEP("a") "," WITH("b", "'after':[]")), "a<> b<>"},
	{"a decision", P("dynamic", STEP("a") ",{'name':'d','type':'decision','cases':[{'if':'$steps.a.output == \\'x\\'','to':'b'},{'if':'$.n > 1','to':['c']}],'else':'e'}," STEP("b") "," STEP("c") "," STEP("e") "," WITH("f", "'after':['b','c','e']")), "a<> d<a> b<d> c<d> e<d> f<b,c,e>"},
	{"a decision's step with after", P("parallel", STEP("a") ",{'name':'d','type':'decision','cases':[{'if':'$.n > 1','to':'b'}]}," WITH("b", "'after':['a']")), "a<> d<> b<a,d>"},
	{"on demand", S(WITH("a", "'on_failure':'fallback','fallback':'f'") "," STEP("f") "," WITH("u", "'compensates':'a'") "," WITH("b", "'rules':[{'if':'$.n > 1','then':'hand_off','to':'s'}]") "," STEP("s") "," STEP("c")), "a<> f<>^1 u<>^3 b<a> s<>^2 c<b>"},
	{"a fallback of a fallback", S(WITH("a", "'on_failure':'fallback','fallback':'f'") "," WITH("f", "'on_failure':'fallback','fallback':'g'") "," WITH("g", "'inputs':{'y':'f.output','z':'a.output'}") "," WITH("b", "'inputs':{'y':['a.output','f.output','g.output']}")), "a<> f<>^1 g<>^1 b<a>"},
	{"a specialist's answer for the step itself", S(WITH("a", "'inputs':{'y':'s.output'},'rules':[{'if':'$.n > 1','then':'hand_off','to':'s'}]") "," WITH("s", "'inputs':{'y':'a.output'}")), "a<> s<>^2"},
	{"a number of ways", P("parallel", STEP("a") "," STEP("b") "," WITH("c", "'after':['a','b'],'merge':2")), "a<> b<> c<a,b>*2"},
	{"paths in other forms", S(STEP("d-1") "," WITH("b", "'when':'strict $steps.\\'d-1\\'.output starts with \\'$steps\\' && exists($inputs.x ? (@ like_regex \\'$y\\' flag \\'i\\')) /* $z */ && $iteration + $retry_count > 0 && $.x.type() == \\'a\\' && $[*].y == $.*'")), "d-1<> b<d-1>"},
};

static void
unquote(Buf *out, const char *text)
{
	for (; *text; text++)
	{
		if (*text == '\\' && text[1] == '\'')
		{
			buf_puts(out, "\\\"");
			text++;
		}
		else
			buf_putc(out, *text == '\'' ? '"' : *text);
	}
}

/* step: problem NEWLINE hint NEWLINE, for each; double quotes are written as '. */
static void
note_problem(void *arg, const char *step, const char *problem, const char *hint)
{
	buf_printf(arg, "%s: %s\n%s\n", step ? step : "-", problem, hint);
}

/* What is looked for may be written with either quote. */
static bool
has(const char *text, const char *part)
{
	size_t		len = strlen(part);
	size_t		i;

	for (; *text; text++)
	{
		for (i = 0; i < len && (text[i] == part[i] || (text[i] == '"' && part[i] == '\'')); i++)
			;
		if (i == len)
			return true;
	}
	return len == 0;
}

static WorkflowPlan *
read_text(const char *definition, Buf *told)
{
	Buf			text;
	WorkflowPlan *plan;
	char	   *copy;

	buf_init(&text, 0);
	unquote(&text, definition);
	copy = malloc(text.len);	/* without a NUL, so that reading beyond it is noticed */
	memcpy(copy, text.data, text.len);
	plan = plan_read(copy, text.len, note_problem, told);
	free(copy);
	buf_free(&text);
	return plan;
}

static void
test_problems(void)
{
	size_t		i;

	for (i = 0; i < lengthof(problems); i++)
	{
		Buf			told;
		WorkflowPlan *plan;

		buf_init(&told, 0);
		plan = read_text(problems[i].definition, &told);
		if (!ok(plan == NULL && has(buf_text(&told), problems[i].problem) && has(buf_text(&told), problems[i].hint), problems[i].name))
		{
			unit_show(" got", buf_text(&told));
			unit_show("want", problems[i].problem);
			unit_show("hint", problems[i].hint);
		}
		plan_free(plan);
		buf_free(&told);
	}
}

static void
write_steps(Buf *out, const WorkflowPlan *plan)
{
	int			i;
	int			a;

	for (i = 0; i < plan->nsteps; i++)
	{
		const PlanStep *step = &plan->steps[i];

		buf_printf(out, "%s%s<", i > 0 ? " " : "", step->name);
		for (a = 0; a < step->nafter; a++)
			buf_printf(out, "%s%s", a > 0 ? "," : "", plan->steps[step->after[a]].name);
		buf_putc(out, '>');
		if (step->merge != PLAN_MERGE_ALL)
			buf_printf(out, "*%d", step->merge);
		if (step->demand != DEMAND_NONE)
			buf_printf(out, "^%d", (int) step->demand);
	}
}

static void
test_goods(void)
{
	size_t		i;

	for (i = 0; i < lengthof(goods); i++)
	{
		Buf			told;
		Buf			steps;
		WorkflowPlan *plan;

		buf_init(&told, 0);
		buf_init(&steps, 0);
		plan = read_text(goods[i].definition, &told);
		is_text(buf_text(&told), "", goods[i].name);
		if (plan)
			write_steps(&steps, plan);
		is_text(buf_text(&steps), goods[i].steps, "its order");
		plan_free(plan);
		buf_free(&told);
		buf_free(&steps);
	}
}

/* ---- one that uses everything ---- */

static const char everything[] =
"{'pattern':'sequential',"
"'inputs':{'feature':'string','scale':{'type':'enum','values':['S','L'],'default':'S','description':'How large'},'note':{'type':'object','required':false}},"
"'settings':{'retry':{'max_retries':2,'delay_seconds':0.5},'on_failure':'continue','timeout_seconds':60,'rollback':true,"
"'manual_retry':false,'manual_intervention':false,'checkpoint_retention_days':7,'success_target_percent':99.5,'duration_target_seconds':600,'notify':{'email':'a@b'}},"
"'steps':["
"{'name':'design','title':'Design it','agent':'architect','task':'Design {feature}{{{scale}}}.','output_format':'md','timeout_seconds':30,"
"'outputs':{'architecture':'string','complexity':{'type':'enum','values':['low','high']},'score':{'type':'number','required':false,'metric':{'label':'Score','unit':'%'}}},"
"'criteria':{'min_quality_score':0.85,'required_sections':['Risks','Cost'],'max_iterations':2},"
"'on_failure':'retry_then_stop','retry':{'exponential':false},'hand_off':{'agent':'senior','after_retries':2},'on_timeout':'partial'},"
"{'name':'build','agent':{'by':'design.complexity','choices':{'low':'junior','high':'senior'},'default':'builder'},"
"'task':'Build {arch} for {design.output}, {feature}','inputs':{'arch':['design.architecture','inputs.feature']},"
"'outputs':{'code':{'type':'string','file_name':'a.py','media_type':'text/x-python','description':'The code'}},"
"'approval':{'by':'lead','within_seconds':100,'on_expiry':'manual_review','message':'Build {arch}?'},"
"'when':'$inputs.scale == \\'L\\'','final':true,'success_actions':[{'action':'notify','to':'x'}]},"
"{'name':'review','agent':'validator','task':'Review {build.code}','outputs':{'verdict':'string'},'on_failure':'manual_review',"
"'rules':[{'if':'$.verdict == \\'meh\\'','then':'notify','message':'Hm: {verdict} {output}','severity':'warning'},"
"{'if':'$.verdict == \\'bad\\'','then':'go_back','to':'build','feedback':'Mend {review.verdict} {build.code}','max_iterations':5},"
"{'then':'manual_review','message':'Look'}]}]}";

static void
test_settings(const WorkflowPlan *plan)
{
	ok(plan->rollback && !plan->manual_retry && !plan->manual_intervention, "settings");
	is_int(plan->checkpoint_retention_days, 7, "days");
	ok(plan->notify && plan->notify->kind == NODE_OBJECT, "notify");
	is_text(plan->pattern, "sequential", "pattern");
	is_int(plan->ninputs, 3, "inputs");
	ok(plan->inputs[0].required && !plan->inputs[1].required && !plan->inputs[2].required, "which are required");
	ok(plan->inputs[1].type == PLAN_ENUM && plan->inputs[1].nchoices == 2, "an enum");
	is_text(plan->inputs[1].default_value->is.text, "S", "its default");
	is_text(plan->inputs[1].description, "How large", "its description");
}

static void
test_design(const PlanStep *step)
{
	is_text(step->title, "Design it", "title");
	is_text(step->agent.agent, "architect", "agent");
	is_text(step->output_format, "markdown", "format");
	is_int(step->timeout_seconds, 30, "its own timeout");
	ok(step->partial_on_timeout, "partial");
	is_int(step->noutputs, 3, "outputs");
	is_text(step->outputs[2].metric_unit, "%", "a metric");
	ok(!step->outputs[2].required, "that may be missing");
	ok(step->criteria.given && step->criteria.nsections == 2 && step->criteria.max_iterations == 2, "criteria");
	ok(step->criteria.min_quality_score > 0.84 && step->criteria.min_quality_score < 0.86, "their score");
	ok(step->on_failure == FAILURE_STOP, "on_failure");
	ok(step->retry.max_retries == 2 && step->retry.delay_seconds == 0.5 && !step->retry.exponential &&
	   step->retry.max_delay_seconds == 300, "retries, partly those of the settings");
	is_text(step->hand_off_agent, "senior", "hand_off");
	is_int(step->hand_off_after, 2, "after");
	is_int(step->task.npieces, 6, "pieces of the task");
	ok(step->task.pieces[0].literal && step->task.pieces[0].len == 7, "text");
	ok(step->task.pieces[1].nsources == 1 && step->task.pieces[1].sources[0].step == PLAN_INPUTS &&
	   step->task.pieces[1].sources[0].value == 0 && step->task.pieces[1].own_output == PLAN_UNSET, "an input");
	ok(step->fallback == PLAN_NO_STEP && step->compensates == PLAN_NO_STEP && step->when == NULL &&
	   step->success_actions == NULL && !step->is_final && !step->approval.given, "nothing else");
}

static void
test_build(const PlanStep *step)
{
	ok(step->agent.chosen && step->agent.by.step == 0 && step->agent.by.value == 1, "an agent chosen by an output");
	is_int(step->agent.nchoices, 2, "choices");
	is_text(step->agent.agents[1], "senior", "one of them");
	is_text(step->agent.agent, "builder", "the default");
	is_int(step->mappings[0].nsources, 2, "sources");
	ok(step->mappings[0].sources[0].step == 0 && step->mappings[0].sources[1].step == PLAN_INPUTS, "of which the first is a step");
	is_int(step->task.pieces[1].nsources, 2, "the mapped name has both");
	ok(step->task.pieces[3].sources[0].step == 0 && step->task.pieces[3].sources[0].value == PLAN_WHOLE_ANSWER, "the whole answer");
	is_text(step->approval.by, "lead", "approval");
	ok(step->approval.on_expiry == EXPIRY_MANUAL_REVIEW && step->approval.within_seconds == 100, "its end");
	is_int(step->approval.message.npieces, 3, "its message");
	ok(step->on_failure == FAILURE_CONTINUE && step->timeout_seconds == 60, "the settings' defaults");
	ok(step->is_final && step->success_actions->count == 1, "the end");
	is_text(step->outputs[0].file_name, "a.py", "a file");
	is_text(step->outputs[0].media_type, "text/x-python", "its type");
}

static void
test_review(const PlanStep *step)
{
	const PlanRule *back = &step->rules[1];

	is_int(step->nrules, 3, "rules");
	is_text(step->rules[0].severity, "warning", "severity");
	is_int(step->rules[0].text.pieces[1].own_output, 0, "its own output");
	ok(step->rules[0].text.pieces[3].sources[0].step == 2 &&
	   step->rules[0].text.pieces[3].sources[0].value == PLAN_WHOLE_ANSWER, "its own answer");
	ok(back->action == RULE_GO_BACK && back->to == 1 && back->max_iterations == 5, "go_back");
	ok(!back->body[0] && back->body[1] && back->body[2], "what it repeats");
	is_int(back->text.pieces[1].own_output, 0, "its own output by its name");
	ok(back->text.pieces[3].sources[0].step == 1, "an output of another step");
	ok(step->rules[2].condition == NULL && step->rules[2].action == RULE_MANUAL_REVIEW, "always");
}

static void
note_visit(void *arg, const char *step, const char *where, const char *condition)
{
	buf_printf(arg, "%s %s: %s\n", step, where, condition);
}

static void
note_agent(void *arg, const char *step, const char *agent)
{
	buf_printf(arg, "%s:%s ", step, agent);
}

static void
test_everything(void)
{
	Buf			told;
	WorkflowPlan *plan;

	buf_init(&told, 0);
	plan = read_text(everything, &told);
	is_text(buf_text(&told), "", "a definition with everything in it");
	if (plan)
	{
		test_settings(plan);
		test_design(&plan->steps[0]);
		test_build(&plan->steps[1]);
		test_review(&plan->steps[2]);
		is_int(plan_find_step(plan, "review"), 2, "a step is found");
		is_int(plan_find_step(plan, "x"), PLAN_NO_STEP, "and one that is not there is not");
		plan_each_condition(plan, note_visit, &told);
		is_text(buf_text(&told), "build when: $inputs.scale == \"L\"\nreview if of rule 1: $.verdict == \"meh\"\n"
				"review if of rule 2: $.verdict == \"bad\"\n", "its conditions");
		buf_reset(&told);
		plan_each_agent(plan, note_agent, &told);
		is_text(buf_text(&told), "design:architect design:senior build:builder build:junior build:senior review:validator ", "its agents");
	}
	plan_free(plan);
	buf_free(&told);
}

/* ---- what is large ---- */

static void
test_large(void)
{
	Buf			text;
	Buf			told;
	WorkflowPlan *plan;
	int			i;
	int			lines = 0;
	const char *p;

	buf_init(&text, 0);
	buf_init(&told, 0);
	buf_puts(&text, "{'pattern':'sequential','steps':[");
	for (i = 0; i < PLAN_MAX_STEPS; i++)
		buf_printf(&text, "%s{'name':'s%d','agent':'w','task':'{s0.output}'%s}", i > 0 ? "," : "", i,
				   i > 0 ? ",'rules':[{'if':'$steps.s0.output == 1','then':'go_back','to':'s1'}]" : ",'type':'agent'");
	buf_puts(&text, "]}");
	plan = read_text(buf_text(&text), &told);
	ok(plan == NULL && has(buf_text(&told), "s0: task: the step names itself"), "as many steps as there may be");
	buf_reset(&told);
	plan_free(plan);

	buf_reset(&text);
	buf_puts(&text, "{'pattern':'parallel','steps':[");
	for (i = 0; i < PLAN_MAX_STEPS; i++)
		buf_printf(&text, "%s{'name':'S','x':1}", i > 0 ? "," : "");
	buf_puts(&text, "]}");
	plan = read_text(buf_text(&text), &told);
	for (p = buf_text(&told); *p; p++)
		lines += *p == '\n';
	ok(plan == NULL && has(buf_text(&told), "there are more problems than are shown"), "more problems than are shown");
	is_int(lines, 2 * 200, "those that are");
	buf_reset(&told);

	buf_reset(&text);
	for (i = 0; i < 1024 * 1024; i++)
		buf_putc(&text, ' ');
	buf_puts(&text, "{}");
	ok(read_text(buf_text(&text), &told) == NULL && has(buf_text(&told), "larger than 1024 kB"), "a definition that is too large");
	buf_free(&text);
	buf_free(&told);
}

/* Everything is told at once, conditions and agents too. */
static void
test_inspect(void)
{
	static const char text[] = "{\"pattern\":\"parallel\",\"steps\":[{\"name\":\"a\",\"agent\":\"w\",\"when\":\"1 = 1\"},{\"name\":\"b\",\"agent\":\"v\",\"task\":\"{\"}]}";
	Buf			told;

	buf_init(&told, 0);
	ok(!plan_inspect(text, strlen(text), note_problem, note_visit, note_agent, &told), "a definition with problems");
	ok(has(buf_text(&told), "a: task is missing") && has(buf_text(&told), "b: task: a brace") &&
	   has(buf_text(&told), "a when: 1 = 1\n") && has(buf_text(&told), "a:w b:v "), "and all that was read of it");
	buf_free(&told);
}

int
main(void)
{
	test_problems();
	test_goods();
	test_everything();
	test_large();
	test_inspect();
	return unit_done();
}
