"""A pruned checkpoint as a folder that another program loads, with a README of how it was made and its proof."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

import transformers
from safetensors import SafetensorError
from safetensors.torch import save

from explorer.bert.checkpoints import Classifier
from explorer.errors import BadRequest, ExplorerError
from explorer.glue.tasks import Examples, Task
from explorer.mask import Mask
from explorer.store.mask_files import json_text, npy_files
from explorer.store.whole_folders import written_aside
from explorer.tickets.export_proof import (
    Proof,
    by_onnxruntime,
    by_our_loader,
    by_plain_transformers,
    onnxruntime,
    own_sentences,
    proven,
)
from explorer.tickets.export_readme import readme
from explorer.tickets.onnx_graph import write_graph
from explorer.tickets.smaller import Loader, smaller

Form = Literal["transformers", "onnx"]
GRAPH = "model.onnx"


@dataclass(frozen=True)
class Written:
    """A folder that was written, and the proof that it is the gated model."""

    files: tuple[Path, ...]
    proof: Proof
    n_parameters: int
    """Parameters in it."""
    n_whole: int
    """Parameters of the model before it was pruned here."""
    smaller: str
    """What is really smaller, in words; '' where nothing is."""
    zero: str
    """What is only zero, in words; '' where nothing is."""


def write_folder(
    classifier: Classifier,
    mask: Mask,
    task: Task,
    folder: Path,
    about: Mapping[str, Any] | None = None,
    *,
    form: Form = "transformers",
    loader: Loader = "transformers-5",
    examples: Examples | None = None,
) -> Written:
    """Writes config.json, weights or graph, the tokenizer, the mask (.npy and JSON) and a README.

    A reader finds the folder whole or not at all, and only where what was written gives the logits of the gated model.
    about: what README and mask.json say of where it comes from. form: a folder of transformers, or an ONNX graph.
    loader: which transformers is to load it. examples: the task's, on which it is proven and scored; None takes
    sentences of this project. Raises BadRequest where the folder holds something already or cannot be written, where
    its logits are others or where ONNX is not installed; BadMask on a mask for another model.
    """
    mask.check_fits(classifier.n_layers, classifier.n_heads)
    mask = mask.within(classifier.full_mask)
    told = {"model": classifier.name, "task": task.name, **(about or {})}
    names = _names(task)
    if classifier.classes and classifier.classes.sentence:
        told["classes"] = f"{', '.join(names)}. In the model that this one comes from: {classifier.classes.sentence}"
    require_empty(folder)
    if form == "onnx":
        onnxruntime()
    try:
        with nullcontext(folder) if _stays(folder) else written_aside(folder) as place:
            try:
                made = _filled(classifier, mask, task, place, told, form, loader, examples)
            except ExplorerError:
                for path in place.iterdir():
                    path.unlink()
                raise
        return Written(tuple(sorted(path for path in folder.iterdir() if path.is_file())), *made)
    except (OSError, SafetensorError) as error:
        why = getattr(error, "strerror", None) or error
        raise BadRequest(f"{folder} cannot be written ({why}).", "Make room, or name another folder.") from None


def _filled(
    classifier: Classifier,
    mask: Mask,
    task: Task,
    place: Path,
    told: Mapping[str, Any],
    form: Form,
    loader: Loader,
    examples: Examples | None,
) -> tuple[Proof, int, int, str, str]:
    """Writes all files and proves them: what Written has beside them."""
    whole = sum(parameter.numel() for parameter in classifier.model.parameters())
    config = _config(classifier, task)
    if form == "onnx":
        left = write_graph(classifier, mask, place / GRAPH)
        less, zero = ("all that is pruned: an ONNX graph may have another width in each layer", "")
    else:
        small = smaller(classifier, mask, loader)
        left, less, zero = small.n_parameters, small.smaller, small.zero
        config |= small.config
        # Not save_file, whose file nobody else may read.
        (place / "model.safetensors").write_bytes(save(dict(small.weights), metadata={"format": "pt"}))
    (place / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    classifier.tokenizer.save_pretrained(place)
    if form == "onnx":
        run, by = by_onnxruntime, f"ONNX Runtime {onnxruntime().__version__}"
    elif "pruned_heads" in config:
        run, by = by_our_loader, "the loader of this project"
    else:
        run, by = by_plain_transformers, f"plain transformers {transformers.__version__}"
    proof = proven(classifier, mask, place, run, by, examples or own_sentences(task), scored=examples is not None)
    for name, data in npy_files(mask).items():
        (place / name).write_bytes(data)
    (place / "mask.json").write_text(json_text(mask, told), encoding="utf-8")
    checked = own_sentences(task, 8)
    logits = run(place, checked)
    check = [
        {"texts": list(one.texts), "logits": [round(float(value), 6) for value in row]}
        for one, row in zip(checked.items, logits, strict=True)
    ]
    (place / "check.json").write_text(json.dumps(check, indent=1) + "\n", encoding="utf-8")
    size = (left, whole)
    words = readme(classifier, mask, task, told, proof, size, (less, zero), GRAPH if form == "onnx" else loader)
    (place / "README.md").write_text(words, encoding="utf-8")
    return proof, left, whole, less, zero


def _config(classifier: Classifier, task: Task) -> dict[str, Any]:
    """The whole model's config.json, with the task's classes."""
    names = dict(enumerate(_names(task)))
    config = dict(classifier.model.config.to_dict())
    return config | {
        "architectures": ["BertForSequenceClassification"],
        "id2label": {str(number): name for number, name in names.items()},
        "label2id": {name: number for number, name in names.items()},
        "problem_type": "regression" if task.is_regression else "single_label_classification",
        "transformers_version": transformers.__version__,
    }


def _names(task: Task) -> tuple[str, ...]:
    """What each output is called; a regression has one."""
    return task.label_names or (task.label_column if task.own else "similarity",)


def require_empty(folder: Path) -> None:
    """Raises BadRequest where a folder holds something already, or is a file."""
    try:
        if folder.exists() and any(folder.iterdir()):
            raise BadRequest(f"{folder} holds something already.", "Name a folder that is empty or not there yet.")
    except OSError as error:
        raise BadRequest(f"{folder} cannot be written ({error.strerror}).", "Name another folder.") from None


def _stays(folder: Path) -> bool:
    """Whether no other folder can take its place: somebody is in it, or it is the root of a disk."""
    return folder.is_dir() and (os.path.ismount(folder) or folder.samefile(Path.cwd()))


def zip_folder(folder: Path, file: BinaryIO, name: str) -> None:
    """Writes the folder's files to an archive in which they lie in a folder called `name`."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, f"{name}/{path.name}")
