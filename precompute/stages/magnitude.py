"""Stage magnitude: iterative magnitude pruning of a run's weights, and its bad and random counterparts.

The masks are not stored (1.3 MB a run): scores and options make them again, and their sha256 proves it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from explorer.bert.checkpoints import weights_of, with_weights
from explorer.bert.packing import Weights
from explorer.errors import BadBundle
from explorer.glue.metrics import score_of
from explorer.store.bundle import Artefact, Bundle
from explorer.store.schema import Key, Manifest, Run
from explorer.tickets.magnitude import (
    MAX_STEPS,
    STEP_SHARE,
    WeightMask,
    WeightStep,
    apply,
    bad_weights,
    prune_weights,
    random_weights,
    surviving_share,
    weight_ticket,
)
from explorer.tickets.structured import THRESHOLD, threshold_of
from precompute.artefacts import Draft, Stopwatch, config_of, finished, require_same_checkpoint, score_columns
from precompute.options import Options
from precompute.stages.opened import OpenRun, evaluator_of, open_run, require_every_head

KINDS = ("good", "random", "bad")


@dataclass(frozen=True)
class MagnitudeConfig:
    """Every option of magnitude pruning that changes its result."""

    kind: str
    step_share: float = STEP_SHARE
    max_steps: int = MAX_STEPS
    share: float = THRESHOLD
    draw_seed: int | None = None
    """Seed with which the random weights are drawn."""
    data: str = "dev"


@dataclass
class _Rows:
    """What is known of each step so far."""

    masks: list[WeightMask] = field(default_factory=list)
    shares: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = field(default_factory=list)
    """Shares of each head's (L, H) and each MLP's (L,) weights that survive."""
    held: list[bool] = field(default_factory=list)
    logits: list[NDArray[np.float32]] = field(default_factory=list)

    def add(self, mask: WeightMask, n_heads: int) -> None:
        """The next step's mask."""
        self.masks.append(mask)
        self.shares.append(surviving_share(mask, n_heads))


def make(options: Options, kind: Literal["good", "random", "bad"] = "good") -> Manifest:
    """Prunes by magnitude, written after each step (good), or removes as many weights as good does (random, bad).

    Raises BadBundle where bad or random come before good.
    """
    run, key = options.run, options.key("magnitude", kind)
    config = MagnitudeConfig(kind, draw_seed=run.seed if kind == "random" else None)
    if there := finished(options.bundle, key, config_of(config)):
        return there
    opened = open_run(options)
    require_every_head(opened.classifier.gone, "Magnitude pruning")
    draft = Draft(options, key, config_of(config), {"dev": opened.dev}, opened.classifier.sha256)
    weights = weights_of(opened.classifier.model)
    if kind == "good":
        return _good(draft, opened, weights, config)
    good = stored_ticket(options.bundle, run, weights)
    watch = Stopwatch.start()
    pruned = counterpart(kind, weights, good, run.seed)
    rows = _Rows()
    for mask in (WeightMask.full(weights), pruned):
        rows.add(mask, opened.classifier.n_heads)
        rows.logits.append(_logits(options, opened, weights, mask))
    full, lost = (score_of(options.task, logits, opened.evaluator.labels) for logits in rows.logits)
    rows.held.extend([True, lost >= threshold_of(full, config.share)])
    return _write(draft, opened, config, rows, pruned, watch.seconds, complete=True)


def counterpart(kind: str, weights: Weights, good: WeightMask, seed: int) -> WeightMask:
    """The weight mask of that kind, as large as `good`, which itself is the one of kind good."""
    if kind == "good":
        return good
    return bad_weights(weights, good) if kind == "bad" else random_weights(good, seed)


def stored_ticket(bundle: Bundle, run: Run, weights: Weights) -> WeightMask:
    """The good mask of a finished trajectory, made again from its scores and the fine-tuned weights.

    Raises BadBundle where the trajectory is missing, unfinished or not of these weights.
    """
    artefact = bundle.read(Key(run, "magnitude", "good"))
    require_same_checkpoint(bundle, artefact.manifest, bundle.manifest(Key(run, "finetune")))
    config = MagnitudeConfig(**artefact.manifest.config)
    good = weight_ticket(list(_steps(_replayed(artefact), weights, config)))
    if good.sha256 != artefact.manifest.summary["weight_mask_sha256"]:
        raise BadBundle(
            f"{artefact.manifest.key.path} does not give its own mask again.",
            f"Delete that folder and make it again: `{bundle.command_for(artefact.manifest.key)}`.",
        )
    return good


