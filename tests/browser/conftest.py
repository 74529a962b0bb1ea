"""Apps in a real browser: `serve(path_to_app)` starts one, `page` fails a test whose console had errors."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO

import pytest

from tests.waiting import HANG_MILLISECONDS, HANG_SECONDS, until

CHROMIUMS = [Path(f"/usr/bin/{name}") for name in ("chromium-headless-shell", "chromium")]
"""Debian's: the shell draws no toolbar of its own beside every page, and takes half the time to open one."""
ROOT = Path(__file__).resolve().parents[2]
UNHURRIED = ROOT / "tests" / "browser" / "unhurried_app.py"
"""The app, which waits for as long as it takes."""
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


_ports = iter(random.SystemRandom().sample(range(10_000, 30_000), 1_000))
"""Below those that the system hands out, so that nobody takes one between its choice and its use."""


def _free_port():
    for port in _ports:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


def _wait(process, url, log):
    def answers():
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=HANG_SECONDS):
                return True
        except (urllib.error.URLError, OSError):
            return False

    until(lambda: answers() or process.poll() is not None)
    assert process.poll() is None, f"the app did not start:\n{log.read_text(errors='replace')}"


@pytest.fixture(scope="session")
def serve(tmp_path_factory):
    """Starts `streamlit run` on an app once per session (and environment) and gives its URL."""
    running: dict[object, str] = {}
    processes: list[tuple[subprocess.Popen[bytes], IO[bytes]]] = []

    def start(app, env=None):
        wanted = (app, tuple(sorted((env or {}).items())))
        if wanted not in running:
            port = _free_port()
            url = f"http://127.0.0.1:{port}"
            log = tmp_path_factory.mktemp("streamlit") / "log.txt"
            out = log.open("wb")
            options = {
                "server.headless": "true",
                "server.port": str(port),
                "server.address": "127.0.0.1",
                "server.fileWatcherType": "none",
                "browser.gatherUsageStats": "false",
            }
            process = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", str(app), *_flags(options)],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
                stdout=out,
                stderr=subprocess.STDOUT,
            )
            processes.append((process, out))
            _wait(process, url, log)
            running[wanted] = url
        return running[wanted]

    yield start
    for process, _ in processes:
        process.terminate()  # all of them, before any is waited for
    for process, out in processes:
        try:
            process.wait(timeout=HANG_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        out.close()


def _flags(options):
    return [part for name, value in options.items() for part in (f"--{name}", value)]


@pytest.fixture(scope="session")
def home(serve):
    """The app on the bundle that ships, without GLUE and with a ledger that nobody keeps."""
    return serve(UNHURRIED, {"GLUE_DIR": "", "EXPLORER_LEDGER": ":memory:"})


@pytest.fixture(scope="session")
def chromium():
    there = [path for path in CHROMIUMS if path.exists()]
    if not there:
        pytest.skip("there is no Chromium: apt-get install chromium")
    sync_api = pytest.importorskip("playwright.sync_api", reason="there is no playwright: pip install playwright")
    with sync_api.sync_playwright() as playwright:
        sync_api.expect.set_options(timeout=HANG_MILLISECONDS)
        browser = playwright.chromium.launch(executable_path=str(there[0]), args=ARGS, timeout=HANG_MILLISECONDS)
        yield browser
        browser.close()


def unhurried(chromium, **options):
    """A browser of its own, 1200 x 900 where nothing else is said, that waits for as long as it takes."""
    context = chromium.new_context(**({"viewport": {"width": 1200, "height": 900}} | options))
    context.set_default_timeout(HANG_MILLISECONDS)
    return context


SIZES = {"laptop": (1280, 720), "desktop": (1920, 1080), "phone": (390, 844)}
"""Name -> width and height of the windows that a page is judged at."""


@pytest.fixture(params=SIZES)
def sized(request, chromium):
    """A page at one of the sizes."""
    width, height = SIZES[request.param]
    context = unhurried(chromium, viewport={"width": width, "height": height})
    yield context.new_page()
    context.close()


def choose(page, label, option):
    """Chooses an option of a select box. A rerun may close its list: it is opened until one was chosen."""
    field = page.get_by_test_id("stSelectbox").filter(has_text=label)
    wanted = page.get_by_role("option", name=option)

    def chosen():
        if not wanted.is_visible():
            field.locator("input").press("ArrowDown")  # opens a closed list, and leaves an open one open
        elif _clicked(wanted):
            return True
        return False

    until(chosen)


def _clicked(element):
    """Clicks what is there at this moment, and waits for nothing; whether there was anything."""
    return element.evaluate_all("all => all.length > 0 && (all[0].click(), true)")


@pytest.fixture
def page(chromium):
    """A fresh page, 1200 x 900. At teardown the test fails if the page or its console reported an error."""
    context = unhurried(chromium)
    page = context.new_page()
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert not errors, errors


@pytest.fixture
def context_of(chromium):
    """Another person's browser: each call opens a page with no cookies or session in common."""
    contexts = []

    def fresh():
        contexts.append(unhurried(chromium))
        return contexts[-1].new_page()

    yield fresh
    for context in contexts:
        context.close()
