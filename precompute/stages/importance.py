"""Stage importance: how much the loss depends on every head and MLP of the full model."""

from __future__ import annotations

from typing import Any

from explorer.glue.encoding import encode
from explorer.mask import Mask
from explorer.store.saved_state import SavedState
from explorer.store.schema import Manifest
from explorer.store.stages import stage_named
from explorer.tickets.gradients import importance
from explorer.tickets.importance import Estimator, Importance
from precompute.artefacts import Draft, Stopwatch, finished
from precompute.options import Options
from precompute.stages.opened import OpenRun, open_run, sample_of

DEV, TRAIN_SAMPLE = "dev", "train-sample"


def make(options: Options, estimator: Estimator = "expected", data: str = DEV) -> Manifest:
    """Measures importance on dev, or on a training sample of its size, drawn with the run's seed."""
    config: dict[str, Any] = {"estimator": estimator, "data": data}
    key = options.key("importance", stage_named("importance").variant_of(config))
    if data == TRAIN_SAMPLE:
        config["sample_seed"] = options.seed
    if there := finished(options.bundle, key, config):
        return there
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
        scores = importance(opened.classifier, options.task, encoded, sample.labels, full, estimator, state=state)
    return draft.write({}, watch.seconds, arrays={"heads": scores.heads, "mlps": scores.mlps})


def measured(opened: OpenRun, mask: Mask, estimator: Estimator, state: SavedState) -> Importance:
    """Measures the importance of what a mask keeps, on the run's dev set. state: of this mask; saved by time."""
    of, classifier = opened.evaluator, opened.classifier
    return importance(classifier, of.task, of.encoded, of.labels, mask, estimator, state=state)
