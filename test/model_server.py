#!/usr/bin/python3
"""A model API for tests: it says what the test told it to say, and fails as it was told to fail.

    /usr/bin/python3 test/model_server.py --port 0 --port-file FILE [--host 127.0.0.1]
                                          [--journal FILE] [--require-key KEY] [--tls FOLDER] [--tls-max 1.1]

It listens, writes its port into FILE (atomically, once it accepts), and ends on SIGTERM or SIGINT.  One
process, one event loop, thousands of slow streams.  With --tls it listens on a second port, too, which is
FILE's second line: there it speaks TLS, as NAME to whoever asks for NAME where FOLDER/NAME.pem has that
name's certificates and key, and else as "default".  --tls-max bounds the version of TLS.

The story of a request: Connection cuts HTTP requests out of the bytes.  Exchange answers one of them: its
Dialect reads the body, the Scenario is taken from the request, compose() makes an Answer of it, and the
Exchange plays the Answer through the Dialect's rendering, with the scenario's pauses and faults, into a
Reply.  The Journal keeps a Record of each, and Control shows the records.  Scenarios and answers
(model_answers/compose.py) and faults (Exchange) belong to all dialects; a new dialect is one subclass of
Dialect (model_answers/dialects.py), added to DIALECTS (model_answers/vendors.py).

Dialects, all streamed or not, all with the same scenarios and faults, each with its own API's checks and
error bodies: OpenAI Chat Completions, POST {any prefix}/chat/completions; OpenAI Responses, POST
{any prefix}/responses; Azure OpenAI, .../openai/deployments/NAME/chat/completions?api-version=DATE and
.../openai/v1/chat/completions; Anthropic Messages, .../v1/messages; Google Gemini,
.../v1beta/models/NAME:streamGenerateContent?alt=sse and :generateContent; Ollama, .../api/chat.  Where an
API wants to be asked for thoughts, there are none unless the request does so.

Scenarios
---------
In the model's name after a colon, and in lines of the last user message; these override the name:

    "model": "mock:latency=1000,chunks=25"
    @mock status=429 retry_after=2 times=1

Values are URL-decoded ("+" is a space), and {key} in one of them is the key that the request was sent with,
{escaped_key} that key as a JSON string may have it (\\/, \\u002b), {headers} all headers of the request.  An unknown key is answered with 400, an item without "=" is
ignored.  The name before the colon is free, but for "no-such-model" (404) and "demo" (below).

Time, in milliseconds
    latency=MS          before the head                 first_byte=MS    between the head and the first byte
    chunk_delay=MS      before each content event       reasoning_delay=MS  before each thought (chunk_delay)
    keep_alive=MS       a comment so often in every pause after the head, also while stalled
    gate=NAME           the end of a stream is held back until POST /__open?gate=NAME
Answer
    text=TEXT           the answer                      answer=NAME      model_answers/NAME.md and its usage
    play=NAME           the scene of model_answers/plays/NAME that the task has come to (see compose.py); scenes
                        of the same words follow each other with the requests of the same key=NAME
    size=BYTES          so many bytes                   tokens=N         so many tokens of four bytes
    chunks=N            content events (5)              thoughts=1       with answer= or play=: also its thoughts
    reasoning=N         so many thoughts                reasoning_text=TEXT  their text (in N pieces, 3)
    reasoning_field=reasoning_content|reasoning|thinking
    think=1             the thoughts go into a <think> section of the content instead
    progress=N          N lines "[[progress]] ..." within the content, outside fenced code
    usage=none|last|chunk   without it: a chunk when stream_options.include_usage asks for it
    input_tokens=N cached_tokens=N output_tokens=N reasoning_tokens=N   (default: a quarter of the bytes)
    finish=stop|length|content_filter|tool_calls|none   none: no finish reason is ever sent
    tool=NAME arguments=JSON   what finish=tool_calls calls, until the messages hold a tool's result
    refusal=TEXT        a refusal instead of an answer
    A response_format of json_schema or json_object gets a JSON answer, unless there is a text=: each member is
    taken from the answer's section of that name, where it has one (the text or the code in it, its number, its
    word of an enum, its lines of a list).
Form of the stream
    eol=lf|crlf|cr      line ends                       multiline=1      JSON over several data lines
    bom=1               byte-order mark                 comments=1       a comment before each event
    done=0              no [DONE]                       split=N          written in pieces of N bytes
    unknown=N           N events that no client can know, at the start and before the end
    headers=N           junk headers                    ratelimit=LIMIT/REMAINING/RESET   in the headers
    ids=TEXT            the ids of request and response, and the model that answered
Faults
    status=N code= type= message=      an error response, with the vendor's words unless given
    retry_after=VALUE   as it is, or date:SECONDS for an HTTP date so far ahead
    retry_after_ms=MS   should_retry=true|false         headers of any response while the fault lasts
    html=1              an HTML page as the body        empty=1          no body at all
    body=TEXT           this body, as it is; with status= it is an error's
    redirect=URL        302, or the status given
    raw=TEXT            these bytes instead of a response, then the connection is closed
    late=TEXT           these bytes when a response has ended, which nobody has asked for
    early=N             N heads of status 103 before the head
    head_line=BYTES     a header line of that length    head_every=MS    a header line so often, without end
    bomb=gzip|deflate|br|transfer    half a gigabyte of zeros in half a megabyte, so encoded
    cut_head=1          close before the head           cut=N            close after N content events
    cut_with=fin|rst    how to close (fin)              stall=N          nothing more after N events
    error_at=N          an error event after N events, then the end of the stream
    error_style=event|member|string|numeric             its form: "event: error", or data with "error"
    bad_json=N          N events of broken JSON         garbage=SEED     a 200 answer of random bytes
    bad_utf8=1          invalid bytes in the text       nul=1            \\u0000 and lone surrogates in it
    oversize=BYTES      an answer of that size, in events of 64 kB, without pauses
    long_line=BYTES     one event with so long a text
    A number beyond the answer's events means: after the last of them, before the finish.
    times=N             the faults above hit only the first N requests of the same key=NAME (default: the
                        whole scenario as written); later ones are answered as if without them
Checks, as the real API makes them (400 and its error body)
    require_key=KEY     401 unless this key is sent; --require-key demands one of all requests
    strict=reasoning    refuse temperature, top_p and max_tokens as reasoning models do
    strict=none         no checks: any member passes, as with many compatible servers
Demo
    model "demo" or "demo:speed=F" picks a scene of the play "feature" if one fits the task, else architect,
    builder, validator or scribe from model_answers/ by the first telling word of the task; thinks for 6/F
    seconds and answers for 4/F; speed=0: without pauses.

Control
-------
    GET  /__journal?since=SEQ&contains=TEXT   JSON lines, oldest first; ended is null while in flight
    GET  /__count?contains=TEXT               {"count": N} of requests whose body holds TEXT
    GET  /__stats                             requests, in_flight, max_in_flight, completed, ...
    GET  /__wait?in_flight=N&requests=N&completed=N&client_closed=N&idle=1&timeout=SECONDS&contains=TEXT
         answers the stats as soon as all of them hold; 408 after the timeout (10 s).  requests, completed,
         client_closed and in_flight mean "at least"; with contains they count matching requests only
    POST /__open?gate=NAME                    let streams with gate=NAME end, also later ones
    POST /__reset                             forget records, counts, times=, scenes played and open gates

Records: seq, connection (number), sni (the name that was asked for by TLS), at_ms and ended_ms (wall), mono_ms and ended_mono_ms (CLOCK_MONOTONIC),
method, path, headers, body, scenario, concurrency (with it, at arrival), status, thoughts and events sent,
ended: completed, client_closed, cut, stopped (with the server) or failed (a bug in it).  Keys in headers
appear as "sha256:" and the first 16 hex digits of the key's digest.  The last 100,000 records are kept;
--journal appends each one as it ends.
"""
from __future__ import annotations

