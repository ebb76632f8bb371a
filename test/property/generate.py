"""Makes random workflows, each with a script of what the models will answer; and makes a case smaller.

A case is sound when its outcome does not depend on the time that anything takes, so that the interpreter can tell
it: what a condition or a template reads has ended for certain by then (Plan.sure_of), loops lie beside or within
each other, and merges within them are "all".  Racing branches are free to meet in "any" and numbers: who is first
decides when a step starts, but not whether.  Left out because the document does not say what would happen: loops
that overlap or wait for each other, two loops with one end, criteria together with rules, helpers that serve two steps, and $iteration
where loops are nested.
"""
from __future__ import annotations

import copy
import dataclasses
import random
import re
from typing import Any, Iterator

from reference import Interpreter, Outcome, Plan, TooLong, names

PATTERNS = ("sequential", "parallel", "iterative", "dynamic")
SIZES = {1: 4, 2: 7, 3: 12, 4: 14, 5: 14, 6: 12, 7: 9, 8: 7, 9: 5, 10: 3, 11: 2, 12: 2}
MOST_RUNS = 40
OUTPUTS = {"v": "number", "tag": "string", "k": {"type": "enum", "values": ["a", "b"]}}
SECTIONS = ("p", "q", "r")
REFERENCE = re.compile(r'\$steps\."([^"]+)"|\{([a-z][a-z0-9_-]*)\.[a-z]')


@dataclasses.dataclass
class Case:
    """A definition, and what the models will say."""
    pattern: str
    definition: dict[str, Any]
    script: dict[str, list[dict[str, Any]]]
    inputs: dict[str, Any]
    latency: float = 0          # most milliseconds of an answer
    gate: str = ""              # every third answer does not end before this is opened

    def interpreter(self, **options: Any) -> Interpreter:
        return Interpreter(self.definition, self.pattern, self.script, self.inputs, **options)

    def outcome(self) -> Outcome:
        return self.interpreter().run()


# ---- What makes a case sound ----------------------------------------------------------------------------

def references(step: dict[str, Any]) -> set[str]:
    """The steps whose outputs it reads."""
    texts = [step.get("task", ""), step.get("when", ""), *(case["if"] for case in step.get("cases", []))]
    for rule in step.get("rules", []):
        texts += [rule.get(member, "") for member in ("if", "feedback", "message")]
    found = {name for text in texts for match in REFERENCE.finditer(text) for name in match.groups() if name}
    sources = [source for value in step.get("inputs", {}).values() for source in names(value)]
    if isinstance(step.get("agent"), dict):
        sources.append(step["agent"]["by"])
    return (found | {source.partition(".")[0] for source in sources}) - {"inputs"}


def sound(case: Case) -> bool:
    try:
        plan = Plan(case.definition, case.pattern)
        return (bool(plan.steps) and all(sound_step(plan, name) for name in plan.steps) and sound_loops(plan)
                and helpers_are_their_own(plan) and len(case.outcome().rows) <= MOST_RUNS)
    except (KeyError, TooLong, RecursionError):
        return False


def sound_step(plan: Plan, name: str) -> bool:
    step, place = plan.steps[name], list(plan.steps)
    if any("if" not in rule and rule["then"] != "notify" for rule in step.get("rules", [])[:-1]):
        return False                    # what comes behind it is never looked at
    specialists = {rule["to"] for rule in step.get("rules", []) if rule["then"] == "hand_off"}
    owners = plan.owners(name)
    if not references(step) <= plan.sure_of(name) | specialists | owners | {name}:
        return False
    if any(place.index(other) >= place.index(name) or other in plan.demand for other in plan.after[name]):
        return False
    if plan.is_decision(name) and (not plan.named_by(name) or name in plan.demand
                                   or any(to in plan.demand for to in plan.named_by(name))):
        return False
    return "merge" not in step or (len(plan.after[name]) > 1 and (plan.merge(name) or 1) <= len(plan.after[name]))


