-- The last things: privileges, what a dump holds, and the launcher's wake-up.

-- Deny by default, then allow by name.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA agent_studio, agent_studio_private FROM PUBLIC;
REVOKE ALL ON ALL PROCEDURES IN SCHEMA agent_studio FROM PUBLIC;
-- Nor may others build on our row types: a column of one would stand in the way of the next version's ALTER TABLE.
DO $$
DECLARE
	row_type pg_catalog.regtype;
BEGIN
	FOR row_type IN
		SELECT c.reltype::pg_catalog.regtype FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname IN ('agent_studio', 'agent_studio_private', 'agent_studio_bi') AND c.reltype <> 0
	LOOP
		EXECUTE pg_catalog.format('REVOKE ALL ON TYPE %s FROM PUBLIC', row_type);
	END LOOP;
END
$$;
GRANT USAGE ON SCHEMA agent_studio_private TO agent_studio_user, agent_studio_monitor;

GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA agent_studio TO agent_studio_user;
GRANT EXECUTE ON ALL PROCEDURES IN SCHEMA agent_studio TO agent_studio_user;
REVOKE EXECUTE ON FUNCTION agent_studio.agent_studio_validator FROM agent_studio_user;
REVOKE EXECUTE ON PROCEDURE agent_studio.as_purge FROM agent_studio_user;
GRANT EXECUTE ON PROCEDURE agent_studio.as_purge TO agent_studio_admin;
REVOKE EXECUTE ON FUNCTION agent_studio.as_purge_batch, agent_studio.as_delete_history_batch, agent_studio.as_create_model, agent_studio.as_update_model,
	agent_studio.as_drop_model, agent_studio.as_load_prices, agent_studio.as_release_restored, agent_studio.as_roll_up FROM agent_studio_user;
GRANT EXECUTE ON FUNCTION agent_studio.as_purge_batch, agent_studio.as_delete_history_batch, agent_studio.as_create_model, agent_studio.as_update_model,
	agent_studio.as_drop_model, agent_studio.as_load_prices, agent_studio.as_release_restored, agent_studio.as_roll_up TO agent_studio_admin;
GRANT EXECUTE ON FUNCTION agent_studio.as_status, agent_studio.as_thoughts, agent_studio.as_output,
	agent_studio.as_metrics, agent_studio.as_quality, agent_studio.as_logs, agent_studio.as_wait, agent_studio.as_check,
	agent_studio.as_context_fields, agent_studio.as_usage, agent_studio.as_progress, agent_studio.as_notices, agent_studio.as_workflow_status, agent_studio.as_watch, agent_studio.as_watch_all, agent_studio.as_failure, agent_studio.as_result,
	agent_studio.as_recovery_options, agent_studio.as_export_workflow, agent_studio.as_estimate,
	agent_studio.as_diagram(text, text, text), agent_studio.as_diagram(bigint, text), agent_studio.as_report, agent_studio.as_report_html, agent_studio.as_dashboard_html,
	agent_studio.as_history, agent_studio.as_history_totals, agent_studio.as_download, agent_studio.as_download_text, agent_studio.as_compare,
	agent_studio.as_search_agents, agent_studio.as_suggest_agents, agent_studio.as_task_template, agent_studio.as_check_task
	TO agent_studio_monitor;
GRANT EXECUTE ON PROCEDURE agent_studio.as_follow TO agent_studio_monitor;

-- What the reading functions and the policies call with the caller's own rights.
GRANT EXECUTE ON FUNCTION agent_studio_private.my_roles, agent_studio_private.is_mine, agent_studio_private.is_of_mine, agent_studio_private.planned_roles, agent_studio_private.planned_executions, agent_studio_private.newest_completed,
	agent_studio_private.my_grants, agent_studio_private.has_grant,
	agent_studio_private.sees_agent, agent_studio_private.reads_all,
	agent_studio_private.require_execution, agent_studio_private.require_no_block,
	agent_studio_private.clock_text,
	agent_studio_private.usual_total, agent_studio_private.status_note, agent_studio_private.vendor_note,
	agent_studio_private.one_of, agent_studio_private.suggest, agent_studio_private.server_types,
	agent_studio_private.change_count, agent_studio_private.await_change,
	agent_studio_private.result_text, agent_studio_private.worker_state,
	agent_studio_private.endpoint_problem,
	agent_studio_private.check_worker, agent_studio_private.check_endpoints,
	agent_studio_private.retention, agent_studio_private.own_retention, agent_studio_private.shortest_retention, agent_studio_private.first_unpurged, agent_studio_private.check_retention,
	agent_studio_private.check_work, agent_studio_private.check_schedules, agent_studio_private.runs_here,
	agent_studio_private.cron_is_here, agent_studio_private.cron_remedy, agent_studio_private.preload_remedy, agent_studio_private.endpoint_remedy,
	agent_studio_private.model_load, agent_studio_private.percent_of,
	agent_studio_private.format_problem, agent_studio_private.required_present,
	agent_studio_private.sections_present, agent_studio_private.completeness
	TO agent_studio_user, agent_studio_monitor;
