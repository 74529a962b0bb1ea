"""Stage finetune: a task and a seed to a fine-tuned checkpoint and the full model's dev logits."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from explorer.bert.checkpoints import encoder_weights, load_finetuned, load_pretrained, weights_of
from explorer.bert.packing import pack
from explorer.glue.encoding import encode
from explorer.live.evaluator import Evaluator
from explorer.store.bundle import CHECKPOINT, sha256_of
from explorer.store.schema import Key, Manifest, Run
from explorer.tickets.finetuning import TrainingSet, finetune, training_dtype
from explorer.tickets.recipes import Recipe, default_recipe
from precompute.options import Options, Stopwatch, manifest
from precompute.records import finished
from precompute.training import training_bar


def run_finetune(
    options: Options,
    model: str,
    recipe: Recipe | None = None,
    *,
    train_file: str | None = None,
    changes: Mapping[str, Any] | None = None,
) -> Manifest:
    """Fine-tunes (or goes on fine-tuning), packs, and scores the packed checkpoint on dev.

    Without a recipe, the default for the model and the size of the task; `changes` replaces fields of it.
    What is stored is what is scored: the dev logits come from the checkpoint as unpacked from disk.
    Raises BadRequest where the bundle holds this run with other options.
    """
    pretrained = load_pretrained(model, options.task, options.seed)
    key = Key(Run(pretrained.name, options.task.name, options.seed), "finetune")
    train = options.examples("train", train_file)
    recipe = replace(recipe or default_recipe(model, len(train)), **(changes or {}))
    config = {
        "model": model,
        "recipe": asdict(recipe),
        "train_file": train_file,
        "shape": [pretrained.n_layers, pretrained.n_heads],
    }
    there = finished(options.bundle, key, config)
    if there and CHECKPOINT in there.files:  # a published bundle withholds most checkpoints: those are made again
        return there
    dev = options.examples("dev")
    data = TrainingSet(options.task, encode(train, pretrained.tokenizer), train.labels)
    work = options.bundle.work_folder(key)
    watch = Stopwatch.start()
    with training_bar(f"fine-tune {options.task.name} {options.seed}") as show:
        tuned = finetune(pretrained, data, recipe, options.seed, device=options.device, resume_dir=work, on_step=show)
    about: dict[str, Any] = {"task": options.task.name, "seed": options.seed, "recipe": asdict(recipe)}
    packed = pack(
        encoder_weights(pretrained),
        weights_of(tuned),
        base_name=model,
        base_sha256=pretrained.sha256,
        about=about,
    )
    work.mkdir(parents=True, exist_ok=True)
    (work / CHECKPOINT).write_bytes(packed)
    evaluator = Evaluator(load_finetuned(str(work / CHECKPOINT), options.task), dev, device=options.device)
    score = evaluator.interval(evaluator.full)
    written = options.bundle.write(
        manifest(
            key,
            config,
            {"train": train, "dev": dev},
            checkpoint_sha256=sha256_of(packed),
            device=options.device,
            seconds=watch.seconds,
            summary={
                "score": score.value,
                "low": score.low,
                "high": score.high,
                "n": score.n,
                "metric": score.metric,
                "trained_in": str(training_dtype(recipe, options.device)).removeprefix("torch."),
            },
        ),
        arrays={"labels": dev.labels, "logits": evaluator.full.logits.astype(np.float32)},
        blobs={CHECKPOINT: packed},
    )
    shutil.rmtree(work, ignore_errors=True)
    return written
