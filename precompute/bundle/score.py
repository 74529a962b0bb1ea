"""Stage score: one mask of one checkpoint on the dev set (or the diagnostics), and a CSV of its predictions."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from explorer.bert.checkpoints import Classifier, load_finetuned
from explorer.bert.class_order import ClassOrder, below_baseline, own_order
from explorer.bert.model_names import MINILM, MINILM_NAME
from explorer.errors import BadRequest
from explorer.glue.diagnostics import diagnostic_examples
from explorer.live.evaluator import Evaluator
from explorer.mask import Mask
from explorer.stats.intervals import Score
from explorer.store.schema import Run
from explorer.study.majority_baseline import uninformed_score
from precompute.options import Options


@dataclass(frozen=True)
class ScoreResult:
    """What `score` prints."""

    task: str
    model: str
    data: str
    mask: Mask
    score: Score
    seconds: float
    classes: ClassOrder
    remarks: tuple[str, ...]
    """Sentences for stderr: how the outputs became classes, what of the model is not as usual, a score that is too low
    to be right."""

    def as_dict(self) -> dict[str, Any]:
        """For --json."""
        return {
            "task": self.task,
            "model": self.model,
            "data": self.data,
            "mask": self.mask.code,
            **asdict(self.score),
            "seconds": round(self.seconds, 3),
            "classes": self.classes.how,
            "class_names": list(self.classes.names),
            "remarks": list(self.remarks),
        }

    def sentence(self) -> str:
        """For a terminal."""
        s = self.score
        interval = s.undefined or f"[{s.low:.4f}, {s.high:.4f}] {s.method}"
        return (
            f"{self.task} ({self.data}), {self.mask.heads_kept} heads and {self.mask.mlps_kept} MLPs kept: "
            f"{s.metric} {s.value:.4f} {interval}, n = {s.n}, {self.seconds:.2f} s"
        )


def run_score(
    options: Options, model: str, mask: str, predictions: Path | None, *, diagnostics: bool = False
) -> ScoreResult:
    """Scores exactly that mask; `model` 'minilm' is the bundle's checkpoint of the task and seed."""
    source = model
    if model == MINILM:
        source = str(options.bundle.checkpoint(Run(MINILM_NAME, options.task.name, options.seed)))
    classifier = load_finetuned(source, options.task)
    wanted = read_mask(mask, classifier.n_layers, classifier.n_heads)
    examples = diagnostic_examples(options.task) if diagnostics else options.examples("dev")
    evaluator = Evaluator(classifier, examples, device=options.device)
    evaluation = evaluator.evaluate(wanted)
    if predictions is not None:
        table = pd.DataFrame({"index": range(len(examples)), "prediction": evaluator.predictions(evaluation)})
        for column in range(evaluation.logits.shape[1]):
            table[f"logit_{column}"] = evaluation.logits[:, column]
        try:
            table.to_csv(predictions, index=False)
        except OSError as error:
            raise BadRequest(f"{predictions} cannot be written ({error.strerror}).", "Name another file.") from None
    return ScoreResult(
        options.task.name,
        model,
        examples.source,
        wanted,
        evaluator.interval(evaluation),
        evaluation.seconds,
        classifier.classes or own_order(options.task),
        (*remarks_on(classifier), *(() if diagnostics else _too_low(classifier, evaluator))),
    )


def remarks_on(classifier: Classifier) -> tuple[str, ...]:
    """Sentences on how the outputs became classes, where that took names or an assumption, and the loader's notes."""
    classes = (classifier.classes.sentence,) if classifier.classes and classifier.classes.sentence else ()
    return (*classes, *classifier.notes)


def _too_low(classifier: Classifier, evaluator: Evaluator) -> tuple[str, ...]:
    order, task = classifier.classes or own_order(evaluator.task), evaluator.task
    warning = below_baseline(order, task, evaluator.full.score, uninformed_score(task.metric, evaluator.labels))
    return (warning,) if warning else ()


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
