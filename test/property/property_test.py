"""Tests of what the property test is made of: the generator, the known cases, what makes cases smaller, the comparison, the turns."""
from __future__ import annotations

import itertools
import json
import random
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from compare import differences  # noqa: E402
from generate import Case, generate, smaller, sound  # noqa: E402
from known import KNOWN  # noqa: E402
from reference import Outcome, Row, SKIPPED, WAITING  # noqa: E402
from studio import counted_turns, remembered_turns  # noqa: E402

CASES = [generate(random.Random(f"test-{number}")) for number in range(300)]
OUTCOMES = [case.outcome() for case in CASES]


def told(outcome: Outcome) -> Any:
    return outcome.status, outcome.errors, [[(repr(row), row.words, row.statuses, row.feedback) for row in outcome.of(name)]
                                            for name in outcome.plan.steps]


class Generator(unittest.TestCase):
    def test_the_order_in_which_steps_end_decides_nothing(self) -> None:
        for number, case in enumerate(CASES):
            expected = told(OUTCOMES[number])
            for seed in range(3):
                self.assertEqual(told(case.interpreter(choose=random.Random(seed).choice).run()), expected, f"case {number}")

    def test_a_seed_repeats_a_case(self) -> None:
        self.assertEqual(generate(random.Random("test-7")), CASES[7])

    def test_sizes(self) -> None:
        sizes = [len(case.definition["steps"]) for case in CASES]
        self.assertEqual((min(sizes), max(sizes) > 9, max(sizes) <= 12), (1, True, True))
        self.assertTrue(4 < sum(sizes) / len(sizes) < 7)

    def test_everything_occurs(self) -> None:
        text = json.dumps([case.definition for case in CASES])
        for word in ('"go_back"', '"hand_off"', '"criteria"', '"fallback"', '"compensates"', '"any"', '"merge": 2', '"decision"', '"else"',
                     '"when"', '"manual_review"', '"continue"', '"rollback"', '"after_retries"', '"choices"', "$iteration", "$retry_count"):
            self.assertIn(word, text)
        self.assertEqual({case.outcome().status for case in CASES}, {"completed", "failed", "requires_manual_review"})


    def test_known_cases_are_sound(self) -> None:
        for name, case in KNOWN.items():
            self.assertTrue(sound(case), name)
            self.assertEqual(differences(case.outcome(), recorded(case.outcome())), [], name)


class Shrinking(unittest.TestCase):
    def test_what_is_smaller_is_sound_and_smaller(self) -> None:
        for case in CASES[:40]:
            size = len(json.dumps([case.definition, case.script])) + bool(case.latency)
            for candidate in smaller(case):
                self.assertTrue(sound(candidate))
                self.assertLess(len(json.dumps([candidate.definition, candidate.script])), size + 60)

    def test_it_ends_with_what_matters(self) -> None:
        def matters(case: Case) -> bool:
            return any(row.verdict == "went_back" and row.iteration == 2 for row in case.outcome().rows)
        case = next(case for case in CASES if matters(case) and len(case.definition["steps"]) > 5)
        while True:
            better = next((candidate for candidate in smaller(case) if matters(candidate)), None)
            if better is None:
                break
            case = better
        self.assertLessEqual(len(case.definition["steps"]), 2)


