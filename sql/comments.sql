-- What a user can see is described, what could be hijacked is pinned, and settings
-- describe themselves.
\pset format unaligned

-- Everything that belongs to the extension, or to such a thing, without a comment.
CREATE VIEW tests.members AS
	SELECT d.classid, d.objid FROM pg_depend d JOIN pg_extension x ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = x.oid
	WHERE x.extname = 'agent_studio' AND d.deptype = 'e';
SELECT pg_describe_object(m.classid, m.objid, 0) AS uncommented
FROM tests.members m LEFT JOIN pg_class c ON m.classid = 'pg_class'::regclass AND c.oid = m.objid
	LEFT JOIN pg_type t ON m.classid = 'pg_type'::regclass AND t.oid = m.objid
WHERE c.relkind IS DISTINCT FROM 'S' AND m.classid <> 'pg_cast'::regclass
  AND (t.oid IS NULL OR (t.typrelid = 0 AND t.typelem = 0))		-- row and array types
  AND coalesce(obj_description(m.objid, m.classid::regclass::name), '') = ''
ORDER BY 1;
SELECT a.attrelid::regclass AS uncommented, a.attname AS "column"
FROM tests.members m JOIN pg_class c ON m.classid = 'pg_class'::regclass AND c.oid = m.objid
	JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'v', 'm', 'p') AND c.relnamespace <> 'agent_studio_private'::regnamespace
  AND coalesce(col_description(c.oid, a.attnum), '') = ''
ORDER BY 1, a.attnum;
-- The queries above do find what has none.
BEGIN;
COMMENT ON TABLE agent_studio.executions IS NULL;
COMMENT ON COLUMN agent_studio.steps.state IS NULL;
SELECT pg_describe_object(m.classid, m.objid, 0) FROM tests.members m
WHERE m.classid = 'pg_class'::regclass AND m.objid = 'agent_studio.executions'::regclass AND obj_description(m.objid, 'pg_class') IS NULL;
SELECT a.attname FROM pg_attribute a WHERE a.attrelid = 'agent_studio.steps'::regclass AND a.attnum > 0 AND col_description(a.attrelid, a.attnum) IS NULL;
ROLLBACK;
-- Nothing of ours lies outside of our schemas, and nothing in them is not ours.
SELECT n.nspname, p.proname FROM tests.members m JOIN pg_proc p ON m.classid = 'pg_proc'::regclass AND p.oid = m.objid
	JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname NOT IN ('agent_studio', 'agent_studio_private');
SELECT p.oid::regprocedure FROM pg_proc p
WHERE p.pronamespace IN ('agent_studio'::regnamespace, 'agent_studio_private'::regnamespace)
  AND NOT EXISTS (SELECT FROM tests.members m WHERE m.classid = 'pg_proc'::regclass AND m.objid = p.oid);

-- Public functions start with as_, say which errors they raise, and take no secret.
SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'agent_studio'::regnamespace
  AND p.proname !~ '^as_' AND p.proname <> 'agent_studio_validator';
SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'agent_studio'::regnamespace
  AND p.proname NOT IN ('as_context_fields', 'as_check') AND obj_description(p.oid, 'pg_proc') !~ 'Raises';
SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace::regnamespace::text LIKE 'agent\_studio%'
  AND EXISTS (SELECT FROM unnest(p.proargnames) a WHERE a ~ 'key|secret|password|token' AND a !~ '^(idempotency_key|.*_tokens|tokens|tokens_per_minute|tokens_per_second|token_efficiency_percent|max_tokens_parameter)$');
-- No overloads but by the name of the first argument, so a named argument never becomes ambiguous.
SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'agent_studio'::regnamespace GROUP BY p.proname, p.proargnames[1] HAVING count(*) > 1;

-- A body in text is read with the caller's search_path, unless it pins its own or is
-- bound at creation (BEGIN ATOMIC). Procedures that commit cannot pin one: they
-- qualify every name instead.
SELECT p.oid::regprocedure AS unpinned, p.prokind FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
WHERE p.pronamespace IN ('agent_studio'::regnamespace, 'agent_studio_private'::regnamespace)
  AND l.lanname IN ('sql', 'plpgsql') AND p.prosqlbody IS NULL
  AND NOT coalesce(p.proconfig @> '{"search_path=pg_catalog, pg_temp"}', false)
ORDER BY p.proname;
SELECT p.oid::regprocedure AS cannot_commit FROM pg_proc p
WHERE p.pronamespace = 'agent_studio'::regnamespace AND p.prokind = 'p' AND (p.prosecdef OR p.proconfig IS NOT NULL);
-- Such a body is read with the caller's standard_conforming_strings, too: a backslash stands in E'...' alone.
SELECT p.oid::regprocedure AS backslash FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
WHERE p.pronamespace IN ('agent_studio'::regnamespace, 'agent_studio_private'::regnamespace)
  AND l.lanname IN ('sql', 'plpgsql') AND p.prosqlbody IS NULL
  AND regexp_replace(p.prosrc, 'E''[^'']*''', '', 'g') ~ '\\'
ORDER BY p.proname;
SELECT p.oid::regprocedure AS definer, p.proconfig FROM pg_proc p
WHERE p.pronamespace IN ('agent_studio'::regnamespace, 'agent_studio_private'::regnamespace) AND p.prosecdef
ORDER BY p.proname;

-- Every table but the executor's working memory is dumped, with its sequence; and they are empty
-- after CREATE EXTENSION, or a restore would meet rows that are there already.
SELECT c.relname AS undumped, c.relkind
FROM tests.members m JOIN pg_class c ON m.classid = 'pg_class'::regclass AND c.oid = m.objid, pg_extension x
WHERE x.extname = 'agent_studio' AND c.relkind IN ('r', 'S') AND NOT c.oid = ANY (x.extconfig)
ORDER BY c.relname COLLATE "C";
SELECT cardinality(extconfig) > 0 AS marked, array_remove(extcondition, '') AS conditions FROM pg_extension WHERE extname = 'agent_studio';

-- Settings, with their defaults: a cluster of tests may be given others.
SELECT name, unit, vartype, context, boot_val, min_val, max_val, enumvals FROM pg_settings
WHERE name LIKE 'agent\_studio.%' AND name <> 'agent_studio.retry_delay' ORDER BY name COLLATE "C";
SELECT name FROM pg_settings WHERE name LIKE 'agent\_studio.%' AND (coalesce(short_desc, '') = '' OR short_desc !~ '\.$' OR extra_desc !~ '\.$');
SELECT name FROM pg_settings WHERE name LIKE 'agent\_studio.%' AND vartype = 'integer' AND unit IS NULL AND name !~ 'max_|_days$';
SET agent_studio.nonsense = 1;
DROP VIEW tests.members;
