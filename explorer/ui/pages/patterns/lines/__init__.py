"""The lines of one attention map: on the left each token that reads, on the right what it reads, the more the stronger.

They show the same values as the matrix beside them; a token under the pointer, or in focus, shows its own lines alone.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import streamlit as st

from explorer.arrays import Float32Array
from explorer.errors import BadRequest
from explorer.glue.tokens import Tokens
from explorer.ui.widgets.scripts import script

FAINTEST = 0.04
"""Share of the strongest value below which no line is drawn until its token is pointed at."""
_HERE = Path(__file__).parent
_component = st.components.v2.component(
    "token_lines",
    css=(_HERE / "lines.css").read_text(encoding="utf-8"),
    js=script(_HERE / "lines.js"),
)


def token_lines(values: Float32Array, tokens: Tokens, *, unit: str, key: str, top: float | None = None) -> None:
    """Draws the map (T, T); top: the value of the strongest line, the map's own greatest by default. unit: what a value
    is. Raises BadRequest where map and tokens differ."""
    _component(key=key, data=lines_data(values, tokens, unit=unit, top=top))


def lines_data(values: Float32Array, tokens: Tokens, *, unit: str, top: float | None = None) -> dict[str, object]:
    """What the browser is told, fit for JSON: values as shares of `top`, 0 to 1; raises BadRequest as `token_lines`."""
    if values.shape != (len(tokens), len(tokens)):
        raise BadRequest(f"A map of shape {values.shape} does not go with {len(tokens)} tokens.")
    finite = np.nan_to_num(np.asarray(values, np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    most = float(finite.max()) if top is None else top
    shares = np.clip(finite / most, 0, 1) if most > 0 else np.zeros_like(finite)
    return {
        "tokens": list(tokens.texts),
        "second": int((tokens.segments == 0).sum()) if tokens.is_pair else None,
        "shares": [[round(float(share), 3) for share in row] for row in shares],
        "top": most,
        "unit": unit,
        "faintest": FAINTEST,
    }
