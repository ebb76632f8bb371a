-- Hand-off: where the check finds something severe, a specialist for security mends it, and
-- the check is made again on what the specialist made. "fix" runs on demand only: where
-- nothing is found, it is skipped. What was found reaches the specialist as the feedback of
-- the rule.
--
-- "code" of the check has two sources, and the first that is there is taken: what the
-- specialist made, else what the builder made.
--
-- Needs the four agents of ../agents.sql. Run it:
--
--	SELECT agent_studio.as_run_workflow('secure-implementation-dynamic-prod',
--		'{"feature": "finding a user by email"}');

SELECT agent_studio.as_create_agent('builder-agent-secure-prod', 'builder', 'standard',
	description => 'Mends vulnerabilities.', visibility => 'shared', environment => 'production', timeout_seconds => 300,
	system_prompt => 'You mend vulnerabilities. Change what is needed and nothing else. Answer with code that runs as it stands.',
	tags => ARRAY['python', 'security']);

SELECT agent_studio.as_create_workflow('secure-implementation-dynamic-prod', 'dynamic', $definition$
{
  "inputs": {"feature": "string"},

  "steps": [
    {"name": "implement", "agent": "builder-agent-python-prod",
     "task": "Implement {feature}.",
     "outputs": {"code": "string"}},

    {"name": "check", "agent": "validator-agent-security-prod",
     "task": "Check this implementation for vulnerabilities.\n\n{code}",
     "inputs": {"code": ["fix.code", "implement.code"]},
     "outputs": {
       "severity":      {"type": "enum", "values": ["none", "low", "medium", "high", "critical"]},
       "vulnerability": "string",
       "details":       "string"
     },
     "rules": [{"if": "$.severity == \"high\" || $.severity == \"critical\"", "then": "hand_off", "to": "fix",
                "feedback": "{vulnerability} ({severity})\n\n{details}", "max_iterations": 3}]},

    {"name": "fix", "agent": "builder-agent-secure-prod",
     "task": "Fix the vulnerability that was found in this code.\n\n{code}",
     "inputs": {"code": "implement.code"},
     "outputs": {"code": "string"}}
  ]
}
$definition$,
	title => 'Secure Implementation',
	description => 'Implements a feature, and hands severe vulnerabilities to a specialist.',
	environment => 'production', tags => ARRAY['security', 'hand-off']);