def sound_loops(plan: Plan) -> bool:
    ends = {}
    if plan.waits_for_itself():
        return False
    for loop in plan.loops:
        if loop.start != loop.end and loop.start not in plan.ancestors(loop.end):
            return False
        if ends.setdefault(loop.end, loop.start) != loop.start:
            return False
        if any(plan.merge(name) is not None for name in loop.body):
            return False
    return all(one.end == other.end or one.body.isdisjoint(other.body) or one.body < other.body or other.body < one.body
               for one in plan.loops for other in plan.loops)


def helpers_are_their_own(plan: Plan) -> bool:
    called = []
    for step in plan.steps.values():
        called += [step["fallback"]] if step.get("on_failure") == "fallback" else []
        called += {rule["to"] for rule in step.get("rules", []) if rule["then"] == "hand_off"}
        called += [step["name"]] if "compensates" in step else []
        if "compensates" in step and (step["compensates"] in plan.demand.keys() - {"x"}
                                      and plan.demand[step["compensates"]] == "compensation"):
            return False
    undone = [step["compensates"] for step in plan.steps.values() if "compensates" in step]
    return len(called) == len(set(called)) and len(undone) == len(set(undone))


# ---- A random case --------------------------------------------------------------------------------------

def generate(rng: random.Random) -> Case:
    while True:
        case = Author(rng).write()
        if sound(case):
            return case


