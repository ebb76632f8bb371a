# What the tests with random workflows share: the model server that answers by turns,
# and the programs of test/property, which do the rest.
package Property;

use strict;
use warnings;
use Exporter 'import';
use AgentStudio;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use IPC::Run ();
use JSON::PP;
use Test::More;

our @EXPORT = qw(start_turns_server add_agents start_cases run_property);

my $folder = dirname(dirname(abs_path(__FILE__))) . '/property';

sub start_turns_server { return AgentStudio::start_server("$folder/turns_server.py", @_); }

# The second agent that the workflows know.
sub add_agents { my ($node, $database) = @_; sql($node, "SELECT agent_studio.as_create_agent('other', 'builder', 'mock', visibility => 'shared')", $database); return; }

# Starts so many of the workflows that were created.
sub start_cases
{
	my ($node, $count) = @_;

	sql($node, "UPDATE cases SET execution_id = agent_studio.as_run_workflow(name, inputs)
		WHERE name IN (SELECT name FROM cases WHERE execution_id IS NULL AND refusal IS NULL ORDER BY name LIMIT $count)");
	return;
}

# run_property(NODE, DATABASE, COMMAND...): runs test/property/run.py, shows what it
# prints, and returns what its last line says, and its exit code.
sub run_property
{
	my ($node, $database, @command) = @_;
	local @ENV{qw(PGHOST PGPORT PGDATABASE)} = ($node->host, $node->port, $database);
	my $output = '';

	IPC::Run::run([ '/usr/bin/python3', "$folder/run.py", @command ], '<', \undef, '>&', \$output);
	my $code = $? >> 8;
	my @lines = split /\n/, $output;
	my $last = pop @lines // '';
	if ($code) { diag(join("\n", @lines, $last)); } else { note(join("\n", @lines)); }
	return ($last =~ /^\{/ ? decode_json($last) : {}, $code);
}

1;
