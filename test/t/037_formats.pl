# Output formats: an answer that is not of the format asked for is never completed.
use strict;
use warnings;
use lib 'test/t';
use AgentStudio;
use JSON::PP;
use Test::More;

my $model = start_model_server();
my $node = start_studio('formats', $model);
my $number = 0;

# ask(ANSWER, ARGUMENTS): what became of a task to which the model gives that answer.
sub ask
{
	my ($answer, $arguments) = @_;
	my $text = $answer =~ s/([^A-Za-z0-9])/sprintf('%%%02X', ord $1)/ger;
	my $mark = 'Format task ' . ++$number . '.';
	my $id = $node->safe_psql('postgres',
		"SELECT agent_studio.as_execute_task('worker', E'$mark\\n\@mock text=$text', max_retries => 0, $arguments)");

	$node->safe_psql('postgres', "SELECT agent_studio.as_wait($id)");
	return {
		id => $id,
		status => $node->safe_psql('postgres', "SELECT status FROM agent_studio.executions WHERE execution_id = $id"),
		class => $node->safe_psql('postgres', "SELECT error_class FROM agent_studio.executions WHERE execution_id = $id"),
		message => $node->safe_psql('postgres', "SELECT error_message FROM agent_studio.executions WHERE execution_id = $id"),
		output => $node->safe_psql('postgres', "SELECT agent_studio.as_output($id)"),
		prompt => ($model->journal($mark))[0]{body}{messages}[-1]{content},
	};
}

my $shorthand = q(json_schema => '{"architecture":"object","components":"array"}');
my $good = '{"architecture": {"style": "layered"}, "components": ["API", "DB"]}';

