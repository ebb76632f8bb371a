-- From an idea to documented code: architect, builder, validator and scribe, one after
-- the other. The largest of these examples; it shows named outputs with files, what
-- becomes of an approval, how one step treats failures in its own way, and which outputs
-- as_report tells (key_decisions, issues, summary, recommendations, next_steps).
--
-- Needs the four agents of ../agents.sql. Run it:
--
--	SELECT agent_studio.as_run_workflow('feature-development-sequential-prod', '{
--		"feature_name": "User Avatar Upload System", "scale": "500K requests/day",
--		"requirement_1": "Upload images up to 5MB",
--		"requirement_2": "Automatic image resizing (3 sizes)",
--		"requirement_3": "Secure storage with CDN delivery",
--		"tech_stack": "Python FastAPI, Azure Blob Storage, PIL, Redis"}');

-- Takes over where the usual builder has failed three times.
SELECT agent_studio.as_create_agent('builder-agent-senior-prod', 'builder', 'standard',
	description => 'Takes over implementations that others could not finish.',
	system_prompt => $prompt$
You are a senior Python developer. Somebody before you could not finish this task: keep the
solution small, prefer what is well known, and finish it. The code runs as it stands.$prompt$,
	visibility => 'shared', environment => 'production', timeout_seconds => 600,
	tags => ARRAY['python', 'senior']);

-- A draft with its inputs and settings, then a step after the other; the last statement
-- checks the whole and publishes it as version 1.0.0.
SELECT agent_studio.as_create_workflow('feature-development-sequential-prod', 'sequential', '{
	"inputs": {
		"feature_name": {"type": "string", "description": "what is to be built"},
		"scale": {"type": "string", "description": "how much it has to carry"},
		"requirement_1": "string",
		"requirement_2": "string",
		"requirement_3": "string",
		"tech_stack": "string"
	},
	"settings": {
		"retry": {"max_retries": 3, "delay_seconds": 5, "exponential": true},
		"on_failure": "stop",
		"manual_retry": true,
		"manual_intervention": true,
		"rollback": false,
		"checkpoint_retention_days": 30,
		"notify": {"email": true, "slack": "#agent-studio-alerts"}
	}}',
	title => 'Feature Development',
	description => 'Implements a feature from architecture to documentation, with architect, builder, validator and scribe one after the other. Best for: production features that need comprehensive quality checks.',
	environment => 'production', visibility => 'shared',
	tags => ARRAY['feature-dev', 'architecture', 'security', 'production']);

SELECT agent_studio.as_add_step('feature-development-sequential-prod', 'design-architecture', 'architect-agent-prod', $task$
Design {feature_name} architecture for {scale} scale.

Requirements:
- {requirement_1}
- {requirement_2}
- {requirement_3}

Technology: {tech_stack}
$task$,
	title => 'Architecture Design',
	outputs => '{
		"architecture": {"type": "string", "description": "the design, in Markdown", "file_name": "architecture.md"},
		"components": {"type": "array", "description": "each component with its purpose, a line each"},
		"key_decisions": {"type": "array", "description": "what was decided, a line each"},
		"tech_stack": {"type": "string", "description": "the technology that was chosen"}}',
	on_failure => 'stop', timeout_seconds => 180);

-- Five retries instead of three; from the third on the senior builder tries. Where the
-- time runs out, what has arrived is kept as partial, and people decide.
SELECT agent_studio.as_add_step('feature-development-sequential-prod', 'implement-feature', 'builder-agent-python-prod', $task$
Implement {feature_name} based on the provided architecture.

Architecture: {architecture}
Components: {components}
Technology: {tech_stack}

Include comprehensive error handling and unit tests.
$task$,
	title => 'Implementation',
	inputs => '{
		"architecture": "design-architecture.architecture",
		"components": "design-architecture.components",
		"tech_stack": "design-architecture.tech_stack"}',
	outputs => '{
		"code": {"type": "string", "file_name": "implementation.py"},
		"tests": {"type": "string", "file_name": "tests.py"},
		"test_coverage": {"type": "number", "description": "lines that the tests run, in percent",
			"metric": {"label": "Test coverage", "unit": "%"}}}',
	on_failure => 'retry_then_stop', max_retries => 5, timeout_seconds => 300,
	options => '{
		"hand_off": {"agent": "builder-agent-senior-prod", "after_retries": 3},
		"on_timeout": "partial"}');

-- The first rule tells, the second stops; without a rule that holds, the flow goes on.
SELECT agent_studio.as_add_step('feature-development-sequential-prod', 'validate-implementation', 'validator-agent-security-prod', $task$
Review the implementation for security and quality issues.

Code: {code}
Tests: {tests}
Technology Stack: {tech_stack}

Focus areas:
- Security vulnerabilities (OWASP Top 10)
- Code quality and maintainability
- Test coverage adequacy
- Performance considerations
$task$,
	title => 'Security Validation',
	inputs => '{
		"code": "implement-feature.code",
		"tests": "implement-feature.tests",
		"tech_stack": "design-architecture.tech_stack"}',
	outputs => '{
		"validation_report": {"type": "string", "file_name": "validation_report.md"},
		"approval_status": {"type": "enum", "values": ["approved", "failed"]},
		"issues": {"type": "array", "description": "each with its severity"},
		"security_score": {"type": "number", "description": "from 0 to 10",
			"metric": {"label": "Security score", "unit": "/10"}}}',
	rules => '[
		{"if": "$.approval_status == \"failed\"", "then": "notify", "severity": "warning",
		 "message": "{feature_name} was not approved (security score {security_score}): {issues}"},
		{"if": "$.approval_status == \"failed\"", "then": "manual_review",
		 "message": "The validation of {feature_name} has failed; somebody must look at it."}]',
	on_failure => 'manual_review');

SELECT agent_studio.as_add_step('feature-development-sequential-prod', 'generate-documentation', 'scribe-agent-api-docs-prod', $task$
Generate comprehensive API documentation for the implementation.

Code: {code}
Architecture: {architecture}
Validation Report: {validation_report}

Target Audience: External developers
Format: OpenAPI 3.0 + Markdown guide

Include:
- All endpoints with request/response examples
- Authentication requirements
- Error codes and troubleshooting
- Code examples in Python and JavaScript
$task$,
	title => 'Documentation',
	inputs => '{
		"code": "implement-feature.code",
		"architecture": "design-architecture.architecture",
		"validation_report": "validate-implementation.validation_report"}',
	outputs => '{
		"openapi_spec": {"type": "string", "file_name": "api_docs.yaml", "media_type": "application/yaml"},
		"markdown_guide": {"type": "string", "file_name": "integration_guide.md"},
		"documentation_completeness": {"type": "number", "description": "endpoints that are documented, in percent",
			"metric": {"label": "Documentation completeness", "unit": "%"}},
		"summary": {"type": "string", "description": "what was built and how it turned out, in three sentences"},
		"recommendations": {"type": "array", "description": "what should be done about it, a line each"},
		"next_steps": {"type": "array", "description": "who has to do what next, a line each"}}',
	final => true,
	options => '{
		"success_actions": [
			{"action": "save_to_workspace", "workspace": "Engineering Team", "folder": "Feature Development"},
			{"action": "notify", "slack": "#engineering-team"},
			{"action": "create_ticket", "project": "ENG", "title": "Deploy the feature"}]}');

SELECT agent_studio.as_publish_workflow('feature-development-sequential-prod', '1.0.0');