def recorded(outcome: Outcome) -> dict[str, Any]:
    """What the tables of an engine without faults would say."""
    clock = itertools.count(1)
    steps = []
    for row in outcome.rows:
        if row.state == WAITING:
            continue
        steps.append({"name": row.step, "iteration": row.iteration, "state": row.state, "verdict": row.verdict,
                      "error_class": None if not row.error else "internal" if row.error == "rule" else row.error,
                      "task": row.words, "feedback": row.feedback, "row": row,
                      "outputs": {"chosen": list(row.chosen)} if outcome.plan.is_decision(row.step) and row.state != SKIPPED
                      else row.answer if isinstance(row.answer, dict) else None})
    # Ends in the order that the needs want: who needs nobody that is left is next.
    left = list(steps)
    undone = [step for step in left if step["row"] in outcome.undone]
    placed: list[dict[str, Any]] = []
    while left:
        step = next(step for step in left if step not in undone or all(other in undone for other in left)
                    if not any(other["row"] in all_needs(outcome, step["row"]) for other in left if other is not step))
        if step in undone:
            ends = {other["row"].step: other["finished_at"] for other in placed if other["state"] == "completed"}
            step = max(left, key=lambda one: ends[outcome.plan.steps[one["name"]]["compensates"]])
        left.remove(step)
        row, start = step["row"], float(next(clock))
        hand_off = outcome.plan.steps[row.step].get("hand_off", {"after_retries": 99, "agent": ""})
        step["started_at"], step["finished_at"] = start, start + 0.5
        step["tries"] = [{"outcome": "completed" if status == 200 else "failed", "http_status": status, "sent_at": start + 0.1,
                          "agent": hand_off["agent"] if number >= hand_off["after_retries"] else row.agent}
                         for number, status in enumerate(row.statuses)]
        placed.append(step)
    for step in steps:
        del step["row"]
    final = next((row for row in reversed(outcome.rows) if outcome.plan.steps[row.step].get("final") and row.answer), None)
    error = next((row.error for row in reversed(outcome.rows) if row.error in outcome.errors), None)
    return {"refusal": None, "at_rest": True, "status": outcome.status, "queued": 0, "notices": outcome.notices, "error_message": "",
            "output": final and (final.answer if isinstance(final.answer, str) else json.dumps(final.answer)),
            "error_class": ("internal" if error == "rule" else error) if outcome.status == "failed" else None, "steps": steps}


def all_needs(outcome: Outcome, row: Row) -> list[Row]:
    return row.needs + [need for _, deciding in outcome.ways.get(row.step, []) for need in deciding]


class Comparing(unittest.TestCase):
    def test_what_is_right_does_not_differ(self) -> None:
        for number, outcome in enumerate(OUTCOMES):
            self.assertEqual(differences(outcome, recorded(outcome)), [], f"case {number}")

    def spoiled(self, kind: str, wanted: Any, spoil: Any) -> None:
        """Of every case that has what is wanted, the spoiled record differs in this way."""
        count = 0
        for outcome in OUTCOMES:
            record = recorded(outcome)
            if outcome.undone and kind != "rollback":
                continue
            step = next((step for step in record["steps"] if wanted(outcome, step)), None)
            if step is None:
                continue
            spoil(record, step)
            self.assertIn(kind, [text.partition(":")[0] for text in differences(outcome, record)])
            count += 1
        self.assertGreater(count, 5)

    def test_what_is_wrong_differs(self) -> None:
        def ran(outcome: Outcome, step: dict[str, Any]) -> bool:
            return bool(step["tries"]) and step["name"] not in outcome.plan.demand

        def later(outcome: Outcome, step: dict[str, Any]) -> bool:
            return ran(outcome, step) and bool(outcome.plan.after[step["name"]]) and outcome.of(step["name"])[0].needs[:1] != [] \
                and step["iteration"] == 1

        self.spoiled("status", ran, lambda record, step: record.update(status="canceled"))
        self.spoiled("output", lambda outcome, step: outcome.plan.steps[step["name"]].get("final")
                     and outcome.of(step["name"])[-1].state == outcome.status == "completed",
                     lambda record, step: record.update(output=None))
        self.spoiled("queue", ran, lambda record, step: record.update(queued=1))
        self.spoiled("not at rest", ran, lambda record, step: record.update(at_rest=False))
        self.spoiled("notices", ran, lambda record, step: record.update(notices=record["notices"] + 1))
        self.spoiled("missing", ran, lambda record, step: record["steps"].remove(step))
        self.spoiled("ran", ran, lambda record, step: record["steps"].append({**step, "iteration": 99}))
        self.spoiled("state", ran, lambda record, step: step.update(state="skipped"))
        self.spoiled("state", ran, lambda record, step: step.update(verdict="accepted"))
        self.spoiled("twice", ran, lambda record, step: step.update(tries=[{**step["tries"][0], "outcome": "completed"}] * 2))
        self.spoiled("attempts", ran, lambda record, step: step["tries"].pop())
        self.spoiled("agents", ran, lambda record, step: step["tries"][0].update(agent="nobody"))
        self.spoiled("task", ran, lambda record, step: step.update(task="Step ."))
        self.spoiled("order", later, lambda record, step: step["tries"][0].update(sent_at=0.0))
        self.spoiled("chosen", lambda outcome, step: outcome.plan.is_decision(step["name"]) and step["state"] == "completed",
                     lambda record, step: step["outputs"]["chosen"].append("x"))
        self.spoiled("feedback", lambda outcome, step: step["feedback"] and step["tries"], lambda record, step: step.update(feedback="?"))
        self.spoiled("outputs", lambda outcome, step: step["state"] == "completed" and "outputs" in outcome.plan.steps[step["name"]],
                     lambda record, step: step.update(outputs={}))
        self.spoiled("step's error", lambda outcome, step: step["error_class"] == "bad_request", lambda record, step: step.update(error_class="timeout"))
        self.spoiled("on demand", lambda outcome, step: outcome.plan.demand.get(step["name"]) in ("fallback", "specialist"),
                     lambda record, step: record["steps"].remove(step))

    def test_the_order_of_a_rollback(self) -> None:
        count = 0
        for outcome in OUTCOMES:
            record = recorded(outcome)
            undone = [step for step in record["steps"] if outcome.plan.demand.get(step["name"]) == "compensation" and step["tries"]]
            if len(undone) > 1:
                times = [(step["finished_at"], step["tries"]) for step in undone]
                for step, (finished, tries) in zip(undone, reversed(times)):
                    step["finished_at"], step["tries"][0]["sent_at"] = finished, tries[0]["sent_at"]
            elif undone:
                undone[0]["tries"][0]["sent_at"] = 0.5
            else:
                continue
            self.assertIn("rollback", [text.partition(":")[0] for text in differences(outcome, record)])
            count += 1
        self.assertGreater(count, 3)


