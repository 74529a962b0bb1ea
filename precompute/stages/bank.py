"""Stage bank: random masks with the margin of every example, from which worth, interaction and surprise are read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from explorer.errors import BadRequest
from explorer.stats.banzhaf import least_squares
from explorer.store.bundle import Bundle
from explorer.store.schema import Key, Manifest
from explorer.study.mask_bank import margins_of, told_by_margins
from explorer.tickets.criteria import RATES, mask_of, random_masks
from precompute.artefacts import Draft, Stopwatch, finished
from precompute.options import Options
from precompute.stages.opened import open_run, require_every_head, score_masks

MASKS = 1_000
_MOST = 100_000
"""Masks of a bank, each with a margin for every example."""
_DRAW_SEED = 0
"""Seed that draws the same masks for every run of a shape, so that seeds and tasks are compared on them."""


def make(options: Options, masks: int | None = None) -> Manifest:
    """Scores random masks on the dev set, or goes on where an earlier call was killed.

    A bank of fewer masks that is there already grows: its masks are the first of these, and are not scored again.
    """
    key = options.key("bank")
    if not told_by_margins(options.task):
        raise BadRequest(
            f"The margins of a mask do not tell the {options.task.metric_words} of {options.task.n_outputs} classes.",
            "A mask bank takes accuracy, two classes or values.",
        )
    if masks and masks > _MOST:
        raise BadRequest(f"A bank of {masks:,} masks is more than fits.", f"At most {_MOST:,}; {MASKS:,} are usual.")
    config: dict[str, Any] = {"data": "dev", "masks": masks or MASKS, "rates": list(RATES), "draw_seed": _DRAW_SEED}
    fewer = _masks_of(options.bundle, key)
    grows = 0 < fewer < config["masks"]
    there = finished(options.bundle, key, {**config, "masks": fewer} if grows else config)
    if there and not grows:
        return there
    opened = open_run(options)
    require_every_head(opened.classifier.gone, "The mask bank")
    shape = opened.shape
    parts = shape[0] * (shape[1] + 1)
    few = BadRequest(
        f"{config['masks']} random masks do not tell {parts} heads and MLPs apart.", f"{MASKS:,} are usual."
    )
    if config["masks"] < parts + 2 * len(RATES):
        raise few
    kept, rates = random_masks(parts, config["masks"], _DRAW_SEED)
    try:
        least_squares(kept, np.zeros(len(kept)), rates)  # before they are scored: these very masks may be too alike
    except BadRequest:
        raise few from None
    draft = Draft(options, key, config, {"dev": opened.dev}, opened.classifier.sha256)
    drawn = [mask_of(row, shape) for row in kept]
    smaller = there and replace(draft, config={**config, "masks": fewer}).begun(there)
    grown = options.bundle.read(key) if smaller else None
    state = draft.state("scores", f"after {len(grown.table)}" if grown else "")
    watch = Stopwatch.start(state.seconds + (grown.manifest.seconds if grown else 0.0))
    new = drawn[len(grown.table) if grown else 0 :]
    evaluations = score_masks(opened.evaluator, new, f"bank {opened.run.path}", state)
    of = opened.evaluator
    table = pd.DataFrame(
        {
            "mask": [one.mask.code for one in evaluations],
            "rate": rates[-len(evaluations) :],
            "score": [one.score for one in evaluations],
            "seconds": [one.seconds for one in evaluations],
        }
    )
    margins = np.stack([margins_of(of.task, one.logits, of.labels) for one in evaluations])
    if grown:
        table = pd.concat([grown.table, table], ignore_index=True)
        margins = np.concatenate([grown.arrays["margins"], margins])
    summary = {"masks": len(drawn), "full_score": of.full.score}
    return draft.write(summary, watch.seconds, arrays={"margins": margins}, table=table)


def _masks_of(bundle: Bundle, key: Key) -> int:
    """Returns how many masks the bank holds that is there; 0 where there is none."""
    many = bundle.manifest(key).config.get("masks") if bundle.has(key) else None
    return many if isinstance(many, int) else 0
