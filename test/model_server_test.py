#!/usr/bin/python3
"""Tests of the model server: every scenario key and control endpoint, over real sockets.

    /usr/bin/python3 test/model_server_test.py
"""
from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import email.utils
import hashlib
import http.client
import json
import pathlib
import resource
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse
import zlib
from typing import Any, Iterator

sys.dont_write_bytecode = True  # leave no __pycache__ in the source tree
from model_answers.compose import play  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
PATH = "/v1/chat/completions"
MANY = 1500


class Server:
    """A model server of our own, on a free port."""

    def __init__(self, *options: str) -> None:
        self.directory = tempfile.TemporaryDirectory()
        port_file = pathlib.Path(self.directory.name, "port")
        self.journal = pathlib.Path(self.directory.name, "journal")
        self.process = subprocess.Popen([sys.executable, str(HERE / "model_server.py"), "--port", "0", "--port-file",
                                         str(port_file), "--journal", str(self.journal), *options])
        deadline = time.monotonic() + 10
        while not port_file.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the model server did not start")
            time.sleep(0.01)
        self.port, *rest = (int(line) for line in port_file.read_text().split())
        self.tls_port = rest[0] if rest else 0

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        status = self.process.wait(10)
        self.directory.cleanup()
        return status


@dataclasses.dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def data(self) -> list[str]:
        """The data of each event; only for streams with plain line ends."""
        return [line[6:] for line in self.body.decode().split("\n") if line.startswith("data: ")]

    def chunks(self) -> list[dict[str, Any]]:
        return [json.loads(data) for data in self.data() if data != "[DONE]"]

    def deltas(self, member: str) -> list[str]:
        found = [chunk["choices"][0]["delta"].get(member) for chunk in self.chunks() if chunk["choices"]]
        return [text for text in found if text]

    def text(self) -> str:
        return "".join(self.deltas("content"))

    def finish(self) -> str | None:
        return next((chunk["choices"][0]["finish_reason"] for chunk in self.chunks()
                     if chunk["choices"] and chunk["choices"][0]["finish_reason"]), None)

    def usage(self) -> Any:
        return next((chunk["usage"] for chunk in self.chunks() if chunk["usage"]), None)


def request_body(model: str = "mock", task: str = "Say hello", **members: Any) -> dict[str, Any]:
    return {"model": model, "stream": True, "messages": [{"role": "system", "content": "Be brief."},
                                                         {"role": "user", "content": task}], **members}


class ModelServerTest(unittest.TestCase):
    server: Server

    @classmethod
    def setUpClass(cls) -> None:
        cls.server = Server()

    @classmethod
    def tearDownClass(cls) -> None:
        assert cls.server.stop() == 0

    def setUp(self) -> None:
        self.control("/__reset", "POST")

    def send(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None,
             server: Server | None = None) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", (server or self.server).port, timeout=10)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            try:
                return Answer(response.status, response.headers, response.read())
            except http.client.IncompleteRead as error:
                return Answer(response.status, response.headers, error.partial)

    def ask(self, model: str = "mock", task: str = "Say hello", **members: Any) -> Answer:
        return self.post(request_body(model, task, **members))

    def post(self, body: Any) -> Answer:
        return self.send("POST", PATH, json.dumps(body).encode())

    def control(self, path: str, method: str = "GET") -> Any:
        answer = self.send(method, path)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json() if answer.body else None

    def journal(self, query: str = "") -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.send("GET", f"/__journal{query}").body.splitlines()]

    @contextlib.contextmanager
    def raw(self, model: str, task: str = "Say hello", **members: Any) -> Iterator[socket.socket]:
        """A socket on which the request was sent, and nothing read yet."""
        body = json.dumps(request_body(model, task, **members)).encode()
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=10) as sock:
            sock.sendall(b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s"
                         % (PATH.encode(), len(body), body))
            yield sock

    def assert_error(self, answer: Answer, status: int, code: str | None = None, param: str | None = None) -> None:
        self.assertEqual(answer.status, status, answer.body)
        error = answer.json()["error"]
        self.assertEqual(set(error), {"message", "type", "param", "code"})
        self.assertEqual(error["code"], code, error)
        if param:
            self.assertEqual(error["param"], param)


def read_all(sock: socket.socket) -> bytes:
    parts = []
    while part := sock.recv(65536):
        parts.append(part)
    return b"".join(parts)


