"""What small_bundle leaves out, as small and without torch: ablations, importance, learned constants."""

from __future__ import annotations

import numpy as np
import pandas as pd

from explorer.mask import Mask
from explorer.store.schema import Key
from explorer.tickets.criteria import mask_of, random_masks
from tests.bundles import H, L, N, ticket, write

FULL = Mask.full(L, H)
_KINDS = ("good", "random", "bad")


def _scored(rows, labels, seed):
    """A row a mask, with scores and what was said: more right the earlier it stands."""
    said = np.stack([np.where(np.arange(N) < N - 2 * at % N, labels, 1 - labels) for at in range(len(rows))])
    table = pd.DataFrame([{**row, "mask": row["mask"].code} for row in rows])
    table["score"] = (said == labels).mean(axis=1)
    table["low"], table["high"], table["n"] = table["score"] / 2, (1 + table["score"]) / 2, N
    kept = [row["mask"] for row in rows]
    table["heads_kept"], table["mlps_kept"] = [of.heads_kept for of in kept], [of.mlps_kept for of in kept]
    return table, {"predictions": said.astype(np.int8)}


def _labels(bundle, run):
    return bundle.read(Key(run, "finetune")).arrays["labels"]


def _alone():
    for layer in range(L):
        for head in range(H):
            yield f"head {layer} {head}", FULL.with_head(layer, head, False)
        yield f"mlp {layer}", FULL.with_mlp(layer, False)


def with_ablations(bundle, run):
    """Each head, MLP and layer off alone."""
    masks = [*_alone(), *((f"layer {layer}", FULL.with_layer(layer, False)) for layer in range(L))]
    table, arrays = _scored([{"component": name, "mask": mask} for name, mask in masks], _labels(bundle, run), run.seed)
    return write(bundle, Key(run, "ablations"), table=table.assign(loss=0.9 - table["score"]), arrays=arrays)


def with_constants(bundle, run, **more):
    """Tickets and five random masks under all three stand-ins."""
    kept, rates = random_masks(L * (H + 1), 5)
    masks = [(kind, np.nan, ticket(run.seed)) for kind in _KINDS]
    masks += [("drawn", float(rate), mask_of(row, (L, H))) for row, rate in zip(kept, rates, strict=True)]
    rows = [
        {"name": name, "rate": rate, "instead": instead, "mask": mask}
        for instead in ("zero", "mean", "learned")
        for name, rate, mask in masks
    ]
    table, arrays = _scored(rows, _labels(bundle, run), run.seed)
    arrays |= {"heads": np.ones((L, H, 2), np.float32), "mlps": np.ones((L, 2 * H), np.float32)}
    arrays["losses"] = np.ones(10, np.float32)
    config, summary = {"ticket": ticket(run.seed).code, "steps": 10}, {"full_score": 0.9, "examples": 30}
    key = Key(run, "constants")
    return write(bundle, key, **{"config": config, "summary": summary, "table": table, "arrays": arrays} | more)


def with_importance(bundle, run):
    """Of every head and MLP, the first layer's most."""
    arrays = {"heads": np.linspace(1, 0, L * H).reshape(L, H), "mlps": np.linspace(1, 0, L)}
    return write(bundle, Key(run, "importance", "expected"), arrays=arrays)
