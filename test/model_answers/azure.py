"""Azure OpenAI: Chat Completions behind Azure's URLs, with its filters and its own words for errors."""
from __future__ import annotations

import re
import urllib.parse
from typing import Any, Iterator

from .compose import Answer, ApiError, Call
from .dialects import Frame, OpenAIChat, Request

PATH = re.compile(r".*/openai/(?:v1|deployments/(?P<deployment>[^/]+))/chat/completions")
VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(-preview)?")


class AzureOpenAI(OpenAIChat):
    unknown_model_code = "DeploymentNotFound"
    default_words = OpenAIChat.default_words | {
        401: ("", "401", "Access denied due to invalid subscription key or wrong API endpoint."),
        403: ("", "403", "Access denied due to Virtual Network/Firewall rules."),
        404: ("", "DeploymentNotFound", "The API deployment for this resource does not exist."),
        429: ("", "429", "Requests to the ChatCompletions operation have exceeded the call rate limit."),
        500: ("", "InternalServerError", "The server had an error while processing your request."),
        503: ("", "ServiceUnavailable", "The service is temporarily unable to process your request."),
    }

    @classmethod
    def claims(cls, request: Request) -> bool:
        return request.method == "POST" and PATH.fullmatch(request.path) is not None

    def read(self) -> Call:
        call = super().read()
        match = PATH.fullmatch(self.request.path)
        self.deployment = urllib.parse.unquote(match["deployment"] or "") if match else ""
        call.model = self.deployment or call.model
        return call

    def problems(self) -> Iterator[ApiError]:
        if self.deployment and not VERSION.fullmatch(self.request.query.get("api-version", "")):
            yield ApiError(404, "Resource not found", code="404")
        yield from super().problems()

    def key(self) -> str:
        return self.request.headers.get("api-key") or super().key()

    def headers(self) -> dict[str, str]:
        return {"apim-request-id": self.named(f"req_{self.sequence}")}

    def error_body(self, error: ApiError) -> Any:
        body = super().error_body(error)
        if error.code == "content_filter":
            body["error"] |= {"type": None, "param": "prompt", "status": 400, "innererror": {
                "code": "ResponsibleAIPolicyViolation",
                "content_filter_result": {"violence": {"filtered": True, "severity": "high"}}}}
        elif not body["error"]["type"]:
            body["error"] = {"code": body["error"]["code"], "message": body["error"]["message"]}
        return body

    def chunk(self, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        chunk = super().chunk(delta, finish)
        chunk["choices"][0]["content_filter_results"] = {"hate": {"filtered": False, "severity": "safe"}}
        return chunk

    def opening(self, answer: Answer) -> list[Frame]:
        """The first chunk has no choices, only what the filters found in the prompt."""
        filtered = {"choices": [], "created": 0, "id": "", "model": "", "object": "", "prompt_filter_results": [
            {"prompt_index": 0, "content_filter_results": {"hate": {"filtered": False, "severity": "safe"}}}]}
        return [Frame(filtered), *super().opening(answer)]
