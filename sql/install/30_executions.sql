-- Executions and what lies below them.
--
-- The executor writes these tables, a thousand rows in a statement, so they have
-- no foreign keys (a third of the throughput); the regression tests look for
-- orphans instead. Below an execution every key begins with execution_id, so
-- that the rows of one lie together and go together. owner and team stand in
-- every table: a policy that looked them up in the parent costs ten times as much.
-- So does a sum of attempts, which is why they have workflow and is_test, too.
-- A column costs whoever reads it all columns before it: what policies ask for, and
-- what is added up, comes first.
-- Constraints are read anew for each statement, by whoever submits, too, so executions
-- and steps have one each: see sound.c. Elsewhere a list of words is one constant, which
-- takes a third of IN's time.

CREATE FUNCTION agent_studio_private.execution_is_sound(kind text, agent text, workflow text, timeout_seconds integer, output_format text, inputs jsonb,
	status text, priority text, max_retries integer, task text, context jsonb) RETURNS boolean
AS 'MODULE_PATHNAME', 'agent_studio_execution_is_sound' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION agent_studio_private.execution_is_sound(text, text, text, integer, text, jsonb, text, text, integer, text, jsonb) IS
'True, or raises 23514: a task has agent, timeout_seconds and output_format and no workflow, a workflow has workflow and inputs and no agent; kind, status and priority are words that the columns'' comments name; timeout_seconds from 1 to 86400, max_retries from 0 to 20; task is not empty; context and inputs are JSON objects.';

CREATE FUNCTION agent_studio_private.step_is_sound(step_no integer, plan_step integer, iteration integer, round integer,
	state text, verdict text, timeout_seconds integer, max_retries integer, quality_score numeric) RETURNS boolean
AS 'MODULE_PATHNAME', 'agent_studio_step_is_sound' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION agent_studio_private.step_is_sound(integer, integer, integer, integer, text, text, integer, integer, numeric) IS
'True, or raises 23514: step_no, plan_step, iteration and round are positive; state and verdict are words that the columns'' comments name; timeout_seconds from 1 to 86400, max_retries from 0 to 20, quality_score from 0 to 1.';

CREATE TABLE agent_studio.executions (
	execution_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	kind text NOT NULL DEFAULT 'task',
	status text NOT NULL DEFAULT 'queued',
	owner text NOT NULL,
	team text,
	is_test boolean NOT NULL DEFAULT false,
	agent text,
	workflow text,
	submitted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	started_at timestamptz,
	finished_at timestamptz,
	attempts integer NOT NULL DEFAULT 0,
	input_tokens bigint,
	cached_input_tokens bigint,
	output_tokens bigint,
	reasoning_tokens bigint,
	input_cost_usd numeric(24, 10),
	output_cost_usd numeric(24, 10),
	error_class text,
	workflow_version_id bigint,
	task text NOT NULL,
	context jsonb NOT NULL DEFAULT '{}',
	priority text NOT NULL,
	timeout_seconds integer,
	max_retries integer NOT NULL,
	output_format text,
	json_schema json,
	validation_criteria jsonb,
	inputs jsonb,
	plan jsonb,
	agents jsonb,
	pause_before_each_step boolean NOT NULL DEFAULT false,
	continue_on_warnings boolean NOT NULL DEFAULT true,
	notify jsonb,
	is_verbose boolean NOT NULL DEFAULT false,
	idempotency_key text,
	error_message text,
	error_hint text,
	purged_at timestamptz,
	CHECK (agent_studio_private.execution_is_sound(kind, agent, workflow, timeout_seconds, output_format, inputs, status, priority, max_retries, task, context))
) WITH (fillfactor = 60);		-- what a workflow's steps come to is added up here
CREATE UNIQUE INDEX executions_idempotency ON agent_studio.executions (owner, idempotency_key)
	WHERE idempotency_key IS NOT NULL;
