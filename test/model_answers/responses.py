"""OpenAI's Responses API: named events that say everything twice, deltas first, then the whole."""
from __future__ import annotations

import re
import time
from typing import Any, Iterator

from .compose import Answer, ApiError, Call, Usage
from .dialects import Frame, OpenAIChat, Request, schema_fault


class OpenAIResponses(OpenAIChat):
    members = frozenset(
        "model input instructions stream stream_options store temperature top_p top_logprobs max_output_tokens "
        "max_tool_calls reasoning text metadata tools tool_choice parallel_tool_calls previous_response_id include "
        "truncation user service_tier background prompt prompt_cache_key prompt_cache_retention conversation "
        "safety_identifier".split())

    def __init__(self, request: Request, sequence: int) -> None:
        super().__init__(request, sequence)
        self.events = 0
        self.output: list[dict[str, Any]] = []  # the items so far
        self.open = ""                          # the type of the last one, while it grows

    @classmethod
    def claims(cls, request: Request) -> bool:
        return request.method == "POST" and request.path.endswith("/responses")

    def read(self) -> Call:
        body = self.parse()
        given = body.get("input")
        messages = [{"role": "user", "content": given}] if isinstance(given, str) else self.objects("input")
        user = [message for message in messages if message.get("role") == "user"]
        tools = self.objects("tools")
        self.call = Call(
            model=str(body.get("model", "")), task=self.content(user[-1]) if user else "",
            stream=body.get("stream") is True, include_usage=True,
            input_size=sum(len(self.content(message)) for message in messages) + len(str(body.get("instructions", ""))),
            json_schema=self.json_schema(), first_tool=str(tools[0].get("name", "")) if tools else "",
            tool_answered=any(message.get("type") == "function_call_output" for message in messages))
        return self.call

    def format(self) -> dict[str, Any]:
        text = self.body.get("text")
        wanted = text.get("format") if isinstance(text, dict) else None
        return wanted if isinstance(wanted, dict) else {}

    def json_schema(self) -> dict[str, Any] | None:
        wanted = self.format()
        return wanted.get("schema", {}) if wanted.get("type") == "json_schema" else None

    def reasoning(self) -> dict[str, Any]:
        wanted = self.body.get("reasoning")
        return wanted if isinstance(wanted, dict) else {}

    def problems(self) -> Iterator[ApiError]:
        body = self.body
        yield from self.unknown_members(body, self.members)
        if not isinstance(body.get("model"), str) or not body["model"]:
            yield self.refusal_of("model", "Missing required parameter: 'model'.", "missing_required_parameter")
        if not isinstance(body.get("input"), (str, list)):
            yield self.refusal_of("input", "Missing required parameter: 'input'.", "missing_required_parameter")
        if not isinstance(body.get("instructions", ""), str):
            yield self.refusal_of("instructions", "Invalid type for 'instructions'.", "invalid_type")
        yield from self.out_of_range(body, ("temperature", 0, 2), ("top_p", 0, 1), ("max_output_tokens", 16, 1e9))
        if self.reasoning().get("effort") not in self.efforts | {None}:
            yield self.refusal_of("reasoning.effort", "Invalid value for 'reasoning.effort'.", "invalid_value")
        if self.reasoning().get("summary") not in ("auto", "concise", "detailed", None):
            yield self.refusal_of("reasoning.summary", "Invalid value for 'reasoning.summary'.", "invalid_value")
        if self.format().get("type", "text") not in ("text", "json_object", "json_schema"):
            yield self.refusal_of("text.format.type", "Invalid value for 'text.format.type'.", "invalid_value")
        if self.format().get("type") == "json_schema":
            name = self.format().get("name")
            if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name):
                yield self.refusal_of("text.format.name", "Invalid 'text.format.name'.", "invalid_value")
            if not isinstance(self.format().get("schema"), dict):
                yield self.refusal_of("text.format.schema", "Missing required parameter: 'text.format.schema'.",
                                      "missing_required_parameter")
            elif fault := schema_fault(self.format()["schema"], self.format().get("strict") is True):
                yield self.refusal_of("text.format.schema",
                                      f"Invalid schema for response_format '{name}': {fault}", "invalid_json_schema")
        if self.scenario.word("strict") == "reasoning":
            yield from self.reasoning_problems()

    # The response and its items

    def response(self, status: str, usage: Usage | None = None, reason: str | None = None,
                 error: Any = None) -> dict[str, Any]:
        return {"id": self.named(f"resp_{self.sequence}"), "object": "response", "created_at": int(time.time()),
                "status": status, "error": error, "incomplete_details": {"reason": reason} if reason else None,
                "model": self.named(self.call.model), "output": self.output if status != "in_progress" else [],
                "usage": self.usage(usage) if usage else None}

    @staticmethod
    def usage(usage: Usage) -> dict[str, Any]:
        return {"input_tokens": usage.input, "input_tokens_details": {"cached_tokens": usage.cached},
                "output_tokens": usage.output, "output_tokens_details": {"reasoning_tokens": usage.reasoning},
                "total_tokens": usage.input + usage.output}

    def event(self, kind: str, **members: Any) -> Frame:
        self.events += 1
        return Frame({"type": kind, "sequence_number": self.events, **members}, kind)

    def place(self) -> dict[str, Any]:
        return {"item_id": self.output[-1]["id"], "output_index": len(self.output) - 1}

    def item(self, kind: str, **members: Any) -> dict[str, Any]:
        return {"id": f"{kind}_{self.sequence}_{len(self.output)}", "type": kind, "status": "completed", **members}

    def add(self, item: dict[str, Any], **empty: Any) -> Frame:
        self.output.append(item)
        return self.event("response.output_item.added", output_index=len(self.output) - 1, item={**item, **empty})

    def grow(self, kind: str, text: str, part: dict[str, Any], parts: str, name: str) -> list[Frame]:
        """A delta of an item's only part, which begins now unless it is open already."""
        frames = []
        if self.open != name:
            frames += self.close()
            item = self.item(kind, **({"role": "assistant"} if kind == "message" else {}), **{parts: [part]})
            frames.append(self.add(item, **{parts: []}))
            self.open = name
        part = self.output[-1][parts][0]
        field = "refusal" if "refusal" in part else "text"
        part[field] += text
        frames.append(self.event(f"response.{name}.delta", **self.place(), delta=text))
        return frames

    def close(self) -> list[Frame]:
        """Says once more what the open item holds."""
        if not self.open:
            return []
        item, name, self.open = self.output[-1], self.open, ""
        part = (item.get("content") or item["summary"])[0]
        field = "refusal" if "refusal" in part else "text"
        done = self.event(f"response.{name}.done", **self.place(), **{field: part[field]})
        return [done, self.event("response.output_item.done", output_index=len(self.output) - 1, item=item)]

    # What is sent

    def opening(self, answer: Answer) -> list[Frame]:
        return [self.event(f"response.{state}", response=self.response("in_progress"))
                for state in ("created", "in_progress")]

    def thought(self, text: str) -> list[Frame]:
        """Summaries are for those who ask for them."""
        if not self.reasoning().get("summary"):
            return []
        return self.grow("reasoning", text, {"type": "summary_text", "text": ""}, "summary", "reasoning_summary_text")

    def text(self, text: str) -> list[Frame]:
        return self.grow("message", text, {"type": "output_text", "text": "", "annotations": []}, "content", "output_text")

    def closing(self, answer: Answer) -> list[Frame]:
        frames = []
        if answer.refusal:
            frames += self.grow("message", answer.refusal, {"type": "refusal", "refusal": ""}, "content", "refusal")
        frames += self.close()
        if answer.tool:
            name, arguments = answer.tool
            call = self.item("function_call", call_id=f"call_{self.sequence}", name=name, arguments=arguments)
            frames.append(self.add(call, arguments=""))
            frames.append(self.event("response.function_call_arguments.delta", **self.place(), delta=arguments))
            frames.append(self.event("response.output_item.done", output_index=len(self.output) - 1, item=call))
        if answer.finish != "none" and self.scenario.flag("done", True):
            body = self.ended(answer)
            frames.append(self.event(f"response.{body['status']}", response=body))
        return frames

    def ended(self, answer: Answer) -> dict[str, Any]:
        usage = None if self.scenario.word("usage") == "none" else answer.usage
        reason = {"length": "max_output_tokens", "content_filter": "content_filter"}.get(answer.finish)
        return self.response("incomplete" if reason else "completed", usage, reason)

    def whole(self, answer: Answer) -> Any:
        for _, thought in answer.thoughts:
            self.thought(thought)
        for piece in answer.pieces:
            self.text(piece)
        self.closing(answer)
        return self.ended(answer)

    def stream_error(self, error: ApiError, style: str) -> Frame:
        words = self.error_body(error)["error"]
        code = words["code"] or words["type"]
        if style == "member":
            return self.event("response.failed", response=self.response(
                "failed", error={"code": code, "message": words["message"]}))
        if style == "numeric":
            return self.event("error", error={"code": error.status, "message": words["message"]})
        return self.event("error", code=None if style == "string" else code, message=words["message"], param=None)

    def broken(self) -> str:
        return '{"type":"response.output_text.delta","delta":"unfini'