-- The same for what they show of steps, plans and failures.
GRANT EXECUTE ON FUNCTION agent_studio_private.plan_of, agent_studio_private.plan_allows,
	agent_studio_private.plan_steps, agent_studio_private.current_steps, agent_studio_private.rollback_begun,
	agent_studio_private.demanded_steps, agent_studio_private.progress, agent_studio_private.result_step, agent_studio_private.display_width,
	agent_studio_private.one_line, agent_studio_private.awaits_decision, agent_studio_private.step_situation,
	agent_studio_private.command_words, agent_studio_private.way_out, agent_studio_private.approval_problem,
	agent_studio_private.command_is_legal, agent_studio_private.command_problem,
	agent_studio_private.output_type, agent_studio_private.declared_outputs,
	agent_studio_private.approval_note, agent_studio_private.retry_note, agent_studio_private.pending_note, agent_studio_private.canceled_by,
	agent_studio_private.review_note, agent_studio_private.agents_at_work, agent_studio_private.progress_percent,
	agent_studio_private.thought_lines, agent_studio_private.notice_lines, agent_studio_private.wait_lines,
	agent_studio_private.start_lines, agent_studio_private.follow_lines, agent_studio_private.printable,
	agent_studio_private.watch_head, agent_studio_private.watch_bars, agent_studio_private.watch_steps, agent_studio_private.watch_thoughts, agent_studio_private.watch_usage, agent_studio_private.watch_active, agent_studio_private.watch_rested, agent_studio_private.watch_alerts,
	agent_studio_private.pending_step_note, agent_studio_private.step_note, agent_studio_private.failed_step,
	agent_studio_private.possible_causes, agent_studio_private.retries_left, agent_studio_private.longer_timeout,
	agent_studio_private.recovery_call, agent_studio_private.completion_arguments, agent_studio_private.preferred_options,
	agent_studio_private.option_rows, agent_studio_private.can_be_canceled, agent_studio_private.wrapped, agent_studio_private.failure_message,
	agent_studio_private.failure_details, agent_studio_private.option_lines, agent_studio_private.failure_title
	TO agent_studio_user, agent_studio_monitor;
-- The same for what they show of work under way.
GRANT EXECUTE ON FUNCTION agent_studio_private.type_phases, agent_studio_private.phases_of, agent_studio_private.bar,
	agent_studio_private.usual_call, agent_studio_private.told_points, agent_studio_private.expected_tokens_of,
	agent_studio_private.capped, agent_studio_private.step_share, agent_studio_private.task_step, agent_studio_private.task_share,
	agent_studio_private.progress_rows, agent_studio_private.overall_percent, agent_studio_private.rest_by_rate,
	agent_studio_private.rest_by_steps, agent_studio_private.estimated_rest, agent_studio_private.estimated_cost, agent_studio_private.active_ids(),
	agent_studio_private.active, agent_studio_private.active_rows, agent_studio_private.all_alerts, agent_studio_private.cost_so_far, agent_studio_private.progress_text,
	agent_studio_private.doing_text, agent_studio_private.ago_text, agent_studio_private.approval_alerts,
	agent_studio_private.failure_remedy, agent_studio_private.failure_alerts, agent_studio_private.slow_alerts,
	agent_studio_private.quota_alerts, agent_studio_private.executor_alerts, agent_studio_private.newest_id, agent_studio_private.is_submitted_again,
	agent_studio_private.restored_alerts, agent_studio_private.schedule_alerts
	TO agent_studio_user, agent_studio_monitor;
