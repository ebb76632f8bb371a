-- Which agent to choose: as_search_agents finds agents by their words and by what they
-- are; as_suggest_agents ranks those that could do a given task.
--
-- An agent's words are those of its name, type, tags, description and examples, as they
-- are written and by their English stems. Its prompt is not among them: it speaks of
-- much that the agent is not for. Nothing is kept in an index: agents are few, and a
-- column of text search would tie the tables to a configuration of the server.

CREATE FUNCTION agent_studio_private.weighted_words(content text, weight "char") RETURNS tsvector
LANGUAGE sql IMMUTABLE
RETURN setweight(to_tsvector('english', left(content, 20000)) || to_tsvector('simple', left(content, 20000)), weight);
COMMENT ON FUNCTION agent_studio_private.weighted_words(text, "char") IS
'The words of a text, as written and by their English stems, with a weight; NULL for NULL. Of a long text, of its beginning.';

CREATE FUNCTION agent_studio_private.agent_words(agent agent_studio.agents) RETURNS tsvector
LANGUAGE sql STABLE
RETURN agent_studio_private.weighted_words(translate((agent).name, '-_', '  '), 'A')
	|| agent_studio_private.weighted_words(translate((agent).agent_type, '-_', '  ') || ' ' || translate(array_to_string((agent).tags, ' '), '-_', '  '), 'B')
	|| agent_studio_private.weighted_words(coalesce((agent).description, ''), 'C')
	|| agent_studio_private.weighted_words(array_to_string((agent).examples, ' '), 'D');
COMMENT ON FUNCTION agent_studio_private.agent_words(agent_studio.agents) IS
'What an agent is found by: words of its name (weight A), type and tags (B), description (C) and examples (D).';

-- A hyphen within a word parts it, as in agents' names; one before a word excludes it.
CREATE FUNCTION agent_studio_private.whole_words(query text) RETURNS tsquery
LANGUAGE sql IMMUTABLE
RETURN (SELECT websearch_to_tsquery('english', q.words) || websearch_to_tsquery('simple', q.words)
		FROM (SELECT regexp_replace(left(query, 1000), '(?<=\w)[-_]+(?=\w)', ' ', 'g') AS words) q);
COMMENT ON FUNCTION agent_studio_private.whole_words(text) IS
'A search for all of the words, in the manner of web searches: "in quotes", or, -not.';

CREATE FUNCTION agent_studio_private.any_word(words text[]) RETURNS tsquery
LANGUAGE sql IMMUTABLE
RETURN (SELECT to_tsquery('simple', string_agg(w || ':*', ' | ')) FROM unnest(words) w WHERE w ~ '^[[:alnum:]]+$');
COMMENT ON FUNCTION agent_studio_private.any_word(text[]) IS
'A search for any word that begins with one of these; NULL where there is none.';

CREATE FUNCTION agent_studio_private.search_query(query text, documents tsvector[]) RETURNS tsquery
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	wanted tsquery := agent_studio_private.whole_words(query);
	words text[] := ARRAY(SELECT lower(m[1]) FROM regexp_matches(left(query, 1000), '[[:alnum:]]+', 'g') m);
	known text[];
BEGIN
	IF EXISTS (SELECT FROM unnest(documents) d WHERE d @@ wanted) THEN
		RETURN wanted;
	END IF;
	wanted := agent_studio_private.any_word(words);
	IF wanted IS NULL OR EXISTS (SELECT FROM unnest(documents) d WHERE d @@ wanted) THEN
		RETURN wanted;
	END IF;
	known := ARRAY(SELECT DISTINCT l FROM unnest(documents) d, unnest(tsvector_to_array(d)) l);
	-- Whoever mistypes a word mostly begins it right; short words are near to everything.
	RETURN agent_studio_private.any_word(ARRAY(
		SELECT agent_studio_private.suggest(w, ARRAY(SELECT k FROM unnest(known) k WHERE left(k, 1) = left(w, 1))) FROM unnest(words) w WHERE length(w) > 3));
END
$$;
COMMENT ON FUNCTION agent_studio_private.search_query(text, tsvector[]) IS
'The narrowest search that finds one of the documents: all words, else the beginning of any, else the nearest spelling of any; NULL = nothing comes near.';

CREATE FUNCTION agent_studio_private.in_team(agent agent_studio.agents, team text) RETURNS boolean
LANGUAGE sql STABLE
RETURN CASE team WHEN 'shared' THEN (agent).visibility = 'shared'
	WHEN 'mine' THEN coalesce((agent).owner = ANY (agent_studio_private.my_roles()) OR (agent).team = ANY (agent_studio_private.my_roles()), false)
	ELSE true END;
