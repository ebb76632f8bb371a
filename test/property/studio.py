"""Runs cases in a database with an executor, and fetches what its tables say of them.

The connection is libpq's (PGHOST, PGPORT, PGUSER, PGDATABASE); the model server has to be turns_server.py.
"""
from __future__ import annotations

import copy
import json
import subprocess
import time
import urllib.parse
from typing import Any

from generate import Case
from reference import Plan

PATIENCE = 60       # seconds without any execution coming to rest

SETUP = """
CREATE TABLE IF NOT EXISTS cases (name text PRIMARY KEY, pattern text, definition jsonb, inputs jsonb, execution_id bigint, refusal text);
"""
CREATE = """
INSERT INTO cases (name, pattern, definition, inputs)
SELECT name, pattern, definition, inputs FROM jsonb_to_recordset($cases$%s$cases$) AS c(name text, pattern text, definition jsonb, inputs jsonb);
DO $do$
DECLARE c record; problem text; details text;
BEGIN
	FOR c IN SELECT * FROM cases WHERE execution_id IS NULL AND refusal IS NULL LOOP
		BEGIN
			PERFORM agent_studio.as_create_workflow(c.name, c.pattern, c.definition);
		EXCEPTION WHEN OTHERS THEN
			GET STACKED DIAGNOSTICS problem = MESSAGE_TEXT, details = PG_EXCEPTION_DETAIL;
			UPDATE cases SET refusal = problem || E'\\n' || details WHERE name = c.name;
		END;
	END LOOP;
END $do$;
"""
START = """
DO $do$
DECLARE c record;
BEGIN
	FOR c IN SELECT * FROM cases WHERE execution_id IS NULL AND refusal IS NULL LOOP
		BEGIN
			UPDATE cases SET execution_id = agent_studio.as_run_workflow(c.name, c.inputs) WHERE name = c.name;
		EXCEPTION WHEN OTHERS THEN
			UPDATE cases SET refusal = SQLERRM WHERE name = c.name;
		END;
	END LOOP;
END $do$;
"""
LEFT = "SELECT count(*) FROM cases JOIN agent_studio.executions e USING (execution_id) WHERE e.finished_at IS NULL;"
FETCH = """
SELECT jsonb_build_object('name', c.name, 'refusal', c.refusal, 'execution_id', e.execution_id, 'status', e.status,
	'error_class', e.error_class, 'error_message', e.error_message, 'at_rest', e.finished_at IS NOT NULL, 'output', CASE WHEN e.execution_id IS NOT NULL THEN agent_studio.as_output(e.execution_id) END,
	'queued', (SELECT count(*) FROM agent_studio.queue q WHERE q.execution_id = e.execution_id),
	'notices', (SELECT count(*) FROM agent_studio.notices n WHERE n.execution_id = e.execution_id AND n.kind = 'rule' AND n.severity <> 'error'),
	'steps', (SELECT jsonb_agg(to_jsonb(s) || jsonb_build_object('started_at', extract(epoch FROM s.started_at), 'finished_at', extract(epoch FROM s.finished_at),
		'tries', (SELECT jsonb_agg(jsonb_build_object('outcome', a.outcome, 'http_status', a.http_status, 'error_class', a.error_class,
			'sent_at', extract(epoch FROM a.sent_at), 'agent',
			(SELECT g.name FROM agent_studio.agent_versions v JOIN agent_studio.agents g USING (agent_id) WHERE v.agent_version_id = a.agent_version_id))
			ORDER BY a.attempt_no)
			FROM agent_studio.attempts a WHERE a.execution_id = s.execution_id AND a.step_no = s.step_no))
		- '{json_schema,owner,team}'::text[] ORDER BY s.iteration, s.step_no)
		FROM agent_studio.steps s WHERE s.execution_id = e.execution_id))
FROM cases c LEFT JOIN agent_studio.executions e USING (execution_id) WHERE c.name = ANY ('{%s}') ORDER BY c.execution_id;
"""


def sql(script: str) -> str:
    run = subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-f", "-"], input=script, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if run.returncode:
        raise RuntimeError(f"psql: {run.stderr}\n{script[:2000]}")
    return run.stdout.strip()


# ---- What is published ----------------------------------------------------------------------------------

def published(case: Case, key: str, remembered: bool) -> dict[str, Any]:
    """The definition, with each step's turns in its task."""
    plan, definition = Plan(case.definition, case.pattern), copy.deepcopy(case.definition)
    for step in definition["steps"]:
        if step["name"] in case.script:
            turns = case.script[step["name"]]
            items = remembered_turns(turns, f"{key}.{step['name']}") if remembered else counted_turns(
                turns, plan.max_retries(step["name"]))
            items = [item + delay(case, len(step["name"]) + number) for number, item in enumerate(items)]
            mode = "remembered" if remembered else "counted"
            step["task"] = f"@turns {key}.{step['name']} {mode} {' '.join(items)}\n{step['task']}"
    return definition


def delay(case: Case, number: int) -> str:
    gate = f",gate={case.gate}" if case.gate and number % 3 == 0 else ""
    return (f",latency={case.latency * (number * 7 % 5) / 4:.1f}" if case.latency else "") + gate


def counted_turns(turns: list[dict[str, Any]], max_retries: int) -> list[str]:
    """One scenario for each attempt."""
    items = []
    for turn in turns:
        items += ([f"status={status}" for status in turn.get("errors", [])] + [last_words(turn)])[:max_retries + 1]
    return items


def remembered_turns(turns: list[dict[str, Any]], key: str) -> list[str]:
    """One scenario for each turn; its errors are the first answers to the same request."""
    items = []
    for number, turn in enumerate(turns):
        errors = turn.get("errors", [])
        items.append(f"status={errors[0]},times={len(errors)},key={key}.{number},{last_words(turn)}" if errors and "answer" in turn
                     else last_words(turn))
    return items


def last_words(turn: dict[str, Any]) -> str:
    if "status" in turn:
        return f"status={turn['status']}"
    answer = turn["answer"]
    text = answer if isinstance(answer, str) else json.dumps(answer)
    return "text=" + urllib.parse.quote(text, safe="")


# ---- Running --------------------------------------------------------------------------------------------

def create(cases: dict[str, Case], remembered: bool = False) -> None:
    rows = [{"name": name, "pattern": case.pattern, "definition": published(case, name, remembered), "inputs": case.inputs}
            for name, case in cases.items()]
    sql(SETUP + CREATE % json.dumps(rows))


def start() -> None:
    sql(START)


def wait() -> None:
    """Until all are at rest, or nothing has changed for long."""
    left, since = -1, time.monotonic()
    while True:
        now = int(sql(LEFT))
        if now == 0:
            return
        if now != left:
            left, since = now, time.monotonic()
        elif time.monotonic() - since > PATIENCE:
            return
        time.sleep(0.05)


def fetch(names: list[str]) -> dict[str, dict[str, Any]]:
    lines = sql(FETCH % ",".join(names)).splitlines()
    return {row["name"]: row for row in map(json.loads, lines)}


def run(cases: dict[str, Case]) -> dict[str, dict[str, Any]]:
    create(cases)
    start()
    wait()
    return fetch(list(cases))
