"""Tests of the reference interpreter: definitions whose outcome can be told by hand from doc/workflows.md."""
from __future__ import annotations

import random
import sys
import unittest
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
from conditions import holds  # noqa: E402
from reference import Interpreter, Outcome, Plan  # noqa: E402


def agent(name: str, **members: Any) -> dict[str, Any]:
    return {"name": name, "agent": "worker", "task": f"Do {name}.", **members}


def decision(name: str, *cases: tuple[str, str], **members: Any) -> dict[str, Any]:
    return {"name": name, "type": "decision", "cases": [{"if": condition, "to": to} for condition, to in cases], **members}


def rule(then: str, condition: str | None = None, **members: Any) -> dict[str, Any]:
    return ({"if": condition} if condition else {}) | {"then": then, **members}


def says(*values: int) -> list[dict[str, Any]]:
    """Turns that answer with v = these values, one after the other."""
    return [{"answer": {"v": value, "tag": f"t{number}"}} for number, value in enumerate(values, 1)]


FAILS = [{"status": 400}]


def run(steps: list[dict[str, Any]], pattern: str = "sequential", script: dict[str, Any] | None = None,
        settings: dict[str, Any] | None = None, inputs: dict[str, Any] | None = None) -> Outcome:
    """Runs it with the steps ending in several orders: the outcome must not depend on that."""
    turns = {step["name"]: says(1) for step in steps} | (script or {})
    definition = {"steps": steps, "settings": settings or {}, "inputs": {"x": "number"}}
    outcomes = [Interpreter(definition, pattern, turns, inputs, random.Random(seed).choice).run() for seed in range(8)]
    for other in outcomes[1:]:
        assert (other.status, other.summary(), other.errors) == (
            outcomes[0].status, outcomes[0].summary(), outcomes[0].errors), "the order in which steps end decides"
    return outcomes[0]


class WorkflowCase(unittest.TestCase):
    def expect(self, outcome: Outcome, status: str, **steps: str) -> None:
        """steps: what became of each iteration, separated by spaces."""
        self.assertEqual(outcome.status, status)
        self.assertEqual({name: " ".join(states) for name, states in outcome.summary().items()}, steps)


class Conditions(unittest.TestCase):
    def check(self, condition: str, expected: bool) -> None:
        variables = {"$": {"v": 2, "w": "a"}, "$inputs": {"x": 1}, "$steps": {"s-1": {"v": 3}}, "$iteration": 2, "$retry_count": 0}
        self.assertEqual(holds(condition, variables), expected, condition)

    def test_comparisons(self) -> None:
        self.check("$.v == 2", True)
        self.check("$.v < 2", False)
        self.check('$.w != "b"', True)
        self.check('$steps."s-1".v >= 3', True)
        self.check("$iteration == 2 && $retry_count == 0", True)

    def test_what_is_not_there_equals_nothing(self) -> None:
        self.check("$.none == 2", False)
        self.check("$.none != 2", False)
        self.check("!($.none == 2)", True)
        self.check("exists($.none)", False)
        self.check('exists($steps."s-1")', True)

    def test_kinds_cannot_be_compared(self) -> None:
        self.check('$.v == "2"', False)
        self.check('!($.v == "2")', False)
        self.check('$.v == "2" || $inputs.x == 1', True)

    def test_and_binds_closer_than_or(self) -> None:
        self.check("$.v == 2 || $.v == 3 && $.v == 4", True)
        self.check("($.v == 2 || $.v == 3) && $.v == 4", False)


