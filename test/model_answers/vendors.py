"""The dialects that the model server speaks, in the order in which a request is shown to them."""
from __future__ import annotations

from .anthropic import AnthropicMessages
from .azure import AzureOpenAI
from .dialects import Dialect, OpenAIChat
from .gemini import Gemini
from .ollama import OllamaChat
from .responses import OpenAIResponses

DIALECTS: tuple[type[Dialect], ...] = (AzureOpenAI, OpenAIResponses, AnthropicMessages, Gemini, OllamaChat, OpenAIChat)
