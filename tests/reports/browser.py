"""A real browser, driven by the DevTools protocol over a pipe, that opens a page from disk and tells what it did."""

import itertools
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATH = next((path for path in map(shutil.which, NAMES) if path), None)
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"),
    *("--proxy-server=127.0.0.1:9", "--remote-debugging-pipe"),  # whatever the browser itself wants stays here
)
DEADLINE_S = 60.0
LAUNCH = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3]]
os.dup2(ends[0], 3)  # where the browser reads
os.dup2(ends[1], 4)  # and writes
os.execv(sys.argv[3], sys.argv[3:])
"""


@dataclass
class Visit:
    """What a page did: URLs it asked for, errors on its console, and what an expression in it gave."""

    requests: list = field(default_factory=list)
    errors: list = field(default_factory=list)
    value: object = None

    def hear(self, event):
        method, params = event.get("method"), event.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Network.webSocketCreated":
            self.requests.append(params["url"])
        elif method == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(params["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "assert"):
            self.errors.append(json.dumps(params["args"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.errors.append(params["entry"]["text"])


class Browser:
    def __init__(self, to_browser, from_browser):
        self.to_browser, self.from_browser = to_browser, from_browser
        self.numbers, self.buffer = itertools.count(1), b""

    def read(self):
        deadline = time.monotonic() + DEADLINE_S
        while b"\0" not in self.buffer:
            if not select.select([self.from_browser], [], [], max(deadline - time.monotonic(), 0))[0]:
                raise TimeoutError("the browser says nothing")
            chunk = os.read(self.from_browser, 1 << 16)
            if not chunk:
                raise EOFError("the browser has ended")
            self.buffer += chunk
        message, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(message)

    def call(self, visit, method, session=None, **params):
        """Call a method, let the visit hear what happens meanwhile, and give the answer."""
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": params} | ({"sessionId": session} if session else {})
        os.write(self.to_browser, json.dumps(message).encode() + b"\0")
        while (answer := self.read()).get("id") != number:
            visit.hear(answer)
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["result"]

    def open(self, url, expression):
        """Open a page, wait until it has loaded, and evaluate an expression (or a promise) in it."""
        visit = Visit()
        target = self.call(visit, "Target.createTarget", url="about:blank")["targetId"]
        session = self.call(visit, "Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(visit, f"{domain}.enable", session)
        self.call(visit, "Page.navigate", session, url=url)
        loaded = "new Promise(done => document.readyState === 'complete' ? done() : addEventListener('load', done))"
        for script in (loaded, "new Promise(done => setTimeout(done, 300))", expression):
            answer = self.call(
                visit, "Runtime.evaluate", session, expression=script, awaitPromise=True, returnByValue=True
            )
        visit.value = answer["result"].get("value")
        self.call(visit, "Target.closeTarget", targetId=target)
        return visit


@contextmanager
def running_browser(profile):
    """Run a browser with a profile folder of its own."""
    inward, to_browser = os.pipe()
    from_browser, outward = os.pipe()
    launch = [sys.executable, "-c", LAUNCH, str(inward), str(outward)]
    process = subprocess.Popen(
        [*launch, PATH, *FLAGS, f"--user-data-dir={profile}"],
        pass_fds=(inward, outward),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.close(inward)
    os.close(outward)
    browser = Browser(to_browser, from_browser)
    try:
        yield browser
    finally:
        try:
            browser.call(Visit(), "Browser.close")
            process.wait(10)
        except (EOFError, OSError, subprocess.TimeoutExpired):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        os.close(to_browser)
        os.close(from_browser)
