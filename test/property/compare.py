"""Compares what the tables say of an execution with what the reference says.

A difference is a text whose part before the colon is its kind.  Which iteration a step on demand (a fallback, a
specialist, a compensation) counts where it did not run in a round is left open; so is the row of a step that never
began: it may be missing, pending, skipped or canceled.
"""
from __future__ import annotations

import json
from typing import Any

from reference import CLOSED, COMPLETED, FAILED, OPEN, PASSED_OVER, SKIPPED, WAITING, Outcome, Row, needed

Actual = dict[str, Any]
# The clock of one attempt and of another step's end may be read in one turn of the executor.
TOLERANCE = 0.000001


def differences(outcome: Outcome, execution: Actual, crashed: bool = False) -> list[str]:
    """crashed: the executor was killed now and then, so that attempts may have been lost."""
    if execution["refusal"]:
        return [f"refused: {execution['refusal']}"]
    if not execution["at_rest"]:
        return [f"not at rest: {execution['status']}, {execution['queued']} in the queue"]
    found = Comparison(outcome, execution, crashed).run()
    if execution["queued"]:
        found.append(f"queue: {execution['queued']} rows were left in it")
    return found


def idle(actual: Actual | None) -> bool:
    """Whether a step never began."""
    return actual is None or (not actual["tries"] and actual["verdict"] is None
                              and actual["state"] in ("pending", "skipped", "canceled"))


def begun(actual: Actual) -> float | None:
    return actual["tries"][0]["sent_at"] if actual["tries"] else actual["started_at"] or actual["finished_at"]