-- The newest of one: agent BETWEEN x AND x ... ORDER BY agent DESC, execution_id DESC. With
-- agent = x the planner takes the primary key, too, backwards through those of all.
CREATE INDEX executions_agent ON agent_studio.executions (agent, execution_id) WHERE agent IS NOT NULL;
CREATE INDEX executions_workflow ON agent_studio.executions (workflow, execution_id) WHERE workflow IS NOT NULL;
-- The newest first, and totals of the last days, however many there were before. Never updated.
CREATE INDEX executions_submitted_at ON agent_studio.executions (submitted_at);
-- Who sees few of them: see is_mine. Names that repeat take 7 bytes a row.
CREATE INDEX executions_owner ON agent_studio.executions (owner);
CREATE INDEX executions_team ON agent_studio.executions (team) WHERE team IS NOT NULL;
COMMENT ON TABLE agent_studio.executions IS
'One row for each task and each run of a workflow that was submitted. Created by as_execute_task and as_run_workflow in the caller''s transaction; changed by the executor only.';
COMMENT ON COLUMN agent_studio.executions.execution_id IS 'Key; what as_execute_task or as_run_workflow returned.';
COMMENT ON COLUMN agent_studio.executions.kind IS 'task: one agent; workflow: many.';
COMMENT ON COLUMN agent_studio.executions.status IS 'queued, running, paused, waiting_approval; at rest: completed, failed, canceled, requires_manual_review.';
COMMENT ON COLUMN agent_studio.executions.owner IS 'Role that submitted it; its rights decide which endpoint may be used.';
COMMENT ON COLUMN agent_studio.executions.team IS 'Role whose members may see it; NULL = the owner only.';
COMMENT ON COLUMN agent_studio.executions.is_test IS 'True: a test of a workflow, left out of analytics.';
COMMENT ON COLUMN agent_studio.executions.agent IS 'Name of the agent when the task was submitted; NULL for a workflow.';
COMMENT ON COLUMN agent_studio.executions.workflow IS 'Name of the workflow when it was started; NULL for a task.';
COMMENT ON COLUMN agent_studio.executions.submitted_at IS 'When it was submitted.';
COMMENT ON COLUMN agent_studio.executions.started_at IS 'When the executor first claimed it; NULL = not yet.';
COMMENT ON COLUMN agent_studio.executions.finished_at IS 'When it came to rest; NULL = still under way.';
COMMENT ON COLUMN agent_studio.executions.attempts IS 'How many attempts have ended.';
COMMENT ON COLUMN agent_studio.executions.input_tokens IS 'Sum over its attempts, cached ones included; NULL = the vendor has not said.';
COMMENT ON COLUMN agent_studio.executions.cached_input_tokens IS 'Input tokens that came from the vendor''s cache; NULL = not said.';
COMMENT ON COLUMN agent_studio.executions.output_tokens IS 'Sum over its attempts, reasoning included; NULL = not said.';
COMMENT ON COLUMN agent_studio.executions.reasoning_tokens IS 'Output tokens spent on reasoning; NULL = not said.';
COMMENT ON COLUMN agent_studio.executions.input_cost_usd IS 'USD for input, sum over its attempts; NULL = no price or no usage known.';
COMMENT ON COLUMN agent_studio.executions.output_cost_usd IS 'USD for output, sum over its attempts; NULL = no price or no usage known.';
COMMENT ON COLUMN agent_studio.executions.error_class IS 'Why it failed: timeout, rate_limited, overloaded, connection, bad_request, authentication, permission, not_found, content_filter, invalid_output, budget_exceeded, max_iterations, canceled, internal; NULL = it did not.';
COMMENT ON COLUMN agent_studio.executions.workflow_version_id IS 'Version of the workflow that it keeps; NULL for a task, and for a test of a draft.';
COMMENT ON COLUMN agent_studio.executions.task IS 'What the agent was asked to do; of a workflow, its title.';
COMMENT ON COLUMN agent_studio.executions.context IS 'Structured context that was sent with the task.';
COMMENT ON COLUMN agent_studio.executions.priority IS 'low, normal, high or critical: its place in the queue.';
COMMENT ON COLUMN agent_studio.executions.timeout_seconds IS 'Seconds that one attempt may take; NULL for a workflow, whose steps have their own.';
COMMENT ON COLUMN agent_studio.executions.max_retries IS 'Most tries after the first one.';
COMMENT ON COLUMN agent_studio.executions.output_format IS 'Format asked for; NULL for a workflow, whose steps have their own.';
COMMENT ON COLUMN agent_studio.executions.json_schema IS 'JSON Schema that the answer has to satisfy, shorthand written out; NULL = none.';
COMMENT ON COLUMN agent_studio.executions.validation_criteria IS 'What the answer of a task that is repeated has to satisfy, {} = its format only; NULL = a task that runs once, and for a workflow.';
COMMENT ON COLUMN agent_studio.executions.inputs IS 'Inputs of the workflow, defaults filled in; NULL for a task.';
COMMENT ON COLUMN agent_studio.executions.plan IS 'Definition of its own: of a task that is repeated until its criteria hold, and of a test of a draft. NULL = that of the workflow''s version, or a task that runs once.';
COMMENT ON COLUMN agent_studio.executions.agents IS 'Versions of the agents that its steps may need, by the agents'' names: {"name": agent_version_id}; NULL for a task that runs once.';
COMMENT ON COLUMN agent_studio.executions.pause_before_each_step IS 'True: every step waits for as_approve.';
COMMENT ON COLUMN agent_studio.executions.continue_on_warnings IS 'False: a step that completed with a warning stops it as requires_manual_review.';
COMMENT ON COLUMN agent_studio.executions.notify IS 'Who is to hear of its end, for example {"email": true, "slack": "#team"}; recorded in deliveries. NULL = nobody.';
COMMENT ON COLUMN agent_studio.executions.is_verbose IS 'True: DEBUG lines are kept; setting agent_studio.verbose keeps those of all.';
COMMENT ON COLUMN agent_studio.executions.idempotency_key IS 'Caller''s key: the same key of the same owner gives the same execution. NULL = none.';
COMMENT ON COLUMN agent_studio.executions.error_message IS 'What happened, in the vendor''s words where there are any; NULL = no failure.';
COMMENT ON COLUMN agent_studio.executions.error_hint IS 'What to do about it; NULL = no failure.';
COMMENT ON COLUMN agent_studio.executions.purged_at IS 'When as_purge removed its thoughts, prompts and checkpoints; NULL = they are still there.';

