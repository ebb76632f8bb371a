"""How the vendors' APIs read a request and write a response: what all dialects share, and OpenAI's first one.

A dialect turns a request body into a Call, judges it as the real API would, and renders an Answer: as the
frames of a stream, as one JSON body, or as an error.  It knows nothing of sockets, pauses or faults.  The
others have a file each; vendors.py lists them all.
"""
from __future__ import annotations

import codecs
import dataclasses
import json
import re
import time
import urllib.parse
from typing import Any, Iterator

from .compose import Answer, ApiError, Call, Scenario, Usage


@dataclasses.dataclass
class Request:
    method: str
    target: str
    version: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        return dict(urllib.parse.parse_qsl(self.target.partition("?")[2], keep_blank_values=True))

    @property
    def keep_alive(self) -> bool:
        return self.version == "HTTP/1.1" and self.headers.get("connection", "").lower() != "close"


def encode_oddities(error: UnicodeError) -> tuple[bytes, int]:
    """U+DC80 to U+DCFF stand for raw bytes, as in surrogateescape; other surrogates become \\u escapes."""
    assert isinstance(error, UnicodeEncodeError)
    codes = [ord(char) for char in error.object[error.start:error.end]]
    return b"".join(bytes([code - 0xDC00]) if 0xDC80 <= code <= 0xDCFF else b"\\u%04x" % code
                    for code in codes), error.end


codecs.register_error("oddities", encode_oddities)


COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
INDENTED = json.JSONEncoder(ensure_ascii=False, indent=1)


def to_json(value: Any, encoder: json.JSONEncoder = COMPACT) -> bytes:
    return encoder.encode(value).encode("utf-8", "oddities")


@dataclasses.dataclass
class Frame:
    """One event of a stream: its name, if it has one, and a JSON value or raw text."""
    data: Any
    event: str = ""


def strict_fault(schema: Any, where: tuple[str, ...] = ()) -> str | None:
    """What OpenAI has against a schema with "strict": true, in its words; None: nothing."""
    context = f"In context={where!r}, "
    if not isinstance(schema, dict):
        return context + "schema must be an object."
    if not {"type", "anyOf", "$ref"} & set(schema):
        return context + "schema must have a 'type' key."
    for word in ("oneOf", "allOf", "not", "if", "default", "minLength", "uniqueItems", "dependentRequired"):
        if word in schema:
            return context + f"'{word}' is not permitted."
    properties = schema.get("properties", {})
    if "object" in schema.get("type", ()):
        if schema.get("additionalProperties") is not False:
            return context + "'additionalProperties' is required to be supplied and to be false."
        if set(schema.get("required", ())) != set(properties):
            return context + ("'required' is required to be supplied and to be an array including every key in "
                              "properties.")
    if schema.get("type") == "array" and "items" not in schema:
        return context + "array schema missing items."
    inner = [(("properties", name), value) for name, value in properties.items()]
    inner += [(("items",), schema["items"])] if "items" in schema else []
    inner += [(("anyOf", str(place)), value) for place, value in enumerate(schema.get("anyOf", ()))]
    inner += [(("$defs", name), value) for name, value in schema.get("$defs", {}).items()]
    return next((fault for name, value in inner if (fault := strict_fault(value, where + name))), None)


def schema_fault(schema: Any, strict: bool) -> str | None:
    kind = schema.get("type") if isinstance(schema, dict) else None
    if kind != "object":
        return f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{kind}\"'."
    return strict_fault(schema) if strict else None


