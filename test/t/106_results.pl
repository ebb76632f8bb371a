# What came of a workflow, as people are shown it: the sheet with its steps, files and
# metrics, the files themselves, and the same once more.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use GuideWorkflows;
use Test::More;

my $model = start_model_server();
my $node = start_examples('results', $model);
my $name = 'feature-development-sequential-prod';
my ($design, $implement, $validate, $document) = qw(design-architecture implement-feature validate-implementation generate-documentation);

create_example($node, 'feature-development');
variant($node, $name, 'feature-quick', sub { $_[0]{settings}{retry}{delay_seconds} = 0.02 });

sub sheet { my ($id) = @_; return sql($node, "SELECT line FROM agent_studio.as_result($id) line"); }

# ---------- the sheet ----------

play($node, $model, 'feature');
my $run = run_workflow($node, $name, \%avatar_inputs, "priority => 'high'", q(notify => '{"slack": "#team"}'));
my $id = $run->{execution_id};
my $sheet = sheet($id);

like($sheet, qr/\A\S+ Workflow Complete: $name\n\nExecution ID: $id\nStatus: completed\nTotal Time: \d+s\nTotal Cost: \$0\.77\n/, 'title, status, time and cost');
my @costs = qw(0.16 0.25 0.17 0.19);
my @steps = ($design, $implement, $validate, $document);
like($sheet, qr/^  \S+ Step ${\($_ + 1)}: $steps[$_] \(\d+s, \$\Q$costs[$_]\E\)$/m, "step $steps[$_] with time and cost") for 0 .. 3;
like($sheet, qr/^  Test coverage: 87%$/m, 'the coverage');
like($sheet, qr{^  Security score: 8\.5/10$}m, 'the score, with its unit');
like($sheet, qr/^  Documentation completeness: 100%$/m, 'and how complete the documentation is');
unlike($sheet, qr/vulnerabilit|Warnings|Retries/, 'nothing is made up');
like($sheet, qr/SELECT agent_studio\.$_\($id\);/, "it leads on to $_") for qw(as_output as_clone);
like($sheet, qr/artifacts WHERE execution_id = $id;/, 'and to the files');
unlike($sheet, qr/as_failure/, 'nothing has failed');
is(sql($node, "SELECT max(agent_studio_private.display_width(line)) <= 98 FROM agent_studio.as_result($id) line"), 't', 'with what psql adds no line is wider than 100 columns');

# ---------- the files ----------

my %files = ('architecture.md' => [ 1, $design, 'architecture', 'text/markdown' ], 'implementation.py' => [ 2, $implement, 'code', 'text/x-python' ],
	'tests.py' => [ 2, $implement, 'tests', 'text/x-python' ], 'validation_report.md' => [ 3, $validate, 'validation_report', 'text/markdown' ],
	'api_docs.yaml' => [ 4, $document, 'openapi_spec', 'application/yaml' ], 'integration_guide.md' => [ 4, $document, 'markdown_guide', 'text/markdown' ]);

is(sql($node, "SELECT count(*) FROM agent_studio.artifacts WHERE execution_id = $id"), '6', 'six files');
for my $file (sort keys %files)
{
	my ($step_no, $step, $output, $type) = @{ $files{$file} };
	my $where = "execution_id = $id AND file_name = '$file'";

	is(sql($node, "SELECT step_no, step, name, media_type FROM agent_studio.artifacts WHERE $where"), "$step_no|$step|$output|$type", "$file: step, output and type");
	is(sql($node, "SELECT a.content = o.content AND a.bytes = octet_length(o.content) AND a.bytes > 0 FROM agent_studio.artifacts a
		JOIN agent_studio.outputs o USING (execution_id, step_no, name) WHERE a.$where"), 't', "$file: what the step said, and its size");
	my $size = sql($node, "SELECT agent_studio_private.size_text(bytes) FROM agent_studio.artifacts WHERE $where");
	like($sheet, qr/^  \Q$file\E \($size, from Step $step_no\)$/m, "$file: is in the sheet");
}

# ---------- the same again ----------

$model->reset;
my $again = ended($node, sql($node, "SELECT agent_studio.as_clone($id)"));
is(states($again), states($run), 'a clone comes to the same end');
is_deeply([ map { $again->{$_} } qw(inputs priority notify workflow_version_id) ], [ map { $run->{$_} } qw(inputs priority notify workflow_version_id) ],
	'with the same inputs and options');
is($model->stats->{requests}, 4, 'and asks everything anew');
is(sql($node, "SELECT string_agg(file_name, ' ' ORDER BY file_name) FROM agent_studio.artifacts WHERE execution_id = $again->{execution_id}"),
	join(' ', sort keys %files), 'it has the same files');

my $other = ended($node, sql($node, qq(SELECT agent_studio.as_clone($id, '{"inputs": {"feature_name": "Group Picture Upload System"}, "priority": "low"}'))));
is($other->{status}, 'completed', 'a clone with another input completes');
like(text_of((requests_of($model, $other, $design))[0]), qr/Design Group Picture Upload System architecture for 500K requests/, 'the input is another, the rest the same');
is($other->{priority}, 'low', 'so is the priority');
like(sql_error($node, qq(SELECT agent_studio.as_clone($id, '{"imputs": {}}'))), qr/22023: .*"imputs" is not known.*HINT:  Perhaps you meant "inputs"\./s, 'a misspelt override is told');

# ---------- when it fails ----------

play($node, $model, 'feature');
agent_on($node, $_, 'status=503') for qw(builder-agent-python-prod builder-agent-senior-prod);
$run = run_workflow($node, 'feature-quick', \%avatar_inputs);
$sheet = sheet($run->{execution_id});
like($sheet, qr/\A\S+ Workflow Failed: feature-quick\n/, 'a failed one says so');
like($sheet, qr/^  \S+ Step 2: $implement \(.*\) - overloaded: /m, 'where');
like($sheet, qr/^  \S+ Step 4: $document - not reached$/m, 'what was not reached');
like($sheet, qr/^  architecture\.md \(/m, 'which files there are');
unlike($sheet, qr/tests\.py|Test coverage/, 'and no others');
like($sheet, qr/as_failure\($run->{execution_id}\)/, 'and refers to the failure sheet');
agent_on($node, $_) for qw(builder-agent-python-prod builder-agent-senior-prod);
is(ended($node, sql($node, "SELECT agent_studio.as_clone($run->{execution_id})"))->{status}, 'completed', 'its clone begins from the start, and completes');

# ---------- a task ----------

my $task = sql($node, "SELECT agent_studio.as_execute_task('architect-agent-prod', 'Design User Avatar Upload System architecture for 500K requests/day scale.')");
sql($node, "SELECT agent_studio.as_wait($task)");
$sheet = sheet($task);
like($sheet, qr/\A\S+ Task Complete: architect-agent-prod\n/, 'a task has a sheet, too');
like($sheet, qr/^  Input Tokens:      1,250\n  Output Tokens:     4,890\n  Total Tokens:      6,140$/m, 'with its tokens');
like($sheet, qr/^  Input Cost:        \$0\.0125\n  Output Cost:       \$0\.1467$/m, 'and costs');
like($sheet, qr/^Total Cost: \$0\.16$/m, 'and what it came to');
is(sql($node, "SELECT file_name, media_type, content = agent_studio.as_output($task) FROM agent_studio.artifacts WHERE execution_id = $task"), 'output.md|text/markdown|t', 'its answer is a file');

finish_studio($node, $model);
done_testing();
