"""Reads a bundle as often as it has whole numbers, each time with one that is larger than any that was meant.

`python -m tests.too_large ROOT` does it to a bundle that the tests made, in a process that can take 4 GB, and prints
in JSON how often it read, and where memory was short.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from explorer.store.bundle import ARRAYS, MANIFEST, TABLE, Bundle
from explorer.store.validation import validate
from tests.bundles import make_fit
from tests.test_whatever_validates import LATER, npz, read_all, read_later

MOST_MEMORY = 4 * 2**30
LARGE, LARGE_SIDE = 10**18, 1_000
"""More than a machine can count to; as many layers or heads as a shape may have, though no model has."""


def whole_numbers(value, at=()):
    """Where in what JSON holds there are whole numbers: the keys that lead to each."""
    if type(value) is int:
        yield at
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield from whole_numbers(part, (*at, key))


def changes(folder):
    """Each change of one artefact: what it is, and what its files hold after it."""
    raw = json.loads((folder / MANIFEST).read_text())
    for at in whole_numbers({name: value for name, value in raw.items() if name != "files"}):
        changed = json.loads(json.dumps(raw))
        inner = changed
        for key in at[:-1]:
            inner = inner[key]
        inner[at[-1]] = LARGE_SIDE if "shape" in at else LARGE
        yield ".".join(map(str, at)), {MANIFEST: json.dumps(changed).encode()}
    if TABLE in raw["files"]:
        table = pd.read_parquet(folder / TABLE)
        for name in table.columns[[kind.kind in "iu" for kind in table.dtypes]]:
            changed = table.astype({name: np.int64})
            changed.loc[changed.index[-1], name] = LARGE
            yield f"column {name}", {TABLE: changed.to_parquet(index=False)}
    if ARRAYS in raw["files"]:
        with np.load(folder / ARRAYS) as file:
            arrays = dict(file)
        for name, array in arrays.items():
            if array.dtype.kind in "iu" and array.size:
                changed = array.astype(np.int64)
                changed.flat[-1] = LARGE
                yield f"array {name}", {ARRAYS: npz(arrays | {name: changed})}


def asked(root, stage):
    """What is asked of a changed bundle: is it valid, and what do pages make of it."""
    yield lambda: list(validate(Bundle(root)))
    yield lambda: read_later(root, stage) if any(name.partition(".")[0] == stage for name in LATER) else read_all(root)


def main(root):
    """Changes every number, one after the other."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    count, short = 0, []
    for path in sorted(root.glob(f"*/*/seed_*/*/{MANIFEST}")):
        folder = path.parent
        before = {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}
        for what, contents in changes(folder):
            for name, data in contents.items():
                (folder / name).write_bytes(data)
            make_fit(folder, json.loads((folder / MANIFEST).read_text()))
            for ask in asked(root, folder.name.partition(".")[0]):
                try:
                    ask()
                except MemoryError:
                    short.append(f"{folder.name}: {what}")
                except Exception:  # that validate finds what readers cannot read is another test's question
                    continue
            count += 1
            for name, data in before.items():
                (folder / name).write_bytes(data)
    sys.stdout.write(json.dumps({"count": count, "short": short}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