class Dialect:
    """How one vendor's API reads a request and writes a response; made anew for each request."""
    content_type = "text/event-stream; charset=utf-8"
    default_words: dict[int, tuple[str, str | None, str]] = {}
    unknown_model_code: str | None = None

    def __init__(self, request: Request, sequence: int) -> None:
        self.request = request
        self.sequence = sequence
        self.body: dict[str, Any] = {}
        self.call = Call("")
        self.scenario = Scenario()

    @classmethod
    def claims(cls, request: Request) -> bool:
        raise NotImplementedError

    def read(self) -> Call:
        """Reads what compose() needs; must not judge yet, for the scenario decides what is checked."""
        raise NotImplementedError

    def parse(self) -> dict[str, Any]:
        try:
            self.body = json.loads(self.request.body)
        except ValueError:
            self.body = None
        if not isinstance(self.body, dict):
            raise ApiError(400, "We could not parse the JSON body of your request.")
        return self.body

    def objects(self, member: str) -> list[dict[str, Any]]:
        values = self.body.get(member)
        return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []

    def check(self) -> None:
        """Refuses what the real API refuses."""
        if self.call.model.partition(":")[0] == "no-such-model":
            raise ApiError(404, f"The model `{self.call.model}` does not exist or you do not have access to it.",
                           code=self.unknown_model_code)
        if self.scenario.word("strict") == "none":
            return
        for problem in self.problems():
            raise problem

    def problems(self) -> Iterator[ApiError]:
        """What the real API would refuse this request for."""
        raise NotImplementedError

    @staticmethod
    def refusal_of(member: str, message: str, code: str | None) -> ApiError:
        return ApiError(400, message, code=code, param=member)

    def unknown_members(self, values: dict[str, Any], known: frozenset[str], prefix: str = "") -> Iterator[ApiError]:
        for member in values:
            if member not in known:
                yield self.refusal_of(prefix + member, f"Unknown parameter: '{prefix}{member}'.", "unknown_parameter")

    def out_of_range(self, values: dict[str, Any], *bounds: tuple[str, float, float]) -> Iterator[ApiError]:
        """Members that are set, and are no numbers within their bounds."""
        for member, least, most in bounds:
            value = values.get(member)
            if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
                yield self.refusal_of(member, f"Invalid type for '{member}': expected a number.", "invalid_type")
            elif value is not None and not least <= value <= most:
                yield self.refusal_of(member, f"Invalid '{member}': expected a value between {least} and {most}, "
                                      f"but got {value} instead.", "invalid_value")

    def wrong_key(self) -> ApiError:
        return ApiError(401)

    def key(self) -> str:
        return self.request.headers.get("authorization", "").removeprefix("Bearer ")

    def headers(self) -> dict[str, str]:
        return {"x-request-id": self.named(f"req_{self.sequence}")}

    def named(self, own: str) -> str:
        """An id, or the model's name, unless the scenario has another for all of them."""
        return self.scenario.word("ids") or own

    def limit_headers(self, limit: str, remaining: str, reset: str) -> dict[str, str]:
        values = {"limit": limit, "remaining": remaining, "reset": reset}
        return {f"x-ratelimit-{name}-{what}": value
                for what in ("requests", "tokens") for name, value in values.items()}

    def error_body(self, error: ApiError) -> Any:
        raise NotImplementedError

    def stream_error(self, error: ApiError, style: str) -> Frame:
        raise NotImplementedError

    def opening(self, answer: Answer) -> list[Frame]:
        return []

    def thought(self, text: str) -> list[Frame]:
        raise NotImplementedError

    def text(self, text: str) -> list[Frame]:
        raise NotImplementedError

    def closing(self, answer: Answer) -> list[Frame]:
        """All that follows the text: refusal, tool calls, finish reason, usage, end mark."""
        raise NotImplementedError

    def broken(self) -> str:
        """An event whose JSON ends too early."""
        raise NotImplementedError

    def unknown(self) -> Frame:
        """An event as a later version of the API may send it."""
        return Frame({"type": "future_event", "delta": "no", "content": {"text": ["no", {"n": None}]}}, "future_event")

    def whole(self, answer: Answer) -> Any:
        raise NotImplementedError

    def encode(self, frame: Frame) -> bytes:
        """A server-sent event; a dialect with another framing overrides this."""
        eol = {"lf": b"\n", "crlf": b"\r\n", "cr": b"\r"}[self.scenario.word("eol", "lf")]
        if isinstance(frame.data, str):
            data = frame.data.encode()
        else:
            data = to_json(frame.data, INDENTED if self.scenario.flag("multiline") else COMPACT)
        lines = [b"event: " + frame.event.encode()] if frame.event else []
        lines += [b"data: " + line for line in data.split(b"\n")]
        return eol.join(lines) + eol + eol

    def comment(self) -> bytes:
        return self.encode(Frame("")).replace(b"data: ", b": keep-alive")


