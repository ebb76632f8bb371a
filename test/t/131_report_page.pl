# The report's page in a browser: it shows what it should, tells the console nothing, asks
# for nothing, and fits screens of 390 and 1280 pixels, whatever models have said.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use GuideWorkflows;
use Pages;
use Test::More;

my $model = start_model_server();
my $node = start_examples('page', $model);

sub page { my ($id) = @_; return sql($node, "SELECT agent_studio.as_report_html($id)"); }

# ---------- the browser sees what is wrong ----------

my $bad = seen_page('bad', q(<!DOCTYPE html><meta charset="utf-8"><body><p>Here</p><script>nonsense()</script><img src="http://127.0.0.1:1/x.png" onerror="console.error('seen')">
	<div style="width:1500px">wide</div>), 'Here', 'There');
ok(!$bad->{ok}, 'a bad page is bad');
is_deeply($bad->{missing}, ['There'], 'what it does not show is missing');
is_deeply($bad->{requests}, ['http://127.0.0.1:1/x.png'], 'what it asks for is seen');
ok(scalar(grep { /seen/ } @{ $bad->{console} }), 'and what it tells the console');
is(@{ $bad->{scripts} }, 2, 'and what could run');
cmp_ok($bad->{sizes}[0]{scroll}, '>', 390, 'and that it is too wide');

# ---------- the avatar upload ----------

create_example($node, 'feature-development');
my $id = avatar_upload($node, $model);
page_is_good('avatar', page($id), 'feature-development-sequential-prod v1.0.0', '9m 42s', '$0.68', '31,960', '9,350 in, 22,610 out', '80 KB', 'issues: 2 medium, 3 low',
	'Executive Summary', 'went through its whole development', 'Step 2: Implementation (215 seconds, $0.21)', 'Async processing for image transformations',
	'7,990 tokens', 'Step 2 (Implementation) - 215s', 'integration_guide.md', 'from collections.abc import AsyncIterator', 'Add image content moderation',
	'Test in the staging environment', '1. Architecture Design', '1m 27s', 'architecture, components, tech_stack');

# ---------- branches, and a failure ----------

create_example($node, 'full-stack-feature');
create_example($node, 'smart-feature-development');
play($node, $model, 'full_stack');
page_is_good('parallel', page(run_workflow($node, 'full-stack-feature-parallel-dev', { feature => 'comments' })->{execution_id}), 'backend', 'integration-test');
agent_on($node, 'architect-agent-prod', 'status=400');
page_is_good('failed', page(run_workflow($node, 'smart-feature-development-dynamic-prod', { feature => 'x' })->{execution_id}), 'bad_request', 'not reached', 'No summary was reported.');

# ---------- what models say ----------

my $hostile = q(</pre></script><script>alert(1)</script><img src=http://127.0.0.1:1/x onerror=alert(1)>"'><svg onload=alert(1)><style>*{display:none}</style>&lt;<!--)
	. "\e[2J\x01\xE2\x80\xAE" . ('W' x 3000) . "\n## Summary\n<iframe src=//x></iframe>" . ('M' x 500) . "\n## Recommendations\n</section></main><h1>mine</h1>";
sql($node, q(SELECT agent_studio.as_create_model('brief', 'model_api', deployment => 'mock:text=Yes.');
	SELECT agent_studio.as_create_agent('brief', 'scribe', 'brief')));
my $task = run_task($node, 'Say it.', agent => 'brief')->{execution_id};
sql($node, "UPDATE agent_studio.steps SET output = convert_from(decode('" . unpack('H*', $hostile) . "', 'hex'), 'UTF8') WHERE execution_id = $task");
sql($node, "UPDATE agent_studio.executions SET task = repeat('<b>W</b>', 300), agent = repeat('w', 60), error_class = 'internal', error_message = repeat('<i>&', 300) WHERE execution_id = $task");
my $html = page($task);
page_is_good('hostile', $html, '</section></main><h1>mine</h1>', '<iframe src=//x></iframe>', '<script>alert(1)</script>');
unlike($html, qr/[\x00-\x08\x0B-\x1F\x7F]|\xE2\x80\xAE/, 'no control character, no mark of direction');

# Ten megabytes are cut, and the page says where the rest is.
sql($node, "UPDATE agent_studio.steps SET output = repeat('<td>0123456', 1000000) WHERE execution_id = $task");
$html = page($task);
cmp_ok(length $html, '<', 1_500_000, 'ten megabytes are cut');
page_is_good('large', $html, 'Cut after 200000 characters', "agent_studio.as_output($task)");

finish_studio($node, $model);
done_testing();
