-- What submitting functions call of the engine.

CREATE FUNCTION agent_studio_private.start_execution(execution bigint) RETURNS void
AS 'MODULE_PATHNAME', 'agent_studio_start_execution' LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION agent_studio_private.start_execution(bigint) IS
'Makes the steps of an execution that has a plan, and queues those that can start. In the transaction that submits it.';