class Comparison:
    def __init__(self, outcome: Outcome, execution: Actual, crashed: bool) -> None:
        self.outcome, self.plan, self.execution, self.crashed = outcome, outcome.plan, execution, crashed
        self.pairs: list[tuple[Row, Actual]] = []
        self.found: list[str] = []

    def say(self, kind: str, text: str) -> None:
        self.found.append(f"{kind}: {text}")

    def run(self) -> list[str]:
        self.compare_end()
        self.compare_output()
        for name in self.plan.steps:
            actual = [row for row in self.execution["steps"] or [] if row["name"] == name]
            if name in self.plan.demand:
                self.pair_demand(name, actual)
            else:
                self.pair_ordinary(name, actual)
        self.actual_of = {id(row): actual for row, actual in self.pairs}
        for row, actual in self.pairs:
            self.compare_row(row, actual)
            self.compare_order(row, actual)
        self.compare_undone()
        if self.execution["notices"] != self.outcome.notices:
            self.say("notices", f"{self.execution['notices']} of rules instead of {self.outcome.notices}")
        return self.found

    def compare_end(self) -> None:
        status, error = self.execution["status"], self.execution["error_class"]
        if status != self.outcome.status:
            self.say("status", f"{status} instead of {self.outcome.status} ({self.execution['error_message']})")
        elif status == "completed" and error:
            self.say("error class", f"{error} of what completed")
        elif status == "failed" and (error is None or ("rule" not in self.outcome.errors and error not in self.outcome.errors)):
            self.say("error class", f"{error} instead of one of {sorted(self.outcome.errors)}")

    def compare_output(self) -> None:
        """The answer of the final step is the workflow's."""
        final = next((name for name, step in self.plan.steps.items() if step.get("final")), None)
        row = self.outcome.of(final)[-1] if final else None
        if row is None or row.state != COMPLETED or self.outcome.status != "completed":
            return
        answer = row.answer if isinstance(row.answer, str) else json.dumps(row.answer)
        if self.execution["output"] != answer:
            self.say("output", f"{self.execution['output']!r} instead of {answer!r} of {row}")

    # -- which row is which --

    def pair_ordinary(self, name: str, actual: list[Actual]) -> None:
        by_iteration = {row["iteration"]: row for row in actual}
        for row in self.outcome.of(name):
            other = by_iteration.pop(row.iteration, None)
            if row.state == WAITING:
                if not idle(other):
                    self.say("ran", f"{label(other)} should not have begun")
            elif other is None:
                self.say("missing", f"{row} has no row")
            else:
                self.pairs.append((row, other))
        for other in by_iteration.values():
            self.say("ran" if not idle(other) else "row", f"{label(other)} is one iteration too many")

    def pair_demand(self, name: str, actual: list[Actual]) -> None:
        rows = [row for row in self.outcome.of(name) if row.state != WAITING]
        others = [other for other in actual if not idle(other)]
        if len(rows) != len(others):
            self.say("on demand", f"{name} ran as {[label(other) for other in others]} instead of {rows}")
        self.pairs += zip(rows, others)

    # -- one row --

    def compare_row(self, row: Row, actual: Actual) -> None:
        state = SKIPPED if row.state == SKIPPED else row.state
        if actual["state"] != state or not self.same_verdict(row, actual["verdict"]):
            self.say("state", f"{label(actual)} should be {row}")
            return
        if row.state == FAILED and row.error != "rule" and actual["error_class"] != row.error:
            self.say("step's error", f"{label(actual)} with {actual['error_class']} instead of {row.error}")
        if sorted(row.chosen) != sorted((actual["outputs"] or {}).get("chosen", [])) and self.plan.is_decision(row.step):
            self.say("chosen", f"{label(actual)} chose {actual['outputs']} instead of {row.chosen}")
        if row.ran:
            self.compare_tries(row, actual)
            self.compare_words(row, actual)

    def same_verdict(self, row: Row, verdict: str | None) -> bool:
        return verdict == row.verdict

    def compare_tries(self, row: Row, actual: Actual) -> None:
        tries = actual["tries"] or []
        if sum(one["outcome"] == "completed" for one in tries) > 1:
            self.say("twice", f"{label(actual)} has two results")
        if self.crashed:
            return
        statuses = [one["http_status"] for one in tries]
        if statuses != row.statuses:
            self.say("attempts", f"{label(actual)} had the statuses {statuses} instead of {row.statuses}")
        other = self.plan.steps[row.step].get("hand_off", {"agent": None, "after_retries": 99})
        agents = [other["agent"] if number >= other["after_retries"] else row.agent for number in range(len(tries))]
        if [one["agent"] for one in tries] != agents:
            self.say("agents", f"{label(actual)} asked {[one['agent'] for one in tries]} instead of {agents}")

    def compare_words(self, row: Row, actual: Actual) -> None:
        start = f"Step {row.step}."
        words = next((line for line in (actual["task"] or "").split("\n") if line.startswith(start)), None)
        if words != row.words:
            self.say("task", f"{label(actual)} was asked {words!r} instead of {row.words!r}")
        if row.feedback is not None and (actual["feedback"] or "") != row.feedback:
            self.say("feedback", f"{label(actual)} was told {actual['feedback']!r} instead of {row.feedback!r}")
        if row.state == COMPLETED and isinstance(row.answer, dict) and "outputs" in self.plan.steps[row.step] \
                and actual["outputs"] != row.answer:
            self.say("outputs", f"{label(actual)} has {actual['outputs']} instead of {row.answer}")

    # -- the order --

    def compare_order(self, row: Row, actual: Actual) -> None:
        start = begun(actual)
        if start is None:
            self.say("order", f"{label(actual)} has no time")
            return
        for need in row.needs:
            other = self.actual_of.get(id(need))
            if other and (other["finished_at"] is None or other["finished_at"] > start + TOLERANCE):
                self.say("order", f"{label(actual)} began before {label(other)} had ended")
        if row.step in self.outcome.ways and row.state != SKIPPED:
            self.compare_merge(row, actual, start)

    def compare_merge(self, row: Row, actual: Actual, start: float) -> None:
        """Enough ways were open when it began."""
        states = []
        for state, deciding in self.outcome.ways[row.step]:
            ends = [self.actual_of[id(other)]["finished_at"] for other in deciding if id(other) in self.actual_of]
            known = len(ends) == len(deciding) and all(end is not None and end <= start + TOLERANCE for end in ends)
            states.append(state if known else "unknown")
        if states.count(OPEN) < max(1, needed(states, self.plan.merge(row.step))) and states.count(CLOSED) < len(states):
            self.say("order", f"{label(actual)} began when the ways to it were {states}")

    def compare_undone(self) -> None:
        """One after the other, after all else, in the reverse of the order in which what they undo completed."""
        undone = [(row, self.actual_of[id(row)]) for row in self.outcome.undone if id(row) in self.actual_of]
        undone.sort(key=lambda pair: begun(pair[1]) or 0)
        ends = [actual["finished_at"] for row, actual in self.pairs
                if row not in self.outcome.undone and actual["finished_at"]]
        completed = []
        for row, actual in undone:
            if ends and (begun(actual) or 0) < max(ends) - TOLERANCE:
                self.say("rollback", f"{label(actual)} began before all else had ended")
            ends.append(actual["finished_at"])
            completed.append(max((self.actual_of[id(other)]["finished_at"] for other in self.outcome.of(self.plan.steps[row.step]["compensates"])
                                  if other.state == COMPLETED and id(other) in self.actual_of), default=0))
        if completed != sorted(completed, reverse=True):
            self.say("rollback", f"the order was {[label(actual) for _, actual in undone]}")


def label(actual: Actual | None) -> str:
    if actual is None:
        return "nothing"
    verdict = f" {actual['verdict']}" if actual["verdict"] else ""
    return f"{actual['name']}#{actual['iteration']} {actual['state']}{verdict}"