class Author:
    """Writes one case: first the order, then loops and helpers, at last what is said and what it leads to."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.pattern = rng.choice(PATTERNS)
        self.size = rng.choices(list(SIZES), list(SIZES.values()))[0]
        self.steps: list[dict[str, Any]] = []
        self.settings: dict[str, Any] = {}
        self.in_loops: dict[str, int] = {}

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def plan(self) -> Plan:
        return Plan({"steps": self.steps, "settings": self.settings}, self.pattern)

    def write(self) -> Case:
        helpers = sum(self.chance(0.22) for _ in range(self.size - 1))
        self.write_order(self.size - helpers)
        for _ in range(self.rng.choice((0, 0, 1, 1, 2, 3))):
            self.add_loop()
        self.write_settings(helpers)
        for _ in range(helpers):
            self.add_helper()
        self.leave_out_defaults()
        self.write_words()
        inputs = {"x": "number", "y": {"type": "string", "default": "a"}}
        definition: dict[str, Any] = {"inputs": inputs, "steps": self.steps}
        if self.settings:
            definition["settings"] = self.settings
        latency = self.rng.choice((0, 0, 0, 5, 30))
        return Case(self.pattern, definition, {step["name"]: self.turns(step) for step in self.steps
                                               if step.get("type") != "decision"},
                    {"x": self.rng.randrange(4)}, latency)

    # -- the order --

    def write_order(self, count: int) -> None:
        decisions = {number for number in range(count - 1) if self.chance(0.2)}
        names_of = [self.name(number) for number in range(count)]
        parents: list[list[int]] = [self.parents(number) for number in range(count)]
        chosen: dict[int, list[int]] = {}
        for number in decisions:
            chosen[number] = sorted(self.rng.sample(range(number + 1, count), min(count - number - 1, self.rng.choice((1, 2, 2, 3)))))
            for target in chosen[number]:
                parents[target] = [number] + (parents[target] if self.chance(0.3) else
                                              [other for other in parents[target] if other in decisions])
        for number, name in enumerate(names_of):
            after = sorted(set(parents[number]))
            step: dict[str, Any] = {"name": name, "after": [names_of[parent] for parent in after]}
            if len(after) > 1 and self.chance(0.5):
                step["merge"] = self.rng.choice(["any", "any", *range(1, len(after) + 1)])
            if number in decisions:
                step |= self.choices([names_of[target] for target in chosen[number]])
            else:
                step["agent"] = "worker"
            self.steps.append(step)

    def name(self, number: int) -> str:
        return self.rng.choice("abcdxyz") + self.rng.choice(("", "", "-", "_")) + str(number + 1)

    def parents(self, number: int) -> list[int]:
        how = self.rng.random()
        if number == 0 or how < 0.1:
            return []
        if how < 0.5:
            return [number - 1]
        return self.rng.sample(range(number), min(number, self.rng.choice((1, 1, 2, 2, 3))))

    def choices(self, targets: list[str]) -> dict[str, Any]:
        """Cases and else, with no conditions yet."""
        groups: list[list[str]] = [[] for _ in range(self.rng.randint(1, min(3, len(targets))))]
        for number, target in enumerate(targets):
            groups[number if number < len(groups) else self.rng.randrange(len(groups))].append(target)
            if self.chance(0.15):       # a step may be in two cases
                groups[self.rng.randrange(len(groups))].append(target)
        shown = [group[0] if len(set(group)) == 1 and self.chance(0.7) else sorted(set(group)) for group in groups]
        otherwise = {"else": shown.pop()} if len(shown) > 1 and self.chance(0.6) else {}
        return {"type": "decision", "cases": [{"if": "", "to": group} for group in shown]} | otherwise

    # -- loops and helpers --

    def add_loop(self) -> None:
        """A step that goes back, or one with criteria; given up where it would overlap another."""
        plan = self.plan()
        ends = [step for step in self.steps if "agent" in step and not step.get("rules") and "criteria" not in step]
        if not ends:
            return
        end = self.rng.choice(ends)
        if self.chance(0.2):
            end |= self.criteria()
            self.in_loops[end["name"]] = self.in_loops.get(end["name"], 0) + 1
            return
        starts = sorted(plan.ancestors(end["name"]))
        start = self.rng.choice(starts) if starts and self.chance(0.8) else end["name"]
        body = plan.between(start, end["name"])
        end["rules"] = [{"then": "go_back", "to": start}]
        if not sound_loops(Plan({"steps": [{**step, "merge": "all"} for step in self.steps]}, self.pattern)):
            del end["rules"]
            return
        if self.chance(0.7):
            end["rules"][0]["max_iterations"] = self.rng.randint(1, 4)
        for step in self.steps:
            if step["name"] in body:
                step.pop("merge", None)
                self.in_loops[step["name"]] = self.in_loops.get(step["name"], 0) + 1

    def criteria(self) -> dict[str, Any]:
        return {"criteria": {"required_sections": list(SECTIONS), "min_quality_score": 1, "max_iterations": self.rng.randint(1, 3)}}

    def own_loop(self, name: str) -> dict[str, Any]:
        """Of a step on demand, which can go back to itself only."""
        return self.criteria() if self.chance(0.4) else {
            "rules": [{"then": "go_back", "to": name, "max_iterations": self.rng.randint(1, 4)}]}

    def write_settings(self, helpers: int) -> None:
        self.settings["retry"] = {"max_retries": self.rng.randint(0, 3), "delay_seconds": 0.02}
        if self.chance(0.2):
            self.settings["on_failure"] = self.rng.choice(("stop", "retry_then_stop", "continue", "manual_review"))
        if helpers and self.chance(0.6):
            self.settings["rollback"] = True
        for step in self.steps:
            if "agent" in step and self.chance(0.25):
                step["on_failure"] = self.rng.choice(("stop", "retry_then_stop", "continue", "continue", "manual_review"))

    def add_helper(self) -> None:
        """A step on demand, at any place of the definition."""
        helped = self.rng.choice([step for step in self.steps if "agent" in step and "compensates" not in step])
        helper: dict[str, Any] = {"name": f"h{len(self.steps) + 1}", "agent": "worker"}
        if self.settings.get("rollback") and self.chance(0.6) and helped["name"] not in self.undone():
            helper["compensates"] = helped["name"]
        elif "criteria" in helped or helped.get("on_failure") != "fallback" and self.chance(0.6):
            if helped.get("on_failure") == "fallback":
                return
            helped |= {"on_failure": "fallback", "fallback": helper["name"]}
        elif not helped.get("rules"):
            helped["rules"] = [{"then": "hand_off", "to": helper["name"], "max_iterations": self.rng.randint(1, 4)}]
            self.in_loops[helped["name"]] = self.in_loops.get(helped["name"], 0) + 1
        else:
            helped["rules"].insert(self.rng.randint(0, len(helped["rules"])), {"then": "hand_off", "to": helper["name"]})
            self.in_loops[helped["name"]] = 2
        self.in_loops[helper["name"]] = 2
        if "compensates" not in helper and self.chance(0.25):
            helper |= self.own_loop(helper["name"])
        self.steps.insert(self.rng.randint(0, len(self.steps)), helper)

    def undone(self) -> list[str]:
        return [step["compensates"] for step in self.steps if "compensates" in step]

    def leave_out_defaults(self) -> None:
        """"after" where it says no more than what holds without it."""
        plan = self.plan()
        for step in self.steps:
            if step["name"] in plan.demand:
                step.pop("after", None)
                continue
            given = step.pop("after")
            if sorted(self.plan().after[step["name"]]) != sorted(given) or self.chance(0.3):
                step["after"] = given

    # -- what is said --

    def write_words(self) -> None:
        for step in self.steps:
            if "agent" in step and (step.get("rules") or "criteria" in step or self.chance(0.85)):
                step["outputs"] = dict(OUTPUTS)
            if "criteria" in step:
                step["outputs"] |= {name: {"type": "string", "required": False} for name in SECTIONS}
        plan = self.plan()
        for step in self.steps:
            self.write_step(plan, step)
        finals = [step for step in self.steps if "agent" in step and step["name"] not in plan.demand]
        if finals and self.chance(0.3):
            self.rng.choice(finals)["final"] = True

    def write_step(self, plan: Plan, step: dict[str, Any]) -> None:
        name = step["name"]
        seen = [other for other in plan.steps if other in plan.sure_of(name) | plan.owners(name) and "outputs" in plan.steps[other]]
        if seen and self.chance(0.4):
            step["inputs"] = {"i": self.source(seen, "v"), "t": self.source(seen, "tag")}
        if self.chance(0.12) and plan.demand.get(name) != "compensation":
            step["when"] = self.condition(step, seen)
        for case in step.get("cases", []):
            case["if"] = self.condition(step, seen)
        if "agent" in step:
            self.write_task(plan, step, seen)
        self.write_rules(step, seen)

    def source(self, seen: list[str], output: str) -> str | list[str]:
        chosen = [f"{other}.{output}" for other in self.rng.sample(seen, min(len(seen), self.rng.choice((1, 1, 2))))]
        return chosen[0] if len(chosen) == 1 and self.chance(0.7) else chosen

    def write_task(self, plan: Plan, step: dict[str, Any], seen: list[str]) -> None:
        """Names what has gone before; in a loop its start, which makes each round's request another one."""
        name = step["name"]
        shown = set(self.rng.sample(seen, min(len(seen), self.rng.randint(0, 3))))
        loops = [loop for loop in plan.loops if name in loop.body or plan.client(name) in loop.body]
        shown |= {loop.start for loop in loops} & set(seen)
        if "criteria" not in step:
            shown |= {rule["to"] for rule in step.get("rules", []) if rule["then"] == "hand_off"}
        if plan.demand.get(name) == "specialist":
            shown.add(plan.client(name))
        shown = {other for other in shown if "outputs" in plan.steps[other]}
        words = [f"Step {name}.", *(f"{other}={{{other}.tag}}" for other in sorted(shown))]
        words += ["i={i} t={t}"] if "inputs" in step else []
        words += ["x={x} y={inputs.y}"] if self.chance(0.2) else []
        words += ["{{x}}"] if self.chance(0.1) else []
        step["task"] = " ".join(words)
        if seen and self.chance(0.1):
            step["agent"] = {"by": f"{self.rng.choice(seen)}.k", "choices": {"a": "other"}, "default": "worker"}
        elif self.chance(0.1):
            step["hand_off"] = {"agent": "other", "after_retries": self.rng.randint(1, 2)}
            step["retry"] = {"max_retries": self.rng.randint(2, 3), "delay_seconds": 0.02}
        elif self.chance(0.1):
            step["retry"] = {"max_retries": self.rng.randint(0, 2), "delay_seconds": 0.01}

    def write_rules(self, step: dict[str, Any], seen: list[str]) -> None:
        """Conditions for those that are there, and a few more rules."""
        rules = step.get("rules", [])
        for rule in rules:
            if self.chance(0.9):
                rule["if"] = self.condition(step, seen, own=True)
            if rule["then"] in ("go_back", "hand_off") and self.chance(0.8):
                rule["feedback"] = self.rng.choice(("Once more: {tag}, {v}.", "Not {k}.", "Again."))
        if "outputs" in step and "criteria" not in step:
            for then, share in (("notify", 0.15), ("fail", 0.08), ("manual_review", 0.05)):
                if self.chance(share):
                    rule = {"if": self.condition(step, seen, own=True), "then": then, "message": "It is {v}."}
                    rules.insert(self.rng.randint(0, len(rules)), rule)
        for rule in rules[:-1]:
            if "if" not in rule and rule["then"] != "notify":
                rule["if"] = self.condition(step, seen, own=True)
        if rules:
            step["rules"] = rules

    def condition(self, step: dict[str, Any], seen: list[str], own: bool = False) -> str:
        how = self.rng.random()
        if how < 0.1:
            return f"{self.condition(step, seen, own)} && {self.condition(step, seen, own)}"
        if how < 0.2:
            return f"({self.condition(step, seen, own)} || {self.condition(step, seen, own)})"
        if how < 0.27 and seen:
            return f"!({self.of_step(seen)})"
        if how < 0.31 and seen:
            return f'exists($steps."{self.rng.choice(seen)}".tag)'
        if own and how < 0.75:
            return self.rng.choice((f"$.v {self.sign()} {self.rng.randrange(4)}", '$.k == "a"', "$.v < 3"))
        if own and how < 0.8:
            return "$retry_count > 0"
        if how < 0.85 and self.in_loops.get(step["name"], 0) < 2 and step["name"] in self.in_loops:
            return f"$iteration {self.sign()} {self.rng.randint(1, 3)}"
        if "inputs" in step and how < 0.9:
            return f"$.i {self.sign()} {self.rng.randrange(4)}"
        return self.of_step(seen) if seen else f"$inputs.x {self.sign()} {self.rng.randrange(4)}"

    def of_step(self, seen: list[str]) -> str:
        other = self.rng.choice(seen)
        return f'$steps."{other}".k == "{self.rng.choice("ab")}"' if self.chance(0.3) else \
            f'$steps."{other}".v {self.sign()} {self.rng.randrange(4)}'

    def sign(self) -> str:
        return self.rng.choice(("==", "==", "!=", "<", "<=", ">", ">="))

    def turns(self, step: dict[str, Any]) -> list[dict[str, Any]]:
        count = 12 if step["name"] in self.in_loops or "rules" in step else 3
        return [self.turn(step, number) for number in range(1, count + 1)]

    def turn(self, step: dict[str, Any], number: int) -> dict[str, Any]:
        if self.chance(0.2 if step.get("on_failure") in ("continue", "fallback") else 0.05):
            return {"status": self.rng.choice((400, 404))}
        turn: dict[str, Any] = {}
        if self.chance(0.5 if "hand_off" in step else 0.05):
            turn["errors"] = [self.rng.choice((500, 503)) for _ in range(self.rng.randint(1, 3))]
        if "outputs" not in step:
            return turn | {"answer": f"Words of {step['name']}, {number}."}
        turn["answer"] = {"v": self.rng.randrange(4), "tag": f"{step['name']}.{number}", "k": self.rng.choice("ab")}
        if "criteria" in step:
            turn["answer"] |= {name: "there" for name in SECTIONS[:(2, 0, 1, 3)[number % 4 - 1]]}
        return turn


