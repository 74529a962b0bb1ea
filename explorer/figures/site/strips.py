"""Scores of several tickets on one scale as HTML: each seed, their mean with its interval, the published mean beside.

Drawn in percent of the width there is, so that text keeps its size on a telephone.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

from explorer.stats.effects import Evidence


@dataclass(frozen=True)
class Strip:
    """One row: a ticket as pruned or retrained."""

    name: str
    kind: str
    """pruned, retrained or full: which colour it has."""
    ours: Evidence
    theirs: Evidence


def strips(rows: Sequence[Strip], *, full: float, majority: float, majority_title: str, label: str) -> str:
    """Draws the rows on one scale. full, majority: lines across all of them, left out where nan. label: for readers
    of screens, who find the numbers in the table beside it."""
    low, high = _span(rows, (full, majority))

    def at(value: float) -> str:
        return f"{100 * (value - low) / (high - low):.2f}%"

    def line(value: float, kind: str, words: str) -> str:
        if math.isnan(value):
            return ""
        side = " s-left" if value > (low + high) / 2 else ""
        return f'<div class="s-rule {kind}{side}" style="left:{at(value)}"><span>{html.escape(words)}</span></div>'

    lanes = []
    for row in rows:
        marks = ""
        if not math.isnan(row.theirs.mean):
            sd = 0.0 if math.isnan(row.theirs.sd) else row.theirs.sd
            ends = f"left:{at(row.theirs.mean - sd)};width:{200 * sd / (high - low):.2f}%"
            marks += f'<i class="s-their-bar" style="{ends}"></i>'
            marks += f'<i class="s-their" style="left:{at(row.theirs.mean)}"></i>'
        if not math.isnan(row.ours.low):
            width = 100 * (row.ours.high - row.ours.low) / (high - low)
            marks += f'<i class="s-bar" style="left:{at(row.ours.low)};width:{width:.2f}%"></i>'
        marks += "".join(f'<i class="s-seed" style="left:{at(score)}"></i>' for score in row.ours.by_seed.values())
        if not math.isnan(row.ours.mean):
            marks += f'<i class="s-mean" style="left:{at(row.ours.mean)}"></i>'
        lanes.append(
            f'<div class="s-lane {row.kind}"><span class="s-name">{html.escape(row.name)}</span>'
            f'<div class="s-track">{marks}</div></div>'
        )
    rules = line(majority, "majority", f"{majority_title} {majority:.3f}") + line(
        full, "full", f"full model {full:.3f}"
    )
    return (
        f'<div class="s-strip" role="img" aria-label="{html.escape(label, quote=True)}">'
        f'<div class="s-rules"><div class="s-track">{rules}</div></div>{"".join(lanes)}</div>'
    )


def key(*, single: bool, theirs: bool) -> str:
    """What the marks mean. single: whether single seeds are drawn. theirs: whether the published means are."""
    marks = [("s-seed", "a seed")] if single else []
    marks += [("s-mean", "mean of the seeds"), ("s-bar", "its 95% t-interval")]
    if theirs:
        marks += [("s-their", "BERT-base as published, mean ± sample sd of 5 seeds")]
    spans = "".join(f'<span><i class="{kind}"></i>{html.escape(words)}</span>' for kind, words in marks)
    return f'<div class="s-key">{spans}</div>'


def _span(rows: Sequence[Strip], lines: Sequence[float]) -> tuple[float, float]:
    values = list(lines)
    for row in rows:
        for of in (row.ours, row.theirs):
            sd = 0.0 if math.isnan(of.sd) else of.sd
            values += [of.mean, of.low, of.high, *of.by_seed.values()]
            values += [of.mean - sd, of.mean + sd] if of is row.theirs else []
    known = [value for value in values if not math.isnan(value)] or [0.0, 1.0]
    margin = 0.05 * ((max(known) - min(known)) or 1.0)
    return min(known) - margin, max(known) + margin
