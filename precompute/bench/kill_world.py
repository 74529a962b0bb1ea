"""A world small enough to be killed in hundreds of times: a random BERT, a few sentences of our own, every job.

Nothing in it tells anything about language; it has the stages of the register, and publish, export and import-paper.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from transformers import BertConfig, BertForSequenceClassification

from explorer.bert.model_names import name_in_bundle
from explorer.glue.diagnostics import diagnostic_examples
from explorer.glue.tasks import TASKS, Examples, Split
from explorer.store.bundle import Bundle
from explorer.store.coverage import study_keys
from explorer.store.paper.importer import N_HEADS, N_LAYERS
from explorer.store.schema import ALL_SEEDS, Key, Run
from explorer.store.stages import stage_named
from explorer.store.whole_folders import sole_writer
from precompute.bundle.export import run_export
from precompute.bundle.import_paper import run_import
from precompute.bundle.publish import run_publish
from precompute.options import Options
from precompute.stage_verbs import make, make_artefact
from precompute.stages import attention

TASK, SEED, ROWS = "MRPC", 7, 40
LONG = ("bank", "league")
"""Stages of thousands of masks, left out: they save as ablations do, mask by mask."""
_ORIGIN = "origin.txt"
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


@dataclass(frozen=True)
class Job:
    """One command that may be killed at any moment and given again."""

    name: str
    place: str
    """Path that it writes, inside the world."""
    do: Callable[[Path], object]
    """Runs it in a world's folder."""
    made: Key | None = None
    """The artefact that it makes in the bundle; None for what is not a stage."""


def make_world(root: Path) -> None:
    """Writes model, sentences and a clone of the authors' layout into an empty folder."""
    rows = diagnostic_examples(TASKS[TASK]).items[:ROWS]
    for split in ("train", "dev"):
        _write_tsv(root / "glue", Examples(TASKS[TASK], split, rows, "", ""), split)
    _save_model(root / "tiny", sorted({word for row in rows for text in row.texts for word in text.lower().split()}))
    (root / _ORIGIN).write_text(str(root / "tiny"))
    rng = np.random.default_rng(0)
    for seed in (1337, 42):
        folder = root / "clone" / "masks" / "heads_mlps" / TASK / f"seed_{seed}"
        folder.mkdir(parents=True)
        np.save(folder / "head_mask.npy", rng.integers(0, 2, (N_LAYERS, N_HEADS)).astype(np.float64))
        np.save(folder / "mlp_mask.npy", rng.integers(0, 2, N_LAYERS).astype(np.float64))


def settle() -> None:
    """Makes this process one of the world: few sentences a split, few maps, one thread."""
    torch.set_num_threads(1)
    TASKS[TASK] = replace(TASKS[TASK], train_rows=ROWS, dev_rows=ROWS)
    attention.SENTENCES, attention.SAMPLES = 5, 2


def jobs() -> tuple[Job, ...]:
    """Lists every stage of the register in the order of the study, then publish, export and import-paper."""
    run = Run("tiny", TASK, SEED)
    stages = [Job(str(Path(*key.path.parts[2:])), f"bundle/{key.path}", _stage(key), key) for key in _keys(run)]
    return (
        *stages,
        Job("publish", "shipped", _publish),
        Job("export", "exported", _export),
        Job("import-paper", "imported", lambda root: run_import(root / "clone", root / "imported")),
    )


def options(root: Path) -> Options:
    """Names the one run of the world."""
    model = (root / _ORIGIN).read_text()  # manifests name it: in a copy of the world it is the same one
    return Options(TASKS[TASK], SEED, model, Bundle(root / "bundle"), root / "glue", "cpu")


def _keys(run: Run) -> list[Key]:
    keys = [
        *study_keys(run),
        *study_keys(replace(run, seed=ALL_SEEDS)),
        Key(run, "importance", "expected-train-sample"),
    ]
    keys = [key for key in keys if key.stage not in LONG]
    order = [stage.stage for stage in keys]
    return sorted(keys, key=lambda key: order.index(key.stage))


def _stage(key: Key) -> Callable[[Path], object]:
    def do(root: Path) -> object:
        if key.stage == "finetune":
            return make(options(root), stage_named("finetune"), epochs=3, learning_rate=3e-3)
        return make_artefact(options(root), key)

    return do


def _publish(root: Path) -> object:
    return run_publish(Bundle(root / "bundle"), Bundle(root / "shipped"), [f"{TASK}:{SEED}"])


def _export(root: Path) -> object:
    if (root / "exported").exists():
        # killed after the last step, the renaming: whether it is whole is judged like any other
        with sole_writer(root / "exported"):
            return None  # and what the killed one left beside it is cleared, as the next writer does
    return run_export(replace(options(root), model=name_in_bundle("tiny")), "", root / "exported")


def _write_tsv(folder: Path, examples: Examples, split: Split) -> None:
    task = examples.task
    path = folder / task.name / (task.dev_file if split == "dev" else task.train_file)
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = ("index", *task.columns, task.label_column)
    lines = [("\t").join(columns)]
    for number, item in enumerate(examples.items):
        lines.append("\t".join((str(number), *item.texts, task.labels[int(item.label)])))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _save_model(folder: Path, words: list[str]) -> None:
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(_SPECIAL) + len(words),
        hidden_size=16,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=32,
        max_position_embeddings=128,
        initializer_range=0.3,
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join((*_SPECIAL, *words)) + "\n", encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "BertTokenizer", "do_lower_case": True, "model_max_length": 128})
    )


def without(world: Path, job: Job, copy: Path) -> None:
    """Copies a finished world without what a job made, and without what it would otherwise be taken from."""
    shutil.copytree(world, copy)
    places = [job.place]
    if job.made and job.made.stage == "importance":
        places.append(f"bundle/{Key(job.made.run, 'structured', 'together').path}")
    for place in places:
        shutil.rmtree(copy / place, ignore_errors=True)
