"""The overview's small figures: scores over seeds beside the published ones, and agreement beside chance.

Traces and lines are collected first and made a figure at once: Plotly's add_* functions are several times slower.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import plotly.graph_objects as go

from explorer.figures.palette import FULL_MODEL, QUIET, quiet_layout
from explorer.stats.agreement import Agreement
from explorer.stats.effects import Evidence
from explorer.study.claims import FAIR, SUBSTANTIAL
from explorer.study.words import minus

ROW = 44
"""Pixels a row takes."""
_BELOW = 0.3
"""How far under our points the published one stands, in rows."""


@dataclass(frozen=True)
class StripRow:
    """One condition: our seeds, and the published mean and spread."""

    label: str
    ours: Evidence
    theirs: Evidence


@dataclass(frozen=True)
class _Parts:
    """Traces, lines and notes that a figure is made of."""

    traces: list[dict[str, Any]] = field(default_factory=list)
    shapes: list[dict[str, Any]] = field(default_factory=list)
    notes: list[dict[str, Any]] = field(default_factory=list)

    def points(self, x: Sequence[float], y: float, hover: str, **more: Any) -> None:
        """A trace of points in one row."""
        trace = {"type": "scatter", "mode": "markers", "x": list(x), "y": [y] * len(x)}
        self.traces.append(trace | {"hovertemplate": f"{hover}<extra></extra>"} | more)

    def line(self, x: float, dash: str) -> None:
        """Adds a line across all rows."""
        style = {"width": 1, "dash": dash, "color": QUIET}
        self.shapes.append({"type": "line", "x0": x, "x1": x, "y0": 0, "y1": 1, "yref": "paper", "line": style})

    def note(self, x: float, text: str, anchor: str, above: int = 0) -> None:
        """Adds small words above the rows, that many pixels higher than usual."""
        where = {"x": x, "y": 1, "yref": "paper", "yshift": above, "xanchor": anchor, "yanchor": "bottom"}
        self.notes.append(where | {"text": text, "showarrow": False, "font": {"size": 11, "color": QUIET}})

    def figure(self, labels: Sequence[str], xaxis: dict[str, Any]) -> go.Figure:
        """A row for each label, the first on top."""
        yaxis = {
            "tickvals": [-at for at in range(len(labels))],
            "ticktext": list(labels),
            "tickfont": {"size": 13},
            "range": [-len(labels) + 0.35, 0.55],
            "showgrid": False,
            "zeroline": False,
        }
        layout = quiet_layout(84 + ROW * len(labels)) | {
            "xaxis": {"zeroline": False} | xaxis,
            "yaxis": yaxis,
            "showlegend": False,
            "shapes": self.shapes,
            "annotations": self.notes,
            "margin": {"l": 10, "r": 10, "t": 34, "b": 8},
        }
        return go.Figure(self.traces, layout)


def score_strip(
    rows: Sequence[StripRow],
    *,
    metric: str,
    colour: str,
    full: float = math.nan,
    majority: float = math.nan,
    majority_title: str = "",
) -> go.Figure:
    """Draws a row a condition: a point a seed, a bar at their mean; under them, hollow, the published mean with its sd.

    Lines: the full model's mean (solid) and what answers without reading score (dashed); nan leaves one out.
    """
    parts = _Parts()
    for at, row in enumerate(rows):
        _row(parts, -at, row, colour)
    span = _span(rows, full, majority)
    for x, dash, text, side in ((full, "solid", "full model", "left"), (majority, "dash", majority_title, "right")):
        if not math.isnan(x):
            share = (x - span[0]) / (span[1] - span[0])
            parts.line(x, dash)
            inwards = "left" if share < 0.25 else "right" if share > 0.75 else side
            close = abs(full - majority) < 0.35 * (span[1] - span[0])
            parts.note(x, text, inwards, 14 if close and text == majority_title else 0)
    return parts.figure([row.label for row in rows], {"title": {"text": metric}, "nticks": 7, "range": span})


def agreement_strip(kinds: Sequence[Agreement], published_kappas: Mapping[str, float]) -> go.Figure:
    """Draws Fleiss' kappa of heads and MLPs over the interval that chance gives each; hollow: published, for heads."""
    parts = _Parts()
    labels = ["MLPs" if of.kind == "mlps" else "heads" for of in kinds]
    for at, (of, label) in enumerate(zip(kinds, labels, strict=True)):
        kappa = of.fleiss_kappa
        if kappa.chance is not None:
            low, high = kappa.chance.low, kappa.chance.high
            hover = minus(f"{label}, by chance: {low:.2f} to {high:.2f}")
            band = {"width": 12, "color": "rgba(128,128,128,0.35)"}
            parts.points([low, high], -at, hover, mode="lines", line=band)
        if not math.isnan(kappa.value):
            hover = f"{label}, {len(of.seeds)} seeds: %{{x:.2f}}"
            parts.points([kappa.value], -at, hover, marker={"size": 13, "color": FULL_MODEL})
        if of.kind == "heads" and published_kappas:
            hover = "BERT-base on %{customdata}, as published: %{x:.2f}"
            x, names = list(published_kappas.values()), list(published_kappas)
            parts.points(x, -at - _BELOW, hover, marker=_DIAMOND, customdata=names)
    for limit in (FAIR, SUBSTANTIAL):
        parts.line(limit, "dot")
    parts.note((FAIR + SUBSTANTIAL) / 2, "moderate", "center")
    parts.note((SUBSTANTIAL + 1) / 2, "substantial", "center")
    xaxis = {"title": {"text": "Fleiss' kappa"}, "range": [-0.32, 1.04], "tickvals": [0, 0.2, 0.4, 0.6, 0.8, 1]}
    return parts.figure(labels, xaxis)


_DIAMOND = {"symbol": "diamond-open", "size": 9, "color": QUIET, "line": {"width": 1.5}}
"""The published value."""


def _row(parts: _Parts, y: float, row: StripRow, colour: str) -> None:
    values = list(row.ours.by_seed.values())
    dots = {"size": 9, "color": colour, "opacity": 0.55 if len(values) > 1 else 1}
    seeds = [str(seed) for seed in row.ours.by_seed]
    parts.points(values, y, f"{row.label}, seed %{{customdata}}: %{{x:.3f}}", marker=dots, customdata=seeds)
    if not math.isnan(row.ours.mean) and len(values) != 1:
        bar = {"symbol": "line-ns", "size": 22, "line": {"width": 3, "color": colour}}
        parts.points([row.ours.mean], y, f"{row.label}, mean of {row.ours.n_seeds}: %{{x:.3f}}", marker=bar)
    if not math.isnan(row.theirs.mean):
        whisker = {"type": "data", "array": [row.theirs.sd], "thickness": 1, "width": 3, "color": QUIET}
        hover = f"{row.label}, BERT-base as published: %{{x:.3f}} ± {row.theirs.sd:.3f}"
        parts.points([row.theirs.mean], y - _BELOW, hover, marker=_DIAMOND, error_x=whisker)


def _span(rows: Sequence[StripRow], *lines: float) -> tuple[float, float]:
    """Range from a little below everything drawn to a little above."""
    drawn = [x for row in rows for x in (*row.ours.by_seed.values(), row.ours.mean)]
    for row in rows:
        sd = 0.0 if math.isnan(row.theirs.sd) else row.theirs.sd
        drawn += [row.theirs.mean - sd, row.theirs.mean + sd]
    known = [x for x in (*drawn, *lines) if not math.isnan(x)] or [0.0, 1.0]
    low, high = min(known), max(known)
    margin = 0.06 * (high - low or 1.0)
    return low - margin, high + margin
