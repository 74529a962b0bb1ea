"""Verb export: a fine-tuned model under a mask as a folder that another program loads, with its proof."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from explorer.bert.checkpoints import load_finetuned, weights_of
from explorer.bert.stand_ins import sample_of
from explorer.errors import BadRequest
from explorer.glue.sources import glue_dir_from_environment
from explorer.glue.tasks import Examples
from explorer.paths import expanded
from explorer.store.bundle import require_room, require_writable
from explorer.store.commands import PROGRAM
from explorer.tickets.loadable import Form, require_empty, write_folder
from explorer.tickets.smaller import Loader
from precompute.bundle.results import Exported
from precompute.bundle.score import checkpoint_source, read_mask, remarks_on
from precompute.bundle.ticket_names import code_of
from precompute.options import Options

_MOST = 2_000
"""Examples of a proof: more of a larger dev set are left out, drawn at random."""


def run_export(
    options: Options, mask: str, out: Path, form: Form = "transformers", loader: Loader = "transformers-5"
) -> Exported:
    """Writes the folder. mask: as `score` takes it, or the name of a ticket of the run: good, bad, random, ...

    form: a folder of transformers, or an ONNX graph. loader: which transformers is to load the former. The proof is
    made on the task's dev set where --glue-dir or GLUE_DIR names one, else on sentences of this project.

    Raises BadBundle or BadCheckpoint where there is no such model or ticket, BadMask on a mask for another one,
    BadRequest where `out` holds something already, takes nothing or has no room, where ONNX is not installed, and where
    what was written gives other logits than the gated model.
    """
    if form == "onnx" and loader == "transformers-4":
        raise BadRequest("An ONNX graph is for no version of transformers.", "Leave out --for, or --format onnx.")
    folder = expanded(out)
    require_writable(folder, "Name another folder for --out.")
    require_empty(folder)
    source = checkpoint_source(options)
    code = code_of(options, mask)
    about: dict[str, Any] = {"seed": options.seed} if source != options.model else {}
    if code != mask:
        about["ticket"] = mask
    examples = _dev(options)
    classifier = load_finetuned(source, options.task)
    wanted = read_mask(code, classifier.n_layers, classifier.n_heads).within(classifier.full_mask)
    size = sum(array.nbytes for array in weights_of(classifier.model).values())
    require_room(folder, size, "Make room, or name another folder for --out.")
    about |= {"checkpoint": classifier.sha256, "command": _command(options, wanted.code, form, loader)}
    written = write_folder(classifier, wanted, options.task, folder, about, form=form, loader=loader, examples=examples)
    size = sum(path.stat().st_size for path in written.files)
    names = tuple(path.name for path in written.files)
    sizes = written.n_parameters, written.n_whole, written.smaller, written.zero, written.proof.largest
    return Exported(folder, wanted, names, size, remarks_on(classifier), written.proof.sentence, *sizes)


def _dev(options: Options) -> Examples | None:
    """The dev set, or a part of a large one, where it lies on this machine: the Hub is not asked for a proof."""
    if options.glue_dir is None and glue_dir_from_environment() is None:
        return None
    dev = options.examples("dev")
    return dev if len(dev) <= _MOST else sample_of(dev, _MOST, 0)


def _command(options: Options, code: str, form: Form, loader: Loader) -> str:
    parts = [PROGRAM, "export", "--task", options.task.name, "--seed", str(options.seed), "--model", options.model]
    parts += ["--bundle", str(options.bundle.root), "--mask", code, "--out", "DIR"]
    parts += ["--format", form] if form != "transformers" else []
    parts += ["--for", loader] if loader != "transformers-5" else []
    return " ".join([PROGRAM, *map(shlex.quote, parts[1:])])
