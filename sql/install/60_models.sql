-- Models: as_create_model, as_update_model, as_drop_model.

CREATE FUNCTION agent_studio_private.usable_server(actor text, server_name text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	target record;
	near text;
BEGIN
	SELECT s.oid, s.srvtype, w.fdwname INTO target
	FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
	WHERE s.srvname = server_name;
	IF NOT FOUND THEN
		SELECT agent_studio_private.suggest(server_name, array_agg(s.srvname::text)) INTO near
		FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
		WHERE w.fdwname = 'agent_studio';
		RAISE EXCEPTION 'server "%" does not exist', server_name
			USING ERRCODE = 'undefined_object',
				  HINT = CASE WHEN near IS NOT NULL THEN format('Perhaps you meant "%s".', near)
					ELSE 'CREATE SERVER name TYPE ''openai'' FOREIGN DATA WRAPPER agent_studio OPTIONS (url ''https://...'').' END;
	END IF;
	IF target.fdwname <> 'agent_studio' THEN
		RAISE EXCEPTION 'server "%" is not an endpoint: its wrapper is "%"', server_name, target.fdwname
			USING ERRCODE = 'wrong_object_type',
				  HINT = 'Endpoints are servers of FOREIGN DATA WRAPPER agent_studio.';
	END IF;
	IF target.srvtype = ANY (agent_studio_private.server_types()) IS NOT TRUE THEN
		PERFORM agent_studio_private.one_of('server type', coalesce(target.srvtype, ''), agent_studio_private.server_types());
	END IF;
	IF NOT has_server_privilege(actor, target.oid, 'USAGE') THEN
		RAISE EXCEPTION 'role "%" may not use server "%"', actor, server_name
			USING ERRCODE = 'insufficient_privilege',
				  HINT = format('Its owner can allow it: GRANT USAGE ON FOREIGN SERVER %I TO %I.', server_name, actor);
	END IF;
END
$$;
COMMENT ON FUNCTION agent_studio_private.usable_server(text, text) IS
'Raises 42704, 42809, 22023 or 42501 unless the server is an endpoint that the actor may use.';

CREATE FUNCTION agent_studio_private.find_model(model text) RETURNS agent_studio.models
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	target agent_studio.models;
	near text;
BEGIN
	SELECT * INTO target FROM agent_studio.models m WHERE m.name = model;
	IF NOT FOUND THEN
		SELECT agent_studio_private.suggest(model, array_agg(m.name)) INTO near FROM agent_studio.models m;
		RAISE EXCEPTION 'model "%" does not exist', coalesce(model, 'NULL')
			USING ERRCODE = 'undefined_object',
				  HINT = CASE WHEN near IS NOT NULL THEN format('Perhaps you meant "%s".', near)
					ELSE 'Create it with agent_studio.as_create_model(name, server); SELECT name FROM agent_studio.models shows those there are.' END;
	END IF;
	RETURN target;
END
$$;
COMMENT ON FUNCTION agent_studio_private.find_model(text) IS 'The model of that name; raises 42704.';

CREATE FUNCTION agent_studio_private.keep_models(ids bigint[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM FROM agent_studio.models m WHERE m.model_id = ANY (ids) ORDER BY m.model_id FOR KEY SHARE;
	IF EXISTS (SELECT FROM unnest(ids) i WHERE NOT EXISTS (SELECT FROM agent_studio.models m WHERE m.model_id = i)) THEN
		RAISE EXCEPTION 'a model that is named was dropped at this moment'
			USING ERRCODE = 'undefined_object', HINT = 'SELECT name FROM agent_studio.models shows those there are.';
	END IF;
END
$$;
COMMENT ON FUNCTION agent_studio_private.keep_models(bigint[]) IS
'Makes as_drop_model wait for this transaction, and then see what it has made; raises 42704 where it came first.';

CREATE FUNCTION agent_studio_private.check_request_options(options jsonb) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	taken text;
BEGIN
	IF jsonb_typeof(options) IS DISTINCT FROM 'object' THEN
		RAISE EXCEPTION 'request_options must be a JSON object'
			USING ERRCODE = 'invalid_parameter_value', HINT = 'For example {"reasoning_effort": "high"}.';
	END IF;
	SELECT string_agg(k, ', ') INTO taken FROM jsonb_object_keys(options) k
	WHERE k IN ('model', 'messages', 'stream', 'stream_options', 'n', 'tools', 'tool_choice',
		'input', 'instructions', 'system', 'contents', 'systemInstruction', 'system_instruction');
	IF taken IS NOT NULL THEN
		RAISE EXCEPTION 'request_options cannot set %', taken
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Agent Studio sets these itself.';
	END IF;
END
$$;
COMMENT ON FUNCTION agent_studio_private.check_request_options(jsonb) IS
'Raises 22023 for anything but an object, and for members that Agent Studio sets itself.';

CREATE FUNCTION agent_studio_private.current_price(model_id bigint, at timestamptz) RETURNS agent_studio.model_prices
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT p.* FROM agent_studio.model_prices p
	WHERE p.model_id = current_price.model_id AND p.valid_from <= current_price.at
	ORDER BY p.valid_from DESC LIMIT 1;
END;
COMMENT ON FUNCTION agent_studio_private.current_price(bigint, timestamptz) IS
'The price of a model that holds at a moment; NULL = none does.';

CREATE FUNCTION agent_studio_private.set_price(actor text, model_id bigint, valid_from timestamptz,
	input_price numeric, cached_input_price numeric, output_price numeric) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
BEGIN
	PERFORM agent_studio_private.in_range('input_price', input_price, 0, 1000000);
	PERFORM agent_studio_private.in_range('cached_input_price', cached_input_price, 0, 1000000);
	PERFORM agent_studio_private.in_range('output_price', output_price, 0, 1000000);
	PERFORM agent_studio_private.keep_models(ARRAY[model_id]);
	INSERT INTO agent_studio.model_prices AS p (model_id, valid_from, input_price, cached_input_price, output_price, set_by)
	VALUES (model_id, valid_from, input_price, cached_input_price, output_price, actor)
	ON CONFLICT ON CONSTRAINT model_prices_pkey DO UPDATE
	SET input_price = excluded.input_price, cached_input_price = excluded.cached_input_price,
		output_price = excluded.output_price, set_by = excluded.set_by, set_at = excluded.set_at;
END
$$;
COMMENT ON FUNCTION agent_studio_private.set_price(text, bigint, timestamptz, numeric, numeric, numeric) IS
'Makes a price hold from a moment on; raises 22023, 42704.';

CREATE FUNCTION agent_studio_private.as_create_model(actor text,
	name text, server text, deployment text, model_version text, context_window integer,
	max_output_tokens integer, input_price numeric, cached_input_price numeric, output_price numeric,
	requests_per_minute integer, tokens_per_minute integer, max_concurrency integer,
	max_tokens_parameter text, request_options jsonb, structured_output boolean) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	new_id bigint;
BEGIN
	PERFORM agent_studio_private.check_name('name', name);
	PERFORM agent_studio_private.required('server', server);
	PERFORM agent_studio_private.usable_server(actor, server);
	PERFORM agent_studio_private.required('deployment', coalesce(deployment, name));
	PERFORM agent_studio_private.in_range('requests_per_minute', requests_per_minute, 1, 10000000);
	PERFORM agent_studio_private.in_range('tokens_per_minute', tokens_per_minute, 1, 2000000000);
	PERFORM agent_studio_private.in_range('context_window', context_window, 1, 100000000);
	PERFORM agent_studio_private.in_range('max_output_tokens', max_output_tokens, 1, 100000000);
	PERFORM agent_studio_private.in_range('max_concurrency', max_concurrency, 1, 100000);
	PERFORM agent_studio_private.one_of('max_tokens_parameter', max_tokens_parameter,
										ARRAY['max_completion_tokens', 'max_tokens']);
	PERFORM agent_studio_private.check_request_options(request_options);
	PERFORM agent_studio_private.not_null('structured_output', structured_output IS NULL);

	INSERT INTO agent_studio.models AS m (name, server, deployment, model_version, context_window,
		max_output_tokens, requests_per_minute, tokens_per_minute, max_concurrency,
		max_tokens_parameter, request_options, structured_output, owner)
	VALUES (name, server, coalesce(deployment, name), model_version, context_window,
		max_output_tokens, requests_per_minute, tokens_per_minute, max_concurrency,
		max_tokens_parameter, request_options, structured_output, actor)
	ON CONFLICT ON CONSTRAINT models_name_key DO NOTHING
	RETURNING m.model_id INTO new_id;
	IF new_id IS NULL THEN
		RAISE EXCEPTION 'model "%" exists already', name
			USING ERRCODE = 'duplicate_object', HINT = 'Change it with agent_studio.as_update_model.';
	END IF;
	IF coalesce(input_price, cached_input_price, output_price) IS NOT NULL THEN
		PERFORM agent_studio_private.set_price(actor, new_id, now(), input_price, cached_input_price, output_price);
	END IF;
	RETURN new_id;
END
$$;

CREATE FUNCTION agent_studio.as_create_model(
	name text, server text, deployment text DEFAULT NULL, model_version text DEFAULT NULL,
	context_window integer DEFAULT NULL, max_output_tokens integer DEFAULT NULL,
	input_price numeric DEFAULT NULL, cached_input_price numeric DEFAULT NULL,
	output_price numeric DEFAULT NULL, requests_per_minute integer DEFAULT NULL,
	tokens_per_minute integer DEFAULT NULL, max_concurrency integer DEFAULT NULL,
	max_tokens_parameter text DEFAULT 'max_completion_tokens',
	request_options jsonb DEFAULT '{}', structured_output boolean DEFAULT false) RETURNS bigint
AS 'MODULE_PATHNAME', 'agent_studio_gate' LANGUAGE C;
COMMENT ON FUNCTION agent_studio.as_create_model(text, text, text, text, integer, integer, numeric, numeric, numeric, integer, integer, integer, text, jsonb, boolean) IS
'Makes a model known: a deployment (its own name if NULL) at a foreign server. Prices in USD per million tokens, from now on; NULL = unknown, and costs are NULL then. requests_per_minute, tokens_per_minute and max_concurrency are kept by the executor before it sends; NULL = no limit. structured_output: the vendor can hold it to a JSON Schema. Returns its model_id. Raises 42704 unknown server, 42501 no USAGE on it, 42710 name taken, 22023 bad value, 54000 a name too long.';

CREATE FUNCTION agent_studio_private.as_update_model(actor text,
	name text, server text, deployment text, model_version text, context_window integer,
	max_output_tokens integer, input_price numeric, cached_input_price numeric, output_price numeric,
	requests_per_minute integer, tokens_per_minute integer, max_concurrency integer,
	max_tokens_parameter text, request_options jsonb, unset text[], structured_output boolean) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	target agent_studio.models := agent_studio_private.find_model(name);
	price agent_studio.model_prices;
	word text;
BEGIN
	IF server IS NOT NULL THEN
		PERFORM agent_studio_private.usable_server(actor, server);
	END IF;
	PERFORM agent_studio_private.not_null('unset', unset IS NULL);
	FOREACH word IN ARRAY unset LOOP
		PERFORM agent_studio_private.one_of('unset', word, ARRAY['model_version', 'context_window',
			'max_output_tokens', 'input_price', 'cached_input_price', 'output_price', 'requests_per_minute',
			'tokens_per_minute', 'max_concurrency']);
	END LOOP;
	PERFORM agent_studio_private.in_range('requests_per_minute', requests_per_minute, 1, 10000000);
	PERFORM agent_studio_private.in_range('tokens_per_minute', tokens_per_minute, 1, 2000000000);
	PERFORM agent_studio_private.in_range('context_window', context_window, 1, 100000000);
	PERFORM agent_studio_private.in_range('max_output_tokens', max_output_tokens, 1, 100000000);
	PERFORM agent_studio_private.in_range('max_concurrency', max_concurrency, 1, 100000);
	IF max_tokens_parameter IS NOT NULL THEN
		PERFORM agent_studio_private.one_of('max_tokens_parameter', max_tokens_parameter,
											ARRAY['max_completion_tokens', 'max_tokens']);
	END IF;
	PERFORM agent_studio_private.check_request_options(coalesce(request_options, '{}'));
	PERFORM agent_studio_private.required('deployment', coalesce(deployment, target.deployment));

	UPDATE agent_studio.models m SET
		server = coalesce(server, m.server),
		deployment = coalesce(deployment, m.deployment),
		model_version = CASE WHEN 'model_version' <> ALL (unset) THEN coalesce(model_version, m.model_version) END,
		context_window = CASE WHEN 'context_window' <> ALL (unset) THEN coalesce(context_window, m.context_window) END,
		max_output_tokens = CASE WHEN 'max_output_tokens' <> ALL (unset) THEN coalesce(max_output_tokens, m.max_output_tokens) END,
		requests_per_minute = CASE WHEN 'requests_per_minute' <> ALL (unset) THEN coalesce(requests_per_minute, m.requests_per_minute) END,
		tokens_per_minute = CASE WHEN 'tokens_per_minute' <> ALL (unset) THEN coalesce(tokens_per_minute, m.tokens_per_minute) END,
		max_concurrency = CASE WHEN 'max_concurrency' <> ALL (unset) THEN coalesce(max_concurrency, m.max_concurrency) END,
		max_tokens_parameter = coalesce(max_tokens_parameter, m.max_tokens_parameter),
		request_options = coalesce(request_options, m.request_options),
		structured_output = coalesce(structured_output, m.structured_output),
		changed_at = now()
	WHERE m.model_id = target.model_id;

	IF coalesce(input_price, cached_input_price, output_price) IS NOT NULL
	   OR unset && ARRAY['input_price', 'cached_input_price', 'output_price'] THEN
		price := agent_studio_private.current_price(target.model_id, now());
		PERFORM agent_studio_private.set_price(actor, target.model_id, now(),
			CASE WHEN 'input_price' <> ALL (unset) THEN coalesce(input_price, price.input_price) END,
			CASE WHEN 'cached_input_price' <> ALL (unset) THEN coalesce(cached_input_price, price.cached_input_price) END,
			CASE WHEN 'output_price' <> ALL (unset) THEN coalesce(output_price, price.output_price) END);
	END IF;
	PERFORM agent_studio_private.wake();
END
$$;

CREATE FUNCTION agent_studio.as_update_model(
	name text, server text DEFAULT NULL, deployment text DEFAULT NULL, model_version text DEFAULT NULL,
	context_window integer DEFAULT NULL, max_output_tokens integer DEFAULT NULL,
	input_price numeric DEFAULT NULL, cached_input_price numeric DEFAULT NULL,
	output_price numeric DEFAULT NULL, requests_per_minute integer DEFAULT NULL,
	tokens_per_minute integer DEFAULT NULL, max_concurrency integer DEFAULT NULL,
	max_tokens_parameter text DEFAULT NULL, request_options jsonb DEFAULT NULL,
	unset text[] DEFAULT '{}', structured_output boolean DEFAULT NULL) RETURNS void
AS 'MODULE_PATHNAME', 'agent_studio_gate' LANGUAGE C;
COMMENT ON FUNCTION agent_studio.as_update_model(text, text, text, text, integer, integer, numeric, numeric, numeric, integer, integer, integer, text, jsonb, text[], boolean) IS
'Changes a model; NULL = unchanged, and unset names columns to make NULL again. A price holds for attempts that end from now on. Raises 42704 unknown model or server, 42501, 22023.';

CREATE FUNCTION agent_studio_private.as_drop_model(actor text, name text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	target agent_studio.models := agent_studio_private.find_model(name);
	users text;
BEGIN
	-- The lock makes this wait for an agent that is being made with it, and then see it.
	PERFORM FROM agent_studio.models m WHERE m.model_id = target.model_id FOR UPDATE;
	SELECT string_agg(DISTINCT a.name, ', ') INTO users
	FROM agent_studio.agent_versions v JOIN agent_studio.agents a ON a.agent_id = v.agent_id
	WHERE v.model_id = target.model_id OR target.model_id = ANY (v.fallback_models);
	IF users IS NOT NULL THEN
		RAISE EXCEPTION 'model "%" is used by versions of agents: %', name, users
			USING ERRCODE = 'dependent_objects_still_exist',
				  HINT = 'Drop those agents first, or let their newest version use another model and keep this one for its history.';
	END IF;
	DELETE FROM agent_studio.model_prices p WHERE p.model_id = target.model_id;
	DELETE FROM agent_studio.models m WHERE m.model_id = target.model_id;
END
$$;

CREATE FUNCTION agent_studio.as_drop_model(name text) RETURNS void
AS 'MODULE_PATHNAME', 'agent_studio_gate' LANGUAGE C;
COMMENT ON FUNCTION agent_studio.as_drop_model(text) IS
'Drops a model that no version of an agent uses. Raises 42704 unknown model, 2BP01 still used.';

-- ---------- prices ----------

CREATE FUNCTION agent_studio_private.load_price(actor text, entry jsonb, place text) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	word text;
	loaded bigint;
BEGIN
	IF jsonb_typeof(entry) <> 'object' OR jsonb_typeof(entry -> 'model') IS DISTINCT FROM 'string' THEN
		RAISE EXCEPTION 'price % is not an object with a member "model"', place
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'For example {"model": "gpt-4-turbo", "input": 10, "cached_input": 5, "output": 30, "from": "2026-01-01"}.';
	END IF;
	FOR word IN SELECT jsonb_object_keys(entry) LOOP
		PERFORM agent_studio_private.one_of(format('member of price %s', place), word,
			ARRAY['model', 'input', 'cached_input', 'output', 'from']);
	END LOOP;
	FOREACH word IN ARRAY ARRAY['input', 'cached_input', 'output'] LOOP
		IF jsonb_typeof(entry -> word) NOT IN ('number', 'null') THEN
			RAISE EXCEPTION 'member "%" of price % is not a number', word, place
				USING ERRCODE = 'invalid_parameter_value', HINT = 'Prices are USD per million tokens.';
		END IF;
	END LOOP;

	PERFORM agent_studio_private.set_price(actor, m.model_id, coalesce((entry ->> 'from')::timestamptz, now()),
		(entry ->> 'input')::numeric, (entry ->> 'cached_input')::numeric, (entry ->> 'output')::numeric)
	FROM agent_studio.models m
	WHERE m.name = entry ->> 'model' OR m.deployment = entry ->> 'model';
	RETURN FOUND;
END
$$;
COMMENT ON FUNCTION agent_studio_private.load_price(text, jsonb, text) IS
'Loads one entry of a price table; false = no model has that name or deployment. Raises 22023.';

CREATE FUNCTION agent_studio_private.as_load_prices(actor text, prices jsonb) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	entry jsonb;
	place bigint;
	loaded bigint := 0;
	unknown text[] := '{}';
BEGIN
	IF jsonb_typeof(prices) IS DISTINCT FROM 'array' THEN
		RAISE EXCEPTION 'prices must be a JSON array'
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'For example [{"model": "gpt-4-turbo", "input": 10, "output": 30, "from": "2026-01-01"}].';
	END IF;
	FOR entry, place IN SELECT e.value, e.ordinality FROM jsonb_array_elements(prices) WITH ORDINALITY e LOOP
		IF agent_studio_private.load_price(actor, entry, place::text) THEN
			loaded := loaded + 1;
		ELSE
			unknown := unknown || (entry ->> 'model');
		END IF;
	END LOOP;
	IF unknown <> '{}' THEN
		RAISE NOTICE 'no model here has the name or deployment: %', array_to_string(unknown, ', ');
	END IF;
	RETURN loaded;
END
$$;

CREATE FUNCTION agent_studio.as_load_prices(prices jsonb) RETURNS bigint
AS 'MODULE_PATHNAME', 'agent_studio_gate' LANGUAGE C;
COMMENT ON FUNCTION agent_studio.as_load_prices(jsonb) IS
'Loads a table of prices, an array of {"model", "input", "cached_input", "output", "from"}: model is a name or a deployment, prices are USD per million tokens (absent = unknown), from is the moment from which they hold (absent = now). Entries for models that are not here are skipped with a notice. All or nothing; returns how many were loaded. Raises 22023.';
