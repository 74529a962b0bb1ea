"""Heads over many sentences: a table with a row for each head and kind of map. No torch here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from explorer.arrays import AnyArray, Float64Array
from explorer.errors import BadBundle
from explorer.patterns.classes import CLASSES, UNCERTAIN
from explorer.patterns.statistics import STATISTICS, over_sentences

MapKind = Literal["raw", "norm"]
MAP_KINDS: tuple[MapKind, ...] = ("raw", "norm")
"""Attention as it is, and norm-weighted attention: the order of every axis of kinds."""
DOMINATES = 0.5
"""A head has a pattern when the classifier gives it more than this on average over the sentences."""


@dataclass(frozen=True)
class MapClassifier:
    """Interface of a pattern classifier; explorer.patterns.classifier has the project's own."""

    classify: Callable[[Sequence[Float64Array]], Float64Array]
    """Maps m attention maps (T, T) to probabilities (m, 5) in the order of CLASSES."""
    threshold: float
    """Probability of the likeliest class below which a map is uncertain."""
    sha256: str
    """Hash of the classifier's weights: other weights give other classes."""


def head_table(statistics: Float64Array, probabilities: Float64Array, threshold: float) -> pd.DataFrame:
    """Summarises statistics (n, 2, L, H, 9) and class probabilities (n, 2, L, H, 5) of n sentences in a row a head and
    kind.

    Columns: kind, layer, head, n; each of STATISTICS, the mean over sentences, and STATISTIC_sd, with n - 1;
    for each class probability_CLASS, the mean, and share_CLASS, the share of sentences in which it is the likeliest;
    uncertain, the share of sentences in which the likeliest is below the threshold; pattern, the class whose mean
    probability is above DOMINATES, else 'uncertain'; confidence, the greatest mean probability.
    """
    over = over_sentences(statistics)
    mean = probabilities.mean(axis=0)  # (2, L, H, 5)
    winners = np.eye(len(CLASSES))[probabilities.argmax(-1)].mean(axis=0)  # (2, L, H, 5)
    shape = mean.shape[:-1]
    kind, layer, head = (axis.ravel() for axis in np.indices(shape))
    columns: dict[str, Any] = {"kind": np.array(MAP_KINDS)[kind], "layer": layer, "head": head, "n": len(statistics)}
    columns |= {name: over.mean[..., i].ravel() for i, name in enumerate(STATISTICS)}
    columns |= {f"{name}_sd": over.sd[..., i].ravel() for i, name in enumerate(STATISTICS)}
    columns |= {f"probability_{name}": mean[..., i].ravel() for i, name in enumerate(CLASSES)}
    columns |= {f"share_{name}": winners[..., i].ravel() for i, name in enumerate(CLASSES)}
    columns["uncertain"] = (probabilities.max(-1) < threshold).mean(axis=0).ravel()
    confidence = mean.max(-1).ravel()
    columns["pattern"] = np.where(confidence > DOMINATES, np.array(CLASSES)[mean.argmax(-1).ravel()], UNCERTAIN)
    columns["confidence"] = confidence
    return pd.DataFrame(columns)


def column(table: pd.DataFrame, kind: MapKind, name: str, again: str = "") -> AnyArray:
    """One column of a head table as (L, H); raises BadBundle where the table has no such rows or column.

    again: the command that makes the table, for the error.
    """
    try:
        wide = table[table["kind"] == kind].pivot(index="layer", columns="head", values=name)
        values = wide.to_numpy()
    except (KeyError, ValueError):
        values = np.zeros((0, 0))
    if values.size == 0:
        mend = f"Make it again: `{again}`." if again else "Make the attention artefact again."
        raise BadBundle(f"The table of heads has no {name} of {kind} maps.", mend)
    return values


def class_shares(table: pd.DataFrame, kind: MapKind, again: str = "") -> Float64Array:
    """Returns the share of sentences in which each class is a head's most probable one, (L, H, 5); raises BadBundle.

    again: the command that makes the table, for the error.
    """
    return np.stack([column(table, kind, f"share_{name}", again) for name in CLASSES], axis=-1).astype(np.float64)
