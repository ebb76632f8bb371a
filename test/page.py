#!/usr/bin/python3
"""Opens a page in Chromium, looks at it, and prints what it saw as JSON.

    /usr/bin/python3 test/page.py FILE.html [--width 390,1280] [--scheme light,dark] [--screenshots PREFIX]
                                  [--print FILE.pdf] [--text TEXT]...

One object: requests (URLs that were asked for, but for the page's own), console (errors, warnings and
exceptions), missing (each --text that the page does not show), scripts (elements or handlers that could run
something), sizes (for each width the page's own, and the elements that reach beyond it), and ok: nothing was
requested, told, missing or run, and nothing overflows.  The exit status is 0 then, and 1 otherwise.

Chromium is driven through its debugging pipe: commands are JSON with a NUL behind them, on descriptors 3
and 4.  Elements within something that scrolls by itself do not overflow the page.
"""
from __future__ import annotations

import argparse
import base64
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
from typing import Any

SECONDS = 120
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
           "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
           "--hide-scrollbars", "--remote-debugging-pipe")

SHOWN_TEXT = """(() => { document.querySelectorAll('details').forEach(d => d.open = true);
    return document.body.innerText + '\\n' + [...document.querySelectorAll('svg text')].map(t => t.textContent).join('\\n'); })()"""
SCRIPTS = """[...document.querySelectorAll('*')].filter(e => e.localName === 'script' || ['iframe', 'object', 'embed', 'base', 'form'].includes(e.localName)
    || [...e.attributes].some(a => /^on/i.test(a.name) || (/^(href|src|xlink:href|action)$/i.test(a.name) && !/^data:,/.test(a.value))))
    .map(e => e.outerHTML.slice(0, 200))"""
SIZES = """(() => { const width = document.scrollingElement.clientWidth;
    const scrolls = e => { for (let p = e.parentElement; p && p !== document.body; p = p.parentElement)
        if (/auto|scroll|hidden/.test(getComputedStyle(p).overflowX)) return true; return false; };
    return {client: width, scroll: document.scrollingElement.scrollWidth,
        beyond: [...document.querySelectorAll('body *')].filter(e => { const r = e.getBoundingClientRect();
            return r.width > 0 && (r.right > width + 1 || r.left < -1) && !scrolls(e); }).slice(0, 10).map(e => e.outerHTML.slice(0, 120))}; })()"""


class Browser:
    """A Chromium with an empty profile, and one page in it."""

    session: str | None = None          # none yet: commands are for the browser itself

    def __init__(self) -> None:
        program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        if program is None:
            sys.exit("page.py: there is no Chromium; on Debian: apt-get install chromium")
        self.home = tempfile.mkdtemp(prefix="page")
        theirs, self.commands = os.pipe()
        self.answers, their_answers = os.pipe()
        self.process = subprocess.Popen([program, *OPTIONS, f"--user-data-dir={self.home}", "about:blank"],
                                        preexec_fn=lambda: self.hand_over(theirs, their_answers), close_fds=False,
                                        env={**os.environ, "HOME": self.home}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(theirs)
        os.close(their_answers)
        self.buffer = b""
        self.last = 0
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    @staticmethod
    def hand_over(commands: int, answers: int) -> None:
        # They may themselves be 3 and 4, in either order.
        commands, answers = os.dup(commands), os.dup(answers)
        high = [os.dup2(commands, 20), os.dup2(answers, 21)]
        os.dup2(high[0], 3)
        os.dup2(high[1], 4)
        os.set_inheritable(3, True)
        os.set_inheritable(4, True)

    def close(self) -> None:
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.home, ignore_errors=True)

    def message(self) -> dict[str, Any]:
        while b"\0" not in self.buffer:
            piece = os.read(self.answers, 1 << 20)
            if not piece:
                sys.exit("page.py: Chromium has ended")
            self.buffer += piece
        one, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(one)

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        self.last += 1
        command = {"id": self.last, "method": method, "params": params}
        if self.session:
            command["sessionId"] = self.session
        os.write(self.commands, json.dumps(command).encode() + b"\0")
        while True:
            message = self.message()
            if message.get("id") == self.last:
                if "error" in message:
                    sys.exit(f"page.py: {method}: {message['error']}")
                return message["result"]
            self.events.append(message)

    def wait_for(self, event: str) -> None:
        while not any(e.get("method") == event for e in self.events):
            self.events.append(self.message())

    def value(self, expression: str) -> Any:
        return self.call("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")


def told(events: list[dict[str, Any]]) -> list[str]:
    """What the console, and exceptions, had to say."""
    lines = []
    for event in events:
        params = event.get("params", {})
        if event.get("method") == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            lines.append(params["entry"]["text"])
        elif event.get("method") == "Runtime.consoleAPICalled":
            lines.append(" ".join(str(a.get("value", a.get("description"))) for a in params["args"]))
        elif event.get("method") == "Runtime.exceptionThrown":
            lines.append(params["exceptionDetails"]["text"])
        elif event.get("method") == "Page.javascriptDialogOpening":
            lines.append("dialog: " + params["message"])
    return lines


def look(browser: Browser, url: str, options: argparse.Namespace) -> dict[str, Any]:
    for domain in ("Page", "Network", "Log", "Runtime"):
        browser.call(domain + ".enable")
    browser.call("Page.navigate", url=url)
    browser.wait_for("Page.loadEventFired")
    sizes = []
    for scheme in options.scheme.split(","):
        browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        for width in map(int, options.width.split(",")):
            browser.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600)
            sizes.append({"width": width, "scheme": scheme, **browser.value(SIZES)})
            if options.screenshots:
                shot = browser.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]
                pathlib.Path(f"{options.screenshots}{width}-{scheme}.png").write_bytes(base64.b64decode(shot))
    if options.print:
        pathlib.Path(options.print).write_bytes(base64.b64decode(browser.call("Page.printToPDF", preferCSSPageSize=True)["data"]))
    text = browser.value(SHOWN_TEXT)
    sizes.append({"width": "unfolded", **browser.value(SIZES)})
    requests = [e["params"]["request"]["url"] for e in browser.events if e.get("method") == "Network.requestWillBeSent"]
    return {"requests": [r[:200] for r in requests if r != url and not r.startswith("data:,")], "console": told(browser.events),
            "missing": [t for t in options.text if t not in text], "scripts": browser.value(SCRIPTS), "sizes": sizes}


def main() -> int:
    parser = argparse.ArgumentParser(description="Opens a page in Chromium and says what it saw.")
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--width", default="390,1280")
    parser.add_argument("--scheme", default="light,dark")
    parser.add_argument("--screenshots", help="what their names begin with")
    parser.add_argument("--print", help="the page as a PDF")
    parser.add_argument("--text", action="append", default=[], help="has to be shown")
    options = parser.parse_args()
    signal.alarm(SECONDS)               # whatever Chromium does, somebody waits for this
    browser = Browser()
    try:
        seen = look(browser, options.file.resolve().as_uri(), options)
    finally:
        browser.close()
    seen["ok"] = not (seen["requests"] or seen["console"] or seen["missing"] or seen["scripts"]) and all(
        s["scroll"] <= s["client"] and not s["beyond"] for s in seen["sizes"])
    print(json.dumps(seen, ensure_ascii=False))
    return 0 if seen["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