GRANT SELECT ON agent_studio_private.calls, agent_studio_private.all_notices TO agent_studio_user, agent_studio_monitor;
-- The same for what they show of results.
GRANT EXECUTE ON FUNCTION agent_studio_private.media_type, agent_studio_private.safe_file_name, agent_studio_private.declared_files,
	agent_studio_private.files_of, agent_studio_private.whole_seconds_text, agent_studio_private.duration_text, agent_studio_private.money_text, agent_studio_private.number_text,
	agent_studio_private.sheet_section, agent_studio_private.result_title, agent_studio_private.total_cost_text,
	agent_studio_private.result_head, agent_studio_private.step_mark, agent_studio_private.spent_on_step,
	agent_studio_private.result_steps, agent_studio_private.result_files, agent_studio_private.metric_text,
	agent_studio_private.declared_metrics, agent_studio_private.quality_lines, agent_studio_private.task_figures,
	agent_studio_private.next_calls, agent_studio_private.titled
	TO agent_studio_user, agent_studio_monitor;
-- The same for what they show of the history.
GRANT EXECUTE ON FUNCTION agent_studio_private.either_sum, agent_studio_private.seconds_between,
	agent_studio_private.in_order, agent_studio_private.check_history, agent_studio_private.mentions, agent_studio_private.settled_times, agent_studio_private.settled_totals, agent_studio_private.chosen_executions, agent_studio_private.agents_of_type, agent_studio_private.in_range
	TO agent_studio_user, agent_studio_monitor;
-- The same for what helps to choose an agent and to word a task.
GRANT EXECUTE ON FUNCTION agent_studio_private.recent_tasks, agent_studio_private.recent_steps,
	agent_studio_private.weighted_words, agent_studio_private.agent_words, agent_studio_private.whole_words, agent_studio_private.any_word,
	agent_studio_private.search_query, agent_studio_private.in_team, agent_studio_private.check_search, agent_studio_private.required,
	agent_studio_private.not_null, agent_studio_private.in_range,
	agent_studio_private.type_vocabulary, agent_studio_private.stem, agent_studio_private.task_words, agent_studio_private.type_fit,
	agent_studio_private.suggestion_reason, agent_studio_private.template_text, agent_studio_private.good_task,
	agent_studio_private.says_scope, agent_studio_private.says_output, agent_studio_private.says_context,
	agent_studio_private.says_constraints, agent_studio_private.vague_words, agent_studio_private.unfilled,
	agent_studio_private.fitting_type, agent_studio_private.context_example, agent_studio_private.output_example
	TO agent_studio_user, agent_studio_monitor;
-- The same for what they show of budgets.
GRANT EXECUTE ON FUNCTION agent_studio_private.period_start, agent_studio_private.period_end, agent_studio_private.budget_scope, agent_studio_private.budget_words,
	agent_studio_private.projected, agent_studio_private.budget_alerts TO agent_studio_user, agent_studio_monitor;
-- The same for downloads and comparisons.
GRANT EXECUTE ON FUNCTION agent_studio_private.plain_text, agent_studio_private.json_indent, agent_studio_private.zip, agent_studio_private.execution_label,
	agent_studio_private.download_steps, agent_studio_private.require_downloadable, agent_studio_private.shown_as_is, agent_studio_private.fenced,
	agent_studio_private.markdown_of, agent_studio_private.field_lines, agent_studio_private.seconds_text, agent_studio_private.tokens_text,
	agent_studio_private.document_title, agent_studio_private.document_head, agent_studio_private.document_metadata,
	agent_studio_private.document_outputs, agent_studio_private.document_steps, agent_studio_private.document_markdown,
	agent_studio_private.time_json, agent_studio_private.metrics_json, agent_studio_private.model_json, agent_studio_private.error_json,
	agent_studio_private.without_null_error,
	agent_studio_private.document_json, agent_studio_private.distinct_names, agent_studio_private.document_zip,
	agent_studio_private.compared, agent_studio_private.differing_members, agent_studio_private.padded, agent_studio_private.figure,
	agent_studio_private.change_text, agent_studio_private.comparison_lines
	TO agent_studio_user, agent_studio_monitor;
-- The same for what they show of workflows that are not under way.
GRANT EXECUTE ON FUNCTION agent_studio_private.has_role, agent_studio_private.sees_workflow, agent_studio_private.find_workflow,
	agent_studio_private.find_version, agent_studio_private.draft_of, agent_studio_private.check_inputs,
	agent_studio_private.find_agent, agent_studio_private.usable_agent, agent_studio_private.usable_server,
	agent_studio_private.agent_problem, agent_studio_private.role_problems, agent_studio_private.workflow_problems,
	agent_studio_private.problem_line, agent_studio_private.require_sound,
	agent_studio_private.listed_steps, agent_studio_private.named_agents, agent_studio_private.used_outputs,
	agent_studio_private.led_to, agent_studio_private.longest_way, agent_studio_private.planned_steps,
	agent_studio_private.workflow_history, agent_studio_private.agent_history, agent_studio_private.priced,
	agent_studio_private.step_estimates, agent_studio_private.total_estimate,
	agent_studio_private.definition_problems, agent_studio_private.definition_steps,
	agent_studio_private.complete_inputs
	TO agent_studio_user, agent_studio_monitor;
