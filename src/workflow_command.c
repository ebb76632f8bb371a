/*
 * workflow_command.c
 *		What people want done to steps, when the executor comes to it.
 *
 * The function that took the command has checked state and rights; what has
 * changed since then is found here. A refused command is said in its row and in a
 * notice, and changes nothing.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "workflow_private.h"

static void
decide_approval(Workflow *workflow, const FlowRow *row, const WorkflowCommand *command, const char *decision)
{
	Batch	   *decisions = workflow->writing->decisions;

	batch_row(decisions);
	batch_set(decisions, 0, Int64GetDatum(workflow->execution_id));
	batch_set(decisions, 1, Int32GetDatum(row->step_no));
	batch_text(decisions, 2, decision);
	batch_text(decisions, 3, command->actor);
	batch_text(decisions, 4, command->reason);
}

/* Nothing waits for it any more. */
static void
withdraw_approval(Workflow *workflow, const WorkflowCommand *command)
{
	Batch	   *decisions = workflow->writing->decisions;

	batch_row(decisions);
	batch_set(decisions, 0, Int64GetDatum(workflow->execution_id));
	batch_set(decisions, 1, Int32GetDatum(command->step_no));
	batch_text(decisions, 2, "withdrawn");
}

static bool
approve(Workflow *workflow, FlowRow *row, const WorkflowCommand *command, const char **why)
{
	if (!flow_approve(workflow->flow, row, why))
		return false;
	decide_approval(workflow, row, command, command->is_expiry ? "expired" : "approved");
	return true;
}

static bool
reject(Workflow *workflow, FlowRow *row, const WorkflowCommand *command, const char **why)
{
	char	   *words = command->is_expiry ? pstrdup("nobody approved it in time")
		: psprintf("rejected by \"%s\"%s%s", command->actor, command->reason ? ": " : "",
				   command->reason ? command->reason : "");

	if (!flow_reject(workflow->flow, row, words, why))
		return false;
	decide_approval(workflow, row, command, command->is_expiry ? "expired" : "rejected");
	return true;
}

static bool
expire_to_review(Workflow *workflow, FlowRow *row, const WorkflowCommand *command, const char **why)
{
	if (!flow_expire_to_review(workflow->flow, row, why))
		return false;
	decide_approval(workflow, row, command, "expired");
	return true;
}

static bool
retry(Workflow *workflow, FlowRow *row, const WorkflowCommand *command, const char **why)
{
	if (!flow_retry(workflow->flow, row, why))
		return false;
	row_data(row)->timeout_seconds = command->timeout_seconds;
	return true;
}

/* What later steps ask for in this very turn is what was given now. */
static void
give_outputs(RowData *data, const WorkflowCommand *command)
{
	data->new_outputs = command->outputs;
	data->new_output = command->output;
	data->loaded = true;
	data->outputs = command->outputs == NULL ? NULL
		: DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(command->outputs)));
	data->output = command->output == NULL ? NULL : cstring_to_text(command->output);
}

static bool
complete(Workflow *workflow, FlowRow *row, const WorkflowCommand *command, const char **why)
{
	if (!flow_complete_by_hand(workflow->flow, row, why))
		return false;
	if (command->outputs != NULL || command->output != NULL)
		give_outputs(row_data(row), command);
	return true;
}

static bool
skip(Workflow *workflow, FlowRow *row, const WorkflowCommand *command, const char **why)
{
	if (!flow_skip(workflow->flow, row, why))
		return false;
	withdraw_approval(workflow, command);
	return true;
}

static bool
apply(Workflow *workflow, FlowRow *row, const WorkflowCommand *command, const char **why)
{
	const char *wanted = command->wanted;

	if (strcmp(wanted, "approve") == 0)
		return approve(workflow, row, command, why);
	if (strcmp(wanted, "reject") == 0)
		return reject(workflow, row, command, why);
	if (strcmp(wanted, "manual_review") == 0)
		return expire_to_review(workflow, row, command, why);
	if (strcmp(wanted, "retry_step") == 0)
		return retry(workflow, row, command, why);
	if (strcmp(wanted, "accept_partial") == 0)
		return flow_accept_partial(workflow->flow, row, why);
	if (strcmp(wanted, "complete_step") == 0)
		return complete(workflow, row, command, why);
	if (strcmp(wanted, "skip_step") == 0)
		return skip(workflow, row, command, why);
	*why = "no such command for a step";
	return false;
}

static const char *
words_for(const char *wanted)
{
	if (strcmp(wanted, "approve") == 0)
		return "approved";
	if (strcmp(wanted, "reject") == 0)
		return "rejected";
	if (strcmp(wanted, "retry_step") == 0)
		return "tried again";
	if (strcmp(wanted, "accept_partial") == 0)
		return "accepted as it is";
	if (strcmp(wanted, "complete_step") == 0)
		return "completed by hand";
	return "skipped";
}

void
workflow_apply(Workflow *workflow, const WorkflowCommand *command)
{
	FlowRow    *row = workflow_find_row(workflow, command->step_no);
	const char *why = "there is no such step";

	if (strcmp(command->wanted, "pause") == 0 || strcmp(command->wanted, "resume") == 0)
		return;
	if (workflow->status == EXECUTION_CANCELED || workflow->status == EXECUTION_COMPLETED)
		why = psprintf("the execution is %s", execution_status_name(workflow->status));
	else if (workflow->is_purged)
		why = "its checkpoints have been purged";
	else if (row != NULL && apply(workflow, row, command, &why))
	{
		workflow->resumed = true;
		workflow_collect_command(workflow->writing, command, NULL);
		if (!command->is_expiry)
			workflow_tell(workflow, row, "info", "command_applied",
						  psprintf("Step %d %s was %s by \"%s\"", row->step + 1, plan_step_of(workflow, row)->name,
								   words_for(command->wanted), command->actor));
		return;
	}
	workflow_collect_command(workflow->writing, command, why);
	if (command->is_expiry)
		withdraw_approval(workflow, command);
	else
		workflow_tell(workflow, row, "warning", "command_refused",
					  psprintf("%s was refused: %s", command->wanted, why));
}
