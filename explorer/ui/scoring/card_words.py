"""What the lab's score card says of a mask: its task's axis, the verdict in a line, two lines of words, the rest."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from explorer.figures.signed import signed
from explorer.glue.metrics import FROM_ZERO
from explorer.glue.tasks import Task
from explorer.mask import Mask
from explorer.stats.against_full import Comparison
from explorer.stats.intervals import Score, score_with_interval
from explorer.stats.paired import SAME_PREDICTIONS
from explorer.study.learnt import beats, line_to_keep
from explorer.study.majority_baseline import MajorityBaseline
from explorer.study.stored_scores import KnownRun
from explorer.tickets.structured import threshold_of
from explorer.ui.scoring.score_panel import in_words
from explorer.ui.widgets.score_card import Axis, Card, Kind, Spot, Stored
from explorer.ui.widgets.words import minus

if TYPE_CHECKING:
    from explorer.live.evaluation import Partial

_NARROWEST = 0.1
"""Shortest stretch of the axis between baseline and full model, so that noise does not look like a landslide."""
_BELOW, _ABOVE = 0.45, 0.3
"""Room beyond the two, as shares of the axis between them."""


def axis_of(full: Score, baseline: MajorityBaseline) -> Axis | None:
    """Makes the axis of a task's scores, from the full model and the baseline alone; None where one is undefined."""
    if not math.isfinite(full.value):
        return None
    reach = max(full.value - baseline.score, _NARROWEST)
    lowest = 0.0 if full.metric in FROM_ZERO else -1.0
    low = max(lowest, min(baseline.score, full.value) - _BELOW * reach)
    high = min(1.0, max(baseline.score, full.value) + _ABOVE * reach)
    return Axis(
        low, max(high, full.value + 0.01), spot(full), baseline.score, baseline.title, line_to_keep(full, baseline)
    )


def spot(score: Score) -> Spot:
    """The place of a score on the axis, with its interval where it has one."""
    if not math.isfinite(score.low):
        return Spot(score.value)
    return Spot(score.value, score.low, score.high)


def exact(
    code: str,
    title: str,
    found: Comparison,
    baseline: MajorityBaseline,
    *,
    is_full: bool,
    provenance: str,
    part: str = "",
) -> Card:
    """The card of a score on every example. title: what it is on; is_full: whether it is the full model's own.

    part: which part of the diagnostics it is on; '' where they are not.
    """
    score = found.score
    return Card(
        code,
        title,
        value=_value(score),
        against=_against(found.difference.difference, is_full),
        interval=f"{_interval(score)}, n = {score.n:,}" + (f" ({part})" if part else ""),
        axis=axis_of(found.full, baseline),
        dot=spot(score) if math.isfinite(score.value) else None,
        chip=verdict(score, found.full, baseline, is_full=is_full),
        lines=("Everything is on. Click a cell to switch it off.",) if is_full else _lines(found),
        folded=_folded(found, baseline, provenance),
    )


def running(code: str, title: str, so_far: Partial, full: Comparison, baseline: MajorityBaseline, words: str) -> Card:
    """The card of a score on the examples so far."""
    score, difference = so_far.score, so_far.difference
    interval = (
        score.undefined
        or f"All {so_far.total:,} will say {_plain(score.low)} to {_plain(score.high)} ({so_far.covers})"
    )
    nothing = difference.note == SAME_PREDICTIONS
    return Card(
        code,
        title,
        value=f"≈ {_value(score)}",
        against=_against(difference.difference, False),
        interval=interval,
        axis=axis_of(full.score, baseline),
        dot=spot(score) if math.isfinite(score.value) else None,
        chip=("wait", words),
        lines=(f"No answer has changed on the first {so_far.done:,}; the others may.",) if nothing else (),
        progress=so_far.done / so_far.total,
    )