GRANT EXECUTE ON FUNCTION agent_studio_private.start_test(text, jsonb, text[]),
	agent_studio_private.dry_run, agent_studio_private.inputs_problem, agent_studio_private.endpoint_problems,
	agent_studio_private.inputs_text, agent_studio_private.outputs_texts, agent_studio_private.condition_text,
	agent_studio_private.error_handling_text TO agent_studio_user;
-- The same for diagrams.
GRANT EXECUTE ON FUNCTION agent_studio_private.diagram_points, agent_studio_private.diagram_hops, agent_studio_private.side_by_side,
	agent_studio_private.placed_points, agent_studio_private.net_of, agent_studio_private.diagram_places,
	agent_studio_private.visible_text, agent_studio_private.html_text, agent_studio_private.canvas_cells,
	agent_studio_private.canvas, agent_studio_private.diagram_agent, agent_studio_private.demand_notes,
	agent_studio_private.step_marks, agent_studio_private.workflow_boxes, agent_studio_private.execution_boxes,
	agent_studio_private.diagram_ways, agent_studio_private.diagram_returns, agent_studio_private.diagram_layers,
	agent_studio_private.box_text, agent_studio_private.natural_columns, agent_studio_private.mermaid_text,
	agent_studio_private.mermaid_node, agent_studio_private.mermaid_label, agent_studio_private.mermaid_diagram,
	agent_studio_private.svg_style, agent_studio_private.svg_box, agent_studio_private.svg_way,
	agent_studio_private.svg_return, agent_studio_private.svg_labels, agent_studio_private.svg_lines,
	agent_studio_private.svg_diagram, agent_studio_private.box_columns, agent_studio_private.crossing_places,
	agent_studio_private.way_lines, agent_studio_private.box_lines, agent_studio_private.diagram_texts,
	agent_studio_private.drawn_boxes, agent_studio_private.listed_boxes, agent_studio_private.text_diagram,
	agent_studio_private.diagram, agent_studio_private.way_ends, agent_studio_private.definition_edges
	TO agent_studio_user, agent_studio_monitor;
-- The same for reports and pages.
GRANT EXECUTE ON FUNCTION agent_studio_private.report_names, agent_studio_private.says_something, agent_studio_private.reported,
	agent_studio_private.all_reported, agent_studio_private.label_text, agent_studio_private.plain_value,
	agent_studio_private.item_parts, agent_studio_private.list_items, agent_studio_private.severity_of,
	agent_studio_private.listed_issues, agent_studio_private.issue_counts, agent_studio_private.report_steps,
	agent_studio_private.quality_gates, agent_studio_private.size_text, agent_studio_private.report_files,
	agent_studio_private.outputs_text, agent_studio_private.answer_text, agent_studio_private.report_span,
	agent_studio_private.report_duration, agent_studio_private.report_subject, agent_studio_private.report_status,
	agent_studio_private.report_signature, agent_studio_private.progress_sentence,
	agent_studio_private.reported_summary, agent_studio_private.step_title, agent_studio_private.spent_text,
	agent_studio_private.status_text, agent_studio_private.step_tokens_text, agent_studio_private.step_facts,
	agent_studio_private.step_reported, agent_studio_private.report_figures, agent_studio_private.markdown_line,
	agent_studio_private.markdown_text, agent_studio_private.markdown_quote, agent_studio_private.markdown_item,
	agent_studio_private.markdown_list, agent_studio_private.markdown_value, agent_studio_private.markdown_issues,
	agent_studio_private.report_head, agent_studio_private.report_chapter, agent_studio_private.report_step_lines,
	agent_studio_private.figure_lines, agent_studio_private.file_lines, agent_studio_private.reported_lines,
	agent_studio_private.report_lines, agent_studio_private.html_style, agent_studio_private.html_page,
	agent_studio_private.html_section, agent_studio_private.html_tiles, agent_studio_private.html_row,
	agent_studio_private.html_table, agent_studio_private.html_facts, agent_studio_private.share,
	agent_studio_private.svg_chart, agent_studio_private.html_legend, agent_studio_private.svg_bars,
	agent_studio_private.svg_columns, agent_studio_private.svg_line, agent_studio_private.svg_donut,
	agent_studio_private.html_items, agent_studio_private.html_value, agent_studio_private.html_issues,
	agent_studio_private.mark_class, agent_studio_private.report_page_head, agent_studio_private.report_tiles,
	agent_studio_private.report_charts, agent_studio_private.report_page_step,
	agent_studio_private.report_page_figures, agent_studio_private.report_contents,
	agent_studio_private.report_page_outputs, agent_studio_private.report_page_told,
	agent_studio_private.report_page_body, agent_studio_private.section_of, agent_studio_private.next_statements,
	agent_studio_private.svg_hints, agent_studio_private.dashboard_figures, agent_studio_private.dashboard_days,
	agent_studio_private.dashboard_months, agent_studio_private.dashboard_results, agent_studio_private.dashboard_workflows,
	agent_studio_private.dashboard_budget, agent_studio_private.seconds_duration, agent_studio_private.rate_text,
	agent_studio_private.known_cost, agent_studio_private.month_text, agent_studio_private.goal_class,
	agent_studio_private.compared_points, agent_studio_private.signed_points, agent_studio_private.dashboard_head, agent_studio_private.dashboard_tiles,
	agent_studio_private.success_chart, agent_studio_private.duration_chart, agent_studio_private.token_chart,
	agent_studio_private.cost_chart, agent_studio_private.workflow_chart, agent_studio_private.month_table, agent_studio_private.dashboard_history,
	agent_studio_private.user_chart, agent_studio_private.error_chart, agent_studio_private.dashboard_trends,
	agent_studio_private.results_table, agent_studio_private.workflow_table,
	agent_studio_private.user_table, agent_studio_private.dashboard_active, agent_studio_private.dashboard_recent,
	agent_studio_private.dashboard_alerts, agent_studio_private.dashboard_budgets, agent_studio_private.day_table,
	agent_studio_private.dashboard_body
	TO agent_studio_user, agent_studio_monitor;
