"""What every stage writes and checks alike: manifests, score tables, and whether an artefact is there already."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explorer.bert.model_identity import Identity
from explorer.errors import BadBundle, BadRequest
from explorer.glue.metrics import predictions_of
from explorer.glue.tasks import Examples, Task
from explorer.live.evaluation import Evaluation
from explorer.stats.intervals import score_with_interval
from explorer.store.bundle import Bundle, versions
from explorer.store.commands import command_for
from explorer.store.runs_of_task import complete
from explorer.store.saved_state import SavedState
from explorer.store.schema import Key, Manifest
from precompute.options import Options, device_words

_STATE = 1
"""Counts up whenever saved states are laid out differently, so that older ones are not read."""


@dataclass(frozen=True)
class Stopwatch:
    """Seconds of computation over all sittings of a resumable stage."""

    before: float = 0.0
    started: float = 0.0

    @classmethod
    def start(cls, before: float = 0.0) -> Stopwatch:
        """Starts counting; before: the seconds of earlier sittings."""
        return cls(before, time.perf_counter())

    @property
    def seconds(self) -> float:
        """Seconds so far."""
        return round(self.before + time.perf_counter() - self.started, 3)


@dataclass(frozen=True)
class Draft:
    """An artefact under way: everything that its manifest says but results and time."""

    options: Options
    key: Key
    config: Mapping[str, Any]
    """Every option that changes the result, as plain values."""
    splits: Mapping[str, Examples]
    """The data that the numbers are computed on, by name."""
    checkpoint_sha256: str
    """The weights that the numbers are computed with; '' where there are none."""
    began_with: Identity | None = None
    """The pre-trained model, where this artefact is the first to say so; else the run's."""

    @property
    def base(self) -> Identity | None:
        """The pre-trained model that its weights began as; None where there are no weights."""
        return (self.began_with or self.options.bundle.base_of(self.key.run)) if self.checkpoint_sha256 else None

    def manifest(self, summary: Mapping[str, Any], seconds: float, *, complete: bool = True) -> Manifest:
        """Fills in results, this machine's versions and the time."""
        run, options = self.key.run, self.options
        source = self.began_with.source if self.began_with else options.bundle.source_of(run)
        return Manifest(
            model=run.model,
            task=run.task,
            seed=run.seed,
            stage=self.key.stage,
            variant=self.key.variant,
            command=command_for(self.key, options.bundle.place, source, options.given),
            config=dict(self.config),
            versions=versions(),
            data={name: {"source": s.source, "n": len(s), "sha256": s.sha256} for name, s in self.splits.items()},
            checkpoint_sha256=self.checkpoint_sha256,
            device=device_words(options.device),
            seconds=seconds,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            summary=summary,
            complete=complete,
            base=self.base,
        )

    def write(self, summary: Mapping[str, Any], seconds: float, *, complete: bool = True, **contents: Any) -> Manifest:
        """Writes the artefact into the bundle; contents: arrays, table, blobs as `Bundle.write` takes them.

        Once it is complete, the state that an interrupted computation would have gone on from is removed.
        """
        written = self.options.bundle.write(self.manifest(summary, seconds, complete=complete), **contents)
        if complete:
            self.options.bundle.clear_work(self.key)
        return written

    def state(self, name: str, *parts: str) -> SavedState:
        """Opens what an unfinished computation of this artefact has come to, empty where there is none.

        name: of one that the stage does more than once, each in place of the one before. parts: what it is of, beside
        these options, weights and data.
        """
        about = {
            "state": _STATE,
            "config": {**plain(self.config), "model": None},
            "weights": [self.checkpoint_sha256, _content(self.base)],
            "data": {split: examples.sha256 for split, examples in self.splits.items()},
            "parts": parts,
        }
        identity = json.dumps(about, sort_keys=True)
        return SavedState(self.options.bundle.work_folder(self.key) / f"{name}.npz", identity)

    def begun(self, there: Manifest) -> bool:
        """Tells whether an artefact was begun with these options, weights and data, so that it may go on."""
        return (
            same_options(there, self.config)
            and there.checkpoint_sha256 == self.checkpoint_sha256
            and _content(there.base) == _content(self.base)
            and {name: about["sha256"] for name, about in there.data.items()}
            == {name: examples.sha256 for name, examples in self.splits.items()}
        )


def config_of(options: object) -> dict[str, Any]:
    """Turns a dataclass of options into what a manifest stores."""
    assert is_dataclass(options)
    assert not isinstance(options, type)
    return asdict(options)


def score_columns(
    task: Task, labels: NDArray[np.float64], logits: Sequence[NDArray[Any]]
) -> tuple[pd.DataFrame, NDArray[Any]]:
    """Scores each (n, n_outputs) of logits: a table of score, low, high, n, and the predictions, (rows, n)."""
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
    """Tabulates masks (code, score, interval, n, heads and MLPs kept, seconds), with their predictions, (masks, n)."""
    table, predictions = score_columns(task, labels, [evaluation.logits for evaluation in evaluations])
    table.insert(0, "mask", [evaluation.mask.code for evaluation in evaluations])
    table["heads_kept"] = [evaluation.mask.heads_kept for evaluation in evaluations]
    table["mlps_kept"] = [evaluation.mask.mlps_kept for evaluation in evaluations]
    table["seconds"] = [evaluation.seconds for evaluation in evaluations]
    return table, {"predictions": predictions}


def plain(config: Mapping[str, Any]) -> dict[str, Any]:
    """Converts a config to what a manifest gives back: tuples are lists, keys are strings."""
    read: dict[str, Any] = json.loads(json.dumps(config))
    return read


def up_to_date(bundle: Bundle, key: Key, config: Mapping[str, Any]) -> Manifest | None:
    """Returns the complete artefact of these options and of this model; None where it is to be made, or made anew."""
    there = complete(bundle, key)
    return there if there and same_options(there, config) else None


def finished(bundle: Bundle, key: Key, config: Mapping[str, Any]) -> Manifest | None:
    """Returns the complete artefact, None where there is none yet or it is of another checkpoint than the run has.

    Raises BadRequest where its options are others.
    """
    there = complete(bundle, key)
    if there is None:
        return None
    if not same_options(there, config):
        raise BadRequest(
            f"The bundle holds {key.path} already, made with other options.",
            "Name another --bundle, or delete that folder.",
        )
    return there


def same_options(there: Manifest, config: Mapping[str, Any]) -> bool:
    """Tells whether an artefact was made with these options, wherever its model lies: that is told by its content."""
    place = {"model": None}
    return {**there.config, **place} == {**plain(config), **place}


def _content(base: Identity | None) -> str:
    return base.content if base else ""


def require_same_data(bundle: Bundle, finetuned: Manifest, **splits: Examples) -> None:
    """Raises BadRequest where a split is not the one that the run was fine-tuned with."""
    for name, examples in splits.items():
        if finetuned.data[name]["sha256"] != examples.sha256:
            raise BadRequest(
                f"This {name} set of {finetuned.task} is not the one that {finetuned.key.run.path} was made with.",
                f"Is it another GLUE version? Make the run again: `{bundle.command_for(finetuned.key)}`.",
            )


def require_same_checkpoint(bundle: Bundle, there: Manifest, finetuned: Manifest) -> None:
    """Raises BadBundle where an artefact that a stage builds on was computed with another checkpoint of the run."""
    if there.model_content != finetuned.model_content:
        raise BadBundle(
            f"{there.key.path} was computed with another checkpoint than {finetuned.key.path}.",
            f"Delete that folder and make it again: `{bundle.command_for(there.key)}`.",
        )
