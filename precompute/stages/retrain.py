"""Stage retrained: a subnetwork of the PRE-TRAINED model, fine-tuned as the run was, and scored with the same mask.

The retrained weights are not stored: command, seed and recipe make them again, and their sha256 is in the manifest.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch

from explorer.bert.checkpoints import Classifier, load_finetuned, load_pretrained, weights_of
from explorer.errors import BadRequest
from explorer.glue.encoding import encode
from explorer.live.evaluator import Evaluator
from explorer.mask import Mask
from explorer.store.model_shape import full_mask_in
from explorer.store.schema import Key, Manifest, Run
from explorer.store.stages import OWN, stage_named
from explorer.store.task_tickets import task_tickets
from explorer.tickets.finetuning import TrainingSet, training_dtype
from explorer.tickets.magnitude import WeightMask
from explorer.tickets.resuming import saved_seconds
from explorer.tickets.retraining import retrain
from explorer.tickets.subnetworks import SUBNETWORK_KINDS, good, random
from precompute.artefacts import (
    Draft,
    Stopwatch,
    require_same_checkpoint,
    require_same_data,
    score_columns,
    up_to_date,
)
from precompute.options import Options
from precompute.stages.magnitude import counterpart, stored_ticket
from precompute.stages.training import recipe_of, training_bar, write_trained

SAVE_EVERY = 200
"""Steps."""


@dataclass(frozen=True)
class _Subnetwork:
    """What is retrained: gates or a weight mask, and how the bundle describes it."""

    mask: Mask | None
    weight_mask: WeightMask | None
    columns: dict[str, Any]
    """Columns for the score table."""


def make(options: Options, kind: str = "good", ticket_of: str = OWN) -> Manifest:
    """Fine-tunes the subnetwork with the run's recipe and seed (or goes on), and scores it in fp32.

    ticket_of: another task, whose ticket of this seed is taken or, of kind random, as many parts at random. Made anew
    where the subnetwork is no longer the one that was retrained. Raises BadRequest on other data than the run's;
    BadBundle where the subnetwork is not in the bundle yet.
    """
    run = options.run
    if ticket_of == run.task != OWN:  # a task may be called as the default is
        raise BadRequest(f"{ticket_of}'s ticket is this task's own.", "Leave out --ticket-of.")
    variant = stage_named("retrained").variant_of({"kind": kind, "ticket_of": ticket_of})
    key = options.key("retrained", variant)
    finetuned = options.bundle.manifest(options.key("finetune"))
    recipe = recipe_of(options.bundle, finetuned)
    model, train_file = str(finetuned.config["model"]), finetuned.config.get("train_file")
    if variant != kind:
        pruned = _of_task(options, kind, ticket_of)
    elif kind in SUBNETWORK_KINDS:
        pruned = _structured(options, run, kind, finetuned)
    else:
        pruned = _magnitude(options, run, kind)
    config = {
        "kind": kind,
        "mask": pruned.mask.code if pruned.mask else "",
        "weight_mask_sha256": pruned.weight_mask.sha256 if pruned.weight_mask else "",
        "model": model,
        "recipe": asdict(recipe),
        "train_file": train_file,
        "checkpoint": "not stored: scored as trained, in fp32",
    }
    if variant != kind:
        config["ticket_of"] = ticket_of
    if there := up_to_date(options.bundle, key, config):
        return there
    train, dev = options.examples("train", train_file), options.examples("dev")
    require_same_data(options.bundle, finetuned, train=train, dev=dev)
    pretrained = load_pretrained(model, options.task, options.seed)
    work = options.bundle.work_folder(key)
    watch = Stopwatch.start(saved_seconds(work))
    with training_bar(f"retrain {variant} {run.path}") as show:
        tuned = retrain(
            pretrained,
            TrainingSet(options.task, encode(train, pretrained.tokenizer), train.labels),
            recipe,
            options.seed,
            mask=pruned.mask,
            weight_mask=pruned.weight_mask,
            device=options.device,
            resume_dir=work,
            save_every=SAVE_EVERY,
            on_step=show,
        )
    classifier = _classifier(replace(pretrained, model=tuned))
    evaluator = Evaluator(classifier, dev, device=options.device, dtype=torch.float32)  # its logits are stored
    evaluation = evaluator.evaluate(pruned.mask or evaluator.full_mask)
    table, predictions = score_columns(options.task, dev.labels, [evaluation.logits])
    for at, (name, value) in enumerate({"kind": kind, "state": "retrained"}.items()):
        table.insert(at, name, value)
    for name, value in pruned.columns.items():
        table[name] = value
    return write_trained(
        Draft(options, key, config, {"train": train, "dev": dev}, finetuned.checkpoint_sha256),
        evaluator.interval(evaluation),
        watch.seconds,
        {
            "trained_in": str(training_dtype(recipe, options.device)).removeprefix("torch."),
            "retrained_sha256": classifier.sha256,
        },
        arrays={"predictions": predictions, "logits": evaluation.logits.astype(np.float32)[None]},
        table=table,
    )


def _structured(options: Options, run: Run, kind: str, finetuned: Manifest) -> _Subnetwork:
    artefact = options.bundle.read(Key(run, "subnetworks"))
    require_same_checkpoint(options.bundle, artefact.manifest, finetuned)
    rows = {str(row["kind"]): row for row in artefact.table.to_dict("records")}
    if kind not in rows:
        raise BadRequest(
            f"{artefact.manifest.key.path} has no {kind}: it takes the trajectories of two seeds or more.",
            f"Prune another seed of {run.task}, then: `{options.bundle.command_for(artefact.manifest.key)}`.",
        )
    row = rows[kind]
    mask = Mask.from_code(str(row["mask"]), *full_mask_in(finetuned).heads.shape)
    columns = {"mask": mask.code, "heads_kept": mask.heads_kept, "mlps_kept": mask.mlps_kept, "note": row["note"]}
    return _Subnetwork(mask, None, columns)


def _of_task(options: Options, kind: str, task: str) -> _Subnetwork:
    """Takes another task's ticket of the same seed, or as many heads and MLPs at random."""
    run, bundle = options.run, options.bundle
    if kind not in ("good", "random"):
        raise BadRequest(f"Another task's {kind} is not retrained.", "--ticket-of takes the kinds good and random.")
    ticket = task_tickets(bundle, run.model, task).get(run.seed)
    if ticket is None:
        make_it = bundle.command_for(Key(Run(run.model, task, run.seed), "structured", "together"))
        raise BadRequest(f"{task} has no ticket of seed {run.seed} in this bundle.", f"Make it: `{make_it}`.")
    whole = full_mask_in(bundle.manifest(options.key("finetune")))
    there = ticket.within(whole)
    chosen = good(there) if kind == "good" else random(there, run.seed, whole)
    mask = chosen.mask
    columns = {"mask": mask.code, "heads_kept": mask.heads_kept, "mlps_kept": mask.mlps_kept, "note": chosen.note}
    return _Subnetwork(mask, None, columns)


def _magnitude(options: Options, run: Run, kind: str) -> _Subnetwork:
    classifier = load_finetuned(str(options.bundle.checkpoint(run)), options.task)
    weights = weights_of(classifier.model)
    good = stored_ticket(options.bundle, run, weights)
    mask = counterpart(kind.removeprefix("magnitude-"), weights, good, run.seed)
    note = str(options.bundle.manifest(Key(run, "magnitude", "good")).summary["note"])
    columns = {"weights_kept": mask.n_kept, "share_kept": mask.n_kept / mask.n_weights, "note": note}
    return _Subnetwork(None, mask, columns)


def _classifier(tuned: Classifier) -> Classifier:
    """With the sha256 of its own weights."""
    digest = hashlib.sha256()
    for name, array in sorted(weights_of(tuned.model).items()):
        digest.update(f"{name}{array.shape}".encode() + array.tobytes())
    return replace(tuned, sha256=digest.hexdigest())
