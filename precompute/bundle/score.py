"""Stage score: one mask of one checkpoint on the dev set (or the diagnostics), and a CSV of its predictions."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import torch

from explorer.bert.checkpoints import Classifier, load_finetuned
from explorer.bert.class_order import ClassOrder, below_baseline, own_order
from explorer.bert.model_names import MINILM
from explorer.errors import BadRequest
from explorer.glue.diagnostics import diagnostic_examples
from explorer.live.evaluator import Evaluator
from explorer.mask import Mask
from explorer.paths import expanded
from explorer.study.majority_baseline import majority_score
from precompute.bundle.prove import proven
from precompute.bundle.results import ScoreResult
from precompute.options import Options


def run_score(
    options: Options,
    mask: str,
    predictions: Path | None,
    *,
    diagnostics: bool = False,
    in_fp32: bool = False,
    prove: bool = False,
) -> ScoreResult:
    """Scores exactly that mask on dev, or on the built-in diagnostics; predictions: a CSV to write.

    in_fp32: fp32 throughout, also where bf16 is faster. prove: that too, and every way to run the mask is compared.
    """
    classifier = load_finetuned(checkpoint_source(options), options.task)
    wanted = read_mask(mask, classifier.n_layers, classifier.n_heads)
    examples = diagnostic_examples(options.task) if diagnostics else options.examples("dev")
    dtype = torch.float32 if in_fp32 or prove else None
    evaluator = Evaluator(classifier, examples, device=options.device, dtype=dtype)
    evaluation = evaluator.evaluate(wanted)
    if predictions is not None:
        table = pd.DataFrame({"index": range(len(examples)), "prediction": evaluator.predictions(evaluation)})
        for column in range(evaluation.logits.shape[1]):
            table[f"logit_{column}"] = evaluation.logits[:, column]
        try:
            table.to_csv(predictions, index=False)
        except OSError as error:
            raise BadRequest(f"{predictions} cannot be written ({error.strerror}).", "Name another file.") from None
    order = classifier.classes or own_order(options.task)
    return ScoreResult(
        options.task.name,
        options.model,
        examples.source,
        wanted,
        evaluator.interval(evaluation),
        evaluation.seconds,
        order.how,
        tuple(order.names),
        (*remarks_on(classifier), *(() if diagnostics else _too_low(order, evaluator))),
        "fp32" if evaluation.verified else evaluator.precision,
        proven(classifier, evaluator, wanted) if prove else None,
    )


def remarks_on(classifier: Classifier) -> tuple[str, ...]:
    """Collects sentences on how the outputs became classes, where that took names or an assumption, and on oddities."""
    classes = (classifier.classes.sentence,) if classifier.classes and classifier.classes.sentence else ()
    return (*classes, *classifier.notes)


def _too_low(order: ClassOrder, evaluator: Evaluator) -> tuple[str, ...]:
    task = evaluator.task
    warning = below_baseline(order, task, evaluator.full.score, majority_score(task.metric, evaluator.labels))
    return (warning,) if warning else ()


def checkpoint_source(options: Options) -> str:
    """Finds the fine-tuned model that is meant: the bundle's where it has the run or 'minilm' is asked for, else the
    folder, file or Hub id itself. Raises BadBundle where the bundle's checkpoint is not there."""
    named = options.model == MINILM or (
        options.bundle.has(options.key("finetune")) and not expanded(options.model).exists()
    )
    return str(options.bundle.checkpoint(options.run)) if named else options.model


def read_mask(mask: str, n_layers: int, n_heads: int) -> Mask:
    """A code, a file that holds one, or '' for the full mask."""
    if not mask:
        return Mask.full(n_layers, n_heads)
    path = Path(mask)
    try:
        is_file = path.is_file()
    except OSError:  # too long for a file name
        is_file = False
    if is_file:
        try:
            mask = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise BadRequest(f"{path} is not a text file with a mask code.") from None
    return Mask.from_code(mask, n_layers, n_heads)
