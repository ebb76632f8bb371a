-- Workflows: what is defined, and the versions that executions keep.
--
-- Written by functions only (62_workflows.sql). What a definition may hold is said
-- in doc/workflows.md.

CREATE TABLE agent_studio.workflows (
	workflow_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name text NOT NULL UNIQUE CHECK (name <> ''),
	pattern text NOT NULL CHECK (pattern IN ('sequential', 'parallel', 'iterative', 'dynamic')),
	title text,
	description text,
	team text,
	visibility text NOT NULL DEFAULT 'team' CHECK (visibility IN ('team', 'shared')),
	environment text NOT NULL DEFAULT 'development'
		CHECK (environment IN ('development', 'staging', 'production')),
	status text NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'active', 'deprecated')),
	tags text[] NOT NULL DEFAULT '{}',
	current_version text,
	draft jsonb CHECK (jsonb_typeof(draft) = 'object'),
	owner text NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	changed_at timestamptz NOT NULL DEFAULT now(),
	CHECK ((status = 'draft') = (current_version IS NULL))
);
COMMENT ON TABLE agent_studio.workflows IS
'Workflows: several agents that work towards one end. What they do is in workflow_versions. Written by as_create_workflow, as_add_step, as_drop_step, as_publish_workflow, as_update_workflow, as_clone_workflow, as_import_workflow, as_deprecate_workflow, as_drop_workflow.';
COMMENT ON COLUMN agent_studio.workflows.workflow_id IS 'Key.';
COMMENT ON COLUMN agent_studio.workflows.name IS 'Name by which it is started; taken once. Advice: purpose-pattern-environment.';
COMMENT ON COLUMN agent_studio.workflows.pattern IS 'sequential, parallel, iterative or dynamic: what a step comes after where it does not say.';
COMMENT ON COLUMN agent_studio.workflows.title IS 'Title for people; NULL = the name.';
COMMENT ON COLUMN agent_studio.workflows.description IS 'What it accomplishes and what it is best for; NULL = not stated.';
COMMENT ON COLUMN agent_studio.workflows.team IS 'Role whose members may start it and see its definition; NULL = its owner only, unless visibility is shared.';
COMMENT ON COLUMN agent_studio.workflows.visibility IS 'team: owner and team may start it; shared: every member of agent_studio_user may.';
COMMENT ON COLUMN agent_studio.workflows.environment IS 'development, staging or production.';
COMMENT ON COLUMN agent_studio.workflows.status IS 'draft: never published; active; deprecated: not started any more.';
COMMENT ON COLUMN agent_studio.workflows.tags IS 'Words to find it by.';
COMMENT ON COLUMN agent_studio.workflows.current_version IS 'Label of the version that new executions keep; see workflow_versions. NULL = never published.';
COMMENT ON COLUMN agent_studio.workflows.draft IS 'Definition that is being worked on, not checked yet; NULL = none.';
COMMENT ON COLUMN agent_studio.workflows.owner IS 'Role that created it and may change it.';
COMMENT ON COLUMN agent_studio.workflows.created_at IS 'When it was created.';
COMMENT ON COLUMN agent_studio.workflows.changed_at IS 'When it was last changed.';

CREATE TABLE agent_studio.workflow_versions (
	workflow_version_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	workflow_id bigint NOT NULL,
	version text NOT NULL CHECK (version ~ '^[0-9]+\.[0-9]+\.[0-9]+$'),
	definition jsonb NOT NULL CHECK (jsonb_typeof(definition) = 'object'),
	created_by text NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	UNIQUE (workflow_id, version)
);
COMMENT ON TABLE agent_studio.workflow_versions IS
'Immutable versions of workflows. An execution keeps the version that it was started with.';
COMMENT ON COLUMN agent_studio.workflow_versions.workflow_version_id IS 'Key; executions refer to it.';
COMMENT ON COLUMN agent_studio.workflow_versions.workflow_id IS 'The workflow.';
COMMENT ON COLUMN agent_studio.workflow_versions.version IS 'Label: major.minor.patch.';
COMMENT ON COLUMN agent_studio.workflow_versions.definition IS 'The definition, with its pattern: see doc/workflows.md.';
COMMENT ON COLUMN agent_studio.workflow_versions.created_by IS 'Role that published it.';
COMMENT ON COLUMN agent_studio.workflow_versions.created_at IS 'When it was published.';