class Answers(ModelServerTest):
    def test_default_answer_echoes_the_first_line(self) -> None:
        answer = self.ask(task="Name three fish\nand more")
        self.assertEqual(answer.status, 200)
        self.assertIn("text/event-stream", answer.headers["content-type"])
        self.assertEqual(answer.headers["transfer-encoding"], "chunked")
        self.assertIn("Name three fish", answer.text())
        self.assertNotIn("and more", answer.text())
        self.assertEqual(answer.finish(), "stop")
        self.assertEqual(answer.data()[-1], "[DONE]")
        self.assertIsNone(answer.usage())

    def test_any_prefix(self) -> None:
        for path in ("/chat/completions", "/openai/v1/chat/completions?api-version=1"):
            self.assertEqual(self.send("POST", path, json.dumps(request_body()).encode()).status, 200)

    def test_without_stream(self) -> None:
        answer = self.ask("mock:reasoning=2,input_tokens=7,output_tokens=9,cached_tokens=3", stream=False)
        body = answer.json()
        self.assertEqual(body["object"], "chat.completion")
        self.assertIn("Say hello", body["choices"][0]["message"]["content"])
        self.assertIn("point 1", body["choices"][0]["message"]["reasoning_content"])
        self.assertEqual(body["usage"]["total_tokens"], 16)
        self.assertEqual(body["usage"]["prompt_tokens_details"], {"cached_tokens": 3})

    def test_chunks_text_and_size(self) -> None:
        self.assertEqual(len(self.ask("mock:chunks=25").deltas("content")), 25)
        answer = self.ask("mock:text=gr%C3%BCn%2C+rot,chunks=2")
        self.assertEqual(answer.deltas("content"), ["grün", ", rot"])
        self.assertEqual(len(self.ask("mock:size=5000").text().encode()), 5000)
        self.assertEqual(len(self.ask("mock:tokens=100").text().encode()), 400)
        self.assertEqual(len(self.ask("mock:chunks=400").deltas("content")), 400)

    def test_directives_override_the_model(self) -> None:
        answer = self.ask("mock:text=one,chunks=1", "Say\n@mock text=two usage=last\nplease\n@mock text=three")
        self.assertEqual(answer.text(), "three")
        self.assertIsNotNone(answer.usage())
        self.assertNotIn("@mock", self.ask(task="@mock chunks=2\nFirst line").text())

    def test_unknown_keys_are_refused(self) -> None:
        for scenario in ("chunk=1", "chunks=many", "finish=maybe", "answer=../secret", "answer=nothing"):
            self.assert_error(self.ask(f"mock:{scenario}"), 400, "bad_scenario")
        self.assertEqual(self.ask("llama3:8b").status, 200)

    def test_reasoning(self) -> None:
        self.assertEqual(len(self.ask("mock:reasoning=4").deltas("reasoning_content")), 4)
        for field in ("reasoning", "thinking"):
            answer = self.ask(f"mock:reasoning_text=aabb,reasoning=2,reasoning_field={field}")
            self.assertEqual(answer.deltas(field), ["aa", "bb"])

    def test_think_and_progress(self) -> None:
        text = self.ask("mock:think=1,reasoning_text=hm").text()
        self.assertTrue(text.startswith("<think>\nhm</think>\n\n## Answer"), text)
        plain = self.ask("mock:answer=builder").text()
        lines = self.ask("mock:answer=builder,progress=4").text().split("\n")
        self.assertEqual(sum(line.startswith("[[progress]] ") for line in lines), 4)
        self.assertEqual("\n".join(line for line in lines if not line.startswith("[[progress]] ")), plain)

    def test_usage(self) -> None:
        counts = "input_tokens=10,cached_tokens=4,output_tokens=20,reasoning_tokens=5"
        answer = self.ask(f"mock:{counts}", stream_options={"include_usage": True})
        self.assertEqual(answer.chunks()[-1]["choices"], [])
        self.assertEqual(answer.chunks()[-1]["usage"], {
            "prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30,
            "prompt_tokens_details": {"cached_tokens": 4}, "completion_tokens_details": {"reasoning_tokens": 5}})
        last = self.ask("mock:usage=last").chunks()[-1]
        self.assertEqual(last["choices"][0]["finish_reason"], "stop")
        self.assertGreater(last["usage"]["completion_tokens"], 0)
        self.assertEqual(self.ask("mock:usage=chunk").chunks()[-1]["choices"], [])
        self.assertIsNone(self.ask("mock:usage=none", stream_options={"include_usage": True}).usage())

    def test_finish_refusal_and_done(self) -> None:
        for reason in ("length", "content_filter"):
            self.assertEqual(self.ask(f"mock:finish={reason}").finish(), reason)
        self.assertIsNone(self.ask("mock:finish=none").finish())
        self.assertNotIn("[DONE]", self.ask("mock:done=0").data())
        answer = self.ask("mock:refusal=I+cannot.")
        self.assertEqual((answer.deltas("refusal"), answer.text()), (["I cannot."], ""))
        message = self.ask("mock:refusal=No", stream=False).json()["choices"][0]["message"]
        self.assertEqual((message["content"], message["refusal"]), (None, "No"))

    def test_tool_calls_until_a_result_comes(self) -> None:
        tools = [{"type": "function", "function": {"name": "find_order", "parameters": {}}}]
        model = "mock:finish=tool_calls,arguments=%7B%22id%22%3A7%7D"
        answer = self.ask(model, tools=tools)
        calls = [call[0] for call in answer.deltas("tool_calls")]
        self.assertEqual(calls[0]["function"]["name"], "find_order")
        self.assertEqual("".join(call["function"]["arguments"] for call in calls), '{"id":7}')
        self.assertEqual(answer.finish(), "tool_calls")
        body = request_body(model, tools=tools)
        body["messages"] += [{"role": "assistant", "tool_calls": []},
                             {"role": "tool", "tool_call_id": calls[0]["id"], "content": "shipped"}]
        self.assertEqual(self.post(body).finish(), "stop")

    def test_structured_output(self) -> None:
        schema = {"type": "object", "properties": {
            "components": {"type": "string"}, "count": {"type": "integer"}, "ok": {"type": "boolean"},
            "risks": {"type": "array", "items": {"type": "string"}}, "level": {"enum": ["high", "low"]}}}
        wanted = {"type": "json_schema", "json_schema": {"name": "design", "schema": schema}}
        value = json.loads(self.ask("demo:speed=0", "Design a thing", response_format=wanted).text())
        closed = {**schema, "required": list(schema["properties"]), "additionalProperties": False}
        closed["properties"] = {**schema["properties"], "level": {"type": "string", "enum": ["high", "low"]}}
        strict = {"type": "json_schema", "json_schema": {"name": "design", "schema": closed, "strict": True}}
        self.assertEqual(self.ask(task="Design a thing", response_format=strict).status, 200)
        self.assertIn("SignalR", value["components"])
        self.assertEqual((value["count"], value["ok"], value["level"]), (1, True, "high"))
        self.assertIn("SignalR", value["risks"][0])
        self.assertNotIn("Timeline", value["risks"][0])
        answer = self.ask(task="Answer as JSON", response_format={"type": "json_object"})
        self.assertIn("answer", json.loads(answer.text()))

    def test_demo_chooses_by_the_task(self) -> None:
        tasks = {
            "Design a real-time notification system for a collaborative workspace application":
                ("architect", "# Notification System Architecture", 1250, 4890),
            "Implement user registration API endpoint using Python FastAPI.":
                ("builder", "# User Registration Endpoint", 2100, 7730),
            "Review the attached authentication implementation for security vulnerabilities.":
                ("validator", "# Security Review", 3200, 4690),
            "Generate comprehensive API documentation for user management endpoints.":
                ("scribe", "# User Management API", 2800, 5300),
        }
        for task, (name, heading, tokens_in, tokens_out) in tasks.items():
            answer = self.ask("demo:speed=0", task, stream_options={"include_usage": True})
            prepared = HERE / "model_answers" / f"{name}.md"
            self.assertEqual(answer.text(), prepared.read_text())
            self.assertTrue(answer.text().startswith(heading))
            self.assertEqual("".join(answer.deltas("reasoning_content")), prepared.with_suffix(".thoughts").read_text())
            self.assertTrue(25 <= len(answer.deltas("content")) <= 60)
            self.assertEqual((answer.usage()["prompt_tokens"], answer.usage()["completion_tokens"]),
                             (tokens_in, tokens_out))
        self.assertIn("## Answer", self.ask("demo:speed=0", "Sing a song").text())

    def test_demo_takes_its_time(self) -> None:
        started = time.monotonic()
        self.ask("demo:speed=20", "Design a bridge")
        self.assertTrue(0.45 < time.monotonic() - started < 2)

    def test_scenes_of_a_play_follow_each_other(self) -> None:
        design, judge = "Design a microservices architecture.", "Validate the architecture against production requirements."
        self.assertIn("one region", self.ask("mock:play=refinement", design).text())
        verdicts = [self.ask("mock:play=refinement", judge).text().split("\n")[1] for _ in range(4)]
        self.assertEqual(verdicts, ["FAIL", "FAIL", "PASS", "PASS"])
        self.assertIn("one region", self.ask("mock:play=refinement,key=another", design).text())
        self.assertIn("$31K", self.ask("mock:play=refinement", f"@mock chunks=2\n{design}").text())
        self.control("/__reset", "POST")
        self.assertIn("FAIL", self.ask("mock:play=refinement", judge).text())
        self.assert_error(self.ask("mock:play=refinement", "Sing a song"), 400, "bad_scenario")
        self.assert_error(self.ask("mock:play=none", judge), 400, "bad_scenario")
        self.assertEqual(self.ask("mock:play=refinement", "@mock text=La\nSing a song").text(), "La")

    def test_scene_has_keys_and_thoughts(self) -> None:
        task = "Review the implementation for security and quality issues."
        answer = self.ask("mock:play=feature,thoughts=1,usage=last,input_tokens=5", task)
        self.assertEqual((answer.usage()["prompt_tokens"], answer.usage()["completion_tokens"]), (5, 4690))
        self.assertIn("Mapping the attack surface", "".join(answer.deltas("reasoning_content")))
        self.assertNotIn("===", answer.text())
        self.assertIn("# Security and Quality Review", self.ask("demo:speed=0", task).text())
        self.assertEqual(self.ask("mock:play=feature,status=429", task).status, 429)

    def test_members_come_from_the_sections_of_their_names(self) -> None:
        properties = {
            "approval_status": {"type": "string", "enum": ["failed", "approved"]}, "security_score": {"type": "number"},
            "issues": {"type": "array"}, "validation_report": {"type": "string"}}
        wanted = {"type": "json_schema", "json_schema": {
            "name": "review", "schema": {"type": "object", "properties": properties}}}
        value = json.loads(self.ask("mock:play=feature", "Review the implementation for security and quality issues",
                                    response_format=wanted).text())
        self.assertEqual((value["approval_status"], value["security_score"], len(value["issues"])), ("approved", 8.5, 5))
        self.assertTrue(value["issues"][0].startswith("Medium: no rate limiting"), value["issues"])
        self.assertTrue(value["validation_report"].startswith("### Result"), value["validation_report"])
        self.assertIn("```python", value["validation_report"])
        code = {"type": "json_schema", "json_schema": {"name": "code", "schema": {
            "type": "object", "properties": {"code": {"type": "string"}, "passed": {"type": "boolean"}}}}}
        value = json.loads(self.ask("mock:play=hand_off", "Implement it", response_format=code).text())
        self.assertTrue(value["code"].startswith("def find_user"), value["code"])

    def test_every_play_can_be_read(self) -> None:
        for path in sorted((HERE / "model_answers" / "plays").iterdir()):
            scenes = play(path.name)
            self.assertEqual(path.read_text().count("=== "), len(scenes), path.name)
            for scene in scenes:
                self.assertTrue(scene.words.startswith("^"), scene)
                self.assertRegex(scene.prepared.text, r"(?m)^## ", scene.words)

    def test_prepared_answer_with_thoughts(self) -> None:
        answer = self.ask("mock:answer=architect,thoughts=1,usage=last")
        self.assertEqual(len(answer.deltas("reasoning_content")), 11)
        self.assertEqual(answer.usage()["completion_tokens"], 4890)
        self.assertEqual(self.ask("mock:answer=architect").deltas("reasoning_content"), [])


