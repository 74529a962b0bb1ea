"""Stage score: one mask of one checkpoint on the dev set (or the diagnostics), and a CSV of its predictions."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import torch

from explorer.bert.checkpoints import Classifier, load_finetuned
from explorer.bert.class_order import ClassOrder, below_baseline, own_order
from explorer.bert.model_names import MINILM
from explorer.bert.stand_ins import LEARNED, MEAN, ZERO, StandIn, sample_for_means
from explorer.errors import BadRequest
from explorer.glue.diagnostics import diagnostic_examples
from explorer.glue.encoding import cut_sentence, how_many_cut, limit_of
from explorer.glue.tasks import Examples
from explorer.live.evaluator import Evaluator
from explorer.live.opening import with_learned
from explorer.mask import Mask
from explorer.paths import expanded
from explorer.store.bundle import require_writable, set_aside
from explorer.store.mask_files import read_mask_at
from explorer.study.majority_baseline import majority_score
from precompute.bundle.prove import proven
from precompute.bundle.results import ScoreResult
from precompute.bundle.ticket_names import code_of
from precompute.options import Options
from precompute.same_model import require_same_model


def run_score(
    options: Options,
    mask: str,
    predictions: Path | None,
    *,
    diagnostics: bool = False,
    in_fp32: bool = False,
    prove: bool = False,
    instead: StandIn = ZERO,
) -> ScoreResult:
    """Scores exactly that mask on dev, or on the built-in diagnostics; predictions: a CSV to write.

    in_fp32: fp32 throughout, also where bf16 is faster. prove: that too, and every way to run the mask is compared.
    instead: what stands in for what is off: means over the training examples, or the constants that the bundle holds.
    """
    if predictions is not None:
        predictions = expanded(predictions)
        _require_place_for(predictions)
    classifier = load_finetuned(checkpoint_source(options), options.task)
    wanted = read_mask(code_of(options, mask), classifier.n_layers, classifier.n_heads).within(classifier.full_mask)
    examples = diagnostic_examples(options.task) if diagnostics else options.examples("dev")
    dtype = torch.float32 if in_fp32 or prove else None
    evaluator = Evaluator(classifier, examples, device=options.device, dtype=dtype)
    if instead == MEAN:
        evaluator = evaluator.with_means_of(sample_for_means(_training(options)))
    elif instead == LEARNED:
        evaluator = with_learned(evaluator, options.bundle, options.run)
    evaluation = evaluator.evaluate(wanted)
    if predictions is not None:
        table = pd.DataFrame({"index": range(len(examples)), "prediction": evaluator.predictions(evaluation)})
        for column in range(evaluation.logits.shape[1]):
            table[f"logit_{column}"] = evaluation.logits[:, column]
        _write(table, predictions)
    order = classifier.classes or own_order(options.task)
    too_low = () if diagnostics else _too_low(order, evaluator)
    return ScoreResult(
        options.task.name,
        options.model,
        examples.source,
        wanted,
        evaluator.interval(evaluation),
        evaluation.seconds,
        order.how,
        tuple(order.names),
        (*remarks_on(classifier), *cut_words(classifier, examples), *too_low),
        "fp32" if evaluation.verified else evaluator.precision,
        proven(classifier, evaluator, wanted) if prove else None,
        instead,
        options.task.label_names[1] if options.task.metric == "f1" else "",
    )


def _training(options: Options) -> Examples:
    """The examples that the bundle's run was trained on, else the task's."""
    finetuned, bundle = options.key("finetune"), options.bundle
    file = bundle.manifest(finetuned).config.get("train_file") if bundle.has(finetuned) else None
    return options.examples("train", file)


def _require_place_for(file: Path) -> None:
    if file.is_dir():
        raise BadRequest(f"{file} is a folder.", "Name a file to write predictions to.")
    if not file.parent.exists():
        raise BadRequest(f"{file} cannot be written: there is no folder {file.parent}.", "Name another file.")
    require_writable(file.parent, "Name another file for --predictions.")


def _write(table: pd.DataFrame, file: Path) -> None:
    data = table.to_csv(index=False).encode()
    try:
        file.write_bytes(data)
    except OSError as error:
        kept = set_aside({file.name: data})
        words = f"They are kept in {kept / file.name}." if kept else "Name another file."
        raise BadRequest(f"{file} cannot be written ({error.strerror}).", words) from None


def remarks_on(classifier: Classifier) -> tuple[str, ...]:
    """Collects sentences on how the outputs became classes, where that took names or an assumption, and on oddities."""
    classes = (classifier.classes.sentence,) if classifier.classes and classifier.classes.sentence else ()
    return (*classes, *classifier.notes)


def cut_words(classifier: Classifier, examples: Examples) -> tuple[str, ...]:
    """Says how many examples of a person's own are read in part: GLUE's are cut as in the paper, which says so."""
    cut = how_many_cut(examples, classifier.tokenizer) if examples.task.own else 0
    return (cut_sentence(cut, len(examples), limit_of(classifier.tokenizer)),) if cut else ()


def _too_low(order: ClassOrder, evaluator: Evaluator) -> tuple[str, ...]:
    task = evaluator.task
    warning = below_baseline(order, task, evaluator.full.score, majority_score(task.metric, evaluator.labels))
    return (warning,) if warning else ()


def checkpoint_source(options: Options) -> str:
    """Finds the fine-tuned model that is meant: the bundle's where it has the run or 'minilm' is asked for, as every
    stage does, else the folder, file or Hub id itself. Raises BadBundle where the bundle's checkpoint is not there,
    BadRequest where the run began with another model of that name."""
    if options.model != MINILM and not options.bundle.has(options.key("finetune")):
        return options.model
    checkpoint = str(options.bundle.checkpoint(options.run))
    require_same_model(options)  # after: a run that is not here is the first thing to say
    return checkpoint


def read_mask(mask: str, n_layers: int, n_heads: int) -> Mask:
    """Reads a code, a file of a mask as the lab takes them, a folder with the authors' two .npy files, a text file with
    a code, or '' for the full mask. Raises BadMask; BadRequest where the file cannot be read."""
    if not mask:
        return Mask.full(n_layers, n_heads)
    path = expanded(mask)
    try:
        files = path.is_file() or path.is_dir()
    except OSError:  # too long for a file name
        files = False
    if not files:
        return Mask.from_code(mask, n_layers, n_heads)
    try:
        return read_mask_at(path, n_layers, n_heads)
    except OSError as error:
        raise BadRequest(f"{path} cannot be read ({error.strerror}).", "Name a file of a mask, or its code.") from None
