"""One pruning run as a line over its steps, with the step on screen marked.

Altair, since Streamlit changes its charts in place while a Plotly figure is drawn anew: this one moves with a slider.
"""

from __future__ import annotations

from itertools import groupby

import altair as alt
import pandas as pd

from explorer.figures.palette import FULL_MODEL, QUIET, THIS_MASK
from explorer.tickets.pruning_path import PruningPath

PHASES = {"together": "both", "heads": "heads", "mlps": "MLPs"}


def path_chart(
    path: PruningPath, current: int, *, metric: str, majority: tuple[str, float] | None = None, height: int = 250
) -> alt.LayerChart:
    """Draws scores with 95% intervals, hollow where the step was taken back; the 90% line; what each phase prunes,
    above.

    majority: name and score of answers that never read a sentence. Only the data depend on `current`.
    """
    last = len(path.steps) - 1
    steps = path_table(path, current)
    lines = pd.DataFrame([("90% line", path.line), *([majority] if majority else [])], columns=["name", "score"])
    x = alt.X("step:Q", title="step", scale=alt.Scale(domain=[-0.6, last + 0.6], nice=False))
    x = x.axis(format="d", tickMinStep=1, grid=False)
    low, high = steps["low"].fillna(steps["score"]), steps["high"].fillna(steps["score"])
    domain = [min(float(low.min()), float(lines["score"].min())), float(high.max())]
    y = alt.Y("score:Q", title=metric, scale=alt.Scale(domain=domain, zero=False, nice=True))
    points = alt.Chart(steps).encode(x=x, y=y)
    rules = alt.Chart(lines).encode(y=y)
    bands = alt.Chart(_bands(path)).encode(x=alt.X("start:Q", title="step"), x2="end:Q")
    tooltip = [
        alt.Tooltip("step:Q"),
        alt.Tooltip("outcome:N", title="outcome"),
        alt.Tooltip("score:Q", title=metric, format=".3f"),
        alt.Tooltip("low:Q", title="95% from", format=".3f"),
        alt.Tooltip("high:Q", title="to", format=".3f"),
        alt.Tooltip("heads:Q", title="heads on"),
        alt.Tooltip("mlps:Q", title="MLPs on"),
    ]
    chart = alt.LayerChart(
        layer=[
            bands.mark_rect(color=QUIET).encode(opacity=alt.Opacity("shade:Q", scale=None)),
            bands.mark_text(color=QUIET, fontSize=12, baseline="top", dy=4).encode(
                x="middle:Q", y=alt.value(0), text="name:N"
            ),
            rules.mark_rule(color=QUIET, strokeDash=[4, 4]),
            rules.mark_text(color=QUIET, fontSize=12, align="left", baseline="bottom", dy=-2).encode(
                x=alt.value(4), text="name:N"
            ),
            points.mark_line(color=FULL_MODEL).transform_filter("datum.held"),
            points.mark_rule(color=FULL_MODEL).encode(y="low:Q", y2="high:Q"),
            points.mark_circle(color=FULL_MODEL, size=80, opacity=1)
            .encode(tooltip=tooltip)
            .transform_filter("datum.held"),
            points.mark_point(color=FULL_MODEL, size=70, strokeWidth=2, fill="transparent")
            .encode(tooltip=tooltip)
            .transform_filter("!datum.held"),
            points.mark_point(color=THIS_MASK, size=360, strokeWidth=3, filled=False).transform_filter("datum.here"),
        ]
    )
    return chart.properties(height=height)


def path_table(path: PruningPath, current: int) -> pd.DataFrame:
    """A row a step: step, score, low, high, held, outcome in words, heads and mlps on, and whether it is here."""
    return pd.DataFrame(
        [
            {
                "step": step.number,
                "score": step.score,
                "low": step.low,
                "high": step.high,
                "held": step.held,
                "outcome": "held" if step.held else "taken back",
                "heads": step.mask.heads_kept,
                "mlps": step.mask.mlps_kept,
                "here": step.number == current,
            }
            for step in path.steps
        ]
    )


def _bands(path: PruningPath) -> pd.DataFrame:
    rows = []
    for number, (phase, group) in enumerate(groupby(path.steps[1:], key=lambda step: step.phase)):
        steps = [step.number for step in group]
        start, end = steps[0] - 0.5, steps[-1] + 0.5
        name = PHASES.get(phase, phase)
        rows.append((start, end, (start + end) / 2, name, 0.06 + 0.08 * (number % 2)))
    return pd.DataFrame(rows, columns=["start", "end", "middle", "name", "shade"])