def _good(draft: Draft, opened: OpenRun, weights: Weights, config: MagnitudeConfig) -> Manifest:
    rows, stored, before = _Rows(), pd.DataFrame(), 0.0
    options, key = draft.options, draft.key
    if options.bundle.has(key):
        artefact = options.bundle.read(key, unfinished=True)
        if draft.begun(artefact.manifest):
            stored, before = artefact.table, artefact.manifest.seconds
            rows.logits.extend(artefact.arrays["logits"])
    watch = Stopwatch.start(before)

    def score(mask: WeightMask) -> float:
        if len(rows.masks) >= len(rows.logits):
            rows.logits.append(_logits(options, opened, weights, mask))
        rows.add(mask, opened.classifier.n_heads)
        return score_of(options.task, rows.logits[len(rows.masks) - 1], opened.evaluator.labels)

    with tqdm(desc=f"magnitude {opened.run.path}", unit="step", initial=len(stored)) as bar:
        for step in _steps(score, weights, config):
            rows.held.append(step.held)
            if step.number < len(stored):
                if stored["mask_sha256"][step.number] != step.mask.sha256:
                    raise BadBundle(f"{key.path} has another mask at step {step.number}.", "Delete that folder.")
                continue
            _write(draft, opened, config, rows, _last_held(rows), watch.seconds, complete=False)
            bar.set_postfix(score=f"{step.score:.4f}", refresh=False)
            bar.update()
    return _write(draft, opened, config, rows, _last_held(rows), watch.seconds, complete=True)


def _steps(score: Callable[[WeightMask], float], weights: Weights, config: MagnitudeConfig) -> Iterator[WeightStep]:
    return prune_weights(score, weights, share=config.share, step_share=config.step_share, max_steps=config.max_steps)


def _replayed(artefact: Artefact) -> Callable[[WeightMask], float]:
    """Answers with the stored scores in their order."""
    scores = iter(artefact.table["score"].tolist())
    return lambda mask: float(next(scores))


def _last_held(rows: _Rows) -> WeightMask:
    return [mask for mask, held in zip(rows.masks, rows.held, strict=True) if held][-1]


def _logits(options: Options, opened: OpenRun, weights: Weights, mask: WeightMask) -> NDArray[np.float32]:
    """Computes the logits of the run's model without the weights that the mask prunes."""
    if mask.n_kept == mask.n_weights:
        return opened.evaluator.full.logits
    pruned = with_weights(opened.classifier, apply(weights, mask), source=opened.classifier.source, sha256=mask.sha256)
    evaluator = evaluator_of(pruned, opened.dev, options)
    return evaluator.full.logits


def _write(
    draft: Draft,
    opened: OpenRun,
    config: MagnitudeConfig,
    rows: _Rows,
    ticket: WeightMask,
    seconds: float,
    *,
    complete: bool,
) -> Manifest:
    table, predictions = score_columns(draft.options.task, opened.evaluator.labels, rows.logits)
    table.insert(0, "step", range(len(table)))
    table.insert(1, "weights_kept", [mask.n_kept for mask in rows.masks])
    table.insert(2, "share_kept", [mask.n_kept / mask.n_weights for mask in rows.masks])
    table.insert(3, "mask_sha256", [mask.sha256 for mask in rows.masks])
    table["held"] = rows.held
    at = rows.masks.index(ticket)
    summary = {
        "full_score": float(table["score"][0]),
        "ticket_score": float(table["score"][at]),
        "weights_kept": ticket.n_kept,
        "share_kept": ticket.n_kept / ticket.n_weights,
        "weight_mask_sha256": ticket.sha256,
        "steps": len(table),
        "note": _note(rows, ticket, config) if complete else "",
    }
    return draft.write(
        summary,
        seconds,
        complete=complete,
        arrays={
            "predictions": predictions,
            "logits": np.stack(rows.logits).astype(np.float32),
            "heads": np.stack([heads for heads, _ in rows.shares]),
            "mlps": np.stack([mlps for _, mlps in rows.shares]),
        },
        table=table,
    )


def _note(rows: _Rows, ticket: WeightMask, config: MagnitudeConfig) -> str:
    if ticket.n_kept == ticket.n_weights:
        return f"No weight is pruned: every subnetwork of this size keeps all {ticket.n_weights:,}."
    if ticket.n_kept == 0:
        return "No weight survives: every subnetwork of this size keeps none."
    if config.kind == "good" and rows.held[-1]:
        return f"The score still held after the last of {len(rows.masks) - 1} steps."
    return ""
