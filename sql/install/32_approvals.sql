-- Approvals that steps wait for, and deliveries: what the world is to hear of an
-- execution. Written by the executor, without foreign keys like the tables before.

CREATE TABLE agent_studio.approvals (
	execution_id bigint NOT NULL,
	step_no integer NOT NULL,
	approver text NOT NULL,
	message text NOT NULL,
	requested_at timestamptz NOT NULL,
	expires_at timestamptz,
	on_expiry text NOT NULL CHECK (on_expiry IN ('reject', 'approve', 'manual_review')),
	decision text CHECK (decision IN ('approved', 'rejected', 'expired', 'withdrawn')),
	decided_by text,
	decided_at timestamptz,
	comment text,
	owner text NOT NULL,
	team text,
	PRIMARY KEY (execution_id, step_no)
);
CREATE INDEX approvals_expiry ON agent_studio.approvals (expires_at) WHERE decision IS NULL AND expires_at IS NOT NULL;
CREATE INDEX approvals_pending ON agent_studio.approvals (approver) WHERE decision IS NULL;
COMMENT ON TABLE agent_studio.approvals IS
'Steps that wait, or have waited, for somebody''s word. Answered with as_approve and as_reject; changed by the executor only.';
COMMENT ON COLUMN agent_studio.approvals.execution_id IS 'The execution.';
COMMENT ON COLUMN agent_studio.approvals.step_no IS 'The step that waits.';
COMMENT ON COLUMN agent_studio.approvals.approver IS 'Role whose members may decide.';
COMMENT ON COLUMN agent_studio.approvals.message IS 'What is to be decided, in words.';
COMMENT ON COLUMN agent_studio.approvals.requested_at IS 'Since when it waits.';
COMMENT ON COLUMN agent_studio.approvals.expires_at IS 'Until when it can be decided; NULL = for ever.';
COMMENT ON COLUMN agent_studio.approvals.on_expiry IS 'What happens then: reject, approve or manual_review.';
COMMENT ON COLUMN agent_studio.approvals.decision IS 'approved, rejected, expired, or withdrawn (the step was skipped or canceled first); NULL = it still waits, or the execution was canceled.';
COMMENT ON COLUMN agent_studio.approvals.decided_by IS 'Role that decided; NULL = nobody.';
COMMENT ON COLUMN agent_studio.approvals.decided_at IS 'When; NULL = not decided.';
COMMENT ON COLUMN agent_studio.approvals.comment IS 'Its comment or reason; NULL = none.';
COMMENT ON COLUMN agent_studio.approvals.owner IS 'As in executions.';
COMMENT ON COLUMN agent_studio.approvals.team IS 'As in executions.';

CREATE TABLE agent_studio.deliveries (
	execution_id bigint NOT NULL,
	delivery_id bigint GENERATED ALWAYS AS IDENTITY,
	step_no integer,
	action text NOT NULL,
	arguments jsonb NOT NULL DEFAULT '{}',
	state text NOT NULL DEFAULT 'recorded' CHECK (state IN ('recorded')),
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	owner text NOT NULL,
	team text,
	PRIMARY KEY (execution_id, delivery_id)
);
COMMENT ON TABLE agent_studio.deliveries IS
'What the world is to hear of an execution: the success actions of its steps, and who wanted to be notified of its end. This version records them and sends nothing.';
COMMENT ON COLUMN agent_studio.deliveries.execution_id IS 'The execution.';
COMMENT ON COLUMN agent_studio.deliveries.delivery_id IS 'Key within the execution.';
COMMENT ON COLUMN agent_studio.deliveries.step_no IS 'The step whose success action it is; NULL = the execution''s end.';
COMMENT ON COLUMN agent_studio.deliveries.action IS 'What is to be done: save_to_workspace, notify, create_ticket, webhook, email, slack...';
COMMENT ON COLUMN agent_studio.deliveries.arguments IS 'Its members, as they were given.';
COMMENT ON COLUMN agent_studio.deliveries.state IS 'recorded.';
COMMENT ON COLUMN agent_studio.deliveries.created_at IS 'When it was recorded.';
COMMENT ON COLUMN agent_studio.deliveries.owner IS 'As in executions.';
COMMENT ON COLUMN agent_studio.deliveries.team IS 'As in executions.';
