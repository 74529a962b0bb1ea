"""Stage finetune: a task and a seed to a fine-tuned checkpoint and the full model's dev logits."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from explorer.bert.checkpoints import encoder_weights, load_finetuned, load_pretrained, weights_of
from explorer.bert.packing import pack
from explorer.errors import BadBundle
from explorer.glue.encoding import encode
from explorer.store.bundle import CHECKPOINT, set_aside, sha256_of
from explorer.store.schema import Manifest
from explorer.tickets.finetuning import TrainingSet, finetune, training_dtype
from explorer.tickets.recipes import RECIPES, default_recipe, require_recipe
from explorer.tickets.resuming import saved_seconds
from precompute.artefacts import Draft, Stopwatch, finished
from precompute.options import Options
from precompute.stages.opened import evaluator_of
from precompute.stages.training import training_bar, write_trained


def make(
    options: Options,
    recipe: str = "",
    epochs: int | None = None,
    learning_rate: float | None = None,
    train_file: str | None = None,
) -> Manifest:
    """Fine-tunes (or goes on fine-tuning), packs, and scores the packed checkpoint on dev.

    What is stored is what is scored: the dev logits come from the checkpoint as unpacked from disk.
    recipe: a name; '' takes the default for the model and the size of the task. epochs, learning_rate: instead of the
    recipe's. train_file: another training file of the task's folder. Raises BadRequest on an unknown recipe, and
    where the bundle holds this run with other options.
    """
    require_recipe(recipe)
    train = options.examples("train", train_file)
    usual = RECIPES.get(recipe) or default_recipe(options.source, len(train))
    chosen = replace(
        usual,
        epochs=usual.epochs if epochs is None else epochs,
        learning_rate=usual.learning_rate if learning_rate is None else learning_rate,
    )
    pretrained = load_pretrained(options.source, options.task, options.seed)
    base = pretrained.identity
    assert base is not None  # it was read from files
    key = options.key("finetune")
    config = {
        "model": base.source,
        "recipe": asdict(chosen),
        "train_file": train_file,
        "shape": [pretrained.n_layers, pretrained.n_heads],
        **({"gone": [list(place) for place in pretrained.gone]} if pretrained.gone else {}),
    }
    there = finished(options.bundle, key, config)
    if there and CHECKPOINT in there.files:  # a published bundle withholds most checkpoints: those are made again
        return there
    dev = options.examples("dev")
    data = TrainingSet(options.task, encode(train, pretrained.tokenizer), train.labels)
    work = options.bundle.work_folder(key)
    watch = Stopwatch.start(saved_seconds(work))
    with training_bar(f"fine-tune {options.task.name} {options.seed}") as show:
        tuned = finetune(pretrained, data, chosen, options.seed, device=options.device, resume_dir=work, on_step=show)
    packed = pack(
        encoder_weights(pretrained),
        weights_of(tuned),
        base_name=base.source,
        base_sha256=pretrained.sha256,
        about={"task": options.task.name, "seed": options.seed, "recipe": asdict(chosen)},
    )
    written = load_finetuned(written_packed(packed, work), options.task)
    evaluator = evaluator_of(written, dev, options)
    return write_trained(
        Draft(options, key, config, {"train": train, "dev": dev}, sha256_of(packed), base),
        evaluator.interval(evaluator.full),
        watch.seconds,
        {"trained_in": str(training_dtype(chosen, options.device)).removeprefix("torch.")},
        arrays={"labels": dev.labels, "logits": evaluator.full.logits.astype(np.float32)},
        blobs={CHECKPOINT: packed},
    )


def written_packed(packed: bytes, work: Path) -> str:
    """Writes a packed checkpoint, to be read as everybody will read it, beside the bundle or where there is room."""
    folder = set_aside({CHECKPOINT: packed}, work / "packed")
    if folder is None:
        raise BadBundle(
            f"{work} cannot be written to, nor can the system's temporary folder.",
            "Make room and give the same command: it goes on from where training last saved its state.",
        )
    return str(folder / CHECKPOINT)
