# The workflows of doc/examples: how they are made and run, and what can be asked of a run.
#
# The model is played by test/model_answers/plays; the tasks of the steps choose the scenes.
package GuideWorkflows;

use strict;
use warnings;
use AgentStudio;
use Exporter 'import';
use JSON::PP;
use List::Util qw(all any none);
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(start_examples create_example create_workflow variant step_of play agent_on
  start_workflow run_workflow ended picture wait_for_status wait_for_state states current all_of notices_of requests_of text_of is_fed
  is_paid_for avatar_upload %avatar_inputs);

our %avatar_inputs = (
	feature_name => 'User Avatar Upload System',
	scale => '500K requests/day',
	requirement_1 => 'Upload images up to 5MB',
	requirement_2 => 'Automatic image resizing (3 sizes)',
	requirement_3 => 'Secure storage with CDN delivery',
	tech_stack => 'Python FastAPI, Azure Blob Storage, PIL, Redis');

my $json = JSON::PP->new->canonical;

# ---------- what there is ----------

# A cluster with the agents of doc/examples/agents.sql, all on model "standard".
sub start_examples
{
	my ($name, $model, @settings) = @_;
	my $node = start_cluster($name, @settings);

	run_file($node, 'doc/examples/agents.sql', url => $model->url('/v1'), is_local => 'true', key_file => '',
		model => 'mock', input_price => 10, output_price => 30);
	return $node;
}

sub run_file
{
	my ($node, $file, %variables) = @_;
	my ($code, $output, $error) = $node->psql('postgres', slurp_file($file),
		extra_params => [ map { ('-v', "$_=$variables{$_}") } sort keys %variables ]);

	die "$file: $error" if $code != 0;
	unlike($error, qr/WARNING|NOTICE/, "$file raises nothing");
	return;
}

# An example by its file's name; a list of workflows' names may follow.
sub create_example { my ($node, $file) = @_; run_file($node, "doc/examples/workflows/$file.sql"); return; }

sub quoted { my ($text) = @_; return defined $text ? "\$q\$$text\$q\$" : 'NULL'; }

sub create_workflow
{
	my ($node, $name, $pattern, $definition) = @_;

	sql($node, "SELECT agent_studio.as_create_workflow('$name', '$pattern', " . quoted($json->encode($definition)) . ')');
	return $name;
}

# A workflow like another one, but for what the sub changes in its definition.
sub variant
{
	my ($node, $from, $name, $change) = @_;
	my ($pattern, $text) = split /\|/, sql($node, <<"SQL"), 2;
SELECT w.pattern, v.definition - 'pattern' FROM agent_studio.workflows w
JOIN agent_studio.workflow_versions v ON v.workflow_id = w.workflow_id AND v.version = w.current_version
WHERE w.name = '$from'
SQL
	my $definition = $json->decode($text);

	$change->($definition);
	return create_workflow($node, $name, $pattern, $definition);
}

sub step_of { my ($definition, $name) = @_; return (grep { $_->{name} eq $name } @{ $definition->{steps} })[0]; }

