"""Options that every stage shares, and what they open."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from explorer.bert.model_names import name_in_bundle
from explorer.errors import BadRequest
from explorer.glue.own_data import OwnTask, define, shared_texts
from explorer.glue.own_rows import Place, Reading
from explorer.glue.sources import load_examples
from explorer.glue.tasks import Examples, Split, Task
from explorer.paths import expanded
from explorer.store.bundle import Bundle
from explorer.store.own_tasks import (
    examples_at,
    own_tasks,
    remember_place,
    require_same_task,
    task_as_typed,
    task_of,
    write_task,
)
from explorer.store.schema import Key, Run


@dataclass(frozen=True)
class Options:
    """What a stage works on, and where."""

    task: Task
    seed: int
    model: str
    """'minilm', a Hub id, a folder, or the model's name in the bundle."""
    bundle: Bundle
    glue_dir: Path | None = None
    device: str = "cpu"
    """'cpu' or 'cuda', resolved."""
    place: Place | None = None
    """Where the data of an own task were said to lie; None asks where they lay last."""
    given: Mapping[str, object] = field(default_factory=dict)
    """Name -> value of the options of the stage that is made, for the command that makes it again."""

    @property
    def run(self) -> Run:
        """Which run of the bundle this is about."""
        return Run(name_in_bundle(self.model), self.task.name, self.seed)

    @property
    def source(self) -> str:
        """The folder, Hub id or 'minilm' that is meant: where `model` is the name of a model of the bundle, or its Hub
        id without the commit, the source that this was made from."""
        stored = self.bundle.source_of(self.run)
        named = self.model in (self.run.model, stored.partition("@")[0]) and not expanded(self.model).exists()
        return stored if stored and named else self.model

    def key(self, stage: str, variant: str = "") -> Key:
        """Names an artefact of this run."""
        return Key(self.run, stage, variant)

    def examples(self, split: Split, file: str | None = None) -> Examples:
        """Reads the task's split from the folder, GLUE_DIR or the Hub, an own task's from its file; once a process."""
        if self.task.own:
            refuse_train_file(file)
            return examples_at(self.task, self.place, split)
        return _read_once(self.task, split, self.glue_dir, file)

    def doubts(self) -> tuple[str, ...]:
        """Sentences on an own task's data that training goes on with all the same; none on GLUE's, as published."""
        told = shared_texts(self.examples("train"), self.examples("dev")) if self.task.own else ""
        return (told,) if told else ()


@dataclass(frozen=True)
class OwnGiven:
    """What the options of the command line say of data of one's own."""

    place: Place
    reading: Reading


Defining = Callable[[str, OwnGiven], OwnTask]
"""Makes a task of that name of the data."""


def as_read(name: str, own: OwnGiven) -> OwnTask:
    """Defines a task by its data alone: classes in the order of their labels. Raises as `own_data.define`."""
    return define(name, own.place, own.reading)


def _own_task(root: Path, name: str, own: OwnGiven, defining: Defining, *, writes: bool) -> tuple[Task, Place]:
    """The task that is meant: one of the bundle, whose data lie there now, or a new one."""
    known = name in own_tasks(root)
    if known and replace(own.reading, dev_only=False) == Reading():
        task = task_of(root, name)
        examples_at(task, own.place, "dev")  # are they its data?
    else:
        if not own.reading.text:
            raise BadRequest("Nothing says which column holds the text.", "Give --text COLUMN, or two: --text A,B.")
        task = defining(name, own).task
        if known and not writes:
            require_same_task(root, task)
    keep(root, task, own.place, writes=writes)
    return task, own.place


def keep(root: Path, task: Task, place: Place, *, writes: bool) -> None:
    """Notes where a task's data lie, in this user's cache folder; writes: its definition into the bundle too."""
    if writes:
        write_task(root, task)
    remember_place(task, place)


@cache
def _read_once(task: Task, split: Split, glue_dir: Path | None, file: str | None) -> Examples:
    return load_examples(task, split, glue_dir, file=file)


def options(
    task: str,
    seed: int,
    model: str,
    bundle: Path,
    glue_dir: Path | None,
    device: str,
    *splits: Split,
    train_file: str | None = None,
    own: OwnGiven | None = None,
    defining: Defining = as_read,
    writes: bool = False,
) -> Options:
    """Checks what was given and reads the splits that will be needed, so that errors come before torch is imported.

    task, seed, model: the run. bundle: where it is or will be. glue_dir: the folder in the official layout; None asks
    GLUE_DIR, then the Hub. device: auto, cpu or cuda. splits: what to read now. train_file: another training file.
    Raises BadRequest on an unknown task, an impossible seed, a name that no folder can have or a device that is not
    there; BadData on the data.

    own: what was said of data of one's own; None: nothing. defining: makes a task of them. writes: whether a task that
    it defines is put into the bundle.
    """
    if not 0 <= seed < 2**31:
        raise BadRequest(f"The seed {seed} is not from 0 to {2**31 - 1}.")
    root = expanded(bundle)
    if own is None:
        known, place = task_as_typed(root, task), None
    else:
        known, place = _own_task(root, task, own, defining, writes=writes)
    made = Options(known, seed, model, Bundle(root), glue_dir and expanded(glue_dir), place=place)
    _ = made.run
    for split in splits:
        made.examples(split, train_file if split == "train" else None)
    return replace(made, device=resolved_device(device))


def require_device_name(device: str) -> None:
    """Raises BadRequest where no device is called so; whether this machine has it takes torch to say."""
    if device not in ("auto", "cpu", "cuda"):
        raise BadRequest(f"There is no device {device!r}.", "Use auto, cpu or cuda.")


def refuse_train_file(file: str | None) -> None:
    """Raises BadRequest where another training file is named for an own task."""
    if file:
        raise BadRequest("A training file is named in a GLUE folder.", "Leave out --train-file; give --data.")


def refuse_glue_dir(glue_dir: Path | None, *tasks: Task) -> None:
    """Raises BadRequest where a GLUE folder is named for tasks none of which is read from one."""
    if glue_dir and tasks and all(task.own for task in tasks):
        raise BadRequest(
            f"--glue-dir names GLUE's files; {tasks[0].name} is a task of your own data.",
            "Leave it out; --data FILE says where those lie.",
        )


def resolved_device(device: str) -> str:
    """Turns 'auto' into 'cuda' where there is one; raises BadRequest where the device is unknown or absent."""
    require_device_name(device)
    if device == "cpu":
        return device
    import torch  # late: bad options and missing data are told before seconds go into importing it

    if device == "cuda" and not torch.cuda.is_available():
        raise BadRequest("This machine has no usable CUDA device.", "Use --device cpu or --device auto.")
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return device


def device_words(device: str) -> str:
    """Names a device for people: how many threads, or which GPU."""
    import torch

    if device == "cuda":
        return f"cuda ({torch.cuda.get_device_name()})"
    threads = torch.get_num_threads()
    return f"cpu ({threads} thread{'s' * (threads > 1)})"
