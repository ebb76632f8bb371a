-- The queue, what runs, the commands, and the executor's epochs: the working memory of
-- the executor. None of them is dumped: a restored database sends nothing until
-- as_release_restored() says so.

CREATE TABLE agent_studio.queue (
	execution_id bigint NOT NULL,
	step_no integer NOT NULL,
	model_id bigint NOT NULL,
	order_at timestamptz NOT NULL,
	run_at timestamptz NOT NULL,
	waiting boolean NOT NULL DEFAULT false,
	epoch bigint,
	claimed_at timestamptz,
	attempt_no integer NOT NULL DEFAULT 0,
	failures integer NOT NULL DEFAULT 0,
	losses integer NOT NULL DEFAULT 0,
	seq_base bigint NOT NULL DEFAULT 0,
	tokens bigint NOT NULL DEFAULT 0,
	fallback_no integer NOT NULL DEFAULT 0,
	held_by bigint,
	reserved_usd numeric(20, 10),
	PRIMARY KEY (execution_id, step_no)
) WITH (fillfactor = 40,
		autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
		autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 10000);
-- One narrow path for each model: a model at its limit costs the others nothing.
CREATE INDEX queue_ready ON agent_studio.queue (model_id, order_at, execution_id, step_no)
	WHERE epoch IS NULL AND NOT waiting;
CREATE INDEX queue_timers ON agent_studio.queue (run_at) WHERE waiting;
CREATE INDEX queue_claimed ON agent_studio.queue (epoch) WHERE epoch IS NOT NULL;
CREATE INDEX queue_held ON agent_studio.queue (held_by, order_at, execution_id, step_no) WHERE held_by IS NOT NULL;
COMMENT ON TABLE agent_studio.queue IS
'Steps that may run now or later; a row goes when its step comes to rest. Not dumped: see as_release_restored.';
COMMENT ON COLUMN agent_studio.queue.execution_id IS 'The execution.';
COMMENT ON COLUMN agent_studio.queue.step_no IS 'The step.';
COMMENT ON COLUMN agent_studio.queue.model_id IS 'Model that it needs.';
COMMENT ON COLUMN agent_studio.queue.order_at IS 'Its place: the time at which it was queued, less the head start of its priority (critical one hour, high ten minutes, low ten minutes later), so that old ones always get through. A step of a workflow takes over the place of the step that it follows; of steps that are queued at once, each is 100 ms behind the one before.';
COMMENT ON COLUMN agent_studio.queue.run_at IS 'Not before this time.';
COMMENT ON COLUMN agent_studio.queue.waiting IS 'True: it waits for run_at.';
COMMENT ON COLUMN agent_studio.queue.epoch IS 'Life of the executor that has claimed it; NULL = nobody has.';
COMMENT ON COLUMN agent_studio.queue.claimed_at IS 'When it was claimed; NULL = it is not.';
COMMENT ON COLUMN agent_studio.queue.attempt_no IS 'Number of the attempt under way or last made. A result is written only if both epoch and attempt still match.';
COMMENT ON COLUMN agent_studio.queue.failures IS 'Attempts that failed; they count against max_retries.';
COMMENT ON COLUMN agent_studio.queue.losses IS 'Attempts lost with a crash of the server; they do not count against max_retries, but ten fail the step.';
COMMENT ON COLUMN agent_studio.queue.tokens IS 'Tokens that the next attempt is expected to cost, for the model''s tokens_per_minute: a quarter of the prompt''s bytes, and the most output that the agent may ask for (1000 where it sets no limit).';
COMMENT ON COLUMN agent_studio.queue.fallback_no IS 'Which of the agent''s fallback models model_id is; 0 = the agent''s own model.';
COMMENT ON COLUMN agent_studio.queue.held_by IS 'Budget that calls in flight could use up, for one of which it waits to end; NULL = it waits for no budget.';
COMMENT ON COLUMN agent_studio.queue.reserved_usd IS 'While it is claimed: the most USD that the call may cost, which counts as spent in its budgets. NULL = nothing was reserved.';
COMMENT ON COLUMN agent_studio.queue.seq_base IS 'The next thought''s seq is above this.';

