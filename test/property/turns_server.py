#!/usr/bin/python3
"""The model server, which here also knows turns: what a step's model says the first time, the second time...

    @turns KEY counted status=500 text=%7B%7D,latency=20 status=400

in the last user message lists the scenarios (of model_server.py, separated by commas) of the requests of that key.
counted: the first request gets the first one, the next one the second, and the last one stays; a retry is a request
like any other.  remembered: a request with the same message gets what that message got before, so that it does not
matter whether an answer was lost on its way; only a message that is new has the next turn.

The turn is chosen before the model server reads the request: it finds "@mock ..." where the turns were.
"""
from __future__ import annotations

import collections
import dataclasses
import json
import re
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import model_server  # noqa: E402

TURNS = re.compile(rb'@turns (\S+) (counted|remembered)((?: [^\s"\\]+)+)')


class TurnsServer(model_server.ModelServer):
    """Counts the requests of each key."""

    def forget(self) -> None:
        super().forget()
        self.requests_of: collections.Counter[bytes] = collections.Counter()
        self.remembered: dict[tuple[bytes, str], int] = {}

    def __init__(self, *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        self.forget()

    async def handle_model(self, connection, request, record) -> str:
        match = TURNS.search(request.body)
        if match:
            turns = match[3].split()
            turn = turns[min(self.number(match, request.body), len(turns)) - 1]
            scenario = b"@mock " + turn.replace(b",", b" ")
            body = request.body[:match.start()] + scenario + request.body[match.end():]
            request = dataclasses.replace(request, body=body)
        return await super().handle_model(connection, request, record)

    def number(self, match: re.Match[bytes], body: bytes) -> int:
        key = match[1]
        if match[2] == b"counted":
            self.requests_of[key] += 1
            return self.requests_of[key]
        message = json.dumps(json.loads(body)["messages"][-1])
        if (key, message) not in self.remembered:
            self.requests_of[key] += 1
            self.remembered[key, message] = self.requests_of[key]
        return self.remembered[key, message]


if __name__ == "__main__":
    model_server.ModelServer = TurnsServer
    model_server.main()
