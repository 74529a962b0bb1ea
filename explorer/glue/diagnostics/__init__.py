"""Sentences written for this project, in five GLUE schemas: no download, and each names what it tests.

Every sentence comes from a hand-written table or template in this package, none from a data set. There are
480 to 504 examples per diagnostic; in every phenomenon each label is as frequent as any other, so a guess
between two classes is right half of the time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from explorer.errors import BadRequest
from explorer.glue.data_hash import examples_sha256
from explorer.glue.diagnostics import acceptability, entailment, paraphrase, sentiment, similarity
from explorer.glue.diagnostics.tables import shuffled
from explorer.glue.tasks import TASKS, Example, Examples, Task

_SEED = 2003


@dataclass(frozen=True)
class Diagnostic:
    """A set of sentences written for this project, and the GLUE tasks whose models it can be scored with."""

    name: str
    title: str
    """Name for the screen."""
    probes: str
    """The GLUE task whose schema it has."""
    also: tuple[str, ...]
    """Other GLUE tasks that ask for the same labels, whatever the order of their class indices."""
    phenomena: tuple[str, ...]
    description: str


_WRITTEN: dict[str, Callable[[], list[Example]]] = {
    "acceptability": acceptability.examples,
    "sentiment": sentiment.examples,
    "paraphrase": paraphrase.examples,
    "similarity": similarity.examples,
    "entailment": entailment.examples,
}

DIAGNOSTICS: dict[str, Diagnostic] = {
    diagnostic.name: diagnostic
    for diagnostic in (
        Diagnostic(
            "acceptability",
            "Acceptability (written for this project)",
            "CoLA",
            (),
            tuple(acceptability.WRITERS),
            "Minimal pairs: an acceptable sentence, and one that breaks a single rule of English grammar.",
        ),
        Diagnostic(
            "sentiment",
            "Sentiment (written for this project)",
            "SST-2",
            (),
            tuple(sentiment.WRITERS),
            "Verdicts on films. In most phenomena, words of praise and of blame occur in both classes, "
            "so that counting them is not enough.",
        ),
        Diagnostic(
            "paraphrase",
            "Paraphrase (written for this project)",
            "MRPC",
            ("QQP",),
            tuple(paraphrase.WRITERS),
            "Pairs of news sentences that say the same, or that share most of their words and do not. "
            "QQP models see statements here instead of questions.",
        ),
        Diagnostic(
            "similarity",
            "Similarity (written for this project)",
            "STS-B",
            (),
            tuple(similarity.WRITERS),
            "Pairs of captions at six distances in meaning, from unrelated (0) to the same (5), "
            "each distance in eight grammatical forms.",
        ),
        Diagnostic(
            "entailment",
            "Entailment (written for this project)",
            "RTE",
            ("WNLI",),
            tuple(entailment.WRITERS),
            "Premises with a hypothesis that follows or does not, each hypothesis as often one as the other.",
        ),
    )
}


def diagnostic_for(task: Task) -> Diagnostic | None:
    """Returns what a model of a task can be scored on; None for MNLI (three classes) and QNLI (questions)."""
    for diagnostic in DIAGNOSTICS.values():
        if task.name in (diagnostic.probes, *diagnostic.also):
            return diagnostic
    return None


def _for_task(example: Example, probes: Task, task: Task) -> Example:
    """Gives the example the class index that the task uses."""
    label = example.label
    if not task.is_regression:
        label = float(task.label_names.index(probes.label_names[int(label)]))
    return Example(example.texts, label, example.phenomenon)


def diagnostic_examples(task: Task) -> Examples:
    """Returns the sentences for a task, shuffled, the same everywhere; raises BadRequest if there are none."""
    diagnostic = diagnostic_for(task)
    if diagnostic is None:
        known = ", ".join(name for name, other in TASKS.items() if diagnostic_for(other))
        raise BadRequest(
            f"No sentences were written for {task.name}.",
            f"There are some for {known}; for {task.name}, use its dev split from a GLUE folder or the Hub.",
        )
    probes = TASKS[diagnostic.probes]
    written = shuffled(_WRITTEN[diagnostic.name](), _SEED)
    items = tuple(_for_task(example, probes, task) for example in written)
    return Examples(task, "dev", items, f"built-in diagnostics: {diagnostic.name}", examples_sha256(items))
