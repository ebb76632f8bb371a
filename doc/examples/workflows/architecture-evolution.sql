-- The same agent twice: the architect proposes, the validator assesses, the architect
-- refines its own proposal, and the scribe records what was decided. The record is of
-- the refined architecture: "refine.architecture", not "propose.architecture".
--
-- Needs the four agents of ../agents.sql. Run it:
--
--	SELECT agent_studio.as_run_workflow('architecture-evolution-sequential-prod', '{
--		"system": "an online shop, one application with one database",
--		"goal": "three teams can release on their own"}');

SELECT agent_studio.as_create_workflow('architecture-evolution-sequential-prod', 'sequential', $definition$
{
  "inputs": {"system": "string", "goal": "string"},

  "steps": [
    {"name": "propose", "agent": "architect-agent-prod",
     "task": "Propose how {system} has to change so that {goal}.",
     "outputs": {"architecture": "string"}},

    {"name": "assess", "agent": "validator-agent-security-prod",
     "task": "Assess the proposed architecture: risks, cost, and what it makes harder.\n\n{architecture}",
     "inputs": {"architecture": "propose.architecture"},
     "outputs": {"findings": "array"}},

    {"name": "refine", "agent": "architect-agent-prod",
     "task": "Refine the architecture so that each finding is answered.\n\nFindings: {findings}\n\n{architecture}",
     "inputs": {"architecture": "propose.architecture", "findings": "assess.findings"},
     "outputs": {"architecture": {"type": "string", "file_name": "architecture.md"}, "decisions": "array"}},

    {"name": "record", "agent": "scribe-agent-api-docs-prod",
     "task": "Write the architecture decision record.\n\nDecisions: {decisions}\n\n{architecture}",
     "inputs": {"architecture": "refine.architecture", "decisions": "refine.decisions"},
     "outputs": {"record": {"type": "string", "file_name": "decision_record.md"}}}
  ]
}
$definition$,
	title => 'Architecture Evolution',
	description => 'Proposes a change of an architecture, assesses it, refines it, and records the decision.',
	environment => 'production', tags => ARRAY['architecture']);
