#!/usr/bin/python3
"""Tests of the model server's dialects: that each speaks as its API does, with the same scenarios and faults.

    /usr/bin/python3 test/model_dialects_test.py
"""
from __future__ import annotations

import copy
import json
import unittest
from typing import Any

import model_server_test as base

KEY = "k-right"
SCHEMA = {"type": "object", "properties": {"count": {"type": "integer"}}}
CLOSED_SCHEMA = {**SCHEMA, "required": ["count"], "additionalProperties": False}


class Vendor:
    """How to ask one API, and how to read what it says."""
    name = ""
    path = ""
    headers: dict[str, str] = {}
    body: dict[str, Any] = {}
    thinking: dict[str, Any] = {}       # what the request needs for thoughts
    structured: dict[str, Any] = {}     # and for an answer that obeys SCHEMA
    named_events = False
    in_path = False                     # the model stands in the path

    def request(self, model: str, task: str, stream: bool, members: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        body = {"model": model, **copy.deepcopy(self.body)} if not self.in_path else copy.deepcopy(self.body)
        self.say(body, task)
        if not self.in_path:
            body["stream"] = stream
        for member, value in members.items():
            if isinstance(value, dict) and isinstance(body.get(member), dict):
                body[member] |= value
            else:
                body[member] = value
        return self.path, body

    def say(self, body: dict[str, Any], task: str) -> None:
        body["messages"] = [{"role": "user", "content": task}]

    def read(self, text: bytes) -> list[dict[str, Any]]:
        """The stream's documents."""
        return [json.loads(line[6:]) for line in text.decode().split("\n")
                if line.startswith("data: ") and line != "data: [DONE]"]

    def text(self, document: dict[str, Any]) -> str:
        raise NotImplementedError

    def thought(self, document: dict[str, Any]) -> str:
        raise NotImplementedError

    def finish(self, documents: list[dict[str, Any]]) -> Any:
        raise NotImplementedError

    def message(self, body: dict[str, Any]) -> str:
        return body["error"]["message"]


class Chat(Vendor):
    name, path = "openai", "/v1/chat/completions"
    headers = {"Authorization": f"Bearer {KEY}"}
    structured = {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}}

    def text(self, document: dict[str, Any]) -> str:
        choices = document["choices"]
        return (choices[0].get("delta") or choices[0].get("message", {})).get("content") or "" if choices else ""

    def thought(self, document: dict[str, Any]) -> str:
        return document["choices"][0].get("delta", {}).get("reasoning_content", "") if document["choices"] else ""

    def finish(self, documents: list[dict[str, Any]]) -> Any:
        return next((document["choices"][0]["finish_reason"] for document in documents
                     if document["choices"] and document["choices"][0]["finish_reason"]), None)


class AzureClassic(Chat):
    name, path = "azure classic", ""
    headers = {"api-key": KEY}

    def request(self, model: str, task: str, stream: bool, members: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        _, body = super().request("ignored", task, stream, members)
        name = base.urllib.parse.quote(model, safe="")
        return f"/openai/deployments/{name}/chat/completions?api-version=2024-10-21", body


class AzureV1(Chat):
    name, path = "azure v1", "/openai/v1/chat/completions"
    headers = {"api-key": KEY}


class Responses(Vendor):
    name, path = "responses", "/v1/responses"
    headers = {"Authorization": f"Bearer {KEY}"}
    thinking = {"reasoning": {"summary": "auto"}}
    structured = {"text": {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA}}}
    named_events = True

    def say(self, body: dict[str, Any], task: str) -> None:
        body["input"] = task

    def text(self, document: dict[str, Any]) -> str:
        if document.get("object") == "response":
            return "".join(part["text"] for item in document["output"] if item["type"] == "message"
                           for part in item["content"])
        return document["delta"] if document["type"] == "response.output_text.delta" else ""

    def thought(self, document: dict[str, Any]) -> str:
        return document["delta"] if document["type"] == "response.reasoning_summary_text.delta" else ""

    def finish(self, documents: list[dict[str, Any]]) -> Any:
        last = documents[-1].get("response", {})
        return last["incomplete_details"]["reason"] if last.get("incomplete_details") else last.get("status")


