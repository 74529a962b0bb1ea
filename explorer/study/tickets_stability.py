"""How far choices of a good ticket agree, heads and MLPs together: over seeds, over examples, over thresholds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from explorer.arrays import AnyArray, BoolArray
from explorer.errors import BadRequest
from explorer.glue.tasks import MetricName
from explorer.mask import Mask
from explorer.stats.stability import Stability, chance_range, stability
from explorer.stats.weighted import draw_weights, weighted_scores
from explorer.tickets.criteria import kept_of
from explorer.tickets.pruning_path import PathRow

SHARES = tuple(percent / 100 for percent in range(95, 84, -1))
"""Thresholds that are tried: 95% to 85% of the full score."""
_RESAMPLES = 200


@dataclass(frozen=True)
class StabilityOver:
    """How far a ticket's choices agree over one thing that may change, and what chance gives."""

    over: str
    stability: Stability
    chance: tuple[float, float] | None
    """Central 95% where each choice keeps as many parts, at random; None where the stability is undefined."""
    says: str
    """A sentence for people."""


def stability_over_seeds(tickets: Mapping[int, Mask]) -> Stability:
    """Measures the stability of what seeds keep; raises BadRequest below two seeds."""
    return stability(_choices(list(tickets.values())))


def chance_over_seeds(tickets: Mapping[int, Mask]) -> tuple[float, float]:
    """Returns what chance gives in the place of `stability_over_seeds`, as `chance_range` does, with its errors."""
    return chance_range(_choices(list(tickets.values())))


def ticket_at(rows: Sequence[PathRow], scores: AnyArray, line: float) -> tuple[Mask, bool]:
    """Finds where a stored path would have ended, were its steps worth `scores` and the line that.

    Returns the last step that held in the stored run before the first of them that falls below the line, and whether
    the stored path tells it: not where all that held still hold and a step that was taken back would hold too, since
    the run would then have gone on with that. scores: (rows,).
    """
    ticket = rows[0].mask
    for number, row in enumerate(rows):
        if number and row.held:
            if not scores[number] >= line:
                return ticket, True
            ticket = row.mask
    return ticket, not any(score >= line for row, score in zip(rows, scores, strict=True) if not row.held)


def stabilities_of(
    rows: Sequence[PathRow],
    predictions: AnyArray,
    labels: AnyArray,
    metric: MetricName,
    tickets: Mapping[int, Mask],
    share: float = 0.9,
) -> tuple[StabilityOver, ...]:
    """Measures the stability of a run's ticket over seeds, over bootstrap samples of dev, and over thresholds.

    rows, predictions: the stored path and what each step answers, (rows, n). tickets: of all seeds of the task. share:
    the threshold of the run. The order in which parts go is the stored one: what is chosen anew is where to stop.
    """
    found = []
    if len(tickets) > 1:
        words = "fine-tuned with another seed and pruned"
        choices = list(tickets.values())
        found.append(_over(f"{len(tickets)} seeds", choices, f"Each choice: {words}.", independent=True))
    scores = weighted_scores(metric, predictions, labels, draw_weights([np.arange(len(labels))], _RESAMPLES))
    drawn = [ticket_at(rows, of, share * of[0]) for of in scores[1:]]
    ends = sum(not known for _, known in drawn)
    words = "where the stored path would have stopped, had the dev set been another sample of as many examples."
    if ends:
        words += f" In {ends} of {len(drawn)} it would have gone beyond its stored end, which is then taken: they may "
        words += "agree less than it seems."
    found.append(
        _over(f"{len(drawn)} bootstrap samples of the dev set", [mask for mask, _ in drawn], f"Each choice: {words}")
    )
    at = [(one, *ticket_at(rows, scores[0], one * scores[0, 0])) for one in SHARES]
    known = [(one, mask) for one, mask, there in at if there]
    if len(known) > 1:
        words = f"Each choice: the threshold from {known[0][0]:.0%} down to {known[-1][0]:.0%} of the full score."
        if len(known) < len(at):
            words += f" Below {known[-1][0]:.0%} the stored path does not tell: it ends at the paper's 90%."
        found.append(_over(f"{len(known)} thresholds", [mask for _, mask in known], words))
    return tuple(found)


def _over(over: str, masks: Sequence[Mask], says: str, *, independent: bool = False) -> StabilityOver:
    chosen = _choices(masks)
    found = stability(chosen, independent=independent)
    return StabilityOver(over, found, None if found.undefined else chance_range(chosen), says)


def _choices(masks: Sequence[Mask]) -> BoolArray:
    if len(masks) < 2:
        raise BadRequest("Stability needs two choices or more.")
    return np.array([kept_of(mask) for mask in masks], np.bool_)
