"""What zeros and means in the place of what is off come to, as tables and sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import pandas as pd

from explorer.stats.effects import Effect
from explorer.stats.intervals import seed_spread
from explorer.study.conditions import TICKET_KINDS
from explorer.study.mean_ablation import (
    FULL,
    PAPER,
    SAME_TICKET,
    SETTINGS,
    THROUGHOUT,
    MeanAblation,
    Setting,
    every_pair,
    over_words,
)
from explorer.study.words import span, with_interval

_LETTERS = "ab"


@dataclass(frozen=True, eq=False)
class MeansShown:
    """All that a page shows of zeros and means: it takes a bootstrap a number, so it is made once."""

    words: str
    """Sentences on what it means, as Markdown."""
    caption: str
    shares: pd.DataFrame
    """Rows as `share_rows` gives them, and so on."""
    settings: pd.DataFrame
    moved: pd.DataFrame
    unlearnt: tuple[str, ...]
    """Sentences on tasks of which nothing is claimed."""
    runs: frozenset[tuple[str, int]]
    """Task and seed of every run that is in it."""


def means_shown(tasks: Sequence[MeanAblation]) -> MeansShown:
    """Puts together what is shown of some tasks, in their order; at least one."""
    return MeansShown(
        meaning(tasks),
        caption(tasks),
        share_rows(tasks),
        setting_rows(tasks),
        moved_rows(tasks),
        tuple(f"{of.task}: {of.claims[PAPER][0].because}" for of in tasks if not of.learnt),
        frozenset((of.task, seed) for of in tasks for seed in of.runs),
    )


def setting_rows(tasks: Sequence[MeanAblation]) -> pd.DataFrame:
    """A row a task and setting: what is left of pruning, what the tickets keep of the full score, the two verdicts."""
    rows = []
    for of in tasks:
        for setting, words in SETTINGS.items():
            heads, mlps = of.kept(setting[0])
            claims = of.claims[setting]
            rows.append(
                {
                    "task": of.task,
                    "in the place of what is off": words,
                    "heads kept": heads,
                    "MLPs kept": mlps,
                    **{f"{kind}, of full": interval_words(of.share(kind, setting), ".0%") for kind in TICKET_KINDS},
                    **{f"claim ({letter})": one.verdict for letter, one in zip(_LETTERS, claims, strict=True)},
                    "over": over_words(of),
                    "n": of.n,
                }
            )
    return pd.DataFrame(rows)


def share_rows(tasks: Sequence[MeanAblation]) -> pd.DataFrame:
    """A row a task, kind and setting, with the numbers of the figure: shares of the full score and their ends."""
    rows = []
    for of in tasks:
        for kind, setting in every_pair():
            share, score = of.share(kind, setting), of.evidence(kind, setting)
            rows.append(
                {
                    "task": of.task,
                    "ticket": kind,
                    "in the place of what is off": SETTINGS[setting],
                    "score": score.mean,
                    "of the full score": share.value,
                    "low": share.low,
                    "high": share.high,
                    "full score": of.evidence(FULL).mean,
                    "over": share.over,
                    "n": of.n,
                }
            )
    return pd.DataFrame(rows)


def moved_rows(tasks: Sequence[MeanAblation]) -> pd.DataFrame:
    """A row a task and kind: the same mask scored both ways on the same examples, and how the order of parts agrees."""
    rows = []
    for of in tasks:
        ranks = [run.alone.rho for run in of.runs.values() if run.alone and not run.alone.undefined]
        for kind in TICKET_KINDS:
            rows.append(
                {
                    "task": of.task,
                    "ticket": kind,
                    "with nothing": of.evidence(kind, PAPER).mean,
                    "with means": of.evidence(kind, SAME_TICKET).mean,
                    "means minus nothing": interval_words(of.moved(kind), "+.3f"),
                    "single parts off: rank correlation": fmean(ranks) if ranks else math.nan,
                    "over": over_words(of),
                    "n": of.n,
                }
            )
    return pd.DataFrame(rows)


def interval_words(effect: Effect, style: str) -> str:
    """'92% [88%, 97%]'; without an interval the value alone, '–' where there is none."""
    return with_interval(effect.value, effect.low, effect.high, style, without="–")


def meaning(tasks: Sequence[MeanAblation]) -> str:
    """Says in a few sentences, as Markdown, whether claims (a) and (b) survive mean ablation."""
    judged = [of for of in tasks if of.learnt]
    if not judged:
        return "No task here has a model that learnt something: nothing is claimed."
    held = [_held(judged, number) for number in (0, 1)]
    words = f"**{held[0]}** {held[1]}"
    kept = [[sum(of.kept(found)) for found in (PAPER[0], THROUGHOUT[0])] for of in judged]
    nothing, means = (fmean(side) for side in zip(*kept, strict=True))
    parts = judged[0].runs[next(iter(judged[0].runs))].known.full.mask
    total = parts.heads.size + parts.mlps.size
    if abs(nothing - means) < 0.5:
        size = f"Of {total} heads and MLPs {nothing:.1f} are left on average with nothing, {means:.1f} with means."
    else:
        size = (
            f"Pruned with means, {means:.0f} of {total} heads and MLPs are left on average, with nothing "
            f"{nothing:.0f}{how_many_more([with_means - without for without, with_means in kept])}."
        )
    return f"{words} {_in_same_tickets(judged)} {size}{_same_masks(judged)}"


def how_many_more(more: Sequence[float]) -> str:
    """Says how many more parts means leave than nothing does, over tasks, with Student's interval; '' for one task."""
    spread = seed_spread(more)
    if spread.undefined:
        return ""
    fewer = sum(one < 0 for one in more)
    beyond = not spread.low <= 0 <= spread.high
    interval = with_interval(spread.mean, spread.low, spread.high, "+.0f")
    words = f": {interval} over {len(more)} tasks, fewer on {fewer}"
    return f"{words}; {'beyond noise' if beyond else 'not told from none'}"