CREATE TABLE agent_studio.steps (
	execution_id bigint NOT NULL,
	step_no integer NOT NULL,
	state text NOT NULL DEFAULT 'queued',
	owner text NOT NULL,
	team text,
	name text NOT NULL,
	title text,
	plan_step integer NOT NULL DEFAULT 1,
	iteration integer NOT NULL DEFAULT 1,
	round integer NOT NULL DEFAULT 1,
	agent_version_id bigint,
	model_id bigint,
	verdict text,
	attempt_no integer NOT NULL DEFAULT 0,
	queued_at timestamptz DEFAULT clock_timestamp(),
	started_at timestamptz,
	sent_at timestamptz,
	retry_at timestamptz,
	finished_at timestamptz,
	output text,
	outputs jsonb,
	quality_score numeric(4, 3),
	finish_reason text,
	error_class text,
	error_message text,
	timeout_seconds integer,
	max_retries integer,
	output_format text,
	json_schema json,
	feedback text,
	task text,
	PRIMARY KEY (execution_id, step_no),
	CHECK (agent_studio_private.step_is_sound(step_no, plan_step, iteration, round, state, verdict, timeout_seconds, max_retries, quality_score))
) WITH (fillfactor = 30);		-- task and output come later, into the room that is left; task is the last column, so that
								-- an update which leaves it alone need not write it to the log again