GRANT SELECT ON agent_studio_private.log_lines, agent_studio_private.log_steps TO agent_studio_user, agent_studio_monitor;
GRANT SELECT ON agent_studio_private.visible_totals, agent_studio_private.visible_spending, agent_studio_private.visible_owner_totals,
	agent_studio_private.visible_owner_spending, agent_studio_private.targets TO agent_studio_user, agent_studio_monitor;

-- Everything but queue, live_usage, commands, schedule_jobs and model_headroom is dumped: see as_release_restored.
-- What budgets have spent is counted anew by the next executor.
-- Nor are epochs: in a restored database the executor begins its own before their rows come.
DO $$
DECLARE
	item record;
BEGIN
	FOR item IN
		SELECT t.oid::pg_catalog.regclass AS marked
		FROM pg_catalog.pg_class t
		WHERE t.relnamespace = 'agent_studio'::pg_catalog.regnamespace AND t.relkind = 'r'
		  AND t.relname NOT IN ('queue', 'live_usage', 'commands', 'epochs', 'model_headroom', 'schedule_jobs', 'budget_spending')
		UNION ALL
		SELECT d.objid::pg_catalog.regclass
		FROM pg_catalog.pg_class t
		JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = t.oid
			AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype = 'i'
		JOIN pg_catalog.pg_class s ON s.oid = d.objid AND s.relkind = 'S'
		WHERE t.relnamespace = 'agent_studio'::pg_catalog.regnamespace AND t.relkind = 'r'
		  AND t.relname NOT IN ('queue', 'live_usage', 'commands', 'epochs', 'model_headroom', 'schedule_jobs', 'budget_spending')
	LOOP
		PERFORM pg_catalog.pg_extension_config_dump(item.marked, '');
	END LOOP;
END
$$;

-- Bodies of public functions are described where they are called from.
DO $$
DECLARE
	body record;
BEGIN
	FOR body IN
		SELECT p.oid::pg_catalog.regprocedure AS signature, p.proname
		FROM pg_catalog.pg_proc p
		WHERE p.pronamespace = 'agent_studio_private'::pg_catalog.regnamespace AND p.proname LIKE 'as!_%' ESCAPE '!'
	LOOP
		EXECUTE pg_catalog.format('COMMENT ON FUNCTION %s IS %L', body.signature,
			pg_catalog.format('Body of agent_studio.%s; the acting role comes first.', body.proname));
	END LOOP;
END
$$;

SELECT agent_studio_private.extension_created();
