"""What a workflow does, told by doc/workflows.md and by nothing else: the reference that the engine is held to.

    outcome = Interpreter(definition, pattern, script, inputs).run()

A script says what each call of a model answers: for each step its turns, one for each time that the step runs.
A turn is {"errors": [500, 503], "status": 400} or {"errors": [], "answer": {...}} (or a text as the answer):
errors, which are worth a retry, come first.  The last turn stays.

The interpreter knows no time: whatever could happen next happens, one thing after the other, and choose() says
which of the running steps ends next.  What a definition says must not depend on that, as long as no condition
reads what a racing branch may or may not have brought yet: sure_of() tells what a step may read.

A Row is one iteration of a step: what became of it, and what it waited for.  The Outcome has all of them, the
status of the whole, and the classes of error that it may show.
"""
from __future__ import annotations

import dataclasses
import functools
import json
import re
from typing import Any, Callable

from conditions import holds

UNKNOWN, OPEN, CLOSED, BLOCKED, HELD = "unknown", "open", "closed", "blocked", "held"
WAITING, RUNNING, COMPLETED, FAILED, SKIPPED = "waiting", "running", "completed", "failed", "skipped"
PASSED_OVER = "passed_over"
ERROR_CLASSES = {400: "bad_request", 404: "not_found", 500: "overloaded", 503: "overloaded"}
MAX_RUNS = 400


class TooLong(Exception):
    """More runs than anybody wants to wait for."""


# ---- The plan -------------------------------------------------------------------------------------------

@dataclasses.dataclass(frozen=True)
class Loop:
    """The flow goes back from step end to step start; body is every step on the ways between them."""
    start: str
    end: str
    body: frozenset[str]


class Plan:
    """A definition with its defaults filled in."""

    def __init__(self, definition: dict[str, Any], pattern: str) -> None:
        self.definition, self.pattern = definition, pattern
        self.settings = definition.get("settings", {})
        self.steps = {step["name"]: step for step in definition["steps"]}
        self.demand = self.find_demand()
        self.after = self.find_after()
        self.followers = {name: [other for other in self.after if name in self.after[other]] for name in self.steps}
        self.loops = [Loop(rule["to"], name, self.between(rule["to"], name))
                      for name, step in self.steps.items() for rule in step.get("rules", [])
                      if rule["then"] == "go_back"]

    def find_demand(self) -> dict[str, str]:
        """The steps that only run on demand, and what for."""
        demand = {}
        for step in self.steps.values():
            if step.get("on_failure") == "fallback":
                demand[step["fallback"]] = "fallback"
            for rule in step.get("rules", []):
                if rule["then"] == "hand_off":
                    demand[rule["to"]] = "specialist"
            if "compensates" in step:
                demand[step["name"]] = "compensation"
        return demand

    def find_after(self) -> dict[str, list[str]]:
        after: dict[str, list[str]] = {}
        before: list[str] = []
        for name, step in self.steps.items():
            deciders = [other for other in self.steps if name in self.named_by(other)]
            if name in self.demand:
                after[name] = []
                continue
            if "after" in step:
                after[name] = step["after"] + [other for other in deciders if other not in step["after"]]
            elif deciders:
                after[name] = deciders
            else:
                after[name] = [] if self.pattern == "parallel" else list(before)
            before = [name]
        return after

    def named_by(self, name: str) -> list[str]:
        """The steps that a decision may choose."""
        step = self.steps[name]
        return [to for case in step.get("cases", []) for to in names(case["to"])] + names(step.get("else", []))

    def is_decision(self, name: str) -> bool:
        return self.steps[name].get("type") == "decision"

    def on_failure(self, name: str) -> str:
        word = self.steps[name].get("on_failure", self.settings.get("on_failure", "stop"))
        return "stop" if word == "retry_then_stop" else word

    def max_retries(self, name: str) -> int:
        return self.steps[name].get("retry", self.settings.get("retry", {})).get("max_retries", 3)

    def merge(self, name: str) -> int | None:
        """How many ways it waits for; None: all."""
        merge = self.steps[name].get("merge", "all")
        return None if merge == "all" else 1 if merge == "any" else merge

    @functools.lru_cache(maxsize=None)
    def ancestors(self, name: str) -> frozenset[str]:
        return frozenset(self.after[name]).union(*(self.ancestors(other) for other in self.after[name]))

    def between(self, start: str, end: str) -> frozenset[str]:
        return frozenset(name for name in self.ancestors(end) | {end}
                         if name == start or start in self.ancestors(name)) | {end}

    def helpers(self, name: str) -> list[str]:
        """What runs on demand for a step, and for those in turn."""
        step = self.steps[name]
        found = [step["fallback"]] if step.get("on_failure") == "fallback" else []
        found += [rule["to"] for rule in step.get("rules", []) if rule["then"] == "hand_off"]
        return found + [more for helper in found for more in self.helpers(helper)]

    def client(self, name: str) -> str | None:
        """Whom a fallback or a specialist works for, or what a compensation undoes."""
        if "compensates" in self.steps[name]:
            return self.steps[name]["compensates"]
        return next((other for other, step in self.steps.items()
                     if (step.get("on_failure") == "fallback" and step["fallback"] == name)
                     or any(rule["then"] == "hand_off" and rule["to"] == name for rule in step.get("rules", []))), None)

    def owners(self, name: str) -> set[str]:
        """The step for which a fallback or a specialist runs, and the one for which that runs."""
        client = self.client(name) if self.demand.get(name) in ("fallback", "specialist") else None
        return {client} | self.owners(client) if client else set()

    @functools.lru_cache(maxsize=None)
    def sure_of(self, name: str) -> frozenset[str]:
        """The steps that have ended for certain, one way or the other, when this one begins."""
        client = self.client(name) if name in self.demand else None
        if client:
            return self.sure_of(client) | ({client} if self.demand[name] == "compensation" else set())
        known = [self.sure_of(other) | {other} for other in self.after[name]]
        if not known:
            return frozenset()
        found = frozenset.union(*known) if self.merge(name) is None else frozenset.intersection(*known)
        return found | {helper for other in found for helper in self.helpers(other)}

    def waits_for_itself(self) -> bool:
        """Whether the ends of loops wait for each other, so that they cannot come."""
        coming: set[str] = set()
        while True:
            more = {name for name in self.steps if name not in coming and sum(
                other in coming and all(loop.end in coming for loop in self.leaves(other, name)) for other in self.after[name])
                >= (self.merge(name) or len(self.after[name]))}
            if not more:
                return len(coming) < len(self.steps)
            coming |= more

    def leaves(self, source: str, target: str) -> list[Loop]:
        """The loops that the way between two steps leads out of, but for those that end at its source."""
        return [loop for loop in self.loops
                if source in loop.body and target not in loop.body and source != loop.end]


