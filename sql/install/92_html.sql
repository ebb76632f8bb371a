-- Text of others within a page or a document: whatever it holds, it is text there.

CREATE FUNCTION agent_studio_private.visible_text(value text) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN regexp_replace(regexp_replace(value, '\r\n?', E'\n', 'g'),
	-- Controls, what turns the direction of writing, and what no character is.
	'[\u0001-\u0008\u000B-\u001F\u007F-\u009F\u061C\u200B-\u200F\u2028-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB\uFFFE\uFFFF]', '�', 'g');
COMMENT ON FUNCTION agent_studio_private.visible_text(text) IS
'A text without control characters but tabs and ends of lines, and without marks that turn the direction of writing: a character that is seen stands in their place. NULL for NULL.';

CREATE FUNCTION agent_studio_private.html_text(value text) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN replace(replace(replace(replace(replace(agent_studio_private.visible_text(value),
	'&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '"', '&quot;'), '''', '&#39;');
COMMENT ON FUNCTION agent_studio_private.html_text(text) IS
'A text as it has to stand in HTML or SVG, between tags or in a quoted attribute, visible as visible_text makes it. NULL for NULL.';