class Form(ModelServerTest):
    def test_line_ends_and_marks(self) -> None:
        self.assertIn(b"\r\n\r\ndata: [DONE]\r\n\r\n", self.ask("mock:eol=crlf").body)
        answer = self.ask("mock:eol=cr,bom=1")
        self.assertTrue(answer.body.startswith(b"\xef\xbb\xbfdata: "))
        self.assertNotIn(b"\n", answer.body)
        self.assertEqual(self.ask("mock:comments=1,chunks=2").body.count(b": keep-alive\n"), 5)
        events = self.ask("mock:multiline=1,text=hi,chunks=1").body.split(b"\n\n")
        lines = [line.removeprefix(b"data: ") for line in events[1].split(b"\n")]
        self.assertGreater(len(lines), 5)
        self.assertEqual(json.loads(b"\n".join(lines))["choices"][0]["delta"]["content"], "hi")

    def test_split(self) -> None:
        whole, split = self.ask("mock:text=%E2%9C%93%E2%9C%93"), self.ask("mock:text=%E2%9C%93%E2%9C%93,split=3")
        self.assertEqual(split.text(), whole.text())
        with self.raw("mock:split=3,text=x,chunks=1") as sock:
            data = b""
            while b"\r\n0\r\n\r\n" not in data:
                data += sock.recv(65536)
        sizes = {int(line, 16) for line in data.split(b"\r\n\r\n", 1)[1].split(b"\r\n")[::2] if line.strip()}
        self.assertLessEqual(max(sizes), 3)

    def test_headers_and_limits(self) -> None:
        answer = self.ask("mock:headers=50,ratelimit=500/7/6m0s")
        self.assertEqual(sum(name.startswith("x-junk-") for name in answer.headers), 50)
        for what in ("requests", "tokens"):
            values = [answer.headers[f"x-ratelimit-{name}-{what}"] for name in ("limit", "remaining", "reset")]
            self.assertEqual(values, ["500", "7", "6m0s"])
        self.assertTrue(answer.headers["x-request-id"])

    def test_quoted_key(self) -> None:
        headers = {"Authorization": "Bearer ab/c+d"}

        def ask(scenario: str) -> Answer:
            return self.send("POST", PATH, json.dumps(request_body(f"mock:{scenario}")).encode(), headers)

        self.assertEqual(ask("text={key}!,chunks=3").text(), "ab/c+d!")
        answer = ask("status=401,body={escaped_key}")
        self.assertEqual((answer.status, answer.body), (401, b"ab\\/c\\u002bd"))
        answer = ask("ids=id-{key}")
        self.assertEqual([answer.chunks()[0][member] for member in ("id", "model")], ["id-ab/c+d"] * 2)
        self.assertEqual(answer.headers["x-request-id"], "id-ab/c+d")

    def test_pauses(self) -> None:
        for scenario in ("latency=150", "first_byte=150", "chunks=3,chunk_delay=50", "reasoning=3,reasoning_delay=50"):
            for stream in (True, False):
                started = time.monotonic()
                self.assertEqual(self.ask(f"mock:{scenario}", stream=stream).status, 200)
                self.assertTrue(0.14 < time.monotonic() - started < 1.5, scenario)

    def test_comments_in_pauses(self) -> None:
        answer = self.ask("mock:first_byte=100,keep_alive=20")
        self.assertGreaterEqual(answer.body.count(b": keep-alive\n\n"), 3)


