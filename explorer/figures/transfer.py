"""What a ticket of one task is worth on another task's model: a square a pair, beside random masks of its size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from explorer.figures.palette import quiet
from explorer.figures.signed import signed
from explorer.figures.surplus import surplus_squares
from explorer.study.transfer import Transferred
from explorer.study.words import minus


def transfer_figure(cells: Sequence[Transferred], unlearnt: Mapping[str, str], *, dark: bool = False) -> go.Figure:
    """Draws each ticket (a row) on each model (a column): its share of the full score, and how many random masks it
    beats, in bold where it beats all of them beyond noise. Colour: its share minus the random masks' mean share.

    unlearnt: models that have learnt nothing, whose squares are empty.
    """
    tickets, models = (list(dict.fromkeys(getattr(one, name) for one in cells)) for name in ("ticket", "task"))
    at = {(one.ticket, one.task): one for one in cells}
    surplus = np.full((len(tickets), len(models)), np.nan)
    texts, hover = ([["" for _ in models] for _ in tickets] for _ in range(2))
    for row, ticket in enumerate(tickets):
        for column, model in enumerate(models):
            one = at.get((ticket, model))
            if one is None or model in unlearnt:
                texts[row][column], hover[row][column] = "–", unlearnt.get(model, "not made")
                continue
            share, hover[row][column] = minus(f"{one.share:.0%}"), _hover(one)
            if one.whole:
                texts[row][column] = share
                continue
            surplus[row, column] = one.share - one.random_share
            words = f"{share}<br>{one.beaten}/{one.draws}"
            texts[row][column] = f"<b>{words}</b>" if one.better else words
    figure = surplus_squares(
        surplus,
        tickets,
        models,
        texts,
        hover,
        title="beyond<br>random",
        least=0.05,
        told="ticket of %{y} on %{x}",
        dark=dark,
        tickformat="+.0%",
    )
    for task in models:
        if task in tickets and task not in unlearnt:  # a frame round what is at home
            x, y = models.index(task), tickets.index(task)
            line = {"color": "#b8b8b8" if dark else "#5c5c5c", "width": 2, "dash": "dot"}
            figure.add_shape(type="rect", x0=x - 0.47, x1=x + 0.47, y0=y - 0.47, y1=y + 0.47, line=line)
    figure.update_xaxes(title="on the model of", tickvals=models, ticktext=[_marked(task, unlearnt) for task in models])
    figure.update_yaxes(title="ticket of", tickvals=tickets, ticktext=[_marked(task, unlearnt) for task in tickets])
    return quiet(figure, height=120 + 58 * len(tickets)).update_layout(margin={"t": 70})


def _marked(task: str, unlearnt: Mapping[str, str]) -> str:
    return f"{task}*" if task in unlearnt else task


def _hover(one: Transferred) -> str:
    if one.whole:
        return minus(f"score {one.score:.3f}: it keeps nothing or everything, as would any mask of its size")
    return minus(
        f"score {one.score:.3f}, {one.share:.0%} of the full model's [{one.share_low:.0%}, {one.share_high:.0%}]<br>"
        f"random masks of {one.heads} heads and {one.mlps} MLPs: {one.random_share:.0%} on average<br>"
        f"over them {signed(one.over_random)} [{signed(one.over_low)}, {signed(one.over_high)}]<br>"
        f"beats {one.beaten} of {one.draws} (p = {one.p:.2f})"
    )
