"""Does the gradient tell what switching a part off costs? Importance against the score lost by each ablation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from explorer.arrays import Float64Array
from explorer.figures.palette import FULL_MODEL, THIS_MASK, quiet
from explorer.stats.ranks import RankAgreement, ablation_losses, importance_against_ablation
from explorer.study.words import minus, p_words

CLOSE = 0.7
"""Spearman's rho from which two orders are called much the same."""


@dataclass(frozen=True, eq=False)
class Side:
    """The heads, or the MLPs, of one run."""

    word: str
    """'head' or 'MLP'."""
    names: Sequence[str]
    """Names for the hover, flat: 'Layer 3, head 10'."""
    importance: Float64Array
    """Raw importance, as the gradient gives it."""
    loss: Float64Array
    """Score lost when each alone is off."""
    agreement: RankAgreement


def sides_of(importance: tuple[Float64Array, Float64Array], losses: dict[str, float]) -> list[Side]:
    """Pairs raw importance (L, H) and (L,) with losses named as stage ablations does ('head 0 3'): heads, then MLPs.

    Raises BadRequest as `stats.ranks` does.
    """
    n_layers, n_heads = importance[0].shape
    loss = ablation_losses(losses, n_layers, n_heads)
    names = (
        [f"Layer {layer + 1}, head {head + 1}" for layer in range(n_layers) for head in range(n_heads)],
        [f"Layer {layer + 1}, MLP" for layer in range(n_layers)],
    )
    agreement = importance_against_ablation(importance, loss)
    return [Side(*side) for side in zip(("head", "MLP"), names, importance, loss, agreement, strict=True)]


def importance_figure(sides: Sequence[Side], *, metric: str, height: int = 360) -> go.Figure:
    """Draws a panel for each side: one point a part; the two axes of a panel are its own."""
    figure = make_subplots(cols=len(sides), subplot_titles=[_title(side) for side in sides], horizontal_spacing=0.12)
    for column, side in enumerate(sides, start=1):
        figure.add_scatter(
            x=side.importance.ravel(),
            y=side.loss.ravel(),
            mode="markers",
            marker={
                "size": 9 if column == 1 else 12,
                "opacity": 0.75,
                "color": FULL_MODEL if column == 1 else THIS_MASK,
                "symbol": "circle" if column == 1 else "square",
            },
            customdata=list(side.names),
            hovertemplate="<b>%{customdata}</b><br>importance %{x:.3g}<br>" + metric + " lost %{y:+.3f}<extra></extra>",
            showlegend=False,
            row=1,
            col=column,
        )
        figure.add_hline(y=0, line={"width": 1, "color": "gray", "dash": "dot"}, row=1, col=column)
        logarithmic = bool((side.importance > 0).all())
        figure.update_xaxes(
            title="importance" + (" (log scale)" if logarithmic else ""),
            type="log" if logarithmic else "linear",
            nticks=4,
            dtick=1 if logarithmic and np.ptp(np.log10(side.importance)) > 1 else None,
            row=1,
            col=column,
        )
    figure.update_yaxes(title=f"{metric} lost when it alone is off", row=1, col=1)
    figure.update_annotations(font_size=14, selector={"yanchor": "bottom"})
    return quiet(figure, height=height)


def verdict(side: Side) -> str:
    """One sentence: what the rank correlation says, beside its level by chance."""
    found = side.agreement
    parts = f"{found.n} {side.word}s"
    if found.undefined:
        return f"{parts}: no answer. {found.undefined}"
    chance = f"{found.rho:.2f}, where orders drawn at random give {found.chance_low:.2f} to {found.chance_high:.2f}"
    chance = minus(chance)
    p = p_words(found.p)
    if found.p >= 0.05:
        says = f"nothing tells the order of the {parts} from chance"
    elif found.rho < 0:
        says = f"the {parts} go the other way: the gradient ranks high what costs little"
    elif found.rho < CLOSE:
        says = f"for the {parts}, in part: the order agrees, though far from always"
    else:
        says = f"for the {parts}, by and large: both order them much alike"
    return f"{says[0].upper()}{says[1:]} (Spearman's rho {chance}; {p})."


def _title(side: Side) -> str:
    rho = "undefined" if side.agreement.undefined else f"{side.agreement.rho:.2f}"
    return minus(f"{side.agreement.n} {side.word}s: rho {rho}")