class Faults(ModelServerTest):
    def test_status_and_retry_headers(self) -> None:
        answer = self.ask("mock:status=429,retry_after=7,retry_after_ms=1500,should_retry=false,code=insufficient_quota,"
                          "type=insufficient_quota,message=Pay+first")
        self.assert_error(answer, 429, "insufficient_quota")
        self.assertEqual((answer.json()["error"]["message"], answer.json()["error"]["type"]),
                         ("Pay first", "insufficient_quota"))
        headers = [answer.headers[name] for name in ("retry-after", "retry-after-ms", "x-should-retry")]
        self.assertEqual(headers, ["7", "1500", "false"])
        self.assert_error(self.ask("mock:status=429"), 429, "rate_limit_exceeded")
        self.assert_error(self.ask("mock:status=503"), 503)
        date = self.ask("mock:status=503,retry_after=date:60").headers["retry-after"]
        self.assertAlmostEqual(email.utils.parsedate_to_datetime(date).timestamp(), time.time() + 60, delta=3)

    def test_html_empty_redirect(self) -> None:
        answer = self.ask("mock:status=502,html=1")
        self.assertEqual((answer.status, answer.headers["content-type"]), (502, "text/html"))
        self.assertIn(b"<html>", answer.body)
        self.assertEqual((self.ask("mock:status=500,empty=1").status, self.ask("mock:empty=1").body), (500, b""))
        answer = self.ask("mock:redirect=http%3A%2F%2Fexample.com%2F")
        self.assertEqual((answer.status, answer.headers["location"]), (302, "http://example.com/"))

    def test_times(self) -> None:
        model = "mock:status=500,times=2"
        self.assertEqual([self.ask(model).status for _ in range(3)], [500, 500, 200])
        self.assertEqual(self.ask(model, "@mock text=other").status, 500)
        self.assertEqual([self.ask(model, f"@mock key=a text={i}").status for i in range(3)], [500, 500, 200])
        self.control("/__reset", "POST")
        self.assertEqual(self.ask(model).status, 500)

    def test_cut(self) -> None:
        answer = self.ask("mock:cut=2")
        self.assertEqual(len(answer.deltas("content")), 2)
        self.assertNotIn(b"[DONE]", answer.body)
        self.assertEqual(len(self.ask("mock:cut=99").deltas("content")), 5)
        with self.raw("mock:cut=1") as sock:
            self.assertFalse(read_all(sock).endswith(b"0\r\n\r\n"))
        with self.raw("mock:cut=0,cut_with=rst") as sock, self.assertRaises(ConnectionResetError):
            while True:
                self.assertTrue(sock.recv(65536))
        with self.raw("mock:cut_head=1") as sock:
            self.assertEqual(read_all(sock), b"")
        body = self.ask("mock:cut=1", stream=False)
        self.assertLess(len(body.body), int(body.headers["content-length"]))
        self.assertEqual({record["ended"] for record in self.journal()}, {"cut"})

    def test_what_is_no_good_http(self) -> None:
        with self.raw("mock", "@mock raw=ICY+200%0D%0A%0D%0Abody") as sock:
            self.assertEqual(read_all(sock), b"ICY 200\r\n\r\nbody")
        with self.raw("mock", "@mock early=3 text=abc") as sock:
            data = b""
            while b"HTTP/1.1 200" not in data:
                data += sock.recv(65536)
            self.assertEqual(data.count(b"HTTP/1.1 103 Early Hints\r\n"), 3)
        with self.raw("mock", "@mock late=HTTP/1.1+200+OK text=abc") as sock:
            self.control("/__wait?completed=1")
            data = b""
            while not data.endswith(b"HTTP/1.1 200 OK"):
                data += sock.recv(65536)
            self.assertIn(b"0\r\n\r\nHTTP/1.1 200 OK", data)
        with self.raw("mock", "@mock head_every=1") as sock:
            data = b""
            while data.count(b"X-Slow: 1\r\n") < 3:
                data += sock.recv(65536)
            self.assertNotIn(b"\r\n\r\n", data)
        self.assertEqual(len(self.ask("mock:head_line=5000").headers["x-long"]), 5000)

    def test_bombs(self) -> None:
        for encoding, window in (("gzip", 31), ("deflate", 15)):
            answer = self.ask(f"mock:bomb={encoding}")
            self.assertEqual(answer.headers["content-encoding"], encoding)
            self.assertLess(len(answer.body), 1 << 20)
            unpacker = zlib.decompressobj(window)
            self.assertEqual(len(unpacker.decompress(answer.body, 64 << 20)), 64 << 20)
        self.assertEqual(self.ask("mock:bomb=br").headers["content-encoding"], "br")
        with self.raw("mock:bomb=transfer") as sock:
            data = b""
            while b"\r\n\r\n" not in data:
                data += sock.recv(65536)
            self.assertIn(b"\r\nTransfer-Encoding: gzip, chunked\r\n", data)

    def test_quoting_what_was_sent(self) -> None:
        answer = self.send("POST", PATH, json.dumps(request_body("mock", "@mock text={headers}")).encode(),
                           {"Authorization": "Bearer secret", "X-A": "b"})
        self.assertIn("authorization: Bearer secret", answer.text())
        self.assertIn("x-a: b", answer.text())

    def test_tls(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            for name in ("default", "a.test"):
                subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{folder}/{name}.pem",
                                "-out", f"{folder}/crt", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"],
                               check=True, stderr=subprocess.DEVNULL)
                with open(f"{folder}/{name}.pem", "ab") as pem:
                    pem.write(pathlib.Path(folder, "crt").read_bytes())
            server = Server("--tls", folder)
            try:
                context = ssl.create_default_context(cafile=f"{folder}/a.test.pem")
                for name, good in (("a.test", True), ("b.test", False)):
                    with socket.create_connection(("127.0.0.1", server.tls_port), timeout=10) as sock, \
                            contextlib.nullcontext() if good else self.assertRaises(ssl.SSLCertVerificationError):
                        with context.wrap_socket(sock, server_hostname=name) as tls:
                            body = json.dumps(request_body()).encode()
                            tls.sendall(b"POST %s HTTP/1.0\r\nContent-Length: %d\r\n\r\n%s" % (PATH.encode(), len(body), body))
                            while tls.recv(65536):
                                pass
                records = [json.loads(line) for line in self.send("GET", "/__journal", server=server).body.splitlines()]
                self.assertEqual([record["sni"] for record in records], ["a.test"])
            finally:
                server.stop()

    def test_gate(self) -> None:
        with self.raw("mock:gate=ajar,text=abc,chunks=3") as sock:
            self.control("/__wait?in_flight=1")
            self.ask("mock", "Meanwhile")
            held = self.journal("?contains=ajar")
            self.assertEqual([(record["events"], record["ended"]) for record in held], [(3, None)])
            self.control("/__open?gate=ajar", "POST")
            self.control("/__wait?completed=2")
            self.assertIn(b"[DONE]", sock.recv(65536))
        self.assertEqual(self.ask("mock:gate=ajar,text=abc").text(), "abc")

    def test_stall_until_the_client_leaves(self) -> None:
        with self.raw("mock:stall=2,reasoning=1") as sock:
            self.control("/__wait?in_flight=1")
            data = b""
            while data.count(b"data: ") < 4:
                data += sock.recv(65536)
            sock.settimeout(0.1)
            self.assertRaises(TimeoutError, sock.recv, 1)
            self.assertIsNone(self.journal()[0]["ended"])
            left = time.monotonic() * 1000
        self.control("/__wait?client_closed=1&timeout=5")
        record = self.journal()[0]
        self.assertEqual((record["ended"], record["thoughts"], record["events"]), ("client_closed", 1, 2))
        self.assertLess(abs(record["ended_mono_ms"] - left), 100)

    def test_errors_inside_the_stream(self) -> None:
        answer = self.ask("mock:error_at=2,message=Broke,code=server_busy")
        self.assertTrue(answer.body.rstrip().split(b"\n")[-2].startswith(b"event: error"))
        self.assertEqual(json.loads(answer.data()[-1])["error"]["code"], "server_busy")
        self.assertEqual(len(answer.data()), 4)
        member = self.ask("mock:error_at=0,error_style=member")
        self.assertNotIn(b"event:", member.body)
        self.assertEqual(member.chunks()[-1]["error"]["type"], "server_error")
        self.assertEqual(self.ask("mock:error_at=1,error_style=string,message=No").chunks()[-1], {"error": "No"})
        numeric = self.ask("mock:error_at=1,error_style=numeric,code=503").chunks()[-1]
        self.assertEqual((numeric["error"]["code"], numeric["choices"][0]["finish_reason"]), (503, "error"))

    def test_hostile_bytes(self) -> None:
        bad = [data for data in self.ask("mock:bad_json=3").data() if data != "[DONE]" and not data.endswith("}")]
        self.assertEqual(len(bad), 3)
        with self.assertRaises(ValueError):
            self.ask("mock:bad_json=1", stream=False).json()
        answer = self.ask("mock:garbage=5")
        self.assertEqual((answer.status, len(answer.body)), (200, 4096))
        self.assertEqual(answer.body, self.ask("mock:garbage=5").body)
        with self.assertRaises(UnicodeDecodeError):
            self.ask("mock:bad_utf8=1").body.decode()
        text = self.ask("mock:nul=1,chunks=1").body.decode()
        self.assertIn(r"\u0000 \ud83d \ude00", text)

    def test_too_much(self) -> None:
        self.assertEqual(len(self.ask("mock:oversize=3000000").text()), 3_000_000)
        self.assertEqual(max(map(len, self.ask("mock:long_line=1000000").deltas("content"))), 1_000_000)


