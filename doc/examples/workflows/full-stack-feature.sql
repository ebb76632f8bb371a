-- Parallel: backend, frontend and database are built at the same time. Steps of this
-- pattern start at once unless they say "after"; the integration test comes after all
-- three. Each branch has its own way to fail: without a frontend, the rest can still be
-- tested ("continue"); without backend or database it cannot.
--
-- Needs the four agents of ../agents.sql. Run it:
--
--	SELECT agent_studio.as_run_workflow('full-stack-feature-parallel-dev', '{"feature": "comments"}');

SELECT agent_studio.as_create_agent('builder-agent-backend-dev', 'builder', 'standard',
	description => 'Writes REST APIs.', visibility => 'shared', timeout_seconds => 300,
	system_prompt => 'You write REST APIs in Python with FastAPI. Answer with code that runs as it stands.',
	tags => ARRAY['python', 'fastapi']);
SELECT agent_studio.as_create_agent('builder-agent-frontend-dev', 'builder', 'standard',
	description => 'Writes user interfaces.', visibility => 'shared', timeout_seconds => 300,
	system_prompt => 'You write user interfaces in TypeScript with React. Answer with code that runs as it stands.',
	tags => ARRAY['typescript', 'react']);
SELECT agent_studio.as_create_agent('builder-agent-database-dev', 'builder', 'standard',
	description => 'Writes migrations.', visibility => 'shared', timeout_seconds => 300,
	system_prompt => 'You write migrations for PostgreSQL. Answer with SQL that runs as it stands.',
	tags => ARRAY['postgresql']);

SELECT agent_studio.as_create_workflow('full-stack-feature-parallel-dev', 'parallel', $definition$
{
  "inputs": {"feature": "string"},

  "steps": [
    {"name": "backend", "agent": "builder-agent-backend-dev",
     "task": "Implement REST API endpoints for {feature}.",
     "outputs": {"backend": {"type": "string", "file_name": "api.py"}}},

    {"name": "frontend", "agent": "builder-agent-frontend-dev",
     "task": "Implement React UI components for {feature}.",
     "outputs": {"frontend": {"type": "string", "file_name": "components.tsx"}},
     "on_failure": "continue"},

    {"name": "database", "agent": "builder-agent-database-dev",
     "task": "Create database migration scripts for {feature}.",
     "outputs": {"migration": {"type": "string", "file_name": "migration.sql"}}},

    {"name": "integration-test", "agent": "validator-agent-security-prod",
     "after": ["backend", "frontend", "database"], "merge": "all",
     "task": "Integration testing across all components of {feature}.\n\nBackend: {backend}\n\nFrontend: {frontend}\n\nDatabase: {migration}",
     "inputs": {"backend": "backend.backend", "frontend": "frontend.frontend", "migration": "database.migration"},
     "outputs": {"report": "string", "passed": "boolean"}},

    {"name": "document", "agent": "scribe-agent-api-docs-prod",
     "after": ["integration-test"],
     "task": "Generate comprehensive documentation of {feature}.\n\nBackend: {backend}\n\nFrontend: {frontend}\n\nDatabase: {migration}",
     "inputs": {"backend": "backend.backend", "frontend": "frontend.frontend", "migration": "database.migration"},
     "outputs": {"documentation": {"type": "string", "file_name": "feature.md"}}}
  ]
}
$definition$,
	title => 'Full-Stack Feature Development',
	description => 'Builds backend, frontend and database of a feature at the same time, then tests and documents them together.',
	environment => 'development', tags => ARRAY['feature-dev', 'full-stack']);
