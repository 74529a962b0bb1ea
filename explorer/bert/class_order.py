"""Which output of a classifier is which class of the task: read from the names in its config.json. Imports no torch.

Other people's models order classes as they like: common recipes for MNLI have contradiction, entailment, neutral.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from explorer.errors import BadCheckpoint
from explorer.glue.metrics import FROM_ZERO
from explorer.glue.tasks import Task

How = Literal["own", "names", "permuted", "assumed", "one output"]

_ALSO_CALLED: dict[str, tuple[str, ...]] = {
    "entailment": ("entailed", "entails", "entail"),
    "not entailment": ("not entailed", "non entailment", "no entailment"),
    "neutral": (),
    "contradiction": ("contradicts", "contradictory"),
    "negative": ("neg",),
    "positive": ("pos",),
    "acceptable": ("grammatical",),
    "unacceptable": ("not acceptable", "ungrammatical"),
    "paraphrase": ("equivalent", "duplicate", "is duplicate", "same"),
    "different": ("not paraphrase", "non paraphrase", "not equivalent", "not duplicate", "non duplicate"),
}
"""Other spellings of each of GLUE's `label_names`; case, blanks, '_' and '-' make no difference."""


_NUMERAL = re.compile(r"-?[0-9]{1,3}")


@dataclass(frozen=True)
class ClassOrder:
    """Record of how a checkpoint's outputs became the classes of the task."""

    how: How
    """'own': a classifier made by this program. 'names': the names say that the order is the task's. 'permuted': the
    names say another order, and the outputs were put into the task's. 'assumed': there are no names. 'one output':
    regression."""
    rows: tuple[int, ...]
    """For each class of the task, in order, the checkpoint's output (row of its classifier) that stands for it."""
    names: tuple[str, ...]
    """What the checkpoint calls its outputs, in its own order; empty for 'own'."""
    sentence: str
    """Sentence for people that says so; empty for 'own'."""

    @property
    def is_permuted(self) -> bool:
        """Whether the rows of the classifier have to move."""
        return self.rows != tuple(range(len(self.rows)))


def own_order(task: Task) -> ClassOrder:
    """The order of a classifier that this program made: the task's."""
    return ClassOrder("own", tuple(range(task.n_outputs)), (), "")


def class_order(config: Mapping[str, Any], n_outputs: int, task: Task, where: str) -> ClassOrder:
    """Maps the outputs of a fine-tuned classifier to the classes of the task by `id2label` and `label2id`.

    config: config.json as read. n_outputs: rows of the classifier. where: the model, for messages.
    Raises BadCheckpoint where it has another number of outputs, where names contradict each other or are none of the
    task's, and where its `problem_type` is another.
    """
    if n_outputs != task.n_outputs:
        raise BadCheckpoint(
            f"{where} has {n_outputs} outputs; {task.name} needs {task.n_outputs}.",
            "It was fine-tuned for another task.",
        )
    _check_problem(config, task, where)
    if (said := config.get("num_labels")) not in (None, n_outputs):
        raise BadCheckpoint(
            f"{where}/config.json says num_labels {str(said)[:20]}; its classifier has {n_outputs} outputs.",
            "Is it the config.json of these weights?",
        )
    names = output_names(config, n_outputs, where)
    told = ", ".join(names)
    if task.is_regression:
        return ClassOrder(
            "one output",
            (0,),
            names,
            f"Its one output is taken as the {task.label_column if task.own else 'similarity'}.",
        )
    wanted = ", ".join(task.label_names)
    classes = [_class_named(name, task) for name in names]
    if None not in classes and len(set(classes)) == n_outputs:
        how: How = "names"
    else:
        numbers = [output_number(name) for name in names]
        if sorted(number for number in numbers if number is not None) != list(range(n_outputs)):
            raise BadCheckpoint(
                f"{where} names its outputs {told[:120]}; the classes of {task.name} are {wanted}.",
                f"Was it fine-tuned for another task? If not, name them so in `id2label` of its config.json, in the "
                f"order of its outputs: {_example(task)}.",
            )
        classes, how = numbers, "assumed"
    rows = tuple(classes.index(number) for number in range(n_outputs))
    if rows != tuple(range(n_outputs)):
        moved = f"Its outputs are named {told}: they were put into the task's order ({wanted})."
        return ClassOrder("permuted", rows, names, moved)
    if how == "names":
        return ClassOrder(
            "names", rows, names, f"By their names ({told}), its outputs are in the task's order ({wanted})."
        )
    tuned = config.get("finetuning_task")
    other = f" Its config.json says that it was fine-tuned for {str(tuned)[:40]!r}." if tuned else ""
    assumed = f"Its outputs have no names ({told}): they are assumed to be in the task's order ({wanted}).{other}"
    return ClassOrder("assumed", rows, names, assumed)