class Checks(ModelServerTest):
    def test_unknown_model_path_and_json(self) -> None:
        self.assert_error(self.ask("no-such-model"), 404, "model_not_found")
        self.assert_error(self.send("POST", "/v1/nothing", b"{}"), 404)
        self.assert_error(self.send("GET", PATH), 404)
        self.assert_error(self.send("POST", PATH, b"{broken"), 400)
        self.assert_error(self.send("POST", PATH, b"[]"), 400)

    def test_rules_of_the_real_api(self) -> None:
        cases: list[tuple[dict[str, Any], str | None, str | None]] = [
            ({"temperature": 2.5}, "invalid_value", "temperature"),
            ({"temperature": "hot"}, "invalid_type", "temperature"),
            ({"top_p": 1.1}, "invalid_value", "top_p"),
            ({"max_tokens": 0}, "invalid_value", "max_tokens"),
            ({"max_tokens": 5, "max_completion_tokens": 5}, "invalid_parameter_combination", "max_tokens"),
            ({"think": True}, "unknown_parameter", "think"),
            ({"stream": False, "stream_options": {}}, "invalid_parameter_combination", "stream_options"),
            ({"reasoning_effort": "huge"}, "invalid_value", "reasoning_effort"),
            ({"stop": list("abcde")}, "array_above_max_length", "stop"),
            ({"messages": []}, "invalid_type", "messages"),
            ({"messages": [{"role": "robot", "content": ""}]}, "invalid_value", "messages[0].role"),
            ({"messages": [{"role": "user", "content": None}]}, "invalid_type", "messages[0].content"),
            ({"metadata": {str(i): "" for i in range(17)}}, "object_above_max_properties", "metadata"),
            ({"response_format": {"type": "xml"}}, "invalid_value", "response_format"),
            ({"response_format": {"type": "json_object"}}, None, "messages"),
            ({"response_format": {"type": "json_schema", "json_schema": {"name": "not good", "schema": {}}}},
             "invalid_value", "response_format.json_schema.name"),
        ]
        closed = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"],
                  "additionalProperties": False}
        cases += [({"response_format": {"type": "json_schema", "json_schema": {
            "name": "n", "strict": strict, "schema": schema}}}, None, "response_format") for strict, schema in (
                (False, {"type": "array", "items": closed}), (True, {**closed, "required": []}),
                (True, {**closed, "additionalProperties": True}), (True, {**closed, "properties": {"a": {}}}),
                (True, {**closed, "properties": {"a": {"type": "array"}}}),
                (True, {**closed, "properties": {"a": {"anyOf": [closed, {"type": "string", "minLength": 1}]}}}),
                (True, {**closed, "properties": {"a": {"type": "array", "items": {"type": "object"}}}}))]
        for members, code, param in cases:
            with self.subTest(members):
                self.assert_error(self.ask(**members), 400, code, param)
        for missing in ("model", "messages"):
            body = request_body()
            del body[missing]
            self.assertEqual(self.post(body).status, 400)
        self.assertEqual(self.ask("mock:strict=none", think=True).status, 200)

    def test_reasoning_models(self) -> None:
        self.assert_error(self.ask("mock:strict=reasoning", temperature=0.7), 400, "unsupported_value", "temperature")
        self.assert_error(self.ask("mock:strict=reasoning", max_tokens=9), 400, "unsupported_parameter", "max_tokens")
        self.assertEqual(self.ask("mock:strict=reasoning", temperature=1, max_completion_tokens=9).status, 200)

    def test_keys(self) -> None:
        body = json.dumps(request_body("mock:require_key=sk-right")).encode()
        self.assert_error(self.send("POST", PATH, body), 401, "invalid_api_key")
        self.assertEqual(self.send("POST", PATH, body, {"Authorization": "Bearer sk-right"}).status, 200)
        server = Server("--require-key", "sk-all")
        try:
            body = json.dumps(request_body()).encode()
            self.assertEqual(self.send("POST", PATH, body, server=server).status, 401)
            good = {"Authorization": "Bearer sk-all"}
            self.assertEqual(self.send("POST", PATH, body, good, server=server).status, 200)
            self.send("GET", "/__wait?completed=2", server=server)
            records = [json.loads(line) for line in server.journal.read_text().splitlines()]
            self.assertEqual([record["status"] for record in records], [401, 200])
            self.assertNotIn("sk-all", server.journal.read_text())
        finally:
            self.assertEqual(server.stop(signal.SIGINT), 0)


