"""Stage pairs: every two heads or MLPs switched off together, and what that costs beyond each alone.

Goes beyond the paper, which prunes and scores masks as wholes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from explorer.errors import BadRequest
from explorer.glue.metrics import predictions_of
from explorer.mask import Mask
from explorer.stats.interaction import Interactions, mean_interactions, pairs_of, score_interactions
from explorer.stats.logit_margins import margins
from explorer.store.schema import Manifest
from explorer.study.mask_bank import told_by_margins
from explorer.tickets.criteria import mask_of
from precompute.artefacts import Draft, Stopwatch, finished
from precompute.options import Options
from precompute.stages.opened import open_run, require_every_head, score_masks


def make(options: Options) -> Manifest:
    """Scores the model with each part off, and with each two, on the dev set, or goes on after a kill.

    Raises BadRequest where who is right does not tell the task's score, and where heads were cut out before.
    """
    key, config = options.key("pairs"), {"data": "dev"}
    if not told_by_margins(options.task):
        raise BadRequest(
            f"Who is right does not tell the {options.task.metric_words} of {options.task.n_outputs} classes.",
            "Pairs take accuracy, two classes or values.",
        )
    if there := finished(options.bundle, key, config):
        return there
    if len(options.examples("dev")) < 2:
        raise BadRequest(f"{options.task.name} has one dev example: that says nothing of how parts interact.")
    opened = open_run(options)
    require_every_head(opened.classifier.gone, "The stage of pairs")
    draft = Draft(options, key, config, {"dev": opened.dev}, opened.classifier.sha256)
    state = draft.state("scores")
    watch = Stopwatch.start(state.seconds)
    of = opened.evaluator
    pairs, masks = masks_of_pairs(opened.shape)
    order = np.array(sorted(range(len(masks)), key=lambda at: _by_layer(masks[at])))
    done = score_masks(of, [masks[at] for at in order], f"pairs {opened.run.path}", state)
    evaluations = [of.full, *(done[at] for at in np.argsort(order))]
    said = np.stack([predictions_of(of.task, one.logits) for one in evaluations])
    found = score_interactions(of.task.metric, said, of.labels, pairs)
    both = evaluations[1 + len(masks) - len(pairs) :]
    table = pd.DataFrame({"first": pairs[:, 0], "second": pairs[:, 1], "mask": [one.mask.code for one in both]})
    table["score"] = [one.score for one in both]
    table = table.assign(**_columns("", found))
    if not of.task.is_regression:
        by_margin = mean_interactions(np.stack([margins(one.logits, of.labels) for one in evaluations]), pairs)
        table = table.assign(**_columns("margin_", by_margin))
    arrays: dict[str, Any] = {"alone": np.array([one.score for one in evaluations[1 : 1 + len(masks) - len(pairs)]])}
    if of.task.is_regression:
        arrays["values"] = said.astype(np.float32)
    else:
        arrays["right"] = np.packbits(said == of.labels, axis=1)
    summary = {"masks": len(masks), "pairs": len(pairs), "full_score": of.full.score, "n": len(of.labels)}
    return draft.write(summary, watch.seconds, arrays=arrays, table=table)


def masks_of_pairs(shape: tuple[int, int]) -> tuple[np.ndarray, list[Mask]]:
    """Lists the pairs of components (P, 2), and the masks: each component off alone, then each pair. shape: (L, H)."""
    parts = shape[0] * (shape[1] + 1)
    pairs = pairs_of(parts)
    kept = np.ones((parts + len(pairs), parts), np.bool_)
    kept[np.arange(parts), np.arange(parts)] = False
    rows = parts + np.arange(len(pairs))
    kept[rows, pairs[:, 0]] = kept[rows, pairs[:, 1]] = False
    return pairs, [mask_of(row, shape) for row in kept]


def _by_layer(mask: Mask) -> bytes:
    """Sorts masks so that neighbours agree as far up as can be: they share that work."""
    return np.column_stack([mask.heads, mask.mlps]).tobytes()


def _columns(prefix: str, found: Interactions) -> dict[str, np.ndarray]:
    values = {"interaction": found.value, "low": found.low, "high": found.high, "p": found.p}
    return {f"{prefix}{name}": value for name, value in values.items()}
