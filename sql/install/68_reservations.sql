-- Reservations: what keeps calls that are made at once within a budget with action
-- refuse. The most that a call may cost is written into its row of the queue in the
-- transaction that claims it, and counts as spent until its attempt is written; with the
-- row the reservation goes, however the call ends. Called by the executor alone, and
-- only while there are such budgets.

CREATE FUNCTION agent_studio_private.usual_cost(agent_version_id bigint) RETURNS numeric
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	used_agent text := (SELECT a.name FROM agent_studio.agent_versions v JOIN agent_studio.agents a USING (agent_id)
				   WHERE v.agent_version_id = usual_cost.agent_version_id);
BEGIN
	RETURN (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY (x.input_cost_usd + x.output_cost_usd)::float8)
			FROM (SELECT e.status, e.input_cost_usd, e.output_cost_usd FROM agent_studio.executions e
				  WHERE e.agent BETWEEN used_agent AND used_agent ORDER BY e.agent DESC, e.execution_id DESC LIMIT 50) x
			WHERE x.status = 'completed');
END
$$;
COMMENT ON FUNCTION agent_studio_private.usual_cost(bigint) IS
'The median cost in USD of those of the agent''s newest 50 tasks that completed; NULL = none did, or none with a known cost.';

-- queue.tokens are a quarter of the prompt's bytes, and 1000 or the most output that the agent
-- may give. Code, and scripts other than Latin, take more tokens than that: half of the bytes.
CREATE FUNCTION agent_studio_private.most_cost(queued agent_studio.queue, step_version bigint) RETURNS numeric
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT CASE WHEN v.max_output_tokens IS NOT NULL
			THEN (2 * greatest(0, (queued).tokens - v.max_output_tokens) * p.input_price + v.max_output_tokens * p.output_price) / 1000000
			ELSE coalesce(agent_studio_private.usual_cost(step_version),
				(2 * greatest(0, (queued).tokens - 1000) * p.input_price + coalesce(m.max_output_tokens, 1000) * p.output_price) / 1000000) END
	FROM agent_studio.models m
	LEFT JOIN agent_studio.agent_versions v ON v.agent_version_id = step_version
	JOIN LATERAL (SELECT x.input_price, x.output_price FROM agent_studio.model_prices x
				  WHERE x.model_id = m.model_id AND x.valid_from <= pg_catalog.clock_timestamp() ORDER BY x.valid_from DESC LIMIT 1) p ON true
	WHERE m.model_id = (queued).model_id;
END;
COMMENT ON FUNCTION agent_studio_private.most_cost(agent_studio.queue, bigint) IS
'The most USD that the next attempt of a step may cost: its prompt, and all the output that the agent may give; where the agent has no limit, what its tasks cost as a rule, else by the model''s. NULL = no price.';

CREATE FUNCTION agent_studio_private.put_back(executions bigint[], steps integer[], budgets bigint[]) RETURNS void
LANGUAGE sql VOLATILE
BEGIN ATOMIC
	-- What the claim has just changed is as it was before; see its statement.
	UPDATE agent_studio.executions e SET status = 'queued', started_at = NULL
	FROM unnest(executions, steps) k (execution_id, step_no) JOIN agent_studio.queue q USING (execution_id, step_no)
	WHERE e.execution_id = k.execution_id AND e.started_at = q.claimed_at AND e.attempts = 0
	  AND NOT EXISTS (SELECT FROM agent_studio.queue o WHERE o.execution_id = k.execution_id AND o.epoch IS NOT NULL
					  AND (o.execution_id, o.step_no) NOT IN (SELECT * FROM unnest(executions, steps)));
	UPDATE agent_studio.steps s SET state = 'queued', attempt_no = s.attempt_no - 1,
		started_at = CASE WHEN s.started_at <> q.claimed_at THEN s.started_at END, sent_at = CASE WHEN s.started_at <> q.claimed_at THEN s.sent_at END
	FROM unnest(executions, steps) k (execution_id, step_no) JOIN agent_studio.queue q USING (execution_id, step_no)
	WHERE s.execution_id = k.execution_id AND s.step_no = k.step_no;
	UPDATE agent_studio.queue q SET epoch = NULL, claimed_at = NULL, attempt_no = q.attempt_no - 1, waiting = true,
		held_by = k.budget_id, run_at = pg_catalog.clock_timestamp() + interval '1 minute'
	FROM unnest(executions, steps, budgets) k (execution_id, step_no, budget_id)
	WHERE q.execution_id = k.execution_id AND q.step_no = k.step_no;
END;
COMMENT ON FUNCTION agent_studio_private.put_back(bigint[], integer[], bigint[]) IS
'Undoes the claim of steps that wait for a budget: until a call that is paid from it ends, or for a minute.';