# ---- Making a case smaller ------------------------------------------------------------------------------

def smaller(case: Case) -> Iterator[Case]:
    """Every sound case that lacks one thing of this one, the boldest first."""
    for candidate in deletions(case):
        if sound(candidate):
            yield candidate


def deletions(case: Case) -> Iterator[Case]:
    for step in reversed(case.definition["steps"]):
        for inherit in (False, True):
            yield without_step(case, step["name"], inherit)
    for number, step in enumerate(case.definition["steps"]):
        for member in ("rules", "criteria", "when", "cases", "merge", "on_failure", "fallback", "hand_off", "retry", "inputs",
                       "outputs", "compensates", "else", "after", "final"):
            if member in step:
                smaller_case = copy.deepcopy(case)
                del smaller_case.definition["steps"][number][member]
                yield smaller_case
        for member in ("rules", "cases"):
            for place, item in enumerate(step.get(member, [])):
                yield changed(case, number, member, [other for other in step[member] if other is not item])
                for part in ("if", "feedback", "max_iterations"):
                    if part in item and member == "rules":
                        plain = {key: value for key, value in item.items() if key != part}
                        yield changed(case, number, member, [plain if other is item else other for other in step[member]])
        if step.get("task", f"Step {step['name']}.") != f"Step {step['name']}.":
            yield changed(case, number, "task", f"Step {step['name']}.")
        if isinstance(step.get("agent"), dict):
            yield changed(case, number, "agent", "worker")
    for member in list(case.definition.get("settings", {})):
        smaller_case = copy.deepcopy(case)
        del smaller_case.definition["settings"][member]
        yield smaller_case
    yield from smaller_scripts(case)


