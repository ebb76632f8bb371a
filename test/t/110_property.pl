# Random workflows: what the engine does with them is what doc/workflows.md says.
#
# test/property/ has the generator, and an interpreter that knows the document only.
# AS_SEED and AS_COUNT choose the workflows, AS_CASE one of them.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use Property;
use Test::More;

my $model = start_turns_server();
my $node = start_studio('property', $model);
add_agents($node);
wait_for_executor($node);

my ($result, $code) = run_property($node, 'postgres', 'run');
my $seen = $result->{seen} // {};
note(join(', ', map { "$_: $seen->{$_}" } sort keys %$seen));
is($code, 0, 'every workflow does what the reference says');
is($result->{different}, 0, 'none of ' . ($result->{cases} // 0) . ' differs');

# A run that tested little would say so here. A few workflows need not have all of it.
SKIP:
{
	skip 'too few workflows to have everything', 1 if ($result->{cases} // 0) < 500;
	is_deeply([ grep { ($seen->{$_} // 0) < 5 } qw(completed failed requires_manual_review runs skipped passed_over went_back handed_off
		manual_review nested decided merged fallback specialist compensation max_iterations bad_request overloaded rule waiting), 'tried again' ],
		[], 'everything occurred');
}
# Loops that would wait for each other for ever are told of when they are written.
like(sql_error($node, q(SELECT agent_studio.as_create_workflow('crossed', 'parallel', '{"steps": [
	{"name": "a", "agent": "worker", "task": "A."}, {"name": "b", "agent": "worker", "task": "B."},
	{"name": "c", "agent": "worker", "task": "C.", "after": ["a", "b"], "rules": [{"then": "go_back", "to": "a"}]},
	{"name": "d", "agent": "worker", "task": "D.", "after": ["a", "b"], "rules": [{"then": "go_back", "to": "b"}]}]}'))),
	qr/it waits for the end of the loop that step "d" ends, which waits for it/, 'two loops may not wait for each other');

is(sql($node, q(SELECT count(*) FROM (SELECT FROM agent_studio.attempts WHERE outcome = 'completed'
	GROUP BY execution_id, step_no HAVING count(*) > 1) twice)), 0, 'no step has two results');
is(sql($node, 'SELECT count(*) FROM agent_studio.queue'), 0, 'nothing is left in the queue');

finish_studio($node, $model);
done_testing();
