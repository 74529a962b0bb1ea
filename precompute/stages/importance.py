"""Stage importance: how much the loss depends on every head and MLP of the full model."""

from __future__ import annotations

from typing import Any

import numpy as np

from explorer.bert.engine import Instead
from explorer.bert.stand_ins import sample_of
from explorer.glue.encoding import encode
from explorer.mask import Mask
from explorer.store.runs_of_task import TOGETHER, complete
from explorer.store.saved_state import SavedState
from explorer.store.schema import Key, Manifest
from explorer.store.stages import stage_named
from explorer.tickets.gradients import importance
from explorer.tickets.importance import Estimator, Importance
from precompute.artefacts import Draft, Stopwatch, finished
from precompute.options import Options
from precompute.stages.opened import OpenRun, open_run

DEV, TRAIN_SAMPLE = "dev", "train-sample"


def make(options: Options, estimator: Estimator = "expected", data: str = DEV) -> Manifest:
    """Measures importance on dev, or on a training sample of its size, drawn with the run's seed.

    The first step of the run's pruning path was chosen by the full model's importance: where that path is there, made
    with this estimator from this checkpoint and these examples, it is taken from it.
    """
    config: dict[str, Any] = {"estimator": estimator, "data": data}
    key = options.key("importance", stage_named("importance").variant_of(config))
    if data == TRAIN_SAMPLE:
        config["sample_seed"] = options.seed
    if there := finished(options.bundle, key, config):
        return there
    if data == DEV and (taken := _of_path(options, key, config, estimator)):
        return taken
    opened = open_run(options)
    splits = {"dev": opened.dev}
    if data != DEV:
        splits[data] = sample_of(options.examples("train"), len(opened.dev), options.seed)
    draft = Draft(options, key, config, splits, opened.classifier.sha256)
    state = draft.state("importance")
    watch = Stopwatch.start(state.seconds)
    full = opened.evaluator.full_mask
    if data == DEV:
        scores = measured(opened, full, estimator, state)
    else:
        sample = splits[data]
        encoded = encode(sample, opened.classifier.tokenizer)
        device = options.device
        scores = importance(
            opened.classifier, options.task, encoded, sample.labels, full, estimator, device=device, state=state
        )
    return draft.write({}, watch.seconds, arrays={"heads": scores.heads, "mlps": scores.mlps})


def _of_path(options: Options, key: Key, config: dict[str, Any], estimator: Estimator) -> Manifest | None:
    bundle, dev = options.bundle, options.examples("dev")
    pruned = complete(bundle, options.key(*TOGETHER))
    finetuned = complete(bundle, options.key("finetune"))
    if not pruned or not finetuned or pruned.config.get("estimator") != estimator:
        return None
    if pruned.data["dev"]["sha256"] != dev.sha256:
        return None
    watch = Stopwatch.start()
    arrays = bundle.read(pruned.key).arrays
    heads, mlps = (arrays[f"importance_{kind}"] for kind in ("heads", "mlps"))
    if len(heads) < 2 or heads.dtype != np.float64:  # no step was chosen, or it was rounded for keeping
        return None
    draft = Draft(options, key, config, {"dev": dev}, finetuned.checkpoint_sha256)
    return draft.write({"taken_from": str(pruned.key.path)}, watch.seconds, arrays={"heads": heads[1], "mlps": mlps[1]})


def measured(
    opened: OpenRun, mask: Mask, estimator: Estimator, state: SavedState, instead: Instead | None = None
) -> Importance:
    """Measures the importance of what a mask keeps, on the run's dev set.

    state: of this mask; saved by time. instead: what stands in for what is off; None for nothing.
    """
    of, classifier = opened.evaluator, opened.classifier
    return importance(
        classifier,
        of.task,
        of.encoded,
        of.labels,
        mask,
        estimator,
        device=of.device,
        state=state,
        instead=instead,
    )
