-- What the functions' bodies share.

-- Every public writing function is this one C function: it takes the calling role
-- as the actor and calls the function of the same name and arguments in
-- agent_studio_private as the extension's owner.

CREATE FUNCTION agent_studio_private.suggest(wanted text, candidates text[]) RETURNS text
AS 'MODULE_PATHNAME', 'agent_studio_suggest' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION agent_studio_private.suggest(text, text[]) IS
'The candidate that is spelt most like what was wanted; NULL = none comes near.';

CREATE FUNCTION agent_studio_private.wake() RETURNS void
AS 'MODULE_PATHNAME', 'agent_studio_wake' LANGUAGE C;
COMMENT ON FUNCTION agent_studio_private.wake() IS
'Wakes this database''s executor when the transaction commits. Warns, once a transaction, if there is none.';

CREATE FUNCTION agent_studio_private.extension_created() RETURNS void
AS 'MODULE_PATHNAME', 'agent_studio_extension_created' LANGUAGE C;
COMMENT ON FUNCTION agent_studio_private.extension_created() IS
'Tells the launcher, when the transaction commits, that this database has the extension now.';

CREATE FUNCTION agent_studio_private.change_count() RETURNS bigint
AS 'MODULE_PATHNAME', 'agent_studio_change_count' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION agent_studio_private.change_count() IS
'How often this database''s executor has committed something that a reader could see.';

CREATE FUNCTION agent_studio_private.await_change(seen bigint, timeout_ms integer) RETURNS bigint
AS 'MODULE_PATHNAME', 'agent_studio_await_change' LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION agent_studio_private.await_change(bigint, integer) IS
'Waits until change_count() is another than the one seen, for so many milliseconds at most; returns it.';

CREATE FUNCTION agent_studio_private.worker_state(
	OUT preloaded boolean, OUT loaded_version text,
	OUT launcher_pid integer, OUT listed boolean, OUT state text, OUT executor_pid integer,
	OUT epoch bigint, OUT in_flight integer, OUT problem text) RETURNS record
AS 'MODULE_PATHNAME', 'agent_studio_worker_state' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION agent_studio_private.worker_state() IS
'What shared memory says of the launcher and of this database''s executor.';

-- In PL/pgSQL, which keeps its plan for the session: one in SQL is planned anew in every
-- transaction and every block with EXCEPTION, for 0.3 ms.
CREATE FUNCTION agent_studio_private.has_role(actor text, role_name text) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN coalesce((SELECT pg_has_role(a.oid, r.oid, 'usage') FROM pg_roles a, pg_roles r
					 WHERE a.rolname = actor AND r.rolname = role_name), false);
END
$$;
COMMENT ON FUNCTION agent_studio_private.has_role(text, text) IS
'Whether the actor has the rights of that role; false where either does not exist.';

CREATE FUNCTION agent_studio_private.has_grant(actor text, kind text, object_id bigint, VARIADIC privileges text[]) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN EXISTS (SELECT FROM agent_studio.grants g
				   WHERE g.kind = has_grant.kind AND g.object_id = has_grant.object_id AND g.privilege = ANY (privileges)
					 AND agent_studio_private.has_role(actor, g.role));
END
$$;
COMMENT ON FUNCTION agent_studio_private.has_grant(text, text, bigint, text[]) IS
'Whether the actor was granted one of these privileges on an agent or a workflow, itself or through a role.';