class Order(WorkflowCase):
    def test_sequential_steps_come_one_after_the_other(self) -> None:
        outcome = run([agent("a"), agent("b"), agent("c")])
        self.expect(outcome, "completed", a="completed", b="completed", c="completed")
        self.assertEqual([[need.step for need in row.needs] for row in outcome.rows], [[], ["a"], ["b"]])

    def test_parallel_steps_wait_for_nobody(self) -> None:
        outcome = run([agent("a"), agent("b")], "parallel")
        self.assertEqual([row.needs for row in outcome.rows], [[], []])

    def test_a_failure_stops_what_comes_after_it(self) -> None:
        outcome = run([agent("a"), agent("b"), agent("c")], script={"b": FAILS})
        self.expect(outcome, "failed", a="completed", b="failed", c="waiting")
        self.assertEqual(outcome.errors, {"bad_request"})

    def test_a_failure_at_the_end_fails_the_whole(self) -> None:
        self.expect(run([agent("a")], script={"a": FAILS}), "failed", a="failed")

    def test_a_branch_that_fails_does_not_stop_the_others(self) -> None:
        outcome = run([agent("a"), agent("b"), agent("b2", after=["b"]), agent("c", after=["a", "b2"])], "parallel",
                      {"a": FAILS})
        self.expect(outcome, "failed", a="failed", b="completed", b2="completed", c="waiting")

    def test_errors_that_are_worth_it_are_tried_again(self) -> None:
        steps = [agent("a", retry={"max_retries": 2})]
        outcome = run(steps, script={"a": [{"errors": [500, 503], "answer": {}}]})
        self.expect(outcome, "completed", a="completed")
        self.assertEqual(outcome.rows[0].statuses, [500, 503, 200])
        outcome = run(steps, script={"a": [{"errors": [500] * 3, "answer": {}}]})
        self.expect(outcome, "failed", a="failed")
        self.assertEqual((outcome.rows[0].statuses, outcome.errors), ([500] * 3, {"overloaded"}))

    def test_continue_goes_on_without_the_output(self) -> None:
        outcome = run([agent("a", on_failure="continue"), agent("b", task="a said: {a.tag}."), agent("c", task="b: {b.tag}.")],
                      script={"a": FAILS})
        self.expect(outcome, "completed", a="failed", b="completed", c="completed")
        self.assertEqual([row.words for row in outcome.rows], ["Do a.", "a said: .", "b: t1."])

    def test_continue_at_the_end_completes(self) -> None:
        self.expect(run([agent("a", on_failure="continue")], script={"a": FAILS}), "completed", a="failed")

    def test_manual_review_of_a_failure(self) -> None:
        outcome = run([agent("a"), agent("b")], script={"a": FAILS}, settings={"on_failure": "manual_review"})
        self.expect(outcome, "requires_manual_review", a="failed", b="waiting")

    def test_when(self) -> None:
        steps = [agent("a"), agent("b", when="$steps.a.v == 2"), agent("c")]
        self.expect(run(steps), "completed", a="completed", b="passed_over", c="completed")
        self.expect(run(steps, script={"a": says(2)}), "completed", a="completed", b="completed", c="completed")

    def test_the_first_source_that_is_there(self) -> None:
        outcome = run([agent("a", on_failure="continue"), agent("b"),
                       agent("c", inputs={"x": ["a.tag", "b.tag"], "y": "a.tag"}, task="{x}{y}{{{inputs.x}}}")],
                      script={"a": FAILS}, inputs={"x": 7})
        self.assertEqual(outcome.of("c")[0].words, "t1{7}")


class Merges(WorkflowCase):
    def test_any_is_content_with_one(self) -> None:
        steps = [agent("a"), agent("b"), agent("c", after=["a", "b"], merge="any")]
        self.expect(run(steps, "parallel", {"a": FAILS}), "completed", a="failed", b="completed", c="completed")
        self.expect(run(steps, "parallel", {"a": FAILS, "b": FAILS}), "failed", a="failed", b="failed", c="waiting")

    def test_a_number_or_as_many_as_are_not_closed(self) -> None:
        steps = [agent("a"), agent("b"), agent("c"), agent("d", after=["a", "b", "c"], merge=2)]
        self.expect(run(steps, "parallel", {"a": FAILS}), "completed", a="failed", b="completed", c="completed", d="completed")
        outcome = run(steps, "parallel", {"a": FAILS, "b": FAILS})
        self.expect(outcome, "failed", a="failed", b="failed", c="completed", d="waiting")
        steps = [decision("x", ("$inputs.x == 1", "a"), **{"else": ["b", "c"]}), agent("a"), agent("b"), agent("c"),
                 agent("d", after=["a", "b", "c"], merge=2)]
        self.expect(run(steps, "parallel", inputs={"x": 1}), "completed",
                    x="completed", a="completed", b="skipped", c="skipped", d="completed")

    def test_all_needs_all_that_are_not_closed(self) -> None:
        steps = [decision("x", ("$inputs.x == 1", "a"), ("$inputs.x == 2", "b")), agent("a"), agent("b"),
                 agent("c", after=["a", "b"])]
        self.expect(run(steps, inputs={"x": 2}), "completed", x="completed", a="skipped", b="completed", c="completed")
        self.expect(run(steps, inputs={"x": 3}), "completed", x="completed", a="skipped", b="skipped", c="skipped")

    def test_who_passed_a_failed_step_by_may_complete(self) -> None:
        outcome = run([agent("a"), agent("b"), agent("c", after=["a", "b"], merge="any"), agent("d", after=["a"])], "parallel",
                      {"a": FAILS})
        self.expect(outcome, "failed", a="failed", b="completed", c="completed", d="waiting")


