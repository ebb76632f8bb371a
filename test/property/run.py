#!/usr/bin/python3
"""Runs random workflows in a database and compares what it did with what the reference says it must do.

    AS_SEED=7 AS_COUNT=1000 test/property/run.py run   the cases 0 to 999 of this seed
    AS_SEED=7 AS_CASE=123 test/property/run.py run     that one
    AS_SEED=7 test/property/run.py create 100 300      creates so many workflows that survive a kill of the executor,
                                                       their answers taking up to so many milliseconds; with one more
                                                       argument, every third one waits until that gate is opened
    AS_SEED=7 test/property/run.py check 100           and, once they were started, waits and compares

"run" prints what differs, made as small as it can be: of each kind of difference one case.  The last line is JSON:
how many cases there were, how many differ, and how often which thing happened, so that a caller can tell a run that
tested nothing.  The tests of test/t/11x start what it needs.
"""
from __future__ import annotations

import collections
import dataclasses
import itertools
import json
import os
import random
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
import studio  # noqa: E402
from compare import differences  # noqa: E402
from generate import Case, generate, smaller  # noqa: E402
from known import KNOWN  # noqa: E402
from reference import Outcome, Plan  # noqa: E402

BATCH = 250             # cases that run at the same time
SHOWN = 5               # kinds of differences that are made small and shown
ROUND = 80              # smaller cases that are tried at the same time
serial = itertools.count()


def case_of(seed: str, number: int) -> Case:
    return generate(random.Random(f"{seed}-{number}"))


def kind(difference: str) -> str:
    return difference.partition(":")[0]


def run(cases: list[Case]) -> list[list[str]]:
    """What differs, of each."""
    names = [f"case-{os.getpid()}-{next(serial)}" for _ in cases]
    fetched = studio.run(dict(zip(names, cases)))
    return [differences(case.outcome(), fetched[name]) for name, case in zip(names, cases)]


def shrink(case: Case, wanted: str) -> tuple[Case, list[str]]:
    """The smallest case that deletions lead to and that still differs in this way."""
    found = run([case])[0]
    while True:
        candidates = list(itertools.islice(smaller(case), ROUND * 10))
        for start in range(0, len(candidates), ROUND):
            tried = candidates[start:start + ROUND]
            better = [(candidate, told) for candidate, told in zip(tried, run(tried)) if wanted in map(kind, told)]
            if better:
                case, found = better[0]
                break
        else:
            return case, found


def show(name: str, case: Case, found: list[str]) -> None:
    outcome = case.outcome()
    print(f"\n{name} ({case.pattern}, inputs {json.dumps(case.inputs)}):")
    print(json.dumps(case.definition["steps"], indent=1).replace("\n  ", " ").replace("\n }", " }"))
    print("settings:", json.dumps(case.definition.get("settings", {})))
    print("script:", json.dumps(case.script))
    print(f"must end as {outcome.status} {sorted(outcome.errors)}, with {outcome.rows + outcome.undone}")
    print("\n".join(f"  differs: {text}" for text in found), flush=True)


def count_features(outcome: Outcome, seen: collections.Counter[str]) -> None:
    seen[outcome.status] += 1
    for row in outcome.rows:
        seen[row.verdict or row.state] += 1
        seen["runs"] += row.ran
        if row.error:
            seen[row.error] += 1
        if row.ran and row.step in outcome.plan.demand:
            seen[outcome.plan.demand[row.step]] += 1
        if outcome.plan.is_decision(row.step) and row.chosen:
            seen["decided"] += 1
        if len(row.statuses) > 1:
            seen["tried again"] += 1
    seen["merged"] += sum(any(row.ran for row in outcome.of(name)) for name in outcome.ways)
    seen["nested"] += any(row.round < row.iteration for row in outcome.rows if row.ran)


def cases_to_run(seed: str) -> dict[str, Case]:
    """By what they are called: those that are known, and the random ones."""
    only = os.environ.get("AS_CASE")
    numbers = [int(only)] if only else range(int(os.environ.get("AS_COUNT") or 1000))
    return (KNOWN if not only else {}) | {f"case {number}": case_of(seed, number) for number in numbers}


def run_random(seed: str) -> int:
    cases = cases_to_run(seed)
    different: dict[str, list[str]] = {}
    seen: collections.Counter[str] = collections.Counter()
    names = list(cases)
    for start in range(0, len(names), BATCH):
        batch = names[start:start + BATCH]
        for name in batch:
            count_features(cases[name].outcome(), seen)
        different |= {name: found for name, found in zip(batch, run([cases[name] for name in batch])) if found}
    kinds: dict[str, list[str]] = collections.defaultdict(list)
    for name, found in different.items():
        print(f"{name}: {'; '.join(found)}"[:400])
        for one in set(map(kind, found)):
            kinds[one].append(name)
    for one, where in sorted(kinds.items(), key=lambda item: -len(item[1]))[:SHOWN]:
        name = min(where, key=lambda name: len(cases[name].definition["steps"]))
        print(f"\n{len(where)} cases differ in: {one}")
        show(f"{name}, made small", *shrink(cases[name], one))
    print(json.dumps({"cases": len(cases), "different": len(different), "seen": seen}))
    return 1 if different else 0


# ---- Cases that survive kills ---------------------------------------------------------------------------

def lasting(case: Case) -> bool:
    """Whether an answer that is lost on its way changes nothing: it is told from the request, and no error of it counts."""
    plan = Plan(case.definition, case.pattern)
    outcome = case.outcome()
    return (sum(row.ran for row in outcome.rows) > 2 and not outcome.same_request_twice()
            and "$retry_count" not in json.dumps(case.definition)
            and all(len(turn.get("errors", [])) <= (plan.max_retries(name) if "answer" in turn else 0)
                    for name, turns in case.script.items() for turn in turns))


def lasting_cases(seed: str, count: int) -> dict[str, Case]:
    """By the names of their workflows."""
    cases = (case for case in (case_of(seed, number) for number in itertools.count()) if lasting(case))
    return {f"lasting-{number}": case for number, case in zip(range(count), cases)}


def create(seed: str, count: str, latency: str, gate: str = "") -> int:
    studio.create({name: dataclasses.replace(case, latency=float(latency), gate=gate)
                   for name, case in lasting_cases(seed, int(count)).items()}, remembered=True)
    print("{}")
    return 0


def check(seed: str, count: str) -> int:
    """Once all are at rest."""
    studio.wait()
    cases = lasting_cases(seed, int(count))
    fetched, seen, different = studio.fetch(list(cases)), collections.Counter(), 0
    for name, case in cases.items():
        outcome = case.outcome()
        count_features(outcome, seen)
        found = differences(outcome, fetched[name], crashed=True)
        if found:
            different += 1
            show(name, case, found)
    print(json.dumps({"cases": len(cases), "different": different, "seen": seen}))
    return 1 if different else 0


def main() -> int:
    seed = os.environ.get("AS_SEED") or str(random.SystemRandom().randrange(1_000_000))
    print(f"AS_SEED={seed} repeats this")
    command, *arguments = sys.argv[1:]
    commands = {"run": run_random, "create": create, "check": check}
    return commands[command](seed, *arguments)


if __name__ == "__main__":
    sys.exit(main())
