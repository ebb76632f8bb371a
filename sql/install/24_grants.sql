-- Grants: single roles that may use, change or drop an agent or a workflow which
-- neither its team nor its being shared lets them.

CREATE TABLE agent_studio.grants (
	kind text NOT NULL CHECK (kind IN ('agent', 'workflow')),
	object_id bigint NOT NULL,
	role text NOT NULL CHECK (role <> ''),
	privilege text NOT NULL CHECK (privilege IN ('execute', 'modify', 'delete')),
	granted_by text NOT NULL,
	granted_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (kind, object_id, role, privilege)
);
CREATE INDEX grants_role ON agent_studio.grants (role, kind);
COMMENT ON TABLE agent_studio.grants IS
'Who may use, change or drop an agent or a workflow besides its owner, its team and admins. Written by as_grant and as_revoke; gone with what it is about.';
COMMENT ON COLUMN agent_studio.grants.kind IS 'agent or workflow.';
COMMENT ON COLUMN agent_studio.grants.object_id IS 'agent_id or workflow_id, by kind.';
COMMENT ON COLUMN agent_studio.grants.role IS 'Role whose members have it.';
COMMENT ON COLUMN agent_studio.grants.privilege IS 'execute: give it tasks, or start it; modify: that, and change it; delete: drop it. Each of them lets its members see it.';
COMMENT ON COLUMN agent_studio.grants.granted_by IS 'Role that gave it.';
COMMENT ON COLUMN agent_studio.grants.granted_at IS 'When it was given.';
