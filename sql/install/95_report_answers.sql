-- Texts that steps gave for a report. An output of the name comes first; else what stands
-- under such a heading in the answer, or in an output that is text. What nobody said is
-- NULL, and stays unsaid.

CREATE FUNCTION agent_studio_private.report_names(subject text) RETURNS text[]
LANGUAGE sql IMMUTABLE
RETURN CASE subject
	WHEN 'summary' THEN ARRAY['summary', 'executive_summary']
	WHEN 'key_decisions' THEN ARRAY['key_decisions', 'decisions']
	WHEN 'issues' THEN ARRAY['issues', 'issues_found']
	ELSE ARRAY[subject] END;
COMMENT ON FUNCTION agent_studio_private.report_names(text) IS
'The names of outputs, and of headings, that tell a subject of a report: summary, key_decisions, issues, recommendations, next_steps.';

CREATE FUNCTION agent_studio_private.says_something(value jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE
RETURN coalesce(CASE jsonb_typeof(value) WHEN 'null' THEN false WHEN 'string' THEN value #>> '{}' ~ '\S'
	WHEN 'array' THEN value <> '[]' WHEN 'object' THEN value <> '{}' ELSE value IS NOT NULL END, false);
COMMENT ON FUNCTION agent_studio_private.says_something(jsonb) IS 'Whether a value is there, and not empty.';

CREATE FUNCTION agent_studio_private.reported(step agent_studio.steps, subject text) RETURNS jsonb
LANGUAGE sql STABLE
RETURN coalesce(
	(SELECT (step).outputs -> n.name FROM unnest(agent_studio_private.report_names(subject)) WITH ORDINALITY n (name, place)
	 WHERE jsonb_typeof((step).outputs) = 'object' AND agent_studio_private.says_something((step).outputs -> n.name)
	 ORDER BY n.place LIMIT 1),
	(SELECT to_jsonb(left(x.section, 20000))
	 FROM (SELECT 0 AS place, NULL AS key, (step).output AS text
		   UNION ALL
		   SELECT 1, o.key, o.value #>> '{}'
		   FROM jsonb_each(CASE WHEN jsonb_typeof((step).outputs) = 'object' THEN (step).outputs ELSE '{}' END) o
		   WHERE jsonb_typeof(o.value) = 'string') t
	 CROSS JOIN LATERAL (SELECT agent_studio_private.section_of(t.text, agent_studio_private.report_names(subject)) AS section) x
	 WHERE x.section ~ '\S' ORDER BY t.place, t.key LIMIT 1));
COMMENT ON FUNCTION agent_studio_private.reported(agent_studio.steps, text) IS
'What a step gave for a subject of a report; NULL = nothing.';

CREATE FUNCTION agent_studio_private.all_reported(execution agent_studio.executions, subject text)
RETURNS TABLE (plan_step integer, title text, value jsonb, is_result boolean)
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT s.plan_step, coalesce(nullif(s.title, ''), s.name), r.value, s.step_no = agent_studio_private.result_step(execution)
	FROM agent_studio_private.current_steps((execution).execution_id) s
	CROSS JOIN LATERAL (SELECT agent_studio_private.reported(s, subject) AS value) r
	WHERE r.value IS NOT NULL
	ORDER BY s.plan_step;
END;
COMMENT ON FUNCTION agent_studio_private.all_reported(agent_studio.executions, text) IS
'What the steps of an execution gave for a subject, and whose answer is the execution''s.';

CREATE FUNCTION agent_studio_private.label_text(name text) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN agent_studio_private.one_line(upper(left(name, 1)) || replace(substr(name, 2), '_', ' '), 60);
COMMENT ON FUNCTION agent_studio_private.label_text(text) IS 'immediate_actions as Immediate actions.';

CREATE FUNCTION agent_studio_private.plain_value(value jsonb) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN CASE WHEN jsonb_typeof(value) = 'array' AND NOT jsonb_path_exists(value, '$[*] ? (@.type() == "object" || @.type() == "array")')
	THEN (SELECT string_agg(v.item, ', ' ORDER BY v.n) FROM jsonb_array_elements_text(value) WITH ORDINALITY v (item, n))
	ELSE value #>> '{}' END;
COMMENT ON FUNCTION agent_studio_private.plain_value(jsonb) IS 'A value as text: a string as it is, a list of values with commas, all else as JSON.';

-- Of an object the member that names it comes first, the others below.
CREATE FUNCTION agent_studio_private.item_parts(item jsonb, OUT title text, OUT text text, OUT rest jsonb) RETURNS record
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT t.title, t.text,
		   CASE WHEN jsonb_typeof(item) = 'object' THEN item - '{title,name,issue,decision,action,description,detail,severity,level}'::text[] ELSE '{}' END
	FROM (SELECT CASE WHEN jsonb_typeof(item) = 'object' THEN
					coalesce(item ->> 'title', item ->> 'name', item ->> 'issue', item ->> 'decision', item ->> 'action') END AS title,
				 CASE WHEN jsonb_typeof(item) = 'object' THEN coalesce(item ->> 'description', item ->> 'detail')
					ELSE agent_studio_private.plain_value(item) END AS text) t;
END;
COMMENT ON FUNCTION agent_studio_private.item_parts(jsonb) IS
'An item of a list as it is told: its title, its text, and what else an object holds.';

CREATE FUNCTION agent_studio_private.list_items(list jsonb) RETURNS TABLE (item jsonb, n bigint)
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT i.item, row_number() OVER (ORDER BY i.n) FROM jsonb_array_elements(list) WITH ORDINALITY i (item, n)
	WHERE agent_studio_private.says_something(i.item) ORDER BY i.n LIMIT 100;
END;
COMMENT ON FUNCTION agent_studio_private.list_items(jsonb) IS 'The first 100 items of an array that say something.';

-- Issues: an array of texts or objects, or one text with a line each.

CREATE FUNCTION agent_studio_private.severity_of(issue jsonb) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN coalesce(lower(substring(CASE WHEN jsonb_typeof(issue) = 'object' THEN coalesce(issue ->> 'severity', issue ->> 'level') ELSE left(issue #>> '{}', 40) END
	FROM '(?i)^\W*(critical|high|medium|low|info)\M')), 'not stated');
COMMENT ON FUNCTION agent_studio_private.severity_of(jsonb) IS
'critical, high, medium, low or info, from the member severity or the first word; else "not stated".';

CREATE FUNCTION agent_studio_private.listed_issues(reported jsonb) RETURNS TABLE (severity text, rank integer, issue jsonb, n bigint)
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT s.severity, array_position('{critical,high,medium,low,info,not stated}'::text[], s.severity), i.issue, i.n
	FROM (SELECT a.value, a.n FROM jsonb_array_elements(CASE jsonb_typeof(reported) WHEN 'array' THEN reported ELSE '[]' END) WITH ORDINALITY a (value, n)
		  UNION ALL
		  -- Without the mark of a list.
		  SELECT to_jsonb(regexp_replace(l.line, '^\s*([-*+]|\d+[.)])\s+', '')), l.n FROM regexp_split_to_table(CASE jsonb_typeof(reported) WHEN 'string' THEN reported #>> '{}' END, '\r?\n') WITH ORDINALITY l (line, n)
		  UNION ALL
		  SELECT reported, 1 WHERE jsonb_typeof(reported) = 'object') i (issue, n)
	CROSS JOIN LATERAL (SELECT agent_studio_private.severity_of(i.issue) AS severity) s
	WHERE agent_studio_private.says_something(i.issue)
	ORDER BY 2, i.n;
END;
COMMENT ON FUNCTION agent_studio_private.listed_issues(jsonb) IS
'The issues that a step reported, the severest first.';

CREATE FUNCTION agent_studio_private.issue_counts(reported jsonb) RETURNS text
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT string_agg(c.n || ' ' || CASE c.severity WHEN 'not stated' THEN 'of no stated severity' ELSE c.severity END, ', ' ORDER BY c.rank)
	FROM (SELECT i.severity, i.rank, count(*) AS n FROM agent_studio_private.listed_issues(reported) i GROUP BY i.severity, i.rank) c;
END;
COMMENT ON FUNCTION agent_studio_private.issue_counts(jsonb) IS 'How many issues of each severity, in words; NULL = none.';
