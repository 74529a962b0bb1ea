"""What every stage writes and checks alike: score tables, and whether an artefact is there with the same options."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explorer.errors import BadBundle, BadRequest
from explorer.glue.metrics import predictions_of
from explorer.glue.tasks import Examples, Task
from explorer.live.evaluator import Evaluation
from explorer.stats.intervals import score_with_interval
from explorer.store.bundle import Bundle, command_for
from explorer.store.schema import Key, Manifest


def score_columns(
    task: Task, labels: NDArray[np.float64], logits: Sequence[NDArray[Any]]
) -> tuple[pd.DataFrame, NDArray[Any]]:
    """A row for each (n, n_outputs) of logits: score, low, high, n; and the predictions, (rows, n)."""
    predictions = [predictions_of(task, one) for one in logits]
    scores = [score_with_interval(task.metric, p, labels) for p in predictions]
    table = pd.DataFrame(
        {
            "score": [score.value for score in scores],
            "low": [score.low for score in scores],
            "high": [score.high for score in scores],
            "n": [score.n for score in scores],
        }
    )
    return table, np.stack(predictions).astype(np.float32 if task.is_regression else np.int8)


def scored(
    task: Task, labels: NDArray[np.float64], evaluations: Sequence[Evaluation]
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """A row per mask (code, score, interval, n, heads and MLPs kept, seconds) and the predictions, (masks, n)."""
    table, predictions = score_columns(task, labels, [evaluation.logits for evaluation in evaluations])
    table.insert(0, "mask", [evaluation.mask.code for evaluation in evaluations])
    table["heads_kept"] = [evaluation.mask.heads_kept for evaluation in evaluations]
    table["mlps_kept"] = [evaluation.mask.mlps_kept for evaluation in evaluations]
    table["seconds"] = [evaluation.seconds for evaluation in evaluations]
    return table, {"predictions": predictions}


def plain(config: Mapping[str, Any]) -> dict[str, Any]:
    """As a manifest gives it back: tuples are lists, keys are strings."""
    read: dict[str, Any] = json.loads(json.dumps(config))
    return read


def finished(bundle: Bundle, key: Key, config: Mapping[str, Any]) -> Manifest | None:
    """The complete artefact, None where there is none yet; raises BadRequest where its options are others."""
    if not bundle.has(key) or not (there := bundle.manifest(key)).complete:
        return None
    if dict(there.config) != plain(config):
        raise BadRequest(
            f"The bundle holds {key.path} already, made with other options.",
            "Name another --bundle, or delete that folder.",
        )
    return there


def same_inputs(there: Manifest, fresh: Manifest) -> bool:
    """Whether an unfinished artefact was begun with these options, weights and sentences, so that it may go on."""
    return (
        dict(there.config) == plain(fresh.config)
        and there.checkpoint_sha256 == fresh.checkpoint_sha256
        and {name: about["sha256"] for name, about in there.data.items()}
        == {name: about["sha256"] for name, about in fresh.data.items()}
    )


def require_same_data(finetuned: Manifest, **splits: Examples) -> None:
    """Raises BadRequest where a split is not the one that the run was fine-tuned with."""
    for name, examples in splits.items():
        if finetuned.data[name]["sha256"] != examples.sha256:
            raise BadRequest(
                f"This {name} set of {finetuned.task} is not the one that {finetuned.key.run.path} was made with.",
                "Is it another GLUE version? Make the run again with `python -m precompute finetune`.",
            )


def require_same_checkpoint(there: Manifest, finetuned: Manifest) -> None:
    """Raises BadBundle where an artefact that a stage builds on was computed with another checkpoint of the run."""
    if there.checkpoint_sha256 != finetuned.checkpoint_sha256:
        raise BadBundle(
            f"{there.key.path} was computed with another checkpoint than {finetuned.key.path}.",
            f"Delete that folder and make it again: `{command_for(there.key)}`.",
        )
