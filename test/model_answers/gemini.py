"""Google's Gemini API: whole responses as events, thoughts as parts, and no mark of the end."""
from __future__ import annotations

import re
import urllib.parse
from typing import Any, Iterator

from .compose import Answer, ApiError, Call, Usage
from .dialects import Dialect, Frame, Request

PATH = re.compile(r".*/v1(?:beta)?/models/(?P<model>[^/]+):(?P<method>streamGenerateContent|generateContent)")
REASONS = {"stop": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY", "tool_calls": "STOP"}


class Gemini(Dialect):
    members = frozenset("contents systemInstruction generationConfig safetySettings tools toolConfig cachedContent "
                        "labels".split())
    config_members = frozenset(
        "temperature topP topK maxOutputTokens candidateCount stopSequences responseMimeType responseSchema "
        "responseJsonSchema presencePenalty frequencyPenalty seed responseLogprobs logprobs thinkingConfig "
        "mediaResolution responseModalities speechConfig".split())
    default_words = {
        400: ("INVALID_ARGUMENT", None, "Request contains an invalid argument."),
        401: ("UNAUTHENTICATED", None, "Request had invalid authentication credentials."),
        403: ("PERMISSION_DENIED", None, "The caller does not have permission."),
        404: ("NOT_FOUND", None, "The model is not found for API version v1beta."),
        429: ("RESOURCE_EXHAUSTED", None, "You exceeded your current quota."),
        500: ("INTERNAL", None, "An internal error has occurred."),
        503: ("UNAVAILABLE", None, "The model is overloaded. Please try again later."),
        504: ("DEADLINE_EXCEEDED", None, "Deadline expired before operation could complete."),
    }

    @classmethod
    def claims(cls, request: Request) -> bool:
        return request.method == "POST" and PATH.fullmatch(request.path) is not None

    def key(self) -> str:
        return self.request.headers.get("x-goog-api-key") or self.request.query.get("key", "")

    def wrong_key(self) -> ApiError:
        return ApiError(400, "API key not valid. Please pass a valid API key.", code="API_KEY_INVALID")

    def headers(self) -> dict[str, str]:
        return {"server-timing": "gfet4t7; dur=1"}

    def limit_headers(self, limit: str, remaining: str, reset: str) -> dict[str, str]:
        return {}

    def read(self) -> Call:
        body = self.parse()
        match = PATH.fullmatch(self.request.path)
        assert match is not None
        self.streams = match["method"] == "streamGenerateContent"
        user = [content for content in self.objects("contents") if content.get("role", "user") == "user"]
        system = body.get("systemInstruction")
        self.call = Call(
            model=urllib.parse.unquote(match["model"]), task=self.content(user[-1]) if user else "",
            stream=self.streams and self.request.query.get("alt") == "sse", include_usage=True,
            input_size=sum(len(self.content(content)) for content in self.objects("contents"))
            + len(self.content(system) if isinstance(system, dict) else ""),
            json_schema=self.config().get("responseJsonSchema"), tool_answered=False)
        return self.call

    @staticmethod
    def content(content: dict[str, Any]) -> str:
        parts = content.get("parts")
        return "".join(str(part.get("text", "")) for part in parts if isinstance(part, dict)) \
            if isinstance(parts, list) else ""

    def config(self) -> dict[str, Any]:
        config = self.body.get("generationConfig")
        return config if isinstance(config, dict) else {}

    def thinking(self) -> dict[str, Any]:
        config = self.config().get("thinkingConfig")
        return config if isinstance(config, dict) else {}

    # What it refuses

    def problems(self) -> Iterator[ApiError]:
        for values, known, place in ((self.body, self.members, ""),
                                     (self.config(), self.config_members, " at 'generation_config'")):
            for member in values:
                if member not in known:
                    yield ApiError(400, f"Invalid JSON payload received. Unknown name \"{member}\"{place}: "
                                   "Cannot find field.")
        contents = self.body.get("contents")
        if not isinstance(contents, list) or not contents:
            yield ApiError(400, "* GenerateContentRequest.contents: contents is not specified")
        for content in self.objects("contents"):
            if content.get("role") not in ("user", "model"):
                yield ApiError(400, "Please use a valid role: user, model.")
            if not self.content(content) and not content.get("parts"):
                yield ApiError(400, "* GenerateContentRequest.contents[0].parts: contents.parts must not be empty.")
        yield from self.out_of_range(self.config(), ("temperature", 0, 2), ("topP", 0, 1), ("topK", 1, 1e9),
                                     ("maxOutputTokens", 1, 1e9), ("candidateCount", 1, 8))
        if "responseJsonSchema" in self.config() and self.config().get("responseMimeType") != "application/json":
            yield ApiError(400, "Function calling with a response schema needs response mime type: 'application/json'")
        if {"thinkingBudget", "thinkingLevel"} <= self.thinking().keys():
            yield ApiError(400, "You can only set only one of thinking budget and thinking level.")

    def error_body(self, error: ApiError) -> Any:
        kind, _, message = self.default_words.get(error.status, ("UNKNOWN", None, "The request failed."))
        words: dict[str, Any] = {"code": error.status, "message": error.message or message,
                                 "status": error.kind or kind}
        if error.code:
            words["details"] = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": error.code}]
        elif error.status == 429:
            words["details"] = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.05s"}]
        return {"error": words}

    def stream_error(self, error: ApiError, style: str) -> Frame:
        return Frame(self.error_body(error), "error" if style == "event" else "")

    # What it answers

    def response(self, parts: list[dict[str, Any]] | None, finish: str | None = None,
                 usage: Usage | None = None) -> dict[str, Any]:
        body: dict[str, Any] = {}
        if parts is not None:
            body["candidates"] = [{"content": {"parts": parts, "role": "model"}, "index": 0}]
            if finish:
                body["candidates"][0]["finishReason"] = finish
        if usage:
            body["usageMetadata"] = self.usage(usage)
        return {**body, "modelVersion": self.named(self.call.model), "responseId": self.named(f"resp-{self.sequence}")}

    @staticmethod
    def usage(usage: Usage) -> dict[str, int]:
        """The candidates' tokens leave the thoughts out."""
        return {"promptTokenCount": usage.input, "cachedContentTokenCount": usage.cached,
                "candidatesTokenCount": usage.output - usage.reasoning, "thoughtsTokenCount": usage.reasoning,
                "totalTokenCount": usage.input + usage.output}

    def thought(self, text: str) -> list[Frame]:
        """Thoughts are for those who ask for them."""
        if self.thinking().get("includeThoughts") is not True:
            return []
        return [Frame(self.response([{"text": text, "thought": True}]))]

    def text(self, text: str) -> list[Frame]:
        return [Frame(self.response([{"text": text}]))]

    def ended(self, answer: Answer, parts: list[dict[str, Any]]) -> dict[str, Any]:
        usage = None if self.scenario.word("usage") == "none" else answer.usage
        if answer.refusal:
            return {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT", "blockReasonMessage": answer.refusal},
                    **self.response(None, usage=usage)}
        if answer.tool:
            parts = [*parts, {"functionCall": {"name": answer.tool[0], "args": {}}}]
        return self.response(parts, REASONS.get(answer.finish), usage)

    def closing(self, answer: Answer) -> list[Frame]:
        return [Frame(self.ended(answer, [{"text": ""}]))]

    def whole(self, answer: Answer) -> Any:
        """Without "alt=sse" a stream is an array of responses."""
        parts = [{"text": text, "thought": True} for _, text in answer.thoughts
                 if self.thinking().get("includeThoughts") is True]
        parts += [{"text": text} for text in answer.pieces]
        if self.streams:
            return [self.response([part]) for part in parts] + [self.ended(answer, [{"text": ""}])]
        return self.ended(answer, parts)

    def broken(self) -> str:
        return '{"candidates":[{"content":{"parts":[{"text":"unfini'