def changed(case: Case, number: int, member: str, value: Any) -> Case:
    result = copy.deepcopy(case)
    result.definition["steps"][number][member] = value
    if value == []:
        del result.definition["steps"][number][member]
    return result


def without_step(case: Case, name: str, inherit: bool) -> Case:
    """Without a step and all that speaks of it; inherit: those after it come after those before it."""
    result = copy.deepcopy(case)
    steps = result.definition["steps"]
    before = next(step for step in steps if step["name"] == name).get("after", []) if inherit else []
    result.definition["steps"] = [without_name(step, name, before) for step in steps if step["name"] != name]
    result.script.pop(name, None)
    return result


def without_name(step: dict[str, Any], name: str, before: list[str]) -> dict[str, Any]:
    step = dict(step)
    if "after" in step and name in step["after"]:
        step["after"] = list(dict.fromkeys(other for old in step["after"] for other in (before if old == name else [old])))
        if len(step["after"]) < 2:
            step.pop("merge", None)
    for member in ("cases", "rules"):
        kept = [{**item, "to": without(item["to"], name)} if "to" in item else item for item in step.get(member, [])]
        kept = [item for item in kept if item.get("to", "x")]
        for item in kept:
            if f'"{name}"' in item.get("if", "") and member == "rules":
                del item["if"]
        if member in step:
            step[member] = kept
    if "else" in step and not without(step["else"], name):
        del step["else"]
    if "else" in step:
        step["else"] = without(step["else"], name)
    if step.get("fallback") == name:
        del step["fallback"], step["on_failure"]
    if step.get("compensates") == name:
        del step["compensates"]
    if f'"{name}"' in step.get("when", ""):
        del step["when"]
    if "task" in step:
        step["task"] = re.sub(rf" {re.escape(name)}=\{{[^}}]*\}}", "", step["task"])
    if isinstance(step.get("agent"), dict) and step["agent"]["by"].startswith(f"{name}."):
        step["agent"] = "worker"
    if "inputs" in step:
        step["inputs"] = {key: [source for source in names(value) if not source.startswith(f"{name}.")]
                          for key, value in step["inputs"].items()}
        if not all(step["inputs"].values()):
            del step["inputs"]
            step["task"] = step.get("task", "").replace(" i={i} t={t}", "")
    return step


def without(value: str | list[str], name: str) -> str | list[str]:
    return ("" if value == name else value) if isinstance(value, str) else [other for other in value if other != name]


def smaller_scripts(case: Case) -> Iterator[Case]:
    for name, turns in case.script.items():
        for count in sorted({1, len(turns) // 2, len(turns) - 1} - {0, len(turns)}):
            result = copy.deepcopy(case)
            result.script[name] = turns[:count]
            yield result
        for number, turn in enumerate(turns):
            for plain in ([{**turn, "errors": []}] if turn.get("errors") else []):
                result = copy.deepcopy(case)
                result.script[name][number] = plain
                yield result
            if "status" in turn:
                result = copy.deepcopy(case)
                outputs = next(step for step in case.definition["steps"] if step["name"] == name).get("outputs")
                result.script[name][number] = {"answer": {"v": 0, "tag": f"{name}.{number + 1}", "k": "a"} if outputs else "Words."}
                yield result
    if case.latency:
        yield dataclasses.replace(case, latency=0)
