"""Stage score: one mask of one checkpoint on the dev set (or the diagnostics), and a CSV of its predictions."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from explorer.bert.checkpoints import load_finetuned
from explorer.bert.model_names import MINILM, MINILM_NAME
from explorer.errors import BadRequest
from explorer.glue.diagnostics import diagnostic_examples
from explorer.live.evaluator import Evaluator
from explorer.mask import Mask
from explorer.stats.intervals import Score
from explorer.store.schema import Run
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

    def as_dict(self) -> dict[str, Any]:
        """For --json."""
        return {
            "task": self.task,
            "model": self.model,
            "data": self.data,
            "mask": self.mask.code,
            **asdict(self.score),
            "seconds": round(self.seconds, 3),
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
        options.task.name, model, examples.source, wanted, evaluator.interval(evaluation), evaluation.seconds
    )


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
