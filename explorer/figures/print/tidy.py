"""What a Plotly figure shows as a tidy table: a row a point. For figures whose own data nobody handed on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go


def tidy(figure: go.Figure) -> pd.DataFrame:
    """A row a point or cell: trace, x, y, z where there is one, errors as low and high, the words of its hover."""
    rows = [frame for number, trace in enumerate(figure.data) if not (frame := _trace(trace, number)).empty]
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame()


def _trace(trace: Any, number: int) -> pd.DataFrame:
    name = trace.name or f"{trace.type} {number + 1}"
    if trace.type == "heatmap":
        return _heatmap(trace, name)
    x, y = (list(values) if values is not None else [] for values in (trace.x, trace.y))
    n = max(len(x), len(y))
    columns: dict[str, Any] = {"trace": [name] * n}
    columns |= {axis: values for axis, values in (("x", x), ("y", y)) if len(values) == n}
    for axis, values, error in (("x", x, trace.error_x), ("y", y, trace.error_y)):
        if error is None or error.array is None or len(values) != n:
            continue
        up = np.asarray(error.array, float)
        down = up if error.arrayminus is None else np.asarray(error.arrayminus, float)
        columns |= {f"{axis}_low": np.asarray(values, float) - down, f"{axis}_high": np.asarray(values, float) + up}
    columns |= _words(trace.customdata, n)
    return pd.DataFrame(columns)


def _heatmap(trace: Any, name: str) -> pd.DataFrame:
    z = np.asarray(trace.z, float)
    down, across = np.indices(z.shape)
    columns: dict[str, Any] = {"trace": name}
    for axis, at, values in (("x", across, trace.x), ("y", down, trace.y)):
        columns[axis] = at.ravel() if values is None else np.asarray(values, object)[at.ravel()]
    columns["z"] = z.ravel()
    if trace.customdata is not None:
        columns["words"] = [str(word) for row in trace.customdata for word in row]
    frame = pd.DataFrame(columns)
    return frame[~np.isnan(frame["z"])]


def _words(customdata: Any, n: int) -> dict[str, list[Any]]:
    if customdata is None or len(customdata) != n:
        return {}
    first = customdata[0] if n else ""
    if isinstance(first, str) or not np.ndim(first):
        return {"words": list(customdata)}
    return {f"words_{at + 1}": [row[at] for row in customdata] for at in range(len(first))}