class Decisions(WorkflowCase):
    def test_the_first_case_that_holds(self) -> None:
        steps = [agent("a"), decision("x", ("$steps.a.v > 5", "b"), ("$steps.a.v > 1", "c"), **{"else": "d"}),
                 agent("b"), agent("c"), agent("d"), agent("e", after=["x"])]
        self.expect(run(steps, script={"a": says(7)}), "completed", a="completed", x="completed", b="completed",
                    c="skipped", d="skipped", e="completed")
        self.expect(run(steps, script={"a": says(2)}), "completed", a="completed", x="completed", b="skipped",
                    c="completed", d="skipped", e="completed")
        self.expect(run(steps), "completed", a="completed", x="completed", b="skipped",
                    c="skipped", d="completed", e="completed")

    def test_the_step_before_is_the_one_of_the_definition(self) -> None:
        steps = [decision("x", ("$inputs.x == 1", "a"), ("$inputs.x == 2", "b")), agent("a"), agent("b"), agent("c")]
        self.expect(run(steps, inputs={"x": 1}), "completed", x="completed", a="completed", b="skipped", c="skipped")

    def test_skipping_goes_on(self) -> None:
        steps = [decision("x", ("$inputs.x == 1", "a")), agent("a"), agent("b"), agent("c", after=["x", "b"])]
        self.expect(run(steps, inputs={"x": 2}), "completed", x="completed", a="skipped", b="skipped", c="completed")


class Loops(WorkflowCase):
    steps = [agent("a"), agent("b", task="Of {a.tag}."), agent("c", rules=[rule("go_back", "$.v < 3", to="a", feedback="No {v}: {tag}.")]), agent("d")]

    def test_going_back_repeats_the_body(self) -> None:
        outcome = run(self.steps, script={"c": says(1, 2, 3), "a": says(5, 6, 7)})
        self.expect(outcome, "completed", a="completed completed completed", b="completed completed completed",
                    c="completed completed completed", d="completed")
        self.assertEqual([row.feedback for row in outcome.of("a")], [None, "No 1: t1.", "No 2: t2."])
        self.assertEqual([row.words for row in outcome.of("b")], ["Of t1.", "Of t2.", "Of t3."])
        self.assertEqual([row.verdict for row in outcome.of("c")], ["went_back", "went_back", None])

    def test_the_bound_fails_the_step(self) -> None:
        outcome = run(self.steps, script={"c": says(1)})
        self.expect(outcome, "failed", a="completed completed completed", b="completed completed completed",
                    c="completed completed failed", d="waiting")
        self.assertEqual(outcome.errors, {"max_iterations"})

    def test_the_bound_and_on_failure(self) -> None:
        steps = [agent("c", on_failure="continue", rules=[rule("go_back", to="c", max_iterations=2)]), agent("d", task="{c.tag}")]
        outcome = run(steps)
        self.expect(outcome, "completed", c="completed failed", d="completed")
        self.assertEqual(outcome.of("d")[0].words, "")

    def test_a_bound_of_one_never_goes_back(self) -> None:
        self.expect(run([agent("c", rules=[rule("go_back", to="c", max_iterations=1)])]), "failed", c="failed")

    def test_ways_out_of_the_loop_are_not_known_before_its_end(self) -> None:
        steps = [agent("a"), agent("b"), agent("c", rules=[rule("go_back", "$.v < 2", to="a")]), agent("out", after=["a"])]
        outcome = run(steps, script={"c": says(1, 2)})
        self.expect(outcome, "completed", a="completed completed", b="completed completed", c="completed completed",
                    out="completed")
        self.assertEqual([(need.step, need.iteration) for need in outcome.of("out")[0].needs], [("a", 2), ("c", 2)])

    def test_a_loop_whose_end_does_not_come_lets_nobody_out(self) -> None:
        steps = [agent("a"), agent("b"), agent("c", rules=[rule("go_back", to="a")]), agent("out", after=["a"])]
        self.expect(run(steps, script={"b": FAILS}), "failed", a="completed", b="failed", c="waiting", out="waiting")

    def test_a_decision_within_a_loop_decides_anew(self) -> None:
        steps = [agent("a"), decision("x", ("$steps.a.v == 1", "b"), ("$steps.a.v == 2", "c")), agent("b"), agent("c"),
                 agent("e", after=["b", "c"], rules=[rule("go_back", "$.v == 1", to="a")])]
        outcome = run(steps, script={"a": says(1, 2), "e": says(1, 2)})
        self.expect(outcome, "completed", a="completed completed", x="completed completed", b="completed skipped",
                    c="skipped completed", e="completed completed")

    def test_loops_that_wait_for_each_other(self) -> None:
        steps = [agent("a"), agent("b"), agent("c", after=["a", "b"], rules=[rule("go_back", to="a")]),
                 agent("d", after=["a", "b"], rules=[rule("go_back", to="b")])]
        self.assertTrue(Plan({"steps": steps}, "parallel").waits_for_itself())
        steps[3]["after"] = ["b"]
        self.assertFalse(Plan({"steps": steps}, "parallel").waits_for_itself())
        self.assertFalse(Plan({"steps": self.steps}, "sequential").waits_for_itself())

    def test_an_inner_loop_counts_anew_in_each_round_of_the_wider_one(self) -> None:
        steps = [agent("a"), agent("b", rules=[rule("go_back", "$.v == 1", to="b", max_iterations=2)]),
                 agent("c", rules=[rule("go_back", "$.v == 1", to="a")])]
        outcome = run(steps, script={"b": says(1, 2, 1, 2), "c": says(1, 2)})
        self.expect(outcome, "completed", a="completed completed", b="completed completed completed completed",
                    c="completed completed")
        self.assertEqual([row.round for row in outcome.of("b")], [1, 2, 1, 2])

    def test_a_step_that_a_loop_passes_over(self) -> None:
        steps = [agent("a"), agent("b", when="$iteration == 2"), agent("c", rules=[rule("go_back", "$.v == 1", to="a")])]
        outcome = run(steps, script={"c": says(1, 2)})
        self.expect(outcome, "completed", a="completed completed", b="passed_over completed", c="completed completed")

    def test_criteria(self) -> None:
        steps = [agent("a", criteria={"min_quality_score": 0.9, "required_sections": ["p", "q"], "max_iterations": 3}),
                 agent("b", task="{a.n}")]
        turns = [{"answer": {"n": 1}}, {"answer": {"n": 2, "p": 1}}, {"answer": {"n": 3, "p": 1, "q": 1}}]
        outcome = run(steps, script={"a": turns})
        self.expect(outcome, "completed", a="completed completed completed", b="completed")
        self.assertEqual(outcome.of("b")[0].words, "3")
        outcome = run(steps, script={"a": [turns[0], turns[1], turns[0]]})
        self.expect(outcome, "failed", a="completed completed failed", b="waiting")
        self.assertEqual(outcome.errors, {"max_iterations"})
        steps[0]["on_failure"] = "continue"
        outcome = run(steps, script={"a": [turns[0], turns[1], turns[0]]})
        self.expect(outcome, "completed", a="completed completed failed", b="completed")
        self.assertEqual(outcome.of("b")[0].words, "2")


