"""The trials of a recipe search: who is tried, what is held out, the table of scores, and what it says.

The held-out tenth is of the TRAINING set; the dev sets are never read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explorer.glue.data_hash import examples_sha256
from explorer.glue.metrics import predictions_of
from explorer.glue.tasks import Examples
from explorer.stats.paired import PairedDifference, compare
from explorer.tickets.recipes import Recipe

HOLD_OUT_SEED = 2020
"""Draws the held-out tenth, the same for every candidate and whatever the fine-tuning seed."""
TRIALS = "trials.csv"
_NORMAL_95 = 1.96


@dataclass(frozen=True)
class Candidate:
    """One setting of the searched hyperparameters."""

    learning_rate: float
    epochs: int
    warmup_share: float

    @property
    def name(self) -> str:
        """Name in folders and tables."""
        return f"lr{self.learning_rate:g}-epochs{self.epochs}-warmup{self.warmup_share:g}"

    def recipe(self, base: Recipe) -> Recipe:
        """The base recipe with these three values."""
        return replace(base, name=f"{base.name}-search", **asdict(self))


@dataclass(frozen=True)
class Trial:
    """One candidate on one task after a share of its steps: a row of the table."""

    task: str
    learning_rate: float
    epochs: int
    warmup_share: float
    share: float
    """Share of the candidate's steps."""
    steps: int
    score: float
    """The task's metric on the held-out tenth."""
    low: float
    high: float
    n: int
    loss: float
    """Mean over the held-out examples."""
    seconds: float
    """Seconds of training since the first step, on the clock, sittings that were killed included."""
    cpu_seconds: float
    """Seconds of processor time."""
    seed: int = 1337
    """Fine-tuning seed."""
    device: str = "cpu"

    @property
    def candidate(self) -> Candidate:
        """Candidate of which it is a trial."""
        return Candidate(self.learning_rate, self.epochs, self.warmup_share)


def hold_out(examples: Examples) -> tuple[Examples, Examples]:
    """Training examples without a tenth of them, and that tenth; each in the order of the file."""
    order = np.random.default_rng(HOLD_OUT_SEED).permutation(len(examples))
    tenth = max(1, len(examples) // 10)
    return _subset(examples, order[tenth:], "nine tenths"), _subset(examples, order[:tenth], "a tenth")


def better_half(trials: Sequence[Trial]) -> list[Candidate]:
    """The candidates of one rung by mean score over tasks, best first, the upper half of them; ties: first tried."""
    candidates = list(dict.fromkeys(trial.candidate for trial in trials))
    means = {c: np.mean([t.score for t in trials if t.candidate == c]) for c in candidates}
    return sorted(candidates, key=lambda c: -means[c])[: -(-len(candidates) // 2)]


def trials_so_far(out: Path) -> list[Trial]:
    """Reads `trials.csv`."""
    path = out / TRIALS
    if not path.exists():
        return []
    rows = pd.read_csv(path).to_dict("records")
    return [Trial(**{str(name): value for name, value in row.items()}) for row in rows]


@dataclass(frozen=True)
class Verdict:
    """The best candidate against today's recipe, both trained to the end, on the same held-out examples."""

    best: Candidate
    today: Candidate
    of_tasks: dict[str, PairedDifference]
    difference: float
    """Mean over tasks."""
    low: float
    high: float
    """95%, from the tasks' own intervals as if normal."""


def verdict(out: Path, train: Sequence[Examples], today: Candidate) -> Verdict | None:
    """Words the verdict; None until both have been trained to the end on every task, and where today's recipe is the
    best."""
    ended = [trial for trial in trials_so_far(out) if trial.share == 1.0]
    tasks = {examples.task.name for examples in train}
    whole = [
        c for c in dict.fromkeys(t.candidate for t in ended) if tasks <= {t.task for t in ended if t.candidate == c}
    ]
    if today not in whole:
        return None
    best = better_half([trial for trial in ended if trial.candidate in whole])[0]
    if best == today:
        return None
    found = {}
    for examples in train:
        labels = hold_out(examples)[1].labels
        a, b = (predictions_of(examples.task, np.load(logits_file(out, c, examples.task.name))) for c in (best, today))
        found[examples.task.name] = compare(examples.task.metric, a, b, labels)
    errors = [(one.high - one.low) / (2 * _NORMAL_95) for one in found.values()]
    mean = float(np.mean([one.difference for one in found.values()]))
    reach = _NORMAL_95 * float(np.sqrt(np.sum(np.square(errors)))) / len(errors)
    return Verdict(best, today, found, mean, mean - reach, mean + reach)


def as_markdown(trials: Sequence[Trial]) -> str:
    """A row for each candidate and share of its steps: scores of the tasks, their mean, and seconds over all tasks."""
    tasks = list(dict.fromkeys(trial.task for trial in trials))
    head = ["learning rate", "epochs", "warm-up", "steps", *tasks, "mean", "seconds", "processor seconds"]
    rows = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for share in dict.fromkeys(trial.share for trial in trials):
        for c in dict.fromkeys(trial.candidate for trial in trials if trial.share == share):
            of = {trial.task: trial for trial in trials if trial.share == share and trial.candidate == c}
            scores = [f"{of[task].score:.3f}" if task in of else "" for task in tasks]
            mean = f"{np.mean([trial.score for trial in of.values()]):.3f}" if len(of) == len(tasks) else ""
            seconds = [
                f"{sum(getattr(trial, name) for trial in of.values()):,.0f}" for name in ("seconds", "cpu_seconds")
            ]
            cells = [
                f"{c.learning_rate:g}",
                str(c.epochs),
                f"{c.warmup_share:.0%}",
                f"{share:.0%}",
                *scores,
                mean,
                *seconds,
            ]
            rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def logits_file(out: Path, candidate: Candidate, task: str) -> Path:
    """Names the file of the held-out logits of a candidate trained to the end."""
    return out / f"{candidate.name}-{task}.npy"


def append(path: Path, trial: Trial) -> None:
    """The whole table anew and renamed into place: a kill leaves no half row."""
    rows = [*trials_so_far(path.parent), trial]
    partial = path.with_suffix(".partial")
    pd.DataFrame([asdict(row) for row in rows], columns=[f.name for f in fields(Trial)]).to_csv(partial, index=False)
    partial.replace(path)


def _subset(examples: Examples, chosen: NDArray[np.int64], words: str) -> Examples:
    items = tuple(examples.items[i] for i in sorted(chosen))
    return replace(examples, items=items, source=f"{examples.source}, {words}", sha256=examples_sha256(items))