CREATE TABLE agent_studio.live_usage (
	execution_id bigint NOT NULL,
	step_no integer NOT NULL,
	attempt_no integer NOT NULL,
	model_id bigint NOT NULL,
	input_tokens bigint,
	cached_input_tokens bigint,
	output_tokens bigint NOT NULL,
	reasoning_tokens bigint,
	first_byte_at timestamptz,
	first_token_at timestamptz,
	seen_at timestamptz NOT NULL,
	owner text NOT NULL,
	team text,
	PRIMARY KEY (execution_id, step_no)
) WITH (fillfactor = 50,
		autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
		autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 10000);
COMMENT ON TABLE agent_studio.live_usage IS
'What calls have streamed that are under way for more than a second, written again once a second while it grows. A row counts while its step runs and is at this attempt; it goes with the attempt''s result. Tokens are the vendor''s where it tells them early, else estimated from bytes. Not dumped; as_usage adds it to what has ended.';
COMMENT ON COLUMN agent_studio.live_usage.execution_id IS 'The execution.';
COMMENT ON COLUMN agent_studio.live_usage.step_no IS 'The step.';
COMMENT ON COLUMN agent_studio.live_usage.attempt_no IS 'The attempt under way.';
COMMENT ON COLUMN agent_studio.live_usage.model_id IS 'Model that was asked.';
COMMENT ON COLUMN agent_studio.live_usage.input_tokens IS 'The vendor''s count, else a quarter of the prompt''s bytes.';
COMMENT ON COLUMN agent_studio.live_usage.cached_input_tokens IS 'Of these, from the vendor''s cache; NULL = not said yet.';
COMMENT ON COLUMN agent_studio.live_usage.output_tokens IS 'So far, reasoning included: the vendor''s count or a quarter of the bytes that came, whichever is more.';
COMMENT ON COLUMN agent_studio.live_usage.reasoning_tokens IS 'Of these, reasoning.';
COMMENT ON COLUMN agent_studio.live_usage.first_byte_at IS 'When the first byte of the answer''s body arrived; NULL = not yet.';
COMMENT ON COLUMN agent_studio.live_usage.first_token_at IS 'When the first text or reasoning arrived; NULL = not yet.';
COMMENT ON COLUMN agent_studio.live_usage.seen_at IS 'When it was written.';
COMMENT ON COLUMN agent_studio.live_usage.owner IS 'As in executions.';
COMMENT ON COLUMN agent_studio.live_usage.team IS 'As in executions.';