class Control(ModelServerTest):
    def test_journal(self) -> None:
        started = time.time() * 1000
        body = json.dumps(request_body("mock:chunks=3", "Find the käse")).encode()
        self.send("POST", PATH + "?x=1", body, {"Authorization": "Bearer sk-secret", "api-key": "k"})
        self.ask(task="Something else")
        first, second = self.journal()
        self.assertEqual((first["seq"], second["seq"]), (1, 2))
        self.assertEqual((first["method"], first["path"]), ("POST", PATH + "?x=1"))
        self.assertEqual(first["headers"]["authorization"],
                         "Bearer sha256:" + hashlib.sha256(b"sk-secret").hexdigest()[:16])
        self.assertEqual(first["headers"]["api-key"], "sha256:" + hashlib.sha256(b"k").hexdigest()[:16])
        self.assertEqual(first["body"], json.loads(body))
        self.assertEqual((first["scenario"], first["status"], first["events"]), ("mock:chunks=3", 200, 3))
        self.assertEqual((first["ended"], first["concurrency"]), ("completed", 1))
        self.assertTrue(started - 1 <= first["at_ms"] <= first["ended_ms"] <= time.time() * 1000 + 1)
        self.assertLessEqual(abs(first["mono_ms"] - time.monotonic() * 1000), 5000)
        self.assertEqual(self.journal("?since=1"), [second])
        self.assertEqual(self.journal("?contains=" + urllib.parse.quote("käse")), [first])
        self.assertEqual(self.control("/__count"), {"count": 2})
        self.assertEqual(self.control("/__count?contains=else"), {"count": 1})
        written = [json.loads(line) for line in self.server.journal.read_text().splitlines()]
        self.assertEqual(written[-2:], [first, second])

    def test_keep_alive_and_connections(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=10)
        with contextlib.closing(connection):
            for _ in range(3):
                connection.request("POST", PATH, json.dumps(request_body()))
                connection.getresponse().read()
            stats = self.control("/__stats")
            self.assertEqual((stats["requests"], stats["connections"], stats["open_connections"]), (3, 1, 1))
            self.assertEqual(len({record["connection"] for record in self.journal()}), 1)
        self.ask()
        self.assertEqual(self.control("/__stats")["connections"], 2)

    def test_unusual_requests(self) -> None:
        body = json.dumps(request_body()).encode()
        parts = (body[:10], body[10:])
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=10)
        with contextlib.closing(connection):
            connection.request("POST", PATH, iter(parts), encode_chunked=True, headers={"Transfer-Encoding": "chunked"})
            self.assertEqual(connection.getresponse().status, 200)
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=10) as sock:
            sock.sendall(b"POST %s HTTP/1.0\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n"
                         % (PATH.encode(), len(body)))
            self.assertIn(b"100 Continue", sock.recv(1000))
            sock.sendall(body)
            data = read_all(sock)
            self.assertTrue(data.startswith(b"HTTP/1.1 200") and data.endswith(b"data: [DONE]\n\n"), data[-30:])
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=10) as sock:
            sock.sendall(b"nonsense\r\n\r\n")
            self.assertIn(b"400", read_all(sock))

    def test_wait(self) -> None:
        self.assertEqual(self.send("GET", "/__wait?requests=1&timeout=0.05").status, 408)
        timer = threading.Timer(0.1, self.ask, ("mock:latency=100",))
        timer.start()
        self.assertEqual(self.control("/__wait?in_flight=1")["in_flight"], 1)
        self.assertEqual(self.control("/__wait?idle=1&requests=1")["completed"], 1)
        timer.join()
        self.ask(task="Count me")
        self.assertEqual(self.control("/__wait?completed=1&contains=Count+me")["requests"], 1)
        self.assertEqual(self.send("GET", "/__wait?requests=x").status, 400)
        self.assertEqual(self.send("GET", "/__unknown").status, 404)

    def test_reset_forgets_what_is_in_flight(self) -> None:
        with self.raw("mock:stall=0") as sock:
            self.control("/__wait?in_flight=1")
            self.control("/__reset", "POST")
            self.assertEqual(self.control("/__stats")["in_flight"], 0)
            sock.shutdown(socket.SHUT_WR)
            read_all(sock)
        self.ask()
        stats = self.control("/__stats")
        self.assertEqual((stats["requests"], stats["completed"], stats["client_closed"]), (1, 1, 0))

    def test_many_slow_streams(self) -> None:
        """The server's own limit is far higher; the number keeps this test fast."""
        asyncio.run(self.many_streams())
        stats = self.control("/__wait?idle=1")
        self.assertEqual((stats["requests"], stats["max_in_flight"], stats["completed"]), (MANY, MANY, MANY))

    async def many_streams(self) -> None:
        body = json.dumps(request_body("mock:latency=1500,chunks=3,chunk_delay=100")).encode()
        request = b"POST %s HTTP/1.1\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (
            PATH.encode(), len(body), body)

        async def one() -> None:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
            writer.write(request)
            self.assertTrue((await reader.read()).endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n"))
            writer.close()

        await asyncio.gather(*(one() for _ in range(MANY)))


def setUpModule() -> None:
    """Many streams need many descriptors, on both sides."""
    _, hard_limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard_limit, hard_limit))


def load_tests(loader: unittest.TestLoader, tests: Any, pattern: str | None) -> unittest.TestSuite:
    """Leaves out the base class, which has no tests of its own."""
    return unittest.TestSuite(loader.loadTestsFromTestCase(case) for case in (Answers, Form, Faults, Checks, Control))


if __name__ == "__main__":
    unittest.main()
