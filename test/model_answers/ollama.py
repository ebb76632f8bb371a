"""Ollama's chat API: a JSON object a line, the last of which says done."""
from __future__ import annotations

from typing import Any, Iterator

from .compose import Answer, ApiError, Call
from .dialects import Dialect, Frame, Request, to_json

ROLES = frozenset("system user assistant tool".split())


class OllamaChat(Dialect):
    """Unknown members are ignored, as the real server does."""
    content_type = "application/x-ndjson"
    messages = {401: "unauthorized", 403: "forbidden", 404: "model not found", 429: "too many requests",
                500: "model runner has unexpectedly stopped", 503: "server busy, please try again.  "
                "maximum pending requests exceeded"}

    @classmethod
    def claims(cls, request: Request) -> bool:
        return request.method == "POST" and request.path.endswith("/api/chat")

    def headers(self) -> dict[str, str]:
        return {}

    def limit_headers(self, limit: str, remaining: str, reset: str) -> dict[str, str]:
        return {}

    def read(self) -> Call:
        body = self.parse()
        messages = self.objects("messages")
        user = [message for message in messages if message.get("role") == "user"]
        tools = [tool.get("function", {}).get("name", "") for tool in self.objects("tools")]
        wanted = body.get("format")
        self.call = Call(
            model=str(body.get("model", "")), task=str(user[-1].get("content", "")) if user else "",
            stream=body.get("stream", True) is not False, include_usage=True,
            input_size=sum(len(str(message.get("content", ""))) for message in messages),
            json_schema={"properties": {"answer": {"type": "string"}}} if wanted == "json"
            else wanted if isinstance(wanted, dict) else None,
            first_tool=tools[0] if tools else "",
            tool_answered=any(message.get("role") == "tool" for message in messages))
        return self.call

    def problems(self) -> Iterator[ApiError]:
        body = self.body
        if not isinstance(body.get("model"), str) or not body["model"]:
            yield ApiError(400, "model is required")
        for message in self.objects("messages"):
            if message.get("role") not in ROLES:
                yield ApiError(400, f"invalid role: {message.get('role')}")
            if not isinstance(message.get("content", ""), str):
                yield ApiError(400, "json: cannot unmarshal into Go struct field Message.content of type string")
        if body.get("think") not in (None, True, False, "low", "medium", "high"):
            yield ApiError(400, f"invalid think value: {body['think']!r}")
        if body.get("format") not in (None, "", "json") and not isinstance(body["format"], dict):
            yield ApiError(400, "invalid format: expected \"json\" or a JSON schema")
        options = body.get("options")
        if options is not None and not isinstance(options, dict):
            yield ApiError(400, "json: cannot unmarshal into Go struct field ChatRequest.options")
        elif options:
            yield from self.out_of_range(options, ("temperature", 0, 1e9), ("top_p", 0, 1), ("num_predict", -2, 1e9))

    def error_body(self, error: ApiError) -> Any:
        return {"error": error.message or self.messages.get(error.status, "the request failed")}

    def stream_error(self, error: ApiError, style: str) -> Frame:
        return Frame(self.error_body(error))

    def unknown(self) -> Frame:
        return Frame({"future": {"content": "no", "done": [True, {"n": None}]}})

    def line(self, message: dict[str, Any], done: bool = False, **members: Any) -> dict[str, Any]:
        return {"model": self.named(self.call.model), "created_at": "2026-01-01T00:00:00.000000Z",
                "message": {"role": "assistant", **message}, "done": done, **members}

    def thinks(self) -> bool:
        return bool(self.body.get("think"))

    def thought(self, text: str) -> list[Frame]:
        return [Frame(self.line({"content": "", "thinking": text}))] if self.thinks() else []

    def text(self, text: str) -> list[Frame]:
        return [Frame(self.line({"content": text}))]

    def ending(self, answer: Answer) -> dict[str, Any]:
        members: dict[str, Any] = {"total_duration": 5_000_000, "load_duration": 1_000_000}
        if answer.finish != "none":
            members["done_reason"] = "length" if answer.finish == "length" else "stop"
        if self.scenario.word("usage") != "none":
            members |= {"prompt_eval_count": answer.usage.input, "eval_count": answer.usage.output}
        return members

    def closing(self, answer: Answer) -> list[Frame]:
        frames = self.text(answer.refusal) if answer.refusal else []
        if answer.tool:
            frames.append(Frame(self.line({"content": "", "tool_calls": [
                {"function": {"name": answer.tool[0], "arguments": {}}}]})))
        if self.scenario.flag("done", True):
            frames.append(Frame(self.line({"content": ""}, True, **self.ending(answer))))
        return frames

    def whole(self, answer: Answer) -> Any:
        message: dict[str, Any] = {"content": "".join(answer.pieces) or answer.refusal}
        if answer.thoughts and self.thinks():
            message["thinking"] = "".join(text for _, text in answer.thoughts)
        if answer.tool:
            message["tool_calls"] = [{"function": {"name": answer.tool[0], "arguments": {}}}]
        return self.line(message, True, **self.ending(answer))

    def broken(self) -> str:
        return '{"model":"broken","message":{"content":"unfini'

    def encode(self, frame: Frame) -> bytes:
        """A line; there are no names of events, and no line end within a document."""
        eol = b"\r\n" if self.scenario.word("eol") == "crlf" else b"\n"
        return (frame.data.encode() if isinstance(frame.data, str) else to_json(frame.data)) + eol

    def comment(self) -> bytes:
        return b"\n"