CREATE TABLE agent_studio.commands (
	execution_id bigint NOT NULL,
	command_id bigint GENERATED ALWAYS AS IDENTITY,
	wanted text NOT NULL CHECK (wanted IN ('cancel', 'pause', 'resume', 'approve', 'reject', 'retry_step',
		'accept_partial', 'complete_step', 'skip_step')),
	step_no integer,
	arguments jsonb,
	actor text NOT NULL,
	requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	applied_at timestamptz,
	outcome text CHECK (outcome IN ('applied', 'refused')),
	reason text,
	owner text NOT NULL,
	team text,
	PRIMARY KEY (execution_id, command_id)
);
-- Pending ones are found here, never by a last id: ids do not commit in order.
CREATE INDEX commands_pending ON agent_studio.commands (execution_id, command_id) WHERE applied_at IS NULL;
COMMENT ON TABLE agent_studio.commands IS
'What users want done to executions. Written in the user''s transaction, applied by the executor. Not dumped.';
COMMENT ON COLUMN agent_studio.commands.execution_id IS 'The execution.';
COMMENT ON COLUMN agent_studio.commands.command_id IS 'Key within the execution.';
COMMENT ON COLUMN agent_studio.commands.wanted IS 'cancel, pause, resume, approve, reject, retry_step, accept_partial, complete_step or skip_step.';
COMMENT ON COLUMN agent_studio.commands.step_no IS 'The step that it is about; NULL = the execution as a whole.';
COMMENT ON COLUMN agent_studio.commands.arguments IS 'What else was said: immediately (pause), timeout_seconds (retry_step), outputs and output (complete_step). NULL = nothing.';
COMMENT ON COLUMN agent_studio.commands.actor IS 'Role that wants it.';
COMMENT ON COLUMN agent_studio.commands.requested_at IS 'When it was asked for.';
COMMENT ON COLUMN agent_studio.commands.applied_at IS 'When the executor dealt with it; NULL = pending.';
COMMENT ON COLUMN agent_studio.commands.outcome IS 'applied, or refused; NULL = pending.';
COMMENT ON COLUMN agent_studio.commands.reason IS 'Why it was refused, or what the user gave as the reason or comment; NULL = none.';
COMMENT ON COLUMN agent_studio.commands.owner IS 'As in executions.';
COMMENT ON COLUMN agent_studio.commands.team IS 'As in executions.';

CREATE TABLE agent_studio.epochs (
	epoch bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	database_oid oid NOT NULL,
	started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	ended_at timestamptz,
	recovered integer NOT NULL DEFAULT 0
);
COMMENT ON TABLE agent_studio.epochs IS
'Lives of this database''s executor. What an ended epoch had claimed, the next one queues again. Not dumped.';
COMMENT ON COLUMN agent_studio.epochs.epoch IS 'Key, ascending.';
COMMENT ON COLUMN agent_studio.epochs.database_oid IS 'OID of the database in which it ran: tells a copied database from its template.';
COMMENT ON COLUMN agent_studio.epochs.started_at IS 'When the executor started.';
COMMENT ON COLUMN agent_studio.epochs.ended_at IS 'When it stopped in order; NULL = it is alive, or it did not.';
COMMENT ON COLUMN agent_studio.epochs.recovered IS 'Steps that it took over from lives before it.';

CREATE TABLE agent_studio.model_headroom (
	model_id bigint PRIMARY KEY,
	seen_at timestamptz NOT NULL,
	limit_requests bigint,
	remaining_requests bigint,
	reset_requests_at timestamptz,
	limit_tokens bigint,
	remaining_tokens bigint,
	reset_tokens_at timestamptz,
	blocked_until timestamptz
) WITH (fillfactor = 50);
COMMENT ON TABLE agent_studio.model_headroom IS
'What vendors said of their own limits with their newest answer. Written by the executor. Not dumped: it is true for a while only.';
COMMENT ON COLUMN agent_studio.model_headroom.model_id IS 'The model.';
COMMENT ON COLUMN agent_studio.model_headroom.seen_at IS 'When the vendor said so.';
COMMENT ON COLUMN agent_studio.model_headroom.limit_requests IS 'Requests that the vendor allows in its window; NULL = not said.';
COMMENT ON COLUMN agent_studio.model_headroom.remaining_requests IS 'Of these, what is left; NULL = not said.';
COMMENT ON COLUMN agent_studio.model_headroom.reset_requests_at IS 'When all are allowed again; NULL = not said.';
COMMENT ON COLUMN agent_studio.model_headroom.limit_tokens IS 'Tokens that the vendor allows in its window; NULL = not said.';
COMMENT ON COLUMN agent_studio.model_headroom.remaining_tokens IS 'Of these, what is left; NULL = not said.';
COMMENT ON COLUMN agent_studio.model_headroom.reset_tokens_at IS 'When all are allowed again; NULL = not said.';
COMMENT ON COLUMN agent_studio.model_headroom.blocked_until IS 'Nothing is sent to the model before this time, because a limit is used up or the vendor asked to wait (Retry-After); NULL = no such thing was said.';
