"""Chromium driven through its DevTools pipe: nothing but Python's standard library.

A browser is started with an empty profile and without anything that would ask a network of its own accord.
"""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--hide-scrollbars", "--force-color-profile=srgb", "--remote-debugging-pipe",
]


class Browser:
    def __init__(self):
        self.profile = tempfile.mkdtemp(prefix="layerbench-browser-")
        # Chromium reads commands from its descriptor 3 and answers on 4.
        theirs_in, self.commands = os.pipe()
        self.answers, theirs_out = os.pipe()

        def wire():
            # Out of the way first: the ends may themselves be 3 or 4.
            a, b = os.dup(theirs_in), os.dup(theirs_out)
            high = [os.dup2(a, 50), os.dup2(b, 51)]
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)
            os.set_inheritable(3, True)
            os.set_inheritable(4, True)

        program = shutil.which("chromium") or shutil.which("chromium-browser")
        if program is None:
            raise SystemExit("no chromium was found: install the package chromium")
        self.process = subprocess.Popen(
            [program, *FLAGS, f"--user-data-dir={self.profile}", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            close_fds=False, preexec_fn=wire,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self.buffer, self.count, self.events = b"", 0, []

    def _read(self, until):
        while b"\0" not in self.buffer:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.answers], [], [], left)[0]:
                return None
            part = os.read(self.answers, 1 << 20)
            if not part:
                raise SystemExit("chromium ended")
            self.buffer += part
        text, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, session=None, seconds=30, **params):
        self.count += 1
        message = {"id": self.count, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + seconds
        while True:
            answer = self._read(until)
            if answer is None:
                raise SystemExit(f"chromium did not answer {method} within {seconds} s")
            if answer.get("id") == self.count:
                if "error" in answer:
                    raise SystemExit(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def wait(self, name, session, seconds=20):
        until = time.monotonic() + seconds
        while True:
            for place, event in enumerate(self.events):
                if event.get("method") == name and event.get("sessionId") == session:
                    return self.events.pop(place)
            event = self._read(until)
            if event is None:
                raise SystemExit(f"chromium did not say {name} within {seconds} s")
            self.events.append(event)

    def close(self):
        try:
            os.write(self.commands, json.dumps({"id": 0, "method": "Browser.close"}).encode() + b"\0")
            self.process.wait(10)
        except (OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Page:
    """A tab that shows a file; keeps what it asked for and what it complained of."""

    def __init__(self, browser, path, width, scheme):
        self.browser = browser
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.target = target
        self.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.url = "file://" + os.path.abspath(path)
        for domain in ["Page", "Runtime", "Network", "Log"]:
            self.call(domain + ".enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1,
                  mobile=width < 600)
        self.scheme(scheme)
        self.call("Page.navigate", url=self.url)
        browser.wait("Page.loadEventFired", self.session)
        self.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def call(self, method, **params):
        return self.browser.call(method, self.session, **params)

    def scheme(self, scheme, media="screen"):
        self.call("Emulation.setEmulatedMedia", media=media,
                  features=[{"name": "prefers-color-scheme", "value": scheme}])

    def run(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise SystemExit(f"in the page: {result['exceptionDetails']}")
        return result["result"].get("value")

    def key(self, key, code, text=None):
        common = {"key": key, "code": key if key != " " else "Space", "windowsVirtualKeyCode": code}
        down = {"type": "keyDown", **common}
        if text:
            down["text"] = text
        self.call("Input.dispatchKeyEvent", **down)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def shot(self, path, whole=True):
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def complaints(self):
        """Errors in the console, and requests for anything but the page itself."""
        found = []
        for event in self.browser.events:
            if event.get("sessionId") != self.session:
                continue
            method, params = event.get("method"), event.get("params", {})
            if method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
                found.append(f"console: {params['args']}")
            if method == "Runtime.exceptionThrown":
                found.append(f"exception: {params['exceptionDetails']}")
            if method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
                found.append(f"log: {params['entry']['text']}")
            if method == "Network.requestWillBeSent":
                url = params["request"]["url"]
                if url != self.url and not url.startswith("data:"):
                    found.append(f"request: {url}")
        return found

    def close(self):
        self.browser.call("Target.closeTarget", targetId=self.target)
