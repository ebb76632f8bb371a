-- Schedules: workflows that are started again and again.
--
-- A schedule is a row of ours; its clock is pg_cron's. What pg_cron runs belongs to
-- the extension's owner and not to the schedule's: its 1.4 stops every job of the
-- cluster when the role of one is dropped.

CREATE TABLE agent_studio.schedules (
	schedule_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name text NOT NULL UNIQUE CHECK (name <> ''),
	cron text NOT NULL CHECK (cron <> ''),
	workflow text NOT NULL,
	inputs jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(inputs) = 'object'),
	priority text NOT NULL DEFAULT 'normal' CHECK (priority IN ('low', 'normal', 'high', 'critical')),
	version text,
	notify jsonb CHECK (jsonb_typeof(notify) = 'object'),
	owner text NOT NULL,
	team text,
	created_at timestamptz NOT NULL DEFAULT now(),
	runs bigint NOT NULL DEFAULT 0,
	last_run_at timestamptz,
	last_execution_id bigint,
	last_error text
);
COMMENT ON TABLE agent_studio.schedules IS
'Workflows that are started by the clock. Written by as_schedule, as_unschedule and as_run_schedule, which pg_cron calls.';
COMMENT ON COLUMN agent_studio.schedules.schedule_id IS 'Key.';
COMMENT ON COLUMN agent_studio.schedules.name IS 'Name by which it is changed, run and ended; taken once.';
COMMENT ON COLUMN agent_studio.schedules.cron IS 'When, as pg_cron takes it: minute, hour, day of the month, month, day of the week, for example 0 9 * * 1-5. In GMT, unless cron.timezone says otherwise.';
COMMENT ON COLUMN agent_studio.schedules.workflow IS 'Name of the workflow that is started.';
COMMENT ON COLUMN agent_studio.schedules.inputs IS 'Its inputs.';
COMMENT ON COLUMN agent_studio.schedules.priority IS 'low, normal, high or critical.';
COMMENT ON COLUMN agent_studio.schedules.version IS 'Version that is started; NULL = the one that is current at that moment.';
COMMENT ON COLUMN agent_studio.schedules.notify IS 'Who is to hear of each run''s end; NULL = as the definition says.';
COMMENT ON COLUMN agent_studio.schedules.owner IS 'Role that made it, and with whose rights it is started.';
COMMENT ON COLUMN agent_studio.schedules.team IS 'Team of the workflow, whose members see this; NULL = none.';
COMMENT ON COLUMN agent_studio.schedules.created_at IS 'When it was made or last changed.';
COMMENT ON COLUMN agent_studio.schedules.runs IS 'How many executions it has started.';
COMMENT ON COLUMN agent_studio.schedules.last_run_at IS 'When its time last came; NULL = not yet.';
COMMENT ON COLUMN agent_studio.schedules.last_execution_id IS 'The newest execution that it has started; NULL = none.';
COMMENT ON COLUMN agent_studio.schedules.last_error IS 'Why nothing was started when its time last came; NULL = something was, or it has not come yet.';

-- Not dumped: in a restored or copied database nothing is started before somebody says so.
CREATE TABLE agent_studio.schedule_jobs (
	schedule_id bigint PRIMARY KEY REFERENCES agent_studio.schedules ON DELETE CASCADE,
	job_name text NOT NULL
);
COMMENT ON TABLE agent_studio.schedule_jobs IS
'Which schedules are to run in this very database. Not dumped: after a restore as_release_restored fills it again, and until then no schedule starts anything.';
COMMENT ON COLUMN agent_studio.schedule_jobs.schedule_id IS 'The schedule.';
COMMENT ON COLUMN agent_studio.schedule_jobs.job_name IS 'Name of its job in pg_cron''s table cron.job.';