import argparse
import asyncio
import codecs
import collections
import dataclasses
import email.utils
import hashlib
import http
import json
import os
import pathlib
import random
import resource
import signal
import socket
import ssl
import struct
import sys
import time
import traceback
import zlib
from typing import Any

sys.dont_write_bytecode = True  # leave no __pycache__ in the source tree
from model_answers.compose import Answer, ApiError, Call, Scenario, Scene, compose, scenes_for  # noqa: E402
from model_answers.dialects import Dialect, Frame, Request, to_json  # noqa: E402
from model_answers.vendors import DIALECTS  # noqa: E402

BACKLOG = 4096
MAX_HEAD = 256 * 1024
MAX_BODY = 256 * 1024 * 1024
RECORDS_KEPT = 100_000
FOREVER_MS = 86_400_000
LATE_MS = 100
BOMB_MEGABYTES = 512
KEY_HEADERS = ("authorization", "api-key", "x-api-key", "x-goog-api-key")
HTML_PAGE = b"<html><head><title>Error</title></head><body><h1>The upstream server is unhappy</h1></body></html>\n"


def key_digest(value: str) -> str:
    """The key replaced by its digest; the scheme before it ("Bearer") stays readable."""
    scheme, _, key = value.rpartition(" ")
    digest = "sha256:" + hashlib.sha256(key.encode()).hexdigest()[:16]
    return f"{scheme} {digest}" if scheme else digest


