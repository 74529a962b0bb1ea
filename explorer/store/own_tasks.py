"""Own tasks of a bundle, each a file tasks/NAME.json; and where their data lie on this machine, outside of bundles."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from explorer.errors import BadBundle, BadData, BadRequest
from explorer.foreign import Unreadable, json_of, text_of
from explorer.glue.own_data import read_own
from explorer.glue.own_rows import Place
from explorer.glue.own_task import RESTORE, task_from_json, task_to_json
from explorer.glue.tasks import TASKS, Examples, Split, Task, task_named
from explorer.store.user_folders import cache_folder

FOLDER = "tasks"
"""In a bundle, beside its models."""
LARGEST = 2**18
"""Bytes of a definition: a hundred classes of the longest labels and names, in any script, have 160 KB."""


def definition(root: Path, name: str) -> Path:
    """Names the file that defines an own task of a bundle."""
    return root / FOLDER / f"{name}.json"


def is_known(root: Path | None, name: str) -> bool:
    """Tells whether a name is that of a task of GLUE, or of one that a bundle defines."""
    return name in TASKS or (root is not None and definition(root, name).is_file())


def task_of(root: Path, name: str) -> Task:
    """Finds a task by the name that manifests have: of GLUE, or an own one of the bundle. Raises BadBundle."""
    if name in TASKS:
        return TASKS[name]
    path = definition(root, name)
    try:
        text = text_of(path, LARGEST)
    except (OSError, Unreadable):
        raise BadBundle(
            f"{name} is no task of GLUE, and {path} does not define it.", "Restore that file, or name another task."
        ) from None
    task = _read(text, str(path))
    if task.name != name:
        raise BadBundle(f"{path} defines {task.name}.", f"Call it {task.name}.json.")
    return task


@lru_cache(maxsize=64)
def _read(text: str, where: str) -> Task:
    return task_from_json(text, where)


def own_tasks(root: Path) -> tuple[str, ...]:
    """Lists the names of a bundle's own tasks, sorted."""
    return tuple(sorted(path.stem for path in (root / FOLDER).glob("*.json")))


def tasks_in_order(names: Iterable[str]) -> list[str]:
    """Sorts names of tasks, each once: GLUE's as GLUE lists them, then own ones by the alphabet."""
    found = set(names)
    return [name for name in TASKS if name in found] + sorted(found - TASKS.keys())


def task_as_typed(root: Path, name: str) -> Task:
    """Finds a task as a person names it: GLUE's in any case, else the bundle's own. Raises BadRequest naming all."""
    own = own_tasks(root)
    if name.strip() in own:
        return task_of(root, name.strip())
    try:
        return task_named(name)
    except BadRequest as error:
        if own:
            raise BadRequest(error.wrong, f"{error.mend} This bundle's own: {', '.join(own)}.") from None
        raise BadRequest(error.wrong, f"{error.mend} Of your own data: --data FILE --text COLUMN.") from None


def require_same_task(root: Path, task: Task) -> bool:
    """Tells whether a bundle defines that task; it does not where the file of its name is no definition. Raises
    BadRequest where it defines another one of that name."""
    if not definition(root, task.name).is_file():
        return False
    try:
        there = task_of(root, task.name)
    except BadBundle as error:
        if error.mend != RESTORE:
            raise
        return False
    if there != task:
        raise BadRequest(
            f"{root} has another task named {task.name}, of other data, columns, classes or metric.",
            "Give this one another name: --task NAME; or name another --bundle.",
        )
    return True


def write_task(root: Path, task: Task) -> None:
    """Writes an own task into a bundle, in the place of a file that is no definition too. Raises BadRequest where
    another one has its name there, or runs of other examples, and where no definition can hold it; BadBundle where it
    cannot be written."""
    path, text = definition(root, task.name), _readable(task)
    try:
        if require_same_task(root, task):
            return
        _require_its_runs(root, task)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.part")
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise BadBundle(f"{path} cannot be written ({error.strerror}).", "Name another --bundle.") from None


def _readable(task: Task) -> str:
    """The definition's text; raises BadRequest unless what is written is what will be read."""
    try:
        text = task_to_json(task)
        if task_from_json(text, task.name) == task and len(text.encode("utf-8")) <= LARGEST:
            return text
        why = "it would not be read as it is"
    except (BadBundle, UnicodeEncodeError) as error:
        why = error.wrong.rstrip(".") if isinstance(error, BadBundle) else "half a character"
    raise BadRequest(f"No bundle can hold the task {task.name} ({why}).", "Change its columns, classes or metric.")


def _require_its_runs(root: Path, task: Task) -> None:
    """Raises BadRequest where runs lie under the name of a task that were made of other examples or classes."""
    assert task.own is not None
    for path in root.glob(f"*/{task.name}/seed_*/finetune/manifest.json"):
        with suppress(OSError, Unreadable, TypeError, KeyError):  # what is no manifest is told by whoever reads it
            if json_of(text_of(path))["data"]["dev"]["sha256"] != task.own.dev_sha256:
                raise BadRequest(
                    f"{path.parent.parent} was made of other examples, or of other classes, than this task.",
                    f"Delete that folder, or give this task another name than {task.name}: --task NAME.",
                )


def remember_place(task: Task, place: Place) -> bool:
    """Notes where a task's data lie, in this user's cache folder; whether it could."""
    try:
        path = _noted(task)
        path.parent.mkdir(parents=True, exist_ok=True)
        told = {"data": _absolute(place.data), "dev": _absolute(place.dev)}
        path.write_text(json.dumps(told), encoding="utf-8")
    except (OSError, RuntimeError):
        return False
    return True


def place_of(task: Task) -> Place | None:
    """Reads where a task's data were when they were last read on this machine; None where nothing is noted."""
    told: object = None
    with suppress(OSError, RuntimeError, Unreadable):
        told = json_of(text_of(_noted(task), LARGEST))
    if not isinstance(told, Mapping) or not all(isinstance(told.get(name), str) for name in ("data", "dev")):
        return None
    return Place(told["data"], told["dev"])


def examples_at(task: Task, place: Place | None, split: Split) -> Examples:
    """Reads a split of an own task from there, else from where its data last were; raises BadData with what to do."""
    found = place or place_of(task)
    if found is None:
        raise BadData(
            f"Nothing says where the data of {task.name} lie on this machine.",
            f"Name the file that it was made from: --task {task.name} --data FILE.",
        )
    splits = _read_once(task, found)
    if split not in splits:
        raise BadData(
            f"{task.name} has no training examples: it was made to score a model that is fine-tuned already.",
            "Define another task with --data TRAIN --dev DEV to train on.",
        )
    return splits[split]


@lru_cache(maxsize=4)
def _read_once(task: Task, place: Place) -> Mapping[Split, Examples]:
    return read_own(task, place)


def _noted(task: Task) -> Path:
    """By the hashes of the data: every bundle with a task of these data finds them."""
    assert task.own is not None
    told = json.dumps([task.own.train_sha256, task.own.dev_sha256, task.columns, task.label_column])
    return cache_folder() / "data" / f"{hashlib.sha256(told.encode()).hexdigest()}.json"


def _absolute(source: str) -> str:
    return source if not source or source.startswith("hub:") else str(Path(source).expanduser().absolute())
