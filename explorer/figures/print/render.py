"""Plotly figures to SVG, PNG and PDF with kaleido, which drives a Chrome; never longer than a time limit.

It runs in a process of its own (`python -m explorer.figures.print.render FOLDER`): whatever Chrome does, that
process can be ended, and its temporary files lie in a folder that goes with it.
"""

from __future__ import annotations

import asyncio
import functools
import html
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import plotly.graph_objects as go

from explorer.errors import BadRequest, Busy
from explorer.store.user_folders import PROJECT

Format = Literal["svg", "png", "pdf"]
FORMATS: tuple[Format, ...] = ("svg", "png", "pdf")
PNG_SCALE = 4
"""Pixels a CSS pixel (1/96 inch): 384 dots an inch, above what journals ask for."""
START_SECONDS, EACH_SECONDS = 60.0, 20.0
"""How long Chrome may take to start, and for each figure, on a busy machine."""
QUEUE_SECONDS = 30.0
_NAMES = ("google-chrome", "google-chrome-stable", "chromium", "chromium-browser", "chrome", "microsoft-edge", "msedge")
_ONE = threading.Semaphore(1)


@dataclass(frozen=True, eq=False)
class Job:
    """One file to make: a figure of the size that its layout says, in pixels of 1/96 inch."""

    figure: go.Figure
    format: Format


@functools.lru_cache(maxsize=1)
def chrome() -> str | None:
    """The path of a Chrome, Chromium or Edge on this machine (BROWSER_PATH first); None where there is none."""
    named = os.environ.get("BROWSER_PATH", "")
    found = (named if os.access(named, os.X_OK) else None) if named else None
    found = found or next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:  # slow to import, and knows the Chrome that `kaleido_get_chrome` downloads
        from choreographer.browsers.chromium import Chromium

        found = Chromium.find_browser(skip_local=False)
    return found


def render(
    jobs: Sequence[Job],
    *,
    title: str = "",
    on_done: Callable[[int], object] | None = None,
) -> list[bytes]:
    """Draws the files, in the order of the jobs; on_done is told how many are finished. title: what a PDF is called.

    Raises BadRequest where there is no Chrome, where it fails, or where the time is up; Busy where another export
    takes too long.
    """
    browser = chrome()
    if browser is None:
        raise BadRequest(
            "SVG, PNG and PDF are drawn by a Chrome, and there is none on this machine.",
            "Install one (`apt-get install chromium`, or `kaleido_get_chrome`); CSV and HTML need none.",
        )
    if not _ONE.acquire(timeout=QUEUE_SECONDS):
        raise Busy("Figures are being drawn for somebody else.", "Try again in a moment.")
    try:
        with tempfile.TemporaryDirectory(prefix="figures-", ignore_cleanup_errors=True) as folder:
            return _in_a_process(Path(folder), browser, jobs, title, on_done)
    finally:
        _ONE.release()


def _in_a_process(
    folder: Path,
    browser: str,
    jobs: Sequence[Job],
    title: str,
    on_done: Callable[[int], object] | None,
) -> list[bytes]:
    wanted = [{"figure": json.loads(job.figure.to_json()), "format": job.format} for job in jobs]
    told = {"browser": browser, "title": title, "seconds": EACH_SECONDS, "jobs": wanted}
    (folder / "jobs.json").write_text(json.dumps(told), encoding="utf-8")
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "explorer.figures.print.render", str(folder)],
            cwd=PROJECT,
            env={**os.environ, "TMPDIR": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    limit = START_SECONDS + EACH_SECONDS * len(jobs)
    late = threading.Event()

    def end() -> None:
        late.set()
        process.kill()

    timer = threading.Timer(limit, end)
    timer.start()
    try:
        assert process.stdout is not None
        for number, _ in enumerate(process.stdout, start=1):
            if on_done is not None:
                on_done(number)
        status = process.wait()
    finally:
        timer.cancel()
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
        _end_chrome(folder)
    if late.is_set():
        raise BadRequest(
            f"Chrome did not draw the figures within {limit:.0f} seconds.",
            "Try fewer at once, or again when the machine is less busy; CSV and HTML need no Chrome.",
        )
    files = [folder / f"{number}.{job.format}" for number, job in enumerate(jobs)]
    if status or not all(path.is_file() for path in files):
        last = (folder / "log.txt").read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
        raise BadRequest(
            f"Chrome could not draw the figures ({''.join(last)[:200] or f'exit status {status}'}).",
            "CSV and HTML need no Chrome.",
        )
    return [path.read_bytes() for path in files]


def _end_chrome(folder: Path) -> None:
    """Ends a hung Chrome: one whose starter was killed ends by itself when its pipe closes, a hung one does not."""
    import psutil

    for process in psutil.process_iter(["cmdline"]):
        if any(str(folder) in part for part in process.info["cmdline"] or ()):
            try:
                process.send_signal(signal.SIGKILL)
            except psutil.Error:
                continue


async def _draw(folder: Path) -> None:
    """Draws one file after the other with one Chrome, inside the process, printing a line for each."""
    import kaleido

    told = json.loads((folder / "jobs.json").read_text(encoding="utf-8"))
    page = kaleido.PageGenerator(mathjax=False)  # else it asks a server for MathJax
    page.header = page.header.replace("Kaleido-fier", html.escape(told["title"]) or "Figures")
    os.environ["BROWSER_PATH"] = told["browser"]
    async with kaleido.Kaleido(page_generator=page, timeout=told["seconds"]) as drawing:
        for number, job in enumerate(told["jobs"]):
            options = {"format": job["format"], "scale": PNG_SCALE if job["format"] == "png" else 1}
            data = await drawing.calc_fig(job["figure"], opts=options)
            (folder / f"{number}.{job['format']}").write_bytes(data)
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_draw(Path(sys.argv[1])))
