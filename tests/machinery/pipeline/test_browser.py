"""The report in Chromium: it fits a telephone, says nothing on the console, and shows its JSON."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
import websocket
from churn_radar.mlops.evaluation import digits, interval

TASKS = ("classification", "regression")
PHONE = 360
FAULTS = ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")


class Browser:
    """A page of Chromium, spoken to by its DevTools protocol."""

    def __init__(self, folder: Path) -> None:
        command = ["chromium", "--headless=new", "--disable-gpu", "--remote-debugging-port=0"]
        command += ["--remote-allow-origins=*", f"--user-data-dir={folder}", "about:blank"]
        if os.geteuid() == 0:
            # Its sandbox refuses to run as root; the pages are our own.
            command.insert(1, "--no-sandbox")
        self.process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        port_file = folder / "DevToolsActivePort"
        deadline = time.monotonic() + 60
        while not port_file.exists() or "\n" not in port_file.read_text():
            assert self.process.poll() is None, "Chromium ended before it was ready"
            assert time.monotonic() < deadline, "Chromium was not ready in time"
            time.sleep(0.05)
        port = port_file.read_text().split()[0]
        with urlopen(f"http://127.0.0.1:{port}/json") as answer:
            pages = [tab for tab in json.load(answer) if tab["type"] == "page"]
        self.socket = websocket.create_connection(pages[0]["webSocketDebuggerUrl"], timeout=60)
        self.n_sent = 0
        self.faults: list[Any] = []
        self.loaded = False
        for domain in ("Page", "Log", "Runtime"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> Any:
        self.n_sent += 1
        request = {"id": self.n_sent, "method": method, "params": parameters}
        self.socket.send(json.dumps(request))
        while True:
            message = self.receive()
            if message.get("id") == self.n_sent:
                assert "error" not in message, message
                return message["result"]

    def receive(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self.socket.recv())
        if message.get("method") in FAULTS:
            self.faults.append(message["params"])
        if message.get("method") == "Page.loadEventFired":
            self.loaded = True
        return message

    def open(self, path: Path, width: int, dark: bool = False) -> None:
        self.faults, self.loaded = [], False
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=800,
            deviceScaleFactor=1,
            mobile=width == PHONE,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Page.navigate", url=path.as_uri())
        while not self.loaded:
            self.receive()

    def ask(self, expression: str) -> Any:
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def close(self) -> None:
        self.socket.close()
        self.process.terminate()
        self.process.wait()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if not shutil.which("chromium"):
        reason = "chromium is not on this machine: apt-get install chromium"
        # Where the browser was asked for, a test that did not look must not seem to have passed.
        if "REQUIRE_CHROMIUM" in os.environ:
            pytest.fail(reason)
        pytest.skip(reason)
    browser = Browser(tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.close()


# The width that the content needs, and what sticks out of it without a box that scrolls.
OVERFLOW = """(() => {
  const outside = [...document.querySelectorAll("main *")].filter(e =>
    !e.closest(".scroll") && !e.closest("svg") && !e.closest("caption")
    && e.getBoundingClientRect().right > WIDTH + 1);
  return [document.documentElement.scrollWidth, outside.map(e => e.outerHTML.slice(0, 80))];
})()""".replace("WIDTH", str(PHONE))


def test_the_page_fits_a_telephone_and_says_nothing_on_the_console(
    browser: Browser, finished: Path
) -> None:
    browser.open(finished / "reports" / "report.html", PHONE)
    assert browser.ask(OVERFLOW) == [PHONE, []]
    assert browser.faults == []


def test_the_browser_sees_what_would_be_wrong(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(
        '<meta name="viewport" content="width=device-width"><main>'
        '<p style="width:500px">wide</p></main><script>nowhere()</script>'
    )
    browser.open(page, PHONE)
    width, outside = browser.ask(OVERFLOW)
    assert width > PHONE
    assert len(outside) == 1
    assert browser.faults != []


def test_the_page_follows_the_dark_scheme_and_a_screen_reader_finds_its_way(
    browser: Browser, finished: Path
) -> None:
    page = finished / "reports" / "report.html"
    colors = []
    for dark in (False, True):
        browser.open(page, 1200, dark)
        colors.append(browser.ask("getComputedStyle(document.body).backgroundColor"))
    assert colors == ["rgb(255, 255, 255)", "rgb(22, 24, 29)"]
    unnamed = browser.ask(
        '[...document.querySelectorAll("svg")].filter(e => e.getAttribute("role") != "img"'
        ' || !document.getElementById(e.getAttribute("aria-labelledby"))).length'
    )
    assert unnamed == 0
    # Every header says of what, and every table and box that scrolls has a name.
    assert browser.ask('document.querySelectorAll("th:not([scope])").length') == 0
    assert browser.ask('document.querySelectorAll("table:not(:has(caption))").length') == 0
    assert browser.ask('document.querySelectorAll(".scroll:not([aria-label])").length') == 0
    ids = browser.ask('[...document.querySelectorAll("[id]")].map(e => e.id)')
    assert len(ids) == len(set(ids))
    assert browser.ask("document.documentElement.lang") == "en"


def test_the_numbers_of_the_page_are_those_of_the_reports(browser: Browser, finished: Path) -> None:
    folder = finished / "reports"
    facts, details, metrics = (
        json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        for name in ("slices", "report", "metrics")
    )
    browser.open(folder / "report.html", 1200)

    def cells(caption: str, column: int) -> list[str]:
        tables = (
            f'[...document.querySelectorAll("table")].find(t => t.caption.innerText == "{caption}")'
        )
        rows = f"[...{tables}.tBodies[0].rows]"
        found = browser.ask(f"{rows}.map(r => r.cells[{column}].textContent.trim())")
        return [" ".join(text.split()) for text in found]

    shown = []
    for name, value in metrics.items():
        if f"{name}_low" in metrics:
            ends = metrics[f"{name}_low"], metrics[f"{name}_high"]
            written = interval(value, *ends, digits(value))
            if name.startswith("neg_"):
                written = interval(-value, -ends[1], -ends[0], digits(value))
            shown.append(written)
    assert cells("Metrics on the test set", 1) == shown
    lost = details["importance"]
    assert cells("Importance of features", 0) == [line["feature"] for line in lost]
    assert cells("Importance of features", 1) == [
        interval(line["importance"], line["low"], line["high"]) for line in lost
    ]
    assert cells("Score by period", 1) == [f"{line['rows']:,}" for line in details["periods"]]
    lead = browser.ask('document.querySelector(".lead").innerText')
    numbers = [float(number) for number in re.findall(r"\b\d\.\d+\b", lead)]
    named = ("score", "low", "high", "baseline", "skill")
    assert numbers == pytest.approx([abs(facts[name]) for name in named], abs=0.006)
    assert "%" not in lead.replace("95%", "")
