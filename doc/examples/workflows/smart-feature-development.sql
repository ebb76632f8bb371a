-- Dynamic: what the architect says of the feature's complexity decides who builds it and
-- how it is validated.
--
--	high		a specialist builds; security, performance and code quality are validated
--	medium		the usual builder; one validation
--	low			a fast builder on a small model; one validation, unless it is not wanted
--
-- Needs the four agents of ../agents.sql. Run it:
--
--	SELECT agent_studio.as_run_workflow('smart-feature-development-dynamic-prod',
--		'{"feature": "single sign-on for 40 tenants"}');

SELECT agent_studio.as_create_model('fast', 'model_api', deployment => 'gpt-3.5-turbo',
	input_price => 0.5, output_price => 1.5);

SELECT agent_studio.as_create_agent('builder-agent-specialist-prod', 'builder', 'standard',
	description => 'Builds what is difficult.', visibility => 'shared', environment => 'production', timeout_seconds => 600,
	system_prompt => 'You are a specialist for distributed and security-critical software. Answer with code that runs as it stands.');
SELECT agent_studio.as_create_agent('builder-agent-fast-prod', 'builder', 'fast',
	description => 'Builds what is simple, quickly and at little cost.', visibility => 'shared', environment => 'production',
	system_prompt => 'You write small, plain code. Answer with code that runs as it stands.');
SELECT agent_studio.as_create_agent('validator-agent-performance-prod', 'validator', 'standard',
	description => 'Reviews code for speed and use of resources.', visibility => 'shared', environment => 'production',
	system_prompt => 'You review the performance of software. Report what will be slow or large, and at which load.');
SELECT agent_studio.as_create_agent('validator-agent-quality-prod', 'validator', 'standard',
	description => 'Reviews code for quality.', visibility => 'shared', environment => 'production',
	system_prompt => 'You review the quality of code: whether it is clear, complete, tested and easy to change.');

SELECT agent_studio.as_create_workflow('smart-feature-development-dynamic-prod', 'dynamic', $definition$
{
  "inputs": {
    "feature": "string",
    "validate_simple": {"type": "boolean", "default": true, "description": "whether features of low complexity are validated too"}
  },

  "steps": [
    {"name": "analyze", "agent": "architect-agent-prod",
     "task": "Analyze the requirements of this feature and recommend an approach: {feature}",
     "outputs": {
       "complexity":           {"type": "enum", "values": ["high", "medium", "low"]},
       "recommended_approach": {"type": "enum", "values": ["microservices", "monolithic", "serverless"]},
       "architecture":         "string"
     }},

    {"name": "implement",
     "agent": {"by": "analyze.complexity",
               "choices": {"high": "builder-agent-specialist-prod", "low": "builder-agent-fast-prod"},
               "default": "builder-agent-python-prod"},
     "task": "Implement {feature} as {approach}.\n\n{architecture}",
     "inputs": {"approach": "analyze.recommended_approach", "architecture": "analyze.architecture"},
     "outputs": {"code": {"type": "string", "file_name": "feature.py"}}},

    {"name": "choose-validation", "type": "decision",
     "cases": [{"if": "$steps.analyze.complexity == \"high\"",
                "to": ["validate-security", "validate-performance", "validate-quality"]}],
     "else": "validate"},

    {"name": "validate-security", "agent": "validator-agent-security-prod", "after": ["choose-validation"],
     "task": "Check security of this implementation.\n\n{code}",
     "inputs": {"code": "implement.code"}, "outputs": {"report": "string"}},

    {"name": "validate-performance", "agent": "validator-agent-performance-prod", "after": ["choose-validation"],
     "task": "Check performance of this implementation.\n\n{code}",
     "inputs": {"code": "implement.code"}, "outputs": {"report": "string"}},

    {"name": "validate-quality", "agent": "validator-agent-quality-prod", "after": ["choose-validation"],
     "task": "Check code quality of this implementation.\n\n{code}",
     "inputs": {"code": "implement.code"}, "outputs": {"report": "string"}},

    {"name": "validate", "agent": "validator-agent-security-prod", "after": ["choose-validation"],
     "when": "$steps.analyze.complexity != \"low\" || $inputs.validate_simple == true",
     "task": "Check the implementation of {feature}.\n\n{code}",
     "inputs": {"code": "implement.code"}, "outputs": {"report": "string"}},

    {"name": "document", "agent": "scribe-agent-api-docs-prod",
     "after": ["validate-security", "validate-performance", "validate-quality", "validate"],
     "task": "Document {feature}. Detail level: for {complexity} complexity.\n\n{code}",
     "inputs": {"code": "implement.code", "complexity": "analyze.complexity"},
     "outputs": {"documentation": {"type": "string", "file_name": "feature.md"}}}
  ]
}
$definition$,
	title => 'Smart Feature Development',
	description => 'Builds and validates a feature in the way that its complexity asks for.',
	environment => 'production', tags => ARRAY['feature-dev', 'adaptive']);
