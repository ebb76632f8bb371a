"""Conditions of workflows: the part of SQL/JSON path predicates that the generated definitions use.

    holds('$.v < 2 && !($steps."s-1".k == "a")', {"$": {...}, "$steps": {...}, ...})

Three-valued as PostgreSQL's: a comparison of two kinds is unknown, one with nothing is false, and what is
not true does not hold.
"""
from __future__ import annotations

import json
import operator
import re
from typing import Any, Callable

TOKEN = re.compile(r"""\s*(?:
    (?P<number>-?\d+(?:\.\d+)?) | (?P<string>"(?:[^"\\]|\\.)*") | (?P<root>\$\w*) | (?P<word>\w+)
    | (?P<mark>&&|\|\||==|!=|<>|<=|>=|[<>!().]))""", re.VERBOSE)
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "!=": operator.ne, "<>": operator.ne,
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
LITERALS = {"true": True, "false": False, "null": None}


def holds(condition: str, variables: dict[str, Any]) -> bool:
    return Reader(condition, variables).whole() is True


def compared(left: Any, sign: str, right: Any) -> bool | None:
    """True, false or unknown (None)."""
    if left is None or right is None:
        return COMPARE[sign](left is None, right is None) if sign in ("==", "!=", "<>") else left is right is None
    kinds = {bool if isinstance(value, bool) else str if isinstance(value, str) else
             float if isinstance(value, (int, float)) else type(value) for value in (left, right)}
    if len(kinds) > 1 or kinds & {dict, list}:
        return None
    return COMPARE[sign](left, right)


class Reader:
    """Reads a condition from the left to the right, and knows what it is worth when it is through."""

    def __init__(self, text: str, variables: dict[str, Any]) -> None:
        self.text, self.variables = text, variables
        self.tokens: list[tuple[str, str]] = []
        position = 0
        while text[position:].strip():
            match = TOKEN.match(text, position)
            if not match or not match.lastgroup:
                raise ValueError(f"not a condition: {text!r} at {position}")
            self.tokens.append((match.lastgroup, match[match.lastgroup]))
            position = match.end()
        self.next = 0

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.next] if self.next < len(self.tokens) else ("end", "")

    def take(self, mark: str | None = None) -> str:
        kind, text = self.peek()
        if kind == "end" or (mark is not None and text != mark):
            raise ValueError(f"not a condition: {self.text!r}, where {mark or 'something'} was expected")
        self.next += 1
        return text

    def whole(self) -> bool | None:
        value = self.either()
        if self.peek()[0] != "end":
            raise ValueError(f"not a condition: {self.text!r} goes on with {self.peek()[1]!r}")
        return value

    def either(self) -> bool | None:
        value = self.both()
        while self.peek()[1] == "||":
            self.take()
            other = self.both()
            value = True if True in (value, other) else None if None in (value, other) else False
        return value

    def both(self) -> bool | None:
        value = self.single()
        while self.peek()[1] == "&&":
            self.take()
            other = self.single()
            value = False if False in (value, other) else None if None in (value, other) else True
        return value

    def single(self) -> bool | None:
        text = self.peek()[1]
        if text == "!":
            self.take()
            value = self.bracketed()
            return None if value is None else not value
        if text == "(":
            return self.bracketed()
        if text == "exists":
            self.take()
            self.take("(")
            found = self.operand()
            self.take(")")
            return bool(found)
        return self.comparison()

    def bracketed(self) -> bool | None:
        self.take("(")
        value = self.either()
        self.take(")")
        return value

    def comparison(self) -> bool | None:
        left = self.operand()
        sign = self.take()
        if sign not in COMPARE:
            raise ValueError(f"not a condition: {self.text!r}, {sign!r} compares nothing")
        right = self.operand()
        if not left or not right:
            return False
        return compared(left[0], sign, right[0])

    def operand(self) -> list[Any]:
        """One value, or none where it is not there."""
        kind, text = self.peek()
        self.take()
        if kind == "number":
            return [float(text)]
        if kind == "string":
            return [json.loads(text)]
        if kind == "word" and text in LITERALS:
            return [LITERALS[text]]
        if kind != "root":
            raise ValueError(f"not a condition: {self.text!r}, {text!r} is no value")
        values = [self.variables[text]]
        while self.peek()[1] == ".":
            self.take()
            name = self.take()
            name = json.loads(name) if name.startswith('"') else name
            values = [value[name] for value in values if isinstance(value, dict) and name in value]
        return values