class Rules(WorkflowCase):
    def test_the_first_that_holds_is_the_last_looked_at(self) -> None:
        steps = [agent("a", rules=[rule("notify", message="x"), rule("fail", "$.v == 2"), rule("notify"), rule("manual_review", "$.v == 3"),
                                   rule("fail")])]
        for value, status, state, notices in (1, "failed", "failed", 2), (2, "failed", "failed", 1), (3, "requires_manual_review", "completed", 2):
            outcome = run(steps, script={"a": says(value)})
            self.expect(outcome, status, a=state)
            self.assertEqual(outcome.notices, notices)

    def test_manual_review_holds_the_way_and_no_other(self) -> None:
        steps = [agent("a", rules=[rule("manual_review")]), agent("b", after=["a"]), agent("c"), agent("d", after=["c"])]
        self.expect(run(steps, "parallel"), "requires_manual_review", a="completed", b="waiting", c="completed", d="completed")

    def test_retry_count(self) -> None:
        steps = [agent("a", rules=[rule("fail", "$retry_count > 0")])]
        self.expect(run(steps), "completed", a="completed")
        self.expect(run(steps, script={"a": [{"errors": [500], "answer": {"v": 1}}]}), "failed", a="failed")

    def test_a_hand_off(self) -> None:
        steps = [agent("a", task="{s.tag}", rules=[rule("hand_off", "$.v < 3", to="s")]), agent("s"), agent("b")]
        steps[1]["task"] = "Of {a.v}."
        outcome = run(steps, script={"a": says(1, 2, 3), "s": says(8, 9)})
        self.assertEqual([row.words for row in outcome.of("s")], ["Of 1.", "Of 2."])
        self.expect(outcome, "completed", a="completed completed completed", s="completed completed", b="completed")
        self.assertEqual([row.words for row in outcome.of("a")], ["", "t1", "t2"])
        self.assertEqual([row.verdict for row in outcome.of("a")], ["handed_off", "handed_off", None])
        self.expect(run(steps), "failed", a="completed completed failed", s="completed completed", b="waiting")

    def test_a_specialist_that_fails(self) -> None:
        steps = [agent("a", rules=[rule("hand_off", "$.v < 2", to="s")]), agent("s"), agent("b")]
        self.expect(run(steps, script={"s": FAILS}), "failed", a="completed waiting", s="failed", b="waiting")
        steps[1]["on_failure"] = "continue"
        self.expect(run(steps, script={"s": FAILS, "a": says(1, 2)}), "completed", a="completed completed", s="failed", b="completed")

    def test_who_is_not_called_does_not_run(self) -> None:
        self.expect(run([agent("a", rules=[rule("hand_off", "$.v == 9", to="s")]), agent("s"), agent("b")]), "completed",
                    a="completed", s="waiting", b="completed")


