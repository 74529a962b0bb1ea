"""The lab under load: so many viewers at once, each with a mask that nobody has asked for, timed as they see it."""

from __future__ import annotations

import asyncio
import math
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil

from explorer.errors import BadRequest
from explorer.mask import Mask
from explorer.store.bundle import Bundle
from explorer.store.schema import Run
from explorer.study.stored_scores import known_run
from precompute.bench.live import Figure
from precompute.bench.viewer import Asked, Viewer

APP = Path(__file__).resolve().parents[2] / "app.py"
SERVED_WITHIN = 120.0
"""Seconds after which a viewer has given up."""
_FIRST = {10: 1.0, 25: 2.0, 50: 4.0}
_EXACT = {10: 12.0, 25: 30.0, 50: 60.0}
"""Targets, in seconds, by number of viewers."""
_MOST_OFF = 8
"""Switches that a new mask has off, at most."""
_KNOWN_SHARE = 0.25
"""Share of the clicks that go to a mask that somebody has seen."""
_START_SECONDS = 120.0


@dataclass
class Usage:
    """What the app and its scoring process took while viewers looked."""

    app: float = 0.0
    """Processor seconds of the process that serves pages."""
    scoring: float = 0.0
    """Processor seconds of the processes that it started."""
    viewers: float = 0.0
    """Processor seconds of this process, which a browser would spend on another machine."""
    wall: float = 0.0
    peak: int = 0
    """Bytes, app and scoring together, at most."""
    peak_scoring: int = 0


@dataclass
class Load:
    """What one number of viewers saw."""

    viewers: int
    asked: list[Asked] = field(default_factory=list)
    exceptions: list[str] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)


def bench_load(
    bundle: Bundle, run: Run, glue_dir: Path | None, viewers: Sequence[int], seconds: float, think: float, port: int
) -> Iterator[Load]:
    """Measures each number of viewers on an app of its own with an empty ledger.

    seconds: how long new masks are asked for; think: seconds between an exact score and the next click, on average.
    Raises BadBundle where the run is not there, and BadRequest where the app does not start.
    """
    shape = known_run(bundle, run).shape
    for many in viewers:
        with _app(bundle, glue_dir, port) as (process, address, log):
            found = Load(many)
            asyncio.run(_watch(found, process, address, run, shape, seconds, think))
            found.exceptions += _crashes(log.read_text(encoding="utf-8", errors="replace"))
            yield found


def figures_of(load: Load) -> Iterator[Figure]:
    """Words what was measured, beside the targets."""
    n, usage = load.viewers, load.usage
    new = [asked for asked in load.asked if not asked.known]
    known = [asked for asked in load.asked if asked.known]
    title = f"{n} viewer{'' if n == 1 else 's'}"
    first, exact = (
        [math.inf if s is None else s for s in of] for of in ([a.first for a in new], [a.exact for a in new])
    )
    served = sum(asked.exact is not None for asked in new)
    yield Figure(
        f"{title}: new masks, served within {SERVED_WITHIN:.0f} s", f"{served} of {len(new)}", "all", served == len(new)
    )
    yield _seconds(f"{title}: first score, p50", _quantile(first, 0.5), _FIRST.get(n))
    yield _seconds(f"{title}: exact, p50", _quantile(exact, 0.5), _EXACT.get(n))
    yield _seconds(f"{title}: exact, p95", _quantile(exact, 0.95), None)
    yield _seconds(f"{title}: exact, max", max(exact, default=math.nan), SERVED_WITHIN)
    yield Figure(f"{title}: masks scored a minute", f"{60 * served / usage.wall:.1f}")
    both = usage.app + usage.scoring
    if usage.scoring:
        share = usage.scoring / both
        yield Figure(
            f"{title}: scoring's share of what app and scoring took", f"{share:.0%}",
            "at least 80%" if n >= 10 else "", share >= 0.8 if n >= 10 else None,
        )  # fmt: skip
    yield Figure(
        f"{title}: processor, of {os.cpu_count()} cores",
        f"scoring {usage.scoring / usage.wall:.0%}, app {usage.app / usage.wall:.0%}, "
        f"these viewers {usage.viewers / usage.wall:.0%}",
    )
    seconds = [math.inf if asked.exact is None else asked.exact for asked in known]
    yield _seconds(
        f"{title}: an answer from the ledger, p50 of {len(known)}", _quantile(seconds, 0.5), 1.0 if n <= 25 else None
    )
    yield Figure(f"{title}: exceptions", f"{len(load.exceptions)}", "0", not load.exceptions)
    yield Figure(
        f"{title}: memory at most", f"{usage.peak / 1e6:,.0f} MB, of which scoring {usage.peak_scoring / 1e6:,.0f}"
    )


