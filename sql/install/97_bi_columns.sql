-- The columns of agent_studio_bi: a name means the same in every view, so each is
-- described once. A column that is not described here ends the installation.

DO $$
DECLARE
	item record;
BEGIN
	FOR item IN
		SELECT c.relname, a.attname, d.description
		FROM pg_catalog.pg_class c
		JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
		LEFT JOIN (VALUES
			('action', 'What follows when the budget is used up: warn, an alert; refuse, nothing more is accepted or sent.'),
			('agent', 'Name of the agent. In executions and their totals NULL = a workflow; in steps, attempts and their totals NULL = a decision, or not known.'),
			('agent_version', 'Label of the agent''s version; NULL where agent is.'),
			('amount_usd', 'USD that may be spent in the period.'),
			('attempt_no', 'Number of the attempt within its step, from 1.'),
			('attempts', 'How many calls of models that have ended.'),
			('attempts_failed', 'Of the attempts, how many failed.'),
			('attempts_without_cost', 'Of the attempts, how many may be billed, but have no cost that is known: no price, or no usage told.'),
			('average_duration_seconds', 'Seconds from start to completion, mean over completed executions; NULL = none.'),
			('cached_input_tokens', 'Of input_tokens, those that came from the vendor''s cache; NULL = not said.'),
			('cost_per_execution_usd', 'USD, mean over the executions that came to rest with a known cost; NULL = none.'),
			('cost_usd', 'USD for input and output, of what has a known cost; NULL = nothing has, never 0 for it.'),
			('day', 'Day (UTC) on which it came to rest; of attempts, on which it ended. NULL = under way.'),
			('days_elapsed', 'Days of the month until today, today among them; all of a month that is over.'),
			('days_in_month', 'Days of the month.'),
			('duration_seconds', 'Seconds from start to rest; of attempts from request to end; in totals the sum. NULL = not started, or under way.'),
			('duration_target_seconds', 'Seconds that an execution should take on average, at most: the workflow''s setting of that name, else agent_studio.duration_target.'),
			('first_day', 'First day (UTC) of the current period.'),
			('is_used_up', 'Whether the whole amount is spent; NULL = not counted yet.'),
			('last_day', 'Last day (UTC) of the current period.'),
			('meets_budget', 'Whether what is expected by the end of the period is within the amount; NULL = not counted yet.'),
			('error_class', 'Why it failed: timeout, rate_limited, overloaded, connection, bad_request, authentication, permission, not_found, content_filter, invalid_output, max_iterations, budget_exceeded, canceled, internal; NULL = it did not.'),
			('execution_id', 'The execution.'),
			('executions', 'How many executions that came to rest.'),
			('executions_canceled', 'Of the executions, how many were canceled.'),
			('executions_completed', 'Of the executions, how many completed.'),
			('executions_failed', 'Of the executions, how many failed.'),
			('executions_fast', 'Of the executions that are timed, how many took less than 60 seconds.'),
			('executions_in_review', 'Of the executions, how many came to rest as requires_manual_review.'),
			('executions_medium', 'Of the executions that are timed, how many took from 60 to 120 seconds.'),
			('executions_slow', 'Of the executions that are timed, how many took more than 120 seconds.'),
			('executions_timed', 'Of the executions, how many had started and so have a duration; in duration_daily, duration_weekly and duration_monthly only completed ones.'),
			('executions_without_cost', 'Of the executions, how many made attempts, but have no cost that is known.'),
			('finish_reason', 'Why the model stopped: stop, length, content_filter, tool_calls, refusal, other; NULL = not said.'),
			('finished_at', 'When it came to rest; NULL = under way.'),
			('first_token_seconds', 'Seconds from request to the first text or reasoning; NULL = none came.'),
			('http_status', 'Status of the response; NULL = there was none.'),
			('input_cost_usd', 'USD for input; NULL = not known.'),
			('input_tokens', 'Tokens of input, cached ones included; NULL = the vendor has not said.'),
			('is_completed', 'True: its status is completed.'),
			('is_finished', 'True: it is at rest.'),
			('is_possibly_billed', 'True: the request left, so the vendor may charge for it even where the cost is NULL.'),
			('is_retry', 'True: not the first attempt of its step.'),
			('iteration', 'Which iteration of the step it is, from 1.'),
			('kind', 'task: one agent; workflow: many; in summaries also all: both.'),
			('last_month_average_duration_seconds', 'average_duration_seconds of the month before; NULL = none completed.'),
			('last_month_success_rate_percent', 'success_rate_percent of the month before; NULL = none came to rest.'),
			('meets_duration_target', 'Whether the mean duration is within the target; NULL = none completed.'),
			('meets_success_target', 'Whether the success rate reaches the target; NULL = none came to rest.'),
			('model', 'Name of the model; NULL = none was asked, or it has been dropped.'),
			('month', 'First day of the month (UTC) in which it came to rest; of attempts, in which it ended.'),
			('outcome', 'How the attempt ended: completed, failed, canceled, interrupted, lost.'),
			('output_cost_usd', 'USD for output; NULL = not known.'),
			('output_tokens', 'Tokens of output, reasoning included; NULL = the vendor has not said.'),
			('owner', 'Role that submitted it.'),
			('points_above_last_month', 'Percentage points by which the success rate is above last month''s, below 0 = under it; NULL = one of them is.'),
			('points_above_target', 'Percentage points by which the success rate is above the target, below 0 = under it; NULL = none came to rest.'),
			('priority', 'low, normal, high or critical.'),
			('projected_cost_usd', 'USD that the month, or a budget''s period, will have cost if its other days are like those until today: cost_usd / days_elapsed * days_in_month. NULL where the cost until today is.'),
			('quality_score', 'Quality of the step''s output, 0 to 1, where it has criteria; NULL = not judged.'),
			('queue_seconds', 'Seconds that it waited before it was started; NULL = not started.'),
			('reasoning_tokens', 'Of output_tokens, those spent on reasoning; NULL = not said.'),
			('period', 'day, week (from Monday), month, quarter or year.'),
			('retries', 'Of the attempts, how many were not the first of their step.'),
			('scope', 'Whose spending is bounded: all, team:NAME, user:NAME, agent:NAME or workflow:NAME.'),
			('sent_at', 'When the request was sent.'),
			('share_percent', 'Percent of all executions of the month that the view counts.'),
			('spent_usd', 'USD spent in the period so far, by attempts whose cost is known; NULL = not counted yet: the executor does that.'),
			('started_at', 'When it was started; NULL = not yet.'),
			('state', 'State of the step: pending, queued, running, retrying, paused, waiting_approval; at rest: completed, partial, failed, skipped, canceled.'),
			('status', 'queued, running, paused, waiting_approval; at rest: completed, failed, canceled, requires_manual_review.'),
			('step', 'Name of the step; task for a single task.'),
			('step_no', 'Number of the step within the execution, from 1.'),
			('submitted_at', 'When it was submitted.'),
			('queued_at', 'When the step was queued; NULL = not yet, or it never needed to be.'),
			('success_rate_percent', 'Percent of the executions that completed, canceled ones among the others; NULL = none came to rest.'),
			('success_target_percent', 'Percent that should complete: the workflow''s setting of that name, else agent_studio.success_target_percent.'),
			('team', 'Role whose members may see it; NULL = the owner only.'),
			('verdict', 'What else has become of the step, for example skipped_by_hand or accepted; NULL = nothing.'),
			('week', 'Monday of the week (UTC) in which it came to rest; of attempts, in which it ended.'),
			('workflow', 'Name of the workflow; NULL = a task.'),
			('workflow_version', 'Label of the workflow''s version; NULL = a task.')) d (name, description) ON d.name = a.attname
		WHERE c.relnamespace = 'agent_studio_bi'::pg_catalog.regnamespace AND c.relkind = 'v'
	LOOP
		IF item.description IS NULL THEN
			RAISE EXCEPTION 'column agent_studio_bi.%.% is not described', item.relname, item.attname;
		END IF;
		EXECUTE pg_catalog.format('COMMENT ON COLUMN agent_studio_bi.%I.%I IS %L', item.relname, item.attname, item.description);
	END LOOP;
END
$$;

GRANT USAGE ON SCHEMA agent_studio_bi TO agent_studio_bi_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA agent_studio_bi TO agent_studio_bi_reader;
