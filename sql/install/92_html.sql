-- Text of others within a page or a document: whatever it holds, it is text there.

CREATE FUNCTION agent_studio_private.visible_text(value text) RETURNS text
AS 'MODULE_PATHNAME', 'agent_studio_visible_text' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION agent_studio_private.visible_text(text) IS
'A text without control characters but tabs and ends of lines, and without marks that turn the direction of writing: a character that is seen stands in their place. NULL for NULL.';

CREATE FUNCTION agent_studio_private.html_text(value text) RETURNS text
AS 'MODULE_PATHNAME', 'agent_studio_html_text' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION agent_studio_private.html_text(text) IS
'A text as it has to stand in HTML or SVG, between tags or in a quoted attribute, visible as visible_text makes it. NULL for NULL.';
