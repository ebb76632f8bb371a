"""Cases that an engine once did wrong, each as small as it could be made; they are run before the random ones."""
from __future__ import annotations

from typing import Any

from generate import OUTPUTS, SECTIONS, Case

FAILS: list[dict[str, Any]] = [{"status": 400}]


def agent(name: str, **members: Any) -> dict[str, Any]:
    return {"name": name, "agent": "worker", "task": f"Step {name}.", "outputs": OUTPUTS} | members


def rule(then: str, condition: str | None = None, **members: Any) -> dict[str, Any]:
    return ({"if": condition} if condition else {}) | {"then": then, **members}


def criteria(rounds: int) -> dict[str, Any]:
    return {"required_sections": list(SECTIONS), "max_iterations": rounds}


def says(*values: int, sections: tuple[int, ...] = ()) -> list[dict[str, Any]]:
    """Turns with v = these values; sections: how many of those that criteria ask for."""
    return [{"answer": {"v": value, "tag": f"t{number}", "k": "a"} | dict.fromkeys(SECTIONS[:sections[number]] if sections else (), "there")}
            for number, value in enumerate(values)]


def known(*steps: dict[str, Any], settings: dict[str, Any] | None = None, **script: Any) -> Case:
    turns = {step["name"]: says(1) for step in steps} | script
    return Case("sequential", {"inputs": {"x": "number"}, "steps": list(steps), "settings": settings or {}}, turns, {"x": 1})


KNOWN = {
    "a specialist with a loop of its own": known(
        agent("a", rules=[rule("hand_off", "$.v == 1", to="s")]), agent("s", rules=[rule("go_back", "$.v == 1", to="s")]), agent("b"),
        a=says(1, 2), s=says(1, 2)),
    "a specialist whose loop comes to its bound": known(
        agent("a", rules=[rule("hand_off", to="s")]), agent("s", criteria=criteria(2)), agent("b")),
    "a fallback that hands off": known(
        agent("a", on_failure="fallback", fallback="f"), agent("f", rules=[rule("hand_off", "$.v == 1", to="s")]), agent("s"), agent("b"),
        a=FAILS, f=says(1, 2)),
    "a fallback that waits in vain for its specialist": known(
        agent("a", on_failure="fallback", fallback="f"), agent("f", rules=[rule("hand_off", to="s")]), agent("s"), a=FAILS, s=FAILS),
    "helpers of helpers begin anew": known(
        agent("a", rules=[rule("hand_off", "$.v == 1", to="s")]), agent("s", on_failure="fallback", fallback="f"), agent("f"), agent("b"),
        a=says(1, 1, 2), s=FAILS, f=says(1, 2)),
    "a fallback of a fallback begins anew in a loop": known(
        agent("a", on_failure="fallback", fallback="f"), agent("f", on_failure="fallback", fallback="g"), agent("g"),
        agent("b", task="Step b. {a.tag}", rules=[rule("go_back", "$.v == 1", to="a")]), a=FAILS, f=FAILS, g=says(1, 2), b=says(1, 2)),
    "an input without a source is not there": known(
        agent("a", on_failure="continue"), agent("b", inputs={"i": "a.v"}, when="$.i != 2"), agent("c", inputs={"x": "a.v"}, when="$.x == 1"),
        a=FAILS),
    "a specialist and its fallback see whom they work for": known(
        agent("a", rules=[rule("hand_off", "$.v == 1", to="s")]),
        agent("s", task="Step s. {a.tag}", when="$steps.a.v == 1", on_failure="fallback", fallback="f"), agent("f", task="Step f. {a.tag}"),
        a=says(1, 2), s=FAILS),
    "the best answer where criteria never hold": known(
        agent("a", criteria=criteria(3), on_failure="continue", outputs=OUTPUTS | {name: {"type": "string", "required": False} for name in SECTIONS}),
        agent("b", task="Step b. {a.tag}"), a=says(1, 2, 3, sections=(0, 2, 1))),
    "the best answer is of the same round of a wider loop": known(
        agent("a"),
        agent("b", criteria=criteria(2), on_failure="continue", outputs=OUTPUTS | {name: {"type": "string", "required": False} for name in SECTIONS}),
        agent("c", task="Step c. {b.tag}", rules=[rule("go_back", "$.v == 1", to="a")]),
        b=says(1, 2, 3, 4, sections=(2, 1, 1, 0)), c=says(1, 2)),
    "what compensates decides nothing": known(
        agent("a"), agent("b"), agent("u", compensates="a", rules=[rule("manual_review")]), settings={"rollback": True}, b=FAILS),
    "what fails while it compensates decides nothing": known(
        agent("a"), agent("b"), agent("u", compensates="a", on_failure="manual_review"), settings={"rollback": True}, b=FAILS,
        u=[{"status": 404}]),
}
