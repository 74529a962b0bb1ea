"""A button that computes what a run lacks, in the background, with the time it may take; and how far it is."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from explorer.errors import BadRequest, ExplorerError
from explorer.glue.sources import glue_dir_from_environment
from explorer.glue.tasks import Task
from explorer.store.bundle import CHECKPOINT
from explorer.store.own_tasks import place_of
from explorer.store.run_progress import RunProgress, read_progress
from explorer.store.schema import Key
from explorer.store.stages import stage_named
from explorer.store.user_folders import PROJECT
from explorer.study.expected_seconds import Estimate, of_missing
from explorer.study.fitting import sorted_out, why_not
from explorer.study.ground import commands_to, missing_ground
from explorer.ui import cached, visitor
from explorer.ui.as_text import code, plain
from explorer.ui.view import View
from explorer.ui.widgets import plain_text

_PACE = 2.0
"""Seconds between two looks."""


@dataclass(frozen=True)
class Making:
    """A command under way: a process of its own, which a closed page does not end."""

    process: subprocess.Popen[bytes]
    log: Path
    names: tuple[str, ...]
    """The artefacts that it makes, as pages call them."""

    def last_words(self) -> str:
        """The last line that the command wrote."""
        try:
            lines = self.log.read_text(encoding="utf-8", errors="replace").replace("\r", "\n").split("\n")
        except OSError:
            return ""
        said = [line.strip() for line in lines if line.strip() and "warn" not in line.lower()]
        return said[-1] if said else ""


def begun(verb: str, given: Sequence[str], root: Path, names: Sequence[str] = ()) -> Making:
    """Starts a command that writes into a bundle; raises BadRequest where it cannot be started."""
    log = root / ".work" / f"{verb}.log"
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as file:
            command = [sys.executable, "-m", "precompute", verb, *given]
            process = subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=file, stderr=file)
    except OSError as error:
        raise BadRequest(f"It cannot be started ({error.strerror}).", "Give the command yourself.") from None
    return Making(process, log, tuple(names))


def name_of(key: Key) -> str:
    """An artefact as pages call it: 'pruned, heads'."""
    return f"{stage_named(key.stage).title} {key.variant}".strip()


def estimate(view: View, keys: Sequence[Key]) -> Estimate | None:
    """What artefacts of one run may take on this machine; None where nothing tells it, or they need training."""
    return of_missing(keys, view.manifests)


def offer(view: View, keys: Sequence[Key], where: str) -> None:
    """Draws the button for what can be made here of these artefacts of one run, or how far it is, or nothing.

    Only the visitor of this very machine is offered it, of a bundle of his own (the one that ships is in version
    control), where data and weights are at hand and nothing has to be trained. where: tells buttons of a page apart.
    """
    wanted = makeable(view, keys)
    if not wanted:
        return
    making = _under_way().get(view.root)
    if making is not None and making.process.poll() is None:
        st.fragment(_follow, run_every=_PACE)(view.root)
        return
    told = estimate(view, wanted)
    if told is None:
        return
    if making is not None and making.process.returncode and set(making.names) & set(map(name_of, wanted)):
        st.error(plain_text.plain(making.last_words() or "It ended before its end."), icon=":material/error:")
    many = "it" if len(wanted) == 1 else f"these {len(wanted)}"
    help_words = plain_text.plain(f"An estimate, by {told.basis}. It goes on while you look at other pages.")
    if st.button(
        f"Compute {many} here ({told.words()})", icon=":material/play_arrow:", key=f"make.{where}", help=help_words
    ):
        try:
            _under_way()[view.root] = begun(
                "run", _command(view, wanted), view.root.resolve(), list(map(name_of, wanted))
            )
        except ExplorerError as error:
            plain_text.failed(error)
            return
        st.rerun()


def makeable(view: View, keys: Sequence[Key]) -> list[Key]:
    """Finds the artefacts of the selected run that this visitor may have computed here; [] for others' visitors."""
    if not keys or not visitor.served_on_localhost() or view.root.resolve() == (PROJECT / "cache").resolve():
        return []
    finetuned = view.manifests.by_key.get(Key(view.run, "finetune"))
    if finetuned is None or CHECKPOINT not in finetuned.files:
        return []
    can, _ = sorted_out(view.bundle, [key for key in keys if key.run == view.run])
    at_hand = _has_data(view.task())
    can = [key for key in can if key.stage != "retrained"]  # training is begun on the command line
    return [key for key in can if at_hand or not stage_named(key.stage).splits]


def _has_data(task: Task) -> bool:
    if not task.own:
        try:
            return glue_dir_from_environment() is not None
        except ExplorerError:
            return False
    place = place_of(task)
    return place is not None and (place.data.startswith("hub:") or Path(place.data).is_file())


def _command(view: View, keys: Sequence[Key]) -> list[str]:
    only = ",".join(f"{key.stage}.{key.variant}".rstrip(".") for key in keys)
    run = view.run
    given = ["--tasks", run.task, "--seeds", str(run.seed), "--model", view.bundle.source_of(run) or run.model]
    return [*given, "--bundle", str(view.root.resolve()), "--only", only]


def how(view: View, key: Key, words: str = "Make it") -> str:
    """How an artefact is made: words and its command, as Markdown; or why it never can be."""
    why, command = cached.way_to(view, key)
    return f"It cannot be made: {plain(why)}." if why else f"{words}: {code(command)}"


def steps_to(view: View, key: Key) -> str:
    """The commands that make an artefact, as Markdown: first what it builds on, where that is not there; or why it
    never can be."""
    for one in (*missing_ground(view.manifests, key), key):
        if why := why_not(view.bundle, one):
            return f"it cannot be made: {plain(why)}."
    return ", then ".join(code(command) for command in commands_to(view.bundle, view.manifests, key))


@st.cache_resource(show_spinner=False)
def _under_way() -> dict[Path, Making]:
    """Bundle -> what is being made in it, for all sessions."""
    return {}


def _follow(root: Path) -> None:
    making = _under_way().get(root)
    if making is None or making.process.poll() is not None:
        st.rerun()  # what came in is shown
    progress = read_progress(root)
    mine = progress is not None and progress.process == making.process.pid
    share, words = _how_far(progress if mine else None)
    st.progress(share, plain_text.plain(f"Computing {', '.join(making.names[:4])}: {words}"))


def _how_far(progress: RunProgress | None) -> tuple[float, str]:
    if progress is None:
        return 0.0, "starting …"
    running = progress.of("running")
    jobs = [job for job in progress.jobs if job.made or job.status != "done"]
    done = sum(job.status == "done" for job in jobs)
    begun_at = [job.since for job in running if job.since]
    spent = time.time() - min(begun_at) if begun_at else 0.0
    left = progress.seconds_left
    words = f"{done} of {len(jobs)} made"
    if left is not None:
        words += f", {Estimate(left, '').words()} left" if left > 0 else ", it takes longer than was estimated"
    whole = sum(job.estimate or 1.0 for job in jobs) or 1.0
    past = sum(job.estimate or 1.0 for job in jobs if job.status == "done")
    now = sum(min(spent, 0.95 * (job.estimate or 1.0)) for job in running)
    return min((past + now) / whole, 0.99), words
