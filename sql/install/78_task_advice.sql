-- How to word a task: as_task_template gives a form to fill in for each type of agent, and
-- as_check_task says what a task leaves open. It advises and never refuses: whether a short
-- task is clear enough is for people to know.

CREATE FUNCTION agent_studio_private.template_text(agent_type text) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN CASE agent_type
	WHEN 'architect' THEN $template$Design [system/component] for [use case] that handles [scale/volume].

Requirements:
- [Key requirement 1]
- [Key requirement 2]
- [Key requirement 3]

Constraints:
- Technology: [Tech stack]
- Budget: [Budget level]
- Timeline: [Timeline]

Expected output: Architecture diagram, component breakdown, technology recommendations$template$
	WHEN 'builder' THEN $template$Implement [feature/component] using [technology/framework].

Functional Requirements:
- [Requirement 1]
- [Requirement 2]
- [Requirement 3]

Technical Requirements:
- Language: [Language/version]
- Framework: [Framework/version]
- Dependencies: [Key dependencies]
- Error Handling: [Error handling approach]
- Testing: [Test coverage expectation]

Expected output: Complete implementation with tests and usage example$template$
	WHEN 'validator' THEN $template$Review [code/implementation/design] for [validation type].

Focus Areas:
- [Area 1]
- [Area 2]
- [Area 3]

Severity Priorities:
1. [Critical issues]
2. [High priority issues]
3. [Medium priority issues]

Expected output: Issues by severity with specific fixes, approval recommendation$template$
	WHEN 'scribe' THEN $template$Generate [documentation type] for [system/component].

Target Audience: [Audience level and role]

Required Sections:
- [Section 1]
- [Section 2]
- [Section 3]

Format: [Output format]
Examples: [Include/exclude examples]

Expected output: Complete documentation ready for publication$template$
	END;
COMMENT ON FUNCTION agent_studio_private.template_text(text) IS
'The form of a task for a type of agent, with what is to be filled in in brackets; NULL for a type that has none.';

CREATE FUNCTION agent_studio.as_task_template(agent_type text) RETURNS SETOF text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
BEGIN
	PERFORM agent_studio_private.one_of('agent type', lower(agent_type), ARRAY['architect', 'builder', 'validator', 'scribe']);
	RETURN QUERY SELECT string_to_table(agent_studio_private.template_text(lower(agent_type)), E'\n');
END
$$;
COMMENT ON FUNCTION agent_studio.as_task_template(text) IS
'A form for the task of an architect, builder, validator or scribe, a row a line; what is in brackets is to be filled in. Raises 22023 for another type, 22004 for NULL.';

CREATE FUNCTION agent_studio_private.good_task(agent_type text) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN CASE agent_type
	WHEN 'architect' THEN 'Design OAuth2 authentication system with JWT tokens for a multi-tenant SaaS application handling 50K users'
	WHEN 'validator' THEN 'Review the attached authentication implementation for security vulnerabilities, covering SQL injection, XSS and JWT expiration'
	WHEN 'scribe' THEN 'Generate OpenAPI 3.0 specification with request/response examples, authentication details, and error codes for all user management endpoints'
	ELSE 'Implement Stripe payment intent creation endpoint with webhook handling for successful payments and failures' END;
COMMENT ON FUNCTION agent_studio_private.good_task(text) IS
'A task for a type of agent that leaves little open, as an example.';

-- What is looked for in a task. Each is a sign, not a proof.
CREATE FUNCTION agent_studio_private.says_scope(task text) RETURNS boolean
LANGUAGE sql IMMUTABLE
RETURN task ~* '\m(for|with|without|using|including|covering|handling|containing|between|within|from|that|which|only|except|based on)\M'
	OR task ~ '\n\s*([-*]|\d+[.)])\s';
COMMENT ON FUNCTION agent_studio_private.says_scope(text) IS
'Whether a task says how far its subject reaches: a qualifying word, or a list.';

CREATE FUNCTION agent_studio_private.says_output(task text) RETURNS boolean
LANGUAGE sql IMMUTABLE
RETURN task ~* '\m(outputs?|formats?|return|returns|deliver|deliverables?|produce|result|list|table|sections?)\M'
	OR task ~* '\m(with|including|covering|containing|handling)\M'
	OR task ~* '\m(specifications?|diagrams?|reports?|checklist|summary|readme|markdown|json|csv|yaml|html|openapi)\M';
COMMENT ON FUNCTION agent_studio_private.says_output(text) IS
'Whether a task says what it wants to see: by its form, or by what it is to contain.';