class Messages(Vendor):
    name, path = "anthropic", "/v1/messages"
    headers = {"x-api-key": KEY, "anthropic-version": "2023-06-01"}
    body = {"max_tokens": 100}
    thinking = {"thinking": {"type": "adaptive", "display": "summarized"}}
    structured = {"output_config": {"format": {"type": "json_schema", "schema": CLOSED_SCHEMA}}}
    named_events = True

    def text(self, document: dict[str, Any]) -> str:
        if document["type"] == "message":
            return "".join(part["text"] for part in document["content"])
        return document.get("delta", {}).get("text", "")

    def thought(self, document: dict[str, Any]) -> str:
        return document.get("delta", {}).get("thinking", "")

    def finish(self, documents: list[dict[str, Any]]) -> Any:
        if documents[-1]["type"] != "message_stop":
            return None
        return next((document["delta"]["stop_reason"] for document in documents
                     if document["type"] == "message_delta"), None)


class Google(Vendor):
    name, in_path = "gemini", True
    headers = {"x-goog-api-key": KEY}
    body = {"generationConfig": {"topK": 5}}
    thinking = {"generationConfig": {"thinkingConfig": {"includeThoughts": True}}}
    structured = {"generationConfig": {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA}}

    def request(self, model: str, task: str, stream: bool, members: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        _, body = super().request(model, task, stream, members)
        method = "streamGenerateContent?alt=sse" if stream else "generateContent"
        return f"/v1beta/models/{base.urllib.parse.quote(model, safe='')}:{method}", body

    def say(self, body: dict[str, Any], task: str) -> None:
        body["contents"] = [{"role": "user", "parts": [{"text": task}]}]

    def parts(self, document: dict[str, Any], thought: bool) -> str:
        return "".join(part["text"] for candidate in document.get("candidates", [])
                       for part in candidate["content"]["parts"] if part.get("thought", False) is thought)

    def text(self, document: dict[str, Any]) -> str:
        return self.parts(document, False)

    def thought(self, document: dict[str, Any]) -> str:
        return self.parts(document, True)

    def finish(self, documents: list[dict[str, Any]]) -> Any:
        return documents[-1].get("candidates", [{}])[0].get("finishReason")


class Ollama(Vendor):
    name, path = "ollama", "/api/chat"
    headers = {"Authorization": f"Bearer {KEY}"}
    thinking = {"think": True}
    structured = {"format": SCHEMA}

    def read(self, text: bytes) -> list[dict[str, Any]]:
        return [json.loads(line) for line in text.decode().splitlines() if line]

    def text(self, document: dict[str, Any]) -> str:
        return document["message"]["content"]

    def thought(self, document: dict[str, Any]) -> str:
        return document["message"].get("thinking", "")

    def finish(self, documents: list[dict[str, Any]]) -> Any:
        return documents[-1].get("done_reason")

    def message(self, body: dict[str, Any]) -> str:
        return body["error"]


VENDORS = (Chat(), AzureClassic(), AzureV1(), Responses(), Messages(), Google(), Ollama())
COUNTS = "input_tokens=100,cached_tokens=40,output_tokens=30,reasoning_tokens=10"


class Dialects(base.ModelServerTest):
    def ask_vendor(self, vendor: Vendor, scenario: str, task: str = "Say hello", stream: bool = True,
                   headers: dict[str, str] | None = None, **members: Any) -> base.Answer:
        path, body = vendor.request(f"mock:{scenario}" if scenario else "mock", task, stream, members)
        return self.send("POST", path, json.dumps(body).encode(), vendor.headers if headers is None else headers)

    def documents(self, vendor: Vendor, scenario: str, **members: Any) -> list[dict[str, Any]]:
        answer = self.ask_vendor(vendor, scenario, **members)
        self.assertEqual(answer.status, 200, (vendor.name, answer.body))
        return vendor.read(answer.body)

    def test_text_whole_and_in_pieces(self) -> None:
        for vendor in VENDORS:
            with self.subTest(vendor.name):
                documents = self.documents(vendor, "text=gr%C3%BCn%2C+rot,chunks=2")
                self.assertEqual([text for text in map(vendor.text, documents) if text], ["grün", ", rot"])
                self.assertEqual(vendor.text(self.ask_vendor(vendor, "text=x,chunks=1", stream=False).json()), "x")

    def test_thoughts_for_those_who_ask(self) -> None:
        for vendor in VENDORS:
            with self.subTest(vendor.name):
                documents = self.documents(vendor, "reasoning=2,reasoning_text=abcd", **vendor.thinking)
                self.assertEqual("".join(map(vendor.thought, documents)), "abcd")
                if vendor.thinking:
                    documents = self.documents(vendor, "reasoning=2")
                    self.assertEqual("".join(map(vendor.thought, documents)), "")

    def test_finish_reasons(self) -> None:
        words = {"openai": ("stop", "length", "content_filter"), "responses": ("completed", "max_output_tokens", "content_filter"),
                 "anthropic": ("end_turn", "max_tokens", "refusal"), "gemini": ("STOP", "MAX_TOKENS", "SAFETY"),
                 "ollama": ("stop", "length", "stop")}
        for vendor in VENDORS:
            expected = words.get(vendor.name, words["openai"])
            for reason, word in zip(("stop", "length", "content_filter"), expected):
                with self.subTest((vendor.name, reason)):
                    self.assertEqual(vendor.finish(self.documents(vendor, f"finish={reason}")), word)
            self.assertIsNone(vendor.finish(self.documents(vendor, "finish=none")), vendor.name)

    def test_usage(self) -> None:
        usage = self.documents(VENDORS[3], COUNTS)[-1]["response"]["usage"]
        self.assertEqual((usage["input_tokens"], usage["input_tokens_details"]["cached_tokens"]), (100, 40))
        self.assertEqual((usage["output_tokens"], usage["output_tokens_details"]["reasoning_tokens"]), (30, 10))
        documents = self.documents(VENDORS[4], COUNTS)
        self.assertEqual(documents[0]["message"]["usage"], {
            "input_tokens": 30, "cache_creation_input_tokens": 30, "cache_read_input_tokens": 40, "output_tokens": 1})
        self.assertEqual(documents[-2]["usage"], {"output_tokens": 30})
        self.assertEqual(self.documents(VENDORS[5], COUNTS)[-1]["usageMetadata"], {
            "promptTokenCount": 100, "cachedContentTokenCount": 40, "candidatesTokenCount": 20,
            "thoughtsTokenCount": 10, "totalTokenCount": 130})
        last = self.documents(VENDORS[6], COUNTS)[-1]
        self.assertEqual((last["prompt_eval_count"], last["eval_count"]), (100, 30))

    def test_structured_output(self) -> None:
        for vendor in VENDORS:
            with self.subTest(vendor.name):
                documents = self.documents(vendor, "", **vendor.structured)
                self.assertEqual(json.loads("".join(map(vendor.text, documents))), {"count": 1})

    def test_keys(self) -> None:
        for vendor in VENDORS:
            with self.subTest(vendor.name):
                self.assertEqual(self.ask_vendor(vendor, f"require_key={KEY}").status, 200)
                version = {name: value for name, value in vendor.headers.items() if name == "anthropic-version"}
                wrong = 400 if vendor.name == "gemini" else 401
                self.assertEqual(self.ask_vendor(vendor, f"require_key={KEY}", headers=version).status, wrong)

    def test_errors(self) -> None:
        for vendor in VENDORS:
            for status in (400, 401, 403, 404, 429, 500, 503, 529):
                with self.subTest((vendor.name, status)):
                    answer = self.ask_vendor(vendor, f"status={status},message=Broke")
                    self.assertEqual((answer.status, vendor.message(answer.json())), (status, "Broke"))
                    self.assertTrue(vendor.message(self.ask_vendor(vendor, f"status={status}").json()))
            model = vendor.request("no-such-model", "x", True, {})
            answer = self.send("POST", model[0], json.dumps(model[1]).encode(), vendor.headers)
            self.assertEqual(answer.status, 404, vendor.name)

    def test_errors_inside_the_stream(self) -> None:
        for vendor in VENDORS:
            for style in ("event", "member"):
                with self.subTest((vendor.name, style)):
                    answer = self.ask_vendor(vendor, f"error_at=2,error_style={style},message=Broke")
                    self.assertIn("Broke", json.dumps(vendor.read(answer.body)[-1]))
                    if style == "event":
                        self.assertEqual(b"event: error" in answer.body, vendor.name != "ollama")

    def test_names_of_events(self) -> None:
        for vendor in VENDORS:
            lines = self.ask_vendor(vendor, "").body.decode().split("\n")
            names = [line[7:] for line in lines if line.startswith("event: ")]
            types = [document.get("type") for document in vendor.read("\n".join(lines).encode())]
            self.assertEqual(names, types if vendor.named_events else [], vendor.name)

    def test_unknown_events(self) -> None:
        for vendor in VENDORS:
            usual, more = self.documents(vendor, "text=x"), self.documents(vendor, "text=x,unknown=2")
            self.assertEqual(len(more), len(usual) + 4, vendor.name)

    def test_refusals(self) -> None:
        for vendor in VENDORS:
            self.assertIn(b"I cannot.", self.ask_vendor(vendor, "refusal=I+cannot.").body, vendor.name)

    def test_tools(self) -> None:
        for vendor in VENDORS:
            self.assertIn(b"find_order", self.ask_vendor(vendor, "finish=tool_calls,tool=find_order").body, vendor.name)

    def test_cut_and_bad_json(self) -> None:
        for vendor in VENDORS:
            self.assertIsNone(vendor.finish(self.documents(vendor, "cut=2")), vendor.name)
            with self.assertRaises(ValueError):
                self.documents(vendor, "bad_json=1")

    def test_rules_of_the_real_apis(self) -> None:
        vendors = {vendor.name: vendor for vendor in VENDORS}
        cases: list[tuple[str, dict[str, Any], str]] = [
            ("responses", {"max_tokens": 5}, "max_tokens"),
            ("responses", {"max_output_tokens": 5}, "max_output_tokens"),
            ("responses", {"temperature": 3}, "temperature"),
            ("responses", {"input": None}, "input"),
            ("responses", {"reasoning": {"effort": "huge"}}, "effort"),
            ("responses", {"text": {"format": {"type": "json_schema", "name": "a b", "schema": {}}}}, "name"),
            ("responses", {"text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "array"}}}}, "object"),
            ("responses", {"text": {"format": {"type": "json_schema", "name": "n", "strict": True, "schema": SCHEMA}}},
             "additionalProperties"),
            ("anthropic", {"max_tokens": 0}, "max_tokens"),
            ("anthropic", {"output_config": {"format": {"type": "json_schema", "schema": {"type": "array", "items": {
                "type": "object"}}}}}, "additionalProperties"),
            ("anthropic", {"temperature": 1.5}, "temperature"),
            ("anthropic", {"seed": 1}, "seed"),
            ("anthropic", {"messages": [{"role": "system", "content": "x"}]}, "role"),
            ("anthropic", {"messages": [{"role": "user", "content": ""}]}, "content"),
            ("anthropic", {"thinking": {"type": "enabled", "budget_tokens": 10}}, "budget_tokens"),
            ("anthropic", {"thinking": {"type": "enabled", "budget_tokens": 2000}}, "max_tokens"),
            ("anthropic", {"thinking": {"type": "disabled", "display": "summarized"}}, "disabled"),
            ("gemini", {"model": "x"}, "model"),
            ("gemini", {"generationConfig": {"max_tokens": 1}}, "max_tokens"),
            ("gemini", {"generationConfig": {"temperature": 3}}, "temperature"),
            ("gemini", {"generationConfig": {"responseJsonSchema": {}}}, "mime type"),
            ("gemini", {"contents": []}, "contents"),
            ("ollama", {"think": "huge"}, "think"),
            ("ollama", {"format": "xml"}, "format"),
            ("ollama", {"options": {"temperature": "hot"}}, "temperature"),
            ("ollama", {"messages": [{"role": "robot", "content": "x"}]}, "role"),
        ]
        for name, members, word in cases:
            with self.subTest((name, members)):
                answer = self.ask_vendor(vendors[name], "", **members)
                self.assertEqual(answer.status, 400, answer.body)
                self.assertIn(word, vendors[name].message(answer.json()))
        newer = {**Messages.headers, "anthropic-version": "2026-10-21"}
        self.assertEqual(self.ask_vendor(vendors["anthropic"], "", headers=newer, temperature=1).status, 400)
        self.assertEqual(self.ask_vendor(vendors["anthropic"], "", headers={"x-api-key": KEY}).status, 400)
        body = json.dumps(AzureV1().request("mock", "x", True, {})[1]).encode()
        self.assertEqual(self.send("POST", "/openai/deployments/mock/chat/completions", body).status, 404)

    def test_limits_of_anthropic(self) -> None:
        answer = self.ask_vendor(VENDORS[4], "ratelimit=50/49/60")
        self.assertEqual(answer.headers["anthropic-ratelimit-tokens-remaining"], "49")
        self.assertRegex(answer.headers["anthropic-ratelimit-requests-reset"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")

    def test_filters_of_azure(self) -> None:
        documents = self.documents(VENDORS[2], "")
        self.assertEqual(documents[0]["choices"], [])
        self.assertIn("prompt_filter_results", documents[0])
        error = self.ask_vendor(VENDORS[2], "status=400,code=content_filter").json()["error"]
        self.assertEqual(error["innererror"]["code"], "ResponsibleAIPolicyViolation")

    def test_gemini_without_events(self) -> None:
        path, body = VENDORS[5].request("mock:text=ab,chunks=2", "x", True, {})
        answer = self.send("POST", path.removesuffix("?alt=sse"), json.dumps(body).encode())
        self.assertEqual("".join(map(VENDORS[5].text, answer.json())), "ab")


if __name__ == "__main__":
    unittest.main()