COMMENT ON FUNCTION agent_studio_private.in_team(agent_studio.agents, text) IS
'Whether an agent is shared, or the current user''s own or its team''s (mine); true for all.';

CREATE FUNCTION agent_studio_private.check_search(agent_type text, team text, environment text, status text, max_rows integer) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF agent_type IS NOT NULL THEN
		PERFORM agent_studio_private.one_of('agent type', agent_type, ARRAY['architect', 'builder', 'validator', 'scribe']
			|| ARRAY(SELECT DISTINCT a.agent_type FROM agent_studio.agents a
					 WHERE a.agent_type NOT IN ('architect', 'builder', 'validator', 'scribe') ORDER BY 1));
	END IF;
	PERFORM agent_studio_private.one_of('team', team, ARRAY['mine', 'shared', 'all']);
	IF environment IS NOT NULL THEN
		PERFORM agent_studio_private.one_of('environment', environment, ARRAY['development', 'staging', 'production']);
	END IF;
	IF status IS NOT NULL THEN
		PERFORM agent_studio_private.one_of('status', status, ARRAY['active', 'deprecated']);
	END IF;
	PERFORM agent_studio_private.not_null('max_rows', max_rows IS NULL);
	PERFORM agent_studio_private.in_range('max_rows', max_rows, 1, 10000);
END
$$;
COMMENT ON FUNCTION agent_studio_private.check_search(text, text, text, text, integer) IS
'Raises 22023 for a filter that is misspelt, with the list of good ones; NULL passes but for team and max_rows (22004).';

CREATE FUNCTION agent_studio.as_search_agents(query text DEFAULT NULL,
	OUT name text, INOUT agent_type text DEFAULT NULL, OUT description text, INOUT team text DEFAULT 'all',
	INOUT environment text DEFAULT NULL, INOUT status text DEFAULT 'active', OUT version text, OUT model text,
	OUT rank real, OUT success_rate_percent numeric, max_rows integer DEFAULT 50) RETURNS SETOF record
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	wanted_type text := lower(as_search_agents.agent_type);
	wanted_team text := lower(as_search_agents.team);
	wanted_environment text := lower(as_search_agents.environment);
	wanted_status text := lower(as_search_agents.status);
	chosen agent_studio.agents[];
	documents tsvector[];
	wanted tsquery;
BEGIN
	PERFORM agent_studio_private.check_search(wanted_type, wanted_team, wanted_environment, wanted_status, max_rows);
	SELECT array_agg(a), array_agg(agent_studio_private.agent_words(a)) INTO chosen, documents
	FROM agent_studio.agents a
	WHERE (wanted_type IS NULL OR a.agent_type = wanted_type) AND agent_studio_private.in_team(a, wanted_team)
	  AND (wanted_environment IS NULL OR a.environment = wanted_environment) AND (wanted_status IS NULL OR a.status = wanted_status);
	IF query ~ '[^[:space:]]' THEN
		wanted := agent_studio_private.search_query(query, documents);
	END IF;
	RETURN QUERY
	SELECT f.name, f.agent_type, agent_studio_private.printable(f.description), f.team, f.environment, f.status, f.version, m.name, f.rank, p.success_rate_percent
	FROM (SELECT a.*, a.current_version AS version, ts_rank(d.words, wanted) AS rank
		  FROM unnest(chosen) WITH ORDINALITY a JOIN unnest(documents) WITH ORDINALITY d (words, ordinality) USING (ordinality)
		  WHERE query !~ '[^[:space:]]' OR query IS NULL OR d.words @@ wanted
		  ORDER BY rank DESC NULLS LAST, a.name LIMIT max_rows) f
	LEFT JOIN agent_studio.agent_versions v ON v.agent_id = f.agent_id AND v.version = f.version
	LEFT JOIN agent_studio.models m USING (model_id)
	LEFT JOIN agent_studio.agent_performance p ON p.agent = f.name
	ORDER BY f.rank DESC NULLS LAST, p.success_rate_percent DESC NULLS LAST, f.name;
END
$$;
COMMENT ON FUNCTION agent_studio.as_search_agents(text, text, text, text, text, integer) IS
'Agents that the current user can see, best first. query looks for words in their names, types, tags, descriptions and examples: all of them, or where no agent has all, what begins with any of them, or is spelt like one; "in quotes", or, and -not as on the web. NULL = no search. agent_type, environment and status filter (NULL = any); team: mine (my own and my teams''), shared, or all. rank is NULL without a query; success_rate_percent is that of agent_performance, NULL = no history. Raises 22023 for a filter that is misspelt, with the list of good ones.';