my $done = ask($good, $shorthand);
is($done->{status}, 'completed', 'an answer that is valid completes');
is($done->{output}, $good, 'its output is the answer');
like($done->{prompt}, qr/JSON Schema.*"components"/s, 'the model was told the schema in the prompt');
is($node->safe_psql('postgres', "SELECT output_format || ' ' || (json_schema -> 'properties' -> 'components' ->> 'type')
	FROM agent_studio.executions WHERE execution_id = $done->{id}"), 'json array', 'the shorthand is kept written out');
is($node->safe_psql('postgres', "SELECT completeness_percent, format_compliance_percent FROM agent_studio.as_quality($done->{id})"),
	'100|100', 'complete, and of the right format');

is(ask("```json\n$good\n```", $shorthand)->{output}, $good, 'a fence around JSON is taken off');

my $bad = ask('{"architecture": {}, "components": "API"}', $shorthand);
is($bad->{status} . ' ' . $bad->{class}, 'failed invalid_output', 'an answer that breaks its schema fails');
like($bad->{message}, qr/components/, 'the message names the path');
like($bad->{output}, qr/"API"/, 'what was answered is kept');
is($node->safe_psql('postgres', "SELECT completeness_percent, format_compliance_percent FROM agent_studio.as_quality($bad->{id})"),
	'100|0', 'complete, but not of the right format');

my $missing = ask('{"architecture": {}}', $shorthand);
is($missing->{status}, 'failed', 'a required member that is missing fails it');
is($node->safe_psql('postgres', "SELECT completeness_percent FROM agent_studio.as_quality($missing->{id})"), '50', 'half of what is required is there');

is(ask('Here it is: {"a": 1}', q(output_format => 'json'))->{status}, 'failed', 'prose around JSON is not JSON');
is(ask('{"a": 1}', q(output_format => 'json'))->{status}, 'completed', 'JSON without a schema only has to be JSON');
is(ask("```python\nprint(1)\n```", q(output_format => 'code'))->{output}, "print(1)\n", 'a fence around code is taken off');
is(ask("```python\nprint(1)\n```", q(output_format => 'md'))->{output}, "```python\nprint(1)\n```", 'Markdown keeps its fences');
is(ask('Plain words.', q(output_format => 'txt'))->{output}, 'Plain words.', 'plain text stays as it is');

# A model that its vendor can hold to a schema is asked for it in the vendor's way.
$node->safe_psql('postgres', q(
	SELECT agent_studio.as_create_model('strict', 'mock', deployment => 'mock', structured_output => true);
	SELECT agent_studio.as_create_agent('strict', 'builder', 'strict');));
my $held = $node->safe_psql('postgres', q(SELECT agent_studio.as_execute_task('strict', 'Held to a schema.',
	json_schema => '{"zeta": "string", "alpha": "array"}')));
is($node->safe_psql('postgres', "SELECT agent_studio.as_wait($held)"), 'completed', 'an answer in structured output completes');
my ($request) = $model->journal('Held to a schema.');
is($request->{body}{response_format}{type}, 'json_schema', 'the request asks for structured output');
is_deeply($request->{body}{response_format}{json_schema}{schema}{required}, [ 'zeta', 'alpha' ], 'with the schema, its members in their order');
unlike($request->{body}{messages}[-1]{content}, qr/JSON Schema/, 'which the prompt then does not repeat');

# The model server refuses what OpenAI refuses, so these complete only if they are asked for rightly.
my $closed = '{"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": false}';
for my $case (
	[ 'a closed schema', $closed, 'true' ],
	[ 'a schema with an optional member', $closed =~ s/\["n"\]/[]/r, 'false' ],
	[ 'an open schema', $closed =~ s/false/true/r, 'false' ],
	[ 'a schema with a keyword that cannot be held', $closed =~ s/"integer"/"integer", "default": 1/r, 'false' ],
	[ 'shorthand', '{"n": "integer", "m": "object?"}', 'false' ])
{
	my ($what, $schema, $strict) = @$case;
	my $task = "Strict $strict: $what.";
	my $run = run_task($node, $task, agent => 'strict', arguments => "json_schema => '$schema'");
	is("$run->{status} " . ($run->{error_message} // ''), 'completed ', "$what is taken");
	is(JSON::PP->new->allow_nonref->encode(($model->journal($task))[0]{body}{response_format}{json_schema}{strict}), $strict, "$what: strict is $strict");
}

# Answers that are no objects cannot be asked for in that way: the prompt says it.
my $list = run_task($node, "A list.\n\@mock text=%5B1,2%5D", agent => 'strict', arguments => q(json_schema => '{"type": "array", "items": {"type": "integer"}}'));
is("$list->{status} " . ($list->{output} // $list->{error_message}), 'completed [1,2]', 'a schema of a list is no obstacle');
($request) = $model->journal('A list.');
ok(!exists $request->{body}{response_format}, 'the vendor is not asked for it');
like($request->{body}{messages}[-1]{content}, qr/JSON Schema.*"integer"/s, 'the model is');

# Another try may do better, and the attempts show it.
my $id = $node->safe_psql('postgres', q(SELECT agent_studio.as_execute_task('worker',
	E'Second try\n@mock text=nonsense times=1 key=second', output_format => 'json', max_retries => 1)));
is($node->safe_psql('postgres', "SELECT agent_studio.as_wait($id)"), 'failed', 'prose again is a failure again');
is($node->safe_psql('postgres', "SELECT string_agg(outcome || ' ' || error_class, ', ') FROM agent_studio.attempts WHERE execution_id = $id"),
	'failed invalid_output, failed invalid_output', 'each try is an attempt');

# What could not be checked in full is refused when it is submitted.
for my $case (
	[ q(json_schema => '{"type": "object", "patternProperties": {"^a": {}}}'), qr/patternProperties/ ],
	[ q(json_schema => '{"type": "objekt"}'), qr/objekt/ ],
	[ q(json_schema => '{"a": "string"}', output_format => 'markdown'), qr/goes with output_format json/ ],
	[ q(output_format => 'yaml'), qr/Use one of: markdown, json, plaintext, code/ ])
{
	my ($arguments, $pattern) = @$case;
	my (undef, undef, $error) = $node->psql('postgres', "SELECT agent_studio.as_execute_task('worker', 'Refused', $arguments)");
	like($error, $pattern, "refused: $arguments");
}

done_testing();