CREATE FUNCTION agent_studio_private.reserve_spending(executions bigint[], steps integer[])
RETURNS TABLE (execution_id bigint, step_no integer, refusal text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	budgets bigint[];
	amounts numeric[];
	spent numeric[];		-- and reserved
	used_up text[];			-- in words; NULL = it is not
	in_flight integer[];
	held_executions bigint[] := '{}';
	held_steps integer[] := '{}';
	held_by bigint[] := '{}';
	claim record;
	i integer;
BEGIN
	SELECT array_agg(b.budget_id ORDER BY b.budget_id), array_agg(b.amount_usd ORDER BY b.budget_id),
		   array_agg(coalesce(s.spent_usd, 0) ORDER BY b.budget_id), array_agg(0 ORDER BY b.budget_id),
		   array_agg(CASE WHEN s.spent_usd >= b.amount_usd THEN agent_studio_private.budget_words(agent_studio_private.budget_scope(b), b.period, b.amount_usd, s.spent_usd) END ORDER BY b.budget_id)
	INTO budgets, amounts, spent, in_flight, used_up
	FROM agent_studio.budgets b
	LEFT JOIN agent_studio.budget_spending s ON s.budget_id = b.budget_id AND s.period_start = agent_studio_private.period_start(b.period, clock_timestamp())
	WHERE b.action = 'refuse';

	-- First what is under way, then the new claims in their order.
	<<claims>>
	FOR claim IN SELECT q.execution_id AS e, q.step_no AS s, k.n IS NULL AS is_under_way,
			CASE WHEN k.n IS NULL THEN q.reserved_usd ELSE agent_studio_private.most_cost(q, st.agent_version_id) END AS most,
			ARRAY(SELECT p.place::integer FROM unnest(budgets) WITH ORDINALITY p (budget_id, place) JOIN agent_studio.budgets b USING (budget_id)
				  WHERE agent_studio_private.falls_under(b, st.owner, st.team, g.name, ex.workflow)) AS places
		FROM agent_studio.queue q
		LEFT JOIN unnest(executions, steps) WITH ORDINALITY k (e, s, n) ON k.e = q.execution_id AND k.s = q.step_no
		JOIN agent_studio.steps st ON st.execution_id = q.execution_id AND st.step_no = q.step_no
		JOIN agent_studio.executions ex ON ex.execution_id = q.execution_id
		LEFT JOIN agent_studio.agent_versions v ON v.agent_version_id = st.agent_version_id
		LEFT JOIN agent_studio.agents g ON g.agent_id = v.agent_id
		WHERE q.epoch IS NOT NULL AND (k.n IS NOT NULL OR q.reserved_usd IS NOT NULL)
		ORDER BY k.n NULLS FIRST
	LOOP
		IF claim.is_under_way THEN
			FOREACH i IN ARRAY claim.places LOOP
				spent[i] := spent[i] + claim.most;
				in_flight[i] := in_flight[i] + 1;
			END LOOP;
			CONTINUE;
		END IF;
		FOREACH i IN ARRAY claim.places LOOP
			IF used_up[i] IS NOT NULL THEN
				RETURN QUERY SELECT claim.e, claim.s, used_up[i];
				CONTINUE claims;
			END IF;
		END LOOP;
		-- One that could alone use up the rest is sent when no other is under way.
		FOREACH i IN ARRAY claim.places LOOP
			IF in_flight[i] > 0 AND spent[i] + claim.most > amounts[i] THEN
				held_executions := held_executions || claim.e;
				held_steps := held_steps || claim.s;
				held_by := held_by || budgets[i];
				RETURN QUERY SELECT claim.e, claim.s, NULL::text;
				CONTINUE claims;
			END IF;
		END LOOP;
		UPDATE agent_studio.queue q SET reserved_usd = claim.most, held_by = NULL
		WHERE q.execution_id = claim.e AND q.step_no = claim.s AND (claim.most IS NOT NULL OR q.held_by IS NOT NULL);
		CONTINUE WHEN claim.most IS NULL;
		FOREACH i IN ARRAY claim.places LOOP
			spent[i] := spent[i] + claim.most;
			in_flight[i] := in_flight[i] + 1;
		END LOOP;
	END LOOP;
	PERFORM agent_studio_private.put_back(held_executions, held_steps, held_by) WHERE held_steps <> '{}';
END
$$;
COMMENT ON FUNCTION agent_studio_private.reserve_spending(bigint[], integer[]) IS
'Reserves for steps that were just claimed, in their order, the most that each may cost. Returns those that must not be sent: because a budget is used up (refusal, in words), or because calls in flight could use it up (NULL), which are put back into the queue.';

CREATE FUNCTION agent_studio_private.release_held(most integer) RETURNS bigint
LANGUAGE sql VOLATILE
BEGIN ATOMIC
	WITH first AS (
		SELECT q.execution_id, q.step_no FROM agent_studio.budgets b CROSS JOIN LATERAL (
			SELECT w.execution_id, w.step_no FROM agent_studio.queue w
			WHERE w.held_by = b.budget_id AND w.waiting AND w.run_at <> 'infinity'
			ORDER BY w.order_at, w.execution_id, w.step_no LIMIT most FOR UPDATE SKIP LOCKED) q
		WHERE b.action = 'refuse'),
	released AS (
		UPDATE agent_studio.queue q SET waiting = false, held_by = NULL
		FROM first f WHERE q.execution_id = f.execution_id AND q.step_no = f.step_no RETURNING 1)
	SELECT count(*) FROM released;
END;
COMMENT ON FUNCTION agent_studio_private.release_held(integer) IS
'Lets the first of those that wait for each budget be looked at again, so many at most; returns how many. Those that were paused meanwhile stay so.';

CREATE FUNCTION agent_studio_private.release_unbound() RETURNS void
LANGUAGE sql VOLATILE
BEGIN ATOMIC
	UPDATE agent_studio.queue q SET waiting = false, held_by = NULL
	WHERE q.held_by IS NOT NULL AND q.waiting AND q.run_at <> 'infinity'
	  AND NOT EXISTS (SELECT FROM agent_studio.budgets b WHERE b.budget_id = q.held_by AND b.action = 'refuse');
END;
COMMENT ON FUNCTION agent_studio_private.release_unbound() IS
'Lets those go on that wait for a budget which there is no more, or which refuses nothing any more.';