def names(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


# ---- One run --------------------------------------------------------------------------------------------

@dataclasses.dataclass(eq=False)
class Row:
    """One iteration of a step."""
    step: str
    iteration: int = 1
    round: int = 1
    state: str = WAITING
    verdict: str | None = None
    error: str | None = None
    called: bool = False                # of a step on demand: somebody wants it
    gate: str | None = None             # the specialist that it waits for
    statuses: list[int] = dataclasses.field(default_factory=list)   # of its attempts
    answer: Any = None
    chosen: list[str] = dataclasses.field(default_factory=list)
    words: str | None = None            # its task, filled in
    agent: str | None = None
    feedback: str | None = None
    previous: Any = None                # what it had answered when the flow came back to it
    needs: list[Row] = dataclasses.field(default_factory=list)

    def __repr__(self) -> str:
        return f"{self.step}#{self.iteration} {self.state}{' ' + self.verdict if self.verdict else ''}"

    @property
    def ended(self) -> bool:
        return self.state not in (WAITING, RUNNING)

    @property
    def ran(self) -> bool:
        return bool(self.statuses)


@dataclasses.dataclass
class Outcome:
    plan: Plan
    status: str
    errors: set[str]
    rows: list[Row]
    undone: list[Row]
    notices: int
    ways: dict[str, list[tuple[str, list[Row]]]]    # of merges that are not all: each way's state and whose ends decide it

    def of(self, step: str) -> list[Row]:
        return [row for row in self.rows if row.step == step]

    def summary(self) -> dict[str, list[str]]:
        """For tests: what became of each iteration of each step."""
        return {name: [row.verdict if row.verdict == PASSED_OVER else row.state for row in self.of(name)]
                for name in self.plan.steps}

    def same_request_twice(self) -> bool:
        """Whether two iterations of a step ask the model the same: then an answer cannot be told from the request."""
        asked = [json.dumps([row.step, row.words, row.previous, row.feedback]) for row in self.rows if row.ran]
        return len(set(asked)) < len(asked)


class Interpreter:
    """Runs a plan by its script."""

    def __init__(self, definition: dict[str, Any], pattern: str, script: dict[str, list[dict[str, Any]]],
                 inputs: dict[str, Any] | None = None, choose: Callable[[list[Row]], Row] = lambda rows: rows[0]) -> None:
        self.plan = Plan(definition, pattern)
        self.script, self.choose = script, choose
        self.inputs = {name: kind["default"] for name, kind in definition.get("inputs", {}).items()
                       if isinstance(kind, dict) and "default" in kind} | (inputs or {})
        self.rows = [Row(name) for name in self.plan.steps]
        self.current = {row.step: row for row in self.rows}
        self.runs: dict[str, int] = {}
        self.notices = 0

    def run(self) -> Outcome:
        self.flow()
        status, errors = self.verdict()
        undone = []
        if status == "failed" and self.plan.settings.get("rollback"):
            undone = self.roll_back()
        return Outcome(self.plan, status, errors, self.rows, undone, self.notices,
                       {name: [(self.way(other, name), self.deciding(other, name)) for other in self.plan.after[name]]
                        for name in self.plan.steps if self.plan.merge(name) is not None})

    def flow(self) -> None:
        while True:
            while any(self.consider(row) for row in list(self.current.values()) if row.state == WAITING):
                pass
            running = [row for row in self.current.values() if row.state == RUNNING]
            if not running:
                return
            self.answer(self.choose(running))

    # -- the ways --

    def way(self, source: str, target: str) -> str:
        if any(self.may_go_back(loop) for loop in self.plan.leaves(source, target)):
            return UNKNOWN
        return self.way_from(source, target)

    def way_from(self, source: str, target: str) -> str:
        row = self.current[source]
        if not row.ended:
            return UNKNOWN
        if row.state == SKIPPED:
            return OPEN if row.verdict == PASSED_OVER else CLOSED
        if row.state == FAILED:
            on_failure = self.plan.on_failure(source)
            if on_failure == "fallback":
                return self.way_from(self.plan.steps[source]["fallback"], target)
            return OPEN if on_failure == "continue" else BLOCKED
        if row.verdict == "manual_review":
            return HELD
        if self.plan.is_decision(source) and target in self.plan.named_by(source):
            return OPEN if target in row.chosen else CLOSED
        return OPEN

    def may_go_back(self, loop: Loop) -> bool:
        """As long as its end has not come: even one that waits for what failed, since people may take that up again."""
        return not self.current[loop.end].ended

    def deciding(self, source: str, target: str) -> list[Row]:
        """The rows whose ends make the way known."""
        rows = [self.current[source]]
        while rows[-1].state == FAILED and self.plan.on_failure(rows[-1].step) == "fallback":
            rows.append(self.current[self.plan.steps[rows[-1].step]["fallback"]])
        return rows + [self.current[loop.end] for loop in self.plan.leaves(source, target)
                       if self.current[loop.end].ended]

    # -- the start of a step --

    def consider(self, row: Row) -> bool:
        """Starts or skips a step that waits, if it is time."""
        name = row.step
        if name in self.plan.demand and not row.called:
            return False
        if row.gate and self.way_from(row.gate, name) != OPEN:
            return False
        ways = [self.way(other, name) for other in self.plan.after[name]]
        if ways and all(way == CLOSED for way in ways):
            row.state = SKIPPED
        elif ways.count(OPEN) < needed(ways, self.plan.merge(name)):
            return False
        else:
            self.begin(row)
        return True

    def begin(self, row: Row) -> None:
        name, step = row.step, self.plan.steps[row.step]
        if self.plan.merge(name) is None:
            row.needs += [need for other in self.plan.after[name] for need in self.deciding(other, name)]
        if row.gate:
            row.needs += self.deciding(row.gate, name)
        if "when" in step and not holds(step["when"], self.variables(row)):
            row.state, row.verdict = SKIPPED, PASSED_OVER
        elif self.plan.is_decision(name):
            self.decide(row)
        else:
            row.state = RUNNING
            row.words = self.filled(step["task"], row)
            row.agent = self.agent(row)

    def decide(self, row: Row) -> None:
        step = self.plan.steps[row.step]
        row.state, row.chosen = COMPLETED, names(step.get("else", []))
        for case in step["cases"]:
            if holds(case["if"], self.variables(row)):
                row.chosen = names(case["to"])
                return

    def agent(self, row: Row) -> str:
        agent = self.plan.steps[row.step]["agent"]
        if isinstance(agent, str):
            return agent
        value = self.source(agent["by"])
        return agent["choices"].get(value[0], agent.get("default")) if value else agent["default"]

    # -- what a step sees --

    def source(self, source: str) -> list[Any]:
        """The value, or nothing where it is not there."""
        step, _, name = source.partition(".")
        if step == "inputs":
            return [self.inputs[name]] if name in self.inputs else []
        answer = self.output(step)
        if answer is None:
            return []
        if name == "output":
            return [answer if isinstance(answer, str) else json.dumps(answer)]
        return [answer[name]] if isinstance(answer, dict) and name in answer else []

    def output(self, step: str) -> Any:
        """What others see of a step: where it failed, what its fallback brought, or the best of what did not meet its criteria."""
        row, plan = self.current[step], self.plan.steps[step]
        if row.gate and row.state == WAITING:       # to the specialist: what it handed off with
            return [other for other in self.rows if other.step == step][-2].answer
        if row.state == COMPLETED:
            return row.answer
        answer = None
        if row.state == FAILED and self.plan.on_failure(step) == "fallback":
            answer = self.output(plan["fallback"])
        if answer is None and row.error == "max_iterations" and "criteria" in plan:
            rounds = [other for other in self.rows if other.step == step][-row.round:]
            answer = max(reversed(rounds), key=lambda other: quality(other.answer, plan["criteria"])).answer
        return answer

    def mapped(self, row: Row) -> dict[str, Any]:
        values = dict(self.inputs)
        for name, sources in self.plan.steps[row.step].get("inputs", {}).items():
            values.pop(name, None)
            for source in names(sources):
                found = self.source(source)
                if found:
                    values[name] = found[0]
                    break
        return values

    def variables(self, row: Row) -> dict[str, Any]:
        own = row.answer if row.ended and isinstance(row.answer, dict) else {}
        outputs = {name: answer for name in self.current if isinstance(answer := self.output(name), dict)}
        return {"$": self.mapped(row) | own, "$inputs": self.inputs, "$steps": outputs,
                "$iteration": row.iteration, "$retry_count": len(row.statuses) - 1}

    def filled(self, template: str, row: Row) -> str:
        values = self.mapped(row) | (row.answer if row.ended and isinstance(row.answer, dict) else {})

        def value(match: re.Match[str]) -> str:
            if match[0] in ("{{", "}}"):
                return match[0][0]
            found = self.source(match[1]) if "." in match[1] else [values[match[1]]] if match[1] in values else []
            return "" if not found else found[0] if isinstance(found[0], str) else json.dumps(found[0])
        return re.sub(r"\{\{|\}\}|\{([^{}]*)\}", value, template)

    # -- the end of a step --

    def turn(self, row: Row) -> dict[str, Any]:
        count = self.runs[row.step] = self.runs.get(row.step, 0) + 1
        if sum(self.runs.values()) > MAX_RUNS:
            raise TooLong
        turns = self.script[row.step]
        return turns[min(count, len(turns)) - 1]

    def answer(self, row: Row) -> None:
        """The model answers, after as many errors as the turn has and retries allow."""
        turn = self.turn(row)
        row.statuses = (turn.get("errors", []) + [turn.get("status", 200)])[:self.plan.max_retries(row.step) + 1]
        if row.statuses[-1] != 200:
            self.fail(row, ERROR_CLASSES[row.statuses[-1]])
            return
        row.state, row.answer = COMPLETED, turn["answer"]
        criteria = self.plan.steps[row.step].get("criteria")
        if criteria and self.repeat(row, criteria):
            return
        self.look_at_rules(row)

    def fail(self, row: Row, error: str) -> None:
        row.state, row.error = FAILED, error
        if self.plan.on_failure(row.step) == "fallback":
            fallback = self.current[self.plan.steps[row.step]["fallback"]]
            fallback.called = True
            fallback.needs.append(row)

    def repeat(self, row: Row, criteria: dict[str, Any]) -> bool:
        """Criteria: whether there is to be another round, or would have to be one."""
        if meets(row.answer, criteria):
            return False
        if row.round < criteria.get("max_iterations", 3):
            self.renew(row, row.step, None)
        else:
            self.fail(row, "max_iterations")
        return True

    def look_at_rules(self, row: Row) -> None:
        for rule in self.plan.steps[row.step].get("rules", []):
            if "if" in rule and not holds(rule["if"], self.variables(row)):
                continue
            if rule["then"] == "notify":
                self.notices += 1
                continue
            if rule["then"] in ("go_back", "hand_off") and row.round >= rule.get("max_iterations", 3):
                self.fail(row, "max_iterations")
            elif rule["then"] == "go_back":
                self.renew(row, rule["to"], self.filled(rule["feedback"], row) if "feedback" in rule else None)
            elif rule["then"] == "hand_off":
                self.hand_off(row, rule["to"])
            elif rule["then"] == "manual_review":
                row.verdict = "manual_review"
            else:
                self.fail(row, "rule")
            return

    # -- going back --

    def renew(self, row: Row, start: str, feedback: str | None) -> None:
        """Every step on the ways from start to this one gets a new iteration."""
        row.verdict = "went_back"
        previous = self.current[start].answer
        for name in (name for name in self.plan.steps if name in self.plan.between(start, row.step)):
            self.another(name, row.round + 1 if name == row.step else 1)
            for helper in self.plan.helpers(name):
                self.another(helper, 1)
        again = self.current[start]
        again.called, again.feedback, again.previous = True, feedback, previous
        again.needs.append(row)

    def hand_off(self, row: Row, specialist: str) -> None:
        row.verdict = "handed_off"
        if self.current[specialist].called:
            for name in [specialist, *self.plan.helpers(specialist)]:
                self.another(name, 1)
        self.current[specialist].called = True
        self.current[specialist].needs.append(row)
        again = self.another(row.step, row.round + 1)
        again.called, again.gate = True, specialist

    def another(self, name: str, number: int) -> Row:
        row = Row(name, self.current[name].iteration + 1, number)
        self.rows.append(row)
        self.current[name] = row
        return row

    # -- the end of it all --

    def verdict(self) -> tuple[str, set[str]]:
        rows = self.current.values()
        errors = {row.error for row in rows if row.error}
        if any(row.verdict == "manual_review" or (row.state == FAILED and self.plan.on_failure(row.step) == "manual_review")
               for row in rows):
            return "requires_manual_review", errors
        waiting = any(row.state == WAITING and (row.called or row.step not in self.plan.demand) for row in rows)
        if waiting or any(self.is_fatal(row) for row in rows):
            return "failed", errors
        return "completed", set()

    def is_fatal(self, row: Row) -> bool:
        """Whether a step failed after which nothing comes; what comes after others and could not run still waits."""
        if row.state != FAILED or self.way_from(row.step, "") != BLOCKED:
            return False
        name = row.step
        while name in self.plan.demand:     # a fallback stands in for another
            name = self.plan.client(name) or name
        return not self.plan.followers[name]

    def roll_back(self) -> list[Row]:
        """Runs what compensates; in which order is for the reader to check: the reverse of that in which they completed."""
        undone = []
        for name, step in self.plan.steps.items():
            if "compensates" not in step:
                continue
            if self.current[step["compensates"]].state != COMPLETED:
                continue
            row = self.current[name]
            row.called = True
            self.begin(row)
            if row.state == RUNNING:
                self.answer(row)
            undone.append(row)
        return undone


def needed(ways: list[str], merge: int | None) -> int:
    """How many ways must be open: all that are not closed, or so many, or as many as are not closed."""
    not_closed = len(ways) - ways.count(CLOSED)
    return not_closed if merge is None else min(merge, not_closed)


# ---- Criteria -------------------------------------------------------------------------------------------

def completeness(answer: Any, criteria: dict[str, Any]) -> float:
    sections = criteria.get("required_sections", [])
    return sum(name in answer for name in sections) / len(sections) if sections else 1


def quality(answer: Any, criteria: dict[str, Any]) -> float:
    """The mean of completeness and format compliance: these answers are JSON where JSON is asked for."""
    return (completeness(answer, criteria) + 1) / 2


def meets(answer: Any, criteria: dict[str, Any]) -> bool:
    return completeness(answer, criteria) == 1 and quality(answer, criteria) >= criteria.get("min_quality_score", 0)
