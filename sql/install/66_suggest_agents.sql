-- as_suggest_agents: which agents fit a task. What counts is the work that the task asks
-- for (each type of agent has its words), then what the agent says of itself, then how it
-- has done lately.

CREATE FUNCTION agent_studio_private.type_vocabulary()
RETURNS TABLE (agent_type text, core text, further text)
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT * FROM (VALUES
		('architect', 'design architect architecture blueprint diagram topology schema plan',
			'scalability scalable component system structure model strategy technology requirements microservices capacity tradeoffs evolve'),
		('builder', 'implement build code develop program refactor fix integrate migrate',
			'endpoint api function class script library python typescript javascript java rust react fastapi crud add generate create'),
		('validator', 'review validate check audit test verify inspect assess vulnerabilities compliance',
			'security quality issues bugs severity standards performance risk findings approval'),
		('scribe', 'document documentation write guide readme tutorial manual changelog openapi specification summarize explain describe',
			'audience examples reference overview faq article release notes readers report translate')) v;
END;
COMMENT ON FUNCTION agent_studio_private.type_vocabulary() IS
'Words in a task that speak for a type of agent: those that name its work, and those that often go with it.';

CREATE FUNCTION agent_studio_private.stem(word text) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN (tsvector_to_array(to_tsvector('english', word)))[1];
COMMENT ON FUNCTION agent_studio_private.stem(text) IS
'The English stem of a word; NULL for a word that means nothing by itself.';

CREATE FUNCTION agent_studio_private.task_words(task text)
RETURNS TABLE (stem text, word text, place bigint)
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT DISTINCT ON (s.stem) s.stem, s.word, s.place
	FROM (SELECT agent_studio_private.stem(m.found[1]) AS stem, m.found[1] AS word, m.place
		  FROM pg_catalog.regexp_matches(left(task, 20000), '[[:alpha:]][[:alnum:]]*', 'g') WITH ORDINALITY m (found, place)
		  WHERE m.place <= 300) s
	WHERE s.stem IS NOT NULL ORDER BY s.stem, s.place;
END;
COMMENT ON FUNCTION agent_studio_private.task_words(text) IS
'The words of a task that mean something, by their stems, and at which place each comes first; of the first 300.';

-- A type that is not in the vocabulary is known by its own word: a translator translates.
CREATE FUNCTION agent_studio_private.type_fit(agent_type text, task text, OUT points integer, OUT words text[]) RETURNS record
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	WITH known AS (
		SELECT agent_studio_private.stem(w.word) AS stem, w.points
		FROM agent_studio_private.type_vocabulary() v
		CROSS JOIN LATERAL (
			SELECT pg_catalog.unnest(pg_catalog.string_to_array(v.core, ' ')) AS word, 5 AS points
			UNION ALL SELECT pg_catalog.unnest(pg_catalog.string_to_array(v.further, ' ')), 1) w
		WHERE v.agent_type = type_fit.agent_type
		UNION SELECT agent_studio_private.stem(type_fit.agent_type), 5)
	-- The first word of a task is mostly its verb.
	SELECT coalesce(sum(f.points), 0)::integer, pg_catalog.array_agg(f.word ORDER BY f.place)
	FROM (SELECT t.word, t.place, max(k.points) * CASE t.place WHEN 1 THEN 2 ELSE 1 END AS points
		  FROM agent_studio_private.task_words(task) t JOIN known k USING (stem) GROUP BY t.word, t.place) f;
END;
COMMENT ON FUNCTION agent_studio_private.type_fit(text, text) IS
'How much a task speaks for a type of agent, and by which of its words (NULL = none).';

CREATE FUNCTION agent_studio_private.suggestion_reason(agent_type text, type_words text[], own_words text[], ended bigint, success numeric) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN concat_ws('; ',
	format('work of type %s: ', agent_type) || lower(array_to_string(type_words[:5], ', ')),
	'speaks of ' || lower(array_to_string(own_words[:5], ', ')),
	CASE WHEN success IS NULL THEN 'no history yet' ELSE format('completed %s %% of its last %s', success, ended) END);
COMMENT ON FUNCTION agent_studio_private.suggestion_reason(text, text[], text[], bigint, numeric) IS
'Why an agent is suggested, in words.';

CREATE FUNCTION agent_studio.as_suggest_agents(task text, max_rows integer DEFAULT 5)
RETURNS TABLE (agent text, agent_type text, description text, score numeric, reason text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	PERFORM agent_studio_private.required('task', as_suggest_agents.task);
	PERFORM agent_studio_private.not_null('max_rows', max_rows IS NULL);
	PERFORM agent_studio_private.in_range('max_rows', max_rows, 1, 1000);
	RETURN QUERY
	WITH words AS MATERIALIZED (SELECT w.* FROM agent_studio_private.task_words(as_suggest_agents.task) w),
	vocabulary AS (
		SELECT sum(f.points) AS points FROM agent_studio_private.type_vocabulary() v
		CROSS JOIN LATERAL agent_studio_private.type_fit(v.agent_type, as_suggest_agents.task) f),
	types AS MATERIALIZED (
		SELECT t.agent_type, f.points, f.words, f.points / greatest(v.points, f.points, 1.0) AS fit
		FROM (SELECT DISTINCT a.agent_type FROM agent_studio.agents a) t CROSS JOIN vocabulary v
		CROSS JOIN LATERAL agent_studio_private.type_fit(t.agent_type, as_suggest_agents.task) f),
	scored AS (
		SELECT a.name, a.agent_type, a.description, t.words AS type_words, o.words AS own_words,
			   p.completed + p.failed AS ended, p.success_rate_percent AS success,
			   round(0.6 * t.fit + 0.35 * least(1, o.share) + 0.05 * coalesce(p.success_rate_percent, 50) / 100, 3) AS score
		FROM agent_studio.agents a JOIN types t USING (agent_type)
		CROSS JOIN LATERAL (
			SELECT array_agg(w.word ORDER BY w.place) AS words,
				   count(*) / greatest(least(8, (SELECT count(*) FROM words)), 1.0) AS share
			FROM words w WHERE w.stem = ANY (tsvector_to_array(agent_studio_private.agent_words(a)))) o
		LEFT JOIN agent_studio.agent_performance p ON p.agent = a.name
		WHERE a.status = 'active' AND (t.points > 0 OR o.words IS NOT NULL)
		ORDER BY score DESC, a.name OFFSET 0)		-- the best first, so that few are asked for whether they can be used
	SELECT s.name, s.agent_type, agent_studio_private.printable(s.description), s.score,
		   agent_studio_private.suggestion_reason(s.agent_type, s.type_words, s.own_words, s.ended, s.success)
	FROM scored s WHERE (agent_studio_private.agent_problem(current_user, s.name)).problem IS NULL
	LIMIT max_rows;
END
$$;
COMMENT ON FUNCTION agent_studio.as_suggest_agents(text, integer) IS
'Active agents that the current user could give this task to, the best first, with the reason. score, 0 to 1: six tenths for how much of the work that the task asks for is that of the agent''s type, three and a half for how much of the task the agent''s name, type, tags, description and examples speak of, and half a tenth for its success lately (agent_performance). An agent for which nothing speaks is not listed. Raises 22023 for an empty task or a bad max_rows.';
