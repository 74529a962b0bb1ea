"""Maps of real heads drawn for labelling by hand: one npz of numbers, one CSV that says what each map is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from explorer.arrays import Float32Array
from explorer.errors import BadBundle
from explorer.foreign import arrays_of
from explorer.glue.tokens import Tokens

FOLDER = Path(__file__).with_name("labelled")
MAPS, TABLE = "maps.npz", "maps.csv"
PRETRAINED = "pretrained"
"""In the column 'task': no task, the weights before fine-tuning."""


@dataclass(frozen=True, eq=False)
class DrawnMap:
    """One head on one of the project's own sentences."""

    id: str
    """'m017': as printed over its picture."""
    kind: str
    """'raw' or 'norm': attention, or norm-weighted attention."""
    model: str
    task: str
    """Task of the fine-tuned weights: a GLUE task, or 'pretrained'."""
    seed: int
    """Fine-tuning seed; -1 for the pre-trained weights."""
    checkpoint: str
    """First 12 hex digits of the sha256 of the weights."""
    layer: int
    head: int
    sentence_set: str
    """Name of a diagnostic of explorer.glue.diagnostics."""
    index: int
    """Number of the sentence in that set."""
    tokens: Tokens
    weights: Float32Array
    """(T, T): as the model gave them, to 11 bits: rows of a raw map sum to 1."""


def write_maps(maps: Sequence[DrawnMap], folder: Path = FOLDER) -> None:
    """Writes both files, the same bytes for the same maps."""
    folder.mkdir(parents=True, exist_ok=True)
    values = np.concatenate([drawn.weights.ravel() for drawn in maps]).astype(np.float16)
    np.savez_compressed(folder / MAPS, allow_pickle=False, values=values)
    table = pd.DataFrame(
        {
            "id": drawn.id,
            "kind": drawn.kind,
            "model": drawn.model,
            "task": drawn.task,
            "seed": drawn.seed,
            "checkpoint": drawn.checkpoint,
            "layer": drawn.layer,
            "head": drawn.head,
            "sentence_set": drawn.sentence_set,
            "index": drawn.index,
            "length": len(drawn.tokens),
            "second_from": int((drawn.tokens.segments == 0).sum()),
            "tokens": " ".join(drawn.tokens.texts),
        }
        for drawn in maps
    )
    table.to_csv(folder / TABLE, index=False)


def read_maps(folder: Path = FOLDER) -> tuple[DrawnMap, ...]:
    """The maps in the table's order; raises BadBundle where a file is missing or the two do not go together."""
    mend = "Restore them with `git checkout explorer/patterns`, or draw others with `python -m precompute label-maps`."
    try:
        table = pd.read_csv(folder / TABLE, keep_default_na=False, dtype={"checkpoint": str, "tokens": str})
        values = arrays_of(folder / MAPS)["values"].astype(np.float32)
        ends = np.cumsum(table["length"].to_numpy() ** 2)
    except Exception as error:  # an altered byte surfaces as zlib.error, BadZipFile, KeyError, ...
        raise BadBundle(f"The maps in {folder} cannot be read ({type(error).__name__}).", mend) from None
    if not len(table) or ends[-1] != len(values):
        raise BadBundle(f"{MAPS} and {TABLE} in {folder} do not go together.", mend)
    return tuple(
        _drawn(row, part) for row, part in zip(table.to_dict("records"), np.split(values, ends[:-1]), strict=True)
    )


def _drawn(row: Mapping[Any, Any], values: Float32Array) -> DrawnMap:
    known = {name: row[name] for name in DrawnMap.__dataclass_fields__ if name in row}
    texts = tuple(str(row["tokens"]).split(" "))
    segments = (np.arange(len(texts)) >= int(row["second_from"])).astype(np.int64)
    return DrawnMap(**known | {"tokens": Tokens(texts, segments), "weights": values.reshape(len(texts), -1)})