def below_baseline(order: ClassOrder, task: Task, score: float, baseline: float) -> str:
    """A warning where the full model scores below the baseline; '' where it does not or where the score is nan.

    score: of the full model. baseline: of always naming the most frequent class (0 for a correlation).
    """
    if not score < baseline:
        return ""
    line = f"{baseline:.3f}, which always naming the most frequent class reaches" if task.metric in FROM_ZERO else "0"
    below = f"The full model's {task.metric_words} is {score:.3f}, below {line}."
    if order.how == "assumed":
        return (
            f"{below} The order of its outputs was assumed, and may be another: name them in `id2label` of its "
            f"config.json, in the order of its outputs: {_example(task)}."
        )
    return f"{below} Was it fine-tuned for {task.name}?"


def _example(task: Task) -> str:
    inner = ", ".join(f'"{number}": "{name}"' for number, name in enumerate(task.label_names))
    return f'"id2label": {{{inner}}}'


def _check_problem(config: Mapping[str, Any], task: Task, where: str) -> None:
    kind = config.get("problem_type")
    fits = (None, "regression") if task.is_regression else (None, "single_label_classification")
    if kind not in fits:
        raise BadCheckpoint(
            f"{where} says in config.json that its problem is {str(kind)[:40]!r}; {task.name} is {fits[1]!r}.",
            "It was fine-tuned for another task.",
        )


def output_names(config: Mapping[str, Any], n: int, where: str) -> tuple[str, ...]:
    """Says what each output is called: `id2label`, or `label2id` where the former says nothing."""
    by_number = _by_number(config.get("id2label"), n, where)
    numbers = _numbers(config.get("label2id"), where)
    if by_number is None:
        by_number = tuple(f"LABEL_{number}" for number in range(n))
    says_nothing = [output_number(name) for name in by_number] == list(range(n))
    by_name = {number: name for name, number in numbers.items()}
    if all(output_number(name) == number for name, number in numbers.items()):
        return by_number
    raw_labels = all(_NUMERAL.fullmatch(name) for name in numbers) and sorted(numbers.values()) == list(range(n))
    if not says_nothing and raw_labels:  # the data's own labels, which name nothing
        return by_number
    numbered = config.get("id2label") is not None and {output_number(name) for name in numbers} == set(range(n))
    if not says_nothing or numbered:
        at, spelt = ({read(name): number for number, name in enumerate(by_number)} for read in (str, _one_spelling))
        found = {name: at.get(name, spelt.get(_one_spelling(name))) for name in numbers}
        if any(found[name] != number for name, number in numbers.items() if number < n or found[name] is not None):
            raise BadCheckpoint(
                f"{where}/config.json contradicts itself: `id2label` and `label2id` give different names or orders.",
                "Correct the wrong one.",
            )
        return by_number
    if sorted(by_name) != list(range(n)) or len(numbers) != n:
        raise BadCheckpoint(
            f"{where}/config.json: `label2id` does not give each of the {n} outputs one name.", "Correct it."
        )
    return tuple(by_name[number] for number in range(n))


def _by_number(raw: Any, n: int, where: str) -> tuple[str, ...] | None:
    if raw is None:
        return None
    try:
        named = dict(enumerate(raw)) if isinstance(raw, list) else {int(number): name for number, name in raw.items()}
    except (AttributeError, TypeError, ValueError):
        raise BadCheckpoint(f"{where}/config.json: `id2label` is not readable.", "Correct it.") from None
    if sorted(named) != list(range(n)):
        raise BadCheckpoint(
            f"{where}/config.json names {len(named)} outputs in `id2label`; its classifier has {n}.",
            "Is it the config.json of these weights?",
        )
    return tuple(str(named[number]) for number in range(n))


def _numbers(raw: Any, where: str) -> dict[str, int]:
    try:
        return {str(name): int(number) for name, number in (raw or {}).items()}
    except (AttributeError, TypeError, ValueError):
        raise BadCheckpoint(f"{where}/config.json: `label2id` is not readable.", "Correct it.") from None


def _one_spelling(name: str) -> str:
    """A name as any other spelling of it is compared: 'neg' and 'Negative' are one."""
    plain = plain_name(name)
    for word, others in _ALSO_CALLED.items():
        if plain in {plain_name(spelling) for spelling in (word, *others)}:
            return plain_name(word)
    return plain


def plain_name(name: str) -> str:
    """Spells the name of a class as it is compared: without case, blanks, '_' and '-'."""
    return re.sub(r"[\s_-]+", "", name.casefold())


def _class_named(name: str, task: Task) -> int | None:
    """The class of that name, or of that digit where GLUE's own labels are digits. Another spelling of a class counts
    where no class of the task has one of its spellings for a name: own tasks may tell GLUE's synonyms apart."""
    plain = plain_name(name)
    named = [{plain_name(raw), plain_name(word)} for raw, word in zip(task.labels, task.label_names, strict=True)]
    for number, names in enumerate(named):
        if plain in names:
            return number
    for number, word in enumerate(task.label_names):
        also = {plain_name(spelling) for spelling in _ALSO_CALLED.get(word, ())}
        if plain in also and not any(also & names for names in named):
            return number
    return None


def output_number(name: str) -> int | None:
    """Reads the number i of an output that is called 'LABEL_i' or 'i'; None where it has a name of its own."""
    match = re.fullmatch(r"(?:label)?([0-9]{1,3})", plain_name(name))
    return int(match[1]) if match else None