CREATE FUNCTION agent_studio_private.require_admin(actor text, what text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT agent_studio_private.has_role(actor, 'agent_studio_admin') THEN
		RAISE EXCEPTION 'role "%" may not %', actor, what
			USING ERRCODE = 'insufficient_privilege', HINT = 'Members of agent_studio_admin may.';
	END IF;
END
$$;
COMMENT ON FUNCTION agent_studio_private.require_admin(text, text) IS 'Raises 42501 unless the actor is a member of agent_studio_admin.';

CREATE FUNCTION agent_studio_private.one_of(what text, value text, allowed text[]) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	near text;
BEGIN
	IF value = ANY (allowed) THEN
		RETURN;
	END IF;
	IF value IS NULL THEN
		RAISE EXCEPTION '% must not be NULL', what
			USING ERRCODE = 'null_value_not_allowed',
				  HINT = format('Use one of: %s.', array_to_string(allowed, ', '));
	END IF;
	near := agent_studio_private.suggest(value, allowed);
	RAISE EXCEPTION '% "%" is not known', what, value
		USING ERRCODE = 'invalid_parameter_value',
			  HINT = CASE WHEN near IS NULL THEN '' ELSE format('Perhaps you meant "%s". ', near) END
				|| format('Use one of: %s.', array_to_string(allowed, ', '));
END
$$;
COMMENT ON FUNCTION agent_studio_private.one_of(text, text, text[]) IS
'Raises 22023, or 22004 for NULL, with the list of allowed values unless the value is one of them.';

CREATE FUNCTION agent_studio_private.in_range(what text, value numeric, low numeric, high numeric) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF value < low OR value > high THEN
		RAISE EXCEPTION '% is %, it must be from % to %', what, value, low, high
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
END
$$;
COMMENT ON FUNCTION agent_studio_private.in_range(text, numeric, numeric, numeric) IS
'Raises 22023 if the value is outside the range; NULL passes.';

CREATE FUNCTION agent_studio_private.required(what text, value text) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF value IS NULL OR value !~ '[^[:space:]]' THEN
		RAISE EXCEPTION '% must not be empty', what
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
END
$$;
COMMENT ON FUNCTION agent_studio_private.required(text, text) IS
'Raises 22023 if the value is NULL or blank.';

CREATE FUNCTION agent_studio_private.check_name(what text, value text) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM agent_studio_private.required(what, value);
	IF length(value) > 200 THEN
		RAISE EXCEPTION '% has % characters, it may have 200', what, length(value)
			USING ERRCODE = 'program_limit_exceeded', HINT = 'Take a shorter name; a description may be as long as it likes.';
	END IF;
	-- Names are shown in terminals, logs and pages, which would obey them.
	IF value ~ E'[\u0001-\u001f\u007f-\u009f]' THEN
		RAISE EXCEPTION '% has a control character in it', what
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Take a name of one line, without tabs and escape sequences.';
	END IF;
	-- Nor may one look like another. (What joins or parts letters, U+200C and U+200D, belongs to some scripts.)
	IF value ~ E'[\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]' THEN
		RAISE EXCEPTION '% has a mark in it that cannot be seen, or turns the direction of writing', what
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Take a name of characters that are all seen.';
	END IF;
END
$$;
COMMENT ON FUNCTION agent_studio_private.check_name(text, text) IS
'Raises 22023 if the name is NULL or blank, or has a control character or an invisible mark, 54000 if it is longer than names may be: they are kept in indexes.';

CREATE FUNCTION agent_studio_private.check_idempotency_key(idempotency_key text) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF idempotency_key = '' THEN
		RAISE EXCEPTION 'idempotency_key must not be empty'
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Leave it out, or give the task a key of its own.';
	END IF;
	IF octet_length(idempotency_key) > 1000 THEN
		RAISE EXCEPTION 'idempotency_key has % bytes, it may have 1000', octet_length(idempotency_key)
			USING ERRCODE = 'program_limit_exceeded', HINT = 'Use a hash of it, for example encode(sha256(convert_to(key, ''UTF8'')), ''hex'').';
	END IF;
END
$$;
COMMENT ON FUNCTION agent_studio_private.check_idempotency_key(text) IS
'Raises 22023 for an empty key, 54000 for one that is too long; NULL passes.';

CREATE FUNCTION agent_studio_private.not_null(what text, is_null boolean) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF is_null THEN
		RAISE EXCEPTION '% must not be NULL', what
			USING ERRCODE = 'null_value_not_allowed', HINT = 'Leave the argument out to get its default.';
	END IF;
END
$$;
COMMENT ON FUNCTION agent_studio_private.not_null(text, boolean) IS
'Raises 22004 for an argument that is NULL where NULL means nothing.';

CREATE FUNCTION agent_studio_private.version_label(version text) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF version !~ '^[0-9]{1,9}[.][0-9]{1,9}[.][0-9]{1,9}$' THEN
		RAISE EXCEPTION 'version "%" is not of the form 1.0.0', left(version, 100)
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'A version is three numbers of at most nine digits; name a good one with version => ''2.0.0''.';
	END IF;
END
$$;
COMMENT ON FUNCTION agent_studio_private.version_label(text) IS
'Raises 22023 for a label that is not major.minor.patch; NULL passes.';

CREATE FUNCTION agent_studio_private.version_after(labels text[]) RETURNS text
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT coalesce((SELECT pg_catalog.format('%s.%s.0', n[1], n[2] + 1)
					 FROM pg_catalog.unnest(labels) label
					 CROSS JOIN LATERAL (SELECT pg_catalog.string_to_array(label, '.')::int[] AS n) parts
					 ORDER BY n DESC LIMIT 1), '1.0.0');
END;
COMMENT ON FUNCTION agent_studio_private.version_after(text[]) IS
'The label after the highest of these: the next minor version; 1.0.0 where there is none.';

CREATE FUNCTION agent_studio_private.member_of(actor text, team text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF team IS NOT NULL AND NOT agent_studio_private.has_role(actor, team) THEN
		RAISE EXCEPTION 'role "%" is not a member of team "%"', actor, team
			USING ERRCODE = 'insufficient_privilege',
				  HINT = 'A team is a role; its members are those to whom it was granted.';
	END IF;
END
$$;
COMMENT ON FUNCTION agent_studio_private.member_of(text, text) IS
'Raises 42501 unless the actor is a member of that team; NULL passes.';

CREATE FUNCTION agent_studio_private.output_format(value text) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	format_name text := CASE lower(value) WHEN 'md' THEN 'markdown' WHEN 'txt' THEN 'plaintext' ELSE lower(value) END;
BEGIN
	IF value IS NULL THEN
		RETURN NULL;
	END IF;
	PERFORM agent_studio_private.one_of('output format', format_name,
										ARRAY['markdown', 'json', 'plaintext', 'code']);
	RETURN format_name;
END
$$;
COMMENT ON FUNCTION agent_studio_private.output_format(text) IS
'The format''s full name, NULL for NULL; raises 22023 for an unknown one.';
 
CREATE FUNCTION agent_studio_private.json_schema(given json) RETURNS json
AS 'MODULE_PATHNAME', 'agent_studio_json_schema' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION agent_studio_private.json_schema(json) IS
'The schema with the shorthand written out; raises 22023 for one that could not be checked in full.';

CREATE FUNCTION agent_studio_private.format_problem(output text, output_format text, json_schema json) RETURNS text
AS 'MODULE_PATHNAME', 'agent_studio_format_problem' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION agent_studio_private.format_problem(text, text, json) IS
'Why an output is not of that format, or not valid, in words; NULL = it is. The check that answers have to pass.';

CREATE FUNCTION agent_studio_private.sections_present(output text, sections text[]) RETURNS integer
AS 'MODULE_PATHNAME', 'agent_studio_sections_present' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION agent_studio_private.sections_present(text, text[]) IS
'Percent of the sections that an output has, as headings or as members of its JSON: what validation criteria look at.';

CREATE FUNCTION agent_studio_private.section_of(output text, names text[]) RETURNS text
AS 'MODULE_PATHNAME', 'agent_studio_section' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION agent_studio_private.section_of(text, text[]) IS
'What stands under the heading of a Markdown text that has one of these names, of several the first of the list; NULL = there is none, or nothing under it.';

CREATE FUNCTION agent_studio_private.require_execution(execution bigint) RETURNS void
AS 'MODULE_PATHNAME', 'agent_studio_require_execution' LANGUAGE C STABLE;
COMMENT ON FUNCTION agent_studio_private.require_execution(bigint) IS
'Raises 42704 unless the current user can see that execution.';

CREATE FUNCTION agent_studio_private.require_no_block(what text) RETURNS void
AS 'MODULE_PATHNAME', 'agent_studio_require_no_block' LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION agent_studio_private.require_no_block(text) IS
'Raises 2D000 within a transaction block, where a procedure that commits cannot run.';
