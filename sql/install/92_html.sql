-- Text of others within a page: whatever it holds, it is text there.

CREATE FUNCTION agent_studio_private.html_text(value text) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN replace(replace(replace(replace(replace(
	regexp_replace(
		-- Controls, what turns the direction of writing, and what no character is: seen, and without effect.
		regexp_replace(value, '\r\n?', E'\n', 'g'),
		'[\u0001-\u0008\u000B-\u001F\u007F-\u009F\u061C\u200B-\u200F\u2028-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB\uFFFE\uFFFF]', '�', 'g'),
	'&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '"', '&quot;'), '''', '&#39;');
COMMENT ON FUNCTION agent_studio_private.html_text(text) IS
'A text as it has to stand in HTML or SVG, between tags or in a quoted attribute; control characters and marks that turn the direction of writing are replaced by one that is seen. NULL for NULL.';
