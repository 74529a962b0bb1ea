"""The large number of a screen: a stored or live score, or the effect that a claim rests on, with its interval."""

from __future__ import annotations

import math
from dataclasses import dataclass

from explorer.mask import Mask
from explorer.stats.effects import Effect
from explorer.stats.intervals import Score, score_with_interval
from explorer.study.learnt import line_to_keep
from explorer.ui.pages.stage.story_values import Material, score_text
from explorer.ui.widgets.words import against_line, minus


@dataclass(frozen=True)
class Figure:
    """The large number of a screen."""

    value: str
    words: str
    small: str = ""
    """Interval of the number and what it is over."""


def stored_figure(of: Material, mask: Mask) -> Figure:
    """A mask's stored score; a dash where the bundle has none."""
    name, found = of.known.task.metric_words, of.known.by_code.get(mask.code)
    if found is None:
        return Figure("–", name, "No stored score for this mask")
    known = of.known
    score, full = (score_with_interval(known.task.metric, one.predictions, known.labels) for one in (found, known.full))
    return score_figure_words(name, score, line_to_keep(full, of.sheet.majority))


def score_figure_words(name: str, score: Score, line: float | None) -> Figure:
    """'0.750', 'accuracy, above the 90% line (0.737), but not clearly', '95% interval 0.706 to 0.790, n = 408'.

    line: None where the full model is no measure.
    """
    value, low, high = score.value, score.low, score.high
    interval = f"95% interval {low:.3f} to {high:.3f}, " if low == low else ""
    words = name if line is None else f"{name}, {against_line(value, low, high, line)}"
    return Figure(score_text(value) or "undefined", words, minus(f"{interval}n = {score.n:,}"))


def effect_figure(effect: Effect, style: str, words: str) -> Figure:
    """An effect with its interval and what it is over; a dash where it is not known yet. style: as in '+.3f'."""
    if math.isnan(effect.value):
        return Figure("–", f"{words}: not known yet")
    interval = f"95% interval {effect.low:{style}} to {effect.high:{style}}" if effect.low == effect.low else ""
    small = ", ".join(part for part in (minus(interval), effect.over) if part)
    return Figure(minus(f"{effect.value:{style}}"), words, small)
