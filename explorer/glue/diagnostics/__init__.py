"""Sentences written for this project, in five GLUE schemas: no download, and each names what it tests.

Every sentence comes from a hand-written table or template in this package, none from a data set. There are
480 to 728 examples per diagnostic; in every phenomenon each label is as frequent as any other, so a guess
between two classes is right half of the time.

A phenomenon is in the plain part by what it tests, not by what a model makes of it: what decides lies open, and a
careful reader needs one look.

- acceptability: the words are in no order at all; hard: a form is wrong, or words that belong together are far apart.
- sentiment: the verdict is one word of praise or blame; hard: it is turned, weighed or only implied.
- paraphrase: the other pair tells another event; hard: the same words with another role, number, name or negation.
- similarity: the same words, at most in another order; hard: other words or another voice for the same.
- entailment: a part of the premise, or something unrelated; hard: logic, order in time, roles, presupposition.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from explorer.errors import BadRequest
from explorer.glue.data_hash import examples_sha256
from explorer.glue.diagnostics import (
    acceptability,
    entailment,
    paraphrase,
    plain_acceptability,
    plain_entailment,
    plain_paraphrase,
    sentiment,
    similarity,
)
from explorer.glue.diagnostics.tables import Writer, shuffled, tagged
from explorer.glue.tasks import TASKS, Example, Examples, Task

Part = Literal["plain", "hard", "all"]
PARTS: tuple[Part, ...] = ("plain", "hard", "all")

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
    plain: tuple[str, ...]
    """The phenomena of the plain part; the others are the hard part."""
    description: str


_WRITTEN: dict[str, Callable[[], list[Example]]] = {
    "acceptability": acceptability.examples,
    "sentiment": sentiment.examples,
    "paraphrase": paraphrase.examples,
    "similarity": similarity.examples,
    "entailment": entailment.examples,
}

_WRITTEN_LATER: dict[str, dict[str, Writer]] = {
    "acceptability": plain_acceptability.WRITERS,
    "paraphrase": plain_paraphrase.WRITERS,
    "entailment": plain_entailment.WRITERS,
}
"""Not among the sentences that stored attention maps were measured on."""

DIAGNOSTICS: dict[str, Diagnostic] = {
    diagnostic.name: diagnostic
    for diagnostic in (
        Diagnostic(
            "acceptability",
            "Acceptability (written for this project)",
            "CoLA",
            (),
            (*acceptability.WRITERS, *plain_acceptability.WRITERS),
            tuple(plain_acceptability.WRITERS),
            "Pairs of an acceptable sentence and one that is not: it breaks a single rule of English grammar "
            "or, in the plain part, the order of words.",
        ),
        Diagnostic(
            "sentiment",
            "Sentiment (written for this project)",
            "SST-2",
            (),
            tuple(sentiment.WRITERS),
            ("plain adjectives", "intensifier"),
            "Verdicts on films. In most phenomena, words of praise and of blame occur in both classes, "
            "so that counting them is not enough.",
        ),
        Diagnostic(
            "paraphrase",
            "Paraphrase (written for this project)",
            "MRPC",
            ("QQP",),
            (*paraphrase.WRITERS, *plain_paraphrase.WRITERS),
            ("same topic", *plain_paraphrase.WRITERS),
            "Pairs of news sentences that say the same, or that share most of their words and do not. "
            "QQP models see statements here instead of questions.",
        ),
        Diagnostic(
            "similarity",
            "Similarity (written for this project)",
            "STS-B",
            (),
            tuple(similarity.WRITERS),
            ("same wording", "fronted phrase", "there is", "no finite verb"),
            "Pairs of captions at six distances in meaning, from unrelated (0) to the same (5), "
            "each distance in eight grammatical forms.",
        ),
        Diagnostic(
            "entailment",
            "Entailment (written for this project)",
            "RTE",
            ("WNLI",),
            (*entailment.WRITERS, *plain_entailment.WRITERS),
            tuple(plain_entailment.WRITERS),
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


def diagnostic_examples(task: Task, part: Part = "all") -> Examples:
    """Returns the sentences for a task, or a part of them, shuffled, the same everywhere.

    Raises BadRequest if there are none.
    """
    diagnostic = _diagnostic_of(task)
    later = tagged(_WRITTEN_LATER.get(diagnostic.name, {}))
    wanted = [
        example
        for example in [*_WRITTEN[diagnostic.name](), *later]
        if part == "all" or (example.phenomenon in diagnostic.plain) == (part == "plain")
    ]
    return _examples(task, diagnostic, wanted, "" if part == "all" else f", {part} part")


def sentences_of_stored_maps(task: Task) -> Examples:
    """Returns what stored attention maps were drawn from: the diagnostic as it was before its plain part was written.

    Raises BadRequest if there are none.
    """
    diagnostic = _diagnostic_of(task)
    return _examples(task, diagnostic, _WRITTEN[diagnostic.name]())


def _diagnostic_of(task: Task) -> Diagnostic:
    diagnostic = diagnostic_for(task)
    if diagnostic is None:
        known = ", ".join(name for name, other in TASKS.items() if diagnostic_for(other))
        raise BadRequest(
            f"No sentences were written for {task.name}.",
            f"There are some for {known}; for {task.name}, use its dev split from a GLUE folder or the Hub.",
        )
    return diagnostic


def _examples(task: Task, diagnostic: Diagnostic, written: list[Example], part: str = "") -> Examples:
    probes = TASKS[diagnostic.probes]
    items = tuple(_for_task(example, probes, task) for example in shuffled(written, _SEED))
    return Examples(task, "dev", items, f"built-in diagnostics: {diagnostic.name}{part}", examples_sha256(items))