COMMENT ON TABLE agent_studio.steps IS
'Steps of executions, a row for each iteration; a single task has one. Changed by the executor only.';
COMMENT ON COLUMN agent_studio.steps.execution_id IS 'The execution.';
COMMENT ON COLUMN agent_studio.steps.step_no IS 'Number within the execution, from 1: steps in the order of the definition, then those of the second iteration, and so on.';
COMMENT ON COLUMN agent_studio.steps.state IS 'pending, queued, running, retrying, paused, waiting_approval; at rest: completed, partial, failed, skipped, canceled.';
COMMENT ON COLUMN agent_studio.steps.owner IS 'As in executions.';
COMMENT ON COLUMN agent_studio.steps.team IS 'As in executions.';
COMMENT ON COLUMN agent_studio.steps.name IS 'Name of the step; task for a single task.';
COMMENT ON COLUMN agent_studio.steps.title IS 'Title of the step, for people; NULL for a single task.';
COMMENT ON COLUMN agent_studio.steps.plan_step IS 'Which step of the definition it is, from 1.';
COMMENT ON COLUMN agent_studio.steps.iteration IS 'Which iteration of that step it is, from 1; the highest is the current one.';
COMMENT ON COLUMN agent_studio.steps.round IS 'Which round of its own loop it is; begins again with each round of a wider loop.';
COMMENT ON COLUMN agent_studio.steps.agent_version_id IS 'Version of the agent that works on it, after a hand-off of the one that took over; NULL = a decision, or not chosen yet.';
COMMENT ON COLUMN agent_studio.steps.model_id IS 'Model that answers; NULL where agent_version_id is.';
COMMENT ON COLUMN agent_studio.steps.verdict IS 'What else has become of it: passed_over (its condition did not hold), skipped_by_hand, accepted (a partial one), completed_by_hand, manual_review (a rule stopped the flow here), went_back, handed_off, approved (before it began). NULL = nothing.';
COMMENT ON COLUMN agent_studio.steps.attempt_no IS 'Number of the attempt under way or last made; 0 = none yet.';
COMMENT ON COLUMN agent_studio.steps.queued_at IS 'When it was queued; NULL = not yet, or it never needed to be.';
COMMENT ON COLUMN agent_studio.steps.started_at IS 'When its first attempt was claimed; NULL = not yet.';
COMMENT ON COLUMN agent_studio.steps.sent_at IS 'When the attempt under way, or the last one, was sent; NULL = none yet.';
COMMENT ON COLUMN agent_studio.steps.retry_at IS 'While retrying: when the next attempt is due; NULL otherwise.';
COMMENT ON COLUMN agent_studio.steps.finished_at IS 'When it came to rest; NULL = still under way.';
COMMENT ON COLUMN agent_studio.steps.task IS 'What the agent was asked, variables filled in; NULL = the execution''s task, or not begun.';
COMMENT ON COLUMN agent_studio.steps.feedback IS 'Feedback on the iteration before, with which the flow came back here; NULL = none.';
COMMENT ON COLUMN agent_studio.steps.timeout_seconds IS 'Seconds that one attempt may take; NULL = the execution''s.';
COMMENT ON COLUMN agent_studio.steps.max_retries IS 'Most tries after the first one; NULL = the execution''s.';
COMMENT ON COLUMN agent_studio.steps.output_format IS 'Format asked for; NULL = the execution''s.';
COMMENT ON COLUMN agent_studio.steps.json_schema IS 'JSON Schema that the answer has to satisfy, from the declared outputs; NULL = the execution''s.';
COMMENT ON COLUMN agent_studio.steps.output IS 'What the model answered; of a failed or canceled step, what had arrived. NULL = nothing.';
COMMENT ON COLUMN agent_studio.steps.outputs IS 'Its named outputs; of a decision, {"chosen": [steps]}. NULL = none.';
COMMENT ON COLUMN agent_studio.steps.quality_score IS 'Quality of the output, 0 to 1, where the step has criteria; NULL = not judged.';
COMMENT ON COLUMN agent_studio.steps.finish_reason IS 'Why the model stopped: stop, length, content_filter, tool_calls, refusal, other; NULL = not said.';
COMMENT ON COLUMN agent_studio.steps.error_class IS 'Class of the failure, as in executions; while retrying, of the last one. NULL = none.';
COMMENT ON COLUMN agent_studio.steps.error_message IS 'The failure in words; NULL = none.';

