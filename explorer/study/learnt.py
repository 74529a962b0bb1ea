"""Whether a fine-tuned model has learnt its task at all: of one that has not, nothing can be claimed."""

from __future__ import annotations

import math
from collections.abc import Collection
from statistics import fmean

from explorer.study.conditions import ConditionScore
from explorer.study.majority_baseline import MajorityBaseline


def beats_baseline(fulls: Collection[ConditionScore], line: MajorityBaseline | None, mean: float = math.nan) -> bool:
    """Tells whether full models beat the baseline: their mean does, and the interval over examples of most seeds.

    fulls: the full model's score, one a seed. mean: what was published, where there are no seeds. True where there is
    nothing to judge by: then a score is missing, which is another thing.
    """
    known = [one for one in fulls if not math.isnan(one.score)]
    mean = fmean(one.score for one in known) if known else mean
    if line is None or math.isnan(mean):
        return True
    judged = [one for one in known if not math.isnan(one.low)]
    return mean > line.score and 2 * sum(one.low > line.score for one in judged) >= len(judged)


def degenerate_words(task: str, line: MajorityBaseline | None) -> str:
    """Says that a task's full model does not beat its baseline, and what follows."""
    what = f"the majority class ({line.score:.3f})" if line and line.title == "majority class" else "its baseline"
    return (
        f"On {task} the full model does not measurably beat {what}: it has learnt nothing that pruning could keep. So "
        "there is no 90% line here, and nothing is claimed."
    )
