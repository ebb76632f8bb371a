-- Sequential: each step works on what an earlier one has made, and gets nothing that it
-- does not name. The reviewer and the scribe see the code, not the architecture.
--
-- Needs the four agents of ../agents.sql. Run it:
--
--	SELECT agent_studio.as_run_workflow('payment-integration-sequential-prod', '{}');

SELECT agent_studio.as_create_workflow('payment-integration-sequential-prod', 'sequential', $definition$
{
  "inputs": {"provider": {"type": "string", "default": "Stripe"}},

  "steps": [
    {"name": "design", "agent": "architect-agent-prod",
     "task": "Design {provider} payment integration architecture.",
     "outputs": {"architecture": "string", "components": "array", "api_contracts": "string"}},

    {"name": "implement", "agent": "builder-agent-python-prod",
     "task": "Implement the payment API based on this architecture.\n\n{architecture}",
     "inputs": {"architecture": "design.architecture"},
     "outputs": {"code": {"type": "string", "file_name": "payments.py"},
                 "tests": {"type": "string", "file_name": "test_payments.py"}}},

    {"name": "review", "agent": "validator-agent-security-prod",
     "task": "Review the payment implementation for security.\n\n{code}",
     "inputs": {"code": "implement.code"},
     "outputs": {"security_report": {"type": "string", "file_name": "security_report.md"}, "issues": "array"}},

    {"name": "document", "agent": "scribe-agent-api-docs-prod",
     "task": "Generate API documentation for the payment implementation.\n\n{code}",
     "inputs": {"code": "implement.code"},
     "outputs": {"openapi_spec": {"type": "string", "file_name": "openapi.yaml"},
                 "integration_guide": {"type": "string", "file_name": "integration_guide.md"}}}
  ]
}
$definition$,
	title => 'Payment Integration Feature',
	description => 'Designs, implements, reviews and documents a payment integration.',
	environment => 'production', tags => ARRAY['payment', 'feature-dev']);