class Failures(WorkflowCase):
    def test_a_fallback_stands_in(self) -> None:
        steps = [agent("a", on_failure="fallback", fallback="f"), agent("f"), agent("b", inputs={"x": ["a.tag", "f.tag"]}, task="{x}")]
        outcome = run(steps, script={"a": FAILS, "f": [{"answer": {"tag": "of f"}}]})
        self.expect(outcome, "completed", a="failed", f="completed", b="completed")
        self.assertEqual(outcome.of("b")[0].words, "of f")
        named = [*steps[:2], agent("b", task="{a.tag}", when='$steps.a.tag == "of f"')]
        outcome = run(named, script={"a": FAILS, "f": [{"answer": {"tag": "of f"}}]})
        self.assertEqual(outcome.of("b")[0].words, "of f")
        self.expect(run(steps), "completed", a="completed", f="waiting", b="completed")
        self.expect(run(steps, script={"a": FAILS, "f": FAILS}), "failed", a="failed", f="failed", b="waiting")

    def test_a_fallback_of_a_fallback(self) -> None:
        steps = [agent("a", on_failure="fallback", fallback="f"), agent("f", on_failure="fallback", fallback="g"), agent("g")]
        self.expect(run(steps, script={"a": FAILS, "f": FAILS}), "completed", a="failed", f="failed", g="completed")

    def test_a_fallback_within_a_loop_begins_anew(self) -> None:
        steps = [agent("a", on_failure="fallback", fallback="f"), agent("f"),
                 agent("c", rules=[rule("go_back", "$.v == 1", to="a")])]
        outcome = run(steps, script={"a": FAILS, "c": says(1, 2)})
        self.expect(outcome, "completed", a="failed failed", f="completed completed", c="completed completed")

    def test_rollback(self) -> None:
        steps = [agent("a"), agent("b"), agent("c"), agent("undo-a", compensates="a"), agent("undo-c", compensates="c")]
        outcome = run(steps, script={"c": FAILS}, settings={"rollback": True})
        self.expect(outcome, "failed", **{"a": "completed", "b": "completed", "c": "failed", "undo-a": "completed", "undo-c": "waiting"})
        self.assertEqual([row.step for row in outcome.undone], ["undo-a"])
        self.assertEqual(run(steps, settings={"rollback": True}).undone, [])
        self.assertEqual(run(steps, script={"c": FAILS}).undone, [])

    def test_what_compensates_decides_nothing(self) -> None:
        steps = [agent("a"), agent("b"), agent("c"), agent("undo-a", compensates="a"), agent("undo-b", compensates="b")]
        outcome = run(steps, script={"c": FAILS, "undo-b": [{"status": 404}]}, settings={"rollback": True})
        self.expect(outcome, "failed", **{"a": "completed", "b": "completed", "c": "failed", "undo-a": "completed", "undo-b": "failed"})
        self.assertEqual(outcome.errors, {"bad_request"})

    def test_an_agent_that_was_chosen_by_an_output(self) -> None:
        choice = {"by": "a.k", "choices": {"x": "other"}, "default": "worker"}
        steps = [agent("a"), agent("b") | {"agent": choice}]
        self.assertEqual(run(steps, script={"a": [{"answer": {"k": "x"}}]}).of("b")[0].agent, "other")
        self.assertEqual(run(steps, script={"a": [{"answer": {"k": "y"}}]}).of("b")[0].agent, "worker")
        self.assertEqual(run(steps, script={"a": [{"answer": "words"}]}).of("b")[0].agent, "worker")
