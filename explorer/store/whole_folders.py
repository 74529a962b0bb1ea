"""Folders that are there whole or not at all: written aside, exchanged in one step, what the killed left cleared away.

Beside a folder NAME lie, while it is written, `.lock-NAME` (who does) and `.partial-NAME-…` (what is not whole yet)
and, where the system cannot exchange two folders in one step, for an instant `.old-NAME-…` with the one before in it.
The lock is free once its holder is dead (`folder_locks.py`): what lies beside a free one is left over.
"""

from __future__ import annotations

import ctypes
import functools
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

from explorer.store.folder_locks import (
    LOCK,
    Told,
    acquire,
    lock_of,
    release,
    short_name,
    try_lock,
    undisturbed,
    writer_of,
)

_PARTIAL, _OLD = ".partial-", ".old-"
_RANDOM = re.compile(r"(?:(?P<name>.+)-)?[a-z0-9_]{8}")
"""What mkdtemp ends names with; versions before this one put nothing before it."""
_HERE, _EXCHANGE = -100, 2
"""AT_FDCWD and RENAME_EXCHANGE of Linux."""
_HELD: ContextVar[frozenset[Path]] = ContextVar("folders that this thread is the writer of", default=frozenset())


@contextmanager
def sole_writer(target: Path, on_wait: Told | None = None) -> Iterator[None]:
    """Makes this thread the one writer of a folder as long as the block lasts; within it, it may ask for that again.

    on_wait: told who else is writing the folder, before this waits for that one to end, or to be killed. None: raises
    BadBundle instead, with the same words. What killed writers left beside the folder is cleared first, and a folder
    that was lost between two renames is put back. Raises OSError where nothing can be written there.
    """
    target = _resolved(target)
    if target in _HELD.get():
        yield
        return
    made = [folder for folder in target.parents if not folder.exists()]
    lock = acquire(target, on_wait)
    held = _HELD.set(_HELD.get() | {target})
    try:
        _clear_beside(target.parent, target)
        yield
    finally:
        _HELD.reset(held)
        release(target, lock)
        with suppress(OSError):  # not empty, or another one's by now
            for folder in made:
                folder.rmdir()


@contextmanager
def written_aside(target: Path, on_wait: Told | None = None) -> Iterator[Path]:
    """Yields a new folder beside `target`, which takes its place when the block ends, and goes when it raises.

    A reader sees the folder before or the new one whole. on_wait, and what is raised, as `sole_writer` has it.
    """
    target = _resolved(target)
    with sole_writer(target, on_wait):
        partial = Path(tempfile.mkdtemp(prefix=f"{_PARTIAL}{short_name(target.name)}-", dir=target.parent))
        try:
            yield partial
            partial.chmod(0o755)  # mkdtemp makes it private
            _swap(partial, target)
        finally:
            _remove(partial)


def put_back(target: Path) -> None:
    """Puts a folder back that a killed writer had moved out of the way; does nothing where there is none, or it cannot.

    For readers, who call it where the folder is missing.
    """
    if not os.path.lexists(target) and any(target.parent.glob(f"{_OLD}*")):
        with suppress(OSError):
            _clear_beside(_resolved(target).parent, None, (_OLD,))


def _clear_beside(folder: Path, mine: Path | None, kinds: tuple[str, ...] = (_PARTIAL, _OLD, LOCK)) -> None:
    """Clears what killed writers left in a folder, apart from what someone is writing; `mine` is known to be free.

    kinds: how names begin. An `.old-` folder is put back first where its place is empty.
    """
    with undisturbed(folder):
        for path in sorted(path for path in folder.iterdir() if path.name.startswith(kinds)):
            name = _written(path)
            target = folder / name if name else None
            if target == mine and path.name.startswith(LOCK):
                continue
            with suppress(OSError):
                if target in (None, mine):
                    _clear(path)
                elif target is not None and target not in _HELD.get():
                    _clear_if_free(path, target)


def _clear_if_free(path: Path, target: Path) -> None:
    """Clears what a writer of another folder left, where it has none."""
    lock, is_free = try_lock(lock_of(target))
    try:
        if is_free:
            _clear(path)
    finally:
        if is_free:
            release(target, lock)
        elif lock is not None:
            os.close(lock)


def leftover_words(path: Path) -> str:
    """Words what a file or folder is that a write left or is using, and what to do about it; '' for any other."""
    if not path.name.startswith((_PARTIAL, _OLD, LOCK)):
        return ""
    name = _written(path)
    target = path.parent / name if name else None
    if target and (who := writer_of(target)):
        return f"{target} is being written by {who}: wait until that is done, or stop it."
    if path.name.startswith(_OLD) and target and not target.exists():
        return f"{path} holds {target} as it was before a killed write: the next command that reads it puts it back."
    return f"{path} is left of a killed write: the next command that writes beside it clears it, and so may you."


def _resolved(target: Path) -> Path:
    """Gives the one name of a folder; a link in its own place is not followed."""
    target = Path(os.path.abspath(target))  # noqa: PTH100  # resolve() would follow a link in its own place
    return target.parent.resolve() / target.name


def _written(path: Path) -> str:
    """The name of the folder that was being written; '' where it is not told."""
    kind, _, rest = path.name[1:].partition("-")
    if f".{kind}-" == LOCK:
        return rest
    match = _RANDOM.fullmatch(rest)
    inside = sorted(path.iterdir()) if f".{kind}-" == _OLD and path.is_dir() else []
    return (match and match["name"]) or (inside[0].name if inside else "")


def _clear(path: Path) -> None:
    if path.name.startswith(LOCK):
        path.unlink(missing_ok=True)
        return
    if path.name.startswith(_OLD) and path.is_dir():
        for old in path.iterdir():
            if not os.path.lexists(path.parent / old.name):
                old.rename(path.parent / old.name)
    _remove(path)


def _remove(path: Path) -> None:
    if path.is_symlink() or path.is_file():  # what lay in the folder's place was a link or a file
        path.unlink(missing_ok=True)
    else:
        shutil.rmtree(path, ignore_errors=True)


def _swap(partial: Path, target: Path) -> None:
    if not os.path.lexists(target):
        partial.rename(target)
    elif not _exchange(partial, target):
        old = Path(tempfile.mkdtemp(prefix=f"{_OLD}{short_name(target.name)}-", dir=target.parent))
        target.rename(old / target.name)  # whoever is killed here leaves it to the next reader or writer to put back
        partial.rename(target)
        _remove(old)


def _exchange(one: Path, other: Path) -> bool:
    """Gives each the other's name in one step; False, and nothing done, where system or file system cannot."""
    rename = _renameat2()
    return rename is not None and rename(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0


@functools.cache
def _renameat2() -> Callable[[int, bytes, int, bytes, int], int] | None:
    try:
        found = ctypes.CDLL(None).renameat2
    except (AttributeError, OSError, TypeError):
        return None
    found.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
    found.restype = ctypes.c_int
    rename: Callable[[int, bytes, int, bytes, int], int] = found
    return rename