CREATE TABLE agent_studio.attempts (
	execution_id bigint NOT NULL,
	step_no integer NOT NULL,
	attempt_no integer NOT NULL CHECK (attempt_no > 0),
	outcome text NOT NULL CHECK (outcome = ANY ('{completed, failed, canceled, interrupted, lost}')),
	owner text NOT NULL,
	team text,
	epoch bigint NOT NULL,
	agent_version_id bigint,
	model_id bigint NOT NULL,
	answered_by text,
	sent_at timestamptz NOT NULL,
	first_byte_at timestamptz,
	first_token_at timestamptz,
	finished_at timestamptz NOT NULL,
	input_tokens bigint,
	cached_input_tokens bigint,
	output_tokens bigint,
	reasoning_tokens bigint,
	input_cost_usd numeric(20, 10),
	output_cost_usd numeric(20, 10),
	possibly_billed boolean NOT NULL,
	finish_reason text,
	http_status integer,
	request_id text,
	response_id text,
	error_class text,
	error_code text,
	error_message text,
	retryable boolean,
	partial_output text,
	workflow text,
	is_test boolean NOT NULL DEFAULT false,
	PRIMARY KEY (execution_id, step_no, attempt_no)
);
-- What was sent lately: found by the executor when it starts, and by reports. A few
-- pages, however many rows, and nearly free to keep.
CREATE INDEX attempts_times ON agent_studio.attempts USING brin (sent_at, finished_at) WITH (pages_per_range = 16, autosummarize = on);
COMMENT ON TABLE agent_studio.attempts IS
'One row for each call of a model that has ended, well or not. Never changed afterwards.';
COMMENT ON COLUMN agent_studio.attempts.execution_id IS 'The execution.';
COMMENT ON COLUMN agent_studio.attempts.step_no IS 'The step.';
COMMENT ON COLUMN agent_studio.attempts.attempt_no IS 'Number within the step, from 1.';
COMMENT ON COLUMN agent_studio.attempts.outcome IS 'completed; failed; canceled: as_cancel closed it; interrupted: the executor was stopped in order; lost: the executor or the server ended while it was under way.';
COMMENT ON COLUMN agent_studio.attempts.owner IS 'As in executions.';
COMMENT ON COLUMN agent_studio.attempts.team IS 'As in executions.';
COMMENT ON COLUMN agent_studio.attempts.epoch IS 'Life of the executor that made it; see epochs.';
COMMENT ON COLUMN agent_studio.attempts.agent_version_id IS 'Version of the agent that was asked; NULL = unknown, after a crash.';
COMMENT ON COLUMN agent_studio.attempts.model_id IS 'Model that was asked.';
COMMENT ON COLUMN agent_studio.attempts.answered_by IS 'Model that answered, in the vendor''s words; NULL = not said.';
COMMENT ON COLUMN agent_studio.attempts.sent_at IS 'When the request was sent.';
COMMENT ON COLUMN agent_studio.attempts.first_byte_at IS 'When the first byte of the answer''s body arrived; NULL = none did.';
COMMENT ON COLUMN agent_studio.attempts.first_token_at IS 'When the first text or reasoning arrived; NULL = none did.';
COMMENT ON COLUMN agent_studio.attempts.finished_at IS 'When it ended.';
COMMENT ON COLUMN agent_studio.attempts.input_tokens IS 'By the vendor''s usage, cached ones included; NULL = the vendor did not say.';
COMMENT ON COLUMN agent_studio.attempts.cached_input_tokens IS 'Of these, from the vendor''s cache; NULL = not said.';
COMMENT ON COLUMN agent_studio.attempts.output_tokens IS 'By the vendor''s usage, reasoning included; NULL = not said.';
COMMENT ON COLUMN agent_studio.attempts.reasoning_tokens IS 'Of these, spent on reasoning; NULL = not said.';
COMMENT ON COLUMN agent_studio.attempts.input_cost_usd IS 'USD, with the price of the moment at which it ended; NULL = no price or no usage. 0 for a call that cannot have been charged (see possibly_billed).';
COMMENT ON COLUMN agent_studio.attempts.output_cost_usd IS 'USD, with the price of the moment at which it ended; NULL = no price or no usage. 0 for a call that cannot have been charged (see possibly_billed).';
COMMENT ON COLUMN agent_studio.attempts.possibly_billed IS 'True: the request left this machine and was not refused (400, 401, 403, 404, 413, 422, 429), so the vendor may charge for it even where the cost is NULL.';
COMMENT ON COLUMN agent_studio.attempts.finish_reason IS 'Why the model stopped; NULL = not said.';
COMMENT ON COLUMN agent_studio.attempts.http_status IS 'Status of the response; NULL = there was none.';
COMMENT ON COLUMN agent_studio.attempts.request_id IS 'The vendor''s id of the request, for its support; NULL = not said.';
COMMENT ON COLUMN agent_studio.attempts.response_id IS 'The vendor''s id of the response; NULL = not said.';
COMMENT ON COLUMN agent_studio.attempts.error_class IS 'Class of the failure, as in executions; NULL = none.';
COMMENT ON COLUMN agent_studio.attempts.error_code IS 'The vendor''s code; NULL = none.';
COMMENT ON COLUMN agent_studio.attempts.error_message IS 'The failure in words, the vendor''s where there are any; NULL = none.';
COMMENT ON COLUMN agent_studio.attempts.retryable IS 'Whether another try could succeed; NULL = it did not fail.';
COMMENT ON COLUMN agent_studio.attempts.partial_output IS 'What had arrived of an attempt that was not completed; NULL = nothing.';
COMMENT ON COLUMN agent_studio.attempts.workflow IS 'As in executions.';
COMMENT ON COLUMN agent_studio.attempts.is_test IS 'As in executions.';

