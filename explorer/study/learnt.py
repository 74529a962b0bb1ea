"""Whether a fine-tuned model has learnt its task at all: of one that has not, nothing can be claimed."""

from __future__ import annotations

import math
from collections.abc import Collection
from statistics import fmean

from explorer.stats.intervals import Score
from explorer.study.conditions import ConditionScore
from explorer.study.majority_baseline import MajorityBaseline
from explorer.tickets.structured import threshold_of


def beats_baseline(fulls: Collection[ConditionScore], line: MajorityBaseline | None, mean: float = math.nan) -> bool:
    """Tells whether full models beat the baseline: their mean does, and half of the seeds or more by their examples.

    fulls: the full model's score, one a seed. mean: what was published, where there are no seeds. True where there is
    nothing to judge by: then a score is missing, which is another thing.
    """
    known = [one for one in fulls if not math.isnan(one.score)]
    mean = fmean(one.score for one in known) if known else mean
    if line is None or math.isnan(mean):
        return True
    above = [_surely(one.score, one.low) > line.score for one in known]
    return mean > line.score and 2 * sum(above) >= len(above)


def beats(full: Score, baseline: MajorityBaseline) -> bool:
    """Tells whether one full model measurably beats the baseline: else there is nothing that a mask could lose.

    A score that has no interval, as one that every resample gives, is told by itself.
    """
    return bool(_surely(full.value, full.low) > baseline.score)


def _surely(score: float, low: float) -> float:
    """The low end of its interval; of a score that has none, as one that every resample gives, the score."""
    return score if math.isnan(low) else low


def line_to_keep(full: Score, baseline: MajorityBaseline | None) -> float | None:
    """Gives 90% of a full model's score; None where its score is undefined or not above 0, or where it does not
    measurably beat the baseline: then nothing is said of a mask by that line."""
    if not full.value > 0 or (baseline is not None and not beats(full, baseline)):
        return None
    return threshold_of(full.value)


def degenerate_words(task: str, line: MajorityBaseline | None) -> str:
    """Says that a task's full model does not beat its baseline, and what follows."""
    what = f"the majority class ({line.score:.3f})" if line and line.title == "majority class" else "its baseline"
    return (
        f"On {task} the full model does not measurably beat {what}: it has learnt nothing that pruning could keep. So "
        "there is no 90% line here, and nothing is claimed."
    )