class OpenAIChat(Dialect):
    """OpenAI Chat Completions, and the servers compatible with it."""
    unknown_model_code = "model_not_found"
    members = frozenset(
        "messages model modalities verbosity reasoning_effort max_completion_tokens frequency_penalty "
        "presence_penalty web_search_options top_logprobs response_format audio store stream stop logit_bias "
        "logprobs max_tokens n prediction seed stream_options service_tier temperature top_p tools tool_choice "
        "parallel_tool_calls function_call functions metadata user safety_identifier prompt_cache_key "
        "prompt_cache_retention".split())
    roles = frozenset("developer system user assistant tool function".split())
    efforts = frozenset("none minimal low medium high xhigh max".split())
    default_words = {
        401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
        403: ("invalid_request_error", "unsupported_country_region_territory", "Not allowed to use this model."),
        404: ("invalid_request_error", "model_not_found", "The model does not exist or you do not have access."),
        429: ("requests", "rate_limit_exceeded", "Rate limit reached for requests per minute."),
        500: ("server_error", None, "The server had an error while processing your request. Sorry about that!"),
        502: ("server_error", None, "Bad gateway."),
        503: ("server_error", None, "The engine is currently overloaded, please try again later."),
        504: ("server_error", None, "The server timed out."),
        529: ("server_error", None, "Overloaded."),
    }

    @classmethod
    def claims(cls, request: Request) -> bool:
        return request.method == "POST" and request.path.endswith("/chat/completions")

    def read(self) -> Call:
        self.parse()
        messages = [message for message in self.objects("messages")]
        user = [message for message in messages if message.get("role") == "user"]
        tools = [tool.get("function", {}).get("name", "") for tool in self.objects("tools")]
        options = self.body.get("stream_options")
        self.call = Call(
            model=str(self.body.get("model", "")),
            task=self.content(user[-1]) if user else "",
            stream=self.body.get("stream") is True,
            include_usage=isinstance(options, dict) and options.get("include_usage") is True,
            input_size=sum(len(self.content(message)) for message in messages),
            json_schema=self.json_schema(),
            first_tool=tools[0] if tools else "",
            tool_answered=any(message.get("role") == "tool" for message in messages))
        return self.call

    @staticmethod
    def content(message: dict[str, Any]) -> str:
        content = message.get("content")
        if isinstance(content, list):
            return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
        return content if isinstance(content, str) else ""

    def json_schema(self) -> dict[str, Any] | None:
        wanted = self.body.get("response_format")
        kind = wanted.get("type") if isinstance(wanted, dict) else None
        if kind == "json_schema" and isinstance(wanted.get("json_schema"), dict):
            return wanted["json_schema"].get("schema", {})
        return {"properties": {"answer": {"type": "string"}}} if kind == "json_object" else None

    def problems(self) -> Iterator[ApiError]:
        body = self.body
        yield from self.unknown_members(body, self.members)
        if not isinstance(body.get("model"), str) or not body["model"]:
            yield ApiError(400, "you must provide a model parameter")
        yield from self.message_problems()
        yield from self.out_of_range(
            body, ("temperature", 0, 2), ("top_p", 0, 1), ("n", 1, 128), ("max_tokens", 1, 1e9),
            ("max_completion_tokens", 1, 1e9), ("presence_penalty", -2, 2), ("frequency_penalty", -2, 2))
        if {"max_tokens", "max_completion_tokens"} <= body.keys():
            yield self.refusal_of("max_tokens", "Setting 'max_tokens' and 'max_completion_tokens' at the same time "
                                  "is not supported.", "invalid_parameter_combination")
        if "stream_options" in body and not self.call.stream:
            yield self.refusal_of("stream_options", "The 'stream_options' parameter is only allowed when 'stream' "
                                  "is enabled.", "invalid_parameter_combination")
        if body.get("reasoning_effort") is not None and body["reasoning_effort"] not in self.efforts:
            yield self.refusal_of("reasoning_effort", "Invalid value for 'reasoning_effort'.", "invalid_value")
        if isinstance(body.get("stop"), list) and len(body["stop"]) > 4:
            yield self.refusal_of("stop", "Invalid 'stop': array too long.", "array_above_max_length")
        if isinstance(body.get("metadata"), dict) and len(body["metadata"]) > 16:
            yield self.refusal_of("metadata", "Invalid 'metadata': too many properties.",
                                  "object_above_max_properties")
        yield from self.format_problems()
        if self.scenario.word("strict") == "reasoning":
            yield from self.reasoning_problems()

    def message_problems(self) -> Iterator[ApiError]:
        messages = self.body.get("messages")
        if messages is None:
            yield self.refusal_of("messages", "Missing required parameter: 'messages'.", "missing_required_parameter")
        elif not isinstance(messages, list) or not messages:
            yield self.refusal_of("messages", "Invalid 'messages': expected a non-empty array.", "invalid_type")
        else:
            for index, message in enumerate(messages):
                if not isinstance(message, dict) or message.get("role") not in self.roles:
                    yield self.refusal_of(f"messages[{index}].role", "Invalid value for a message's role.",
                                          "invalid_value")
                elif not isinstance(message.get("content"), (str, list)) and message["role"] != "assistant":
                    yield self.refusal_of(f"messages[{index}].content", "Invalid type for a message's content: "
                                          "expected a string or an array.", "invalid_type")

    def format_problems(self) -> Iterator[ApiError]:
        wanted = self.body.get("response_format")
        if wanted is None:
            return
        kind = wanted.get("type") if isinstance(wanted, dict) else None
        if kind not in ("text", "json_object", "json_schema"):
            yield self.refusal_of("response_format", "Invalid value for 'response_format.type'.", "invalid_value")
        elif kind == "json_object" and "json" not in str(self.body.get("messages")).lower():
            yield self.refusal_of("messages", "'messages' must contain the word 'json' in some form, to use "
                                  "'response_format' of type 'json_object'.", None)
        elif kind == "json_schema":
            schema = wanted.get("json_schema")
            name = schema.get("name") if isinstance(schema, dict) else None
            if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name):
                yield self.refusal_of("response_format.json_schema.name", "Invalid 'name': expected letters, "
                                      "digits, underscores and hyphens, at most 64.", "invalid_value")
            elif fault := schema_fault(schema.get("schema", {}), schema.get("strict") is True):
                yield self.refusal_of("response_format", f"Invalid schema for response_format '{name}': {fault}", None)

    def reasoning_problems(self) -> Iterator[ApiError]:
        if self.body.get("temperature", 1) != 1 or self.body.get("top_p", 1) != 1:
            member = "temperature" if self.body.get("temperature", 1) != 1 else "top_p"
            yield self.refusal_of(member, f"Unsupported value: '{member}' does not support {self.body[member]} with "
                                  "this model. Only the default (1) value is supported.", "unsupported_value")
        if "max_tokens" in self.body:
            yield self.refusal_of("max_tokens", "Unsupported parameter: 'max_tokens' is not supported with this "
                                  "model. Use 'max_completion_tokens' instead.", "unsupported_parameter")

    def error_body(self, error: ApiError) -> Any:
        kind, code, message = self.default_words.get(
            error.status, ("invalid_request_error", None, "The request was refused."))
        return {"error": {"message": error.message or message, "type": error.kind or kind, "param": error.param,
                          "code": error.code or code}}

    def stream_error(self, error: ApiError, style: str) -> Frame:
        body = self.error_body(error)
        if style == "string":
            return Frame({"error": body["error"]["message"]})
        if style == "numeric":
            number = int(error.code) if error.code and error.code.isdigit() else error.status
            return Frame({**self.chunk({"content": ""}, "error"),
                          "error": {"code": number, "message": body["error"]["message"]}})
        return Frame(body, "error" if style == "event" else "")

    def chunk(self, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        return self.envelope("chat.completion.chunk", [{"index": 0, "delta": delta, "finish_reason": finish}])

    def envelope(self, kind: str, choices: list[Any]) -> dict[str, Any]:
        return {"id": self.named(f"chatcmpl-{self.sequence}"), "object": kind, "created": int(time.time()),
                "model": self.named(self.call.model), "choices": choices, "usage": None}

    def opening(self, answer: Answer) -> list[Frame]:
        return [Frame(self.chunk({"role": "assistant", "content": ""}))]

    def thought(self, text: str) -> list[Frame]:
        return [Frame(self.chunk({self.scenario.word("reasoning_field", "reasoning_content"): text}))]

    def text(self, text: str) -> list[Frame]:
        return [Frame(self.chunk({"content": text}))]

    def closing(self, answer: Answer) -> list[Frame]:
        frames = [Frame(self.chunk({"refusal": answer.refusal}))] if answer.refusal else []
        if answer.tool:
            frames += self.tool_frames(*answer.tool)
        wanted = self.scenario.word("usage", "chunk" if self.call.include_usage else "none")
        if answer.finish != "none":
            last = self.chunk({}, answer.finish)
            last["usage"] = self.usage(answer.usage) if wanted == "last" else None
            frames.append(Frame(last))
        if wanted == "chunk":
            frames.append(Frame({**self.envelope("chat.completion.chunk", []), "usage": self.usage(answer.usage)}))
        if self.scenario.flag("done", True):
            frames.append(Frame("[DONE]"))
        return frames

    def tool_frames(self, name: str, arguments: str) -> list[Frame]:
        """The call's head, then its arguments in two fragments."""
        middle = len(arguments) // 2
        deltas = [self.tool_call(name, ""), {"function": {"arguments": arguments[:middle]}},
                  {"function": {"arguments": arguments[middle:]}}]
        return [Frame(self.chunk({"tool_calls": [{"index": 0, **delta}]})) for delta in deltas]

    def tool_call(self, name: str, arguments: str) -> dict[str, Any]:
        return {"id": f"call_{self.sequence}", "type": "function",
                "function": {"name": name, "arguments": arguments}}

    @staticmethod
    def usage(usage: Usage) -> dict[str, Any]:
        return {"prompt_tokens": usage.input, "completion_tokens": usage.output,
                "total_tokens": usage.input + usage.output,
                "prompt_tokens_details": {"cached_tokens": usage.cached},
                "completion_tokens_details": {"reasoning_tokens": usage.reasoning}}

    def broken(self) -> str:
        return '{"id":"chatcmpl-broken","choices":[{"index":0,"delta":{"content":"unfini'

    def whole(self, answer: Answer) -> Any:
        message: dict[str, Any] = {"role": "assistant", "content": "".join(answer.pieces) or None,
                                   "refusal": answer.refusal or None}
        if answer.thoughts:
            field = self.scenario.word("reasoning_field", "reasoning_content")
            message[field] = "".join(text for _, text in answer.thoughts)
        if answer.tool:
            message["tool_calls"] = [self.tool_call(*answer.tool)]
        finish = None if answer.finish == "none" else answer.finish
        body = self.envelope("chat.completion", [{"index": 0, "message": message, "finish_reason": finish}])
        if self.scenario.word("usage") == "none":
            del body["usage"]
        else:
            body["usage"] = self.usage(answer.usage)
        return body