def same_verdicts(tasks: Sequence[MeanAblation], number: int, setting: Setting = THROUGHOUT) -> int:
    """Counts the tasks on which a claim (0 for (a), 1 for (b)) gets one verdict with nothing and under a setting."""
    return len(tasks) - len(_changed(tasks, number, setting))


def _changed(tasks: Sequence[MeanAblation], number: int, setting: Setting = THROUGHOUT) -> list[str]:
    return [
        f"{of.task} ({of.claims[PAPER][number].verdict} → {of.claims[setting][number].verdict})"
        for of in tasks
        if of.claims[PAPER][number].verdict != of.claims[setting][number].verdict
    ]


def _in_same_tickets(tasks: Sequence[MeanAblation]) -> str:
    """What becomes of the claims where means are put into the tickets that were pruned with nothing."""
    words = []
    for number, letter in enumerate(_LETTERS):
        changed = _changed(tasks, number, SAME_TICKET)
        kept = f"({letter}) on {len(tasks) - len(changed)} of {len(tasks)}"
        words.append(kept + (f" (not {', '.join(changed)})" if changed else ""))
    return f"Means put into the tickets that were pruned with nothing keep the verdict on claim {', on '.join(words)}."


def _held(tasks: Sequence[MeanAblation], number: int) -> str:
    """How a claim's verdicts change from nothing to means throughout, over tasks."""
    changed = _changed(tasks, number)
    claim = f"Pruned anew with means, claim ({_LETTERS[number]})" if not number else f"Claim ({_LETTERS[number]})"
    if not changed:
        every = "this task" if len(tasks) == 1 else f"all {len(tasks)} tasks"
        return f"{claim} gets the same verdict as with nothing on {every}."
    same = same_verdicts(tasks, number)
    return f"{claim} gets the same verdict on {same} of {len(tasks)} tasks; it changes on {', '.join(changed)}."


def _same_masks(tasks: Sequence[MeanAblation]) -> str:
    """What the very same masks keep more of the full score with means, in a unit that all tasks have."""
    gained = []
    for kind in TICKET_KINDS:
        more = [of.share(kind, SAME_TICKET).value - of.share(kind, PAPER).value for of in tasks]
        known = [one for one in more if not math.isnan(one)]  # a correlation with what is constant has no value
        over = seed_spread(known) if known else None
        words = with_interval(over.mean, over.low, over.high, "+.0%") if over else "undefined"
        left_out = f" (over {len(known)})" if known and len(known) < len(tasks) else ""
        gained.append(f"{kind} {words}{left_out}")
    over_tasks = f"on average over {len(tasks)} tasks" if len(tasks) > 1 else "on this task"
    return (
        f" In the very same masks, means instead of nothing keep, {over_tasks}, of the full score: {', '.join(gained)}."
    )


def caption(tasks: Sequence[MeanAblation]) -> str:
    """Says what is drawn, over what, and where the means come from."""
    over = span(run.sample for of in tasks for run in of.runs.values())
    return (
        f"Means: over all tokens of {over} training examples, the same constant for every token (Li and Janson 2024, "
        "arXiv:2409.09951); dev is never averaged. Bars: 95% intervals, over seeds where there are several, else over "
        "dev examples. Bad and random tickets are drawn as in the study, one each a seed. Goes beyond the paper, which "
        "leaves nothing there."
    )
