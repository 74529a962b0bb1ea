"""What `open` makes of a fine-tuned model: the full model's scores, and the stages that need no training."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from explorer.bert.checkpoints import Classifier, encoder_weights, load_finetuned, weights_of
from explorer.bert.class_order import below_baseline, own_order
from explorer.bert.packing import pack
from explorer.glue.encoding import how_many_cut, limit_of
from explorer.glue.tasks import Examples
from explorer.store.bundle import CHECKPOINT, sha256_of
from explorer.store.commands import open_command
from explorer.store.schema import Manifest
from explorer.study.expected_seconds import layer_parameters
from explorer.study.majority_baseline import majority_score
from precompute.artefacts import Draft, Stopwatch, finished
from precompute.options import Options
from precompute.same_model import require_same_model
from precompute.stage_verbs import make_artefact
from precompute.stages.finetune import written_packed
from precompute.stages.opened import evaluator_of

STAGES = (
    ("structured", "together", "pruning"),
    ("importance", "expected", "importance"),  # taken from the path, where it can be
    ("ablations", "", "switching off each part alone"),
    ("subnetworks", "", "subnetworks"),
)
"""(stage, variant, words) in the order in which they are made."""


def make_all(
    options: Options, *, quiet: bool = False, tell: Callable[[Sequence[str]], object] = list
) -> Mapping[str, Manifest]:
    """Makes the run and whatever it can be asked without training; stage -> manifest. Killed, the same call goes on.

    tell: takes sentences of doubt in the full model, before anything is measured on it.
    """
    with _bar(quiet=quiet) as step:
        step("the full model's score")
        made = {"finetune": opened_as_it_is(options)}
        tell(doubts(options, made["finetune"]))
        for stage, variant, words in STAGES:
            step(words)
            made[stage] = make_artefact(options, options.key(stage, variant))
        step("")
    return made


def opened_as_it_is(options: Options) -> Manifest:
    """Writes the run's fine-tuning: the model as it was given, packed, and the full model's logits on dev.

    What is stored is what is scored. The packed file holds the classifier alone, and names the model that has the rest.
    Raises BadRequest where the bundle holds this run, made otherwise, and BadCheckpoint as `load_finetuned`.
    """
    require_same_model(options)
    given = load_finetuned(options.source, options.task)
    base, key = given.identity, options.key("finetune")
    assert base is not None  # it was read from files
    config: dict[str, Any] = {"model": base.source, "recipe": None, "train_file": None}
    config |= {"shape": [given.n_layers, given.n_heads]}
    config |= {"gone": [list(place) for place in given.gone]} if given.gone else {}
    with options.bundle.sole_writer(key):
        if there := finished(options.bundle, key, config):
            return there
        dev, watch = options.examples("dev"), Stopwatch.start()
        packed = pack(
            encoder_weights(given),
            weights_of(given.model),
            base_name=base.source,
            base_sha256=given.sha256,
            about={"task": options.task.name, "seed": options.seed, "opened": True},
        )
        written = load_finetuned(written_packed(packed, options.bundle.work_folder(key)), options.task)
        evaluator = evaluator_of(written, dev, options)
        score = evaluator.interval(evaluator.full)
        summary = {"score": score.value} | {name: getattr(score, name) for name in ("low", "high", "n", "metric")}
        summary |= _load(given, dev)
        if cut := how_many_cut(dev, given.tokenizer):
            summary |= {"cut": cut, "cut_at": limit_of(given.tokenizer)}
        if given.classes:
            summary["classes"] = given.classes.how
        draft = Draft(options, key, config, {"dev": dev}, sha256_of(packed), base)
        manifest = draft.manifest(summary, watch.seconds)
        made = options.bundle.write(
            replace(manifest, command=open_command(key.run, options.bundle.place, base.source)),
            arrays={"labels": dev.labels, "logits": evaluator.full.logits.astype(np.float32)},
            blobs={CHECKPOINT: packed},
        )
        options.bundle.clear_work(key)
        return made


def doubts(options: Options, opened: Manifest) -> tuple[str, ...]:
    """Collects what `score` says too of a full model below the most frequent class; none where it is not."""
    labels = options.bundle.read(opened.key).arrays["labels"].astype(np.float64)
    order = replace(own_order(options.task), how=opened.summary.get("classes", "own"))
    score = opened.summary["score"]
    baseline = majority_score(options.task.metric, labels)
    warning = below_baseline(order, options.task, math.nan if score is None else score, baseline)
    return (warning,) if warning else ()


def _load(given: Classifier, dev: Examples) -> dict[str, float | int]:
    """What there is to compute, for estimates of what other runs and stages will take; numbers alone."""
    config = given.model.config
    characters = sum(len(text) for item in dev.items for text in item.texts) / len(dev)
    parameters = layer_parameters(given.n_layers, config.hidden_size, config.intermediate_size)
    return {"characters": round(characters, 1), "parameters": parameters}


@contextmanager
def _bar(*, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Draws one bar over all stages on stderr; what it yields takes the words of the next one."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    total = len(STAGES) + 1
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as progress:
        bar = progress.add_task("", total=total, completed=-1)

        def step(words: str) -> None:
            progress.update(bar, advance=1, description=words or "done")

        yield step
