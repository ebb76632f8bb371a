"""What the model server says: reads the scenario of a request, and composes the answer that it asks for.

Pure functions, no network: Scenario.read() takes the keys out of the request (model_server.py documents them),
compose() makes an Answer of a Scenario and a Call.  The prepared answers lie beside this file: NAME.md, its
thoughts in NAME.thoughts, one a line, and its token counts in NAME.json.

A play is what a model says in the course of a whole workflow: plays/NAME, a text of scenes.

    === ^Validate
    latency=200 output_tokens=4690
    ~ Looking for single points of failure...

    ## Verdict
    FAIL

A scene is for requests whose task has what stands after "===", a regular expression.  The first that fits is
taken; of several with the same expression the first request gets the first, the next the second, and so on, and
the last one stays.  Then come scenario keys, which the request's own override, and thoughts, both optional;
after an empty line the answer, with a section for each thing that somebody may want by name.
"""
from __future__ import annotations

import collections
import dataclasses
import functools
import json
import pathlib
import re
import urllib.parse
from typing import Any, Callable, Iterable

ANSWERS = pathlib.Path(__file__).resolve().parent
OVERSIZE_EVENT = 64 * 1024
DEMO_THINKING_MS = 6000
DEMO_ANSWER_MS = 4000


# ---- Scenarios ------------------------------------------------------------------------------------------

NUMBERS = frozenset(
    "latency first_byte chunk_delay reasoning_delay keep_alive size tokens chunks thoughts reasoning think "
    "progress input_tokens cached_tokens output_tokens reasoning_tokens multiline bom comments done split "
    "headers head_line head_every early status html empty cut_head cut stall error_at bad_json garbage bad_utf8 nul oversize long_line "
    "times speed unknown".split())
CHOICES = {
    "reasoning_field": ("reasoning_content", "reasoning", "thinking"),
    "usage": ("none", "last", "chunk"),
    "finish": ("stop", "length", "content_filter", "tool_calls", "none"),
    "eol": ("lf", "crlf", "cr"),
    "cut_with": ("fin", "rst"),
    "error_style": ("event", "member", "string", "numeric"),
    "should_retry": ("true", "false"),
    "strict": ("reasoning", "none"),
    "bomb": ("gzip", "deflate", "br", "transfer"),
}
WORDS = frozenset(
    "text answer play reasoning_text tool arguments refusal ratelimit code type message retry_after "
    "retry_after_ms redirect key require_key body ids gate raw late".split())
FAULTS = frozenset(
    "status code type message retry_after retry_after_ms should_retry html empty body redirect cut_head cut "
    "stall error_at bad_json garbage bad_utf8 nul oversize long_line refusal finish done raw late early head_line "
    "head_every bomb".split())