CREATE TABLE agent_studio.thoughts (
	execution_id bigint NOT NULL,
	seq bigint NOT NULL,
	step_no integer NOT NULL,
	attempt_no integer NOT NULL,
	at timestamptz NOT NULL,
	elapsed_ms bigint NOT NULL,
	source text NOT NULL CHECK (source = ANY ('{system, reasoning, progress}')),
	content text NOT NULL,
	owner text NOT NULL,
	team text,
	PRIMARY KEY (execution_id, seq)
);
COMMENT ON TABLE agent_studio.thoughts IS
'What an agent is doing, in lines to read, while it does it. A reader who asks for seq > n has no gap and no duplicate; after a crash of the server seq jumps past anything that could have been seen.';
COMMENT ON COLUMN agent_studio.thoughts.execution_id IS 'The execution.';
COMMENT ON COLUMN agent_studio.thoughts.seq IS 'Ascending within the execution; not always without gaps.';
COMMENT ON COLUMN agent_studio.thoughts.step_no IS 'The step.';
COMMENT ON COLUMN agent_studio.thoughts.attempt_no IS 'The attempt.';
COMMENT ON COLUMN agent_studio.thoughts.at IS 'When it came.';
COMMENT ON COLUMN agent_studio.thoughts.elapsed_ms IS 'Milliseconds since the execution started.';
COMMENT ON COLUMN agent_studio.thoughts.source IS 'system: what Agent Studio does; reasoning: the model''s reasoning stream; progress: progress lines that the prompt asked for.';
COMMENT ON COLUMN agent_studio.thoughts.content IS 'One line.';
COMMENT ON COLUMN agent_studio.thoughts.owner IS 'As in executions.';
COMMENT ON COLUMN agent_studio.thoughts.team IS 'As in executions.';

CREATE TABLE agent_studio.notices (
	execution_id bigint NOT NULL,
	notice_id bigint GENERATED ALWAYS AS IDENTITY,
	step_no integer,
	at timestamptz NOT NULL DEFAULT clock_timestamp(),
	severity text NOT NULL CHECK (severity = ANY ('{info, warning, success, error}')),
	kind text NOT NULL,
	message text NOT NULL,
	owner text NOT NULL,
	team text,
	PRIMARY KEY (execution_id, notice_id)
);
COMMENT ON TABLE agent_studio.notices IS
'What the owner of an execution should know: retries, failures, truncated or repaired answers, missing prices, refused commands. as_notices shows them with those that are told by other rows.';
COMMENT ON COLUMN agent_studio.notices.execution_id IS 'The execution.';
COMMENT ON COLUMN agent_studio.notices.notice_id IS 'Key within the execution.';
COMMENT ON COLUMN agent_studio.notices.step_no IS 'The step; NULL = the execution as a whole.';
COMMENT ON COLUMN agent_studio.notices.at IS 'When it came.';
COMMENT ON COLUMN agent_studio.notices.severity IS 'info, warning, success or error.';
COMMENT ON COLUMN agent_studio.notices.kind IS 'What it is about, for programs: retry, failed, duration, token_limit, truncated, repaired, no_usage, no_price, recovered, budget, quota, command_refused, command_applied; of workflows also step_completed, step_failed, step_skipped, waiting, partial, went_back, handed_off, manual_review, rule, rollback, completed.';
COMMENT ON COLUMN agent_studio.notices.message IS 'The notice in words.';
COMMENT ON COLUMN agent_studio.notices.owner IS 'As in executions.';
COMMENT ON COLUMN agent_studio.notices.team IS 'As in executions.';

