"""Anthropic's Messages API: blocks that start, grow and stop, and usage in pieces."""
from __future__ import annotations

import re
import time
from typing import Any, Iterator

from .compose import Answer, ApiError, Call, Usage
from .dialects import Dialect, Frame, Request

REASONS = {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal", "tool_calls": "tool_use"}


def has_open_object(schema: Any) -> bool:
    """Is there a part with type object that may have members which it does not name?"""
    if isinstance(schema, list):
        return any(has_open_object(part) for part in schema)
    return isinstance(schema, dict) and (
        (schema.get("type") == "object" and schema.get("additionalProperties") is not False)
        or any(has_open_object(part) for part in schema.values()))


class AnthropicMessages(Dialect):
    members = frozenset(
        "model messages max_tokens system stream temperature top_p top_k stop_sequences thinking tools tool_choice "
        "metadata service_tier output_config container context_management mcp_servers cache_control".split())
    default_words = {
        400: ("invalid_request_error", None, "The request was refused."),
        401: ("authentication_error", None, "invalid x-api-key"),
        402: ("billing_error", None, "There is an issue with your billing."),
        403: ("permission_error", None, "Your API key does not have permission to use this model."),
        404: ("not_found_error", None, "The model was not found."),
        413: ("request_too_large", None, "Request exceeds the maximum size."),
        429: ("rate_limit_error", None, "This request would exceed your rate limit."),
        500: ("api_error", None, "Internal server error"),
        504: ("timeout_error", None, "The request timed out."),
        529: ("overloaded_error", None, "Overloaded"),
    }

    def __init__(self, request: Request, sequence: int) -> None:
        super().__init__(request, sequence)
        self.open = ""                  # the type of the block that grows
        self.index = -1

    @classmethod
    def claims(cls, request: Request) -> bool:
        return request.method == "POST" and request.path.endswith("/v1/messages")

    def key(self) -> str:
        return self.request.headers.get("x-api-key") or super().key()

    def headers(self) -> dict[str, str]:
        return {"request-id": self.named(f"req_{self.sequence}")}

    def limit_headers(self, limit: str, remaining: str, reset: str) -> dict[str, str]:
        """The reset is given in seconds from now, and sent as a time of day."""
        if reset.isdigit():
            reset = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + int(reset)))
        values = {"limit": limit, "remaining": remaining, "reset": reset}
        return {f"anthropic-ratelimit-{what}-{name}": value
                for what in ("requests", "tokens", "input-tokens", "output-tokens") for name, value in values.items()}

    def read(self) -> Call:
        body = self.parse()
        messages = self.objects("messages")
        user = [message for message in messages if message.get("role") == "user"]
        tools = self.objects("tools")
        self.call = Call(
            model=str(body.get("model", "")), task=self.content(user[-1]) if user else "",
            stream=body.get("stream") is True, include_usage=True,
            input_size=sum(len(self.content(message)) for message in messages) + len(str(body.get("system", ""))),
            json_schema=self.format().get("schema") if self.format().get("type") == "json_schema" else None,
            first_tool=str(tools[0].get("name", "")) if tools else "",
            tool_answered=any(isinstance(message.get("content"), list) and any(
                isinstance(part, dict) and part.get("type") == "tool_result" for part in message["content"])
                for message in messages))
        return self.call

    @staticmethod
    def content(message: dict[str, Any]) -> str:
        content = message.get("content")
        if isinstance(content, list):
            return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
        return content if isinstance(content, str) else ""

    def format(self) -> dict[str, Any]:
        config = self.body.get("output_config")
        wanted = config.get("format") if isinstance(config, dict) else None
        return wanted if isinstance(wanted, dict) else {}

    def thinking(self) -> dict[str, Any]:
        wanted = self.body.get("thinking")
        return wanted if isinstance(wanted, dict) else {}

    # What it refuses

    def problems(self) -> Iterator[ApiError]:
        body = self.body
        version = self.request.headers.get("anthropic-version", "")
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", version):
            yield ApiError(400, "anthropic-version: header is required")
        for member in body:
            if member not in self.members:
                yield ApiError(400, f"{member}: Extra inputs are not permitted")
        if not isinstance(body.get("model"), str) or not body["model"]:
            yield ApiError(400, "model: Field required")
        limit = body.get("max_tokens")
        if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
            yield ApiError(400, "max_tokens: Field required")
        yield from self.message_problems()
        if not isinstance(body.get("system", ""), (str, list)):
            yield ApiError(400, "system: Input should be a valid string")
        yield from self.out_of_range(body, ("temperature", 0, 1), ("top_p", 0, 1), ("top_k", 0, 1e9))
        for member in ("temperature", "top_p", "top_k"):
            if member in body and version >= "2026-10-21":
                yield ApiError(400, f"{member}: not supported by this version of the API")
        yield from self.thinking_problems()
        if self.format() and (self.format().get("type") != "json_schema"
                              or not isinstance(self.format().get("schema"), dict)):
            yield ApiError(400, "output_config.format.schema: Field required")
        elif self.format() and has_open_object(self.format()["schema"]):
            yield ApiError(400, "output_config.format.schema: For 'object' type, 'additionalProperties' must be "
                           "explicitly set to false")

    def message_problems(self) -> Iterator[ApiError]:
        messages = self.body.get("messages")
        if not isinstance(messages, list) or not messages:
            yield ApiError(400, "messages: at least one message is required")
            return
        for index, message in enumerate(messages):
            if not isinstance(message, dict) or message.get("role") not in ("user", "assistant"):
                yield ApiError(400, f"messages.{index}.role: Input should be 'user' or 'assistant'")
            elif not isinstance(message.get("content"), (str, list)) or not message["content"]:
                yield ApiError(400, f"messages.{index}: all messages must have non-empty content")

    def thinking_problems(self) -> Iterator[ApiError]:
        if "thinking" not in self.body:
            return
        kind, budget = self.thinking().get("type"), self.thinking().get("budget_tokens")
        if kind not in ("adaptive", "enabled", "disabled"):
            yield ApiError(400, "thinking.type: Input should be 'adaptive', 'enabled' or 'disabled'")
        if kind == "enabled" and (not isinstance(budget, int) or budget < 1024):
            yield ApiError(400, "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
        if kind == "enabled" and budget >= self.body.get("max_tokens", 0):
            yield ApiError(400, "`max_tokens` must be greater than `thinking.budget_tokens`")
        if kind == "disabled" and len(self.thinking()) > 1:
            yield ApiError(400, "thinking.disabled: Extra inputs are not permitted")
        if self.thinking().get("display", "omitted") not in ("summarized", "omitted"):
            yield ApiError(400, "thinking.display: Input should be 'summarized' or 'omitted'")

    def error_body(self, error: ApiError) -> Any:
        kind, _, message = self.default_words.get(error.status, ("api_error", None, "The request failed."))
        words: dict[str, Any] = {"type": error.kind or kind, "message": error.message or message}
        if error.code:
            words["details"] = {"error_code": error.code}
        return {"type": "error", "error": words, "request_id": f"req_{self.sequence}"}

    def stream_error(self, error: ApiError, style: str) -> Frame:
        return Frame(self.error_body(error), "error" if style == "event" else "")

    # What it answers

    @staticmethod
    def event(kind: str, **members: Any) -> Frame:
        return Frame({"type": kind, **members}, kind)

    @staticmethod
    def input_usage(usage: Usage) -> dict[str, int]:
        """The input in three parts: what is new, what the cache took, what it gave."""
        created = (usage.input - usage.cached) // 2
        return {"input_tokens": usage.input - usage.cached - created, "cache_creation_input_tokens": created,
                "cache_read_input_tokens": usage.cached}

    def message(self, **members: Any) -> dict[str, Any]:
        return {"id": self.named(f"msg_{self.sequence}"), "type": "message", "role": "assistant",
                "model": self.named(self.call.model), "content": [], "stop_reason": None, "stop_sequence": None, **members}

    def counts(self) -> bool:
        return self.scenario.word("usage") != "none"

    def opening(self, answer: Answer) -> list[Frame]:
        usage = {"usage": {**self.input_usage(answer.usage), "output_tokens": 1}} if self.counts() else {}
        return [self.event("message_start", message=self.message(**usage)), self.event("ping")]

    def grow(self, kind: str, delta: dict[str, Any]) -> list[Frame]:
        frames = []
        if self.open != kind:
            frames = self.close()
            self.open = kind
            self.index += 1
            empty = {"text": {"text": ""}, "thinking": {"thinking": "", "signature": ""}}[kind]
            frames.append(self.event("content_block_start", index=self.index, content_block={"type": kind, **empty}))
        return frames + [self.event("content_block_delta", index=self.index, delta=delta)]

    def close(self) -> list[Frame]:
        if not self.open:
            return []
        frames = []
        if self.open == "thinking":
            frames.append(self.event("content_block_delta", index=self.index,
                                     delta={"type": "signature_delta", "signature": "c2lnbmF0dXJl"}))
        self.open = ""
        return frames + [self.event("content_block_stop", index=self.index)]

    def thought(self, text: str) -> list[Frame]:
        """Thoughts are for those who ask for thinking, and their text for those who ask for that."""
        if self.thinking().get("type") not in ("adaptive", "enabled"):
            return []
        shown = text if self.thinking().get("display") == "summarized" else ""
        return self.grow("thinking", {"type": "thinking_delta", "thinking": shown})

    def text(self, text: str) -> list[Frame]:
        return self.grow("text", {"type": "text_delta", "text": text})

    def ending(self, answer: Answer) -> dict[str, Any]:
        reason = "refusal" if answer.refusal else REASONS.get(answer.finish)
        details = {"stop_details": {"type": "refusal", "category": None, "explanation": answer.refusal}}
        return {"stop_reason": reason, "stop_sequence": None, **(details if answer.refusal else {})}

    def closing(self, answer: Answer) -> list[Frame]:
        frames = self.close()
        if answer.tool:
            self.index += 1
            name, arguments = answer.tool
            frames += [
                self.event("content_block_start", index=self.index, content_block={
                    "type": "tool_use", "id": f"toolu_{self.sequence}", "name": name, "input": {}}),
                self.event("content_block_delta", index=self.index,
                           delta={"type": "input_json_delta", "partial_json": arguments}),
                self.event("content_block_stop", index=self.index)]
        if answer.finish != "none":
            usage = {"usage": {"output_tokens": answer.usage.output}} if self.counts() else {}
            frames.append(self.event("message_delta", delta=self.ending(answer), **usage))
        if self.scenario.flag("done", True):
            frames.append(self.event("message_stop"))
        return frames

    def whole(self, answer: Answer) -> Any:
        content: list[dict[str, Any]] = []
        thoughts = "".join(text for _, text in answer.thoughts)
        if thoughts and self.thinking().get("display") == "summarized":
            content.append({"type": "thinking", "thinking": thoughts, "signature": "c2lnbmF0dXJl"})
        if answer.pieces:
            content.append({"type": "text", "text": "".join(answer.pieces)})
        if answer.tool:
            content.append({"type": "tool_use", "id": f"toolu_{self.sequence}", "name": answer.tool[0], "input": {}})
        usage = {**self.input_usage(answer.usage), "output_tokens": answer.usage.output} if self.counts() else None
        return self.message(content=content, usage=usage, **self.ending(answer))

    def broken(self) -> str:
        return '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"unfini'