-- Names have capitals or digits; API and the like are known to everybody.
CREATE FUNCTION agent_studio_private.says_context(task text, context jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE
RETURN coalesce(context, '{}') <> '{}'
	OR task ~* '\m(attached|above|below|following|existing|our)\M'
	OR EXISTS (SELECT FROM regexp_matches(task, '(?<=\S\s+)([[:alnum:]]*[[:upper:][:digit:]][[:alnum:]]*)', 'g') m
			   WHERE m[1] <> ALL ('{API,APIs,REST,UI,URL,ID,DB,SQL,CRUD,HTTP,I,A}'::text[]));
COMMENT ON FUNCTION agent_studio_private.says_context(text, jsonb) IS
'Whether a task names what it is about (technologies, numbers, what is attached), or context goes with it.';

CREATE FUNCTION agent_studio_private.says_constraints(task text, context jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE
RETURN context ?| ARRAY['constraints', 'scale', 'timeline', 'performanceTargets', 'requirements'] IS TRUE
	OR task ~ '\d' OR task ~* '\m(constraints?|must|at most|at least|no more than|budget|timeline|deadline)\M';
COMMENT ON FUNCTION agent_studio_private.says_constraints(text, jsonb) IS
'Whether a task, or the context with it, says within which bounds: scale, technology, budget, time.';

CREATE FUNCTION agent_studio_private.vague_words(task text) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN (SELECT string_agg(DISTINCT lower(m[1]), ', ')
		FROM regexp_matches(task, '\m(give me|something|anything|stuff|things|whatever|somehow|etc|and so on|nice|better)\M', 'gi') m);
COMMENT ON FUNCTION agent_studio_private.vague_words(text) IS
'Words of a task that leave open what is meant; NULL = none.';

CREATE FUNCTION agent_studio_private.unfilled(task text) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN (SELECT string_agg(DISTINCT m[1], ', ') FROM agent_studio_private.type_vocabulary() v
		CROSS JOIN LATERAL regexp_matches(agent_studio_private.template_text(v.agent_type), '\[[^]]+\]', 'g') m
		WHERE strpos(task, m[1]) > 0);
COMMENT ON FUNCTION agent_studio_private.unfilled(text) IS
'What of a template was not filled in; NULL = nothing.';

CREATE FUNCTION agent_studio_private.fitting_type(agent_type text, task text) RETURNS text
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT v.agent_type FROM agent_studio_private.type_vocabulary() v
	CROSS JOIN LATERAL agent_studio_private.type_fit(v.agent_type, fitting_type.task) f
	WHERE f.points >= 10 AND EXISTS (SELECT FROM agent_studio_private.type_vocabulary() o WHERE o.agent_type = fitting_type.agent_type)
	  AND (agent_studio_private.type_fit(fitting_type.agent_type, fitting_type.task)).points = 0
	ORDER BY f.points DESC, v.agent_type LIMIT 1;
END;
COMMENT ON FUNCTION agent_studio_private.fitting_type(text, text) IS
'The type of agent whose work a task is, where nothing in it is that of the given type; NULL otherwise.';

CREATE FUNCTION agent_studio_private.context_example(agent_type text) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN format('context => %L', (SELECT coalesce(jsonb_object_agg(f.field, f.description), '{"scale": "Expected load or volume"}')
								FROM agent_studio.as_context_fields(agent_type) f));
COMMENT ON FUNCTION agent_studio_private.context_example(text) IS
'The argument context with the usual members for a type of agent.';

CREATE FUNCTION agent_studio_private.output_example(agent_type text) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN coalesce((regexp_match(agent_studio_private.template_text(agent_type), 'Expected output: [^\n]+'))[1],
	'Expected output: Markdown with the sections Summary, Details, Next Steps');
COMMENT ON FUNCTION agent_studio_private.output_example(text) IS
'A line that says what output is expected of a type of agent.';

CREATE FUNCTION agent_studio.as_check_task(agent text, task text, context jsonb DEFAULT '{}')
RETURNS TABLE (kind text, advice text, example text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	kind_of_agent text := (agent_studio_private.find_agent(current_user, agent)).agent_type;
	said text := left(coalesce(task, ''), 20000);
	words integer := (SELECT count(*) FROM regexp_matches(said, '[^[:space:]]+', 'g'));
	open_fields text := agent_studio_private.unfilled(said);
	vague text := agent_studio_private.vague_words(said);
	other_type text := agent_studio_private.fitting_type(kind_of_agent, said);
BEGIN
	RETURN QUERY
	SELECT a.kind, a.advice, a.example
	FROM (VALUES
		('too_short', words < 8, format('%s much open: say what exactly, for whom, and how large.', CASE words WHEN 1 THEN '1 word leaves' ELSE words || ' words leave' END),
			agent_studio_private.good_task(kind_of_agent)),
		('unfilled', open_fields IS NOT NULL, format('Fill in what the template leaves open: %s.', open_fields),
			agent_studio_private.good_task(kind_of_agent)),
		('vague', vague IS NOT NULL, format('Say what is meant instead of: %s.', vague),
			agent_studio_private.good_task(kind_of_agent)),
		('no_scope', NOT agent_studio_private.says_scope(said), 'Say how far it reaches: which part, for what, with what.',
			agent_studio_private.good_task(kind_of_agent)),
		('no_expected_output', NOT agent_studio_private.says_output(said), 'Say what the answer is to consist of.',
			agent_studio_private.output_example(kind_of_agent)),
		('no_context', NOT agent_studio_private.says_context(said, context), 'Name the technologies, numbers or documents that it is about, in the task or in its context.',
			agent_studio_private.context_example(kind_of_agent)),
		('no_constraints', kind_of_agent = 'architect' AND NOT agent_studio_private.says_constraints(said, context),
			'Say within which bounds: load, technology, budget, time.', 'Constraints: 100K concurrent connections, PostgreSQL 15, $2K monthly, 3 weeks'),
		('bad_context', jsonb_typeof(context) <> 'object', format('The context must be a JSON object; as_execute_task refuses a JSON %s.', jsonb_typeof(context)),
			agent_studio_private.context_example(kind_of_agent)),
		('other_agent', other_type IS NOT NULL, format('It reads like work for an agent of type %s.', other_type),
			format('SELECT * FROM agent_studio.as_suggest_agents(%L);', agent_studio_private.one_line(said, 200)))
		) a (kind, applies, advice, example)
	WHERE a.applies;
END
$$;
COMMENT ON FUNCTION agent_studio.as_check_task(text, text, jsonb) IS
'What a task leaves open, before it is given to an agent: a row for each piece of advice, with an example; none = nothing to say. kind: too_short, unfilled (a template''s brackets), vague, no_scope, no_expected_output, no_context, no_constraints (architects), bad_context, other_agent (the work is that of another type). It looks for signs in English words and refuses no task. Raises 42704 for an agent that there is not.';