CREATE TABLE agent_studio.logs (
	execution_id bigint NOT NULL,
	log_id bigint GENERATED ALWAYS AS IDENTITY,
	step_no integer NOT NULL,
	at timestamptz NOT NULL,
	level text NOT NULL CHECK (level = ANY ('{DEBUG, INFO, WARNING, ERROR}')),
	message text NOT NULL,
	owner text NOT NULL,
	team text,
	PRIMARY KEY (execution_id, log_id)
);
COMMENT ON TABLE agent_studio.logs IS
'Log lines that cannot be told from executions, steps and attempts: the DEBUG lines of verbose executions. as_logs shows the whole log.';
COMMENT ON COLUMN agent_studio.logs.execution_id IS 'The execution.';
COMMENT ON COLUMN agent_studio.logs.log_id IS 'Key within the execution.';
COMMENT ON COLUMN agent_studio.logs.step_no IS 'The step.';
COMMENT ON COLUMN agent_studio.logs.at IS 'When it was written.';
COMMENT ON COLUMN agent_studio.logs.level IS 'DEBUG, INFO, WARNING or ERROR.';
COMMENT ON COLUMN agent_studio.logs.message IS 'The line.';
COMMENT ON COLUMN agent_studio.logs.owner IS 'As in executions.';
COMMENT ON COLUMN agent_studio.logs.team IS 'As in executions.';

CREATE FUNCTION agent_studio_private.newest_completed(agent text, workflow text, with_tests boolean, most integer) RETURNS SETOF agent_studio.executions
LANGUAGE plpgsql STABLE ROWS 20 SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan SET jit = off
AS $$
#variable_conflict use_column
BEGIN
	IF newest_completed.agent IS NOT NULL THEN
		RETURN QUERY SELECT e.* FROM agent_studio.executions e
		WHERE e.agent BETWEEN newest_completed.agent AND newest_completed.agent AND e.status = 'completed'
		ORDER BY e.agent DESC, e.execution_id DESC LIMIT most;
	ELSE
		RETURN QUERY SELECT e.* FROM agent_studio.executions e
		WHERE e.workflow BETWEEN newest_completed.workflow AND newest_completed.workflow
		  AND e.status = 'completed' AND (with_tests OR NOT e.is_test)
		ORDER BY e.workflow DESC, e.execution_id DESC LIMIT most;
	END IF;
END
$$;
COMMENT ON FUNCTION agent_studio_private.newest_completed(text, text, boolean, integer) IS
'The newest completed executions of an agent, or else of a workflow, that the current user can see, the newest first.';

CREATE VIEW agent_studio.outputs WITH (security_invoker = true) AS
	SELECT s.execution_id, s.step_no, s.name AS step, 'output'::text AS name, s.output AS content,
		   s.state = 'completed' AS complete, s.iteration
	FROM agent_studio.steps s
	WHERE s.output IS NOT NULL
	UNION ALL
	SELECT s.execution_id, s.step_no, s.name, o.key, o.value #>> '{}', s.state = 'completed', s.iteration
	FROM agent_studio.steps s CROSS JOIN LATERAL jsonb_each(s.outputs) o
	WHERE s.outputs IS NOT NULL;
COMMENT ON VIEW agent_studio.outputs IS 'What steps have produced, by name.';
COMMENT ON COLUMN agent_studio.outputs.execution_id IS 'The execution.';
COMMENT ON COLUMN agent_studio.outputs.step_no IS 'The step''s number.';
COMMENT ON COLUMN agent_studio.outputs.step IS 'The step''s name.';
COMMENT ON COLUMN agent_studio.outputs.name IS 'Name of the output; output is the answer as a whole, the others are the named ones.';
COMMENT ON COLUMN agent_studio.outputs.content IS 'The text.';
COMMENT ON COLUMN agent_studio.outputs.complete IS 'False: the step did not complete, and this is what had arrived.';
COMMENT ON COLUMN agent_studio.outputs.iteration IS 'Which iteration of the step produced it; the highest is the current one.';