class Turns(unittest.TestCase):
    def test_counted_turns_have_one_scenario_for_each_attempt(self) -> None:
        turns = [{"errors": [500, 503], "status": 400}, {"answer": "x y"}]
        self.assertEqual(counted_turns(turns, 3), ["status=500", "status=503", "status=400", "text=x%20y"])
        self.assertEqual(counted_turns(turns, 1), ["status=500", "status=503", "text=x%20y"])

    def test_remembered_turns_have_one_for_each_request(self) -> None:
        self.assertEqual(remembered_turns([{"errors": [500, 500], "answer": "x"}, {"errors": [500], "status": 404}], "k"),
                         ["status=500,times=2,key=k.0,text=x", "status=404"])

    def ask(self, content: str) -> str:
        body = json.dumps({"model": "mock", "messages": [{"role": "user", "content": content}]}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/v1/chat/completions", body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return json.load(response)["choices"][0]["message"]["content"]
        except urllib.error.HTTPError as error:
            error.read()
            return str(error.code)

    def test_the_server_answers_by_turns(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            port_file = Path(folder) / "port"
            with subprocess.Popen([sys.executable, str(HERE / "turns_server.py"), "--port-file", str(port_file)]) as server:
                try:
                    deadline = time.monotonic() + 30
                    while not port_file.exists() and time.monotonic() < deadline and server.poll() is None:
                        time.sleep(0.01)
                    self.port = int(port_file.read_text(encoding="ascii"))
                    turns = "text=%7B1%7D,latency=1 status=404 text=3"
                    self.assertEqual([self.ask(f"@turns a counted {turns}\nSame.") for _ in range(4)], ["{1}", "404", "3", "3"])
                    self.assertEqual(self.ask(f"@turns b counted {turns}\nSame."), "{1}")
                    words = "one two one two three three one four".split()
                    self.assertEqual([self.ask(f"@turns c remembered {turns}\n{word}") for word in words],
                                     "{1} 404 {1} 404 3 3 {1} 3".split())
                finally:
                    server.terminate()