class ApiError(Exception):
    """An error response; what is None is filled in by the dialect from the status."""

    def __init__(self, status: int, message: str | None = None, *, code: str | None = None,
                 kind: str | None = None, param: str | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.kind, self.param = status, message, code, kind, param


class Scenario:
    """What the request asks of this server: the keys of the module's documentation."""

    def __init__(self, text: str = "", values: dict[str, str] | None = None) -> None:
        self.text = text
        self.values = values or {}

    @classmethod
    def read(cls, model: str, message: str) -> Scenario:
        items = model.partition(":")[2].split(",")
        directives = []
        if "@mock " in message:
            directives = [line.strip() for line in message.split("\n") if line.startswith("@mock ")]
            for line in directives:
                items += line.split()
        return cls("\n".join([model, *directives]), cls.values_of(items))

    @classmethod
    def values_of(cls, items: list[str]) -> dict[str, str]:
        values = {}
        for item in items:
            key, equals, value = item.partition("=")
            if equals:
                values[key] = cls.checked(key, urllib.parse.unquote_plus(value))
        return values

    @staticmethod
    def checked(key: str, value: str) -> str:
        if key in NUMBERS:
            good = re.fullmatch(r"\d+(\.\d+)?", value) is not None
        elif key in CHOICES:
            good = value in CHOICES[key]
        else:
            good = key in WORDS
        if not good:
            raise ApiError(400, f"scenario: {key}={value} is not understood", code="bad_scenario")
        return value

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def number(self, key: str, default: float = 0) -> float:
        return float(self.values[key]) if key in self.values else default

    def count(self, key: str, default: int = 0) -> int:
        return int(self.number(key, default))

    def flag(self, key: str, default: bool = False) -> bool:
        return bool(self.number(key, default))

    def word(self, key: str, default: str = "") -> str:
        return self.values.get(key, default)

    def quoting(self, key: str, headers: dict[str, str]) -> Scenario:
        """With what the request was sent with: the key, as it is or escaped in a JSON string, and all headers."""
        escaped = "".join(char if char.isalnum() or char in "-_" else
                          "\\/" if char == "/" else f"\\u{ord(char):04x}" for char in key)
        places = {"{key}": key, "{escaped_key}": escaped,
                  "{headers}": ", ".join(f"{name}: {value}" for name, value in headers.items())}
        return Scenario(self.text, {name: functools.reduce(lambda text, place: text.replace(*place), places.items(), value)
                                    for name, value in self.values.items()})

    def without_faults(self) -> Scenario:
        return Scenario(self.text, {key: value for key, value in self.values.items() if key not in FAULTS})

    def over(self, values: dict[str, str]) -> Scenario:
        return Scenario(self.text, {**values, **self.values})


# ---- Answers --------------------------------------------------------------------------------------------

@dataclasses.dataclass
class Call:
    """What a dialect has read from the request."""
    model: str
    task: str = ""
    stream: bool = False
    include_usage: bool = False
    input_size: int = 0
    json_schema: dict[str, Any] | None = None
    first_tool: str = ""
    tool_answered: bool = False


@dataclasses.dataclass
class Usage:
    input: int
    cached: int
    output: int
    reasoning: int


@dataclasses.dataclass
class Answer:
    """What a dialect has to say, piece by piece, and when."""
    pieces: list[str]
    pause: float
    thoughts: list[tuple[float, str]]
    usage: Usage
    finish: str
    refusal: str
    tool: tuple[str, str] | None

    def duration(self) -> float:
        return sum(pause for pause, _ in self.thoughts) + self.pause * len(self.pieces)


@dataclasses.dataclass(frozen=True)
class Prepared:
    """An answer of this directory, or the generic one."""
    text: str
    thoughts: tuple[str, ...] = ()
    usage: dict[str, int] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Scene:
    """What a play has for requests whose task has certain words."""
    words: str
    values: dict[str, str]
    prepared: Prepared

    @classmethod
    def read(cls, text: str) -> Scene:
        head, _, answer = text.partition("\n\n")
        words, *lines = head.split("\n")
        keys = [item for line in lines if not line.startswith("~ ") for item in line.split()]
        return cls(words.strip(), Scenario.values_of(keys),
                   Prepared(answer.strip() + "\n", tuple(line[2:] for line in lines if line.startswith("~ "))))


DEMO_PLAY = "feature"
DEMO_WORDS = {
    "architect": r"design|architect\w*",
    "builder": r"implement\w*|build\w*|code",
    "validator": r"review\w*|security|audit\w*|validat\w*",
    "scribe": r"document\w*|openapi|guide",
}


@functools.lru_cache(maxsize=None)
def prepared_answer(name: str) -> Prepared:
    path = ANSWERS / f"{name}.md"
    if not re.fullmatch(r"[\w-]+", name) or not path.is_file():
        raise ApiError(400, f"scenario: there is no answer {name}", code="bad_scenario")
    thoughts, usage = path.with_suffix(".thoughts"), path.with_suffix(".json")
    return Prepared(
        path.read_text(encoding="utf-8"),
        tuple(thoughts.read_text(encoding="utf-8").splitlines()) if thoughts.is_file() else (),
        json.loads(usage.read_text(encoding="utf-8")) if usage.is_file() else {})


@functools.lru_cache(maxsize=None)
def play(name: str) -> tuple[Scene, ...]:
    path = ANSWERS / "plays" / name
    if not re.fullmatch(r"[\w-]+", name) or not path.is_file():
        raise ApiError(400, f"scenario: there is no play {name}", code="bad_scenario")
    _, *scenes = ("\n" + path.read_text(encoding="utf-8")).split("\n=== ")
    return tuple(Scene.read(text) for text in scenes)


def scenes_for(scenario: Scenario, call: Call) -> list[Scene]:
    """The scenes that this request's turn is among: none where no play is given, one or more else."""
    demo = is_demo(call) and "play" not in scenario
    if {"text", "answer"} & scenario.values.keys() or not (demo or "play" in scenario):
        return []
    scenes = play(scenario.word("play", DEMO_PLAY))
    task = without_directives(call.task).lstrip()
    words = next((scene.words for scene in scenes if re.search(scene.words, task)), None)
    if words is None and not demo:
        raise ApiError(400, f"scenario: no scene of this play fits the task: {first_line(task)}", code="bad_scenario")
    return [scene for scene in scenes if scene.words == words]


def is_demo(call: Call) -> bool:
    return call.model.partition(":")[0] == "demo"


def demo_answer(task: str) -> Prepared:
    found = {}
    for name, words in DEMO_WORDS.items():
        match = re.search(rf"\b({words})\b", task, re.IGNORECASE)
        if match:
            found[name] = match.start()
    return prepared_answer(min(found, key=found.__getitem__)) if found else Prepared(generic_text(task))


def without_directives(task: str) -> str:
    return "\n".join(line for line in task.split("\n") if not line.startswith("@mock ")) if "@mock " in task else task


def first_line(task: str) -> str:
    lines = (line.strip() for line in without_directives(task).split("\n"))
    return next((line for line in lines if line), "")[:200]


def asked_sections(task: str) -> list[str]:
    """The names of the sections that the task wants the answer to have."""
    _, found, rest = task.partition("with a section for each of the following")
    return re.findall(r"^## (\w+)$", rest, re.MULTILINE) if found else []


def generic_text(task: str) -> str:
    """Sections that were asked for hold the task's first line each; else an answer about nothing."""
    sections = asked_sections(task)
    if sections:
        return "".join(f"## {name}\n\n{first_line(task)}\n\n" for name in sections)
    return (f"## Answer\n\n**Task:** {first_line(task)}\n\n"
            "1. Read the task ✓\n2. Thought about it ✓\n3. Wrote this reply ✓\n")


def filled(text: str, size: int) -> str:
    """Cuts or extends the text to exactly size bytes of UTF-8."""
    filler = "The quick brown fox jumps over the lazy dog. "
    text += filler * max(0, (size - len(text)) // len(filler) + 1)
    kept = text.encode()[:size].decode(errors="ignore")
    return kept + "." * (size - len(kept.encode()))


def split_text(text: str, count: int) -> list[str]:
    count = max(1, count)
    return [text[len(text) * i // count:len(text) * (i + 1) // count] for i in range(count)]


def with_progress(text: str, count: int) -> str:
    """Spreads progress lines over the line starts outside fenced code."""
    lines = text.split("\n")
    places, fenced = [], False
    for index, line in enumerate(lines):
        if not fenced:
            places.append(index)
        if line.startswith(("```", "~~~")):
            fenced = not fenced
    chosen = collections.Counter(places[len(places) * i // count] for i in range(count))
    step, result = 0, []
    for index, line in enumerate(lines):
        for _ in range(chosen[index]):
            step += 1
            result.append(f"[[progress]] Step {step} of {count}")
        result.append(line)
    return "\n".join(result)


def section(text: str, fits: Callable[[str], bool]) -> str | None:
    """The Markdown section whose heading fits, with its subsections; None if there is none."""
    level, fenced, found = 0, False, []
    for line in text.split("\n"):
        heading = None if fenced else re.match(r"(#+) (.*)", line)
        fenced ^= line.startswith(("```", "~~~"))
        if heading and level and len(heading[1]) <= level:
            break
        if level:
            found.append(line)
        elif heading and fits(heading[2].lower()):
            level = len(heading[1])
    return "\n".join(found).strip() if level else None


def named(text: str, name: str) -> str | None:
    """The section of that name, else the first that speaks of it."""
    wanted = name.replace("_", " ").lower()
    exact = section(text, lambda heading: heading == wanted)
    return section(text, lambda heading: wanted.rstrip("s") in heading) if exact is None else exact


def fenced_block(text: str) -> str | None:
    """What is inside, if the text is one block of code."""
    found = re.fullmatch(r"```\w*\n(.*?)\n?```", text, re.DOTALL)
    return found[1] if found and "\n```" not in found[1] else None


def sample(schema: Any, name: str, text: str) -> Any:
    """A value that the JSON schema accepts, taken from the text's section of that name as far as it has one."""
    if not isinstance(schema, dict):
        return word(name, text)
    said = named(text, name) or ""
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return next((value for value in schema["enum"] if value in said.split()), schema["enum"][0])
    if schema.get("anyOf"):
        return sample(schema["anyOf"][0], name, text)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return members(schema, said, text)
    if kind == "array":
        return entries(schema, name, said, text)
    if kind in ("number", "integer"):
        number = re.search(r"\d+(\.\d+)?", said)
        return json.loads(number[0]) if number else schema.get("minimum", 1)
    return {"string": word(name, text), "boolean": said.lower() not in ("no", "false"), "null": None}[kind]


def word(name: str, text: str) -> str:
    said = named(text, name)
    if said is None:
        return first_line(text).lstrip("# ")
    block = fenced_block(said)
    return said if block is None else block


def members(schema: dict[str, Any], said: str, text: str) -> Any:
    block = fenced_block(said)
    if block is not None and not schema.get("properties"):
        return json.loads(block)
    return {key: sample(value, key, text) for key, value in schema.get("properties", {}).items()}


def entries(schema: dict[str, Any], name: str, said: str, text: str) -> list[Any]:
    """An item for each line of a list, if strings will do."""
    found = re.findall(r"^(?:[-*]|\d+\.) +(.+)$", said, re.MULTILINE)
    items = schema.get("items", {})
    if found and isinstance(items, dict) and items.get("type", "string") == "string" and "enum" not in items:
        return found
    block = fenced_block(said)
    return json.loads(block) if block is not None else [sample(items or None, name, text)]


def thoughts_of(scenario: Scenario, prepared: Prepared, demo: bool) -> list[tuple[float, str]]:
    pause = scenario.number("reasoning_delay", scenario.number("chunk_delay"))
    if "reasoning_text" in scenario:
        texts = split_text(scenario.word("reasoning_text"), scenario.count("reasoning", 3))
    elif "reasoning" in scenario:
        count = scenario.count("reasoning")
        texts = [f"Considering point {i} of {count}, and what follows from it.\n" for i in range(1, count + 1)]
    elif demo:
        return demo_thoughts(prepared.thoughts, scenario)
    else:
        texts = [f"{line}\n" for line in prepared.thoughts] if scenario.flag("thoughts") else []
    return [(pause, text) for text in texts]


def demo_thoughts(lines: Iterable[str], scenario: Scenario) -> list[tuple[float, str]]:
    """Fragments of three words; a new line takes four times as long to come as another fragment."""
    weighted = []
    for line in lines:
        words = re.findall(r"\S+\s*", line + "\n")
        for start in range(0, len(words), 3):
            weighted.append((1 if start else 4, "".join(words[start:start + 3])))
    total = sum(weight for weight, _ in weighted) or 1
    unit = demo_pause(DEMO_THINKING_MS, total, scenario)
    return [(scenario.number("reasoning_delay", weight * unit), text) for weight, text in weighted]


def demo_pause(duration: float, count: int, scenario: Scenario) -> float:
    speed = scenario.number("speed", 1)
    return duration / speed / count if speed else 0


def compose(scenario: Scenario, call: Call, scene: Scene | None = None) -> Answer:
    """What this request is answered, from its scenario and its scene alone."""
    demo = is_demo(call)
    if scene is not None:
        prepared = scene.prepared
    elif "answer" in scenario:
        prepared = prepared_answer(scenario.word("answer"))
    else:
        prepared = demo_answer(call.task) if demo else Prepared(generic_text(call.task))
    thoughts = thoughts_of(scenario, prepared, demo)
    text = spoken_text(scenario, call, prepared, thoughts)
    if scenario.flag("think"):
        thoughts = []
    count = scenario.count("chunks", min(60, max(25, len(text) // 120)) if demo else 5)
    pieces = content_pieces(scenario, text, count)
    pause = scenario.number("chunk_delay", demo_pause(DEMO_ANSWER_MS, len(pieces), scenario) if demo else 0)
    tool = None
    finish = scenario.word("finish", "stop")
    if finish == "tool_calls":
        if call.tool_answered:
            finish = "stop"
        else:
            tool = (scenario.word("tool", call.first_tool or "lookup"), scenario.word("arguments", "{}"))
            pieces = []
    if "refusal" in scenario:
        pieces = []
    return Answer(pieces, 0 if "oversize" in scenario else pause, thoughts,
                  usage_of(scenario, call, prepared, pieces, thoughts), finish, scenario.word("refusal"), tool)


def spoken_text(scenario: Scenario, call: Call, prepared: Prepared,
                thoughts: list[tuple[float, str]]) -> str:
    if "text" in scenario:
        text = scenario.word("text")
    elif call.json_schema is not None:
        text = json.dumps(sample(call.json_schema, "answer", prepared.text), ensure_ascii=False)
    else:
        text = prepared.text
    if "size" in scenario or "tokens" in scenario:
        text = filled(text, scenario.count("size", scenario.count("tokens") * 4))
    elif not {"text", "answer", "play"} & scenario.values.keys() and call.json_schema is None:
        text = filled(text, 8 * scenario.count("chunks")) if scenario.count("chunks") > len(text) else text
    middle = len(text) // 2
    if scenario.flag("bad_utf8"):
        text = text[:middle] + "\udcff\udcc3\udc28" + text[middle:]
    if scenario.flag("nul"):
        text = text[:middle] + "\0 \ud83d \ude00" + text[middle:]
    if scenario.count("progress"):
        text = with_progress(text, scenario.count("progress"))
    if scenario.flag("think"):
        thinking = "".join(thought for _, thought in thoughts) or "Let me think about this.\n"
        text = f"<think>\n{thinking}</think>\n\n{text}"
    return text


def content_pieces(scenario: Scenario, text: str, count: int) -> list[str]:
    if "oversize" in scenario:
        whole, rest = divmod(scenario.count("oversize"), OVERSIZE_EVENT)
        return ["x" * OVERSIZE_EVENT] * whole + ["x" * rest] * bool(rest)
    pieces = split_text(text, count)
    if "long_line" in scenario:
        pieces.insert(1, "x" * scenario.count("long_line"))
    return pieces


def usage_of(scenario: Scenario, call: Call, prepared: Prepared, pieces: list[str],
             thoughts: list[tuple[float, str]]) -> Usage:
    known = prepared.usage
    thinking = scenario.count("reasoning_tokens",
                              known.get("reasoning_tokens", sum(len(text) for _, text in thoughts) // 4))
    written = max(1, sum(len(piece) if piece.isascii() else len(piece.encode("utf-8", "surrogatepass"))
                         for piece in pieces) // 4)
    return Usage(
        scenario.count("input_tokens", known.get("input_tokens", max(1, call.input_size // 4))),
        scenario.count("cached_tokens", known.get("cached_tokens", 0)),
        scenario.count("output_tokens", known.get("output_tokens", written + thinking)),
        thinking)
