"""One sentence under the microscope as colours of a grid: which switch moves its margin which way, and how far."""

from __future__ import annotations

import numpy as np
import pandas as pd

from explorer.arrays import BoolArray, Float64Array
from explorer.figures.grid_overlays import Marks, Overlay
from explorer.figures.overlays import CellOverlay, Words
from explorer.figures.signed import signed
from explorer.tickets.microscope import Closeup, Switch, Turn


def sentence_overlay(of: Closeup, answers: tuple[str, ...]) -> CellOverlay:
    """How far each switch moves the margin of the answer, in logits, both ways from 0.

    answers: what the classes are called; () for a regression, whose value moves. The strongest colour is the farthest
    that a head moves it; an MLP may move it farther, which the legend then says.
    """
    heads, mlps = of.changes
    top = max(float(np.abs(heads).max()), 1e-9)
    more = " or more" if np.abs(mlps).max() > top else ""
    if of.answer is None:
        title, (away, towards) = "Value, when this one is switched", ("lower", "higher")
    else:
        title = f"Margin of “{answers[of.answer]}”, when this one is switched"
        away, towards = "away from it", "towards it"
    shown = Overlay(
        0.5 + np.clip(heads / top, -1, 1) / 2,
        0.5 + np.clip(mlps / top, -1, 1) / 2,
        title,
        f"{signed(-top, 2)}{more}: {away}",
        f"{signed(top, 2)}{more}: {towards}",
        middle="0",
    )
    say = [_words(of, margins, kept) for margins, kept in ((of.heads, of.mask.heads), (of.mlps, of.mask.mlps))]
    return CellOverlay("One sentence", "How far each switch moves one sentence's margin", shown, *say)


def turning_marks(of: Closeup, turn: Turn) -> Marks | None:
    """Marks what is switched to turn the answer; None where nothing is."""
    if not turn.switches:
        return None
    heads, mlps = np.zeros_like(of.mask.heads), np.zeros_like(of.mask.mlps)
    for switch in turn.switches:
        if switch.head is None:
            mlps[switch.layer] = True
        else:
            heads[switch.layer, switch.head] = True
    return Marks(heads, mlps, "Switched to turn it" if turn.turned else "Switched in vain")


def switch_words(switch: Switch) -> str:
    """Names a switch as people count: 'layer 4, head 7 off', 'layer 2, MLP on again'."""
    part = "MLP" if switch.head is None else f"head {switch.head + 1}"
    return f"layer {switch.layer + 1}, {part} {'off' if switch.off else 'on again'}"


def sentence_table(of: Closeup) -> pd.DataFrame:
    """A row a head or MLP: what switching it does to the margin, in logits. Numbered from 0, as in all files."""
    layers, heads = of.mask.heads.shape
    return pd.DataFrame(
        {
            "part": ["head"] * (layers * heads) + ["MLP"] * layers,
            "layer_from_0": [*np.repeat(np.arange(layers), heads), *range(layers)],
            "head_from_0": [*np.tile(np.arange(heads), layers), *([""] * layers)],
            "kept": [*of.mask.heads.ravel().astype(int), *of.mask.mlps.astype(int)],
            "margin_when_switched": [*of.heads.ravel(), *of.mlps],
            "change": np.concatenate([one.ravel() for one in of.changes]),
        }
    )


def _words(of: Closeup, margins: Float64Array, kept: BoolArray) -> Words:
    """(...): 'Switched off: margin −0.31 (−0.84): the answer turns'."""
    name = "value" if of.answer is None else "margin"
    texts = [
        f"Switched {'off' if is_kept else 'on again'}: {name} {signed(margin, 2)} ({signed(margin - of.margin, 2)})"
        + (": the answer turns" if of.answer is not None and margin < 0 else "")
        for margin, is_kept in zip(margins.ravel(), kept.ravel(), strict=True)
    ]
    return np.array(texts, dtype=object).reshape(margins.shape)
