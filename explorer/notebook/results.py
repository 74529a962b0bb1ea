"""What a run answers in a notebook: numbers, and the figure that the app draws of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from explorer.arrays import AnyArray, Float32Array, Float64Array
from explorer.glue.tasks import METRIC_WORDS, Task
from explorer.glue.tokens import Tokens
from explorer.mask import Mask
from explorer.patterns.per_head import MapKind
from explorer.stats.against_full import Comparison
from explorer.stats.intervals import Score
from explorer.stats.paired import PairedDifference

if TYPE_CHECKING:  # what is slow to import waits until a call needs it
    import plotly.graph_objects as go

    from explorer.figures.overlays import CellOverlay
    from explorer.stats.survival import Survival
    from explorer.tickets.pruning_path import PruningPath

_INCHES = 6.5
"""Width of a head grid."""


@dataclass(frozen=True, eq=False, repr=False)
class MaskScore:
    """The score of a mask beside the full model's on the same examples."""

    mask: Mask
    source: str
    """Where the examples, or a stored score, come from, in words."""
    comparison: Comparison
    predictions: AnyArray
    """(n,): predicted classes or values."""

    @property
    def score(self) -> Score:
        """The mask's score with its 95% interval over examples."""
        return self.comparison.score

    @property
    def full(self) -> Score:
        """The full model's score with its interval."""
        return self.comparison.full

    @property
    def difference(self) -> PairedDifference:
        """The score minus the full model's, paired, with its interval and whether it is within noise."""
        return self.comparison.difference

    def __repr__(self) -> str:
        found, this = self.difference, self.score
        noise = "within noise" if found.within_noise else "more than noise"
        return (
            f"{METRIC_WORDS[this.metric]} {_interval(this.value, this.low, this.high)}, "
            f"n = {this.n:,} ({self.source}); "
            f"the full model has {self.full.value:.3f}, difference "
            f"{_interval(found.difference, found.low, found.high)}: {noise}"
        )

    def figure(self) -> go.Figure:
        """Draws both scores with their intervals and the 90% line."""
        from explorer.figures.score import score_figure
        from explorer.study.learnt import line_to_keep

        return score_figure(self.score, self.full, line_to_keep(self.full, None))


@dataclass(frozen=True, eq=False)
class ImportanceScores:
    """How strongly the loss reacts to each head and MLP: mean absolute gradient of the gates, raw."""

    heads: Float64Array
    """(L, H)"""
    mlps: Float64Array
    """(L,)"""

    def figure(self) -> go.Figure:
        """Draws the head grid, coloured by importance as pruning ranks it: normalised within each layer."""
        from explorer.figures.overlays import importance_overlay

        return _grid(importance_overlay(self.heads, self.mlps))


@dataclass(frozen=True, eq=False)
class PruningScores:
    """A pruning run: its steps, their scores, and the good ticket that it ended with."""

    path: PruningPath
    task: Task

    @property
    def ticket(self) -> Mask:
        """The good ticket: the mask of the last step that held."""
        return self.path.ticket.mask

    def figure(self) -> go.Figure:
        """Draws the score of every step with its interval, and the line below which a step is taken back."""
        from explorer.figures.print.path import printed_path

        return printed_path(self.path, metric=self.task.metric_words)


@dataclass(frozen=True, eq=False)
class TaskSurvival:
    """Which heads and MLPs survive pruning in how many fine-tuning seeds."""

    tickets: Mapping[int, Mask]
    """Seed -> good ticket."""
    share: Survival

    def figure(self) -> go.Figure:
        """Draws the head grid, coloured by the share of seeds in which each part survives."""
        from explorer.figures.overlays import survival_overlay

        return _grid(survival_overlay(self.tickets))


@dataclass(frozen=True, eq=False)
class AttentionMap:
    """What one head looks at in one text of T tokens."""

    layer: int
    head: int
    tokens: Tokens
    values: Float32Array
    """(T, T): row i is what token i reads."""
    kind: MapKind

    def figure(self) -> go.Figure:
        """Draws the map with its tokens: a row reads, a column is read."""
        from explorer.figures.attention import map_figure

        unit = "attention" if self.kind == "raw" else "norm-weighted attention"
        return map_figure(self.values, self.tokens, dark=False, unit=unit)


def grid_figure(mask: Mask) -> go.Figure:
    """Draws a mask as the head grid: a row a layer, MLPs in a column of their own, what is off crossed out."""
    from explorer.figures.print.head_grid import grid_figure as drawn

    return drawn(mask, _INCHES)


def _grid(cells: CellOverlay) -> go.Figure:
    from explorer.figures.print.head_grid import grid_figure as drawn

    n_layers, n_heads = cells.head_words.shape
    figure = drawn(Mask.full(n_layers, n_heads), _INCHES, fill=cells.overlay)
    words = np.hstack([cells.head_words, np.full((n_layers, 1), ""), cells.mlp_words[:, None]])
    return figure.update_traces(text=words, hovertemplate="%{text}<extra></extra>", selector={"type": "heatmap"})


def _interval(value: float, low: float, high: float) -> str:
    return f"{value:.3f}" + ("" if np.isnan(low) else f" ({low:.3f} to {high:.3f})")