# From now on the model plays this, for all agents; the journal and the play begin anew.
# Further scenario keys may follow.
sub play
{
	my ($node, $model, $play, @more) = @_;

	sql($node, "SELECT agent_studio.as_update_model(name, deployment => '" . join(',', "mock:play=$play", @more) . "')
		FROM agent_studio.models WHERE name = 'standard' OR name LIKE 'of %'");
	$model->reset;
	return;
}

# Gives an agent a model of its own, which follows a scenario; without one it plays what
# the others play. What is under way keeps the agent's version, and so its model: it is
# the model that changes.
sub agent_on
{
	my ($node, $agent, $scenario) = @_;
	my $deployment = defined $scenario ? quoted("mock:$scenario") : q((SELECT deployment FROM agent_studio.models WHERE name = 'standard'));

	sql($node, <<"SQL");
SELECT agent_studio.as_create_model('of $agent', 'model_api', deployment => 'mock', input_price => 10, output_price => 30)
WHERE NOT EXISTS (SELECT FROM agent_studio.models WHERE name = 'of $agent');
SELECT agent_studio.as_update_model('of $agent', deployment => $deployment);
SELECT agent_studio.as_update_agent('$agent', model => 'of $agent')
WHERE NOT EXISTS (SELECT FROM agent_studio.agents a JOIN agent_studio.agent_versions v ON v.agent_id = a.agent_id AND v.version = a.current_version
	JOIN agent_studio.models m USING (model_id) WHERE a.name = '$agent' AND m.name = 'of $agent');
SQL
	return;
}

# ---------- runs ----------

# The execution's id. Further arguments are SQL: "priority => 'high'".
sub start_workflow
{
	my ($node, $name, $inputs, @arguments) = @_;

	return sql($node, "SELECT agent_studio.as_run_workflow("
		. join(', ', "'$name'", 'inputs => ' . quoted($json->encode($inputs // {})), @arguments) . ')');
}

sub run_workflow { my ($node, @what) = @_; return ended($node, start_workflow($node, @what)); }

sub ended
{
	my ($node, $id) = @_;

	sql($node, "SELECT agent_studio.as_wait($id)");
	return picture($node, $id);
}

# All there is to know of an execution.
sub picture
{
	my ($node, $id) = @_;
	my %lists = (steps => 's.step_no', attempts => 's.step_no, s.attempt_no', notices => 's.notice_id', approvals => 's.step_no',
		deliveries => 's.delivery_id', thoughts => 's.seq', outputs => 's.step_no, s.name');
	my @members = map {
		my $more = $_ eq 'steps' ? q( || jsonb_build_object('agent', (SELECT a.name FROM agent_studio.agents a
			JOIN agent_studio.agent_versions v USING (agent_id) WHERE v.agent_version_id = s.agent_version_id))) : '';
		"'$_', (SELECT coalesce(jsonb_agg(to_jsonb(s)$more ORDER BY $lists{$_}), '[]') FROM agent_studio.$_ s WHERE s.execution_id = $id)"
	} sort keys %lists;

	return decode_json(sql($node, "SELECT to_jsonb(e) || jsonb_build_object("
		. join(', ', @members, "'output', agent_studio.as_output($id)")
		. ") FROM agent_studio.executions e WHERE e.execution_id = $id"));
}

sub wait_for_status
{
	my ($node, $id, $status) = @_;

	wait_until(sub { status_of($node, $id) eq $status }, "execution $id is $status")
	  or diag(states(picture($node, $id)));
	return;
}

# Waits until the current iteration of a step is in a state.
sub wait_for_state
{
	my ($node, $id, $step, $state) = @_;

	wait_until(sub { sql($node, "SELECT state FROM agent_studio.steps WHERE execution_id = $id AND name = '$step'
		ORDER BY iteration DESC LIMIT 1") eq $state }, "step $step is $state")
	  or diag(states(picture($node, $id)));
	return;
}

# The avatar upload as it is told of: tokens as the model says, prices that come to $0.68;
# the times and the sizes of files are put into the rows, since nobody waits for ten minutes.
sub avatar_upload
{
	my ($node, $model) = @_;

	play($node, $model, 'feature');
	sql($node, q(SELECT agent_studio.as_update_model('standard', input_price => 21.3, output_price => 21.3)));
	my $run = run_workflow($node, 'feature-development-sequential-prod', \%avatar_inputs);

	sql($node, <<"SQL");
UPDATE agent_studio.executions SET started_at = '2025-10-09 15:30:00+00', finished_at = '2025-10-09 15:39:42+00' WHERE execution_id = $run->{execution_id};
UPDATE agent_studio.steps s SET started_at = t.finish - t.seconds * interval '1 s', finished_at = t.finish
FROM (VALUES (1, 87, timestamptz '2025-10-09 15:31:27+00'), (2, 215, '2025-10-09 15:35:02+00'), (3, 134, '2025-10-09 15:37:16+00'),
	(4, 146, '2025-10-09 15:39:42+00')) t (step_no, seconds, finish)
WHERE s.execution_id = $run->{execution_id} AND s.step_no = t.step_no;
UPDATE agent_studio.steps s SET outputs = s.outputs || (SELECT jsonb_object_agg(f.name, rpad(regexp_replace(s.outputs ->> f.name, '[^\x01-\x7f]', '-', 'g'), f.kb * 1024, '-'))
	FROM (VALUES ('architecture', 12), ('code', 18), ('tests', 8), ('validation_report', 6), ('openapi_spec', 14), ('markdown_guide', 22)) f (name, kb) WHERE s.outputs ? f.name)
WHERE s.execution_id = $run->{execution_id};
SQL
	return $run->{execution_id};
}

# ---------- what became of it ----------

# A step's rows, the first iteration first; and the current one.
sub all_of
{
	my ($run, $name) = @_;
	my @rows = sort { $a->{iteration} <=> $b->{iteration} } grep { $_->{name} eq $name } @{ $run->{steps} };

	return @rows;
}

sub current { my ($run, $name) = @_; return (all_of($run, $name))[-1]; }

# "completed: design completed, check completed x2": status, and each step's current state.
sub states
{
	my ($run) = @_;
	my (@order, %last);

	for my $step (sort { $a->{iteration} <=> $b->{iteration} || $a->{step_no} <=> $b->{step_no} } @{ $run->{steps} })
	{
		push @order, $step->{name} unless $last{ $step->{name} };
		$last{ $step->{name} } = $step;
	}
	return "$run->{status}: " . join(', ', map {
		my $step = $last{$_};
		"$_ $step->{state}" . ($step->{iteration} > 1 ? " x$step->{iteration}" : '')
	} @order);
}

sub notices_of { my ($run, $kind) = @_; return grep { $_->{kind} eq $kind } @{ $run->{notices} }; }

# Costs and tokens of an execution are the sums of its attempts.
sub is_paid_for
{
	my ($node, $id, $what) = @_;

	is(sql($node, <<"SQL"), 't', "$what: tokens and cost are the sums of the attempts");
SELECT (e.input_tokens, e.output_tokens, e.input_cost_usd, e.output_cost_usd, e.attempts)
	= (sum(a.input_tokens), sum(a.output_tokens), sum(a.input_cost_usd), sum(a.output_cost_usd), count(*))
FROM agent_studio.executions e JOIN agent_studio.attempts a USING (execution_id)
WHERE e.execution_id = $id GROUP BY e.execution_id
SQL
	return;
}

# ---------- what was asked ----------

sub text_of { my ($record) = @_; return join "\n", map { $_->{content} } grep { $_->{role} eq 'user' } @{ $record->{body}{messages} }; }

# The requests of a step, oldest first.
sub requests_of
{
	my ($model, $run, $name) = @_;
	my @tasks = map { $_->{task} // () } all_of($run, $name);

	return grep { my $text = text_of($_); any { index($text, $_) == 0 } @tasks } $model->journal;
}

# is_fed(MODEL, RUN, STEP, SOURCES): the last request of the step holds these earlier
# outputs, "step.output", and no other output of the workflow.
sub is_fed
{
	my ($model, $run, $name, @sources) = @_;
	my $request = (requests_of($model, $run, $name))[-1];
	my (@missing, @alien);

	return fail("$name: was asked") unless $request;
	for my $step (grep { $_->{outputs} && $_->{name} ne $name } @{ $run->{steps} })
	{
		for my $output (sort keys %{ $step->{outputs} })
		{
			my $source = "$step->{name}.$output" . ($step == current($run, $step->{name}) ? '' : " of iteration $step->{iteration}");
			my @pieces = pieces_of($step->{outputs}{$output}) or next;
			my @found = grep { index(text_of($request), $_) >= 0 } @pieces;
			push @missing, $source if @found < @pieces && any { $_ eq $source } @sources;
			push @alien, $source if @found && none { $_ eq $source } @sources;
		}
	}
	is_deeply([ \@missing, \@alien ], [ [], [] ], "$name: is given " . (join(', ', @sources) || 'nothing') . ', and no other output');
	return;
}

# The texts by which a value can be known: too short ones could be anywhere.
sub pieces_of
{
	my ($value) = @_;

	return grep { length >= 12 } ref $value eq 'ARRAY' ? grep { !ref } @$value : ref $value ? () : $value;
}

1;
