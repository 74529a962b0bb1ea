"""What a task is, and the nine of GLUE (Wang et al. 2019, arXiv:1804.07461): columns, labels, metric and dev split.

A task that a person made from data of their own is one too: `explorer.glue.own_task`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from explorer.arrays import Float64Array
from explorer.errors import BadRequest

MetricName = Literal["accuracy", "f1", "macro_f1", "matthews", "pearson", "spearman"]
METRIC_WORDS: dict[MetricName, str] = {
    "accuracy": "accuracy",
    "f1": "F1 score",
    "macro_f1": "macro F1 score",
    "matthews": "Matthews correlation",
    "pearson": "Pearson correlation",
    "spearman": "Spearman correlation",
}
"""Name of each metric on screen. F1 is that of the second of two classes; macro F1 is the mean over the classes that
labels or predictions hold."""
Split = Literal["train", "dev"]


@dataclass(frozen=True)
class OwnData:
    """Record of the data that a person's own task was made from: hashes and numbers, and never a sentence."""

    train_sha256: str
    """As `Examples.sha256`; '' where there are no training examples."""
    dev_sha256: str
    dev_share: float | None = None
    """Share of one file's rows that is the dev set, drawn with `split_seed`; None where the dev set came by itself."""
    split_seed: int = 0


@dataclass(frozen=True)
class Task:
    """One task: of GLUE, named as GLUE names it, or a person's own."""

    name: str
    columns: tuple[str, ...]
    """Text columns in the file: one sentence or a pair."""
    label_column: str
    labels: tuple[str, ...]
    """Label strings in the order of their class index; empty for regression."""
    label_names: tuple[str, ...]
    """Names of the labels for the screen, in the same order."""
    metric: MetricName
    dev_rows: int
    """Rows of the dev split; a file of GLUE with fewer is truncated."""
    train_rows: int
    """Rows of the training split, 0 where an own task has none; a file of GLUE with fewer is truncated."""
    dev_file: str = ""
    """In a GLUE folder; '' for an own task, as all that follows on GLUE's files."""
    train_file: str = ""
    hub_config: str = ""
    hub_dev_split: str = ""
    hub_columns: tuple[str, ...] = ()
    header: tuple[str, ...] | None = None
    """Column names of a file that has no header line (CoLA)."""
    leaves_out_short_rows: bool = False
    """Whether the official files hold rows that are cut short, which the Hub's loader leaves out as well (QQP): the
    documented numbers of rows are without them."""
    own: OwnData | None = None
    """What its data were, where it is a person's own; None for a task of GLUE."""

    @property
    def is_pair(self) -> bool:
        """Whether an example is two sentences."""
        return len(self.columns) == 2

    @property
    def metric_words(self) -> str:
        """The metric as a sentence names it: 'accuracy', 'Pearson correlation'."""
        return METRIC_WORDS[self.metric]

    @property
    def is_regression(self) -> bool:
        """Whether labels are numbers (STS-B, 0 to 5; an own task's may be any)."""
        return not self.labels

    @property
    def n_outputs(self) -> int:
        """Logits per example: classes, or 1 for regression."""
        return len(self.labels) or 1


@dataclass(frozen=True)
class Example:
    """One labelled example. Its phenomenon is named only where the sentences were written for this project."""

    texts: tuple[str, ...]
    label: float
    """Class index, or the value itself for regression."""
    phenomenon: str = ""


@dataclass(frozen=True)
class Examples:
    """A split of a task, in file order, with where it came from."""

    task: Task
    split: Split
    items: tuple[Example, ...]
    source: str
    """In words, for the screen: 'GLUE folder', 'Hugging Face Hub', 'built-in diagnostics', or that it is the person's
    own file and not the official one."""
    sha256: str
    """Over texts and labels: what every cached number is tied to."""
    is_official: bool = True
    """False for a file of a GLUE folder that has another number of rows than GLUE's split."""

    def __len__(self) -> int:
        return len(self.items)

    @property
    def labels(self) -> Float64Array:
        """Class indices or regression values, (n,)."""
        return np.array([item.label for item in self.items], dtype=np.float64)


def _task(
    name: str,
    columns: tuple[str, ...],
    labels: tuple[tuple[str, str], ...],
    dev_rows: int,
    train_rows: int,
    *,
    metric: MetricName = "accuracy",
    label_column: str = "label",
    dev_file: str = "dev.tsv",
    hub_config: str = "",
    hub_dev_split: str = "validation",
    hub_columns: tuple[str, ...] = (),
    header: tuple[str, ...] | None = None,
    leaves_out_short_rows: bool = False,
) -> Task:
    return Task(
        name=name,
        columns=columns,
        label_column=label_column,
        labels=tuple(raw for raw, _ in labels),
        label_names=tuple(word for _, word in labels),
        metric=metric,
        dev_file=dev_file,
        train_file="train.tsv",
        dev_rows=dev_rows,
        train_rows=train_rows,
        hub_config=hub_config or name.lower(),
        hub_dev_split=hub_dev_split,
        hub_columns=hub_columns or columns,
        header=header,
        leaves_out_short_rows=leaves_out_short_rows,
    )


_ENTAILMENT = (("entailment", "entailment"), ("not_entailment", "not entailment"))
_PARAPHRASE = (("0", "different"), ("1", "paraphrase"))

TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        _task(
            "CoLA",
            ("sentence",),
            (("0", "unacceptable"), ("1", "acceptable")),
            1043,
            8551,
            metric="matthews",
            header=("source", "label", "original_label", "sentence"),
        ),
        _task("SST-2", ("sentence",), (("0", "negative"), ("1", "positive")), 872, 67349, hub_config="sst2"),
        _task(
            "MRPC",
            ("#1 String", "#2 String"),
            _PARAPHRASE,
            408,
            3668,
            label_column="Quality",
            hub_columns=("sentence1", "sentence2"),
        ),
        _task(
            "STS-B",
            ("sentence1", "sentence2"),
            (),
            1500,
            5749,
            metric="pearson",
            label_column="score",
            hub_config="stsb",
        ),
        _task(
            "QQP",
            ("question1", "question2"),
            _PARAPHRASE,
            40430,
            363846,
            label_column="is_duplicate",
            leaves_out_short_rows=True,
        ),
        _task(
            "MNLI",
            ("sentence1", "sentence2"),
            (("entailment", "entailment"), ("neutral", "neutral"), ("contradiction", "contradiction")),
            9815,
            392702,
            label_column="gold_label",
            dev_file="dev_matched.tsv",
            hub_dev_split="validation_matched",
            hub_columns=("premise", "hypothesis"),
        ),
        _task("QNLI", ("question", "sentence"), _ENTAILMENT, 5463, 104743),
        _task("RTE", ("sentence1", "sentence2"), _ENTAILMENT, 277, 2490),
        _task("WNLI", ("sentence1", "sentence2"), (("0", "not entailment"), ("1", "entailment")), 71, 635),
    )
}


def task_named(name: str) -> Task:
    """Finds a task of GLUE by its name in any case; raises BadRequest naming all nine."""
    for task in TASKS.values():
        if task.name.lower() == name.strip().lower():
            return task
    raise BadRequest(f"There is no GLUE task named {name!r}.", f"The tasks are {', '.join(TASKS)}.")
