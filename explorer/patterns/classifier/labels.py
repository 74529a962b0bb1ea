"""The labels of the drawn maps: what two people said, what was resolved, and which heads were kept back."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from explorer.arrays import Float32Array, Int64Array
from explorer.errors import BadBundle
from explorer.patterns.classes import CLASSES
from explorer.patterns.classifier.labelled_maps import FOLDER, DrawnMap, read_maps

LABELS = "labels.csv"
COLUMNS = ("id", "pass_a", "sure_a", "pass_b", "sure_b", "resolved", "split", "note")
TRAIN, HELD_OUT = "train", "held-out"
BLOCKS = FOLDER / "blocks"
"""Maps chosen for their block contrast, labelled in one pass only; their heads are split as in the main folder."""
RARE = FOLDER / "rare"
"""Maps of training heads, as many of each class as an earlier classifier said: to train on, never to score on."""


@dataclass(frozen=True, eq=False)
class LabelledMap:
    """A drawn map and its class."""

    drawn: DrawnMap
    pass_a: str
    pass_b: str
    """Class given in the second pass; empty where there was one pass only."""
    sure: bool
    """Whether whoever labelled it called it a clear case: each pass that there is."""
    resolved: str
    """The class that counts: where the passes differ, what a third look decided."""
    split: str
    """'train' or 'held-out', the same for all maps of a head."""
    note: str

    @property
    def weights(self) -> Float32Array:
        """(T, T)"""
        return self.drawn.weights

    @property
    def label(self) -> int:
        """Index of the resolved class."""
        return CLASSES.index(self.resolved)

    @property
    def head(self) -> tuple[int, int]:
        """(layer, head), whatever the checkpoint: the unit of the split."""
        return self.drawn.layer, self.drawn.head


def read_labels(folder: Path = FOLDER) -> tuple[LabelledMap, ...]:
    """The labelled maps in the order of maps.csv; raises BadBundle on a file that is missing or does not fit."""
    mend = "Restore it with `git checkout explorer/patterns`."
    try:
        table = pd.read_csv(folder / LABELS, keep_default_na=False, dtype=str)
    except (OSError, ValueError) as error:
        raise BadBundle(f"{LABELS} in {folder} cannot be read ({type(error).__name__}).", mend) from None
    maps = read_maps(folder)
    if tuple(table.columns) != COLUMNS or list(table["id"]) != [drawn.id for drawn in maps]:
        raise BadBundle(f"{LABELS} and the maps in {folder} do not go together.", mend)
    unknown = {*table["pass_a"], *table["resolved"], *table["pass_b"]} - {*CLASSES, ""} | {*table["resolved"]} & {""}
    if unknown or not set(table["split"]) <= {TRAIN, HELD_OUT}:
        raise BadBundle(f"{LABELS} in {folder} holds words that are no class or split.", mend)
    out = tuple(
        LabelledMap(
            drawn,
            row["pass_a"],
            row["pass_b"],
            row["sure_a"] == "yes" and row["sure_b"] in ("yes", ""),
            row["resolved"],
            row["split"],
            row["note"],
        )
        for drawn, row in zip(maps, table.to_dict("records"), strict=True)
    )
    shared = {one.head for one in out if one.split == TRAIN} & {one.head for one in out if one.split == HELD_OUT}
    if shared:
        raise BadBundle(f"{LABELS} in {folder} has maps of one head in both parts.", mend)
    return out


def folds(labels: Sequence[int], heads: Sequence[tuple[int, int]], n_folds: int, seed: int) -> list[Int64Array]:
    """Indices of each fold's maps: no head in two folds, classes spread as evenly as that allows."""
    from sklearn.model_selection import StratifiedGroupKFold  # slow: only training needs it

    groups = [f"{layer}.{head}" for layer, head in heads]
    split = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)  # blocks are rare
        return [held for _, held in split.split(np.zeros(len(labels)), np.asarray(labels), groups)]


def labels_of(maps: Sequence[LabelledMap]) -> Int64Array:
    """Returns the indices of the resolved classes, (m,)."""
    return np.array([one.label for one in maps], np.int64)
