-- Iterative: the validator sends the flow back to the architect, with what is wrong and
-- what would help, until all four requirements are met; three times at most. The architect
-- is given its previous answer and the feedback. Every iteration is kept.
--
-- Needs the four agents of ../agents.sql. Run it:
--
--	SELECT agent_studio.as_run_workflow('architecture-refinement-iterative-prod', '{}');

SELECT agent_studio.as_create_workflow('architecture-refinement-iterative-prod', 'iterative', $definition$
{
  "inputs": {
    "platform": {"type": "string", "default": "an e-commerce platform"},
    "budget":   {"type": "string", "default": "$20K monthly"}
  },

  "steps": [
    {"name": "design", "agent": "architect-agent-prod",
     "task": "Design a microservices architecture for {platform}.",
     "outputs": {"architecture": {"type": "string", "file_name": "architecture.md"}}},

    {"name": "validate", "agent": "validator-agent-security-prod",
     "task": "Validate this architecture against production requirements.\n\nCriteria:\n- Security: OWASP compliance\n- Scalability: handles 10M requests/day\n- Cost: under {budget}\n- Reliability: 99.9% uptime capability\n\nGive a verdict for each criterion, and PASS as a whole only where all four are met.\n\n{architecture}",
     "inputs": {"architecture": "design.architecture"},
     "outputs": {
       "verdict":     {"type": "enum", "values": ["PASS", "FAIL"]},
       "security":    {"type": "enum", "values": ["pass", "fail"]},
       "scalability": {"type": "enum", "values": ["pass", "fail"]},
       "cost":        {"type": "enum", "values": ["pass", "fail"]},
       "reliability": {"type": "enum", "values": ["pass", "fail"]},
       "issues":      {"type": "string", "description": "what is wrong"},
       "suggestions": {"type": "string", "description": "what the architect should change"}
     },
     "rules": [{"if": "$.verdict == \"FAIL\"", "then": "go_back", "to": "design", "max_iterations": 3,
                "feedback": "Issues: {issues}\nSuggestions: {suggestions}"}]},

    {"name": "document", "agent": "scribe-agent-api-docs-prod",
     "task": "Document the approved architecture.\n\n{architecture}",
     "inputs": {"architecture": "design.architecture"},
     "outputs": {"document": {"type": "string", "file_name": "architecture_guide.md"}}}
  ]
}
$definition$,
	title => 'Production-Ready Architecture Design',
	description => 'Refines an architecture until it meets the requirements of production, then documents it.',
	environment => 'production', tags => ARRAY['architecture', 'quality']);