def waiting(code: str, title: str, full: Score | None, baseline: MajorityBaseline, words: str) -> Card:
    """The card before the first number. full: the full model's score, where it is known."""
    return Card(code, title, axis=axis_of(full, baseline) if full else None, chip=("wait", words), progress=0.0)


def unknown(code: str, title: str, full: Score, baseline: MajorityBaseline) -> Card:
    """The card of a mask that can be neither looked up nor scored."""
    lines = ("Presets and single switches have a stored score; others need the checkpoint and the data.",)
    words = "No stored score for this mask"
    return Card(code, title, value="–", axis=axis_of(full, baseline), chip=("none", words), lines=lines)


def verdict(score: Score, full: Score, baseline: MajorityBaseline, *, is_full: bool) -> tuple[Kind, str]:
    """The verdict in a line; none where the full model does not beat the baseline."""
    if not beats(full, baseline):
        return "none", f"No verdict: the full model does not beat the {baseline.title}"
    if is_full:
        return "full", "This is the full model"
    if not math.isfinite(score.value):
        return "none", "The score is undefined"
    line = threshold_of(full.value)
    name = "the 90% line" if full.value > 0 else "the full model's score"
    if score.value >= line:
        return "above", f"Above {name}" + (", clearly" if score.low >= line else ", but not clearly")
    return "below", f"Below {name}" + (", clearly" if score.high < line else ", but not clearly")


def stored_of(known: KnownRun, mask: Mask, line: float | None) -> Stored:
    """The bundle's own score of the mask, on the task's dev set. line: the 90% line there; None where there is none."""
    title = metric_on(known.task, f"{known.task.name} dev, stored in this bundle")
    found = known.by_code.get(mask.code)
    if found is None:
        full = _plain(known.full.score)
        about = f"Not stored for this mask: presets and single switches are. The full model's is {full}."
        return Stored(title, "–", about)
    score = score_with_interval(known.task.metric, found.predictions, known.labels)
    side = ""
    if line is not None and mask != known.full.mask:
        side = f": {'above' if score.value >= line else 'below'} its 90% line ({_plain(line)})"
    about = f"{_interval(score)}, n = {score.n:,} ({found.origin}){side}"
    return Stored(title, _value(score), about)


def metric_on(task: Task, where: str) -> str:
    """'Accuracy on SST-2 dev'."""
    return f"{task.metric_words.capitalize()} on {where}"


def _lines(found: Comparison) -> tuple[str, ...]:
    difference, n = found.difference, found.score.n
    if found.same:
        return ("Every answer is the full model's.",)
    if found.task.is_regression:
        first = f"{found.changed:,} of {n:,} values change."
    else:
        first = f"{found.changed:,} of {n:,} answers change: {found.broken:,} turn wrong, {found.fixed:,} turn right."
    noise = "within noise" if difference.within_noise else "larger than noise"
    return first, f"The difference from the full model is {noise}."


def _folded(found: Comparison, baseline: MajorityBaseline, provenance: str) -> tuple[str, ...]:
    score = found.score
    words = [in_words(found).replace("**", ""), f"{_interval(score)}: {score.method}, n = {score.n:,}."]
    if not beats(found.full, baseline):
        full = found.full
        words.append(
            f"The full model scores {_plain(full.value)} [{_plain(full.low)}, {_plain(full.high)}] here, the "
            f"{baseline.title} {_plain(baseline.score)}: there is nothing that a mask could lose."
        )
    return (*words, provenance.replace("**", ""))


def _interval(score: Score) -> str:
    return score.undefined or f"95% interval {_plain(score.low)} to {_plain(score.high)}"


def _against(difference: float, is_full: bool) -> str:
    if is_full:
        return "the full model"
    if math.isnan(difference):
        return ""
    change = signed(difference)
    return "as much as the full model" if change == "0.000" else f"{change} against the full model"


def _value(score: Score) -> str:
    return "undefined" if math.isnan(score.value) else _plain(score.value)


def _plain(value: float) -> str:
    return minus(f"{value:.3f}")