def bomb(encoding: str) -> bytes:
    """Half a gigabyte of zeros, compressed: one megabyte again and again, whatever the checksum says of it."""
    if encoding == "br":
        return b"\x5b\xff\xff\x03" + bytes(1024)
    packer = zlib.compressobj(9, zlib.DEFLATED, 15 if encoding == "deflate" else 31)
    zeros = bytes(1 << 20)
    first, again = (packer.compress(zeros) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return first + again * (BOMB_MEGABYTES - 1) + packer.flush()


# ---- HTTP -----------------------------------------------------------------------------------------------

def take_request(buffer: bytearray) -> Request | None:
    """Cuts the first complete request out of the buffer; None while it is incomplete."""
    end = buffer.find(b"\r\n\r\n")
    if buffer and not chr(buffer[0]).isalpha():
        raise ValueError("no request of HTTP")
    if end < 0:
        if len(buffer) > MAX_HEAD:
            raise ValueError("the request's head is too long")
        return None
    lines = bytes(buffer[:end]).decode("latin-1").split("\r\n")
    method, target, version = lines[0].split(" ")
    headers = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon:
            raise ValueError("a header line without a colon")
        headers[name.lower()] = value.strip()
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body, used = take_chunks(buffer, end + 4)
    else:
        used = end + 4 + int(headers.get("content-length", 0))
        body = bytes(buffer[end + 4:used]) if used <= len(buffer) else None
    if used > MAX_BODY:
        raise ValueError("the request is too long")
    if body is None:
        return None
    del buffer[:used]
    return Request(method, target, version, headers, body)


def take_chunks(buffer: bytearray, position: int) -> tuple[bytes | None, int]:
    """A chunked body and where it ends; None while it is incomplete."""
    parts = []
    while True:
        line_end = buffer.find(b"\r\n", position)
        if line_end < 0:
            return None, position
        size = int(bytes(buffer[position:line_end]).partition(b";")[0], 16)
        position = line_end + 2 + size + 2
        if position > len(buffer):
            return None, position
        if size == 0:
            return b"".join(parts), position
        parts.append(bytes(buffer[line_end + 2:line_end + 2 + size]))


class Connection(asyncio.Protocol):
    """One TCP connection: hands over its requests one after the other, and cancels what a client left."""
    transport: asyncio.Transport

    def __init__(self, server: ModelServer) -> None:
        self.server = server
        self.buffer = bytearray()
        self.task: asyncio.Task[None] | None = None
        self.client_closed = False
        self.continued = False
        self.number = 0                 # given with its first model request
        self.generation = -1            # of the journal that has counted it
        self.writable = asyncio.Event()
        self.writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.sni = getattr(transport.get_extra_info("ssl_object"), "name_asked_for", None)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if self.task is None:
            self.next_request()

    def next_request(self) -> None:
        try:
            request = take_request(self.buffer)
        except ValueError:
            self.transport.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            self.transport.close()
            return
        if request is None:
            self.invite_body()
            return
        self.continued = False
        self.task = asyncio.get_running_loop().create_task(self.answer(request))

    def invite_body(self) -> None:
        """Answers "Expect: 100-continue", which libcurl sends with long bodies."""
        head, complete, _ = self.buffer.partition(b"\r\n\r\n")
        if complete and not self.continued and b"100-continue" in head.lower():
            self.continued = True
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    async def answer(self, request: Request) -> None:
        await self.server.handle(self, request)
        self.task = None
        if not request.keep_alive:
            self.transport.close()
        elif not self.transport.is_closing():
            self.next_request()

    def eof_received(self) -> None:
        self.leave()

    def connection_lost(self, exc: Exception | None) -> None:
        self.leave()
        self.server.journal.connection_ended(self)

    def leave(self) -> None:
        self.client_closed = True
        if self.task is not None:
            self.task.cancel()

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()

    async def write(self, data: bytes) -> None:
        self.transport.write(data)
        if not self.writable.is_set():
            await self.writable.wait()

    def cut(self, reset: bool) -> None:
        """Closes without a word: FIN after what was written, or RST."""
        if reset:
            sock = self.transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.close()


class Reply:
    """Writes one response: a body of known length, or one in chunks."""

    def __init__(self, connection: Connection, request: Request, piece: int) -> None:
        self.connection = connection
        self.keep_alive = request.keep_alive
        self.chunked = request.version == "HTTP/1.1"
        self.piece = piece              # split=: the most bytes written at once; 0: no limit

    async def start(self, status: int, headers: dict[str, str], length: int | None = None) -> None:
        if length is not None:
            self.chunked = False
            headers["Content-Length"] = str(length)
        elif self.chunked:
            headers.setdefault("Transfer-Encoding", "chunked")
        if not self.keep_alive:
            headers["Connection"] = "close"
        phrase = http.HTTPStatus(status).phrase if status in http.HTTPStatus._value2member_map_ else "Unknown"
        lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in headers.items())]
        await self.connection.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    async def write(self, data: bytes) -> None:
        if not self.piece:
            await self.connection.write(self.chunk(data))
            return
        for start in range(0, len(data), self.piece):
            await self.connection.write(self.chunk(data[start:start + self.piece]))
            await asyncio.sleep(0)

    def chunk(self, data: bytes) -> bytes:
        return b"%x\r\n%b\r\n" % (len(data), data) if self.chunked and data else data

    async def end(self) -> None:
        if self.chunked:
            await self.connection.write(b"0\r\n\r\n")


