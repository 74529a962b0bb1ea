"""The model that loses its heads under a slider: every stop with its score and sentence, as the browser is told.

The overview draws it in the app, the static site from a file; both say the same of a stop.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from explorer.figures.grid_overlays import Overlay, to_json
from explorer.figures.overlays import CellOverlay, importance_overlay
from explorer.glue.metrics import FROM_ZERO
from explorer.glue.tasks import METRIC_WORDS, MetricName
from explorer.mask import Mask
from explorer.store.bundle import Artefact
from explorer.store.schema import Run
from explorer.study.majority_baseline import majority_score
from explorer.study.stored_scores import KnownRun
from explorer.study.switching_off import Stop, all_off, off_since, stop_words, stops_of
from explorer.tickets.pruning_path import rows_of
from explorer.tickets.structured import THRESHOLD, threshold_of


@dataclass(frozen=True)
class HeroStop:
    """A place of the slider: a mask with its score, and a sentence that says what is seen."""

    stop: Stop
    sentence: str
    more: str = ""
    """A second, quieter sentence."""
    bound: str = ""
    """What stands in place of a score that is not stored, as '≤ 0.684'."""


@dataclass(frozen=True, eq=False)
class HeroSeed:
    """One run: the stops of its slider, everything off last, and how its grid is coloured."""

    name: str
    stops: Sequence[HeroStop]
    start: int
    """The stop that it opens on."""
    full: float
    line: float
    """The 90% line; nan where none is drawn."""
    fill: Overlay | None
    hover_heads: Sequence[Sequence[str]]
    hover_mlps: Sequence[str]


@dataclass(frozen=True)
class HeroLines:
    """What all seeds of a task share on screen."""

    measure: str
    """What the score is: 'accuracy on 408 dev examples'."""
    baseline: float
    """nan where none is known."""
    baseline_title: str
    lab: str = ""
    """The words of the button that opens the mask in the lab; '' leaves it out."""
    note: str = ""
    """A sentence that stays below: why nothing is claimed here."""


def hero_data(seeds: Sequence[HeroSeed], start: int, lines: HeroLines) -> dict[str, Any]:
    """What the browser is told, fit for JSON: None for every nan."""
    shape = seeds[0].stops[0].stop.mask.heads.shape
    return {
        "layers": shape[0],
        "heads": shape[1],
        "start": start,
        "measure": lines.measure,
        "baseline": _number(lines.baseline),
        "baselineTitle": lines.baseline_title,
        "lab": lines.lab,
        "note": lines.note,
        "span": list(_span(seeds, lines)),
        "seeds": [
            {
                "name": seed.name,
                "start": seed.start,
                "full": _number(seed.full),
                "line": _number(seed.line),
                "fill": to_json(seed.fill),
                "hover": {"heads": [list(row) for row in seed.hover_heads], "mlps": list(seed.hover_mlps)},
                "stops": [_told(stop) for stop in seed.stops],
            }
            for seed in seeds
        ],
    }


def pruned_seed(artefact: Artefact, known: KnownRun, *, learnt: bool) -> HeroSeed:
    """One run's stops from its pruning path. learnt: whether the full model beats its baseline; else no line is drawn.

    Raises BadMask where the path's masks are for another shape.
    """
    stops = stops_of(rows_of(artefact.table, known.shape))
    line = threshold_of(stops[0].score, float(artefact.manifest.config.get("share", THRESHOLD)))
    line = line if learnt and stops[0].score > 0 else math.nan
    return _seed(artefact.manifest.key.run, stops, line, _importance(artefact), known)


def imported_seed(run: Run, ticket: Mask) -> HeroSeed:
    """The full model and the ticket of a run that was imported: where pruning ended, without scores."""
    masks = (Mask.full(*ticket.heads.shape), ticket)
    stops = tuple(Stop(mask, math.nan, math.nan, math.nan, held=True) for mask in masks)
    return _seed(run, stops, math.nan, None, None)


def measure_words(metric: MetricName, known: KnownRun | None) -> str:
    """What the score is: 'accuracy on 408 dev examples'; of an imported run, whose data are not known, 'accuracy'."""
    words = METRIC_WORDS[metric]
    return words if known is None else f"{words} on {len(known.labels):,} dev examples"


def _told(shown: HeroStop) -> dict[str, Any]:
    stop = shown.stop
    return {
        "code": stop.mask.code,
        "off": stop.parts_off,
        "score": _number(stop.score),
        "low": _number(stop.low),
        "high": _number(stop.high),
        "held": stop.held,
        "sentence": shown.sentence,
        "more": shown.more,
        "bound": shown.bound,
    }


def _span(seeds: Sequence[HeroSeed], lines: HeroLines) -> tuple[float, float]:
    """The scores at the bottom and the top of the curve, the same for every seed and stop."""
    drawn = [lines.baseline]
    for seed in seeds:
        drawn += [seed.full, seed.line]
        drawn += [value for stop in seed.stops for value in (stop.stop.score, stop.stop.low, stop.stop.high)]
    known = [value for value in drawn if not math.isnan(value)] or [0.0, 1.0]
    margin = 0.08 * ((max(known) - min(known)) or 1.0)
    return min(known) - margin, max(known) + margin


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 5)


def _importance(artefact: Artefact) -> CellOverlay | None:
    """What chose the first step, measured on the full model; None where the artefact does not hold it."""
    heads, mlps = (artefact.arrays.get(f"importance_{part}") for part in ("heads", "mlps"))
    if heads is None or mlps is None or len(heads) < 2 or not (np.isfinite(heads[1]).all() and heads[1].any()):
        return None
    measured = heads[1].astype(np.float64), mlps[1].astype(np.float64)
    return importance_overlay(*measured, "Importance in the full model")


def _seed(run: Run, stops: Sequence[Stop], line: float, cells: CellOverlay | None, known: KnownRun | None) -> HeroSeed:
    full, learnt = stops[0].score, not math.isnan(line)
    told = [HeroStop(stop, stop_words(stop, full, learnt=learnt), _more(stop, line)) for stop in stops]
    heads, mlps = off_since(stops)
    last = max(at for at, stop in enumerate(stops) if stop.held)
    return HeroSeed(
        f"Seed {run.seed}",
        [*told, _everything_off(known, stops[0].mask.heads.shape)],
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


def _everything_off(known: KnownRun | None, shape: tuple[int, ...]) -> HeroStop:
    """The end of the slider, which is not scored: without heads and MLPs no example can differ from another."""
    stop = all_off((shape[0], shape[1]))
    words = "Everything off: every example gets the same answer."
    bound, more = "", ""
    if known is not None and known.task.metric == "accuracy":
        best = majority_score(known.task.metric, known.labels)
        bound, more = f"≤ {best:.3f}", "At best that is the most frequent label. The steps between were not scored."
    elif known is not None and known.task.metric not in FROM_ZERO:
        more = "No correlation is left."
    return HeroStop(stop, words, more, bound)


def _cell_words(importance: str, at: int | None, last: int) -> str:
    """What a cell is: its importance, and when it goes."""
    when = "Stays on to the end of pruning" if at is None or at > last else f"Goes off at stop {at}"
    return "\n".join(words for words in (importance, when) if words)
