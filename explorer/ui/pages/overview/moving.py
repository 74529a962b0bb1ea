"""The overview's first sight: what the model scores while its least important heads and MLPs go."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import streamlit as st

from explorer.figures.overlays import CellOverlay, importance_overlay
from explorer.glue.metrics import FROM_ZERO, METRIC_WORDS
from explorer.mask import Mask
from explorer.store.bundle import Artefact
from explorer.store.schema import Key, Run
from explorer.store.task_tickets import shape_of
from explorer.study.learnt import degenerate_words
from explorer.study.majority_baseline import majority_score
from explorer.study.switching_off import Stop, all_off, off_since, stop_words, stops_of
from explorer.tickets.pruning_path import rows_of
from explorer.tickets.structured import THRESHOLD, threshold_of
from explorer.ui import cached, state
from explorer.ui.as_text import code, plain
from explorer.ui.view import View
from explorer.ui.widgets.hero import HeroLines, HeroSeed, HeroStop, asked_for, hero

_KEY, _TO_LAB = "overview.hero", "overview.to_lab"


def show(view: View, *, learnt: bool) -> None:
    """Draws the hero of the selected task, on the selected seed where that was pruned; else says what makes it.

    learnt: whether the full model beats its baseline on this task; where not, there is no 90% line and no share.
    """
    if st.session_state.pop(_TO_LAB, False) and "lab" in view.links:
        st.switch_page(view.links["lab"])
    run = view.run
    seeds = [made for of in view.runs if (made := _seed(view, of, learnt=learnt)) is not None]
    if not seeds:
        command = view.bundle.command_for(Key(run, "structured", "together"))
        words = f"Nothing was pruned for {plain(run.task)} yet. Make it: {code(command)}"
        st.info(words, icon=":material/content_cut:")
        return
    names = [seed.name for seed in seeds]
    own = f"Seed {run.seed}"
    runs = {f"Seed {of.seed}": of for of in view.runs}
    shapes = {seed.name: seed.stops[0].mask.heads.shape for seed in seeds}
    line = cached.majority_baseline(view, run.model, run.task)

    def to_lab() -> None:
        asked = asked_for(st.session_state.get(_KEY), {name: (shape[0], shape[1]) for name, shape in shapes.items()})
        if asked is not None:
            state.choose(runs[asked[0]])
            state.set_mask(runs[asked[0]], asked[1])
            st.session_state[_TO_LAB] = True

    hero(
        seeds,
        names.index(own) if own in names else 0,
        HeroLines(
            _measure(view, run),
            line.score if line else math.nan,
            line.title if line else "",
            "Try this mask in the lab" if "lab" in view.links and _is_computed(view, run) else "",
            "" if learnt else degenerate_words(run.task, line),
        ),
        key=_KEY,
        on_lab=to_lab,
    )


def _measure(view: View, run: Run) -> str:
    metric = METRIC_WORDS[view.task(run.task).metric]
    if not _is_computed(view, run):
        return metric
    return f"{metric} on {len(cached.known(view, run).labels):,} dev examples"


def _is_computed(view: View, run: Run) -> bool:
    return view.has(Key(run, "finetune"))


def _seed(view: View, run: Run, *, learnt: bool) -> HeroSeed | None:
    """One run's stops; None where it was neither pruned here nor imported."""
    key = Key(run, "structured", "together")
    if view.has(key) and _is_computed(view, run):
        shape = cached.known(view, run).shape
        artefact = cached.artefact(view, key)
        stops = stops_of(rows_of(artefact.table, shape))
        line = threshold_of(stops[0].score, float(artefact.manifest.config.get("share", THRESHOLD)))
        return _told(view, run, stops, line if learnt and stops[0].score > 0 else math.nan, _importance(artefact))
    shape = shape_of(view.manifests, run)
    ticket = cached.tickets(view, run).get(run.seed)
    if ticket is None or _is_computed(view, run):
        return None
    masks = (Mask.full(*shape), ticket)  # imported: where pruning ended, without scores
    stops = tuple(Stop(mask, math.nan, math.nan, math.nan, held=True) for mask in masks)
    return _told(view, run, stops, math.nan, None)


def _importance(artefact: Artefact) -> CellOverlay | None:
    """What chose the first step, measured on the full model; None where the artefact does not hold it."""
    heads, mlps = (artefact.arrays.get(f"importance_{part}") for part in ("heads", "mlps"))
    if heads is None or mlps is None or len(heads) < 2 or not (np.isfinite(heads[1]).all() and heads[1].any()):
        return None
    measured = heads[1].astype(np.float64), mlps[1].astype(np.float64)
    return importance_overlay(*measured, "Importance in the full model")


def _told(view: View, run: Run, stops: Sequence[Stop], line: float, cells: CellOverlay | None) -> HeroSeed:
    full, learnt = stops[0].score, not math.isnan(line)
    told = [
        HeroStop(
            stop.mask,
            stop.score,
            stop.low,
            stop.high,
            stop.held,
            stop_words(stop, full, learnt=learnt),
            _more(stop, line),
        )
        for stop in stops
    ]
    heads, mlps = off_since(stops)
    last = max(at for at, stop in enumerate(stops) if stop.held)
    return HeroSeed(
        f"Seed {run.seed}",
        [*told, _everything_off(view, run, stops[0].mask.heads.shape)],
        last,
        full,
        line,
        cells.overlay if cells is not None else None,  # type: ignore[arg-type]
        [
            [_cell_words(cells.head_words[i, j] if cells else "", at, last) for j, at in enumerate(row)]
            for i, row in enumerate(heads)
        ],
        [_cell_words(cells.mlp_words[i] if cells else "", at, last) for i, at in enumerate(mlps)],
    )


def _more(stop: Stop, line: float) -> str:
    """What else is to be known of a stop; nothing where no line is drawn."""
    if math.isnan(line):
        return ""
    if not stop.held:
        return "Pruning stops before this: the ticket is the stop to the left."
    crosses = stop.parts_off and stop.low < line
    return "Its 95% interval crosses the line: on other examples it may fall below." if crosses else ""


def _everything_off(view: View, run: Run, shape: tuple[int, ...]) -> HeroStop:
    """The end of the slider, which is not scored: without heads and MLPs no example can differ from another."""
    stop = all_off((shape[0], shape[1]))
    words = "Everything off: every example gets the same answer."
    metric = view.task(run.task).metric
    bound, more = "", "No correlation is left."
    if metric == "accuracy" and _is_computed(view, run):
        best = majority_score(metric, cached.known(view, run).labels)
        bound, more = f"≤ {best:.3f}", "At best that is the most frequent label. The steps between were not scored."
    elif metric in FROM_ZERO:
        more = ""
    return HeroStop(stop.mask, stop.score, stop.low, stop.high, stop.held, words, more, bound)


def _cell_words(importance: str, at: int | None, last: int) -> str:
    """What a cell is: its importance, and when it goes."""
    when = "Stays on to the end of pruning" if at is None or at > last else f"Goes off at stop {at}"
    return "\n".join(words for words in (importance, when) if words)
