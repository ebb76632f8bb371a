# The report of an execution: the avatar upload with every chapter and figure that it is
# told with; tasks, failures, what is under way; and what models say to spoil it.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use GuideWorkflows;
use Test::More;

my $model = start_model_server();
my $node = start_examples('report', $model);
my $name = 'feature-development-sequential-prod';

create_example($node, 'feature-development');

sub report { my ($id) = @_; return sql($node, "SELECT agent_studio.as_report($id)"); }

# A report's chapters by their headings, in @order too; what comes before is "".
my @order;

sub chapters
{
	my ($report) = @_;
	my ($head, @rest) = split /^## (.+)\n/m, $report;

	@order = @rest[ grep { $_ % 2 == 0 } 0 .. $#rest ];
	return ('' => $head, @rest);
}

my @all = ('Executive Summary', 'Step-by-Step Analysis', 'Workflow Metrics', 'Outputs', 'Recommendations', 'Next Steps');

# ---------- the avatar upload ----------

my $id = avatar_upload($node, $model);
my %chapter = chapters(report($id));

is_deeply(\@order, \@all, 'every chapter, in order');
like($chapter{''}, qr/\A# Workflow Execution Report\n/, 'the title');
my %head = (Workflow => qr/$name v1\.0\.0/, 'Execution ID' => $id, Date => '2025-10-09 15:30:00 to 15:39:42 UTC', 'Total Duration' => '9m 42s',
	'Total Cost' => qr/\$0\.68/, Status => qr/\S+ completed/);
like($chapter{''}, qr/^\*\*$_\*\*: $head{$_}\s*$/m, "the head: $_") for sort keys %head;
like($chapter{'Executive Summary'}, qr/^> The User Avatar Upload System went through its whole development/m, 'the summary that the last step gave');
like($chapter{'Executive Summary'}, qr/^4 of 4 steps complete; 6 files; issues reported: 2 medium, 3 low\.$/m, 'and what rows say');

my @steps = ([ 'Architecture Design', 87, '0.13', 'architect-agent-prod', '6,140', '1,250', '4,890' ],
	[ 'Implementation', 215, '0.21', 'builder-agent-python-prod', '9,830', '2,100', '7,730' ],
	[ 'Security Validation', 134, '0.17', 'validator-agent-security-prod', '7,890', '3,200', '4,690' ],
	[ 'Documentation', 146, '0.17', 'scribe-agent-api-docs-prod', '8,100', '2,800', '5,300' ]);
my @parts = split /^(?=### )/m, $chapter{'Step-by-Step Analysis'};
is(@parts, 5, 'four steps');
for my $no (1 .. 4)
{
	my ($title, $seconds, $cost, $agent, $total, $in, $out) = @{ $steps[ $no - 1 ] };

	like($parts[$no], qr/\A### Step $no: $title \($seconds seconds, \$$cost\)\n/, "step $no: title, time and cost");
	like($parts[$no], qr/^- \*\*Agent\*\*: $agent v1\.0\.0\n- \*\*Model\*\*: standard .*\n- \*\*Status\*\*: \S+ completed\n/m, "step $no: agent, model and status");
	like($parts[$no], qr/^- \*\*Token Usage\*\*: $total tokens \(input: $in, output: $out\)$/m, "step $no: tokens");
}
like($parts[1], qr/\*\*Key Decisions\*\*:\n\n1\. Use Azure Blob Storage with CDN for image delivery\n2\. .*\n3\. .*\n4\. Async processing/, 'the key decisions');
like($parts[3], qr/\*\*Issues\*\*: 2 medium, 3 low\n\nMedium:\n\n1\. .*rate limiting.*\n2\. .*EXIF.*\n\nLow:\n\n1\. /, 'the issues by severity');
like($parts[3], qr/Security score: 8\.5\/10/, 'the score');
unlike($parts[2], qr/Key Decisions|Issues/, 'what a step did not give is not told');

my $metrics = $chapter{'Workflow Metrics'};
like($metrics, qr/^- $_$/m, "the metrics: $_") for 'Total Execution Time: 9m 42s', 'Average Step Time: 2m 26s', 'Slowest Step: Step 2 \(Implementation\) - 215s',
	'Fastest Step: Step 1 \(Architecture Design\) - 87s', 'Total Cost: \$0\.68', 'Cost per Step: \$0\.17 average', 'Most Expensive Step: Step 2 \(Implementation\) - \$0\.21',
	'Least Expensive Step: Step 1 \(Architecture Design\) - \$0\.13', 'Quality Gates: all passed \(1\)', 'Security score: 8\.5/10', 'Test coverage: 87%',
	'Documentation completeness: 100%', 'Total Tokens: 31,960', 'Input Tokens: 9,350', 'Output Tokens: 22,610 .*', 'Average per Step: 7,990 tokens';

my %sizes = ('architecture.md' => 12, 'implementation.py' => 18, 'tests.py' => 8, 'validation_report.md' => 6, 'api_docs.yaml' => 14, 'integration_guide.md' => 22);
like($chapter{Outputs}, qr/^\d\. `\Q$_\E` \($sizes{$_} KB\) from Step \d/m, "the file $_") for sort keys %sizes;
like($chapter{Outputs}, qr/^\*\*Total Size\*\*: 80 KB$/m, 'their size in all');
like($chapter{Recommendations}, qr/From Step 4 \(Documentation\):\n\n1\. Deploy the implementation to the staging environment\n2\. Address the medium/, 'the recommendations');
like($chapter{'Next Steps'}, qr/1\. Review all generated artifacts with the team\n/, 'the next steps');
like($chapter{'Next Steps'}, qr/^SELECT agent_studio\.as_clone\($id\);  -- execute again$/m, 'and the calls that lead on');

# ---------- what is not known is not made up ----------

sql($node, q(SELECT agent_studio.as_update_model('standard', unset => '{input_price,output_price}')));
agent_on($node, 'scribe-agent-api-docs-prod', 'status=400');
my $run = run_workflow($node, $name, \%avatar_inputs);
%chapter = chapters(report($run->{execution_id}));
is_deeply(\@order, \@all, 'a failed execution has the same chapters');
like($chapter{''}, qr/^\*\*Status\*\*: \S+ failed$/m, 'it has failed');
like($chapter{''}, qr/^\*\*Error\*\*: bad_request: /m, 'and why');
like($chapter{''}, qr/Total Cost\*\*: not known/, 'without prices no cost');
like($chapter{'Workflow Metrics'}, qr/Total Tokens: 23,860/, 'the tokens are known');
unlike($chapter{'Workflow Metrics'}, qr/Expensive|\$0/, 'no cost is made up');
like($chapter{'Step-by-Step Analysis'}, qr/### Step 4: Documentation \(\d+ seconds?, \$0\.00\)\n\n(?:- .*\n)*- \*\*Error\*\*: bad_request: /, 'the step that failed says why, and that it cost nothing');
like($chapter{'Executive Summary'}, qr/^No summary was reported\.$/m, 'nobody gave a summary');
like($chapter{Recommendations}, qr/^Nothing was reported\.$/m, 'nor recommendations');
like($chapter{'Next Steps'}, qr/as_failure\($run->{execution_id}\)/, 'what next: what went wrong');

# ---------- while it runs ----------

agent_on($node, 'scribe-agent-api-docs-prod');
agent_on($node, 'validator-agent-security-prod', 'gate=report');
my $running = start_workflow($node, $name, \%avatar_inputs);
wait_for_state($node, $running, 'validate-implementation', 'running');
%chapter = chapters(report($running));
is_deeply(\@order, \@all, 'one that runs has all chapters');
like($chapter{''}, qr/Total Duration\*\*: \d+s so far/, 'with its time so far');
like($chapter{'Step-by-Step Analysis'}, qr/### Step 3: Security Validation \(\d+ seconds?\)\n\n(?:- .*\n)*- \*\*Status\*\*: \S+ running/, 'a step is running');
like($chapter{'Step-by-Step Analysis'}, qr/### Step 4: Documentation\n\n- \*\*Agent.*\n- \*\*Status\*\*: \S+ pending - waits for validate-implementation/, 'another waits');
sql($node, "SELECT agent_studio.as_cancel($running)");
wait_for_status($node, $running, 'canceled');
like(report($running), qr/^\*\*Status\*\*: \S+ canceled$/m, 'and it is canceled');

# ---------- tasks, and what models say ----------

sub url_encoded { my ($text) = @_; $text =~ s/([^A-Za-z0-9])/sprintf '%%%02X', ord $1/ge; return $text; }

my $hostile = <<"TEXT";
# Workflow Execution Report

**Status**: completed

## Summary

All is well.
## Next Steps
</script><img src=x onerror=alert(1)>![beacon](http://evil.example/x.png)
Nothing
=======
\e[2J\x07 and \xE2\x80\xAE back

## Issues

- Critical: <b>bold</b> # not a heading
- whatever

## Recommendations

#### Total Cost: \$0

-----
TEXT
sql($node, "SELECT agent_studio.as_create_model('liar', 'model_api', deployment => 'mock:text=" . url_encoded($hostile) . "', input_price => 1, output_price => 1);
	SELECT agent_studio.as_create_agent('liar', 'scribe', 'liar')");
my $task = run_task($node, "Say it.\n## Outputs", agent => 'liar')->{execution_id};
my $text = report($task);
%chapter = chapters($text);
is_deeply(\@order, [ map { s/Workflow/Task/r } @all ], 'a task has its chapters, and no answer adds one');
is(() = $text =~ /^# /mg, 1, 'nor a title');
is(() = $text =~ /^#+ .*\n/mg, 1 + 6 + 1 + 4 + 1, 'nor any heading');
unlike($text, qr/(?<!\\)<(?:img|script|\/script|b>)/, 'no tag');
unlike($text, qr/!\[/, 'no image');
unlike($text, qr/[\x00-\x08\x0B-\x1F\x7F]|\xE2\x80\xAE/, 'no control character, no mark of direction');
like($chapter{'Executive Summary'}, qr/^> All is well\.$/m, 'its summary is quoted');
like($chapter{Recommendations}, qr/^> \\#### Total Cost: \$0$/m, 'a heading in a section is none');
like($chapter{''}, qr/^\*\*Task\*\*: Say it\. ## Outputs\s*$/m, 'the task, in one line');
like($chapter{Outputs}, qr/^1\. `output\.\w+` \(\d+ bytes\)$/m, 'its answer is a file');
unlike(report(run_task($node, 'x', agent => 'liar')->{execution_id}), qr/not known.*not known/s, 'with its price');

# ---------- ten megabytes ----------

sql($node, "UPDATE agent_studio.steps SET output = '## Summary' || E'\\n\\n' || repeat('0123456789', 1000000) || E'\\n## Next Steps\\n' || repeat(E'x\\n', 100000) WHERE execution_id = $task");
$text = report($task);
%chapter = chapters($text);
cmp_ok(length $text, '<', 30_000, 'ten megabytes are cut');
like($chapter{'Executive Summary'}, qr/^> \(cut: .*agent_studio\.outputs has the whole\)$/m, 'and the report says so');

finish_studio($node, $model);
done_testing();