async def _watch(
    load: Load, process: int, address: str, run: Run, shape: tuple[int, int], seconds: float, think: float
) -> None:
    query = f"model={run.model}&task={run.task}&seed={run.seed}"
    viewers = [Viewer(address, query, shape) for _ in range(load.viewers)]
    await viewers[0].open()  # it waits for the model, the others do not
    await asyncio.gather(*(viewer.open() for viewer in viewers[1:]))
    done: list[Mask] = []
    before, mine, started = _taken(process), time.process_time(), time.perf_counter()
    watching = asyncio.create_task(_sample(load.usage, process))
    until = started + seconds

    async def look(number: int, viewer: Viewer) -> None:
        draw = random.Random(number)
        await asyncio.sleep(draw.uniform(0, think))
        looked = False
        while not looked or time.perf_counter() < until:  # each once at least
            looked = True
            known = len(done) > 1 and draw.random() < _KNOWN_SHARE
            mask = draw.choice([of for of in done if of != viewer.mask]) if known else _new_mask(shape, draw)
            asked = await viewer.look_at(mask, known=known, patience=SERVED_WITHIN)
            load.asked.append(asked)
            if asked.exact is not None and not known:
                done.append(mask)
            await asyncio.sleep(draw.uniform(0.5, 1.5) * think)

    await asyncio.gather(*(look(number, viewer) for number, viewer in enumerate(viewers)))
    usage, after = load.usage, _taken(process)
    usage.wall = time.perf_counter() - started
    usage.app, usage.scoring = after[0] - before[0], after[1] - before[1]
    usage.viewers = time.process_time() - mine
    watching.cancel()
    for viewer in viewers:
        load.exceptions += viewer.exceptions
        await viewer.close()


def _new_mask(shape: tuple[int, int], draw: random.Random) -> Mask:
    mask = Mask.full(*shape)
    for _ in range(draw.randint(1, _MOST_OFF)):
        layer, head = draw.randrange(shape[0]), draw.randrange(shape[1] + 1)
        mask = mask.with_mlp(layer, False) if head == shape[1] else mask.with_head(layer, head, False)
    return mask


def _taken(process: int) -> tuple[float, float]:
    """Processor seconds so far of a process, and of those that it started."""
    own = psutil.Process(process)
    times = [_of(of) for of in (own, *own.children(recursive=True))]
    return times[0], sum(times[1:])


def _of(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        times = process.cpu_times()
        return float(times.user + times.system)
    return 0.0


async def _sample(usage: Usage, process: int) -> None:
    own = psutil.Process(process)
    while True:
        sizes = []
        for of in (own, *own.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                sizes.append(int(of.memory_info().rss))
        usage.peak, usage.peak_scoring = max(usage.peak, sum(sizes)), max(usage.peak_scoring, sum(sizes[1:]))
        await asyncio.sleep(1.0)


@contextmanager
def _app(bundle: Bundle, glue_dir: Path | None, port: int) -> Iterator[tuple[int, str, Path]]:
    """An app of its own with an empty ledger: its process, its address and its log."""
    port = port or _free_port()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log.txt"
        env = os.environ | {"EXPLORER_LEDGER": f"{folder}/ledger.sqlite", "EXPLORER_BUNDLE": str(bundle.root)}
        if glue_dir is not None:
            env["GLUE_DIR"] = str(glue_dir)
        options = {"headless": "true", "port": str(port), "address": "127.0.0.1"}
        flags = [part for name, value in options.items() for part in (f"--server.{name}", value)]
        with log.open("wb") as out:
            app = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", str(APP), *flags], cwd=APP.parent, env=env, stdout=out,
                stderr=subprocess.STDOUT,
            )  # fmt: skip
            try:
                _wait(app, port, log)
                yield app.pid, f"127.0.0.1:{port}", log
            finally:
                app.terminate()
                try:
                    app.wait(30)
                except subprocess.TimeoutExpired:
                    app.kill()
                    app.wait()


def _wait(app: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and app.poll() is None:
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health"):
            return
        time.sleep(0.1)
    last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
    raise BadRequest("The app did not start.", f"It said: {' '.join(last)}")


def _crashes(log: str) -> list[str]:
    """The last line of each traceback: what was raised."""
    parts = log.split("Traceback (most recent call last)")[1:]
    return [next((line for line in of.splitlines()[1:] if line[:1].strip()), "a traceback") for of in parts]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _quantile(values: Sequence[float], share: float) -> float:
    return float(np.quantile(values, share, method="higher")) if values else math.nan


def _seconds(what: str, seconds: float, target: float | None) -> Figure:
    words = "never" if seconds == math.inf else "none asked" if math.isnan(seconds) else f"{seconds:.2f} s"
    if target is None or math.isnan(seconds):
        return Figure(what, words)
    return Figure(what, words, f"at most {target:g} s", seconds <= target)
