-- Downloads: an execution as one file to keep or to send, as Markdown, JSON, plain text
-- or a ZIP archive with all of its files.

CREATE FUNCTION agent_studio_private.require_downloadable(execution bigint) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	most CONSTANT bigint := 100 * 1024 * 1024;
	bytes bigint := (SELECT sum(octet_length(coalesce(s.output, ''))::bigint + octet_length(coalesce(s.outputs::text, '')))
					 FROM agent_studio_private.current_steps(execution) s);
BEGIN
	IF bytes > most THEN
		RAISE EXCEPTION 'execution % has % of outputs, a download takes % at most', execution, pg_size_pretty(bytes), pg_size_pretty(most)
			USING ERRCODE = 'program_limit_exceeded',
				  HINT = format('Take them one by one: SELECT content FROM agent_studio.artifacts WHERE execution_id = %s AND file_name = ''...''; agent_studio.outputs has those that are no files.', execution);
	END IF;
END
$$;
COMMENT ON FUNCTION agent_studio_private.require_downloadable(bigint) IS
'Raises 54000 where the outputs of an execution are too large to be put into one value.';

-- The archive.

CREATE FUNCTION agent_studio_private.zip(names text[], contents text[], at timestamptz) RETURNS bytea
AS 'MODULE_PATHNAME', 'agent_studio_zip' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION agent_studio_private.zip(text[], text[], timestamptz) IS
'Texts as files of one ZIP archive, each with that time.';

CREATE FUNCTION agent_studio_private.distinct_names(names text[]) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	given text;
	name text;
	n integer;
	distinct_ones text[] := '{}';
	taken text[] := '{}';		-- in lower case: some file systems take A and a for one
BEGIN
	FOREACH given IN ARRAY names LOOP
		name := given;
		n := 1;
		WHILE lower(name) = ANY (taken) LOOP
			n := n + 1;
			name := n || '-' || given;
		END LOOP;
		distinct_ones := distinct_ones || name;
		taken := taken || lower(name);
	END LOOP;
	RETURN distinct_ones;
END
$$;
COMMENT ON FUNCTION agent_studio_private.distinct_names(text[]) IS
'The names in their order, with a number before each that an earlier one has taken.';

CREATE FUNCTION agent_studio_private.document_zip(execution agent_studio.executions) RETURNS bytea
LANGUAGE sql STABLE
BEGIN ATOMIC
	WITH members AS (
		SELECT row_number() OVER () AS place, f.file_name AS name, f.content FROM agent_studio_private.files_of(execution) f
		UNION ALL
		SELECT 1000000, agent_studio_private.execution_label(execution) || '.md', agent_studio_private.document_markdown(execution, false)
		UNION ALL
		SELECT 1000001, agent_studio_private.execution_label(execution) || '.json', agent_studio_private.json_indent(agent_studio_private.document_json(execution)))
	SELECT agent_studio_private.zip(agent_studio_private.distinct_names(array_agg(m.name ORDER BY m.place)),
		array_agg(coalesce(m.content, '') ORDER BY m.place), coalesce((execution).finished_at, (execution).submitted_at))
	FROM members m;
END;
COMMENT ON FUNCTION agent_studio_private.document_zip(agent_studio.executions) IS
'All files of an execution, and the Markdown and JSON of it, as one ZIP archive.';

-- What users call.

CREATE FUNCTION agent_studio.as_download_text(execution bigint, format text DEFAULT 'md') RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_variable
DECLARE
	target agent_studio.executions;
BEGIN
	PERFORM agent_studio_private.require_execution(execution);
	PERFORM agent_studio_private.one_of('format', lower(format), ARRAY['md', 'markdown', 'json', 'txt', 'plaintext', 'zip']);
	IF lower(format) = 'zip' THEN
		RAISE EXCEPTION 'a zip archive is no text'
			USING ERRCODE = 'invalid_parameter_value', HINT = pg_catalog.format('agent_studio.as_download(%s, ''zip'') returns it as bytea.', execution);
	END IF;
	PERFORM agent_studio_private.require_downloadable(execution);
	SELECT e.* INTO target FROM agent_studio.executions e WHERE e.execution_id = execution;
	RETURN CASE lower(format)
		WHEN 'json' THEN agent_studio_private.json_indent(agent_studio_private.document_json(target))
		WHEN 'txt' THEN agent_studio_private.plain_text(agent_studio_private.document_markdown(target, true))
		WHEN 'plaintext' THEN agent_studio_private.plain_text(agent_studio_private.document_markdown(target, true))
		ELSE agent_studio_private.document_markdown(target, false) END;
END
$$;
COMMENT ON FUNCTION agent_studio.as_download_text(bigint, text) IS
'An execution as one text to keep or to send. format: md (or markdown) is the answer below its title with who made it, which execution it is, when and for how much, and time, tokens and model at its end, of a workflow the outputs of every step; json has the same and all figures; txt (or plaintext) is the Markdown as text to read, without control characters. One that is under way, or did not complete, has what there is, and its status. Raises 42704, 22023 for an unknown format and for zip, 54000 for outputs of more than 100 MB, and for Markdown that cannot be made plain text with 256 MB of memory.';

CREATE FUNCTION agent_studio.as_download(execution bigint, format text DEFAULT 'zip') RETURNS bytea
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_variable
DECLARE
	target agent_studio.executions;
BEGIN
	IF lower(format) IS DISTINCT FROM 'zip' THEN
		RETURN convert_to(agent_studio.as_download_text(execution, format), 'UTF8');
	END IF;
	PERFORM agent_studio_private.require_execution(execution);
	PERFORM agent_studio_private.require_downloadable(execution);
	SELECT e.* INTO target FROM agent_studio.executions e WHERE e.execution_id = execution;
	RETURN agent_studio_private.document_zip(target);
END
$$;
COMMENT ON FUNCTION agent_studio.as_download(bigint, text) IS
'An execution as the bytes of one file: format zip is an archive of all its artifacts, with the Markdown and the JSON of as_download_text, the same bytes each time; md, json and txt are those texts in UTF-8. Raises what as_download_text does.';