# ---- One request and its answer -------------------------------------------------------------------------

class Cut(Exception):
    """The scenario wants the connection closed now."""


class StreamEnded(Exception):
    """The stream is over before its regular end."""


class Exchange:
    """Answers one request as its scenario says."""

    def __init__(self, server: ModelServer, connection: Connection, request: Request, record: Record,
                 dialect: Dialect) -> None:
        self.server, self.connection, self.request = server, connection, request
        self.record, self.dialect = record, dialect
        self.scenario = Scenario()
        self.reply = Reply(connection, request, 0)

    async def run(self) -> str:
        """How it ended, for the record."""
        try:
            await self.answer()
        except ApiError as error:
            await self.refuse(error)
        except Cut:
            self.connection.cut(self.scenario.word("cut_with") == "rst")
            return "cut"
        if "late" in self.scenario:
            await asyncio.sleep(LATE_MS / 1000)
            await self.connection.write(self.scenario.word("late").encode("latin-1"))
        return "completed"

    async def answer(self) -> None:
        call = self.dialect.read()
        written = Scenario.read(call.model, call.task)
        self.record.scenario = written.text
        scene = self.server.scene(written, call)
        asked = written.over(scene.values) if scene else written
        self.scenario = self.dialect.scenario = self.server.without_spent_faults(asked).quoting(
            self.dialect.key(), self.request.headers)
        self.reply.piece = self.scenario.count("split")
        await asyncio.sleep(self.scenario.number("latency") / 1000)
        if self.scenario.flag("cut_head"):
            raise Cut
        await self.precede()
        await self.demand_key()
        if await self.fault_instead_of_answer():
            return
        self.dialect.check()
        answer = compose(self.scenario, call, scene)
        await (self.stream(answer) if call.stream else self.whole(answer))

    async def demand_key(self) -> None:
        for key in (self.server.required_key, self.scenario.word("require_key")):
            if key and self.dialect.key() != key:
                raise self.dialect.wrong_key()

    async def precede(self) -> None:
        """What stands before a head, or in its place."""
        if "raw" in self.scenario:
            await self.connection.write(self.scenario.word("raw").encode("latin-1"))
            raise Cut
        for _ in range(self.scenario.count("early")):
            await self.connection.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        if "head_every" in self.scenario:
            await self.connection.write(b"HTTP/1.1 200 OK\r\n")
            while True:
                await asyncio.sleep(self.scenario.number("head_every") / 1000)
                await self.connection.write(b"X-Slow: 1\r\n")

    async def fault_instead_of_answer(self) -> bool:
        scenario = self.scenario
        if "bomb" in scenario:
            encoding = scenario.word("bomb")
            how = {"Transfer-Encoding": "gzip, chunked"} if encoding == "transfer" else {"Content-Encoding": encoding}
            data = bomb(encoding)
            self.record.status = 200
            await self.reply.start(200, {**self.headers(self.dialect.content_type), **how},
                                   None if encoding == "transfer" else len(data))
            await self.reply.write(data)
            await self.reply.end()
        elif "redirect" in scenario:
            await self.send(scenario.count("status", 302), "text/plain", b"", {"Location": scenario.word("redirect")})
        elif scenario.flag("empty") or scenario.flag("html"):
            page = b"" if scenario.flag("empty") else HTML_PAGE
            await self.send(scenario.count("status", 200), "text/html" if page else self.dialect.content_type, page)
        elif "body" in scenario:
            await self.send(scenario.count("status", 200), "application/json", scenario.word("body").encode())
        elif "status" in scenario:
            raise self.chosen_error(500)
        elif scenario.flag("garbage"):
            await self.send(200, self.dialect.content_type, random.Random(scenario.count("garbage")).randbytes(4096))
        else:
            return False
        return True

    def chosen_error(self, status: int) -> ApiError:
        scenario = self.scenario
        return ApiError(scenario.count("status", status), scenario.word("message") or None,
                        code=scenario.word("code") or None, kind=scenario.word("type") or None)

    async def refuse(self, error: ApiError) -> None:
        await self.send(error.status, "application/json", to_json(self.dialect.error_body(error)))

    async def send(self, status: int, content_type: str, body: bytes, extra: dict[str, str] | None = None) -> None:
        self.record.status = status
        await self.reply.start(status, {**self.headers(content_type), **(extra or {})}, len(body))
        await self.reply.write(body)

    def headers(self, content_type: str) -> dict[str, str]:
        scenario = self.scenario
        headers = {"Content-Type": content_type, **self.dialect.headers()}
        for name, key in (("retry-after-ms", "retry_after_ms"), ("x-should-retry", "should_retry")):
            if key in scenario:
                headers[name] = scenario.word(key)
        if "retry_after" in scenario:
            headers["Retry-After"] = self.retry_after(scenario.word("retry_after"))
        if "ratelimit" in scenario:
            headers |= self.dialect.limit_headers(*(scenario.word("ratelimit").split("/") + ["", ""])[:3])
        if "head_line" in scenario:
            headers["X-Long"] = "x" * scenario.count("head_line")
        headers |= {f"x-junk-{index}": "junk" * 8 for index in range(scenario.count("headers"))}
        return headers

    @staticmethod
    def retry_after(value: str) -> str:
        if value.startswith("date:"):
            return email.utils.formatdate(time.time() + float(value.removeprefix("date:")), usegmt=True)
        return value

    async def whole(self, answer: Answer) -> None:
        """A response in one JSON body; it takes as long as the stream would have taken."""
        scenario = self.scenario
        await asyncio.sleep((scenario.number("first_byte") + answer.duration()) / 1000)
        body = to_json(self.dialect.whole(answer))
        if scenario.flag("bad_json"):
            body = body[:-len(body) // 3]
        if "cut" not in scenario and "stall" not in scenario:
            await self.send(200, "application/json", body)
            return
        self.record.status = 200
        await self.reply.start(200, self.headers("application/json"), len(body))
        await self.reply.write(body[:len(body) // 2])
        if "cut" in scenario:
            raise Cut
        await self.pause(FOREVER_MS)

    async def stream(self, answer: Answer) -> None:
        self.record.status = 200
        await self.reply.start(200, self.headers(self.dialect.content_type))
        try:
            await self.play(answer)
        except StreamEnded:
            pass
        await self.reply.end()

    async def play(self, answer: Answer) -> None:
        dialect = self.dialect
        faults = self.faults_by_place(len(answer.pieces))
        await self.pause(self.scenario.number("first_byte"))
        if self.scenario.flag("bom"):
            await self.reply.write(codecs.BOM_UTF8)
        unknown = [dialect.unknown()] * self.scenario.count("unknown")
        await self.write(dialect.opening(answer) + unknown)
        for pause, thought in answer.thoughts:
            await self.pause(pause)
            await self.write(dialect.thought(thought))
            self.record.thoughts += 1
        for place, piece in enumerate(answer.pieces):
            await self.strike(faults.get(place, ()))
            await self.pause(answer.pause)
            await self.write(dialect.text(piece))
            self.record.events += 1
        await self.strike(faults.get(len(answer.pieces), ()))
        if "gate" in self.scenario:
            await self.server.gate(self.scenario.word("gate")).wait()
        await self.write(unknown + dialect.closing(answer))

    def faults_by_place(self, last: int) -> dict[int, list[str]]:
        """Which faults come after how many content events."""
        places: dict[int, list[str]] = collections.defaultdict(list)
        if self.scenario.flag("bad_json"):
            places[min(1, last)].append("bad_json")
        for fault in ("error_at", "stall", "cut"):
            if fault in self.scenario:
                places[min(self.scenario.count(fault), last)].append(fault)
        return places

    async def strike(self, faults: list[str] | tuple[()]) -> None:
        for fault in faults:
            if fault == "bad_json":
                await self.write([Frame(self.dialect.broken())] * self.scenario.count("bad_json"))
            elif fault == "error_at":
                style = self.scenario.word("error_style", "event")
                await self.write([self.dialect.stream_error(self.chosen_error(502), style)])
                raise StreamEnded
            elif fault == "stall":
                await self.pause(FOREVER_MS)
            else:
                raise Cut

    async def write(self, frames: list[Frame]) -> None:
        comment = self.dialect.comment() if self.scenario.flag("comments") else b""
        await self.reply.write(b"".join(comment + self.dialect.encode(frame) for frame in frames))

    async def pause(self, milliseconds: float) -> None:
        """Waits, with comments every so often if the scenario wants the connection kept busy."""
        every = self.scenario.number("keep_alive")
        while every and milliseconds > every:
            await asyncio.sleep(every / 1000)
            await self.reply.write(self.dialect.comment())
            milliseconds -= every
        await asyncio.sleep(milliseconds / 1000)


# ---- The journal and its control endpoints --------------------------------------------------------------

@dataclasses.dataclass(eq=False)
class Record:
    """What is known of one request."""
    seq: int
    connection: int
    concurrency: int
    request: Request
    sni: str | None
    at: float = dataclasses.field(default_factory=time.time)
    mono: float = dataclasses.field(default_factory=time.monotonic)
    scenario: str = ""
    status: int | None = None
    thoughts: int = 0
    events: int = 0
    ended: str | None = None
    ended_after: float = 0

    def end(self, how: str) -> None:
        self.ended = how
        self.ended_after = time.monotonic() - self.mono

    def contains(self, text: str) -> bool:
        return text.encode() in self.request.body or text in json.dumps(self.body(), ensure_ascii=False)

    def body(self) -> Any:
        try:
            return json.loads(self.request.body)
        except ValueError:
            return self.request.body.decode("utf-8", "replace")

    def as_json(self) -> bytes:
        headers = {name: key_digest(value) if name in KEY_HEADERS else value
                   for name, value in self.request.headers.items()}
        ended = {"ended_ms": round((self.at + self.ended_after) * 1000, 3),
                 "ended_mono_ms": round((self.mono + self.ended_after) * 1000, 3)} if self.ended else {}
        return to_json({
            "seq": self.seq, "connection": self.connection, "sni": self.sni, "at_ms": round(self.at * 1000, 3),
            "mono_ms": round(self.mono * 1000, 3), "method": self.request.method, "path": self.request.target,
            "headers": headers, "body": self.body(), "scenario": self.scenario, "concurrency": self.concurrency,
            "status": self.status, "thoughts": self.thoughts, "events": self.events, "ended": self.ended,
            **ended}) + b"\n"


class Journal:
    """The records, the counters over them, and those who wait for a change."""

    def __init__(self, path: str | None) -> None:
        self.file = open(path, "ab", buffering=0) if path else None
        self.changed = asyncio.Event()
        self.connection_numbers = 0
        self.open_connections = 0
        self.generation = -1            # resets so far
        self.reset()

    def reset(self) -> None:
        self.records: collections.deque[Record] = collections.deque(maxlen=RECORDS_KEPT)
        self.live: set[Record] = set()
        self.requests = 0
        self.max_in_flight = 0
        self.ended: collections.Counter[str] = collections.Counter()
        self.connections = 0
        self.generation += 1
        self.notify()

    def begin(self, connection: Connection, request: Request) -> Record:
        if not connection.number:
            self.open_connections += 1
            self.connection_numbers += 1
            connection.number = self.connection_numbers
        if connection.generation != self.generation:
            self.connections += 1
            connection.generation = self.generation
        self.requests += 1
        record = Record(self.requests, connection.number, len(self.live) + 1, request,
                        connection.sni)
        self.records.append(record)
        self.live.add(record)
        self.max_in_flight = max(self.max_in_flight, len(self.live))
        self.notify()
        return record

    def end(self, record: Record, how: str) -> None:
        record.end(how)
        if record in self.live:         # not forgotten by a reset
            self.live.remove(record)
            self.ended[how] += 1
        if self.file:
            self.file.write(record.as_json())
        self.notify()

    def connection_ended(self, connection: Connection) -> None:
        self.open_connections -= bool(connection.number)

    def notify(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()

    def matching(self, text: str) -> list[Record]:
        return [record for record in self.records if not text or record.contains(text)]

    def stats(self, text: str = "") -> dict[str, int]:
        if text:
            records = self.matching(text)
            ended = collections.Counter(record.ended for record in records)
            return {"requests": len(records), "in_flight": ended[None], "completed": ended["completed"],
                    "client_closed": ended["client_closed"], "cut": ended["cut"]}
        return {"requests": self.requests, "in_flight": len(self.live), "max_in_flight": self.max_in_flight,
                "completed": self.ended["completed"], "client_closed": self.ended["client_closed"],
                "cut": self.ended["cut"], "connections": self.connections,
                "open_connections": self.open_connections}


class Control:
    """The endpoints whose paths begin with /__."""

    def __init__(self, server: ModelServer) -> None:
        self.server, self.journal = server, server.journal

    async def answer(self, request: Request) -> tuple[int, bytes]:
        query = request.query
        text = query.get("contains", "")
        if request.path == "/__journal":
            since = int(query.get("since", 0))
            return 200, b"".join(record.as_json() for record in self.journal.matching(text) if record.seq > since)
        if request.path == "/__count":
            return 200, to_json({"count": len(self.journal.matching(text)) if text else self.journal.requests})
        if request.path == "/__stats":
            return 200, to_json(self.journal.stats(text))
        if request.path == "/__wait":
            return await self.wait(query, text)
        if request.path == "/__open" and request.method == "POST":
            self.server.gate(query.get("gate", "")).set()
            return 200, b"{}"
        if request.path == "/__reset" and request.method == "POST":
            self.server.forget()
            return 200, b"{}"
        return 404, to_json({"error": f"no such control endpoint: {request.method} {request.path}"})

    async def wait(self, query: dict[str, str], text: str) -> tuple[int, bytes]:
        least = {name: int(query[name]) for name in ("in_flight", "requests", "completed", "client_closed")
                 if name in query}
        idle = query.get("idle", "0") != "0"
        deadline = time.monotonic() + float(query.get("timeout", 10))
        while True:
            changed = self.journal.changed
            stats = self.journal.stats(text)
            if all(stats[name] >= number for name, number in least.items()) and not (idle and stats["in_flight"]):
                return 200, to_json(stats)
            try:
                await asyncio.wait_for(changed.wait(), max(0, deadline - time.monotonic()))
            except asyncio.TimeoutError:
                return 408, to_json(stats)


# ---- The server -----------------------------------------------------------------------------------------

class ModelServer:
    def __init__(self, journal_path: str | None = None, required_key: str = "") -> None:
        self.journal = Journal(journal_path)
        self.control = Control(self)
        self.required_key = required_key
        self.uses: collections.Counter[str] = collections.Counter()
        self.gates: dict[str, asyncio.Event] = {}
        self.played: collections.Counter[tuple[str, str]] = collections.Counter()

    def gate(self, name: str) -> asyncio.Event:
        return self.gates.setdefault(name, asyncio.Event())

    def forget(self) -> None:
        self.uses.clear()
        self.gates = {name: gate for name, gate in self.gates.items() if not gate.is_set()}
        self.played.clear()
        self.journal.reset()

    def scene(self, scenario: Scenario, call: Call) -> Scene | None:
        """The scene of its play that this request has come to, counting it; None where no play speaks."""
        scenes = scenes_for(scenario, call)
        if not scenes:
            return None
        place = (scenario.word("key", scenario.word("play")), scenes[0].words)
        self.played[place] += 1
        return scenes[min(self.played[place], len(scenes)) - 1]

    def without_spent_faults(self, scenario: Scenario) -> Scenario:
        """Counts a use of a scenario with times=, and takes its faults away once they are used up."""
        if "times" not in scenario:
            return scenario
        key = scenario.word("key", scenario.text)
        self.uses[key] += 1
        return scenario.without_faults() if self.uses[key] > scenario.count("times") else scenario

    async def handle(self, connection: Connection, request: Request) -> None:
        if request.path.startswith("/__"):
            await self.handle_control(connection, request)
            return
        record = self.journal.begin(connection, request)
        how = "stopped"
        try:
            how = await self.handle_model(connection, request, record)
        except asyncio.CancelledError:
            if connection.client_closed:
                how = "client_closed"
            raise
        except Exception:
            how = "failed"
            traceback.print_exc()
            connection.transport.abort()
        finally:
            self.journal.end(record, how)

    async def handle_model(self, connection: Connection, request: Request, record: Record) -> str:
        for dialect in DIALECTS:
            if dialect.claims(request):
                return await Exchange(self, connection, request, record, dialect(request, record.seq)).run()
        record.status = 404
        message = f"Invalid URL ({request.method} {request.path})"
        await self.send_json(connection, request, 404, to_json({"error": {
            "message": message, "type": "invalid_request_error", "param": None, "code": None}}))
        return "completed"

    async def handle_control(self, connection: Connection, request: Request) -> None:
        try:
            status, body = await self.control.answer(request)
        except ValueError as error:
            status, body = 400, to_json({"error": str(error)})
        await self.send_json(connection, request, status, body)

    @staticmethod
    async def send_json(connection: Connection, request: Request, status: int, body: bytes) -> None:
        reply = Reply(connection, request, 0)
        await reply.start(status, {"Content-Type": "application/json"}, len(body))
        await reply.write(body)


def raise_file_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def write_atomically(path: str, text: str) -> None:
    temporary = f"{path}.{os.getpid()}"
    with open(temporary, "w", encoding="ascii") as file:
        file.write(text)
    os.replace(temporary, path)


def tls_context(file: pathlib.Path, newest: str | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if newest:
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion[f"TLSv{newest.replace('.', '_')}"]
    context.load_cert_chain(file)
    return context


def tls_by_name(folder: str, newest: str | None) -> ssl.SSLContext:
    """A context that shows the certificate of the name that it is asked for."""
    contexts = {file.stem: tls_context(file, newest) for file in pathlib.Path(folder).glob("*.pem")}

    def choose(connection: Any, name: str | None, _: ssl.SSLContext) -> None:
        connection.name_asked_for = name
        connection.context = contexts.get(name or "default", contexts["default"])

    contexts["default"].sni_callback = choose
    return contexts["default"]


async def serve(options: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    server = ModelServer(options.journal, options.require_key)
    contexts = [None] + ([tls_by_name(options.tls, options.tls_max)] if options.tls else [])
    listeners = [await loop.create_server(lambda: Connection(server), options.host, options.port if context is None else 0,
                                          backlog=BACKLOG, ssl=context) for context in contexts]
    ports = [listener.sockets[0].getsockname()[1] for listener in listeners]
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if options.port_file:
        write_atomically(options.port_file, "".join(f"{port}\n" for port in ports))
    else:
        print(f"listening on {options.host}:{ports[0]}", flush=True)
    await stop.wait()
    for listener in listeners:
        listener.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    parser.add_argument("--port-file", help="where to write the port, once it accepts connections")
    parser.add_argument("--journal", help="append each request's record here as it ends")
    parser.add_argument("--require-key", default="", help="answer 401 unless this key is sent")
    parser.add_argument("--tls", metavar="FOLDER", help="speak TLS on a second port, by the certificates NAME.pem there")
    parser.add_argument("--tls-max", metavar="1.1", help="the newest version of TLS to speak")
    raise_file_limit()
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
